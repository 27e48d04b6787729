import { formatE12 } from "./amount.ts";
import { assert } from "./assert.ts";
import { type Draft, invoicesOf, pinOf } from "./book.ts";
import { chargesTimeAfter } from "./coverage.ts";
import type { Allocation, E4, Grant, PlanCredits, Pool } from "./credit.ts";
import { addGrant, post } from "./credit-ledger.ts";
import { coverCredits, cutPlanCredits, lessAhead } from "./credits-ahead.ts";
import { voidGrant } from "./grants.ts";
import { type Invoice, isUnpaid } from "./invoice.ts";
import { addMonthsAnchored, anchorDayOf, type Period } from "./period.ts";
import { countOf, decideLink, forgetUnlinked, linkTo, makePool, moveLink } from "./pools.ts";
import { planGrantsOf, rollOver } from "./rollover.ts";
import type { Subscription } from "./subscription.ts";

/**
 * The credits that a plan gives. Owns how many, into which pool and until when; leaves to payments and periods the instant at which
 * they come, and what becomes of them at the period's end to `rollover.ts`.
 *
 * Law: within a period the changes of plan give no more than the largest plan of the period would have given, for the time that was
 * left at each change.
 */

/** What a plan version gives for a whole period. */
export function periodCredits(allocations: readonly Allocation[]): PlanCredits[] {
  return allocations.map((allocation) => ({ allocation, amountE4: allocation.amountE4 }));
}

/**
 * What a change of plan within a period gives: by denomination, what the new plan gives more than the others that were in force in
 * this period, for the share of it that is left; four decimals, down. A smaller plan takes nothing back, so going to and fro between
 * two plans gives the difference once.
 */
export function upgradeCredits({
  before,
  after,
  left,
  whole,
}: {
  /** Of each version in force in the period until now, the one before the change included. */
  before: readonly (readonly Allocation[])[];
  after: readonly Allocation[];
  left: Period;
  whole: Period;
}): PlanCredits[] {
  const [leftMs, wholeMs] = [left.endMs - left.startMs, whole.endMs - whole.startMs];
  assert(leftMs >= 0 && leftMs <= wholeMs && wholeMs > 0, "what is left of a period is a part of it");
  const credits: PlanCredits[] = [];
  for (const [denomination, [allocation]] of Map.groupBy(after, (one) => one.denomination)) {
    const largestE4 = before.map((version) => givenOf(version, denomination)).reduce((a, b) => (a > b ? a : b), 0n);
    const moreE4 = givenOf(after, denomination) - largestE4;
    const amountE4 = moreE4 <= 0n ? 0n : (moreE4 * BigInt(leftMs)) / BigInt(wholeMs);
    if (allocation !== undefined && amountE4 > 0n) credits.push({ allocation, amountE4 });
  }
  return credits;
}

function givenOf(allocations: readonly Allocation[], denomination: string): E4 {
  return allocations.reduce((sum, one) => (one.denomination === denomination ? sum + one.amountE4 : sum), 0n);
}

/**
 * Gives plan credits to a subscription, into the pools of its models: they are made and linked when they are first needed. A frozen
 * pool takes them too, as they are paid for. Under NONE they expire with the current period; the months of an allocation may end
 * them sooner. What was given ahead is set off; what then comes to nothing makes no grant, but an entry that says so. `covers` is the time that they are given
 * for, where it is not the whole of the current period. Without an open period nothing is given.
 */
