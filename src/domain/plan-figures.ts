import { divideRounded, type E12 } from "./amount.ts";
import { type Exchange, exchanged } from "./exchange.ts";
import { changePercent, type Figures, type MarginStatus, marginStatus, noFigures, percentOf } from "./figures.ts";
import { DAY_MS } from "./limits.ts";
import { isPaying, monthlyE12 } from "./mrr.ts";
import type { PlanPin, SubscriptionStatus } from "./subscription.ts";
import type { TimeRange } from "./time-range.ts";

/**
 * What follows from plans for an operator: recurring revenue, what usage adds to it, what of it is about to leave, how likely, and
 * what a customer is worth. Owns the formulas, each also in the document of the API. Leaves to `mrr.ts` what one subscription brings,
 * to `ledger/` where spans and events come from.
 *
 * Laws: exact until the last step; sums over customers are the sums of the customers; a ratio without a base is null, never 0.
 */

/** Figures “a month” are of so many days, whatever the calendar says: so one month compares with another. */
const MONTH_MS = 30 * DAY_MS;

type Span = { customerId: string; currency: string; mrrE12: E12; startMs: number; endMs?: number };

/** What was brought a month just before `atMs`: what begins at an instant is not yet of it, what ends there still is. */
export function holdsBefore({ startMs, endMs }: Pick<Span, "startMs" | "endMs">, atMs: number): boolean {
  return startMs < atMs && (endMs === undefined || endMs >= atMs);
}

/** Sums by customer in the account's currency, and beside them by currency what has no rate. */
export type MrrByCustomer = { own: Map<string, E12>; others: Map<string, Map<string, E12>> };

/** MRR by customer of the spans that are chosen: `undefined` of those that go on now, else of those just before an instant. */
export function mrrByCustomer(spans: readonly Span[], exchange: Exchange, atMs: number | undefined): MrrByCustomer {
  const sums: MrrByCustomer = { own: new Map(), others: new Map() };
  for (const span of spans) {
    if (atMs === undefined ? span.endMs !== undefined : !holdsBefore(span, atMs)) continue;
    const { customerId, currency, mrrE12 } = span;
    const own = exchanged(exchange, currency, mrrE12);
    if (own !== undefined) {
      add(sums.own, customerId, own);
      continue;
    }
    const others = sums.others.get(customerId) ?? new Map<string, E12>();
    sums.others.set(customerId, add(others, currency, mrrE12));
  }
  return sums;
}

function add<K>(sums: Map<K, E12>, key: K, amountE12: E12): Map<K, E12> {
  return sums.set(key, (sums.get(key) ?? 0n) + amountE12);
}

/**
 * MRR just before each of these rising instants, in the account's currency: as `mrrByCustomer` tells it of each, in one pass over
 * the spans, since a chart has thousands of instants.
 */
export function mrrSeries(spans: readonly Span[], exchange: Exchange, instants: readonly number[]): E12[] {
  const changes: E12[] = instants.map(() => 0n);
  const change = (index: number, byE12: E12) => {
    if (index < changes.length) changes[index] = (changes[index] ?? 0n) + byE12;
  };
  for (const { currency, mrrE12, startMs, endMs } of spans) {
    const own = exchanged(exchange, currency, mrrE12);
    const first = countUpTo(instants, startMs);
    const end = endMs === undefined ? instants.length : countUpTo(instants, endMs);
    // One that ended as it began was never there.
    if (own === undefined || end <= first) continue;
    change(first, own);
    change(end, -own);
  }
  let runningE12 = 0n;
  return changes.map((byE12) => {
    runningE12 += byE12;
    return runningE12;
  });
}

