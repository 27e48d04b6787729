import type { CustomerObject } from "./customer/object.ts";

/** Bindings, variables and secrets of the Worker (wrangler.toml, `.dev.vars`). */
export type Env = {
  DB: D1Database;
  CUSTOMERS: DurableObjectNamespace<CustomerObject>;
  /** Makes accounts; a deployment without it makes none. */
  ROOT_TOKEN?: string;
  /** Comma-separated origins browsers may call from. */
  CORS_ORIGINS?: string;
  /** Overrides of size limits, for tests alone: JSON of `Partial<ObjectLimits>`. */
  OBJECT_LIMITS?: string;
};
