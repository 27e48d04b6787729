import * as z from "zod";
import type { Audit } from "../../catalog/audit.ts";
import { featuresOf } from "../../catalog/feature-catalog.ts";
import { planOf } from "../../catalog/plans.ts";
import { toWireFeature } from "../../contract/feature.ts";
import { ChangeRule, CreateRule, ReplaceRules, RulesReplacedWire, RuleWire, toWireRule } from "../../contract/rule.ts";
import { unitLabelPath } from "../../contract/rule-value.ts";
import { idText } from "../../contract/scalars.ts";
import { type PlanWithRules, type Rule, ruleDifference, sameRule } from "../../domain/plan.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { decidePlanChange, noPlan } from "./plan-change.ts";
import { namingOf, replacedRules } from "./sent-rules.ts";

/**
 * Rules: which features a plan has, at which price. Every change is one of its plan as a whole, so that it makes at most one
 * version of a plan that was ever ACTIVE.
 */

const PATH = "/api/v1/monetization/rules/plan-features";

function noRule(featureId: string): Refusal {
  return { ok: false, code: "thing_not_found", what: "rule of this plan for the feature", given: featureId };
}

/** Decides a change of one rule, `rule` undefined: it goes. */
async function decideRule(
  call: Call,
  nowMs: number,
  before: PlanWithRules,
  change: { was?: Rule; rule?: Rule; status: number },
) {
  const { was, rule, status } = change;
  const { planId } = before.plan;
  const rules =
    was === undefined
      ? [...before.rules, ...(rule === undefined ? [] : [rule])]
      : before.rules.flatMap((one) => (one !== was ? [one] : rule === undefined ? [] : [rule]));
  const plan = { ...before.plan, modifiedAtMs: nowMs };
  const { accountId } = call.account.account;
  const labelPath = () => unitLabelPath(rule?.value);
  const decided = await decidePlanChange(call.env.DB, accountId, before, { ...before, plan, rules }, labelPath);
  if (!decided.ok) return decided;
  const [old, shown] = [was, rule].map((one) => (one === undefined ? undefined : toWireRule(planId, one)));
  const audit: Audit = {
    action: was === undefined ? "rule.created" : rule === undefined ? "rule.deleted" : "rule.changed",
    target: rule?.ruleId ?? was?.ruleId ?? "",
    ...(old === undefined ? {} : { before: old }),
    ...(shown === undefined ? {} : { after: shown }),
  };
  const { statements } = decided.value;
  return { ok: true as const, version: "guard" as const, statements, audit, status, data: shown };
}

function createRule(call: Call<unknown, unknown, z.output<typeof CreateRule>>): Promise<Answer> {
  const { planId, isEnabled, value, creditModelId } = call.body;
  return commitAccount(call, async (nowMs) => {
    const before = await planOf(call.env.DB, call.account.account.accountId, planId);
    if (before === undefined) return noPlan(planId);
    const featureId = call.body.featureId.toLowerCase();
    if (before.rules.some((rule) => rule.featureId === featureId))
      return {
        ok: false,
        code: "state_conflict",
        why: "The plan has a rule for this feature already; change it by PATCH.",
      };
    const naming = await namingOf(call, [creditModelId]);
    if (!naming.ok) return naming;
    const rule: Rule = {
      ruleId: crypto.randomUUID(),
      featureId,
      isEnabled: isEnabled ?? true,
      value: value ?? {},
      ...naming.value(creditModelId),
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
    };
    return decideRule(call, nowMs, before, { rule, status: 201 });
  });
}

