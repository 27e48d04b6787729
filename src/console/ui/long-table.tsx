import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate } from "../router.ts";
import { type Column, classOf, Headings } from "./table.tsx";

/**
 * A table of many rows, of which only those in sight (and some around them) are in the page: ten thousand scroll like ten. All rows
 * have one height, which the style of `.long-table` keeps, and columns one width, so that nothing moves while it is scrolled.
 */

/** The height of a row in pixels, as in `styles/money.css`. */
export const ROW_PX = 34;
/** Rows beyond the edges that are there already when they come into sight. */
const AROUND = 12;
/** Rows from the end at which more are asked for. */
const NEAR_END = 60;

export function LongTable<T>({
  label,
  columns,
  rows,
  keyOf,
  href,
  onNearEnd,
}: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  href: (row: T) => string;
  /** Told whenever the last rows come into sight. */
  onNearEnd: () => void;
}) {
  const box = useRef<HTMLElement>(null);
  const [sight, setSight] = useState({ first: 0, count: 40 });
  const held = useRef<{ key: string; at: number } | undefined>(undefined);

  const look = () => {
    const element = box.current;
    if (element === null) return;
    const first = Math.max(0, Math.floor(element.scrollTop / ROW_PX));
    const count = Math.ceil(element.clientHeight / ROW_PX) + 1;
    const top = rows[first];
    // Who reads further down keeps what they read, whatever comes in above it.
    held.current = first === 0 || top === undefined ? undefined : { key: keyOf(top), at: first };
    if (first + count + NEAR_END > rows.length) onNearEnd();
    // A state that stays the same draws nothing: within half of what lies around there is nothing new to draw.
    setSight((known) =>
      Math.abs(known.first - first) < AROUND / 2 && known.count === count ? known : { first, count },
    );
  };

  // Before anything is painted: new rows above would push away what is being read.
  useLayoutEffect(() => {
    const { current: element } = box;
    const { current: top } = held;
    if (element !== null && top !== undefined) {
      const at = rows.findIndex((row) => keyOf(row) === top.key);
      if (at >= 0 && at !== top.at) element.scrollTop += (at - top.at) * ROW_PX;
    }
    look();
  }, [rows]);

  const start = Math.max(0, sight.first - AROUND);
  const end = Math.min(rows.length, sight.first + sight.count + AROUND);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section ref={box} class="table-box long-table" tabIndex={0} aria-label={label} onScroll={look}>
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <Headings columns={columns} />
          </tr>
        </thead>
        <tbody>
          <Gap rows={start} />
          {rows.slice(start, end).map((row, at) => (
            <Row key={keyOf(row)} row={row} columns={columns} href={href(row)} place={start + at + 2} />
          ))}
          <Gap rows={rows.length - end} />
        </tbody>
      </table>
    </section>
  );
}

/** A row that stays in sight is not drawn again. `place`: among all rows, the heading's included, from 1. */
function Row<T>({ row, columns, href, place }: { row: T; columns: readonly Column<T>[]; href: string; place: number }) {
  return useMemo(
    () => (
      <tr
        class="leads"
        aria-rowindex={place}
        onClick={(event) => {
          if ((event.target as Element).closest("a") === null) navigate(href);
        }}
      >
        {columns.map((column, at) => (
          <td key={column.title} class={classOf(column)}>
            {at === 0 ? (
              <a class="row-link" href={`/console${href}`}>
                {column.cell(row)}
              </a>
            ) : (
              column.cell(row)
            )}
          </td>
        ))}
      </tr>
    ),
    [row, columns, href, place],
  );
}

/** Room for rows that are not in the page. */
function Gap({ rows }: { rows: number }) {
  const row = useRef<HTMLTableRowElement>(null);
  // Its height follows from figures, so no sheet of styles can know it.
  useLayoutEffect(() => {
    if (row.current !== null) row.current.style.height = `${rows * ROW_PX}px`;
  }, [rows]);
  return <tr ref={row} class="gap" />;
}
