import { customType, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AccountScope, AccountSettings, CustomerScope } from "../domain/account.ts";
import { decimalToE12, type E12, formatE12 } from "../domain/amount.ts";
import type { RateTier } from "../domain/api-key.ts";
import { type Allocation, type E4, ROLLOVER_POLICIES } from "../domain/credit.ts";
import { decimalToE4, formatE4 } from "../domain/credit-amount.ts";
import { allocationsFromText, allocationsText } from "../domain/credit-model.ts";
import type { Uuid } from "../domain/ids.ts";
import {
  BILLING_TIMINGS,
  PLAN_STATUSES,
  type RuleValue,
  ruleFromText,
  ruleText,
  type VersionRule,
  versionRulesFromText,
  versionRulesText,
} from "../domain/plan.ts";
import type { AuditAction } from "./audit.ts";

/**
 * The D1 tables of accounts, keys, customers, test clocks, features, plans and credits as drizzle sees them: columns by the domain's names, JSON
 * and flags translated. `migrations/` is what creates them; a test compares the two column by column, defaults too, for drizzle writes
 * its own where a value is left out. When to use drizzle and when SQL: docs/decisions/005-drizzle-and-sql.md.
 */

/** An exact decimal as text. */
const decimal = customType<{ data: E12; driverData: string }>({
  dataType: () => "text",
  toDriver: formatE12,
  fromDriver: decimalToE12,
});

/** Credits as decimal text. */
const credits = customType<{ data: E4; driverData: string }>({
  dataType: () => "text",
  toDriver: formatE4,
  fromDriver: decimalToE4,
});

const ruleValue = customType<{ data: RuleValue; driverData: string }>({
  dataType: () => "text",
  toDriver: ruleText,
  fromDriver: ruleFromText,
});

const versionRules = customType<{ data: readonly VersionRule[]; driverData: string }>({
  dataType: () => "text",
  toDriver: versionRulesText,
  fromDriver: versionRulesFromText,
});

const versionAllocations = customType<{ data: readonly Allocation[]; driverData: string }>({
  dataType: () => "text",
  toDriver: allocationsText,
  fromDriver: allocationsFromText,
});

export const accounts = sqliteTable("accounts", {
  accountId: text("account_id").primaryKey(),
  name: text("name").notNull(),
  mode: text("mode", { enum: ["live", "test"] }).notNull(),
  db: text("db").notNull().default("DB"),
  currency: text("currency").notNull(),
  settings: text("settings", { mode: "json" }).$type<AccountSettings>().notNull().default({}),
  catalogVersion: integer("catalog_version").notNull().default(1),
  createdAtMs: integer("created_at_ms").notNull(),
  modifiedAtMs: integer("modified_at_ms").notNull(),
});

export const apiKeys = sqliteTable("api_keys", {
  digest: text("digest").primaryKey(),
  accountId: text("account_id").notNull(),
  keyId: text("key_id").notNull(),
  name: text("name"),
  kind: text("kind", { enum: ["account", "customer"] }).notNull(),
  scopes: text("scopes", { mode: "json" }).$type<readonly (AccountScope | CustomerScope)[]>().notNull(),
  customerId: text("customer_id"),
  hint: text("hint").notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
  expiresAtMs: integer("expires_at_ms"),
  revokedAtMs: integer("revoked_at_ms"),
  rateLimit: integer("rate_limit").$type<RateTier>(),
});

export const consoleSessions = sqliteTable("console_sessions", {
  digest: text("digest").primaryKey(),
  accountId: text("account_id").notNull(),
  sessionId: text("session_id").notNull(),
  keyId: text("key_id").notNull(),
  keyDigest: text("key_digest").notNull(),
  linkDigest: text("link_digest"),
  ip: text("ip").notNull(),
  userAgent: text("user_agent").notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
  expiresAtMs: integer("expires_at_ms").notNull(),
  revokedAtMs: integer("revoked_at_ms"),
});

