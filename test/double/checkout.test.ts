import { describe, test } from "vitest";
import { customerWithCard, newShop, pageFor, refusalOf, useDouble } from "./shop.ts";

/** Checkout: pages through the API, and what happens at them. */

useDouble();

const DAY_SECONDS = 86_400;
const setupPage = {
  mode: "setup",
  currency: "usd",
  success_url: "https://shop.example/saved",
} as const;

describe("does", () => {
  test("a page is made with its lines, total, metadata and a day to live", async ({ expect }) => {
    const shop = newShop();
    const page = await shop.stripe.checkout.sessions.create({
      mode: "payment",
      line_items: [
        { price_data: { currency: "eur", product_data: { name: "Base" }, unit_amount: 1000 }, quantity: 1 },
        { price_data: { currency: "eur", product_data: { name: "Seats" }, unit_amount: 250 }, quantity: 3 },
      ],
      success_url: "https://shop.example/paid",
      metadata: { invoice: "i1" },
      expand: ["line_items"],
    });
    expect(page).toMatchObject({
      status: "open",
      payment_status: "unpaid",
      amount_total: 1750,
      currency: "eur",
      payment_intent: null,
      metadata: { invoice: "i1" },
      url: `${shop.url}/c/pay/${page.id}`,
    });
    expect(page.id).toMatch(/^cs_test_\w{58}$/);
    expect(page.expires_at - page.created).toBe(DAY_SECONDS);
    const lines = page.line_items?.data.map(({ description, quantity, amount_total }) => [
      description,
      quantity,
      amount_total,
    ]);
    expect(lines).toEqual([
      ["Base", 1, 1000],
      ["Seats", 3, 750],
    ]);
    const listed = await shop.stripe.checkout.sessions.listLineItems(page.id);
    expect(listed.data.map(({ price }) => price?.unit_amount)).toEqual([1000, 250]);
    expect((await shop.stripe.checkout.sessions.retrieve(page.id)).line_items).toBeUndefined();
  });

  test("a page that is paid is complete, and its intent carries what was asked for", async ({ expect }) => {
    const shop = newShop();
    const { id: customer } = await shop.stripe.customers.create({ email: "ada@example.com" });
    const page = await pageFor(shop, 1999, { customer, payment_intent_data: { metadata: { invoice: "i1" } } });
    await shop.control.pay(page.id);
    const paid = await shop.stripe.checkout.sessions.retrieve(page.id, { expand: ["payment_intent.latest_charge"] });
    expect(paid).toMatchObject({
      status: "complete",
      payment_status: "paid",
      url: null,
      customer_details: { email: "ada@example.com" },
      payment_intent: { status: "succeeded", customer, metadata: { invoice: "i1" }, latest_charge: { amount: 1999 } },
    });
    expect((await shop.control.events()).map(({ type }) => type)).toEqual([
      "customer.created",
      "payment_intent.created",
      "charge.succeeded",
      "payment_intent.succeeded",
      "checkout.session.completed",
    ]);
  });

  test("a declined page stays open, and is paid with another card", async ({ expect }) => {
    const shop = newShop();
    const { id } = await pageFor(shop);
    const declined = await shop.control.decline(id, "insufficient_funds");
    expect(declined).toMatchObject({ status: "open", payment_status: "unpaid" });
    const [failed] = await shop.control.events("payment_intent.payment_failed");
    expect(failed?.data.object).toMatchObject({ last_payment_error: { decline_code: "insufficient_funds" } });
    await expect(shop.control.pay(id, "pm_card_chargeDeclined")).rejects.toThrow("402");
    const paid = await shop.control.pay(id, "pm_card_mastercard");
    expect(paid.payment_intent).toBe(declined.payment_intent);
    expect(await shop.control.money()).toMatchObject({ usd: { received: 1999 } });
  });

  test("a page can be complete without being paid; the money comes later", async ({ expect }) => {
    const shop = newShop();
    const { id } = await pageFor(shop);
    const complete = await shop.control.completeUnpaid(id);
    expect(complete).toMatchObject({ status: "complete", payment_status: "unpaid" });
    const intent = complete.payment_intent ?? "";
    expect(await shop.stripe.paymentIntents.retrieve(intent)).toMatchObject({
      status: "processing",
      amount_received: 0,
    });
    expect(await shop.control.money()).toEqual({});
    await shop.control.settle(intent);
    expect(await shop.stripe.checkout.sessions.retrieve(id)).toMatchObject({ payment_status: "paid" });
    expect(await shop.control.events("checkout.session.async_payment_succeeded")).toHaveLength(1);
    expect(await shop.control.money()).toMatchObject({ usd: { received: 1999 } });
  });

  test("a bank debit can fail days later", async ({ expect }) => {
    const shop = newShop();
    const { id } = await pageFor(shop);
    const { payment_intent } = await shop.control.pay(id, "pm_usBankAccount_insufficientFunds");
    const failed = await shop.control.settle(payment_intent ?? "");
    expect(failed).toMatchObject({
      status: "requires_payment_method",
      last_payment_error: { decline_code: "insufficient_funds" },
    });
    const [event] = await shop.control.events("checkout.session.async_payment_failed");
    expect(event?.data.object).toMatchObject({ id, status: "complete", payment_status: "unpaid" });
    expect(await shop.control.money()).toEqual({});
  });

  test("a setup page saves a card without money", async ({ expect }) => {
    const shop = newShop();
    const { id: customer } = await shop.stripe.customers.create({ email: "ada@example.com" });
    const page = await shop.stripe.checkout.sessions.create({
      ...setupPage,
      customer,
      setup_intent_data: { metadata: { ours: "1" } },
    });
    expect(page).toMatchObject({ mode: "setup", amount_total: null, payment_status: "no_payment_required" });
    await shop.control.decline(page.id);
    await shop.control.pay(page.id);
    const setup = await shop.stripe.setupIntents.retrieve(String(page.setup_intent));
    expect(setup).toMatchObject({ status: "succeeded", customer, metadata: { ours: "1" } });
    expect((await shop.stripe.paymentMethods.list({ customer, type: "card" })).data).toHaveLength(1);
  });

  test("a page that saves the card it is paid with", async ({ expect }) => {
    const shop = newShop();
    const { id: customer } = await shop.stripe.customers.create({});
    const page = await pageFor(shop, 500, { customer, payment_intent_data: { setup_future_usage: "off_session" } });
    await shop.control.pay(page.id, "pm_card_authenticationRequiredOnSetup");
    const [method] = (await shop.stripe.paymentMethods.list({ customer })).data;
    const again = await shop.stripe.paymentIntents.create({
      amount: 500,
      currency: "usd",
      customer,
      payment_method: method?.id ?? "",
      confirm: true,
      off_session: true,
    });
    expect(again.status).toBe("succeeded");
  });

  test("pages are listed by customer, status and intent", async ({ expect }) => {
    const shop = newShop();
    const { customer } = await customerWithCard(shop);
    const [one, two] = [await pageFor(shop, 500, { customer }), await pageFor(shop, 600, { customer })];
    await pageFor(shop);
    const { payment_intent } = await shop.control.pay(one.id);
    const ids = async (params: object) =>
      (await shop.stripe.checkout.sessions.list(params)).data.map((session) => session.id);
    expect(await ids({ customer })).toEqual([two.id, one.id]);
    expect(await ids({ customer, status: "open" })).toEqual([two.id]);
    expect(await ids({ payment_intent })).toEqual([one.id]);
  });

  test("a page expires when it is told to, and by itself when its time is over", async ({ expect }) => {
    const shop = newShop();
    const told = await pageFor(shop);
    await shop.control.decline(told.id);
    const expired = await shop.stripe.checkout.sessions.expire(told.id);
    expect(expired).toMatchObject({ status: "expired", url: null });
    expect(await shop.stripe.paymentIntents.retrieve(String(expired.payment_intent))).toMatchObject({
      status: "canceled",
    });
    const short = await pageFor(shop, 500, { expires_at: Math.floor(Date.now() / 1000) + 1800 });
    await shop.control.advance(1700);
    expect(await shop.stripe.checkout.sessions.retrieve(short.id)).toMatchObject({ status: "open" });
    await shop.control.advance(200);
    expect(await shop.stripe.checkout.sessions.retrieve(short.id)).toMatchObject({ status: "expired" });
    expect(await shop.control.events("checkout.session.expired")).toHaveLength(2);
  });

  test("its HTML shows the lines, the total and two buttons, and says nothing in markup of others", async ({
    expect,
  }) => {
    const shop = newShop();
    const page = await pageFor(shop, 123_456, {
      line_items: [
        {
          price_data: { currency: "usd", product_data: { name: `<b onclick="x">Pro</b>` }, unit_amount: 61_728 },
          quantity: 2,
        },
      ],
    });
    const response = await fetch(page.url ?? "");
    const html = await response.text();
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(html).toContain("&lt;b onclick=&quot;x&quot;&gt;Pro&lt;/b&gt; × 2");
    expect(html).toContain("1,234.56 USD");
    expect(html.match(/<button/g)).toHaveLength(2);
    expect(html).toContain('<html lang="en">');
    expect(html).not.toContain("<script");
    expect((await fetch(`${shop.url}/c/pay/cs_test_none`)).status).toBe(404);
  });

  test("its buttons decline and pay, as a browser presses them", async ({ expect }) => {
    const shop = newShop();
    const page = await pageFor(shop);
    const press = (action: string) =>
      fetch(page.url ?? "", { method: "POST", body: new URLSearchParams({ action }), redirect: "manual" });
    const declined = await press("decline");
    expect(declined.status).toBe(402);
    expect(await declined.text()).toContain('role="alert">Your card was declined.');
    const paid = await press("pay");
    expect(paid.status).toBe(303);
    expect(paid.headers.get("Location")).toBe(`https://shop.example/paid?session=${page.id}`);
    expect(await shop.stripe.checkout.sessions.retrieve(page.id)).toMatchObject({ payment_status: "paid" });
    expect(await (await press("pay")).text()).toContain("This is done already");
    expect(await shop.control.money()).toMatchObject({ usd: { received: 1999 } });
  });
});

