import { join } from "node:path";
import { fail, requireInstall } from "./lib/project.mjs";

/**
 * `npm run start:stripe`: what `npm start` does, beside a double of Stripe: payments can be walked through in a browser without
 * an account at Stripe.
 */

requireInstall();
const { portOf, readOptions, startLocal } = await import("./lib/local-start.mjs");
const { portState } = await import("./lib/running.mjs");
const { STRIPE_DOUBLE_KEY, startStripeDouble } = await import("./lib/stripe-double.mjs");

const options = readOptions("npm run start:stripe", {
  name: "stripe-port",
  help: "the port of the double of Stripe (default: STRIPE_PORT, else 12111)",
});
const port = portOf(options.more || process.env.STRIPE_PORT || "12111");

await startLocal(options, {
  script: "start:stripe",
  beside: async () => {
    if ((await portState(port)) !== "free")
      fail(`Port ${port}, for the double of Stripe, cannot be used: choose another with --stripe-port.`);
    // What Stripe knows lives as long as what we know of it: one folder, wiped together.
    const double = await startStripeDouble({ port, file: join(options.state, "stripe-double.json") });
    return {
      vars: { STRIPE_API_BASE: double.url },
      ended: double.ended,
      stop: double.stop,
      notice: `A double of Stripe is at ${double.url}; its API key is ${STRIPE_DOUBLE_KEY}. No money moves.`,
    };
  },
});
