import type { E12 } from "./amount.ts";
import { DAY_MS, HOUR_MS, OTHER_PAIR, ROLLUP_HOURS_KEPT_MS } from "./limits.ts";

/**
 * Sums of one customer's events. One rollup is one UTC hour (or, once it is older than 35 days, one UTC day), feature, provider,
 * model and currency. Owns which rollup an event belongs to, adding, and the limbs in which D1 keeps exact sums. Leaves storage
 * to `customer/` and `ledger/`.
 *
 * Law: at every moment the sum over all rollups of a customer equals the sum over its events. Money that an event brought in a currency
 * other than its account's is summed in a rollup of that currency, which holds revenue alone: the event is counted once.
 */

export type RollupKey = {
  bucketStartMs: number;
  spanMs: number;
  featureId: string;
  provider: string;
  model: string;
  currency: string;
};

export type RollupSums = {
  events: number;
  costUnknownEvents: number;
  inputTokens: number;
  outputTokens: number;
  usageE12: E12;
  costE12: E12;
  revenueE12: E12;
};

export type Rollup = RollupKey & RollupSums;

export const NO_SUMS: RollupSums = {
  events: 0,
  costUnknownEvents: 0,
  inputTokens: 0,
  outputTokens: 0,
  usageE12: 0n,
  costE12: 0n,
  revenueE12: 0n,
};

/** Does it hold nothing? An hour that became part of a day does not; what counts no event may still hold revenue of another currency. */
export function isEmptyRollup({ events, revenueE12 }: RollupSums): boolean {
  return events === 0 && revenueE12 === 0n;
}

/** Adds in place: the hot path adds thousands of events into few rollups. */
export function addSums(into: RollupSums, more: RollupSums): void {
  into.events += more.events;
  into.costUnknownEvents += more.costUnknownEvents;
  into.inputTokens += more.inputTokens;
  into.outputTokens += more.outputTokens;
  into.usageE12 += more.usageE12;
  into.costE12 += more.costE12;
  into.revenueE12 += more.revenueE12;
}

/** The bucket an event at `occurredAtMs` is counted in at `nowMs`: its hour while hours are kept, else its day. */
export function bucketOf(occurredAtMs: number, nowMs: number): { bucketStartMs: number; spanMs: number } {
  const spanMs = occurredAtMs < oldestHourKept(nowMs) ? DAY_MS : HOUR_MS;
  return { bucketStartMs: Math.floor(occurredAtMs / spanMs) * spanMs, spanMs };
}

/** Hours that begin before this instant have become days. A whole day, so that no day is half in hours. */
export function oldestHourKept(nowMs: number): number {
  return Math.floor((nowMs - ROLLUP_HOURS_KEPT_MS) / DAY_MS) * DAY_MS;
}

/** The instant at which the hour that begins at `bucketStartMs` becomes part of its day. */
export function hourEndsAtMs(bucketStartMs: number): number {
  return Math.floor(bucketStartMs / DAY_MS) * DAY_MS + DAY_MS + ROLLUP_HOURS_KEPT_MS;
}

export function rollupKeyText(key: RollupKey): string {
  return JSON.stringify([key.bucketStartMs, key.spanMs, key.featureId, key.provider, key.model, key.currency]);
}

/** A feature and a provider's model; any of them may be "". A model is one provider's. */
export type Pair = Pick<RollupKey, "featureId" | "provider" | "model">;

/** All pairs of a day beyond the limit, as one: providers are named by callers, too, and must not make rows without end. */
export const OTHER_PAIRS: Pair = { featureId: OTHER_PAIR, provider: OTHER_PAIR, model: OTHER_PAIR };

export function pairText({ featureId, provider, model }: Pair): string {
  return `${featureId}\n${provider}\n${model}`;
}

const LIMB = 1_000_000_000n;

/**
 * An amount as three limbs of nine decimal digits, all of its sign: hi × 10¹⁸ + mid × 10⁹ + lo. SQLite sums 64-bit integers
 * exactly but an E12 amount has up to 27 digits and more in sums: limbs summed apart and put together stay exact for 9 × 10⁹
 * rows (docs/decisions/003).
 */
export function limbsOf(value: E12): { hi: number; mid: number; lo: number } {
  return { hi: Number(value / (LIMB * LIMB)), mid: Number((value / LIMB) % LIMB), lo: Number(value % LIMB) };
}

/** Sums of limbs, as D1 gives them (text, so that nothing beyond 2⁵³ is rounded) → the amount. */
export function fromLimbs(hi: string | number | null, mid: string | number | null, lo: string | number | null): E12 {
  return BigInt(hi ?? 0) * LIMB * LIMB + BigInt(mid ?? 0) * LIMB + BigInt(lo ?? 0);
}
