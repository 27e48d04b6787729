import { idRange } from "../domain/ids.ts";
import { TOLD_OF_CUSTOMER } from "./webhook-events.ts";

/**
 * What D1 alone holds of a customer: their names in the directory, their keys without the secrets, the test clock they live by, and
 * what was done to their things. Everything else in D1 is a copy of what their object holds.
 */

type Row = Record<string, unknown>;

/** Tables in which a customer's rows are named by `customer_id`, or found by `where`, in the order of the export. Columns are those that are told. */
export const EXPORTED_OF_CUSTOMER: readonly { table: string; record: string; columns: string; where?: string }[] = [
  { table: "customer_identities", record: "identity", columns: "kind, value" },
  {
    table: "api_keys",
    record: "api_key",
    columns: "key_id, name, scopes, hint, created_at_ms, expires_at_ms, revoked_at_ms",
  },
  { table: "test_clock_customers", record: "test_clock", columns: "clock_id" },
  {
    table: "webhook_events",
    record: "payment_webhook",
    columns: "event_id, type, state, created_at_ms, received_at_ms, body",
    where: TOLD_OF_CUSTOMER,
  },
];

/** Those of which nothing more is told, and why. */
export const NOT_EXPORTED_OF_CUSTOMER: Readonly<Record<string, string>> = {
  credit_pools: "a copy of the object's",
  customers: "a copy of the object's profile",
  erased_names: "nobody is known who was erased",
  feed: "a copy of the object's newest events",
  invoices: "a copy of the object's",
  mrr_spans: "a copy of the object's",
  object_health: "of the engine's health, nothing of the customer",
  provider_payments: "a copy of what the provider lists, to be compared",
  reconciliation_differences: "what a comparison found: the payments and invoices that it names say the rest",
  requests: "answers of the last day, which say what the records say",
  rollups: "a copy of the object's sums",
  subscriptions: "a copy of the object's",
};

/** The customer's rows of those tables: a few each. */
export async function exportedRows(
  database: D1Database,
  accountId: string,
  customerId: string,
): Promise<{ record: string; rows: Row[] }[]> {
  const answers = await database.batch<Row>(
    EXPORTED_OF_CUSTOMER.map(({ table, columns, where = "customer_id = ?2" }) =>
      database
        .prepare(`SELECT ${columns} FROM ${table} WHERE account_id = ?1 AND ${where}`)
        .bind(accountId, customerId),
    ),
  );
  return EXPORTED_OF_CUSTOMER.map(({ record }, at) => ({ record, rows: answers[at]?.results ?? [] }));
}

type AuditRow = Row & { target: string; at_ms: number; entry_id: string };

/** Where the next page of the trail begins; empty: at its beginning. */
export type TrailCursor = { target: string; atMs: number; entryId: string };

/** A page of the trail of the customer and their things, thing by thing, behind `after`. Who acted is not told: they are others. */
export async function exportedTrail(
  database: D1Database,
  accountId: string,
  customerId: string,
  after: TrailCursor | undefined,
  limit: number,
): Promise<{ rows: Row[]; next?: TrailCursor }> {
  const { from, to } = idRange(customerId);
  const { results } = await database
    .prepare(
      `SELECT entry_id, at_ms, action, target, before, after FROM audit_log
       WHERE account_id = ?1 AND target >= ?2 AND target < ?3 AND (target, at_ms, entry_id) > (?2, ?4, ?5)
       ORDER BY target, at_ms, entry_id LIMIT ?6`,
    )
    .bind(accountId, after?.target ?? from, to, after?.atMs ?? 0, after?.entryId ?? "", limit)
    .all<AuditRow>();
  const last = results.length === limit ? results.at(-1) : undefined;
  return {
    rows: results,
    ...(last === undefined ? {} : { next: { target: last.target, atMs: last.at_ms, entryId: last.entry_id } }),
  };
}

/** What was done to the customer's keys, whose ids are not made of the customer's own: a few. */
export async function exportedKeyTrail(database: D1Database, accountId: string, customerId: string): Promise<Row[]> {
  const { results } = await database
    .prepare(
      `SELECT l.entry_id, l.at_ms, l.action, l.target, l.before, l.after FROM api_keys k
       CROSS JOIN audit_log l ON l.account_id = ?1 AND l.target = k.key_id
       WHERE k.account_id = ?1 AND k.customer_id = ?2 ORDER BY l.at_ms, l.entry_id`,
    )
    .bind(accountId, customerId)
    .all<Row>();
  return results;
}
