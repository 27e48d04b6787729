import { runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { ada, check, featureIdOf, limited, offer, usage, used } from "../support/access.ts";
import { rollupsInD1 } from "../support/d1.ts";
import { active, customer, type Invoice, invoicesOf, ok, type Page, pay, subscribe } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const TIERS = {
  pricing: {
    model: "graduated",
    tiers: [
      { up_to: 1000, price_per_unit: 0.1 },
      { up_to: 10000, price_per_unit: 0.05, flat_fee: 5 },
      { up_to: "inf", price_per_unit: 0.02 },
    ],
  },
};

const event = (world: World, usageUnits: number | string, more: Record<string, unknown> = {}) =>
  world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits, ...more });

const itemsOf = ({ items }: Invoice) => items.map(({ kind, chargeAmount }) => [kind, chargeAmount]);

describe("does", () => {
  test("an event's revenue is its marginal price, and the invoice is the price of all of them", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: TIERS });
    const prices = [];
    for (const units of [999.5, "0.5", "0.000000000001", 10999])
      prices.push((await event(world, units)).data.revenueAmount);
    expect(prices).toEqual([99.95, 0.05, 5, 489.98]);
    clockAt("2030-04-05T10:30:00Z");
    const [, invoice] = await invoicesOf(world, "ada");
    expect(invoice).toMatchObject({ amount: 594.98 });
  });

  test("an event of 12,000 units costs what its three tiers say", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: TIERS });
    expect((await event(world, 12000)).data).toMatchObject({ revenueAmount: 595, metered: true });
  });

  test("the event that passes the limit is taken whole and says so; what comes after is kept with its cost alone", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, {
      chat: { ...usage(1, { max_usage: 10 }), cost: { model: "simple", cost_per_unit: 0.1 } },
    });
    await event(world, 9);
    expect(await event(world, 3)).toMatchObject({
      status: 201,
      data: { metered: true, overshoot: true, revenueAmount: 3 },
    });
    const over = await event(world, 2, { eventIdempotencyKey: "over" });
    expect(over).toMatchObject({ status: 200 });
    expect(over.data).toEqual({
      eventId: expect.any(String),
      customerId: id,
      usageUnits: 2,
      metered: false,
      unmeteredReason: "USAGE_LIMIT_EXCEEDED",
      usageLimitExceeded: true,
      message:
        "The limit of 10 is reached (12 used): this event is recorded with its cost, but neither counted nor billed.",
      costAmount: 0.2,
      costSource: "rule",
    });
    expect(await event(world, 2, { eventIdempotencyKey: "over" })).toMatchObject({ status: 409, data: over.data });
    expect(await used(world)).toBe(12);
    const { data } = await world.batch([
      { eventName: "call", customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 },
      { eventName: "call", customerReferenceId: "ada", costAmount: 1 },
    ]);
    expect(data).toMatchObject({ accepted: 1, overLimit: 1, rejected: 0 });
    expect(data.results.map(({ status }) => status)).toEqual(["over_limit", "accepted"]);
  });

  test("events of one batch are judged in their order, each by what those before it used", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(1, { max_usage: 3 }) });
    const one = { eventName: "call", customerReferenceId: "ada", featureKey: "chat", usageUnits: 2 };
    const { data } = await world.batch([
      one,
      { ...one, eventIdempotencyKey: "k" },
      { ...one, eventIdempotencyKey: "k" },
      one,
      { ...one, usageUnits: -1 },
    ]);
    expect(data.results.map(({ status }) => status)).toEqual([
      "accepted",
      "accepted",
      "duplicate",
      "over_limit",
      "rejected",
    ]);
    expect(data.results[1]?.receipt).toMatchObject({ overshoot: true });
    expect(data.results[4]?.error).toMatchObject({ code: "validation_failed" });
    expect(await used(world)).toBe(4);
  });

  test("seats are taken and given back, and billed by what they came to", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(10, { max_usage: 5, reset_mode: "accumulate" }) });
    expect((await event(world, 5)).data).toMatchObject({ revenueAmount: 50 });
    expect(await event(world, 1)).toMatchObject({ status: 200, data: { usageLimitExceeded: true } });
    expect((await event(world, -2)).data).toMatchObject({ metered: true, usageUnits: -2, revenueAmount: -20 });
    expect(await event(world, -4)).toMatchObject({
      status: 400,
      error: {
        message: "usageUnits would take back more units than are used.",
        fields: [{ path: "usageUnits", message: "would take back more units than are used" }],
      },
    });
    clockAt("2030-04-05T10:30:00Z");
    expect((await check(world, "chat")).data.usage).toEqual({ used: 3, limit: 5, remaining: 2 });
    const [, first] = await invoicesOf(world, "ada");
    expect(first).toMatchObject({ amount: 30 });
  });

  test("what is not metered is recorded and says why, by the first reason that applies", async ({ expect }) => {
    const world = await newWorld();
    const reasonOf = async (more: Record<string, unknown>) => {
      const { status, data } = await world.event({ customerReferenceId: "ada", ...more });
      return [status, data.metered, data.unmeteredReason];
    };
    expect(await reasonOf({})).toEqual([201, false, "NO_SUBSCRIPTION"]);
    await offer(world, "paid", { chat: usage(1) }, { priceAmount: 10, billingTiming: "IN_ADVANCE" });
    const { invoice } = await ok(subscribe(world, "ada", "paid"));
    expect(await reasonOf({ usageUnits: 1 })).toEqual([201, false, "NO_FEATURE"]);
    expect(await reasonOf({ featureKey: "chat" })).toEqual([201, false, "NO_USAGE"]);
    expect(await reasonOf({ featureKey: "chat", usageUnits: 1 })).toEqual([201, false, "SUBSCRIPTION_INACTIVE"]);
    clockAt("2030-03-06T00:00:00Z");
    await ok(pay(world, invoice.id));
    expect(await reasonOf({ featureKey: "other", usageUnits: 1 })).toEqual([201, false, "FEATURE_NOT_IN_PLAN"]);
    const before = { featureKey: "chat", usageUnits: 1, occurredAt: "2030-03-05T23:59:59.999Z" };
    expect(await reasonOf(before)).toEqual([201, false, "BEFORE_START"]);
    expect(await reasonOf({ ...before, occurredAt: "2030-03-06T00:00:00Z" })).toEqual([201, true, undefined]);
    // While INCOMPLETE it was used for nothing: never billed later.
    expect(await used(world)).toBe(1);
  });

  test("the rule's cost comes between a given cost and the account's own rates", async ({ expect }) => {
    const world = await newWorld();
    const cost = { model: "model_aware", model_costs: { "gpt-4o-mini": { input: "0.000001", output: "0.000002" } } };
    await ada(world, { chat: { ...usage(1), cost } });
    await world.call("PATCH", "/api/v1/account/settings", {
      defaultCostConfig: { defaultInputCostPerUnit: 1, defaultOutputCostPerUnit: 1 },
    });
    const costInput = { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 3000, outputTokens: 500 };
    expect((await event(world, 1, { costInput })).data).toMatchObject({ costAmount: 0.004, costSource: "rule" });
    expect((await event(world, 1, { costInput, costAmount: 3 })).data).toMatchObject({ costSource: "given" });
    const other = { ...costInput, model: "gpt-4o" };
    expect((await event(world, 1, { costInput: other })).data).toMatchObject({
      costAmount: 3500,
      costSource: "account",
    });
    // An unmetered event of a plan's feature costs by the plan as well.
    expect((await event(world, 0, { costInput })).data).toMatchObject({ metered: false, costSource: "rule" });
  });

  test("revenue that is sent is for margins, in place of the price; the invoice bills the price", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(2) });
    expect((await event(world, 3, { revenueAmount: 100 })).data).toMatchObject({ metered: true, revenueAmount: 100 });
    await event(world, 1);
    await world.flush(id);
    expect((await rollupsInD1(world.accountId)).map(({ revenueE12 }) => revenueE12)).toEqual([102_000_000_000_000n]);
    clockAt("2030-04-05T10:30:00Z");
    const [, first] = await invoicesOf(world, "ada");
    expect(first).toMatchObject({ amount: 8 });
  });

  test("a plan in another currency: its revenue stands beside the sums, and in them once the currency has a rate", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(2) }, { currency: "EUR" });
    const answer = await event(world, 3, { costAmount: 1, eventIdempotencyKey: "k" });
    expect(answer.data).toMatchObject({ revenueAmount: 6, revenueCurrency: "EUR", costAmount: 1 });
    await event(world, 2, { costAmount: 1, revenueAmount: 5 });
    await world.flush(id);
    expect(await rollupsInD1(world.accountId)).toMatchObject([
      { currency: "EUR", events: 0, costE12: 0n, usageE12: 0n, revenueE12: 6_000_000_000_000n },
      { currency: "USD", events: 2, costE12: 2_000_000_000_000n, revenueE12: 5_000_000_000_000n },
    ]);
    for (const query of ["", "?customerReferenceId=ada"]) {
      const { data } = await world.call<Page<Record<string, unknown>>>("GET", `/api/v1/analytics/events${query}`);
      expect(data.items[1]).toMatchObject({ revenueAmount: 6, revenueCurrency: "EUR", currency: "USD", metered: true });
      for (const groupBy of ["FEATURE", "EVENT_NAME"]) {
        const path = `/api/v1/analytics/events/grouped${query || "?"}&groupBy=${groupBy}`;
        expect((await world.call<{ items: unknown[] }>("GET", path)).data.items).toMatchObject([
          { eventCount: 2, totalCost: 2, totalRevenue: 5 },
          { eventCount: 0, totalCost: 0, totalRevenue: 6, currency: "EUR" },
        ]);
      }
    }
    const beside = [{ currency: "EUR", events: 0, cost: 0, revenue: 6 }];
    for (const path of ["portfolio", "features", "models"])
      expect((await world.call("GET", `/api/v1/analytics/${path}`)).data).toMatchObject({
        totals: { events: 2, cost: 2, revenue: 5 },
        otherCurrencies: beside,
      });
    await world.call("PATCH", "/api/v1/account/settings", { exchangeRates: { EUR: 1.5 } });
    expect((await world.call("GET", "/api/v1/analytics/portfolio")).data).toMatchObject({
      totals: { events: 2, cost: 2, revenue: 14 },
    });
    expect((await event(world, 3, { eventIdempotencyKey: "k" })).data).toEqual(answer.data);
  });

  test("what a plan in another currency brought moves from hours to days like all else, and goes with a correction", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(2) }, { currency: "EUR" });
    const { data } = await event(world, 3, { costAmount: 1 });
    const sums = async () => {
      await world.flush(id);
      const rows = await rollupsInD1(world.accountId);
      return rows.filter(({ currency, revenueE12 }) => currency === "EUR" && revenueE12 !== 0n);
    };
    const [hour] = await sums();
    expect(hour).toMatchObject({ spanMs: 3_600_000, revenueE12: 6_000_000_000_000n });
    clockAt("2030-03-20T00:00:00Z");
    await ok(world.call("POST", `/api/v1/events/${data.eventId}/correct`, { usageUnits: 1 }));
    clockAt("2030-05-20T00:00:00Z");
    await world.object(id).wake();
    expect(await sums()).toMatchObject([
      { spanMs: 86_400_000, revenueE12: 6_000_000_000_000n },
      { spanMs: 86_400_000, revenueE12: -4_000_000_000_000n },
    ]);
  });

  test("imported history is not metered, unless it is asked to be", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(1, { max_usage: 3 }) });
    const file = (importId: string, query = "") =>
      world.call(
        "POST",
        `/api/v1/events/import?importId=${importId}${query}`,
        "eventName,customerReferenceId,featureKey,usageUnits\ncall,ada,chat,2\ncall,ada,chat,2\ncall,ada,chat,2\ncall,ada,chat,-1\n",
        { "Content-Type": "text/csv" },
      );
    expect((await file("history")).data).toMatchObject({ accepted: 3, rejected: 1 });
    expect(await used(world)).toBe(0);
    const { items } = await world.object(id).events({}, { limit: 1, offset: 0 });
    expect(items[0]).toMatchObject({ unmeteredReason: "NOT_ASKED" });
    expect((await file("metered", "&meter=true")).data).toMatchObject({
      accepted: 3,
      duplicates: 0,
      rejected: 1,
      errors: [{ line: 5 }],
    });
    expect(await used(world)).toBe(4);
    expect((await file("metered", "&meter=true")).data).toMatchObject({ accepted: 0, duplicates: 3 });
  });

  test("after a change of plan usage so far keeps its price, and later usage has the new one", async ({ expect }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage(1, { max_usage: 100 }) });
    await event(world, 10);
    await offer(world, "max", { chat: usage(3, { max_usage: 12 }) }, { priceAmount: 1 });
    clockAt("2030-03-10T10:30:00Z");
    await ok(
      world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, {
        changeToPlanId: "max",
        changeType: "UPGRADE",
      }),
    );
    expect((await event(world, 1)).data.revenueAmount).toBe(3);
    expect((await check(world, "chat")).data.usage).toEqual({ used: 11, limit: 12, remaining: 1 });
    clockAt("2030-04-05T10:30:00Z");
    const [, first] = await invoicesOf(world, "ada");
    expect(itemsOf(first as Invoice).filter(([kind]) => kind === "USAGE")).toEqual([
      ["USAGE", 10],
      ["USAGE", 3],
    ]);
  });

  test("beyond a smaller new limit everything is denied, and nothing that was billed comes back", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage(1, { max_usage: 20 }) });
    await event(world, 8);
    await offer(world, "tight", { chat: usage(2, { max_usage: 5 }) }, { priceAmount: 1 });
    const change = { changeToPlanId: "tight", changeType: "UPGRADE" };
    await ok(world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, change));
    expect((await check(world, "chat")).data).toMatchObject({
      allowed: false,
      meta: { reason: { code: "USAGE_LIMIT_EXCEEDED" } },
      usage: { used: 8, limit: 5, remaining: 0 },
    });
    expect(await event(world, 1)).toMatchObject({ status: 200, data: { usageLimitExceeded: true } });
    clockAt("2030-04-05T10:30:00Z");
    const due = (await invoicesOf(world, "ada")).find(({ status }) => status === "DUE");
    expect(itemsOf(due as Invoice).filter(([kind]) => kind !== "BASE")).toEqual([["USAGE", 8]]);
    expect((await check(world, "chat")).data).toMatchObject({ allowed: true, usage: { used: 0, limit: 5 } });
  });

  test("a customer of a test clock is metered in that clock's time", async ({ expect }) => {
    const world = await newWorld();
    const clock = await ok(
      world.call<{ id: string }>("POST", "/api/v1/test-clocks", { frozenTime: "2027-01-31T09:00:00Z" }),
    );
    const body = { customerReferenceId: "ada", email: "a@b", testClockId: clock.id };
    await ok(world.call("POST", "/api/v1/client/customers", body));
    await offer(world, "pro", { chat: limited(5) });
    await active(world, "ada", "pro");
    await event(world, 5);
    expect((await check(world, "chat")).data).toMatchObject({ allowed: false, asOf: "2027-01-31T09:00:00.000Z" });
    await ok(world.call("POST", `/api/v1/test-clocks/${clock.id}/advance`, { frozenTime: "2027-02-28T09:00:00Z" }));
    expect((await check(world, "chat")).data).toMatchObject({
      allowed: true,
      usage: { used: 0 },
      asOf: "2027-02-28T09:00:00.000Z",
    });
  });
});

