import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { customerId } from "../../src/domain/ids.ts";
import { projectionStatements } from "../../src/ledger/projections.ts";
import { withD1 } from "../support/d1.ts";
import { newTag, planNamed, subscriptionOf } from "../support/views.ts";
import { newWorld } from "../support/world.ts";

const PATH = "/api/v1/monetization/features";
const CLIENT = "/api/v1/client/features";

type Feature = {
  id: string;
  key: string;
  name: string;
  description?: string;
  isEnabled: boolean;
  metadata: Record<string, unknown>;
  createdAt: string;
  modifiedAt: string;
};
type Features = { items: Feature[]; pagination: { total: number; hasMore: boolean } };

describe("does", () => {
  test("a feature is made, read, listed and seen by clients", async ({ expect }) => {
    const world = await newWorld();
    const metadata = { tier: 1, nested: { nothing: null } };
    const made = await world.call<Feature>("POST", PATH, {
      key: "ai.chat",
      name: "Chat",
      description: "Talks.",
      metadata,
    });
    expect(made.status).toBe(201);
    expect(made.data).toMatchObject({ key: "ai.chat", name: "Chat", description: "Talks.", isEnabled: true, metadata });
    expect(made.data.modifiedAt).toBe(made.data.createdAt);
    expect((await world.call("GET", `${PATH}/${made.data.id}`)).data).toEqual(made.data);
    expect((await world.call<Features>("GET", PATH)).data.items).toEqual([made.data]);
    expect((await world.call<Features>("GET", CLIENT)).data.items).toEqual([made.data]);
    expect((await world.call("GET", `${CLIENT}/ai.chat`)).data).toEqual(made.data);
  });

  test("features are searched by a part of key or name, page by page", async ({ expect }) => {
    const world = await newWorld();
    for (const [key, name] of [
      ["ai.chat", "Talk"],
      ["ai.image", "Pictures 100%"],
      ["export", "Chatter"],
    ])
      await world.call("POST", PATH, { key, name });
    const found = async (query: string) => {
      const { items, pagination } = (await world.call<Features>("GET", `${PATH}?${query}`)).data;
      return [...items.map(({ key }) => key), pagination.total];
    };
    expect(await found("search=CHAT")).toEqual(["export", "ai.chat", 2]);
    expect(await found("search=chat&limit=1&offset=1")).toEqual(["ai.chat", 2]);
    expect(await found("search=%20100%25%20")).toEqual(["ai.image", 1]);
    // Not across key and name, and `%` stands for itself.
    expect(await found("search=chattalk")).toEqual([0]);
    expect(await found("search=a%25t")).toEqual([0]);
    expect(await found("search=")).toEqual(["export", "ai.image", "ai.chat", 3]);
  });

  test("a key may hold any printable character, up to 255 of them, and is found by it", async ({ expect }) => {
    const world = await newWorld();
    for (const key of ["a/b?c#d%20é", "日本", "k".repeat(255), " ", "__proto__"]) {
      const made = await world.call<Feature>("POST", PATH, { key });
      expect(made, key).toMatchObject({ status: 201, data: { key, name: key } });
      const found = await world.call<Feature>("GET", `${CLIENT}/${encodeURIComponent(key)}`);
      expect(found.data, key).toEqual(made.data);
    }
  });

  test("a change sets what it names; an empty description clears it", async ({ expect }) => {
    const world = await newWorld();
    const { data: made } = await world.call<Feature>("POST", PATH, {
      key: "chat",
      description: "Old",
      metadata: { a: 1 },
    });
    const changed = await world.call<Feature>("PATCH", `${PATH}/${made.id}`, {
      key: "chat",
      name: "Chat",
      description: "",
      isEnabled: false,
      metadata: { b: 2 },
    });
    expect(changed.status).toBe(200);
    expect(changed.data).toEqual({
      id: made.id,
      key: "chat",
      name: "Chat",
      isEnabled: false,
      metadata: { b: 2 },
      createdAt: made.createdAt,
      modifiedAt: expect.any(String),
    });
    expect((await world.call("PATCH", `${PATH}/${made.id}`, {})).data).toMatchObject({
      name: "Chat",
      isEnabled: false,
    });
    expect((await world.call("GET", `${CLIENT}/chat`)).data).toMatchObject({ isEnabled: false });
  });

  test("lists are paged", async ({ expect }) => {
    const world = await newWorld();
    for (const key of ["a", "b", "c"]) await world.call("POST", PATH, { key });
    for (const path of [PATH, CLIENT]) {
      const first = await world.call<Features>("GET", `${path}?limit=2`);
      const rest = await world.call<Features>("GET", `${path}?limit=2&offset=2`);
      expect(first.data.pagination).toMatchObject({ total: 3, hasMore: true });
      expect(rest.data.pagination).toMatchObject({ total: 3, hasMore: false });
      expect([...first.data.items, ...rest.data.items].map(({ key }) => key).sort()).toEqual(["a", "b", "c"]);
    }
  });

  test("a deleted feature is gone, and its key is free for a new one", async ({ expect }) => {
    const world = await newWorld();
    const { data: old } = await world.call<Feature>("POST", PATH, { key: "chat" });
    const deleted = await world.call("DELETE", `${PATH}/${old.id}`);
    expect(deleted).toMatchObject({ status: 200, data: undefined, error: undefined });
    expect((await world.call("GET", `${PATH}/${old.id}`)).status).toBe(404);
    expect((await world.call("GET", `${CLIENT}/chat`)).status).toBe(404);
    const fresh = await world.call<Feature>("POST", PATH, { key: "chat" });
    expect(fresh.status).toBe(201);
    expect(fresh.data.id).not.toBe(old.id);
  });

  test("several are deleted in one call", async ({ expect }) => {
    const world = await newWorld();
    const ids: string[] = [];
    for (const key of ["a", "b", "c"]) ids.push((await world.call<Feature>("POST", PATH, { key })).data.id);
    const [a = "", b = ""] = ids;
    expect((await world.call("DELETE", PATH, { ids: [a, b.toUpperCase(), a] })).status).toBe(200);
    expect((await world.call<Features>("GET", PATH)).data.items.map(({ key }) => key)).toEqual(["c"]);
  });

  test("the plans that have it are listed by their keys, in every state, with what each says of it", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id: featureId } = (await world.call<Feature>("POST", PATH, { key: "chat" })).data;
    const value = { pricing: { model: "included", max_usage: 5, reset_mode: "reset" } };
    for (const key of ["pro", "basic", "none"]) {
      const plan = { key, name: key, description: "Sold." };
      const { id: planId } = (await world.call<{ id: string }>("POST", "/api/v1/monetization/plans", plan)).data;
      if (key === "none") continue;
      await world.call("POST", "/api/v1/monetization/rules/plan-features", { planId, featureId, value });
      await world.call("PATCH", `/api/v1/monetization/plans/${planId}`, { status: "ACTIVE" });
      if (key === "pro") await world.call("DELETE", `/api/v1/monetization/plans/${planId}`);
    }
    type Plans = { items: unknown[]; pagination: { total: number; hasMore: boolean } };
    const first = await world.call<Plans>("GET", `${PATH}/${featureId}/plans?limit=1`);
    expect(first.data).toMatchObject({
      items: [{ plan: { key: "basic", status: "ACTIVE" }, rule: { featureId, value } }],
      pagination: { total: 2, hasMore: true },
    });
    const rest = await world.call<Plans>("GET", `${PATH}/${featureId}/plans?offset=1`);
    expect(rest.data.items).toMatchObject([{ plan: { key: "pro", status: "ARCHIVED" }, rule: { featureId, value } }]);
    expect((await (await newWorld()).call("GET", `${PATH}/${featureId}/plans`)).status).toBe(404);
  });

  test("an event makes a feature, which the operator may name; one that names a deleted key makes a new one", async ({
    expect,
  }) => {
    const world = await newWorld();
    await world.event({ customerReferenceId: "acme", featureKey: "search" });
    const [made] = (await world.call<Features>("GET", PATH)).data.items;
    expect(made).toMatchObject({ key: "search", name: "search", isEnabled: true });
    await world.call("PATCH", `${PATH}/${made?.id}`, { name: "Search" });
    await world.event({ customerReferenceId: "acme", featureKey: "search" });
    expect((await world.call<Features>("GET", PATH)).data.items).toMatchObject([{ id: made?.id, name: "Search" }]);
    await world.call("DELETE", `${PATH}/${made?.id}`);
    await world.event({ customerReferenceId: "acme", featureKey: "search" });
    const [next] = (await world.call<Features>("GET", PATH)).data.items;
    expect(next).toMatchObject({ key: "search", name: "search" });
    expect(next?.id).not.toBe(made?.id);
  });
});

