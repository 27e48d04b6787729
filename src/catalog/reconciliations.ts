import type { Uuid } from "../domain/ids.ts";
import type { Difference, Reconciliation } from "../domain/reconcile.ts";
import type { Page } from "./page.ts";

/** Comparisons of accounts' books with the payment provider's: each run, and the differences that it found. */

type RunRow = {
  account_id: string;
  run_id: string;
  state: Reconciliation["state"];
  since_ms: number;
  started_at_ms: number;
  finished_at_ms: number | null;
  cursor: string | null;
  payments: number;
  invoices: number;
  differences: number;
  failure: string | null;
};

function fromRow(row: RunRow): Reconciliation {
  return {
    accountId: row.account_id,
    runId: row.run_id,
    state: row.state,
    sinceMs: row.since_ms,
    startedAtMs: row.started_at_ms,
    ...(row.finished_at_ms === null ? {} : { finishedAtMs: row.finished_at_ms }),
    ...(row.cursor === null ? {} : { cursor: JSON.parse(row.cursor) }),
    payments: row.payments,
    invoices: row.invoices,
    differences: row.differences,
    ...(row.failure === null ? {} : { failure: row.failure }),
  };
}

/** An account's newest run. */
export async function lastReconciliation(database: D1Database, accountId: string): Promise<Reconciliation | undefined> {
  const row = await database
    .prepare(
      `SELECT account_id, run_id, state, since_ms, started_at_ms, finished_at_ms, cursor, payments, invoices, differences, failure
       FROM reconciliations WHERE account_id = ? ORDER BY started_at_ms DESC, run_id DESC LIMIT 1`,
    )
    .bind(accountId)
    .first<RunRow>();
  return row === null ? undefined : fromRow(row);
}

/** Writes a run as it is now. */
export function runStatement(database: D1Database, run: Reconciliation): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO reconciliations (account_id, run_id, state, since_ms, started_at_ms, finished_at_ms, cursor, payments,
         invoices, differences, failure)
       SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
         value ->> 8, value ->> 9 FROM json_each(?2) WHERE true
       ON CONFLICT DO UPDATE SET state = excluded.state, finished_at_ms = excluded.finished_at_ms, cursor = excluded.cursor,
         payments = excluded.payments, invoices = excluded.invoices, differences = excluded.differences,
         failure = excluded.failure`,
    )
    .bind(
      run.accountId,
      JSON.stringify([
        [
          run.runId,
          run.state,
          run.sinceMs,
          run.startedAtMs,
          run.finishedAtMs ?? null,
          run.cursor === undefined ? null : JSON.stringify(run.cursor),
          run.payments,
          run.invoices,
          run.differences,
          run.failure ?? null,
        ],
      ]),
    );
}

/** Adds differences from this place on. Two who compare at once find the same, and it stands there once. */
export function differencesStatement(
  database: D1Database,
  { accountId, runId }: Reconciliation,
  firstPlace: number,
  differences: readonly Difference[],
): D1PreparedStatement {
  const rows = differences.map((difference, at) => [
    firstPlace + at,
    difference.severity,
    difference.kind,
    difference.customerId ?? null,
    difference.invoiceId ?? null,
    difference.paymentIntentId ?? null,
    difference.currency,
    difference.oursMinor ?? null,
    difference.theirsMinor ?? null,
  ]);
  return database
    .prepare(
      `INSERT INTO reconciliation_differences (account_id, run_id, place, severity, kind, customer_id, invoice_id,
         payment_intent_id, currency, ours_minor, theirs_minor)
       SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
         value ->> 8 FROM json_each(?3) WHERE true
       ON CONFLICT DO NOTHING`,
    )
    .bind(accountId, runId, JSON.stringify(rows));
}

type DifferenceRow = {
  severity: Difference["severity"];
  kind: Difference["kind"];
  customer_id: Uuid | null;
  invoice_id: string | null;
  payment_intent_id: string | null;
  currency: string;
  ours_minor: number | null;
  theirs_minor: number | null;
};

/** A page of what a run found, in the order in which it did. */
export async function differencePage(
  database: D1Database,
  { accountId, runId }: Pick<Reconciliation, "accountId" | "runId">,
  page: Page,
): Promise<{ items: Difference[]; total: number }> {
  const [counted, rows] = await database.batch<unknown>([
    database
      .prepare("SELECT COUNT(*) AS n FROM reconciliation_differences WHERE account_id = ? AND run_id = ?")
      .bind(accountId, runId),
    database
      .prepare(
        `SELECT severity, kind, customer_id, invoice_id, payment_intent_id, currency, ours_minor, theirs_minor
         FROM reconciliation_differences WHERE account_id = ? AND run_id = ? ORDER BY place LIMIT ? OFFSET ?`,
      )
      .bind(accountId, runId, page.limit, page.offset),
  ]);
  return {
    items: ((rows?.results ?? []) as DifferenceRow[]).map((row) => ({
      severity: row.severity,
      kind: row.kind,
      currency: row.currency,
      ...(row.customer_id === null ? {} : { customerId: row.customer_id }),
      ...(row.invoice_id === null ? {} : { invoiceId: row.invoice_id }),
      ...(row.payment_intent_id === null ? {} : { paymentIntentId: row.payment_intent_id }),
      ...(row.ours_minor === null ? {} : { oursMinor: row.ours_minor }),
      ...(row.theirs_minor === null ? {} : { theirsMinor: row.theirs_minor }),
    })),
    total: ((counted?.results ?? []) as { n: number }[])[0]?.n ?? 0,
  };
}

/** Forgets the runs of an account but for its newest ones, with what they found. */
export function forgetRunsStatements(database: D1Database, accountId: string, keep: number): D1PreparedStatement[] {
  const newest = `SELECT run_id FROM reconciliations WHERE account_id = ?1 ORDER BY started_at_ms DESC, run_id DESC LIMIT CAST(?2 AS INTEGER)`;
  return ["reconciliation_differences", "reconciliations"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE account_id = ?1 AND run_id NOT IN (${newest})`).bind(accountId, keep),
  );
}
