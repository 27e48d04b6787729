import { accountsAfter } from "./catalog/accounts.ts";
import { readCursor, saveCursor } from "./catalog/cron-cursors.ts";
import { recordRun } from "./catalog/cron-runs.ts";
import { everyCustomerAfter, type KnownCustomer, type OverdueCustomer, overdueCustomers } from "./catalog/customers.ts";
import { forgetOldRequests } from "./catalog/requests.ts";
import { reconcileDue } from "./clearing/reconcile.ts";
import { forgetOldWebhooks, takeUpWaiting } from "./clearing/webhooks.ts";
import { callEach, type ObjectOwner } from "./customer/object-of.ts";
import {
  CRON_ACCOUNTS_MAX,
  CRON_WAKES_MAX,
  DAY_MS,
  HOUR_MS,
  ROUND_CUSTOMERS_MAX,
  SWEEP_CUSTOMERS_MAX,
  SWEEP_OVERDUE_MS,
} from "./domain/limits.ts";
import type { Env } from "./env.ts";
import { type QuarantinedObject, quarantinedObjects } from "./ledger/health.ts";
import { dropEmptiedHours, trimFeeds } from "./ledger/upkeep.ts";
import { sealOutdated } from "./payments/seal-outdated.ts";

/**
 * The Cron Trigger, every five minutes: a net under the objects' own alarms, and the broom of D1. Each task is safe to repeat and
 * fails alone; what it did stands in `cron_runs`. A run does a bounded part of it, and the next one goes on where it stopped.
 */

type Outcome = { processed: number; failed: number };
/** Undefined: it was not its time, and no line says so. */
type Task = { task: string; run: (env: Env, atMs: number) => Promise<Outcome | undefined> };

/** Once a day, in the quiet hour: the run in the first five minutes after 03:00 UTC. */
const isDaily = (atMs: number): boolean => {
  const intoDayMs = atMs % DAY_MS;
  return intoDayMs >= 3 * HOUR_MS && intoDayMs < 3 * HOUR_MS + 5 * 60_000;
};

const QUARANTINED = "wake-quarantined";
const SWEEP = "sweep-overdue";
const ROUND = "wake-everyone";
const FEEDS = "trim-feeds";
const EMPTIED = "drop-emptied-hours";

const TASKS: readonly Task[] = [
  { task: QUARANTINED, run: (env) => wakeQuarantined(env) },
  { task: SWEEP, run: (env, atMs) => sweepOverdue(env, atMs) },
  { task: ROUND, run: (env, atMs) => wakeEveryone(env, isDaily(atMs)) },
  { task: "take-up-webhooks", run: takeUpWaiting },
  {
    task: "forget-webhooks",
    run: async (env, atMs) => ({ processed: await forgetOldWebhooks(env, atMs), failed: 0 }),
  },
  { task: "reconcile", run: reconcileDue },
  { task: "seal-anew", run: async (env, atMs) => (isDaily(atMs) ? sealOutdated(env) : undefined) },
  { task: FEEDS, run: (env) => trimSomeFeeds(env) },
  {
    task: "forget-requests",
    run: async (env, atMs) => ({ processed: await forgetOldRequests(env.DB, atMs), failed: 0 }),
  },
  { task: EMPTIED, run: (env, atMs) => dropEmptied(env, atMs, isDaily(atMs)) },
];

/** Runs every task that is due at `atMs`, the trigger's own time. */
export async function runScheduled(env: Env, atMs: number): Promise<void> {
  for (const { task, run } of TASKS) {
    const runId = crypto.randomUUID();
    const startedAtMs = Date.now();
    let outcome: (Outcome & { failure?: string }) | undefined;
    try {
      outcome = await run(env, atMs);
    } catch (error) {
      outcome = { processed: 0, failed: 1, failure: error instanceof Error ? error.message : String(error) };
    }
    if (outcome === undefined) continue;
    const line = { runId, task, startedAtMs, finishedAtMs: Date.now(), ...outcome };
    console.log(JSON.stringify({ at: "cron", ...line }));
    try {
      await recordRun(env.DB, line);
    } catch (error) {
      console.error(JSON.stringify({ at: "cron", runId, task, unrecorded: String(error) }));
    }
  }
}