describe("refuses", () => {
  test("keys that are none", async ({ expect }) => {
    const world = await newWorld();
    for (const key of [undefined, null, "", "k".repeat(256), "a\u0000b", "a\nb", "\ud800", 7])
      expect(await world.call("POST", PATH, { key }), String(key)).toMatchObject({
        status: 400,
        error: { code: "validation_failed", fields: [{ path: "key" }] },
      });
  });

  test("a key that is taken, in this account only", async ({ expect }) => {
    const world = await newWorld();
    await world.call("POST", PATH, { key: "chat" });
    const refused = await world.call("POST", PATH, { key: "chat", name: "Other" });
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect((await (await newWorld()).call("POST", PATH, { key: "chat" })).status).toBe(201);
    // Compared exactly.
    expect((await world.call("POST", PATH, { key: "Chat" })).status).toBe(201);
  });

  test("another key for a feature", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.call<Feature>("POST", PATH, { key: "chat" });
    expect(await world.call("PATCH", `${PATH}/${data.id}`, { key: "talk", name: "Talk" })).toMatchObject({
      status: 400,
      error: { code: "validation_failed", fields: [{ path: "key" }] },
    });
    expect((await world.call("GET", `${PATH}/${data.id}`)).data).toEqual(data);
  });

  test("features that are not there, or another account's", async ({ expect }) => {
    const world = await newWorld();
    const { data: foreign } = await (await newWorld()).call<Feature>("POST", PATH, { key: "chat" });
    for (const id of ["nonsense", crypto.randomUUID(), foreign.id])
      for (const method of ["GET", "PATCH", "DELETE"])
        expect((await world.call(method, `${PATH}/${id}`)).status, `${method} ${id}`).toBe(404);
    expect((await world.call("GET", `${CLIENT}/chat`)).status).toBe(404);
  });

  test("deleting several of which one is unknown: none is deleted", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.call<Feature>("POST", PATH, { key: "chat" });
    expect((await world.call("DELETE", PATH, { ids: [data.id, crypto.randomUUID()] })).status).toBe(404);
    expect((await world.call("DELETE", PATH, {})).status).toBe(400);
    expect((await world.call("DELETE", PATH, { ids: [] })).status).toBe(400);
    expect((await world.call("DELETE", PATH, { ids: Array(201).fill(data.id) })).status).toBe(400);
    expect((await world.call("GET", `${PATH}/${data.id}`)).status).toBe(200);
  });

  test("deleting a feature that a subscriber's old version holds; the plans and versions are named", async ({
    expect,
  }) => {
    const world = await newWorld();
    const ids = new Map<string, string>();
    for (const key of ["chat", "search"]) ids.set(key, (await world.call<Feature>("POST", PATH, { key })).data.id);
    const plan = { key: "pro", name: "Pro", description: "For teams." };
    const planId = (await world.call<{ id: string }>("POST", "/api/v1/monetization/plans", plan)).data.id;
    const rules = "/api/v1/monetization/rules/plan-features";
    for (const featureId of ids.values()) await world.call("POST", rules, { planId, featureId });
    await world.call("PATCH", `/api/v1/monetization/plans/${planId}`, { status: "ACTIVE" });
    expect((await world.call("DELETE", `${rules}/${planId}/${ids.get("chat")}`)).status).toBe(200);
    const tag = newTag();
    const holds = (rev: number, more: Parameters<typeof subscriptionOf>[2]) =>
      env.DB.batch(
        projectionStatements(env.DB, world.accountId, customerId(tag), [
          { kind: "subscription", view: subscriptionOf(tag, 1, more), rev },
        ]),
      );
    const remove = () => world.call("DELETE", `${PATH}/${ids.get("chat")}`);
    await holds(1, { plan: planNamed(planId, 1) });
    const refused = await remove();
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(refused.error.message).toBe(
      "“chat” is in version 1 of the plan “pro”, which subscribers still have. Move them to a version without it first.",
    );
    // Another feature's rule in the plan itself says so first.
    const both = await world.call("DELETE", PATH, { ids: [...ids.values()] });
    expect(both.error.message).toBe("“search” is in the plan “pro”. Delete its rules there first.");
    await holds(2, { plan: planNamed(planId, 2) });
    expect((await remove()).status).toBe(200);
  });
});

