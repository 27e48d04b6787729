import { assert } from "./assert.ts";
import type { Draft } from "./book.ts";
import type { CreditEntry, Draw, E4, Grant, Pool } from "./credit.ts";
import {
  type CreditPast,
  closedPool,
  deduct,
  drawsFrom,
  lesser,
  oneOrAll,
  post,
  settleReturned,
  sumOfDraws,
} from "./credit-ledger.ts";
import { aheadReversed } from "./credits-ahead.ts";
import { currentPool, moveLink } from "./pools.ts";
import type { Reply } from "./refusal.ts";
import { settleSpent } from "./rollover.ts";

/**
 * Taking credits by hand, and giving back what was taken. Leaves what events burn to `charge.ts`.
 *
 * Laws: nothing is taken that is held, nor below 0; each draw of a deduction goes back to its grant, and once; what goes back in the
 * period in which it was drawn leaves the count of its subscription's link.
 */

/**
 * Takes credits out of a pool, whatever its links say. A key that was used in this pool answers the entry that it made. Refuses
 * `state_conflict` unless the pool is ACTIVE, `credits_short` when it has not so much that is not held.
 */
export function decideDeduct(
  draft: Draft,
  {
    pool,
    amountE4,
    past,
    key,
    ...said
  }: { pool: Pool; amountE4: E4; past: CreditPast } & Pick<CreditEntry, "key" | "description" | "metadata">,
  nowMs: number,
): Reply<{ entry: CreditEntry; isRepeat: boolean }> {
  assert(amountE4 > 0n, "a deduction takes credits");
  const there = currentPool(draft, pool);
  const first =
    key === undefined
      ? undefined
      : (draft.creditEntries.find((entry) => entry.pool === there.number && entry.key === key) ??
        past.deductionWithKey(there.number, key));
  if (first !== undefined) return { ok: true, value: { entry: first, isRepeat: true } };
  if (there.status !== "ACTIVE") return closedPool(there);
  const availableE4 = there.balanceE4 - there.heldE4;
  if (availableE4 < amountE4)
    return {
      ok: false,
      code: "credits_short",
      neededE4: amountE4,
      availableE4,
      frozen: false,
      kept: there.balanceE4 >= amountE4,
    };
  const entry = deduct(draft, there.number, drawsFrom(draft, there.number, amountE4), {
    ...said,
    ...(key === undefined ? {} : { key }),
    atMs: nowMs,
  });
  return { ok: true, value: { entry, isRepeat: false } };
}

/**
 * Gives a deduction back to the grants that it came from, in a frozen pool too; `amountE4` only so much of it, what was drawn last
 * first. What comes back into a grant that is over leaves it at once. Refuses `state_conflict` for other entries, for an ARCHIVED
 * pool, and when less than that is left to be given back.
 */
export function decideReverse(
  draft: Draft,
  {
    pool,
    entry,
    past,
    amountE4,
    ...said
  }: { pool: Pool; entry: CreditEntry; past: CreditPast; amountE4?: E4 } & Pick<
    CreditEntry,
    "description" | "eventSeq" | "metadata"
  >,
  nowMs: number,
): Reply<CreditEntry> {
  const there = currentPool(draft, pool);
  if (there.status === "ARCHIVED") return closedPool(there);
  if (entry.type !== "DEDUCTION")
    return { ok: false, code: "state_conflict", why: `Only a DEDUCTION can be reversed; this entry is ${entry.type}.` };
  const left = drawsLeft(draft, past, entry);
  const leftE4 = sumOfDraws(left);
  if (leftE4 === 0n) return { ok: false, code: "state_conflict", why: "The deduction was reversed already." };
  if (amountE4 !== undefined && amountE4 > leftE4)
    return { ok: false, code: "state_conflict", why: "A part of the deduction was reversed already: less is left." };
  const back = lastOf(left, amountE4 ?? leftE4);
  for (const { grant: number, amountE4: backE4 } of back) {
    const grant = grantEver(draft, past, number);
    draft.grants.put({ ...grant, remainingE4: grant.remainingE4 + backE4 });
  }
  const reversal = post(draft, there.number, {
    type: "REVERSAL",
    amountE4: sumOfDraws(back),
    ...oneOrAll(back),
    reverses: entry.number,
    ...said,
    atMs: nowMs,
  });
  for (const draw of back) {
    const leftE4 = settleReturned(draft, draw.grant, draw.amountE4, nowMs) || settleSpent(draft, draw, entry, nowMs);
    if (leftE4 > 0n) aheadReversed(draft, draw.grant, entry, leftE4);
  }
  undraw(draft, entry, sumOfDraws(back));
  return { ok: true, value: reversal };
}

/** Takes credits that came back out of the count of the link that counted them, if it still does. */
function undraw(draft: Draft, { number, pool, subscription }: CreditEntry, backE4: E4): void {
  if (subscription === undefined) return;
  moveLink(draft, { pool, subscription }, ({ drawnE4, drawnAfter = 0 }) =>
    // A link of before does not know when its count began: it may not have counted all of them.
    number <= drawnAfter ? {} : { drawnE4: drawnE4 - lesser(drawnE4, backE4) },
  );
}

/** What of a deduction's draws has not been given back. */
export function drawsLeft(draft: Draft, past: CreditPast, { number, draws = [] }: CreditEntry): Draw[] {
  const earlier = new Map(past.reversalsOf(number).map((reversal) => [reversal.number, reversal]));
  for (const entry of draft.creditEntries) if (entry.reverses === number) earlier.set(entry.number, entry);
  const returned = [...earlier.values()].flatMap((reversal) => reversal.draws ?? []);
  return draws
    .map(({ grant, amountE4 }) => ({
      grant,
      amountE4: amountE4 - sumOfDraws(returned.filter((draw) => draw.grant === grant)),
    }))
    .filter(({ amountE4 }) => amountE4 > 0n);
}

/** The last so many credits of some draws, in the order in which they were drawn. */
function lastOf(draws: readonly Draw[], amountE4: E4): Draw[] {
  const back: Draw[] = [];
  let restE4 = amountE4;
  for (const draw of draws.toReversed()) {
    const backE4 = lesser(restE4, draw.amountE4);
    if (backE4 > 0n) back.unshift({ grant: draw.grant, amountE4: backE4 });
    restE4 -= backE4;
  }
  return back;
}

function grantEver(draft: Draft, past: CreditPast, number: number): Grant {
  const grant = draft.grants.get(number) ?? past.grant(number);
  if (grant === undefined) throw new Error("invariant broken: a grant that was drawn from is kept");
  return grant;
}
