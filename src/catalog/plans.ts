import { and, count, desc, eq, getTableColumns, gt, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Feature } from "../domain/account.ts";
import type { Allocation } from "../domain/credit.ts";
import { formatE4 } from "../domain/credit-amount.ts";
import { allocationOf } from "../domain/credit-model.ts";
import { type Plan, type PlanWithRules, type Rule, ruleText } from "../domain/plan.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { isOneOf, prepared } from "./database.ts";
import { foundBy } from "./found-by.ts";
import type { Page } from "./page.ts";
import { insertVersion } from "./plan-versions.ts";
import { creditModels, FEATURE, features, planAllocations, planRules, plans } from "./tables.ts";

/** Plans, their rules and allocations as they are now. What subscribers keep of them is `plan-versions.ts`. */

const { accountId: ACCOUNT, ...PLAN } = getTableColumns(plans);
const { accountId: RULE_ACCOUNT, position: POSITION, ...RULE } = getTableColumns(planRules);
const { accountId: ALLOCATION_ACCOUNT, ...ALLOCATION } = getTableColumns(planAllocations);
const { accountId: MODEL_ACCOUNT, ...MODEL } = getTableColumns(creditModels);

function onePlan(accountId: string, planId: string): SQL | undefined {
  return and(eq(ACCOUNT, accountId), eq(PLAN.planId, planId));
}

/** A page of an account's plans in all states, newest first; `search` empty: of all. */
export async function planPage(
  database: D1Database,
  accountId: string,
  search: string,
  page: Page,
): Promise<{ items: Plan[]; total: number }> {
  const db = drizzle(database);
  const all = and(eq(ACCOUNT, accountId), foundBy(search, [PLAN.key, PLAN.name]));
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(plans).where(all),
    db
      .select(PLAN)
      .from(plans)
      .where(all)
      .orderBy(desc(PLAN.createdAtMs), PLAN.key)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map(withoutNulls), total: counted?.total ?? 0 };
}

type Row<T extends SQLiteTable> = Omit<T["$inferSelect"], "accountId">;
type RuleRow = Omit<Row<typeof planRules>, "position">;

/** What belongs to plans, for one batch: the rules and allocations of those that `isTheirs` says, and the models that these name. */
function partQueries(
  db: DrizzleD1Database,
  accountId: string,
  isTheirs: (planId: SQLiteColumn) => SQL,
  whichRules?: SQL,
) {
  const rulesMeant = and(eq(RULE_ACCOUNT, accountId), isTheirs(RULE.planId), whichRules);
  const allocationsMeant = and(eq(ALLOCATION_ACCOUNT, accountId), isTheirs(ALLOCATION.planId));
  const named = or(
    inArray(MODEL.creditModelId, db.select({ id: RULE.creditModelId }).from(planRules).where(rulesMeant)),
    inArray(
      MODEL.creditModelId,
      db.select({ id: ALLOCATION.creditModelId }).from(planAllocations).where(allocationsMeant),
    ),
  );
  return [
    db.select(RULE).from(planRules).where(rulesMeant).orderBy(POSITION),
    db
      .select(ALLOCATION)
      .from(planAllocations)
      .where(allocationsMeant)
      .orderBy(ALLOCATION.createdAtMs, ALLOCATION.allocationId),
    db
      .select(MODEL)
      .from(creditModels)
      .where(and(eq(MODEL_ACCOUNT, accountId), named)),
  ] as const;
}

type Parts = Omit<PlanWithRules, "plan">;

/** Each plan's rules and allocations, with what their models say. */
function partsByPlan(
  rules: readonly RuleRow[],
  allocations: readonly Row<typeof planAllocations>[],
  models: readonly Row<typeof creditModels>[],
): (planId: string) => Parts {
  const modelOf = new Map(models.map((model) => [model.creditModelId, withoutNulls(model)]));
  const rulesOf = Map.groupBy(rules, ({ planId }) => planId);
  const allocationsOf = Map.groupBy(allocations, ({ planId }) => planId);
  return (planId) => ({
    rules: (rulesOf.get(planId) ?? []).map(({ planId: _, ...row }): Rule => {
      const rule = withoutNulls(row);
      const model = modelOf.get(rule.creditModelId ?? "");
      return model === undefined ? rule : { ...rule, creditModelName: model.name, denomination: model.denomination };
    }),
    allocations: (allocationsOf.get(planId) ?? []).flatMap(({ planId: _, ...terms }): Allocation[] => {
      const model = modelOf.get(terms.creditModelId);
      return model === undefined ? [] : [allocationOf(withoutNulls(terms), model)];
    }),
  });
}