describe("holds", () => {
  test("twenty requests at once for one key make one feature", async ({ expect }) => {
    const world = await newWorld();
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.call("POST", PATH, { key: "chat" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    expect((await world.call<Features>("GET", PATH)).data.items).toHaveLength(1);
  });

  test("twenty requests at once under one Idempotency-Key get one answer", async ({ expect }) => {
    const world = await newWorld();
    const headers = { "Idempotency-Key": "make-chat" };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => world.call<Feature>("POST", PATH, { key: "chat" }, headers)),
    );
    expect(new Set(answers.map(({ status, data }) => `${status} ${data.id}`)).size).toBe(1);
    expect(answers.filter((one) => one.headers.get("Idempotency-Replayed") === "true")).toHaveLength(19);
    const trail = await env.DB.prepare("SELECT COUNT(*) AS n FROM audit_log WHERE account_id = ? AND action = ?")
      .bind(world.accountId, "feature.created")
      .first();
    expect(trail).toEqual({ n: 1 });
  });

  test("a repeat of a refused request is refused the same way, also when it would succeed now", async ({ expect }) => {
    const world = await newWorld();
    const { data: old } = await world.call<Feature>("POST", PATH, { key: "chat" });
    const again = () => world.call("POST", PATH, { key: "chat" }, { "Idempotency-Key": "late" });
    const refused = await again();
    expect(refused.status).toBe(409);
    await world.call("DELETE", `${PATH}/${old.id}`);
    const repeated = await again();
    expect(repeated).toMatchObject({ status: 409, error: refused.error });
    expect(repeated.headers.get("Idempotency-Replayed")).toBe("true");
  });

  test("a repeated deletion answers as the first", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.call<Feature>("POST", PATH, { key: "chat" });
    const headers = { "Idempotency-Key": "delete" };
    expect((await world.call("DELETE", `${PATH}/${data.id}`, undefined, headers)).status).toBe(200);
    expect((await world.call("DELETE", `${PATH}/${data.id}`, undefined, headers)).status).toBe(200);
    expect((await world.call("DELETE", `${PATH}/${data.id}`)).status).toBe(404);
  });

  test("while D1 is away a change is 503 and can be repeated; a batch that D1 runs twice happens once", async ({
    expect,
  }) => {
    const world = await newWorld();
    const make = () => world.call<Feature>("POST", PATH, { key: "chat" }, { "Idempotency-Key": "make" });
    // The key must be known here, or it could not be let in.
    await world.call("GET", CLIENT);
    const away = await withD1("away", make);
    expect(away).toMatchObject({ status: 503, error: { code: "unavailable" } });
    expect(away.headers.get("Retry-After")).not.toBeNull();
    expect((await make()).status).toBe(201);
    expect((await withD1("doubled", make)).headers.get("Idempotency-Replayed")).toBe("true");

    const other = () => world.call<Feature>("POST", PATH, { key: "search" }, { "Idempotency-Key": "other" });
    const doubled = await withD1("doubled", other);
    expect(doubled.status).toBe(201);
    expect((await world.call<Features>("GET", PATH)).data.items).toHaveLength(2);
  });
});
