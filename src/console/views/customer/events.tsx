import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../../api.ts";
import { count, exactMoney } from "../../format.ts";
import { Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { Page, StoredEvent } from "../../wire.ts";

/** What the customer did, newest first. */

const PAGE_ROWS = 10;

function amountOf(amount: number | undefined, currency: string) {
  return amount === undefined ? <span class="quiet">unknown</span> : exactMoney(amount, currency);
}

const COLUMNS: readonly Column<StoredEvent>[] = [
  { title: "When", cell: ({ occurredAt }) => <Time at={occurredAt} /> },
  { title: "Feature", cell: ({ featureKey }) => <code>{featureKey ?? "–"}</code> },
  { title: "Model", isMinor: true, cell: ({ model }) => model ?? "–" },
  { title: "Units", isFigure: true, cell: ({ usageUnits }) => count(usageUnits) },
  { title: "Cost", isFigure: true, isMinor: true, cell: ({ costAmount, currency }) => amountOf(costAmount, currency) },
  {
    title: "Revenue",
    isFigure: true,
    cell: ({ revenueAmount, revenueCurrency, currency }) =>
      revenueAmount === undefined ? "–" : exactMoney(revenueAmount, revenueCurrency ?? currency),
  },
];

export function Events({ reference }: { reference: string }) {
  const [offset, setOffset] = useState(0);
  const asked = useAsk<Page<StoredEvent>>(
    withQuery("/api/v1/analytics/events", {
      customerReferenceId: decodeURIComponent(reference),
      limit: PAGE_ROWS,
      offset,
    }),
  );
  return (
    <Card title="Events" wide action={<a href={`/console/events?customer=${reference}`}>All of them, live</a>}>
      <Answer asked={asked} what="events">
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title="No event yet">POST /api/v1/client/events reports one.</Empty>
          ) : (
            <>
              <Table
                label="Events"
                columns={COLUMNS}
                rows={items}
                keyOf={({ id }) => id}
                href={({ id }) => `/events?customer=${reference}&event=${id}`}
              />
              <Pager pagination={pagination} onMove={setOffset} />
            </>
          )
        }
      </Answer>
    </Card>
  );
}
