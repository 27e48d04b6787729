import type * as z from "zod";
import { identify, type Known } from "../../catalog/directory.ts";
import { type FoundFeature, findFeatures, makeFeatures } from "../../catalog/features.ts";
import { errorEnvelope } from "../../contract/errors.ts";
import {
  BatchResultWire,
  EventBatchBody,
  EventBody,
  namedBy,
  type ParsedEvent,
  ReceiptWire,
  toTrackEvent,
  toWireReceipt,
} from "../../contract/event.ts";
import { parseEvent } from "../../contract/plain-event.ts";
import type { TrackCall } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { Named } from "../../domain/customer.ts";
import type { TrackEvent } from "../../domain/event.ts";
import { BATCH_BODY_BYTES_MAX, NAME_CHARS_MAX } from "../../domain/limits.ts";
import { invalid, type Refusal, type Reply } from "../../domain/refusal.ts";
import { costTermsFor } from "../cost-terms.ts";
import { creditTermsFor } from "../credit-terms.ts";
import { identityOf } from "../customer-of.ts";
import { problemsOf } from "../pipeline.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { askAlong, keepAlong } from "./plain-check.ts";

/** Events: one call per request of a customer's customer, or a thousand at once. */

/** An event whose customer and feature are known: ready for its object. */
export type Addressed = { customer: Known; event: TrackEvent };

/**
 * Customers and features of parsed events. Each answers for itself; together they take at most a few D1 round trips, and none
 * when the isolate knows them. An event that is refused leaves nothing behind: no customer is made for one whose feature is
 * refused, no feature for one whose customer is. `keyOf` makes up a key where the caller sent none.
 */
export async function addressEvents(
  call: Call,
  events: readonly ParsedEvent[],
  keyOf: (index: number) => string,
): Promise<Reply<Addressed>[]> {
  const database = call.env.DB;
  const { accountId } = call.account.account;
  const nowMs = Date.now();
  const features = await findFeatures(
    database,
    call.account,
    events.map(({ featureKey, featureId }) => ({
      ...(featureKey === undefined ? {} : { key: featureKey }),
      ...(featureId === undefined ? {} : { id: featureId }),
    })),
  );
  const customers = await customersOf(call, events, features, nowMs);
  const newKeys = new Set<string>();
  for (const [index, customer] of customers.entries()) {
    const feature = features[index];
    if (customer.ok && feature?.ok && feature.value.newKey !== undefined) newKeys.add(feature.value.newKey);
  }
  const madeOf = await makeFeatures(database, accountId, newKeys, nowMs);
  return events.map((event, index): Reply<Addressed> => {
    const customer = customers[index] as Reply<Known>;
    if (!customer.ok) return customer;
    const feature = features[index] as Reply<FoundFeature>;
    if (!feature.ok) return feature;
    const { newKey } = feature.value;
    const featureId: Reply<string | undefined> =
      newKey === undefined ? { ok: true, value: feature.value.featureId } : madeOf(newKey);
    if (!featureId.ok) return featureId;
    const key = event.eventIdempotencyKey?.trim() ? event.eventIdempotencyKey : keyOf(index);
    return { ok: true, value: { customer: customer.value, event: toTrackEvent(event, key, featureId.value) } };
  });
}

/** The customers of events, made where they are new, or why an event may not name its own. */
async function customersOf(
  call: Call,
  events: readonly ParsedEvent[],
  features: readonly Reply<FoundFeature>[],
  nowMs: number,
): Promise<Reply<Known>[]> {
  const names = events.map((event) => nameOf(call, event));
  const isPinned = call.key.customerId !== undefined;
  const distinct = new Map<string, { named: Named; index: number }>();
  for (const [index, name] of names.entries()) {
    // A customer's key makes no customer, so it always hears first whether it may speak for this one.
    if (!name.ok || !(features[index]?.ok || isPinned)) continue;
    const text = JSON.stringify(name.value);
    if (!distinct.has(text)) distinct.set(text, { named: name.value, index: distinct.size });
  }
  const identified = await identify(
    call.env.DB,
    call.account.account.accountId,
    [...distinct.values()].map(({ named }) => named),
    "EVENT_AUTO_CREATED",
    nowMs,
  );
  return events.map((event, index): Reply<Known> => {
    const name = names[index] as Reply<Named>;
    if (!name.ok) return name;
    const customer = identified[distinct.get(JSON.stringify(name.value))?.index ?? -1];
    // Nobody was asked for: the feature is refused, and no other event names this customer.
    if (customer === undefined) return features[index] as Refusal;
    if (customer.ok && isPinned && !namesOnly(event, customer.value)) return { ok: false, code: "other_customer" };
    return customer;
  });
}

