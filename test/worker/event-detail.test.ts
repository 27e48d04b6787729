import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { ada, correct, usage } from "../support/access.ts";
import { ok } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const TIERS = {
  pricing: {
    model: "graduated",
    tiers: [
      { up_to: 1000, price_per_unit: 0.1 },
      { up_to: 10000, price_per_unit: 0.05, flat_fee: 5 },
      { up_to: "inf", price_per_unit: 0.02 },
    ],
  },
};

type Detail = Record<string, unknown> & {
  pricing?: Record<string, unknown> & { tiers?: Record<string, unknown>[] };
  corrections: Record<string, unknown>[];
};

async function event(world: World, usageUnits: number, more: Record<string, unknown> = {}): Promise<string> {
  const said = { customerReferenceId: "ada", featureKey: "chat", usageUnits, ...more };
  return (await ok(world.event(said))).eventId;
}

const detail = (world: World, id: string) => world.call<Detail>("GET", `/api/v1/analytics/events/${id}`);

const tiersOf = async (world: World, id: string) =>
  (await ok(detail(world, id))).pricing?.tiers?.map(({ tierIndex, units, flatFee, amount }) => [
    tierIndex,
    units,
    flatFee,
    amount,
  ]);

describe("does", () => {
  test("an event shows its receipt, the rule that prices it and the tiers that its units stand in", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id: customerId } = await ada(world, { chat: TIERS });
    await event(world, 999);
    const id = await event(world, 10_001, { meta: { run: 7 }, costAmount: 3 });
    const { data } = await detail(world, id);
    expect(data).toMatchObject({
      id,
      customerId,
      customerReferenceId: "ada",
      featureKey: "chat",
      costAmount: 3,
      costSource: "given",
      revenueAmount: 475.1,
      properties: { run: 7 },
      pricing: {
        plan: { version: 1 },
        currency: "USD",
        rule: { featureKey: "chat", value: { pricing: { model: "graduated" } } },
        units: 10_001,
        unitsCoveredByCredits: 0,
        tiers: [
          { tierIndex: 0, units: 1, pricePerUnit: 0.1, flatFee: 0, amount: 0.1 },
          { tierIndex: 1, units: 9000, pricePerUnit: 0.05, flatFee: 5, amount: 455 },
          { tierIndex: 2, units: 1000, pricePerUnit: 0.02, flatFee: 0, amount: 20 },
        ],
      },
      corrections: [],
    });
    expect(data.pricing?.billedAt).toBeUndefined();
  });

  test("one that waits for its invoice says so once it is on one, and keeps the version that priced it", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(0.5) });
    const id = await event(world, 4);
    clockAt("2030-04-05T10:30:00Z");
    expect((await ok(detail(world, id))).pricing).toMatchObject({
      billedAt: "2030-04-05T10:30:00.000Z",
      plan: { version: 1 },
      tiers: [{ tierIndex: 0, units: 4, pricePerUnit: 0.5, flatFee: 0, amount: 2 }],
    });
  });

  test("every correction is told, in order", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(0.5) });
    const id = await event(world, 10);
    await correct(world, id, { usageUnits: 4, reason: "counted twice" });
    await correct(world, id, { usageUnits: 5 });
    const { corrections, usageUnits } = await ok(detail(world, id));
    expect(usageUnits).toBe(10);
    expect(corrections).toMatchObject([
      { eventType: "CORRECTION", corrects: id, usageUnits: -6, correctionReason: "counted twice", revenueAmount: -3 },
      { eventType: "CORRECTION", corrects: id, usageUnits: 1, revenueAmount: 0.5 },
    ]);
    // The entry is an event as well, about the first.
    expect((await ok(detail(world, String(corrections[0]?.id)))).corrects).toBe(id);
  });

  test("one that is not counted has no pricing", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(0.5) });
    const id = await event(world, 1, { featureKey: "other" });
    const { data } = await detail(world, id);
    expect(data).toMatchObject({ metered: false, unmeteredReason: "FEATURE_NOT_IN_PLAN", corrections: [] });
    expect(data.pricing).toBeUndefined();
  });
});

describe("refuses", () => {
  test("an event that is not there, of another account, or no event's id", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(0.5) });
    const id = await event(world, 1);
    const other = await newWorld();
    expect(await detail(other, id)).toMatchObject({ status: 404, error: { code: "not_found" } });
    expect(await detail(world, "11111111-1111-4111-8111-111111111111")).toMatchObject({ status: 404 });
    expect(await detail(world, "grouped-not")).toMatchObject({ status: 404 });
  });
});

describe("holds", () => {
  test("a later period begins its tiers anew, and where units accumulate it does not", async ({ expect }) => {
    const world = await newWorld();
    const seats = { pricing: { ...TIERS.pricing, reset_mode: "accumulate" } };
    await ada(world, { chat: TIERS, seats });
    await event(world, 1500);
    await event(world, 1500, { featureKey: "seats" });
    clockAt("2030-04-06T00:00:00Z");
    expect(await tiersOf(world, await event(world, 2))).toEqual([[0, 2, 0, 0.2]]);
    expect(await tiersOf(world, await event(world, 2, { featureKey: "seats" }))).toEqual([[1, 2, 0, 0.1]]);
  });

  test("a correction before it moves its place, one after it does not", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: TIERS });
    const first = await event(world, 1000);
    await correct(world, first, { usageUnits: 990 });
    const second = await event(world, 20);
    const tiers = [
      [0, 10, 0, 1],
      [1, 10, 5, 5.5],
    ];
    expect(await tiersOf(world, second)).toEqual(tiers);
    await correct(world, first, { usageUnits: 100 });
    expect(await tiersOf(world, second)).toEqual(tiers);
  });
});
