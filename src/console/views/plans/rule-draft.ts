import { numberOf, textOf } from "../../ui/form.tsx";
import type { PlanFeatures } from "../../wire.ts";

/** A rule while it is edited: numbers as they are typed. */

export type PriceModel = "included" | "usage" | "graduated";
export type ResetMode = "reset" | "accumulate";

/** `id` tells rows apart while they come and go. The last tier's `upTo` is not asked for: it has no end. */
export type TierDraft = { id: number; upTo: string; price: string; fee: string };

type WireRule = PlanFeatures["features"][number]["rule"];

export type RuleDraft = {
  featureId: string;
  featureKey: string;
  featureName: string;
  isEnabled: boolean;
  model: PriceModel;
  unit: string;
  price: string;
  tiers: readonly TierDraft[];
  limit: string;
  resetMode: ResetMode;
  /** Empty: it burns no credits. */
  creditModelId: string;
  /** What a unit costs the account is not edited here, and kept. */
  cost: WireRule["value"]["cost"];
};

let lastTier = 0;

export function newTier(price = "", upTo = ""): TierDraft {
  lastTier += 1;
  return { id: lastTier, upTo, price, fee: "" };
}

const text = (value: number | undefined): string => (value === undefined ? "" : String(value));

/** A feature that is put into a plan: included, until somebody says a price. */
export function newRule({ id, key, name }: { id: string; key: string; name: string }): RuleDraft {
  return {
    featureId: id,
    featureKey: key,
    featureName: name,
    isEnabled: true,
    model: "included",
    unit: "",
    price: "",
    tiers: [newTier("", "1000"), newTier()],
    limit: "",
    resetMode: "reset",
    creditModelId: "",
    cost: undefined,
  };
}

export function draftOf({ rule, ...feature }: PlanFeatures["features"][number]): RuleDraft {
  const { pricing, cost } = rule.value;
  const draft = newRule(feature);
  return {
    ...draft,
    isEnabled: rule.isEnabled,
    model: pricing?.model ?? "included",
    unit: pricing?.usage_unit_type ?? "",
    price: text(pricing?.price_per_unit),
    tiers:
      pricing?.tiers?.map(({ up_to, price_per_unit, flat_fee }) => ({
        ...newTier(String(price_per_unit), up_to === "inf" ? "" : String(up_to)),
        fee: flat_fee === 0 ? "" : text(flat_fee),
      })) ?? draft.tiers,
    limit: text(pricing?.max_usage),
    resetMode: pricing?.reset_mode ?? "reset",
    creditModelId: rule.creditModelId ?? "",
    cost,
  };
}

/** The rule as the API takes it. Without anything to say of its price it is included. */
export function bodyOf(draft: RuleDraft) {
  const { featureId, isEnabled, creditModelId, cost } = draft;
  const pricing = pricingBody(draft);
  return {
    featureId,
    isEnabled,
    value: { ...(pricing === undefined ? {} : { pricing }), ...(cost === undefined ? {} : { cost }) },
    ...(creditModelId === "" ? {} : { creditModelId }),
  };
}

function pricingBody({ model, unit, price, tiers, limit, resetMode }: RuleDraft) {
  const [unitType, max] = [textOf(unit), numberOf(limit)];
  const isBare = model === "included" && unitType === undefined && max === undefined && resetMode === "reset";
  if (isBare) return undefined;
  const last = tiers.length - 1;
  return {
    model,
    ...(model === "usage" ? { price_per_unit: numberOf(price) } : {}),
    ...(model === "graduated"
      ? {
          tiers: tiers.map(({ upTo, price: perUnit, fee }, index) => ({
            up_to: index === last ? "inf" : (numberOf(upTo) ?? 0),
            price_per_unit: numberOf(perUnit),
            flat_fee: numberOf(fee),
          })),
        }
      : {}),
    ...(unitType === undefined ? {} : { usage_unit_type: unitType }),
    ...(max === undefined ? {} : { max_usage: max }),
    reset_mode: resetMode,
  };
}

/** A tier as numbers, for the eye: what is not one yet counts as 0. `upTo` undefined: without end. */
export type CurveTier = { upTo: number | undefined; price: number; fee: number };

/** The tiers that a draft's price is made of; an included feature has none. */
export function curveTiers({ model, price, tiers }: RuleDraft): CurveTier[] {
  const number = (typed: string): number => {
    const value = numberOf(typed);
    return typeof value === "number" && value > 0 ? value : 0;
  };
  if (model === "included") return [];
  if (model === "usage") return [{ upTo: undefined, price: number(price), fee: 0 }];
  return tiers.map(({ upTo, price: perUnit, fee }, index) => ({
    upTo: index === tiers.length - 1 ? undefined : number(upTo),
    price: number(perUnit),
    fee: number(fee),
  }));
}

/** What so many units come to, for the eye alone: invoices are computed exactly, elsewhere. */
export function curveAt(tiers: readonly CurveTier[], units: number): number {
  let [sum, below] = [0, 0];
  for (const { upTo, price, fee } of tiers) {
    if (units <= below) break;
    sum += fee + (Math.min(units, upTo ?? units) - below) * price;
    if (upTo === undefined) break;
    below = Math.max(below, upTo);
  }
  return sum;
}
