import * as z from "zod";
import { InvoiceWire } from "../../contract/invoice.ts";
import { pageLink } from "../../contract/payment.ts";
import { idText } from "../../contract/scalars.ts";
import { CancelQuery, ChangeSubscriptionPlan, Subscribe, SubscriptionWire } from "../../contract/subscription.ts";
import {
  CancelPreviewWire,
  PlanChangePreviewWire,
  SubscribePreviewWire,
  toWireCancelPreview,
  toWirePlanChangePreview,
  toWireSubscribePreview,
} from "../../contract/subscription-preview.ts";
import type { ChangePlanCall, SubscribeCall } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { paymentTermsOf } from "../../domain/account.ts";
import type { Uuid } from "../../domain/ids.ts";
import { GRACE_DAYS_DEFAULT } from "../../domain/limits.ts";
import { invalid, type Refusal, type RefusalCode, type Reply } from "../../domain/refusal.ts";
import { customerOf, identityOf, ownerOf } from "../customer-of.ts";
import { linkAlone, noteProviderCustomer, toWireSold } from "../payments.ts";
import { planNamed, planToBuy } from "../plan-to-buy.ts";
import { answerOnce } from "../remembered.ts";
import { type Answer, type Call, defineRoute, type Route, type Success } from "../route.ts";
import { answerOf, planStatusOf, requestKeyOf, toWireSubscriptionReply } from "../subscription-answer.ts";

/** Subscriptions, for the Client API: buying, changing plans, ending. The operator's are `admin/subscriptions.ts`. */

const PATH = "/api/v1/client/subscriptions";
const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;

/** What every command on a subscription may be refused for. */
const REFUSES: readonly RefusalCode[] = ["thing_not_found", "other_customer", "subscription_ended", "quarantined"];

export const SubscriptionAnswer = z
  .object({ subscription: SubscriptionWire, invoice: InvoiceWire.optional(), ...pageLink })
  .meta({ id: "SubscriptionAnswer" });

type Purchase = { planId: string; gracePeriod: number; paymentMethodId?: string | undefined };

/** Whoever could choose it for himself would use for a year what he never pays. */
function graceIsTheSellers(): Refusal {
  const why = `A customer's own key gets ${GRACE_DAYS_DEFAULT} days of grace; the seller can give more.`;
  return { ok: false, code: "not_allowed", why };
}

/** Who buys, and the call that their object is asked by; `ref` names the customer in any of the three ways. */
async function purchaseOf(
  call: Call,
  ref: string,
  { planId, gracePeriod, paymentMethodId }: Purchase,
): Promise<Reply<{ owner: Uuid; purchase: SubscribeCall }>> {
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  if (call.key.customerId !== undefined && gracePeriod > GRACE_DAYS_DEFAULT) return graceIsTheSellers();
  const offered = await planNamed(call, planId, "planId");
  if (!offered.ok) return offered;
  const purchase = {
    identity: identityOf(owner.value),
    ...offered.value,
    gracePeriodDays: gracePeriod,
    payments: paymentTermsOf(call.account.account),
    ...(paymentMethodId === undefined ? {} : { paymentMethodId }),
  };
  return { ok: true, value: { owner: owner.value.customerId, purchase } };
}

/** Puts a customer on a plan. */
export async function subscribeTo(call: Call, ref: string, asked: Purchase) {
  const bought = await purchaseOf(call, ref, asked);
  if (!bought.ok) return bought;
  const { owner, purchase } = bought.value;
  const object = objectOf(call.env, call.account.account.accountId, owner);
  const reply = await object.subscribe({ ...purchase, ...requestKeyOf(call) });
  if (reply.ok) noteProviderCustomer(call, owner, reply.value);
  return { ok: true as const, owner, reply };
}

function subscribe(call: Call<unknown, unknown, z.output<typeof Subscribe>>): Promise<Answer> {
  return answerOnce(call, async () => {
    const ref = call.body.customerReferenceId ?? call.key.customerId;
    if (ref === undefined) return invalid("customerReferenceId", "is needed");
    const told = await subscribeTo(call, ref, call.body);
    if (!told.ok) return told;
    return linkAlone(call, told.reply) ?? answerOf(call, told.owner, told.reply, 201, toWireSold);
  });
}

type ChangeCall = Call<Id, unknown, z.output<typeof ChangeSubscriptionPlan>>;

