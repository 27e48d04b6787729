import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { newWorld, request } from "../support/world.ts";

type NewAccount = { account: { id: string; currency: string }; apiKey: string };
type Trail = { items: { action: string; actor: { keyId?: string; hint: string } }[] };

function makeAccount(body: unknown, headers: Record<string, string> = {}) {
  return request<NewAccount>("POST", "/api/v1/accounts", body, { Authorization: "Bearer root_test", ...headers });
}

const BODY = { name: "Acme AI", mode: "test", currency: "EUR" };

describe("does", () => {
  test("makes an account whose first key is an admin key", async ({ expect }) => {
    const made = await makeAccount(BODY);
    expect(made.status).toBe(201);
    expect(made.data).toMatchObject({ account: { name: "Acme AI", mode: "test", currency: "EUR" } });
    expect(made.data.apiKey).toMatch(/^sk_test_[\w-]{43}$/);
    const own = await request("GET", "/api/v1/account", undefined, { "X-API-Key": made.data.apiKey });
    expect(own).toMatchObject({ status: 200, data: made.data.account });
  });

  test("a live account has live keys, and USD where nothing is said", async ({ expect }) => {
    const made = await makeAccount({ name: "Live", mode: "live" });
    expect(made.data.apiKey).toMatch(/^sk_live_/);
    expect(made.data.account.currency).toBe("USD");
  });

  test("the trail begins with the account, made by the root token", async ({ expect }) => {
    const world = await newWorld();
    const trail = await world.call<Trail>("GET", "/api/v1/account/audit-log");
    expect(trail.data.items).toMatchObject([
      { action: "account.created", target: world.accountId, actor: { hint: "root token" } },
    ]);
    expect(trail.data.items[0]?.actor.keyId).toBeUndefined();
  });

  test("an account is renamed, and the trail says from what", async ({ expect }) => {
    const world = await newWorld();
    const renamed = await world.call("PATCH", "/api/v1/account", { name: "Acme AI" });
    expect(renamed).toMatchObject({ status: 200, data: { id: world.accountId, name: "Acme AI", mode: "test" } });
    expect(await world.call("PATCH", "/api/v1/account", { name: "Acme AI" })).toMatchObject({ data: renamed.data });
    expect((await world.call("GET", "/api/v1/account")).data).toEqual(renamed.data);
    const trail = await world.call<Trail>("GET", "/api/v1/account/audit-log?action=account.renamed");
    expect(trail.data.items).toMatchObject([{ before: { name: "World" }, after: { name: "Acme AI" } }]);
  });
});

describe("refuses", () => {
  test("an account without a name", async ({ expect }) => {
    const world = await newWorld();
    for (const body of [{}, { name: "" }, { name: "a\nb" }])
      expect(await world.call("PATCH", "/api/v1/account", body)).toMatchObject({
        status: 400,
        error: { fields: [{ path: "name" }] },
      });
  });

  test("a key that is not the root token", async ({ expect }) => {
    const world = await newWorld();
    expect(await world.call("POST", "/api/v1/accounts", BODY)).toMatchObject({
      status: 401,
      error: { code: "unauthorized" },
    });
  });

  test("a currency that nobody uses", async ({ expect }) => {
    for (const currency of ["ABC", "EURO", "DEM", ""]) {
      const refused = await makeAccount({ ...BODY, currency });
      expect(refused, currency).toMatchObject({ status: 400, error: { fields: [{ path: "currency" }] } });
    }
  });

  test("a mode that does not exist", async ({ expect }) => {
    const refused = await makeAccount({ name: "A", mode: "staging" });
    expect(refused).toMatchObject({ status: 400, error: { fields: [{ path: "mode" }] } });
  });

  test("the same Idempotency-Key with another body", async ({ expect }) => {
    await makeAccount(BODY, { "Idempotency-Key": "other-body" });
    const refused = await makeAccount(
      { ...BODY, name: "Other" },
      {
        "Idempotency-Key": "other-body",
      },
    );
    expect(refused).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
  });
});

describe("holds", () => {
  test("a repeat shows the same account and the same key, and makes nothing", async ({ expect }) => {
    const headers = { "Idempotency-Key": "acme-1" };
    const first = await makeAccount(BODY, headers);
    const before = await countAccounts();
    const again = await makeAccount(BODY, headers);
    expect(again).toMatchObject({ status: 201, data: first.data });
    expect(first.headers.get("Idempotency-Replayed")).toBeNull();
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(again.headers.get("Idempotency-Key")).toBe("acme-1");
    expect(await countAccounts()).toBe(before);
  });

  test("ten requests at once under one key make one account", async ({ expect }) => {
    const before = await countAccounts();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => makeAccount(BODY, { "Idempotency-Key": "at-once" })),
    );
    expect(new Set(answers.map(({ status, data }) => `${status} ${data.account.id} ${data.apiKey}`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("Idempotency-Replayed") === null)).toHaveLength(1);
    expect(await countAccounts()).toBe(before + 1);
  });

  test("no table of D1 holds the key, not even in a remembered answer", async ({ expect }) => {
    const headers = { "Idempotency-Key": "secret-answer" };
    const made = await makeAccount(BODY, headers);
    const stored = await env.DB.prepare("SELECT status, sealed, body FROM requests ORDER BY created_at_ms DESC").all();
    expect(stored.results.every((row) => row.sealed === 1)).toBe(true);
    const { results: tables } = await env.DB.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
    ).all<{ name: string }>();
    expect(tables.map(({ name }) => name)).toContain("requests");
    for (const { name } of tables) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${name}`).all();
      expect(JSON.stringify(results), name).not.toContain(made.data.apiKey);
    }
  });
});

async function countAccounts(): Promise<number> {
  const row = await env.DB.prepare("SELECT COUNT(*) AS n FROM accounts").first<{ n: number }>();
  return row?.n ?? 0;
}
