import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, test } from "vitest";
import { customersNamed } from "../../src/catalog/directory.ts";
import { takeWebhook } from "../../src/clearing/webhooks.ts";
import { objectsIn } from "../../src/customer/object-of.ts";
import { OBJECT_ATTEMPTS_MAX } from "../../src/domain/limits.ts";
import { accountIdIn } from "../../src/domain/placement.ts";
import { leases } from "../../src/edge/leases.ts";
import type { Env } from "../../src/env.ts";
import { app } from "../../src/http/app.ts";
import { wakeEveryone } from "../../src/scheduled.ts";
import { ada, check, consume } from "../support/access.ts";
import { fromBlock } from "../support/blocks.ts";
import { ok } from "../support/sale.ts";
import { newWorld, request, type World } from "../support/world.ts";

/** When objects do not answer, and when a key asks too much. The objects are real; what lies between is not always. */

beforeEach(() => leases.clear());

/** A failure as the platform marks its own. */
function failing(mark: { retryable?: boolean; overloaded?: boolean }): Error {
  return Object.assign(new Error("Network connection lost."), mark);
}

/** Bindings whose objects fail at their first `times` calls, before they are reached. `calls`: how many were made. */
function troubled(failure: Error, times: number): { bindings: Env; calls: () => number } {
  let calls = 0;
  const get: Env["CUSTOMERS"]["get"] = (id, options) =>
    new Proxy(env.CUSTOMERS.get(id, options), {
      get(stub, name) {
        const method = Reflect.get(stub, name, stub) as (...args: unknown[]) => unknown;
        return async (...args: unknown[]) => {
          calls += 1;
          if (calls <= times) throw failure;
          return Reflect.apply(method, stub, args);
        };
      },
    });
  const objects = new Proxy(env.CUSTOMERS, {
    get: (real, name) => (name === "get" ? get : Reflect.get(real, name, real).bind(real)),
  });
  return { bindings: { ...env, CUSTOMERS: objects }, calls: () => calls };
}

/** Bindings whose objects are lost at their first `times` calls; `wishes`: where each that is called was wished. */
function wishing(times: number, account = ""): { bindings: Env; wishes: unknown[] } {
  const wishes: unknown[] = [];
  const { bindings } = troubled(failing({ retryable: true }), times);
  const objects = new Proxy(bindings.CUSTOMERS, {
    get: (real, name) =>
      name === "get"
        ? (id: DurableObjectId, options?: DurableObjectNamespaceGetDurableObjectOptions) => {
            if (id.name?.startsWith(account)) wishes.push(options?.locationHint);
            return real.get(id, options);
          }
        : Reflect.get(real, name, real),
  });
  return { bindings: { ...bindings, CUSTOMERS: objects }, wishes };
}

type Sent = { status: number; headers: Headers; code?: string; source?: string };

