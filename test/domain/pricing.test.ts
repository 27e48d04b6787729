import { describe, test } from "vitest";
import { decimalToE12, formatE12 } from "../../src/domain/amount.ts";
import {
  INCLUDED,
  marginalPrice,
  type Pricing,
  pricingProblems,
  tierParts,
  totalPrice,
} from "../../src/domain/pricing.ts";

const e12 = decimalToE12;

function graduated(...tiers: [upTo: string, pricePerUnit: string, flatFee?: string][]): Pricing {
  return {
    model: "graduated",
    resetMode: "reset",
    tiers: tiers.map(([upTo, pricePerUnit, flatFee = "0"]) => ({
      upTo: upTo === "inf" ? upTo : e12(upTo),
      pricePerUnit: e12(pricePerUnit),
      flatFee: e12(flatFee),
    })),
  };
}

/** The worked figures of the rule routes' description. */
const WORKED = graduated(["1000", "0.10"], ["10000", "0.05", "5"], ["inf", "0.02"]);
const usage = (pricePerUnit: string): Pricing => ({
  model: "usage",
  pricePerUnit: e12(pricePerUnit),
  resetMode: "reset",
});

describe("does", () => {
  test.each([
    ["0", "0"],
    ["1", "0.1"],
    ["999.5", "99.95"],
    ["1000", "100"],
    // A sliver of a unit owes the whole flat fee; its own 0.05 × 10^-12 is rounded away.
    ["1000.000000000001", "105"],
    ["1001", "105.05"],
    ["10000", "555"],
    ["10001", "555.02"],
    ["12000", "595"],
    // 555 + (10^15 − 1 − 10,000) × 0.02
    ["999999999999999", "20000000000354.98"],
  ])("%s units of the worked figures cost %s", (units, price) => {
    const total = formatE12(totalPrice(WORKED, e12(units)));
    if (total !== price) throw new Error(`${total} instead of ${price}`);
  });

  test("the worked figures have one part per tier, with its flat fee", ({ expect }) => {
    const parts = tierParts(WORKED, 0n, e12("12000"));
    expect(
      parts.map(({ units, flatFee, amountE24 }) => [units, flatFee, amountE24 / 10n ** 12n].map(formatE12)),
    ).toEqual([
      ["1000", "0", "100"],
      ["9000", "5", "455"],
      ["2000", "0", "40"],
    ]);
  });

  test("a segment pays no flat fee that was due before it", ({ expect }) => {
    expect(formatE12(marginalPrice(WORKED, { from: e12("1000"), to: e12("1001") }))).toBe("5.05");
    expect(formatE12(marginalPrice(WORKED, { from: e12("1001"), to: e12("1002") }))).toBe("0.05");
    expect(tierParts(WORKED, e12("1001"), e12("10001")).map(({ flatFee }) => flatFee)).toEqual([0n, 0n]);
  });

  test("units taken back give their price back", ({ expect }) => {
    expect(formatE12(marginalPrice(usage("12"), { from: e12("5"), to: e12("3") }))).toBe("-24");
    expect(formatE12(marginalPrice(WORKED, { from: e12("1001"), to: e12("1000") }))).toBe("-5.05");
  });

  test("included costs nothing, whatever its limit", ({ expect }) => {
    expect(totalPrice(INCLUDED, e12("1000000"))).toBe(0n);
    expect(tierParts({ ...INCLUDED, maxUsage: e12("5") }, 0n, e12("9"))).toEqual([]);
  });
});

describe("refuses", () => {
  const problemsOf = (pricing: Pricing) => pricingProblems(pricing).map(({ at }) => at.join("."));

  test.for<[string, Pricing, string[]]>([
    ["no tiers", graduated(), ["tiers"]],
    ["an end", graduated(["10", "1"]), ["tiers.0.upTo"]],
    ["falling tiers", graduated(["10", "1"], ["5", "1"], ["inf", "1"]), ["tiers.1.upTo"]],
    ["equal tiers", graduated(["10", "1"], ["10", "1"], ["inf", "1"]), ["tiers.1.upTo"]],
    ["a tier of nothing", graduated(["0", "1"], ["inf", "1"]), ["tiers.0.upTo"]],
    ["a tier below nothing", graduated(["-5", "1"], ["inf", "1"]), ["tiers.0.upTo"]],
    ["tiers behind the last one", graduated(["inf", "1"], ["inf", "1"]), ["tiers.0.upTo"]],
    [
      "negative prices",
      graduated(["1", "-1", "-2"], ["inf", "-0.000000000001"]),
      ["tiers.0.pricePerUnit", "tiers.0.flatFee", "tiers.1.pricePerUnit"],
    ],
    ["a negative price", usage("-1"), ["pricePerUnit"]],
    ["a limit of nothing", { ...INCLUDED, maxUsage: 0n }, ["maxUsage"]],
    ["a limit below nothing", { ...usage("1"), maxUsage: -1n }, ["maxUsage"]],
  ])("%s", ([, pricing, places], { expect }) => {
    expect(problemsOf(pricing)).toEqual(places);
  });

  test("nothing of what is sound", ({ expect }) => {
    for (const pricing of [WORKED, usage("0"), INCLUDED, graduated(["inf", "0"])])
      expect(problemsOf(pricing)).toEqual([]);
  });

  test("a segment that ends before it begins is a bug", ({ expect }) => {
    expect(() => tierParts(WORKED, 2n, 1n)).toThrow("segment");
    expect(() => tierParts(WORKED, -1n, 1n)).toThrow("segment");
  });
});
