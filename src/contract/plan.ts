import * as z from "zod";
import type { Feature } from "../domain/account.ts";
import { E12_ONE, e12ToNumber } from "../domain/amount.ts";
import { allocationDifference } from "../domain/credit-model.ts";
import { DELETE_IDS_MAX, INTERVAL_MONTHS_MAX, PLAN_PRICE_MAX } from "../domain/limits.ts";
import {
  BILLING_TIMINGS,
  PLAN_STATUSES,
  type Plan,
  type PlanVersion,
  type PlanWithRules,
  ruleDifference,
  type VersionRule,
} from "../domain/plan.ts";
import { accountCurrency } from "./account.ts";
import { AllocationWire, toWireAllocation } from "./credit-model.ts";
import { FeatureWire, toWireFeature } from "./feature.ts";
import { RuleWire, toWireRule } from "./rule.ts";
import { RuleValueWire, toWireRuleValue } from "./rule-value.ts";
import {
  decimalNotNegative,
  idText,
  instantText,
  metadata,
  name,
  page,
  pageOf,
  readMetadata,
  text,
} from "./scalars.ts";

/** Plans on the wire, as their operator sees them. What clients see is `offer.ts`. */

const intervalMonths = z
  .union([z.number(), z.string().max(16)], { error: "must be a whole number of months" })
  .transform((value) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value))
  .pipe(z.int().min(1).max(INTERVAL_MONTHS_MAX))
  .meta({ description: `Whole months of a billing period, 1…${INTERVAL_MONTHS_MAX}, as number or text.` });

const priceAmount = decimalNotNegative
  .refine((price) => price <= BigInt(PLAN_PRICE_MAX) * E12_ONE, { message: `must be at most ${PLAN_PRICE_MAX}` })
  .optional();

const terms = {
  description: text.optional(),
  priceAmount: priceAmount.meta({ description: "Base price of a period. Default 0." }),
  currency: accountCurrency.optional().meta({ description: "ISO 4217. Default: the account's." }),
  intervalMonths: intervalMonths.optional(),
  billingTiming: z.enum(BILLING_TIMINGS).optional().meta({ description: "Default IN_ADVANCE." }),
  metadata: metadata.optional(),
};

export const CreatePlan = z
  .object({
    key: name.meta({ description: "Unique in the account, also among archived plans." }),
    name,
    ...terms,
    status: z.string().optional().meta({ description: "Ignored: a new plan is a DRAFT." }),
  })
  .meta({ id: "CreatePlan" });

export const ChangePlan = z
  .object({
    key: name.optional(),
    name: name.optional(),
    ...terms,
    description: text.optional().meta({ description: "An empty string clears it, while the plan is not ACTIVE." }),
    priceAmount,
    status: z.enum(PLAN_STATUSES).optional(),
    metadata: metadata.optional().meta({ description: "Replaces all of the plan's metadata." }),
  })
  .meta({ id: "ChangePlan" });

export const DeletePlans = z.object({ ids: z.array(idText).min(1).max(DELETE_IDS_MAX) }).meta({ id: "DeletePlans" });

export const PLAN_EXAMPLE = {
  id: "a3c9e5d7-1b2f-4a6c-8d0e-9f7b5c3a1e2d",
  key: "pro",
  name: "Pro",
  description: "For teams.",
  priceAmount: 49,
  currency: "USD",
  intervalMonths: "1",
  billingTiming: "IN_ADVANCE" as const,
  status: "ACTIVE" as const,
  version: 1,
  metadata: {},
  createdAt: "2027-01-04T09:30:00.000Z",
  modifiedAt: "2027-01-04T09:30:00.000Z",
};

export const PlanWire = z
  .object({
    id: z.uuid(),
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    priceAmount: z.number(),
    currency: z.string(),
    intervalMonths: z.string(),
    billingTiming: z.enum(BILLING_TIMINGS),
    status: z.enum(PLAN_STATUSES),
    version: z.int().meta({ description: "0 while the plan was never active." }),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "Plan", examples: [PLAN_EXAMPLE] });

export function toWirePlan(plan: Plan): z.input<typeof PlanWire> {
  return {
    id: plan.planId,
    key: plan.key,
    name: plan.name,
    ...(plan.description === undefined ? {} : { description: plan.description }),
    priceAmount: e12ToNumber(plan.price),
    currency: plan.currency,
    intervalMonths: String(plan.intervalMonths),
    billingTiming: plan.billingTiming,
    status: plan.status,
    version: plan.version,
    metadata: readMetadata(plan.metadata),
    createdAt: instantText(plan.createdAtMs),
    modifiedAt: instantText(plan.modifiedAtMs),
  };
}

export const PlanFeaturesWire = z
  .object({
    plan: PlanWire,
    features: z.array(FeatureWire.extend({ rule: RuleWire })),
    creditAllocations: z.array(AllocationWire),
  })
  .meta({ id: "PlanFeatures" });

