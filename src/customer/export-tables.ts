import type { IdKind } from "../domain/ids.ts";

/**
 * Which of the object's tables an export tells, and in which order. A table is here or below, with the reason why it tells nothing
 * more; a test holds both lists against the schema.
 */

/** `key`: the columns by which pages follow each other. `kind`: what the ids of its rows name. `without`: the engine's own columns. */
export type ExportedTable = {
  table: string;
  record: string;
  key: readonly string[];
  kind?: IdKind;
  without?: readonly string[];
};

export const EXPORTED_TABLES: readonly ExportedTable[] = [
  {
    table: "state",
    record: "profile",
    key: ["id"],
    without: ["id", "rev", "fed_seq", "last_plan_change", "quarantine_reason", "quarantined_at_ms"],
  },
  { table: "plan_pins", record: "plan_version", key: ["plan_id", "version"] },
  { table: "subscriptions", record: "subscription", key: ["number"], kind: "subscription" },
  { table: "mrr_spans", record: "mrr_span", key: ["number"], without: ["is_open"] },
  { table: "invoices", record: "invoice", key: ["number"], kind: "invoice" },
  { table: "counters", record: "usage_counter", key: ["subscription", "feature_id"] },
  { table: "usage_segments", record: "usage_segment", key: ["number"] },
  { table: "reservations", record: "reservation", key: ["number"], kind: "reservation", without: ["block"] },
  { table: "balance_entries", record: "balance_entry", key: ["number"], kind: "balanceEntry" },
  { table: "credit_pools", record: "credit_pool", key: ["number"], kind: "creditPool", without: ["entries"] },
  { table: "credit_grants", record: "credit_grant", key: ["number"], kind: "creditGrant", without: ["is_open"] },
  { table: "credit_entries", record: "credit_transaction", key: ["number"], kind: "creditEntry" },
  { table: "payments", record: "payment", key: ["number"], kind: "payment" },
  { table: "provider_events", record: "payment_event", key: ["event_id"] },
  { table: "check_days", record: "access_checks", key: ["day_start_ms", "feature_key"] },
  {
    table: "rollups",
    record: "usage_sum",
    key: ["bucket_start_ms", "span_ms", "feature_id", "provider", "model", "currency"],
    without: ["rev"],
  },
  { table: "events", record: "event", key: ["seq"], kind: "event" },
  { table: "corrections", record: "event_correction", key: ["event_seq", "correction_seq"] },
];

export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  behind: "rows of other tables, which it is empty of while they are read",
  event_keys: "the keys of the events again, by which a repeated one is known",
  outbox: "names of records that a copy is to be made of",
  pending_events: "numbers of events that are not counted yet: the events say so themselves",
  requests: "answers of the last day, which say what the records say",
  schema_version: "the engine's own",
};
