import { divideRounded, type E12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { E24 } from "./pricing.ts";

/**
 * Money as an invoice holds it: a safe integer of the currency's minor unit. Owns how many digits a currency has and the one
 * rounding of a line. Leaves everything before the line to exact amounts (`amount.ts`, `pricing.ts`).
 *
 * Law: a line is rounded once, half away from zero; sums of lines are sums of integers.
 */

/** ISO 4217: the currencies whose minor unit is not a hundredth, by how many digits they have. */
const OTHER_DIGITS: readonly (readonly [digits: number, codes: string])[] = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
];

const DIGITS: ReadonlyMap<string, number> = new Map(
  OTHER_DIGITS.flatMap(([digits, codes]) => codes.split(" ").map((code) => [code, digits] as const)),
);

/** Digits after the point of a currency's amounts: 2 unless ISO 4217 says otherwise. */
export function minorDigits(currency: string): number {
  return DIGITS.get(currency) ?? 2;
}

/** The amount of a line: `numerator ÷ denominator` of an exact E24 amount in minor units, rounded once. `denominator` > 0. */
export function toMinor(amountE24: E24, currency: string, denominator = 1n): number {
  const rounded = Number(divideRounded(amountE24, 10n ** BigInt(24 - minorDigits(currency)) * denominator));
  assert(Number.isSafeInteger(rounded), "a line's amount is a safe integer of minor units");
  return rounded;
}

/** Minor units as an exact decimal. */
export function minorToE12(amountMinor: number, currency: string): E12 {
  assert(Number.isSafeInteger(amountMinor), "an amount of money is a safe integer of minor units");
  return BigInt(amountMinor) * 10n ** BigInt(12 - minorDigits(currency));
}

/** Minor units as text with all digits of the currency: “10.50”, “1000”. */
export function formatMinor(amountMinor: number, currency: string): string {
  const digits = minorDigits(currency);
  const text = String(Math.abs(amountMinor)).padStart(digits + 1, "0");
  const sign = amountMinor < 0 ? "-" : "";
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Exact money by currency, in the order in which currencies come. */
export function sumByCurrency(
  parts: readonly { amountE12: E12; currency: string }[],
): { amountE12: E12; currency: string }[] {
  const sums = new Map<string, E12>();
  for (const { amountE12, currency } of parts) sums.set(currency, (sums.get(currency) ?? 0n) + amountE12);
  return [...sums].map(([currency, amountE12]) => ({ amountE12, currency }));
}
