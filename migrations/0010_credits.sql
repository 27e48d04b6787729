-- What an account's credits are: models, what plans give of them with each period, and what units burn and credits cost, by date.

-- Never changed once made: pools and plan versions keep what they took of it.
CREATE TABLE credit_models (
  account_id TEXT NOT NULL,
  credit_model_id TEXT NOT NULL,
  name TEXT NOT NULL,
  denomination TEXT NOT NULL,
  description TEXT,
  hard_limit INTEGER NOT NULL CHECK (hard_limit IN (0, 1)),
  rollover_policy TEXT NOT NULL CHECK (rollover_policy IN ('NONE', 'FULL', 'CAPPED')),
  -- Decimal text of at most four places.
  rollover_cap TEXT,
  metadata TEXT,
  created_at_ms INTEGER NOT NULL,
  modified_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, credit_model_id),
  CHECK ((rollover_policy = 'CAPPED') = (rollover_cap IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX credit_models_by_denomination ON credit_models (account_id, denomination);

-- One for each plan and model.
CREATE TABLE plan_allocations (
  account_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  credit_model_id TEXT NOT NULL,
  allocation_id TEXT NOT NULL,
  -- Decimal text of at most four places.
  amount TEXT NOT NULL,
  grant_expires_months INTEGER CHECK (grant_expires_months > 0),
  hard_limit INTEGER NOT NULL CHECK (hard_limit IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, plan_id, credit_model_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX plan_allocations_by_model ON plan_allocations (account_id, credit_model_id);
CREATE INDEX plan_rules_by_credit_model ON plan_rules (account_id, credit_model_id) WHERE credit_model_id IS NOT NULL;

-- JSON text: what the version gives with each period; decimals inside are text (domain/credit-model.ts).
ALTER TABLE plan_versions ADD COLUMN allocations TEXT NOT NULL DEFAULT '[]';

-- Credits per unit of a feature. What a row says never changes; rows that have not taken effect may go.
CREATE TABLE credit_weights (
  account_id TEXT NOT NULL,
  feature_id TEXT NOT NULL,
  -- Empty: of all models that have no weight of their own.
  model TEXT NOT NULL,
  effective_from_ms INTEGER NOT NULL,
  weight_id TEXT NOT NULL,
  -- Decimal text of at most six places.
  credits_per_unit TEXT NOT NULL,
  -- The instant that was asked for; a little before it takes effect where that was at once.
  asked_from_ms INTEGER NOT NULL,
  -- When the next row of the pair takes effect: derived, so that the open rows are found without the history.
  replaced_at_ms INTEGER CHECK (replaced_at_ms > effective_from_ms),
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, feature_id, model, effective_from_ms),
  CHECK (asked_from_ms <= effective_from_ms)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX credit_weights_by_id ON credit_weights (account_id, weight_id);
CREATE INDEX credit_weights_by_time ON credit_weights (account_id, effective_from_ms DESC, feature_id, model);
-- Nothing replaced yet counts as later than any instant: one range then holds all open rows.
CREATE INDEX credit_weights_open ON credit_weights (account_id, IFNULL(replaced_at_ms, 9007199254740991));

-- What a credit of a denomination costs. Otherwise like weights.
CREATE TABLE credit_prices (
  account_id TEXT NOT NULL,
  denomination TEXT NOT NULL,
  currency TEXT NOT NULL,
  effective_from_ms INTEGER NOT NULL,
  price_id TEXT NOT NULL,
  price_per_credit TEXT NOT NULL,
  asked_from_ms INTEGER NOT NULL,
  replaced_at_ms INTEGER CHECK (replaced_at_ms > effective_from_ms),
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, denomination, currency, effective_from_ms),
  CHECK (asked_from_ms <= effective_from_ms)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX credit_prices_by_id ON credit_prices (account_id, price_id);
CREATE INDEX credit_prices_by_time ON credit_prices (account_id, effective_from_ms DESC, denomination, currency);
CREATE INDEX credit_prices_open ON credit_prices (account_id, IFNULL(replaced_at_ms, 9007199254740991));
