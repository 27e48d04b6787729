import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { type Burning, burning } from "../support/busy.ts";
import { CREDITS } from "../support/credits.ts";
import { booksOf, brokenLaws } from "../support/edited.ts";
import { withSqlFault } from "../support/fault.ts";
import { ok, type Page } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** What every event writes over stands in one row first: nothing is lost by it, and nobody ever reads a table without it. */

let world: World;
let made: Burning;

beforeEach(async () => {
  clockAt("2030-03-05T10:00:00Z");
  world = await newWorld();
  made = await burning(world);
  await world.flush(made.id);
});
afterAll(() => {
  vi.useRealTimers();
});

const CHAT = { customerReferenceId: "ada", featureKey: "chat" };
const burn = (usageUnits: number, model = "m") => ok(world.event({ ...CHAT, usageUnits, costInput: { model } }));

/** The tables that events write over, and the row before them, as they are on the disk. */
const TABLES = ["counters", "credit_pools", "credit_grants", "rollups"];
type Tables = Record<string, unknown[]>;
type PoolTold = { balance: number; totalConsumed: number };

function onDisk(id: string): Promise<Tables> {
  return runInDurableObject(world.object(id), (_, { storage }) => tablesBy(storage.sql));
}

/** The same as whoever asks a customer's tables finds them. */
function asAsked(id: string): Promise<Tables> {
  return runInDurableObject(world.object(id), (object) => tablesBy(sqlOf(object)));
}

function tablesBy(sql: SqlStorage): Tables {
  return Object.fromEntries(
    [...TABLES, "state", "behind"].map((table) => [table, sql.exec(`SELECT * FROM ${table}`).toArray()]),
  );
}

describe("does", () => {
  test("events leave the tables they write over alone, until somebody looks at them", async ({ expect }) => {
    const before = await asAsked(made.id);
    await burn(1);
    await burn(2);
    const { behind, ...tables } = await onDisk(made.id);
    expect(behind).toHaveLength(1);
    expect({ ...tables, behind: [] }).toEqual(before);
    const after = await asAsked(made.id);
    expect(after.behind).toEqual([]);
    expect(await onDisk(made.id)).toEqual(after);
    for (const table of [...TABLES, "state"]) expect(after[table], table).not.toEqual(before[table]);
    expect(await brokenLaws(world, made.id)).toEqual([]);
  });

  test.for([
    ["is evicted", (id: string) => evictDurableObject(world.object(id))],
    ["dies", () => abortAllDurableObjects()],
  ] as const)("an object that %s between two events begins with both", async ([, ends], { expect }) => {
    await burn(1);
    const first = await onDisk(made.id);
    await ends(made.id);
    const begun = await onDisk(made.id);
    expect([first.behind, begun.behind]).toMatchObject([[{ id: 1 }], []]);
    await burn(1);
    await ends(made.id);
    // As if there had been no end: its twin had none.
    const twin = await newWorld();
    clockAt("2030-03-05T10:00:00Z");
    const its = await burning(twin);
    for (let n = 0; n < 2; n += 1) await ok(twin.event({ ...CHAT, usageUnits: 1, costInput: { model: "m" } }));
    const told = async (of: World, { id }: Burning) => {
      const { items } = await ok(of.call<{ items: PoolTold[] }>("GET", "/api/v1/client/credits/ada/pools"));
      return runInDurableObject(of.object(id), (object) => [
        ...items.map(({ balance, totalConsumed }) => ({ balance, totalConsumed })),
        ...sqlOf(object).exec("SELECT feature_key, used_e12, segment_events FROM counters ORDER BY 1").toArray(),
        ...sqlOf(object).exec("SELECT model, events, revenue_e12 FROM rollups ORDER BY 1, 2, 3").toArray(),
        ...sqlOf(object).exec("SELECT last_event_at_ms FROM state").toArray(),
      ]);
    };
    const facts = await told(world, made);
    expect(facts.length).toBeGreaterThan(5);
    expect(facts).toEqual(await told(twin, its));
    expect(await brokenLaws(world, made.id)).toEqual([]);
  });

  test("a command reads and writes the tables themselves", async ({ expect }) => {
    await burn(3);
    await ok(world.call("POST", `${CREDITS}/deductions`, { creditPoolId: made.pool, amount: 1 }));
    expect((await onDisk(made.id)).behind).toEqual([]);
    expect((await booksOf(world, "ada")).holds).toBe(true);
  });

  test("entries of a ledger are counted once, however long their pool's row waited", async ({ expect }) => {
    const path = `${CREDITS}/pools/${made.pool}/transactions?limit=1`;
    const total = async () => (await ok(world.call<Page<object>>("GET", path))).pagination.total;
    const before = await total();
    for (let n = 0; n < 5; n += 1) await burn(1);
    expect(await total()).toBe(before + 5);
    await burn(1);
    await abortAllDurableObjects();
    await burn(1);
    expect(await total()).toBe(before + 7);
  });

  test("a batch of more sums than wait together writes its tables at once", async ({ expect }) => {
    await burn(1);
    const events = Array.from({ length: 20 }, (_, n) => ({
      eventIdempotencyKey: `batch-${n}`,
      customerReferenceId: "ada",
      eventName: "call",
      costInput: { model: `f${n}` },
    }));
    const batch = await ok(world.call<{ accepted: number }>("POST", "/api/v1/client/events/batch", { events }));
    expect(batch).toMatchObject({ accepted: 20 });
    expect((await onDisk(made.id)).behind).toEqual([]);
    await burn(1);
    expect(await brokenLaws(world, made.id)).toEqual([]);
  });

  test("many features one after the other: none is forgotten", async ({ expect }) => {
    for (let n = 0; n < 20; n += 1) await burn(1, `g${n % 10}`);
    await abortAllDurableObjects();
    for (let n = 0; n < 20; n += 1) await burn(1, `h${n}`);
    expect(await brokenLaws(world, made.id)).toEqual([]);
    const { rollups = [] } = await asAsked(made.id);
    expect(rollups.filter((row) => /^[gh]/.test((row as { model: string }).model))).toHaveLength(30);
  });
});

