import { beforeEach, describe, expect, test } from "vitest";
import { type Busy, busy } from "../support/busy.ts";
import { booksOf, edit, type Law, nth, setAmount } from "../support/edited.ts";
import { customer, ok } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** The books of customers: lawful ones verify, and a row that somebody edited is found and named. */

type Verified = {
  customers: number;
  laws: number;
  broken: { customerId: string; laws: Law[] }[];
  unfinished: string[];
  nextCursor?: string;
};

const VERIFY = "/api/v1/monetization/books/verify";
let world: World;

beforeEach(async () => {
  clockAt("2027-03-01T00:00:00Z");
  world = await newWorld();
});

const verify = (body: unknown = {}) => ok(world.call<Verified>("POST", VERIFY, body));

type Id = { id: string };

describe("does", () => {
  test("every law is told with both sides, of pools, counters, invoices and balances", async ({ expect }) => {
    const { id, pool } = await busy(world);
    const books = await booksOf(world, "ada");
    expect(books).toMatchObject({ customerId: id, asOf: "2027-03-02T00:00:00.000Z", holds: true });
    const of = (law: string) => books.laws.filter((one) => one.law === law);
    expect(of("pool_equation")).toEqual([
      {
        law: "pool_equation",
        subject: { kind: "credit pool", id: pool, name: "Credits" },
        left: { what: "granted + reversed", value: "21.5" },
        right: { what: "balance + consumed + expired + voided", value: "21.5" },
        holds: true,
      },
    ]);
    expect(of("pool_grants")[0]).toMatchObject({ left: { value: "10" }, right: { value: "10" } });
    expect(of("ledger_chain")[0]).toMatchObject({ left: { value: "8" }, right: { value: "8" } });
    expect(
      of("counter_events")
        .map(({ subject, left, right }) => [subject.name, left.value, right.value])
        .sort(),
    ).toEqual([
      ["api", "1", "1"],
      ["chat", "5", "5"],
    ]);
    expect(of("invoice_lines")[0]).toMatchObject({ left: { value: "1" }, right: { value: "1" } });
    expect(books.laws.filter(({ holds }) => !holds)).toEqual([]);
  });

  test("an account is verified page by page, and only what is broken is told", async ({ expect }) => {
    const { id } = await busy(world);
    await customer(world, "grace");
    await customer(world, "linus");
    const first = await verify({ limit: 2 });
    const second = await verify({ limit: 2, cursor: first.nextCursor });
    expect([first.customers, second.customers, second.nextCursor]).toEqual([2, 1, undefined]);
    expect([first.broken, second.broken, first.unfinished]).toEqual([[], [], []]);
    await edit(world, id, setAmount("credit_pools", "1", "$.balanceE4", "990000"));
    const { broken, customers, laws } = await verify();
    expect(customers).toBe(3);
    expect(laws).toBeGreaterThan(10);
    expect(broken.map(({ customerId }) => customerId)).toEqual([id]);
    expect(broken[0]?.laws.map(({ law }) => law)).toEqual(["pool_equation", "pool_ledger", "pool_grants"]);
  });

  test("a page that is just full leads to one that is empty, and that is the end", async ({ expect }) => {
    for (const reference of ["ada", "grace", "linus"]) await customer(world, reference);
    const full = await verify({ limit: 3 });
    expect([full.customers, full.nextCursor === undefined]).toEqual([3, false]);
    expect(await verify({ limit: 3, cursor: full.nextCursor })).toEqual({
      customers: 0,
      laws: 0,
      broken: [],
      unfinished: [],
    });
  });
});

describe("refuses", () => {
  test("the books of nobody", async ({ expect }) => {
    expect((await world.call("GET", "/api/v1/monetization/customers/nobody/books")).status).toBe(404);
  });

  test("pages of no size, and larger ones than one call walks", async ({ expect }) => {
    expect((await world.call("POST", VERIFY, { limit: 0 })).status).toBe(400);
    expect((await world.call("POST", VERIFY, { limit: 500 })).status).toBe(200);
    expect((await world.call("POST", VERIFY, { limit: 501 })).status).toBe(400);
  });
});

