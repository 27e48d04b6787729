import type { E12 } from "../domain/amount.ts";
import { BLOCK_DEMAND_MS_MAX, BLOCK_USE_MS } from "../domain/limits.ts";

/**
 * How much is reserved, as an isolate sees it: what a block should be good for. Spans are as long as a block is used, and what the last
 * whole one saw is remembered until the next is whole.
 */
export type Demand = {
  startMs: number;
  lastAtMs: number;
  unitsE12: E12;
  count: number;
  /** Of the span before. */
  beforeE12: E12;
};

export const NO_DEMAND: Demand = {
  startMs: Number.NEGATIVE_INFINITY,
  lastAtMs: Number.NEGATIVE_INFINITY,
  unitsE12: 0n,
  count: 0,
  beforeE12: 0n,
};

/** From so many on a span's pace says something of its rest. */
const PACE_COUNT_MIN = 10;
const PACE_MS_MIN = 250;

export function withReservation(demand: Demand, unitsE12: E12, nowMs: number): Demand {
  const isNew = Math.abs(nowMs - demand.lastAtMs) >= BLOCK_DEMAND_MS_MAX;
  const sinceMs = nowMs - demand.startMs;
  if (!isNew && sinceMs >= 0 && sinceMs < BLOCK_USE_MS)
    return { ...demand, lastAtMs: nowMs, unitsE12: demand.unitsE12 + unitsE12, count: demand.count + 1 };
  const isNext = !isNew && sinceMs < 2 * BLOCK_USE_MS;
  return { startMs: nowMs, lastAtMs: nowMs, unitsE12, count: 1, beforeE12: isNext ? demand.unitsE12 : 0n };
}

/** Units that a block should hold: half as much again as is expected while it is used. */
export function expectedUnits({ startMs, unitsE12, count, beforeE12 }: Demand, nowMs: number): E12 {
  const elapsedMs = Math.min(Math.max(nowMs - startMs, PACE_MS_MIN), BLOCK_USE_MS);
  const paceE12 = count < PACE_COUNT_MIN ? unitsE12 : (unitsE12 * BigInt(BLOCK_USE_MS)) / BigInt(Math.ceil(elapsedMs));
  const expectedE12 = paceE12 > beforeE12 ? paceE12 : beforeE12;
  return (expectedE12 * 3n) / 2n;
}
