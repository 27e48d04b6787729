import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { PAGE_LINES_MAX } from "../../src/domain/limits.ts";
import { openProvider, providerOf } from "../../src/payments/open.ts";
import type { Failed, Outcome, PageSpec, PaymentProvider } from "../../src/payments/provider.ts";
import { connect, newStripe, type StripeHere } from "../support/stripe-here.ts";
import { newWorld } from "../support/world.ts";

/** The provider by Stripe's package, against the double over its own way of asking. */

const METADATA = { account: "acc", customer: "cust" };

function given<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.failure}: ${outcome.message}`);
  return outcome.value;
}

function failureOf(outcome: Outcome<unknown>): Failed {
  if (outcome.ok) throw new Error("it was to fail");
  return outcome;
}

async function opened(): Promise<{ provider: PaymentProvider; stripe: StripeHere; cus: string }> {
  const [world, stripe] = [await newWorld(), await newStripe()];
  await connect(world, stripe.key);
  const provider = await openProvider(env, world.accountId);
  if (typeof provider === "string") throw new Error(provider);
  const made = await provider.createCustomer({ email: "ada@acme.test", idempotencyKey: "cus", metadata: METADATA });
  return { provider, stripe, cus: given(made).id };
}

function page(cus: string, change: Partial<PageSpec> = {}): PageSpec {
  return {
    providerCustomerId: cus,
    currency: "USD",
    amountMinor: 1999,
    lines: [{ description: "Pro", amountMinor: 1999 }],
    savesMethod: false,
    idempotencyKey: "page_1",
    metadata: { ...METADATA, payment: 1, invoice: "inv" },
    ...change,
  };
}

function charge(cus: string, paymentMethodId: string, idempotencyKey = "charge_1") {
  const what = { amountMinor: 1999, currency: "USD", description: "Invoice", metadata: { ...METADATA, payment: 2 } };
  return { providerCustomerId: cus, paymentMethodId, idempotencyKey, ...what };
}

async function lastParams(stripe: StripeHere, path: string): Promise<Record<string, unknown>> {
  return (await stripe.calls(path)).filter(({ method }) => method === "POST").at(-1)?.params ?? {};
}

describe("does", () => {
  test("a customer is made, read and found by what it was made for", async ({ expect }) => {
    const { provider, stripe, cus } = await opened();
    expect(given(await provider.retrieveCustomer(cus))).toEqual({
      id: cus,
      email: "ada@acme.test",
      isDeleted: false,
    });
    expect(given(await provider.findCustomer(METADATA))).toMatchObject({ id: cus });
    expect(given(await provider.findCustomer({ ...METADATA, account: "other" }))).toBeUndefined();
    await stripe.deleteCustomer(cus);
    expect(given(await provider.retrieveCustomer(cus))).toEqual({ id: cus, isDeleted: true });
  });

  test("a page asks for the invoice's amount, line by line, with our metadata on page and payment", async ({
    expect,
  }) => {
    const { provider, stripe, cus } = await opened();
    const lines = [
      { description: "Pro, January", amountMinor: 1500 },
      { description: "1,000 calls", amountMinor: 499 },
    ];
    const made = given(await provider.createPage(page(cus, { lines, cancelUrl: "https://acme.test/no" })));
    expect(made).toMatchObject({
      status: "open",
      isPaid: false,
      isProcessing: false,
      amountMinor: 1999,
      currency: "USD",
    });
    expect(made.url).toContain("/c/pay/");
    expect(await lastParams(stripe, "/v1/checkout/sessions")).toMatchObject({
      customer: cus,
      success_url: "https://tanso.test/public/stripe/paid",
      cancel_url: "https://acme.test/no",
      line_items: {
        0: {
          quantity: "1",
          price_data: { currency: "usd", unit_amount: "1500", product_data: { name: "Pro, January" } },
        },
        1: { price_data: { unit_amount: "499" } },
      },
      metadata: { tanso_account: "acc", tanso_customer: "cust", tanso_payment: "1", tanso_invoice: "inv" },
      payment_intent_data: { metadata: { tanso_payment: "1" } },
    });
    await stripe.pay(made.id);
    expect(given(await provider.retrievePage(made.id))).toMatchObject({
      status: "completed",
      isPaid: true,
      paymentIntentId: expect.stringMatching(/^pi_/),
    });
  });

  test("more lines than a page takes are summed under one", async ({ expect }) => {
    const { provider, stripe, cus } = await opened();
    const lines = Array.from({ length: PAGE_LINES_MAX + 20 }, (_, at) => ({
      description: `Line ${at}`,
      amountMinor: 10,
    }));
    const amountMinor = lines.length * 10;
    expect(given(await provider.createPage(page(cus, { lines, amountMinor }))).amountMinor).toBe(amountMinor);
    const items = Object.values((await lastParams(stripe, "/v1/checkout/sessions")).line_items as object);
    expect(items).toHaveLength(PAGE_LINES_MAX);
    expect(items.at(-1)).toMatchObject({ price_data: { unit_amount: "210" } });
  });

  test("a page that is completed by bank debit is processing, not paid, until the money is there", async ({
    expect,
  }) => {
    const { provider, stripe, cus } = await opened();
    const { id } = given(await provider.createPage(page(cus)));
    await stripe.completeUnpaid(id);
    const during = given(await provider.retrievePage(id));
    expect(during).toMatchObject({ status: "completed", isPaid: false, isProcessing: true });
    await stripe.settle(during.paymentIntentId ?? "", null);
    expect(given(await provider.retrievePage(id))).toMatchObject({ isPaid: true, isProcessing: false });
  });

  test("an open page is closed; one that is paid or closed is answered as it is", async ({ expect }) => {
    const { provider, stripe, cus } = await opened();
    const [one, two] = [
      given(await provider.createPage(page(cus))),
      given(await provider.createPage(page(cus, { idempotencyKey: "page_2" }))),
    ];
    expect(given(await provider.expirePage(one.id, "expire_1"))).toMatchObject({ id: one.id, status: "expired" });
    expect(given(await provider.expirePage(one.id, "expire_1b"))).toMatchObject({ status: "expired" });
    await stripe.pay(two.id);
    expect(given(await provider.expirePage(two.id, "expire_2"))).toMatchObject({ status: "completed", isPaid: true });
  });

  test("a saved method is charged without its holder, and made the default", async ({ expect }) => {
    const { provider, cus } = await opened();
    const saved = given(
      await provider.setDefaultMethod({
        providerCustomerId: cus,
        paymentMethodId: "pm_card_visa",
        idempotencyKey: "method",
        metadata: METADATA,
      }),
    );
    expect(given(await provider.retrieveCustomer(cus)).defaultMethodId).toBe(saved.paymentMethodId);
    const made = given(await provider.charge(charge(cus, saved.paymentMethodId)));
    expect(made).toMatchObject({
      status: "succeeded",
      amountMinor: 1999,
      currency: "USD",
      refundedMinor: 0,
      payment: 2,
    });
    expect(given(await provider.findCharge({ providerCustomerId: cus, payment: 2 }))).toMatchObject({ id: made.id });
    expect(given(await provider.findCharge({ providerCustomerId: cus, payment: 3 }))).toBeUndefined();
  });

  test("what a browser needs to save a method is a setup intent of the customer", async ({ expect }) => {
    const { provider, cus } = await opened();
    const made = given(
      await provider.createSetupIntent({ providerCustomerId: cus, idempotencyKey: "setup", metadata: METADATA }),
    );
    expect(made.id).toMatch(/^seti_/);
    expect(made.clientSecret).toContain(made.id);
  });

  test("a payment is given back in parts, and says how much of it was", async ({ expect }) => {
    const { provider, cus } = await opened();
    const { id } = given(await provider.charge(charge(cus, "pm_card_visa")));
    const back = { paymentIntentId: id, amountMinor: 500, currency: "USD", metadata: { ...METADATA, payment: 2 } };
    expect(given(await provider.refund({ ...back, idempotencyKey: "refund_1" }))).toMatchObject({
      amountMinor: 500,
      status: "succeeded",
    });
    expect(given(await provider.retrieveCharge(id))).toMatchObject({ refundedMinor: 500, metadata: { payment: 2 } });
  });
});

describe("refuses", () => {
  test.for([
    ["pm_card_chargeDeclined", "declined", "generic_decline"],
    ["pm_card_chargeDeclinedInsufficientFunds", "declined", "insufficient_funds"],
    ["pm_card_authenticationRequired", "authentication_required", "authentication_required"],
  ] as const)("a charge of %s: %s", async ([method, failure, declineReason], { expect }) => {
    const { provider, cus } = await opened();
    const failed = failureOf(await provider.charge(charge(cus, method)));
    expect(failed).toMatchObject({ failure, declineReason, chargeId: expect.stringMatching(/^pi_/) });
  });

  test("what Stripe and the network do is told as a failure, never thrown, and holds no key", async ({ expect }) => {
    const { provider, stripe, cus } = await opened();
    const failing = async (mode: "refused" | "error" | "busy") => {
      await stripe.fail({ mode });
      const { failure } = failureOf(await provider.retrieveCustomer(cus));
      await stripe.heal();
      return failure;
    };
    expect([await failing("refused"), await failing("error"), await failing("busy")]).toEqual([
      "away",
      "away",
      "rate_limited",
    ]);
    expect(failureOf(await provider.retrieveCustomer("cus_nobody")).failure).toBe("not_found");
    expect(failureOf(await provider.charge(charge("cus_nobody", "pm_card_visa"))).failure).toBe("not_found");
    expect(
      failureOf(await provider.createPage(page(cus, { amountMinor: 1, lines: [{ description: "x", amountMinor: 1 }] })))
        .failure,
    ).toBe("refused");
    const stranger = await providerOf(env, "sk_test_unheardof1234", {
      connection: { origin: "https://x.test" },
      isTest: true,
    });
    const refused = failureOf(await stranger.account());
    expect(refused.failure).toBe("unauthorized");
    expect(refused.message).not.toContain("unheardof");
  });

  test("a key that may not do it counts as one that is no longer taken", async ({ expect }) => {
    const { stripe, cus } = await opened();
    await stripe.addKey("rk_test_double_narrow", ["customer_read"]);
    const narrow = await providerOf(env, "rk_test_double_narrow", {
      connection: { origin: "https://x.test" },
      isTest: true,
    });
    expect(failureOf(await narrow.createPage(page(cus))).failure).toBe("unauthorized");
    expect(given(await narrow.retrieveCustomer(cus)).id).toBe(cus);
  });

  test("the same key for another call", async ({ expect }) => {
    const { provider, cus } = await opened();
    given(await provider.charge(charge(cus, "pm_card_visa")));
    const other = { ...charge(cus, "pm_card_visa"), amountMinor: 5000 };
    expect(failureOf(await provider.charge(other)).failure).toBe("refused");
  });
});

describe("holds", () => {
  test("the key of a call derives from its cause: the same refund or charge asked for twice is made once", async ({
    expect,
  }) => {
    const { provider, stripe, cus } = await opened();
    await stripe.fail({ mode: "lost", path: "/v1/payment_intents", times: 2 });
    expect(failureOf(await provider.charge(charge(cus, "pm_card_visa"))).failure).toBe("away");
    const { id } = given(await provider.charge(charge(cus, "pm_card_visa")));
    const back = { paymentIntentId: id, amountMinor: 500, currency: "USD", idempotencyKey: "r", metadata: METADATA };
    const [one, two] = [given(await provider.refund(back)), given(await provider.refund(back))];
    expect(two.id).toBe(one.id);
    expect(await stripe.money()).toMatchObject({ usd: { received: 1999, refunded: 500 } });
  });

  test("a day later, when keys are forgotten, what was made is found by what it was made for", async ({ expect }) => {
    const { provider, stripe, cus } = await opened();
    const made = given(await provider.createPage(page(cus)));
    const charged = given(await provider.charge(charge(cus, "pm_card_visa")));
    await stripe.advance(25 * 3600);
    expect(given(await provider.findPage({ providerCustomerId: cus, payment: 1 }))).toMatchObject({ id: made.id });
    expect(given(await provider.findPage({ providerCustomerId: cus, payment: 9 }))).toBeUndefined();
    expect(given(await provider.findCharge({ providerCustomerId: cus, payment: 2 }))).toMatchObject({
      id: charged.id,
    });
    expect(given(await provider.findCustomer(METADATA))).toMatchObject({ id: cus });
  });

  test.for([
    ["JPY", 1500, "1500"],
    ["USD", 1500, "1500"],
    ["KWD", 1500, "1500"],
    ["ISK", 1500, "150000"],
    ["UGX", 2000, "200000"],
  ] as const)(
    "an amount in %s reaches Stripe in its digits, and comes back in ours",
    async ([currency, amountMinor, sent], { expect }) => {
      const { provider, stripe, cus } = await opened();
      const made = given(await provider.charge({ ...charge(cus, "pm_card_visa"), amountMinor, currency }));
      expect(made).toMatchObject({ status: "succeeded", amountMinor, currency });
      expect(await lastParams(stripe, "/v1/payment_intents")).toMatchObject({
        amount: sent,
        currency: currency.toLowerCase(),
      });
    },
  );

  test("a test account alone may talk to another server than Stripe's own", async ({ expect }) => {
    const stripe = await newStripe();
    const live = await providerOf(env, stripe.key, { connection: { origin: "https://x.test" }, isTest: false });
    const calls: string[] = [];
    const outside = globalThis.fetch;
    globalThis.fetch = async (input) => {
      calls.push(new URL(new Request(input as RequestInfo).url).origin);
      throw new TypeError("no way out");
    };
    try {
      expect(failureOf(await live.account()).failure).toBe("away");
    } finally {
      globalThis.fetch = outside;
    }
    expect(new Set(calls)).toEqual(new Set(["https://api.stripe.com"]));
  });
});
