import type { E12 } from "./amount.ts";
import type { CostInput } from "./cost.ts";
import type { AppliedWeight, E4 } from "./credit.ts";
import { customerThingId, readCustomerThingId } from "./ids.ts";
import { OCCURRED_AHEAD_MS_MAX } from "./limits.ts";

/**
 * An event: what a caller reports of one request of one customer. Owns its shape inside the engine, its instant and its
 * receipt. Leaves to `cost.ts` what it cost and to `rollup.ts` where it is summed.
 */

/** An event as a command: parsed, its customer and feature known, not yet costed or stored. Survives structured clone. */
export type TrackEvent = {
  /** Unique per customer for as long as the event is kept; made up by the border when the caller sent none. */
  key: string;
  eventName: string;
  /** What the caller sent; the object takes its own clock where it is absent. */
  occurredAtMs?: number;
  featureId?: string;
  usageE12?: E12;
  costAmountE12?: E12;
  revenueAmountE12?: E12;
  costInput?: CostInput;
  flowId?: string;
  /** The caller's own JSON text. */
  meta?: string;
  /** Ids the caller sent along; kept as they are. */
  subscriptionId?: string;
  invoiceId?: string;
  entitlementId?: string;
};

/** Where the cost came from; absent when it is unknown. */
export type CostSource = "given" | "rule" | "account" | "catalog";

/** Why an event was recorded for its cost and revenue only and not metered, in the order in which reasons are looked for. */
export const UNMETERED_REASONS = [
  "NO_SUBSCRIPTION",
  "NO_FEATURE",
  "NO_USAGE",
  "PENDING",
  "SUBSCRIPTION_INACTIVE",
  "SUBSCRIPTION_SUSPENDED",
  "FEATURE_NOT_IN_PLAN",
  "BEFORE_START",
  "NOT_ASKED",
  "USAGE_LIMIT_EXCEEDED",
  /** It waited while the customer was quarantined, and no invoice could carry what it would come to. */
  "USAGE_REFUSED",
  /** Units less of a period that was billed: given back as money. */
  "PERIOD_CLOSED",
] as const;
export type UnmeteredReason = (typeof UNMETERED_REASONS)[number];

/** Where an event was counted, and with how many units. */
export type Counted = {
  /** Number of the subscription. */
  subscription: number;
  unitsE12: E12;
  /** Those of them that credits paid for; absent without any. */
  coveredE12?: E12;
  /** Where a correction finds it again: in the first segment of its period that is closed after this one, once there is one. */
  periodStartMs: number;
  afterSegment: number;
  /** It occurred before that period began. */
  isLate?: true;
  /** It passed the limit: the last one to do so, for now the limit is reached. */
  isOvershoot?: true;
};

/** A limit that was reached when an event came: units beyond it are neither counted nor billed. */
export type LimitReached = { usedE12: E12; limitE12: E12 };

/** Credits that an event burned: `drawnE4` below 0 where a correction gave some back. `balanceE4` is what its pools had after it. */
export type Burnt = { drawnE4: E4; balanceE4: E4; weight: AppliedWeight };

/** Money in a currency other than the account's: kept on the event, and summed apart. */
export type OtherMoney = { amountE12: E12; currency: string };

/** Units that a correction took from a segment that was closed and on no invoice yet. They are part of what its entry counts. */
export type TakenFrom = { segment: number; unitsE12: E12; coveredE12: E12 };

/** What a correction is: an entry of its own about another event. */
export type CorrectionOf = {
  /** Place (`seq`) of the event that was wrong. */
  corrects: number;
  /** What that event comes to since: its right total, and how many units of it are counted. */
  usageE12: E12;
  countedE12: E12;
  reason?: string;
  /** What a billed period had too much, given back. */
  credited?: { amountMinor: number; currency: string };
  /** Absent without any: all that it counts is where `counted` says. */
  taken?: readonly TakenFrom[];
};

/** What an event's receipt says; the same at every repeat of its key. */
export type Receipt = {
  eventId: string;
  usageE12: E12;
  costE12?: E12;
  costSource?: CostSource;
  revenueE12?: E12;
  /** Where it is not the account's. */
  revenueCurrency?: string;
  metered: boolean;
  unmeteredReason?: UnmeteredReason;
  /** Counted units, where they are not all that were used. */
  meteredE12?: E12;
  late?: true;
  overshoot?: true;
  overLimit?: LimitReached;
  /** Where the rule lets units burn credits. */
  burnt?: Burnt;
  /** Id of the event that this one corrects. */
  corrects?: string;
  credited?: { amountMinor: number; currency: string };
};

