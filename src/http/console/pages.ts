import type { Env } from "../../env.ts";
import type { Answer } from "../route.ts";

/**
 * The console's files: what `scripts/assets.mjs` built, served under `/console`. Every address below it that is no file is a view
 * of the one page. None of this is part of the API, so none of it stands in the table of routes; a route that does stand there wins.
 */

/** No script, style, font or call but our own, nothing inline, and no page of others around ours. `blob:` is a PDF to be shown. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  // Without any referrer browsers leave out the origin too, by which calls of the console are known.
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/** Names of files carry a digest of what is in them. */
const FILES = "/console/files/";

/** Is there a page or a file of the console at this path? `/` leads to it. */
export function isConsolePath(method: string, pathname: string): boolean {
  return (method === "GET" || method === "HEAD") && (pathname === "/" || /^\/console(\/|$)/.test(pathname));
}

/** The page, or a file of it. */
export async function consolePage(request: Request, env: Env): Promise<Answer> {
  const { pathname, origin } = new URL(request.url);
  if (pathname === "/") return new Response(null, { status: 302, headers: { Location: "/console" } });
  const isFile = pathname.startsWith(FILES);
  const asset = await env.ASSETS.fetch(`${origin}${isFile ? pathname : "/console/index.html"}`);
  if (!asset.ok) return { ok: false, code: "no_route" };
  return new Response(asset.body, {
    headers: {
      ...HEADERS,
      "Content-Type": asset.headers.get("Content-Type") ?? "application/octet-stream",
      // The page is asked for each time, so that it always names files that are there.
      "Cache-Control": isFile ? "public, max-age=31536000, immutable" : "no-cache",
    },
  });
}
