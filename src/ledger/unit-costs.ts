import { divideRounded, type E12, E12_ONE } from "../domain/amount.ts";
import type { Figures } from "../domain/figures.ts";
import { OTHER_PAIR } from "../domain/limits.ts";
import type { TimeRange } from "../domain/time-range.ts";
import { SUM_COLUMNS } from "./day-sums.ts";
import { figuresFromRow } from "./rollup-queries.ts";

/** What a unit of a feature really cost, by the models that served it: read from the rollups themselves, since it asks for both. */

/** `model` undefined: all of the feature. `costE12` is null without usage, and where the cost of no event is known. */
export type UnitCost = { featureId: string; model?: string; costE12: E12 | null };

const SUMS = SUM_COLUMNS.map((column) => `CAST(SUM(${column}) AS TEXT) AS ${column}`).join(", ");

type Row = Record<(typeof SUM_COLUMNS)[number], string> & { featureId: string; model: string };

/** Cost per unit of a range in one currency: of each feature, and of each of its models that an event named. */
export async function unitCosts(
  database: D1Database,
  accountId: string,
  currency: string,
  range: TimeRange,
): Promise<UnitCost[]> {
  const { results } = await database
    .prepare(
      `SELECT feature_id AS featureId, TRIM(model) AS model, ${SUMS} FROM rollups
       WHERE account_id = ?1 AND bucket_start_ms >= ?2 AND bucket_start_ms < ?3 AND events > 0 AND currency = ?4
         AND feature_id NOT IN ('', ?5)
       GROUP BY feature_id, TRIM(model) ORDER BY feature_id, TRIM(model)`,
    )
    .bind(accountId, range.startMs, range.endMs, currency, OTHER_PAIR)
    .all<Row>();
  const byFeature = Map.groupBy(
    results.map((row) => ({ featureId: row.featureId, model: row.model, figures: figuresFromRow(row) })),
    ({ featureId }) => featureId,
  );
  return [...byFeature].flatMap(([featureId, parts]) => [
    { featureId, costE12: unitCost(parts.map(({ figures }) => figures)) },
    ...parts
      .filter(({ model }) => model !== "")
      .map(({ model, figures }) => ({ featureId, model, costE12: unitCost([figures]) })),
  ]);
}

function unitCost(parts: readonly Figures[]): E12 | null {
  const sum = (of: (figures: Figures) => bigint): bigint => parts.reduce((total, part) => total + of(part), 0n);
  const usageE12 = sum(({ usageE12 }) => usageE12);
  const isKnown = parts.some(({ events, costUnknownEvents }) => events > costUnknownEvents);
  return usageE12 > 0n && isKnown ? divideRounded(sum(({ costE12 }) => costE12) * E12_ONE, usageE12) : null;
}
