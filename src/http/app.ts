import { type Context, Hono } from "hono";
import { isDatabaseFailure } from "../catalog/database-failure.ts";
import type { Env } from "../env.ts";
import { allowCors, corsPreflight } from "./cors.ts";
import { internalError, respond } from "./envelope.ts";
import { logRequest } from "./log.ts";
import { serve } from "./pipeline.ts";
import { requestIdOf } from "./request-id.ts";
import type { Answer, Call, Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

type App = Hono<{ Bindings: Env }>;

/** `/a/{b}` as Hono writes it: `/a/:b`. */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

/** Does this path, as the table writes it, stand for the path of a request? */
function stands(path: string, pathname: string): boolean {
  const [wanted, given] = [path.split("/"), pathname.split("/")];
  return wanted.length === given.length && wanted.every((part, at) => part === given[at] || part.startsWith("{"));
}

/** Mounts routes. A path that exists with other methods answers 405, any other 404. */
export function mount(routes: readonly Route[]): App {
  const app: App = new Hono();
  const methodsOf = new Map<string, Set<string>>();
  for (const route of routes) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      app.on(route.method, honoPath(path), (c) =>
        around(c, (requestId, log) =>
          serve(route, c.req.raw, c.req.param() as Record<string, string>, c.env, c.executionCtx, requestId, log),
        ),
      );
      const methods = methodsOf.get(path) ?? new Set();
      methodsOf.set(path, methods.add(route.method));
    }
  }
  // After all real routes, so that a more general path never hides a more special one.
  for (const path of methodsOf.keys()) {
    app.all(honoPath(path), (c) => {
      // Several paths of the table may stand for this one: `/a/b` and `/a/{id}`.
      const methods = [...methodsOf].flatMap(([other, some]) => (stands(other, c.req.path) ? [...some] : []));
      return around(c, () => ({ ok: false, code: "method_not_allowed", allowed: [...new Set(methods)] }));
    });
  }
  app.notFound((c) => around(c, () => ({ ok: false, code: "no_route" })));
  return app;
}

type AppContext = Context<{ Bindings: Env }>;

/** What surrounds every answer: request id, CORS, the log line, and a 500 for whatever should not have happened. */
async function around(
  c: AppContext,
  work: (requestId: string, log: Call["log"]) => Promise<Answer> | Answer,
): Promise<Response> {
  const request = c.req.raw;
  const startedAtMs = Date.now();
  const requestId = requestIdOf(request);
  const headers: Record<string, string> = { "X-Request-Id": requestId };
  const idempotencyKey = request.headers.get("Idempotency-Key");
  if (idempotencyKey !== null) headers["Idempotency-Key"] = idempotencyKey;
  allowCors(request, c.env, headers);
  const log: Call["log"] = {};
  let response: Response;
  try {
    response = respond(corsPreflight(request, c.env) ?? (await work(requestId, log)), headers, log);
  } catch (error) {
    log.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // What only D1 knows must wait for D1; everything else that is thrown is a bug.
    response = isDatabaseFailure(error)
      ? respond({ ok: false, code: "catalog_unavailable" }, headers, log)
      : internalError(requestId, headers);
  }
  logRequest(request.method, c.req.path, response.status, requestId, Date.now() - startedAtMs, log);
  return response;
}

export const app = mount(ROUTES);
