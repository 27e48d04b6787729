import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { PLAN_USAGE_SQL } from "../../src/ledger/plan-usage.ts";
import { active, customer, invoicesOf, ok, type Page, sell } from "../support/sale.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

/** A plan's preview from the outside: customers used things last month, and somebody asks what they would have paid. */

const JANUARY = "2027-01-01T00:00:00Z";
const PLANS = "/api/v1/monetization/plans";

type Preview = {
  version: number;
  currency: string;
  costCurrency: string;
  periodStart: string;
  periodEnd: string;
  customers: {
    customerId: string;
    customerReferenceId?: string;
    amount: number;
    events: number;
    lines: { kind: string; description: string; amount: number; featureKey?: string; usage?: Record<string, number> }[];
    credits: { denomination: string; given: number; needed: number; drawn: number }[];
    cost: number;
    marginPercent: number | null;
  }[];
};

beforeEach(() => clockAt(JANUARY));
afterEach(() => {
  vi.useRealTimers();
});

const PER_CALL = { pricing: { model: "usage", price_per_unit: 0.1, usage_unit_type: "call" } };

const preview = (world: World, planId: string, body: Record<string, unknown> = {}) =>
  world.call<Preview>("POST", `${PLANS}/${planId}/preview`, body);

/** A draft with a feature of its own, and its feature's id. */
async function draft(world: World, value: unknown = PER_CALL, body: Record<string, unknown> = {}) {
  const plan = { key: "draft", name: "Draft", priceAmount: 20, ...body };
  const { id: planId } = await ok(world.call<{ id: string }>("POST", PLANS, plan));
  const feature = await ok(world.call<{ id: string }>("POST", "/api/v1/monetization/features", { key: "chat" }));
  const rule = { planId, featureId: feature.id, value };
  await ok(world.call("POST", "/api/v1/monetization/rules/plan-features", rule));
  return { planId, featureId: feature.id };
}

/** Uses of `chat`; then it is the tenth of February. */
async function january(world: World, units: Record<string, number>): Promise<void> {
  const ids: string[] = [];
  for (const [reference, usageUnits] of Object.entries(units)) {
    ids.push(await customer(world, reference));
    const use = { customerReferenceId: reference, featureKey: "chat" };
    vi.setSystemTime(at("2027-01-20T00:00:00Z"));
    await ok(world.event({ ...use, usageUnits, costAmount: 1, eventIdempotencyKey: "in" }));
    vi.setSystemTime(at("2027-02-10T00:00:00Z"));
    await ok(world.event({ ...use, usageUnits: 1000, costAmount: 50, eventIdempotencyKey: "after" }));
    vi.setSystemTime(at(JANUARY));
  }
  vi.setSystemTime(at("2027-02-10T00:00:00Z"));
  await world.flush(...ids);
}

