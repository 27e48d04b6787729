import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { CREDITS, creditModel, feature, PLANS, plan as soldPlan } from "../support/credits.ts";
import { active, customer, type Invoice, invoicesOf, ok, sell, subscribe } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Whatever an operator does that moves money or credits, the trail says who, in which request, what was before and what is since. */

const INVOICES = "/api/v1/monetization/billing/invoices";

type Entry = {
  action: string;
  target: string;
  actor: { keyId?: string; hint: string };
  requestId: string;
  before?: unknown;
  after?: unknown;
};

afterEach(() => {
  vi.useRealTimers();
});

/** The entries of one request, each of which has to name the key of `world`. */
async function entriesOf(
  world: World,
  requestId: string,
): Promise<Pick<Entry, "action" | "target" | "before" | "after">[]> {
  const { items } = await ok(world.call<{ items: Entry[] }>("GET", "/api/v1/account/audit-log?limit=200"));
  const keys = await ok(world.call<{ items?: { id: string }[] } | { id: string }[]>("GET", "/api/v1/account/api-keys"));
  const ids = (Array.isArray(keys) ? keys : (keys.items ?? [])).map(({ id }) => id);
  return items
    .filter((entry) => entry.requestId === requestId)
    .map(({ actor, action, target, before, after }) => {
      if (actor.keyId === undefined || !ids.includes(actor.keyId))
        throw new Error(`${action} names no key of the account`);
      return { action, target, before, after };
    });
}

let requests = 0;

/** Does something as the operator, and answers what it left in the trail. */
async function moved<T>(
  world: World,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ data: T; trail: Awaited<ReturnType<typeof entriesOf>> }> {
  requests += 1;
  const requestId = `request-${requests}`;
  const data = await ok(world.call<T>(method, path, body, { "X-Request-Id": requestId }));
  return { data, trail: await entriesOf(world, requestId) };
}

async function shop(): Promise<World> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld();
  await customer(world);
  return world;
}

/** `ada`'s renewal of 10 and 5 units at 0.10, DUE. */
async function renewal(world: World): Promise<Invoice> {
  await sell(world, "basic", { priceAmount: 10 }, { pricing: { model: "usage", price_per_unit: 0.1 } });
  await active(world, "ada", "basic");
  await ok(world.event({ customerReferenceId: "ada", featureKey: "chat.basic", usageUnits: 5 }));
  clockAt("2027-02-15T10:00:00Z");
  const [due] = await invoicesOf(world, "ada");
  if (due?.status !== "DUE") throw new Error("no renewal");
  return due;
}

