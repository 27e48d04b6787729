import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { withD1 } from "../support/d1.ts";
import { insertKey, rowsOf, send } from "../support/probe.ts";
import {
  active,
  customer,
  type Invoice,
  invoicesOf,
  ok,
  type Page,
  pay,
  read,
  type ScheduledChange,
  type Subscribed,
  type Subscription,
  sell,
  subscribe,
} from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const CLIENT = "/api/v1/client/subscriptions";
const OPERATOR = "/api/v1/monetization/subscriptions";
const PLANS = "/api/v1/monetization/plans";

type Preview = { invoice?: Invoice; effectiveAt: string; credits: unknown[] };
type Entry = { action: string; target: string; before?: unknown; after?: unknown; requestId: string };

afterEach(() => {
  vi.useRealTimers();
});

const change = (world: World, id: string, changeToPlanId: string, changeType: string, headers = {}) =>
  world.call<Subscribed>("POST", `${CLIENT}/${id}/plan-change`, { changeToPlanId, changeType }, headers);

const preview = (world: World, id: string, changeToPlanId: string, changeType: string) =>
  world.call<Preview>("POST", `${CLIENT}/${id}/plan-change/preview`, { changeToPlanId, changeType });

const cancel = (world: World, id: string, mode = "") =>
  world.call<Subscribed>("POST", `${CLIENT}/cancellation/${id}${mode === "" ? "" : `?cancelMode=${mode}`}`);

const revert = (world: World, id: string) => world.call<Subscribed>("DELETE", `${CLIENT}/cancellation/${id}/scheduled`);

const drop = (world: World, id: string) => world.call<Subscribed>("DELETE", `${CLIENT}/${id}/plan-change/scheduled`);

/** A world with a customer `ada` and two monthly plans in advance, `basic` for 10 and `pro` for 30, at an instant. */
async function shop(instant = "2027-01-15T10:00:00Z"): Promise<World> {
  clockAt(instant);
  const world = await newWorld();
  await customer(world);
  await sell(world, "basic", { priceAmount: 10 });
  await sell(world, "pro", { priceAmount: 30 });
  return world;
}

/** A subscription of 15 January after its renewal at its instant: asked then, as its alarm would. */
async function renewed(world: World, { id }: { id: string }): Promise<Subscription> {
  clockAt("2027-02-15T10:00:00Z");
  return read(world, { id });
}

/** `ada` on a plan, suspended since its renewal was not paid in time. */
async function suspended(world: World, plan = "basic"): Promise<Subscription> {
  const { id } = await renewed(world, await active(world, "ada", plan));
  clockAt("2027-02-18T10:00:00Z");
  return read(world, { id });
}

