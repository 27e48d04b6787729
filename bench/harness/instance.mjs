import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { memoryOf, runtimesOf } from "./memory.mjs";

// Wrangler brings the runtime; asking for it from wrangler's side finds the one it pins, however npm laid it out.
const fromWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
const { Log, LogLevel, Miniflare, convertV4MiniflareOptions } = fromWrangler("miniflare");

const { default: runtimePath } = createRequire(fromWrangler.resolve("miniflare"))("workerd");

/**
 * Makes Miniflare start a workerd whose output goes nowhere. The engine writes a log line per request, and writing it is the
 * engine's cost; but reading it, parsing it and matching it line by line is the development server's, on a core that the
 * client needs.
 */
function quietRuntime(statePath) {
  mkdirSync(statePath, { recursive: true });
  const path = join(statePath, "workerd");
  writeFileSync(path, `#!/bin/sh\nexec "${runtimePath}" "$@" > /dev/null\n`, { mode: 0o755 });
  process.env.MINIFLARE_WORKERD_PATH = path;
}

/**
 * Starts one workerd process with `workers` (Miniflare worker options, each with a `name`) and its state under `statePath`.
 * Each Worker gets a socket of its own, straight into it: the development server's entry proxy, which costs as much as
 * the Worker itself, is not on the way. Instances of one `registryPath` reach each other's Workers by their names. Returns their addresses, the D1 handle and the process's memory.
 */
export async function startInstance({ workers, statePath, inspectorPort, registryPath }) {
  quietRuntime(statePath);
  const before = runtimesOf(process.pid);
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      port: 0,
      host: "127.0.0.1",
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.ERROR),
      resourcePersistencePath: join(statePath, "kept"),
      isolatedResourcePersistencePath: join(statePath, "kept"),
      logRequests: false,
      unsafeObservability: false,
      unsafeLocalExplorer: false,
      unsafeInspectDurableObjects: false,
      ...(inspectorPort === undefined ? {} : { inspectorPort }),
      ...(registryPath === undefined ? {} : { unsafeDevRegistryPath: registryPath }),
      workers: workers.map((worker) => ({ ...worker, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] })),
    }),
  );
  try {
    await runtime.ready;
  } catch (failure) {
    await runtime.dispose();
    throw failure;
  }
  const addresses = {};
  for (const { name } of workers) addresses[name] = (await runtime.unsafeGetDirectURL(name)).origin;
  const processId = [...runtimesOf(process.pid)].find((id) => !before.has(id));
  return {
    addresses,
    processId,
    memoryBytes: () => memoryOf(processId),
    database: (workerName) => runtime.getD1Database("DB", workerName),
    /** Drops an object's memory, as the platform does with idle objects; its storage stays. */
    async evict(workerName, className, objectName) {
      try {
        await runtime.unsafeEvictDurableObject(workerName, className, { name: objectName });
      } catch (failure) {
        // Idle for long enough, the object has gone by itself, which is as good.
        if (!failure.message.includes("not currently running")) throw failure;
      }
    },
    stop: () => runtime.dispose(),
  };
}
