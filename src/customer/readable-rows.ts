import type { BalanceEntry } from "../domain/book.ts";
import type { Break, CountedEvent } from "../domain/books.ts";
import type { EventEntry } from "../domain/burn-books.ts";
import type { CreditEntry, CreditEntryType, Grant, HeldCredits, Pool } from "../domain/credit.ts";
import type { Invoice } from "../domain/invoice.ts";
import { fromJsonText } from "../domain/json-text.ts";
import type { MrrSpan } from "../domain/mrr.ts";
import type { StoredSpan } from "../domain/mrr-books.ts";
import type { Beside } from "../domain/pool-books.ts";
import type { Readable, Reading } from "../domain/reading-books.ts";
import type { Rollup } from "../domain/rollup.ts";
import type { SummedEvent } from "../domain/rollup-books.ts";
import * as forms from "../domain/stored-forms.ts";
import { type PlanPin, pinKey, type Subscription } from "../domain/subscription.ts";
import {
  type BlockTerms,
  type Counter,
  counterKey,
  type Hold,
  type HoldStatus,
  type UsageSegment,
} from "../domain/usage.ts";
import { allBalanceEntries } from "./balance-store.ts";
import { COUNTER_COLUMNS, type CounterRow, counterFromRow } from "./book-store.ts";
import { readDetail } from "./event-detail.ts";
import { type RollupRow, rollupFromRow, rollupRowsByTime } from "./store.ts";

/**
 * Everything that was ever written, for the books: each row is read through a `Reading`, so that one which somebody made unreadable
 * is named and left out. Rows are read as they are walked, since there may be very many.
 */

/** The tables, and what reads them. */
export type Books = { sql: SqlStorage; reading: Reading };

type Body = { number: number; body: string };
type Table = { kind: Break["kind"]; table: string };

/** A table whose rows are a number and a body that repeats it. */
function numbered<T extends { number: number }>({ kind, table }: Table, form: forms.Form): Readable<Body, T> {
  return {
    kind,
    table,
    form,
    number: ({ number }) => number,
    read({ number, body }) {
      const thing = fromJsonText<T>(body);
      if (thing !== null && typeof thing.number === "number" && thing.number !== number)
        throw new Error(`its body says that it is number ${thing.number}`);
      return thing;
    },
  };
}

const POOLS = numbered<Pool>({ kind: "creditPool", table: "credit_pools" }, forms.POOL);
const GRANTS = numbered<Grant>({ kind: "creditGrant", table: "credit_grants" }, forms.GRANT);
const SUBSCRIPTIONS = numbered<Subscription>({ kind: "subscription", table: "subscriptions" }, forms.SUBSCRIPTION);
const INVOICES = numbered<Invoice>({ kind: "invoice", table: "invoices" }, forms.INVOICE);
const SEGMENTS = numbered<UsageSegment>({ kind: "usageSegment", table: "usage_segments" }, forms.SEGMENT);

function walk<T>({ sql, reading }: Books, readable: Readable<Body, T>): Iterable<T> {
  return reading.of(readable, sql.exec<Body>(`SELECT number, body FROM ${readable.table} ORDER BY number`));
}

export function allInvoices(books: Books): Iterable<Invoice> {
  return walk(books, INVOICES);
}

/** The closed segments of usage, each of which is billed. */
export function allSegments(books: Books): Iterable<UsageSegment> {
  return walk(books, SEGMENTS);
}

export function allSubscriptions(books: Books): Iterable<Subscription> {
  return walk(books, SUBSCRIPTIONS);
}

/** All pools by their numbers; undefined where only the number can be read. */
export function* allPools({ sql, reading }: Books): Iterable<{ number: number; pool?: Pool }> {
  for (const row of sql.exec<Body>("SELECT number, body FROM credit_pools ORDER BY number").toArray()) {
    const [pool] = reading.of(POOLS, [row]);
    yield { number: row.number, ...(pool === undefined ? {} : { pool }) };
  }
}