/** A plan with its features, in the order of its rules, and the credits that it gives. */
export function toWirePlanFeatures(
  { plan, rules, allocations }: PlanWithRules,
  features: ReadonlyMap<string, Feature>,
): z.input<typeof PlanFeaturesWire> {
  return {
    plan: toWirePlan(plan),
    features: rules.flatMap((rule) => {
      const feature = features.get(rule.featureId);
      return feature === undefined ? [] : [{ ...toWireFeature(feature), rule: toWireRule(plan.planId, rule) }];
    }),
    creditAllocations: allocations.map(toWireAllocation),
  };
}

export const FeaturePlanWire = z.object({ plan: PlanWire, rule: RuleWire }).meta({ id: "FeaturePlan" });

/** A plan that has a feature, with what it says of it. */
export function toWireFeaturePlan(
  { plan, rules }: PlanWithRules,
  featureId: string,
): z.input<typeof FeaturePlanWire>[] {
  const rule = rules.find((one) => one.featureId === featureId);
  return rule === undefined ? [] : [{ plan: toWirePlan(plan), rule: toWireRule(plan.planId, rule) }];
}

const versionRuleWire = z.object({
  featureId: z.uuid(),
  featureKey: z.string(),
  isEnabled: z.boolean(),
  value: RuleValueWire,
  creditModelId: z.uuid().optional(),
  creditDenomination: z.string().optional(),
});

export const PlanVersionWire = z
  .object({
    planId: z.uuid(),
    version: z.int(),
    key: z.string(),
    name: z.string(),
    priceAmount: z.number(),
    currency: z.string(),
    intervalMonths: z.string(),
    billingTiming: z.enum(BILLING_TIMINGS),
    features: z.array(versionRuleWire),
    creditAllocations: z.array(AllocationWire),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "PlanVersion" });

function toWireVersionRule({ denomination, ...rule }: VersionRule): z.input<typeof versionRuleWire> {
  return {
    ...rule,
    value: toWireRuleValue(rule.value),
    ...(denomination === undefined ? {} : { creditDenomination: denomination }),
  };
}

export function toWireVersion(version: PlanVersion): z.input<typeof PlanVersionWire> {
  return {
    planId: version.planId,
    version: version.version,
    key: version.key,
    name: version.name,
    priceAmount: e12ToNumber(version.price),
    currency: version.currency,
    intervalMonths: String(version.intervalMonths),
    billingTiming: version.billingTiming,
    features: version.rules.map(toWireVersionRule),
    creditAllocations: version.allocations.map(toWireAllocation),
    createdAt: instantText(version.createdAtMs),
  };
}

const versionNumber = z
  .string()
  .regex(/^\d{1,9}$/, "must be the number of a version")
  .transform(Number);

export const VersionsQuery = z
  .object({
    ...page,
    from: versionNumber.optional().meta({ description: "With `to`: what changed from this version to that one." }),
    to: versionNumber.optional(),
  })
  .refine(({ from, to }) => (from === undefined) === (to === undefined), {
    message: "from and to go together",
    path: ["to"],
  });

export const VersionDifferenceWire = z
  .object({
    from: z.int(),
    to: z.int(),
    priceAmount: z.object({ before: z.number(), after: z.number() }).optional(),
    addedFeatures: z.array(versionRuleWire),
    removedFeatures: z.array(versionRuleWire),
    changedFeatures: z.array(z.object({ before: versionRuleWire, after: versionRuleWire })),
    addedAllocations: z.array(AllocationWire),
    removedAllocations: z.array(AllocationWire),
    changedAllocations: z.array(z.object({ before: AllocationWire, after: AllocationWire })),
  })
  .meta({ id: "VersionDifference" });

export const VersionsWire = pageOf(PlanVersionWire).extend({
  difference: VersionDifferenceWire.optional().meta({ description: "When `from` and `to` are asked for." }),
});

/** What a subscriber of one version would find changed in another. */
export function toWireDifference(from: PlanVersion, to: PlanVersion): z.input<typeof VersionDifferenceWire> {
  const { added, removed, changed } = ruleDifference(from.rules, to.rules);
  const allocations = allocationDifference(from.allocations, to.allocations);
  return {
    from: from.version,
    to: to.version,
    ...(from.price === to.price
      ? {}
      : { priceAmount: { before: e12ToNumber(from.price), after: e12ToNumber(to.price) } }),
    addedFeatures: added.map(toWireVersionRule),
    removedFeatures: removed.map(toWireVersionRule),
    changedFeatures: changed.map(({ before, after }) => ({
      before: toWireVersionRule(before),
      after: toWireVersionRule(after),
    })),
    addedAllocations: allocations.added.map(toWireAllocation),
    removedAllocations: allocations.removed.map(toWireAllocation),
    changedAllocations: allocations.changed.map(({ before, after }) => ({
      before: toWireAllocation(before),
      after: toWireAllocation(after),
    })),
  };
}
