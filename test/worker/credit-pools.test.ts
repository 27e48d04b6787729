import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, test } from "vitest";
import { jsonText } from "../../src/domain/json-text.ts";
import { poolCopyPage } from "../../src/ledger/pools.ts";
import { CREDITS } from "../support/credits.ts";
import { queryPlans } from "../support/d1.ts";
import { insertKey } from "../support/probe.ts";
import { active, customer, ok, type Page, sell } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Credit pools over HTTP: made, filled, emptied, frozen, linked, read, and explained. */

type Body = Record<string, unknown>;
type Pool = Body & { id: string; balance: number; status: string; customerId: string };
type Grant = Body & { id: string; amount: number; remaining: number };
type Entry = Body & { id: string; transactionType: string; amount: number; balanceAfter: number };

const CLIENT = "/api/v1/client/credits";
let world: World;
let ada: string;

beforeEach(async () => {
  clockAt("2027-03-01T00:00:00Z");
  world = await newWorld();
  ada = await customer(world);
});

function pool(body: Body = {}): Promise<Pool> {
  const spec = { name: "Credits", denomination: "AI_CREDITS", customerId: ada, ...body };
  return ok(world.call<Pool>("POST", `${CREDITS}/pools`, spec));
}

function grant({ id: creditPoolId }: { id: string }, amount: number, body: Body = {}): Promise<Grant> {
  return ok(world.call<Grant>("POST", `${CREDITS}/grants`, { creditPoolId, amount, grantType: "MANUAL", ...body }));
}

function deduct({ id: creditPoolId }: { id: string }, amount: number, body: Body = {}) {
  return world.call<Entry>("POST", `${CREDITS}/deductions`, { creditPoolId, amount, ...body });
}

const turn = ({ id }: { id: string }, to: string) => world.call<Pool>("POST", `${CREDITS}/pools/${id}/${to}`);
const readPool = ({ id }: { id: string }) => ok(world.call<Pool>("GET", `${CREDITS}/pools/${id}`));
const ledger = async ({ id }: { id: string }) =>
  (await ok(world.call<Page<Entry>>("GET", `${CREDITS}/pools/${id}/transactions`))).items;
const client = <T>(path: string) => world.call<T>("GET", `${CLIENT}/ada/pools${path}`);

const story = (entries: Entry[]) =>
  entries.map(({ transactionType, amount, balanceAfter }) => `${transactionType} ${amount} → ${balanceAfter}`);

