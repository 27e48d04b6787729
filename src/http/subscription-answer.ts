import { toWireInvoice } from "../contract/invoice.ts";
import { type PlanStatusOf, toWireSubscription } from "../contract/subscription.ts";
import type { InvoiceReply, Replayable, SubscriptionReply } from "../customer/calls.ts";
import { objectOf } from "../customer/object-of.ts";
import type { Uuid } from "../domain/ids.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { InvoiceView } from "../domain/views.ts";
import { answer, type Call, type Success } from "./route.ts";

/** What customers' objects reply about subscriptions and invoices, as answers of the wire. */

/** What the isolate knows of plans: whether they are sold, at most 5 seconds old. */
export function planStatusOf(call: Call): PlanStatusOf {
  return (planId) => call.account.planStatuses.get(planId);
}

/** `{subscription, invoice?}`. */
export function toWireSubscriptionReply(call: Call, { customer, subscription, invoice }: SubscriptionReply) {
  const planStatus = planStatusOf(call);
  return {
    subscription: toWireSubscription(subscription, customer, planStatus),
    ...(invoice === undefined ? {} : { invoice: toWireInvoice(invoice, customer, { planStatus }) }),
  };
}

/** The invoice alone. */
export function toWireInvoiceReply(call: Call, { customer, invoice }: InvoiceReply) {
  return toWireInvoice(invoice, customer, { planStatus: planStatusOf(call) });
}

/** Answers an object's reply with this status, its value as `toWire` writes it. */
export async function answerOf<T>(
  call: Call,
  owner: Uuid,
  reply: Replayable<T>,
  status: number,
  toWire: (call: Call, value: T) => unknown,
): Promise<Success | Refusal> {
  if (!reply.ok) return refusalOf(call, owner, reply);
  return { ...answer(status, toWire(call, reply.value)), replayed: reply.replayed === true };
}

/** A refusal that carries an invoice as the object keeps it carries it as the wire shows it. */
export async function refusalOf(call: Call, owner: Uuid, refusal: Refusal): Promise<Refusal> {
  if (refusal.code !== "suspended_unpaid" || refusal.invoice === undefined) return refusal;
  const customer = await objectOf(call.env, call.account.account.accountId, owner).view();
  if (customer === undefined) return refusal;
  const invoice = toWireInvoice(refusal.invoice as InvoiceView, customer, { planStatus: planStatusOf(call) });
  return { ...refusal, invoice };
}

/** The request's Idempotency-Key, as calls to objects carry it. */
export function requestKeyOf({ requestKey }: Call): { requestKey?: NonNullable<Call["requestKey"]> } {
  return requestKey === undefined ? {} : { requestKey };
}
