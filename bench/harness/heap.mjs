import { freePort, openInspector } from "./inspector.mjs";
import { median } from "./statistics.mjs";
import { wakeEngine } from "./world.mjs";

/**
 * Bytes that the engine's isolate holds more after `between` than after `before`, each counted right after a full garbage
 * collection: what the work left in memory. Median of `times`. Restarts the engine with an inspector, and without it again.
 */
export async function heapAround(world, { times, before, between }) {
  const port = await freePort();
  await world.restartEngine(port);
  // The first time fills the isolate's caches, which are not what is asked for.
  await before();
  await between();
  const inspector = await openInspector(port, "engine", () => wakeEngine(world));
  const heapBytes = async () => {
    await inspector.send("HeapProfiler.collectGarbage");
    return (await inspector.send("Runtime.getHeapUsage")).usedSize;
  };
  const differences = [];
  for (let turn = 0; turn < times; turn += 1) {
    await before();
    const evicted = await heapBytes();
    await between();
    differences.push((await heapBytes()) - evicted);
  }
  inspector.close();
  await world.restartEngine();
  return median(differences);
}
