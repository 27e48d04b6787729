import type { TestProject } from "vitest/node";
import { startStripeDouble } from "../support/stripe/server.mjs";

/**
 * One double of Stripe for all files: each test uses a key, and with it an account, of its own. How long the simulated year is comes from
 * the environment (`npm run simulate`).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const double = await startStripeDouble();
  project.provide("stripeDouble", { url: double.url });
  const { YEAR_SEEDS, YEAR_DAYS = "60", YEAR_PAYMENTS, YEAR_SHORTEN_SECONDS = "90" } = process.env;
  project.provide("years", {
    seeds: YEAR_SEEDS?.split(",").map(Number) ?? Array.from({ length: 200 }, (_, index) => index + 1),
    days: Number(YEAR_DAYS),
    shortenMs: Number(YEAR_SHORTEN_SECONDS) * 1000,
    // Every second account collects through the double; in a run of all tests every sixth does, since each takes twice as long.
    payingEach: YEAR_PAYMENTS === undefined ? 6 : YEAR_PAYMENTS === "1" ? 2 : 0,
  });
  return () => double.stop();
}
