import type { EventEntry } from "../domain/burn-books.ts";
import type { E4 } from "../domain/credit.ts";
import type { Counted, StoredEvent, TakenFrom } from "../domain/event.ts";
import type { Invoice } from "../domain/invoice.ts";
import { fromJsonText } from "../domain/json-text.ts";
import type { SummedEvent } from "../domain/rollup-books.ts";
import { counterKey, type UsageSegment } from "../domain/usage.ts";
import { COUNTER_COLUMNS, type CounterRow, totalsOf } from "./book-store.ts";
import { readDetail } from "./event-detail.ts";
import { newestSeq } from "./store.ts";

/** Everything that was ever written, for whoever audits it: rows are read as they are walked, since there may be very many. */

export function* allInvoices(sql: SqlStorage): Iterable<Invoice> {
  for (const { body } of sql.exec<{ body: string }>("SELECT body FROM invoices ORDER BY number"))
    yield fromJsonText<Invoice>(body);
}

/** The closed segments of usage, each of which is billed. */
export function* allSegments(sql: SqlStorage): Iterable<UsageSegment> {
  for (const { body } of sql.exec<{ body: string }>("SELECT body FROM usage_segments ORDER BY number"))
    yield fromJsonText<UsageSegment>(body);
}

export function allCounters(sql: SqlStorage): ReturnType<typeof totalsOf>[] {
  return sql.exec<CounterRow>(`SELECT ${COUNTER_COLUMNS} FROM counters`).toArray().map(totalsOf);
}

/** The number of the newest billed segment of each counter, by its key: what was counted before it was closed is of earlier periods. */
export function newestBilled(sql: SqlStorage): Map<string, number> {
  const rows = sql.exec<{ subscription: number; feature_id: string; number: number }>(
    `SELECT subscription, feature_id, MAX(number) AS number FROM usage_segments WHERE is_billed = 1
     GROUP BY subscription, feature_id`,
  );
  return new Map([...rows].map((row) => [counterKey(row.subscription, row.feature_id), row.number]));
}

/** What was counted of each event and what it burned, in order; those that did neither may be left out. Corrections are among them. */
export function* countedEvents(
  sql: SqlStorage,
): Iterable<{ seq: number; featureId: string } & Pick<StoredEvent, "counted" | "burnt">> {
  const rows = sql.exec<{ seq: number; feature_id: string; usage_e12: string; detail: string | null }>(
    "SELECT seq, feature_id, usage_e12, detail FROM events WHERE detail IS NOT NULL ORDER BY seq",
  );
  for (const row of rows) {
    const { counted, burnt } = readDetail(row.detail, BigInt(row.usage_e12));
    yield {
      seq: row.seq,
      featureId: row.feature_id,
      ...(counted === undefined ? {} : { counted }),
      ...(burnt === undefined ? {} : { burnt }),
    };
  }
}

/** Of the ledgers of all pools. Its index has the order: nothing is sorted, however many there are. */
export const EVENT_ENTRIES = `SELECT event_seq, body ->> '$.amountE4."$bigint"' AS amount_e4 FROM credit_entries
  WHERE event_seq IS NOT NULL ORDER BY event_seq`;

/** What the ledgers of all pools moved for events, by the event's place. */
export function* eventEntries(sql: SqlStorage): Iterable<EventEntry> {
  for (const row of sql.exec<{ event_seq: number; amount_e4: string | null }>(EVENT_ENTRIES))
    yield { eventSeq: row.event_seq, amountE4: BigInt(row.amount_e4 ?? 0) };
}

/** In the order of an index: nothing is sorted, however many there are. */
export const SUMMED_EVENTS = `SELECT occurred_at_ms, feature_id, provider, model, currency, usage_e12, cost_e12, revenue_e12,
    input_tokens, output_tokens, CASE WHEN instr(detail, '"otherRevenue"') > 0 THEN detail END AS detail
  FROM events INDEXED BY events_by_time ORDER BY occurred_at_ms`;

/** What rollups add up of each event, in the order in which they occurred. */
export function* summedEvents(sql: SqlStorage): Iterable<SummedEvent> {
  const rows = sql.exec<{
    occurred_at_ms: number;
    feature_id: string;
    provider: string;
    model: string;
    currency: string;
    usage_e12: string;
    cost_e12: string | null;
    revenue_e12: string | null;
    input_tokens: number | null;
    output_tokens: number | null;
    detail: string | null;
  }>(SUMMED_EVENTS);
  for (const row of rows) {
    const usageE12 = BigInt(row.usage_e12);
    const { otherRevenue } = readDetail(row.detail, usageE12);
    yield {
      occurredAtMs: row.occurred_at_ms,
      featureId: row.feature_id,
      provider: row.provider,
      model: row.model,
      currency: row.currency,
      usageE12,
      ...(row.cost_e12 === null ? {} : { costE12: BigInt(row.cost_e12) }),
      ...(row.revenue_e12 === null ? {} : { revenueE12: BigInt(row.revenue_e12) }),
      inputTokens: row.input_tokens ?? 0,
      outputTokens: row.output_tokens ?? 0,
      ...(otherRevenue === undefined ? {} : { otherRevenue }),
    };
  }
}

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
