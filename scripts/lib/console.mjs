import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { fail, PROJECT } from "./project.mjs";

/**
 * The console as static assets of the Worker: `assets/console/`, bundled from `src/console`, not committed. Takes about a tenth of a
 * second. Names carry a digest of their content, and what is there already is not written again: a server that serves the folder
 * would take it for a change.
 */

const FOLDER = join(PROJECT, "assets/console");
const FILES = join(FOLDER, "files");

/** Of script and style together: a console that is asked for on a slow line is still there within a second or two. */
const GZIP_BYTES_MAX = 250_000;

/** Builds the console. Ends the process where it does not build or has grown too large. */
export function buildConsole() {
  let outputs;
  try {
    outputs = bundle();
  } catch {
    // esbuild has said what is wrong, and where.
    fail("The console does not build.");
  }
  const sizes = outputs
    .filter(({ path }) => /\.(js|css)$/.test(path))
    .map(({ contents }) => gzipSync(contents).byteLength);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > GZIP_BYTES_MAX) fail(`The console is too large: ${bytes} bytes gzip; at most ${GZIP_BYTES_MAX}.`);
  mkdirSync(FILES, { recursive: true });
  for (const { path, contents } of outputs) writeChanged(join(FILES, basename(path)), contents);
  const named = (pattern) => basename(outputs.find(({ path }) => pattern.test(path)).path);
  const page = readFileSync(join(PROJECT, "src/console/index.html"), "utf8")
    .replace("main.tsx", `/console/files/${named(/main-\w+\.js$/)}`)
    .replace("styles.css", `/console/files/${named(/main\.style-\w+\.css$/)}`);
  writeChanged(join(FOLDER, "index.html"), Buffer.from(page));
  const kept = new Set(outputs.map(({ path }) => basename(path)));
  for (const name of readdirSync(FILES)) if (!kept.has(name)) rmSync(join(FILES, name), { force: true });
  return bytes;
}

function bundle() {
  return buildSync({
    absWorkingDir: PROJECT,
    entryPoints: { main: "src/console/main.tsx", "main.style": "src/console/styles/main.css" },
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    outdir: FILES,
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022"],
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".woff2": "file" },
    // Licences of what is bundled stand in one file beside it.
    legalComments: "linked",
    logLevel: "error",
  }).outputFiles;
}

function writeChanged(path, contents) {
  if (!existsSync(path) || !readFileSync(path).equals(contents)) writeFileSync(path, contents);
}
