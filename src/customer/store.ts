import type { Profile } from "../domain/customer.ts";
import type { CostSource, StoredEvent } from "../domain/event.ts";
import { type CustomerTag, customerThingId } from "../domain/ids.ts";
import type { Pair, Rollup, RollupKey } from "../domain/rollup.ts";
import { detailText, readDetail } from "./event-detail.ts";
import { overwrite, type Row } from "./rows.ts";

/**
 * SQL of the customer's object: rows in, rows out, nothing decided. Amounts are text on disk and bigint outside. Event storage
 * stands behind these functions alone, so that old bodies can move to history objects later.
 */

export type StateRow = {
  profile: Profile | undefined;
  rev: number;
  lastSettledAtMs: number;
  lastEventAtMs: number | undefined;
  fedSeq: number;
  quarantinedAtMs: number | undefined;
  quarantineReason: string | undefined;
  /** The test clock that the customer lives by, and its instant. */
  clock: { clockId: string; atMs: number } | undefined;
};

export function loadState(sql: SqlStorage): StateRow {
  const row = sql
    .exec<{
      profile: string | null;
      rev: number;
      last_settled_at_ms: number;
      last_event_at_ms: number | null;
      fed_seq: number;
      quarantined_at_ms: number | null;
      quarantine_reason: string | null;
      clock_id: string | null;
      clock_ms: number | null;
    }>(
      `SELECT profile, rev, last_settled_at_ms, last_event_at_ms, fed_seq, quarantined_at_ms, quarantine_reason, clock_id,
         clock_ms FROM state WHERE id = 1`,
    )
    .one();
  return {
    profile: row.profile === null ? undefined : (JSON.parse(row.profile) as Profile),
    rev: row.rev,
    lastSettledAtMs: row.last_settled_at_ms,
    lastEventAtMs: row.last_event_at_ms ?? undefined,
    fedSeq: row.fed_seq,
    quarantinedAtMs: row.quarantined_at_ms ?? undefined,
    quarantineReason: row.quarantine_reason ?? undefined,
    clock: row.clock_id === null || row.clock_ms === null ? undefined : { clockId: row.clock_id, atMs: row.clock_ms },
  };
}

export function saveState(sql: SqlStorage, state: StateRow, withProfile: boolean): void {
  if (withProfile)
    sql.exec(
      "UPDATE state SET profile = ? WHERE id = 1",
      state.profile === undefined ? null : JSON.stringify(state.profile),
    );
  sql.exec(
    `UPDATE state SET rev = ?, last_settled_at_ms = ?, last_event_at_ms = ?, fed_seq = ?, quarantined_at_ms = ?,
       quarantine_reason = ?, clock_id = ?, clock_ms = ? WHERE id = 1`,
    state.rev,
    state.lastSettledAtMs,
    state.lastEventAtMs ?? null,
    state.fedSeq,
    state.quarantinedAtMs ?? null,
    state.quarantineReason ?? null,
    state.clock?.clockId ?? null,
    state.clock?.atMs ?? null,
  );
}

type EventRow = {
  seq: number;
  occurred_at_ms: number;
  received_at_ms: number;
  key: string;
  event_name: string;
  feature_id: string;
  provider: string;
  model: string;
  currency: string;
  usage_e12: string;
  cost_e12: string | null;
  cost_source: string | null;
  revenue_e12: string | null;
  recosted_at_ms: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  detail: string | null;
  meta: string | null;
};

export const EVENT_COLUMNS = `seq, occurred_at_ms, received_at_ms, key, event_name, feature_id, provider, model, currency,
  usage_e12, cost_e12, cost_source, revenue_e12, recosted_at_ms, input_tokens, output_tokens, detail, meta`;

