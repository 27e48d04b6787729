/** Who used something last: read from the newest rollups, in which a customer with many events counts little more than one with few. */

/** How many rollups are looked through, newest first. */
const ROLLUPS_PASSED_MAX = 10_000;

/** Exported so that a test proves its index. */
export const RECENT_USERS_SQL = `SELECT customer_id AS customerId, COUNT(*) AS rollups FROM (
    SELECT customer_id, bucket_start_ms FROM rollups WHERE account_id = ?1 ORDER BY bucket_start_ms DESC LIMIT ?2
  ) GROUP BY customer_id ORDER BY MAX(bucket_start_ms) DESC, customer_id`;

/** Up to `limit` customers, those with the newest events first. `isAll`: nobody else ever had an event. */
export async function recentUsers(
  database: D1Database,
  accountId: string,
  limit: number,
): Promise<{ customerIds: string[]; isAll: boolean }> {
  const { results } = await database
    .prepare(RECENT_USERS_SQL)
    .bind(accountId, ROLLUPS_PASSED_MAX)
    .all<{ customerId: string; rollups: number }>();
  const passed = results.reduce((sum, { rollups }) => sum + rollups, 0);
  return {
    customerIds: results.slice(0, limit).map(({ customerId }) => customerId),
    isAll: results.length <= limit && passed < ROLLUPS_PASSED_MAX,
  };
}