export const auditLog = sqliteTable(
  "audit_log",
  {
    accountId: text("account_id").notNull(),
    entryId: text("entry_id").notNull(),
    atMs: integer("at_ms").notNull(),
    action: text("action").$type<AuditAction>().notNull(),
    target: text("target").notNull(),
    keyId: text("actor_key_id"),
    hint: text("actor_hint"),
    ip: text("ip"),
    requestId: text("request_id").notNull(),
    before: text("before", { mode: "json" }),
    after: text("after", { mode: "json" }),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.entryId] })],
);

export const requests = sqliteTable(
  "requests",
  {
    accountId: text("account_id").notNull(),
    requestDigest: text("request_digest").notNull(),
    bodyDigest: text("body_digest").notNull(),
    status: integer("status").notNull(),
    body: text("body").notNull(),
    sealed: integer("sealed", { mode: "boolean" }).notNull().default(false),
    createdAtMs: integer("created_at_ms").notNull(),
    customerId: text("customer_id"),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.requestDigest] })],
);

export const cronRuns = sqliteTable("cron_runs", {
  runId: text("run_id").primaryKey(),
  task: text("task").notNull(),
  startedAtMs: integer("started_at_ms").notNull(),
  finishedAtMs: integer("finished_at_ms"),
  processed: integer("processed").notNull().default(0),
  failed: integer("failed").notNull().default(0),
  failure: text("failure"),
});

export const cronCursors = sqliteTable("cron_cursors", {
  task: text("task").primaryKey(),
  cursor: text("cursor").notNull(),
});

export const testClocks = sqliteTable(
  "test_clocks",
  {
    accountId: text("account_id").notNull(),
    clockId: text("clock_id").notNull(),
    name: text("name"),
    frozenAtMs: integer("frozen_at_ms").notNull(),
    targetAtMs: integer("target_at_ms"),
    createdAtMs: integer("created_at_ms").notNull(),
    deletedAtMs: integer("deleted_at_ms"),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.clockId] })],
);

export const testClockCustomers = sqliteTable(
  "test_clock_customers",
  {
    accountId: text("account_id").notNull(),
    clockId: text("clock_id").notNull(),
    customerId: text("customer_id").$type<Uuid>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.clockId, table.customerId] })],
);

export const customers = sqliteTable(
  "customers",
  {
    accountId: text("account_id").notNull(),
    customerId: text("customer_id").$type<Uuid>().notNull(),
    referenceId: text("reference_id"),
    stripeCustomerId: text("stripe_customer_id"),
    firstName: text("first_name"),
    lastName: text("last_name"),
    email: text("email"),
    phoneNumber: text("phone_number"),
    address: text("address"),
    source: text("source", { enum: ["MANUAL", "EVENT_AUTO_CREATED", "STRIPE_IMPORTED"] }).notNull(),
    lastEventAtMs: integer("last_event_at_ms"),
    createdAtMs: integer("created_at_ms").notNull(),
    modifiedAtMs: integer("modified_at_ms").notNull(),
    rev: integer("rev").notNull().default(0),
    testClockId: text("test_clock_id"),
    nextDueAtMs: integer("next_due_at_ms"),
    taxId: text("tax_id"),
    erasedAtMs: integer("erased_at_ms"),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.customerId] })],
);

export const features = sqliteTable(
  "features",
  {
    accountId: text("account_id").notNull(),
    featureId: text("feature_id").notNull(),
    key: text("key").notNull(),
    name: text("name").notNull(),
    description: text("description"),
    isEnabled: integer("is_enabled", { mode: "boolean" }).notNull().default(true),
    metadata: text("metadata"),
    autoCreated: integer("auto_created", { mode: "boolean" }).notNull().default(false),
    createdAtMs: integer("created_at_ms").notNull(),
    modifiedAtMs: integer("modified_at_ms").notNull(),
    deletedAtMs: integer("deleted_at_ms"),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.featureId] })],
);

/** What the domain knows of a feature. */
export const FEATURE = {
  featureId: features.featureId,
  key: features.key,
  name: features.name,
  description: features.description,
  isEnabled: features.isEnabled,
  metadata: features.metadata,
  createdAtMs: features.createdAtMs,
  modifiedAtMs: features.modifiedAtMs,
};

