import type { E12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { Draft } from "./book.ts";
import type { AppliedWeight, Draw, E4, HeldCredits } from "./credit.ts";
import { creditsFor, drawsFrom, grantOf, lesser, poolOf, settleReturned, takeOut } from "./credit-ledger.ts";
import { aheadReturned, aheadUsed } from "./credits-ahead.ts";
import { type Drawable, drawable, shortOf } from "./drawable.ts";
import { moveLink } from "./pools.ts";
import type { Reply } from "./refusal.ts";
import { carryOver } from "./rollover.ts";
import type { Hold } from "./usage.ts";

/**
 * Credits that a reservation keeps from all others. Owns holding them and giving them back; leaves taking them to `charge.ts`.
 *
 * Laws: a reservation remembers the very grants that it holds of, so freezing, expiry, voiding and rollover take nothing from it;
 * what was to leave a grant meanwhile leaves when it comes back.
 */

/** What is to be paid by credits. */
export type CreditUse = { denomination: string; subscription: number; unitsE12: E12; weight: AppliedWeight };

/** Which grants of which pools give so many credits, pool after pool. */
export function planDraws(
  draft: Draft,
  { sources }: Drawable,
  amountE4: E4,
): { pool: number; draws: readonly Draw[] }[] {
  const planned: { pool: number; draws: readonly Draw[] }[] = [];
  let restE4 = amountE4;
  for (const { pool, availableE4 } of sources) {
    const drawnE4 = lesser(restE4, availableE4);
    if (drawnE4 > 0n) planned.push({ pool: pool.number, draws: drawsFrom(draft, pool.number, drawnE4) });
    restE4 -= drawnE4;
  }
  return planned;
}

/**
 * Holds the credits of a use, for the reservation that the caller makes: it keeps what is answered as its `credits`. Without a hard
 * pool what is there is held. Refuses `credits_short`.
 */
export function holdCredits(draft: Draft, use: CreditUse): Reply<readonly HeldCredits[]> {
  const neededE4 = creditsFor(use.unitsE12, use.weight.creditsPerUnitE12);
  const found = drawable(draft, use);
  const refused = shortOf(found, neededE4);
  if (refused !== undefined) return refused;
  const held = planDraws(draft, found, lesser(neededE4, found.sumE4)).flatMap(({ pool, draws }) =>
    draws.map((draw) => ({ ...draw, pool })),
  );
  for (const credits of held) moveHeld(draft, use.subscription, credits, 1n);
  return { ok: true, value: held };
}

/** Moves what is held of a grant, in its pool and on the subscription's link. */
function moveHeld(draft: Draft, subscription: number, { pool: number, grant, amountE4 }: HeldCredits, sign: 1n | -1n) {
  const { carriesE4, owedE4 = 0n, ...there } = grantOf(draft, grant);
  const heldE4 = there.heldE4 + amountE4 * sign;
  assert(heldE4 >= 0n && heldE4 <= there.remainingE4, "what is held of a grant is in it");
  draft.grants.put({
    ...there,
    heldE4,
    ...(carriesE4 === undefined || heldE4 === 0n ? {} : { carriesE4 }),
    ...owing(lesser(owedE4, heldE4)),
  });
  const pool = poolOf(draft, number);
  draft.pools.put({ ...pool, heldE4: pool.heldE4 + amountE4 * sign });
  moveLink(draft, { pool: number, subscription }, (link) => ({ heldE4: link.heldE4 + amountE4 * sign }));
}

/** Ends a hold of credits that are used: they are free in their grants, and the caller takes them in this draft. */
export function takeHeld(draft: Draft, subscription: number, credits: HeldCredits): void {
  aheadUsed(draft, credits);
  moveHeld(draft, subscription, credits, -1n);
}

/** Gives back what a reservation holds, when it is released or lapses: whatever waited for it happens now. */
export function freeCredits(draft: Draft, { subscription, credits = [] }: Hold, atMs: number): void {
  for (const held of credits) giveBackHeld(draft, subscription, held, atMs);
}

function owing(owedE4: E4): { owedE4?: E4 } {
  return owedE4 === 0n ? {} : { owedE4 };
}

/** Gives a part of a hold back: an expiry, a voiding, a refund or a cap that waited for it takes it. */
export function giveBackHeld(draft: Draft, subscription: number, held: HeldCredits, atMs: number): void {
  const { grant: number, amountE4 } = held;
  const { carriesE4, owedE4 = 0n, voidedAtMs } = grantOf(draft, number);
  moveHeld(draft, subscription, held, -1n);
  const goneE4 = settleReturned(draft, number, amountE4, atMs);
  if (goneE4 > 0n && (voidedAtMs !== undefined || carriesE4 !== undefined)) aheadReturned(draft, number, goneE4);
  const grant = grantOf(draft, number);
  if (grant.voidedAtMs !== undefined || (grant.expiresAtMs ?? Number.POSITIVE_INFINITY) <= atMs) return;
  if (owedE4 > 0n) {
    const takenE4 = lesser(amountE4, owedE4);
    const { owedE4: _, ...there } = grant;
    draft.grants.put({ ...there, ...owing(owedE4 - takenE4) });
    takeOut(draft, number, { type: "VOID", amountE4: takenE4, description: "Refunded in part" }, atMs);
  }
  // What was bought is carried nowhere.
  if (carriesE4 === undefined) return;
  const keptE4 = lesser(amountE4, carriesE4);
  if (grant.carriesE4 !== undefined) draft.grants.put({ ...grant, carriesE4: carriesE4 - keptE4 });
  takeOut(draft, number, { type: "EXPIRATION", amountE4: amountE4 - keptE4 }, atMs);
  aheadReturned(draft, number, amountE4 - keptE4);
  carryOver(draft, number, keptE4, atMs);
}
