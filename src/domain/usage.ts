import type { E12 } from "./amount.ts";
import type { HeldCredits } from "./credit.ts";
import type { Pricing } from "./pricing.ts";
import type { PlanRef } from "./subscription.ts";

/**
 * Counting. Owns counters, the segments they are cut into, and reservations. Leaves what a unit costs to `pricing.ts`.
 *
 * Laws: a counter is the sum of its metered events; totals outlive periods, plans and versions; segments of a counter follow each
 * other without gap.
 */

/** Units of one feature under one subscription. `used` counts all of them, `billable` those not covered by credits. */
export type Counter = {
  subscription: number;
  featureId: string;
  featureKey: string;
  usedE12: E12;
  billableE12: E12;
  /** What both were when the period began. */
  usedAtStartE12: E12;
  billableAtStartE12: E12;
  /** What happened since the period began or the version in force changed: the next usage line. */
  segment: OpenSegment;
};

export type OpenSegment = {
  startMs: number;
  billableFromE12: E12;
  lateE12: E12;
  events: number;
  firstAtMs?: number;
  lastAtMs?: number;
};

/** A part of a period under one version, closed. Positions are totals of `billable`. Kept for ever: lines are explained by it. */
export type UsageSegment = PlanRef & {
  number: number;
  subscription: number;
  featureId: string;
  featureKey: string;
  periodStartMs: number;
  startMs: number;
  endMs: number;
  billableAtStartE12: E12;
  fromE12: E12;
  toE12: E12;
  lateE12: E12;
  events: number;
  firstAtMs?: number;
  lastAtMs?: number;
  /** When it went onto an invoice, or was found to cost nothing. */
  billedAtMs?: number;
  /** Units taken back by corrections after it was billed. */
  takenBackE12: E12;
  /** Its invoice is void and was not billed again: nobody was charged, so nothing of it is given back. */
  isForgiven?: true;
};

export const HOLD_STATUSES = ["HELD", "COMMITTED", "RELEASED", "LAPSED"] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** A reservation: units that nobody else can use until it is committed, released or lapses. */
export type Hold = {
  number: number;
  subscription: number;
  featureId: string;
  featureKey: string;
  unitsE12: E12;
  /** Credits that nobody else can draw, by the grants that they are of. */
  credits?: readonly HeldCredits[];
  /** The model that it was made for: its units burn by that one's weight, unless the event that commits it names another. */
  model?: string;
  status: HoldStatus;
  createdAtMs: number;
  /** First instant at which it holds no more. */
  expiresAtMs: number;
  /** The caller's own key, unique among the customer's reservations. */
  key?: string;
  /** The event it was committed by. */
  eventSeq?: number;
  /** It is a block: `unitsE12` and `credits` are those that no part has taken yet. */
  block?: BlockTerms;
  /** The block that it was handed out from, and its place among what was. */
  part?: { block: number; sequence: number };
};

/** What an isolate may hand out of a block, and the key that proves that it did. */
export type BlockTerms = {
  /** Hexadecimal; known to the object and to the one isolate that it lent the block to. */
  secret: string;
  /** What a unit takes of the block's credits; absent where it holds none. */
  creditsPerUnitE12?: E12;
  /** The isolate said what it handed out: the rest went back. */
  isClosed?: true;
};

/** What a reservation keeps from others now. */
export function unitsHeld({ status, unitsE12 }: Hold): E12 {
  return status === "HELD" ? unitsE12 : 0n;
}

export function counterKey(subscription: number, featureId: string): string {
  return `${subscription}/${featureId}`;
}

/** Units that count against a limit: since the period began, or ever where they accumulate. Not below 0. */
export function usedUnits(counter: Counter | undefined, { resetMode }: Pricing): E12 {
  if (counter === undefined) return 0n;
  return atLeastNone(resetMode === "reset" ? counter.usedE12 - counter.usedAtStartE12 : counter.usedE12);
}

/**
 * Where a total of billable units stands in its price. Not below 0, where it would be when units that accumulated were taken back
 * and the rule then changed to one that resets.
 */
export function pricePosition(totalE12: E12, billableAtStartE12: E12, { resetMode }: Pricing): E12 {
  return atLeastNone(resetMode === "reset" ? totalE12 - billableAtStartE12 : totalE12);
}

function atLeastNone(units: E12): E12 {
  return units < 0n ? 0n : units;
}