/** All grants of a pool, oldest first. */
export function allGrants({ sql, reading }: Books, pool: number): Iterable<Grant> {
  return reading.of(
    GRANTS,
    sql.exec<Body>("SELECT number, body FROM credit_grants WHERE pool = ? ORDER BY number", pool),
  );
}

type EntryRow = Body & {
  pool: number;
  type: CreditEntryType;
  at_ms: number;
  event_seq: number | null;
  reverses: number | null;
  reversed_for: number | null;
};

const ENTRIES: Readable<EntryRow, CreditEntry> = {
  kind: "creditEntry",
  table: "credit_entries",
  form: forms.CREDIT_ENTRY,
  number: ({ number }) => number,
  // What its columns say otherwise is the law's of the types of entries.
  read: ({ body }) => fromJsonText<CreditEntry>(body),
};

/** Only of a reversal the other entry is read, by its number. */
const LEDGER = `SELECT number, pool, type, at_ms, event_seq, reverses, body,
    CASE WHEN reverses IS NOT NULL THEN (
      SELECT CASE WHEN json_valid(taken.body) THEN taken.body ->> '$.subscription' END
      FROM credit_entries AS taken WHERE taken.number = entry.reverses
    ) END AS reversed_for
  FROM credit_entries AS entry WHERE pool = ? ORDER BY at_ms, number`;

/** A pool's whole ledger in order, each entry with what is stored beside it. */
export function* allEntries({ sql, reading }: Books, pool: number): Iterable<{ entry: CreditEntry } & Beside> {
  const withColumns: Readable<EntryRow, { entry: CreditEntry } & Beside> = {
    ...ENTRIES,
    read: (row) => ({ entry: ENTRIES.read(row), ...beside(row) }),
    form: (told) => ENTRIES.form((told as { entry: CreditEntry }).entry),
  };
  yield* reading.of(withColumns, sql.exec<EntryRow>(LEDGER, pool));
}

function beside({ number, pool, type, at_ms: atMs, event_seq: eventSeq, reverses, reversed_for }: EntryRow): Beside {
  return {
    columns: {
      number,
      pool,
      type,
      atMs,
      ...(eventSeq === null ? {} : { eventSeq }),
      ...(reverses === null ? {} : { reverses }),
    },
    ...(typeof reversed_for === "number" ? { reversedFor: reversed_for } : {}),
  };
}

type HoldRow = {
  number: number;
  subscription: number;
  status: HoldStatus;
  units_e12: string;
  credits: string | null;
  block: string | null;
};

const HOLDS: Readable<HoldRow, Pick<Hold, "number" | "subscription" | "status" | "unitsE12" | "credits" | "block">> = {
  kind: "reservation",
  table: "reservations",
  form: forms.HOLD,
  number: ({ number }) => number,
  read: ({ number, subscription, status, units_e12: unitsE12, credits, block }) => ({
    number,
    subscription,
    status,
    unitsE12: BigInt(unitsE12),
    ...(credits === null ? {} : { credits: fromJsonText<readonly HeldCredits[]>(credits) }),
    ...(block === null ? {} : { block: fromJsonText<BlockTerms>(block) }),
  }),
};

export function allHolds({ sql, reading }: Books): Iterable<Pick<Hold, "status" | "subscription" | "credits">> {
  const query = "SELECT number, subscription, status, units_e12, credits, block FROM reservations ORDER BY number";
  return reading.of(HOLDS, sql.exec<HoldRow>(query));
}

type PinRow = { plan_id: string; version: number; body: string };

const PINS: Readable<PinRow, PlanPin> = {
  kind: "planVersion",
  table: "plan_pins",
  form: forms.PLAN_PIN,
  number: ({ version }) => version,
  name: ({ plan_id: planId }) => planId,
  read: ({ body }) => fromJsonText<PlanPin>(body),
};

