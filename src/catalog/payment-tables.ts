import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { WebhookSecret } from "../domain/account.ts";
import type { Uuid } from "../domain/ids.ts";
import { WEBHOOK_STATES } from "../domain/webhook.ts";

/** The D1 tables of payments through Stripe as drizzle sees them; see `tables.ts`. */

export const stripeConnections = sqliteTable("stripe_connections", {
  accountId: text("account_id").primaryKey(),
  sealedKey: text("sealed_key"),
  keyHint: text("key_hint"),
  stripeAccountId: text("stripe_account_id").notNull(),
  origin: text("origin").notNull(),
  webhookSecrets: text("webhook_secrets", { mode: "json" }).$type<readonly WebhookSecret[]>().notNull().default([]),
  endpointsMade: integer("endpoints_made").notNull().default(0),
  reconcileAtMs: integer("reconcile_at_ms"),
  createdAtMs: integer("created_at_ms").notNull(),
  modifiedAtMs: integer("modified_at_ms").notNull(),
});

export const webhookEvents = sqliteTable(
  "webhook_events",
  {
    accountId: text("account_id").notNull(),
    eventId: text("event_id").notNull(),
    type: text("type").notNull(),
    state: text("state", { enum: WEBHOOK_STATES }).notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    receivedAtMs: integer("received_at_ms").notNull(),
    customerId: text("customer_id").$type<Uuid>(),
    attempts: integer("attempts").notNull(),
    nextAttemptAtMs: integer("next_attempt_at_ms"),
    failure: text("failure"),
    body: text("body").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.eventId] })],
);
