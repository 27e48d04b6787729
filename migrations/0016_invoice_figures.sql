-- What invoices billed, by kind of line and by plan: for revenue without reading every invoice.

-- Sums of the lines that name a plan, in minor units, signed. Lines of the credit balance are in none: they move money that was
-- counted when it was billed or given back.
ALTER TABLE invoices ADD COLUMN base_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN usage_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN proration_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN credit_minor INTEGER NOT NULL DEFAULT 0;

UPDATE invoices SET (base_minor, usage_minor, proration_minor, credit_minor) = (
  SELECT COALESCE(SUM(l.value ->> 'amountMinor') FILTER (WHERE l.value ->> 'kind' = 'BASE'), 0),
    COALESCE(SUM(l.value ->> 'amountMinor') FILTER (WHERE l.value ->> 'kind' = 'USAGE'), 0),
    COALESCE(SUM(l.value ->> 'amountMinor') FILTER (WHERE l.value ->> 'kind' = 'PRORATION'), 0),
    COALESCE(SUM(l.value ->> 'amountMinor') FILTER (WHERE l.value ->> 'kind' = 'CREDIT'), 0)
  FROM json_each(invoices.body, '$.lines') l WHERE l.value ->> '$.plan.planId' IS NOT NULL
);

CREATE INDEX invoices_billed ON invoices (
  account_id, due_at_ms, currency, type, base_minor, usage_minor, proration_minor, credit_minor, status
) WHERE status IN ('DUE', 'PAST_DUE', 'PAID');

-- Which invoices name a plan on a line, by when they are due. A row may outlive its line: the invoice itself decides.
CREATE TABLE invoice_plans (
  account_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  due_at_ms INTEGER NOT NULL,
  invoice_id TEXT NOT NULL,
  PRIMARY KEY (account_id, plan_id, due_at_ms, invoice_id)
) STRICT, WITHOUT ROWID;

INSERT INTO invoice_plans (account_id, plan_id, due_at_ms, invoice_id)
  SELECT DISTINCT i.account_id, l.value ->> '$.plan.planId', i.due_at_ms, i.invoice_id
  FROM invoices i CROSS JOIN json_each(i.body, '$.lines') l WHERE l.value ->> '$.plan.planId' IS NOT NULL;
