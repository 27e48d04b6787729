import type { InvoiceStatus } from "./invoice.ts";
import {
  assertInvoiceDocument,
  type InvoiceDocument,
  type InvoiceDocumentLine,
  type InvoiceDocumentTier,
} from "./invoice-document.ts";
import { moneyText, priceText, quantityText } from "./money-text.ts";

/**
 * An invoice in words, ready to be set: what stands where, in which order, under which label. Owns every word of ours on it. Leaves
 * the look to `documents/`, where HTML and PDF set the same sheet, so that neither says what the other does not.
 *
 * Language: English, and dates of UTC with their month in letters, since 03/04 is another day elsewhere.
 */
export type InvoiceSheet = {
  /** "Invoice", "Credit note", "Draft invoice". */
  heading: string;
  /** Absent on a draft. */
  number?: string;
  status: { text: string; tone: Tone };
  /** The one thing to know: how much, by when. */
  headline: string;
  facts: readonly Fact[];
  seller: Party;
  buyer: Party;
  columns: readonly [description: string, quantity: string, unitPrice: string, amount: string];
  rows: readonly Row[];
  totals: readonly Total[];
  /** An address of scheme http(s). */
  paymentLink?: string;
  closing: readonly Fact[];
  footer: string;
};

export type Tone = "open" | "late" | "settled" | "quiet";
/** A line break in `text` is one on paper. */
export type Fact = { label: string; text: string };
export type Party = { label: string; name: string; lines: readonly string[] };

/** `parts` are set smaller, below their row: what its amount is made of, and is not added again. */
export type Row = Cells & { notes: readonly string[]; parts: readonly Cells[] };
export type Cells = { description: string; quantity: string; unitPrice: string; amount: string };

/** `due`: the one that is to be paid. */
export type Total = { label: string; amount: string; weight: "plain" | "strong" | "due" };

const STATUSES: Record<InvoiceStatus, { text: string; tone: Tone }> = {
  PENDING: { text: "Draft", tone: "quiet" },
  DUE: { text: "Due", tone: "open" },
  PAST_DUE: { text: "Past due", tone: "late" },
  PAID: { text: "Paid", tone: "settled" },
  VOID: { text: "Void", tone: "quiet" },
  CANCELLED: { text: "Cancelled", tone: "quiet" },
};

const MONTHS = "January February March April May June July August September October November December".split(" ");

/** The sheet of an invoice whose figures add up; throws where they do not. */
export function invoiceSheet(document: InvoiceDocument): InvoiceSheet {
  assertInvoiceDocument(document);
  const { number, status, seller, currency, lines, paymentLink, terms, notes } = document;
  return {
    heading: headingOf(document),
    ...(number === undefined ? {} : { number: plain(number) }),
    status: document.type === "CREDIT" && status === "PAID" ? { text: "Credited", tone: "settled" } : STATUSES[status],
    headline: headlineOf(document),
    facts: factsOf(document),
    seller: partyOf("From", seller.name ?? "", seller),
    buyer: partyOf("Billed to", document.buyer.name ?? document.buyer.reference, document.buyer),
    columns: ["Description", "Quantity", "Unit price", `Amount (${currency})`],
    rows: lines.map((line) => rowOf(line, currency)),
    totals: totalsOf(document),
    ...(isUnpaid(document) && paymentLink !== undefined && isWebAddress(paymentLink) ? { paymentLink } : {}),
    closing: [
      ...(terms === undefined ? [] : [{ label: "Terms", text: paragraphs(terms) }]),
      ...(notes === undefined ? [] : [{ label: "Notes", text: paragraphs(notes) }]),
    ],
    footer: plain(seller.footer ?? ""),
  };
}

