import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { restoreCustomers } from "../../src/catalog/customers.ts";
import { clearDirectory, findCustomer, identify } from "../../src/catalog/directory.ts";
import { queryPlans, withD1 } from "../support/d1.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

/** Which customer each name leads to, as D1 has it. */
async function names(world: World): Promise<Record<string, string>> {
  const { results } = await env.DB.prepare(
    "SELECT kind, value, customer_id FROM customer_identities WHERE account_id = ? ORDER BY kind, value",
  )
    .bind(world.accountId)
    .all<{ kind: string; value: string; customer_id: string }>();
  return Object.fromEntries(results.map(({ kind, value, customer_id }) => [`${kind} ${value}`, customer_id]));
}

describe("does", () => {
  test("names are compared exactly, and belong to their account", async ({ expect }) => {
    const world = await newWorld();
    const references = [
      "acme",
      "Acme",
      "acme ",
      "a\u0301",
      "\u00e1",
      "x".repeat(255),
      "__proto__",
      "constructor",
      "%",
      "'; --",
    ];
    const ids = new Set<string>();
    for (const customerReferenceId of references) ids.add((await world.event({ customerReferenceId })).data.customerId);
    expect(ids.size).toBe(references.length);
    for (const customerReferenceId of references) {
      clearDirectory();
      ids.add((await world.event({ customerReferenceId })).data.customerId);
    }
    expect(ids.size).toBe(references.length);
    const other = await newWorld();
    expect(ids.has((await other.event({ customerReferenceId: "acme" })).data.customerId)).toBe(false);
  });

  test("a lone reference that looks like a Stripe id or an id of ours is what it looks like, if that is known", async ({
    expect,
  }) => {
    const world = await newWorld();
    const stripe = (await world.event({ customerReferenceId: "cus_9" })).data.customerId;
    expect(await names(world)).toEqual({ "stripe cus_9": stripe });
    // A UUID that is nobody's is a reference like any other.
    const uuid = crypto.randomUUID();
    const made = (await world.event({ customerReferenceId: uuid })).data.customerId;
    expect(await names(world)).toEqual({ "stripe cus_9": stripe, [`reference ${uuid}`]: made });
  });
});

describe("refuses", () => {
  test("what only D1 knows answers 503 while it is away, on any route", async ({ expect }) => {
    const world = await newWorld();
    await world.event({ customerReferenceId: "known" });
    await withD1("away", async () => {
      const unknown = await world.call("GET", "/api/v1/client/customers/unknown");
      expect(unknown).toMatchObject({ status: 503, error: { code: "unavailable" } });
      expect(unknown.headers.get("Retry-After")).toBe("5");
      expect((await world.call("GET", "/api/v1/client/customers/known")).status).toBe(200);
      expect((await world.call("GET", "/api/v1/ops/status")).status).toBe(503);
    });
  });
});