function changeRule(call: Call<unknown, unknown, z.output<typeof ChangeRule>>): Promise<Answer> {
  const { planId, featureId, isEnabled, value, creditModelId } = call.body;
  return commitAccount(call, async (nowMs) => {
    const before = await planOf(call.env.DB, call.account.account.accountId, planId);
    if (before === undefined) return noPlan(planId);
    const was = before.rules.find((rule) => rule.featureId === featureId.toLowerCase());
    if (was === undefined) return noRule(featureId);
    const named = creditModelId ?? was.creditModelId;
    const naming = await namingOf(call, [named]);
    if (!naming.ok) return naming;
    const rule: Rule = {
      ruleId: was.ruleId,
      featureId: was.featureId,
      isEnabled: isEnabled ?? was.isEnabled,
      value: value ?? was.value,
      ...naming.value(named),
      createdAtMs: was.createdAtMs,
      modifiedAtMs: nowMs,
    };
    if (sameRule(was, rule))
      return {
        ok: true,
        version: "leave",
        statements: [],
        audit: [],
        status: 200,
        data: toWireRule(before.plan.planId, was),
      };
    return decideRule(call, nowMs, before, { was, rule, status: 200 });
  });
}

type Names = { planId: string; featureId: string };

async function readRule(call: Call<Names>): Promise<Answer> {
  const { planId, featureId } = call.params;
  const found = await planOf(call.env.DB, call.account.account.accountId, planId);
  if (found === undefined) return noPlan(planId);
  const rule = found.rules.find((one) => one.featureId === featureId.toLowerCase());
  return rule === undefined ? noRule(featureId) : answer(200, toWireRule(found.plan.planId, rule));
}

function deleteRule(call: Call<Names>): Promise<Answer> {
  const { planId, featureId } = call.params;
  return commitAccount(call, async (nowMs) => {
    const before = await planOf(call.env.DB, call.account.account.accountId, planId);
    if (before === undefined) return noPlan(planId);
    const was = before.rules.find((rule) => rule.featureId === featureId.toLowerCase());
    return was === undefined ? noRule(featureId) : decideRule(call, nowMs, before, { was, status: 200 });
  });
}

type Replacing = Call<{ planId: string }, unknown, z.output<typeof ReplaceRules>>;

function unchanged({ plan }: PlanWithRules): z.input<typeof RulesReplacedWire> {
  return { addedFeatures: [], removedFeatures: [], changedFeatures: [], version: plan.version };
}

function replaceRules(call: Replacing): Promise<Answer> {
  const { accountId } = call.account.account;
  const { planId } = call.params;
  return commitAccount(call, async (nowMs) => {
    const before = await planOf(call.env.DB, accountId, planId);
    if (before === undefined) return noPlan(planId);
    const replaced = await replacedRules(call, call.body.features, before.rules, nowMs);
    if (!replaced.ok) return replaced;
    const rules = replaced.value;
    if (rules.length === before.rules.length && rules.every((rule, index) => rule === before.rules[index]))
      return { ok: true, version: "leave", statements: [], audit: [], status: 200, data: unchanged(before) };
    const plan = { ...before.plan, modifiedAtMs: nowMs };
    const pathOf = (featureId: string): string => {
      const index = rules.findIndex((rule) => rule.featureId === featureId);
      return `features[${index}].${unitLabelPath(rules[index]?.value)}`;
    };
    const decided = await decidePlanChange(call.env.DB, accountId, before, { ...before, plan, rules }, pathOf);
    if (!decided.ok) return decided;
    const { saved, statements } = decided.value;
    const { added, removed, changed } = ruleDifference(before.rules, rules);
    const gone = await featuresOf(
      call.env.DB,
      accountId,
      removed.map(({ featureId }) => featureId),
    );
    const features = new Map([...decided.value.features, ...gone.map((one) => [one.featureId, one] as const)]);
    const shown = (some: readonly Rule[]) =>
      some.flatMap(({ featureId }) => {
        const feature = features.get(featureId);
        return feature === undefined ? [] : [toWireFeature(feature)];
      });
    return {
      ok: true,
      version: "guard",
      statements,
      audit: {
        action: "rules.replaced",
        target: plan.planId,
        before: before.rules.map((rule) => toWireRule(plan.planId, rule)),
        after: rules.map((rule) => toWireRule(plan.planId, rule)),
      },
      status: 200,
      data: {
        addedFeatures: shown(added),
        removedFeatures: shown(removed),
        changedFeatures: shown(changed.map(({ after }) => after)),
        version: saved.plan.version,
      },
    };
  });
}

const EXAMPLE_NAMES = {
  planId: "a3c9e5d7-1b2f-4a6c-8d0e-9f7b5c3a1e2d",
  featureId: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d",
};

