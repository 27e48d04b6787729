import { takePart } from "../../domain/block.ts";
import { type HandedOutId, isSignedBy, readHandedOutId } from "../../domain/block-id.ts";
import type { Draft } from "../../domain/book.ts";
import { receiptOf } from "../../domain/event.ts";
import { invalid, type Refusal, type Reply } from "../../domain/refusal.ts";
import { decideRelease } from "../../domain/reservation.ts";
import type { Hold } from "../../domain/usage.ts";
import { readHolds } from "../book-store.ts";
import { commit } from "../commit.ts";
import { decideOnBook, notFound, remembering } from "../decide.ts";
import type { Customer } from "../image.ts";
import type { SizeGuard } from "../limits.ts";
import { numberOf } from "../questions/billing.ts";
import { changesOf, eventAt, introduce, openRecording, type Recording, record, termsOf } from "../recording.ts";
import type { CommitCall, CommitReply, ReleaseCall } from "../reservation-calls.ts";

/** How reservations end by hand: used, or given back. */

/** A reservation of this customer, also one that has ended. One from a block is made in the draft where it has not come up yet. */
function holdOf(customer: Customer, draft: Draft, id: string, nowMs: number): Reply<Hold> {
  const handedOut = readHandedOutId(id);
  if (handedOut !== undefined) return partOf(customer, draft, handedOut, id, nowMs);
  const number = numberOf(customer, "reservation", id);
  const hold = number === undefined ? undefined : numbered(customer, number);
  // A block is its isolate's, not a caller's.
  return hold === undefined || hold.block !== undefined ? notFound("reservation", id) : { ok: true, value: hold };
}

function numbered({ image, sql }: Customer, number: number): Hold | undefined {
  return image.book.holds.get(number) ?? readHolds(sql, "WHERE number = ?", number)[0];
}

/** Refuses `reservation_ended` where it, or its block, lapsed before anybody said what became of it. */
function partOf(customer: Customer, draft: Draft, handedOut: HandedOutId, id: string, nowMs: number): Reply<Hold> {
  const block = handedOut.tag === customer.image.owner.tag ? numbered(customer, handedOut.block) : undefined;
  if (block?.block === undefined || !isSignedBy(handedOut, block.block.secret)) return notFound("reservation", id);
  const query = "WHERE part_of = ? AND part_sequence = ?";
  const part =
    readHolds(customer.sql, query, block.number, handedOut.sequence)[0] ?? takePart(draft, block, handedOut, nowMs);
  return part === "LAPSED" ? { ok: false, code: "reservation_ended", status: part } : { ok: true, value: part };
}

/**
 * Records what was used in place of what is held. Units within the hold are always taken, more are judged like a plain event's;
 * credits come from the very grants that were held, and what is left of them goes back. A
 * repeat answers the first receipt. Refuses `reservation_ended` once it lapsed or was released. An event key that something
 * else has commits nothing. Whatever is answered is remembered under the Idempotency-Key.
 */
export function commitReservation(
  customer: Customer,
  call: CommitCall,
  size: SizeGuard,
  nowMs: number,
): Reply<CommitReply> {
  const recording = openRecording(customer, nowMs);
  const reply = decideCommit(recording, call, size);
  const isCommitted = reply.ok && reply.value.outcome === "committed";
  if (isCommitted) size.willWrite(call.track.events);
  commit(customer, [...(isCommitted ? changesOf(recording) : []), ...remembering(call.track, reply)], nowMs);
  return reply;
}

/** What is recorded is of account only if the outcome is `committed`. */
function decideCommit(recording: Recording, call: CommitCall, size: SizeGuard): Reply<CommitReply> {
  const { customer } = recording;
  const found = holdOf(customer, recording.draft, call.reservationId, recording.nowMs);
  if (!found.ok) return found;
  const hold = found.value;
  if (hold.status === "COMMITTED" && hold.eventSeq !== undefined)
    return { ok: true, value: { receipt: receiptOf(eventAt(customer, hold.eventSeq)), outcome: "repeated" } };
  if (hold.status !== "HELD") return { ok: false, code: "reservation_ended", status: hold.status };
  const refused = otherFeature(hold, call);
  if (refused !== undefined) return refused;
  if (!size.hasRoomForEvents()) return { ok: false, code: "object_full" };
  const [sent] = call.track.events;
  if (sent === undefined) throw new Error("invariant broken: a reservation is committed by one event");
  introduce(recording, call.track.identity);
  const event = { ...sent, usageE12: sent.usageE12 ?? hold.unitsE12 };
  const options = { ...termsOf(call.track), keepMeta: size.hasRoomForMeta(), hold, isGranted: true };
  const result = record(recording, event, options);
  if (result.status === "refused") return result.refusal;
  const { receipt } = result;
  if (result.status === "duplicate") return { ok: true, value: { receipt, outcome: "key_taken" } };
  recording.draft.holds.put({ ...hold, status: "COMMITTED", eventSeq: recording.seq });
  return { ok: true, value: { receipt, outcome: "committed" } };
}

/** What is reserved is used, nothing else. */
function otherFeature({ featureKey, featureId }: Hold, { feature = {} }: CommitCall): Refusal | undefined {
  if (feature.featureKey !== undefined && feature.featureKey !== featureKey)
    return invalid("featureKey", "is not the feature that was reserved");
  if (feature.featureId !== undefined && feature.featureId !== featureId)
    return invalid("featureId", "is not the feature that was reserved");
  return undefined;
}

/** Gives held units back; see `decideRelease`. */
export function releaseReservation(customer: Customer, call: ReleaseCall, nowMs: number): Reply<undefined> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = holdOf(customer, draft, call.reservationId, nowMs);
    return found.ok ? decideRelease(draft, found.value, nowMs) : found;
  });
}
