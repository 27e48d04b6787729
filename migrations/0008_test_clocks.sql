-- Time that an operator moves: clocks of test accounts, and the customers that live in theirs.

CREATE TABLE test_clocks (
  account_id TEXT NOT NULL,
  clock_id TEXT NOT NULL,
  name TEXT,
  -- Every customer of the clock has come at least so far.
  frozen_at_ms INTEGER NOT NULL,
  -- Where an advance that has not reached every customer is going.
  target_at_ms INTEGER CHECK (target_at_ms >= frozen_at_ms),
  created_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER,
  PRIMARY KEY (account_id, clock_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX test_clocks_by_age ON test_clocks (account_id, created_at_ms DESC, clock_id) WHERE deleted_at_ms IS NULL;

-- Written before the customer's object hears of its clock, so that no advance passes it by.
CREATE TABLE test_clock_customers (
  account_id TEXT NOT NULL,
  clock_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  PRIMARY KEY (account_id, clock_id, customer_id),
  -- A customer has one clock.
  UNIQUE (account_id, customer_id)
) STRICT, WITHOUT ROWID;

-- As the customer's object tells it: absent in real time.
ALTER TABLE customers ADD COLUMN test_clock_id TEXT;
