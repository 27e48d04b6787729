import { BODY_BYTES_MAX } from "../domain/limits.ts";
import type { Refusal, RefusalCode } from "../domain/refusal.ts";
import { DENIED_EXAMPLE } from "./entitlement.ts";
import { errorEnvelope, REFUSALS, WIRE_CODES, type WireCode } from "./errors.ts";
import type { DocumentedRoute } from "./openapi-operation.ts";

/** Errors in the OpenAPI document: what each wire code means, and for every route which refusals it can answer, with examples. */

/** What a caller should make of each code; the sentence of a particular refusal is in its example. */
export const MEANINGS: { [C in WireCode]: string } = {
  validation_failed:
    "Something in path, query, headers or body is wrong; `fields` says where. Do not repeat it unchanged.",
  unauthorized: "No key, or one that is unknown, expired or revoked.",
  payment_required: "The customer has to pay first; `data` has the payment link.",
  forbidden: "The key is good, but not for this.",
  not_found: "No such route or thing, or not one of this account. A malformed id is answered like an unknown one.",
  method_not_allowed: "The path exists; the header `Allow` lists its methods.",
  conflict: "The request contradicts what is there already, or the first request with this Idempotency-Key still runs.",
  idempotency_conflict:
    "The key was used before: an event's key (`data` is its first receipt), or an Idempotency-Key that came with another request.",
  insufficient_credits: "A hard-limited credit pool does not cover the charge. Nothing was recorded.",
  payload_too_large: "The body is larger than the route takes.",
  unsupported_media_type: "The route does not read bodies of this Content-Type.",
  rate_limited: "Too many requests; wait as long as `Retry-After` says.",
  internal_error: "A fault of ours. Repeat it with the same idempotency key; report the request id if it stays.",
  unavailable: "Something this request needs does not answer; wait as long as `Retry-After` says, then repeat it.",
};

/**
 * Something for every field that a sentence or an error's `data` may mention. Examples are made by the error table itself, so
 * they read as real answers do.
 */
const SAMPLE = {
  fields: [{ path: "email", message: "must contain an @" }],
  path: "key",
  why: "The state of this thing does not allow it.",
  given: "acme",
  what: "thing",
  kind: "customerReferenceId",
  value: "acme",
  sent: "text/plain",
  takes: ["application/json"],
  bytesMax: BODY_BYTES_MAX,
  rowsMax: 50_000,
  limit: 1000,
  max: 1000,
  neededE4: 25_000n,
  availableE4: 10_000n,
  frozen: false,
  allowed: ["GET", "POST"],
  planKey: "pro",
  status: "CANCELLED",
  invoice: {
    id: "0f9d1c4e-7a5b-8c3d-8400-000000100002",
    amount: 49,
    currency: "USD",
    status: "PAST_DUE",
    dueDate: "2027-02-15T10:00:00.000Z",
  },
  receipt: {
    eventId: "0f9d1c4e-7a5b-8c3d-9e2f-1a2b3c4d5e6f",
    customerId: "0f9d1c4e-7a5b-8000-8000-000000000000",
    usageUnits: 1,
    costAmount: 0.00075,
    costSource: "catalog",
    metered: false,
    unmeteredReason: "NO_SUBSCRIPTION",
  },
};

/** More fitting words where the common sample would mislead. */
const SAMPLES: { [C in RefusalCode]?: Partial<Extract<Refusal, { code: C }>> } = {
  not_allowed: { why: "The scope of this key does not reach this route." },
  clock_unfinished: { customers: 2 },
  feature_not_found: { given: "ai.chat" },
  subscribed_already: { status: "ACTIVE" },
  thing_not_found: { what: "subscription", given: "0f9d1c4e-7a5b-8c3d-8300-000000000001" },
  reservation_ended: { status: "LAPSED" },
  own_key_taken: { what: "another event" },
  access_denied: { reason: "WOULD_EXCEED_LIMIT", entitlement: DENIED_EXAMPLE },
  usage_refused: { why: "would take back more units than are used" },
  fixed_while_in_use: { path: "key", why: "A feature's key is fixed while a plan uses it." },
};

/** The code, status and example answer of a refusal. */
export type ErrorExample = { error: WireCode; status: number; body: unknown; message: string; waits: boolean };

export function errorExample(code: RefusalCode): ErrorExample {
  // The sample has every field that any row reads, which a test holds: no example may say "undefined".
  const refusal = { ok: false, ...SAMPLE, ...SAMPLES[code], code } as unknown as Refusal;
  const { status, body, retryAfterSeconds } = errorEnvelope(refusal);
  return {
    error: REFUSALS[code].error,
    status,
    body,
    message: String(body.error.message),
    waits: retryAfterSeconds !== undefined || status === WIRE_CODES.rate_limited,
  };
}

/** What the pipeline itself may answer on a route, before its handler is asked. */
function commonRefusals(route: DocumentedRoute): RefusalCode[] {
  const mutates = route.method !== "GET";
  const hasKey = route.scope === "client" || route.scope === "admin";
  const codes: RefusalCode[] = [];
  // A mutating route reads at least an Idempotency-Key, which can be malformed.
  if (mutates || route.params !== undefined || route.query !== undefined) codes.push("invalid");
  if (route.body !== undefined) codes.push("malformed_json");
  if (route.scope !== "public") codes.push("no_key", "bad_key");
  if (hasKey) codes.push("no_session", "not_allowed", "session_elsewhere");
  if (route.scope === "root") codes.push("root_token_unset");
  if (mutates && hasKey && route.rawBody === undefined) codes.push("request_conflict");
  if (mutates) codes.push("body_too_large");
  if (route.body !== undefined || route.rawBody !== undefined) codes.push("media_type");
  if (hasKey) codes.push("too_many_requests", "catalog_unavailable", "object_unavailable");
  return codes;
}

/** Every refusal a route can answer, by status, each once. 500 is not among them: it is no refusal. */
export function refusalsByStatus(route: DocumentedRoute): Map<number, RefusalCode[]> {
  const codes = new Set([...commonRefusals(route), ...(route.refuses ?? [])]);
  const byStatus = Map.groupBy(codes, (code) => WIRE_CODES[REFUSALS[code].error] as number);
  return new Map([...byStatus].sort(([a], [b]) => a - b));
}

export const INTERNAL_ERROR_EXAMPLE = {
  success: false,
  error: {
    code: "internal_error",
    message: "Something went wrong on our side. Request id: 6f2c0a5e-3a0b-4c55-9f0e-3f6a1d7f3b61.",
  },
};
