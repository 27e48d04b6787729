import { type E12, multiplyE12 } from "./amount.ts";
import { type ClosedSegment, giveBackBilled } from "./billed-units.ts";
import type { Draft } from "./book.ts";
import { partsOf, piecesOf, returnedOf, type Taken } from "./counted-pieces.ts";
import type { AppliedWeight } from "./credit.ts";
import type { CreditPast } from "./credit-ledger.ts";
import { ruleFor, type Serving } from "./entitlement.ts";
import type {
  Burnt,
  CorrectionOf,
  Counted,
  LimitReached,
  OtherMoney,
  StoredEvent,
  TakenFrom,
  UnmeteredReason,
} from "./event.ts";
import { count, countReturned, meter, takeBackProblem } from "./metering.ts";
import { sumByCurrency } from "./money.ts";
import { pricingOf } from "./plan.ts";
import type { Reply } from "./refusal.ts";
import { NO_UNITS, plus, takeFromUnbilled, type Units } from "./restate.ts";
import { pinKey } from "./subscription.ts";
import { type EntriesOf, unburn } from "./unburn.ts";

/**
 * What a wrong event should have said. Owns what of it moves: its units and what follows from them, by their difference, in an entry
 * of its own. Nothing that was written is changed.
 *
 * Laws: an event and its corrections add up to its right total; units that are on no invoice yet leave the segment that counted
 * them, at its own price; a billed segment never gives back more than it was billed; a counter stays the sum of what was counted;
 * units that were billed go before units that credits paid for, as if they had never been used.
 */

export type CorrectionAsked = {
  rightE12: E12;
  reason?: string;
  /** All corrections of the event so far, in order. */
  before: readonly StoredEvent[];
  /** The segment in which units were counted, if it is closed. */
  closedOf: (counted: Counted) => ClosedSegment | undefined;
  /** Place of the entry that this becomes. */
  seq: number;
  /** What a unit of it burns, where the event itself burned nothing. */
  weight: AppliedWeight;
  past: CreditPast;
  entriesOf: EntriesOf;
};

/** What became of the units. `changeE12` is what the event counts for more, below 0 less. */
type Moved = {
  changeE12: E12;
  counted?: Counted;
  unmeteredReason?: UnmeteredReason;
  overLimit?: LimitReached;
  /** By currency; the plan's first. */
  revenues?: readonly OtherMoney[];
  burnt?: Burnt;
  credited?: { amountMinor: number; currency: string };
  taken?: readonly TakenFrom[];
};

/** What the entry of a correction says. `costE12` is 0 where the cost did not come from units. */
export type Corrected = Omit<Moved, "changeE12" | "credited" | "taken"> & {
  usageE12: E12;
  costE12: E12;
  correction: CorrectionOf;
};

/**
 * Corrects `wrong` to the total `rightE12`. More units count now, as late ones; fewer are taken from where they were counted, or,
 * where that was billed, given back as money: on the next invoice, or into the credit balance of a subscription that ended. Credits
 * that paid for fewer go back to their grants; more units burn credits by the event's own weight. Refuses `usage_refused` for totals
 * below 0 that the rule does not allow, `state_conflict` for a correction of a correction, `credits_short` for units that a hard pool
 * does not cover.
 */
export function decideCorrection(
  draft: Draft,
  wrong: StoredEvent,
  asked: CorrectionAsked,
  nowMs: number,
): Reply<Corrected> {
  if (wrong.correction !== undefined)
    return { ok: false, code: "state_conflict", why: "This is a correction; correct the event that it is about." };
  const { rightE12, reason, before } = asked;
  const soFar = before.at(-1)?.correction ?? {
    usageE12: wrong.usageE12,
    countedE12: wrong.counted?.unitsE12 ?? 0n,
  };
  const serving = servingOf(draft, wrong);
  if (rightE12 < 0n && !(typeof serving !== "string" && accumulates(serving)))
    return {
      ok: false,
      code: "usage_refused",
      why: "must not be below 0, unless the event was counted by a rule whose reset_mode is accumulate",
    };
  const moved = moveUnits(draft, wrong, serving, { ...asked, soFar }, nowMs);
  if (!moved.ok) return moved;
  const { changeE12, credited, revenues, taken, ...said } = moved.value;
  return {
    ok: true,
    value: {
      usageE12: rightE12 - soFar.usageE12,
      costE12: costChange(wrong, soFar.usageE12, rightE12),
      ...said,
      // What the caller charged elsewhere is the caller's to correct.
      ...(revenues === undefined || wrong.isRevenueGiven ? {} : { revenues }),
      correction: {
        corrects: wrong.seq,
        usageE12: rightE12,
        countedE12: soFar.countedE12 + changeE12,
        ...(reason === undefined ? {} : { reason }),
        ...(credited === undefined ? {} : { credited }),
        ...(taken === undefined ? {} : { taken }),
      },
    },
  };
}

