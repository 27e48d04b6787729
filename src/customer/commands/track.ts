import type { Reply } from "../../domain/refusal.ts";
import type { TrackCall, TrackResult } from "../calls.ts";
import { commit } from "../commit.ts";
import { remembering } from "../decide.ts";
import type { Customer } from "../image.ts";
import type { SizeGuard } from "../limits.ts";
import { changesOf, introduce, openRecording, record, termsOf } from "../recording.ts";

/**
 * Records events of this customer: each once for its key, for as long as keys are kept, which is for ever. A repeated key
 * answers the first receipt and changes nothing. Refuses `object_full`, and then nothing of the call is kept.
 */
export function track(customer: Customer, call: TrackCall, size: SizeGuard, nowMs: number): Reply<TrackResult[]> {
  if (!size.hasRoomForEvents()) return { ok: false, code: "object_full" };
  const options = { ...termsOf(call), keepMeta: size.hasRoomForMeta(), isAsked: call.meter !== false };
  const recording = openRecording(customer, nowMs);
  const results = call.events.map((event) => record(recording, event, options));
  // Who is refused everything is not made a customer by it.
  if (results.some(({ status }) => status !== "refused")) introduce(recording, call.identity);
  const reply: Reply<TrackResult[]> = { ok: true, value: results };
  size.willWrite(call.events);
  commit(customer, [...changesOf(recording), ...remembering(call, reply)], nowMs);
  return reply;
}
