import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { floorProbes, onceOverInsert } from "./floors/floors.mjs";
import { figuresOf } from "./harness/lines.mjs";
import { readOptions } from "./harness/options.mjs";
import { profile } from "./harness/profile.mjs";
import { isReached, printFigures, printLines, writeResults } from "./harness/report.mjs";
import { interleave } from "./harness/rounds.mjs";
import { openWorld } from "./harness/world.mjs";
import { billing } from "./suites/billing.mjs";
import { consoleSuite } from "./suites/console.mjs";
import { credits } from "./suites/credits.mjs";
import { edge } from "./suites/edge.mjs";
import { observe } from "./suites/observe.mjs";
import { platform } from "./suites/platform.mjs";

/**
 * Measures the engine on bare workerd beside the floors of the same machine and minute (docs/benchmarks.md). Prints figures,
 * lines and a verdict for each, keeps them as JSON, and ends with status 1 where a line is missed.
 */

const RESULTS = fileURLToPath(new URL("results/latest.json", import.meta.url));

// Issues add theirs here. A suite brings requests, measured together beside one set of floors, and sections of its own.
const SUITES = [observe, platform, credits, billing, edge, consoleSuite];

const options = readOptions(process.argv.slice(2));
const world = await openWorld(options);
const startedAt = new Date();
const lines = [];
const figures = [];
const told = [];

function keep(result) {
  lines.push(...result.lines);
  figures.push(...(result.figures ?? []));
  told.push(...(result.told ?? []));
}

async function measureRequests() {
  const probes = [...floorProbes(world.floors)];
  for (const suite of SUITES) probes.push(...(await suite.requestProbes(world)));
  const at = new Map();
  for (const connections of options.connections) {
    const { rounds, seconds } = options;
    at.set(connections, await interleave({ client: world.client, probes, connections, rounds, seconds }));
    keep({ lines: [], figures: figuresOf(at.get(connections), connections) });
  }
  told.push(...onceOverInsert((connections) => at.get(connections)));
  for (const suite of SUITES) keep({ lines: suite.requestLines((connections) => at.get(connections)) });
}

const sections = [
  { name: "requests", run: measureRequests },
  ...SUITES.flatMap((suite) =>
    suite.sections.map((section) => ({ ...section, run: async () => keep(await section.run(world)) })),
  ),
].filter(({ name, isSoak = false }) => name.includes(options.only) && (options.soak || !isSoak));

let failed = false;
try {
  for (const { name, run } of sections) {
    process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${name} …\n`);
    try {
      await run();
    } catch (failure) {
      // The other sections still say what they know; the run as a whole has failed.
      failed = true;
      console.error(`${name}: ${failure.stack}`);
    }
  }
  if (options.profile) for (const suite of SUITES) await profile(world, suite.requestProbes, 3);
  const scriptBytes = gzipSync(Buffer.concat(world.modulePaths.map((path) => readFileSync(path)))).length;
  told.push(`script: ${(scriptBytes / 1024).toFixed(0)} KB gzip`);
} finally {
  await world.close();
}

printFigures(figures);
const missed = printLines(lines, told);
if (options.quick) console.log("A quick run: little data and short rounds, no verdict on the engine.");
writeResults(RESULTS, {
  startedAt: startedAt.toISOString(),
  node: process.version,
  processor: `${cpus().length} × ${cpus()[0].model}`,
  options,
  figures,
  lines: lines.map((line) => ({ ...line, reached: isReached(line) })),
  told,
});
process.exitCode = missed > 0 || failed ? 1 : 0;
