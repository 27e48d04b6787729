-- Invoices get their gapless numbers, their seller and their totals; those of a purchase belong to no subscription. The object decides
-- everything else: a number needs one counter for all customers of an account, and the seller is the account's.
CREATE TABLE invoices_13 (
  account_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  subscription_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'DUE', 'PAST_DUE', 'PAID', 'VOID', 'CANCELLED')),
  type TEXT NOT NULL CHECK (type IN ('IN_ADVANCE_INITIAL', 'REGULAR', 'ADJUSTMENT', 'CREDIT')),
  currency TEXT NOT NULL,
  subtotal_minor INTEGER NOT NULL,
  tax_minor INTEGER NOT NULL,
  total_minor INTEGER NOT NULL,
  due_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  -- Its place among the account's invoices, without gap, once it has one; given here and never changed.
  sequence INTEGER CHECK (sequence >= 1),
  -- JSON text: who sold it, as the account's settings said when it became due.
  seller TEXT,
  -- JSON text: the invoice as its customer's object tells it (domain/views.ts, domain/json-text.ts).
  body TEXT NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, invoice_id),
  CHECK (subtotal_minor + tax_minor = total_minor)
) STRICT, WITHOUT ROWID;

INSERT INTO invoices_13 (account_id, invoice_id, customer_id, subscription_id, status, type, currency, subtotal_minor, tax_minor,
  total_minor, due_at_ms, created_at_ms, body, rev)
SELECT account_id, invoice_id, customer_id, subscription_id, status, type, currency, amount_minor, 0, amount_minor, due_at_ms,
  created_at_ms, body, rev FROM invoices;
DROP TABLE invoices;
ALTER TABLE invoices_13 RENAME TO invoices;

CREATE INDEX invoices_by_age ON invoices (account_id, created_at_ms DESC, invoice_id DESC);
CREATE INDEX invoices_by_status ON invoices (account_id, status, created_at_ms DESC, invoice_id DESC);
CREATE INDEX invoices_by_customer ON invoices (account_id, customer_id, created_at_ms DESC, invoice_id DESC);
CREATE INDEX invoices_due ON invoices (account_id, created_at_ms DESC, invoice_id DESC, status)
  WHERE status IN ('DUE', 'PAST_DUE');
CREATE UNIQUE INDEX invoices_by_sequence ON invoices (account_id, sequence) WHERE sequence IS NOT NULL;

ALTER TABLE customers ADD COLUMN tax_id TEXT;
