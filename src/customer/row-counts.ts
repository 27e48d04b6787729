import { INVOICES_PER_SUBSCRIPTION } from "../domain/invoice.ts";
import type { Numbered } from "../domain/row-books.ts";

/**
 * How many rows of each kind there are, and how many were numbered: by the highest number, or by whatever else says how many there were.
 * Counting walks the smallest index of a table and reads no row; a gap is looked for only where one is.
 */

type Column = { table: string; column: string };

/**
 * Things that are numbered 1, 2, 3 … within the customer, and the column that numbers them. `newest`: what names the newest one, though
 * its own row is gone; NULL where nothing does.
 */
const TABLES: readonly ({ kind: Numbered["kind"]; newest?: string } & Column)[] = [
  // Erasure takes the keys: then only the events themselves say it.
  { kind: "event", table: "events", column: "seq", newest: "SELECT MAX(seq) FROM event_keys" },
  {
    kind: "subscription",
    table: "subscriptions",
    column: "number",
    newest: `SELECT MAX(IFNULL((SELECT MAX(number) FROM invoices), 0) / ${INVOICES_PER_SUBSCRIPTION},
      IFNULL((SELECT MAX(subscription) FROM counters), 0))`,
  },
  { kind: "usageSegment", table: "usage_segments", column: "number" },
  { kind: "reservation", table: "reservations", column: "number" },
  {
    kind: "creditPool",
    table: "credit_pools",
    column: "number",
    newest: `SELECT MAX(IFNULL((SELECT MAX(pool) FROM credit_grants), 0),
      IFNULL((SELECT MAX(pool) FROM credit_entries), 0))`,
  },
  { kind: "creditGrant", table: "credit_grants", column: "number" },
  // Pools count what is written to their ledgers.
  { kind: "creditEntry", table: "credit_entries", column: "number", newest: "SELECT SUM(entries) FROM credit_pools" },
  { kind: "balanceEntry", table: "balance_entries", column: "number" },
  { kind: "payment", table: "payments", column: "number" },
  { kind: "mrrSpan", table: "mrr_spans", column: "number" },
];

/** What other rows' bodies say of rows, as far as they can be read. */
export type Named = {
  /** How many invoices subscriptions have had, by number. */
  invoicesMade: ReadonlyMap<number, number>;
  /** The newest segment of usage that is on an invoice; 0: none is. */
  segment: number;
};

export function* rowCounts(sql: SqlStorage, { invoicesMade, segment }: Named): Iterable<Numbered> {
  for (const { kind, table, column, newest } of TABLES) {
    const { there, last, named } = sql
      .exec<{ there: number; last: number | null; named: number | null }>(
        `SELECT COUNT(*) AS there, MAX(${column}) AS last, (${newest ?? "NULL"}) AS named FROM ${table}`,
      )
      .one();
    const numbered = Math.max(last ?? 0, named ?? 0, kind === "usageSegment" ? segment : 0);
    yield { kind, there, numbered, ...(there === numbered ? {} : { gone: firstGone(sql, { table, column }) }) };
  }
  yield* invoiceCounts(sql, invoicesMade);
}

/** Invoices are numbered within their subscription, which knows how many it has; those of purchases within the customer. */
function* invoiceCounts(sql: SqlStorage, invoicesMade: ReadonlyMap<number, number>): Iterable<Numbered> {
  const numbers = sql.exec<{ number: number }>("SELECT number FROM subscriptions ORDER BY number").toArray();
  for (const { number } of [{ number: 0 }, ...numbers]) {
    const [before, end] = [number * INVOICES_PER_SUBSCRIPTION, (number + 1) * INVOICES_PER_SUBSCRIPTION];
    const { there, last } = sql
      .exec<{ there: number; last: number | null }>(
        "SELECT COUNT(*) AS there, MAX(number) AS last FROM invoices WHERE number > ? AND number < ?",
        before,
        end,
      )
      .one();
    const all = Math.max(invoicesMade.get(number) ?? 0, last === null ? 0 : last - before);
    const place = { table: "invoices", column: "number", before, end };
    yield { kind: "invoice", there, numbered: all, ...(there === all ? {} : { gone: firstGone(sql, place) }) };
  }
}

/** The first number above `before` that is not there: those until it follow each other from the beginning on. */
function firstGone(
  sql: SqlStorage,
  { table, column, before = 0, end = Number.MAX_SAFE_INTEGER }: Column & { before?: number; end?: number },
): number {
  const { place } = sql
    .exec<{ place: number | null }>(
      `SELECT MIN(place) AS place FROM (
         SELECT ${column} AS number, ROW_NUMBER() OVER (ORDER BY ${column}) AS place
         FROM ${table} WHERE ${column} > ? AND ${column} < ?
         UNION ALL SELECT NULL, COUNT(*) + 1 FROM ${table} WHERE ${column} > ? AND ${column} < ?
       ) WHERE number IS NULL OR number - place > ?`,
      before,
      end,
      before,
      end,
      before,
    )
    .one();
  return before + (place ?? 1);
}
