/**
 * Rows that one statement writes, however many they are. What a statement costs (the object of the runtime that stands for its
 * result and must be collected, its bindings, its start) comes to more than what its row does.
 */

/** Its columns' values, an integer or a text each. */
export type Row = readonly (string | number | null)[];

/**
 * The rows of an INSERT as a SELECT over JSON: `rowsText`, bound as its one parameter, or whatever `source` names. Each row has `width` values.
 */
export function fromRows(width: number, source = "json_each(?)"): string {
  const values = Array.from({ length: width }, (_, at) => `value ->> ${at}`);
  // Without its WHERE the ON of a conflict clause would be read as that of a join.
  return `SELECT ${values.join(", ")} FROM ${source} WHERE true`;
}

/** What stands for those rows: JSON, which tells integers from texts, as bound parameters do not. */
export function rowsText(rows: readonly Row[]): string {
  return JSON.stringify(rows);
}

/** Statements that write rows over those that are there: rows that are bound, and rows of another source. */
export type Overwrite = { readonly bound: string; readonly from: (source: string) => string };

/** `over`: what becomes of a row that is there. */
export function overwrite(columns: { into: string; width: number }, over: string): Overwrite {
  const from = (source?: string) => `INSERT INTO ${columns.into} ${fromRows(columns.width, source)} ${over}`;
  return { bound: from(), from };
}

export function writeOver(sql: SqlStorage, { bound }: Overwrite, rows: readonly Row[]): void {
  if (rows.length > 0) sql.exec(bound, rowsText(rows));
}
