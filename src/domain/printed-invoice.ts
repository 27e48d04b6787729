import { formatDecimal, formatE12 } from "./amount.ts";
import { buyerOf, type CustomerView } from "./customer.ts";
import { type InvoiceLine, invoiceNumberText, taxOf } from "./invoice.ts";
import type { InvoiceDocument, InvoiceDocumentLine, InvoiceDocumentTier } from "./invoice-document.ts";
import type { TierPart } from "./pricing.ts";
import type { InvoiceView } from "./views.ts";

/**
 * A customer's invoice as its paper. Owns what is paid and what is owed by its status, and the terms in words. What was frozen when
 * it became due is printed as it was; only a draft names its buyer as of now.
 */

/** The paper of `invoice`; `customer` is as of now. Quantities, prices and amounts stay exact. */
export function printedInvoice(invoice: InvoiceView, customer: CustomerView): InvoiceDocument {
  const { sequence, status, type, dueAtMs, periodStartMs, periodEndMs, currency, amountMinor } = invoice;
  const note = invoice.paidBy === "CARRIED" ? "Too little to be collected: it is on the next invoice." : undefined;
  const terms = termsOf(invoice);
  return {
    ...(sequence === undefined ? {} : { number: invoiceNumberText(sequence) }),
    status,
    type,
    seller: { ...invoice.seller, address: linesOf(invoice.seller?.address) },
    buyer: paperBuyerOf(invoice, customer),
    ...(status === "PENDING" ? {} : { issuedAtMs: dueAtMs }),
    dueAtMs,
    ...(terms === undefined ? {} : { terms }),
    periodStartMs,
    periodEndMs,
    currency,
    lines: invoice.lines.map(lineOf),
    subtotalMinor: amountMinor - taxOf(invoice),
    taxes: invoice.taxLines ?? [],
    totalMinor: amountMinor,
    // Credit of the balance is a line of its own.
    appliedCreditMinor: 0,
    amountPaidMinor: isPaidInMoney(invoice) ? amountMinor : 0,
    amountDueMinor: status === "DUE" || status === "PAST_DUE" || status === "PENDING" ? Math.max(0, amountMinor) : 0,
    refundedMinor: invoice.refundedMinor ?? 0,
    ...(note === undefined ? {} : { notes: note }),
  };
}

function isPaidInMoney({ status, paidBy, amountMinor }: InvoiceView): boolean {
  return status === "PAID" && amountMinor > 0 && paidBy !== "CARRIED" && paidBy !== "NOTHING";
}

function termsOf({ terms, type, status }: InvoiceView): string | undefined {
  if (terms === undefined || type === "CREDIT" || status === "VOID" || status === "CANCELLED") return undefined;
  if (type === "IN_ADVANCE_INITIAL") return "Payable on the due date; access begins with the payment.";
  const { gracePeriodDays: days } = terms;
  if (days === 0) return "Payable on the due date.";
  return `Payable on the due date; past due ${days === 1 ? "a day" : `${days} days`} later.`;
}

function paperBuyerOf({ buyer }: InvoiceView, customer: CustomerView): InvoiceDocument["buyer"] {
  const { address, referenceId, phoneNumber: _, ...rest } = buyer ?? buyerOf(customer);
  return { ...rest, address: linesOf(address), reference: referenceId ?? customer.customerId };
}

function linesOf(address = ""): string[] {
  return address.split("\n").filter((line) => line.trim() !== "");
}

function lineOf({ kind, description, amountMinor, usage }: InvoiceLine): InvoiceDocumentLine {
  if (usage === undefined) return { kind, description, amountMinor };
  const { featureKey, quantityE12, unitPriceE12, lateE12, tiers } = usage;
  return {
    kind,
    description,
    featureKey,
    quantity: formatE12(quantityE12),
    ...(unitPriceE12 === undefined ? {} : { unitPrice: formatE12(unitPriceE12) }),
    amountMinor,
    ...(tiers === undefined ? {} : { tiers: tiers.map(tierOf) }),
    ...(lateE12 === 0n ? {} : { lateUnits: formatE12(lateE12) }),
  };
}

function tierOf({ tierIndex, units, pricePerUnit, flatFee, amountE24 }: TierPart): InvoiceDocumentTier {
  return {
    tier: tierIndex + 1,
    quantity: formatE12(units),
    unitPrice: formatE12(pricePerUnit),
    ...(flatFee === 0n ? {} : { flatFee: formatE12(flatFee) }),
    amount: formatDecimal(amountE24, 24),
  };
}
