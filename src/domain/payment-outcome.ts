import type { Draft } from "./book.ts";
import { closePayment, startPayment, withNextCharge } from "./collect.ts";
import type { Invoice } from "./invoice.ts";
import { isUnpaid } from "./invoice.ts";
import { COOL_DOWN_MS_MAX, COOL_DOWN_MS_MIN, PROCESSING_MS_MAX } from "./limits.ts";
import { decidePay } from "./payment.ts";
import { collectable } from "./payment-amount.ts";
import { changePayment, livePayment, openPaymentsFor, type Payment, type PaymentPast, subjectOf } from "./payments.ts";
import { completePurchase } from "./purchase.ts";

/**
 * What comes of an attempt to collect money, whoever tells it: the provider's answer or its event, in any order and any number of
 * times. Owns what each does to attempt, invoice and credits. Leaves money that goes back to `given-back.ts`.
 *
 * Laws: money that came counts once; money for what is paid, void or cancelled already is overpaid and revives nothing.
 */

/** What the provider says of money that came. Without an amount it is the one that was asked for. */
export type Paid = { paymentIntentId?: string; amountMinor?: number; currency?: string };

/** Money came. */
export function complete(draft: Draft, past: PaymentPast, { number }: Payment, paid: Paid, nowMs: number): void {
  const payment = paymentOf(draft, past, number);
  if (payment.status === "COMPLETED") {
    if (paid.paymentIntentId === undefined || payment.paymentIntentId === paid.paymentIntentId) return;
    if (payment.paymentIntentId === undefined)
      changePayment(draft, payment, { paymentIntentId: paid.paymentIntentId }, nowMs);
    // The provider took it a second time under this attempt: an attempt of its own, so that it can be given back.
    else completeTwice(draft, past, payment, paid, nowMs);
    return;
  }
  const { isClosing: _, declineReason: __, ...rest } = payment;
  // Of some currencies the provider charges no smaller part: what it takes of the amount is all of it.
  const wantedMinor = collectable(payment.amountMinor, payment.currency);
  const paidMinor = paid.amountMinor ?? wantedMinor;
  const completed = draft.payments.put({
    ...rest,
    status: "COMPLETED",
    paidMinor,
    ...(paid.paymentIntentId === undefined ? {} : { paymentIntentId: paid.paymentIntentId }),
    completedAtMs: nowMs,
    modifiedAtMs: nowMs,
  });
  const isEnough = paidMinor >= wantedMinor && (paid.currency === undefined || paid.currency === completed.currency);
  const isTaken = isEnough && deliver(draft, past, completed, nowMs);
  const overMinor = isTaken ? paidMinor - wantedMinor : paidMinor;
  if (overMinor > 0) overpay(draft, past, completed, overMinor, nowMs);
}

/** What was paid for. False where nothing is to be paid for any more. */
function deliver(draft: Draft, past: PaymentPast, payment: Payment, nowMs: number): boolean {
  if (payment.purchase !== undefined) {
    forgetDeclines(draft);
    return completePurchase(draft, payment, nowMs);
  }
  const invoice = invoiceOf(draft, past, payment);
  return isUnpaid(invoice) && decidePay(draft, invoice, nowMs, "STRIPE").ok;
}

function completeTwice(draft: Draft, past: PaymentPast, first: Payment, paid: Paid, nowMs: number): void {
  draft.last.payment += 1;
  const { pageId: _, url: __, expiresAtMs: ___, disputes: ____, overpaidMinor: _____, ...same } = first;
  const second = draft.payments.put({
    ...same,
    number: draft.last.payment,
    refundedMinor: 0,
    paidMinor: paid.amountMinor ?? collectable(first.amountMinor, first.currency),
    ...(paid.paymentIntentId === undefined ? {} : { paymentIntentId: paid.paymentIntentId }),
    createdAtMs: nowMs,
    completedAtMs: nowMs,
    modifiedAtMs: nowMs,
  });
  overpay(draft, past, second, second.paidMinor ?? 0, nowMs);
}

