import type { Draft } from "./book.ts";
import { type Invoice, type InvoiceLine, isUnpaid } from "./invoice.ts";
import { CHARGE_RETRY_FIRST_MS, CHARGE_RETRY_LAST_MS } from "./limits.ts";
import { decideCarry } from "./payment.ts";
import { isBelowMinimum } from "./payment-amount.ts";
import {
  changePayment,
  livePayment,
  openPaymentsFor,
  type Payer,
  type Payment,
  type PaymentTerms,
  subjectOf,
} from "./payments.ts";

/**
 * How money for an invoice is asked for: by a page, or by charging a saved method. Owns when that begins, when it is tried again and
 * when it stops. Leaves what comes of an attempt to `payment-outcome.ts`, sending to the object's outbox.
 *
 * Laws: nothing is asked while the account takes no payments; an invoice has at most one attempt that is not being closed; nothing is
 * asked any more for what need not be paid any more.
 */

/** Notes what the account's settings say now: also for what falls due later, without any command. */
export function noteTerms(draft: Draft, terms: PaymentTerms | undefined): void {
  const payer = draft.payer.get();
  if (terms !== undefined && JSON.stringify(terms) !== JSON.stringify(payer.terms))
    draft.payer.put({ ...payer, terms });
}

/**
 * Follows what a draft did with invoices: what newly is to be paid is carried over where it is too little, and charged where a method
 * is saved; for what need not be paid any more nothing is asked. Repeating it does nothing. `atMs`: the instant of what was done, where
 * it is settled later: what is carried over is so then, before anything else that falls due by now.
 */
export function followInvoices(draft: Draft, nowMs: number, atMs = nowMs): void {
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const invoice of [...draft.invoices.written.values()]) {
      if (!isUnpaid(invoice)) stopAsking(draft, invoice, nowMs);
      else if (!draft.asked.has(invoice.number) && !wasUnpaid(draft, invoice)) {
        askForPayment(draft, invoice, draft.payer.get().defaultMethodId, nowMs, atMs);
        // Carried over, it may have let a subscription go on, and that have made an invoice.
        isNew = true;
      }
    }
  }
}

function wasUnpaid(draft: Draft, { number }: Invoice): boolean {
  const before = draft.invoicesBefore.get(number);
  return before !== undefined && isUnpaid(before);
}

/** Asks for the money of an unpaid invoice without the customer: carried over where it is too little, charged where a method is known. */
export function askForPayment(
  draft: Draft,
  invoice: Invoice,
  methodId: string | undefined,
  nowMs: number,
  atMs = nowMs,
): void {
  draft.asked.add(invoice.number);
  if (draft.payer.get().terms?.isOn !== true) return;
  if (isBelowMinimum(invoice.amountMinor, invoice.currency)) decideCarry(draft, invoice, atMs);
  else if (methodId !== undefined) startCharge(draft, invoice, methodId, nowMs);
}

/**
 * What a customer who is there is asked for: the named method is charged, or the saved one; where neither is, a page is made. Nothing
 * where the account takes no payments, or nothing is to be paid.
 */
export function askAtOnce(
  draft: Draft,
  number: number | undefined,
  { methodId, wallMs }: { methodId?: string | undefined; wallMs: number },
  nowMs: number,
): void {
  const invoice = draft.invoices.get(number ?? 0);
  if (methodId !== undefined && invoice !== undefined && isUnpaid(invoice))
    askForPayment(draft, invoice, methodId, nowMs);
  followInvoices(draft, nowMs);
  const left = draft.invoices.get(number ?? 0);
  if (draft.payer.get().terms?.isOn === true && left !== undefined && isUnpaid(left))
    askForPage(draft, left, nowMs, wallMs);
}

function stopAsking(draft: Draft, invoice: Invoice, nowMs: number): void {
  for (const payment of openPaymentsFor(draft, subjectOf({ invoice: invoice.number })))
    closePayment(draft, payment, nowMs);
  const { page, nextChargeAtMs, isProcessing, processingUntilMs, wasCharged, ...rest } = invoice;
  if ([page, nextChargeAtMs, isProcessing, processingUntilMs, wasCharged].some((asked) => asked !== undefined))
    draft.invoices.put(rest);
}

/**
 * An attempt is not wanted any more. What the provider may have heard of ends there first; money that is on its way comes all the same.
 */
export function closePayment(draft: Draft, payment: Payment, nowMs: number): void {
  if (payment.isClosing !== undefined || payment.status === "PROCESSING") return;
  changePayment(draft, payment, { isClosing: true }, nowMs);
  if (payment.pageId !== undefined) draft.calls.push({ op: "expire", payment: payment.number });
}

/** An attempt that does not exist yet, to be sent. */
export function startPayment(
  draft: Draft,
  terms: Pick<Payment, "purpose" | "kind" | "currency" | "amountMinor"> &
    Partial<Pick<Payment, "invoice" | "subscription" | "purchase" | "methodId">>,
  nowMs: number,
): Payment {
  draft.last.payment += 1;
  const { successUrl, cancelUrl } = draft.payer.get().terms ?? {};
  const payment = draft.payments.put({
    ...terms,
    ...(successUrl === undefined || terms.kind === "CHARGE" ? {} : { successUrl }),
    ...(cancelUrl === undefined || terms.kind === "CHARGE" ? {} : { cancelUrl }),
    number: draft.last.payment,
    status: "PENDING",
    refundedMinor: 0,
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
  });
  draft.calls.push({ op: terms.kind === "PAGE" ? "page" : "charge", payment: payment.number });
  return payment;
}

