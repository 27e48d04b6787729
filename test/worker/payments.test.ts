import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { readLast } from "../../src/customer/book-store.ts";
import {
  knowsEvent,
  newestPaymentFor,
  readPayment,
  readPaymentWithIntent,
  readPaymentWithPage,
  takeWaiting,
  waitingCalls,
} from "../../src/customer/payment-store.ts";
import type { ProviderFact } from "../../src/domain/provider-fact.ts";
import { withSqlFault } from "../support/fault.ts";
import { cardholder, type PayingWorld, payingWorld, type Shown, shown, tell } from "../support/paying.ts";
import { DOUBLES } from "../support/provider.ts";
import { active, customer, ok, pay, read, type Subscription, sell, subscribe } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, request, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const CLIENT = "/api/v1/client";
const ADMIN = "/api/v1/monetization";
const HOUR = 3_600_000;

type Sold = { subscription: Subscription; invoice: Shown; checkoutUrl?: string; checkoutSessionId?: string };
type Session = { id: string; status: string; purpose: string; invoiceId?: string; completedAt?: string };
type Link = { url: string; checkoutSessionId: string };

function buy(world: World, plan: string, more: Record<string, unknown> = {}) {
  return world.call<Sold>("POST", `${CLIENT}/subscriptions`, { customerReferenceId: "ada", planId: plan, ...more });
}

function checkout(world: World, { id }: { id: string }) {
  return world.call<Link>("POST", `${CLIENT}/billing/subscriptions/${id}/stripe/checkout`);
}

function session(world: World, id = ""): Promise<Session> {
  return ok(world.call<Session>("GET", `${CLIENT}/checkout-sessions/${id}`));
}

/** The customer pays the newest page, and the provider tells so. */
async function paid(world: PayingWorld, customerId: string): Promise<string> {
  const { double } = world;
  const page = double.page;
  const paymentIntentId = double.complete(page);
  await tell(world, customerId, {
    kind: "page_completed",
    pageId: page.id,
    isPaid: true,
    isProcessing: false,
    paymentIntentId,
    amountMinor: page.amountMinor ?? 0,
    currency: "USD",
  });
  return paymentIntentId;
}

/** A pool of the customer with a price of 0.10 a credit. Returns its id. */
async function pool(world: World, customerId: string): Promise<string> {
  await ok(world.call("POST", `${ADMIN}/credits/models`, { name: "AI", denomination: "AI" }));
  const effectiveFrom = new Date().toISOString();
  const entries = [{ denomination: "AI", pricePerCredit: "0.10" }];
  await ok(world.call("POST", `${ADMIN}/credits/prices/publish`, { effectiveFrom, entries }));
  clockAt(new Date(Date.now() + 20_000).toISOString());
  return (
    await ok(
      world.call<{ id: string }>("POST", `${ADMIN}/credits/pools`, { name: "P", denomination: "AI", customerId }),
    )
  ).id;
}

type Bought = {
  completed: boolean;
  amountCharged: number;
  grantId?: string;
  invoiceId?: string;
  checkoutUrl?: string;
  checkoutSessionId?: string;
  declineReason?: string;
};

function purchase(world: World, creditPoolId: string, more: Record<string, unknown> = {}, headers = {}) {
  const body = { customerReferenceId: "ada", creditPoolId, credits: 500, ...more };
  return world.call<Bought>("POST", `${CLIENT}/credits/purchases`, body, headers);
}

async function balance(world: World, id: string): Promise<number> {
  return (await ok(world.call<{ balance: number }>("GET", `${ADMIN}/credits/pools/${id}`))).balance;
}

/** A customer's own key. */
async function ownKey(world: World): Promise<string> {
  const made = world.call<{ apiKey: string }>("POST", `${CLIENT}/customers/ada/keys`, { scopes: ["purchase", "read"] });
  return (await ok(made)).apiKey;
}

async function clock(world: World, frozenTime: string) {
  const { id } = await ok(world.call<{ id: string }>("POST", "/api/v1/test-clocks", { name: "c", frozenTime }));
  const made = { customerReferenceId: "ada", email: "ada@mail.test", testClockId: id };
  const customerId = (await ok(world.call<{ id: string }>("POST", `${CLIENT}/customers`, made))).id;
  const advance = (to: string) => ok(world.call("POST", `/api/v1/test-clocks/${id}/advance`, { frozenTime: to }));
  return { customerId, advance };
}

function saveCard(world: World, paymentMethodId = "pm_good") {
  return ok(world.call("POST", `${CLIENT}/customers/ada/payment-methods/default`, { paymentMethodId }));
}

