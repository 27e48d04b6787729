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
  | { code: "no_session" }
  | { code: "session_elsewhere" }
  | { code: "sign_in_limited" }
  | { code: "link_spent" }
  | { code: "root_token_unset" }
  | { code: "not_allowed"; why: string }
  | { code: "other_customer" }
  | { code: "no_route" }
  | { code: "method_not_allowed"; allowed: readonly string[] }
  | { code: "customer_not_found"; given: string }
  | { code: "customer_erased" }
  | { code: "feature_not_found"; given: string }
  | { code: "thing_not_found"; what: string; given: string }
  | { code: "identity_taken"; kind: "customerReferenceId" | "stripeCustomerId"; value: string }
  | { code: "identity_fixed"; kind: "customerReferenceId" | "stripeCustomerId" }
  | { code: "identities_differ" }
  | { code: "key_taken"; what: string; value: string }
  | { code: "fixed_while_in_use"; path: string; why: string }
  | { code: "state_conflict"; why: string }
  | { code: "clock_unfinished"; customers: number }
  | { code: "subscribed_already"; planKey: string; status: string }
  | { code: "subscription_ended" }
  | { code: "suspended_unpaid"; invoice: unknown }
  | { code: "invoice_closed"; status: string }
  | { code: "reservation_ended"; status: string }
  /** A key of the caller's own body, used for something else. */
  | { code: "own_key_taken"; what: string }
  | { code: "access_denied"; reason: string; entitlement: unknown }
  | { code: "usage_refused"; why: string }
  /**
   * Credits, in 1/10,000. `frozen`: they would suffice if no pool were frozen. `kept`: the pools have them, held or beyond a draw limit.
   * Of a reservation, with the entitlement.
   */
  | {
      code: "credits_short";
      neededE4: bigint;
      availableE4: bigint;
      frozen: boolean;
      kept?: boolean;
      entitlement?: unknown;
    }
  | { code: "payments_off" }
  /** The deployment has nothing to seal secrets with. */
  | { code: "sealing_unset"; problem: "unset" | "malformed" }
  | { code: "webhook_refused"; why: "unconnected" | "signature" | "no_event" }
  /** The provider does not answer, or cannot be asked now. */
  | { code: "payments_unavailable" }
  /** The customer has to pay first; `data`: what to pay, and where. */
  | { code: "payment_needed"; why?: string; data?: unknown }
  /** Another purchase of the same pool waits for its money. `payment` inside, `data` outside. */
  | { code: "purchase_open"; payment: number; data?: unknown }
  | { code: "duplicate_event"; receipt: unknown }
  | { code: "request_conflict" }
  | { code: "auto_features_full"; max: number }
  | { code: "import_too_large"; rowsMax: number }
  | { code: "object_full" }
  | { code: "quarantined" }
  | { code: "catalog_unavailable" }
  | { code: "object_unavailable" }
  | { code: "too_many_requests"; limit: number }
);

export type RefusalCode = Refusal["code"];

/** What a command answers: its value, or why not. */
export type Reply<T> = { ok: true; value: T } | Refusal;

export function invalid(path: string, message: string): Refusal {
  return { ok: false, code: "invalid", fields: [{ path, message }] };
}
