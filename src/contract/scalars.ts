import * as z from "zod";
import {
  type E12,
  E12_SCALE,
  e12ToNumber,
  formatE12,
  needsExactTwin,
  numberToE12,
  parseDecimal,
} from "../domain/amount.ts";
import type { E4 } from "../domain/credit.ts";
import { e12ToE4 } from "../domain/credit-amount.ts";
import {
  BODY_DEPTH_MAX,
  DAY_MS,
  META_BYTES_MAX,
  META_DEPTH_MAX,
  NAME_CHARS_MAX,
  PAGE_LIMIT_DEFAULT,
  PAGE_LIMIT_MAX,
  TEXT_CHARS_MAX,
} from "../domain/limits.ts";

/**
 * The small types of the wire and their way into the domain: decimals, instants, names, pages. `null` never gets
 * here: the border drops it (`withoutNulls`), so an absent field and a null one are the same.
 */

/** What is absent is said to be absent, instead of having the type `undefined`. */
z.config({
  customError: (issue) => {
    if (issue.input !== undefined) return undefined;
    if (issue.code === "invalid_value")
      return `is needed: one of ${issue.values.map((one) => `"${String(one)}"`).join(", ")}`;
    return issue.code === "invalid_type" ? "is needed" : undefined;
  },
});

const DECIMAL_PROBLEMS = {
  not_a_decimal: "must be a finite decimal number",
  too_many_places: "must have at most 12 decimal places",
  too_large: "must have at most 15 digits before the decimal point",
} as const;

/** A decimal as number or text → E12. Numbers are rounded to 12 places, text with more is refused. */
export const decimal = z
  .union([z.number(), z.string().max(64)], {
    error: ({ input }) =>
      input === undefined ? "is needed" : "must be a finite number, or a decimal as text of at most 64 characters",
  })
  .transform((value, context): E12 => {
    const read = typeof value === "number" ? numberToE12(value) : parseDecimal(value.trim(), E12_SCALE, false);
    if (typeof read === "bigint") return read;
    context.addIssue({ code: "custom", message: DECIMAL_PROBLEMS[read] });
    return z.NEVER;
  });

export const decimalNotNegative = decimal.refine((value) => value >= 0n, { message: "must not be negative" });

export const decimalPositive = decimal.refine((value) => value > 0n, { message: "must be greater than 0" });

/** Credits → E4. */
export const creditsNotNegative = decimalNotNegative
  .transform((value, context): E4 => {
    const credits = e12ToE4(value);
    if (credits !== undefined) return credits;
    context.addIssue({ code: "custom", message: "must have at most 4 decimal places" });
    return z.NEVER;
  })
  .meta({ description: "Credits, at most 4 decimal places." });

/** Credits, more than none → E4. */
export const creditAmount = creditsNotNegative.refine((value) => value > 0n, { message: "must be greater than 0" });

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:Z|z|([+-]\d{2})(?::?(\d{2}))?)$/;

