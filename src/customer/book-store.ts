import { type Book, type Draft, heldUnits } from "../domain/book.ts";
import type { HeldCredits } from "../domain/credit.ts";
import { INVOICES_PER_SUBSCRIPTION, type Invoice, isOpen } from "../domain/invoice.ts";
import { fromJsonText, jsonText } from "../domain/json-text.ts";
import type { MrrSpan } from "../domain/mrr.ts";
import { type PlanPin, type PlanRef, pinKey, type Subscription } from "../domain/subscription.ts";
import {
  type BlockTerms,
  type Counter,
  counterKey,
  type Hold,
  type HoldStatus,
  type UsageSegment,
} from "../domain/usage.ts";
import { insertBalanceEntry, readBalances } from "./balance-store.ts";
import { bodies } from "./bodies.ts";
import { insertEntry, loadCredits, writeCredits } from "./credit-store.ts";
import { applyPayments, loadPayments } from "./payment-store.ts";
import { overwrite, type Row, writeOver } from "./rows.ts";

/**
 * SQL of what the customer has bought, used and owes. Rows in, rows out, nothing decided. The book is what is live; everything that
 * ended stays in these tables for ever.
 */

/** A book that a commit may change. */
export type MutableBook = {
  [S in keyof Book]: Book[S] extends ReadonlyMap<infer K, infer V> ? Map<K, V> : Book[S];
};

/** Reads the book: what is live, by indexes that hold nothing else. */
export function loadBook(sql: SqlStorage): MutableBook {
  const subscriptions = bodies<Subscription>(sql, "SELECT body FROM subscriptions WHERE status <> 'CANCELLED'");
  const live = new Set(subscriptions.map(({ number }) => number));
  const invoices = bodies<Invoice>(
    sql,
    "SELECT body FROM invoices WHERE status IN ('PENDING', 'DUE', 'PAST_DUE') ORDER BY number",
  );
  const counters = [...live].flatMap((number) => countersOf(sql, number));
  const segments = bodies<UsageSegment>(sql, "SELECT body FROM usage_segments WHERE is_billed = 0 ORDER BY number");
  const holds = readHolds(sql, "WHERE status = 'HELD'");
  const pins = subscriptions.flatMap((subscription) => pinsOf(sql, subscription));
  return {
    subscriptions: new Map(subscriptions.map((one) => [one.number, one])),
    invoices: new Map(invoices.map((one) => [one.number, one])),
    counters: new Map(counters.map((one) => [counterKey(one.subscription, one.featureId), one])),
    segments: new Map(segments.map((one) => [one.number, one])),
    holds: new Map(holds.map((one) => [one.number, one])),
    held: heldUnits(holds),
    pins: new Map(pins.map((one) => [pinKey(one), one])),
    balances: readBalances(sql),
    ...loadCredits(sql),
    ...loadPayments(sql),
    mrrSpans: new Map(readMrrSpans(sql, "WHERE is_open = 1").map((one) => [one.number, one])),
    last: readLast(sql),
  };
}

/** The newest numbers, in one statement: whoever wakes an object waits for it. Purchases are counted by their invoices. */
export function readLast(sql: SqlStorage): Book["last"] {
  const newest = (table: string) => `(SELECT COALESCE(MAX(number), 0) FROM ${table})`;
  return sql
    .exec<Book["last"]>(
      `SELECT last_plan_change AS planChange, ${newest("subscriptions")} AS subscription,
         ${newest("reservations")} AS hold, ${newest("usage_segments")} AS segment,
         ${newest("balance_entries")} AS balanceEntry, ${newest("credit_pools")} AS pool,
         ${newest("credit_grants")} AS "grant", ${newest("credit_entries")} AS creditEntry,
         ${newest("payments")} AS payment, ${newest("mrr_spans")} AS mrrSpan,
         (SELECT COALESCE(MAX(number), 0) FROM invoices WHERE number < ?) AS purchase
       FROM state WHERE id = 1`,
      INVOICES_PER_SUBSCRIPTION,
    )
    .one();
}

/** Every version that a live subscription names: those in force this period, and those that wait for its end. */
export function pinsOf(sql: SqlStorage, { planId, version, inForce, scheduled }: Subscription): PlanPin[] {
  const waiting = [scheduled, scheduled?.instead].filter((one) => one !== undefined);
  const refs: PlanRef[] = [{ planId, version }, ...inForce, ...waiting];
  return [...new Map(refs.map((ref) => [pinKey(ref), ref])).values()].map((ref) => readPin(sql, ref));
}

