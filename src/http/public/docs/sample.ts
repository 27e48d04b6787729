import type { JsonSchema } from "../../../contract/openapi-schemas.ts";
import { refName, type Schemas } from "./shape.ts";

/** Values that fit a schema, for calls and answers that have no example of their own. They show the shape, not a real case. */

const ID = "0f9d1c4e-7a5b-8c3d-9e2f-1a2b3c4d5e6f";
const INSTANT = "2027-01-15T12:00:00.000Z";

/** Names people would choose, by the field they would stand in. */
const WORDS: Record<string, string> = {
  ref: "acme",
  customerReferenceId: "acme",
  referenceId: "acme",
  displayName: "Acme AI",
  name: "Acme AI",
  email: "ada@acme.test",
  firstName: "Ada",
  lastName: "Lovelace",
  featureKey: "ai.chat",
  key: "ai.chat",
  model: "gpt-4o-mini",
  modelProvider: "openai",
  currency: "USD",
  importId: "history-2026",
  eventName: "chat.completion",
};

/** Deeper than this a shape only repeats itself. */
const DEPTH_MAX = 6;

export function sampleOf(schema: JsonSchema, schemas: Schemas, field = "", depth = 0): unknown {
  const name = refName(schema);
  if (name !== undefined) return sampleOf(schemas[name] ?? {}, schemas, field, depth);
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const [choice] = ((schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined) ?? [];
  if (choice !== undefined) return sampleOf(choice, schemas, field, depth);
  if (schema.type === "array")
    return depth < DEPTH_MAX ? [sampleOf((schema.items ?? {}) as JsonSchema, schemas, "", depth + 1)] : [];
  if (schema.type === "object") {
    if (depth >= DEPTH_MAX) return {};
    const properties = Object.entries((schema.properties ?? {}) as Schemas);
    return Object.fromEntries(properties.map(([key, inner]) => [key, sampleOf(inner, schemas, key, depth + 1)]));
  }
  if (schema.type === "integer" || schema.type === "number") return Number(schema.minimum ?? 1);
  if (schema.type === "boolean") return true;
  if (schema.type === "null") return null;
  if (schema.type === undefined) return {};
  return textSample(schema, field);
}

function textSample(schema: JsonSchema, field: string): string {
  if (schema.format === "date-time") return INSTANT;
  if (schema.format === "date") return INSTANT.slice(0, 10);
  if (schema.format === "uuid" || field === "id" || /Id$/.test(field)) return WORDS[field] ?? ID;
  return WORDS[field] ?? "…";
}