describe("refuses", () => {
  test("units that no invoice could carry: nothing is recorded, and the period still closes", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(1000) });
    await event(world, 5);
    const absurd = await event(world, "999999999999999", { eventIdempotencyKey: "absurd" });
    expect(absurd).toMatchObject({ status: 400, error: { fields: [{ path: "usageUnits" }] } });
    expect((await event(world, 1, { eventIdempotencyKey: "absurd" })).status).toBe(201);
    clockAt("2030-04-05T10:30:00Z");
    const [, invoice] = await invoicesOf(world, "ada");
    expect(invoice).toMatchObject({ amount: 6000 });
  });

  test("units below 0 wherever nothing is to be taken back; the customer is not made by it", async ({ expect }) => {
    const world = await newWorld();
    expect(await event(world, -1)).toMatchObject({ status: 400, error: { fields: [{ path: "usageUnits" }] } });
    expect((await check(world, "chat")).status).toBe(404);
    await ada(world, { chat: usage(1) });
    expect((await event(world, -1)).error.message).toContain("accumulate");
    const again = { "Idempotency-Key": "once" };
    const refused = await world.event({ customerReferenceId: "ada", usageUnits: -1 }, again);
    expect(refused.status).toBe(400);
    const replayed = await world.event({ customerReferenceId: "ada", usageUnits: -1 }, again);
    expect(replayed).toMatchObject({ status: 400, error: refused.error });
  });
});

