import { freezeBuyer } from "../../domain/billing.ts";
import { type Draft, openDraft } from "../../domain/book.ts";
import { buyerOf, type CustomerView } from "../../domain/customer.ts";
import { decideUpcoming } from "../../domain/due.ts";
import { type IdKind, readCustomerThingId } from "../../domain/ids.ts";
import { type Invoice, isNumbered } from "../../domain/invoice.ts";
import type { Reply } from "../../domain/refusal.ts";
import { type PlanPin, type PlanRef, pinKey, type Subscription } from "../../domain/subscription.ts";
import {
  type BalanceEntryView,
  balanceEntryView,
  type InvoiceView,
  invoiceView,
  type SubscriptionView,
  subscriptionView,
} from "../../domain/views.ts";
import { balanceEntriesBefore, balanceEntryPage } from "../balance-store.ts";
import { readPin, readSubscription, readSubscriptions } from "../book-store.ts";
import type { CreditBalance, InvoiceReply, LedgerPage, SubscriptionReply } from "../calls.ts";
import { notFound } from "../decide.ts";
import type { Customer } from "../image.ts";
import { readInvoice, readInvoices } from "../invoice-store.ts";
import { view, viewOrPseudonym } from "./view.ts";

/** Subscriptions and invoices as the customer's object tells of them: live ones from memory, ended ones from its tables. */

/** What views are made from: the book as it is, or as a draft has it. */
type Known =
  | Pick<Draft, "pins" | "subscriptions" | "invoices">
  | Pick<Customer["image"]["book"], "pins" | "subscriptions" | "invoices">;

/** The number that an id of this customer's things names, if it is of that kind. */
export function numberOf({ image }: Customer, kind: IdKind, id: string): number | undefined {
  const read = readCustomerThingId(id);
  return read?.kind === kind && read.tag === image.owner.tag ? read.number : undefined;
}

/** A subscription of this customer, also one that has ended. */
export function subscriptionOf(customer: Customer, id: string): Reply<Subscription> {
  const number = numberOf(customer, "subscription", id);
  const found =
    number === undefined
      ? undefined
      : (customer.image.book.subscriptions.get(number) ?? readSubscription(customer.sql, number));
  return found === undefined ? notFound("subscription", id) : { ok: true, value: found };
}

/** An invoice of this customer, also one that is closed. */
export function invoiceOf(customer: Customer, id: string): Reply<Invoice> {
  const number = numberOf(customer, "invoice", id);
  const found =
    number === undefined ? undefined : (customer.image.book.invoices.get(number) ?? readInvoice(customer.sql, number));
  return found === undefined ? notFound("invoice", id) : { ok: true, value: found };
}

export function viewOfSubscription(customer: Customer, known: Known, subscription: Subscription): SubscriptionView {
  const planOf = (ref: PlanRef): PlanPin => known.pins.get(pinKey(ref)) ?? readPin(customer.sql, ref);
  return subscriptionView(customer.image.owner.tag, subscription, planOf);
}

export function viewOfInvoice(customer: Customer, known: Known, invoice: Invoice): InvoiceView {
  const number = invoice.subscription;
  // A purchase.
  if (number === 0) return invoiceView(customer.image.owner.tag, invoice, undefined);
  const subscription = known.subscriptions.get(number) ?? readSubscription(customer.sql, number);
  if (subscription === undefined) throw new Error("invariant broken: an invoice belongs to a subscription");
  return invoiceView(customer.image.owner.tag, invoice, viewOfSubscription(customer, known, subscription));
}

/** The customer, who exists: whoever has a subscription or an invoice has a profile. */
export function knownCustomer(customer: Customer): CustomerView {
  const known = viewOrPseudonym(customer);
  if (known === undefined) throw new Error("invariant broken: who has subscriptions has a profile");
  return known;
}

/** What a command on a subscription answers, as a draft has it. */
export function subscriptionReply(
  customer: Customer,
  draft: Draft,
  number: number,
  invoice?: number,
): SubscriptionReply {
  const subscription = draft.subscriptions.get(number) ?? readSubscription(customer.sql, number);
  if (subscription === undefined) throw new Error("invariant broken: a command answers the subscription it changed");
  const made = invoice === undefined ? undefined : draft.invoices.get(invoice);
  return {
    customer: knownCustomer(customer),
    subscription: viewOfSubscription(customer, draft, subscription),
    ...(made === undefined ? {} : { invoice: viewOfInvoice(customer, draft, made) }),
  };
}

/**
 * A command's reply with what became known of its invoice only when it was committed and sent: its number, who sold and who bought.
 * Everything else stays as the command left it.
 */
