import type Stripe from "stripe";
import * as z from "zod";
import { amountText, assertInSteps } from "./currencies.ts";
import { emit } from "./events.ts";
import { pageOf } from "./lists.ts";
import { integer, mergedMetadata, metadata, paging, paramsOf, text } from "./params.ts";
import { conflicting, invalid } from "./refusals.ts";
import { get, post } from "./route.ts";
import { type Charge, type Context, found, newId, type Refund } from "./state.ts";

/** Refunds: money given back, in whole or in parts. */

type Wanted = { amount: number | null; reason: Refund["reason"]; metadata: Record<string, string> };

/** Gives back a part of a charge, or all that is left of it (`amount` null). */
export function refundCharge(context: Context, charge: Charge, wanted: Wanted): Refund {
  const { account, nowSeconds } = context;
  const left = charge.amount_captured - charge.amount_refunded;
  if (charge.status !== "succeeded")
    throw conflicting(`Charge ${charge.id} cannot be refunded: its status is ${charge.status}.`);
  if (left === 0)
    throw conflicting(`Charge ${charge.id} has already been refunded.`, { code: "charge_already_refunded" });
  if (charge.disputed)
    throw conflicting(`Charge ${charge.id} has been charged back; cannot issue a refund.`, { code: "charge_disputed" });
  const amount = wanted.amount ?? left;
  if (amount < 1) throw invalid("Invalid positive integer", { code: "parameter_invalid_integer", param: "amount" });
  if (amount > left)
    throw conflicting(
      `Refund amount (${amountText(amount, charge.currency)}) is greater than unrefunded amount on charge (${amountText(left, charge.currency)})`,
      { param: "amount" },
    );
  assertInSteps(amount, charge.currency);
  const refund: Refund = {
    id: newId(account, "re"),
    object: "refund",
    amount,
    balance_transaction: newId(account, "txn"),
    charge: charge.id,
    created: nowSeconds,
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: { card: { type: "refund" }, type: "card" },
    metadata: wanted.metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: wanted.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: "succeeded",
    transfer_reversal: null,
  };
  account.refunds[refund.id] = refund;
  const before = { amount_refunded: charge.amount_refunded, refunded: charge.refunded };
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount_captured;
  emit(context, "charge.refunded", charge, before);
  emit(context, "refund.created", refund);
  return refund;
}

/** The customer's bank did not take it: the money is on the charge again. */
export function failRefund(context: Context, id: string): Refund {
  const { account } = context;
  const refund = found(account.refunds, "refund", id);
  const charge = account.charges[String(refund.charge)];
  if (refund.status !== "succeeded" || charge === undefined) throw conflicting(`The refund ${id} is ${refund.status}.`);
  Object.assign(refund, {
    status: "failed",
    failure_reason: "expired_or_canceled_card",
    failure_balance_transaction: newId(account, "txn"),
  });
  charge.amount_refunded -= refund.amount;
  charge.refunded = false;
  const before = { status: "succeeded" };
  emit(context, "charge.refund.updated", refund, before);
  emit(context, "refund.updated", refund, before);
  emit(context, "refund.failed", refund);
  return refund;
}

/** The charge that paid this intent; Stripe's refusal where none did. */
export function chargeOf({ account }: Context, intentId: string): Charge {
  const intent = found(account.paymentIntents, "payment_intent", intentId, "payment_intent");
  const charge = account.charges[intent.latest_charge ?? ""];
  if (intent.status !== "succeeded" || charge === undefined)
    throw conflicting(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`);
  return charge;
}

const Create = paramsOf<Stripe.RefundCreateParams>()({
  amount: integer.optional(),
  charge: text().optional(),
  metadata: metadata.optional(),
  payment_intent: text().optional(),
  reason: z.enum(["duplicate", "fraudulent", "requested_by_customer"]).optional(),
});

export const refundRoutes = [
  post("/v1/refunds", "refund", Create, (context, params) => {
    if (params.charge === undefined && params.payment_intent === undefined)
      throw invalid("One of the following params should be provided for this request: payment_intent or charge.", {
        code: "parameter_missing",
      });
    const charge =
      params.charge === undefined
        ? chargeOf(context, params.payment_intent ?? "")
        : found(context.account.charges, "charge", params.charge, "charge");
    return refundCharge(context, charge, {
      amount: params.amount ?? null,
      reason: params.reason ?? null,
      metadata: mergedMetadata({}, params.metadata),
    });
  }),
  get("/v1/refunds/:id", "refund", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.refunds, "refund", id),
  ),
  get(
    "/v1/refunds",
    "refund",
    z.strictObject({ ...paging, charge: text().optional(), payment_intent: text().optional() }),
    ({ account }, params) =>
      pageOf(
        "/v1/refunds",
        account.refunds,
        params,
        ({ charge, payment_intent }) =>
          (params.charge ?? charge) === charge && (params.payment_intent ?? payment_intent) === payment_intent,
      ),
  ),
];
