import { type E12, E12_ONE, formatDecimal, formatE12, groupThousands } from "./amount.ts";
import { segmentParts, takenBackParts } from "./billing.ts";
import type { E4 } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";
import type { Invoice, InvoiceLine, UsageDetail } from "./invoice.ts";
import { sumOfLines } from "./invoice.ts";
import { formatMinor, minorDigits, minorToE12, toMinor } from "./money.ts";
import { pricingOf, type RuleValue, type VersionRule } from "./plan.ts";
import type { E24, TierPart } from "./pricing.ts";
import { type InvoiceFacts, isBalanceLine, ruleOfLine } from "./replay.ts";
import type { Coverage, PlanPin } from "./subscription.ts";
import type { UsageSegment } from "./usage.ts";

/**
 * Why an invoice is what it is, line by line: a formula with its numbers filled in, the plan version and the rule behind it, and the
 * events that were counted. Owns the words. Whether it all adds up is `replay.ts`.
 */

/** The events behind a usage line. `firstAtMs`, `lastAtMs`: when they occurred. */
export type LineEvents = {
  events: number;
  firstAtMs?: number;
  lastAtMs?: number;
  startMs: number;
  endMs: number;
  /** Units that credits paid for, and how many credits; absent where the events are too many to be read while somebody waits. */
  covered?: { unitsE12: E12; drawnE4: E4 };
};

export type LineExplanation = {
  formula: string;
  /** Whose price it is. */
  plan?: { planId: string; key: string; name: string; version: number };
  rule?: { featureId: string; featureKey: string; value: RuleValue };
  events?: LineEvents;
};

export function explainLine(invoice: Invoice, line: InvoiceLine, facts: InvoiceFacts): LineExplanation {
  if (isBalanceLine(line)) return { formula: balanceFormula(invoice, line) };
  if (line.credits !== undefined) return { formula: creditsFormula(line.credits, line, invoice.currency) };
  const pin = line.plan === undefined ? undefined : facts.pinOf(line.plan);
  if (pin === undefined) return { formula: formatMinor(line.amountMinor, invoice.currency) };
  const { planId, key, name, version } = pin;
  const plan = { planId, key, name, version };
  if (line.usage === undefined) return { formula: timeFormula(line, pin), plan };
  const rule = ruleOfLine(pin, line.usage);
  const segment = facts.segmentOf(line.usage.segment);
  return {
    formula:
      line.kind === "CREDIT"
        ? correctionFormula(line, line.usage, pin.currency, { rule, segment })
        : usageFormula(line, line.usage, pin.currency, { rule, segment }),
    plan,
    ...(rule === undefined
      ? {}
      : { rule: { featureId: rule.featureId, featureKey: rule.featureKey, value: rule.value } }),
    ...(segment === undefined ? {} : { events: eventsBehind(segment, facts) }),
  };
}

function eventsBehind(segment: UsageSegment, facts: InvoiceFacts): LineEvents {
  const { events, firstAtMs, lastAtMs, startMs, endMs } = segment;
  const counted = facts.eventsOf(segment);
  return {
    events,
    ...(firstAtMs === undefined ? {} : { firstAtMs }),
    ...(lastAtMs === undefined ? {} : { lastAtMs }),
    startMs,
    endMs,
    ...(counted === undefined ? {} : { covered: { unitsE12: counted.coveredE12, drawnE4: counted.drawnE4 } }),
  };
}

/** An exact amount as a fraction: E24 of the currency ÷ `under`. */
type Exact = { overE24: E24; under: bigint };

/** “… = 14.50” where that is all of it; else what it comes to, if decimals can say it, and that it was rounded. */
function comesTo(terms: string, { overE24, under }: Exact, amountMinor: number, currency: string): string {
  const amount = formatMinor(amountMinor, currency);
  if (overE24 === BigInt(amountMinor) * 10n ** BigInt(24 - minorDigits(currency)) * under)
    return `${terms} = ${amount}`;
  return `${terms}${under === 1n ? ` = ${formatDecimal(overE24, 24)}` : ""}, rounded to ${amount}`;
}

/** A price of a plan, with all its digits and at least those of the currency. */
function priceFormula({ price, currency }: PlanPin): string {
  const [whole = "", fraction = ""] = formatE12(price).split(".");
  const digits = fraction.padEnd(minorDigits(currency), "0");
  return digits === "" ? whole : `${whole}.${digits}`;
}

/** “30.00 × 1,296,000,000 ms ÷ 2,678,400,000 ms, rounded to 14.52”: shares of a price go by the millisecond. */
function timeFormula(line: InvoiceLine, pin: PlanPin): string {
  const { amountMinor, periodStartMs, periodEndMs, whole, coverage } = line;
  if (coverage !== undefined) return coverageFormula(line, coverage, pin.currency);
  const price = priceFormula(pin);
  if (whole === undefined) {
    const amount = formatMinor(amountMinor, pin.currency);
    return `${price} for the whole period${price === amount ? "" : `, rounded to ${amount}`}`;
  }
  const [partMs, wholeMs] = [periodEndMs - periodStartMs, whole.endMs - whole.startMs];
  const terms = `${price} × ${milliseconds(partMs)} ÷ ${milliseconds(wholeMs)}`;
  const exact = { overE24: pin.price * E12_ONE * BigInt(partMs), under: BigInt(wholeMs) };
  return amountMinor < 0
    ? comesTo(`−${terms}`, { ...exact, overE24: -exact.overE24 }, amountMinor, pin.currency)
    : comesTo(terms, exact, amountMinor, pin.currency);
}

