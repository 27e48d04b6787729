import * as fc from "fast-check";
import { describe, test } from "vitest";
import { DAY_MS, INTERVAL_MONTHS_MAX } from "../../src/domain/limits.ts";
import { addMonthsAnchored, anchorDayOf, periodFrom } from "../../src/domain/period.ts";

/** By the rule of leap years, not by a calendar of the platform: the code under test has that one. */
function daysIn(year: number, month: number): number {
  if (month !== 1) return [3, 5, 8, 10].includes(month) ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

const start = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) - 1 });
const anyMonths = fc.integer({ min: 1, max: INTERVAL_MONTHS_MAX });
const anyAnchor = fc.integer({ min: 1, max: 31 });

/** The starts of the first periods after one that begins at `startMs`: each is the end of the one before. */
function startsFrom(startMs: number, months: number, anchorDay: number, count: number): number[] {
  const starts = [startMs];
  for (let n = 0; n < count; n += 1) starts.push(periodFrom(starts.at(-1) ?? startMs, months, anchorDay).endMs);
  return starts;
}

const texts = (starts: readonly number[]): string[] =>
  starts.map((atMs) => new Date(atMs).toISOString().replace("T00:00:00.000Z", ""));

describe("does", () => {
  test.for<[what: string, start: string, months: number, ends: string[]]>([
    ["the 31st, monthly", "2027-01-31", 1, ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]],
    ["the 31st in a leap year", "2028-01-31", 1, ["2028-02-29", "2028-03-31", "2028-04-30"]],
    ["the 30th, monthly", "2027-12-30", 1, ["2028-01-30", "2028-02-29", "2028-03-30"]],
    ["the 29th, monthly", "2026-12-29", 1, ["2027-01-29", "2027-02-28", "2027-03-29"]],
    ["the 29th of February, annual", "2028-02-29", 12, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]],
    ["the 31st, quarterly", "2027-08-31", 3, ["2027-11-30", "2028-02-29", "2028-05-31"]],
    ["the 31st, three years", "2027-10-31", 36, ["2030-10-31", "2033-10-31"]],
    ["a century that is no leap year", "2096-02-29", 48, ["2100-02-28", "2104-02-29"]],
    ["an ordinary day over the year's end", "2027-11-15", 1, ["2027-12-15", "2028-01-15"]],
    [
      "the last millisecond of a day",
      "2027-01-31T23:59:59.999Z",
      1,
      ["2027-02-28T23:59:59.999Z", "2027-03-31T23:59:59.999Z"],
    ],
  ])("ends of periods from %s", ([, first, months, ends], { expect }) => {
    const startMs = Date.parse(first);
    expect(texts(startsFrom(startMs, months, anchorDayOf(startMs), ends.length)).slice(1)).toEqual(ends);
  });
});

describe("holds", () => {
  test("each period begins where the one before ended, and ends after it", ({ expect }) => {
    fc.assert(
      fc.property(start, anyMonths, (startMs, months) => {
        let before = periodFrom(startMs, months, anchorDayOf(startMs));
        expect(before.startMs).toBe(startMs);
        for (let n = 0; n < 24; n += 1) {
          const next = periodFrom(before.endMs, months, anchorDayOf(startMs));
          expect(next.startMs).toBe(before.endMs);
          expect(next.endMs).toBeGreaterThan(next.startMs);
          before = next;
        }
      }),
    );
  });

  test("a period ends on the anchor day of its month or on the month's last, at the same time of day", ({ expect }) => {
    fc.assert(
      fc.property(start, anyMonths, anyAnchor, (startMs, months, anchorDay) => {
        const [from, to] = [new Date(startMs), new Date(addMonthsAnchored(startMs, months, anchorDay))];
        const monthsOf = (date: Date): number => date.getUTCFullYear() * 12 + date.getUTCMonth();
        expect(monthsOf(to) - monthsOf(from)).toBe(months);
        expect(to.getUTCDate()).toBe(Math.min(anchorDay, daysIn(to.getUTCFullYear(), to.getUTCMonth())));
        expect(to.getTime() % DAY_MS).toBe(startMs % DAY_MS);
      }),
    );
  });

  test("periods never drift: the n-th ends where one period of n times the months would", ({ expect }) => {
    fc.assert(
      fc.property(start, anyMonths, fc.integer({ min: 1, max: 40 }), (startMs, months, count) => {
        const anchorDay = anchorDayOf(startMs);
        const last = startsFrom(startMs, months, anchorDay, count).at(-1);
        expect(last).toBe(addMonthsAnchored(startMs, months * count, anchorDay));
      }),
    );
  });

  test("every instant lies in exactly one period: a start belongs to its own, an end to the next", ({ expect }) => {
    fc.assert(
      fc.property(start, anyMonths, fc.nat({ max: 2000 * DAY_MS }), (startMs, months, laterMs) => {
        const starts = startsFrom(startMs, months, anchorDayOf(startMs), Math.ceil(2000 / 28 / months) + 1);
        const periods = starts.slice(1).map((endMs, index) => ({ startMs: starts[index] ?? endMs, endMs }));
        const holding = (atMs: number) => periods.filter((one) => one.startMs <= atMs && atMs < one.endMs).length;
        expect(holding(startMs + laterMs)).toBe(1);
        for (const { startMs: first } of periods) expect(holding(first)).toBe(1);
      }),
    );
  });
});
