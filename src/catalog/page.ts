/** A part of a list: `limit` is 1…200, `offset` counts from 0. The border has clamped both (CONTRACT §1). */
export type Page = { limit: number; offset: number };

/** A page of rows and how many there are in all, in one D1 round trip: `count` selects one row with `total`. */
export async function pageOfRows<Row>(
  database: D1Database,
  count: D1PreparedStatement,
  rows: D1PreparedStatement,
): Promise<{ rows: Row[]; total: number }> {
  const [counted, found] = await database.batch([count, rows]);
  const total = (counted?.results[0] as { total: number } | undefined)?.total ?? 0;
  return { rows: (found?.results ?? []) as Row[], total };
}
