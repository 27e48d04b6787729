import { shown } from "./report.mjs";
import { ratioOf, summary } from "./rounds.mjs";

const UNIT = { p50: "ms", unitsPerSecond: "/s" };

/** A line of the report: `measure` over `floor`, both probes of the same interleaved rounds, in one figure of theirs. */
export function lineOver(figures, { name, measure, floor, field, target }) {
  const measured = figures.get(measure);
  const floors = figures.get(floor);
  return {
    name,
    measure: shown(summary(measured)[field], UNIT[field]),
    floor: shown(summary(floors)[field], UNIT[field]),
    value: ratioOf(measured, floors, field),
    target,
  };
}

/** Every probe of interleaved rounds as a row of figures. */
export function figuresOf(figures, connections) {
  return [...figures].map(([name, rounds]) => ({ connections, name, ...summary(rounds) }));
}
