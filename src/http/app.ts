import { type Context, Hono } from "hono";
import { RequestScope } from "../edge/request-scope.ts";
import type { Env } from "../env.ts";
import { leasedCheck } from "./client/leased-check.ts";
import { consolePage, isConsolePath } from "./console/pages.ts";
import { allowCors, corsPreflight } from "./cors.ts";
import { internalError, respond } from "./envelope.ts";
import { logRequest } from "./log.ts";
import { awayOf, serve } from "./pipeline.ts";
import { requestIdOf } from "./request-id.ts";
import { type Answer, type Call, isClientRoute, type Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

type App = Hono<{ Bindings: Env }>;

/** `/a/{b}` as Hono writes it: `/a/:b`. */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

/** Does this path, as the table writes it, stand for the path of a request? */
function stands(path: string, pathname: string): boolean {
  const [wanted, given] = [path.split("/"), pathname.split("/")];
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => part === given[at] || (part.startsWith("{") && given[at] !== ""))
  );
}

/** Mounts routes. A path that exists with other methods answers 405, one of the console its page, any other 404. */
export function mount(routes: readonly Route[]): App {
  const app: App = new Hono();
  const methodsOf = new Map<string, Set<string>>();
  for (const route of routes) {
    const isClient = isClientRoute(route);
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      app.on(route.method, honoPath(path), (c) =>
        around(
          c,
          ({ requestId, log, scope }) =>
            serve(
              route,
              c.req.raw,
              c.req.param() as Record<string, string>,
              c.env,
              c.executionCtx,
              requestId,
              log,
              scope,
            ),
          route.isQuiet,
          isClient,
        ),
      );
      const methods = methodsOf.get(path) ?? new Set();
      methodsOf.set(path, methods.add(route.method));
    }
  }
  // Looked for only where no route answers: a path beside every route would cost each request its way through twice as many.
  app.notFound((c) => {
    // Several paths of the table may stand for this one: `/a/b` and `/a/{id}`.
    const methods = [...methodsOf].flatMap(([path, some]) => (stands(path, c.req.path) ? [...some] : []));
    if (methods.length > 0)
      return around(c, () => ({ ok: false, code: "method_not_allowed", allowed: [...new Set(methods)] }));
    if (isConsolePath(c.req.method, c.req.path)) return around(c, () => consolePage(c.req.raw, c.env), true);
    return around(c, () => ({ ok: false, code: "no_route" }));
  });
  return app;
}

type AppContext = Context<{ Bindings: Env }>;

/** What surrounds every answer: request id, CORS, the log line, and a 500 for whatever should not have happened. */
async function around(
  c: AppContext,
  work: (around: { requestId: string; log: Call["log"]; scope: RequestScope }) => Promise<Answer> | Answer,
  isQuiet = false,
  isClient = false,
): Promise<Response> {
  const request = c.req.raw;
  const startedAtMs = Date.now();
  const requestId = requestIdOf(request);
  const headers: Record<string, string> = { "X-Request-Id": requestId };
  const idempotencyKey = request.headers.get("Idempotency-Key");
  if (idempotencyKey !== null) headers["Idempotency-Key"] = idempotencyKey;
  allowCors(request, c.env, headers);
  const log: Call["log"] = {};
  const scope = new RequestScope(Date.now);
  const told = (): Record<string, string> => {
    if (isClient) {
      headers["Server-Timing"] = scope.serverTiming(Date.now() - startedAtMs);
      headers["X-Tanso-Source"] = scope.source;
    }
    return headers;
  };
  let response: Response;
  try {
    response = respond(corsPreflight(request, c.env) ?? (await work({ requestId, log, scope })), told(), log);
  } catch (error) {
    log.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // What only D1 or an object knows must wait for it; everything else that is thrown is a bug.
    const code = awayOf(error);
    response = code === undefined ? internalError(requestId, told()) : respond({ ok: false, code }, told(), log);
  }
  if (!isQuiet || response.status >= 400 || log.denied !== undefined)
    logRequest(request.method, c.req.path, response.status, requestId, Date.now() - startedAtMs, log);
  return response;
}

const routed = mount(ROUTES);

export const app = {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
    const leased = leasedCheck(request, env);
    if (leased instanceof Response) return leased;
    const around = (said: Response | undefined) => said ?? routed.fetch(request, env, context);
    return leased === undefined ? around(undefined) : leased.then(around);
  },
};
