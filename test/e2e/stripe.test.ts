import { afterAll, beforeAll, describe, test } from "vitest";
import { type StripeControl, stripeControl } from "../support/stripe/client.ts";
import { DEMO_KEY } from "./support/api.ts";
import { freePort, newStateFolder, removeStateFolder, startTanso, stopTanso, type Tanso } from "./support/tanso.mjs";

/** The whole way of a payment over HTTP: the Worker with Stripe's own package, a double of Stripe, and its signed webhooks. */

type Called<T> = { status: number; data: T; error?: { message: string } };
type Invoice = { id: string; status: string; amount: number; refundedAmount?: number };
type Sold = { subscription: { id: string; status: string }; invoice: Invoice; checkoutUrl: string };

const STRIPE_KEY = "sk_test_double";
const PATIENCE_MS = 20_000;

const state = newStateFolder();
let tanso: Tanso;
let stripe: StripeControl;

beforeAll(async () => {
  const port = await freePort();
  tanso = await startTanso(state, { args: ["--no-seed", "--stripe-port", String(port)], script: "start-stripe.mjs" });
  stripe = stripeControl(`http://127.0.0.1:${port}`, STRIPE_KEY);
});

afterAll(async () => {
  await stopTanso(tanso);
  removeStateFolder(state);
});

async function call<T>(method: string, path: string, body?: unknown): Promise<Called<T>> {
  const response = await fetch(`${tanso.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${DEMO_KEY}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, ...((await response.json()) as Omit<Called<T>, "status">) };
}

async function ok<T>(method: string, path: string, body?: unknown): Promise<T> {
  const { status, data, error } = await call<T>(method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${error?.message}`);
  return data;
}

/** Asks again until it is so: webhooks come by themselves. */
async function until<T>(ask: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
    const value = await ask();
    if (isSo(value) || Date.now() > untilMs) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function invoiceOf(reference: string): Promise<Invoice | undefined> {
  return (await ok<{ items: Invoice[] }>("GET", `/api/v1/client/billing/invoices/${reference}`)).items[0];
}

async function soldTo(reference: string): Promise<Sold & { pageId: string }> {
  await ok("POST", "/api/v1/client/customers", { customerReferenceId: reference, email: `${reference}@acme.test` });
  const sold = await ok<Sold>("POST", "/api/v1/client/subscriptions", {
    customerReferenceId: reference,
    planId: "team",
  });
  return { ...sold, pageId: sold.checkoutUrl.split("/").at(-1) ?? "" };
}

describe("does", () => {
  test("Stripe is connected, a page is paid there, and its webhook pays the invoice; the books agree", async ({
    expect,
  }) => {
    expect(await call("POST", "/api/v1/data/stripe/api", { clientStripeApiKey: STRIPE_KEY })).toMatchObject({
      status: 201,
      data: { connected: true },
    });
    expect(await call("POST", "/api/v1/data/stripe/webhook/register")).toMatchObject({ status: 201 });
    const settings = await ok("PATCH", "/api/v1/account/settings", { stripeMode: "PAYMENT_PASS_THROUGH" });
    expect(settings).toMatchObject({ stripeEnabled: true });
    const plan = { key: "team", name: "Team", description: "For teams.", priceAmount: 25 };
    const { id: planId } = await ok<{ id: string }>("POST", "/api/v1/monetization/plans", plan);
    const feature = await ok<{ id: string }>("POST", "/api/v1/monetization/features", { key: "seats" });
    await ok("POST", "/api/v1/monetization/rules/plan-features", { planId, featureId: feature.id });
    await ok("PATCH", `/api/v1/monetization/plans/${planId}`, { status: "ACTIVE" });

    const { subscription, invoice, pageId } = await soldTo("ada");
    expect(subscription.status).toBe("INCOMPLETE");
    expect(invoice).toMatchObject({ status: "DUE", amount: 25 });
    await stripe.pay(pageId);
    expect(
      await until(
        () => invoiceOf("ada"),
        (one) => one?.status === "PAID",
      ),
    ).toMatchObject({ status: "PAID" });
    const page = await fetch(`${tanso.url}/public/stripe/paid`);
    expect(await page.text()).toContain("Thank you");
    expect(await ok("POST", "/api/v1/data/stripe/reconcile")).toMatchObject({
      state: "DONE",
      payments: 1,
      differences: 0,
    });
  });

  test("a refund in Stripe's dashboard is mirrored", async ({ expect }) => {
    const { pageId } = await soldTo("grace");
    const { payment_intent: intent } = await stripe.pay(pageId);
    await until(
      () => invoiceOf("grace"),
      (one) => one?.status === "PAID",
    );
    await stripe.refund(String(intent), 1000);
    const refunded = await until(
      () => invoiceOf("grace"),
      (one) => one?.refundedAmount !== undefined,
    );
    expect(refunded).toMatchObject({ status: "PAID", refundedAmount: 10 });
  });
});

describe("holds", () => {
  test("webhooks that are lost are found by comparing the books, and by Stripe's next try", async ({ expect }) => {
    const { pageId } = await soldTo("joan");
    await stripe.delivery({ hold: true });
    await stripe.pay(pageId);
    expect(await ok("POST", "/api/v1/data/stripe/reconcile")).toMatchObject({ state: "DONE", differences: 1 });
    await stripe.delivery({ hold: false });
    const delivered = await stripe.deliver({ copies: 2, shuffleSeed: 3 });
    expect(delivered.flatMap(({ attempts }) => attempts).every((status) => status === 200)).toBe(true);
    expect(
      await until(
        () => invoiceOf("joan"),
        (one) => one?.status === "PAID",
      ),
    ).toMatchObject({ status: "PAID" });
    expect(await ok("POST", "/api/v1/data/stripe/reconcile")).toMatchObject({ state: "DONE", differences: 0 });
  });

  test("Stripe away: subscribing answers without a page, a page is 503, and comes when Stripe is back", async ({
    expect,
  }) => {
    await ok("POST", "/api/v1/client/customers", { customerReferenceId: "rosa", email: "rosa@acme.test" });
    await stripe.fail({ mode: "error" });
    const body = { customerReferenceId: "rosa", planId: "team" };
    const { subscription, checkoutUrl } = await ok<Sold>("POST", "/api/v1/client/subscriptions", body);
    expect(checkoutUrl).toBeUndefined();
    const path = `/api/v1/client/billing/subscriptions/${subscription.id}/stripe/checkout`;
    expect(await call("POST", path)).toMatchObject({ status: 503, error: { code: "unavailable" } });
    await stripe.heal();
    expect(await ok<{ url: string }>("POST", path)).toMatchObject({ url: expect.stringContaining("/c/pay/") });
  });
});
