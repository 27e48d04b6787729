import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { leases } from "../../src/edge/leases.ts";
import type { Env } from "../../src/env.ts";
import { mount } from "../../src/http/app.ts";
import { leasedCheck } from "../../src/http/client/leased-check.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { ada, check } from "../support/access.ts";
import { ok } from "../support/sale.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

/** The short way of a leased check, beside the ordinary one in the same isolate: whoever it answers hears the same from both. */

const NOON = "2030-03-05T12:00:00.000Z";
const CHECK = "/api/v1/client/entitlements/ada/chat";

beforeEach(() => {
  leases.clear();
  clockAt(NOON);
});
afterAll(() => {
  vi.useRealTimers();
});

const ordinary = mount(ROUTES);

/** Below what anybody asks ahead of by a timer. */
const BOUND_MS = 80;

/** A world in which ada's checks of `chat` are leased for so long, and one lease that has just begun. */
async function leased(entitlementStalenessMs = BOUND_MS): Promise<World> {
  const world = await newWorld();
  await ok(world.call("PATCH", "/api/v1/account/settings", { entitlementStalenessMs }));
  await ada(world, { chat: {} });
  await ok(check(world, "chat", ""));
  return world;
}

type Asked = { path?: string; method?: string; headers?: Record<string, string> };

/** Two of the same: an answer's headers belong to its request. */
function twice(world: World, { path = CHECK, method = "GET", headers = {} }: Asked): [Request, Request] {
  const request = new Request(`https://tanso.test${path}`, {
    method,
    headers: { Authorization: `Bearer ${world.key}`, "X-Request-Id": "the-same", ...headers },
  });
  return [request, request.clone()];
}

async function told(answer: Response) {
  // An id that was made up is another each time.
  const headers = [...answer.headers].map(([name, value]) => [name, value.replace(/^[\da-f-]{36}$/, "(made up)")]);
  return { status: answer.status, headers: headers.sort(), text: await answer.text() };
}

/** What both ways say; the short one undefined where it leaves the answer to the ordinary one. */
async function bothWays(world: World, asked: Asked, bindings: Env = env) {
  const [short, long] = twice(world, asked);
  const quick = await leasedCheck(short, bindings);
  const context = createExecutionContext();
  const usual = await ordinary.fetch(long, bindings, context);
  await waitOnExecutionContext(context);
  return { quick: quick && (await told(quick)), usual: await told(usual) };
}

/** The log of ada's checks. */
async function logged(world: World): Promise<unknown[]> {
  const { items } = await ok(world.call<{ items: unknown[] }>("GET", "/api/v1/monetization/customers/ada/checks"));
  return items;
}

describe("does", () => {
  test("a check that is leased is answered, header by header as on the ordinary way", async ({ expect }) => {
    const world = await leased();
    for (const headers of [{}, { Cookie: "a=b" }, { "X-Request-Id": "another" }]) {
      const { quick, usual } = await bothWays(world, { headers });
      expect(quick).toEqual(usual);
      expect(quick?.headers).toContainEqual(["x-tanso-source", "lease"]);
    }
  });

  test("a request without an id of its own gets one", async ({ expect }) => {
    const world = await leased();
    const [request] = twice(world, {});
    request.headers.delete("X-Request-Id");
    const answer = await leasedCheck(request, env);
    expect(answer?.headers.get("X-Request-Id")).toMatch(/^[\w-]{36}$/);
  });

  test("each is in the log of checks", async ({ expect }) => {
    const world = await leased();
    for (let times = 0; times < 3; times += 1) expect(await leasedCheck(twice(world, {})[0], env)).toBeDefined();
    await ok(check(world, "chat", "?fresh=true"));
    expect(await logged(world)).toEqual([{ day: "2030-03-05", featureKey: "chat", allowed: 5, denied: 0 }]);
  });
});

