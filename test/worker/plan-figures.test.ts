import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { BILLED_SQL, PLAN_LINES_SQL } from "../../src/ledger/billed.ts";
import { ENDED_SPANS_SQL, OPEN_SPANS_SQL, PLAN_MRR_SQL, pendingSql } from "../../src/ledger/mrr.ts";
import { dump } from "../support/d1.ts";
import { customer, ok, pay, read, type Subscribed, type Subscription, sell } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

/** Figures of plans from the outside: customers subscribe, use, change and leave, and an operator reads what that comes to. */

type Json = Record<string, unknown>;

const JANUARY = "2027-01-01T00:00:00Z";
/** A whole hour: the default range is exactly 30 days. */
const NOW = "2027-02-25T00:00:00Z";

beforeEach(() => clockAt(JANUARY));
afterEach(() => {
  vi.useRealTimers();
});

const goTo = (instant: string) => vi.setSystemTime(at(instant));

/** Customers pay late without being suspended, unless a test says otherwise. */
const GRACE = 400;

async function subscribeNow(
  world: World,
  reference: string,
  planId: string,
  gracePeriod = GRACE,
): Promise<Subscription> {
  const body = { customerReferenceId: reference, planId, gracePeriod };
  const { subscription, invoice } = await ok(world.call<Subscribed>("POST", "/api/v1/client/subscriptions", body));
  if (subscription.isActive) return subscription;
  return (await ok(pay(world, invoice.id))).subscription;
}

function change(world: World, { id }: Subscription, changeType: string, changeToPlanId: string) {
  return ok(world.call("POST", `/api/v1/client/subscriptions/${id}/plan-change`, { changeType, changeToPlanId }));
}

