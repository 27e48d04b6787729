import { type Exchange, exchangedFigures } from "../domain/exchange.ts";
import { addFigures, type Figures, noFigures } from "../domain/figures.ts";
import type { SumRow } from "./rollup-queries.ts";

/**
 * Rows of sums put together: figures in the account's currency, with those of currencies that have a rate; others beside them,
 * never mixed.
 */

export type CurrencySums = { figures: Figures; others: Map<string, Figures> };

/** A customer, feature or model with its sums. `key` tells members of one dimension apart and puts equals in order. */
export type MemberSums = CurrencySums & { key: string; provider: string; member: string };

export function noSums(): CurrencySums {
  return { figures: noFigures(), others: new Map() };
}

function addIn(into: CurrencySums, currency: string, exchange: Exchange, more: Figures): void {
  const own = exchangedFigures(exchange, currency, more);
  if (own !== undefined) {
    addFigures(into.figures, own);
    return;
  }
  const other = into.others.get(currency);
  if (other === undefined) into.others.set(currency, addFigures(noFigures(), more));
  else addFigures(other, more);
}

/** All rows as one. */
export function wholeOf(rows: readonly SumRow[], exchange: Exchange): CurrencySums {
  const whole = noSums();
  for (const row of rows) addIn(whole, row.currency, exchange, row.figures);
  return whole;
}

/** Rows by member. A member may have several: of days and of hours, in several currencies. */
export function membersOf(rows: readonly SumRow[], exchange: Exchange): MemberSums[] {
  const members = new Map<string, MemberSums>();
  for (const row of rows) {
    const key = row.provider === "" ? row.member : `${row.provider}/${row.member}`;
    // The key is for people too and could be ambiguous: members are told apart by both of their names.
    const id = JSON.stringify([row.provider, row.member]);
    let member = members.get(id);
    if (member === undefined) {
      member = { key, provider: row.provider, member: row.member, ...noSums() };
      members.set(id, member);
    }
    addIn(member, row.currency, exchange, row.figures);
  }
  return [...members.values()];
}

/** Rows by range; those of a currency without a rate are not among them. */
export function figuresByRange(rows: readonly SumRow[], exchange: Exchange): Map<number, Figures> {
  const ranges = new Map<number, Figures>();
  for (const row of rows) {
    const own = exchangedFigures(exchange, row.currency, row.figures);
    if (own === undefined) continue;
    const figures = ranges.get(row.rangeIndex);
    if (figures === undefined) ranges.set(row.rangeIndex, addFigures(noFigures(), own));
    else addFigures(figures, own);
  }
  return ranges;
}
