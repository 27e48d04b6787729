import { assert } from "./assert.ts";
import type { InvoiceStatus, InvoiceType, LINE_KINDS } from "./invoice.ts";

/**
 * An invoice as the paper that somebody gets. Owns which facts stand on it. Leaves their words to `invoice-sheet.ts`, their look to
 * `documents/`, and where they come from to the caller: the snapshot taken when the invoice became due, never today's settings.
 *
 * Laws: the lines sum to the subtotal; subtotal and taxes sum to the total. A paper whose figures do not add up is not printed.
 */
export type InvoiceDocument = {
  /** Absent as long as it has none: on drafts, and on first invoices until they are paid. */
  number?: string;
  status: InvoiceStatus;
  type: InvoiceType;
  seller: InvoiceSeller;
  buyer: InvoiceBuyer;
  issuedAtMs?: number;
  dueAtMs?: number;
  /** In words, as agreed: how long there is to pay, what comes after. */
  terms?: string;
  /** The service billed: `[periodStartMs, periodEndMs)`. */
  periodStartMs: number;
  periodEndMs: number;
  /** ISO 4217. Every `…Minor` here is a safe integer of its minor units. */
  currency: string;
  lines: readonly InvoiceDocumentLine[];
  subtotalMinor: number;
  taxes: readonly InvoiceTax[];
  totalMinor: number;
  /** Of the customer's balance, used for this invoice. */
  appliedCreditMinor: number;
  amountPaidMinor: number;
  amountDueMinor: number;
  refundedMinor: number;
  /** Where it can be paid; an address of any other scheme than http(s) is not printed. */
  paymentLink?: string;
  notes?: string;
};

export type InvoiceSeller = {
  name?: string;
  address: readonly string[];
  taxId?: string;
  email?: string;
  footer?: string;
};

export type InvoiceBuyer = {
  /** Without a name, the reference stands for it. */
  name?: string;
  email?: string;
  address: readonly string[];
  taxId?: string;
  /** The seller's own name for this customer. */
  reference: string;
};

export type InvoiceDocumentLine = {
  kind: (typeof LINE_KINDS)[number];
  description: string;
  featureKey?: string;
  /** Exact decimal text. */
  quantity?: string;
  /** Exact decimal text, in units of the currency. */
  unitPrice?: string;
  amountMinor: number;
  tiers?: readonly InvoiceDocumentTier[];
  /** Units, as exact decimal text, that came after their period was closed. */
  lateUnits?: string;
};

/** One tier of a graduated price. Amounts are exact: the line alone is rounded. All are decimal texts. */
export type InvoiceDocumentTier = {
  /** Its place among the tiers of its price, from 1. */
  tier: number;
  /** Its bounds, where they are known; `upTo` is absent as well where there is no end. */
  from?: string;
  upTo?: string;
  quantity: string;
  unitPrice: string;
  /** Absent where none was due. */
  flatFee?: string;
  amount: string;
};

export type InvoiceTax = {
  name: string;
  /** Decimal text: "19" is 19 %. */
  ratePercent: string;
  amountMinor: number;
};

/** Throws unless lines, taxes and total add up. */
export function assertInvoiceDocument({ lines, subtotalMinor, taxes, totalMinor }: InvoiceDocument): void {
  assert(sum(lines) === subtotalMinor, "the lines of a printed invoice sum to its subtotal");
  assert(subtotalMinor + sum(taxes) === totalMinor, "subtotal and taxes of a printed invoice sum to its total");
}

function sum(parts: readonly { amountMinor: number }[]): number {
  return parts.reduce((total, { amountMinor }) => total + amountMinor, 0);
}
