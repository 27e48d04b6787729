import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { lastReconciliation } from "../../src/catalog/reconciliations.ts";
import { accountsToReconcile } from "../../src/catalog/stripe-connections.ts";
import { reconcile as goOn, reconcileDue } from "../../src/clearing/reconcile.ts";
import { DAY_MS, PROCESSING_MS_MAX, RECONCILE_FRESH_MS, RECONCILE_PAYMENTS_PER_PAGE } from "../../src/domain/limits.ts";
import { paidInvoices } from "../../src/ledger/provider-payments.ts";
import { openProvider } from "../../src/payments/open.ts";
import { runScheduled } from "../../src/scheduled.ts";
import { queryPlans } from "../support/d1.ts";
import { customer, invoicesOf, pay, sell, subscribe } from "../support/sale.ts";
import { askedToPay, connectedStripe, deliver, type StripeHere } from "../support/stripe-here.ts";
import { newWorld, type World } from "../support/world.ts";

const PATH = "/api/v1/data/stripe/reconcile";

type Run = { id: string; state: string; payments: number; invoices: number; differences: number; failure?: string };
type Found = {
  severity: string;
  kind: string;
  customerId?: string;
  invoiceId?: string;
  ours?: number;
  theirs?: number;
};

function reconcile(world: World) {
  return world.call<Run>("POST", PATH);
}

async function found(world: World): Promise<Found[]> {
  return (await world.call<{ items: Found[] }>("GET", PATH)).data.items;
}

async function intentOf(stripe: StripeHere): Promise<string> {
  const [page] = await stripe.events("checkout.session.completed");
  return String(page?.data.object.payment_intent);
}

/** From now on everything that happened is older than what may still be on its way. */
function later(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + RECONCILE_FRESH_MS + 60_000 });
}

afterEach(() => {
  vi.useRealTimers();
});

describe("does", () => {
  test("books that agree have no difference", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    expect(await world.call("GET", PATH)).toMatchObject({ status: 200, data: { items: [] } });
    await stripe.pay(pageId);
    await deliver(stripe);
    later();
    expect(await reconcile(world)).toMatchObject({
      status: 200,
      data: { state: "DONE", payments: 1, invoices: 1, differences: 0 },
    });
    expect(await found(world)).toEqual([]);
  });

  test("an invoice we call unpaid that Stripe has money for is found, and stays as it is", async ({ expect }) => {
    const { world, stripe, pageId, sold, customerId } = await askedToPay();
    await stripe.pay(pageId);
    expect((await reconcile(world)).data).toMatchObject({ state: "DONE", differences: 1 });
    expect(await found(world)).toMatchObject([{ severity: "INFO", kind: "PAID_THERE_ONLY" }]);
    later();
    await reconcile(world);
    expect(await found(world)).toMatchObject([
      { severity: "CRITICAL", kind: "PAID_THERE_ONLY", invoiceId: sold.invoice.id, customerId, ours: 0, theirs: 10 },
    ]);
    expect((await invoicesOf(world, "ada"))[0]).toMatchObject({ status: "DUE" });
  });

  // Each was told to be paid here only.
  test("what was paid before the time that is compared, and never compared, is no difference", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    await stripe.pay(pageId);
    await deliver(stripe);
    later();
    const since = new Date(Date.now() - 60_000).toISOString();
    // A payment that took days to come may have been asked for before: so those of some days before are compared, too.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + PROCESSING_MS_MAX });
    const late = await world.call("POST", PATH, { since: new Date(Date.now() - 60_000).toISOString() });
    expect(late).toMatchObject({ status: 200, data: { state: "DONE", payments: 0, differences: 0 } });
    expect(await world.call("POST", PATH, { since })).toMatchObject({ data: { payments: 1, differences: 0 } });
  });

  test("an invoice we call paid through Stripe that has no payment there is found", async ({ expect }) => {
    const { world, stripe, pageId, sold, customerId } = await askedToPay();
    await stripe.pay(pageId);
    await deliver(stripe);
    // As if Stripe's account had been swapped for another: what was paid there is not here.
    await stripe.reset();
    later();
    await reconcile(world);
    expect(await found(world)).toMatchObject([
      { severity: "CRITICAL", kind: "PAID_HERE_ONLY", invoiceId: sold.invoice.id, customerId, ours: 10, theirs: 0 },
    ]);
  });

  test("a refund we did not hear of is found until we do", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    await stripe.pay(pageId);
    await deliver(stripe);
    await stripe.refund(await intentOf(stripe), 300);
    await reconcile(world);
    expect(await found(world)).toMatchObject([{ severity: "WARNING", kind: "REFUND_DIFFERS", ours: 0, theirs: 3 }]);
    await deliver(stripe);
    await reconcile(world);
    expect(await found(world)).toEqual([]);
  });

  test("once a day it happens by itself", async ({ expect }) => {
    const { world, stripe, pageId } = await askedToPay();
    await stripe.pay(pageId);
    await runScheduled(env, Date.now());
    expect((await world.call<{ run?: Run }>("GET", PATH)).data.run).toBeUndefined();
    await runScheduled(env, Date.now() + DAY_MS + 60_000);
    expect((await world.call<{ run?: Run }>("GET", PATH)).data.run).toMatchObject({ state: "DONE", differences: 1 });
    expect(await accountsToReconcile(env.DB, Date.now() + DAY_MS + 60_000, 99)).not.toContain(world.accountId);
  });

  test("each comparison that was asked for is in the trail", async ({ expect }) => {
    const world = await newWorld();
    await connectedStripe(world);
    const { data } = await reconcile(world);
    const trail = await world.call<{ items: { action: string; target: string }[] }>("GET", "/api/v1/account/audit-log");
    expect(trail.data.items.find(({ action }) => action === "stripe.reconciled")).toMatchObject({ target: data.id });
  });
});

