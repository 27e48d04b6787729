import type { Env } from "../env.ts";

const HEADERS = "Authorization, X-API-Key, X-Idempotency-Key, Idempotency-Key, X-Request-Id, Content-Type";
const EXPOSED =
  "X-Request-Id, Idempotency-Key, Idempotency-Replayed, Retry-After, X-Tanso-Stale, X-Tanso-Source, Server-Timing";

/** The caller's origin, if the setting CORS_ORIGINS (comma-separated; `*` for all) names it. */
function allowedOrigin(request: Request, env: Env): string | undefined {
  const origin = request.headers.get("Origin");
  if (origin === null) return undefined;
  const allowed = (env.CORS_ORIGINS ?? "").split(",").map((entry) => entry.trim());
  return allowed.includes(origin) || allowed.includes("*") ? origin : undefined;
}

/** The answer to a browser's question whether it may call; undefined for every other request. */
export function corsPreflight(request: Request, env: Env): Response | undefined {
  if (request.method !== "OPTIONS" || !request.headers.has("Access-Control-Request-Method")) return undefined;
  const headers = new Headers();
  if (allowedOrigin(request, env) !== undefined) {
    headers.set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    headers.set("Access-Control-Allow-Headers", HEADERS);
    headers.set("Access-Control-Max-Age", "86400");
  }
  return new Response(null, { status: 204, headers });
}

/** Lets an allowed origin read the answer. Keys travel in headers, so no cookies are allowed across origins. */
export function allowCors(request: Request, env: Env, headers: Record<string, string>): void {
  const origin = allowedOrigin(request, env);
  if (origin === undefined) return;
  headers["Access-Control-Allow-Origin"] = origin;
  headers["Access-Control-Expose-Headers"] = EXPOSED;
  headers.Vary = "Origin";
}
