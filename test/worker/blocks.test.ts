import { evictDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { ada, check, commit, consume, limited, offer, release, reserve, usage, used } from "../support/access.ts";
import { fromBlock, idOf, lent } from "../support/blocks.ts";
import { CREDITS, creditModel, feature, PLANS, poolsOf, RULES } from "../support/credits.ts";
import { withSqlFault } from "../support/fault.ts";
import { active, customer, ok } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Reservations that an isolate makes of a block, over HTTP: the tests and the Worker are one isolate. The clock stands still. */

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const left = async (world: World, query?: string) => (await check(world, "chat", query)).data.usage.remaining;

const holdsOf = (world: World) => ok(world.call<{ holds: boolean }>("GET", "/api/v1/monetization/customers/ada/books"));

describe("does", () => {
  test("who reserves often is lent units: reservations come without the object, and end like all others", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(0.5, { max_usage: 1000 }) });
    const sources: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { headers, data } = await reserve(world, { ttlSeconds: 30 });
      sources.push(data.entitlement.source);
      expect(headers.get("X-Tanso-Source") === "block").toBe(data.entitlement.source === "block");
      expect(data).toMatchObject({
        expiresAt: "2030-03-05T10:30:30.000Z",
        entitlement: { allowed: true, usage: { used: 0, limit: 1000, remaining: 999 - n } },
      });
    }
    expect(sources).toEqual(["object", "object", "object", "block", "block"]);
    // Three reservations and a block for four: what is held for this isolate is nobody else's.
    expect(await left(world)).toBe(993);
    const [first, second] = [await fromBlock(world), await fromBlock(world)];
    const receipt = await commit(world, first.reservationId, { usageUnits: 1, featureKey: "chat" });
    expect(receipt).toMatchObject({ status: 201, data: { usageUnits: 1, metered: true, revenueAmount: 0.5 } });
    await evictDurableObject(world.object(id));
    expect(await commit(world, first.reservationId.toUpperCase(), { usageUnits: 9 })).toMatchObject({
      status: 200,
      data: receipt.data,
    });
    expect(await release(world, second.reservationId)).toMatchObject({ status: 200 });
    expect(await release(world, second.reservationId)).toMatchObject({ status: 200 });
    expect(await commit(world, second.reservationId)).toMatchObject({ status: 409 });
    expect(await release(world, first.reservationId)).toMatchObject({ status: 409 });
    expect(await used(world)).toBe(1);
    // All that was held lapses, the block a minute after its use.
    clockAt("2030-03-05T10:31:05Z");
    expect(await left(world)).toBe(999);
    expect((await holdsOf(world)).holds).toBe(true);
  });

  test("credits are lent with the units, of the grants that they would be drawn from", async ({ expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    const creditModelId = await creditModel(world, "AI", { hardLimit: true });
    const body = { key: "pro", name: "PRO", description: "The plan pro.", billingTiming: "IN_ARREARS" };
    const { id: planId } = await ok(world.call<{ id: string }>("POST", PLANS, body));
    await ok(world.call("POST", RULES, { planId, featureId, creditModelId, value: {} }));
    await ok(world.call("POST", `${CREDITS}/models/${creditModelId}/plans/${planId}?creditAmount=1000`));
    await ok(world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" }));
    const id = await customer(world);
    await active(world, "ada", "pro");
    const heldE4 = async () => (await poolsOf(world, id))[0]?.heldE4;
    const made = await fromBlock(world, { usageUnits: 2 });
    const other = await fromBlock(world, { usageUnits: 2 });
    expect(made.entitlement).toMatchObject({ allowed: true, credit: { balance: 1000 } });
    const before = await heldE4();
    const poolId = (await ok(world.call<{ items: { id: string }[] }>("GET", "/api/v1/client/credits/ada/pools")))
      .items[0]?.id;
    await ok(world.call("POST", `${CREDITS}/pools/${poolId}/freeze`));
    const committed = await commit(world, made.reservationId, { usageUnits: 1 });
    expect(committed.data).toMatchObject({ creditsDeducted: 1, remainingBalance: 999 });
    expect(await heldE4()).toBe((before ?? 0n) - 20_000n);
    await ok(release(world, other.reservationId));
    expect(await heldE4()).toBe((before ?? 0n) - 40_000n);
    expect((await holdsOf(world)).holds).toBe(true);
    clockAt("2030-03-05T10:31:05Z");
    expect((await check(world, "chat")).data.credit?.balance).toBe(999);
    expect(await heldE4()).toBe(0n);
    expect((await holdsOf(world)).holds).toBe(true);
  });

  test("what was never handed out goes back with the next wish, once", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(1000) });
    const { block } = await lent(world, id, 20);
    expect(await left(world)).toBe(980);
    const closed = [{ block, unitsE12: 15n * 10n ** 12n, creditsE4: 0n }];
    const wish = { unitsE12: 0n, eachE12: 1n, closed };
    for (let times = 0; times < 2; times += 1) {
      await world.object(id).lend({ featureKey: "chat", isEnabled: true, wish });
      expect(await left(world)).toBe(995);
    }
  });
});

