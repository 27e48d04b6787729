import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import "./scripts/assets.mjs";
import { LongestFirst } from "./test/support/longest-first.ts";

/**
 * Three kinds of test, each as near to its subject as it can be: rules in plain Node, objects and D1 inside workerd, and the whole, the
 * console in a browser included, over HTTP against what `npm start` starts: a server for each file.
 */
export default defineConfig({
  test: {
    // The Worker logs a line per request: shown for tests that fail, noise beside those that pass.
    silent: "passed-only",
    // One more than the machine has processors: servers start, pages load and reservations lapse while others reckon.
    maxWorkers: navigator.hardwareConcurrency + 1,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "domain",
          // Rules have no state that a file could leave to another.
          isolate: false,
          include: ["test/domain/**/*.test.ts", "test/double/**/*.test.ts", "test/*.test.ts"],
          environment: "node",
          // Thousands of random histories take seconds on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest(async ({ inject }) => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              // A second database, for what an earlier release left behind.
              d1Databases: ["OLD_DB"],
              bindings: {
                ROOT_TOKEN: "root_test",
                RATE_LIMITS: "off",
                // Of zeros and of ones: the first seals.
                ENCRYPTION_KEYS: `new:${"A".repeat(43)}=,old:${"/".repeat(42)}8=`,
                STRIPE_API_BASE: inject("stripeDouble").url,
                TEST_MIGRATIONS: await readD1Migrations("./migrations"),
              },
            },
          })),
        ],
        test: {
          name: "worker",
          // A runtime for each worker, not for each file: test/worker/setup.ts empties it in between.
          isolate: false,
          include: ["test/worker/**/*.test.ts"],
          globalSetup: ["test/worker/global-setup.ts"],
          setupFiles: ["test/worker/setup.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/browser/**/*.test.ts"],
          globalSetup: ["test/e2e/global-setup.ts"],
          environment: "node",
          // Starting a server, twice in some tests, or one look at each of a dozen views takes more than a minute on a busy machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // A page shows what it was told a moment later.
          expect: { poll: { timeout: 30_000 } },
        },
      },
    ],
  },
});
