import * as z from "zod";
import { idText, name, page, paged, pageOf } from "../../contract/scalars.ts";
import {
  CancelQuery,
  ChangeSubscription,
  ListedChangeWire,
  OperatorSubscribe,
  SubscriptionsQuery,
  SubscriptionWire,
  toWireListedChange,
  toWireSubscription,
  toWireSubscriptions,
} from "../../contract/subscription.ts";
import type { SubscriptionReply } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { RefusalCode } from "../../domain/refusal.ts";
import {
  type ListedSubscription,
  scheduledCancellationPage,
  scheduledChangePage,
  subscriptionPage,
} from "../../ledger/subscriptions.ts";
import { commandOnSubscription, subscriptionTrail } from "../audited.ts";
import { SubscriptionAnswer, subscribeTo } from "../client/subscriptions.ts";
import { customerOf, ownerOf } from "../customer-of.ts";
import { toWireSold } from "../payments.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { answerOf, planStatusOf, refusalOf, requestKeyOf, toWireSubscriptionReply } from "../subscription-answer.ts";

/** Subscriptions, for the operator. Lists are D1's copies, seconds behind at most; one subscription is its object's. */

const PATH = "/api/v1/monetization/subscriptions";
const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;
type PageCall = Call<unknown, z.output<z.ZodObject<typeof page>>>;

const REFUSES: readonly RefusalCode[] = ["thing_not_found", "subscription_ended", "quarantined"];

function toWireListed(call: Call, { subscription, customer }: ListedSubscription) {
  return toWireSubscription(subscription, customer, planStatusOf(call));
}

function toWireAlone(call: Call, { subscription, customer }: SubscriptionReply) {
  return toWireSubscription(subscription, customer, planStatusOf(call));
}

async function list(call: Call<unknown, z.output<typeof SubscriptionsQuery>>): Promise<Answer> {
  const { status, planId, customerId } = call.query;
  const which = {
    ...(status === undefined ? {} : { status }),
    ...(planId === undefined ? {} : { planId }),
    ...(customerId === undefined ? {} : { customerId }),
  };
  const { items, total } = await subscriptionPage(call.env.DB, call.account.account.accountId, which, call.query);
  return answer(
    200,
    paged(
      items.map((one) => toWireListed(call, one)),
      total,
      call.query,
    ),
  );
}

async function listScheduledChanges(call: PageCall): Promise<Answer> {
  const { items, total } = await scheduledChangePage(call.env.DB, call.account.account.accountId, call.query);
  const changes = items.flatMap(
    ({ subscription, customer }) => toWireListedChange(subscription, customer, planStatusOf(call)) ?? [],
  );
  return answer(200, paged(changes, total, call.query));
}

async function listScheduledCancellations(call: PageCall): Promise<Answer> {
  const { items, total } = await scheduledCancellationPage(call.env.DB, call.account.account.accountId, call.query);
  return answer(
    200,
    paged(
      items.map((one) => toWireListed(call, one)),
      total,
      call.query,
    ),
  );
}

async function listOfCustomer(call: Call<{ customerId: string }, z.output<z.ZodObject<typeof page>>>): Promise<Answer> {
  const given = call.params.customerId;
  const owner = await customerOf(call, given);
  if (!owner.ok) return owner;
  const known = await objectOf(call.env, call.account.account.accountId, owner.value.customerId).overview();
  if (known === undefined) return { ok: false, code: "customer_not_found", given };
  const { limit, offset } = call.query;
  const shown = known.subscriptions.slice(offset, offset + limit);
  const items = toWireSubscriptions(shown, known.customer, planStatusOf(call));
  return answer(200, paged(items, known.subscriptions.length, call.query));
}

function subscribe(call: Call<unknown, unknown, z.output<typeof OperatorSubscribe>>): Promise<Answer> {
  return commitAccount(call, async () => {
    const told = await subscribeTo(call, call.body.customerId, call.body);
    if (!told.ok) return told;
    const { owner, reply } = told;
    if (!reply.ok) return refusalOf(call, owner, reply);
    const { subscription, isNew } = reply.value;
    const entry = {
      action: "subscription.created" as const,
      target: subscription.subscriptionId,
      after: { customerId: owner, ...subscriptionTrail(subscription) },
    };
    return {
      ok: true,
      status: 201,
      data: toWireSold(call, reply.value),
      replayed: reply.replayed === true,
      statements: [],
      audit: isNew === false ? [] : entry,
      version: "leave",
    };
  });
}

async function read(call: Call<Id>): Promise<Answer> {
  const { id } = call.params;
  const owner = ownerOf(call, "subscription", id);
  if (!owner.ok) return owner;
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).subscription(id);
  return answerOf(call, owner.value, reply, 200, toWireAlone);
}

