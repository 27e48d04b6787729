import { type E12, E12_ONE, formatE12 } from "./amount.ts";
import { assert } from "./assert.ts";
import { type BalanceEntry, type Draft, pinOf } from "./book.ts";
import { dropGiven, restOnUnpaid } from "./coverage.ts";
import type { PlanCredits } from "./credit.ts";
import { type Buyer, type Invoice, type InvoiceLine, type InvoiceType, invoiceNumber, sumOfLines } from "./invoice.ts";
import { DAY_MS, INVOICE_LATE_MS } from "./limits.ts";
import { toMinor } from "./money.ts";
import type { Period } from "./period.ts";
import { pricingOf } from "./plan.ts";
import { type Pricing, type TierPart, tierParts } from "./pricing.ts";
import type { PlanPin, Subscription } from "./subscription.ts";
import { pricePosition, type UsageSegment } from "./usage.ts";

/**
 * What goes onto an invoice, and how an invoice comes to be. Owns lines, their rounding, and the customer's credit balance. Leaves
 * when it happens to `lifecycle.ts`, `plan-change.ts` and `due.ts`.
 *
 * Laws: a line is rounded once; the lines' sum is the amount; no invoice that is to be paid is below 0, what it would be lies in the
 * balance or waits there for a payment (`coverage.ts`); the balance is the sum of its entries.
 */

/** The full base price of a version for a period. */
export function baseLine(pin: PlanPin, period: Period): InvoiceLine {
  return {
    kind: "BASE",
    description: `${pin.name}, ${daysOf(period)}`,
    amountMinor: priceMinor(pin),
    periodStartMs: period.startMs,
    periodEndMs: period.endMs,
    plan: planRef(pin),
  };
}

/** A version's base price: minor units, rounded once. */
export function priceMinor({ price, currency }: PlanPin): number {
  return toMinor(price * E12_ONE, currency);
}

/** The share of a version's base price that `part` is of `whole`, to the millisecond, rounded once. */
export function shareMinor({ price, currency }: PlanPin, part: Period, whole: Period, sign: 1 | -1): number {
  const [partMs, wholeMs] = [part.endMs - part.startMs, whole.endMs - whole.startMs];
  assert(partMs >= 0 && wholeMs > 0, "a share of a period is not negative");
  return toMinor(price * E12_ONE * BigInt(partMs * sign), currency, BigInt(wholeMs));
}

/** What a period costs before it begins: nothing in arrears, nor where the plan is free. */
export function aheadLines(pin: PlanPin, period: Period): InvoiceLine[] {
  return pin.billingTiming === "IN_ADVANCE" && pin.price > 0n ? [baseLine(pin, period)] : [];
}

/** The share of a version's base price that `part` is of the period `whole`, to the millisecond. `sign` −1 gives it back. */
export function shareLine(
  pin: PlanPin,
  {
    kind,
    what,
    part,
    whole,
    sign = 1,
  }: { kind: "BASE" | "PRORATION"; what?: string; part: Period; whole: Period; sign?: 1 | -1 },
): InvoiceLine {
  return {
    kind,
    description: `${what === undefined ? "" : `${what} `}${pin.name}, ${daysOf(part)}`,
    amountMinor: shareMinor(pin, part, whole, sign),
    periodStartMs: part.startMs,
    periodEndMs: part.endMs,
    plan: planRef(pin),
    whole,
  };
}

/** Does a segment's usage belong on an invoice? Though it may cost 0 there. */
export function hasPrice(pin: PlanPin, segment: UsageSegment): boolean {
  return priceOf(pin, segment) !== undefined;
}

function priceOf({ rules }: PlanPin, { featureId, fromE12, toE12 }: UsageSegment): Pricing | undefined {
  const rule = rules.find((one) => one.featureId === featureId);
  const pricing = rule === undefined ? undefined : pricingOf(rule.value);
  return pricing?.model === "included" || fromE12 === toE12 ? undefined : pricing;
}

