import { type E12, E12_ONE, formatE12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { Draft } from "./book.ts";
import { type ChargeSpec, charge, coveredUnits, revenueOfCredits } from "./charge.ts";
import type { AppliedWeight } from "./credit.ts";
import { freeCredits } from "./credit-holds.ts";
import type { Serving, servingSubscription } from "./entitlement.ts";
import type { Burnt, Counted, LimitReached, OtherMoney, UnmeteredReason } from "./event.ts";
import { USAGE_MINOR_MAX } from "./limits.ts";
import { minorDigits } from "./money.ts";
import { pricingOf } from "./plan.ts";
import { marginalPrice, type Pricing, totalPrice } from "./pricing.ts";
import type { Refusal, Reply } from "./refusal.ts";
import type { Subscription } from "./subscription.ts";
import { type Counter, counterKey, type Hold, pricePosition, usedUnits } from "./usage.ts";

/**
 * How an event is counted and priced by the customer's plan. Owns whether it is metered at all, what of it, whether it burns credits,
 * and the marginal price of what they do not cover. Leaves to `entitlement.ts` which subscription serves, to `charge.ts` which credits
 * pay, to `lifecycle.ts` when periods close, and to `billing.ts` the lines.
 *
 * Laws: a counter is the sum of what was metered; prices of events add up to the price of their sum; units beyond a limit that was
 * reached are neither counted nor billed; a refusal leaves the draft as it was.
 */

/** What metering must know of an event. */
export type MeteredEvent = {
  /** Units of it were counted before, in this draft. */
  isSameEvent?: boolean;
  featureId: string | undefined;
  usageE12: E12 | undefined;
  occurredAtMs: number;
  /** Place of the event in the order of arrival: the ledger of credits names it. */
  seq: number;
  /** What a unit burns where the rule names credits; absent: one. */
  weight?: AppliedWeight;
  /** It was accepted before: credits pay what they can, and none refuses it. */
  isAccepted?: boolean;
  /** The reservation that it commits: while its subscription serves, its units are taken whatever the limit says. */
  hold?: Hold;
  /** Access was given for it now, so it counts now, whenever it is said to have occurred. */
  isGranted?: boolean;
  /** False: it is recorded for its cost and revenue alone (an import of history). */
  isAsked?: boolean;
  /** The customer is quarantined: what can be metered waits until it is mended. */
  isPending?: boolean;
};

/** `priceE12` is that of the units that credits did not cover, in the plan's currency; `worth` that of the credits. */
export type Metering =
  | { unmeteredReason: UnmeteredReason; overLimit?: LimitReached }
  | {
      counted: Counted;
      priceE12: E12;
      currency: string;
      burnt?: Burnt;
      worth?: readonly OtherMoney[];
      overLimit?: LimitReached;
    };

/**
 * Counts an event in the draft, or says why it is not counted. Refuses `usage_refused` where units cannot be taken back
 * (the rule must accumulate them, and so many must be there), and where no invoice could carry what they come to; `credits_short`
 * where a hard pool does not cover the charge. What a reservation held and the event does not take is given back.
 */
export function meter(
  draft: Draft,
  serving: ReturnType<typeof servingSubscription>,
  event: MeteredEvent,
  nowMs: number,
): Reply<Metering> {
  const { hold, ...rest } = event;
  const isOwn = typeof serving !== "string" && hold?.subscription === serving.subscription.number;
  const reply = countEvent(draft, serving, isOwn ? event : rest, nowMs);
  const isCharged = isOwn && reply.ok && "burnt" in reply.value;
  if (reply.ok && hold !== undefined && !isCharged) freeCredits(draft, hold, nowMs);
  return reply;
}

function countEvent(
  draft: Draft,
  serving: ReturnType<typeof servingSubscription>,
  event: MeteredEvent,
  nowMs: number,
): Reply<Metering> {
  const usageE12 = event.usageE12 ?? 0n;
  const reason = unmeteredReason(serving, event);
  if (reason !== undefined || typeof serving === "string")
    return usageE12 < 0n
      ? refused(`cannot be below 0 here: that takes back what is counted, and this event is not counted (${reason})`)
      : { ok: true, value: { unmeteredReason: reason ?? "NO_SUBSCRIPTION" } };
  const pricing = pricingOf(serving.rule.value);
  if (usageE12 < 0n) {
    const refused = takeBackProblem(draft, serving, usageE12);
    if (refused !== undefined) return refused;
  }
  const usedE12 = usedUnits(counterOf(draft, serving), pricing);
  const { takenE12, overLimit } = withinLimit(pricing, usedE12, usageE12, event.hold);
  if (takenE12 === 0n)
    return { ok: true, value: { unmeteredReason: "USAGE_LIMIT_EXCEEDED", ...(overLimit ? { overLimit } : {}) } };
  const spec = chargeSpec(serving, takenE12, event);
  const absurd = priceProblem(draft, serving, takenE12, spec);
  if (absurd !== undefined) return absurd;
  const charged = spec === undefined ? undefined : charge(draft, spec, nowMs);
  if (charged?.ok === false) return charged;
  const { maxUsage } = pricing;
  const isOvershoot = maxUsage !== undefined && usedE12 <= maxUsage && usedE12 + takenE12 > maxUsage;
  const { counted, priceE12 } = count(draft, serving, takenE12, {
    occurredAtMs: event.occurredAtMs,
    isLate: event.occurredAtMs < serving.subscription.period.startMs,
    ...(event.isSameEvent === undefined ? {} : { isSameEvent: event.isSameEvent }),
    ...(charged === undefined ? {} : { coveredE12: charged.value.coveredE12 }),
  });
  return {
    ok: true,
    value: {
      counted: isOvershoot ? { ...counted, isOvershoot } : counted,
      priceE12,
      currency: serving.pin.currency,
      ...(charged === undefined || spec === undefined
        ? {}
        : {
            burnt: { drawnE4: charged.value.drawnE4, balanceE4: charged.value.balanceE4, weight: spec.weight },
            worth: revenueOfCredits(
              draft,
              charged.value.entries.flatMap(({ draws = [] }) => draws),
              serving.pin.currency,
            ),
          }),
      ...(overLimit === undefined ? {} : { overLimit }),
    },
  };
}

/**
 * What units burn; undefined where they burn nothing: no credits are named, or units are taken back. While access is suspended they
 * burn only what was held for them before.
 */
function chargeSpec(
  { subscription, rule: { denomination } }: Serving,
  unitsE12: E12,
  { weight = ONE_EACH, seq, occurredAtMs, hold, isAccepted }: MeteredEvent,
): ChargeSpec | undefined {
  if (denomination === undefined || unitsE12 <= 0n) return undefined;
  const isHeldOnly = subscription.status !== "ACTIVE";
  if (isHeldOnly && hold?.credits === undefined) return undefined;
  return {
    denomination,
    subscription: subscription.number,
    unitsE12,
    weight,
    eventSeq: seq,
    occurredAtMs,
    ...(hold === undefined ? {} : { hold }),
    ...(isAccepted === undefined ? {} : { isAccepted }),
    ...(isHeldOnly ? { isHeldOnly } : {}),
  };
}

const ONE_EACH: AppliedWeight = { creditsPerUnitE12: E12_ONE, match: "NONE" };

/** The first reason not to meter, or none. */
function unmeteredReason(
  serving: ReturnType<typeof servingSubscription>,
  { featureId, usageE12, occurredAtMs, isGranted = false, isAsked = true, isPending = false }: MeteredEvent,
): UnmeteredReason | undefined {
  if (serving === "NO_SUBSCRIPTION") return serving;
  if (featureId === undefined) return "NO_FEATURE";
  if (usageE12 === undefined || usageE12 === 0n) return "NO_USAGE";
  if (!isAsked && isPending) return "NOT_ASKED";
  if (isPending) return "PENDING";
  if (typeof serving === "string") return serving;
  const { status, isOpen, activatedAtMs } = serving.subscription;
  if (status === "INCOMPLETE" || activatedAtMs === undefined) return "SUBSCRIPTION_INACTIVE";
  if (!isOpen) return "SUBSCRIPTION_SUSPENDED";
  if (occurredAtMs < activatedAtMs && !isGranted) return "BEFORE_START";
  return isAsked ? undefined : "NOT_ASKED";
}

/**
 * How many units are taken: all while the limit is not reached, none after. Units of a reservation are always taken; what is used
 * beyond it is judged as if they were used.
 */
function withinLimit(
  { maxUsage }: Pricing,
  usedE12: E12,
  usageE12: E12,
  hold: Hold | undefined,
): { takenE12: E12; overLimit?: LimitReached } {
  if (maxUsage === undefined || usageE12 <= 0n) return { takenE12: usageE12 };
  const heldE12 = hold === undefined ? 0n : smaller(hold.unitsE12, usageE12);
  if (heldE12 === usageE12 || usedE12 + heldE12 < maxUsage) return { takenE12: usageE12 };
  return { takenE12: heldE12, overLimit: { usedE12: usedE12 + heldE12, limitE12: maxUsage } };
}

function smaller(a: E12, b: E12): E12 {
  return a < b ? a : b;
}

/** Why these units (below 0) cannot be taken back; undefined: they can. */
export function takeBackProblem(draft: Draft, serving: Serving, unitsE12: E12): Refusal | undefined {
  if (pricingOf(serving.rule.value).resetMode !== "accumulate")
    return refused("can be below 0 only under a rule whose reset_mode is accumulate; correct the wrong event instead");
  return (draft.counters.get(keyOf(serving))?.usedE12 ?? 0n) + unitsE12 < 0n
    ? refused("would take back more units than are used")
    : undefined;
}

/** An amount that no invoice can carry is refused with the units that make it: once counted, its period could not be closed. */
function priceProblem(
  draft: Draft,
  serving: Serving,
  unitsE12: E12,
  spec: ChargeSpec | undefined,
): Refusal | undefined {
  const problem = amountProblem(draft, serving, unitsE12);
  if (problem === undefined || spec === undefined) return problem;
  const covered = coveredUnits(draft, spec);
  return covered.ok ? amountProblem(draft, serving, unitsE12 - covered.value) : covered;
}

function amountProblem(draft: Draft, serving: Serving, unitsE12: E12): Refusal | undefined {
  const { pin, rule } = serving;
  const pricing = pricingOf(rule.value);
  const { billableE12, billableAtStartE12 } = counterOf(draft, serving);
  const after = pricePosition(billableE12 + unitsE12, billableAtStartE12, pricing);
  const maxE12 = BigInt(USAGE_MINOR_MAX) * 10n ** BigInt(12 - minorDigits(pin.currency));
  if (after <= 0n || totalPrice(pricing, after) <= maxE12) return undefined;
  return refused(
    `would bring the period's price above ${formatE12(maxE12)} ${pin.currency}, more than any invoice carries`,
  );
}

function refused(why: string): Refusal {
  return { ok: false, code: "usage_refused", why };
}

/**
 * Moves the counter of a live subscription by units, below 0 too, and prices those of them that credits do not cover (`coveredE12`,
 * below 0 like the units) under the rule in force. Units taken back are billed ones first, as long as there are any, and also where
 * fewer covered ones are there than are taken: never more is billable than used. Without `coveredE12` what is counted says how many
 * of them were covered; without `lateE12` they are all late or all not.
 */
export function count(
  draft: Draft,
  serving: Serving,
  unitsE12: E12,
  {
    occurredAtMs,
    isLate,
    coveredE12: given,
    lateE12,
    isSameEvent = false,
  }: { occurredAtMs: number; isLate: boolean; coveredE12?: E12; lateE12?: E12; isSameEvent?: boolean },
): { counted: Counted; priceE12: E12 } {
  const { subscription, rule } = serving;
  const pricing = pricingOf(rule.value);
  const before = counterOf(draft, serving);
  const { segment } = before;
  const usedE12 = before.usedE12 + unitsE12;
  const billableE12 = smaller(atLeastNone(before.billableE12 + unitsE12 - (given ?? 0n)), usedE12);
  const coveredE12 = given ?? unitsE12 - (billableE12 - before.billableE12);
  const after = draft.counters.put({
    ...before,
    usedE12,
    billableE12,
    segment: {
      ...segment,
      startMs: startOf(segment, subscription),
      lateE12: segment.lateE12 + (lateE12 ?? (isLate ? billableE12 - before.billableE12 : 0n)),
      events: segment.events + (isSameEvent ? 0 : 1),
      firstAtMs: Math.min(segment.firstAtMs ?? occurredAtMs, occurredAtMs),
      lastAtMs: Math.max(segment.lastAtMs ?? occurredAtMs, occurredAtMs),
    },
  });
  assert(pricing.resetMode === "reset" || after.usedE12 >= 0n, "what accumulates is never below none");
  const positionOf = (totalE12: E12): E12 => pricePosition(totalE12, before.billableAtStartE12, pricing);
  return {
    counted: {
      subscription: subscription.number,
      unitsE12,
      ...(coveredE12 === 0n ? {} : { coveredE12 }),
      periodStartMs: subscription.period.startMs,
      afterSegment: draft.last.segment,
      ...(isLate ? { isLate } : {}),
    },
    priceE12: marginalPrice(pricing, { from: positionOf(before.billableE12), to: positionOf(after.billableE12) }),
  };
}

/**
 * Counts units that were taken back and should not have been: they return as they went, so they burn nothing, and no limit holds them
 * off. Refuses `usage_refused` where no invoice could carry what they come to. The period of the subscription is open.
 */
export function countReturned(
  draft: Draft,
  serving: Serving,
  { unitsE12, coveredE12 }: { unitsE12: E12; coveredE12: E12 },
  occurredAtMs: number,
): Reply<{ counted: Counted; priceE12: E12 }> {
  const absurd = amountProblem(draft, serving, unitsE12 - coveredE12);
  if (absurd !== undefined) return absurd;
  const isLate = occurredAtMs < serving.subscription.period.startMs;
  return { ok: true, value: count(draft, serving, unitsE12, { occurredAtMs, isLate, coveredE12 }) };
}

function atLeastNone(unitsE12: E12): E12 {
  return unitsE12 < 0n ? 0n : unitsE12;
}

/** A segment without events begins with the period, or with the version in force, if that began later. */
function startOf(segment: Counter["segment"], { inForce, period }: Subscription): number {
  return segment.events > 0 ? segment.startMs : Math.max(segment.startMs, inForce.at(-1)?.startMs ?? period.startMs);
}

function keyOf({ subscription, rule }: Serving): string {
  return counterKey(subscription.number, rule.featureId);
}

function counterOf(draft: Draft, serving: Serving): Counter {
  const { subscription, rule } = serving;
  return (
    draft.counters.get(keyOf(serving)) ?? {
      subscription: subscription.number,
      featureId: rule.featureId,
      featureKey: rule.featureKey,
      usedE12: 0n,
      billableE12: 0n,
      usedAtStartE12: 0n,
      billableAtStartE12: 0n,
      segment: { startMs: subscription.period.startMs, billableFromE12: 0n, lateE12: 0n, events: 0 },
    }
  );
}
