import * as z from "zod";
import {
  CheckoutLinkWire,
  CheckoutSessionWire,
  DefaultPaymentMethod,
  DefaultPaymentMethodWire,
  SetupIntentWire,
  toWireCheckoutLink,
  toWireSession,
} from "../../contract/payment.ts";
import { idText, name } from "../../contract/scalars.ts";
import type { CheckoutCall } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { paymentTermsOf } from "../../domain/account.ts";
import type { Uuid } from "../../domain/ids.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { customerOf, ownerOf } from "../customer-of.ts";
import { noteProviderCustomer } from "../payments.ts";
import { answerOnce } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route, type Success } from "../route.ts";
import { answerOf, requestKeyOf } from "../subscription-answer.ts";

/** Payment pages and saved methods, for the Client API. Buying credits is `purchases.ts`. */

const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;
const Ref = z.object({ ref: name });
type Ref = z.output<typeof Ref>;

/** A page for what an id names, of this customer. */
export async function pageFor(
  call: Call,
  owner: Uuid,
  what: { invoiceId: string } | { subscriptionId: string },
): Promise<Success | Refusal> {
  const object = objectOf(call.env, call.account.account.accountId, owner);
  const asked: CheckoutCall = { ...what, payments: paymentTermsOf(call.account.account), ...requestKeyOf(call) };
  const reply = await object.checkout(asked);
  if (reply.ok) noteProviderCustomer(call, owner, reply.value);
  return answerOf(call, owner, reply, 200, (_, { page }) => toWireCheckoutLink(page));
}

function checkout(call: Call<Id>): Promise<Answer> {
  return answerOnce(call, async () => {
    const owner = ownerOf(call, "subscription", call.params.id);
    return owner.ok ? pageFor(call, owner.value, { subscriptionId: call.params.id }) : owner;
  });
}

async function readSession(call: Call<Id>): Promise<Answer> {
  const owner = ownerOf(call, "payment", call.params.id);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value);
  const reply = await object.checkoutSession(call.params.id);
  return reply.ok ? answer(200, toWireSession(reply.value)) : reply;
}

/** Its secret lets whoever has it save a method for the customer. */
function setupIntent(call: Call<Ref>): Promise<Answer> {
  const begin = async (): Promise<Success | Refusal> => {
    const owner = await customerOf(call, call.params.ref);
    if (!owner.ok) return owner;
    const { customerId } = owner.value;
    const object = objectOf(call.env, call.account.account.accountId, customerId);
    const reply = await object.setupIntent({ payments: paymentTermsOf(call.account.account), ...requestKeyOf(call) });
    if (!reply.ok) return reply;
    noteProviderCustomer(call, customerId, reply.value);
    const { setupIntentId, clientSecret, stripeCustomerId } = reply.value;
    return answer(200, {
      setup_intent_id: setupIntentId,
      client_secret: clientSecret,
      stripe_customer_id: stripeCustomerId,
    });
  };
  return answerOnce(call, begin, { sealed: true });
}

function setDefault(call: Call<Ref, unknown, z.output<typeof DefaultPaymentMethod>>): Promise<Answer> {
  return answerOnce(call, async () => {
    const owner = await customerOf(call, call.params.ref);
    if (!owner.ok) return owner;
    const { customerId } = owner.value;
    const { paymentMethodId } = call.body;
    const object = objectOf(call.env, call.account.account.accountId, customerId);
    const asked = { payments: paymentTermsOf(call.account.account), paymentMethodId, ...requestKeyOf(call) };
    const reply = await object.setDefaultMethod(asked);
    if (!reply.ok) return reply;
    noteProviderCustomer(call, customerId, reply.value);
    return answer(200, { paymentMethodId: reply.value.paymentMethodId });
  });
}

export const clientPaymentRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/client/billing/subscriptions/{id}/stripe/checkout",
    scope: "client",
    tag: "Payments",
    summary: "Get a page to pay what a subscription owes",
    description:
      "For its oldest invoice that is DUE or PAST_DUE; 404 where there is none. An invoice has one page at a time: asked for again, the same one is answered while it is open. 503 while Stripe does not answer.",
    params: Id,
    answers: { 200: CheckoutLinkWire },
    refuses: [
      "thing_not_found",
      "invoice_closed",
      "state_conflict",
      "payments_off",
      "payments_unavailable",
      "quarantined",
    ],
    handle: checkout,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/client/checkout-sessions/{id}",
    scope: "client",
    pinned: ["read", "purchase", "ingest"],
    tag: "Payments",
    summary: "See what became of a payment page",
    description: "By the `checkoutSessionId` of any answer.",
    params: Id,
    answers: { 200: CheckoutSessionWire },
    refuses: ["thing_not_found", "other_customer", "quarantined"],
    handle: readSession,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/client/customers/{ref}/payment-methods/setup-intent",
    scope: "client",
    pinned: ["purchase"],
    tag: "Payments",
    summary: "Begin to save a payment method",
    description:
      "The answer is for Stripe's form in the customer's browser. A first method that is saved is charged from then on: for invoices when they become due, and for purchases.",
    params: Ref,
    answers: { 200: SetupIntentWire },
    refuses: [
      "customer_not_found",
      "other_customer",
      "payments_off",
      "payments_unavailable",
      "quarantined",
      "request_conflict",
    ],
    handle: setupIntent,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/client/customers/{ref}/payment-methods/default",
    scope: "client",
    pinned: ["purchase"],
    tag: "Payments",
    summary: "Choose the saved method that is charged",
    description:
      "Once an invoice becomes due it is charged, and again a day and three days later within the days of grace; declined, the invoice stays due, with a page to pay it on.",
    params: Ref,
    body: DefaultPaymentMethod,
    examples: { body: { paymentMethodId: "pm_1Qx" } },
    answers: { 200: DefaultPaymentMethodWire },
    refuses: [
      "customer_not_found",
      "other_customer",
      "payments_off",
      "payments_unavailable",
      "quarantined",
      "request_conflict",
    ],
    handle: setDefault,
  }),
];
