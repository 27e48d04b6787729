import { decimalToE12 } from "../../../src/domain/amount.ts";
import type { Allocation } from "../../../src/domain/credit.ts";
import type { VersionRule } from "../../../src/domain/plan.ts";
import type { Pricing } from "../../../src/domain/pricing.ts";
import type { PlanPin } from "../../../src/domain/subscription.ts";
import type { Dice } from "./dice.ts";
import type { Catalog, Gift, Plan, Ref, Rule, Tier, Version } from "./facts.ts";

/** What a simulated account sells: made by dice, and as the engine is told of it. */

export const FEATURES = ["chat", "tokens", "seats", "calls"] as const;
/** What calls burn. */
export const DENOMINATION = "AI";
export const E12_PER_E4 = 100_000_000n;
const CREDIT_MODEL = "00000003-0000-4000-8000-000000000001";
const PLANS = 6;
const VERSIONS = 3;
const PRICES = ["0", "9.99", "20", "20", "33.335", "100", "0.07", "249.5"] as const;
const UNIT_PRICES = ["0.25", "0.1", "0.00333", "1.005", "0", "3"] as const;
/** Of each credit model, how many credits a plan may give. */
const GIFTS = [
  ["10", "33.3333", "120"],
  ["0.0007", "25"],
] as const;
const CURRENCIES = ["USD", "USD", "USD", "USD", "JPY", "KWD"] as const;

export function makeCatalog(dice: Dice): Catalog {
  const models = GIFTS.map((credits, index) => ({ ...makeModel(dice, index), credits }));
  return Array.from({ length: PLANS }, (_, index): Plan => {
    const features = FEATURES.filter(() => !dice.oneIn(3));
    return {
      key: `plan-${index + 1}`,
      // Two at least have the same, so that one can be changed into the other.
      currency: index < 3 ? "USD" : dice.of(CURRENCIES),
      months: dice.of([1, 1, 1, 1, 2, 3, 12]),
      inArrears: dice.oneIn(3),
      versions: Array.from({ length: VERSIONS }, (): Version => makeVersion(dice, features, models)),
    };
  });
}

function makeVersion(dice: Dice, features: readonly string[], models: readonly Model[]): Version {
  const rules = features.map((feature) => makeRule(dice, feature));
  return { price: dice.of(PRICES), rules, gives: models.flatMap((model) => makeGift(dice, model)) };
}

type Model = Omit<Gift, "credits" | "months"> & { credits: readonly string[] };

function makeModel(dice: Dice, index: number): Omit<Model, "credits"> {
  const policy = dice.of(["NONE", "FULL", "CAPPED", "CAPPED"] as const);
  const cap = policy === "CAPPED" ? { cap: dice.of(["2", "12.5", "40"]) } : {};
  return { model: idOf(3, index + 2), isHard: dice.oneIn(3), policy, ...cap };
}

function makeGift(dice: Dice, { credits, ...model }: Model): Gift[] {
  if (dice.oneIn(2)) return [];
  return [{ ...model, credits: dice.of(credits), ...(dice.oneIn(3) ? { months: dice.of([1, 2]) } : {}) }];
}

function makeRule(dice: Dice, feature: string): Rule {
  const accumulates = feature === "seats";
  const limit = dice.oneIn(3) ? { limit: dice.of(["5", "20", "60.5", "300"]) } : {};
  const burns = feature === "calls" && !dice.oneIn(3) ? { burns: true as const } : {};
  const model = dice.of(["included", "usage", "usage", "graduated", "graduated"] as const);
  if (model === "included") return { feature, accumulates, ...burns, ...limit };
  if (model === "usage") return { feature, accumulates, price: dice.of(UNIT_PRICES), ...burns, ...limit };
  const tiers: Tier[] = [
    { upTo: dice.of(["5", "10", "0.5"]), price: dice.of(UNIT_PRICES), flatFee: dice.of(["0", "0", "2.5"]) },
    { upTo: dice.of(["20", "50.25"]), price: dice.of(UNIT_PRICES), flatFee: dice.of(["0", "5", "0.333"]) },
    { upTo: "inf", price: dice.of(UNIT_PRICES), flatFee: dice.of(["0", "0", "10"]) },
  ];
  return { feature, accumulates, tiers, ...burns, ...limit };
}

/** Ids of what is in no catalog of D1: any will do. */
function idOf(kind: number, place: number): string {
  return `0000000${kind}-0000-4000-8000-${String(place).padStart(12, "0")}`;
}

export function featureId(feature: string): string {
  return idOf(1, FEATURES.map(String).indexOf(feature) + 1);
}

export function planId(catalog: Catalog, plan: string): string {
  return idOf(2, catalog.findIndex(({ key }) => key === plan) + 1);
}

/** A version as its subscriber's object is told of it. */
export function pinOf(catalog: Catalog, { plan: key, version }: Ref): PlanPin {
  const plan = catalog.find((one) => one.key === key);
  const sold = plan?.versions[version - 1];
  if (plan === undefined || sold === undefined) throw new Error(`${key} has no version ${version}`);
  return {
    planId: planId(catalog, key),
    version,
    key,
    name: key,
    price: decimalToE12(sold.price),
    currency: plan.currency,
    intervalMonths: plan.months,
    billingTiming: plan.inArrears ? "IN_ARREARS" : "IN_ADVANCE",
    rules: sold.rules.map(
      (rule): VersionRule => ({
        featureId: featureId(rule.feature),
        featureKey: rule.feature,
        isEnabled: true,
        value: { pricing: pricingOf(rule) },
        ...(rule.burns ? { creditModelId: CREDIT_MODEL, denomination: DENOMINATION } : {}),
      }),
    ),
    allocations: sold.gives.map(allocationOf),
    createdAtMs: 0,
    planCreatedAtMs: 0,
    planModifiedAtMs: 0,
  };
}

function allocationOf({ model, credits, months, isHard, policy, cap }: Gift): Allocation {
  return {
    allocationId: model,
    creditModelId: model,
    creditModelName: "Plan credits",
    denomination: DENOMINATION,
    amountE4: decimalToE12(credits) / E12_PER_E4,
    hardLimit: isHard,
    rolloverPolicy: policy,
    ...(cap === undefined ? {} : { rolloverCapE4: decimalToE12(cap) / E12_PER_E4 }),
    ...(months === undefined ? {} : { grantExpiresMonths: months }),
    createdAtMs: 0,
  };
}

function pricingOf({ price, tiers, limit, accumulates }: Rule): Pricing {
  const terms = {
    resetMode: accumulates ? ("accumulate" as const) : ("reset" as const),
    ...(limit === undefined ? {} : { maxUsage: decimalToE12(limit) }),
  };
  if (price !== undefined) return { model: "usage", pricePerUnit: decimalToE12(price), ...terms };
  if (tiers === undefined) return { model: "included", ...terms };
  return {
    model: "graduated",
    tiers: tiers.map(({ upTo, price: each, flatFee }) => ({
      upTo: upTo === "inf" ? upTo : decimalToE12(upTo),
      pricePerUnit: decimalToE12(each),
      flatFee: decimalToE12(flatFee),
    })),
    ...terms,
  };
}