/** The plans of these ids that exist, with their rules and allocations. */
export async function plansOf(
  database: D1Database,
  accountId: string,
  ids: readonly string[],
): Promise<PlanWithRules[]> {
  const db = drizzle(database);
  const [found, rules, allocations, models] = await db.batch([
    db
      .select(PLAN)
      .from(plans)
      .where(and(eq(ACCOUNT, accountId), isOneOf(PLAN.planId, ids))),
    ...partQueries(db, accountId, (planId) => isOneOf(planId, ids)),
  ]);
  const partsOf = partsByPlan(rules, allocations, models);
  return found.map((row) => ({ plan: withoutNulls(row), ...partsOf(row.planId) }));
}

export async function planOf(
  database: D1Database,
  accountId: string,
  planId: string,
): Promise<PlanWithRules | undefined> {
  return (await plansOf(database, accountId, [planId.toLowerCase()]))[0];
}

/** A plan as a pricing page shows it: with its features that can be used, and the credits that it gives. */
export type Offer = { plan: Plan; features: { feature: Feature; rule: Rule }[]; allocations: readonly Allocation[] };

/**
 * A page of what is sold: ACTIVE plans, cheapest first. A feature that its rule or its own switch disables is not offered. Prices
 * are ordered as floating point, which tells apart any two of up to 15 digits; amounts come from the text.
 */
export async function offerPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: Offer[]; total: number }> {
  const db = drizzle(database);
  const active = and(eq(ACCOUNT, accountId), eq(PLAN.status, "ACTIVE"));
  const cheapest = [sql`CAST(${PLAN.price} AS REAL)`, PLAN.key] as const;
  const shown = db
    .select({ planId: PLAN.planId })
    .from(plans)
    .where(active)
    .orderBy(...cheapest)
    .limit(page.limit)
    .offset(page.offset);
  const isShown = (planId: SQLiteColumn): SQL => sql`${planId} IN ${shown}`;
  const isOffered = eq(RULE.isEnabled, true);
  const theirRules = and(eq(RULE_ACCOUNT, accountId), isShown(RULE.planId), isOffered);
  const [[counted], found, theirFeatures, rules, allocations, models] = await db.batch([
    db.select({ total: count() }).from(plans).where(active),
    db
      .select(PLAN)
      .from(plans)
      .where(active)
      .orderBy(...cheapest)
      .limit(page.limit)
      .offset(page.offset),
    db
      .select(FEATURE)
      .from(features)
      .where(
        and(
          eq(features.accountId, accountId),
          sql`${features.featureId} IN ${db.select({ featureId: RULE.featureId }).from(planRules).where(theirRules)}`,
          eq(features.isEnabled, true),
          isNull(features.deletedAtMs),
        ),
      ),
    ...partQueries(db, accountId, isShown, isOffered),
  ]);
  const partsOf = partsByPlan(rules, allocations, models);
  const featureOf = new Map(theirFeatures.map((row) => [row.featureId, withoutNulls(row)]));
  const items = found.map((row) => {
    const parts = partsOf(row.planId);
    return {
      plan: withoutNulls(row),
      features: parts.rules.flatMap((rule) => {
        const feature = featureOf.get(rule.featureId);
        return feature === undefined ? [] : [{ feature, rule }];
      }),
      allocations: parts.allocations,
    };
  });
  return { items, total: counted?.total ?? 0 };
}

/** Has the account any plan, in whatever state? */
export async function hasPlans(database: D1Database, accountId: string): Promise<boolean> {
  const db = drizzle(database);
  const [found] = await db.batch([
    db.select({ planId: PLAN.planId }).from(plans).where(eq(ACCOUNT, accountId)).limit(1),
  ]);
  return found.length > 0;
}

/** Rules for any of these features and the plans that have them, `which` of those: ordered by the plans' keys. */
async function usesOf(
  database: D1Database,
  accountId: string,
  featureIds: readonly string[],
  which?: SQL,
): Promise<{ rule: Pick<RuleRow, "featureId" | "value">; planId: string; planKey: string }[]> {
  const db = drizzle(database);
  const theirs = and(eq(RULE_ACCOUNT, accountId), isOneOf(RULE.featureId, featureIds));
  const using = sql`${PLAN.planId} IN ${db.select({ planId: RULE.planId }).from(planRules).where(theirs)}`;
  const [rules, found] = await db.batch([
    db.select(RULE).from(planRules).where(theirs),
    db
      .select({ planId: PLAN.planId, key: PLAN.key })
      .from(plans)
      .where(and(eq(ACCOUNT, accountId), using, which))
      .orderBy(PLAN.key),
  ]);
  const byPlan = Map.groupBy(rules.map(withoutNulls), ({ planId }) => planId);
  return found.flatMap(({ planId, key }) => (byPlan.get(planId) ?? []).map((rule) => ({ rule, planId, planKey: key })));
}

