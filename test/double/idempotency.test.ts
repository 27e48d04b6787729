import { describe, test } from "vitest";
import { newShop, pageFor, refusalOf, sdk, useDouble } from "./shop.ts";

/** Idempotency keys and outages: what a client sees that sends again. */

useDouble();

const PAYMENT = {
  amount: 500,
  currency: "usd",
  confirm: true,
  off_session: true,
  payment_method: "pm_card_visa",
} as const;
const DAY_SECONDS = 86_400;

describe("does", () => {
  test("the same request under a key has one effect and one answer", async ({ expect }) => {
    const { stripe, control } = newShop();
    const first = await stripe.paymentIntents.create(PAYMENT, { idempotencyKey: "k1" });
    const again = await stripe.paymentIntents.create(PAYMENT, { idempotencyKey: "k1" });
    expect(again.id).toBe(first.id);
    expect(first.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
    expect(again.lastResponse.headers["idempotent-replayed"]).toBe("true");
    expect(again.lastResponse.headers["original-request"]).toBe(first.lastResponse.requestId);
    expect(await control.money()).toMatchObject({ usd: { received: 500 } });
    expect(await control.calls("/v1/payment_intents")).toMatchObject([
      { method: "POST", idempotencyKey: "k1", status: 200, replayed: false, params: { amount: "500" } },
      { method: "POST", idempotencyKey: "k1", status: 200, replayed: true },
    ]);
  });

  test("a decline is remembered too", async ({ expect }) => {
    const { stripe, control } = newShop();
    const card = { ...PAYMENT, payment_method: "pm_card_chargeDeclined" };
    const first = await refusalOf(stripe.paymentIntents.create(card, { idempotencyKey: "k1" }));
    const again = await refusalOf(stripe.paymentIntents.create(card, { idempotencyKey: "k1" }));
    expect(again).toMatchObject({ code: "card_declined", headers: { "idempotent-replayed": "true" } });
    expect(again.payment_intent?.id).toBe(first.payment_intent?.id);
    expect(await control.events("charge.failed")).toHaveLength(1);
  });

  test("an answer that was lost after its effect is there when the SDK asks again", async ({ expect }) => {
    const { control, key } = newShop();
    await control.fail({ mode: "lost", path: "/v1/payment_intents", times: 1 });
    const intent = await sdk(key, 2).paymentIntents.create(PAYMENT);
    expect(intent.lastResponse.headers["idempotent-replayed"]).toBe("true");
    expect(await control.money()).toMatchObject({ usd: { received: 500 } });
    expect((await control.calls()).map(({ status }) => status)).toEqual([0, 200]);
  });

  test("the n-th call that matches is hit, others go well", async ({ expect }) => {
    const { stripe, control } = newShop();
    await control.fail({ mode: "error", method: "POST", path: "/v1/customers", skip: 1, times: 1 });
    const statuses: number[] = [];
    for (let call = 0; call < 3; call++)
      await stripe.customers.create({}).then(
        () => statuses.push(200),
        (error) => statuses.push(error.statusCode),
      );
    expect(statuses).toEqual([200, 500, 200]);
    expect((await stripe.customers.list()).data).toHaveLength(2);
  });
});

describe("refuses", () => {
  test("other parameters, or another route, under a key that is taken", async ({ expect }) => {
    const { stripe } = newShop();
    const options = { idempotencyKey: "k1" };
    await stripe.customers.create({ name: "Ada" }, options);
    const other = await refusalOf(stripe.customers.create({ name: "Bea" }, options));
    expect(other).toMatchObject({ type: "StripeIdempotencyError", statusCode: 400, rawType: "idempotency_error" });
    const route = await refusalOf(stripe.paymentIntents.create(PAYMENT, options));
    expect(route.message).toContain("'/v1/customers' vs '/v1/payment_intents'");
    expect(await refusalOf(stripe.customers.create({}, { idempotencyKey: "k".repeat(256) }))).toMatchObject({
      statusCode: 400,
    });
  });

  test("a second request while the first under its key still runs", async ({ expect }) => {
    const { stripe, control } = newShop();
    await control.fail({ mode: "slow", ms: 1500, times: 1 });
    const first = stripe.customers.create({ name: "Ada" }, { idempotencyKey: "k1" });
    for (;;) if ((await control.calls()).length > 0) break;
    const second = await refusalOf(stripe.customers.create({ name: "Ada" }, { idempotencyKey: "k1" }));
    expect(second).toMatchObject({ statusCode: 409, code: "idempotency_key_in_use" });
    const { id } = await first;
    const third = await stripe.customers.create({ name: "Ada" }, { idempotencyKey: "k1" });
    expect(third.id).toBe(id);
  });

  test("every outage in its own way, none of which has an effect", async ({ expect }) => {
    const { stripe, control } = newShop();
    const failing = async (mode: "refused" | "error" | "hang" | "busy") => {
      // In Node the SDK asks once more by itself when a connection breaks.
      await control.fail({ mode, times: mode === "refused" ? 2 : 1 });
      return await refusalOf(stripe.customers.create({}, mode === "hang" ? { timeout: 200 } : {}));
    };
    expect(await failing("refused")).toMatchObject({ type: "StripeConnectionError" });
    expect(await failing("hang")).toMatchObject({ type: "StripeConnectionError" });
    expect(await failing("error")).toMatchObject({ type: "StripeAPIError", statusCode: 500 });
    expect(await failing("busy")).toMatchObject({ type: "StripeRateLimitError", statusCode: 429 });
    expect((await stripe.customers.list()).data).toEqual([]);
    await control.fail({ mode: "refused" });
    await refusalOf(stripe.customers.list());
    await control.heal();
    expect((await stripe.customers.list()).data).toEqual([]);
  });
});

describe("holds", () => {
  test("a request that failed validation does not take its key", async ({ expect }) => {
    const { stripe } = newShop();
    const options = { idempotencyKey: "k1" };
    await refusalOf(stripe.paymentIntents.create({ ...PAYMENT, amount: 1 }, options));
    expect(await stripe.paymentIntents.create(PAYMENT, options)).toMatchObject({ status: "succeeded" });
  });

  test("a key belongs to one API key, and is forgotten after a day", async ({ expect }) => {
    const { stripe, control } = newShop();
    await control.addKey("sk_test_second");
    const options = { idempotencyKey: "k1" };
    const first = await stripe.customers.create({}, options);
    const second = await sdk("sk_test_second").customers.create({}, options);
    expect(second.id).not.toBe(first.id);
    await control.advance(DAY_SECONDS - 5);
    expect((await stripe.customers.create({}, options)).id).toBe(first.id);
    await control.advance(10);
    expect((await stripe.customers.create({}, options)).id).not.toBe(first.id);
  });

  test("reading takes no key", async ({ expect }) => {
    const shop = newShop();
    const page = await pageFor(shop);
    const read = () => shop.stripe.checkout.sessions.retrieve(page.id, {}, { idempotencyKey: "k1" });
    expect((await read()).status).toBe("open");
    await shop.control.pay(page.id);
    expect((await read()).status).toBe("complete");
  });
});
