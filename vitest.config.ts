import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/**
 * Three kinds of test, each as near to its subject as it can be: rules in plain Node, objects and D1 inside workerd, and the whole
 * over HTTP against what `npm start` starts.
 */
export default defineConfig({
  test: {
    // The Worker logs a line per request: shown for tests that fail, noise beside those that pass.
    silent: "passed-only",
    projects: [
      {
        test: {
          name: "domain",
          include: ["test/domain/**/*.test.ts", "test/*.test.ts"],
          environment: "node",
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: { ROOT_TOKEN: "root_test", TEST_MIGRATIONS: await readD1Migrations("./migrations") },
            },
          })),
        ],
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts"],
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
    ],
  },
});
