import { decimalToE12, type E12, formatE12 } from "./amount.ts";
import type { Allocation } from "./credit.ts";
import { allocationDifference } from "./credit-model.ts";
import { type Difference, differenceBy, isNoDifference } from "./difference.ts";
import { INCLUDED, type Pricing, type ResetMode, type Tier } from "./pricing.ts";
import type { FieldProblem } from "./refusal.ts";

/**
 * Plans and their rules, as the operator keeps them. Owns when a plan may be sold, what of it is fixed, and when a change makes a
 * version. Leaves to subscriptions what those pin.
 *
 * Laws: a DRAFT has version 0 and no versions; a plan that was ever ACTIVE has the versions 1 … `version` without a gap, the last
 * of which has the price, rules and allocations of the plan itself.
 */

export const PLAN_STATUSES = ["DRAFT", "ACTIVE", "ARCHIVED"] as const;
export type PlanStatus = (typeof PLAN_STATUSES)[number];

export const BILLING_TIMINGS = ["IN_ADVANCE", "IN_ARREARS"] as const;
export type BillingTiming = (typeof BILLING_TIMINGS)[number];

/** What a unit, or a token of a model, costs the account under a rule; comes before the account's own rates. */
export type RuleCost =
  | { model: "simple"; costPerUnit: E12 }
  | {
      model: "model_aware";
      defaultInputCostPerUnit?: E12;
      defaultOutputCostPerUnit?: E12;
      modelCosts: Readonly<Record<string, { input: E12; output: E12 }>>;
    };

/** What a rule says. Without `pricing` the feature is included, without limit. */
export type RuleValue = { pricing?: Pricing; cost?: RuleCost };

/** A feature in a plan. A disabled one keeps its price and denies access. */
export type Rule = {
  ruleId: string;
  featureId: string;
  isEnabled: boolean;
  value: RuleValue;
  /** Units are paid by credits of this model. Its name and denomination, which never change, come with it. */
  creditModelId?: string;
  creditModelName?: string;
  denomination?: string;
  createdAtMs: number;
  modifiedAtMs: number;
};

export type Plan = {
  planId: string;
  key: string;
  name: string;
  description?: string;
  price: E12;
  currency: string;
  intervalMonths: number;
  billingTiming: BillingTiming;
  status: PlanStatus;
  /** 0 while it is a draft that was never active. */
  version: number;
  /** JSON text. */
  metadata?: string;
  createdAtMs: number;
  modifiedAtMs: number;
};

/** A plan with the rules that it has now, in the operator's order, and the credits that it gives, oldest first. */
export type PlanWithRules = { plan: Plan; rules: readonly Rule[]; allocations: readonly Allocation[] };

/** What a subscriber pins of a plan: enough to price, limit and bill without the catalog. */
export type PlanVersion = {
  planId: string;
  version: number;
  key: string;
  name: string;
  price: E12;
  currency: string;
  intervalMonths: number;
  billingTiming: BillingTiming;
  rules: readonly VersionRule[];
  allocations: readonly Allocation[];
  createdAtMs: number;
};

export type VersionRule = Pick<Rule, "featureId" | "isEnabled" | "value" | "creditModelId" | "denomination"> & {
  featureKey: string;
};

/** The version that a plan has now, or as a draft would have. `featureKeys`: of the features of its rules. */
export function versionOf(
  { plan, rules, allocations }: PlanWithRules,
  featureKeys: ReadonlyMap<string, string>,
): PlanVersion {
  const { planId, version, key, name, price, currency, intervalMonths, billingTiming, modifiedAtMs } = plan;
  return {
    planId,
    version,
    key,
    name,
    price,
    currency,
    intervalMonths,
    billingTiming,
    rules: rules.map((rule) => versionRule(rule, featureKeys)),
    allocations,
    createdAtMs: modifiedAtMs,
  };
}

function versionRule(rule: Rule, featureKeys: ReadonlyMap<string, string>): VersionRule {
  const featureKey = featureKeys.get(rule.featureId);
  if (featureKey === undefined) throw new Error(`a rule without its feature: ${rule.featureId}`);
  const { featureId, isEnabled, value, creditModelId, denomination } = rule;
  return {
    featureId,
    featureKey,
    isEnabled,
    value,
    ...(creditModelId === undefined ? {} : { creditModelId }),
    // So that a subscriber's object knows which pools to draw from without the catalog.
    ...(denomination === undefined ? {} : { denomination }),
  };
}

/** How a rule prices its feature. */
export function pricingOf(value: RuleValue): Pricing {
  return value.pricing ?? INCLUDED;
}

