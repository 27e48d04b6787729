/**
 * Rows that one statement writes, however many they are. What a statement costs (the object of the runtime that stands for its
 * result and must be collected, its bindings, its start) comes to more than what its row does.
 */

type Row = readonly (string | number | null)[];

/**
 * The rows of an INSERT as a SELECT over `rowsText`, bound as its one parameter: each row has `width` values, an integer or a text each.
 */
export function fromRows(width: number): string {
  const values = Array.from({ length: width }, (_, at) => `value ->> ${at}`);
  // Without its WHERE the ON of a conflict clause would be read as that of a join.
  return `SELECT ${values.join(", ")} FROM json_each(?) WHERE true`;
}

/** What stands for those rows: JSON, which tells integers from texts, as bound parameters do not. */
export function rowsText(rows: readonly Row[]): string {
  return JSON.stringify(rows);
}
