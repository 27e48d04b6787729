import { env } from "cloudflare:test";
import { afterEach, describe, test, vi } from "vitest";
import {
  active,
  customer,
  type Invoice,
  invoicesOf,
  ok,
  type Page,
  pay,
  type Subscribed,
  sell,
  subscribe,
} from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const OPERATOR = "/api/v1/monetization/billing/invoices";

type Numbered = Invoice & {
  number?: string;
  seller?: Record<string, string>;
  buyer?: Record<string, string>;
  terms?: { gracePeriodDays: number };
  subtotal: number;
  tax: number;
  total: number;
  taxLines: unknown[];
  paidBy?: string;
};

afterEach(() => {
  vi.useRealTimers();
});

/** A world with the customers `ada` and `bob`, and `basic` for 10 a month in advance, on 15 January. */
async function shop(): Promise<World> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld();
  await customer(world);
  await customer(world, "bob");
  await sell(world, "basic", { priceAmount: 10 });
  return world;
}

const list = async (world: World): Promise<Numbered[]> =>
  (await ok(world.call<Page<Numbered>>("GET", `${OPERATOR}?limit=200`))).items;

const numbersOf = (invoices: readonly Numbered[]) => invoices.flatMap(({ number }) => number ?? []).sort();

const one = (world: World, id: string) => ok(world.call<Numbered>("GET", `${OPERATOR}/${id}`));

