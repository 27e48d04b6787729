import type { ClosedSegment } from "../../domain/billed-units.ts";
import { decideCorrection } from "../../domain/correction.ts";
import { weigh, weightInstant } from "../../domain/credit-weight.ts";
import { eventKeyBytes } from "../../domain/digest.ts";
import { type Counted, receiptOf, type StoredEvent } from "../../domain/event.ts";
import { customerThingId } from "../../domain/ids.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { CorrectCall, CorrectReply } from "../calls.ts";
import { commit } from "../commit.ts";
import { creditPast, entriesOfEvent } from "../credit-store.ts";
import { notFound, remembering } from "../decide.ts";
import type { Customer } from "../image.ts";
import { closedWith, segmentThatCounted } from "../invoice-store.ts";
import { numberOf } from "../questions/billing.ts";
import { changesOf, moneyFields, openRecording, type Recording, store, storedEvent } from "../recording.ts";
import { correctionsOf, readEvent } from "../store.ts";

/**
 * Corrects what an event said it used; see `decideCorrection`. The entry stands in the current hour, with the names of the event that
 * it is about. The caller's key answers the first receipt again, and refuses `own_key_taken` for another event; keys of events are other keys. Whatever is answered is remembered
 * under the Idempotency-Key.
 */
export function correct(customer: Customer, call: CorrectCall, nowMs: number): Reply<CorrectReply> {
  const recording = openRecording(customer, nowMs);
  const reply = decideCorrect(recording, call, nowMs);
  const isNew = reply.ok && !reply.value.isRepeat;
  commit(customer, [...(isNew ? changesOf(recording) : []), ...remembering(call, reply)], nowMs);
  return reply;
}

function decideCorrect(recording: Recording, call: CorrectCall, nowMs: number): Reply<CorrectReply> {
  const { customer } = recording;
  const { image, sql } = customer;
  const { tag } = image.owner;
  const first = call.key === undefined ? undefined : storedEvent(customer, correctionKey(call.key));
  const seq = numberOf(customer, "event", call.eventId);
  if (first !== undefined) {
    // Who would hear of another event's correction took this one for corrected.
    if (first.correction?.corrects !== seq) return { ok: false, code: "own_key_taken", what: "another event" };
    return { ok: true, value: { receipt: receiptOf(first), isRepeat: true } };
  }
  const wrong = seq === undefined ? undefined : readEvent(sql, tag, seq);
  if (wrong === undefined) return notFound("event", call.eventId);
  const place = recording.seq + 1;
  const weighing = {
    atMs: weightInstant(wrong.occurredAtMs, nowMs),
    ...(call.credits === undefined ? {} : { terms: call.credits }),
    ...(wrong.model === "" ? {} : { model: wrong.model }),
  };
  const asked = {
    rightE12: call.usageE12,
    seq: place,
    weight: weigh(weighing, wrong.featureId),
    past: creditPast(sql),
    entriesOf: (seq: number) => entriesOfEvent(sql, seq),
    before: correctionsOf(sql, tag, wrong.seq),
    closedOf: (counted: Counted) => closedSegment(customer, wrong, counted),
    ...(call.reason === undefined ? {} : { reason: call.reason }),
  };
  const decided = decideCorrection(recording.draft, wrong, asked, nowMs);
  if (!decided.ok) return decided;
  const { revenues, ...said } = decided.value;
  const entry: StoredEvent = {
    eventId: customerThingId(tag, "event", place),
    seq: place,
    key: call.key ?? `correction:${place}`,
    eventName: wrong.eventName,
    occurredAtMs: nowMs,
    receivedAtMs: nowMs,
    featureId: wrong.featureId,
    provider: wrong.provider,
    model: wrong.model,
    currency: wrong.currency,
    ...(said.costE12 === 0n ? {} : { costSource: "rule" }),
    ...said,
    ...(revenues === undefined ? {} : moneyFields(revenues, wrong.currency)),
  };
  // A made-up key of its own: callers' keys have no NUL in them.
  store(recording, entry, correctionKey(call.key ?? `\u0000${place}`));
  return { ok: true, value: { receipt: receiptOf(entry), isRepeat: false } };
}

/** Keys of corrections are a space of their own among the keys of events, in which no caller can write a NUL. */
function correctionKey(key: string): Uint8Array {
  return eventKeyBytes(`\u0000${key}`);
}

/** The segment that counted units of the event, if it is closed. */
function closedSegment(customer: Customer, { featureId }: StoredEvent, counted: Counted): ClosedSegment | undefined {
  const segment = segmentThatCounted(customer.sql, featureId, counted);
  return segment === undefined ? undefined : closedWith(customer, segment);
}
