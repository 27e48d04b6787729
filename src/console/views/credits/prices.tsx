import { useState } from "preact/hooks";
import { useWhole } from "../../api.ts";
import { exactMoney } from "../../format.ts";
import { place, setQuery } from "../../router.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { CreditPrice } from "../../wire.ts";
import { CreditsHead } from "./head.tsx";
import { PublishPrices } from "./publish-prices.tsx";
import { Scheduled } from "./scheduled.tsx";
import { isInForce, nextOf } from "./tariff.ts";

/** What credits are sold for, by what they are counted in and by currency. */

const PATH = "/api/v1/monetization/credits/prices";

type Row = { denomination: string; currency: string; inForce?: CreditPrice; next?: CreditPrice };

function rowsOf(prices: readonly CreditPrice[], nowMs: number): Row[] {
  const groups = Map.groupBy(prices, ({ denomination, currency }) => `${denomination}\n${currency}`);
  return [...groups.values()].flatMap((group): Row[] => {
    const [first] = group;
    if (first === undefined) return [];
    const [inForce, next] = [group.find((one) => isInForce(one, nowMs)), nextOf(group, nowMs)];
    return [
      {
        denomination: first.denomination,
        currency: first.currency,
        ...(inForce === undefined ? {} : { inForce }),
        ...(next === undefined ? {} : { next }),
      },
    ];
  });
}

const COLUMNS: readonly Column<Row>[] = [
  {
    title: "Counted in",
    cell: ({ denomination }) => (
      <button type="button" class="link-button" onClick={() => setQuery({ history: denomination })}>
        {denomination}
      </button>
    ),
  },
  { title: "Currency", cell: ({ currency }) => currency },
  {
    title: "A credit",
    isFigure: true,
    cell: ({ inForce, currency }) =>
      inForce === undefined ? (
        <span class="quiet">not yet</span>
      ) : (
        <strong>{exactMoney(inForce.pricePerCredit, currency)}</strong>
      ),
  },
  {
    title: "Since",
    isMinor: true,
    cell: ({ inForce }) => (inForce === undefined ? "–" : <Time at={inForce.effectiveFrom} />),
  },
  {
    title: "Next",
    isSpare: true,
    cell: ({ next, currency }) =>
      next === undefined ? (
        <span class="quiet">–</span>
      ) : (
        <>
          {exactMoney(next.pricePerCredit, currency)} from <Time at={next.effectiveFrom} />
        </>
      ),
  },
];

export function Prices() {
  const asked = useWhole<CreditPrice>(PATH);
  const [isPublishing, setPublishing] = useState(false);
  const history = place.value.query.get("history");
  return (
    <>
      <CreditsHead>
        <button type="button" class="button main" onClick={() => setPublishing(true)}>
          Publish prices
        </button>
      </CreditsHead>
      <Answer asked={asked} what="prices">
        {({ items }) => (
          <div class="grid">
            <Card title="The price book" wide>
              {items.length === 0 ? (
                <Empty title="No price yet">Without one, credits can be given but not bought.</Empty>
              ) : (
                <Table
                  label="Prices"
                  columns={COLUMNS}
                  rows={rowsOf(items, Date.now())}
                  keyOf={({ denomination, currency }) => `${denomination} ${currency}`}
                />
              )}
            </Card>
            <ScheduledPrices prices={items} onDone={asked.again} />
          </div>
        )}
      </Answer>
      {isPublishing ? (
        <PublishPrices
          prices={asked.data?.items ?? []}
          onClose={() => setPublishing(false)}
          onDone={() => asked.again()}
        />
      ) : null}
      {history === null ? null : <PriceHistory denomination={history} />}
    </>
  );
}

const SCHEDULED_COLUMNS: readonly Column<CreditPrice>[] = [
  { title: "Counted in", cell: ({ denomination }) => <code>{denomination}</code> },
  {
    title: "A credit",
    isFigure: true,
    cell: ({ pricePerCredit, currency }) => <strong>{exactMoney(pricePerCredit, currency)}</strong>,
  },
];

function ScheduledPrices({ prices, onDone }: { prices: readonly CreditPrice[]; onDone: () => void }) {
  return (
    <Scheduled
      noun="price"
      path={PATH}
      entries={prices}
      columns={SCHEDULED_COLUMNS}
      nameOf={({ denomination, currency }) => `${denomination} ${currency}`}
      consequence={({ denomination, pricePerCredit, currency, effectiveFrom }) => (
        <>
          A credit of {denomination} will not cost {exactMoney(pricePerCredit, currency)} from{" "}
          <Time at={effectiveFrom} /> on: the price before it stays in force.
        </>
      )}
      onDone={onDone}
    />
  );
}

const HISTORY_COLUMNS: readonly Column<CreditPrice>[] = [
  { title: "From", cell: ({ effectiveFrom: from }) => <Time at={from} /> },
  {
    title: "A credit",
    isFigure: true,
    cell: ({ pricePerCredit, currency }) => <strong>{exactMoney(pricePerCredit, currency)}</strong>,
  },
  { title: "Published by", cell: ({ createdBy }) => <code>{createdBy}</code> },
];

function PriceHistory({ denomination }: { denomination: string }) {
  return (
    <Dialog
      kind="panel"
      title={`Prices of ${denomination}`}
      onClose={() => setQuery({ history: undefined, past: undefined })}
    >
      <PagedTable<CreditPrice>
        path={`${PATH}/history`}
        query={{ denomination }}
        what="prices"
        columns={HISTORY_COLUMNS}
        keyOf={({ id }) => id}
        offsetName="past"
        empty={<Empty title="None was published" />}
      />
    </Dialog>
  );
}
