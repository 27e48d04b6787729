import { DAY_MS } from "../../../src/domain/limits.ts";
import { shown } from "../../harness/report.mjs";
import { call } from "../../harness/world.mjs";
import { getRequest } from "../../requests/makers.mjs";
import { checkPath, openPlan, USAGE } from "../platform/plans.mjs";
import {
  afterSetUp,
  awaitInvoices,
  openEndingAccount,
  openEndingCustomer,
  releaseCustomers,
  sendBatch,
  subscribeEnding,
  waitUntil,
} from "./ending.mjs";

const KEY = "due";
const UNITS = 100;
const OPENED_AT_ONCE = 16;
const REPORTED_AT_ONCE = 500;
const TRIED_CUSTOMERS = 64;
const CHECKS_PER_SECOND = 100;
const CHECK_CONNECTIONS = 8;
const CHECKED_SHARE = 0.1;
const QUIET_SECONDS = 15;
const COPIES_MS_MAX = 30_000;
const PATIENCE_MS = 90_000;

/** Very many customers whose periods end at one instant: when D1 has all their invoices, and what a check takes meanwhile. */
export const stormSection = {
  name: "due at once",
  async run(world) {
    const { dueCustomers } = world.options;
    const trial = await openEndingAccount(world, { name: "Due some day", endMs: Date.now() + DAY_MS });
    const endMs = await afterSetUp(() => prepare(world, trial, TRIED_CUSTOMERS), TRIED_CUSTOMERS / dueCustomers);
    const account = await openEndingAccount(world, { name: "Due", endMs });
    const references = await prepare(world, account, dueCustomers);
    await releaseCustomers(world, account);
    const readyMs = endMs - Date.now();

    // A tenth of those that are due: most periods are closed by alarms, and some by whoever asks first.
    const asked = references.slice(0, Math.ceil(dueCustomers * CHECKED_SHARE));
    const paths = asked.map((reference) => checkPath(reference, `${KEY}-0`));
    const checksFor = (seconds) =>
      world.client.drive({
        url: world.engine.addresses.engine,
        request: getRequest({ paths, headers: account.headers }),
        rate: CHECKS_PER_SECOND,
        connections: CHECK_CONNECTIONS,
        seconds,
      });
    await waitUntil(endMs - (QUIET_SECONDS + 3) * 1000);
    const quiet = await checksFor(QUIET_SECONDS);
    await waitUntil(endMs - 1000);
    const [meanwhile, found] = await Promise.all([
      checksFor(1 + COPIES_MS_MAX / 1000),
      waitUntil(endMs).then(() => awaitInvoices(world, account, { count: dueCustomers, patienceMs: PATIENCE_MS })),
    ]);
    await mustBeRight(world, account, { found, dueCustomers });
    const count = dueCustomers.toLocaleString("en");
    return {
      lines: [
        {
          name: `${count} customers due at one instant: invoices lost`,
          measure: `${shown(found.invoices)} in D1`,
          value: dueCustomers - found.invoices,
          target: { atMost: 0, unit: "invoices" },
        },
        {
          name: "the same: all invoices in D1 after",
          measure: shown(found.atMs - endMs, "ms"),
          value: found.atMs - endMs,
          target: { atMost: COPIES_MS_MAX, unit: "ms" },
        },
        {
          name: `GET check meanwhile, ${CHECKS_PER_SECOND} a second: p99`,
          measure: shown(meanwhile.p99, "ms"),
          floor: shown(quiet.p99, "ms"),
          value: meanwhile.p99 / quiet.p99,
          target: { atMost: 20 },
        },
      ],
      told: [
        `due at once: set-up was over ${shown(readyMs, "ms")} before; checks: p50 ${shown(quiet.p50, "ms")} before and ` +
          `${shown(meanwhile.p50, "ms")} meanwhile, the slowest ${shown(quiet.max, "ms")} and ${shown(meanwhile.max, "ms")}`,
      ],
    };
  },
};

/** So many subscribers that used something. Answers their references. */
async function prepare(world, account, count) {
  const planId = await openPlan(world, account, {
    key: KEY,
    features: 3,
    pricing: USAGE,
    intervalMonths: account.intervalMonths,
  });
  const references = Array.from({ length: count }, (_, index) => `${KEY}-${index}`);
  const open = async (reference) => {
    await openEndingCustomer(world, account, reference);
    await subscribeEnding(world, account, { reference, planId });
  };
  for (let from = 0; from < count; from += OPENED_AT_ONCE)
    await Promise.all(references.slice(from, from + OPENED_AT_ONCE).map(open));
  for (let from = 0; from < count; from += REPORTED_AT_ONCE) {
    const events = references.slice(from, from + REPORTED_AT_ONCE).map((customerReferenceId) => ({
      eventName: "used",
      customerReferenceId,
      featureKey: `${KEY}-0`,
      usageUnits: UNITS,
    }));
    await sendBatch(world, account, events);
  }
  return references;
}

/** None is there twice, and each is of the right amount. */
async function mustBeRight(world, account, { found, dueCustomers }) {
  const eachMinor = Math.round(UNITS * USAGE.price_per_unit * 100);
  if (found.invoices > dueCustomers || found.totalMinor !== found.invoices * eachMinor)
    throw new Error(`billed ${JSON.stringify(found)} for ${dueCustomers} customers`);
  // Whoever asks the object is told the same.
  const check = await call(world, account.key, "GET", checkPath(`${KEY}-0`, `${KEY}-0`));
  if (check.usage.used !== 0) throw new Error(`not a new period: ${JSON.stringify(check)}`);
}
