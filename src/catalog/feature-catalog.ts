import { and, count, desc, eq, isNull, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Feature } from "../domain/account.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { isOneOf, prepared } from "./database.ts";
import { foundBy } from "./found-by.ts";
import type { Page } from "./page.ts";
import { FEATURE, features } from "./tables.ts";

/** Features as an operator keeps them. What events do with their keys is `features.ts`. */

/** The account's features that are not deleted and, with `which`, are among them. */
function existing(accountId: string, which?: SQL): SQL | undefined {
  return and(eq(features.accountId, accountId), which, isNull(features.deletedAtMs));
}

/** A page of an account's features, newest first; `search` empty: of all. */
export async function featurePage(
  database: D1Database,
  accountId: string,
  search: string,
  page: Page,
): Promise<{ items: Feature[]; total: number }> {
  const db = drizzle(database);
  const all = existing(accountId, foundBy(search, [features.key, features.name]));
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(features).where(all),
    db
      .select(FEATURE)
      .from(features)
      .where(all)
      .orderBy(desc(features.createdAtMs), features.key)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map(withoutNulls), total: counted?.total ?? 0 };
}

/** The features of these ids that exist. */
export async function featuresOf(database: D1Database, accountId: string, ids: readonly string[]): Promise<Feature[]> {
  const db = drizzle(database);
  const these = existing(accountId, isOneOf(features.featureId, ids));
  const [rows] = await db.batch([db.select(FEATURE).from(features).where(these)]);
  return rows.map(withoutNulls);
}

/** Makes a feature. A key that another feature has breaks `features_by_key` and so the batch. */
export function insertFeature(database: D1Database, accountId: string, feature: Feature): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(database, db.insert(features).values({ accountId, ...feature }));
}

/** Writes everything of a feature that may change. */
export function updateFeature(database: D1Database, accountId: string, feature: Feature): D1PreparedStatement {
  const db = drizzle(database);
  const { name, description = null, isEnabled, metadata = null, modifiedAtMs } = feature;
  const changed = { name, description, isEnabled, metadata, modifiedAtMs };
  const one = existing(accountId, eq(features.featureId, feature.featureId));
  return prepared(database, db.update(features).set(changed).where(one));
}

/** Deletes features. Their rows stay for events and sums that name them; their keys are free again. */
export function deleteFeatures(
  database: D1Database,
  accountId: string,
  ids: readonly string[],
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  const these = existing(accountId, isOneOf(features.featureId, ids));
  return prepared(database, db.update(features).set({ deletedAtMs: nowMs, modifiedAtMs: nowMs }).where(these));
}
