-- Sums of whole closed days, built from rollups when they are first asked for: a portfolio reads a few thousand rows instead of all.
-- A copy of a copy: dropping both tables loses nothing (docs/decisions/004-day-sums.md).

-- One row per day, member of a dimension (a customer, a feature, or a provider's model) and currency. Limbs are plain sums of the
-- rollups' limbs, not carried over, so SUM over them is as exact as over the rollups.
CREATE TABLE rollup_days (
  account_id TEXT NOT NULL,
  dimension TEXT NOT NULL CHECK (dimension IN ('customer', 'feature', 'model')),
  day_start_ms INTEGER NOT NULL,
  -- The model's provider; empty in the other dimensions.
  provider TEXT NOT NULL,
  -- The customer's id, the feature's id or the model.
  member TEXT NOT NULL,
  currency TEXT NOT NULL,
  events INTEGER NOT NULL,
  cost_unknown_events INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  usage_hi INTEGER NOT NULL,
  usage_mid INTEGER NOT NULL,
  usage_lo INTEGER NOT NULL,
  cost_hi INTEGER NOT NULL,
  cost_mid INTEGER NOT NULL,
  cost_lo INTEGER NOT NULL,
  revenue_hi INTEGER NOT NULL,
  revenue_mid INTEGER NOT NULL,
  revenue_lo INTEGER NOT NULL,
  PRIMARY KEY (account_id, dimension, day_start_ms, provider, member, currency)
) STRICT, WITHOUT ROWID;

-- The days that rollup_days holds and that no rollup has changed since.
CREATE TABLE rollup_days_built (
  account_id TEXT NOT NULL,
  day_start_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, day_start_ms)
) STRICT, WITHOUT ROWID;

-- Any change of a rollup makes its day's sums stale in the same transaction. Today is never built, so the usual write finds
-- nothing here to delete. Only days from 1970 on are built, so the remainder of a negative instant does not matter.
CREATE TRIGGER rollups_inserted AFTER INSERT ON rollups BEGIN
  DELETE FROM rollup_days_built
  WHERE account_id = NEW.account_id AND day_start_ms = NEW.bucket_start_ms - NEW.bucket_start_ms % 86400000;
END;

CREATE TRIGGER rollups_updated AFTER UPDATE ON rollups BEGIN
  DELETE FROM rollup_days_built
  WHERE account_id = NEW.account_id AND day_start_ms = NEW.bucket_start_ms - NEW.bucket_start_ms % 86400000;
END;

-- A day whose last rollup went is not looked for any more, so its sums go at once.
CREATE TRIGGER rollups_deleted AFTER DELETE ON rollups BEGIN
  DELETE FROM rollup_days_built
  WHERE account_id = OLD.account_id AND day_start_ms = OLD.bucket_start_ms - OLD.bucket_start_ms % 86400000;
  DELETE FROM rollup_days
  WHERE account_id = OLD.account_id AND dimension IN ('customer', 'feature', 'model')
    AND day_start_ms = OLD.bucket_start_ms - OLD.bucket_start_ms % 86400000;
END;
