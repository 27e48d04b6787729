import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../api.ts";
import { count, money } from "../format.ts";
import { navigate, place, setQuery } from "../router.ts";
import { PagedTable } from "../ui/paged.tsx";
import { Badge, Card, Choice, Time } from "../ui/parts.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { Answer, Empty } from "../ui/states.tsx";
import { type Column, Pager, Table } from "../ui/table.tsx";
import type { CustomerFigures, CustomerItem, Page } from "../wire.ts";
import { NewCustomer } from "./customer/edit.tsx";
import { marginColumns } from "./margin-columns.tsx";
import { RangeChoice, rangeNow, sameDays } from "./range.tsx";

/** All customers: by what they bring, or by name. */

const PAGE_ROWS = 25;

const ORDERS = [
  { value: "margin", label: "By margin" },
  { value: "newest", label: "Newest" },
] as const;

export function Customers() {
  const { query } = place.value;
  const [isAdding, setAdding] = useState(false);
  const search = query.get("search") ?? "";
  const order = query.get("order") === "newest" || search !== "" ? "newest" : "margin";
  return (
    <>
      <div class="view-head">
        <h1>Customers</h1>
        <div class="tools">
          <SearchBox
            label="Search customers"
            value={search}
            onSearch={(text) => setQuery({ search: text, offset: undefined })}
          />
          <Choice
            label="Order"
            options={ORDERS}
            value={order}
            onChange={(value) =>
              setQuery({ order: value === "margin" ? undefined : value, search: undefined, offset: undefined })
            }
          />
          {order === "margin" ? <RangeChoice /> : null}
          <button type="button" class="button main" onClick={() => setAdding(true)}>
            New customer
          </button>
        </div>
      </div>
      {order === "margin" ? <ByMargin /> : <ByName search={search} />}
      {isAdding ? (
        <NewCustomer
          onClose={() => setAdding(false)}
          onDone={({ customerReferenceId, id }) =>
            navigate(`/customers/${encodeURIComponent(customerReferenceId ?? id)}`)
          }
        />
      ) : null}
    </>
  );
}

type FiguresPage = Page<CustomerFigures> & { currency: string };

/** Worst margin first: who had events in these days, or pays by the month. */
function ByMargin() {
  const [offset, setOffset] = useState(0);
  const { start, end } = rangeNow();
  const asked = useAsk<FiguresPage>(withQuery("/api/v1/analytics/customers", { start, end, limit: PAGE_ROWS, offset }));
  return (
    <Card title="With events or recurring revenue, worst margin first" wide>
      <Answer asked={asked} what="customers">
        {({ items, pagination, currency }) => {
          if (items.length === 0)
            return (
              <Empty title="Nobody in these days">
                <a href="/console/customers?order=newest">Show all customers</a>
              </Empty>
            );
          const columns: readonly Column<CustomerFigures>[] = [
            { title: "Customer", cell: ({ customerName }) => customerName },
            {
              title: "Reference",
              isMinor: true,
              cell: ({ customerReferenceId }) => <code>{customerReferenceId ?? "–"}</code>,
            },
            { title: "Health", cell: ({ marginStatus }) => <Badge state={marginStatus} /> },
            { title: "Events", isFigure: true, isMinor: true, cell: ({ events }) => count(events) },
            { title: "MRR", isFigure: true, isMinor: true, cell: ({ mrr }) => money(mrr, currency) },
            // On a narrow screen the badge says as much.
            ...marginColumns(currency, true),
          ];
          return (
            <>
              <Table
                label="Customers by margin"
                columns={columns}
                rows={items}
                keyOf={({ customerId }) => customerId}
                href={({ customerReferenceId, customerId }) =>
                  sameDays(`/customers/${encodeURIComponent(customerReferenceId ?? customerId)}`)
                }
              />
              <Pager pagination={pagination} onMove={setOffset} />
            </>
          );
        }}
      </Answer>
    </Card>
  );
}

const ITEM_COLUMNS: readonly Column<CustomerItem>[] = [
  { title: "Customer", cell: ({ displayName, customerReferenceId, id }) => displayName ?? customerReferenceId ?? id },
  { title: "Reference", cell: ({ customerReferenceId }) => <code>{customerReferenceId ?? "–"}</code> },
  { title: "Email", isMinor: true, cell: ({ email }) => email ?? "–" },
  { title: "Made by", isMinor: true, cell: ({ source }) => <Badge state={source} /> },
  { title: "Since", cell: ({ createdAt }) => <Time at={createdAt} day /> },
];

function ByName({ search }: { search: string }) {
  return (
    <Card title={search === "" ? "All customers, newest first" : `Customers like “${search}”`} wide>
      <PagedTable<CustomerItem>
        path="/api/v1/monetization/customers"
        query={{ search }}
        what="customers"
        columns={ITEM_COLUMNS}
        keyOf={({ id }) => id}
        href={({ customerReferenceId, id }) => `/customers/${encodeURIComponent(customerReferenceId ?? id)}`}
        empty={
          <Empty title="No customer">
            {search === "" ? "The first event that names one makes it." : "Try a part of the name, reference or email."}
          </Empty>
        }
      />
    </Card>
  );
}