describe("does", () => {
  test("a draft is priced by last month's usage of named customers, line by line", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await draft(world);
    await january(world, { ada: 120, bob: 30 });
    const told = await ok(preview(world, planId, { customers: ["bob", "ada"] }));
    expect(told).toMatchObject({
      version: 0,
      currency: "USD",
      costCurrency: "USD",
      periodStart: "2027-01-01T00:00:00.000Z",
      periodEnd: "2027-02-01T00:00:00.000Z",
    });
    expect(told.customers.map(({ customerReferenceId, amount }) => [customerReferenceId, amount])).toEqual([
      ["bob", 23],
      ["ada", 32],
    ]);
    const [, ada] = told.customers;
    expect(ada).toMatchObject({ events: 1, cost: 1, marginPercent: 96.875, credits: [] });
    expect(ada?.lines).toMatchObject([
      { kind: "BASE", description: "Draft, 2027-01-01 to 2027-02-01", amount: 20 },
      {
        kind: "USAGE",
        description: "chat: 120 call",
        featureKey: "chat",
        amount: 12,
        usage: { used: 120, refused: 0, covered: 0, billable: 120 },
      },
    ]);
  });

  test("without names, the three with most events of its features", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await draft(world);
    await january(world, { ada: 1, bob: 1, cy: 1, dee: 1 });
    const use = { customerReferenceId: "dee", featureKey: "chat", occurredAt: "2027-01-25T00:00:00Z" };
    const { customerId } = await ok(world.event(use));
    await world.flush(customerId);
    const told = await ok(preview(world, planId));
    expect(told.customers).toHaveLength(3);
    expect(told.customers[0]).toMatchObject({ customerReferenceId: "dee", events: 2 });
  });

  test("a price and rules that are sent along count instead, and change nothing", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await draft(world);
    await january(world, { ada: 120 });
    const pricing = { model: "usage", price_per_unit: 0.5, usage_unit_type: "call", max_usage: 100 };
    const body = { customers: ["ada"], priceAmount: 5, features: [{ featureId, value: { pricing } }] };
    const [ada] = (await ok(preview(world, planId, body))).customers;
    expect(ada?.amount).toBe(5 + 50);
    expect(ada?.lines[1]?.usage).toMatchObject({ used: 120, refused: 20, billable: 100 });
    expect((await ok(preview(world, planId, { customers: ["ada"] }))).customers[0]?.amount).toBe(32);
    const trail = await ok(world.call<Page<{ action: string }>>("GET", "/api/v1/account/audit-log?limit=200"));
    expect(trail.items.filter(({ action }) => action === "rules.replaced" || action === "plan.changed")).toEqual([]);
  });

  test("a version that was sold is priced as its subscribers still have it", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await draft(world, PER_CALL, { description: "For a test." });
    await ok(world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" }));
    await ok(world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: 30 }));
    const value = { pricing: { ...PER_CALL.pricing, price_per_unit: 0.5 } };
    await ok(world.call("PATCH", "/api/v1/monetization/rules/plan-features", { planId, featureId, value }));
    await january(world, { ada: 120 });
    const paid = async (body: Record<string, unknown>) => {
      const { version, customers } = await ok(preview(world, planId, { customers: ["ada"], ...body }));
      return [version, customers[0]?.amount];
    };
    expect(await paid({ version: 1 })).toEqual([1, 32]);
    expect(await paid({ version: 2 })).toEqual([2, 42]);
    expect(await paid({})).toEqual([3, 90]);
  });

  test("credits of the plan cover units by the weights of now", async ({ expect }) => {
    const world = await newWorld();
    const model = { name: "Credits", denomination: "AI", hardLimit: false };
    const { id } = await ok(world.call<{ id: string }>("POST", "/api/v1/monetization/credits/models", model));
    const { planId, featureId } = await draft(world);
    const rule = { planId, featureId, creditModelId: id };
    await ok(world.call("PATCH", "/api/v1/monetization/rules/plan-features", rule));
    await ok(world.call("POST", `/api/v1/monetization/credits/models/${id}/plans/${planId}?creditAmount=100`));
    const weight = { featureId, creditsPerUnit: 2 };
    await ok(
      world.call("POST", "/api/v1/monetization/credits/weights/publish", {
        effectiveFrom: "2027-01-15T00:00:00Z",
        entries: [weight],
      }),
    );
    await january(world, { ada: 80 });
    const [ada] = (await ok(preview(world, planId))).customers;
    expect(ada?.credits).toEqual([{ denomination: "AI", given: 100, needed: 160, drawn: 100 }]);
    expect(ada?.lines[1]).toMatchObject({ amount: 3, usage: { used: 80, covered: 50, billable: 30, refused: 0 } });
  });

  test("units of a rule that never resets go on from what was used before the month", async ({ expect }) => {
    const world = await newWorld();
    const tiers = [
      { up_to: 100, price_per_unit: 1 },
      { up_to: "inf", price_per_unit: 0.5 },
    ];
    const { planId } = await draft(world, { pricing: { model: "graduated", tiers, reset_mode: "accumulate" } });
    const { customerId } = await ok(
      world.event({
        customerReferenceId: "ada",
        featureKey: "chat",
        usageUnits: 70,
        occurredAt: "2026-12-20T00:00:00Z",
      }),
    );
    await january(world, { ada: 50 });
    await world.flush(customerId);
    const [ada] = (await ok(preview(world, planId))).customers;
    // 30 at 1, 20 at 0.50.
    expect(ada?.lines[1]).toMatchObject({ amount: 40, usage: { used: 50, billable: 50 } });
  });

  test("a plan in a currency without a rate has no margin; with one it has", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await draft(world, PER_CALL, { currency: "EUR" });
    await january(world, { ada: 100 });
    expect(await ok(preview(world, planId))).toMatchObject({
      currency: "EUR",
      costCurrency: "USD",
      customers: [{ amount: 30, cost: 1, marginPercent: null }],
    });
    await ok(world.call("PATCH", "/api/v1/account/settings", { exchangeRates: { EUR: 2 } }));
    // 60 USD for a cost of 1.
    vi.setSystemTime(at("2027-02-10T01:00:00Z"));
    expect((await ok(preview(world, planId))).customers).toMatchObject([{ marginPercent: 98.3333 }]);
  });

  test("nobody is there where nothing was used, and no plan needs features", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ok(world.call<{ id: string }>("POST", PLANS, { key: "bare", name: "Bare", priceAmount: 9 }));
    expect((await ok(preview(world, id))).customers).toEqual([]);
    await customer(world, "ada");
    expect((await ok(preview(world, id, { customers: ["ada"] }))).customers).toMatchObject([
      { amount: 9, lines: [{ kind: "BASE" }], cost: 0, marginPercent: 100 },
    ]);
  });
});

