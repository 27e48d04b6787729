import type * as z from "zod";
import { auditStatement } from "../../catalog/audit.ts";
import { type NewSession, signInStatements } from "../../catalog/console-sessions.ts";
import { authenticate } from "../../catalog/snapshot.ts";
import { toWireAccount } from "../../contract/account.ts";
import { type SignIn, toWireSession } from "../../contract/console-session.ts";
import { BoundedMap } from "../../domain/bounded-map.ts";
import { sha256Hex } from "../../domain/digest.ts";
import {
  CONSOLE_SESSION_MS,
  KEYS_CACHED_MAX,
  SIGN_IN_FAILURES_MAX,
  SIGN_IN_WINDOW_MS,
  USER_AGENT_CHARS_MAX,
} from "../../domain/limits.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { Env } from "../../env.ts";
import { KEY_FORM } from "../auth.ts";
import { randomText } from "../new-key.ts";
import { type Answer, type Call, ipOf } from "../route.ts";
import { sameSecret } from "../same-secret.ts";
import { isOwnOrigin, sessionCookie } from "./cookie.ts";

/** Signing in to the console: an admin key, or a local start's link, exchanged for a session in a cookie. */

/** Failed attempts by address, in this isolate's memory: enough to slow a guesser, and nothing to clean up. */
const failures = new BoundedMap<string, { count: number; untilMs: number }>(KEYS_CACHED_MAX);

function failuresOf(ip: string, nowMs: number): number {
  const known = failures.get(ip);
  return known === undefined || known.untilMs <= nowMs ? 0 : known.count;
}

function countFailure(ip: string, nowMs: number): void {
  const known = failuresOf(ip, nowMs);
  const untilMs = known === 0 ? nowMs + SIGN_IN_WINDOW_MS : (failures.get(ip)?.untilMs ?? 0);
  failures.set(ip, { count: known + 1, untilMs });
}

/** The digest of the key that is signed in with; of a link its own too. */
type Shown = { keyDigest: string; linkDigest?: string };

async function shownBy(env: Env, { apiKey, linkToken }: z.output<typeof SignIn>, nowMs: number): Promise<Reply<Shown>> {
  if (linkToken === undefined) {
    const key = (apiKey ?? "").trim();
    return KEY_FORM.test(key) ? { ok: true, value: { keyDigest: sha256Hex(key) } } : { ok: false, code: "bad_key" };
  }
  const [token = "", keyDigest = "", untilMs = ""] = (env.CONSOLE_LINK ?? "").split(".");
  const isGood = token !== "" && (await sameSecret(linkToken, token)) && nowMs < Number(untilMs);
  return isGood ? { ok: true, value: { keyDigest, linkDigest: sha256Hex(token) } } : { ok: false, code: "link_spent" };
}

/** Signs in. What fails counts against the caller's address; an attempt from another site's page is none. */
export async function signIn(call: Call<unknown, unknown, z.output<typeof SignIn>>): Promise<Answer> {
  const { env, request, requestId } = call;
  const ip = ipOf(call);
  const nowMs = Date.now();
  if (!isOwnOrigin(request)) return { ok: false, code: "session_elsewhere" };
  if (failuresOf(ip, nowMs) >= SIGN_IN_FAILURES_MAX) return { ok: false, code: "sign_in_limited" };
  const shown = await shownBy(env, call.body, nowMs);
  const refused = (code: "bad_key" | "link_spent"): Answer => {
    countFailure(ip, nowMs);
    return { ok: false, code };
  };
  if (!shown.ok) return shown.code === "link_spent" ? refused("link_spent") : refused("bad_key");
  const { keyDigest, linkDigest } = shown.value;
  const found = await authenticate(env.DB, keyDigest, nowMs, call.waitUntil);
  if (found === "unavailable") return { ok: false, code: "catalog_unavailable" };
  if (found === undefined) return refused("bad_key");
  const { key, snapshot } = found;
  if (key.customerId !== undefined || !key.scopes.includes("admin")) {
    countFailure(ip, nowMs);
    return { ok: false, code: "not_allowed", why: "The console needs a key with the scope admin." };
  }
  const { account } = snapshot;
  const secret = randomText();
  const session: NewSession = {
    sessionId: crypto.randomUUID(),
    digest: sha256Hex(secret),
    keyId: key.keyId,
    keyDigest,
    ...(linkDigest === undefined ? {} : { linkDigest }),
    ip,
    userAgent: (request.headers.get("User-Agent") ?? "").slice(0, USER_AGENT_CHARS_MAX),
    createdAtMs: nowMs,
    expiresAtMs: nowMs + CONSOLE_SESSION_MS,
  };
  const actor = { keyId: key.keyId, hint: key.hint, ip, requestId };
  const audit = { action: "console.signed_in" as const, target: session.sessionId };
  try {
    await env.DB.batch([
      ...signInStatements(env.DB, account.accountId, session, nowMs),
      auditStatement(env.DB, account.accountId, audit, actor, nowMs),
    ]);
  } catch (failure) {
    const isSpent = failure instanceof Error && failure.message.includes("UNIQUE constraint failed");
    if (isSpent && linkDigest !== undefined) return refused("link_spent");
    throw failure;
  }
  call.log.accountId = account.accountId;
  call.log.keyId = key.keyId;
  return {
    ok: true,
    status: 201,
    data: {
      account: toWireAccount(account),
      key: { id: key.keyId, hint: key.hint },
      session: toWireSession({ ...session, hint: key.hint }, session.sessionId),
    },
    headers: { "Set-Cookie": sessionCookie(request, secret, CONSOLE_SESSION_MS / 1000) },
  };
}
