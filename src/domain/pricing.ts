import { divideRounded, type E12, E12_ONE } from "./amount.ts";
import { assert } from "./assert.ts";

/**
 * What units of a feature cost under a plan's rule. Owns the total price P(units), its marginal parts and the shape of tiers.
 * Leaves limits and counters to whoever counts, money's minor units to the invoice line.
 *
 * Laws: P is exact, P(0) = 0, and never falls as units grow; the parts of a segment sum to P(end) − P(start), whatever lies between.
 */

/** A product of two E12: units × price, exact. */
export type E24 = bigint;

/** Units above the tier before and up to `upTo`, inclusive. `flatFee` falls due once, with the tier's first unit. */
export type Tier = { upTo: E12 | "inf"; pricePerUnit: E12; flatFee: E12 };

export const PRICING_MODELS = ["included", "usage", "graduated"] as const;
export type PricingModel = (typeof PRICING_MODELS)[number];

/** `reset`: used units count from each period's start. `accumulate`: they are never reset (seats). */
export const RESET_MODES = ["reset", "accumulate"] as const;
export type ResetMode = (typeof RESET_MODES)[number];

/** What every pricing may say: how its unit is called, and a limit on used units above which access ends. */
type Terms = { unitLabel?: string; maxUsage?: E12; resetMode: ResetMode };

/** The price of a feature in a plan. */
export type Pricing = Terms &
  ({ model: "included" } | { model: "usage"; pricePerUnit: E12 } | { model: "graduated"; tiers: readonly Tier[] });

/** A rule that says nothing of price: the feature is part of the plan, without limit. */
export const INCLUDED: Pricing = { model: "included", resetMode: "reset" };

/** What one tier of a segment costs. `flatFee` is 0 where it was due before the segment, or is not due yet. */
export type TierPart = { tierIndex: number; units: E12; pricePerUnit: E12; flatFee: E12; amountE24: E24 };

/** The tiers a price is made of: a price per unit is one tier without end, an included feature none. */
function tiersOf(pricing: Pricing): readonly Tier[] {
  switch (pricing.model) {
    case "included":
      return [];
    case "usage":
      return [{ upTo: "inf", pricePerUnit: pricing.pricePerUnit, flatFee: 0n }];
    case "graduated":
      return pricing.tiers;
  }
}

/**
 * The parts of the units after `from` up to `to`, one per tier that holds any of them; `from` ≤ `to`. A flat fee belongs to the
 * segment that brings its tier's first unit, so at exactly a tier's bound the next tier is untouched.
 */
export function tierParts(pricing: Pricing, from: E12, to: E12): TierPart[] {
  assert(from >= 0n && from <= to, "a segment of units does not begin below 0 nor after its end");
  const parts: TierPart[] = [];
  let below = 0n;
  for (const [tierIndex, { upTo, pricePerUnit, flatFee }] of tiersOf(pricing).entries()) {
    const start = from > below ? from : below;
    const end = upTo === "inf" || to < upTo ? to : upTo;
    if (end > start) {
      const units = end - start;
      const due = from <= below ? flatFee : 0n;
      parts.push({ tierIndex, units, pricePerUnit, flatFee: due, amountE24: units * pricePerUnit + due * E12_ONE });
    }
    if (upTo === "inf" || to <= upTo) break;
    below = upTo;
  }
  return parts;
}

/** P(units), exact. */
export function totalPriceE24(pricing: Pricing, units: E12): E24 {
  return tierParts(pricing, 0n, units).reduce((sum, { amountE24 }) => sum + amountE24, 0n);
}

/** P(units), rounded once to 12 places. */
export function totalPrice(pricing: Pricing, units: E12): E12 {
  return divideRounded(totalPriceE24(pricing, units), E12_ONE);
}

/**
 * What going from one total of units to another costs, as a difference of totals rounded alike: such differences add up to the
 * last decimal however often a period is cut. Negative where units are taken back.
 */
export function marginalPrice(pricing: Pricing, units: { from: E12; to: E12 }): E12 {
  return totalPrice(pricing, units.to) - totalPrice(pricing, units.from);
}

/** What is wrong with a pricing, with the place of it as field names and indexes. */
export type PricingProblem = {
  at: readonly (keyof Tier | "pricePerUnit" | "maxUsage" | "tiers" | number)[];
  why: string;
};

/**
 * Everything that keeps a pricing from being one: negative prices, a limit of 0, tiers that are none, fall, stand still or have an
 * end. Gaps cannot be written: a tier begins where the one before it ends.
 */
export function pricingProblems(pricing: Pricing): PricingProblem[] {
  const problems: PricingProblem[] = [];
  if (pricing.maxUsage !== undefined && pricing.maxUsage <= 0n)
    problems.push({ at: ["maxUsage"], why: "must be greater than 0" });
  if (pricing.model === "usage" && pricing.pricePerUnit < 0n)
    problems.push({ at: ["pricePerUnit"], why: "must not be negative" });
  if (pricing.model !== "graduated") return problems;
  const { tiers } = pricing;
  if (tiers.length === 0) problems.push({ at: ["tiers"], why: "must have at least one tier" });
  let below = 0n;
  for (const [index, { upTo, pricePerUnit, flatFee }] of tiers.entries()) {
    const last = index === tiers.length - 1;
    if (pricePerUnit < 0n) problems.push({ at: ["tiers", index, "pricePerUnit"], why: "must not be negative" });
    if (flatFee < 0n) problems.push({ at: ["tiers", index, "flatFee"], why: "must not be negative" });
    if (upTo === "inf") {
      if (!last) problems.push({ at: ["tiers", index, "upTo"], why: 'must be a number: only the last tier is "inf"' });
      continue;
    }
    if (last) problems.push({ at: ["tiers", index, "upTo"], why: 'must be "inf": the last tier has no end' });
    else if (upTo <= below)
      problems.push({
        at: ["tiers", index, "upTo"],
        why: index === 0 ? "must be greater than 0" : "must be greater than the tier before it ends at",
      });
    if (upTo > below) below = upTo;
  }
  return problems;
}
