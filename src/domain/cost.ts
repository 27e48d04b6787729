import { divideRounded, type E12, E12_ONE, multiplyE12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { RuleCost } from "./plan.ts";
import { type Rate, rateForInput, ratesAt, resolveModel, type TokenRates } from "./price-list.ts";

/**
 * What an event cost the account. Owns the order of sources, the split of tokens and the one rounding; leaves names and public
 * rates to `price-list.ts`.
 *
 * Laws: everything is multiplied and added as integers and rounded once, half away from zero, to 12 places; what is not known is
 * null, never zero; an event costed again under its `modelIdentity` costs the same.
 */

/**
 * What was used. Token counts are safe integers from 0. `inputTokens` counts all input: the cached ones are parts of it
 * (`cachedPartsFit`; the border refuses others). An empty name counts as absent.
 */
export type CostInput = {
  model?: string;
  modelProvider?: string;
  inputTokens?: number;
  outputTokens?: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  costUnitsE12?: E12;
};

/** An account's own rates: its currency per million tokens, in units of 10⁻¹⁸. One unit of `costUnits` counts as one input token. */
export type OwnRate = { inputPerMillionE18?: bigint; outputPerMillionE18?: bigint };

/** What an account settled about costs. `modelRates` by model, or by `provider/model`, exactly as written. Survives structured clone. */
export type CostTerms = {
  /** ISO 4217 code in upper case; every cost is in it. */
  currency: string;
  /** Account currency per US dollar. */
  usdExchangeRateE12?: E12;
  modelRates?: Readonly<Record<string, OwnRate>>;
  defaultRate?: OwnRate;
};

/** `perUnitE12`: a rule's cost of one unit, where units made the cost: corrected units then correct it. */
export type Cost = { amountE12: E12; source: "given" | "rule" | "account" | "catalog"; perUnitE12?: E12 };

/** An own rate per token or unit, as settings carry it, in the scale of `OwnRate`. Exact. */
export function rateFromPerToken(perTokenE12: E12): bigint {
  return perTokenE12 * 1_000_000n * SCALE_E12_TO_E18;
}

/** An own rate per million tokens, as settings carry it, in the scale of `OwnRate`. Exact. */
export function rateFromPerMillion(perMillionE12: E12): bigint {
  return perMillionE12 * SCALE_E12_TO_E18;
}

const SCALE_E12_TO_E18 = 1_000_000n;
/** Tokens × a rate of 10⁻¹⁸ per million are units of 10⁻²⁴; with an E12 among the factors, units of 10⁻³⁶. */
const E24_PER_E12 = E12_ONE;
const E36_PER_E12 = E12_ONE * E12_ONE;

/** True when the cached parts are no more than the input they are parts of; input that is absent counts as 0. */
export function cachedPartsFit({ inputTokens, cacheReadTokens, cacheWriteTokens }: CostInput): boolean {
  return (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0) <= (inputTokens ?? 0);
}

/**
 * The cost of one event, by the first source that knows it: given with the event → the plan's rule → the account's rate for the
 * model → its default rates → the public list at the event's instant. Null when none does.
 */
export function costOf(
  event: { costAmountE12?: E12; costInput?: CostInput; usageE12?: E12; occurredAtMs: number },
  terms: CostTerms,
  rule?: RuleCost,
): Cost | null {
  if (event.costAmountE12 !== undefined) return { amountE12: event.costAmountE12, source: "given" };
  const used = event.costInput === undefined ? undefined : usedOf(event.costInput);
  const byRule = rule === undefined ? null : ruleCost(rule, event, used);
  if (byRule !== null) return byRule;
  if (event.costInput === undefined || used === undefined) return null;
  return accountCost(event.costInput, used, terms) ?? catalogCost(event.costInput, used, event.occurredAtMs, terms);
}

/** By units: what is used of the feature; of none it says nothing. By model: as the account's own rates, with the rule's. */
function ruleCost(
  rule: RuleCost,
  { usageE12 = 0n, costInput }: { usageE12?: E12; costInput?: CostInput },
  used: Used | undefined,
): Cost | null {
  if (rule.model === "simple") {
    const perUnitE12 = rule.costPerUnit;
    return usageE12 === 0n ? null : { amountE12: multiplyE12(usageE12, perUnitE12), source: "rule", perUnitE12 };
  }
  if (costInput === undefined || used === undefined) return null;
  const { modelCosts, defaultInputCostPerUnit: input, defaultOutputCostPerUnit: output } = rule;
  const rateOf = (name: string): OwnRate | undefined => {
    const cost = Object.hasOwn(modelCosts, name) ? modelCosts[name] : undefined;
    return cost === undefined ? undefined : ownRate(cost.input, cost.output);
  };
  const amountE12 = amountByModel(costInput, used, rateOf, ownRate(input, output));
  return amountE12 === undefined ? null : { amountE12, source: "rule" };
}

/** Costs per token as an own rate. */
function ownRate(input: E12 | undefined, output: E12 | undefined): OwnRate {
  return {
    ...(input === undefined ? {} : { inputPerMillionE18: rateFromPerToken(input) }),
    ...(output === undefined ? {} : { outputPerMillionE18: rateFromPerToken(output) }),
  };
}

/**
 * Provider and model as analytics group them, "" when absent. Names are kept as sent, trimmed; a model sent without provider
 * gets the one that its prefix or the price list names (`openai/gpt-4o-mini` is openai's gpt-4o-mini).
 */
export function modelIdentity(input: CostInput): { provider: string; model: string } {
  const { provider, model } = resolveModel(input.modelProvider ?? "", input.model ?? "");
  return { provider, model };
}

/** Either tokens or units: tokens decide where both are given, since units have no public price. */
type Used =
  | { kind: "tokens"; input: number; output: number; cacheRead: number; cacheWrite: number }
  | { kind: "units"; unitsE12: E12 };

/** Undefined when neither tokens nor units were reported: nothing can be known then. Zeros that were reported are known. */
function usedOf(input: CostInput): Used | undefined {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUnitsE12 } = input;
  const tokens = [inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens];
  for (const count of tokens)
    assert(count === undefined || (Number.isSafeInteger(count) && count >= 0), "token counts are whole, from 0");
  assert(cachedPartsFit(input), "cached tokens are parts of the input");
  assert(costUnitsE12 === undefined || costUnitsE12 >= 0n, "cost units are not negative");
  const anyTokens = tokens.some((count) => count !== undefined && count > 0);
  // Some clients send token counts of 0 beside the units that they mean.
  if (!anyTokens && costUnitsE12 !== undefined && costUnitsE12 > 0n) return { kind: "units", unitsE12: costUnitsE12 };
  if (tokens.some((count) => count !== undefined)) {
    return {
      kind: "tokens",
      input: inputTokens ?? 0,
      output: outputTokens ?? 0,
      cacheRead: cacheReadTokens ?? 0,
      cacheWrite: cacheWriteTokens ?? 0,
    };
  }
  return costUnitsE12 === undefined ? undefined : { kind: "units", unitsE12: costUnitsE12 };
}

