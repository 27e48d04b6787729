import { describe, test } from "vitest";
import { charge } from "../../src/domain/charge.ts";
import type { GrantType } from "../../src/domain/credit.ts";
import { creditsFor } from "../../src/domain/credit-ledger.ts";
import { creditBook, credits, granted, units, weighing } from "../support/credit-core.ts";

/** Figures that were worked out by hand. */

const AI = { denomination: "AI", subscription: 1 };
const number = (amountE4: bigint): number => Number(amountE4) / 10_000;

describe("does", () => {
  test("100 requests of weight 2.5 burn 250 credits worth 25.00 at 0.10, line by line", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 1_000, { type: "PURCHASED", unitPriceE12: units(0.1), currency: "USD" });
    let worthE16 = 0n;
    for (let request = 1; request <= 100; request += 1) {
      const use = { ...AI, unitsE12: units(1), weight: weighing(2.5), eventSeq: request };
      const { worth, coveredE12 } = granted(charge(core.draft(), use, request));
      expect(coveredE12).toBe(units(1));
      worthE16 += worth[0]?.amountE16 ?? 0n;
      core.commit();
    }
    expect(core.pool(pool)).toMatchObject({ consumedE4: credits(250), balanceE4: credits(750) });
    expect(worthE16).toBe(25n * 10n ** 16n);
    const lines = core.entries().slice(1);
    expect(lines.map(({ eventSeq }) => eventSeq)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(new Set(lines.map(({ amountE4 }) => number(amountE4)))).toEqual(new Set([-2.5]));
    expect(number(lines.at(-1)?.balanceAfterE4 ?? 0n)).toBe(750);
  });

  test.each([
    ["1", 2.5, 2.5],
    ["1", 0.00005, 0.0001],
    ["1", 0.000049, 0],
    ["0.33335", 1, 0.3334],
    ["0.33334", 1, 0.3333],
    ["3", 0.333333, 1],
    ["1000000", 1.5, 1_500_000],
  ])("%s units of weight %d burn %d credits", (used, weight, burnt) => {
    const neededE4 = creditsFor(units(Number(used)), units(weight));
    if (number(neededE4) !== burnt) throw new Error(`${number(neededE4)} instead of ${burnt}`);
  });

  /** Soft pools: what is there, the units, the weight → drawn, covered units, billed units. */
  test.each([
    [60, "100", 1, 60, "60", "40"],
    [150, "100", 2.5, 150, "60", "40"],
    [1, "1", 3, 1, "0.333333", "0.666667"],
    [2, "1", 3, 2, "0.666666", "0.333334"],
    [3, "1", 3, 3, "1", "0"],
    // 0.33333 rounds to 0.3333 credits: all of the charge is paid, so all of the units are.
    [10, "0.33333", 1, 0.3333, "0.33333", "0"],
    [10, "0.00004", 1, 0, "0.00004", "0"],
    [0, "0.00004", 1, 0, "0", "0.00004"],
    // Credits round up, units never do.
    [0.0001, "0.00006", 1, 0.0001, "0.00006", "0"],
  ])(
    "%d credits for %s units of weight %d: %d drawn, %s covered, %s billed",
    (have, used, weight, drawn, covered, billed) => {
      const core = creditBook();
      const pool = core.makePool({ hardLimit: false });
      if (have > 0) core.give(pool, have);
      const unitsE12 = units(Number(used));
      const { drawnE4, coveredE12 } = granted(charge(core.draft(), { ...AI, unitsE12, weight: weighing(weight) }, 1));
      core.commit();
      const told = [number(drawnE4), coveredE12, unitsE12 - coveredE12];
      const right = [drawn, units(Number(covered)), units(Number(billed))];
      if (told.some((one, at) => one !== right[at]))
        throw new Error(`${told.join(", ")} instead of ${right.join(", ")}`);
    },
  );

  test("grants are drawn by expiry, then free before bought, then by age", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const give = (type: GrantType, expiresAtMs?: number): number =>
      core.give(pool, 1, { type, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) });
    const [boughtNever, manualNever] = [give("PURCHASED"), give("MANUAL")];
    const [boughtSoon, promoSoon, promoSoonToo] = [
      give("PURCHASED", 5_000),
      give("PROMOTIONAL", 5_000),
      give("PROMOTIONAL", 5_000),
    ];
    const [boughtFirst, planNever] = [give("PURCHASED", 4_000), give("PLAN_INCLUDED")];
    const use = { ...AI, unitsE12: units(7), weight: weighing(1) };
    expect(granted(charge(core.draft(), use, 1)).entries[0]?.draws?.map(({ grant }) => grant)).toEqual([
      boughtFirst,
      promoSoon,
      promoSoonToo,
      boughtSoon,
      manualNever,
      planNever,
      boughtNever,
    ]);
    core.commit();
  });
});
