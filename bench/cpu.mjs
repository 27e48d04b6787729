import { readFileSync } from "node:fs";
import { floorProbes } from "./floors/floors.mjs";
import { readOptions } from "./harness/options.mjs";
import { openWorld } from "./harness/world.mjs";
import { credits } from "./suites/credits.mjs";
import { observe } from "./suites/observe.mjs";
import { platform } from "./suites/platform.mjs";

/**
 * Processor time per request of the requests named on the command line, by commas, and of the floors: `node bench/cpu.mjs "GET
 * check,consume"`. For a machine that is too busy for durations to mean much; a change of a few microseconds shows here.
 */

const CONNECTIONS = 32;
const SECONDS = 1.5;
const ROUNDS = 3;
/** Linux counts processor time in hundredths of a second. */
const TICK_MICROSECONDS = 10_000;

function processorMicroseconds(processId) {
  // Behind the name, which may hold blanks: user and system time are the 12th and 13th.
  const fields = readFileSync(`/proc/${processId}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS;
}

const world = await openWorld(readOptions([]));
try {
  const wanted = (process.argv[2] ?? "GET check").split(",");
  const all = [];
  for (const suite of [observe, platform, credits]) all.push(...(await suite.requestProbes(world)));
  const probes = [...all.filter(({ name }) => wanted.includes(name)), ...floorProbes(world.floors)];
  const drive = (probe) => world.client.drive({ ...probe.job, connections: CONNECTIONS, seconds: SECONDS });
  for (const probe of probes) await drive(probe);
  for (let round = 0; round < ROUNDS; round += 1) {
    const told = [];
    for (const probe of probes) {
      const { processId } = probe.instance;
      const before = processorMicroseconds(processId);
      const { answered, perSecond } = await drive(probe);
      const each = (processorMicroseconds(processId) - before) / answered;
      told.push(`${probe.name} ${each.toFixed(1)} µs ${perSecond.toFixed(0)}/s`);
    }
    console.log(told.join(" | "));
  }
} finally {
  await world.close();
}
