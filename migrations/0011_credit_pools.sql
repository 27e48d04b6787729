-- Copies of credit pools for lists and for questions over many customers; the customers' objects own them.

-- Columns are what lists filter and order by; all of it is in the body. Name and denomination never change.
CREATE TABLE credit_pools (
  account_id TEXT NOT NULL,
  pool_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'FROZEN', 'DEPLETED', 'ARCHIVED')),
  denomination TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  -- JSON text: the pool as its customer's object tells it (domain/credit-views.ts, domain/json-text.ts).
  body TEXT NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, pool_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX credit_pools_by_age ON credit_pools (account_id, created_at_ms DESC, pool_id DESC);
CREATE INDEX credit_pools_by_status ON credit_pools (account_id, status, created_at_ms DESC, pool_id DESC);
CREATE INDEX credit_pools_by_customer ON credit_pools (account_id, customer_id, created_at_ms DESC, pool_id DESC);