describe("does", () => {
  test("subscribing answers a page; once it is paid the subscription is active", async ({ expect }) => {
    const world = await payingWorld({ stripeCheckoutSuccessUrl: "https://shop.test/ok" });
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    const sold = await ok(buy(world, plan));
    const { page } = world.double;
    expect(sold).toMatchObject({
      checkoutUrl: page.url,
      subscription: { status: "INCOMPLETE" },
      invoice: { status: "DUE", amount: 49, checkoutUrl: page.url, checkoutSessionId: sold.checkoutSessionId },
    });
    expect(page).toMatchObject({
      amountMinor: 4900,
      currency: "USD",
      metadata: { account: world.accountId, customer: id, payment: 1, invoice: sold.invoice.id },
    });
    expect(await session(world, sold.checkoutSessionId)).toMatchObject({ status: "PENDING", purpose: "SUBSCRIPTION" });
    await paid(world, id);
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID", paidBy: "STRIPE", number: "INV-000001" }]);
    expect(await shown(world, "ada")).not.toMatchObject([{ checkoutUrl: expect.anything() }]);
    expect(await read(world, sold.subscription)).toMatchObject({ status: "ACTIVE" });
    expect(await session(world, sold.checkoutSessionId)).toMatchObject({
      status: "COMPLETED",
      invoiceId: sold.invoice.id,
      completedAt: "2030-03-05T10:30:00.000Z",
    });
    expect(world.double.moneyMinor).toBe(4900);
  });

  test("a saved method is charged at once, and the answer says that it was paid", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    await cardholder(world);
    const sold = await ok(buy(world, plan));
    expect(sold).toMatchObject({ subscription: { status: "ACTIVE" }, invoice: { status: "PAID", paidBy: "STRIPE" } });
    expect(sold.checkoutUrl).toBeUndefined();
    expect(world.double.calls).toEqual(["createCustomer", "setDefaultMethod", "charge"]);
    expect(world.double.moneyMinor).toBe(4900);
  });

  test("a method named with a subscription is charged for it, and becomes the customer's", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    expect(await ok(buy(world, plan, { paymentMethodId: "pm_new" }))).toMatchObject({
      subscription: { status: "ACTIVE" },
    });
    const payer = await runInDurableObject(world.object(id), (object) => readPayer(object));
    expect(payer).toMatchObject({ defaultMethodId: "pm_new" });
  });

  test("a declined method falls back to a page", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    world.double.methods.set("pm_bad", "declined");
    const id = await cardholder(world, "ada", "pm_bad");
    const sold = await ok(buy(world, plan));
    expect(sold).toMatchObject({ checkoutUrl: world.double.page.url, subscription: { status: "INCOMPLETE" } });
    await paid(world, id);
    expect(await read(world, sold.subscription)).toMatchObject({ status: "ACTIVE" });
    expect(world.double.moneyMinor).toBe(4900);
  });

  // Until an upgrade is paid its plan holds all the same: it is an invoice like any other.
  test("an upgrade is charged, or has a page", async ({ expect }) => {
    const world = await payingWorld();
    const [small, large] = [await sell(world, "s", { priceAmount: 10 }), await sell(world, "l", { priceAmount: 30 })];
    await customer(world);
    const subscription = await active(world, "ada", small);
    const change = () =>
      world.call<Sold>("POST", `${CLIENT}/subscriptions/${subscription.id}/plan-change`, {
        changeToPlanId: large,
        changeType: "UPGRADE",
      });
    expect(await ok(change())).toMatchObject({
      invoice: { status: "DUE", type: "ADJUSTMENT", amount: 20 },
      checkoutUrl: world.double.page.url,
    });
    // A line gives something back, which no page can say: it is one position.
    expect(world.double.page.amountMinor).toBe(2000);
  });

  // Beside an open payment page an automatic charge makes people pay twice: the page is closed first.
  test("a renewal is charged when it falls due; declined, again a day and three days later", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 20 });
    const { advance } = await clock(world, "2027-01-15T00:00:00Z");
    await saveCard(world);
    const { subscription } = await ok(buy(world, plan));
    await advance("2027-02-15T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAID", paidAt: "2027-02-15T00:00:00.000Z" });
    world.double.methods.set("pm_good", "declined");
    world.double.calls.length = 0;
    await advance("2027-03-15T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "DUE", checkoutUrl: world.double.page.url });
    expect(world.double.calls).toEqual(["charge", "createPage"]);
    await advance("2027-03-15T23:59:59Z");
    expect(world.double.calls).toHaveLength(2);
    await advance("2027-03-16T00:00:00Z");
    // The page is closed before the method is charged.
    expect(world.double.calls.slice(2)).toEqual(["expirePage", "charge", "createPage"]);
    await advance("2027-03-17T23:59:59Z");
    expect(world.double.calls).toHaveLength(5);
    world.double.methods.delete("pm_good");
    await advance("2027-03-18T00:00:00Z");
    expect(world.double.calls.slice(5)).toEqual(["expirePage", "charge"]);
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAID", paidBy: "STRIPE" });
    expect(await read(world, subscription)).toMatchObject({ status: "ACTIVE" });
    expect(world.double.openPages()).toEqual([]);
  });

  test.for([
    ["longer", 2, 10, 4],
    ["shorter", 10, 2, 3],
  ] as const)(
    "a grace that becomes %s changes when a declined method is tried again",
    async ([, before, after, charges], { expect }) => {
      const world = await payingWorld();
      const plan = await sell(world, "pro", { priceAmount: 20 });
      const { advance } = await clock(world, "2027-01-15T00:00:00Z");
      await saveCard(world);
      const { subscription } = await ok(buy(world, plan, { gracePeriod: before }));
      world.double.methods.set("pm_good", "declined");
      await advance("2027-02-16T06:00:00Z");
      const path = `/api/v1/monetization/subscriptions/${subscription.id}`;
      await ok(world.call("PATCH", path, { gracePeriod: after }));
      await advance("2027-02-19T00:00:00Z");
      // The first payment, then when it was due, a day later, and three days later where that is within the grace.
      expect(world.double.calls.filter((call) => call === "charge")).toHaveLength(charges);
    },
  );

  test("declined until grace is over, the subscription is suspended, and nothing is charged any more", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 20 });
    const { advance, customerId } = await clock(world, "2027-01-15T00:00:00Z");
    await saveCard(world);
    const { subscription } = await ok(buy(world, plan));
    world.double.methods.set("pm_good", "declined");
    await advance("2027-03-10T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAST_DUE" });
    expect(await read(world, subscription)).toMatchObject({
      status: "SUSPENDED",
      suspendedAt: "2027-02-18T00:00:00.000Z",
    });
    expect(world.double.calls.filter((call) => call === "charge")).toHaveLength(1 + 3);
    await paid(world, customerId);
    expect(await read(world, subscription)).toMatchObject({ status: "ACTIVE" });
  });

  test("while a bank debit is on its way neither grace nor the thirty days end, for fourteen days", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 20 });
    const { advance, customerId } = await clock(world, "2027-01-15T00:00:00Z");
    const { subscription } = await ok(buy(world, plan));
    await advance("2027-02-10T00:00:00Z");
    await ok(checkout(world, subscription));
    const { double } = world;
    const { page } = double;
    const paymentIntentId = double.complete(page, "processing");
    const told = { pageId: page.id, isPaid: false, isProcessing: true, paymentIntentId } as const;
    await tell(world, customerId, { kind: "page_completed", ...told });
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "DUE", paymentProcessing: true });
    await advance("2027-02-23T23:59:59Z");
    expect(await read(world, subscription)).toMatchObject({ status: "INCOMPLETE" });
    await tell(world, customerId, { kind: "page_completed", ...told, isPaid: true, isProcessing: false });
    expect(await read(world, subscription)).toMatchObject({ status: "ACTIVE" });
    await advance("2027-03-24T00:00:00Z");
    await advance("2027-03-25T00:00:00Z");
    await ok(checkout(world, subscription));
    const renewal = double.page;
    double.complete(renewal, "processing");
    await tell(world, customerId, { kind: "page_completed", ...told, pageId: renewal.id, paymentIntentId: "pi_debit" });
    await advance("2027-04-07T23:59:59Z");
    expect(await read(world, subscription)).toMatchObject({ status: "ACTIVE" });
    await advance("2027-04-08T00:00:00Z");
    expect(await read(world, subscription)).toMatchObject({
      status: "SUSPENDED",
      suspendedAt: "2027-04-08T00:00:00.000Z",
    });
  });

  test("a bank debit that fails ends grace that is over in that instant, and there is a page again", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 20 });
    const { advance, customerId } = await clock(world, "2027-01-15T00:00:00Z");
    world.double.methods.set("pm_debit", "processing");
    await saveCard(world);
    const { subscription } = await ok(buy(world, plan));
    await saveCard(world, "pm_debit");
    await advance("2027-02-20T00:00:00Z");
    expect(await read(world, subscription)).toMatchObject({ status: "ACTIVE" });
    const debit = [...world.double.charges.values()].at(-1);
    const paymentIntentId = debit?.id ?? "";
    await tell(world, customerId, { kind: "charge_failed", paymentIntentId, declineReason: "debit_not_authorized" });
    expect(await read(world, subscription)).toMatchObject({
      status: "SUSPENDED",
      suspendedAt: "2027-02-20T00:00:00.000Z",
    });
    await runDurableObjectAlarm(world.object(customerId));
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAST_DUE", checkoutUrl: world.double.page.url });
  });

  test("what is too little to be collected is carried to the next invoice", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "tiny", { priceAmount: "0.30" });
    const { advance } = await clock(world, "2027-01-15T00:00:00Z");
    const sold = await ok(buy(world, plan));
    expect(sold).toMatchObject({ invoice: { status: "PAID", paidBy: "CARRIED" }, subscription: { status: "ACTIVE" } });
    await advance("2027-02-15T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "DUE", amount: 0.6 });
  });

  test("credits are bought with a saved method: the grant and a paid invoice of no subscription", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const id = await cardholder(world);
    const poolId = await pool(world, id);
    const bought = await purchase(world, poolId);
    expect(bought).toMatchObject({
      status: 201,
      data: { completed: true, credits: 500, pricePerCredit: 0.1, amountCharged: 50, currency: "USD" },
    });
    expect(await balance(world, poolId)).toBe(500);
    const [invoice] = await shown(world, "ada");
    expect(invoice).toMatchObject({ id: bought.data.invoiceId, status: "PAID", paidBy: "STRIPE", amount: 50 });
    expect(invoice?.subscription).toBeUndefined();
    expect(invoice?.number).toBe("INV-000001");
    const explained = await ok(world.call("GET", `${ADMIN}/billing/invoices/${invoice?.id}/explain`));
    expect(explained).toMatchObject({ replay: { matches: true }, items: [{ formula: "500 × 0.1 = 50.00" }] });
    const listed = await ok(world.call<{ items: Shown[] }>("GET", `${ADMIN}/billing/invoices`));
    expect(listed.items).toEqual([invoice]);
    const grant = await ok(world.call<{ items: unknown[] }>("GET", `${CLIENT}/credits/ada/pools/${poolId}/grants`));
    expect(grant.items).toMatchObject([{ id: bought.data.grantId, grantType: "PURCHASED", unitPrice: 0.1 }]);
  });

  test("the agreed price holds when the page is paid after the book's price has changed", async ({ expect }) => {
    const world = await payingWorld();
    const id = await customer(world);
    const poolId = await pool(world, id);
    const asked = await purchase(world, poolId);
    expect(asked).toMatchObject({ status: 402, error: { code: "payment_required" }, data: { completed: false } });
    expect(asked.data.checkoutUrl).toBe(world.double.page.url);
    const entries = [{ denomination: "AI", pricePerCredit: "0.90" }];
    const effectiveFrom = new Date().toISOString();
    await ok(world.call("POST", `${ADMIN}/credits/prices/publish`, { effectiveFrom, entries }));
    clockAt("2030-03-05T11:30:00Z");
    await paid(world, id);
    expect(await balance(world, poolId)).toBe(500);
    expect(await session(world, asked.data.checkoutSessionId)).toMatchObject({
      status: "COMPLETED",
      purpose: "CREDIT_TOPUP",
      credits: 500,
    });
    expect(await shown(world, "ada")).toMatchObject([{ amount: 50, status: "PAID" }]);
  });

  test("a refund that failed and is made again takes its credits once", async ({ expect }) => {
    const world = await payingWorld();
    const id = await cardholder(world);
    const poolId = await pool(world, id);
    await purchase(world, poolId);
    const [charge] = world.double.charges.values();
    const paymentIntentId = charge?.id ?? "";
    const refunded = async (refundedMinorTotal: number) => {
      await tell(world, id, { kind: "refunded", paymentIntentId, refundedMinorTotal, currency: "USD" });
      return balance(world, poolId);
    };
    const failed = async (refundId: string, amountMinor: number) => {
      const fact = { kind: "refund_failed", paymentIntentId, refundId, amountMinor, isAsked: false } as const;
      await tell(world, id, { ...fact, currency: "USD" });
      return balance(world, poolId);
    };
    expect(await refunded(1000)).toBe(400);
    // Credits do not come back by themselves; but what is given back for the same money takes none again.
    expect(await failed("re_1", 1000)).toBe(400);
    expect(await refunded(700)).toBe(400);
    expect(await refunded(1000)).toBe(400);
    expect(await refunded(1200)).toBe(380);
    expect(await failed("re_2", 1200)).toBe(380);
    expect(await refunded(5000)).toBe(0);
    const books = await ok(world.call<{ holds: boolean }>("GET", `${ADMIN}/customers/${id}/books`));
    expect(books).toMatchObject({ holds: true });
  });

  // A dispute after a refund would take back twice: never more than what that purchase still holds.
  test("a refund takes the same share of what was bought, at most what is left, once per cause", async ({ expect }) => {
    const world = await payingWorld();
    const id = await cardholder(world);
    const poolId = await pool(world, id);
    await purchase(world, poolId);
    const [charge] = world.double.charges.values();
    const paymentIntentId = charge?.id ?? "";
    const refund = (refundedMinorTotal: number) =>
      tell(world, id, { kind: "refunded", paymentIntentId, refundedMinorTotal, currency: "USD" });
    await refund(1000);
    await refund(1000);
    expect(await balance(world, poolId)).toBe(400);
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID", refundedAmount: 10 }]);
    const deduction = { creditPoolId: poolId, amount: 390 };
    await ok(world.call("POST", `${ADMIN}/credits/deductions`, deduction));
    const dispute = {
      kind: "disputed",
      paymentIntentId,
      disputeId: "dp_1",
      amountMinor: 5000,
      currency: "USD",
    } as const;
    await tell(world, id, { ...dispute, state: "open" });
    expect(await balance(world, poolId)).toBe(10);
    await tell(world, id, { ...dispute, state: "lost" });
    await tell(world, id, { ...dispute, state: "lost" });
    expect(await balance(world, poolId)).toBe(0);
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID", refundedAmount: 50 }]);
    await refund(5000);
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID", refundedAmount: 50 }]);
    const books = await ok(world.call<{ holds: boolean }>("GET", `${ADMIN}/customers/${id}/books`));
    expect(books).toMatchObject({ holds: true });
  });

  // A declined purchase that is tried every few seconds: one attempt is open, and then there is a pause.
  test("a purchase that was declined is not charged again by itself for a minute", async ({ expect }) => {
    const world = await payingWorld();
    world.double.methods.set("pm_bad", "declined");
    const id = await cardholder(world, "ada", "pm_bad");
    const poolId = await pool(world, id);
    const declined = await purchase(world, poolId);
    expect(declined).toMatchObject({ status: 402, data: { completed: false, declineReason: "insufficient_funds" } });
    const charges = () => world.double.calls.filter((call) => call === "charge").length;
    expect(charges()).toBe(1);
    await tell(world, id, { kind: "page_expired", pageId: world.double.page.id });
    expect(await purchase(world, poolId)).toMatchObject({ status: 402 });
    expect(charges()).toBe(1);
    await tell(world, id, { kind: "page_expired", pageId: world.double.page.id });
    clockAt(new Date(Date.now() + 60_000).toISOString());
    expect(await purchase(world, poolId)).toMatchObject({ status: 402 });
    expect(charges()).toBe(2);
  });

  test("a customer whom an event named by Stripe's id alone gets name and e-mail from there", async ({ expect }) => {
    const world = await payingWorld();
    const stripeCustomerId = "cus_123";
    const metadata = { account: world.accountId, customer: "" };
    const there = {
      id: stripeCustomerId,
      name: "Ada King Lovelace",
      email: "ada@king.test",
      isDeleted: false,
      metadata,
    };
    world.double.customers.set(stripeCustomerId, there);
    const { data } = await world.event({ stripeCustomerId });
    await runDurableObjectAlarm(world.object(data.customerId));
    expect(await ok(world.call("GET", `${CLIENT}/customers/${stripeCustomerId}`))).toMatchObject({
      firstName: "Ada",
      lastName: "King Lovelace",
      email: "ada@king.test",
      source: "STRIPE_IMPORTED",
    });
    await tell(world, data.customerId, {
      kind: "customer_changed",
      providerCustomerId: stripeCustomerId,
      name: "Ada",
    });
    const changed = await ok(world.call<Record<string, unknown>>("GET", `${CLIENT}/customers/${stripeCustomerId}`));
    expect(changed).toMatchObject({ firstName: "Ada", email: "ada@king.test" });
    expect(changed.lastName).toBeUndefined();
    const completed = { customerReferenceId: "ada", stripeCustomerId, email: "own@ada.test" };
    expect(await ok(world.call("POST", `${CLIENT}/customers`, completed))).toMatchObject({ email: "own@ada.test" });
  });

  test("a method that is saved in the browser is charged from then on", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    const intent = await ok(
      world.call<Record<string, string>>("POST", `${CLIENT}/customers/ada/payment-methods/setup-intent`),
    );
    const [made] = world.double.customers.values();
    expect(intent).toEqual({
      setup_intent_id: expect.any(String),
      client_secret: "secret",
      stripe_customer_id: made?.id,
    });
    const setupIntentId = intent.setup_intent_id ?? "";
    await tell(world, id, { kind: "setup_succeeded", setupIntentId, paymentMethodId: "pm_first" });
    await tell(world, id, { kind: "setup_succeeded", setupIntentId, paymentMethodId: "pm_second" });
    expect(await ok(buy(world, plan))).toMatchObject({ invoice: { status: "PAID" } });
    expect([...world.double.charges.values()]).toMatchObject([{ paymentMethodId: "pm_first" }]);
    // From now on the customer's id there names the customer here.
    expect(await ok(world.call("GET", `${CLIENT}/customers/${made?.id}`))).toMatchObject({ id });
  });

  test("the operator gets a link for an invoice, the same one while it is open, a new one once its time is over", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    await customer(world);
    const { invoice } = await ok(buy(world, plan));
    const link = () => ok(world.call<Link>("POST", `${ADMIN}/billing/invoices/${invoice.id}/checkout-link`));
    const first = await link();
    expect(first).toMatchObject({ url: world.double.page.url, expiresAt: "2030-03-06T10:30:00.000Z" });
    clockAt("2030-03-06T10:29:59Z");
    expect(await link()).toEqual(first);
    clockAt("2030-03-06T10:30:00Z");
    const second = await link();
    expect(second.url).not.toBe(first.url);
    expect(world.double.calls.slice(-2)).toEqual(["expirePage", "createPage"]);
    expect(await session(world, first.checkoutSessionId)).toMatchObject({ status: "EXPIRED" });
  });

  test("money of which only the refund is told counts as what the provider takes of the amount, where it takes no thousandths", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const id = await customer(world);
    await sell(world, "fine", { priceAmount: "33.335", currency: "KWD" });
    const { invoice } = await ok(buy(world, "fine"));
    await pay(world, invoice.id);
    const paymentIntentId = world.double.complete(world.double.page);
    const refund = { kind: "refunded", paymentIntentId, payment: 1, refundedMinorTotal: 10, currency: "KWD" } as const;
    await tell(world, id, refund);
    expect(await shown(world, "ada")).toMatchObject([
      { paidBy: "MANUAL", overpaid: { amount: 33.34, refundedAmount: 0.01, state: "OPEN" } },
    ]);
  });

  test("money for what is paid already is shown as overpaid, or given back where the setting says so", async ({
    expect,
  }) => {
    for (const refundOverpayments of [false, true]) {
      const world = await payingWorld({ refundOverpayments });
      const plan = await sell(world, "pro", { priceAmount: 49 });
      const id = await customer(world);
      const { invoice } = await ok(buy(world, plan));
      const { page } = world.double;
      const paymentIntentId = world.double.complete(page);
      await ok(pay(world, invoice.id));
      await tell(world, id, {
        kind: "page_completed",
        pageId: page.id,
        isPaid: true,
        isProcessing: false,
        paymentIntentId,
      });
      await runDurableObjectAlarm(world.object(id));
      const refundedAmount = refundOverpayments ? 49 : 0;
      const state = refundOverpayments ? "REFUNDED" : "OPEN";
      expect(await shown(world, "ada")).toMatchObject([
        { status: "PAID", paidBy: "MANUAL", overpaid: { amount: 49, refundedAmount, state } },
      ]);
      expect(world.double.moneyMinor).toBe(refundOverpayments ? 0 : 4900);
      if (refundOverpayments) continue;
      await tell(world, id, { kind: "refunded", paymentIntentId, refundedMinorTotal: 4900, currency: "USD" });
      expect(await shown(world, "ada")).toMatchObject([{ overpaid: { refundedAmount: 49, state: "REFUNDED" } }]);
    }
  });

  test("a final invoice is charged before the cancellation is answered", async ({ expect }) => {
    const world = await payingWorld();
    const usage = { pricing: { model: "usage", price_per_unit: 2, usage_unit_type: "call" } };
    const plan = await sell(world, "pro", { priceAmount: 0 }, usage);
    await cardholder(world);
    const { subscription } = await ok(buy(world, plan));
    await ok(world.event({ customerReferenceId: "ada", featureKey: "chat.pro", usageUnits: 10 }));
    const path = `${CLIENT}/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`;
    expect(await ok(world.call<Sold>("POST", path))).toMatchObject({
      subscription: { status: "CANCELLED" },
      invoice: { amount: 20, status: "PAID", paidBy: "STRIPE" },
    });
  });

  test("what was refunded is not given back again when the subscription ends at once", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 31 });
    const id = await cardholder(world);
    const { subscription } = await ok(buy(world, plan));
    const [charge] = world.double.charges.values();
    const paymentIntentId = charge?.id ?? "";
    await tell(world, id, { kind: "refunded", paymentIntentId, refundedMinorTotal: 2100, currency: "USD" });
    await ok(world.call("POST", `${CLIENT}/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`));
    expect((await shown(world, "ada"))[0]).toMatchObject({ type: "CREDIT", amount: -10 });
  });
});