/** ISO 8601 instant with Z or offset and any fraction → milliseconds since 1970, fraction cut to ms; undefined if it is none. */
export function parseInstant(text: string): number | undefined {
  const parts = INSTANT.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second = "00", fraction = "", offsetHours, offsetMinutes = "00"] = parts;
  const millis = fraction.slice(0, 3).padEnd(3, "0");
  const offset = offsetHours === undefined ? "Z" : `${offsetHours}:${offsetMinutes}`;
  // Date.parse rolls 30 February over to March: refuse what does not come back as written. Every month has 28 days.
  if (Number(day) > 28 && new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() !== Number(day)) return undefined;
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millis}${offset}`);
  return Number.isNaN(atMs) ? undefined : atMs;
}

export const instant = z
  .string()
  .max(64)
  .transform((text, context): number => {
    const atMs = parseInstant(text);
    if (atMs !== undefined) return atMs;
    context.addIssue({ code: "custom", message: "must be an ISO 8601 instant with Z or an offset" });
    return z.NEVER;
  })
  .meta({ format: "date-time" });

/**
 * An instant in milliseconds as the wire has it: RFC 3339 in UTC, always with three digits of a second. Throws RangeError beyond what a
 * date can be. The same as `toISOString`, in a fifth of its time: answers hold up to six instants, of few days.
 */
export function instantText(atMs: number): string {
  // Fractions, and what is no instant, are left to the platform.
  if (!Number.isInteger(atMs) || atMs > DATE_MS_MAX) return new Date(atMs).toISOString();
  const dayStartMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  const ms = atMs - dayStartMs;
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const thousandths = ms % 1000;
  return (
    `${dayText(dayStartMs)}${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}` +
    `.${Math.floor(thousandths / 100)}${TWO_DIGITS[thousandths % 100]}Z`
  );
}

/** The last instant that a date can be. */
const DATE_MS_MAX = 8.64e15;
const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, "0"));
const MIDNIGHT = "00:00:00.000Z";

/** Days that were asked for lately: texts that never change, and are nobody's. */
const dayTexts = new Map<number, string>();
const DAY_TEXTS_MAX = 400;

/** `2026-01-31T` for the day that begins then. */
function dayText(startMs: number): string {
  let text = dayTexts.get(startMs);
  if (text === undefined) {
    text = new Date(startMs).toISOString().slice(0, -MIDNIGHT.length);
    if (dayTexts.size >= DAY_TEXTS_MAX) dayTexts.clear();
    dayTexts.set(startMs, text);
  }
  return text;
}

/** A range `[start, end)`; both optional. */
export const instantRange = { start: instant.optional(), end: instant.optional() };

const wellFormed = (text: string): boolean => text.isWellFormed();
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** What `name` below accepts. */
export function isName(value: string): boolean {
  return value.length > 0 && value.length <= NAME_CHARS_MAX && !CONTROL.test(value) && wellFormed(value);
}

/** Keys, references, names: 1…255 characters, no control characters, no lone surrogates; compared exactly. */
export const name = z
  .string()
  .min(1, "must not be empty")
  .max(NAME_CHARS_MAX)
  .refine((text) => !CONTROL.test(text) && wellFormed(text), {
    message: "must not contain control characters or lone surrogates",
  });

/** What `text` below accepts, at most `charsMax` long. */
export function isText(value: string, charsMax: number): boolean {
  return value.length <= charsMax && !value.includes("\u0000") && wellFormed(value);
}

/** Free text: like a name, but longer and with line breaks. */
export const text = z
  .string()
  .max(TEXT_CHARS_MAX)
  .refine((value) => !value.includes("\u0000") && wellFormed(value), {
    message: "must not contain NUL or lone surrogates",
  });

export const webAddress = text.refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ""), {
  message: "must be an http or https address",
});

export const email = text.max(320).refine((value) => value.includes("@"), { message: "must contain an @" });

export const currency = z
  .string()
  .transform((value) => value.toUpperCase())
  .refine((value) => /^[A-Z]{3}$/.test(value), { message: "must be an ISO 4217 code such as USD" });

/** An id in a body. A malformed one is an unknown one: the caller's lookup answers 404, so nothing is refused here. */
export const idText = z.string().max(NAME_CHARS_MAX);

/** Whole numbers in a query come as text. */
const queryInteger = z
  .string()
  .regex(/^-?\d{1,15}$/, "must be a whole number")
  .transform(Number);

/** A whole number of a query, in a range. */
export function queryIntegerWithin(min: number, max: number) {
  return queryInteger.pipe(z.int().min(min).max(max));
}

/** `limit` is clamped to 1…200, `offset` to 0 and more. */
export const page = {
  limit: queryInteger
    .optional()
    .transform((value) => Math.min(PAGE_LIMIT_MAX, Math.max(1, value ?? PAGE_LIMIT_DEFAULT)))
    .meta({ description: `Items per page, clamped to 1…${PAGE_LIMIT_MAX}; default ${PAGE_LIMIT_DEFAULT}.` }),
  offset: queryInteger.optional().transform((value) => Math.max(0, value ?? 0)),
};

/** A page of those that hold what is searched for. */
export const searchedPage = {
  search: text
    .max(NAME_CHARS_MAX)
    .optional()
    .transform((value) => (value ?? "").trim()),
  ...page,
};

export type Page = { limit: number; offset: number };

export const queryBoolean = z.enum(["true", "false", "1", "0"]).transform((value) => value === "true" || value === "1");

/** A page of a list on the wire. */
export function paged<T>(items: readonly T[], total: number, { limit, offset }: Page) {
  return { items, pagination: { total, limit, offset, hasMore: offset + items.length < total } };
}

export const pagination = z
  .object({ total: z.int(), limit: z.int(), offset: z.int(), hasMore: z.boolean() })
  .meta({ id: "Pagination" });

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), pagination });
}

/** The twin of a sum on the wire; see `sumFields`. */
export const exactTwin = z
  .string()
  .optional()
  .meta({ description: "Exact decimal text, where more than 15 digits do not fit a number." });

/**
 * A sum on the wire: a number, and beside it `nameExact` with the decimal text where a number cannot carry it.
 */
export function sumFields(name: string, value: E12): Record<string, number | string> {
  const fields: Record<string, number | string> = { [name]: e12ToNumber(value) };
  if (needsExactTwin(value)) fields[`${name}Exact`] = formatE12(value);
  return fields;
}

const E12_PER_E4 = 10n ** 8n;

/** Credits as a number under a name, and their exact twin where they need one. */
export function creditSum<N extends string>(
  field: N,
  value: E4,
): { [K in N]: number } & { [K in `${N}Exact`]?: string } {
  // The fields are of these names by construction.
  return sumFields(field, value * E12_PER_E4) as { [K in N]: number } & { [K in `${N}Exact`]?: string };
}

/**
 * Drops nulls in place, but not inside `meta` and `metadata`, which are the caller's own. False when the value is nested
 * deeper than any request of ours can be: then it must be refused, not walked.
 */
export function dropNulls(value: unknown, depthLeft = BODY_DEPTH_MAX): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depthLeft === 0) return false;
  if (Array.isArray(value)) return value.every((item) => dropNulls(item, depthLeft - 1));
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const field = fields[key];
    if (field === null) delete fields[key];
    else if (typeof field === "object" && key !== "meta" && key !== "metadata") {
      if (!dropNulls(field, depthLeft - 1)) return false;
    }
  }
  return true;
}

/** Nesting of arrays and objects, at most `depthMax` deep? Walks no deeper than that. */
export function isShallow(value: unknown, depthMax: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depthMax === 0) return false;
  return Object.values(value).every((item) => isShallow(item, depthMax - 1));
}

/** JSON text of the caller's own object, or what is wrong with it: at most 32 deep and 64 KB. */
export function metadataText(value: unknown): { text: string } | { problem: string } {
  if (!isShallow(value, META_DEPTH_MAX)) return { problem: `must not be nested deeper than ${META_DEPTH_MAX}` };
  const written = JSON.stringify(value);
  // Each character is at most three bytes, so most metadata needs no encoding to be known small enough.
  if (written.length * 3 > META_BYTES_MAX && new TextEncoder().encode(written).byteLength > META_BYTES_MAX)
    return { problem: `must be at most ${META_BYTES_MAX} bytes of JSON` };
  return { text: written };
}

/** The caller's own object, kept as JSON text. */
export const metadata = z.record(z.string(), z.unknown()).transform((value, context): string => {
  const read = metadataText(value);
  if ("text" in read) return read.text;
  context.addIssue({ code: "custom", message: read.problem });
  return z.NEVER;
});

/** Metadata as it is stored, for the wire; absent is empty. */
export function readMetadata(stored: string | undefined): Record<string, unknown> {
  return stored === undefined ? {} : (JSON.parse(stored) as Record<string, unknown>);
}
