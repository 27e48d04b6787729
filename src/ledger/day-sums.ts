import { DAYS_BUILT_PER_BATCH_MAX } from "../domain/limits.ts";
import type { TimeRange } from "../domain/time-range.ts";

/**
 * Sums of closed days by customer, by feature and by model (`rollup_days`): built when they are first asked for, and again after
 * a late event changed a day. Triggers drop the mark of a day in the transaction that changes one of its rollups, so a marked day
 * is always exact (docs/decisions/004-day-sums.md).
 */

/** What sums are broken down by, and which columns of `rollups` name a member of it. */
export const DIMENSIONS = {
  customer: { provider: "''", member: "customer_id" },
  feature: { provider: "''", member: "feature_id" },
  model: { provider: "provider", member: "model" },
} as const;
export type Dimension = keyof typeof DIMENSIONS;

/** The summed columns of `rollups` and `rollup_days`, which are the same. */
export const SUM_COLUMNS = [
  "events",
  "cost_unknown_events",
  "input_tokens",
  "output_tokens",
  "usage_hi",
  "usage_mid",
  "usage_lo",
  "cost_hi",
  "cost_mid",
  "cost_lo",
  "revenue_hi",
  "revenue_mid",
  "revenue_lo",
] as const;

/**
 * A rollup that is not empty, by its columns (`of`: their table's name and a dot, if any): it counts events, or holds revenue that they
 * brought in another currency than the account's. Hours that became days are left as rows of zeros.
 */
export function holdsSomething(of: "" | `${string}.` = ""): string {
  return `(${of}events > 0 OR ${of}revenue_hi <> 0 OR ${of}revenue_mid <> 0 OR ${of}revenue_lo <> 0)`;
}

/** Jumps from day to day along the primary key: as many look-ups as there are days with rollups. Exported to prove that. */
export const UNBUILT_DAYS_SQL = `WITH RECURSIVE days (day) AS (
    SELECT (SELECT MIN(r.bucket_start_ms) FROM rollups r
      WHERE r.account_id = ?1 AND r.bucket_start_ms >= ?2 AND r.bucket_start_ms < ?3) / 86400000 * 86400000
    UNION ALL
    SELECT (SELECT MIN(r.bucket_start_ms) FROM rollups r
      WHERE r.account_id = ?1 AND r.bucket_start_ms >= days.day + 86400000 AND r.bucket_start_ms < ?3)
      / 86400000 * 86400000
    FROM days WHERE days.day IS NOT NULL
  )
  SELECT day FROM days WHERE day IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM rollup_days_built b WHERE b.account_id = ?1 AND b.day_start_ms = days.day)`;

/** The days in a range that have rollups and no mark, oldest first, as a statement with the column `day`. */
export function unbuiltDays(database: D1Database, accountId: string, range: TimeRange): D1PreparedStatement {
  return database.prepare(UNBUILT_DAYS_SQL).bind(accountId, range.startMs, range.endMs);
}

/** Builds days and marks them, some weeks at a time; each batch is one transaction, so a mark never outlives its sums. */
export async function buildDays(database: D1Database, accountId: string, days: readonly number[]): Promise<void> {
  for (let from = 0; from < days.length; from += DAYS_BUILT_PER_BATCH_MAX)
    await database.batch(
      buildStatements(database, accountId, JSON.stringify(days.slice(from, from + DAYS_BUILT_PER_BATCH_MAX))),
    );
}

function buildStatements(database: D1Database, accountId: string, days: string): D1PreparedStatement[] {
  const sums = SUM_COLUMNS.map((column) => `SUM(r.${column})`).join(", ");
  const builds = (Object.keys(DIMENSIONS) as Dimension[]).map((dimension) => {
    const { provider, member } = DIMENSIONS[dimension];
    // Empty rows would only make members that did nothing.
    return `INSERT INTO rollup_days (account_id, dimension, day_start_ms, provider, member, currency,
        ${SUM_COLUMNS.join(", ")})
      SELECT ?1, '${dimension}', d.value, ${provider}, ${member}, r.currency, ${sums}
      FROM json_each(?2) d CROSS JOIN rollups r
        ON r.account_id = ?1 AND r.bucket_start_ms >= d.value AND r.bucket_start_ms < d.value + 86400000
      WHERE ${holdsSomething("r.")} GROUP BY d.value, ${provider === "''" ? "" : `${provider}, `}${member}, r.currency`;
  });
  return [
    `DELETE FROM rollup_days WHERE account_id = ?1 AND dimension IN ('customer', 'feature', 'model')
       AND day_start_ms IN (SELECT value FROM json_each(?2))`,
    ...builds,
    `INSERT INTO rollup_days_built (account_id, day_start_ms) SELECT ?1, value FROM json_each(?2) WHERE true
     ON CONFLICT DO NOTHING`,
  ].map((sql) => database.prepare(sql).bind(accountId, days));
}