describe("holds", () => {
  test("whichever statement of an event fails, and whichever of what puts its rows in, nothing is half done", async ({
    expect,
  }) => {
    await burn(1);
    let refused = 0;
    for (let n = 0; n < 60; n += 1) {
      const before = await onDisk(made.id);
      const { result, statements } = await withSqlFault(world.object(made.id), n + 1, () =>
        world.event({ ...CHAT, usageUnits: 1, eventIdempotencyKey: `e${n}` }),
      );
      if (statements <= n) {
        expect(result.status).toBe(201);
        break;
      }
      refused += 1;
      expect(result.status).toBe(500);
      expect(await onDisk(made.id)).toEqual(before);
    }
    expect(refused).toBeGreaterThan(3);
    refused = 0;
    for (let n = 0; n < 60; n += 1) {
      await burn(1);
      const before = await onDisk(made.id);
      const { result, statements } = await withSqlFault(world.object(made.id), n + 1, () =>
        world.call("GET", `${CREDITS}/pools/${made.pool}/transactions`),
      );
      if (statements <= n) {
        expect(result.status).toBe(200);
        break;
      }
      refused += 1;
      expect(result.status).toBe(500);
      // All of it went in, or nothing did.
      const after = await onDisk(made.id);
      if (after.behind?.length !== 0) expect(after).toEqual(before);
    }
    expect(refused).toBeGreaterThan(5);
    expect(await brokenLaws(world, made.id)).toEqual([]);
  });

  test.for([
    ["no JSON", "x"],
    ["rows of nothing", '{"counters":[[]],"state":[]}'],
  ])(
    "a waiting row that is %s closes the customer, is named by the books, and goes in once it is mended",
    async ([, body], { expect }) => {
      await burn(2);
      const [waiting] = await runInDurableObject(world.object(made.id), (_, { storage }) => {
        const rows = storage.sql.exec<{ body: string }>("SELECT body FROM behind").toArray();
        storage.sql.exec("UPDATE behind SET body = ?", body);
        return rows;
      });
      await abortAllDurableObjects();
      expect((await world.call("GET", "/api/v1/client/entitlements/ada/chat")).status).toBe(503);
      expect((await world.event({ ...CHAT, usageUnits: 1 })).status).toBe(503);
      const books = await booksOf(world, "ada");
      expect(books.laws[0]).toMatchObject({
        law: "rows_read",
        holds: false,
        firstBreak: { kind: "customer", why: "its row of behind cannot be read: what it has fits no table" },
      });
      await runInDurableObject(world.object(made.id), (_, { storage }) => {
        storage.sql.exec("UPDATE behind SET body = ?", waiting?.body ?? "");
      });
      await abortAllDurableObjects();
      await burn(1);
      expect(await brokenLaws(world, made.id)).toEqual([]);
    },
  );
});
