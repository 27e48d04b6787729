import * as z from "zod";
import { emit } from "./events.ts";
import { pageOf } from "./lists.ts";
import { paging, text } from "./params.ts";
import { conflicting } from "./refusals.ts";
import { get } from "./route.ts";
import { type Charge, type Context, type Dispute, found, newId } from "./state.ts";

/** Disputes: a holder takes his money back through his bank. Only control calls begin and end them. */

const EVIDENCE_SECONDS = 9 * 86_400;

/** Opens a dispute over all of a charge that was not refunded: the money leaves at once. */
export function openDispute(context: Context, charge: Charge, reason: string): Dispute {
  const { account, nowSeconds } = context;
  const amount = charge.amount_captured - charge.amount_refunded;
  if (charge.status !== "succeeded" || charge.disputed || amount === 0)
    throw conflicting(`Charge ${charge.id} holds nothing that could be disputed.`);
  const dispute: Dispute = {
    id: newId(account, "du"),
    object: "dispute",
    amount,
    balance_transactions: [],
    charge: charge.id,
    created: nowSeconds,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    // Nobody has handed anything in: each of its fields would be null.
    evidence: {} as Dispute["evidence"],
    evidence_details: {
      due_by: nowSeconds + EVIDENCE_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: "not_submitted",
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: { brand: "visa", case_type: "chargeback", network: "visa", network_reason_code: "10.4" },
      type: "card",
    },
    reason,
    status: "needs_response",
  };
  account.disputes[dispute.id] = dispute;
  charge.disputed = true;
  emit(context, "charge.dispute.created", dispute);
  emit(context, "charge.dispute.funds_withdrawn", dispute);
  return dispute;
}

/** The bank decides. Won: the money comes back. */
export function closeDispute(context: Context, id: string, status: "won" | "lost"): Dispute {
  const dispute = found(context.account.disputes, "dispute", id);
  if (dispute.status !== "needs_response") throw conflicting(`Dispute ${id} is ${dispute.status} already.`);
  dispute.status = status;
  emit(context, "charge.dispute.closed", dispute);
  if (status === "won") emit(context, "charge.dispute.funds_reinstated", dispute);
  return dispute;
}

export const disputeRoutes = [
  get("/v1/disputes/:id", "dispute", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.disputes, "dispute", id),
  ),
  get(
    "/v1/disputes",
    "dispute",
    z.strictObject({ ...paging, charge: text().optional(), payment_intent: text().optional() }),
    ({ account }, params) =>
      pageOf(
        "/v1/disputes",
        account.disputes,
        params,
        ({ charge, payment_intent }) =>
          (params.charge ?? charge) === charge && (params.payment_intent ?? payment_intent) === payment_intent,
      ),
  ),
];