describe("leaves to the ordinary way", () => {
  test.for<[string, Asked]>([
    ["a question with a query", { path: `${CHECK}?record=false` }],
    ["one that wants no old answer", { headers: { "Cache-Control": "no-cache" } }],
    ["one of a page of another origin", { headers: { Origin: "https://elsewhere.test" } }],
    ["one with a key of repetition, which is told back", { headers: { "Idempotency-Key": "k" } }],
    ["a key that nobody knows", { headers: { Authorization: `Bearer sk_test_${"x".repeat(40)}` } }],
    ["no key", { headers: { Authorization: "" } }],
    ["another method", { method: "POST" }],
    ["a feature that is not leased", { path: "/api/v1/client/entitlements/ada/other" }],
    ["somebody unknown", { path: "/api/v1/client/entitlements/nobody/chat" }],
    ["a longer path", { path: `${CHECK}/more` }],
    ["a path that ends in a slash", { path: `${CHECK}/` }],
    ["an escaped name", { path: "/api/v1/client/entitlements/%61da/chat" }],
    ["names beyond every length", { path: `/api/v1/client/entitlements/${"a".repeat(300)}/${"b".repeat(300)}` }],
  ])("%s", async ([, asked], { expect }) => {
    const world = await leased();
    expect((await bothWays(world, asked)).quick).toBeUndefined();
  });

  test("a key that is pinned to a customer", async ({ expect }) => {
    const world = await leased();
    const path = "/api/v1/client/customers/ada/keys";
    const { apiKey } = await ok(world.call<{ apiKey: string }>("POST", path, { scopes: ["read"] }));
    expect((await bothWays({ ...world, key: apiKey }, {})).quick).toBeUndefined();
  });

  test("what is to be asked for ahead: the lease in its second half, the key in the second half of its trust", async ({
    expect,
  }) => {
    const world = await leased();
    clockAt(new Date(at(NOON) + BOUND_MS / 2).toISOString());
    expect(await leasedCheck(twice(world, {})[0], env)).toBeUndefined();
    await ok(check(world, "chat", "?fresh=true"));
    clockAt(new Date(at(NOON) + 3000).toISOString());
    expect(await leasedCheck(twice(world, {})[0], env)).toBeUndefined();
  });

  test("a question that comes steadily, once: from then on somebody asks ahead of it", async ({ expect }) => {
    const world = await leased(1000);
    const asked = () => leasedCheck(twice(world, {})[0], env);
    expect(await asked()).toBeUndefined();
    expect(await ok(check(world, "chat", ""))).toMatchObject({ source: "lease" });
    expect(await asked()).toBeDefined();
  });

  test("a key that asks too often: the ordinary way says so", async ({ expect }) => {
    const world = await leased();
    const limiter = (success: boolean) => ({ limit: async () => ({ success }) });
    const limiters = (success: boolean) => ({
      RATE_LIMITS: "on",
      RATE_100: limiter(success),
      RATE_1000: limiter(success),
      RATE_10000: limiter(success),
    });
    const limited = { ...env, ...limiters(false) } as Env;
    const { quick, usual } = await bothWays(world, {}, limited);
    expect(quick).toBeUndefined();
    expect(usual).toMatchObject({ status: 429 });
    const free = await bothWays(world, {}, { ...env, ...limiters(true) } as Env);
    expect(free.quick).toEqual(free.usual);
    expect(free.quick).toMatchObject({ status: 200 });
    // What was refused is in no log: one that made the lease, one by each way, and this one.
    await ok(check(world, "chat", "?fresh=true"));
    expect(await logged(world)).toMatchObject([{ allowed: 4, denied: 0 }]);
  });
});

describe("holds", () => {
  test("whatever is asked: where the short way answers, the ordinary one says the same", async ({ expect }) => {
    const world = await leased();
    const odd = fc.constantFrom("/", "//", "?", "#", "%", "%2F", ";", "..", ".", "chat", "ada", "é", " ", "");
    const paths = fc.oneof(
      fc.constant(CHECK),
      fc.array(odd, { maxLength: 4 }).map((parts) => `${CHECK}${parts.join("")}`),
      fc.array(odd, { maxLength: 5 }).map((parts) => `/api/v1/client/entitlements/${parts.join("")}`),
    );
    const headers = fc.dictionary(
      fc.constantFrom("Cache-Control", "Origin", "Idempotency-Key", "X-API-Key", "X-Request-Id", "Accept"),
      fc.constantFrom("", "no-cache", "max-age=5", "x", "ü"),
      { maxKeys: 2 },
    );
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(paths, headers, async (path, sent) => {
        const { quick, usual } = await bothWays(world, { path, headers: sent });
        if (quick === undefined) return;
        answered += 1;
        expect(quick).toEqual(usual);
      }),
      { numRuns: 300 },
    );
    expect(answered).toBeGreaterThan(20);
  });
});