/** Money that pays for nothing: shown with its invoice, and given back by itself where the account wants that. */
function overpay(draft: Draft, past: PaymentPast, payment: Payment, amountMinor: number, nowMs: number): void {
  const there = changePayment(draft, payment, { overpaidMinor: amountMinor }, nowMs);
  if (there.invoice !== undefined) {
    const invoice = invoiceOf(draft, past, there);
    const { amountMinor: before = 0, refundedMinor = 0 } = invoice.overpaid ?? {};
    const overpaid = { amountMinor: before + amountMinor, refundedMinor, state: "OPEN" as const };
    draft.invoices.put({ ...invoice, overpaid, modifiedAtMs: nowMs });
  }
  if (draft.payer.get().terms?.refundOverpayments === true) draft.calls.push({ op: "refund", payment: payment.number });
}

/** The money is on its way, which may take days: until then nobody loses access for it. */
export function startProcessing(
  draft: Draft,
  past: PaymentPast,
  { number }: Payment,
  { paymentIntentId }: Pick<Paid, "paymentIntentId">,
  nowMs: number,
): void {
  const payment = paymentOf(draft, past, number);
  // Told late: what was decided since stands.
  if (payment.status !== "PENDING" && payment.status !== "EXPIRED") return;
  const { isClosing: _, ...rest } = payment;
  draft.payments.put({
    ...rest,
    status: "PROCESSING",
    ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
    modifiedAtMs: nowMs,
  });
  // What was to take its place would bring the money twice.
  for (const other of openPaymentsFor(draft, subjectOf(payment)))
    if (other.number !== number) closePayment(draft, other, nowMs);
  const invoice = payment.invoice === undefined ? undefined : draft.invoices.get(payment.invoice);
  if (invoice === undefined || !isUnpaid(invoice)) return;
  const { page: __, ...asked } = invoice;
  draft.invoices.put({
    ...asked,
    isProcessing: true,
    processingUntilMs: nowMs + PROCESSING_MS_MAX,
    modifiedAtMs: nowMs,
  });
}

/** What a failed attempt is called at the provider, and why the customer's bank said no. */
export type Failure = { declineReason?: string; paymentIntentId?: string };

/**
 * No money came of it and none will. The invoice stays as it is, with a page to pay it on, and a saved method is charged again while
 * its grace lasts; so it is with a purchase, which is not charged again by itself for a while.
 */
export function fail(draft: Draft, past: PaymentPast, { number }: Payment, failure: Failure, nowMs: number): void {
  const payment = paymentOf(draft, past, number);
  if (payment.status === "COMPLETED" || payment.status === "FAILED") return;
  const wasProcessing = payment.status === "PROCESSING";
  const { declineReason, paymentIntentId } = failure;
  const said = {
    ...(declineReason === undefined ? {} : { declineReason }),
    ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
  };
  end(draft, payment, { status: "FAILED", ...said }, nowMs);
  if (payment.purchase !== undefined) {
    if (payment.kind === "CHARGE") noteDecline(draft, nowMs);
    if (payment.kind === "CHARGE" && payment.isClosing === undefined) fallBack(draft, payment, nowMs);
    return;
  }
  const invoice = draft.invoices.get(payment.invoice ?? 0);
  if (invoice === undefined || !isUnpaid(invoice)) return;
  const { isProcessing: _, processingUntilMs, ...told } = invoice;
  const rest = payment.kind === "CHARGE" ? withNextCharge(told, nowMs) : told;
  draft.invoices.put({
    ...rest,
    // Grace that was over meanwhile ends now, not before.
    ...(wasProcessing ? { processingUntilMs: nowMs } : processingUntilMs === undefined ? {} : { processingUntilMs }),
    modifiedAtMs: nowMs,
  });
  if (payment.kind === "CHARGE" || wasProcessing) fallBack(draft, payment, nowMs);
}

/** A page in place of what failed, unless something else is under way. */
function fallBack(draft: Draft, payment: Payment, nowMs: number): void {
  if (draft.payer.get().terms?.isOn !== true || livePayment(draft, subjectOf(payment)) !== undefined) return;
  const { purpose, currency, amountMinor, invoice, subscription, purchase } = payment;
  const page = startPayment(
    draft,
    {
      purpose,
      kind: "PAGE",
      currency,
      amountMinor,
      ...(invoice === undefined ? {} : { invoice }),
      ...(subscription === undefined ? {} : { subscription }),
      ...(purchase === undefined ? {} : { purchase }),
    },
    nowMs,
  );
  const { declineReason: why } = changePayment(draft, payment, { fallback: page.number }, nowMs);
  // Whoever gets the link is told why there is one.
  if (why !== undefined) changePayment(draft, page, { declineReason: why }, nowMs);
}

