import { servingSubscription } from "../../domain/entitlement.ts";
import type { StoredEvent } from "../../domain/event.ts";
import { PENDING_COUNTED_MAX } from "../../domain/limits.ts";
import { type Metering, meter } from "../../domain/metering.ts";
import { NO_SUMS } from "../../domain/rollup.ts";
import { commit } from "../commit.ts";
import type { Customer } from "../image.ts";
import { wantedBy } from "../questions/check.ts";
import {
  addOther,
  addToSum,
  changesOf,
  countedFields,
  countedIn,
  openRecording,
  type Recording,
} from "../recording.ts";
import { pendingEvents } from "../store.ts";

/**
 * Counts events that came while the customer was quarantined, in their order, up to a bound a call. They burn credits as far as
 * there are any: what was accepted is not refused any more. Their receipts stay as they were; what is stored of them, counters and
 * sums follow. True: none is left.
 */
export function countPending(customer: Customer, nowMs: number): boolean {
  const pending = pendingEvents(customer.sql, customer.image.owner.tag, PENDING_COUNTED_MAX);
  const [oldest] = pending;
  if (oldest === undefined) return true;
  const recording = openRecording(customer, nowMs);
  for (const event of pending) countNow(recording, event);
  recording.changes.push({ kind: "fed", seq: Math.min(customer.image.state.fedSeq, oldest.seq - 1) });
  recording.changes.push({ kind: "unsent", outboxKind: "feed", key: "" });
  commit(customer, changesOf(recording), nowMs);
  return pending.length < PENDING_COUNTED_MAX;
}

function countNow(recording: Recording, event: StoredEvent): void {
  const { customer, draft } = recording;
  const { wanted } = wantedBy(customer, event);
  const serving = servingSubscription(draft, event, wanted);
  const { featureId, usageE12, occurredAtMs, seq, pendingWeight, ...fields } = event;
  const weight = pendingWeight === undefined ? {} : { weight: pendingWeight };
  const asked = { featureId, usageE12, occurredAtMs, seq, isAccepted: true, ...weight };
  const metering = meter(draft, serving, asked, recording.nowMs);
  // Its receipt is given, so it can be refused no more; a throw would keep the customer quarantined for ever.
  const outcome: Metering = metering.ok ? metering.value : { unmeteredReason: "USAGE_REFUSED" };
  const { unmeteredReason: receiptReason, isRevenueGiven, ...rest } = fields;
  const given = isRevenueGiven ? event.revenueE12 : undefined;
  const counted: StoredEvent = {
    ...rest,
    ...{ featureId, usageE12, occurredAtMs, seq },
    ...countedFields(outcome, event.currency, given),
    ...(receiptReason === undefined ? {} : { receiptReason }),
    ...(isRevenueGiven === undefined ? {} : { isRevenueGiven }),
  };
  recording.changes.push({ kind: "counted", event: counted });
  const revenueE12 = (counted.revenueE12 ?? 0n) - (event.revenueE12 ?? 0n);
  if (revenueE12 === 0n && counted.otherRevenue === undefined) return;
  const key = countedIn(customer, event);
  if (revenueE12 !== 0n) addToSum(recording, key, { ...NO_SUMS, revenueE12 });
  addOther(recording, key, counted.otherRevenue);
}