export function grantPlanCredits(
  draft: Draft,
  subscription: Subscription,
  { credits, invoice, covers }: { credits: readonly PlanCredits[]; invoice?: number; covers?: Period },
  nowMs: number,
): Grant[] {
  if (!subscription.isOpen) return [];
  return credits
    .filter(({ amountE4 }) => amountE4 > 0n)
    .flatMap(({ allocation, amountE4 }) => {
      const { denomination } = allocation;
      const pool = poolFor(draft, subscription, allocation, nowMs);
      const expiresAtMs = expiryOf(subscription, allocation, pool, nowMs);
      coverCredits(draft, subscription.number, { ...(covers ?? subscription.period), denomination, amountE4 });
      const givenE4 = lessAhead(draft, denomination, amountE4);
      if (givenE4 === 0n) {
        // Nothing comes, and the ledger says why.
        post(draft, pool.number, { type: "ADJUSTMENT", amountE4: 0n, description: aheadNote(amountE4), atMs: nowMs });
        return [];
      }
      return addGrant(draft, {
        pool: pool.number,
        subscription: subscription.number,
        type: "PLAN_INCLUDED",
        amountE4: givenE4,
        ...(givenE4 === amountE4 ? {} : { description: aheadNote(amountE4 - givenE4) }),
        ...(invoice === undefined ? {} : { invoice }),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
        createdAtMs: nowMs,
      });
    });
}

function aheadNote(setOffE4: E4): string {
  return `Less ${formatE12(setOffE4 * 10n ** 8n)} that were given before, for time that was given back`;
}

/**
 * The pool of the allocation's model: the one linked to this subscription, else one that is linked to none, which an earlier
 * subscription left, else a new one. More credits for it are sold in the plan's currency.
 */
function poolFor(draft: Draft, subscription: Subscription, allocation: Allocation, nowMs: number): Pool {
  const { number } = subscription;
  const ofModel = [...draft.pools.values()].filter(
    ({ modelId, denomination, status }) =>
      modelId === allocation.creditModelId && denomination === allocation.denomination && status !== "ARCHIVED",
  );
  const linked = ofModel.find((pool) => linkTo(pool, number) !== undefined);
  if (linked !== undefined) return linked;
  const { creditModelName: name, creditModelId: modelId, denomination, hardLimit, rolloverPolicy } = allocation;
  const cap = allocation.rolloverCapE4 === undefined ? {} : { rolloverCapE4: allocation.rolloverCapE4 };
  const { currency } = pinOf(draft, subscription);
  const pool =
    ofModel.find(({ links }) => links.length === 0) ??
    makePool(draft, { name, denomination, currency, hardLimit, rolloverPolicy, modelId, ...cap }, nowMs);
  const reply = decideLink(draft, pool, { subscription: number, drawPriority: 0 }, nowMs);
  if (!reply.ok) throw new Error("invariant broken: a pool that is not archived can be linked");
  return reply.value;
}

/** First instant at which plan credits are gone; undefined: never by themselves. */
function expiryOf(
  { period, anchorDay }: Subscription,
  { grantExpiresMonths }: Allocation,
  { rolloverPolicy }: Pool,
  nowMs: number,
): number | undefined {
  const withPeriodMs = rolloverPolicy === "NONE" ? period.endMs : Number.POSITIVE_INFINITY;
  const byMonthsMs = grantExpiresMonths === undefined ? Number.POSITIVE_INFINITY : monthsEnd(grantExpiresMonths);
  const expiresAtMs = Math.min(withPeriodMs, byMonthsMs);
  return Number.isFinite(expiresAtMs) ? expiresAtMs : undefined;

  /** Counted like periods, from the period's start; what is paid so late that they are over counts from then. */
  function monthsEnd(months: number): number {
    const endMs = addMonthsAnchored(period.startMs, months, anchorDay);
    return endMs > nowMs ? endMs : addMonthsAnchored(nowMs, months, anchorDayOf(nowMs));
  }
}

/** An open period is given up with the money of what is left of it: its plan's credits are void at once. */
export function giveUpPlanCredits(draft: Draft, subscription: Subscription, atMs: number): void {
  const { number } = subscription;
  const unpaidFromMs = Math.min(atMs, unpaidSince(draft, subscription) ?? atMs);
  cutPlanCredits(draft, number, { atMs, unpaidFromMs }, () => voidPlanCredits(draft, number, atMs));
}

