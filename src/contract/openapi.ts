import type { RefusalCode } from "../domain/refusal.ts";
import { REFUSALS, WIRE_CODES } from "./errors.ts";
import { errorExample, INTERNAL_ERROR_EXAMPLE, MEANINGS, refusalsByStatus } from "./openapi-errors.ts";
import { INTRODUCTION } from "./openapi-introduction.ts";
import { type DocumentedRoute, errorResponse, type Operation, operationOf } from "./openapi-operation.ts";
import { collectSchemas, type JsonSchema } from "./openapi-schemas.ts";

/** The OpenAPI 3.1 document, made from the routes themselves: what is mounted is described, and nothing else. Pure. */

export type OpenApiDocument = {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string; license: JsonSchema };
  servers: { url: string; description: string }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: Record<"schemas" | "responses" | "parameters" | "headers" | "examples" | "securitySchemes", JsonSchema>;
};

/** The document of these routes. `version` is the Worker's. */
export function openApiDocument(routes: readonly DocumentedRoute[], version: string): OpenApiDocument {
  const collection = collectSchemas();
  const paths: OpenApiDocument["paths"] = {};
  const refused = new Set<RefusalCode>(["no_route", "method_not_allowed"]);
  for (const route of routes) {
    const operation = operationOf(route, collection);
    for (const codes of refusalsByStatus(route).values()) for (const code of codes) refused.add(code);
    const aliases = route.aliases ?? [];
    const method = route.method.toLowerCase();
    paths[route.path] = { ...paths[route.path], [method]: operation };
    for (const [index, alias] of aliases.entries()) {
      const { "x-aliases": _, ...rest } = operation;
      const operationId = `${operation.operationId}Alias${index === 0 ? "" : index + 1}`;
      paths[alias] = { ...paths[alias], [method]: { ...rest, operationId, "x-alias-of": route.path } as Operation };
    }
  }
  const { document, schemas } = collection.finish({ paths, responses: sharedResponses() });
  return {
    openapi: "3.1.0",
    info: {
      title: "tanso-edge",
      version,
      description: INTRODUCTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The Worker that serves this document" }],
    tags: tagsOf(routes).map((name) => ({ name })),
    paths: document.paths as OpenApiDocument["paths"],
    components: {
      schemas: { ...schemas, Error: ERROR, ErrorCode: ERROR_CODE },
      responses: document.responses as JsonSchema,
      parameters: PARAMETERS,
      headers: HEADERS,
      examples: Object.fromEntries(
        [...refused].sort().map((code) => [code, { summary: REFUSALS[code].error, value: errorExample(code).body }]),
      ),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** What readers come for, first; what few of them need, last; the rest between, in the order of the routes. */
const TAGS_FIRST = [
  "Events",
  "Customers",
  "Customer keys",
  "Features",
  "Plans",
  "Subscriptions",
  "Invoices",
  "Credits",
];
const TAGS_LAST = ["Operations", "About"];

function tagsOf(routes: readonly DocumentedRoute[]): string[] {
  const used = new Set(routes.map(({ tag }) => tag));
  const others = [...used].filter((tag) => !TAGS_FIRST.includes(tag) && !TAGS_LAST.includes(tag));
  return [...TAGS_FIRST.filter((tag) => used.has(tag)), ...others, ...TAGS_LAST.filter((tag) => used.has(tag))];
}

/** Errors that no route of its own answers, or that all do. */
function sharedResponses(): JsonSchema {
  const of = (code: RefusalCode): JsonSchema =>
    errorResponse(MEANINGS[REFUSALS[code].error], { [code]: { $ref: `#/components/examples/${code}` } }, false);
  return {
    NotFound: of("no_route"),
    MethodNotAllowed: of("method_not_allowed"),
    InternalError: {
      ...errorResponse(
        `\`internal_error\`: ${MEANINGS.internal_error}`,
        { internal_error: { value: INTERNAL_ERROR_EXAMPLE } },
        false,
      ),
    },
  };
}

const ERROR_CODE: JsonSchema = {
  type: "string",
  enum: Object.keys(WIRE_CODES),
  description: Object.entries(WIRE_CODES)
    .map(([code, status]) => `- \`${code}\` (${status}): ${MEANINGS[code as keyof typeof MEANINGS]}`)
    .join("\n"),
};

const ERROR: JsonSchema = {
  type: "object",
  required: ["success", "error"],
  properties: {
    success: { const: false },
    error: {
      type: "object",
      required: ["code", "message"],
      properties: {
        code: { $ref: "#/components/schemas/ErrorCode" },
        message: { type: "string", description: "A sentence for people." },
        detail: { type: "string", description: "One problem a line: `path: problem`." },
        fields: {
          type: "array",
          description: "The same as `detail`, as structure.",
          items: {
            type: "object",
            required: ["path", "message"],
            properties: { path: { type: "string" }, message: { type: "string" } },
          },
        },
      },
    },
    data: { description: "What some errors carry, for example the first receipt of a repeated event." },
  },
};

const PARAMETERS: JsonSchema = {
  "Idempotency-Key": {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    description: "Kept 24 hours: a repeat of this request answers what the first answered.",
    schema: { type: "string", maxLength: 255 },
  },
  "X-Request-Id": {
    name: "X-Request-Id",
    in: "header",
    required: false,
    description: "Your name for this request, sent back and logged; made up when there is none.",
    schema: { type: "string", maxLength: 128 },
  },
};

const HEADERS: JsonSchema = {
  "X-Request-Id": { description: "Names this request in our log.", schema: { type: "string" } },
  "Idempotency-Replayed": {
    description: "`true` when this is the stored first answer of an earlier request.",
    schema: { type: "string", enum: ["true"] },
  },
  "Retry-After": { description: "Seconds to wait before trying again.", schema: { type: "integer" } },
};

const SECURITY_SCHEMES: JsonSchema = {
  bearer: { type: "http", scheme: "bearer", description: "An API key: `Authorization: Bearer KEY`." },
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key", description: "The same key in a header of its own." },
  rootToken: { type: "http", scheme: "bearer", description: "The deployment's root token, which makes accounts." },
  rootTokenHeader: {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description: "The root token in a header of its own.",
  },
};
