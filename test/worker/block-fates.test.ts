import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { check, commit, offer, release, reserve } from "../support/access.ts";
import { fromBlock, wished } from "../support/blocks.ts";
import { CREDITS, creditModel, feature, PLANS, poolsOf, RULES, weigh } from "../support/credits.ts";
import { active, customer, ok } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/**
 * What becomes of a customer while an isolate holds units for it. The measure is a reservation that the object made of the same units: one
 * from a block ends like it, and where the object would reserve nothing it lends nothing.
 */

/** Bought on 5 March at 10:30; all of this happens around the end of the first period. */
const [BOUGHT, BEFORE, AFTER, LAPSED] = [
  "2030-03-05T10:30:00Z",
  "2030-04-05T10:29:50Z",
  "2030-04-05T10:30:05Z",
  "2030-04-05T10:31:10Z",
];

beforeEach(() => clockAt(BOUGHT));
afterAll(() => {
  vi.useRealTimers();
});

type Shop = { world: World; id: string; featureId: string; subscriptionId: string };

/** Ada on a plan with a limit of 5,000 units of `chat`, each of which burns a credit of 5,000; it costs 10 and waits for no payment. */
async function shop(): Promise<Shop> {
  const world = await newWorld();
  const featureId = await feature(world, "chat");
  const creditModelId = await creditModel(world, "AI", { hardLimit: true });
  const body = { key: "pro", name: "PRO", description: "The plan pro.", billingTiming: "IN_ARREARS", priceAmount: 10 };
  const { id: planId } = await ok(world.call<{ id: string }>("POST", PLANS, body));
  const value = { pricing: { model: "included", max_usage: 5000 } };
  await ok(world.call("POST", RULES, { planId, featureId, creditModelId, value }));
  await ok(world.call("POST", `${CREDITS}/models/${creditModelId}/plans/${planId}?creditAmount=5000`));
  await ok(world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" }));
  const id = await customer(world);
  const { id: subscriptionId } = await active(world, "ada", "pro");
  return { world, id, featureId, subscriptionId };
}

const firstPool = async (world: World) =>
  (await ok(world.call<{ items: { id: string }[] }>("GET", "/api/v1/client/credits/ada/pools"))).items[0]?.id ?? "";

async function voidAll({ world }: Shop): Promise<void> {
  const path = `${CREDITS}/pools/${await firstPool(world)}/grants`;
  const { items } = await ok(world.call<{ items: { id: string }[] }>("GET", path));
  for (const { id } of items) await ok(world.call("POST", `${CREDITS}/grants/${id}/void`));
}

/** What may happen, and whether the object lends anything after it. */
const FATES: Record<string, { happens: (shop: Shop) => Promise<unknown>; lends: boolean }> = {
  nothing: { happens: async () => {}, lends: true },
  "another plan": {
    happens: async ({ world, subscriptionId }) => {
      await offer(world, "max", { chat: { pricing: { model: "included", max_usage: 9000 } } }, { priceAmount: 50 });
      const change = { changeToPlanId: "max", changeType: "UPGRADE" };
      await ok(world.call("POST", `/api/v1/client/subscriptions/${subscriptionId}/plan-change`, change));
    },
    lends: true,
  },
  "the period's end": {
    happens: async () => {
      clockAt(AFTER);
    },
    lends: true,
  },
  "suspension, as nobody has paid": {
    happens: async ({ world, subscriptionId }) => {
      await ok(world.call("PATCH", `/api/v1/monetization/subscriptions/${subscriptionId}`, { gracePeriod: 0 }));
      clockAt(AFTER);
    },
    lends: false,
  },
  "the end of the subscription": {
    happens: ({ world, subscriptionId }) =>
      ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscriptionId}?cancelMode=IMMEDIATE`)),
    lends: false,
  },
  "a frozen pool": {
    happens: async ({ world }) => ok(world.call("POST", `${CREDITS}/pools/${await firstPool(world)}/freeze`)),
    lends: false,
  },
  "a voided grant": { happens: voidAll, lends: false },
};

describe("refuses", () => {
  test("to hand out past another weight: what a unit burns is another from then on", async ({ expect }) => {
    const { world, id, featureId } = await shop();
    // In force 10 s from now.
    await weigh(world, { chat: 3 }, { chat: featureId });
    clockAt("2030-03-05T10:30:06Z");
    await fromBlock(world);
    clockAt("2030-03-05T10:30:09.999Z");
    expect((await ok(reserve(world))).entitlement.source).toBe("block");
    clockAt("2030-03-05T10:30:10Z");
    expect((await ok(reserve(world))).entitlement.source).toBe("object");
    expect((await poolsOf(world, id))[0]?.heldE4).not.toBe(0n);
  });

  test("to lend, and to have repeated, what is of a test clock's time", async ({ expect }) => {
    const { world } = await shop();
    await ok(world.call("PATCH", "/api/v1/account/settings", { entitlementStalenessMs: 60_000 }));
    const clock = { frozenTime: "2028-01-15T00:00:00Z" };
    const { id: testClockId } = await ok(world.call<{ id: string }>("POST", "/api/v1/test-clocks", clock));
    const body = { customerReferenceId: "eve", email: "eve@mail.test", testClockId };
    const { id } = await ok(world.call<{ id: string }>("POST", "/api/v1/client/customers", body));
    await active(world, "eve", "pro");
    expect(await wished(world, id, 8)).toBeUndefined();
    const sources = new Set<string>();
    for (let times = 0; times < 8; times += 1) {
      sources.add((await ok(reserve(world, { customerReferenceId: "eve" }))).entitlement.source);
      sources.add((await ok(check(world, "chat", "", "eve"))).source);
    }
    expect([...sources]).toEqual(["object"]);
  });

  test("to lend while time stands still: whose clock has ended ahead of real time waits for it, and a block would not lapse", async ({
    expect,
  }) => {
    const { world } = await shop();
    const clock = { frozenTime: "2030-03-05T10:40:00Z" };
    const { id: testClockId } = await ok(world.call<{ id: string }>("POST", "/api/v1/test-clocks", clock));
    const body = { customerReferenceId: "eve", email: "eve@mail.test", testClockId };
    const { id } = await ok(world.call<{ id: string }>("POST", "/api/v1/client/customers", body));
    await active(world, "eve", "pro");
    await ok(world.call("DELETE", `/api/v1/test-clocks/${testClockId}`));
    expect(await wished(world, id, 8)).toBeUndefined();
    clockAt("2030-03-05T10:40:00.001Z");
    expect(await wished(world, id, 8)).toBeDefined();
  });
});

describe("holds", () => {
  test.for(Object.entries(FATES))(
    "%s: a reservation from a block ends like one of the object's",
    async ([, { happens, lends }], { expect }) => {
      const made = await shop();
      const { world, id } = made;
      clockAt(BEFORE);
      const asked = { usageUnits: 2 };
      const [taken, given, left] = [
        await fromBlock(world, asked),
        await fromBlock(world, asked),
        await fromBlock(world, asked),
      ];
      const own = async (key: string) => ok(reserve(world, { ...asked, idempotencyKey: key, ttlSeconds: 60 }));
      const [ownTaken, ownGiven, ownLeft] = [await own("taken"), await own("given"), await own("left")];
      expect(ownTaken.entitlement.source).toBe("object");
      await happens(made);
      const end = async (ids: readonly [string, string]) => {
        const { status, data } = await commit(world, ids[0], { usageUnits: 1 });
        const { metered, unmeteredReason, revenueAmount, creditsDeducted, usageLimitExceeded } = data;
        const released = await release(world, ids[1]);
        return {
          ...{ status, metered, unmeteredReason, revenueAmount, creditsDeducted, usageLimitExceeded },
          released: released.status,
        };
      };
      const ended = await end([taken.reservationId, given.reservationId]);
      expect(ended).toEqual(await end([ownTaken.reservationId, ownGiven.reservationId]));
      expect([ended.status, ended.released]).toEqual([201, 200]);
      expect((await wished(world, id, 8)) !== undefined).toBe(lends);
      expect((await reserve(world)).status).toBe(lends ? 201 : 409);
      clockAt(LAPSED);
      for (const one of [left, ownLeft]) expect((await commit(world, one.reservationId)).status).toBe(409);
      expect((await check(world, "chat")).status).toBe(200);
      for (const { heldE4 } of await poolsOf(world, id)) expect(heldE4).toBe(0n);
      const books = world.call<{ holds: boolean }>("GET", "/api/v1/monetization/customers/ada/books");
      expect((await ok(books)).holds).toBe(true);
    },
  );
});
