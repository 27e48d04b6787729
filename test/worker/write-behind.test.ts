import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { migrate } from "../../src/customer/migrate.ts";
import { STEPS } from "../../src/customer/schema.ts";
import { type Overwritten, WriteBehind } from "../../src/customer/write-behind.ts";
import { jsonText } from "../../src/domain/json-text.ts";
import { type Burning, burning } from "../support/busy.ts";
import { CREDITS } from "../support/credits.ts";
import { rollupsInD1 } from "../support/d1.ts";
import { booksOf, brokenLaws } from "../support/edited.ts";
import { withSqlFault } from "../support/fault.ts";
import { ok, type Page } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { newTag } from "../support/views.ts";
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

/** Puts another text into the row that waits on the disk; answers what was there. */
function edited(body: string): Promise<string> {
  return runInDurableObject(world.object(made.id), (_, { storage }) => {
    const before = storage.sql.exec<{ body: string }>("SELECT body FROM behind").one().body;
    storage.sql.exec("UPDATE behind SET body = ?", body);
    return before;
  });
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

  test("a command finds whole tables and leaves whole ones", async ({ expect }) => {
    await burn(3);
    await ok(world.call("POST", `${CREDITS}/deductions`, { creditPoolId: made.pool, amount: 1 }));
    expect((await onDisk(made.id)).behind).toEqual([]);
    expect((await booksOf(world, "ada")).holds).toBe(true);
  });

  test("credits that come, freeze and expire between events are there after an end", async ({ expect }) => {
    const grants = { creditPoolId: made.pool, grantType: "MANUAL" };
    await ok(world.call("POST", `${CREDITS}/grants`, { ...grants, amount: 5, expiresAt: "2030-04-06T12:00:00Z" }));
    await burn(1);
    await ok(world.call("POST", `${CREDITS}/pools/${made.pool}/freeze`));
    await abortAllDurableObjects();
    await burn(1);
    clockAt("2030-04-06T13:00:00Z");
    await ok(world.call("POST", `${CREDITS}/pools/${made.pool}/unfreeze`));
    await burn(1);
    await abortAllDurableObjects();
    expect(await brokenLaws(world, made.id)).toEqual([]);
    const path = `${CREDITS}/pools/${made.pool}/transactions`;
    const { items } = await ok(world.call<Page<{ transactionType: string }>>("GET", path));
    expect(items.slice(0, 5).map(({ transactionType }) => transactionType)).toEqual([
      ...["DEDUCTION", "UNFREEZE", "EXPIRATION", "FREEZE", "DEDUCTION"],
    ]);
  });

  test("when the newest event was is known after an end as before it", async ({ expect }) => {
    const newest = async () => (await world.object(made.id).view())?.lastEventAtMs;
    for (const instant of ["2030-04-06T11:00:00Z", "2030-04-06T12:00:00Z"]) {
      clockAt(instant);
      await burn(1);
      expect(await newest()).toBe(Date.parse(instant));
      const [state] = (await asAsked(made.id)).state ?? [];
      expect(state).toMatchObject({ last_event_at_ms: Date.parse(instant) });
      clockAt(instant.replace("00Z", "01Z"));
      await burn(1);
      await abortAllDurableObjects();
      expect(await newest()).toBe(Date.parse(instant) + 1000);
    }
  });

  test("a step that changes the tables finds in them what waited", async ({ expect }) => {
    await burn(1);
    await runInDurableObject(world.object(made.id), (_, { storage }) => {
      const { behind, ...before } = tablesBy(storage.sql);
      const sql = "ALTER TABLE counters ADD COLUMN more INTEGER NOT NULL DEFAULT 0";
      const next = { id: STEPS.length + 1, why: "a test", sql };
      migrate(storage.sql, (work) => storage.transactionSync(work), [...STEPS, next]);
      const after = tablesBy(storage.sql);
      expect([behind?.length, after.behind?.length]).toEqual([1, 0]);
      for (const table of [...TABLES, "state"]) expect(after[table], table).not.toEqual(before[table]);
    });
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
  test("whatever is written, fails, is looked at or starts anew, the tables are as if nothing had waited", async ({
    expect,
  }) => {
    const number = fc.integer({ min: 1, max: 6 });
    const written = fc.record({
      counters: fc.array(number, { maxLength: 3 }),
      pools: fc.array(number, { maxLength: 2 }),
      grants: fc.array(number, { maxLength: 14 }),
      rollups: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 }),
      entries: fc.array(number, { maxLength: 4 }),
      chars: fc.constantFrom(1, 40, 9000),
    });
    const step = fc.oneof(
      { weight: 6, arbitrary: written.map((rows) => ({ kind: "commit" as const, rows })) },
      { weight: 1, arbitrary: written.map((rows) => ({ kind: "fail" as const, rows })) },
      fc.constant({ kind: "look" as const }),
      fc.constant({ kind: "restart" as const }),
    );
    const stub = env.CUSTOMERS.getByName(`behind/${newTag()}`);
    await runInDurableObject(stub, (_, { storage }) => {
      const transact = <T>(work: () => T): T => storage.transactionSync(work);
      const open = () => new WriteBehind(storage.sql, transact);
      const dump = () => jsonText(tablesBy(storage.sql));
      /** The tables after these steps; `isAtOnce`: nothing ever waits. */
      const endOf = (steps: readonly Stepped[], isAtOnce: boolean): string => {
        let behind = open();
        for (const [at, one] of steps.entries()) {
          if (one.kind === "commit") behind.commit(rowsOf(one.rows, at + 1), () => {});
          else if (one.kind === "look") behind.upToDate().exec("SELECT 1");
          else if (one.kind === "restart") behind = open();
          else {
            const before = dump();
            expect(() => behind.commit(rowsOf(one.rows, at + 1), fail)).toThrow("fails");
            expect(dump()).toBe(before);
          }
          if (isAtOnce) behind.putIn();
        }
        behind.putIn();
        const tables = dump();
        for (const table of TABLES) storage.sql.exec(`DELETE FROM ${table}`);
        storage.sql.exec("UPDATE state SET rev = 0, last_settled_at_ms = 0, last_event_at_ms = NULL");
        return tables;
      };
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
          expect(endOf(steps, false)).toBe(endOf(steps, true));
        }),
        { numRuns: 150 },
      );
    });
  });

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
    expect(refused).toBeGreaterThan(1);
    expect(await brokenLaws(world, made.id)).toEqual([]);
  });

  test("a start that fails for no fault of what waits is the next one's to make good", async ({ expect }) => {
    const path = `${CREDITS}/pools/${made.pool}`;
    for (let n = 0; n < 60; n += 1) {
      await burn(1);
      await evictDurableObject(world.object(made.id));
      const { result, statements } = await withSqlFault(world.object(made.id), n + 1, () => world.call("GET", path));
      expect(result.status).toBe(statements > n ? 500 : 200);
      expect((await world.call("GET", path)).status).toBe(200);
      if (statements <= n) break;
    }
    expect(await brokenLaws(world, made.id)).toEqual([]);
  });

  test("while what waits cannot go in, D1 is told nothing old, and all of it afterwards", async ({ expect }) => {
    await burn(2, "late");
    const waiting = await edited("x");
    await abortAllDurableObjects();
    await world.object(made.id).wake();
    const rebuilt = await world.call("POST", "/api/v1/ops/reproject", {});
    expect(rebuilt).toMatchObject({ status: 200, data: { customers: 1, unfinished: 1 } });
    const waits = () =>
      runInDurableObject(world.object(made.id), (_, { storage }) =>
        storage.sql
          .exec<{ kind: string }>("SELECT DISTINCT kind FROM outbox ORDER BY kind")
          .toArray()
          .map(({ kind }) => kind),
      );
    expect(await waits()).toEqual(["customer", "feed", "pool", "rollup"]);
    await edited(waiting);
    await abortAllDurableObjects();
    await world.flush(made.id);
    expect(await waits()).toEqual([]);
    // The list is D1's, the pool by its id the object's.
    const { items } = await ok(world.call<Page<PoolTold>>("GET", `${CREDITS}/pools`));
    const own = await ok(world.call<PoolTold>("GET", `${CREDITS}/pools/${made.pool}`));
    expect(items.map(({ balance }) => balance)).toEqual([own.balance]);
    expect(await rollupsInD1(world.accountId)).toContainEqual(expect.objectContaining({ model: "late", events: 1 }));
  });

  test.for<[string, string]>([
    ["no JSON", "x"],
    ["rows of nothing", '{"counters":[[]],"state":[]}'],
    ["words for numbers", '{"counters":[["x","f","k","0","0","0","0","x","0","0",0,null,null]],"state":[1,1,1]}'],
  ])(
    "a waiting row that is %s closes the customer, is named by the books, and goes in once it is mended",
    async ([, body], { expect }) => {
      await burn(2);
      const waiting = await edited(body);
      await abortAllDurableObjects();
      expect((await world.call("GET", "/api/v1/client/entitlements/ada/chat")).status).toBe(503);
      expect((await world.event({ ...CHAT, usageUnits: 1 })).status).toBe(503);
      const books = await booksOf(world, "ada");
      expect(books.laws[0]).toMatchObject({
        law: "rows_read",
        holds: false,
        firstBreak: { kind: "customer", why: "its row of behind cannot be read: what it has fits no table" },
      });
      await edited(waiting);
      await abortAllDurableObjects();
      await burn(1);
      expect(await brokenLaws(world, made.id)).toEqual([]);
    },
  );
});

