import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startInstance } from "../../harness/instance.mjs";
import { migrate } from "../../harness/migrate.mjs";

/**
 * The engine as it is deployed where its users are: two edge Workers, each an isolate with leases and blocks of its own, and a third
 * Worker that holds the objects. All in one process, so that what a call costs is the platform's least.
 */

export const EDGES = ["edge-a", "edge-b"];
const OBJECTS = "objects";
const FAR = "far.mjs";
let started = 0;

/** Runs `work` on such a set-up of its own, with an artificial trip of `tripMs` between edges and objects. */
export async function withEdges(world, { tripMs = 0 }, work) {
  started += 1;
  const databaseId = `edges-${started}`;
  const statePath = join(world.statePath, databaseId);
  const start = () => startInstance({ workers: workersOf(world.worker, { databaseId, tripMs }), statePath });
  const edges = { ...world, engine: await start() };
  // What is set up through the API goes through the first edge.
  const asOne = (instance) => ({
    ...instance,
    addresses: { ...instance.addresses, engine: instance.addresses[EDGES[0]] },
  });
  edges.engine = asOne(edges.engine);
  edges.evict = (objectName) => edges.engine.evict(OBJECTS, "CustomerObject", objectName);
  /** Ends both isolates, and all objects with them; what is stored stays. */
  edges.restart = async () => {
    await edges.engine.stop();
    edges.engine = asOne(await start());
  };
  try {
    await migrate(await edges.engine.database(EDGES[0]));
    return await work(edges);
  } finally {
    await edges.engine.stop();
  }
}

function workersOf(worker, { databaseId, tripMs }) {
  const { durableObjects } = worker;
  const databases = Object.fromEntries(Object.keys(worker.d1Databases).map((binding) => [binding, databaseId]));
  const elsewhere = Object.fromEntries(
    Object.entries(durableObjects).map(([binding, object]) => [binding, { ...object, scriptName: OBJECTS }]),
  );
  const objects = { ...worker, name: OBJECTS, d1Databases: databases };
  return [
    tripMs === 0 ? objects : { ...objects, ...farModules(worker), bindings: { ...worker.bindings, TRIP_MS: tripMs } },
    ...EDGES.map((name) => ({ ...worker, name, d1Databases: databases, durableObjects: elsewhere })),
  ];
}

/** The bundle behind a module that makes its objects' calls slow; it stands beside the bundle, since it imports it. */
function farModules({ modules, modulesRoot }) {
  const path = join(modulesRoot, FAR);
  copyFileSync(fileURLToPath(new URL(FAR, import.meta.url)), path);
  return { modules: [{ type: "ESModule", path }, ...modules] };
}

/** The address of each edge. */
export function addressesOf(edges) {
  return EDGES.map((name) => edges.engine.addresses[name]);
}
