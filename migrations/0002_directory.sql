-- Customers and features: what leads from a caller's words to ids. A mapping in customer_identities is never changed or freed.

CREATE TABLE customer_identities (
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('reference', 'stripe')),
  value TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  PRIMARY KEY (account_id, kind, value),
  -- A customer has at most one of each kind.
  UNIQUE (account_id, customer_id, kind)
) STRICT, WITHOUT ROWID;

-- The customer row is a projection of the customer's object (rev is its commit number), but for its existence, which the
-- directory decides: it is inserted together with the identities.
CREATE TABLE customers (
  account_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  reference_id TEXT,
  stripe_customer_id TEXT,
  first_name TEXT,
  last_name TEXT,
  email TEXT,
  phone_number TEXT,
  address TEXT,
  source TEXT NOT NULL CHECK (source IN ('MANUAL', 'EVENT_AUTO_CREATED', 'STRIPE_IMPORTED')),
  last_event_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  modified_at_ms INTEGER NOT NULL,
  rev INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, customer_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX customers_by_age ON customers (account_id, created_at_ms DESC, customer_id);

CREATE TABLE features (
  account_id TEXT NOT NULL,
  feature_id TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  is_enabled INTEGER NOT NULL DEFAULT 1 CHECK (is_enabled IN (0, 1)),
  metadata TEXT,
  -- Made by an event that named an unknown key; these count against a limit.
  auto_created INTEGER NOT NULL DEFAULT 0 CHECK (auto_created IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  modified_at_ms INTEGER NOT NULL,
  -- A deleted feature keeps its row: events and sums still name it. Its key is free again.
  deleted_at_ms INTEGER,
  PRIMARY KEY (account_id, feature_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX features_by_key ON features (account_id, key) WHERE deleted_at_ms IS NULL;