/** Whom an event names. A customer's key stands for its own customer, so that it can neither make nor reach another. */
function nameOf(call: Call, event: ParsedEvent): Reply<Named> {
  if (call.key.customerId !== undefined) return { ok: true, value: { customerId: call.key.customerId } };
  const named = namedBy(event);
  return Object.keys(named).length === 0
    ? (invalid("customerReferenceId", "customerReferenceId, stripeCustomerId or customerId is needed") as Reply<Named>)
    : { ok: true, value: named };
}

/** Do all names that an event gives belong to this customer? A reference may be any of the three kinds. */
function namesOnly(event: ParsedEvent, customer: Known): boolean {
  const { referenceId, stripeCustomerId, customerId } = customer;
  const reference = event.customerReferenceId;
  return (
    (reference === undefined || [referenceId, stripeCustomerId, customerId].includes(reference)) &&
    (event.stripeCustomerId === undefined || event.stripeCustomerId === stripeCustomerId) &&
    (event.customerId === undefined || event.customerId.toLowerCase() === customerId)
  );
}

export function trackCall(call: Call, customer: Known, events: readonly TrackEvent[]): TrackCall {
  return {
    identity: identityOf(customer),
    terms: costTermsFor(call.account, events),
    events,
    ...creditTermsFor(call.account, events.map(useOf)),
    ...(call.requestKey === undefined ? {} : { requestKey: call.requestKey }),
  };
}

/** What an event uses, as weights name it. */
function useOf({ featureId, costInput }: TrackEvent): { featureId?: string; model?: string } {
  return {
    ...(featureId === undefined ? {} : { featureId }),
    ...(costInput?.model === undefined ? {} : { model: costInput.model }),
  };
}

/**
 * A key for an event that came without: a repeat under one Idempotency-Key makes up the same. Another body makes up another, so that
 * an Idempotency-Key that is free again after a day records a new event.
 */
export function madeUpKey(call: Call): (index: number) => string {
  const { requestKey } = call;
  return (index) =>
    requestKey === undefined ? crypto.randomUUID() : `request:${requestKey.digest}:${requestKey.bodyDigest}:${index}`;
}

/** The event of a body, with the key of the header, which wins. */
export function withHeaderKey(call: Call<unknown, unknown, ParsedEvent>): Reply<ParsedEvent> {
  const header = call.request.headers.get("X-Idempotency-Key")?.trim();
  if (header !== undefined && header.length > NAME_CHARS_MAX)
    return invalid("X-Idempotency-Key", `must be at most ${NAME_CHARS_MAX} characters`) as Reply<ParsedEvent>;
  return { ok: true, value: header ? { ...call.body, eventIdempotencyKey: header } : call.body };
}

async function trackOne(call: Call<unknown, unknown, ParsedEvent>) {
  const event = withHeaderKey(call);
  if (!event.ok) return event;
  const [addressed] = await addressEvents(call, [event.value], madeUpKey(call));
  if (addressed === undefined || !addressed.ok) return addressed ?? invalid("", "no event");
  const { customer } = addressed.value;
  call.log.customerId = customer.customerId;
  const object = objectOf(call.env, call.account.account.accountId, customer.customerId);
  const { featureId = "" } = addressed.value.event;
  const along = askAlong(call.account, customer.customerId, call.account.featuresById.get(featureId));
  const reply = await object.track({
    ...trackCall(call, customer, [addressed.value.event]),
    ...(along === undefined ? {} : { ask: along.ask }),
  });
  if (!reply.ok) return reply;
  keepAlong(call.account, along, reply.lease);
  const result = reply.value[0];
  if (result === undefined) throw new Error("invariant broken: one event, one result");
  const replayed = reply.replayed === true;
  if (result.status === "refused") return { ...result.refusal, replayed };
  const receipt = toWireReceipt(result.receipt, customer.customerId);
  if (result.status === "duplicate") return { ok: false as const, code: "duplicate_event" as const, receipt, replayed };
  return { ...answer(result.status === "over_limit" ? 200 : 201, receipt), replayed };
}

