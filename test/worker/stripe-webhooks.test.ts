import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { failedEvents, waitingEvents } from "../../src/catalog/webhook-events.ts";
import { takeUpWaiting } from "../../src/clearing/webhooks.ts";
import { WEBHOOK_ATTEMPTS_MAX, WEBHOOK_RETRY_MS_MIN, WEBHOOKS_KEPT_MS } from "../../src/domain/limits.ts";
import { openProvider } from "../../src/payments/open.ts";
import { stripePackage } from "../../src/payments/stripe-client.ts";
import { runScheduled } from "../../src/scheduled.ts";
import { queryPlans, withD1 } from "../support/d1.ts";
import { customer, type Invoice, invoicesOf, type Page, sell } from "../support/sale.ts";
import {
  API,
  askedToPay,
  connect,
  connectedStripe,
  deliver,
  newStripe,
  REGISTER,
  type Sold,
  sendWebhook,
} from "../support/stripe-here.ts";
import { newWorld, type World } from "../support/world.ts";

type Kept = {
  eventId: string;
  type: string;
  state: string;
  customerId?: string;
  attempts: number;
  nextAttemptAt?: string;
  failure?: string;
};

const urlOf = ({ accountId }: Pick<World, "accountId">): string =>
  `https://tanso.test/public/stripe/ingest/webhook/${accountId}`;

async function kept(world: World, state = ""): Promise<Kept[]> {
  const { data } = await world.call<Page<Kept>>("GET", `/api/v1/data/stripe/webhook/events?state=${state}`);
  return data.items;
}

async function keptOf(world: World, type: string): Promise<Kept[]> {
  return (await kept(world)).filter((event) => event.type === type);
}

