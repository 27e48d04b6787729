import type * as z from "zod";
import type { AccountSnapshot, Met } from "../catalog/snapshot.ts";
import type { ApiKey, CustomerScope } from "../domain/account.ts";
import type { Refusal, RefusalCode } from "../domain/refusal.ts";
import type { Env } from "../env.ts";

/**
 * A route as data. One table of them mounts the Worker, writes the OpenAPI document and drives the access test, so that none
 * of the three can know a route that the others do not. A route says schema, scope, call and status; nothing else.
 */

/**
 * Who may call. `public`: anyone. `root`: the deployment's root token. `client`: any key of the account. `admin`: keys with
 * scope admin. Keys pinned to a customer reach a route only where `pinned` says so.
 */
export type Scope = "public" | "root" | "client" | "admin";

/** The scopes of a customer's key, any one of which opens the route for its own customer. */
export type Pinned = readonly CustomerScope[];

/** A mutating request's Idempotency-Key, as digests: of account, method, path and key; and of query and body. */
export type RequestKey = { digest: string; bodyDigest: string };

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a handler gets: everything parsed, authorised and belonging to one account. */
export type Call<P = unknown, Q = unknown, B = unknown> = {
  env: Env;
  request: Request;
  requestId: string;
  params: P;
  query: Q;
  body: B;
  /** The body's bytes, for routes with `rawBody`. */
  rawBody: Uint8Array;
  /** Present on every route but public and root ones. */
  account: AccountSnapshot;
  key: ApiKey;
  /** Whom the path's `{ref}` names, where that was asked for along with the key. */
  met?: Met;
  /** The secret the caller authenticated with; only to seal an answer that shows another secret. */
  secret: string;
  /** The console's session, for requests that came with one instead of a key. */
  sessionId?: string;
  requestKey?: RequestKey;
  /** Work after the answer. */
  waitUntil: (work: Promise<unknown>) => void;
  /** Figures and ids for the one log line of this request; never bodies or keys. */
  log: Record<string, string | number | boolean>;
};

/** A success. `data` undefined leaves it out of the envelope. `dataText`: the data instead, where it is JSON text already. */
export type Success = {
  ok: true;
  status: number;
  data?: unknown;
  dataText?: string;
  replayed?: boolean;
  headers?: Record<string, string>;
};

/** A handler answers a success, a refusal, or (CSV, HTML, PDF, raw JSON) a whole response. */
export type Answer = Success | Refusal | Response;

export type RouteSpec<
  P extends z.ZodType | undefined,
  Q extends z.ZodType | undefined,
  B extends z.ZodType | undefined,
> = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path with parameters as `{name}`. */
  path: string;
  /** Other paths of the same route. */
  aliases?: readonly string[];
  scope: Scope;
  pinned?: Pinned;
  tag: string;
  summary: string;
  /** What a caller must know beyond the shapes: rules, formulas, units. Markdown. */
  description?: string;
  params?: P;
  query?: Q;
  body?: B;
  /** Reads a body exactly as the schema does, but faster: for the routes that are called all the time. */
  parseBody?: (body: unknown) => z.ZodSafeParseResult<Output<B>>;
  /** Example bodies and answers for the document. */
  examples?: { body?: unknown; answer?: unknown };
  /** Media types of a body that the handler reads itself from `rawBody`. */
  rawBody?: readonly string[];
  bodyBytesMax?: number;
  /** No log line for what went well: for what is asked so often that lines would cost more than answers. */
  isQuiet?: true;
  /** Successful statuses and their `data`; null: an envelope without data. A string: a media type of a raw answer. */
  answers: Record<number, z.ZodType | null | string>;
  /** The shape of an answer that is raw JSON: for the document alone, since the handler writes it. */
  rawAnswer?: z.ZodType;
  /** Media type of a whole response that the first success may be instead, where the caller asks for it. */
  alsoAnswers?: string;
  /** Refusals beyond those every route can answer (keys, schemas, sizes). */
  refuses?: readonly RefusalCode[];
  handle: (call: Call<Output<P>, Output<Q>, Output<B>>) => Promise<Answer> | Answer;
};

/** A route whose schemas are forgotten: what the table holds. */
export type Route = Omit<RouteSpec<z.ZodType | undefined, z.ZodType | undefined, z.ZodType | undefined>, "handle"> & {
  handle: (call: Call<never, never, never>) => Promise<Answer> | Answer;
};

export function defineRoute<
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<P, Q, B>): Route {
  // The pipeline parses with this route's own schemas before it calls `handle`, so the types fit by construction.
  return spec as unknown as Route;
}

export function answer(status: number, data?: unknown): Success {
  return data === undefined ? { ok: true, status } : { ok: true, status, data };
}

/** Is this of the API that an account's own traffic calls? Its answers say where they came from, and what they waited for. */
export function isClientRoute({ path }: Pick<Route, "path">): boolean {
  return path.startsWith("/api/v1/client/");
}

/** Where a request comes from, as the platform says; empty where it does not. */
export function ipOf({ request }: Pick<Call, "request">): string {
  return request.headers.get("CF-Connecting-IP") ?? "";
}
