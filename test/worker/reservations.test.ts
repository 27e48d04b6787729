import { evictDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { HOLD_SECONDS_MAX, HOLDS_OPEN_MAX } from "../../src/domain/limits.ts";
import {
  ada,
  check,
  commit,
  consume,
  type Entitlement,
  limited,
  offer,
  release,
  reserve,
  usage,
  used,
} from "../support/access.ts";
import { withSqlFault } from "../support/fault.ts";
import { insertKey, send } from "../support/probe.ts";
import { customer, ok } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const left = async (world: World) => (await check(world, "chat")).data.usage.remaining;

async function held(world: World, body: Record<string, unknown> = {}): Promise<string> {
  return (await ok(reserve(world, body))).reservationId;
}

describe("does", () => {
  test("held units are nobody else's until they are used; what is left of the hold is free again", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(0.5, { max_usage: 10 }) });
    const made = await reserve(world, { usageUnits: 6, ttlSeconds: 90 });
    expect(made).toMatchObject({
      status: 201,
      data: {
        expiresAt: "2030-03-05T10:31:30.000Z",
        entitlement: { allowed: true, usage: { used: 0, limit: 10, remaining: 4 } },
      },
    });
    expect((await consume(world, { usageUnits: 5 })).data.entitlement.allowed).toBe(false);
    const receipt = await commit(world, made.data.reservationId, { usageUnits: 4, featureKey: "chat" });
    expect(receipt).toMatchObject({ status: 201, data: { usageUnits: 4, metered: true, revenueAmount: 2 } });
    expect((await check(world, "chat")).data.usage).toEqual({ used: 4, limit: 10, remaining: 6 });
  });

  test("without units of its own the event used what is held; a minute is the time when none is said", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    const made = await ok(reserve(world, { usageUnits: 3 }));
    expect(made.expiresAt).toBe("2030-03-05T10:31:00.000Z");
    expect((await commit(world, made.reservationId)).data.usageUnits).toBe(3);
    const none = await held(world, { usageUnits: 3 });
    expect((await commit(world, none, { usageUnits: 0 })).data).toMatchObject({ unmeteredReason: "NO_USAGE" });
    expect(await left(world)).toBe(7);
  });

  test("a commit repeated answers the same receipt, whatever it says and however late", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(10) });
    const reservation = await held(world, { usageUnits: 3 });
    const first = await commit(world, reservation, { usageUnits: 2 });
    clockAt("2030-05-20T00:00:00Z");
    await evictDurableObject(world.object(id));
    const again = await commit(world, reservation, { usageUnits: 9, eventIdempotencyKey: "other" });
    expect(again).toMatchObject({ status: 200, data: first.data });
    expect((await world.object(id).events({}, { limit: 1, offset: 0 })).total).toBe(1);
  });

  test("released units are free at once, and a release may be repeated", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    const reservation = await held(world, { usageUnits: 8 });
    expect(await release(world, reservation)).toMatchObject({ status: 200 });
    expect(await release(world, reservation)).toMatchObject({ status: 200 });
    expect(await left(world)).toBe(10);
    expect(await commit(world, reservation)).toMatchObject({
      status: 409,
      error: {
        code: "conflict",
        message: "The reservation is RELEASED; report what was used by POST /api/v1/client/events.",
      },
    });
  });

  test("the caller's key answers the same reservation while it is held and once it is committed", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    const ask = () => reserve(world, { usageUnits: 4, idempotencyKey: "mine" });
    const first = await ask();
    const same = {
      status: 200,
      data: {
        reservationId: first.data.reservationId,
        expiresAt: first.data.expiresAt,
        entitlement: { allowed: true, usage: { remaining: 6 } },
      },
    };
    expect(await ask()).toMatchObject(same);
    await ok(commit(world, first.data.reservationId, { usageUnits: 4 }));
    expect(await ask()).toMatchObject(same);
    expect(await left(world)).toBe(6);
    // An event's key is another space.
    const event = { customerReferenceId: "ada", eventIdempotencyKey: "mine", featureKey: "chat", usageUnits: 1 };
    expect((await world.event(event)).status).toBe(201);
  });

  test("a key whose reservation holds nothing any more lets nobody in", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    const ask = (idempotencyKey: string) => reserve(world, { usageUnits: 4, idempotencyKey, ttlSeconds: 60 });
    await ok(release(world, (await ask("released")).data.reservationId));
    await ask("lapsed");
    clockAt("2030-03-05T10:31:00Z");
    for (const [key, status] of [
      ["released", "RELEASED"],
      ["lapsed", "LAPSED"],
    ] as const) {
      const again = await ask(key);
      expect(again).toMatchObject({
        status: 409,
        error: {
          code: "conflict",
          message: `The reservation of this idempotencyKey is ${status} and holds nothing: reserve under another key.`,
        },
      });
    }
    expect(await left(world)).toBe(10);
  });

  test("a key that reserved something else is refused, and nothing is held", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10), image: limited(10) });
    const ask = (body: object) => reserve(world, { usageUnits: 4, idempotencyKey: "mine", ...body });
    await ask({});
    for (const other of [{ usageUnits: 9 }, { featureKey: "image" }])
      expect(await ask(other), JSON.stringify(other)).toMatchObject({
        status: 409,
        error: { code: "idempotency_conflict" },
      });
    expect(await left(world)).toBe(6);
  });

  test("more than was held: the surplus is taken whole while the limit is not reached, else not at all", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(1, { max_usage: 10 }) });
    const [small, large] = [await held(world, { usageUnits: 3 }), await held(world, { usageUnits: 5 })];
    expect((await commit(world, large, { usageUnits: 8 })).data).toMatchObject({ metered: true, revenueAmount: 8 });
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 });
    const over = await commit(world, small, { usageUnits: 5 });
    expect(over).toMatchObject({
      status: 201,
      data: {
        usageUnits: 5,
        metered: true,
        meteredUnits: 3,
        revenueAmount: 3,
        usageLimitExceeded: true,
        message:
          "The limit of 10 is reached (12 used): 3 of these units are counted, the rest is neither counted nor billed.",
      },
    });
    expect((await check(world, "chat")).data.usage).toEqual({ used: 12, limit: 10, remaining: 0 });
  });

  test("a hold outlives a change of plan: its subscription serves, at the price then in force", async ({ expect }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage(1, { max_usage: 10 }) });
    const reservation = await held(world, { usageUnits: 4, ttlSeconds: 3600 });
    await offer(world, "max", { chat: usage(3, { max_usage: 5 }) }, { priceAmount: 5 });
    await ok(
      world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, {
        changeToPlanId: "max",
        changeType: "UPGRADE",
      }),
    );
    expect((await check(world, "chat")).data.usage).toEqual({ used: 0, limit: 5, remaining: 1 });
    expect((await commit(world, reservation)).data).toMatchObject({ metered: true, revenueAmount: 12 });
    expect(await used(world)).toBe(4);
  });
});

