import { providerCustomerOf } from "../../domain/collect.ts";
import { type Invoice, isUnpaid } from "../../domain/invoice.ts";
import { type PaymentView, paymentView } from "../../domain/payment-view.ts";
import { livePayment, type Payment, subjectOf } from "../../domain/payments.ts";
import type { Refusal, Reply } from "../../domain/refusal.ts";
import type { PageReply, Replayable, SubscriptionReply } from "../calls.ts";
import { notFound } from "../decide.ts";
import type { Customer } from "../image.ts";
import { newestPaymentFor, readPayment, readPayments } from "../payment-store.ts";
import { invoiceOf, numberOf, subscriptionOf, viewOfInvoice, viewOfSubscription, withInvoiceFacts } from "./billing.ts";

/** Payments as the customer's object tells of them: open ones from memory, ended ones from its tables. */

export function viewOfPayment({ image }: Customer, payment: Payment): PaymentView {
  return paymentView(image.owner.tag, payment);
}

/** The attempt of this number, open or not. */
export function paymentAt({ image, sql }: Customer, number: number): Payment | undefined {
  return image.book.payments.get(number) ?? readPayment(sql, number);
}

/** The payment page with this id. */
export function pageQuestion(customer: Customer, id: string): Reply<PaymentView> {
  const number = numberOf(customer, "payment", id);
  const payment = number === undefined ? undefined : paymentAt(customer, number);
  return payment?.kind === "PAGE"
    ? { ok: true, value: viewOfPayment(customer, payment) }
    : notFound("checkout session", id);
}

/** All attempts there ever were, newest first. */
export function paymentPage(
  customer: Customer,
  page: { limit: number; offset: number },
): Reply<PageReply<PaymentView>> {
  const { items, total } = readPayments(customer.sql, page);
  return { ok: true, value: { items: items.map((one) => viewOfPayment(customer, one)), total } };
}

/** The page on which an invoice can be paid now; undefined where there is none. */
function pageOf(customer: Customer, invoice: number): PaymentView | undefined {
  const live = livePayment(customer.image.book, subjectOf({ invoice }));
  return live?.url === undefined || live.status !== "PENDING" ? undefined : viewOfPayment(customer, live);
}

/** The same; for a repeat of an earlier answer the newest page, whatever became of it. */
function pageFor(customer: Customer, invoice: number, isRepeat: boolean): PaymentView | undefined {
  const page = pageOf(customer, invoice);
  if (page !== undefined || !isRepeat) return page;
  const newest = newestPaymentFor(customer.sql, invoice);
  return newest?.kind === "PAGE" ? viewOfPayment(customer, newest) : undefined;
}

/** The customer at the provider, where that is not what the directory knows already. */
export function newProviderCustomer({ image }: Customer): { providerCustomerId?: string } {
  const { stripeCustomerId } = image.state.profile ?? {};
  const known = providerCustomerOf(image.book.payer, stripeCustomerId);
  return known === undefined || stripeCustomerId !== undefined ? {} : { providerCustomerId: known };
}

/**
 * What a command on a subscription answers once payment was asked for: as it is by now, unless it is the repeat of an earlier answer; the
 * page to pay on is in any case the one there is now.
 */
export function subscriptionNow(
  customer: Customer,
  reply: Replayable<SubscriptionReply>,
): Replayable<SubscriptionReply> {
  if (!reply.ok) return reply;
  const { image } = customer;
  const { value } = reply;
  const found = value.invoice === undefined ? undefined : invoiceOf(customer, value.invoice.invoiceId);
  const subscription = subscriptionOf(customer, value.subscription.subscriptionId);
  const invoice = found?.ok ? found.value : undefined;
  const page = invoice === undefined ? undefined : pageFor(customer, invoice.number, reply.replayed === true);
  const links = { ...(page === undefined ? {} : { page }), ...newProviderCustomer(customer) };
  // What was not asked for is as the command left it, whatever others did since.
  const isAsked = invoice !== undefined && newestPaymentFor(customer.sql, invoice.number) !== undefined;
  if (reply.replayed === true || !subscription.ok || !isAsked) {
    const told = withInvoiceFacts(customer, reply);
    return told.ok ? { ...reply, value: { ...told.value, ...links } } : reply;
  }
  return {
    ...reply,
    value: {
      ...value,
      subscription: viewOfSubscription(customer, image.book, subscription.value),
      invoice: viewOfInvoice(customer, image.book, invoice),
      ...links,
    },
  };
}

/** The page that was asked for, or why there is none yet. `isOff`: the account has no key. */
export function pageNow(customer: Customer, invoice: Invoice, isOff: boolean): Reply<PaymentView> {
  const page = pageOf(customer, invoice.number);
  if (page !== undefined) return { ok: true, value: page };
  if (!isUnpaid(invoice)) return { ok: false, code: "invoice_closed", status: invoice.status };
  const live = livePayment(customer.image.book, subjectOf({ invoice: invoice.number }));
  if (live?.status === "PROCESSING") return PROCESSING;
  const newest = newestPaymentFor(customer.sql, invoice.number);
  return newest?.kind === "PAGE" && newest.status === "FAILED" && newest.pageId === undefined ? REFUSED : noPage(isOff);
}

export function noPage(isOff: boolean): Refusal {
  return { ok: false, code: isOff ? "payments_off" : "payments_unavailable" };
}

/** Asking again would help nobody. */
export const REFUSED: Refusal = {
  ok: false,
  code: "state_conflict",
  why: "The payment provider refused to make a page for it: the log says why.",
};

/** Whoever paid twice would have to be paid back. */
export const PROCESSING: Refusal = {
  ok: false,
  code: "state_conflict",
  why: "A payment for it is on its way; bank debits take some days.",
};

/** The attempt that a purchase came to by now: the charge, or the page that took its place. */
export function purchaseNow(customer: Customer, number: number): Payment | undefined {
  const payment = paymentAt(customer, number);
  return payment?.fallback === undefined ? payment : purchaseNow(customer, payment.fallback);
}
