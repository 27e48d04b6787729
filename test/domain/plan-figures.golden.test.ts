import fc from "fast-check";
import { describe, test } from "vitest";
import { decimalToE12, formatE12 } from "../../src/domain/amount.ts";
import { type Exchange, exchanged } from "../../src/domain/exchange.ts";
import { type Figures, noFigures } from "../../src/domain/figures.ts";
import { DAY_MS, HOUR_MS } from "../../src/domain/limits.ts";
import { monthlyE12 } from "../../src/domain/mrr.ts";
import {
  churnPercent,
  churnRisk,
  churnScore,
  elapsedMs,
  eventTrendPercent,
  grossProfitPercent,
  leavingWithinE12,
  lifetimeValueE12,
  meanScore,
  mrrByCustomer,
  mrrSeries,
  netRetentionPercent,
  noSignals,
  perMonthE12,
  recurring,
  recurringStatus,
  retention,
  type Signals,
  signalsByCustomer,
  sumOf,
} from "../../src/domain/plan-figures.ts";
import { bridgeStep } from "../../src/domain/revenue-bridge.ts";

/** Figures of plans by their formulas. Amounts are decimal text; each row was worked out by hand from the formula in its title. */

const e12 = decimalToE12;
const USD: Exchange = { currency: "USD", rates: new Map() };
const WITH_EURO: Exchange = { currency: "USD", rates: new Map([["EUR", e12("1.1")]]) };

function money(revenue: string, cost: string): Figures {
  return { ...noFigures(), revenueE12: e12(revenue), costE12: e12(cost) };
}

function sums(amounts: Record<string, string>): Map<string, bigint> {
  return new Map(Object.entries(amounts).map(([customer, amount]) => [customer, e12(amount)]));
}

type SpanText = [customer: string, currency: string, mrr: string, startMs: number, endMs?: number];

function spans(...rows: SpanText[]) {
  return rows.map(([customerId, currency, mrr, startMs, endMs]) => ({
    customerId,
    currency,
    mrrE12: e12(mrr),
    startMs,
    ...(endMs === undefined ? {} : { endMs }),
  }));
}

