import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { WEBHOOK_SECRETS_MAX } from "../../src/domain/limits.ts";
import { app } from "../../src/http/app.ts";
import { forgetConnection } from "../../src/payments/connection.ts";
import { openProvider } from "../../src/payments/open.ts";
import { sealOutdated } from "../../src/payments/seal-outdated.ts";
import { HANDLED_EVENTS } from "../../src/payments/stripe-events.ts";
import { withD1 } from "../support/d1.ts";
import { API, type Connection, connect, newStripe, REGISTER } from "../support/stripe-here.ts";
import { at, clockAt, newWorld, request, type World } from "../support/world.ts";

const SETTINGS = "/api/v1/account/settings";

type Trail = { items: { action: string; target: string; before?: unknown; after?: unknown }[] };

function read(world: World) {
  return world.call<Connection>("GET", API);
}

async function trailOf(world: World): Promise<Trail["items"]> {
  const { data } = await world.call<Trail>("GET", "/api/v1/account/audit-log");
  return data.items.filter(({ action }) => action.startsWith("stripe."));
}

async function newLiveAccount(): Promise<{ call: World["call"] }> {
  const root = { Authorization: "Bearer root_test" };
  const { data } = await request<{ apiKey: string }>("POST", "/api/v1/accounts", { name: "Live", mode: "live" }, root);
  const headers = { Authorization: `Bearer ${data.apiKey}` };
  return { call: (method, path, body, more = {}) => request(method, path, body, { ...headers, ...more }) };
}

/** Everything D1 holds of connections, as text. */
async function storedText(world: World): Promise<string> {
  const row = await env.DB.prepare("SELECT * FROM stripe_connections WHERE account_id = ?")
    .bind(world.accountId)
    .first();
  return JSON.stringify(row);
}

afterEach(() => {
  vi.useRealTimers();
});

