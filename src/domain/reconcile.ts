import type { Uuid } from "./ids.ts";
import { RECONCILE_FRESH_MS } from "./limits.ts";
import type { PaymentStatus } from "./payments.ts";

/**
 * Our books beside the payment provider's. Owns what counts as a difference and how grave it is. Repairs nothing: a difference is for a
 * person to look at, since a wrong repair would hide what went wrong.
 */

export const SEVERITIES = ["CRITICAL", "WARNING", "INFO"] as const;

export const DIFFERENCE_KINDS = [
  /** The provider has money for what we call unpaid. */
  "PAID_THERE_ONLY",
  /** We call paid what the provider has no money for. */
  "PAID_HERE_ONLY",
  /** The provider has money by our name for an attempt that we never made. */
  "UNKNOWN_PAYMENT",
  "AMOUNT_DIFFERS",
  "REFUND_DIFFERS",
] as const;

/** Amounts in minor units: what we say, and what the provider says. */
export type Difference = {
  severity: (typeof SEVERITIES)[number];
  kind: (typeof DIFFERENCE_KINDS)[number];
  customerId?: Uuid;
  invoiceId?: string;
  paymentIntentId?: string;
  currency: string;
  oursMinor?: number;
  theirsMinor?: number;
};

/** A payment as the provider lists it. */
export type PaymentThere = {
  id: string;
  status: "succeeded" | "processing" | "failed" | "cancelled" | "open";
  amountMinor: number;
  refundedMinor: number;
  currency: string;
  createdAtMs: number;
};

/** The attempt that it belongs to, as the customer's object knows it. */
export type PaymentHere = {
  status: PaymentStatus;
  paidMinor: number;
  refundedMinor: number;
  invoiceId?: Uuid;
};

/** Undefined: both say the same. A payment of the last minutes may have its event on its way yet. */
export function differenceOf(
  there: PaymentThere,
  here: PaymentHere | undefined,
  nowMs: number,
): Difference | undefined {
  const { id: paymentIntentId, currency, amountMinor, refundedMinor } = there;
  const about = { paymentIntentId, currency, ...(here?.invoiceId === undefined ? {} : { invoiceId: here.invoiceId }) };
  if (there.status !== "succeeded")
    return here?.status === "COMPLETED"
      ? { ...about, severity: "CRITICAL", kind: "PAID_HERE_ONLY", oursMinor: here.paidMinor, theirsMinor: 0 }
      : undefined;
  const isFresh = nowMs - there.createdAtMs < RECONCILE_FRESH_MS;
  if (here?.status !== "COMPLETED")
    return {
      ...about,
      severity: isFresh ? "INFO" : "CRITICAL",
      kind: here === undefined ? "UNKNOWN_PAYMENT" : "PAID_THERE_ONLY",
      oursMinor: 0,
      theirsMinor: amountMinor,
    };
  if (here.paidMinor !== amountMinor)
    return {
      ...about,
      severity: "WARNING",
      kind: "AMOUNT_DIFFERS",
      oursMinor: here.paidMinor,
      theirsMinor: amountMinor,
    };
  if (here.refundedMinor !== refundedMinor)
    return {
      ...about,
      severity: "WARNING",
      kind: "REFUND_DIFFERS",
      oursMinor: here.refundedMinor,
      theirsMinor: refundedMinor,
    };
  return undefined;
}

/** Where a comparison goes on: in the provider's list, newest first, and then in ours. */
export type ReconcileCursor =
  | { phase: "payments"; after?: string }
  | { phase: "invoices"; after?: { createdAtMs: number; invoiceId: string } };

/** One comparison. RUNNING: there is more to compare, from `cursor` on. `differences` counts all, also those that are not listed. */
export type Reconciliation = {
  accountId: string;
  runId: string;
  state: "RUNNING" | "DONE" | "FAILED";
  sinceMs: number;
  startedAtMs: number;
  finishedAtMs?: number;
  cursor?: ReconcileCursor;
  payments: number;
  invoices: number;
  differences: number;
  failure?: string;
};
