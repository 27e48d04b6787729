import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { loadBook } from "../../src/customer/book-store.ts";
import { commit } from "../../src/customer/commit.ts";
import { openCustomer, ownerOf } from "../../src/customer/image.ts";
import { openDraft } from "../../src/domain/book.ts";
import { charge } from "../../src/domain/charge.ts";
import type { CreditEntry, Pool } from "../../src/domain/credit.ts";
import type { PoolView } from "../../src/domain/credit-views.ts";
import { fromJsonText } from "../../src/domain/json-text.ts";
import { credits, granted, ONE_EACH, units } from "../support/credit-core.ts";
import { CREDITS, creditModel, feature, PLANS, RULES } from "../support/credits.ts";
import { dump } from "../support/d1.ts";
import { withSqlFault } from "../support/fault.ts";
import { type Invoice, invoicesOf, ok, pay, subscribe } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Plan credits in time, over HTTP and by test clock. */

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const CLOCKS = "/api/v1/test-clocks";
const START = "2027-01-15T00:00:00.000Z";

type Settled = { periods: number; invoices: number; grants: number; expirations: number };
type Shop = { world: World; clock: string; customerId: string; plans: Record<"pro" | "team", string> };

/** A model whose credits roll over up to 500, plans of it at 1,000 and 3,000 a month, and Ada on a test clock. */
async function shop(body: Record<string, unknown> = { rolloverPolicy: "CAPPED", rolloverCap: 500 }): Promise<Shop> {
  const world = await newWorld();
  const model = await creditModel(world, "AI", body);
  const featureId = await feature(world, "ai.chat");
  const sell = async (key: string, priceAmount: number, amount: number): Promise<string> => {
    const plan = { key, name: key, description: key, priceAmount };
    const { id } = await ok(world.call<{ id: string }>("POST", PLANS, plan));
    await ok(world.call("POST", RULES, { planId: id, featureId, creditModelId: model }));
    await ok(world.call("POST", `${CREDITS}/models/${model}/plans/${id}?creditAmount=${amount}`));
    await ok(world.call("PATCH", `${PLANS}/${id}`, { status: "ACTIVE" }));
    return id;
  };
  const plans = { pro: await sell("pro", 10, 1_000), team: await sell("team", 30, 3_000) };
  const { id: clock } = await ok(world.call<{ id: string }>("POST", CLOCKS, { frozenTime: START }));
  const ada = { email: "ada@mail.test", customerReferenceId: "ada", testClockId: clock };
  const { id: customerId } = await ok(world.call<{ id: string }>("POST", "/api/v1/client/customers", ada));
  return { world, clock, customerId, plans };
}

async function advance({ world, clock }: Shop, frozenTime: string): Promise<Settled> {
  const body = { frozenTime };
  return (await ok(world.call<{ settled: Settled }>("POST", `${CLOCKS}/${clock}/advance`, body))).settled;
}

/** Pays whatever Ada has to pay. */
async function payAll({ world }: Shop): Promise<void> {
  for (const { id, status } of await invoicesOf(world, "ada"))
    if (status === "DUE" || status === "PAST_DUE") await ok(pay(world, id));
}

async function buys(there: Shop, plan: "pro" | "team" = "pro"): Promise<string> {
  const { subscription, invoice } = await ok(subscribe(there.world, "ada", there.plans[plan]));
  await ok(pay(there.world, invoice.id));
  return subscription.id;
}

/** `DEDUCTION -200`, oldest first: the ledger as the object keeps it. */
function ledger({ world, customerId }: Shop): Promise<string[]> {
  return runInDurableObject(world.object(customerId), (object) =>
    sqlOf(object)
      .exec<{ body: string }>("SELECT body FROM credit_entries ORDER BY number")
      .toArray()
      .map(({ body }) => fromJsonText<CreditEntry>(body))
      .map(({ type, amountE4 }) => `${type} ${Number(amountE4) / 10_000}`),
  );
}