function accumulates({ rule }: Serving): boolean {
  return pricingOf(rule.value).resetMode === "accumulate";
}

/** The subscription that counted the event, while it is live and includes the feature. */
function servingOf(
  draft: Draft,
  { counted, featureId }: StoredEvent,
): Serving | "NO_SUBSCRIPTION" | "FEATURE_NOT_IN_PLAN" {
  const subscription = counted === undefined ? undefined : draft.subscriptions.get(counted.subscription);
  if (subscription === undefined || subscription.status === "CANCELLED") return "NO_SUBSCRIPTION";
  const pin = draft.pins.get(pinKey(subscription));
  const rule = pin === undefined ? undefined : ruleFor(pin, { featureId });
  return pin === undefined || rule === undefined ? "FEATURE_NOT_IN_PLAN" : { subscription, pin, rule };
}

type SoFar = Pick<CorrectionOf, "usageE12" | "countedE12">;

function moveUnits(
  draft: Draft,
  wrong: StoredEvent,
  serving: ReturnType<typeof servingOf>,
  asked: CorrectionAsked & { soFar: SoFar },
  nowMs: number,
): Reply<Moved> {
  const { soFar, rightE12 } = asked;
  if (wrong.counted === undefined)
    return { ok: true, value: { changeE12: 0n, unmeteredReason: wrong.unmeteredReason ?? "NO_SUBSCRIPTION" } };
  const changeE12 = countedTotal(soFar, rightE12) - soFar.countedE12;
  if (changeE12 === 0n) return { ok: true, value: { changeE12, unmeteredReason: "NO_USAGE" } };
  if (changeE12 > 0n) return countMore(draft, wrong, serving, { ...asked, moreE12: changeE12 }, nowMs);
  return takeLess(draft, wrong, serving, { ...asked, lessE12: -changeE12 }, nowMs);
}

/** Units that are to be counted: all of what is more, and none of what was beyond a limit as long as that covers what is less. */
function countedTotal({ usageE12, countedE12 }: SoFar, rightE12: E12): E12 {
  if (rightE12 >= usageE12) return countedE12 + (rightE12 - usageE12);
  return rightE12 < countedE12 ? rightE12 : countedE12;
}

type Less = CorrectionAsked & { lessE12: E12 };

/** Gives back the credits that paid for what is taken: to their grants, whatever became of the period. */
function giveBackCredits(
  draft: Draft,
  wrong: StoredEvent,
  serving: ReturnType<typeof servingOf>,
  { taken, ...asked }: Less & { taken: readonly Taken[] },
  nowMs: number,
): Moved {
  const burns = taken
    .filter(({ coveredE12 }) => coveredE12 > 0n)
    .map(({ left }) => ({ seq: left.seq, coveredE12: left.coveredE12 }));
  const weight = wrong.burnt?.weight ?? asked.weight;
  const { counted, otherRevenue } = wrong;
  const currency = typeof serving === "string" ? (otherRevenue?.currency ?? wrong.currency) : serving.pin.currency;
  if (burns.length === 0 || counted === undefined) return { changeE12: -asked.lessE12 };
  const { subscription } = counted;
  const { burnt, worth } = unburn(draft, { ...asked, burns, weight, subscription, currency }, nowMs);
  return { changeE12: -asked.lessE12, revenues: worth, ...(burnt === undefined ? {} : { burnt }) };
}

