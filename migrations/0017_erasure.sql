-- Customers whose personal data was erased: their names are never given to another, and nothing that names them is kept.

-- The customer stays as a pseudonym, which invoices and sums stand under.
ALTER TABLE customers ADD COLUMN erased_at_ms INTEGER;

-- What is left of a name: a digest of it (domain/customer.ts). A mapping is never freed, since isolates remember it for ever.
CREATE TABLE erased_names (
  account_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  PRIMARY KEY (account_id, digest)
) STRICT, WITHOUT ROWID;

-- Every erased customer, for rebuilding copies: each has a name of this kind, its own id.
CREATE INDEX erased_names_by_customer ON erased_names (account_id, customer_id);

-- Of whom an answer tells, where it is one customer: sealed answers cannot be searched.
ALTER TABLE requests ADD COLUMN customer_id TEXT;

-- Ids of one customer's things begin alike: one range is all that was done to them.
CREATE INDEX audit_log_by_target ON audit_log (account_id, target, at_ms);

-- What the provider told of a customer is found when they are exported or erased.
CREATE INDEX webhook_events_by_customer ON webhook_events (account_id, customer_id) WHERE customer_id IS NOT NULL;
