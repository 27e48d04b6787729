-- Who may call, what they configured, and what they did: accounts, keys, the audit trail, remembered requests, cron runs.

CREATE TABLE accounts (
  account_id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  -- Which D1 database holds this account's rows. One today; named from the start so that accounts can be spread later.
  db TEXT NOT NULL DEFAULT 'DB',
  currency TEXT NOT NULL,
  -- Settings as JSON text; contract/account.ts is their schema. Decimals inside are text.
  settings TEXT NOT NULL DEFAULT '{}',
  -- Grows with every change of settings or catalog, so that an isolate reloads only what changed.
  catalog_version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  modified_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The digest alone leads to a key: a caller shows nothing else. Every other table begins its key with the account.
CREATE TABLE api_keys (
  digest TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (account_id),
  key_id TEXT NOT NULL,
  name TEXT,
  -- 'account' keys have the scopes admin or client; 'customer' keys are pinned to customer_id: read, purchase, ingest.
  kind TEXT NOT NULL CHECK (kind IN ('account', 'customer')),
  scopes TEXT NOT NULL,
  customer_id TEXT,
  hint TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  revoked_at_ms INTEGER,
  CHECK ((kind = 'customer') = (customer_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX api_keys_by_account ON api_keys (account_id, key_id);
CREATE INDEX api_keys_by_customer ON api_keys (account_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE audit_log (
  account_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  actor_key_id TEXT,
  actor_hint TEXT,
  ip TEXT,
  request_id TEXT NOT NULL,
  before TEXT,
  after TEXT,
  PRIMARY KEY (account_id, entry_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_log_by_time ON audit_log (account_id, at_ms DESC);

-- First answers under an Idempotency-Key for routes whose effect is in D1; written in the batch that makes the effect.
CREATE TABLE requests (
  account_id TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  body_digest TEXT NOT NULL,
  status INTEGER NOT NULL,
  -- The envelope as sent; encrypted under the caller's own key where it shows a secret (sealed = 1).
  body TEXT NOT NULL,
  sealed INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, request_digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_by_age ON requests (created_at_ms);

-- One row per run of a cron task; the deployment's, not an account's.
CREATE TABLE cron_runs (
  run_id TEXT NOT NULL PRIMARY KEY,
  task TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  processed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  failure TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX cron_runs_by_time ON cron_runs (started_at_ms DESC);