describe("holds", () => {
  type Broken = Busy;
  const retype = (from: string, to: string) =>
    `UPDATE credit_entries SET type = '${to}', body = json_set(body, '$.type', '${to}') WHERE type = '${from}'`;
  const number = (id: string) => String(Number.parseInt(id.slice(24), 16));

  test.for<[string, (made: Broken) => string, string[], (made: Broken) => Partial<Law["firstBreak"]>]>([
    [
      "a pool's total",
      () => setAmount("credit_pools", "1", "$.consumedE4", "1"),
      ["pool_equation", "pool_totals"],
      ({ pool }) => ({ kind: "credit pool", id: pool }),
    ],
    [
      "what a grant has left",
      ({ grant }) => setAmount("credit_grants", number(grant), "$.remainingE4", "1"),
      ["grants_ledger", "pool_grants"],
      ({ grant }) => ({ kind: "credit grant", id: grant, why: "has 0.0001 left, its ledger leaves 10" }),
    ],
    [
      "what is held of a grant",
      ({ grant }) => setAmount("credit_grants", number(grant), "$.heldE4", "5000"),
      ["pool_held"],
      ({ grant }) => ({ kind: "credit grant", id: grant, why: "says 0.5 is held, open reservations hold 0" }),
    ],
    [
      "what a grant gave",
      ({ grant }) => setAmount("credit_grants", number(grant), "$.amountE4", "1"),
      ["grant_amounts"],
      ({ grant }) => ({ kind: "credit grant", id: grant, why: "is of 0.0001, its ledger brought 10" }),
    ],
    [
      "a grant of which nothing is left, and that is gone,",
      () => "DELETE FROM credit_grants WHERE number = 2",
      ["grant_amounts", "rows_there"],
      () => ({ kind: "credit transaction", why: "names a grant that is not there: number 2 of the customer's" }),
    ],
    [
      "the amount of a transaction",
      ({ entry }) => setAmount("credit_entries", number(entry), "$.amountE4", "-1"),
      ["ledger_chain", "pool_totals"],
      ({ entry }) => ({ kind: "credit transaction", id: entry }),
    ],
    [
      "the draws of a transaction",
      ({ entry }) => setAmount("credit_entries", number(entry), "$.draws[0].amountE4", "1"),
      ["grants_ledger", "ledger_chain", "pool_grants"],
      ({ entry }) => ({ kind: "credit transaction", id: entry, why: "is of -6.5, its draws come to 2.5001" }),
    ],
    [
      "a transaction that is gone",
      ({ entry }) => `DELETE FROM credit_entries WHERE number = ${number(entry)}`,
      ["grants_ledger", "ledger_chain", "pool_grants", "pool_totals", "rows_there"],
      ({ entry }) => ({ kind: "credit transaction", id: entry, why: "is gone: 8 were made, 7 are there" }),
    ],
    [
      "the type of a transaction, in its column and in its body,",
      () => retype("EXPIRATION", "VOID"),
      ["entry_types", "pool_totals"],
      ({ entry }) => ({
        kind: "credit transaction",
        id: nth(entry, 8),
        why: "is VOID: as EXPIRATION it would make the totals right",
      }),
    ],
    [
      "the type of a transaction that brought a grant",
      ({ grant }) => `${retype("GRANT", "ADJUSTMENT")} AND body ->> '$.grant' = ${number(grant)}`,
      ["entry_types", "pool_totals"],
      ({ entry }) => ({
        kind: "credit transaction",
        id: nth(entry, 1),
        why: "is ADJUSTMENT, and brought a grant that is MANUAL",
      }),
    ],
    [
      "the type of a transaction, in its body alone,",
      () => "UPDATE credit_entries SET body = json_set(body, '$.type', 'EXPIRATION') WHERE type = 'DEDUCTION'",
      ["entry_types", "pool_totals"],
      ({ entry }) => ({
        kind: "credit transaction",
        id: entry,
        why: "says type DEDUCTION in its column, and EXPIRATION in its body",
      }),
    ],
    [
      "a transaction that became one of another shape",
      () => retype("DEDUCTION", "VOID"),
      ["entry_types", "pool_totals"],
      ({ entry }) => ({
        kind: "credit transaction",
        id: entry,
        why: "is VOID, and no VOID looks like it: -6.5, with draws",
      }),
    ],
    [
      "a freeze that became its opposite",
      () => retype("FREEZE", "UNFREEZE"),
      ["entry_types"],
      ({ entry }) => ({
        kind: "credit transaction",
        id: nth(entry, 7),
        why: "is UNFREEZE of a pool that is not frozen",
      }),
    ],
    [
      "a freeze that is gone",
      () => "DELETE FROM credit_entries WHERE type = 'FREEZE'",
      ["entry_types", "ledger_chain", "rows_there"],
      ({ pool }) => ({ kind: "credit pool", id: pool, why: "8 entries were written to it, its ledger has 7" }),
    ],
    [
      "the newest transaction, that is gone,",
      () => "DELETE FROM credit_entries WHERE number = 8",
      ["grants_ledger", "ledger_chain", "pool_grants", "pool_ledger", "pool_totals", "rows_there"],
      ({ entry }) => ({ kind: "credit transaction", id: nth(entry, 8), why: "is gone: 8 were made, 7 are there" }),
    ],
    [
      "the newest event, that is gone,",
      () => "DELETE FROM events WHERE seq = 4",
      ["counter_events", "rollup_events", "rows_there"],
      () => ({ kind: "event", why: "is gone: 4 were made, 3 are there" }),
    ],
    [
      "the only subscription, that is gone,",
      () => "DELETE FROM subscriptions",
      ["mrr_spans", "rows_there"],
      () => ({ kind: "subscription", why: "is gone: 1 were made, 0 are there" }),
    ],
    [
      "a counter",
      () => "UPDATE counters SET used_e12 = '7' WHERE feature_key = 'chat'",
      ["counter_events"],
      () => ({ kind: "subscription", why: "the counter of chat is not the sum of its events" }),
    ],
    [
      "what of a counter is billable",
      () => "UPDATE counters SET billable_e12 = '7' WHERE feature_key = 'chat'",
      ["counter_events"],
      () => ({
        kind: "subscription",
        why: "the counter of chat has 0.000000000007 billable units, its events leave 5",
      }),
    ],
    [
      "a pool that is gone with all of its laws",
      () => "DELETE FROM credit_pools",
      ["rows_there"],
      ({ pool }) => ({ kind: "credit pool", id: pool, why: "is gone: 1 were made, 0 are there" }),
    ],
    [
      "a reservation that ended and is gone",
      () => "DELETE FROM reservations WHERE number = 1",
      ["rows_there"],
      () => ({ kind: "reservation", why: "is gone: 2 were made, 1 are there" }),
    ],
    [
      "the only invoice, that is gone,",
      () => "DELETE FROM invoices",
      ["rows_there"],
      () => ({ kind: "invoice", why: "is gone: 1 were made, 0 are there" }),
    ],
    [
      "what a subscription brings a month",
      () => setAmount("mrr_spans", "1", "$.mrrE12", "9"),
      ["mrr_spans"],
      () => ({ kind: "monthly revenue span", id: "1", why: "brings 0.000000000009 a month, its version 10" }),
    ],
    [
      "a span of monthly revenue that somebody ended",
      () => "UPDATE mrr_spans SET is_open = 0, body = json_set(body, '$.endMs', 1803859200000)",
      ["mrr_spans"],
      () => ({ kind: "monthly revenue span", id: "1", why: "ended, and its subscription goes on" }),
    ],
    [
      "a span of monthly revenue that is gone",
      () => "DELETE FROM mrr_spans",
      ["mrr_spans"],
      () => ({ kind: "subscription", why: "brings money each month, and has no span" }),
    ],
    [
      "a span of monthly revenue that was added",
      () => "INSERT INTO mrr_spans SELECT 2, is_open, json_set(body, '$.number', 2) FROM mrr_spans",
      ["mrr_spans"],
      () => ({ kind: "monthly revenue span", id: "2", why: expect.stringMatching(/while number 1 goes on$/) }),
    ],
    [
      "an invoice",
      () => "UPDATE invoices SET body = json_set(body, '$.amountMinor', 999)",
      ["invoice_lines"],
      () => ({ kind: "invoice", why: "its amount is 999, its lines come to 1000 minor units" }),
    ],
  ])("%s that somebody edited is found and named", async ([, sql, laws, named], { expect }) => {
    const made = await busy(world);
    expect((await booksOf(world, "ada")).holds).toBe(true);
    await edit(world, made.id, sql(made));
    const books = await booksOf(world, "ada");
    expect(books.holds).toBe(false);
    const broken = books.laws.filter(({ holds }) => !holds);
    expect(broken.map(({ law }) => law).sort()).toEqual(laws);
    expect(broken.map(({ firstBreak }) => firstBreak)).toContainEqual(expect.objectContaining(named(made)));
  });

  test("an expiration and a voiding whose types are swapped are found by what their grants say", async ({ expect }) => {
    const { id, pool, entry } = await busy(world);
    const types = `CASE type WHEN 'VOID' THEN 'EXPIRATION' ELSE 'VOID' END`;
    const swap = `UPDATE credit_entries SET type = ${types}, body = json_set(body, '$.type', ${types}) WHERE type IN ('VOID', 'EXPIRATION')`;
    await edit(world, id, swap);
    const told = (await booksOf(world, "ada")).laws.find(({ law }) => law === "entry_types");
    expect(told).toMatchObject({
      subject: { id: pool },
      holds: false,
      firstBreak: { id: nth(entry, 6), why: "is EXPIRATION, and its grant was not over" },
    });
  });

  test("a money balance that somebody edited is found and named", async ({ expect }) => {
    const { id } = await busy(world);
    const { items } = await ok(
      world.call<{ items: Id[] }>("GET", `/api/v1/monetization/subscriptions?customerId=${id}`),
    );
    const cancel = `/api/v1/client/subscriptions/cancellation/${items[0]?.id}?cancelMode=IMMEDIATE`;
    await ok(world.call("POST", cancel));
    const balance = async () => (await booksOf(world, "ada")).laws.filter(({ law }) => law === "balance_entries");
    const before = await balance();
    expect(before).toMatchObject([{ holds: true, subject: { kind: "customer", name: "USD" } }]);
    expect(Number(before[0]?.left.value)).toBeGreaterThan(0);
    await edit(world, id, "UPDATE balance_entries SET balance_minor = balance_minor + 1 WHERE number = 1");
    expect(await balance()).toMatchObject([
      {
        holds: false,
        firstBreak: {
          kind: "balance entry",
          id: "1",
          why: expect.stringMatching(/^leaves \d+, the entries until then/),
        },
      },
    ]);
    await edit(
      world,
      id,
      "UPDATE balance_entries SET balance_minor = balance_minor - 1, amount_minor = -5 WHERE number = 1",
    );
    expect((await balance())[0]).toMatchObject({ holds: false, firstBreak: { kind: "balance entry", id: "1" } });
  });
});