describe("does", () => {
  test("a new pool is empty, soft and drawn from by every subscription", async ({ expect }) => {
    const made = await pool({ metadata: { team: "x" } });
    expect(made).toEqual({
      id: expect.stringMatching(/-8800-/),
      name: "Credits",
      denomination: "AI_CREDITS",
      currency: "USD",
      balance: 0,
      held: 0,
      totalGranted: 0,
      totalConsumed: 0,
      totalExpired: 0,
      totalReversed: 0,
      totalVoided: 0,
      hardLimit: false,
      status: "ACTIVE",
      rolloverPolicy: "NONE",
      customerId: ada,
      subscriptions: [],
      metadata: { team: "x" },
      createdAt: "2027-03-01T00:00:00.000Z",
      modifiedAt: "2027-03-01T00:00:00.000Z",
    });
    const shown = await ok(world.call<{ creditPools: Pool[] }>("GET", "/api/v1/client/customers/ada"));
    expect(shown.creditPools).toEqual([made]);
  });

  test("grants, deductions, reversals and voids move the balance, and the ledger shows each", async ({ expect }) => {
    const made = await pool({ hardLimit: true });
    expect(made.status).toBe("DEPLETED");
    const first = await grant(made, 10, { description: "Welcome" });
    const second = await grant(made, 5.5, { expiresAt: "2027-04-01T00:00:00Z" });
    const taken = await ok(deduct(made, 7.25, { description: "By hand", metadata: { ticket: 7 } }));
    expect(taken).toMatchObject({
      creditPoolId: made.id,
      amount: -7.25,
      balanceBefore: 15.5,
      balanceAfter: 8.25,
      description: "By hand",
      metadata: { ticket: 7 },
      draws: [
        { grantId: second.id, amount: 5.5 },
        { grantId: first.id, amount: 1.75 },
      ],
    });
    expect(taken).not.toHaveProperty("creditGrantId");
    const reversal = await ok(
      world.call<Entry>("POST", `${CREDITS}/transactions/${taken.id}/reverse?description=Sorry`),
    );
    expect(reversal).toMatchObject({ amount: 7.25, reversedTransactionId: taken.id, description: "Sorry" });
    const voided = await ok(world.call<Grant>("POST", `${CREDITS}/grants/${first.id}/void`));
    expect(voided).toMatchObject({ id: first.id, amount: 10, remaining: 0, voidedAt: "2027-03-01T00:00:00.000Z" });
    expect(story(await ledger(made))).toEqual([
      "VOID -10 → 5.5",
      "REVERSAL 7.25 → 15.5",
      "DEDUCTION -7.25 → 8.25",
      "GRANT 5.5 → 15.5",
      "GRANT 10 → 10",
    ]);
    expect(await readPool(made)).toMatchObject({
      status: "ACTIVE",
      balance: 5.5,
      totalGranted: 15.5,
      totalConsumed: 7.25,
      totalReversed: 7.25,
      totalVoided: 10,
    });
    const grants = await ok(world.call<Page<Grant>>("GET", `${CREDITS}/pools/${made.id}/grants`));
    expect(grants.items.map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  test("a pool is linked to a subscription, with new terms, and unlinked", async ({ expect }) => {
    await sell(world, "free");
    const { id } = await active(world, "ada", "free");
    const made = await pool();
    const link = `${CREDITS}/pools/${made.id}/subscriptions/${id}`;
    await ok(world.call("POST", link));
    const terms = await ok(world.call<Pool>("POST", `${link}?drawPriority=3&drawLimit=2.5`));
    expect(terms.subscriptions).toEqual([{ subscriptionId: id, drawPriority: 3, drawLimit: 2.5, drawn: 0 }]);
    expect((await ok(world.call<Pool>("DELETE", link))).subscriptions).toEqual([]);
  });

  test("a purchased grant without a price takes the one in the book, in the pool's currency", async ({ expect }) => {
    await ok(world.call("POST", `${CREDITS}/models`, { name: "M", denomination: "AI_CREDITS" }));
    const entries = [
      { denomination: "AI_CREDITS", currency: "USD", pricePerCredit: 0.1 },
      { denomination: "AI_CREDITS", currency: "EUR", pricePerCredit: 0.2 },
    ];
    await ok(world.call("POST", `${CREDITS}/prices/publish`, { effectiveFrom: "2027-03-01T00:00:00Z", entries }));
    const [dollars, euros] = [await pool(), await pool({ currency: "EUR" })];
    expect(await grant(dollars, 1, { grantType: "PURCHASED" })).not.toHaveProperty("unitPrice");
    clockAt("2027-03-01T00:01:00Z");
    expect(await grant(dollars, 1, { grantType: "PURCHASED" })).toMatchObject({ unitPrice: 0.1, currency: "USD" });
    expect(await grant(euros, 1, { grantType: "PURCHASED" })).toMatchObject({ unitPrice: 0.2, currency: "EUR" });
    expect(await grant(euros, 1, { grantType: "PURCHASED", unitPrice: 9 })).toMatchObject({ unitPrice: 9 });
    expect(await grant(dollars, 1)).not.toHaveProperty("unitPrice");
  });

  test("the Client API shows a customer's pools, newest first, with grants and ledger", async ({ expect }) => {
    const [first, second] = [await pool(), await pool({ name: "Second" })];
    const given = await grant(first, 4);
    const listed = await ok(client<Page<Pool>>(""));
    expect(listed.items.map(({ id }) => id)).toEqual([second.id, first.id]);
    const operators = await ok(world.call<Page<Pool>>("GET", `${CREDITS}/pools/customer/ada`));
    expect(operators).toEqual(listed);
    expect(await ok(client(`/${first.id}`))).toEqual(await readPool(first));
    expect((await ok(client<Page<Grant>>(`/${first.id}/grants`))).items).toEqual([given]);
    expect((await ok(client<Page<Entry>>(`/${first.id}/transactions`))).items).toEqual(await ledger(first));
  });

  test("the account's list is D1's copies, by status and customer", async ({ expect }) => {
    const grace = await customer(world, "grace");
    const hard = await pool({ hardLimit: true });
    clockAt("2027-03-01T00:00:01Z");
    const hers = await pool({ customerId: grace });
    await ok(turn(hers, "freeze"));
    const listed = async (query: string) =>
      (await ok(world.call<Page<Pool>>("GET", `${CREDITS}/pools${query}`))).items.map(({ id }) => id);
    expect(await listed("")).toEqual([hers.id, hard.id]);
    const [first] = (await ok(world.call<Page<Pool>>("GET", `${CREDITS}/pools`))).items;
    expect(first).toMatchObject({ customer: { customerReferenceId: "grace", displayName: "grace" } });
    expect(await listed("?status=DEPLETED")).toEqual([hard.id]);
    expect(await listed("?status=FROZEN")).toEqual([hers.id]);
    expect(await listed(`?customerId=${ada}`)).toEqual([hard.id]);
    expect(await listed("?limit=1&offset=1")).toEqual([hard.id]);
  });

  test("the list of those that are nearly dry: less than a tenth is left of what was given, and 0 refuses", async ({
    expect,
  }) => {
    const spent = async (body: Body, amount: number) => {
      const made = await pool(body);
      await grant(made, 1000);
      await ok(deduct(made, amount));
      return made;
    };
    const low = async () =>
      (await ok(world.call<Page<Pool>>("GET", `${CREDITS}/pools?low=true`))).items.map(({ id }) => id).sort();
    const tenth = await spent({ hardLimit: true }, 900);
    const below = await spent({ hardLimit: true }, 900.0001);
    const empty = await spent({ hardLimit: true }, 1000);
    await spent({ hardLimit: false }, 950);
    await ok(turn(await spent({ hardLimit: true }, 950), "freeze"));
    await world.flush(ada);
    expect(await low()).toEqual([below.id, empty.id].sort());
    await ok(deduct(tenth, 0.0001));
    await grant(empty, 1000);
    await world.flush(ada);
    expect(await low()).toEqual([below.id, tenth.id].sort());
  });

  test("the balance at any past instant is what the ledger left, expiries that nobody saw included", async ({
    expect,
  }) => {
    const made = await pool();
    await grant(made, 10);
    clockAt("2027-03-02T00:00:00Z");
    await grant(made, 4, { expiresAt: "2027-03-03T12:00:00Z" });
    clockAt("2027-03-05T00:00:00Z");
    const balance = async (query: string) =>
      (await ok(client<{ balance: number; transaction?: Entry }>(`/${made.id}/balance${query}`))).balance;
    expect(await balance("?at=2027-02-28T23:59:59.999Z")).toBe(0);
    expect(await balance("?at=2027-03-01T00:00:00Z")).toBe(10);
    expect(await balance("?at=2027-03-02T00:00:00Z")).toBe(14);
    expect(await balance("?at=2027-03-03T11:59:59.999Z")).toBe(14);
    expect(await balance("?at=2027-03-03T12:00:00Z")).toBe(10);
    expect(await balance("")).toBe(10);
    const told = await ok(client<{ creditPoolId: string; at: string; transaction: Entry }>(`/${made.id}/balance`));
    expect(told).toMatchObject({ creditPoolId: made.id, at: "2027-03-05T00:00:00.000Z" });
    expect(told.transaction).toMatchObject({ transactionType: "EXPIRATION", amount: -4 });
    const before = await ok(client(`/${made.id.toUpperCase()}/balance?at=2027-02-28T00:00:00Z`));
    expect(before).toEqual({ creditPoolId: made.id, at: "2027-02-28T00:00:00.000Z", balance: 0 });
  });

  test("a pool is explained grant by grant, down to what burned it", async ({ expect }) => {
    const made = await pool();
    const soon = await grant(made, 2, { expiresAt: "2027-03-02T00:00:00Z" });
    const later = await grant(made, 10);
    const taken = await ok(deduct(made, 5));
    await ok(world.call("POST", `${CREDITS}/transactions/${taken.id}/reverse`));
    clockAt("2027-03-03T00:00:00Z");
    type Step = { transaction: Entry; amount: number; remaining: number };
    type Told = { pool: Pool; grants: Page<{ grant: Grant; history: Step[] }> };
    const told = await ok(client<Told>(`/${made.id}/explain`));
    expect(told.pool).toEqual(await readPool(made));
    const lines = told.grants.items.map(({ grant: { id }, history }) => [
      id,
      ...history.map((step) => `${step.transaction.transactionType} ${step.amount} → ${step.remaining}`),
    ]);
    expect(lines).toEqual([
      [soon.id, "GRANT 2 → 2", "DEDUCTION -2 → 0", "REVERSAL 2 → 2", "EXPIRATION -2 → 0"],
      [later.id, "GRANT 10 → 10", "DEDUCTION -3 → 7", "REVERSAL 3 → 10"],
    ]);
    const second = await ok(client<Told>(`/${made.id}/explain?limit=1&offset=1&cursor=${taken.id}`));
    expect(second.grants.items.map(({ grant: { id }, history }) => [id, history.map(({ amount }) => amount)])).toEqual([
      [later.id, [3]],
    ]);
    expect(second.grants.pagination.total).toBe(2);
  });

  test("a ledger longer than one explanation reads is explained in parts, and what is left goes on", async ({
    expect,
  }) => {
    const made = await pool();
    const [first, second] = [await grant(made, 10), await grant(made, 4)];
    const DEDUCTIONS = 10_000;
    await runInDurableObject(world.object(ada), (object) => {
      const one = { pool: 1, type: "DEDUCTION" as const, amountE4: -1n, atMs: Date.now() };
      for (let number = 3; number < 3 + DEDUCTIONS; number += 1) {
        const balanceAfterE4 = 140_000n - BigInt(number - 2);
        const draws = [{ grant: 1, amountE4: 1n }];
        const entry = { ...one, number, draws, balanceBeforeE4: balanceAfterE4 + 1n, balanceAfterE4 };
        sqlOf(object).exec(
          "INSERT INTO credit_entries (number, pool, type, at_ms, body) VALUES (?, 1, 'DEDUCTION', ?, ?)",
          number,
          one.atMs,
          jsonText(entry),
        );
      }
    });
    type Step = { transaction: Entry; amount: number; remaining?: number };
    type Told = { grants: Page<{ grant: Grant; history: Step[] }>; nextCursor?: string };
    const explain = (query = "") => ok(client<Told>(`/${made.id}/explain${query}`));
    const lasts = ({ grants }: Told) =>
      grants.items.map(({ grant: { id }, history }) => [id, history.length, history.at(-1)?.remaining]);
    const begun = await explain();
    expect(lasts(begun)).toEqual([
      [first.id, 9_999, 9.0002],
      [second.id, 1, 4],
    ]);
    const rest = await explain(`?cursor=${begun.nextCursor}`);
    expect(rest.grants.items.map(({ history }) => history.map(({ amount, remaining }) => [amount, remaining]))).toEqual(
      [
        [
          [-0.0001, 9.0001],
          [-0.0001, 9],
        ],
        [],
      ],
    );
    expect(rest.nextCursor).toBeUndefined();
    const [id] = begun.nextCursor?.split(".") ?? [];
    const unknown = await explain(`?cursor=${id}`);
    expect(unknown.grants.items[0]?.history.map(({ remaining }) => remaining)).toEqual([undefined, undefined]);
    expect((await client(`/${made.id}/explain?cursor=${first.id}.1.2`)).status).toBe(404);
  });
});

describe("refuses", () => {
  test("a frozen pool refuses debits and grants until it is unfrozen; an archived one for ever", async ({ expect }) => {
    const made = await pool();
    const { id: grantId } = await grant(made, 5);
    expect((await ok(turn(made, "freeze"))).status).toBe("FROZEN");
    const conflict = { status: 409, error: { code: "conflict" } };
    expect(await world.call("POST", `${CREDITS}/grants/${grantId}/void`)).toMatchObject(conflict);
    expect(await deduct(made, 1)).toMatchObject(conflict);
    const more = { creditPoolId: made.id, amount: 1, grantType: "MANUAL" };
    expect(await world.call("POST", `${CREDITS}/grants`, more)).toMatchObject(conflict);
    expect((await ok(turn(made, "unfreeze"))).status).toBe("ACTIVE");
    expect((await deduct(made, 1)).status).toBe(201);
    expect((await ok(turn(made, "archive"))).status).toBe("ARCHIVED");
    expect(await deduct(made, 1)).toMatchObject(conflict);
    expect(await turn(made, "freeze")).toMatchObject(conflict);
    expect((await turn(made, "archive")).status).toBe(200);
    expect(await readPool(made)).toMatchObject({ status: "ARCHIVED", balance: 4 });
    expect(story(await ledger(made)).slice(0, 3)).toEqual(["DEDUCTION -1 → 4", "UNFREEZE 0 → 5", "FREEZE 0 → 5"]);
  });

  test("a deduction of more than is there, and a second reversal", async ({ expect }) => {
    const made = await pool();
    await grant(made, 1);
    expect(await deduct(made, 1.0001)).toMatchObject({
      status: 409,
      error: { code: "insufficient_credits", message: expect.stringMatching(/^Credit pool depleted/) },
    });
    const taken = await ok(deduct(made, 1));
    const path = `${CREDITS}/transactions/${taken.id}/reverse`;
    expect((await world.call("POST", path)).status).toBe(200);
    expect(await world.call("POST", path)).toMatchObject({ status: 409, error: { code: "conflict" } });
    const [reversal] = await ledger(made);
    expect((await world.call("POST", `${CREDITS}/transactions/${reversal?.id}/reverse`)).status).toBe(409);
  });

  test.for([
    ["grants", { amount: 0, grantType: "MANUAL" }, "amount"],
    ["grants", { amount: 0.00001, grantType: "MANUAL" }, "amount"],
    ["grants", { amount: 1, grantType: "GIFT" }, "grantType"],
    ["grants", { amount: 1, grantType: "MANUAL", currency: "USD" }, "currency"],
    ["grants", { amount: 1, grantType: "MANUAL", expiresAt: "2027-03-01T00:00:00Z" }, "expiresAt"],
    ["deductions", { amount: -1 }, "amount"],
  ] as const)("%s of %o, by the field %s", async ([path, body, field], { expect }) => {
    const made = await pool();
    const answered = await world.call("POST", `${CREDITS}/${path}`, { creditPoolId: made.id, ...body });
    expect(answered).toMatchObject({ status: 400, error: { fields: [{ path: field }] } });
    expect(await ledger(made)).toEqual([]);
  });

  test.for([
    [{ rolloverPolicy: "CAPPED" }, "rolloverCap"],
    [{ rolloverCap: 5 }, "rolloverCap"],
    [{ name: "" }, "name"],
    [{ customerId: null }, "customerId"],
  ] as const)("a pool with %o", async ([body, field], { expect }) => {
    const spec = { name: "P", denomination: "D", customerId: ada, ...body };
    const answered = await world.call("POST", `${CREDITS}/pools`, spec);
    expect(answered).toMatchObject({ status: 400, error: { fields: [{ path: field }] } });
  });

  test("what is unknown, or another customer's", async ({ expect }) => {
    await customer(world, "grace");
    await sell(world, "free");
    const { id } = await active(world, "grace", "free");
    const made = await pool();
    const unknown = [
      await world.call("POST", `${CREDITS}/pools`, { name: "P", denomination: "D", customerId: "nobody" }),
      await world.call("GET", `${CREDITS}/pools/${ada}`),
      await deduct({ id: ada }, 1),
      await world.call("POST", `${CREDITS}/pools/${made.id}/subscriptions/${id}`),
      await world.call("POST", `${CREDITS}/grants/${made.id}/void`),
      await world.call("POST", `${CREDITS}/transactions/${made.id}/reverse`),
      await world.call("GET", `${CLIENT}/grace/pools/${made.id}`),
      await client(`/${made.id}/explain?cursor=${made.id}`),
    ];
    expect(unknown.map(({ status }) => status)).toEqual(unknown.map(() => 404));
  });

  test("balances of the future", async ({ expect }) => {
    const made = await pool();
    const answered = await client(`/${made.id}/balance?at=2027-03-01T00:00:00.001Z`);
    expect(answered).toMatchObject({ status: 400, error: { fields: [{ path: "at" }] } });
  });

  test("purchases, plainly, while there are no payments", async ({ expect }) => {
    const made = await pool();
    const body = { customerReferenceId: "ada", creditPoolId: made.id, credits: 10 };
    expect(await world.call("POST", `${CLIENT}/purchases`, body)).toMatchObject({
      status: 400,
      error: { code: "validation_failed", message: expect.stringContaining("takes no payments") },
    });
    expect((await world.call("POST", `${CLIENT}/purchases`, { ...body, creditPoolId: ada })).status).toBe(404);
  });

  test("a customer's key everything of others", async ({ expect }) => {
    await customer(world, "grace");
    const made = await pool();
    const key = await insertKey(world.accountId, { scopes: ["read"], customerId: ada });
    const headers = { Authorization: `Bearer ${key}` };
    const get = (path: string) => world.call("GET", `${CLIENT}/${path}`, undefined, headers);
    expect((await get(`ada/pools/${made.id}/grants`)).status).toBe(200);
    expect((await get("grace/pools")).status).toBe(403);
  });
});

describe("holds", () => {
  test("a key used again answers 200 with the first result, and moves nothing", async ({ expect }) => {
    const made = await pool();
    const body = { creditPoolId: made.id, amount: 5, grantType: "PROMOTIONAL", idempotencyKey: "k" };
    const [first, again] = [
      await world.call<Grant>("POST", `${CREDITS}/grants`, body),
      await world.call<Grant>("POST", `${CREDITS}/grants`, { ...body, amount: 7 }),
    ];
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.data).toEqual(first.data);
    const [taken, repeated] = [
      await deduct(made, 2, { idempotencyKey: "k" }),
      await deduct(made, 3, { idempotencyKey: "k" }),
    ];
    expect([taken.status, repeated.status]).toEqual([201, 200]);
    expect(repeated.data).toEqual(taken.data);
    await turn(made, "freeze");
    expect((await deduct(made, 2, { idempotencyKey: "k" })).data).toEqual(taken.data);
    expect((await readPool(made)).balance).toBe(3);
  });

  test("each command is in the audit trail once, and what changes nothing is not", async ({ expect }) => {
    const made = await pool();
    const given = await grant(made, 5, { idempotencyKey: "g" });
    await grant(made, 5, { idempotencyKey: "g" });
    const taken = await ok(deduct(made, 1));
    await world.call("POST", `${CREDITS}/transactions/${taken.id}/reverse`);
    await turn(made, "freeze");
    await turn(made, "freeze");
    await turn(made, "unfreeze");
    await world.call("POST", `${CREDITS}/grants/${given.id}/void`);
    await turn(made, "archive");
    const trail = await ok(world.call<Page<{ action: string }>>("GET", "/api/v1/account/audit-log"));
    const actions = trail.items.map(({ action }) => action).filter((action) => action.startsWith("credit"));
    expect(actions.sort()).toEqual([
      "credit_grant.created",
      "credit_grant.voided",
      "credit_pool.archived",
      "credit_pool.created",
      "credit_pool.frozen",
      "credit_pool.unfrozen",
      "credits.deducted",
      "credits.reversed",
    ]);
  });

  test("a repeat under an Idempotency-Key makes no second pool", async ({ expect }) => {
    const spec = { name: "P", denomination: "D", customerId: ada };
    const once = () => world.call<Pool>("POST", `${CREDITS}/pools`, spec, { "Idempotency-Key": "once" });
    const [first, again] = [await once(), await once()];
    expect(again).toMatchObject({ status: 201, data: first.data });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect((await ok(client<Page<Pool>>(""))).pagination.total).toBe(1);
  });

  test("lists find their page by an index that has its order", async ({ expect }) => {
    const cases = [
      [{}, /USING COVERING INDEX credit_pools_by_age/],
      [{ status: "FROZEN" as const }, /USING COVERING INDEX credit_pools_by_status/],
      [{ customerId: ada }, /USING COVERING INDEX credit_pools_by_customer/],
      [{ isLow: true }, /USING INDEX credit_pools_by_lowness .*\n.*\n.*USING INDEX credit_pools_by_lowness/],
    ] as const;
    for (const [filter, index] of cases) {
      const plans = await queryPlans((database) =>
        poolCopyPage(database, world.accountId, filter, { limit: 50, offset: 0 }),
      );
      const text = plans.join("\n");
      expect(text).toMatch(index);
      expect(text).not.toMatch(/SCAN credit_pools|MATERIALIZE.*TEMP B-TREE/);
    }
  });
});
