import { and, count, eq, isNull, or } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { Feature } from "../domain/account.ts";
import { AUTO_FEATURES_MAX } from "../domain/limits.ts";
import { invalid, type Refusal, type Reply } from "../domain/refusal.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { isOneOf, prepared } from "./database.ts";
import { isDatabaseFailure } from "./database-failure.ts";
import { type AccountSnapshot, forgetAccount } from "./snapshot.ts";
import { FEATURE, features } from "./tables.ts";

/**
 * Features by the keys that events name. A key nobody knows becomes a feature, in no plan, up to 1,000 in an account: ids sent
 * as feature keys must not fill the catalog. Looking up and making are apart, so that an event that is refused for another
 * reason makes no feature, and one that is refused for its feature makes no customer.
 */

/** How an event names its feature, an id in any case; with both, they must name the same one. */
export type NamedFeature = { key?: string; id?: string };

/** The feature an event counts for: none, a known one, or one that has yet to be made of its key. */
export type FoundFeature = { featureId?: string; newKey?: string };

type Known = { byKey: ReadonlyMap<string, Feature>; byId: ReadonlyMap<string, Feature>; room: number };

/**
 * What the features of many events are, in order, without making any. No D1 round trip when the snapshot knows them all, else
 * one; while D1 is away, events of features that the snapshot knows go on and only the others must wait.
 */
export async function findFeatures(
  database: D1Database,
  snapshot: AccountSnapshot,
  named: readonly NamedFeature[],
): Promise<Reply<FoundFeature>[]> {
  const keys = new Set<string>();
  const ids = new Set<string>();
  for (const { key, id } of named) {
    if (key !== undefined && !snapshot.featuresByKey.has(key)) keys.add(key);
    const featureId = id?.toLowerCase();
    if (featureId !== undefined && !snapshot.featuresById.has(featureId)) ids.add(featureId);
  }
  let known: Known | undefined = { byKey: snapshot.featuresByKey, byId: snapshot.featuresById, room: 0 };
  if (keys.size + ids.size > 0) known = await readBeyond(database, snapshot, [...keys], [...ids]);
  const newKeys = new Set<string>();
  return named.map(({ key, id }): Reply<FoundFeature> => {
    if (id !== undefined) {
      const featureId = id.toLowerCase();
      const feature = snapshot.featuresById.get(featureId) ?? known?.byId.get(featureId);
      if (feature === undefined)
        return known === undefined ? UNAVAILABLE : { ok: false, code: "feature_not_found", given: id };
      return key === undefined || key === feature.key
        ? { ok: true, value: { featureId: feature.featureId } }
        : (invalid("featureKey", "featureKey and featureId name different features") as Reply<FoundFeature>);
    }
    if (key === undefined) return { ok: true, value: {} };
    const feature = snapshot.featuresByKey.get(key) ?? known?.byKey.get(key);
    if (feature !== undefined) return { ok: true, value: { featureId: feature.featureId } };
    if (known === undefined) return UNAVAILABLE;
    if (!newKeys.has(key) && newKeys.size >= known.room) return FULL;
    newKeys.add(key);
    return { ok: true, value: { newKey: key } };
  });
}

const UNAVAILABLE: Refusal = { ok: false, code: "catalog_unavailable" };
const FULL: Refusal = { ok: false, code: "auto_features_full", max: AUTO_FEATURES_MAX };

/** Features that the snapshot does not know yet, and how many more events may make. Undefined while D1 does not answer. */
async function readBeyond(
  database: D1Database,
  snapshot: AccountSnapshot,
  keys: readonly string[],
  ids: readonly string[],
): Promise<Known | undefined> {
  const { accountId } = snapshot.account;
  try {
    const db = drizzle(database);
    const [rows, [made]] = await db.batch([
      featuresNamed(db, accountId, keys, ids),
      db
        .select({ features: count() })
        .from(features)
        .where(and(eq(features.accountId, accountId), eq(features.autoCreated, true), isNull(features.deletedAtMs))),
    ]);
    const found = rows.map(withoutNulls);
    return {
      byKey: new Map(found.map((feature) => [feature.key, feature])),
      byId: new Map(found.map((feature) => [feature.featureId, feature])),
      room: AUTO_FEATURES_MAX - (made?.features ?? 0),
    };
  } catch (failure) {
    if (!isDatabaseFailure(failure)) throw failure;
    console.error(JSON.stringify({ at: "features", accountId, failure: String(failure) }));
    return undefined;
  }
}

function featuresNamed(db: DrizzleD1Database, accountId: string, keys: readonly string[], ids: readonly string[]) {
  const named = or(isOneOf(features.key, keys), isOneOf(features.featureId, ids));
  return db
    .select(FEATURE)
    .from(features)
    .where(and(eq(features.accountId, accountId), isNull(features.deletedAtMs), named));
}

/**
 * Makes features of new keys: their ids by key. A key that another request made meanwhile has that one's id; a key for which
 * there is no room any more has none. Nothing to make: no round trip.
 */
export async function makeFeatures(
  database: D1Database,
  accountId: string,
  keys: ReadonlySet<string>,
  nowMs: number,
): Promise<(key: string) => Reply<string>> {
  if (keys.size === 0) return () => FULL;
  const candidates = JSON.stringify([...keys].map((key) => [key, crypto.randomUUID()]));
  let rows: readonly { key: string; feature_id: string }[];
  try {
    const results = await database.batch<{ key: string; feature_id: string }>([
      // Only new keys are numbered, so that known ones take no room.
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
      prepared(database, featuresNamed(drizzle(database), accountId, [...keys], [])),
    ]);
    rows = results[1]?.results ?? [];
  } catch (failure) {
    if (!isDatabaseFailure(failure)) throw failure;
    console.error(JSON.stringify({ at: "features", accountId, failure: String(failure) }));
    return () => UNAVAILABLE;
  }
  forgetAccount(accountId);
  const ids = new Map(rows.map((row) => [row.key, row.feature_id]));
  return (key) => {
    const featureId = ids.get(key);
    return featureId === undefined ? FULL : { ok: true, value: featureId };
  };
}