/** A request under other bindings than the deployment's own. */
async function ask(bindings: Env, world: World, path: string, body?: unknown, headers = {}): Promise<Sent> {
  const context = createExecutionContext();
  const sent = new Request(`https://tanso.test/api/v1/client/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: `Bearer ${world.key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const response = await app.fetch(sent, bindings, context);
  await waitOnExecutionContext(context);
  const { error, data } = (await response.json()) as { error?: { code: string }; data?: { source?: string } };
  return {
    status: response.status,
    headers: response.headers,
    ...(error === undefined ? {} : { code: error.code }),
    ...(data?.source === undefined ? {} : { source: data.source }),
  };
}

const CHECK = "entitlements/ada/chat?record=false";
const EVENT = { eventName: "call", customerReferenceId: "ada", featureKey: "chat", usageUnits: 1 };

async function world(): Promise<World> {
  const made = await newWorld();
  await ada(made, { chat: {} });
  return made;
}

describe("does", () => {
  test("a question that was lost on the way is asked again", async ({ expect }) => {
    const made = await world();
    const { bindings, calls } = troubled(failing({ retryable: true }), OBJECT_ATTEMPTS_MAX - 1);
    expect(await ask(bindings, made, CHECK)).toMatchObject({ status: 200, source: "object" });
    expect(calls()).toBe(OBJECT_ATTEMPTS_MAX);
  });

  test("a command that was lost is made again only under a key of repetition", async ({ expect }) => {
    const made = await world();
    const lost = troubled(failing({ retryable: true }), 1);
    expect(await ask(lost.bindings, made, "events", EVENT)).toMatchObject({ status: 503, code: "unavailable" });
    expect(lost.calls()).toBe(1);
    const keyed = troubled(failing({ retryable: true }), 1);
    expect(await ask(keyed.bindings, made, "events", EVENT, { "Idempotency-Key": "once" })).toMatchObject({
      status: 201,
    });
    expect(keyed.calls()).toBe(2);
    expect((await ok(check(made, "chat"))).usage.used).toBe(1);
  });

  test("while an object has too much to do, what is leased is answered and nothing is asked", async ({ expect }) => {
    const made = await world();
    await ok(made.call("PATCH", "/api/v1/account/settings", { entitlementStalenessMs: 60_000 }));
    await check(made, "chat");
    const { bindings, calls } = troubled(failing({ overloaded: true }), 100);
    expect(await ask(bindings, made, CHECK)).toMatchObject({ status: 200, source: "lease" });
    expect(calls()).toBe(0);
  });

  test("while an object has too much to do, reservations come from what it has lent, and then not at all", async ({
    expect,
  }) => {
    const made = await world();
    await fromBlock(made);
    const { bindings } = troubled(failing({ overloaded: true }), 100);
    const reserved: (number | string | null)[] = [];
    for (let times = 0; times < 20 && reserved.at(-1) !== 503; times += 1) {
      const { status, headers } = await ask(bindings, made, "entitlements/reserve", {
        customerReferenceId: "ada",
        featureKey: "chat",
        usageUnits: 1,
      });
      reserved.push(status === 201 ? headers.get("X-Tanso-Source") : status);
    }
    expect(new Set(reserved)).toEqual(new Set(["block", 503]));
  });

  test("an account of the European Union: its objects are others, its id says so", async ({ expect }) => {
    const made = await request<{ account: { id: string; jurisdiction: string }; apiKey: string }>(
      "POST",
      "/api/v1/accounts",
      { name: "Europa", mode: "test", jurisdiction: "eu" },
      { Authorization: "Bearer root_test" },
    );
    expect(made.data.account.jurisdiction).toBe("eu");
    const authorised = { Authorization: `Bearer ${made.data.apiKey}` };
    const settings = await request("GET", "/api/v1/account/settings", undefined, authorised);
    expect(settings.data).toMatchObject({ jurisdiction: "eu" });
    // The local runtime knows no jurisdictions: one is warned of, and the objects are the only ones there are.
    const event = await request("POST", "/api/v1/client/events", EVENT, authorised);
    expect(event.status).toBe(201);
  });

  test("a key's requests are counted by its tier, and one too many hears when to come back", async ({ expect }) => {
    const made = await world();
    const key = await ok(
      made.call<{ apiKey: string; rateLimit: number }>("POST", "/api/v1/account/api-keys", { rateLimit: 100 }),
    );
    expect(key.rateLimit).toBe(100);
    const bindings = { ...env, RATE_LIMITS: "on" };
    const slow = { ...made, key: key.apiKey };
    let last: Sent | undefined;
    // The platform's windows begin when they like: at most two of them let through what they let through.
    for (let at = 0; at < 201 && last?.status !== 429; at += 1) last = await ask(bindings, slow, CHECK);
    expect(last).toMatchObject({ status: 429, code: "rate_limited" });
    expect(last?.headers.get("Retry-After")).toBe("10");
    expect(last?.headers.get("RateLimit-Policy")).toBe('"key";q=100;w=10');
    // Another key is another's, and a deployment that does not limit, like a local one, limits nobody.
    expect(await ask(bindings, made, CHECK)).toMatchObject({ status: 200 });
    expect(await ask(env, slow, CHECK)).toMatchObject({ status: 200 });
  });
});

describe("refuses", () => {
  test("what an overloaded object does not answer: 503, and when to come back", async ({ expect }) => {
    const made = await world();
    const { bindings, calls } = troubled(failing({ overloaded: true, retryable: true }), 100);
    const refused = await ask(bindings, made, CHECK);
    expect(refused).toMatchObject({ status: 503, code: "unavailable" });
    expect(refused.headers.get("Retry-After")).toBe("2");
    expect(calls()).toBe(1);
  });

  test("to repeat what was no failure of the platform's", async ({ expect }) => {
    const made = await world();
    const { bindings, calls } = troubled(new Error("a bug"), 1);
    expect(await ask(bindings, made, CHECK)).toMatchObject({ status: 500 });
    expect(calls()).toBe(1);
  });

  test("a tier that the platform does not count", async ({ expect }) => {
    const made = await newWorld();
    const refused = await made.call("POST", "/api/v1/account/api-keys", { rateLimit: 101 });
    expect(refused).toMatchObject({ status: 400, error: { fields: [{ path: "rateLimit" }] } });
  });
});

describe("holds", () => {
  test("where the platform fails to count a key's requests, nobody is refused for it", async ({ expect }) => {
    const made = await world();
    await ok(made.call("PATCH", "/api/v1/account/settings", { entitlementStalenessMs: 60_000 }));
    const limit = async () => {
      throw new Error("the counter is away");
    };
    const bindings = { ...env, RATE_LIMITS: "on", RATE_10000: { limit } };
    expect(await ask(bindings, made, CHECK)).toMatchObject({ status: 200 });
    // By the short way, too.
    const again = await ask(bindings, made, "entitlements/ada/chat");
    expect([again.status, again.headers.get("X-Tanso-Source")]).toEqual([200, "lease"]);
  });

  test("a write that failed on its way ends leases like one that came through", async ({ expect }) => {
    const made = await world();
    await ok(made.call("PATCH", "/api/v1/account/settings", { entitlementStalenessMs: 60_000 }));
    await check(made, "chat");
    expect((await ok(check(made, "chat"))).source).toBe("lease");
    const reserve = { customerReferenceId: "ada", featureKey: "chat", usageUnits: 1, ttlSeconds: 3600 };
    const { bindings } = troubled(failing({ retryable: true }), 1);
    expect(await ask(bindings, made, "entitlements/reserve", reserve)).toMatchObject({ status: 503 });
    expect((await ok(check(made, "chat"))).source).toBe("object");
    await ok(consume(made));
  });

  test("objects of a jurisdiction are asked for there, and a failure to find it is none to pass over", ({ expect }) => {
    const asked: string[] = [];
    const there = { idFromName: env.CUSTOMERS.idFromName, get: env.CUSTOMERS.get };
    const objects = {
      ...there,
      jurisdiction: (jurisdiction: string) => {
        asked.push(jurisdiction);
        return there;
      },
    };
    expect(objectsIn(objects, "eu")).toBe(there);
    expect(objectsIn(objects, undefined)).toBe(objects);
    expect(asked).toEqual(["eu"]);
    const broken = {
      ...there,
      jurisdiction: () => {
        throw new Error("no such jurisdiction");
      },
    };
    expect(() => objectsIn(broken, "eu")).toThrow("no such jurisdiction");
  });

  test("an object is wished where the request comes from, also by the call that follows one that was lost", async ({
    expect,
  }) => {
    const made = await newWorld();
    const { bindings, wishes } = wishing(1);
    const from = async (continent: string, path: string, body: string, type = "application/json") => {
      const context = createExecutionContext();
      const headers = { Authorization: `Bearer ${made.key}`, "Content-Type": type };
      const init = { method: "POST", headers, body, cf: { continent } };
      await app.fetch(new Request(`https://tanso.test/api/v1/${path}`, init as RequestInit), bindings, context);
      await waitOnExecutionContext(context);
    };
    await from("SA", "client/events", JSON.stringify(EVENT));
    // Nobody knows whether the first one made it; where it did, the platform heeds no wish.
    await from("SA", "client/events", JSON.stringify(EVENT));
    expect(wishes.splice(0)).toEqual(["sam", "sam"]);
    // An operator's own place says nothing of the customer's: the account's wish counts, and goes before.
    await ok(made.call("PATCH", "/api/v1/account/settings", { defaultRegion: "oc" }));
    const file = "customerReferenceId,eventName,occurredAt,usageUnits\neve,call,2026-01-01T00:00:00Z,1\n";
    await from("NA", "events/import?importId=1", file, "text/csv");
    expect(wishes).toEqual(["oc"]);
  });

  test("the daily round and a webhook make no object but where the account wishes it", async ({ expect }) => {
    const made = await newWorld();
    await ok(made.call("PATCH", "/api/v1/account/settings", { defaultRegion: "oc" }));
    // In the directory, while its object was never reached.
    const lost = troubled(failing({ retryable: true }), 100);
    const person = { customerReferenceId: "ada", email: "ada@mail.test" };
    expect((await ask(lost.bindings, made, "customers", person)).status).toBe(503);
    const [known] = await customersNamed(env.DB, made.accountId, { referenceId: "ada" });
    if (known === undefined) throw new Error("the directory comes first");
    const { bindings, wishes } = wishing(0, `${made.accountId}/`);
    const metadata = { tanso_account: made.accountId, tanso_customer: known.customerId };
    const object = { id: "cus_1", metadata };
    const body = JSON.stringify({
      id: "evt_1",
      type: "customer.deleted",
      created: 1,
      livemode: false,
      data: { object },
    });
    const event = { eventId: "evt_1", type: "customer.deleted", createdAtMs: 1000, isLive: false, body };
    await takeWebhook(bindings, made.accountId, event, Date.now());
    for (let isDone = false; !isDone; ) isDone = (await wakeEveryone(bindings, wishes.length === 1)) === undefined;
    expect(wishes).toEqual(["oc", "oc"]);
  });

  test("an account's id says its jurisdiction, and a random one none", ({ expect }) => {
    const random = "4c1f0c9e-6a0f-4b7e-9d52-0f6f2f9a7b31";
    expect(accountIdIn(undefined, random)).toBe(random);
    expect(accountIdIn("eu", random)).toBe("4c1f0c9e-6a0f-8e00-9d52-0f6f2f9a7b31");
  });
});
