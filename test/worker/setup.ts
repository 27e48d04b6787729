import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, vi } from "vitest";
import { forgetLog, printLog } from "../support/log.ts";

// Before each test file: files share a runtime, whose start takes longer than most of them, but no row of D1, no object and no clock.
vi.useRealTimers();
vi.restoreAllMocks();
await reset();
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

beforeEach(forgetLog);
afterEach(({ task }) => {
  if (task.result?.state === "fail") printLog();
});
