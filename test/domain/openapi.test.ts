import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, test } from "vitest";
import * as z from "zod";
import { REFUSALS, WIRE_CODES, type WireCode } from "../../src/contract/errors.ts";
import { type OpenApiDocument, openApiDocument } from "../../src/contract/openapi.ts";
import { errorExample, refusalsByStatus } from "../../src/contract/openapi-errors.ts";
import type { DocumentedRoute, Operation } from "../../src/contract/openapi-operation.ts";
import type { JsonSchema } from "../../src/contract/openapi-schemas.ts";
import { decimal, page, queryBoolean } from "../../src/contract/scalars.ts";
import type { RefusalCode } from "../../src/domain/refusal.ts";
import { ROUTES } from "../../src/http/routes.ts";

const DOCUMENT = openApiDocument(ROUTES, "1.2.3");

const operations = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

function plain(spec: Partial<DocumentedRoute>): DocumentedRoute {
  return {
    method: "GET",
    path: "/things",
    scope: "client",
    tag: "Things",
    summary: "Things",
    answers: { 200: null },
    ...spec,
  };
}

function operationAt(document: OpenApiDocument, method: string, path: string): Operation {
  const operation = document.paths[path]?.[method];
  if (operation === undefined) throw new Error(`no ${method} ${path} in the document`);
  return operation;
}

/** Every `$ref` anywhere in a value. */
function refsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) =>
    key === "$ref" && typeof field === "string" ? [field] : refsIn(field),
  );
}

