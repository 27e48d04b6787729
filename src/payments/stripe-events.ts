import type Stripe from "stripe";
import { fromProviderAmount } from "../domain/payment-amount.ts";
import type { PaymentFact, ProviderFact } from "../domain/provider-fact.ts";
import type { Metadata } from "./provider.ts";
import { fromCustomer, fromMetadata, fromRefund, fromSession, idOf } from "./stripe-reads.ts";
import { eventOf } from "./webhook.ts";

/**
 * What Stripe's events say, as facts. Owns the list of those that mean anything here, which is the list that an endpoint is made for.
 * Leaves to whom a fact is told to `clearing/`.
 */

/** `metadata`: what we put on what it is about. `providerCustomerId`: whom it is about at Stripe. */
export type Told = { fact: ProviderFact; metadata: Partial<Metadata>; providerCustomerId?: string };

type EventType = Stripe.Event["type"];
type ObjectOf<T extends EventType> = Extract<Stripe.Event, { type: T }>["data"]["object"];
/** `previous`: of what changed, what it was before. */
type Reader<T extends EventType> = (object: ObjectOf<T>, previous: Record<string, unknown>) => Told | undefined;

const READERS = {
  "checkout.session.completed": pageCompleted,
  "checkout.session.async_payment_succeeded": pageCompleted,
  "checkout.session.async_payment_failed": (session) => aboutPage(session, { kind: "page_failed", pageId: session.id }),
  "checkout.session.expired": (session) => aboutPage(session, { kind: "page_expired", pageId: session.id }),
  "payment_intent.succeeded": (intent) =>
    aboutIntent(intent, {
      kind: "charge_succeeded",
      paymentIntentId: intent.id,
      ...moneyOf(intent.amount_received, intent.currency),
    }),
  "payment_intent.payment_failed": (intent) => {
    const { decline_code, code } = intent.last_payment_error ?? {};
    const declineReason = decline_code ?? code;
    return aboutIntent(intent, {
      kind: "charge_failed",
      paymentIntentId: intent.id,
      ...(declineReason === undefined ? {} : { declineReason }),
    });
  },
  "setup_intent.succeeded": (setup) => {
    const paymentMethodId = idOf(setup.payment_method);
    if (paymentMethodId === undefined) return undefined;
    const customer = customerOf(setup);
    const fact = { kind: "setup_succeeded" as const, setupIntentId: setup.id, paymentMethodId, ...customer };
    return { fact, metadata: fromMetadata(setup.metadata), ...customer };
  },
  "charge.refunded": (charge) => {
    const paymentIntentId = idOf(charge.payment_intent);
    if (paymentIntentId === undefined) return undefined;
    const { amountMinor, currency } = moneyOf(charge.amount_refunded, charge.currency);
    const fact = { kind: "refunded" as const, paymentIntentId, refundedMinorTotal: amountMinor, currency };
    return { ...withPayment(fact, charge), ...customerOf(charge) };
  },
  "refund.failed": refundChanged,
  "charge.refund.updated": refundChanged,
  "payment_method.detached": ({ id: paymentMethodId }, { customer }) => {
    // By then it is nobody's any more.
    if (typeof customer !== "string") return undefined;
    const about = { providerCustomerId: customer };
    return { fact: { kind: "method_detached", paymentMethodId, ...about }, metadata: {}, ...about };
  },
  "charge.dispute.created": disputed,
  "charge.dispute.closed": disputed,
  "customer.updated": (customer) => {
    const { id, name, email } = fromCustomer(customer);
    const said = { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) };
    const fact = { kind: "customer_changed" as const, providerCustomerId: id, ...said };
    return { fact, metadata: fromMetadata(customer.metadata), providerCustomerId: id };
  },
  "customer.deleted": ({ id, metadata }) => ({
    fact: { kind: "customer_deleted", providerCustomerId: id },
    metadata: fromMetadata(metadata),
    providerCustomerId: id,
  }),
} as const satisfies { [T in EventType]?: Reader<T> };

/** The events that mean something here. */
export const HANDLED_EVENTS = Object.keys(READERS) as readonly (keyof typeof READERS)[];

/** What an event says; undefined when it means nothing here. */
export function toldBy(body: string): Told | undefined {
  const event = eventOf(body);
  if (event === undefined || !Object.hasOwn(READERS, event.type)) return undefined;
  // The reader is that of the event's own type, so the object is of its kind; TypeScript cannot follow the correlation.
  const read = READERS[event.type as keyof typeof READERS] as (
    object: unknown,
    previous: Record<string, unknown>,
  ) => Told | undefined;
  return read(event.data.object, { ...event.data.previous_attributes });
}

function pageCompleted(session: Stripe.Checkout.Session): Told | undefined {
  const { isPaid, isProcessing, paymentIntentId, amountMinor, currency } = fromSession(session);
  return aboutPage(session, {
    kind: "page_completed",
    pageId: session.id,
    isPaid,
    isProcessing,
    ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
    ...(amountMinor === undefined || currency === undefined ? {} : { amountMinor, currency }),
  });
}

/** A page on which a method is saved tells nothing by itself: its setup intent does. */
function aboutPage(session: Stripe.Checkout.Session, fact: PaymentFact): Told | undefined {
  return session.mode === "payment" ? { ...withPayment(fact, session), ...customerOf(session) } : undefined;
}

function aboutIntent(intent: Stripe.PaymentIntent, fact: PaymentFact): Told {
  return { ...withPayment(fact, intent), ...customerOf(intent) };
}

/** Our number of the payment, where what it is about carries it. */
function withPayment(fact: PaymentFact, { metadata: pairs }: { metadata: Stripe.Metadata | null }): Told {
  const metadata = fromMetadata(pairs);
  const { payment } = metadata;
  return { fact: payment === undefined ? fact : { ...fact, payment }, metadata };
}

/** That one failed is told by two events, of which older endpoints have one. Only a refund that we made carries our metadata. */
function refundChanged(refund: Stripe.Refund): Told | undefined {
  const paymentIntentId = idOf(refund.payment_intent);
  const { id: refundId, amountMinor, status } = fromRefund(refund);
  if (paymentIntentId === undefined || status !== "failed") return undefined;
  const isAsked = fromMetadata(refund.metadata).payment !== undefined;
  const currency = refund.currency.toUpperCase();
  const fact = { kind: "refund_failed" as const, paymentIntentId, refundId, isAsked, amountMinor, currency };
  return withPayment(fact, refund);
}

/** A dispute knows neither customer nor metadata: its payment does, at Stripe. One that was an enquiry alone took nothing. */
function disputed({ id, status, amount, currency, payment_intent }: Stripe.Dispute): Told | undefined {
  const paymentIntentId = idOf(payment_intent);
  if (paymentIntentId === undefined) return undefined;
  const isOver = status === "won" || status === "warning_closed" || status === "prevented";
  const state = status === "lost" ? "lost" : isOver ? "won" : "open";
  const fact = {
    kind: "disputed" as const,
    paymentIntentId,
    disputeId: id,
    state,
    ...moneyOf(amount, currency),
  } as const;
  return { fact, metadata: {} };
}

function moneyOf(amount: number, currency: string): { amountMinor: number; currency: string } {
  return { amountMinor: fromProviderAmount(amount, currency), currency: currency.toUpperCase() };
}

function customerOf({ customer }: { customer: string | { id: string } | null }): { providerCustomerId?: string } {
  const providerCustomerId = idOf(customer);
  return providerCustomerId === undefined ? {} : { providerCustomerId };
}
