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
import { PLAN_WORDS } from "../../contract/plan-figures.ts";
import { instantText, name, paged, sumFields } from "../../contract/scalars.ts";
import { type MarginStatus, marginPercent, sortByFigure } from "../../domain/figures.ts";
import { PORTFOLIO_CUSTOMERS_MAX, PORTFOLIO_MODELS_MAX } from "../../domain/limits.ts";
import { previousRange } from "../../domain/time-range.ts";
import { customerSums } from "../../ledger/customer-sums.ts";
import { figuresByRange, type MemberSums, membersOf, wholeOf } from "../../ledger/member-sums.ts";
import { customerNames, featureNames, findCustomerIds } from "../../ledger/names.ts";
import { customerOf } from "../customer-of.ts";
import { answer, type Call, defineRoute, type Route } from "../route.ts";
import { customerItem, featureItem, modelItem } from "./analytics-items.ts";
import {
  otherMrr,
  type PlanFacts,
  planFacts,
  sortByPlan,
  statusOf,
  summaryFields,
  sumsAndFacts,
  withPayers,
} from "./analytics-plans.ts";
import { asked, RANGE_WORDS, scopeFields } from "./analytics-range.ts";

/** Portfolio and customers: what everything cost, what it earned, and on whom money is lost. */

async function portfolio(call: Call<unknown, z.output<typeof RangeQuery>>) {
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const { accountId, exchange, range, nowMs } = reply.value;
  const before = previousRange(range, nowMs);
  const {
    sums: [customerRows = [], modelRows = [], previousRows = []],
    facts,
  } = await sumsAndFacts(call, reply.value, [
    { ranges: [range], by: "customer" },
    { ranges: [range], by: "model" },
    { ranges: [before], by: undefined },
  ]);
  const whole = wholeOf(customerRows, exchange);
  const previous = wholeOf(previousRows, exchange);
  const customers = withPayers(membersOf(customerRows, exchange), facts);
  const worst = sortByFigure(customers, "margin", false).slice(0, PORTFOLIO_CUSTOMERS_MAX);
  const dearest = sortByFigure(membersOf(modelRows, exchange), "cost", true).slice(0, PORTFOLIO_MODELS_MAX);
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
      customersByStatus: countByStatus(customers, facts),
      ...summaryFields(facts, customers, whole.figures),
      topModelsByCost: dearest.map(modelItem),
    },
    totals: figuresFields(whole.figures),
    previous: { ...rangeFields(before), ...figuresFields(previous.figures) },
    change: changeFields(whole.figures, previous.figures),
    otherCurrencies: otherCurrenciesOf(whole.others, otherMrr(facts)),
    customerCount: customers.length,
    customers: worst.map((sums) => customerItem(sums, names.get(sums.member), facts)),
  });
}

function countByStatus(customers: readonly MemberSums[], facts: PlanFacts) {
  const counts: Record<MarginStatus, number> = { healthy: 0, at_risk: 0, underwater: 0, no_revenue: 0 };
  for (const sums of customers) counts[statusOf(facts, sums)] += 1;
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
  const { accountId, exchange, range } = reply.value;
  const database = call.env.DB;
  const byName = sort === "customerName" || sort === "customerReferenceId" || sort === "email";
  const [{ sums, facts }, found] = await Promise.all([
    sumsAndFacts(call, reply.value, [{ ranges: [range], by: "customer" }]),
    byName || search !== undefined
      ? findCustomerIds(database, accountId, {
          ...(search === undefined ? {} : { search }),
          order: byName ? sort : "customerName",
          descending: order === "desc",
        })
      : undefined,
  ]);
  let members = withPayers(membersOf(sums[0] ?? [], exchange), facts);
  if (found !== undefined) {
    const places = new Map(found.map((id, place) => [id, place]));
    members = members.filter(({ member }) => places.has(member));
    members.sort((a, b) => (places.get(a.member) ?? 0) - (places.get(b.member) ?? 0));
  }
  const descending = order === "desc";
  const sorted = byName
    ? members
    : sort === "mrr" || sort === "effectiveMrr" || sort === "churnScore"
      ? sortByPlan(members, facts, sort, descending)
      : sortByFigure(members, sort, descending);
  const shown = sorted.slice(offset, offset + limit);
  const names = await customerNames(
    database,
    accountId,
    shown.map(({ member }) => member),
  );
  const items = shown.map((sums) => customerItem(sums, names.get(sums.member), facts));
  return answer(200, { ...scopeFields(reply.value), ...paged(items, sorted.length, { limit, offset }) });
}

async function customer(call: Call<{ id: string }, z.output<typeof RangeQuery>>) {
  const reply = asked(call, call.query);
  if (!reply.ok) return reply;
  const owner = await customerOf(call, call.params.id);
  if (!owner.ok) return owner;
  const { accountId, exchange, range } = reply.value;
  const { customerId } = owner.value;
  const [sums, names, features, facts] = await Promise.all([
    customerSums(call.env.DB, accountId, customerId, range),
    customerNames(call.env.DB, accountId, [customerId]),
    featureNames(call.env.DB, accountId),
    planFacts(call, reply.value, customerId),
  ]);
  const whole = wholeOf(sums.byFeature, exchange);
  const days = [...figuresByRange(sums.byDay, exchange)].sort(([a], [b]) => a - b);
  return answer(200, {
    ...scopeFields(reply.value),
    customer: customerItem(
      { ...whole, key: customerId, provider: "", member: customerId },
      names.get(customerId),
      facts,
    ),
    features: sortByFigure(membersOf(sums.byFeature, exchange), "cost", true).map((one) => featureItem(one, features)),
    models: sortByFigure(membersOf(sums.byModel, exchange), "cost", true).map(modelItem),
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
    description: `Totals beside the period of the same length before, customers by the health of their margin, the ${PORTFOLIO_MODELS_MAX} dearest models and the ${PORTFOLIO_CUSTOMERS_MAX} customers with the smallest margin. \`customersByStatus\` counts customers with events in the period or with MRR. \`change.percent\` = (this − previous) ÷ |previous| × 100. Where the previous period's start falls on days, it is taken to the nearest one.

${PLAN_WORDS}

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
    description: `Customers that had events in the period or have MRR, by default those with the smallest margin first.

${PLAN_WORDS}

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

${PLAN_WORDS}

${RANGE_WORDS}`,
    params: z.object({ id: name }),
    query: RangeQuery,
    answers: { 200: CustomerDetailWire },
    refuses: ["customer_not_found"],
    handle: customer,
  }),
];
