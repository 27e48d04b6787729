import * as z from "zod";
import { minorToE12 } from "../domain/money.ts";
import { DIFFERENCE_KINDS, type Difference, type Reconciliation, SEVERITIES } from "../domain/reconcile.ts";
import { exactTwin, instant, instantText, pagination, sumFields } from "./scalars.ts";

/** Comparisons of our books with Stripe's on the wire. */

export const Reconcile = z
  .object({
    since: instant.optional().meta({
      description: "Payments since then; 35 days when absent. A comparison that is not at its end goes on as it began.",
    }),
  })
  .meta({ id: "Reconcile" });

const DifferenceWire = z
  .object({
    severity: z.enum(SEVERITIES).meta({
      description:
        "CRITICAL: money is not where we say. WARNING: how much differs. INFO: of the last minutes, its event may be on its way.",
    }),
    kind: z.enum(DIFFERENCE_KINDS).meta({
      description:
        "PAID_THERE_ONLY: Stripe has money for what we call unpaid. PAID_HERE_ONLY: the reverse. UNKNOWN_PAYMENT: money by our name for an attempt that we never made.",
    }),
    customerId: z.string().optional(),
    invoiceId: z.string().optional(),
    paymentIntentId: z.string().optional(),
    currency: z.string(),
    ours: z.number().optional(),
    oursExact: exactTwin,
    theirs: z.number().optional(),
    theirsExact: exactTwin,
  })
  .meta({ id: "ReconciliationDifference" });

export const ReconciliationWire = z
  .object({
    id: z.string(),
    state: z.enum(["RUNNING", "DONE", "FAILED"]).meta({ description: "RUNNING: call again to go on." }),
    since: z.iso.datetime(),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().optional(),
    payments: z.int().meta({ description: "Of ours at Stripe, compared so far." }),
    invoices: z.int().meta({ description: "Paid ones of ours, compared so far." }),
    differences: z.int().meta({ description: "All that were found; the first thousand are listed." }),
    failure: z.string().optional(),
  })
  .meta({ id: "Reconciliation" });

export const LastReconciliationWire = z
  .object({ run: ReconciliationWire.optional(), items: z.array(DifferenceWire), pagination })
  .meta({ id: "LastReconciliation" });

export function toWireReconciliation(run: Reconciliation): z.input<typeof ReconciliationWire> {
  const { runId, state, sinceMs, startedAtMs, finishedAtMs, payments, invoices, differences, failure } = run;
  return {
    id: runId,
    state,
    since: instantText(sinceMs),
    startedAt: instantText(startedAtMs),
    ...(finishedAtMs === undefined ? {} : { finishedAt: instantText(finishedAtMs) }),
    payments,
    invoices,
    differences,
    ...(failure === undefined ? {} : { failure }),
  };
}

export function toWireDifference({ oursMinor, theirsMinor, ...rest }: Difference) {
  const { currency } = rest;
  return {
    ...rest,
    ...(oursMinor === undefined ? {} : sumFields("ours", minorToE12(oursMinor, currency))),
    ...(theirsMinor === undefined ? {} : sumFields("theirs", minorToE12(theirsMinor, currency))),
  };
}
