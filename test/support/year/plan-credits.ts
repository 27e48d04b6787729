import type { Share } from "./book.ts";
import {
  type Bill,
  type Book,
  billsOf,
  isTime,
  isUnpaid,
  type Lot,
  type Pool,
  planOf,
  type Sub,
  versionOf,
} from "./book.ts";
import { addLot, creditsOf, heldOf, leftOfLot, lesser, openLots } from "./credits.ts";
import type { Ref } from "./facts.ts";
import { monthsLater, type Span } from "./price.ts";

/** The credits that plans give: when they come, what is carried, and what was given for time that is given back. */

/** What a version gives for a whole period. */
export function periodShares(book: Book, ref: Ref): Share[] {
  return versionOf(book, ref).gives.map((gift) => ({ gift, credits: creditsOf(gift.credits) }));
}

const sumOfShares = (shares: readonly Share[]) => shares.reduce((sum, { credits }) => sum + credits, 0n);

/** A change within a period gives what the new version gives more than any before it in this period, for the time that is left. */
export function changeShares(book: Book, sub: Sub, to: Ref): Share[] {
  const [first] = periodShares(book, to);
  const before = sub.stretches.map((stretch) => sumOfShares(periodShares(book, stretch)));
  const largest = before.reduce((a, b) => (a > b ? a : b), 0n);
  const more = sumOfShares(periodShares(book, to)) - largest;
  if (first === undefined || more <= 0n) return [];
  const [left, whole] = [BigInt(sub.toMs - book.nowMs), BigInt(sub.toMs - sub.fromMs)];
  return [{ ...first, credits: (more * left) / whole }];
}

export function givePeriod(book: Book, sub: Sub, atMs: number): void {
  give(book, sub, { shares: periodShares(book, sub), atMs, span: sub });
}

/** Gives credits for a span. Into an open period only; what was given ahead is set off. */
export function give(
  book: Book,
  sub: Sub,
  { shares, atMs, span: { fromMs, toMs } }: { shares: readonly Share[]; atMs: number; span: Span },
): void {
  if (!sub.isOpen) return;
  for (const { gift, credits } of shares) {
    if (credits === 0n) continue;
    const pool = poolFor(book, sub, gift);
    sub.covered.push({ credits, fromMs, toMs });
    const left = setOff(book, credits);
    if (left === 0n) continue;
    const endMs = gift.policy === "NONE" ? sub.toMs : Number.MAX_SAFE_INTEGER;
    const monthsMs = gift.months === undefined ? endMs : monthsEnd(sub, gift.months, atMs);
    addLot(book, pool, { kind: "PLAN", sub: sub.number, left, untilMs: Math.min(endMs, monthsMs) });
    book.told.planCredits += 1;
  }
}

/** Months count from the period's start; where they are over, from now. */
function monthsEnd({ fromMs, anchor }: Sub, months: number, atMs: number): number {
  const endMs = monthsLater(fromMs, months, anchor);
  return endMs > atMs ? endMs : monthsLater(atMs, months, new Date(atMs).getUTCDate());
}

/** The model's pool: the subscription's own, else one of nobody, else a new one. */
function poolFor({ pools }: Book, { number }: Sub, { model, isHard, policy, cap }: Share["gift"]): Pool {
  const ofModel = pools.filter((one) => one.model === model);
  let pool = ofModel.find(({ links }) => links.includes(number)) ?? ofModel.find(({ links }) => links.length === 0);
  if (pool === undefined) {
    pool = { model, isHard, isFrozen: false, policy, cap: creditsOf(cap ?? "0"), links: [], lots: [], cuts: [] };
    pools.push(pool);
  }
  if (!pool.links.includes(number)) pool.links.push(number);
  return pool;
}

/** What a subscription's plan gave into a pool and is there, as it is drawn. */
function planLots(pool: Pool, { number }: Sub, atMs: number): Lot[] {
  return openLots(pool, atMs).filter(({ sub, isVoid, left }) => sub === number && !isVoid && left > 0n);
}

/** A period ends: what is free beyond the cap is gone, those that are over last are kept first; of what is held later as well. */
export function rollOver(book: Book, sub: Sub, atMs: number): void {
  for (const pool of book.pools) {
    if (pool.policy === "FULL") continue;
    let room = pool.policy === "CAPPED" ? pool.cap : 0n;
    const lots = planLots(pool, sub, atMs).toReversed();
    for (const lot of lots) {
      const free = lot.left - heldOf(book, lot);
      const kept = lesser(free, room);
      room -= kept;
      lot.left -= free - kept;
      carry(book, pool, lot, kept);
    }
    for (const lot of lots) {
      const held = heldOf(book, lot);
      if (held === 0n) continue;
      lot.carries = lesser(lesser(held, room), lot.carries ?? held);
      room -= lot.carries;
    }
  }
}

/** Carried once, they stay, unless some of their lot is held. */
export function carry(book: Book, pool: Pool, lot: Lot, credits: bigint): void {
  if (credits === 0n) return;
  book.told.carriedOver += 1;
  if (lot.kind === "CARRIED" && heldOf(book, lot) === 0n) return;
  lot.left -= credits;
  addLot(book, pool, {
    kind: "CARRIED",
    ...(lot.sub === undefined ? {} : { sub: lot.sub }),
    left: credits,
    untilMs: lot.untilMs,
  });
}

/** In arrears nobody pays for the time from a suspension on. */
function unpaidSince(book: Book, sub: Sub): number | undefined {
  return sub.isOpen && planOf(book, sub).inArrears ? sub.suspendedMs : undefined;
}

