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
  await database.batch([
    database
      .prepare(
        `INSERT INTO cron_runs (run_id, task, started_at_ms, finished_at_ms, processed, failed, failure)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .bind(run.runId, run.task, run.startedAtMs, run.finishedAtMs, run.processed, run.failed, run.failure ?? null),
    database.prepare("DELETE FROM cron_runs WHERE started_at_ms < ?").bind(run.startedAtMs - RUNS_KEPT_MS),
  ]);
}

/** The last run of each task. */
export async function lastRuns(database: D1Database): Promise<CronRun[]> {
  const { results } = await database
    .prepare(
      `SELECT run_id, task, MAX(started_at_ms) AS started_at_ms, finished_at_ms, processed, failed, failure
       FROM cron_runs GROUP BY task ORDER BY task`,
    )
    .all<{
      run_id: string;
      task: string;
      started_at_ms: number;
      finished_at_ms: number;
      processed: number;
      failed: number;
      failure: string | null;
    }>();
  return results.map((row) => ({
    runId: row.run_id,
    task: row.task,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
    processed: row.processed,
    failed: row.failed,
    ...(row.failure === null ? {} : { failure: row.failure }),
  }));
}