/** What of each payment was for time that is given back. */
function coverageFormula(line: InvoiceLine, coverage: readonly Coverage[], currency: string): string {
  const givenMinor = -line.amountMinor;
  if (givenMinor < 0)
    return `${formatMinor(line.amountMinor, currency)} of what is given back was charged by invoices that are void`;
  const parts = coverage
    .filter(({ endMs }) => endMs > line.periodStartMs)
    .map(({ amountMinor, startMs, endMs }) => ({
      amountMinor,
      leftMs: endMs - Math.max(line.periodStartMs, startMs),
      wholeMs: endMs - startMs,
    }));
  const terms = parts.map(
    ({ amountMinor, leftMs, wholeMs }) =>
      `${formatMinor(amountMinor, currency)} × ${milliseconds(leftMs)} ÷ ${milliseconds(wholeMs)}`,
  );
  const exact = parts.reduce<Exact>(
    ({ overE24, under }, { amountMinor, leftMs, wholeMs }) => ({
      overE24: overE24 * BigInt(wholeMs) + minorToE12(amountMinor, currency) * E12_ONE * BigInt(leftMs) * under,
      under: under * BigInt(wholeMs),
    }),
    { overE24: 0n, under: 1n },
  );
  const isAll = toMinor(exact.overE24, currency, exact.under) > givenMinor;
  const formula = comesTo(terms.join(" + "), exact, givenMinor, currency);
  return `${formula} given back${isAll ? ", which is all that was paid of it" : ""}`;
}

/** Behind a line of usage, as far as it is there. */
type Behind = { rule: VersionRule | undefined; segment: UsageSegment | undefined };

function usageFormula(
  { amountMinor }: InvoiceLine,
  usage: UsageDetail,
  currency: string,
  { rule, segment }: Behind,
): string {
  if (usage.tiers !== undefined) {
    const { terms, exactE24 } = tiersFormula(usage.tiers);
    return comesTo(terms, { overE24: exactE24, under: 1n }, amountMinor, currency);
  }
  const price = usage.unitPriceE12 ?? 0n;
  // What was used is on the line; what of it has a price may be less.
  const pricedE12 =
    rule === undefined || segment === undefined
      ? usage.quantityE12
      : segmentParts(pricingOf(rule.value), segment).reduce((sum, { units }) => sum + units, 0n);
  const terms = `${groupThousands(formatE12(pricedE12))} × ${formatE12(price)}`;
  return comesTo(terms, { overE24: pricedE12 * price, under: 1n }, amountMinor, currency);
}

/** What the units cost that a correction took back. All corrections of a segment are rounded together; see `takenBackMinor`. */
function correctionFormula(
  { amountMinor }: InvoiceLine,
  usage: UsageDetail,
  currency: string,
  { rule, segment }: Behind,
): string {
  if (rule === undefined || segment === undefined) return formatMinor(amountMinor, currency);
  const { takenBeforeE12 = 0n, quantityE12 } = usage;
  // Above 0 they were given back, and count again: their invoice is void.
  if (quantityE12 > 0n) {
    const again = { beforeE12: takenBeforeE12 - quantityE12, takenE12: quantityE12 };
    const given = tiersFormula(takenBackParts(segment, pricingOf(rule.value), again));
    return comesTo(given.terms, { overE24: given.exactE24, under: 1n }, amountMinor, currency);
  }
  const taken = { beforeE12: takenBeforeE12, takenE12: -quantityE12 };
  const { terms, exactE24 } = tiersFormula(takenBackParts(segment, pricingOf(rule.value), taken));
  const formula = comesTo(`−(${terms})`, { overE24: -exactE24, under: 1n }, amountMinor, currency);
  return toMinor(-exactE24, currency) === amountMinor
    ? formula
    : formula.replace(", rounded to", ", rounded together with what was taken back before to");
}

/** “1,000 × 0.1 + (5 + 9,000 × 0.05)”, and what that is. */
function tiersFormula(parts: readonly TierPart[]): { terms: string; exactE24: E24 } {
  const terms = parts.map(({ units, pricePerUnit, flatFee }) => {
    const term = `${groupThousands(formatE12(units))} × ${formatE12(pricePerUnit)}`;
    return flatFee === 0n ? term : `(${formatE12(flatFee)} + ${term})`;
  });
  return { terms: terms.join(" + ") || "0", exactE24: parts.reduce((sum, { amountE24 }) => sum + amountE24, 0n) };
}

function creditsFormula(
  { creditsE4, unitPriceE12 }: NonNullable<InvoiceLine["credits"]>,
  { amountMinor }: InvoiceLine,
  currency: string,
): string {
  const terms = `${groupThousands(formatE4(creditsE4))} × ${formatE12(unitPriceE12)}`;
  return comesTo(terms, { overE24: creditsE4 * unitPriceE12 * 10n ** 8n, under: 1n }, amountMinor, currency);
}

function balanceFormula(invoice: Invoice, line: InvoiceLine): string {
  const { currency, amountMinor } = invoice;
  const owed = formatMinor(sumOfLines(invoice.lines.filter((other) => other !== line)), currency);
  const moved = formatMinor(Math.abs(line.amountMinor), currency);
  const [sign, why] =
    line.amountMinor < 0 ? ["−", "from the balance"] : ["+", "into the balance, or carried over in it"];
  return `${owed} owed ${sign} ${moved} ${why} = ${formatMinor(amountMinor, currency)}`;
}

function milliseconds(span: number): string {
  return `${groupThousands(String(span))} ms`;
}
