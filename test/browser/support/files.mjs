import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SHOTS = fileURLToPath(new URL("../shots", import.meta.url));

/** Where a picture of this name goes; not committed. */
export function shotPath(name) {
  mkdirSync(SHOTS, { recursive: true });
  return join(SHOTS, `${name}.png`);
}

/** The script of axe-core, to be run in a page. */
export function axeSource() {
  return readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
}

/** What is in a file, such as one that was downloaded. */
export function fileText(path) {
  return readFileSync(path, "utf8");
}
