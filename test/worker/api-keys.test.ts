import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { clearSnapshots } from "../../src/catalog/snapshot.ts";
import { at, clockAt, newWorld, request, type World } from "../support/world.ts";

type Key = {
  id: string;
  apiKey: string;
  name?: string;
  keyHint: string;
  scopes: string[];
  active: boolean;
  createdAt: string;
  expiresAt?: string;
  revokedAt?: string;
  customerReferenceId?: string;
};
type Keys = { items: Key[]; pagination: { total: number } };
type Trail = { items: { action: string; target: string; requestId: string; actor: { keyId: string; hint: string } }[] };

const KEYS = "/api/v1/account/api-keys";
const keysOf = (ref: string): string => `/api/v1/client/customers/${ref}/keys`;

/** Calls with any key. */
function as<T>(key: string, method: string, path: string, body?: unknown) {
  return request<T>(method, path, body, { Authorization: `Bearer ${key}` });
}

/** The account's only key so far, with its id. */
async function firstKey(world: World): Promise<Key> {
  const { data } = await world.call<Keys>("GET", KEYS);
  const key = data.items.at(-1);
  if (key === undefined) throw new Error("an account has a key");
  return key;
}

async function newCustomerKey(world: World, ref: string, scopes?: string[]): Promise<Key> {
  await world.event({ customerReferenceId: ref });
  return (await world.call<Key>("POST", keysOf(ref), scopes === undefined ? {} : { scopes })).data;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("does", () => {
  test("a new key works, shows its secret once, and is a client key unless said otherwise", async ({ expect }) => {
    const world = await newWorld();
    const made = await world.call<Key>("POST", KEYS, { name: "Backend" });
    expect(made.status).toBe(201);
    expect(made.data).toMatchObject({ name: "Backend", scopes: ["client"], active: true });
    expect(made.data.apiKey).toMatch(/^sk_test_[\w-]{43}$/);
    expect(made.data.keyHint).toBe(`…${made.data.apiKey.slice(-4)}`);
    expect((await as(made.data.apiKey, "GET", "/api/v1/client/features")).status).toBe(200);
    const listed = await world.call<Keys>("GET", KEYS);
    expect(listed.data.pagination.total).toBe(2);
    expect(listed.data.items.find(({ id }) => id === made.data.id)).toEqual({ ...made.data, apiKey: undefined });
  });

  test("a revoked key stays in the list", async ({ expect }) => {
    const world = await newWorld();
    const { data: made } = await world.call<Key>("POST", KEYS, { scopes: ["admin"] });
    const revoked = await world.call<Key>("DELETE", `${KEYS}/${made.id}`);
    expect(revoked).toMatchObject({ status: 200, data: { id: made.id, active: false } });
    const { data } = await world.call<Keys>("GET", KEYS);
    expect(data.items.find(({ id }) => id === made.id)).toEqual(revoked.data);
  });

  test("a customer's key is made, listed, rotated and revoked", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const made = await newCustomerKey(world, "acme");
    expect(made).toMatchObject({ customerReferenceId: "acme", scopes: ["read"], active: true });
    expect(made.apiKey).toMatch(/^ck_test_[\w-]{43}$/);
    expect(at(made.expiresAt ?? "") - at(made.createdAt)).toBe(5 * 365 * 86_400_000);
    const rotated = await world.call<Key>("POST", `${keysOf("acme")}/${made.id}/rotate`);
    expect(rotated).toMatchObject({ status: 200, data: { scopes: ["read"], active: true } });
    expect(rotated.data.id).not.toBe(made.id);
    expect(rotated.data.apiKey).not.toBe(made.apiKey);
    const revoked = await world.call<Key>("DELETE", `${keysOf("acme")}/${rotated.data.id}`);
    expect(revoked).toMatchObject({ status: 200, data: { active: false } });
    const { data } = await world.call<Key[]>("GET", keysOf("acme"));
    expect(data.map(({ id, active }) => [id, active]).sort()).toEqual(
      [
        [made.id, false],
        [rotated.data.id, false],
      ].sort(),
    );
    expect(JSON.stringify(data)).not.toContain("apiKey");
  });

  test("a customer's key reads its customer", async ({ expect }) => {
    const world = await newWorld();
    const { apiKey } = await newCustomerKey(world, "acme");
    const read = await as<{ customerReferenceId: string }>(apiKey, "GET", "/api/v1/client/customers/acme");
    expect(read).toMatchObject({ status: 200, data: { customerReferenceId: "acme" } });
  });

  test("the trail tells who made and ended which key, in which request", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const admin = await firstKey(world);
    vi.setSystemTime(at("2031-01-01T00:00:01Z"));
    const { data: made } = await world.call<Key>("POST", KEYS, {}, { "X-Request-Id": "made-it" });
    vi.setSystemTime(at("2031-01-01T00:00:02Z"));
    await world.call("DELETE", `${KEYS}/${made.id}`);
    const { data } = await world.call<Trail>("GET", "/api/v1/account/audit-log?limit=2");
    expect(data.items).toMatchObject([
      { action: "api_key.revoked", target: made.id },
      {
        action: "api_key.created",
        target: made.id,
        requestId: "made-it",
        actor: { keyId: admin.id, hint: admin.keyHint },
      },
    ]);
  });

  test("an account's key is rotated: a successor of the same name and scopes, and the old one ends", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { data: made } = await world.call<Key>("POST", KEYS, { name: "Backend", scopes: ["client"] });
    const rotated = await world.call<Key>("POST", `${KEYS}/${made.id}/rotate`);
    expect(rotated).toMatchObject({ status: 200, data: { name: "Backend", scopes: ["client"], active: true } });
    expect(rotated.data.id).not.toBe(made.id);
    const status = async (key: string) => (await as(key, "GET", "/api/v1/client/features")).status;
    expect([await status(made.apiKey), await status(rotated.data.apiKey)]).toEqual([401, 200]);
    const { data } = await world.call<Trail>("GET", "/api/v1/account/audit-log?limit=1");
    expect(data.items).toMatchObject([{ action: "api_key.rotated", target: made.id }]);
    expect(JSON.stringify(data)).not.toContain(rotated.data.apiKey);
  });
});