const INSERT_EVENT = `INSERT INTO events (seq, occurred_at_ms, received_at_ms, key, event_name, feature_id, provider, model,
  currency, usage_e12, cost_e12, cost_source, revenue_e12, input_tokens, output_tokens, detail, meta)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Stores an event and its key. A repeated key breaks the primary key and throws: callers look before. */
export function insertEvent(sql: SqlStorage, event: StoredEvent, keyDigest: Uint8Array): void {
  sql.exec(
    INSERT_EVENT,
    event.seq,
    event.occurredAtMs,
    event.receivedAtMs,
    event.key,
    event.eventName,
    event.featureId,
    event.provider,
    event.model,
    event.currency,
    event.usageE12.toString(),
    event.costE12?.toString() ?? null,
    event.costSource ?? null,
    event.revenueE12?.toString() ?? null,
    event.inputTokens ?? null,
    event.outputTokens ?? null,
    detailText(event),
    event.meta ?? null,
  );
  sql.exec("INSERT INTO event_keys (digest, seq) VALUES (?, ?)", keyDigest, event.seq);
  if (event.correction !== undefined)
    sql.exec("INSERT INTO corrections (event_seq, correction_seq) VALUES (?, ?)", event.correction.corrects, event.seq);
  if (event.unmeteredReason === "PENDING") sql.exec("INSERT INTO pending_events (seq) VALUES (?)", event.seq);
}

/** The place of the event that has this key, if one has. */
export function findEventSeq(sql: SqlStorage, keyDigest: Uint8Array): number | undefined {
  const next = sql.exec<{ seq: number }>("SELECT seq FROM event_keys WHERE digest = ?", keyDigest).next();
  return next.done ? undefined : next.value.seq;
}

export function newestSeq(sql: SqlStorage): number {
  return sql.exec<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM events").one().seq ?? 0;
}

export function readEvent(sql: SqlStorage, tag: CustomerTag, seq: number): StoredEvent | undefined {
  const row = sql.exec<EventRow>(`SELECT ${EVENT_COLUMNS} FROM events WHERE seq = ?`, seq).toArray()[0];
  return row === undefined ? undefined : eventFromRow(row, tag);
}

/** Runs a query whose columns are EVENT_COLUMNS. */
export function readEvents(
  sql: SqlStorage,
  tag: CustomerTag,
  query: string,
  ...bound: (string | number)[]
): StoredEvent[] {
  return sql
    .exec<EventRow>(query, ...bound)
    .toArray()
    .map((row) => eventFromRow(row, tag));
}

function eventFromRow(row: EventRow, tag: CustomerTag): StoredEvent {
  const usageE12 = BigInt(row.usage_e12);
  return {
    eventId: customerThingId(tag, "event", row.seq),
    seq: row.seq,
    key: row.key,
    eventName: row.event_name,
    occurredAtMs: row.occurred_at_ms,
    receivedAtMs: row.received_at_ms,
    featureId: row.feature_id,
    provider: row.provider,
    model: row.model,
    currency: row.currency,
    usageE12,
    ...(row.cost_e12 === null ? {} : { costE12: BigInt(row.cost_e12) }),
    ...(row.cost_source === null ? {} : { costSource: row.cost_source as CostSource }),
    ...(row.revenue_e12 === null ? {} : { revenueE12: BigInt(row.revenue_e12) }),
    ...(row.recosted_at_ms === null ? {} : { recostedAtMs: row.recosted_at_ms }),
    ...(row.input_tokens === null ? {} : { inputTokens: row.input_tokens }),
    ...(row.output_tokens === null ? {} : { outputTokens: row.output_tokens }),
    ...readDetail(row.detail, usageE12),
    ...(row.meta === null ? {} : { meta: row.meta }),
  };
}

/** Writes what an event came to when it was counted at last; it is pending no more. */
export function setEventCounted(sql: SqlStorage, event: StoredEvent): void {
  sql.exec(
    "UPDATE events SET revenue_e12 = ?, detail = ? WHERE seq = ?",
    event.revenueE12?.toString() ?? null,
    detailText(event),
    event.seq,
  );
  sql.exec("DELETE FROM pending_events WHERE seq = ?", event.seq);
}

/** The oldest events that came while the customer was quarantined and are not counted yet. */
export function pendingEvents(sql: SqlStorage, tag: CustomerTag, limit: number): StoredEvent[] {
  return readEvents(
    sql,
    tag,
    `SELECT ${EVENT_COLUMNS} FROM events WHERE seq IN (SELECT seq FROM pending_events ORDER BY seq LIMIT ?) ORDER BY seq`,
    limit,
  );
}

/** The corrections of an event, in order. */
export function correctionsOf(sql: SqlStorage, tag: CustomerTag, seq: number): StoredEvent[] {
  return readEvents(
    sql,
    tag,
    `SELECT ${EVENT_COLUMNS} FROM events
     WHERE seq IN (SELECT correction_seq FROM corrections WHERE event_seq = ?) ORDER BY seq`,
    seq,
  );
}

export function setEventCost(sql: SqlStorage, seq: number, costE12: bigint, source: CostSource, atMs: number): void {
  sql.exec(
    "UPDATE events SET cost_e12 = ?, cost_source = ?, recosted_at_ms = ? WHERE seq = ?",
    costE12.toString(),
    source,
    atMs,
    seq,
  );
}

export type RollupRow = {
  bucket_start_ms: number;
  span_ms: number;
  feature_id: string;
  provider: string;
  model: string;
  currency: string;
  events: number;
  cost_unknown_events: number;
  input_tokens: number;
  output_tokens: number;
  usage_e12: string;
  cost_e12: string;
  revenue_e12: string;
  rev: number;
};

const ROLLUP_COLUMNS = `bucket_start_ms, span_ms, feature_id, provider, model, currency, events, cost_unknown_events,
  input_tokens, output_tokens, usage_e12, cost_e12, revenue_e12, rev`;

const ROLLUP_KEY =
  "bucket_start_ms = ? AND span_ms = ? AND feature_id = ? AND provider = ? AND model = ? AND currency = ?";

/** A rollup that is not empty; see `isEmptyRollup`. */
export const ROLLUP_HOLDS_SOMETHING = "(events > 0 OR revenue_e12 <> '0')";

/** Deletes the sums of a key where they are of nothing. */
export function deleteEmptyRollup(sql: SqlStorage, key: RollupKey): void {
  sql.exec(`DELETE FROM rollups WHERE ${ROLLUP_KEY} AND NOT ${ROLLUP_HOLDS_SOMETHING}`, ...rollupKeyValues(key));
}

function rollupKeyValues({ bucketStartMs, spanMs, featureId, provider, model, currency }: RollupKey) {
  return [bucketStartMs, spanMs, featureId, provider, model, currency];
}

export function readRollup(sql: SqlStorage, key: RollupKey): (Rollup & { rev: number }) | undefined {
  const row = sql
    .exec<RollupRow>(`SELECT ${ROLLUP_COLUMNS} FROM rollups WHERE ${ROLLUP_KEY}`, ...rollupKeyValues(key))
    .toArray()[0];
  return row === undefined ? undefined : rollupFromRow(row);
}

/** Runs a query over rollups with the given tail (WHERE, ORDER BY, LIMIT). */
export function readRollups(
  sql: SqlStorage,
  tail: string,
  ...bound: (string | number)[]
): (Rollup & { rev: number })[] {
  return sql
    .exec<RollupRow>(`SELECT ${ROLLUP_COLUMNS} FROM rollups ${tail}`, ...bound)
    .toArray()
    .map(rollupFromRow);
}

/** All rollups by their beginnings, as they are stored; read as they are walked. */
export function rollupRowsByTime(sql: SqlStorage): Iterable<RollupRow> {
  return sql.exec<RollupRow>(`SELECT ${ROLLUP_COLUMNS} FROM rollups ORDER BY bucket_start_ms`);
}

export function rollupFromRow(row: RollupRow): Rollup & { rev: number } {
  return {
    bucketStartMs: row.bucket_start_ms,
    spanMs: row.span_ms,
    featureId: row.feature_id,
    provider: row.provider,
    model: row.model,
    currency: row.currency,
    events: row.events,
    costUnknownEvents: row.cost_unknown_events,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    usageE12: BigInt(row.usage_e12),
    costE12: BigInt(row.cost_e12),
    revenueE12: BigInt(row.revenue_e12),
    rev: row.rev,
  };
}

export const ROLLUPS = overwrite(
  { into: `rollups (${ROLLUP_COLUMNS})`, width: 14 },
  `ON CONFLICT DO UPDATE SET events = excluded.events, cost_unknown_events = excluded.cost_unknown_events,
     input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, usage_e12 = excluded.usage_e12,
     cost_e12 = excluded.cost_e12, revenue_e12 = excluded.revenue_e12, rev = excluded.rev`,
);

/** A rollup's absolute sums. */
export function rollupRow(rollup: Rollup & { rev: number }): Row {
  return [
    ...rollupKeyValues(rollup),
    rollup.events,
    rollup.costUnknownEvents,
    rollup.inputTokens,
    rollup.outputTokens,
    rollup.usageE12.toString(),
    rollup.costE12.toString(),
    rollup.revenueE12.toString(),
    rollup.rev,
  ];
}

/** The pairs of feature and model that a UTC day has so far: what the limit on pairs counts. */
export function pairsOfDay(sql: SqlStorage, dayStartMs: number, dayEndMs: number): Pair[] {
  return sql
    .exec<{ feature_id: string; provider: string; model: string }>(
      "SELECT DISTINCT feature_id, provider, model FROM rollups WHERE bucket_start_ms >= ? AND bucket_start_ms < ?",
      dayStartMs,
      dayEndMs,
    )
    .toArray()
    .map((row) => ({ featureId: row.feature_id, provider: row.provider, model: row.model }));
}

/** The start of the oldest hour that still counts something. */
export function oldestHour(sql: SqlStorage): number | undefined {
  return (
    sql
      .exec<{ at_ms: number | null }>(
        `SELECT MIN(bucket_start_ms) AS at_ms FROM rollups WHERE span_ms = 3600000 AND ${ROLLUP_HOLDS_SOMETHING}`,
      )
      .one().at_ms ?? undefined
  );
}

export function parkedRows(sql: SqlStorage): number {
  return sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM outbox WHERE parked_at_ms IS NOT NULL").one().n;
}
