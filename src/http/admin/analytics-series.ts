import type * as z from "zod";
import { BridgeQuery, TimeSeriesQuery, TimeSeriesWire } from "../../contract/analytics.ts";
import { BridgeWire, billedFields } from "../../contract/plan-figures.ts";
import { instantText, sumFields } from "../../contract/scalars.ts";
import type { E12 } from "../../domain/amount.ts";
import { exchanged } from "../../domain/exchange.ts";
import { addFigures, type Figures, type Metric, metricE12, noFigures, subtractFigures } from "../../domain/figures.ts";
import { BRIDGE_MONTHS_MAX, OTHER_PAIR, TIMESERIES_GROUPS_MAX, TIMESERIES_POINTS_MAX } from "../../domain/limits.ts";
import { mrrByCustomer, netRetentionPercent, retention } from "../../domain/plan-figures.ts";
import { bridgeStep } from "../../domain/revenue-bridge.ts";
import { intervalsOf, monthsUntil, nextInterval, type TimeRange } from "../../domain/time-range.ts";
import type { Dimension } from "../../ledger/day-sums.ts";
import { figuresByRange, type MemberSums, membersOf } from "../../ledger/member-sums.ts";
import { customerNames, featureNames } from "../../ledger/names.ts";
import { planStateOf, planStateStatements } from "../../ledger/plan-state.ts";
import { type SumRow, sumsBeside, sumsOf } from "../../ledger/rollup-queries.ts";
import { answer, type Call, defineRoute, type Route } from "../route.ts";
import { featureLabel, modelLabel } from "./analytics-items.ts";
import { mrrGroupProblem, mrrLines } from "./analytics-mrr-series.ts";
import { billedByRange } from "./analytics-plans.ts";
import { type Asked, asked, exchangeOf, RANGE_WORDS, scopeFields } from "./analytics-range.ts";

/** Figures over time: the revenue bridge month by month, and any metric as lines of a chart. */

async function revenueBridge(call: Call<unknown, z.output<typeof BridgeQuery>>) {
  const { accountId, currency } = call.account.account;
  const exchange = exchangeOf(call);
  const nowMs = Date.now();
  // One month more, for the first one to come from.
  const months = monthsUntil(nowMs, call.query.periods + 1);
  const shown = months.slice(1);
  const {
    sums: [rows = []],
    beside,
  } = await sumsBeside(
    call.env.DB,
    accountId,
    [{ ranges: months, by: "customer" }],
    nowMs,
    planStateStatements(call.env.DB, accountId, { sinceMs: shown[0]?.startMs ?? nowMs, billedIn: shown }),
  );
  const { spans, billed: sums } = planStateOf(beside, nowMs);
  const billed = billedByRange(sums, exchange, shown.length);
  // What is brought a month at each month's edge: where one ends, the next begins.
  const edges = months.map(({ endMs }) => mrrByCustomer(spans, exchange, endMs).own);
  const revenues = months.map(() => new Map<string, E12>());
  for (const { rangeIndex, member, currency: paidIn, figures } of rows) {
    const month = revenues[rangeIndex];
    const revenueE12 = exchanged(exchange, paidIn, figures.revenueE12);
    if (month === undefined || revenueE12 === undefined) continue;
    month.set(member, (month.get(member) ?? 0n) + revenueE12);
  }
  const periods = shown.map(({ startMs, endMs }, index) => {
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
      mrr: mrrBridgeFields(edges[index] ?? new Map(), edges[index + 1] ?? new Map()),
      ...billedFields(billed[index] ?? NOTHING_BILLED),
    };
  });
  return answer(200, { asOf: instantText(nowMs), currency, periods });
}

const NOTHING_BILLED = { baseE12: 0n, usageE12: 0n, adjustmentE12: 0n, creditE12: 0n };

