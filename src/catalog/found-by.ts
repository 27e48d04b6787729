import { type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";

/**
 * Contained in one of these columns; an empty `search` finds everything. INSTR and not LIKE: a search may hold `%` and may be longer than
 * the 50 bytes of D1's patterns. LOWER folds A to Z only; other letters must be written as they are stored.
 */
export function foundBy(search: string, columns: readonly (SQLiteColumn | SQL)[]): SQL | undefined {
  if (search === "") return undefined;
  // A line's end between them: none of them holds one, so that no search matches across two.
  const all = sql.join(
    columns.map((column) => sql`COALESCE(${column}, '')`),
    sql` || char(10) || `,
  );
  return sql`INSTR(LOWER(${all}), LOWER(${search})) > 0`;
}
