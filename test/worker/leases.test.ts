import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { clearSnapshots } from "../../src/catalog/snapshot.ts";
import type { Uuid } from "../../src/domain/ids.ts";
import { leaseholder, leases } from "../../src/edge/leases.ts";
import { ada, check, consume, type Entitlement, evaluate, limited, offer, usage } from "../support/access.ts";
import { withD1 } from "../support/d1.ts";
import { active, customer, ok, pay, subscribe } from "../support/sale.ts";
import { at, clockAt, newWorld, request, type World } from "../support/world.ts";

/** Checks that no object is asked for: from what this isolate repeats, and what ends that. Clock and isolate are the test's. */

const NOON = "2030-03-05T12:00:00.000Z";

beforeEach(() => {
  leases.clear();
  clockAt(NOON);
});
afterAll(() => {
  vi.useRealTimers();
});

/** The clock stands so many milliseconds after noon. */
const msPast = (ms: number) => clockAt(new Date(at(NOON) + ms).toISOString());

const stale = (world: World, entitlementStalenessMs: number) =>
  ok(world.call("PATCH", "/api/v1/account/settings", { entitlementStalenessMs }));

/** A world whose answers may be a second old, and ada on a plan with these rules. */
async function leasing(rules: Record<string, unknown> = { chat: {} }): Promise<World> {
  const world = await newWorld();
  await stale(world, 1000);
  await ada(world, rules);
  return world;
}

async function source(world: World, featureKey = "chat", query = ""): Promise<string> {
  const { source: from, allowed } = await ok(check(world, featureKey, query));
  return `${allowed ? "yes" : "no"}, ${from}`;
}

/** Runs what came after answers. */
async function later(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("does", () => {
  test("the same question within the bound is answered by the isolate, as of when the object said it", async ({
    expect,
  }) => {
    const world = await leasing();
    const first = await ok(check(world, "chat", ""));
    expect(first).toMatchObject({ source: "object", asOf: NOON });
    msPast(400);
    const again = await ok(check(world, "chat", ""));
    expect(again).toEqual({ ...first, source: "lease" });
    msPast(1000);
    expect(await ok(check(world, "chat", ""))).toMatchObject({ source: "object", asOf: "2030-03-05T12:00:01.000Z" });
  });

  test("it is asked for anew ahead, beside an answer, and then goes on", async ({ expect }) => {
    const world = await leasing();
    await source(world);
    msPast(600);
    expect(await source(world)).toBe("yes, lease");
    await later();
    msPast(1500);
    expect(await ok(check(world, "chat", ""))).toMatchObject({ source: "lease", asOf: "2030-03-05T12:00:00.600Z" });
  });

  test("who asks once in a bound is answered from leases, that are asked for meanwhile by nobody", async ({
    expect,
  }) => {
    const world = await leasing();
    await source(world);
    msPast(1000);
    expect(await source(world)).toBe("yes, object");
    msPast(1750);
    const { id } = await ok(world.call<{ id: string }>("GET", "/api/v1/client/customers/ada"));
    // A timer's, three quarters of a second after the question before.
    const isNew = () => leases.peek(leaseholder(world.accountId, id as Uuid), "chat", at(NOON) + 2000) !== undefined;
    while (!isNew()) await later();
    msPast(2000);
    expect(await ok(check(world, "chat", ""))).toMatchObject({ source: "lease", asOf: "2030-03-05T12:00:01.750Z" });
  });

  test("checks from leases are in the log of checks, told with the next question", async ({ expect }) => {
    const world = await leasing();
    for (let times = 0; times < 5; times += 1) await source(world);
    await source(world, "chat", "?record=false");
    await source(world, "chat", "?fresh=true");
    const { items } = await ok(world.call<{ items: unknown[] }>("GET", "/api/v1/monetization/customers/ada/checks"));
    expect(items).toEqual([{ day: "2030-03-05", featureKey: "chat", allowed: 6, denied: 0 }]);
  });

  test("an event's receipt brings the new answer along", async ({ expect }) => {
    const world = await leasing({ chat: usage(1) });
    await source(world);
    msPast(100);
    await ok(world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 3 }));
    expect(await ok(check(world, "chat", ""))).toMatchObject({ source: "lease", usage: { used: 3 } });
    await ok(consume(world, { usageUnits: 2 }));
    expect(await ok(check(world, "chat", ""))).toMatchObject({ source: "lease", usage: { used: 5 } });
  });

  test("checks between events are in the log too: they are told with the next event", async ({ expect }) => {
    const world = await leasing({ chat: usage(1) });
    await source(world);
    for (let times = 0; times < 3; times += 1) {
      expect(await source(world)).toBe("yes, lease");
      await ok(world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 }));
      expect(await source(world)).toBe("yes, lease");
      await ok(consume(world));
    }
    const { items } = await ok(world.call<{ items: unknown[] }>("GET", "/api/v1/monetization/customers/ada/checks"));
    expect(items).toEqual([{ day: "2030-03-05", featureKey: "chat", allowed: 7, denied: 0 }]);
  });

  test("a limit that is far away is leased; the end of it is asked for each time", async ({ expect }) => {
    const world = await leasing({ chat: limited(1000) });
    await source(world);
    // The object has woken just now: it does not know yet how fast it goes.
    expect(await source(world)).toBe("yes, object");
    msPast(2000);
    await source(world);
    expect(await source(world)).toBe("yes, lease");
    await ok(consume(world, { usageUnits: 900 }));
    // 100 are left, and 900 came within a second.
    expect(await source(world)).toBe("yes, object");
    expect(await source(world)).toBe("yes, object");
    msPast(60_000);
    await source(world);
    expect(await source(world)).toBe("yes, lease");
    await ok(consume(world, { usageUnits: 90 }));
    msPast(120_000);
    await source(world);
    // Ten are left: each question is asked.
    expect(await source(world)).toBe("yes, object");
  });
});

