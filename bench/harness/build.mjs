import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const require = createRequire(import.meta.url);
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

export const ROOT_TOKEN = "root_bench";

/**
 * Bundles the Worker exactly as a deployment would and answers its Miniflare options, bindings read from wrangler.toml. `name`
 * and `databaseId` are the instance's own.
 */
export async function engineWorker({ outPath, name, databaseId }) {
  const wrangler = join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
  const environment = { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG: "error" };
  await promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", outPath], {
    cwd: PROJECT,
    env: environment,
  });
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const config = readConfig({ config: join(PROJECT, "wrangler.toml") }, { hideWarnings: true });
  const objects = config.durable_objects.bindings.map((binding) => [
    binding.name,
    { className: binding.class_name, useSQLite: true },
  ]);
  return {
    name,
    modules: modulesOf(outPath),
    modulesRoot: outPath,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    bindings: { ...config.vars, ROOT_TOKEN },
    durableObjects: Object.fromEntries(objects),
    d1Databases: Object.fromEntries(config.d1_databases.map(({ binding }) => [binding, databaseId])),
  };
}

const MODULE_TYPES = { js: "ESModule", mjs: "ESModule", txt: "Text", html: "Text", wasm: "CompiledWasm", bin: "Data" };

/** The bundle's modules, the entry first. Source maps and wrangler's notes are no modules. */
function modulesOf(outPath) {
  const names = readdirSync(outPath).filter((name) => name.split(".").at(-1) in MODULE_TYPES);
  names.sort((a, b) => Number(b === "index.js") - Number(a === "index.js"));
  return names.map((name) => ({ type: MODULE_TYPES[name.split(".").at(-1)], path: join(outPath, name) }));
}
