import type { ClosedSegment } from "../../domain/billed-units.ts";
import type { Draft } from "../../domain/book.ts";
import type { Invoice } from "../../domain/invoice.ts";
import { decidePay, decideVoid } from "../../domain/payment.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { InvoiceCall, InvoiceReply, SubscriptionCall, SubscriptionReply, VoidInvoiceCall } from "../calls.ts";
import { decideOnBook } from "../decide.ts";
import type { Customer } from "../image.ts";
import { closedWith, readSegment } from "../invoice-store.ts";
import { invoiceOf, knownCustomer, subscriptionOf, subscriptionReply, viewOfInvoice } from "../questions/billing.ts";

/** Commands on invoices: paid, or not to be paid. */

function onInvoice(
  customer: Customer,
  call: InvoiceCall,
  nowMs: number,
  decide: (draft: Draft, invoice: Invoice) => Reply<Invoice>,
): Reply<InvoiceReply> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = invoiceOf(customer, call.invoiceId);
    if (!found.ok) return found;
    const decided = decide(draft, found.value);
    if (!decided.ok) return decided;
    return {
      ok: true,
      value: { customer: knownCustomer(customer), invoice: viewOfInvoice(customer, draft, decided.value) },
    };
  });
}

/** The invoice is paid; see `decidePay`. */
export function payInvoice(customer: Customer, call: InvoiceCall, nowMs: number): Reply<InvoiceReply> {
  return onInvoice(customer, call, nowMs, (draft, invoice) => decidePay(draft, invoice, nowMs));
}

/** The invoice need not be paid; see `decideVoid`. */
export function voidInvoice(customer: Customer, call: VoidInvoiceCall, nowMs: number): Reply<InvoiceReply> {
  const closedOf = (number: number): ClosedSegment => {
    const segment = readSegment(customer.sql, number);
    if (segment === undefined) throw new Error("invariant broken: billed usage is kept for ever");
    return closedWith(customer, segment);
  };
  return onInvoice(customer, call, nowMs, (draft, invoice) =>
    decideVoid(draft, invoice, { rebill: call.rebill, closedOf }, nowMs),
  );
}

/** Settles a subscription's first invoice. One that is active already is answered as it is. */
export function activateSubscription(
  customer: Customer,
  call: SubscriptionCall,
  nowMs: number,
): Reply<SubscriptionReply> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = subscriptionOf(customer, call.subscriptionId);
    if (!found.ok) return found;
    const { number, status, openInvoice } = found.value;
    if (status === "CANCELLED") return { ok: false, code: "subscription_ended" };
    if (status === "SUSPENDED")
      return {
        ok: false,
        code: "state_conflict",
        why: "The subscription is suspended: mark its unpaid invoices as paid.",
      };
    if (status === "ACTIVE") return { ok: true, value: subscriptionReply(customer, draft, number) };
    const first = openInvoice === undefined ? undefined : draft.invoices.get(openInvoice);
    if (first === undefined) throw new Error("invariant broken: an INCOMPLETE subscription waits for an invoice");
    const paid = decidePay(draft, first, nowMs);
    return paid.ok ? { ok: true, value: subscriptionReply(customer, draft, number, first.number) } : paid;
  });
}
