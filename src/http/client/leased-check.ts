import { recallAny } from "../../catalog/directory.ts";
import { NAME_CHARS_MAX } from "../../domain/limits.ts";
import { RequestScope } from "../../edge/request-scope.ts";
import type { Env } from "../../env.ts";
import { recallAccountKey } from "../auth.ts";
import { respond } from "../envelope.ts";
import { overRateLimit } from "../rate-limit.ts";
import { requestIdOf } from "../request-id.ts";
import { aboutOf } from "./entitlements.ts";
import { repeatedPlainly } from "./plain-check.ts";

/**
 * The check that a lease answers, past the way of every request, which costs more than the answer: it waits for nobody, and all that it
 * needs is in this isolate's memory. It decides nothing that the ordinary way does not; whatever it does not know for certain, or is
 * asked in any other form, goes there.
 */

const PREFIX = "/api/v1/client/entitlements/";
/** Customer and feature as they are: what is escaped is not read here. */
const PAIR = /^([^/?#%]+)\/([^/?#%]+)$/;
/** Headers that ask for more than the answer. */
const ASKS_MORE = ["Cache-Control", "Origin", "Idempotency-Key"] as const;
/** Behind the scheme, where a host stands. */
const HOST_AT = "https://".length;

/** The whole answer, or undefined where the ordinary way has to be gone. */
export function leasedCheck(request: Request, env: Env): Response | Promise<Response | undefined> | undefined {
  const asked = request.method === "GET" ? pairIn(request.url) : undefined;
  if (asked === undefined || ASKS_MORE.some((name) => request.headers.has(name))) return undefined;
  const nowMs = Date.now();
  const caller = recallAccountKey(request, nowMs);
  if (caller === undefined) return undefined;
  const { key, snapshot } = caller;
  const known = recallAny(snapshot.account.accountId, asked.ref);
  if (known === undefined) return undefined;
  const repeat = repeatedPlainly(snapshot, aboutOf(known, asked.ref), asked.featureKey, nowMs);
  if (repeat === undefined) return undefined;
  const say = (): Response => {
    repeat.note();
    return said(request, repeat.dataText, nowMs);
  };
  if (env.RATE_LIMITS !== "on") return say();
  // Too many: the ordinary way says it, and nothing was checked.
  return overRateLimit(env, key).then((tooMany) => (tooMany === undefined ? say() : undefined));
}

function pairIn(url: string): { ref: string; featureKey: string } | undefined {
  const pathAt = url.indexOf("/", HOST_AT);
  if (!url.startsWith(PREFIX, pathAt)) return undefined;
  const [, ref = "", featureKey = ""] = PAIR.exec(url.slice(pathAt + PREFIX.length)) ?? [];
  return ref === "" || ref.length > NAME_CHARS_MAX || featureKey.length > NAME_CHARS_MAX
    ? undefined
    : { ref, featureKey };
}

function said(request: Request, dataText: string, startedAtMs: number): Response {
  const scope = new RequestScope(Date.now);
  const headers = {
    "X-Request-Id": requestIdOf(request),
    "Server-Timing": scope.serverTiming(Date.now() - startedAtMs),
    "X-Tanso-Source": "lease",
  };
  return respond({ ok: true, status: 200, dataText }, headers, {});
}