/** An event as stored and shown again. */
export type StoredEvent = {
  eventId: string;
  /** Place in the order of arrival, from 1. */
  seq: number;
  key: string;
  eventName: string;
  occurredAtMs: number;
  /** What was sent, when it lay too far ahead and was cut. */
  sentOccurredAtMs?: number;
  receivedAtMs: number;
  featureId: string;
  provider: string;
  model: string;
  currency: string;
  usageE12: E12;
  costE12?: E12;
  costSource?: CostSource;
  /** When an unknown cost was found out later; the receipt still says unknown. */
  recostedAtMs?: number;
  /** In the event's currency: what the caller charged elsewhere, else the price of its counted units. */
  revenueE12?: E12;
  isRevenueGiven?: true;
  /** Revenue by a plan, or of credits, in another currency. */
  otherRevenue?: OtherMoney;
  /** The rule's cost of one unit, where the cost came from it. */
  costPerUnitE12?: E12;
  counted?: Counted;
  /** Absent with `counted`; absent without it: NO_SUBSCRIPTION. */
  unmeteredReason?: UnmeteredReason;
  /** What the receipt says for ever, where the event was counted after its receipt was given. */
  receiptReason?: UnmeteredReason;
  overLimit?: LimitReached;
  burnt?: Burnt;
  /** While it is PENDING: what a unit of it burns, should it burn any. */
  pendingWeight?: AppliedWeight;
  correction?: CorrectionOf;
  inputTokens?: number;
  outputTokens?: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  costUnitsE12?: E12;
  flowId?: string;
  meta?: string;
  subscriptionId?: string;
  invoiceId?: string;
  entitlementId?: string;
};

/**
 * The instant an event counts at: what was sent, at most 5 minutes after `nowMs`, by default `nowMs`. Never
 * refused for its time.
 */
export function occurredAt(sentMs: number | undefined, nowMs: number): { atMs: number; sentMs?: number } {
  if (sentMs === undefined) return { atMs: nowMs };
  const latestMs = nowMs + OCCURRED_AHEAD_MS_MAX;
  return sentMs > latestMs ? { atMs: latestMs, sentMs } : { atMs: sentMs };
}

/** The receipt of a stored event: what was known when it came, so neither a cost nor a count that was found out later is on it. */
export function receiptOf(event: StoredEvent): Receipt {
  const { counted, receiptReason, otherRevenue, overLimit, burnt, correction } = event;
  const isCosted = event.costE12 !== undefined && event.recostedAtMs === undefined;
  const isLater = receiptReason !== undefined;
  const revenueE12 = isLater && !event.isRevenueGiven ? undefined : (event.revenueE12 ?? otherRevenue?.amountE12);
  const isMetered = counted !== undefined && !isLater;
  return {
    eventId: event.eventId,
    usageE12: event.usageE12,
    ...(isCosted && event.costE12 !== undefined ? { costE12: event.costE12 } : {}),
    ...(isCosted && event.costSource !== undefined ? { costSource: event.costSource } : {}),
    ...(revenueE12 === undefined ? {} : { revenueE12 }),
    ...(otherRevenue === undefined || isLater || event.revenueE12 !== undefined
      ? {}
      : { revenueCurrency: otherRevenue.currency }),
    metered: isMetered,
    ...(isMetered ? {} : { unmeteredReason: receiptReason ?? event.unmeteredReason ?? "NO_SUBSCRIPTION" }),
    ...(isMetered && counted.unitsE12 !== event.usageE12 ? { meteredE12: counted.unitsE12 } : {}),
    ...(isMetered && counted.isLate ? { late: true } : {}),
    ...(isMetered && counted.isOvershoot ? { overshoot: true } : {}),
    ...(overLimit === undefined || isLater ? {} : { overLimit }),
    ...(burnt === undefined || isLater ? {} : { burnt }),
    ...(correction === undefined ? {} : { corrects: correctedEventId(event, correction) }),
    ...(correction?.credited === undefined ? {} : { credited: correction.credited }),
  };
}

/** Id of the event that a correction is about: of the same customer. */
export function correctedEventId({ eventId }: StoredEvent, { corrects }: CorrectionOf): string {
  const own = readCustomerThingId(eventId);
  if (own === undefined) throw new Error("invariant broken: an event has an id of its customer");
  return customerThingId(own.tag, "event", corrects);
}
