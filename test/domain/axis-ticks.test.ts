import { describe, expect, test } from "vitest";
import { countTicks, moneyTicks } from "../../src/console/format.ts";

/** What stands at the steps of the console's axes. */

describe("holds", () => {
  test.each([
    [
      [0, 0.0005, 0.001],
      ["$0.0000", "$0.0005", "$0.0010"],
    ],
    // Steps of half a cent: two digits would say $0.01 twice.
    [
      [0, 0.005, 0.01, 0.015],
      ["$0.000", "$0.005", "$0.010", "$0.015"],
    ],
    [
      [0, 0.2, 0.4, 0.1 + 0.2],
      ["$0.00", "$0.20", "$0.40", "$0.30"],
    ],
    [
      [0, 10, 20],
      ["$0", "$10", "$20"],
    ],
    [
      [0, 1250, 2500, 1e6],
      ["$0", "$1.25K", "$2.5K", "$1M"],
    ],
  ])("amounts %j", (amounts, said) => {
    expect(moneyTicks(amounts, "USD")).toEqual(said);
  });

  test("numbers, which may be parts of one", () => {
    expect(countTicks([0, 0.25, 0.5])).toEqual(["0.00", "0.25", "0.50"]);
    expect(countTicks([0, 5, 10])).toEqual(["0", "5", "10"]);
    expect(countTicks([0, 2500, 5000])).toEqual(["0", "2.5K", "5K"]);
  });
});
