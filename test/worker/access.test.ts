import { beforeAll, describe, test } from "vitest";
import type { Route } from "../../src/http/route.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { insertKey, pathWith, probe, rowsOf, send, strangers, type Things } from "../support/probe.ts";
import { newWorld, type World } from "../support/world.ts";

/**
 * Who may call what, generated from the table of routes: a new route is covered by itself. Each route is called by every wrong
 * kind of key, and by strangers' keys with the ids of things that are not theirs.
 */

const CUSTOMER_SCOPES = ["read", "purchase", "ingest"] as const;

const every = ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const);
const closed = every.filter(([, route]) => route.scope !== "public");
const keyed = closed.filter(([, route]) => route.scope !== "root");
const pathsOf = (route: Route): string[] => [route.path, ...(route.aliases ?? [])];

/** A word that stands everywhere in the owner's data, and in no request that a stranger sends. */
const SECRET = "zebulon";

type Setup = { world: World; mine: Things; other: Things; clientKey: string };

/** An account with two customers, whose data say `word` wherever text can be said. */
async function setUp(word: string): Promise<Setup> {
  const world = await newWorld();
  const clientKey = await insertKey(world.accountId, { scopes: ["client"] });
  const mine = await makeThings(world, "ada", word);
  const other = await makeThings(world, "grace", word);
  await world.flush(mine.customerId, other.customerId);
  return { world, mine, other, clientKey };
}

async function makeThings(world: World, ref: string, word: string): Promise<Things> {
  const made = await world.call<{ id: string }>("POST", "/api/v1/client/customers", {
    customerReferenceId: ref,
    email: `${word}@mail.test`,
    firstName: word,
    lastName: word,
  });
  const featureKey = `chat.${ref}`;
  await world.event({
    customerReferenceId: ref,
    featureKey,
    eventName: word,
    eventIdempotencyKey: word,
    flowId: word,
    meta: { said: word },
    costInput: { model: word },
  });
  const { data } = await world.call<{ items: { id: string; key: string }[] }>("GET", "/api/v1/client/features");
  const key = await world.call<{ id: string }>("POST", `/api/v1/client/customers/${ref}/keys`, { scopes: ["read"] });
  const featureId = data.items.find((feature) => feature.key === featureKey)?.id ?? "";
  const plan = await world.call<{ id: string }>("POST", "/api/v1/monetization/plans", {
    key: `plan.${ref}`,
    name: word,
    description: word,
    priceAmount: 10,
  });
  const planId = plan.data.id;
  await world.call("POST", "/api/v1/monetization/rules/plan-features", { planId, featureId });
  await world.call("PATCH", `/api/v1/monetization/plans/${planId}`, { status: "ACTIVE" });
  const clock = await world.call<{ id: string }>("POST", "/api/v1/test-clocks", {
    name: word,
    frozenTime: "2027-01-31T09:00:00Z",
  });
  const model = await world.call<{ id: string }>("POST", "/api/v1/monetization/credits/models", {
    name: word,
    denomination: "AI_CREDITS",
    description: word,
  });
  // An instant has one batch: each customer's at another one.
  const weights = await world.call<{ id: string }[]>("POST", "/api/v1/monetization/credits/weights/publish", {
    effectiveFrom: `2100-01-0${ref.length}T00:00:00Z`,
    entries: [{ featureId, model: word, creditsPerUnit: 2 }],
  });
  const { data: bought } = await world.call<{ subscription: { id: string }; invoice: { id: string } }>(
    "POST",
    "/api/v1/client/subscriptions",
    { customerReferenceId: ref, planId },
  );
  const pool = await creditsOf(world, made.data.id, word);
  return {
    ref,
    customerId: made.data.id,
    featureId,
    featureKey,
    keyId: key.data.id,
    planId,
    subscriptionId: bought.subscription.id,
    invoiceId: bought.invoice.id,
    clockId: clock.data.id,
    creditModelId: model.data.id,
    weightId: weights.data[0]?.id ?? "",
    ...pool,
    adminKey: world.key,
  };
}

