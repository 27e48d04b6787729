import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { newWorld, type World } from "../support/world.ts";

const CLIENT = "/api/v1/client/customers";
const OPERATOR = "/api/v1/monetization/customers";

type Customer = {
  id: string;
  customerReferenceId?: string;
  referenceId?: string;
  stripeCustomerId?: string;
  email?: string;
  source: string;
  subscriptions?: unknown[];
  creditBalance?: unknown[];
  creditPools?: unknown[];
};
type Customers = { items: Customer[]; pagination: { total: number; hasMore: boolean } };

async function found(world: World, search: string): Promise<(string | undefined)[]> {
  const { data } = await world.call<Customers>("GET", `${OPERATOR}?search=${encodeURIComponent(search)}`);
  return data.items.map(({ customerReferenceId, stripeCustomerId }) => customerReferenceId ?? stripeCustomerId).sort();
}

describe("does", () => {
  test("the operator sees what clients register, with referenceId beside", async ({ expect }) => {
    const world = await newWorld();
    const body = { email: "ada@acme.test", customerReferenceId: "acme", firstName: "Ada", lastName: "Lovelace" };
    const { data: made } = await world.call<Customer>("POST", CLIENT, body);
    expect(made.referenceId).toBeUndefined();
    const shown = await world.call<Customer>("GET", `${OPERATOR}/${made.id}`);
    expect(shown.data).toEqual({ ...made, referenceId: "acme" });
    expect(shown.data).toMatchObject({ subscriptions: [], creditBalance: [], creditPools: [] });
    // What is theirs is read one by one; a list that said it is empty would lie.
    const { subscriptions: _, creditBalance: __, creditPools: ___, ...item } = shown.data;
    const listed = await world.call<Customers>("GET", OPERATOR);
    expect(listed.data).toEqual({
      items: [item],
      pagination: { total: 1, limit: 50, offset: 0, hasMore: false },
    });
  });

  test("the operator registers and changes customers, naming the reference either way", async ({ expect }) => {
    const world = await newWorld();
    const made = await world.call<Customer>("POST", OPERATOR, { email: "a@b", referenceId: "acme" });
    expect(made).toMatchObject({ status: 201, data: { customerReferenceId: "acme", referenceId: "acme" } });
    const changed = await world.call("PATCH", `${OPERATOR}/${made.data.id}`, {
      id: made.data.id,
      referenceId: "acme",
      lastName: "Hopper",
      address: "1 Main St",
    });
    expect(changed).toMatchObject({ status: 200, data: { lastName: "Hopper", address: "1 Main St", email: "a@b" } });
    expect((await world.call("GET", `${CLIENT}/acme`)).data).toMatchObject({ lastName: "Hopper" });
  });

  test("a reference is added where there is none, and leads to the customer then", async ({ expect }) => {
    const world = await newWorld();
    const { data: made } = await world.call<Customer>("POST", CLIENT, { email: "a@b", stripeCustomerId: "cus_1" });
    const changed = await world.call<Customer>("PATCH", `${OPERATOR}/${made.id}`, { referenceId: "acme" });
    expect(changed).toMatchObject({ status: 200, data: { referenceId: "acme", stripeCustomerId: "cus_1" } });
    expect((await world.call<Customer>("GET", `${CLIENT}/acme`)).data.id).toBe(made.id);
    const event = await world.event({ customerReferenceId: "acme" });
    expect(event.data.customerId).toBe(made.id);
    expect(await found(world, "acme")).toEqual(["acme"]);
  });

  test("search finds parts of name, email, reference and Stripe id in any case, and whole ids", async ({ expect }) => {
    const world = await newWorld();
    for (const body of [
      { email: "ada@Engine.test", customerReferenceId: "one", firstName: "Ada", lastName: "Lovelace" },
      { email: "grace@navy.test", customerReferenceId: "Two_100%", lastName: "Hopper", stripeCustomerId: "cus_ABC" },
      { email: "x@y", customerReferenceId: `long-${"z".repeat(200)}` },
    ])
      await world.call("POST", CLIENT, body);
    expect(await found(world, "ADA LOVE")).toEqual(["one"]);
    expect(await found(world, "eNGINE")).toEqual(["one"]);
    expect(await found(world, "cus_abc")).toEqual(["Two_100%"]);
    expect(await found(world, "hopper")).toEqual(["Two_100%"]);
    expect(await found(world, "test")).toEqual(["Two_100%", "one"]);
    // Wildcards of LIKE mean themselves, and a pattern may be longer than LIKE's.
    expect(await found(world, "%")).toEqual(["Two_100%"]);
    expect(await found(world, "o_1")).toEqual(["Two_100%"]);
    expect(await found(world, "n_e")).toEqual([]);
    expect(await found(world, "z".repeat(200))).toHaveLength(1);
    const { data } = await world.call<Customer>("GET", `${CLIENT}/one`);
    expect(await found(world, data.id.toUpperCase())).toEqual(["one"]);
    // A field's end and the next one's beginning are no match.
    expect(await found(world, "Lovelaceada")).toEqual([]);
  });

  test("the list is paged and counts what the search found", async ({ expect }) => {
    const world = await newWorld();
    for (const n of [1, 2, 3]) await world.call("POST", CLIENT, { email: "a@b", customerReferenceId: `acme-${n}` });
    await world.call("POST", CLIENT, { email: "a@b", customerReferenceId: "other" });
    const first = await world.call<Customers>("GET", `${OPERATOR}?search=acme&limit=2`);
    const rest = await world.call<Customers>("GET", `${OPERATOR}?search=acme&limit=2&offset=2`);
    expect(first.data.pagination).toEqual({ total: 3, limit: 2, offset: 0, hasMore: true });
    expect(rest.data.pagination).toEqual({ total: 3, limit: 2, offset: 2, hasMore: false });
    expect([...first.data.items, ...rest.data.items].map(({ referenceId }) => referenceId).sort()).toEqual([
      "acme-1",
      "acme-2",
      "acme-3",
    ]);
  });

  test("a customer that an event made is completed", async ({ expect }) => {
    const world = await newWorld();
    const { data: receipt } = await world.event({ customerReferenceId: "acme" });
    const completed = await world.call<Customer>("POST", CLIENT, { email: "a@b", customerReferenceId: "acme" });
    expect(completed).toMatchObject({ status: 201, data: { id: receipt.customerId, email: "a@b" } });
    const again = await world.call("POST", CLIENT, { email: "a@b", customerReferenceId: "acme" });
    expect(again).toMatchObject({ status: 409, error: { code: "conflict" } });
  });

  test("a customer is displayed by first and last name, else by reference, else by Stripe id", async ({ expect }) => {
    const world = await newWorld();
    for (const [names, shown] of [
      [
        { customerReferenceId: "r1", stripeCustomerId: "cus_1", firstName: "Ada", lastName: "Lovelace" },
        "Ada Lovelace",
      ],
      [{ customerReferenceId: "r2", lastName: "Hopper" }, "Hopper"],
      [{ customerReferenceId: "r3", stripeCustomerId: "cus_3", firstName: "" }, "r3"],
      [{ stripeCustomerId: "cus_4" }, "cus_4"],
    ] as const)
      expect((await world.call("POST", CLIENT, { email: "a@b", ...names })).data.displayName).toBe(shown);
  });

  test("all three kinds of identifier lead to the customer", async ({ expect }) => {
    const world = await newWorld();
    const body = { email: "a@b", customerReferenceId: "acme", stripeCustomerId: "cus_9" };
    const { data: made } = await world.call<Customer>("POST", CLIENT, body);
    for (const ref of ["acme", made.id, made.id.toUpperCase(), "cus_9"])
      expect((await world.call<Customer>("GET", `${CLIENT}/${ref}`)).data.id, ref).toBe(made.id);
  });
});

