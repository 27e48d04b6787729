-- Accounts take payments through Stripe: whose key, what Stripe told, and where its books and ours differ.

CREATE TABLE stripe_connections (
  account_id TEXT NOT NULL PRIMARY KEY,
  -- Sealed under ENCRYPTION_KEYS: the sealing key's id, a colon, base64. NULL once disconnected; the rest is kept, since customers
  -- go on holding ids of that Stripe account.
  sealed_key TEXT,
  -- What may be shown of it.
  key_hint TEXT,
  stripe_account_id TEXT NOT NULL,
  -- Where this Worker is reached from outside, as the operator reached it.
  origin TEXT NOT NULL,
  -- JSON text: at most two secrets that webhooks may be signed with, newest first, each sealed.
  webhook_secrets TEXT NOT NULL DEFAULT '[]',
  -- Endpoints asked for so far: asking again after a crash is asking for the same one.
  endpoints_made INTEGER NOT NULL DEFAULT 0,
  -- When its books are compared next; NULL: not, for it has no key.
  reconcile_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  modified_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX stripe_connections_to_reconcile ON stripe_connections (reconcile_at_ms) WHERE reconcile_at_ms IS NOT NULL;

-- What Stripe sent, verified, kept before it is handled.
CREATE TABLE webhook_events (
  account_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RECEIVED', 'HANDLED', 'IGNORED', 'FAILED')),
  -- When it happened at Stripe.
  created_at_ms INTEGER NOT NULL,
  received_at_ms INTEGER NOT NULL,
  customer_id TEXT,
  attempts INTEGER NOT NULL,
  -- When the cron takes it up; NULL once nothing more is tried.
  next_attempt_at_ms INTEGER,
  failure TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (account_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_events_by_age ON webhook_events (account_id, received_at_ms DESC, event_id DESC);
CREATE INDEX webhook_events_open ON webhook_events (next_attempt_at_ms, account_id, event_id)
  WHERE next_attempt_at_ms IS NOT NULL;
CREATE INDEX webhook_events_failed ON webhook_events (account_id) WHERE state = 'FAILED';
CREATE INDEX webhook_events_to_forget ON webhook_events (received_at_ms);

-- Payments as Stripe lists them, copied to be compared with our invoices.
CREATE TABLE provider_payments (
  account_id TEXT NOT NULL,
  payment_intent_id TEXT NOT NULL,
  customer_id TEXT,
  invoice_id TEXT,
  status TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  refunded_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, payment_intent_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX provider_payments_by_invoice ON provider_payments (account_id, invoice_id);
CREATE INDEX provider_payments_by_age ON provider_payments (account_id, created_at_ms);

CREATE TABLE reconciliations (
  account_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
  -- What it compares: payments and invoices since then.
  since_ms INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  -- Where in Stripe's list it goes on.
  cursor TEXT,
  payments INTEGER NOT NULL,
  invoices INTEGER NOT NULL,
  differences INTEGER NOT NULL,
  failure TEXT,
  PRIMARY KEY (account_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX reconciliations_by_age ON reconciliations (account_id, started_at_ms DESC, run_id DESC);

CREATE TABLE reconciliation_differences (
  account_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  place INTEGER NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('CRITICAL', 'WARNING', 'INFO')),
  kind TEXT NOT NULL,
  customer_id TEXT,
  invoice_id TEXT,
  payment_intent_id TEXT,
  currency TEXT NOT NULL,
  -- What we say, and what Stripe says, in minor units.
  ours_minor INTEGER,
  theirs_minor INTEGER,
  PRIMARY KEY (account_id, run_id, place)
) STRICT, WITHOUT ROWID;
