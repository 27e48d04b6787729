/**
 * Every no that a caller can cause, as a value. The code inside is ours; the code and status on the wire, and the sentence for
 * people, stand beside it in `contract/errors.ts`, where a code without a row does not compile.
 */

/** One wrong field of a request: a dotted path as the caller would write it, and what is wrong there. */
export type FieldProblem = { path: string; message: string };

export type Refusal = { ok: false } & (
  | { code: "invalid"; fields: readonly FieldProblem[] }
  | { code: "malformed_json" }
  | { code: "media_type"; takes: readonly string[]; sent?: string }
  | { code: "body_too_large"; bytesMax: number }
  | { code: "no_key" }
  | { code: "bad_key" }
  | { code: "root_token_unset" }
  | { code: "not_allowed"; why: string }
  | { code: "other_customer" }
  | { code: "no_route" }
  | { code: "method_not_allowed"; allowed: readonly string[] }
  | { code: "customer_not_found"; given: string }
  | { code: "feature_not_found"; given: string }
  | { code: "thing_not_found"; what: string; given: string }
  | { code: "identity_taken"; kind: "customerReferenceId" | "stripeCustomerId"; value: string }
  | { code: "identity_fixed"; kind: "customerReferenceId" | "stripeCustomerId" }
  | { code: "identities_differ" }
  | { code: "key_taken"; what: string; value: string }
  | { code: "fixed_while_in_use"; path: string; why: string }
  | { code: "state_conflict"; why: string }
  | { code: "duplicate_event"; receipt: unknown }
  | { code: "request_conflict" }
  | { code: "auto_features_full"; max: number }
  | { code: "import_too_large"; rowsMax: number }
  | { code: "object_full" }
  | { code: "quarantined" }
  | { code: "catalog_unavailable" }
);

export type RefusalCode = Refusal["code"];

/** What a command answers: its value, or why not. */
export type Reply<T> = { ok: true; value: T } | Refusal;

export function invalid(path: string, message: string): Refusal {
  return { ok: false, code: "invalid", fields: [{ path, message }] };
}
