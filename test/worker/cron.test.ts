import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { trimFeeds } from "../../src/ledger/upkeep.ts";
import { runScheduled } from "../../src/scheduled.ts";
import { dump, withD1 } from "../support/d1.ts";
import { at, clockAt, newWorld } from "../support/world.ts";

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

describe("does", () => {
  test("each run leaves a row per task, and operators see the last of each", async ({ expect }) => {
    const world = await newWorld();
    await runScheduled(env, at("2030-03-05T10:30:00Z"));
    const often = ["forget-requests", "trim-feeds", "wake-quarantined"];
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
    expect(results.map(({ task }) => task)).toEqual(["drop-emptied-hours", ...often]);
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
    expect(await trimFeeds(env.DB, 5)).toBe(3);
    const keys = (await dump("feed", big.accountId)).map((row) => JSON.parse(JSON.parse(row).event).key).toSorted();
    expect(keys).toHaveLength(5);
    expect(keys).toEqual(expect.arrayContaining(["4", "5", "6", "7"]));
    expect(await dump("feed", small.accountId)).toHaveLength(3);
    expect(await trimFeeds(env.DB, 5)).toBe(0);
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
    expect(await runsAt(at("2030-06-01T00:00:00Z"))).toHaveLength(3);
  });
});

describe("holds", () => {
  test("quarantined customers are called on; one that cannot be woken is counted, not fatal", async ({ expect }) => {
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
    expect(runs).toHaveLength(3);
  });

  test("while D1 is away the cron fails quietly", async ({ expect }) => {
    clockAt("2030-03-08T00:00:00Z");
    await withD1("away", () => runScheduled(env, at("2030-03-08T00:00:00Z")));
    clockAt("2030-03-08T00:05:00Z");
    await runScheduled(env, at("2030-03-08T00:05:00Z"));
    expect(await runsAt(at("2030-03-08T00:00:00Z"))).toEqual([]);
    expect(await runsAt(at("2030-03-08T00:05:00Z"))).toHaveLength(3);
  });
});
