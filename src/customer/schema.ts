/**
 * The tables inside a customer's object and the steps that make them. Steps go forward and are additive: an object that slept
 * through several releases takes all of them at its next start, in one synchronous go, before its first call.
 */

type Step = { id: number; why: string; sql: string };

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
  {
    id: 2,
    why: "old requests are forgotten at every alarm: by an index, not by reading a day's requests",
    sql: "CREATE INDEX requests_by_age ON requests (created_at_ms);",
  },
];

/** Brings the object's tables to the newest step. Runs in the constructor: it must not throw on any older state. */
export function migrate(sql: SqlStorage, transact: (work: () => void) => void, steps: readonly Step[] = STEPS): void {
  sql.exec(
    "CREATE TABLE IF NOT EXISTS schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), step INTEGER NOT NULL) STRICT",
  );
  const at = sql.exec<{ step: number }>("SELECT step FROM schema_version WHERE id = 1").toArray()[0]?.step ?? 0;
  const open = steps.filter((step) => step.id > at);
  const last = open.at(-1);
  if (last === undefined) return;
  transact(() => {
    for (const step of open) sql.exec(step.sql);
    sql.exec(
      "INSERT INTO schema_version (id, step) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET step = excluded.step",
      last.id,
    );
  });
}
