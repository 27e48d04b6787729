import { env } from "cloudflare:workers";
import Stripe from "stripe";
import { describe, inject, test } from "vitest";
import { stripeControl } from "../support/stripe/client.ts";
import { createDouble } from "../support/stripe/double.ts";

/** The double as a Worker meets it: the SDK of workerd over HTTP, and inside the same isolate. */

const key = `sk_test_double_${crypto.randomUUID().replaceAll("-", "")}`;
const { url } = inject("stripeDouble");

function overHttp(): Stripe {
  const { hostname: host, port } = new URL(url);
  return new Stripe(key, { host, port, protocol: "http", telemetry: false, maxNetworkRetries: 1 });
}

describe("does", () => {
  test("the Worker is told where it is", ({ expect }) => {
    expect(Reflect.get(env, "STRIPE_API_BASE")).toBe(url);
  });

  test("a page is made, paid, and its event verifies with the Worker's own crypto", async ({ expect }) => {
    const stripe = overHttp();
    const control = stripeControl(url, key);
    await control.delivery({ hold: true });
    const { secret = "" } = await stripe.webhookEndpoints.create({
      url: "https://tanso.example/public/stripe/ingest/webhook/a",
      enabled_events: ["checkout.session.completed"],
    });
    const page = await stripe.checkout.sessions.create({
      mode: "payment",
      line_items: [{ price_data: { currency: "usd", product_data: { name: "Pro" }, unit_amount: 1999 }, quantity: 1 }],
      success_url: "https://tanso.example/paid",
    });
    await control.pay(page.id);
    const [webhook] = await control.take();
    const signature = webhook?.headers["Stripe-Signature"] ?? "";
    const event = await stripe.webhooks.constructEventAsync(webhook?.body ?? "", signature, secret);
    expect(event).toMatchObject({ type: "checkout.session.completed", data: { object: { id: page.id } } });
  });

  test("it runs inside the isolate, where its webhooks go to a function and its ids to a seed", async ({ expect }) => {
    const run = async () => {
      const received: string[] = [];
      const send = async ({ eventType }: { eventType: string }) => {
        received.push(eventType);
        return 200;
      };
      const double = createDouble({ seed: "one", send, wallMs: () => Date.UTC(2027, 0, 15) });
      const fetcher = (input: RequestInfo | URL, init?: RequestInit) => double.fetch(new Request(input, init));
      const stripe = new Stripe(key, { httpClient: Stripe.createFetchHttpClient(fetcher), telemetry: false });
      const control = stripeControl("https://api.stripe.com", key, double.fetch);
      await control.delivery({ early: true });
      await stripe.webhookEndpoints.create({ url: "https://tanso.example/hook", enabled_events: ["customer.created"] });
      const { id, created } = await stripe.customers.create({ email: "ada@example.com" });
      return { id, created, received };
    };
    const first = await run();
    expect(first).toMatchObject({ created: Date.UTC(2027, 0, 15) / 1000, received: ["customer.created"] });
    expect(await run()).toEqual(first);
  });
});

describe("refuses", () => {
  test("a broken connection is one that the Worker's SDK reports, after it tried again", async ({ expect }) => {
    const control = stripeControl(url, key);
    await control.fail({ mode: "refused", path: "/v1/customers" });
    await expect(overHttp().customers.create({})).rejects.toThrow("An error occurred with our connection to Stripe");
    expect(await control.calls("/v1/customers")).toMatchObject([{ status: 0 }, { status: 0 }]);
    await control.heal();
  });
});

describe("holds", () => {
  test("an answer lost after its effect is there when the SDK sends again by itself", async ({ expect }) => {
    const control = stripeControl(url, key);
    await control.fail({ mode: "lost", path: "/v1/customers", times: 1 });
    const { id } = await overHttp().customers.create({ email: "once@example.com" });
    const found = await overHttp().customers.list({ email: "once@example.com" });
    expect(found.data.map((customer) => customer.id)).toEqual([id]);
  });
});
