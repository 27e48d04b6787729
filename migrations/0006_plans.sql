-- What is sold: plans, the rules by which features are in them, and the versions that subscribers keep.

CREATE TABLE plans (
  account_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  -- Decimal text, exact.
  price TEXT NOT NULL,
  currency TEXT NOT NULL,
  interval_months INTEGER NOT NULL CHECK (interval_months BETWEEN 1 AND 36),
  billing_timing TEXT NOT NULL CHECK (billing_timing IN ('IN_ADVANCE', 'IN_ARREARS')),
  status TEXT NOT NULL CHECK (status IN ('DRAFT', 'ACTIVE', 'ARCHIVED')),
  -- 0 while the plan was never active; then its newest row in plan_versions.
  version INTEGER NOT NULL,
  metadata TEXT,
  created_at_ms INTEGER NOT NULL,
  modified_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, plan_id),
  CHECK ((status = 'DRAFT') = (version = 0))
) STRICT, WITHOUT ROWID;

-- Archived plans keep their keys: their subscribers' figures go by them.
CREATE UNIQUE INDEX plans_by_key ON plans (account_id, key);

CREATE TABLE plan_rules (
  account_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  feature_id TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  -- The operator's order, from 0: pricing pages show it.
  position INTEGER NOT NULL,
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  -- JSON text: pricing and cost; decimals inside are text (domain/plan.ts).
  value TEXT NOT NULL,
  credit_model_id TEXT,
  created_at_ms INTEGER NOT NULL,
  modified_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, plan_id, feature_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX plan_rules_by_feature ON plan_rules (account_id, feature_id);

-- Never changed once written: a subscriber pins one of them.
CREATE TABLE plan_versions (
  account_id TEXT NOT NULL,
  plan_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  price TEXT NOT NULL,
  currency TEXT NOT NULL,
  interval_months INTEGER NOT NULL,
  billing_timing TEXT NOT NULL,
  -- JSON text: the rules with their features' keys; decimals inside are text (domain/plan.ts).
  rules TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, plan_id, version)
) STRICT, WITHOUT ROWID;
