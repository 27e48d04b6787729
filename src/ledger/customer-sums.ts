import type { TimeRange } from "../domain/time-range.ts";
import { holdsSomething, SUM_COLUMNS } from "./day-sums.ts";
import { figuresFromRow, type SumRow } from "./rollup-queries.ts";

/**
 * Sums of one customer or of some of its events: read from the rollups themselves, along the customer's index or the range.
 * For questions that `rollup_days` cannot answer because they ask for two dimensions at once.
 */

const SUMS = SUM_COLUMNS.map((column) => `CAST(SUM(${column}) AS TEXT) AS ${column}`).join(", ");

type Row = Record<(typeof SUM_COLUMNS)[number], string> & {
  range_index: number;
  provider: string;
  member: string;
  currency: string;
};

function sumRows(result: D1Result<unknown> | undefined): SumRow[] {
  return ((result?.results ?? []) as Row[]).map((row) => ({
    rangeIndex: row.range_index,
    provider: row.provider,
    member: row.member,
    currency: row.currency,
    figures: figuresFromRow(row),
  }));
}

export type CustomerSums = { byFeature: SumRow[]; byModel: SumRow[]; byDay: SumRow[] };

/** Exported so that a test proves the index. `by`: what the customer's rows are grouped by. */
export function customerSumsSql(by: "feature" | "model" | "day"): string {
  const names = {
    feature: "0 AS range_index, '' AS provider, feature_id AS member",
    model: "0 AS range_index, provider, model AS member",
    // Floor of a division: instants before 1970 are negative, and SQL's division cuts towards zero.
    day: `(bucket_start_ms - ((bucket_start_ms % 86400000) + 86400000) % 86400000) AS range_index, '' AS provider,
      '' AS member`,
  }[by];
  return `SELECT ${names}, currency, ${SUMS} FROM rollups INDEXED BY rollups_by_customer
    WHERE account_id = ?1 AND customer_id = ?2 AND bucket_start_ms >= ?3 AND bucket_start_ms < ?4 AND ${holdsSomething()}
    GROUP BY 1, 2, 3, currency`;
}

/** One customer's sums by feature, by model and by day (`rangeIndex` is the day's start), all of one moment. */
export async function customerSums(
  database: D1Database,
  accountId: string,
  customerId: string,
  range: TimeRange,
): Promise<CustomerSums> {
  const results = await database.batch(
    (["feature", "model", "day"] as const).map((by) =>
      database.prepare(customerSumsSql(by)).bind(accountId, customerId, range.startMs, range.endMs),
    ),
  );
  return { byFeature: sumRows(results[0]), byModel: sumRows(results[1]), byDay: sumRows(results[2]) };
}

export type RollupFilter = { featureIds?: readonly string[]; model?: string; modelProvider?: string };

const GROUPED = {
  CUSTOMER: { provider: "''", member: "customer_id" },
  FEATURE: { provider: "''", member: "feature_id" },
  MODEL: { provider: "''", member: "model" },
  MODEL_PROVIDER: { provider: "''", member: "provider" },
} as const;
export type RollupGrouping = keyof typeof GROUPED;

export type GroupRow = SumRow & { lastBucketMs: number };

/** All events of an account that pass a filter, summed by one property: complete, to the hour. */
export async function groupedRollups(
  database: D1Database,
  accountId: string,
  range: TimeRange,
  groupBy: RollupGrouping,
  filter: RollupFilter,
): Promise<GroupRow[]> {
  const { member } = GROUPED[groupBy];
  const terms: string[] = [];
  const bound: (string | number)[] = [accountId, range.startMs, range.endMs];
  const also = (term: string, value: string | undefined) => {
    if (value === undefined) return;
    bound.push(value);
    terms.push(` AND ${term.replace("?", `?${bound.length}`)}`);
  };
  also(
    "feature_id IN (SELECT value FROM json_each(?))",
    filter.featureIds === undefined ? undefined : JSON.stringify(filter.featureIds),
  );
  also("model = ?", filter.model);
  also("provider = ?", filter.modelProvider);
  const { results } = await database
    .prepare(
      `SELECT 0 AS range_index, '' AS provider, ${member} AS member, currency, ${SUMS},
         MAX(bucket_start_ms) AS last_bucket_ms
       FROM rollups WHERE account_id = ?1 AND bucket_start_ms >= ?2 AND bucket_start_ms < ?3 AND ${holdsSomething()}${terms.join("")}
       GROUP BY ${member}, currency`,
    )
    .bind(...bound)
    .all<Row & { last_bucket_ms: number }>();
  return results.map((row, index) => ({
    ...(sumRows({ results: [results[index]] } as D1Result<unknown>)[0] as SumRow),
    lastBucketMs: row.last_bucket_ms,
  }));
}

export type ModelCounts = {
  provider: string;
  model: string;
  customers: number;
  features: number;
  lastBucketMs: number;
};

/** How many customers and features used each model, and the newest hour that did. */
export async function modelCounts(database: D1Database, accountId: string, range: TimeRange): Promise<ModelCounts[]> {
  const { results } = await database
    .prepare(
      `SELECT provider, model, COUNT(DISTINCT customer_id) AS customers,
         COUNT(DISTINCT CASE WHEN feature_id <> '' THEN feature_id END) AS features,
         MAX(bucket_start_ms) AS lastBucketMs
       FROM rollups WHERE account_id = ?1 AND bucket_start_ms >= ?2 AND bucket_start_ms < ?3 AND ${holdsSomething()}
       GROUP BY provider, model`,
    )
    .bind(accountId, range.startMs, range.endMs)
    .all<ModelCounts>();
  return results;
}