describe("does", () => {
  describe("MRR = price ÷ months, 12 decimals, half away from zero", () => {
    test.for([
      ["30", 1, "30"],
      ["99", 3, "33"],
      ["100", 12, "8.333333333333"],
      ["200", 3, "66.666666666667"],
      ["0.000000000001", 2, "0.000000000001"],
      ["10000000000", 36, "277777777.777777777778"],
      ["0", 1, "0"],
    ] as const)("%s for %i months brings %s", ([price, intervalMonths, mrr], { expect }) => {
      expect(formatE12(monthlyE12({ price: e12(price), intervalMonths }))).toBe(mrr);
    });
  });

  describe("a month of what came in the range = amount × 30 days ÷ length", () => {
    test.for([
      ["90", 30 * DAY_MS, "90"],
      ["90", 90 * DAY_MS, "30"],
      ["7", 7 * DAY_MS, "30"],
      ["1", 31 * DAY_MS, "0.967741935484"],
      ["-1", 31 * DAY_MS, "-0.967741935484"],
      ["1", HOUR_MS, "720"],
    ] as const)("%s in %i ms is %s", ([amount, lengthMs, monthly], { expect }) => {
      expect(formatE12(perMonthE12(e12(amount), lengthMs))).toBe(monthly);
    });
  });

  describe("a range's length is the part that is over", () => {
    test.for([
      ["one in the past has all of it", 0, 10, 20, 10],
      ["one that goes on has it until now", 0, 10, 4, 4],
      ["one that begins now has all of it", 4, 10, 4, 6],
      ["one that lies ahead has all of it", 20, 50, 4, 30],
    ] as const)("%s", ([, startMs, endMs, nowMs, length], { expect }) => {
      expect(elapsedMs({ startMs, endMs }, nowMs)).toBe(length);
    });
  });

  describe("effective MRR = MRR + projected usage revenue, and its margin", () => {
    test.for([
      // mrr, revenue and cost of 15 days; effective, gross profit in percent, status
      ["70", "15", "15", "100", 70, "healthy"],
      ["70", "15", "15.000000000001", "100", 70, "at_risk"],
      ["70", "15", "30", "100", 40, "at_risk"],
      ["70", "15", "30.000000000001", "100", 40, "underwater"],
      ["100", "0", "0", "100", 100, "healthy"],
      ["0", "10", "4", "20", 60, "at_risk"],
      ["0", "0", "4", "0", null, "no_revenue"],
      ["10", "-5", "0", "0", null, "no_revenue"],
    ] as const)("mrr %s, usage %s, cost %s", ([mrr, revenue, cost, effective, percent, status], { expect }) => {
      const lengthMs = 15 * DAY_MS;
      const figures = recurring(e12(mrr), money(revenue, cost), lengthMs);
      expect([
        formatE12(figures.effectiveMrrE12),
        grossProfitPercent(figures),
        recurringStatus(e12(mrr), money(revenue, cost), lengthMs),
      ]).toEqual([effective, percent, status]);
    });
  });

  describe("net revenue retention, and churn a month", () => {
    test.for([
      // before, after, days; NRR, churn
      [{ a: "30", b: "90" }, { a: "90", b: "90" }, 30, 150, 0],
      [{ a: "30", b: "90" }, { b: "45" }, 30, 37.5, 50],
      [{ a: "30" }, { a: "30", new: "500" }, 30, 100, 0],
      [{ a: "10", b: "10", c: "10" }, { a: "10", b: "10" }, 90, 66.6667, 11.1111],
      [{ a: "10" }, {}, 15, 0, 200],
      [{}, { new: "1" }, 30, null, null],
    ] as const)("%j → %j in %i days", ([before, after, days, nrr, churn], { expect }) => {
      const kept = retention(sums(before), sums(after));
      expect([netRetentionPercent(kept), churnPercent(kept, days * DAY_MS)]).toEqual([nrr, churn]);
    });
  });

  describe("lifetime value = gross profit ÷ paying customers ÷ churn a month", () => {
    test.for([
      // mrr, cost of 30 days, paying now, before, after, days; ltv
      ["300", "60", 4, { a: "1", b: "1", c: "1", d: "1" }, { a: "1", b: "1", c: "1" }, 30, "240"],
      ["300", "60", 4, { a: "1", b: "1", c: "1", d: "1" }, { a: "1", b: "1", c: "1" }, 60, "480"],
      ["100", "0", 3, { a: "1", b: "1" }, { a: "1" }, 30, "66.666666666667"],
      ["100", "130", 1, { a: "1", b: "1" }, { a: "1" }, 30, "-60"],
      ["100", "0", 1, { a: "1" }, { a: "1" }, 30, null],
      ["0", "0", 0, { a: "1" }, {}, 30, null],
    ] as const)("mrr %s, cost %s, %i pay", ([mrr, cost, paying, before, after, days, ltv], { expect }) => {
      const lengthMs = days * DAY_MS;
      // Costs are of 30 days: of a longer range they are more by as much.
      const costE12 = (e12(cost) * BigInt(days)) / 30n;
      const figures = recurring(e12(mrr), { ...noFigures(), costE12 }, lengthMs);
      const value = lifetimeValueE12(figures, paying, retention(sums(before), sums(after)), lengthMs);
      expect(value === null ? null : formatE12(value)).toBe(ltv);
    });
  });

  describe("churn score: points of each signal, at most 100", () => {
    const signals = (more: Partial<Signals>): Signals => ({ ...noSignals(), ...more });
    test.for([
      ["nothing", {}, 10, 10, 0, "low"],
      ["no events ever", {}, 0, 0, 0, "low"],
      ["events after none", {}, 10, 0, 0, "low"],
      ["a fifth fewer events", {}, 8, 10, 20, "medium"],
      ["a little less than a fifth fewer", {}, 81, 100, 0, "low"],
      ["half as many", {}, 5, 10, 40, "high"],
      ["a little more than half", {}, 51, 100, 20, "medium"],
      ["none any more", {}, 0, 1, 40, "high"],
      ["a downgrade", { pendingDowngrades: 1 }, 10, 10, 30, "medium"],
      ["suspended", { suspended: 2 }, 10, 10, 40, "high"],
      ["a downgrade and half as many events", { pendingDowngrades: 1 }, 5, 10, 70, "critical"],
      ["a cancellation", { pendingCancels: 1 }, 10, 10, 70, "critical"],
      ["everything", { pendingCancels: 1, suspended: 1, pendingDowngrades: 1 }, 0, 10, 100, "critical"],
    ] as const)("%s", ([, more, events, before, score, risk], { expect }) => {
      const points = churnScore(signals(more), eventTrendPercent(events, before));
      expect([points, churnRisk(points)]).toEqual([score, risk]);
    });

    test("the mean has four decimals, and none without scores", ({ expect }) => {
      expect(meanScore([70, 0, 30])).toBe(33.3333);
      expect(meanScore([])).toBeNull();
    });
  });

  test("MRR leaves by cancellations and cheaper plans, cumulative and to the instant", ({ expect }) => {
    const one = {
      status: "ACTIVE" as const,
      currency: "USD",
      from: { price: e12("120"), intervalMonths: 1 },
      nowMs: 1000,
    };
    const to = (price: string, intervalMonths = 1) => ({ price: e12(price), intervalMonths });
    const signals = signalsByCustomer(
      [
        { ...one, customerId: "cancels", cancelAtMs: 1000 + 30 * DAY_MS },
        { ...one, customerId: "later", cancelAtMs: 1001 + 30 * DAY_MS },
        { ...one, customerId: "overdue", cancelAtMs: 999 },
        {
          ...one,
          customerId: "cheaper",
          change: { type: "DOWNGRADE", to: to("120", 12), atMs: 1000 + 60 * DAY_MS },
        },
        { ...one, customerId: "dearer version", change: { type: "MIGRATION", to: to("130"), atMs: 1000 } },
        {
          ...one,
          customerId: "cheaper version",
          change: { type: "MIGRATION", to: to("119"), atMs: 1000 + 90 * DAY_MS },
        },
        // The cancellation takes all of it: the change never comes.
        {
          ...one,
          customerId: "both",
          cancelAtMs: 1000 + 90 * DAY_MS,
          change: { type: "DOWNGRADE", to: to("1"), atMs: 1000 },
        },
        { ...one, customerId: "unpaid", status: "INCOMPLETE" as const, cancelAtMs: 1000 },
        { ...one, customerId: "euro", currency: "EUR", cancelAtMs: 1000 },
      ],
      USD,
    );
    const leaving = [29, 30, 60, 90].map((days) => formatE12(leavingWithinE12(signals.values(), days)));
    expect(leaving).toEqual(["120", "240", "470", "591"]);
    expect(signals.has("unpaid")).toBe(false);
    expect(signals.get("euro")).toMatchObject({ pendingCancels: 1, pendingCancelMrrE12: 0n });
    expect(signals.get("both")).toMatchObject({ pendingCancels: 1, pendingDowngrades: 0 });
    expect(signals.get("cheaper version")).toMatchObject({ pendingDowngrades: 0, leaving: [{ mrrE12: e12("1") }] });
  });

  test("what begins at an instant is not of the state before it, what ends there still is", ({ expect }) => {
    const history = spans(["a", "USD", "10", 100, 200], ["a", "USD", "30", 200], ["b", "USD", "5", 100, 100]);
    const at = (atMs: number | undefined) => formatE12(sumOf(mrrByCustomer(history, USD, atMs).own.values()));
    expect([100, 101, 200, 201, undefined].map(at)).toEqual(["0", "10", "10", "30", "30"]);
  });

  test("a currency with a rate is summed, one without stands beside", ({ expect }) => {
    const rows = spans(
      ["a", "USD", "10", 0],
      ["a", "EUR", "10", 0],
      ["a", "JPY", "1000", 0],
      ["b", "EUR", "0.000000000005", 0],
    );
    const { own, others } = mrrByCustomer(rows, WITH_EURO, undefined);
    expect([...own]).toEqual([
      ["a", e12("21")],
      // 5.5 units of the last place, rounded once.
      ["b", e12("0.000000000006")],
    ]);
    expect([...others]).toEqual([["a", sums({ JPY: "1000" })]]);
    expect(exchanged(USD, "EUR", 1n)).toBeUndefined();
  });
});

