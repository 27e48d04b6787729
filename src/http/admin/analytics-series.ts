import type * as z from "zod";
import { BridgeQuery, BridgeWire, TimeSeriesQuery, TimeSeriesWire } from "../../contract/analytics.ts";
import { instantText, sumFields } from "../../contract/scalars.ts";
import type { E12 } from "../../domain/amount.ts";
import { addFigures, type Figures, type Metric, metricE12, noFigures, subtractFigures } from "../../domain/figures.ts";
import { BRIDGE_MONTHS_MAX, OTHER_PAIR, TIMESERIES_GROUPS_MAX, TIMESERIES_POINTS_MAX } from "../../domain/limits.ts";
import { bridgeStep } from "../../domain/revenue-bridge.ts";
import { intervalsOf, monthsUntil, nextInterval, type TimeRange } from "../../domain/time-range.ts";
import type { Dimension } from "../../ledger/day-sums.ts";
import { figuresByRange, type MemberSums, membersOf } from "../../ledger/member-sums.ts";
import { customerNames, featureNames } from "../../ledger/names.ts";
import { type SumRow, sumsOf } from "../../ledger/rollup-queries.ts";
import { answer, type Call, defineRoute, type Route } from "../route.ts";
import { featureLabel, modelLabel } from "./analytics-items.ts";
import { type Asked, asked, RANGE_WORDS, scopeFields } from "./analytics-range.ts";

/** Figures over time: the revenue bridge month by month, and any metric as lines of a chart. */

async function revenueBridge(call: Call<unknown, z.output<typeof BridgeQuery>>) {
  const { accountId, currency } = call.account.account;
  const nowMs = Date.now();
  // One month more, for the first one to come from.
  const months = monthsUntil(nowMs, call.query.periods + 1);
  const [rows = []] = await sumsOf(call.env.DB, accountId, [{ ranges: months, by: "customer" }], nowMs);
  const revenues = months.map(() => new Map<string, E12>());
  for (const { rangeIndex, member, currency: paidIn, figures } of rows) {
    const month = revenues[rangeIndex];
    if (month === undefined || paidIn !== currency) continue;
    month.set(member, (month.get(member) ?? 0n) + figures.revenueE12);
  }
  const periods = months.slice(1).map(({ startMs, endMs }, index) => {
    const step = bridgeStep(revenues[index] ?? new Map(), revenues[index + 1] ?? new Map());
    return {
      periodStart: instantText(startMs),
      periodEnd: instantText(endMs),
      partial: endMs > nowMs,
      ...sumFields("previousRevenue", step.previousE12),
      ...sumFields("new", step.newE12),
      ...sumFields("expansion", step.expansionE12),
      ...sumFields("contraction", step.contractionE12),
      ...sumFields("churned", step.churnedE12),
      ...sumFields("totalRevenue", step.totalE12),
      customerCount: step.customerCount,
      newCustomers: step.newCustomers,
      churnedCustomers: step.churnedCustomers,
    };
  });
  return answer(200, { asOf: instantText(nowMs), currency, periods });
}

/** A line of a chart: figures by index of the interval; what is absent is zero. */
type Line = { key: string; label: string; points: ReadonlyMap<number, Figures> };

async function timeSeries(call: Call<unknown, z.output<typeof TimeSeriesQuery>>) {
  const { metric, groupBy, interval } = call.query;
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const { range } = reply.value;
  const starts = intervalsOf(range, interval, TIMESERIES_POINTS_MAX);
  if (starts === undefined)
    return {
      ok: false as const,
      code: "invalid" as const,
      fields: [
        {
          path: "interval",
          message: `gives more than ${TIMESERIES_POINTS_MAX} points: take a coarser one or less time`,
        },
      ],
    };
  const ranges = starts.map((startMs) => ({
    startMs: Math.max(startMs, range.startMs),
    endMs: Math.min(nextInterval(startMs, interval), range.endMs),
  }));
  const lines =
    groupBy === "none"
      ? await totalLine(call, reply.value, ranges)
      : await groupLines(call, reply.value, ranges, groupBy, metric);
  return answer(200, {
    ...scopeFields(reply.value),
    metric,
    groupBy,
    interval,
    series: lines.map(({ key, label, points }) => {
      const total = noFigures();
      for (const figures of points.values()) addFigures(total, figures);
      return {
        key,
        label,
        ...sumFields("total", metricE12(total, metric)),
        points: starts.map((startMs, index) => ({
          start: instantText(startMs),
          ...sumFields("value", metricE12(points.get(index) ?? noFigures(), metric)),
        })),
      };
    }),
  });
}

