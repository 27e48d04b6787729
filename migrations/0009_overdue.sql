-- A net under the objects' alarms: the cron wakes customers for whom something has been due for too long.

-- When the next thing falls due for this customer, as its object tells it; NULL: nothing does.
ALTER TABLE customers ADD COLUMN next_due_at_ms INTEGER;

-- Customers of a test clock are moved by it alone. Its id, always NULL here, lets the index answer without the table.
CREATE INDEX customers_by_due ON customers (next_due_at_ms, account_id, customer_id, test_clock_id)
  WHERE next_due_at_ms IS NOT NULL AND test_clock_id IS NULL;

-- Where a cron task stopped that goes through more than one run can do.
CREATE TABLE cron_cursors (
  task TEXT NOT NULL PRIMARY KEY,
  cursor TEXT NOT NULL
) STRICT, WITHOUT ROWID;
