import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { clearSnapshots } from "../../src/catalog/snapshot.ts";
import { CHECK_FEATURES_PER_DAY_MAX } from "../../src/domain/limits.ts";
import {
  ada,
  check,
  checkBothWays,
  consume,
  type Entitlement,
  evaluate,
  limited,
  offer,
  release,
  reserve,
  usage,
  used,
} from "../support/access.ts";
import { brokenLaws } from "../support/edited.ts";
import { insertKey, send } from "../support/probe.ts";
import { active, customer, invoicesOf, ok, type Page, pay, read, subscribe } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

type Listed = { subscriptionId: string; entitlements: { featureKey: string; allowed: boolean }[] };
type CheckDay = { day: string; featureKey: string; allowed: number; denied: number };

const reasonOf = ({ meta }: Entitlement) => meta?.reason;

async function enable(world: World, featureKey: string, isEnabled: boolean): Promise<void> {
  const { data } = await world.call<{ id: string }>("GET", `/api/v1/client/features/${featureKey}`);
  await ok(world.call("PATCH", `/api/v1/monetization/features/${data.id}`, { isEnabled }));
}

/** Says what the customer's hours cost; what is no number throws once they become days, which quarantines. */
function costOfHours(world: World, id: string, text: string) {
  return runInDurableObject(world.object(id), (object) =>
    sqlOf(object).exec("UPDATE rollups SET cost_e12 = ? WHERE span_ms = 3600000", text),
  );
}