describe("holds", () => {
  test("a series tells the same as each instant alone, and a chain of bridges leads from the first month to the last", ({
    expect,
  }) => {
    const span = fc.record({
      customerId: fc.constantFrom("a", "b", "c"),
      currency: fc.constantFrom("USD", "EUR", "JPY"),
      mrrE12: fc.bigInt(1n, 10n ** 22n),
      startMs: fc.integer({ min: 0, max: 50 }),
      lengthMs: fc.option(fc.integer({ min: 0, max: 30 })),
    });
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), (made) => {
        const history = made.map(({ lengthMs, ...one }) =>
          lengthMs === null ? one : { ...one, endMs: one.startMs + lengthMs },
        );
        const instants = [0, 10, 20, 30, 40, 100];
        const edges = instants.map((atMs) => mrrByCustomer(history, WITH_EURO, atMs).own);
        expect(mrrSeries(history, WITH_EURO, instants)).toEqual(edges.map((own) => sumOf(own.values())));
        let runningE12 = 0n;
        for (const [index, after] of edges.slice(1).entries()) {
          const step = bridgeStep(edges[index] ?? new Map(), after);
          expect(step.previousE12).toBe(runningE12);
          runningE12 += step.newE12 + step.expansionE12 - step.contractionE12 - step.churnedE12;
          expect(step.totalE12).toBe(runningE12);
        }
        expect(runningE12).toBe(sumOf(mrrByCustomer(history, WITH_EURO, undefined).own.values()));
      }),
    );
  });
});
