/** The object's tables of payments: a step of `schema.ts`. */
export const PAYMENT_TABLES = `
  -- JSON text: the customer at the provider, its saved method, what the account's settings said last.
  ALTER TABLE state ADD COLUMN payer TEXT;

  CREATE TABLE payments (
    number INTEGER PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'EXPIRED')),
    invoice INTEGER,
    page_id TEXT,
    payment_intent_id TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX payments_open ON payments (number) WHERE status IN ('PENDING', 'PROCESSING');
  CREATE INDEX payments_by_invoice ON payments (invoice, number) WHERE invoice IS NOT NULL;
  CREATE INDEX payments_by_page ON payments (page_id) WHERE page_id IS NOT NULL;
  CREATE INDEX payments_by_intent ON payments (payment_intent_id) WHERE payment_intent_id IS NOT NULL;

  -- Every event of the provider, for ever: it may be told again. The fact stays only while it waits for what it is about.
  CREATE TABLE provider_events (
    event_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    waits_for TEXT,
    fact TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX provider_events_waiting ON provider_events (waits_for, at_ms, event_id) WHERE waits_for IS NOT NULL;

  -- A second lane: rows are calls to the provider, by what is done and for which payment. Its times are real time.
  CREATE TABLE outbox_7 (
    lane TEXT NOT NULL CHECK (lane IN ('d1', 'stripe')),
    kind TEXT NOT NULL CHECK (
      kind IN ('customer', 'feed', 'health', 'rollup', 'subscription', 'invoice', 'pool', 'mrr')
      OR (lane = 'stripe' AND kind IN ('profile', 'expire', 'charge', 'page', 'refund'))
    ),
    key TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    parked_at_ms INTEGER,
    -- When the call is next made, and when it was first sent: what it did then may be done.
    next_at_ms INTEGER,
    sent_at_ms INTEGER,
    PRIMARY KEY (lane, kind, key)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO outbox_7 (lane, kind, key, since_ms, failures, parked_at_ms)
    SELECT lane, kind, key, since_ms, failures, parked_at_ms FROM outbox;
  DROP TABLE outbox;
  ALTER TABLE outbox_7 RENAME TO outbox;
`;
