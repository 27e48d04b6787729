import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { forgetAccount } from "../../src/catalog/snapshot.ts";
import { RECOST_EVENTS_PASSED_MAX } from "../../src/domain/limits.ts";
import { dump, rollupsInD1 } from "../support/d1.ts";
import { brokenLaws } from "../support/edited.ts";
import { sqlOf } from "../support/tables.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

type Result = {
  customers: number;
  examined: number;
  priced: number;
  cost: number;
  dryRun: boolean;
  nextCursor?: string;
};

/** No bounds at all: every event there is. */
const ALWAYS = {};
const MINI = "gpt-4o-mini";
/** 0.15 and 0.60 USD a million tokens: 0.75 USD, at half a euro a dollar 0.375 EUR. */
const TOKENS = { model: MINI, inputTokens: 1_000_000, outputTokens: 1_000_000 };
const COST_E12 = 375_000_000_000n;

/** An account in euros: list prices are in dollars, so costs are unknown until there is an exchange rate. */
const newEuroWorld = () => newWorld("EUR");

async function setRate(world: World): Promise<void> {
  await env.DB.prepare("UPDATE accounts SET settings = ? WHERE account_id = ?")
    .bind(JSON.stringify({ usdExchangeRate: "0.5" }), world.accountId)
    .run();
  forgetAccount(world.accountId);
}

function recost(world: World, body: object = {}) {
  return world.call<Result>("POST", "/api/v1/analytics/recost", { model: MINI, ...ALWAYS, ...body });
}

