import { divideRounded } from "../../src/domain/amount.ts";
import { explainLine } from "../../src/domain/explain.ts";
import type { Invoice } from "../../src/domain/invoice.ts";
import { minorDigits } from "../../src/domain/money.ts";
import { type InvoiceFacts, isBalanceLine } from "../../src/domain/replay.ts";

/** Reads a printed formula as a person with a calculator does: by what stands there, and nothing else. */

type Fraction = { over: bigint; under: bigint };

const plus = (a: Fraction, b: Fraction): Fraction => ({
  over: a.over * b.under + b.over * a.under,
  under: a.under * b.under,
});
const times = (a: Fraction, b: Fraction): Fraction => ({ over: a.over * b.over, under: a.under * b.under });
const negative = ({ over, under }: Fraction): Fraction => ({ over: -over, under });
const isSame = (a: Fraction, b: Fraction): boolean => a.over * b.under === b.over * a.under;

function decimal(text: string): Fraction {
  const [whole = "", fraction = ""] = text.replaceAll(",", "").split(".");
  return { over: BigInt(whole + fraction), under: 10n ** BigInt(fraction.length) };
}

/** What `2 × (5 + 9,000 × 0.05) − 1` comes to; units such as `ms` are no part of it. Throws where it is no formula. */
function comesTo(text: string): Fraction {
  const tokens = text.replace(/[a-z]+|,(?!\d)/g, " ").match(/\d[\d,]*(?:\.\d+)?|\S/g) ?? [];
  let at = 0;
  const factor = (): Fraction => {
    const token = tokens[at++] ?? "nothing";
    if (token === "-" || token === "−") return negative(factor());
    if (token === "(") {
      const inner = sum();
      if (tokens[at++] !== ")") throw new Error(`a bracket stays open in “${text}”`);
      return inner;
    }
    if (!/^\d/.test(token)) throw new Error(`“${token}” in “${text}”`);
    return decimal(token);
  };
  const product = (): Fraction => {
    let value = factor();
    while (tokens[at] === "×" || tokens[at] === "÷") {
      const isDivided = tokens[at++] === "÷";
      const { over, under } = factor();
      value = times(value, isDivided ? { over: under, under: over } : { over, under });
    }
    return value;
  };
  const sum = (): Fraction => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "−") {
      const isLess = tokens[at++] === "−";
      value = plus(value, isLess ? negative(product()) : product());
    }
    return value;
  };
  const value = sum();
  if (at < tokens.length) throw new Error(`“${tokens.slice(at).join(" ")}” is left over in “${text}”`);
  return value;
}

const ROUNDED = ", rounded to ";
const TOGETHER = ", rounded together with what was taken back before to ";
const AT_MOST = / given back, which is all that was paid of it$/;

/** What is wrong with a line's formula: it does not come to what it says, or that is not the line's amount. */
function mistakeIn(formula: string, amountMinor: number, currency: string): string | undefined {
  const perMinor: Fraction = { over: 10n ** BigInt(minorDigits(currency)), under: 1n };
  const isGivenBack = formula.includes("given back");
  const minor = { over: BigInt(isGivenBack ? -amountMinor : amountMinor), under: 1n };
  const mark = [TOGETHER, ROUNDED, " = "].find((one) => formula.includes(one));
  if (mark === undefined)
    return isSame(times(comesTo(formula), perMinor), minor) ? undefined : "is not the amount of the line";
  const end = formula.indexOf(mark);
  const [terms = "", exact] = formula.slice(0, end).split(" = ");
  const total = formula.slice(end + mark.length);
  if (!isSame(times(comesTo(total.replace(AT_MOST, "")), perMinor), minor)) return "ends with another amount";
  const value = comesTo(terms);
  if (exact !== undefined && !isSame(value, comesTo(exact))) return "does not come to what it says";
  const { over, under } = times(value, perMinor);
  if (AT_MOST.test(formula)) return over >= minor.over * under ? undefined : "comes to less than was paid";
  if (mark === " = ") return isSame(times(value, perMinor), minor) ? undefined : "is not exact, and does not say so";
  const sign = under < 0n ? -1n : 1n;
  const off = divideRounded(over * sign, under * sign) - minor.over;
  const offMax = mark === TOGETHER ? 1n : 0n;
  return off <= offMax && off >= -offMax ? undefined : "is rounded to something else";
}

/** The first line of an invoice whose formula is untrue, and why; undefined where none is. */
export function untrueFormula(invoice: Invoice, facts: InvoiceFacts): string | undefined {
  for (const line of invoice.lines) {
    const { formula } = explainLine(invoice, line, facts);
    // What void invoices charged has no formula of its own: it is the rest of the other lines.
    if (formula.endsWith("charged by invoices that are void")) continue;
    // What the balance gave is told by what is left to pay.
    const amountMinor = isBalanceLine(line) ? invoice.amountMinor : line.amountMinor;
    const mistake = mistakeIn(formula, amountMinor, invoice.currency);
    if (mistake !== undefined) return `${formula}: ${mistake}, ${amountMinor} minor units`;
  }
  return undefined;
}
