import type { Uuid } from "../domain/ids.ts";
import { DAY_MS, OTHER_PAIR } from "../domain/limits.ts";

/** Customers, in the order of their ids behind `after`, with events of unknown cost of this model (or too many models to tell). */
export async function customersWithUnknownCost(
  database: D1Database,
  accountId: string,
  events: { model: string; from: number; to: number },
  after: string,
  limit: number,
): Promise<Uuid[]> {
  const { results } = await database
    .prepare(
      `SELECT DISTINCT customer_id FROM rollups
       WHERE account_id = ? AND bucket_start_ms > ? AND bucket_start_ms < ? AND customer_id > ? AND model IN (?, ?)
         AND cost_unknown_events > 0
       ORDER BY customer_id LIMIT ?`,
    )
    // A bucket that began up to a day before still holds events of the range.
    .bind(accountId, events.from - DAY_MS, events.to, after, events.model, OTHER_PAIR, limit)
    .all<{ customer_id: Uuid }>();
  return results.map((row) => row.customer_id);
}
