import type { Book, Draft } from "./book.ts";
import { BoundedMap } from "./bounded-map.ts";
import { PACE_AT_ONCE_MS, PACE_WINDOW_MS, PACES_KEPT_MAX } from "./limits.ts";

/**
 * How fast a customer uses things up, lately: units by counter, credits by denomination. An estimate in memory alone, which starts
 * anew with the object; it decides how long an answer may be repeated, never what the answer is. Leaves that to `lease.ts`.
 *
 * Law: what is estimated is at least the average of the window that is under way, and of the one before.
 */

/** What was used up in the window that is under way and in the one before, in whatever unit the thing is counted. */
type Pace = { startMs: number; used: bigint; before: bigint };

/** `sinceMs`: when it was first noted in or asked; nothing is known of before. */
export type Paces = { sinceMs?: number; readonly byThing: BoundedMap<string, Pace> };

export function newPaces(): Paces {
  return { byThing: new BoundedMap(PACES_KEPT_MAX) };
}

/** The credits of one denomination, as a thing that is used up. A counter's key has a slash in it, so none is called like this. */
export function creditsThing(denomination: string): string {
  return `credits\n${denomination}`;
}

/** Notes what a draft takes from what was left: used or held units, and credits that can no longer be drawn. */
export function notePaces(paces: Paces, book: Book, draft: Draft, nowMs: number): void {
  paces.sinceMs ??= nowMs;
  const taken = new Map<string, bigint>();
  const take = (thing: string, amount: bigint): void => {
    taken.set(thing, (taken.get(thing) ?? 0n) + amount);
  };
  for (const [key, { usedE12 }] of draft.counters.written) take(key, usedE12 - (book.counters.get(key)?.usedE12 ?? 0n));
  for (const [key, heldE12] of draft.held.written) take(key, heldE12 - (book.held.get(key) ?? 0n));
  for (const [number, { denomination, balanceE4, heldE4 }] of draft.pools.written) {
    const before = book.pools.get(number);
    take(
      creditsThing(denomination),
      (before === undefined ? 0n : before.balanceE4 - before.heldE4) - balanceE4 + heldE4,
    );
  }
  // What is given back was not used: it makes nobody slower than they are.
  for (const [thing, amount] of taken) if (amount > 0n) note(paces, thing, amount, nowMs);
}

function note({ byThing }: Paces, thing: string, amount: bigint, nowMs: number): void {
  const pace = byThing.get(thing) ?? { startMs: nowMs, used: 0n, before: 0n };
  turnTo(pace, nowMs);
  pace.used += amount;
  byThing.set(thing, pace);
}

/** The window in which `nowMs` lies becomes the one under way. */
function turnTo(pace: Pace, nowMs: number): void {
  const windows = Math.floor((nowMs - pace.startMs) / PACE_WINDOW_MS);
  if (windows < 1) return;
  pace.before = windows === 1 ? pace.used : 0n;
  pace.used = 0n;
  pace.startMs += windows * PACE_WINDOW_MS;
}

/**
 * What would be used up within `spanMs` if it went on as lately, rounded up; undefined while too little is known. What came within a second counts
 * as a second's: a burst is no faster than that.
 */
export function usedWithin(paces: Paces, thing: string, spanMs: number, nowMs: number): bigint | undefined {
  paces.sinceMs ??= nowMs;
  if (nowMs - paces.sinceMs < PACE_AT_ONCE_MS) return undefined;
  const pace = paces.byThing.get(thing);
  if (pace === undefined) return 0n;
  turnTo(pace, nowMs);
  const now = perSpan(pace.used, Math.max(nowMs - pace.startMs, PACE_AT_ONCE_MS), spanMs);
  const before = perSpan(pace.before, PACE_WINDOW_MS, spanMs);
  return now > before ? now : before;
}

function perSpan(amount: bigint, ofMs: number, spanMs: number): bigint {
  const [of, span] = [BigInt(ofMs), BigInt(spanMs)];
  return (amount * span + of - 1n) / of;
}
