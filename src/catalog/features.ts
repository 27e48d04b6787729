import type { Feature } from "../domain/account.ts";
import { AUTO_FEATURES_MAX } from "../domain/limits.ts";
import type { Reply } from "../domain/refusal.ts";
import { isDatabaseFailure } from "./database-failure.ts";
import { type AccountSnapshot, FEATURE_COLUMNS, type FeatureRow, featureFromRow, forgetAccount } from "./snapshot.ts";

/**
 * Features by the keys that events name. A key nobody knows becomes a feature, in no plan, up to 1,000 in an account: ids sent
 * as feature keys must not fill the catalog.
 */

/** How an event names its feature; with both, they must name the same one. */
export type NamedFeature = { key?: string; id?: string };

/** The feature ids of many events, in order: undefined for one that names none. One D1 round trip at most for new keys. */
export async function featureIdsOf(
  database: D1Database,
  snapshot: AccountSnapshot,
  named: readonly NamedFeature[],
  nowMs: number,
): Promise<Reply<string | undefined>[]> {
  const { accountId } = snapshot.account;
  const unknownKeys = new Set<string>();
  const unknownIds = new Set<string>();
  for (const { key, id } of named) {
    if (key !== undefined && !snapshot.featuresByKey.has(key)) unknownKeys.add(key);
    if (id !== undefined && !snapshot.featuresById.has(id)) unknownIds.add(id);
  }
  let fresh: Feature[] = [];
  // Without D1, events of features that the snapshot knows go on; only the others must wait.
  let unavailable = false;
  if (unknownKeys.size + unknownIds.size > 0) {
    try {
      fresh = await readOrMake(database, accountId, [...unknownKeys], [...unknownIds], nowMs);
    } catch (failure) {
      if (!isDatabaseFailure(failure)) throw failure;
      console.error(JSON.stringify({ at: "features", accountId, failure: String(failure) }));
      unavailable = true;
    }
  }
  if (fresh.length > 0) forgetAccount(accountId);
  const byKey = new Map(fresh.map((feature) => [feature.key, feature]));
  const byId = new Map(fresh.map((feature) => [feature.featureId, feature]));
  return named.map(({ key, id }): Reply<string | undefined> => {
    if (id !== undefined) {
      const feature = snapshot.featuresById.get(id) ?? byId.get(id);
      if (feature === undefined) {
        return unavailable
          ? { ok: false, code: "catalog_unavailable" }
          : { ok: false, code: "feature_not_found", given: id };
      }
      if (key !== undefined && key !== feature.key)
        return {
          ok: false,
          code: "invalid",
          fields: [{ path: "featureKey", message: "featureKey and featureId name different features" }],
        };
      return { ok: true, value: feature.featureId };
    }
    if (key === undefined) return { ok: true, value: undefined };
    const feature = snapshot.featuresByKey.get(key) ?? byKey.get(key);
    if (feature !== undefined) return { ok: true, value: feature.featureId };
    return unavailable
      ? { ok: false, code: "catalog_unavailable" }
      : { ok: false, code: "auto_features_full", max: AUTO_FEATURES_MAX };
  });
}

/** Reads features that the snapshot does not know, and makes those whose key is new while there is room. */
async function readOrMake(
  database: D1Database,
  accountId: string,
  keys: readonly string[],
  ids: readonly string[],
  nowMs: number,
): Promise<Feature[]> {
  const candidates = JSON.stringify(keys.map((key) => [key, crypto.randomUUID()]));
  const results = await database.batch<FeatureRow>([
    // Only new keys are numbered, so that known ones take no room; a key that another request made meanwhile stays as it is.
    database
      .prepare(
        `INSERT INTO features (account_id, feature_id, key, name, auto_created, created_at_ms, modified_at_ms)
         SELECT ?1, fresh.id, fresh.key, fresh.key, 1, CAST(?3 AS INTEGER), CAST(?3 AS INTEGER) FROM (
           SELECT value ->> 0 AS key, value ->> 1 AS id, ROW_NUMBER() OVER (ORDER BY given.key) AS place
           FROM json_each(?2) AS given
           WHERE NOT EXISTS (SELECT 1 FROM features f
             WHERE f.account_id = ?1 AND f.key = given.value ->> 0 AND f.deleted_at_ms IS NULL)
         ) AS fresh
         WHERE fresh.place + (SELECT COUNT(*) FROM features a
           WHERE a.account_id = ?1 AND a.auto_created = 1 AND a.deleted_at_ms IS NULL) <= CAST(?4 AS INTEGER)
         ON CONFLICT DO NOTHING`,
      )
      .bind(accountId, candidates, nowMs, AUTO_FEATURES_MAX),
    database
      .prepare(
        `SELECT ${FEATURE_COLUMNS} FROM features WHERE account_id = ?1 AND deleted_at_ms IS NULL AND
           (key IN (SELECT value ->> 0 FROM json_each(?2)) OR feature_id IN (SELECT value FROM json_each(?3)))`,
      )
      .bind(accountId, candidates, JSON.stringify(ids)),
  ]);
  return (results[1]?.results ?? []).map(featureFromRow);
}
