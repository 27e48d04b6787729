import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A file of LLM requests, made anew for each run, whose sums are counted while it is written. */

const CUSTOMERS = 20;
/** gpt-4o-mini, US dollars per million tokens, as integers of 10⁻⁸ dollar per token: 0.15 and 0.60. */
const INPUT_E8 = 15n;
const OUTPUT_E8 = 60n;

/** Writes `rowCount` requests of one day as CSV. Some notes hold commas, quotes and line breaks. */
export function traceFile(folder, rowCount) {
  const write = (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  let inputTokens = 0;
  let outputTokens = 0;
  let text = "time,who,in,out,note\n";
  for (let row = 0; row < rowCount; row++) {
    const input = 1 + ((row * 7919) % 6007);
    const output = 1 + ((row * 104729) % 499);
    inputTokens += input;
    outputTokens += output;
    // Customers of very different size: the first has half of all.
    const who = row % 2 === 0 ? 0 : row % CUSTOMERS;
    const note = row % 97 === 0 ? `"one, ""two""\nand ${row}"` : `plain ${row}`;
    text += `${timeOf(row)},cust-${who},${input},${output},${note}\n`;
  }
  const costE8 = BigInt(inputTokens) * INPUT_E8 + BigInt(outputTokens) * OUTPUT_E8;
  return {
    path: write("trace.csv", text),
    rows: rowCount,
    inputTokens,
    outputTokens,
    // Fewer than 15 digits: the number is the exact sum's shortest form.
    cost: Number(`${costE8}e-8`),
    write,
  };
}

/** Seconds of 5 March 2024, as log files write them. */
function timeOf(row) {
  const atMs = Date.UTC(2024, 2, 5, 1) + row * 7001;
  return new Date(atMs).toISOString().replace("T", " ").replace("Z", "0000");
}

/** Arguments that import a trace. */
export function importFile(trace, url, more) {
  const map = {
    customerReferenceId: "who",
    occurredAt: "time",
    "costInput.inputTokens": "in",
    "costInput.outputTokens": "out",
  };
  const set = {
    eventName: "llm.request",
    featureKey: "trace",
    "costInput.model": "gpt-4o-mini",
    "costInput.modelProvider": "openai",
  };
  return [
    trace.path,
    ...["--import-id", "trace-1", "--url", url],
    ...Object.entries(map).flatMap(([field, column]) => ["--map", `${field}=${column}`]),
    ...Object.entries(set).flatMap(([field, value]) => ["--set", `${field}=${value}`]),
    ...more,
  ];
}