function at(document: unknown, pointer: string): unknown {
  return pointer
    .slice(2)
    .split("/")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

describe("does", () => {
  test("the document of all routes is valid OpenAPI 3.1", async ({ expect }) => {
    const result = await new Validator().validate(structuredClone(DOCUMENT) as unknown as Record<string, unknown>);
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
  });

  test("lists exactly the routes that are mounted, aliases among them", ({ expect }) => {
    const mounted = ROUTES.flatMap(({ method, path, aliases = [] }) =>
      [path, ...aliases].map((mountedPath) => `${method} ${mountedPath}`),
    );
    expect(operations.map(({ name }) => name).sort()).toEqual(mounted.sort());
  });

  test("an alias says whose it is, and has an id of its own", ({ expect }) => {
    expect(operationAt(DOCUMENT, "get", "/actuator/health")["x-alias-of"]).toBe("/health");
    expect(operationAt(DOCUMENT, "get", "/health")["x-aliases"]).toEqual(["/actuator/health"]);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(operations)("$name has summary, tag, security, a success and its errors", ({ operation }) => {
    // Plain throws name what is missing; `expect` would need a matcher for each.
    if (operation.summary.trim() === "" || operation.tags.length !== 1) throw new Error("no summary or no tag");
    const statuses = Object.keys(operation.responses).map(Number);
    if (!statuses.some((status) => status >= 200 && status < 300)) throw new Error("no success");
    if (!statuses.includes(500)) throw new Error("no 500");
    const open = operation["x-scope"] === "public";
    if (open !== (operation.security.length === 0)) throw new Error("security is not what the scope says");
    // Whoever signs in to the console shows the key in the body.
    const showsKey = !open || operation.operationId === "postConsoleSession";
    if (showsKey !== statuses.includes(401)) throw new Error("401 exactly where a key is needed");
    if (!open && !statuses.includes(403)) throw new Error("no 403");
    if (operation.requestBody !== undefined && !(statuses.includes(413) && statuses.includes(415)))
      throw new Error("a body can be too large, or of another type");
  });

  test.each(
    ROUTES.filter((route) => route.body !== undefined).map((route) => ({
      name: `${route.method} ${route.path}`,
      route,
    })),
  )("$name has an example body that its own schema takes", ({ route }) => {
    const parsed = route.body?.safeParse(route.examples?.body);
    if (parsed?.success !== true) throw new Error(`example: ${parsed?.error?.message}`);
  });

  test("both ways to send a key are named, with the scope they need", ({ expect }) => {
    const { paths } = openApiDocument([plain({ scope: "admin" }), plain({ path: "/root", scope: "root" })], "1");
    expect(paths["/things"]?.get?.security).toEqual([{ bearer: ["admin"] }, { apiKey: ["admin"] }]);
    expect(paths["/root"]?.get?.security).toEqual([{ rootToken: [] }, { rootTokenHeader: [] }]);
  });

  test("scopes of customers' keys are told to machines and to people", ({ expect }) => {
    const operation = operationAt(openApiDocument([plain({ pinned: ["purchase", "ingest"] })], "1"), "get", "/things");
    expect(operation["x-customer-key-scopes"]).toEqual(["purchase", "ingest"]);
    expect(operation.description).toContain("`purchase` or `ingest`");
  });

  test("path and query become parameters, typed as they are meant", ({ expect }) => {
    const query = z.object({ ...page, dryRun: queryBoolean, mode: z.enum(["a", "b"]).optional() }).catchall(z.string());
    const document = openApiDocument([plain({ path: "/things/{id}", query })], "1");
    const parameters = operationAt(document, "get", "/things/{id}").parameters;
    expect(parameters.map(({ name, required, schema }) => [name, required, schema])).toEqual([
      ["id", true, { type: "string" }],
      ["limit", false, { type: "integer" }],
      ["offset", false, { type: "integer" }],
      ["dryRun", true, { type: "boolean" }],
      ["mode", false, { type: "string", enum: ["a", "b"] }],
      ["others", false, { type: "object", additionalProperties: { type: "string" } }],
      [undefined, undefined, undefined],
    ]);
  });

  test("bodies are described as sent: decimals as number or text", ({ expect }) => {
    const body = z.object({ amount: decimal.meta({ description: "How much." }) }).meta({ id: "Amount" });
    const { components, paths } = openApiDocument([plain({ method: "POST", body })], "1");
    expect(paths["/things"]?.post?.requestBody?.content["application/json"]?.schema).toEqual({
      $ref: "#/components/schemas/Amount",
    });
    expect(components.schemas.Amount).toEqual({
      type: "object",
      properties: { amount: { $ref: "#/components/schemas/Decimal", description: "How much." } },
      required: ["amount"],
    });
  });

  test("a list that can be had as a file has both media types, the file without the envelope", ({ expect }) => {
    const route = plain({ answers: { 200: z.object({ n: z.int() }) }, alsoAnswers: "text/csv" });
    const { responses } = operationAt(openApiDocument([route], "1"), "get", "/things");
    const content = responses["200"]?.content as Record<string, { schema: { required?: string[] } }>;
    expect(Object.keys(content)).toEqual(["application/json", "text/csv"]);
    expect(content["application/json"]?.schema.required).toEqual(["success", "data"]);
    expect(content["text/csv"]?.schema).toEqual({ type: "string" });
  });

  test("raw bodies and raw answers have their media types and no envelope", ({ expect }) => {
    const route = plain({ method: "POST", rawBody: ["text/csv"], answers: { 200: "text/csv; charset=utf-8" } });
    const operation = operationAt(openApiDocument([route], "1"), "post", "/things");
    expect(Object.keys(operation.requestBody?.content ?? {})).toEqual(["text/csv"]);
    expect(operation.responses["200"]?.content).toEqual({ "text/csv": { schema: { type: "string" } } });
  });

  test("an answer is described in its envelope, its example too", ({ expect }) => {
    const route = plain({ answers: { 200: z.object({ n: z.int() }) }, examples: { answer: { n: 1 } } });
    const operation = operationAt(openApiDocument([route], "1"), "get", "/things");
    expect(operation.responses["200"]?.content).toEqual({
      "application/json": {
        schema: {
          type: "object",
          required: ["success", "data"],
          properties: {
            success: { const: true },
            data: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
          },
        },
        example: { success: true, data: { n: 1 } },
      },
    });
  });

  test("a shape that is sent otherwise than answered has two names, one that is not has one", ({ expect }) => {
    const same = z.object({ n: z.int() }).meta({ id: "Same" });
    const inner = z.object({ flag: z.boolean().default(true) }).meta({ id: "Inner" });
    const outer = z.object({ inner, same }).meta({ id: "Outer" });
    const route = plain({ method: "POST", body: outer, answers: { 200: outer }, examples: { body: {} } });
    const { schemas } = openApiDocument([route], "1").components;
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining(["Inner", "InnerInput", "Outer", "OuterInput", "Same"]),
    );
    expect(schemas).not.toHaveProperty("SameInput");
    const outerInput = schemas.OuterInput as JsonSchema;
    expect(refsIn(outerInput)).toEqual(["#/components/schemas/InnerInput", "#/components/schemas/Same"]);
    expect(refsIn(schemas.Outer)).toEqual(["#/components/schemas/Inner", "#/components/schemas/Same"]);
  });
});

describe("refuses", () => {
  test("two schemas of one name", ({ expect }) => {
    const first = plain({ answers: { 200: z.object({ n: z.int() }).meta({ id: "Twice" }) } });
    const second = plain({ path: "/others", answers: { 200: z.object({ s: z.string() }).meta({ id: "Twice" }) } });
    expect(() => openApiDocument([first, second], "1")).toThrow("two schemas are called Twice");
  });

  test.each(Object.keys(WIRE_CODES) as WireCode[])("%s is explained with its status", (code) => {
    const row = `| \`${code}\` | ${WIRE_CODES[code]} | `;
    if (!DOCUMENT.info.description.includes(row)) throw new Error("not in the introduction's table");
    if (!(at(DOCUMENT, "#/components/schemas/ErrorCode/enum") as string[]).includes(code))
      throw new Error("not in ErrorCode");
  });

  test.each(Object.keys(REFUSALS) as RefusalCode[])("%s has an example that reads like a real answer", (code) => {
    const { body, error, status } = errorExample(code);
    const text = JSON.stringify(body);
    if (/undefined|NaN|null|\[object/.test(text)) throw new Error(`its sample lacks something: ${text}`);
    if (status !== WIRE_CODES[error]) throw new Error("status and code differ");
  });

  test("each error answer of an operation names its codes, with an example of each", ({ expect }) => {
    const route = plain({ method: "POST", refuses: ["customer_not_found", "quarantined"] });
    const { responses } = operationAt(openApiDocument([route], "1"), "post", "/things");
    expect(responses["404"]?.["x-errors"]).toEqual([
      { code: "customer_not_found", error: "not_found", message: "No customer “acme”." },
    ]);
    expect(responses["409"]?.["x-errors"]?.map(({ code }) => code)).toEqual(["request_conflict"]);
    expect(responses["503"]?.headers).toHaveProperty("Retry-After");
    expect(responses["404"]?.headers).not.toHaveProperty("Retry-After");
    expect([...refusalsByStatus(route).keys()]).toEqual([400, 401, 403, 404, 409, 413, 429, 503]);
  });
});

describe("holds", () => {
  test("every reference leads somewhere", ({ expect }) => {
    const refs = new Set(refsIn(DOCUMENT));
    expect(refs.size).toBeGreaterThan(10);
    expect([...refs].filter((ref) => !ref.startsWith("#/") || at(DOCUMENT, ref) === undefined)).toEqual([]);
  });

  test("answers may gain fields: no shape forbids unknown ones", ({ expect }) => {
    expect(JSON.stringify(DOCUMENT.components.schemas)).not.toContain('"additionalProperties":false');
  });

  test("every parameter of a path is described once, and required", ({ expect }) => {
    for (const { name, operation } of operations) {
      const named = [...name.matchAll(/\{(\w+)\}/g)].map(([, word]) => word);
      const own = operation.parameters.filter((parameter) => parameter.in === "path");
      expect(own.map((parameter) => [parameter.name, parameter.required])).toEqual(named.map((word) => [word, true]));
    }
  });

  test("the same routes make the same document", ({ expect }) => {
    expect(JSON.stringify(openApiDocument(ROUTES, "1.2.3"))).toBe(JSON.stringify(DOCUMENT));
  });
});
