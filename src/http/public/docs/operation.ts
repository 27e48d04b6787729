import { html } from "hono/html";
import type { Operation } from "../../../contract/openapi-operation.ts";
import type { JsonSchema } from "../../../contract/openapi-schemas.ts";
import { curlOf } from "./curl.ts";
import { breakable, type Html, inline, markdown } from "./markdown.ts";
import { sampleOf } from "./sample.ts";
import { fieldsOf, fieldsTable, resolve, type Schemas, typeOf } from "./shape.ts";

/** One operation as a fold that opens: who may call it, how, and everything it can answer. */
export function operationView(method: string, path: string, operation: Operation, schemas: Schemas): Html {
  const body = operation.requestBody;
  const json = body?.content["application/json"];
  return html`<details class="entry" id="${operation.operationId}" data-words="${searchWords(method, path, operation, schemas)}">
<summary><span class="method ${method}">${method}</span> <code class="path">${breakable(path)}</code> <span class="title">${operation.summary}</span></summary>
<div class="inside">
${operation.description === undefined ? "" : markdown(operation.description)}
${facts(operation)}
<h4>Try it</h4>
${code(curlOf(method, path, operation, schemas), "shell")}
${parametersTable(operation)}
${json === undefined ? "" : html`<h4>Body${body?.required === true ? "" : " (may be left out)"}</h4>${fieldsTable(json.schema as JsonSchema, schemas, "required")}`}
${json === undefined && body !== undefined ? html`<h4>Body</h4><p>${Object.keys(body.content).map((type, at) => html`${at === 0 ? "" : " or "}<code>${type}</code>`)}, as described above.</p>` : ""}
${Object.entries(operation.responses)
  .filter(([status]) => Number(status) < 400)
  .map(([status, response]) => successView(status, response, schemas))}
${errorsTable(operation)}
</div></details>`;
}

const WHO: Record<Operation["x-scope"], string> = {
  public: "Nobody needs a key",
  root: "The root token",
  client: "Any key of the account, scope `client` or `admin`",
  admin: "A key with scope `admin`",
};

function facts(operation: Operation): Html {
  const aliases = operation["x-aliases"] ?? [];
  const bytesMax = operation["x-body-bytes-max"];
  return html`<dl>
<dt>Key</dt><dd>${inline(WHO[operation["x-scope"]])}</dd>
${aliases.length === 0 ? "" : html`<dt>Also at</dt><dd>${aliases.map((alias) => html`<code>${breakable(alias)}</code> `)}</dd>`}
${bytesMax === undefined ? "" : html`<dt>Body size</dt><dd>at most ${(bytesMax / 1024 / 1024).toLocaleString("en")} MiB</dd>`}
</dl>`;
}

/** The schema of `data` in a success's envelope. */
function answeredData(response: JsonSchema): JsonSchema | undefined {
  const media = (response.content as Schemas | undefined)?.["application/json"];
  const envelope = media?.schema as JsonSchema | undefined;
  return (envelope?.properties as Schemas | undefined)?.data;
}

/** What is said of each operation's own parameters; the headers that every route takes are in the introduction. */
function parametersTable(operation: Operation): Html | string {
  const own = operation.parameters.filter((parameter) => parameter.$ref === undefined);
  if (own.length === 0) return "";
  return html`<h4>Parameters</h4><div class="wide" tabindex="0"><table class="fields"><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${own.map(
    (parameter) =>
      html`<tr><td><code>${String(parameter.name)}</code> <span class="place">${String(parameter.in)}</span>${parameter.required === true ? html` <span class="required">required</span>` : ""}</td><td class="type">${typeOf(parameter.schema as JsonSchema)}</td><td>${typeof parameter.description === "string" ? inline(parameter.description) : ""}</td></tr>`,
  )}</tbody></table></div>`;
}

function successView(status: string, response: JsonSchema, schemas: Schemas): Html {
  const [[type, media] = ["", {} as JsonSchema]] = Object.entries(response.content as Schemas);
  const envelope = media.schema as JsonSchema | undefined;
  const data = answeredData(response);
  const head = html`<h4><span class="status ok">${status}</span> ${String(response.description)}</h4>`;
  if (type !== "application/json" || envelope?.properties === undefined)
    return html`${head}<p>Answers <code>${type}</code>, without the envelope.</p>`;
  if (data === undefined) return html`${head}${code(JSON.stringify({ success: true }), "json")}`;
  const example = media.example ?? { success: true, data: sampleOf(data, schemas) };
  return html`${head}<p>In <code>data</code>: ${typeOf(data)}</p>${fieldsTable(data, schemas, "optional")}
<details class="example"><summary>Example answer</summary>${code(JSON.stringify(example, null, 2), "json")}</details>`;
}

function errorsTable(operation: Operation): Html {
  const rows = Object.entries(operation.responses).flatMap(([status, response]) =>
    (response["x-errors"] ?? []).map(({ error, message }) => ({ status, error, message })),
  );
  return html`<h4>Errors</h4><div class="wide" tabindex="0"><table class="errors"><thead><tr><th scope="col">Status</th><th scope="col">Code</th><th scope="col">For example</th></tr></thead><tbody>${rows.map(
    ({ status, error, message }) =>
      html`<tr><td><span class="status">${status}</span></td><td><code>${error}</code></td><td>${message}</td></tr>`,
  )}<tr><td><span class="status">500</span></td><td><code>internal_error</code></td><td>A fault of ours, told with the request’s id.</td></tr></tbody></table></div>`;
}

/** Code with a button that copies it, which the script shows. */
function code(text: string, kind: "shell" | "json"): Html {
  return html`<div class="code"><pre tabindex="0"><code class="${kind}">${text}</code></pre><button type="button" class="copy" hidden>Copy</button></div>`;
}

/** What a search finds an operation by: path, words, fields, codes; in small letters. */
export function searchWords(method: string, path: string, operation: Operation, schemas: Schemas): string {
  const json = operation.requestBody?.content["application/json"]?.schema as JsonSchema | undefined;
  const answered = Object.values(operation.responses).flatMap((response) => {
    const data = answeredData(response);
    return data === undefined ? [] : [data];
  });
  const named = [...(json === undefined ? [] : [json]), ...answered].map((schema) => resolve(schema, schemas));
  const words = [
    method,
    path,
    ...(operation["x-aliases"] ?? []),
    operation.summary,
    operation.operationId,
    ...operation.tags,
    ...operation.parameters.map((parameter) => String(parameter.name ?? "")),
    ...named.flatMap((schema) => fieldsOf(schema).map((field) => field.path)),
    ...Object.values(operation.responses).flatMap((response) =>
      (response["x-errors"] ?? []).map((error) => error.error),
    ),
  ];
  return [...new Set(words.map((word) => word.toLowerCase()))].join(" ");
}
