import { useState } from "preact/hooks";
import { download, withQuery } from "../../api.ts";
import { money, words } from "../../format.ts";
import { invoiceOwner } from "../../invoice-owner.ts";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import { say } from "../../ui/toast.tsx";
import type { Invoice } from "../../wire.ts";
import {
  CustomerFilter,
  DayFilter,
  dayStart,
  filterOf,
  OfFilteredCustomer,
  SelectFilter,
  TextFilter,
  useFilteredCustomer,
} from "../filters.tsx";
import { Verify } from "./verify.tsx";
import { INVOICES_PATH, nameOf, STATES, TYPES } from "./words.ts";

/** All invoices of the account, newest first: found by state, type, customer and when they were made, and taken away as a file. */

const COLUMNS: readonly Column<Invoice>[] = [
  { title: "Number", cell: (invoice) => <span class="one-word">{nameOf(invoice)}</span> },
  {
    title: "Customer",
    cell: (invoice) => {
      const owner = invoiceOwner(invoice);
      return owner === undefined ? (
        "–"
      ) : (
        <a href={`/console/customers/${encodeURIComponent(owner.ref)}`}>{owner.name}</a>
      );
    },
  },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  { title: "Type", isMinor: true, cell: ({ type }) => TYPES[type] },
  { title: "Made", isSpare: true, cell: ({ createdAt }) => <Time at={createdAt} day /> },
  { title: "Due", isMinor: true, cell: ({ dueDate }) => <Time at={dueDate} day /> },
  {
    title: "Paid",
    isSpare: true,
    cell: ({ paidAt }) => (paidAt === undefined ? <span class="quiet">–</span> : <Time at={paidAt} day />),
  },
  { title: "Amount", isFigure: true, cell: ({ amount, currency }) => money(amount, currency) },
];

export function Invoices() {
  const [isVerifying, setVerifying] = useState(false);
  const owner = useFilteredCustomer();
  const query = {
    number: filterOf("number"),
    status: filterOf("status"),
    type: filterOf("type"),
    start: dayStart("from"),
    end: dayStart("until", 1),
    customerId: owner.customerId,
  };
  return (
    <>
      <div class="view-head">
        <h1>Invoices</h1>
        <div class="tools">
          <Export query={query} rows="invoices" label="CSV" />
          <Export query={query} rows="lines" label="CSV of lines" />
          <button type="button" class="button" onClick={() => setVerifying(true)}>
            Verify
          </button>
        </div>
      </div>
      <search class="filters-bar">
        <TextFilter name="number" label="Number" />
        <CustomerFilter />
        <SelectFilter
          name="status"
          label="State"
          any="Any state"
          options={STATES.map((value) => ({ value, label: words(value) }))}
        />
        <SelectFilter
          name="type"
          label="Type"
          any="Any type"
          options={Object.entries(TYPES).map(([value, label]) => ({ value, label }))}
        />
        <DayFilter name="from" label="Made from" />
        <DayFilter name="until" label="to" />
      </search>
      <Card title="Newest first" wide>
        <OfFilteredCustomer owner={owner}>
          <PagedTable<Invoice>
            path={INVOICES_PATH}
            query={query}
            what="invoices"
            columns={COLUMNS}
            keyOf={({ id }) => id}
            href={({ id }) => `/invoices/${id}`}
            empty={
              Object.values(query).some((value) => value !== undefined) ? (
                <Empty title="No invoice like this">
                  <a href="/console/invoices">Show all invoices</a>
                </Empty>
              ) : (
                <Empty title="No invoice yet">A subscription makes the first one.</Empty>
              )
            }
          />
        </OfFilteredCustomer>
      </Card>
      {isVerifying ? <Verify onClose={() => setVerifying(false)} /> : null}
    </>
  );
}

/** The list that is shown, all of it, as a file. */
function Export({
  query,
  rows,
  label,
}: {
  query: Record<string, string | undefined>;
  rows: "invoices" | "lines";
  label: string;
}) {
  const get = async () => {
    const name = rows === "lines" ? "invoice-lines.csv" : "invoices.csv";
    if (!(await download(withQuery(INVOICES_PATH, { ...query, format: "csv", rows }), name)))
      say("The file did not come. Try again.");
  };
  return (
    <button type="button" class="button" onClick={get}>
      {label}
    </button>
  );
}
