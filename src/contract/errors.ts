import { formatDecimal } from "../domain/amount.ts";
import { RATE_WINDOW_MS, SIGN_IN_WINDOW_MS } from "../domain/limits.ts";
import type { FieldProblem, Refusal, RefusalCode } from "../domain/refusal.ts";

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
  no_session: { error: "unauthorized", say: () => "The console's session has ended: sign in again." },
  session_elsewhere: {
    error: "forbidden",
    say: () => "The console's session serves the console's own pages alone; send an API key instead.",
  },
  sign_in_limited: {
    error: "rate_limited",
    say: () => "Too many failed attempts to sign in from this address; wait some minutes.",
    retryAfterSeconds: SIGN_IN_WINDOW_MS / 1000,
  },
  link_spent: {
    error: "unauthorized",
    say: () => "This sign-in link was used already, or is too old: sign in with an admin key.",
  },
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
  customer_erased: {
    error: "conflict",
    say: () =>
      "The customer of this name was erased: nothing is taken on for them any more, and their names are never given to another.",
  },
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
  clock_unfinished: {
    error: "unavailable",
    say: (r) =>
      `${r.customers} of the test clock's customers did not follow. What was done is kept: repeat the call to go on.`,
    retryAfterSeconds: 5,
  },
  subscribed_already: {
    error: "conflict",
    say: (r) => `The customer has a subscription to the plan ${quote(r.planKey)} already; it is ${r.status}.`,
  },
  subscription_ended: { error: "conflict", say: () => "The subscription has ended; subscribe again instead." },
  suspended_unpaid: {
    error: "conflict",
    say: () => "The subscription is suspended: data is the invoice to pay first.",
    data: (r) => r.invoice,
  },
  invoice_closed: { error: "conflict", say: (r) => `The invoice is ${r.status}, so this cannot be done with it.` },
  reservation_ended: {
    error: "conflict",
    // Whoever reported the use of a committed one again would count it twice.
    say: ({ status }) =>
      status === "COMMITTED"
        ? "The reservation is COMMITTED: what was used of it is recorded; take units back by POST /api/v1/client/events/{id}/correct."
        : `The reservation is ${status}; report what was used by POST /api/v1/client/events.`,
  },
  access_denied: {
    error: "conflict",
    say: (r) => `Not reserved: ${r.reason}. data is the entitlement, which says why.`,
    data: (r) => r.entitlement,
  },
  usage_refused: { error: "validation_failed", say: (r) => `usageUnits ${r.why}.` },
  credits_short: {
    error: "insufficient_credits",
    say: ({ neededE4, availableE4, frozen, kept = false }) =>
      `Credit pool depleted: ${creditsAre(neededE4)} needed and ${credits(availableE4)} can be drawn${
        frozen
          ? ", as a pool is frozen: unfreeze it."
          : kept
            ? ": others are held by reservations, or beyond a draw limit."
            : ": buy or grant more."
      }`,
    data: (r) => r.entitlement,
  },
  payments_off: {
    error: "validation_failed",
    say: () =>
      "This account takes no payments: connect Stripe and set stripeMode to PAYMENT_PASS_THROUGH. Until then invoices are marked as paid, and credits granted, by the operator.",
  },
  sealing_unset: {
    error: "unavailable",
    say: ({ problem }) =>
      problem === "unset"
        ? "This deployment has no ENCRYPTION_KEYS secret to keep keys of Stripe with, so Stripe cannot be connected here."
        : "The ENCRYPTION_KEYS secret of this deployment cannot be read: it is `id:base64,…`, each key 32 bytes.",
  },
  webhook_refused: {
    error: "validation_failed",
    say: ({ why }) =>
      why === "unconnected"
        ? "No webhook secret is stored for this account, so nobody can say who sent this: POST /api/v1/data/stripe/webhook/register makes one."
        : why === "signature"
          ? "The signature is not that of a webhook secret of this account, or it is older than five minutes."
          : "The body is signed, and is no event.",
  },
  payments_unavailable: {
    error: "unavailable",
    say: () => "The payment provider does not answer now. Nothing is lost: try again.",
    retryAfterSeconds: 5,
  },
  payment_needed: {
    error: "payment_required",
    say: (r) => r.why ?? "This has to be paid first: data has the link.",
    data: (r) => r.data,
  },
  purchase_open: {
    error: "conflict",
    say: () => "Another purchase of this pool waits for its money: data has its link.",
    data: (r) => r.data,
  },
  duplicate_event: {
    error: "idempotency_conflict",
    say: () => "This event key was used before; data is the receipt of its first use. Nothing was changed.",
    data: (r) => r.receipt,
  },
  own_key_taken: {
    error: "idempotency_conflict",
    say: (r) => `This idempotencyKey was used for ${r.what}. Nothing was done.`,
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
  object_unavailable: {
    error: "unavailable",
    say: () =>
      "The customer's object does not answer now, or has more to do than it can. Whether it did what it was told is unknown: repeat the call with the same idempotency key.",
    retryAfterSeconds: 2,
  },
  too_many_requests: {
    error: "rate_limited",
    say: ({ limit }) => `This key may make ${limit} requests within ${RATE_WINDOW_MS / 1000} seconds.`,
    retryAfterSeconds: RATE_WINDOW_MS / 1000,
  },
};

/** Credits as people read them: 25_000n is “2.5”. */
function credits(amountE4: bigint): string {
  return formatDecimal(amountE4, 4);
}

/** “1 credit is”, “2.5 credits are”. */
function creditsAre(amountE4: bigint): string {
  const amount = credits(amountE4);
  return amount === "1" ? "1 credit is" : `${amount} credits are`;
}

/** Text a caller sent, cut short, for a sentence. */
function quote(text: string): string {
  return `“${text.length > 80 ? `${text.slice(0, 79)}…` : text}”`;
}

/** The fields that are wrong; undefined where none is. */
function fieldsOf(refusal: Refusal): readonly FieldProblem[] | undefined {
  switch (refusal.code) {
    case "invalid":
      return refusal.fields;
    case "fixed_while_in_use":
      return [{ path: refusal.path, message: refusal.why }];
    case "usage_refused":
      return [{ path: "usageUnits", message: refusal.why }];
    case "payments_off":
      return [{ path: "credits", message: "cannot be paid for: stripeMode is NONE" }];
    case "webhook_refused":
      return [
        refusal.why === "no_event"
          ? { path: "id", message: "is no event's" }
          : { path: "Stripe-Signature", message: "is not that of a webhook secret of this account" },
      ];
    default:
      return undefined;
  }
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
  const fields = fieldsOf(refusal);
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
