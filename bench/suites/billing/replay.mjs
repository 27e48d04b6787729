import { ROOT_TOKEN } from "../../harness/build.mjs";
import { shown } from "../../harness/report.mjs";
import { median } from "../../harness/statistics.mjs";
import { call, openCustomer } from "../../harness/world.mjs";
import { openPlan, USAGE } from "../platform/plans.mjs";
import { sendBatch } from "./ending.mjs";

const KEY = "replayed";
const START = "2027-01-01T00:00:00Z";
const MONTHS = 12;
const EVENTS = 100;
const FEATURES = 4;
const CUSTOMERS_PER_BATCH = 10;
const INVOICES_PER_SECOND_MIN = 500;

/** Invoices made again from what is stored behind them, down to each of their events. */
export const replaySection = {
  name: "replay",
  async run(world) {
    const { replayCustomers, rounds } = world.options;
    const { apiKey: key } = await call(world, ROOT_TOKEN, "POST", "/api/v1/accounts", {
      name: "Replay",
      mode: "test",
      currency: "USD",
    });
    const account = { key };
    const references = await openBilled(world, account, replayCustomers);
    const durations = [];
    for (let round = 0; round <= rounds; round += 1) {
      const startedMs = performance.now();
      const answer = await call(world, key, "POST", "/api/v1/monetization/billing/verify", { limit: replayCustomers });
      // The first round wakes the objects.
      if (round > 0) durations.push(performance.now() - startedMs);
      mustMatch(answer, references.length);
    }
    const invoices = references.length * MONTHS;
    const elapsedMs = median(durations);
    return {
      lines: [
        {
          name: `replay of invoices with ${EVENTS} events each: per second`,
          measure: `${shown(invoices)} in ${shown(elapsedMs, "ms")}`,
          value: (invoices * 1000) / elapsedMs,
          target: { atLeast: INVOICES_PER_SECOND_MIN, unit: "/s" },
        },
      ],
    };
  },
};

/** Customers that a year of usage was billed, month by month. Answers their references. */
async function openBilled(world, account, count) {
  const planId = await openPlan(world, account, { key: KEY, features: FEATURES, priced: FEATURES, pricing: USAGE });
  const clock = await call(world, account.key, "POST", "/api/v1/test-clocks", { name: "Year", frozenTime: START });
  const references = Array.from({ length: count }, (_, index) => `${KEY}-${index}`);
  for (const customerReferenceId of references) {
    await openCustomer(world, account, customerReferenceId, clock.id);
    // Nobody pays, so grace must outlast the year.
    await call(world, account.key, "POST", "/api/v1/client/subscriptions", {
      customerReferenceId,
      planId,
      gracePeriod: 400,
    });
  }
  for (let month = 1; month <= MONTHS; month += 1) {
    for (let from = 0; from < count; from += CUSTOMERS_PER_BATCH)
      await sendBatch(world, account, usageOf(references.slice(from, from + CUSTOMERS_PER_BATCH)));
    const end = new Date(START);
    end.setUTCMonth(month);
    await call(world, account.key, "POST", `/api/v1/test-clocks/${clock.id}/advance`, {
      frozenTime: end.toISOString(),
    });
  }
  return references;
}

function usageOf(references) {
  return references.flatMap((customerReferenceId) =>
    Array.from({ length: EVENTS }, (_, index) => ({
      eventName: "used",
      customerReferenceId,
      featureKey: `${KEY}-${index % FEATURES}`,
      usageUnits: 1,
    })),
  );
}

/** All invoices are there, the first one of each customer among them, which no event stands behind; and none differs. */
function mustMatch({ invoices, differing, unfinished }, customers) {
  if (invoices !== customers * (MONTHS + 1) || differing.length > 0 || unfinished.length > 0)
    throw new Error(`replay: ${invoices} invoices, ${JSON.stringify({ differing, unfinished }).slice(0, 400)}`);
}
