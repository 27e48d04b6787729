import * as fc from "fast-check";
import { describe, test } from "vitest";
import { decimalToE12, E12_ONE } from "../../src/domain/amount.ts";
import { minorDigits, minorToE12, toMinor } from "../../src/domain/money.ts";

const e24 = (text: string): bigint => decimalToE12(text) * E12_ONE;

describe("does", () => {
  test.for<[currency: string, digits: number]>([
    ["USD", 2],
    ["EUR", 2],
    ["CHF", 2],
    ["HUF", 2],
    ["TWD", 2],
    ["MGA", 2],
    ["JPY", 0],
    ["KRW", 0],
    ["VND", 0],
    ["ISK", 0],
    ["CLP", 0],
    ["XOF", 0],
    ["KWD", 3],
    ["BHD", 3],
    ["TND", 3],
    ["CLF", 4],
    ["constructor", 2],
  ])("%s has %i digits", ([currency, digits], { expect }) => {
    expect(minorDigits(currency)).toBe(digits);
  });

  test.for<[amount: string, currency: string, minor: number]>([
    ["10", "USD", 1000],
    ["0.005", "USD", 1],
    ["0.004999999999", "USD", 0],
    ["-0.005", "USD", -1],
    ["-0.004999999999", "USD", 0],
    ["1.015", "USD", 102],
    ["2.675", "USD", 268],
    ["0.5", "JPY", 1],
    ["0.499999999999", "JPY", 0],
    ["-1234.5", "JPY", -1235],
    ["0.0005", "KWD", 1],
    ["1.2345", "KWD", 1235],
    ["12.34567", "CLF", 123457],
    ["90071992547409.91", "USD", Number.MAX_SAFE_INTEGER],
  ])("%s %s is %i minor units: half goes away from zero", ([amount, currency, minor], { expect }) => {
    expect(toMinor(e24(amount), currency)).toBe(minor);
  });

  test("a share is rounded once, from the exact quotient", ({ expect }) => {
    expect(toMinor(e24("10"), "USD", 3n)).toBe(333);
    expect(toMinor(e24("0.01") * 1n, "USD", 2n)).toBe(1);
    // 0.01494… would be 0.02 if it were 0.015 on the way.
    expect(toMinor(e24("0.0149499999"), "USD")).toBe(1);
  });
});

describe("refuses", () => {
  test("an amount beyond a safe integer is a bug, not a number", ({ expect }) => {
    expect(() => toMinor(e24("90071992547409.92"), "USD")).toThrow(/safe integer/);
    expect(() => minorToE12(0.5, "USD")).toThrow(/safe integer/);
  });
});

describe("holds", () => {
  const currency = fc.constantFrom("USD", "JPY", "KWD", "CLF");
  const anyE24 = fc.bigInt({ min: -(10n ** 34n), max: 10n ** 34n });

  test("what minor units come to is the minor units again", ({ expect }) => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), currency, (minor, code) => {
        expect(toMinor(minorToE12(minor, code) * E12_ONE, code)).toBe(minor);
      }),
    );
  });

  test("rounding is off by half a minor unit at most, and the same on both sides of zero; never minus zero", ({
    expect,
  }) => {
    fc.assert(
      fc.property(anyE24, currency, fc.bigInt({ min: 1n, max: 10n ** 11n }), (amount, code, parts) => {
        const rounded = toMinor(amount, code, parts);
        const off = minorToE12(rounded, code) * E12_ONE * parts - amount;
        const halfUnit = 10n ** BigInt(24 - minorDigits(code)) * parts;
        expect((off < 0n ? -off : off) * 2n <= halfUnit).toBe(true);
        expect(Object.is(rounded, -0)).toBe(false);
        expect(toMinor(-amount, code, parts) + rounded).toBe(0);
      }),
    );
  });
});