type WithPayer = { customer: { image: { book: { payer: Record<string, unknown> } } } };

function readPayer(object: unknown): Record<string, unknown> {
  return (object as WithPayer).customer.image.book.payer;
}

describe("refuses", () => {
  test("pages, purchases and methods while the account takes no payments", async ({ expect }) => {
    for (const off of ["NONE", "no key"]) {
      const world = await payingWorld(off === "NONE" ? { stripeMode: "NONE" } : {});
      if (off === "no key") DOUBLES.delete(world.accountId);
      const plan = await sell(world, "pro", { priceAmount: 49 });
      const id = await customer(world);
      const sold = await ok(buy(world, plan));
      expect(sold.checkoutUrl).toBeUndefined();
      const poolId = await pool(world, id);
      const refusals = [
        await checkout(world, sold.subscription),
        await world.call("POST", `${ADMIN}/billing/invoices/${sold.invoice.id}/checkout-link`),
        await purchase(world, poolId),
        await world.call("POST", `${CLIENT}/customers/ada/payment-methods/setup-intent`),
        await world.call("POST", `${CLIENT}/customers/ada/payment-methods/default`, { paymentMethodId: "pm_1" }),
      ];
      expect(refusals.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
      for (const { error } of refusals) expect(error.message).toContain("takes no payments");
      expect(world.double.calls).toEqual([]);
    }
  });

  test("a page while the provider is away, and gives one when it is back", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    world.double.mood = "away";
    const sold = await ok(buy(world, plan));
    expect(sold).toMatchObject({ subscription: { status: "INCOMPLETE" }, invoice: { status: "DUE" } });
    expect(sold.checkoutUrl).toBeUndefined();
    const away = await checkout(world, sold.subscription);
    expect(away).toMatchObject({ status: 503, error: { code: "unavailable" } });
    expect(away.headers.get("Retry-After")).toBe("5");
    DOUBLES.set(world.accountId, "unavailable");
    expect(await checkout(world, sold.subscription)).toMatchObject({ status: 503 });
    DOUBLES.set(world.accountId, world.double);
    const setup = await world.call("POST", `${CLIENT}/customers/ada/payment-methods/setup-intent`);
    expect(setup).toMatchObject({ status: 503 });
    world.double.mood = "fine";
    const back = await ok(checkout(world, sold.subscription));
    expect(back.url).toBe(world.double.page.url);
    expect(world.double.pages.size).toBe(1);
    await paid(world, id);
    expect(await read(world, sold.subscription)).toMatchObject({ status: "ACTIVE" });
  });

  test("a page for what is not to be paid", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    await cardholder(world);
    const { subscription, invoice } = await ok(buy(world, plan));
    expect(await checkout(world, subscription)).toMatchObject({ status: 404, error: { code: "not_found" } });
    const link = await world.call("POST", `${ADMIN}/billing/invoices/${invoice.id}/checkout-link`);
    expect(link).toMatchObject({ status: 409, error: { code: "conflict" } });
    const unknown = `${CLIENT}/checkout-sessions/${invoice.id}`;
    expect(await world.call("GET", unknown)).toMatchObject({ status: 404 });
  });

  // Money on its way is in flight: nothing charges it again.
  test("a second page while money is on its way", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    const { subscription } = await ok(buy(world, plan));
    const { page } = world.double;
    const paymentIntentId = world.double.complete(page, "processing");
    await tell(world, id, {
      kind: "page_completed",
      pageId: page.id,
      isPaid: false,
      isProcessing: true,
      paymentIntentId,
    });
    expect(await checkout(world, subscription)).toMatchObject({ status: 409, error: { code: "conflict" } });
  });

  test("a second purchase of a pool while one is open, with its page", async ({ expect }) => {
    const world = await payingWorld();
    const id = await customer(world);
    const poolId = await pool(world, id);
    const first = await purchase(world, poolId, {}, { "Idempotency-Key": "one" });
    const second = await purchase(world, poolId, {}, { "Idempotency-Key": "two" });
    expect(second).toMatchObject({ status: 409, data: { checkoutUrl: first.data.checkoutUrl } });
    const repeat = await purchase(world, poolId, {}, { "Idempotency-Key": "one" });
    expect(repeat).toMatchObject({ status: 402, data: { completed: false, checkoutUrl: first.data.checkoutUrl } });
    expect(repeat.headers.get("Idempotency-Replayed")).toBe("true");
    await paid(world, id);
    const later = await purchase(world, poolId, {}, { "Idempotency-Key": "one" });
    expect(later).toMatchObject({ status: 402, data: { completed: true } });
    expect(world.double.pages.size).toBe(1);
  });

  test("purchases without a price, of too little, and beyond what a customer's key may spend", async ({ expect }) => {
    const world = await payingWorld({ agentMaxTopupAmount: 40 });
    const id = await cardholder(world);
    const made = { name: "N", denomination: "NONE", customerId: id };
    await ok(world.call("POST", `${ADMIN}/credits/models`, { name: "N", denomination: "NONE" }));
    const unpriced = await ok(world.call<{ id: string }>("POST", `${ADMIN}/credits/pools`, made));
    expect(await purchase(world, unpriced.id)).toMatchObject({ status: 400, error: { code: "validation_failed" } });
    const poolId = await pool(world, id);
    expect(await purchase(world, poolId, { credits: "4.9" })).toMatchObject({ status: 400 });
    expect(await purchase(world, poolId, { credits: 5 })).toMatchObject({ status: 201, data: { amountCharged: 0.5 } });
    const key = { Authorization: `Bearer ${await ownKey(world)}` };
    const own = (credits: unknown) =>
      request<Bought>("POST", `${CLIENT}/credits/purchases`, { creditPoolId: poolId, credits }, key);
    expect(await own("400.1")).toMatchObject({ status: 403, error: { code: "forbidden" } });
    expect(await own(400)).toMatchObject({ status: 201, data: { amountCharged: 40 } });
  });

  test("a method that the provider does not know", async ({ expect }) => {
    const world = await payingWorld();
    await customer(world);
    const path = `${CLIENT}/customers/ada/payment-methods/default`;
    expect(await world.call("POST", path, { paymentMethodId: "card" })).toMatchObject({
      status: 400,
      error: { fields: [{ path: "paymentMethodId" }] },
    });
  });

  test("a customer's own key that gets nothing but a link: 402, and a repeat tells of the page as it is then", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    const headers = { Authorization: `Bearer ${await ownKey(world)}`, "Idempotency-Key": "one" };
    const own = () =>
      request<Sold & { checkoutSession: Session }>("POST", `${CLIENT}/subscriptions`, { planId: plan }, headers);
    const first = await own();
    expect(first).toMatchObject({
      status: 402,
      error: { code: "payment_required" },
      data: { checkoutUrl: world.double.page.url, subscription: { status: "INCOMPLETE" } },
    });
    await paid(world, id);
    const repeat = await own();
    expect(repeat).toMatchObject({ status: 402, data: { checkoutSession: { status: "COMPLETED" } } });
    expect(repeat.headers.get("Idempotency-Replayed")).toBe("true");
  });
});

