import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { wrangler } from "./lib/local-server.mjs";
import { fail, PROJECT, requireInstall } from "./lib/project.mjs";

/** Bundles the Worker as a deployment would, into dist/, and holds its size: a large script starts slowly everywhere. */

const GZIP_BYTES_MAX = 1_000_000;

requireInstall();
rmSync(join(PROJECT, "dist"), { recursive: true, force: true });
const { status, output } = await wrangler(["deploy", "--dry-run", "--outdir", "dist"]);
if (status !== 0) fail(`${output.trim()}\nThe Worker does not build.`);
const script = readFileSync(join(PROJECT, "dist/index.js"));
const gzipBytes = gzipSync(script).byteLength;
const sizes = `${(script.byteLength / 1000).toFixed(0)} kB, ${(gzipBytes / 1000).toFixed(0)} kB gzip`;
if (gzipBytes > GZIP_BYTES_MAX) fail(`The Worker is too large: ${sizes}; at most ${GZIP_BYTES_MAX / 1000} kB gzip.`);
console.log(`dist/index.js: ${sizes}`);