/** Versions that were pinned before plans gave credits say nothing of them. */
type StoredPin = Omit<PlanPin, "allocations"> & Partial<Pick<PlanPin, "allocations">>;

export function readPin(sql: SqlStorage, ref: PlanRef): PlanPin {
  const pin = findPin(sql, ref);
  if (pin === undefined) throw new Error("invariant broken: a version in use is pinned");
  return pin;
}

/** The same for whoever doubts it: undefined where the version is not there. */
export function findPin(sql: SqlStorage, { planId, version }: PlanRef): PlanPin | undefined {
  const query = "SELECT body FROM plan_pins WHERE plan_id = ? AND version = ?";
  const [pin] = bodies<StoredPin>(sql, query, planId, version);
  return pin === undefined ? undefined : { ...pin, allocations: pin.allocations ?? [] };
}

export function readSubscription(sql: SqlStorage, number: number): Subscription | undefined {
  return bodies<Subscription>(sql, "SELECT body FROM subscriptions WHERE number = ?", number)[0];
}

/** All subscriptions there ever were, newest first. */
export function readSubscriptions(sql: SqlStorage): Subscription[] {
  return bodies<Subscription>(sql, "SELECT body FROM subscriptions ORDER BY number DESC");
}

const TABLES = { subscription: "subscriptions", invoice: "invoices", pool: "credit_pools", mrr: "mrr_spans" } as const;

/** The stored text of one thing: equal texts, nothing changed meanwhile. */
export function bodyOf(sql: SqlStorage, kind: keyof typeof TABLES, number: number): string | undefined {
  return sql.exec<{ body: string }>(`SELECT body FROM ${TABLES[kind]} WHERE number = ?`, number).toArray()[0]?.body;
}

/** Runs a query over what subscriptions bring a month with the given tail. */
export function readMrrSpans(sql: SqlStorage, tail: string, ...bound: number[]): MrrSpan[] {
  return bodies<MrrSpan>(sql, `SELECT body FROM mrr_spans ${tail}`, ...bound);
}

export type CounterRow = {
  subscription: number;
  feature_id: string;
  feature_key: string;
  used_e12: string;
  billable_e12: string;
  used_at_start_e12: string;
  billable_at_start_e12: string;
  segment_start_ms: number;
  segment_from_e12: string;
  segment_late_e12: string;
  segment_events: number;
  segment_first_at_ms: number | null;
  segment_last_at_ms: number | null;
};

export const COUNTER_COLUMNS = `subscription, feature_id, feature_key, used_e12, billable_e12, used_at_start_e12, billable_at_start_e12,
  segment_start_ms, segment_from_e12, segment_late_e12, segment_events, segment_first_at_ms, segment_last_at_ms`;

export function counterFromRow(row: CounterRow): Counter {
  return {
    subscription: row.subscription,
    featureId: row.feature_id,
    featureKey: row.feature_key,
    usedE12: BigInt(row.used_e12),
    billableE12: BigInt(row.billable_e12),
    usedAtStartE12: BigInt(row.used_at_start_e12),
    billableAtStartE12: BigInt(row.billable_at_start_e12),
    segment: {
      startMs: row.segment_start_ms,
      billableFromE12: BigInt(row.segment_from_e12),
      lateE12: BigInt(row.segment_late_e12),
      events: row.segment_events,
      ...(row.segment_first_at_ms === null ? {} : { firstAtMs: row.segment_first_at_ms }),
      ...(row.segment_last_at_ms === null ? {} : { lastAtMs: row.segment_last_at_ms }),
    },
  };
}

function countersOf(sql: SqlStorage, subscription: number): Counter[] {
  return sql
    .exec<CounterRow>(`SELECT ${COUNTER_COLUMNS} FROM counters WHERE subscription = ?`, subscription)
    .toArray()
    .map(counterFromRow);
}

type HoldRow = {
  number: number;
  subscription: number;
  feature_id: string;
  feature_key: string;
  units_e12: string;
  status: HoldStatus;
  created_at_ms: number;
  expires_at_ms: number;
  key: string | null;
  event_seq: number | null;
  credits: string | null;
  model: string | null;
  block: string | null;
  part_of: number | null;
  part_sequence: number | null;
};