/**
 * Each part where it was counted: from the counter while its segment is open, from its segment while that is on no invoice, as money
 * once it was billed. Units that accumulate leave the counter even then, for they are there still.
 */
function takeLess(
  draft: Draft,
  wrong: StoredEvent,
  serving: ReturnType<typeof servingOf>,
  asked: Less,
  nowMs: number,
): Reply<Moved> {
  const isKept = typeof serving !== "string" && accumulates(serving);
  const refused = isKept ? takeBackProblem(draft, serving, -asked.lessE12) : undefined;
  if (refused !== undefined) return refused;
  const taken = partsOf(wrong, asked, isKept);
  const moved = giveBackCredits(draft, wrong, serving, { ...asked, taken }, nowMs);
  let [gone, rest, beyondE12, lateE12] = [NO_UNITS, NO_UNITS, 0n, 0n];
  let place: Counted | undefined;
  for (const { left, isBeyond = false, ...part } of taken) {
    const { counted } = left;
    const closed = asked.closedOf(counted);
    if (closed !== undefined && closed.segment.billedAtMs === undefined) {
      const isLate = counted.isLate === true;
      const { priceE12: amountE12, ...went } = takeFromUnbilled(draft, closed.segment, { ...part, isLate });
      add(moved, { revenue: { amountE12, currency: closed.pin.currency } });
      place ??= counted;
      gone = plus(gone, went);
      const { billedE12, coveredE12 } = went;
      const left = { segment: closed.segment.number, unitsE12: billedE12 + coveredE12, coveredE12 };
      if (left.unitsE12 > 0n) moved.taken = [...(moved.taken ?? []), left];
      if (isBeyond) beyondE12 += part.billedE12 - went.billedE12;
      else if (isKept)
        rest = plus(rest, {
          billedE12: part.billedE12 - went.billedE12,
          coveredE12: part.coveredE12 - went.coveredE12,
        });
    } else if (isBeyond) beyondE12 += part.billedE12;
    else if (closed === undefined || isKept) {
      rest = plus(rest, part);
      // What came late by a correction is of this period, what the event itself counted may not be.
      if (closed === undefined && counted.isLate === true) lateE12 -= part.billedE12;
    } else add(moved, giveBackBilled(draft, closed, part.billedE12, nowMs));
  }
  const unitsE12 = rest.billedE12 + rest.coveredE12;
  if ((unitsE12 === 0n && beyondE12 === 0n) || typeof serving === "string")
    return {
      ok: true,
      value: {
        ...moved,
        ...(place === undefined ? { unmeteredReason: "PERIOD_CLOSED" } : { counted: lessAt(place, gone) }),
      },
    };
  const { occurredAtMs } = wrong;
  const isLate = wrong.counted?.isLate === true;
  const own = { occurredAtMs, isLate, coveredE12: -rest.coveredE12, lateE12 };
  const counts = [
    ...(unitsE12 === 0n ? [] : [count(draft, serving, -unitsE12, own)]),
    // Whose they are nobody knows: what is counted says how many of them were covered.
    ...(beyondE12 === 0n
      ? []
      : [count(draft, serving, -beyondE12, { occurredAtMs, isLate, isSameEvent: unitsE12 > 0n })]),
  ];
  const [first] = counts;
  if (first === undefined) throw new Error("invariant broken: what is taken is counted");
  for (const { priceE12: amountE12 } of counts) add(moved, { revenue: { amountE12, currency: serving.pin.currency } });
  const coveredE12 = beyondE12 === 0n ? 0n : -(counts.at(-1)?.counted.coveredE12 ?? 0n);
  const beyond = { billedE12: beyondE12 - coveredE12, coveredE12 };
  return { ok: true, value: { ...moved, counted: lessAt(first.counted, plus(plus(gone, rest), beyond)) } };
}

/** Units less, at a place; that it passed a limit is not said again. */
function lessAt({ isOvershoot: _, coveredE12: __, ...place }: Counted, { billedE12, coveredE12 }: Units): Counted {
  const unitsE12 = -(billedE12 + coveredE12);
  return { ...place, unitsE12, ...(coveredE12 === 0n ? {} : { coveredE12: -coveredE12 }) };
}

