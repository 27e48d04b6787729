-- Copies that the customers' objects send through their outbox: absolute values, written only over a lower rev.

-- Sums of one customer, UTC hour (or day: span_ms), feature, provider, model and currency. Amounts are integers of 10^-12 cut
-- into three limbs of nine digits (hi, mid, lo; all of the amount's sign), so that SUM over millions of rows stays exact
-- (docs/decisions/003).
CREATE TABLE rollups (
  account_id TEXT NOT NULL,
  bucket_start_ms INTEGER NOT NULL,
  span_ms INTEGER NOT NULL CHECK (span_ms IN (3600000, 86400000)),
  customer_id TEXT NOT NULL,
  feature_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  currency TEXT NOT NULL,
  events INTEGER NOT NULL,
  cost_unknown_events INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  usage_hi INTEGER NOT NULL,
  usage_mid INTEGER NOT NULL,
  usage_lo INTEGER NOT NULL,
  cost_hi INTEGER NOT NULL,
  cost_mid INTEGER NOT NULL,
  cost_lo INTEGER NOT NULL,
  revenue_hi INTEGER NOT NULL,
  revenue_mid INTEGER NOT NULL,
  revenue_lo INTEGER NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, bucket_start_ms, span_ms, customer_id, feature_id, provider, model, currency)
) STRICT, WITHOUT ROWID;

CREATE INDEX rollups_by_customer ON rollups (account_id, customer_id, bucket_start_ms);

-- The newest events of an account, for the account-wide view; bounded, never a source of sums.
CREATE TABLE feed (
  account_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  occurred_at_ms INTEGER NOT NULL,
  feature_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  event_name TEXT NOT NULL,
  -- The stored event as the customer's object answers it (contract/event.ts), JSON text.
  event TEXT NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX feed_by_time ON feed (account_id, occurred_at_ms DESC, event_id DESC);

-- Objects that have something to tell an operator: rows waiting, rows parked, quarantine, size.
CREATE TABLE object_health (
  account_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  oldest_unsent_at_ms INTEGER,
  parked_rows INTEGER NOT NULL,
  quarantined_at_ms INTEGER,
  size_bytes INTEGER NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, customer_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX object_health_quarantined ON object_health (quarantined_at_ms) WHERE quarantined_at_ms IS NOT NULL;