describe("holds", () => {
  test("of many requests that give one name to different customers, one wins", async ({ expect }) => {
    const world = await newWorld();
    const ids = [];
    for (const customerReferenceId of ["a", "b", "c", "d"])
      ids.push((await world.event({ customerReferenceId })).data.customerId);
    const answers = await Promise.all(
      ids.map((customerId) => world.event({ customerId, stripeCustomerId: "cus_wanted" })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    const winner = answers.find(({ status }) => status === 201)?.data.customerId;
    clearDirectory();
    expect((await world.event({ stripeCustomerId: "cus_wanted" })).data.customerId).toBe(winner);
  });

  test("of many names of one kind for one customer, one wins and the others stay free", async ({ expect }) => {
    const world = await newWorld();
    const { customerId } = (await world.event({ customerReferenceId: "a" })).data;
    const answers = await Promise.all(
      [1, 2, 3, 4].map((number) => world.event({ customerId, stripeCustomerId: `cus_${number}` })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 400, 400, 400]);
    expect(Object.keys(await names(world))).toHaveLength(2);
  });

  test("first events at once by either name and by both leave every name with one customer", async ({ expect }) => {
    const world = await newWorld();
    const bodies = Array.from({ length: 30 }, (_, index) => [
      { customerReferenceId: `r${index % 5}` },
      { customerReferenceId: `r${index % 5}`, stripeCustomerId: `cus_${index % 5}` },
      { stripeCustomerId: `cus_${index % 5}` },
    ]).flat();
    const answers = await Promise.all(
      bodies.map((body) => {
        clearDirectory();
        return world.event(body);
      }),
    );
    // Both names may have become two customers before anybody said that they are one: then both together are a conflict.
    for (const { status } of answers) expect([201, 409]).toContain(status);
    const known = await names(world);
    expect(Object.keys(known)).toHaveLength(10);
    for (const [index, body] of bodies.entries()) {
      const id = answers[index]?.status === 201 ? answers[index]?.data.customerId : undefined;
      if (id === undefined) continue;
      if ("customerReferenceId" in body) expect(known[`reference ${body.customerReferenceId}`]).toBe(id);
      if ("stripeCustomerId" in body) expect(known[`stripe ${body.stripeCustomerId}`]).toBe(id);
    }
  });

  test("a customer made while D1's answer was lost is found by the next request, not made again", async ({
    expect,
  }) => {
    const world = await newWorld();
    await world.event({ customerReferenceId: "warm" });
    await withD1("answer lost", async () => {
      expect((await world.event({ customerReferenceId: "a", stripeCustomerId: "cus_a" })).status).toBe(503);
    });
    const before = await names(world);
    expect(Object.keys(before)).toContain("reference a");
    const { status, data } = await world.event({ customerReferenceId: "a", stripeCustomerId: "cus_a" });
    expect([status, data.customerId]).toEqual([201, before["reference a"]]);
    expect(await names(world)).toEqual(before);
  });

  test("finding, making and restoring a customer costs the same however many there are", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    const plans = await queryPlans(async (database) => {
      const [made] = await identify(database, accountId, [{ referenceId: "a" }], "MANUAL", Date.now());
      if (!made?.ok) throw new Error(JSON.stringify(made));
      await identify(database, accountId, [{ referenceId: "a", stripeCustomerId: "cus_a" }], "MANUAL", Date.now());
      await findCustomer(database, accountId, "nobody");
      await restoreCustomers(database, accountId, [made.value.customerId], Date.now());
    });
    const searches = plans.filter((line) => line.startsWith("SEARCH"));
    expect(searches.length).toBeGreaterThan(10);
    // Never by the account alone: that would be all of its customers.
    expect(searches.filter((line) => line.endsWith("(account_id=?)"))).toEqual([]);
    expect(plans.filter((line) => /^SCAN (i|c|r|s|customer\w*)\b/.test(line))).toEqual([]);
  });

  test("a rebuild also brings back a customer whose object never heard of it", async ({ expect }) => {
    const world = await newWorld();
    await world.event({ customerReferenceId: "warm" });
    const [made] = await identify(
      env.DB,
      world.accountId,
      [{ referenceId: "orphan", stripeCustomerId: "cus_o" }],
      "EVENT_AUTO_CREATED",
      Date.now(),
    );
    await env.DB.prepare("DELETE FROM customers WHERE account_id = ?").bind(world.accountId).run();
    clearDirectory();
    const rebuilt = await world.call("POST", "/api/v1/ops/reproject", {});
    expect(rebuilt).toMatchObject({ status: 200, data: { customers: 2, unfinished: 0 } });
    const row = await env.DB.prepare(
      "SELECT customer_id, stripe_customer_id FROM customers WHERE account_id = ? AND reference_id = 'orphan'",
    )
      .bind(world.accountId)
      .first();
    expect(made).toMatchObject({ ok: true, value: { customerId: row?.customer_id } });
    expect(row?.stripe_customer_id).toBe("cus_o");
    expect((await world.event({ customerReferenceId: "orphan" })).status).toBe(201);
  });
});