describe("does", () => {
  test("an allowed check shows what is used, the limit and what is left", async ({ expect }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: limited(10), reports: {} });
    await consume(world, { usageUnits: 2.5 });
    await reserve(world, { usageUnits: 4 });
    const answer = await check(world, "chat");
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({
      referenceCustomerId: "ada",
      featureKey: "chat",
      allowed: true,
      isAllowed: true,
      asOf: "2030-03-05T10:30:00.000Z",
      source: "object",
      subscriptionId: subscription.id,
      usage: { used: 2.5, limit: 10, remaining: 3.5 },
    });
    expect((await check(world, "reports")).data).toMatchObject({ allowed: true, usage: { used: 0 } });
    expect((await check(world, "reports")).data.usage).not.toHaveProperty("limit");
  });

  test("each no has its code and says what to do, with its figures", async ({ expect }) => {
    const world = await newWorld();
    await customer(world);
    const told = async (featureKey = "chat") => reasonOf((await check(world, featureKey)).data);
    expect(await told()).toEqual({
      code: "NO_SUBSCRIPTION",
      description: "The customer has no subscription: subscribe it to a plan that includes “chat”.",
    });
    const paid = { priceAmount: 10, billingTiming: "IN_ADVANCE" };
    await offer(world, "pro", { chat: limited(10), seats: limited(3, { reset_mode: "accumulate" }) }, paid);
    const { subscription, invoice } = await ok(subscribe(world, "ada", "pro"));
    expect(await told()).toEqual({
      code: "SUBSCRIPTION_INACTIVE",
      description:
        "The subscription that includes “chat” waits for its first payment: access begins when its first invoice is paid.",
    });
    await ok(pay(world, invoice.id));
    expect(await told("reports")).toEqual({
      code: "FEATURE_NOT_IN_PLAN",
      description:
        "No plan of the customer's subscriptions includes “reports”: change to one that does, or add the feature to the plan and migrate its subscribers.",
    });
    await consume(world, { usageUnits: 8 });
    await reserve(world, { usageUnits: 2, ttlSeconds: 3600 });
    expect(await told()).toEqual({
      code: "WOULD_EXCEED_LIMIT",
      description:
        "All that is left of “chat” is reserved: 8 of 10 are used, 2 are held by open reservations. Wait until they are released or lapse.",
    });
    const more = await evaluate(world, { featureKey: "chat", usage: { usageUnits: 3 } });
    expect(reasonOf(more.data)).toEqual({
      code: "WOULD_EXCEED_LIMIT",
      description:
        "3 more units of “chat” would pass its limit of 10: 8 are used, 2 are held by open reservations, 0 are left until 2030-04-05T10:30:00.000Z.",
    });
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 2 });
    expect(await told()).toEqual({
      code: "USAGE_LIMIT_EXCEEDED",
      description:
        "The limit of “chat” is reached: 10 of 10 are used. It counts from 0 again at 2030-04-05T10:30:00.000Z; a plan with a higher limit opens it at once.",
    });
    await consume(world, { featureKey: "seats", usageUnits: 3 });
    expect(await told("seats")).toEqual({
      code: "USAGE_LIMIT_EXCEEDED",
      description:
        "The limit of “seats” is reached: 3 of 3 are used. Give units back, or change to a plan with a higher limit.",
    });
    await enable(world, "chat", false);
    expect(await told()).toEqual({
      code: "FEATURE_DISABLED",
      description:
        "“chat” is switched off, by the feature's own switch or by the rule of the customer's plan: enable it there.",
    });
    // The renewal is made at its instant, and not paid in time.
    clockAt("2030-04-05T10:30:00Z");
    await read(world, subscription);
    clockAt("2030-04-08T10:30:00Z");
    expect(await told("seats")).toEqual({
      code: "SUBSCRIPTION_SUSPENDED",
      description:
        "The subscription that includes “seats” is suspended because an invoice was not paid in time: access comes back when all that is past due is paid.",
    });
    const [due] = await invoicesOf(world, "ada");
    await ok(pay(world, due?.id ?? ""));
    expect(await told("reports")).toMatchObject({ code: "FEATURE_NOT_IN_PLAN" });
  });

  test("evaluate shows what would be left; without usage it asks as a check does; its other names are understood", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    await consume(world, { usageUnits: 4 });
    const fits = await evaluate(world, {
      featureKey: "chat",
      usage: { usageUnits: 6, eventName: "call", model: "m", meta: { a: 1 } },
      context: { idempotencyKey: "k", flowId: "flow-9" },
    });
    expect(fits.data).toMatchObject({
      allowed: true,
      flowId: "flow-9",
      simulation: { requestedUsage: 6, projectedUsage: 10, projectedRemaining: 0, wouldExceedLimit: false },
    });
    const byDefault = await evaluate(world, { featureKey: "chat", track: {} });
    expect(byDefault.data.simulation).toMatchObject({ requestedUsage: 1, projectedRemaining: 5 });
    const plain = await evaluate(world, { featureKey: "chat" });
    expect(plain.data).not.toHaveProperty("simulation");
    const alias = await world.call<Entitlement>("POST", "/api/v1/client/entitlements/check", {
      customerReferenceId: "ada",
      featureKey: "chat",
      usage: { usageUnits: 7 },
    });
    expect(reasonOf(alias.data)?.code).toBe("WOULD_EXCEED_LIMIT");
    // Asking uses nothing.
    expect(await used(world)).toBe(4);
  });

  test("the list shows each ACTIVE subscription's features, newest first, and whether they may be used now", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: limited(1), reports: {} });
    await offer(world, "extra", { seats: {}, sso: {} });
    const extra = await active(world, "ada", "extra");
    await offer(world, "unpaid", { reports: {} }, { priceAmount: 9, billingTiming: "IN_ADVANCE" });
    await ok(subscribe(world, "ada", "unpaid"));
    await consume(world);
    await enable(world, "sso", false);
    const list = (query = "") => ok(world.call<Page<Listed>>("GET", `/api/v1/client/entitlements/ada${query}`));
    const expected = [
      {
        subscriptionId: extra.id,
        entitlements: [
          { featureKey: "seats", allowed: true },
          { featureKey: "sso", allowed: false },
        ],
      },
      {
        subscriptionId: subscription.id,
        entitlements: [
          { featureKey: "chat", allowed: false },
          { featureKey: "reports", allowed: true },
        ],
      },
    ];
    expect(await list()).toEqual({
      items: expected,
      pagination: { total: 2, limit: 50, offset: 0, hasMore: false },
    });
    expect((await list("?limit=1&offset=1")).items).toEqual(expected.slice(1));
  });

  test("of several subscriptions the newest ACTIVE one with the feature decides, unless another is wanted", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: limited(1) });
    await consume(world);
    await offer(world, "big", { chat: limited(100), reports: {} });
    const big = await active(world, "ada", "big");
    expect((await check(world, "chat")).data).toMatchObject({ subscriptionId: big.id, usage: { used: 0, limit: 100 } });
    const wanted = await check(world, "chat", `?subscriptionId=${subscription.id}`);
    expect(wanted.data).toMatchObject({ allowed: false, usage: { used: 1, limit: 1 } });
    const ignored = await check(world, "reports", `?subscriptionId=${subscription.id}`);
    expect(ignored.data).toMatchObject({ subscriptionId: big.id, allowed: true });
    const asked = await evaluate(world, { featureKey: "chat", subscriptionId: subscription.id });
    expect(asked.data.subscriptionId).toBe(subscription.id);
    // Events, too.
    await world.event({
      customerReferenceId: "ada",
      featureKey: "chat",
      usageUnits: 3,
      subscriptionId: subscription.id,
    });
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 3, subscriptionId: "whatever" });
    expect((await check(world, "chat")).data.usage.used).toBe(3);
  });

  test("the switch of a feature and the rule of a plan deny alike; the price stays", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(1), reports: {} });
    await enable(world, "chat", false);
    expect((await check(world, "chat")).data.allowed).toBe(false);
    expect((await consume(world)).status).toBe(200);
    // What was used all the same is told by an event, and billed.
    const event = await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 2 });
    expect(event.data).toMatchObject({ metered: true, revenueAmount: 2 });
    await enable(world, "chat", true);
    clearSnapshots();
    expect((await check(world, "chat")).data.allowed).toBe(true);
  });

  test("checks are counted per day and feature, but for those that ask not to be", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(1) });
    const days = (query = "") =>
      ok(world.call<Page<CheckDay>>("GET", `/api/v1/monetization/customers/${id}/checks${query}`));
    await check(world, "chat", "");
    await check(world, "chat", "");
    await check(world, "none", "");
    await check(world, "chat", "?record=false");
    await world.call("POST", "/api/v1/client/entitlements?record=false", {
      customerReferenceId: "ada",
      featureKey: "chat",
    });
    clockAt("2030-03-06T00:00:00Z");
    await evaluate(world, { featureKey: "chat" });
    await consume(world);
    await check(world, "chat", "");
    const expected = [
      { day: "2030-03-06", featureKey: "chat", allowed: 1, denied: 1 },
      { day: "2030-03-05", featureKey: "chat", allowed: 2, denied: 0 },
      { day: "2030-03-05", featureKey: "none", allowed: 0, denied: 1 },
    ];
    expect((await days()).items).toEqual(expected);
    await check(world, "none", "", id);
    await evictDurableObject(world.object(id));
    expect((await days("?limit=1&offset=1")).items).toEqual(expected.slice(1, 2));
  });
});