describe("refuses", () => {
  test("a revoked key, at once", async ({ expect }) => {
    const world = await newWorld();
    const { data: made } = await world.call<Key>("POST", KEYS, {});
    expect((await as(made.apiKey, "GET", "/api/v1/client/features")).status).toBe(200);
    await world.call("DELETE", `${KEYS}/${made.id}`);
    expect(await as(made.apiKey, "GET", "/api/v1/client/features")).toMatchObject({
      status: 401,
      error: { code: "unauthorized" },
    });
  });

  test("revoking the last admin key", async ({ expect }) => {
    const world = await newWorld();
    const only = await firstKey(world);
    await world.call("POST", KEYS, { scopes: ["client"] });
    const refused = await world.call("DELETE", `${KEYS}/${only.id}`);
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    await world.call("POST", KEYS, { scopes: ["admin"] });
    expect((await world.call("DELETE", `${KEYS}/${only.id}`)).status).toBe(200);
  });

  test("scopes that do not exist, and none at all", async ({ expect }) => {
    const world = await newWorld();
    await world.event({ customerReferenceId: "acme" });
    for (const [path, scopes] of [
      [KEYS, ["root"]],
      [KEYS, ["read"]],
      [KEYS, []],
      [keysOf("acme"), ["admin"]],
      [keysOf("acme"), []],
    ] as const)
      expect((await world.call("POST", path, { scopes })).status, `${path} ${scopes}`).toBe(400);
  });

  test("keys of nobody: an unknown id, another account's key, another customer's key", async ({ expect }) => {
    const world = await newWorld();
    const stranger = await firstKey(await newWorld());
    for (const id of ["not-an-id", crypto.randomUUID(), stranger.id])
      expect((await world.call("DELETE", `${KEYS}/${id}`)).status).toBe(404);
    const acme = await newCustomerKey(world, "acme");
    await newCustomerKey(world, "globex");
    expect((await world.call("DELETE", `${KEYS}/${acme.id}`)).status).toBe(404);
    expect((await world.call("DELETE", `${keysOf("globex")}/${acme.id}`)).status).toBe(404);
    expect((await world.call("POST", `${keysOf("globex")}/${acme.id}/rotate`)).status).toBe(404);
    expect((await world.call("GET", keysOf("nobody"))).status).toBe(404);
    expect((await as(acme.apiKey, "GET", "/api/v1/client/customers/acme")).status).toBe(200);
  });

  test("client keys at the operator's routes, and customers' keys wherever keys are made", async ({ expect }) => {
    const world = await newWorld();
    const { data: client } = await world.call<Key>("POST", KEYS, {});
    for (const path of [KEYS, "/api/v1/account", "/api/v1/account/settings", "/api/v1/account/audit-log"])
      expect((await as(client.apiKey, "GET", path)).status, path).toBe(403);
    const pinned = await newCustomerKey(world, "acme", ["read", "purchase", "ingest"]);
    for (const [method, path] of [
      ["GET", KEYS],
      ["POST", KEYS],
      ["GET", keysOf("acme")],
      ["POST", keysOf("acme")],
      ["POST", `${keysOf("acme")}/${pinned.id}/rotate`],
      ["DELETE", `${keysOf("acme")}/${pinned.id}`],
      ["GET", "/api/v1/client/features"],
    ] as const)
      expect(await as(pinned.apiKey, method, path), `${method} ${path}`).toMatchObject({
        status: 403,
        error: { code: "forbidden" },
      });
  });

  test("another customer to a customer's key, known or not", async ({ expect }) => {
    const world = await newWorld();
    const acme = await newCustomerKey(world, "acme");
    await world.event({ customerReferenceId: "globex" });
    for (const ref of ["globex", "nobody"])
      expect((await as(acme.apiKey, "GET", `/api/v1/client/customers/${ref}`)).status, ref).toBe(403);
  });

  test("rotating a key a second time, and a revoked one", async ({ expect }) => {
    const world = await newWorld();
    const made = await newCustomerKey(world, "acme");
    const path = `${keysOf("acme")}/${made.id}/rotate`;
    expect((await world.call("POST", path, { overlapSeconds: 86_401 })).status).toBe(400);
    expect((await world.call("POST", path, { overlapSeconds: 60 })).status).toBe(200);
    expect((await world.call("POST", path)).status).toBe(409);
    await world.call("DELETE", `${keysOf("acme")}/${made.id}`);
    expect((await world.call("POST", path)).status).toBe(409);
  });

  test("rotating an account's key a second time, a revoked one, and one of another account", async ({ expect }) => {
    const [world, other] = [await newWorld(), await newWorld()];
    const { data: made } = await world.call<Key>("POST", KEYS, {});
    const path = `${KEYS}/${made.id}/rotate`;
    expect((await other.call("POST", path)).status).toBe(404);
    expect((await world.call("POST", path, { overlapSeconds: 86_401 })).status).toBe(400);
    expect((await world.call("POST", path, { overlapSeconds: 60 })).status).toBe(200);
    expect((await world.call("POST", path)).status).toBe(409);
    await world.call("DELETE", `${KEYS}/${made.id}`);
    expect((await world.call("POST", path)).status).toBe(409);
  });
});

