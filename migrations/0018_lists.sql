-- Lists that are asked for by more than one condition are found in one index alone, too: the narrower condition finds the rows, and
-- the index says of each whether the others hold.

DROP INDEX invoices_by_customer;
CREATE INDEX invoices_by_customer ON invoices (account_id, customer_id, created_at_ms DESC, invoice_id DESC, status);

DROP INDEX subscriptions_by_plan;
CREATE INDEX subscriptions_by_plan ON subscriptions (account_id, plan_id, created_at_ms DESC, subscription_id DESC, status);

DROP INDEX subscriptions_by_customer;
CREATE INDEX subscriptions_by_customer
  ON subscriptions (account_id, customer_id, created_at_ms DESC, subscription_id DESC, status, plan_id);
