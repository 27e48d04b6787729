import { afterEach, describe, test, vi } from "vitest";
import { withSqlFault } from "../support/fault.ts";
import {
  active,
  customer,
  type Invoice,
  invoicesOf,
  ok,
  type Page,
  pay,
  read,
  type Subscribed,
  type Subscription,
  sell,
  subscribe,
} from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const CLIENT = "/api/v1/client/billing/invoices";
const OPERATOR = "/api/v1/monetization/billing/invoices";

type Entry = { action: string; target: string; before?: unknown; after?: unknown };

afterEach(() => {
  vi.useRealTimers();
});

/** A free plan of so many features, each for its use. */
async function sellFeatures(world: World, count: number): Promise<string> {
  const plans = "/api/v1/monetization/plans";
  const { id } = await ok(
    world.call<{ id: string }>("POST", plans, { key: "many", name: "Many", description: "Many." }),
  );
  for (let index = 0; index < count; index += 1) {
    const key = { key: `f.${index}` };
    const feature = await ok(world.call<{ id: string }>("POST", "/api/v1/monetization/features", key));
    const value = { pricing: { model: "usage", price_per_unit: 0.1, usage_unit_type: "call" } };
    const rule = { planId: id, featureId: feature.id, value };
    await ok(world.call("POST", "/api/v1/monetization/rules/plan-features", rule));
  }
  await ok(world.call("PATCH", `${plans}/${id}`, { status: "ACTIVE" }));
  return id;
}

/** A world with a customer `ada`, `basic` for 10 a month in advance and `later` for 12 in arrears, on 15 January. */
async function shop(currency = "USD"): Promise<World> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld(currency);
  await customer(world);
  await sell(world, "basic", { priceAmount: 10 });
  await sell(world, "later", { priceAmount: 12, billingTiming: "IN_ARREARS" });
  return world;
}

/** A subscription of 15 January at its renewal, asked at its instant, as its alarm would. */
async function renewed(world: World, plan: string): Promise<{ subscription: Subscription; due: Invoice }> {
  const { id } = await active(world, "ada", plan);
  clockAt("2027-02-15T10:00:00Z");
  const due = (await invoicesOf(world, "ada")).find(({ status }) => status === "DUE");
  if (due === undefined) throw new Error("nothing is due");
  return { subscription: await read(world, { id }), due };
}

const upcoming = (world: World, query = "") => world.call<Invoice>("GET", `${CLIENT}/ada/upcoming${query}`);

const voided = (world: World, id: string, query = "") => world.call<Invoice>("POST", `${OPERATOR}/${id}/void${query}`);

/** The three ways to say that an invoice is paid. */
const WAYS: [name: string, method: string, path: (id: string) => string][] = [
  ["the client", "POST", (id) => `${CLIENT}/${id}/mark-paid`],
  ["the operator", "POST", (id) => `${OPERATOR}/${id}/mark-paid`],
  ["the operator by PATCH", "PATCH", (id) => `${OPERATOR}/${id}`],
];