describe("holds", () => {
  test("a key revoked elsewhere is refused after 5 s here, and no sooner asked of D1 than needed", async ({
    expect,
  }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const { data: made } = await world.call<Key>("POST", KEYS, {});
    const status = async () => (await as(made.apiKey, "GET", "/api/v1/client/features")).status;
    expect(await status()).toBe(200);
    // Another isolate revokes it: only D1 knows.
    await env.DB.prepare("UPDATE api_keys SET revoked_at_ms = ? WHERE key_id = ?").bind(Date.now(), made.id).run();
    vi.setSystemTime(at("2031-01-01T00:00:02Z"));
    expect(await status()).toBe(200);
    vi.setSystemTime(at("2031-01-01T00:00:05Z"));
    expect(await status()).toBe(401);
  });

  test("a rotated key works until its overlap ends, then no more", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const old = await newCustomerKey(world, "acme");
    const status = async (key: string) => (await as(key, "GET", "/api/v1/client/customers/acme")).status;
    expect(await status(old.apiKey)).toBe(200);
    const { data: fresh } = await world.call<Key>("POST", `${keysOf("acme")}/${old.id}/rotate`, { overlapSeconds: 60 });
    expect([await status(old.apiKey), await status(fresh.apiKey)]).toEqual([200, 200]);
    vi.setSystemTime(at("2031-01-01T00:00:59.999Z"));
    expect(await status(old.apiKey)).toBe(200);
    vi.setSystemTime(at("2031-01-01T00:01:00Z"));
    expect([await status(old.apiKey), await status(fresh.apiKey)]).toEqual([401, 200]);
  });

  test("a customer's key ends after 5 years", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const made = await newCustomerKey(world, "acme");
    const status = async () => (await as(made.apiKey, "GET", "/api/v1/client/customers/acme")).status;
    vi.setSystemTime(at(made.expiresAt ?? "") - 1);
    expect(await status()).toBe(200);
    vi.setSystemTime(at(made.expiresAt ?? ""));
    expect(await status()).toBe(401);
  });

  test("revoking again changes nothing, not even the instant or the trail", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const { data: made } = await world.call<Key>("POST", KEYS, {});
    const first = await world.call<Key>("DELETE", `${KEYS}/${made.id}`);
    vi.setSystemTime(at("2031-01-01T01:00:00Z"));
    const again = await world.call<Key>("DELETE", `${KEYS}/${made.id}`);
    expect(again).toMatchObject({ status: 200, data: first.data });
    const { data } = await world.call<Trail>("GET", "/api/v1/account/audit-log");
    expect(data.items.filter(({ action }) => action === "api_key.revoked")).toHaveLength(1);
  });

  test("two admins who revoke each other at once: one stays", async ({ expect }) => {
    const world = await newWorld();
    const one = await firstKey(world);
    const { data: two } = await world.call<Key>("POST", KEYS, { scopes: ["admin"] });
    const answers = await Promise.all([
      as(two.apiKey, "DELETE", `${KEYS}/${one.id}`),
      as(world.key, "DELETE", `${KEYS}/${two.id}`),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test("eight rotations of one key at once make one successor", async ({ expect }) => {
    const world = await newWorld();
    const made = await newCustomerKey(world, "acme");
    const path = `${keysOf("acme")}/${made.id}/rotate`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.call("POST", path)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)]);
    expect((await world.call<Key[]>("GET", keysOf("acme"))).data).toHaveLength(2);
  });

  test("a repeat shows the same secret, which D1 holds only sealed; another admin cannot open it", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { data: other } = await world.call<Key>("POST", KEYS, { scopes: ["admin"] });
    const headers = { "Idempotency-Key": "make-key" };
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => world.call<Key>("POST", KEYS, { name: "One" }, headers)),
    );
    const secret = answers[0]?.data.apiKey ?? "";
    expect(new Set(answers.map(({ data }) => data.apiKey)).size).toBe(1);
    expect((await world.call<Keys>("GET", KEYS)).data.pagination.total).toBe(3);
    const { results } = await env.DB.prepare("SELECT * FROM requests WHERE account_id = ?").bind(world.accountId).all();
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ sealed: 1, status: 201 });
    expect(JSON.stringify(results)).not.toContain(secret);
    expect(String(results[0]?.body)).not.toContain("apiKey");
    const stranger = await request(
      "POST",
      KEYS,
      { name: "One" },
      { ...headers, Authorization: `Bearer ${other.apiKey}` },
    );
    expect(stranger).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(JSON.stringify(stranger)).not.toContain(secret);
  });

  test("a refusal is remembered like a success, for 24 hours", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const only = await firstKey(world);
    const revoke = () => world.call("DELETE", `${KEYS}/${only.id}`, undefined, { "Idempotency-Key": "revoke" });
    expect((await revoke()).status).toBe(409);
    await world.call("POST", KEYS, { scopes: ["admin"] });
    const again = await revoke();
    expect([again.status, again.headers.get("Idempotency-Replayed")]).toEqual([409, "true"]);
    vi.setSystemTime(at("2031-01-02T00:00:00Z"));
    clearSnapshots();
    const later = await revoke();
    expect([later.status, later.headers.get("Idempotency-Replayed")]).toEqual([200, null]);
  });

  test("one Idempotency-Key of two accounts, or of two paths, is two keys", async ({ expect }) => {
    const headers = { "Idempotency-Key": "same" };
    const [one, two] = [await newWorld(), await newWorld()];
    const first = await one.call<Key>("POST", KEYS, {}, headers);
    const second = await two.call<Key>("POST", KEYS, {}, headers);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.data.apiKey).not.toBe(first.data.apiKey);
    const elsewhere = await one.call("POST", "/api/v1/monetization/features", { key: "chat" }, headers);
    expect(elsewhere.status).toBe(201);
  });

  test("a rotation with an overlap leaves no last admin key that ends by itself", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const old = await firstKey(world);
    const { data: fresh } = await world.call<Key>("POST", `${KEYS}/${old.id}/rotate`, { overlapSeconds: 60 });
    const status = async (key: string) => (await as(key, "GET", "/api/v1/account")).status;
    expect([await status(world.key), await status(fresh.apiKey)]).toEqual([200, 200]);
    expect(await as(world.key, "DELETE", `${KEYS}/${fresh.id}`)).toMatchObject({
      status: 409,
      error: { code: "conflict" },
    });
    vi.setSystemTime(at("2031-01-01T00:01:00Z"));
    expect([await status(world.key), await status(fresh.apiKey)]).toEqual([401, 200]);
  });
});
