import Papa from "papaparse";

/**
 * A file as rows, however large: read as a stream of text, each row with the line on which it begins. Blank lines are no rows, here as
 * on the server, so that both count the same.
 */

/** Rows of a CSV file, written anew one by one (so that a quoted line break cannot cut one in two), the header first. */
export async function* csvRows(file) {
  const parser = Papa.parse(Papa.NODE_STREAM_INPUT, {});
  file.once("error", (error) => parser.destroy(error));
  file.pipe(parser);
  let line = 1;
  for await (const cells of parser) {
    const startsOnLine = line;
    line += 1;
    for (const cell of cells) for (const letter of cell) if (letter === "\n") line += 1;
    if (cells.length > 1 || cells[0] !== "") yield { line: startsOnLine, text: `${Papa.unparse([cells])}\n` };
  }
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
