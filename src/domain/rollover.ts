import type { Draft } from "./book.ts";
import type { E4, Grant } from "./credit.ts";
import { addGrant, freeOf, grantOf, lesser, takeOut } from "./credit-ledger.ts";
import { compareDraws } from "./draw-order.ts";

/**
 * What becomes of a plan's credits when their period ends. Leaves their expiry by date to `grants.ts`.
 *
 * Laws: bought, promotional and manual credits are never touched; under a cap no more than the cap is carried, whatever was held
 * when the period ended.
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
  for (const [number, grants] of Map.groupBy(planGrantsOf(draft, subscription, atMs), ({ pool }) => pool)) {
    const pool = draft.pools.get(number);
    if (pool === undefined || pool.rolloverPolicy === "FULL") continue;
    // Those that expire last are kept first.
    keepUpTo(draft, grants.toReversed(), pool.rolloverPolicy === "CAPPED" ? (pool.rolloverCapE4 ?? 0n) : 0n, atMs);
  }
}

/** Keeps so much of these grants, in their order, and first of what is free: what is held may be used up before it comes back. */
function keepUpTo(draft: Draft, grants: readonly Grant[], capE4: E4, atMs: number): void {
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
}

/** Carries credits of a grant into the next period, with all that they are worth and when they expire. Carried once, they stay. */
export function carryOver(draft: Draft, number: number, amountE4: E4, atMs: number): void {
  const { type, pool, subscription, invoice, unitPriceE12, currency, expiresAtMs } = grantOf(draft, number);
  if (amountE4 === 0n || type === "ROLLOVER") return;
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
