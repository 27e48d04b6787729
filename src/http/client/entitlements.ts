import * as z from "zod";
import type { Known } from "../../catalog/directory.ts";
import { featuresOf } from "../../catalog/feature-catalog.ts";
import {
  CheckQuery,
  ConsumedWire,
  EntitlementWire,
  EvaluateBody,
  EvaluateQuery,
  SubscriptionEntitlementsWire,
  toWireEntitlement,
} from "../../contract/entitlement.ts";
import { EventBody, namedBy, type ParsedEvent, toTrackEvent, toWireReceipt } from "../../contract/event.ts";
import { parseEvent } from "../../contract/plain-event.ts";
import { name, page, paged, pageOf } from "../../contract/scalars.ts";
import type { CheckCall, CheckReply, ConsumeReply } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { E12_ONE } from "../../domain/amount.ts";
import type { Denial } from "../../domain/entitlement.ts";
import { invalid, type Refusal, type Reply } from "../../domain/refusal.ts";
import { allCreditTerms, creditTermsOf } from "../credit-terms.ts";
import { customerNamed, customerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Pinned, type Route } from "../route.ts";
import { madeUpKey, trackCall, withHeaderKey } from "./events.ts";
import { askAlong, checkPlainly, isEnabled, keepAlong } from "./plain-check.ts";

/** Access: asked for, listed, and used up in the same step. */

/** How answers name a customer: by the reference, else as the caller did. */
export function aboutOf({ customerId, referenceId }: Known, given: string | undefined) {
  return { customerId, reference: referenceId ?? given ?? customerId };
}

/** The object knows a customer by its id alone; the caller named it in another way. */
export function namedAs(refusal: Refusal, given: string | undefined): Refusal {
  return given !== undefined && refusal.code === "customer_not_found" ? { ...refusal, given } : refusal;
}

async function checkOne(call: Call<{ ref: string; featureKey: string }, z.output<typeof CheckQuery>>): Promise<Answer> {
  const { ref, featureKey } = call.params;
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  const { record = true, subscriptionId, fresh = false } = call.query;
  if (subscriptionId === undefined) {
    const isFresh = fresh || isUncached(call.request);
    const said = await checkPlainly(call, aboutOf(owner.value, ref), { featureKey, record, isFresh });
    if (!said.ok) return namedAs(said, ref);
    logDenial(call, said.denial);
    return { ok: true, status: 200, dataText: said.dataText };
  }
  const reply = await ask(call, owner.value, {
    featureKey,
    isEnabled: isEnabled(call.account, featureKey),
    record,
    ...creditTermsOf(call.account, featureKey),
    subscriptionId,
  });
  if (!reply.ok) return namedAs(reply, ref);
  logDenial(call, reply.value.verdict.denial);
  return entitled(reply.value, aboutOf(owner.value, ref));
}

/** Does the caller want no answer from before? */
function isUncached({ headers }: Request): boolean {
  const wanted = headers.get("Cache-Control");
  return wanted !== null && /\bno-(?:cache|store)\b/i.test(wanted);
}

/** The route is quiet: a no is worth a line. */
function logDenial({ log }: Call, denial: Denial | undefined): void {
  if (denial !== undefined) log.denied = denial;
}

function ask(call: Call, owner: Known, question: CheckCall): Promise<Reply<CheckReply>> {
  return objectOf(call.env, call.account.account.accountId, owner.customerId).check(question);
}

function entitled({ verdict, asOfMs }: CheckReply, about: Parameters<typeof toWireEntitlement>[2]): Answer {
  return answer(200, toWireEntitlement(verdict, asOfMs, about));
}

async function evaluate(
  call: Call<unknown, z.output<typeof EvaluateQuery>, z.output<typeof EvaluateBody>>,
): Promise<Answer> {
  const { customerReferenceId, featureKey, subscriptionId, context } = call.body;
  const owner = await customerNamed(call, customerReferenceId);
  if (!owner.ok) return owner;
  const usage = call.body.usage ?? call.body.track;
  const reply = await ask(call, owner.value, {
    featureKey,
    isEnabled: isEnabled(call.account, featureKey),
    record: call.query.record ?? true,
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    ...creditTermsOf(call.account, featureKey, usage?.model),
    ...(usage?.model === undefined ? {} : { model: usage.model }),
    ...(usage === undefined ? {} : { requestedE12: usage.usageUnits ?? E12_ONE }),
  });
  if (!reply.ok) return namedAs(reply, customerReferenceId);
  const about = { ...aboutOf(owner.value, customerReferenceId), prices: call.account.creditPrices };
  return entitled(reply.value, context?.flowId === undefined ? about : { ...about, flowId: context.flowId });
}

