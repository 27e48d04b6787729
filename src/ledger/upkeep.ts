import { DAY_MS, FEED_EVENTS_PER_ACCOUNT_MAX, ROLLUP_HOURS_KEPT_MS } from "../domain/limits.ts";
import { holdsSomething } from "./day-sums.ts";

/** Keeps D1's copies bounded. Everything removed here is still in the customers' objects. */

/** Cuts the feeds of these accounts to their newest events. Returns how many went. */
export async function trimFeeds(
  database: D1Database,
  accountIds: readonly string[],
  keep = FEED_EVENTS_PER_ACCOUNT_MAX,
): Promise<number> {
  // One call finds those that outgrew it: asking each account by itself would take as many calls as there are accounts.
  const { results } = await database
    .prepare(
      `SELECT value AS account_id FROM json_each(?1)
       WHERE EXISTS (SELECT 1 FROM feed WHERE account_id = value LIMIT 1 OFFSET CAST(?2 AS INTEGER))`,
    )
    .bind(JSON.stringify(accountIds), keep)
    .all<{ account_id: string }>();
  let removed = 0;
  for (const { account_id } of results) {
    const outcome = await database
      .prepare(
        `DELETE FROM feed WHERE account_id = ?1 AND (occurred_at_ms, event_id) <=
           (SELECT occurred_at_ms, event_id FROM feed WHERE account_id = ?1
            ORDER BY occurred_at_ms DESC, event_id DESC LIMIT 1 OFFSET CAST(?2 AS INTEGER))`,
      )
      .bind(account_id, keep)
      .run();
    removed += outcome.meta.changes;
  }
  return removed;
}

/** An emptied hour stays this long after it became part of a day, so that no late copy of it can come back. */
const EMPTIED_KEPT_MS = 5 * DAY_MS;
const EMPTIED_LOOKED_BACK_MS = 30 * DAY_MS;

/** Removes hours of these accounts that became part of a day. Returns how many. */
export async function dropEmptiedHours(
  database: D1Database,
  accountIds: readonly string[],
  nowMs: number,
): Promise<number> {
  const untilMs = nowMs - ROLLUP_HOURS_KEPT_MS - EMPTIED_KEPT_MS;
  let removed = 0;
  for (const accountId of accountIds) {
    const outcome = await database
      .prepare(
        `DELETE FROM rollups WHERE account_id = ? AND bucket_start_ms >= ? AND bucket_start_ms < ? AND NOT ${holdsSomething()}`,
      )
      .bind(accountId, untilMs - EMPTIED_LOOKED_BACK_MS, untilMs)
      .run();
    removed += outcome.meta.changes;
  }
  return removed;
}