describe("refuses", () => {
  // A check with a lock said yes to a customer without the feature: a hold needs the whole verdict first.
  test("to hold what may not be used: the entitlement says why, and nothing is held", async ({ expect }) => {
    const world = await newWorld();
    await customer(world);
    const none = await reserve(world);
    expect(none).toMatchObject({ status: 409, error: { code: "conflict" }, data: { allowed: false } });
    const reasonOf = async (body: Record<string, unknown>) => {
      const { status, data } = await world.call<Entitlement>("POST", "/api/v1/client/entitlements/reserve", {
        customerReferenceId: "ada",
        featureKey: "chat",
        usageUnits: 1,
        ...body,
      });
      return [status, data.meta?.reason.code];
    };
    expect(await reasonOf({})).toEqual([409, "NO_SUBSCRIPTION"]);
    await offer(world, "pro", { chat: limited(5) });
    await ok(world.call("POST", "/api/v1/client/subscriptions", { customerReferenceId: "ada", planId: "pro" }));
    expect(await reasonOf({ featureKey: "reports" })).toEqual([409, "FEATURE_NOT_IN_PLAN"]);
    expect(await reasonOf({ usageUnits: 6 })).toEqual([409, "WOULD_EXCEED_LIMIT"]);
    expect(await left(world)).toBe(5);
    // A refusal is not remembered under the caller's key.
    expect(await reasonOf({ usageUnits: 6, idempotencyKey: "k" })).toEqual([409, "WOULD_EXCEED_LIMIT"]);
    expect((await reserve(world, { usageUnits: 5, idempotencyKey: "k" })).status).toBe(201);
    expect((await reserve(world, { customerReferenceId: "nobody" })).status).toBe(404);
  });

  test("a time that is none, no units, and what nobody reserved", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(5) });
    for (const body of [
      { ttlSeconds: 0 },
      { ttlSeconds: HOLD_SECONDS_MAX + 1 },
      { ttlSeconds: 1.5 },
      { usageUnits: 0 },
    ])
      expect((await reserve(world, body)).status).toBe(400);
    expect((await reserve(world, { ttlSeconds: HOLD_SECONDS_MAX })).status).toBe(201);
    const reservation = await held(world);
    for (const unknown of ["x", crypto.randomUUID(), id, reservation.replace(/.$/, "9")]) {
      expect((await commit(world, unknown)).status).toBe(404);
      expect((await release(world, unknown)).status).toBe(404);
    }
  });

  test("to commit for another feature or customer, or under a key that another event has", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(5), reports: {} });
    await customer(world, "grace");
    const reservation = await held(world, { usageUnits: 2 });
    expect((await commit(world, reservation, { featureKey: "reports" })).error.detail).toContain("featureKey");
    expect((await commit(world, reservation, { featureId: crypto.randomUUID() })).error.detail).toContain("featureId");
    expect((await commit(world, reservation, { customerReferenceId: "grace" })).error.detail).toContain(
      "customerReferenceId",
    );
    const taken = await world.event({ customerReferenceId: "ada", eventIdempotencyKey: "k" });
    expect(await commit(world, reservation, { eventIdempotencyKey: "k" })).toMatchObject({
      status: 409,
      error: { code: "idempotency_conflict" },
      data: taken.data,
    });
    expect(await left(world)).toBe(3);
    expect((await commit(world, reservation, { customerId: id })).status).toBe(201);
  });

  test("a customer's key that may not spend, and reservations of others", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(5) });
    const other = await customer(world, "grace");
    const reservation = await held(world);
    const by = (key: string, action: string) =>
      send("POST", `/api/v1/client/reservations/${reservation}/${action}`, {
        key,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ eventName: "call" }),
      });
    const strange = await insertKey(world.accountId, { scopes: ["ingest"], customerId: other });
    const reader = await insertKey(world.accountId, { scopes: ["read"], customerId: id });
    for (const action of ["commit", "release"])
      for (const key of [strange, reader]) expect((await by(key, action)).status).toBe(403);
    const own = await insertKey(world.accountId, { scopes: ["purchase"], customerId: id });
    expect((await by(own, "commit")).status).toBe(201);
  });

  test("more open reservations than memory should hold", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: {} });
    const object = world.object(id);
    const call = {
      featureKey: "chat",
      isEnabled: true,
      unitsE12: 1n,
      ttlSeconds: 60,
    };
    for (let n = 0; n < HOLDS_OPEN_MAX; n += 1000)
      await Promise.all(Array.from({ length: 1000 }, () => object.reserve(call)));
    expect(await reserve(world)).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect((await check(world, "chat")).data.allowed).toBe(true);
    // All of them lapse at one instant, in one go.
    clockAt("2030-03-05T10:31:00Z");
    expect((await reserve(world)).status).toBe(201);
  });
});

