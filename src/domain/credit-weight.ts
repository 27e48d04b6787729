import { E12_ONE } from "./amount.ts";
import type { AppliedWeight, CreditPrice, Weight } from "./credit.ts";
import { OCCURRED_AHEAD_MS_MAX, WEIGHT_LATE_MS_MAX } from "./limits.ts";

/**
 * Which weight an event burns credits by. Owns the choice. Leaves the rounding of a charge to `charge.ts`.
 *
 * Law: what is in force at an instant does not change once the instant is here, so the choice is the same whenever it is made.
 */

/** Of a feature without a weight. */
const UNWEIGHTED_E12 = E12_ONE;

/** What of an account's weights comes along with a call: by feature, newest last. A feature without any is not in it. */
export type CreditTerms = { weights: Readonly<Record<string, readonly Weight[]>> };

/** By what a use is weighed. `atMs` is the instant whose weights count; without `terms` no feature has a weight. */
export type Weighing = { terms?: CreditTerms; model?: string; atMs: number };

/** What a unit of a feature burns. */
export function weigh({ terms, model, atMs }: Weighing, featureId: string): AppliedWeight {
  return weightFor(terms?.weights[featureId] ?? [], model, atMs);
}

/** When a unit of a feature may begin to burn something else, unless more is published; infinite where nothing is known to come. */
export function nextWeightAtMs({ terms, model, atMs }: Weighing, featureId: string): number {
  const named = model?.trim();
  // Newest last. The feature's own weight counts where the model has none.
  const isNext = (weight: Weight): boolean =>
    weight.effectiveFromMs > atMs && (weight.model === undefined || weight.model === named);
  return terms?.weights[featureId]?.find(isNext)?.effectiveFromMs ?? Number.POSITIVE_INFINITY;
}

/** What a credit costs at an instant, by prices that are newest last; undefined where it has no price in this currency. */
export function priceInForce(
  prices: readonly CreditPrice[],
  { denomination, currency }: Pick<CreditPrice, "denomination" | "currency">,
  atMs: number,
): CreditPrice | undefined {
  return prices.findLast(
    (price) => price.denomination === denomination && price.currency === currency && price.effectiveFromMs <= atMs,
  );
}

/** The instant whose weights count for an event: its own, as far back and ahead as they are known. */
export function weightInstant(occurredAtMs: number, nowMs: number): number {
  return Math.min(Math.max(occurredAtMs, nowMs - WEIGHT_LATE_MS_MAX), nowMs + OCCURRED_AHEAD_MS_MAX);
}

/**
 * Credits that a unit burns at an instant, by the weights of its feature, newest last: that of the model if one is in force, else the
 * feature's own, else 1. Models are compared trimmed and exact.
 */
export function weightFor(weights: readonly Weight[], model: string | undefined, atMs: number): AppliedWeight {
  const named = model?.trim();
  const inForce = (of: string | undefined): Weight | undefined =>
    weights.findLast((weight) => weight.model === of && weight.effectiveFromMs <= atMs);
  const own = named === undefined || named === "" ? undefined : inForce(named);
  const found = own ?? inForce(undefined);
  if (found === undefined) return { creditsPerUnitE12: UNWEIGHTED_E12, match: "NONE" };
  const { weightId, creditsPerUnitE12 } = found;
  return { weightId, creditsPerUnitE12, match: own === undefined ? "FEATURE_DEFAULT" : "MODEL" };
}
