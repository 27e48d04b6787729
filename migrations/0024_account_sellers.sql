-- Who an account sold as, until another name or seller took its place: an invoice says who sold it when it became due, and its copy may come later.
CREATE TABLE account_sellers (
  account_id TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  name TEXT NOT NULL,
  seller TEXT,
  PRIMARY KEY (account_id, until_ms)
) STRICT, WITHOUT ROWID;
