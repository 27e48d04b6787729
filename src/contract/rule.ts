import * as z from "zod";
import { PLAN_FEATURES_MAX } from "../domain/limits.ts";
import type { Rule } from "../domain/plan.ts";
import { FeatureWire } from "./feature.ts";
import { RuleValueBody, RuleValueWire, toWireRuleValue } from "./rule-value.ts";
import { idText, instantText } from "./scalars.ts";

/** Rules on the wire: which features a plan has, at which price. */

const said = {
  isEnabled: z.boolean().optional().meta({ description: "A disabled rule keeps its price and denies access." }),
  type: z.string().optional().meta({ description: "Ignored." }),
  value: RuleValueBody.optional(),
  creditModelId: idText.optional().meta({ description: "Units of the feature are paid by credits of this model." }),
};

export const CreateRule = z.object({ planId: idText, featureId: idText, ...said }).meta({ id: "CreateRule" });

export const ChangeRule = z
  .object({
    planId: idText,
    featureId: idText,
    ...said,
    value: RuleValueBody.optional().meta({ description: "Replaces the whole value; `{}` makes it included." }),
    creditModelId: idText.optional().meta({ description: "An empty string clears it." }),
  })
  .meta({ id: "ChangeRule" });

export const ReplaceRules = z
  .object({ features: z.array(z.object({ featureId: idText, ...said })).max(PLAN_FEATURES_MAX) })
  .meta({ id: "ReplaceRules" });

const EXAMPLE = {
  id: "7f5e1d3c-2b4a-4c6d-8e9f-0a1b2c3d4e5f",
  planId: "a3c9e5d7-1b2f-4a6c-8d0e-9f7b5c3a1e2d",
  featureId: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d",
  isEnabled: true,
  enabled: true,
  value: {
    pricing: {
      model: "graduated" as const,
      tiers: [
        { up_to: 1000, price_per_unit: 0.1, flat_fee: 0 },
        { up_to: 10_000, price_per_unit: 0.05, flat_fee: 5 },
        { up_to: "inf" as const, price_per_unit: 0.02, flat_fee: 0 },
      ],
      usage_unit_type: "call",
      reset_mode: "reset" as const,
    },
  },
  createdAt: "2027-01-04T09:30:00.000Z",
  modifiedAt: "2027-01-04T09:30:00.000Z",
};

export const RuleWire = z
  .object({
    id: z.uuid(),
    planId: z.uuid(),
    featureId: z.uuid(),
    isEnabled: z.boolean(),
    enabled: z.boolean().meta({ description: "The same as `isEnabled`." }),
    value: RuleValueWire,
    creditModelId: z.uuid().optional(),
    creditModelName: z.string().optional(),
    creditDenomination: z.string().optional(),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "Rule", examples: [EXAMPLE] });

export function toWireRule(planId: string, rule: Rule): z.input<typeof RuleWire> {
  return {
    id: rule.ruleId,
    planId,
    featureId: rule.featureId,
    isEnabled: rule.isEnabled,
    enabled: rule.isEnabled,
    value: toWireRuleValue(rule.value),
    ...(rule.creditModelId === undefined ? {} : { creditModelId: rule.creditModelId }),
    ...(rule.creditModelName === undefined ? {} : { creditModelName: rule.creditModelName }),
    ...(rule.denomination === undefined ? {} : { creditDenomination: rule.denomination }),
    createdAt: instantText(rule.createdAtMs),
    modifiedAt: instantText(rule.modifiedAtMs),
  };
}

export const RulesReplacedWire = z
  .object({
    addedFeatures: z.array(FeatureWire),
    removedFeatures: z.array(FeatureWire),
    changedFeatures: z.array(FeatureWire),
    version: z.int().meta({ description: "The plan's version since then; 0 for a draft." }),
  })
  .meta({ id: "RulesReplaced" });
