import { divideRounded, type E12, E12_ONE } from "./amount.ts";

/**
 * What analytics say of any set of events: counts, tokens, units, cost, revenue, and what follows from them. Owns margin,
 * percentages, the status of a margin and the orders in which lists are sorted. Leaves to `ledger/` where the sums come from.
 *
 * Laws: figures of a whole are the `add` of the figures of its parts, exactly; no percentage passes through binary floating point
 * before its last step.
 */

export type Figures = {
  events: number;
  costUnknownEvents: number;
  /** Sums of tokens pass 2⁵³ long before they stop making sense. */
  inputTokens: bigint;
  outputTokens: bigint;
  usageE12: E12;
  costE12: E12;
  revenueE12: E12;
};

export function noFigures(): Figures {
  return {
    events: 0,
    costUnknownEvents: 0,
    inputTokens: 0n,
    outputTokens: 0n,
    usageE12: 0n,
    costE12: 0n,
    revenueE12: 0n,
  };
}

/** Adds in place and returns `into`. */
export function addFigures(into: Figures, more: Figures): Figures {
  into.events += more.events;
  into.costUnknownEvents += more.costUnknownEvents;
  into.inputTokens += more.inputTokens;
  into.outputTokens += more.outputTokens;
  into.usageE12 += more.usageE12;
  into.costE12 += more.costE12;
  into.revenueE12 += more.revenueE12;
  return into;
}

export function subtractFigures(from: Figures, less: Figures): Figures {
  return {
    events: from.events - less.events,
    costUnknownEvents: from.costUnknownEvents - less.costUnknownEvents,
    inputTokens: from.inputTokens - less.inputTokens,
    outputTokens: from.outputTokens - less.outputTokens,
    usageE12: from.usageE12 - less.usageE12,
    costE12: from.costE12 - less.costE12,
    revenueE12: from.revenueE12 - less.revenueE12,
  };
}

/** Margin = revenue − cost. Events of unknown cost count with none: `costUnknownEvents` says how many. */
export function marginE12(figures: Figures): E12 {
  return figures.revenueE12 - figures.costE12;
}

/** Percentages leave with four decimals. */
const PERCENT_PLACES = 10_000n;

/** part ÷ whole × 100 with four decimals, half away from zero; `whole` > 0. */
export function percentOf(part: bigint, whole: bigint): number {
  return Number(divideRounded(part * 100n * PERCENT_PLACES, whole)) / Number(PERCENT_PLACES);
}

/** Margin ÷ revenue × 100; null without revenue (none, or more given back than earned: a ratio to that says nothing). */
export function marginPercent(figures: Figures): number | null {
  return figures.revenueE12 > 0n ? percentOf(marginE12(figures), figures.revenueE12) : null;
}

/** The change from `before` to `now` in percent of `before`; null from nothing. */
export function changePercent(now: bigint, before: bigint): number | null {
  if (before === 0n) return null;
  return percentOf(now - before, before < 0n ? -before : before);
}

export type MarginStatus = "healthy" | "at_risk" | "underwater" | "no_revenue";

const HEALTHY_PERCENT_MIN = 70n;
const AT_RISK_PERCENT_MIN = 40n;

/** Healthy from 70 %, at risk from 40 %, else underwater; exact at the bounds. Apart: without revenue. */
export function marginStatus(figures: Figures): MarginStatus {
  if (figures.revenueE12 <= 0n) return "no_revenue";
  const scaled = marginE12(figures) * 100n;
  if (scaled >= figures.revenueE12 * HEALTHY_PERCENT_MIN) return "healthy";
  return scaled >= figures.revenueE12 * AT_RISK_PERCENT_MIN ? "at_risk" : "underwater";
}

/** Cost ÷ events whose cost is known, to 12 decimals; null where there is none. */
export function costPerEventE12(figures: Figures): E12 | null {
  const known = figures.events - figures.costUnknownEvents;
  return known > 0 ? divideRounded(figures.costE12, BigInt(known)) : null;
}

export const METRICS = ["events", "usageUnits", "cost", "revenue", "margin", "inputTokens", "outputTokens"] as const;
export type Metric = (typeof METRICS)[number];

/** One metric as an E12; counts too, so that one way leads to the wire. */
export function metricE12(figures: Figures, metric: Metric): E12 {
  switch (metric) {
    case "events":
      return BigInt(figures.events) * E12_ONE;
    case "usageUnits":
      return figures.usageE12;
    case "cost":
      return figures.costE12;
    case "revenue":
      return figures.revenueE12;
    case "margin":
      return marginE12(figures);
    case "inputTokens":
      return figures.inputTokens * E12_ONE;
    case "outputTokens":
      return figures.outputTokens * E12_ONE;
    default:
      return metric satisfies never;
  }
}

export const FIGURE_ORDERS = [...METRICS, "marginPercent", "costUnknownEvents"] as const;
export type FigureOrder = (typeof FIGURE_ORDERS)[number];

/** Ascending order by a figure, exact. A margin percentage that does not exist is neither small nor large: undefined here. */
export function compareFigures(a: Figures, b: Figures, order: FigureOrder): number | undefined {
  if (order === "costUnknownEvents") return a.costUnknownEvents - b.costUnknownEvents;
  if (order !== "marginPercent") return sign(metricE12(a, order) - metricE12(b, order));
  if (a.revenueE12 <= 0n || b.revenueE12 <= 0n) return undefined;
  return sign(marginE12(a) * b.revenueE12 - marginE12(b) * a.revenueE12);
}

function sign(value: bigint): number {
  return value < 0n ? -1 : value > 0n ? 1 : 0;
}

/**
 * Sorts by a figure. Those without a margin percentage come last in either direction; equals stand in the order of their keys,
 * so that pages of one list never overlap.
 */
export function sortByFigure<T extends { key: string; figures: Figures }>(
  items: readonly T[],
  order: FigureOrder,
  descending: boolean,
): T[] {
  const byKey = (a: T, b: T) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  return [...items].sort((a, b) => {
    const compared = compareFigures(a.figures, b.figures, order);
    if (compared === undefined) {
      const [hasA, hasB] = [a.figures.revenueE12 > 0n, b.figures.revenueE12 > 0n];
      return hasA === hasB ? byKey(a, b) : hasA ? -1 : 1;
    }
    return (descending ? -compared : compared) || byKey(a, b);
  });
}
