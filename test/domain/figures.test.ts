import fc from "fast-check";
import { describe, test } from "vitest";
import { decimalToE12 } from "../../src/domain/amount.ts";
import {
  addFigures,
  changePercent,
  costPerEventE12,
  type Figures,
  marginPercent,
  marginStatus,
  noFigures,
  sortByFigure,
  subtractFigures,
} from "../../src/domain/figures.ts";
import { bridgeStep } from "../../src/domain/revenue-bridge.ts";

function figures(revenue: string, cost: string, more: Partial<Figures> = {}): Figures {
  return { ...noFigures(), revenueE12: decimalToE12(revenue), costE12: decimalToE12(cost), ...more };
}

const anyFigures = fc.record({
  events: fc.nat(1_000_000),
  costUnknownEvents: fc.nat(1000),
  inputTokens: fc.bigInt(0n, 10n ** 20n),
  outputTokens: fc.bigInt(0n, 10n ** 20n),
  usageE12: fc.bigInt(-(10n ** 30n), 10n ** 30n),
  costE12: fc.bigInt(0n, 10n ** 30n),
  revenueE12: fc.bigInt(-(10n ** 30n), 10n ** 30n),
});

describe("does", () => {
  test("a margin's percentage has four decimals, half away from zero", ({ expect }) => {
    expect(marginPercent(figures("3", "1"))).toBe(66.6667);
    expect(marginPercent(figures("3", "4"))).toBe(-33.3333);
    expect(marginPercent(figures("2", "2"))).toBe(0);
  });

  test("a margin is healthy from exactly 70 %, at risk from exactly 40 %", ({ expect }) => {
    expect(marginStatus(figures("1", "0.3"))).toBe("healthy");
    expect(marginStatus(figures("1", "0.300000000001"))).toBe("at_risk");
    expect(marginStatus(figures("1", "0.6"))).toBe("at_risk");
    expect(marginStatus(figures("1", "0.600000000001"))).toBe("underwater");
    expect(marginStatus(figures("1", "7"))).toBe("underwater");
  });

  test("a change is told in percent of what was", ({ expect }) => {
    expect(changePercent(4n, 3n)).toBe(33.3333);
    expect(changePercent(-1n, -2n)).toBe(50);
    expect(changePercent(0n, 5n)).toBe(-100);
  });

  test("the cost per event counts events of known cost only", ({ expect }) => {
    expect(costPerEventE12(figures("0", "1", { events: 5, costUnknownEvents: 2 }))).toBe(333_333_333_333n);
  });

  test("a bridge puts each customer's change where it belongs", ({ expect }) => {
    const before = new Map([
      ["grew", 10n],
      ["shrank", 10n],
      ["left", 7n],
      ["same", 1n],
      ["free", 0n],
    ]);
    const now = new Map([
      ["grew", 15n],
      ["shrank", 4n],
      ["came", 3n],
      ["same", 1n],
      ["free", 2n],
    ]);
    expect(bridgeStep(before, now)).toEqual({
      previousE12: 28n,
      newE12: 5n,
      expansionE12: 5n,
      contractionE12: 6n,
      churnedE12: 7n,
      totalE12: 25n,
      customerCount: 5,
      newCustomers: 2,
      churnedCustomers: 1,
    });
  });
});

describe("refuses", () => {
  test("no percentage and no status without revenue", ({ expect }) => {
    for (const revenue of ["0", "-1"]) {
      expect(marginPercent(figures(revenue, "1"))).toBeNull();
      expect(marginStatus(figures(revenue, "1"))).toBe("no_revenue");
    }
    expect(changePercent(5n, 0n)).toBeNull();
    expect(costPerEventE12(figures("0", "0", { events: 2, costUnknownEvents: 2 }))).toBeNull();
  });
});

describe("holds", () => {
  test("taking away what was added gives back what was", ({ expect }) => {
    fc.assert(
      fc.property(anyFigures, anyFigures, (a, b) => {
        expect(subtractFigures(addFigures({ ...a }, b), b)).toEqual(a);
      }),
    );
  });

  test("previous + new + expansion − contraction − churned = total, whatever the signs", ({ expect }) => {
    const revenues = fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e"), fc.bigInt(-5n, 5n));
    fc.assert(
      fc.property(revenues, revenues, (before, now) => {
        const step = bridgeStep(new Map(Object.entries(before)), new Map(Object.entries(now)));
        expect(step.previousE12 + step.newE12 + step.expansionE12 - step.contractionE12 - step.churnedE12).toBe(
          step.totalE12,
        );
        expect(step.expansionE12 >= 0n && step.contractionE12 >= 0n).toBe(true);
      }),
    );
  });

  test("sorting by percentage is a total order: those without come last both ways, pages never overlap", ({
    expect,
  }) => {
    const items = fc
      .array(anyFigures, { maxLength: 20 })
      .map((all) => all.map((one, index) => ({ key: String(index).padStart(2, "0"), figures: one })));
    fc.assert(
      fc.property(items, fc.boolean(), (all, descending) => {
        const sorted = sortByFigure(all, "marginPercent", descending);
        expect(sortByFigure([...all].reverse(), "marginPercent", descending)).toEqual(sorted);
        const percents = sorted.map((item) => marginPercent(item.figures));
        const first = percents.indexOf(null);
        const known = percents.filter((percent) => percent !== null);
        expect(first === -1 || percents.slice(first).every((percent) => percent === null)).toBe(true);
        expect(known).toEqual([...known].sort((a, b) => (descending ? b - a : a - b)));
      }),
    );
  });
});