/** How many of these rising instants are at or before `atMs`. */
function countUpTo(instants: readonly number[], atMs: number): number {
  let [low, high] = [0, instants.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((instants[middle] ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function sumOf(amounts: Iterable<E12>): E12 {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
}

/** The part of a range that is over, in milliseconds; all of one that lies ahead, as that of a test clock may. */
export function elapsedMs({ startMs, endMs }: TimeRange, nowMs: number): number {
  return startMs < nowMs && nowMs < endMs ? nowMs - startMs : endMs - startMs;
}

/** What an amount that came within `lengthMs` comes to in 30 days, to 12 decimals. */
export function perMonthE12(amountE12: E12, lengthMs: number): E12 {
  return divideRounded(amountE12 * BigInt(MONTH_MS), BigInt(lengthMs));
}

/** Recurring figures of a customer, or of all: `mrr` with what usage brings and costs in 30 days. */
export type Recurring = {
  mrrE12: E12;
  projectedUsageRevenueE12: E12;
  projectedCostE12: E12;
  /** MRR + projected usage revenue. */
  effectiveMrrE12: E12;
};

export function recurring(mrrE12: E12, { revenueE12, costE12 }: Figures, lengthMs: number): Recurring {
  const projectedUsageRevenueE12 = perMonthE12(revenueE12, lengthMs);
  return {
    mrrE12,
    projectedUsageRevenueE12,
    projectedCostE12: perMonthE12(costE12, lengthMs),
    effectiveMrrE12: mrrE12 + projectedUsageRevenueE12,
  };
}

/** The margin's status of everything a customer brings: effective MRR against projected cost. Compared before anything is rounded. */
export function recurringStatus(mrrE12: E12, { revenueE12, costE12 }: Figures, lengthMs: number): MarginStatus {
  const [length, month] = [BigInt(lengthMs), BigInt(MONTH_MS)];
  return marginStatus({
    ...noFigures(),
    revenueE12: mrrE12 * length + revenueE12 * month,
    costE12: costE12 * month,
  });
}

/** Recurring gross profit: effective MRR − projected cost. */
export function grossProfitE12({ effectiveMrrE12, projectedCostE12 }: Recurring): E12 {
  return effectiveMrrE12 - projectedCostE12;
}

/** Recurring gross profit ÷ effective MRR × 100; null without effective MRR. */
export function grossProfitPercent(figures: Recurring): number | null {
  return figures.effectiveMrrE12 > 0n ? percentOf(grossProfitE12(figures), figures.effectiveMrrE12) : null;
}

/** part ÷ whole × 100; null without a whole. */
export function shareOf(part: E12, whole: E12): number | null {
  return whole > 0n ? percentOf(part, whole) : null;
}

/** Who paid at the beginning of a time, and what became of them at its end. */
export type Retention = { startE12: E12; keptE12: E12; customersAtStart: number; churnedCustomers: number };

export function retention(before: ReadonlyMap<string, E12>, after: ReadonlyMap<string, E12>): Retention {
  const result: Retention = { startE12: 0n, keptE12: 0n, customersAtStart: 0, churnedCustomers: 0 };
  for (const [customer, had] of before) {
    const has = after.get(customer) ?? 0n;
    result.startE12 += had;
    result.keptE12 += has;
    result.customersAtStart += 1;
    if (has === 0n) result.churnedCustomers += 1;
  }
  return result;
}

/** Net revenue retention: what those who paid at the start pay at the end ÷ what they paid at the start × 100. */
export function netRetentionPercent({ startE12, keptE12 }: Retention): number | null {
  return shareOf(keptE12, startE12);
}

/** Customers that paid at the start and no longer at the end, in percent a month; null where none paid at the start. */
export function churnPercent({ customersAtStart, churnedCustomers }: Retention, lengthMs: number): number | null {
  if (customersAtStart === 0) return null;
  return percentOf(BigInt(churnedCustomers) * BigInt(MONTH_MS), BigInt(customersAtStart) * BigInt(lengthMs));
}

/**
 * Lifetime value of a paying customer: recurring gross profit a month of the average one ÷ the share of customers that leave a month.
 * To 12 decimals; null where nobody pays, or nobody left: then it has no end.
 */
export function lifetimeValueE12(
  paying: Recurring,
  customers: number,
  { customersAtStart, churnedCustomers }: Retention,
  lengthMs: number,
): E12 | null {
  if (customers === 0 || churnedCustomers === 0) return null;
  return divideRounded(
    grossProfitE12(paying) * BigInt(customersAtStart) * BigInt(lengthMs),
    BigInt(customers) * BigInt(churnedCustomers) * BigInt(MONTH_MS),
  );
}

type Price = Pick<PlanPin, "price" | "intervalMonths">;

/**
 * A live subscription about which something is the matter: it is to be cancelled, to go to another plan or version, or is suspended.
 * `nowMs` is its customer's own: a test clock's where it lives by one.
 */
export type PendingSubscription = {
  customerId: string;
  status: SubscriptionStatus;
  currency: string;
  from: Price;
  cancelAtMs?: number;
  change?: { type: string; to: Price; atMs: number };
  nowMs: number;
};

/** What is the matter with a customer's subscriptions, in the account's currency. */
export type Signals = {
  pendingCancels: number;
  /** The soonest one. */
  cancelAtMs?: number;
  pendingCancelMrrE12: E12;
  pendingDowngrades: number;
  suspended: number;
  suspendedMrrE12: E12;
  /** MRR that goes by a cancellation or a cheaper plan, and when: milliseconds from the customer's now. */
  leaving: { inMs: number; mrrE12: E12 }[];
};

export function noSignals(): Signals {
  return {
    pendingCancels: 0,
    pendingCancelMrrE12: 0n,
    pendingDowngrades: 0,
    suspended: 0,
    suspendedMrrE12: 0n,
    leaving: [],
  };
}

/**
 * Signals by customer. A cancellation takes all of a subscription's MRR and stands before a change that is scheduled too. MRR in a
 * currency without a rate is counted, not summed.
 */
export function signalsByCustomer(pending: readonly PendingSubscription[], exchange: Exchange): Map<string, Signals> {
  const signals = new Map<string, Signals>();
  for (const one of pending) {
    if (!isPaying(one.status)) continue;
    const of = signals.get(one.customerId) ?? noSignals();
    signals.set(one.customerId, of);
    const inOwn = (price: Price) => exchanged(exchange, one.currency, monthlyE12(price)) ?? 0n;
    const mrrE12 = inOwn(one.from);
    if (one.status === "SUSPENDED") {
      of.suspended += 1;
      of.suspendedMrrE12 += mrrE12;
    }
    if (one.cancelAtMs !== undefined) {
      of.pendingCancels += 1;
      of.pendingCancelMrrE12 += mrrE12;
      of.cancelAtMs = Math.min(of.cancelAtMs ?? one.cancelAtMs, one.cancelAtMs);
      of.leaving.push({ inMs: one.cancelAtMs - one.nowMs, mrrE12 });
    } else if (one.change !== undefined) {
      if (one.change.type === "DOWNGRADE") of.pendingDowngrades += 1;
      const lessE12 = mrrE12 - inOwn(one.change.to);
      if (lessE12 > 0n) of.leaving.push({ inMs: one.change.atMs - one.nowMs, mrrE12: lessE12 });
    }
  }
  return signals;
}

/** MRR that leaves within so many days, cumulative: what leaves in 30 days is in that of 60. */
export function leavingWithinE12(signals: Iterable<Signals>, days: number): E12 {
  let sum = 0n;
  for (const { leaving } of signals) for (const { inMs, mrrE12 } of leaving) if (inMs <= days * DAY_MS) sum += mrrE12;
  return sum;
}

/** Points of the churn score, each signal once; at most 100 in all. */
export const CHURN_POINTS = { cancel: 70, suspended: 40, downgrade: 30, eventsHalved: 40, eventsFell: 20 } as const;
const HALVED_PERCENT = -50;
const FELL_PERCENT = -20;

export const CHURN_RISKS = ["low", "medium", "high", "critical"] as const;
export type ChurnRisk = (typeof CHURN_RISKS)[number];
/** From so many points on. */
export const CHURN_POINTS_MIN: Readonly<Record<ChurnRisk, number>> = { low: 0, medium: 20, high: 40, critical: 70 };

/** The change of a customer's events from the period before to this one, in percent; null where there were none before. */
export function eventTrendPercent(events: number, eventsBefore: number): number | null {
  return changePercent(BigInt(events), BigInt(eventsBefore));
}

/** How many signs there are that a paying customer leaves: 0 … 100. */
export function churnScore(signals: Signals, trendPercent: number | null): number {
  let points = 0;
  if (signals.pendingCancels > 0) points += CHURN_POINTS.cancel;
  if (signals.suspended > 0) points += CHURN_POINTS.suspended;
  if (signals.pendingDowngrades > 0) points += CHURN_POINTS.downgrade;
  if (trendPercent !== null && trendPercent <= HALVED_PERCENT) points += CHURN_POINTS.eventsHalved;
  else if (trendPercent !== null && trendPercent <= FELL_PERCENT) points += CHURN_POINTS.eventsFell;
  return Math.min(100, points);
}

export function churnRisk(score: number): ChurnRisk {
  return CHURN_RISKS.findLast((risk) => score >= CHURN_POINTS_MIN[risk]) ?? "low";
}

/** The mean of scores with four decimals; null without any. */
export function meanScore(scores: readonly number[]): number | null {
  if (scores.length === 0) return null;
  const sum = scores.reduce((total, score) => total + score, 0);
  return percentOf(BigInt(sum), BigInt(scores.length) * 100n);
}