type BatchLine = z.input<typeof BatchResultWire>["results"][number];

type BatchCall = Call<unknown, unknown, z.output<typeof EventBatchBody>>;

/**
 * A batch reaches many objects, so its answer under an Idempotency-Key is kept in one place for all of them, after the effect: a
 * repeat after a crash in between finds every event a duplicate of itself, and so records nothing twice either.
 */
function trackBatch(call: BatchCall): Promise<Answer> {
  if (call.requestKey === undefined) return recordBatch(call).then((data) => answer(200, data));
  return commitAccount(call, async () => {
    const data = await recordBatch(call);
    return { ok: true, statements: [], audit: [], status: 200, data, version: "leave" };
  });
}

async function recordBatch(call: BatchCall): Promise<z.input<typeof BatchResultWire>> {
  const lines: BatchLine[] = new Array(call.body.events.length);
  const good: { index: number; event: ParsedEvent }[] = [];
  for (const [index, body] of call.body.events.entries()) {
    const parsed = parseEvent(body);
    if (parsed.success) good.push({ index, event: parsed.data });
    else lines[index] = rejected(index, { ok: false, code: "invalid", fields: problemsOf(parsed.error) });
  }
  const made = madeUpKey(call);
  const addressed = await addressEvents(
    call,
    good.map(({ event }) => event),
    (at) => made(good[at]?.index ?? at),
  );
  const byCustomer = new Map<string, { customer: Known; indexes: number[]; events: TrackEvent[] }>();
  for (const [at, { index }] of good.entries()) {
    const reply = addressed[at] as Reply<Addressed>;
    if (!reply.ok) {
      lines[index] = rejected(index, reply);
      continue;
    }
    const { customer, event } = reply.value;
    let group = byCustomer.get(customer.customerId);
    if (group === undefined) {
      group = { customer, indexes: [], events: [] };
      byCustomer.set(customer.customerId, group);
    }
    group.indexes.push(index);
    group.events.push(event);
  }
  // Each object hears of its events alone: the request's own key is not its business.
  const { requestKey: _, ...keyless } = call;
  await Promise.all(
    [...byCustomer.values()].map(async ({ customer, indexes, events }) => {
      const reply = await trackGroup(keyless, customer, events);
      if (reply === "failed") {
        for (const index of indexes) lines[index] = failed(index, call.requestId);
        return;
      }
      for (const [at, index] of indexes.entries()) {
        const result = reply.ok ? reply.value[at] : undefined;
        if (!reply.ok || result === undefined) lines[index] = rejected(index, reply.ok ? FULL : reply);
        else if (result.status === "refused") lines[index] = rejected(index, result.refusal);
        else
          lines[index] = { index, status: result.status, receipt: toWireReceipt(result.receipt, customer.customerId) };
      }
    }),
  );
  const count = (status: BatchLine["status"]) => lines.reduce((sum, line) => sum + (line.status === status ? 1 : 0), 0);
  const counts = {
    accepted: count("accepted"),
    duplicates: count("duplicate"),
    overLimit: count("over_limit"),
    rejected: count("rejected"),
  };
  Object.assign(call.log, { events: lines.length, ...counts, customers: byCustomer.size });
  return { results: lines, ...counts };
}

const FULL: Refusal = { ok: false, code: "object_full" };

/**
 * One customer's events of a batch; `meter` false: history that is not to be counted. A fault of one object is that customer's
 * alone; its log line says what it was.
 */
