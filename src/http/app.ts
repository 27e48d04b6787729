import { type Context, Hono } from "hono";
import { RequestScope } from "../edge/request-scope.ts";
import type { Env } from "../env.ts";
import { leasedCheck } from "./client/leased-check.ts";
import { consolePage, isConsolePath } from "./console/pages.ts";
import { allowCors, corsPreflight } from "./cors.ts";
import { internalError, respond } from "./envelope.ts";
import { logRequest } from "./log.ts";
import { PathRouter } from "./path-router.ts";
import { awayOf, serve } from "./pipeline.ts";
import { requestIdOf } from "./request-id.ts";
import { type Answer, type Call, isClientRoute, type Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

type Bound = { Bindings: Env };

/** A request as the platform hands it over. */
type Arrival = { request: Request; env: Env; context: Pick<ExecutionContext, "waitUntil"> };

export type App = {
  fetch: (request: Request, env: Env, context: ExecutionContext) => Response | Promise<Response>;
};

/** `/a/{b}` as Hono writes it: `/a/:b`. */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

/** Does this path, as the table writes it, stand for the path of a request? */
export function stands(path: string, pathname: string): boolean {
  const [wanted, given] = [path.split("/"), pathname.split("/")];
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => part === given[at] || (part.startsWith("{") && given[at] !== ""))
  );
}

/**
 * Mounts routes. A path that exists with other methods answers 405, one of the console its page, any other 404. Paths without
 * parameters, which those that are called all the time have, are looked up before the router walks; the table holds none that an
 * earlier one with parameters stands for (a test says so).
 */
export function mount(routes: readonly Route[]): App {
  const router = new Hono<Bound>({ router: new PathRouter() });
  const methodsOf = new Map<string, Set<string>>();
  const exact = new Map<string, Route>();
  for (const route of routes) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      router.on(route.method, honoPath(path), (c) =>
        answerBy(route, arrivalOf(c), c.req.path, c.req.param() as Record<string, string>),
      );
      if (!path.includes("{")) exact.set(`${route.method} ${path}`, route);
      const methods = methodsOf.get(path) ?? new Set();
      methodsOf.set(path, methods.add(route.method));
    }
  }
  // Looked for only where no route answers: a path beside every route would cost each request its way through twice as many.
  router.notFound((c) => {
    const { path, method } = c.req;
    // Several paths of the table may stand for this one: `/a/b` and `/a/{id}`.
    const methods = [...methodsOf].flatMap(([known, some]) => (stands(known, path) ? [...some] : []));
    const other = (work: () => Promise<Answer> | Answer, isQuiet?: boolean) =>
      around(arrivalOf(c), path, work, isQuiet);
    if (methods.length > 0)
      return other(() => ({ ok: false, code: "method_not_allowed", allowed: [...new Set(methods)] }));
    if (isConsolePath(method, path)) return other(() => consolePage(c.req.raw, c.env), true);
    return other(() => ({ ok: false, code: "no_route" }));
  });
  return {
    fetch: (request, env, context) => {
      const path = pathOf(request.url);
      const route = exact.get(`${request.method} ${path}`);
      return route === undefined
        ? router.fetch(request, env, context)
        : answerBy(route, { request, env, context }, path, {});
    },
  };
}

const arrivalOf = (c: Context<Bound>): Arrival => ({ request: c.req.raw, env: c.env, context: c.executionCtx });

/** The path of a URL that the platform wrote, as it stands there. */
function pathOf(url: string): string {
  const from = url.indexOf("/", "https://".length);
  const to = url.indexOf("?", from);
  return to === -1 ? url.slice(from) : url.slice(from, to);
}

function answerBy(route: Route, arrival: Arrival, path: string, params: Record<string, string>): Promise<Response> {
  const { request, env, context } = arrival;
  return around(
    arrival,
    path,
    ({ requestId, log, scope }) => serve(route, request, params, env, context, requestId, log, scope),
    route.isQuiet,
    isClientRoute(route),
  );
}

/** What surrounds every answer: request id, CORS, the log line, and a 500 for whatever should not have happened. */
async function around(
  { request, env }: Arrival,
  path: string,
  work: (around: { requestId: string; log: Call["log"]; scope: RequestScope }) => Promise<Answer> | Answer,
  isQuiet = false,
  isClient = false,
): Promise<Response> {
  const startedAtMs = Date.now();
  const requestId = requestIdOf(request);
  const headers: Record<string, string> = { "X-Request-Id": requestId };
  const idempotencyKey = request.headers.get("Idempotency-Key");
  if (idempotencyKey !== null) headers["Idempotency-Key"] = idempotencyKey;
  allowCors(request, env, headers);
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
    response = respond(corsPreflight(request, env) ?? (await work({ requestId, log, scope })), told(), log);
  } catch (error) {
    log.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // What only D1 or an object knows must wait for it; everything else that is thrown is a bug.
    const code = awayOf(error);
    response = code === undefined ? internalError(requestId, told()) : respond({ ok: false, code }, told(), log);
  }
  if (!isQuiet || response.status >= 400 || log.denied !== undefined)
    logRequest(request.method, path, response.status, requestId, Date.now() - startedAtMs, log);
  return response;
}

const routed = mount(ROUTES);

export const app: App = {
  fetch(request, env, context) {
    const leased = leasedCheck(request, env);
    if (leased instanceof Response) return leased;
    const around = (said: Response | undefined) => said ?? routed.fetch(request, env, context);
    return leased === undefined ? around(undefined) : leased.then(around);
  },
};