/** The usage line of a closed segment; undefined where nothing of it is priced. */
export function usageLine(pin: PlanPin, segment: UsageSegment): InvoiceLine | undefined {
  const pricing = priceOf(pin, segment);
  if (pricing === undefined) return undefined;
  const quantityE12 = segment.toE12 - segment.fromE12;
  const parts = segmentParts(pricing, segment);
  const amountE24 = parts.reduce((sum, part) => sum + part.amountE24, 0n);
  return {
    kind: "USAGE",
    description: `${segment.featureKey}: ${formatE12(quantityE12)} ${pricing.unitLabel ?? "units"}`,
    amountMinor: toMinor(amountE24, pin.currency),
    periodStartMs: segment.startMs,
    periodEndMs: segment.endMs,
    plan: planRef(pin),
    usage: {
      segment: segment.number,
      featureId: segment.featureId,
      featureKey: segment.featureKey,
      quantityE12,
      ...(pricing.model === "usage" ? { unitPriceE12: pricing.pricePerUnit } : {}),
      lateE12: segment.lateE12,
      ...(pricing.model === "graduated" ? { tiers: parts } : {}),
    },
  };
}

/**
 * The parts that a segment's units cost, by tier; below 0 where units were taken back. Units that make up for such ones, in a period whose
 * rule resets by then, cost nothing and are in none.
 */
export function segmentParts(pricing: Pricing, segment: UsageSegment): TierPart[] {
  const from = pricePosition(segment.fromE12, segment.billableAtStartE12, pricing);
  const to = pricePosition(segment.toE12, segment.billableAtStartE12, pricing);
  if (to >= from) return tierParts(pricing, from, to);
  return tierParts(pricing, to, from).map((part) => ({
    ...part,
    units: -part.units,
    flatFee: -part.flatFee,
    amountE24: -part.amountE24,
  }));
}

/** Units that a correction takes back from the end of a billed segment, and how many had been taken back before. */
type Taken = { beforeE12: E12; takenE12: E12 };

/**
 * What `takenE12` units of a billed segment cost, when so many had been taken back before: minor units. A difference of two rounded
 * amounts, so that all corrections of a segment together give back no more than its line was.
 */
export function takenBackMinor(
  segment: Pick<UsageSegment, "toE12" | "billableAtStartE12">,
  pricing: Pricing,
  currency: string,
  { beforeE12, takenE12 }: Taken,
): number {
  const worthMinor = (lessE12: E12): number => {
    const parts = takenBackParts(segment, pricing, { beforeE12: 0n, takenE12: lessE12 });
    return toMinor(
      parts.reduce((sum, { amountE24 }) => sum + amountE24, 0n),
      currency,
    );
  };
  return worthMinor(beforeE12 + takenE12) - worthMinor(beforeE12);
}

/** The same units by tier, exact. */
export function takenBackParts(
  { toE12, billableAtStartE12 }: Pick<UsageSegment, "toE12" | "billableAtStartE12">,
  pricing: Pricing,
  { beforeE12, takenE12 }: Taken,
): TierPart[] {
  const position = (lessE12: E12): E12 => pricePosition(toE12 - lessE12, billableAtStartE12, pricing);
  return tierParts(pricing, position(beforeE12 + takenE12), position(beforeE12));
}

/** Credits that are bought: their number times the price of one, rounded once. */
export function creditsMinor(
  { creditsE4, unitPriceE12 }: NonNullable<InvoiceLine["credits"]>,
  currency: string,
): number {
  return toMinor(creditsE4 * unitPriceE12 * E12_ONE, currency, 10_000n);
}

export type InvoiceSpec = {
  type: Exclude<InvoiceType, "CREDIT">;
  lines: readonly InvoiceLine[];
  period: Period;
  /** When it falls due. Made more than an hour later, its payment window begins when it is made. */
  instantMs: number;
  /** The PENDING invoice that becomes this one. */
  fills?: number | undefined;
  /** Plan credits that come with its payment. */
  planCredits?: readonly PlanCredits[];
};

