/**
 * What the Worker logs during a test: kept, and printed only where the test fails. The Worker logs a line per request, and carrying
 * tens of thousands of them to the process that runs the tests takes a fifth of their time.
 */

/** Of the last lines: what led to the failure. */
const LINES_MAX = 200;

const METHODS = ["log", "info", "warn", "error"] as const;

const printed = Object.fromEntries(METHODS.map((method) => [method, console[method].bind(console)])) as Record<
  (typeof METHODS)[number],
  typeof console.log
>;
let lines: { method: (typeof METHODS)[number]; words: unknown[] }[] = [];

for (const method of METHODS)
  console[method] = (...words: unknown[]) => {
    lines.push({ method, words });
    if (lines.length > 2 * LINES_MAX) lines = lines.slice(-LINES_MAX);
  };

/** Between two tests: what was logged before belongs to neither. */
export function forgetLog(): void {
  lines = [];
}

/** Of a test that failed. */
export function printLog(): void {
  for (const { method, words } of lines.slice(-LINES_MAX)) printed[method](...words);
  lines = [];
}