describe("does", () => {
  test("a first invoice has no number until it is paid, and the answer that pays it tells the number", async ({
    expect,
  }) => {
    const world = await shop();
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    expect((invoice as Numbered).number).toBeUndefined();
    const paid = (await ok(pay(world, invoice?.id ?? ""))) as Numbered;
    expect(paid.number).toBe("INV-000001");
    expect((await one(world, paid.id)).number).toBe("INV-000001");
    expect((await list(world))[0]?.number).toBe("INV-000001");
  });

  test("a renewal has its number as soon as it is due, whether or not it is ever paid", async ({ expect }) => {
    const world = await shop();
    await active(world, "ada", "basic");
    clockAt("2027-02-15T10:00:00Z");
    const [due] = await invoicesOf(world, "ada");
    await world.flush(due?.subscription.customer.id ?? "");
    expect(await one(world, due?.id ?? "")).toMatchObject({ number: "INV-000002", status: "DUE" });
    await ok(world.call("POST", `${OPERATOR}/${due?.id}/void`));
    expect(await one(world, due?.id ?? "")).toMatchObject({ number: "INV-000002", status: "VOID" });
  });

  test("an invoice keeps seller, buyer and terms as they were when it became due", async ({ expect }) => {
    const world = await shop();
    await ok(
      world.call("PATCH", "/api/v1/account/settings", {
        seller: { name: "Acme AI GmbH", address: "Hauptstr. 1\n10115 Berlin", taxId: "DE123" },
      }),
    );
    await ok(
      world.call("PATCH", "/api/v1/client/customers/ada", { firstName: "Ada", lastName: "Lovelace", taxId: "GB999" }),
    );
    const { invoice } = await ok(
      world.call<Subscribed>("POST", "/api/v1/client/subscriptions", {
        customerReferenceId: "ada",
        planId: "basic",
        gracePeriod: 5,
      }),
    );
    const before = await one(world, invoice?.id ?? "");
    expect(before).toMatchObject({
      seller: { name: "Acme AI GmbH", address: "Hauptstr. 1\n10115 Berlin", taxId: "DE123" },
      buyer: { name: "Ada Lovelace", taxId: "GB999", referenceId: "ada" },
      terms: { gracePeriodDays: 5 },
    });
    await ok(world.call("PATCH", "/api/v1/account/settings", { seller: { name: "Other Ltd", taxId: "" } }));
    await ok(world.call("PATCH", "/api/v1/client/customers/ada", { lastName: "Byron" }));
    const after = await ok(pay(world, before.id));
    expect(after).toMatchObject({ seller: before.seller, buyer: before.buyer, terms: before.terms });
    const next = await ok(subscribe(world, "bob", "basic"));
    expect(next.invoice).toMatchObject({ seller: { name: "Other Ltd", address: "Hauptstr. 1\n10115 Berlin" } });
  });

  test("who sold is who did when it became due, however late its copy comes and however often that changed since", async ({
    expect,
  }) => {
    const world = await shop();
    await active(world, "ada", "basic");
    const named = (name: string) => ok(world.call("PATCH", "/api/v1/account/settings", { seller: { name } }));
    clockAt("2027-02-01T10:00:00Z");
    await named("First Ltd");
    // Half an hour late nobody has asked for the customer yet: the renewal is due at its instant all the same.
    for (const [minute, name] of [
      ["10", "Second Ltd"],
      ["20", "Third Ltd"],
    ] as const) {
      clockAt(`2027-02-15T10:${minute}:00Z`);
      await named(name);
    }
    clockAt("2027-02-15T10:25:00Z");
    await ok(world.call("PATCH", "/api/v1/account", { name: "Renamed" }));
    clockAt("2027-02-15T10:30:00Z");
    const [due] = await invoicesOf(world, "ada");
    await world.flush(due?.subscription.customer.id ?? "");
    expect(await one(world, due?.id ?? "")).toMatchObject({ status: "DUE", seller: { name: "First Ltd" } });
    const next = await ok(subscribe(world, "bob", "basic"));
    expect(next.invoice).toMatchObject({ seller: { name: "Third Ltd" } });
  });

  test("on a test clock, whose instants are none of the settings', it is who sells now", async ({ expect }) => {
    const world = await shop();
    await ok(world.call("PATCH", "/api/v1/account", { name: "Renamed" }));
    const clock = { name: "past", frozenTime: "2026-01-15T00:00:00Z" };
    const { id: testClockId } = await ok(world.call<{ id: string }>("POST", "/api/v1/test-clocks", clock));
    await ok(
      world.call("POST", "/api/v1/client/customers", {
        customerReferenceId: "eve",
        email: "eve@mail.test",
        testClockId,
      }),
    );
    const { invoice } = await ok(subscribe(world, "eve", "basic"));
    expect(invoice).toMatchObject({ seller: { name: "Renamed" } });
  });

  test("an account that says nothing of a seller sells under its own name", async ({ expect }) => {
    const world = await shop();
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    expect(await one(world, invoice?.id ?? "")).toMatchObject({ seller: { name: "World" } });
  });

  test("an invoice has a subtotal, tax and a total", async ({ expect }) => {
    const world = await shop();
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    expect(invoice).toMatchObject({ amount: 10, subtotal: 10, tax: 0, total: 10, taxLines: [] });
    const row = await env.DB.prepare(
      "SELECT subtotal_minor, tax_minor, total_minor FROM invoices WHERE account_id = ? AND invoice_id = ?",
    )
      .bind(world.accountId, invoice?.id)
      .first();
    expect(row).toEqual({ subtotal_minor: 1000, tax_minor: 0, total_minor: 1000 });
  });

  test("an invoice says how it was paid", async ({ expect }) => {
    const world = await shop();
    await sell(world, "free", { priceAmount: 0 });
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    expect(await ok(pay(world, invoice?.id ?? ""))).toMatchObject({ paidBy: "MANUAL" });
    const free = await ok(subscribe(world, "ada", "free"));
    if (free.invoice !== undefined) expect(free.invoice).toMatchObject({ status: "PAID", paidBy: "NOTHING" });
  });
});