function headingOf({ type, status }: InvoiceDocument): string {
  const noun = type === "CREDIT" ? "credit note" : "invoice";
  return status === "PENDING" ? `Draft ${noun}` : `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;
}

function headlineOf({ type, status, currency, totalMinor, amountDueMinor, dueAtMs }: InvoiceDocument): string {
  const total = moneyText(Math.abs(totalMinor), currency);
  const due = moneyText(amountDueMinor, currency);
  const on = dueAtMs === undefined ? "" : ` ${dateText(dueAtMs)}`;
  if (status === "VOID" || status === "CANCELLED") return "Nothing is owed";
  if (type === "CREDIT") return status === "PENDING" ? `${total} to be credited` : `${total} credited`;
  switch (status) {
    case "PENDING":
      return `${moneyText(totalMinor, currency)} so far`;
    case "DUE":
      return `${due} due${on}`;
    case "PAST_DUE":
      return `${due} was due${on}`;
    case "PAID":
      return `${moneyText(totalMinor, currency)} paid`;
  }
}

function factsOf({ issuedAtMs, dueAtMs, periodStartMs, periodEndMs, buyer, currency }: InvoiceDocument): Fact[] {
  return [
    ...(issuedAtMs === undefined ? [] : [{ label: "Issued", text: dateText(issuedAtMs) }]),
    ...(dueAtMs === undefined ? [] : [{ label: "Due", text: dateText(dueAtMs) }]),
    // The last day inside: a period that ends with 30 November is not one that goes on until December.
    { label: "Period", text: `${dateText(periodStartMs)} –\n${dateText(Math.max(periodStartMs, periodEndMs - 1))}` },
    { label: "Currency", text: currency },
    { label: "Reference", text: plain(buyer.reference) },
  ];
}

type PartyFacts = { address: readonly string[]; email?: string; taxId?: string };

function partyOf(label: string, name: string, { address, email, taxId }: PartyFacts): Party {
  const lines = [
    ...address,
    ...(email === undefined ? [] : [email]),
    ...(taxId === undefined ? [] : [`Tax ID ${taxId}`]),
  ];
  return { label, name: plain(name), lines: lines.map(plain).filter((line) => line !== "") };
}

function rowOf(line: InvoiceDocumentLine, currency: string): Row {
  const { description, featureKey, quantity, unitPrice, amountMinor, tiers = [], lateUnits } = line;
  return {
    description: plain(description),
    quantity: quantity === undefined ? "" : quantityText(quantity),
    unitPrice: unitPrice === undefined ? "" : priceText(unitPrice, currency),
    amount: moneyText(amountMinor, currency),
    notes: [
      // A description often is the feature's key already.
      ...(featureKey === undefined || description.includes(featureKey) ? [] : [plain(featureKey)]),
      ...(lateUnits === undefined || lateUnits === "0"
        ? []
        : [`Of these, ${quantityText(lateUnits)} came after their period was closed.`]),
    ],
    parts: tiers.map((tier) => partOf(tier, currency)),
  };
}

function partOf(part: InvoiceDocumentTier, currency: string): Cells {
  const { quantity, unitPrice, flatFee, amount } = part;
  const fee = flatFee === undefined || flatFee === "0" ? "" : `, flat fee ${priceText(flatFee, currency)}`;
  return {
    description: `${rangeOf(part)}${fee}`,
    quantity: quantityText(quantity),
    unitPrice: priceText(unitPrice, currency),
    amount: priceText(amount, currency),
  };
}

function rangeOf({ tier, from, upTo }: InvoiceDocumentTier): string {
  if (from === undefined) return `Tier ${tier}`;
  return upTo === undefined ? `Above ${quantityText(from)}` : `${quantityText(from)} to ${quantityText(upTo)}`;
}

function totalsOf(document: InvoiceDocument): Total[] {
  const { currency, subtotalMinor, taxes, totalMinor, appliedCreditMinor, amountPaidMinor, refundedMinor } = document;
  const total = (label: string, amountMinor: number, weight: Total["weight"] = "plain"): Total => ({
    label,
    amount: moneyText(amountMinor, currency),
    weight,
  });
  return [
    total("Subtotal", subtotalMinor),
    ...taxes.map(({ name, ratePercent, amountMinor }) =>
      total(`${plain(name)} ${quantityText(ratePercent)}%`, amountMinor),
    ),
    total(`Total (${currency})`, totalMinor, "strong"),
    ...(appliedCreditMinor === 0 ? [] : [total("From your balance", -appliedCreditMinor)]),
    ...(amountPaidMinor === 0 ? [] : [total("Paid", -amountPaidMinor)]),
    ...(refundedMinor === 0 ? [] : [total("Refunded", refundedMinor)]),
    total("Amount due", document.amountDueMinor, "due"),
  ];
}

function isUnpaid({ status }: InvoiceDocument): boolean {
  return status === "DUE" || status === "PAST_DUE";
}

/** Anything else in a link may run in the reader's browser. */
function isWebAddress(link: string): boolean {
  return URL.canParse(link) && ["https:", "http:"].includes(new URL(link).protocol);
}

/** "30 November 2026", in UTC. */
function dateText(instantMs: number): string {
  const date = new Date(instantMs);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** Lines stay lines, empty ones go. */
function paragraphs(text: string): string {
  const lines = text.split(/\r?\n/).map(plain);
  return lines.filter((line) => line !== "").join("\n");
}

/** On one line, and without marks that turn the order of what follows: a name must not rewrite the amount beside it. */
function plain(text: string): string {
  return text
    .replace(/[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
}
