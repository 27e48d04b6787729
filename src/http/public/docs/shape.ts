import { html } from "hono/html";
import type { JsonSchema } from "../../../contract/openapi-schemas.ts";
import { breakable, type Html, inline } from "./markdown.ts";

/** JSON Schemas for people: a table of fields, and a type in a few words. */

export type Schemas = Record<string, JsonSchema>;

export type Field = { path: string; schema: JsonSchema; required: boolean };

export function refName(schema: JsonSchema): string | undefined {
  return typeof schema.$ref === "string" ? schema.$ref.split("/").at(-1) : undefined;
}

/** The schema itself, where it is only referred to. */
export function resolve(schema: JsonSchema, schemas: Schemas): JsonSchema {
  const name = refName(schema);
  return name === undefined ? schema : resolve(schemas[name] ?? {}, schemas);
}

/** Fields of an object, those of objects written in place with a dotted path. Named shapes are linked, not unfolded. */
export function fieldsOf(schema: JsonSchema, prefix = ""): Field[] {
  const required = new Set((schema.required ?? []) as string[]);
  return Object.entries((schema.properties ?? {}) as Schemas).flatMap(([name, field]) => {
    const path = prefix + name;
    const own = { path, schema: field, required: required.has(name) };
    if (field.properties !== undefined) return [own, ...fieldsOf(field, `${path}.`)];
    const items = field.items as JsonSchema | undefined;
    return items?.properties === undefined ? [own] : [own, ...fieldsOf(items, `${path}[].`)];
  });
}

/** Which fields a table marks: in a body the few that must be there, elsewhere the few that may be missing. */
export type Marked = "required" | "optional";

/** A table of an object's fields; of anything else, its type. */
export function fieldsTable(schema: JsonSchema, schemas: Schemas, marked: Marked): Html {
  const resolved = resolve(schema, schemas);
  const list = resolved.type === "array" ? (resolved.items as JsonSchema | undefined) : undefined;
  const object = list === undefined ? resolved : resolve(list, schemas);
  const fields = fieldsOf(object);
  const about =
    typeof resolved.description === "string" ? html`<p>${inline(resolved.description.split("\n- ")[0] ?? "")}</p>` : "";
  if (fields.length === 0) return html`${about}<p class="type">${typeOf(resolved)}</p>`;
  return html`${about}${list === undefined ? "" : html`<p>A bare list of:</p>`}<div class="wide" tabindex="0"><table class="fields"><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${fields.map(
    ({ path, schema: field, required }) =>
      html`<tr><td><code>${breakable(path)}</code>${required === (marked === "required") ? html` <span class="${marked}">${marked}</span>` : ""}</td><td class="type">${typeOf(field)}</td><td>${typeof field.description === "string" ? inline(field.description) : ""}</td></tr>`,
  )}</tbody></table></div>`;
}

const FORMATS: Record<string, string> = {
  "date-time": "instant",
  uuid: "UUID",
  date: "date",
  email: "e-mail",
  uri: "URL",
};

/** A type in a few words, with its bounds. */
export function typeOf(schema: JsonSchema): Html {
  const name = refName(schema);
  if (name !== undefined) return html`<a href="#shape-${name}">${name}</a>`;
  const choices = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (choices !== undefined)
    return html`${choices.map((choice, at) => html`${at === 0 ? "" : " or "}${typeOf(choice)}`)}`;
  if (Array.isArray(schema.enum))
    return html`${schema.enum.map((value, at) => html`${at === 0 ? "" : " | "}<code>${String(value)}</code>`)}`;
  if (schema.const !== undefined) return html`<code>${String(schema.const)}</code>`;
  if (schema.type === "array") {
    const items = (schema.items ?? {}) as JsonSchema;
    return html`list of ${typeOf(items)}${bounds(schema.minItems, schema.maxItems, "")}`;
  }
  if (schema.type === "object") {
    const values = schema.additionalProperties;
    const named = typeof values === "object" && values !== null && Object.keys(values).length > 0;
    return named ? html`object of ${typeOf(values as JsonSchema)} by name` : html`object`;
  }
  if (schema.type === "string")
    return html`${FORMATS[String(schema.format)] ?? "text"}${schema.format === undefined ? bounds(schema.minLength, schema.maxLength, " characters") : ""}`;
  if (schema.type === "number" || schema.type === "integer")
    return html`${schema.type === "integer" ? "whole number" : "number"}${bounds(schema.minimum ?? schema.exclusiveMinimum, schema.maximum, "")}`;
  return html`${typeof schema.type === "string" ? schema.type : "any value"}`;
}

function bounds(least: unknown, most: unknown, unit: string): string {
  const text = (value: unknown): string => Number(value).toLocaleString("en");
  if (least !== undefined && most !== undefined) return `, ${text(least)}…${text(most)}${unit}`;
  if (most !== undefined) return `, ≤ ${text(most)}${unit}`;
  return least === undefined ? "" : `, ≥ ${text(least)}${unit}`;
}
