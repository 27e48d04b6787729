import { and, eq, getTableColumns, or } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Plan } from "../domain/plan.ts";
import type { PlanPin } from "../domain/subscription.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { plans, planVersions } from "./tables.ts";

/** Plans as a subscription pins them. */

const { accountId: ACCOUNT, ...PLAN } = getTableColumns(plans);
const { accountId: VERSION_ACCOUNT, ...VERSION } = getTableColumns(planVersions);

/** A plan as it is now, and its newest version with what is said of the plan; a draft has no version yet. */
export type PinnedPlan = { plan: Plan; pin?: PlanPin };

/**
 * The plan that a caller names by its id or its key, whatever its state, read from D1; undefined when there is none. Where one
 * plan's key is another's id, the id counts.
 */
export async function pinOfPlan(
  database: D1Database,
  accountId: string,
  named: string,
): Promise<PinnedPlan | undefined> {
  const db = drizzle(database);
  const meant = and(eq(ACCOUNT, accountId), or(eq(PLAN.planId, named.toLowerCase()), eq(PLAN.key, named)));
  const newest = and(eq(VERSION_ACCOUNT, ACCOUNT), eq(VERSION.planId, PLAN.planId), eq(VERSION.version, PLAN.version));
  const [found, versions] = await db.batch([
    db.select(PLAN).from(plans).where(meant),
    db.select(VERSION).from(plans).innerJoin(planVersions, newest).where(meant),
  ]);
  const row = found.find(({ planId }) => planId === named.toLowerCase()) ?? found[0];
  if (row === undefined) return undefined;
  const plan = withoutNulls(row);
  const version = versions.find(({ planId }) => planId === plan.planId);
  if (version === undefined) return { plan };
  const { description, metadata, createdAtMs, modifiedAtMs } = plan;
  return {
    plan,
    pin: {
      ...version,
      ...(description === undefined ? {} : { description }),
      ...(metadata === undefined ? {} : { metadata }),
      planCreatedAtMs: createdAtMs,
      planModifiedAtMs: modifiedAtMs,
    },
  };
}