describe("does", () => {
  test("an account that never connected says so", async ({ expect }) => {
    const world = await newWorld();
    expect(await read(world)).toMatchObject({ status: 200, data: { connected: false, webhooks: [] } });
    expect((await openProvider(env, world.accountId)) === "off").toBe(true);
  });

  test("a key is stored, shown masked, and opens the provider", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    const connected = await connect(world, stripe.key);
    expect(connected).toMatchObject({
      status: 201,
      data: {
        connected: true,
        stripeApiKey: `sk_test_…${stripe.key.slice(-4)}`,
        stripeAccountId: expect.stringMatching(/^acct_/),
      },
    });
    expect((await read(world)).data).toEqual(connected.data);
    const provider = await openProvider(env, world.accountId);
    if (typeof provider === "string") throw new Error(provider);
    expect(await provider.account()).toMatchObject({ ok: true, value: { id: connected.data.stripeAccountId } });
  });

  test("payments are on while a key is stored and the mode says so", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    const enabled = async () => (await world.call<{ stripeEnabled: boolean }>("GET", SETTINGS)).data.stripeEnabled;
    await connect(world, stripe.key);
    expect(await enabled()).toBe(false);
    await world.call("PATCH", SETTINGS, { stripeMode: "PAYMENT_PASS_THROUGH", refundOverpayments: true });
    expect(await enabled()).toBe(true);
    await world.call("DELETE", API);
    expect(await enabled()).toBe(false);
    expect((await world.call("GET", SETTINGS)).data).toMatchObject({ refundOverpayments: true });
  });

  test("an endpoint is made at Stripe for exactly the events that mean something", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    await connect(world, stripe.key);
    const registered = await world.call<Connection>("POST", REGISTER);
    expect(registered).toMatchObject({ status: 201, data: { webhooks: [{ webhookSecret: expect.any(String) }] } });
    const [made] = await stripe.calls("/v1/webhook_endpoints");
    expect(made?.params).toMatchObject({
      url: `https://tanso.test/public/stripe/ingest/webhook/${world.accountId}`,
      api_version: "2026-10-28.endive",
    });
    const asked = Object.values(made?.params.enabled_events as Record<string, string>);
    expect(asked.sort()).toEqual([...HANDLED_EVENTS].sort());
    expect(registered.data.webhookSecret).toMatch(/^whsec_….{4}$/);
  });

  test("registering again keeps two secrets valid, and removes the endpoint before those", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    await connect(world, stripe.key);
    const seen: string[][] = [];
    for (let round = 0; round < 3; round += 1) {
      const { data } = await world.call<Connection>("POST", REGISTER, { baseUrl: "https://tunnel.test/ignored" });
      seen.push(data.webhooks.map(({ endpointId = "" }) => endpointId));
    }
    const [[first = ""] = [], [second] = [], [third] = []] = seen;
    expect(seen).toEqual([[first], [second, first], [third, second]]);
    expect(seen.at(-1)).toHaveLength(WEBHOOK_SECRETS_MAX);
    const calls = await stripe.calls("/v1/webhook_endpoints");
    expect(calls.filter(({ method }) => method === "DELETE").map(({ path }) => path)).toEqual([
      `/v1/webhook_endpoints/${first}`,
    ]);
    expect(calls[0]?.params.url).toBe(`https://tunnel.test/public/stripe/ingest/webhook/${world.accountId}`);
  });

  test("a secret of an endpoint of one's own is taken with the key, once", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    const body = { webhookSecret: "whsec_abcdefgh1234" };
    await connect(world, stripe.key, body);
    const again = await connect(world, stripe.key, body);
    expect(again.data.webhooks).toMatchObject([{ webhookSecret: "whsec_…1234" }]);
  });

  test("disconnecting removes endpoints, key and secrets, and is harmless when there are none", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    expect(await world.call("DELETE", API)).toMatchObject({ status: 200 });
    await connect(world, stripe.key);
    await world.call("POST", REGISTER);
    expect(await world.call("DELETE", API)).toMatchObject({ status: 200 });
    expect((await read(world)).data).toMatchObject({
      connected: false,
      webhooks: [],
      stripeAccountId: expect.any(String),
    });
    expect((await stripe.calls("/v1/webhook_endpoints")).map(({ method }) => method)).toEqual(["POST", "DELETE"]);
    expect((await openProvider(env, world.accountId)) === "off").toBe(true);
  });

  test("each step is in the trail, with nothing of a secret but its end", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    await connect(world, stripe.key);
    await world.call("POST", REGISTER);
    await world.call("DELETE", API);
    const trail = await trailOf(world);
    expect(trail.map(({ action }) => action).sort()).toEqual([
      "stripe.connected",
      "stripe.disconnected",
      "stripe.webhook_registered",
    ]);
    expect(JSON.stringify(trail)).not.toContain(stripe.key);
    expect(trail.find(({ action }) => action === "stripe.connected")).toMatchObject({
      before: { connected: false },
      after: { connected: true, stripeApiKey: `sk_test_…${stripe.key.slice(-4)}` },
    });
  });
});

