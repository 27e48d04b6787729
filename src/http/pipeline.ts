import type * as z from "zod";
import { isDatabaseFailure } from "../catalog/database-failure.ts";
import type { AccountSnapshot } from "../catalog/snapshot.ts";
import { dropNulls } from "../contract/scalars.ts";
import { sha256Hex } from "../domain/digest.ts";
import { BODY_BYTES_MAX, BODY_DEPTH_MAX, NAME_CHARS_MAX } from "../domain/limits.ts";
import { type Origin, regionOf } from "../domain/placement.ts";
import { type FieldProblem, invalid, type Refusal, type Reply } from "../domain/refusal.ts";
import { CountedDatabase } from "../edge/counted-database.ts";
import { isObjectFailure } from "../edge/patience.ts";
import type { RequestScope } from "../edge/request-scope.ts";
import type { Env } from "../env.ts";
import { authoriseKey, authoriseRoot, type Caller, secretOf } from "./auth.ts";
import { isJsonType, parseJson, readBytes } from "./body.ts";
import { overRateLimit } from "./rate-limit.ts";
import { type Answer, type Call, isClientRoute, type RequestKey, type Route } from "./route.ts";

/** The way of every request: authorise → read → parse → handle. Nothing a route does can leave a step out. */
export async function serve(
  route: Route,
  request: Request,
  rawParams: Record<string, string>,
  bindings: Env,
  context: { waitUntil: (work: Promise<unknown>) => void },
  requestId: string,
  log: Call["log"],
  scope: RequestScope,
): Promise<Answer> {
  const env = envOf(bindings, scope);
  const waitUntil = (work: Promise<unknown>): void => context.waitUntil(work);
  let caller: Caller | undefined;
  if (route.scope === "root") {
    const refused = await authoriseRoot(env, request);
    if (refused !== undefined) return refused;
  } else if (route.scope !== "public") {
    const startedAtMs = Date.now();
    const authorised = await authoriseKey(env, route, request, startedAtMs, waitUntil, pathRefOf(rawParams));
    scope.authMs = Date.now() - startedAtMs;
    if (!authorised.ok) return authorised;
    caller = authorised.value;
    log.accountId = caller.snapshot.account.accountId;
    log.keyId = caller.key.keyId;
    const tooMany = await overRateLimit(env, caller.key);
    if (tooMany !== undefined) return tooMany;
    scope.region = regionFor(route, request, caller.snapshot);
  }

  const read = await readRequest(route, request, rawParams);
  if (!read.ok) return read;
  const requestKey = requestKeyOf(request, caller?.snapshot.account.accountId ?? route.scope, read.value.rawBody);
  if (requestKey !== undefined && !requestKey.ok) return requestKey;

  // Set one by one where absent is not undefined: spreading each of them takes longer than all the rest of this.
  const call: Partial<Call> & Pick<Call, "log"> = {
    env,
    request,
    requestId,
    params: read.value.params,
    query: read.value.query,
    body: read.value.body,
    rawBody: read.value.rawBody,
    secret: caller?.secret ?? secretOf(request) ?? "",
    waitUntil,
    log,
  };
  if (caller !== undefined) {
    call.account = caller.snapshot;
    call.key = caller.key;
    if (caller.sessionId !== undefined) call.sessionId = caller.sessionId;
    if (caller.met !== undefined) call.met = caller.met;
  }
  if (requestKey !== undefined) call.requestKey = requestKey.value;
  // Parsed by this route's own schemas; account and key are there for every scope that has them (Call's docstring).
  const answered = await handled(route, call as unknown as Call<never, never, never>);
  if (caller?.snapshot.stale && !(answered instanceof Response) && answered.ok)
    return { ...answered, headers: { ...answered.headers, "X-Tanso-Stale": "true" } };
  return answered;
}

/**
 * The bindings as one request has them. Fields of a literal are its own: set on an object above the bindings they may reach these, and
 * then the next request counts into this one's scope. To copy them takes longer than all else that is made for a request.
 */
function envOf(bindings: Env, scope: RequestScope): Env {
  return { __proto__: bindings, DB: new CountedDatabase(bindings.DB, scope), scope } as unknown as Env;
}

/** The customer that the path names, if it may be one's name. */
function pathRefOf({ ref }: Record<string, string>): string | undefined {
  return ref === undefined || ref.length > NAME_CHARS_MAX ? undefined : ref;
}

/**
 * Where a customer is best kept whom this request is the first to reach: where its own traffic comes from. An operator's does not say
 * that, so there the account's wish comes first.
 */
function regionFor(route: Route, { cf }: Request, { account }: AccountSnapshot): RequestScope["region"] {
  return () => {
    const { defaultRegion } = account.settings;
    // What the platform adds to requests, if it is the platform.
    const here = cf === undefined ? undefined : regionOf(cf as Origin);
    return isClientRoute(route) ? (here ?? defaultRegion) : (defaultRegion ?? here);
  };
}

/** D1 or a customer's object being away is no bug of ours: the caller hears 503 and tries again. */
async function handled(route: Route, call: Call<never, never, never>): Promise<Answer> {
  try {
    return await route.handle(call);
  } catch (failure) {
    const code = awayOf(failure);
    if (code === undefined) throw failure;
    call.log.failure = String(failure);
    return { ok: false, code };
  }
}

