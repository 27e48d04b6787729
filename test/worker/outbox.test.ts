import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import {
  FEED_BYTES_PER_FLUSH_MAX,
  FLUSH_DELAY_MS_MAX,
  FLUSH_DELAY_MS_MIN,
  OUTBOX_ATTEMPTS_MAX,
} from "../../src/domain/limits.ts";
import { dump, rollupsInD1, type Trouble, withD1 } from "../support/d1.ts";
import { sqlOf } from "../support/tables.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

/** Copies of an account in D1, as a rebuild must make them again: all but `rev`, which is the number of the commit that sent them. */
async function copies(world: World) {
  return {
    rollups: await rollupsInD1(world.accountId),
    feed: await dump("feed", world.accountId, ["rev"]),
    customers: await dump("customers", world.accountId, ["rev"]),
  };
}

async function waiting(world: World, customerId: string): Promise<number> {
  return (await world.object(customerId).health()).waitingRows;
}

/** A batch of events of one customer, each with cost 1; answers its id. */
async function send(world: World, reference: string, keys: readonly string[], more = {}): Promise<string> {
  const { data } = await world.batch(
    keys.map((eventIdempotencyKey) => ({
      eventName: "x",
      customerReferenceId: reference,
      eventIdempotencyKey,
      costAmount: 1,
      ...more,
    })),
  );
  if (data.rejected > 0) throw new Error(JSON.stringify(data));
  return data.results[0]?.receipt?.customerId ?? "";
}

describe("does", () => {
  test("1,000 events of one hour, feature and model are one rollup row, in one batch, and 200 rows of the feed", async ({
    expect,
  }) => {
    const world = await newWorld();
    const keys = Array.from({ length: 1000 }, (_, index) => `${index}`);
    const more = { featureKey: "chat", costInput: { model: "m" }, usageUnits: "0.1" };
    const customerId = await send(world, "a", keys, more);
    const rows = await runInDurableObject(world.object(customerId), (object) =>
      ["rollups", "outbox"].map(
        (table) => sqlOf(object).exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
      ),
    );
    // One rollup; in the outbox the customer, the feed and the rollup.
    expect(rows).toEqual([1, 3]);
    const batches = await withD1("fine", async (seen) => {
      await world.flush(customerId);
      return seen.batches;
    });
    expect(batches).toBe(1);
    expect(await rollupsInD1(world.accountId)).toMatchObject([
      { events: 1000, usageE12: 100_000_000_000_000n, costE12: 1_000_000_000_000_000n, costUnknownEvents: 0 },
    ]);
    const feed = await dump("feed", world.accountId);
    expect(feed).toHaveLength(200);
    // The newest 200: the ones sent last.
    const offered = feed.map((row) => Number(JSON.parse(JSON.parse(row).event).key));
    expect(Math.min(...offered)).toBe(800);
  });

  test("events with long texts come to the feed as many as D1 takes in one parameter, without their meta", async ({
    expect,
  }) => {
    const world = await newWorld();
    const long = '"'.repeat(255);
    const texts = { eventName: long, flowId: long, subscriptionId: long, invoiceId: long, entitlementId: long };
    const customerId = await send(
      world,
      "a",
      Array.from({ length: 200 }, (_, index) => `${index}`),
      { ...texts, costInput: { model: long, modelProvider: long }, meta: { secret: "stays in the object" } },
    );
    await world.flush(customerId);
    const feed = await dump("feed", world.accountId);
    expect(feed.length).toBeGreaterThan(5);
    expect(feed.length).toBeLessThan(200);
    expect(JSON.stringify(feed.map((row) => JSON.parse(row).event)).length).toBeLessThan(FEED_BYTES_PER_FLUSH_MAX);
    expect(JSON.stringify(feed)).not.toContain("stays in the object");
    expect(await waiting(world, customerId)).toBe(0);
  });

  test("a management command has sent its copy when it answers", async ({ expect }) => {
    const world = await newWorld();
    const made = await world.call<{ id: string }>("POST", "/api/v1/client/customers", {
      customerReferenceId: "ada",
      email: "a@b",
    });
    const row = () =>
      env.DB.prepare("SELECT first_name, source, email FROM customers WHERE account_id = ?")
        .bind(world.accountId)
        .first();
    expect(await row()).toEqual({ first_name: null, source: "MANUAL", email: "a@b" });
    // In the same millisecond as the registration: the clock stands.
    await world.call("PATCH", "/api/v1/client/customers/ada", { firstName: "Ada" });
    expect(await row()).toMatchObject({ first_name: "Ada" });
    expect(await waiting(world, made.data.id)).toBe(0);
  });

  test("reproject rebuilds all copies from the objects, page by page, also those of D1 left empty", async ({
    expect,
  }) => {
    const world = await newWorld();
    const ids: string[] = [];
    for (const reference of ["a", "b", "c"])
      ids.push(await send(world, reference, ["1", "2"], { featureKey: "chat", costInput: { model: reference } }));
    await world.call("PATCH", "/api/v1/client/customers/a", { firstName: "Ada" });
    await send(world, "a", ["3"], { occurredAt: "2029-01-01T00:00:00Z", costAmount: undefined });
    await world.flush(...ids);
    const before = await copies(world);
    expect(before.rollups).toHaveLength(4);
    for (const table of ["rollups", "feed", "customers"])
      await env.DB.prepare(`DELETE FROM ${table} WHERE account_id = ?`).bind(world.accountId).run();
    let cursor: string | undefined;
    const pages: number[] = [];
    do {
      const page = await world.call<{ customers: number; unfinished: number; nextCursor?: string }>(
        "POST",
        "/api/v1/ops/reproject",
        { limit: 2, cursor },
      );
      expect(page).toMatchObject({ status: 200, data: { unfinished: 0 } });
      pages.push(page.data.customers);
      cursor = page.data.nextCursor;
    } while (cursor !== undefined);
    expect(pages).toEqual([2, 1]);
    expect(await copies(world)).toEqual(before);
    // Once more over what is there: nothing changes.
    await world.call("POST", "/api/v1/ops/reproject", {});
    expect(await copies(world)).toEqual(before);
  });
});

