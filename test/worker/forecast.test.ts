import { env } from "cloudflare:workers";
import { beforeEach, describe, test } from "vitest";
import { customerId } from "../../src/domain/ids.ts";
import { recentUsers } from "../../src/ledger/recent-users.ts";
import { ada, consume, limited, usage } from "../support/access.ts";
import { CREDITS } from "../support/credits.ts";
import { queryPlans } from "../support/d1.ts";
import { insertKey } from "../support/probe.ts";
import { active, customer, ok } from "../support/sale.ts";
import { newTag } from "../support/views.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Where usage and credits are heading. */

type Feature = {
  featureKey: string;
  used: number;
  limit?: number;
  remaining?: number;
  projectedEndOfPeriod?: number;
  wouldExceedLimit: boolean;
  projectedLimitDate?: string;
};
type PoolForecast = {
  poolId: string;
  balance: number;
  averageDailyBurn: number;
  projectedDepletionDate?: string;
  burn14d: number | null;
  depletionDate14d: string | null;
};
type Forecast = {
  customerReferenceId: string;
  asOf: string;
  subscriptions: { planKey: string; currentPeriodStart: string; currentPeriodEnd: string; features: Feature[] }[];
  creditPools: PoolForecast[];
};

type Limits = {
  customersAsked: number;
  complete: boolean;
  items: { customerId: string; customerReferenceId?: string; featureKey: string; usedPercent: number }[];
};

let world: World;

// A period of 30 days.
beforeEach(async () => {
  clockAt("2027-04-01T00:00:00Z");
  world = await newWorld();
});

const forecast = (ref = "ada") => ok(world.call<Forecast>("GET", `/api/v1/client/customers/${ref}/usage`));

async function feature(key = "chat"): Promise<Feature | undefined> {
  return (await forecast()).subscriptions[0]?.features.find(({ featureKey }) => featureKey === key);
}

async function pool(amount: number): Promise<string> {
  const spec = { name: "Credits", denomination: "AI_CREDITS", customerId: "ada" };
  const { id: creditPoolId } = await ok(world.call<{ id: string }>("POST", `${CREDITS}/pools`, spec));
  await ok(world.call("POST", `${CREDITS}/grants`, { creditPoolId, amount, grantType: "MANUAL" }));
  return creditPoolId;
}

const burn = (creditPoolId: string, amount: number) =>
  ok(world.call<{ id: string }>("POST", `${CREDITS}/deductions`, { creditPoolId, amount }));

const poolNow = async () => (await forecast()).creditPools[0];

