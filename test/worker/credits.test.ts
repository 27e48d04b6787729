import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import type { CreditEntry, Grant } from "../../src/domain/credit.ts";
import { formatE4 } from "../../src/domain/credit-amount.ts";
import { decideGrant, type GrantSpec } from "../../src/domain/grants.ts";
import { fromJsonText } from "../../src/domain/json-text.ts";
import { decideFreeze, decideLink, decideUnfreeze, makePool } from "../../src/domain/pools.ts";
import {
  check,
  checkBothWays,
  commit,
  consume,
  correct,
  type Entitlement,
  evaluate,
  featureIdOf,
  release,
  reserve,
  usage,
} from "../support/access.ts";
import { credits, granted } from "../support/credit-core.ts";
import {
  CREDITS,
  creditModel,
  decideCredits,
  ledgerOf,
  PLANS,
  poolsOf,
  price,
  type Quote,
  RULES,
  weigh,
} from "../support/credits.ts";
import { brokenLaws } from "../support/edited.ts";
import { active, customer, invoicesOf, ok } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type Receipt, type World } from "../support/world.ts";

/** Credits that events burn and reservations hold, over HTTP. The clock stands still unless a test moves it. */

beforeEach(() => clockAt("2030-03-05T10:00:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const CUSTOMER = { customerReferenceId: "ada", featureKey: "chat" };

type Sold = {
  world: World;
  id: string;
  planId: string;
  featureId: string;
  creditModelId: string;
  subscriptionId: string;
};

/** A customer `ada` whose plan lets `chat` burn credits and gives so many of them. 10 s later any weight is in force. */
async function sold(
  amount: number,
  {
    hardLimit = true,
    value = {},
    weights,
    currency = "USD",
  }: { hardLimit?: boolean; value?: unknown; weights?: Record<string, number>; currency?: string } = {},
): Promise<Sold> {
  const world = await newWorld();
  const featureId = await featureIdOf(world, "chat");
  const creditModelId = await creditModel(world, "AI", { hardLimit });
  const body = { key: "pro", name: "PRO", description: "The plan pro.", billingTiming: "IN_ARREARS", currency };
  const { id: planId } = await ok(world.call<{ id: string }>("POST", PLANS, body));
  await ok(world.call("POST", RULES, { planId, featureId, creditModelId, value }));
  if (amount > 0)
    await ok(world.call("POST", `${CREDITS}/models/${creditModelId}/plans/${planId}?creditAmount=${amount}`));
  await ok(world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" }));
  if (weights !== undefined) await weigh(world, weights, { chat: featureId });
  const id = await customer(world);
  const { id: subscriptionId } = await active(world, "ada", "pro");
  clockAt("2030-03-05T10:01:00Z");
  return { world, id, planId, featureId, creditModelId, subscriptionId };
}

/** Another pool of the same credits, linked to nothing, with grants. */
function anotherPool(
  { world, id }: Sold,
  grants: readonly (Omit<Partial<GrantSpec>, "amountE4"> & { amount: number })[],
  hardLimit = true,
): Promise<number> {
  return decideCredits(world, id, (draft, past, nowMs) => {
    const spec = { name: "Own", denomination: "AI", hardLimit, rolloverPolicy: "NONE" as const };
    const pool = makePool(draft, spec, nowMs);
    for (const { amount, ...more } of grants)
      granted(decideGrant(draft, { pool, spec: { type: "MANUAL", amountE4: credits(amount), ...more }, past }, nowMs));
    return pool.number;
  });
}

const spend = (world: World, usageUnits: number, more = {}) => world.event({ ...CUSTOMER, usageUnits, ...more });

/** `DEDUCTION -2.5 → 97.5`, oldest first. */
const told = (entries: readonly CreditEntry[]): string[] =>
  entries.map(({ type, amountE4, balanceAfterE4 }) => `${type} ${formatE4(amountE4)} → ${formatE4(balanceAfterE4)}`);

/** The id of the pool that the plan made. */
async function firstPool(world: World): Promise<string> {
  const { items } = await ok(world.call<{ items: { id: string }[] }>("GET", "/api/v1/client/credits/ada/pools"));
  return items.at(-1)?.id ?? "";
}

const reasonOf = ({ meta }: Entitlement): string | undefined => meta?.reason.code;

async function balanceOf({ world, id }: Sold): Promise<string[]> {
  return (await poolsOf(world, id)).map(({ balanceE4 }) => formatE4(balanceE4));
}

/** The conservation laws of every pool, from what is stored: totals, grants, ledger and what is held agree. */
async function sums({ world, id }: Sold): Promise<Record<string, string>[]> {
  const grants = await runInDurableObject(world.object(id), (object) =>
    sqlOf(object)
      .exec<{ pool: number; body: string }>("SELECT pool, body FROM credit_grants")
      .toArray()
      .map(({ pool, body }) => ({ pool, body })),
  );
  const pools = await poolsOf(world, id);
  return Promise.all(
    pools.map(async (pool) => {
      const ledger = await ledgerOf(world, id, pool.number);
      const ofPool = grants.filter((grant) => grant.pool === pool.number).map(({ body }) => fromJsonText<Grant>(body));
      return {
        balance: formatE4(pool.balanceE4),
        ledger: formatE4(ledger.reduce((sum, { amountE4 }) => sum + amountE4, 0n)),
        grants: formatE4(ofPool.reduce((sum, { remainingE4 }) => sum + remainingE4, 0n)),
        held: formatE4(pool.heldE4),
        heldOfGrants: formatE4(ofPool.reduce((sum, { heldE4 }) => sum + heldE4, 0n)),
      };
    }),
  );
}

describe("does", () => {
  test("weight 2.5 at price 0.10: 100 requests burn 250 credits worth 25.00, and the ledger says it line by line", async ({
    expect,
  }) => {
    const made = await sold(0, { weights: { "chat:gpt-4o": 2.5 } });
    const { world, id } = made;
    await anotherPool(made, [{ amount: 1000, type: "PURCHASED", unitPriceE12: 10n ** 11n, currency: "USD" }]);
    let [burnt, revenue] = [0, 0];
    for (let request = 0; request < 100; request += 1) {
      const { data } = await spend(world, 1, { costInput: { model: " gpt-4o" } });
      expect(data).toMatchObject({
        weightApplied: 2.5,
        weightMatch: "MODEL",
        remainingBalance: 1000 - 2.5 * (request + 1),
      });
      burnt += data.creditsDeducted ?? 0;
      revenue += (data.revenueAmount ?? 0) * 100;
    }
    expect([burnt, revenue]).toEqual([250, 2500]);
    const ledger = await ledgerOf(world, id);
    expect(ledger).toHaveLength(101);
    expect(told(ledger.slice(0, 3))).toEqual(["GRANT 1000 → 1000", "DEDUCTION -2.5 → 997.5", "DEDUCTION -2.5 → 995"]);
    expect(told(ledger.slice(-1))).toEqual(["DEDUCTION -2.5 → 750"]);
    expect(ledger.slice(1).map(({ eventSeq }) => eventSeq)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
  });

  test("a pool is explained down to the events that burned it, by which weight, and what a correction gave back", async ({
    expect,
  }) => {
    const { world } = await sold(10, { weights: { "chat:gpt-4o": 2.5 } });
    const event = await ok(spend(world, 2, { costInput: { model: "gpt-4o" } }));
    const reservation = await ok(reserve(world, { usageUnits: 3 }));
    const committed = await ok(commit(world, reservation.reservationId, { usageUnits: 1 }));
    await ok(correct(world, event.eventId, { usageUnits: 1 }));
    type Step = { transaction: Record<string, unknown>; amount: number; remaining: number };
    type Told = { grants: { items: { history: Step[] }[] } };
    const pools = await ok(world.call<{ items: { id: string }[] }>("GET", "/api/v1/client/credits/ada/pools"));
    const path = `/api/v1/client/credits/ada/pools/${pools.items[0]?.id}/explain`;
    const [granted] = (await ok(world.call<Told>("GET", path))).grants.items;
    expect(granted?.history.map(({ amount, remaining }) => [amount, remaining])).toEqual([
      [10, 10],
      [-5, 5],
      [-1, 4],
      [2.5, 6.5],
    ]);
    const [, burned, taken, back] = granted?.history.map(({ transaction }) => transaction) ?? [];
    const metadata = { credits_per_unit: 2.5, usage_units: 2, weight_match: "MODEL" };
    expect(burned).toMatchObject({ transactionType: "DEDUCTION", eventId: event.eventId, metadata });
    expect(burned?.metadata).toMatchObject({ credit_feature_weight_id: event.weightId });
    expect(taken).toMatchObject({
      eventId: committed.eventId,
      metadata: { credits_per_unit: 1, usage_units: 1, weight_match: "NONE" },
    });
    expect(back).toMatchObject({ transactionType: "REVERSAL", reversedTransactionId: burned?.id });
    expect(back?.eventId).toBeDefined();
  });

  test("what credits do not cover is billed by the rule's price: 60 from credits, 40 billed", async ({ expect }) => {
    const made = await sold(60, { hardLimit: false, value: usage("0.5") });
    const { world } = made;
    const mixed = await spend(world, 100);
    expect(mixed.status).toBe(201);
    expect(mixed.data).toMatchObject({
      metered: true,
      creditsDeducted: 60,
      weightApplied: 1,
      weightMatch: "NONE",
      remainingBalance: 0,
      revenueAmount: 20,
    });
    expect(mixed.data).not.toHaveProperty("weightId");
    expect((await spend(world, 10)).data).toMatchObject({ creditsDeducted: 0, revenueAmount: 5 });
    const { data } = await world.call<{ items: { quantity: number; chargeAmount: number }[] }>(
      "GET",
      "/api/v1/client/billing/invoices/ada/upcoming",
    );
    expect(data.items).toMatchObject([{ quantity: 50, chargeAmount: 25 }]);
    expect((await ok(check(world, "chat"))).usage.used).toBe(110);
  });

  test("check shows the pool, evaluate also what the units would burn and what that costs", async ({ expect }) => {
    const made = await sold(100, { weights: { chat: 2, "chat:gpt-4o": 2.5 } });
    const { world } = made;
    await price(world, "AI", 0.1);
    clockAt("2030-03-05T10:02:00Z");
    await spend(world, 5);
    const shown = (await ok(check(world, "chat"))) as Entitlement & { credit: unknown; creditQuote?: unknown };
    expect(shown.credit).toEqual({
      poolId: expect.any(String),
      denomination: "AI",
      balance: 90,
      totalGranted: 100,
      totalConsumed: 10,
      hardLimit: true,
    });
    expect(shown).not.toHaveProperty("creditQuote");
    const quoteOf = async (usageBody?: unknown) =>
      (
        (await ok(
          evaluate(world, { featureKey: "chat", ...(usageBody === undefined ? {} : { usage: usageBody }) }),
        )) as {
          creditQuote?: Quote;
        }
      ).creditQuote;
    expect(await quoteOf({ usageUnits: 10, model: "gpt-4o" })).toEqual({
      weight: 2.5,
      estimatedCredits: 25,
      weightId: expect.any(String),
      weightMatch: "MODEL",
      pricePerCredit: 0.1,
      currency: "USD",
      estimatedCost: 2.5,
    });
    expect(await quoteOf()).toMatchObject({ weight: 2, estimatedCredits: 2, weightMatch: "FEATURE_DEFAULT" });
  });

  test("a pool has the currency of its plan, or the account's, and quote, forecast and purchase price it alike", async ({
    expect,
  }) => {
    const { world, id } = await sold(5, { currency: "EUR" });
    const entries = [
      { denomination: "AI", currency: "USD", pricePerCredit: 0.1 },
      { denomination: "AI", currency: "EUR", pricePerCredit: 0.2 },
    ];
    const effectiveFrom = new Date().toISOString();
    await ok(world.call("POST", `${CREDITS}/prices/publish`, { effectiveFrom, entries }));
    clockAt("2030-03-05T10:02:00Z");
    type Priced = { id: string; currency: string; pricePerCredit: number };
    const told = async () => {
      const { items } = await ok(world.call<{ items: Priced[] }>("GET", "/api/v1/client/credits/ada/pools"));
      const usage = await ok(world.call<{ creditPools: Priced[] }>("GET", "/api/v1/client/customers/ada/usage"));
      const buy = { creditPoolId: items[0]?.id, amount: 1, grantType: "PURCHASED" };
      return {
        pool: items[0]?.currency,
        forecast: usage.creditPools[0]?.pricePerCredit,
        purchase: await ok(world.call("POST", `${CREDITS}/grants`, buy)),
        evaluated: await ok(evaluate(world, { featureKey: "chat" })),
      };
    };
    expect(await told()).toMatchObject({
      pool: "EUR",
      forecast: 0.2,
      purchase: { unitPrice: 0.2, currency: "EUR" },
      evaluated: { creditQuote: { pricePerCredit: 0.2, currency: "EUR" } },
    });
    // The plan's pool is empty, so the newest one is the first that is drawn from.
    await ok(world.call("POST", `${CREDITS}/deductions`, { creditPoolId: await firstPool(world), amount: 6 }));
    await ok(world.call("POST", `${CREDITS}/pools`, { name: "Own", denomination: "AI", customerId: id }));
    expect(await told()).toMatchObject({ pool: "USD", forecast: 0.1, purchase: { unitPrice: 0.1, currency: "USD" } });
    expect(await told()).toMatchObject({ evaluated: { creditQuote: { pricePerCredit: 0.1, currency: "USD" } } });
  });

  test("without weight or price the quote says null, and without a rule of credits there is none", async ({
    expect,
  }) => {
    const { world } = await sold(10);
    const { creditQuote } = (await ok(evaluate(world, { featureKey: "chat" }))) as unknown as { creditQuote: Quote };
    expect(creditQuote).toEqual({
      weight: 1,
      estimatedCredits: 1,
      weightId: null,
      weightMatch: "NONE",
      pricePerCredit: null,
      currency: null,
      estimatedCost: null,
    });
    expect(await ok(evaluate(world, { featureKey: "other" }))).not.toHaveProperty("creditQuote");
  });

  test("a late event burns by the weight of its own time, one of more than 48 hours ago by that of then", async ({
    expect,
  }) => {
    const { world, featureId } = await sold(1000, { weights: { chat: 2 } });
    clockAt("2030-03-08T10:00:00Z");
    await weigh(world, { chat: 3 }, { chat: featureId });
    clockAt("2030-03-08T12:00:00Z");
    const by = async (occurredAt: string) => (await spend(world, 1, { occurredAt })).data.weightApplied;
    expect(await by("2030-03-08T11:00:00Z")).toBe(3);
    expect(await by("2030-03-08T10:00:10Z")).toBe(3);
    expect(await by("2030-03-08T10:00:09Z")).toBe(2);
    clockAt("2030-03-10T12:00:00Z");
    expect(await by("2030-03-08T09:00:00Z")).toBe(3);
  });

  test("a check follows the weight that takes effect, though nothing was committed meanwhile", async ({ expect }) => {
    const made = await sold(10, { weights: { chat: 2 } });
    const { world, featureId } = made;
    expect(await ok(check(world, "chat"))).toMatchObject({ allowed: true });
    await weigh(world, { chat: 11 }, { chat: featureId });
    expect(await ok(check(world, "chat"))).toMatchObject({ allowed: true });
    clockAt("2030-03-05T10:01:10Z");
    expect(reasonOf(await ok(check(world, "chat")))).toBe("CREDIT_LIMIT_REACHED");
  });

  test("pools are drawn from by priority, each up to its limit per period", async ({ expect }) => {
    const made = await sold(10);
    const { world, id } = made;
    const own = await anotherPool(made, [{ amount: 50 }]);
    const third = await anotherPool(made, [{ amount: 50 }]);
    await decideCredits(world, id, (draft, _, nowMs) => {
      const link = (pool: number, terms: { drawPriority: number; drawLimitE4?: bigint }) => {
        const there = draft.pools.get(pool);
        if (there === undefined) throw new Error(`no pool ${pool}`);
        granted(decideLink(draft, there, { subscription: 1, ...terms }, nowMs));
      };
      link(third, { drawPriority: 0, drawLimitE4: credits(5) });
      link(1, { drawPriority: 1 });
      link(own, { drawPriority: 2 });
    });
    expect((await spend(world, 20)).data).toMatchObject({ creditsDeducted: 20, remainingBalance: 90 });
    expect(await balanceOf(made)).toEqual(["0", "45", "45"]);
    // 45 of the second and nothing more of the third can be drawn.
    const refused = await spend(world, 46);
    expect(refused).toMatchObject({ status: 409, error: { code: "insufficient_credits" } });
    expect((await spend(world, 45)).status).toBe(201);
  });

  test("credits given back by a correction or a reversal count against no draw limit of their period", async ({
    expect,
  }) => {
    const { world, subscriptionId } = await sold(100);
    const path = `${CREDITS}/pools/${await firstPool(world)}`;
    await ok(world.call("POST", `${path}/subscriptions/${subscriptionId}?drawLimit=10`));
    const { eventId } = (await spend(world, 10)).data;
    expect(await spend(world, 1)).toMatchObject({
      status: 409,
      error: { message: expect.stringContaining("1 credit is needed and 0 can be drawn: others are held") },
    });
    expect((await ok(check(world, "chat"))).meta?.reason.description).toContain("beyond a draw limit");
    await ok(correct(world, eventId, { usageUnits: 1 }));
    expect((await spend(world, 10)).status).toBe(409);
    expect((await spend(world, 9)).status).toBe(201);
    const [last] = (await world.call<{ items: { id: string }[] }>("GET", `${path}/transactions`)).data.items;
    await ok(world.call("POST", `${CREDITS}/transactions/${last?.id}/reverse`));
    expect((await world.call("GET", path)).data).toMatchObject({ subscriptions: [{ drawLimit: 10, drawn: 1 }] });
    // What was drawn before the period began is in no count any more.
    clockAt("2030-04-05T10:00:00Z");
    await ok(correct(world, eventId, { usageUnits: 0 }));
    expect((await spend(world, 10)).status).toBe(201);
    expect((await spend(world, 1)).status).toBe(409);
  });

  test("a reservation holds credits, and a commit takes them at the weight of then and gives the rest back", async ({
    expect,
  }) => {
    const made = await sold(100, { weights: { chat: 2 } });
    const { world, featureId } = made;
    const { reservationId, entitlement } = await ok(reserve(world, { usageUnits: 30, ttlSeconds: 3600 }));
    expect(entitlement).toMatchObject({ allowed: true, credit: { balance: 100 } });
    expect(await sums(made)).toMatchObject([{ balance: "100", held: "60", heldOfGrants: "60" }]);
    expect((await spend(world, 21)).status).toBe(409);
    expect((await spend(world, 20)).data).toMatchObject({ creditsDeducted: 40, remainingBalance: 60 });
    await weigh(world, { chat: 1.5 }, { chat: featureId });
    clockAt("2030-03-05T10:02:00Z");
    const committed = await commit(world, reservationId, { usageUnits: 20 });
    expect(committed.data).toMatchObject({ creditsDeducted: 30, weightApplied: 1.5, remainingBalance: 30 });
    expect(await sums(made)).toMatchObject([{ balance: "30", held: "0", ledger: "30", grants: "30" }]);
    expect((await commit(world, reservationId)).data).toEqual(committed.data);
  });

  test("what was reserved for a model burns by that one's weight, unless the event names another", async ({
    expect,
  }) => {
    const made = await sold(100, { weights: { chat: 2, "chat:gpt-4o": 2.5, "chat:gpt-4o-mini": 0.5 } });
    const { world } = made;
    const committed = async (more: Record<string, unknown>) => {
      const { reservationId } = await ok(reserve(world, { usageUnits: 4, model: "gpt-4o" }));
      return (await ok(commit(world, reservationId, more))) as unknown;
    };
    for (const more of [{}, { featureKey: "chat" }])
      expect(await committed(more)).toMatchObject({
        creditsDeducted: 10,
        weightApplied: 2.5,
        weightMatch: "MODEL",
      });
    expect(await committed({ costInput: { model: "gpt-4o-mini" } })).toMatchObject({ creditsDeducted: 2 });
    const { reservationId } = await ok(reserve(world, { usageUnits: 4 }));
    expect(await ok(commit(world, reservationId))).toMatchObject({ creditsDeducted: 8, weightApplied: 2 });
    const { reservationId: kept } = await ok(reserve(world, { usageUnits: 4, model: "gpt-4o" }));
    await evictDurableObject(world.object(made.id));
    expect(await ok(commit(world, kept, { usageUnits: 2 }))).toMatchObject({ creditsDeducted: 5 });
  });

  test("a commit is weighed when it is made, whenever the use is said to have occurred; a plain event at its own time", async ({
    expect,
  }) => {
    const { world, featureId } = await sold(20, { weights: { chat: 1 } });
    const { reservationId } = await ok(reserve(world, { usageUnits: 3, ttlSeconds: 3600 }));
    await weigh(world, { chat: 2 }, { chat: featureId });
    clockAt("2030-03-05T10:02:00Z");
    const occurredAt = "2030-03-05T10:00:50Z";
    expect((await ok(spend(world, 3, { occurredAt }))).creditsDeducted).toBe(3);
    const committed = await ok(commit(world, reservationId, { usageUnits: 3, occurredAt }));
    expect(committed).toMatchObject({ creditsDeducted: 6, weightApplied: 2, remainingBalance: 11 });
  });

  test("a release and a lapse give held credits back", async ({ expect }) => {
    const made = await sold(10);
    const { world } = made;
    const first = await ok(reserve(world, { usageUnits: 6 }));
    await ok(release(world, first.reservationId));
    await ok(reserve(world, { usageUnits: 10, ttlSeconds: 60 }));
    expect((await spend(world, 1)).status).toBe(409);
    clockAt("2030-03-05T10:02:00Z");
    expect((await spend(world, 10)).data).toMatchObject({ remainingBalance: 0 });
    expect(await sums(made)).toMatchObject([{ balance: "0", held: "0", heldOfGrants: "0" }]);
  });

  test("a correction gives back what fewer units would not have burned, and charges more units", async ({ expect }) => {
    const made = await sold(60, { hardLimit: false, value: usage("0.5"), weights: { chat: 0.5 } });
    const { world, id } = made;
    const { eventId } = (await spend(world, 130)).data;
    // 120 units from credits, 10 billed; those go first.
    expect((await ok(correct(world, eventId, { usageUnits: 125 }))).revenueAmount).toBe(-2.5);
    const back = await ok(correct(world, eventId, { usageUnits: 100 }));
    expect(back).toMatchObject({ creditsDeducted: -10, remainingBalance: 10, revenueAmount: -2.5 });
    const more = await ok(correct(world, eventId, { usageUnits: 110 }));
    expect(more).toMatchObject({ creditsDeducted: 5, weightApplied: 0.5, remainingBalance: 5 });
    await ok(correct(world, eventId, { usageUnits: 0 }));
    expect(told(await ledgerOf(world, id))).toEqual([
      "GRANT 60 → 60",
      "DEDUCTION -60 → 0",
      "REVERSAL 10 → 10",
      "DEDUCTION -5 → 5",
      "REVERSAL 5 → 10",
      "REVERSAL 50 → 60",
    ]);
    expect((await ok(check(world, "chat"))).usage.used).toBe(0);
  });

  test("after an upgrade billed units leave the plan before it at its price, and covered ones give credits back", async ({
    expect,
  }) => {
    const made = await sold(0, { hardLimit: false, value: usage(1) });
    const { world, id, featureId, creditModelId, subscriptionId } = made;
    await anotherPool(made, [{ amount: 6 }], false);
    const { eventId } = (await spend(world, 10)).data;
    const dear = { key: "dear", name: "DEAR", description: "The plan dear.", billingTiming: "IN_ARREARS" };
    const { id: planId } = await ok(world.call<{ id: string }>("POST", PLANS, dear));
    await ok(world.call("POST", RULES, { planId, featureId, creditModelId, value: usage(5) }));
    await ok(world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" }));
    const change = { changeToPlanId: "dear", changeType: "UPGRADE" };
    await ok(world.call("POST", `/api/v1/client/subscriptions/${subscriptionId}/plan-change`, change));
    await spend(world, 2);
    await evictDurableObject(world.object(id));
    const billed = await ok(correct(world, eventId, { usageUnits: 7 }));
    expect(billed).toMatchObject({ metered: true, revenueAmount: -3 });
    expect(billed.creditsDeducted).toBeUndefined();
    await evictDurableObject(world.object(id));
    const covered = await ok(correct(world, eventId, { usageUnits: 2 }));
    expect(covered).toMatchObject({ metered: true, revenueAmount: -1, creditsDeducted: -4, remainingBalance: 4 });
    expect((await ok(check(world, "chat"))).usage.used).toBe(4);
    const books = await ok(world.call("GET", "/api/v1/monetization/customers/ada/books"));
    expect(books).toMatchObject({ holds: true });
    clockAt("2030-04-05T10:30:00Z");
    const due = (await invoicesOf(world, "ada")).find(({ status }) => status === "DUE");
    expect(due?.amount).toBe(10);
  });

  test("a feature named in upper case burns by its own weights: for an event, to consume and to commit", async ({
    expect,
  }) => {
    const { world, featureId: lower } = await sold(100, { weights: { chat: 2 } });
    const featureId = lower.toUpperCase();
    const named = { featureKey: undefined, featureId };
    expect((await spend(world, 1, named)).data).toMatchObject({ creditsDeducted: 2, weightApplied: 2 });
    const consumed = await ok(consume(world, named));
    expect(consumed.receipt).toMatchObject({ creditsDeducted: 2, weightApplied: 2 });
    const { reservationId } = await ok(reserve(world));
    expect((await ok(commit(world, reservationId, { featureId }))).creditsDeducted).toBe(2);
  });

  test("the revenue of an event is the price of what is billed and what its credits were sold for", async ({
    expect,
  }) => {
    const made = await sold(0, { hardLimit: false, value: usage("0.5") });
    const { world } = made;
    const bought = { type: "PURCHASED" as const, unitPriceE12: 2n * 10n ** 11n, currency: "USD" };
    await anotherPool(made, [{ amount: 10, ...bought }, { amount: 5 }], false);
    // 5 for nothing, 10 at 0.20, 5 units at 0.50.
    const receipt = (await spend(world, 20)).data;
    expect(receipt).toMatchObject({ creditsDeducted: 15, revenueAmount: 4.5 });
    expect((await ok(correct(world, receipt.eventId, { usageUnits: 10 }))).revenueAmount).toBe(-3.5);
  });

  test("an import that meters burns credits, and one that does not leaves them", async ({ expect }) => {
    const made = await sold(10, { weights: { chat: 2 } });
    const { world } = made;
    const rows =
      "eventName,customerReferenceId,featureKey,usageUnits,occurredAt\ncall,ada,chat,2,2030-03-05T10:00:30Z\n";
    const send = (query: string) =>
      world.call("POST", `/api/v1/events/import?${query}`, rows, { "Content-Type": "text/csv" });
    expect((await send("importId=a")).data).toMatchObject({ accepted: 1 });
    expect(await balanceOf(made)).toEqual(["10"]);
    expect((await send("importId=b&meter=true")).data).toMatchObject({ accepted: 1 });
    expect(await balanceOf(made)).toEqual(["6"]);
  });
});

describe("refuses", () => {
  test("a hard pool refuses the whole charge and stores nothing; in a batch that event alone", async ({ expect }) => {
    const made = await sold(5);
    const { world, id } = made;
    const refused = await spend(world, 6, { eventIdempotencyKey: "big" });
    expect(refused.status).toBe(409);
    expect(refused.error.code).toBe("insufficient_credits");
    expect(refused.error.message).toMatch(/^Credit pool depleted: 6 credits are needed and 5 can be drawn/);
    const batch = await world.batch(
      [3, 3, 2].map((usageUnits, at) => ({
        ...CUSTOMER,
        eventName: "call",
        usageUnits,
        eventIdempotencyKey: `b${at}`,
      })),
    );
    expect(batch.data.results.map(({ status, error }) => error?.code ?? status)).toEqual([
      "accepted",
      "insufficient_credits",
      "accepted",
    ]);
    expect(told(await ledgerOf(world, id))).toEqual(["GRANT 5 → 5", "DEDUCTION -3 → 2", "DEDUCTION -2 → 0"]);
    // The key of what was refused is free: nothing is left of it.
    await anotherPool(made, [{ amount: 10 }]);
    expect((await spend(world, 6, { eventIdempotencyKey: "big" })).status).toBe(201);
  });

  test("the demo: five calls pass, the sixth is refused by check, evaluate, consume, reserve and event alike", async ({
    expect,
  }) => {
    const { world } = await sold(5);
    for (let call = 0; call < 5; call += 1) {
      expect((await ok(check(world, "chat"))).allowed).toBe(true);
      expect((await spend(world, 1)).status).toBe(201);
    }
    const checked = await ok(check(world, "chat"));
    expect(checked.meta?.reason).toEqual({
      code: "CREDIT_LIMIT_REACHED",
      description:
        "1 unit of “chat” would burn 1 AI, and 0 can be drawn. Buy or grant more, or change to a plan that gives more.",
    });
    expect(reasonOf(await ok(evaluate(world, { featureKey: "chat", usage: { usageUnits: 1 } })))).toBe(
      "CREDIT_LIMIT_REACHED",
    );
    const consumed = await consume(world);
    expect([consumed.status, reasonOf(consumed.data.entitlement)]).toEqual([200, "CREDIT_LIMIT_REACHED"]);
    const reserved = await reserve(world);
    expect(reserved).toMatchObject({ status: 409, error: { code: "insufficient_credits" } });
    expect(reserved.error.message).toMatch(/^Credit pool depleted/);
    expect(reasonOf(reserved.data as unknown as Entitlement)).toBe("CREDIT_LIMIT_REACHED");
    expect(await spend(world, 1)).toMatchObject({ status: 409, error: { code: "insufficient_credits" } });
    const listed = await ok(
      world.call<{ items: { entitlements: { allowed: boolean }[] }[] }>("GET", "/api/v1/client/entitlements/ada"),
    );
    expect(listed.items.map(({ entitlements }) => entitlements)).toMatchObject([[{ allowed: false }]]);
  });

  test("a frozen pool is told apart from an empty one, and gives again when it is unfrozen", async ({ expect }) => {
    const made = await sold(5);
    const { world, id } = made;
    const turn = (decide: typeof decideFreeze) =>
      decideCredits(world, id, (draft, _, nowMs) => {
        const pool = draft.pools.get(1);
        if (pool === undefined) throw new Error("no pool");
        granted(decide(draft, pool, nowMs));
      });
    const { reservationId } = await ok(reserve(world, { usageUnits: 2 }));
    await turn(decideFreeze);
    expect(reasonOf(await ok(check(world, "chat")))).toBe("CREDIT_POOL_FROZEN");
    expect(reasonOf(await ok(evaluate(world, { featureKey: "chat", usage: { usageUnits: 4 } })))).toBe(
      "CREDIT_LIMIT_REACHED",
    );
    expect((await spend(world, 1)).error.message).toMatch(/frozen: unfreeze it/);
    // What was held before is the reservation's.
    expect((await commit(world, reservationId)).data).toMatchObject({ creditsDeducted: 2, remainingBalance: 3 });
    await turn(decideUnfreeze);
    expect((await spend(world, 3)).status).toBe(201);
  });

  test("more units by a correction than a hard pool covers", async ({ expect }) => {
    const made = await sold(5);
    const { world } = made;
    const { eventId } = (await spend(world, 4)).data;
    expect(await correct(world, eventId, { usageUnits: 6 })).toMatchObject({
      status: 409,
      error: { code: "insufficient_credits" },
    });
    expect(await balanceOf(made)).toEqual(["1"]);
  });
});

describe("holds", () => {
  test("what is remembered of a check is what would be worked out anew, whatever becomes of the credits", async ({
    expect,
  }) => {
    const made = await sold(10, { weights: { chat: 2 } });
    const { world, id, featureId } = made;
    const told = new Set<string>();
    const changePool = (change: typeof decideFreeze) =>
      decideCredits(world, id, (draft, _, nowMs) => {
        const pool = draft.pools.get(1);
        if (pool === undefined) throw new Error("no pool 1");
        granted(change(draft, pool, nowMs));
      });
    let reservationId = "";
    const steps: (() => unknown)[] = [
      () => undefined,
      () => ok(spend(world, 1.5)),
      () => weigh(world, { chat: 3.25 }, { chat: featureId }),
      () => clockAt("2030-03-05T10:01:09.999Z"),
      () => clockAt("2030-03-05T10:01:10Z"),
      async () => {
        ({ reservationId } = await ok(reserve(world, { usageUnits: 2 })));
      },
      () => anotherPool(made, [{ amount: 5, expiresAtMs: Date.parse("2030-03-05T10:02:00Z") }]),
      () => clockAt("2030-03-05T10:02:00Z"),
      () => ok(release(world, reservationId)),
      () => changePool(decideFreeze),
      () => changePool(decideUnfreeze),
      () => ok(spend(world, 2)),
      () => clockAt("2030-04-05T10:00:00Z"),
    ];
    for (const step of steps) {
      await step();
      const { remembered, anew } = await checkBothWays(world, "chat");
      expect(remembered).toBe(anew);
      const { asOf: _, ...rest } = JSON.parse(remembered);
      told.add(JSON.stringify(rest));
    }
    expect(told.size).toBeGreaterThan(8);
  });

  test("1,000 parallel spends of 1 on a balance of 300: exactly 300 succeed, and ledger and balance agree", async ({
    expect,
  }) => {
    const made = await sold(300);
    const { world, id } = made;
    const answers = await Promise.all(Array.from({ length: 1000 }, () => spend(world, 1)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(300);
    const refused = answers.filter(({ status, error }) => status === 409 && error.code === "insufficient_credits");
    expect(refused).toHaveLength(700);
    const ledger = await ledgerOf(world, id);
    expect(ledger).toHaveLength(301);
    expect(new Set(ledger.slice(1).map(({ balanceAfterE4 }) => balanceAfterE4)).size).toBe(300);
    expect(await sums(made)).toEqual([{ balance: "0", ledger: "0", grants: "0", held: "0", heldOfGrants: "0" }]);
    expect((await ok(check(world, "chat"))).usage.used).toBe(300);
  });

  test("parallel reservations of random sizes hold no more than there is, and what is committed is what is burned", async ({
    expect,
  }) => {
    const made = await sold(300);
    const { world } = made;
    const sizes = Array.from({ length: 300 }, (_, at) => 1 + ((at * 7919) % 13));
    const answers = await Promise.all(sizes.map((usageUnits) => reserve(world, { usageUnits, ttlSeconds: 3600 })));
    const open = answers.flatMap(({ status, data }, at) => (status === 201 ? [{ data, size: sizes[at] ?? 0 }] : []));
    const held = open.reduce((sum, { size }) => sum + size, 0);
    expect(answers.every(({ status, error }) => status === 201 || error.code === "insufficient_credits")).toBe(true);
    // Only what no reservation was small enough for is left.
    expect(held).toBe(300);
    expect(await sums(made)).toMatchObject([{ balance: "300", held: "300", heldOfGrants: "300" }]);
    const ended = await Promise.all(
      open.map(({ data: { reservationId }, size }, at) =>
        at % 3 === 0
          ? release(world, reservationId).then(() => 0)
          : commit(world, reservationId, { usageUnits: at % 3 === 1 ? size : size / 2 }).then(
              ({ data }) => data.creditsDeducted ?? Number.NaN,
            ),
      ),
    );
    const burnt = ended.reduce((sum, one) => sum + one, 0);
    const left = String(300 - burnt);
    expect(await sums(made)).toEqual([{ balance: left, ledger: left, grants: left, held: "0", heldOfGrants: "0" }]);
  });

  test("a repeat of an event's key answers what was burned then, whatever became of the pool", async ({ expect }) => {
    const made = await sold(10);
    const { world } = made;
    const first = await spend(world, 4, { eventIdempotencyKey: "once" });
    await spend(world, 6);
    const again = await spend(world, 4, { eventIdempotencyKey: "once" });
    expect(again.status).toBe(409);
    expect(again.data).toEqual(first.data);
    expect(again.data).toMatchObject({ creditsDeducted: 4, remainingBalance: 6 } satisfies Partial<Receipt>);
  });

  test("what came while the customer was quarantined burns by the weight of then, as far as the credits go", async ({
    expect,
  }) => {
    const made = await sold(10, { value: usage("0.5"), weights: { chat: 2 } });
    const { world, id, featureId } = made;
    await world.event({ ...CUSTOMER, usageUnits: 1 });
    const broken = (text: string) =>
      runInDurableObject(world.object(id), (object) =>
        sqlOf(object).exec("UPDATE rollups SET cost_e12 = ? WHERE span_ms = 3600000", text),
      );
    await broken("no number");
    await evictDurableObject(world.object(id));
    // Hours become days, which throws.
    clockAt("2030-04-20T00:00:00Z");
    const pending = await spend(world, 3, { eventIdempotencyKey: "k" });
    expect(pending).toMatchObject({ status: 201, data: { metered: false, unmeteredReason: "PENDING" } });
    await spend(world, 4);
    expect(await balanceOf(made)).toEqual(["10"]);
    await weigh(world, { chat: 5 }, { chat: featureId });
    clockAt("2030-04-20T00:01:00Z");
    await broken("0");
    expect((await ok(check(world, "chat"))).usage.used).toBe(7);
    // The period had ended before they came.
    expect(told(await ledgerOf(world, id))).toEqual([
      "GRANT 10 → 10",
      "DEDUCTION -2 → 8",
      "EXPIRATION -8 → 0",
      "GRANT 10 → 10",
      "DEDUCTION -6 → 4",
      "DEDUCTION -4 → 0",
    ]);
    const { items } = await world.object(id).events({}, { limit: 10, offset: 0 });
    expect(items.map(({ revenueE12 }) => revenueE12)).toEqual([10n ** 12n, 0n, 0n]);
    expect(await brokenLaws(world, id)).toEqual([]);
    // A receipt says for ever what it said first.
    const again = await spend(world, 3, { eventIdempotencyKey: "k" });
    expect(again.data).toEqual(pending.data);
  });

  test("the limit of a rule comes before its credits: beyond it none are burned", async ({ expect }) => {
    const made = await sold(3, { value: { pricing: { model: "included", max_usage: 2 } } });
    const { world } = made;
    await spend(world, 2);
    const over = await spend(world, 5);
    expect([over.status, over.data.usageLimitExceeded]).toEqual([200, true]);
    expect(over.data).not.toHaveProperty("creditsDeducted");
    expect(reasonOf(await ok(check(world, "chat")))).toBe("USAGE_LIMIT_EXCEEDED");
    expect(await balanceOf(made)).toEqual(["1"]);
  });
});
