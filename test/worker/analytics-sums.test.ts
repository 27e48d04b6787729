import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, test } from "vitest";
import type { Exchange } from "../../src/domain/exchange.ts";
import { addFigures, type Figures, noFigures } from "../../src/domain/figures.ts";
import { DAY_MS, DAYS_BUILT_PER_BATCH_MAX, HOUR_MS } from "../../src/domain/limits.ts";
import { limbsOf } from "../../src/domain/rollup.ts";
import type { TimeRange } from "../../src/domain/time-range.ts";
import { customerSumsSql } from "../../src/ledger/customer-sums.ts";
import { DIMENSIONS, type Dimension, UNBUILT_DAYS_SQL } from "../../src/ledger/day-sums.ts";
import { membersOf, wholeOf } from "../../src/ledger/member-sums.ts";
import { daySumsSql, hourSumsSql, sumsOf } from "../../src/ledger/rollup-queries.ts";

/** Sums over rollups in D1: exact, the same by every way, and along an index. */

const TODAY = Date.parse("2027-03-15T00:00:00Z");
const NOW = TODAY + 10 * HOUR_MS;

type Row = { bucketStartMs: number; customer: string; feature: string; provider: string; model: string; sums: Figures };

function figures(costE12: bigint, revenueE12 = 0n): Figures {
  return {
    events: 1,
    costUnknownEvents: 0,
    inputTokens: 3n,
    outputTokens: 2n,
    usageE12: 10n ** 12n,
    costE12,
    revenueE12,
  };
}

const USD: Exchange = { currency: "USD", rates: new Map() };

/** Writes rollups as the outbox does: absolute values, over whatever is there. */
async function write(accountId: string, rows: readonly Row[]): Promise<void> {
  const values = rows.map(({ bucketStartMs, customer, feature, provider, model, sums }) => {
    const [usage, cost, revenue] = [limbsOf(sums.usageE12), limbsOf(sums.costE12), limbsOf(sums.revenueE12)];
    const counts = [sums.events, sums.costUnknownEvents, Number(sums.inputTokens), Number(sums.outputTokens)];
    const limbs = [usage, cost, revenue].flatMap(({ hi, mid, lo }) => [hi, mid, lo]);
    return [accountId, bucketStartMs, HOUR_MS, customer, feature, provider, model, "USD", ...counts, ...limbs, 1];
  });
  const columns = Array.from({ length: 22 }, (_, index) => `value ->> ${index}`).join(", ");
  await env.DB.prepare(
    `INSERT INTO rollups SELECT ${columns} FROM json_each(?) WHERE true
     ON CONFLICT DO UPDATE SET cost_hi = excluded.cost_hi, cost_mid = excluded.cost_mid, cost_lo = excluded.cost_lo`,
  )
    .bind(JSON.stringify(values))
    .run();
}

function row(bucketStartMs: number, costE12: bigint, more: Partial<Row> = {}): Row {
  return {
    bucketStartMs,
    customer: "ada",
    feature: "chat",
    provider: "p",
    model: "m",
    sums: figures(costE12),
    ...more,
  };
}

async function costOf(accountId: string, range: TimeRange, by?: Dimension): Promise<bigint> {
  const [rows = []] = await sumsOf(env.DB, accountId, [{ ranges: [range], by }], NOW);
  return wholeOf(rows, USD).figures.costE12;
}

async function planOf(sql: string, ...bound: (string | number)[]): Promise<string> {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...bound)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail).join("\n");
}

const ALL: TimeRange = { startMs: TODAY - 100 * DAY_MS, endMs: NOW + HOUR_MS };

describe("does", () => {
  test("sums far beyond 2⁵³ are exact, of closed days and of today", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    const most = 10n ** 27n - 1n;
    await write(accountId, [
      row(TODAY - DAY_MS, most),
      row(TODAY - DAY_MS + HOUR_MS, most),
      row(TODAY, most),
      row(TODAY + HOUR_MS, 1n, { sums: figures(1n, -most) }),
    ]);
    const [rows = []] = await sumsOf(env.DB, accountId, [{ ranges: [ALL], by: "model" }], NOW);
    expect(wholeOf(rows, USD).figures).toMatchObject({ events: 4, costE12: 3n * most + 1n, revenueE12: -most });
  });

  test("several ranges of one question are summed apart", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    await write(accountId, [row(TODAY - 2 * DAY_MS, 1n), row(TODAY - DAY_MS + HOUR_MS, 10n), row(TODAY, 100n)]);
    const days = [2, 1, 0].map((ago) => ({ startMs: TODAY - ago * DAY_MS, endMs: TODAY + (1 - ago) * DAY_MS }));
    const [rows = []] = await sumsOf(env.DB, accountId, [{ ranges: days, by: undefined }], NOW);
    const found = rows.map(({ rangeIndex, figures: { costE12 } }) => [rangeIndex, costE12]).sort();
    expect(found).toEqual([
      [0, 1n],
      [1, 10n],
      [2, 100n],
    ]);
  });

  test("a history longer than one batch builds is built whole", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    const days = DAYS_BUILT_PER_BATCH_MAX * 2 + 5;
    await write(
      accountId,
      Array.from({ length: days }, (_, index) => row(TODAY - (index + 1) * DAY_MS, 1n)),
    );
    expect(await costOf(accountId, ALL)).toBe(BigInt(days));
    const { results } = await env.DB.prepare("SELECT COUNT(*) AS n FROM rollup_days_built WHERE account_id = ?")
      .bind(accountId)
      .all();
    expect(results).toEqual([{ n: days }]);
  });
});

