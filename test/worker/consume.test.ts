import { evictDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import {
  ada,
  type Consumed,
  check,
  commit,
  consume,
  featureIdOf,
  limited,
  offer,
  reserve,
  usage,
  used,
} from "../support/access.ts";
import { withSqlFault } from "../support/fault.ts";
import { insertKey, send } from "../support/probe.ts";
import { active, customer, ok, subscribe } from "../support/sale.ts";
import { type Answer, clockAt, newWorld } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const allowed = (answers: readonly Answer<Consumed>[]) => answers.filter(({ status }) => status === 201).length;

describe("does", () => {
  test("what is allowed is recorded, and answered with its receipt and what is left since", async ({ expect }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, {
      chat: { pricing: { model: "usage", price_per_unit: 0.5, max_usage: 3 } },
    });
    const answer = await consume(world, { usageUnits: 2, flowId: "flow-1", eventIdempotencyKey: "k" });
    expect(answer.status).toBe(201);
    expect(answer.data).toEqual({
      receipt: {
        eventId: expect.any(String),
        customerId: expect.any(String),
        usageUnits: 2,
        metered: true,
        revenueAmount: 1,
      },
      entitlement: {
        referenceCustomerId: "ada",
        featureKey: "chat",
        allowed: true,
        isAllowed: true,
        flowId: "flow-1",
        asOf: "2030-03-05T10:30:00.000Z",
        source: "object",
        subscriptionId: subscription.id,
        usage: { used: 2, limit: 3, remaining: 1 },
      },
    });
  });

  test("what does not fit beside what is used and held is refused whole, and nothing is recorded", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(10) });
    await consume(world, { usageUnits: 6 });
    await reserve(world, { usageUnits: 2 });
    const answer = await consume(world, { usageUnits: 3 });
    expect(answer.status).toBe(200);
    expect(answer.data).toMatchObject({
      entitlement: {
        allowed: false,
        meta: { reason: { code: "WOULD_EXCEED_LIMIT" } },
        usage: { used: 6, limit: 10, remaining: 2 },
        simulation: { requestedUsage: 3, projectedUsage: 9, projectedRemaining: 0, wouldExceedLimit: true },
      },
    });
    expect(answer.data).not.toHaveProperty("receipt");
    expect((await world.object(id).events({}, { limit: 10, offset: 0 })).total).toBe(1);
    // The last unit that is free fits exactly.
    expect((await consume(world, { usageUnits: 2 })).data.entitlement).toMatchObject({
      allowed: true,
      usage: { used: 8, remaining: 0 },
    });
  });

  test("a repeated key answers its first receipt, and what is left now", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(3) });
    const first = await consume(world, { eventIdempotencyKey: "k" });
    await consume(world, { usageUnits: 2 });
    const again = await consume(world, { eventIdempotencyKey: "k", usageUnits: 99 });
    expect(again).toMatchObject({
      status: 201,
      data: { receipt: first.data.receipt, duplicate: true, entitlement: { allowed: true, usage: { used: 3 } } },
    });
    // The header's key wins, as with events, which share the space of keys.
    expect((await consume(world, {}, { "X-Idempotency-Key": "k" })).data.duplicate).toBe(true);
    expect((await world.event({ customerReferenceId: "ada", eventIdempotencyKey: "k" })).status).toBe(409);
  });

  test("a key that another feature's event has is refused with its receipt, and gives no access", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(3), image: limited(1) });
    const first = await consume(world, { eventIdempotencyKey: "k" });
    await consume(world, { featureKey: "image" });
    const image = await featureIdOf(world, "image");
    const others = [{ featureKey: "image" }, { featureKey: undefined, featureId: image }, { featureKey: "nobodys" }];
    for (const other of others) {
      const again = await consume(world, { ...other, eventIdempotencyKey: "k" });
      expect(again, JSON.stringify(other)).toMatchObject({
        status: 409,
        error: { code: "idempotency_conflict" },
        data: first.data.receipt,
      });
    }
    const byId = { featureKey: undefined, featureId: await featureIdOf(world, "chat") };
    expect((await consume(world, { ...byId, eventIdempotencyKey: "k" })).data).toMatchObject({ duplicate: true });
    expect(await used(world)).toBe(1);
  });

  test("the key of an event that was over the limit answers its receipt, and that nothing more is allowed", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(3) });
    await consume(world, { eventIdempotencyKey: "nothing", usageUnits: 0 });
    await consume(world, { eventIdempotencyKey: "real", usageUnits: 3 });
    const said = { customerReferenceId: "ada", featureKey: "chat", usageUnits: 1, eventIdempotencyKey: "over" };
    const over = await world.event(said);
    const again = await consume(world, { eventIdempotencyKey: "over" });
    expect(again).toMatchObject({
      status: 201,
      data: {
        duplicate: true,
        entitlement: { allowed: false, meta: { reason: { code: "USAGE_LIMIT_EXCEEDED" } }, usage: { used: 3 } },
      },
    });
    expect(again.data.receipt).toEqual(over.data);
    for (const eventIdempotencyKey of ["real", "nothing"]) {
      const repeat = await consume(world, { eventIdempotencyKey });
      expect(repeat.data, eventIdempotencyKey).toMatchObject({ duplicate: true, entitlement: { allowed: true } });
    }
    // Room again: it is about now, though that event stays uncounted.
    clockAt("2030-04-05T10:30:00Z");
    const later = await consume(world, { eventIdempotencyKey: "over" });
    expect(later.data).toMatchObject({
      receipt: { metered: false },
      duplicate: true,
      entitlement: { allowed: true, usage: { used: 0 } },
    });
  });

  test("a refusal is not remembered: the same call succeeds once there is room, also under an Idempotency-Key", async ({
    expect,
  }) => {
    const world = await newWorld();
    await customer(world);
    await offer(world, "pro", { chat: limited(1) });
    const ask = () => consume(world, { eventIdempotencyKey: "k" }, { "Idempotency-Key": "once" });
    expect((await ask()).data.entitlement.meta?.reason.code).toBe("NO_SUBSCRIPTION");
    await active(world, "ada", "pro");
    const second = await ask();
    expect(second).toMatchObject({ status: 201, data: { entitlement: { allowed: true } } });
    const third = await ask();
    expect(third.headers.get("Idempotency-Replayed")).toBe("true");
    expect(third.data).toEqual(second.data);
  });

  test("the rule's cost and the plan's price are on the receipt; a feature may be named by its id", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: { ...usage(0.2), cost: { model: "simple", cost_per_unit: 0.03 } } });
    const { data } = await world.call<{ id: string }>("GET", "/api/v1/client/features/chat");
    const answer = await consume(world, { featureKey: undefined, featureId: data.id, usageUnits: 10 });
    expect(answer.data.receipt).toMatchObject({ costAmount: 0.3, costSource: "rule", revenueAmount: 2 });
  });

  test("a feature's id is the same in upper case: for an event, to consume and to commit", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(1) });
    const featureId = (await featureIdOf(world, "chat")).toUpperCase();
    const named = { customerReferenceId: "ada", featureId, usageUnits: 1 };
    expect((await world.event(named)).data).toMatchObject({ metered: true, revenueAmount: 1 });
    expect((await consume(world, { featureKey: undefined, featureId })).data.receipt?.metered).toBe(true);
    const { reservationId } = await ok(reserve(world));
    expect((await commit(world, reservationId, { featureId })).data.metered).toBe(true);
    const batch = { events: [{ eventName: "call", ...named, featureKey: "chat" }] };
    expect((await world.call("POST", "/api/v1/client/events/batch", batch)).data).toMatchObject({ accepted: 1 });
    expect(await used(world)).toBe(4);
  });
});

