import Stripe from "stripe";
import { describe, test } from "vitest";
import { API_VERSION } from "../support/stripe/events.ts";
import { customerWithCard, newShop, pageFor, refusalOf, sdk, useDouble } from "./shop.ts";

/** The double's API as the real SDK sees it: objects, lists, searches, refusals and keys. */

useDouble();

const OFF_SESSION = { amount: 500, currency: "usd", confirm: true, off_session: true } as const;

describe("does", () => {
  test("the version of its answers is the one that the SDK asks for", ({ expect }) => {
    expect(Stripe.API_VERSION).toBe(API_VERSION);
  });

  test("the account of a key is in test mode and can charge", async ({ expect }) => {
    const { stripe } = newShop();
    const account = await stripe.accounts.retrieveCurrent();
    expect(account).toMatchObject({ object: "account", charges_enabled: true, default_currency: "usd" });
    expect(account.id).toMatch(/^acct_\w{16}$/);
    expect(await stripe.balance.retrieve()).toMatchObject({ livemode: false, available: [] });
  });

  test("a customer is made, read, changed, and stays known when deleted", async ({ expect }) => {
    const { stripe, control } = newShop();
    const made = await stripe.customers.create({
      email: "ada@example.com",
      name: "Ada",
      address: { city: "London" },
      metadata: { ours: "1", other: "2" },
    });
    expect(made.id).toMatch(/^cus_\w{14}$/);
    expect(made).toMatchObject({ livemode: false, name: "Ada", address: { city: "London", line1: null } });
    const changed = await stripe.customers.update(made.id, { name: "Ada L.", metadata: { other: "" } });
    expect(changed).toMatchObject({ name: "Ada L.", email: "ada@example.com", metadata: { ours: "1" } });
    expect(await stripe.customers.retrieve(made.id)).toMatchObject({ name: "Ada L." });
    expect(await stripe.customers.del(made.id)).toEqual(expect.objectContaining({ id: made.id, deleted: true }));
    expect(await stripe.customers.retrieve(made.id)).toMatchObject({ id: made.id, deleted: true });
    const [updated] = await control.events("customer.updated");
    expect(updated?.data.previous_attributes).toEqual({ name: "Ada", metadata: { ours: "1", other: "2" } });
    expect(await control.events("customer.deleted")).toHaveLength(1);
  });

  test("customers are listed by e-mail, newest first, in pages", async ({ expect }) => {
    const { stripe } = newShop();
    for (const name of ["1", "2", "3"]) await stripe.customers.create({ email: "same@example.com", name });
    await stripe.customers.create({ email: "other@example.com" });
    const first = await stripe.customers.list({ email: "same@example.com", limit: 2 });
    expect(first.data.map(({ name }) => name)).toEqual(["3", "2"]);
    expect(first.has_more).toBe(true);
    const all: (string | null | undefined)[] = [];
    for await (const { name } of stripe.customers.list({ email: "same@example.com", limit: 1 })) all.push(name);
    expect(all).toEqual(["3", "2", "1"]);
    const last = first.data[1]?.id ?? "";
    const before = await stripe.customers.list({ ending_before: last, limit: 1 });
    expect(before.data.map(({ name }) => name)).toEqual(["3"]);
  });

  test("search finds by e-mail and metadata, and lags as long as it is told to", async ({ expect }) => {
    const { stripe, control } = newShop();
    const { id } = await stripe.customers.create({ email: "o'hara@example.com", metadata: { ours: "c 1" } });
    await stripe.customers.create({ email: "else@example.com" });
    const find = async (query: string) => (await stripe.customers.search({ query })).data.map((found) => found.id);
    expect(await find(`email:"O'Hara@example.com" AND metadata["ours"]:"c 1"`)).toEqual([id]);
    expect(await find("email:'o\\'hara@example.com'")).toEqual([id]);
    expect(await find("email~'example' AND -metadata['ours']:'c 1'")).not.toContain(id);
    await control.searchLag(60);
    expect(await find("metadata['ours']:'c 1'")).toEqual([]);
    await control.advance(61);
    expect(await find("metadata['ours']:'c 1'")).toEqual([id]);
  });

  test("a saved card is charged while nobody is there", async ({ expect }) => {
    const shop = newShop();
    const saved = await customerWithCard(shop);
    const intent = await shop.stripe.paymentIntents.create({
      ...OFF_SESSION,
      ...saved,
      metadata: { invoice: "i1" },
      expand: ["latest_charge", "customer"],
    });
    expect(intent).toMatchObject({ status: "succeeded", amount_received: 500, payment_method: saved.payment_method });
    expect(intent.latest_charge).toMatchObject({
      object: "charge",
      paid: true,
      amount: 500,
      payment_intent: intent.id,
    });
    expect(intent.customer).toMatchObject({ id: saved.customer, email: "ada@example.com" });
    expect(await shop.control.money()).toEqual({ usd: { received: 500, refunded: 0, disputed: 0, held: 500 } });
    const found = await shop.stripe.paymentIntents.search({ query: "metadata['invoice']:'i1' AND status:'succeeded'" });
    expect(found.data.map(({ id }) => id)).toEqual([intent.id]);
    const listed = await shop.stripe.paymentIntents.list({ customer: saved.customer });
    expect(listed.data).toHaveLength(1);
  });

  test("an intent waits to be confirmed, or is cancelled", async ({ expect }) => {
    const { stripe } = newShop();
    const waiting = await stripe.paymentIntents.create({
      amount: 700,
      currency: "eur",
      allowed_payment_method_types: ["card"],
    });
    expect(waiting.status).toBe("requires_payment_method");
    const paid = await stripe.paymentIntents.confirm(waiting.id, { payment_method: "pm_card_visa" });
    expect(paid.status).toBe("succeeded");
    const other = await stripe.paymentIntents.create({ amount: 700, currency: "eur" });
    const given = await stripe.paymentIntents.cancel(other.id, { cancellation_reason: "abandoned" });
    expect(given).toMatchObject({ status: "canceled", cancellation_reason: "abandoned" });
    expect(await stripe.paymentIntents.retrieve(other.id)).toMatchObject({ status: "canceled" });
  });

  test("a setup intent saves a card for its customer", async ({ expect }) => {
    const { stripe, control } = newShop();
    const { id: customer } = await stripe.customers.create({ email: "ada@example.com" });
    const setup = await stripe.setupIntents.create({
      customer,
      allowed_payment_method_types: ["card"],
      usage: "off_session",
    });
    expect(setup).toMatchObject({ status: "requires_payment_method", customer });
    expect(setup.client_secret).toContain(setup.id);
    await stripe.setupIntents.confirm(setup.id, { payment_method: "pm_card_visa" });
    const done = await stripe.setupIntents.retrieve(setup.id, { expand: ["payment_method"] });
    expect(done).toMatchObject({ status: "succeeded", payment_method: { type: "card", customer } });
    const saved = await stripe.customers.listPaymentMethods(customer, { type: "card" });
    expect(saved.data.map(({ card }) => card?.last4)).toEqual(["4242"]);
    const [event] = await control.events("setup_intent.succeeded");
    expect(event?.data.object).toMatchObject({ id: setup.id, status: "succeeded" });
  });

  test("a browser finishes a setup intent, also one whose holder is asked", async ({ expect }) => {
    const { stripe, control } = newShop();
    const { id: customer } = await stripe.customers.create({});
    const setup = await stripe.setupIntents.create({ customer });
    const failed = await control.finishSetup(setup.id, "pm_card_chargeDeclined");
    expect(failed).toMatchObject({ status: "requires_payment_method", last_setup_error: { code: "card_declined" } });
    const done = await control.finishSetup(setup.id, "pm_card_authenticationRequiredOnSetup");
    expect(done.status).toBe("succeeded");
    const methods = await stripe.paymentMethods.list({ customer, type: "card" });
    const payment_method = methods.data[0]?.id ?? "";
    const paid = await stripe.paymentIntents.create({ ...OFF_SESSION, customer, payment_method });
    expect(paid.status).toBe("succeeded");
  });

  test("a default payment method is kept on the customer, and leaves with the method", async ({ expect }) => {
    const shop = newShop();
    const { customer, payment_method } = await customerWithCard(shop);
    const changed = await shop.stripe.customers.update(customer, {
      invoice_settings: { default_payment_method: payment_method },
    });
    expect(changed.invoice_settings.default_payment_method).toBe(payment_method);
    await shop.stripe.paymentMethods.detach(payment_method);
    expect(await shop.stripe.customers.retrieve(customer)).toMatchObject({
      invoice_settings: { default_payment_method: null },
    });
  });

  test("a charge is refunded in parts", async ({ expect }) => {
    const shop = newShop();
    const intent = await shop.stripe.paymentIntents.create({ ...OFF_SESSION, ...(await customerWithCard(shop)) });
    const part = await shop.stripe.refunds.create({
      payment_intent: intent.id,
      amount: 200,
      metadata: { why: "half" },
    });
    expect(part).toMatchObject({
      amount: 200,
      status: "succeeded",
      payment_intent: intent.id,
      metadata: { why: "half" },
    });
    await shop.control.refund(intent.id);
    const [charge] = (await shop.stripe.charges.list({ payment_intent: intent.id })).data;
    expect(charge).toMatchObject({ amount_refunded: 500, refunded: true });
    expect((await shop.control.events("charge.refunded")).map(({ data }) => data.previous_attributes)).toEqual([
      { amount_refunded: 0, refunded: false },
      { amount_refunded: 200, refunded: false },
    ]);
    expect((await shop.stripe.refunds.list({ payment_intent: intent.id })).data).toHaveLength(2);
    expect(await shop.control.money()).toEqual({ usd: { received: 500, refunded: 500, disputed: 0, held: 0 } });
  });

  test("a dispute takes the money, and gives it back when it is won", async ({ expect }) => {
    const shop = newShop();
    const intent = await shop.stripe.paymentIntents.create({ ...OFF_SESSION, ...(await customerWithCard(shop)) });
    const dispute = await shop.control.dispute(intent.id);
    expect(await shop.stripe.disputes.retrieve(dispute.id)).toMatchObject({ amount: 500, status: "needs_response" });
    expect(await shop.control.money()).toMatchObject({ usd: { disputed: 500, held: 0 } });
    expect((await shop.stripe.balance.retrieve()).available).toMatchObject([{ amount: 0, currency: "usd" }]);
    await shop.control.closeDispute(dispute.id, "won");
    expect(await shop.control.money()).toMatchObject({ usd: { disputed: 0, held: 500 } });
    const types = (await shop.control.events()).map(({ type }) => type).filter((type) => type.includes("dispute"));
    expect(types).toEqual([
      "charge.dispute.created",
      "charge.dispute.funds_withdrawn",
      "charge.dispute.closed",
      "charge.dispute.funds_reinstated",
    ]);
  });

  test("a holder who is there is asked, and agrees or does not", async ({ expect }) => {
    const { stripe, control } = newShop();
    const ask = () =>
      stripe.paymentIntents.create({
        amount: 500,
        currency: "usd",
        confirm: true,
        payment_method: "pm_card_authenticationRequired",
        return_url: "https://shop.example/back",
      });
    const [one, other] = [await ask(), await ask()];
    expect(one).toMatchObject({ status: "requires_action", next_action: { type: "use_stripe_sdk" } });
    await control.authenticate(one.id);
    expect(await stripe.paymentIntents.retrieve(one.id)).toMatchObject({ status: "succeeded" });
    await control.authenticate(other.id, false);
    expect(await stripe.paymentIntents.retrieve(other.id)).toMatchObject({
      status: "requires_payment_method",
      last_payment_error: { code: "payment_intent_authentication_failure" },
    });
    await expect(control.authenticate(other.id)).rejects.toThrow("nobody is asked");
  });

  test("a saved bank account stays processing until its bank has spoken", async ({ expect }) => {
    const shop = newShop();
    const saved = await customerWithCard(shop, "pm_usBankAccount_success");
    const create = () => shop.stripe.paymentIntents.create({ ...OFF_SESSION, ...saved });
    const [one, other] = [await create(), await create()];
    expect(one.status).toBe("processing");
    expect((await refusalOf(shop.stripe.paymentIntents.cancel(one.id))).code).toBe("payment_intent_unexpected_state");
    await shop.control.settle(one.id);
    await shop.control.settle(other.id, "account_closed");
    const [charge] = (await shop.stripe.charges.list({ payment_intent: one.id })).data;
    expect(charge).toMatchObject({ status: "succeeded", amount_captured: 500 });
    expect(await shop.stripe.paymentIntents.retrieve(other.id)).toMatchObject({
      status: "requires_payment_method",
      last_payment_error: { decline_code: "account_closed" },
    });
    expect(await shop.control.money()).toMatchObject({ usd: { received: 500 } });
    await expect(shop.control.settle(one.id)).rejects.toThrow("waits for no bank");
  });

  test("a customer is changed and deleted in the dashboard, and what he saved cannot be charged", async ({
    expect,
  }) => {
    const shop = newShop();
    const saved = await customerWithCard(shop);
    await shop.control.changeCustomer(saved.customer, { email: "new@example.com" });
    expect(await shop.stripe.customers.retrieve(saved.customer)).toMatchObject({ email: "new@example.com" });
    await shop.control.deleteCustomer(saved.customer);
    expect(await refusalOf(shop.stripe.paymentIntents.create({ ...OFF_SESSION, ...saved }))).toMatchObject({
      code: "resource_missing",
      param: "customer",
    });
    expect(await shop.stripe.paymentMethods.retrieve(saved.payment_method)).toMatchObject({ customer: null });
  });
});