export const plans = sqliteTable(
  "plans",
  {
    accountId: text("account_id").notNull(),
    planId: text("plan_id").notNull(),
    key: text("key").notNull(),
    name: text("name").notNull(),
    description: text("description"),
    price: decimal("price").notNull(),
    currency: text("currency").notNull(),
    intervalMonths: integer("interval_months").notNull(),
    billingTiming: text("billing_timing", { enum: BILLING_TIMINGS }).notNull(),
    status: text("status", { enum: PLAN_STATUSES }).notNull(),
    version: integer("version").notNull(),
    metadata: text("metadata"),
    createdAtMs: integer("created_at_ms").notNull(),
    modifiedAtMs: integer("modified_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.planId] })],
);

export const planRules = sqliteTable(
  "plan_rules",
  {
    accountId: text("account_id").notNull(),
    planId: text("plan_id").notNull(),
    featureId: text("feature_id").notNull(),
    ruleId: text("rule_id").notNull(),
    position: integer("position").notNull(),
    isEnabled: integer("is_enabled", { mode: "boolean" }).notNull(),
    value: ruleValue("value").notNull(),
    creditModelId: text("credit_model_id"),
    createdAtMs: integer("created_at_ms").notNull(),
    modifiedAtMs: integer("modified_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.planId, table.featureId] })],
);

export const planVersions = sqliteTable(
  "plan_versions",
  {
    accountId: text("account_id").notNull(),
    planId: text("plan_id").notNull(),
    version: integer("version").notNull(),
    key: text("key").notNull(),
    name: text("name").notNull(),
    price: decimal("price").notNull(),
    currency: text("currency").notNull(),
    intervalMonths: integer("interval_months").notNull(),
    billingTiming: text("billing_timing", { enum: BILLING_TIMINGS }).notNull(),
    rules: versionRules("rules").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    allocations: versionAllocations("allocations").notNull().default([]),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.planId, table.version] })],
);

export const creditModels = sqliteTable(
  "credit_models",
  {
    accountId: text("account_id").notNull(),
    creditModelId: text("credit_model_id").notNull(),
    name: text("name").notNull(),
    denomination: text("denomination").notNull(),
    description: text("description"),
    hardLimit: integer("hard_limit", { mode: "boolean" }).notNull(),
    rolloverPolicy: text("rollover_policy", { enum: ROLLOVER_POLICIES }).notNull(),
    rolloverCapE4: credits("rollover_cap"),
    metadata: text("metadata"),
    createdAtMs: integer("created_at_ms").notNull(),
    modifiedAtMs: integer("modified_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.creditModelId] })],
);

export const planAllocations = sqliteTable(
  "plan_allocations",
  {
    accountId: text("account_id").notNull(),
    planId: text("plan_id").notNull(),
    creditModelId: text("credit_model_id").notNull(),
    allocationId: text("allocation_id").notNull(),
    amountE4: credits("amount").notNull(),
    grantExpiresMonths: integer("grant_expires_months"),
    hardLimit: integer("hard_limit", { mode: "boolean" }).notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.planId, table.creditModelId] })],
);

export const creditWeights = sqliteTable(
  "credit_weights",
  {
    accountId: text("account_id").notNull(),
    featureId: text("feature_id").notNull(),
    model: text("model").notNull(),
    effectiveFromMs: integer("effective_from_ms").notNull(),
    weightId: text("weight_id").notNull(),
    creditsPerUnitE12: decimal("credits_per_unit").notNull(),
    askedFromMs: integer("asked_from_ms").notNull(),
    replacedAtMs: integer("replaced_at_ms"),
    createdBy: text("created_by").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.featureId, table.model, table.effectiveFromMs] })],
);

export const creditPrices = sqliteTable(
  "credit_prices",
  {
    accountId: text("account_id").notNull(),
    denomination: text("denomination").notNull(),
    currency: text("currency").notNull(),
    effectiveFromMs: integer("effective_from_ms").notNull(),
    priceId: text("price_id").notNull(),
    pricePerCreditE12: decimal("price_per_credit").notNull(),
    askedFromMs: integer("asked_from_ms").notNull(),
    replacedAtMs: integer("replaced_at_ms"),
    createdBy: text("created_by").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.denomination, table.currency, table.effectiveFromMs] })],
);
