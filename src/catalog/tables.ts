import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The D1 tables of accounts, keys, customers and features as drizzle sees them. `migrations/` is what creates them; a test
 * compares the two column by column.
 */

export const accounts = sqliteTable("accounts", {
  accountId: text("account_id").primaryKey(),
  name: text("name").notNull(),
  mode: text("mode", { enum: ["live", "test"] }).notNull(),
  db: text("db").notNull().default("DB"),
  currency: text("currency").notNull(),
  settings: text("settings").notNull().default("{}"),
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
  scopes: text("scopes").notNull(),
  customerId: text("customer_id"),
  hint: text("hint").notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
  expiresAtMs: integer("expires_at_ms"),
  revokedAtMs: integer("revoked_at_ms"),
});

export const auditLog = sqliteTable(
  "audit_log",
  {
    accountId: text("account_id").notNull(),
    entryId: text("entry_id").notNull(),
    atMs: integer("at_ms").notNull(),
    action: text("action").notNull(),
    target: text("target").notNull(),
    actorKeyId: text("actor_key_id"),
    actorHint: text("actor_hint"),
    ip: text("ip"),
    requestId: text("request_id").notNull(),
    before: text("before"),
    after: text("after"),
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
    sealed: integer("sealed").notNull().default(0),
    createdAtMs: integer("created_at_ms").notNull(),
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

export const customerIdentities = sqliteTable(
  "customer_identities",
  {
    accountId: text("account_id").notNull(),
    kind: text("kind", { enum: ["reference", "stripe"] }).notNull(),
    value: text("value").notNull(),
    customerId: text("customer_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.kind, table.value] })],
);

export const customers = sqliteTable(
  "customers",
  {
    accountId: text("account_id").notNull(),
    customerId: text("customer_id").notNull(),
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
    isEnabled: integer("is_enabled").notNull().default(1),
    metadata: text("metadata"),
    autoCreated: integer("auto_created").notNull().default(0),
    createdAtMs: integer("created_at_ms").notNull(),
    modifiedAtMs: integer("modified_at_ms").notNull(),
    deletedAtMs: integer("deleted_at_ms"),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.featureId] })],
);

export type Db = DrizzleD1Database;

/** drizzle over a D1 binding. Cheap: one object. */
export function open(database: D1Database): Db {
  return drizzle(database);
}