function mrrBridgeFields(before: ReadonlyMap<string, E12>, after: ReadonlyMap<string, E12>) {
  const step = bridgeStep(before, after);
  return {
    ...sumFields("start", step.previousE12),
    ...sumFields("new", step.newE12),
    ...sumFields("expansion", step.expansionE12),
    ...sumFields("contraction", step.contractionE12),
    ...sumFields("churned", step.churnedE12),
    ...sumFields("end", step.totalE12),
    customerCount: step.customerCount,
    newCustomers: step.newCustomers,
    churnedCustomers: step.churnedCustomers,
    nrr: netRetentionPercent(retention(before, after)),
  };
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
  const shown = { ...scopeFields(reply.value), metric, groupBy, interval };
  if (metric === "mrr") {
    const refused = mrrGroupProblem(groupBy);
    if (refused !== undefined) return refused;
    const ends = ranges.map(({ endMs }) => endMs);
    const series = (await mrrLines(call, reply.value, ends, groupBy === "customer")).map(
      ({ key, label, totalE12, pointsE12 }) => ({
        key,
        label,
        ...sumFields("total", totalE12),
        points: starts.map((startMs, index) => ({
          start: instantText(startMs),
          ...sumFields("value", pointsE12[index] ?? 0n),
        })),
      }),
    );
    return answer(200, { ...shown, series });
  }
  const lines =
    groupBy === "none"
      ? await totalLine(call, reply.value, ranges)
      : await groupLines(call, reply.value, ranges, groupBy, metric);
  return answer(200, {
    ...shown,
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

async function totalLine(call: Call, { accountId, exchange, nowMs }: Asked, ranges: TimeRange[]): Promise<Line[]> {
  const [rows = []] = await sumsOf(call.env.DB, accountId, [{ ranges, by: undefined }], nowMs);
  return [{ key: "total", label: "Total", points: figuresByRange(rows, exchange) }];
}

/** The largest members as lines of their own, and the rest, which is the whole less these: so the lines sum to the whole. */
async function groupLines(
  call: Call,
  { accountId, exchange, nowMs, range }: Asked,
  ranges: TimeRange[],
  by: Dimension,
  metric: Metric,
): Promise<Line[]> {
  const [memberRows = []] = await sumsOf(call.env.DB, accountId, [{ ranges: [range], by }], nowMs);
  const members = membersOf(memberRows, exchange);
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
    points: figuresByRange(rows.get(sums.key) ?? [], exchange),
  }));
  if (members.length > top.length) {
    const rest = figuresByRange(wholeRows, exchange);
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
    description: `Calendar months in UTC, oldest first; the last is the current one (\`partial\`). \`periods\`: 1 to ${BRIDGE_MONTHS_MAX}. Per customer, between one month and the next: revenue after none is \`new\`, more is \`expansion\`, less is \`contraction\`, none after some is \`churned\`. previousRevenue + new + expansion − contraction − churned = totalRevenue: that is the revenue of events.

\`mrr\` is the same bridge of recurring revenue: what each customer brought a month just before the month began and just before it ended (now, in the current one). A customer that ends one subscription and begins another in a month neither churned nor is new. \`baseRevenue\`, \`usageRevenue\` and what follows are what invoices billed: by the instant they became due, without those that are void or cancelled.

In the account's currency, with those of currencies that have a rate in the settings' \`exchangeRates\`; others are not in it.`,
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
    description: `One line, or one per customer, feature or model: the ${TIMESERIES_GROUPS_MAX} largest by the metric, and \`(other)\` for the rest, so that the lines sum to the whole. Intervals begin on the UTC hour, day, Monday or first of the month; the first and last may be cut by the range; those without events are zeros. At most ${TIMESERIES_POINTS_MAX} points. In the account's currency, with those that have a rate; others are not in it. Beyond 35 days a day's figures stand in its first hour.

\`mrr\` is what was brought a month just before each interval ended (now, in the current one), as a whole or by customer; its \`total\` is the last point.

${RANGE_WORDS}`,
    query: TimeSeriesQuery,
    answers: { 200: TimeSeriesWire },
    handle: timeSeries,
  }),
];
