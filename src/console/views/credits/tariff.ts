import type { CreditPrice, CreditWeight, Feature } from "../../wire.ts";

/** Weights and prices as rows to look at: what is in force now, what comes, and the margin that follows from both. */

type Dated = { effectiveFrom: string; effectiveUntil?: string | undefined };

/** In force at an instant. */
export function isInForce({ effectiveFrom, effectiveUntil }: Dated, nowMs: number): boolean {
  return Date.parse(effectiveFrom) <= nowMs && (effectiveUntil === undefined || Date.parse(effectiveUntil) > nowMs);
}

/** The soonest of those that are still to come. */
export function nextOf<T extends Dated>(rows: readonly T[], nowMs: number): T | undefined {
  return rows
    .filter(({ effectiveFrom }) => Date.parse(effectiveFrom) > nowMs)
    .sort((a, b) => Date.parse(a.effectiveFrom) - Date.parse(b.effectiveFrom))[0];
}

export type WeightRow = {
  featureId: string;
  featureKey: string;
  /** Absent: for every model without a weight of its own. */
  model?: string;
  denomination?: string;
  /** What a unit burns; 1 where nothing was published. */
  weight: number;
  isPublished: boolean;
  next?: CreditWeight;
  /** What a unit cost in the last 30 days, in the account's currency; absent without usage or without a known cost. */
  unitCost?: number;
  /** What a credit is sold for in the account's currency; absent where the book has no price. */
  price?: number;
};

/** By feature id, and by `FEATURE_ID:MODEL`. */
export type UnitCosts = Record<string, number | null>;

/** What a unit brings by weight and price. */
export function unitPrice({ weight, price }: Pick<WeightRow, "weight" | "price">): number | undefined {
  return price === undefined ? undefined : weight * price;
}

/** Percent of what a unit brings that its observed cost leaves; undefined where either is not known. */
export function marginPercent(row: Pick<WeightRow, "weight" | "price" | "unitCost">): number | undefined {
  const brings = unitPrice(row);
  if (brings === undefined || brings === 0 || row.unitCost === undefined) return undefined;
  return (1 - row.unitCost / brings) * 100;
}

/** As the API's own words for a customer's margin. */
export function marginState(percent: number): "healthy" | "at_risk" | "underwater" {
  return percent >= 70 ? "healthy" : percent >= 40 ? "at_risk" : "underwater";
}

/**
 * A row for each feature that burns credits, and one for each of its models that has a weight or a cost of its own: worst margin first,
 * then what is not known.
 */
export function weightRows(
  known: {
    weights: readonly CreditWeight[];
    prices: readonly CreditPrice[];
    denominations: Record<string, string>;
    unitCosts: UnitCosts;
    features: readonly Feature[];
    currency: string;
  },
  nowMs: number,
): WeightRow[] {
  const { weights, prices, denominations, unitCosts, features, currency } = known;
  const featureIds = new Set([...Object.keys(denominations), ...weights.map(({ featureId }) => featureId)]);
  const priceOf = (denomination: string | undefined): number | undefined =>
    prices.find((one) => one.denomination === denomination && one.currency === currency && isInForce(one, nowMs))
      ?.pricePerCredit;
  const rows = [...featureIds].flatMap((featureId) => {
    const own = weights.filter((weight) => weight.featureId === featureId);
    const featureKey = features.find(({ id }) => id === featureId)?.key ?? own[0]?.featureKey ?? featureId;
    const denomination = denominations[featureId];
    const byDefault = own.find((weight) => weight.model === undefined && isInForce(weight, nowMs));
    const models = new Set([
      ...own.flatMap(({ model }) => (model === undefined ? [] : [model])),
      ...Object.keys(unitCosts).flatMap((key) =>
        key.startsWith(`${featureId}:`) ? [key.slice(featureId.length + 1)] : [],
      ),
    ]);
    return [undefined, ...models].map((model): WeightRow => {
      const ofModel = own.filter((weight) => weight.model === model);
      const inForce = ofModel.find((weight) => isInForce(weight, nowMs));
      const next = nextOf(ofModel, nowMs);
      const unitCost = unitCosts[model === undefined ? featureId : `${featureId}:${model}`];
      const price = priceOf(denomination);
      return {
        featureId,
        featureKey,
        ...(model === undefined ? {} : { model }),
        ...(denomination === undefined ? {} : { denomination }),
        weight: inForce?.creditsPerUnit ?? byDefault?.creditsPerUnit ?? 1,
        isPublished: inForce !== undefined,
        ...(next === undefined ? {} : { next }),
        ...(unitCost === undefined || unitCost === null ? {} : { unitCost }),
        ...(price === undefined ? {} : { price }),
      };
    });
  });
  const rank = (row: WeightRow): number => marginPercent(row) ?? Number.POSITIVE_INFINITY;
  // Infinities differ by NaN, which sorts as equal.
  return rows.sort((a, b) => rank(a) - rank(b) || a.featureKey.localeCompare(b.featureKey));
}