describe("refuses", () => {
  test("a customer that nobody knows, or whose first event is still under way", async ({ expect }) => {
    const world = await newWorld();
    for (const answer of [
      await check(world, "chat", "", "nobody"),
      await evaluate(world, { customerReferenceId: "nobody", featureKey: "chat" }),
      await world.call("GET", "/api/v1/client/entitlements/nobody"),
      await world.call("GET", "/api/v1/monetization/customers/nobody/checks"),
    ])
      expect(answer).toMatchObject({ status: 404, error: { message: "No customer “nobody”." } });
  });

  test("what cannot be asked: no customer, no feature, no units", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: {} });
    const asked = async (body: Record<string, unknown>) => {
      const { status, error } = await world.call("POST", "/api/v1/client/entitlements", body);
      return [status, error?.fields?.map(({ path }) => path)];
    };
    expect(await asked({ featureKey: "chat" })).toEqual([400, ["customerReferenceId"]]);
    expect(await asked({ customerReferenceId: "ada" })).toEqual([400, ["featureKey"]]);
    expect(await asked({ customerReferenceId: "ada", featureKey: "chat", usage: { usageUnits: 0 } })).toEqual([
      400,
      ["usage.usageUnits"],
    ]);
  });

  test("a customer's key asks for its own customer, and for nobody else", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: {} });
    await customer(world, "grace");
    const key = await insertKey(world.accountId, { scopes: ["read"], customerId: id });
    const ask = (body: Record<string, unknown>) =>
      send("POST", "/api/v1/client/entitlements", {
        key,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    expect((await ask({ featureKey: "chat" })).status).toBe(200);
    expect((await ask({ featureKey: "chat", customerReferenceId: "grace" })).status).toBe(403);
    expect((await ask({ featureKey: "chat", customerReferenceId: "nobody" })).status).toBe(403);
    expect((await send("GET", "/api/v1/client/entitlements/ada/chat", { key })).status).toBe(200);
    expect((await send("GET", "/api/v1/client/entitlements/grace/chat", { key })).status).toBe(403);
    expect((await send("GET", "/api/v1/client/entitlements/ada", { key })).status).toBe(200);
  });

  test("everything about access while the customer is quarantined; events are taken, and priced once it is mended", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id, subscription } = await ada(world, {
      chat: usage(2, { max_usage: 5 }),
      seats: limited(5, { reset_mode: "accumulate" }),
    });
    const reservation = (await ok(reserve(world, { ttlSeconds: 3600 }))).reservationId;
    const first = await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 });
    await costOfHours(world, id, "no number");
    await evictDurableObject(world.object(id));
    // Hours become days, which throws.
    clockAt("2030-04-20T00:00:00Z");
    const event = (usageUnits: number, more: Record<string, unknown> = {}) =>
      world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits, ...more });
    const pending = await event(3, { eventIdempotencyKey: "k" });
    expect(pending).toMatchObject({ status: 201, data: { metered: false, unmeteredReason: "PENDING" } });
    expect(pending.data).not.toHaveProperty("revenueAmount");
    expect((await event(4, { revenueAmount: 0.5 })).data).toMatchObject({
      unmeteredReason: "PENDING",
      revenueAmount: 0.5,
    });
    expect((await event(0)).data.unmeteredReason).toBe("NO_USAGE");
    expect((await event(1)).data.unmeteredReason).toBe("PENDING");
    for (const answer of [
      await check(world, "chat"),
      await evaluate(world, { featureKey: "chat" }),
      await consume(world),
      await reserve(world),
      await world.call("GET", "/api/v1/client/entitlements/ada"),
      await world.call("POST", `/api/v1/client/reservations/${reservation}/commit`, { eventName: "call" }),
      await world.call("POST", `/api/v1/client/reservations/${reservation}/release`),
      await world.call("POST", `/api/v1/client/events/${first.data.eventId}/correct`, { usageUnits: 1 }),
    ]) {
      expect(answer).toMatchObject({ status: 503, error: { code: "unavailable" } });
      expect(answer.headers.get("Retry-After")).toBe("60");
    }
    await costOfHours(world, id, "0");
    // In order: 3, then 4 (the one that passes the limit), then nothing of the last.
    expect(await used(world)).toBe(7);
    const { items } = await world.object(id).events({}, { limit: 10, offset: 0 });
    expect(
      items.map(({ counted, unmeteredReason, revenueE12 }) => [counted?.unitsE12, unmeteredReason, revenueE12]),
    ).toEqual([
      [undefined, "USAGE_LIMIT_EXCEEDED", undefined],
      [undefined, "NO_USAGE", undefined],
      [4_000_000_000_000n, undefined, 500_000_000_000n],
      [3_000_000_000_000n, undefined, 6_000_000_000_000n],
      [1_000_000_000_000n, undefined, 2_000_000_000_000n],
    ]);
    // The receipt says for ever what was known when it was given.
    expect(await event(9, { eventIdempotencyKey: "k" })).toMatchObject({ status: 409, data: pending.data });
    await world.flush(id);
    const shown = await world.call<Page<{ eventIdempotencyKey: string; metered: boolean; revenueAmount?: number }>>(
      "GET",
      "/api/v1/analytics/events",
    );
    expect(shown.data.items.find(({ eventIdempotencyKey }) => eventIdempotencyKey === "k")).toMatchObject({
      metered: true,
      revenueAmount: 6,
    });
    const [group] = await world.object(id).groupedEvents({}, "FEATURE");
    expect(group).toMatchObject({ events: 5, revenueE12: 8_500_000_000_000n });
    expect(await brokenLaws(world, id)).toEqual([]);
    expect((await read(world, subscription)).status).toBe("ACTIVE");
  });
});