/** A pool with a grant and a deduction. */
async function creditsOf(world: World, customerId: string, word: string) {
  const credits = "/api/v1/monetization/credits";
  const pool = await world.call<{ id: string }>("POST", `${credits}/pools`, {
    name: word,
    denomination: word,
    customerId,
    metadata: { said: word },
  });
  const creditPoolId = pool.data.id;
  const amount = { creditPoolId, amount: 100, description: word };
  const grant = await world.call<{ id: string }>("POST", `${credits}/grants`, { ...amount, grantType: "MANUAL" });
  const taken = await world.call<{ id: string }>("POST", `${credits}/deductions`, { ...amount, amount: 1 });
  return { poolId: creditPoolId, grantId: grant.data.id, entryId: taken.data.id };
}

let owner: Setup;
let stranger: Setup;

beforeAll(async () => {
  owner = await setUp(SECRET);
  stranger = await setUp("plain");
});

/** What D1 holds of the owner's account once its objects have nothing more to send. */
async function ownersRows(): Promise<string[]> {
  await owner.world.flush(owner.mine.customerId, owner.other.customerId);
  return rowsOf(owner.world.accountId);
}

/**
 * What does not fit a mutating probe twice, deleting and rotating, is tried on things that nobody has. What is scheduled for a
 * subscription can be dropped again and again.
 */
function harmless(route: Route, things: Things): Things {
  return route.method === "DELETE" || /rotate/.test(route.path)
    ? { ...strangers(), ref: things.ref, subscriptionId: things.subscriptionId }
    : things;
}

describe("does", () => {
  test("probes name the owner's things", ({ expect }) => {
    for (const thing of [owner.mine, owner.other, stranger.mine])
      for (const value of Object.values(thing)) expect(value).toMatch(/./);
    expect(pathWith("/a/customers/{ref}/keys/{keyId}/rotate", owner.mine)).toBe(
      `/a/customers/ada/keys/${owner.mine.keyId}/rotate`,
    );
  });

  test.for(every)("%s lets the right key through, by every path and both headers", async ([, route], { expect }) => {
    const keys =
      route.scope === "public"
        ? [undefined]
        : route.scope === "root"
          ? ["root_test"]
          : route.scope === "admin"
            ? [owner.world.key]
            : [owner.world.key, owner.clientKey];
    for (const path of pathsOf(route))
      for (const key of keys) {
        const answered = await probe(route, harmless(route, owner.mine), key, path);
        expect([401, 403, 405, 500], `${path}: ${answered.text}`).not.toContain(answered.status);
      }
    if (keys[0] === undefined) return;
    const byHeader = await send(route.method, pathWith(route.path, strangers()), { headers: { "X-API-Key": keys[0] } });
    expect([401, 403, 405, 500], byHeader.text).not.toContain(byHeader.status);
  });
});