async function totalLine(call: Call, { accountId, currency, nowMs }: Asked, ranges: TimeRange[]): Promise<Line[]> {
  const [rows = []] = await sumsOf(call.env.DB, accountId, [{ ranges, by: undefined }], nowMs);
  return [{ key: "total", label: "Total", points: figuresByRange(rows, currency) }];
}

/** The largest members as lines of their own, and the rest, which is the whole less these: so the lines sum to the whole. */
async function groupLines(
  call: Call,
  { accountId, currency, nowMs, range }: Asked,
  ranges: TimeRange[],
  by: Dimension,
  metric: Metric,
): Promise<Line[]> {
  const [memberRows = []] = await sumsOf(call.env.DB, accountId, [{ ranges: [range], by }], nowMs);
  const members = membersOf(memberRows, currency);
  const top = largest(members, metric);
  const [topRows = [], wholeRows = []] = await sumsOf(
    call.env.DB,
    accountId,
    [
      { ranges, by, members: top },
      { ranges, by: undefined },
    ],
    nowMs,
  );
  const labels = await labelsOf(call, accountId, by, top);
  const rows = new Map<string, SumRow[]>(top.map(({ key }) => [key, []]));
  for (const row of topRows) rows.get(keyOf(row))?.push(row);
  const lines: Line[] = top.map((sums) => ({
    key: sums.key,
    label: labels(sums),
    points: figuresByRange(rows.get(sums.key) ?? [], currency),
  }));
  if (members.length > top.length) {
    const rest = figuresByRange(wholeRows, currency);
    for (const { points } of lines)
      for (const [index, figures] of points) rest.set(index, subtractFigures(rest.get(index) ?? noFigures(), figures));
    lines.push({ key: OTHER_PAIR, label: OTHER_PAIR, points: rest });
  }
  return lines;
}

/** Largest by the metric first. What was recorded as `(other)` already never gets a line of its own: it joins the rest. */
function largest(members: readonly MemberSums[], metric: Metric): MemberSums[] {
  return members
    .filter(({ member }) => member !== OTHER_PAIR)
    .map((sums) => ({ sums, value: metricE12(sums.figures, metric) }))
    .sort((a, b) => (a.value > b.value ? -1 : a.value < b.value ? 1 : a.sums.key < b.sums.key ? -1 : 1))
    .slice(0, TIMESERIES_GROUPS_MAX)
    .map(({ sums }) => sums);
}

function keyOf({ provider, member }: { provider: string; member: string }): string {
  return provider === "" ? member : `${provider}/${member}`;
}

async function labelsOf(
  call: Call,
  accountId: string,
  by: Dimension,
  top: readonly MemberSums[],
): Promise<(sums: MemberSums) => string> {
  switch (by) {
    case "customer": {
      const names = await customerNames(
        call.env.DB,
        accountId,
        top.map(({ member }) => member),
      );
      return ({ member }) => names.get(member)?.name ?? member;
    }
    case "feature": {
      const names = await featureNames(call.env.DB, accountId);
      return ({ member }) => featureLabel(member, names);
    }
    case "model":
      return modelLabel;
    default:
      return by satisfies never;
  }
}

export const analyticsSeriesRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/revenue-bridge",
    scope: "admin",
    tag: "Analytics",
    summary: "How each month's revenue came from the one before",
    description: `Calendar months in UTC, oldest first; the last is the current one (\`partial\`). \`periods\`: 1 to ${BRIDGE_MONTHS_MAX}. Per customer, between one month and the next: revenue after none is \`new\`, more is \`expansion\`, less is \`contraction\`, none after some is \`churned\`. previousRevenue + new + expansion − contraction − churned = totalRevenue. Only the account's currency.`,
    query: BridgeQuery,
    answers: { 200: BridgeWire },
    handle: revenueBridge,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/timeseries",
    scope: "admin",
    tag: "Analytics",
    summary: "A metric over time",
    description: `One line, or one per customer, feature or model: the ${TIMESERIES_GROUPS_MAX} largest by the metric, and \`(other)\` for the rest, so that the lines sum to the whole. Intervals begin on the UTC hour, day, Monday or first of the month; the first and last may be cut by the range; those without events are zeros. At most ${TIMESERIES_POINTS_MAX} points. Only the account's currency. Beyond 35 days a day's figures stand in its first hour.

${RANGE_WORDS}`,
    query: TimeSeriesQuery,
    answers: { 200: TimeSeriesWire },
    handle: timeSeries,
  }),
];