describe("refuses", () => {
  test("a no: who has just paid gets in at once", async ({ expect }) => {
    const world = await newWorld();
    await stale(world, 60_000);
    await customer(world);
    await offer(world, "pro", { chat: {} }, { priceAmount: 10, billingTiming: "IN_ADVANCE" });
    const { invoice } = await ok(subscribe(world, "ada", "pro"));
    expect([await source(world), await source(world)]).toEqual(["no, object", "no, object"]);
    await ok(pay(world, invoice.id));
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, lease"]);
  });

  test("to answer from a lease what is asked in another way", async ({ expect }) => {
    const world = await leasing();
    await source(world);
    expect(await source(world, "chat", "?fresh=true")).toBe("yes, object");
    expect(await source(world, "chat", "?subscriptionId=nobody-s")).toBe("yes, object");
    const uncached = await world.call<Entitlement>("GET", "/api/v1/client/entitlements/ada/chat", undefined, {
      "Cache-Control": "no-cache",
    });
    expect(uncached.data.source).toBe("object");
    expect((await ok(evaluate(world, { featureKey: "chat" }))).source).toBe("object");
    expect((await ok(consume(world))).entitlement.source).toBe("object");
    expect(await source(world)).toBe("yes, lease");
  });

  test("leases of a test account, unless it asks for them", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: {} });
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, object"]);
    const settings = async () =>
      (await ok(world.call<{ entitlementStalenessMs: number }>("GET", "/api/v1/account/settings")))
        .entitlementStalenessMs;
    expect(await settings()).toBe(0);
    await env.DB.prepare("UPDATE accounts SET mode = 'live' WHERE account_id = ?").bind(world.accountId).run();
    expect(await settings()).toBe(1000);
    clearSnapshots();
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, lease"]);
    await stale(world, 0);
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, object"]);
  });

  test("leases past what falls due", async ({ expect }) => {
    const world = await newWorld();
    await stale(world, 60_000);
    await customer(world);
    await offer(world, "pro", { chat: {} });
    const { id } = await active(world, "ada", "pro");
    await ok(world.call("POST", `/api/v1/monetization/subscriptions/${id}/cancel?cancelMode=END_OF_PERIOD`));
    const endsAtMs = at("2030-04-05T12:00:00.000Z");
    clockAt(new Date(endsAtMs - 5000).toISOString());
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, lease"]);
    clockAt(new Date(endsAtMs).toISOString());
    expect(await source(world)).toBe("no, object");
  });
});

