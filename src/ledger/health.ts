/** What objects told of themselves, and which ones to ask. */

export type ToldHealth = {
  customerId: string;
  oldestUnsentAtMs?: number;
  parkedRows: number;
  quarantinedAtMs?: number;
  sizeBytes: number;
};

/** Objects of an account that have something wrong, worst first. */
export async function troubledObjects(database: D1Database, accountId: string, limit: number): Promise<ToldHealth[]> {
  const { results } = await database
    .prepare(
      `SELECT customer_id, oldest_unsent_at_ms, parked_rows, quarantined_at_ms, size_bytes FROM object_health
       WHERE account_id = ? AND (parked_rows > 0 OR quarantined_at_ms IS NOT NULL)
       ORDER BY quarantined_at_ms IS NULL, parked_rows DESC LIMIT ?`,
    )
    .bind(accountId, limit)
    .all<{
      customer_id: string;
      oldest_unsent_at_ms: number | null;
      parked_rows: number;
      quarantined_at_ms: number | null;
      size_bytes: number;
    }>();
  return results.map((row) => ({
    customerId: row.customer_id,
    ...(row.oldest_unsent_at_ms === null ? {} : { oldestUnsentAtMs: row.oldest_unsent_at_ms }),
    parkedRows: row.parked_rows,
    ...(row.quarantined_at_ms === null ? {} : { quarantinedAtMs: row.quarantined_at_ms }),
    sizeBytes: row.size_bytes,
  }));
}

/** Customers of the newest events that arrived in the feed: the ones most likely to have something on its way. */
export async function recentCustomers(database: D1Database, accountId: string, limit: number): Promise<string[]> {
  const { results } = await database
    .prepare(
      `SELECT DISTINCT customer_id FROM (SELECT customer_id FROM feed WHERE account_id = ?
         ORDER BY occurred_at_ms DESC, event_id DESC LIMIT 1000) LIMIT ?`,
    )
    .bind(accountId, limit)
    .all<{ customer_id: string }>();
  return results.map((row) => row.customer_id);
}

/** Quarantined objects of all accounts, for the cron that calls on them; keyset by account and customer. */
export async function quarantinedObjects(
  database: D1Database,
  limit: number,
): Promise<{ accountId: string; customerId: string }[]> {
  const { results } = await database
    .prepare(
      `SELECT account_id, customer_id FROM object_health WHERE quarantined_at_ms IS NOT NULL
       ORDER BY quarantined_at_ms LIMIT ?`,
    )
    .bind(limit)
    .all<{ account_id: string; customer_id: string }>();
  return results.map((row) => ({ accountId: row.account_id, customerId: row.customer_id }));
}
