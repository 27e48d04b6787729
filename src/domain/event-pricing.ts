import type { E12 } from "./amount.ts";
import type { StoredEvent } from "./event.ts";
import { pricingOf, type RuleValue, type VersionRule } from "./plan.ts";
import { marginalPrice, type TierPart, tierParts } from "./pricing.ts";
import type { PlanPin } from "./subscription.ts";
import { pricePosition } from "./usage.ts";

/**
 * Why an event's units cost what they do: which version's rule prices them, and in which of its tiers they stand. Owns nothing that
 * is charged: an invoice prices the whole segment. Leaves to `metering.ts` what was counted.
 *
 * Law: parts that are told come to the price that was told when the event was counted; where they would not, none are told.
 */
export type EventPricing = {
  subscriptionId: string;
  plan: { planId: string; key: string; name: string; version: number; currency: string };
  rule: { featureId: string; featureKey: string; value: RuleValue };
  /** The period that counts it. */
  periodStartMs: number;
  /** Units that were counted, and those of them that credits paid for. */
  unitsE12: E12;
  coveredE12: E12;
  /** When what it was counted in went onto an invoice, or was found to cost nothing; absent while it waits. */
  billedAtMs?: number;
  /** Absent where the rule has no price, and where the place of the units is not known. */
  parts?: TierPart[];
};

/** `beforeE12`: billable units that were counted before it, since the period began or ever, as the rule has it. */
export function eventParts(
  event: StoredEvent,
  { pin, rule, beforeE12 }: { pin: PlanPin; rule: VersionRule; beforeE12: E12 },
): TierPart[] | undefined {
  const { counted } = event;
  const pricing = pricingOf(rule.value);
  if (counted === undefined || pricing.model === "included") return undefined;
  const billableE12 = counted.unitsE12 - (counted.coveredE12 ?? 0n);
  const from = pricePosition(beforeE12, 0n, pricing);
  const to = pricePosition(beforeE12 + billableE12, 0n, pricing);
  if (billableE12 < 0n) return undefined;
  // Where all units cost the same there is nothing that their place could have changed.
  const toldE12 = pricing.model === "graduated" ? toldPrice(event, pin.currency) : undefined;
  return toldE12 === undefined || toldE12 === marginalPrice(pricing, { from, to })
    ? tierParts(pricing, from, to)
    : undefined;
}

/** The price as the event has it; undefined where that is not told alone: the caller's own revenue, or credits that were worth something. */
function toldPrice({ revenueE12, isRevenueGiven, otherRevenue, burnt, currency }: StoredEvent, planCurrency: string) {
  if (isRevenueGiven === true || (burnt?.drawnE4 ?? 0n) !== 0n) return undefined;
  if (planCurrency === currency) return revenueE12;
  return otherRevenue?.currency === planCurrency ? otherRevenue.amountE12 : undefined;
}
