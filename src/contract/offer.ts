import * as z from "zod";
import type { Feature } from "../domain/account.ts";
import { e12ToNumber } from "../domain/amount.ts";
import type { Allocation } from "../domain/credit.ts";
import { BILLING_TIMINGS, type Plan, pricingOf, type Rule } from "../domain/plan.ts";
import { PRICING_MODELS, type Pricing, type PricingModel, RESET_MODES } from "../domain/pricing.ts";
import { AllocationWire, toWireAllocation } from "./credit-model.ts";
import { readMetadata } from "./scalars.ts";

/** Plans as clients see them: what a pricing page needs. */

const PRICING_TYPES = ["included", "usage_based", "graduated"] as const;

const TYPE_OF: Record<PricingModel, (typeof PRICING_TYPES)[number]> = {
  included: "included",
  usage: "usage_based",
  graduated: "graduated",
};

const pricingWire = z.object({
  model: z.enum(PRICING_MODELS),
  pricePerUnit: z.number().optional(),
  unitLabel: z.string().optional(),
  maxUsage: z.number().optional(),
  resetMode: z.enum(RESET_MODES),
  tiers: z
    .array(z.object({ upTo: z.union([z.number(), z.literal("inf")]), pricePerUnit: z.number(), flatFee: z.number() }))
    .optional(),
});

const EXAMPLE = {
  plan: {
    id: "a3c9e5d7-1b2f-4a6c-8d0e-9f7b5c3a1e2d",
    key: "pro",
    name: "Pro",
    description: "For teams.",
    priceAmount: 49,
    currency: "USD",
    intervalMonths: 1,
    billingTiming: "IN_ADVANCE" as const,
    metadata: {},
  },
  features: [
    {
      id: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d",
      name: "Chat",
      key: "ai.chat",
      pricingType: "usage_based" as const,
      pricing: { model: "usage" as const, pricePerUnit: 0.02, unitLabel: "call", resetMode: "reset" as const },
    },
  ],
  creditAllocations: [
    {
      id: "5d0a8f3c-6b1e-4f72-9a84-c3e1d5b7f902",
      creditModelId: "c4a7e2d9-3f58-4b16-8d0c-7e9f1a2b3c4d",
      creditModelName: "AI credits",
      denomination: "AI_CREDITS",
      creditAmount: 1000,
      hardLimit: true,
      rolloverPolicy: "CAPPED" as const,
      rolloverCap: 500,
      createdAt: "2027-01-04T09:30:00.000Z",
    },
  ],
};

export const OfferWire = z
  .object({
    plan: z.object({
      id: z.uuid(),
      key: z.string(),
      name: z.string(),
      description: z.string().optional(),
      priceAmount: z.number(),
      currency: z.string(),
      intervalMonths: z.int(),
      billingTiming: z.enum(BILLING_TIMINGS),
      metadata: z.record(z.string(), z.unknown()),
    }),
    features: z.array(
      z.object({
        id: z.uuid(),
        name: z.string(),
        key: z.string(),
        description: z.string().optional(),
        pricingType: z.enum(PRICING_TYPES),
        pricing: pricingWire.optional().meta({ description: "Absent where the feature is included without limit." }),
      }),
    ),
    creditAllocations: z.array(AllocationWire),
  })
  .meta({ id: "PlanOffer", examples: [EXAMPLE] });

type Offered = {
  plan: Plan;
  features: readonly { feature: Feature; rule: Rule }[];
  allocations: readonly Allocation[];
};

export function toWireOffer({ plan, features, allocations }: Offered): z.input<typeof OfferWire> {
  return {
    plan: {
      id: plan.planId,
      key: plan.key,
      name: plan.name,
      ...(plan.description === undefined ? {} : { description: plan.description }),
      priceAmount: e12ToNumber(plan.price),
      currency: plan.currency,
      intervalMonths: plan.intervalMonths,
      billingTiming: plan.billingTiming,
      metadata: readMetadata(plan.metadata),
    },
    features: features.map(({ feature, rule }) => ({
      id: feature.featureId,
      name: feature.name,
      key: feature.key,
      ...(feature.description === undefined ? {} : { description: feature.description }),
      pricingType: TYPE_OF[pricingOf(rule.value).model],
      ...(rule.value.pricing === undefined ? {} : { pricing: toWireOfferPricing(rule.value.pricing) }),
    })),
    creditAllocations: allocations.map(toWireAllocation),
  };
}

function toWireOfferPricing(pricing: Pricing): z.input<typeof pricingWire> {
  return {
    model: pricing.model,
    ...(pricing.model === "usage" ? { pricePerUnit: e12ToNumber(pricing.pricePerUnit) } : {}),
    ...(pricing.unitLabel === undefined ? {} : { unitLabel: pricing.unitLabel }),
    ...(pricing.maxUsage === undefined ? {} : { maxUsage: e12ToNumber(pricing.maxUsage) }),
    resetMode: pricing.resetMode,
    ...(pricing.model === "graduated"
      ? {
          tiers: pricing.tiers.map(({ upTo, pricePerUnit, flatFee }) => ({
            upTo: upTo === "inf" ? upTo : e12ToNumber(upTo),
            pricePerUnit: e12ToNumber(pricePerUnit),
            flatFee: e12ToNumber(flatFee),
          })),
        }
      : {}),
  };
}