describe("refuses", () => {
  test("a customer that nobody knows, and none is made; a feature that nobody knows is in no plan, and none is made", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(1) });
    expect(await consume(world, { customerReferenceId: "nobody" })).toMatchObject({
      status: 404,
      error: { message: "No customer “nobody”." },
    });
    expect((await check(world, "chat", "", "nobody")).status).toBe(404);
    const unknown = await consume(world, { featureKey: "unknown" });
    expect(unknown).toMatchObject({
      status: 200,
      data: { entitlement: { allowed: false, meta: { reason: { code: "FEATURE_NOT_IN_PLAN" } } } },
    });
    expect((await world.call("GET", "/api/v1/client/features/unknown")).status).toBe(404);
    expect((await consume(world, { featureKey: undefined, featureId: crypto.randomUUID() })).status).toBe(404);
    expect((await consume(world, { featureKey: undefined })).error.detail).toContain("featureKey");
  });

  test("names of different customers, and another customer's key", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(5) });
    const other = await customer(world, "grace");
    expect((await consume(world, { customerId: other })).error.code).toBe("conflict");
    const key = await insertKey(world.accountId, { scopes: ["ingest"], customerId: id });
    const own = (body: Record<string, unknown>) =>
      send("POST", "/api/v1/client/entitlements/consume", {
        key,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ eventName: "call", featureKey: "chat", usageUnits: 1, ...body }),
      });
    expect((await own({})).status).toBe(201);
    expect((await own({ customerReferenceId: "grace" })).status).toBe(403);
    const reader = await insertKey(world.accountId, { scopes: ["read"], customerId: id });
    const read = await send("POST", "/api/v1/client/entitlements/consume", {
      key: reader,
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    expect(read.status).toBe(403);
  });

  test("units that cannot be taken back", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(5), seats: limited(5, { reset_mode: "accumulate" }) });
    expect((await consume(world, { usageUnits: -1 })).error).toMatchObject({ code: "validation_failed" });
    await consume(world, { featureKey: "seats", usageUnits: 5 });
    // At the limit seats may still be given back.
    expect(await consume(world, { featureKey: "seats", usageUnits: -2 })).toMatchObject({
      status: 201,
      data: { entitlement: { usage: { used: 3 } } },
    });
  });
});

