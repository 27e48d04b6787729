import { type E12, formatE12 } from "./amount.ts";
import { creditsMinor, priceMinor, shareMinor, takenBackMinor, usageLine } from "./billing.ts";
import type { BalanceEntry } from "./book.ts";
import { beyondPaid, unusedMinor } from "./coverage.ts";
import type { E4 } from "./credit.ts";
import { type Invoice, type InvoiceLine, sumOfLines, taxOf, type UsageDetail } from "./invoice.ts";
import { jsonText } from "./json-text.ts";
import { formatMinor } from "./money.ts";
import { pricingOf, type VersionRule } from "./plan.ts";
import type { PlanPin, PlanRef } from "./subscription.ts";
import type { UsageSegment } from "./usage.ts";

/**
 * An invoice made again from what is stored beside it: plan versions as they were bought, segments of usage and the events counted in
 * them, what had been paid for time that is given back, the balance's ledger. Owns the comparison; the arithmetic is that of
 * `billing.ts`, done anew. Leaves the words to `explain.ts`.
 *
 * Law: an invoice that nobody touched matches, however long ago it was made and whatever became of its plan since.
 */

/** What was counted in a segment, summed up from its events. */
export type SegmentEvents = {
  events: number;
  unitsE12: E12;
  /** Units that credits paid for, and how many credits. */
  coveredE12: E12;
  drawnE4: E4;
};

/** What is stored beside an invoice. */
export type InvoiceFacts = {
  pinOf: (ref: PlanRef) => PlanPin | undefined;
  segmentOf: (number: number) => UsageSegment | undefined;
  /** Undefined where they are too many to be counted again while somebody waits. */
  eventsOf: (segment: UsageSegment) => SegmentEvents | undefined;
  /** What the invoice moved in the customer's balance, oldest first. */
  balanceEntries: readonly BalanceEntry[];
};

/** The first thing that is not what it should be. `line`: its place on the invoice, from 0; absent where it is the invoice itself. */
export type ReplayDifference = { line?: number; what: string; stored: string; replayed: string };

/** What a line of the balance is about: the only lines that no plan stands behind. */
export function isBalanceLine({ kind, plan }: InvoiceLine): boolean {
  return kind === "CREDIT" && plan === undefined;
}

/** The rule of the plan version by which a line was priced. */
export function ruleOfLine(pin: PlanPin, { featureId }: Pick<UsageDetail, "featureId">): VersionRule | undefined {
  return pin.rules.find((rule) => rule.featureId === featureId);
}

/** Undefined: the invoice is what its facts say. */
export function replayInvoice(invoice: Invoice, facts: InvoiceFacts): ReplayDifference | undefined {
  for (const [line, stored] of invoice.lines.entries()) {
    const found = lineDifference(invoice, stored, facts);
    if (found !== undefined) return { line, ...found };
  }
  const base = lacksBase(invoice)
    ? { what: "a line for the price", stored: "not there", replayed: "there" }
    : chargedTwice(invoice);
  if (base !== undefined) return base;
  const { currency, amountMinor, lines } = invoice;
  const totalMinor = sumOfLines(lines) + taxOf(invoice);
  if (totalMinor === amountMinor) return undefined;
  return money("the invoice's amount", currency, amountMinor, totalMinor);
}

/**
 * Must there be a price on it that is not? An invoice without one names no plan whose price it was, so it has to follow from the rest: a
 * purchase and a first invoice have one, and so has a regular one that fell due before its period was over, since only a price is paid
 * ahead. In arrears nothing tells: a period whose subscription was suspended from its first instant on has usage alone, rightly.
 */
function lacksBase({ subscription, type, lines, dueAtMs, periodStartMs, periodEndMs }: Invoice): boolean {
  const bases = lines.filter(({ kind }) => kind === "BASE");
  if (subscription === 0 || type === "IN_ADVANCE_INITIAL") return bases.length === 0;
  const isAhead = type === "REGULAR" && dueAtMs < periodEndMs;
  return isAhead && !bases.some((base) => base.periodStartMs === periodStartMs && base.periodEndMs === periodEndMs);
}

/** Time that two base lines charge: each is right by itself, and no plan is paid twice for an instant. */
function chargedTwice({ lines }: Invoice): ReplayDifference | undefined {
  const bases = [...lines.entries()].filter(([, { kind }]) => kind === "BASE");
  for (const [line, { periodStartMs: startMs, periodEndMs: endMs }] of bases) {
    const earlier = bases.find(
      ([other, { periodStartMs, periodEndMs }]) => other < line && periodStartMs < endMs && startMs < periodEndMs,
    );
    if (earlier !== undefined)
      return { line, what: "time that is charged twice", stored: "on 2 lines", replayed: "on 1 line" };
  }
  return undefined;
}

type LineDifference = Omit<ReplayDifference, "line">;

