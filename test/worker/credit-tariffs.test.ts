import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { openTariffs, publishTariffs, tariffPage, tariffsBetween } from "../../src/catalog/credit-tariffs.ts";
import { authenticate, readAccount } from "../../src/catalog/snapshot.ts";
import { E12_ONE } from "../../src/domain/amount.ts";
import type { TariffRow } from "../../src/domain/credit-tariff.ts";
import { weightFor } from "../../src/domain/credit-weight.ts";
import { sha256Hex } from "../../src/domain/digest.ts";
import { CREDITS, creditModel, feature, PLANS, plan, RULES, subscribed } from "../support/credits.ts";
import { dump, queryPlans, withD1 } from "../support/d1.ts";
import { insertKey } from "../support/probe.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

/** Weights and prices: batches by date, their history, and what isolates know of them. The clock stands still. */

const NOON = "2030-03-05T12:00:00.000Z";

beforeEach(() => clockAt(NOON));
afterEach(() => {
  vi.useRealTimers();
});

type Body = Record<string, unknown>;
type Row = { id: string; effectiveFrom: string; effectiveUntil?: string; createdBy: string; createdAt: string };
type Weight = Row & { featureId: string; featureKey: string; model?: string; creditsPerUnit: number };
type Price = Row & { denomination: string; currency: string; pricePerCredit: number };
type Page<T> = { items: T[]; pagination: { total: number; hasMore: boolean } };

const WEIGHTS = `${CREDITS}/weights`;
const PRICES = `${CREDITS}/prices`;

const publish = <T>(world: World, path: string, effectiveFrom: unknown, entries: unknown, headers = {}) =>
  world.call<T[]>("POST", `${path}/publish`, { effectiveFrom, entries }, headers);

const list = async <T>(world: World, path: string): Promise<T[]> => (await world.call<Page<T>>("GET", path)).data.items;

/** Weights as `model value from → until`, in the order they came. */
const told = (rows: readonly Weight[]): string[] =>
  rows.map((row) => [row.model ?? "-", row.creditsPerUnit, row.effectiveFrom, row.effectiveUntil ?? "ever"].join(" "));

async function inForce(world: World): Promise<string[]> {
  const { data } = await world.call<Price[]>("GET", "/api/v1/client/credits/prices");
  return data.map(({ denomination, currency, pricePerCredit }) => `${denomination} ${currency} ${pricePerCredit}`);
}

async function auditOf(
  world: World,
): Promise<{ action: string; target: string; before: string; after: string | null }[]> {
  const { results } = await env.DB.prepare("SELECT action, target, before, after FROM audit_log WHERE account_id = ?")
    .bind(world.accountId)
    .all<{ action: string; target: string; before: string; after: string | null }>();
  return results;
}