function accountCost(input: CostInput, used: Used, { modelRates, defaultRate }: CostTerms): Cost | null {
  if (modelRates === undefined && defaultRate === undefined) return null;
  // Models are named by callers: `constructor` must find a rate only where the account has set one.
  const rateOf = (name: string): OwnRate | undefined =>
    modelRates !== undefined && Object.hasOwn(modelRates, name) ? modelRates[name] : undefined;
  const amountE12 = amountByModel(input, used, rateOf, defaultRate);
  return amountE12 === undefined ? null : { amountE12, source: "account" };
}

/** By the first rate that knows: of `provider/model`, which says more than the model alone, of the model, the default. */
function amountByModel(
  input: CostInput,
  used: Used,
  rateOf: (name: string) => OwnRate | undefined,
  defaultRate: OwnRate | undefined,
): E12 | undefined {
  const { provider, model } = modelIdentity(input);
  for (const rate of [rateOf(`${provider}/${model}`), rateOf(model), defaultRate]) {
    const amountE12 = rate === undefined ? undefined : ownAmount(used, rate);
    if (amountE12 !== undefined) return amountE12;
  }
  return undefined;
}

/** Undefined where a kind of token was used that the account gave no rate for: half a cost would look like a whole one. */
function ownAmount(used: Used, { inputPerMillionE18, outputPerMillionE18 }: OwnRate): E12 | undefined {
  if (used.kind === "units") {
    return inputPerMillionE18 === undefined
      ? undefined
      : divideRounded(used.unitsE12 * inputPerMillionE18, E36_PER_E12);
  }
  if (inputPerMillionE18 === undefined && outputPerMillionE18 === undefined) return undefined;
  if (inputPerMillionE18 === undefined && used.input > 0) return undefined;
  if (outputPerMillionE18 === undefined && used.output > 0) return undefined;
  const inputE24 = BigInt(used.input) * (inputPerMillionE18 ?? 0n);
  return divideRounded(inputE24 + BigInt(used.output) * (outputPerMillionE18 ?? 0n), E24_PER_E12);
}

function catalogCost(input: CostInput, used: Used, atMs: number, terms: CostTerms): Cost | null {
  if (used.kind === "units") return null;
  const { currency, usdExchangeRateE12 } = terms;
  if (currency !== "USD" && usdExchangeRateE12 === undefined) return null;
  const { listed } = resolveModel(input.modelProvider ?? "", input.model ?? "");
  const rates = listed === undefined ? null : ratesAt(listed, atMs);
  const usdE24 = rates === null ? null : usdOf(used, rates);
  if (usdE24 === null) return null;
  const amountE12 =
    currency === "USD" || usdExchangeRateE12 === undefined
      ? divideRounded(usdE24, E24_PER_E12)
      : divideRounded(usdE24 * usdExchangeRateE12, E36_PER_E12);
  return { amountE12, source: "catalog" };
}

/**
 * Tokens at the list's rates, in USD of 10⁻²⁴, as the package sums them: cached tokens at their own rate or else as other input,
 * each rate's tier by the whole input, and the fee of one request where a model has one. A kind of token that a model has no
 * rate for is free (embeddings have no output), unless no kind that was used has one: then the model is not billed by these.
 */
function usdOf(used: Extract<Used, { kind: "tokens" }>, rates: TokenRates): bigint | null {
  const read = rates.cacheRead === undefined ? 0 : used.cacheRead;
  const write = rates.cacheWrite === undefined ? 0 : used.cacheWrite;
  let sumE24 = rates.requestE18 ?? 0n;
  let kindsUsed = 0;
  let kindsPriced = 0;
  const add = (count: number, rate: Rate | undefined) => {
    if (count === 0) return;
    kindsUsed += 1;
    if (rate === undefined) return;
    kindsPriced += 1;
    sumE24 += BigInt(count) * rateForInput(rate, used.input);
  };
  add(used.input - read - write, rates.input);
  add(read, rates.cacheRead);
  add(write, rates.cacheWrite);
  add(used.output, rates.output);
  return kindsUsed > 0 && kindsPriced === 0 ? null : sumE24;
}