type Written = Record<"counters" | "pools" | "grants" | "rollups" | "entries", number[]> & { chars: number };
type Stepped =
  | { kind: "commit"; rows: Written }
  | { kind: "fail"; rows: Written }
  | { kind: "look" }
  | { kind: "restart" };

function fail(): never {
  throw new Error("fails");
}

/** Rows of these numbers as the `rev`-th commit writes them. */
function rowsOf({ counters, pools, grants, rollups, entries, chars }: Written, rev: number): Overwritten {
  const amount = BigInt(rev) * 10n ** 20n;
  const draft = {
    counters: by(counters, (subscription) => ({
      ...{ subscription, featureId: "f", featureKey: "k", usedE12: amount, billableE12: amount },
      ...{ usedAtStartE12: 0n, billableAtStartE12: 0n },
      segment: { startMs: rev, billableFromE12: 0n, lateE12: 0n, events: rev },
    })),
    pools: by(pools, (number) => ({ number, status: "ACTIVE", balanceE4: amount, name: "'\"é".repeat(chars) })),
    grants: by(grants, (number) => ({ number, pool: 1, remainingE4: BigInt(rev % 3) })),
    creditEntries: entries.filter((pool) => pools.includes(pool)).map((pool) => ({ pool })),
  };
  const sums = by(rollups, (hour) => ({
    ...{
      bucketStartMs: hour * 3_600_000,
      spanMs: 3_600_000,
      featureId: "",
      provider: "p",
      model: "1",
      currency: "USD",
    },
    ...{ events: rev, costUnknownEvents: 0, inputTokens: 2 ** 53 - rev, outputTokens: 0 },
    ...{ usageE12: amount, costE12: amount, revenueE12: -amount, rev },
  }));
  const state = { rev, lastSettledAtMs: rev * 1000, lastEventAtMs: rev % 2 === 0 ? rev : undefined };
  return { draft, rollups: sums.written, state } as unknown as Overwritten;
}

function by<T>(numbers: readonly number[], make: (number: number) => T): { written: Map<number, T> } {
  return { written: new Map(numbers.map((number) => [number, make(number)])) };
}
