/** Figures and instants as people read them. The API's numbers are shown, never computed with beyond shares and sums for the eye. */

const LOCALE = "en";

/** A formatter costs a hundred times what it formats: each is made once. There are as many as there are currencies and forms. */
const numberFormats = new Map<string, Intl.NumberFormat>();

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  let format = numberFormats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(LOCALE, options);
    numberFormats.set(key, format);
  }
  return format;
}

/** An amount with its currency; small unit costs keep the digits that matter. */
export function money(amount: number, currency: string): string {
  const isTiny = amount !== 0 && Math.abs(amount) < 0.01;
  const digits = isTiny ? { maximumSignificantDigits: 3 } : {};
  return numberFormat({ style: "currency", currency, ...digits }).format(amount);
}

/** A price or cost of one unit or event, with every digit that it has. */
export function exactMoney(amount: number, currency: string): string {
  return numberFormat({ style: "currency", currency, maximumFractionDigits: 12 }).format(amount);
}

/** Amounts along an axis: $1.2K, and as many digits as tell one step from the next. */
export function moneyTicks(amounts: readonly number[], currency: string): string[] {
  const form = { style: "currency", currency, ...tickForm(amounts, 2) } as const;
  return amounts.map((amount) => numberFormat(form).format(amount));
}

/** Numbers along an axis. */
export function countTicks(values: readonly number[]): string[] {
  return values.map((value) => numberFormat(tickForm(values, 1)).format(value));
}

/** Beyond these an axis says 1.2K. */
const COMPACT_FROM = 1000;
const TICK_DIGITS_MAX = 12;

/** All ticks of an axis have one form. `digitsMin`: behind the point, where there are any at all. */
function tickForm(ticks: readonly number[], digitsMin: number): Intl.NumberFormatOptions {
  if (ticks.some((tick) => Math.abs(tick) >= COMPACT_FROM)) return { notation: "compact", maximumFractionDigits: 2 };
  const needed = Math.max(0, ...ticks.map(digitsOf));
  const digits = needed === 0 ? 0 : Math.max(digitsMin, needed);
  return { minimumFractionDigits: digits, maximumFractionDigits: digits };
}

/** Digits behind the point that a tick has: those that binary fractions add do not count. */
function digitsOf(tick: number): number {
  const text = Math.abs(tick)
    .toFixed(TICK_DIGITS_MAX)
    .replace(/\.?0+$/, "");
  return text.split(".")[1]?.length ?? 0;
}

export function count(value: number): string {
  return numberFormat({ maximumFractionDigits: 4 }).format(value);
}

/** Percent as the API gives it (83.25 is 83.3 %); a dash where there is none. */
export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${value.toFixed(1)} %`;
}

export function signedPercent(value: number): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(1)} %`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** A day in the viewer's zone: 26 Nov 2026. */
export function day(instant: string): string {
  return DAY.format(new Date(instant));
}

const UTC_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** The day in UTC: of sums of a day, which the API makes of days of UTC. */
export function utcDay(instant: string): string {
  return UTC_DAY.format(new Date(instant));
}

/** 2026-11-27T10:30:00.000 in the viewer's zone: what fields of days and times hold the beginning of. */
export function localText(instant: Date): string {
  return new Date(instant.getTime() - instant.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
}

/** Day and time in the viewer's zone. */
export function moment(instant: string): string {
  return MOMENT.format(new Date(instant));
}

/** The instant in UTC, for those who compare it with a log. */
export function utc(instant: string): string {
  return `${instant.replace("T", " ").replace(/(\.\d+)?Z$/, "")} UTC`;
}

/** `PAST_DUE` as words: Past due. */
export function words(code: string): string {
  const text = code.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