/** A period ends at its instant: rollover runs. In arrears what was given for the time of a suspension is for time that nobody pays. */
export function closePlanCredits(draft: Draft, ending: Subscription, atMs: number): void {
  const { number } = ending;
  const unpaidFromMs = unpaidSince(draft, ending);
  const take = (): void => rollOver(draft, number, atMs);
  if (unpaidFromMs === undefined) take();
  else cutPlanCredits(draft, number, { atMs, unpaidFromMs }, take);
}

/** In arrears the base is charged until a suspension, which then lasts to the end of the period. */
function unpaidSince(draft: Draft, { suspendedAtMs, isOpen, ...subscription }: Subscription): number | undefined {
  return isOpen && pinOf(draft, subscription).billingTiming === "IN_ARREARS" ? suspendedAtMs : undefined;
}

function voidPlanCredits(draft: Draft, subscription: number, atMs: number): void {
  for (const grant of planGrantsOf(draft, subscription, atMs)) voidGrant(draft, grant, atMs, "The subscription ended");
}

/** A subscription ended: what is left of its plan's credits is void, and its pools are free for others. Bought credits stay. */
export function endPlanCredits(draft: Draft, subscription: number, atMs: number): void {
  voidPlanCredits(draft, subscription, atMs);
  for (const pool of [...draft.pools.values()]) {
    if (pool.status === "ARCHIVED" || countOf(pool, subscription) === undefined) continue;
    const links = pool.links.filter((link) => link.subscription !== subscription);
    draft.pools.put({ ...forgetUnlinked(pool, subscription), links, modifiedAtMs: atMs });
  }
}

/** A period begins: what its subscription draws from here on counts against the limits of its links. */
export function startDrawPeriod(draft: Draft, subscription: number): void {
  for (const one of [...draft.pools.values()]) {
    if (one.status === "ARCHIVED") continue;
    const hasBefore = one.unlinked?.some((link) => link.subscription === subscription) === true;
    const pool = hasBefore ? draft.pools.put(forgetUnlinked(one, subscription)) : one;
    const link = linkTo(pool, subscription);
    if (link === undefined || link.drawnE4 === 0n) continue;
    moveLink(draft, { pool: pool.number, subscription }, () => ({
      drawnE4: 0n,
      drawnAfter: draft.last.creditEntry,
    }));
  }
}

/** The credits of an invoice that was paid wait until they can be given, which may be at once. None where the subscription has ended. */
export function keepPaidCredits(draft: Draft, invoice: Invoice, credits: readonly PlanCredits[]): void {
  const subscription = draft.subscriptions.get(invoice.subscription);
  if (credits.length === 0 || subscription === undefined || subscription.status === "CANCELLED") return;
  const { number, periodStartMs: startMs, periodEndMs: endMs } = invoice;
  const paidCredits = [...(subscription.paidCredits ?? []), { credits, invoice: number, startMs, endMs }];
  draft.subscriptions.put({ ...subscription, paidCredits });
}

/**
 * Gives what was paid for, once the subscription has access, and no older invoice for time that still runs is unpaid: what a change
 * gives back of that one may be what paid.
 */
export function givePaidCredits(draft: Draft, number: number, nowMs: number): void {
  const subscription = draft.subscriptions.get(number);
  if (subscription?.paidCredits === undefined || subscription.status !== "ACTIVE") return;
  const { paidCredits, ...rest } = subscription;
  const unpaid = invoicesOf(draft, subscription).filter((one) => isUnpaid(one) && chargesTimeAfter(one, nowMs));
  const mustWait = ({ invoice }: { invoice: number }): boolean => unpaid.some((older) => older.number < invoice);
  const waiting = paidCredits.filter(mustWait);
  const active = draft.subscriptions.put(waiting.length === 0 ? rest : { ...rest, paidCredits: waiting });
  for (const { credits, invoice, startMs, endMs } of paidCredits.filter((one) => !mustWait(one)))
    grantPlanCredits(draft, active, { credits, invoice, covers: { startMs, endMs } }, nowMs);
}
