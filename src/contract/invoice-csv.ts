import { formatE12 } from "../domain/amount.ts";
import { type CustomerView, displayName } from "../domain/customer.ts";
import { invoiceNumberText, taxOf } from "../domain/invoice.ts";
import { minorToE12 } from "../domain/money.ts";
import type { InvoiceLineView, InvoiceView } from "../domain/views.ts";
import { type Column, textCell } from "./csv.ts";
import { instantText } from "./scalars.ts";

/** Invoices and their lines as rows of a file. */

type Listed = { customer: CustomerView; invoice: InvoiceView };
type ListedLine = Listed & { line: InvoiceLineView };

function amount(minor: number, currency: string): string {
  return formatE12(minorToE12(minor, currency));
}

function numberOf({ sequence }: InvoiceView): string | undefined {
  return sequence === undefined ? undefined : invoiceNumberText(sequence);
}

export const INVOICE_COLUMNS: readonly Column<Listed>[] = [
  ["id", ({ invoice }) => invoice.invoiceId],
  ["number", ({ invoice }) => numberOf(invoice)],
  ["status", ({ invoice }) => invoice.status],
  ["type", ({ invoice }) => invoice.type],
  ["customerId", ({ customer }) => customer.customerId],
  ["customerReferenceId", ({ customer }) => textCell(customer.referenceId)],
  ["customerName", ({ customer }) => textCell(displayName(customer))],
  ["subscriptionId", ({ invoice }) => invoice.subscription?.subscriptionId],
  ["planKey", ({ invoice }) => textCell(invoice.subscription?.plan.key)],
  ["currency", ({ invoice }) => invoice.currency],
  ["subtotal", ({ invoice }) => amount(invoice.amountMinor - taxOf(invoice), invoice.currency)],
  ["tax", ({ invoice }) => amount(taxOf(invoice), invoice.currency)],
  ["total", ({ invoice }) => amount(invoice.amountMinor, invoice.currency)],
  ["createdAt", ({ invoice }) => instantText(invoice.createdAtMs)],
  ["dueDate", ({ invoice }) => instantText(invoice.dueAtMs)],
  ["paidAt", ({ invoice }) => (invoice.paidAtMs === undefined ? undefined : instantText(invoice.paidAtMs))],
  ["paidBy", ({ invoice }) => invoice.paidBy],
  ["periodStart", ({ invoice }) => instantText(invoice.periodStartMs)],
  ["periodEnd", ({ invoice }) => instantText(invoice.periodEndMs)],
  ["buyerName", ({ invoice }) => textCell(invoice.buyer?.name)],
  ["buyerEmail", ({ invoice }) => textCell(invoice.buyer?.email)],
  ["buyerAddress", ({ invoice }) => textCell(invoice.buyer?.address)],
  ["buyerTaxId", ({ invoice }) => textCell(invoice.buyer?.taxId)],
];

export const LINE_COLUMNS: readonly Column<ListedLine>[] = [
  ["id", ({ line }) => line.lineId],
  ["invoiceId", ({ invoice }) => invoice.invoiceId],
  ["invoiceNumber", ({ invoice }) => numberOf(invoice)],
  ["invoiceStatus", ({ invoice }) => invoice.status],
  ["customerId", ({ customer }) => customer.customerId],
  ["customerReferenceId", ({ customer }) => textCell(customer.referenceId)],
  ["subscriptionId", ({ invoice }) => invoice.subscription?.subscriptionId],
  ["kind", ({ line }) => line.kind],
  ["description", ({ line }) => textCell(line.description)],
  ["featureKey", ({ line }) => textCell(line.usage?.featureKey)],
  ["quantity", ({ line }) => (line.usage === undefined ? undefined : formatE12(line.usage.quantityE12))],
  ["lateQuantity", ({ line }) => (line.usage === undefined ? undefined : formatE12(line.usage.lateE12))],
  [
    "unitPrice",
    ({ line }) => (line.usage?.unitPriceE12 === undefined ? undefined : formatE12(line.usage.unitPriceE12)),
  ],
  ["amount", ({ line, invoice }) => amount(line.amountMinor, invoice.currency)],
  ["currency", ({ invoice }) => invoice.currency],
  ["taxRatePercent", ({ line }) => line.taxRatePercent],
  ["periodStart", ({ line }) => instantText(line.periodStartMs)],
  ["periodEnd", ({ line }) => instantText(line.periodEndMs)],
  ["planId", ({ line }) => line.plan?.planId],
  ["planVersion", ({ line }) => line.plan?.version.toString()],
];

/** The lines of these invoices, in their order. */
export function linesOf(invoices: readonly Listed[]): ListedLine[] {
  return invoices.flatMap((listed) => listed.invoice.lines.map((line) => ({ ...listed, line })));
}