describe("refuses", () => {
  test("to change a reference or a Stripe id", async ({ expect }) => {
    const world = await newWorld();
    const body = { email: "a@b", customerReferenceId: "acme", stripeCustomerId: "cus_1" };
    const { data: made } = await world.call<Customer>("POST", CLIENT, body);
    for (const change of [{ referenceId: "other" }, { customerReferenceId: "other" }, { stripeCustomerId: "cus_2" }])
      expect(await world.call("PATCH", `${OPERATOR}/${made.id}`, { firstName: "No", ...change })).toMatchObject({
        status: 409,
        error: { code: "conflict" },
      });
    expect((await world.call("GET", `${CLIENT}/acme`)).data).toEqual(made);
    expect((await world.call("GET", `${CLIENT}/other`)).status).toBe(404);
  });

  test("names that another customer has, and attaches neither of two", async ({ expect }) => {
    const world = await newWorld();
    await world.call("POST", CLIENT, { email: "a@b", customerReferenceId: "acme", stripeCustomerId: "cus_1" });
    const { data: made } = await world.call<Customer>("POST", CLIENT, { email: "a@b", stripeCustomerId: "cus_2" });
    const { data: event } = await world.event({ customerReferenceId: "globex" });
    expect((await world.call("PATCH", `${OPERATOR}/${made.id}`, { referenceId: "acme" })).status).toBe(409);
    expect((await world.call("PATCH", `${OPERATOR}/${event.customerId}`, { stripeCustomerId: "cus_1" })).status).toBe(
      409,
    );
    const { data: bare } = await world.call<Customers>("GET", `${OPERATOR}?search=cus_2`);
    expect(bare.items[0]?.referenceId).toBeUndefined();
  });

  test("a body without an identifier or with a wrong email", async ({ expect }) => {
    const world = await newWorld();
    for (const [body, path] of [
      [{ email: "a@b" }, "customerReferenceId"],
      [{ email: "a@b", referenceId: "" }, "referenceId"],
      [{ email: "nobody", referenceId: "acme" }, "email"],
      [{ referenceId: "acme" }, "email"],
    ] as const)
      expect(await world.call("POST", OPERATOR, body), path).toMatchObject({
        status: 400,
        error: { fields: [{ path }] },
      });
  });

  test("customers of another account", async ({ expect }) => {
    const world = await newWorld();
    const other = await newWorld();
    const { data: foreign } = await other.call<Customer>("POST", CLIENT, { email: "a@b", customerReferenceId: "acme" });
    for (const path of [`${OPERATOR}/${foreign.id}`, `${OPERATOR}/acme`, `${CLIENT}/acme`, `${CLIENT}/${foreign.id}`]) {
      expect((await world.call("GET", path)).status, path).toBe(404);
      expect((await world.call("PATCH", path, { firstName: "Eve" })).status, path).toBe(404);
    }
    expect((await world.call<Customers>("GET", OPERATOR)).data.items).toEqual([]);
    expect((await other.call("GET", `${CLIENT}/acme`)).data).toEqual(foreign);
  });

  test("the operator's routes to a client key", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.call<{ apiKey: string }>("POST", "/api/v1/account/api-keys", {});
    const headers = { Authorization: `Bearer ${data.apiKey}` };
    for (const [method, path] of [
      ["GET", OPERATOR],
      ["POST", OPERATOR],
      ["GET", `${OPERATOR}/acme`],
      ["PATCH", `${OPERATOR}/acme`],
    ] as const)
      expect((await world.call(method, path, undefined, headers)).status, `${method} ${path}`).toBe(403);
  });
});