const GRADUATED = {
  model: "graduated",
  usage_unit_type: "call",
  tiers: [
    { up_to: 1000, price_per_unit: 0.1 },
    { up_to: 10_000, price_per_unit: 0.05, flat_fee: 5 },
    { up_to: "inf", price_per_unit: 0.02 },
  ],
};

const VERSIONS =
  "On a plan that was ever ACTIVE this makes a version at once; subscribers keep the version that they bought. What changes nothing makes none.";

export const ruleRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Plans",
    summary: "Put a feature into a plan, with its price",
    description: [
      "`value` says the price; `{}` or absent: included.",
      "",
      "- `usage`: each unit costs `price_per_unit`.",
      '- `graduated`: each unit costs what its tier says, and a tier\'s `flat_fee` is due once the tier holds a unit. With the tiers of the example, 12,000 units cost 1,000 × 0.10 + (5 + 9,000 × 0.05) + 2,000 × 0.02 = 595.00, and 1,000 units exactly 100.00. Tiers rise strictly and end in `"inf"`.',
      "- `included`: no price; `max_usage` may limit it.",
      "",
      "With a `creditModelId`, units burn credits of its denomination, by the feature's weight (`credits/weights`); what they do not cover is billed by the price. A feature burns one denomination: a rule that names another is refused (409) while a plan that is not archived, or a version that a subscriber has, burns the first.",
      "",
      `A feature's unit label (\`usage_unit_type\`) is the same in all plans that were ever ACTIVE. ${VERSIONS}`,
    ].join("\n"),
    body: CreateRule,
    examples: { body: { ...EXAMPLE_NAMES, value: { pricing: GRADUATED } } },
    answers: { 201: RuleWire },
    refuses: ["thing_not_found", "feature_not_found", "fixed_while_in_use", "state_conflict", "request_conflict"],
    handle: createRule,
  }),
  defineRoute({
    method: "PATCH",
    path: PATH,
    scope: "admin",
    tag: "Plans",
    summary: "Change a rule",
    description: `Sets the fields it names; \`value\` as a whole. ${VERSIONS}`,
    body: ChangeRule,
    examples: {
      body: {
        ...EXAMPLE_NAMES,
        value: { pricing: { model: "usage", price_per_unit: 0.02, usage_unit_type: "call", max_usage: 50_000 } },
      },
    },
    answers: { 200: RuleWire },
    refuses: ["thing_not_found", "feature_not_found", "fixed_while_in_use", "state_conflict", "request_conflict"],
    handle: changeRule,
  }),
  defineRoute({
    method: "PATCH",
    path: `${PATH}/diff/{planId}`,
    scope: "admin",
    tag: "Plans",
    summary: "Replace all rules of a plan",
    description: `The list is the plan's whole set from then on, in its order; features that are not in it leave the plan. ${VERSIONS} Many changes make one version.`,
    params: z.object({ planId: idText }),
    body: ReplaceRules,
    examples: {
      body: {
        features: [{ featureId: EXAMPLE_NAMES.featureId, value: { pricing: { model: "included", max_usage: 1000 } } }],
      },
    },
    answers: { 200: RulesReplacedWire },
    refuses: ["thing_not_found", "feature_not_found", "fixed_while_in_use", "state_conflict", "request_conflict"],
    handle: replaceRules,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{planId}/{featureId}`,
    scope: "admin",
    tag: "Plans",
    summary: "Read a rule",
    params: z.object({ planId: idText, featureId: idText }),
    answers: { 200: RuleWire },
    refuses: ["thing_not_found"],
    handle: readRule,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{planId}/{featureId}`,
    scope: "admin",
    tag: "Plans",
    summary: "Take a feature out of a plan",
    description: `An ACTIVE plan keeps at least one feature (400). ${VERSIONS}`,
    params: z.object({ planId: idText, featureId: idText }),
    answers: { 200: null },
    refuses: ["thing_not_found", "feature_not_found", "fixed_while_in_use", "state_conflict", "request_conflict"],
    handle: deleteRule,
  }),
];
