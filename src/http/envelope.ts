import { errorEnvelope, WIRE_CODES } from "../contract/errors.ts";
import { RATE_WINDOW_MS } from "../domain/limits.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { Answer, Call, Success } from "./route.ts";

/** The envelope around every JSON answer: status, headers and JSON text. `headers` are what every response carries. */
export function respond(answered: Answer, headers: Record<string, string>, log: Call["log"]): Response {
  if (answered instanceof Response) {
    // Made by one of our routes, so its headers can be written; a route that fetches from elsewhere answers a copy.
    for (const [name, value] of Object.entries(headers)) answered.headers.set(name, value);
    return answered;
  }
  headers["Content-Type"] = "application/json; charset=utf-8";
  if (!answered.ok) return refuse(answered, headers, log);
  if (answered.headers !== undefined) Object.assign(headers, answered.headers);
  if (answered.replayed) headers["Idempotency-Replayed"] = "true";
  return new Response(bodyOf(answered), { status: answered.status, headers });
}

function bodyOf({ data, dataText }: Success): string {
  if (dataText !== undefined) return `{"success":true,"data":${dataText}}`;
  return JSON.stringify(data === undefined ? { success: true } : { success: true, data });
}

function refuse(
  refusal: Refusal & { replayed?: boolean },
  headers: Record<string, string>,
  log: Call["log"],
): Response {
  const { status, body, retryAfterSeconds } = errorEnvelope(refusal);
  log.code = refusal.code;
  if (retryAfterSeconds !== undefined) headers["Retry-After"] = String(retryAfterSeconds);
  if (refusal.code === "method_not_allowed") headers.Allow = refusal.allowed.join(", ");
  // The limiter's window and quota, as the draft of the IETF writes a policy.
  if (refusal.code === "too_many_requests")
    headers["RateLimit-Policy"] = `"key";q=${refusal.limit};w=${RATE_WINDOW_MS / 1000}`;
  if (refusal.replayed) headers["Idempotency-Replayed"] = "true";
  return new Response(JSON.stringify(body), { status, headers });
}

/** What a caller hears of a bug: that there was one, and the id under which the log tells what. */
export function internalError(requestId: string, headers: Record<string, string>): Response {
  const body = {
    success: false,
    error: { code: "internal_error", message: `Something went wrong on our side. Request id: ${requestId}.` },
  };
  return Response.json(body, { status: WIRE_CODES.internal_error, headers });
}