describe("holds", () => {
  test("a reservation lapses at its instant, though nobody is told: its units are free, and it can no longer be used", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(5) });
    const [used_, lapsed, released] = [
      await held(world, { usageUnits: 1 }),
      await held(world, { usageUnits: 2 }),
      await held(world, { usageUnits: 1 }),
    ];
    clockAt("2030-03-05T10:30:59.999Z");
    expect(await left(world)).toBe(1);
    expect((await commit(world, used_)).status).toBe(201);
    await ok(release(world, released));
    clockAt("2030-03-05T10:31:00Z");
    await evictDurableObject(world.object(id));
    expect(await left(world)).toBe(4);
    expect(await commit(world, lapsed)).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect((await commit(world, lapsed)).error.message).toContain("LAPSED");
    expect((await release(world, lapsed)).status).toBe(409);
    // Not to be reported again: that would count it twice.
    expect(await release(world, used_)).toMatchObject({
      status: 409,
      error: { message: expect.stringMatching(/^The reservation is COMMITTED: what was used of it is recorded/) },
    });
    expect((await commit(world, used_)).status).toBe(200);
  });

  // A hold was released into another bucket after a reset: a hold remembers what it holds of.
  test("a hold of the last period neither counts for the new one's use nor is lost", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(5) });
    clockAt("2030-04-05T10:29:50Z");
    await consume(world, { usageUnits: 3 });
    const [first, second] = [await held(world, { usageUnits: 1 }), await held(world, { usageUnits: 1 })];
    clockAt("2030-04-05T10:30:00Z");
    expect((await check(world, "chat")).data.usage).toEqual({ used: 0, limit: 5, remaining: 3 });
    expect((await commit(world, first)).data).toMatchObject({ metered: true });
    await ok(release(world, second));
    expect((await check(world, "chat")).data.usage).toEqual({ used: 1, limit: 5, remaining: 4 });
  });

  test("100 at once reserve of a limit of 30, then all are used: exactly 30", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(30) });
    const answers = await Promise.all(Array.from({ length: 100 }, () => reserve(world)));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(30);
    const commits = await Promise.all(
      made.flatMap(({ data }) => [commit(world, data.reservationId), commit(world, data.reservationId)]),
    );
    expect(commits.map(({ status }) => status).sort()).toEqual([
      ...Array.from({ length: 30 }, () => 200),
      ...Array.from({ length: 30 }, () => 201),
    ]);
    expect(await used(world)).toBe(30);
  });

  test("the same key many times at once holds once", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(100) });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => reserve(world, { usageUnits: 7, idempotencyKey: "k" })),
    );
    expect(new Set(answers.map(({ data }) => data.reservationId)).size).toBe(1);
    expect(await left(world)).toBe(93);
  });

  test("a call under an Idempotency-Key answers again as it did first", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    const once = { "Idempotency-Key": "once" };
    const [first, again] = [await reserve(world, {}, once), await reserve(world, {}, once)];
    expect(again).toMatchObject({ status: 201, data: first.data });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    const committed = await commit(world, first.data.reservationId, {}, { "Idempotency-Key": "twice" });
    const replayed = await commit(world, first.data.reservationId, {}, { "Idempotency-Key": "twice" });
    expect(replayed).toMatchObject({ status: 201, data: committed.data });
    expect(
      (await commit(world, first.data.reservationId, { usageUnits: 2 }, { "Idempotency-Key": "twice" })).status,
    ).toBe(409);
  });

  test("a refused commit is answered again under its Idempotency-Key; another request under it is refused", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    const lapsed = await held(world, { ttlSeconds: 1 });
    const open = await held(world, { ttlSeconds: 60 });
    await world.event({ customerReferenceId: "ada", eventIdempotencyKey: "taken" });
    clockAt(new Date(Date.now() + 1000).toISOString());
    for (const [reservation, body] of [
      [lapsed, {}],
      [open, { eventIdempotencyKey: "taken" }],
    ] as const) {
      const once = { "Idempotency-Key": reservation };
      const first = await commit(world, reservation, body, once);
      const again = await commit(world, reservation, body, once);
      expect(first.status).toBe(409);
      expect(again).toMatchObject({ status: 409, error: first.error });
      expect(again.data).toEqual(first.data);
      expect(again.headers.get("Idempotency-Replayed")).toBe("true");
      const other = await commit(world, reservation, { usageUnits: 2 }, once);
      expect(other.error.code).toBe("idempotency_conflict");
    }
    expect((await commit(world, open)).status).toBe(201);
  });

  test("whichever statement of a reservation fails, nothing or all of it is there", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(100) });
    let n = 0;
    for (let passed = false; !passed; n += 1) {
      const ask = () => reserve(world, { idempotencyKey: `k${n}`, ttlSeconds: 3600 });
      const { result } = await withSqlFault(world.object(id), n + 1, ask);
      passed = result.status === 201;
      // The last statement looks for what is to be sent: it fails when all is done.
      const isHeld = (await left(world)) === 99 - n;
      expect(await left(world)).toBe(isHeld ? 99 - n : 100 - n);
      if (passed) expect(isHeld).toBe(true);
      expect((await ask()).status).toBe(isHeld ? 200 : 201);
      expect(await left(world)).toBe(99 - n);
    }
    expect(n).toBeGreaterThan(2);
    await evictDurableObject(world.object(id));
    expect(await left(world)).toBe(100 - n);
  });

  test("whichever statement of a commit fails, nothing or all of it is there", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(100) });
    let n = 0;
    for (let passed = false; !passed; n += 1) {
      const reservation = await held(world, { usageUnits: 3, ttlSeconds: 3600 });
      const { result } = await withSqlFault(world.object(id), n + 1, () =>
        commit(world, reservation, { usageUnits: 2 }),
      );
      passed = result.status === 201;
      expect((await check(world, "chat")).data.usage).toMatchObject(
        passed ? { used: 2 * n + 2, remaining: 98 - 2 * n } : { used: 2 * n, remaining: 97 - 2 * n },
      );
      expect((await commit(world, reservation, { usageUnits: 2 })).status).toBe(passed ? 200 : 201);
      expect(await left(world)).toBe(98 - 2 * n);
    }
    expect(n).toBeGreaterThan(5);
    await evictDurableObject(world.object(id));
    expect(await used(world)).toBe(2 * n);
  });
});