describe("refuses", () => {
  test("a live key in a test account and a test key in a live one", async ({ expect }) => {
    const [world, live, stripe] = [await newWorld(), await newLiveAccount(), await newStripe()];
    const refused = { status: 400, error: { fields: [{ path: "clientStripeApiKey" }] } };
    for (const key of ["sk_live_abcdefghij", "rk_live_abcdefghij", "pk_test_abcdefghij", "sk_test_", "nothing", ""])
      expect(await connect(world, key), key).toMatchObject(refused);
    for (const key of [stripe.key, "rk_test_abcdefghij"])
      expect(await live.call("POST", API, { clientStripeApiKey: key }), key).toMatchObject(refused);
    expect(await world.call("POST", API, {})).toMatchObject(refused);
    expect(await stripe.calls()).toEqual([]);
  });

  test("a key that Stripe does not take, without repeating it", async ({ expect }) => {
    const world = await newWorld();
    const refused = await connect(world, "sk_test_nobodyhasthiskey");
    expect(refused).toMatchObject({ status: 400, error: { fields: [{ path: "clientStripeApiKey" }] } });
    expect(JSON.stringify(refused.error)).not.toContain("nobodyhasthiskey");
  });

  test("connecting while Stripe is away: 503, and nothing is kept", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    await stripe.fail({ mode: "refused" });
    expect(await connect(world, stripe.key)).toMatchObject({ status: 503, error: { code: "unavailable" } });
    await stripe.heal();
    expect((await read(world)).data.connected).toBe(false);
  });

  test("a key of another Stripe account while customers hold ids of the first one", async ({ expect }) => {
    const [world, stripe, other] = [await newWorld(), await newStripe(), await newStripe()];
    await connect(world, stripe.key);
    expect((await connect(world, other.key)).status).toBe(201);
    await world.call("POST", "/api/v1/client/customers", { stripeCustomerId: "cus_1", email: "ada@acme.test" });
    const refused = await connect(world, stripe.key);
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    // A further key of the same account is another matter, also after disconnecting.
    await world.call("DELETE", API);
    expect((await connect(world, stripe.key)).status).toBe(409);
    await other.addKey("rk_test_double_rolled_key", ["accounts_kyc_basic_read", "webhook_write"]);
    expect(await connect(world, "rk_test_double_rolled_key")).toMatchObject({ status: 201 });
  });

  test("registering without a key, with a key that may not, and while Stripe is away", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    expect(await world.call("POST", REGISTER)).toMatchObject({ status: 409, error: { code: "conflict" } });
    await stripe.addKey("rk_test_double_reads_only", ["accounts_kyc_basic_read"]);
    await connect(world, "rk_test_double_reads_only");
    expect(await world.call("POST", REGISTER)).toMatchObject({ status: 409, error: { code: "conflict" } });
    await connect(world, stripe.key);
    await stripe.fail({ mode: "error" });
    expect(await world.call("POST", REGISTER)).toMatchObject({ status: 503, error: { code: "unavailable" } });
    await stripe.heal();
    expect(await world.call("POST", REGISTER)).toMatchObject({ status: 201 });
  });

  test("connecting in a deployment that has nothing to seal with, or something that cannot be read", async ({
    expect,
  }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    const tried = async (keys: string | undefined) => {
      const { ENCRYPTION_KEYS: _, ...rest } = env;
      const headers = { Authorization: `Bearer ${world.key}`, "Content-Type": "application/json" };
      const request = new Request(`https://tanso.test${API}`, {
        method: "POST",
        headers,
        body: JSON.stringify({ clientStripeApiKey: stripe.key }),
      });
      const context = createExecutionContext();
      const response = await app.fetch(
        request,
        keys === undefined ? rest : { ...rest, ENCRYPTION_KEYS: keys },
        context,
      );
      await waitOnExecutionContext(context);
      return { status: response.status, ...((await response.json()) as { error?: { code: string; message: string } }) };
    };
    for (const keys of [undefined, "", "not a key"]) {
      const answered = await tried(keys);
      expect(answered, keys).toMatchObject({ status: 503, error: { code: "unavailable" } });
      expect(answered.error?.message).toContain("ENCRYPTION_KEYS");
    }
    expect(await stripe.calls()).toEqual([]);
    expect((await tried(env.ENCRYPTION_KEYS)).status).toBe(201);
  });
});

