import { type Query, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";

/**
 * What drizzle's queries need beside drizzle to live with D1 (docs/decisions/005-drizzle-and-sql.md). They run in `db.batch`, also
 * when there is only one: there a failure is D1's own, while a query that is awaited by itself fails with the statement and its
 * parameters in the message. A house test holds that.
 */

/** A drizzle query as a statement that goes into one batch with others, be they drizzle's or SQL. */
export function prepared(database: D1Database, query: { toSQL(): Query }): D1PreparedStatement {
  const { sql: text, params } = query.toSQL();
  return database.prepare(text).bind(...params);
}

/** Is the column one of these values? One parameter however many they are: D1 takes 100 of them, `inArray` one for each. */
export function isOneOf(column: SQLiteColumn, values: readonly string[]): SQL {
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
}