async function list(call: Call<{ ref: string }, { limit: number; offset: number }>): Promise<Answer> {
  const { ref } = call.params;
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value.customerId);
  const reply = await object.entitlements({ ...call.query, ...allCreditTerms(call.account) });
  if (!reply.ok) return namedAs(reply, ref);
  const items = reply.value.items.map(({ subscriptionId, features }) => ({
    subscriptionId,
    entitlements: features.map(({ featureKey, featureId, allowed }) => ({
      featureKey,
      allowed: allowed && (call.account.featuresById.get(featureId)?.isEnabled ?? true),
    })),
  }));
  return answer(200, paged(items, reply.value.total, call.query));
}

async function consume(call: Call<unknown, unknown, ParsedEvent>): Promise<Answer> {
  const keyed = withHeaderKey(call);
  if (!keyed.ok) return keyed;
  const event = keyed.value;
  const owner = await consumerOf(call, event);
  if (!owner.ok) return owner;
  const featureKey = await featureKeyOf(call, event);
  if (!featureKey.ok) return featureKey;
  const key = event.eventIdempotencyKey?.trim() ? event.eventIdempotencyKey : madeUpKey(call)(0);
  const feature = call.account.featuresByKey.get(featureKey.value);
  const featureId = event.featureId?.toLowerCase() ?? feature?.featureId;
  const along = askAlong(call.account, owner.value.customerId, feature);
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value.customerId).consume({
    track: {
      ...trackCall(call, owner.value, [toTrackEvent(event, key, undefined)]),
      ...(along === undefined ? {} : { ask: along.ask }),
      ...creditTermsOf(call.account, featureKey.value, event.costInput?.model),
    },
    featureKey: featureKey.value,
    ...(featureId === undefined ? {} : { featureId }),
    isEnabled: isEnabled(call.account, featureKey.value),
  });
  if (!reply.ok) return namedAs(reply, event.customerReferenceId);
  keepAlong(call.account, along, reply.lease);
  const { receipt, outcome } = reply.value;
  if (outcome === "key_taken" && receipt !== undefined)
    return { ok: false, code: "duplicate_event", receipt: toWireReceipt(receipt, owner.value.customerId) };
  const about = aboutOf(owner.value, event.customerReferenceId);
  return {
    ...consumed(reply.value, event.flowId === undefined ? about : { ...about, flowId: event.flowId }),
    replayed: reply.replayed === true,
  };
}

function consumed({ verdict, asOfMs, receipt, outcome }: ConsumeReply, about: Parameters<typeof toWireEntitlement>[2]) {
  const entitlement = toWireEntitlement(verdict, asOfMs, about);
  if (receipt === undefined) return answer(200, { entitlement });
  return answer(201, {
    receipt: toWireReceipt(receipt, about.customerId),
    ...(outcome === "repeated" ? { duplicate: true } : {}),
    entitlement,
  });
}

/** Whom an event names: somebody known, since nobody else has anything to use up. */
async function consumerOf(call: Call, event: ParsedEvent): Promise<Reply<Known>> {
  const { referenceId, stripeCustomerId, customerId } = namedBy(event);
  const names = [referenceId, stripeCustomerId, customerId].filter((given) => given !== undefined);
  const owners = await Promise.all(
    (names.length === 0 ? [undefined] : names).map((given) => customerNamed(call, given)),
  );
  const refused = owners.find((owner) => !owner.ok);
  if (refused !== undefined) return refused;
  const [first, ...others] = owners.flatMap((owner) => (owner.ok ? [owner.value] : []));
  if (first === undefined) throw new Error("invariant broken: who is not refused is known");
  const differ: Refusal = { ok: false, code: "identities_differ" };
  return others.every(({ customerId: id }) => id === first.customerId) ? { ok: true, value: first } : differ;
}

/** An id leads to its key, by D1 where this isolate has not heard of it yet. A key that nobody knows is in no plan. */
async function featureKeyOf(call: Call, { featureKey, featureId }: ParsedEvent): Promise<Reply<string>> {
  if (featureId === undefined)
    return featureKey === undefined
      ? (invalid("featureKey", "featureKey or featureId is needed") as Reply<string>)
      : { ok: true, value: featureKey };
  const id = featureId.toLowerCase();
  const known =
    call.account.featuresById.get(id) ?? (await featuresOf(call.env.DB, call.account.account.accountId, [id]))[0];
  if (known === undefined) return { ok: false, code: "feature_not_found", given: featureId };
  return featureKey === undefined || featureKey === known.key
    ? { ok: true, value: known.key }
    : (invalid("featureKey", "featureKey and featureId name different features") as Reply<string>);
}

