import { env, exports } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { clearSnapshots } from "../../src/catalog/snapshot.ts";
import { sha256Hex } from "../../src/domain/digest.ts";
import {
  CONSOLE_SESSION_MS,
  KEY_FRESH_MS_MAX,
  SIGN_IN_FAILURES_MAX,
  SIGN_IN_WINDOW_MS,
} from "../../src/domain/limits.ts";
import type { Env } from "../../src/env.ts";
import { insertKey, send } from "../support/probe.ts";
import { customer, ok, sell, subscribe } from "../support/sale.ts";
import { at, clockAt, newWorld } from "../support/world.ts";

/** The console's pages, and signing in to them. */

const ORIGIN = "https://tanso.test";
const SESSION = "/console/session";

type Sent = Record<string, string>;

let addresses = 0;
/** An address of its own for each test: failed attempts are counted by it. */
function address(): Sent {
  addresses += 1;
  return { "CF-Connecting-IP": `198.51.100.${addresses}` };
}

function show(body: unknown, headers: Sent = address()) {
  return send("POST", SESSION, {
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Origin: ORIGIN, ...headers },
  });
}

/** What the console sends with every call. */
async function signIn(apiKey: string): Promise<Sent> {
  const { status, headers, text } = await show({ apiKey });
  if (status !== 201) throw new Error(`not signed in: ${text}`);
  const cookie = headers.get("Set-Cookie")?.split(";")[0] ?? "";
  return { Cookie: cookie, "X-Tanso-Console": "1", Origin: ORIGIN, "Content-Type": "application/json" };
}

