import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, test, vi } from "vitest";
import { REPLAY_EVENTS_MAX } from "../../src/domain/limits.ts";
import { ada, correct, offer, usage } from "../support/access.ts";
import { active, customer, type Invoice, invoicesOf, ok, sell } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const BILLING = "/api/v1/monetization/billing";

type Explained = {
  invoice: Invoice;
  items: {
    kind: string;
    chargeAmount: number;
    formula: string;
    plan?: { key: string; version: number };
    rule?: { featureKey: string; value: unknown };
    events?: {
      count: number;
      first?: string;
      last?: string;
      unitsCoveredByCredits?: number;
      creditsDrawn?: number;
    };
  }[];
  replay: { matches: boolean; firstDifference?: { what: string; stored: string; replayed: string; itemId?: string } };
};

afterEach(() => {
  vi.useRealTimers();
});

const TIERS = {
  pricing: {
    model: "graduated",
    usage_unit_type: "calls",
    tiers: [
      { up_to: 1000, price_per_unit: 0.1 },
      { up_to: 10000, price_per_unit: 0.05, flat_fee: 5 },
      { up_to: "inf", price_per_unit: 0.02 },
    ],
  },
};

/** `ada` on `tiered`, 10 a month and calls by tiers, since 15 January. */
async function shop(): Promise<World> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld();
  await customer(world);
  await sell(world, "tiered", { priceAmount: 10 }, TIERS);
  await active(world, "ada", "tiered");
  return world;
}

async function uses(world: World, units: number, key = "tiered"): Promise<void> {
  await ok(
    world.event({ eventName: "call", customerReferenceId: "ada", featureKey: `chat.${key}`, usageUnits: units }),
  );
}

/** The renewal of 15 February, after 12,000 units in three events. */
async function renewed(world: World): Promise<Invoice> {
  for (const [day, units] of [
    ["16", 400],
    ["20", 600],
    ["28", 11_000],
  ] as const) {
    clockAt(`2027-01-${day}T12:00:00Z`);
    await uses(world, units);
  }
  clockAt("2027-02-15T10:00:00Z");
  const [due] = await invoicesOf(world, "ada");
  if (due === undefined) throw new Error("nothing is due");
  return due;
}

const explain = (world: World, id: string) => ok(world.call<Explained>("GET", `${BILLING}/invoices/${id}/explain`));

const verify = (world: World) =>
  ok(
    world.call<{
      invoices: number;
      notRecounted: number;
      differing: { invoiceId: string; firstDifference: { what: string } }[];
    }>("POST", `${BILLING}/verify`),
  );

type Law = { law: string; holds: boolean; left: { value: string }; firstBreak?: { why: string } };

const usageBilled = async (world: World) =>
  (await ok(world.call<{ laws: Law[] }>("GET", "/api/v1/monetization/customers/ada/books"))).laws.find(
    ({ law }) => law === "usage_billed",
  );

/** Changes a row of the customer's own tables, as nobody but a repair on the disk can. */
function edit(world: World, customerId: string, statement: string): Promise<void> {
  return runInDurableObject(world.object(customerId), (object) => {
    sqlOf(object).exec(statement);
  });
}