describe("holds", () => {
  test("numbers have no gap although many customers get theirs at once and some invoices come to nothing", async ({
    expect,
  }) => {
    const world = await shop();
    const names = Array.from({ length: 12 }, (_, at) => `many-${at}`);
    await Promise.all(names.map((name) => customer(world, name)));
    await sell(world, "free", { priceAmount: 0 });
    const made = await Promise.all(names.map((name) => ok(subscribe(world, name, "basic"))));
    await Promise.all(names.map((name) => ok(subscribe(world, name, "free"))));
    // Every third is never paid.
    await Promise.all(made.map(({ invoice }, at) => (at % 3 === 0 ? undefined : ok(pay(world, invoice?.id ?? "")))));
    expect(numbersOf(await list(world))).toEqual(
      Array.from({ length: 8 }, (_, at) => `INV-${String(at + 1).padStart(6, "0")}`),
    );
  });

  test("each account counts its own invoices", async ({ expect }) => {
    const worlds = [await shop(), await shop()];
    for (const world of worlds) {
      const { invoice } = await ok(subscribe(world, "ada", "basic"));
      expect(await ok(pay(world, invoice?.id ?? ""))).toMatchObject({ number: "INV-000001" });
    }
  });

  test("a number is not given twice although D1's answer is lost and the row is sent again", async ({ expect }) => {
    const world = await shop();
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    const paid = (await ok(pay(world, invoice?.id ?? ""))) as Numbered;
    const customerId = paid.subscription.customer.id;
    await world.object(customerId).reproject();
    expect(numbersOf(await list(world))).toEqual(["INV-000001"]);
  });

  test("a database that was lost gets the same numbers and sellers again", async ({ expect }) => {
    const world = await shop();
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    const paid = (await ok(pay(world, invoice?.id ?? ""))) as Numbered;
    await ok(pay(world, (await ok(subscribe(world, "bob", "basic"))).invoice?.id ?? ""));
    const before = await list(world);
    await env.DB.prepare("DELETE FROM invoices WHERE account_id = ?").bind(world.accountId).run();
    for (const { subscription } of before.toReversed()) await world.object(subscription.customer.id).reproject();
    expect(await list(world)).toEqual(before);
    expect((await one(world, paid.id)).number).toBe("INV-000001");
  });

  test("numbers given while a lost database fills again are new ones, and those that come back are what they were", async ({
    expect,
  }) => {
    const world = await shop();
    await customer(world, "carol");
    const first = (await ok(pay(world, (await ok(subscribe(world, "ada", "basic"))).invoice?.id ?? ""))) as Numbered;
    const second = (await ok(pay(world, (await ok(subscribe(world, "bob", "basic"))).invoice?.id ?? ""))) as Numbered;
    await env.DB.prepare("DELETE FROM invoices WHERE account_id = ?").bind(world.accountId).run();
    await world.object(first.subscription.customer.id).reproject();
    // Carol buys before the invoice of bob is back.
    const third = (await ok(pay(world, (await ok(subscribe(world, "carol", "basic"))).invoice?.id ?? ""))) as Numbered;
    expect(third.number).toBe("INV-000003");
    await world.object(second.subscription.customer.id).reproject();
    const listed = await list(world);
    expect(listed.map(({ id, number }) => [id, number]).sort()).toEqual(
      [first, second, third].map(({ id, number }) => [id, number]).sort(),
    );
  });

  test("a number that another invoice has already is refused: neither invoice becomes the other", async ({
    expect,
  }) => {
    const world = await shop();
    const ada = (await ok(pay(world, (await ok(subscribe(world, "ada", "basic"))).invoice?.id ?? ""))) as Numbered;
    // A database that was set back to before: what it gave since, it gives again.
    for (const table of ["invoices", "invoice_last_numbers"])
      await env.DB.prepare(`DELETE FROM ${table} WHERE account_id = ?`).bind(world.accountId).run();
    const bob = (await ok(pay(world, (await ok(subscribe(world, "bob", "basic"))).invoice?.id ?? ""))) as Numbered;
    expect(bob.number).toBe(ada.number);
    const before = await list(world);
    expect(await world.object(ada.subscription.customer.id).reproject()).toMatchObject({ arrived: false });
    expect(await list(world)).toEqual(before);
    expect(before.map(({ id }) => id)).toEqual([bob.id]);
  });

  test("the next number is found in an index, however many invoices there are", async ({ expect }) => {
    for (const statement of [
      "SELECT COALESCE(MAX(sequence), 0) AS n FROM invoices WHERE account_id = ? AND sequence IS NOT NULL",
      "SELECT account_id, MAX(sequence) FROM invoices WHERE account_id = ? AND sequence IS NOT NULL GROUP BY account_id",
    ]) {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${statement}`).bind("x").all<{ detail: string }>();
      expect(plan.results.map(({ detail }) => detail).join("\n")).toContain("invoices_by_sequence");
    }
  });
});