describe("does", () => {
  test("usage goes on as it went, to the end of the period and to the limit", async ({ expect }) => {
    await ada(world, { chat: limited(20), api: usage("1") });
    clockAt("2027-04-11T00:00:00Z");
    await ok(consume(world, { usageUnits: 10 }));
    const told = await forecast();
    expect(told).toMatchObject({ customerReferenceId: "ada", asOf: "2027-04-11T00:00:00.000Z", creditPools: [] });
    expect(told.subscriptions).toMatchObject([
      { planKey: "pro", currentPeriodStart: "2027-04-01T00:00:00.000Z", currentPeriodEnd: "2027-05-01T00:00:00.000Z" },
    ]);
    expect(await feature()).toEqual({
      featureKey: "chat",
      used: 10,
      limit: 20,
      remaining: 10,
      projectedEndOfPeriod: 30,
      wouldExceedLimit: true,
      projectedLimitDate: "2027-04-21T00:00:00.000Z",
    });
    expect(await feature("api")).toEqual({
      featureKey: "api",
      used: 0,
      projectedEndOfPeriod: 0,
      wouldExceedLimit: false,
    });
  });

  test("projections have four decimals", async ({ expect }) => {
    await ada(world, { chat: usage("1") });
    clockAt("2027-04-08T00:00:00Z");
    await ok(consume(world, { usageUnits: 1 }));
    // 30 ÷ 7
    expect((await feature())?.projectedEndOfPeriod).toBe(4.2857);
  });

  test("seats of earlier periods stay, those of this one grow", async ({ expect }) => {
    await ada(world, { chat: limited(100, { reset_mode: "accumulate" }) });
    await ok(consume(world, { usageUnits: 20 }));
    clockAt("2027-05-01T00:00:00Z");
    await ok(consume(world, { usageUnits: 1 }));
    clockAt("2027-05-16T12:00:00Z");
    expect(await feature()).toMatchObject({ used: 21, projectedEndOfPeriod: 22, wouldExceedLimit: false });
  });

  test("a pool's burn is what was consumed by whole days, and the pool is empty when that takes all", async ({
    expect,
  }) => {
    await customer(world);
    const id = await pool(100);
    expect(await poolNow()).toEqual({
      poolId: id,
      denomination: "AI_CREDITS",
      balance: 100,
      totalConsumed: 0,
      averageDailyBurn: 0,
      burn14d: null,
      depletionDate14d: null,
      currency: "USD",
    });
    await burn(id, 10);
    // At least one day.
    expect(await poolNow()).toMatchObject({ averageDailyBurn: 10, projectedDepletionDate: "2027-04-10T00:00:00.000Z" });
    clockAt("2027-04-04T23:59:59Z");
    expect(await poolNow()).toMatchObject({
      averageDailyBurn: 3.3333,
      projectedDepletionDate: "2027-05-01T23:59:59.000Z",
      burn14d: 0,
      depletionDate14d: null,
    });
  });

  test("the burn of the last 14 days leaves out what came and went otherwise", async ({ expect }) => {
    await customer(world);
    const id = await pool(100);
    await burn(id, 50);
    clockAt("2027-04-20T00:00:00Z");
    const taken = await burn(id, 7);
    await ok(world.call("POST", `${CREDITS}/transactions/${taken.id}/reverse`));
    const more = { creditPoolId: id, amount: 6, grantType: "PROMOTIONAL", expiresAt: "2027-04-20T12:00:00Z" };
    await ok(world.call("POST", `${CREDITS}/grants`, more));
    clockAt("2027-04-21T00:00:00Z");
    await burn(id, 7);
    // 14 in 14 days, of 43 that are left.
    expect(await poolNow()).toMatchObject({
      balance: 43,
      burn14d: 1,
      depletionDate14d: "2027-06-03T00:00:00.000Z",
      averageDailyBurn: 3.2,
    });
  });

  test("with fewer than three days of data there is no recent burn, with three there is", async ({ expect }) => {
    await customer(world);
    const id = await pool(30);
    clockAt("2027-04-03T23:59:59.999Z");
    await burn(id, 3);
    expect(await poolNow()).toMatchObject({ burn14d: null, depletionDate14d: null });
    clockAt("2027-04-04T00:00:00Z");
    expect(await poolNow()).toMatchObject({ burn14d: 1, depletionDate14d: "2027-05-01T00:00:00.000Z" });
  });

  test("a pool shows the book price in its currency", async ({ expect }) => {
    await customer(world);
    await pool(1);
    await ok(world.call("POST", `${CREDITS}/models`, { name: "M", denomination: "AI_CREDITS" }));
    const entries = [{ denomination: "AI_CREDITS", pricePerCredit: 0.1 }];
    await ok(world.call("POST", `${CREDITS}/prices/publish`, { effectiveFrom: "2027-04-01T00:00:00Z", entries }));
    expect(await poolNow()).not.toHaveProperty("pricePerCredit");
    clockAt("2027-04-01T00:00:10Z");
    expect(await poolNow()).toMatchObject({ pricePerCredit: 0.1, currency: "USD" });
  });

  test("limits that are nearly used up, most used first, with whose they are", async ({ expect }) => {
    const { id, subscription } = await ada(world, { chat: limited(10), search: limited(100), open: usage(1) });
    await customer(world, "grace");
    await active(world, "grace", "pro");
    await ok(consume(world, { usageUnits: 9 }));
    await ok(consume(world, { featureKey: "search", usageUnits: 79 }));
    await ok(consume(world, { featureKey: "open", usageUnits: 1000 }));
    const { customerId: graceId } = (await ok(consume(world, { customerReferenceId: "grace", usageUnits: 10 })))
      .receipt as { customerId: string };
    await world.flush(id, graceId);
    const near = async (query = "") => (await ok(world.call<Limits>("GET", `/api/v1/analytics/limits${query}`))).items;
    expect(await near()).toMatchObject([
      {
        customerReferenceId: "grace",
        customerName: "grace",
        featureKey: "chat",
        used: 10,
        limit: 10,
        usedPercent: 100,
      },
      { customerId: id, subscriptionId: subscription.id, planKey: "pro", featureKey: "chat", usedPercent: 90 },
    ]);
    expect((await near("?minPercent=79")).map(({ featureKey }) => featureKey)).toEqual(["chat", "chat", "search"]);
    expect(await near("?minPercent=100")).toHaveLength(1);
  });
});

