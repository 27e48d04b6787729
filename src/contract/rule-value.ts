import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import { RULE_MODELS_MAX, RULE_TIERS_MAX } from "../domain/limits.ts";
import type { RuleCost, RuleValue } from "../domain/plan.ts";
import { PRICING_MODELS, type Pricing, pricingProblems, RESET_MODES, type Tier } from "../domain/pricing.ts";
import { decimal, decimalNotNegative, name } from "./scalars.ts";

/**
 * The `value` of a rule on the wire: nested under `pricing` and `cost`, or flat with all fields at the top. Both are
 * read; what is answered is nested. A wrong field is named as the caller wrote it.
 */

const COST_MODELS = ["simple", "model_aware"] as const;

/** A bound of a tier: units, or `"inf"`. */
const upTo = z
  .union([z.literal("inf"), z.number(), z.string().max(64)], { error: 'must be a number of units, or "inf"' })
  .transform((value, context) => {
    if (value === "inf") return value;
    const read = decimal.safeParse(value);
    if (read.success) return read.data;
    context.addIssue({ code: "custom", message: 'must be a number of units, or "inf"' });
    return z.NEVER;
  })
  .meta({
    anyOf: [{ type: "number" }, { type: "string" }],
    description: 'The last unit of this tier, inclusive; `"inf"` in the last tier, and only there.',
  });

const TierBody = z
  .object({
    up_to: upTo,
    price_per_unit: decimal.optional().meta({ description: "Needed, here or as `cost_rate`." }),
    cost_rate: decimal.optional().meta({ description: "Another name of `price_per_unit`." }),
    flat_fee: decimal.optional().meta({ description: "Due once, with the tier's first unit. Default 0." }),
  })
  .meta({ id: "RuleTier" });

const pricingFields = {
  model: z.enum(PRICING_MODELS).optional(),
  price_per_unit: decimal.optional().meta({ description: "`usage`: needed, here or as `cost_rate`." }),
  cost_rate: decimal.optional().meta({ description: "Another name of `price_per_unit`." }),
  tiers: z
    .array(TierBody)
    .max(RULE_TIERS_MAX)
    .optional()
    .meta({ description: "`graduated`: each unit costs what its tier says. Rise strictly and end in `inf`." }),
  usage_unit_type: name.optional().meta({ description: "What one unit is called, such as `call`." }),
  max_usage: decimal.optional().meta({ description: "Access ends when so many units are used. Default: no limit." }),
  reset_mode: z
    .enum(RESET_MODES)
    .optional()
    .meta({ description: "`reset` (default): used units count from each period's start; `accumulate`: never reset." }),
};

const costFields = {
  cost_per_unit: decimalNotNegative.optional().meta({ description: "`simple`: what a unit costs you." }),
  default_input_cost_per_unit: decimalNotNegative.optional().meta({ description: "Per token, for other models." }),
  default_output_cost_per_unit: decimalNotNegative.optional(),
  model_costs: z
    .record(name, z.object({ input: decimalNotNegative, output: decimalNotNegative }))
    .refine((costs) => Object.keys(costs).length <= RULE_MODELS_MAX, {
      message: `must name at most ${RULE_MODELS_MAX} models`,
    })
    .optional()
    .meta({ description: "`model_aware`: per token, by model." }),
};

const PricingBody = z.object(pricingFields).meta({ id: "RulePricing" });
const CostBody = z.object({ model: z.enum(COST_MODELS).optional(), ...costFields }).meta({ id: "RuleCost" });

type Issue = (path: (string | number)[], message: string) => void;

