/**
 * Exact decimals as integers. An `E12` is a bigint that counts units of 10⁻¹²: 0.25 is 250_000_000_000n. Money, usage units
 * and rates of one event are E12; sums of them are exact because integers are. Owns reading and writing decimals and the one
 * rounding rule (half away from zero). Leaves to `contract/` which amounts a caller may send, to currencies their minor units.
 *
 * Laws: `parseE12(formatE12(x)) = x`; no function here passes through binary floating point except `numberToE12`, which takes
 * the shortest decimal text of a JSON number, and `e12ToNumber`, which makes one for an answer.
 */

/** A decimal scaled by 10¹². */
export type E12 = bigint;

export const E12_SCALE = 12;
export const E12_ONE: E12 = 10n ** 12n;

/** More digits before the point than this are refused at the border. */
export const INTEGER_DIGITS_MAX = 15;

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;

/** The integer nearest to numerator ÷ denominator; a tie goes away from zero. `denominator` > 0. */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  const rounded = (magnitude * 2n + denominator) / (denominator * 2n);
  return negative ? -rounded : rounded;
}

/** Why a decimal text could not be taken. */
export type DecimalProblem = "not_a_decimal" | "too_many_places" | "too_large";

/**
 * Reads decimal text at `scale` places. `round`: digits beyond the scale are rounded half away from zero (numbers), otherwise
 * they are refused as `too_many_places` (strings). More than 15 digits before the point: `too_large`.
 */
export function parseDecimal(text: string, scale: number, round: boolean): bigint | DecimalProblem {
  const parts = DECIMAL.exec(text);
  if (parts === null) return "not_a_decimal";
  const [, sign, whole = "", fraction = "", exponentText] = parts;
  const exponent = exponentText === undefined ? 0 : Number(exponentText);
  const digits = (whole + fraction).replace(/^0+(?=\d)/, "");
  if (/^0*$/.test(digits)) return 0n;
  // value = digits × 10^places
  const places = exponent - fraction.length;
  if (digits.length + places > INTEGER_DIGITS_MAX) return "too_large";
  const shift = places + scale;
  let magnitude: bigint;
  if (shift >= 0) {
    magnitude = BigInt(digits) * 10n ** BigInt(shift);
  } else {
    const tail = digits.slice(shift);
    if (!round && (digits.length < -shift || /[1-9]/.test(tail))) return "too_many_places";
    // Beyond this many places below the scale nothing can round up any more: do not build a huge power of ten.
    if (-shift > digits.length + 1) return 0n;
    magnitude = divideRounded(BigInt(digits), 10n ** BigInt(-shift));
  }
  return sign === "-" ? -magnitude : magnitude;
}

/** A finite JSON number, in its shortest decimal form, rounded half away from zero to 12 places. */
export function numberToE12(value: number): E12 | DecimalProblem {
  if (!Number.isFinite(value)) return "not_a_decimal";
  // Whole numbers are by far the most common: no text needed.
  if (Number.isSafeInteger(value) && value < 1e15 && value > -1e15) return BigInt(value) * E12_ONE;
  return parseDecimal(String(value), E12_SCALE, true);
}

/** Decimal text that the code itself wrote or a catalog supplies; throws on anything else. */
export function decimalToE12(text: string): E12 {
  const value = parseDecimal(text, E12_SCALE, false);
  if (typeof value === "string") throw new Error(`not an exact decimal of 12 places: ${text}`);
  return value;
}

/** Decimal text without trailing zeros: 250_000_000_000n at scale 12 is "0.25". */
export function formatDecimal(value: bigint, scale: number): string {
  if (value === 0n) return "0";
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

export function formatE12(value: E12): string {
  return formatDecimal(value, E12_SCALE);
}

/** The number an answer carries: the double nearest to the exact value. */
export function e12ToNumber(value: E12): number {
  return Number(formatDecimal(value, E12_SCALE));
}

/** True when a double cannot carry the value exactly enough (more than 15 significant digits): the answer adds its exact text. */
export function needsExactTwin(value: E12): boolean {
  const digits = formatE12(value).replace(/[-.]/g, "").replace(/^0+/, "");
  return digits.length > 15;
}

/** a × b of two E12, rounded once to 12 places. */
export function multiplyE12(a: E12, b: E12): E12 {
  return divideRounded(a * b, E12_ONE);
}

/** Decimal text with commas between thousands: “12,000.5”. */
export function groupThousands(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const withCommas = whole.replace(/\B(?=(?:\d{3})+$)/g, ",");
  return fraction === undefined ? withCommas : `${withCommas}.${fraction}`;
}
