import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A figure for people, by unit: `ms`, `/s`, `KB`, or none. */
export function shown(value, unit) {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (unit === "ms") return `${value < 100 ? value.toFixed(value < 10 ? 3 : 1) : number.format(value)} ms`;
  if (unit === "KB") return `${value.toFixed(1)} KB`;
  return unit === undefined ? number.format(value) : `${number.format(value)} ${unit}`;
}

/** True when a line's target holds. A line without a target only tells. */
export function isReached({ value, target }) {
  if (!Number.isFinite(value)) return false;
  return target.atMost === undefined ? value >= target.atLeast : value <= target.atMost;
}

function table(rows, alignRight) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const cell = (text, column) => (alignRight.has(column) ? text.padStart(widths[column]) : text.padEnd(widths[column]));
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}

/** Floors and measures at every number of connections. */
export function printFigures(figures) {
  const rows = [["connections", "request", "p50", "p99", "per second", "memory"]];
  for (const { connections, name, p50, p99, unitsPerSecond, memoryBytes } of figures) {
    const memory = `${number.format(memoryBytes / 1e6)} MB`;
    rows.push([String(connections), name, shown(p50, "ms"), shown(p99, "ms"), shown(unitsPerSecond), memory]);
  }
  console.log(`\n${table(rows, new Set([0, 2, 3, 4, 5]))}`);
}

const limitText = ({ atMost, atLeast, unit }) => {
  const limit = atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
  return unit === undefined ? `${limit} ×` : `${limit} ${unit}`;
};

const valueText = ({ value, target }) => {
  if (!Number.isFinite(value)) return "–";
  return target.unit === undefined ? `${value.toFixed(2)} ×` : shown(value, target.unit);
};

/**
 * Lines with their floors, targets and verdicts; what was told without a target; the count. Returns the number missed.
 * A line: { name, measure, floor, value, target: { atMost | atLeast, unit? } } — without a unit the value is a ratio.
 */
export function printLines(lines, told) {
  const rows = [["measure", "figure", "floor", "value", "must be", ""]];
  for (const line of lines) {
    const verdict = isReached(line) ? "reached" : "missed";
    rows.push([line.name, line.measure, line.floor ?? "", valueText(line), limitText(line.target), verdict]);
  }
  console.log(`\n${table(rows, new Set([1, 2, 3, 4]))}`);
  for (const text of told) console.log(text);
  const missed = lines.filter((line) => !isReached(line)).length;
  console.log(`\n${lines.length - missed} reached, ${missed} missed`);
  return missed;
}

/** The same as JSON, for whoever compares runs. */
export function writeResults(path, results) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
}
