import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Tables of D1's copies as drizzle sees them, as far as it asks them: sums are SQL's, and the rows of all are written by
 * `projections.ts` (docs/decisions/005-drizzle-and-sql.md). `migrations/` creates them; a test compares the two column by column.
 */

export const feed = sqliteTable(
  "feed",
  {
    accountId: text("account_id").notNull(),
    eventId: text("event_id").notNull(),
    customerId: text("customer_id").notNull(),
    occurredAtMs: integer("occurred_at_ms").notNull(),
    featureId: text("feature_id").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    eventName: text("event_name").notNull(),
    event: text("event").notNull(),
    rev: integer("rev").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.eventId] })],
);

export const objectHealth = sqliteTable(
  "object_health",
  {
    accountId: text("account_id").notNull(),
    customerId: text("customer_id").notNull(),
    oldestUnsentAtMs: integer("oldest_unsent_at_ms"),
    parkedRows: integer("parked_rows").notNull(),
    quarantinedAtMs: integer("quarantined_at_ms"),
    sizeBytes: integer("size_bytes").notNull(),
    rev: integer("rev").notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.customerId] })],
);