/** Which plans, archived ones too, have rules for which of these features: by the plan's key. */
export async function plansUsing(
  database: D1Database,
  accountId: string,
  featureIds: readonly string[],
): Promise<{ featureId: string; planId: string; planKey: string }[]> {
  const uses = await usesOf(database, accountId, featureIds);
  return uses.map(({ rule, planId, planKey }) => ({ featureId: rule.featureId, planId, planKey }));
}

/** What plans that were ever ACTIVE call the unit of these features. */
export async function unitLabelsInUse(
  database: D1Database,
  accountId: string,
  featureIds: readonly string[],
): Promise<{ featureId: string; planKey: string; unitLabel: string }[]> {
  const uses = await usesOf(database, accountId, featureIds, gt(PLAN.version, 0));
  return uses.flatMap(({ rule: { featureId, value }, planKey }) => {
    const unitLabel = value.pricing?.unitLabel;
    return unitLabel === undefined ? [] : [{ featureId, planKey, unitLabel }];
  });
}

/** Makes a plan, always without rules and allocations. A key that another plan has breaks `plans_by_key` and so the batch. */
export function insertPlan(database: D1Database, accountId: string, plan: Plan): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(database, db.insert(plans).values({ accountId, ...plan }));
}

/**
 * Writes a plan, its rules and allocations as a whole, and the version that the change makes, if it makes one. `featureKeys`: of the rules'
 * features. The caller read the plan in the same decision (`version: "guard"`).
 */
export function savePlan(
  database: D1Database,
  accountId: string,
  change: { before: PlanWithRules; after: PlanWithRules; featureKeys: ReadonlyMap<string, string> },
): D1PreparedStatement[] {
  const db = drizzle(database);
  const { plan, rules, allocations } = change.after;
  const { planId, createdAtMs: _, ...fields } = plan;
  const written = { ...fields, description: plan.description ?? null, metadata: plan.metadata ?? null };
  const ruleRows = rules.map((rule) => ({ ...rule, value: ruleText(rule.value) }));
  const allocationRows = allocations.map(({ allocationId, creditModelId, amountE4, hardLimit, ...rest }) => [
    creditModelId,
    allocationId,
    formatE4(amountE4),
    rest.grantExpiresMonths ?? null,
    hardLimit,
    rest.createdAtMs,
  ]);
  const makesVersion = plan.version > change.before.plan.version;
  return [
    prepared(database, db.update(plans).set(written).where(onePlan(accountId, planId))),
    ...deleteParts(database, accountId, planId),
    database
      .prepare(
        `INSERT INTO plan_rules (account_id, plan_id, feature_id, rule_id, position, is_enabled, value, credit_model_id,
           created_at_ms, modified_at_ms)
         SELECT ?1, ?2, value ->> 'featureId', value ->> 'ruleId', key, value ->> 'isEnabled', value ->> 'value',
           value ->> 'creditModelId', value ->> 'createdAtMs', value ->> 'modifiedAtMs'
         FROM json_each(?3)`,
      )
      .bind(accountId, planId, JSON.stringify(ruleRows)),
    database
      .prepare(
        `INSERT INTO plan_allocations (account_id, plan_id, credit_model_id, allocation_id, amount, grant_expires_months,
           hard_limit, created_at_ms)
         SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?3)`,
      )
      .bind(accountId, planId, JSON.stringify(allocationRows)),
    ...(makesVersion ? [insertVersion(database, accountId, change.after, change.featureKeys)] : []),
  ];
}

function deleteParts(database: D1Database, accountId: string, planId: string): D1PreparedStatement[] {
  const db = drizzle(database);
  const itsRules = and(eq(RULE_ACCOUNT, accountId), eq(RULE.planId, planId));
  const itsAllocations = and(eq(ALLOCATION_ACCOUNT, accountId), eq(ALLOCATION.planId, planId));
  return [
    prepared(database, db.delete(planRules).where(itsRules)),
    prepared(database, db.delete(planAllocations).where(itsAllocations)),
  ];
}

/** Deletes a plan that nobody can have bought: a draft. */
export function deleteDraft(database: D1Database, accountId: string, planId: string): D1PreparedStatement[] {
  const db = drizzle(database);
  const draft = and(onePlan(accountId, planId), eq(PLAN.status, "DRAFT"));
  return [...deleteParts(database, accountId, planId), prepared(database, db.delete(plans).where(draft))];
}

/** Takes a plan out of sale. Its price and rules stay, so no version is made. */
export function archivePlan(
  database: D1Database,
  accountId: string,
  planId: string,
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  const archived = { status: "ARCHIVED" as const, modifiedAtMs: nowMs };
  return prepared(database, db.update(plans).set(archived).where(onePlan(accountId, planId)));
}