describe("does", () => {
  test("in advance a subscription waits for its first payment, which begins its first period", async ({ expect }) => {
    const world = await shop();
    const made = await subscribe(world, "ada", "basic");
    const shown = {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      isActive: false,
      status: "INCOMPLETE",
      intervalMonths: "1",
      customer: {
        id: expect.stringMatching(/-8000-000000000000$/),
        customerReferenceId: "ada",
        firstName: "ada",
        email: "ada@mail.test",
        source: "MANUAL",
        createdAt: "2027-01-15T10:00:00.000Z",
        modifiedAt: "2027-01-15T10:00:00.000Z",
      },
      plan: {
        id: expect.any(String),
        key: "basic",
        name: "BASIC",
        description: "The plan basic.",
        priceAmount: 10,
        currency: "USD",
        intervalMonths: "1",
        billingTiming: "IN_ADVANCE",
        status: "ACTIVE",
        version: 1,
        metadata: {},
        createdAt: "2027-01-15T10:00:00.000Z",
        modifiedAt: "2027-01-15T10:00:00.000Z",
      },
      gracePeriodDays: 3,
      currentPeriodStart: "2027-01-15T10:00:00.000Z",
      currentPeriodEnd: "2027-02-15T10:00:00.000Z",
      billingAnchorDay: 15,
      metadata: {},
      createdAt: "2027-01-15T10:00:00.000Z",
    };
    expect(made.status).toBe(201);
    expect(made.data).toEqual({
      subscription: shown,
      invoice: {
        id: expect.any(String),
        createdAt: "2027-01-15T10:00:00.000Z",
        modifiedAt: "2027-01-15T10:00:00.000Z",
        amount: 10,
        subtotal: 10,
        tax: 0,
        taxLines: [],
        total: 10,
        seller: { name: "World" },
        buyer: { name: "ada", email: "ada@mail.test", referenceId: "ada" },
        terms: { gracePeriodDays: 3 },
        dueDate: "2027-01-15T10:00:00.000Z",
        currency: "USD",
        subscription: shown,
        status: "DUE",
        type: "IN_ADVANCE_INITIAL",
        periodStart: "2027-01-15T10:00:00.000Z",
        periodEnd: "2027-02-15T10:00:00.000Z",
        metadata: {},
        items: [
          {
            id: expect.any(String),
            invoiceId: made.data.invoice.id,
            createdAt: "2027-01-15T10:00:00.000Z",
            modifiedAt: "2027-01-15T10:00:00.000Z",
            chargeAmount: 10,
            description: "BASIC, 2027-01-15 to 2027-02-15",
            kind: "BASE",
            periodStart: "2027-01-15T10:00:00.000Z",
            periodEnd: "2027-02-15T10:00:00.000Z",
            planId: made.data.subscription.plan.id,
            planVersion: 1,
          },
        ],
      },
    });
    clockAt("2027-01-20T08:30:00Z");
    const paid = await pay(world, made.data.invoice.id);
    expect(paid.data).toMatchObject({ status: "PAID", paidAt: "2027-01-20T08:30:00.000Z", amount: 10 });
    expect(await read(world, made.data.subscription)).toMatchObject({
      isActive: true,
      status: "ACTIVE",
      currentPeriodStart: "2027-01-20T08:30:00.000Z",
      currentPeriodEnd: "2027-02-20T08:30:00.000Z",
      billingAnchorDay: 20,
    });
  });

  test("in arrears it is ACTIVE at once, and its invoice waits for the end of the period", async ({ expect }) => {
    const world = await shop();
    await sell(world, "later", { priceAmount: 12, billingTiming: "IN_ARREARS" });
    const { data } = await subscribe(world, "ada", "later");
    expect(data.subscription).toMatchObject({ isActive: true, status: "ACTIVE" });
    expect(data.invoice).toMatchObject({
      status: "PENDING",
      amount: 0,
      dueDate: "2027-02-15T10:00:00.000Z",
      items: [],
    });
    clockAt("2027-02-15T10:00:00Z");
    const [pending, due] = await invoicesOf(world, "ada");
    expect(pending).toMatchObject({ status: "PENDING", periodStart: "2027-02-15T10:00:00.000Z" });
    expect(due).toMatchObject({ id: data.invoice.id, status: "DUE", amount: 12, items: [{ kind: "BASE" }] });
  });

  test("a plan without a price is ACTIVE at once, its invoice paid", async ({ expect }) => {
    const world = await shop();
    await sell(world, "free");
    const { data } = await subscribe(world, "ada", "free");
    expect(data).toMatchObject({ subscription: { status: "ACTIVE" }, invoice: { status: "PAID", amount: 0 } });
  });

  test("plan and customer are named in any of their ways", async ({ expect }) => {
    const world = await shop();
    const { customer: ada, plan } = await active(world, "ada", "basic");
    const grace = await customer(world, "grace");
    const byId = await subscribe(world, grace.toUpperCase(), plan.id.toUpperCase());
    expect(byId).toMatchObject({
      status: 201,
      data: { subscription: { customer: { customerReferenceId: "grace" }, plan: { key: "basic" } } },
    });
    const byKey = await world.call<Subscribed>("POST", OPERATOR, {
      customerId: ada.id,
      planId: "pro",
      gracePeriod: 0,
    });
    expect(byKey).toMatchObject({
      status: 201,
      data: { subscription: { gracePeriodDays: 0, customer: ada, plan: { key: "pro" } } },
    });
  });

  test("a customer's own key has the common grace, and no more", async ({ expect }) => {
    const world = await newWorld();
    await sell(world, "basic", { priceAmount: 10 });
    const key = await insertKey(world.accountId, { scopes: ["purchase"], customerId: await customer(world) });
    const headers = { "Content-Type": "application/json" };
    const ask = (gracePeriod: number, path = CLIENT) =>
      send("POST", path, { key, headers, body: JSON.stringify({ planId: "basic", gracePeriod }) });
    for (const path of [CLIENT, `${CLIENT}/preview`])
      expect(await ask(4, path)).toMatchObject({ status: 403, envelope: { error: { code: "forbidden" } } });
    expect((await ask(3)).status).toBe(201);
  });

  test("subscribing again while the first invoice is unpaid answers the same", async ({ expect }) => {
    const world = await shop();
    const first = await subscribe(world, "ada", "basic");
    clockAt("2027-01-16T10:00:00Z");
    const again = await subscribe(world, "ada", "basic");
    expect(again.status).toBe(201);
    expect(again.data).toEqual(first.data);
    // Nobody else can buy it now, but who asked first is answered as before.
    await ok(world.call("PATCH", `${PLANS}/${first.data.subscription.plan.id}`, { status: "ARCHIVED" }));
    expect(await subscribe(world, "ada", "basic")).toMatchObject({
      status: 201,
      data: { subscription: { id: first.data.subscription.id }, invoice: { id: first.data.invoice.id } },
    });
    await customer(world, "grace");
    expect(await subscribe(world, "grace", "basic")).toMatchObject({
      status: 400,
      error: { fields: [{ path: "planId" }] },
    });
    await ok(pay(world, first.data.invoice.id));
    expect((await subscribe(world, "ada", "basic")).status).toBe(409);
  });

  test("a customer shows all subscriptions there ever were, newest first", async ({ expect }) => {
    const world = await shop();
    const first = await active(world, "ada", "basic");
    await ok(cancel(world, first.id, "IMMEDIATE"));
    clockAt("2027-01-16T10:00:00Z");
    const second = await active(world, "ada", "pro");
    for (const path of ["/api/v1/client/customers/ada", `/api/v1/monetization/customers/${second.customer.id}`]) {
      const { data } = await world.call<{ subscriptions: Subscription[] }>("GET", path);
      expect(data.subscriptions).toEqual([await read(world, second), await read(world, first)]);
      expect(data.subscriptions.map(({ status }) => status)).toEqual(["ACTIVE", "CANCELLED"]);
    }
    const changed = await world.call<{ subscriptions: Subscription[] }>("PATCH", "/api/v1/client/customers/ada", {
      lastName: "Lovelace",
    });
    expect(changed.data.subscriptions.map(({ id }) => id)).toEqual([second.id, first.id]);
    const path = `${OPERATOR}/customer/${second.customer.id}`;
    const list = await ok(world.call<Page<Subscription>>("GET", `${path}?limit=1`));
    expect(await ok(world.call("GET", `${path}/?limit=1`))).toEqual(list);
    expect(list).toMatchObject({ items: [{ id: second.id }], pagination: { total: 2, hasMore: true } });
    const rest = await world.call<Page<Subscription>>("GET", `${OPERATOR}/customer/ada?offset=1`);
    expect(rest.data.items.map(({ id }) => id)).toEqual([first.id]);
  });

  test("a cancellation at the period's end is shown, taken back without a trace, and carried out", async ({
    expect,
  }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    clockAt("2027-01-20T00:00:00Z");
    const asked = await cancel(world, id);
    expect(asked).toMatchObject({
      status: 200,
      data: {
        subscription: {
          isActive: true,
          cancelMode: "END_OF_PERIOD",
          cancelEffectiveAt: "2027-02-15T10:00:00.000Z",
          cancelledAt: "2027-01-20T00:00:00.000Z",
        },
      },
    });
    const { data: reverted } = await revert(world, id);
    for (const field of ["cancelMode", "cancelEffectiveAt", "cancelledAt"])
      expect(reverted.subscription).not.toHaveProperty(field);
    expect((await revert(world, id)).data.subscription).toEqual(reverted.subscription);
    await ok(cancel(world, id, "END_OF_PERIOD"));
    clockAt("2027-02-15T10:00:00Z");
    expect(await read(world, { id })).toMatchObject({
      isActive: false,
      status: "CANCELLED",
      endedAt: "2027-02-15T10:00:00.000Z",
    });
  });

  test("a cancellation at once ends access and gives the unused share back", async ({ expect }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    clockAt("2027-01-31T22:00:00Z");
    const { data } = await cancel(world, id, "IMMEDIATE");
    expect(data.subscription).toMatchObject({
      isActive: false,
      status: "CANCELLED",
      cancelMode: "IMMEDIATE",
      cancelEffectiveAt: "2027-01-31T22:00:00.000Z",
    });
    expect((await invoicesOf(world, "ada"))[0]).toMatchObject({
      type: "CREDIT",
      status: "PAID",
      amount: -4.68,
      items: [{ kind: "CREDIT", chargeAmount: -4.68 }],
    });
  });

  test.for(["END_OF_PERIOD", "IMMEDIATE"])(
    "an unpaid subscription ends at once with its invoice: %s",
    async (mode, { expect }) => {
      const world = await shop();
      const { subscription } = await ok(subscribe(world, "ada", "basic"));
      expect((await cancel(world, subscription.id, mode)).data.subscription.status).toBe("CANCELLED");
      expect((await invoicesOf(world, "ada")).map(({ status }) => status)).toEqual(["CANCELLED"]);
      // The same plan can be bought again, as a new subscription.
      expect((await subscribe(world, "ada", "basic")).data.subscription.id).not.toBe(subscription.id);
    },
  );

  test("an upgrade halfway through the period charges half the difference, on two lines", async ({ expect }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    // The middle of 31 days.
    clockAt("2027-01-30T22:00:00Z");
    const foreseen = await preview(world, id, "pro", "UPGRADE");
    expect(foreseen).toMatchObject({ status: 200, data: { effectiveAt: "2027-01-30T22:00:00.000Z", credits: [] } });
    expect((await read(world, { id })).plan.key).toBe("basic");
    expect(await invoicesOf(world, "ada")).toHaveLength(1);
    const { data } = await change(world, id, "pro", "UPGRADE");
    expect(data.subscription).toMatchObject({
      status: "ACTIVE",
      plan: { key: "pro" },
      currentPeriodEnd: "2027-02-15T10:00:00.000Z",
    });
    expect(data.invoice).toMatchObject({ type: "ADJUSTMENT", status: "DUE", amount: 10 });
    expect(data.invoice.items.map(({ kind, chargeAmount }) => [kind, chargeAmount])).toEqual([
      ["PRORATION", -5],
      ["PRORATION", 15],
    ]);
    // What was foreseen is what happened, to the last field; number and seller are D1's to give.
    expect(data.invoice).toEqual({ ...foreseen.data.invoice, number: "INV-000002", seller: { name: "World" } });
    expect(await invoicesOf(world, "ada")).toHaveLength(2);
  });

  test("what subscribing would do is what it then does, and keeps nothing", async ({ expect }) => {
    const world = await shop();
    const asked = { customerReferenceId: "ada", planId: "basic", gracePeriod: 9 };
    const foretell = () => world.call<Subscribed & { credits: unknown[] }>("POST", `${CLIENT}/preview`, asked);
    const foreseen = await foretell();
    expect(foreseen).toMatchObject({
      status: 200,
      data: { subscription: { status: "INCOMPLETE" }, invoice: { amount: 10 }, credits: [] },
    });
    expect(await invoicesOf(world, "ada")).toEqual([]);
    const made = await ok(world.call<Subscribed>("POST", CLIENT, asked));
    const facts = { seller: { name: "World" } };
    expect(made.subscription).toEqual(foreseen.data.subscription);
    expect(made.invoice).toEqual({ ...foreseen.data.invoice, ...facts });
    // One that waits for its first payment is shown as it is.
    expect((await ok(foretell())).invoice).toMatchObject({ id: made.invoice.id });
    await ok(pay(world, made.invoice.id));
    expect(await foretell()).toMatchObject({ status: 409, error: { code: "conflict" } });
    // Nobody that the directory alone knows becomes a customer by a question.
    const { customerId } = (await world.event({ customerReferenceId: "passer-by" })).data;
    expect(await world.call("POST", `${CLIENT}/preview`, { ...asked, customerReferenceId: customerId })).toMatchObject({
      status: 200,
    });
    expect(await invoicesOf(world, "passer-by")).toEqual([]);
  });

  test("what a cancellation would do is what it then does: invoices, credit, and nothing kept", async ({ expect }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    const foretell = (mode: string) =>
      world.call<{ subscription: Subscription; invoices: Invoice[]; creditBalance: unknown[]; credits: unknown[] }>(
        "POST",
        `${CLIENT}/cancellation/${id}/preview?cancelMode=${mode}`,
      );
    // The middle of 31 days.
    clockAt("2027-01-30T22:00:00Z");
    const later = await ok(foretell("END_OF_PERIOD"));
    expect(later).toMatchObject({
      subscription: { status: "ACTIVE", cancelEffectiveAt: "2027-02-15T10:00:00.000Z" },
      invoices: [],
      credits: [],
      creditBalance: [],
    });
    const foreseen = await ok(foretell("IMMEDIATE"));
    expect(foreseen).toMatchObject({
      subscription: { status: "CANCELLED" },
      invoices: [{ type: "CREDIT", amount: -5 }],
      creditBalance: [{ currency: "USD", amount: 5 }],
    });
    expect(await read(world, { id })).not.toHaveProperty("cancelMode");
    const made = await ok(cancel(world, id, "IMMEDIATE"));
    expect(made.subscription).toEqual(foreseen.subscription);
    const [credit] = await invoicesOf(world, "ada");
    expect(credit).toMatchObject({ id: foreseen.invoices[0]?.id, amount: -5 });
    expect(await foretell("IMMEDIATE")).toMatchObject({ status: 409, error: { code: "conflict" } });
  });

  test("an unpaid invoice that a cancellation would close is told as closed", async ({ expect }) => {
    const world = await shop();
    const { subscription, invoice } = await ok(subscribe(world, "ada", "basic"));
    const path = `${CLIENT}/cancellation/${subscription.id}`;
    const foreseen = await ok(world.call<{ invoices: Invoice[] }>("POST", `${path}/preview`));
    expect(foreseen.invoices).toMatchObject([{ id: invoice.id, status: "CANCELLED" }]);
    expect((await invoicesOf(world, "ada")).map(({ status }) => status)).toEqual(["DUE"]);
  });

  test("a downgrade waits for the end of the period, is replaced, dropped, and carried out", async ({ expect }) => {
    const world = await shop();
    await sell(world, "tiny", { priceAmount: 1 });
    const { id } = await active(world, "ada", "pro");
    const foreseen = await preview(world, id, "tiny", "DOWNGRADE");
    expect(foreseen.data).toEqual({ effectiveAt: "2027-02-15T10:00:00.000Z", credits: [] });
    const { data: first } = await change(world, id, "tiny", "DOWNGRADE");
    expect(first).not.toHaveProperty("invoice");
    expect(first.subscription).toMatchObject({ plan: { key: "pro" } });
    expect(first.subscription.scheduledChange).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: "DOWNGRADE",
      subscriptionId: id,
      fromPlan: { key: "pro", status: "ACTIVE", version: 1, intervalMonths: "1" },
      toPlan: { key: "tiny", status: "ACTIVE", version: 1 },
      status: "PENDING",
      effectiveAt: "2027-02-15T10:00:00.000Z",
      createdAt: "2027-01-15T10:00:00.000Z",
    });
    const { data: second } = await change(world, id, "basic", "DOWNGRADE");
    expect(second.subscription.scheduledChange).toMatchObject({ toPlan: { key: "basic" } });
    expect((await drop(world, id)).data.subscription).not.toHaveProperty("scheduledChange");
    expect(await drop(world, id)).toMatchObject({ status: 200 });
    await ok(change(world, id, "tiny", "DOWNGRADE"));
    // What was scheduled is honoured although the plan was changed and archived since.
    const tiny = (await read(world, { id })).scheduledChange?.toPlan.id ?? "";
    await ok(world.call("PATCH", `${PLANS}/${tiny}`, { priceAmount: 2 }));
    await ok(world.call("DELETE", `${PLANS}/${tiny}`));
    clockAt("2027-02-15T10:00:00Z");
    expect(await read(world, { id })).toMatchObject({ plan: { key: "tiny", priceAmount: 1, status: "ARCHIVED" } });
    expect((await invoicesOf(world, "ada"))[0]).toMatchObject({ amount: 1, status: "DUE", type: "REGULAR" });
  });

  test("an upgrade drops a scheduled downgrade and keeps a scheduled cancellation", async ({ expect }) => {
    const world = await shop();
    await sell(world, "tiny", { priceAmount: 1 });
    const { id } = await active(world, "ada", "basic");
    await ok(change(world, id, "tiny", "DOWNGRADE"));
    await ok(cancel(world, id));
    const { data } = await change(world, id, "pro", "UPGRADE");
    expect(data.subscription).not.toHaveProperty("scheduledChange");
    expect(data.subscription).toMatchObject({ plan: { key: "pro" }, cancelMode: "END_OF_PERIOD" });
  });

  test("a change while the first invoice is unpaid exchanges it, and the 30 days run on", async ({ expect }) => {
    const world = await shop();
    const { subscription, invoice } = await ok(subscribe(world, "ada", "basic"));
    clockAt("2027-02-01T10:00:00Z");
    const { data } = await change(world, subscription.id, "pro", "UPGRADE");
    expect(data).toMatchObject({
      subscription: { id: subscription.id, status: "INCOMPLETE", plan: { key: "pro" } },
      invoice: { status: "DUE", type: "IN_ADVANCE_INITIAL", amount: 30 },
    });
    const statuses = new Map((await invoicesOf(world, "ada")).map(({ id, status }) => [id, status]));
    expect(statuses.get(invoice.id)).toBe("CANCELLED");
    clockAt("2027-02-14T10:00:00Z");
    expect((await read(world, subscription)).status).toBe("CANCELLED");
  });

  test("a plan's changes do not reach who bought it, but its being archived is told", async ({ expect }) => {
    const world = await shop();
    const { id, plan } = await active(world, "ada", "basic");
    await ok(world.call("PATCH", `${PLANS}/${plan.id}`, { priceAmount: 99, name: "Other" }));
    await ok(world.call("DELETE", `${PLANS}/${plan.id}`));
    const archived = { key: "basic", name: "BASIC", priceAmount: 10, version: 1, status: "ARCHIVED" };
    expect((await read(world, { id })).plan).toMatchObject(archived);
    const listed = await ok(world.call<Page<Subscription>>("GET", OPERATOR));
    expect(listed.items[0]?.plan).toMatchObject(archived);
    expect((await invoicesOf(world, "ada"))[0]?.subscription.plan).toMatchObject(archived);
  });

  test("a customer's purchase key buys, changes and ends for its own customer", async ({ expect }) => {
    const world = await shop();
    const { data: ada } = await world.call<{ id: string }>("GET", "/api/v1/client/customers/ada");
    const key = await insertKey(world.accountId, { scopes: ["purchase"], customerId: ada.id });
    const as = async (method: string, path: string, body: unknown = {}) => {
      const headers = { "Content-Type": "application/json" };
      const answered = await send(method, path, { key, body: JSON.stringify(body), headers });
      return { status: answered.status, data: answered.envelope.data as Subscribed };
    };
    const made = await as("POST", CLIENT, { planId: "basic" });
    expect(made).toMatchObject({ status: 201, data: { subscription: { customer: { id: ada.id } } } });
    const { id } = made.data.subscription;
    expect((await as("POST", CLIENT, { planId: "basic", customerReferenceId: "ada" })).data).toEqual(made.data);
    await ok(pay(world, made.data.invoice.id));
    const to = { changeToPlanId: "pro", changeType: "UPGRADE" };
    expect((await as("POST", `${CLIENT}/${id}/plan-change/preview`, to)).status).toBe(200);
    expect((await as("POST", `${CLIENT}/${id}/plan-change`, to)).status).toBe(200);
    expect((await as("POST", `${CLIENT}/cancellation/${id}/preview`)).status).toBe(200);
    expect((await as("POST", `${CLIENT}/preview`, { planId: "basic" })).status).toBe(200);
    expect((await as("POST", `${CLIENT}/cancellation/${id}`)).status).toBe(200);
    expect((await as("DELETE", `${CLIENT}/cancellation/${id}/scheduled`)).status).toBe(200);
    expect((await as("DELETE", `${CLIENT}/${id}/plan-change/scheduled`)).status).toBe(200);
  });

  test("the operator subscribes, settles the first invoice, gives more grace, cancels and takes it back", async ({
    expect,
  }) => {
    const world = await shop();
    const { data: ada } = await world.call<{ id: string }>("GET", "/api/v1/client/customers/ada");
    const body = { customerId: ada.id, planId: "basic", gracePeriod: 7 };
    const made = await ok(world.call<Subscribed>("POST", OPERATOR, body));
    expect(made).toMatchObject({
      subscription: { status: "INCOMPLETE", gracePeriodDays: 7 },
      invoice: { status: "DUE" },
    });
    const { id } = made.subscription;
    const activate = () => world.call<Subscribed>("POST", `${OPERATOR}/${id}/activate`);
    expect(await activate()).toMatchObject({
      status: 200,
      data: { subscription: { status: "ACTIVE" }, invoice: { id: made.invoice.id, status: "PAID" } },
    });
    expect(await activate()).toMatchObject({ status: 200, data: { subscription: { status: "ACTIVE" } } });
    const patched = await world.call<Subscription>("PATCH", `${OPERATOR}/${id}`, { gracePeriod: 14 });
    expect(patched).toMatchObject({ status: 200, data: { id, gracePeriodDays: 14 } });
    expect((await world.call("PATCH", `${OPERATOR}/${id}`, {})).data).toEqual(patched.data);
    await ok(world.call("POST", `${OPERATOR}/${id}/cancel`));
    expect(await read(world, { id })).toMatchObject({ isActive: true, cancelMode: "END_OF_PERIOD" });
    await ok(world.call("DELETE", `${OPERATOR}/${id}/scheduled-cancellation`));
    expect(await read(world, { id })).not.toHaveProperty("cancelMode");
    await ok(change(world, id, "pro", "UPGRADE"));
    await ok(change(world, id, "basic", "DOWNGRADE"));
    await ok(world.call("DELETE", `${OPERATOR}/${id}/scheduled-changes`));
    expect(await read(world, { id })).not.toHaveProperty("scheduledChange");
    await ok(world.call("POST", `${OPERATOR}/${id}/cancel?cancelMode=IMMEDIATE`));
    expect(await read(world, { id })).toMatchObject({ status: "CANCELLED" });
  });

  test("more grace counts for what is due already", async ({ expect }) => {
    const world = await shop();
    const { id } = await renewed(world, await active(world, "ada", "basic"));
    clockAt("2027-02-16T10:00:00Z");
    await ok(world.call("PATCH", `${OPERATOR}/${id}`, { gracePeriod: 10 }));
    clockAt("2027-02-25T09:59:59Z");
    expect((await read(world, { id })).status).toBe("ACTIVE");
    clockAt("2027-02-25T10:00:00Z");
    expect(await read(world, { id })).toMatchObject({ status: "SUSPENDED", suspendedAt: "2027-02-25T10:00:00.000Z" });
  });

  test("the operator lists by status, plan and customer, and what is scheduled, soonest first", async ({ expect }) => {
    const world = await shop();
    const grace = await customer(world, "grace");
    const one = await active(world, "ada", "basic");
    clockAt("2027-01-16T10:00:00Z");
    const two = (await ok(subscribe(world, "grace", "basic"))).subscription;
    clockAt("2027-01-17T10:00:00Z");
    const three = await active(world, "grace", "pro");
    const ids = async (query: string) =>
      (await ok(world.call<Page<Subscription>>("GET", `${OPERATOR}${query}`))).items.map(({ id }) => id);
    expect(await ids("")).toEqual([three.id, two.id, one.id]);
    expect(await ids("?status=ACTIVE")).toEqual([three.id, one.id]);
    expect(await ids(`?planId=${one.plan.id}&status=INCOMPLETE`)).toEqual([two.id]);
    expect(await ids(`?customerId=${grace}&limit=1&offset=1`)).toEqual([two.id]);
    expect(await ids("?customerId=nobody")).toEqual([]);
    const changes = () => ok(world.call<Page<ScheduledChange>>("GET", `${OPERATOR}/scheduled-changes`));
    await ok(cancel(world, one.id));
    expect((await changes()).items).toEqual([]);
    // Grace may go to the plan that she has not paid for only once that is over.
    await ok(cancel(world, two.id));
    await ok(change(world, three.id, "basic", "DOWNGRADE"));
    const { scheduledChange } = await read(world, three);
    expect(await changes()).toMatchObject({ items: [scheduledChange], pagination: { total: 1 } });
    await ok(drop(world, three.id));
    expect((await changes()).items).toEqual([]);
    await ok(cancel(world, three.id));
    expect(await ids("/scheduled-cancellations")).toEqual([one.id, three.id]);
  });
});