function cancel(world: World, { id }: Subscription, cancelMode: string) {
  return ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${id}?cancelMode=${cancelMode}`));
}

function figures(world: World, path: string): Promise<Json> {
  return ok(world.call("GET", `/api/v1/analytics/${path}`));
}

function by<T = Json>(items: unknown, field: string, value: unknown): T {
  const found = (items as Json[]).find((item) => item[field] === value);
  if (found === undefined) throw new Error(`no ${field} ${String(value)} in ${JSON.stringify(items)}`);
  return found as T;
}

/** One event with its revenue and cost. */
function use(reference: string, occurredAt: string, revenueAmount = 0, costAmount = 0): Json {
  return { customerReferenceId: reference, eventName: "call", occurredAt, revenueAmount, costAmount };
}

/**
 * Eight customers, from January on. In the account's currency there are, on the 26th of January and on the 25th of February:
 * ada 30 → 90 (upgraded), bob 90 → 90 (12 from March on), cy 30 → 30 (until March), dee 30 → 0 (left), eve 100 → 100 (a year),
 * gus 30 → 30 (suspended). Beside them finn pays 10 EUR, hal nothing yet, ivy is on a free plan.
 */
async function company(): Promise<World> {
  const world = await newWorld();
  const plans = {
    pro: await sell(world, "pro", { priceAmount: 30 }),
    team: await sell(world, "team", { priceAmount: 90 }),
    basic: await sell(world, "basic", { priceAmount: 12 }),
    year: await sell(world, "year", { priceAmount: 1200, intervalMonths: 12 }),
    euro: await sell(world, "euro", { priceAmount: 10, currency: "EUR" }),
    free: await sell(world, "free"),
  };
  const ids: string[] = [];
  for (const reference of ["ada", "bob", "cy", "dee", "eve", "finn", "gus", "hal", "ivy"])
    ids.push(await customer(world, reference));
  const ada = await subscribeNow(world, "ada", plans.pro);
  const bob = await subscribeNow(world, "bob", plans.team);
  const cy = await subscribeNow(world, "cy", plans.pro);
  const dee = await subscribeNow(world, "dee", plans.pro);
  await subscribeNow(world, "eve", plans.year);
  await subscribeNow(world, "finn", plans.euro);
  const gus = await subscribeNow(world, "gus", plans.pro, 3);
  await subscribeNow(world, "ivy", plans.free);
  goTo("2027-02-10T00:00:00Z");
  await change(world, ada, "UPGRADE", plans.team);
  goTo("2027-02-15T00:00:00Z");
  await cancel(world, dee, "IMMEDIATE");
  goTo("2027-02-20T00:00:00Z");
  await change(world, bob, "DOWNGRADE", plans.basic);
  await cancel(world, cy, "END_OF_PERIOD");
  await ok(
    world.call<Subscribed>("POST", "/api/v1/client/subscriptions", { customerReferenceId: "hal", planId: plans.pro }),
  );
  await read(world, gus);
  const { results } = (
    await world.batch([
      use("ada", "2027-02-12T00:00:00Z", 15, 40),
      use("eve", "2027-02-12T00:00:00Z", 0, 80),
      use("cy", "2027-01-10T00:00:00Z"),
      use("cy", "2027-01-11T00:00:00Z"),
      use("cy", "2027-01-12T00:00:00Z"),
      use("cy", "2027-02-11T00:00:00Z"),
      use("ada", "2027-01-10T00:00:00Z"),
    ])
  ).data;
  if (results.some(({ status }) => status !== "accepted")) throw new Error(JSON.stringify(results));
  goTo(NOW);
  await world.flush(...ids);
  return world;
}

let made: Promise<World> | undefined;

/** The same company, for tests that only look at it. */
async function sameCompany(): Promise<World> {
  made ??= company();
  const world = await made;
  goTo(NOW);
  return world;
}

describe("does", () => {
  test("the portfolio tells what is brought a month, what usage adds, who is about to leave, and what that is worth", async ({
    expect,
  }) => {
    const world = await sameCompany();
    const { summary, customerCount, otherCurrencies } = await figures(world, "portfolio");
    expect(summary).toMatchObject({
      totalMrr: 340,
      payingCustomers: 5,
      totalProjectedUsageRevenue: 15,
      totalProjectedCost: 120,
      totalEffectiveMrr: 355,
      totalRgp: 235,
      rgpMargin: 66.1972,
      // ada (105 − 40) ÷ 105 = 61.9 %, eve (100 − 80) ÷ 100 = 20 %, the others cost nothing.
      mrrByStatus: { healthy: 150, atRisk: 90, underwater: 100, noRevenue: 0 },
      customersByStatus: { healthy: 3, atRisk: 1, underwater: 1, noRevenue: 1 },
      // 340 of those who had 310, of whom one of six left; 235 ÷ 5 ÷ (1 ÷ 6).
      nrr: 109.6774,
      churnRate: 16.6667,
      ltv: 282,
      pendingCancelCount: 1,
      pendingCancelMrr: 30,
      pendingDowngradeCount: 1,
      suspendedCount: 1,
      suspendedMrr: 30,
      // cy 70 + 40, at most 100; bob 30; gus 40; ada, eve and finn none: 170 ÷ 6.
      avgChurnScore: 28.3333,
      criticalChurnCount: 1,
      highRiskMrr: 60,
      // In March cy's 30 go, and 78 of bob's.
      revenueBurnDown: { next30Days: 108, next60Days: 108, next90Days: 108 },
    });
    expect(customerCount).toBe(6);
    expect(otherCurrencies).toEqual([expect.objectContaining({ currency: "EUR", mrr: 10, events: 0 })]);
  });

  test("customers stand with their figures, those without events too, and sort by them", async ({ expect }) => {
    const world = await sameCompany();
    const { items, pagination } = await figures(world, "customers?sort=mrr&order=desc");
    expect((items as Json[]).map(({ customerReferenceId, mrr }) => [customerReferenceId, mrr])).toEqual(
      expect.arrayContaining([
        ["eve", 100],
        ["ada", 90],
        ["bob", 90],
        ["cy", 30],
        ["gus", 30],
        ["finn", 0],
      ]),
    );
    expect((items as Json[]).map(({ mrr }) => mrr)).toEqual([100, 90, 90, 30, 30, 0]);
    expect(pagination).toMatchObject({ total: 6 });
    expect(by(items, "customerReferenceId", "ada")).toMatchObject({
      mrr: 90,
      projectedUsageRevenue: 15,
      projectedCost: 40,
      effectiveMrr: 105,
      marginStatus: "at_risk",
      revenue: 15,
      churn: { score: 0, risk: "low", eventTrendPercent: 0 },
    });
    expect(by(items, "customerReferenceId", "cy")).toMatchObject({
      marginStatus: "healthy",
      churn: {
        score: 100,
        risk: "critical",
        pendingCancelCount: 1,
        pendingCancelMrr: 30,
        cancelEffectiveAt: "2027-03-01T00:00:00.000Z",
        eventTrendPercent: -66.6667,
      },
    });
    expect(by(items, "customerReferenceId", "finn")).toMatchObject({
      mrr: 0,
      marginStatus: "no_revenue",
      churn: { score: 0, eventTrendPercent: null },
      otherCurrencies: [{ currency: "EUR", mrr: 10, events: 0 }],
    });
    const worst = await figures(world, "customers?sort=churnScore&order=desc&limit=3");
    expect((worst.items as Json[]).map(({ customerReferenceId }) => customerReferenceId)).toEqual(["cy", "gus", "bob"]);
    const richest = await figures(world, "customers?sort=effectiveMrr&order=desc&limit=1");
    expect((richest.items as Json[])[0]).toMatchObject({ customerReferenceId: "ada", effectiveMrr: 105 });
  });

  test("one customer stands with the same figures as in the list", async ({ expect }) => {
    const world = await sameCompany();
    const { items } = await figures(world, "customers");
    for (const reference of ["ada", "bob", "cy", "finn", "gus"]) {
      const { customer: alone } = await figures(world, `customers/${reference}`);
      expect(alone).toEqual(by(items, "customerReferenceId", reference));
    }
    const { customer: left } = await figures(world, "customers/dee");
    expect(left).toMatchObject({ mrr: 0, effectiveMrr: 0, marginStatus: "no_revenue" });
    expect(left).not.toHaveProperty("churn");
  });

  test("the bridge leads from month to month, beside what invoices billed", async ({ expect }) => {
    const world = await sameCompany();
    const { periods } = await figures(world, "revenue-bridge?periods=3");
    const [december, january, february] = periods as Json[];
    const none = { start: 0, new: 0, expansion: 0, contraction: 0, churned: 0, end: 0, customerCount: 0, nrr: null };
    expect(december?.mrr).toMatchObject(none);
    // Who begins with the first instant of a month is of that month.
    expect(january?.mrr).toMatchObject({ ...none, new: 310, end: 310, customerCount: 6, newCustomers: 6 });
    expect(february?.mrr).toMatchObject({
      start: 310,
      new: 0,
      expansion: 60,
      contraction: 0,
      churned: 30,
      end: 340,
      customerCount: 5,
      newCustomers: 0,
      churnedCustomers: 1,
      nrr: 109.6774,
    });
    // 30 for ada, cy, dee and gus, 90 for bob, 1200 for eve.
    expect(january).toMatchObject({ baseRevenue: 1410, adjustmentRevenue: 0, creditAmount: 0, netRevenue: 1410 });
    // ada, bob, cy and gus renew (dee's renewal is void with her); ada upgrades with 19 of 28 days left, hal's first invoice is due.
    const upgrade = -20.36 + 61.07;
    expect(february).toMatchObject({
      baseRevenue: 30 + 90 + 30 + 30 + 30,
      usageRevenue: 0,
      adjustmentRevenue: upgrade,
      billedRevenue: 250.71,
      creditAmount: 0,
      netRevenue: 250.71,
      creditToRevenueRatio: 0,
    });
  });

  test("a time series of MRR tells it at the end of each interval, as a whole and by customer", async ({ expect }) => {
    const world = await sameCompany();
    const range = "start=2026-12-01T00:00:00Z&end=2027-02-25T00:00:00Z";
    const lines = async (query: string) => {
      const { series } = (await figures(world, `timeseries?metric=mrr&${query}`)) as {
        series: { label: string; total: number; points: { value: number }[] }[];
      };
      return series.map(({ label, total, points }) => [label, total, ...points.map(({ value }) => value)]);
    };
    expect(await lines(`interval=month&${range}`)).toEqual([["Total", 340, 0, 310, 340]]);
    const days = "start=2027-02-09T00:00:00Z&end=2027-02-17T00:00:00Z";
    // What changes with the first instant of a day is of that day.
    expect(await lines(`interval=day&${days}`)).toEqual([["Total", 340, 310, 370, 370, 370, 370, 370, 340, 340]]);
    const customers = await lines(`interval=month&groupBy=customer&${range}`);
    expect(customers).toEqual(
      expect.arrayContaining([
        ["ada", 90, 0, 30, 90],
        ["dee", 0, 0, 30, 0],
        ["eve", 100, 0, 100, 100],
      ]),
    );
    expect(customers[0]?.[0]).toBe("eve");
    for (const groupBy of ["feature", "model"]) {
      const refused = await world.call("GET", `/api/v1/analytics/timeseries?metric=mrr&groupBy=${groupBy}`);
      expect([refused.status, refused.error.fields?.[0]?.path]).toEqual([400, "groupBy"]);
    }
  });

  test("a rate of the account puts another currency into its sums", async ({ expect }) => {
    const world = await company();
    await ok(world.call("PATCH", "/api/v1/account/settings", { exchangeRates: { eur: "1.25" } }));
    const { summary, otherCurrencies } = await figures(world, "portfolio");
    expect(summary).toMatchObject({ totalMrr: 352.5, payingCustomers: 6, nrr: 109.3023 });
    expect(otherCurrencies).toEqual([]);
    const { customer: finn } = await figures(world, "customers/finn");
    expect(finn).toMatchObject({ mrr: 12.5, marginStatus: "healthy" });
    expect(finn).not.toHaveProperty("otherCurrencies");
    const { periods } = await figures(world, "revenue-bridge?periods=2");
    expect(periods).toMatchObject([{ mrr: { end: 322.5 }, baseRevenue: 1410 + 12.5 }, { mrr: { end: 352.5 } }]);
  });

  test("what was given back stands against what is brought", async ({ expect }) => {
    const world = await newWorld();
    const plan = await sell(world, "pro", { priceAmount: 28 });
    const id = await customer(world);
    await customer(world, "bob");
    goTo("2027-02-01T00:00:00Z");
    const ada = await subscribeNow(world, "ada", plan);
    await subscribeNow(world, "bob", plan);
    goTo("2027-02-15T00:00:00Z");
    await cancel(world, ada, "IMMEDIATE");
    goTo(NOW);
    await world.flush(id);
    const { summary } = await figures(world, "portfolio");
    expect(summary).toMatchObject({
      totalMrr: 28,
      creditImpact: { totalCredits: 14, creditInvoiceCount: 1, netEffectiveMrr: 14, creditToMrrRatio: 50 },
    });
    const { periods } = await figures(world, "revenue-bridge?periods=1");
    expect((periods as Json[])[0]).toMatchObject({ billedRevenue: 56, creditAmount: 14, netRevenue: 42 });
  });

  test("what leaves is told from each customer's own now, also one of a test clock that is years ahead", async ({
    expect,
  }) => {
    const world = await newWorld();
    const plan = await sell(world, "pro", { priceAmount: 30 });
    const clock = await ok(
      world.call<{ id: string }>("POST", "/api/v1/test-clocks", { name: "c", frozenTime: "2028-05-10T00:00:00Z" }),
    );
    const body = { customerReferenceId: "ada", email: "a@b", testClockId: clock.id };
    const { id } = await ok(world.call<{ id: string }>("POST", "/api/v1/client/customers", body));
    const ada = await subscribeNow(world, "ada", plan);
    await cancel(world, ada, "END_OF_PERIOD");
    await world.flush(id);
    const { summary } = await figures(world, "portfolio");
    expect(summary).toMatchObject({ totalMrr: 30, revenueBurnDown: { next30Days: 0, next60Days: 30, next90Days: 30 } });
  });
});

describe("a plan's revenue", () => {
  type Revenue = Json & { subscriptions: { items: Json[]; pagination: Json } };

  const revenueOf = (world: World, plan: string, query = "") =>
    ok(world.call<Revenue>("GET", `/api/v1/monetization/plans/${plan}/revenue${query}`));

  /** ada uses 100 units of pro in January, is on team from the 15th of February on, and a correction takes 10 units back. */
  async function used(): Promise<{ world: World; pro: string; team: string; ada: Subscription }> {
    const world = await newWorld();
    const rule = { pricing: { model: "usage", price_per_unit: 0.1, usage_unit_type: "call" } };
    const pro = await sell(world, "pro", { priceAmount: 28 }, rule);
    const team = await sell(world, "team", { priceAmount: 56 });
    const ids = [await customer(world), await customer(world, "bob")];
    const ada = await subscribeNow(world, "ada", pro);
    const bob = await subscribeNow(world, "bob", pro);
    const event = { customerReferenceId: "ada", featureKey: "chat.pro", usageUnits: 100 };
    const { eventId } = await ok(world.event(event));
    goTo("2027-02-01T00:00:00Z");
    for (const one of [ada, bob]) await read(world, one);
    goTo("2027-02-15T00:00:00Z");
    await change(world, ada, "UPGRADE", team);
    const correction = { usageUnits: 90, reason: "counted twice", idempotencyKey: "fix" };
    await ok(world.call("POST", `/api/v1/client/events/${eventId}/correct`, correction));
    goTo("2027-03-01T00:00:00Z");
    await read(world, ada);
    await world.flush(...ids);
    return { world, pro, team, ada };
  }

  test("is what lines charge for it, by subscription and feature, also of one that went on to another plan", async ({
    expect,
  }) => {
    const { world, pro, team, ada } = await used();
    const whole = await revenueOf(world, pro, `?periodStart=${JANUARY}&periodEnd=2027-03-01T00:00:00.001Z`);
    expect(whole).toMatchObject({
      planId: pro,
      planKey: "pro",
      currency: "USD",
      // Two first invoices, two renewals in February and bob's in March; half of ada's is given back by the upgrade.
      baseRevenue: 140,
      usageRevenue: 10,
      adjustmentRevenue: -14,
      creditAmount: 1,
      aggregateTotalRevenue: 135,
      aggregateTotalUnits: 90,
    });
    expect(whole.subscriptions.pagination).toMatchObject({ total: 2 });
    expect(by(whole.subscriptions.items, "subscriptionId", ada.id)).toMatchObject({
      customerName: "ada",
      totalUnits: 90,
      totalRevenue: 28 + 28 + 10 - 14 - 1,
      features: [{ featureKey: "chat.pro", totalUnits: 90, totalRevenue: 9 }],
    });
    expect(
      await revenueOf(world, team, "?periodStart=2027-02-15T00:00:00Z&periodEnd=2027-03-01T00:00:00.001Z"),
    ).toMatchObject({
      baseRevenue: 56,
      adjustmentRevenue: 28,
      aggregateTotalRevenue: 84,
      mrr: 56,
      subscriptionCount: 1,
    });
  });

  test("is of exactly the period that is asked for, and of one subscription if asked", async ({ expect }) => {
    const { world, pro, ada } = await used();
    const only = await revenueOf(
      world,
      pro,
      `?periodStart=${JANUARY}&periodEnd=2027-02-01T00:00:00Z&subscriptionId=${ada.id.toUpperCase()}`,
    );
    expect(only).toMatchObject({ baseRevenue: 28, aggregateTotalRevenue: 28, aggregateTotalUnits: 0 });
    expect(only.subscriptions.items.map(({ subscriptionId }) => subscriptionId)).toEqual([ada.id]);
    const paged = await revenueOf(world, pro, `?periodStart=${JANUARY}&limit=1&offset=1`);
    expect(paged.subscriptions).toMatchObject({
      items: [expect.anything()],
      pagination: { total: 2, limit: 1, offset: 1, hasMore: false },
    });
    const none = await revenueOf(world, pro, "?periodEnd=2027-01-01T00:00:00Z");
    expect(none).toMatchObject({ aggregateTotalRevenue: 0, subscriptions: { items: [] } });
  });
});

describe("refuses", () => {
  test("a plan that is not there, and a period that ends before it begins", async ({ expect }) => {
    const world = await newWorld();
    const other = await newWorld();
    const plan = await sell(other, "pro");
    const path = (id: string) => `/api/v1/monetization/plans/${id}/revenue`;
    for (const id of [plan, "nonsense", crypto.randomUUID()])
      expect((await world.call("GET", path(id))).status).toBe(404);
    const backwards = await other.call(
      "GET",
      `${path(plan)}?periodStart=2027-02-01T00:00:00Z&periodEnd=2027-02-01T00:00:00Z`,
    );
    expect([backwards.status, backwards.error.fields?.[0]?.path]).toEqual([400, "periodStart"]);
  });

  test("rates that are none", async ({ expect }) => {
    const world = await newWorld();
    for (const exchangeRates of [{ EUR: 0 }, { EUR: -1 }, { EURO: 1 }, { EUR: "x" }, 3])
      expect((await world.call("PATCH", "/api/v1/account/settings", { exchangeRates })).status).toBe(400);
  });
});

describe("holds", () => {
  test("rates are kept exactly, cleared by an empty object, and go with the currency they were given for", async ({
    expect,
  }) => {
    const world = await newWorld();
    const set = async (body: Json) => (await ok(world.call("PATCH", "/api/v1/account/settings", body))).exchangeRates;
    expect(await set({ exchangeRates: { eur: "1.25", JPY: 0.0067 } })).toEqual({ EUR: 1.25, JPY: 0.0067 });
    expect(await set({ slug: "rates" })).toEqual({ EUR: 1.25, JPY: 0.0067 });
    expect(await set({ exchangeRates: {} })).toBeUndefined();
    await set({ exchangeRates: { EUR: 2 } });
    expect(await set({ currency: "GBP" })).toBeUndefined();
  });

  test("another account's subscribers are in none of the figures", async ({ expect }) => {
    await sameCompany();
    const { summary, customers } = await figures(await newWorld(), "portfolio");
    expect(summary).toMatchObject({ totalMrr: 0, payingCustomers: 0, nrr: null, churnRate: null, ltv: null });
    expect(summary).toMatchObject({ avgChurnScore: null, rgpMargin: null, pendingCancelCount: 0, suspendedCount: 0 });
    expect(customers).toEqual([]);
  });

  test("reprojecting makes the same rows again where D1 lost them", async ({ expect }) => {
    const world = await company();
    const before = await dump("mrr_spans", world.accountId, ["rev"]);
    const plans = await dump("invoice_plans", world.accountId);
    expect(before).toHaveLength(8);
    for (const table of ["mrr_spans", "invoice_plans"])
      await env.DB.prepare(`DELETE FROM ${table} WHERE account_id = ?`).bind(world.accountId).run();
    const { results } = await env.DB.prepare("SELECT customer_id AS id FROM customers WHERE account_id = ?")
      .bind(world.accountId)
      .all<{ id: string }>();
    for (const { id } of results) {
      await world.object(id).reproject();
      await world.flush(id);
    }
    expect(await dump("mrr_spans", world.accountId, ["rev"])).toEqual(before);
    expect(await dump("invoice_plans", world.accountId)).toEqual(plans);
  });

  test("an object that is older than the history of MRR gets one from the activation on, by reprojecting", async ({
    expect,
  }) => {
    const world = await newWorld();
    const plan = await sell(world, "pro", { priceAmount: 30 });
    const id = await customer(world);
    goTo("2027-01-10T00:00:00Z");
    await subscribeNow(world, "ada", plan);
    await world.flush(id);
    const before = await dump("mrr_spans", world.accountId, ["rev"]);
    expect(before).toHaveLength(1);
    await runInDurableObject(world.object(id), (object) => sqlOf(object).exec("DELETE FROM mrr_spans"));
    await env.DB.prepare("DELETE FROM mrr_spans WHERE account_id = ?").bind(world.accountId).run();
    await abortAllDurableObjects();
    goTo("2027-01-20T00:00:00Z");
    for (let again = 0; again < 2; again += 1) {
      await world.object(id).reproject();
      await world.flush(id);
      expect(await dump("mrr_spans", world.accountId, ["rev"])).toEqual(before);
    }
  });

  test("a late batch does not open a span again that has ended", async ({ expect }) => {
    const { projectionStatements } = await import("../../src/ledger/projections.ts");
    const [accountId, customerId] = [crypto.randomUUID(), crypto.randomUUID()];
    const span = {
      number: 1,
      subscription: 1,
      planId: "p",
      version: 1,
      currency: "USD",
      mrrE12: 10n ** 22n + 1n,
      startMs: 1,
    };
    const write = (rev: number, more: { endMs?: number }) =>
      env.DB.batch(
        projectionStatements(env.DB, accountId, customerId, [
          { kind: "mrr", span: { ...span, ...more }, subscriptionId: "s", rev },
        ]),
      );
    await write(2, { endMs: 9 });
    await write(1, {});
    const [row] = await dump("mrr_spans", accountId);
    expect(JSON.parse(row ?? "")).toMatchObject({ end_ms: 9, rev: 2, mrr_hi: 10_000, mrr_mid: 0, mrr_lo: 1 });
  });

  test("every question goes along an index, whatever the account has", async ({ expect }) => {
    const planOf = async (sql: string, ...bound: (string | number | null)[]) => {
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...bound)
        .all<{ detail: string }>();
      return results.map(({ detail }) => detail).join("\n");
    };
    const pieces = JSON.stringify([[0, 1, 2]]);
    expect(await planOf(OPEN_SPANS_SQL, "a")).toMatch(
      /^SEARCH mrr_spans USING COVERING INDEX mrr_spans_open \(account_id=\?\)$/,
    );
    expect(await planOf(ENDED_SPANS_SQL, "a", 1)).toMatch(
      /^SEARCH mrr_spans USING COVERING INDEX mrr_spans_ended \(account_id=\? AND end_ms>\?\)$/,
    );
    expect(await planOf(PLAN_MRR_SQL, "a", "p")).toContain(
      "SEARCH mrr_spans USING COVERING INDEX mrr_spans_open (account_id=? AND plan_id=?)",
    );
    expect(await planOf(BILLED_SQL, "a", pieces)).toContain(
      "SEARCH i USING COVERING INDEX invoices_billed (account_id=? AND due_at_ms>? AND due_at_ms<?)",
    );
    const lines = await planOf(PLAN_LINES_SQL, "a", "p", 1, 2, null);
    expect(lines).toContain(
      "SEARCH invoice_plans USING PRIMARY KEY (account_id=? AND plan_id=? AND due_at_ms>? AND due_at_ms<?)",
    );
    expect(lines).toContain("SEARCH i USING PRIMARY KEY (account_id=? AND invoice_id=?)");
    const pending = await planOf(pendingSql("account"), "a");
    for (const index of ["subscriptions_ending", "subscriptions_changing", "subscriptions_by_status"])
      expect(pending).toMatch(new RegExp(`SEARCH subscriptions USING (COVERING )?INDEX ${index}`));
    expect(pending).toContain("SEARCH s USING PRIMARY KEY (account_id=? AND subscription_id=?)");
    const alone = await planOf(pendingSql("customer"), "a", "c");
    expect(alone).toContain(
      "SEARCH subscriptions USING INDEX subscriptions_by_customer (account_id=? AND customer_id=?)",
    );
    for (const plan of [lines, pending, alone])
      expect(plan).not.toMatch(/SCAN (i|s|c|k|subscriptions|invoices|invoice_plans)\b/);
  });
});
