import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, test, vi } from "vitest";
import { BATCH_BODY_BYTES_MAX, BODY_BYTES_MAX, NAME_CHARS_MAX } from "../../src/domain/limits.ts";
import { app, mount, stands } from "../../src/http/app.ts";
import { answer, defineRoute } from "../../src/http/route.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { type Probed, pathWith, send, strangers } from "../support/probe.ts";
import { newWorld, type World } from "../support/world.ts";

/** What surrounds every request, whatever it asks: envelope, sizes, media types, request ids, CORS. */

const JSON_TYPE = { "Content-Type": "application/json" };
const EVENTS = "/api/v1/client/events";

let world: World;
beforeAll(async () => {
  world = await newWorld();
});

function post(path: string, body: BodyInit | undefined, headers: Record<string, string> = JSON_TYPE): Promise<Probed> {
  return send("POST", path, { key: world.key, headers, ...(body === undefined ? {} : { body }) });
}

const event = (fields: Record<string, unknown> = {}): string =>
  JSON.stringify({ eventName: "call", customerReferenceId: "ada", ...fields });

/** A body of so many bytes that is a valid event. */
function eventOfBytes(bytes: number): string {
  const frame = event({ ignored: "" }).length;
  return event({ ignored: "x".repeat(bytes - frame) });
}

/** Text in pieces, so that nobody can know its length ahead. */
function stream(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) controller.close();
      else controller.enqueue(bytes.slice(at, at + 64 * 1024));
      at += 64 * 1024;
    },
  });
}

/** The answer to a browser of `origin`, where the deployment allows `origins`. */
async function fromBrowser(origins: string, request: Request): Promise<Response> {
  return app.fetch(request, { ...env, CORS_ORIGINS: origins }, createExecutionContext());
}

