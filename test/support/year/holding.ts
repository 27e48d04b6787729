import type { Book, Cut, Hold, Lot, Part } from "./book.ts";
import { heldOf, lesser } from "./credits.ts";
import { carry, leavingOf } from "./plan-credits.ts";

/** Credits that are held: used or given back, whatever became of their lots meanwhile. */

/** Nobody said in time what became of it. */
export function lapse(book: Book, hold: Hold): void {
  giveBack(book, hold, hold.untilMs);
  hold.status = "LAPSED";
  book.told.lapsed += 1;
}

/** All that a reservation holds is free again, and leaves where its lot is over, void, or was to leave. */
export function giveBack(book: Book, hold: Hold, atMs: number): void {
  for (const part of hold.parts) returnPart(book, part, atMs);
  hold.parts = [];
}

function returnPart(book: Book, part: Part, atMs: number): void {
  const { lot, credits } = part;
  const { carries, owed = 0n } = lot;
  unhold(book, part, credits);
  if (lot.isVoid || lot.untilMs <= atMs) {
    lot.left -= credits;
    if (lot.isVoid || carries !== undefined) noteReturned(book, lot, credits);
    return;
  }
  if (owed > 0n) {
    const taken = lesser(credits, owed);
    lot.owed = owed - taken;
    lot.left -= taken;
  }
  if (carries === undefined) return;
  const kept = lesser(credits, carries);
  if (heldOf(book, lot) > 0n) lot.carries = carries - kept;
  lot.left -= credits - kept;
  noteReturned(book, lot, credits - kept);
  const pool = book.pools.find(({ lots }) => lots.includes(lot));
  if (pool !== undefined) carry(book, pool, lot, kept);
}

function unhold(book: Book, part: Part, credits: bigint): void {
  part.credits -= credits;
  const { lot } = part;
  const held = heldOf(book, lot);
  if (held === 0n) delete lot.carries;
  if (lot.owed !== undefined) lot.owed = lesser(lot.owed, held);
}

/** Takes so many of the held credits, the first ones first; answers how many there were. */
export function useHeld(book: Book, { parts }: Hold, needed: bigint): bigint {
  let rest = needed;
  for (const part of parts) {
    const used = lesser(rest, part.credits);
    noteUsed(book, part.lot, used);
    unhold(book, part, used);
    part.lot.left -= used;
    rest -= used;
  }
  return needed - rest;
}

/** The cuts of the plan's credits that a lot is of, made after it came. */
function cutsOf({ pools }: Book, { sub, number }: Lot): Cut[] {
  return pools.flatMap(({ cuts }) => cuts.filter((cut) => cut.sub === sub && number <= cut.upTo));
}

/** Credits that a cut found held are used after all: so they were given ahead. */
function noteUsed(book: Book, lot: Lot, credits: bigint): void {
  let rest = lesser(credits, leavingOf(book, lot));
  for (const cut of cutsOf(book, lot)) {
    const used = lesser(rest, cut.held);
    cut.due += used;
    cut.held -= used;
    rest -= used;
  }
}

/** Credits that a cut found held came back and left: nobody used them. */
function noteReturned(book: Book, lot: Lot, credits: bigint): void {
  let rest = credits;
  for (const cut of cutsOf(book, lot)) {
    const back = lesser(rest, cut.held);
    cut.held -= back;
    rest -= back;
  }
}