describe("holds", () => {
  test("a write through this isolate ends what it repeats, whoever of the routes makes it", async ({ expect }) => {
    const world = await newWorld();
    await stale(world, 60_000);
    const { subscription } = await ada(world, { chat: {} });
    await source(world);
    expect(await source(world)).toBe("yes, lease");
    const cancel = `/api/v1/monetization/subscriptions/${subscription.id}/cancel?cancelMode=IMMEDIATE`;
    await ok(world.call("POST", cancel));
    expect(await source(world)).toBe("no, object");
  });

  test("a feature that is switched off is denied by the isolate that did it at once, by others within 5 s", async ({
    expect,
  }) => {
    const world = await newWorld();
    await stale(world, 60_000);
    await ada(world, { chat: {} });
    await source(world);
    expect(await source(world)).toBe("yes, lease");
    const { id } = await ok(world.call<{ id: string }>("GET", "/api/v1/client/features/chat"));
    await ok(world.call("PATCH", `/api/v1/monetization/features/${id}`, { isEnabled: false }));
    expect(await source(world)).toBe("no, object");
    await ok(world.call("PATCH", `/api/v1/monetization/features/${id}`, { isEnabled: true }));
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, lease"]);
    // As another isolate would.
    await env.DB.batch([
      env.DB.prepare("UPDATE features SET is_enabled = 0 WHERE feature_id = ?").bind(id),
      env.DB.prepare("UPDATE accounts SET catalog_version = catalog_version + 1 WHERE account_id = ?").bind(
        world.accountId,
      ),
    ]);
    expect(await source(world)).toBe("yes, lease");
    msPast(5000);
    expect(await source(world)).toBe("no, object");
  });

  test("what is switched off while this isolate reads its account again is denied by it at once, and so is a key", async ({
    expect,
  }) => {
    const world = await newWorld();
    await stale(world, 60_000);
    await ada(world, { chat: {} });
    const key = await ok(world.call<{ id: string; apiKey: string }>("POST", "/api/v1/account/api-keys", {}));
    const headers = { Authorization: `Bearer ${key.apiKey}` };
    const byKey = async () => (await request("GET", "/api/v1/client/entitlements/ada/chat", undefined, headers)).status;
    const { id } = await ok(world.call<{ id: string }>("GET", "/api/v1/client/features/chat"));
    await source(world);
    expect([await source(world), await byKey()]).toEqual(["yes, lease", 200]);
    msPast(3000);
    // D1 has told what was there before, and it is on its way.
    const switchOff = async () => {
      await ok(world.call("PATCH", `/api/v1/monetization/features/${id}`, { isEnabled: false }));
    };
    await withD1(switchOff, async () => {
      expect(await source(world)).toBe("yes, lease");
      await later();
    });
    expect(await source(world)).toBe("no, object");
    msPast(6000);
    await byKey();
    msPast(9000);
    const revoke = async () => {
      await ok(world.call("DELETE", `/api/v1/account/api-keys/${key.id}`));
    };
    await withD1(revoke, async () => {
      expect(await byKey()).toBe(200);
      await later();
    });
    expect(await byKey()).toBe(401);
  });

  test("by a clock that was set back a key is read again: how long ago it was, nobody can say", async ({ expect }) => {
    const world = await leasing();
    const key = await ok(world.call<{ id: string; apiKey: string }>("POST", "/api/v1/account/api-keys", {}));
    const asked = async () => {
      const headers = { Authorization: `Bearer ${key.apiKey}` };
      return (await request("GET", "/api/v1/client/entitlements/ada/chat", undefined, headers)).status;
    };
    msPast(3_600_000);
    expect(await asked()).toBe(200);
    msPast(0);
    // As another isolate would.
    await env.DB.prepare("UPDATE api_keys SET revoked_at_ms = ? WHERE key_id = ?").bind(Date.now(), key.id).run();
    expect(await asked()).toBe(401);
  });

  test("a revoked key hears nothing that others are still told: at once here, elsewhere within 5 s", async ({
    expect,
  }) => {
    const world = await leasing();
    await stale(world, 60_000);
    type Key = { id: string; apiKey: string };
    const keys = "/api/v1/account/api-keys";
    const [here, there] = [
      await ok(world.call<Key>("POST", keys, {})),
      await ok(world.call<Key>("POST", keys, { scopes: ["client"] })),
    ];
    const asked = async ({ apiKey }: Key) => {
      const headers = { Authorization: `Bearer ${apiKey}` };
      const { status, data } = await request<Entitlement>(
        "GET",
        "/api/v1/client/entitlements/ada/chat",
        undefined,
        headers,
      );
      return status === 200 ? data.source : status;
    };
    await source(world);
    expect([await asked(here), await asked(there)]).toEqual(["lease", "lease"]);
    await ok(world.call("DELETE", `${keys}/${here.id}`));
    expect(await asked(here)).toBe(401);
    // The account has changed by that: the lease is asked for anew.
    expect([await asked(there), await asked(there)]).toEqual(["object", "lease"]);
    // As another isolate would.
    await env.DB.prepare("UPDATE api_keys SET revoked_at_ms = ? WHERE key_id = ?").bind(Date.now(), there.id).run();
    expect(await asked(there)).toBe("lease");
    msPast(5000);
    expect([await asked(there), await source(world)]).toEqual([401, "yes, lease"]);
  });

  test("a smaller bound holds for what was leased under a larger one: at once here, elsewhere within 5 s", async ({
    expect,
  }) => {
    const world = await leasing();
    await stale(world, 60_000);
    await source(world);
    expect(await source(world)).toBe("yes, lease");
    await stale(world, 1000);
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, lease"]);
    await stale(world, 60_000);
    await source(world);
    const settings = `UPDATE accounts SET catalog_version = catalog_version + 1,
      settings = json_set(settings, '$.entitlementStalenessMs', 0) WHERE account_id = ?`;
    await env.DB.prepare(settings).bind(world.accountId).run();
    expect(await source(world)).toBe("yes, lease");
    msPast(5000);
    expect([await source(world), await source(world)]).toEqual(["yes, object", "yes, object"]);
  });

  test("one account's leases answer no other, whose customer has the same name", async ({ expect }) => {
    const [world, other] = [await leasing(), await newWorld()];
    await stale(other, 1000);
    await customer(other);
    await source(world);
    expect(await source(world)).toBe("yes, lease");
    expect(await source(other)).toBe("no, object");
  });

  test("with D1 away, and nothing that D1 need be asked for, leases go on", async ({ expect }) => {
    const world = await leasing();
    await source(world);
    await withD1("away", async () => {
      expect(await source(world)).toBe("yes, lease");
    });
  });
});
