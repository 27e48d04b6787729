import Stripe from "stripe";
import { afterAll, beforeAll } from "vitest";
import { type StripeControl, stripeControl } from "../support/stripe/client.ts";
import { type RunningDouble, startStripeDouble } from "../support/stripe/server.mjs";

/** A double of its own for a test file, and shops: accounts at it, each with the real SDK and the control of its key. */

export type Shop = { stripe: Stripe; control: StripeControl; key: string; url: string };

let running: RunningDouble | undefined;
let opened = 0;

/** Starts a double for the tests of a file. */
export function useDouble(): void {
  beforeAll(async () => {
    running = await startStripeDouble({ seed: "tests" });
  });
  afterAll(async () => {
    await running?.stop();
  });
}

/** Where the double is. */
export function doubleUrl(): string {
  if (running === undefined) throw new Error("useDouble() was not called");
  return running.url;
}

/** The SDK as a Worker uses it, with one key. It does not retry, so that a test sees the first answer. */
export function sdk(key: string, maxNetworkRetries = 0): Stripe {
  const { hostname: host, port } = new URL(doubleUrl());
  return new Stripe(key, { host, port, protocol: "http", telemetry: false, maxNetworkRetries, timeout: 20_000 });
}

/** An account that no other test has. */
export function newShop(): Shop {
  opened += 1;
  const key = `sk_test_double_${opened}`;
  return { stripe: sdk(key), control: stripeControl(doubleUrl(), key), key, url: doubleUrl() };
}

/** A page for one line of `amount`. */
export function pageFor(
  { stripe }: Shop,
  amount = 1999,
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Promise<Stripe.Checkout.Session> {
  return stripe.checkout.sessions.create({
    mode: "payment",
    line_items: [{ price_data: { currency: "usd", product_data: { name: "Pro" }, unit_amount: amount }, quantity: 1 }],
    success_url: "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
    cancel_url: "https://shop.example/back",
    ...more,
  });
}

/** A customer with a saved card that stands for `name`. */
export async function customerWithCard({ stripe }: Shop, name = "pm_card_visa") {
  const customer = await stripe.customers.create({ email: "ada@example.com" });
  const method = await stripe.paymentMethods.attach(name, { customer: customer.id });
  return { customer: customer.id, payment_method: method.id };
}

/** What a call was refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}
