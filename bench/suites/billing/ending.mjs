import { ROOT_TOKEN } from "../../harness/build.mjs";
import { askDatabase, call, openCustomer } from "../../harness/world.mjs";
import { BATCH_PATH } from "../observe/batches.mjs";
import { subscribe } from "../platform/plans.mjs";

/**
 * Customers whose billing period ends at a near instant of real time. Nobody can buy in the past, so each buys a year before that
 * instant on a test clock, and is let go of the clock when all is ready: from then on it lives by real time, like anybody.
 */

const MONTHS = 12;
const CLOCK_CUSTOMERS = 1000;
const SPARE_MS = 20_000;
const SPARE_TIMES = 1.5;

/** A test account, whose periods of `MONTHS` months end at `endMs` for whoever subscribes on its clocks. */
export async function openEndingAccount(world, { name, endMs }) {
  const { account, apiKey: key } = await call(world, ROOT_TOKEN, "POST", "/api/v1/accounts", {
    name,
    mode: "test",
    currency: "USD",
  });
  const start = new Date(endMs);
  start.setUTCMonth(start.getUTCMonth() - MONTHS);
  return {
    accountId: account.id,
    key,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    endMs,
    intervalMonths: MONTHS,
    frozenTime: start.toISOString(),
    clockIds: [],
    customers: 0,
  };
}

/** A customer on a clock of that account. */
export async function openEndingCustomer(world, account, reference) {
  const place = Math.floor(account.customers / CLOCK_CUSTOMERS);
  account.customers += 1;
  account.clockIds[place] ??= call(world, account.key, "POST", "/api/v1/test-clocks", {
    name: `Before the end ${place}`,
    frozenTime: account.frozenTime,
  }).then(({ id }) => id);
  return openCustomer(world, account, reference, await account.clockIds[place]);
}

/** Subscribes such a customer to a free plan. */
export async function subscribeEnding(world, account, { reference, planId }) {
  const { status, currentPeriodEnd } = await subscribe(world, account, reference, planId);
  if (Date.parse(currentPeriodEnd) !== account.endMs)
    throw new Error(`no period that ends when it should: ${status} until ${currentPeriodEnd}`);
}

/** An instant that is surely after a set-up, `share` of which was `tried` on another account just now. */
export async function afterSetUp(tried, share) {
  const startedMs = Date.now();
  await tried();
  return Math.ceil(Date.now() + SPARE_MS + (SPARE_TIMES * (Date.now() - startedMs)) / share);
}

/** Lets all of them live in real time. Throws where their period is over by then: set-up took longer than was thought. */
export async function releaseCustomers(world, account) {
  for (const id of await Promise.all(account.clockIds))
    await call(world, account.key, "DELETE", `/api/v1/test-clocks/${id}`);
  if (Date.now() > account.endMs - 2000) throw new Error("set-up took too long: the period is over already");
}

export function waitUntil(atMs) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now())));
}

/** What D1 has of the invoices that the end of the period made: how many, and the sum of their totals in minor units. */
export async function endedInvoices(world, { accountId }) {
  const sql = `SELECT COUNT(*) AS invoices, COALESCE(SUM(total_minor), 0) AS totalMinor FROM invoices
    WHERE account_id = ? AND total_minor > 0 AND sequence IS NOT NULL`;
  const [[row]] = await askDatabase(world, [{ sql, values: [accountId] }]);
  return row;
}

const WATCH_EVERY_MS = 250;

/** Waits until D1 has so many invoices, or as long as patience lasts. Answers what it has then, and when that was. */
export async function awaitInvoices(world, account, { count, patienceMs }) {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const found = await endedInvoices(world, account);
    if (found.invoices >= count || Date.now() > untilMs) return { ...found, atMs: Date.now() };
    await waitUntil(Date.now() + WATCH_EVERY_MS);
  }
}

const BATCH_EVENTS = 1000;

/** So many events of one unit for one customer, its features in turn. */
export async function reportUsage(world, account, { reference, features, events }) {
  for (let from = 0; from < events; from += BATCH_EVENTS) {
    const batch = Array.from({ length: Math.min(BATCH_EVENTS, events - from) }, (_, at) => ({
      eventName: "used",
      customerReferenceId: reference,
      featureKey: features[(from + at) % features.length],
      usageUnits: 1,
    }));
    await sendBatch(world, account, batch);
  }
}

/** A batch answers 200 whatever became of its events: here all of them must have been taken. */
export async function sendBatch(world, account, events) {
  const answer = await call(world, account.key, "POST", BATCH_PATH, { events });
  if (answer.accepted !== events.length) throw new Error(`not taken: ${JSON.stringify(answer).slice(0, 400)}`);
}