describe("does", () => {
  test("the list has the one of a number, with or without its prefix; what is no number is told", async ({
    expect,
  }) => {
    const world = await newWorld();
    await sell(world, "pro", { priceAmount: 10 });
    for (const reference of ["ada", "grace"]) {
      await customer(world, reference);
      await active(world, reference, "pro");
    }
    const numbersBy = async (number: string) => {
      const { items } = await ok(world.call<Page<{ number: string }>>("GET", `${OPERATOR}?number=${number}`));
      return items.map((one) => one.number);
    };
    for (const number of ["INV-000002", "inv-2", "2"]) expect(await numbersBy(number)).toEqual(["INV-000002"]);
    expect(await numbersBy("3")).toEqual([]);
    expect(await world.call("GET", `${OPERATOR}?number=second`)).toMatchObject({
      status: 400,
      error: { fields: [{ path: "number" }] },
    });
  });

  test("a customer's invoices are listed newest first, page by page", async ({ expect }) => {
    const world = await shop();
    const { due } = await renewed(world, "basic");
    const all = await ok(world.call<Page<Invoice>>("GET", `${CLIENT}/ada`));
    expect(all.items.map(({ type, status, amount }) => [type, status, amount])).toEqual([
      ["REGULAR", "DUE", 10],
      ["IN_ADVANCE_INITIAL", "PAID", 10],
    ]);
    expect(all.items[0]).toEqual(due);
    expect(all.pagination).toEqual({ total: 2, limit: 50, offset: 0, hasMore: false });
    for (const ref of ["ada", due.subscription.customer.id]) {
      const page = await ok(world.call<Page<Invoice>>("GET", `${CLIENT}/${ref}?limit=1&offset=1`));
      expect(page).toEqual({ items: [all.items[1]], pagination: { total: 2, limit: 1, offset: 1, hasMore: false } });
    }
  });

  test.for(WAYS)("%s marks an invoice as paid, and again without effect", async ([, method, path], { expect }) => {
    const world = await shop();
    const { subscription, due } = await renewed(world, "basic");
    clockAt("2027-02-16T10:00:00Z");
    const paid = await world.call<Invoice>(method, path(due.id));
    expect(paid).toMatchObject({
      status: 200,
      data: { id: due.id, status: "PAID", paidAt: "2027-02-16T10:00:00.000Z", amount: 10 },
    });
    expect((await read(world, subscription)).currentPeriodEnd).toBe(subscription.currentPeriodEnd);
    clockAt("2027-02-17T10:00:00Z");
    const again = await world.call<Invoice>(method, path(due.id));
    expect([again.status, again.data]).toEqual([200, paid.data]);
    expect((await world.call("GET", `${OPERATOR}/${due.id}`)).data).toEqual(paid.data);
  });

  test("paying what is past due gives access back, in the same period while that runs", async ({ expect }) => {
    const world = await shop();
    const { subscription, due } = await renewed(world, "basic");
    clockAt("2027-02-18T10:00:00Z");
    expect(await read(world, subscription)).toMatchObject({ isActive: false, status: "SUSPENDED" });
    clockAt("2027-02-20T10:00:00Z");
    const { data } = await pay(world, due.id);
    expect(data).toMatchObject({ status: "PAID", subscription: { status: "ACTIVE" } });
    expect(await read(world, subscription)).toMatchObject({
      isActive: true,
      currentPeriodEnd: subscription.currentPeriodEnd,
      billingAnchorDay: 15,
    });
  });

  test("an upcoming invoice is a DRAFT of what the period would end with, and is stored nowhere", async ({
    expect,
  }) => {
    const world = await shop();
    const basic = await active(world, "ada", "basic");
    const renewal = await upcoming(world);
    expect(renewal).toMatchObject({
      status: 200,
      data: {
        status: "DRAFT",
        amount: 10,
        dueDate: "2027-02-15T10:00:00.000Z",
        periodStart: "2027-02-15T10:00:00.000Z",
        items: [{ kind: "BASE", chargeAmount: 10 }],
        subscription: { id: basic.id },
      },
    });
    clockAt("2027-01-20T10:00:00Z");
    const later = await active(world, "ada", "later");
    expect((await upcoming(world)).data.subscription.id).toBe(later.id);
    const named = await upcoming(world, `?subscriptionId=${later.id}`);
    expect(named.data).toMatchObject({ status: "DRAFT", amount: 12, periodEnd: "2027-02-20T10:00:00.000Z" });
    expect((await upcoming(world, `?subscriptionId=${basic.id}`)).data.items).toEqual(renewal.data.items);
    expect((await invoicesOf(world, "ada")).map(({ status }) => status)).toEqual(["PENDING", "PAID"]);
  });

  test("money owed to a customer is shown, pays what becomes due next, and comes back with a void", async ({
    expect,
  }) => {
    const world = await shop();
    await sell(world, "small", { priceAmount: 3 });
    const owed = async () =>
      (await ok(world.call<{ creditBalance: unknown }>("GET", "/api/v1/client/customers/ada"))).creditBalance;
    expect(await owed()).toEqual([]);
    const { id } = await active(world, "ada", "basic");
    // 14.5 of the period's 31 days are left: 10 × 14.5 ÷ 31 = 4.677…
    clockAt("2027-01-31T22:00:00Z");
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${id}?cancelMode=IMMEDIATE`));
    expect(await owed()).toEqual([{ currency: "USD", amount: 4.68 }]);
    // A first invoice that the balance pays in full asks for nothing.
    const small = await ok(subscribe(world, "ada", "small"));
    expect(small).toMatchObject({
      subscription: { status: "ACTIVE" },
      invoice: {
        status: "PAID",
        amount: 0,
        items: [
          { kind: "BASE", chargeAmount: 3 },
          { kind: "CREDIT", chargeAmount: -3 },
        ],
      },
    });
    expect(await owed()).toEqual([{ currency: "USD", amount: 1.68 }]);
    const basic = await ok(subscribe(world, "ada", "basic"));
    expect(basic.invoice).toMatchObject({ status: "DUE", amount: 8.32 });
    expect(await owed()).toEqual([]);
    await ok(world.call("POST", `${OPERATOR}/${basic.invoice.id}/void`));
    const changed = await ok(
      world.call<{ creditBalance: unknown }>("PATCH", "/api/v1/client/customers/ada", { lastName: "Lovelace" }),
    );
    expect(changed.creditBalance).toEqual([{ currency: "USD", amount: 1.68 }]);
    expect(await owed()).toEqual(changed.creditBalance);
  });

  test("a void invoice suspends nobody any more", async ({ expect }) => {
    const world = await shop();
    const { subscription, due } = await renewed(world, "basic");
    clockAt("2027-02-18T10:00:00Z");
    expect((await read(world, subscription)).status).toBe("SUSPENDED");
    expect(await voided(world, due.id)).toMatchObject({ status: 200, data: { id: due.id, status: "VOID" } });
    expect((await read(world, subscription)).status).toBe("ACTIVE");
  });

  test("a void first invoice takes its subscription with it", async ({ expect }) => {
    const world = await shop();
    const { subscription, invoice } = await ok(subscribe(world, "ada", "basic"));
    expect((await voided(world, invoice.id)).data.status).toBe("CANCELLED");
    expect(await read(world, subscription)).toMatchObject({ status: "CANCELLED", endedAt: "2027-01-15T10:00:00.000Z" });
  });

  test("the operator lists by status, type, customer, when they were made, and what is due", async ({ expect }) => {
    const world = await shop();
    const grace = await customer(world, "grace");
    const ada = await ok(subscribe(world, "ada", "basic"));
    clockAt("2027-01-16T10:00:00Z");
    const pending = await ok(subscribe(world, "grace", "later"));
    clockAt("2027-01-17T10:00:00Z");
    const due = await ok(subscribe(world, "grace", "basic"));
    const ids = async (query: string) =>
      (await ok(world.call<Page<Invoice>>("GET", `${OPERATOR}${query}`))).items.map(({ id }) => id);
    expect(await ids("")).toEqual([due.invoice.id, pending.invoice.id, ada.invoice.id]);
    expect(await ids("?status=PENDING")).toEqual([pending.invoice.id]);
    expect(await ids("?onlyDue=true")).toEqual([due.invoice.id, ada.invoice.id]);
    expect(await ids("?onlyDue=false&limit=1")).toEqual([due.invoice.id]);
    expect(await ids(`?customerId=${grace}&onlyDue=1`)).toEqual([due.invoice.id]);
    expect(await ids("?type=IN_ADVANCE_INITIAL")).toEqual([due.invoice.id, ada.invoice.id]);
    expect(await ids(`?type=IN_ADVANCE_INITIAL&customerId=${grace}&status=DUE`)).toEqual([due.invoice.id]);
    expect(await ids("?start=2027-01-16T10:00:00Z&end=2027-01-17T10:00:00Z")).toEqual([pending.invoice.id]);
    const ofSubscription = (id: string, more = "") => ids(`?subscriptionId=${id}${more}`);
    expect(await ofSubscription(due.subscription.id.toUpperCase())).toEqual([due.invoice.id]);
    expect(await ofSubscription(due.subscription.id, `&customerId=${grace}&status=DUE`)).toEqual([due.invoice.id]);
    expect(await ofSubscription(ada.subscription.id, `&customerId=${grace}`)).toEqual([]);
    expect(await ofSubscription("sub_1")).toEqual([]);
    const since = await ok(world.call<Page<Invoice>>("GET", `${OPERATOR}?start=2027-01-16T10:00:00Z&limit=1`));
    expect(since.pagination).toMatchObject({ total: 2, hasMore: true });
    await ok(pay(world, ada.invoice.id));
    expect(await ids("?onlyDue=true")).toEqual([due.invoice.id]);
    const [listed] = (await ok(world.call<Page<Invoice>>("GET", `${OPERATOR}?status=PAID`))).items;
    expect(listed).toEqual((await world.call("GET", `${OPERATOR}/${ada.invoice.id}`)).data);
  });

  test.for([
    ["JPY", 1234.5, 1235, 616],
    ["USD", 0.125, 0.13, 0.06],
    ["BHD", 1.2345, 1.235, 0.616],
  ] as const)("amounts are rounded to the digits of %s, once a line", async ([currency, price, whole], { expect }) => {
    const world = await shop(currency);
    await sell(world, "odd", { priceAmount: price });
    const { invoice } = await ok(subscribe(world, "ada", "odd"));
    expect(invoice).toMatchObject({ currency, amount: whole, items: [{ chargeAmount: whole }] });
    expect(invoice.subscription.plan.priceAmount).toBe(price);
  });
});

describe("refuses", () => {
  test.for(WAYS)("%s may not pay what is PENDING, VOID or CANCELLED", async ([, method, path], { expect }) => {
    const world = await shop();
    const pending = (await ok(subscribe(world, "ada", "later"))).invoice;
    const { due } = await renewed(world, "basic");
    await ok(voided(world, due.id));
    await customer(world, "grace");
    const dropped = await ok(subscribe(world, "grace", "basic"));
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${dropped.subscription.id}`));
    const open = (await invoicesOf(world, "ada")).find(({ status }) => status === "PENDING");
    expect(open?.id).not.toBe(pending.id);
    for (const [id, status] of [
      [open?.id, "PENDING"],
      [due.id, "VOID"],
      [dropped.invoice.id, "CANCELLED"],
    ] as const) {
      const refused = await world.call(method, path(id ?? ""));
      expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
      expect(refused.error.message).toContain(status);
    }
  });

  test("to void what is not to be paid, or what an unpaid adjustment gives a part of back", async ({ expect }) => {
    const world = await shop();
    await sell(world, "pro", { priceAmount: 30 });
    const { subscription, due } = await renewed(world, "basic");
    const changed = await world.call<Subscribed>(
      "POST",
      `/api/v1/client/subscriptions/${subscription.id}/plan-change`,
      {
        changeToPlanId: "pro",
        changeType: "UPGRADE",
      },
    );
    expect(changed.data.invoice).toMatchObject({ type: "ADJUSTMENT", status: "DUE" });
    expect(await voided(world, due.id)).toMatchObject({ status: 409, error: { code: "conflict" } });
    await ok(voided(world, changed.data.invoice.id));
    await ok(voided(world, due.id));
    expect(await voided(world, due.id)).toMatchObject({ status: 409 });
    const [, , paid] = await invoicesOf(world, "ada");
    expect(paid?.status).toBe("PAID");
    expect(await voided(world, paid?.id ?? "")).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(await voided(world, due.id, "?rebill=maybe")).toMatchObject({
      status: 400,
      error: { fields: [{ path: "rebill" }] },
    });
  });

  test("an upcoming invoice where no period is open, or of another's subscription", async ({ expect }) => {
    const [world, strange] = [await shop(), await shop()];
    expect(await upcoming(world)).toMatchObject({ status: 404, error: { code: "not_found" } });
    const { subscription } = await ok(subscribe(world, "ada", "basic"));
    await customer(world, "grace");
    const others = [await active(world, "grace", "later"), await active(strange, "ada", "later"), subscription];
    for (const { id } of others)
      expect(await upcoming(world, `?subscriptionId=${id}`)).toMatchObject({
        status: 404,
        error: { code: "not_found" },
      });
  });

  test("customers and invoices that are nobody's, another account's, or something else", async ({ expect }) => {
    const [world, strange] = [await shop(), await shop()];
    const mine = await ok(subscribe(world, "ada", "basic"));
    const theirs = await ok(subscribe(strange, "ada", "basic"));
    for (const path of [
      `${CLIENT}/nobody`,
      `${CLIENT}/nobody/upcoming`,
      `${CLIENT}/${theirs.subscription.customer.id}`,
    ])
      expect(await world.call("GET", path), path).toMatchObject({ status: 404, error: { code: "not_found" } });
    const never = mine.invoice.id.replace(/1$/, "9");
    for (const id of [theirs.invoice.id, never, mine.subscription.id, crypto.randomUUID(), "x"]) {
      const answers = [
        await world.call("GET", `${OPERATOR}/${id}`),
        await voided(world, id),
        ...(await Promise.all(WAYS.map(([, method, path]) => world.call(method, path(id))))),
      ];
      for (const answered of answers) expect(answered, id).toMatchObject({ status: 404, error: { code: "not_found" } });
    }
    expect(await invoicesOf(strange, "ada")).toMatchObject([{ status: "DUE" }]);
    expect(await world.call("GET", `${OPERATOR}?status=LOST`)).toMatchObject({
      status: 400,
      error: { fields: [{ path: "status" }] },
    });
  });
});

