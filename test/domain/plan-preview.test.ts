import fc from "fast-check";
import { describe, test } from "vitest";
import type { Allocation } from "../../src/domain/credit.ts";
import { type FeatureUse, lastPeriod, previewPlan } from "../../src/domain/plan-preview.ts";
import type { Pricing } from "../../src/domain/pricing.ts";
import type { PlanPin } from "../../src/domain/subscription.ts";

/** What a plan would have charged: golden amounts, and the laws for any usage. */

const E12 = 10n ** 12n;
const PERIOD = { startMs: Date.UTC(2027, 0, 1), endMs: Date.UTC(2027, 1, 1) };
const AT = { period: PERIOD, atMs: PERIOD.endMs };

const GRADUATED: Pricing = {
  model: "graduated",
  resetMode: "reset",
  tiers: [
    { upTo: 100n * E12, pricePerUnit: E12 / 10n, flatFee: 0n },
    { upTo: "inf", pricePerUnit: E12 / 20n, flatFee: 5n * E12 },
  ],
};

type Ruled = { pricing?: Pricing; denomination?: string; isEnabled?: boolean };

function pinOf(rules: readonly Ruled[], allocations: readonly Allocation[] = [], price = 0n): PlanPin {
  return {
    planId: "p",
    version: 0,
    key: "pro",
    name: "Pro",
    price,
    currency: "USD",
    intervalMonths: 1,
    billingTiming: "IN_ADVANCE",
    rules: rules.map(({ pricing, isEnabled = true, ...rule }, index) => ({
      featureId: `f${index}`,
      featureKey: `key${index}`,
      isEnabled,
      value: pricing === undefined ? {} : { pricing },
      ...rule,
    })),
    allocations,
    createdAtMs: 1,
    planCreatedAtMs: 1,
    planModifiedAtMs: 1,
  };
}

function gives(amountE4: bigint, hardLimit: boolean): Allocation {
  return {
    allocationId: "a",
    creditModelId: "m",
    creditModelName: "Credits",
    denomination: "AI",
    amountE4,
    hardLimit,
    rolloverPolicy: "NONE",
    createdAtMs: 1,
  };
}

const used = (units: number, beforeE12 = 0n): FeatureUse => ({ used: [{ unitsE12: BigInt(units) * E12 }], beforeE12 });
const uses = (...of: FeatureUse[]) => new Map(of.map((use, index) => [`f${index}`, use]));
const usage = (pricePerUnit: bigint, more: Partial<Pricing> = {}): Pricing =>
  ({ model: "usage", pricePerUnit, resetMode: "reset", ...more }) as Pricing;

