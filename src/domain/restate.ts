import type { E12 } from "./amount.ts";
import { type Draft, pinOf } from "./book.ts";
import { ruleFor } from "./entitlement.ts";
import { pricingOf } from "./plan.ts";
import { marginalPrice } from "./pricing.ts";
import type { PlanRef } from "./subscription.ts";
import { type Counter, counterKey, pricePosition, type UsageSegment } from "./usage.ts";

/**
 * Segments that are closed and on no invoice yet: what was counted in them is still open to correction. Owns how units leave one.
 * Leaves to `correction.ts` which units, and billed segments, which are never changed but in what they give back.
 *
 * Laws: afterwards all is as if the units had never been counted; segments still follow each other without gap; none ends below 0.
 */

/** Units that were billed or will be, and units that credits paid for. Not below 0. */
export type Units = { billedE12: E12; coveredE12: E12 };

export const NO_UNITS: Units = { billedE12: 0n, coveredE12: 0n };

/** Both kinds of both. */
export function plus(one: Units, other: Units): Units {
  return { billedE12: one.billedE12 + other.billedE12, coveredE12: one.coveredE12 + other.coveredE12 };
}

/** Some of a counter's units, from one total of billable units to another, and the version that prices them. */
type Stretch = PlanRef & Pick<UsageSegment, "featureId" | "billableAtStartE12" | "fromE12" | "toE12">;

/**
 * Takes units out of an unbilled segment, under its own version's rule; later ones, and what is counted now, move down by the billed
 * ones and are priced from there. Covered ones are in no segment: they leave the counter alone, and cost nothing here. No more is
 * taken than leaves every total at 0 or above and no more billable than used, which binds only where units that accumulate were given
 * back since. Answers what was taken; `priceE12`: what all of it costs more, below 0 less, in the plan's currency.
 */
export function takeFromUnbilled(
  draft: Draft,
  segment: UsageSegment,
  { isLate, ...asked }: Units & { isLate: boolean },
): Units & { priceE12: E12 } {
  const key = counterKey(segment.subscription, segment.featureId);
  const counter = draft.counters.get(key);
  if (counter === undefined) throw new Error("invariant broken: an unbilled segment is of a live counter");
  const since = [...draft.segments.values()]
    .filter((one) => counterKey(one.subscription, one.featureId) === key)
    .filter(({ number, billedAtMs }) => billedAtMs === undefined && number >= segment.number);
  const billedE12 = [...since.map(({ toE12 }) => toE12), counter.billableE12].reduce(least, asked.billedE12);
  const coveredE12 = least(asked.coveredE12, counter.usedE12 - counter.billableE12);
  const beforeE12 = priceOf(draft, since, counter);
  const restated = since.map((one) =>
    draft.segments.put({
      ...one,
      fromE12: one.number === segment.number ? one.fromE12 : one.fromE12 - billedE12,
      toE12: one.toE12 - billedE12,
      lateE12: one.lateE12 - (isLate && one.number === segment.number ? billedE12 : 0n),
    }),
  );
  const moved = draft.counters.put({
    ...counter,
    usedE12: counter.usedE12 - billedE12 - coveredE12,
    billableE12: counter.billableE12 - billedE12,
    segment: { ...counter.segment, billableFromE12: counter.segment.billableFromE12 - billedE12 },
  });
  return { billedE12, coveredE12, priceE12: priceOf(draft, restated, moved) - beforeE12 };
}

function least(one: E12, other: E12): E12 {
  return one < other ? one : other;
}

/** What segments and the units counted since come to. */
function priceOf(draft: Draft, segments: readonly UsageSegment[], counter: Counter): E12 {
  const { featureId, billableAtStartE12, billableE12: toE12, segment } = counter;
  const subscription = draft.subscriptions.get(counter.subscription);
  if (subscription === undefined) throw new Error("invariant broken: a live counter is of a live subscription");
  const { planId, version } = subscription;
  const open = { planId, version, featureId, billableAtStartE12, fromE12: segment.billableFromE12, toE12 };
  return [...segments, open].reduce((sum, one) => sum + stretchPrice(draft, one), 0n);
}

function stretchPrice(draft: Draft, { featureId, billableAtStartE12, fromE12, toE12, ...ref }: Stretch): E12 {
  const rule = ruleFor(pinOf(draft, ref), { featureId });
  if (rule === undefined) return 0n;
  const pricing = pricingOf(rule.value);
  const positionOf = (totalE12: E12): E12 => pricePosition(totalE12, billableAtStartE12, pricing);
  return marginalPrice(pricing, { from: positionOf(fromE12), to: positionOf(toE12) });
}
