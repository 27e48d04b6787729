import { type Break, count, type LawVerdict, verdict } from "./books.ts";

/**
 * The law of rows: what a customer's things are numbered by has no gap, and none of them is ever deleted. So what is gone is known by
 * its number. The newest of a kind is known where other rows name it; of reservations, grants, payments and the money balance only the
 * other laws may miss it.
 */

/** Things of one kind: how many there are and how many were numbered, and the first number that is not there, if any is not. */
export type Numbered = { kind: Break["kind"]; there: number; numbered: number; gone?: number };

export function auditRows(things: Iterable<Numbered>): LawVerdict {
  let [left, right] = [0n, 0n];
  let broken: Break | undefined;
  for (const { kind, there, numbered, gone } of things) {
    left += BigInt(there);
    right += BigInt(numbered);
    if (gone !== undefined)
      broken ??= { kind, number: gone, why: `is gone: ${numbered} were made, ${there} are there` };
  }
  return verdict("rows_there", { kind: "customer", number: 0 }, { left, right, format: count }, broken);
}
