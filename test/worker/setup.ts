import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

// Before each test file: its D1 is its own and empty. Applying what is applied already changes nothing.
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
