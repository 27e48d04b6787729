import { useState } from "preact/hooks";
import { count, money } from "../../format.ts";
import { navigate, place, setQuery } from "../../router.ts";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { SearchBox } from "../../ui/search-box.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { Plan } from "../../wire.ts";
import { rhythm } from "../rule-words.tsx";
import { NewPlan } from "./terms.tsx";

/** What the account sells, has sold and is about to sell. */

const COLUMNS: readonly Column<Plan>[] = [
  { title: "Plan", cell: ({ name }) => name },
  { title: "Key", isMinor: true, cell: ({ key }) => <code>{key}</code> },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  { title: "Price", isFigure: true, cell: ({ priceAmount, currency }) => money(priceAmount, currency) },
  { title: "Billed", isMinor: true, cell: rhythm },
  {
    title: "Version",
    isFigure: true,
    isMinor: true,
    cell: ({ version }) => (version === 0 ? <span class="quiet">–</span> : count(version)),
  },
  { title: "Changed", isSpare: true, cell: ({ modifiedAt }) => <Time at={modifiedAt} day /> },
];

export function Plans() {
  const [isMaking, setMaking] = useState(false);
  const search = place.value.query.get("search") ?? undefined;
  return (
    <>
      <div class="view-head">
        <h1>Plans</h1>
        <div class="tools">
          <SearchBox
            label="Search plans"
            value={search ?? ""}
            onSearch={(text) => setQuery({ search: text, offset: undefined })}
          />
          <button type="button" class="button main" onClick={() => setMaking(true)}>
            New plan
          </button>
        </div>
      </div>
      <Card title="What is sold" wide>
        <PagedTable<Plan>
          path="/api/v1/monetization/plans"
          query={{ search }}
          what="plans"
          rows={50}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          href={({ id }) => `/plans/${id}`}
          empty={
            search === undefined ? (
              <Empty title="No plan yet">
                <button type="button" class="button" onClick={() => setMaking(true)}>
                  Make the first one
                </button>
              </Empty>
            ) : (
              <Empty title={`No plan like “${search}”`}>Try a part of its name or key.</Empty>
            )
          }
        />
      </Card>
      {isMaking ? <NewPlan onClose={() => setMaking(false)} onDone={({ id }) => navigate(`/plans/${id}`)} /> : null}
    </>
  );
}
