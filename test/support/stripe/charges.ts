import * as z from "zod";
import type { Decline } from "./cards.ts";
import { emit } from "./events.ts";
import { pageOf } from "./lists.ts";
import { paging, text } from "./params.ts";
import { get } from "./route.ts";
import { type Charge, type Context, found, newId, type PaymentIntent, type PaymentMethod } from "./state.ts";

/** Charges: one for each attempt to pay a payment intent. */

/** A new charge of the whole intent; its event leaves at once. */
export function newCharge(
  context: Context,
  intent: PaymentIntent,
  method: PaymentMethod,
  outcome: "succeeded" | "pending" | Decline,
): Charge {
  const { account, nowSeconds } = context;
  const failure = typeof outcome === "string" ? null : outcome;
  const status = typeof outcome === "string" ? outcome : "failed";
  const charge: Charge = {
    id: newId(account, method.type === "card" ? "ch" : "py"),
    object: "charge",
    amount: intent.amount,
    amount_captured: status === "succeeded" ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: status === "succeeded" ? newId(account, "txn") : null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: null,
    captured: status === "succeeded",
    created: nowSeconds,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: outcomeOf(failure),
    paid: status === "succeeded",
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: detailsOf(method),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status,
    transfer_data: null,
    transfer_group: null,
  };
  account.charges[charge.id] = charge;
  intent.latest_charge = charge.id;
  emit(context, `charge.${status}`, charge);
  return charge;
}

function outcomeOf(failure: Decline | null): Charge["outcome"] {
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: failure === null ? "approved_by_network" : "declined_by_network",
    reason: failure?.decline_code ?? null,
    risk_level: "normal",
    seller_message: failure === null ? "Payment complete." : "The bank did not return any further details.",
    type: failure === null ? "authorized" : "issuer_declined",
  };
}

function detailsOf(method: PaymentMethod): Charge["payment_method_details"] {
  const { type, card, us_bank_account } = method;
  const details = card === undefined ? us_bank_account : { ...card, network: card.brand, three_d_secure: null };
  // What a charge tells of a card has fields for cases that the double has not: installments, wallets, networks' tokens.
  return { type, [type]: details } as Charge["payment_method_details"];
}

/** A pending charge comes to its end. */
export function endCharge(context: Context, charge: Charge, failure: Decline | null): void {
  charge.status = failure === null ? "succeeded" : "failed";
  charge.paid = failure === null;
  charge.captured = failure === null;
  charge.amount_captured = failure === null ? charge.amount : 0;
  charge.balance_transaction = failure === null ? newId(context.account, "txn") : null;
  charge.failure_code = failure?.code ?? null;
  charge.failure_message = failure?.message ?? null;
  charge.outcome = outcomeOf(failure);
  emit(context, `charge.${charge.status}`, charge);
}

export const chargeRoutes = [
  get("/v1/charges/:id", "charge", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.charges, "charge", id),
  ),
  get(
    "/v1/charges",
    "charge",
    z.strictObject({ ...paging, customer: text().optional(), payment_intent: text().optional() }),
    ({ account }, params) =>
      pageOf(
        "/v1/charges",
        account.charges,
        params,
        ({ customer, payment_intent }) =>
          (params.customer ?? customer) === customer && (params.payment_intent ?? payment_intent) === payment_intent,
      ),
  ),
];
