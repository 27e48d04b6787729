import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../../api.ts";
import { count, exactMoney, words } from "../../format.ts";
import { setQuery } from "../../router.ts";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { Grant, Page, Pool } from "../../wire.ts";
import { isAlive, Lifelines } from "./lifelines.tsx";

/** What came into a pool, and what is left of it. */

/** As many as one answer has. */
const GRANTS_SHOWN = 200;

export function Grants({ pool, nowMs, onVoid }: { pool: Pool; nowMs: number; onVoid: (grant: Grant) => void }) {
  const [offset, setOffset] = useState(0);
  const asked = useAsk<Page<Grant>>(
    withQuery(`/api/v1/monetization/credits/pools/${pool.id}/grants`, { limit: GRANTS_SHOWN, offset }),
  );
  const columns = (first: readonly Grant[]): readonly Column<Grant>[] => [
    {
      title: "Grant",
      cell: (grant) => (
        <button
          type="button"
          class="link-button"
          onClick={() => setQuery({ grant: String(offset + first.indexOf(grant)) })}
        >
          {words(grant.grantType)}
        </button>
      ),
    },
    {
      title: "State",
      cell: (grant) =>
        grant.voidedAt !== undefined ? (
          <Badge state="voided" label="Voided" />
        ) : isAlive(grant, nowMs) ? (
          <Badge state="ACTIVE" label="Left" />
        ) : (
          <Badge state="gone" label={grant.remaining === 0 ? "Empty" : "Expired"} />
        ),
    },
    { title: "Amount", isFigure: true, isMinor: true, cell: ({ amount }) => count(amount) },
    { title: "Left", isFigure: true, cell: ({ remaining }) => <strong>{count(remaining)}</strong> },
    {
      title: "Sold for",
      isFigure: true,
      isSpare: true,
      cell: ({ unitPrice, currency }) => (unitPrice === undefined ? "–" : exactMoney(unitPrice, currency ?? "USD")),
    },
    { title: "Came", isMinor: true, cell: ({ createdAt }) => <Time at={createdAt} day /> },
    {
      title: "Expires",
      cell: ({ expiresAt }) =>
        expiresAt === undefined ? <span class="quiet">never</span> : <Time at={expiresAt} day />,
    },
    { title: "Description", isSpare: true, cell: ({ description }) => description ?? "" },
    {
      title: "Action",
      cell: (grant) =>
        isAlive(grant, nowMs) && (pool.status === "ACTIVE" || pool.status === "DEPLETED") ? (
          <button
            type="button"
            class="button small"
            aria-label={`Void ${words(grant.grantType)} of ${count(grant.amount)}`}
            onClick={() => onVoid(grant)}
          >
            Void
          </button>
        ) : null,
    },
  ];
  return (
    <Card title="Grants, in the order in which they came" wide>
      <Answer asked={asked} what="grants">
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title="Nothing was granted yet">A grant puts credits in; a plan's come with its periods.</Empty>
          ) : (
            <>
              <Lifelines grants={items} nowMs={nowMs} />
              <Table label="Grants" columns={columns(items)} rows={items} keyOf={({ id }) => id} />
              <Pager pagination={pagination} onMove={setOffset} />
            </>
          )
        }
      </Answer>
    </Card>
  );
}
