import * as fc from "fast-check";
import { describe, test } from "vitest";
import { DAY_MS, HOUR_MS, ROLLUP_HOURS_KEPT_MS } from "../../src/domain/limits.ts";
import {
  addSums,
  bucketOf,
  fromLimbs,
  hourEndsAtMs,
  limbsOf,
  NO_SUMS,
  oldestHourKept,
  type RollupSums,
  rollupKeyText,
} from "../../src/domain/rollup.ts";

const at = (text: string): number => Date.parse(text);
/** Larger than any event's: what sums reach. */
const amount = fc.bigInt({ min: -(10n ** 33n), max: 10n ** 33n });

describe("does", () => {
  test("an event is counted in its UTC hour, half open", ({ expect }) => {
    const now = at("2027-03-01T12:00:00Z");
    expect(bucketOf(at("2027-03-01T10:00:00.000Z"), now)).toEqual({
      bucketStartMs: at("2027-03-01T10:00:00Z"),
      spanMs: HOUR_MS,
    });
    expect(bucketOf(at("2027-03-01T10:59:59.999Z"), now).bucketStartMs).toBe(at("2027-03-01T10:00:00Z"));
    expect(bucketOf(at("2027-03-01T11:00:00.000Z"), now).bucketStartMs).toBe(at("2027-03-01T11:00:00Z"));
  });

  test("one that is older than the hours kept, in its UTC day", ({ expect }) => {
    const now = at("2027-03-01T12:00:00Z");
    // 35 days before noon of 1 March is noon of 25 January: that whole day is still in hours.
    expect(bucketOf(at("2027-01-25T00:00:00Z"), now).spanMs).toBe(HOUR_MS);
    expect(bucketOf(at("2027-01-24T23:59:59.999Z"), now)).toEqual({
      bucketStartMs: at("2027-01-24T00:00:00Z"),
      spanMs: DAY_MS,
    });
  });

  test("an event from before 1970 has a bucket like any other", ({ expect }) => {
    expect(bucketOf(at("1969-12-31T23:30:00Z"), 0)).toEqual({ bucketStartMs: -HOUR_MS, spanMs: HOUR_MS });
    expect(bucketOf(at("1950-06-01T10:00:00Z"), 0)).toEqual({
      bucketStartMs: at("1950-06-01T00:00:00Z"),
      spanMs: DAY_MS,
    });
  });

  test.for([
    [0n, 0, 0, 0],
    [1n, 0, 0, 1],
    [-1n, 0, 0, -1],
    [999_999_999n, 0, 0, 999_999_999],
    [1_000_000_000n, 0, 1, 0],
    [-1_000_000_001n, 0, -1, -1],
    [123_456_789_012_345_678_901_234_567n, 123_456_789, 12_345_678, 901_234_567],
    [-123_456_789_012_345_678_901_234_567n, -123_456_789, -12_345_678, -901_234_567],
  ] as const)("%d is cut into limbs of nine digits, all of its sign", ([value, hi, mid, lo], { expect }) => {
    expect(limbsOf(value)).toEqual({ hi, mid, lo });
  });

  test("sums come as text beyond 2^53, or not at all", ({ expect }) => {
    expect(fromLimbs("9007199254740993", "9007199254740993", "9007199254740993")).toBe(
      9_007_199_254_740_993n * 10n ** 18n + 9_007_199_254_740_993n * 10n ** 9n + 9_007_199_254_740_993n,
    );
    expect(fromLimbs(null, null, null)).toBe(0n);
    expect(fromLimbs(1, -1, 0)).toBe(10n ** 18n - 10n ** 9n);
  });

  test("different keys have different texts, whatever characters they hold", ({ expect }) => {
    const key = { bucketStartMs: 0, spanMs: HOUR_MS, featureId: "", provider: "a", model: "b", currency: "USD" };
    const texts = [key, { ...key, provider: 'a","b', model: "" }, { ...key, provider: "", model: "ab" }].map(
      rollupKeyText,
    );
    expect(new Set(texts).size).toBe(3);
  });
});

describe("holds", () => {
  test("limbs lead back to the amount, and each fits a D1 integer with room for 9 × 10⁹ rows", ({ expect }) => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 27n - 1n), max: 10n ** 27n - 1n }), (value) => {
        const { hi, mid, lo } = limbsOf(value);
        expect(fromLimbs(hi, mid, lo)).toBe(value);
        for (const limb of [hi, mid, lo]) expect(Math.abs(limb) < 1e9).toBe(true);
      }),
    );
  });

  test("limbs summed apart are the sum", ({ expect }) => {
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 200 }), (values) => {
        let [hi, mid, lo] = [0n, 0n, 0n];
        for (const value of values) {
          const limbs = limbsOf(value);
          hi += BigInt(limbs.hi);
          mid += BigInt(limbs.mid);
          lo += BigInt(limbs.lo);
        }
        const sum = values.reduce((total, value) => total + value, 0n);
        expect(fromLimbs(String(hi), String(mid), String(lo))).toBe(sum);
      }),
    );
  });

  test("an hour becomes part of its day at the instant that hourEndsAtMs tells, and the event with it", ({
    expect,
  }) => {
    const instant = fc.integer({ min: at("1900-01-01T00:00:00Z"), max: at("2200-01-01T00:00:00Z") });
    fc.assert(
      fc.property(instant, (occurredAtMs) => {
        const hour = Math.floor(occurredAtMs / HOUR_MS) * HOUR_MS;
        const ends = hourEndsAtMs(hour);
        expect(bucketOf(occurredAtMs, ends - 1)).toEqual({ bucketStartMs: hour, spanMs: HOUR_MS });
        expect(bucketOf(occurredAtMs, ends)).toEqual({
          bucketStartMs: Math.floor(occurredAtMs / DAY_MS) * DAY_MS,
          spanMs: DAY_MS,
        });
        expect(ends - hour > ROLLUP_HOURS_KEPT_MS).toBe(true);
      }),
    );
  });

  test("no day is half in hours: what is kept begins at midnight", ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: at("2200-01-01T00:00:00Z") }), (nowMs) => {
        expect(Math.abs(oldestHourKept(nowMs) % DAY_MS)).toBe(0);
        expect(nowMs - oldestHourKept(nowMs) >= ROLLUP_HOURS_KEPT_MS).toBe(true);
      }),
    );
  });

  test("adding changes every figure and leaves the empty sums empty", ({ expect }) => {
    const one: RollupSums = {
      events: 1,
      costUnknownEvents: 2,
      inputTokens: 3,
      outputTokens: 4,
      usageE12: 5n,
      costE12: 6n,
      revenueE12: -7n,
    };
    const sums = { ...NO_SUMS };
    addSums(sums, one);
    expect(sums).toEqual(one);
    addSums(sums, one);
    for (const field of Object.keys(one) as (keyof RollupSums)[])
      expect(BigInt(sums[field])).toBe(2n * BigInt(one[field]));
    for (const value of Object.values(NO_SUMS)) expect(BigInt(value)).toBe(0n);
  });
});