const call = (method: string, path: string, headers: Sent, body?: unknown) =>
  send(method, path, { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

type Session = { id: string; current: boolean; keyHint: string };
async function sessions(headers: Sent): Promise<Session[]> {
  const { envelope } = await call("GET", "/console/sessions", headers);
  return (envelope.data as { items: Session[] }).items;
}

/** The Worker under a sign-in link, as a local start sets it. */
function setLink(value: string | undefined): void {
  const variables = env as Env;
  if (value === undefined) delete variables.CONSOLE_LINK;
  else variables.CONSOLE_LINK = value;
}

afterEach(() => {
  vi.useRealTimers();
  setLink(undefined);
});

describe("does", () => {
  test("an admin key opens a session in a cookie that no script and no other site can use", async ({ expect }) => {
    const world = await newWorld();
    const answered = await show({ apiKey: world.key });
    expect(answered.status).toBe(201);
    expect(answered.envelope.data).toMatchObject({ account: { id: world.accountId }, session: { current: true } });
    expect(answered.text).not.toContain(world.key);
    expect(answered.headers.get("Set-Cookie")).toMatch(
      /^__Host-tanso_console=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/,
    );
  });

  test("on this machine, where there is no TLS, the cookie is not Secure", async ({ expect }) => {
    const world = await newWorld();
    const response = await exports.default.fetch("http://127.0.0.1:8787/console/session", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...address() },
      body: JSON.stringify({ apiKey: world.key }),
    });
    expect(response.headers.get("Set-Cookie")).toMatch(/^tanso_console=[\w-]{43}; .*HttpOnly; SameSite=Strict$/);
  });

  test("the session reads and writes by the public API, and the trail names its key", async ({ expect }) => {
    const world = await newWorld();
    const mine = await signIn(world.key);
    expect((await call("GET", "/api/v1/account", mine)).status).toBe(200);
    const made = await call("POST", "/api/v1/monetization/features", mine, { key: "seen", name: "Seen" });
    expect(made.status).toBe(201);
    const who = await call("GET", SESSION, mine);
    const keyId = (who.envelope.data as { key: { id: string } }).key.id;
    const { data } = await world.call<{ items: { action: string; actor: { keyId?: string } }[] }>(
      "GET",
      "/api/v1/account/audit-log",
    );
    expect(data.items.slice(0, 2)).toMatchObject([
      { action: "feature.created", actor: { keyId } },
      { action: "console.signed_in", actor: { keyId } },
    ]);
  });

  test("signing out ends the session and takes the cookie away", async ({ expect }) => {
    const world = await newWorld();
    const mine = await signIn(world.key);
    const out = await call("DELETE", SESSION, mine);
    expect(out.status).toBe(200);
    expect(out.headers.get("Set-Cookie")).toContain("Max-Age=0");
    expect((await call("GET", SESSION, mine)).status).toBe(401);
  });

  test("sessions are listed, and one ends another", async ({ expect }) => {
    const world = await newWorld();
    const [first, second] = [await signIn(world.key), await signIn(world.key)];
    const listed = await sessions(second);
    expect(listed.map(({ current }) => current).sort()).toEqual([false, true]);
    const other = listed.find(({ current }) => !current)?.id ?? "";
    for (let time = 0; time < 2; time += 1)
      expect((await call("DELETE", `/console/sessions/${other}`, second)).status).toBe(200);
    expect((await call("GET", SESSION, first)).status).toBe(401);
    expect(await sessions(second)).toHaveLength(1);
  });

  test("a local start's link signs in", async ({ expect }) => {
    const world = await newWorld();
    setLink(`token-of-the-link.${sha256Hex(world.key)}.${Date.now() + 60_000}`);
    const answered = await show({ linkToken: "token-of-the-link" });
    expect(answered).toMatchObject({ status: 201, envelope: { data: { account: { id: world.accountId } } } });
  });

  test("the page is served at every address of a view, and its files as what they are", async ({ expect }) => {
    const root = await exports.default.fetch(`${ORIGIN}/`, { redirect: "manual" });
    expect([root.status, root.headers.get("Location")]).toEqual([302, "/console"]);
    const page = await send("GET", "/console");
    expect(page.status).toBe(200);
    expect(page.headers.get("Content-Type")).toContain("text/html");
    for (const path of ["/console/", "/console/customers", "/console/customers/a%2Fb", "/console/no/such/view"])
      expect((await send("GET", path)).text).toBe(page.text);
    const files = [...page.text.matchAll(/(?:src|href)="(\/console\/files\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(files).toHaveLength(2);
    for (const path of files) {
      const file = await send("GET", path);
      expect(file.headers.get("Cache-Control")).toContain("immutable");
      expect(file.headers.get("Content-Type")).toMatch(path.endsWith(".js") ? "javascript" : "css");
    }
  });
});

describe("refuses", () => {
  test("keys that nobody has, or that may not do everything", async ({ expect }) => {
    const world = await newWorld();
    const clientKey = await insertKey(world.accountId, { scopes: ["client"] });
    const customerId = crypto.randomUUID();
    const customersKey = await insertKey(world.accountId, { scopes: ["read"], customerId });
    const expired = await insertKey(world.accountId, { scopes: ["admin"], expiresAtMs: Date.now() - 1 });
    expect((await show({ apiKey: "sk_test_nobody" })).status).toBe(401);
    expect((await show({ apiKey: "root_test" })).status).toBe(401);
    expect((await show({ apiKey: expired })).status).toBe(401);
    for (const apiKey of [clientKey, customersKey])
      expect(await show({ apiKey })).toMatchObject({ status: 403, envelope: { error: { code: "forbidden" } } });
    for (const body of [{}, { apiKey: world.key, linkToken: "both" }]) expect((await show(body)).status).toBe(400);
  });

  test("the session without the console's header, or from another origin", async ({ expect }) => {
    const world = await newWorld();
    const mine = await signIn(world.key);
    const { "X-Tanso-Console": _, ...headless } = mine;
    const { Origin: __, ...nameless } = mine;
    const write = { key: "forged", name: "Forged" };
    for (const headers of [
      headless,
      nameless,
      { ...mine, Origin: "https://evil.test" },
      { ...mine, Origin: "null" },
      { ...mine, "Sec-Fetch-Site": "cross-site" },
      { ...mine, "Sec-Fetch-Site": "same-site" },
    ])
      expect(await call("POST", "/api/v1/monetization/features", headers, write)).toMatchObject({
        status: 403,
        envelope: { error: { code: "forbidden" } },
      });
    expect((await call("GET", "/api/v1/account", headless)).status).toBe(403);
    // Browsers do not name the origin of a read from the same one, nor any where no referrer is wanted.
    expect((await call("GET", "/api/v1/account", nameless)).status).toBe(200);
    const said = { ...nameless, "Sec-Fetch-Site": "same-origin" };
    expect((await call("DELETE", `/console/sessions/${crypto.randomUUID()}`, said)).status).toBe(404);
    const { data } = await world.call<{ items: unknown[] }>("GET", "/api/v1/monetization/features");
    expect(data.items).toEqual([]);
  });

  test("a link of the console opens documents and nothing else, and no other page's link opens any", async ({
    expect,
  }) => {
    const world = await newWorld();
    await customer(world);
    await sell(world, "basic");
    const { invoice } = await ok(subscribe(world, "ada", "basic"));
    const { Cookie = "" } = await signIn(world.key);
    const followed = {
      Cookie,
      "Sec-Fetch-Site": "same-origin",
      "Sec-Fetch-Mode": "navigate",
      "Sec-Fetch-Dest": "document",
    };
    const path = `/api/v1/monetization/billing/invoices/${invoice.id}`;
    for (const kind of ["html", "pdf"]) expect((await call("GET", `${path}/${kind}`, followed)).status).toBe(200);
    for (const other of [path, `${path}/explain`, "/api/v1/monetization/billing/invoices?format=csv"])
      expect((await call("GET", other, followed)).status).toBe(403);
    for (const [name, values] of [
      ["Site", ["cross-site", "same-site", "none"]],
      ["Mode", ["cors", "no-cors", "same-origin"]],
      ["Dest", ["iframe", "embed", "empty"]],
    ] as const)
      for (const value of values)
        expect((await call("GET", `${path}/html`, { ...followed, [`Sec-Fetch-${name}`]: value })).status).toBe(403);
    expect((await call("GET", `${path}/html`, { Cookie })).status).toBe(403);
  });

  test("signing in from another site's page", async ({ expect }) => {
    const world = await newWorld();
    expect((await show({ apiKey: world.key }, { Origin: "https://evil.test" })).status).toBe(403);
    expect((await show({ apiKey: world.key }, { "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
  });

  test("cookies that are no session, and sessions of other accounts", async ({ expect }) => {
    const [world, stranger] = [await newWorld(), await newWorld()];
    const [mine, theirs] = [await signIn(world.key), await signIn(stranger.key)];
    for (const Cookie of ["__Host-tanso_console=guessed", `__Host-tanso_console=${world.key}`])
      expect((await call("GET", "/api/v1/account", { ...mine, Cookie })).status).toBe(401);
    const [other] = await sessions(theirs);
    expect((await call("DELETE", `/console/sessions/${other?.id}`, mine)).status).toBe(404);
    expect((await call("GET", SESSION, theirs)).status).toBe(200);
  });

  test("further attempts after too many failed ones from one address, until the window is over", async ({ expect }) => {
    clockAt("2030-05-01T10:00:00Z");
    const world = await newWorld();
    const from = address();
    for (let attempt = 0; attempt < SIGN_IN_FAILURES_MAX; attempt += 1)
      expect((await show({ apiKey: `sk_test_${"x".repeat(40)}${attempt}` }, from)).status).toBe(401);
    const limited = await show({ apiKey: world.key }, from);
    expect(limited).toMatchObject({ status: 429, envelope: { error: { code: "rate_limited" } } });
    expect(Number(limited.headers.get("Retry-After"))).toBe(SIGN_IN_WINDOW_MS / 1000);
    expect((await show({ apiKey: world.key })).status).toBe(201);
    clockAt(new Date(at("2030-05-01T10:00:00Z") + SIGN_IN_WINDOW_MS).toISOString());
    expect((await show({ apiKey: world.key }, from)).status).toBe(201);
  });

  test("a link a second time, after its end, with another token, or where no start set one", async ({ expect }) => {
    const world = await newWorld();
    const value = (untilMs: number) => `another-token.${sha256Hex(world.key)}.${untilMs}`;
    const spent = { status: 401, envelope: { error: { code: "unauthorized" } } };
    expect(await show({ linkToken: "another-token" })).toMatchObject(spent);
    setLink(value(Date.now() - 1));
    expect(await show({ linkToken: "another-token" })).toMatchObject(spent);
    setLink(value(Date.now() + 60_000));
    for (const linkToken of ["", "wrong", sha256Hex(world.key)]) expect(await show({ linkToken })).toMatchObject(spent);
    expect((await show({ linkToken: "another-token" })).status).toBe(201);
    expect(await show({ linkToken: "another-token" })).toMatchObject(spent);
  });

  test("what is no page of the console: unknown paths stay enveloped, whatever the client wants to read", async ({
    expect,
  }) => {
    for (const path of [
      "/api/v1/nothing",
      "/consoles",
      "/console/files/nothing.js",
      "/fonts/fonts.json",
      "/index.html",
    ])
      expect(await send("GET", path, { headers: { Accept: "text/html" } })).toMatchObject({
        status: 404,
        envelope: { success: false, error: { code: "not_found" } },
      });
    expect((await send("POST", "/console")).status).toBe(404);
    expect((await send("PUT", SESSION)).status).toBe(405);
  });
});

describe("holds", () => {
  test("nothing that opens a session is stored", async ({ expect }) => {
    const world = await newWorld();
    const secret = (await signIn(world.key)).Cookie?.split("=")[1] ?? "";
    const { results } = await env.DB.prepare("SELECT * FROM console_sessions WHERE account_id = ?")
      .bind(world.accountId)
      .all();
    expect(results).toMatchObject([{ digest: sha256Hex(secret), revoked_at_ms: null }]);
    expect(JSON.stringify(results)).not.toContain(secret);
  });

  test("a session ends after twelve hours, and with its key", async ({ expect }) => {
    clockAt("2030-06-01T10:00:00Z");
    const world = await newWorld();
    const secondKey = await insertKey(world.accountId, { scopes: ["admin"] });
    const [mine, other] = [await signIn(world.key), await signIn(secondKey)];
    const { envelope } = await call("GET", SESSION, other);
    const keyId = (envelope.data as { key: { id: string } }).key.id;
    expect((await call("DELETE", `/api/v1/account/api-keys/${keyId}`, mine)).status).toBe(200);
    expect((await call("GET", SESSION, other)).status).toBe(401);
    expect(await sessions(mine)).toHaveLength(1);
    clockAt(new Date(at("2030-06-01T10:00:00Z") + CONSOLE_SESSION_MS - 1).toISOString());
    expect((await call("GET", SESSION, mine)).status).toBe(200);
    clockAt(new Date(at("2030-06-01T10:00:00Z") + CONSOLE_SESSION_MS).toISOString());
    expect((await call("GET", SESSION, mine)).status).toBe(401);
  });

  test("a session that another isolate ended is refused within five seconds", async ({ expect }) => {
    clockAt("2030-07-01T10:00:00Z");
    const world = await newWorld();
    const mine = await signIn(world.key);
    expect((await call("GET", SESSION, mine)).status).toBe(200);
    await env.DB.prepare("UPDATE console_sessions SET revoked_at_ms = 1 WHERE account_id = ?")
      .bind(world.accountId)
      .run();
    clearSnapshots();
    clockAt(new Date(at("2030-07-01T10:00:00Z") + KEY_FRESH_MS_MAX).toISOString());
    expect((await call("GET", SESSION, mine)).status).toBe(401);
  });

  test("a key in a header decides, whatever cookie comes with it", async ({ expect }) => {
    const [world, stranger] = [await newWorld(), await newWorld()];
    const theirs = await signIn(stranger.key);
    const answered = await send("GET", "/api/v1/account", { key: world.key, headers: { Cookie: theirs.Cookie ?? "" } });
    expect(answered.envelope.data).toMatchObject({ id: world.accountId });
  });

  test("the page runs nothing that is not its own, and nobody frames it", async ({ expect }) => {
    const page = await send("GET", "/console");
    const policy = page.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page.text).not.toMatch(/<style|<script(?! type="module" src="\/console\/files\/)| style="| on\w+="/);
  });
});
