import { eventKeyBytes } from "../../domain/digest.ts";
import { type Question, servingSubscription, verdictOf } from "../../domain/entitlement.ts";
import { type Receipt, receiptOf, type StoredEvent } from "../../domain/event.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { ConsumeCall, ConsumeReply } from "../calls.ts";
import { commit } from "../commit.ts";
import { remembering } from "../decide.ts";
import type { Customer } from "../image.ts";
import type { SizeGuard } from "../limits.ts";
import { granted, unknownCustomer, wantedBy, weighedBy } from "../questions/check.ts";
import { changesOf, introduce, openRecording, record, storedEvent, termsOf, weighingOf } from "../recording.ts";

/**
 * Checks and records in one turn: nobody can use in between what was found to be left. Not allowed: nothing is recorded and nothing
 * remembered, so that the same call may succeed later. A repeated event key answers the first receipt and what is left now; access
 * was given for it only if it was a use of this feature that was let through, and not if it was an event that the plan did not count.
 */
export function consume(customer: Customer, call: ConsumeCall, size: SizeGuard, nowMs: number): Reply<ConsumeReply> {
  const { image } = customer;
  const { featureKey, isEnabled, track } = call;
  const [sent] = track.events;
  if (sent === undefined) throw new Error("invariant broken: what is consumed is one event");
  if (image.state.profile === undefined) return unknownCustomer(customer);
  const question = { featureKey, isEnabled, weighing: weighedBy(track, nowMs), ...wantedBy(customer, sent) };
  const first = storedEvent(customer, eventKeyBytes(sent.key));
  if (first !== undefined) return { ok: true, value: repeated(customer, call, question, first, nowMs) };
  if (!size.hasRoomForEvents()) return { ok: false, code: "object_full" };
  const weighing = weighingOf(sent, track.credits, nowMs);
  const verdict = verdictOf(image.book, { ...question, weighing, requestedE12: sent.usageE12 ?? 0n });
  const serving = servingSubscription(image.book, { featureKey }, question.wanted);
  if (!verdict.allowed || typeof serving === "string") return { ok: true, value: { verdict, asOfMs: nowMs } };
  const recording = openRecording(customer, nowMs);
  introduce(recording, track.identity);
  const event = { ...sent, featureId: serving.rule.featureId };
  const result = record(recording, event, { ...termsOf(track), keepMeta: size.hasRoomForMeta(), isGranted: true });
  if (result.status === "refused") return result.refusal;
  const after = granted(verdictOf(recording.draft, question));
  const { receipt } = result;
  const reply: Reply<ConsumeReply> = {
    ok: true,
    value: { verdict: after, asOfMs: nowMs, receipt, outcome: "recorded" },
  };
  size.willWrite(track.events);
  commit(customer, [...changesOf(recording), ...remembering(track, reply)], nowMs);
  return reply;
}

/** What the key's first event says of the same call made again. A subscription knows its features' ids even before this isolate does. */
function repeated(
  { image }: Customer,
  { featureKey, featureId }: ConsumeCall,
  question: Question,
  first: StoredEvent,
  nowMs: number,
): ConsumeReply {
  const verdict = verdictOf(image.book, question);
  const receipt = receiptOf(first);
  const serving = servingSubscription(image.book, { featureKey }, question.wanted);
  const asked = featureId ?? (typeof serving === "string" ? undefined : serving.rule.featureId);
  if (first.featureId !== asked) return { verdict, asOfMs: nowMs, receipt, outcome: "key_taken" };
  return {
    verdict: wasLetThrough(receipt) ? granted(verdict) : verdict,
    asOfMs: nowMs,
    receipt,
    outcome: "repeated",
  };
}

/** What is let through is counted, unless it asked for nothing. */
function wasLetThrough({ metered, unmeteredReason }: Receipt): boolean {
  return metered || unmeteredReason === "NO_USAGE";
}