describe("holds", () => {
  // Events come in any order; none is taken for an order of what happened.
  test("an event that comes before the answer to the call that caused it changes nothing of the end", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await cardholder(world);
    world.double.meanwhile = async (call) => {
      if (call !== "charge") return;
      const [charge] = world.double.charges.values();
      if (charge === undefined) throw new Error("nothing was charged");
      const { id: paymentIntentId, payment = 0, amountMinor, currency } = charge;
      await tell(world, id, { kind: "charge_succeeded", paymentIntentId, payment, amountMinor, currency });
    };
    expect(await ok(buy(world, plan))).toMatchObject({ invoice: { status: "PAID" } });
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID", amount: 49 }]);
    expect((await shown(world, "ada"))[0]?.overpaid).toBeUndefined();
  });

  test("a refund that is told before anybody knows what was paid waits for it", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    await ok(buy(world, plan));
    const refund: ProviderFact = {
      kind: "refunded",
      paymentIntentId: "pi_x",
      refundedMinorTotal: 900,
      currency: "USD",
    };
    expect(await tell(world, id, refund, "evt_refund")).toBe("waits");
    expect(await tell(world, id, refund, "evt_refund")).toBe("repeated");
    await evictDurableObject(world.object(id));
    const pageId = world.double.page.id;
    const done = {
      kind: "page_completed",
      pageId,
      isPaid: true,
      isProcessing: false,
      paymentIntentId: "pi_x",
    } as const;
    await tell(world, id, done);
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID", refundedAmount: 9 }]);
  });

  // The key of a call is made of what it is for, so a repeat is known as one.
  test("an answer that was lost is heard by the next attempt, and nothing is charged twice", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await cardholder(world);
    world.double.mood = "lost";
    expect(await ok(buy(world, plan))).toMatchObject({ invoice: { status: "DUE" } });
    await evictDurableObject(world.object(id));
    clockAt("2030-03-05T10:31:00Z");
    await runDurableObjectAlarm(world.object(id));
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID" }]);
    expect(world.double.charges.size).toBe(1);
  });

  // After a day the provider has forgotten the key, and would do the same once more.
  test("what may be older than the provider remembers is looked for before it is sent again", async ({ expect }) => {
    for (const method of ["pm_good", undefined]) {
      const world = await payingWorld();
      const plan = await sell(world, "pro", { priceAmount: 49 });
      const id = method === undefined ? await customer(world) : await cardholder(world);
      if (method === undefined) world.double.customers.clear();
      world.double.meanwhile = async (call) => {
        if (call === "charge" || call === "createPage") world.double.mood = "lost";
      };
      await ok(buy(world, plan));
      world.double.meanwhile = undefined;
      world.double.forgetKeys();
      clockAt(new Date(Date.now() + 23 * HOUR + 1).toISOString());
      await runDurableObjectAlarm(world.object(id));
      expect(world.double.charges.size + world.double.pages.size).toBe(1);
      expect(world.double.calls).toContain(method === undefined ? "findPage" : "findCharge");
      expect(await shown(world, "ada")).toMatchObject([{ status: method === undefined ? "DUE" : "PAID" }]);
      clockAt("2030-03-05T10:30:00Z");
    }
  });

  // Somebody saved a method, the answer was lost, and no row remembered it: a day later there would have been two of them.
  test("a customer whose making nobody heard of is looked for a day later, whoever asked for it", async ({
    expect,
  }) => {
    const world = await payingWorld();
    await customer(world);
    const begin = () => world.call("POST", `${CLIENT}/customers/ada/payment-methods/setup-intent`);
    world.double.mood = "lost";
    expect((await begin()).status).toBe(503);
    world.double.forgetKeys();
    clockAt(new Date(Date.now() + 23 * HOUR + 1).toISOString());
    expect((await begin()).status).toBe(200);
    expect(world.double.customers.size).toBe(1);
    // Who was found is known: nobody is looked for again.
    await ok(begin());
    expect(world.double.calls.filter((call) => call === "findCustomer")).toHaveLength(1);
  });

  test("a page that is made while its customer is erased leads nobody to it", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "later", { priceAmount: 20, billingTiming: "IN_ARREARS" });
    const id = await customer(world);
    const { subscription } = await ok(buy(world, plan));
    clockAt("2030-03-10T10:30:00Z");
    await ok(world.call("POST", `${CLIENT}/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`));
    const due = (await shown(world, "ada")).find(({ status }) => status === "DUE");
    world.double.meanwhile = async (call) => {
      if (call === "createPage") await ok(world.call("DELETE", `${ADMIN}/customers/${id}`));
    };
    await world.call("POST", `${ADMIN}/billing/invoices/${due?.id}/checkout-link`);
    world.double.meanwhile = undefined;
    expect(await ok(world.call("GET", `${ADMIN}/billing/invoices/${due?.id}`))).not.toHaveProperty("checkoutUrl");
    const kept = await runInDurableObject(world.object(id), (object) =>
      sqlOf(object).exec("SELECT body FROM invoices UNION ALL SELECT body FROM payments").toArray(),
    );
    expect(world.double.page.status).toBe("open");
    expect(JSON.stringify(kept)).not.toContain(world.double.page.url);
  });

  test("a void invoice has no page any more, and money that comes all the same revives nothing", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    const { subscription, invoice } = await ok(buy(world, plan));
    const { page } = world.double;
    const paymentIntentId = world.double.complete(page);
    await ok(world.call("POST", `${ADMIN}/billing/invoices/${invoice.id}/void`));
    // The provider says, when asked to close it, that it was paid.
    await runDurableObjectAlarm(world.object(id));
    expect(await shown(world, "ada")).toMatchObject([{ status: "CANCELLED", overpaid: { amount: 49, state: "OPEN" } }]);
    expect(await read(world, subscription)).toMatchObject({ status: "CANCELLED" });
    await tell(world, id, {
      kind: "page_completed",
      pageId: page.id,
      isPaid: true,
      isProcessing: false,
      paymentIntentId,
    });
    expect(await shown(world, "ada")).toMatchObject([{ status: "CANCELLED", overpaid: { amount: 49 } }]);
  });

  test("credits that are paid while their pool is frozen come into it; into an archived one none, and the money is owed back", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const id = await customer(world);
    const poolId = await pool(world, id);
    for (const [what, overpaid] of [
      ["freeze", undefined],
      ["archive", { amount: 50, refundedAmount: 0, state: "OPEN" }],
    ] as const) {
      await purchase(world, poolId);
      await ok(world.call("POST", `${ADMIN}/credits/pools/${poolId}/${what}`));
      await paid(world, id);
      const [invoice] = await shown(world, "ada");
      expect(invoice).toMatchObject({ status: "PAID", amount: 50 });
      expect(invoice?.overpaid).toEqual(overpaid);
      expect(await balance(world, poolId)).toBe(500);
      if (what === "freeze") await ok(world.call("POST", `${ADMIN}/credits/pools/${poolId}/unfreeze`));
    }
    expect(await ok(world.call("GET", `${ADMIN}/customers/${id}/books`))).toMatchObject({ holds: true });
  });

  test("a key that is gone when a renewal falls due: nothing is asked, and the method is charged again like a declined one", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 20 });
    const { advance } = await clock(world, "2027-01-15T00:00:00Z");
    await saveCard(world);
    await ok(buy(world, plan));
    DOUBLES.delete(world.accountId);
    await advance("2027-02-15T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "DUE" });
    DOUBLES.set(world.accountId, world.double);
    await advance("2027-02-15T23:59:59Z");
    expect(world.double.moneyMinor).toBe(2000);
    await advance("2027-02-16T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAID" });
    expect(world.double.moneyMinor).toBe(4000);
  });

  test("another plan while the first invoice is unpaid: its page is closed, and the new invoice has one", async ({
    expect,
  }) => {
    const world = await payingWorld();
    const [small, large] = [await sell(world, "s", { priceAmount: 10 }), await sell(world, "l", { priceAmount: 30 })];
    await customer(world);
    const first = await ok(buy(world, small));
    const change = { changeToPlanId: large, changeType: "UPGRADE" };
    const path = `${CLIENT}/subscriptions/${first.subscription.id}/plan-change`;
    const changed = await ok(world.call<Sold>("POST", path, change));
    expect(changed.checkoutUrl).not.toBe(first.checkoutUrl);
    expect(world.double.openPages()).toMatchObject([{ amountMinor: 3000 }]);
  });

  test("however a page is closed while a method is charged, money comes once", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    const { subscription } = await ok(buy(world, plan));
    // The customer pays the page in the very moment in which a method is charged instead.
    world.double.complete(world.double.page);
    const sold = await ok(buy(world, plan, { paymentMethodId: "pm_good" }));
    expect(sold).toMatchObject({ subscription: { status: "ACTIVE" }, invoice: { status: "PAID" } });
    await runDurableObjectAlarm(world.object(id));
    expect(world.double.moneyMinor).toBe(4900);
    expect(world.double.calls).not.toContain("charge");
    expect(await read(world, subscription)).toMatchObject({ status: "ACTIVE" });
  });

  test("a call that fails for two days is parked and shown, and asked for again it is made", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await customer(world);
    world.double.mood = "away";
    const { subscription } = await ok(buy(world, plan));
    let waits = 0;
    for (; (await world.object(id).health()).parkedRows === 0; waits += 1) {
      if (waits > 100) throw new Error("nothing is parked");
      clockAt(new Date(Date.now() + HOUR).toISOString());
      await runDurableObjectAlarm(world.object(id));
    }
    expect(waits).toBeGreaterThan(48);
    world.double.mood = "fine";
    expect(await checkout(world, subscription)).toMatchObject({ status: 200 });
    expect(await world.object(id).health()).toMatchObject({ parkedRows: 0 });
  });

  test("a customer without an e-mail that could be one is made at the provider all the same", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const made = { customerReferenceId: "ada", email: "not @ one" };
    await ok(world.call("POST", `${CLIENT}/customers`, made));
    expect((await ok(subscribe(world, "ada", plan))) as Sold).toMatchObject({ checkoutUrl: world.double.page.url });
  });

  test("a customer who was deleted at the provider is made anew, without the old method", async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    const id = await cardholder(world);
    const [old] = world.double.customers.keys();
    await tell(world, id, { kind: "customer_deleted", providerCustomerId: old ?? "" });
    expect(await ok(buy(world, plan))).toMatchObject({
      invoice: { status: "DUE" },
      checkoutUrl: world.double.page.url,
    });
    expect(world.double.page.providerCustomerId).not.toBe(old);
  });

  // Every statement of the object fails once, and then the object is lost: who asks again finds the books before it or after it.
  test("whichever statement of a charge fails, the money comes once", { timeout: 120_000 }, async ({ expect }) => {
    const world = await payingWorld();
    const plan = await sell(world, "pro", { priceAmount: 49 });
    let n = 0;
    for (let isOver = false; !isOver; n += 1) {
      const reference = `ada${n}`;
      const id = await cardholder(world, reference);
      const before = world.double.moneyMinor;
      const buyIt = () => subscribe(world, reference, plan, { "Idempotency-Key": reference });
      const { result, statements } = await withSqlFault(world.object(id), n + 1, buyIt);
      isOver = statements <= n;
      if (!isOver) expect([201, 500]).toContain(result.status);
      await recover(world, id);
      expect((await buyIt()).status).toBe(201);
      await recover(world, id);
      expect(await shown(world, reference)).toMatchObject([{ status: "PAID", paidBy: "STRIPE" }]);
      expect(world.double.moneyMinor - before).toBe(4900);
    }
    expect(n).toBeGreaterThan(20);
  });

  test("whichever statement fails while a payment is told, it counts once", { timeout: 120_000 }, async ({
    expect,
  }) => {
    const world = await payingWorld();
    const first = await customer(world, "first");
    await pool(world, first);
    let n = 0;
    for (let isOver = false; !isOver; n += 1) {
      const customerReferenceId = `ada${n}`;
      const id = await customer(world, customerReferenceId);
      const made = { name: "P", denomination: "AI", customerId: id };
      const { id: poolId } = await ok(world.call<{ id: string }>("POST", `${ADMIN}/credits/pools`, made));
      expect(await purchase(world, poolId, { customerReferenceId })).toMatchObject({ status: 402 });
      const { page } = world.double;
      const fact: ProviderFact = {
        kind: "page_completed",
        pageId: page.id,
        isPaid: true,
        isProcessing: false,
        paymentIntentId: world.double.complete(page),
      };
      const told = () => tell(world, id, fact, `evt_crash_${n}`).catch(() => "crashed");
      const { statements } = await withSqlFault(world.object(id), n + 1, told);
      isOver = statements <= n;
      await recover(world, id);
      expect(["handled", "repeated"]).toContain(await told());
      expect(await balance(world, poolId)).toBe(500);
      expect(await shown(world, customerReferenceId)).toMatchObject([{ status: "PAID", amount: 50 }]);
      const books = await ok(world.call<{ holds: boolean }>("GET", `${ADMIN}/customers/${id}/books`));
      expect(books).toMatchObject({ holds: true });
    }
    expect(n).toBeGreaterThan(10);
  });

  test("what grows with history is read by index", async ({ expect }) => {
    const world = await payingWorld();
    const id = await customer(world);
    const plans = await runInDurableObject(world.object(id), (_, { storage: { sql } }) => {
      const asked: string[] = [];
      const noted = {
        exec: (query: string, ...bound: (string | number)[]) => {
          const rows = sql.exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...bound).toArray();
          asked.push(rows.map(({ detail }) => detail).join("; "));
          return sql.exec(query, ...bound);
        },
      } as unknown as SqlStorage;
      readPayment(noted, 1);
      readPaymentWithPage(noted, "cs");
      readPaymentWithIntent(noted, "pi");
      newestPaymentFor(noted, 1);
      readLast(noted);
      knowsEvent(noted, "evt");
      takeWaiting(noted, "pi");
      waitingCalls(noted);
      return asked;
    });
    expect(plans).toHaveLength(8);
    // Calls that wait are a handful; they are put in order as they come.
    const ordered = plans.pop();
    expect(ordered).toMatch(/^SEARCH outbox USING PRIMARY KEY/);
    for (const plan of plans) expect(plan).toMatch(/^SEARCH (?!.*(TEMP B-TREE|SCAN))/);
  });
});

/** The object is lost and comes back; whatever waits, waits no longer. */
async function recover(world: PayingWorld, id: string): Promise<void> {
  await evictDurableObject(world.object(id));
  clockAt(new Date(Date.now() + 10_000).toISOString());
  await runDurableObjectAlarm(world.object(id));
}
