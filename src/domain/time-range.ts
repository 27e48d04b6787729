import { ANALYTICS_RANGE_DEFAULT_MS, DAY_MS, HOUR_MS } from "./limits.ts";
import { oldestHourKept } from "./rollup.ts";

/**
 * Ranges of analytics: half-open, UTC, `[startMs, endMs)`. Owns how a range is fitted to what rollups can tell apart, the period
 * before it, and its cutting into hours, days, weeks and months. `nowMs` is handed in.
 */

export type TimeRange = { startMs: number; endMs: number };

/**
 * The range that rollups can answer for: widened to whole hours, and to whole UTC days where hours have become days (older than
 * 35 days). Default: the last 30 days. Undefined when it would not begin before it ends.
 */
export function fitRange(
  sent: { startMs: number | undefined; endMs: number | undefined },
  nowMs: number,
): TimeRange | undefined {
  const end = sent.endMs ?? nowMs;
  const start = sent.startMs ?? end - ANALYTICS_RANGE_DEFAULT_MS;
  if (start >= end) return undefined;
  return { startMs: down(start, grainAt(start, nowMs)), endMs: -down(-end, grainAt(end, nowMs)) };
}

/**
 * The period of the same length before a fitted range. Where its start falls on days, it is taken to the nearest one, so that on
 * average neither period is longer.
 */
export function previousRange(range: TimeRange, nowMs: number): TimeRange {
  const start = range.startMs - (range.endMs - range.startMs);
  const grain = grainAt(start, nowMs);
  const nearest = down(start + grain / 2, grain);
  return { startMs: nearest < range.startMs ? nearest : range.startMs - grain, endMs: range.startMs };
}

function grainAt(atMs: number, nowMs: number): number {
  return atMs < oldestHourKept(nowMs) ? DAY_MS : HOUR_MS;
}

function down(atMs: number, stepMs: number): number {
  return Math.floor(atMs / stepMs) * stepMs;
}

/** A range as whole closed days and what is left of it before and after them. */
export type CutRange = { days: TimeRange | undefined; rest: TimeRange[] };

/** Closed days end at or before `todayStartMs`, and begin in 1970 or later: only such are ever built (migrations/0004). */
export function cutRange(range: TimeRange, todayStartMs: number): CutRange {
  const days = {
    startMs: Math.max(0, -down(-range.startMs, DAY_MS)),
    endMs: Math.min(down(range.endMs, DAY_MS), todayStartMs),
  };
  if (days.startMs >= days.endMs) return { days: undefined, rest: [range] };
  const around = [
    { startMs: range.startMs, endMs: days.startMs },
    { startMs: days.endMs, endMs: range.endMs },
  ];
  return { days, rest: around.filter(({ startMs, endMs }) => startMs < endMs) };
}

export const INTERVALS = ["hour", "day", "week", "month"] as const;
export type Interval = (typeof INTERVALS)[number];

/** 1970-01-01 was a Thursday: ISO weeks begin on the Monday three days before. */
const MONDAY_MS = -3 * DAY_MS;
const WEEK_MS = 7 * DAY_MS;

/** The start of the interval that `atMs` lies in. */
export function intervalStart(atMs: number, interval: Interval): number {
  switch (interval) {
    case "hour":
      return down(atMs, HOUR_MS);
    case "day":
      return down(atMs, DAY_MS);
    case "week":
      return down(atMs - MONDAY_MS, WEEK_MS) + MONDAY_MS;
    case "month": {
      const start = new Date(down(atMs, DAY_MS));
      start.setUTCDate(1);
      return start.getTime();
    }
    default:
      return interval satisfies never;
  }
}

/** The start of the interval after the one that begins at `startMs`. */
export function nextInterval(startMs: number, interval: Interval): number {
  if (interval === "month") return addMonths(startMs, 1);
  return startMs + { hour: HOUR_MS, day: DAY_MS, week: WEEK_MS }[interval];
}

/** Months from the first of a month. */
export function addMonths(monthStartMs: number, months: number): number {
  const start = new Date(monthStartMs);
  start.setUTCMonth(start.getUTCMonth() + months);
  return start.getTime();
}

/** The starts of the intervals that a range touches, in order; undefined when there are more than `max`. */
export function intervalsOf(range: TimeRange, interval: Interval, max: number): number[] | undefined {
  const starts: number[] = [];
  for (let at = intervalStart(range.startMs, interval); at < range.endMs; at = nextInterval(at, interval)) {
    if (starts.length === max) return undefined;
    starts.push(at);
  }
  return starts;
}

/** The calendar months that end with the one of `nowMs`, oldest first. */
export function monthsUntil(nowMs: number, count: number): TimeRange[] {
  const last = intervalStart(nowMs, "month");
  return Array.from({ length: count }, (_, index) => {
    const startMs = addMonths(last, index + 1 - count);
    return { startMs, endMs: addMonths(startMs, 1) };
  });
}
