import { ROOT_TOKEN } from "../../harness/build.mjs";
import { shown } from "../../harness/report.mjs";
import { call } from "../../harness/world.mjs";
import { openPlan, USAGE } from "./plans.mjs";

const MONTHS = 12;
const PERIODS_PER_SECOND_MIN = 1000;
const START = "2027-01-31T09:30:00Z";
const END = "2028-02-01T00:00:00Z";

/** A year of monthly periods for many customers of one test clock, in one call: renewals, invoices and their copies in D1. */
export const clockSection = {
  name: "clock",
  async run(world) {
    const { clockCustomers } = world.options;
    const { apiKey: key } = await call(world, ROOT_TOKEN, "POST", "/api/v1/accounts", {
      name: "Clock",
      mode: "test",
      currency: "USD",
    });
    const account = { key };
    const planId = await openPlan(world, account, { key: "timed", features: 3, pricing: USAGE, price: 10 });
    const clock = await call(world, key, "POST", "/api/v1/test-clocks", { name: "Year", frozenTime: START });
    for (let index = 0; index < clockCustomers; index += 1) {
      const customerReferenceId = `timed-${index}`;
      const email = `${customerReferenceId}@bench.example`;
      await call(world, key, "POST", "/api/v1/client/customers", { email, customerReferenceId, testClockId: clock.id });
      // Nobody pays the renewals, so grace must outlast the year: each period opens, and each has an invoice.
      const { invoice } = await call(world, key, "POST", "/api/v1/client/subscriptions", {
        customerReferenceId,
        planId,
        gracePeriod: 400,
      });
      await call(world, key, "POST", `/api/v1/client/billing/invoices/${invoice.id}/mark-paid`);
      await call(world, key, "POST", "/api/v1/client/events", {
        eventName: "used",
        customerReferenceId,
        featureKey: "timed-0",
        usageUnits: 100,
      });
    }
    const startedMs = performance.now();
    const advanced = await call(world, key, "POST", `/api/v1/test-clocks/${clock.id}/advance`, { frozenTime: END });
    const seconds = (performance.now() - startedMs) / 1000;
    const { customers, invoices } = advanced.settled;
    if (customers !== clockCustomers || invoices !== clockCustomers * MONTHS)
      throw new Error(`clock: ${JSON.stringify(advanced)}`);
    const periods = clockCustomers * MONTHS;
    return {
      lines: [
        {
          name: `advancing a test clock by ${MONTHS} months for ${clockCustomers} customers: settled periods per second`,
          measure: `${periods.toLocaleString("en")} in ${shown(seconds * 1000, "ms")}`,
          value: periods / seconds,
          target: { atLeast: PERIODS_PER_SECOND_MIN, unit: "/s" },
        },
      ],
    };
  },
};
