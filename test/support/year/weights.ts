import { decimalToE12 } from "../../../src/domain/amount.ts";
import type { Weight } from "../../../src/domain/credit.ts";
import type { CreditTerms } from "../../../src/domain/credit-weight.ts";
import { featureId } from "./catalog.ts";
import { type Exact, exact } from "./exact.ts";
import { START_MS } from "./script.ts";

/** What a unit of calls burns: by its model, and at its own time. */

const DAY = 86_400_000;

/** A dated weight, of a model or of all that have none. */
export type Weighting = { model?: string; fromMs: number; credits: string };

/** In order of time. Until the first one a unit burns one credit. */
export const WEIGHTS: readonly Weighting[] = [
  { fromMs: START_MS + 6 * DAY, credits: "2.5" },
  { model: "large", fromMs: START_MS + 12 * DAY, credits: "10" },
  { fromMs: START_MS + 20 * DAY, credits: "0.333333333333" },
  { model: "small", fromMs: START_MS + 33 * DAY, credits: "0.00004" },
  { model: "large", fromMs: START_MS + 47 * DAY, credits: "7.77" },
];
export const MODELS = ["large", "small", "other"] as const;

/** Use that is told late is weighed as if it were two days old at most, since older weights come along with no call. */
export function weightAt(nowMs: number, model: string | undefined, usedMs: number): Exact {
  const atMs = Math.max(usedMs, nowMs - 2 * DAY);
  const inForce = (of: string | undefined) => WEIGHTS.findLast((one) => one.model === of && one.fromMs <= atMs);
  const found = (model === undefined ? undefined : inForce(model)) ?? inForce(undefined);
  return exact(found?.credits ?? "1");
}

/** The same as it comes along with calls. */
export function creditTerms(weights: readonly Weighting[]): CreditTerms {
  const all = weights.map(
    ({ model, fromMs, credits }, index): Weight => ({
      weightId: `00000004-0000-4000-8000-${String(index + 1).padStart(12, "0")}`,
      creditsPerUnitE12: decimalToE12(credits),
      effectiveFromMs: fromMs,
      ...(model === undefined ? {} : { model }),
    }),
  );
  return { weights: { [featureId("calls")]: all } };
}