describe("refuses", () => {
  test("customers that are unknown, or another's", async ({ expect }) => {
    const id = await customer(world);
    await customer(world, "grace");
    const key = await insertKey(world.accountId, { scopes: ["ingest"], customerId: id });
    const get = (ref: string) =>
      world.call("GET", `/api/v1/client/customers/${ref}/usage`, undefined, { Authorization: `Bearer ${key}` });
    expect((await get("ada")).status).toBe(200);
    expect((await get("grace")).status).toBe(403);
    expect((await world.call("GET", "/api/v1/client/customers/nobody/usage")).status).toBe(404);
  });

  test("a share of a limit that is none", async ({ expect }) => {
    for (const share of ["0", "101", "80.5", "-1", "x"])
      expect(await world.call("GET", `/api/v1/analytics/limits?minPercent=${share}`), share).toMatchObject({
        status: 400,
        error: { fields: [{ path: "minPercent" }] },
      });
  });
});

describe("holds", () => {
  test("nothing is guessed before 5 % of the period is over", async ({ expect }) => {
    await ada(world, { chat: limited(5) });
    await ok(consume(world, { usageUnits: 4 }));
    clockAt("2027-04-02T11:59:59.999Z");
    expect(await feature()).toEqual({ featureKey: "chat", used: 4, limit: 5, remaining: 1, wouldExceedLimit: false });
    clockAt("2027-04-02T12:00:00Z");
    expect(await feature()).toMatchObject({ projectedEndOfPeriod: 80, wouldExceedLimit: true });
  });

  test("archived pools are left out, and a pool that lasts a century has no date", async ({ expect }) => {
    await customer(world);
    const id = await pool(1_000_000);
    await burn(id, 0.0001);
    expect(await poolNow()).not.toHaveProperty("projectedDepletionDate");
    await ok(world.call("POST", `${CREDITS}/pools/${id}/archive`));
    expect((await forecast()).creditPools).toEqual([]);
  });

  test("a customer with very many events hides no other's limit, and what was not asked is said", async ({
    expect,
  }) => {
    const { id } = await ada(world, { chat: limited(10) });
    await ok(consume(world, { usageUnits: 9 }));
    clockAt("2027-04-01T03:00:00Z");
    const events = Array.from({ length: 1000 }, () => ({ eventName: "call", customerReferenceId: "busy" }));
    for (let batch = 0; batch < 2; batch += 1) await ok(world.call("POST", "/api/v1/client/events/batch", { events }));
    const busy = await ok(world.call<{ id: string }>("GET", "/api/v1/client/customers/busy"));
    await world.flush(id, busy.id);
    const limits = () => ok(world.call<Limits>("GET", "/api/v1/analytics/limits"));
    expect(await limits()).toMatchObject({ customersAsked: 2, complete: true, items: [{ usedPercent: 90 }] });
    // Of more customers than are asked, those with the newest events are.
    const { results } = await env.DB.prepare("SELECT * FROM rollups WHERE account_id = ? AND customer_id = ?")
      .bind(world.accountId, id)
      .all<Record<string, number | string>>();
    const [row = {}] = results;
    const columns = Object.keys(row);
    await env.DB.batch(
      Array.from({ length: 60 }, (_, index) =>
        env.DB.prepare(
          `INSERT INTO rollups (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
        ).bind(
          ...Object.values({ ...row, customer_id: customerId(newTag()), bucket_start_ms: -3_600_000 * (index + 1) }),
        ),
      ),
    );
    expect(await limits()).toMatchObject({ customersAsked: 50, complete: false, items: [{ usedPercent: 90 }] });
    const plans = await queryPlans((database) => recentUsers(database, world.accountId, 50));
    expect(plans.join("\n")).toMatch(/SEARCH rollups USING PRIMARY KEY \(account_id=\?\)/);
    expect(plans.filter((line) => /TEMP B-TREE/.test(line)).length).toBeLessThanOrEqual(2);
  });

  test("limits of other accounts stay theirs", async ({ expect }) => {
    const other = await newWorld();
    const theirs = await ada(other, { chat: limited(1) });
    await ok(consume(other, { usageUnits: 1 }));
    await other.flush(theirs.id);
    expect((await ok(world.call<Limits>("GET", "/api/v1/analytics/limits"))).items).toEqual([]);
    expect((await ok(other.call<Limits>("GET", "/api/v1/analytics/limits"))).items).toHaveLength(1);
  });
});
