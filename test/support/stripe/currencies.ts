import { invalid } from "./refusals.ts";

/** What Stripe asks of amounts, by currency: the smallest charge, and which of the last digits must be zero. */

/** Smallest charge in the currency's smallest unit. Currencies that are not listed: no limit of their own. */
const CHARGE_MINIMUM: Readonly<Record<string, number>> = {
  aed: 200,
  aud: 50,
  bgn: 100,
  brl: 50,
  cad: 50,
  chf: 50,
  czk: 1500,
  dkk: 250,
  eur: 50,
  gbp: 30,
  hkd: 400,
  huf: 17_500,
  inr: 50,
  jpy: 50,
  mxn: 1000,
  myr: 200,
  nok: 300,
  nzd: 50,
  pln: 200,
  ron: 200,
  sek: 300,
  sgd: 50,
  thb: 1000,
  usd: 50,
};

/** Charged in whole units, yet sent with two digits: the last two must be zero. */
const WHOLE_BUT_TWO_DIGITS = ["isk", "ugx"];
/** Three digits, of which the last must be zero. */
const THREE_DIGITS = ["bhd", "jod", "kwd", "omr", "tnd"];
const ZERO_DIGITS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");

/** Eight digits are the most that Stripe takes. */
const CHARGE_MAXIMUM = 99_999_999;

/** Digits after the point of an amount at Stripe. */
export function digitsOf(currency: string): number {
  if (ZERO_DIGITS.includes(currency)) return 0;
  return THREE_DIGITS.includes(currency) ? 3 : 2;
}

/** An amount as a person reads it: `19.99 USD`. */
export function amountText(amountMinor: number, currency: string): string {
  const digits = digitsOf(currency);
  const text = String(amountMinor).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${whole}${digits === 0 ? "" : `.${text.slice(-digits)}`} ${currency.toUpperCase()}`;
}

/** Throws unless Stripe would charge this amount. `what` names it in the message. */
export function assertChargeable(amountMinor: number, currency: string, what = "Amount", param = "amount"): void {
  const minimum = CHARGE_MINIMUM[currency] ?? 1;
  if (amountMinor < minimum)
    throw invalid(`${what} must be at least ${amountText(minimum, currency)}`, { code: "amount_too_small", param });
  if (amountMinor > CHARGE_MAXIMUM)
    throw invalid(`${what} must be no more than ${amountText(CHARGE_MAXIMUM, currency)}`, {
      code: "amount_too_large",
      param,
    });
  assertInSteps(amountMinor, currency, param);
}

/** Stripe takes and gives back some currencies in steps alone: intents, refunds and disputes are divisible by them. */
export function assertInSteps(amountMinor: number, currency: string, param = "amount"): void {
  const step = WHOLE_BUT_TWO_DIGITS.includes(currency) ? 100 : THREE_DIGITS.includes(currency) ? 10 : 1;
  if (amountMinor % step !== 0)
    throw invalid(`Invalid amount: amounts in ${currency} must be divisible by ${step}`, { param });
}
