import { knowProviderCustomer } from "../clearing/provider-customers.ts";
import { toWireLink, toWireSession } from "../contract/payment.ts";
import type { Replayable, SubscriptionReply } from "../customer/calls.ts";
import type { Uuid } from "../domain/ids.ts";
import type { PaymentView } from "../domain/payment-view.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { Call } from "./route.ts";
import { toWireSubscriptionReply } from "./subscription-answer.ts";

/** What routes that may cost money have in common: the account's terms, and how an answer leads to a payment page. */

/** Lets the directory know a customer that was made at the provider: afterwards, since nobody waits for it. */
export function noteProviderCustomer(
  call: Call,
  customerId: Uuid,
  { providerCustomerId }: { providerCustomerId?: string },
): void {
  if (providerCustomerId === undefined) return;
  call.waitUntil(knowProviderCustomer(call.env, call.account.account.accountId, customerId, providerCustomerId));
}

/** `{subscription, invoice?, checkoutUrl?, checkoutSessionId?}`. */
export function toWireSold(call: Call, reply: SubscriptionReply) {
  return { ...toWireSubscriptionReply(call, reply), ...toWireLink(reply.page) };
}

/**
 * A customer's own key that got nothing but a payment link: 402, with all that the answer would have had. A repeat says the same, with
 * the page as it is by then.
 */
export function linkAlone(
  call: Call,
  reply: Replayable<SubscriptionReply>,
): (Refusal & { replayed?: boolean }) | undefined {
  if (!reply.ok || call.key.customerId === undefined) return undefined;
  const { subscription, page } = reply.value;
  if (subscription.status !== "INCOMPLETE" || page === undefined) return undefined;
  const data = { ...toWireSold(call, reply.value), checkoutSession: toWireSession(page) };
  return {
    ok: false,
    code: "payment_needed",
    why: "The subscription begins when its first invoice is paid: data has the link.",
    data,
    ...(reply.replayed === true ? { replayed: true } : {}),
  };
}

/** The open purchase that stands in the way, as the wire shows it. */
export function withOpenPurchase(refusal: Refusal): Refusal {
  if (refusal.code !== "purchase_open" || refusal.data === undefined) return refusal;
  const open = refusal.data as PaymentView;
  return { ...refusal, data: { ...toWireLink(open), checkoutSession: toWireSession(open) } };
}
