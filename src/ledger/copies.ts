import { jsonText } from "../domain/json-text.ts";
import { COPY_CHARS_PER_STATEMENT_MAX } from "../domain/limits.ts";
import { CUSTOMER_COLUMNS, type CustomerRow } from "./customer-row.ts";

/**
 * Copies that keep a whole thing as JSON text beside the columns by which lists find it: how their rows are cut into statements,
 * and how a page of them is read. One thing may be large (its plan's metadata, a line for every feature), many of them are.
 */

/** A column's value as JSON carries it. The body, a whole view, is the last of a row. */
type Cell = string | number | null | object;

/**
 * Rows as JSON texts of arrays for `json_each`, none longer than a parameter of D1 may be: as many texts as it takes. A view
 * stands in its row as JSON, not as text in JSON, so nothing is escaped twice: `->` gives its text back. One row alone may be
 * longer; if D1 refuses it, the outbox finds out which it is.
 */
export function rowTexts(rows: readonly (readonly Cell[])[]): string[] {
  const texts: string[] = [];
  let chunk: string[] = [];
  let chars = 0;
  for (const text of rows.map(jsonText)) {
    if (chunk.length > 0 && chars + text.length > COPY_CHARS_PER_STATEMENT_MAX) {
      texts.push(`[${chunk.join(",")}]`);
      chunk = [];
      chars = 0;
    }
    chunk.push(text);
    chars += text.length;
  }
  if (chunk.length > 0) texts.push(`[${chunk.join(",")}]`);
  return texts;
}

/** Which rows of a copy, in which order. `terms` and `order` are SQL of ours over the table's columns, `bound` what their `?` stand for. */
export type Listing = {
  table: "subscriptions" | "invoices";
  /** The index to look in, where SQLite would rather go through the account's rows: one that does not hold all columns of the terms. */
  index?: "invoices_by_customer" | undefined;
  id: "subscription_id" | "invoice_id";
  terms: readonly string[];
  bound: readonly (string | number)[];
  order: readonly string[];
  /** A further column of each row of the page: SQL over `t`, with its name. */
  also?: string;
};

export type CopyRow = CustomerRow & { body: string };

/**
 * The statement that reads a page of a copy, each row with its customer. The page is found in an index alone, however far behind
 * the first row it begins; only its own rows are read.
 */
export function pageStatement(
  database: D1Database,
  accountId: string,
  { table, index, id, terms, bound, order, also }: Listing,
  page: { limit: number; offset: number },
): D1PreparedStatement {
  const ordered = order.map((column) => `t.${column}`).join(", ");
  return database
    .prepare(
      `WITH page AS MATERIALIZED (
         SELECT t.${id} AS id FROM ${table} t ${indexedBy(index)} WHERE ${["account_id = ?", ...terms].join(" AND ")}
         ORDER BY ${ordered} LIMIT ? OFFSET ?
       )
       SELECT t.body, ${CUSTOMER_COLUMNS}${also === undefined ? "" : `, ${also}`} FROM page
       CROSS JOIN ${table} t ON t.account_id = ? AND t.${id} = page.id
       CROSS JOIN customers c ON c.account_id = t.account_id AND c.customer_id = t.customer_id
       ORDER BY ${ordered}`,
    )
    .bind(accountId, ...bound, page.limit, page.offset, accountId);
}

/** The statement that counts all rows of a listing. */
export function countStatement(
  database: D1Database,
  accountId: string,
  { table, index, terms, bound }: Listing,
): D1PreparedStatement {
  return database
    .prepare(
      `SELECT COUNT(*) AS n FROM ${table} ${indexedBy(index)} WHERE ${["account_id = ?", ...terms].join(" AND ")}`,
    )
    .bind(accountId, ...bound);
}

function indexedBy(index: Listing["index"]): string {
  return index === undefined ? "" : `INDEXED BY ${index}`;
}