describe("does", () => {
  test("each line has its formula, its plan version, its rule and its events", async ({ expect }) => {
    const world = await shop();
    const due = await renewed(world);
    const explained = await explain(world, due.id);
    expect(explained.replay).toEqual({ matches: true });
    const usage = explained.items.find(({ kind }) => kind === "USAGE");
    expect(usage).toMatchObject({
      chargeAmount: 595,
      formula: "1,000 × 0.1 + (5 + 9,000 × 0.05) + 2,000 × 0.02 = 595.00",
      plan: { key: "tiered", version: 1 },
      rule: { featureKey: "chat.tiered" },
      events: {
        count: 3,
        first: "2027-01-16T12:00:00.000Z",
        last: "2027-01-28T12:00:00.000Z",
        recounted: true,
        unitsCoveredByCredits: 0,
        creditsDrawn: 0,
      },
    });
    expect(explained.items.find(({ kind }) => kind === "BASE")).toMatchObject({
      formula: "10.00 for the whole period",
      plan: { key: "tiered", version: 1 },
    });
  });

  test("shares of a price, unused time and the balance say how they were reckoned", async ({ expect }) => {
    const world = await shop();
    await sell(world, "bigger", { priceAmount: 30 });
    const [{ subscription } = { subscription: { id: "" } }] = await invoicesOf(world, "ada");
    clockAt("2027-01-30T22:00:00Z");
    const change = { changeToPlanId: "bigger", changeType: "UPGRADE" };
    const changed = await ok(
      world.call<{ invoice: Invoice }>("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, change),
    );
    expect((await explain(world, changed.invoice.id)).items.map(({ formula }) => formula)).toEqual([
      "−10.00 × 1,339,200,000 ms ÷ 2,678,400,000 ms = -5.00",
      "30.00 × 1,339,200,000 ms ÷ 2,678,400,000 ms = 15.00",
    ]);
    await ok(world.call("POST", `/api/v1/client/billing/invoices/${changed.invoice.id}/mark-paid`));
    clockAt("2027-02-07T16:00:00Z");
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`));
    const credit = (await invoicesOf(world, "ada")).find(({ type }) => type === "CREDIT");
    const unused = await explain(world, credit?.id ?? "");
    expect(unused.items[0]?.formula).toMatch(/^10\.00 × 669,600,000 ms ÷ 2,678,400,000 ms \+ /);
    expect(unused.replay).toEqual({ matches: true });
  });

  test("what credits paid for is told beside what was billed", async ({ expect }) => {
    clockAt("2027-01-15T10:00:00Z");
    const world = await newWorld();
    const customerId = await customer(world);
    const model = await ok(
      world.call<{ id: string }>("POST", "/api/v1/monetization/credits/models", {
        name: "AI",
        denomination: "AI_CREDITS",
        hardLimit: false,
      }),
    );
    const planId = await sell(world, "mixed", { priceAmount: 0 });
    const feature = await ok(world.call<{ id: string }>("POST", "/api/v1/monetization/features", { key: "ai" }));
    await ok(
      world.call("POST", "/api/v1/monetization/rules/plan-features", {
        planId,
        featureId: feature.id,
        creditModelId: model.id,
        value: { pricing: { model: "usage", price_per_unit: 0.5 } },
      }),
    );
    await active(world, "ada", "mixed");
    const pool = await ok(
      world.call<{ id: string }>("POST", "/api/v1/monetization/credits/pools", {
        name: "ada",
        denomination: "AI_CREDITS",
        customerId,
      }),
    );
    const grant = { creditPoolId: pool.id, amount: 60, grantType: "MANUAL" };
    await ok(world.call("POST", "/api/v1/monetization/credits/grants", grant));
    await ok(world.event({ customerReferenceId: "ada", featureKey: "ai", usageUnits: 100 }));
    clockAt("2027-02-15T10:00:00Z");
    const [due] = await invoicesOf(world, "ada");
    const { items, replay } = await explain(world, due?.id ?? "");
    expect(items).toMatchObject([
      { formula: "40 × 0.5 = 20.00", events: { count: 1, unitsCoveredByCredits: 60, creditsDrawn: 60 } },
    ]);
    expect(replay).toEqual({ matches: true });
  });

  test("an account's invoices are replayed a page of customers at a time", async ({ expect }) => {
    const world = await shop();
    await customer(world, "bob");
    await active(world, "bob", "tiered");
    await renewed(world);
    expect(await verify(world)).toMatchObject({ customers: 2, invoices: 4, differing: [] });
    const page = await ok(world.call<{ nextCursor?: string }>("POST", `${BILLING}/verify`, { limit: 1 }));
    expect(page.nextCursor).toBeDefined();
    const rest = { limit: 1, cursor: page.nextCursor };
    expect(await ok(world.call("POST", `${BILLING}/verify`, rest))).toMatchObject({ customers: 1, differing: [] });
  });
});

describe("refuses", () => {
  test("an invoice that nobody knows, and one of another account", async ({ expect }) => {
    const [world, other] = [await shop(), await shop()];
    const [invoice] = await invoicesOf(other, "ada");
    for (const id of [crypto.randomUUID(), invoice?.id ?? ""])
      expect((await world.call("GET", `${BILLING}/invoices/${id}/explain`)).status).toBe(404);
  });
});

describe("holds", () => {
  test.for([
    [
      "an event with other units",
      `UPDATE events SET usage_e12 = '500000000000000' WHERE seq = 1`,
      "units of chat.tiered in its events",
    ],
    ["an event that is gone", "DELETE FROM events WHERE seq = 2", "units of chat.tiered in its events"],
    [
      "a plan version with another price per unit",
      `UPDATE plan_pins SET body = replace(body, '20000000000', '30000000000')`,
      "a usage line's amount",
    ],
    [
      "a line with another amount",
      `UPDATE invoices SET body = replace(body, '"amountMinor":59500', '"amountMinor":59400') WHERE status = 'DUE'`,
      "a usage line's amount",
    ],
    [
      "an invoice with another amount",
      `UPDATE invoices SET body = replace(body, '"amountMinor":60500', '"amountMinor":60400') WHERE status = 'DUE'`,
      "the invoice's amount",
    ],
    [
      "a base that is charged twice",
      `UPDATE invoices SET body = json_set(body, '$.lines[#]', json_extract(body, '$.lines[#-1]'),
         '$.amountMinor', json_extract(body, '$.amountMinor') + 1000) WHERE status = 'DUE'`,
      "time that is charged twice",
    ],
    [
      "a base that is gone",
      `UPDATE invoices SET body = json_set(json_remove(body, '$.lines[#-1]'),
         '$.amountMinor', json_extract(body, '$.amountMinor') - 1000) WHERE status = 'DUE'`,
      "a line for the price",
    ],
    [
      "a segment of usage with other units",
      `UPDATE usage_segments SET body = json_set(body, '$.toE12."$bigint"', '11000000000000000')`,
      "units of chat.tiered in its events",
    ],
    [
      "a segment of usage that says other units came late",
      `UPDATE usage_segments SET body = json_set(body, '$.lateE12."$bigint"', '1000000000000')`,
      "what a usage line says of its units",
    ],
    [
      "a segment of usage with another number of events",
      `UPDATE usage_segments SET body = json_set(body, '$.events', 2)`,
      "events of chat.tiered",
    ],
    ["a segment of usage that is gone", "DELETE FROM usage_segments", "the usage behind a line"],
    [
      "a segment of usage that nobody can read",
      "UPDATE usage_segments SET body = json_set(body, '$.toE12', 'many')",
      "what is stored behind the invoice",
    ],
    [
      "an event that was counted for another period",
      "UPDATE events SET detail = json_set(detail, '$.counted.periodStartMs', 1) WHERE seq = 2",
      "units of chat.tiered in its events",
    ],
  ] as const)("%s is found and named", async ([, statement, what], { expect }) => {
    const world = await shop();
    const due = await renewed(world);
    const customerId = due.subscription.customer.id;
    await edit(world, customerId, statement);
    const { differing } = await verify(world);
    expect(differing).toMatchObject([{ invoiceId: due.id, firstDifference: { what } }]);
    expect((await explain(world, due.id)).replay).toMatchObject({ matches: false, firstDifference: { what } });
  });

  test("what has too many events to be counted again matches by its sums, and that is said", async ({ expect }) => {
    const world = await shop();
    const due = await renewed(world);
    expect(await verify(world)).toMatchObject({ differing: [], notRecounted: 0 });
    await edit(
      world,
      due.subscription.customer.id,
      `UPDATE usage_segments SET body = json_set(body, '$.events', ${REPLAY_EVENTS_MAX + 1})`,
    );
    expect(await verify(world)).toMatchObject({ differing: [], notRecounted: 1 });
    const { items, replay } = await explain(world, due.id);
    expect(items.find(({ kind }) => kind === "USAGE")).toMatchObject({ events: { recounted: false } });
    expect(replay).toEqual({ matches: true });
  });

  test("a first invoice without its base is found; a period in arrears that was suspended from its beginning has none", async ({
    expect,
  }) => {
    const world = await shop();
    await sell(world, "later", { priceAmount: 10, billingTiming: "IN_ARREARS" }, TIERS);
    await customer(world, "bob");
    await ok(
      world.call("POST", "/api/v1/client/subscriptions", {
        customerReferenceId: "bob",
        planId: "later",
        gracePeriod: 0,
      }),
    );
    for (const instant of ["2027-01-20T10:00:00Z", "2027-02-15T10:00:00Z"]) {
      clockAt(instant);
      await ok(world.event({ customerReferenceId: "bob", featureKey: "chat.later", usageUnits: 5 }));
    }
    clockAt("2027-03-15T10:00:00Z");
    const ofBob = (await invoicesOf(world, "bob")).filter(({ status }) => status !== "PENDING");
    expect(ofBob.map(({ items }) => items.map(({ kind }) => kind).toSorted())).toEqual([["USAGE"], ["BASE", "USAGE"]]);
    expect(await verify(world)).toMatchObject({ differing: [] });
    const first = (await invoicesOf(world, "ada")).at(-1);
    const statement = `UPDATE invoices SET body = json_set(body, '$.lines', json('[]'), '$.amountMinor', 0)
      WHERE body ->> '$.type' = 'IN_ADVANCE_INITIAL'`;
    await edit(world, first?.subscription.customer.id ?? "", statement);
    const what = "a line for the price";
    expect((await verify(world)).differing).toMatchObject([{ invoiceId: first?.id, firstDifference: { what } }]);
  });

  test.for([
    ["lost", "json_remove(body, '$.lines[0]', '$.lines[1]')", 0],
    ["charged twice", "json_set(body, '$.lines[#]', json_extract(body, '$.lines[0]'))", 2],
  ] as const)(
    "usage that is %s on an invoice which adds up is found by the books",
    async ([, edited, on], { expect }) => {
      const world = await shop();
      const due = await renewed(world);
      expect(await usageBilled(world)).toMatchObject({ holds: true });
      await edit(world, due.subscription.customer.id, `UPDATE invoices SET body = ${edited} WHERE status = 'DUE'`);
      expect(await usageBilled(world)).toMatchObject({
        holds: false,
        firstBreak: { why: `usage of chat.tiered until 2027-02-15T10:00:00.000Z is on ${on} invoices` },
      });
    },
  );

  test("usage of a void invoice is billed once for the books, again or not", async ({ expect }) => {
    for (const rebill of [true, false]) {
      const world = await shop();
      const due = await renewed(world);
      await ok(world.call("POST", `${BILLING}/invoices/${due.id}/void?rebill=${rebill}`));
      expect(await usageBilled(world)).toMatchObject({ holds: true, left: { value: "1" } });
      clockAt("2027-03-15T10:00:00Z");
      await invoicesOf(world, "ada");
      expect(await usageBilled(world)).toMatchObject({ holds: true, left: { value: "1" } });
    }
  });

  test("a plan version that is gone is found and named, on each invoice that it priced", async ({ expect }) => {
    const world = await shop();
    const due = await renewed(world);
    await edit(world, due.subscription.customer.id, "DELETE FROM plan_pins");
    const { differing, invoices } = await verify(world);
    expect(invoices).toBe(2);
    expect(differing.map(({ firstDifference }) => firstDifference.what)).toEqual([
      "the plan version behind a line",
      "the plan version behind a line",
    ]);
  });

  test("seats that credits paid for, and that went again, make no difference where there is none", async ({
    expect,
  }) => {
    clockAt("2027-01-15T10:00:00Z");
    const world = await newWorld();
    const customerId = await customer(world);
    const model = await ok(
      world.call<{ id: string }>("POST", "/api/v1/monetization/credits/models", {
        name: "Seats",
        denomination: "SEATS",
        hardLimit: false,
      }),
    );
    const planId = await sell(world, "seats", { priceAmount: 0 });
    const feature = await ok(world.call<{ id: string }>("POST", "/api/v1/monetization/features", { key: "seat" }));
    await ok(
      world.call("POST", "/api/v1/monetization/rules/plan-features", {
        planId,
        featureId: feature.id,
        creditModelId: model.id,
        value: { pricing: { model: "usage", price_per_unit: 4, reset_mode: "accumulate" } },
      }),
    );
    await active(world, "ada", "seats");
    const pool = await ok(
      world.call<{ id: string }>("POST", "/api/v1/monetization/credits/pools", {
        name: "ada",
        denomination: "SEATS",
        customerId,
      }),
    );
    await ok(
      world.call("POST", "/api/v1/monetization/credits/grants", {
        creditPoolId: pool.id,
        amount: 10,
        grantType: "MANUAL",
      }),
    );
    for (const usageUnits of [12, -5, 4])
      await ok(world.event({ eventName: "seat", customerReferenceId: "ada", featureKey: "seat", usageUnits }));
    clockAt("2027-02-15T10:00:00Z");
    await invoicesOf(world, "ada");
    expect((await verify(world)).differing).toEqual([]);
    await ok(world.event({ eventName: "seat", customerReferenceId: "ada", featureKey: "seat", usageUnits: -6 }));
    await ok(world.event({ eventName: "seat", customerReferenceId: "ada", featureKey: "seat", usageUnits: 2 }));
    clockAt("2027-03-15T10:00:00Z");
    await invoicesOf(world, "ada");
    expect(await verify(world)).toMatchObject({ invoices: 3, differing: [] });
  });

  test("what becomes of a plan later changes no invoice: it keeps price, tiers and version", async ({ expect }) => {
    const world = await shop();
    const due = await renewed(world);
    const plans = await ok(world.call<{ items: { id: string }[] }>("GET", "/api/v1/monetization/plans"));
    await ok(world.call("PATCH", `/api/v1/monetization/plans/${plans.items[0]?.id}`, { priceAmount: 99 }));
    expect((await explain(world, due.id)).replay).toEqual({ matches: true });
  });

  test("units that a correction took before they were billed are missed nowhere: at a changed plan, and from both sides of it", async ({
    expect,
  }) => {
    clockAt("2030-03-05T10:30:00Z");
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage(1) });
    await offer(world, "dear", { chat: usage(5) });
    const said = { customerReferenceId: "ada", featureKey: "chat", eventName: "use" };
    const first = (await ok(world.event({ ...said, usageUnits: 10 }))).eventId;
    const second = (await ok(world.event({ ...said, usageUnits: 6 }))).eventId;
    clockAt("2030-03-10T00:00:00Z");
    await ok(
      world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, {
        changeToPlanId: "dear",
        changeType: "UPGRADE",
      }),
    );
    clockAt("2030-03-11T00:00:00Z");
    // All of it from before the change.
    await correct(world, first, { usageUnits: 4 });
    // More counts after it; then less than that is taken from both.
    await correct(world, second, { usageUnits: 9 });
    await correct(world, second, { usageUnits: 1 });
    clockAt("2030-04-05T10:30:00Z");
    const due = (await invoicesOf(world, "ada")).find(({ status }) => status === "DUE");
    expect(due?.items.map(({ kind, quantity }) => [kind, quantity])).toContainEqual(["USAGE", 5]);
    expect(await verify(world)).toMatchObject({ differing: [] });
  });
});
