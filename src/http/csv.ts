import Papa from "papaparse";
import type { Column } from "../contract/csv.ts";
import { streamed } from "./streamed.ts";

/** Lists as CSV files (RFC 4180, a header line, UTF-8), sent page by page as they are read. */

/** A page of rows, and how the next one is read; without it this is the last. */
export type RowPage<T> = { rows: readonly T[]; next?: () => Promise<RowPage<T>> };

/** `first` has been read already: what is refused is refused before the file begins. */
export function csvAnswer<T>(name: string, columns: readonly Column<T>[], first: RowPage<T>): Response {
  return streamed(lines(columns, first), {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="${name}.csv"`,
  });
}

async function* lines<T>(columns: readonly Column<T>[], first: RowPage<T>): AsyncGenerator<string> {
  yield written([columns.map(([header]) => header)]);
  for (let page: RowPage<T> | undefined = first; page !== undefined; page = await page.next?.())
    if (page.rows.length > 0) yield written(page.rows.map((row) => columns.map(([, cell]) => cell(row) ?? "")));
}

function written(rows: readonly (readonly string[])[]): string {
  return `${Papa.unparse(rows)}\r\n`;
}