/** Who is away, by what was thrown; undefined: nobody, it is a bug. */
export function awayOf(failure: unknown): "catalog_unavailable" | "object_unavailable" | undefined {
  if (isDatabaseFailure(failure)) return "catalog_unavailable";
  return isObjectFailure(failure) ? "object_unavailable" : undefined;
}

type Read = { params: unknown; query: unknown; body: unknown; rawBody: Uint8Array };

async function readRequest(route: Route, request: Request, rawParams: Record<string, string>): Promise<Reply<Read>> {
  const params = parse(route.params, rawParams);
  if (!params.ok) return params;
  const query = request.url.includes("?") ? parse(route.query, queryOf(request)) : withoutQuery(route);
  if (!query.ok) return query;
  if (route.method === "GET") {
    return {
      ok: true,
      value: { params: params.value, query: query.value, body: undefined, rawBody: new Uint8Array() },
    };
  }
  const bytes = await readBytes(request, route.bodyBytesMax ?? BODY_BYTES_MAX);
  if (!bytes.ok) return bytes;
  const contentType = request.headers.get("Content-Type");
  const wrongType = (takes: readonly string[]): Refusal => ({
    ok: false,
    code: "media_type",
    takes,
    ...(contentType === null ? {} : { sent: contentType }),
  });
  let body: unknown;
  if (route.rawBody !== undefined) {
    const type = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
    if (!route.rawBody.includes(type)) return wrongType(route.rawBody);
  } else if (route.body !== undefined) {
    const schema = route.body;
    if (bytes.value.byteLength > 0 && !isJsonType(contentType)) return wrongType(["application/json"]);
    const json = parseJson(bytes.value);
    if (!json.ok) return json;
    if (!dropNulls(json.value)) return invalid("", `must not be nested deeper than ${BODY_DEPTH_MAX}`);
    const parsed = parsedBy(route.parseBody ?? ((value) => schema.safeParse(value)), json.value ?? {});
    if (!parsed.ok) return parsed;
    body = parsed.value;
  }
  return { ok: true, value: { params: params.value, query: query.value, body, rawBody: bytes.value } };
}

/** What a route makes of no query at all is always the same. */
const withoutQueries = new WeakMap<Route, Reply<unknown>>();

function withoutQuery(route: Route): Reply<unknown> {
  let reply = withoutQueries.get(route);
  if (reply === undefined) {
    reply = parse(route.query, {});
    // Many requests share it.
    if (reply.ok && typeof reply.value === "object") Object.freeze(reply.value);
    withoutQueries.set(route, reply);
  }
  return reply;
}

/** Parses with a schema; every problem with its path as the caller would write it. */
export function parse(schema: z.ZodType | undefined, value: unknown): Reply<unknown> {
  return schema === undefined ? { ok: true, value: undefined } : parsedBy((given) => schema.safeParse(given), value);
}

function parsedBy(read: (value: unknown) => z.ZodSafeParseResult<unknown>, value: unknown): Reply<unknown> {
  const parsed = read(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, code: "invalid", fields: problemsOf(parsed.error) };
}

const PROBLEMS_SHOWN_MAX = 50;

export function problemsOf(error: z.ZodError): FieldProblem[] {
  return error.issues
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map((issue) => ({ path: pathText(issue.path), message: issue.message }));
}

/** ["events", 3, "usageUnits"] → "events[3].usageUnits". */
function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? String(part) : `.${String(part)}`;
  }
  return text;
}

function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = {};
  // What is behind the first question mark, as the platform wrote the URL: to parse all of it again would cost twice as much.
  const [url = ""] = request.url.split("#", 1);
  const from = url.indexOf("?");
  if (from === -1) return query;
  const written = url.slice(from + 1);
  // The first of a repeated parameter counts; an empty one is absent, like null.
  for (const [key, value] of ESCAPED.test(written) ? new URLSearchParams(`?${written}`) : plainPairs(written))
    if (value !== "" && !Object.hasOwn(query, key)) query[key] = value;
  return query;
}

/** What stands for something else in a query. */
const ESCAPED = /[%+]/;

/** The parameters of a query in which everything stands for itself: what the platform's reader says, without asking it. */
function plainPairs(written: string): [key: string, value: string][] {
  return written.split("&").map((pair) => {
    const to = pair.indexOf("=");
    return to === -1 ? [pair, ""] : [pair.slice(0, to), pair.slice(to + 1)];
  });
}

const PRINTABLE = /^[\x20-\x7e]+$/;

/** The Idempotency-Key of a mutating request as digests, scoped to account, method and path. */
function requestKeyOf(request: Request, scope: string, rawBody: Uint8Array): Reply<RequestKey> | undefined {
  if (request.method === "GET") return undefined;
  const key = request.headers.get("Idempotency-Key");
  if (key === null || key.trim() === "") return undefined;
  if (key.length > NAME_CHARS_MAX || !PRINTABLE.test(key))
    return invalid("Idempotency-Key", `must be at most ${NAME_CHARS_MAX} printable characters`) as Reply<RequestKey>;
  const url = new URL(request.url);
  const search = new TextEncoder().encode(`${url.search}\n`);
  const whole = new Uint8Array(search.byteLength + rawBody.byteLength);
  whole.set(search);
  whole.set(rawBody, search.byteLength);
  const digest = sha256Hex(JSON.stringify([scope, request.method, url.pathname, key]));
  return { ok: true, value: { digest, bodyDigest: sha256Hex(whole) } };
}
