import type { ComponentChildren } from "preact";
import { navigate } from "../router.ts";
import type { Page } from "../wire.ts";

/** Tables and their pages. Figures stand at the right, one digit under the other. */

export type Column<T> = {
  title: string;
  cell: (row: T) => ComponentChildren;
  /** A figure: at the right. */
  isFigure?: boolean;
  /** Left out on a phone. */
  isMinor?: boolean;
  /** Left out unless the table has the whole width of a screen, or nearly. */
  isSpare?: boolean;
};

/** How the cells of a column are told apart in the styles. */
export function classOf<T>({ isFigure, isSpare, isMinor }: Column<T>): string {
  return `${isFigure ? "figure-cell" : ""} ${isSpare ? "spare" : isMinor ? "minor" : ""}`.trim();
}

/** The cells of a heading's row. */
export function Headings<T>({ columns }: { columns: readonly Column<T>[] }) {
  return (
    <>
      {columns.map((column) => (
        <th key={column.title} scope="col" class={classOf(column)}>
          {column.title}
        </th>
      ))}
    </>
  );
}

/** `label`: what the table is, for those who do not see it. `href`: where a row leads, if anywhere. Arrow keys move between rows that lead somewhere. */
export function Table<T>({
  label,
  columns,
  rows,
  keyOf,
  href,
}: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  href?: (row: T) => string | undefined;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="table-box" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            <Headings columns={columns} />
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const target = href?.(row);
            return (
              <tr
                key={keyOf(row)}
                class={target === undefined ? "" : "leads"}
                onClick={target === undefined ? undefined : (event) => follow(event, target)}
              >
                {columns.map((column, at) => (
                  <td key={column.title} class={classOf(column)}>
                    {at === 0 && target !== undefined ? (
                      <a class="row-link" href={`/console${target}`} onKeyDown={moveByArrow}>
                        {column.cell(row)}
                      </a>
                    ) : (
                      column.cell(row)
                    )}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** The whole row leads where its link does, unless something in it was meant. */
function follow(event: MouseEvent, target: string): void {
  const element = event.target as Element;
  if (element.closest("a, button") !== null || window.getSelection()?.toString() !== "") return;
  navigate(target);
}

function moveByArrow(event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const links = [
    ...((event.currentTarget as Element).closest("tbody")?.querySelectorAll<HTMLElement>(".row-link") ?? []),
  ];
  links[links.indexOf(event.currentTarget as HTMLElement) + step]?.focus();
  event.preventDefault();
}

/** Which part of a list is shown, and the way to the others. */
export function Pager({
  pagination,
  onMove,
}: {
  pagination: Page<unknown>["pagination"];
  onMove: (offset: number) => void;
}) {
  const { total, limit, offset, hasMore } = pagination;
  if (total <= limit && offset === 0) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <span class="quiet">
        {Math.min(offset + 1, total)}–{Math.min(offset + limit, total)} of {total}
      </span>
      <button type="button" class="button" disabled={offset === 0} onClick={() => onMove(Math.max(0, offset - limit))}>
        Previous
      </button>
      <button type="button" class="button" disabled={!hasMore} onClick={() => onMove(offset + limit)}>
        Next
      </button>
    </nav>
  );
}