/**
 * Does the next page of a walk: behind what the run before did last, and after the end from the front again, where `begins` allows
 * it. So what stays where it is, because nothing helps it, keeps nothing behind it waiting. The cursor is saved before the work, for
 * the same reason: a run that dies is not to die there for ever.
 */
async function walk<Item>(
  env: Env,
  { task, size, begins = true }: { task: string; size: number; begins?: boolean },
  pageAfter: (after: Item | undefined, limit: number) => Promise<Item[]>,
  work: (items: readonly Item[]) => Promise<Outcome>,
): Promise<Outcome | undefined> {
  const cursor = await readCursor(env.DB, task);
  if (cursor === undefined && !begins) return undefined;
  const items = await pageAfter(cursor === undefined ? undefined : (JSON.parse(cursor) as Item), size);
  const last = items.length === size ? items.at(-1) : undefined;
  if (last !== undefined || cursor !== undefined)
    await saveCursor(env.DB, task, last === undefined ? undefined : JSON.stringify(last));
  return work(items);
}

/** A quarantined customer that nobody calls tries to settle again by its alarm; this is for lost alarms. */
export function wakeQuarantined(env: Env, size = CRON_WAKES_MAX): Promise<Outcome | undefined> {
  return walk<QuarantinedObject>(
    env,
    { task: QUARANTINED, size },
    (after, limit) => quarantinedObjects(env.DB, after, limit),
    (owners) => wakeAll(env, owners),
  );
}

/** Wakes customers whose alarm should have rung and did not, those that wait longest first. */
export function sweepOverdue(env: Env, atMs: number, size = SWEEP_CUSTOMERS_MAX): Promise<Outcome | undefined> {
  return walk<OverdueCustomer>(
    env,
    { task: SWEEP, size },
    (after, limit) => overdueCustomers(env.DB, atMs - SWEEP_OVERDUE_MS, after, limit),
    (owners) => wakeAll(env, owners),
  );
}

/**
 * Calls on every customer there is, once a day: whose alarm was lost with rows unsent, of whom D1 does not know that anything is due,
 * or whose quarantine it never heard of, can be found in no other way, since what would tell has not arrived.
 */
export function wakeEveryone(env: Env, begins: boolean, size = ROUND_CUSTOMERS_MAX): Promise<Outcome | undefined> {
  return walk<KnownCustomer>(
    env,
    { task: ROUND, size, begins },
    (after, limit) => everyCustomerAfter(env.DB, after, limit),
    (owners) => wakeAll(env, owners),
  );
}

/** Cuts feeds of the next accounts; all the time, since a feed grows all the time. */
export function trimSomeFeeds(env: Env, size = CRON_ACCOUNTS_MAX, keep?: number): Promise<Outcome | undefined> {
  return walkAccounts(env, { task: FEEDS, size }, (accountIds) => trimFeeds(env.DB, accountIds, keep));
}

/** Removes hours that became part of a day, account by account, once a day. */
export function dropEmptied(
  env: Env,
  atMs: number,
  begins: boolean,
  size = CRON_ACCOUNTS_MAX,
): Promise<Outcome | undefined> {
  return walkAccounts(env, { task: EMPTIED, size, begins }, (accountIds) => dropEmptiedHours(env.DB, accountIds, atMs));
}

/** Walks all accounts. `tidy` answers how many rows went. */
function walkAccounts(
  env: Env,
  options: Parameters<typeof walk>[1],
  tidy: (accountIds: readonly string[]) => Promise<number>,
): Promise<Outcome | undefined> {
  return walk<string>(
    env,
    options,
    (after, limit) => accountsAfter(env.DB, after, limit),
    async (accountIds) => ({ processed: await tidy(accountIds), failed: 0 }),
  );
}

async function wakeAll(env: Env, owners: readonly ObjectOwner[]): Promise<Outcome> {
  const woken = await callEach(env, owners, (object) => object.wake());
  const failed = woken.filter(({ status }) => status === "rejected").length;
  return { processed: woken.length - failed, failed };
}
