import type { DraftShelf, Shelf } from "./book.ts";
import type { Grant } from "./credit.ts";

/**
 * The order in which the grants of a pool are drawn from: soonest expiry first, so that the customer loses least; then free credits
 * before bought ones; then the oldest. Owns the order and keeps it at hand, so that a draw costs the same with one open grant and
 * with a thousand.
 *
 * Law: a pool's order has each of its grants that gives anything (`isOpenGrant`), once, and none else. The place of a grant never
 * changes, as its terms do not.
 */

/** Where a grant stands in the order. Without expiry it stands at infinity. */
type DrawPlace = { readonly number: number; readonly expiresAtMs: number; readonly isBought: boolean };

/** Never changed in place: whoever walks one sees it as it was. */
export type DrawOrder = readonly DrawPlace[];

/** `written` are the whole orders of pools in which the draft opened or emptied a grant. */
export type DrawOrders = { get: (pool: number) => DrawOrder | undefined; written: ReadonlyMap<number, DrawOrder> };

/** Has credits that are not held. */
export function isOpenGrant({ remainingE4, heldE4 }: Grant): boolean {
  return remainingE4 > heldE4;
}

function placeOf({ number, expiresAtMs = Number.POSITIVE_INFINITY, type }: Grant): DrawPlace {
  return { number, expiresAtMs, isBought: type === "PURCHASED" };
}

function comparePlaces(a: DrawPlace, b: DrawPlace): number {
  if (a.expiresAtMs !== b.expiresAtMs) return a.expiresAtMs < b.expiresAtMs ? -1 : 1;
  return a.isBought !== b.isBought ? Number(a.isBought) - Number(b.isBought) : a.number - b.number;
}

/** For sorting grants as they are drawn. */
export function compareDraws(a: Grant, b: Grant): number {
  return comparePlaces(placeOf(a), placeOf(b));
}

/** The orders of the pools of these grants, from nothing. */
export function drawOrdersOf(grants: Iterable<Grant>): Map<number, DrawOrder> {
  const open = [...grants].filter(isOpenGrant).sort(compareDraws);
  return new Map([...Map.groupBy(open, ({ pool }) => pool)].map(([pool, ordered]) => [pool, ordered.map(placeOf)]));
}

/** How many places of an order stand before this one. */
function placesBefore(order: DrawOrder, place: DrawPlace): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = order[middle];
    if (there !== undefined && comparePlaces(there, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A draft's grants, over the orders of its book: writing a grant puts it into its pool's order or takes it out. */
export function orderedGrants(
  base: ReadonlyMap<number, DrawOrder>,
  shelf: DraftShelf<number, Grant>,
): { grants: DraftShelf<number, Grant>; drawOrders: DrawOrders } {
  const written = new Map<number, DrawOrder>();
  const get = (pool: number): DrawOrder | undefined => written.get(pool) ?? base.get(pool);
  return {
    drawOrders: { get, written },
    grants: {
      ...shelf,
      put(grant) {
        const before = shelf.get(grant.number);
        const [was, is] = [before !== undefined && isOpenGrant(before), isOpenGrant(grant)];
        if (was !== is) {
          const order = get(grant.pool) ?? [];
          const place = placeOf(grant);
          const at = placesBefore(order, place);
          written.set(grant.pool, is ? order.toSpliced(at, 0, place) : order.toSpliced(at, 1));
        }
        return shelf.put(grant);
      },
    },
  };
}

type Ordered = { grants: Pick<Shelf<number, Grant>, "get">; drawOrders: Pick<DrawOrders, "get"> };

/** The grants of a pool that give credits, in the order of draws, one after the other as they are asked for. */
export function* openGrants({ grants, drawOrders }: Ordered, pool: number): Iterable<Grant> {
  for (const { number } of drawOrders.get(pool) ?? []) {
    const grant = grants.get(number);
    if (grant === undefined) throw new Error("invariant broken: a grant that gives credits is in the book");
    yield grant;
  }
}