describe("holds", () => {
  test("a period with twenty features ends by as many statements as one with two", async ({ expect }) => {
    const ended = async (features: number): Promise<number> => {
      clockAt("2027-01-15T10:00:00Z");
      const world = await newWorld();
      const id = await customer(world);
      await active(world, "ada", await sellFeatures(world, features));
      for (let index = 0; index < features; index += 1)
        await world.event({ customerReferenceId: "ada", featureKey: `f.${index}`, usageUnits: 3 });
      clockAt("2027-02-16T00:00:00Z");
      const object = world.object(id);
      const { result, statements } = await withSqlFault(object, Number.POSITIVE_INFINITY, () =>
        object.invoices({ limit: 1, offset: 0 }),
      );
      const usage =
        JSON.stringify(result, (_, value) => (typeof value === "bigint" ? String(value) : value)).split(
          '"kind":"USAGE"',
        ).length - 1;
      expect(usage).toBe(features);
      return statements;
    };
    expect(await ended(20)).toBe(await ended(2));
  });

  test.for(WAYS)("%s pays once under an Idempotency-Key", async ([, method, path], { expect }) => {
    const world = await shop();
    const { due } = await renewed(world, "basic");
    const headers = { "Idempotency-Key": "pay" };
    const first = await world.call<Invoice>(method, path(due.id), undefined, headers);
    clockAt("2027-02-16T09:00:00Z");
    const again = await world.call<Invoice>(method, path(due.id), undefined, headers);
    expect([again.status, again.data]).toEqual([200, first.data]);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    // A refusal is an answer like any other.
    const pending = (await ok(subscribe(world, "ada", "later"))).invoice;
    const refused = await world.call(method, path(pending.id), undefined, { "Idempotency-Key": "early" });
    expect(refused.status).toBe(409);
    clockAt("2027-03-16T10:00:00Z");
    expect((await world.call<Invoice>("GET", `${OPERATOR}/${pending.id}`)).data.status).toBe("DUE");
    // The key is free again after a day.
    expect((await world.call(method, path(pending.id), undefined, { "Idempotency-Key": "early" })).status).toBe(200);
  });

  test("voiding under an Idempotency-Key happens once", async ({ expect }) => {
    const world = await shop();
    const { due } = await renewed(world, "basic");
    const headers = { "Idempotency-Key": "void" };
    const ask = () => world.call<Invoice>("POST", `${OPERATOR}/${due.id}/void`, undefined, headers);
    const [first, again] = [await ask(), await ask()];
    expect([again.status, again.data]).toEqual([200, first.data]);
    expect(first.data.status).toBe("VOID");
  });

  test("a first invoice paid twice at once begins one period", async ({ expect }) => {
    const world = await shop();
    const { invoice, subscription } = await ok(subscribe(world, "ada", "basic"));
    const answers = await Promise.all(Array.from({ length: 8 }, () => pay(world, invoice.id)));
    for (const answered of answers) expect([answered.status, answered.data]).toEqual([200, answers[0]?.data]);
    expect(await read(world, subscription)).toMatchObject({ status: "ACTIVE" });
    expect(await invoicesOf(world, "ada")).toHaveLength(1);
  });

  test("a payment racing a void: one happens, the other hears 409", async ({ expect }) => {
    for (let round = 0; round < 4; round += 1) {
      const world = await shop();
      const { due } = await renewed(world, "basic");
      const asked = [() => pay(world, due.id), () => voided(world, due.id)];
      const answers = await Promise.all((round % 2 === 0 ? asked : asked.toReversed()).map((ask) => ask()));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const { data } = await world.call<Invoice>("GET", `${OPERATOR}/${due.id}`);
      expect(data).toEqual(answers.find(({ status }) => status === 200)?.data);
    }
  });

  const CHANGE = (id: string) => `/api/v1/client/subscriptions/${id}/plan-change`;
  const CANCEL = "/api/v1/client/subscriptions/cancellation";
  const BEFORE_THE_END: [name: string, plan: string, act: (world: World, id: string) => Promise<unknown>][] = [
    ["a renewal with usage", "metered", async () => undefined],
    ["base and usage in arrears", "later", async () => undefined],
    [
      "a downgrade that waits",
      "metered",
      (world, id) => ok(world.call("POST", CHANGE(id), { changeToPlanId: "basic", changeType: "DOWNGRADE" })),
    ],
    ["a final invoice", "metered", (world, id) => ok(world.call("POST", `${CANCEL}/${id}`))],
    [
      "credit that an upgrade to arrears left",
      "yearly",
      (world, id) => ok(world.call("POST", CHANGE(id), { changeToPlanId: "later", changeType: "UPGRADE" })),
    ],
  ];
  test.for(BEFORE_THE_END)(
    "the invoice that comes is the one that was upcoming: %s",
    async ([, plan, act], { expect }) => {
      const world = await shop();
      const tiers = [
        { up_to: 10, price_per_unit: "0.333" },
        { up_to: "inf", price_per_unit: "0.1", flat_fee: 5 },
      ];
      await sell(world, "metered", { priceAmount: 20 }, { pricing: { model: "graduated", tiers } });
      await sell(world, "yearly", { priceAmount: 12, intervalMonths: 12 });
      const { id } = await active(world, "ada", plan);
      const event = { customerReferenceId: "ada", featureKey: `chat.${plan}`, usageUnits: 17 };
      expect((await world.event(event)).status).toBe(201);
      clockAt("2027-01-20T10:00:00Z");
      await act(world, id);
      const told = (await ok(upcoming(world, `?subscriptionId=${id}`))) as Invoice;
      clockAt(told.dueDate);
      const came = (await invoicesOf(world, "ada")).find((invoice) => invoice.id === told.id);
      expect(came?.items.length).toBeGreaterThan(0);
      // The subscription stands as it is when it is asked: before the end, and after it.
      const { subscription: _, status: before, ...forecast } = told;
      const { subscription: __, status: after, ...real } = came as Invoice;
      expect([before, after]).toEqual(["DRAFT", "DUE"]);
      expect(real).toEqual(forecast);
    },
  );

  test("the items' sum is the amount, and every item is its invoice's", async ({ expect }) => {
    const world = await shop();
    await sell(world, "pro", { priceAmount: 33.33 });
    const { subscription } = await renewed(world, "basic");
    for (const [instant, plan, type] of [
      ["2027-02-17T03:04:05.678Z", "pro", "UPGRADE"],
      ["2027-02-18T09:08:07.654Z", "later", "UPGRADE"],
    ] as const) {
      clockAt(instant);
      const { due } = { due: (await invoicesOf(world, "ada")).filter(({ status }) => status === "DUE") };
      for (const { id } of due) await ok(pay(world, id));
      const body = { changeToPlanId: plan, changeType: type };
      await world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, body);
    }
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`));
    const invoices = await invoicesOf(world, "ada");
    expect(invoices.length).toBeGreaterThan(2);
    const itemIds = invoices.flatMap(({ items }) => items.map(({ id }) => id));
    expect(new Set(itemIds).size).toBe(itemIds.length);
    for (const { id, amount, items } of invoices) {
      const cents = items.reduce((sum, { chargeAmount }) => sum + Math.round(chargeAmount * 100), 0);
      expect(cents).toBe(Math.round(amount * 100));
      expect(items.every(({ invoiceId }) => invoiceId === id)).toBe(true);
    }
  });

  test("what was done by hand stands in the trail, once, through whichever API", async ({ expect }) => {
    const world = await shop();
    const { due } = await renewed(world, "basic");
    const first = (await invoicesOf(world, "ada")).at(-1);
    for (let time = 0; time < 2; time += 1) await ok(world.call("POST", `${OPERATOR}/${due.id}/mark-paid`));
    await customer(world, "grace");
    const { invoice } = await ok(subscribe(world, "grace", "basic"));
    await ok(voided(world, invoice.id));
    expect((await voided(world, invoice.id)).status).toBe(409);
    const { items } = await ok(world.call<Page<Entry>>("GET", "/api/v1/account/audit-log"));
    const entries = items.filter(({ action }) => action.startsWith("invoice."));
    expect(entries).toHaveLength(3);
    const byClient = entries.find(({ target }) => target === first?.id);
    expect(byClient).toMatchObject({ action: "invoice.paid", before: { status: "DUE" }, after: { status: "PAID" } });
    expect(entries.find(({ target }) => target === due.id)).toMatchObject({
      action: "invoice.paid",
      before: { status: "DUE" },
      after: { status: "PAID", amount: 10, currency: "USD" },
    });
    expect(entries.find(({ action }) => action === "invoice.voided")).toMatchObject({
      target: invoice.id,
      before: { status: "DUE" },
      after: { status: "CANCELLED", rebill: false },
    });
  });

  test("the trail says whether a void invoice's usage is billed again", async ({ expect }) => {
    const world = await shop();
    const { due } = await renewed(world, "basic");
    await ok(world.call("POST", `${OPERATOR}/${due.id}/void?rebill=true`));
    const { items } = await ok(world.call<Page<Entry>>("GET", "/api/v1/account/audit-log"));
    expect(items.find(({ action }) => action === "invoice.voided")).toMatchObject({
      target: due.id,
      before: { status: "DUE" },
      after: { status: "VOID", rebill: true },
    });
  });
});
