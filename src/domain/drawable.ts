import type { Shelf } from "./book.ts";
import type { E4, Pool } from "./credit.ts";
import { lesser } from "./credit-ledger.ts";
import { linkTo } from "./pools.ts";
import type { Refusal } from "./refusal.ts";

/**
 * What a subscription can draw. One answer for check, evaluate, reserve and event, so that they never contradict each other.
 *
 * Law: what is held is drawable by nobody else; a pool that is linked to other subscriptions alone gives nothing.
 */

export type Drawable = {
  /** The pools that are drawn from, in their order: linked ones by priority, then by age; then unlinked ones by age. */
  sources: readonly { pool: Pool; availableE4: E4 }[];
  sumE4: E4;
  /** What the pools have, with what is held, frozen or beyond a draw limit. */
  balanceE4: E4;
  /** What the sum would be if no pool were frozen. */
  unfrozenE4: E4;
  /** Any of the pools is hard: the sum must cover the whole charge. */
  isHard: boolean;
};

/** The credits of a denomination that a subscription can draw now, and whence. */
export function drawable(
  { pools }: { pools: Pick<Shelf<number, Pool>, "values"> },
  { denomination, subscription }: { denomination: string; subscription: number },
): Drawable {
  const ranked: { pool: Pool; priority: number }[] = [];
  for (const pool of pools.values()) {
    if (pool.denomination !== denomination || pool.status === "ARCHIVED") continue;
    const link = linkTo(pool, subscription);
    if (link === undefined && pool.links.length > 0) continue;
    ranked.push({ pool, priority: link?.drawPriority ?? Number.POSITIVE_INFINITY });
  }
  ranked.sort((a, b) => (a.priority === b.priority ? a.pool.number - b.pool.number : a.priority - b.priority));
  const sources: { pool: Pool; availableE4: E4 }[] = [];
  let [sumE4, balanceE4, unfrozenE4] = [0n, 0n, 0n];
  for (const { pool } of ranked) {
    const openE4 = withinLimit(pool, subscription);
    const availableE4 = pool.status === "FROZEN" ? 0n : openE4;
    sources.push({ pool, availableE4 });
    sumE4 += availableE4;
    balanceE4 += pool.balanceE4;
    unfrozenE4 += openE4;
  }
  return { sources, sumE4, balanceE4, unfrozenE4, isHard: ranked.some(({ pool }) => pool.hardLimit) };
}

/** What is not held, as far as the link lets the subscription draw it; never below 0, as a limit may have been lowered. */
function withinLimit(pool: Pool, subscription: number): E4 {
  const freeE4 = pool.balanceE4 - pool.heldE4;
  const link = linkTo(pool, subscription);
  if (link?.drawLimitE4 === undefined) return freeE4;
  const leftE4 = link.drawLimitE4 - link.drawnE4 - link.heldE4;
  return leftE4 <= 0n ? 0n : lesser(freeE4, leftE4);
}

/** Why a charge of so many credits is refused; undefined: it is not, and what the sum does not cover is billed by price. */
export function shortOf(
  { sumE4, balanceE4, unfrozenE4, isHard }: Omit<Drawable, "sources">,
  neededE4: E4,
): (Refusal & { code: "credits_short" }) | undefined {
  if (!isHard || neededE4 <= sumE4) return undefined;
  const [frozen, kept] = [unfrozenE4 >= neededE4, balanceE4 >= neededE4];
  return { ok: false, code: "credits_short", neededE4, availableE4: sumE4, frozen, kept };
}
