import { recordRun } from "./catalog/cron-runs.ts";
import { forgetOldRequests } from "./catalog/requests.ts";
import { objectOf } from "./customer/object-of.ts";
import type { Uuid } from "./domain/ids.ts";
import { CRON_WAKES_MAX, DAY_MS, HOUR_MS } from "./domain/limits.ts";
import type { Env } from "./env.ts";
import { quarantinedObjects } from "./ledger/health.ts";
import { dropEmptiedHours, trimFeeds } from "./ledger/upkeep.ts";

/**
 * The Cron Trigger, every five minutes: a net under the objects' own alarms, and the broom of D1. Each task is safe to repeat and
 * fails alone; what it did stands in `cron_runs`.
 */

type Outcome = { processed: number; failed: number };
type Task = { task: string; isDue: (atMs: number) => boolean; run: (env: Env, atMs: number) => Promise<Outcome> };

const always = (): boolean => true;
/** Once a day, in the quiet hour: the run in the first five minutes after 03:00 UTC. */
const daily = (atMs: number): boolean => {
  const intoDayMs = atMs % DAY_MS;
  return intoDayMs >= 3 * HOUR_MS && intoDayMs < 3 * HOUR_MS + 5 * 60_000;
};

const TASKS: readonly Task[] = [
  { task: "wake-quarantined", isDue: always, run: wakeQuarantined },
  { task: "trim-feeds", isDue: always, run: async (env) => ({ processed: await trimFeeds(env.DB), failed: 0 }) },
  {
    task: "forget-requests",
    isDue: always,
    run: async (env, atMs) => ({ processed: await forgetOldRequests(env.DB, atMs), failed: 0 }),
  },
  {
    task: "drop-emptied-hours",
    isDue: daily,
    run: async (env, atMs) => ({ processed: await dropEmptiedHours(env.DB, atMs), failed: 0 }),
  },
];

/** Runs every task that is due at `atMs`, the trigger's own time. */
export async function runScheduled(env: Env, atMs: number): Promise<void> {
  for (const { task, isDue, run } of TASKS) {
    if (!isDue(atMs)) continue;
    const runId = crypto.randomUUID();
    const startedAtMs = Date.now();
    let outcome: Outcome & { failure?: string };
    try {
      outcome = await run(env, atMs);
    } catch (error) {
      outcome = { processed: 0, failed: 1, failure: error instanceof Error ? error.message : String(error) };
    }
    const line = { runId, task, startedAtMs, finishedAtMs: Date.now(), ...outcome };
    console.log(JSON.stringify({ at: "cron", ...line }));
    try {
      await recordRun(env.DB, line);
    } catch (error) {
      console.error(JSON.stringify({ at: "cron", runId, task, unrecorded: String(error) }));
    }
  }
}

/** A quarantined customer that nobody calls tries to settle again by its alarm; this is for lost alarms. */
async function wakeQuarantined(env: Env): Promise<Outcome> {
  const objects = await quarantinedObjects(env.DB, CRON_WAKES_MAX);
  const woken = await Promise.allSettled(
    objects.map(async ({ accountId, customerId }) => objectOf(env, accountId, customerId as Uuid).wake()),
  );
  const failed = woken.filter(({ status }) => status === "rejected").length;
  return { processed: woken.length - failed, failed };
}
