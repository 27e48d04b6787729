import { creditsMinor } from "../../domain/billing.ts";
import type { BalanceEntry, Draft } from "../../domain/book.ts";
import { askAtOnce, askForPage, noteTerms } from "../../domain/collect.ts";
import { type Invoice, isUnpaid } from "../../domain/invoice.ts";
import { minorToE12 } from "../../domain/money.ts";
import { isBelowMinimum } from "../../domain/payment-amount.ts";
import { decideFact } from "../../domain/payment-facts.ts";
import { livePayment, subjectOf } from "../../domain/payments.ts";
import type { ProviderFact } from "../../domain/provider-fact.ts";
import { decidePurchase } from "../../domain/purchase.ts";
import type { Reply } from "../../domain/refusal.ts";
import { balanceEntryView } from "../../domain/views.ts";
import { payoutReturnedBy } from "../balance-store.ts";
import type { AskToPay, CheckoutCall, ProviderEventCall, ProviderEventReply, PurchaseCall } from "../calls.ts";
import { decideOnBook, notFound } from "../decide.ts";
import { decideOnPayments, profileChange } from "../decide-payments.ts";
import type { Change, Customer } from "../image.ts";
import { insertEvent, knowsEvent } from "../payment-store.ts";
import { invoiceOf, subscriptionOf } from "../questions/billing.ts";
import { poolOf } from "../questions/credits.ts";
import { newProviderCustomer, PROCESSING } from "../questions/payments.ts";

/** Commands on payments: each decides and says what is to be sent. What comes of that is another turn's. */

/** Asks for the money of an invoice that a command made; see `askAtOnce`. */
export function askToPay(
  { wallMs }: Customer,
  draft: Draft,
  invoice: number | undefined,
  { payments, paymentMethodId }: AskToPay,
  nowMs: number,
): void {
  noteTerms(draft, payments);
  if (payments !== undefined) askAtOnce(draft, invoice, { methodId: paymentMethodId, wallMs: wallMs() }, nowMs);
}

/**
 * Wants a page on which an invoice can be paid, or the oldest unpaid one of a subscription. Refuses `payments_off`, an invoice that is not
 * to be paid, and one whose money is on its way.
 */
export function checkout(customer: Customer, call: CheckoutCall, nowMs: number): Reply<{ invoice: number }> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = invoiceToPay(customer, call);
    if (!found.ok) return found;
    const invoice = found.value;
    if (!isUnpaid(invoice)) return { ok: false, code: "invoice_closed", status: invoice.status };
    if (!call.payments.isOn) return { ok: false, code: "payments_off" };
    if (isBelowMinimum(invoice.amountMinor, invoice.currency))
      return {
        ok: false,
        code: "state_conflict",
        why: "It is too little to be collected: mark it as paid, or void it.",
      };
    if (livePayment(draft, subjectOf({ invoice: invoice.number }))?.status === "PROCESSING") return PROCESSING;
    noteTerms(draft, call.payments);
    askForPage(draft, invoice, nowMs, customer.wallMs());
    return { ok: true, value: { invoice: invoice.number } };
  });
}

function invoiceToPay(customer: Customer, call: CheckoutCall): Reply<Invoice> {
  if ("invoiceId" in call) return invoiceOf(customer, call.invoiceId);
  const found = subscriptionOf(customer, call.subscriptionId);
  if (!found.ok) return found;
  const unpaid = [...customer.image.book.invoices.values()].find(
    (invoice) => invoice.subscription === found.value.number && isUnpaid(invoice),
  );
  return unpaid === undefined
    ? notFound("unpaid invoice of the subscription", call.subscriptionId)
    : { ok: true, value: unpaid };
}

/** Buys credits; see `decidePurchase`. Refuses `not_allowed` for more than the caller may spend at once. */
export function purchase(customer: Customer, call: PurchaseCall, nowMs: number): Reply<{ payment: number }> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = poolOf(customer, call.poolId);
    if (!found.ok) return found;
    const { creditsE4, price, paymentMethodId, payments, capE12 } = call;
    if (price !== undefined && capE12 !== undefined) {
      const { currency, pricePerCreditE12: unitPriceE12 } = price;
      const amountE12 = minorToE12(creditsMinor({ creditsE4, unitPriceE12 }, currency), currency);
      if (amountE12 > capE12)
        return { ok: false, code: "not_allowed", why: "It costs more than this key may spend on credits at once." };
    }
    noteTerms(draft, payments);
    const decided = decidePurchase(
      draft,
      {
        pool: found.value,
        creditsE4,
        price,
        ...(paymentMethodId === undefined ? {} : { methodId: paymentMethodId }),
        terms: payments,
        wallMs: customer.wallMs(),
      },
      nowMs,
    );
    return decided.ok ? { ok: true, value: { payment: decided.value.number } } : decided;
  });
}

/**
 * Takes what the payment provider tells: an event once, however often it comes. One about a payment that is not known yet by that name is
 * kept until it is. Who is not registered takes nothing.
 */
export function providerEvent(customer: Customer, call: ProviderEventCall, nowMs: number): Reply<ProviderEventReply> {
  const { eventId, fact } = call;
  // Whoever was told before may have had no time to put it on the trail.
  if (knowsEvent(customer.sql, eventId))
    return {
      ok: true,
      value: { outcome: "repeated", ...toldOfPayout(customer, payoutReturnedEarlier(customer.sql, fact)) },
    };
  let outcome: ProviderEventReply["outcome"] = "ignored";
  let payout: BalanceEntry | undefined;
  const note = { eventId, kind: fact.kind, atMs: call.createdAtMs };
  decideOnPayments(
    customer,
    (draft, past, atMs, more: Change[]) => {
      noteTerms(draft, call.payments);
      const decided = decideFact(draft, past, fact, atMs);
      outcome = decided.outcome;
      payout = draft.balanceEntries.find(({ kind, amountMinor }) => kind === "PAYOUT" && amountMinor > 0);
      more.push(...profileChange(customer, decided.profile, atMs));
      const waitsFor = outcome === "waits" && "paymentIntentId" in fact ? fact.paymentIntentId : undefined;
      insertEvent(customer.sql, waitsFor === undefined ? note : { ...note, waitsFor, fact });
    },
    nowMs,
  );
  return { ok: true, value: { outcome, ...toldOfPayout(customer, payout), ...newProviderCustomer(customer) } };
}

/** What the fact, told before, found to be no payout after all. */
function payoutReturnedEarlier(sql: SqlStorage, fact: ProviderFact): BalanceEntry | undefined {
  const failed =
    fact.kind === "refund_failed"
      ? [fact.refundId]
      : fact.kind === "refunded"
        ? (fact.refunds ?? []).filter(({ hasFailed }) => hasFailed).map(({ refundId }) => refundId)
        : [];
  return failed.map((refundId) => payoutReturnedBy(sql, refundId)).find((entry) => entry !== undefined);
}

function toldOfPayout(
  { image }: Customer,
  entry: BalanceEntry | undefined,
): Pick<ProviderEventReply, "payoutReturned"> {
  if (entry === undefined) return {};
  const { entryId, currency, amountMinor, balanceMinor, reference } = balanceEntryView(image.owner.tag, entry);
  const told = { entryId, currency, amountMinor, balanceMinor };
  return { payoutReturned: { ...told, ...(reference === undefined ? {} : { reference }) } };
}
