import { denominationsBurned } from "../../catalog/credit-models.ts";
import { featuresOf } from "../../catalog/feature-catalog.ts";
import { savePlan, unitLabelsInUse } from "../../catalog/plans.ts";
import type { Feature } from "../../domain/account.ts";
import { PLAN_ALLOCATIONS_MAX, PLAN_FEATURES_MAX, PLAN_RULES_BYTES_MAX } from "../../domain/limits.ts";
import { activationProblems, type Plan, type PlanWithRules, revised, ruleText } from "../../domain/plan.ts";
import { invalid, type Refusal, type Reply } from "../../domain/refusal.ts";
import { denominationsHeld, type HeldVersion, unitLabelsHeld } from "../../ledger/subscriptions.ts";

/** What every change of a plan must pass, whether it comes as a change of the plan or of a rule. */

/** A change that may be made: the plan as it is then, its features by id, and the statements that write it. */
export type PlanChange = {
  saved: PlanWithRules;
  features: ReadonlyMap<string, Feature>;
  statements: readonly D1PreparedStatement[];
};

export function noPlan(given: string): Refusal {
  return { ok: false, code: "thing_not_found", what: "plan", given };
}

export function noCreditModel(given: string): Refusal {
  return { ok: false, code: "thing_not_found", what: "credit model", given };
}

/**
 * Decides a change of a plan that was read in the same decision. `after` has the version of `before`; the change gives it the one
 * it makes. `labelPath`: where the caller said a feature's unit label.
 */
export async function decidePlanChange(
  database: D1Database,
  accountId: string,
  before: PlanWithRules,
  after: PlanWithRules,
  labelPath: (featureId: string) => string,
): Promise<Reply<PlanChange>> {
  const { plan, rules, allocations } = after;
  if (plan.status === "ACTIVE") {
    const fields = activationProblems(after);
    if (fields.length > 0) return { ok: false, code: "invalid", fields };
  }
  if (rules.length > PLAN_FEATURES_MAX)
    return invalid("featureId", `the plan has ${PLAN_FEATURES_MAX} features already`);
  if (allocations.length > PLAN_ALLOCATIONS_MAX)
    return invalid("id", `the plan gives credits of ${PLAN_ALLOCATIONS_MAX} models already`);
  const bytes = rules.reduce((sum, { value }) => sum + new TextEncoder().encode(ruleText(value)).byteLength, 0);
  if (bytes > PLAN_RULES_BYTES_MAX)
    return invalid("value", `the plan's rules together must be at most ${PLAN_RULES_BYTES_MAX} bytes of JSON`);
  const ids = rules.map(({ featureId }) => featureId);
  const features = new Map((await featuresOf(database, accountId, ids)).map((one) => [one.featureId, one]));
  const missing = ids.find((id) => !features.has(id));
  if (missing !== undefined) return { ok: false, code: "feature_not_found", given: missing };
  // What a draft said before another plan went on sale hinders it when it is sold, not when its name or another rule changes.
  const said = plan.status === "ACTIVE" ? rules : rules.filter((rule) => !before.rules.includes(rule));
  const relabelled = await otherLabel(database, accountId, said, labelPath);
  if (relabelled !== undefined) return relabelled;
  const divided = await otherDenomination(database, accountId, before.plan, said);
  if (divided !== undefined) return divided;
  const saved = revised(before, after);
  const featureKeys = new Map([...features].map(([id, { key }]) => [id, key]));
  return {
    ok: true,
    value: { saved, features, statements: savePlan(database, accountId, { before, after: saved, featureKeys }) },
  };
}

/**
 * A feature counts one unit: its counters outlive changes of plan and version. So a label is fixed by every plan that was ever ACTIVE,
 * and by every version in somebody's hands, also where its plan says nothing of the unit any more.
 */
async function otherLabel(
  database: D1Database,
  accountId: string,
  rules: PlanWithRules["rules"],
  labelPath: (featureId: string) => string,
): Promise<Refusal | undefined> {
  const labels = new Map(rules.flatMap((rule) => labelOf(rule)));
  if (labels.size === 0) return undefined;
  const [inPlans, inHands] = await Promise.all([
    unitLabelsInUse(database, accountId, [...labels.keys()]),
    unitLabelsHeld(database, accountId, [...labels.keys()]),
  ]);
  const used: ({ featureId: string; unitLabel: string; planKey: string } & Partial<HeldVersion>)[] = [
    ...inPlans,
    ...inHands,
  ];
  const other = used.find(({ featureId, unitLabel }) => labels.get(featureId) !== unitLabel);
  if (other === undefined) return undefined;
  const version = other.version === undefined ? "" : ` (version ${other.version})`;
  return {
    ok: false,
    code: "fixed_while_in_use",
    path: labelPath(other.featureId),
    why: `The plan “${other.planKey}”${version} counts this feature in “${other.unitLabel}”, and a feature's unit is fixed while plans use it.`,
  };
}

function labelOf({ featureId, value }: PlanWithRules["rules"][number]): [string, string][] {
  return value.pricing?.unitLabel === undefined ? [] : [[featureId, value.pricing.unitLabel]];
}

/**
 * A feature burns one denomination: what its customers hold must be good for it on every plan. The first rule that names a credit model
 * fixes it for as long as a plan that is not archived, or a version in somebody's hands, has such a rule. What a draft says itself
 * binds nobody, so it may say something else.
 */
async function otherDenomination(
  database: D1Database,
  accountId: string,
  plan: Plan,
  rules: PlanWithRules["rules"],
): Promise<Refusal | undefined> {
  const burned = new Map(
    rules.flatMap(({ featureId, denomination }) => (denomination === undefined ? [] : [[featureId, denomination]])),
  );
  if (burned.size === 0) return undefined;
  const [inPlans, inHands] = await Promise.all([
    denominationsBurned(database, accountId, [...burned.keys()]),
    denominationsHeld(database, accountId, [...burned.keys()]),
  ]);
  const others = [...inPlans.filter(({ planId }) => planId !== plan.planId || plan.version > 0), ...inHands];
  const other = others.find(({ featureId, denomination }) => burned.get(featureId) !== denomination);
  if (other === undefined) return undefined;
  const { featureId, denomination } = other;
  const places = others.filter((one) => one.featureId === featureId && one.denomination === denomination);
  const named = places.map((one) => `“${one.planKey}”${"version" in one ? ` (version ${one.version})` : ""}`);
  return {
    ok: false,
    code: "state_conflict",
    why: `A feature burns one denomination, and this one burns “${denomination}” in the plans ${[...new Set(named)].join(", ")}.`,
  };
}
