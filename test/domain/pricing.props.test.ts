import * as fc from "fast-check";
import { describe, test } from "vitest";
import { type E12, E12_ONE } from "../../src/domain/amount.ts";
import { ruleFromText, ruleText } from "../../src/domain/plan.ts";
import {
  marginalPrice,
  type Pricing,
  pricingProblems,
  RESET_MODES,
  type Tier,
  tierParts,
  totalPrice,
  totalPriceE24,
} from "../../src/domain/pricing.ts";

const price = fc.bigInt({ min: 0n, max: 10n ** 18n });
const step = fc.bigInt({ min: 1n, max: 10n ** 16n });
const units = fc.bigInt({ min: 0n, max: 10n ** 17n });

const tiers = fc
  .array(fc.record({ step, pricePerUnit: price, flatFee: fc.oneof(fc.constant(0n), price) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps): Tier[] => {
    let bound = 0n;
    return steps.map(({ step: width, pricePerUnit, flatFee }, index) => {
      bound += width;
      return { upTo: index === steps.length - 1 ? "inf" : bound, pricePerUnit, flatFee };
    });
  });

const terms = {
  resetMode: fc.constantFrom(...RESET_MODES),
  unitLabel: fc.option(fc.string({ minLength: 1, maxLength: 8 }), { nil: undefined }),
  maxUsage: fc.option(step, { nil: undefined }),
};

/** Sound pricings of all models, with fields left out and not undefined. */
const pricing = fc
  .oneof(
    fc.record({ model: fc.constant("included" as const), ...terms }),
    fc.record({ model: fc.constant("usage" as const), pricePerUnit: price, ...terms }),
    fc.record({ model: fc.constant("graduated" as const), tiers, ...terms }),
  )
  .map(
    (made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as unknown as Pricing,
  );

/** P(units), tier by tier as one would on paper: what is below each bound, less what is below the bound before it. */
function onPaperE24(made: Pricing, total: E12): bigint {
  if (made.model === "included") return 0n;
  if (made.model === "usage") return made.pricePerUnit * total;
  const below = (bound: E12 | "inf"): E12 => (bound === "inf" || total < bound ? total : bound);
  return made.tiers.reduce((sum, tier, index) => {
    const held = below(tier.upTo) - below(made.tiers[index - 1]?.upTo ?? 0n);
    return sum + held * tier.pricePerUnit + (held > 0n ? tier.flatFee * E12_ONE : 0n);
  }, 0n);
}

describe("holds", () => {
  test("what is made here is sound", ({ expect }) => {
    fc.assert(fc.property(pricing, (made) => void expect(pricingProblems(made)).toEqual([])));
  });

  test("the price is what it would be on paper", ({ expect }) => {
    fc.assert(
      fc.property(pricing, units, (made, total) => {
        expect(totalPriceE24(made, total)).toBe(onPaperE24(made, total));
      }),
    );
  });

  test("more units never cost less", ({ expect }) => {
    fc.assert(
      fc.property(pricing, units, units, (made, a, b) => {
        const [fewer, more] = a < b ? [a, b] : [b, a];
        expect(totalPrice(made, more) >= totalPrice(made, fewer)).toBe(true);
        expect(totalPriceE24(made, more) >= totalPriceE24(made, fewer)).toBe(true);
      }),
    );
  });

  test("marginal prices sum to the price of the sum, in whatever pieces", ({ expect }) => {
    fc.assert(
      fc.property(pricing, fc.array(step, { maxLength: 20 }), (made, pieces) => {
        let used = 0n;
        let charged = 0n;
        for (const piece of pieces) {
          charged += marginalPrice(made, { from: used, to: used + piece });
          used += piece;
        }
        expect(charged).toBe(totalPrice(made, used));
      }),
    );
  });

  test("the parts of a segment sum to what it costs, and hold its units", ({ expect }) => {
    fc.assert(
      fc.property(pricing, units, units, (made, a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const parts = tierParts(made, from, to);
        const sum = parts.reduce((whole, { amountE24 }) => whole + amountE24, 0n);
        expect(sum).toBe(totalPriceE24(made, to) - totalPriceE24(made, from));
        if (made.model !== "included") expect(parts.reduce((whole, part) => whole + part.units, 0n)).toBe(to - from);
      }),
    );
  });

  test("at a tier's bound the next tier is untouched, a sliver beyond owes its flat fee", ({ expect }) => {
    fc.assert(
      fc.property(tiers, (made) => {
        const graduated: Pricing = { model: "graduated", resetMode: "reset", tiers: made };
        for (const [index, { upTo }] of made.entries()) {
          const next = made[index + 1];
          if (upTo === "inf" || next === undefined) continue;
          expect(tierParts(graduated, 0n, upTo).map(({ tierIndex }) => tierIndex)).toEqual(
            made.slice(0, index + 1).map((_, at) => at),
          );
          const sliver = totalPriceE24(graduated, upTo + 1n) - totalPriceE24(graduated, upTo);
          expect(sliver).toBe(next.flatFee * E12_ONE + next.pricePerUnit);
        }
      }),
    );
  });

  test("a rule is read back as it was written", ({ expect }) => {
    fc.assert(
      fc.property(pricing, price, (made, cost) => {
        const value = { pricing: made, cost: { model: "simple" as const, costPerUnit: cost } };
        expect(ruleFromText(ruleText(value))).toEqual(value);
      }),
    );
  });
});
