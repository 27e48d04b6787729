import { useState } from "preact/hooks";
import { count } from "../format.ts";
import { type Column, Table } from "./table.tsx";

/** A table that begins with a few rows, and shows all of them to who asks. `shown`: how many at first. */
export function ShortTable<T>({
  shown,
  rows,
  ...table
}: {
  shown: number;
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  href?: (row: T) => string | undefined;
}) {
  const [isWhole, setWhole] = useState(false);
  return (
    <>
      <Table {...table} rows={isWhole ? rows : rows.slice(0, shown)} />
      {rows.length <= shown ? null : (
        <p class="card-note">
          <button type="button" class="link-button" onClick={() => setWhole(!isWhole)}>
            {isWhole ? `Show the first ${shown} alone` : `Show all ${count(rows.length)}`}
          </button>
        </p>
      )}
    </>
  );
}
