import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** The oldest Node that npm and these scripts work with; wrangler runs on the newer one that `npm ci` installs. */
const NODE_MAJOR_MIN = 20;

/** Where wrangler keeps local databases and objects unless told otherwise. */
const STATE_DEFAULT = ".wrangler/state";

/** Ends the process with one sentence for the person who ran it. */
export function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** Stops at once where nothing else could work: an old Node, or nothing installed. */
export function requireInstall() {
  if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN)
    fail(`tanso-edge needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.versions.node}.`);
  if (!existsSync(tool("wrangler/bin/wrangler.js"))) fail("Nothing is installed yet: run `npm ci` first.");
}

/** A file of an installed package. */
export function tool(path) {
  return join(PROJECT, "node_modules", path);
}

/** The Node that `npm ci` installs (wrangler wants 22 or newer); this process's own where that one was not installed. */
export function nodeBinary() {
  const installed = tool(process.platform === "win32" ? "node/bin/node.exe" : "node/bin/node");
  return existsSync(installed) ? installed : process.execPath;
}

/** The folder of local state: `--state`, `STATE`, or wrangler's own. */
export function stateFolder(given) {
  return resolve(PROJECT, given || process.env.STATE || STATE_DEFAULT);
}

/** The environment that keeps wrangler quiet, offline and without questions. */
export function wranglerEnvironment() {
  return {
    ...process.env,
    CI: "1",
    WRANGLER_SEND_METRICS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    X_LOCAL_OBSERVABILITY: "false",
  };
}