/** An event as Stripe would send it, signed by this secret. */
async function signed(
  secret: string,
  event: Record<string, unknown>,
  atMs = Date.now(),
): Promise<{ body: string; headers: Record<string, string> }> {
  const { webhooks } = await stripePackage();
  const body = JSON.stringify(event);
  const header = await webhooks.generateTestHeaderStringAsync({
    payload: body,
    secret,
    timestamp: Math.floor(atMs / 1000),
  });
  return { body, headers: { "Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header } };
}

const SECRET = "whsec_ofanendpointofonesown";

function event(id: string, type: string, object: Record<string, unknown> = {}): Record<string, unknown> {
  return { id, object: "event", type, created: 1_800_000_000, livemode: false, data: { object } };
}

/** A world that knows the secret above, and how it is sent an event. */
async function withSecret() {
  const [world, stripe] = [await newWorld(), await newStripe()];
  await connect(world, stripe.key, { webhookSecret: SECRET });
  const send = async (one: Record<string, unknown>, secret = SECRET, atMs?: number) => {
    const response = await sendWebhook({ url: urlOf(world), ...(await signed(secret, one, atMs)) });
    return { status: response.status, ...((await response.json()) as { error?: { code: string; message: string } }) };
  };
  return { world, stripe, send };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("does", () => {
  test("a page that is paid at Stripe pays the invoice, and the subscription begins", async ({ expect }) => {
    const { world, stripe, sold, pageId, customerId } = await askedToPay();
    expect(sold.subscription.status).toBe("INCOMPLETE");
    await stripe.pay(pageId);
    expect(new Set(await deliver(stripe))).toEqual(new Set([200]));
    const [invoice] = await invoicesOf(world, "ada");
    expect(invoice).toMatchObject({ id: sold.invoice.id, status: "PAID", subscription: { status: "ACTIVE" } });
    expect(await keptOf(world, "checkout.session.completed")).toMatchObject([
      { state: "HANDLED", customerId, attempts: 1 },
    ]);
  });

  test("a type that means nothing here is kept and ignored, 200", async ({ expect }) => {
    const { world, send } = await withSecret();
    expect(await send(event("evt_1", "product.created"))).toMatchObject({ status: 200 });
    expect(await send(event("evt_2", "no.such_type_yet"))).toMatchObject({ status: 200 });
    expect((await kept(world)).map(({ type, state }) => [type, state]).sort()).toEqual([
      ["no.such_type_yet", "IGNORED"],
      ["product.created", "IGNORED"],
    ]);
  });

  test("a refund and a lost dispute at Stripe reach the customer whose payment it was", async ({ expect }) => {
    const { world, stripe, pageId, customerId } = await askedToPay();
    await stripe.pay(pageId);
    await deliver(stripe);
    const [page] = await stripe.events("checkout.session.completed");
    const intentId = String(page?.data.object.payment_intent);
    await stripe.refund(intentId, 300);
    await deliver(stripe);
    expect(await keptOf(world, "charge.refunded")).toMatchObject([{ state: "HANDLED", customerId }]);
    // The dispute itself names neither customer nor metadata.
    const dispute = await stripe.dispute(intentId);
    await stripe.closeDispute(dispute.id, "lost");
    await deliver(stripe);
    for (const type of ["charge.dispute.created", "charge.dispute.closed"])
      expect(await keptOf(world, type), type).toMatchObject([{ state: "HANDLED", customerId }]);
  });

  test("a customer whom an event named by Stripe's id alone gets name and e-mail from there, also when they change", async ({
    expect,
  }) => {
    const world = await newWorld();
    const stripe = await connectedStripe(world);
    await world.call("PATCH", "/api/v1/account/settings", { stripeMode: "PAYMENT_PASS_THROUGH" });
    const provider = await openProvider(env, world.accountId);
    if (typeof provider === "string") throw new Error(provider);
    const made = await provider.createCustomer({
      name: "Ada Byron",
      email: "ada@byron.test",
      idempotencyKey: "k",
      metadata: { account: "another", customer: "of-another" },
    });
    if (!made.ok) throw new Error(made.message);
    const { data } = await world.event({ stripeCustomerId: made.value.id });
    await world.object(data.customerId).wake();
    const known = () => world.call("GET", `/api/v1/client/customers/${made.value.id}`);
    expect((await known()).data).toMatchObject({ firstName: "Ada", lastName: "Byron", source: "STRIPE_IMPORTED" });
    await stripe.changeCustomer(made.value.id, { name: "Ada King" });
    await stripe.changeCustomer(made.value.id, { name: "Ada King Lovelace", email: "ada@lovelace.test" });
    for (const webhook of (await stripe.take({ types: ["customer.updated"] })).toReversed())
      expect((await sendWebhook(webhook)).status).toBe(200);
    expect((await known()).data).toMatchObject({
      firstName: "Ada",
      lastName: "King Lovelace",
      email: "ada@lovelace.test",
    });
  });
});

describe("refuses", () => {
  test("a webhook without a secret stored, of whatever account, is refused: nobody could say who sent it", async ({
    expect,
  }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    const send = async (url: string) => {
      const response = await sendWebhook({ url, ...(await signed(SECRET, event("evt_1", "product.created"))) });
      return { status: response.status, ...((await response.json()) as object) };
    };
    const refused = { status: 400, error: { code: "validation_failed" } };
    expect(await send(urlOf(world))).toMatchObject(refused);
    const unknown = await send(urlOf({ accountId: crypto.randomUUID() }));
    expect(unknown).toMatchObject(refused);
    await connect(world, stripe.key);
    expect(await send(urlOf(world))).toEqual(unknown);
    await world.call("POST", REGISTER);
    await world.call("DELETE", API);
    expect(await send(urlOf(world))).toEqual(unknown);
    expect(await kept(world)).toEqual([]);
  });

  test("a signature of another secret, of another body, none, or one that is too old", async ({ expect }) => {
    const { world, send } = await withSecret();
    const refused = { status: 400, error: { code: "validation_failed" } };
    const one = event("evt_1", "product.created");
    expect(await send(one, "whsec_another")).toMatchObject(refused);
    expect(await send(one, SECRET, Date.now() - 301_000)).toMatchObject(refused);
    const { body, headers } = await signed(SECRET, one);
    const url = urlOf(world);
    expect((await sendWebhook({ url, body: `${body} `, headers })).status).toBe(400);
    expect((await sendWebhook({ url, body: "", headers })).status).toBe(400);
    expect((await sendWebhook({ url, body, headers: { "Content-Type": "application/json" } })).status).toBe(400);
    expect((await sendWebhook({ url, body, headers: { ...headers, "Stripe-Signature": "t=1,v1=0" } })).status).toBe(
      400,
    );
    expect(await kept(world)).toEqual([]);
    expect(await send(one, SECRET, Date.now() - 200_000)).toMatchObject({ status: 200 });
  });

  test("a signed body that is no event, and one that is too large", async ({ expect }) => {
    const { send } = await withSecret();
    expect(await send({ id: 7 })).toMatchObject({ status: 400 });
    expect(await send(event("evt_1", "product.created", { text: "x".repeat(600_000) }))).toMatchObject({ status: 413 });
  });

  test("an event of real money in a test account is ignored", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    await stripe.pay(pageId);
    const [webhook] = await stripe.take({ types: ["checkout.session.completed"] });
    await connect(world, stripe.key, { webhookSecret: SECRET });
    const told = { ...(JSON.parse(webhook?.body ?? "{}") as object), livemode: true };
    expect((await sendWebhook({ url: urlOf(world), ...(await signed(SECRET, told)) })).status).toBe(200);
    expect(await keptOf(world, "checkout.session.completed")).toMatchObject([{ state: "IGNORED" }]);
    expect((await invoicesOf(world, "ada"))[0]).toMatchObject({ status: "DUE" });
  });
});

describe("holds", () => {
  test("the same webhook again, later or at once, is kept and handled once", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    await stripe.pay(pageId);
    const webhooks = await stripe.take({ copies: 3, shuffleSeed: 7 });
    const answers = await Promise.all(webhooks.map(sendWebhook));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const events = await kept(world);
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length);
    expect(events.every(({ attempts }) => attempts === 1)).toBe(true);
    expect(await invoicesOf(world, "ada")).toMatchObject([{ status: "PAID" }]);
  });

  test("both secrets are valid while one is replaced, the one before them no more", async ({ expect }) => {
    const world = await newWorld();
    const stripe = await connectedStripe(world);
    const endpoint = async () =>
      (await world.call<{ webhooks: { endpointId: string }[] }>("POST", REGISTER)).data.webhooks[0]?.endpointId ?? "";
    await endpoint();
    const customerId = await customer(world);
    expect(customerId).not.toBe("");
    await connect(world, stripe.key, { webhookSecret: SECRET });
    // The endpoint made last and the secret given by hand; what was made first is out.
    expect((await sendWebhook({ url: urlOf(world), ...(await signed(SECRET, event("evt_own", "a.b"))) })).status).toBe(
      200,
    );
    await world.call("POST", REGISTER);
    expect((await sendWebhook({ url: urlOf(world), ...(await signed(SECRET, event("evt_own2", "a.b"))) })).status).toBe(
      200,
    );
    await world.call("POST", REGISTER);
    expect((await sendWebhook({ url: urlOf(world), ...(await signed(SECRET, event("evt_own3", "a.b"))) })).status).toBe(
      400,
    );
  });

  test("webhooks out of order strand no checkout", async ({ expect }) => {
    for (const seed of [1, 2, 3, 4]) {
      const { world, stripe, pageId } = await askedToPay();
      await stripe.decline(pageId);
      await stripe.pay(pageId);
      for (const webhook of await stripe.take({ shuffleSeed: seed }))
        expect((await sendWebhook(webhook)).status).toBe(200);
      expect((await invoicesOf(world, "ada"))[0], `seed ${seed}`).toMatchObject({ status: "PAID" });
    }
  });

  test("what fails is still answered 200, and the cron makes up for it", async ({ expect }) => {
    const { world, stripe, pageId, customerId } = await askedToPay();
    const [made] = await stripe.events("customer.created");
    await stripe.changeCustomer(String(made?.data.object.id), { name: "Ada Lovelace" });
    await stripe.fail({ mode: "error", path: "/v1/customers" });
    expect(await deliver(stripe, ["customer.updated"])).toEqual([200]);
    const [failed] = await keptOf(world, "customer.updated");
    expect(failed).toMatchObject({ state: "FAILED", attempts: 1 });
    expect(failed?.failure).toMatch(/^away/);
    expect((await kept(world, "FAILED")).map(({ eventId }) => eventId)).toEqual([failed?.eventId]);
    expect((await kept(world, "HANDLED")).map(({ eventId }) => eventId)).not.toContain(failed?.eventId);
    await stripe.heal();
    const nowMs = Date.now();
    await takeUpWaiting(env, nowMs + WEBHOOK_RETRY_MS_MIN / 2);
    expect(await keptOf(world, "customer.updated")).toMatchObject([{ state: "FAILED" }]);
    await takeUpWaiting(env, nowMs + WEBHOOK_RETRY_MS_MIN + 1000);
    expect(await keptOf(world, "customer.updated")).toMatchObject([{ state: "HANDLED", attempts: 2, customerId }]);
    expect(pageId).not.toBe("");
  });

  test("a webhook that Stripe repeats while it is being handled is not handled beside itself", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    await stripe.pay(pageId);
    const [webhook] = await stripe.take({ types: ["checkout.session.completed"] });
    if (webhook === undefined) throw new Error("a page that was paid is told of");
    const [first, second] = await Promise.all([sendWebhook(webhook), sendWebhook(webhook)]);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await keptOf(world, "checkout.session.completed")).toMatchObject([{ state: "HANDLED", attempts: 1 }]);
    // And two runs of the cron that meet at one event.
    await env.DB.prepare(
      "UPDATE webhook_events SET state = 'RECEIVED', next_attempt_at_ms = 1 WHERE account_id = ? AND event_id = ?",
    )
      .bind(world.accountId, webhook.eventId)
      .run();
    await Promise.all([takeUpWaiting(env, Date.now()), takeUpWaiting(env, Date.now())]);
    expect(await keptOf(world, "checkout.session.completed")).toMatchObject([{ state: "HANDLED", attempts: 2 }]);
  });

  test("what never succeeds is left alone at last, and shown", async ({ expect }) => {
    const { world, stripe } = await askedToPay();
    const [made] = await stripe.events("customer.created");
    await stripe.changeCustomer(String(made?.data.object.id), { name: "Ada Lovelace" });
    await stripe.fail({ mode: "error", path: "/v1/customers" });
    await deliver(stripe, ["customer.updated"]);
    await env.DB.prepare(
      "UPDATE webhook_events SET attempts = ?, next_attempt_at_ms = 1 WHERE account_id = ? AND state = 'FAILED'",
    )
      .bind(WEBHOOK_ATTEMPTS_MAX - 1, world.accountId)
      .run();
    await takeUpWaiting(env, Date.now());
    const [left] = await keptOf(world, "customer.updated");
    expect(left).toMatchObject({ state: "FAILED", attempts: WEBHOOK_ATTEMPTS_MAX });
    expect(left?.nextAttemptAt).toBeUndefined();
    expect((await world.call("GET", "/api/v1/ops/status")).data).toMatchObject({ failedWebhooks: 1 });
  });

  test("while D1 is away nothing is taken, and Stripe sends it again", async ({ expect }) => {
    const { stripe, world, pageId } = await askedToPay();
    await stripe.pay(pageId);
    const [webhook] = await stripe.take({ types: ["checkout.session.completed"] });
    if (webhook === undefined) throw new Error("a page that was paid is told of");
    expect((await withD1("away", () => sendWebhook(webhook))).status).toBe(503);
    expect((await sendWebhook(webhook)).status).toBe(200);
    expect((await invoicesOf(world, "ada"))[0]).toMatchObject({ status: "PAID" } satisfies Partial<Invoice>);
  });

  test("events of another account of ours in the same Stripe account are none of ours", async ({ expect }) => {
    const { stripe, world, pageId } = await askedToPay();
    const other = await newWorld();
    await connect(other, stripe.key);
    await other.call("POST", REGISTER);
    await stripe.pay(pageId);
    await deliver(stripe);
    expect((await keptOf(world, "checkout.session.completed"))[0]).toMatchObject({ state: "HANDLED" });
    expect((await keptOf(other, "checkout.session.completed"))[0]).toMatchObject({ state: "IGNORED" });
  });

  test("old webhooks are forgotten, but for those that still wait", async ({ expect }) => {
    const { world, send } = await withSecret();
    for (const id of ["evt_old", "evt_waits", "evt_new"]) await send(event(id, "a.b"));
    const old = Date.now() - WEBHOOKS_KEPT_MS - 1;
    for (const [id, next] of [
      ["evt_old", null],
      ["evt_waits", Date.now() + 1e9],
    ] as const)
      await env.DB.prepare(
        "UPDATE webhook_events SET received_at_ms = CAST(? AS INTEGER), next_attempt_at_ms = CAST(? AS INTEGER) WHERE account_id = ? AND event_id = ?",
      )
        .bind(old, next, world.accountId, id)
        .run();
    await runScheduled(env, Date.now());
    expect((await kept(world)).map(({ eventId }) => eventId).sort()).toEqual(["evt_new", "evt_waits"]);
  });

  test("an amount finer than Stripe charges is paid by what it charges of it", async ({ expect }) => {
    const world = await newWorld();
    const stripe = await connectedStripe(world);
    await world.call("PATCH", "/api/v1/account/settings", { stripeMode: "PAYMENT_PASS_THROUGH" });
    await customer(world);
    await sell(world, "dinar", { priceAmount: 10.004, currency: "KWD" });
    const body = { customerReferenceId: "ada", planId: "dinar" };
    const { data } = await world.call<Sold>("POST", "/api/v1/client/subscriptions", body);
    await stripe.pay(data.checkoutUrl.split("/").at(-1) ?? "");
    await deliver(stripe);
    expect(await stripe.money()).toMatchObject({ kwd: { received: 10_000 } });
    const [invoice] = await invoicesOf(world, "ada");
    expect(invoice).toMatchObject({ status: "PAID", amount: 10.004 });
    expect(invoice).not.toHaveProperty("overpaid");
  });

  test("waiting webhooks are found in an index, in order", async ({ expect }) => {
    const [plan] = await queryPlans((db) => waitingEvents(db, 5, 9));
    expect(await queryPlans((db) => failedEvents(db, "a"))).toEqual([
      "SEARCH webhook_events USING COVERING INDEX webhook_events_failed (account_id=?)",
    ]);
    expect(plan).toMatch(/USING INDEX webhook_events_open \(next_attempt_at_ms>\? AND next_attempt_at_ms<\?\)/);
  });
});
