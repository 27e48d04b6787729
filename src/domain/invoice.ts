import type { E12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { E4, PlanCredits } from "./credit.ts";
import type { Period } from "./period.ts";
import type { TierPart } from "./pricing.ts";
import type { Coverage, PlanRef } from "./subscription.ts";

/**
 * What a customer owes, line by line. Owns the shape of an invoice, its statuses and its sum. Leaves what is on it to
 * `billing.ts`, its payment to `payment.ts`.
 *
 * Laws: the amount is the sum of the lines and of the tax on them; only a CREDIT invoice is negative; PAID, VOID and CANCELLED never
 * change again. Whose it is, who sold it and on which terms is frozen when it becomes DUE: names and addresses change, invoices do not.
 */

export const INVOICE_STATUSES = ["PENDING", "DUE", "PAST_DUE", "PAID", "VOID", "CANCELLED"] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];

export const INVOICE_TYPES = ["IN_ADVANCE_INITIAL", "REGULAR", "ADJUSTMENT", "CREDIT"] as const;
export type InvoiceType = (typeof INVOICE_TYPES)[number];

export const LINE_KINDS = ["BASE", "USAGE", "PRORATION", "CREDIT"] as const;

export type InvoiceLine = {
  kind: (typeof LINE_KINDS)[number];
  description: string;
  /** Minor units of the invoice's currency, signed, rounded once. */
  amountMinor: number;
  /** The service it is for: `[periodStartMs, periodEndMs)`. */
  periodStartMs: number;
  periodEndMs: number;
  /** Where its price came from; absent on lines of the credit balance. */
  plan?: PlanRef;
  usage?: UsageDetail;
  /** Of a share of a price: the whole period that the price is for. */
  whole?: Period;
  /** Of unused time that is given back at once: what had been paid for it. */
  coverage?: readonly Coverage[];
  /** Of a line of the credit balance: the part of it that comes once older invoices are paid. */
  restingMinor?: number;
  /** Credits that were bought, at the price that was agreed on. */
  credits?: { creditsE4: E4; unitPriceE12: E12 };
  /** Per cent, decimal text; absent where no tax is charged. */
  taxRatePercent?: string;
};

/** Tax on all lines of one rate, rounded once. */
export type TaxLine = { name: string; ratePercent: string; amountMinor: number };

/** Who sells: what the account's settings said when the invoice became due. */
export type Seller = { name?: string; address?: string; taxId?: string; email?: string; footer?: string };

/** Who buys, as the customer was when the invoice became due. */
export type Buyer = {
  name?: string;
  email?: string;
  phoneNumber?: string;
  address?: string;
  taxId?: string;
  referenceId?: string;
};

/** How the money came. CARRIED: too little to be collected, it is on the next invoice. NOTHING: there was none to pay. */
export const PAID_BY = ["MANUAL", "STRIPE", "BALANCE", "CARRIED", "NOTHING"] as const;
export type PaidBy = (typeof PAID_BY)[number];

/** What a usage line was made of. Amounts of tiers are exact; the line alone is rounded. */
export type UsageDetail = {
  segment: number;
  featureId: string;
  featureKey: string;
  quantityE12: E12;
  unitPriceE12?: E12;
  /** Units that occurred in a period that was closed when they came. */
  lateE12: E12;
  tiers?: readonly TierPart[];
  /** Of units that a correction takes back from a billed segment: how many had been taken back before. */
  takenBeforeE12?: E12;
};

export type Invoice = {
  /** Made of the subscription's number and the place among its invoices: billing a period twice cannot make two. */
  number: number;
  /** 0: of none, a purchase of credits. */
  subscription: number;
  type: InvoiceType;
  status: InvoiceStatus;
  currency: string;
  lines: readonly InvoiceLine[];
  /** None: nothing is taxed. */
  taxLines?: readonly TaxLine[];
  /** The total, tax included. */
  amountMinor: number;
  periodStartMs: number;
  periodEndMs: number;
  createdAtMs: number;
  modifiedAtMs: number;
  /** The instant it became DUE; while PENDING the instant it will. */
  dueAtMs: number;
  /** First instant at which it is PAST_DUE if unpaid; absent once it is, and where no grace runs (first invoices). */
  graceEndsAtMs?: number;
  paidAtMs?: number;
  paidBy?: PaidBy;
  /** Its place among the account's invoices, without gap. D1 gives it, so it comes a little later; see `isNumbered`. */
  sequence?: number;
  /** From D1 as well, for the same reason: the object does not know the account's settings. */
  seller?: Seller;
  buyer?: Buyer;
  terms?: { gracePeriodDays: number };
  /** Of what was paid, given back at the payment provider. It stays PAID. */
  refundedMinor?: number;
  /** Money that came though nothing was to be paid, and how much of that was given back. */
  overpaid?: { amountMinor: number; refundedMinor: number; state: "OPEN" | "REFUNDED" };
  /** Where it can be paid now; the link's time is real time. */
  page?: { payment: number; url: string; expiresAtMs: number };
  /** When a saved method is charged again. */
  nextChargeAtMs?: number;
  /** A charge of it failed: it is tried again as its grace allows, also when that changes. */
  wasCharged?: true;
  /** Money for it is on its way. Nobody loses access for it until `processingUntilMs`, which is then past if it did not come. */
  isProcessing?: true;
  processingUntilMs?: number;
  /** Credit for time that it charges for, given before it is paid: comes with its payment, and into the balance. */
  restingCredits?: readonly Coverage[];
  /** Plan credits that come with its payment, for its period. */
  planCredits?: readonly PlanCredits[];
};

/** Room for so many invoices of one subscription between two numbers of subscriptions; those below it are of purchases. */
export const INVOICES_PER_SUBSCRIPTION = 2 ** 20;

/** `subscription` 0: of purchases. */
export function invoiceNumber(subscription: number, place: number): number {
  assert(place >= 1 && place < INVOICES_PER_SUBSCRIPTION, "a subscription has fewer than 2^20 invoices");
  return subscription * INVOICES_PER_SUBSCRIPTION + place;
}

/** Still waiting for its time or its money. */
export function isOpen({ status }: Invoice): boolean {
  return status === "PENDING" || status === "DUE" || status === "PAST_DUE";
}

export function isUnpaid({ status }: Invoice): boolean {
  return status === "DUE" || status === "PAST_DUE";
}

/**
 * Has it a number, or is one coming? Whatever was ever due, and money given back; a first invoice only once it is paid, since most
 * that are not end as nothing; never one that asks for nothing.
 */
export function isNumbered({ status, type, amountMinor }: Pick<Invoice, "status" | "type" | "amountMinor">): boolean {
  if (amountMinor === 0 || status === "PENDING" || status === "CANCELLED") return false;
  return type !== "IN_ADVANCE_INITIAL" || status === "PAID";
}

/** “INV-000001”: at least six digits. */
export function invoiceNumberText(sequence: number): string {
  return `INV-${String(sequence).padStart(6, "0")}`;
}

/** Minor units of tax on an invoice. */
export function taxOf({ taxLines = [] }: Pick<Invoice, "taxLines">): number {
  return taxLines.reduce((total, { amountMinor }) => total + amountMinor, 0);
}

export function sumOfLines(lines: readonly InvoiceLine[]): number {
  const sum = lines.reduce((total, { amountMinor }) => total + amountMinor, 0);
  assert(Number.isSafeInteger(sum), "an invoice's amount is a safe integer of minor units");
  return sum;
}