/** All versions that were ever pinned, by `pinKey`. */
export function allPins({ sql, reading }: Books): Map<string, PlanPin> {
  const pins = new Map<string, PlanPin>();
  for (const row of sql.exec<PinRow>("SELECT plan_id, version, body FROM plan_pins").toArray())
    for (const pin of reading.of(PINS, [row])) pins.set(pinKey({ planId: row.plan_id, version: row.version }), pin);
  return pins;
}

const SPAN = numbered<MrrSpan>({ kind: "mrrSpan", table: "mrr_spans" }, forms.MRR_SPAN);

const SPANS: Readable<Body & { is_open: number }, StoredSpan> = {
  ...SPAN,
  read: (row) => ({ span: SPAN.read(row), isOpen: row.is_open === 1 }),
  form: (told) => SPAN.form((told as StoredSpan).span),
};

/** What subscriptions brought a month, in the order of the spans' numbers. */
export function allSpans({ sql, reading }: Books): Iterable<StoredSpan> {
  const query = "SELECT number, is_open, body FROM mrr_spans ORDER BY number";
  return reading.of(SPANS, sql.exec<Body & { is_open: number }>(query));
}

const COUNTERS: Readable<CounterRow, Counter> = {
  kind: "subscription",
  table: "counters",
  form: forms.COUNTER,
  number: ({ subscription }) => subscription,
  name: ({ feature_key: featureKey }) => featureKey,
  read: counterFromRow,
};

export function allCounters({ sql, reading }: Books): Iterable<Counter> {
  return reading.of(COUNTERS, sql.exec<CounterRow>(`SELECT ${COUNTER_COLUMNS} FROM counters`).toArray());
}

/** The number of the newest billed segment of each counter, by its key: what was counted before it was closed is of earlier periods. */
export function newestBilled({ sql }: Books): Map<string, number> {
  const rows = sql.exec<{ subscription: number; feature_id: string; number: number }>(
    `SELECT subscription, feature_id, MAX(number) AS number FROM usage_segments WHERE is_billed = 1
     GROUP BY subscription, feature_id`,
  );
  return new Map([...rows].map((row) => [counterKey(row.subscription, row.feature_id), row.number]));
}

type DetailRow = { seq: number; feature_id: string; usage_e12: string; detail: string };

const COUNTED_EVENTS: Readable<DetailRow, CountedEvent> = {
  kind: "event",
  table: "events",
  form: forms.COUNTED_EVENT,
  number: ({ seq }) => seq,
  read({ seq, feature_id: featureId, usage_e12: usageE12, detail }) {
    if (!detail.startsWith("{")) throw new Error("detail is no object");
    const { counted, burnt, correction } = readDetail(detail, BigInt(usageE12));
    return {
      seq,
      featureId,
      ...(counted === undefined ? {} : { counted }),
      ...(burnt === undefined ? {} : { burnt }),
      ...(correction === undefined ? {} : { correction }),
    };
  },
};

/** What was counted of each event and what it burned, in order; those that did neither may be left out. Corrections are among them. */
export function countedEvents({ sql, reading }: Books): Iterable<CountedEvent> {
  const query = "SELECT seq, feature_id, usage_e12, detail FROM events WHERE detail IS NOT NULL ORDER BY seq";
  return reading.of(COUNTED_EVENTS, sql.exec<DetailRow>(query));
}

/** Of the ledgers of all pools. Its index has the order: nothing is sorted, however many there are. */
export const EVENT_ENTRIES = `SELECT number, event_seq,
    CASE WHEN json_valid(body) THEN body ->> '$.amountE4."$bigint"' END AS amount_e4
  FROM credit_entries WHERE event_seq IS NOT NULL ORDER BY event_seq`;

type EventEntryRow = { number: number; event_seq: number; amount_e4: string | null };

