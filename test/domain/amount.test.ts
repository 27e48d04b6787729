import { describe, test } from "vitest";
import {
  type DecimalProblem,
  decimalToE12,
  divideRounded,
  E12_ONE,
  e12ToNumber,
  formatDecimal,
  formatE12,
  multiplyE12,
  needsExactTwin,
  numberToE12,
  parseDecimal,
} from "../../src/domain/amount.ts";

const text = (value: string): bigint | DecimalProblem => parseDecimal(value, 12, false);

describe("does", () => {
  test.for([
    ["0", 0n],
    ["-0", 0n],
    ["0.000000000000", 0n],
    ["1", E12_ONE],
    ["+1", E12_ONE],
    ["0.25", 250_000_000_000n],
    ["-0.25", -250_000_000_000n],
    ["0.000000000001", 1n],
    ["1e-7", 100_000n],
    ["1E-12", 1n],
    ["1.50e3", 1500n * E12_ONE],
    ["1e14", 100_000_000_000_000n * E12_ONE],
    ["999999999999999.999999999999", 999_999_999_999_999_999_999_999_999n],
    ["000000000000000000007", 7n * E12_ONE],
    ["0.2500000000000000", 250_000_000_000n],
    ["1000e-15", 1n],
    ["0e9999", 0n],
  ] as const)("the text %s is read exactly", ([written, expected], { expect }) => {
    expect(text(written)).toBe(expected);
  });

  // A number is what its shortest decimal text says, not the binary fraction behind it.
  test.for([
    [0.1, "0.1"],
    [0.1 + 0.2, "0.3"],
    [0.00018554999999999998, "0.00018555"],
    [1e-7, "0.0000001"],
    [4.9e-13, "0"],
    [5e-13, "0.000000000001"],
    [-5e-13, "-0.000000000001"],
    [-4.9e-13, "0"],
    [Number.MIN_VALUE, "0"],
    [1.0000000000005, "1.000000000001"],
    [-1.0000000000005, "-1.000000000001"],
    [-0, "0"],
    [123456789.12345679, "123456789.12345679"],
    [999_999_999_999_999, "999999999999999"],
    [999_999_999_999_999.9, "999999999999999.9"],
  ] as const)("the number %d counts as %s", ([value, expected], { expect }) => {
    const read = numberToE12(value);
    expect(typeof read === "bigint" ? formatE12(read) : read).toBe(expected);
  });

  test.for([
    [7n, 2n, 4n],
    [-7n, 2n, -4n],
    [5n, 10n, 1n],
    [-5n, 10n, -1n],
    [4n, 10n, 0n],
    [-4n, 10n, 0n],
    [10n, 3n, 3n],
    [11n, 3n, 4n],
    [0n, 7n, 0n],
    [1n, 1n, 1n],
  ] as const)("%d ÷ %d is %d: a tie goes away from zero", ([numerator, denominator, expected], { expect }) => {
    expect(divideRounded(numerator, denominator)).toBe(expected);
  });

  test("a product is rounded once", ({ expect }) => {
    expect(multiplyE12(decimalToE12("0.000001"), decimalToE12("0.0000005"))).toBe(1n);
    expect(multiplyE12(decimalToE12("-0.000001"), decimalToE12("0.0000005"))).toBe(-1n);
    expect(multiplyE12(decimalToE12("0.000001"), decimalToE12("0.0000004"))).toBe(0n);
    expect(formatE12(multiplyE12(decimalToE12("3000"), decimalToE12("0.00000015")))).toBe("0.00045");
  });

  test.for([
    [0n, 12, "0"],
    [1n, 12, "0.000000000001"],
    [-1n, 12, "-0.000000000001"],
    [1_500_000_000_000n, 12, "1.5"],
    [-10n * E12_ONE, 12, "-10"],
    [12345n, 2, "123.45"],
    [5n, 2, "0.05"],
  ] as const)("%d at %d places is written %s, no longer than needed", ([value, scale, expected], { expect }) => {
    expect(formatDecimal(value, scale)).toBe(expected);
  });

  test("an answer's number is the double nearest to the amount", ({ expect }) => {
    expect(e12ToNumber(decimalToE12("0.00075"))).toBe(0.00075);
    expect(e12ToNumber(decimalToE12("-2.8565337"))).toBe(-2.8565337);
    expect(e12ToNumber(123_456_789_012_345_678_901n)).toBe(123_456_789.012_345_67);
  });

  test.for([
    ["0", false],
    ["0.000000000001", false],
    ["123456789.012345", false],
    ["999999999999999", false],
    ["-999999999999999", false],
    ["123456789.0123456", true],
    ["-123456789.0123456", true],
    ["0.999999999999", false],
    ["1000.000000000001", true],
  ] as const)("a sum of %s needs its exact text beside it: %s", ([amount, expected], { expect }) => {
    expect(needsExactTwin(decimalToE12(amount))).toBe(expected);
  });
});

describe("refuses", () => {
  test.for([
    ["", "not_a_decimal"],
    [" 1", "not_a_decimal"],
    ["abc", "not_a_decimal"],
    ["1,5", "not_a_decimal"],
    ["1.", "not_a_decimal"],
    [".5", "not_a_decimal"],
    ["0x10", "not_a_decimal"],
    ["1_000", "not_a_decimal"],
    ["--1", "not_a_decimal"],
    ["NaN", "not_a_decimal"],
    ["Infinity", "not_a_decimal"],
    ["1e", "not_a_decimal"],
    ["1e99999", "not_a_decimal"],
    ["٣", "not_a_decimal"],
    ["0.0000000000001", "too_many_places"],
    ["1.0000000000001", "too_many_places"],
    ["1e-13", "too_many_places"],
    ["1e-9999", "too_many_places"],
    ["1000000000000000", "too_large"],
    ["-1000000000000000", "too_large"],
    ["1e15", "too_large"],
    ["1e400", "too_large"],
    ["1e9999", "too_large"],
  ] as const)("the text %j as %s", ([written, problem], { expect }) => {
    expect(text(written)).toBe(problem);
  });

  test.for([
    [Number.NaN, "not_a_decimal"],
    [Number.POSITIVE_INFINITY, "not_a_decimal"],
    [Number.NEGATIVE_INFINITY, "not_a_decimal"],
    [1e15, "too_large"],
    [-1e15, "too_large"],
    [1e21, "too_large"],
    [Number.MAX_SAFE_INTEGER, "too_large"],
    [Number.MAX_VALUE, "too_large"],
  ] as const)("the number %d as %s", ([value, problem], { expect }) => {
    expect(numberToE12(value)).toBe(problem);
  });

  test("text that our own code should have written exactly, by throwing", ({ expect }) => {
    expect(() => decimalToE12("0.1234567890123")).toThrow("not an exact decimal");
    expect(() => decimalToE12("")).toThrow("not an exact decimal");
  });
});
