import { and, count, desc, eq, getTableColumns, inArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type PlanVersion, type PlanWithRules, versionOf } from "../domain/plan.ts";
import { prepared } from "./database.ts";
import type { Page } from "./page.ts";
import { planVersions } from "./tables.ts";

/** Versions of plans: written once, with the change that makes them, and never changed. */

const { accountId: ACCOUNT, ...VERSION } = getTableColumns(planVersions);

/** A page of a plan's versions, newest first. */
export async function versionPage(
  database: D1Database,
  accountId: string,
  planId: string,
  page: Page,
): Promise<{ items: PlanVersion[]; total: number }> {
  const db = drizzle(database);
  const all = and(eq(ACCOUNT, accountId), eq(VERSION.planId, planId));
  const [[counted], items] = await db.batch([
    db.select({ total: count() }).from(planVersions).where(all),
    db
      .select(VERSION)
      .from(planVersions)
      .where(all)
      .orderBy(desc(VERSION.version))
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items, total: counted?.total ?? 0 };
}

/** Some versions of a plan, as far as they exist. */
export async function versionsOf(
  database: D1Database,
  accountId: string,
  planId: string,
  versions: readonly number[],
): Promise<PlanVersion[]> {
  const db = drizzle(database);
  const these = and(eq(ACCOUNT, accountId), eq(VERSION.planId, planId), inArray(VERSION.version, [...versions]));
  const [found] = await db.batch([db.select(VERSION).from(planVersions).where(these)]);
  return found;
}

/** Writes the version that a plan has now. `featureKeys`: of the features of its rules. */
export function insertVersion(
  database: D1Database,
  accountId: string,
  plan: PlanWithRules,
  featureKeys: ReadonlyMap<string, string>,
): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(database, db.insert(planVersions).values({ accountId, ...versionOf(plan, featureKeys) }));
}
