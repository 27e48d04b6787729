import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import type { StoredEvent } from "../domain/event.ts";
import type { EventPricing } from "../domain/event-pricing.ts";
import { type EventNames, StoredEventWire, toWireEvent } from "./event.ts";
import { TierPartWire, toWireTierPart } from "./invoice.ts";
import { RuleValueWire, toWireRuleValue } from "./rule-value.ts";
import { instantText } from "./scalars.ts";

/** One event on the wire, with what stands behind its price and what was said of it since. */

const EventPricingWire = z
  .object({
    subscriptionId: z.uuid(),
    plan: z.object({ id: z.uuid(), key: z.string(), name: z.string(), version: z.int() }),
    currency: z.string().meta({ description: "The plan's, in which its prices are." }),
    rule: z.object({ featureId: z.uuid(), featureKey: z.string(), value: RuleValueWire }),
    periodStart: z.iso.datetime().meta({ description: "Of the period that counts it." }),
    units: z.number().meta({ description: "Counted units." }),
    unitsCoveredByCredits: z.number(),
    billedAt: z.iso.datetime().optional().meta({
      description: "When what it was counted in went onto an invoice, or was found to cost nothing; absent until then.",
    }),
    tiers: z.array(TierPartWire).optional().meta({
      description:
        "What the units cost that credits do not cover, tier by tier, as they were counted. Absent where the rule has no price, and where it cannot be told any more.",
    }),
  })
  .meta({ id: "EventPricing" });

export const EventDetailWire = StoredEventWire.extend({
  pricing: EventPricingWire.optional().meta({ description: "Absent where it was not counted." }),
  corrections: z.array(StoredEventWire).meta({ description: "What was said of it since, in order." }),
}).meta({ id: "EventDetail" });

function toWirePricing({ plan, rule, ...pricing }: EventPricing): z.input<typeof EventPricingWire> {
  const { planId: id, key, name, version, currency } = plan;
  const { subscriptionId, periodStartMs, unitsE12, coveredE12, billedAtMs, parts } = pricing;
  return {
    subscriptionId,
    plan: { id, key, name, version },
    currency,
    rule: { featureId: rule.featureId, featureKey: rule.featureKey, value: toWireRuleValue(rule.value) },
    periodStart: instantText(periodStartMs),
    units: e12ToNumber(unitsE12),
    unitsCoveredByCredits: e12ToNumber(coveredE12),
    ...(billedAtMs === undefined ? {} : { billedAt: instantText(billedAtMs) }),
    ...(parts === undefined ? {} : { tiers: parts.map(toWireTierPart) }),
  };
}

export function toWireEventDetail(
  { event, corrections, pricing }: { event: StoredEvent; corrections: readonly StoredEvent[]; pricing?: EventPricing },
  names: EventNames,
): z.input<typeof EventDetailWire> {
  return {
    ...toWireEvent(event, names),
    ...(pricing === undefined ? {} : { pricing: toWirePricing(pricing) }),
    corrections: corrections.map((correction) => toWireEvent(correction, names)),
  };
}