function keptPools({ world, customerId }: Shop): Promise<Pool[]> {
  return runInDurableObject(world.object(customerId), (object) => [...loadBook(sqlOf(object)).pools.values()]);
}

/** The pools as D1 has them. */
async function copies({ world }: Shop): Promise<PoolView[]> {
  const { results } = await env.DB.prepare("SELECT body FROM credit_pools WHERE account_id = ? ORDER BY pool_id")
    .bind(world.accountId)
    .all<{ body: string }>();
  return results.map(({ body }) => fromJsonText<PoolView>(body));
}

/** Takes credits by the rules of an event, in Ada's object; it then begins anew from its tables. */
async function spend({ world, customerId }: Shop, amount: number): Promise<void> {
  const stub = world.object(customerId);
  await runInDurableObject(stub, (_, { id, storage }) => {
    const customer = openCustomer(storage, ownerOf(id.name), () => Date.now());
    const { image } = customer;
    const draft = openDraft(image.book);
    const nowMs = image.state.lastSettledAtMs;
    const use = { denomination: "AI", subscription: 1, unitsE12: units(amount), weight: ONE_EACH };
    granted(charge(draft, use, nowMs));
    commit(customer, [{ kind: "draft", draft }], nowMs);
  });
  await evictDurableObject(stub);
}

describe("does", () => {
  test("1,000 credits a month, rolled over up to 500: three periods, by a test clock", async ({ expect }) => {
    const there = await shop();
    await buys(there);
    expect(await ledger(there)).toEqual(["GRANT 1000"]);
    expect(await copies(there)).toMatchObject([
      {
        name: "AI model",
        denomination: "AI",
        status: "ACTIVE",
        balanceE4: credits(1_000),
        hardLimit: true,
        rolloverPolicy: "CAPPED",
        rolloverCapE4: credits(500),
        links: [{ drawPriority: 0, drawnE4: 0n }],
      },
    ]);
    await spend(there, 200);
    expect(await advance(there, "2027-02-15T00:00:00Z")).toMatchObject({ periods: 1, invoices: 1, expirations: 1 });
    expect((await ledger(there)).slice(2)).toEqual(["EXPIRATION -300", "ADJUSTMENT -500", "ADJUSTMENT 500"]);
    await payAll(there);
    expect((await copies(there))[0]?.balanceE4).toBe(credits(1_500));
    await spend(there, 1_500);
    await advance(there, "2027-02-16T00:00:00Z");
    // An instant passes, nothing falls due, and the copy is what the events left.
    await there.world.flush(there.customerId);
    expect((await copies(there))[0]).toMatchObject({ status: "DEPLETED", balanceE4: 0n });
    expect(await advance(there, "2027-03-15T00:00:00Z")).toMatchObject({ periods: 1, invoices: 1, expirations: 0 });
    await payAll(there);
    expect((await copies(there))[0]).toMatchObject({
      status: "ACTIVE",
      balanceE4: credits(1_000),
      grantedE4: credits(3_000),
      consumedE4: credits(1_700),
      expiredE4: credits(300),
    });
  });

  test("an upgrade brings the difference for the time left, once it is paid", async ({ expect }) => {
    const there = await shop();
    const id = await buys(there);
    await advance(there, "2027-01-30T12:00:00Z");
    const change = { changeType: "UPGRADE", changeToPlanId: there.plans.team };
    const path = `/api/v1/client/subscriptions/${id}/plan-change`;
    const foreseen = await ok(there.world.call<{ credits: unknown }>("POST", `${path}/preview`, change));
    expect(foreseen.credits).toEqual([{ denomination: "AI", amount: 1_000 }]);
    await ok(there.world.call("POST", path, change));
    expect(await ledger(there)).toEqual(["GRANT 1000"]);
    await payAll(there);
    expect(await ledger(there)).toEqual(["GRANT 1000", "GRANT 1000"]);
  });

  test("cancelling voids what is left, and the clock counts grants of plans that cost nothing ahead", async ({
    expect,
  }) => {
    const there = await shop();
    const id = await buys(there);
    const path = `/api/v1/client/subscriptions/cancellation/${id}`;
    const foreseen = await ok(there.world.call<{ credits: unknown }>("POST", `${path}/preview?cancelMode=IMMEDIATE`));
    expect(foreseen.credits).toEqual([{ denomination: "AI", amount: 1_000 }]);
    await ok(there.world.call("POST", `${path}?cancelMode=IMMEDIATE`));
    expect(await ledger(there)).toEqual(["GRANT 1000", "VOID -1000"]);
    expect((await copies(there))[0]).toMatchObject({ status: "DEPLETED", links: [] });
    await ok(there.world.call("PATCH", `${PLANS}/${there.plans.pro}`, { priceAmount: 0 }));
    await ok(subscribe(there.world, "ada", there.plans.pro));
    expect(await advance(there, "2027-03-20T00:00:00Z")).toMatchObject({ periods: 2, grants: 2 });
  });
});

