import { afterEach, describe, test, vi } from "vitest";
import { active, customer, ok, sell } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const path = (ref: string) => `/api/v1/monetization/customers/${ref}/balance`;

type Balance = {
  balances: { currency: string; amount: number }[];
  entries: { items: { id: string; amount: number; balanceAfter: number; kind: string; invoiceId?: string }[] };
};

afterEach(() => {
  vi.useRealTimers();
});

/** `ada` is owed 5.00: she paid 10 for January and left in its middle. */
async function owed(): Promise<World> {
  clockAt("2027-01-15T00:00:00Z");
  const world = await newWorld();
  await customer(world);
  await sell(world, "basic", { priceAmount: 10 });
  const { id } = await active(world, "ada", "basic");
  clockAt("2027-01-30T12:00:00Z");
  await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${id}?cancelMode=IMMEDIATE`));
  return world;
}

const balance = (world: World) => ok(world.call<Balance>("GET", path("ada")));

describe("does", () => {
  test("the balance is shown with the ledger that explains it", async ({ expect }) => {
    const world = await owed();
    const { balances, entries } = await balance(world);
    expect(balances).toEqual([{ currency: "USD", amount: 5 }]);
    expect(entries.items).toMatchObject([{ amount: 5, balanceAfter: 5, kind: "CREDIT_INVOICE" }]);
    expect(entries.items[0]?.invoiceId).toBeDefined();
  });

  test("a payout takes from the balance, and stands in ledger and audit log", async ({ expect }) => {
    const world = await owed();
    const body = { currency: "usd", amount: "3.20", reference: "SEPA 17" };
    expect(await world.call("POST", `${path("ada")}/payout`, body)).toMatchObject({
      status: 201,
      data: { amount: -3.2, balanceAfter: 1.8, kind: "PAYOUT", reference: "SEPA 17" },
    });
    expect((await balance(world)).balances).toEqual([{ currency: "USD", amount: 1.8 }]);
    const log = await ok(
      world.call<{ items: { action: string; before: unknown; after: unknown }[] }>("GET", "/api/v1/account/audit-log"),
    );
    expect(log.items[0]).toMatchObject({
      action: "balance.paid_out",
      before: { currency: "USD", balance: 5 },
      after: { currency: "USD", amount: -3.2, balance: 1.8, reference: "SEPA 17" },
    });
  });
});

describe("refuses", () => {
  test("more than the customer is owed", async ({ expect }) => {
    const world = await owed();
    for (const body of [
      { currency: "USD", amount: 5.01 },
      { currency: "EUR", amount: 1 },
    ])
      expect(await world.call("POST", `${path("ada")}/payout`, body)).toMatchObject({
        status: 409,
        error: { code: "conflict" },
      });
    expect((await balance(world)).balances).toEqual([{ currency: "USD", amount: 5 }]);
  });

  test.for([
    [{ currency: "USD" }, "amount"],
    [{ currency: "USD", amount: 0 }, "amount"],
    [{ currency: "USD", amount: -1 }, "amount"],
    [{ currency: "USD", amount: 0.001 }, "amount"],
    [{ currency: "JPY", amount: 1.5 }, "amount"],
    [{ amount: 1 }, "currency"],
    // Nothing is sent anywhere: who asks for that is not to believe it was.
    [{ currency: "USD", amount: 1, method: "CASH" }, "method"],
  ] as const)("%j is refused for its %s", async ([body, field], { expect }) => {
    const world = await owed();
    expect(await world.call("POST", `${path("ada")}/payout`, body)).toMatchObject({
      status: 400,
      error: { fields: [{ path: field }] },
    });
  });

  test("a customer that nobody knows", async ({ expect }) => {
    const world = await owed();
    expect((await world.call("GET", path("bob"))).status).toBe(404);
    expect((await world.call("POST", `${path("bob")}/payout`, { currency: "USD", amount: 1 })).status).toBe(404);
  });
});

describe("holds", () => {
  test("a payout under one key happens once, whoever repeats it and how", async ({ expect }) => {
    const world = await owed();
    const body = { currency: "USD", amount: 4, idempotencyKey: "p1" };
    const answers = await Promise.all([1, 2, 3].map(() => world.call("POST", `${path("ada")}/payout`, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(new Set(answers.map(({ data }) => data.id)).size).toBe(1);
    expect((await balance(world)).balances).toEqual([{ currency: "USD", amount: 1 }]);
  });

  test("two payouts of the whole balance at once: one is made", async ({ expect }) => {
    const world = await owed();
    const body = { currency: "USD", amount: 5 };
    const answers = await Promise.all([1, 2].map(() => world.call("POST", `${path("ada")}/payout`, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await balance(world)).balances).toEqual([]);
  });

  test("the books add the ledger up", async ({ expect }) => {
    const world = await owed();
    await ok(world.call("POST", `${path("ada")}/payout`, { currency: "USD", amount: 2 }));
    const books = await ok(
      world.call<{ laws: { law: string; holds: boolean; left: { value: string } }[] }>(
        "GET",
        "/api/v1/monetization/customers/ada/books",
      ),
    );
    expect(books.laws.filter(({ law }) => law === "balance_entries")).toMatchObject([
      { holds: true, left: { value: "300" } },
    ]);
  });
});
