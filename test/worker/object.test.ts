import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeEach, describe, test, vi } from "vitest";
import { migrate } from "../../src/customer/migrate.ts";
import { callEach } from "../../src/customer/object-of.ts";
import { STEPS } from "../../src/customer/schema.ts";
import { customerId, tagOfCustomer, type Uuid } from "../../src/domain/ids.ts";
import { DAY_MS, HOUR_MS, OBJECT_CALLS_AT_ONCE_MAX } from "../../src/domain/limits.ts";
import type { Env } from "../../src/env.ts";
import { dropEmptiedHours } from "../../src/ledger/upkeep.ts";
import { rollupsInD1 } from "../support/d1.ts";
import { sqlOf } from "../support/tables.ts";
import { newTag } from "../support/views.ts";
import { at, clockAt, newWorld, request, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterEach(() => {
  delete env.OBJECT_LIMITS;
});
afterAll(() => {
  vi.useRealTimers();
});

const ALL = { limit: 1000, offset: 0 };

/** The rollups inside a customer's object, as rows. */
function rollupsOf(world: World, customerId: string) {
  return runInDurableObject(world.object(customerId), (object) =>
    sqlOf(object)
      .exec<{ bucket_start_ms: number; span_ms: number; events: number; model: string; cost_e12: string }>(
        "SELECT bucket_start_ms, span_ms, events, model, cost_e12 FROM rollups ORDER BY bucket_start_ms, span_ms, model",
      )
      .toArray(),
  );
}

function alarmOf(world: World, customerId: string): Promise<number | null> {
  return runInDurableObject(world.object(customerId), (_, state) => state.storage.getAlarm());
}

describe("does", () => {
  test("everything survives that the object is evicted", async ({ expect }) => {
    const world = await newWorld();
    const first = await world.event({
      customerReferenceId: "a",
      eventIdempotencyKey: "k",
      costAmount: 1,
      featureKey: "f",
    });
    const { customerId } = first.data;
    const seen = async () => ({
      view: await world.object(customerId).view(),
      health: { ...(await world.object(customerId).health()), sizeBytes: 0 },
      events: await world.object(customerId).events({}, ALL),
      rollups: await rollupsOf(world, customerId),
    });
    const before = await seen();
    await evictDurableObject(world.object(customerId));
    expect(await seen()).toEqual(before);
    expect(await world.event({ customerReferenceId: "a", eventIdempotencyKey: "k" })).toMatchObject({
      status: 409,
      data: first.data,
    });
    const next = await world.event({ customerReferenceId: "a" });
    expect(next.data.eventId).not.toBe(first.data.eventId);
  });

  test("hours older than 35 days become days; the sums stay, in the object and in D1", async ({ expect }) => {
    const world = await newWorld();
    const hours = [
      "2030-03-05T09:59:59.999Z",
      "2030-03-05T00:00:00Z",
      "2030-03-04T23:59:59.999Z",
      "2030-03-05T10:00:00Z",
    ];
    const { data } = await world.batch(
      hours.map((occurredAt) => ({
        eventName: "x",
        customerReferenceId: "a",
        occurredAt,
        costAmount: "0.000000000001",
      })),
    );
    const customerId = data.results[0]?.receipt?.customerId ?? "";
    await world.flush(customerId);
    expect((await rollupsInD1(world.accountId)).map(({ spanMs, events }) => [spanMs, events])).toEqual([
      [HOUR_MS, 1],
      [HOUR_MS, 1],
      [HOUR_MS, 1],
      [HOUR_MS, 1],
    ]);
    // A day is kept in hours until the last of them is 35 days old.
    clockAt("2030-04-09T23:59:59Z");
    await runDurableObjectAlarm(world.object(customerId));
    await world.flush(customerId);
    expect((await rollupsInD1(world.accountId)).map(({ spanMs, events }) => [spanMs, events])).toEqual([
      [DAY_MS, 1],
      [HOUR_MS, 1],
      [HOUR_MS, 1],
      [HOUR_MS, 1],
    ]);
    clockAt("2030-04-10T00:00:00Z");
    await runDurableObjectAlarm(world.object(customerId));
    await world.flush(customerId);
    const days = [
      { bucketStartMs: at("2030-03-04T00:00:00Z"), spanMs: DAY_MS, events: 1, costE12: 1n },
      { bucketStartMs: at("2030-03-05T00:00:00Z"), spanMs: DAY_MS, events: 3, costE12: 3n },
    ];
    expect(await rollupsInD1(world.accountId)).toMatchObject(days);
    // D1 keeps the emptied hours as zeros for five days, so that a late copy of them changes nothing; the object forgets them.
    const zeros = () =>
      env.DB.prepare("SELECT COUNT(*) AS n FROM rollups WHERE account_id = ? AND events = 0")
        .bind(world.accountId)
        .first("n");
    expect(await zeros()).toBe(4);
    expect((await rollupsOf(world, customerId)).map(({ span_ms, events }) => [span_ms, events])).toEqual([
      [DAY_MS, 1],
      [DAY_MS, 3],
    ]);
    await dropEmptiedHours(env.DB, [world.accountId], at("2030-04-14T00:00:00Z"));
    expect(await zeros()).toBe(3);
    await dropEmptiedHours(env.DB, [world.accountId], at("2030-04-15T00:00:00Z"));
    expect(await zeros()).toBe(0);
    expect(await rollupsInD1(world.accountId)).toMatchObject(days);
    // A late event joins its day, whether the day is there or not.
    await world.event({ customerReferenceId: "a", occurredAt: "2030-03-05T09:00:00Z" });
    await world.event({ customerReferenceId: "a", occurredAt: "2029-12-31T23:59:59Z" });
    await world.flush(customerId);
    expect(
      (await rollupsInD1(world.accountId)).map(({ bucketStartMs, spanMs, events }) => [bucketStartMs, spanMs, events]),
    ).toEqual([
      [at("2029-12-31T00:00:00Z"), DAY_MS, 1],
      [at("2030-03-04T00:00:00Z"), DAY_MS, 1],
      [at("2030-03-05T00:00:00Z"), DAY_MS, 4],
    ]);
  });

  test("a quarantined customer's events are taken, health counts it, and mending releases it", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a", costAmount: 1 })).data;
    await world.flush(customerId);
    const cost = (text: string) =>
      runInDurableObject(world.object(customerId), (object) =>
        sqlOf(object).exec(
          "UPDATE rollups SET cost_e12 = ? WHERE span_ms = 3600000 AND bucket_start_ms = ?",
          text,
          at("2030-03-05T10:00:00Z"),
        ),
      );
    await cost("no number");
    await evictDurableObject(world.object(customerId));
    const quarantined = async () =>
      (await request<{ quarantinedObjects: number }>("GET", "/health")).data.quarantinedObjects;
    const before = await quarantined();

    clockAt("2030-04-20T00:00:00Z");
    expect((await world.event({ customerReferenceId: "a", costAmount: 2, eventIdempotencyKey: "k" })).status).toBe(201);
    await world.flush(customerId);
    expect(await world.object(customerId).health()).toMatchObject({ quarantinedAtMs: at("2030-04-20T00:00:00Z") });
    expect(await quarantined()).toBe(before + 1);
    const status = await world.call<{ quarantinedObjects: number; troubled: unknown[] }>("GET", "/api/v1/ops/status");
    expect(status.data).toMatchObject({
      quarantinedObjects: 1,
      troubled: [{ customerId, quarantinedAt: "2030-04-20T00:00:00.000Z" }],
    });
    // What came meanwhile is kept and counted.
    expect((await world.event({ customerReferenceId: "a", eventIdempotencyKey: "k" })).status).toBe(409);

    await cost("1000000000000");
    clockAt("2030-04-20T00:02:00Z");
    await world.object(customerId).wake();
    await world.flush(customerId);
    expect((await world.object(customerId).health()).quarantinedAtMs).toBeUndefined();
    expect(await quarantined()).toBe(before);
    expect(await rollupsInD1(world.accountId)).toMatchObject([
      { bucketStartMs: at("2030-03-05T00:00:00Z"), spanMs: DAY_MS, costE12: 1_000_000_000_000n },
      { bucketStartMs: at("2030-04-20T00:00:00Z"), spanMs: HOUR_MS, costE12: 2_000_000_000_000n },
    ]);
  });
});

