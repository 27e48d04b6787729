import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { startStripeDouble } from "./server.mjs";

/**
 * The double as a process: prints its address, serves until its input ends, and keeps what it knows in a file.
 *   node serve.mjs --port N --file FILE
 */

const SAVE_MS = 1000;

const { values } = parseArgs({ options: { port: { type: "string" }, file: { type: "string" } } });
const { file = "" } = values;
let saved = existsSync(file) ? readFileSync(file, "utf8") : undefined;
const double = await startStripeDouble({ port: Number(values.port ?? 0), snapshot: saved });
console.log(double.url);
setInterval(save, SAVE_MS);
process.stdin.resume();
process.stdin.once("end", () => end());
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => end());

function save() {
  const now = double.snapshot();
  if (file === "" || now === saved) return;
  mkdirSync(dirname(file), { recursive: true });
  // Renamed into place: a crash in between leaves the file before, not half a file.
  writeFileSync(`${file}.new`, now);
  renameSync(`${file}.new`, file);
  saved = now;
}

async function end() {
  save();
  await double.stop();
  process.exit(0);
}
