import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { ok } from "../sale.ts";
import { type StripeControl, stripeControl } from "../stripe/client.ts";
import { createDouble, type Double } from "../stripe/double.ts";
import type { Account } from "../stripe/state.ts";
import type { World } from "../world.ts";

/**
 * Where the money comes in: a Stripe account of its own for each simulated year, in the isolate of the Worker, so that it lives in the
 * simulated time. What it tells is handed over by the simulation, doubled, shuffled and late.
 */
export type Till = StripeControl & {
  /** All that the account holds. */
  account: () => Account;
};

let current: Double | undefined;

/** From now on what the Worker sends to Stripe reaches the double of the year that is lived through. */
export function divertStripe(): void {
  const base = env.STRIPE_API_BASE ?? "";
  const [realFetch, realTimeout] = [globalThis.fetch, globalThis.setTimeout];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    return current !== undefined && request.url.startsWith(base)
      ? await current.fetch(request)
      : await realFetch(request);
  });
  // Stripe's package waits half a second before it tries again: nothing comes of waiting here.
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms = 0, ...rest: []) =>
    realTimeout(work, ms < 5000 ? 0 : ms, ...rest)) as typeof setTimeout);
}

export async function openTill(world: World, seed: number, refundOverpayments: boolean): Promise<Till> {
  const double = createDouble({ seed: `year ${seed}` });
  current = double;
  const key = `sk_test_double_year${crypto.randomUUID().replaceAll("-", "")}`;
  const till = stripeControl(env.STRIPE_API_BASE ?? "", key, (request) => double.fetch(request));
  await till.delivery({ hold: true });
  await ok(world.call("POST", "/api/v1/data/stripe/api", { clientStripeApiKey: key }));
  await ok(world.call("POST", "/api/v1/data/stripe/webhook/register"));
  // What commands bring here, webhooks and what falls due by itself read there.
  const settings = { stripeMode: "PAYMENT_PASS_THROUGH", refundOverpayments };
  await ok(world.call("PATCH", "/api/v1/account/settings", settings));
  const account = (): Account => {
    const [own] = double.accounts();
    if (own === undefined) throw new Error("the account is there");
    return own;
  };
  return { ...till, account };
}
