import { divideRounded } from "./amount.ts";
import { type Draft, invoicesOf } from "./book.ts";
import { type Invoice, type InvoiceLine, isUnpaid, sumOfLines } from "./invoice.ts";
import type { Period } from "./period.ts";
import type { Coverage, Subscription } from "./subscription.ts";

/**
 * What was paid ahead of its time. Owns how much of it is unused at an instant, and which credit has to wait because what it gives
 * back is not paid yet, or never will be. Leaves the credit balance to `billing.ts`.
 *
 * Law: no credit is given for what was not paid. A line that gives back a part of an unpaid invoice rests on it: the credit comes
 * when that is paid, and is gone with the charge when it is dropped.
 */

/**
 * The unused share of what was paid ahead, rounded once: minor units. Never negative, and never more than was paid in all: a new
 * period may have been paid by credit for an old one that is not paid itself.
 */
export function unusedMinor(coverage: readonly Coverage[], atMs: number): number {
  const [numerator, denominator] = coverage.reduce(
    ([sum, over], { amountMinor, startMs, endMs }) => {
      const leftMs = BigInt(Math.max(0, endMs - Math.max(atMs, startMs)));
      const wholeMs = BigInt(endMs - startMs);
      return [sum * wholeMs + BigInt(amountMinor) * leftMs * over, over * wholeMs] as const;
    },
    [0n, 1n] as readonly [bigint, bigint],
  );
  const paidMinor = coverage.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  return Math.max(0, Math.min(paidMinor, Number(divideRounded(numerator, denominator))));
}

/** Coverage is kept as a whole until all of it is over: what gives back and what it gives back are not torn apart. */
export function coverageFrom(coverage: readonly Coverage[], atMs: number): readonly Coverage[] {
  return coverage.some(({ endMs }) => endMs > atMs) ? coverage : [];
}

/** Notes what a paid invoice paid, by lines, as far as it is not for time before the current period. */
export function cover(draft: Draft, { subscription, lines }: Invoice): void {
  addCoverage(
    draft,
    subscription,
    lines
      .filter(isForTime)
      .map(({ amountMinor, periodStartMs: startMs, periodEndMs: endMs }) => ({ amountMinor, startMs, endMs })),
  );
}

/**
 * Money of a paid invoice was given back: in proportion its time counts as not paid, so that it is not given back again. Below 0 a
 * refund failed, and so much of it counts as paid again.
 */
export function uncover(draft: Draft, { subscription, lines }: Invoice, refundedMinor: number): void {
  const charged = sumOfLines(lines.filter(({ kind }) => kind !== "CREDIT"));
  if (charged <= 0) return;
  addCoverage(
    draft,
    subscription,
    lines.filter(isForTime).map(({ amountMinor, periodStartMs: startMs, periodEndMs: endMs }) => ({
      amountMinor: -Number(divideRounded(BigInt(amountMinor) * BigInt(refundedMinor), BigInt(charged))),
      startMs,
      endMs,
    })),
  );
}

/** Of a credit: what waits for the payment of invoices, and the line that takes back what nobody paid, nor is to pay any more. */
export type BeyondPaid = { restingMinor: number; unpaid?: InvoiceLine };

/**
 * Lets what of a credit goes beyond the unused share of what was paid rest on unpaid invoices, oldest first: on those that charge for
 * the time which `lines` give back, or for time whose credit paid for that one. What is left then was charged by invoices that are
 * void: it is not given.
 */
export function restOnUnpaid(
  draft: Draft,
  subscription: Subscription,
  creditMinor: number,
  lines: readonly InvoiceLine[],
): BeyondPaid {
  const given = lines.find((line) => isForTime(line) && line.amountMinor < 0);
  if (given === undefined) return { restingMinor: 0 };
  const time = { startMs: given.periodStartMs, endMs: given.periodEndMs };
  const beyondMinor = beyondPaid(lines, { creditMinor, coverage: subscription.coverage, atMs: time.startMs });
  const sinceMs = coveredSinceMs(subscription);
  let leftMinor = beyondMinor;
  for (const invoice of invoicesOf(draft, subscription).filter(isUnpaid)) {
    const amountMinor = Math.min(leftMinor, roomOn(invoice, sinceMs));
    if (amountMinor <= 0) continue;
    const restingCredits = [...(invoice.restingCredits ?? []), { amountMinor, ...time }];
    draft.invoices.put({ ...invoice, restingCredits });
    leftMinor -= amountMinor;
  }
  const restingMinor = beyondMinor - leftMinor;
  // A line more or less is rounded by half a minor unit.
  if (leftMinor <= subscription.coverage.length) return { restingMinor };
  const { whole: _, ...line } = given;
  const { coverage } = subscription;
  return {
    restingMinor,
    unpaid: { ...line, amountMinor: leftMinor, description: "Of that, what was never paid", coverage },
  };
}

