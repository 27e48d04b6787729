import { count, desc, eq, getTableColumns, lt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { withoutNulls } from "../domain/without-nulls.ts";
import type { Page } from "./page.ts";
import { cronRuns } from "./tables.ts";

/** When the cron's tasks ran, how much they did, what failed: for operators, kept a week. */

export type CronRun = {
  runId: string;
  task: string;
  startedAtMs: number;
  finishedAtMs: number;
  processed: number;
  failed: number;
  failure?: string;
};

const RUNS_KEPT_MS = 7 * 24 * 3600 * 1000;

export async function recordRun(database: D1Database, run: CronRun): Promise<void> {
  const db = drizzle(database);
  await db.batch([
    db.insert(cronRuns).values(run),
    db.delete(cronRuns).where(lt(cronRuns.startedAtMs, run.startedAtMs - RUNS_KEPT_MS)),
  ]);
}

/** The last run of each task. */
export async function lastRuns(database: D1Database): Promise<CronRun[]> {
  const db = drizzle(database);
  const last = {
    ...getTableColumns(cronRuns),
    // In a group with MAX, SQLite takes the other columns from the row that has it.
    startedAtMs: sql<number>`MAX(${cronRuns.startedAtMs})`,
    // A run is recorded at its end.
    finishedAtMs: sql<number>`${cronRuns.finishedAtMs}`,
  };
  const [runs] = await db.batch([db.select(last).from(cronRuns).groupBy(cronRuns.task).orderBy(cronRuns.task)]);
  return runs.map(withoutNulls);
}

/** A page of runs, newest first; of one task if it is named. */
export async function runPage(
  database: D1Database,
  task: string | undefined,
  page: Page,
): Promise<{ items: CronRun[]; total: number }> {
  const db = drizzle(database);
  const asked = task === undefined ? undefined : eq(cronRuns.task, task);
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(cronRuns).where(asked),
    db
      .select({ ...getTableColumns(cronRuns), finishedAtMs: sql<number>`${cronRuns.finishedAtMs}` })
      .from(cronRuns)
      .where(asked)
      .orderBy(desc(cronRuns.startedAtMs), cronRuns.runId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map(withoutNulls), total: counted?.total ?? 0 };
}