/**
 * Makes an invoice DUE, or PAID where nothing is left to pay. Lines that waited for it join it; what is below 0 goes into the
 * balance, what is above is taken from it first, and a debt in the balance is paid with it. No grace runs for a first invoice: it gives no access that could be lost. Returns
 * the invoice; the subscription in the draft knows of it.
 */
export function issue(draft: Draft, subscription: Subscription, spec: InvoiceSpec, nowMs: number): Invoice {
  const { currency } = pinOf(draft, subscription);
  const dueAtMs = nowMs - spec.instantMs > INVOICE_LATE_MS ? nowMs : spec.instantMs;
  const place = subscription.invoiceCount + 1;
  const number = spec.fills ?? invoiceNumber(subscription.number, place);
  const lines = [...spec.lines, ...subscription.owed];
  const creditMinor = -sumOfLines(lines);
  const { restingMinor, unpaid } =
    creditMinor > 0 ? restOnUnpaid(draft, subscription, creditMinor, spec.lines) : { restingMinor: 0 };
  if (unpaid !== undefined) lines.push(unpaid);
  const owed = sumOfLines(lines);
  const balance = draft.balances.get(currency) ?? 0;
  // Credit that rests on unpaid invoices is given here, and in the balance once they are paid.
  const amountMinor = Math.max(0, owed + restingMinor - balance);
  const moved = amountMinor - owed;
  if (moved !== 0) lines.push(balanceLine(moved, { owedMinor: owed, restingMinor }, spec.period));
  if (moved !== restingMinor)
    moveBalance(draft, {
      currency,
      amountMinor: moved - restingMinor,
      kind: owed < 0 ? "REMAINDER" : "APPLIED",
      invoice: number,
      atMs: dueAtMs,
    });
  const isPaid = amountMinor === 0;
  const pending = spec.fills === undefined ? undefined : draft.invoices.get(spec.fills);
  draft.subscriptions.put({
    ...subscription,
    owed: [],
    invoiceCount: spec.fills === undefined ? place : subscription.invoiceCount,
  });
  return draft.invoices.put({
    number,
    subscription: subscription.number,
    type: spec.type,
    status: isPaid ? "PAID" : "DUE",
    currency,
    lines,
    amountMinor,
    periodStartMs: spec.period.startMs,
    periodEndMs: spec.period.endMs,
    createdAtMs: pending?.createdAtMs ?? dueAtMs,
    modifiedAtMs: dueAtMs,
    dueAtMs,
    ...(isPaid || spec.type === "IN_ADVANCE_INITIAL"
      ? {}
      : { graceEndsAtMs: dueAtMs + subscription.gracePeriodDays * DAY_MS }),
    ...(isPaid ? { paidAtMs: dueAtMs, paidBy: moved < 0 ? "BALANCE" : "NOTHING" } : {}),
    terms: { gracePeriodDays: subscription.gracePeriodDays },
    ...(isPaid || spec.planCredits === undefined ? {} : { planCredits: spec.planCredits }),
  });
}

/** A PENDING invoice for a period in arrears: it gets its lines when the period closes. */
export function announce(draft: Draft, subscription: Subscription, atMs: number): Subscription {
  const place = subscription.invoiceCount + 1;
  const { period } = subscription;
  const invoice = draft.invoices.put({
    number: invoiceNumber(subscription.number, place),
    subscription: subscription.number,
    type: "REGULAR",
    status: "PENDING",
    currency: pinOf(draft, subscription).currency,
    lines: [],
    amountMinor: 0,
    periodStartMs: period.startMs,
    periodEndMs: period.endMs,
    createdAtMs: atMs,
    modifiedAtMs: atMs,
    dueAtMs: period.endMs,
  });
  return draft.subscriptions.put({ ...subscription, invoiceCount: place, openInvoice: invoice.number });
}

