import { randomUUID } from "node:crypto";
import { customerId, tagFromBytes } from "../../../src/domain/ids.ts";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { shown } from "../../harness/report.mjs";
import { interleave, summary } from "../../harness/rounds.mjs";
import { call, openAccount } from "../../harness/world.mjs";
import { getRequest, postRequest } from "../../requests/makers.mjs";
import { insertRows, ROLLUP_COLUMNS } from "./rollup-rows.mjs";

const HOUR_MS = 3_600_000;
const PERIOD_HOURS = 30 * 24;
const CUSTOMERS = 100;
const MODELS = 10;
const EVENTS_PER_ROW = 3;
const ROWS_PER_STATEMENT = 2000;
const MEASURE = "GET portfolio";
const FLOOR = "floor: the sums as SQL on D1";

/** The portfolio over many rollup rows, beside its sums written by hand. */
export const portfolioSection = {
  name: "portfolio",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Portfolio");
    const endMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    const startMs = endMs - PERIOD_HOURS * HOUR_MS;
    await fillRollups(world, account.accountId, startMs, options.rollupRows);
    const path = `/api/v1/analytics/portfolio?start=${instant(startMs)}&end=${instant(endMs)}`;
    const firstMs = await checkPortfolio(world, account, path, options.rollupRows * EVENTS_PER_ROW);
    const probe = (name, url, request) => ({ name, instance: world.engine, job: { url, request } });
    const { engine, floors } = world.engine.addresses;
    const figures = await interleave({
      client: world.client,
      probes: [
        probe(FLOOR, floors, sumsRequest(account.accountId, startMs, endMs)),
        probe(MEASURE, engine, getRequest({ path, headers: account.headers })),
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
      told: [`portfolio: the very first call, which sums up the closed days, took ${shown(firstMs, "ms")}`],
    };
  },
};

const instant = (atMs) => new Date(atMs).toISOString();

/** Milliseconds of the first call. Throws unless it counts every event that was filled in: a wrong answer has no speed. */
async function checkPortfolio(world, account, path, events) {
  const startedMs = performance.now();
  const portfolio = await call(world, account.key, "GET", path);
  if (portfolio.totals.events !== events)
    throw new Error(`portfolio: counts ${portfolio.totals.events} of ${events} events`);
  return performance.now() - startedMs;
}

/** What the portfolio says, as one would type it: sums by customer, by model, and of the period before. */
function sumsRequest(accountId, startMs, endMs) {
  const sums = ROLLUP_COLUMNS.slice(ROLLUP_COLUMNS.indexOf("events"), -1).map(
    (name) => `CAST(SUM(${name}) AS TEXT) AS ${name}`,
  );
  const question = (names, from, to) => ({
    sql: `SELECT ${names}, ${sums.join(", ")} FROM rollups
      WHERE account_id = ? AND bucket_start_ms >= ? AND bucket_start_ms < ? GROUP BY ${names}`,
    values: [accountId, from, to],
  });
  const statements = [
    question("customer_id, currency", startMs, endMs),
    question("provider, model, currency", startMs, endMs),
    question("currency", startMs - (endMs - startMs), startMs),
  ];
  return postRequest({ path: "/sql", body: JSON.stringify(statements) });
}

/** Rows spread over the period's hours, 100 customers and 10 models, straight into D1: 3 events each. */
async function fillRollups(world, accountId, startMs, rows) {
  const featureId = randomUUID();
  const customers = Array.from({ length: CUSTOMERS }, () =>
    customerId(tagFromBytes(crypto.getRandomValues(new Uint8Array(8)))),
  );
  const row = (index) => {
    const bucketStartMs = startMs + (index % PERIOD_HOURS) * HOUR_MS;
    const within = Math.floor(index / PERIOD_HOURS);
    const model = `model-${Math.floor(within / CUSTOMERS) % MODELS}`;
    const key = [accountId, bucketStartMs, HOUR_MS, customers[within % CUSTOMERS], featureId, "openai", model, "USD"];
    // Limbs of nine digits, of units of 10^-12: usage 3, cost about 0.0009, revenue 0.006.
    return [...key, EVENTS_PER_ROW, 0, 3600, 540, 0, 3000, 0, 0, 0, 864_000_000 + index, 0, 6, 0, 1];
  };
  for (let from = 0; from < rows; from += ROWS_PER_STATEMENT) {
    const length = Math.min(ROWS_PER_STATEMENT, rows - from);
    await insertRows(
      world,
      "rollups",
      ROLLUP_COLUMNS,
      Array.from({ length }, (_, index) => row(from + index)),
    );
  }
  const columns = ["account_id", "customer_id", "reference_id", "source", "created_at_ms", "modified_at_ms"];
  const known = customers.map((id, index) => [accountId, id, `customer-${index}`, "MANUAL", startMs, startMs]);
  await insertRows(world, "customers", columns, known);
}
