import { describe, test } from "vitest";
import {
  collectable,
  fromProviderAmount,
  isBelowMinimum,
  minimumMinor,
  toProviderAmount,
  toProviderLines,
} from "../../src/domain/payment-amount.ts";
import { assertChargeable } from "../support/stripe/currencies.ts";

describe("does", () => {
  test.for([
    // Two digits, none, three, sent with two though it has none, sent without though it has two.
    ["USD", 1999, 1999],
    ["JPY", 500, 500],
    ["KWD", 10_000, 10_000],
    ["ISK", 500, 50_000],
    ["UGX", 3700, 370_000],
    ["MGA", 1000, 10],
  ] as const)("of %s, %i minor units are %i at the provider, and back", ([currency, minor, there], { expect }) => {
    expect(toProviderAmount(minor, currency)).toBe(there);
    expect(fromProviderAmount(there, currency.toLowerCase())).toBe(minor);
  });

  test("what the provider does not charge is rounded once, half away from zero", ({ expect }) => {
    expect(toProviderAmount(10_004, "KWD")).toBe(10_000);
    expect(toProviderAmount(10_005, "KWD")).toBe(10_010);
    expect(collectable(10_005, "KWD")).toBe(10_010);
    expect(toProviderAmount(1050, "MGA")).toBe(11);
    expect(collectable(1050, "MGA")).toBe(1100);
  });

  test("lines that are rounded sum up to the rounded whole", ({ expect }) => {
    expect(toProviderLines([3, 3, 3, 3], "KWD")).toEqual([0, 10, 0, 0]);
    expect(toProviderLines([1999, 1], "USD")).toEqual([1999, 1]);
  });

  test("an amount is too small below the currency's minimum, or when nothing of it could be charged", ({ expect }) => {
    expect([49, 50].map((minor) => isBelowMinimum(minor, "USD"))).toEqual([true, false]);
    expect([49, 50].map((minor) => isBelowMinimum(minor, "JPY"))).toEqual([true, false]);
    expect([4, 5].map((minor) => isBelowMinimum(minor, "KWD"))).toEqual([true, false]);
    expect(minimumMinor("HUF")).toBe(17_500);
    expect(minimumMinor("UAH")).toBeUndefined();
  });
});

describe("holds", () => {
  const CURRENCIES = ["USD", "EUR", "JPY", "KRW", "KWD", "BHD", "TND", "ISK", "UGX", "MGA", "HUF", "CLP", "XOF", "AED"];

  test("yen are not charged a hundredfold: minor units by table, with 0, 2 and 3 digits", ({ expect }) => {
    expect(["JPY", "USD", "KWD"].map((currency) => toProviderAmount(1230, currency))).toEqual([1230, 1230, 1230]);
    expect(["ISK", "UGX"].map((currency) => toProviderAmount(1230, currency))).toEqual([123_000, 123_000]);
  });

  test.for(CURRENCIES)(
    "every amount of %s that is collectable is one that the provider takes",
    (currency, { expect }) => {
      for (let minor = 1; minor <= 40_000; minor += 37) {
        if (isBelowMinimum(minor, currency)) continue;
        const there = toProviderAmount(minor, currency);
        expect(() => assertChargeable(there, currency.toLowerCase())).not.toThrow();
        expect(toProviderAmount(collectable(minor, currency), currency)).toBe(there);
      }
    },
  );
});