/** A period ends by itself. */
export function closeCredits(book: Book, sub: Sub, atMs: number): void {
  const unpaidFromMs = unpaidSince(book, sub);
  const roll = () => rollOver(book, sub, atMs);
  if (unpaidFromMs === undefined) roll();
  else cutShort(book, sub, { atMs, isDue: true, unpaidFromMs, leave: roll });
}

/** An open period is given up. */
export function giveUp(book: Book, sub: Sub, { atMs, isDue }: { atMs: number; isDue: boolean }): void {
  const unpaidFromMs = Math.min(atMs, unpaidSince(book, sub) ?? atMs);
  cutShort(book, sub, { atMs, isDue, unpaidFromMs, leave: () => voidLots(book, sub, atMs) });
}

/** What is held of a void lot is used, or leaves when it comes back. */
function voidLots(book: Book, sub: Sub, atMs: number): void {
  for (const lot of book.pools.flatMap((pool) => planLots(pool, sub, atMs))) {
    lot.isVoid = true;
    lot.left = heldOf(book, lot);
  }
}

/** A subscription has ended. */
export function endCredits(book: Book, sub: Sub, atMs: number): void {
  voidLots(book, sub, atMs);
  for (const pool of book.pools) pool.links = pool.links.filter((number) => number !== sub.number);
  sub.coming = [];
}

const shareOf = (credits: bigint, { fromMs, toMs }: Span, atMs: number) => {
  const [left, whole] = [BigInt(Math.max(0, toMs - Math.max(atMs, fromMs))), BigInt(toMs - fromMs)];
  return whole === 0n ? 0n : (credits * left + whole - 1n) / whole;
};

/** What will leave when it comes back from a reservation. */
export function leavingOf(book: Book, lot: Lot): bigint {
  const held = heldOf(book, lot);
  if (lot.isVoid) return held;
  return lot.carries === undefined || lot.carries >= held ? 0n : held - lot.carries;
}

/**
 * Time is given back: what plans gave for it is gone as far as it did not leave now, and the next credits are so many fewer. What is held and
 * would leave counts when it is used. `isDue`: what is over at this very instant leaves with it.
 */
export function cutShort(
  book: Book,
  sub: Sub,
  {
    atMs,
    isDue,
    unpaidFromMs = atMs,
    leave,
  }: { atMs: number; isDue: boolean; unpaidFromMs?: number; leave: () => void },
): void {
  const own = () => book.pools.flatMap(({ lots }) => lots.filter((lot) => lot.sub === sub.number));
  const thereAt = (ms: number) => own().reduce((sum, lot) => sum + leftOfLot(book, lot, ms), 0n);
  const before = thereAt(isDue ? atMs - 1 : atMs);
  const upTo = book.lots;
  leave();
  // What is over by now is carried nowhere when it comes back.
  for (const lot of own()) if (!lot.isVoid && lot.untilMs <= atMs && heldOf(book, lot) > 0n) lot.carries = 0n;
  trim(book, sub, unpaidFromMs);
  const unused = sub.covered.reduce((sum, { credits, ...span }) => sum + shareOf(credits, span, unpaidFromMs), 0n);
  sub.covered = [];
  const ahead = unused - (before - thereAt(atMs));
  const pool = book.pools.find(({ links }) => links.includes(sub.number)) ?? book.pools[0];
  if (pool === undefined || ahead <= 0n) return;
  const leaving = own()
    .filter(({ number }) => number <= upTo)
    .reduce((sum, lot) => sum + leavingOf(book, lot), 0n);
  pool.cuts.push({ sub: sub.number, upTo, due: ahead - leaving, held: leaving });
  book.told.givenAhead += 1;
}

/** Credits that wait for a payment come for the time that has passed. */
function trim(book: Book, sub: Sub, atMs: number): void {
  const trimmed = (shares: readonly Share[], span: Span): Share[] =>
    shares.map((one) => ({ ...one, credits: one.credits - shareOf(one.credits, span, atMs) }));
  for (const bill of billsOf(book, sub).filter(isUnpaid))
    if (bill.brings !== undefined) bill.brings = trimmed(bill.brings, bill);
  sub.coming = sub.coming.map((one) => ({ ...one, shares: trimmed(one.shares, one) }));
}

/** Of so many new credits, what is still to be given. */
function setOff({ pools }: Book, credits: bigint): bigint {
  let rest = credits;
  for (const cut of pools.flatMap(({ cuts }) => cuts)) {
    const less = cut.due > 0n ? lesser(rest, cut.due) : 0n;
    cut.due -= less;
    rest -= less;
  }
  return rest;
}

/** What a paid bill brings. */
export function keepComing(sub: Sub, { place, fromMs, toMs }: Bill, shares: readonly Share[]): void {
  if (shares.length === 0 || sub.status === "CANCELLED") return;
  sub.coming.push({ shares: [...shares], place, fromMs, toMs });
}

/** It comes with access, and once no older bill for time that still runs is unpaid. */
export function giveComing(book: Book, sub: Sub, atMs: number): void {
  if (sub.status !== "ACTIVE") return;
  const runs = ({ lines }: Bill) => lines.some((line) => isTime(line) && line.cents > 0n && line.toMs > atMs);
  const unpaid = billsOf(book, sub).filter((bill) => isUnpaid(bill) && runs(bill));
  const mustWait = ({ place }: { place: number }) => unpaid.some((older) => older.place < place);
  const due = sub.coming.filter((one) => !mustWait(one));
  sub.coming = sub.coming.filter(mustWait);
  for (const { shares, fromMs, toMs } of due) give(book, sub, { shares, atMs, span: { fromMs, toMs } });
}
