import { runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { beforeAll, beforeEach, describe, type TestContext, test } from "vitest";
import * as z from "zod";
import { WIRE_CODES } from "../../src/contract/errors.ts";
import { BODY_BYTES_MAX } from "../../src/domain/limits.ts";
import { parseJson } from "../../src/http/body.ts";
import type { Route } from "../../src/http/route.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { bodyWith, type Probed, pathWith, rowsOf, send, type Things } from "../support/probe.ts";
import { sqlOf } from "../support/tables.ts";
import { newWorld, type World } from "../support/world.ts";

/**
 * Hostile input for every route of the table: whatever is sent, the answer is an envelope, never a 500; a refusal says which
 * field; and what was refused has stored nothing.
 */

/** Stand for JSON that no value can be written as; put in after the rest was written. */
const RAW = {
  "@huge@": "1e400",
  "@hugeNegative@": "-1e400",
  "@digits@": "9".repeat(400),
  "@arrays@": arrays(1000),
  "@objects@": objects(1000),
};

function arrays(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

function objects(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}

const NASTY: readonly unknown[] = [
  ...Object.keys(RAW),
  null,
  true,
  0,
  -1,
  0.1 + 0.2,
  5e-324,
  1e15,
  1e21,
  -1e308,
  2 ** 53,
  [],
  {},
  [[null]],
  [{}],
  { __proto__: null },
  JSON.parse('{"__proto__":{"eventName":"x"},"constructor":{"prototype":1}}'),
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "x\udfff",
  "k".repeat(300),
  "ü".repeat(3000),
  "1e400",
  "-0.0000000000001",
  "NaN",
  "__proto__",
  "constructor",
  "toString",
  "' OR 1=1; --",
  "2026-02-30T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
  "0000-01-01T00:00:00Z",
  "ffffffff-ffff-8fff-bfff-ffffffffffff",
];

/** Parts of a path or a query that decode to something odd, or to nothing. */
const SEGMENTS = [
  "%00",
  "%ED%A0%80",
  "%FF",
  "%zz",
  "..%2f..",
  "__proto__",
  "constructor",
  "k".repeat(300),
  "%F0%9F%8E%89",
  "cus_x",
  "ffffffff-ffff-8fff-bfff-ffffffffffff",
  "'",
  "%25%30%30",
  "NaN",
  "-1",
  "9".repeat(400),
];

const nasty = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.jsonValue({ maxDepth: 4 }),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.dictionary(fc.constantFrom("__proto__", "constructor", "prototype", "toString", "valueOf", "a"), fc.jsonValue()),
);

function written(body: unknown): string {
  return (JSON.stringify(body) ?? "").replace(/"(@\w+@)"/g, (text, name: keyof typeof RAW) => RAW[name] ?? text);
}

type JsonSchema = { properties?: Record<string, JsonSchema>; $ref?: string; $defs?: Record<string, JsonSchema> };

/** Every field a route's body may have, `costInput.model` like inner ones. */
function fieldsOf(route: Route): string[][] {
  if (route.body === undefined) return [];
  const root = z.toJSONSchema(route.body, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const walk = (schema: JsonSchema, path: string[]): string[][] => {
    const found = schema.$ref === undefined ? schema : (root.$defs?.[schema.$ref.split("/").at(-1) ?? ""] ?? {});
    return Object.entries(found.properties ?? {}).flatMap(([name, inner]) => [
      [...path, name],
      ...(path.length < 3 ? walk(inner, [...path, name]) : []),
    ]);
  };
  return walk(root, []);
}

/** A copy of a body with one field set, made where it does not exist. */
function withField(body: unknown, [name = "", ...rest]: readonly string[], value: unknown): Record<string, unknown> {
  const own = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const set = rest.length === 0 ? value : withField(own[name], rest, value);
  // fromEntries defines `__proto__` as a field like any other.
  return Object.fromEntries([...Object.entries(own).filter(([key]) => key !== name), [name, set]]);
}

const mutating = ROUTES.filter(({ method }) => method !== "GET").map(
  (route) => [`${route.method} ${route.path}`, route] as const,
);
const jsonRoutes = mutating.filter(([, route]) => route.body !== undefined);

let world: World;
let mine: Things;

/** What every route has something to name in. */
async function makeWorld(): Promise<void> {
  world = await newWorld();
  const email = "ada@acme.test";
  const made = await world.call<{ id: string }>("POST", "/api/v1/client/customers", {
    customerReferenceId: "ada",
    email,
  });
  await world.event({ customerReferenceId: "ada", featureKey: "ai.chat", eventIdempotencyKey: "first" });
  const { data } = await world.call<{ items: { id: string }[] }>("GET", "/api/v1/client/features");
  const featureId = data.items[0]?.id ?? "";
  const plan = await world.call<{ id: string }>("POST", "/api/v1/monetization/plans", {
    key: "pro",
    name: "Pro",
    description: "For teams.",
    priceAmount: 10,
  });
  const planId = plan.data.id;
  await world.call("POST", "/api/v1/monetization/rules/plan-features", { planId, featureId });
  const clock = await world.call<{ id: string }>("POST", "/api/v1/test-clocks", { frozenTime: "2027-01-31T09:00:00Z" });
  await world.call("PATCH", `/api/v1/monetization/plans/${planId}`, { status: "ACTIVE" });
  const model = await world.call<{ id: string }>("POST", "/api/v1/monetization/credits/models", {
    name: "AI credits",
    denomination: "AI_CREDITS",
  });
  const { data: bought } = await world.call<{ subscription: { id: string }; invoice: { id: string } }>(
    "POST",
    "/api/v1/client/subscriptions",
    { customerReferenceId: "ada", planId },
  );
  const pool = await world.call<{ id: string }>("POST", "/api/v1/monetization/credits/pools", {
    name: "AI credits",
    denomination: "AI_CREDITS",
    customerId: made.data.id,
  });
  const grant = await world.call<{ id: string }>("POST", "/api/v1/monetization/credits/grants", {
    creditPoolId: pool.data.id,
    amount: 100,
    grantType: "MANUAL",
  });
  const taken = await world.call<{ id: string }>("POST", "/api/v1/monetization/credits/deductions", {
    creditPoolId: pool.data.id,
    amount: 1,
  });
  mine = {
    ref: "ada",
    customerId: made.data.id,
    featureId,
    featureKey: "ai.chat",
    keyId: crypto.randomUUID(),
    planId,
    subscriptionId: bought.subscription.id,
    invoiceId: bought.invoice.id,
    clockId: clock.data.id,
    creditModelId: model.data.id,
    weightId: crypto.randomUUID(),
    poolId: pool.data.id,
    grantId: grant.data.id,
    entryId: taken.data.id,
    adminKey: world.key,
  };
}

function keyFor(route: Route): string {
  return route.scope === "root" ? "root_test" : world.key;
}

function call(route: Route, body: BodyInit, type = "application/json"): Promise<Probed> {
  return send(route.method, pathWith(route.path, mine), {
    key: keyFor(route),
    body,
    headers: { "Content-Type": type },
  });
}

/** Answers of raw JSON, HTML and the like have no envelope. */
function isRaw(route: Route): boolean {
  return Object.values(route.answers).some((answer) => typeof answer === "string");
}

/** What is wrong with an answer as an answer; undefined when it is a proper success or a proper refusal. */
function flawOf(answered: Probed, route?: Route): string | undefined {
  const { status, envelope, text } = answered;
  if (status >= 500) return `a ${status}: ${text}`;
  if (status === 200 && route !== undefined && isRaw(route)) return undefined;
  if (status < 400) {
    const { results } = (envelope.data ?? {}) as {
      results?: { status: string; error?: Probed["envelope"]["error"] }[];
    };
    const bad = results?.find((line) => line.status === "rejected" && flawOfError(line.error) !== undefined);
    if (bad !== undefined) return `a line that is rejected improperly: ${JSON.stringify(bad)}`;
    return envelope.success === true ? undefined : `no envelope: ${text}`;
  }
  if (envelope.success !== false) return `no envelope: ${text}`;
  const flaw = flawOfError(envelope.error);
  if (flaw !== undefined) return `${flaw}: ${text}`;
  return WIRE_CODES[envelope.error?.code as keyof typeof WIRE_CODES] === status ? undefined : `another status: ${text}`;
}

function flawOfError(error: Probed["envelope"]["error"]): string | undefined {
  if (error === undefined || !(error.code in WIRE_CODES) || error.message === "") return "no code or no message";
  if (error.code !== "validation_failed" || /not valid JSON/.test(error.message)) return undefined;
  if (/have made \d+ features/.test(error.message)) return undefined;
  const fields = error.fields ?? [];
  if (fields.length === 0) return "no field is named";
  return fields.every(({ path, message }) => typeof path === "string" && message !== "")
    ? undefined
    : "a field without words";
}

/** What must not grow when a request is refused: what D1 decides, and the events of the customer that requests name. */
async function stored(): Promise<string[]> {
  const rows = await rowsOf(world.accountId, /^(rollup|feed|object_health|requests|customers$)/);
  const events = await runInDurableObject(world.object(mine.customerId), (object) =>
    sqlOf(object).exec<{ n: number }>("SELECT COUNT(*) AS n FROM events").one(),
  );
  return [...rows, `events ${events.n}`];
}

const OWN = "each in a world of its own: what one lets in must not slow the others down";
const SHARED = "all in one world, which none of them changes";

const asks = ROUTES.filter(({ method }) => method === "GET").map(
  (route) => [`${route.method} ${route.path}`, route] as const,
);

/** Nothing that is no JSON may pass as a body; a route without one reads none. */
function readsBody({ body, rawBody }: Route): boolean {
  return body !== undefined || rawBody !== undefined;
}

const anyPath = async ([, route]: readonly [string, Route], { expect }: TestContext) => {
  const query = route.query === undefined ? {} : z.toJSONSchema(route.query, { io: "input", unrepresentable: "any" });
  const names = Object.keys((query as JsonSchema).properties ?? {});
  const type = route.rawBody?.[0] ?? "application/json";
  const init = route.method === "GET" ? {} : { body: "{}", headers: { "Content-Type": type } };
  const plain = pathWith(route.path, mine).replace(/\?.*/, "");
  const paths = SEGMENTS.flatMap((segment) => [
    ...(route.path.includes("{") ? [route.path.replace(/\{\w+\}/g, segment)] : []),
    ...names.map((name) => `${plain}?${name}=${segment}`),
  ]);
  for (const path of [...paths, `${plain}?__proto__=1&constructor=2&%00=3`])
    expect(flawOf(await send(route.method, path, { key: keyFor(route), ...init }), route), path).toBeUndefined();
};

describe("refuses", () => {
  describe(OWN, () => {
    beforeEach(makeWorld);

    test.for(jsonRoutes)(
      "%s: each field with each nasty value is an answer or a refusal with its name",
      async ([, route], { expect }) => {
        const { body = "{}" } = bodyWith(route, mine);
        const example = JSON.parse(body) as unknown;
        for (const field of [...fieldsOf(route), ["__proto__"], ["constructor"], ["unknown"]])
          for (const value of NASTY) {
            const answered = await call(route, written(withField(example, field, value)));
            const flaw = flawOf(answered);
            expect(flaw, `${field.join(".")} = ${JSON.stringify(value)?.slice(0, 80)}`).toBeUndefined();
          }
      },
    );
  });

  describe(SHARED, () => {
    beforeAll(makeWorld);

    test.for(jsonRoutes)("%s: a body that is none is refused whole", async ([, route], { expect }) => {
      const before = await stored();
      for (const value of NASTY) {
        // Absent is an empty body, and an object is one.
        if (value === null || value === "@objects@" || (typeof value === "object" && !Array.isArray(value))) continue;
        const answered = await call(route, written(value));
        expect(flawOf(answered), JSON.stringify(value)?.slice(0, 80)).toBeUndefined();
        expect(answered.status).toBe(400);
      }
      expect(await stored()).toEqual(before);
    });

    test("nesting as deep as a body can hold is refused, with the field that is too deep or as a whole", async ({
      expect,
    }) => {
      const route = ROUTES.find(({ path }) => path === "/api/v1/client/events") as Route;
      const event = '{"eventName":"call","customerReferenceId":"ada"';
      const deepest = [arrays(BODY_BYTES_MAX / 2 - 100), objects(100_000)];
      for (const deep of deepest) {
        const inMeta = { status: 400, envelope: { error: { fields: [{ path: "meta" }] } } };
        expect(await call(route, `${event},"meta":{"deep":${deep}}}`)).toMatchObject(inMeta);
        const whole = { status: 400, envelope: { error: { fields: [{ path: "" }] } } };
        expect(await call(route, `${event},"unknown":${deep}}`)).toMatchObject(whole);
        expect(await call(route, deep)).toMatchObject(whole);
      }
      expect((await call(route, "[".repeat(BODY_BYTES_MAX))).status).toBe(400);
    });
  });
});

describe("holds", () => {
  describe(OWN, () => {
    beforeEach(makeWorld);

    test.for(jsonRoutes)(
      "%s: any mixture is answered, and what is refused has stored nothing",
      async ([, route], { expect }) => {
        // Made anew for every call: an event's key counts once, and a repeat is refused only after its feature was made.
        const example = () => JSON.parse(bodyWith(route, mine).body ?? "{}") as unknown;
        const fields = fieldsOf(route);
        // What a refusal left is what the next call finds.
        let left: string[] | undefined;
        const change = fc.tuple(fields.length === 0 ? fc.constant(["unknown"]) : fc.constantFrom(...fields), nasty);
        await fc.assert(
          fc.asyncProperty(
            fc.array(change, { minLength: 1, maxLength: 4 }),
            fc.boolean(),
            async (changes, keepsExample) => {
              const start: unknown = keepsExample ? example() : {};
              const body = changes.reduce<unknown>((whole, [field, value]) => withField(whole, field, value), start);
              const before = left ?? (await stored());
              const answered = await call(route, written(body));
              expect(flawOf(answered)).toBeUndefined();
              left = answered.status >= 400 ? await stored() : undefined;
              if (left !== undefined) expect(left).toEqual(before);
            },
          ),
          { numRuns: 30 },
        );
      },
    );

    test.for(mutating.filter(([, route]) => !readsBody(route)))(
      "%s: a body that nobody reads is no matter",
      async ([, route], { expect }) => {
        expect(flawOf(await call(route, "\u0000{["))).toBeUndefined();
      },
    );

    test.for(mutating.filter(([, route]) => route.rawBody !== undefined))(
      "%s: lines of anything are answered",
      async ([, route], { expect }) => {
        const line = fc.oneof(
          fc.string({ unit: "binary", maxLength: 80 }),
          fc
            .array(nasty, { maxLength: 4 })
            .map((values) => values.map((value) => written(value).slice(0, 400)).join(",")),
          nasty.map((value) =>
            written({ eventName: "call", customerReferenceId: "ada", usageUnits: value }).slice(0, 2000),
          ),
        );
        await fc.assert(
          fc.asyncProperty(
            fc.array(line, { maxLength: 6 }),
            fc.constantFrom(...(route.rawBody ?? [])),
            async (lines, type) => {
              const body = ["eventName,customerReferenceId,usageUnits", ...lines].join("\n");
              expect(flawOf(await call(route, body, type))).toBeUndefined();
            },
          ),
          { numRuns: 60 },
        );
      },
    );

    test.for(mutating)("%s: any path parameter and any query is answered", anyPath);
  });

  describe(SHARED, () => {
    beforeAll(makeWorld);

    test.for(mutating.filter(([, route]) => readsBody(route)))(
      "%s: random bytes are answered, and store nothing",
      async ([, route], { expect }) => {
        // An import is audited whatever became of its rows.
        const unaudited = async () => (await stored()).filter((row) => !row.startsWith("audit_log "));
        const before = await unaudited();
        await fc.assert(
          fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
            // A brace at first, to get further than the first character.
            const body = Uint8Array.from([0x7b, ...bytes]);
            fc.pre(!parseJson(body).ok);
            const answered = await call(route, body, route.rawBody?.[0]);
            expect(flawOf(answered)).toBeUndefined();
          }),
          { numRuns: 30 },
        );
        expect(await unaudited()).toEqual(before);
      },
    );

    test.for(asks)("%s: any path parameter and any query is answered", anyPath);
  });
});
