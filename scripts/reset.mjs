import { rmSync } from "node:fs";
import util from "node:util";
import { fail, stateFolder } from "./lib/project.mjs";
import { servedOn } from "./lib/running.mjs";

/** `npm run reset`: wipes all local data. Secrets in .dev.vars stay. */

let given;
try {
  given = util.parseArgs({ options: { state: { type: "string" } } }).values.state;
} catch (error) {
  fail(`${error.message}. Usage: npm run reset [-- --state DIR]`);
}
const state = stateFolder(given);
const port = await servedOn(state);
if (port !== undefined) fail(`A server uses this data on port ${port}: stop it first.`);
rmSync(state, { recursive: true, force: true });
console.log("Local data is gone; the next npm start makes it anew.");
