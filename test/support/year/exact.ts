/** Exact fractions: what money and units are before a line is rounded. The denominator is above 0, and both have no common divisor. */
export type Exact = { n: bigint; d: bigint };

function commonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

export function fraction(n: bigint, d = 1n): Exact {
  const common = commonDivisor(n, d);
  return common === 1n || common === 0n ? { n, d } : { n: n / common, d: d / common };
}

export const NONE: Exact = { n: 0n, d: 1n };

/** Decimal text. */
export function exact(text: string): Exact {
  const [whole = "0", places = ""] = text.replace("-", "").split(".");
  const n = BigInt(whole + places);
  return fraction(text.startsWith("-") ? -n : n, 10n ** BigInt(places.length));
}

export function plus(a: Exact, b: Exact): Exact {
  return a.d === b.d ? fraction(a.n + b.n, a.d) : fraction(a.n * b.d + b.n * a.d, a.d * b.d);
}

export function times(a: Exact, b: Exact): Exact {
  return fraction(a.n * b.n, a.d * b.d);
}

export function minus(a: Exact, b: Exact): Exact {
  return plus(a, negative(b));
}

export function negative({ n, d }: Exact): Exact {
  return { n: -n, d };
}

/** Below 0, 0 or above it, as `a` is less than `b`, the same or more. */
export function order(a: Exact, b: Exact): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function least(a: Exact, b: Exact): Exact {
  return order(a, b) <= 0 ? a : b;
}

export function most(a: Exact, b: Exact): Exact {
  return order(a, b) >= 0 ? a : b;
}

export function sumOf(all: readonly Exact[]): Exact {
  return all.reduce(plus, NONE);
}

/** The nearest whole number; a half goes away from 0. */
export function rounded({ n, d }: Exact): bigint {
  const half = (n < 0n ? -n : n) * 2n + d;
  const whole = half / (d * 2n);
  return n < 0n ? -whole : whole;
}

/** Whole units of a currency as its smallest ones, rounded once. */
export function cents(money: Exact, currency: string): bigint {
  return rounded(times(money, fraction(10n ** DIGITS[currency as keyof typeof DIGITS])));
}

/** Digits behind the point of what the simulated accounts sell in. */
const DIGITS = { USD: 2n, JPY: 0n, KWD: 3n };
