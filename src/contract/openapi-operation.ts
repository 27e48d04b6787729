import type * as z from "zod";
import type { CustomerScope } from "../domain/account.ts";
import type { RefusalCode } from "../domain/refusal.ts";
import { WIRE_CODES } from "./errors.ts";
import { errorExample, MEANINGS, refusalsByStatus } from "./openapi-errors.ts";
import { collectSchemas, type JsonSchema, type SchemaCollection } from "./openapi-schemas.ts";

/** One route as one operation of the OpenAPI document: who may call it, what it takes, and everything it can answer. */

/** What the document needs of a route; `http/route.ts` has the whole. */
export type DocumentedRoute = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  aliases?: readonly string[];
  scope: "public" | "root" | "client" | "admin";
  pinned?: readonly CustomerScope[];
  tag: string;
  summary: string;
  description?: string;
  params?: z.ZodType | undefined;
  query?: z.ZodType | undefined;
  body?: z.ZodType | undefined;
  /** `answer` is the first success's `data`. */
  examples?: { body?: unknown; answer?: unknown };
  rawBody?: readonly string[];
  bodyBytesMax?: number;
  answers: Record<number, z.ZodType | null | string>;
  rawAnswer?: z.ZodType;
  alsoAnswers?: string;
  refuses?: readonly RefusalCode[];
};

export type ErrorAnswer = { code: RefusalCode | "internal_error"; error: string; message: string };

/** An operation of the document; `x-` fields say what OpenAPI has no word for, and are what `/docs` shows. */
export type Operation = JsonSchema & {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security: Record<string, string[]>[];
  parameters: JsonSchema[];
  requestBody?: { required: boolean; content: Record<string, JsonSchema> };
  responses: Record<string, JsonSchema & { "x-errors"?: ErrorAnswer[] }>;
  "x-scope": DocumentedRoute["scope"];
  "x-customer-key-scopes": CustomerScope[];
  "x-aliases"?: string[];
  "x-alias-of"?: string;
  "x-body-bytes-max"?: number;
};

/** The operation of a route; components that it uses are collected. */
export function operationOf(route: DocumentedRoute, collection: SchemaCollection): Operation {
  const { aliases = [], pinned = [] } = route;
  const description = [route.description, pinnedSentence(route)].filter((part) => part !== undefined).join("\n\n");
  const body = requestBodyOf(route, collection);
  return {
    operationId: operationIdOf(route.method, route.path),
    tags: [route.tag],
    summary: route.summary,
    ...(description === "" ? {} : { description }),
    security: securityOf(route.scope),
    parameters: parametersOf(route),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responsesOf(route, collection),
    "x-scope": route.scope,
    "x-customer-key-scopes": [...pinned],
    ...(aliases.length === 0 ? {} : { "x-aliases": [...aliases] }),
    ...(route.bodyBytesMax === undefined ? {} : { "x-body-bytes-max": route.bodyBytesMax }),
  };
}

function pinnedSentence({ pinned = [] }: DocumentedRoute): string | undefined {
  if (pinned.length === 0) return undefined;
  const scopes = pinned.map((scope) => `\`${scope}\``).join(" or ");
  return `A customer's key (\`ck_\`) with ${scopes} may call this, for its own customer only.`;
}

/** `GET /api/v1/client/customers/{ref}` → `getClientCustomersByRef`. */
export function operationIdOf(method: string, path: string): string {
  const words = path
    .replace(/^\/api\/v1\//, "/")
    .split("/")
    .flatMap((part) => (part.startsWith("{") ? ["by", ...part.split(/\W/)] : part.split(/\W/)))
    .filter((word) => word !== "");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function securityOf(scope: DocumentedRoute["scope"]): Record<string, string[]>[] {
  if (scope === "public") return [];
  if (scope === "root") return [{ rootToken: [] }, { rootTokenHeader: [] }];
  return [{ bearer: [scope] }, { apiKey: [scope] }];
}

function parametersOf(route: DocumentedRoute): JsonSchema[] {
  const inPath = objectFields(route.params);
  const parameters: JsonSchema[] = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) =>
    parameter(name, "path", inPath.fields[name] ?? { type: "string" }, true),
  );
  const inQuery = objectFields(route.query);
  for (const [name, schema] of Object.entries(inQuery.fields))
    parameters.push(parameter(name, "query", schema, inQuery.required.has(name)));
  if (inQuery.others !== undefined) {
    // A form-style object is how OpenAPI writes parameters whose names are the caller's to choose.
    parameters.push({
      ...parameter("others", "query", { type: "object", additionalProperties: inQuery.others }, false),
      description: "Further parameters by name, as described above.",
      style: "form",
      explode: true,
    });
  }
  if (route.method !== "GET" && route.scope !== "public")
    parameters.push({ $ref: "#/components/parameters/Idempotency-Key" });
  parameters.push({ $ref: "#/components/parameters/X-Request-Id" });
  return parameters;
}

function parameter(name: string, place: "path" | "query", schema: JsonSchema, required: boolean): JsonSchema {
  const { description, ...rest } = schema;
  return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: asMeant(rest) };
}

