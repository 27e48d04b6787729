import type { Feature } from "../domain/account.ts";
import { type Page, pageOfRows } from "./page.ts";
import { FEATURE_COLUMNS, type FeatureRow, featureFromRow } from "./snapshot.ts";

/** Features as an operator keeps them. What events do with their keys is `features.ts`. */

/** A page of an account's features, newest first. */
export async function featurePage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: Feature[]; total: number }> {
  const { rows, total } = await pageOfRows<FeatureRow>(
    database,
    database
      .prepare("SELECT COUNT(*) AS total FROM features WHERE account_id = ? AND deleted_at_ms IS NULL")
      .bind(accountId),
    database
      .prepare(
        `SELECT ${FEATURE_COLUMNS} FROM features WHERE account_id = ? AND deleted_at_ms IS NULL
         ORDER BY created_at_ms DESC, key LIMIT ? OFFSET ?`,
      )
      .bind(accountId, page.limit, page.offset),
  );
  return { items: rows.map(featureFromRow), total };
}

/** The features of these ids that exist. */
export async function featuresOf(database: D1Database, accountId: string, ids: readonly string[]): Promise<Feature[]> {
  const { results } = await database
    .prepare(
      `SELECT ${FEATURE_COLUMNS} FROM features
       WHERE account_id = ? AND feature_id IN (SELECT value FROM json_each(?)) AND deleted_at_ms IS NULL`,
    )
    .bind(accountId, JSON.stringify(ids))
    .all<FeatureRow>();
  return results.map(featureFromRow);
}

/** Makes a feature. A key that another feature has breaks `features_by_key` and so the batch. */
export function insertFeature(database: D1Database, accountId: string, feature: Feature): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO features (account_id, feature_id, key, name, description, is_enabled, metadata, created_at_ms, modified_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .bind(
      accountId,
      feature.featureId,
      feature.key,
      feature.name,
      feature.description ?? null,
      feature.isEnabled ? 1 : 0,
      feature.metadata ?? null,
      feature.createdAtMs,
      feature.modifiedAtMs,
    );
}

/** Writes everything of a feature that may change. */
export function updateFeature(database: D1Database, accountId: string, feature: Feature): D1PreparedStatement {
  return database
    .prepare(
      `UPDATE features SET name = ?, description = ?, is_enabled = ?, metadata = ?, modified_at_ms = ?
       WHERE account_id = ? AND feature_id = ? AND deleted_at_ms IS NULL`,
    )
    .bind(
      feature.name,
      feature.description ?? null,
      feature.isEnabled ? 1 : 0,
      feature.metadata ?? null,
      feature.modifiedAtMs,
      accountId,
      feature.featureId,
    );
}

/** Deletes features. Their rows stay for events and sums that name them; their keys are free again. */
export function deleteFeatures(
  database: D1Database,
  accountId: string,
  ids: readonly string[],
  nowMs: number,
): D1PreparedStatement {
  return database
    .prepare(
      `UPDATE features SET deleted_at_ms = ?, modified_at_ms = ?
       WHERE account_id = ? AND feature_id IN (SELECT value FROM json_each(?)) AND deleted_at_ms IS NULL`,
    )
    .bind(nowMs, nowMs, accountId, JSON.stringify(ids));
}
