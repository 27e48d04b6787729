import { describe, test } from "vitest";
import type { Allocation } from "../../src/domain/credit.ts";
import { allocationsFromText, allocationsText } from "../../src/domain/credit-model.ts";
import {
  mayBecome,
  PLAN_STATUSES,
  type Plan,
  type PlanWithRules,
  type Rule,
  type RuleValue,
  revised,
  ruleDifference,
  ruleFromText,
  ruleText,
} from "../../src/domain/plan.ts";

const PLAN: Plan = {
  planId: "p",
  key: "pro",
  name: "Pro",
  description: "For teams.",
  price: 5n,
  currency: "USD",
  intervalMonths: 1,
  billingTiming: "IN_ADVANCE",
  status: "ACTIVE",
  version: 3,
  createdAtMs: 0,
  modifiedAtMs: 0,
};

const rule = (featureId: string, value: RuleValue = {}, isEnabled = true): Rule => ({
  ruleId: `rule of ${featureId}`,
  featureId,
  isEnabled,
  value,
  createdAtMs: 0,
  modifiedAtMs: 0,
});

const BEFORE: PlanWithRules = { plan: PLAN, rules: [rule("a"), rule("b")], allocations: [] };
const USAGE: RuleValue = { pricing: { model: "usage", pricePerUnit: 1n, resetMode: "reset" } };

const allocation = (amountE4: bigint, more: Partial<Allocation> = {}): Allocation => ({
  allocationId: "x",
  creditModelId: "m",
  creditModelName: "Credits",
  denomination: "AI_CREDITS",
  amountE4,
  hardLimit: true,
  rolloverPolicy: "NONE",
  createdAtMs: 1,
  ...more,
});

describe("does", () => {
  test.for<[string, PlanWithRules, number]>([
    ["nothing", BEFORE, 3],
    ["name and state", { ...BEFORE, plan: { ...PLAN, name: "New", status: "ARCHIVED" } }, 3],
    ["the order of rules", { ...BEFORE, rules: [rule("b"), rule("a")] }, 3],
    ["the price", { ...BEFORE, plan: { ...PLAN, price: 6n } }, 4],
    ["the price of a feature", { ...BEFORE, rules: [rule("a", USAGE), rule("b")] }, 4],
    ["a feature's switch", { ...BEFORE, rules: [rule("a"), rule("b", {}, false)] }, 4],
    ["a feature more", { ...BEFORE, rules: [...BEFORE.rules, rule("c")] }, 4],
    ["a feature less", { ...BEFORE, rules: [rule("a")] }, 4],
    ["what a feature's units are paid by", { ...BEFORE, rules: [{ ...rule("a"), creditModelId: "m" }, rule("b")] }, 4],
    ["the credits it gives", { ...BEFORE, allocations: [allocation(1n)] }, 4],
  ])("a change of %s has its version", ([, after, version], { expect }) => {
    expect(revised(BEFORE, after).plan.version).toBe(version);
  });

  test("a draft has no version until it is ACTIVE, however much changes with it", ({ expect }) => {
    const draft: PlanWithRules = { plan: { ...PLAN, status: "DRAFT", version: 0 }, rules: [], allocations: [] };
    const changed: PlanWithRules = { ...BEFORE, plan: { ...draft.plan, price: 9n } };
    expect(revised(draft, changed).plan.version).toBe(0);
    expect(revised(draft, { ...changed, plan: { ...changed.plan, status: "ACTIVE" } }).plan.version).toBe(1);
  });

  test("a difference and its reverse say the same", ({ expect }) => {
    const [old, fresh] = [
      [rule("a"), rule("b"), rule("c")],
      [rule("c"), rule("b", USAGE), rule("d")],
    ];
    const keys = (rules: readonly Rule[]) => rules.map(({ featureId }) => featureId);
    const there = ruleDifference(old, fresh);
    expect([keys(there.added), keys(there.removed)]).toEqual([["d"], ["a"]]);
    const back = ruleDifference(fresh, old);
    expect([keys(back.added), keys(back.removed)]).toEqual([["a"], ["d"]]);
    expect(back.changed).toEqual(there.changed.map(({ before, after }) => ({ before: after, after: before })));
  });

  test("allocations differ by amount, months and limit, not by their id; and are read back as written", ({
    expect,
  }) => {
    const one = allocation(25_000n, { grantExpiresMonths: 3, rolloverPolicy: "CAPPED", rolloverCapE4: 1n });
    const versions = (after: Allocation): number =>
      revised({ ...BEFORE, allocations: [one] }, { ...BEFORE, allocations: [after] }).plan.version;
    expect(versions({ ...one, allocationId: "y", createdAtMs: 2 })).toBe(3);
    expect(versions({ ...one, amountE4: 25_001n })).toBe(4);
    expect(versions({ ...one, grantExpiresMonths: 4 })).toBe(4);
    expect(versions({ ...one, hardLimit: false })).toBe(4);
    const all = [one, allocation(10_000n, { creditModelId: "n" })];
    expect(allocationsFromText(allocationsText(all))).toEqual(all);
    expect(JSON.parse(allocationsText(all))[0]).toMatchObject({ amount: "2.5", rolloverCap: "0.0001" });
  });

  test("costs by model are read back as written, whatever the models are called", ({ expect }) => {
    const modelCosts = JSON.parse('{"__proto__":0,"constructor":0,"gpt-4o":0}') as Record<string, unknown>;
    const rates = Object.fromEntries(Object.keys(modelCosts).map((model) => [model, { input: 1n, output: 2n }]));
    const value: RuleValue = { cost: { model: "model_aware", defaultInputCostPerUnit: 3n, modelCosts: rates } };
    expect(ruleFromText(ruleText(value))).toEqual(value);
    expect(ruleText(ruleFromText(ruleText(value)))).toBe(ruleText(value));
    expect(ruleText(value)).toContain('"__proto__"');
  });
});

describe("refuses", () => {
  test("every step but first activation, archiving, selling again, and staying", ({ expect }) => {
    const steps = PLAN_STATUSES.flatMap((from) => PLAN_STATUSES.map((to) => [from, to] as const));
    expect(steps.filter(([from, to]) => !mayBecome(from, to))).toEqual([
      ["DRAFT", "ARCHIVED"],
      ["ACTIVE", "DRAFT"],
      ["ARCHIVED", "DRAFT"],
    ]);
  });
});