/** What of a credit is for time that was not paid: what was paid pays first for what is charged now. */
export function beyondPaid(
  lines: readonly InvoiceLine[],
  { creditMinor, coverage, atMs }: { creditMinor: number; coverage: readonly Coverage[]; atMs: number },
): number {
  const givenMinor = -sumOfLines(lines.filter((line) => isForTime(line) && line.amountMinor < 0));
  return Math.min(creditMinor, Math.max(0, givenMinor - unusedMinor(coverage, atMs)));
}

/** What an invoice charges for time that is not over at an instant, less what rests on it already. */
function roomOn({ lines, restingCredits = [] }: Invoice, sinceMs: number): number {
  const charged = sumOfLines(lines.filter((line) => isForTime(line) && line.periodEndMs > sinceMs));
  return restingCredits.reduce((room, { amountMinor }) => room - amountMinor, charged);
}

/** The credits that rested on a dropped invoice are gone; so the lines that gave them count as not given. */
export function dropResting(draft: Draft, { subscription, restingCredits = [] }: Invoice): void {
  addCoverage(draft, subscription, restingCredits);
}

/**
 * Drops the credits that an invoice gave and that rest on others: it is void, so nothing was given back. Returns what of them was still
 * to come: minor units.
 */
export function dropGiven(draft: Draft, { subscription: number, lines }: Invoice): number {
  const given = lines.find((line) => isForTime(line) && line.amountMinor < 0);
  const restingMinor = lines.reduce((sum, line) => sum + (line.restingMinor ?? 0), 0);
  if (given === undefined || restingMinor === 0) return 0;
  let leftMinor = restingMinor;
  for (const invoice of invoicesOf(draft, { number })) {
    if (!isUnpaid(invoice) || invoice.restingCredits === undefined) continue;
    const restingCredits = invoice.restingCredits.flatMap((credit) => {
      const isGiven = credit.startMs === given.periodStartMs && credit.endMs === given.periodEndMs;
      const dropped = isGiven ? Math.min(leftMinor, credit.amountMinor) : 0;
      leftMinor -= dropped;
      return dropped === credit.amountMinor ? [] : [{ ...credit, amountMinor: credit.amountMinor - dropped }];
    });
    draft.invoices.put({ ...invoice, restingCredits });
  }
  return restingMinor - leftMinor;
}

/** Is a part of what this invoice charges given back by the other one? */
export function givesBack(other: Invoice, invoice: Invoice): boolean {
  const charges = invoice.lines.filter((line) => isForTime(line) && line.amountMinor > 0);
  return (
    other.number > invoice.number &&
    other.lines.some(
      (given) =>
        isForTime(given) &&
        given.amountMinor < 0 &&
        charges.some((line) => overlaps(line, { startMs: given.periodStartMs, endMs: given.periodEndMs })),
    )
  );
}

/** Where what is covered now begins: with the period, or with an older one that is not over yet. */
function coveredSinceMs({ coverage, period }: Subscription): number {
  return coverage.reduce((first, { startMs }) => Math.min(first, startMs), period.startMs);
}

/** Is any of the time that an invoice charges for not over at an instant? */
export function chargesTimeAfter({ lines }: Invoice, atMs: number): boolean {
  return lines.some((line) => isForTime(line) && line.amountMinor > 0 && line.periodEndMs > atMs);
}

function isForTime({ kind }: InvoiceLine): boolean {
  return kind === "BASE" || kind === "PRORATION";
}

function overlaps({ periodStartMs, periodEndMs }: InvoiceLine, { startMs, endMs }: Period): boolean {
  return periodStartMs < endMs && startMs < periodEndMs;
}

function addCoverage(draft: Draft, number: number, more: readonly Coverage[]): void {
  const subscription = draft.subscriptions.get(number);
  if (subscription === undefined || subscription.status === "CANCELLED") return;
  const sinceMs = coveredSinceMs(subscription);
  const added = more.filter(({ endMs }) => endMs > sinceMs);
  const { coverage } = subscription;
  if (added.length > 0) draft.subscriptions.put({ ...subscription, coverage: [...coverage, ...added] });
}
