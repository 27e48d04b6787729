import * as z from "zod";
import { ReserveBody, ReservedWire, toWireEntitlement } from "../../contract/entitlement.ts";
import {
  EventBody,
  namedBy,
  type ParsedEvent,
  ReceiptWire,
  toTrackEvent,
  toWireReceipt,
} from "../../contract/event.ts";
import { parseEvent } from "../../contract/plain-event.ts";
import { idText, instantText } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { ReserveCall } from "../../customer/reservation-calls.ts";
import { blockIdOf, readHandedOutId } from "../../domain/block-id.ts";
import type { Uuid } from "../../domain/ids.ts";
import { HOLD_SECONDS_DEFAULT } from "../../domain/limits.ts";
import { invalid, type Refusal, type Reply } from "../../domain/refusal.ts";
import { keepBlock } from "../../edge/blocks.ts";
import { allCreditTerms, creditTermsFor, creditTermsOf } from "../credit-terms.ts";
import { customerNamed, ownerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Pinned, type Route } from "../route.ts";
import { askAhead, handedAnswer, handOutHere } from "./blocks.ts";
import { aboutOf, namedAs } from "./entitlements.ts";
import { trackCall, withHeaderKey } from "./events.ts";
import { isEnabled } from "./plain-check.ts";

/** Units held before they are used, so that requests under way cannot pass a limit together. */

async function reserve(call: Call<unknown, unknown, z.output<typeof ReserveBody>>): Promise<Answer> {
  const { customerReferenceId, featureKey, subscriptionId, usageUnits, model, ttlSeconds, idempotencyKey } = call.body;
  const owner = await customerNamed(call, customerReferenceId);
  if (!owner.ok) return owner;
  const asked: ReserveCall = {
    featureKey,
    isEnabled: isEnabled(call.account, featureKey),
    unitsE12: usageUnits,
    ...creditTermsOf(call.account, featureKey, model),
    ...(model === undefined ? {} : { model }),
    ttlSeconds: ttlSeconds ?? HOLD_SECONDS_DEFAULT,
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    ...(idempotencyKey === undefined ? {} : { key: idempotencyKey }),
    ...(call.requestKey === undefined ? {} : { requestKey: call.requestKey }),
  };
  const { handed, ask } = handOutHere(call, owner.value, asked);
  if (handed !== undefined) {
    if (ask !== undefined) askAhead(call, owner.value, asked, ask);
    return handedAnswer(call, owner.value, customerReferenceId, handed);
  }
  const object = objectOf(call.env, call.account.account.accountId, owner.value.customerId);
  const reply = await object.reserve(ask === undefined ? asked : { ...asked, wish: ask.wish });
  if (ask !== undefined) keepBlock(ask, reply.ok ? reply.value.block : undefined);
  if (!reply.ok) return namedAs(reply, customerReferenceId);
  const { verdict, asOfMs, reservationId, expiresAtMs, isRepeat } = reply.value;
  const entitlement = toWireEntitlement(verdict, asOfMs, aboutOf(owner.value, customerReferenceId));
  const replayed = reply.replayed === true;
  const { denial, credit } = verdict;
  if (credit !== undefined && (denial === "CREDIT_POOL_FROZEN" || denial === "CREDIT_LIMIT_REACHED")) {
    const { neededE4, availableE4, balanceE4, frozen } = credit;
    const kept = balanceE4 >= neededE4;
    return { ok: false, code: "credits_short", neededE4, availableE4, frozen, kept, entitlement, replayed } as Refusal;
  }
  if (reservationId === undefined || expiresAtMs === undefined)
    return { ok: false, code: "access_denied", reason: verdict.denial ?? "", entitlement, replayed } as Refusal;
  const data = { reservationId, expiresAt: instantText(expiresAtMs), entitlement };
  return { ...answer(isRepeat ? 200 : 201, data), replayed };
}

/** Whose reservation it is: an id from a block begins with the block's. */
function holderOf(call: Call<{ id: string }>): Reply<Uuid> {
  const { id } = call.params;
  const handedOut = readHandedOutId(id);
  return ownerOf(call, "reservation", handedOut === undefined ? id : blockIdOf(handedOut.tag, handedOut.block));
}

/** What tells a reservation from all others; the rest of an id from a block is what is reserved, and its proof. */
function nameOf(id: string): string {
  return id.toLowerCase().split(".", 2).join(".");
}

async function commit(call: Call<{ id: string }, unknown, ParsedEvent>): Promise<Answer> {
  const keyed = withHeaderKey(call);
  if (!keyed.ok) return keyed;
  const owner = holderOf(call);
  if (!owner.ok) return owner;
  const other = await otherCustomer(call, keyed.value, owner.value);
  if (other !== undefined) return other;
  const { eventIdempotencyKey, featureKey, featureId } = keyed.value;
  // One reservation, one event: without a key of the caller's own it has the reservation's.
  const key = eventIdempotencyKey?.trim() ? eventIdempotencyKey : `reservation:${nameOf(call.params.id)}`;
  const event = toTrackEvent(keyed.value, key, undefined);
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).commitReservation({
    reservationId: call.params.id,
    track: { ...trackCall(call, { customerId: owner.value }, [event]), ...weightsFor(call, keyed.value) },
    feature: {
      ...(featureKey === undefined ? {} : { featureKey }),
      ...(featureId === undefined ? {} : { featureId: featureId.toLowerCase() }),
    },
  });
  if (!reply.ok) return reply;
  const { outcome } = reply.value;
  const receipt = toWireReceipt(reply.value.receipt, owner.value);
  const replayed = reply.replayed === true;
  if (outcome === "key_taken") return { ok: false, code: "duplicate_event", receipt, replayed } as Refusal;
  return { ...answer(outcome === "repeated" ? 200 : 201, receipt), replayed };
}

