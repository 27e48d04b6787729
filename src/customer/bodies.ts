import { fromJsonText } from "../domain/json-text.ts";

/** The things that a query's column `body` has as JSON text. */
export function bodies<T>(sql: SqlStorage, query: string, ...bound: (string | number)[]): T[] {
  return sql
    .exec<{ body: string }>(query, ...bound)
    .toArray()
    .map(({ body }) => fromJsonText<T>(body));
}
