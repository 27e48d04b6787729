import Papa from "papaparse";

/**
 * A file as rows, however large: read as a stream of text, each row with the line on which it begins. Blank lines are no rows, here as
 * on the server, so that both count the same.
 */

/** Rows that are read ahead of the sender. */
const AHEAD_MAX = 5000;

/** A file that cannot be read as what it claims to be, by the line on which that shows. */
export class Malformed extends Error {}

/** Rows of a CSV file, written anew one by one (so that a quoted line break cannot cut one in two), the header first. */
export async function* csvRows(file) {
  let line = 1;
  for await (const { data: cells, errors } of parsedRows(file)) {
    const startsOnLine = line;
    // A quote that never ends swallows all that follows: nothing of it may be taken for a row.
    if (errors.some(({ type }) => type === "Quotes"))
      throw new Malformed(`Line ${line} has a quote that is never closed, or text after a closed one`);
    line += 1;
    for (const cell of cells) line += breaksIn(cell);
    if (cells.length > 1 || cells[0] !== "") yield { line: startsOnLine, text: `${Papa.unparse([cells])}\n` };
  }
}

/** The parser's rows as they come, `{ data, errors }`; it waits while the reader is busy. */
async function* parsedRows(file) {
  let ready = [];
  let paused;
  let end;
  let wake = () => {};
  Papa.parse(file, {
    step(row, parser) {
      ready.push(row);
      if (ready.length >= AHEAD_MAX) {
        parser.pause();
        paused = parser;
      }
      wake();
    },
    complete() {
      end = {};
      wake();
    },
    error(error) {
      end = { error };
      wake();
    },
  });
  while (true) {
    const rows = ready;
    ready = [];
    yield* rows;
    if (ready.length > 0) continue;
    if (end?.error !== undefined) throw end.error;
    if (end !== undefined) return;
    const waiting = new Promise((resolve) => {
      wake = resolve;
    });
    // Resuming parses on at once, and may pause again before it returns.
    const parser = paused;
    paused = undefined;
    parser?.resume();
    if (ready.length === 0 && end === undefined) await waiting;
  }
}

/** Line breaks in a text. */
export function breaksIn(text) {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** Rows of a newline-delimited JSON file, as they stand. */
export async function* ndjsonRows(file) {
  let line = 0;
  let rest = "";
  for await (const chunk of file) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const text of lines) {
      line += 1;
      if (text.trim() !== "") yield { line, text: `${text}\n` };
    }
  }
  if (rest.trim() !== "") yield { line: line + 1, text: `${rest}\n` };
}
