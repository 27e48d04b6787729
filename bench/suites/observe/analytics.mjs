import { randomUUID } from "node:crypto";
import { customerId, tagFromBytes } from "../../../src/domain/ids.ts";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { shown } from "../../harness/report.mjs";
import { interleave, summary } from "../../harness/rounds.mjs";
import { call, openAccount } from "../../harness/world.mjs";
import { getRequest, postRequest } from "../../requests/makers.mjs";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PERIOD_DAYS = 30;
const CUSTOMERS = 100;
const MODELS = 10;
const ROWS_PER_STATEMENT = 2000;
const MEASURE = "GET portfolio";
const FLOOR = "floor: the sums as SQL on D1";

const COLUMNS = [
  "account_id, bucket_start_ms, span_ms, customer_id, feature_id, provider, model, currency, events, cost_unknown_events",
  "input_tokens, output_tokens, usage_hi, usage_mid, usage_lo, cost_hi, cost_mid, cost_lo, revenue_hi, revenue_mid",
  "revenue_lo, rev",
]
  .join(", ")
  .split(", ");

/** The portfolio over many rollup rows, beside its sums written by hand. */
export const portfolioSection = {
  name: "portfolio",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Portfolio");
    const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const startMs = endMs - PERIOD_DAYS * DAY_MS;
    await fillRollups(world, account.accountId, startMs, options.rollupRows);
    const period = `start=${new Date(startMs).toISOString()}&end=${new Date(endMs).toISOString()}`;
    const path = `/api/v1/analytics/portfolio?${period}`;
    const events = JSON.stringify(await call(world, account.key, "GET", path)).includes(String(options.rollupRows * 3));
    if (!events) throw new Error("portfolio: the answer does not count the events that were filled in");
    const figures = await interleave({
      client: world.client,
      probes: [
        {
          name: FLOOR,
          instance: world.engine,
          job: { url: world.engine.addresses.floors, request: sumsRequest(account.accountId, startMs, endMs) },
        },
        {
          name: MEASURE,
          instance: world.engine,
          job: { url: world.engine.addresses.engine, request: getRequest({ path, headers: account.headers }) },
        },
      ],
      connections: 1,
      rounds: options.rounds,
      seconds: options.seconds,
    });
    const name = `portfolio over ${options.rollupRows.toLocaleString("en")} rollup rows: p50`;
    const p50 = summary(figures.get(MEASURE)).p50;
    return {
      figures: figuresOf(figures, 1),
      lines: [
        lineOver(figures, { name, measure: MEASURE, floor: FLOOR, field: "p50", target: { atMost: 1.5 } }),
        { name, measure: shown(p50, "ms"), value: p50, target: { atMost: 100, unit: "ms" } },
      ],
    };
  },
};

/** The period's sums and those of the period before, as one would type them: what the portfolio must at least ask of D1. */
function sumsRequest(accountId, startMs, endMs) {
  const limbs = COLUMNS.filter((name) => /_(hi|mid|lo)$/.test(name)).map(
    (name) => `CAST(SUM(${name}) AS TEXT) AS ${name}`,
  );
  const sql = `SELECT SUM(events) AS events, SUM(cost_unknown_events) AS cost_unknown_events, ${limbs.join(", ")}
    FROM rollups WHERE account_id = ? AND bucket_start_ms >= ? AND bucket_start_ms < ?`;
  const statements = [
    { sql, values: [accountId, startMs, endMs] },
    { sql, values: [accountId, startMs - (endMs - startMs), startMs] },
  ];
  return postRequest({ path: "/sql", body: JSON.stringify(statements) });
}

/** Rows of 100 customers, 10 models and as many hours as it takes, straight into D1: 3 events each. */
async function fillRollups(world, accountId, startMs, rows) {
  const featureId = randomUUID();
  const customers = Array.from({ length: CUSTOMERS }, () =>
    customerId(tagFromBytes(crypto.getRandomValues(new Uint8Array(8)))),
  );
  const row = (index) => {
    const bucketStartMs = startMs + Math.floor(index / (CUSTOMERS * MODELS)) * HOUR_MS;
    const model = `model-${Math.floor(index / CUSTOMERS) % MODELS}`;
    const key = [accountId, bucketStartMs, HOUR_MS, customers[index % CUSTOMERS], featureId, "openai", model, "USD"];
    // Limbs of nine digits, of units of 10^-12: usage 3, cost about 0.0009, revenue 0.006.
    return [...key, 3, 0, 3600, 540, 0, 3000, 0, 0, 0, 864_000_000 + index, 0, 6, 0, 1];
  };
  const picked = COLUMNS.map((_, column) => `value ->> ${column}`).join(", ");
  const sql = `INSERT INTO rollups (${COLUMNS.join(", ")}) SELECT ${picked} FROM json_each(?)`;
  for (let from = 0; from < rows; from += ROWS_PER_STATEMENT) {
    const part = Array.from({ length: Math.min(ROWS_PER_STATEMENT, rows - from) }, (_, index) => row(from + index));
    const response = await fetch(`${world.engine.addresses.floors}/sql`, {
      method: "POST",
      body: JSON.stringify([{ sql, values: [JSON.stringify(part)] }]),
    });
    if (!response.ok) throw new Error(`filling rollups: ${await response.text()}`);
  }
  const names = customers.map((id, index) => [accountId, id, `customer-${index}`, "MANUAL", startMs, startMs]);
  await fetch(`${world.engine.addresses.floors}/sql`, {
    method: "POST",
    body: JSON.stringify([
      {
        sql: `INSERT INTO customers (account_id, customer_id, reference_id, source, created_at_ms, modified_at_ms)
          SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)`,
        values: [JSON.stringify(names)],
      },
    ]),
  });
}
