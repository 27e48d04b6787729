import type { E12 } from "../domain/amount.ts";
import type { MrrSpan } from "../domain/mrr.ts";
import type { PendingSubscription } from "../domain/plan-figures.ts";
import { fromLimbs, limbsOf } from "../domain/rollup.ts";
import type { SubscriptionStatus } from "../domain/subscription.ts";

/**
 * Copies of what subscriptions bring a month, now and before, and what is about to change about it. Read as rows of spans: what
 * they add up to at an instant is `domain/plan-figures.ts`'s.
 */

/** The statements that write these spans of one customer, over a lower rev only: a span's end is written over its beginning. */
export function mrrStatements(
  database: D1Database,
  accountId: string,
  customerId: string,
  copies: readonly { span: MrrSpan; subscriptionId: string; rev: number }[],
): D1PreparedStatement[] {
  if (copies.length === 0) return [];
  const rows = copies.map(({ span, subscriptionId, rev }) => {
    const { hi, mid, lo } = limbsOf(span.mrrE12);
    const { number, planId, version, currency, startMs, endMs = null } = span;
    return [number, subscriptionId, planId, version, currency, hi, mid, lo, startMs, endMs, rev];
  });
  return [
    database
      .prepare(
        `INSERT INTO mrr_spans (account_id, customer_id, number, subscription_id, plan_id, plan_version, currency, mrr_hi, mrr_mid,
           mrr_lo, start_ms, end_ms, rev)
         SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
           value ->> 8, value ->> 9, value ->> 10
         FROM json_each(?3) WHERE true
         ON CONFLICT DO UPDATE SET end_ms = excluded.end_ms, rev = excluded.rev WHERE excluded.rev > rev`,
      )
      .bind(accountId, customerId, JSON.stringify(rows)),
  ];
}

/** What a customer brought a month, from when until when. */
export type CustomerSpan = { customerId: string; currency: string; mrrE12: E12; startMs: number; endMs?: number };

type SpanRow = {
  customer_id: string;
  currency: string;
  mrr_hi: number;
  mrr_mid: number;
  mrr_lo: number;
  start_ms: number;
  end_ms: number | null;
};

const SPAN_COLUMNS = "customer_id, currency, mrr_hi, mrr_mid, mrr_lo, start_ms, end_ms";

/** All that goes on. Exported, like the next, so that a test proves its index. */
export const OPEN_SPANS_SQL = `SELECT ${SPAN_COLUMNS} FROM mrr_spans INDEXED BY mrr_spans_open
  WHERE account_id = ?1 AND end_ms IS NULL`;

/** What ended at or after an instant: the state just before it is told by what goes on and by these. */
export const ENDED_SPANS_SQL = `SELECT ${SPAN_COLUMNS} FROM mrr_spans INDEXED BY mrr_spans_ended
  WHERE account_id = ?1 AND end_ms IS NOT NULL AND end_ms >= ?2`;

function spanFromRow(row: SpanRow): CustomerSpan {
  return {
    customerId: row.customer_id,
    currency: row.currency,
    mrrE12: fromLimbs(row.mrr_hi, row.mrr_mid, row.mrr_lo),
    startMs: row.start_ms,
    ...(row.end_ms === null ? {} : { endMs: row.end_ms }),
  };
}

/** The statements that read every span of an account, or of one customer, that had not ended before `sinceMs`. */
export function spanStatements(
  database: D1Database,
  accountId: string,
  sinceMs: number,
  customerId?: string,
): D1PreparedStatement[] {
  if (customerId === undefined)
    return [
      database.prepare(OPEN_SPANS_SQL).bind(accountId),
      database.prepare(ENDED_SPANS_SQL).bind(accountId, sinceMs),
    ];
  const sql = `SELECT ${SPAN_COLUMNS} FROM mrr_spans
    WHERE account_id = ?1 AND customer_id = ?2 AND (end_ms IS NULL OR end_ms >= ?3)`;
  return [database.prepare(sql).bind(accountId, customerId, sinceMs)];
}

export function spansOf(results: readonly D1Result<unknown>[]): CustomerSpan[] {
  return results.flatMap(({ results: rows }) => (rows as SpanRow[]).map(spanFromRow));
}

/** Every span of an account that had not ended before `sinceMs`. */
export async function spansSince(database: D1Database, accountId: string, sinceMs: number): Promise<CustomerSpan[]> {
  return spansOf(await database.batch(spanStatements(database, accountId, sinceMs)));
}

