import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineWorker, ROOT_TOKEN } from "../../../bench/harness/build.mjs";
import { startInstance } from "../../../bench/harness/instance.mjs";
import { migrate } from "../../../bench/harness/migrate.mjs";

export { ROOT_TOKEN };

/**
 * Two edge services, each in a process and so with isolates of its own, and a third that holds the objects: what the platform does
 * with two places on earth. Edges reach objects by a call across processes; of D1 each reads a copy of its own, made before it starts.
 */

/** What the runtime does not do across processes by itself: an object's name goes along. */
const OBJECTS = `
import { WorkerEntrypoint } from "cloudflare:workers";
export * from "./index.js";
export { default } from "./index.js";
export class Objects extends WorkerEntrypoint {
  call(name, method, args) {
    const { CUSTOMERS } = this.env;
    return CUSTOMERS.get(CUSTOMERS.idFromName(name))[method](...args);
  }
}`;
const EDGE = `
import engine from "./index.js";
export * from "./index.js";
const namespace = (objects) => ({
  idFromName: (name) => name,
  get: (name) => new Proxy({}, { get: (_, method) => (...args) => objects.call(name, method, args) }),
});
export default {
  fetch: (request, env, context) => engine.fetch(request, { ...env, CUSTOMERS: namespace(env.OBJECTS) }, context),
};`;

export async function openEdges(seed) {
  const root = mkdtempSync(join(tmpdir(), "tanso-edges-"));
  const registryPath = join(root, "registry");
  mkdirSync(registryPath);
  const instances = [];
  const close = async () => {
    await Promise.allSettled(instances.map((instance) => instance.stop()));
    rmSync(root, { recursive: true, force: true });
  };
  try {
    const built = join(root, "built");
    const engine = await engineWorker({ outPath: built, name: "objects", databaseId: "engine" });
    const entry = (name, contents) => {
      const path = join(built, name);
      writeFileSync(path, contents);
      return [{ type: "ESModule", path }, ...engine.modules];
    };
    const worker = { ...engine, modules: entry("objects.js", OBJECTS) };
    const start = async (one, statePath) => {
      const instance = await startInstance({ workers: [one], statePath, registryPath });
      instances.push(instance);
      return instance;
    };
    const first = await startInstance({ workers: [worker], statePath: join(root, "objects") });
    try {
      await migrate(await first.database("objects"));
      await seed(first.addresses.objects);
    } finally {
      await first.stop();
    }
    const { durableObjects: _, ...bare } = engine;
    const modules = entry("edge.js", EDGE);
    await start(worker, join(root, "objects"));
    const edges = [];
    for (const name of ["edge-0", "edge-1"]) {
      cpSync(join(root, "objects", "kept"), join(root, name, "kept"), { recursive: true });
      const serviceBindings = { OBJECTS: { name: "objects", entrypoint: "Objects" } };
      edges.push(await start({ ...bare, name, modules, serviceBindings }, join(root, name)));
    }
    return {
      urls: edges.map((edge, at) => edge.addresses[`edge-${at}`]),
      kill: (at) => process.kill(edges[at].processId, "SIGKILL"),
      close,
    };
  } catch (failure) {
    await close();
    throw failure;
  }
}