export function withInvoiceFacts<T>(customer: Customer, reply: Reply<T>): Reply<T> {
  if (!reply.ok) return reply;
  const { invoice } = (reply.value ?? {}) as { invoice?: InvoiceView };
  if (invoice?.invoiceId === undefined || invoice.status === "PENDING") return reply;
  const found = invoiceOf(customer, invoice.invoiceId);
  if (!found.ok) return reply;
  const { sequence, seller, buyer } = found.value;
  const facts = {
    ...(sequence !== undefined && isNumbered(invoice) ? { sequence } : {}),
    ...(seller === undefined ? {} : { seller }),
    ...(buyer === undefined ? {} : { buyer }),
  };
  return { ...reply, value: { ...reply.value, invoice: { ...invoice, ...facts } } };
}

/** What the customer is owed, below 0 what they owe: each invoice that becomes DUE takes from it first. */
export function creditBalance({ image }: Customer): CreditBalance {
  return [...image.book.balances]
    .filter(([, amountMinor]) => amountMinor !== 0)
    .map(([currency, amountMinor]) => ({ currency, amountMinor }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

/** The money balance and a page of the ledger behind it, newest first; undefined when there is no such customer. */
export function balanceQuestion(
  customer: Customer,
  page: { limit: number; offset: number },
): { balances: CreditBalance; items: BalanceEntryView[]; total: number } | undefined {
  if (view(customer) === undefined) return undefined;
  const { items, total } = balanceEntryPage(customer.sql, page);
  const { tag } = customer.image.owner;
  return { balances: creditBalance(customer), items: items.map((entry) => balanceEntryView(tag, entry)), total };
}

/** The money ledger behind an entry, newest first; undefined when there is no such customer. */
export function balanceEntriesBehind(customer: Customer, { after, limit }: LedgerPage): BalanceEntryView[] | undefined {
  if (view(customer) === undefined) return undefined;
  const before = after === undefined ? undefined : numberOf(customer, "balanceEntry", after);
  const { tag } = customer.image.owner;
  return balanceEntriesBefore(customer.sql, before, limit).map((entry) => balanceEntryView(tag, entry));
}

/** All subscriptions there ever were, newest first. */
export function allSubscriptions(customer: Customer): SubscriptionView[] {
  const { book } = customer.image;
  // Who never lost a subscription needs no table.
  const all =
    book.subscriptions.size === book.last.subscription
      ? [...book.subscriptions.values()].toReversed()
      : readSubscriptions(customer.sql);
  return all.map((one) => viewOfSubscription(customer, book, one));
}

export function subscriptionQuestion(customer: Customer, id: string): Reply<SubscriptionReply> {
  const found = subscriptionOf(customer, id);
  if (!found.ok) return found;
  const { book } = customer.image;
  return {
    ok: true,
    value: { customer: knownCustomer(customer), subscription: viewOfSubscription(customer, book, found.value) },
  };
}

export function invoiceQuestion(customer: Customer, id: string): Reply<InvoiceReply> {
  const found = invoiceOf(customer, id);
  if (!found.ok) return found;
  const { book } = customer.image;
  return {
    ok: true,
    value: { customer: knownCustomer(customer), invoice: viewOfInvoice(customer, book, found.value) },
  };
}

export function invoicesQuestion(
  customer: Customer,
  page: { limit: number; offset: number },
): { customer: CustomerView; items: InvoiceView[]; total: number } | undefined {
  const known = view(customer);
  if (known === undefined) return undefined;
  const { items, total } = readInvoices(customer.sql, page);
  return { customer: known, items: items.map((one) => viewOfInvoice(customer, customer.image.book, one)), total };
}

/**
 * The invoice that the period would end with, if nothing more were used (see `decideUpcoming`). Of the newest subscription with an
 * open period unless one is named.
 */
export function upcoming(customer: Customer, subscriptionId: string | undefined): Reply<InvoiceReply> {
  const { book } = customer.image;
  const wanted = subscriptionId === undefined ? undefined : subscriptionOf(customer, subscriptionId);
  if (wanted !== undefined && !wanted.ok) return wanted;
  const subscription = wanted?.value ?? [...book.subscriptions.values()].toReversed().find(({ isOpen }) => isOpen);
  if (subscription === undefined || !subscription.isOpen)
    return notFound(
      "upcoming invoice, since no period is open, for",
      subscriptionId ?? customer.image.owner.customerId,
    );
  const draft = openDraft(book);
  const invoice = decideUpcoming(draft, subscription);
  const known = knownCustomer(customer);
  freezeBuyer(draft, buyerOf(known));
  const made = invoice === undefined ? undefined : draft.invoices.get(invoice.number);
  const nothing: Invoice = {
    number: 0,
    subscription: subscription.number,
    type: "REGULAR",
    status: "PENDING",
    currency: viewOfSubscription(customer, book, subscription).plan.currency,
    lines: [],
    amountMinor: 0,
    periodStartMs: subscription.period.startMs,
    periodEndMs: subscription.period.endMs,
    createdAtMs: subscription.period.endMs,
    modifiedAtMs: subscription.period.endMs,
    dueAtMs: subscription.period.endMs,
  };
  return {
    ok: true,
    value: { customer: known, invoice: viewOfInvoice(customer, book, made ?? nothing) },
  };
}
