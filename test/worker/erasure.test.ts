import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { clearDirectory, findCustomer } from "../../src/catalog/directory.ts";
import { withD1 } from "../support/d1.ts";
import { withSqlFault } from "../support/fault.ts";
import { MARK, personalCustomer, REFERENCE, rowsInObject } from "../support/personal.ts";
import { rowsOf, send } from "../support/probe.ts";
import { active, customer, ok, type Page, sell } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const CUSTOMERS = "/api/v1/monetization/customers";
const INVOICES = "/api/v1/monetization/billing/invoices";

afterEach(() => {
  vi.useRealTimers();
  clearDirectory();
});

async function world(): Promise<World> {
  clockAt("2027-01-15T10:00:00Z");
  return newWorld();
}

const erase = (world: World, id: string) =>
  world.call<{ id: string; erasedAt: string }>("DELETE", `${CUSTOMERS}/${id}`);

/** Rows of object and D1 in which something personal stands. */
async function personalRows(world: World, id: string): Promise<string[]> {
  const rows = [...(await rowsInObject(world, id)), ...(await rowsOf(world.accountId))];
  return rows.filter((row) => row.toLowerCase().includes(MARK));
}

type Invoice = { id: string; number?: string; amount: number; status: string; buyer?: unknown; items: unknown[] };

const invoices = async (world: World) => (await ok(world.call<Page<Invoice>>("GET", `${INVOICES}?limit=200`))).items;

const erasures = async (world: World) => {
  const { items } = await ok(
    world.call<{ items: { action: string; target: string }[] }>("GET", "/api/v1/account/audit-log?limit=200"),
  );
  return items.filter(({ action }) => action === "customer.erased");
};

describe("does", () => {
  test("nothing personal is left in any column of any table, of the object or of D1", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    // The mark is in all the places that are to be emptied: what is not planted cannot be missed.
    const before = await personalRows(shop, id);
    const tables = new Set(before.map((row) => row.split(" ")[0]));
    for (const table of [
      "state",
      "invoices",
      "events",
      "event_keys",
      "requests",
      "reservations",
      "balance_entries",
      "credit_pools",
      "credit_grants",
      "credit_entries",
      "customers",
      "customer_identities",
      "feed",
      "audit_log",
    ])
      expect(tables, table).toContain(table);
    expect(await erase(shop, id)).toMatchObject({ status: 200, data: { id, erasedAt: "2027-02-20T10:00:00.000Z" } });
    expect(await personalRows(shop, id)).toEqual([]);
  });

  test("invoices stay as they were but for the buyer, and are still read and printed", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    const before = await invoices(shop);
    expect(before.length).toBeGreaterThan(2);
    await ok(erase(shop, id));
    const after = await invoices(shop);
    const without = (list: Invoice[]) => list.map(({ buyer: _, ...rest }) => ({ ...rest, subscription: undefined }));
    expect(without(after)).toEqual(without(before));
    expect(after.every(({ buyer }) => JSON.stringify(buyer) === "{}")).toBe(true);
    const one = after[0]?.id ?? "";
    expect(await shop.call("GET", `${INVOICES}/${one}`)).toMatchObject({ status: 200, data: { id: one } });
    const paper = await send("GET", `${INVOICES}/${one}/html`, { key: shop.key });
    expect(paper.status).toBe(200);
    expect(paper.text).not.toContain(MARK);
  });

  test("the books of what is left still balance, and each invoice is explained by it", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    await ok(erase(shop, id));
    const reply = await shop.object(id).books();
    if (!reply.ok) throw new Error(reply.code);
    expect(reply.value.laws.length).toBeGreaterThan(5);
    expect(reply.value.laws.filter(({ brokenBy }) => brokenBy !== undefined)).toEqual([]);
    const replayed = await shop.object(id).replayInvoices({ after: 0, limit: 100 });
    expect(replayed).toMatchObject({ ok: true, value: { checked: (await invoices(shop)).length, differing: [] } });
  });

  test("what the customer is owed is paid out still, by the id or a name that was theirs", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    const { balances } = await ok(shop.call<{ balances: { amount: number }[] }>("GET", `${CUSTOMERS}/${id}/balance`));
    const owed = balances[0]?.amount ?? 0;
    expect(owed).toBeGreaterThan(0);
    await ok(erase(shop, id));
    const path = (name: string) => `${CUSTOMERS}/${name}/balance/payout`;
    const payout = (name: string, amount = owed) => shop.call("POST", path(name), { currency: "USD", amount });
    expect(await payout(id)).toMatchObject({ status: 201, data: { amount: -owed } });
    expect(await payout(REFERENCE, 0.01)).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect((await payout("nobody", 0.01)).status).toBe(404);
  });

  test("whoever asks for the customer hears that there is none, by any name", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    await ok(erase(shop, id));
    for (const name of [id, REFERENCE, `cus_${MARK}`])
      for (const path of [
        `${CUSTOMERS}/${name}`,
        `${CUSTOMERS}/${name}/export`,
        `${CUSTOMERS}/${name}/balance`,
        `/api/v1/client/customers/${name}`,
        `/api/v1/client/customers/${name}/usage`,
        `/api/v1/client/entitlements/${name}/chat.pro`,
        `/api/v1/client/billing/invoices/${name}`,
        `/api/v1/client/credits/${name}/pools`,
      ])
        expect({ path, status: (await shop.call("GET", path)).status }).toEqual({ path, status: 404 });
    expect((await ok(shop.call<Page<unknown>>("GET", CUSTOMERS))).pagination.total).toBe(0);
  });

  test("the customer's keys end, and the erasure stands in the audit log once", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    await ok(erase(shop, id));
    await ok(erase(shop, id));
    await ok(erase(shop, REFERENCE));
    expect(await erasures(shop)).toMatchObject([{ target: id }]);
    const { results } = await env.DB.prepare("SELECT revoked_at_ms FROM api_keys WHERE customer_id = ?").bind(id).all();
    expect(results).toEqual([{ revoked_at_ms: Date.parse("2027-02-20T10:00:00Z") }]);
  });
});