/** What a plan's subscribers bring a month together, by currency, and how many subscriptions that are. */
export async function mrrOfPlan(
  database: D1Database,
  accountId: string,
  planId: string,
): Promise<{ currency: string; mrrE12: E12; subscriptions: number }[]> {
  const { results } = await database
    .prepare(PLAN_MRR_SQL)
    .bind(accountId, planId)
    .all<{ currency: string; n: number; hi: string; mid: string; lo: string }>();
  return results.map(({ currency, n, hi, mid, lo }) => ({
    currency,
    mrrE12: fromLimbs(hi, mid, lo),
    subscriptions: n,
  }));
}

/** Exported so that a test proves its index. */
export const PLAN_MRR_SQL = `SELECT currency, COUNT(*) AS n, CAST(SUM(mrr_hi) AS TEXT) AS hi, CAST(SUM(mrr_mid) AS TEXT) AS mid,
    CAST(SUM(mrr_lo) AS TEXT) AS lo
  FROM mrr_spans WHERE account_id = ?1 AND plan_id = ?2 AND end_ms IS NULL GROUP BY currency ORDER BY currency`;

export type Pending = PendingSubscription & { subscriptionId: string };

type PendingRow = {
  customer_id: string;
  subscription_id: string;
  status: string;
  currency: string;
  price: string;
  months: number;
  cancel_effective_at_ms: number | null;
  scheduled_effective_at_ms: number | null;
  type: string | null;
  to_price: string | null;
  to_months: number | null;
  frozen_at_ms: number | null;
};

/** The indexes are named: without statistics SQLite would rather read all of the account by its primary key. */
const PENDING_OF_ACCOUNT = `SELECT subscription_id FROM subscriptions INDEXED BY subscriptions_ending
      WHERE account_id = ?1 AND cancel_effective_at_ms IS NOT NULL
    UNION SELECT subscription_id FROM subscriptions INDEXED BY subscriptions_changing
      WHERE account_id = ?1 AND scheduled_effective_at_ms IS NOT NULL
    UNION SELECT subscription_id FROM subscriptions INDEXED BY subscriptions_by_status
      WHERE account_id = ?1 AND status = 'SUSPENDED'`;

const PENDING_OF_CUSTOMER = `SELECT subscription_id FROM subscriptions INDEXED BY subscriptions_by_customer
      WHERE account_id = ?1 AND customer_id = ?2 AND (cancel_effective_at_ms IS NOT NULL
        OR scheduled_effective_at_ms IS NOT NULL OR status = 'SUSPENDED')`;

/** Ids from indexes, then only these bodies. Exported so that a test proves it. */
export function pendingSql(of: "account" | "customer"): string {
  return `WITH pending AS MATERIALIZED (${of === "account" ? PENDING_OF_ACCOUNT : PENDING_OF_CUSTOMER})
  SELECT s.customer_id, s.subscription_id, s.status, s.cancel_effective_at_ms, s.scheduled_effective_at_ms,
    s.body ->> '$.plan.currency' AS currency, s.body ->> '$.plan.price."$bigint"' AS price,
    s.body ->> '$.plan.intervalMonths' AS months, s.body ->> '$.scheduled.type' AS type,
    s.body ->> '$.scheduled.toPlan.price."$bigint"' AS to_price, s.body ->> '$.scheduled.toPlan.intervalMonths' AS to_months,
    k.frozen_at_ms
  FROM pending CROSS JOIN subscriptions s ON s.account_id = ?1 AND s.subscription_id = pending.subscription_id
  LEFT JOIN customers c ON c.account_id = ?1 AND c.customer_id = s.customer_id
  LEFT JOIN test_clocks k ON k.account_id = ?1 AND k.clock_id = c.test_clock_id`;
}

/** The statement that reads all of an account, or of one customer; in no order. */
export function pendingStatement(database: D1Database, accountId: string, customerId?: string): D1PreparedStatement {
  return customerId === undefined
    ? database.prepare(pendingSql("account")).bind(accountId)
    : database.prepare(pendingSql("customer")).bind(accountId, customerId);
}

export function pendingOf(result: D1Result<unknown> | undefined, nowMs: number): Pending[] {
  return ((result?.results ?? []) as PendingRow[]).map((row) => pendingFromRow(row, nowMs));
}

function pendingFromRow(row: PendingRow, nowMs: number): Pending {
  const { to_price: price, to_months: intervalMonths, scheduled_effective_at_ms: atMs, type } = row;
  return {
    customerId: row.customer_id,
    subscriptionId: row.subscription_id,
    // The column's CHECK knows the same four.
    status: row.status as SubscriptionStatus,
    currency: row.currency,
    from: { price: BigInt(row.price), intervalMonths: row.months },
    ...(row.cancel_effective_at_ms === null ? {} : { cancelAtMs: row.cancel_effective_at_ms }),
    ...(price === null || intervalMonths === null || atMs === null || type === null
      ? {}
      : { change: { type, to: { price: BigInt(price), intervalMonths }, atMs } }),
    nowMs: row.frozen_at_ms ?? nowMs,
  };
}
