import * as z from "zod";
import {
  CustomerDetailWire,
  CustomersQuery,
  CustomersWire,
  changeFields,
  figuresFields,
  otherCurrenciesOf,
  PortfolioWire,
  RangeQuery,
  rangeFields,
} from "../../contract/analytics.ts";
import { instantText, name, paged, sumFields } from "../../contract/scalars.ts";
import { type MarginStatus, marginPercent, marginStatus, sortByFigure } from "../../domain/figures.ts";
import { PORTFOLIO_CUSTOMERS_MAX, PORTFOLIO_MODELS_MAX } from "../../domain/limits.ts";
import { previousRange } from "../../domain/time-range.ts";
import { customerSums } from "../../ledger/customer-sums.ts";
import { figuresByRange, type MemberSums, membersOf, wholeOf } from "../../ledger/member-sums.ts";
import { customerNames, featureNames, findCustomerIds } from "../../ledger/names.ts";
import { sumsOf } from "../../ledger/rollup-queries.ts";
import { customerOf } from "../customer-of.ts";
import { answer, type Call, defineRoute, type Route } from "../route.ts";
import { customerItem, featureItem, modelItem } from "./analytics-items.ts";
import { asked, RANGE_WORDS, scopeFields } from "./analytics-range.ts";

/** Portfolio and customers: what everything cost, what it earned, and on whom money is lost. */

async function portfolio(call: Call<unknown, z.output<typeof RangeQuery>>) {
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const { accountId, currency, range, nowMs } = reply.value;
  const before = previousRange(range, nowMs);
  const [customerRows = [], modelRows = [], previousRows = []] = await sumsOf(
    call.env.DB,
    accountId,
    [
      { ranges: [range], by: "customer" },
      { ranges: [range], by: "model" },
      { ranges: [before], by: undefined },
    ],
    nowMs,
  );
  const whole = wholeOf(customerRows, currency);
  const previous = wholeOf(previousRows, currency);
  const customers = membersOf(customerRows, currency);
  const worst = sortByFigure(customers, "margin", false).slice(0, PORTFOLIO_CUSTOMERS_MAX);
  const dearest = sortByFigure(membersOf(modelRows, currency), "cost", true).slice(0, PORTFOLIO_MODELS_MAX);
  const names = await customerNames(
    call.env.DB,
    accountId,
    worst.map(({ member }) => member),
  );
  return answer(200, {
    ...scopeFields(reply.value),
    summary: {
      ...sumFields("totalCosts", whole.figures.costE12),
      ...sumFields("totalRevenue", whole.figures.revenueE12),
      avgMargin: marginPercent(whole.figures),
      customersByStatus: countByStatus(customers),
      topModelsByCost: dearest.map(modelItem),
    },
    totals: figuresFields(whole.figures),
    previous: { ...rangeFields(before), ...figuresFields(previous.figures) },
    change: changeFields(whole.figures, previous.figures),
    otherCurrencies: otherCurrenciesOf(whole.others),
    customerCount: customers.length,
    customers: worst.map((sums) => customerItem(sums, names.get(sums.member))),
  });
}

function countByStatus(customers: readonly MemberSums[]) {
  const counts: Record<MarginStatus, number> = { healthy: 0, at_risk: 0, underwater: 0, no_revenue: 0 };
  for (const { figures } of customers) counts[marginStatus(figures)] += 1;
  return {
    healthy: counts.healthy,
    atRisk: counts.at_risk,
    underwater: counts.underwater,
    noRevenue: counts.no_revenue,
  };
}

async function customers(call: Call<unknown, z.output<typeof CustomersQuery>>) {
  const { search, sort, order, limit, offset } = call.query;
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const { accountId, currency, range, nowMs } = reply.value;
  const database = call.env.DB;
  const byName = sort === "customerName" || sort === "customerReferenceId" || sort === "email";
  const [[rows = []], found] = await Promise.all([
    sumsOf(database, accountId, [{ ranges: [range], by: "customer" }], nowMs),
    byName || search !== undefined
      ? findCustomerIds(database, accountId, {
          ...(search === undefined ? {} : { search }),
          order: byName ? sort : "customerName",
          descending: order === "desc",
        })
      : undefined,
  ]);
  let members = membersOf(rows, currency);
  if (found !== undefined) {
    const places = new Map(found.map((id, place) => [id, place]));
    members = members.filter(({ member }) => places.has(member));
    members.sort((a, b) => (places.get(a.member) ?? 0) - (places.get(b.member) ?? 0));
  }
  const sorted = byName ? members : sortByFigure(members, sort, order === "desc");
  const shown = sorted.slice(offset, offset + limit);
  const names = await customerNames(
    database,
    accountId,
    shown.map(({ member }) => member),
  );
  const items = shown.map((sums) => customerItem(sums, names.get(sums.member)));
  return answer(200, { ...scopeFields(reply.value), ...paged(items, sorted.length, { limit, offset }) });
}

async function customer(call: Call<{ id: string }, z.output<typeof RangeQuery>>) {
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const owner = await customerOf(call, call.params.id);
  if (!owner.ok) return owner;
  const { accountId, currency, range } = reply.value;
  const { customerId } = owner.value;
  const [sums, names, features] = await Promise.all([
    customerSums(call.env.DB, accountId, customerId, range),
    customerNames(call.env.DB, accountId, [customerId]),
    featureNames(call.env.DB, accountId),
  ]);
  const whole = wholeOf(sums.byFeature, currency);
  const days = [...figuresByRange(sums.byDay, currency)].sort(([a], [b]) => a - b);
  return answer(200, {
    ...scopeFields(reply.value),
    customer: customerItem({ ...whole, key: customerId, provider: "", member: customerId }, names.get(customerId)),
    features: sortByFigure(membersOf(sums.byFeature, currency), "cost", true).map((one) => featureItem(one, features)),
    models: sortByFigure(membersOf(sums.byModel, currency), "cost", true).map(modelItem),
    days: days.map(([atMs, figures]) => ({ date: instantText(atMs).slice(0, 10), ...figuresFields(figures) })),
  });
}

const TAG = "Analytics";

export const analyticsRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/portfolio",
    scope: "admin",
    tag: TAG,
    summary: "The whole account in one answer",
    description: `Totals beside the period of the same length before, customers by the health of their margin, the ${PORTFOLIO_MODELS_MAX} dearest models and the ${PORTFOLIO_CUSTOMERS_MAX} customers with the smallest margin. \`customersByStatus\`: margin ≥ 70 % of revenue is healthy, ≥ 40 % at risk, less underwater; customers without revenue are counted apart. \`change.percent\` = (this − previous) ÷ |previous| × 100. Where the previous period's start falls on days, it is taken to the nearest one.

${RANGE_WORDS}`,
    query: RangeQuery,
    answers: { 200: PortfolioWire },
    handle: portfolio,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/customers",
    scope: "admin",
    tag: TAG,
    summary: "Customers with their figures",
    description: `Customers that had events in the period, by default those with the smallest margin first.

${RANGE_WORDS}`,
    query: CustomersQuery,
    answers: { 200: CustomersWire },
    handle: customers,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/customers/{id}",
    scope: "admin",
    tag: TAG,
    summary: "One customer: by feature, by model, by day",
    description: `\`id\` is the customer's reference id, its id, or its Stripe id. \`days\` are those with events, in UTC; features and models stand dearest first.

${RANGE_WORDS}`,
    params: z.object({ id: name }),
    query: RangeQuery,
    answers: { 200: CustomerDetailWire },
    refuses: ["customer_not_found"],
    handle: customer,
  }),
];
