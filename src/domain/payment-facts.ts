import type { Draft } from "./book.ts";
import type { PersonalData } from "./customer.ts";
import { disputed, refunded, refundFailed } from "./given-back.ts";
import { DETACHED_METHODS_MAX } from "./limits.ts";
import { complete, expire, fail, startProcessing } from "./payment-outcome.ts";
import { changePayment, type Payment, type PaymentPast } from "./payments.ts";
import type { PaymentFact, ProviderFact } from "./provider-fact.ts";

/**
 * What the provider's events mean here. They come in any order, any number of times, and before the answer to the very call that
 * caused them: each says what is so, and nothing is taken back by one that is older.
 */

/**
 * `handled`: it is so here too. `waits`: it is about a payment that is not known yet by this name; tell it again once it is. `ignored`: it
 * is about nothing of ours.
 */
export type FactOutcome = {
  outcome: "handled" | "ignored" | "waits";
  profile?: Pick<PersonalData, "firstName" | "lastName" | "email">;
};

const HANDLED: FactOutcome = { outcome: "handled" };
const IGNORED: FactOutcome = { outcome: "ignored" };

export function decideFact(draft: Draft, past: PaymentPast, fact: ProviderFact, nowMs: number): FactOutcome {
  switch (fact.kind) {
    case "setup_succeeded":
      return saved(draft, fact);
    case "method_detached":
      return detached(draft, fact.paymentMethodId);
    case "customer_changed":
      return changed(fact);
    case "customer_deleted":
      return deleted(draft, fact.providerCustomerId);
    default:
      return decidePaymentFact(draft, past, fact, nowMs);
  }
}

function decidePaymentFact(draft: Draft, past: PaymentPast, fact: PaymentFact, nowMs: number): FactOutcome {
  const payment = paymentOf(draft, past, fact);
  if (payment === undefined) return "paymentIntentId" in fact ? { outcome: "waits" } : IGNORED;
  const there = named(draft, payment, fact, nowMs);
  switch (fact.kind) {
    case "page_completed":
      if (fact.isPaid) complete(draft, past, there, fact, nowMs);
      else if (fact.isProcessing) startProcessing(draft, past, there, fact, nowMs);
      else fail(draft, past, there, { declineReason: "not_paid" }, nowMs);
      return HANDLED;
    case "page_expired":
      expire(draft, past, there, nowMs);
      return HANDLED;
    case "page_failed":
      // It was on its way, whether or not that was told.
      startProcessing(draft, past, there, {}, nowMs);
      fail(draft, past, there, fact, nowMs);
      return HANDLED;
    case "charge_succeeded":
      complete(draft, past, there, fact, nowMs);
      return HANDLED;
    case "charge_failed":
      // On a page the customer may try another card, and the page is told of by itself.
      if (there.kind === "CHARGE") fail(draft, past, there, fact, nowMs);
      return HANDLED;
    case "refunded":
      refunded(draft, past, came(draft, past, there, fact, nowMs), fact, nowMs);
      return HANDLED;
    case "refund_failed":
      refundFailed(draft, past, came(draft, past, there, fact, nowMs), fact, nowMs);
      return HANDLED;
    case "disputed":
      disputed(draft, past, came(draft, past, there, fact, nowMs), fact, nowMs);
      return HANDLED;
    default:
      fact satisfies never;
      return IGNORED;
  }
}

/**
 * What was given back had come before, whoever told of that or not. Returns the attempt that brought it: its own, where the provider took
 * money twice under one.
 */
function came(
  draft: Draft,
  past: PaymentPast,
  payment: Payment,
  fact: Extract<PaymentFact, { kind: "refunded" | "refund_failed" | "disputed" }>,
  nowMs: number,
): Payment {
  complete(draft, past, payment, { paymentIntentId: fact.paymentIntentId }, nowMs);
  return paymentOf(draft, past, fact) ?? payment;
}

/** By our number, else by what it is called at the provider. */
function paymentOf(draft: Draft, past: PaymentPast, fact: PaymentFact): Payment | undefined {
  const { paymentIntentId, pageId } = fact as { paymentIntentId?: string; pageId?: string };
  if (paymentIntentId !== undefined) {
    const known =
      find(draft, (one) => one.paymentIntentId === paymentIntentId) ?? past.paymentWithIntent(paymentIntentId);
    if (known !== undefined) return draft.payments.get(known.number) ?? known;
  }
  if (fact.payment !== undefined) return draft.payments.get(fact.payment) ?? past.payment(fact.payment);
  if (pageId === undefined) return undefined;
  const known = find(draft, (one) => one.pageId === pageId) ?? past.paymentWithPage(pageId);
  return known === undefined ? undefined : (draft.payments.get(known.number) ?? known);
}

function find({ payments }: Draft, isMeant: (payment: Payment) => boolean): Payment | undefined {
  for (const payment of payments.values()) if (isMeant(payment)) return payment;
  return undefined;
}

/** Learns what the provider calls it: an event may be here before the answer to our own call. */
function named(draft: Draft, payment: Payment, fact: PaymentFact, nowMs: number): Payment {
  const pageId = "pageId" in fact && payment.pageId === undefined ? { pageId: fact.pageId } : {};
  return Object.keys(pageId).length === 0 ? payment : changePayment(draft, payment, pageId, nowMs);
}

/** A first saved method is charged from now on; further ones only once the customer says so. Those of a deleted customer are gone. */
function saved(
  draft: Draft,
  { paymentMethodId, providerCustomerId = "" }: Extract<ProviderFact, { kind: "setup_succeeded" }>,
): FactOutcome {
  const payer = draft.payer.get();
  if (payer.deletedCustomerIds?.includes(providerCustomerId)) return IGNORED;
  // Told late: it is there no more.
  if (payer.detachedMethodIds?.includes(paymentMethodId)) return IGNORED;
  if (payer.defaultMethodId === undefined) draft.payer.put({ ...payer, defaultMethodId: paymentMethodId });
  return HANDLED;
}

/** A method was taken off the customer: it is not charged any more, and what falls due is asked for by a page. */
function detached(draft: Draft, paymentMethodId: string): FactOutcome {
  const payer = draft.payer.get();
  const { defaultMethodId, detachedMethodIds = [] } = payer;
  if (detachedMethodIds.includes(paymentMethodId)) return HANDLED;
  const kept = [...detachedMethodIds, paymentMethodId].slice(-DETACHED_METHODS_MAX);
  const { defaultMethodId: _, ...without } = payer;
  draft.payer.put({ ...(defaultMethodId === paymentMethodId ? without : payer), detachedMethodIds: kept });
  return HANDLED;
}

/** A name is one text there: its first word is the first name. */
function changed({ name, email }: { name?: string; email?: string }): FactOutcome {
  const [firstName = "", ...rest] = name?.trim().split(/\s+/) ?? [];
  const profile = {
    ...(firstName === "" ? {} : { firstName, lastName: rest.join(" ") }),
    ...(email === undefined ? {} : { email }),
  };
  return Object.keys(profile).length === 0 ? IGNORED : { outcome: "handled", profile };
}

/** Its methods are gone with it. What is asked next makes another one. */
function deleted(draft: Draft, deletedId: string): FactOutcome {
  const payer = draft.payer.get();
  const { providerCustomerId, defaultMethodId: _, deletedCustomerIds = [], ...rest } = payer;
  if (deletedCustomerIds.includes(deletedId)) return HANDLED;
  if (providerCustomerId !== undefined && providerCustomerId !== deletedId) return IGNORED;
  draft.payer.put({ ...rest, deletedCustomerIds: [...deletedCustomerIds, deletedId] });
  return HANDLED;
}