describe("does", () => {
  test("an invoice marked as paid", async ({ expect }) => {
    const world = await shop();
    const { id, subscription } = await renewal(world);
    const was = { subscriptionId: subscription.id, status: "DUE", amount: 10.5, currency: "USD" };
    const { trail } = await moved(world, "POST", `${INVOICES}/${id}/mark-paid`);
    expect(trail).toEqual([{ action: "invoice.paid", target: id, before: was, after: { ...was, status: "PAID" } }]);
  });

  test("an invoice made void, and whether its usage is billed again", async ({ expect }) => {
    for (const rebill of [false, true]) {
      const world = await shop();
      const { id, subscription } = await renewal(world);
      const was = { subscriptionId: subscription.id, status: "DUE", amount: 10.5, currency: "USD" };
      const { trail } = await moved(world, "POST", `${INVOICES}/${id}/void${rebill ? "?rebill=true" : ""}`);
      expect(trail).toEqual([
        { action: "invoice.voided", target: id, before: was, after: { ...was, status: "VOID", rebill } },
      ]);
    }
  });

  test("a subscription settled by hand, and one that ended with money given back", async ({ expect }) => {
    const world = await shop();
    await sell(world, "basic", { priceAmount: 10 });
    const { subscription } = await ok(subscribe(world, "ada", "basic"));
    const path = `/api/v1/monetization/subscriptions/${subscription.id}`;
    const was = { planKey: "basic", planVersion: 1, status: "INCOMPLETE", gracePeriodDays: 3 };
    const begun = await moved(world, "POST", `${path}/activate`);
    expect(begun.trail).toEqual([
      { action: "subscription.activated", target: subscription.id, before: was, after: { ...was, status: "ACTIVE" } },
    ]);
    const ended = await moved(world, "POST", `${path}/cancel?cancelMode=IMMEDIATE`);
    expect(ended.trail).toMatchObject([
      { action: "subscription.cancelled", before: { status: "ACTIVE" }, after: { status: "CANCELLED" } },
    ]);
  });

  test("a payout of the balance", async ({ expect }) => {
    const world = await shop();
    await sell(world, "basic", { priceAmount: 10 });
    const { id, customer: owner } = await active(world, "ada", "basic");
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${id}?cancelMode=IMMEDIATE`));
    const { trail } = await moved(world, "POST", "/api/v1/monetization/customers/ada/balance/payout", {
      currency: "USD",
      amount: 4,
      reference: "SEPA 1",
    });
    expect(trail).toEqual([
      {
        action: "balance.paid_out",
        target: owner.id,
        before: { currency: "USD", balance: 10 },
        after: {
          currency: "USD",
          amount: -4,
          balance: 6,
          method: "RECORDED",
          reference: "SEPA 1",
          entryId: expect.any(String),
        },
      },
    ]);
  });

  test("an invoice that is marked as paid through the Client API", async ({ expect }) => {
    const world = await shop();
    await sell(world, "basic", { priceAmount: 10 });
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    const path = `/api/v1/client/billing/invoices/${invoice.id}/mark-paid`;
    expect((await moved(world, "POST", path)).trail).toMatchObject([
      { action: "invoice.paid", target: invoice.id, before: { status: "DUE" }, after: { status: "PAID", amount: 10 } },
    ]);
    expect((await moved(world, "POST", path)).trail).toEqual([]);
  });

  // D1 may fail between what the object did and its entry; the caller's own key then finds it done.
  test("what was done under a key of the body and has no entry yet gets one by a repeat, and only then", async ({
    expect,
  }) => {
    const world = await shop();
    await sell(world, "basic", { priceAmount: 10 });
    const { id, customer: owner } = await active(world, "ada", "basic");
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${id}?cancelMode=IMMEDIATE`));
    const made = { name: "P", denomination: "AI", customerId: owner.id };
    const { id: creditPoolId } = await ok(world.call<{ id: string }>("POST", `${CREDITS}/pools`, made));
    const given = { creditPoolId, amount: 50, grantType: "PROMOTIONAL", idempotencyKey: "g" };
    const asked = [
      ["/api/v1/monetization/customers/ada/balance/payout", { currency: "USD", amount: 4, idempotencyKey: "p" }],
      [`${CREDITS}/grants`, given],
      [`${CREDITS}/deductions`, { creditPoolId, amount: 5, idempotencyKey: "d" }],
    ] as const;
    for (const [path, body] of asked) {
      const { action = "", target } = (await moved(world, "POST", path, body)).trail[0] ?? {};
      expect((await moved(world, "POST", path, body)).trail).toEqual([]);
      await env.DB.prepare("DELETE FROM audit_log WHERE action = ?").bind(action).run();
      expect((await moved(world, "POST", path, body)).trail).toMatchObject([{ action, target }]);
      expect((await moved(world, "POST", path, body)).trail).toEqual([]);
    }
    // The same again, of one that is not the same.
    const [path] = asked[0];
    const other = { currency: "USD", amount: 4, idempotencyKey: "p2" };
    expect((await moved(world, "POST", path, other)).trail).toMatchObject([{ action: "balance.paid_out" }]);
  });

  test("a payment by hand that is repeated without a key is in the trail once, also where its entry was lost", async ({
    expect,
  }) => {
    const world = await shop();
    const { id } = await renewal(world);
    for (const path of [`${INVOICES}/${id}/mark-paid`, `/api/v1/client/billing/invoices/${id}/mark-paid`]) {
      await ok(world.call("POST", path));
      await env.DB.prepare("DELETE FROM audit_log WHERE action = 'invoice.paid'").run();
      const again = await moved<Invoice>(world, "POST", path);
      expect(again.data).toMatchObject({ status: "PAID" });
      expect(again.trail).toMatchObject([
        { action: "invoice.paid", target: id, after: { status: "PAID", amount: 10.5 } },
      ]);
      expect((await moved(world, "POST", path)).trail).toEqual([]);
    }
  });

  test("an invoice that was not marked as paid has no entry of it, however often that is asked for since", async ({
    expect,
  }) => {
    const world = await shop();
    await sell(world, "basic", { priceAmount: 10 });
    await sell(world, "small", { priceAmount: 1 });
    const { subscription, invoice } = await ok(subscribe(world, "ada", "basic"));
    await ok(world.call("POST", `/api/v1/monetization/subscriptions/${subscription.id}/activate`));
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`));
    // Paid by what the first one gave back.
    const second = await ok(subscribe(world, "ada", "small"));
    expect(second.invoice).toMatchObject({ status: "PAID", amount: 0 });
    for (const { id } of [invoice, second.invoice])
      expect((await moved(world, "POST", `${INVOICES}/${id}/mark-paid`)).trail).toEqual([]);
  });

  test("credits granted, deducted, given back, and a grant made void", async ({ expect }) => {
    const world = await shop();
    const { id: customerId } = await ok(world.call<{ id: string }>("GET", "/api/v1/client/customers/ada"));
    const pool = await ok(
      world.call<{ id: string }>("POST", `${CREDITS}/pools`, { name: "P", denomination: "AI", customerId }),
    );
    const granted = await moved<{ id: string }>(world, "POST", `${CREDITS}/grants`, {
      creditPoolId: pool.id,
      amount: 50,
      grantType: "PROMOTIONAL",
    });
    expect(granted.trail).toMatchObject([
      {
        action: "credit_grant.created",
        target: granted.data.id,
        before: { creditPoolId: pool.id, balance: "0" },
        after: { creditPoolId: pool.id, amount: "50", balance: "50" },
      },
    ]);
    const taken = await moved<{ id: string }>(world, "POST", `${CREDITS}/deductions`, {
      creditPoolId: pool.id,
      amount: 20,
    });
    expect(taken.trail).toMatchObject([
      {
        action: "credits.deducted",
        target: taken.data.id,
        before: { creditPoolId: pool.id, balance: "50" },
        after: { creditPoolId: pool.id, amount: "-20", balanceAfter: "30" },
      },
    ]);
    const back = await moved<{ id: string }>(world, "POST", `${CREDITS}/transactions/${taken.data.id}/reverse`);
    expect(back.trail).toMatchObject([
      {
        action: "credits.reversed",
        before: { balance: "30" },
        after: { amount: "20", balanceAfter: "50", reversedTransactionId: taken.data.id },
      },
    ]);
    const gone = await moved(world, "POST", `${CREDITS}/grants/${granted.data.id}/void`);
    expect(gone.trail).toMatchObject([
      {
        action: "credit_grant.voided",
        target: granted.data.id,
        before: { remaining: "50", isVoid: false },
        after: { remaining: "0", isVoid: true },
      },
    ]);
  });

  test("weights and prices published, each with what they take the place of", async ({ expect }) => {
    const world = await shop();
    const featureId = await feature(world, "chat");
    const creditModelId = await creditModel(world, "AI");
    await soldPlan(world, "burning", [{ featureId, creditModelId }]);
    for (const [tariff, first, second] of [
      ["weights", { featureId, creditsPerUnit: 2 }, { featureId, creditsPerUnit: 3 }],
      ["prices", { denomination: "AI", pricePerCredit: 0.1 }, { denomination: "AI", pricePerCredit: 0.2 }],
    ] as const) {
      const publish = (entry: object, effectiveFrom: string) =>
        moved(world, "POST", `${CREDITS}/${tariff}/publish`, { effectiveFrom, entries: [entry] });
      expect((await publish(first, "2027-01-15T10:00:00Z")).trail).toMatchObject([
        { action: `credit_${tariff}.published`, before: [], after: [first] },
      ]);
      expect((await publish(second, "2027-02-01T00:00:00Z")).trail).toMatchObject([
        { action: `credit_${tariff}.published`, before: [first], after: [second] },
      ]);
    }
  });

  test("a plan's price changed, and its subscribers moved to it", async ({ expect }) => {
    const world = await shop();
    const planId = await sell(world, "basic", { priceAmount: 10 });
    await active(world, "ada", "basic");
    const dearer = await moved(world, "PATCH", `${PLANS}/${planId}`, { priceAmount: 30 });
    expect(dearer.trail).toMatchObject([
      { action: "plan.changed", target: planId, before: { priceAmount: 10 }, after: { priceAmount: 30 } },
    ]);
    const { trail } = await moved(world, "POST", `${PLANS}/${planId}/migrate`, { when: "NOW" });
    expect(trail).toEqual([
      {
        action: "plan.migrated",
        target: planId,
        before: { subscriptionsByVersion: { 1: 1 } },
        after: { toVersion: 2, when: "NOW", counts: { moved: 1, skipped: 0 } },
      },
    ]);
  });

  test("a test clock made, moved on, and ended", async ({ expect }) => {
    const world = await shop();
    const made = await moved<{ id: string }>(world, "POST", "/api/v1/test-clocks", {
      frozenTime: "2027-01-15T00:00:00Z",
    });
    const { id } = made.data;
    expect(made.trail).toMatchObject([
      { action: "clock.created", target: id, after: { frozenTime: "2027-01-15T00:00:00.000Z" } },
    ]);
    const on = await moved(world, "POST", `/api/v1/test-clocks/${id}/advance`, { frozenTime: "2027-02-15T00:00:00Z" });
    expect(on.trail).toMatchObject([
      {
        action: "clock.advanced",
        target: id,
        before: { frozenTime: "2027-01-15T00:00:00.000Z" },
        after: { frozenTime: "2027-02-15T00:00:00.000Z" },
      },
    ]);
    const ended = await moved(world, "DELETE", `/api/v1/test-clocks/${id}`);
    expect(ended.trail).toMatchObject([
      { action: "clock.deleted", target: id, before: { frozenTime: "2027-02-15T00:00:00.000Z" } },
    ]);
  });

  test("who asks for an action, its family, a thing, a key or a time gets those entries alone", async ({ expect }) => {
    const world = await shop();
    const { id: featureId } = await ok(
      world.call<{ id: string }>("POST", "/api/v1/monetization/features", { key: "chat" }),
    );
    const other = await ok(
      world.call<{ id: string; apiKey: string }>("POST", "/api/v1/account/api-keys", { scopes: ["admin"] }),
    );
    clockAt("2027-01-16T10:00:00Z");
    await ok(
      world.call(
        "PATCH",
        `/api/v1/monetization/features/${featureId}`,
        { name: "Chat" },
        { Authorization: `Bearer ${other.apiKey}` },
      ),
    );
    const asked = async (query: string) => {
      const page = await ok(
        world.call<{ items: Entry[]; pagination: { total: number } }>("GET", `/api/v1/account/audit-log?${query}`),
      );
      expect(page.pagination.total, query).toBe(page.items.length);
      return page.items.map(({ action }) => action);
    };
    expect(await asked("action=feature.created")).toEqual(["feature.created"]);
    expect(await asked("action=feature")).toEqual(["feature.changed", "feature.created"]);
    expect(await asked("action=feat")).toEqual([]);
    expect(await asked(`target=${featureId}`)).toEqual(["feature.changed", "feature.created"]);
    expect(await asked(`keyId=${other.id}`)).toEqual(["feature.changed"]);
    expect(await asked("start=2027-01-16T10:00:00Z")).toEqual(["feature.changed"]);
    expect(await asked("action=feature&end=2027-01-16T10:00:00Z")).toEqual(["feature.created"]);
    const wrong = await world.call("GET", "/api/v1/account/audit-log?action=Feature%25");
    expect(wrong).toMatchObject({ status: 400, error: { fields: [{ path: "action" }] } });
  });
});