function money(what: string, currency: string, stored: number, replayed: number): LineDifference {
  return { what, stored: formatMinor(stored, currency), replayed: formatMinor(replayed, currency) };
}

function lineDifference(invoice: Invoice, line: InvoiceLine, facts: InvoiceFacts): LineDifference | undefined {
  const { currency } = invoice;
  if (isBalanceLine(line)) {
    const replayed = balanceMinor(invoice, line, facts);
    return line.amountMinor === replayed
      ? undefined
      : money("what the balance gave or took", currency, line.amountMinor, replayed);
  }
  if (line.credits !== undefined) {
    const replayed = creditsMinor(line.credits, currency);
    return line.amountMinor === replayed ? undefined : money("a line's amount", currency, line.amountMinor, replayed);
  }
  const pin = line.plan === undefined ? undefined : facts.pinOf(line.plan);
  if (pin === undefined) return { what: "the plan version behind a line", stored: "named", replayed: "not there" };
  if (line.usage !== undefined) return usageDifference(line, line.usage, pin, facts);
  const replayed =
    line.amountMinor > 0 && line.coverage !== undefined ? unpaidMinor(invoice, line) : timeMinor(line, pin);
  return line.amountMinor === replayed ? undefined : money("a line's amount", currency, line.amountMinor, replayed);
}

/** A price in full, a share of it, or what of a payment was unused. */
function timeMinor(line: InvoiceLine, pin: PlanPin): number {
  const part = { startMs: line.periodStartMs, endMs: line.periodEndMs };
  if (line.coverage !== undefined) return -unusedMinor(line.coverage, part.startMs);
  if (line.whole === undefined) return priceMinor(pin);
  return shareMinor(pin, part, line.whole, line.amountMinor < 0 ? -1 : 1);
}

/** What of the time that an invoice gives back nobody paid, nor is to pay any more. */
function unpaidMinor({ lines }: Invoice, line: InvoiceLine): number {
  const others = lines.filter((other) => other !== line && !isBalanceLine(other));
  const { coverage = [], periodStartMs: atMs } = line;
  const restingMinor = lines.find(isBalanceLine)?.restingMinor ?? 0;
  return beyondPaid(others, { creditMinor: -sumOfLines(others), coverage, atMs }) - restingMinor;
}

function usageDifference(
  line: InvoiceLine,
  usage: UsageDetail,
  pin: PlanPin,
  facts: InvoiceFacts,
): LineDifference | undefined {
  const { currency } = pin;
  const segment = facts.segmentOf(usage.segment);
  if (segment === undefined) return { what: "the usage behind a line", stored: "named", replayed: "not there" };
  if (line.kind === "CREDIT") {
    const rule = ruleOfLine(pin, usage);
    const taken = { beforeE12: usage.takenBeforeE12 ?? 0n, takenE12: -usage.quantityE12 };
    const replayed = rule === undefined ? 0 : -takenBackMinor(segment, pricingOf(rule.value), currency, taken);
    return line.amountMinor === replayed
      ? undefined
      : money("what a correction gave back", currency, line.amountMinor, replayed);
  }
  const events = facts.eventsOf(segment);
  const billableE12 = segment.toE12 - segment.fromE12;
  if (events !== undefined && events.unitsE12 - events.coveredE12 !== billableE12)
    return {
      what: `units of ${segment.featureKey} in its events`,
      stored: formatE12(billableE12),
      replayed: formatE12(events.unitsE12 - events.coveredE12),
    };
  if (events !== undefined && events.events !== segment.events)
    return {
      what: `events of ${segment.featureKey}`,
      stored: String(segment.events),
      replayed: String(events.events),
    };
  const replayed = usageLine(pin, segment);
  if (replayed === undefined || replayed.amountMinor !== line.amountMinor)
    return money("a usage line's amount", currency, line.amountMinor, replayed?.amountMinor ?? 0);
  // Quantity, price, tiers and what came late: all that the line says of itself.
  const [said, made] = [jsonText(usage), jsonText(replayed.usage)];
  return said === made ? undefined : { what: "what a usage line says of its units", stored: said, replayed: made };
}

/** What the balance line should be: what is to be paid, less what is owed by the other lines. */
function balanceMinor(invoice: Invoice, line: InvoiceLine, { balanceEntries }: InvoiceFacts): number {
  const owedMinor = sumOfLines(invoice.lines.filter((other) => other !== line));
  const resting = line.restingMinor ?? 0;
  const own = balanceEntries.find(({ kind }) => kind === "APPLIED" || kind === "REMAINDER");
  const before = own === undefined || line.amountMinor === resting ? 0 : own.balanceMinor - own.amountMinor;
  // Nothing was moved but what rests on older invoices: then the balance does not matter.
  if (line.amountMinor === resting) return resting;
  return Math.max(0, owedMinor + resting - before) - owedMinor;
}