describe("refuses", () => {
  test("who or what is not there", async ({ expect }) => {
    const [world, other] = [await newWorld(), await newWorld()];
    const { planId } = await draft(world);
    expect((await preview(world, crypto.randomUUID())).error.code).toBe("not_found");
    expect((await preview(other, planId)).error.code).toBe("not_found");
    await customer(other, "zoe");
    expect((await preview(world, planId, { customers: ["zoe"] })).status).toBe(404);
    expect((await preview(world, planId, { version: 1 })).status).toBe(404);
    const features = [{ featureId: crypto.randomUUID() }];
    expect((await preview(world, planId, { features })).status).toBe(404);
  });

  test("a wrong rule at its field, and too many customers", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await draft(world);
    const pricing = { model: "usage", price_per_unit: -1 };
    const wrong = await preview(world, planId, { features: [{ featureId, value: { pricing } }] });
    expect(wrong.status).toBe(400);
    expect(wrong.error.detail).toContain("features[0].value.pricing.price_per_unit: must not be negative");
    const both = await preview(world, planId, { version: 1, priceAmount: 5 });
    expect(both.error.detail).toContain("version: goes without priceAmount and features");
    expect((await preview(world, planId, { customers: Array.from({ length: 11 }, () => "ada") })).status).toBe(400);
  });
});

describe("holds", () => {
  test("a preview is what the invoice of that month became", async ({ expect }) => {
    const world = await newWorld();
    const tiers = [
      { up_to: 50, price_per_unit: 0.333 },
      { up_to: "inf", price_per_unit: 0.017, flat_fee: 2.5 },
    ];
    const value = { pricing: { model: "graduated", tiers } };
    const planId = await sell(world, "pro", { priceAmount: 10, billingTiming: "IN_ARREARS" }, value);
    const ada = await customer(world, "ada");
    await active(world, "ada", planId);
    for (const usageUnits of [17, 29.5, 80.25])
      await ok(world.event({ customerReferenceId: "ada", featureKey: "chat.pro", usageUnits }));
    vi.setSystemTime(at("2027-02-02T00:00:00Z"));
    await world.flush(ada);
    const billed = (await invoicesOf(world, "ada")).find(({ periodStart }) => periodStart.startsWith("2027-01-01"));
    const [told] = (await ok(preview(world, planId))).customers;
    expect(told?.lines.map(({ description, amount }) => [description, amount])).toEqual(
      billed?.items.map(({ description, chargeAmount }) => [description, chargeAmount]),
    );
    expect(told?.amount).toBe(billed?.amount);
  });

  test("usage is read along the customer's index", async ({ expect }) => {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${PLAN_USAGE_SQL}`)
      .bind("a", "[]", "[]", 1, 2, 3)
      .all<{ detail: string }>();
    expect(results.map(({ detail }) => detail).join("\n")).toContain(
      "SEARCH r USING INDEX rollups_by_customer (account_id=? AND customer_id=? AND bucket_start_ms>? AND bucket_start_ms<?)",
    );
  });
});