/** All units of an event are of one subscription, and so is all money that is credited. */
function add(moved: Moved, { revenue, credited }: { revenue?: OtherMoney } & Pick<Moved, "credited">): void {
  if (revenue !== undefined) moved.revenues = sumByCurrency([revenue, ...(moved.revenues ?? [])]);
  if (credited !== undefined)
    moved.credited = { ...credited, amountMinor: credited.amountMinor + (moved.credited?.amountMinor ?? 0) };
}

/**
 * More units count, and burn credits, as they would have with the event. Those that it took back return first: they burned before they
 * were taken back, or are billed again.
 */
function countMore(
  draft: Draft,
  wrong: StoredEvent,
  serving: ReturnType<typeof servingOf>,
  asked: CorrectionAsked & { soFar: SoFar; moreE12: E12 },
  nowMs: number,
): Reply<Moved> {
  const { moreE12, soFar, before } = asked;
  const { owedE12 } = piecesOf(wrong, before);
  const back = returnedOf({ countedE12: soFar.countedE12, owedE12 }, moreE12);
  if (back.unitsE12 === 0n || typeof serving === "string" || !serving.subscription.isOpen)
    return countNew(draft, wrong, serving, { ...asked, usageE12: moreE12 }, nowMs);
  const returned = countReturned(draft, serving, back, wrong.occurredAtMs);
  if (!returned.ok) return returned;
  const { counted, priceE12: amountE12 } = returned.value;
  const revenue = { amountE12, currency: serving.pin.currency };
  const moved: Moved = { changeE12: back.unitsE12, counted, revenues: [revenue] };
  if (moreE12 === back.unitsE12) return { ok: true, value: moved };
  const rest = { ...asked, usageE12: moreE12 - back.unitsE12, isSameEvent: true };
  const reply = countNew(draft, wrong, serving, rest, nowMs);
  if (!reply.ok) return reply;
  const { changeE12, counted: also, revenues = [], unmeteredReason: _, ...said } = reply.value;
  const coveredE12 = back.coveredE12 + (also?.coveredE12 ?? 0n);
  const all = { ...counted, ...also, unitsE12: counted.unitsE12 + (also?.unitsE12 ?? 0n) };
  return {
    ok: true,
    value: {
      ...said,
      changeE12: changeE12 + back.unitsE12,
      counted: coveredE12 === 0n ? all : { ...all, coveredE12 },
      revenues: sumByCurrency([revenue, ...revenues]),
    },
  };
}

function countNew(
  draft: Draft,
  { featureId, occurredAtMs, burnt: before }: StoredEvent,
  serving: ReturnType<typeof servingOf>,
  { usageE12, seq, weight: inForce, isSameEvent = false }: CorrectionAsked & { usageE12: E12; isSameEvent?: boolean },
  nowMs: number,
): Reply<Moved> {
  const weight = before?.weight ?? inForce;
  // Once counted, it counts whenever it occurred.
  const event = { featureId, usageE12, occurredAtMs, seq, weight, isGranted: true, isSameEvent };
  const reply = meter(draft, serving, event, nowMs);
  if (!reply.ok) return reply;
  const metering = reply.value;
  if (!("counted" in metering)) return { ok: true, value: { changeE12: 0n, ...metering } };
  const { counted, priceE12: amountE12, currency, burnt, worth = [], overLimit } = metering;
  return {
    ok: true,
    value: {
      changeE12: counted.unitsE12,
      counted,
      revenues: sumByCurrency([{ amountE12, currency }, ...worth]),
      ...(burnt === undefined ? {} : { burnt }),
      ...(overLimit === undefined ? {} : { overLimit }),
    },
  };
}

/** Costs follow units only where a rule's cost per unit made them. */
function costChange({ costPerUnitE12 }: StoredEvent, beforeE12: E12, afterE12: E12): E12 {
  if (costPerUnitE12 === undefined) return 0n;
  return multiplyE12(afterE12, costPerUnitE12) - multiplyE12(beforeE12, costPerUnitE12);
}