describe("refuses", () => {
  test("meta, then events, when the object is nearly full; other commands go on", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a", meta: { kept: true } })).data;
    const { sizeBytes } = await world.object(customerId).health();
    env.OBJECT_LIMITS = JSON.stringify({ metaBytesMax: sizeBytes, eventBytesMax: sizeBytes + 1 });
    await evictDurableObject(world.object(customerId));
    expect((await world.event({ customerReferenceId: "a", meta: { kept: false }, flowId: "f" })).status).toBe(201);
    const { items } = await world.object(customerId).events({}, ALL);
    expect(items.map(({ meta, flowId }) => [meta, flowId])).toEqual([
      [undefined, "f"],
      ['{"kept":true}', undefined],
    ]);

    env.OBJECT_LIMITS = JSON.stringify({ eventBytesMax: sizeBytes });
    await evictDurableObject(world.object(customerId));
    const full = await world.event({ customerReferenceId: "a" });
    expect(full).toMatchObject({ status: 503, error: { code: "unavailable" } });
    expect(full.headers.get("Retry-After")).toBe("3600");
    const { data } = await world.batch([
      { eventName: "x", customerReferenceId: "a" },
      { eventName: "x", customerReferenceId: "b" },
    ]);
    expect(data.results.map(({ status, error }) => [status, error?.code])).toEqual([
      ["rejected", "unavailable"],
      ["accepted", undefined],
    ]);
    const changed = await world.call("PATCH", "/api/v1/client/customers/a", { firstName: "Ada" });
    expect(changed).toMatchObject({ status: 200, data: { firstName: "Ada" } });
    expect((await world.object(customerId).events({}, ALL)).total).toBe(2);
  });

  test("pairs of feature and model beyond 200 on one day: counted as (other), shown as sent", async ({ expect }) => {
    const world = await newWorld();
    const models = Array.from({ length: 203 }, (_, index) => `model-${String(index).padStart(3, "0")}`);
    const batch = (occurredAt: string, names: readonly string[]) =>
      world.batch(
        names.map((model) => ({
          eventName: "x",
          customerReferenceId: "a",
          occurredAt,
          costAmount: 1,
          costInput: { model },
        })),
      );
    const { data } = await batch("2030-03-05T09:00:00Z", models.slice(0, 150));
    const customerId = data.results[0]?.receipt?.customerId ?? "";
    await evictDurableObject(world.object(customerId));
    // Another hour of the same day, in which some pairs are known already.
    await batch("2030-03-05T10:00:00Z", models);
    await batch("2030-03-04T10:00:00Z", ["model-202"]);
    await world.flush(customerId);
    const rollups = await rollupsInD1(world.accountId);
    const other = rollups.filter(({ model }) => model === "(other)");
    expect(other).toMatchObject([
      { featureId: "(other)", provider: "(other)", events: 3, costE12: 3_000_000_000_000n },
    ]);
    expect(
      new Set(rollups.map(({ bucketStartMs, model }) => `${Math.floor(bucketStartMs / DAY_MS)} ${model}`)).size,
    ).toBe(202);
    expect(rollups.reduce((sum, { events }) => sum + events, 0)).toBe(354);
    const { items } = await world.object(customerId).events({ model: "model-202" }, ALL);
    expect(items).toHaveLength(2);
  });

  test("a model is one provider's: names of providers make no rows without end either", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.batch(
      Array.from({ length: 203 }, (_, index) => ({
        eventName: "x",
        customerReferenceId: "a",
        costInput: { model: "m", modelProvider: `provider-${index}` },
      })),
    );
    await world.flush(data.results[0]?.receipt?.customerId ?? "");
    const rollups = await rollupsInD1(world.accountId);
    expect(rollups).toHaveLength(201);
    expect(rollups.filter(({ provider }) => provider === "(other)")).toMatchObject([{ model: "(other)", events: 3 }]);
  });
});

