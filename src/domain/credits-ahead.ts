import type { Draft } from "./book.ts";
import type { Ahead, CreditCoverage, CreditEntry, E4, Grant, HeldCredits, PlanCredits, Pool } from "./credit.ts";
import { lesser } from "./credit-ledger.ts";
import { isUnpaid } from "./invoice.ts";
import type { Period } from "./period.ts";
import { linkTo } from "./pools.ts";

/**
 * Plan credits that were given for time which is given back (docs/decisions/010-plan-credits-ahead.md). Owns how many of them are
 * gone, and that the next ones of any plan are fewer by it. Leaves the money of that time to `coverage.ts`.
 *
 * What is held at a cut counts when it is used, and what was used no more when it comes back and leaves.
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
 * given for the time from `unpaidFromMs` on, what nobody took at this instant is used, held or kept. What is held counts as given ahead
 * once it is used, if it would leave when it comes back; the rest does at once. Credits that
 * wait for the payment of that time are only due for the part of it that has passed.
 */
export function cutPlanCredits(
  draft: Draft,
  number: number,
  { atMs, unpaidFromMs = atMs }: { atMs: number; unpaidFromMs?: number },
  take: () => void,
): void {
  const grant = draft.last.grant;
  take();
  letHeldLeave(draft, number, atMs);
  trimWaiting(draft, number, unpaidFromMs);
  const subscription = draft.subscriptions.get(number);
  if (subscription?.creditCoverage === undefined) return;
  const { creditCoverage, ...rest } = subscription;
  const { creditsAfter: entry = 0 } = subscription;
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
    if (leftE4 <= 0n) continue;
    const heldE4 = [...draft.grants.values()]
      .filter((one) => one.subscription === number && one.number <= grant && numbers.includes(one.pool))
      .reduce((sum, one) => sum + leavingOf(one), 0n);
    const cut = { subscription: number, grant, entry, dueE4: leftE4 - heldE4, heldE4 };
    draft.pools.put({ ...pool, ahead: [...(pool.ahead ?? []), cut] });
  }
}

/** What is over by now is not among what a period's end looks at: what of it is held is carried nowhere, and leaves when it comes back. */
function letHeldLeave(draft: Draft, subscription: number, atMs: number): void {
  for (const grant of [...draft.grants.values()]) {
    const { expiresAtMs = Number.POSITIVE_INFINITY, voidedAtMs, heldE4, type } = grant;
    const isPlans = grant.subscription === subscription && (type === "PLAN_INCLUDED" || type === "ROLLOVER");
    if (isPlans && heldE4 > 0n && voidedAtMs === undefined && expiresAtMs <= atMs)
      draft.grants.put({ ...grant, carriesE4: 0n });
  }
}

/** What of a plan's grant is held and will leave when it comes back, since a cut or its end took all else. */
function leavingOf({ heldE4, voidedAtMs, carriesE4 }: Grant): E4 {
  if (voidedAtMs !== undefined) return heldE4;
  return carriesE4 === undefined || carriesE4 >= heldE4 ? 0n : heldE4 - carriesE4;
}

/** Credits that a cut found held are used after all. */
export function aheadUsed(draft: Draft, { grant: number, amountE4 }: Pick<HeldCredits, "grant" | "amountE4">): void {
  const grant = draft.grants.get(number);
  if (grant === undefined) return;
  let restE4 = lesser(amountE4, leavingOf(grant));
  changeCuts(draft, grant, (cut) => {
    const usedE4 = lesser(restE4, cut.heldE4);
    restE4 -= usedE4;
    return { ...cut, dueE4: cut.dueE4 + usedE4, heldE4: cut.heldE4 - usedE4 };
  });
}

/** Credits that a cut found held came back, and left: nobody used them. */
export function aheadReturned(draft: Draft, number: number, amountE4: E4): void {
  const grant = draft.grants.get(number);
  if (grant === undefined || amountE4 === 0n) return;
  let restE4 = amountE4;
  changeCuts(draft, grant, (cut) => {
    const backE4 = lesser(restE4, cut.heldE4);
    restE4 -= backE4;
    return { ...cut, heldE4: cut.heldE4 - backE4 };
  });
}

/** A use since the beginning of a period that was cut short is reversed, and its credits left at once: they were given to nobody. */
export function aheadReversed(draft: Draft, number: number, spent: Pick<CreditEntry, "number">, amountE4: E4): void {
  const grant = draft.grants.get(number);
  if (grant === undefined) return;
  let restE4 = amountE4;
  changeCuts(draft, grant, (cut) => {
    if (spent.number <= cut.entry) return cut;
    // What was set off already stays so, unless held credits of the same time are still to be used.
    const lessE4 = cut.heldE4 > 0n ? restE4 : lesser(restE4, cut.dueE4);
    restE4 -= lessE4;
    return { ...cut, dueE4: cut.dueE4 - lessE4 };
  });
}

/** The cuts of the subscription that a grant is of, made after it came. Those with nothing to wait for are forgotten. */
function changeCuts(
  draft: Draft,
  { pool: number, subscription, number: grant }: Grant,
  change: (cut: Ahead) => Ahead,
): void {
  const denomination = draft.pools.get(number)?.denomination;
  if (subscription === undefined || denomination === undefined) return;
  for (const { ahead, ...pool } of poolsOf(draft, denomination)) {
    if (ahead === undefined) continue;
    const isOf = (cut: Ahead): boolean => cut.subscription === subscription && grant <= cut.grant;
    if (ahead.some(isOf)) draft.pools.put({ ...pool, ...aheadOf(ahead.map((cut) => (isOf(cut) ? change(cut) : cut))) });
  }
}

function aheadOf(cuts: readonly Ahead[]): Pick<Pool, "ahead"> {
  const ahead = cuts.filter(({ dueE4, heldE4 }) => dueE4 > 0n || heldE4 > 0n);
  return ahead.length === 0 ? {} : { ahead };
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
  for (const { ahead, ...pool } of poolsOf(draft, denomination)) {
    if (ahead === undefined) continue;
    const cuts = ahead.map((cut) => {
      const setOffE4 = cut.dueE4 > 0n ? lesser(restE4, cut.dueE4) : 0n;
      restE4 -= setOffE4;
      return { ...cut, dueE4: cut.dueE4 - setOffE4 };
    });
    draft.pools.put({ ...pool, ...aheadOf(cuts) });
  }
  return restE4;
}

function poolsOf(draft: Draft, denomination: string): Pool[] {
  return [...draft.pools.values()].filter((pool) => pool.denomination === denomination && pool.status !== "ARCHIVED");
}