/** Paths and queries are text, so a whole number there is a pattern and a yes a word: said as what they mean. */
function asMeant(schema: JsonSchema): JsonSchema {
  if (typeof schema.pattern === "string" && /^\^(-\?)?\\d\{1,\d+\}\$$/.test(schema.pattern)) return { type: "integer" };
  const isBoolean = Array.isArray(schema.enum) && schema.enum.includes("true") && schema.enum.includes("false");
  return isBoolean ? { type: "boolean" } : schema;
}

type Fields = { fields: Record<string, JsonSchema>; required: Set<string>; others?: JsonSchema };

/** The fields of a flat object schema. Paths and queries are text, so none of them is a component. */
function objectFields(schema: z.ZodType | undefined): Fields {
  if (schema === undefined) return { fields: {}, required: new Set() };
  const own = collectSchemas();
  const { document, schemas } = own.finish({ root: own.add(schema, "input") });
  const inPlace = (value: unknown): JsonSchema => {
    const found = value as JsonSchema;
    const name = typeof found.$ref === "string" ? found.$ref.split("/").at(-1) : undefined;
    if (name === undefined) return found;
    const { $ref: _, ...annotations } = found;
    return { ...schemas[name], ...annotations };
  };
  const root = inPlace(document.root);
  const others = root.additionalProperties;
  return {
    fields: Object.fromEntries(
      Object.entries((root.properties ?? {}) as JsonSchema).map(([name, field]) => [name, inPlace(field)]),
    ),
    required: new Set((root.required ?? []) as string[]),
    ...(typeof others === "object" && others !== null ? { others: others as JsonSchema } : {}),
  };
}

function requestBodyOf(route: DocumentedRoute, collection: SchemaCollection): Operation["requestBody"] {
  if (route.rawBody !== undefined)
    return {
      required: true,
      content: Object.fromEntries(route.rawBody.map((type) => [type, { schema: { type: "string" } }])),
    };
  if (route.body === undefined) return undefined;
  const schema = collection.add(route.body, "input");
  const example = route.examples?.body;
  return {
    // An absent body is read as {}: it is required exactly when {} would not do.
    required: !route.body.safeParse({}).success,
    content: { "application/json": { schema, ...(example === undefined ? {} : { example }) } },
  };
}

const ANSWER_HEADERS: JsonSchema = { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" } };

function responsesOf(route: DocumentedRoute, collection: SchemaCollection): Operation["responses"] {
  const responses: Operation["responses"] = {};
  const replays = route.method !== "GET" && route.scope !== "public";
  for (const [index, [status, answer]] of Object.entries(route.answers).entries()) {
    const example = index === 0 ? route.examples?.answer : undefined;
    responses[status] = {
      description: DESCRIPTIONS[status] ?? "Done",
      headers: replays
        ? { ...ANSWER_HEADERS, "Idempotency-Replayed": { $ref: "#/components/headers/Idempotency-Replayed" } }
        : ANSWER_HEADERS,
      content: {
        ...(route.rawAnswer !== undefined && typeof answer === "string"
          ? { [answer]: { schema: collection.add(route.rawAnswer, "output") } }
          : successContent(answer, collection, example)),
        ...(index === 0 && route.alsoAnswers !== undefined
          ? successContent(route.alsoAnswers, collection, undefined)
          : {}),
      },
    };
  }
  for (const [status, codes] of refusalsByStatus(route)) {
    const errors = codes.map((code) => ({ code, ...errorExample(code) }));
    responses[status] = {
      ...errorResponse(
        [...new Set(errors.map(({ error }) => `\`${error}\`: ${MEANINGS[error]}`))].join("\n\n"),
        Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
        errors.some(({ waits }) => waits),
      ),
      "x-errors": errors.map(({ code, error, message }) => ({ code, error, message })),
    };
  }
  responses[WIRE_CODES.internal_error] = { $ref: "#/components/responses/InternalError" };
  return responses;
}

const DESCRIPTIONS: Record<string, string> = { 200: "Done", 201: "Made", 202: "Taken on", 402: "To be paid first" };

function successContent(
  answer: z.ZodType | null | string,
  collection: SchemaCollection,
  example: unknown,
): Record<string, JsonSchema> {
  const exampleField = example === undefined ? {} : { example };
  if (typeof answer === "string") {
    const schema = /json$/.test(answer) ? {} : { type: "string" };
    return { [answer.split(";")[0]?.trim() ?? answer]: { schema, ...exampleField } };
  }
  const envelope = {
    type: "object",
    required: answer === null ? ["success"] : ["success", "data"],
    properties: { success: { const: true }, ...(answer === null ? {} : { data: collection.add(answer, "output") }) },
  };
  const whole = answer === null ? { example: { success: true } } : { example: { success: true, data: example } };
  return { "application/json": { schema: envelope, ...(answer === null || example !== undefined ? whole : {}) } };
}

/** An error answer with examples by refusal code. `waits`: it says when to try again. */
export function errorResponse(description: string, examples: JsonSchema, waits: boolean): JsonSchema {
  return {
    description,
    headers: waits
      ? { ...ANSWER_HEADERS, "Retry-After": { $ref: "#/components/headers/Retry-After" } }
      : ANSWER_HEADERS,
    content: { "application/json": { schema: { $ref: "#/components/schemas/Error" }, examples } },
  };
}
