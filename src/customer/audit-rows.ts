import type { E4 } from "../domain/credit.ts";
import type { Counted, TakenFrom } from "../domain/event.ts";
import { readDetail } from "./event-detail.ts";
import { newestSeq } from "./store.ts";

/** What was counted of events, for whoever explains it: rows are read as they are walked, since there may be very many. */

/** Events by number, `[first, end)`. */
export type EventSpan = { first: number; end: number };

/** What was counted of a feature's events in a span, and the credits they drew. */
export function* countedBetween(
  sql: SqlStorage,
  featureId: string,
  { first, end }: EventSpan,
): Iterable<{ counted: Counted; drawnE4: E4; taken: readonly TakenFrom[] }> {
  const rows = sql.exec<{ usage_e12: string; detail: string | null }>(
    "SELECT usage_e12, detail FROM events WHERE seq >= ? AND seq < ? AND feature_id = ? AND detail IS NOT NULL ORDER BY seq",
    first,
    end,
    featureId,
  );
  for (const row of rows) {
    const { counted, burnt, correction } = readDetail(row.detail, BigInt(row.usage_e12));
    if (counted !== undefined) yield { counted, drawnE4: burnt?.drawnE4 ?? 0n, taken: correction?.taken ?? [] };
  }
}

/**
 * Number of the first event received at an instant or later, one more than the newest if there is none: found by halving, since events
 * are numbered as they are received and time never runs backwards for a customer.
 */
export function firstReceivedAt(sql: SqlStorage, atMs: number): number {
  let [low, high] = [1, newestSeq(sql) + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = sql
      .exec<{ received_at_ms: number }>("SELECT received_at_ms FROM events WHERE seq >= ? ORDER BY seq LIMIT 1", middle)
      .toArray()[0];
    if (row === undefined || row.received_at_ms >= atMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