/** Runs a query over reservations with the given tail. */
export function readHolds(sql: SqlStorage, tail: string, ...bound: (string | number)[]): Hold[] {
  return sql
    .exec<HoldRow>(
      `SELECT number, subscription, feature_id, feature_key, units_e12, status, created_at_ms, expires_at_ms, key, event_seq,
         credits, model, block, part_of, part_sequence FROM reservations ${tail}`,
      ...bound,
    )
    .toArray()
    .map((row) => ({
      number: row.number,
      subscription: row.subscription,
      featureId: row.feature_id,
      featureKey: row.feature_key,
      unitsE12: BigInt(row.units_e12),
      status: row.status,
      createdAtMs: row.created_at_ms,
      expiresAtMs: row.expires_at_ms,
      ...(row.key === null ? {} : { key: row.key }),
      ...(row.event_seq === null ? {} : { eventSeq: row.event_seq }),
      ...(row.credits === null ? {} : { credits: fromJsonText<readonly HeldCredits[]>(row.credits) }),
      ...(row.model === null ? {} : { model: row.model }),
      ...(row.block === null ? {} : { block: fromJsonText<BlockTerms>(row.block) }),
      ...(row.part_of === null || row.part_sequence === null
        ? {}
        : { part: { block: row.part_of, sequence: row.part_sequence } }),
    }));
}

/** Writes what a draft decided: absolute rows, over whatever is there. */
export function writeDraft(sql: SqlStorage, draft: Draft): void {
  if (draft.scheduledChanges()) sql.exec("UPDATE state SET last_plan_change = ? WHERE id = 1", draft.last.planChange);
  // A version never changes: the one that is there is the same.
  for (const pin of draft.pins.written.values())
    sql.exec(
      "INSERT INTO plan_pins (plan_id, version, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      pin.planId,
      pin.version,
      jsonText(pin),
    );
  for (const subscription of draft.subscriptions.written.values())
    sql.exec(
      `INSERT INTO subscriptions (number, status, body) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET status = excluded.status, body = excluded.body`,
      subscription.number,
      subscription.status,
      jsonText(subscription),
    );
  for (const invoice of draft.invoices.written.values())
    sql.exec(
      `INSERT INTO invoices (number, subscription, status, created_at_ms, body) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET status = excluded.status, created_at_ms = excluded.created_at_ms, body = excluded.body`,
      invoice.number,
      invoice.subscription,
      invoice.status,
      invoice.createdAtMs,
      jsonText(invoice),
    );
  writeOver(sql, COUNTERS, [...draft.counters.written.values()].map(counterRow));
  writeOver(sql, SEGMENTS, [...draft.segments.written.values()].map(segmentRow));
  writeAdded(sql, draft);
  for (const entry of draft.balanceEntries) insertBalanceEntry(sql, entry);
  for (const span of draft.mrrSpans.written.values())
    sql.exec(
      `INSERT INTO mrr_spans (number, is_open, body) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET is_open = excluded.is_open, body = excluded.body`,
      span.number,
      span.endMs === undefined ? 1 : 0,
      jsonText(span),
    );
  writeCredits(sql, draft);
}

/** Does it write nothing but what `writeAdded` adds, and rows that every event writes over? */
export function isOfUsage(draft: Draft): boolean {
  const { subscriptions, invoices, segments, pins, mrrSpans, balanceEntries, payments, payer, calls } = draft;
  return (
    [subscriptions, invoices, segments, pins, mrrSpans, payments].every(({ written }) => written.size === 0) &&
    balanceEntries.length + calls.length === 0 &&
    payer.written() === undefined &&
    !draft.scheduledChanges()
  );
}

/** Reservations, and the entries of the credit ledger. */
export function writeAdded(sql: SqlStorage, { holds, creditEntries }: Draft): void {
  for (const hold of holds.written.values()) writeHold(sql, hold);
  for (const entry of creditEntries) insertEntry(sql, entry);
}

export const COUNTERS = overwrite(
  { into: `counters (${COUNTER_COLUMNS})`, width: 13 },
  `ON CONFLICT DO UPDATE SET used_e12 = excluded.used_e12, billable_e12 = excluded.billable_e12,
  used_at_start_e12 = excluded.used_at_start_e12, billable_at_start_e12 = excluded.billable_at_start_e12,
  segment_start_ms = excluded.segment_start_ms, segment_from_e12 = excluded.segment_from_e12,
  segment_late_e12 = excluded.segment_late_e12, segment_events = excluded.segment_events,
  segment_first_at_ms = excluded.segment_first_at_ms, segment_last_at_ms = excluded.segment_last_at_ms`,
);

