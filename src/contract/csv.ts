import * as z from "zod";

/**
 * Lists as CSV: which columns, and what stands in a cell. Amounts are exact decimal text, instants ISO 8601, and what is not there is
 * empty.
 */

/** Of a list that can be had as CSV. */
export const csvFormat = {
  format: z.enum(["json", "csv"]).optional().meta({
    description:
      "`csv`: everything that the conditions let through as one file, whatever limit and offset say; sent while it is read, newest first.",
  }),
};

/** A column by its header. The cell is final text: what callers wrote goes through `textCell`. */
export type Column<T> = readonly [header: string, cell: (row: T) => string | undefined];

/** With these a spreadsheet takes a cell for a formula, which could call out with what stands beside it. */
const FORMULA = /^[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/;

/** Somebody's own text, with an apostrophe before it where a spreadsheet would take it for a formula. */
export function textCell(text: string | undefined): string | undefined {
  return text !== undefined && FORMULA.test(text) ? `'${text}` : text;
}

/** What the document says of such a list. */
export const CSV =
  "`format=csv`: not the envelope but a file of all rows (RFC 4180, UTF-8, a header line; amounts exact). A text that a spreadsheet would take for a formula has an apostrophe before it.";