describe("refuses", () => {
  test("ids that nobody handed out: other units, another place, a longer life, a strange signature, the block itself", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(1000) });
    const granted = await lent(world, id, 20);
    const good = idOf(id, granted, 1);
    const [blockId = "", sequence, units, expires = "", signature = ""] = good.split(".");
    const forged = [
      [blockId, "2", units, expires, signature],
      [blockId, sequence, (20n * 10n ** 12n).toString(16), expires, signature],
      [blockId, sequence, units, (Number.parseInt(expires, 16) + 1).toString(16), signature],
      [blockId, sequence, units, expires, signature.replace(/.$/, (last) => (last === "0" ? "1" : "0"))],
      [blockId, sequence, units, expires],
      [blockId, sequence, units, expires, signature, "1"],
      [blockId],
    ].map((parts) => parts.join("."));
    const stranger = { ...granted, secret: "0".repeat(32) };
    const none = { ...granted, block: granted.block + 100 };
    for (const unknown of [...forged, idOf(id, stranger, 1), idOf(id, none, 1)]) {
      expect(await commit(world, unknown)).toMatchObject({ status: 404 });
      expect(await release(world, unknown)).toMatchObject({ status: 404 });
    }
    expect(await used(world)).toBe(0);
    expect((await commit(world, good)).status).toBe(201);
  });

  test("what lapsed, by its own time or with its block", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(1000) });
    const granted = await lent(world, id, 20);
    const [short, long, after] = [idOf(id, granted, 1, 1, 10), idOf(id, granted, 2), idOf(id, granted, 3, 1, 65)];
    clockAt("2030-03-05T10:30:10Z");
    expect(await commit(world, short)).toMatchObject({
      status: 409,
      error: { message: "The reservation is LAPSED; report what was used by POST /api/v1/client/events." },
    });
    expect((await commit(world, long)).status).toBe(201);
    clockAt("2030-03-05T10:31:05Z");
    expect((await commit(world, after)).status).toBe(409);
    expect((await release(world, after)).status).toBe(409);
    expect((await commit(world, long)).status).toBe(200);
    expect(await check(world, "chat")).toMatchObject({ data: { usage: { used: 1, remaining: 999 } } });
  });

  test("to lend what is asked otherwise: a key, a header's key, a longer time, another model", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(1000) });
    await fromBlock(world);
    const sourceOf = async (body: Record<string, unknown>, headers = {}) =>
      (await reserve(world, body, headers)).data.entitlement.source;
    expect(await sourceOf({ idempotencyKey: "mine" })).toBe("object");
    expect(await sourceOf({}, { "Idempotency-Key": "mine" })).toBe("object");
    expect(await sourceOf({ ttlSeconds: 61 })).toBe("object");
    expect(await sourceOf({ model: "gpt-4o" })).toBe("object");
    expect(await sourceOf({ usageUnits: 5 })).toBe("object");
    expect(await sourceOf({})).toBe("block");
  });

  test("to lend where little is left, where time is a test clock's, and what may not be used", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(60) });
    for (let n = 0; n < 60; n += 1)
      expect((await ok(reserve(world))).entitlement).toMatchObject({ source: "object", usage: { remaining: 59 - n } });
    expect((await reserve(world)).status).toBe(409);
    const wish = { unitsE12: 4n * 10n ** 12n, eachE12: 10n ** 12n, closed: [] };
    const bob = await customer(world, "bob");
    const reply = await world.object(bob).lend({ featureKey: "chat", isEnabled: true, wish });
    expect(reply).toMatchObject({ ok: true, value: {} });
  });
});

