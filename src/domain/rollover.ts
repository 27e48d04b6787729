import type { Draft } from "./book.ts";
import type { CreditEntry, Draw, E4, Grant, Pool } from "./credit.ts";
import { addGrant, freeOf, grantOf, lesser, poolOf, takeOut } from "./credit-ledger.ts";
import { compareDraws } from "./draw-order.ts";
import { countOf, moveLink } from "./pools.ts";

/**
 * What becomes of a plan's credits when their period ends. Leaves their expiry by date to `grants.ts`.
 *
 * Laws: bought, promotional and manual credits are never touched; under a cap no more than the cap is carried, whatever was held
 * when the period ended, or comes back from its uses later.
 */

/**
 * The grants that a subscription's plan gave, and what was carried of them, by pool and as they are drawn: those that have anything
 * left. Void and expired ones are not among them: those only keep what is held.
 */
export function planGrantsOf(draft: Draft, subscription: number, atMs: number): Grant[] {
  return [...draft.grants.values()]
    .filter(
      (grant) =>
        grant.subscription === subscription &&
        (grant.type === "PLAN_INCLUDED" || grant.type === "ROLLOVER") &&
        grant.remainingE4 > 0n &&
        grant.voidedAtMs === undefined &&
        (grant.expiresAtMs === undefined || grant.expiresAtMs > atMs) &&
        draft.pools.get(grant.pool)?.status !== "ARCHIVED",
    )
    .sort((a, b) => (a.pool === b.pool ? compareDraws(a, b) : a.pool - b.pool));
}

/**
 * Ends the period of a subscription's plan credits. FULL: they go on. CAPPED: at most the cap is carried, the latest-expiring kept,
 * the rest expires. NONE: all of it expires, so what a period that is cut short had goes with it.
 */
export function rollOver(draft: Draft, subscription: number, atMs: number): void {
  const entry = draft.last.creditEntry;
  const room = new Map<number, E4>();
  for (const [number, grants] of Map.groupBy(planGrantsOf(draft, subscription, atMs), ({ pool }) => pool)) {
    const pool = draft.pools.get(number);
    if (pool === undefined || pool.rolloverPolicy === "FULL") continue;
    // Those that expire last are kept first.
    room.set(number, keepUpTo(draft, grants.toReversed(), capOf(pool), atMs));
  }
  for (const pool of [...draft.pools.values()])
    if (pool.status !== "ARCHIVED" && pool.rolloverPolicy !== "FULL")
      moveLink(draft, { pool: pool.number, subscription }, () => ({
        ended: { entry, roomE4: room.get(pool.number) ?? capOf(pool) },
      }));
}

function capOf({ rolloverPolicy, rolloverCapE4 = 0n }: Pool): E4 {
  return rolloverPolicy === "CAPPED" ? rolloverCapE4 : 0n;
}

/**
 * Plan credits came back by a reversal of `spent` and are free in their grant. Those of a subscription that has ended are void; of a use
 * in a period that is over, what the cap has room for is carried over, and the rest expires, as it would have then. Answers how many left.
 */
export function settleSpent(
  draft: Draft,
  { grant: number, amountE4 }: Draw,
  spent: Pick<CreditEntry, "number">,
  atMs: number,
): E4 {
  const { subscription, type, pool } = grantOf(draft, number);
  if (subscription === undefined || (type !== "PLAN_INCLUDED" && type !== "ROLLOVER")) return 0n;
  const status = draft.subscriptions.get(subscription)?.status ?? "CANCELLED";
  if (status === "CANCELLED") {
    takeOut(draft, number, { type: "VOID", amountE4, description: "The subscription ended" }, atMs);
    return amountE4;
  }
  const { ended } = countOf(poolOf(draft, pool), subscription) ?? {};
  if (ended === undefined || spent.number > ended.entry) return 0n;
  const keptE4 = lesser(amountE4, ended.roomE4);
  takeOut(draft, number, { type: "EXPIRATION", amountE4: amountE4 - keptE4 }, atMs);
  carryOver(draft, number, keptE4, atMs);
  moveLink(draft, { pool, subscription }, () => ({ ended: { ...ended, roomE4: ended.roomE4 - keptE4 } }));
  return amountE4 - keptE4;
}

/**
 * Keeps so much of these grants, in their order, and first of what is free: what is held may be used up before it comes back. Answers
 * what room is left.
 */
function keepUpTo(draft: Draft, grants: readonly Grant[], capE4: E4, atMs: number): E4 {
  let roomE4 = capE4;
  for (const { number } of grants) {
    const freeE4 = freeOf(grantOf(draft, number));
    const keptE4 = lesser(freeE4, roomE4);
    roomE4 -= keptE4;
    takeOut(draft, number, { type: "EXPIRATION", amountE4: freeE4 - keptE4 }, atMs);
    carryOver(draft, number, keptE4, atMs);
  }
  for (const { number } of grants) {
    const grant = grantOf(draft, number);
    if (grant.heldE4 === 0n) continue;
    const carriesE4 = lesser(lesser(grant.heldE4, roomE4), grant.carriesE4 ?? grant.heldE4);
    roomE4 -= carriesE4;
    draft.grants.put({ ...grant, carriesE4 });
  }
  return roomE4;
}

/**
 * Carries credits of a grant into the next period, with all that they are worth and when they expire. Carried once, they stay, unless some
 * of their grant is held over a period's end: what is held of it later must not mix with that, which the cap is for.
 */
export function carryOver(draft: Draft, number: number, amountE4: E4, atMs: number): void {
  const { type, pool, subscription, invoice, unitPriceE12, currency, expiresAtMs, heldE4 } = grantOf(draft, number);
  if (amountE4 === 0n || (type === "ROLLOVER" && heldE4 === 0n)) return;
  const description = "Carried over";
  takeOut(draft, number, { type: "ADJUSTMENT", amountE4, description }, atMs);
  addGrant(
    draft,
    {
      pool,
      type: "ROLLOVER",
      amountE4,
      description,
      ...(subscription === undefined ? {} : { subscription }),
      ...(invoice === undefined ? {} : { invoice }),
      ...(unitPriceE12 === undefined ? {} : { unitPriceE12 }),
      ...(currency === undefined ? {} : { currency }),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      createdAtMs: atMs,
    },
    "ADJUSTMENT",
  );
}