export function counterRow({ segment, ...counter }: Counter): Row {
  return [
    counter.subscription,
    counter.featureId,
    counter.featureKey,
    counter.usedE12.toString(),
    counter.billableE12.toString(),
    counter.usedAtStartE12.toString(),
    counter.billableAtStartE12.toString(),
    segment.startMs,
    segment.billableFromE12.toString(),
    segment.lateE12.toString(),
    segment.events,
    segment.firstAtMs ?? null,
    segment.lastAtMs ?? null,
  ];
}

const SEGMENTS = overwrite(
  { into: "usage_segments (number, subscription, feature_id, period_start_ms, is_billed, body)", width: 6 },
  "ON CONFLICT DO UPDATE SET is_billed = excluded.is_billed, body = excluded.body",
);

function segmentRow(segment: UsageSegment): Row {
  return [
    segment.number,
    segment.subscription,
    segment.featureId,
    segment.periodStartMs,
    segment.billedAtMs === undefined ? 0 : 1,
    jsonText(segment),
  ];
}

/** A reservation is inserted once; afterwards only its end is written, and of a block what is left. */
function writeHold(sql: SqlStorage, hold: Hold): void {
  sql.exec(
    `INSERT INTO reservations (number, subscription, feature_id, feature_key, units_e12, status, created_at_ms, expires_at_ms, key,
       event_seq, credits, model, block, part_of, part_sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (number) DO UPDATE SET status = excluded.status, event_seq = excluded.event_seq,
       units_e12 = excluded.units_e12, credits = excluded.credits, block = excluded.block`,
    hold.number,
    hold.subscription,
    hold.featureId,
    hold.featureKey,
    hold.unitsE12.toString(),
    hold.status,
    hold.createdAtMs,
    hold.expiresAtMs,
    hold.key ?? null,
    hold.eventSeq ?? null,
    hold.credits === undefined ? null : jsonText(hold.credits),
    hold.model ?? null,
    hold.block === undefined ? null : jsonText(hold.block),
    hold.part?.block ?? null,
    hold.part?.sequence ?? null,
  );
}

/** Puts a draft, once it is written, into the book: what ended leaves memory. */
export function applyDraft(book: MutableBook, draft: Draft): void {
  for (const [key, pin] of draft.pins.written) book.pins.set(key, pin);
  for (const [number, subscription] of draft.subscriptions.written) {
    if (subscription.status !== "CANCELLED") book.subscriptions.set(number, subscription);
    else forgetSubscription(book, number);
  }
  for (const [number, invoice] of draft.invoices.written) keepIf(book.invoices, number, invoice, isOpen(invoice));
  for (const [key, counter] of draft.counters.written)
    keepIf(book.counters, key, counter, book.subscriptions.has(counter.subscription));
  for (const [number, segment] of draft.segments.written)
    keepIf(book.segments, number, segment, segment.billedAtMs === undefined);
  for (const [number, hold] of draft.holds.written) keepIf(book.holds, number, hold, hold.status === "HELD");
  for (const [key, unitsE12] of draft.held.written) keepIf(book.held, key, unitsE12, unitsE12 !== 0n);
  for (const { currency, balanceMinor } of draft.balanceEntries) book.balances.set(currency, balanceMinor);
  applyCredits(book, draft);
  applyPayments(book, draft);
  for (const [number, span] of draft.mrrSpans.written) keepIf(book.mrrSpans, number, span, span.endMs === undefined);
  book.last = { ...draft.last };
}

/** An archived pool takes its grants with it. */
function applyCredits(book: MutableBook, draft: Draft): void {
  for (const [number, pool] of draft.pools.written) {
    keepIf(book.pools, number, pool, pool.status !== "ARCHIVED");
    if (pool.status === "ARCHIVED")
      for (const grant of book.grants.values()) if (grant.pool === number) book.grants.delete(grant.number);
  }
  for (const [number, grant] of draft.grants.written)
    keepIf(book.grants, number, grant, grant.remainingE4 > 0n && book.pools.has(grant.pool));
  for (const [pool, order] of draft.drawOrders.written) book.drawOrders.set(pool, order);
  for (const number of draft.pools.written.keys()) if (!book.pools.has(number)) book.drawOrders.delete(number);
}

function keepIf<K, V>(shelf: Map<K, V>, key: K, value: V, keep: boolean): void {
  if (keep) shelf.set(key, value);
  else shelf.delete(key);
}

function forgetSubscription(book: MutableBook, number: number): void {
  book.subscriptions.delete(number);
  for (const [key, counter] of book.counters) if (counter.subscription === number) book.counters.delete(key);
}
