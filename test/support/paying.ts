import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { connectionStatement } from "../../src/catalog/stripe-connections.ts";
import { customerId, tagFromBytes } from "../../src/domain/ids.ts";
import type { ProviderFact } from "../../src/domain/provider-fact.ts";
import { DOUBLES, installDoubles, ProviderDouble } from "./provider.ts";
import { customer, type Invoice, invoicesOf, ok } from "./sale.ts";
import { newWorld, type World } from "./world.ts";

/** A world whose account takes payments, by a provider in memory. */

export type PayingWorld = World & { double: ProviderDouble };

export async function payingWorld(settings: Record<string, unknown> = {}): Promise<PayingWorld> {
  const world = await newWorld();
  const double = new ProviderDouble();
  await installDoubles(world.object(customerId(tagFromBytes(crypto.getRandomValues(new Uint8Array(8))))));
  DOUBLES.set(world.accountId, double);
  // A key that nobody opens, since the double is in its place.
  const stored = {
    accountId: world.accountId,
    sealedKey: "none:",
    stripeAccountId: "acct_1",
    origin: "https://tanso.test",
  };
  const times = { createdAtMs: Date.now(), modifiedAtMs: Date.now() };
  await env.DB.batch([
    connectionStatement(env.DB, { ...stored, webhookSecrets: [], endpointsMade: 0, ...times }, null),
  ]);
  await ok(world.call("PATCH", "/api/v1/account/settings", { stripeMode: "PAYMENT_PASS_THROUGH", ...settings }));
  return { ...world, double };
}

export type Shown = Invoice & {
  paidBy?: string;
  refundedAmount?: number;
  overpaid?: { amount: number; refundedAmount: number; state: string };
  checkoutUrl?: string;
  checkoutSessionId?: string;
  paymentProcessing?: boolean;
};

/** A customer's invoices, newest first. */
export async function shown(world: World, reference: string): Promise<Shown[]> {
  return invoicesOf(world, reference);
}

let events = 0;

/** Tells the customer's object what the provider would; each call is an event of its own unless `eventId` says otherwise. */
export async function tell(world: World, customerId: string, fact: ProviderFact, eventId?: string): Promise<string> {
  events += 1;
  const reply = await world
    .object(customerId)
    .providerEvent({ eventId: eventId ?? `evt_${events}`, createdAtMs: Date.now(), fact });
  return reply.ok ? reply.value.outcome : reply.code;
}

/** A registered customer with a saved method. */
export async function cardholder(world: PayingWorld, reference = "ada", method = "pm_good"): Promise<string> {
  const id = await customer(world, reference);
  await ok(
    world.call("POST", `/api/v1/client/customers/${reference}/payment-methods/default`, { paymentMethodId: method }),
  );
  return id;
}

/** Rings the alarm of a customer's object until it has nothing to ask of the provider. */
export async function ring(world: World, customerId: string): Promise<void> {
  await runDurableObjectAlarm(world.object(customerId));
}