describe("holds", () => {
  test("a changed, new or deleted rollup of a day already built is in the next answer", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    const day = TODAY - 3 * DAY_MS;
    await write(accountId, [row(day, 1n), row(day + HOUR_MS, 10n)]);
    expect(await costOf(accountId, ALL, "customer")).toBe(11n);
    await write(accountId, [row(day, 2n)]);
    expect(await costOf(accountId, ALL, "customer")).toBe(12n);
    await write(accountId, [row(day + 2 * HOUR_MS, 100n, { customer: "bob" })]);
    expect(await costOf(accountId, ALL, "customer")).toBe(112n);
    await env.DB.prepare("DELETE FROM rollups WHERE account_id = ? AND customer_id = 'ada'").bind(accountId).run();
    expect(await costOf(accountId, ALL, "customer")).toBe(100n);
    await env.DB.prepare("DELETE FROM rollups WHERE account_id = ?").bind(accountId).run();
    expect(await costOf(accountId, ALL, "customer")).toBe(0n);
  });

  test("dropping the built days loses nothing", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    await write(accountId, [row(TODAY - DAY_MS, 7n)]);
    expect(await costOf(accountId, ALL)).toBe(7n);
    await env.DB.batch([
      env.DB.prepare("DELETE FROM rollup_days_built WHERE account_id = ?").bind(accountId),
      env.DB.prepare("DELETE FROM rollup_days WHERE account_id = ?").bind(accountId),
    ]);
    expect(await costOf(accountId, ALL)).toBe(7n);
  });

  test("hours that became days leave rows of zeros, which make no member", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    await write(accountId, [row(TODAY - DAY_MS, 7n), row(TODAY, 1n, { customer: "gone", sums: noFigures() })]);
    await write(accountId, [row(TODAY - DAY_MS, 0n, { customer: "gone", sums: noFigures() })]);
    const [rows = []] = await sumsOf(env.DB, accountId, [{ ranges: [ALL], by: "customer" }], NOW);
    expect(membersOf(rows, USD).map(({ member }) => member)).toEqual(["ada"]);
  });

  test("by every dimension and any range, sums equal those of a naive model, while rollups change", async ({
    expect,
  }) => {
    const dimensions = Object.keys(DIMENSIONS) as Dimension[];
    const bucket = fc.integer({ min: -72, max: 12 }).map((hours) => TODAY + hours * HOUR_MS);
    // Few keys, so that steps often change rollups of days that earlier steps had built.
    const anyRow = fc
      .record({
        bucketStartMs: fc.constantFrom(-49, -48, -25, -1, 0, 5).map((hours) => TODAY + hours * HOUR_MS),
        customer: fc.constantFrom("ada", "bob"),
        feature: fc.constant("chat"),
        provider: fc.constantFrom("", "p"),
        model: fc.constant("m"),
        cost: fc.bigInt(0n, 10n ** 27n - 1n),
      })
      .map(({ cost, ...key }): Row => ({ ...key, sums: figures(cost) }));
    const steps = fc.array(
      fc.record({ rows: fc.array(anyRow, { maxLength: 6 }), from: bucket, hours: fc.integer({ min: 1, max: 90 }) }),
      { minLength: 2, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const accountId = crypto.randomUUID();
        const model = new Map<string, Row>();
        for (const { rows, from, hours } of all) {
          await write(accountId, rows);
          for (const one of rows) {
            const { sums: _, ...key } = one;
            model.set(JSON.stringify(key), one);
          }
          const range = { startMs: from, endMs: from + hours * HOUR_MS };
          const answers = await sumsOf(
            env.DB,
            accountId,
            dimensions.map((by) => ({ ranges: [range], by })),
            NOW,
          );
          for (const [index, by] of dimensions.entries()) {
            const found = new Map(membersOf(answers[index] ?? [], USD).map((one) => [one.key, one.figures]));
            expect(found).toEqual(naive([...model.values()], range, by));
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test("every question goes along a key, never through a whole table", async ({ expect }) => {
    const pieces = "[[0, 0, 86400000]]";
    for (const by of [undefined, "customer", "feature", "model"] as const) {
      expect(await planOf(daySumsSql({ by }), "a", pieces)).toContain(
        "SEARCH s USING PRIMARY KEY (account_id=? AND dimension=? AND day_start_ms>? AND day_start_ms<?)",
      );
      expect(await planOf(hourSumsSql({ by }), "a", pieces)).toContain(
        "SEARCH s USING PRIMARY KEY (account_id=? AND bucket_start_ms>? AND bucket_start_ms<?)",
      );
    }
    const looking = await planOf(UNBUILT_DAYS_SQL, "a", 0, 1);
    expect(looking.match(/SEARCH r USING PRIMARY KEY \(account_id=\? AND bucket_start_ms>\?/g)).toHaveLength(2);
    expect(looking).not.toMatch(/SCAN (r|b)\b/);
    for (const by of ["feature", "model", "day"] as const)
      expect(await planOf(customerSumsSql(by), "a", "c", 0, 1)).toContain(
        "SEARCH rollups USING INDEX rollups_by_customer (account_id=? AND customer_id=? AND bucket_start_ms>? AND bucket_start_ms<?)",
      );
  });
});

/** What `sumsOf` must find, by adding one row after the other. */
function naive(rows: readonly Row[], range: TimeRange, by: Dimension): Map<string, Figures> {
  const sums = new Map<string, Figures>();
  for (const one of rows) {
    if (one.bucketStartMs < range.startMs || one.bucketStartMs >= range.endMs) continue;
    const key = by === "model" && one.provider !== "" ? `${one.provider}/${one.model}` : one[by];
    sums.set(key, addFigures(sums.get(key) ?? noFigures(), one.sums));
  }
  return sums;
}
