import type { Figures } from "../domain/figures.ts";
import { SUM_COLUMNS } from "./day-sums.ts";
import { figuresFromRow } from "./rollup-queries.ts";

/** What single customers used of a plan's features: read from the rollups themselves, along each customer's index. */

const SUMS = SUM_COLUMNS.map((column) => `CAST(SUM(r.${column}) AS TEXT) AS ${column}`).join(", ");

/**
 * Binds account, customers, features (JSON lists), from when usage is summed at all, the period's start and its end. Exported so that a
 * test proves its index.
 */
export const PLAN_USAGE_SQL = `SELECT r.customer_id AS customerId, r.feature_id AS featureId, TRIM(r.model) AS model, r.currency,
    r.bucket_start_ms < ?5 AS isBefore, ${SUMS}
  FROM json_each(?2) asked CROSS JOIN rollups r INDEXED BY rollups_by_customer ON r.account_id = ?1
    AND r.customer_id = asked.value AND r.bucket_start_ms >= ?4 AND r.bucket_start_ms < ?6
  WHERE r.events > 0 AND r.feature_id IN (SELECT value FROM json_each(?3))
  GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`;

type Row = Record<(typeof SUM_COLUMNS)[number], string> & {
  customerId: string;
  featureId: string;
  model: string;
  currency: string;
  isBefore: number;
};

/** Sums of one customer, feature, model and currency: of the period, or of the time before it. `model` is "" where events named none. */
export type PlanUsageRow = {
  customerId: string;
  featureId: string;
  model: string;
  currency: string;
  isBefore: boolean;
  figures: Figures;
};

/** Usage from `sinceMs` on; what lies before the period is told apart. Models are in the order of their names. */
export async function planUsage(
  database: D1Database,
  accountId: string,
  {
    customerIds,
    featureIds,
    sinceMs,
    startMs,
    endMs,
  }: {
    customerIds: readonly string[];
    featureIds: readonly string[];
    sinceMs: number;
    startMs: number;
    endMs: number;
  },
): Promise<PlanUsageRow[]> {
  const { results } = await database
    .prepare(PLAN_USAGE_SQL)
    .bind(accountId, JSON.stringify(customerIds), JSON.stringify(featureIds), sinceMs, startMs, endMs)
    .all<Row>();
  return results.map((row) => ({
    customerId: row.customerId,
    featureId: row.featureId,
    model: row.model,
    currency: row.currency,
    isBefore: row.isBefore === 1,
    figures: figuresFromRow(row),
  }));
}
