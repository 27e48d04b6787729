import { and, count, desc, eq, getTableColumns } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { CreditModel } from "../domain/credit-model.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { isOneOf, prepared } from "./database.ts";
import type { Page } from "./page.ts";
import { creditModels } from "./tables.ts";

/** Credit models, and which plans use them. */

const { accountId: ACCOUNT, ...MODEL } = getTableColumns(creditModels);

/** A page of an account's credit models, newest first. */
export async function creditModelPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: CreditModel[]; total: number }> {
  const db = drizzle(database);
  const all = eq(ACCOUNT, accountId);
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(creditModels).where(all),
    db
      .select(MODEL)
      .from(creditModels)
      .where(all)
      .orderBy(desc(MODEL.createdAtMs), MODEL.creditModelId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map(withoutNulls), total: counted?.total ?? 0 };
}

/** The credit models of these ids that exist. */
export async function creditModelsOf(
  database: D1Database,
  accountId: string,
  ids: readonly string[],
): Promise<CreditModel[]> {
  const db = drizzle(database);
  const these = and(eq(ACCOUNT, accountId), isOneOf(MODEL.creditModelId, ids));
  const [rows] = await db.batch([db.select(MODEL).from(creditModels).where(these)]);
  return rows.map(withoutNulls);
}

/** Which of these denominations any credit model counts in. */
export async function knownDenominations(
  database: D1Database,
  accountId: string,
  denominations: readonly string[],
): Promise<Set<string>> {
  const db = drizzle(database);
  const { denomination } = MODEL;
  const these = and(eq(ACCOUNT, accountId), isOneOf(denomination, denominations));
  const [rows] = await db.batch([db.selectDistinct({ denomination }).from(creditModels).where(these)]);
  return new Set(rows.map((row) => row.denomination));
}

/** Makes a credit model. */
export function insertCreditModel(database: D1Database, accountId: string, model: CreditModel): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(database, db.insert(creditModels).values({ accountId, ...model }));
}

/** Deletes a credit model that nothing names; the caller has made sure of that in the same decision. */
export function deleteCreditModel(database: D1Database, accountId: string, creditModelId: string): D1PreparedStatement {
  const db = drizzle(database);
  const one = and(eq(ACCOUNT, accountId), eq(MODEL.creditModelId, creditModelId));
  return prepared(database, db.delete(creditModels).where(one));
}

/** The keys of the plans, archived ones too, that name a credit model by a rule or an allocation. */
export async function plansNaming(database: D1Database, accountId: string, creditModelId: string): Promise<string[]> {
  const { results } = await database
    .prepare(
      `SELECT p.key FROM (
         SELECT plan_id FROM plan_rules WHERE account_id = ?1 AND credit_model_id = ?2
         UNION SELECT plan_id FROM plan_allocations WHERE account_id = ?1 AND credit_model_id = ?2
       ) naming JOIN plans p ON p.account_id = ?1 AND p.plan_id = naming.plan_id
       ORDER BY p.key`,
    )
    .bind(accountId, creditModelId)
    .all<{ key: string }>();
  return results.map(({ key }) => key);
}

/** What a feature's units are paid in by the rules of a plan. */
export type Burn = { featureId: string; planId: string; planKey: string; denomination: string };

/** What these features, or all, burn by the rules that plans have now, archived plans left out: by the plan's key. */
export async function denominationsBurned(
  database: D1Database,
  accountId: string,
  featureIds?: readonly string[],
): Promise<Burn[]> {
  const { results } = await database
    .prepare(
      `SELECT r.feature_id AS featureId, p.plan_id AS planId, p.key AS planKey, m.denomination
       FROM plan_rules r
       JOIN credit_models m ON m.account_id = ?1 AND m.credit_model_id = r.credit_model_id
       JOIN plans p ON p.account_id = ?1 AND p.plan_id = r.plan_id AND p.status <> 'ARCHIVED'
       WHERE r.account_id = ?1 AND r.credit_model_id IS NOT NULL
         AND (?2 IS NULL OR r.feature_id IN (SELECT value FROM json_each(?2)))
       ORDER BY p.key, r.feature_id`,
    )
    .bind(accountId, featureIds === undefined ? null : JSON.stringify(featureIds))
    .all<Burn>();
  return results;
}