describe("refuses", () => {
  test.for(closed)("%s without a key, or with one that nobody has", async ([, route], { expect }) => {
    for (const path of pathsOf(route)) {
      const none = await probe(route, owner.mine, undefined, path);
      expect(none).toMatchObject({ status: 401, envelope: { success: false, error: { code: "unauthorized" } } });
      for (const key of ["sk_test_unknown", `${owner.world.key}x`, "null", "root", "%00"])
        expect((await probe(route, owner.mine, key, path)).status).toBe(401);
      for (const value of [
        "",
        "Bearer",
        "Bearer ",
        `Basic ${owner.world.key}`,
        owner.world.key,
        `Bearer ${"k".repeat(4000)}`,
      ])
        expect(
          (await send(route.method, pathWith(path, owner.mine), { headers: { Authorization: value } })).status,
        ).toBe(401);
    }
  });

  test.for(keyed)("%s with a key that has ended, or the root token", async ([, route], { expect }) => {
    const scopes = ["admin"];
    const [expired, revoked, root] = [
      await insertKey(owner.world.accountId, { scopes, expiresAtMs: Date.now() - 1 }),
      await insertKey(owner.world.accountId, { scopes, revokedAtMs: Date.now() - 1 }),
      "root_test",
    ];
    for (const key of [expired, revoked, root])
      expect(await probe(route, owner.mine, key)).toMatchObject({
        status: 401,
        envelope: { error: { code: "unauthorized" } },
      });
  });

  test.for(closed.filter(([, route]) => route.scope === "root"))(
    "%s with an account's key",
    async ([, route], { expect }) => {
      for (const key of [owner.world.key, owner.clientKey])
        expect((await probe(route, owner.mine, key)).status).toBe(401);
    },
  );

  test.for(keyed.filter(([, route]) => route.scope === "admin"))(
    "%s with a client key",
    async ([, route], { expect }) => {
      for (const path of pathsOf(route))
        expect(await probe(route, owner.mine, owner.clientKey, path)).toMatchObject({
          status: 403,
          envelope: { success: false, error: { code: "forbidden" } },
        });
    },
  );

  test.for(keyed)("%s with a customer's key of a scope that does not open it", async ([, route], { expect }) => {
    const { customerId } = owner.mine;
    for (const scope of CUSTOMER_SCOPES) {
      const key = await insertKey(owner.world.accountId, { scopes: [scope], customerId });
      for (const path of pathsOf(route)) {
        const answered = await probe(route, harmless(route, owner.mine), key, path);
        if (route.pinned?.includes(scope)) expect([401, 403], answered.text).not.toContain(answered.status);
        else expect(answered).toMatchObject({ status: 403, envelope: { error: { code: "forbidden" } } });
      }
    }
    const scopeless = await insertKey(owner.world.accountId, { scopes: [], customerId });
    expect((await probe(route, owner.mine, scopeless)).status).toBe(403);
  });

  const pinned = keyed.filter(([, route]) => route.pinned !== undefined);

  test.for(pinned)("%s with a customer's key for anybody else, known or not", async ([, route], { expect }) => {
    const key = await insertKey(owner.world.accountId, {
      scopes: route.pinned ?? [],
      customerId: owner.mine.customerId,
    });
    const nobody = strangers();
    const namesCustomer = `${route.path} ${JSON.stringify(route.examples?.body ?? {})}`.match(
      /\{ref\}|customer\w*Id|subscriptions\/.*\{id\}/,
    );
    const before = await ownersRows();
    for (const them of [
      owner.other,
      { ...owner.other, ref: owner.other.customerId },
      { ...owner.other, ref: owner.other.customerId.toUpperCase() },
      nobody,
      { ...nobody, ref: "cus_nobody" },
      { ...stranger.mine, ref: stranger.mine.customerId },
    ]) {
      const answered = await probe(route, them, key);
      // A batch answers for each of its events.
      const lines = (answered.envelope.data as { results?: { status: string; error?: { code: string } }[] } | undefined)
        ?.results;
      if (lines !== undefined) {
        expect(lines.length).toBeGreaterThan(0);
        for (const line of lines) expect(line).toMatchObject({ status: "rejected", error: { code: "forbidden" } });
      } else if (namesCustomer) {
        expect(answered, JSON.stringify(them)).toMatchObject({
          status: 403,
          envelope: { error: { code: "forbidden" } },
        });
      }
    }
    expect(await ownersRows()).toEqual(before);
  });
});

describe("holds", () => {
  test.for(keyed)("%s gives another account nothing and changes nothing of it", async ([, route], { expect }) => {
    const before = await ownersRows();
    const shown = await owner.world.call("GET", `/api/v1/client/customers/${owner.mine.ref}`);
    const aims = [
      owner.mine,
      { ...owner.mine, ref: owner.mine.customerId },
      { ...owner.mine, ref: owner.mine.featureId },
    ];
    for (const path of pathsOf(route))
      for (const key of [stranger.world.key, stranger.clientKey]) {
        for (const aim of aims) {
          const answered = await probe(route, aim, key, path);
          expect(answered.status, answered.text).toBeLessThan(500);
          expect(answered.text.toLowerCase()).not.toContain(SECRET);
        }
      }
    expect(await ownersRows()).toEqual(before);
    expect((await owner.world.call("GET", `/api/v1/client/customers/${owner.mine.ref}`)).data).toEqual(shown.data);
  });
});
