import { PAYMENT_TABLES } from "./payment-tables.ts";
import { BLOCK_COLUMNS, MODEL_COLUMN } from "./reservation-columns.ts";
import { BEHIND_TABLE } from "./write-behind.ts";

/**
 * The tables inside a customer's object and the steps that make them. Steps go forward and are additive: an object that slept
 * through several releases takes all of them at its next start, in one synchronous go, before its first call.
 */

export type Step = { id: number; why: string; sql: string };

/** From here on rows may wait; see `write-behind.ts`. */
export const BEHIND_STEP = 11;

export const STEPS: readonly Step[] = [
  {
    id: 1,
    why: "who the customer is, its events, their sums, and what D1 has not seen yet",
    sql: `
      CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        -- JSON text of the profile; NULL until the customer is registered or its first event comes.
        profile TEXT,
        -- Counts commits; every projection carries it, so that copies never go backwards.
        rev INTEGER NOT NULL,
        last_settled_at_ms INTEGER NOT NULL,
        last_event_at_ms INTEGER,
        -- Newest event that the feed in D1 has been offered.
        fed_seq INTEGER NOT NULL,
        -- Since when settling throws, and what it said.
        quarantined_at_ms INTEGER,
        quarantine_reason TEXT
      ) STRICT;
      INSERT INTO state (id, rev, last_settled_at_ms, fed_seq) VALUES (1, 0, 0, 0);

      CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        occurred_at_ms INTEGER NOT NULL,
        received_at_ms INTEGER NOT NULL,
        key TEXT NOT NULL,
        event_name TEXT NOT NULL,
        feature_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        currency TEXT NOT NULL,
        -- Exact amounts as decimal integers of 10^-12 (text: they may pass 2^53); NULL is unknown or absent.
        usage_e12 TEXT NOT NULL,
        cost_e12 TEXT,
        cost_source TEXT,
        revenue_e12 TEXT,
        recosted_at_ms INTEGER,
        input_tokens INTEGER,
        output_tokens INTEGER,
        -- JSON text of everything that is only shown again: other tokens, flow id, sent ids. NULL when there is nothing.
        detail TEXT,
        -- The caller's own JSON text; not kept once the object is nearly full.
        meta TEXT
      ) STRICT;
      CREATE INDEX events_by_time ON events (occurred_at_ms);

      -- Every event key, for ever (short ones as they are, others as a digest): the window of idempotency has no end.
      CREATE TABLE event_keys (
        digest BLOB PRIMARY KEY,
        seq INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE rollups (
        bucket_start_ms INTEGER NOT NULL,
        span_ms INTEGER NOT NULL,
        feature_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        currency TEXT NOT NULL,
        events INTEGER NOT NULL,
        cost_unknown_events INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        usage_e12 TEXT NOT NULL,
        cost_e12 TEXT NOT NULL,
        revenue_e12 TEXT NOT NULL,
        rev INTEGER NOT NULL,
        PRIMARY KEY (bucket_start_ms, span_ms, feature_id, provider, model, currency)
      ) STRICT, WITHOUT ROWID;

      -- What a neighbour has not seen yet: a row names a projection, which is read afresh when it is sent.
      CREATE TABLE outbox (
        lane TEXT NOT NULL CHECK (lane IN ('d1')),
        kind TEXT NOT NULL CHECK (kind IN ('customer', 'feed', 'health', 'rollup')),
        key TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        parked_at_ms INTEGER,
        PRIMARY KEY (lane, kind, key)
      ) STRICT, WITHOUT ROWID;

      -- First answers under an Idempotency-Key, kept 24 hours.
      CREATE TABLE requests (
        digest TEXT PRIMARY KEY,
        body_digest TEXT NOT NULL,
        reply TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  { id: 2, why: "old requests, by age", sql: "CREATE INDEX requests_by_age ON requests (created_at_ms);" },
  {
    id: 3,
    why: "what the customer has bought, used and owes",
    sql: `
      -- The test clock that the customer lives by, and its instant.
      ALTER TABLE state ADD COLUMN clock_id TEXT;
      ALTER TABLE state ADD COLUMN clock_ms INTEGER;
      -- Scheduled changes are numbered, also those that were taken back and stand nowhere else.
      ALTER TABLE state ADD COLUMN last_plan_change INTEGER NOT NULL DEFAULT 0;

      -- Plan versions as they were bought, for ever: bodies are JSON text (domain/json-text.ts), here and below.
      CREATE TABLE plan_pins (
        plan_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (plan_id, version)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE subscriptions (
        number INTEGER PRIMARY KEY,
        status TEXT NOT NULL CHECK (status IN ('INCOMPLETE', 'ACTIVE', 'SUSPENDED', 'CANCELLED')),
        body TEXT NOT NULL
      ) STRICT;

      CREATE TABLE invoices (
        number INTEGER PRIMARY KEY,
        subscription INTEGER NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('PENDING', 'DUE', 'PAST_DUE', 'PAID', 'VOID', 'CANCELLED')),
        created_at_ms INTEGER NOT NULL,
        body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX invoices_by_time ON invoices (created_at_ms, number);
      CREATE INDEX invoices_open ON invoices (number) WHERE status IN ('PENDING', 'DUE', 'PAST_DUE');

      -- Units as decimal integers of 10^-12, text. Totals never fall back; the segment is the next usage line.
      CREATE TABLE counters (
        subscription INTEGER NOT NULL,
        feature_id TEXT NOT NULL,
        feature_key TEXT NOT NULL,
        used_e12 TEXT NOT NULL,
        billable_e12 TEXT NOT NULL,
        used_at_start_e12 TEXT NOT NULL,
        billable_at_start_e12 TEXT NOT NULL,
        segment_start_ms INTEGER NOT NULL,
        segment_from_e12 TEXT NOT NULL,
        segment_late_e12 TEXT NOT NULL,
        segment_events INTEGER NOT NULL,
        segment_first_at_ms INTEGER,
        segment_last_at_ms INTEGER,
        PRIMARY KEY (subscription, feature_id)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE usage_segments (
        number INTEGER PRIMARY KEY,
        subscription INTEGER NOT NULL,
        feature_id TEXT NOT NULL,
        period_start_ms INTEGER NOT NULL,
        is_billed INTEGER NOT NULL CHECK (is_billed IN (0, 1)),
        body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX usage_segments_by_period ON usage_segments (subscription, feature_id, period_start_ms);
      CREATE INDEX usage_segments_unbilled ON usage_segments (number) WHERE is_billed = 0;

      CREATE TABLE reservations (
        number INTEGER PRIMARY KEY,
        subscription INTEGER NOT NULL,
        feature_id TEXT NOT NULL,
        feature_key TEXT NOT NULL,
        units_e12 TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('HELD', 'COMMITTED', 'RELEASED', 'LAPSED')),
        created_at_ms INTEGER NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        key TEXT,
        event_seq INTEGER
      ) STRICT;
      CREATE UNIQUE INDEX reservations_by_key ON reservations (key) WHERE key IS NOT NULL;
      CREATE INDEX reservations_held ON reservations (number) WHERE status = 'HELD';

      -- Money owed to the customer: append-only, minor units; the newest entry of a currency has its balance.
      CREATE TABLE balance_entries (
        number INTEGER PRIMARY KEY,
        currency TEXT NOT NULL,
        amount_minor INTEGER NOT NULL,
        balance_minor INTEGER NOT NULL CHECK (balance_minor >= 0),
        kind TEXT NOT NULL,
        invoice INTEGER,
        at_ms INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX balance_entries_by_currency ON balance_entries (currency, number);

      CREATE TABLE check_days (
        day_start_ms INTEGER NOT NULL,
        feature_key TEXT NOT NULL,
        allowed INTEGER NOT NULL,
        denied INTEGER NOT NULL,
        PRIMARY KEY (day_start_ms, feature_key)
      ) STRICT, WITHOUT ROWID;

      -- Which events correct which.
      CREATE TABLE corrections (
        event_seq INTEGER NOT NULL,
        correction_seq INTEGER NOT NULL,
        PRIMARY KEY (event_seq, correction_seq)
      ) STRICT, WITHOUT ROWID;

      -- Events that came while the customer was quarantined: stored, not priced yet.
      CREATE TABLE pending_events (seq INTEGER PRIMARY KEY) STRICT;

      -- More kinds of copies: a CHECK cannot be altered, so the table is made anew with what it holds.
      CREATE TABLE outbox_3 (
        lane TEXT NOT NULL CHECK (lane IN ('d1')),
        kind TEXT NOT NULL CHECK (kind IN ('customer', 'feed', 'health', 'rollup', 'subscription', 'invoice')),
        key TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        parked_at_ms INTEGER,
        PRIMARY KEY (lane, kind, key)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO outbox_3 (lane, kind, key, since_ms, failures, parked_at_ms)
        SELECT lane, kind, key, since_ms, failures, parked_at_ms FROM outbox;
      DROP TABLE outbox;
      ALTER TABLE outbox_3 RENAME TO outbox;
    `,
  },
  {
    id: 4,
    why: "prepaid credits: pools, the grants that fill them, and the ledger that explains them",
    sql: `
      CREATE TABLE credit_pools (
        number INTEGER PRIMARY KEY,
        status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'FROZEN', 'ARCHIVED')),
        -- How many entries its ledger has: a page of a long one counts nothing.
        entries INTEGER NOT NULL CHECK (entries >= 0),
        body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX credit_pools_open ON credit_pools (number) WHERE status <> 'ARCHIVED';

      CREATE TABLE credit_grants (
        number INTEGER PRIMARY KEY,
        pool INTEGER NOT NULL,
        -- 1 while it has anything left, held or not.
        is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
        key TEXT,
        body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX credit_grants_by_pool ON credit_grants (pool, number);
      CREATE INDEX credit_grants_open ON credit_grants (pool, number) WHERE is_open = 1;
      CREATE UNIQUE INDEX credit_grants_by_key ON credit_grants (pool, key) WHERE key IS NOT NULL;

      -- Append-only. Instants never fall back within a pool, so one index has the order of writing and that of time.
      CREATE TABLE credit_entries (
        number INTEGER PRIMARY KEY,
        pool INTEGER NOT NULL,
        type TEXT NOT NULL CHECK (
          type IN ('GRANT', 'DEDUCTION', 'EXPIRATION', 'REVERSAL', 'ADJUSTMENT', 'VOID', 'FREEZE', 'UNFREEZE')
        ),
        at_ms INTEGER NOT NULL,
        key TEXT,
        reverses INTEGER,
        event_seq INTEGER,
        body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX credit_entries_by_time ON credit_entries (pool, at_ms, number);
      -- What came and went without being used: few beside the deductions.
      CREATE INDEX credit_entries_unused ON credit_entries (pool, at_ms) WHERE type <> 'DEDUCTION';
      CREATE UNIQUE INDEX credit_entries_by_key ON credit_entries (pool, key) WHERE key IS NOT NULL;
      CREATE INDEX credit_entries_by_reversed ON credit_entries (reverses) WHERE reverses IS NOT NULL;
      CREATE INDEX credit_entries_by_event ON credit_entries (event_seq) WHERE event_seq IS NOT NULL;

      -- JSON text: which grants it holds credits of, and how much of each. NULL where it holds none.
      ALTER TABLE reservations ADD COLUMN credits TEXT;

      CREATE TABLE outbox_4 (
        lane TEXT NOT NULL CHECK (lane IN ('d1')),
        kind TEXT NOT NULL CHECK (kind IN ('customer', 'feed', 'health', 'rollup', 'subscription', 'invoice', 'pool')),
        key TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        parked_at_ms INTEGER,
        PRIMARY KEY (lane, kind, key)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO outbox_4 (lane, kind, key, since_ms, failures, parked_at_ms)
        SELECT lane, kind, key, since_ms, failures, parked_at_ms FROM outbox;
      DROP TABLE outbox;
      ALTER TABLE outbox_4 RENAME TO outbox;
    `,
  },
  {
    id: 5,
    why: "a small debt that is carried over takes the money balance below 0, and payouts have the caller's key and reference",
    sql: `
      CREATE TABLE balance_entries_5 (
        number INTEGER PRIMARY KEY,
        currency TEXT NOT NULL,
        amount_minor INTEGER NOT NULL,
        balance_minor INTEGER NOT NULL,
        kind TEXT NOT NULL,
        invoice INTEGER,
        reference TEXT,
        key TEXT,
        at_ms INTEGER NOT NULL
      ) STRICT;
      INSERT INTO balance_entries_5 (number, currency, amount_minor, balance_minor, kind, invoice, at_ms)
        SELECT number, currency, amount_minor, balance_minor, kind, invoice, at_ms FROM balance_entries;
      DROP TABLE balance_entries;
      ALTER TABLE balance_entries_5 RENAME TO balance_entries;
      CREATE INDEX balance_entries_by_currency ON balance_entries (currency, number);
      CREATE UNIQUE INDEX balance_entries_by_key ON balance_entries (key) WHERE key IS NOT NULL;
      CREATE INDEX balance_entries_by_invoice ON balance_entries (invoice) WHERE invoice IS NOT NULL;
    `,
  },
  {
    id: 6,
    why: "what each subscription brought a month, and when: a subscription itself only knows what it brings now",
    sql: `
      CREATE TABLE mrr_spans (
        number INTEGER PRIMARY KEY,
        is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
        body TEXT NOT NULL
      ) STRICT;
      CREATE INDEX mrr_spans_open ON mrr_spans (number) WHERE is_open = 1;

      CREATE TABLE outbox_6 (
        lane TEXT NOT NULL CHECK (lane IN ('d1')),
        kind TEXT NOT NULL CHECK (
          kind IN ('customer', 'feed', 'health', 'rollup', 'subscription', 'invoice', 'pool', 'mrr')
        ),
        key TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        parked_at_ms INTEGER,
        PRIMARY KEY (lane, kind, key)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO outbox_6 (lane, kind, key, since_ms, failures, parked_at_ms)
        SELECT lane, kind, key, since_ms, failures, parked_at_ms FROM outbox;
      DROP TABLE outbox;
      ALTER TABLE outbox_6 RENAME TO outbox;
    `,
  },
  {
    id: 7,
    why: "money on its way through the payment provider: attempts, what it told, and what it is to be asked",
    sql: PAYMENT_TABLES,
  },
  {
    id: 8,
    why: "that personal data was erased is told to D1 like everything else",
    sql: `
      CREATE TABLE outbox_8 (
        lane TEXT NOT NULL CHECK (lane IN ('d1', 'stripe')),
        kind TEXT NOT NULL CHECK (
          kind IN ('customer', 'feed', 'health', 'rollup', 'subscription', 'invoice', 'pool', 'mrr', 'erasure')
          OR (lane = 'stripe' AND kind IN ('profile', 'expire', 'charge', 'page', 'refund'))
        ),
        key TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        parked_at_ms INTEGER,
        next_at_ms INTEGER,
        sent_at_ms INTEGER,
        PRIMARY KEY (lane, kind, key)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO outbox_8 (lane, kind, key, since_ms, failures, parked_at_ms, next_at_ms, sent_at_ms)
        SELECT lane, kind, key, since_ms, failures, parked_at_ms, next_at_ms, sent_at_ms FROM outbox;
      DROP TABLE outbox;
      ALTER TABLE outbox_8 RENAME TO outbox;
    `,
  },
  { id: 9, why: "blocks that isolates hand reservations out of, and what was handed out", sql: BLOCK_COLUMNS },
  { id: 10, why: "the model that a reservation was made for, by whose weight it burns", sql: MODEL_COLUMN },
  { id: BEHIND_STEP, why: "what every event writes over waits in one row", sql: BEHIND_TABLE },
];
