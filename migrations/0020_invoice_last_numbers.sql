-- The last number that an account gave an invoice: copies of invoices may be lost and come back in any order, what was given may not.
CREATE TABLE invoice_last_numbers (
  account_id TEXT NOT NULL PRIMARY KEY,
  sequence INTEGER NOT NULL CHECK (sequence >= 1)
) STRICT, WITHOUT ROWID;

INSERT INTO invoice_last_numbers (account_id, sequence)
  SELECT account_id, MAX(sequence) FROM invoices WHERE sequence IS NOT NULL GROUP BY account_id;
