import type { E12 } from "../../domain/amount.ts";
import { ruleFor } from "../../domain/entitlement.ts";
import type { Counted, StoredEvent } from "../../domain/event.ts";
import { type EventPricing, eventParts } from "../../domain/event-pricing.ts";
import { customerThingId } from "../../domain/ids.ts";
import { REPLAY_EVENTS_MAX } from "../../domain/limits.ts";
import { pricingOf, type VersionRule } from "../../domain/plan.ts";
import type { Reply } from "../../domain/refusal.ts";
import { pinKey } from "../../domain/subscription.ts";
import { countedBetween, firstReceivedAt } from "../audit-rows.ts";
import { readPin, readSubscription } from "../book-store.ts";
import type { EventReply } from "../calls.ts";
import { notFound } from "../decide.ts";
import type { Customer } from "../image.ts";
import { segmentThatCounted } from "../invoice-store.ts";
import { correctionsOf, readEvent } from "../store.ts";
import { numberOf } from "./billing.ts";

/** One event with what stands behind it: how the plan priced it, and what was said of it since. */
export function eventQuestion(customer: Customer, id: string): Reply<EventReply> {
  const { sql, image } = customer;
  const seq = numberOf(customer, "event", id);
  const event = seq === undefined ? undefined : readEvent(sql, image.owner.tag, seq);
  if (event === undefined) return notFound("event", id);
  const pricing = event.counted === undefined ? undefined : pricingOfEvent(customer, event, event.counted);
  return {
    ok: true,
    value: {
      event,
      corrections: correctionsOf(sql, image.owner.tag, event.seq),
      ...(pricing === undefined ? {} : { pricing }),
    },
  };
}

function pricingOfEvent(customer: Customer, event: StoredEvent, counted: Counted): EventPricing | undefined {
  const { sql, image } = customer;
  const { subscription: number, periodStartMs, unitsE12, coveredE12 = 0n } = counted;
  const { featureId } = event;
  const segment = segmentThatCounted(sql, featureId, counted);
  // What is not closed is priced by the version that is in force now: another one would have closed it.
  const ref = segment ?? image.book.subscriptions.get(number) ?? readSubscription(sql, number);
  if (ref === undefined) return undefined;
  const pin = image.book.pins.get(pinKey(ref)) ?? readPin(sql, ref);
  const rule = ruleFor(pin, { featureId });
  if (rule === undefined) return undefined;
  const beforeE12 = billableBefore(customer, event, counted, rule);
  const parts = beforeE12 === undefined ? undefined : eventParts(event, { pin, rule, beforeE12 });
  const { planId, key, name, version, currency } = pin;
  return {
    subscriptionId: customerThingId(image.owner.tag, "subscription", number),
    plan: { planId, key, name, version, currency },
    rule: { featureId, featureKey: rule.featureKey, value: rule.value },
    periodStartMs,
    unitsE12,
    coveredE12,
    ...(segment?.billedAtMs === undefined ? {} : { billedAtMs: segment.billedAtMs }),
    ...(parts === undefined ? {} : { parts }),
  };
}

/** Billable units that events before it brought; undefined where these are too many to be read while somebody waits. */
function billableBefore(
  { sql }: Customer,
  { featureId, seq }: StoredEvent,
  { subscription, periodStartMs }: Counted,
  rule: VersionRule,
): E12 | undefined {
  const pricing = pricingOf(rule.value);
  // Where all units cost the same, their place says nothing.
  if (pricing.model !== "graduated") return 0n;
  const first = pricing.resetMode === "accumulate" ? 1 : firstReceivedAt(sql, periodStartMs);
  if (seq - first > REPLAY_EVENTS_MAX) return undefined;
  let sumE12 = 0n;
  for (const { counted } of countedBetween(sql, featureId, { first, end: seq })) {
    if (counted.subscription !== subscription) continue;
    if (pricing.resetMode === "reset" && counted.periodStartMs !== periodStartMs) continue;
    sumE12 += counted.unitsE12 - (counted.coveredE12 ?? 0n);
  }
  return sumE12;
}
