import * as fc from "fast-check";
import { describe, test } from "vitest";
import * as z from "zod";
import {
  currency,
  decimal,
  decimalNotNegative,
  decimalPositive,
  dropNulls,
  email,
  instant,
  instantText,
  isShallow,
  metadata,
  name,
  page,
  paged,
  parseInstant,
  queryBoolean,
  sumFields,
  text,
} from "../../src/contract/scalars.ts";
import { E12_ONE } from "../../src/domain/amount.ts";
import { BODY_DEPTH_MAX, META_BYTES_MAX, META_DEPTH_MAX } from "../../src/domain/limits.ts";

const pageOf = (query: Record<string, string>) => z.object(page).parse(query);
const problem = (schema: z.ZodType, value: unknown): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message;

/** `depth` arrays inside each other. */
function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}

describe("does", () => {
  test.for([
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04:05z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04Z", "2026-01-02T03:04:00.000Z"],
    ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"],
    ["2026-01-02T03:04:05,678Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05.678999999Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05.6789999999999999999999Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"],
    ["2026-01-02T03:04:05+0530", "2026-01-01T21:34:05.000Z"],
    ["2026-01-02T03:04:05-08", "2026-01-02T11:04:05.000Z"],
    ["2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.000Z"],
    ["2026-01-01T00:00:00+14:00", "2025-12-31T10:00:00.000Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["2000-02-29T23:59:59.999Z", "2000-02-29T23:59:59.999Z"],
    ["2026-01-01T24:00:00Z", "2026-01-02T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"],
  ] as const)("%s is the instant %s", ([written, expected], { expect }) => {
    const atMs = instant.parse(written);
    expect(instantText(atMs)).toBe(expected);
  });

  test("a decimal comes as number or as text, with blanks around it", ({ expect }) => {
    expect(decimal.parse(0.25)).toBe(250_000_000_000n);
    expect(decimal.parse("0.25")).toBe(250_000_000_000n);
    expect(decimal.parse(" 12 ")).toBe(12n * E12_ONE);
    expect(decimal.parse("1e-7")).toBe(100_000n);
    expect(decimal.parse(0.00018554999999999998)).toBe(185_550_000n);
    expect(decimalNotNegative.parse(-0)).toBe(0n);
    expect(decimalPositive.parse("0.000000000001")).toBe(1n);
  });

  test.for([
    [{}, 50, 0],
    [{ limit: "1", offset: "7" }, 1, 7],
    [{ limit: "200" }, 200, 0],
    [{ limit: "201" }, 200, 0],
    [{ limit: "0" }, 1, 0],
    [{ limit: "-5", offset: "-5" }, 1, 0],
    [{ limit: "999999999999999", offset: "999999999999999" }, 200, 999_999_999_999_999],
  ] as const)("the page %o is clamped to limit %d, offset %d", ([query, limit, offset], { expect }) => {
    expect(pageOf(query)).toEqual({ limit, offset });
  });

  test("a page says whether there is more", ({ expect }) => {
    expect(paged(["a", "b"], 3, { limit: 2, offset: 0 }).pagination).toEqual({
      total: 3,
      limit: 2,
      offset: 0,
      hasMore: true,
    });
    expect(paged(["c"], 3, { limit: 2, offset: 2 }).pagination.hasMore).toBe(false);
    expect(paged([], 3, { limit: 2, offset: 9 }).pagination.hasMore).toBe(false);
  });

  test("a sum that a number cannot carry has its exact text beside it", ({ expect }) => {
    expect(sumFields("cost", 2_856_533_700_000n)).toEqual({ cost: 2.8565337 });
    expect(sumFields("cost", 1_234_567_890_123_456_789_012n)).toEqual({
      cost: 1_234_567_890.123_456_7,
      costExact: "1234567890.123456789012",
    });
  });

  test("nulls are dropped, but not those of a caller's own meta, nor an array's", ({ expect }) => {
    const body = { a: null, b: { c: null, d: 1 }, e: [{ f: null }, null], meta: { g: null }, metadata: { h: null } };
    expect(dropNulls(body)).toBe(true);
    expect(body).toEqual({ b: { d: 1 }, e: [{}, null], meta: { g: null }, metadata: { h: null } });
    const absent = { meta: null };
    expect(dropNulls(absent)).toBe(true);
    expect(absent).toEqual({});
  });

  test("a currency is upper case, a flag is true, false, 1 or 0", ({ expect }) => {
    expect(currency.parse("eur")).toBe("EUR");
    expect(["true", "false", "1", "0"].map((value) => queryBoolean.parse(value))).toEqual([true, false, true, false]);
  });

  test("meta is kept as its JSON text, lone surrogates escaped", ({ expect }) => {
    expect(metadata.parse({ b: 1, a: ["ü", null, { c: true }] })).toBe('{"b":1,"a":["ü",null,{"c":true}]}');
    expect(metadata.parse({ lone: "\ud800" })).toBe('{"lone":"\\ud800"}');
    expect(metadata.parse({})).toBe("{}");
  });
});

describe("refuses", () => {
  test.for([
    "",
    "now",
    "2026-01-02",
    "2026-01-02T03:04:05",
    "2026-01-02 03:04:05Z",
    "2026-1-2T03:04:05Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:01Z",
    "2026-01-01T25:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "2026-01-01T00:00:00 Z",
    "2026-01-01T00:00:00UTC",
    "2026-01-01T00:00:00.Z",
    "+002026-01-01T00:00:00Z",
    "1767225600",
    "2026-01-01T00:00:00Z\n",
    `2026-01-01T00:00:00.${"9".repeat(100)}Z`,
  ])("%j is no instant", (written, { expect }) => {
    expect(instant.safeParse(written).success).toBe(false);
  });

  test("anything but text as an instant", ({ expect }) => {
    for (const value of [1767225600000, true, {}, []]) expect(instant.safeParse(value).success).toBe(false);
  });

  test("decimals, each with the words for what is wrong", ({ expect }) => {
    expect(problem(decimal, "ten")).toBe("must be a finite decimal number");
    expect(problem(decimal, "0.1234567890123")).toBe("must have at most 12 decimal places");
    expect(problem(decimal, 1e15)).toBe("must have at most 15 digits before the decimal point");
    expect(problem(decimal, "1e400")).toBe("must have at most 15 digits before the decimal point");
    expect(problem(decimalNotNegative, -1)).toBe("must not be negative");
    expect(problem(decimalPositive, 0)).toBe("must be greater than 0");
    // JSON.parse makes Infinity of 1e400.
    for (const value of [JSON.parse("1e400"), JSON.parse("-1e400"), Number.NaN, true, [], {}, "", "9".repeat(65)])
      expect(decimal.safeParse(value).success).toBe(false);
    expect(problem(decimal, JSON.parse("1e400"))).toContain("a finite number, or a decimal as text");
  });

  test.for([
    ["", false],
    ["a", true],
    [" ", true],
    ["ünïcödé 漢字 🎉", true],
    ["x".repeat(255), true],
    ["x".repeat(256), false],
    ["a\u0000b", false],
    ["a\tb", false],
    ["a\nb", false],
    ["a\u007fb", false],
    ["a\u0085b", false],
    ["a\u009fb", false],
    ["a\u00a0b", true],
    ["\ud800", false],
    ["a\udc00", false],
    ["\ud83c\udf89", true],
  ] as const)("the name %j: taken %s", ([value, taken], { expect }) => {
    expect(name.safeParse(value).success).toBe(taken);
  });

  test("what is absent is said to be needed, a wrong type is named", ({ expect }) => {
    const schema = z.object({ name });
    expect(problem(schema, {})).toBe("is needed");
    expect(problem(z.object({ amount: decimal }), {})).toBe("is needed");
    expect(problem(z.object({ type: z.enum(["A", "B"]) }), {})).toBe('is needed: one of "A", "B"');
    expect(problem(schema, { name: 1 })).toContain("expected string");
  });

  test("free text with NUL, a lone surrogate, or beyond 2,000 characters", ({ expect }) => {
    expect(text.safeParse("two\nlines\t").success).toBe(true);
    expect(text.safeParse("x".repeat(2000)).success).toBe(true);
    for (const value of ["a\u0000b", "\ud800", "x".repeat(2001), 1, null])
      expect(text.safeParse(value).success).toBe(false);
    expect(email.safeParse("a@b").success).toBe(true);
    for (const value of ["ab", "", `${"x".repeat(320)}@`]) expect(email.safeParse(value).success).toBe(false);
  });

  test("pages and flags that are no numbers and no flags", ({ expect }) => {
    for (const limit of ["ten", "1.5", "1e2", "0x10", " 1", "1234567890123456"])
      expect(z.object(page).safeParse({ limit }).success).toBe(false);
    for (const value of ["yes", "TRUE", ""]) expect(queryBoolean.safeParse(value).success).toBe(false);
    for (const value of ["US", "USDT", "U$D", "12A"]) expect(currency.safeParse(value).success).toBe(false);
  });

  test("meta that is no object, too deep, or too large", ({ expect }) => {
    for (const value of [[], "x", 1, true]) expect(metadata.safeParse(value).success).toBe(false);
    expect(metadata.safeParse({ a: nested(META_DEPTH_MAX - 1) }).success).toBe(true);
    expect(problem(metadata, { a: nested(META_DEPTH_MAX) })).toContain("deeper than 32");
    expect(problem(metadata, { a: nested(100_000) })).toContain("deeper than 32");
    const frame = JSON.stringify({ a: "" }).length;
    expect(metadata.safeParse({ a: "x".repeat(META_BYTES_MAX - frame) }).success).toBe(true);
    expect(problem(metadata, { a: "x".repeat(META_BYTES_MAX - frame + 1) })).toContain("65536 bytes");
    expect(problem(metadata, { a: "ü".repeat(META_BYTES_MAX / 2) })).toContain("65536 bytes");
  });

  test("a body nested deeper than any request of ours, without walking it", ({ expect }) => {
    expect(dropNulls(nested(BODY_DEPTH_MAX))).toBe(true);
    expect(dropNulls(nested(BODY_DEPTH_MAX + 1))).toBe(false);
    expect(dropNulls(nested(100_000))).toBe(false);
    expect(dropNulls({ a: { b: nested(100_000) } })).toBe(false);
    expect(isShallow(nested(5), 5)).toBe(true);
    expect(isShallow(nested(6), 5)).toBe(false);
  });
});

describe("holds", () => {
  test("an instant's text is the platform's own, at every instant that a date can be", ({ expect }) => {
    const DATE_MS_MAX = 8.64e15;
    const instants = fc.oneof(
      fc.integer({ min: -DATE_MS_MAX, max: DATE_MS_MAX }),
      fc.integer({ min: Date.UTC(1999, 11, 31), max: Date.UTC(2000, 1, 2) }),
    );
    fc.assert(
      fc.property(instants, (atMs) => {
        expect(instantText(atMs)).toBe(new Date(atMs).toISOString());
      }),
      { examples: [[DATE_MS_MAX], [-DATE_MS_MAX], [-1], [0], [-62_167_219_200_001], [253_402_300_800_000]] },
    );
    for (const none of [Number.NaN, DATE_MS_MAX + 1, -DATE_MS_MAX - 1])
      expect(() => instantText(none)).toThrow(RangeError);
  });

  test("an instant that was written is read back, in every offset", ({ expect }) => {
    const instants = fc.date({
      min: new Date("0001-01-02T00:00:00Z"),
      max: new Date("9999-12-30T00:00:00Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instants, fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }), (date, offsetMinutes) => {
        const atMs = date.getTime();
        expect(parseInstant(instantText(atMs))).toBe(atMs);
        const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
        const local = instantText(atMs + offsetMinutes * 60_000).slice(0, -1);
        const two = (value: number) => String(value).padStart(2, "0");
        expect(parseInstant(`${local}${offsetMinutes < 0 ? "-" : "+"}${two(hours)}:${two(minutes)}`)).toBe(atMs);
      }),
    );
  });

  test("any text and any JSON is taken or refused, never thrown at", ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()), (value) => {
        for (const schema of [decimal, instant, name, text, email, currency, metadata])
          expect(typeof schema.safeParse(value).success).toBe("boolean");
      }),
    );
  });

  test("dropping nulls twice drops no more, and leaves none outside arrays and meta", ({ expect }) => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(dropNulls(value)).toBe(true);
        const once = JSON.stringify(value);
        expect(dropNulls(value)).toBe(true);
        expect(JSON.stringify(value)).toBe(once);
      }),
    );
  });
});
