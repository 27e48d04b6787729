import { groupThousands } from "./amount.ts";
import { assert } from "./assert.ts";
import { formatMinor, minorDigits } from "./money.ts";

/**
 * Amounts as a person reads them: "€1,234.50", "−¥1,000", "PLN 12.00". Owns signs, grouping and how many digits are shown. Leaves
 * the amounts to their makers: nothing is rounded here and nothing passes through a float.
 *
 * Law: taken back to digits, a text is the amount it was made of.
 */

/**
 * Currencies that have a sign of their own in Unicode. All others are written with their code, which nobody mistakes; what an
 * ambiguous sign means ($, ¥), the invoice says beside its total.
 */
const SIGNS: ReadonlyMap<string, string> = new Map(
  [
    "$ USD ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD UYU XCD",
    "£ GBP EGP FKP GIP LBP SDG SHP SSP SYP",
    "€ EUR",
    "¥ JPY CNY",
    "₹ INR",
    "₨ LKR MUR NPR PKR SCR",
    "₩ KRW KPW",
    "₪ ILS",
    "₫ VND",
    "₦ NGN",
    "₱ PHP",
    "₴ UAH",
    "₺ TRY",
    "₽ RUB",
    "₸ KZT",
    "₼ AZN",
    "₾ GEL",
    "₡ CRC SVC",
    "₲ PYG",
    "₵ GHS",
    "₮ MNT",
    "₭ LAK",
    "⃀ KGS",
    "฿ THB",
    "៛ KHR",
    "৳ BDT",
    "֏ AMD",
    "؋ AFN",
    "﷼ IRR YER",
  ].flatMap((row) => {
    const [sign = "", ...codes] = row.split(" ");
    return codes.map((code) => [code, sign] as const);
  }),
);

/** Keeps an amount on one line. */
const NO_BREAK_SPACE = "\u00a0";

/** As wide as a plus, which a hyphen is not. */
const MINUS = "−";

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** An amount in minor units, with all digits of its currency. */
export function moneyText(amountMinor: number, currency: string): string {
  assert(Number.isSafeInteger(amountMinor), "an amount of money is a safe integer of minor units");
  const { negative, whole, fraction } = partsOf(formatMinor(amountMinor, currency));
  return signed(negative, whole, fraction, currency);
}

/** An exact price: no digit is dropped, and at least those of the currency are shown. `decimal` is what `formatE12` writes. */
export function priceText(decimal: string, currency: string): string {
  const { negative, whole, fraction } = partsOf(decimal);
  return signed(negative, whole, fraction.padEnd(minorDigits(currency), "0"), currency);
}

/** An exact quantity, grouped by thousands: "1234567.5" is "1,234,567.5". */
export function quantityText(decimal: string): string {
  const { negative, whole, fraction } = partsOf(decimal);
  return `${negative ? MINUS : ""}${grouped(whole, fraction)}`;
}

function signed(negative: boolean, whole: string, fraction: string, currency: string): string {
  const mark = SIGNS.get(currency) ?? `${currency}${NO_BREAK_SPACE}`;
  return `${negative ? MINUS : ""}${mark}${grouped(whole, fraction)}`;
}

function grouped(whole: string, fraction: string): string {
  return groupThousands(fraction === "" ? whole : `${whole}.${fraction}`);
}

function partsOf(decimal: string): { negative: boolean; whole: string; fraction: string } {
  const parts = DECIMAL.exec(decimal);
  assert(parts !== null, "an amount on an invoice is exact decimal text");
  const [, minus, whole = "", fraction = ""] = parts;
  return { negative: minus === "-", whole, fraction };
}
