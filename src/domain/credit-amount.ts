import { type E12, formatDecimal, parseDecimal } from "./amount.ts";
import type { E4 } from "./credit.ts";

/** Credits read and written. Law: `decimalToE4(formatE4(x)) = x`. */

const E4_SCALE = 4;
const E12_PER_E4 = 10n ** 8n;

/** Decimal text without trailing zeros: 25_000n is "2.5". */
export function formatE4(value: E4): string {
  return formatDecimal(value, E4_SCALE);
}

/** Decimal text that the code itself wrote; throws on anything else. */
export function decimalToE4(text: string): E4 {
  const value = parseDecimal(text, E4_SCALE, false);
  if (typeof value === "string") throw new Error(`not an exact decimal of 4 places: ${text}`);
  return value;
}

/** The number an answer carries: the double nearest to the exact value. */
export function e4ToNumber(value: E4): number {
  return Number(formatE4(value));
}

/** A decimal as credits; undefined when it has more than four places. */
export function e12ToE4(value: E12): E4 | undefined {
  return value % E12_PER_E4 === 0n ? value / E12_PER_E4 : undefined;
}
