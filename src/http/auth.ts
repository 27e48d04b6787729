import { findSession } from "../catalog/console-sessions.ts";
import { type AccountSnapshot, type Authenticated, authenticate, type Met, recallKey } from "../catalog/snapshot.ts";
import type { ApiKey } from "../domain/account.ts";
import { BoundedMap } from "../domain/bounded-map.ts";
import { sha256Hex } from "../domain/digest.ts";
import { KEYS_CACHED_MAX } from "../domain/limits.ts";
import type { Refusal, Reply } from "../domain/refusal.ts";
import type { Env } from "../env.ts";
import { isFromConsole, isOwnNavigation, sessionSecretOf } from "./console/cookie.ts";
import type { Route } from "./route.ts";
import { sameSecret } from "./same-secret.ts";

/** Who calls: parsed once per request, before anything of it is read. */
export type Caller = { secret: string; key: ApiKey; snapshot: AccountSnapshot; sessionId?: string; met?: Met };

/** The secret of a request: `Authorization: Bearer KEY` or `X-API-Key: KEY`. */
export function secretOf(request: Request): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  return bearer ?? request.headers.get("X-API-Key")?.trim() ?? undefined;
}

/** Lets the root token through, and nobody where no token is set. */
export async function authoriseRoot(env: Env, request: Request): Promise<Refusal | undefined> {
  if (env.ROOT_TOKEN === undefined || env.ROOT_TOKEN === "") return { ok: false, code: "root_token_unset" };
  const secret = secretOf(request);
  if (secret === undefined) return { ok: false, code: "no_key" };
  return (await sameSecret(secret, env.ROOT_TOKEN)) ? undefined : { ok: false, code: "bad_key" };
}

/** Digests of secrets shown lately, in this isolate's memory alone: every request of a caller brings the same one. */
const digests = new BoundedMap<string, string>(KEYS_CACHED_MAX);

function digestOf(secret: string): string {
  let digest = digests.get(secret);
  if (digest === undefined) {
    digest = sha256Hex(secret);
    digests.set(secret, digest);
  }
  return digest;
}

/** What a key of ours looks like. */
export const KEY_FORM = /^[sc]k_(?:live|test)_[\w-]{32,64}$/;

/** The caller of a route that needs a key, if its key may call this route. `ref`: the customer that the path names. */
export async function authoriseKey(
  env: Env,
  route: Route,
  request: Request,
  nowMs: number,
  waitUntil: (work: Promise<unknown>) => void,
  ref?: string,
): Promise<Reply<Caller>> {
  const secret = secretOf(request);
  // A key that is sent decides, whatever cookies came with it.
  if (secret === undefined) return authoriseSession(env, route, request, nowMs, waitUntil);
  if (secret === "") return { ok: false, code: "no_key" };
  // What cannot be a key is not asked for: guesses must neither cost D1 a read nor push real keys out of memory.
  if (!KEY_FORM.test(secret)) return { ok: false, code: "bad_key" };
  const found = await authenticate(env.DB, digestOf(secret), nowMs, waitUntil, ref);
  if (found === "unavailable") return { ok: false, code: "catalog_unavailable" };
  if (found === undefined) return { ok: false, code: "bad_key" };
  return refusalOf(route, found.key) ?? { ok: true, value: { secret, ...found } };
}

/** The account's own key that a request shows, if this isolate knows for certain that it works now. */
export function recallAccountKey(request: Request, nowMs: number): Authenticated | undefined {
  const secret = secretOf(request);
  const known = secret === undefined || !KEY_FORM.test(secret) ? undefined : recallKey(digestOf(secret), nowMs);
  return known?.key.customerId === undefined ? known : undefined;
}

/** The console's caller: its session stands for the key that it was made with, and ends with it. */
async function authoriseSession(
  env: Env,
  route: Route,
  request: Request,
  nowMs: number,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<Reply<Caller>> {
  const secret = sessionSecretOf(request);
  if (secret === undefined) return { ok: false, code: "no_key" };
  if (!isFromConsole(request) && !(isDocument(route) && isOwnNavigation(request)))
    return { ok: false, code: "session_elsewhere" };
  const session = await findSession(env.DB, digestOf(secret), nowMs);
  if (session === "unavailable") return { ok: false, code: "catalog_unavailable" };
  if (session === undefined) return { ok: false, code: "no_session" };
  const found = await authenticate(env.DB, session.keyDigest, nowMs, waitUntil);
  if (found === "unavailable") return { ok: false, code: "catalog_unavailable" };
  if (found === undefined) return { ok: false, code: "no_session" };
  const { key, snapshot } = found;
  return refusalOf(route, key) ?? { ok: true, value: { secret, key, snapshot, sessionId: session.sessionId } };
}

/** Does it answer nothing but something to look at, which a link of the console may open? */
function isDocument({ answers }: Route): boolean {
  return Object.values(answers).every((answer) => typeof answer === "string");
}

function refusalOf(route: Route, key: ApiKey): Refusal | undefined {
  if (key.customerId !== undefined) {
    if (route.pinned === undefined) return notAllowed("A customer's key does not reach this route.");
    return route.pinned.some((scope) => key.scopes.includes(scope))
      ? undefined
      : notAllowed(`This needs a customer's key with one of the scopes ${route.pinned.join(", ")}.`);
  }
  if (route.scope === "admin" && !key.scopes.includes("admin"))
    return notAllowed("This needs a key with the scope admin.");
  return undefined;
}

function notAllowed(why: string): Refusal {
  return { ok: false, code: "not_allowed", why };
}
