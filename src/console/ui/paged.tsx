import type { ComponentChildren } from "preact";
import { useAsk, withQuery } from "../api.ts";
import { place, setQuery } from "../router.ts";
import type { Page } from "../wire.ts";
import { Answer } from "./states.tsx";
import { type Column, Pager, Table } from "./table.tsx";

/**
 * A list of the API, a page at a time; where one is stands in the address (`?offset=`), so that it can be shared. A filter that changes
 * has to take `offset` out of the address. `turn`: another number asks again.
 */
export function PagedTable<T>({
  path,
  query = {},
  what,
  columns,
  keyOf,
  href,
  empty,
  rows = 25,
  offsetName = "offset",
  children,
}: {
  path: string;
  query?: Record<string, string | number | undefined>;
  /** What the rows are, in words: the label of the table. */
  what: string;
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  href?: (row: T) => string | undefined;
  /** What stands there without rows. */
  empty: ComponentChildren;
  rows?: number;
  /** Where a view has two lists, each needs a name of its own in the address. */
  offsetName?: string;
  /** What else is made of the rows of the page: one of them opened beside the list, for example. */
  children?: (rows: readonly T[]) => ComponentChildren;
}) {
  const offset = Number(place.value.query.get(offsetName) ?? 0);
  const asked = useAsk<Page<T>>(withQuery(path, { ...query, limit: rows, offset }));
  return (
    <Answer asked={asked} what={what}>
      {({ items, pagination }) =>
        items.length === 0 && offset === 0 ? (
          empty
        ) : (
          <>
            <Table
              label={what}
              columns={columns}
              rows={items}
              keyOf={keyOf}
              {...(href === undefined ? {} : { href })}
            />
            <Pager
              pagination={pagination}
              onMove={(next) => setQuery({ [offsetName]: next === 0 ? undefined : String(next) })}
            />
            {children?.(items)}
          </>
        )
      }
    </Answer>
  );
}