/** Money given back: a negative invoice, PAID, whose amount lies in the balance from then on. */
export function giveBack(draft: Draft, subscription: Subscription, line: InvoiceLine, atMs: number): Invoice {
  assert(line.amountMinor < 0, "a credit invoice is negative");
  const { currency } = pinOf(draft, subscription);
  const place = subscription.invoiceCount + 1;
  const number = invoiceNumber(subscription.number, place);
  draft.subscriptions.put({ ...subscription, invoiceCount: place });
  moveBalance(draft, { currency, amountMinor: -line.amountMinor, kind: "CREDIT_INVOICE", invoice: number, atMs });
  return draft.invoices.put({
    number,
    subscription: subscription.number,
    type: "CREDIT",
    status: "PAID",
    currency,
    lines: [line],
    amountMinor: line.amountMinor,
    periodStartMs: line.periodStartMs,
    periodEndMs: line.periodEndMs,
    createdAtMs: atMs,
    modifiedAtMs: atMs,
    dueAtMs: atMs,
    paidAtMs: atMs,
  });
}

/**
 * The credit that an unpaid invoice took, from the balance or for corrected usage, goes into the balance: it was owed. What it gave
 * and rests on other invoices never came there, and is dropped where it rests.
 */
export function returnApplied(draft: Draft, invoice: Invoice, atMs: number): void {
  const { currency, number, lines } = invoice;
  const tookMinor = -sumOfLines(lines.filter(({ kind }) => kind === "CREDIT"));
  const amountMinor = tookMinor + dropGiven(draft, invoice);
  if (amountMinor !== 0) moveBalance(draft, { currency, amountMinor, kind: "VOIDED", invoice: number, atMs });
}

/** Credit that rested on an invoice comes with its payment. */
export function releaseResting(draft: Draft, { currency, number, restingCredits = [] }: Invoice, atMs: number): void {
  const amountMinor = restingCredits.reduce((sum, credit) => sum + credit.amountMinor, 0);
  if (amountMinor !== 0) moveBalance(draft, { currency, amountMinor, kind: "REMAINDER", invoice: number, atMs });
}

/** Taken from the balance, kept in it, or a small debt that was carried over and is now owed with the rest. */
function balanceLine(
  amountMinor: number,
  { owedMinor, restingMinor }: { owedMinor: number; restingMinor: number },
  { startMs, endMs }: Period,
): InvoiceLine {
  return {
    kind: "CREDIT",
    description:
      amountMinor < 0
        ? "From the credit balance"
        : owedMinor < 0
          ? "Kept in the credit balance for the next invoice"
          : "Carried over from earlier invoices",
    amountMinor,
    periodStartMs: startMs,
    periodEndMs: endMs,
    ...(restingMinor === 0 ? {} : { restingMinor }),
  };
}

export function moveBalance(draft: Draft, entry: Omit<BalanceEntry, "number" | "balanceMinor">): BalanceEntry {
  draft.last.balanceEntry += 1;
  const balanceMinor = (draft.balances.get(entry.currency) ?? 0) + entry.amountMinor;
  assert(Number.isSafeInteger(balanceMinor), "a balance is a safe integer of minor units");
  const moved = { ...entry, number: draft.last.balanceEntry, balanceMinor };
  draft.balanceEntries.push(moved);
  return moved;
}

/** Freezes who buys on what the draft made, as soon as an invoice is more than announced. What is frozen stays. */
export function freezeBuyer(draft: Draft, buyer: Buyer): void {
  for (const invoice of [...draft.invoices.written.values()])
    if (invoice.status !== "PENDING" && invoice.buyer === undefined) draft.invoices.put({ ...invoice, buyer });
}

export function planRef({ planId, version }: { planId: string; version: number }): { planId: string; version: number } {
  return { planId, version };
}

/** “2027-01-15 to 2027-02-15”: days are for people, the line has the instants. */
function daysOf({ startMs, endMs }: Period): string {
  return `${dayOf(startMs)} to ${dayOf(endMs)}`;
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
