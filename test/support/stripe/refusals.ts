/** What Stripe says no with: status, type, code and words as its API answers them. */

export type RefusalBody = {
  type: "api_error" | "card_error" | "idempotency_error" | "invalid_request_error";
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  charge?: string;
  payment_intent?: unknown;
  payment_method?: unknown;
  setup_intent?: unknown;
};

/**
 * A refused request. `begun` tells whether the request had begun to take effect: only then is the answer remembered under its
 * idempotency key, as Stripe does it; a request that failed validation may be mended and sent again under the same key.
 */
export class StripeRefusal extends Error {
  readonly status: number;
  readonly body: RefusalBody;
  readonly begun: boolean;

  constructor(status: number, body: RefusalBody, begun: boolean) {
    super(body.message);
    this.status = status;
    this.body = body;
    this.begun = begun;
  }
}

/** A request whose parameters are wrong in themselves. */
export function invalid(message: string, more: { code?: string; param?: string } = {}): StripeRefusal {
  return new StripeRefusal(400, { type: "invalid_request_error", message, ...more }, false);
}

/** A request that is right in itself, and wrong for the state of what it names. */
export function conflicting(message: string, more: { code?: string; param?: string } = {}): StripeRefusal {
  return new StripeRefusal(400, { type: "invalid_request_error", message, ...more }, true);
}

/** An id that names nothing: 404 where it stands in the path, 400 where it is a parameter. */
export function missing(noun: string, id: string, param = "id"): StripeRefusal {
  const body = { type: "invalid_request_error", code: "resource_missing", message: `No such ${noun}: '${id}'`, param };
  return new StripeRefusal(param === "id" ? 404 : 400, body as RefusalBody, true);
}

export function unauthorised(key: string | undefined): StripeRefusal {
  const message =
    key === undefined
      ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
      : `Invalid API Key provided: ${masked(key)}`;
  return new StripeRefusal(401, { type: "invalid_request_error", message }, false);
}

/** A restricted key without the permission that the route wants, such as `customer_write`. */
export function forbidden(key: string, accountId: string, permission: string): StripeRefusal {
  const message = `The provided key '${masked(key)}' does not have the required permissions for this endpoint on account '${accountId}'. Having the 'rak_${permission}' permission would allow this request to continue.`;
  return new StripeRefusal(403, { type: "invalid_request_error", message }, false);
}

function masked(key: string): string {
  const shown = /^[a-z]+_(?:test|live)_/.exec(key)?.[0] ?? "";
  const hidden = key.slice(shown.length);
  return `${shown}${"*".repeat(Math.max(hidden.length - 4, 0))}${hidden.slice(-4)}`;
}