/** The change that a request asks for, and whose it is. */
async function changeOf(call: ChangeCall): Promise<{ ok: true; owner: Uuid; change: ChangePlanCall } | Refusal> {
  const owner = ownerOf(call, "subscription", call.params.id);
  if (!owner.ok) return owner;
  const { changeToPlanId, changeType } = call.body;
  const to = await planToBuy(call, changeToPlanId, "changeToPlanId");
  if (!to.ok) return to;
  const change = {
    subscriptionId: call.params.id,
    to: to.value,
    type: changeType,
    payments: paymentTermsOf(call.account.account),
  };
  return { ok: true, owner: owner.value, change };
}

function changePlan(call: ChangeCall): Promise<Answer> {
  return answerOnce(call, async () => {
    const asked = await changeOf(call);
    if (!asked.ok) return asked;
    const object = objectOf(call.env, call.account.account.accountId, asked.owner);
    const reply = await object.changePlan({ ...asked.change, ...requestKeyOf(call) });
    if (reply.ok) noteProviderCustomer(call, asked.owner, reply.value);
    return answerOf(call, asked.owner, reply, 200, toWireSold);
  });
}

function previewPlanChange(call: ChangeCall): Promise<Answer> {
  return answerOnce(call, async () => {
    const asked = await changeOf(call);
    if (!asked.ok) return asked;
    const object = objectOf(call.env, call.account.account.accountId, asked.owner);
    return answerOf(call, asked.owner, await object.previewPlanChange(asked.change), 200, (_, preview) =>
      toWirePlanChangePreview(preview, planStatusOf(call)),
    );
  });
}

/** What subscribing would do. The customer's object is asked as it would be then, so it refuses as it would. */
function previewSubscribe(call: Call<unknown, unknown, z.output<typeof Subscribe>>): Promise<Answer> {
  return answerOnce(call, async () => {
    const ref = call.body.customerReferenceId ?? call.key.customerId;
    if (ref === undefined) return invalid("customerReferenceId", "is needed");
    const asked = await purchaseOf(call, ref, call.body);
    if (!asked.ok) return asked;
    const { owner, purchase } = asked.value;
    const reply = await objectOf(call.env, call.account.account.accountId, owner).previewSubscribe(purchase);
    return answerOf(call, owner, reply, 200, (_, preview) => toWireSubscribePreview(preview, planStatusOf(call)));
  });
}

function previewCancel(call: Call<Id, z.output<typeof CancelQuery>>): Promise<Answer> {
  return answerOnce(call, async () => {
    const owner = ownerOf(call, "subscription", call.params.id);
    if (!owner.ok) return owner;
    const object = objectOf(call.env, call.account.account.accountId, owner.value);
    const asked = { subscriptionId: call.params.id, mode: call.query.cancelMode };
    return answerOf(call, owner.value, await object.previewCancel(asked), 200, (_, preview) =>
      toWireCancelPreview(preview, planStatusOf(call)),
    );
  });
}

type ThingObject = ReturnType<typeof objectOf>;

/** A command on the subscription that the path names. */
async function command(
  call: Call<Id>,
  run: (object: ThingObject, subscription: { subscriptionId: string }) => ReturnType<ThingObject["revertCancellation"]>,
): Promise<Success | Refusal> {
  const owner = ownerOf(call, "subscription", call.params.id);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value);
  const reply = await run(object, { subscriptionId: call.params.id, ...requestKeyOf(call) });
  return answerOf(call, owner.value, reply, 200, toWireSubscriptionReply);
}

const CHANGE = { changeToPlanId: "pro", changeType: "UPGRADE" };
const CHANGE_RULES = [
  "- UPGRADE takes effect at once. In advance the difference for the time left is due now, on an ADJUSTMENT invoice; with another interval or timing the old period is settled and a new one begins. In arrears the period's base has a line for each plan's time. It cancels a scheduled downgrade.",
  "- DOWNGRADE takes effect when the period ends, and replaces one that was scheduled before.",
  "- While the first invoice is unpaid, that one is cancelled and another asked for, in full.",
  "",
  "The same plan, a plan in another currency or one that is not ACTIVE, and a direction that the prices contradict are 400. While suspended: 409, `data` is the invoice to pay.",
].join("\n");

