import { exports } from "cloudflare:workers";
import { inject } from "vitest";
import { customer, ok, type Subscribed, sell } from "./sale.ts";
import { stripeControl } from "./stripe/client.ts";
import type { SignedWebhook } from "./stripe/deliveries.ts";
import { type Answer, newWorld, type World } from "./world.ts";

/** The double of Stripe as the Worker meets it, over HTTP; what it tells is handed over by tests, in the order that they want. */

const { url: STRIPE_BASE } = inject("stripeDouble");

/** Hands the Worker a webhook as Stripe would. */
export function sendWebhook({
  url,
  body,
  headers,
}: Pick<SignedWebhook, "url" | "body" | "headers">): Promise<Response> {
  return exports.default.fetch(url, { method: "POST", body, headers });
}

/** A key of a Stripe account of its own, and what happens there. Webhooks are held until a test wants them. */
export async function newStripe() {
  const key = `sk_test_double_${crypto.randomUUID().replaceAll("-", "")}`;
  const control = stripeControl(STRIPE_BASE, key);
  await control.delivery({ hold: true });
  return { key, ...control };
}

export type StripeHere = Awaited<ReturnType<typeof newStripe>>;

export type Connection = {
  connected: boolean;
  stripeApiKey?: string;
  stripeAccountId?: string;
  webhookSecret?: string;
  webhooks: { webhookSecret: string; endpointId?: string }[];
};

export const API = "/api/v1/data/stripe/api";
export const REGISTER = "/api/v1/data/stripe/webhook/register";

export function connect(world: World, key: string, body: Record<string, unknown> = {}): Promise<Answer<Connection>> {
  return world.call<Connection>("POST", API, { clientStripeApiKey: key, ...body });
}

export type Sold = Subscribed & { checkoutUrl: string; checkoutSessionId: string };

/**
 * A world whose account collects through Stripe, and a customer who was asked to pay 10 for a plan. `pageId`: the page to pay on.
 */
export async function askedToPay() {
  const world = await newWorld();
  const stripe = await connectedStripe(world);
  await world.call("PATCH", "/api/v1/account/settings", { stripeMode: "PAYMENT_PASS_THROUGH" });
  const customerId = await customer(world);
  await sell(world, "pro", { priceAmount: 10 });
  const body = { customerReferenceId: "ada", planId: "pro" };
  const sold = await ok(world.call<Sold>("POST", "/api/v1/client/subscriptions", body));
  return { world, stripe, sold, customerId, pageId: sold.checkoutUrl.split("/").at(-1) ?? "" };
}

/** Delivers what Stripe holds, of these types; the statuses that it hears. */
export async function deliver(stripe: StripeHere, types?: readonly string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const webhook of await stripe.take(types === undefined ? {} : { types }))
    statuses.push((await sendWebhook(webhook)).status);
  return statuses;
}

/** A Stripe account that the world is connected to, endpoint and all. */
export async function connectedStripe(world: World): Promise<StripeHere> {
  const stripe = await newStripe();
  const connected = await connect(world, stripe.key);
  const registered = await world.call("POST", REGISTER);
  if (connected.status !== 201 || registered.status !== 201)
    throw new Error(JSON.stringify([connected.error, registered.error]));
  return stripe;
}
