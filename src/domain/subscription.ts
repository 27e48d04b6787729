import type { CreditCoverage, PlanCredits } from "./credit.ts";
import type { InvoiceLine } from "./invoice.ts";
import type { Period } from "./period.ts";
import type { PlanVersion } from "./plan.ts";

/**
 * A customer on a plan. Owns the shape of a subscription and what can be read off it alone. Leaves its life to
 * `lifecycle.ts`, `plan-change.ts` and `due.ts`.
 *
 * Laws: INCOMPLETE and CANCELLED have no open period, ACTIVE always has one; a version is never changed once it is pinned.
 */

export const SUBSCRIPTION_STATUSES = ["INCOMPLETE", "ACTIVE", "SUSPENDED", "CANCELLED"] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

export const CANCEL_MODES = ["END_OF_PERIOD", "IMMEDIATE"] as const;
export type CancelMode = (typeof CANCEL_MODES)[number];

export type PlanRef = { planId: string; version: number };

/** A plan version as its subscriber keeps it, with what was said of the plan then. Survives structured clone. */
export type PlanPin = PlanVersion & {
  description?: string;
  /** JSON text. */
  metadata?: string;
  planCreatedAtMs: number;
  planModifiedAtMs: number;
};

export function pinKey({ planId, version }: PlanRef): string {
  return `${planId}/${version}`;
}

/** `DOWNGRADE` to another plan, `MIGRATION` to another version of the same one: carried out when the period ends. */
export type ScheduledChange = PlanRef & {
  number: number;
  type: "DOWNGRADE" | "MIGRATION";
  createdAtMs: number;
  /** The migration that a downgrade stands in place of: it waits again when the downgrade is dropped, for it is the seller's. */
  instead?: ScheduledChange;
};

/**
 * What a line of a paid invoice paid for a time, below 0 where it gave back: the unused share of their sum is given back when the
 * subscription ends at once.
 */
export type Coverage = Period & { amountMinor: number };

export type Subscription = PlanRef & {
  /** 1, 2, 3 … within the customer; the id is made of it. */
  number: number;
  status: SubscriptionStatus;
  createdAtMs: number;
  modifiedAtMs: number;
  /** When it first became ACTIVE: what occurred before is not metered. */
  activatedAtMs?: number;
  gracePeriodDays: number;
  /** UTC day of the month on which its first period started, or a later one that set it anew. */
  anchorDay: number;
  /** The current period; while INCOMPLETE the one that would run if it were paid at once; after the end the last one. */
  period: Period;
  isOpen: boolean;
  /** The versions in force in the open period, in order: the base in arrears is charged by each one's time. */
  inForce: readonly (PlanRef & { startMs: number })[];
  coverage: readonly Coverage[];
  /** The last entry of the credit ledger before the open period; absent: there was none. */
  creditsAfter?: number;
  /** What its plans gave for the open period. Absent: nothing. */
  creditCoverage?: readonly CreditCoverage[];
  /** Credits of paid invoices that wait: for access, or for the payment of an older invoice. */
  paidCredits?: readonly (Period & { credits: readonly PlanCredits[]; invoice: number })[];
  /** How many invoices it has had: the next one's place. */
  invoiceCount: number;
  /** While INCOMPLETE its first invoice; in arrears the PENDING invoice of the open period. */
  openInvoice?: number;
  cancel?: { mode: CancelMode; askedAtMs: number; effectiveAtMs: number };
  scheduled?: ScheduledChange;
  suspendedAtMs?: number;
  endedAtMs?: number;
  /** Lines that wait for the next invoice: credit for corrections of billed periods. */
  owed: readonly InvoiceLine[];
};