/** What may be sold has a description and a feature. None: it may be ACTIVE. */
export function activationProblems({ plan, rules }: PlanWithRules): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (plan.description === undefined)
    problems.push({ path: "description", message: "is needed before the plan can be ACTIVE" });
  if (rules.length === 0)
    problems.push({ path: "features", message: "the plan needs a feature to be ACTIVE: make a rule for one" });
  return problems;
}

/** Steps of a plan's life; staying is none. An ARCHIVED plan can be sold again, none becomes a draft again. */
export function mayBecome(from: PlanStatus, to: PlanStatus): boolean {
  return from === to || (from === "DRAFT" ? to === "ACTIVE" : to !== "DRAFT");
}

/**
 * The plan after a change, with the version it has then: 1 when it becomes ACTIVE for the first time, one more when the price, the
 * rules or the allocations of a plan with versions change, else the same. Name, description and status make no version.
 */
export function revised(before: PlanWithRules, after: PlanWithRules): PlanWithRules {
  const { version } = before.plan;
  const first = version === 0 && after.plan.status === "ACTIVE";
  const sold =
    before.plan.price !== after.plan.price ||
    !isNoDifference(ruleDifference(before.rules, after.rules)) ||
    !isNoDifference(allocationDifference(before.allocations, after.allocations));
  const next = first || (version > 0 && sold) ? version + 1 : version;
  return { ...after, plan: { ...after.plan, version: next } };
}

type Said = Pick<Rule, "featureId" | "isEnabled" | "value" | "creditModelId">;

/** What became of rules, by their features. Order and ids do not matter. */
export function ruleDifference<R extends Said>(before: readonly R[], after: readonly R[]): Difference<R> {
  return differenceBy(before, after, ({ featureId }) => featureId, sameRule);
}

export function sameRule(a: Said, b: Said): boolean {
  return a.isEnabled === b.isEnabled && a.creditModelId === b.creditModelId && ruleText(a.value) === ruleText(b.value);
}

/** A rule's value as stored JSON text: decimals are text, so that they come back exactly. */
export function ruleText(value: RuleValue): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? formatE12(field) : field));
}

/** A version's rules as stored JSON text. */
export function versionRulesText(rules: readonly VersionRule[]): string {
  return JSON.stringify(rules, (_, field: unknown) => (typeof field === "bigint" ? formatE12(field) : field));
}

type Stored<T> = T extends bigint ? string : T extends object ? { [K in keyof T]: Stored<T[K]> } : T;

/** Reads what `ruleText` wrote. */
export function ruleFromText(text: string): RuleValue {
  return ruleFrom(JSON.parse(text) as Stored<RuleValue>);
}

/** Reads what `versionRulesText` wrote. */
export function versionRulesFromText(text: string): VersionRule[] {
  return (JSON.parse(text) as Stored<VersionRule>[]).map((rule) => ({ ...rule, value: ruleFrom(rule.value) }));
}

function ruleFrom({ pricing, cost }: Stored<RuleValue>): RuleValue {
  return {
    ...(pricing === undefined ? {} : { pricing: pricingFrom(pricing) }),
    ...(cost === undefined ? {} : { cost: costFrom(cost) }),
  };
}

function pricingFrom(stored: Stored<Pricing>): Pricing {
  const terms = {
    ...(stored.unitLabel === undefined ? {} : { unitLabel: stored.unitLabel }),
    ...(stored.maxUsage === undefined ? {} : { maxUsage: decimalToE12(stored.maxUsage) }),
    resetMode: stored.resetMode as ResetMode,
  };
  switch (stored.model) {
    case "included":
      return { model: "included", ...terms };
    case "usage":
      return { model: "usage", pricePerUnit: decimalToE12(stored.pricePerUnit), ...terms };
    case "graduated":
      return { model: "graduated", tiers: stored.tiers.map(tierFrom), ...terms };
  }
}

function tierFrom({ upTo, pricePerUnit, flatFee }: Stored<Tier>): Tier {
  return {
    upTo: upTo === "inf" ? upTo : decimalToE12(upTo),
    pricePerUnit: decimalToE12(pricePerUnit),
    flatFee: decimalToE12(flatFee),
  };
}

function costFrom(stored: Stored<RuleCost>): RuleCost {
  if (stored.model === "simple") return { model: "simple", costPerUnit: decimalToE12(stored.costPerUnit) };
  const { defaultInputCostPerUnit: input, defaultOutputCostPerUnit: output, modelCosts } = stored;
  return {
    model: "model_aware",
    ...(input === undefined ? {} : { defaultInputCostPerUnit: decimalToE12(input) }),
    ...(output === undefined ? {} : { defaultOutputCostPerUnit: decimalToE12(output) }),
    modelCosts: Object.fromEntries(
      Object.entries(modelCosts).map(([name, cost]) => [
        name,
        { input: decimalToE12(cost.input), output: decimalToE12(cost.output) },
      ]),
    ),
  };
}
