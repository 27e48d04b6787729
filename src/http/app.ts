import { Hono } from "hono";
import type { Env } from "../env.ts";
import { allowCors, corsPreflight } from "./cors.ts";
import { logRequest } from "./log.ts";
import { internalError, respond, serve } from "./pipeline.ts";
import { requestIdOf } from "./request-id.ts";
import type { Call, Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

type App = Hono<{ Bindings: Env }>;

/** `/a/{b}` as Hono writes it: `/a/:b`. */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

/** Mounts routes. A path that exists with other methods answers 405, any other 404. */
export function mount(routes: readonly Route[]): App {
  const app: App = new Hono();
  const methodsOf = new Map<string, Set<string>>();
  for (const route of routes) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      app.on(route.method, honoPath(path), (c) =>
        around(c.req.raw, c.env, (requestId, log) =>
          serve(route, c.req.raw, c.req.param() as Record<string, string>, c.env, c.executionCtx, requestId, log),
        ),
      );
      const methods = methodsOf.get(path) ?? new Set();
      methodsOf.set(path, methods.add(route.method));
    }
  }
  // After all real routes, so that a more general path never hides a more special one.
  for (const [path, methods] of methodsOf) {
    app.all(honoPath(path), (c) =>
      around(c.req.raw, c.env, (_, log) =>
        Promise.resolve(respond({ ok: false, code: "method_not_allowed", allowed: [...methods] }, log)),
      ),
    );
  }
  app.notFound((c) =>
    around(c.req.raw, c.env, (_, log) => Promise.resolve(respond({ ok: false, code: "no_route" }, log))),
  );
  return app;
}

/** What surrounds every answer: request id, CORS, the log line, and a 500 for whatever should not have happened. */
async function around(
  request: Request,
  env: Env,
  work: (requestId: string, log: Call["log"]) => Promise<Response>,
): Promise<Response> {
  const startedAtMs = Date.now();
  const requestId = requestIdOf(request);
  const log: Call["log"] = {};
  let response: Response;
  try {
    response = corsPreflight(request, env) ?? (await work(requestId, log));
  } catch (error) {
    log.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    response = internalError(requestId);
  }
  // Every response here was made by us, so its headers can be written; one fetched from elsewhere must be copied by its route.
  response.headers.set("X-Request-Id", requestId);
  const idempotencyKey = request.headers.get("Idempotency-Key");
  if (idempotencyKey !== null) response.headers.set("Idempotency-Key", idempotencyKey);
  allowCors(request, env, response.headers);
  logRequest(request, response.status, requestId, Date.now() - startedAtMs, log);
  return response;
}

export const app = mount(ROUTES);