describe("refuses", () => {
  test("while a subscription is live", async ({ expect }) => {
    const shop = await world();
    const id = await customer(shop);
    await sell(shop, "basic");
    await active(shop, "ada", "basic");
    expect(await erase(shop, id)).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect((await shop.call("GET", `${CUSTOMERS}/${id}`)).status).toBe(200);
  });

  test("a customer nobody knows, and another account's", async ({ expect }) => {
    const [shop, other] = [await world(), await newWorld()];
    const id = await customer(shop);
    expect((await erase(other, id)).status).toBe(404);
    expect((await erase(shop, crypto.randomUUID())).status).toBe(404);
    expect((await shop.call("GET", `${CUSTOMERS}/${id}`)).status).toBe(200);
  });

  test("events and registrations under an erased name: it is never given to another", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    const other = await customer(shop, "bob");
    await ok(erase(shop, id));
    const event = { eventName: "call", featureKey: "chat.pro", usageUnits: 1 };
    const taken = { status: 409, error: { code: "conflict" } };
    for (const named of [
      { customerReferenceId: REFERENCE },
      { stripeCustomerId: `cus_${MARK}` },
      { customerReferenceId: `cus_${MARK}` },
      { customerId: id },
      { customerReferenceId: "new", stripeCustomerId: `cus_${MARK}` },
    ])
      expect(await shop.event({ ...event, ...named })).toMatchObject(taken);
    const registered = { email: "a@b", customerReferenceId: REFERENCE };
    expect(await shop.call("POST", "/api/v1/client/customers", registered)).toMatchObject(taken);
    const attached = { stripeCustomerId: `cus_${MARK}` };
    expect(await shop.call("PATCH", `/api/v1/client/customers/bob`, attached)).toMatchObject(taken);
    expect((await shop.call("GET", "/api/v1/client/customers/new")).status).toBe(404);
    expect(await ok(shop.call("GET", `${CUSTOMERS}/${other}`))).not.toHaveProperty("stripeCustomerId");
    const { data } = await shop.batch([{ ...event, customerReferenceId: REFERENCE }]);
    expect(data).toMatchObject({ rejected: 1, results: [{ status: "rejected", error: { code: "conflict" } }] });
  });

  test("whatever an isolate still asks the object that remembers the customer", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    await ok(erase(shop, id));
    const object = shop.object(id);
    const event = { key: "late", eventName: "call" };
    const tracked = await object.track({
      identity: { referenceId: REFERENCE },
      terms: { currency: "USD" } as never,
      events: [event as never],
    });
    expect(tracked).toMatchObject({ ok: false, code: "customer_erased" });
    const profile = { identity: { referenceId: REFERENCE }, data: { firstName: MARK } };
    expect(await object.changeProfile(profile)).toMatchObject({ ok: false, code: "customer_erased" });
    expect(await object.register(profile)).toMatchObject({ ok: false, code: "customer_erased" });
    const payments = { isOn: true, refundOverpayments: false };
    const saving = { ok: false, code: "customer_erased" };
    expect(await object.setupIntent({ payments })).toMatchObject(saving);
    expect(await object.setDefaultMethod({ payments, paymentMethodId: "pm_late" })).toMatchObject(saving);
    expect(await object.view()).toBeUndefined();
    expect(await personalRows(shop, id)).toEqual([]);
  });
});

