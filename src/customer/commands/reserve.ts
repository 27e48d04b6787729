import { closeBlock, decideBlock, type GrantedBlock } from "../../domain/block.ts";
import { type Draft, openDraft } from "../../domain/book.ts";
import { type Question, verdictOf } from "../../domain/entitlement.ts";
import { customerThingId } from "../../domain/ids.ts";
import type { Refusal, Reply } from "../../domain/refusal.ts";
import { decideReserve } from "../../domain/reservation.ts";
import type { Hold } from "../../domain/usage.ts";
import { readHolds } from "../book-store.ts";
import { commit } from "../commit.ts";
import { remembering } from "../decide.ts";
import type { Change, Customer } from "../image.ts";
import { granted, unknownCustomer, wantedBy, weighedBy } from "../questions/check.ts";
import type { LendCall, LendReply, ReserveCall, ReserveReply } from "../reservation-calls.ts";

/**
 * Holds units, if they may be used now, so that nobody else can use them. The caller's own key answers the same reservation again
 * while it holds and once it is committed, and refuses `state_conflict` when it was given back or lapsed and
 * `own_key_taken` when it was for something else; a refusal is not remembered under it, but like every answer under the Idempotency-Key. With a wish a block
 * comes along where there is enough left.
 */
export function reserve(customer: Customer, call: ReserveCall, nowMs: number): Reply<ReserveReply> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  const draft = openDraft(customer.image.book);
  const { wish } = call;
  for (const rest of wish?.closed ?? []) closeOf(draft, rest, nowMs);
  const reply = answerOf(customer, draft, call, nowMs);
  const isHeld = reply.ok && reply.value.reservationId !== undefined;
  const block = wish !== undefined && isHeld ? lentTo(customer, draft, { ...call, wish }, nowMs) : undefined;
  commit(customer, [...changesOf(draft), ...remembering(call, reply)], nowMs);
  return reply.ok && block !== undefined ? { ok: true, value: { ...reply.value, block } } : reply;
}

/** Lends an isolate a block before the one it has is used up. */
export function lend(customer: Customer, call: LendCall, nowMs: number): Reply<LendReply> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  const draft = openDraft(customer.image.book);
  for (const rest of call.wish.closed) closeOf(draft, rest, nowMs);
  const block = lentTo(customer, draft, call, nowMs);
  commit(customer, changesOf(draft), nowMs);
  return { ok: true, value: block === undefined ? {} : { block } };
}

function changesOf(draft: Draft): Change[] {
  return draft.holds.written.size > 0 ? [{ kind: "draft", draft }] : [];
}

function closeOf(draft: Draft, { block, ...rest }: LendCall["wish"]["closed"][number], nowMs: number): void {
  const hold = draft.holds.get(block);
  if (hold !== undefined) closeBlock(draft, hold, rest, nowMs);
}

/**
 * A customer of a test clock lives in a time that no isolate knows; one whose clock has ended ahead of real time stands still until that is
 * there, and what nobody ends would be held till then.
 */
function lentTo(customer: Customer, draft: Draft, call: LendCall, nowMs: number): GrantedBlock | undefined {
  const { state, book, billingAtMs: untilMs } = customer.image;
  if (state.clock !== undefined || nowMs > customer.wallMs()) return undefined;
  const secret = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  const terms = { secret: secret.join(""), openCount: book.holds.size, untilMs };
  const block = decideBlock(draft, questionOf(customer, call, nowMs), call.wish, terms, nowMs);
  return block === undefined ? undefined : { ...block, verdict: granted(block.verdict) };
}

function questionOf(customer: Customer, call: Omit<LendCall, "wish">, nowMs: number): Question {
  const { featureKey, isEnabled } = call;
  return { featureKey, isEnabled, weighing: weighedBy(call, nowMs), ...wantedBy(customer, call) };
}

function answerOf(customer: Customer, draft: Draft, call: ReserveCall, nowMs: number): Reply<ReserveReply> {
  const { unitsE12: requestedE12, ttlSeconds, key } = call;
  const { book } = customer.image;
  const question = questionOf(customer, call, nowMs);
  const [before] = key === undefined ? [] : readHolds(customer.sql, "WHERE key = ?", key);
  if (before !== undefined) {
    const refused = notTheSame(before, call);
    if (refused !== undefined) return refused;
    const verdict = granted(verdictOf(book, question));
    return { ok: true, value: { verdict, asOfMs: nowMs, ...named(customer, before), isRepeat: true } };
  }
  const holding = { ttlSeconds, openCount: book.holds.size, ...(key === undefined ? {} : { key }) };
  const decided = decideReserve(draft, { ...question, requestedE12 }, holding, nowMs);
  if (!decided.ok) return decided;
  const { verdict, hold } = decided.value;
  if (hold === undefined) return { ok: true, value: { verdict, asOfMs: nowMs } };
  const after = granted(verdictOf(draft, question));
  return { ok: true, value: { verdict: after, asOfMs: nowMs, ...named(customer, hold) } };
}

/** Who would take the key's reservation for one that it asked for now, or for one that still holds, would use what nobody kept for it. */
function notTheSame({ featureKey, unitsE12, status }: Hold, call: ReserveCall): Refusal | undefined {
  if (featureKey !== call.featureKey || unitsE12 !== call.unitsE12)
    return { ok: false, code: "own_key_taken", what: "another feature or other units" };
  if (status === "HELD" || status === "COMMITTED") return undefined;
  const why = `The reservation of this idempotencyKey is ${status} and holds nothing: reserve under another key.`;
  return { ok: false, code: "state_conflict", why };
}

function named({ image }: Customer, { number, expiresAtMs }: Hold): { reservationId: string; expiresAtMs: number } {
  return { reservationId: customerThingId(image.owner.tag, "reservation", number), expiresAtMs };
}