const EVENT_ENTRY: Readable<EventEntryRow, EventEntry> = {
  kind: "creditEntry",
  table: "credit_entries",
  form: () => undefined,
  number: ({ number }) => number,
  read({ event_seq: eventSeq, amount_e4: amountE4 }) {
    if (amountE4 === null) throw new Error("amountE4 is no amount");
    return { eventSeq, amountE4: BigInt(amountE4) };
  },
};

/** What the ledgers of all pools moved for events, by the event's place. */
export function eventEntries({ sql, reading }: Books): Iterable<EventEntry> {
  return reading.of(EVENT_ENTRY, sql.exec<EventEntryRow>(EVENT_ENTRIES));
}

/** In the order of an index: nothing is sorted, however many there are. */
export const SUMMED_EVENTS = `SELECT seq, occurred_at_ms, feature_id, provider, model, currency, usage_e12, cost_e12, revenue_e12,
    input_tokens, output_tokens, CASE WHEN instr(detail, '"otherRevenue"') > 0 THEN detail END AS detail
  FROM events INDEXED BY events_by_time ORDER BY occurred_at_ms`;

type SummedRow = {
  seq: number;
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
};

const SUMMED: Readable<SummedRow, SummedEvent> = {
  kind: "event",
  table: "events",
  form: forms.SUMMED_EVENT,
  number: ({ seq }) => seq,
  read(row) {
    const usageE12 = BigInt(row.usage_e12);
    const { otherRevenue } = readDetail(row.detail, usageE12);
    return {
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
  },
};

/** What rollups add up of each event, in the order in which they occurred. */
export function summedEvents({ sql, reading }: Books): Iterable<SummedEvent> {
  return reading.of(SUMMED, sql.exec<SummedRow>(SUMMED_EVENTS));
}

const ROLLUPS: Readable<RollupRow, Rollup> = {
  kind: "usageDay",
  table: "rollups",
  form: forms.ROLLUP,
  number: (row) => row.bucket_start_ms,
  name: (row) => [row.feature_id, row.provider, row.model, row.currency].filter((one) => one !== "").join(" "),
  read: rollupFromRow,
};

/** All rollups by their beginnings. */
export function allRollups({ sql, reading }: Books): Iterable<Rollup> {
  return reading.of(ROLLUPS, rollupRowsByTime(sql));
}

const BALANCE: Readable<BalanceEntry, BalanceEntry> = {
  kind: "balanceEntry",
  table: "balance_entries",
  form: forms.BALANCE_ENTRY,
  number: ({ number }) => number,
  read: (entry) => entry,
};

/** The whole ledger of money, currency by currency, in order. */
export function balanceEntries({ sql, reading }: Books): Iterable<BalanceEntry> {
  return reading.of(BALANCE, allBalanceEntries(sql));
}

/** Rows of other tables are put in before any is read: one that is there says that it could not be. */
const BEHIND: Readable<{ body: string }, never> = {
  kind: "customer",
  table: "behind",
  form: () => undefined,
  number: () => 0,
  read() {
    throw new Error("what it has fits no table");
  },
};

/** Notes what was written behind and cannot be put in; there is nothing in it that a law could use. */
export function noteBehind({ sql, reading }: Books): void {
  for (const _ of reading.of(BEHIND, sql.exec<{ body: string }>("SELECT body FROM behind")));
}

const TABLES = [
  ...[POOLS, GRANTS, ENTRIES, HOLDS, SUBSCRIPTIONS, INVOICES, SEGMENTS],
  ...[PINS, SPANS, COUNTERS, COUNTED_EVENTS, ROLLUPS, BALANCE, BEHIND],
];

/** How many rows the tables have together that are read here. */
export function rowsRead({ sql }: Books): number {
  const counts = TABLES.map(({ table }) => `(SELECT COUNT(*) FROM ${table})`);
  return sql.exec<{ n: number }>(`SELECT ${counts.join(" + ")} AS n`).one().n;
}