describe("holds", () => {
  test("a receipt says the same for ever: after the period, a change of plan and a correction", async ({ expect }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage("0.333333333333", { max_usage: 4 }) });
    clockAt("2030-04-06T00:00:00Z");
    const said = { eventIdempotencyKey: "k", occurredAt: "2030-04-01T00:00:00Z" };
    const first = await event(world, 5, said);
    expect(first.data).toMatchObject({ late: true, overshoot: true, metered: true });
    await offer(world, "max", { chat: usage(9) }, { priceAmount: 5 });
    await ok(
      world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, {
        changeToPlanId: "max",
        changeType: "UPGRADE",
      }),
    );
    await ok(world.call("POST", `/api/v1/client/events/${first.data.eventId}/correct`, { usageUnits: 1 }));
    clockAt("2030-08-01T00:00:00Z");
    expect(await event(world, 1, said)).toMatchObject({ status: 409, data: first.data });
  });

  test("a counter is the sum of the events that were counted, in the object's tables as in memory", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(1, { max_usage: 20 }), seats: limited(9) });
    await featureIdOf(world, "seats");
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        world.event({ customerReferenceId: "ada", featureKey: n % 3 === 0 ? "seats" : "chat", usageUnits: 1 }),
      ),
    );
    const { items } = await world.object(id).events({}, { limit: 100, offset: 0 });
    const rows = await runInDurableObject(world.object(id), (object) =>
      sqlOf(object)
        .exec<{ key: string; used: string }>("SELECT feature_key AS key, used_e12 AS used FROM counters")
        .toArray(),
    );
    for (const { key, used: text } of rows) {
      const featureId = await featureIdOf(world, key);
      const sum = items
        .filter((item) => item.featureId === featureId)
        .reduce((whole, { counted }) => whole + (counted?.unitsE12 ?? 0n), 0n);
      expect(BigInt(text)).toBe(sum);
      expect(await used(world, key)).toBe(Number(sum) / 1e12);
    }
    expect(rows.map(({ key, used: text }) => [key, text]).sort()).toEqual([
      ["chat", "20000000000000"],
      ["seats", "9000000000000"],
    ]);
  });

  test("what was used before a subscription began counts for nothing, whenever it is told", async ({ expect }) => {
    const world = await newWorld();
    await customer(world);
    await world.event({
      customerReferenceId: "ada",
      featureKey: "chat",
      usageUnits: 7,
      occurredAt: "2030-03-01T00:00:00Z",
    });
    await offer(world, "pro", { chat: usage(1) });
    await active(world, "ada", "pro");
    expect(await used(world)).toBe(0);
    expect((await event(world, 1, { occurredAt: "2030-03-01T00:00:00Z" })).data.unmeteredReason).toBe("BEFORE_START");
  });
});