/** What the provider says of a page that we made. */
export type PageState = Paid & {
  id: string;
  status: "open" | "completed" | "expired";
  isPaid: boolean;
  isProcessing: boolean;
  url?: string;
  expiresAtMs: number;
};

/** A page was made. Not wanted any more meanwhile: it is closed. */
export function pageMade(draft: Draft, past: PaymentPast, { number }: Payment, page: PageState, nowMs: number): void {
  const { id: pageId, url, expiresAtMs } = page;
  const payment = paymentOf(draft, past, number);
  const made = changePayment(draft, payment, { pageId, expiresAtMs, ...(url === undefined ? {} : { url }) }, nowMs);
  if (page.status !== "open") pageEnded(draft, past, made, page, nowMs);
  else if (made.isClosing) draft.calls.push({ op: "expire", payment: number });
  else if (made.status === "PENDING" && made.purchase === undefined && url !== undefined) {
    const invoice = draft.invoices.get(made.invoice ?? 0);
    if (invoice === undefined || !isUnpaid(invoice)) return;
    draft.invoices.put({ ...invoice, page: { payment: number, url, expiresAtMs }, modifiedAtMs: nowMs });
  }
}

/** A page was completed or expired. */
export function pageEnded(draft: Draft, past: PaymentPast, payment: Payment, page: PageState, nowMs: number): void {
  if (page.status === "expired") expire(draft, past, payment, nowMs);
  else if (page.isPaid) complete(draft, past, payment, page, nowMs);
  else if (page.isProcessing) startProcessing(draft, past, payment, page, nowMs);
  else fail(draft, past, payment, { declineReason: "not_paid" }, nowMs);
}

/** Its time is over, or it was closed: nobody can pay by it any more. */
export function expire(draft: Draft, past: PaymentPast, { number }: Payment, nowMs: number): void {
  const payment = paymentOf(draft, past, number);
  if (payment.status === "PENDING") end(draft, payment, { status: "EXPIRED" }, nowMs);
}

/** Ends an attempt without money; the invoice shows its page no longer. */
function end(
  draft: Draft,
  payment: Payment,
  change: Partial<Payment> & { status: "FAILED" | "EXPIRED" },
  nowMs: number,
): void {
  const { isClosing: _, ...rest } = payment;
  draft.payments.put({ ...rest, ...change, modifiedAtMs: nowMs });
  const invoice = payment.purchase === undefined ? draft.invoices.get(payment.invoice ?? 0) : undefined;
  if (invoice?.page?.payment !== payment.number) return;
  const { page: __, ...asked } = invoice;
  draft.invoices.put({ ...asked, modifiedAtMs: nowMs });
}

function noteDecline(draft: Draft, nowMs: number): void {
  const payer = draft.payer.get();
  const count = (payer.declines?.count ?? 0) + 1;
  const waitMs = Math.min(COOL_DOWN_MS_MAX, COOL_DOWN_MS_MIN * 2 ** (count - 1));
  draft.payer.put({ ...payer, declines: { count, untilMs: nowMs + waitMs } });
}

function forgetDeclines(draft: Draft): void {
  const { declines, ...payer } = draft.payer.get();
  if (declines !== undefined) draft.payer.put(payer);
}

/** The attempt as it is now, open or not. */
export function paymentOf(draft: Draft, past: PaymentPast, number: number): Payment {
  const payment = draft.payments.get(number) ?? past.payment(number);
  if (payment === undefined) throw new Error("invariant broken: an attempt that anything comes of was made");
  return payment;
}

/** The invoice that an attempt is for, or that came with a purchase. */
export function invoiceOf(draft: Draft, past: PaymentPast, { invoice: number = 0 }: Payment): Invoice {
  const invoice = draft.invoices.get(number) ?? past.invoice(number);
  if (invoice === undefined) throw new Error("invariant broken: what an attempt is for is there");
  return invoice;
}
