import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { moment, utcDay } from "../format.ts";
import { isDark } from "../theme.ts";

/** Lines over time, drawn by uPlot; the same figures stand in a table for those who do not see it. */

export type Line = { label: string; values: readonly number[]; tone: "a" | "b" | "c" };

type ChartProps = {
  /** What is shown, and its gist: for those who do not see it. */
  label: string;
  instants: readonly string[];
  lines: readonly Line[];
  format: (value: number) => string;
  /** Of all steps of the axis at once. */
  formatTicks: (values: readonly number[]) => string[];
  isHourly?: boolean;
};

/** What the names below the lines take of the height. */
const LEGEND_HEIGHT = 30;

const sizeOf = ({ clientWidth, clientHeight }: HTMLElement) => ({
  width: clientWidth,
  height: clientHeight - LEGEND_HEIGHT,
});

/** A token of the theme, for what is drawn on a canvas. */
export function styleOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** How every axis looks. */
export function axisStyle() {
  return {
    stroke: styleOf("--text-quiet"),
    font: `11px ${styleOf("--font")}`,
    grid: { stroke: styleOf("--line"), width: 1 },
    ticks: { show: false },
  };
}

function optionsOf(props: ChartProps, size: { width: number; height: number }): uPlot.Options {
  const axis = axisStyle();
  return {
    ...size,
    // Days are days of UTC, hours are the viewer's.
    ...(props.isHourly === true ? {} : { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), "UTC") }),
    // The last instant's words stand half beyond it.
    padding: [8, props.isHourly === true ? 48 : 24, 0, 0],
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { y: { range: (_, low, high) => [Math.min(0, low * 1.05), high <= 0 ? 1 : high * 1.08] } },
    axes: [
      { ...axis, size: 32, grid: { show: false }, space: 80, values: timeLabels(props.isHourly === true) },
      { ...axis, size: 56, space: 36, values: (_, splits) => props.formatTicks(splits) },
    ],
    series: [
      {
        label: props.isHourly === true ? "Time" : "Day (UTC)",
        value: (_, seconds) => {
          if (seconds === null) return "";
          const instant = new Date(seconds * 1000).toISOString();
          return props.isHourly === true ? moment(instant) : utcDay(instant);
        },
      },
      ...props.lines.map(({ label, tone }) => ({
        label,
        stroke: styleOf(`--chart-${tone}`),
        fill: `${styleOf(`--chart-${tone}`)}1f`,
        width: 1.75,
        points: { show: false },
        value: (_: uPlot, value: number | null) => (value === null ? "" : props.format(value)),
      })),
    ],
  };
}

function timeLabels(isHourly: boolean) {
  const format = new Intl.DateTimeFormat(
    "en-GB",
    isHourly
      ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }
      : { day: "numeric", month: "short", timeZone: "UTC" },
  );
  return (_: uPlot, splits: number[]) => splits.map((seconds) => format.format(new Date(seconds * 1000)));
}

export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const dark = isDark();
  // A canvas is drawn anew when figures or colours change.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const data = [
      props.instants.map((instant) => Date.parse(instant) / 1000),
      ...props.lines.map(({ values }) => [...values]),
    ] as uPlot.AlignedData;
    const plot = new uPlot(optionsOf(props, sizeOf(element)), data, element);
    const observer = new ResizeObserver(() => plot.setSize(sizeOf(element)));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [props.instants, props.lines, dark]);
  return (
    <figure class="chart">
      <div ref={box} class="chart-canvas" role="img" aria-label={props.label} />
      <details>
        <summary>Figures as a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
        <section class="table-box short" tabIndex={0} aria-label={`${props.label}, as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{props.isHourly === true ? "Time" : "Day (UTC)"}</th>
                {props.lines.map(({ label }) => (
                  <th key={label} scope="col" class="figure-cell">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {props.instants.map((instant, at) => (
                <tr key={instant}>
                  <td>{props.isHourly === true ? moment(instant) : utcDay(instant)}</td>
                  {props.lines.map(({ label, values }) => (
                    <td key={label} class="figure-cell">
                      {props.format(values[at] ?? 0)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  );
}