function change(call: Call<Id, unknown, z.output<typeof ChangeSubscription>>): Promise<Answer> | Answer {
  const { gracePeriod: gracePeriodDays } = call.body;
  if (gracePeriodDays === undefined) return read(call);
  return commandOnSubscription(call, {
    action: "subscription.grace_changed",
    run: (object) => object.changeGrace({ ...subscriptionCall(call), gracePeriodDays }),
    toWire: toWireAlone,
  });
}

function subscriptionCall(call: Call<Id>) {
  return { subscriptionId: call.params.id, ...requestKeyOf(call) };
}

export const subscriptionRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Subscriptions",
    summary: "List subscriptions, newest first",
    description: "Ended ones too. All conditions that are given must hold.",
    query: SubscriptionsQuery,
    answers: { 200: pageOf(SubscriptionWire) },
    handle: list,
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Subscriptions",
    summary: "Subscribe a customer to a plan",
    description:
      "As in the Client API. Whoever subscribes customers by hand often settles the first invoice by hand too: `{id}/activate`.",
    body: OperatorSubscribe,
    examples: { body: { customerId: "6c1f0e9a-7d42-8b34-8000-000000000000", planId: "pro", gracePeriod: 3 } },
    answers: { 201: SubscriptionAnswer },
    refuses: ["thing_not_found", "customer_not_found", "subscribed_already", "quarantined"],
    handle: subscribe,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/scheduled-changes`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "List the changes of plan that wait for the end of a period, soonest first",
    query: z.object(page),
    answers: { 200: pageOf(ListedChangeWire) },
    handle: listScheduledChanges,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/scheduled-cancellations`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "List the subscriptions that end with their period, soonest first",
    query: z.object(page),
    answers: { 200: pageOf(SubscriptionWire) },
    handle: listScheduledCancellations,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/customer/{customerId}`,
    // Clients that exist send the slash.
    aliases: [`${PATH}/customer/{customerId}/`],
    scope: "admin",
    tag: "Subscriptions",
    summary: "List a customer's subscriptions, newest first",
    params: z.object({ customerId: name }),
    query: z.object(page),
    answers: { 200: pageOf(SubscriptionWire) },
    refuses: ["customer_not_found"],
    handle: listOfCustomer,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "Read a subscription",
    params: Id,
    answers: { 200: SubscriptionWire },
    refuses: ["thing_not_found", "quarantined"],
    handle: read,
  }),
  defineRoute({
    method: "PATCH",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "Change a subscription's days of grace",
    description: "From now on, and for what is due already.",
    params: Id,
    body: ChangeSubscription,
    examples: { body: { gracePeriod: 14 } },
    answers: { 200: SubscriptionWire },
    refuses: REFUSES,
    handle: change,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/activate`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "Settle a subscription's first invoice",
    description: "Its first period begins now. One that is ACTIVE already stays as it is.",
    params: Id,
    answers: { 200: SubscriptionAnswer },
    refuses: [...REFUSES, "state_conflict"],
    handle: (call) =>
      commandOnSubscription(call, {
        action: "subscription.activated",
        run: (object) => object.activateSubscription(subscriptionCall(call)),
        toWire: toWireSubscriptionReply,
      }),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/cancel`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "Cancel a subscription",
    description: "As in the Client API: at the end of its period, or at once.",
    params: Id,
    query: CancelQuery,
    answers: { 200: SubscriptionAnswer },
    refuses: REFUSES,
    handle: (call) =>
      commandOnSubscription(call, {
        action: "subscription.cancelled",
        run: (object) => object.cancelSubscription({ ...subscriptionCall(call), mode: call.query.cancelMode }),
        toWire: toWireSubscriptionReply,
      }),
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}/scheduled-changes`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "Drop a scheduled change of plan",
    description: "Nothing scheduled: nothing changes.",
    params: Id,
    answers: { 200: SubscriptionAnswer },
    refuses: REFUSES,
    handle: (call) =>
      commandOnSubscription(call, {
        action: "subscription.change_dropped",
        run: (object) => object.dropScheduledChange({ ...subscriptionCall(call), byCustomer: false }),
        toWire: toWireSubscriptionReply,
      }),
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}/scheduled-cancellation`,
    scope: "admin",
    tag: "Subscriptions",
    summary: "Take a scheduled cancellation back",
    description: "Nothing scheduled: nothing changes.",
    params: Id,
    answers: { 200: SubscriptionAnswer },
    refuses: REFUSES,
    handle: (call) =>
      commandOnSubscription(call, {
        action: "subscription.cancellation_reverted",
        run: (object) => object.revertCancellation(subscriptionCall(call)),
        toWire: toWireSubscriptionReply,
      }),
  }),
];