export async function trackGroup(call: Call, customer: Known, events: readonly TrackEvent[], meter = true) {
  try {
    const object = objectOf(call.env, call.account.account.accountId, customer.customerId);
    return await object.track({ ...trackCall(call, customer, events), ...(meter ? {} : { meter }) });
  } catch (failure) {
    const { customerId } = customer;
    console.error(JSON.stringify({ at: "batch", requestId: call.requestId, customerId, failure: String(failure) }));
    return "failed";
  }
}

function failed(index: number, requestId: string): BatchLine {
  const message = `Something went wrong on our side; this event may be sent again. Request id: ${requestId}.`;
  return { index, status: "rejected", error: { code: "internal_error", message } };
}

function rejected(index: number, refusal: Refusal): BatchLine {
  const { error } = errorEnvelope(refusal).body;
  return { index, status: "rejected", error: error as { code: string; message: string } };
}

const EXAMPLE = {
  eventName: "chat.completion",
  eventIdempotencyKey: "req_8f1c",
  customerReferenceId: "acme",
  featureKey: "ai.chat",
  usageUnits: 1,
  revenueAmount: 0.02,
  costInput: { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 3000, outputTokens: 500 },
};

export const clientEventRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/client/events",
    scope: "client",
    pinned: ["purchase", "ingest"],
    tag: "Events",
    summary: "Record an event",
    description: `Usage, cost and revenue of one request. An unknown customer reference or feature key is created.

The key (\`eventIdempotencyKey\`, or the header \`X-Idempotency-Key\`, which wins) is refused for ever once used: 409 with the first receipt. Cost, first that applies: \`costAmount\`, the plan's rule, the account's own rates, the public price list, else unknown. Costs are in the account's currency.

Counted by the plan of the newest ACTIVE subscription that includes the feature: from its activation on, in the period that is open; an event of a closed period counts in the current one and says \`late\`, and one of a clock that runs ahead, in a period that has not begun, in the current one too. What is not counted says why in \`unmeteredReason\`, and is never billed later. \`revenueAmount\` is then the marginal price of its units: all of a period add up to the price of their sum. A plan in another currency than the account's: \`revenueCurrency\` says so, and the amount stands in \`otherCurrencies\` of analytics, or in their sums where that currency has a rate.

Credits, where the plan's rule names a credit model: \`usageUnits\` times the weight that was in force when the event occurred (up to 48 hours back), taken from the customer's pools in the same step; the receipt says how many, by which weight, and what is left. Units that they pay for are not billed; \`revenueAmount\` is then what the credits were sold for. A hard pool that does not cover the whole charge: 409 \`insufficient_credits\`, and nothing is recorded; otherwise the rest is billed by the rule's price. While suspended no credits are drawn.

A limit (\`max_usage\`): an event is taken whole while less is used, and the one that passes it says \`overshoot\`; after that events are recorded with their cost, neither counted nor billed, and answered 200 with \`usageLimitExceeded\`. To pass no limit at all, consume or reserve.`,
    body: EventBody,
    parseBody: parseEvent,
    examples: { body: EXAMPLE },
    isQuiet: true,
    answers: { 201: ReceiptWire, 200: ReceiptWire },
    refuses: [
      "customer_erased",
      "duplicate_event",
      "usage_refused",
      "credits_short",
      "customer_not_found",
      "feature_not_found",
      "identities_differ",
      "other_customer",
      "auto_features_full",
      "object_full",
      "request_conflict",
    ],
    handle: trackOne,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/client/events/batch",
    scope: "client",
    pinned: ["purchase", "ingest"],
    tag: "Events",
    summary: "Record up to 1,000 events",
    description:
      "Events of any customers; each is judged by itself, so one bad event never fails the rest, and the same batch again is all `duplicate`.",
    body: EventBatchBody,
    bodyBytesMax: BATCH_BODY_BYTES_MAX,
    examples: { body: { events: [EXAMPLE] } },
    answers: { 200: BatchResultWire },
    refuses: ["request_conflict"],
    handle: trackBatch,
  }),
];
