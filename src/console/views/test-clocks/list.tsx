import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { count, localText } from "../../format.ts";
import { navigate } from "../../router.ts";
import { FormDialog, InstantField, instantOf, TextField, textOf } from "../../ui/form.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { TestClock } from "../../wire.ts";

/** Clocks whose time stands until it is advanced: to see months of billing in a minute. */

const PATH = "/api/v1/test-clocks";

const COLUMNS: readonly Column<TestClock>[] = [
  { title: "Clock", cell: ({ name }) => name ?? "Without a name" },
  { title: "Stands at", cell: ({ frozenTime }) => <Time at={frozenTime} /> },
  {
    title: "State",
    isMinor: true,
    cell: ({ advancingTo }) =>
      advancingTo === undefined ? <Badge state="stands" label="Stands" /> : <Badge state="DUE" label="Interrupted" />,
  },
  { title: "Customers", isFigure: true, cell: ({ customers = 0 }) => count(customers) },
  { title: "Made", isMinor: true, cell: ({ createdAt }) => <Time at={createdAt} day /> },
];

export function TestClocks() {
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <div class="view-head">
        <h1>Test clocks</h1>
        <div class="tools">
          <button type="button" class="button main" onClick={() => setMaking(true)}>
            New clock
          </button>
        </div>
      </div>
      <Card title="Clocks, newest first" wide>
        <PagedTable<TestClock>
          path={PATH}
          what="test clocks"
          columns={COLUMNS}
          keyOf={({ id }) => id}
          href={({ id }) => `/test-clocks/${id}`}
          empty={
            <Empty title="No test clock">
              Customers of a clock live at its time. Advance it, and renewals, dunning and expiries happen in order.
            </Empty>
          }
        />
      </Card>
      {isMaking ? <NewClock onClose={() => setMaking(false)} /> : null}
    </>
  );
}

/** The viewer's present minute, as an instant's field holds it. */
function nowLocal(): string {
  return localText(new Date()).slice(0, 16);
}

function NewClock({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [start, setStart] = useState(nowLocal);
  return (
    <FormDialog<TestClock>
      title="New test clock"
      submit="Make the clock"
      done="The clock stands."
      send={() => ask("POST", PATH, { name: textOf(name), frozenTime: instantOf(start) })}
      onClose={onClose}
      onDone={({ id }) => navigate(`/test-clocks/${id}`)}
    >
      <TextField label="Name" path="name" value={name} onChange={setName} placeholder="A year of renewals" />
      <InstantField
        label="Stands at"
        path="frozenTime"
        hint="In the past or in the future; from then on it only goes forwards."
        value={start}
        onChange={setStart}
      />
    </FormDialog>
  );
}