/** A value as sent → the domain's. `{}`: included, without limit. */
export const RuleValueBody = z
  .object({
    pricing: PricingBody.optional(),
    cost: CostBody.optional(),
    ...pricingFields,
    cost_model: z.enum(COST_MODELS).optional(),
    ...costFields,
  })
  .transform((sent, context): RuleValue => {
    let sound = true;
    const issue: Issue = (path, message) => {
      sound = false;
      context.addIssue({ code: "custom", path, message });
    };
    const flatPricing = Object.keys(pricingFields).some((field) => field in sent);
    const flatCost = "cost_model" in sent || Object.keys(costFields).some((field) => field in sent);
    const pricing =
      sent.pricing !== undefined
        ? readPricing(sent.pricing, ["pricing"], issue)
        : flatPricing
          ? readPricing(sent, [], issue)
          : undefined;
    const cost =
      sent.cost !== undefined
        ? readCost(sent.cost, ["cost"], "model", issue)
        : flatCost
          ? readCost({ ...sent, model: sent.cost_model }, [], "cost_model", issue)
          : undefined;
    if (!sound) return z.NEVER;
    const value = { ...(pricing === undefined ? {} : { pricing }), ...(cost === undefined ? {} : { cost }) };
    if (sent.pricing === undefined) sentFlat.add(value);
    return value;
  })
  .meta({
    id: "RuleValue",
    description:
      "`{}` or absent: included. Nested (`pricing`, `cost`) or flat, with the fields of both at the top (`cost_model` for the cost's `model`). Fields that the model does not use are ignored.",
  });

/** Values whose pricing came with its fields at the top: what is found wrong with it later has to name the field that was sent. */
const sentFlat = new WeakSet<RuleValue>();

/** Where a request said the unit label of a rule, from the rule on. */
export function unitLabelPath(value: RuleValue | undefined): string {
  return value !== undefined && sentFlat.has(value) ? "value.usage_unit_type" : "value.pricing.usage_unit_type";
}

/** Fields of the domain by their names on the wire, for problems. */
const WIRE_NAMES: Record<string, string> = {
  upTo: "up_to",
  pricePerUnit: "price_per_unit",
  flatFee: "flat_fee",
  maxUsage: "max_usage",
};

type Priced = { price_per_unit?: bigint | undefined; cost_rate?: bigint | undefined };

/** A price under either of its names. */
function priceOf(sent: Priced, path: (string | number)[], issue: Issue): bigint {
  const { price_per_unit: price, cost_rate: alias } = sent;
  if (price !== undefined && alias !== undefined && price !== alias)
    issue([...path, "cost_rate"], "differs from price_per_unit, which means the same: send one of them");
  const given = price ?? alias;
  if (given === undefined) issue([...path, "price_per_unit"], "is needed: what one unit costs");
  return given ?? 0n;
}

function readPricing(sent: z.output<typeof PricingBody>, path: string[], issue: Issue): Pricing | undefined {
  const { model, usage_unit_type: unitLabel, max_usage: maxUsage, reset_mode: resetMode = "reset" } = sent;
  const terms = {
    ...(unitLabel === undefined ? {} : { unitLabel }),
    ...(maxUsage === undefined ? {} : { maxUsage }),
    resetMode,
  };
  let pricing: Pricing;
  switch (model) {
    case undefined:
      issue([...path, "model"], `is needed: ${PRICING_MODELS.join(", ")}`);
      return undefined;
    case "included":
      pricing = { model, ...terms };
      break;
    case "usage":
      pricing = { model, pricePerUnit: priceOf(sent, path, issue), ...terms };
      break;
    case "graduated": {
      const tiers = (sent.tiers ?? []).map(
        (tier, index): Tier => ({
          upTo: tier.up_to,
          pricePerUnit: priceOf(tier, [...path, "tiers", index], issue),
          flatFee: tier.flat_fee ?? 0n,
        }),
      );
      pricing = { model, tiers, ...terms };
    }
  }
  for (const { at, why } of pricingProblems(pricing)) {
    const wire = at.map((step) => (typeof step === "number" ? step : (WIRE_NAMES[step] ?? step)));
    // Told under the name that the caller used.
    const place = at.reduce<unknown>(
      (value, _, depth) => (value as Record<string, unknown>)?.[wire[depth] ?? ""],
      sent,
    );
    if (place === undefined && wire.at(-1) === "price_per_unit") wire.splice(-1, 1, "cost_rate");
    issue([...path, ...wire], why);
  }
  return pricing;
}

type SentCost = z.output<typeof CostBody>;