export const clientSubscriptionRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "Subscribe a customer to a plan",
    description: [
      "The customer gets the plan's newest version and keeps it until it changes plans or is migrated.",
      "",
      "- In advance: the invoice of the first period is DUE now, and the subscription INCOMPLETE until it is paid; then its first period begins. Subscribing again meanwhile answers the same subscription and invoice, also when the plan is not sold any more. Unpaid after 30 days, it ends.",
      "- In arrears, or where nothing is to be paid first: ACTIVE at once.",
      "",
      "Where the account takes payments, a saved method is charged at once; else the answer has a page to pay the invoice on (`checkoutUrl`). A customer's own key that gets nothing but the page hears 402, with the same in `data`.",
      "",
      `A customer's own key may ask for at most ${GRACE_DAYS_DEFAULT} days of grace (403): more is the seller's to give.`,
      "",
      "409 while the customer has an ACTIVE or SUSPENDED subscription to the plan.",
    ].join("\n"),
    body: Subscribe,
    examples: { body: { customerReferenceId: "acme", planId: "pro", gracePeriod: 3 } },
    answers: { 201: SubscriptionAnswer },
    refuses: [
      "thing_not_found",
      "customer_not_found",
      "other_customer",
      "not_allowed",
      "subscribed_already",
      "payment_needed",
      "quarantined",
    ],
    handle: subscribe,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/preview`,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "See what subscribing would do",
    description:
      "The subscription, its first invoice and the plan credits that its payment brings, as they would be made at this instant; refuses as subscribing would. Nothing is stored or charged, and the ids in it may be another's later. One that waits for its first payment is shown as it is.",
    body: Subscribe,
    examples: { body: { customerReferenceId: "acme", planId: "pro", gracePeriod: 3 } },
    answers: { 200: SubscribePreviewWire },
    refuses: [
      "thing_not_found",
      "customer_not_found",
      "other_customer",
      "not_allowed",
      "subscribed_already",
      "quarantined",
    ],
    handle: previewSubscribe,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/plan-change`,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "Change to another plan",
    description: CHANGE_RULES,
    params: Id,
    body: ChangeSubscriptionPlan,
    examples: { body: CHANGE },
    answers: { 200: SubscriptionAnswer },
    refuses: [...REFUSES, "subscribed_already", "suspended_unpaid", "state_conflict"],
    handle: changePlan,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/plan-change/preview`,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "See what a change of plan would do",
    description: "Answers and refuses exactly as the change would at this instant; nothing is stored.",
    params: Id,
    body: ChangeSubscriptionPlan,
    examples: { body: CHANGE },
    answers: { 200: PlanChangePreviewWire },
    refuses: [...REFUSES, "subscribed_already", "suspended_unpaid", "state_conflict"],
    handle: previewPlanChange,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}/plan-change/scheduled`,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "Drop a scheduled change of plan",
    description:
      "Nothing scheduled: nothing changes. A MIGRATION that the downgrade stood in place of waits again, and a customer's own key cannot drop one (403).",
    params: Id,
    answers: { 200: SubscriptionAnswer },
    refuses: [...REFUSES, "not_allowed"],
    handle: (call) =>
      command(call, (object, subscription) =>
        object.dropScheduledChange({ ...subscription, byCustomer: call.key.customerId !== undefined }),
      ),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/cancellation/{id}`,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "Cancel a subscription",
    description: [
      "- END_OF_PERIOD: access stays until the period ends; it can be taken back until then.",
      "- IMMEDIATE: access ends now. Unpaid invoices of the subscription are void, usage is billed on a final one (`invoice`, if anything is left to bill), and the unused share of what was paid ahead is given back as credit.",
      "",
      "One whose first invoice is unpaid ends at once in either mode.",
    ].join("\n"),
    params: Id,
    query: CancelQuery,
    answers: { 200: SubscriptionAnswer },
    refuses: REFUSES,
    handle: (call) =>
      command(call, (object, subscription) =>
        object.cancelSubscription({ ...subscription, mode: call.query.cancelMode }),
      ),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/cancellation/{id}/preview`,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "See what a cancellation would do",
    description:
      "Every invoice that it would make (the final one, what is given back) or close, the plan credits that would be gone, and what the customer would be owed. Nothing is stored. At the end of the period nothing of this happens now: the period's invoice is the upcoming one.",
    params: Id,
    query: CancelQuery,
    answers: { 200: CancelPreviewWire },
    refuses: REFUSES,
    handle: previewCancel,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/cancellation/{id}/scheduled`,
    scope: "client",
    pinned: ["purchase"],
    tag: "Subscriptions",
    summary: "Take a scheduled cancellation back",
    description: "Nothing scheduled: nothing changes.",
    params: Id,
    answers: { 200: SubscriptionAnswer },
    refuses: REFUSES,
    handle: (call) => command(call, (object, subscription) => object.revertCancellation(subscription)),
  }),
];