describe("holds", () => {
  test("an event that came in quarantine brings money of another currency once it is counted", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(2) }, { currency: "EUR" });
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 });
    await costOfHours(world, id, "no number");
    await evictDurableObject(world.object(id));
    clockAt("2030-04-20T00:00:00Z");
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 3 });
    await costOfHours(world, id, "0");
    expect(await used(world)).toBe(3);
    await world.flush(id);
    const range = "start=2030-01-01T00:00:00Z&end=2030-05-01T00:00:00Z";
    expect((await world.call("GET", `/api/v1/analytics/portfolio?${range}`)).data).toMatchObject({
      totals: { events: 2, revenue: 0 },
      otherCurrencies: [{ currency: "EUR", events: 0, revenue: 8 }],
    });
    expect(await brokenLaws(world, id)).toEqual([]);
  });

  test("an event that came in quarantine and that no invoice could carry does not keep the customer there", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(2) });
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 });
    await costOfHours(world, id, "no number");
    await evictDurableObject(world.object(id));
    clockAt("2030-04-20T00:00:00Z");
    for (const usageUnits of [3, 900_000_000_000_000, 4]) {
      const answer = await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits });
      expect(answer).toMatchObject({ status: 201, data: { unmeteredReason: "PENDING" } });
    }
    await costOfHours(world, id, "0");
    expect(await used(world)).toBe(7);
    const { items } = await world.object(id).events({}, { limit: 3, offset: 0 });
    expect(items.map(({ counted, unmeteredReason }) => [counted?.unitsE12, unmeteredReason])).toEqual([
      [4_000_000_000_000n, undefined],
      [undefined, "USAGE_REFUSED"],
      [3_000_000_000_000n, undefined],
    ]);
  });

  // Users fell below zero since a cache was asked and metering came late: whoever answers the check also counts.
  test("a check sees an event as soon as that is answered, a late one too", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(3) });
    clockAt("2030-04-06T10:30:00Z");
    await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 2 });
    expect(await used(world)).toBe(2);
    // A late event left current usage stale in a cache: the writer that takes the event owns the sum.
    const late = await world.event({
      customerReferenceId: "ada",
      featureKey: "chat",
      usageUnits: 1,
      occurredAt: "2030-03-20T00:00:00Z",
    });
    expect(late.data).toMatchObject({ late: true, metered: true });
    expect((await check(world, "chat")).data).toMatchObject({ allowed: false, usage: { used: 3 } });
  });

  // The limit was counted from signup when events came in and from the period's start when access was checked: one counter.
  test("checks, events and reservations count by one counter, in every period", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(5) });
    for (const month of ["03", "04", "05"]) {
      clockAt(`2030-${month}-05T10:30:00Z`);
      expect((await check(world, "chat")).data.usage).toEqual({ used: 0, limit: 5, remaining: 5 });
      const taken = await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 5 });
      expect(taken).toMatchObject({ status: 201, data: { metered: true } });
      const beyond = await world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 });
      expect(beyond).toMatchObject({ status: 200, data: { usageLimitExceeded: true } });
      expect((await reserve(world)).status).toBe(409);
      expect((await check(world, "chat")).data.usage).toEqual({ used: 5, limit: 5, remaining: 0 });
    }
  });

  test("a check reads memory alone: it answers the same though every table is gone", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(5) });
    await consume(world, { usageUnits: 2 });
    const before = await check(world, "chat");
    await runInDurableObject(world.object(id), (object) => {
      const tables = sqlOf(object).exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      );
      for (const { name } of tables.toArray()) sqlOf(object).exec(`ALTER TABLE "${name}" RENAME TO "gone_${name}"`);
    });
    expect((await check(world, "chat", "?record=false")).data).toEqual(before.data);
    expect((await evaluate(world, { featureKey: "chat", usage: { usageUnits: 3 } })).data.allowed).toBe(true);
  });

  test("what is used, held and switched survives that the object is evicted", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: limited(10), seats: limited(9, { reset_mode: "accumulate" }) });
    await consume(world, { usageUnits: "2.000000000001" });
    await consume(world, { featureKey: "seats", usageUnits: 4 });
    await reserve(world, { usageUnits: 3, ttlSeconds: 3600 });
    const seen = async () => [await check(world, "chat"), await check(world, "seats")].map(({ data }) => data);
    const before = await seen();
    await evictDurableObject(world.object(id));
    expect(await seen()).toEqual(before);
    clockAt("2030-04-05T10:30:00Z");
    await evictDurableObject(world.object(id));
    expect(await seen()).toMatchObject([{ usage: { used: 0, remaining: 10 } }, { usage: { used: 4, remaining: 5 } }]);
  });

  test("a switch that another isolate turned counts here within 5 s", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(5) });
    await check(world, "chat");
    const turn = (on: number) =>
      env.DB.prepare("UPDATE features SET is_enabled = ? WHERE account_id = ? AND key = 'chat'")
        .bind(on, world.accountId)
        .run();
    const start = Date.now();
    for (const [round, on] of [0, 1].entries()) {
      await turn(on);
      clockAt(new Date(start + 5_000 * (round + 1)).toISOString());
      expect((await check(world, "chat")).data.allowed).toBe(on === 1);
    }
  });

  test("an answer does not depend on an alarm: a period and a grace end at their instants", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(5) }, { priceAmount: 10 });
    await consume(world, { usageUnits: 5 });
    clockAt("2030-04-05T10:29:59.999Z");
    expect((await check(world, "chat")).data.allowed).toBe(false);
    clockAt("2030-04-05T10:30:00Z");
    expect((await check(world, "chat")).data).toMatchObject({ allowed: true, usage: { used: 0 } });
    clockAt("2030-04-08T10:29:59.999Z");
    expect((await check(world, "chat")).data.allowed).toBe(true);
    clockAt("2030-04-08T10:30:00Z");
    expect(reasonOf((await check(world, "chat")).data)?.code).toBe("SUBSCRIPTION_SUSPENDED");
  });

  test("what is remembered of an answer is what would be worked out anew, in every state", async ({ expect }) => {
    const world = await newWorld();
    await customer(world);
    const told = new Set<string>();
    const agree = async () => {
      for (const featureKey of ["chat", "seats", "chat.basic", "nobody's"]) {
        const { remembered, anew } = await checkBothWays(world, featureKey);
        expect(remembered).toBe(anew);
        const { asOf: _, ...rest } = JSON.parse(remembered);
        told.add(JSON.stringify(rest));
      }
    };
    const consumed = (usageUnits: number) => ok(consume(world, { usageUnits }));
    const seats = limited(3, { reset_mode: "accumulate" });
    await offer(world, "pro", { chat: limited(10), seats }, { priceAmount: 10, billingTiming: "IN_ADVANCE" });
    await offer(world, "basic", { "chat.basic": usage(1), chat: limited(2) });
    let subscriptionId = "";
    let invoiceId = "";
    let reservationId = "";
    const steps: (() => unknown)[] = [
      () => undefined,
      async () => {
        const { subscription, invoice } = await ok(subscribe(world, "ada", "pro"));
        [subscriptionId, invoiceId] = [subscription.id, invoice.id];
      },
      () => ok(pay(world, invoiceId)),
      () => consumed(0.25),
      () => clockAt("2030-03-05T10:30:00.001Z"),
      async () => {
        ({ reservationId } = await ok(reserve(world, { usageUnits: 9.75 })));
      },
      () => ok(release(world, reservationId)),
      () => consumed(9.75),
      () => ok(world.event({ customerReferenceId: "ada", featureKey: "seats", usageUnits: 3 })),
      () => enable(world, "seats", false),
      () => enable(world, "seats", true),
      () => active(world, "ada", "basic"),
      () => consumed(2),
      () => ok(reserve(world, { featureKey: "chat.basic", ttlSeconds: 60 })),
      () => clockAt("2030-03-05T10:32:00Z"),
      () => clockAt("2030-04-05T10:30:00Z"),
      () => ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscriptionId}?cancelMode=IMMEDIATE`)),
      () => clockAt("2030-04-08T10:30:00Z"),
    ];
    for (const step of steps) {
      await step();
      await agree();
    }
    // Else the steps moved nothing that an answer shows.
    expect(told.size).toBeGreaterThan(steps.length);
  });

  test("made-up features fill neither the log nor memory", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: {} });
    const object = world.object(id);
    for (let n = 0; n < CHECK_FEATURES_PER_DAY_MAX + 20; n += 1)
      await object.check({ featureKey: `made-up-${n}`, isEnabled: true, record: true });
    await object.checkDays({ limit: 1, offset: 0 });
    for (let n = 0; n < 5; n += 1) await object.check({ featureKey: `other-${n}`, isEnabled: true, record: true });
    const { items, total } = await object.checkDays({ limit: 1000, offset: 0 });
    expect(total).toBe(CHECK_FEATURES_PER_DAY_MAX + 1);
    expect(items.reduce((sum, { denied }) => sum + denied, 0)).toBe(CHECK_FEATURES_PER_DAY_MAX + 25);
    expect(items.find(({ featureKey }) => featureKey === "(other)")?.denied).toBe(25);
  });
});
