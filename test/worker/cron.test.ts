import { createScheduledController, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { everyCustomerAfter, overdueCustomers } from "../../src/catalog/customers.ts";
import { forgetOldRequests } from "../../src/catalog/requests.ts";
import type { Uuid } from "../../src/domain/ids.ts";
import { SWEEP_OVERDUE_MS } from "../../src/domain/limits.ts";
import type { Env } from "../../src/env.ts";
import worker from "../../src/index.ts";
import { quarantinedObjects } from "../../src/ledger/health.ts";
import { trimFeeds } from "../../src/ledger/upkeep.ts";
import {
  dropEmptied,
  runScheduled,
  sweepOverdue,
  trimSomeFeeds,
  wakeEveryone,
  wakeQuarantined,
} from "../../src/scheduled.ts";
import { dump, queryPlans, withD1 } from "../support/d1.ts";
import { active, customer, ok, read, sell } from "../support/sale.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

type Run = { task: string; processed: number; failed: number; failure: string | null };

async function runsAt(ms: number): Promise<Run[]> {
  const { results } = await env.DB.prepare(
    "SELECT task, processed, failed, failure FROM cron_runs WHERE started_at_ms = ? ORDER BY task",
  )
    .bind(ms)
    .all<Run>();
  return results;
}

async function nobodyWaits(): Promise<void> {
  await env.DB.batch([
    env.DB.prepare("UPDATE customers SET next_due_at_ms = NULL"),
    env.DB.prepare("DELETE FROM object_health"),
    env.DB.prepare("DELETE FROM cron_cursors"),
  ]);
}

/** A customer whose event D1 never got, and whose alarm is gone: nothing in D1 tells of it. */
async function lost(world: World, reference: string): Promise<string> {
  const { customerId } = (await world.event({ customerReferenceId: reference })).data;
  const object = world.object(customerId);
  await runInDurableObject(object, (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(object);
  return customerId;
}

const waitingRows = async (world: World, customerId: string): Promise<number> =>
  (await world.object(customerId).health()).waitingRows;

async function setDue(customerId: string, dueAtMs: number, clockId: string | null = null): Promise<void> {
  await env.DB.prepare(
    "UPDATE customers SET next_due_at_ms = CAST(? AS INTEGER), test_clock_id = ? WHERE customer_id = ?",
  )
    .bind(dueAtMs, clockId, customerId)
    .run();
}

describe("does", () => {
  test("each run leaves a row per task, and operators see the last of each", async ({ expect }) => {
    const world = await newWorld();
    await runScheduled(env, at("2030-03-05T10:30:00Z"));
    const often = [
      "forget-requests",
      "forget-webhooks",
      "reconcile",
      "sweep-overdue",
      "take-up-webhooks",
      "trim-feeds",
      "wake-quarantined",
    ];
    expect((await runsAt(at("2030-03-05T10:30:00Z"))).map(({ task, failed }) => [task, failed])).toEqual(
      often.map((task) => [task, 0]),
    );
    const { data } = await world.call<{ cronRuns: { task: string; startedAt: string }[] }>("GET", "/api/v1/ops/status");
    expect(data.cronRuns.map(({ task, startedAt }) => [task, startedAt])).toEqual(
      often.map((task) => [task, "2030-03-05T10:30:00.000Z"]),
    );
    // Once a day, by the trigger's own time, the broom sweeps more; a week later the rows are gone.
    clockAt("2030-03-13T03:04:59Z");
    await runScheduled(env, at("2030-03-13T03:04:59Z"));
    const { results } = await env.DB.prepare("SELECT DISTINCT task FROM cron_runs ORDER BY task").all<{
      task: string;
    }>();
    expect(results.map(({ task }) => task)).toEqual(
      ["drop-emptied-hours", ...often, "seal-anew", "wake-everyone"].toSorted(),
    );
    expect(
      await env.DB.prepare("SELECT COUNT(*) AS n FROM cron_runs WHERE started_at_ms < ?")
        .bind(at("2030-03-06T00:00:00Z"))
        .first("n"),
    ).toBe(0);
  });

  test("the feed is cut to an account's newest events, other accounts keep theirs", async ({ expect }) => {
    const [big, small] = [await newWorld(), await newWorld()];
    for (const [world, count] of [
      [big, 8],
      [small, 3],
    ] as const) {
      const { data } = await world.batch(
        Array.from({ length: count }, (_, index) => ({
          eventName: "x",
          customerReferenceId: "a",
          // Two events of each instant: a cut between them must not take both, nor leave both.
          occurredAt: new Date(at("2030-03-05T00:00:00Z") + Math.floor(index / 2) * 1000).toISOString(),
          eventIdempotencyKey: `${index}`,
        })),
      );
      await world.flush(data.results[0]?.receipt?.customerId ?? "");
    }
    const both = [big.accountId, small.accountId];
    expect(await trimFeeds(env.DB, both, 5)).toBe(3);
    const keys = (await dump("feed", big.accountId)).map((row) => JSON.parse(JSON.parse(row).event).key).toSorted();
    expect(keys).toHaveLength(5);
    expect(keys).toEqual(expect.arrayContaining(["4", "5", "6", "7"]));
    expect(await dump("feed", small.accountId)).toHaveLength(3);
    expect(await trimFeeds(env.DB, both, 5)).toBe(0);
  });

  test("remembered requests of an account are forgotten after a day", async ({ expect }) => {
    const world = await newWorld();
    const insert = (digest: string, createdAtMs: number) =>
      env.DB.prepare(
        "INSERT INTO requests (account_id, request_digest, body_digest, status, body, created_at_ms) VALUES (?, ?, '', 200, '{}', ?)",
      )
        .bind(world.accountId, digest, createdAtMs)
        .run();
    await insert("old", at("2030-03-04T10:29:59.999Z"));
    await insert("new", at("2030-03-04T10:30:00.001Z"));
    await runScheduled(env, at("2030-03-05T10:30:00Z"));
    expect((await dump("requests", world.accountId)).map((row) => JSON.parse(row).request_digest)).toEqual(["new"]);
  });

  test("the Worker's own trigger runs it", async ({ expect }) => {
    clockAt("2030-06-01T00:00:00Z");
    const scheduledTime = new Date("2030-06-01T00:00:00Z");
    await worker.scheduled(createScheduledController({ scheduledTime, cron: "*/5 * * * *" }), env);
    expect(await runsAt(at("2030-06-01T00:00:00Z"))).toHaveLength(7);
  });

  test("customers for whom something has been due for more than five minutes are woken, longest due first", async ({
    expect,
  }) => {
    await nobodyWaits();
    const world = await newWorld();
    const atMs = at("2030-03-05T10:30:00Z");
    const dues = [atMs - SWEEP_OVERDUE_MS, atMs - SWEEP_OVERDUE_MS - 1, atMs - 30 * 86_400_000];
    const ids: string[] = [];
    for (const [index, due] of dues.entries()) {
      const { customerId } = (await world.event({ customerReferenceId: `c${index}` })).data;
      await setDue(customerId, due);
      ids.push(customerId);
    }
    // Time of a test clock is moved by the clock alone.
    const clocked = (await world.event({ customerReferenceId: "clocked" })).data.customerId;
    await setDue(clocked, 1, "some-clock");
    await runScheduled(env, atMs);
    expect((await runsAt(atMs)).find(({ task }) => task === "sweep-overdue")).toMatchObject({
      processed: 2,
      failed: 0,
    });
    const waiting = [];
    for (const id of [...ids, clocked]) waiting.push((await world.object(id).health()).waitingRows > 0);
    // Who was woken has sent what it had.
    expect(waiting).toEqual([true, false, false, true]);
  });
});

describe("does", () => {
  test("the runs of a task are listed newest first, with when, how many, how long and what failed", async ({
    expect,
  }) => {
    await env.DB.prepare("DELETE FROM cron_runs").run();
    const world = await newWorld();
    await withD1("away", () => runScheduled(env, at("2030-03-05T10:25:00Z")));
    for (const instant of ["2030-03-05T10:30:00Z", "2030-03-05T10:35:00Z"]) {
      clockAt(instant);
      await runScheduled(env, at(instant));
    }
    const failing = { ...env, CUSTOMERS: undefined } as unknown as Env;
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    await nobodyWaits();
    await setDue(customerId, 1);
    clockAt("2030-03-05T10:40:00Z");
    await runScheduled({ ...failing, DB: env.DB }, at("2030-03-05T10:40:00Z"));
    type Runs = { items: (Run & { startedAt: string; finishedAt: string })[]; pagination: { total: number } };
    const path = "/api/v1/ops/cron-runs?task=sweep-overdue&limit=2";
    const { data } = await world.call<Runs>("GET", path);
    expect(data).toMatchObject({
      items: [
        {
          task: "sweep-overdue",
          processed: 0,
          failed: 1,
          startedAt: "2030-03-05T10:40:00.000Z",
          finishedAt: "2030-03-05T10:40:00.000Z",
        },
        { task: "sweep-overdue", processed: expect.any(Number), failed: 0, startedAt: "2030-03-05T10:35:00.000Z" },
      ],
      pagination: { total: 3, limit: 2, offset: 0, hasMore: true },
    });
    // Three runs of the seven tasks that are always due.
    expect((await world.call<Runs>("GET", "/api/v1/ops/cron-runs")).data.pagination.total).toBe(3 * 7);
  });

  test("a customer whose copies never arrived and whose alarm is lost is found on the daily round", async ({
    expect,
  }) => {
    const world = await newWorld();
    const customerId = await lost(world, "a");
    await runScheduled(env, at("2030-03-05T10:30:00Z"));
    expect(await waitingRows(world, customerId)).toBeGreaterThan(0);
    clockAt("2030-03-06T03:01:00Z");
    await runScheduled(env, at("2030-03-06T03:01:00Z"));
    expect(await waitingRows(world, customerId)).toBe(0);
    expect((await dump("feed", world.accountId)).length).toBe(1);
  });

  test("so is one of whom D1 does not know that a period ended", async ({ expect }) => {
    const world = await newWorld();
    await customer(world);
    await sell(world, "later", { priceAmount: 10, billingTiming: "IN_ARREARS" });
    const { customer: owner } = await active(world, "ada", "later");
    await runInDurableObject(world.object(owner.id), (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(world.object(owner.id));
    // A copy from before the subscription was all that arrived.
    await env.DB.prepare("UPDATE customers SET next_due_at_ms = NULL WHERE customer_id = ?").bind(owner.id).run();
    clockAt("2030-04-06T03:00:00Z");
    await runScheduled(env, at("2030-04-06T03:00:00Z"));
    const invoices = await dump("invoices", world.accountId);
    expect(invoices.map((row) => JSON.parse(row).status).toSorted()).toEqual(["DUE", "PENDING"]);
  });
});

describe("holds", () => {
  test("the daily round goes on where it stopped, reaches everybody once, and begins anew the next day", async ({
    expect,
  }) => {
    await nobodyWaits();
    const world = await newWorld();
    await env.DB.prepare("DELETE FROM customer_identities WHERE account_id <> ?").bind(world.accountId).run();
    const ids: string[] = [];
    for (const reference of ["a", "b", "c"]) ids.push(await lost(world, reference));
    const left = async () =>
      (await Promise.all(ids.map((id) => waitingRows(world, id)))).filter((rows) => rows > 0).length;
    expect(await wakeEveryone(env, false, 2)).toBeUndefined();
    expect([await wakeEveryone(env, true, 2), await left()]).toEqual([{ processed: 2, failed: 0 }, 1]);
    expect([await wakeEveryone(env, false, 2), await left()]).toEqual([{ processed: 1, failed: 0 }, 0]);
    expect(await wakeEveryone(env, false, 2)).toBeUndefined();
    expect(await wakeEveryone(env, true, 2)).toEqual({ processed: 2, failed: 0 });
  });

  test("a customer of a test clock is called on as well, and stays where its clock is", async ({ expect }) => {
    await nobodyWaits();
    const world = await newWorld();
    await sell(world, "later", { priceAmount: 10, billingTiming: "IN_ARREARS" });
    const { data } = await world.call<{ id: string }>("POST", "/api/v1/test-clocks", {
      frozenTime: "2027-01-15T00:00:00Z",
    });
    const body = { customerReferenceId: "ada", email: "a@b", testClockId: data.id };
    await ok(world.call("POST", "/api/v1/client/customers", body));
    const subscription = await active(world, "ada", "later");
    const { customerId } = (await world.event({ customerReferenceId: "ada" })).data;
    for (let runs = 0; (await wakeEveryone(env, true)) !== undefined && runs < 1; runs += 1);
    expect(await waitingRows(world, customerId)).toBe(0);
    expect((await read(world, subscription)).currentPeriodEnd).toBe("2027-02-15T00:00:00.000Z");
  });

  test("an alarm that was lost while its object lives is set again by the next call", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    const alarm = () => runInDurableObject(world.object(customerId), (_, { storage }) => storage.getAlarm());
    expect(await alarm()).toBe(at("2030-03-05T10:30:02Z"));
    await runInDurableObject(world.object(customerId), (_, { storage }) => storage.deleteAlarm());
    // It may still be about to ring.
    clockAt("2030-03-05T10:30:30Z");
    await world.event({ customerReferenceId: "a" });
    expect(await alarm()).toBeNull();
    clockAt("2030-03-05T10:31:03Z");
    await world.event({ customerReferenceId: "a" });
    expect(await alarm()).toBe(at("2030-03-05T10:31:05Z"));
  });

  test("quarantined customers that stay so keep nobody behind them waiting", async ({ expect }) => {
    await nobodyWaits();
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    for (const [id, sinceMs] of [
      ["broken-1", 1],
      ["broken-2", 2],
      [customerId, 3],
    ] as const)
      await env.DB.prepare(
        "INSERT INTO object_health (account_id, customer_id, parked_rows, quarantined_at_ms, size_bytes, rev) VALUES (?, ?, 0, CAST(? AS INTEGER), 0, 0)",
      )
        .bind(world.accountId, id, sinceMs)
        .run();
    const woken = async () => {
      const outcome = await wakeQuarantined(env, 2);
      return [outcome?.processed, outcome?.failed];
    };
    expect([await woken(), await woken(), await woken()]).toEqual([
      [0, 2],
      [1, 0],
      [0, 2],
    ]);
  });

  test("feeds of more accounts than one run trims are trimmed by the next ones", async ({ expect }) => {
    const worlds = [await newWorld(), await newWorld()];
    for (const world of worlds) {
      const { data } = await world.batch(
        [1, 2, 3].map((n) => ({ eventName: "x", customerReferenceId: "a", eventIdempotencyKey: `${n}` })),
      );
      await world.flush(data.results[0]?.receipt?.customerId ?? "");
    }
    const left = async () => {
      const feeds = await Promise.all(worlds.map(({ accountId }) => dump("feed", accountId)));
      return feeds.map((rows) => rows.length).toSorted();
    };
    await env.DB.prepare("DELETE FROM cron_cursors WHERE task = 'trim-feeds'").run();
    const [first = ""] = worlds.map(({ accountId }) => accountId).toSorted();
    const upToFirst = await env.DB.prepare("SELECT account_id FROM accounts WHERE account_id <= ?").bind(first).all();
    await trimSomeFeeds(env, upToFirst.results.length, 2);
    expect(await left()).toEqual([2, 3]);
    await trimSomeFeeds(env, 10_000, 2);
    expect(await left()).toEqual([2, 2]);
    // Nobody is left behind these: the next one begins again.
    await trimSomeFeeds(env, upToFirst.results.length, 1);
    expect(await left()).toEqual([1, 2]);
  });

  test("old answers are forgotten a part at a time, the oldest first", async ({ expect }) => {
    await env.DB.prepare("DELETE FROM requests").run();
    const world = await newWorld();
    for (const [digest, createdAtMs] of [
      ["third", 3],
      ["first", 1],
      ["second", 2],
    ] as const)
      await env.DB.prepare(
        "INSERT INTO requests (account_id, request_digest, body_digest, status, body, created_at_ms) VALUES (?, ?, '', 200, '{}', CAST(? AS INTEGER))",
      )
        .bind(world.accountId, digest, createdAtMs)
        .run();
    const left = async () => (await dump("requests", world.accountId)).map((row) => JSON.parse(row).request_digest);
    const nowMs = at("2030-03-05T10:30:00Z");
    expect([await forgetOldRequests(env.DB, nowMs, 2), await left()]).toEqual([2, ["third"]]);
    expect([await forgetOldRequests(env.DB, nowMs, 2), await left()]).toEqual([1, []]);
    const [plan, ...rest] = await queryPlans((db) => forgetOldRequests(db, nowMs));
    expect(plan).toMatch(/^SEARCH requests USING PRIMARY KEY/);
    expect(rest.join("\n")).toMatch(/requests USING (COVERING )?INDEX requests_by_age/);
  });

  test("emptied hours are dropped a page of accounts at a time, until all are done", async ({ expect }) => {
    await nobodyWaits();
    const worlds = [await newWorld(), await newWorld(), await newWorld()];
    const columns =
      "events, cost_unknown_events, input_tokens, output_tokens, usage_hi, usage_mid, usage_lo, cost_hi, cost_mid, cost_lo, revenue_hi, revenue_mid, revenue_lo, rev";
    const nowMs = at("2030-03-05T10:30:00Z");
    for (const { accountId } of worlds)
      await env.DB.prepare(
        `INSERT INTO rollups (account_id, bucket_start_ms, span_ms, customer_id, feature_id, provider, model, currency, ${columns})
         VALUES (?, CAST(? AS INTEGER), 3600000, 'c', '', '', '', 'USD', ${columns
           .split(", ")
           .map(() => "0")
           .join(", ")})`,
      )
        .bind(accountId, nowMs - 45 * 86_400_000)
        .run();
    const left = async () =>
      (await Promise.all(worlds.map(({ accountId }) => dump("rollups", accountId)))).flat().length;
    const accounts = Number(await env.DB.prepare("SELECT COUNT(*) AS n FROM accounts").first("n"));
    const size = accounts - 1;
    expect(await dropEmptied(env, nowMs, false, size)).toBeUndefined();
    expect((await dropEmptied(env, nowMs, true, size))?.failed).toBe(0);
    expect(await left()).toBeLessThan(3);
    // Begun once, it goes on without being told to begin.
    await dropEmptied(env, nowMs, false, size);
    expect(await left()).toBe(0);
    expect(await dropEmptied(env, nowMs, false, size)).toBeUndefined();
  });

  test("all customers and the quarantined ones are found in indexes, in order", async ({ expect }) => {
    const after = { accountId: "a", customerId: "c" as Uuid };
    const [walk, ...wishes] = await queryPlans((db) => everyCustomerAfter(db, after, 9));
    expect(walk).toMatch(/^SEARCH customer_identities USING COVERING INDEX .*\(account_id,customer_id\)>/);
    expect(wishes).toEqual([
      expect.stringMatching(/^CORRELATED SCALAR SUBQUERY/),
      expect.stringMatching(/^SEARCH a USING .*\(account_id=\?\)/),
    ]);
    expect(await queryPlans((db) => quarantinedObjects(db, { ...after, quarantinedAtMs: 1 }, 9))).toEqual([
      expect.stringMatching(/^SEARCH object_health USING COVERING INDEX object_health_quarantined/),
    ]);
  });

  test("quarantined customers are called on; one that cannot be woken is counted, not fatal", async ({ expect }) => {
    await nobodyWaits();
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    await world.flush(customerId);
    const insert = (id: string) =>
      env.DB.prepare(
        "INSERT INTO object_health (account_id, customer_id, parked_rows, quarantined_at_ms, size_bytes, rev) VALUES (?, ?, 0, 1, 0, 0)",
      )
        .bind(world.accountId, id)
        .run();
    await insert(customerId);
    await insert("no-customer-id");
    clockAt("2030-03-07T00:00:00Z");
    await runScheduled(env, at("2030-03-07T00:00:00Z"));
    const runs = await runsAt(at("2030-03-07T00:00:00Z"));
    expect(runs.find(({ task }) => task === "wake-quarantined")).toEqual({
      task: "wake-quarantined",
      processed: 1,
      failed: 1,
      failure: null,
    });
    expect(runs).toHaveLength(7);
  });

  test("customers that stay overdue keep nobody behind them waiting", async ({ expect }) => {
    await nobodyWaits();
    const world = await newWorld();
    const atMs = at("2030-03-05T10:30:00Z");
    for (const number of [1, 2, 3])
      await env.DB.prepare(
        `INSERT INTO customers (account_id, customer_id, source, created_at_ms, modified_at_ms, next_due_at_ms)
         VALUES (?, ?, 'MANUAL', 1, 1, CAST(? AS INTEGER))`,
      )
        .bind(world.accountId, `broken-${number}`, number)
        .run();
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    await setDue(customerId, 3);
    const sweep = async () => {
      const outcome = await sweepOverdue(env, atMs, 2);
      return [outcome?.processed, outcome?.failed];
    };
    expect(await sweep()).toEqual([0, 2]);
    // Of two that are due at one instant, the next run has the other: a customer's id, digits first, stands before `broken`.
    expect(await sweep()).toEqual([1, 1]);
    expect((await world.object(customerId).health()).waitingRows).toBe(0);
    // The end; and then from the front again.
    expect(await sweep()).toEqual([0, 0]);
    expect(await sweep()).toEqual([0, 2]);
  });

  test("pages by offset over a list that shrinks skip somebody: the sweep goes by key, and whoever is woken leaves the list", async ({
    expect,
  }) => {
    await nobodyWaits();
    const world = await newWorld();
    const ids: string[] = [];
    for (const number of [1, 2, 3, 4, 5]) {
      const { customerId } = (await world.event({ customerReferenceId: `c${number}` })).data;
      await setDue(customerId, number);
      ids.push(customerId);
    }
    const woken: (number | undefined)[] = [];
    for (let run = 0; run < 3; run += 1)
      woken.push((await sweepOverdue(env, at("2030-03-05T10:30:00Z"), 2))?.processed);
    expect(woken).toEqual([2, 2, 1]);
    for (const id of ids) expect(await waitingRows(world, id)).toBe(0);
  });

  test("a run that dies is not to die at the same customers for ever", async ({ expect }) => {
    await nobodyWaits();
    const world = await newWorld();
    const atMs = at("2030-03-05T10:30:00Z");
    const ids: string[] = [];
    for (const number of [1, 2]) {
      const { customerId } = (await world.event({ customerReferenceId: `c${number}` })).data;
      await setDue(customerId, number);
      ids.push(customerId);
    }
    await new Promise<void>((waking) => {
      const stub = {
        wake: () => {
          waking();
          return new Promise(() => {});
        },
      };
      const deaf = {
        ...env,
        CUSTOMERS: { idFromName: (name: string) => env.CUSTOMERS.idFromName(name), get: () => stub },
      } as unknown as Env;
      void sweepOverdue(deaf, atMs, 1);
    });
    expect(await sweepOverdue(env, atMs, 1)).toEqual({ processed: 1, failed: 0 });
    const waiting = [];
    for (const id of ids) waiting.push((await world.object(id).health()).waitingRows > 0);
    expect(waiting).toEqual([true, false]);
  });

  test("who is overdue is found in an index, in order", async ({ expect }) => {
    const after = { nextDueAtMs: 1, accountId: "a", customerId: "c" as Uuid };
    expect(await queryPlans((db) => overdueCustomers(db, 5, undefined, 9))).toEqual([
      "SEARCH customers USING COVERING INDEX customers_by_due (next_due_at_ms>? AND next_due_at_ms<?)",
    ]);
    expect(await queryPlans((db) => overdueCustomers(db, 5, after, 9))).toEqual([
      "SEARCH customers USING COVERING INDEX customers_by_due ((next_due_at_ms,account_id,customer_id)>(?,?,?) AND next_due_at_ms<?)",
    ]);
  });

  test("while D1 is away the cron fails quietly", async ({ expect }) => {
    clockAt("2030-03-08T00:00:00Z");
    await withD1("away", () => runScheduled(env, at("2030-03-08T00:00:00Z")));
    clockAt("2030-03-08T00:05:00Z");
    await runScheduled(env, at("2030-03-08T00:05:00Z"));
    expect(await runsAt(at("2030-03-08T00:00:00Z"))).toEqual([]);
    expect(await runsAt(at("2030-03-08T00:05:00Z"))).toHaveLength(7);
  });
});