describe("holds", () => {
  test("D1 holds neither key nor secret", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    await connect(world, stripe.key, { webhookSecret: "whsec_verysecretindeed" });
    const text = await storedText(world);
    expect(text).toContain("new:");
    expect(text).not.toContain(stripe.key);
    expect(text).not.toContain("whsec_verysecret");
  });

  test("registering whose answer was lost makes no second endpoint when it is asked again", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    await connect(world, stripe.key);
    await stripe.fail({ mode: "lost", path: "/v1/webhook_endpoints", times: 2 });
    expect((await world.call("POST", REGISTER)).status).toBe(503);
    expect((await world.call("POST", REGISTER)).status).toBe(201);
    const calls = await stripe.calls("/v1/webhook_endpoints");
    expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(calls.filter(({ replayed }) => replayed).length).toBeGreaterThan(0);
  });

  test("a key that was taken away elsewhere is trusted for 5 s, and 15 minutes more while D1 fails", async ({
    expect,
  }) => {
    clockAt("2031-01-01T00:00:00Z");
    const [world, stripe] = [await newWorld(), await newStripe()];
    await connect(world, stripe.key);
    const isOpen = async () => typeof (await openProvider(env, world.accountId)) === "object";
    expect(await isOpen()).toBe(true);
    // Another isolate disconnects: only D1 knows.
    await env.DB.prepare("UPDATE stripe_connections SET sealed_key = NULL WHERE account_id = ?")
      .bind(world.accountId)
      .run();
    vi.setSystemTime(at("2031-01-01T00:00:04.999Z"));
    expect(await isOpen()).toBe(true);
    vi.setSystemTime(at("2031-01-01T00:00:05Z"));
    expect(await withD1("away", isOpen)).toBe(true);
    expect(await isOpen()).toBe(false);
    forgetConnection(world.accountId);
    expect(await withD1("away", () => openProvider(env, world.accountId))).toBe("unavailable");
  });

  test("what an older key sealed is sealed by the first one when it is used", async ({ expect }) => {
    const [world, stripe] = [await newWorld(), await newStripe()];
    const keys = env.ENCRYPTION_KEYS ?? "";
    const [first = "", second = ""] = keys.split(",");
    const before = { ...env, ENCRYPTION_KEYS: `${second},${first}` };
    await connect(world, stripe.key);
    forgetConnection(world.accountId);
    expect(typeof (await openProvider(before, world.accountId))).toBe("object");
    expect(await storedText(world)).toContain('"old:');
    forgetConnection(world.accountId);
    expect(typeof (await openProvider(env, world.accountId))).toBe("object");
    expect(await storedText(world)).toContain('"new:');
    expect(await storedText(world)).not.toContain('"old:');
  });

  test("what nobody uses is sealed anew by the cron, a page at a time; what no key opens stands in nobody's way", async ({
    expect,
  }) => {
    const [first = "", second = ""] = (env.ENCRYPTION_KEYS ?? "").split(",");
    await env.DB.prepare("DELETE FROM stripe_connections").run();
    const worlds = [await newWorld(), await newWorld(), await newWorld()];
    for (const world of worlds) await connect(world, (await newStripe()).key, { webhookSecret: "whsec_something" });
    const backwards = { ...env, ENCRYPTION_KEYS: `${second},${first}` };
    expect(await sealOutdated(backwards)).toEqual({ processed: 3, failed: 0 });
    const outdated = async () =>
      (await Promise.all(worlds.map(storedText))).filter((text) => text.includes('"old:') || text.includes('\\"old:'))
        .length;
    expect(await outdated()).toBe(3);
    const [lost] = [...worlds].sort((a, b) => (a.accountId < b.accountId ? -1 : 1));
    await env.DB.prepare("UPDATE stripe_connections SET sealed_key = 'gone:AAAA' WHERE account_id = ?")
      .bind(lost?.accountId ?? "")
      .run();
    expect(await sealOutdated(env, 1)).toEqual({ processed: 0, failed: 1 });
    expect(await sealOutdated(env, 1)).toEqual({ processed: 1, failed: 0 });
    expect(await sealOutdated(env, 1)).toEqual({ processed: 1, failed: 0 });
    expect(await outdated()).toBe(0);
  });
});