describe("does", () => {
  test("a success is {success, data}, a refusal {success, error {code, message}}, both JSON with a request id", async ({
    expect,
  }) => {
    const done = await post(EVENTS, event());
    expect(done.status).toBe(201);
    expect(Object.keys(done.envelope)).toEqual(["success", "data"]);
    expect(done.envelope.success).toBe(true);
    const refused = await post(EVENTS, "{}");
    expect(Object.keys(refused.envelope)).toEqual(["success", "error"]);
    expect(refused.envelope.success).toBe(false);
    for (const answered of [done, refused]) {
      expect(answered.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
      expect(answered.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test("an empty body is an empty object, whatever the Content-Type", async ({ expect }) => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    for (const [body, type] of [
      [undefined, "text/plain"],
      ["", "application/json"],
      [bytes(""), "application/xml"],
      [bytes("  \n"), "application/json"],
      [bytes("{}"), undefined],
    ] as const) {
      const answered = await post(EVENTS, body, type === undefined ? {} : { "Content-Type": type });
      expect(answered.status, `${type}`).toBe(400);
      expect(answered.envelope.error?.fields?.map(({ path }) => path)).toContain("eventName");
    }
  });

  test("null is absent, unknown fields and prototype keys are ignored, numbers may be text", async ({ expect }) => {
    const body = `{"eventName":"call","customerReferenceId":"ada","stripeCustomerId":null,"featureKey":null,"meta":null,
      "usageUnits":"2.5","costAmount":null,"unknown":{"deep":[1]},"__proto__":{"eventName":"x"},"constructor":1,"toString":null}`;
    const answered = await post(EVENTS, body);
    expect(answered.status, answered.text).toBe(201);
    expect(answered.envelope.data).toMatchObject({ usageUnits: 2.5 });
    expect(answered.text).not.toContain("null");
  });

  test.for([
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON;charset=UTF-8",
    "application/vnd.api+json",
    "",
  ])("a body sent as %j is read as JSON", async (type, { expect }) => {
    const headers: Record<string, string> = type === "" ? {} : { "Content-Type": type };
    const answered = await post(EVENTS, new TextEncoder().encode(event()), headers);
    expect(answered.status, answered.text).toBe(201);
  });

  test("a byte order mark before the body is none of its text", async ({ expect }) => {
    expect((await post(EVENTS, `\ufeff${event()}`)).status).toBe(201);
  });

  test("a problem names its field as the caller would write it", async ({ expect }) => {
    const inner = await post(EVENTS, event({ costInput: { inputTokens: -1 } }));
    expect(inner.envelope.error?.fields?.[0]?.path).toBe("costInput.inputTokens");
    expect(inner.envelope.error?.detail).toMatch(/^costInput\.inputTokens: /);
    const lines = await post(`${EVENTS}/batch`, `{"events":[${event()},${event({ usageUnits: [] })}]}`);
    const { results } = lines.envelope.data as { results: { error?: Probed["envelope"]["error"] }[] };
    expect(results[1]?.error?.fields?.[0]?.path).toBe("usageUnits");
    const many = await post(
      "/api/v1/client/customers",
      JSON.stringify({ email: 1, firstName: [], customerReferenceId: "" }),
    );
    expect(many.envelope.error?.fields?.map(({ path }) => path).sort()).toEqual([
      "customerReferenceId",
      "email",
      "firstName",
    ]);
    expect(many.envelope.error?.detail?.split("\n").length).toBe(3);
  });

  test.for(["abc", "x".repeat(128), "a b~!"])("the request id %j is kept", async (requestId, { expect }) => {
    const answered = await send("GET", "/health", { headers: { "X-Request-Id": requestId } });
    expect(answered.headers.get("X-Request-Id")).toBe(requestId);
  });

  test.for(["", "x".repeat(129), "ünïcödé"])(
    "instead of the request id %j one is made",
    async (requestId, { expect }) => {
      const answered = await send("GET", "/health", { headers: { "X-Request-Id": requestId } });
      expect(answered.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test("an Idempotency-Key is echoed, on refusals too", async ({ expect }) => {
    for (const body of [event(), "{}", "{"]) {
      const key = `key ${crypto.randomUUID()}`;
      const answered = await post(EVENTS, body, { ...JSON_TYPE, "Idempotency-Key": key });
      expect(answered.headers.get("Idempotency-Key")).toBe(key);
    }
    const longest = await post(EVENTS, event(), { ...JSON_TYPE, "Idempotency-Key": "k".repeat(NAME_CHARS_MAX) });
    expect(longest.status).toBe(201);
  });

  test("HEAD answers as GET would, without a body", async ({ expect }) => {
    const head = await send("HEAD", "/health");
    expect(head.status).toBe(200);
    expect(head.text).toBe("");
    expect((await send("HEAD", "/api/v1/client/customers/ada")).status).toBe(401);
  });

  test("aliases answer as their routes do", async ({ expect }) => {
    for (const route of ROUTES.filter(({ method }) => method === "GET"))
      for (const alias of route.aliases ?? []) {
        const [one, two] = await Promise.all(
          [route.path, alias].map((path) => send("GET", pathWith(path, strangers()), { key: world.key })),
        );
        expect({ alias, status: two?.status }).toEqual({ alias, status: one?.status });
      }
  });

  test("a path parameter is decoded once", async ({ expect }) => {
    const ref = "a/b c%2F?ü";
    await post("/api/v1/client/customers", JSON.stringify({ email: "a@b", customerReferenceId: ref }));
    const path = `/api/v1/client/customers/${encodeURIComponent(ref)}`;
    const answered = await send("GET", path, { key: world.key });
    expect(answered.envelope.data).toMatchObject({ customerReferenceId: ref });
  });

  test("a second question mark is part of a parameter's name, whatever else is escaped", async ({ expect }) => {
    for (const query of ["??limit=abc", "??limit=abc&x=A", "??limit=abc&x=%41", "??limit=abc&x=+"])
      expect((await send("GET", `/api/v1/monetization/customers${query}`, { key: world.key })).status, query).toBe(200);
  });

  test("the first of a repeated query parameter counts, an empty one is absent", async ({ expect }) => {
    const answered = await send("GET", "/api/v1/client/features?limit=7&limit=9&offset=", { key: world.key });
    expect(answered.envelope.data).toMatchObject({ pagination: { limit: 7, offset: 0 } });
  });

  test("a browser of an allowed origin may ask and read, any other may not", async ({ expect }) => {
    const preflight = (origin: string) =>
      new Request(`https://tanso.test${EVENTS}`, {
        method: "OPTIONS",
        headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
      });
    const asked = await fromBrowser("https://app.test, https://b.test", preflight("https://app.test"));
    expect(asked.status).toBe(204);
    expect(asked.headers.get("Access-Control-Allow-Origin")).toBe("https://app.test");
    for (const header of ["Authorization", "X-API-Key", "X-Idempotency-Key", "Idempotency-Key", "X-Request-Id"])
      expect(asked.headers.get("Access-Control-Allow-Headers")).toContain(header);
    const health = (origin: string) => new Request("https://tanso.test/health", { headers: { Origin: origin } });
    const read = await fromBrowser("https://app.test", health("https://app.test"));
    expect(read.headers.get("Access-Control-Allow-Origin")).toBe("https://app.test");
    expect(read.headers.get("Vary")).toContain("Origin");
    expect(read.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    for (const origins of ["", "https://app.test", "https://evil.test.app"])
      for (const request of [preflight("https://evil.test"), health("https://evil.test")])
        expect((await fromBrowser(origins, request)).headers.get("Access-Control-Allow-Origin")).toBeNull();
    const anyone = await fromBrowser("*", health("https://evil.test"));
    expect(anyone.headers.get("Access-Control-Allow-Origin")).toBe("https://evil.test");
  });
});

describe("refuses", () => {
  test.for([
    "/consoles",
    "/api",
    "/api/v1/client/nothing",
    "/health/",
    "/HEALTH",
    `${EVENTS}/`,
    "//health",
    "/api/v1/client/customers/",
  ])("the path %s: 404 with an envelope", async (path, { expect }) => {
    for (const method of ["GET", "POST", "DELETE"])
      expect(await send(method, path, { key: world.key })).toMatchObject({
        status: 404,
        envelope: { success: false, error: { code: "not_found" } },
      });
  });

  test("every other method of every path: 405, and Allow names those there are", async ({ expect }) => {
    const table = ROUTES.flatMap((route) =>
      [route.path, ...(route.aliases ?? [])].map((path) => ({ method: route.method as string, path })),
    );
    for (const { path } of table) {
      const asked = pathWith(path, strangers()).replace(/\?.*/, "");
      const known = table.filter((route) => new RegExp(`^${route.path.replace(/\{\w+\}/g, "[^/]+")}$`).test(asked));
      const allowed = [...new Set(known.map(({ method }) => method))].sort();
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
        if (allowed.includes(method)) continue;
        const answered = await send(method, asked);
        expect(answered, `${method} ${asked}`).toMatchObject({
          status: 405,
          envelope: { success: false, error: { code: "method_not_allowed" } },
        });
        expect(answered.headers.get("Allow")?.split(", ").sort(), asked).toEqual(allowed);
      }
    }
  });

  test("no path without parameters stands behind one that would answer in its place", ({ expect }) => {
    const shadowed = ROUTES.flatMap(({ method, path, aliases = [] }, at) =>
      [path, ...aliases]
        .filter((one) => !one.includes("{"))
        .filter((one) =>
          ROUTES.slice(0, at).some(
            (earlier) =>
              earlier.method === method &&
              [earlier.path, ...(earlier.aliases ?? [])].some((other) => stands(other, one)),
          ),
        ),
    );
    expect(shadowed).toEqual([]);
  });

  test("a path that several paths of the table stand for allows the methods of all", async ({ expect }) => {
    const routes = (["GET /x/{id}", "POST /x/special", "DELETE /x/{key}"] as const).map((text) => {
      const [method, path] = text.split(" ") as ["GET" | "POST" | "DELETE", string];
      return defineRoute({
        method,
        path,
        scope: "public",
        tag: "",
        summary: "",
        answers: {},
        handle: () => answer(200),
      });
    });
    const put = await mount(routes).fetch(
      new Request("https://x.test/x/special", { method: "PUT" }),
      env,
      createExecutionContext(),
    );
    expect(put.headers.get("Allow")?.split(", ").sort()).toEqual(["DELETE", "GET", "POST"]);
  });

  test("a body beyond 1 MB on a single route, its length told or not: 413", async ({ expect }) => {
    expect((await post(EVENTS, eventOfBytes(BODY_BYTES_MAX))).status).toBe(201);
    expect((await post(EVENTS, stream(eventOfBytes(BODY_BYTES_MAX)))).status).toBe(201);
    const tooLarge = { status: 413, envelope: { success: false, error: { code: "payload_too_large" } } };
    expect(await post(EVENTS, eventOfBytes(BODY_BYTES_MAX + 1))).toMatchObject(tooLarge);
    expect(await post(EVENTS, stream(eventOfBytes(BODY_BYTES_MAX + 1)))).toMatchObject(tooLarge);
    expect(await post(EVENTS, stream(" ".repeat(4 * BODY_BYTES_MAX)))).toMatchObject(tooLarge);
  });

  test("every route that takes a body says 413 to one beyond its limit", async ({ expect }) => {
    for (const route of ROUTES) {
      const bytesMax = route.bodyBytesMax ?? BODY_BYTES_MAX;
      if (route.method === "GET" || bytesMax > BODY_BYTES_MAX) continue;
      const answered = await send(route.method, pathWith(route.path, strangers()), {
        key: route.scope === "root" ? "root_test" : world.key,
        body: " ".repeat(bytesMax + 1),
        headers: { "Content-Type": route.rawBody?.[0] ?? "application/json" },
      });
      expect({ path: route.path, status: answered.status }).toEqual({ path: route.path, status: 413 });
    }
    expect((await post(`${EVENTS}/batch`, " ".repeat(BATCH_BODY_BYTES_MAX + 1))).status).toBe(413);
  });

  test.for(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "json"])(
    "a body sent as %s: 415",
    async (type, { expect }) => {
      expect(await post(EVENTS, event(), { "Content-Type": type })).toMatchObject({
        status: 415,
        envelope: {
          success: false,
          error: { code: "unsupported_media_type", message: expect.stringContaining("Content-Type: application/json") },
        },
      });
    },
  );

  test.for(["{", "nonsense", '{"a":1}}', "{'a':1}", '{"a":NaN}', "undefined", '{"a":1,}', '"\\u00', "\u0000"])(
    "the malformed body %j: 400",
    async (body, { expect }) => {
      expect(await post(EVENTS, body)).toMatchObject({
        status: 400,
        envelope: { success: false, error: { code: "validation_failed" } },
      });
    },
  );

  test("a body that is no UTF-8: 400", async ({ expect }) => {
    const bytes = new TextEncoder().encode(event());
    bytes[bytes.indexOf("c".charCodeAt(0))] = 0xff;
    expect(await post(EVENTS, bytes)).toMatchObject({
      status: 400,
      envelope: { error: { code: "validation_failed" } },
    });
  });

  test.for(["null", "1", "true", '"text"', "[]", '[{"eventName":"call"}]'])(
    "the body %s that is no object: 400",
    async (body, { expect }) => {
      expect(await post(EVENTS, body)).toMatchObject({
        status: 400,
        envelope: { error: { code: "validation_failed" } },
      });
    },
  );

  test("an Idempotency-Key beyond 255 characters or not printable: 400, and nothing happens", async ({ expect }) => {
    for (const key of ["k".repeat(NAME_CHARS_MAX + 1), "tab\tinside", "ünïcödé"]) {
      const body = event({ customerReferenceId: "keyless" });
      const answered = await post(EVENTS, body, { ...JSON_TYPE, "Idempotency-Key": key });
      expect(answered).toMatchObject({ status: 400, envelope: { error: { fields: [{ path: "Idempotency-Key" }] } } });
    }
    expect((await send("GET", "/api/v1/client/customers/keyless", { key: world.key })).status).toBe(404);
  });

  test("pages that are no numbers: 400 with the parameter's name", async ({ expect }) => {
    const answered = await send("GET", "/api/v1/client/features?limit=ten", { key: world.key });
    expect(answered).toMatchObject({ status: 400, envelope: { error: { fields: [{ path: "limit" }] } } });
  });
});

describe("holds", () => {
  test("what is asked all the time leaves a line in the log only where the answer is no", async ({ expect }) => {
    const world = await newWorld();
    const lines: { path: string; status: number }[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((line: string) => {
      const said = JSON.parse(line);
      if (said.at === "request") lines.push({ path: said.path, status: said.status });
    });
    await world.event({ customerReferenceId: "quiet", featureKey: "chat" });
    await world.call("GET", "/api/v1/client/entitlements/quiet/chat");
    await world.event({ featureKey: "chat" });
    log.mockRestore();
    // A denied check and a refused event; the event that was taken left none.
    expect(lines).toEqual([
      { path: "/api/v1/client/entitlements/quiet/chat", status: 200 },
      { path: "/api/v1/client/events", status: 400 },
    ]);
  });

  test("a deletion has a body like any answer", async ({ expect }) => {
    const made = await world.call<{ id: string }>("POST", "/api/v1/client/customers/ada/keys", { scopes: ["read"] });
    const answered = await send("DELETE", `/api/v1/client/customers/ada/keys/${made.data.id}`, { key: world.key });
    expect(answered.status).toBe(200);
    expect(answered.envelope.success).toBe(true);
  });

  test("a bug answers 500 with the request id and says nothing else", async ({ expect }) => {
    const broken = defineRoute({
      method: "GET",
      path: "/broken",
      scope: "public",
      tag: "",
      summary: "",
      answers: {},
      handle: () => {
        throw new Error("SELECT secret FROM api_keys");
      },
    });
    const request = new Request("https://x.test/broken", { headers: { "X-Request-Id": "req-500" } });
    const response = await mount([broken]).fetch(request, env, createExecutionContext());
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ success: false, error: { code: "internal_error" } });
    expect(text).toContain("req-500");
    expect(text).not.toMatch(/SELECT|secret|Error|\.ts/);
  });
});
