import type * as z from "zod";
import {
  FeaturesWire,
  FiguresListQuery,
  figuresFields,
  ModelsWire,
  otherCurrenciesOf,
} from "../../contract/analytics.ts";
import { instantText, paged, sumFields } from "../../contract/scalars.ts";
import { e12ToNumber } from "../../domain/amount.ts";
import { costPerEventE12, percentOf, sortByFigure } from "../../domain/figures.ts";
import { type ModelCounts, modelCounts } from "../../ledger/customer-sums.ts";
import { type MemberSums, membersOf, wholeOf } from "../../ledger/member-sums.ts";
import { featureNames } from "../../ledger/names.ts";
import { sumsOf } from "../../ledger/rollup-queries.ts";
import { answer, type Call, defineRoute, type Route } from "../route.ts";
import { featureItem, modelItem } from "./analytics-items.ts";
import { asked, RANGE_WORDS, scopeFields } from "./analytics-range.ts";

/** An account's figures by feature and by model. */

type ListCall = Call<unknown, z.output<typeof FiguresListQuery>>;

async function features(call: ListCall) {
  const { sort, order, limit, offset } = call.query;
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const { accountId, exchange, range, nowMs } = reply.value;
  const [[rows = []], names] = await Promise.all([
    sumsOf(call.env.DB, accountId, [{ ranges: [range], by: "feature" }], nowMs),
    featureNames(call.env.DB, accountId),
  ]);
  const whole = wholeOf(rows, exchange);
  const sorted = sortByFigure(membersOf(rows, exchange), sort, order === "desc");
  const { items, pagination } = paged(
    sorted.slice(offset, offset + limit).map((sums) => featureItem(sums, names)),
    sorted.length,
    { limit, offset },
  );
  return answer(200, {
    ...scopeFields(reply.value),
    totals: figuresFields(whole.figures),
    otherCurrencies: otherCurrenciesOf(whole.others),
    totalFeatures: sorted.length,
    features: items,
    pagination,
  });
}

async function models(call: ListCall) {
  const { sort, order, limit, offset } = call.query;
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const { accountId, exchange, range, nowMs } = reply.value;
  const [[rows = []], counts] = await Promise.all([
    sumsOf(call.env.DB, accountId, [{ ranges: [range], by: "model" }], nowMs),
    modelCounts(call.env.DB, accountId, range),
  ]);
  const whole = wholeOf(rows, exchange);
  const sorted = sortByFigure(membersOf(rows, exchange), sort, order === "desc");
  const countsOf = new Map(counts.map((count) => [JSON.stringify([count.provider, count.model]), count]));
  const { items, pagination } = paged(
    sorted
      .slice(offset, offset + limit)
      .map((sums) => modelSummary(sums, countsOf.get(JSON.stringify([sums.provider, sums.member])))),
    sorted.length,
    { limit, offset },
  );
  return answer(200, {
    ...scopeFields(reply.value),
    totalModels: sorted.length,
    ...sumFields("totalCost", whole.figures.costE12),
    ...sumFields("totalRevenue", whole.figures.revenueE12),
    totalEvents: whole.figures.events,
    totals: figuresFields(whole.figures),
    otherCurrencies: otherCurrenciesOf(whole.others),
    providerBreakdown: providerBreakdown(sorted, whole.figures.costE12),
    models: items,
    pagination,
  });
}

function modelSummary(sums: MemberSums, counts: ModelCounts | undefined) {
  const { figures } = sums;
  const costPerEvent = costPerEventE12(figures);
  return {
    ...modelItem(sums),
    eventCount: figures.events,
    customerCount: counts?.customers ?? 0,
    featureCount: counts?.features ?? 0,
    ...sumFields("totalCost", figures.costE12),
    ...sumFields("totalRevenue", figures.revenueE12),
    ...sumFields("totalUsage", figures.usageE12),
    avgCostPerEvent: costPerEvent === null ? null : e12ToNumber(costPerEvent),
    ...(counts === undefined ? {} : { lastSeen: instantText(counts.lastBucketMs) }),
  };
}

/** What each provider costs, dearest first, and its share. */
function providerBreakdown(models: readonly MemberSums[], totalE12: bigint) {
  const costs = new Map<string, bigint>();
  for (const { provider, figures } of models) costs.set(provider, (costs.get(provider) ?? 0n) + figures.costE12);
  return [...costs]
    .sort(([a, costA], [b, costB]) => (costA > costB ? -1 : costA < costB ? 1 : a < b ? -1 : 1))
    .map(([provider, costE12]) => ({
      provider,
      ...sumFields("cost", costE12),
      percentage: totalE12 > 0n ? percentOf(costE12, totalE12) : null,
    }));
}

export const analyticsBreakdownRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/features",
    scope: "admin",
    tag: "Analytics",
    summary: "Figures by feature",
    description: `Features with events in the period, deleted ones too; dearest first. Events that name no feature stand under \`(none)\`, what exceeded a customer's daily limit of features and models under \`(other)\`.

${RANGE_WORDS}`,
    query: FiguresListQuery,
    answers: { 200: FeaturesWire },
    handle: features,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/models",
    scope: "admin",
    tag: "Analytics",
    summary: "Figures by model and provider",
    description: `Models with events in the period, dearest first, and what each provider costs. \`avgCostPerEvent\` = cost ÷ events whose cost is known.

${RANGE_WORDS}`,
    query: FiguresListQuery,
    answers: { 200: ModelsWire },
    handle: models,
  }),
];
