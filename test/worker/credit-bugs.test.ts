import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { formatE4 } from "../../src/domain/credit-amount.ts";
import { release, reserve } from "../support/access.ts";
import { CREDITS, creditModel, feature, ledgerOf, PLANS, poolsOf, RULES, weigh } from "../support/credits.ts";
import { active, customer, ok } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Mistakes that engines of credits have made, by the name of what went wrong, where they would show: in the object, over HTTP. */

beforeEach(() => clockAt("2030-03-05T10:00:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

type Shop = { world: World; featureId: string };
type Id = { id: string };

/** Free plans of 1,000 and 3,000 hard credits a month, carried up to 500; units of `chat` burn them. */
async function shop(model: Record<string, unknown> = { rolloverPolicy: "CAPPED", rolloverCap: 500 }): Promise<Shop> {
  const world = await newWorld();
  const creditModelId = await creditModel(world, "AI", model);
  const featureId = await feature(world, "chat");
  for (const [key, amount] of Object.entries({ pro: 1_000, team: 3_000 })) {
    const plan = { key, name: key, description: key };
    const { id } = await ok(world.call<Id>("POST", PLANS, plan));
    await ok(world.call("POST", RULES, { planId: id, featureId, creditModelId }));
    await ok(world.call("POST", `${CREDITS}/models/${creditModelId}/plans/${id}?creditAmount=${amount}`));
    await ok(world.call("PATCH", `${PLANS}/${id}`, { status: "ACTIVE" }));
  }
  return { world, featureId };
}

async function buyer(
  { world }: Shop,
  reference = "ada",
): Promise<{ id: string; subscriptionId: string; pool: string }> {
  const id = await customer(world, reference);
  const { id: subscriptionId } = await active(world, reference, "pro");
  const pools = await ok(world.call<{ items: Id[] }>("GET", `/api/v1/client/credits/${reference}/pools`));
  return { id, subscriptionId, pool: pools.items[0]?.id ?? "" };
}

const spend = ({ world }: Shop, usageUnits: number, customerReferenceId = "ada") =>
  world.event({ customerReferenceId, featureKey: "chat", usageUnits });

const grant = ({ world }: Shop, creditPoolId: string, amount: number, more = {}) =>
  ok(world.call<Id>("POST", `${CREDITS}/grants`, { creditPoolId, amount, grantType: "PURCHASED", ...more }));

const balanceOf = async ({ world }: Shop, id: string): Promise<string[]> =>
  (await poolsOf(world, id)).map(({ balanceE4 }) => formatE4(balanceE4));

const lawful = async ({ world }: Shop, id: string): Promise<boolean> => {
  const books = await world.object(id).books();
  return books.ok && books.value.laws.every(({ holds }) => holds);
};

/** `DEDUCTION -2.5`, oldest first. */
const told = async ({ world }: Shop, id: string): Promise<string[]> =>
  (await ledgerOf(world, id)).map(({ type, amountE4 }) => `${type} ${formatE4(amountE4)}`);

describe("holds", () => {
  test("a spend lost beside a change of plan: all that race one are burned, and none twice", async ({ expect }) => {
    const there = await shop();
    const { world } = there;
    const { id, subscriptionId } = await buyer(there);
    const spends = Array.from({ length: 40 }, () => spend(there, 2));
    const change = { changeToPlanId: "team", changeType: "UPGRADE" };
    const changed = world.call("POST", `/api/v1/client/subscriptions/${subscriptionId}/plan-change`, change);
    const more = Array.from({ length: 40 }, () => spend(there, 2));
    const answers = await Promise.all([...spends, ...more]);
    expect([(await changed).status, ...answers.map(({ status }) => status)]).toEqual([200, ...answers.map(() => 201)]);
    expect(answers.map(({ data }) => data.creditsDeducted)).toEqual(answers.map(() => 2));
    expect(await balanceOf(there, id)).toEqual(["2840"]);
    expect((await told(there, id)).filter((line) => line === "DEDUCTION -2")).toHaveLength(80);
    expect(await lawful(there, id)).toBe(true);
  });

  test("a hold released into another bucket: after a renewal its credits go back where they came from, not to the new ones", async ({
    expect,
  }) => {
    const there = await shop({ rolloverPolicy: "NONE" });
    const { world } = there;
    const { id } = await buyer(there);
    clockAt("2030-04-05T09:30:00Z");
    const { reservationId } = await ok(reserve(world, { usageUnits: 400, ttlSeconds: 3600 }));
    clockAt("2030-04-05T10:00:00Z");
    await evictDurableObject(world.object(id));
    const checked = await ok(
      world.call<{ credit: object }>("GET", "/api/v1/client/entitlements/ada/chat?record=false"),
    );
    // What is held stays until the reservation ends, beside the new period's credits.
    expect(checked.credit).toMatchObject({ balance: 1_400 });
    expect((await release(world, reservationId)).status).toBe(200);
    expect(await told(there, id)).toEqual(["GRANT 1000", "EXPIRATION -600", "GRANT 1000", "EXPIRATION -400"]);
    expect(await balanceOf(there, id)).toEqual(["1000"]);
  });

  test("a cap that one path ignores: alarm, wake-up and question cut the same grants by it, and leave bought ones alone", async ({
    expect,
  }) => {
    const there = await shop();
    const { world } = there;
    const ways: Record<string, (id: string, reference: string) => Promise<unknown>> = {
      alarm: (id) => runDurableObjectAlarm(world.object(id)),
      wake: (id) => world.object(id).wake(),
      question: (_, reference) => world.call("GET", `/api/v1/client/entitlements/${reference}/chat?record=false`),
      spend: (_, reference) => spend(there, 1, reference),
    };
    const ids = new Map<string, string>();
    for (const way of Object.keys(ways)) {
      const { id, pool } = await buyer(there, way);
      await grant(there, pool, 250, { unitPrice: 0.1 });
      await spend(there, 300, way);
      ids.set(way, id);
    }
    clockAt("2030-04-05T10:00:00Z");
    for (const [way, id] of ids) {
      await ways[way]?.(id, way);
      const entries = ["GRANT 1000", "GRANT 250", "DEDUCTION -300"];
      const rolled = ["EXPIRATION -200", "ADJUSTMENT -500", "ADJUSTMENT 500", "GRANT 1000"];
      expect(await told(there, id)).toEqual([...entries, ...rolled, ...(way === "spend" ? ["DEDUCTION -1"] : [])]);
      expect(await lawful(there, id)).toBe(true);
    }
  });

  test("an expired credit that can be spent until somebody sweeps: at its instant it is gone, and no alarm rang", async ({
    expect,
  }) => {
    const there = await shop();
    const { id, pool } = await buyer(there);
    await spend(there, 1_000);
    await grant(there, pool, 5, { expiresAt: "2030-03-06T00:00:00Z" });
    clockAt("2030-03-05T23:59:59.999Z");
    expect((await spend(there, 1)).status).toBe(201);
    clockAt("2030-03-06T00:00:00Z");
    expect(await spend(there, 1)).toMatchObject({ status: 409, error: { code: "insufficient_credits" } });
    expect((await told(there, id)).slice(-2)).toEqual(["DEDUCTION -1", "EXPIRATION -4"]);
  });

  test("a deduction reversed twice: of two reversals at once one gives it back, to the grants that it came from", async ({
    expect,
  }) => {
    const there = await shop();
    const { world } = there;
    const { id, pool } = await buyer(there);
    await grant(there, pool, 100);
    const body = { creditPoolId: pool, amount: 1_050 };
    const taken = await ok(world.call<Id>("POST", `${CREDITS}/deductions`, body));
    const path = `${CREDITS}/transactions/${taken.id}/reverse`;
    const answers = await Promise.all([1, 2, 3].map(() => world.call("POST", path)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await balanceOf(there, id)).toEqual(["1100"]);
    const grants = await ok(
      world.call<{ items: { remaining: number }[] }>("GET", `/api/v1/client/credits/ada/pools/${pool}/grants`),
    );
    expect(grants.items.map(({ remaining }) => remaining)).toEqual([1_000, 100]);
  });

  test("burns in floats, and the newest of one millisecond lost: tenths add up to the last decimal, each in the ledger", async ({
    expect,
  }) => {
    const there = await shop();
    const { id } = await buyer(there);
    await weigh(there.world, { chat: 0.1 }, { chat: there.featureId });
    clockAt("2030-03-05T10:01:00Z");
    const receipts = [];
    for (let n = 0; n < 30; n += 1) receipts.push((await ok(spend(there, 1))).remainingBalance);
    // In floats 1000 − 0.1 − 0.1 … leaves 996.9999999999993.
    expect(receipts.at(-1)).toBe(997);
    expect((await ok(spend(there, 0.001))).creditsDeducted).toBe(0.0001);
    expect((await told(there, id)).slice(1)).toEqual([...receipts.map(() => "DEDUCTION -0.1"), "DEDUCTION -0.0001"]);
    expect(await balanceOf(there, id)).toEqual(["996.9999"]);
  });

  test("free credits by a loop of upgrade, spend, downgrade, repeat: no more than the larger plan gives", async ({
    expect,
  }) => {
    const there = await shop({ rolloverPolicy: "NONE" });
    const { world } = there;
    const { id, subscriptionId } = await buyer(there);
    let burned = 0;
    for (let round = 0; round < 6; round += 1) {
      for (const plan of ["team", "pro"]) {
        const change = { changeToPlanId: plan, changeType: "UPGRADE" };
        await ok(world.call("POST", `/api/v1/client/subscriptions/${subscriptionId}/plan-change`, change));
        const left = Number((await balanceOf(there, id))[0]);
        if (left > 0) await ok(spend(there, left));
        burned += left;
      }
    }
    expect(burned).toBe(3_000);
    // Ending it and beginning anew is no way round, either.
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscriptionId}?cancelMode=IMMEDIATE`));
    await active(world, "ada", "team");
    expect(await balanceOf(there, id)).toEqual(["0"]);
    expect(await lawful(there, id)).toBe(true);
  });
});
