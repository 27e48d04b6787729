import { divideRounded } from "./amount.ts";
import { assert } from "./assert.ts";
import { minorDigits } from "./money.ts";

/**
 * Money as the payment provider counts it. Owns which digits it sends and takes, how fine it charges, and the least that it collects.
 * Leaves to `money.ts` how many digits a currency has in truth.
 *
 * Law: an amount that `collectable` gave is the same after it went there and came back.
 */

/** Digits of the provider's integers, where they are not those of ISO 4217: what is counted in hundredths, and what in wholes. */
const PROVIDER_DIGITS: ReadonlyMap<string, number> = new Map([
  ["ISK", 2],
  ["UGX", 2],
  ["MGA", 0],
]);

/** The provider charges these in steps of so many of its own units: wholes though hundredths are sent, and no thousandths. */
const STEPS: ReadonlyMap<string, bigint> = new Map([
  ["ISK", 100n],
  ["UGX", 100n],
  ...["BHD", "JOD", "KWD", "OMR", "TND"].map((code): [string, bigint] => [code, 10n]),
]);

/** The least of one payment, in minor units: what the provider publishes for the currencies that it settles in. */
const MINIMUM_MINOR: ReadonlyMap<string, number> = new Map([
  ["AED", 200],
  ["AUD", 50],
  ["BGN", 100],
  ["BRL", 50],
  ["CAD", 50],
  ["CHF", 50],
  ["CZK", 1500],
  ["DKK", 250],
  ["EUR", 50],
  ["GBP", 30],
  ["HKD", 400],
  ["HUF", 17_500],
  ["INR", 50],
  ["JPY", 50],
  ["MXN", 1000],
  ["MYR", 200],
  ["NOK", 300],
  ["NZD", 50],
  ["PLN", 200],
  ["RON", 200],
  ["SEK", 300],
  ["SGD", 50],
  ["THB", 1000],
  ["USD", 50],
]);

/** The least that is collected in one payment, in minor units; undefined where the provider names none. */
export function minimumMinor(currency: string): number | undefined {
  return MINIMUM_MINOR.get(currency);
}

/** Too little to be collected; what is less is carried over to the next invoice. */
export function isBelowMinimum(amountMinor: number, currency: string): boolean {
  const least = minimumMinor(currency);
  return toProviderAmount(amountMinor, currency) < (least === undefined ? 1 : toProviderAmount(least, currency));
}

/** Minor units → the provider's integer, rounded half away from zero to what it can charge. */
export function toProviderAmount(amountMinor: number, currency: string): number {
  assert(Number.isSafeInteger(amountMinor), "an amount of money is a safe integer of minor units");
  const step = STEPS.get(currency) ?? 1n;
  const more = digitsThere(currency) - minorDigits(currency);
  const exact = BigInt(amountMinor) * 10n ** BigInt(Math.max(more, 0));
  return Number(divideRounded(exact, step * 10n ** BigInt(Math.max(-more, 0))) * step);
}

/** The provider's integer → minor units. `currency` in any case, as the provider writes it. */
export function fromProviderAmount(amount: number, currency: string): number {
  const code = currency.toUpperCase();
  const less = digitsThere(code) - minorDigits(code);
  return Number(divideRounded(BigInt(amount) * 10n ** BigInt(Math.max(-less, 0)), 10n ** BigInt(Math.max(less, 0))));
}

/** What the provider can charge of an amount, in minor units: the amount itself but for the currencies that it charges in steps. */
export function collectable(amountMinor: number, currency: string): number {
  return fromProviderAmount(toProviderAmount(amountMinor, currency), currency);
}

/**
 * The provider's integers of the lines of a page: each rounded so that the lines up to it sum up to what they come to together. Their
 * sum is that of the whole amount; none is below 0.
 */
export function toProviderLines(amountsMinor: readonly number[], currency: string): number[] {
  let sumMinor = 0;
  return amountsMinor.map((amountMinor) => {
    const before = toProviderAmount(sumMinor, currency);
    sumMinor += amountMinor;
    return toProviderAmount(sumMinor, currency) - before;
  });
}

function digitsThere(currency: string): number {
  return PROVIDER_DIGITS.get(currency) ?? minorDigits(currency);
}
