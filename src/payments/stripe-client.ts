import type Stripe from "stripe";
import { PROVIDER_TIMEOUT_MS } from "../domain/limits.ts";
import type { Failed, Outcome, ProviderFailure } from "./provider.ts";

/**
 * The way to Stripe: its package, loaded when it is first needed (it is larger than all of the rest, and most requests need none of
 * it), and what its failures mean.
 */

type StripePackage = typeof Stripe;

/** The package itself and not the promise of it: what one request waits for is no other's to wait for. */
let loaded: StripePackage | undefined;

/** Stripe's package, once for an isolate. */
export async function stripePackage(): Promise<StripePackage> {
  loaded ??= (await import("stripe")).default;
  return loaded;
}

/** A client of one account. `base`: another server than Stripe's own, which answers like it. */
export async function stripeClient(key: string, base: string | undefined): Promise<Stripe> {
  const Client = await stripePackage();
  return new Client(key, {
    ...(base === undefined ? {} : serverOf(base)),
    telemetry: false,
    timeout: PROVIDER_TIMEOUT_MS,
    // One more try bridges a broken connection; for all else the outbox has the patience, and a caller waits meanwhile.
    maxNetworkRetries: 1,
    httpClient: Client.createFetchHttpClient((input: RequestInfo | URL, init?: RequestInit) => fetch(input, init)),
  });
}

function serverOf(base: string): { host: string; port: string; protocol: "http" | "https" } {
  const { hostname, port, protocol } = new URL(base);
  const scheme = protocol === "http:" ? "http" : "https";
  return { host: hostname, port: port || (scheme === "http" ? "80" : "443"), protocol: scheme };
}

/** Calls Stripe; what it or the network refuses becomes a value, what else is thrown is a bug. */
export async function outcomeOf<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    const { errors } = await stripePackage();
    if (error instanceof errors.StripeError) return failureOf(error);
    throw error;
  }
}

function failureOf(error: Stripe.errors.StripeError): Failed {
  const { code, decline_code: declineCode } = error;
  const chargeId = error.payment_intent?.id;
  const declineReason = declineCode ?? code;
  return {
    ok: false,
    failure: kindOf(error),
    message: withoutKeys(error.message),
    ...(error.type === "StripeCardError" && declineReason !== undefined ? { declineReason } : {}),
    ...(chargeId === undefined ? {} : { chargeId }),
  };
}

function kindOf({ type, code, statusCode = 0 }: Stripe.errors.StripeError): ProviderFailure {
  if (type === "StripeConnectionError" || type === "StripeAPIError") return "away";
  // The same call is still running there: what comes of it is told to whoever asks again.
  if (statusCode === 409 || statusCode >= 500) return "away";
  if (type === "StripeRateLimitError" || statusCode === 429) return "rate_limited";
  if (type === "StripeAuthenticationError" || type === "StripePermissionError") return "unauthorized";
  if (type === "StripeCardError") return code === "authentication_required" ? "authentication_required" : "declined";
  if (code === "resource_missing" || statusCode === 404) return "not_found";
  return "refused";
}

/** Stripe masks keys itself; a message goes into logs and answers, so nothing rests on that. */
function withoutKeys(message: string): string {
  return message.replace(/\b([sr]k_(?:test|live)_)[\w*]+/g, "$1…");
}
