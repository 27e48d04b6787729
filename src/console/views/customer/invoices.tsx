import { useState } from "preact/hooks";
import { download, useAsk, withQuery } from "../../api.ts";
import { money } from "../../format.ts";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { Invoice, Page } from "../../wire.ts";
import { nameOf } from "../invoices/words.ts";

/** The customer's invoices, newest first. */

const PAGE_ROWS = 10;

function namedPdf({ number, id }: Invoice): string {
  return `${number ?? id}.pdf`;
}

const COLUMNS: readonly Column<Invoice>[] = [
  { title: "Number", cell: (invoice) => nameOf(invoice) },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  { title: "Amount", isFigure: true, cell: ({ amount, currency }) => money(amount, currency) },
  { title: "Due", isMinor: true, cell: ({ dueDate }) => (dueDate === undefined ? "–" : <Time at={dueDate} day />) },
  {
    title: "Document",
    cell: (invoice) => (
      <button
        type="button"
        class="button small"
        aria-label={`PDF of ${invoice.number ?? invoice.id}`}
        onClick={() => download(`/api/v1/client/billing/invoices/${invoice.id}/pdf`, namedPdf(invoice))}
      >
        PDF
      </button>
    ),
  },
];

export function Invoices({ reference }: { reference: string }) {
  const [offset, setOffset] = useState(0);
  const asked = useAsk<Page<Invoice>>(
    withQuery(`/api/v1/client/billing/invoices/${reference}`, { limit: PAGE_ROWS, offset }),
  );
  return (
    <Card title="Invoices" action={<a href={`/console/customers/${reference}/balance`}>Balance</a>}>
      <Answer asked={asked} what="invoices">
        {({ items, pagination }) => {
          if (items.length === 0) return <Empty title="No invoice yet">A subscription makes the first one.</Empty>;
          return (
            <>
              <Table
                label="Invoices"
                columns={COLUMNS}
                rows={items}
                keyOf={({ id }) => id}
                href={({ id }) => `/invoices/${id}`}
              />
              <Pager pagination={pagination} onMove={setOffset} />
            </>
          );
        }}
      </Answer>
    </Card>
  );
}
