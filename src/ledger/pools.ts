import type { PoolView, ShownPoolStatus } from "../domain/credit-views.ts";
import type { CustomerView } from "../domain/customer.ts";
import { fromJsonText } from "../domain/json-text.ts";
import { type CopyRow, rowTexts } from "./copies.ts";
import { CUSTOMER_COLUMNS, customerFromRow } from "./customer-row.ts";

/** Copies of credit pools, which their customers' objects send, for lists. */

/** The statements that write these pools of one customer, each over a lower rev only. */
export function poolStatements(
  database: D1Database,
  accountId: string,
  customerId: string,
  copies: readonly { view: PoolView; rev: number }[],
): D1PreparedStatement[] {
  const rows = copies.map(({ view, rev }) => [
    view.poolId,
    view.status,
    view.denomination,
    view.createdAtMs,
    rev,
    view,
  ]);
  return rowTexts(rows).map((text) =>
    database
      .prepare(
        `INSERT INTO credit_pools (account_id, customer_id, pool_id, status, denomination, created_at_ms, rev, body)
         SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value -> 5
         FROM json_each(?3) WHERE true
         ON CONFLICT DO UPDATE SET status = excluded.status, rev = excluded.rev, body = excluded.body
         WHERE excluded.rev > rev`,
      )
      .bind(accountId, customerId, text),
  );
}

/** Has the account ever granted credits? Then its currency stays: they may have been sold in it. */
export async function hasGrants(database: D1Database, accountId: string): Promise<boolean> {
  // A bigint of a body is written as an object of its digits.
  const row = await database
    .prepare(
      `SELECT EXISTS (SELECT 1 FROM credit_pools WHERE account_id = ? AND body ->> '$.grantedE4."$bigint"' <> '0') AS found`,
    )
    .bind(accountId)
    .first<{ found: number }>();
  return row?.found === 1;
}

/** Which pools; all conditions must hold. `isLow`: nearly dry, as migration 0025 has it. */
export type PoolFilter = { status?: ShownPoolStatus; customerId?: string; isLow?: boolean };

/** A page of an account's pools, archived ones too, newest first. The page is found in an index; only its own rows are read. */
export async function poolCopyPage(
  database: D1Database,
  accountId: string,
  { status, customerId, isLow = false }: PoolFilter,
  page: { limit: number; offset: number },
): Promise<{ items: { pool: PoolView; customer: CustomerView }[]; total: number }> {
  const asked = [
    ["status = ?", status],
    ["customer_id = ?", customerId?.toLowerCase()],
  ] as const;
  const given = asked.flatMap(([term, value]) => (value === undefined ? [] : [{ term, value }]));
  const where = ["account_id = ?", ...(isLow ? ["is_low = 1"] : []), ...given.map(({ term }) => term)].join(" AND ");
  const bound = [accountId, ...given.map(({ value }) => value)];
  // Without a word SQLite would rather count by the primary key, and work out for every pool whether it is low.
  const pools = isLow ? "credit_pools INDEXED BY credit_pools_by_lowness" : "credit_pools";
  const [counted, rows] = await database.batch<unknown>([
    database.prepare(`SELECT COUNT(*) AS n FROM ${pools} WHERE ${where}`).bind(...bound),
    database
      .prepare(
        `WITH page AS MATERIALIZED (
           SELECT pool_id FROM ${pools} WHERE ${where} ORDER BY created_at_ms DESC, pool_id DESC LIMIT ? OFFSET ?
         )
         SELECT t.body, ${CUSTOMER_COLUMNS} FROM page
         CROSS JOIN credit_pools t ON t.account_id = ? AND t.pool_id = page.pool_id
         CROSS JOIN customers c ON c.account_id = t.account_id AND c.customer_id = t.customer_id
         ORDER BY t.created_at_ms DESC, t.pool_id DESC`,
      )
      .bind(...bound, page.limit, page.offset, accountId),
  ]);
  return {
    items: ((rows?.results ?? []) as CopyRow[]).map((row) => ({
      pool: fromJsonText<PoolView>(row.body),
      customer: customerFromRow(row),
    })),
    total: ((counted?.results ?? []) as { n: number }[])[0]?.n ?? 0,
  };
}