function readCost(sent: SentCost, path: string[], modelField: string, issue: Issue): RuleCost | undefined {
  if (sent.model === undefined) {
    issue([...path, modelField], `is needed: ${COST_MODELS.join(", ")}`);
    return undefined;
  }
  if (sent.model === "simple") {
    if (sent.cost_per_unit === undefined) issue([...path, "cost_per_unit"], "is needed: what one unit costs you");
    return { model: "simple", costPerUnit: sent.cost_per_unit ?? 0n };
  }
  const { default_input_cost_per_unit: input, default_output_cost_per_unit: output, model_costs: modelCosts } = sent;
  return {
    model: "model_aware",
    ...(input === undefined ? {} : { defaultInputCostPerUnit: input }),
    ...(output === undefined ? {} : { defaultOutputCostPerUnit: output }),
    // In one order, so that the same costs in another one are no change of the rule.
    modelCosts: Object.fromEntries(Object.entries(modelCosts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

const tierWire = z.object({
  up_to: z.union([z.number(), z.literal("inf")]),
  price_per_unit: z.number(),
  flat_fee: z.number(),
});

export const RuleValueWire = z
  .object({
    pricing: z
      .object({
        model: z.enum(PRICING_MODELS),
        price_per_unit: z.number().optional(),
        tiers: z.array(tierWire).optional(),
        usage_unit_type: z.string().optional(),
        max_usage: z.number().optional(),
        reset_mode: z.enum(RESET_MODES),
      })
      .optional(),
    cost: z
      .object({
        model: z.enum(COST_MODELS),
        cost_per_unit: z.number().optional(),
        default_input_cost_per_unit: z.number().optional(),
        default_output_cost_per_unit: z.number().optional(),
        model_costs: z.record(z.string(), z.object({ input: z.number(), output: z.number() })).optional(),
      })
      .optional(),
  })
  .meta({ id: "RuleValueNested" });

export function toWireRuleValue({ pricing, cost }: RuleValue): z.input<typeof RuleValueWire> {
  return {
    ...(pricing === undefined ? {} : { pricing: toWirePricing(pricing) }),
    ...(cost === undefined ? {} : { cost: toWireCost(cost) }),
  };
}

function toWirePricing(pricing: Pricing): NonNullable<z.input<typeof RuleValueWire>["pricing"]> {
  return {
    model: pricing.model,
    ...(pricing.model === "usage" ? { price_per_unit: e12ToNumber(pricing.pricePerUnit) } : {}),
    ...(pricing.model === "graduated" ? { tiers: pricing.tiers.map(toWireTier) } : {}),
    ...(pricing.unitLabel === undefined ? {} : { usage_unit_type: pricing.unitLabel }),
    ...(pricing.maxUsage === undefined ? {} : { max_usage: e12ToNumber(pricing.maxUsage) }),
    reset_mode: pricing.resetMode,
  };
}

function toWireTier({ upTo: bound, pricePerUnit, flatFee }: Tier): z.input<typeof tierWire> {
  return {
    up_to: bound === "inf" ? bound : e12ToNumber(bound),
    price_per_unit: e12ToNumber(pricePerUnit),
    flat_fee: e12ToNumber(flatFee),
  };
}

function toWireCost(cost: RuleCost): NonNullable<z.input<typeof RuleValueWire>["cost"]> {
  if (cost.model === "simple") return { model: "simple", cost_per_unit: e12ToNumber(cost.costPerUnit) };
  const { defaultInputCostPerUnit: input, defaultOutputCostPerUnit: output, modelCosts } = cost;
  return {
    model: "model_aware",
    ...(input === undefined ? {} : { default_input_cost_per_unit: e12ToNumber(input) }),
    ...(output === undefined ? {} : { default_output_cost_per_unit: e12ToNumber(output) }),
    model_costs: Object.fromEntries(
      Object.entries(modelCosts).map(([model, rates]) => [
        model,
        { input: e12ToNumber(rates.input), output: e12ToNumber(rates.output) },
      ]),
    ),
  };
}
