import type { AccountSnapshot } from "../catalog/snapshot.ts";
import type { Weight } from "../domain/credit.ts";
import type { CreditTerms } from "../domain/credit-weight.ts";

/**
 * What an account settled about credits, for the calls that may burn any. A call to an object copies what it is given, so only the
 * weights that can matter go along: none where the account has none, which is nearly always.
 */

/** What may be used; a feature without a model, or with one. */
type Use = { featureId?: string; model?: string };

/** The weights of these features for these models, to be spread into a call. */
export function creditTermsFor({ weightsByFeature }: AccountSnapshot, uses: readonly Use[]): { credits?: CreditTerms } {
  if (weightsByFeature.size === 0) return {};
  const modelsOf = new Map<string, Set<string | undefined>>();
  for (const { featureId, model } of uses) {
    if (featureId === undefined || !weightsByFeature.has(featureId)) continue;
    const models = modelsOf.get(featureId) ?? new Set([undefined]);
    modelsOf.set(featureId, models.add(model?.trim()));
  }
  return termsOf([...modelsOf].map(([featureId, models]) => [featureId, weightsByFeature.get(featureId), models]));
}

/** The weights of all features, or of one, for all models, or for one: where nobody here knows yet which feature or model is used. */
export function allCreditTerms(
  { weightsByFeature }: AccountSnapshot,
  { featureId, model }: { featureId?: string | undefined; model?: string | undefined } = {},
): { credits?: CreditTerms } {
  const models = model === undefined ? undefined : new Set([undefined, model.trim()]);
  const all = [...weightsByFeature].filter(([of]) => featureId === undefined || of === featureId);
  return termsOf(all.map(([of, weights]) => [of, weights, models]));
}

function termsOf(
  features: readonly [string, readonly Weight[] | undefined, ReadonlySet<string | undefined> | undefined][],
): { credits?: CreditTerms } {
  if (features.length === 0) return {};
  const weights: Record<string, readonly Weight[]> = {};
  for (const [featureId, known = [], models] of features)
    weights[featureId] = models === undefined ? known : known.filter(({ model }) => models.has(model));
  return { credits: { weights } };
}

/** Those of the feature that a question names by its key. */
export function creditTermsOf(
  snapshot: AccountSnapshot,
  featureKey: string,
  model?: string,
): { credits?: CreditTerms } {
  const featureId = snapshot.featuresByKey.get(featureKey)?.featureId;
  if (featureId === undefined) return {};
  return creditTermsFor(snapshot, [model === undefined ? { featureId } : { featureId, model }]);
}
