import { requireInstall } from "./lib/project.mjs";

/** `npm start`: prepares what is missing, serves, fills the Demo account on the first start, and stops all of it on Ctrl-C. */

requireInstall();
const { readOptions, startLocal } = await import("./lib/local-start.mjs");
await startLocal(readOptions("npm start"), { script: "start" });