describe("refuses", () => {
  test("without Stripe connected, and while it is away; then it goes on where it stopped", async ({ expect }) => {
    const world = await newWorld();
    expect(await reconcile(world)).toMatchObject({ status: 409, error: { code: "conflict" } });
    const stripe = await connectedStripe(world);
    await stripe.fail({ mode: "error" });
    expect(await reconcile(world)).toMatchObject({ status: 503, error: { code: "unavailable" } });
    await stripe.heal();
    expect(await reconcile(world)).toMatchObject({ status: 200, data: { state: "DONE" } });
  });

  test("a key that may not read payments ends the run, and says why", async ({ expect }) => {
    const world = await newWorld();
    const stripe = await connectedStripe(world);
    await stripe.addKey("rk_test_double_reads_nothing", ["accounts_kyc_basic_read"]);
    await world.call("POST", "/api/v1/data/stripe/api", { clientStripeApiKey: "rk_test_double_reads_nothing" });
    const { data } = await reconcile(world);
    expect(data).toMatchObject({ state: "FAILED" });
    expect(data.failure).toMatch(/^unauthorized/);
  });
});

describe("holds", () => {
  test("what is paid by hand or from the balance is none of Stripe's", async ({ expect }) => {
    const world = await newWorld();
    await connectedStripe(world);
    await customer(world);
    await sell(world, "pro", { priceAmount: 10 });
    const { data } = await subscribe(world, "ada", "pro");
    await pay(world, data.invoice.id);
    later();
    expect((await reconcile(world)).data).toMatchObject({ invoices: 1, differences: 0 });
  });

  test("payments of another account of ours, or of nobody's, are not looked at", async ({ expect }) => {
    const { stripe, pageId } = await askedToPay();
    await stripe.pay(pageId);
    const other = await newWorld();
    await other.call("POST", "/api/v1/data/stripe/api", { clientStripeApiKey: stripe.key });
    expect((await reconcile(other)).data).toMatchObject({ state: "DONE", payments: 0, differences: 0 });
  });

  test("more payments than a page holds are compared page by page, each once, by as many calls as it takes", async ({
    expect,
  }) => {
    const { world, customerId } = await askedToPay();
    const provider = await openProvider(env, world.accountId);
    if (typeof provider === "string") throw new Error(provider);
    const made = await provider.findCustomer({ account: world.accountId, customer: customerId });
    const providerCustomerId = (made.ok ? made.value?.id : undefined) ?? "";
    const numbers = Array.from({ length: RECONCILE_PAYMENTS_PER_PAGE + 5 }, (_, index) => 1000 + index);
    for (const payment of numbers) {
      const charge = { providerCustomerId, paymentMethodId: "pm_card_visa", amountMinor: 500, currency: "USD" };
      const metadata = { account: world.accountId, customer: customerId, payment };
      const made = await provider.charge({ ...charge, description: "x", idempotencyKey: `k${payment}`, metadata });
      if (!made.ok) throw new Error(made.message);
    }
    const nowMs = Date.now() + RECONCILE_FRESH_MS + 60_000;
    const runs: unknown[] = [];
    for (let call = 0; call < 3; call += 1) runs.push(await goOn(env, world.accountId, undefined, nowMs, 1));
    expect(runs).toMatchObject([
      { state: "RUNNING", payments: RECONCILE_PAYMENTS_PER_PAGE, cursor: { phase: "payments" } },
      { state: "RUNNING", payments: numbers.length, cursor: { phase: "invoices" } },
      { state: "DONE", payments: numbers.length, differences: numbers.length },
    ]);
    const page = await world.call<{ items: Found[]; pagination: { total: number } }>("GET", `${PATH}?limit=200`);
    expect(page.data.pagination.total).toBe(numbers.length);
    const kinds = page.data.items.map(({ kind, severity }) => `${severity} ${kind}`);
    expect(new Set(kinds)).toEqual(new Set(["CRITICAL UNKNOWN_PAYMENT"]));
  });

  // Ten accounts of twenty pages of a hundred payments each would call 20,000 objects, twice what an invocation may.
  test("the cron goes through so many pages of all accounts together, in turns, until each is at its end", async ({
    expect,
  }) => {
    const worlds = [await newWorld(), await newWorld(), await newWorld()];
    for (const world of worlds) await connectedStripe(world);
    const ids = worlds.map(({ accountId }) => accountId);
    const atMs = Date.now() + DAY_MS + 60_000;
    // Nobody else of this file waits any more.
    await env.DB.prepare(
      "UPDATE stripe_connections SET reconcile_at_ms = IIF(account_id IN (SELECT value FROM json_each(?)), 1, NULL)",
    )
      .bind(JSON.stringify(ids))
      .run();
    const states = async () =>
      (await Promise.all(ids.map((id) => lastReconciliation(env.DB, id)))).map((run) => run?.state);
    const seen: unknown[] = [];
    for (let run = 0; run < 4; run += 1) {
      const { processed } = await reconcileDue(env, atMs + run, 2);
      seen.push([processed, (await states()).toSorted()]);
    }
    // A comparison without payments is two pages: one of payments, one of invoices.
    expect(seen).toEqual([
      [1, ["DONE", undefined, undefined]],
      [1, ["DONE", "DONE", undefined]],
      [1, ["DONE", "DONE", "DONE"]],
      [0, ["DONE", "DONE", "DONE"]],
    ]);
    await env.DB.prepare(
      "UPDATE stripe_connections SET reconcile_at_ms = 1 WHERE account_id IN (SELECT value FROM json_each(?))",
    )
      .bind(JSON.stringify(ids))
      .run();
    // One that is not at its end goes behind the others.
    for (let run = 0; run < 3; run += 1) await reconcileDue(env, atMs + DAY_MS + run, 1);
    expect(await states()).toEqual(["RUNNING", "RUNNING", "RUNNING"]);
    for (let run = 3; run < 6; run += 1) await reconcileDue(env, atMs + DAY_MS + run, 1);
    expect(await states()).toEqual(["DONE", "DONE", "DONE"]);
  });

  test("paid invoices and accounts that wait are found in an index, in order", async ({ expect }) => {
    const [first] = await queryPlans((db) => paidInvoices(db, "a", { createdAtMs: 5, invoiceId: "i" }, 9));
    expect(first).toMatch(/SEARCH i USING INDEX invoices_by_status/);
    expect(await queryPlans((db) => accountsToReconcile(db, 5, 9))).toEqual([
      expect.stringMatching(/SEARCH stripe_connections USING (COVERING )?INDEX stripe_connections_to_reconcile/),
    ]);
  });
});
