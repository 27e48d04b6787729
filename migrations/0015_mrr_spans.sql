-- What each subscription brought a month, and from when until when: for MRR now and at any instant before.

-- Copies of the customers' objects. A span is of one plan version; it has no end while it goes on. MRR is an integer of 10^-12 in
-- three limbs of nine digits (docs/decisions/003).
CREATE TABLE mrr_spans (
  account_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  -- Counted within the customer.
  number INTEGER NOT NULL,
  subscription_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  plan_version INTEGER NOT NULL,
  currency TEXT NOT NULL,
  mrr_hi INTEGER NOT NULL,
  mrr_mid INTEGER NOT NULL,
  mrr_lo INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER CHECK (end_ms >= start_ms),
  rev INTEGER NOT NULL,
  PRIMARY KEY (account_id, customer_id, number)
) STRICT, WITHOUT ROWID;

-- Both answer alone: what goes on, by plan; and what ended, so that history is read from an instant on only. The end is in the
-- first, where it is always NULL, because SQLite would look for it in the table otherwise.
CREATE INDEX mrr_spans_open ON mrr_spans (
  account_id, plan_id, customer_id, currency, start_ms, mrr_hi, mrr_mid, mrr_lo, end_ms
) WHERE end_ms IS NULL;
CREATE INDEX mrr_spans_ended ON mrr_spans (account_id, end_ms, customer_id, currency, start_ms, mrr_hi, mrr_mid, mrr_lo)
  WHERE end_ms IS NOT NULL;
