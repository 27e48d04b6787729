import type { LeaseTerms } from "./lease.ts";

/**
 * A reply that is one text: an instant in milliseconds, a blank, and what is true at it, as the domain's JSON. Nested values cost more
 * on their way out of an object than all else, so what is asked most comes like this: written once, or as it is stored.
 */
export type TimedText = `${number} ${string}`;

/** A TimedText that says how long it may be repeated: the instant, the commit number and the milliseconds, with strokes between. */
export type LeasedText = `${number}/${number}/${number} ${string}`;

export function timedText(text: string, atMs: number): TimedText {
  return `${atMs} ${text}`;
}

export function leasedText(text: string, atMs: number, { rev, leaseMs }: LeaseTerms): LeasedText {
  return `${atMs}/${rev}/${leaseMs} ${text}`;
}

export function readTimedText(timed: TimedText | LeasedText): { text: string; atMs: number; lease?: LeaseTerms } {
  const blankAt = timed.indexOf(" ");
  const text = timed.slice(blankAt + 1);
  const strokeAt = timed.indexOf("/");
  // Behind the blank are strokes of its own.
  if (strokeAt === -1 || strokeAt > blankAt) return { text, atMs: Number(timed.slice(0, blankAt)) };
  const [atMs = 0, rev = 0, leaseMs = 0] = timed.slice(0, blankAt).split("/").map(Number);
  return { text, atMs, lease: { rev, leaseMs } };
}