describe("holds", () => {
  test("a failure at any statement leaves the customer as it was, or erased; the repeat ends it", async ({
    expect,
  }) => {
    let failed = 0;
    let carriedOn = 0;
    for (let n = 0; ; n += 1) {
      clearDirectory();
      const shop = await world();
      const id = await customer(shop, REFERENCE);
      const meta = { note: MARK };
      await shop.event({ customerReferenceId: REFERENCE, eventIdempotencyKey: `${MARK}-1`, meta });
      await shop.flush(id);
      const { result } = await withSqlFault(shop.object(id), n + 1, () => erase(shop, id));
      if (result.status === 500) {
        failed += 1;
        const known = await shop.object(id).view();
        const left = (await rowsInObject(shop, id)).filter((row) => row.startsWith("state") && row.includes(MARK));
        expect({ n, isKnown: known !== undefined }).toEqual({ n, isKnown: left.length > 0 });
        // Once begun it is carried on without anybody asking.
        if (known === undefined) {
          await shop.object(id).wake();
          await shop.flush(id);
          expect({ n, left: await personalRows(shop, id) }).toEqual({ n, left: [] });
          carriedOn += 1;
        }
      }
      expect((await erase(shop, id)).status).toBe(200);
      await shop.flush(id);
      expect(await personalRows(shop, id)).toEqual([]);
      expect(await erasures(shop)).toHaveLength(1);
      if (result.status === 200) break;
    }
    expect(failed).toBeGreaterThan(10);
    expect(carriedOn).toBeGreaterThan(5);
  });

  test("while D1 is away the object erases, and D1 follows by itself once it is back", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    const known = await findCustomer(env.DB, shop.accountId, id);
    const digests = [
      ["reference", "d1"],
      ["stripe", "d2"],
      ["id", "d3"],
    ] as const;
    await withD1("away", async () => {
      await shop.object(id).erase({ names: digests });
    });
    expect((await rowsInObject(shop, id)).filter((row) => row.includes(MARK))).toEqual([]);
    expect(known?.referenceId).toBe(REFERENCE);
    await shop.flush(id);
    expect(await personalRows(shop, id)).toEqual([]);
  });

  test("a batch that was under way comes too late to bring anything back", async ({ expect }) => {
    const shop = await world();
    const id = await customer(shop, REFERENCE);
    await shop.flush(id);
    await withD1("late", async (seen) => {
      const object = shop.object(id);
      const terms = { customerReferenceId: REFERENCE, eventIdempotencyKey: `${MARK}-late` };
      await shop.event(terms);
      await object.wake();
      const late = [...seen.delayed];
      expect(late.length).toBeGreaterThan(0);
      seen.delayed.length = 0;
      await object.erase({ names: [["reference", "d1"]] });
      for (const batch of seen.delayed.splice(0)) await batch();
      for (const batch of late) await batch();
    });
    await shop.flush(id);
    expect(await personalRows(shop, id)).toEqual([]);
  });

  test("an object that starts again knows as little, and is told to D1 again as little", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    await ok(erase(shop, id));
    await env.DB.batch([
      env.DB.prepare("DELETE FROM customers WHERE account_id = ?").bind(shop.accountId),
      env.DB.prepare("DELETE FROM invoices WHERE account_id = ?").bind(shop.accountId),
    ]);
    await ok(shop.call("POST", "/api/v1/ops/reproject", {}));
    expect((await invoices(shop)).length).toBeGreaterThan(2);
    expect(await personalRows(shop, id)).toEqual([]);
    expect((await shop.call("GET", `${CUSTOMERS}/${id}`)).status).toBe(404);
    expect((await shop.event({ customerReferenceId: REFERENCE })).status).toBe(409);
  });
});
