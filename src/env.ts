import type { CustomerObject } from "./customer/object.ts";
import type { RequestScope } from "./edge/request-scope.ts";

/** Bindings, variables and secrets of the Worker (wrangler.toml, `.dev.vars`). */
export type Env = {
  DB: D1Database;
  /** Static files: the console, and the fonts of printed invoices. */
  ASSETS: Fetcher;
  CUSTOMERS: DurableObjectNamespace<CustomerObject>;
  /** Makes accounts; a deployment without it makes none. */
  ROOT_TOKEN?: string;
  /**
   * Seals the secrets that accounts store: `id:base64,id2:base64,…`, each key 32 bytes; the first seals, all of them open. Without it no
   * account can connect Stripe.
   */
  ENCRYPTION_KEYS?: string;
  /** Another server than Stripe's own, for test accounts alone: a double of it. */
  STRIPE_API_BASE?: string;
  /** Comma-separated origins browsers may call from. */
  CORS_ORIGINS?: string;
  /** Of a local start alone: a link that signs in to the console once, `token.keyDigest.untilMs`. */
  CONSOLE_LINK?: string;
  /** `on`: what a key may ask is limited, by its tier; see `http/rate-limit.ts`. */
  RATE_LIMITS?: string;
  RATE_100?: RateLimit;
  RATE_1000?: RateLimit;
  RATE_10000?: RateLimit;
  /** Of one request, put there by its pipeline; the cron has none. */
  scope?: RequestScope;
  /** Overrides of size limits, for tests alone: JSON of `Partial<ObjectLimits>`. */
  OBJECT_LIMITS?: string;
};