describe("holds", () => {
  test("whichever statement of a grant fails, the state before is there, and no credit comes twice", async ({
    expect,
  }) => {
    const there = await shop();
    const { world, customerId } = there;
    const { invoice } = await ok(subscribe(world, "ada", there.plans.pro));
    const stub = world.object(customerId);
    const tables = () =>
      runInDurableObject(stub, (object) =>
        ["subscriptions", "invoices", "credit_pools", "credit_grants", "credit_entries"].map((table) =>
          sqlOf(object).exec(`SELECT * FROM ${table}`).toArray(),
        ),
      );
    const before = await tables();
    let n = 0;
    for (let isPaid = false; !isPaid; n += 1) {
      const { result } = await withSqlFault(stub, n + 1, () => pay(world, invoice.id));
      const now = await tables();
      // The last statements look for what is to be sent: they fail when all is done.
      isPaid = JSON.stringify(now) !== JSON.stringify(before);
      if (!isPaid) expect(result.status).toBe(500);
    }
    expect(n).toBeGreaterThan(6);
    expect((await ok(pay(world, invoice.id))).status).toBe("PAID");
    expect(await ledger(there)).toEqual(["GRANT 1000"]);
    await evictDurableObject(stub);
    expect(await keptPools(there)).toMatchObject([{ balanceE4: credits(1_000), grantedE4: credits(1_000) }]);
  });

  test("an object that was evicted goes on where it was", async ({ expect }) => {
    const stories = [false, true].map(async (isEvicted) => {
      const there = await shop();
      await buys(there);
      for (const month of ["02", "03", "04"]) {
        if (isEvicted) await evictDurableObject(there.world.object(there.customerId));
        await advance(there, `2027-${month}-15T00:00:00Z`);
        if (isEvicted) await evictDurableObject(there.world.object(there.customerId));
        await payAll(there);
      }
      return ledger(there);
    });
    const [plain, evicted] = await Promise.all(stories);
    expect(plain?.length).toBeGreaterThan(9);
    expect(evicted).toEqual(plain);
  });

  test("a rebuild of D1 sends pools, too", async ({ expect }) => {
    const there = await shop();
    await buys(there);
    const { accountId } = there.world;
    const before = await dump("credit_pools", accountId, ["rev"]);
    await env.DB.prepare("DELETE FROM credit_pools WHERE account_id = ?").bind(accountId).run();
    await ok(there.world.call("POST", "/api/v1/ops/reproject", {}));
    await there.world.flush(there.customerId);
    expect(before).toHaveLength(1);
    expect(await dump("credit_pools", accountId, ["rev"])).toEqual(before);
  });

  test("the invoice tells nothing of the credits that wait for it", async ({ expect }) => {
    const there = await shop();
    await buys(there);
    await advance(there, "2027-02-15T00:00:00Z");
    const [due] = await invoicesOf(there.world, "ada");
    expect(due).toMatchObject({ status: "DUE", amount: 10 } satisfies Partial<Invoice>);
    expect(JSON.stringify(due)).not.toMatch(/planCredits|bigint/);
  });
});
