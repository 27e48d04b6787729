import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import "./scripts/assets.mjs";

/**
 * Four kinds of test, each as near to its subject as it can be: rules in plain Node, objects and D1 inside workerd, the whole over
 * HTTP against what `npm start` starts, and the console in a browser against the same.
 */
export default defineConfig({
  test: {
    // The Worker logs a line per request: shown for tests that fail, noise beside those that pass.
    silent: "passed-only",
    // All of the machine: files wait for disks and timers more than for each other.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "domain",
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
          include: ["test/worker/**/*.test.ts"],
          globalSetup: ["test/worker/global-setup.ts"],
          setupFiles: ["test/worker/setup.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/global-setup.ts"],
          environment: "node",
          // Starting a server, twice in some tests, takes seconds on a busy machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file starts servers of its own: side by side they would only slow each other down.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          // The same first start as e2e's, of its own: what one of them writes must not be in the other's figures.
          globalSetup: ["test/e2e/global-setup.ts"],
          environment: "node",
          // One look at each of a dozen views takes more than a minute on a busy machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
