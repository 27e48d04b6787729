-- Copies of subscriptions and invoices for lists and for questions over many customers; the customers' objects own them.

-- Columns are what lists filter and order by; all of it is in the body. Nothing is scheduled or live on a CANCELLED one.
CREATE TABLE subscriptions (
  account_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  plan_version INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('INCOMPLETE', 'ACTIVE', 'SUSPENDED', 'CANCELLED')),
  created_at_ms INTEGER NOT NULL,
  period_end_ms INTEGER NOT NULL,
  -- Set while it is to be cancelled when its period ends.
  cancel_effective_at_ms INTEGER,
  -- Set, all three, while another plan or version is to begin when its period ends.
  scheduled_effective_at_ms INTEGER,
  scheduled_plan_id TEXT,
  scheduled_version INTEGER,
  -- JSON text: the subscription as its customer's object tells it (domain/views.ts, domain/json-text.ts).
  body TEXT NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, subscription_id),
  CHECK ((scheduled_effective_at_ms IS NULL) = (scheduled_plan_id IS NULL)),
  CHECK ((scheduled_effective_at_ms IS NULL) = (scheduled_version IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX subscriptions_by_age ON subscriptions (account_id, created_at_ms DESC, subscription_id DESC);
CREATE INDEX subscriptions_by_status ON subscriptions (account_id, status, created_at_ms DESC, subscription_id DESC);
CREATE INDEX subscriptions_by_plan ON subscriptions (account_id, plan_id, created_at_ms DESC, subscription_id DESC);
CREATE INDEX subscriptions_by_customer ON subscriptions (account_id, customer_id, created_at_ms DESC, subscription_id DESC);
CREATE INDEX subscriptions_changing
  ON subscriptions (account_id, scheduled_effective_at_ms, subscription_id, scheduled_plan_id, scheduled_version)
  WHERE scheduled_effective_at_ms IS NOT NULL;
CREATE INDEX subscriptions_ending ON subscriptions (account_id, cancel_effective_at_ms, subscription_id)
  WHERE cancel_effective_at_ms IS NOT NULL;
-- Which versions are still in somebody's hands, and whose: for migrations and for the deletion of features. The status is in it so
-- that it answers alone; without statistics SQLite would rather read all of the account than an index and then the table.
CREATE INDEX subscriptions_live ON subscriptions (account_id, plan_id, plan_version, subscription_id, status)
  WHERE status <> 'CANCELLED';

CREATE TABLE invoices (
  account_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'DUE', 'PAST_DUE', 'PAID', 'VOID', 'CANCELLED')),
  type TEXT NOT NULL CHECK (type IN ('IN_ADVANCE_INITIAL', 'REGULAR', 'ADJUSTMENT', 'CREDIT')),
  currency TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  due_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  -- JSON text: the invoice as its customer's object tells it (domain/views.ts, domain/json-text.ts).
  body TEXT NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, invoice_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX invoices_by_age ON invoices (account_id, created_at_ms DESC, invoice_id DESC);
CREATE INDEX invoices_by_status ON invoices (account_id, status, created_at_ms DESC, invoice_id DESC);
CREATE INDEX invoices_by_customer ON invoices (account_id, customer_id, created_at_ms DESC, invoice_id DESC);
CREATE INDEX invoices_due ON invoices (account_id, created_at_ms DESC, invoice_id DESC, status)
  WHERE status IN ('DUE', 'PAST_DUE');