function forInvoice({ number, type, subscription, currency, amountMinor }: Invoice) {
  const purpose = type === "IN_ADVANCE_INITIAL" ? ("SUBSCRIPTION" as const) : ("INVOICE" as const);
  return { purpose, invoice: number, subscription, currency, amountMinor };
}

/** Charges a saved method for an unpaid invoice. A page for it is closed first; a charge under way is enough. */
export function startCharge(draft: Draft, invoice: Invoice, methodId: string, nowMs: number): Payment {
  const open = openPaymentsFor(draft, subjectOf({ invoice: invoice.number }));
  const underWay = open.find(
    ({ kind, status, isClosing }) => status === "PROCESSING" || (kind === "CHARGE" && isClosing === undefined),
  );
  if (underWay !== undefined) return underWay;
  for (const payment of open) closePayment(draft, payment, nowMs);
  return startPayment(draft, { ...forInvoice(invoice), kind: "CHARGE", methodId }, nowMs);
}

/**
 * The attempt by which an unpaid invoice is being paid: the one that is open, else a new page. `wallMs`: a page whose time is over by it
 * is closed, and another one takes its place. What waits to be sent is sent now.
 */
export function askForPage(draft: Draft, invoice: Invoice, nowMs: number, wallMs: number): Payment {
  const subject = subjectOf({ invoice: invoice.number });
  const live = livePayment(draft, subject);
  if (live !== undefined && isOver(live, wallMs)) closePayment(draft, live, nowMs);
  urge(draft, subject);
  if (live !== undefined && !isOver(live, wallMs)) return live;
  return startPayment(draft, { ...forInvoice(invoice), kind: "PAGE" }, nowMs);
}

/** Somebody waits for what has not reached the provider yet: it does not wait for its turn. */
export function urge(draft: Draft, subject: string): void {
  for (const { number: payment, kind, pageId, status, isClosing } of openPaymentsFor(draft, subject)) {
    if (status === "PROCESSING") continue;
    if (pageId === undefined) draft.calls.push({ op: kind === "PAGE" ? "page" : "charge", payment });
    else if (isClosing !== undefined) draft.calls.push({ op: "expire", payment });
  }
}

/** Nobody can complete the page any more, whether or not the provider has told so. */
export function isOver({ kind, status, expiresAtMs }: Payment, wallMs: number): boolean {
  return kind === "PAGE" && status === "PENDING" && expiresAtMs !== undefined && expiresAtMs <= wallMs;
}

/** When a charge that failed is tried again: a day and three days after the invoice fell due, as long as its grace lasts. */
export function nextChargeAtMs({ dueAtMs, graceEndsAtMs }: Invoice, nowMs: number): number | undefined {
  if (graceEndsAtMs === undefined) return undefined;
  const retries = [dueAtMs + CHARGE_RETRY_FIRST_MS, dueAtMs + CHARGE_RETRY_LAST_MS];
  return retries.find((atMs) => atMs > nowMs && atMs <= graceEndsAtMs);
}

/** An unpaid invoice whose charge failed, or could not even be sent, with the instant at which it is tried again, if it is. */
export function withNextCharge({ nextChargeAtMs: _, ...invoice }: Invoice, nowMs: number): Invoice {
  const againAtMs = nextChargeAtMs(invoice, nowMs);
  return { ...invoice, wasCharged: true, ...(againAtMs === undefined ? {} : { nextChargeAtMs: againAtMs }) };
}

/**
 * A saved method is charged again, if one is saved still. Also where payments were off when the last command came: whether they are is
 * asked before it is sent.
 */
export function chargeAgain(draft: Draft, invoice: Invoice, atMs: number): void {
  const { nextChargeAtMs: _, ...rest } = invoice;
  const asked = draft.invoices.put(rest);
  const { defaultMethodId } = draft.payer.get();
  if (defaultMethodId !== undefined) startCharge(draft, asked, defaultMethodId, atMs);
}

/**
 * What a page for an invoice lists: its lines, where all of them are to be paid. A page takes nothing off, so where a line gives
 * something back the invoice is one position.
 */
export function pageLines(invoice: Invoice): { description: string; amountMinor: number }[] {
  const charged = invoice.lines.filter(({ amountMinor }) => amountMinor !== 0);
  const taxes = (invoice.taxLines ?? []).map(({ name: description, amountMinor }) => ({ description, amountMinor }));
  const lines = [...charged.map(positionOf), ...taxes];
  return lines.length > 0 && lines.every(({ amountMinor }) => amountMinor > 0)
    ? lines
    : [{ description: paymentName(invoice), amountMinor: invoice.amountMinor }];
}

/** What the customer's bank shows. Not its number, which may come between two attempts to send the same. */
export function paymentName({ dueAtMs }: Invoice): string {
  return `Invoice of ${new Date(dueAtMs).toISOString().slice(0, 10)}`;
}

function positionOf({ description, amountMinor }: InvoiceLine): { description: string; amountMinor: number } {
  return { description, amountMinor };
}

/** The customer at the provider, if there is one that can be used. */
export function providerCustomerOf(payer: Payer, stripeCustomerId: string | undefined): string | undefined {
  if (payer.providerCustomerId !== undefined) return payer.providerCustomerId;
  const isDeleted = stripeCustomerId !== undefined && payer.deletedCustomerIds?.includes(stripeCustomerId) === true;
  return isDeleted ? undefined : stripeCustomerId;
}
