import fc from "fast-check";
import { describe, test } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/domain/limits.ts";
import {
  cutRange,
  fitRange,
  INTERVALS,
  intervalStart,
  intervalsOf,
  monthsUntil,
  nextInterval,
  previousRange,
} from "../../src/domain/time-range.ts";

const at = (text: string): number => Date.parse(text);
const iso = (range: { startMs: number; endMs: number } | undefined) =>
  range && [new Date(range.startMs).toISOString(), new Date(range.endMs).toISOString()];
// 35 days before lie on 2027-02-08.
const NOW = at("2027-03-15T10:30:00Z");
const instants = fc.integer({ min: at("1969-12-25T00:00:00Z"), max: at("2031-01-01T00:00:00Z") });

describe("does", () => {
  test("a range is widened to whole hours, and to whole days where hours are gone", ({ expect }) => {
    expect(iso(fitRange({ startMs: undefined, endMs: undefined }, NOW))).toEqual([
      "2027-02-13T10:00:00.000Z",
      "2027-03-15T11:00:00.000Z",
    ]);
    expect(iso(fitRange({ startMs: at("2027-01-10T05:00:00Z"), endMs: at("2027-02-01T00:00:01Z") }, NOW))).toEqual([
      "2027-01-10T00:00:00.000Z",
      "2027-02-02T00:00:00.000Z",
    ]);
  });

  test("the period before has the same length and ends where this one starts", ({ expect }) => {
    const week = { startMs: at("2027-03-08T10:00:00Z"), endMs: at("2027-03-15T10:00:00Z") };
    expect(iso(previousRange(week, NOW))).toEqual(["2027-03-01T10:00:00.000Z", "2027-03-08T10:00:00.000Z"]);
    const month = { startMs: at("2027-02-13T10:00:00Z"), endMs: at("2027-03-15T11:00:00Z") };
    expect(iso(previousRange(month, NOW))).toEqual(["2027-01-14T00:00:00.000Z", "2027-02-13T10:00:00.000Z"]);
  });

  test("weeks begin on Mondays, months on the first, whatever the year", ({ expect }) => {
    expect(intervalStart(at("2027-03-14T23:59:59.999Z"), "week")).toBe(at("2027-03-08T00:00:00Z"));
    expect(intervalStart(at("2027-03-15T00:00:00Z"), "week")).toBe(at("2027-03-15T00:00:00Z"));
    expect(intervalStart(at("1970-01-01T00:00:00Z"), "week")).toBe(at("1969-12-29T00:00:00Z"));
    expect(intervalStart(at("2028-02-29T12:00:00Z"), "month")).toBe(at("2028-02-01T00:00:00Z"));
    expect(nextInterval(at("2027-12-01T00:00:00Z"), "month")).toBe(at("2028-01-01T00:00:00Z"));
  });

  test("the months of a bridge end with the current one", ({ expect }) => {
    expect(monthsUntil(at("2027-02-28T23:59:59Z"), 3).map(iso)).toEqual([
      ["2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"],
      ["2027-01-01T00:00:00.000Z", "2027-02-01T00:00:00.000Z"],
      ["2027-02-01T00:00:00.000Z", "2027-03-01T00:00:00.000Z"],
    ]);
  });

  test("a range is cut into closed days and what is left; today is never closed, nor is anything before 1970", ({
    expect,
  }) => {
    const today = at("2027-03-15T00:00:00Z");
    const cut = cutRange({ startMs: at("2027-03-12T22:00:00Z"), endMs: at("2027-03-15T11:00:00Z") }, today);
    expect(iso(cut.days)).toEqual(["2027-03-13T00:00:00.000Z", "2027-03-15T00:00:00.000Z"]);
    expect(cut.rest.map(iso)).toEqual([
      ["2027-03-12T22:00:00.000Z", "2027-03-13T00:00:00.000Z"],
      ["2027-03-15T00:00:00.000Z", "2027-03-15T11:00:00.000Z"],
    ]);
    const early = cutRange({ startMs: at("1969-12-30T00:00:00Z"), endMs: at("1970-01-02T00:00:00Z") }, today);
    expect(iso(early.days)).toEqual(["1970-01-01T00:00:00.000Z", "1970-01-02T00:00:00.000Z"]);
  });
});

describe("refuses", () => {
  test("a range that does not begin before it ends", ({ expect }) => {
    expect(fitRange({ startMs: NOW, endMs: NOW }, NOW)).toBeUndefined();
    expect(fitRange({ startMs: NOW + 1, endMs: undefined }, NOW)).toBeUndefined();
  });

  test("more intervals than the limit", ({ expect }) => {
    const range = { startMs: 0, endMs: 10 * HOUR_MS };
    expect(intervalsOf(range, "hour", 9)).toBeUndefined();
    expect(intervalsOf(range, "hour", 10)).toHaveLength(10);
  });
});

describe("holds", () => {
  test("a fitted range contains the one that was asked for, and fitting it again changes nothing", ({ expect }) => {
    fc.assert(
      fc.property(instants, instants, (startMs, endMs) => {
        const fitted = fitRange({ startMs, endMs }, NOW);
        if (startMs >= endMs) {
          expect(fitted).toBeUndefined();
          return;
        }
        if (fitted === undefined) throw new Error("a range that begins before it ends has a fit");
        expect(fitted.startMs).toBeLessThanOrEqual(startMs);
        expect(fitted.endMs).toBeGreaterThanOrEqual(endMs);
        expect(fitRange(fitted, NOW)).toEqual(fitted);
        const previous = previousRange(fitted, NOW);
        expect(previous.endMs).toBe(fitted.startMs);
        expect(previous.startMs).toBeLessThan(previous.endMs);
        expect(fitRange(previous, NOW)).toEqual(previous);
      }),
    );
  });

  test("the pieces of a range cover it without gap or overlap", ({ expect }) => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 1, max: 400 * DAY_MS }), (startMs, length) => {
        const range = { startMs, endMs: startMs + length };
        const { days, rest } = cutRange(range, Math.floor(NOW / DAY_MS) * DAY_MS);
        const pieces = [...(days === undefined ? [] : [days]), ...rest].sort((a, b) => a.startMs - b.startMs);
        expect(pieces[0]?.startMs).toBe(range.startMs);
        expect(pieces.at(-1)?.endMs).toBe(range.endMs);
        for (const [index, piece] of pieces.slice(1).entries()) expect(piece.startMs).toBe(pieces[index]?.endMs);
      }),
    );
  });

  test("intervals follow one another and contain their instants", ({ expect }) => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...INTERVALS), (atMs, interval) => {
        const startMs = intervalStart(atMs, interval);
        const endMs = nextInterval(startMs, interval);
        expect(startMs <= atMs && atMs < endMs).toBe(true);
        expect(intervalStart(endMs, interval)).toBe(endMs);
        expect(intervalStart(endMs - 1, interval)).toBe(startMs);
      }),
    );
  });
});