const ANY: Pinned = ["read", "purchase", "ingest"];
const Ref = z.object({ ref: name });

const WHO_DECIDES = `The newest ACTIVE subscription that includes the feature decides, or the live one that \`subscriptionId\` names, if it includes it. The first reason that applies is told, in this order: NO_SUBSCRIPTION, SUBSCRIPTION_INACTIVE (its first invoice is unpaid), SUBSCRIPTION_SUSPENDED, FEATURE_NOT_IN_PLAN, FEATURE_DISABLED, USAGE_LIMIT_EXCEEDED (the limit is used up), WOULD_EXCEED_LIMIT, CREDIT_POOL_FROZEN (the credits would do if no pool were frozen), CREDIT_LIMIT_REACHED (a hard pool does not cover what one unit, or those named, would burn). \`description\` says what to do. A feature's own switch takes effect within 5 seconds.`;

export const entitlementRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/client/entitlements/{ref}/{featureKey}",
    scope: "client",
    pinned: ANY,
    tag: "Entitlements",
    summary: "May this customer use this feature now?",
    description: `${WHO_DECIDES} Here WOULD_EXCEED_LIMIT means that all that is left is held by reservations. An unknown feature is no error: no plan includes it. An allowed answer may be repeated for \`entitlementStalenessMs\` (live accounts: 1 s; test accounts: not at all) without asking the customer's object: then \`source\` is \`lease\` and \`asOf\` its instant. A no is never repeated, nor is a yes that use could turn meanwhile; \`fresh=true\` or \`Cache-Control: no-cache\` asks the object. The log of checks is counted in memory first and written within a minute: best effort, never in an answer's way.`,
    params: z.object({ ref: name, featureKey: name }),
    query: CheckQuery,
    answers: { 200: EntitlementWire },
    isQuiet: true,
    refuses: ["customer_not_found", "other_customer", "quarantined"],
    handle: checkOne,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/client/entitlements",
    aliases: ["/api/v1/client/entitlements/check"],
    scope: "client",
    pinned: ANY,
    tag: "Entitlements",
    summary: "Would so much more be allowed?",
    description: `${WHO_DECIDES} With \`usage\` the units that it names must fit beside what is used and held, and \`simulation\` shows what would be left. Where the feature burns credits, \`creditQuote\` says how many that would be for these units (default 1) of this model, by which weight, and what they cost by the price in force. Nothing is recorded: asking again is harmless, and an Idempotency-Key changes nothing, for an old answer would be a wrong one. To use it in the same step, consume.`,
    query: EvaluateQuery,
    body: EvaluateBody,
    examples: { body: { customerReferenceId: "acme", featureKey: "ai.chat", usage: { usageUnits: 5 } } },
    isQuiet: true,
    answers: { 200: EntitlementWire },
    refuses: ["customer_not_found", "other_customer", "quarantined"],
    handle: evaluate,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/client/entitlements/consume",
    scope: "client",
    pinned: ["purchase", "ingest"],
    tag: "Entitlements",
    summary: "Check and record in one step",
    description:
      "An event's body. Allowed, and within the limit together with what is used and held: recorded, 201 with its receipt, and `entitlement` shows what is used and left since (`allowed` is about this use). Else 200 with `allowed` false; nothing is recorded or remembered, so the same call may succeed later, also under an Idempotency-Key. However many ask at once, the limit is never passed: what is consumed counts now, `late` where `occurredAt` lies before the period. A repeated event key answers its first receipt with `duplicate`; if that was an event that was not counted, `allowed` is about now; where an event of another feature has it: 409 with that receipt. Customers and features are not made by this: 404, and FEATURE_NOT_IN_PLAN.",
    body: EventBody,
    parseBody: parseEvent,
    examples: {
      body: { eventName: "chat.completion", customerReferenceId: "acme", featureKey: "ai.chat", usageUnits: 1 },
    },
    isQuiet: true,
    answers: { 201: ConsumedWire, 200: ConsumedWire },
    refuses: [
      "customer_erased",
      "customer_not_found",
      "feature_not_found",
      "identities_differ",
      "duplicate_event",
      "other_customer",
      "usage_refused",
      "credits_short",
      "object_full",
      "quarantined",
      "request_conflict",
    ],
    handle: consume,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/client/entitlements/{ref}",
    scope: "client",
    pinned: ANY,
    tag: "Entitlements",
    summary: "List what a customer has access to",
    description: "Per ACTIVE subscription, newest first: each feature of its plan, and whether it may be used now.",
    params: Ref,
    query: z.object(page),
    answers: { 200: pageOf(SubscriptionEntitlementsWire) },
    refuses: ["customer_not_found", "other_customer", "quarantined"],
    handle: list,
  }),
];
