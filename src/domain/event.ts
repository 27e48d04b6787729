import type { E12 } from "./amount.ts";
import type { CostInput } from "./cost.ts";
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

/** Why an event was recorded for its cost and revenue only and not metered. */
export type UnmeteredReason = "NO_SUBSCRIPTION";

/** What an event's receipt says; the same at every repeat of its key. */
export type Receipt = {
  eventId: string;
  usageE12: E12;
  costE12?: E12;
  costSource?: CostSource;
  revenueE12?: E12;
  metered: boolean;
  unmeteredReason?: UnmeteredReason;
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
  revenueE12?: E12;
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
