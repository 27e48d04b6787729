import type { Operation } from "../../../contract/openapi-operation.ts";
import type { JsonSchema } from "../../../contract/openapi-schemas.ts";
import { sampleOf } from "./sample.ts";
import { resolve, type Schemas } from "./shape.ts";

/** Where the Worker answers, until the page's script puts the reader's own address there. */
const ORIGIN = "https://your-worker.example";

/** A call that can be copied into a POSIX shell. The key comes from the environment, so that it stays out of the history. */
export function curlOf(method: string, path: string, operation: Operation, schemas: Schemas): string {
  const url = ORIGIN + filled(path, operation, schemas);
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}${quoted(url)}`];
  if (operation["x-scope"] === "root") lines.push(`-H "Authorization: Bearer $ROOT_TOKEN"`);
  else if (operation["x-scope"] !== "public") lines.push(`-H "Authorization: Bearer $TANSO_KEY"`);
  const [[type, media] = []] = Object.entries(operation.requestBody?.content ?? {});
  if (type === "application/json") {
    const schema = media?.schema as JsonSchema;
    const body = media?.example ?? requiredSample(resolve(schema, schemas), schemas);
    lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body, null, 2))}`);
  } else if (type !== undefined) {
    lines.push(`-H 'Content-Type: ${type}'`, `--data-binary @${type === "text/csv" ? "part.csv" : "part"}`);
  }
  return lines.join(" \\\n  ");
}

/** The path with samples for its parameters, and with the query parameters that must be there. */
function filled(path: string, operation: Operation, schemas: Schemas): string {
  const sample = (name: string, schema: unknown): string =>
    encodeURIComponent(String(sampleOf((schema ?? { type: "string" }) as JsonSchema, schemas, name)));
  const own = operation.parameters.filter((parameter) => parameter.$ref === undefined);
  const schemaOf = new Map(own.map((parameter) => [String(parameter.name), parameter.schema]));
  const inPath = path.replace(/\{(\w+)\}/g, (_, name: string) => sample(name, schemaOf.get(name)));
  const query = own
    .filter((parameter) => parameter.in === "query" && parameter.required === true)
    .map((parameter) => `${String(parameter.name)}=${sample(String(parameter.name), parameter.schema)}`);
  return query.length === 0 ? inPath : `${inPath}?${query.join("&")}`;
}

/** A body with what is required, and nothing else. */
function requiredSample(schema: JsonSchema, schemas: Schemas): unknown {
  const required = new Set((schema.required ?? []) as string[]);
  const properties = Object.entries((schema.properties ?? {}) as Schemas).filter(([name]) => required.has(name));
  return Object.fromEntries(properties.map(([name, field]) => [name, sampleOf(field, schemas, name)]));
}

/** A word for the shell, as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