describe("holds", () => {
  test("a reservation from a block outlives a change of plan: its subscription serves, at the price then in force", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage(1, { max_usage: 1000 }) });
    const { reservationId } = await fromBlock(world);
    await offer(world, "max", { chat: usage(3, { max_usage: 500 }) }, { priceAmount: 5 });
    const change = { changeToPlanId: "max", changeType: "UPGRADE" };
    await ok(world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, change));
    expect((await commit(world, reservationId)).data).toMatchObject({ metered: true, revenueAmount: 3 });
  });

  test("a change through the same isolate ends its blocks: the next reservation knows of it", async ({ expect }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: limited(1000) });
    await fromBlock(world);
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`));
    expect(await reserve(world)).toMatchObject({ status: 409, data: { allowed: false } });
  });

  test("nothing is handed out any more once the block's time is over", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(1000) });
    await fromBlock(world);
    clockAt("2030-03-05T10:30:05Z");
    expect((await ok(reserve(world))).entitlement.source).toBe("object");
  });

  test("the same sequence many times at once is one event", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(1000) });
    const part = idOf(id, await lent(world, id, 10), 1, 3);
    const answers = await Promise.all(Array.from({ length: 10 }, () => commit(world, part)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 200, 201]);
    expect(await check(world, "chat")).toMatchObject({ data: { usage: { used: 3, remaining: 990 } } });
  });

  test("whatever several isolates hand out, the limit is met and never passed", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(200) });
    const parts: string[] = [];
    for (let isolate = 0; isolate < 5; isolate += 1) {
      const one = 10n ** 12n;
      const wish = { unitsE12: 100n * one, eachE12: one, closed: [] };
      const reply = await world.object(id).lend({ featureKey: "chat", isEnabled: true, wish });
      const block = reply.ok ? reply.value.block : undefined;
      if (block === undefined) continue;
      for (let n = 0n; n < block.unitsE12 / one; n += 1n) parts.push(idOf(id, block, Number(n)));
    }
    expect(parts).toHaveLength(10);
    // Others take all that is left; what was lent is theirs all the same.
    const answers = await Promise.all(Array.from({ length: 200 }, () => consume(world)));
    expect(answers.filter(({ data }) => data.receipt !== undefined)).toHaveLength(190);
    for (const part of parts) expect((await commit(world, part)).status).toBe(201);
    expect(await check(world, "chat")).toMatchObject({ data: { usage: { used: 200, remaining: 0 } } });
    expect((await holdsOf(world)).holds).toBe(true);
  });

  test("whichever statement of a commit fails, nothing or all of it is there", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(10_000) });
    const block = await lent(world, id, 500);
    let n = 0;
    for (let passed = false; !passed; n += 1) {
      const part = idOf(id, block, n, 3);
      const { result } = await withSqlFault(world.object(id), n + 1, () => commit(world, part, { usageUnits: 2 }));
      passed = result.status === 201;
      const usedBefore = await used(world);
      const again = await commit(world, part, { usageUnits: 2 });
      expect([200, 201]).toContain(again.status);
      expect(usedBefore).toBe(again.status === 200 ? 2 * n + 2 : 2 * n);
      expect(await used(world)).toBe(2 * n + 2);
      expect(await left(world)).toBe(10_000 - 500 + n + 1);
    }
    expect(n).toBeGreaterThan(3);
    expect((await holdsOf(world)).holds).toBe(true);
  });
});