describe("refuses", () => {
  test("a page that would not fit its mode", async ({ expect }) => {
    const { stripe } = newShop();
    const create = (params: object) => refusalOf(stripe.checkout.sessions.create(params));
    expect(await create({ mode: "payment", success_url: "https://shop.example" })).toMatchObject({
      param: "line_items",
    });
    expect(await create({ mode: "setup", success_url: "https://shop.example" })).toMatchObject({
      code: "parameter_missing",
      param: "currency",
    });
    expect((await create({ ...setupPage, payment_intent_data: { description: "x" } })).statusCode).toBe(400);
    expect(await create({ mode: "setup", currency: "usd" })).toMatchObject({
      code: "parameter_missing",
      param: "success_url",
    });
  });

  test("too little, two currencies, or nothing of a line", async ({ expect }) => {
    const shop = newShop();
    expect(await refusalOf(pageFor(shop, 49))).toMatchObject({ code: "amount_too_small" });
    const line = (currency: string, more: object = { quantity: 1 }) => ({
      price_data: { currency, product_data: { name: "x" }, unit_amount: 500 },
      ...more,
    });
    const create = (line_items: object[]) => refusalOf(pageFor(shop, 500, { line_items: line_items as never }));
    expect((await create([line("usd"), line("eur")])).message).toContain("same currency");
    expect(await create([line("usd"), line("usd", {})])).toMatchObject({ param: "line_items[1][quantity]" });
    expect(await create([{ quantity: 1 }])).toMatchObject({ param: "line_items[0][price_data]" });
    const misspelt = { ...line("usd"), colour: "red" };
    expect(await create([misspelt])).toMatchObject({ code: "parameter_unknown", param: "line_items[0][colour]" });
  });

  test("a life under half an hour or over a day", async ({ expect }) => {
    const shop = newShop();
    const nowSeconds = Math.floor(Date.now() / 1000);
    for (const lifeSeconds of [1000, 90_000])
      expect(await refusalOf(pageFor(shop, 500, { expires_at: nowSeconds + lifeSeconds }))).toMatchObject({
        param: "expires_at",
      });
  });

  test("paying or expiring what is over, and touching the intent behind a page", async ({ expect }) => {
    const shop = newShop();
    const { id } = await pageFor(shop);
    const { payment_intent } = await shop.control.decline(id);
    const intent = payment_intent ?? "";
    expect((await refusalOf(shop.stripe.paymentIntents.cancel(intent))).message).toContain("expire the session");
    const confirm = shop.stripe.paymentIntents.confirm(intent, { payment_method: "pm_card_visa" });
    expect((await refusalOf(confirm)).message).toContain("Checkout Session");
    await shop.control.pay(id);
    await expect(shop.control.pay(id)).rejects.toThrow("complete");
    expect((await refusalOf(shop.stripe.checkout.sessions.expire(id))).message).toContain("status of `complete`");
  });
});

describe("holds", () => {
  test("a page with nothing to pay is completed without an intent", async ({ expect }) => {
    const shop = newShop();
    const page = await pageFor(shop, 0);
    expect(page.payment_status).toBe("no_payment_required");
    expect(await shop.control.pay(page.id)).toMatchObject({ status: "complete", payment_intent: null });
    expect(await shop.control.money()).toEqual({});
  });

  test("money at the double is what its charges say, by currency", async ({ expect }) => {
    const shop = newShop();
    const usd = await pageFor(shop, 1000);
    const jpy = await pageFor(shop, 0, {
      line_items: [{ price_data: { currency: "jpy", product_data: { name: "x" }, unit_amount: 500 }, quantity: 1 }],
    });
    const paid = await shop.control.pay(usd.id);
    await shop.control.pay(jpy.id);
    await shop.control.refund(paid.payment_intent ?? "", 250);
    expect(await shop.control.money()).toEqual({
      usd: { received: 1000, refunded: 250, disputed: 0, held: 750 },
      jpy: { received: 500, refunded: 0, disputed: 0, held: 500 },
    });
  });
});
