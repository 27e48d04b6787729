import { version } from "../../../package.json";
import { openApiDocument } from "../../contract/openapi.ts";
import { defineRoute, type Route } from "../route.ts";
import { docsPage, docsScript, docsStyle } from "./docs.ts";
import { once, type Served, servedText, serveText } from "./served.ts";

/** No script, style, font or call but our own, nothing inline, and no page of others around ours. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The API described, for machines and for people. `routes` is asked when somebody reads, because the table of all routes has
 * these among them.
 */
export function documentRoutes(routes: () => readonly Route[]): readonly Route[] {
  const document = once(() => openApiDocument(routes(), version));
  const json = once(() => servedText(JSON.stringify(document()), "application/json"));
  // Rendering is asynchronous, and one request must not wait for another's promise: each waits for its own, the first one stays.
  let page: Served | undefined;
  const script = once(() => servedText(docsScript, "text/javascript"));
  const style = once(() => servedText(docsStyle, "text/css"));

  return [
    defineRoute({
      method: "GET",
      path: "/openapi.json",
      aliases: ["/v3/api-docs"],
      scope: "public",
      tag: "About",
      summary: "This API as an OpenAPI 3.1 document",
      description: "Raw JSON, not enveloped. `ETag` and `If-None-Match` save repeated downloads.",
      answers: { 200: "application/json" },
      handle: (call) => serveText(call.request, json(), { "Access-Control-Allow-Origin": "*" }),
    }),
    defineRoute({
      method: "GET",
      path: "/docs",
      scope: "public",
      tag: "About",
      summary: "The same as a page to read and search",
      answers: { 200: "text/html" },
      handle: async (call) => {
        page ??= servedText(await docsPage(document()), "text/html");
        return serveText(call.request, page, {
          "Content-Security-Policy": CONTENT_SECURITY_POLICY,
          "Referrer-Policy": "no-referrer",
        });
      },
    }),
    defineRoute({
      method: "GET",
      path: "/docs/app.js",
      scope: "public",
      tag: "About",
      summary: "The page's script",
      answers: { 200: "text/javascript" },
      handle: (call) => serveText(call.request, script()),
    }),
    defineRoute({
      method: "GET",
      path: "/docs/style.css",
      scope: "public",
      tag: "About",
      summary: "The page's style",
      answers: { 200: "text/css" },
      handle: (call) => serveText(call.request, style()),
    }),
  ];
}