describe("refuses", () => {
  test("plans and customers that are not there, and plans that are not sold, with the field", async ({ expect }) => {
    const world = await shop();
    expect(await subscribe(world, "nobody", "basic")).toMatchObject({ status: 404, error: { code: "not_found" } });
    for (const plan of ["nothing", crypto.randomUUID(), "__proto__"])
      expect(await subscribe(world, "ada", plan)).toMatchObject({ status: 404, error: { code: "not_found" } });
    await ok(world.call("POST", PLANS, { key: "draft", name: "Draft" }));
    await ok(world.call("DELETE", `${PLANS}/${await sell(world, "gone")}`));
    const { id } = await active(world, "ada", "basic");
    for (const plan of ["draft", "gone"]) {
      const refused = { status: 400, error: { code: "validation_failed" } };
      expect(await subscribe(world, "ada", plan)).toMatchObject({
        ...refused,
        error: { fields: [{ path: "planId", message: expect.stringMatching(/DRAFT|ARCHIVED/) }] },
      });
      const fields = [{ path: "changeToPlanId" }];
      expect(await change(world, id, plan, "UPGRADE")).toMatchObject({ ...refused, error: { fields } });
    }
    expect(await change(world, id, "nothing", "UPGRADE")).toMatchObject({ status: 404 });
  });

  test("what is missing or out of range, by its name", async ({ expect }) => {
    const world = await shop();
    const paths = async (method: string, path: string, body?: unknown) => {
      const { status, error } = await world.call(method, path, body);
      return [status, ...(error.fields ?? []).map((field) => field.path)];
    };
    expect(await paths("POST", CLIENT, {})).toEqual([400, "planId"]);
    expect(await paths("POST", CLIENT, { planId: "basic" })).toEqual([400, "customerReferenceId"]);
    for (const gracePeriod of [-1, 401, 1.5, "3"])
      expect(await paths("POST", CLIENT, { customerReferenceId: "ada", planId: "basic", gracePeriod })).toEqual([
        400,
        "gracePeriod",
      ]);
    expect(await paths("POST", OPERATOR, {})).toEqual([400, "customerId", "planId"]);
    const { id } = await active(world, "ada", "basic");
    expect(await paths("POST", `${CLIENT}/${id}/plan-change`, {})).toEqual([400, "changeToPlanId", "changeType"]);
    expect(
      await paths("POST", `${CLIENT}/${id}/plan-change`, { changeToPlanId: "pro", changeType: "SIDEWAYS" }),
    ).toEqual([400, "changeType"]);
    expect(await paths("POST", `${CLIENT}/cancellation/${id}?cancelMode=LATER`)).toEqual([400, "cancelMode"]);
    expect(await paths("PATCH", `${OPERATOR}/${id}`, { gracePeriod: 1000 })).toEqual([400, "gracePeriod"]);
    expect(await paths("GET", `${OPERATOR}?status=GONE`)).toEqual([400, "status"]);
  });

  test("a second subscription to a plan, ACTIVE or SUSPENDED", async ({ expect }) => {
    const world = await shop();
    await active(world, "ada", "basic");
    const refused = await subscribe(world, "ada", "basic");
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(refused.error.message).toMatch(/basic.*ACTIVE/);
    await suspended(world, "pro");
    expect((await subscribe(world, "ada", "pro")).error.message).toMatch(/SUSPENDED/);
  });

  test("the same plan, another currency, and a direction that the prices contradict", async ({ expect }) => {
    const world = await shop();
    await sell(world, "euro", { priceAmount: 50, currency: "EUR" });
    await sell(world, "yearly", { priceAmount: 60, intervalMonths: 12 });
    const { id } = await active(world, "ada", "basic");
    for (const [plan, type, field] of [
      ["basic", "UPGRADE", "changeToPlanId"],
      ["basic", "DOWNGRADE", "changeToPlanId"],
      ["euro", "UPGRADE", "changeToPlanId"],
      ["pro", "DOWNGRADE", "changeType"],
    ] as const)
      for (const ask of [change, preview])
        expect(await ask(world, id, plan, type), plan).toMatchObject({
          status: 400,
          error: { fields: [{ path: field }] },
        });
    const other = await active(world, "ada", "pro");
    expect(await change(world, other.id, "basic", "UPGRADE")).toMatchObject({ status: 409 });
    await ok(cancel(world, id, "IMMEDIATE"));
    expect(await change(world, other.id, "basic", "UPGRADE")).toMatchObject({
      status: 400,
      error: { fields: [{ path: "changeType" }] },
    });
    // Less per month, yet for longer: an upgrade.
    expect((await preview(world, other.id, "yearly", "UPGRADE")).status).toBe(200);
  });

  test("a change to a plan that the customer has elsewhere", async ({ expect }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    await ok(subscribe(world, "ada", "pro"));
    const refused = await change(world, id, "pro", "UPGRADE");
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(refused.error.message).toMatch(/pro.*INCOMPLETE/);
  });

  test("a downgrade of what is to end with its period", async ({ expect }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "pro");
    await ok(cancel(world, id));
    expect(await change(world, id, "basic", "DOWNGRADE")).toMatchObject({ status: 409, error: { code: "conflict" } });
  });

  test("changes and activation while suspended, with the invoice to pay", async ({ expect }) => {
    const world = await shop();
    const { id, status, customer: ada } = await suspended(world);
    expect(status).toBe("SUSPENDED");
    // Once D1 has given it its number.
    await world.flush(ada.id);
    const [unpaid] = await invoicesOf(world, "ada");
    expect(unpaid?.status).toBe("PAST_DUE");
    for (const ask of [change, preview]) {
      const refused = await ask(world, id, "pro", "UPGRADE");
      expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
      expect(refused.data).toEqual(unpaid);
    }
    expect(await world.call("POST", `${OPERATOR}/${id}/activate`)).toMatchObject({ status: 409 });
  });

  test("every command on a subscription that has ended", async ({ expect }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    await ok(cancel(world, id, "IMMEDIATE"));
    const answers = [
      await change(world, id, "pro", "UPGRADE"),
      await preview(world, id, "pro", "UPGRADE"),
      await cancel(world, id),
      await cancel(world, id, "IMMEDIATE"),
      await revert(world, id),
      await drop(world, id),
      await world.call("PATCH", `${OPERATOR}/${id}`, { gracePeriod: 1 }),
      await world.call("POST", `${OPERATOR}/${id}/activate`),
      await world.call("POST", `${OPERATOR}/${id}/cancel`),
      await world.call("DELETE", `${OPERATOR}/${id}/scheduled-changes`),
      await world.call("DELETE", `${OPERATOR}/${id}/scheduled-cancellation`),
    ];
    for (const answered of answers) expect(answered).toMatchObject({ status: 409, error: { code: "conflict" } });
  });

  test("ids that are nobody's, another account's, or of something else", async ({ expect }) => {
    const [world, strange] = [await shop(), await shop()];
    const mine = await active(world, "ada", "basic");
    const theirs = await active(strange, "ada", "basic");
    const [{ id: invoiceId } = { id: "" }] = await invoicesOf(world, "ada");
    const never = mine.id.replace(/1$/, "9");
    for (const id of [crypto.randomUUID(), theirs.id, never, mine.customer.id, invoiceId, "x"]) {
      const answers = [
        await world.call("GET", `${OPERATOR}/${id}`),
        await world.call("PATCH", `${OPERATOR}/${id}`, { gracePeriod: 1 }),
        await world.call("POST", `${OPERATOR}/${id}/activate`),
        await world.call("POST", `${OPERATOR}/${id}/cancel`),
        await change(world, id, "pro", "UPGRADE"),
        await preview(world, id, "pro", "UPGRADE"),
        await cancel(world, id),
        await revert(world, id),
        await drop(world, id),
      ];
      for (const answered of answers) expect(answered, id).toMatchObject({ status: 404, error: { code: "not_found" } });
    }
    expect((await world.call("GET", `${OPERATOR}/customer/nobody`)).status).toBe(404);
    expect((await world.call("GET", `${OPERATOR}/${mine.id.toUpperCase()}`)).status).toBe(200);
  });

  test("a customer's key for another customer's subscriptions, known or not", async ({ expect }) => {
    const world = await shop();
    await customer(world, "grace");
    const { id } = await active(world, "grace", "basic");
    const { data: ada } = await world.call<{ id: string }>("GET", "/api/v1/client/customers/ada");
    const key = await insertKey(world.accountId, { scopes: ["purchase"], customerId: ada.id });
    const as = (method: string, path: string, body?: unknown) =>
      send(method, path, {
        key,
        headers: { "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const to = { changeToPlanId: "pro", changeType: "UPGRADE" };
    const before = await rowsOf(world.accountId);
    for (const answered of [
      await as("POST", CLIENT, { planId: "basic", customerReferenceId: "grace" }),
      await as("POST", CLIENT, { planId: "basic", customerReferenceId: "nobody" }),
      await as("POST", `${CLIENT}/${id}/plan-change`, to),
      await as("POST", `${CLIENT}/${id}/plan-change/preview`, to),
      await as("POST", `${CLIENT}/cancellation/${id}`),
      await as("POST", `${CLIENT}/cancellation/${crypto.randomUUID()}`),
      await as("DELETE", `${CLIENT}/${id}/plan-change/scheduled`),
      await as("DELETE", `${CLIENT}/cancellation/${id}/scheduled`),
    ])
      expect(answered).toMatchObject({ status: 403, envelope: { error: { code: "forbidden" } } });
    expect(await rowsOf(world.accountId)).toEqual(before);
  });
});

describe("holds", () => {
  test("each command under an Idempotency-Key happens once and answers the first answer again", async ({ expect }) => {
    const world = await shop();
    const { data: ada } = await world.call<{ id: string }>("GET", "/api/v1/client/customers/ada");
    await sell(world, "tiny", { priceAmount: 1 });
    const { id } = await active(world, "ada", "basic");
    const operator = { customerId: ada.id, planId: "tiny" };
    const upgrade = { changeToPlanId: "pro", changeType: "UPGRADE" };
    const commands: [method: string, path: string, body?: unknown][] = [
      ["POST", `${CLIENT}/${id}/plan-change/preview`, upgrade],
      ["POST", `${CLIENT}/${id}/plan-change`, upgrade],
      ["POST", `${CLIENT}/${id}/plan-change`, { changeToPlanId: "basic", changeType: "DOWNGRADE" }],
      ["DELETE", `${CLIENT}/${id}/plan-change/scheduled`],
      ["DELETE", `${OPERATOR}/${id}/scheduled-changes`],
      ["POST", `${CLIENT}/cancellation/${id}`],
      ["DELETE", `${CLIENT}/cancellation/${id}/scheduled`],
      ["POST", `${OPERATOR}/${id}/cancel`],
      ["DELETE", `${OPERATOR}/${id}/scheduled-cancellation`],
      ["PATCH", `${OPERATOR}/${id}`, { gracePeriod: 9 }],
      ["POST", CLIENT, { customerReferenceId: "ada", planId: "basic" }],
      ["POST", OPERATOR, operator],
      ["POST", `${CLIENT}/cancellation/${id}?cancelMode=IMMEDIATE`],
    ];
    for (const [at, [method, path, body]] of commands.entries()) {
      // An hour apart, and half of it before the repeat: whatever is done twice shows by its instant.
      clockAt(new Date(Date.parse("2027-01-16T10:00:00Z") + at * 3_600_000).toISOString());
      const headers = { "Idempotency-Key": `command-${at}` };
      const first = await world.call(method, path, body, headers);
      expect(first.status, `${method} ${path}: ${JSON.stringify(first.error)}`).toBeLessThan(300);
      expect(first.headers.get("Idempotency-Replayed")).toBeNull();
      const state = await world.call("GET", "/api/v1/client/customers/ada");
      const count = (await invoicesOf(world, "ada")).length;
      clockAt(new Date(Date.now() + 1_800_000).toISOString());
      const again = await world.call(method, path, body, headers);
      expect(again.headers.get("Idempotency-Replayed"), path).toBe("true");
      expect([again.status, again.data]).toEqual([first.status, first.data]);
      expect((await world.call("GET", "/api/v1/client/customers/ada")).data).toEqual(state.data);
      expect(await invoicesOf(world, "ada")).toHaveLength(count);
      const other = await world.call(method, `${path}${path.includes("?") ? "&" : "?"}other=1`, body, headers);
      expect(other).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
    }
  });

  test("a repeat hears the first answer although the plan was archived, or is sold by now", async ({ expect }) => {
    const world = await shop();
    const basic = (await ok(world.call<Page<{ id: string; key: string }>>("GET", PLANS))).items.find(
      ({ key }) => key === "basic",
    );
    const [bought, refused] = [{ "Idempotency-Key": "bought" }, { "Idempotency-Key": "refused" }];
    const first = await subscribe(world, "ada", "basic", bought);
    await ok(world.call("DELETE", `${PLANS}/${basic?.id}`));
    const again = await subscribe(world, "ada", "basic", bought);
    expect([again.status, again.data]).toEqual([201, first.data]);
    await customer(world, "grace");
    const no = await subscribe(world, "grace", "basic", refused);
    expect(no.status).toBe(400);
    await ok(world.call("PATCH", `${PLANS}/${basic?.id}`, { status: "ACTIVE" }));
    const still = await subscribe(world, "grace", "basic", refused);
    expect([still.status, still.error]).toEqual([400, no.error]);
    expect(still.headers.get("Idempotency-Replayed")).toBe("true");
    expect((await subscribe(world, "grace", "basic")).status).toBe(201);
  });

  test("an answer that was lost on its way into D1 is heard by the repeat, with its entry in the trail", async ({
    expect,
  }) => {
    const world = await shop();
    const { id: customerId } = (await active(world, "ada", "pro")).customer;
    const commands: [method: string, path: string, body: unknown, action: string][] = [
      ["POST", OPERATOR, { customerId, planId: "basic" }, "subscription.created"],
      [
        "POST",
        `${OPERATOR}/${(await invoicesOf(world, "ada"))[0]?.subscription.id}/cancel`,
        {},
        "subscription.cancelled",
      ],
    ];
    for (const [method, path, body, action] of commands) {
      const headers = { "Idempotency-Key": action };
      const first = await world.call<Subscribed>(method, path, body, headers);
      // As if the Worker had died between the object's commit and its own batch.
      await env.DB.batch(
        ["requests", "audit_log"].map((table) =>
          env.DB.prepare(`DELETE FROM ${table} WHERE account_id = ?`).bind(world.accountId),
        ),
      );
      clockAt("2027-01-16T09:00:00Z");
      const again = await world.call<Subscribed>(method, path, body, headers);
      expect([again.status, again.data]).toEqual([first.status, first.data]);
      expect(again.headers.get("Idempotency-Replayed")).toBe("true");
      const { items } = await ok(world.call<Page<Entry>>("GET", "/api/v1/account/audit-log"));
      expect(items.map((entry) => [entry.action, entry.target])).toEqual([[action, first.data.subscription.id]]);
    }
  });

  test("two at once for one plan in advance are one subscription, both answered with it", async ({ expect }) => {
    const world = await shop();
    const [one, two] = await Promise.all([subscribe(world, "ada", "basic"), subscribe(world, "ada", "basic")]);
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(two.data).toEqual(one.data);
    expect(await invoicesOf(world, "ada")).toHaveLength(1);
  });

  test("two at once for one plan in arrears are one subscription and one refusal", async ({ expect }) => {
    const world = await shop();
    await sell(world, "later", { priceAmount: 12, billingTiming: "IN_ARREARS" });
    const answers = await Promise.all([subscribe(world, "ada", "later"), subscribe(world, "ada", "later")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(await invoicesOf(world, "ada")).toHaveLength(1);
  });

  test.for(["END_OF_PERIOD", "IMMEDIATE"])(
    "an upgrade racing a cancellation: one goes first, and both answers fit that (%s)",
    async (mode, { expect }) => {
      for (let round = 0; round < 4; round += 1) {
        const world = await shop();
        const { id } = await active(world, "ada", "basic");
        const asked = [() => change(world, id, "pro", "UPGRADE"), () => cancel(world, id, mode)];
        const answers = await Promise.all((round % 2 === 0 ? asked : asked.toReversed()).map((ask) => ask()));
        const [upgraded, cancelled] = round % 2 === 0 ? answers : answers.toReversed();
        const end = await read(world, { id });
        expect(cancelled?.status).toBe(200);
        const upgradedFirst = cancelled?.data.subscription.plan.key === "pro";
        if (mode === "IMMEDIATE" && !upgradedFirst) {
          expect(upgraded).toMatchObject({ status: 409 });
          expect(end).toMatchObject({ status: "CANCELLED", plan: { key: "basic" } });
        } else {
          expect(upgraded?.status).toBe(200);
          expect(upgraded?.data.subscription.cancelMode).toBe(upgradedFirst ? undefined : mode);
          expect(end).toMatchObject({ plan: { key: "pro" }, cancelMode: mode });
        }
        const last = upgradedFirst || upgraded?.status === 409 ? cancelled : upgraded;
        expect(last?.data.subscription).toEqual(end);
      }
    },
  );

  test("twenty subscribers of one customer at once, each plan once", async ({ expect }) => {
    const world = await shop();
    const plans = ["basic", "pro"];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => subscribe(world, "ada", plans[at % 2] ?? "")),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map(({ data }) => data.subscription.id)).size).toBe(2);
  });

  test("a sale rests on D1, not on what this isolate remembers: another one may have changed the plan", async ({
    expect,
  }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    // As another isolate would: this one hears nothing of it.
    const change = (status: string) =>
      env.DB.prepare("UPDATE plans SET status = ? WHERE account_id = ? AND key = 'pro'")
        .bind(status, world.accountId)
        .run();
    await change("ARCHIVED");
    expect(await subscribe(world, "ada", "pro")).toMatchObject({
      status: 400,
      error: { fields: [{ path: "planId" }] },
    });
    expect(await preview(world, id, "pro", "UPGRADE")).toMatchObject({ status: 400 });
    await change("ACTIVE");
    expect((await subscribe(world, "ada", "pro")).status).toBe(201);
  });

  test("without D1 a customer still cancels and takes it back; what needs the catalog is 503", async ({ expect }) => {
    const world = await shop();
    const { id } = await active(world, "ada", "basic");
    await withD1("away", async () => {
      expect((await cancel(world, id)).status).toBe(200);
      expect((await revert(world, id)).status).toBe(200);
      expect(await change(world, id, "pro", "UPGRADE")).toMatchObject({ status: 503 });
      expect(await world.call("POST", `${OPERATOR}/${id}/cancel`)).toMatchObject({ status: 503 });
    });
    expect(await read(world, { id })).toMatchObject({ plan: { key: "basic" } });
    expect(await read(world, { id })).not.toHaveProperty("cancelMode");
  });

  test("what the operator did stands in the trail with key and request, once, and without anything personal", async ({
    expect,
  }) => {
    const world = await shop();
    const { data: ada } = await world.call<{ id: string }>("GET", "/api/v1/client/customers/ada");
    const body = { customerId: ada.id, planId: "basic" };
    const { subscription } = await ok(world.call<Subscribed>("POST", OPERATOR, body));
    const { id } = subscription;
    const run = (method: string, path: string, given?: unknown) =>
      world.call(method, `${OPERATOR}/${id}${path}`, given, { "X-Request-Id": `run${path}` });
    // Twice each: what changes nothing is no deed.
    for (let time = 0; time < 2; time += 1) await ok(run("POST", "/activate"));
    for (let time = 0; time < 2; time += 1) await ok(run("PATCH", "", { gracePeriod: 9 }));
    for (let time = 0; time < 2; time += 1) await ok(run("POST", "/cancel"));
    for (let time = 0; time < 2; time += 1) await ok(run("DELETE", "/scheduled-cancellation"));
    await ok(change(world, id, "pro", "UPGRADE"));
    await ok(change(world, id, "basic", "DOWNGRADE"));
    for (let time = 0; time < 2; time += 1) await ok(run("DELETE", "/scheduled-changes"));
    expect((await run("POST", "/cancel?cancelMode=NEVER")).status).toBe(400);
    const { items } = await ok(world.call<Page<Entry>>("GET", "/api/v1/account/audit-log"));
    const entries = items.filter(({ target }) => target === id);
    expect(entries.map(({ action }) => action).sort()).toEqual([
      "subscription.activated",
      "subscription.cancellation_reverted",
      "subscription.cancelled",
      "subscription.change_dropped",
      "subscription.created",
      "subscription.grace_changed",
    ]);
    expect(entries.find(({ action }) => action === "subscription.grace_changed")).toMatchObject({
      requestId: "run",
      actor: { keyId: expect.any(String) },
      before: { gracePeriodDays: 3 },
      after: { gracePeriodDays: 9, planKey: "basic", status: "ACTIVE" },
    });
    expect(JSON.stringify(entries)).not.toMatch(/ada@mail|mail\.test/);
  });
});
