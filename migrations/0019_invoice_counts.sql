-- How many invoices an account has of each status: a page says how many there are, and counting 100,000 takes longer than the page.

CREATE TABLE invoice_counts (
  account_id TEXT NOT NULL,
  status TEXT NOT NULL,
  n INTEGER NOT NULL CHECK (n >= 0),
  PRIMARY KEY (account_id, status)
) STRICT, WITHOUT ROWID;

INSERT INTO invoice_counts (account_id, status, n) SELECT account_id, status, COUNT(*) FROM invoices GROUP BY account_id, status;

-- Whoever makes the table of invoices anew makes these anew too: they go with it.
CREATE TRIGGER invoices_counted AFTER INSERT ON invoices BEGIN
  INSERT INTO invoice_counts (account_id, status, n) VALUES (NEW.account_id, NEW.status, 1)
  ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER invoices_recounted AFTER UPDATE OF status ON invoices WHEN NEW.status <> OLD.status BEGIN
  UPDATE invoice_counts SET n = n - 1 WHERE account_id = OLD.account_id AND status = OLD.status;
  INSERT INTO invoice_counts (account_id, status, n) VALUES (NEW.account_id, NEW.status, 1)
  ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER invoices_uncounted AFTER DELETE ON invoices BEGIN
  UPDATE invoice_counts SET n = n - 1 WHERE account_id = OLD.account_id AND status = OLD.status;
END;
