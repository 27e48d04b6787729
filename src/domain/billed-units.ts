import { type E12, formatE12 } from "./amount.ts";
import { moveBalance, planRef, takenBackMinor } from "./billing.ts";
import type { Draft } from "./book.ts";
import { ruleFor } from "./entitlement.ts";
import type { OtherMoney } from "./event.ts";
import type { Invoice, InvoiceLine } from "./invoice.ts";
import { pricingOf } from "./plan.ts";
import { marginalPrice } from "./pricing.ts";
import type { PlanPin } from "./subscription.ts";
import { pricePosition, type UsageSegment } from "./usage.ts";

/**
 * Units less of what was billed. Owns the money that comes back for them. Leaves to `correction.ts` which units those are.
 *
 * Law: all that a segment gives back together is no more than its line was, and nothing where its invoice is void and its usage was not
 * billed again: nobody was charged for it.
 */

/** A segment that is closed, and the version that priced it. */
export type ClosedSegment = { segment: UsageSegment; pin: PlanPin };

/**
 * Units of a billed segment cost what the last of them cost. What was taken back before is left out. The event earned less in any case;
 * of a forgiven segment no money comes back.
 */
export function giveBackBilled(
  draft: Draft,
  closed: ClosedSegment,
  unitsE12: E12,
  nowMs: number,
): { revenue?: OtherMoney } & { credited?: { amountMinor: number; currency: string } } {
  const { pin } = closed;
  const segment = draft.segments.get(closed.segment.number) ?? closed.segment;
  const rule = ruleFor(pin, segment);
  const leftE12 = segment.toE12 - segment.takenBackE12 - segment.fromE12;
  const takenE12 = unitsE12 < leftE12 ? unitsE12 : leftE12;
  if (rule === undefined || takenE12 <= 0n) return {};
  const takenBackE12 = segment.takenBackE12 + takenE12;
  draft.segments.put({ ...segment, takenBackE12 });
  const pricing = pricingOf(rule.value);
  const positionLess = (lessE12: E12): E12 =>
    pricePosition(segment.toE12 - lessE12, segment.billableAtStartE12, pricing);
  const { currency } = pin;
  const amountMinor = takenBackMinor(segment, pricing, currency, { beforeE12: segment.takenBackE12, takenE12 });
  const revenue = {
    amountE12: marginalPrice(pricing, { from: positionLess(segment.takenBackE12), to: positionLess(takenBackE12) }),
    currency,
  };
  if (amountMinor === 0 || segment.isForgiven) return { revenue };
  credit(draft, { segment, pin }, { amountMinor, unitsE12: takenE12, beforeE12: segment.takenBackE12 }, nowMs);
  return { revenue, credited: { amountMinor, currency } };
}

/**
 * The usage of an invoice that is void from now on, and not to be billed again, was never charged. What corrections gave back of it is
 * taken back: lines that still wait for an invoice are dropped, what is on one or in the balance is asked for again.
 */
export function forgiveUsage(
  draft: Draft,
  { lines }: Pick<Invoice, "lines">,
  closedOf: (segment: number) => ClosedSegment,
  nowMs: number,
): void {
  for (const { kind, usage } of lines) {
    if (kind !== "USAGE" || usage === undefined) continue;
    const closed = closedOf(usage.segment);
    const segment = draft.segments.get(usage.segment) ?? closed.segment;
    draft.segments.put({ ...segment, isForgiven: true });
    const givenE12 = dropWaiting(draft, segment);
    const rule = ruleFor(closed.pin, segment);
    if (rule === undefined || givenE12 === 0n) continue;
    const given = { beforeE12: givenE12, takenE12: -givenE12 };
    const amountMinor = takenBackMinor(segment, pricingOf(rule.value), closed.pin.currency, given);
    if (amountMinor === 0) continue;
    credit(draft, { segment, pin: closed.pin }, { amountMinor, unitsE12: -givenE12, beforeE12: givenE12 }, nowMs);
  }
}

/** Drops what corrections of a segment are to give back on the next invoice. Returns the units that they gave back before. */
function dropWaiting(draft: Draft, { number, subscription: of, takenBackE12 }: UsageSegment): E12 {
  const subscription = draft.subscriptions.get(of);
  const isOfIt = ({ kind, usage }: InvoiceLine) => kind === "CREDIT" && usage?.segment === number;
  // The oldest comes first; what came before it is on an invoice, or was worth nothing.
  const first = subscription?.owed.find(isOfIt)?.usage;
  if (subscription === undefined || first === undefined) return takenBackE12;
  draft.subscriptions.put({ ...subscription, owed: subscription.owed.filter((line) => !isOfIt(line)) });
  return first.takenBeforeE12 ?? 0n;
}

/**
 * On the next invoice of its subscription; one that ended has none, so the customer's balance takes it. Below 0 it is asked for, with the
 * units that count again.
 */
function credit(
  draft: Draft,
  { segment, pin }: ClosedSegment,
  { amountMinor, unitsE12, beforeE12 }: { amountMinor: number; unitsE12: E12; beforeE12: E12 },
  nowMs: number,
): void {
  const subscription = draft.subscriptions.get(segment.subscription);
  if (subscription === undefined || subscription.status === "CANCELLED") {
    moveBalance(draft, { currency: pin.currency, amountMinor, kind: "CORRECTION", atMs: nowMs });
    return;
  }
  const unitLabel = unitLabelOf(pin, segment);
  const line: InvoiceLine = {
    kind: "CREDIT",
    description:
      unitsE12 < 0n
        ? `Correction of ${segment.featureKey} taken back, its invoice is void: ${formatE12(-unitsE12)} ${unitLabel}`
        : `Correction of ${segment.featureKey}: ${formatE12(unitsE12)} ${unitLabel} less`,
    amountMinor: -amountMinor,
    periodStartMs: segment.startMs,
    periodEndMs: segment.endMs,
    plan: planRef(pin),
    usage: {
      segment: segment.number,
      featureId: segment.featureId,
      featureKey: segment.featureKey,
      quantityE12: -unitsE12,
      lateE12: 0n,
      takenBeforeE12: beforeE12,
    },
  };
  draft.subscriptions.put({ ...subscription, owed: [...subscription.owed, line], modifiedAtMs: nowMs });
}

function unitLabelOf(pin: PlanPin, { featureId }: UsageSegment): string {
  const rule = ruleFor(pin, { featureId });
  return (rule === undefined ? undefined : pricingOf(rule.value).unitLabel) ?? "units";
}
