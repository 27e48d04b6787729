import { refusalText } from "../lib/api.mjs";
import { breaksIn } from "./rows.mjs";

/** Sends rows in parts, each from where the server says the last one ended. Every row has a key, so any part may be sent again. */

/** A part stays below what the server takes: 8 MB and 50,000 rows. */
const PART_BYTES_MAX = 7_500_000;
const PART_ROWS_MAX = 50_000;
/** Rows in a part unless told otherwise: an answer every second or so keeps the bar moving. */
export const PART_ROWS_DEFAULT = 10_000;
/** Errors kept for the end; more are only counted. */
const ERRORS_KEPT_MAX = 20;

/** What the server said no to: nothing more is sent. */
export class Refused extends Error {}

/**
 * Sends all rows and answers the totals. `query` is what every part says (importId, map, set, meter); `onProgress` hears the
 * totals after each part.
 */
export async function sendRows({ rows, hasHeader, contentType, call, query, partRows, onProgress }) {
  const totals = { rows: 0, accepted: 0, duplicates: 0, rejected: 0, errors: [] };
  const rowsMax = Math.min(partRows, PART_ROWS_MAX);
  let header = "";
  let headerBytes = 0;
  let part = [];
  let partBytes = 0;
  const flush = async () => {
    while (part.length > 0) {
      const result = await sendPart({ call, query, contentType, header, part, offset: totals.rows });
      const taken = result.nextOffset - totals.rows;
      if (taken < 1) throw new Refused("The server took none of a part's rows.");
      keep(totals, result, part, header);
      part = part.slice(taken);
      onProgress(totals);
    }
    partBytes = headerBytes;
  };
  for await (const row of rows) {
    const bytes = Buffer.byteLength(row.text);
    if (hasHeader && header === "") {
      header = row.text;
      headerBytes = bytes;
      partBytes = bytes;
      continue;
    }
    if (part.length >= rowsMax || partBytes + bytes > PART_BYTES_MAX) await flush();
    part.push(row);
    partBytes += bytes;
  }
  await flush();
  return totals;
}

async function sendPart({ call, query, contentType, header, part, offset }) {
  const search = new URLSearchParams([...query, ["offset", String(offset)]]);
  const body = header + part.map(({ text }) => text).join("");
  const answer = await call("POST", `/api/v1/events/import?${search}`, body, contentType);
  if (answer.status !== 200) throw new Refused(refusalText(answer));
  return answer.body.data;
}

function keep(totals, result, part, header) {
  const lineInFile = linesOf(part, header);
  for (const { line, message } of result.errors)
    if (totals.errors.length < ERRORS_KEPT_MAX)
      totals.errors.push({ line: lineInFile.get(line - totals.rows) ?? line, message });
  totals.rows = result.nextOffset;
  totals.accepted += result.accepted;
  totals.duplicates += result.duplicates;
  totals.rejected += result.rejected;
}

/** Line of a part → line of the file: the server knows only what it was sent, without blank lines and under a header. */
function linesOf(part, header) {
  const lines = new Map();
  let line = 1 + breaksIn(header);
  for (const row of part) {
    lines.set(line, row.line);
    line += breaksIn(row.text);
  }
  return lines;
}
