import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { takeUpWaiting } from "../../src/clearing/webhooks.ts";
import { SWEEP_OVERDUE_MS } from "../../src/domain/limits.ts";
import { sweepOverdue } from "../../src/scheduled.ts";
import { type Shown, shown } from "../support/paying.ts";
import { customer, ok, read, sell } from "../support/sale.ts";
import {
  API,
  askedToPay,
  connect,
  connectedStripe,
  deliver,
  type Sold,
  type StripeHere,
} from "../support/stripe-here.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Mistakes in collecting money, by the name of what went wrong, where they would show: over HTTP, beside a double of Stripe. */

afterEach(() => {
  vi.useRealTimers();
});

const CLIENT = "/api/v1/client";
const ADMIN = "/api/v1/monetization";
const SETTINGS = "/api/v1/account/settings";

type Link = { url: string; checkoutSessionId: string };
type Session = { id: string; status: string };

/** An account that collects through Stripe, and what a customer of it buys costs 20 a month. */
async function shop(settings: Record<string, unknown> = {}): Promise<{ world: World; stripe: StripeHere }> {
  const world = await newWorld();
  const stripe = await connectedStripe(world);
  await ok(world.call("PATCH", SETTINGS, { stripeMode: "PAYMENT_PASS_THROUGH", ...settings }));
  await sell(world, "pro", { priceAmount: 20 });
  return { world, stripe };
}

function buy(world: World, more: Record<string, unknown> = {}) {
  return world.call<Sold>("POST", `${CLIENT}/subscriptions`, { customerReferenceId: "ada", planId: "pro", ...more });
}

function checkout(world: World, { id }: { id: string }) {
  return world.call<Link>("POST", `${CLIENT}/billing/subscriptions/${id}/stripe/checkout`);
}

const pageIn = (url = ""): string => url.split("/").at(-1) ?? "";

/** What was charged or asked for at Stripe since. */
async function asked(stripe: StripeHere): Promise<number> {
  const calls = [...(await stripe.calls("/v1/payment_intents")), ...(await stripe.calls("/v1/checkout/sessions"))];
  return calls.filter(({ method }) => method === "POST").length;
}

/** A customer of a test clock. */
async function onClock(world: World, frozenTime: string) {
  const clock = await ok(world.call<{ id: string }>("POST", "/api/v1/test-clocks", { name: "c", frozenTime }));
  const made = { customerReferenceId: "ada", email: "ada@mail.test", testClockId: clock.id };
  const { id } = await ok(world.call<{ id: string }>("POST", `${CLIENT}/customers`, made));
  const advance = (to: string) => ok(world.call("POST", `/api/v1/test-clocks/${clock.id}/advance`, { frozenTime: to }));
  return { id, advance };
}

/** The same with a saved card. */
async function clocked(world: World, frozenTime: string) {
  const { advance } = await onClock(world, frozenTime);
  await ok(world.call("POST", `${CLIENT}/customers/ada/payment-methods/default`, { paymentMethodId: "pm_card_visa" }));
  return advance;
}

/** Deletes the customer that was made at Stripe last. */
async function deleteNewest(stripe: StripeHere): Promise<void> {
  const { data } = (await stripe.events("customer.created")).at(-1) ?? {};
  await stripe.deleteCustomer(String((data?.object as { id?: string } | undefined)?.id));
}

/** Ada paid 10 by a page for a month, leaves in its first instant, and is owed nearly all of it. */
async function owed() {
  const asked = await askedToPay();
  await asked.stripe.pay(asked.pageId);
  await deliver(asked.stripe);
  const { world, sold } = asked;
  await ok(world.call("POST", `${CLIENT}/subscriptions/cancellation/${sold.subscription.id}?cancelMode=IMMEDIATE`));
  return {
    ...asked,
    payOut: (body: Record<string, unknown>) => world.call("POST", PAYOUT, { currency: "USD", ...body }),
  };
}

const PAYOUT = `${ADMIN}/customers/ada/balance/payout`;

async function owedNow(world: World): Promise<number | undefined> {
  const path = `${ADMIN}/customers/ada/balance`;
  return (await ok(world.call<{ balances: { amount: number }[] }>("GET", path))).balances[0]?.amount;
}