describe("refuses", () => {
  test("a parameter that does not exist, wherever it stands", async ({ expect }) => {
    const { stripe } = newShop();
    const sent = { email: "a@example.com", colour: "red" };
    const refusal = await refusalOf(stripe.customers.create(sent));
    expect(refusal).toMatchObject({ statusCode: 400, code: "parameter_unknown", param: "colour" });
    expect(refusal.message).toBe("Received unknown parameter: colour");
    const address = { address: { city: "London", planet: "Earth" } };
    expect(await refusalOf(stripe.customers.create(address))).toMatchObject({ param: "address[planet]" });
  });

  test("a parameter that is missing", async ({ expect }) => {
    const { stripe } = newShop();
    const halves: object[] = [{ currency: "usd" }, { amount: 100 }];
    const calls = halves.map((half) => stripe.paymentIntents.create(half as Stripe.PaymentIntentCreateParams));
    const [noAmount, noCurrency] = await Promise.all(calls.map(refusalOf));
    expect(noAmount).toMatchObject({
      code: "parameter_missing",
      param: "amount",
      message: "Missing required param: amount.",
    });
    expect(noCurrency).toMatchObject({ code: "parameter_missing", param: "currency" });
    const noMode = stripe.checkout.sessions.create({ success_url: "https://shop.example" } as never);
    expect(await refusalOf(noMode)).toMatchObject({ code: "parameter_missing", param: "mode" });
  });

  test("values that are none", async ({ expect }) => {
    const { stripe } = newShop();
    const create = (more: object) => refusalOf(stripe.paymentIntents.create({ amount: 100, currency: "usd", ...more }));
    expect(await create({ amount: 10.5 })).toMatchObject({ code: "parameter_invalid_integer", param: "amount" });
    expect(await create({ description: "" })).toMatchObject({ code: "parameter_invalid_empty", param: "description" });
    expect(await create({ metadata: { key: "x".repeat(501) } })).toMatchObject({ param: "metadata[key]" });
    expect(await create({ metadata: { ["k".repeat(41)]: "x" } })).toMatchObject({ statusCode: 400 });
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, "x"]));
    expect((await create({ metadata: many })).message).toContain("50 keys");
    expect(await refusalOf(stripe.customers.create({ email: "ada@home" }))).toMatchObject({ code: "email_invalid" });
    expect(await refusalOf(stripe.customers.create({ name: "x".repeat(257) }))).toMatchObject({ param: "name" });
    expect(await refusalOf(pageFor(newShop(), 100, { success_url: "/paid" }))).toMatchObject({ code: "url_invalid" });
    expect(await refusalOf(stripe.customers.list({ limit: 101 }))).toMatchObject({ param: "limit" });
  });

  test("an amount that Stripe would not charge", async ({ expect }) => {
    const { stripe } = newShop();
    const create = (amount: number, currency: string) => refusalOf(stripe.paymentIntents.create({ amount, currency }));
    expect(await create(49, "usd")).toMatchObject({ code: "amount_too_small", param: "amount" });
    expect(await create(29, "gbp")).toMatchObject({ code: "amount_too_small" });
    expect(await create(49, "jpy")).toMatchObject({ code: "amount_too_small" });
    expect(await create(100_000_000, "usd")).toMatchObject({ code: "amount_too_large" });
    expect((await create(1001, "kwd")).message).toContain("divisible by 10");
    expect((await create(150, "isk")).message).toContain("divisible by 100");
    for (const [amount, currency] of [
      [50, "usd"],
      [30, "gbp"],
      [1010, "kwd"],
      [200, "isk"],
    ] as const)
      expect(await stripe.paymentIntents.create({ amount, currency })).toMatchObject({ amount, currency });
  });

  test("an id that names nothing, also a deleted customer's", async ({ expect }) => {
    const { stripe } = newShop();
    const gone = await stripe.customers.create({});
    await stripe.customers.del(gone.id);
    const inPath = await refusalOf(stripe.customers.retrieve("cus_none"));
    expect(inPath).toMatchObject({
      statusCode: 404,
      code: "resource_missing",
      message: "No such customer: 'cus_none'",
    });
    const asParam = await refusalOf(stripe.paymentIntents.create({ amount: 500, currency: "usd", customer: gone.id }));
    expect(asParam).toMatchObject({ statusCode: 400, code: "resource_missing", param: "customer" });
    const method = await refusalOf(
      stripe.paymentIntents.create({ amount: 500, currency: "usd", payment_method: "pm_none" }),
    );
    expect(method).toMatchObject({ code: "resource_missing", param: "payment_method" });
    expect(await refusalOf(stripe.rawRequest("GET", "/v1/nothing"))).toMatchObject({ statusCode: 404 });
  });

  test("each declining card with Stripe's codes, and the intent stays payable", async ({ expect }) => {
    const { stripe } = newShop();
    const cards = {
      pm_card_chargeDeclined: ["card_declined", "generic_decline"],
      pm_card_chargeDeclinedInsufficientFunds: ["card_declined", "insufficient_funds"],
      pm_card_visa_chargeDeclinedLostCard: ["card_declined", "lost_card"],
      pm_card_chargeDeclinedExpiredCard: ["expired_card", "expired_card"],
      pm_card_chargeDeclinedIncorrectCvc: ["incorrect_cvc", "incorrect_cvc"],
      pm_card_chargeDeclinedProcessingError: ["processing_error", "processing_error"],
      pm_card_authenticationRequired: ["authentication_required", "authentication_required"],
    };
    for (const [payment_method, [code, decline_code]] of Object.entries(cards)) {
      const refusal = await refusalOf(stripe.paymentIntents.create({ ...OFF_SESSION, payment_method }));
      expect(refusal, payment_method).toMatchObject({ type: "StripeCardError", statusCode: 402, code, decline_code });
      expect(refusal.payment_intent).toMatchObject({ status: "requires_payment_method", payment_method: null });
      const kept = await stripe.paymentIntents.retrieve(refusal.payment_intent?.id ?? "");
      expect(kept.last_payment_error).toMatchObject({ code, decline_code });
    }
    const events = (await stripe.events.list({ type: "payment_intent.payment_failed" })).data;
    expect(events).toHaveLength(Object.keys(cards).length);
  });

  test("a card is refused when it is saved, or saved and refused when it is charged", async ({ expect }) => {
    const shop = newShop();
    expect(await refusalOf(customerWithCard(shop, "pm_card_chargeDeclined"))).toMatchObject({ code: "card_declined" });
    const saved = await customerWithCard(shop, "pm_card_chargeCustomerFail");
    const charge = () => shop.stripe.paymentIntents.create({ ...OFF_SESSION, ...saved });
    expect(await refusalOf(charge())).toMatchObject({ code: "card_declined" });
    await shop.control.behave(saved.payment_method, { onCharge: "insufficient_funds" });
    expect(await refusalOf(charge())).toMatchObject({ decline_code: "insufficient_funds" });
    await shop.control.behave(saved.payment_method, { onCharge: null });
    expect(await charge()).toMatchObject({ status: "succeeded" });
  });

  test("a bank account for another currency, and a type that is not allowed", async ({ expect }) => {
    const { stripe } = newShop();
    const create = (more: object) => refusalOf(stripe.paymentIntents.create({ ...OFF_SESSION, ...more }));
    expect(await create({ currency: "eur", payment_method: "pm_usBankAccount_success" })).toMatchObject({
      code: "payment_intent_invalid_currency",
    });
    const cardsOnly = { allowed_payment_method_types: ["card"], payment_method: "pm_usBankAccount_success" };
    expect((await create(cardsOnly)).message).toContain("not allowed for this PaymentIntent");
    const retired = { payment_method_types: ["card"], payment_method: "pm_card_visa" };
    expect(await create(retired)).toMatchObject({ code: "parameter_unknown", param: "payment_method_types" });
  });

  test("what only makes sense with confirm, and confirming without a card or a way back", async ({ expect }) => {
    const { stripe } = newShop();
    const create = (more: object) => refusalOf(stripe.paymentIntents.create({ amount: 500, currency: "usd", ...more }));
    expect(await create({ off_session: true })).toMatchObject({ param: "off_session" });
    expect((await create({ confirm: true, off_session: true })).message).toContain("missing a payment method");
    expect((await create({ confirm: true, payment_method: "pm_card_visa" })).message).toContain("return_url");
  });

  test("another customer's card", async ({ expect }) => {
    const shop = newShop();
    const { payment_method } = await customerWithCard(shop);
    const other = await shop.stripe.customers.create({});
    const create = (customer: object) =>
      refusalOf(shop.stripe.paymentIntents.create({ ...OFF_SESSION, payment_method, ...customer }));
    expect((await create({ customer: other.id })).message).toContain("does not have a payment method");
    expect((await create({})).message).toContain("belongs to a Customer");
  });

  test("refunds beyond what is left, and of what is disputed", async ({ expect }) => {
    const shop = newShop();
    const pay = async () => shop.stripe.paymentIntents.create({ ...OFF_SESSION, payment_method: "pm_card_visa" });
    const { id: payment_intent } = await pay();
    const refund = (more: object) => refusalOf(shop.stripe.refunds.create({ payment_intent, ...more }));
    expect((await refund({ amount: 501 })).message).toContain("greater than unrefunded amount");
    await shop.stripe.refunds.create({ payment_intent });
    expect(await refund({})).toMatchObject({ code: "charge_already_refunded" });
    const disputed = await pay();
    await shop.control.dispute(disputed.id);
    expect(await refund({ payment_intent: disputed.id })).toMatchObject({ code: "charge_disputed" });
    const open = await shop.stripe.paymentIntents.create({ amount: 500, currency: "usd" });
    expect((await refund({ payment_intent: open.id })).message).toContain("does not have a successful charge");
  });

  test("a key that nobody has, with its middle hidden", async ({ expect }) => {
    const refusal = await refusalOf(sdk("sk_test_wrong1234").accounts.retrieveCurrent());
    expect(refusal).toMatchObject({ type: "StripeAuthenticationError", statusCode: 401 });
    expect(refusal.message).toBe("Invalid API Key provided: sk_test_*****1234");
    expect(await refusalOf(sdk("sk_live_double").accounts.retrieveCurrent())).toMatchObject({ statusCode: 401 });
  });

  test("a restricted key that lacks the permission", async ({ expect }) => {
    const { stripe, control } = newShop();
    await control.addKey("rk_test_reader", ["customer_read", "charge_write"]);
    const restricted = sdk("rk_test_reader");
    const { id } = await stripe.customers.create({ name: "Ada" });
    expect(await restricted.customers.retrieve(id)).toMatchObject({ name: "Ada" });
    expect((await restricted.charges.list()).data).toEqual([]);
    const refusal = await refusalOf(restricted.customers.create({}));
    expect(refusal).toMatchObject({ type: "StripePermissionError", statusCode: 403 });
    expect(refusal.message).toContain("Having the 'rak_customer_write' permission would allow");
  });
});

describe("holds", () => {
  test("equal seeds make equal ids, and other accounts other ones", async ({ expect }) => {
    const { stripe, control } = newShop();
    await control.reset("one");
    const first = [(await stripe.customers.create({})).id, (await pageFor({ ...newShop(), stripe })).id];
    await control.reset("one");
    const again = [(await stripe.customers.create({})).id, (await pageFor({ ...newShop(), stripe })).id];
    await control.reset("two");
    expect(again).toEqual(first);
    expect((await stripe.customers.create({})).id).not.toBe(first[0]);
    const other = newShop();
    await other.control.reset("one");
    expect((await other.stripe.customers.create({})).id).not.toBe(first[0]);
  });

  test("accounts see nothing of each other", async ({ expect }) => {
    const [one, other] = [newShop(), newShop()];
    const { id } = await one.stripe.customers.create({});
    expect(await refusalOf(other.stripe.customers.retrieve(id))).toMatchObject({ code: "resource_missing" });
    expect(await other.control.calls()).toHaveLength(1);
    expect(await other.control.events()).toEqual([]);
  });
});
