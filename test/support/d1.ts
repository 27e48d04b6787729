import { env } from "cloudflare:workers";
import { fromLimbs, type Rollup } from "../../src/domain/rollup.ts";
import { holdsSomething } from "../../src/ledger/day-sums.ts";

/**
 * D1 as it may be on a bad day. Worker, objects and tests share one isolate, so patching the binding's prototypes reaches all of
 * them; a real D1 stays behind it.
 */

type Batch = (statements: D1PreparedStatement[]) => Promise<D1Result[]>;

/**
 * `away`: nothing answers. `slow`: batches are applied, their answers take as long as many reads. `answer lost`: batches are applied, yet the call fails. `doubled`: batches are applied twice.
 * `late`: the call fails, and the batch is applied when the test says so.
 */
export type Trouble = "away" | "slow" | "answer lost" | "doubled" | "late";

type Patchable = { batch: Batch };
type PatchableStatement = Record<(typeof READS)[number], (...args: unknown[]) => Promise<unknown>>;

const READS = ["first", "run", "all", "raw"] as const;
const databasePrototype = Object.getPrototypeOf(env.DB) as Patchable;
const statementPrototype = Object.getPrototypeOf(env.DB.prepare("SELECT 1")) as PatchableStatement;

/** What `work` had D1 do. `delayed`: the batches that have not been applied, in the order they were sent. */
export type Seen = { batches: number; delayed: (() => Promise<void>)[] };

/**
 * Runs `work` while D1 is in trouble, or, without trouble, only counts its batches. `trouble` as a function is called when the
 * first batch was applied and its answer is still on its way.
 */
export async function withD1<T>(
  trouble: Trouble | "fine" | (() => Promise<void>),
  work: (seen: Seen) => Promise<T>,
): Promise<T> {
  const seen: Seen = { batches: 0, delayed: [] };
  const { batch } = databasePrototype;
  const reads = READS.map((name) => [name, statementPrototype[name]] as const);
  const lost = (): never => {
    throw new Error("D1_ERROR: Network connection lost.");
  };
  databasePrototype.batch = async function (this: D1Database, statements) {
    seen.batches += 1;
    if (trouble === "away") return lost();
    if (trouble === "late") {
      seen.delayed.push(async () => {
        await batch.call(this, statements);
      });
      return lost();
    }
    const results = await batch.call(this, statements);
    if (trouble === "answer lost") return lost();
    if (trouble === "slow") for (let read = 0; read < 50; read += 1) await env.DB.prepare("SELECT 1").first();
    if (typeof trouble === "function" && seen.batches === 1) await trouble();
    return trouble === "doubled" ? batch.call(this, statements) : results;
  };
  if (trouble === "away") for (const [name] of reads) statementPrototype[name] = async () => lost();
  try {
    return await work(seen);
  } finally {
    databasePrototype.batch = batch;
    for (const [name, read] of reads) statementPrototype[name] = read;
  }
}

type Text = "customer_id" | "feature_id" | "provider" | "model" | "currency";
type Count = "bucket_start_ms" | "span_ms" | "events" | "cost_unknown_events" | "input_tokens" | "output_tokens";
type Limb = `${"usage" | "cost" | "revenue"}_${"hi" | "mid" | "lo"}`;
type RollupRow = { [C in Text]: string } & { [C in Count | Limb]: number };

/** An account's rollups in D1 that hold something, with their customer, in a stable order and without `rev`. */
export async function rollupsInD1(accountId: string): Promise<(Rollup & { customerId: string })[]> {
  const { results } = await env.DB.prepare(
    `SELECT * FROM rollups WHERE account_id = ? AND ${holdsSomething()}
     ORDER BY customer_id, bucket_start_ms, span_ms, feature_id, provider, model, currency`,
  )
    .bind(accountId)
    .all<RollupRow>();
  return results.map((row) => ({
    customerId: row.customer_id,
    bucketStartMs: row.bucket_start_ms,
    spanMs: row.span_ms,
    featureId: row.feature_id,
    provider: row.provider,
    model: row.model,
    currency: row.currency,
    events: row.events,
    costUnknownEvents: row.cost_unknown_events,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    usageE12: fromLimbs(row.usage_hi, row.usage_mid, row.usage_lo),
    costE12: fromLimbs(row.cost_hi, row.cost_mid, row.cost_lo),
    revenueE12: fromLimbs(row.revenue_hi, row.revenue_mid, row.revenue_lo),
  }));
}

/** How D1 goes about the statements of `work`: a line per table it touches. */
export async function queryPlans(work: (database: D1Database) => Promise<unknown>): Promise<string[]> {
  const asked: { sql: string; bound: unknown[] }[] = [];
  const database = new Proxy(env.DB, {
    get: (real, name: keyof D1Database) => {
      if (name === "batch") return real.batch.bind(real);
      return (sql: string) => ({
        bind: (...bound: unknown[]) => {
          asked.push({ sql, bound });
          return real.prepare(sql).bind(...bound);
        },
      });
    },
  });
  await work(database);
  const plans = await env.DB.batch<{ detail: string }>(
    asked.map(({ sql, bound }) => env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...bound)),
  );
  return plans.flatMap(({ results }) => results.map(({ detail }) => detail));
}

/** All rows of an account in a table, ordered by all their columns but `without`. */
export async function dump(table: string, accountId: string, without: readonly string[] = []): Promise<string[]> {
  const { results } = await env.DB.prepare(`SELECT * FROM ${table} WHERE account_id = ?`).bind(accountId).all();
  return results
    .map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).filter(([name]) => !without.includes(name)))))
    .sort();
}