describe("holds", () => {
  test("thirty registrations of one reference at once: one customer, one 201", async ({ expect }) => {
    const world = await newWorld();
    const body = { email: "a@b", customerReferenceId: "acme" };
    const answers = await Promise.all(Array.from({ length: 30 }, () => world.call<Customer>("POST", CLIENT, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(29).fill(409)]);
    expect((await world.call<Customers>("GET", OPERATOR)).data.pagination.total).toBe(1);
  });

  test("fifty first events of one reference at once, some with a Stripe id, make one customer", async ({ expect }) => {
    const world = await newWorld();
    const receipts = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        world.event({
          customerReferenceId: "acme",
          ...(index % 3 === 0 ? { stripeCustomerId: "cus_1" } : {}),
        }),
      ),
    );
    expect(receipts.map(({ status }) => status)).toEqual(Array(50).fill(201));
    expect(new Set(receipts.map(({ data }) => data.customerId)).size).toBe(1);
    const { results } = await env.DB.prepare(
      "SELECT DISTINCT customer_id FROM customer_identities WHERE account_id = ?",
    )
      .bind(world.accountId)
      .all();
    expect(results).toHaveLength(1);
  });

  test("a repeat under an Idempotency-Key gets the first answer, another body is refused", async ({ expect }) => {
    const world = await newWorld();
    const headers = { "Idempotency-Key": "register" };
    const body = { email: "a@b", customerReferenceId: "acme" };
    const first = await world.call("POST", OPERATOR, body, headers);
    const again = await world.call("POST", OPERATOR, body, headers);
    expect(again).toMatchObject({ status: 201, data: first.data });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    const other = await world.call("POST", OPERATOR, { ...body, email: "c@d" }, headers);
    expect(other).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
  });

  test("a registration that is refused attaches nothing, with an Idempotency-Key or without", async ({ expect }) => {
    const world = await newWorld();
    const body = { email: "a@b", customerReferenceId: "acme" };
    const register = { "Idempotency-Key": "register" };
    const { data: made } = await world.call<Customer>("POST", CLIENT, body, register);
    const grown = { ...body, stripeCustomerId: "cus_1" };
    for (const [headers, code] of [
      [{}, "conflict"],
      [{ "Idempotency-Key": "other" }, "conflict"],
      [register, "idempotency_conflict"],
    ] as const)
      expect(await world.call("POST", CLIENT, grown, headers), code).toMatchObject({ status: 409, error: { code } });
    expect((await world.call("GET", `${CLIENT}/acme`)).data).toEqual(made);
    expect((await world.call("GET", `${CLIENT}/cus_1`)).status).toBe(404);
    expect(await world.call("POST", CLIENT, body, register)).toMatchObject({ status: 201, data: made });
  });
});
