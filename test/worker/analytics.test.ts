import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { objectOf } from "../../src/customer/object-of.ts";
import type { Uuid } from "../../src/domain/ids.ts";
import { PORTFOLIO_CUSTOMERS_MAX, PORTFOLIO_MODELS_MAX } from "../../src/domain/limits.ts";

/** Analytics from the outside: events go in through the API, their objects send their rollups, and the figures are read. */

type Json = Record<string, unknown>;
// A Monday. Hours are kept from 2027-02-08 on.
const NOW = Date.parse("2027-03-15T10:30:00Z");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

async function request(key: string, method: string, path: string, body?: unknown) {
  const response = await exports.default.fetch(`https://tanso.test${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const envelope = (await response.json()) as { data?: unknown; error?: unknown };
  return { status: response.status, data: envelope.data as Json, error: envelope.error as Json };
}

/** An account with ways to send events, to let them arrive in D1, and to ask. */
async function openAccount(currency = "USD") {
  const { data } = await request("root_test", "POST", "/api/v1/accounts", {
    name: "Analytics",
    mode: "test",
    currency,
  });
  const accountId = (data.account as { id: string }).id;
  const key = data.apiKey as string;
  const get = async (path: string) => request(key, "GET", `/api/v1/analytics/${path}`);
  return {
    accountId,
    key,
    get,
    /** The answer's data; a refusal fails the test. */
    async read(path: string): Promise<Json> {
      const { status, data } = await get(path);
      if (status !== 200) throw new Error(`${path}: ${status}`);
      return data;
    },
    /** Sends events and waits until their rollups are in D1. Answers the customers' ids in order of the events. */
    async track(...events: Json[]): Promise<string[]> {
      const named = events.map((event) => ({ eventName: "call", usageUnits: 1, ...event }));
      const { data } = await request(key, "POST", "/api/v1/client/events/batch", { events: named });
      const results = data.results as { status: string; receipt: { customerId: string } }[];
      if (results.some(({ status }) => status !== "accepted")) throw new Error(JSON.stringify(data));
      const ids = results.map(({ receipt }) => receipt.customerId);
      for (const id of new Set(ids)) await objectOf(env, accountId, id as Uuid).wake();
      return ids;
    },
  };
}

function by<T>(items: unknown, field: string, value: unknown): T {
  const found = (items as Json[]).find((item) => item[field] === value);
  if (found === undefined) throw new Error(`no ${field} ${String(value)} in ${JSON.stringify(items)}`);
  return found as T;
}

const GPT = { model: "gpt-x", modelProvider: "openai", inputTokens: 100, outputTokens: 10 };
const CLAUDE = { model: "claude-x", modelProvider: "anthropic", inputTokens: 1000, outputTokens: 5 };

/** Five events of four customers in the last 30 days, one before them. */
const EVENTS: Json[] = [
  {
    customerReferenceId: "acme",
    featureKey: "chat",
    occurredAt: "2027-03-10T09:10:00Z",
    costAmount: 0.1,
    revenueAmount: 0.5,
    costInput: GPT,
  },
  {
    customerReferenceId: "acme",
    featureKey: "chat",
    occurredAt: "2027-03-10T09:50:00Z",
    costAmount: 0.1,
    revenueAmount: 0.5,
    costInput: GPT,
  },
  {
    customerReferenceId: "bolt",
    featureKey: "chat",
    occurredAt: "2027-03-12T23:59:59.999Z",
    costAmount: 0.5,
    revenueAmount: 1,
    costInput: CLAUDE,
  },
  {
    customerReferenceId: "core",
    featureKey: "search",
    occurredAt: "2027-03-13T00:00:00Z",
    costAmount: 2.25,
    revenueAmount: 2,
    costInput: GPT,
  },
  { customerReferenceId: "dusk", occurredAt: "2027-03-15T08:00:00Z", usageUnits: 3 },
  {
    customerReferenceId: "acme",
    featureKey: "chat",
    occurredAt: "2027-02-01T12:00:00Z",
    costAmount: 0.1,
    revenueAmount: 0.4,
    costInput: GPT,
  },
];

describe("does", () => {
  test("the portfolio sums the period, the one before, and sorts customers by the health of their margin", async ({
    expect,
  }) => {
    const account = await openAccount();
    await account.track(...EVENTS);
    const portfolio = await account.read("portfolio");
    expect(portfolio).toMatchObject({
      start: "2027-02-13T10:00:00.000Z",
      end: "2027-03-15T11:00:00.000Z",
      asOf: "2027-03-15T10:30:00.000Z",
      currency: "USD",
      summary: {
        totalCosts: 2.95,
        totalRevenue: 4,
        avgMargin: 26.25,
        customersByStatus: { healthy: 1, atRisk: 1, underwater: 1, noRevenue: 1 },
      },
      totals: {
        events: 5,
        usageUnits: 7,
        inputTokens: 1300,
        outputTokens: 35,
        cost: 2.95,
        revenue: 4,
        margin: 1.05,
        marginPercent: 26.25,
        costUnknownEvents: 1,
      },
      previous: {
        start: "2027-01-14T00:00:00.000Z",
        end: "2027-02-13T10:00:00.000Z",
        events: 1,
        cost: 0.1,
        revenue: 0.4,
      },
      change: { revenue: { absolute: 3.6, percent: 900 }, cost: { absolute: 2.85, percent: 2850 } },
      otherCurrencies: [],
      customerCount: 4,
    });
    expect(
      (portfolio.customers as Json[]).map((one) => [one.customerReferenceId, one.margin, one.marginStatus]),
    ).toEqual([
      ["core", -0.25, "underwater"],
      ["dusk", 0, "no_revenue"],
      ["bolt", 0.5, "at_risk"],
      ["acme", 0.8, "healthy"],
    ]);
    expect((portfolio.summary as Json).topModelsByCost).toMatchObject([
      { model: "gpt-x", modelProvider: "openai", events: 3, cost: 2.45, revenue: 3, margin: 0.55 },
      { model: "claude-x", modelProvider: "anthropic", cost: 0.5 },
      { model: "", cost: 0, marginPercent: null },
    ]);
  });

  test("customers are sorted by any column, searched and paged", async ({ expect }) => {
    const account = await openAccount();
    await account.track(...EVENTS);
    const refs = async (query: string) =>
      ((await account.read(`customers?${query}`)).items as Json[]).map((item) => item.customerReferenceId);
    expect(await refs("sort=cost&order=desc")).toEqual(["core", "bolt", "acme", "dusk"]);
    expect(await refs("sort=usageUnits&order=desc")).toEqual(expect.arrayContaining(["dusk", "acme"]));
    expect(await refs("sort=marginPercent&order=desc")).toEqual(["acme", "bolt", "core", "dusk"]);
    expect(await refs("sort=marginPercent&order=asc")).toEqual(["core", "bolt", "acme", "dusk"]);
    expect(await refs("sort=customerName&order=desc")).toEqual(["dusk", "core", "bolt", "acme"]);
    expect(await refs("search=O&sort=customerReferenceId")).toEqual(["bolt", "core"]);
    expect(await account.read("customers?sort=cost&order=desc&limit=2&offset=1")).toMatchObject({
      items: [{ customerReferenceId: "bolt" }, { customerReferenceId: "acme", marginPercent: 80 }],
      pagination: { total: 4, limit: 2, offset: 1, hasMore: true },
    });
  });

  test("one customer, by any of its identifiers: by feature, by model, by day", async ({ expect }) => {
    const account = await openAccount();
    const [acme = ""] = await account.track(...EVENTS, {
      ...EVENTS[0],
      featureKey: "search",
      occurredAt: "2027-03-11T00:00:00Z",
      costInput: CLAUDE,
    });
    const detail = await account.read("customers/acme");
    expect(detail).toMatchObject({
      customer: { customerId: acme, events: 3, cost: 0.3, revenue: 1.5, marginPercent: 80, marginStatus: "healthy" },
      features: [
        { featureKey: "chat", events: 2, cost: 0.2 },
        { featureKey: "search", events: 1, cost: 0.1 },
      ],
      models: [
        { model: "gpt-x", inputTokens: 200 },
        { model: "claude-x", inputTokens: 1000 },
      ],
      days: [
        { date: "2027-03-10", events: 2, revenue: 1 },
        { date: "2027-03-11", events: 1, revenue: 0.5 },
      ],
    });
    expect(await account.read(`customers/${acme}`)).toEqual(detail);
  });

  test("features and models, those deleted or never named too", async ({ expect }) => {
    const account = await openAccount();
    await account.track(...EVENTS);
    await env.DB.prepare("UPDATE features SET deleted_at_ms = ? WHERE account_id = ? AND key = 'search'")
      .bind(NOW, account.accountId)
      .run();
    expect(await account.read("features")).toMatchObject({
      totalFeatures: 3,
      totals: { cost: 2.95 },
      features: [
        { featureKey: "search", deleted: true, cost: 2.25, marginPercent: -12.5 },
        { featureKey: "chat", events: 3, cost: 0.7, revenue: 2 },
        { featureKey: "(none)", events: 1, marginPercent: null },
      ],
    });
    expect(await account.read("models")).toMatchObject({
      totalModels: 3,
      totalCost: 2.95,
      totalRevenue: 4,
      totalEvents: 5,
      providerBreakdown: [
        { provider: "openai", cost: 2.45, percentage: 83.0508 },
        { provider: "anthropic", cost: 0.5, percentage: 16.9492 },
        { provider: "", cost: 0, percentage: 0 },
      ],
      models: [
        {
          model: "gpt-x",
          eventCount: 3,
          customerCount: 2,
          featureCount: 2,
          totalUsage: 3,
          avgCostPerEvent: 0.816666666667,
          lastSeen: "2027-03-13T00:00:00.000Z",
        },
        { model: "claude-x", customerCount: 1, avgCostPerEvent: 0.5, lastSeen: "2027-03-12T23:00:00.000Z" },
        { model: "", featureCount: 0, avgCostPerEvent: null },
      ],
    });
  });

  test("the revenue bridge walks from month to month", async ({ expect }) => {
    const account = await openAccount();
    const paid = (customerReferenceId: string, occurredAt: string, revenueAmount: number) => ({
      customerReferenceId,
      occurredAt,
      revenueAmount,
    });
    await account.track(
      paid("stays", "2027-01-31T23:59:59.999Z", 10),
      paid("stays", "2027-02-01T00:00:00Z", 15),
      paid("stays", "2027-03-01T00:00:00Z", 12),
      paid("leaves", "2027-01-05T00:00:00Z", 7),
      paid("comes", "2027-03-14T00:00:00Z", 1),
      paid("comes", "2027-03-15T10:00:00Z", 2),
    );
    const { periods } = await account.read("revenue-bridge?periods=3");
    const changes = { new: 0, expansion: 0, contraction: 0, churned: 0, newCustomers: 0, churnedCustomers: 0 };
    const step = {
      ...changes,
      // Nobody has a plan, so nothing recurs and nothing was billed.
      mrr: { ...changes, start: 0, end: 0, customerCount: 0, nrr: null },
      baseRevenue: 0,
      usageRevenue: 0,
      adjustmentRevenue: 0,
      billedRevenue: 0,
      creditAmount: 0,
      netRevenue: 0,
      creditToRevenueRatio: null,
    };
    expect(periods).toEqual([
      {
        ...step,
        periodStart: "2027-01-01T00:00:00.000Z",
        periodEnd: "2027-02-01T00:00:00.000Z",
        partial: false,
        previousRevenue: 0,
        new: 17,
        totalRevenue: 17,
        customerCount: 2,
        newCustomers: 2,
      },
      {
        ...step,
        periodStart: "2027-02-01T00:00:00.000Z",
        periodEnd: "2027-03-01T00:00:00.000Z",
        partial: false,
        previousRevenue: 17,
        expansion: 5,
        churned: 7,
        totalRevenue: 15,
        customerCount: 1,
        churnedCustomers: 1,
      },
      {
        ...step,
        periodStart: "2027-03-01T00:00:00.000Z",
        periodEnd: "2027-04-01T00:00:00.000Z",
        partial: true,
        previousRevenue: 15,
        new: 3,
        contraction: 3,
        totalRevenue: 15,
        customerCount: 2,
        newCustomers: 1,
      },
    ]);
    expect((await account.read("revenue-bridge")).periods).toHaveLength(6);
  });

  test("a time series fills gaps with zeros and begins weeks on Mondays", async ({ expect }) => {
    const account = await openAccount();
    await account.track(...EVENTS);
    const points = async (query: string) => {
      const { series } = (await account.read(`timeseries?${query}`)) as { series: { points: Json[] }[] };
      return series[0]?.points.map(({ start, value }) => [start, value]);
    };
    const range = "start=2027-03-09T00:00:00Z&end=2027-03-14T00:00:00Z";
    expect(await points(`metric=cost&interval=day&${range}`)).toEqual([
      ["2027-03-09T00:00:00.000Z", 0],
      ["2027-03-10T00:00:00.000Z", 0.2],
      ["2027-03-11T00:00:00.000Z", 0],
      ["2027-03-12T00:00:00.000Z", 0.5],
      ["2027-03-13T00:00:00.000Z", 2.25],
    ]);
    expect(await points("metric=events&interval=hour&start=2027-03-12T22:30:00Z&end=2027-03-13T01:00:00Z")).toEqual([
      ["2027-03-12T22:00:00.000Z", 0],
      ["2027-03-12T23:00:00.000Z", 1],
      ["2027-03-13T00:00:00.000Z", 1],
    ]);
    expect(await points("metric=usageUnits&interval=week&start=2027-03-07T00:00:00Z")).toEqual([
      ["2027-03-01T00:00:00.000Z", 0],
      ["2027-03-08T00:00:00.000Z", 4],
      ["2027-03-15T00:00:00.000Z", 3],
    ]);
    expect(await points("metric=revenue&interval=month&start=2027-01-01T00:00:00Z")).toEqual([
      ["2027-01-01T00:00:00.000Z", 0],
      ["2027-02-01T00:00:00.000Z", 0.4],
      ["2027-03-01T00:00:00.000Z", 4],
    ]);
  });

  test("a time series by customer shows the largest, and the rest as (other)", async ({ expect }) => {
    const account = await openAccount();
    const events = Array.from({ length: 12 }, (_, index) => ({
      customerReferenceId: `customer-${String(index).padStart(2, "0")}`,
      occurredAt: "2027-03-14T10:00:00Z",
      costAmount: index + 1,
    }));
    await account.track(...events);
    const { series } = (await account.read(
      "timeseries?metric=cost&groupBy=customer&interval=day&start=2027-03-14T00:00:00Z",
    )) as { series: { key: string; label: string; total: number; points: Json[] }[] };
    expect(series).toHaveLength(11);
    expect(series[0]).toMatchObject({ label: "customer-11", total: 12 });
    expect(series[10]).toMatchObject({ key: "(other)", total: 3, points: [{ value: 3 }, { value: 0 }] });
    expect(series.reduce((sum, { total }) => sum + total, 0)).toBe(78);
  });

  test("a time series by model and by feature names its lines, and they sum to the whole", async ({ expect }) => {
    const account = await openAccount();
    await account.track(...EVENTS);
    const lines = async (groupBy: string) => {
      const range = "start=2027-03-01T00:00:00Z";
      const { series } = (await account.read(`timeseries?metric=cost&interval=week&groupBy=${groupBy}&${range}`)) as {
        series: { label: string; points: { value: number }[] }[];
      };
      return series.map(({ label, points }) => [label, ...points.map(({ value }) => value)]);
    };
    expect(await lines("model")).toEqual([
      ["openai/gpt-x", 0, 2.45, 0],
      ["anthropic/claude-x", 0, 0.5, 0],
      ["(none)", 0, 0, 0],
    ]);
    expect(await lines("feature")).toEqual([
      ["search", 0, 2.25, 0],
      ["chat", 0, 0.7, 0],
      ["(none)", 0, 0, 0],
    ]);
    expect(await lines("none")).toEqual([["Total", 0, 2.95, 0]]);
  });

  test("raw events: of one customer from its object, of the account from the feed", async ({ expect }) => {
    const account = await openAccount();
    await account.track(...EVENTS);
    const own = await account.read("events?customerReferenceId=acme&limit=2");
    expect(own).toMatchObject({
      complete: true,
      items: [
        { occurredAt: "2027-03-10T09:50:00.000Z", customerReferenceId: "acme", featureKey: "chat", model: "gpt-x" },
        { occurredAt: "2027-03-10T09:10:00.000Z", costAmount: 0.1 },
      ],
      pagination: { total: 3, hasMore: true },
    });
    const all = await account.read("events?featureKey=chat&modelProvider=openai");
    expect(all).toMatchObject({ complete: false, pagination: { total: 3 } });
    expect((await request(account.key, "GET", "/api/v1/tanso/events?model=claude-x")).data).toMatchObject({
      items: [{ customerReferenceId: "bolt", modelProvider: "anthropic" }],
    });
    expect(await account.read("events?start=2027-03-13T00:00:00Z&end=2027-03-15T08:00:00Z")).toMatchObject({
      items: [{ customerReferenceId: "core" }],
    });
    const featureId = (all.items as { featureId: string }[])[0]?.featureId.toUpperCase();
    expect(await account.read(`events?featureId=${featureId}&modelProvider=openai`)).toEqual(all);
    const acme = await account.read("events?customerReferenceId=acme&featureKey=chat");
    expect(await account.read(`events?customerReferenceId=acme&featureId=${featureId}`)).toEqual(acme);
    expect(await account.read("events?featureKey=unheard-of")).toMatchObject({ items: [], complete: true });
    expect(await account.read("events?customerReferenceId=stranger")).toMatchObject({ items: [], complete: true });
  });

  test("grouped events: by every property, of one customer and of the account", async ({ expect }) => {
    const account = await openAccount();
    const [acme = ""] = await account.track(...EVENTS);
    expect(await account.read("events/grouped?groupBy=MODEL&customerId=acme")).toMatchObject({
      complete: true,
      items: [{ groupKey: "gpt-x", eventCount: 3, totalCost: 0.3, totalRevenue: 1.4, totalUsageUnits: 3 }],
    });
    expect(await account.read("events/grouped?groupBy=CUSTOMER&customerId=acme")).toMatchObject({
      items: [{ groupKey: acme, groupLabel: "acme", eventCount: 3 }],
    });
    expect(await account.read("events/grouped?groupBy=CUSTOMER")).toMatchObject({
      complete: true,
      items: [{ groupKey: acme, eventCount: 2 }, {}, {}, {}],
    });
    const features = await account.read("events/grouped?groupBy=FEATURE&modelProvider=openai");
    expect(by(features.items, "groupLabel", "search")).toMatchObject({
      totalCost: 2.25,
      marginPercent: -12.5,
      lastOccurredAt: "2027-03-13T00:00:00.000Z",
    });
    expect(await account.read("events/grouped?groupBy=EVENT_NAME")).toMatchObject({
      complete: false,
      items: [{ groupKey: "call", eventCount: 6, totalCost: 3.05, costUnknownEvents: 1 }],
    });
    const providers = await account.read("events/grouped?groupBy=MODEL_PROVIDER");
    expect((providers.items as Json[]).map((item) => item.groupLabel)).toEqual(["openai", "(none)", "anthropic"]);
  });
});

describe("refuses", () => {
  test("a range the wrong way round, unknown words, and more than the limits", async ({ expect }) => {
    const account = await openAccount();
    const refused = async (path: string) => {
      const { status, error } = await account.get(path);
      return [status, (error?.fields as { path: string }[] | undefined)?.[0]?.path];
    };
    expect(await refused("portfolio?start=2027-03-02T00:00:00Z&end=2027-03-01T00:00:00Z")).toEqual([400, "start"]);
    expect(await refused("portfolio?start=yesterday")).toEqual([400, "start"]);
    expect(await refused("customers?sort=luck")).toEqual([400, "sort"]);
    expect(await refused("revenue-bridge?periods=0")).toEqual([400, "periods"]);
    expect(await refused("revenue-bridge?periods=25")).toEqual([400, "periods"]);
    expect(await refused("timeseries?interval=minute")).toEqual([400, "interval"]);
    expect(await refused("timeseries?interval=hour&start=2020-01-01T00:00:00Z")).toEqual([400, "interval"]);
    expect(await refused("events/grouped")).toEqual([400, "groupBy"]);
    expect(await refused("customers/nobody")).toEqual([404, undefined]);
  });

  test("more than a portfolio's share of customers and models: the rest is in the lists", async ({ expect }) => {
    const account = await openAccount();
    const customers = PORTFOLIO_CUSTOMERS_MAX + 1;
    await account.track(
      ...Array.from({ length: customers }, (_, index) => ({
        customerReferenceId: `customer-${index}`,
        costAmount: index,
        costInput: { model: `model-${index % (PORTFOLIO_MODELS_MAX + 1)}`, modelProvider: "p" },
      })),
    );
    const portfolio = await account.read("portfolio");
    expect(portfolio.customerCount).toBe(customers);
    expect(portfolio.customers).toHaveLength(PORTFOLIO_CUSTOMERS_MAX);
    expect((portfolio.customers as Json[])[0]).toMatchObject({ customerReferenceId: `customer-${customers - 1}` });
    expect((portfolio.summary as Json).topModelsByCost).toHaveLength(PORTFOLIO_MODELS_MAX);
    expect(await account.read("models")).toMatchObject({ totalModels: PORTFOLIO_MODELS_MAX + 1 });
    expect(await account.read("customers")).toMatchObject({ pagination: { total: customers } });
  });

  test("another account's customers and events do not exist", async ({ expect }) => {
    const [owner, stranger] = [await openAccount(), await openAccount()];
    const [acme = ""] = await owner.track(...EVENTS);
    expect((await stranger.get(`customers/${acme}`)).status).toBe(404);
    expect(await stranger.read(`events?customerId=${acme}`)).toMatchObject({ items: [] });
    expect(await stranger.read("events")).toMatchObject({ items: [] });
    expect(await stranger.read("portfolio")).toMatchObject({ totals: { events: 0 }, customers: [] });
  });
});

describe("holds", () => {
  test("an account without events has figures, all zero, and null percentages that are sent", async ({ expect }) => {
    const account = await openAccount("EUR");
    const portfolio = await account.read("portfolio");
    expect(portfolio).toMatchObject({
      currency: "EUR",
      totals: { events: 0, cost: 0, margin: 0, marginPercent: null },
    });
    expect(portfolio.summary).toMatchObject({ avgMargin: null, topModelsByCost: [] });
    expect(portfolio.change).toMatchObject({ cost: { absolute: 0, percent: null } });
    expect(await account.read("models")).toMatchObject({ providerBreakdown: [], models: [] });
  });

  test("a late event changes the figures of days that were already told", async ({ expect }) => {
    const account = await openAccount();
    await account.track(...EVENTS);
    expect(await account.read("portfolio")).toMatchObject({ totals: { events: 5, cost: 2.95 } });
    await account.track({ customerReferenceId: "late", occurredAt: "2027-03-01T12:00:00Z", costAmount: 1 });
    expect(await account.read("portfolio")).toMatchObject({ totals: { events: 6, cost: 3.95 }, customerCount: 5 });
    expect(await account.read("features")).toMatchObject({ totals: { cost: 3.95 } });
  });

  test("hours that become days move no sum", async ({ expect }) => {
    const account = await openAccount();
    const [acme = ""] = await account.track(...EVENTS);
    const range = "start=2027-01-01T00:00:00Z&end=2027-03-20T00:00:00Z";
    const before = (await account.read(`portfolio?${range}`)).totals;
    vi.setSystemTime(Date.parse("2027-05-20T00:00:00Z"));
    await objectOf(env, account.accountId, acme as Uuid).wake();
    expect((await account.read(`portfolio?${range}`)).totals).toEqual(before);
    expect((await account.read(`customers/acme?${range}`)).days).toMatchObject([{ events: 1 }, { events: 2 }]);
  });

  test("what was recorded in another currency stands beside and never inside", async ({ expect }) => {
    const account = await openAccount();
    const [acme = ""] = await account.track(...EVENTS);
    await env.DB.prepare("UPDATE rollups SET currency = 'EUR' WHERE account_id = ? AND customer_id <> ?")
      .bind(account.accountId, acme)
      .run();
    const portfolio = await account.read("portfolio");
    expect(portfolio).toMatchObject({
      totals: { events: 2, cost: 0.2 },
      otherCurrencies: [{ currency: "EUR", events: 3, cost: 2.75, revenue: 3 }],
    });
    const { items } = await account.read("customers");
    expect(by(items, "customerReferenceId", "core")).toMatchObject({
      cost: 0,
      otherCurrencies: [{ currency: "EUR", cost: 2.25 }],
    });
  });
});
