declare namespace Cloudflare {
  /** The Worker's bindings, with what vitest.config.ts adds for tests. */
  interface Env extends TestedEnv {
    ROOT_TOKEN: string;
    /** Empty: for databases of earlier releases. */
    OLD_DB: D1Database;
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
  }
  type TestedEnv = import("../../src/env.ts").Env;
  /** Makes `exports.default` the Worker under test. */
  interface GlobalProps {
    mainModule: typeof import("../../src/index.ts");
  }
}