describe("does", () => {
  test("the base and each used feature are priced like an invoice's lines", ({ expect }) => {
    const preview = previewPlan(pinOf([{ pricing: GRADUATED }, {}, {}], [], 49n * E12), uses(used(150), used(7)), AT);
    // 49 + 100 × 0.10 + 5 + 50 × 0.05
    expect(preview.amountMinor).toBe(4900 + 1750);
    expect(preview.base.map(({ description }) => description)).toEqual(["Pro, 2027-01-01 to 2027-02-01"]);
    expect(preview.features.map(({ featureKey, line }) => [featureKey, line?.amountMinor])).toEqual([
      ["key0", 1750],
      ["key1", undefined],
    ]);
  });

  test("units beyond a limit are refused, and so is all of a rule that is off", ({ expect }) => {
    const limited = usage(E12, { maxUsage: 10n * E12 });
    const preview = previewPlan(
      pinOf([{ pricing: limited }, { pricing: limited, isEnabled: false }]),
      uses(used(12), used(3)),
      AT,
    );
    expect(preview.features.map(({ refusedE12, billableE12 }) => [refusedE12 / E12, billableE12 / E12])).toEqual([
      [2n, 10n],
      [3n, 0n],
    ]);
    expect(preview.amountMinor).toBe(1000);
  });

  test("units that accumulate go on where they were: in tiers, and towards the limit", ({ expect }) => {
    const seats: Pricing = { ...GRADUATED, resetMode: "accumulate", maxUsage: 120n * E12 };
    const preview = previewPlan(pinOf([{ pricing: seats }]), uses(used(50, 90n * E12)), AT);
    // 30 of 50 are below the limit: 10 × 0.10, then 5 + 20 × 0.05.
    expect(preview.features[0]).toMatchObject({ refusedE12: 20n * E12, billableE12: 30n * E12 });
    expect(preview.amountMinor).toBe(100 + 600);
  });

  test("credits cover features in the plan's order; what is left is billed, or refused by a hard limit", ({
    expect,
  }) => {
    const rules = [
      { pricing: usage(E12), denomination: "AI" },
      { pricing: usage(E12), denomination: "AI" },
    ];
    const soft = previewPlan(pinOf(rules, [gives(150_000n, false)]), uses(used(10), used(10)), AT);
    expect(soft.features.map(({ coveredE12, billableE12 }) => [coveredE12 / E12, billableE12 / E12])).toEqual([
      [10n, 0n],
      [5n, 5n],
    ]);
    expect(soft.amountMinor).toBe(500);
    const hard = previewPlan(pinOf(rules, [gives(150_000n, true)]), uses(used(10), used(10)), AT);
    expect(hard.amountMinor).toBe(0);
    expect(hard.features[1]).toMatchObject({ coveredE12: 5n * E12, refusedE12: 5n * E12 });
    expect(hard.credits).toEqual([{ denomination: "AI", givenE4: 150_000n, neededE4: 200_000n, drawnE4: 150_000n }]);
  });

  test("a model's weight counts for its own units", ({ expect }) => {
    const weights = { f0: [{ weightId: "w", model: "big", creditsPerUnitE12: 10n * E12, effectiveFromMs: 0 }] };
    const preview = previewPlan(
      pinOf([{ pricing: usage(E12), denomination: "AI" }], [gives(1_000_000n, true)]),
      new Map([["f0", { used: [{ unitsE12: 2n * E12 }, { model: "big", unitsE12: 3n * E12 }], beforeE12: 0n }]]),
      { ...AT, credits: { weights } },
    );
    expect(preview.credits[0]).toMatchObject({ neededE4: 320_000n, drawnE4: 320_000n });
  });

  test.for<[number, string, string, string]>([
    [1, "2027-03-17T12:00Z", "2027-02-01", "2027-03-01"],
    [1, "2027-01-01T00:00Z", "2026-12-01", "2027-01-01"],
    [12, "2027-03-31T23:59Z", "2026-03-01", "2027-03-01"],
  ])("the last %i months at %s are from %s to %s", ([months, now, start, end], { expect }) => {
    expect(lastPeriod(months, Date.parse(now))).toEqual({ startMs: Date.parse(start), endMs: Date.parse(end) });
  });
});

describe("holds", () => {
  const units = fc.bigInt({ min: -5n * E12, max: 500n * E12 });
  const arbitraryUse = fc.record({
    used: fc.array(fc.record({ unitsE12: units }), { minLength: 1, maxLength: 3 }),
    beforeE12: fc.bigInt({ min: 0n, max: 200n * E12 }),
  });
  const pricings: readonly (Pricing | undefined)[] = [
    undefined,
    usage(E12 / 3n, { maxUsage: 40n * E12 }),
    GRADUATED,
    { ...GRADUATED, resetMode: "accumulate", maxUsage: 150n * E12 },
  ];

  test("used is refused, covered and billable, none below 0; credits are drawn as far as they go", ({ expect }) => {
    fc.assert(
      fc.property(
        fc.array(arbitraryUse, { minLength: 4, maxLength: 4 }),
        fc.bigInt({ min: 1n, max: 4_000_000n }),
        fc.boolean(),
        (given, amountE4, hardLimit) => {
          const rules = pricings.map((pricing, index) => ({
            ...(pricing === undefined ? {} : { pricing }),
            ...(index % 2 === 0 ? { denomination: "AI" } : {}),
          }));
          const preview = previewPlan(pinOf(rules, [gives(amountE4, hardLimit)]), uses(...given), AT);
          for (const { usedE12, refusedE12, coveredE12, billableE12 } of preview.features) {
            expect(usedE12).toBe(refusedE12 + coveredE12 + billableE12);
            for (const part of [refusedE12, coveredE12, billableE12]) expect(part >= 0n).toBe(true);
          }
          const [pot] = preview.credits;
          expect(pot?.drawnE4).toBe((pot?.neededE4 ?? 0n) < amountE4 ? pot?.neededE4 : amountE4);
          expect(preview.amountMinor).toBe(
            preview.features.reduce((sum, { line }) => sum + (line?.amountMinor ?? 0), 0),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});
