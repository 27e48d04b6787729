import { divideRounded, type E12, E12_ONE } from "../domain/amount.ts";
import { OTHER_PAIR } from "../domain/limits.ts";
import type { TimeRange } from "../domain/time-range.ts";
import { SUM_COLUMNS } from "./day-sums.ts";
import { figuresFromRow } from "./rollup-queries.ts";

/** What a unit of a feature really cost, by the models that served it: read from the rollups themselves, since it asks for both. */

/** `model` undefined: all of the feature. `costE12` is null without usage, and where no cost is known. */
export type UnitCost = { featureId: string; model?: string; costE12: E12 | null };

const SUMS = SUM_COLUMNS.map((column) => `CAST(SUM(${column}) AS TEXT) AS ${column}`).join(", ");

type Row = Record<(typeof SUM_COLUMNS)[number], string> & { featureId: string; model: string; isKnown: 0 | 1 };

/**
 * Cost per unit of a range in one currency: of each feature, and of each of its models that an event named. A rollup with an event of unknown
 * cost says nothing of what its units cost, so neither its cost nor its units count: a weight that is set by them would be too low.
 */
export async function unitCosts(
  database: D1Database,
  accountId: string,
  currency: string,
  range: TimeRange,
): Promise<UnitCost[]> {
  const { results } = await database
    .prepare(
      `SELECT feature_id AS featureId, TRIM(model) AS model, cost_unknown_events = 0 AS isKnown, ${SUMS} FROM rollups
       WHERE account_id = ?1 AND bucket_start_ms >= ?2 AND bucket_start_ms < ?3 AND events > 0 AND currency = ?4
         AND feature_id NOT IN ('', ?5)
       GROUP BY feature_id, TRIM(model), isKnown ORDER BY feature_id, TRIM(model)`,
    )
    .bind(accountId, range.startMs, range.endMs, currency, OTHER_PAIR)
    .all<Row>();
  return [...Map.groupBy(results, ({ featureId }) => featureId)].flatMap(([featureId, ofFeature]) => [
    { featureId, costE12: unitCost(ofFeature) },
    ...[...Map.groupBy(ofFeature, ({ model }) => model)]
      .filter(([model]) => model !== "")
      .map(([model, ofModel]) => ({ featureId, model, costE12: unitCost(ofModel) })),
  ]);
}

function unitCost(rows: readonly Row[]): E12 | null {
  let [costE12, usageE12] = [0n, 0n];
  for (const row of rows) {
    if (row.isKnown === 0) continue;
    const figures = figuresFromRow(row);
    costE12 += figures.costE12;
    usageE12 += figures.usageE12;
  }
  return usageE12 > 0n ? divideRounded(costE12 * E12_ONE, usageE12) : null;
}