describe("holds", () => {
  test("many objects are called a bounded number at a time, and told in their order", async ({ expect }) => {
    const count = OBJECT_CALLS_AT_ONCE_MAX * 2 + 7;
    const owners = Array.from({ length: count }, () => ({ accountId: "a", customerId: customerId(newTag()) }));
    const named = {
      CUSTOMERS: { idFromName: (name: string) => name, get: (id: string) => ({ toString: () => id }) },
    } as unknown as Env;
    let atOnce = 0;
    let most = 0;
    const results = await callEach(named, [...owners, { accountId: "a", customerId: "nobody" }], async (object) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, 1));
      atOnce -= 1;
      if (String(object) === `a/${tagOfCustomer(owners[3]?.customerId as Uuid)}`) throw new Error("this one");
      return String(object);
    });
    expect(most).toBe(OBJECT_CALLS_AT_ONCE_MAX);
    expect(results.map((result) => (result.status === "fulfilled" ? result.value : "failed"))).toEqual([
      ...owners.map(({ customerId: id }, index) => (index === 3 ? "failed" : `a/${tagOfCustomer(id)}`)),
      "failed",
    ]);
    expect(await callEach(named, [], async () => 1)).toEqual([]);
  });

  test("time never runs backwards for a customer", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    clockAt("2030-03-01T00:00:00Z");
    await world.event({ customerReferenceId: "a" });
    const { items } = await world.object(customerId).events({}, ALL);
    expect(items.map(({ receivedAtMs, occurredAtMs }) => [receivedAtMs, occurredAtMs])).toEqual(
      Array.from({ length: 2 }, () => [at("2030-03-05T10:30:00Z"), at("2030-03-05T10:30:00Z")]),
    );
  });

  test("answers under an Idempotency-Key are forgotten after a day, event keys never", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (
      await world.event({ customerReferenceId: "a", eventIdempotencyKey: "k" }, { "Idempotency-Key": "once" })
    ).data;
    const kept = () =>
      runInDurableObject(world.object(customerId), (object) =>
        ["requests", "event_keys"].map(
          (table) => sqlOf(object).exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
        ),
      );
    clockAt("2030-03-06T10:30:00Z");
    await world.object(customerId).wake();
    expect(await kept()).toEqual([1, 1]);
    clockAt("2030-03-06T10:30:00.001Z");
    await world.object(customerId).wake();
    expect(await kept()).toEqual([0, 1]);
  });

  test("a quarantined customer's alarm rings a minute later, however long ago something fell due", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a", costAmount: 1 })).data;
    await world.flush(customerId);
    await runInDurableObject(world.object(customerId), (object) =>
      sqlOf(object).exec("UPDATE rollups SET cost_e12 = 'no number'"),
    );
    await evictDurableObject(world.object(customerId));
    clockAt("2030-04-20T00:00:00Z");
    await world.object(customerId).wake();
    await world.flush(customerId);
    await runDurableObjectAlarm(world.object(customerId));
    expect((await world.object(customerId).health()).quarantinedAtMs).toBe(Date.now());
    expect(await alarmOf(world, customerId)).toBe(at("2030-04-20T00:01:00Z"));
  });

  test("no alarm rings for a customer of a test clock, whose hours end by its clock and not by ours", async ({
    expect,
  }) => {
    const world = await newWorld();
    const clock = await world.call<{ id: string }>("POST", "/api/v1/test-clocks", {
      frozenTime: "2027-01-31T09:00:00Z",
    });
    const body = { email: "a@b", customerReferenceId: "a", testClockId: clock.data.id };
    const { id } = (await world.call<{ id: string }>("POST", "/api/v1/client/customers", body)).data;
    await world.event({ customerReferenceId: "a", costAmount: 1 });
    await world.flush(id);
    await runDurableObjectAlarm(world.object(id));
    expect(await alarmOf(world, id)).toBeNull();
    // In real time again its old hour becomes part of a day.
    await world.call("DELETE", `/api/v1/test-clocks/${clock.data.id}`);
    await world.flush(id);
    expect(await rollupsOf(world, id)).toMatchObject([{ span_ms: DAY_MS, events: 1 }]);
  });

  test("a throw in one of the events that share a commit undoes that one alone", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    await runInDurableObject(world.object(customerId), (object) =>
      sqlOf(object).exec(
        "CREATE TRIGGER fault BEFORE INSERT ON events WHEN NEW.event_name = 'fault' BEGIN SELECT RAISE(ABORT, 'fault'); END",
      ),
    );
    const answers = await Promise.all(
      ["one", "fault", "two"].map((eventName) =>
        world.event({ customerReferenceId: "a", eventName, costAmount: 1, eventIdempotencyKey: eventName }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 500, 201]);
    expect(answers[1]?.error.message).not.toContain("fault");
    await world.flush(customerId);
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ events: 3, costE12: 2_000_000_000_000n }]);
    await runInDurableObject(world.object(customerId), (object) => sqlOf(object).exec("DROP TRIGGER fault"));
    expect(
      (await world.event({ customerReferenceId: "a", eventName: "fault", eventIdempotencyKey: "fault" })).status,
    ).toBe(201);
  });

  test("an object that slept through releases takes every step once, in order, and arrives at the same tables", async ({
    expect,
  }) => {
    const steps = [
      { id: 1, why: "first", sql: "CREATE TABLE one (a INTEGER NOT NULL) STRICT; INSERT INTO one (a) VALUES (1);" },
      { id: 2, why: "second", sql: "ALTER TABLE one ADD COLUMN b TEXT;" },
      { id: 5, why: "numbers may leave gaps", sql: "UPDATE one SET b = 'x'; CREATE TABLE two (c BLOB) STRICT;" },
    ];
    const tablesAfter = (version: number) =>
      runInDurableObject(env.CUSTOMERS.getByName(`schema/${version.toString(16).padStart(15, "0")}`), (_, state) => {
        const { sql } = state.storage;
        const transact = (work: () => void) => state.storage.transactionSync(work);
        sql.exec("DROP TABLE schema_version");
        migrate(sql, transact, steps.slice(0, version));
        for (let again = 0; again < 2; again += 1) migrate(sql, transact, steps);
        const tables = sql
          .exec("SELECT name, sql FROM sqlite_master WHERE name IN ('one', 'two', 'schema_version') ORDER BY name")
          .toArray();
        return {
          tables,
          rows: sql.exec("SELECT * FROM one").toArray(),
          version: sql.exec("SELECT step FROM schema_version").one(),
        };
      });
    const newest = await tablesAfter(3);
    expect(newest).toMatchObject({ rows: [{ a: 1, b: "x" }], version: { step: 5 } });
    for (const version of [0, 1, 2]) expect(await tablesAfter(version)).toEqual(newest);
  });

  test("a step that fails leaves the version before it", async ({ expect }) => {
    const bad = [{ id: 1, why: "fails", sql: "CREATE TABLE half (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1);" }];
    const left = await runInDurableObject(env.CUSTOMERS.getByName("schema/000000000000fff"), (_, state) => {
      const { sql } = state.storage;
      sql.exec("DROP TABLE schema_version");
      expect(() => migrate(sql, (work) => state.storage.transactionSync(work), bad)).toThrow();
      return sql.exec("SELECT name FROM sqlite_master WHERE name = 'half'").toArray();
    });
    expect(left).toEqual([]);
  });

  test("the object's steps rise, so that none can be skipped", ({ expect }) => {
    const ids = STEPS.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