describe("does", () => {
  test("weights of a batch take effect together, and say who published them", async ({ expect }) => {
    const world = await newWorld();
    const chat = await feature(world, "ai.chat");
    const published = await publish<Weight>(world, WEIGHTS, "2030-04-01T00:00:00Z", [
      { featureId: chat.toUpperCase(), creditsPerUnit: 1 },
      { featureId: chat, model: " gpt-4o ", creditsPerUnit: "2.500000" },
    ]);
    expect(published.status).toBe(201);
    expect(published.data).toMatchObject([
      { featureId: chat, featureKey: "ai.chat", creditsPerUnit: 1, effectiveFrom: "2030-04-01T00:00:00.000Z" },
      { featureId: chat, model: "gpt-4o", creditsPerUnit: 2.5, createdAt: NOON, createdBy: `…${world.key.slice(-4)}` },
    ]);
    expect(published.data[0]).not.toHaveProperty("model");
    expect(await list(world, WEIGHTS)).toEqual(published.data);
  });

  test("a later batch replaces what it names and leaves the rest; history is by feature and model", async ({
    expect,
  }) => {
    const world = await newWorld();
    const [chat, search] = [await feature(world, "ai.chat"), await feature(world, "ai.search")];
    await publish(world, WEIGHTS, "2030-04-01T00:00:00Z", [
      { featureId: chat, creditsPerUnit: 1 },
      { featureId: chat, model: "gpt-4o", creditsPerUnit: 2 },
      { featureId: search, creditsPerUnit: 3 },
    ]);
    await publish(world, WEIGHTS, "2030-06-01T00:00:00Z", [{ featureId: chat, model: "gpt-4o", creditsPerUnit: 5 }]);
    // Between the two: a batch need not be the last one.
    const between = await publish<Weight>(world, WEIGHTS, "2030-05-01T00:00:00Z", [
      { featureId: chat, model: "gpt-4o", creditsPerUnit: 4 },
    ]);
    expect(between.data[0]?.effectiveUntil).toBe("2030-06-01T00:00:00.000Z");
    const history = (query: string) => list<Weight>(world, `${WEIGHTS}/history?${query}`);
    expect(told(await history(`featureId=${chat}&model=gpt-4o`))).toEqual([
      "gpt-4o 5 2030-06-01T00:00:00.000Z ever",
      "gpt-4o 4 2030-05-01T00:00:00.000Z 2030-06-01T00:00:00.000Z",
      "gpt-4o 2 2030-04-01T00:00:00.000Z 2030-05-01T00:00:00.000Z",
    ]);
    expect(told(await history(`featureId=${chat.toUpperCase()}`))).toEqual(["- 1 2030-04-01T00:00:00.000Z ever"]);
    expect(told(await history(`featureId=${search}`))).toEqual(["- 3 2030-04-01T00:00:00.000Z ever"]);
    const page = await world.call<Page<Weight>>("GET", `${WEIGHTS}?limit=2&offset=1`);
    expect(page.data.pagination).toEqual({ total: 5, limit: 2, offset: 1, hasMore: true });
    expect(page.data.items.map(({ effectiveFrom }) => effectiveFrom.slice(0, 7))).toEqual(["2030-05", "2030-04"]);
  });

  test("prices are in US dollars unless said otherwise, and clients see those in force now", async ({ expect }) => {
    const world = await newWorld("EUR");
    await creditModel(world, "AI");
    await creditModel(world, "SMS");
    const first = await publish<Price>(world, PRICES, NOON, [
      { denomination: "AI", pricePerCredit: 0.1 },
      { denomination: "AI", currency: "eur", pricePerCredit: "0.09" },
      { denomination: "SMS", pricePerCredit: 1_000_000 },
    ]);
    expect(first).toMatchObject({
      status: 201,
      data: [
        { denomination: "AI", currency: "USD", pricePerCredit: 0.1, effectiveFrom: "2030-03-05T12:00:10.000Z" },
        {},
        {},
      ],
    });
    expect(await inForce(world)).toEqual([]);
    clockAt("2030-03-05T12:00:10Z");
    expect(await inForce(world)).toEqual(["AI EUR 0.09", "AI USD 0.1", "SMS USD 1000000"]);
    await publish(world, PRICES, "2030-03-06T00:00:00Z", [{ denomination: "AI", pricePerCredit: 0.2 }]);
    expect(await inForce(world)).toEqual(["AI EUR 0.09", "AI USD 0.1", "SMS USD 1000000"]);
    clockAt("2030-03-06T00:00:00Z");
    expect(await inForce(world)).toEqual(["AI EUR 0.09", "AI USD 0.2", "SMS USD 1000000"]);
    const history = await list<Price>(world, `${PRICES}/history?denomination=AI`);
    expect(history.map(({ currency, pricePerCredit }) => [currency, pricePerCredit])).toEqual([
      ["USD", 0.2],
      ["EUR", 0.09],
      ["USD", 0.1],
    ]);
    expect(await list(world, PRICES)).toHaveLength(4);
    const customer = await world.call<{ id: string }>("POST", "/api/v1/client/customers", {
      customerReferenceId: "ada",
      email: "ada@acme.test",
    });
    const key = await insertKey(world.accountId, { scopes: ["read"], customerId: customer.data.id });
    const own = await world.call<Price[]>("GET", "/api/v1/client/credits/prices", undefined, {
      Authorization: `Bearer ${key}`,
    });
    expect(own.data).toHaveLength(3);
  });

  test("a customer of a test clock is told the prices of the clock's instant, at which it would buy", async ({
    expect,
  }) => {
    const world = await newWorld();
    await creditModel(world, "AI");
    for (const [day, pricePerCredit] of [
      ["05", 0.1],
      ["20", 0.3],
    ] as const)
      await publish(world, PRICES, `2030-03-${day}T12:00:10Z`, [{ denomination: "AI", pricePerCredit }]);
    const clock = await world.call<{ id: string }>("POST", "/api/v1/test-clocks", {
      frozenTime: "2030-03-25T00:00:00Z",
    });
    const { data: ada } = await world.call<{ id: string }>("POST", "/api/v1/client/customers", {
      customerReferenceId: "ada",
      email: "ada@acme.test",
      testClockId: clock.data.id,
    });
    const key = await insertKey(world.accountId, { scopes: ["read"], customerId: ada.id });
    clockAt("2030-03-05T12:01:00Z");
    expect(await inForce(world)).toEqual(["AI USD 0.1"]);
    const own = await world.call<Price[]>("GET", "/api/v1/client/credits/prices", undefined, {
      Authorization: `Bearer ${key}`,
    });
    expect(own.data).toMatchObject([{ pricePerCredit: 0.3 }]);
  });

  test("what is scheduled can be taken back: the row before stays in force", async ({ expect }) => {
    const world = await newWorld();
    const chat = await feature(world, "ai.chat");
    const on = (day: string, creditsPerUnit: number) =>
      publish<Weight>(world, WEIGHTS, `2030-${day}T00:00:00Z`, [{ featureId: chat, creditsPerUnit }]);
    await on("04-01", 1);
    const { data } = await on("05-01", 2);
    await on("06-01", 3);
    expect(await world.call("DELETE", `${WEIGHTS}/${data[0]?.id.toUpperCase()}`)).toMatchObject({ status: 200 });
    expect(told(await list(world, WEIGHTS))).toEqual([
      "- 3 2030-06-01T00:00:00.000Z ever",
      "- 1 2030-04-01T00:00:00.000Z 2030-06-01T00:00:00.000Z",
    ]);
    // The instant is free again.
    expect((await on("05-01", 2.5)).status).toBe(201);
  });

  test("each feature's denomination is told, by plans that are not archived and versions that somebody has", async ({
    expect,
  }) => {
    const world = await newWorld();
    const [ai, sms] = [await creditModel(world, "AI"), await creditModel(world, "SMS")];
    const [chat, text, bare] = [
      await feature(world, "chat"),
      await feature(world, "text"),
      await feature(world, "bare"),
    ];
    await plan(world, "draft", [{ featureId: chat, creditModelId: ai }], "DRAFT");
    const sold = await plan(world, "sold", [{ featureId: text, creditModelId: sms }, { featureId: bare }]);
    const read = async () => (await world.call("GET", `${WEIGHTS}/denominations`)).data;
    expect(await read()).toEqual({ [chat]: "AI", [text]: "SMS" });
    await world.call("DELETE", `${PLANS}/${sold}`);
    expect(await read()).toEqual({ [chat]: "AI" });
    const end = await subscribed(world, sold, 1);
    expect(await read()).toEqual({ [chat]: "AI", [text]: "SMS" });
    await end();
    expect(await read()).toEqual({ [chat]: "AI" });
  });

  // They made each unit look cheaper than it was.
  test("units whose cost is not known say nothing of what a unit cost", async ({ expect }) => {
    clockAt("2030-03-05T12:30:00Z");
    const world = await newWorld();
    const costInput = { model: "of-our-own", modelProvider: "acme" };
    const report = async (customerReferenceId: string, more: Body) =>
      (await world.event({ customerReferenceId, featureKey: "chat", costInput, ...more })).data;
    const featureId = await feature(world, "chat");
    const { customerId } = await report("ada", { usageUnits: 4, costAmount: 2 });
    const bob = await report("bob", { usageUnits: 100 });
    await report("bob", { usageUnits: 1, costAmount: 7 });
    await report("bob", { usageUnits: 6, costAmount: 4, occurredAt: "2030-03-05T11:59:59Z" });
    await world.flush(customerId, bob.customerId);
    const costs = await world.call("GET", `${WEIGHTS}/unit-costs`);
    expect(costs.data).toEqual({ [`${featureId}`]: 0.6, [`${featureId}:of-our-own`]: 0.6 });
  });

  test("what a unit really cost is told by feature and model, exactly, and null where nobody knows", async ({
    expect,
  }) => {
    clockAt("2030-03-05T12:30:00Z");
    const world = await newWorld();
    const made = await world.call<{ id: string }>("POST", "/api/v1/client/customers", {
      customerReferenceId: "ada",
      email: "ada@acme.test",
    });
    const spend = (featureKey: string, model: string, more: Body) =>
      world.event({ customerReferenceId: "ada", featureKey, costInput: { model, modelProvider: "acme" }, ...more });
    await spend("chat", "big", { usageUnits: 3, costAmount: 0.3 });
    await spend("chat", "big", { usageUnits: 4, costAmount: 0.7 });
    await spend("chat", "small", { usageUnits: 3, costAmount: "0.000000000001" });
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 0, costAmount: 1 });
    await spend("unused", "big", { costAmount: 5 });
    await spend("unknown", "nobody-knows-this", { usageUnits: 5 });
    await spend("old", "big", { usageUnits: 1, costAmount: 9, occurredAt: "2030-02-03T11:00:00Z" });
    await world.flush(made.data.id);
    const { data } = await world.call<{ items: { id: string; key: string }[] }>("GET", "/api/v1/client/features");
    const ids = new Map(data.items.map(({ id, key }) => [key, id]));
    const [chat, unused, unknown] = ["chat", "unused", "unknown"].map((key) => ids.get(key));
    const costs = await world.call("GET", `${WEIGHTS}/unit-costs`);
    expect(costs.data).toEqual({
      [`${chat}`]: 0.2,
      [`${chat}:big`]: 0.142857142857,
      [`${chat}:small`]: 0,
      [`${unused}`]: null,
      [`${unused}:big`]: null,
      [`${unknown}`]: null,
      [`${unknown}:nobody-knows-this`]: null,
    });
    expect((await (await newWorld()).call("GET", `${WEIGHTS}/unit-costs`)).data).toEqual({});
  });
});