/** The object knows which feature is reserved, and for which model: where the caller says it, the weights of that one do. */
function weightsFor({ account }: Call, { featureKey, featureId, costInput }: ParsedEvent) {
  const named =
    featureId?.toLowerCase() ??
    (featureKey === undefined ? undefined : account.featuresByKey.get(featureKey)?.featureId);
  const model = costInput?.model;
  if (named === undefined || model === undefined) return allCreditTerms(account, { featureId: named, model });
  return creditTermsFor(account, [{ featureId: named, model }]);
}

/** Why the event may not name whom it names; nobody need be named, for the reservation is somebody's. */
async function otherCustomer(call: Call, event: ParsedEvent, owner: Uuid): Promise<Refusal | undefined> {
  for (const [field, given] of Object.entries(namedBy(event))) {
    const named = await customerNamed(call, given);
    if (!named.ok) return named;
    if (named.value.customerId !== owner)
      return invalid(field === "referenceId" ? "customerReferenceId" : field, "is not the reservation's customer");
  }
  return undefined;
}

async function release(call: Call<{ id: string }>): Promise<Answer> {
  const owner = holderOf(call);
  if (!owner.ok) return owner;
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).releaseReservation({
    reservationId: call.params.id,
    ...(call.requestKey === undefined ? {} : { requestKey: call.requestKey }),
  });
  return reply.ok ? { ...answer(200), replayed: reply.replayed === true } : reply;
}

const SPENDERS: Pinned = ["purchase", "ingest"];
const Id = z.object({ id: idText });

export const reservationRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/client/entitlements/reserve",
    scope: "client",
    pinned: SPENDERS,
    tag: "Entitlements",
    summary: "Reserve units before they are used",
    description:
      "Held until committed, released, or `ttlSeconds` are over: nobody else can use these units meanwhile. Not allowed, or not enough left beside what is used and held: 409 with the entitlement, which says why, in `data`. Where the feature burns credits, those of these units are held too, by the weight in force for `model`: of the grants that they would be drawn from, and for them alone; the commit burns by the weight of that model then, unless it names another. `idempotencyKey` answers the same reservation again (200) while it is held and once it is committed; was it released or has it lapsed, or was it for another feature or other units: 409, and nothing is held. Who reserves often is answered from units that the customer's object lent ahead (`source` is `block`, and `asOf` when it did), for `ttlSeconds` of at most 60 and without any key: as exact, and without a trip. A `reservationId` is opaque text of at most 200 characters.",
    body: ReserveBody,
    examples: { body: { customerReferenceId: "acme", featureKey: "ai.chat", usageUnits: 5, ttlSeconds: 120 } },
    isQuiet: true,
    answers: { 201: ReservedWire, 200: ReservedWire },
    refuses: [
      "customer_erased",
      "access_denied",
      "credits_short",
      "customer_not_found",
      "other_customer",
      "state_conflict",
      "own_key_taken",
      "quarantined",
      "request_conflict",
    ],
    handle: reserve,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/client/reservations/{id}/commit",
    scope: "client",
    pinned: SPENDERS,
    tag: "Entitlements",
    summary: "Record what was used of a reservation",
    description:
      "An event's body; customer and feature are the reservation's, and `usageUnits` is what was really used (absent: all that is held). Units within the hold are always taken; more of them are judged like a plain event's: beyond a limit that is reached they are neither counted nor billed, and the receipt says `usageLimitExceeded`. What is left of the hold is free again, units and credits alike; credits come from those that were held, by the weight in force now, and what goes beyond is drawn like a plain event's. It counts now, whatever `occurredAt` says, priced by the plan in force. A repeat answers the same receipt (200). After a lapse or a release: 409; report what was used as a plain event.",
    params: Id,
    body: EventBody,
    parseBody: parseEvent,
    examples: { body: { eventName: "chat.completion", usageUnits: 3 } },
    isQuiet: true,
    answers: { 201: ReceiptWire, 200: ReceiptWire },
    refuses: [
      "customer_erased",
      "thing_not_found",
      "customer_not_found",
      "other_customer",
      "reservation_ended",
      "duplicate_event",
      "usage_refused",
      "credits_short",
      "object_full",
      "quarantined",
      "request_conflict",
    ],
    handle: commit,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/client/reservations/{id}/release",
    scope: "client",
    pinned: SPENDERS,
    tag: "Entitlements",
    summary: "Give reserved units back",
    description: "Released already: 200, nothing changes. Committed or lapsed: 409.",
    params: Id,
    isQuiet: true,
    answers: { 200: null },
    refuses: ["thing_not_found", "other_customer", "reservation_ended", "quarantined", "request_conflict"],
    handle: release,
  }),
];
