import { html } from "hono/html";
import type { OpenApiDocument } from "../../contract/openapi.ts";
import type { Operation } from "../../contract/openapi-operation.ts";
import script from "./docs/app.js.txt";
import { type Html, markdown } from "./docs/markdown.ts";
import { operationView } from "./docs/operation.ts";
import { fieldsTable, type Schemas } from "./docs/shape.ts";
import style from "./docs/style.css.txt";

/** The page that people read: the OpenAPI document as HTML, readable without its script, which adds search and copying. */

export const docsScript = script;
export const docsStyle = style;

type Listed = { method: string; path: string; operation: Operation };

export async function docsPage(document: OpenApiDocument): Promise<string> {
  const schemas = document.components.schemas as Schemas;
  const listed = Object.entries(document.paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): Listed => ({ method: method.toUpperCase(), path, operation })),
    )
    .filter(({ operation }) => operation["x-alias-of"] === undefined);
  const groups = document.tags.map(({ name }) => ({
    name,
    id: `tag-${name.toLowerCase().replace(/\W+/g, "-")}`,
    operations: listed.filter(({ operation }) => operation.tags[0] === name),
  }));
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${document.info.title} API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
<script src="/docs/app.js" defer></script>
</head>
<body>
<a class="skip" href="#operations">Skip to the routes</a>
<header>
<h1><a href="/docs">${document.info.title}</a> <small>API ${document.info.version}</small></h1>
<div class="search" role="search">
<label class="unseen" for="search">Search routes, fields and errors</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="Search routes, fields, errors" aria-keyshortcuts="/" aria-describedby="found">
<kbd aria-hidden="true">/</kbd>
</div>
<output id="found" class="unseen" for="search"></output>
<a class="source" href="/openapi.json">openapi.json</a>
</header>
<div class="columns">
<nav aria-label="Contents">
<p><a href="#introduction">Introduction</a></p>
${groups.map((group) => contents(group.name, group.operations))}
<p><a href="#shapes">Shapes</a></p>
</nav>
<main id="operations" tabindex="-1">
<section id="introduction">${markdown(document.info.description)}</section>
<p id="nothing" hidden>Nothing here has all of these words.</p>
${groups.map(
  (group) => html`<section class="group" id="${group.id}"><h2>${group.name}</h2>
${group.operations.map(({ method, path, operation }) => operationView(method, path, operation, schemas))}</section>`,
)}
<section class="group" id="shapes"><h2>Shapes</h2>
${Object.entries(schemas).map(
  ([name, schema]) => html`<details class="entry shape" id="shape-${name}" data-words="${name.toLowerCase()}">
<summary><code>${name}</code></summary>
<div class="inside">${fieldsTable(schema, schemas, "optional")}</div></details>`,
)}</section>
</main>
</div>
</body>
</html>
`;
  return page.toString();
}

/** Two routes may be called the same, one for the operator and one for clients: then the operator's says so. */
function contents(name: string, operations: readonly Listed[]): Html {
  const summaries = operations.map(({ operation }) => operation.summary);
  const isShared = (summary: string): boolean => summaries.indexOf(summary) !== summaries.lastIndexOf(summary);
  return html`<h2>${name}</h2><ul>${operations.map(({ method, path, operation }) => {
    const { operationId, summary } = operation;
    const operator = operation["x-scope"] === "admin" && isShared(summary) ? html` <small>operator</small>` : "";
    return html`<li><a href="#${operationId}" title="${method} ${path}"><span class="method ${method}">${method}</span> <span>${summary}${operator}</span></a></li>`;
  })}</ul>`;
}
