import type { Refusal, RefusalCode } from "../domain/refusal.ts";

/**
 * The error table: what each refusal is on the wire. The one place that knows statuses. Wire codes are stable;
 * sentences are for people and may change.
 */

export const WIRE_CODES = {
  validation_failed: 400,
  unauthorized: 401,
  payment_required: 402,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  idempotency_conflict: 409,
  insufficient_credits: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
} as const;

export type WireCode = keyof typeof WIRE_CODES;

type RefusalOf<C extends RefusalCode> = Extract<Refusal, { code: C }>;

type Row<C extends RefusalCode> = {
  error: WireCode;
  say: (refusal: RefusalOf<C>) => string;
  /** Seconds after which trying again makes sense; sent as Retry-After. */
  retryAfterSeconds?: number;
  /** What the error answer carries as `data`. */
  data?: (refusal: RefusalOf<C>) => unknown;
};

export const REFUSALS: { [C in RefusalCode]: Row<C> } = {
  invalid: {
    error: "validation_failed",
    say: (r) => (r.fields.length === 1 ? "The request has an invalid field." : "The request has invalid fields."),
  },
  malformed_json: { error: "validation_failed", say: () => "The body is not valid JSON in UTF-8." },
  media_type: {
    error: "unsupported_media_type",
    say: ({ takes, sent }) =>
      `Send the body with Content-Type: ${takes.join(" or ")}; it came with ${sent === undefined ? "none" : sent}.`,
  },
  body_too_large: {
    error: "payload_too_large",
    say: (r) => `The body is larger than the ${r.bytesMax} bytes this route takes.`,
  },
  no_key: {
    error: "unauthorized",
    say: () => "Send an API key: Authorization: Bearer KEY, or X-API-Key: KEY.",
  },
  bad_key: { error: "unauthorized", say: () => "The API key is unknown, expired or revoked." },
  root_token_unset: {
    error: "forbidden",
    say: () => "This deployment has no ROOT_TOKEN secret, so accounts cannot be made here.",
  },
  not_allowed: { error: "forbidden", say: (r) => r.why },
  other_customer: { error: "forbidden", say: () => "This key belongs to another customer." },
  no_route: { error: "not_found", say: () => "There is no such route; GET /docs lists them." },
  method_not_allowed: {
    error: "method_not_allowed",
    say: (r) => `This path takes ${r.allowed.join(", ")}.`,
  },
  customer_not_found: { error: "not_found", say: (r) => `No customer ${quote(r.given)}.` },
  feature_not_found: { error: "not_found", say: (r) => `No feature ${quote(r.given)}.` },
  thing_not_found: { error: "not_found", say: (r) => `No ${r.what} ${quote(r.given)}.` },
  identity_taken: {
    error: "conflict",
    say: (r) => `The ${r.kind} ${quote(r.value)} belongs to a customer already.`,
  },
  identity_fixed: {
    error: "conflict",
    say: (r) => `A customer's ${r.kind} can be added but never changed.`,
  },
  identities_differ: {
    error: "conflict",
    say: () => "The identifiers belong to different customers, and customers are never merged.",
  },
  key_taken: { error: "conflict", say: (r) => `There is a ${r.what} with the key ${quote(r.value)} already.` },
  fixed_while_in_use: {
    error: "validation_failed",
    say: (r) => r.why,
  },
  state_conflict: { error: "conflict", say: (r) => r.why },
  duplicate_event: {
    error: "idempotency_conflict",
    say: () => "This event key was used before; data is the receipt of its first use. Nothing was changed.",
    data: (r) => r.receipt,
  },
  request_conflict: {
    error: "idempotency_conflict",
    say: () => "This Idempotency-Key was used for a different request within the last 24 hours.",
  },
  auto_features_full: {
    error: "validation_failed",
    say: (r) =>
      `Events have made ${r.max} features already, which looks like ids sent as feature keys; create further features by POST /api/v1/monetization/features.`,
  },
  import_too_large: {
    error: "payload_too_large",
    say: (r) => `An import part holds at most ${r.rowsMax} rows; cut the file into parts.`,
  },
  object_full: {
    error: "unavailable",
    say: () => "This customer's storage is full: events are refused until old ones are moved away.",
    retryAfterSeconds: 3600,
  },
  quarantined: {
    error: "unavailable",
    say: () => "This customer is quarantined after an internal fault; events are kept, other calls must wait.",
    retryAfterSeconds: 60,
  },
  catalog_unavailable: {
    error: "unavailable",
    say: () => "The catalog database does not answer and this request needs it.",
    retryAfterSeconds: 5,
  },
};

/** Text a caller sent, cut short, for a sentence. */
function quote(text: string): string {
  return `“${text.length > 80 ? `${text.slice(0, 79)}…` : text}”`;
}

/** The error envelope of a refusal: status, body and the Retry-After it asks for. */
export function errorEnvelope(refusal: Refusal): {
  status: number;
  body: { success: false; error: Record<string, unknown>; data?: unknown };
  retryAfterSeconds?: number;
} {
  // The row belongs to this refusal's code by construction of the table; TypeScript cannot follow the correlation.
  const row = REFUSALS[refusal.code] as unknown as Row<RefusalCode>;
  const error: Record<string, unknown> = { code: row.error, message: row.say(refusal as never) };
  const fields =
    refusal.code === "invalid"
      ? refusal.fields
      : refusal.code === "fixed_while_in_use"
        ? [{ path: refusal.path, message: refusal.why }]
        : undefined;
  if (fields !== undefined) {
    // A problem of the whole body has no path.
    error.detail = fields.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("\n");
    error.fields = fields;
  }
  const data = row.data?.(refusal as never);
  return {
    status: WIRE_CODES[row.error],
    body: data === undefined ? { success: false, error } : { success: false, error, data },
    ...(row.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: row.retryAfterSeconds }),
  };
}