describe("does", () => {
  test("an account that turned payments off charges nobody when a renewal falls due by itself", async ({ expect }) => {
    const { world, stripe } = await shop();
    const advance = await clocked(world, "2027-01-15T00:00:00Z");
    expect(await ok(buy(world))).toMatchObject({ invoice: { status: "PAID" } });
    const before = await asked(stripe);
    await ok(world.call("PATCH", SETTINGS, { stripeMode: "NONE" }));
    await advance("2027-02-15T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "DUE" });
    expect(await asked(stripe)).toBe(before);
    // On again, the grace that is left has its retry.
    await ok(world.call("PATCH", SETTINGS, { stripeMode: "PAYMENT_PASS_THROUGH" }));
    const link = await world.call<Link>(
      "POST",
      `${ADMIN}/billing/invoices/${(await shown(world, "ada"))[0]?.id}/checkout-link`,
    );
    expect(link).toMatchObject({ status: 200 });
  });

  test("a charge that no key was there for is tried again a day later, with the key that is there then", async ({
    expect,
  }) => {
    const { world, stripe } = await shop();
    const advance = await clocked(world, "2027-01-15T00:00:00Z");
    await ok(buy(world));
    const before = await asked(stripe);
    await ok(world.call("DELETE", API));
    await advance("2027-02-15T12:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "DUE" });
    await ok(connect(world, stripe.key));
    expect(await asked(stripe)).toBe(before);
    await advance("2027-02-16T00:00:00Z");
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAID" });
  });

  test("a customer deleted at Stripe of whom nobody told is made anew when a page is wanted", async ({ expect }) => {
    const { world, stripe, sold, pageId } = await askedToPay();
    await stripe.expire(pageId);
    await deliver(stripe, ["checkout.session.expired"]);
    await deleteNewest(stripe);
    const link = await checkout(world, sold.subscription);
    expect(link).toMatchObject({ status: 200 });
    await stripe.pay(pageIn(link.data.url));
    await deliver(stripe);
    expect(await read(world, sold.subscription)).toMatchObject({ status: "ACTIVE" });
  });

  test("a saved card whose customer was deleted at Stripe falls back to a page of a new one", async ({ expect }) => {
    const { world, stripe } = await shop();
    await customer(world);
    await ok(
      world.call("POST", `${CLIENT}/customers/ada/payment-methods/default`, { paymentMethodId: "pm_card_visa" }),
    );
    await deleteNewest(stripe);
    const sold = await ok(buy(world));
    expect(sold).toMatchObject({ invoice: { status: "DUE" }, checkoutUrl: expect.any(String) });
    await stripe.pay(pageIn(sold.checkoutUrl));
    await deliver(stripe);
    expect(await read(world, sold.subscription)).toMatchObject({ status: "ACTIVE" });
    // Deleted once more, the first one is not taken again.
    await deleteNewest(stripe);
    await deliver(stripe);
    await sell(world, "other", { priceAmount: 5 });
    expect(await ok(buy(world, { planId: "other" }))).toMatchObject({ checkoutUrl: expect.any(String) });
  });

  test("overpaid money is given back when the setting says so by the time it comes", async ({ expect }) => {
    const { world, stripe, sold, pageId } = await askedToPay();
    await ok(world.call("PATCH", SETTINGS, { refundOverpayments: true }));
    await stripe.pay(pageId);
    await ok(world.call("POST", `${CLIENT}/billing/invoices/${(await shown(world, "ada"))[0]?.id}/mark-paid`));
    await deliver(stripe);
    const id = (await ok(world.call<{ id: string }>("GET", `${CLIENT}/customers/ada`))).id;
    // Its alarm may be at it already: then this waits for the same calls.
    await world.object(id).wake();
    expect(await shown(world, "ada")).toMatchObject([{ status: "PAID", overpaid: { state: "REFUNDED" } }]);
    expect(await stripe.money()).toMatchObject({ usd: { received: 1000, refunded: 1000 } });
    expect(await read(world, sold.subscription)).toMatchObject({ status: "ACTIVE" });
  });

  test("a purchase that Stripe never heard of stands in nobody's way", async ({ expect }) => {
    const { world, stripe } = await shop();
    const customerId = await customer(world);
    await ok(world.call("POST", `${ADMIN}/credits/models`, { name: "AI", denomination: "AI" }));
    const entries = [{ denomination: "AI", pricePerCredit: "0.10" }];
    await ok(
      world.call("POST", `${ADMIN}/credits/prices/publish`, { effectiveFrom: new Date().toISOString(), entries }),
    );
    clockAt(new Date(Date.now() + 20_000).toISOString());
    const made = { name: "P", denomination: "AI", customerId };
    const { id: creditPoolId } = await ok(world.call<{ id: string }>("POST", `${ADMIN}/credits/pools`, made));
    const purchase = (credits: number) =>
      world.call<{ checkoutUrl: string }>("POST", `${CLIENT}/credits/purchases`, {
        customerReferenceId: "ada",
        creditPoolId,
        credits,
      });
    await stripe.fail({ mode: "error" });
    expect(await purchase(500)).toMatchObject({ status: 503 });
    await stripe.heal();
    const back = await purchase(500);
    expect(back).toMatchObject({ status: 402, data: { checkoutUrl: expect.any(String), amountCharged: 50 } });
    // With a page the customer may be on it.
    expect(await purchase(700)).toMatchObject({ status: 409, data: { checkoutUrl: back.data.checkoutUrl } });
    await stripe.expire(pageIn(back.data.checkoutUrl));
    await deliver(stripe);
    await stripe.fail({ mode: "error" });
    expect(await purchase(500)).toMatchObject({ status: 503 });
    await stripe.heal();
    expect(await purchase(700)).toMatchObject({ status: 402, data: { amountCharged: 70 } });
  });

  test("a customer whose alarm was lost while Stripe was away is woken by the cron", async ({ expect }) => {
    const { world, stripe } = await shop();
    const id = await customer(world);
    await stripe.fail({ mode: "error" });
    const sold = await ok(buy(world));
    expect(sold.checkoutUrl).toBeUndefined();
    await stripe.heal();
    await world.flush(id);
    await runInDurableObject(world.object(id), (_, { storage }) => storage.deleteAlarm());
    clockAt(new Date(Date.now() + SWEEP_OVERDUE_MS + 3_600_000).toISOString());
    await sweepOverdue(env, Date.now());
    await world.flush(id);
    const [invoice] = (await shown(world, "ada")) as Shown[];
    expect(invoice).toMatchObject({ status: "DUE", checkoutUrl: expect.any(String) });
  });

  // The call behind the one that failed stayed overdue: an alarm rang at once, for as many times as calls waited.
  test("while Stripe is away all that is asked of it waits, and nobody is overdue", async ({ expect }) => {
    const { world, stripe } = await shop();
    await sell(world, "team", { priceAmount: 30 });
    const id = await customer(world);
    clockAt("2030-01-01T00:00:00Z");
    await stripe.fail({ mode: "error", times: 1000 });
    await ok(buy(world));
    await ok(buy(world, { planId: "team" }));
    await runInDurableObject(world.object(id), (_, { storage }) => storage.deleteAlarm());
    clockAt("2030-01-01T01:00:00Z");
    await sweepOverdue(env, Date.now());
    const told = env.DB.prepare("SELECT next_due_at_ms FROM customers WHERE account_id = ?").bind(world.accountId);
    expect(await told.first("next_due_at_ms")).toBeGreaterThan(Date.now());
    const alarmMs = await runInDurableObject(world.object(id), (_, { storage }) => storage.getAlarm());
    expect(alarmMs).toBeGreaterThan(Date.now());
  });

  test("a payout through Stripe gives back a payment, and the invoice that it paid stays as it is", async ({
    expect,
  }) => {
    const { world, stripe, payOut } = await owed();
    const before = (await owedNow(world)) ?? 0;
    expect(before).toBeGreaterThan(9);
    const body = { amount: 4, method: "REFUND", idempotencyKey: "p1" };
    expect(await payOut(body)).toMatchObject({ status: 201, data: { amount: -4, kind: "PAYOUT" } });
    expect(await payOut(body)).toMatchObject({ status: 200, data: { amount: -4 } });
    await deliver(stripe);
    expect(await stripe.money()).toMatchObject({ usd: { received: 1000, refunded: 400 } });
    expect(await owedNow(world)).toBeCloseTo(before - 4, 2);
    const paid = (await shown(world, "ada")).at(-1);
    expect(paid).toMatchObject({ status: "PAID", amount: 10 });
    expect(paid).not.toHaveProperty("refundedAmount");
    // A refund of somebody else's is the invoice's, as ever; and no payout goes beyond what is left.
    const [told] = await stripe.events("payment_intent.succeeded");
    await stripe.refund(String((told?.data.object as { id?: string } | undefined)?.id), 500);
    await deliver(stripe);
    expect((await shown(world, "ada")).at(-1)).toMatchObject({ refundedAmount: 5 });
    expect(await payOut({ amount: 2, method: "REFUND" })).toMatchObject({ status: 409 });
    expect(await payOut({ amount: 2 })).toMatchObject({ status: 201 });
  });

  // Their webhooks were kept as ignored, since the directory knew nobody by that id: the invoice went past due.
  test("money that comes on a page of a customer who was erased meanwhile pays the invoice, and nothing of them is kept", async ({
    expect,
  }) => {
    const { world, stripe } = await shop();
    await sell(world, "later", { priceAmount: 20, billingTiming: "IN_ARREARS" });
    const { id, advance } = await onClock(world, "2027-01-15T00:00:00Z");
    const sold = await ok(buy(world, { planId: "later" }));
    await ok(world.call("POST", `${CLIENT}/subscriptions/cancellation/${sold.subscription.id}`));
    await advance("2027-02-15T00:00:00Z");
    const due = (await shown(world, "ada")).find(({ status }) => status === "DUE");
    const invoice = `${ADMIN}/billing/invoices/${due?.id}`;
    const link = await ok(world.call<Link>("POST", `${invoice}/checkout-link`));
    await ok(world.call("DELETE", `${ADMIN}/customers/${id}`));
    // The page shows whose it is: nobody is led to it any more.
    expect(await ok(world.call("GET", invoice))).not.toHaveProperty("checkoutUrl");
    await world.flush(id);
    const copy = await env.DB.prepare("SELECT body FROM invoices WHERE invoice_id = ?").bind(due?.id).first("body");
    const kept = await runInDurableObject(world.object(id), (object) =>
      sqlOf(object).exec("SELECT body FROM invoices UNION ALL SELECT body FROM payments").toArray(),
    );
    expect(JSON.stringify([copy, kept])).not.toContain(link.url);
    await stripe.pay(pageIn(link.url));
    expect(await deliver(stripe)).not.toContain(500);
    expect(await ok(world.call("GET", invoice))).toMatchObject({ status: "PAID", paidBy: "STRIPE" });
    const { results } = await env.DB.prepare("SELECT body FROM webhook_events WHERE account_id = ? AND customer_id = ?")
      .bind(world.accountId, id)
      .all();
    expect(results.length).toBeGreaterThan(0);
    expect(results.filter(({ body }) => body !== "{}")).toEqual([]);
  });

  // It was forgotten: the balance stayed less by it, and nothing was ever given back.
  test("a payout through Stripe that waits outlives the account's key", async ({ expect }) => {
    const { world, stripe, customerId, payOut } = await owed();
    await stripe.fail({ mode: "error", times: 100 });
    await ok(payOut({ amount: 4, method: "REFUND" }));
    await ok(world.call("DELETE", API));
    await stripe.heal();
    clockAt(new Date(Date.now() + 3_600_000).toISOString());
    await world.object(customerId).wake();
    expect(await stripe.money()).toMatchObject({ usd: { refunded: 0 } });
    await ok(connect(world, stripe.key));
    clockAt(new Date(Date.now() + 3_600_000).toISOString());
    await world.object(customerId).wake();
    expect(await stripe.money()).toMatchObject({ usd: { refunded: 400 } });
  });

  test.for([
    ["in order", ["charge.refunded", "charge.refund.updated", "refund.failed"]],
    ["the other way round", ["refund.failed", "charge.refund.updated", "charge.refunded"]],
  ] as const)(
    "a payout through Stripe that the customer's bank does not take is in the balance again: told %s",
    async ([, types], { expect }) => {
      const { world, stripe, customerId, payOut } = await owed();
      await deliver(stripe);
      const before = await owedNow(world);
      await ok(payOut({ amount: 4, method: "REFUND" }));
      const [made] = await stripe.events("refund.created");
      await stripe.failRefund(String(made?.data.object.id));
      expect(await stripe.money()).toMatchObject({ usd: { received: 1000, refunded: 0 } });
      for (const type of types) await deliver(stripe, [type]);
      expect(await owedNow(world)).toBe(before);
      const ledger = await ok(world.call<{ items: object[] }>("GET", `${ADMIN}/customers/ada/balance`));
      expect(JSON.stringify(ledger)).toContain(`failed: ${made?.data.object.id}`);
      const told = async () => {
        const { items } = await ok(world.call<{ items: { action: string }[] }>("GET", "/api/v1/account/audit-log"));
        return items.filter(({ action }) => action === "balance.payout_returned");
      };
      const entry = { target: customerId, actor: { hint: "Stripe" }, after: { currency: "USD", amountMinor: 400 } };
      expect(await told()).toMatchObject([entry]);
      // D1 may fail between the effect and its entry: then the event is taken up once more.
      await env.DB.prepare("DELETE FROM audit_log WHERE action = 'balance.payout_returned'").run();
      for (let time = 0; time < 2; time += 1) {
        const again =
          "UPDATE webhook_events SET state = 'FAILED', attempts = 1, next_attempt_at_ms = 0 WHERE account_id = ?";
        await env.DB.prepare(again).bind(world.accountId).run();
        await takeUpWaiting(env, Date.now());
        expect(await told()).toMatchObject([entry]);
      }
      expect((await shown(world, "ada")).at(-1)).toMatchObject({ status: "PAID", amount: 10 });
      expect((await shown(world, "ada")).at(-1)).not.toHaveProperty("refundedAmount");
      // Its bank takes no refund: the next payout goes another way.
      expect(await payOut({ amount: 4, method: "REFUND" })).toMatchObject({ status: 409 });
      expect(await payOut({ amount: 4 })).toMatchObject({ status: 201 });
      const books = await ok(world.call<{ holds: boolean }>("GET", `${ADMIN}/customers/${customerId}/books`));
      expect(books).toMatchObject({ holds: true });
    },
  );

  test("a refund that fails days later: what it gave back of an invoice is paid again", async ({ expect }) => {
    const { world, stripe, pageId, sold } = await askedToPay();
    const { payment_intent: intent } = await stripe.pay(pageId);
    await deliver(stripe);
    const refunds = [await stripe.refund(String(intent), 300), await stripe.refund(String(intent), 500)];
    await deliver(stripe);
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAID", refundedAmount: 8 });
    await stripe.failRefund(refunds[0]?.id ?? "");
    await deliver(stripe);
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAID", refundedAmount: 5 });
    await stripe.failRefund(refunds[1]?.id ?? "");
    await deliver(stripe);
    expect((await shown(world, "ada"))[0]).not.toHaveProperty("refundedAmount");
    // Its time counts as paid again: who leaves at once gets it back.
    await ok(world.call("POST", `${CLIENT}/subscriptions/cancellation/${sold.subscription.id}?cancelMode=IMMEDIATE`));
    expect(await owedNow(world)).toBeGreaterThan(9);
  });

  test("a refund that failed, told of only after the next one came, takes nothing of that one", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    const { payment_intent: intent } = await stripe.pay(pageId);
    await deliver(stripe);
    const { id } = await stripe.refund(String(intent), 800);
    await deliver(stripe);
    expect((await shown(world, "ada"))[0]).toMatchObject({ refundedAmount: 8 });
    await stripe.failRefund(id);
    await stripe.refund(String(intent), 500);
    await deliver(stripe, ["charge.refunded"]);
    expect((await shown(world, "ada"))[0]).toMatchObject({ refundedAmount: 5 });
    await deliver(stripe);
    expect((await shown(world, "ada"))[0]).toMatchObject({ status: "PAID", refundedAmount: 5 });
  });

  test("money paid twice is shown as overpaid again once its refund failed", async ({ expect }) => {
    const { world, stripe, pageId, customerId } = await askedToPay();
    await ok(world.call("PATCH", SETTINGS, { refundOverpayments: true }));
    await stripe.pay(pageId);
    await ok(world.call("POST", `${CLIENT}/billing/invoices/${(await shown(world, "ada"))[0]?.id}/mark-paid`));
    await deliver(stripe);
    await world.object(customerId).wake();
    const over = async () => (await shown(world, "ada"))[0]?.overpaid;
    expect(await over()).toMatchObject({ amount: 10, refundedAmount: 10, state: "REFUNDED" });
    const [made] = await stripe.events("refund.created");
    await stripe.failRefund(String(made?.data.object.id));
    await deliver(stripe);
    expect(await over()).toMatchObject({ amount: 10, refundedAmount: 0, state: "OPEN" });
  });

  test("a saved card that was taken off the customer at Stripe is not charged any more", async ({ expect }) => {
    const { world, stripe } = await shop();
    await customer(world);
    const path = `${CLIENT}/customers/ada/payment-methods/default`;
    await ok(world.call("POST", path, { paymentMethodId: "pm_card_visa" }));
    const [attached] = await stripe.events("payment_method.attached");
    const methodId = String(attached?.data.object.id);
    await stripe.detach(methodId);
    await deliver(stripe);
    const sold = await ok(buy(world));
    expect(sold.checkoutUrl).toEqual(expect.any(String));
    expect(await stripe.calls("/v1/payment_intents")).toEqual([]);
  });

  test("a payment method's routes answer again under an Idempotency-Key, and refuse another request under it", async ({
    expect,
  }) => {
    const { world, stripe } = await shop();
    await customer(world);
    const methods = `${CLIENT}/customers/ada/payment-methods`;
    const once = { "Idempotency-Key": "once" };
    const choose = (paymentMethodId: string) => world.call("POST", `${methods}/default`, { paymentMethodId }, once);
    const begin = () => world.call<{ setup_intent_id: string }>("POST", `${methods}/setup-intent`, undefined, once);
    for (const ask of [() => choose("pm_card_visa"), begin]) {
      const [first, again] = [await ask(), await ask()];
      expect(first.status).toBe(200);
      expect([again.status, again.data]).toEqual([200, first.data]);
      expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    }
    expect(await choose("pm_card_mastercard")).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
    expect(await stripe.calls("/v1/setup_intents")).toHaveLength(1);
    // Whoever saves a method with it must not find it among what is stored.
    const { results } = await env.DB.prepare("SELECT * FROM requests").all();
    expect(JSON.stringify(results)).not.toContain("_secret_");
  });

  test("a customer made at Stripe while nobody waited is known by its id once an event tells of it", async ({
    expect,
  }) => {
    const { world, stripe } = await shop();
    const id = await customer(world);
    await stripe.fail({ mode: "error" });
    await ok(buy(world));
    await stripe.heal();
    clockAt(new Date(Date.now() + 60_000).toISOString());
    await runDurableObjectAlarm(world.object(id));
    const [invoice] = (await shown(world, "ada")) as Shown[];
    await stripe.pay(pageIn(invoice?.checkoutUrl));
    await deliver(stripe);
    const { stripeCustomerId } = await ok(world.call<{ stripeCustomerId?: string }>("GET", `${CLIENT}/customers/ada`));
    expect(stripeCustomerId).toMatch(/^cus_/);
    expect(await ok(world.call("GET", `${CLIENT}/customers/${stripeCustomerId}`))).toMatchObject({ id });
  });
});

describe("refuses", () => {
  test("what Stripe refuses to make a page for is a conflict, not something to wait for", async ({ expect }) => {
    const { world } = await shop();
    await customer(world);
    // More than a payment may be there.
    await sell(world, "vast", { priceAmount: 2_000_000 });
    const sold = await ok(buy(world, { planId: "vast" }));
    expect(sold.checkoutUrl).toBeUndefined();
    const refused = await checkout(world, sold.subscription);
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(refused.error.message).toContain("refused");
  });

  test("the mode alone, without a key, carries nothing over and asks for nothing", async ({ expect }) => {
    const { world } = await shop();
    await ok(world.call("DELETE", API));
    await sell(world, "tiny", { priceAmount: 0.2 });
    await customer(world);
    expect(await ok(buy(world, { planId: "tiny" }))).toMatchObject({
      subscription: { status: "INCOMPLETE" },
      invoice: { status: "DUE", amount: 0.2 },
    });
  });

  test("a payout through Stripe while the account takes no payments", async ({ expect }) => {
    const { world, payOut } = await owed();
    await ok(world.call("PATCH", SETTINGS, { stripeMode: "NONE" }));
    expect(await payOut({ amount: 1, method: "REFUND" })).toMatchObject({ status: 400 });
  });
});

describe("holds", () => {
  test("a session of a page says what became of it", async ({ expect }) => {
    const { world, stripe, sold, pageId } = await askedToPay();
    const session = () => ok(world.call<Session>("GET", `${CLIENT}/checkout-sessions/${sold.checkoutSessionId}`));
    expect(await session()).toMatchObject({ status: "PENDING" });
    await stripe.expire(pageId);
    await deliver(stripe);
    expect(await session()).toMatchObject({ status: "EXPIRED" });
  });

  test("a refund told before the money, in a currency that Stripe charges in steps, leaves nothing overpaid", async ({
    expect,
  }) => {
    const { world, stripe } = await shop();
    await customer(world);
    await sell(world, "dinar", { priceAmount: 10.004, currency: "KWD" });
    const sold = await ok(buy(world, { planId: "dinar" }));
    const { payment_intent: intent } = await stripe.pay(pageIn(sold.checkoutUrl));
    await stripe.refund(String(intent), 5_000);
    await deliver(stripe, ["charge.refunded"]);
    await deliver(stripe);
    const [invoice] = await shown(world, "ada");
    expect(invoice).toMatchObject({ status: "PAID", refundedAmount: 5 });
    expect(invoice).not.toHaveProperty("overpaid");
  });

  test("a payout through Stripe of thousandths that Stripe does not give back", async ({ expect }) => {
    const { world } = await shop();
    await customer(world);
    const path = `${ADMIN}/customers/ada/balance/payout`;
    expect(await world.call("POST", path, { currency: "KWD", amount: 1.004, method: "REFUND" })).toMatchObject({
      status: 400,
      error: { fields: [{ path: "amount" }] },
    });
  });

  test("a method saved by a customer who was deleted at Stripe is not charged", async ({ expect }) => {
    const { world, stripe } = await shop();
    await customer(world);
    const path = `${CLIENT}/customers/ada/payment-methods/setup-intent`;
    const setup = await ok(world.call<{ setup_intent_id: string }>("POST", path));
    await stripe.finishSetup(setup.setup_intent_id, "pm_card_visa");
    await deleteNewest(stripe);
    await deliver(stripe, ["customer.deleted"]);
    await deliver(stripe);
    expect(await ok(buy(world))).toMatchObject({ checkoutUrl: expect.any(String) });
    expect(await stripe.calls("/v1/payment_intents")).toEqual([]);
  });

  test("payouts through Stripe wait while Stripe is away, and what it refuses is owed again", async ({ expect }) => {
    const { world, stripe, customerId, payOut } = await owed();
    const before = (await owedNow(world)) ?? 0;
    await stripe.fail({ mode: "lost", path: "/v1/refunds" });
    expect(await payOut({ amount: 4, method: "REFUND" })).toMatchObject({ status: 201 });
    await stripe.heal();
    clockAt(new Date(Date.now() + 60_000).toISOString());
    await runDurableObjectAlarm(world.object(customerId));
    expect(await stripe.money()).toMatchObject({ usd: { refunded: 400 } });
    // Another refund that nobody has told yet: there is too little left.
    const [told] = await stripe.events("payment_intent.succeeded");
    await stripe.fail({ mode: "error", path: "/v1/refunds" });
    expect(await payOut({ amount: 5, method: "REFUND" })).toMatchObject({ status: 201 });
    await stripe.heal();
    await stripe.dispute(String((told?.data.object as { id?: string } | undefined)?.id));
    clockAt(new Date(Date.now() + 60_000).toISOString());
    await runDurableObjectAlarm(world.object(customerId));
    expect(await stripe.money()).toMatchObject({ usd: { refunded: 400 } });
    expect(await owedNow(world)).toBeCloseTo(before - 4, 2);
    const books = await ok(world.call<{ holds: boolean }>("GET", `${ADMIN}/customers/${customerId}/books`));
    expect(books).toMatchObject({ holds: true });
  });
});
