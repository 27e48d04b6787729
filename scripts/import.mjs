import { createReadStream, statSync } from "node:fs";
import { extname } from "node:path";
import util from "node:util";
import { apiClient } from "./lib/api.mjs";
import { DEMO_KEY } from "./lib/demo.mjs";
import { fail, requireInstall } from "./lib/project.mjs";

/** `npm run import`: a CSV or newline-delimited JSON file of any size as events; repeated, it changes nothing. */

const HELP = `npm run import -- FILE --import-id ID [options]
  --import-id ID         names this import: row n has the key ID:n, so a repeat changes nothing
  --map FIELD=COLUMN     takes an event's field from a column (again for more): --map customerReferenceId=customer
  --set FIELD=VALUE      gives every event a field (again for more): --set costInput.model=gpt-4o-mini
  --meter                meters the rows too (default: they are recorded for cost and margin alone)
  --format csv|ndjson    unless the file's name says so (.csv, .tsv, .ndjson, .jsonl)
  --url URL              default: TANSO_URL, else http://127.0.0.1:PORT (8787)
  --key KEY              an admin key; default: TANSO_API_KEY, else the Demo account's for a local server
  --part-rows N          rows a request carries (default 10000, at most 50000)
  --retry-seconds N      how long to go on while the server does not answer (default 60)`;

const FORMATS = { ".csv": "csv", ".tsv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson" };
const CONTENT_TYPES = { csv: "text/csv", ndjson: "application/x-ndjson" };
const BAR_CELLS = 30;

requireInstall();
const { PART_ROWS_DEFAULT, Refused, sendRows } = await import("./import/send.mjs");
const { csvRows, Malformed, ndjsonRows } = await import("./import/rows.mjs");
const options = readOptions();
const bytes = sizeOf(options.path);
const file = createReadStream(options.path, { encoding: "utf8", highWaterMark: 1 << 20 });
const startedAtMs = Date.now();

try {
  const totals = await sendRows({
    rows: options.format === "csv" ? csvRows(file) : ndjsonRows(file),
    hasHeader: options.format === "csv",
    contentType: CONTENT_TYPES[options.format],
    call: apiClient({ ...options, onRetry: (problem) => note(`${problem}; trying again.`) }),
    query: options.query,
    partRows: options.partRows,
    onProgress: ({ rows }) => showProgress(rows, file.bytesRead / bytes),
  });
  clearBar();
  report(totals);
} catch (error) {
  clearBar();
  fail(sentenceOf(error));
}

function sentenceOf(error) {
  if (error instanceof Refused) return `The server refused: ${error.message}`;
  if (error instanceof Malformed) return `${error.message}: mend it, and run the same command again.`;
  return `${error.message}. Run the same command again: rows that arrived count once.`;
}

function report({ rows, accepted, duplicates, rejected, errors }) {
  for (const { line, message } of errors) console.log(`line ${line}: ${message}`);
  if (rejected > errors.length) console.log(`… and ${(rejected - errors.length).toLocaleString("en")} more.`);
  const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1);
  const counts = Object.entries({ accepted, duplicates, rejected }).map(
    ([name, n]) => `${n.toLocaleString("en")} ${name}`,
  );
  console.log(`${rows.toLocaleString("en")} rows in ${seconds} s: ${counts.join(", ")}.`);
  // Some rows are missing from what the caller wanted to have imported.
  if (rejected > 0) process.exitCode = 1;
}

function showProgress(rows, share) {
  const text = `${rows.toLocaleString("en")} rows`;
  if (!process.stderr.isTTY) {
    console.error(text);
    return;
  }
  const full = Math.round(Math.min(1, share) * BAR_CELLS);
  process.stderr.write(`\r[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}] ${Math.floor(share * 100)} %  ${text} `);
}

function clearBar() {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}

function note(sentence) {
  clearBar();
  console.error(sentence);
}

function sizeOf(path) {
  try {
    return Math.max(1, statSync(path).size);
  } catch (error) {
    return fail(`${path} cannot be read (${error.code}).`);
  }
}

function readOptions() {
  const { values, positionals } = parse();
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) fail(`One file, please.\n${HELP}`);
  if (values["import-id"] === undefined) fail(`An import needs an id: --import-id ID.\n${HELP}`);
  const format = values.format ?? FORMATS[extname(path).toLowerCase()];
  if (!(format in CONTENT_TYPES)) {
    // A mistyped name is told as such, before anybody wonders about formats.
    sizeOf(path);
    fail(`Is ${path} CSV or newline-delimited JSON? Say --format csv or --format ndjson.`);
  }
  const url = values.url ?? process.env.TANSO_URL ?? `http://127.0.0.1:${process.env.PORT || 8787}`;
  const query = [["importId", values["import-id"]]];
  for (const [kind, pairs] of [
    ["map", values.map],
    ["set", values.set],
  ])
    for (const pair of pairs) query.push(fieldPair(kind, pair));
  if (values.meter) query.push(["meter", "true"]);
  return {
    path,
    format,
    query,
    url: url.replace(/\/+$/, ""),
    key: values.key ?? process.env.TANSO_API_KEY ?? (isLocal(url) ? DEMO_KEY : fail("Whose account? Say --key KEY.")),
    partRows: wholeNumber(values["part-rows"] ?? String(PART_ROWS_DEFAULT), "--part-rows"),
    retrySeconds: wholeNumber(values["retry-seconds"], "--retry-seconds"),
  };
}

function parse() {
  try {
    return util.parseArgs({
      allowPositionals: true,
      options: {
        "import-id": { type: "string" },
        map: { type: "string", multiple: true, default: [] },
        set: { type: "string", multiple: true, default: [] },
        meter: { type: "boolean", default: false },
        format: { type: "string" },
        url: { type: "string" },
        key: { type: "string" },
        "part-rows": { type: "string" },
        "retry-seconds": { type: "string", default: "60" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return fail(`${error.message}\n${HELP}`);
  }
}

function fieldPair(kind, pair) {
  const at = pair.indexOf("=");
  if (at < 1) fail(`--${kind} ${pair} needs the form FIELD=${kind === "map" ? "COLUMN" : "VALUE"}.`);
  return [`${kind}.${pair.slice(0, at)}`, pair.slice(at + 1)];
}

function wholeNumber(text, name) {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) fail(`${name} ${text} is no whole number above 0.`);
  return Number(text);
}

function isLocal(url) {
  try {
    return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
  } catch {
    return fail(`${url} is no URL.`);
  }
}
