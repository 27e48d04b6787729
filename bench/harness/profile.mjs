import { freePort, openInspector } from "./inspector.mjs";
import { wakeEngine } from "./world.mjs";

const SAMPLE_MICROSECONDS = 200;
const FUNCTIONS_SHOWN = 25;

/** Where the isolate's processor time goes while a probe runs: functions by the time spent in themselves. */
export async function profile(world, probesOf, seconds) {
  const port = await freePort();
  await world.restartEngine(port);
  const probes = await probesOf(world);
  for (const probe of probes) {
    const drive = (time) => world.client.drive({ ...probe.job, connections: probe.connections ?? 32, seconds: time });
    await drive(1);
    const inspector = await openInspector(port, "engine", () => wakeEngine(world));
    await inspector.send("Profiler.enable");
    await inspector.send("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
    await inspector.send("Profiler.start");
    const { answered } = await drive(seconds);
    const { profile: taken } = await inspector.send("Profiler.stop");
    inspector.close();
    print(probe.name, taken, answered);
  }
  await world.restartEngine();
}

function print(name, { nodes, samples, timeDeltas }, answered) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const spent = new Map();
  let totalMicroseconds = 0;
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id);
    const place = `${functionName || "(anonymous)"} ${url.split("/").at(-1)}:${lineNumber + 1}`;
    spent.set(place, (spent.get(place) ?? 0) + timeDeltas[index]);
    totalMicroseconds += timeDeltas[index];
  }
  console.log(`\n${name}: ${answered} requests, microseconds per request by function`);
  const rows = [...spent].sort((a, b) => b[1] - a[1]).slice(0, FUNCTIONS_SHOWN);
  for (const [place, microseconds] of rows) {
    const share = ((100 * microseconds) / totalMicroseconds).toFixed(1).padStart(5);
    console.log(`${(microseconds / answered).toFixed(1).padStart(8)}  ${share} %  ${place}`);
  }
}