describe("does", () => {
  test("unknown costs are found, others never touched; receipts stay, sums and feed follow", async ({ expect }) => {
    const world = await newEuroWorld();
    const unknown = await world.event({ customerReferenceId: "a", eventIdempotencyKey: "k", costInput: TOKENS });
    expect(unknown.data).not.toHaveProperty("costAmount");
    await world.event({ customerReferenceId: "a", costAmount: 7, costInput: TOKENS });
    await world.event({ customerReferenceId: "a", costInput: { model: "gpt-4o", inputTokens: 1000 } });
    await world.event({ customerReferenceId: "a" });
    const { customerId } = unknown.data;
    await world.flush(customerId);
    await setRate(world);
    const dry = await recost(world, { dryRun: true });
    expect(dry.data).toEqual({ customers: 1, examined: 1, priced: 1, cost: 0.375, dryRun: true });
    const sums = async () =>
      (await rollupsInD1(world.accountId)).map(({ model, costE12, costUnknownEvents }) => [
        model,
        costE12,
        costUnknownEvents,
      ]);
    const before = [
      ["", 0n, 1],
      ["gpt-4o", 0n, 1],
      [MINI, 7_000_000_000_000n, 1],
    ];
    expect(await sums()).toEqual(before);

    expect((await recost(world)).data).toEqual({ ...dry.data, dryRun: false });
    expect(await sums()).toEqual([before[0], before[1], [MINI, 7_000_000_000_000n + COST_E12, 0]]);
    const again = await world.event({ customerReferenceId: "a", eventIdempotencyKey: "k" });
    expect(again).toMatchObject({ status: 409, data: unknown.data });
    expect(again.data).not.toHaveProperty("costAmount");
    const { items } = await world.object(customerId).events({ model: MINI }, { limit: 10, offset: 0 });
    expect(items.map(({ costE12, costSource }) => [costE12, costSource]).toSorted()).toEqual([
      [COST_E12, "catalog"],
      [7_000_000_000_000n, "given"],
    ]);
    expect(await brokenLaws(world, customerId)).toEqual([]);
    const fed = (await dump("feed", world.accountId)).map((row) => JSON.parse(JSON.parse(row).event));
    expect(fed.find(({ key }) => key === "k")).toMatchObject({ costE12: String(COST_E12) });
  });

  test("only what occurred in [from, to), also where hours have become days", async ({ expect }) => {
    const world = await newEuroWorld();
    const times = ["2030-03-01T00:00:00Z", "2030-03-01T23:59:59.999Z", "2030-03-02T00:00:00Z"];
    const { data } = await world.batch(
      times.map((occurredAt) => ({ eventName: "x", customerReferenceId: "a", occurredAt, costInput: TOKENS })),
    );
    const customerId = data.results[0]?.receipt?.customerId ?? "";
    clockAt("2030-05-01T00:00:00Z");
    await runDurableObjectAlarm(world.object(customerId));
    await world.flush(customerId);
    await setRate(world);
    const one = await recost(world, { from: "2030-03-01T00:00:00.001Z", to: "2030-03-02T00:00:00Z" });
    expect(one.data).toMatchObject({ examined: 1, priced: 1 });
    const two = await recost(world, { from: "2030-03-01T00:00:00Z", to: "2030-03-02T00:00:00Z" });
    expect(two.data).toMatchObject({ examined: 1, priced: 1 });
    expect(
      (await rollupsInD1(world.accountId)).map(({ costE12, costUnknownEvents }) => [costE12, costUnknownEvents]),
    ).toEqual([
      [2n * COST_E12, 0],
      [0n, 1],
    ]);
    expect(await brokenLaws(world, customerId)).toEqual([]);
  });

  test("events counted as (other) are found, and their sum is the one that follows", async ({ expect }) => {
    const world = await newEuroWorld();
    const models = Array.from({ length: 200 }, (_, index) => ({ model: `m${index}` }));
    const { data } = await world.batch(
      [...models, TOKENS].map((costInput) => ({ eventName: "x", customerReferenceId: "a", costInput })),
    );
    const customerId = data.results[0]?.receipt?.customerId ?? "";
    await world.flush(customerId);
    await setRate(world);
    expect((await recost(world)).data).toMatchObject({ priced: 1 });
    expect(await brokenLaws(world, customerId)).toEqual([]);
    expect((await rollupsInD1(world.accountId)).filter(({ costE12 }) => costE12 > 0n)).toMatchObject([
      { model: "(other)", costE12: COST_E12, costUnknownEvents: 0, events: 1 },
    ]);
  });

  test("events far apart in a long history are found, in several calls", async ({ expect }) => {
    const world = await newEuroWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a", costInput: TOKENS })).data;
    await world.event({ customerReferenceId: "a", costInput: TOKENS });
    await world.flush(customerId);
    await runInDurableObject(world.object(customerId), (object) =>
      sqlOf(object).exec("UPDATE events SET seq = ? WHERE seq = 2", 2 * RECOST_EVENTS_PASSED_MAX + 1),
    );
    await evictDurableObject(world.object(customerId));
    await setRate(world);
    const asked = {
      model: MINI,
      fromMs: 0,
      toMs: at("2100-01-01T00:00:00Z"),
      terms: { currency: "EUR" },
      dryRun: true,
    };
    const first = await world.object(customerId).recost({ ...asked, afterSeq: 0 });
    expect(first).toMatchObject({ ok: true, value: { examined: 1, afterSeq: RECOST_EVENTS_PASSED_MAX } });
    expect((await recost(world)).data).toMatchObject({ customers: 1, examined: 2, priced: 2 });
  });

  test("pages of customers, and of more events than one call takes", async ({ expect }) => {
    const world = await newEuroWorld();
    const ids = new Set<string>();
    for (const [reference, count] of [
      ["a", 1000],
      ["a", 1000],
      ["a", 100],
      ["b", 3],
      ["c", 3],
    ] as const) {
      const { data } = await world.batch(
        Array.from({ length: count }, () => ({ eventName: "x", customerReferenceId: reference, costInput: TOKENS })),
      );
      ids.add(data.results[0]?.receipt?.customerId ?? "");
    }
    await world.flush(...ids);
    await setRate(world);
    const pages: Result[] = [];
    let cursor: string | undefined;
    do {
      const { data } = await recost(world, { limit: 1, cursor });
      pages.push(data);
      cursor = data.nextCursor;
    } while (cursor !== undefined);
    expect(pages.reduce((sum, { priced }) => sum + priced, 0)).toBe(2106);
    expect(pages.map(({ customers }) => customers)).toEqual([1, 1, 1, 0]);
    const rollups = await rollupsInD1(world.accountId);
    expect(rollups.reduce((sum, { costE12 }) => sum + costE12, 0n)).toBe(2106n * COST_E12);
    expect((await recost(world)).data).toEqual({ customers: 0, examined: 0, priced: 0, cost: 0, dryRun: false });
  });
});

describe("refuses", () => {
  test("a cursor it never gave, and times that are none", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (await (await newWorld()).event({ customerReferenceId: "a" })).data;
    for (const cursor of ["x", `${crypto.randomUUID()}`, `${crypto.randomUUID()}/1`, `${customerId}/1`])
      expect(await recost(world, { cursor })).toMatchObject({ status: 400, error: { fields: [{ path: "cursor" }] } });
    expect(await recost(world, { from: "yesterday" })).toMatchObject({
      status: 400,
      error: { fields: [{ path: "from" }] },
    });
    expect(await recost(world, { model: undefined })).toMatchObject({
      status: 400,
      error: { fields: [{ path: "model" }] },
    });
  });
});