describe("holds", () => {
  // A use that was said to be older than the subscription was answered and not counted, so that no limit held.
  test("what is consumed counts now, whenever it is said to have occurred: the limit holds", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(1, { max_usage: 3 }) });
    const old = { occurredAt: "2029-01-01T00:00:00Z" };
    const first = await consume(world, { ...old, usageUnits: 2 });
    expect(first.data).toMatchObject({
      receipt: { metered: true, late: true, revenueAmount: 2 },
      entitlement: { usage: { used: 2, remaining: 1 } },
    });
    expect((await consume(world, { ...old, usageUnits: 2 })).status).toBe(200);
    const { reservationId } = await ok(reserve(world));
    expect((await commit(world, reservationId, old)).data).toMatchObject({ metered: true, late: true });
    expect((await consume(world, old)).data.entitlement.meta?.reason.code).toBe("USAGE_LIMIT_EXCEEDED");
    const plain = await ok(world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 1, ...old }));
    expect(plain).toMatchObject({ metered: false, unmeteredReason: "BEFORE_START" });
  });

  // Parallel spends all passed on a balance that was read earlier: decide and write are one step here.
  test("500 consumers at once of a limit of 100: exactly 100 succeed", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(100) });
    const answers = await Promise.all(Array.from({ length: 500 }, () => consume(world)));
    expect(allowed(answers)).toBe(100);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(400);
    expect(await used(world)).toBe(100);
    await evictDurableObject(world.object(id));
    expect(await used(world)).toBe(100);
    expect(allowed(await Promise.all(Array.from({ length: 20 }, () => consume(world))))).toBe(0);
  });

  test("whoever uses, holds or commits at once: together they never pass the limit", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(50) });
    const [consumed, reserved] = await Promise.all([
      Promise.all(Array.from({ length: 40 }, () => consume(world, { usageUnits: 1.5 }))),
      Promise.all(Array.from({ length: 40 }, () => reserve(world, { usageUnits: 2 }))),
    ]);
    const held = reserved.filter(({ status }) => status === 201).length * 2;
    const spent = allowed(consumed) * 1.5;
    expect(held + spent).toBeLessThanOrEqual(50);
    expect(held + spent).toBeGreaterThan(48);
    expect((await check(world, "chat")).data.usage).toEqual({ used: spent, limit: 50, remaining: 50 - held - spent });
  });

  // Parallel duplicates heard success with an empty receipt: each of them gets the first receipt.
  test("the same key many times at once is recorded once, and all hear the same receipt", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(100) });
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => consume(world, { eventIdempotencyKey: "k", usageUnits: 4 })),
    );
    expect(new Set(answers.map(({ data }) => data.receipt?.eventId)).size).toBe(1);
    expect(answers.filter(({ data }) => data.duplicate === undefined)).toHaveLength(1);
    expect(await used(world)).toBe(4);
  });

  // Spend that raced a plan change was lost on a version mismatch: both pass the one writer, so nothing is dropped.
  test("consumption that races a change of plan is all counted", async ({ expect }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: limited(1000) });
    await offer(world, "max", { chat: usage(1, { max_usage: 1000 }) }, { priceAmount: 5 });
    const change = world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, {
      changeToPlanId: "max",
      changeType: "UPGRADE",
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => consume(world)));
    expect((await change).status).toBe(200);
    expect(allowed(answers)).toBe(50);
    expect(await used(world)).toBe(50);
  });

  // A key was claimed before the write, so that a retry counted nothing and heard success: key and effect are one commit.
  test("whichever statement fails, nothing or all of it is there, and a retry counts once", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(1000) });
    await used(world);
    let passed = false;
    let n = 0;
    for (; !passed; n += 1) {
      const object = world.object(id);
      const { result } = await withSqlFault(object, n + 1, () => consume(world, { eventIdempotencyKey: `k${n}` }));
      passed = result.status === 201;
      if (!passed) expect(result).toMatchObject({ status: 500, error: { code: "internal_error" } });
      expect(await used(world)).toBe(passed ? n + 1 : n);
      expect((await consume(world, { eventIdempotencyKey: `k${n}` })).status).toBe(201);
      expect(await used(world)).toBe(n + 1);
    }
    expect(n).toBeGreaterThan(5);
    await evictDurableObject(world.object(id));
    expect(await used(world)).toBe(n);
    expect((await world.object(id).events({}, { limit: 1, offset: 0 })).total).toBe(n);
  });

  test("a limit counts anew at the instant at which the period ends, whoever asks first", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(2) });
    await consume(world, { usageUnits: 2 });
    clockAt("2030-04-05T10:29:59.999Z");
    expect((await consume(world)).data.entitlement.meta?.reason.code).toBe("USAGE_LIMIT_EXCEEDED");
    clockAt("2030-04-05T10:30:00Z");
    expect((await consume(world)).data.entitlement.usage).toEqual({ used: 1, limit: 2, remaining: 1 });
  });

  test("nobody unpaid gets anything", async ({ expect }) => {
    const world = await newWorld();
    await customer(world);
    await offer(world, "paid", { chat: limited(5) }, { priceAmount: 10, billingTiming: "IN_ADVANCE" });
    await ok(subscribe(world, "ada", "paid"));
    expect((await consume(world)).data.entitlement.meta?.reason.code).toBe("SUBSCRIPTION_INACTIVE");
    expect(await used(world)).toBe(0);
  });
});
