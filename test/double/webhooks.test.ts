import Stripe from "stripe";
import { afterAll, beforeAll, beforeEach, describe, test } from "vitest";
import { stripeControl } from "../support/stripe/client.ts";
import { createDouble } from "../support/stripe/double.ts";
import { type Inbox, openInbox } from "./inbox.mjs";
import { newShop, pageFor, refusalOf, type Shop, useDouble } from "./shop.ts";

/** Webhooks: registered, signed, and sent in every way in which a network sends them. */

useDouble();

let inbox: Inbox;
beforeAll(async () => {
  inbox = await openInbox();
});
beforeEach(() => inbox.clear());
afterAll(() => inbox.close());

/** Registers the inbox; answers the endpoint with its secret. */
async function listen({ stripe }: Shop, events: Stripe.WebhookEndpointCreateParams.EnabledEvent[] = ["*"]) {
  const endpoint = await stripe.webhookEndpoints.create({ url: `${inbox.url}/hook`, enabled_events: events });
  return { id: endpoint.id, secret: endpoint.secret ?? "" };
}

/** Types of what arrived, in the order of arrival. */
const arrived = () => inbox.received().map(({ body }) => JSON.parse(body).type);

describe("does", () => {
  test("an endpoint tells its secret once, is listed, changed and removed", async ({ expect }) => {
    const shop = newShop();
    const { id, secret } = await listen(shop, ["customer.created"]);
    expect(secret).toMatch(/^whsec_\w{32}$/);
    const [listed] = (await shop.stripe.webhookEndpoints.list()).data;
    expect(listed).toMatchObject({ id, status: "enabled", enabled_events: ["customer.created"] });
    expect(listed?.secret).toBeUndefined();
    expect(await shop.stripe.webhookEndpoints.update(id, { disabled: true })).toMatchObject({ status: "disabled" });
    expect(await shop.stripe.webhookEndpoints.del(id)).toMatchObject({ deleted: true });
    expect((await shop.stripe.webhookEndpoints.list()).data).toEqual([]);
  });

  test("an event arrives signed, and only where it is wanted", async ({ expect }) => {
    const shop = newShop();
    const { secret } = await listen(shop, ["checkout.session.completed", "customer.created"]);
    const page = await pageFor(shop);
    await shop.control.pay(page.id);
    await shop.control.idle();
    expect(arrived()).toEqual(["checkout.session.completed"]);
    const [webhook] = inbox.received();
    const signature = webhook?.headers["stripe-signature"] ?? "";
    const event = await shop.stripe.webhooks.constructEventAsync(webhook?.body ?? "", signature, secret);
    expect(event).toMatchObject({ object: "event", livemode: false, api_version: Stripe.API_VERSION });
    expect(event.data.object).toMatchObject({ id: page.id, payment_status: "paid" });
    expect(await shop.stripe.events.retrieve(event.id)).toMatchObject({ id: event.id, pending_webhooks: 0 });
  });

  test("an event names the call that caused it; the dashboard's name none", async ({ expect }) => {
    const shop = newShop();
    const made = await shop.stripe.customers.create({}, { idempotencyKey: "k1" });
    await shop.control.changeCustomer(made.id, { name: "Ada" });
    const [created] = await shop.control.events("customer.created");
    const [updated] = await shop.control.events("customer.updated");
    expect(created?.request).toEqual({ id: made.lastResponse.requestId, idempotency_key: "k1" });
    expect(updated).toMatchObject({ request: { id: null }, data: { previous_attributes: { name: null } } });
  });

  test("held events wait, and leave when they are asked for, by type and in any order", async ({ expect }) => {
    const shop = newShop();
    await listen(shop);
    await shop.control.delivery({ hold: true });
    const page = await pageFor(shop);
    await shop.control.pay(page.id);
    await shop.control.idle();
    expect(arrived()).toEqual([]);
    await shop.control.deliver({ types: ["checkout.session.completed"] });
    expect(arrived()).toEqual(["checkout.session.completed"]);
    const sent = await shop.control.deliver();
    expect(sent.map(({ state, attempts }) => [state, attempts])).toEqual(Array(3).fill(["delivered", [200]]));
    expect(arrived()).toHaveLength(4);
    expect(await shop.control.deliver()).toEqual([]);
  });

  test("a shuffle is the same for the same seed, and another for another", async ({ expect }) => {
    const shop = newShop();
    await listen(shop, ["customer.created"]);
    await shop.control.delivery({ hold: true });
    for (let made = 0; made < 8; made++) await shop.stripe.customers.create({});
    const order = async (shuffleSeed: number) => {
      inbox.clear();
      await shop.control.deliver({ states: ["held", "delivered"], shuffleSeed });
      return inbox.received().map(({ body }) => JSON.parse(body).id);
    };
    const [one, again, other] = [await order(1), await order(1), await order(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(other.toSorted()).toEqual(one.toSorted());
  });

  test("events are doubled, and lost ones come when they are asked for", async ({ expect }) => {
    const shop = newShop();
    await listen(shop, ["customer.created"]);
    await shop.control.delivery({ copies: 2 });
    await shop.stripe.customers.create({});
    await shop.control.idle();
    const [one, other] = inbox.received();
    expect(other?.body).toBe(one?.body.replace('"pending_webhooks": 1', '"pending_webhooks": 0'));
    inbox.clear();
    await shop.control.delivery({ copies: 1, loseOneIn: 1 });
    await shop.stripe.customers.create({});
    await shop.control.idle();
    expect(inbox.received()).toEqual([]);
    await shop.control.deliver({ states: ["lost"] });
    expect(arrived()).toEqual(["customer.created"]);
  });

  test("some are lost by the seed's dice, the others arrive", async ({ expect }) => {
    const shop = newShop();
    await listen(shop, ["customer.created"]);
    await shop.control.delivery({ loseOneIn: 2 });
    for (let made = 0; made < 20; made++) await shop.stripe.customers.create({});
    await shop.control.idle();
    const lost = (await shop.control.deliveries()).filter(({ state }) => state === "lost");
    expect(lost.length).toBeGreaterThan(2);
    expect(lost.length).toBeLessThan(18);
    expect(inbox.received()).toHaveLength(20 - lost.length);
  });

  test("an event that was refused is sent again as often as it is told to", async ({ expect }) => {
    const shop = newShop();
    await listen(shop, ["customer.created"]);
    await shop.control.delivery({ retries: 2, retryDelayMs: 5 });
    inbox.answerWith(500, 500);
    await shop.stripe.customers.create({});
    await shop.control.idle();
    expect((await shop.control.deliveries()).at(-1)).toMatchObject({ state: "delivered", attempts: [500, 500, 200] });
    inbox.answerWith(500, 500, 500);
    await shop.stripe.customers.create({});
    await shop.control.idle();
    expect((await shop.control.deliveries()).at(-1)).toMatchObject({ state: "failed", attempts: [500, 500, 500] });
    await shop.control.deliver({ states: ["failed"] });
    expect((await shop.control.deliveries()).at(-1)).toMatchObject({ state: "delivered" });
  });

  test("an event can be there before the call that caused it has its answer, or long after", async ({ expect }) => {
    const shop = newShop();
    await listen(shop, ["customer.created"]);
    await shop.control.delivery({ early: true });
    await shop.stripe.customers.create({});
    expect(arrived()).toEqual(["customer.created"]);
    await shop.control.delivery({ early: false, delayMs: 1000 });
    await shop.stripe.customers.create({});
    expect(arrived()).toHaveLength(1);
    await shop.control.idle();
    expect(arrived()).toHaveLength(2);
  });

  test("a test can take the signed webhooks and hand them over itself", async ({ expect }) => {
    const shop = newShop();
    const { secret } = await listen(shop, ["customer.created"]);
    await shop.control.delivery({ hold: true });
    const { id } = await shop.stripe.customers.create({});
    const [webhook, ...more] = await shop.control.take({ copies: 2 });
    expect(more).toEqual([webhook]);
    expect(webhook?.url).toBe(`${inbox.url}/hook`);
    const signature = webhook?.headers["Stripe-Signature"] ?? "";
    const event = await shop.stripe.webhooks.constructEventAsync(webhook?.body ?? "", signature, secret);
    expect(event.data.object).toMatchObject({ id });
    expect(inbox.received()).toEqual([]);
    expect(await shop.control.take()).toEqual([]);
  });
});

describe("refuses", () => {
  test("an endpoint without a URL or without events", async ({ expect }) => {
    const { stripe } = newShop();
    const create = (params: object) => refusalOf(stripe.webhookEndpoints.create(params as never));
    expect(await create({ url: "nowhere", enabled_events: ["*"] })).toMatchObject({
      code: "url_invalid",
      param: "url",
    });
    expect(await create({ url: "https://shop.example" })).toMatchObject({ param: "enabled_events" });
    expect(await create({ url: "https://shop.example", enabled_events: ["Wrong!"] })).toMatchObject({
      statusCode: 400,
    });
  });

  test("one changed byte, another secret and an old signature do not verify", async ({ expect }) => {
    const shop = newShop();
    const { secret } = await listen(shop, ["customer.created"]);
    await shop.stripe.customers.create({});
    await shop.control.idle();
    const [webhook] = inbox.received();
    const [body, signature] = [webhook?.body ?? "", webhook?.headers["stripe-signature"] ?? ""];
    const verify = (text: string, by: string, receivedAt?: number) =>
      shop.stripe.webhooks.constructEventAsync(text, signature, by, 300, undefined, receivedAt);
    await expect(verify(body.replace("evt_", "evt-"), secret)).rejects.toThrow("No signatures found");
    await expect(verify(body, "whsec_other")).rejects.toThrow("No signatures found");
    await expect(verify(body, secret, Date.now() + 400_000)).rejects.toThrow("tolerance");
    expect(await verify(body, secret)).toMatchObject({ type: "customer.created" });
  });

  test("an endpoint that is gone gets nothing, not even what was held for it", async ({ expect }) => {
    const shop = newShop();
    const { id } = await listen(shop, ["customer.created"]);
    await shop.control.delivery({ hold: true });
    await shop.stripe.customers.create({});
    await shop.stripe.webhookEndpoints.del(id);
    expect(await shop.control.deliver()).toMatchObject([{ state: "failed", attempts: [] }]);
    expect(inbox.received()).toEqual([]);
  });
});

describe("holds", () => {
  test("while a secret is rolled both sign, afterwards only the new one", async ({ expect }) => {
    const shop = newShop();
    const { id, secret: old } = await listen(shop, ["customer.created"]);
    const fresh = await shop.control.rollSecret(id);
    await shop.control.delivery({ hold: true });
    await shop.stripe.customers.create({});
    const verify = async (secret: string) => {
      const [webhook] = await shop.control.take({ states: ["held", "delivered"] });
      const signature = webhook?.headers["Stripe-Signature"] ?? "";
      return await shop.stripe.webhooks.constructEventAsync(webhook?.body ?? "", signature, secret);
    };
    expect((await verify(old)).id).toBe((await verify(fresh)).id);
    await shop.control.forgetOldSecret(id);
    await expect(verify(old)).rejects.toThrow("No signatures found");
    expect((await verify(fresh)).type).toBe("customer.created");
  });

  test("what was on its way when the double was saved is sent by the one that goes on", async ({ expect }) => {
    const key = "sk_test_double_saved";
    const first = createDouble({ seed: "saved", send: () => new Promise(() => {}) });
    const stripe = new Stripe(key, {
      httpClient: Stripe.createFetchHttpClient((input: RequestInfo | URL, init?: RequestInit) =>
        first.fetch(new Request(input, init)),
      ),
      telemetry: false,
    });
    await stripe.webhookEndpoints.create({ url: "https://shop.example/hook", enabled_events: ["customer.created"] });
    await stripe.customers.create({});
    const control = stripeControl("https://api.stripe.com", key, first.fetch);
    await expect.poll(async () => (await control.deliveries())[0]?.state).toBe("sending");
    const sent: string[] = [];
    const second = createDouble({
      snapshot: first.snapshot(),
      send: async ({ eventType }) => {
        sent.push(eventType);
        return 200;
      },
    });
    second.tick();
    await expect.poll(() => sent).toEqual(["customer.created"]);
    second.tick();
    const [delivery] = await stripeControl("https://api.stripe.com", key, second.fetch).deliveries();
    expect(delivery).toMatchObject({ state: "delivered", attempts: [200] });
    expect(sent).toHaveLength(1);
  });

  test("an event tells the object as it was then, not as it is when it arrives", async ({ expect }) => {
    const shop = newShop();
    await listen(shop, ["customer.created"]);
    await shop.control.delivery({ hold: true });
    const { id } = await shop.stripe.customers.create({ name: "before" });
    await shop.stripe.customers.update(id, { name: "after" });
    await shop.control.deliver();
    expect(JSON.parse(inbox.received()[0]?.body ?? "").data.object.name).toBe("before");
  });
});
