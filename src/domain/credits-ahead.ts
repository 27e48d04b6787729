import type { Draft } from "./book.ts";
import type { CreditCoverage, CreditEntry, E4, PlanCredits, Pool } from "./credit.ts";
import { lesser } from "./credit-ledger.ts";
import { isUnpaid } from "./invoice.ts";
import type { Period } from "./period.ts";
import { linkTo } from "./pools.ts";

/**
 * Plan credits that were given for time which is given back (docs/decisions/010-plan-credits-ahead.md). Owns how many of them are
 * gone, and that the next ones of any plan are fewer by it. Leaves the money of that time to `coverage.ts`.
 *
 * Law: whatever a customer's subscriptions change, end or begin anew, their plans give no more credits than the time that was kept
 * would have given.
 */

/** Notes what a plan gave for a time, for whoever cuts that time short. */
export function coverCredits(draft: Draft, number: number, given: CreditCoverage): void {
  const subscription = draft.subscriptions.get(number);
  if (subscription === undefined || given.amountE4 === 0n) return;
  draft.subscriptions.put({ ...subscription, creditCoverage: [...(subscription.creditCoverage ?? []), given] });
}

/**
 * Cuts a subscription's period short at `atMs`: `take` takes away what of its plan's credits does not go on. Of the share that was
 * given for the time from `unpaidFromMs` on, what nobody took at this instant is used or kept, and so was given ahead. Credits that
 * wait for the payment of that time are only due for the part of it that has passed.
 */
export function cutPlanCredits(
  draft: Draft,
  number: number,
  { atMs, unpaidFromMs = atMs }: { atMs: number; unpaidFromMs?: number },
  take: () => void,
): void {
  take();
  trimWaiting(draft, number, unpaidFromMs);
  const subscription = draft.subscriptions.get(number);
  if (subscription?.creditCoverage === undefined) return;
  const { creditCoverage, ...rest } = subscription;
  draft.subscriptions.put(rest);
  const taken = draft.creditEntries.filter((entry) => entry.atMs === atMs && isTakenFrom(draft, number, entry));
  for (const [denomination, covered] of Map.groupBy(creditCoverage, (given) => given.denomination)) {
    const pools = poolsOf(draft, denomination);
    const pool = pools.find((one) => linkTo(one, number) !== undefined) ?? pools[0];
    if (pool === undefined) continue;
    const numbers = pools.map((one) => one.number);
    const unusedE4 = covered.reduce((sum, given) => sum + unusedOf(given.amountE4, given, unpaidFromMs), 0n);
    // Carrying over is two entries that come to nothing.
    const leftE4 = taken.reduce((sum, entry) => (numbers.includes(entry.pool) ? sum + entry.amountE4 : sum), unusedE4);
    if (leftE4 > 0n) draft.pools.put({ ...pool, aheadE4: (pool.aheadE4 ?? 0n) + leftE4 });
  }
}

/** Does an entry take credits that the subscription's plan gave, or carry them over? */
function isTakenFrom(draft: Draft, subscription: number, { type, grant: number }: CreditEntry): boolean {
  const grant = number === undefined ? undefined : draft.grants.get(number);
  const isPlans = grant?.type === "PLAN_INCLUDED" || grant?.type === "ROLLOVER";
  return isPlans && grant.subscription === subscription && ["EXPIRATION", "VOID", "ADJUSTMENT"].includes(type);
}

/** The share of an amount that belongs to the part of a time which is left at `atMs`: four decimals, up. */
function unusedOf(amountE4: E4, { startMs, endMs }: Period, atMs: number): E4 {
  const [leftMs, wholeMs] = [BigInt(Math.max(0, endMs - Math.max(atMs, startMs))), BigInt(endMs - startMs)];
  return wholeMs === 0n ? 0n : (amountE4 * leftMs + wholeMs - 1n) / wholeMs;
}

/** Leaves of credits that wait the share of the time that has passed. */
function trimWaiting(draft: Draft, number: number, atMs: number): void {
  const kept = (credits: readonly PlanCredits[], period: Period): PlanCredits[] =>
    credits.map((one) => ({ ...one, amountE4: one.amountE4 - unusedOf(one.amountE4, period, atMs) }));
  for (const invoice of [...draft.invoices.values()]) {
    if (invoice.subscription !== number || invoice.planCredits === undefined || !isUnpaid(invoice)) continue;
    const period = { startMs: invoice.periodStartMs, endMs: invoice.periodEndMs };
    draft.invoices.put({ ...invoice, planCredits: kept(invoice.planCredits, period) });
  }
  const subscription = draft.subscriptions.get(number);
  if (subscription?.paidCredits === undefined) return;
  const paidCredits = subscription.paidCredits.map((paid) => ({ ...paid, credits: kept(paid.credits, paid) }));
  draft.subscriptions.put({ ...subscription, paidCredits });
}

/** Sets off what was given ahead against so many new credits of a denomination. Answers how many of them are still to be given. */
export function lessAhead(draft: Draft, denomination: string, amountE4: E4): E4 {
  let restE4 = amountE4;
  for (const { aheadE4 = 0n, ...pool } of poolsOf(draft, denomination)) {
    const setOffE4 = lesser(restE4, aheadE4);
    if (setOffE4 === 0n) continue;
    draft.pools.put({ ...pool, ...(setOffE4 === aheadE4 ? {} : { aheadE4: aheadE4 - setOffE4 }) });
    restE4 -= setOffE4;
  }
  return restE4;
}

function poolsOf(draft: Draft, denomination: string): Pool[] {
  return [...draft.pools.values()].filter((pool) => pool.denomination === denomination && pool.status !== "ARCHIVED");
}
