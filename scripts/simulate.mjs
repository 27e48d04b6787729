import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fail, nodeBinary, PROJECT, requireInstall, tool } from "./lib/project.mjs";

/**
 * `npm run simulate [-- --seeds N --days D --first S --only S,S,… --shorten SECONDS --no-payments]`: the simulated year (test/support/year) for more seeds or
 * days than every run of the tests has; prints what was lived through, and the shortest history of each seed that fails, as far as it
 * is found in so many seconds.
 */

/** As in test/support/year/simulate.ts. */
const PARTS = 4;

requireInstall();
const { seeds, days, shorten, payments } = parse();
const folder = mkdtempSync(join(tmpdir(), "tanso-year-"));
const results = join(folder, "results.json");
const startedMs = Date.now();
await run([
  tool("vitest/vitest.mjs"),
  "run",
  "--project=worker",
  "--reporter=dot",
  "--reporter=json",
  `--outputFile.json=${results}`,
  // Nothing else runs: all of the machine is the simulation's.
  `--maxWorkers=${availableParallelism()}`,
  // Seeds are dealt to the files by their remainder: one without a seed would have no test.
  ...new Set(seeds.map((seed) => `test/worker/years/part-${seed % PARTS || PARTS}.`)),
]);
const tests = testsOf(results);
rmSync(folder, { recursive: true, force: true });

const sum = { commands: 0, done: {}, invoices: 0, paid: {}, charged: 0, refunds: 0, failedRefunds: 0, disputes: 0 };
for (const { figures } of tests.map(({ meta }) => meta)) {
  if (figures === undefined) continue;
  for (const count of ["commands", "invoices", "charged", "refunds", "failedRefunds", "disputes"])
    sum[count] += figures[count];
  for (const [kind, count] of Object.entries(figures.done)) sum.done[kind] = (sum.done[kind] ?? 0) + count;
  for (const [currency, minor] of Object.entries(figures.paid)) sum.paid[currency] = (sum.paid[currency] ?? 0) + minor;
}
const passed = tests.filter(({ status }) => status === "passed").length;
const money = Object.entries(sum.paid).map(([currency, minor]) => moneyText(minor, currency));
console.log(`
${seeds.length} seeds × ${days} days: ${number(sum.commands)} commands, ${number(sum.invoices)} invoices, paid ${money.join(", ") || "nothing"}
Done: ${Object.entries(sum.done)
  .sort(([one], [other]) => (one < other ? -1 : 1))
  .map(([kind, count]) => `${kind} ${number(count)}`)
  .join(", ")}
At the payment provider: ${sum.charged} payments, ${sum.refunds} refunds, ${sum.failedRefunds} of which failed, ${sum.disputes} disputes
${((Date.now() - startedMs) / 1000).toFixed(0)} seconds
${passed} passed, ${seeds.length - passed} failed`);
process.exitCode = passed === seeds.length ? 0 : 1;

function parse() {
  const text = { type: "string" };
  try {
    const { values } = parseArgs({
      options: {
        seeds: text,
        days: text,
        first: text,
        only: text,
        shorten: text,
        "no-payments": { type: "boolean", default: false },
      },
    });
    const first = count(values.first, 1);
    return {
      payments: !values["no-payments"],
      seeds:
        values.only?.split(",").map((seed) => count(seed)) ??
        Array.from({ length: count(values.seeds, 200) }, (_, index) => first + index),
      days: count(values.days, 60),
      shorten: count(values.shorten, 90),
    };
  } catch (problem) {
    return fail(
      `${problem.message}\nUsage: npm run simulate -- [--seeds 200] [--days 60] [--first 1] [--only 7,9] [--shorten 90] [--no-payments]`,
    );
  }
}

function count(given, otherwise) {
  if (given !== undefined && !/^[1-9]\d{0,8}$/.test(given)) throw new Error(`${given} is not a whole number above 0.`);
  return given === undefined ? otherwise : Number(given);
}

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(nodeBinary(), args, {
      cwd: PROJECT,
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        YEAR_SEEDS: seeds.join(","),
        YEAR_DAYS: String(days),
        YEAR_SHORTEN_SECONDS: String(shorten),
        YEAR_PAYMENTS: payments ? "1" : "0",
      },
    });
    child.once("close", resolve);
    child.once("error", resolve);
  });
}

/** Each seed is a test. None, where the run ended before it could report. */
function testsOf(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).testResults.flatMap(({ assertionResults }) => assertionResults);
  } catch {
    return [];
  }
}

function number(value) {
  return value.toLocaleString("en");
}

function moneyText(minor, currency) {
  const { maximumFractionDigits } = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  return `${(minor / 10 ** maximumFractionDigits).toLocaleString("en", { minimumFractionDigits: maximumFractionDigits })} ${currency}`;
}