describe("holds", () => {
  test("while D1 is away everything waits, ever longer, and arrives once when it is back", async ({ expect }) => {
    const world = await newWorld();
    const customerId = await send(world, "a", ["1"]);
    await world.flush(customerId);
    await withD1("away", async () => {
      for (let minute = 31; minute < 41; minute += 1) {
        clockAt(`2030-03-05T10:${minute}:00Z`);
        await send(world, "a", [`${minute}`]);
        await runDurableObjectAlarm(world.object(customerId));
      }
      const alarm = await runInDurableObject(world.object(customerId), (_, state) => state.storage.getAlarm());
      expect((alarm ?? 0) - Date.now()).toBe(FLUSH_DELAY_MS_MAX);
      // Nobody is to blame while nothing answers.
      expect(await world.object(customerId).health()).toMatchObject({ parkedRows: 0, waitingRows: 3 });
    });
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ events: 1 }]);
    await world.flush(customerId);
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ events: 11, costE12: 11_000_000_000_000n }]);
    expect(await dump("feed", world.accountId)).toHaveLength(11);
    await send(world, "a", ["after"]);
    const alarm = await runInDurableObject(world.object(customerId), (_, state) => state.storage.getAlarm());
    expect((alarm ?? 0) - Date.now()).toBeLessThanOrEqual(FLUSH_DELAY_MS_MIN);
  });

  test("answers lost, batches doubled, late and in reverse: D1 ends the same", async ({ expect }) => {
    const ends: unknown[] = [];
    for (const trouble of ["fine", "answer lost", "doubled", "late"] as (Trouble | "fine")[]) {
      const world = await newWorld();
      const customerId = await send(world, "a", ["0"], { featureKey: "chat" });
      // The isolate has read what that event made: only the outbox needs D1 from here on.
      await send(world, "a", ["0"], { featureKey: "chat" });
      const delayed = await withD1(trouble, async (seen) => {
        for (let round = 1; round < 4; round += 1) {
          await send(world, "a", [`${round}-a`, `${round}-b`], { featureKey: "chat" });
          await world.object(customerId).wake();
        }
        return seen.delayed;
      });
      await world.flush(customerId);
      // The oldest batch comes last, after everything newer was written.
      for (const apply of delayed.toReversed()) await apply();
      expect({ trouble, delayed: delayed.length > 0 }).toEqual({ trouble, delayed: trouble === "late" });
      const { rollups, feed } = await copies(world);
      ends.push({
        rollups: rollups.map(({ customerId: _, featureId: __, ...sums }) => sums),
        feed: feed.map((row) => JSON.parse(JSON.parse(row).event).key).toSorted(),
      });
    }
    expect(ends[0]).toMatchObject({ rollups: [{ events: 7, costE12: 7_000_000_000_000n }] });
    for (const end of ends) expect(end).toEqual(ends[0]);
  });

  test("what changes while a batch is away is sent again", async ({ expect }) => {
    const world = await newWorld();
    const customerId = await send(world, "a", ["1"]);
    await world.call("PATCH", "/api/v1/client/customers/a", { firstName: "Ada" });
    await send(world, "a", ["2"]);
    await runInDurableObject(world.object(customerId), async (object) => {
      const identity = { referenceId: "a" };
      const event = { key: "3", eventName: "x", costAmountE12: 1_000_000_000_000n };
      let changing: Promise<unknown> | undefined;
      const meanwhile = async () => {
        await object.track({ identity, terms: { currency: "USD" }, events: [event] });
        // In the same millisecond as the change that is on its way. It waits for this very batch before it answers.
        changing = object.changeProfile({ identity, data: { firstName: "Grace" } });
      };
      await withD1(meanwhile, () => object.wake());
      await changing;
    });
    await world.flush(customerId);
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ events: 3 }]);
    expect(await dump("feed", world.accountId)).toHaveLength(3);
    expect((await dump("customers", world.accountId)).map((row) => JSON.parse(row).first_name)).toEqual(["Grace"]);
  });

  test("a cost that is found while the event is on its way to the feed follows it there", async ({ expect }) => {
    const world = await newWorld();
    const costInput = { model: "own", inputTokens: 1_000_000 };
    const customerId = await send(world, "a", ["1"], { costAmount: undefined, costInput });
    await runInDurableObject(world.object(customerId), async (object) => {
      const terms = { currency: "USD", modelRates: { own: { inputPerMillionE18: 10n ** 18n } } };
      const asked = { model: "own", fromMs: 0, toMs: Date.now() + 1, terms, dryRun: false, afterSeq: 0 };
      let finding: Promise<unknown> | undefined;
      const meanwhile = async () => {
        // It waits for this very batch before it answers.
        finding = object.recost(asked);
      };
      await withD1(meanwhile, () => object.wake());
      await finding;
    });
    await world.flush(customerId);
    const fed = (await dump("feed", world.accountId)).map((row) => JSON.parse(JSON.parse(row).event));
    expect(fed).toMatchObject([{ key: "1", costE12: "1000000000000" }]);
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ costE12: 1_000_000_000_000n, costUnknownEvents: 0 }]);
  });

  test("an alarm that could not be set is set by the next call", async ({ expect }) => {
    const world = await newWorld();
    const customerId = await send(world, "a", ["1"]);
    await runDurableObjectAlarm(world.object(customerId));
    const alarm = await runInDurableObject(world.object(customerId), async (object, state) => {
      const identity = { referenceId: "a" };
      const track = (key: string) =>
        object.track({ identity, terms: { currency: "USD" }, events: [{ key, eventName: "x" }] });
      await state.storage.deleteAlarm();
      const refused = vi.spyOn(state.storage, "setAlarm").mockRejectedValueOnce(new Error("no alarm"));
      await track("2");
      expect(await state.storage.getAlarm()).toBeNull();
      refused.mockRestore();
      await track("3");
      return state.storage.getAlarm();
    });
    expect(alarm).toBe(at("2030-03-05T10:30:02Z"));
  });

  test("an object that fails hides no other from the operator, and holds up no rebuild", async ({ expect }) => {
    const world = await newWorld();
    const broken = await send(world, "a", ["1"]);
    const sound = await send(world, "b", ["1"]);
    await world.flush(broken, sound);
    await runInDurableObject(world.object(broken), (object) => {
      sqlOf(object).exec("DROP TABLE outbox");
    });
    const status = await world.call("GET", "/api/v1/ops/status");
    expect(status).toMatchObject({ status: 200, data: { objectsAsked: 2, silentObjects: [broken], waitingRows: 0 } });
    const rebuilt = await world.call("POST", "/api/v1/ops/reproject", {});
    expect(rebuilt).toMatchObject({ status: 200, data: { customers: 2, unfinished: 1 } });
  });

  test("a customer with many events hides no other from the operator", async ({ expect }) => {
    const world = await newWorld();
    const quiet = await send(world, "a", ["1"]);
    const busy = await send(world, "b", ["1"]);
    await world.flush(quiet, busy);
    await env.DB.prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
       INSERT INTO feed SELECT account_id, 'more-' || n, customer_id, occurred_at_ms + n, feature_id, provider, model, event_name,
         event, rev FROM numbers, feed WHERE account_id = ? AND customer_id = ?`,
    )
      .bind(world.accountId, busy)
      .run();
    const status = await world.call("GET", "/api/v1/ops/status");
    expect(status).toMatchObject({ status: 200, data: { objectsAsked: 2 } });
  });

  test("killed between any two steps of a flush, the object sends all that is missing", async ({ expect }) => {
    const kills: ((world: World, customerId: string) => Promise<void>)[] = [
      async () => abortAllDurableObjects(),
      async (world, customerId) => evictDurableObject(world.object(customerId)),
    ];
    for (const kill of kills) {
      const world = await newWorld();
      // Before anything was sent.
      const customerId = await send(world, "a", ["1"]);
      await kill(world, customerId);
      // After the batch was applied, before its answer was noted.
      await withD1("answer lost", async () => {
        await world.object(customerId).wake();
      });
      await kill(world, customerId);
      await send(world, "a", ["2"]);
      await kill(world, customerId);
      await withD1("late", async ({ delayed }) => {
        await world.object(customerId).wake();
        await kill(world, customerId);
        await send(world, "a", ["3"]);
        for (const apply of delayed) await apply();
      });
      await kill(world, customerId);
      await world.flush(customerId);
      await kill(world, customerId);
      expect(await rollupsInD1(world.accountId)).toMatchObject([{ events: 3, costE12: 3_000_000_000_000n }]);
      expect(await dump("feed", world.accountId)).toHaveLength(3);
      expect(await waiting(world, customerId)).toBe(0);
    }
  });

  test("an alarm is set whenever something waits, also after an eviction", async ({ expect }) => {
    const world = await newWorld();
    const customerId = await send(world, "a", ["1"]);
    const alarm = () => runInDurableObject(world.object(customerId), (_, state) => state.storage.getAlarm());
    expect(await alarm()).toBe(at("2030-03-05T10:30:02Z"));
    await evictDurableObject(world.object(customerId));
    expect(await alarm()).toBe(at("2030-03-05T10:30:02Z"));
    await withD1("away", async () => {
      await world.object(customerId).wake();
    });
    expect(await alarm()).not.toBeNull();
  });

  test("a row that D1 refuses while it takes others is parked after 20 tries and shown; the others arrive", async ({
    expect,
  }) => {
    const world = await newWorld();
    await env.DB.prepare(
      `CREATE TRIGGER poisoned BEFORE INSERT ON rollups WHEN NEW.account_id = '${world.accountId}' AND NEW.model = 'poison'
       BEGIN SELECT RAISE(ABORT, 'poison'); END`,
    ).run();
    const customerId = await send(world, "a", ["p"], { costInput: { model: "poison" } });
    await send(world, "a", ["1"], { costInput: { model: "good" } });
    const told = () =>
      env.DB.prepare("SELECT parked_rows FROM object_health WHERE account_id = ?")
        .bind(world.accountId)
        .first("parked_rows");
    for (let attempt = 1; attempt < OUTBOX_ATTEMPTS_MAX; attempt += 1) {
      await world.object(customerId).wake();
      if (attempt === 1) expect((await rollupsInD1(world.accountId)).map(({ model }) => model)).toEqual(["good"]);
    }
    expect(await world.object(customerId).health()).toMatchObject({ parkedRows: 0, waitingRows: 1 });
    await world.object(customerId).wake();
    await world.flush(customerId);
    expect(await world.object(customerId).health()).toMatchObject({ parkedRows: 1, waitingRows: 0 });
    expect(await told()).toBe(1);
    const status = await world.call("GET", "/api/v1/ops/status");
    expect(status.data).toMatchObject({
      parkedRows: 1,
      oldestUnsentAt: "2030-03-05T10:30:00.000Z",
      troubled: [{ customerId, parkedRows: 1 }],
    });
    // Others go on beside it.
    await send(world, "a", ["2"], { costInput: { model: "good" } });
    await world.flush(customerId);
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ model: "good", events: 2 }]);

    await env.DB.prepare("DROP TRIGGER poisoned").run();
    await world.call("POST", "/api/v1/ops/reproject", {});
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ model: "good" }, { model: "poison", events: 1 }]);
    expect((await world.call("GET", "/api/v1/ops/status")).data).toMatchObject({ parkedRows: 0, troubled: [] });
    expect(await told()).toBe(0);
  });

  test("a parked row that changes is tried again, and operators hear when it arrived", async ({ expect }) => {
    const world = await newWorld();
    const customerId = await send(world, "a", ["1"], { costInput: { model: "m" } });
    await runInDurableObject(world.object(customerId), (object) =>
      sqlOf(object).exec("UPDATE outbox SET parked_at_ms = 1, failures = 20 WHERE kind = 'rollup'"),
    );
    await env.DB.prepare(
      "INSERT INTO object_health (account_id, customer_id, parked_rows, size_bytes, rev) VALUES (?, ?, 1, 0, 0)",
    )
      .bind(world.accountId, customerId)
      .run();
    await evictDurableObject(world.object(customerId));
    await send(world, "a", ["2"], { costInput: { model: "m" } });
    await world.flush(customerId);
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ events: 2 }]);
    const row = await env.DB.prepare("SELECT parked_rows FROM object_health WHERE account_id = ?")
      .bind(world.accountId)
      .first();
    expect(row).toEqual({ parked_rows: 0 });
  });

  test("a row that the object cannot read stops nobody else", async ({ expect }) => {
    const world = await newWorld();
    const customerId = await send(world, "a", ["1"], { costInput: { model: "torn" } });
    await send(world, "a", ["2"], { costInput: { model: "whole" } });
    await runInDurableObject(world.object(customerId), (object) =>
      sqlOf(object).exec("UPDATE rollups SET cost_e12 = 'torn' WHERE model = 'torn'"),
    );
    await world.object(customerId).wake();
    expect(await rollupsInD1(world.accountId)).toMatchObject([{ model: "whole", events: 1 }]);
    expect(await dump("feed", world.accountId)).toHaveLength(2);
    expect((await world.call("PATCH", "/api/v1/client/customers/a", { firstName: "Ada" })).status).toBe(200);
    expect(await waiting(world, customerId)).toBe(1);
  });

  test("more rows than one flush takes all arrive", async ({ expect }) => {
    const world = await newWorld();
    const days = Array.from({ length: 1100 }, (_, index) => ({
      eventName: "x",
      customerReferenceId: "a",
      occurredAt: new Date(at("2020-01-01T00:00:00Z") + index * 86_400_000).toISOString(),
    }));
    const { data } = await world.batch(days.slice(0, 1000));
    await world.batch(days.slice(1000));
    await world.flush(data.results[0]?.receipt?.customerId ?? "");
    expect(await rollupsInD1(world.accountId)).toHaveLength(1100);
  });
});
