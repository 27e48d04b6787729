import * as z from "zod";

/**
 * From zod to `components.schemas`. A schema with `.meta({ id })` becomes a component of that name, and is referred to wherever it
 * is used. The same schema may look different as something sent and as something answered (transforms, defaults): then the sent
 * one is called `<id>Input`. Which ones differ is known only when all are collected, so until `finish` references are provisional.
 */

export type JsonSchema = Record<string, unknown>;

/** Whether a schema describes what a caller sends, before parsing, or what it is answered. */
export type Direction = "input" | "output";

export type SchemaCollection = {
  /** The JSON Schema of a zod schema; components it uses are collected. */
  add: (schema: z.ZodType, direction: Direction) => JsonSchema;
  /** A document with its provisional references made final, and the components they lead to, by name. */
  finish: (document: JsonSchema) => { document: JsonSchema; schemas: Record<string, JsonSchema> };
};

/** Decimals everywhere are sent alike: one component says so once instead of at each field. */
const DECIMAL: JsonSchema = {
  description:
    "An exact decimal, as a JSON number or as text. At most 15 digits before the point; text has at most 12 after it, a number is rounded to 12.",
  anyOf: [{ type: "number" }, { type: "string", maxLength: 64 }],
  examples: [0.02, "0.000000000001"],
};
const DECIMAL_SHAPE = JSON.stringify(DECIMAL.anyOf);

const PROVISIONAL = /^#\/(input|output)\/(.+)$/;

export function collectSchemas(): SchemaCollection {
  const definitions = { input: new Map<string, JsonSchema>(), output: new Map<string, JsonSchema>() };

  function add(schema: z.ZodType, direction: Direction): JsonSchema {
    // Wrapped, because zod writes a named schema in place when it is itself the root.
    const whole = z.toJSONSchema(z.object({ root: schema }), {
      target: "draft-2020-12",
      io: direction,
      unrepresentable: "any",
    }) as unknown as { properties: { root: JsonSchema }; $defs?: Record<string, JsonSchema> };
    for (const [id, found] of Object.entries(whole.$defs ?? {})) {
      const definition = tidy(found, direction);
      const known = definitions[direction].get(id);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(definition))
        throw new Error(`two schemas are called ${id}`);
      definitions[direction].set(id, definition);
    }
    return tidy(whole.properties.root, direction);
  }

  function finish(document: JsonSchema): { document: JsonSchema; schemas: Record<string, JsonSchema> } {
    const differing = differingIds(definitions.input, definitions.output);
    const nameOf = (direction: string, id: string): string =>
      direction === "input" && differing.has(id) ? `${id}Input` : id;
    const final = (value: unknown): unknown =>
      mapRefs(value, (ref) => {
        const [, direction, id] = PROVISIONAL.exec(ref) ?? [];
        return direction === undefined || id === undefined ? ref : `#/components/schemas/${nameOf(direction, id)}`;
      });
    const schemas = new Map<string, JsonSchema>([["Decimal", DECIMAL]]);
    for (const direction of ["output", "input"] as const)
      for (const [id, schema] of definitions[direction])
        schemas.set(nameOf(direction, id), final(schema) as JsonSchema);
    const byName = [...schemas].sort(([a], [b]) => (a < b ? -1 : 1));
    return { document: final(document) as JsonSchema, schemas: Object.fromEntries(byName) };
  }

  return { add, finish };
}

/** Ids whose two directions differ in themselves or in something they refer to. */
function differingIds(input: Map<string, JsonSchema>, output: Map<string, JsonSchema>): Set<string> {
  const direct = (schema: JsonSchema | undefined): string =>
    JSON.stringify(mapRefs(schema, (ref) => ref.replace(PROVISIONAL, "$2")));
  const shared = [...input.keys()].filter((id) => output.has(id));
  const differing = new Set(shared.filter((id) => direct(input.get(id)) !== direct(output.get(id))));
  for (let sizeBefore = -1; sizeBefore !== differing.size; ) {
    sizeBefore = differing.size;
    for (const id of shared) {
      mapRefs(input.get(id), (ref) => {
        if (differing.has(ref.replace(PROVISIONAL, "$2"))) differing.add(id);
        return ref;
      });
    }
  }
  return differing;
}

/** A copy with every `$ref` replaced. */
export function mapRefs(value: unknown, replace: (ref: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapRefs(item, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      key === "$ref" && typeof field === "string" ? replace(field) : mapRefs(field, replace),
    ]),
  );
}

/** Keywords whose value is a schema, a list of schemas, or schemas by name: the only places where `tidy` goes on. */
const ONE = new Set(["items", "additionalProperties", "not"]);
const LIST = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
/** Formats that say all that zod's page-long pattern says. */
const KNOWN_FORMATS = new Set(["date-time", "date", "uuid", "email", "uri"]);

/**
 * What a reader needs of a generated schema. `additionalProperties: false` goes, because answers may gain fields and requests
 * may carry unknown ones; so do the bounds of safe integers and the patterns of known formats.
 */
function tidy(schema: JsonSchema, direction: Direction): JsonSchema {
  const tidied: JsonSchema = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === "$ref") tidied.$ref = String(value).replace(/^#\/\$defs\//, `#/${direction}/`);
    else if (keyword === "additionalProperties" && value === false) continue;
    else if (keyword === "propertyNames") continue;
    else if ((keyword === "minimum" || keyword === "maximum") && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER)
      continue;
    else if (keyword === "pattern" && KNOWN_FORMATS.has(String(schema.format))) continue;
    else if (keyword === "properties")
      tidied.properties = Object.fromEntries(
        Object.entries(value as Record<string, JsonSchema>).map(([key, field]) => [key, tidy(field, direction)]),
      );
    else if (LIST.has(keyword)) tidied[keyword] = (value as JsonSchema[]).map((item) => tidy(item, direction));
    else if (ONE.has(keyword) && typeof value === "object") tidied[keyword] = tidy(value as JsonSchema, direction);
    else tidied[keyword] = value;
  }
  if (JSON.stringify(tidied.anyOf) !== DECIMAL_SHAPE) return tidied;
  const { anyOf: _, ...annotations } = tidied;
  return { $ref: "#/components/schemas/Decimal", ...annotations };
}
