import type { E12 } from "../domain/amount.ts";
import type { InvoiceLine } from "../domain/invoice.ts";
import { minorToE12 } from "../domain/money.ts";
import type { TimeRange } from "../domain/time-range.ts";

/**
 * What was billed, from the copies of invoices: those that are DUE, PAST_DUE or PAID, at the instant at which they became due.
 * What is void or cancelled bills nothing.
 */

/** Exact sums of a range, in one currency. Credit is what was given back: 0 or more. */
export type BilledSums = {
  rangeIndex: number;
  currency: string;
  baseE12: E12;
  usageE12: E12;
  adjustmentE12: E12;
  creditE12: E12;
  creditInvoices: number;
};

type SumsRow = {
  range_index: number;
  currency: string;
  base: string;
  usage: string;
  proration: string;
  credit: string;
  credit_invoices: number;
};

/** By range and currency, from an index alone. Exported so that a test proves it. */
export const BILLED_SQL = `WITH piece AS MATERIALIZED (
    SELECT value ->> 0 AS range_index, value ->> 1 AS start_ms, value ->> 2 AS end_ms FROM json_each(?2))
  SELECT piece.range_index, i.currency, CAST(SUM(i.base_minor) AS TEXT) AS base, CAST(SUM(i.usage_minor) AS TEXT) AS usage,
    CAST(SUM(i.proration_minor) AS TEXT) AS proration, CAST(SUM(i.credit_minor) AS TEXT) AS credit,
    COUNT(*) FILTER (WHERE i.type = 'CREDIT') AS credit_invoices
  FROM piece CROSS JOIN invoices i INDEXED BY invoices_billed ON i.account_id = ?1 AND i.due_at_ms >= piece.start_ms
    AND i.due_at_ms < piece.end_ms
  WHERE i.status IN ('DUE', 'PAST_DUE', 'PAID')
  GROUP BY piece.range_index, i.currency`;

export function billedStatement(
  database: D1Database,
  accountId: string,
  ranges: readonly TimeRange[],
): D1PreparedStatement {
  const pieces = ranges.map(({ startMs, endMs }, index) => [index, startMs, endMs]);
  return database.prepare(BILLED_SQL).bind(accountId, JSON.stringify(pieces));
}

export function billedOf(result: D1Result<unknown> | undefined): BilledSums[] {
  return ((result?.results ?? []) as SumsRow[]).map(
    ({ range_index: rangeIndex, currency, base, usage, proration, credit, credit_invoices }) => {
      // A sum of safe integers may be none: it stays an exact one all the way.
      const exact = (minor: string): E12 => BigInt(minor) * minorToE12(1, currency);
      return {
        rangeIndex,
        currency,
        baseE12: exact(base),
        usageE12: exact(usage),
        adjustmentE12: exact(proration),
        creditE12: -exact(credit),
        creditInvoices: credit_invoices,
      };
    },
  );
}

/** What lines of one kind, and of one feature if they bill usage, come to for a subscription. */
export type PlanLines = {
  subscriptionId: string;
  customerId: string;
  currency: string;
  kind: InvoiceLine["kind"];
  feature?: { featureId: string; featureKey: string };
  amountE12: E12;
  unitsE12: E12;
};

type PlanLinesRow = {
  subscription_id: string;
  customer_id: string;
  currency: string;
  kind: string;
  feature_id: string | null;
  feature_key: string | null;
  amount: string;
  units: string;
};

/** The lines that name a plan, of the invoices that a small index finds. Exported so that a test proves it. */
export const PLAN_LINES_SQL = `WITH found AS MATERIALIZED (
    SELECT DISTINCT invoice_id FROM invoice_plans WHERE account_id = ?1 AND plan_id = ?2 AND due_at_ms >= ?3 AND due_at_ms < ?4)
  SELECT i.subscription_id, i.customer_id, i.currency, l.value ->> 'kind' AS kind, l.value ->> '$.usage.featureId' AS feature_id,
    l.value ->> '$.usage.featureKey' AS feature_key, CAST(SUM(l.value ->> 'amountMinor') AS TEXT) AS amount,
    json_group_array(l.value ->> '$.usage.quantityE12."$bigint"') AS units
  FROM found CROSS JOIN invoices i ON i.account_id = ?1 AND i.invoice_id = found.invoice_id
  CROSS JOIN json_each(i.body, '$.lines') l
  WHERE i.status IN ('DUE', 'PAST_DUE', 'PAID') AND i.due_at_ms >= ?3 AND i.due_at_ms < ?4
    AND l.value ->> '$.plan.planId' = ?2 AND (?5 IS NULL OR i.subscription_id = ?5)
  GROUP BY i.subscription_id, i.customer_id, i.currency, kind, feature_id, feature_key
  ORDER BY i.subscription_id, feature_key, kind`;

/** In order of subscriptions, then features. */
export async function planLines(
  database: D1Database,
  accountId: string,
  planId: string,
  { startMs, endMs }: TimeRange,
  subscriptionId: string | undefined,
): Promise<PlanLines[]> {
  const { results } = await database
    .prepare(PLAN_LINES_SQL)
    .bind(accountId, planId, startMs, endMs, subscriptionId?.toLowerCase() ?? null)
    .all<PlanLinesRow>();
  return results.map((row) => ({
    subscriptionId: row.subscription_id,
    customerId: row.customer_id,
    currency: row.currency,
    // Written from a line of the domain.
    kind: row.kind as InvoiceLine["kind"],
    ...(row.feature_id === null ? {} : { feature: { featureId: row.feature_id, featureKey: row.feature_key ?? "" } }),
    amountE12: BigInt(row.amount) * minorToE12(1, row.currency),
    unitsE12: (JSON.parse(row.units) as (string | null)[]).reduce((sum, units) => sum + BigInt(units ?? 0), 0n),
  }));
}
