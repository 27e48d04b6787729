import { getTableColumns, lt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { withoutNulls } from "../domain/without-nulls.ts";
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
