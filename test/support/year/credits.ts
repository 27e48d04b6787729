import type { Book, Lot, Part, Pool, Sub } from "./book.ts";
import { type Exact, exact, fraction, least, rounded, times } from "./exact.ts";

/** Credits in whole ten-thousandths: who draws which, and in which order. */

const PER_CREDIT = fraction(10_000n);

/** Decimal text. */
export const creditsOf = (text: string): bigint => rounded(times(exact(text), PER_CREDIT));

export const lesser = (a: bigint, b: bigint) => (a < b ? a : b);
const sum = (all: readonly bigint[]) => all.reduce((one, other) => one + other, 0n);

/** What reservations hold of a lot. */
export function heldOf({ holds }: Book, lot: Lot): bigint {
  return sum(holds.flatMap(({ parts }) => parts.filter((part) => part.lot === lot).map(({ credits }) => credits)));
}

/** What a lot has at an instant: once it is over, only what is held. */
export function leftOfLot(book: Book, lot: Lot, atMs: number): bigint {
  return lot.untilMs > atMs ? lot.left : heldOf(book, lot);
}

const freeOf = (book: Book, lot: Lot) => lot.left - heldOf(book, lot);

/** Those that are over soonest go first, then those that were not bought, then the oldest. */
function compareLots(a: Lot, b: Lot): number {
  if (a.untilMs !== b.untilMs) return a.untilMs < b.untilMs ? -1 : 1;
  return Number(a.kind === "BOUGHT") - Number(b.kind === "BOUGHT") || a.number - b.number;
}

/** What of a pool is not over at an instant, as it is drawn. */
export function openLots({ lots }: Pool, atMs: number): Lot[] {
  return lots.filter(({ untilMs }) => untilMs > atMs).sort(compareLots);
}

export function balanceOf(book: Book, { lots }: Pool, atMs: number): bigint {
  return sum(lots.map((lot) => leftOfLot(book, lot, atMs)));
}

/** What of a pool can be drawn, unless it is frozen. */
export function freeIn(book: Book, pool: Pool, atMs: number): bigint {
  return sum(openLots(pool, atMs).map((lot) => freeOf(book, lot)));
}

export function addLot(book: Book, pool: Pool, lot: Omit<Lot, "number">): Lot {
  book.lots += 1;
  const added = { ...lot, number: book.lots };
  pool.lots.push(added);
  return added;
}

/** Pools of a subscription: its own before those of nobody. Those of others alone are closed to it. */
export function poolsFor({ pools }: Book, { number }: Pick<Sub, "number">): Pool[] {
  return [...pools.filter(({ links }) => links.includes(number)), ...pools.filter(({ links }) => links.length === 0)];
}

/** Which lots give so many credits of these pools, one pool after the other; frozen ones give none. */
export function partsOf(book: Book, pools: readonly Pool[], credits: bigint): Part[] {
  const parts: Part[] = [];
  let rest = credits;
  for (const lot of pools.filter(({ isFrozen }) => !isFrozen).flatMap((pool) => openLots(pool, book.nowMs))) {
    const taken = lesser(rest, freeOf(book, lot));
    if (taken > 0n) parts.push({ lot, credits: taken });
    rest -= taken;
  }
  return parts;
}

export const sumOfParts = (parts: readonly Part[]) => sum(parts.map(({ credits }) => credits));

export function take(parts: readonly Part[]): void {
  for (const { lot, credits } of parts) lot.left -= credits;
}

/** What units burn, rounded once. */
export const neededFor = (units: Exact, weight: Exact): bigint => rounded(times(times(units, weight), PER_CREDIT));

/** What pools have to give. A hard one among them refuses what they do not cover. */
export function drawable(book: Book, sub: Sub, needed: bigint): { parts: Part[]; isShort: boolean } {
  const pools = poolsFor(book, sub);
  const parts = partsOf(book, pools, needed);
  return { parts, isShort: sumOfParts(parts) < needed && pools.some(({ isHard }) => isHard) };
}

/** Of the units, those that so many credits pay for: to six decimals, down. Units that burn nothing need credits that are there. */
export function coveredBy(
  units: Exact,
  weight: Exact,
  { drawn, needed, isAny }: { drawn: bigint; needed: bigint; isAny: boolean },
): Exact {
  if (drawn === needed && isAny) return units;
  const millionths = (drawn * weight.d * 100n) / weight.n;
  return least(units, fraction(millionths, 1_000_000n));
}
