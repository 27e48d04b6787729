import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { count, countTicks, money, moneyTicks } from "../../format.ts";
import { isDark } from "../../theme.ts";
import { axisStyle, styleOf } from "../../ui/chart.tsx";
import { type CurveTier, curveAt } from "./rule-draft.ts";

/** What units of a feature come to, as a curve and at the numbers where it bends: while a price is edited. */

const HEIGHT = 168;
/** How far beyond the last tier's beginning the curve is drawn. */
const BEYOND = 1.6;
const WITHOUT_TIERS_UNITS = 1000;
/** A jump is drawn as a line that is steep, not upright: the plot wants rising numbers. */
const STEEP = 1e-6;

/** The numbers of units at which something changes, and the last one that is drawn. */
function marksOf(tiers: readonly CurveTier[], limit: number | undefined): number[] {
  const bounds = tiers.flatMap(({ upTo }) => (upTo === undefined || upTo === 0 ? [] : [upTo]));
  const last = Math.max(0, ...bounds);
  const end = limit ?? (last === 0 ? WITHOUT_TIERS_UNITS : last * BEYOND);
  return [...new Set([...bounds.filter((bound) => bound < end), end])].sort((a, b) => a - b);
}

function pointsOf(tiers: readonly CurveTier[], marks: readonly number[]): [number[], number[]] {
  const end = marks.at(-1) ?? 0;
  const units = [0, ...marks].flatMap((mark) => (mark === end ? [mark] : [mark, mark + end * STEEP]));
  return [units, units.map((number) => curveAt(tiers, number))];
}

/** `limit`: where access ends, and with it the curve. */
export function PriceCurve({
  tiers,
  limit,
  currency,
  unit,
  name,
}: {
  tiers: readonly CurveTier[];
  limit: number | undefined;
  currency: string;
  unit: string;
  name: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const dark = isDark();
  const marks = marksOf(tiers, limit);
  const drawn = JSON.stringify([tiers, marks, currency]);
  // A canvas is drawn anew when figures or colours change.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const axis = axisStyle();
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        padding: [8, 24, 0, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: false }, y: { range: (_, __, high) => [0, high <= 0 ? 1 : high * 1.08] } },
        axes: [
          { ...axis, size: 28, grid: { show: false }, space: 60, values: (_, splits) => countTicks(splits) },
          { ...axis, size: 60, space: 32, values: (_, splits) => moneyTicks(splits, currency) },
        ],
        series: [
          {},
          {
            stroke: styleOf("--chart-a"),
            fill: `${styleOf("--chart-a")}1f`,
            width: 1.75,
            points: { show: false },
          },
        ],
      },
      pointsOf(tiers, marks),
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [drawn, dark]);
  return (
    <figure class="curve">
      <div ref={box} class="curve-canvas" role="img" aria-label={`What units of ${name} come to; the figures follow`} />
      <figcaption>
        {marks.map((mark) => (
          <span key={mark}>
            {count(mark)} {unit}
            {mark === limit ? " (limit)" : ""}: <strong>{money(curveAt(tiers, mark), currency)}</strong>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
