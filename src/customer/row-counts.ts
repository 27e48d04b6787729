import { INVOICES_PER_SUBSCRIPTION } from "../domain/invoice.ts";
import type { Numbered } from "../domain/row-books.ts";

/**
 * How many rows of each kind there are, and how many were numbered: by the highest number, or by whatever else says how many there were.
 * Counting walks the smallest index of a table and reads no row; a gap is looked for only where one is.
 */

type Column = { table: string; column: string };

/** Things that are numbered 1, 2, 3 … within the customer, and the column that numbers them. */
const TABLES = [
  { kind: "event", table: "events", column: "seq" },
  { kind: "subscription", table: "subscriptions", column: "number" },
  { kind: "usageSegment", table: "usage_segments", column: "number" },
  { kind: "reservation", table: "reservations", column: "number" },
  { kind: "creditPool", table: "credit_pools", column: "number" },
  { kind: "creditGrant", table: "credit_grants", column: "number" },
  { kind: "creditEntry", table: "credit_entries", column: "number" },
  { kind: "balanceEntry", table: "balance_entries", column: "number" },
  { kind: "payment", table: "payments", column: "number" },
  { kind: "mrrSpan", table: "mrr_spans", column: "number" },
] as const;

/** `invoicesMade`: how many invoices subscriptions have had, by number, as far as they say it. */
export function* rowCounts(sql: SqlStorage, invoicesMade: ReadonlyMap<number, number>): Iterable<Numbered> {
  for (const { kind, table, column } of TABLES) {
    const { there, last } = sql
      .exec<{ there: number; last: number | null }>(`SELECT COUNT(*) AS there, MAX(${column}) AS last FROM ${table}`)
      .one();
    const numbered = Math.max(last ?? 0, kind === "creditPool" ? newestNamedPool(sql) : 0);
    yield { kind, there, numbered, ...(there === numbered ? {} : { gone: firstGone(sql, { table, column }) }) };
  }
  yield* invoiceCounts(sql, invoicesMade);
}

/** A pool that is gone takes its own number along, but not what was in it. */
function newestNamedPool(sql: SqlStorage): number {
  const query =
    "SELECT MAX((SELECT IFNULL(MAX(pool), 0) FROM credit_grants), (SELECT IFNULL(MAX(pool), 0) FROM credit_entries)) AS pool";
  return sql.exec<{ pool: number }>(query).one().pool;
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
