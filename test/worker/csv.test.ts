import { env } from "cloudflare:workers";
import Papa from "papaparse";
import { afterEach, describe, test, vi } from "vitest";
import { textCell } from "../../src/contract/csv.ts";
import { customerId } from "../../src/domain/ids.ts";
import { csvAnswer } from "../../src/http/csv.ts";
import { projectionStatements } from "../../src/ledger/projections.ts";
import { type Probed, send } from "../support/probe.ts";
import { active, customer, ok, type Page, sell, subscribe } from "../support/sale.ts";
import { invoiceOf, newTag, subscriptionOf } from "../support/views.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const INVOICES = "/api/v1/monetization/billing/invoices";
const CREDITS = "/api/v1/monetization/credits";

afterEach(() => {
  vi.useRealTimers();
});

const file = (world: World, path: string): Promise<Probed> => send("GET", path, { key: world.key });

/** A file's rows by its header. */
function rowsOf({ text }: { text: string }): Record<string, string>[] {
  const [header = [], ...rows] = Papa.parse<string[]>(text.trimEnd()).data;
  return rows.map((cells) => Object.fromEntries(header.map((name, at) => [name, cells[at] ?? ""])));
}

/** The customers `ada`, whose name is a formula, and `bob`, both with invoices. */
async function shop(): Promise<World> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld();
  const ada = { customerReferenceId: "ada", email: "ada@mail.test", firstName: '=HYPERLINK("x")', lastName: 'L, "A"' };
  await ok(world.call("POST", "/api/v1/client/customers", ada));
  await customer(world, "bob");
  const pricing = { model: "usage", price_per_unit: 0.125, usage_unit_type: "call" };
  await sell(world, "basic", { priceAmount: 10 }, { pricing });
  const { id } = await active(world, "ada", "basic");
  await ok(subscribe(world, "bob", "basic"));
  await world.event({ customerReferenceId: "ada", featureKey: "chat.basic", usageUnits: 3 });
  clockAt("2027-01-30T22:00:00Z");
  await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${id}?cancelMode=IMMEDIATE`));
  return world;
}

describe("does", () => {
  test("invoices are a file with a header, each a row, newest first, amounts exact", async ({ expect }) => {
    const world = await shop();
    const answer = await file(world, `${INVOICES}?format=csv`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
    expect(answer.headers.get("Content-Disposition")).toBe('attachment; filename="invoices.csv"');
    expect(answer.headers.get("X-Request-Id")).not.toBeNull();
    expect(answer.text.endsWith("\r\n")).toBe(true);
    const rows = rowsOf(answer);
    const listed = await ok(world.call<Page<{ id: string }>>("GET", INVOICES));
    expect(rows.map(({ id }) => id)).toEqual(listed.items.map(({ id }) => id));
    expect(rows.map(({ type, total, status }) => [type, total, status])).toEqual(
      expect.arrayContaining([
        ["IN_ADVANCE_INITIAL", "10", "PAID"],
        ["IN_ADVANCE_INITIAL", "10", "DUE"],
        ["CREDIT", "-5", "PAID"],
        ["REGULAR", "0", "PAID"],
      ]),
    );
  });

  test("lines are rows of their own, with quantities and prices that are not rounded", async ({ expect }) => {
    const world = await shop();
    const rows = rowsOf(await file(world, `${INVOICES}?format=csv&rows=lines`));
    const items = (await ok(world.call<Page<{ items: { id: string }[] }>>("GET", INVOICES))).items;
    expect(rows.map(({ id }) => id)).toEqual(items.flatMap((invoice) => invoice.items.map(({ id }) => id)));
    expect(rows.find(({ kind }) => kind === "USAGE")).toMatchObject({
      featureKey: "chat.basic",
      quantity: "3",
      unitPrice: "0.125",
      amount: "0.38",
      currency: "USD",
      customerReferenceId: "ada",
    });
  });

  test("filters are those of the list", async ({ expect }) => {
    const world = await shop();
    const due = rowsOf(await file(world, `${INVOICES}?format=csv&onlyDue=true`));
    expect(due.every(({ status }) => status === "DUE" || status === "PAST_DUE")).toBe(true);
    const paid = rowsOf(await file(world, `${INVOICES}?format=csv&status=PAID`));
    const bob = await ok(world.call<{ id: string }>("GET", "/api/v1/client/customers/bob"));
    const bobs = rowsOf(await file(world, `${INVOICES}?format=csv&customerId=${bob.id}`));
    expect(bobs.map(({ customerReferenceId }) => customerReferenceId)).toEqual(["bob"]);
    expect(due.length + paid.length).toBe(rowsOf(await file(world, `${INVOICES}?format=csv`)).length);
  });

  test("the ledger of a pool, and that of the money balance", async ({ expect }) => {
    const world = await shop();
    const owner = (await ok(world.call<{ id: string }>("GET", "/api/v1/client/customers/ada"))).id;
    const made = { name: "P", denomination: "AI", customerId: owner };
    const pool = await ok(world.call<{ id: string }>("POST", `${CREDITS}/pools`, made));
    const grant = { creditPoolId: pool.id, amount: "10.5", grantType: "MANUAL", description: "@ada, welcome" };
    await ok(world.call("POST", `${CREDITS}/grants`, grant));
    await ok(world.call("POST", `${CREDITS}/deductions`, { creditPoolId: pool.id, amount: "0.0001" }));
    const answer = await file(world, `${CREDITS}/pools/${pool.id}/transactions?format=csv`);
    expect(answer.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
    expect(rowsOf(answer)).toMatchObject([
      { transactionType: "DEDUCTION", amount: "-0.0001", balanceBefore: "10.5", balanceAfter: "10.4999" },
      { transactionType: "GRANT", amount: "10.5", balanceBefore: "0", description: "'@ada, welcome" },
    ]);
    const money = rowsOf(await file(world, `/api/v1/monetization/customers/ada/balance?format=csv`));
    expect(money.at(-1)).toMatchObject({ amount: "5", balanceAfter: "5", currency: "USD", kind: "CREDIT_INVOICE" });
  });
});

describe("refuses", () => {
  test("another format, an unknown pool and an unknown customer: before a file begins", async ({ expect }) => {
    const world = await shop();
    expect(await file(world, `${INVOICES}?format=xlsx`)).toMatchObject({ status: 400 });
    const nobody = crypto.randomUUID();
    for (const path of [
      `${CREDITS}/pools/${nobody}/transactions?format=csv`,
      `/api/v1/monetization/customers/${nobody}/balance?format=csv`,
    ])
      expect(await file(world, path)).toMatchObject({ status: 404, envelope: { error: { code: "not_found" } } });
  });
});

describe("holds", () => {
  test("no text of anybody begins a formula, and amounts are left as they are", async ({ expect }) => {
    for (const text of ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1"])
      expect(textCell(text)).toBe(`'${text}`);
    for (const text of ["a=1", "", " 1", "ada@mail.test"]) expect(textCell(text)).toBe(text);
    const world = await shop();
    const answer = await file(world, `${INVOICES}?format=csv`);
    const names = rowsOf(answer).map(({ customerName }) => customerName);
    expect(names).toContain(`'=HYPERLINK("x") L, "A"`);
    // As RFC 4180 writes it: in quotes, with each quote doubled.
    expect(answer.text).toContain(`"'=HYPERLINK(""x"") L, ""A"""`);
    expect(answer.text).toContain(",-5,");
  });

  test("all rows are there, each once, though many were made at one instant", async ({ expect }) => {
    const world = await shop();
    const tag = newTag();
    const view = { customerId: customerId(tag), source: "MANUAL" as const, createdAtMs: 1, modifiedAtMs: 1 };
    const rows = 1203;
    const at = (number: number) => 1_000 + Math.floor(number / 700);
    await env.DB.batch(
      projectionStatements(env.DB, world.accountId, customerId(tag), [
        { kind: "customer", view, rev: 1 },
        { kind: "subscription", view: subscriptionOf(tag, 1), rev: 1 },
        ...Array.from({ length: rows }, (_, at0) => ({
          kind: "invoice" as const,
          view: invoiceOf(tag, at0 + 1, { createdAtMs: at(at0 + 1) }),
          rev: 1,
        })),
      ]),
    );
    const ids = rowsOf(await file(world, `${INVOICES}?format=csv&customerId=${customerId(tag)}`)).map(({ id }) => id);
    expect(ids.length).toBe(rows);
    expect(new Set(ids).size).toBe(rows);
  });

  test("a ledger longer than a page is all there, in order", async ({ expect }) => {
    const world = await shop();
    const owner = (await ok(world.call<{ id: string }>("GET", "/api/v1/client/customers/bob"))).id;
    const made = { name: "P", denomination: "AI", customerId: owner };
    const pool = await ok(world.call<{ id: string }>("POST", `${CREDITS}/pools`, made));
    await ok(world.call("POST", `${CREDITS}/grants`, { creditPoolId: pool.id, amount: 2000, grantType: "MANUAL" }));
    const object = world.object(owner);
    await Promise.all(
      Array.from({ length: 1010 }, async () => {
        await object.deductCredits({ poolId: pool.id, amountE4: 10_000n });
      }),
    );
    const rows = rowsOf(await file(world, `${CREDITS}/pools/${pool.id}/transactions?format=csv`));
    expect(rows.map(({ balanceAfter }) => Number(balanceAfter))).toEqual(
      Array.from({ length: 1011 }, (_, at) => 990 + at),
    );
  });

  test("a page is read when it is asked for, not before, and no more once the reader has gone", async ({ expect }) => {
    let read = 0;
    const page = (n: number) => ({
      rows: [n],
      next: async () => {
        read += 1;
        return page(n + 1);
      },
    });
    const answer = csvAnswer("endless", [["n", (n: number) => String(n)]], page(0));
    const reader = answer.body?.getReader();
    for (let n = 0; n < 5; n += 1) await reader?.read();
    expect(read).toBeLessThan(8);
    const before = read;
    await reader?.cancel();
    expect(read).toBeLessThanOrEqual(before + 1);
  });
});
