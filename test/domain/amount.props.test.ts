import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  divideRounded,
  E12_ONE,
  e12ToNumber,
  formatE12,
  needsExactTwin,
  numberToE12,
  parseDecimal,
} from "../../src/domain/amount.ts";

/** Amounts a caller can send: up to 15 digits before the point, 12 behind it. */
const LARGEST = 10n ** 27n - 1n;
const amount = fc.bigInt({ min: -LARGEST, max: LARGEST });

/** 10^12 × the number's shortest text, as numerator and power of ten: read digit by digit, as one would on paper. */
function shortestTextE12(value: number): { digits: bigint; places: number } {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), places: fraction.length - Number(exponent) - 12 };
}

describe("holds", () => {
  test("what was written is read back", ({ expect }) => {
    fc.assert(
      fc.property(amount, (value) => {
        expect(parseDecimal(formatE12(value), 12, false)).toBe(value);
        expect(parseDecimal(formatE12(value), 12, true)).toBe(value);
      }),
    );
  });

  test("a text means the same with its point moved into an exponent", ({ expect }) => {
    fc.assert(
      fc.property(amount, (value) => {
        expect(parseDecimal(`${value}e-12`, 12, false)).toBe(value);
      }),
    );
  });

  test("a number is its shortest text, rounded half away from zero to 12 places", ({ expect }) => {
    const magnitude = fc.tuple(
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      fc.integer({ min: -20, max: 15 }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(magnitude, ([fraction, exponent, negative]) => {
        const value = (negative ? -1 : 1) * fraction * 10 ** exponent;
        fc.pre(Math.abs(value) < 1e15);
        const read = numberToE12(value);
        if (typeof read !== "bigint") throw new Error(`${value} was refused: ${read}`);
        const { digits, places } = shortestTextE12(value);
        if (places <= 0) {
          expect(read).toBe(digits * 10n ** BigInt(-places));
          return;
        }
        // |read − value| ≤ ½ unit, and a tie is the larger magnitude.
        const unit = 10n ** BigInt(places);
        const distanceDoubled = (read * unit - digits) * 2n;
        expect(distanceDoubled <= unit && distanceDoubled >= -unit).toBe(true);
        if (distanceDoubled === unit || distanceDoubled === -unit) expect(distanceDoubled > 0n).toBe(digits > 0n);
      }),
      { numRuns: 2000 },
    );
  });

  test("any finite number and any text is taken or refused, never thrown at", ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.maxSafeInteger()), (value) => {
        const read = numberToE12(value);
        expect(typeof read === "bigint").toBe(Number.isFinite(value) && Math.abs(value) < 1e15);
      }),
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[-+]?\d{1,20}(\.\d{1,20})?([eE][-+]?\d{1,4})?$/)),
        (text) => {
          const read = parseDecimal(text, 12, false);
          if (typeof read === "bigint") expect(read <= LARGEST && read >= -LARGEST).toBe(true);
          else expect(["not_a_decimal", "too_many_places", "too_large"]).toContain(read);
        },
      ),
    );
  });

  test("a quotient is at most half a unit away, and odd under a change of sign", ({ expect }) => {
    fc.assert(
      fc.property(fc.bigInt({ min: -LARGEST, max: LARGEST }), fc.bigInt({ min: 1n, max: E12_ONE }), (a, b) => {
        const quotient = divideRounded(a, b);
        const distanceDoubled = (quotient * b - a) * 2n;
        expect(distanceDoubled <= b && distanceDoubled >= -b).toBe(true);
        expect(divideRounded(-a, b)).toBe(-quotient);
      }),
    );
  });

  test("a number without an exact twin carries the amount exactly", ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(amount, fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })), (value) => {
        fc.pre(!needsExactTwin(value));
        expect(numberToE12(e12ToNumber(value))).toBe(value);
      }),
    );
  });
});
