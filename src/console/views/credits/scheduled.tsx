import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { FormDialog } from "../../ui/form.tsx";
import { Card, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";

/** What a tariff's entry has, whatever it is the tariff of. */
type Dated = { id: string; effectiveFrom: string; createdBy: string };

/** Entries of a tariff that do not count yet, soonest first: each can be deleted, after a word on what then does not happen. */
export function Scheduled<T extends Dated>({
  noun,
  path,
  entries,
  columns,
  nameOf,
  consequence,
  onDone,
}: {
  /** “price”: what one entry is. */
  noun: string;
  /** Of the route that an entry is deleted below. */
  path: string;
  entries: readonly T[];
  /** What an entry says; since when and by whom are told beside it. */
  columns: readonly Column<T>[];
  nameOf: (entry: T) => string;
  consequence: (entry: T) => ComponentChildren;
  onDone: () => void;
}) {
  const [deleting, setDeleting] = useState<T>();
  const scheduled = entries
    .filter(({ effectiveFrom }) => Date.parse(effectiveFrom) > Date.now())
    .sort((a, b) => Date.parse(a.effectiveFrom) - Date.parse(b.effectiveFrom));
  const all: readonly Column<T>[] = [
    ...columns,
    { title: "From", cell: ({ effectiveFrom }) => <Time at={effectiveFrom} /> },
    { title: "Published by", isSpare: true, cell: ({ createdBy }) => <code>{createdBy}</code> },
    {
      title: "Action",
      cell: (entry) => (
        <button
          type="button"
          class="button small"
          aria-label={`Delete ${nameOf(entry)}`}
          onClick={() => setDeleting(entry)}
        >
          Delete
        </button>
      ),
    },
  ];
  return (
    <Card title="Scheduled" wide>
      {scheduled.length === 0 ? (
        <Empty title="Nothing is scheduled">A batch that is published for later waits here, and can be deleted.</Empty>
      ) : (
        <Table label={`Scheduled ${noun}s`} columns={all} rows={scheduled} keyOf={({ id }) => id} />
      )}
      {deleting === undefined ? null : (
        <FormDialog<undefined>
          title={`Delete a scheduled ${noun}`}
          submit="Delete"
          isDanger
          done={`The scheduled ${noun} is deleted.`}
          send={() => ask("DELETE", `${path}/${deleting.id}`)}
          onClose={() => setDeleting(undefined)}
          onDone={onDone}
        >
          <p>{consequence(deleting)}</p>
        </FormDialog>
      )}
    </Card>
  );
}