describe("refuses", () => {
  test.for<[string, unknown, string]>([
    ["no instant", undefined, "effectiveFrom"],
    ["no instant at all", "tomorrow", "effectiveFrom"],
    ["5 minutes and a millisecond ago", "2030-03-05T11:54:59.999Z", "effectiveFrom"],
  ])("a batch for %s", async ([, effectiveFrom, path], { expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    const refused = await publish(world, WEIGHTS, effectiveFrom, [{ featureId, creditsPerUnit: 1 }]);
    expect(refused).toMatchObject({ status: 400, error: { code: "validation_failed", fields: [{ path }] } });
    expect(await dump("credit_weights", world.accountId)).toEqual([]);
  });

  test.for<[string, unknown]>([
    ["0", 0],
    ["less than 0", -1],
    ["more than a million", "1000000.000001"],
    ["seven decimals", 0.0000001],
    ["a word", "many"],
    ["nothing", undefined],
  ])("a value of %s, in weights and prices alike", async ([, value], { expect }) => {
    const world = await newWorld();
    await creditModel(world, "AI");
    const featureId = await feature(world, "chat");
    const weight = await publish(world, WEIGHTS, NOON, [{ featureId, creditsPerUnit: value }]);
    expect(weight).toMatchObject({ status: 400, error: { fields: [{ path: "entries[0].creditsPerUnit" }] } });
    const price = await publish(world, PRICES, NOON, [{ denomination: "AI", pricePerCredit: value }]);
    expect(price).toMatchObject({ status: 400, error: { fields: [{ path: "entries[0].pricePerCredit" }] } });
  });

  test("no entries, too many, and one of them twice", async ({ expect }) => {
    const world = await newWorld();
    await creditModel(world, "AI");
    const featureId = await feature(world, "chat");
    const one = { featureId, creditsPerUnit: 1 };
    expect((await publish(world, WEIGHTS, NOON, [])).error.fields).toMatchObject([{ path: "entries" }]);
    const many = Array.from({ length: 501 }, (_, index) => ({ ...one, model: `m${index}` }));
    expect((await publish(world, WEIGHTS, NOON, many)).error.fields).toMatchObject([{ path: "entries" }]);
    const twice = [one, { ...one, model: "m" }, { ...one, model: " m ", creditsPerUnit: 2 }];
    expect((await publish(world, WEIGHTS, NOON, twice)).error.fields).toMatchObject([{ path: "entries[2]" }]);
    const price = { denomination: "AI", pricePerCredit: 1 };
    const both = await publish(world, PRICES, NOON, [price, { ...price, currency: "USD" }]);
    expect(both.error.fields).toMatchObject([{ path: "entries[1]" }]);
    expect((await publish(world, WEIGHTS, NOON, many.slice(0, 500))).status).toBe(201);
  });

  test("more that is in force or scheduled than an isolate should keep", async ({ expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    const batch = (day: number, size: number) =>
      publish(
        world,
        WEIGHTS,
        `2030-04-0${day}T00:00:00Z`,
        Array.from({ length: size }, (_, index) => ({ featureId, model: `m${index}`, creditsPerUnit: day })),
      );
    for (const day of [1, 2, 3]) expect((await batch(day, 500)).status).toBe(201);
    expect((await batch(4, 499)).status).toBe(201);
    expect(await batch(5, 2)).toMatchObject({ status: 400, error: { fields: [{ path: "entries" }] } });
    // What has been replaced makes room.
    clockAt("2030-04-02T00:00:00Z");
    expect((await batch(5, 2)).status).toBe(201);
  });

  test("features and denominations that nobody has, or somebody else", async ({ expect }) => {
    const [world, other] = [await newWorld(), await newWorld()];
    const [chat, theirs] = [await feature(world, "chat"), await feature(other, "chat")];
    await creditModel(other, "AI");
    for (const featureId of [crypto.randomUUID(), "none", theirs]) {
      const entries = [
        { featureId: chat, creditsPerUnit: 1 },
        { featureId, creditsPerUnit: 1 },
      ];
      expect(await publish(world, WEIGHTS, NOON, entries)).toMatchObject({ status: 404, error: { code: "not_found" } });
    }
    const price = await publish(world, PRICES, NOON, [{ denomination: "AI", pricePerCredit: 1 }]);
    expect(price).toMatchObject({ status: 400, error: { fields: [{ path: "entries[0].denomination" }] } });
    const code = await publish(world, PRICES, NOON, [{ denomination: "AI", currency: "XYZ", pricePerCredit: 1 }]);
    expect(code).toMatchObject({ status: 400, error: { fields: [{ path: "entries[0].currency" }] } });
    expect(await dump("credit_prices", world.accountId)).toEqual([]);
    expect((await world.call("GET", `${WEIGHTS}/history`)).error.fields).toMatchObject([{ path: "featureId" }]);
    expect((await world.call("GET", `${PRICES}/history`)).error.fields).toMatchObject([{ path: "denomination" }]);
  });

  test("a feature that burns two denominations, however it came to that", async ({ expect }) => {
    const world = await newWorld();
    const [ai, sms] = [await creditModel(world, "AI"), await creditModel(world, "SMS")];
    const featureId = await feature(world, "chat");
    const old = await plan(world, "old", [{ featureId, creditModelId: ai }]);
    await world.call("DELETE", `${PLANS}/${old}`);
    await plan(world, "new", [{ featureId, creditModelId: sms }]);
    const entries = [{ featureId, creditsPerUnit: 1 }];
    // A subscription that began in the same instant as the other plan.
    const end = await subscribed(world, old, 1);
    const refused = await publish(world, WEIGHTS, NOON, entries);
    expect(refused).toMatchObject({ status: 400, error: { fields: [{ path: "entries[0].featureId" }] } });
    expect(refused.error.detail).toMatch(/“SMS” and “AI”/);
    await end();
    expect((await publish(world, WEIGHTS, NOON, entries)).status).toBe(201);
  });

  test("another batch at the same instant, until that one is taken back", async ({ expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    const entries = [{ featureId, creditsPerUnit: 1 }];
    const { data } = await publish<Weight>(world, WEIGHTS, "2030-04-01T00:00:00Z", entries);
    for (const other of [
      [{ featureId, creditsPerUnit: 2 }],
      [{ featureId, model: "gpt-4o", creditsPerUnit: 1 }],
      [...entries, { featureId, model: "gpt-4o", creditsPerUnit: 1 }],
    ])
      expect(await publish(world, WEIGHTS, "2030-04-01T00:00:00Z", other)).toMatchObject({
        status: 409,
        error: { code: "conflict" },
      });
    expect(await list(world, WEIGHTS)).toEqual(data);
    await world.call("DELETE", `${WEIGHTS}/${data[0]?.id}`);
    const again = await publish(world, WEIGHTS, "2030-04-01T00:00:00Z", [{ featureId, creditsPerUnit: 2 }]);
    expect(again.status).toBe(201);
  });

  test("to take back what is in force, or so near that isolates may have read it", async ({ expect }) => {
    const [world, other] = [await newWorld(), await newWorld()];
    await creditModel(world, "AI");
    const { data } = await publish<Price>(world, PRICES, "2030-03-05T13:00:00Z", [
      { denomination: "AI", pricePerCredit: 0.1 },
    ]);
    const path = `${PRICES}/${data[0]?.id}`;
    expect((await other.call("DELETE", path)).status).toBe(404);
    expect((await world.call("DELETE", `${WEIGHTS}/${data[0]?.id}`)).status).toBe(404);
    for (const near of ["2030-03-05T12:59:50Z", "2030-03-05T13:00:00Z", "2031-01-01T00:00:00Z"]) {
      clockAt(near);
      expect(await world.call("DELETE", path)).toMatchObject({
        status: 400,
        error: { code: "validation_failed", fields: [{ path: "id" }] },
      });
    }
    clockAt("2030-03-05T12:59:49Z");
    expect((await world.call("DELETE", path)).status).toBe(200);
    expect((await world.call("DELETE", path)).status).toBe(404);
  });

  test("another currency for an account whose credits are priced", async ({ expect }) => {
    const world = await newWorld();
    await creditModel(world, "AI");
    const set = (currency: string) => world.call("PATCH", "/api/v1/account/settings", { currency });
    expect((await set("EUR")).status).toBe(200);
    await publish(world, PRICES, NOON, [{ denomination: "AI", pricePerCredit: 1 }]);
    expect(await set("USD")).toMatchObject({ status: 409, error: { code: "conflict" } });
  });
});

describe("holds", () => {
  test.for(["2030-03-05T11:55:00Z", NOON, "2030-03-05T12:00:09Z", "2030-04-01T00:00:00Z"])(
    "the same batch for %s again, at once or much later, is the first one",
    async (effectiveFrom, { expect }) => {
      const world = await newWorld();
      const featureId = await feature(world, "chat");
      const entries = [
        { featureId, creditsPerUnit: 1 },
        { featureId, model: "gpt-4o", creditsPerUnit: 2.5 },
      ];
      const first = await publish<Weight>(world, WEIGHTS, effectiveFrom, entries);
      const rows = await dump("credit_weights", world.accountId);
      for (const later of [NOON, "2030-03-05T12:00:30Z", "2032-01-01T00:00:00Z"]) {
        clockAt(later);
        expect(await publish(world, WEIGHTS, effectiveFrom, entries)).toMatchObject({ status: 201, data: first.data });
      }
      expect(await dump("credit_weights", world.accountId)).toEqual(rows);
      const results = (await auditOf(world)).filter(({ action }) => action === "credit_weights.published");
      expect(results.map(({ before, after }) => [JSON.parse(before), JSON.parse(after ?? "")])).toEqual([
        [[], first.data],
      ]);
    },
  );

  test("the trail says what a batch replaced, and what was taken back", async ({ expect }) => {
    const world = await newWorld();
    await creditModel(world, "AI");
    const on = (day: string, pricePerCredit: number) =>
      publish<Price>(world, PRICES, `2030-${day}T00:00:00Z`, [{ denomination: "AI", pricePerCredit }]);
    const first = (await on("04-01", 1)).data[0];
    const last = (await on("06-01", 3)).data[0];
    const middle = (await on("05-01", 2)).data[0];
    await world.call("DELETE", `${PRICES}/${last?.id}`);
    const entries = await auditOf(world);
    const ids = (text: string | null): unknown[] => ((JSON.parse(text ?? "[]") ?? []) as Price[]).map(({ id }) => id);
    const published = entries.filter(({ action }) => action === "credit_prices.published");
    expect(published.map(({ before, after }) => [ids(before), ids(after)])).toEqual(
      expect.arrayContaining([
        [[], [first?.id]],
        [[first?.id], [last?.id]],
        [[first?.id], [middle?.id]],
      ]),
    );
    expect(entries.find(({ action }) => action === "credit_price.deleted")).toMatchObject({ target: last?.id });
  });

  test("eight of one batch at once are one; of three batches for one instant, one is", async ({ expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    const same = await Promise.all(
      Array.from({ length: 8 }, () => publish(world, WEIGHTS, NOON, [{ featureId, creditsPerUnit: 1 }])),
    );
    expect(same.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(await list(world, WEIGHTS)).toHaveLength(1);
    const rivals = await Promise.all(
      [1, 2, 3].map((creditsPerUnit) =>
        publish(world, WEIGHTS, "2030-05-01T00:00:00Z", [{ featureId, creditsPerUnit }]),
      ),
    );
    expect(rivals.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  test("a repeat answers the same, D1 away is 503, its batch twice is once", async ({ expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    const send = (day: string) =>
      publish<Weight>(world, WEIGHTS, `2030-04-${day}T00:00:00Z`, [{ featureId, creditsPerUnit: 1 }], {
        "Idempotency-Key": day,
      });
    const first = await send("01");
    const repeated = await send("01");
    expect(repeated.data).toEqual(first.data);
    expect(repeated.headers.get("Idempotency-Replayed")).toBe("true");
    expect((await withD1("away", () => send("02"))).status).toBe(503);
    expect((await withD1("doubled", () => send("03"))).status).toBe(201);
    expect(told(await list(world, WEIGHTS))).toEqual([
      "- 1 2030-04-03T00:00:00.000Z ever",
      "- 1 2030-04-01T00:00:00.000Z 2030-04-03T00:00:00.000Z",
    ]);
  });

  test("an isolate that heard nothing of a publication knows its weight when it takes effect", async ({ expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    const weightAt = async (instant: string) => {
      clockAt(instant);
      const known = await authenticate(env.DB, sha256Hex(world.key), Date.now(), () => {});
      if (known === undefined || known === "unavailable") throw new Error("the key is good");
      return weightFor(known.snapshot.weightsByFeature.get(featureId) ?? [], undefined, at(instant)).creditsPerUnitE12;
    };
    expect(await weightAt(NOON)).toBe(E12_ONE);
    const row: TariffRow = {
      rowId: crypto.randomUUID(),
      subject: featureId,
      variant: "",
      value: 7n * E12_ONE,
      askedFromMs: at("2030-03-05T12:00:01Z"),
      effectiveFromMs: at("2030-03-05T12:00:11Z"),
      createdBy: "another",
      createdAtMs: at("2030-03-05T12:00:01Z"),
    };
    // As another isolate does it: this one is told nothing.
    await env.DB.batch(publishTariffs(env.DB, world.accountId, "weights", [row]));
    expect(await weightAt("2030-03-05T12:00:04Z")).toBe(E12_ONE);
    expect(await weightAt("2030-03-05T12:00:10.999Z")).toBe(E12_ONE);
    expect(await weightAt("2030-03-05T12:00:11Z")).toBe(7n * E12_ONE);
  });

  test("the snapshot keeps what an event of the last 48 hours may need, and a test account everything", async ({
    expect,
  }) => {
    const world = await newWorld();
    await creditModel(world, "AI");
    const featureId = await feature(world, "chat");
    for (const [day, value] of [
      ["10", 1],
      ["11", 2],
      ["20", 3],
    ] as const) {
      const effectiveFrom = `2030-03-${day}T00:00:00Z`;
      await publish(world, WEIGHTS, effectiveFrom, [{ featureId, model: "gpt-4o", creditsPerUnit: value }]);
      await publish(world, PRICES, effectiveFrom, [{ denomination: "AI", pricePerCredit: value }]);
    }
    const known = async (instant: string) => {
      const snapshot = await readAccount(env.DB, world.accountId, at(instant));
      const weights = snapshot?.weightsByFeature.get(featureId) ?? [];
      const prices = snapshot?.creditPrices ?? [];
      expect(prices.map(({ pricePerCreditE12 }) => pricePerCreditE12)).toEqual(
        weights.map(({ creditsPerUnitE12 }) => creditsPerUnitE12),
      );
      expect(weights.every(({ model }) => model === "gpt-4o")).toBe(true);
      return weights.map(({ creditsPerUnitE12 }) => Number(creditsPerUnitE12 / E12_ONE));
    };
    expect(await known("2030-03-25T00:00:00Z")).toEqual([1, 2, 3]);
    await env.DB.prepare("UPDATE accounts SET mode = 'live' WHERE account_id = ?").bind(world.accountId).run();
    expect(await known("2030-03-01T00:00:00Z")).toEqual([1, 2, 3]);
    expect(await known("2030-03-12T23:59:59.999Z")).toEqual([1, 2, 3]);
    // An event of the very instant at which the second one took effect burns by the second one.
    expect(await known("2030-03-13T00:00:00Z")).toEqual([2, 3]);
    expect(await known("2030-03-22T00:00:00Z")).toEqual([3]);
  });

  test("however long the history, open rows are found in an index, and so are a batch's neighbours and pages", async ({
    expect,
  }) => {
    const { accountId } = await newWorld();
    const snapshot = await queryPlans((db) => readAccount(db, accountId, 0).catch(() => undefined));
    for (const book of ["weights", "prices"] as const) {
      const table = `credit_${book}`;
      const open = `SEARCH ${table} USING INDEX ${table}_open (account_id=? AND <expr>>?)`;
      expect(snapshot).toContain(open);
      expect(await queryPlans((db) => openTariffs(db, accountId, book, 0))).toEqual([open]);
      const between = await queryPlans((db) => tariffsBetween(db, accountId, book, { firstMs: 0, lastMs: 1 }));
      expect(between).toEqual([
        `SEARCH ${table} USING INDEX ${table}_by_time (account_id=? AND effective_from_ms>? AND effective_from_ms<?)`,
      ]);
      const page = { limit: 5, offset: 0 };
      const pages = await queryPlans((db) => tariffPage(db, accountId, book, {}, page));
      expect(pages.filter((line) => line.includes("TEMP B-TREE FOR ORDER BY"))).toEqual([]);
      const [subject, variant] = book === "weights" ? ["feature_id", "model"] : ["denomination", "currency"];
      const history = await queryPlans((db) => tariffPage(db, accountId, book, { subject: "s", variant: "v" }, page));
      expect(history).toEqual(
        Array(2).fill(`SEARCH ${table} USING PRIMARY KEY (account_id=? AND ${subject}=? AND ${variant}=?)`),
      );
    }
  });

  test("a rule and its weight are of one account: strangers' weights are nobody's", async ({ expect }) => {
    const [world, other] = [await newWorld(), await newWorld()];
    const featureId = await feature(world, "chat");
    await publish(world, WEIGHTS, NOON, [{ featureId, creditsPerUnit: 9 }]);
    expect(await list(other, `${WEIGHTS}/history?featureId=${featureId}`)).toEqual([]);
    expect(await list(other, WEIGHTS)).toEqual([]);
    expect((await readAccount(env.DB, other.accountId, Date.now()))?.weightsByFeature.size).toBe(0);
    expect((await other.call("GET", `${RULES}/${featureId}/${featureId}`)).status).toBe(404);
  });
});
