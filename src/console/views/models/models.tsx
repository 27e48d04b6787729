import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../../api.ts";
import { count, money, percent } from "../../format.ts";
import { place, setQuery } from "../../router.ts";
import { Cost, Margin } from "../../ui/amounts.tsx";
import { Card, Figure } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { ModelFigures, Settings } from "../../wire.ts";
import { eventsOfModel } from "../events/words.ts";
import { OtherCurrencies } from "../other-currencies.tsx";
import { RangeChoice, rangeNow } from "../range.tsx";
import { OwnRates } from "./own-rates.tsx";
import { PriceList } from "./price-list.tsx";
import { RateDialog } from "./rate-dialog.tsx";
import { SETTINGS_PATH } from "./rates.ts";
import { RecostDialog } from "./recost.tsx";

/** What each model costs and brings; the account's own rates; and the public price list that holds where there are none. */

const PAGE_ROWS = 15;

export function Models() {
  const [offset, setOffset] = useState(0);
  const [recosted, setRecosted] = useState<string>();
  const { start, end } = rangeNow();
  const figures = useAsk<ModelFigures>(withQuery("/api/v1/analytics/models", { start, end, limit: PAGE_ROWS, offset }));
  const settings = useAsk<Settings>(SETTINGS_PATH);
  // A link from an event of unknown cost leads straight to giving its model a rate.
  const rated = place.value.query.get("rate");
  const rate = (model: string) => setQuery({ rate: model });
  return (
    <>
      <div class="view-head">
        <h1>Models</h1>
        <RangeChoice />
      </div>
      <Answer asked={figures} what="models">
        {(data) => (
          <>
            <Totals figures={data} />
            <OtherCurrencies others={data.otherCurrencies} />
            <Margins figures={data} onMove={setOffset} onRate={rate} onRecost={setRecosted} />
          </>
        )}
      </Answer>
      <div class="grid spaced">
        <OwnRates asked={settings} onRate={rate} />
        <PriceList onRate={rate} />
      </div>
      {rated === null || settings.data === undefined ? null : (
        <RateDialog
          key={rated}
          model={rated}
          settings={settings.data}
          onClose={() => setQuery({ rate: undefined })}
          onDone={settings.again}
        />
      )}
      {recosted === undefined || figures.data === undefined ? null : (
        <RecostDialog
          model={recosted}
          currency={figures.data.currency}
          onClose={() => setRecosted(undefined)}
          onDone={figures.again}
        />
      )}
    </>
  );
}

function Totals({ figures: { totals, totalModels, currency } }: { figures: ModelFigures }) {
  return (
    <dl class="figures">
      <Figure label="Models" value={count(totalModels)} note={`${count(totals.events)} events`} />
      <Figure label="Revenue" value={money(totals.revenue, currency)} />
      <Figure label="Cost" value={money(totals.cost, currency)} />
      <Figure
        label="Margin"
        value={money(totals.margin, currency)}
        note={`${percent(totals.marginPercent)} of revenue`}
      />
      <Figure
        label="Unknown cost"
        value={count(totals.costUnknownEvents)}
        note={totals.costUnknownEvents === 1 ? "event" : "events"}
      />
    </dl>
  );
}

type Row = ModelFigures["models"][number];

function Margins({
  figures: { models, pagination, currency, start },
  onMove,
  onRate,
  onRecost,
}: {
  figures: ModelFigures;
  onMove: (offset: number) => void;
  onRate: (model: string) => void;
  onRecost: (model: string) => void;
}) {
  const columns: readonly Column<Row>[] = [
    { title: "Model", cell: ({ model }) => model || "without a model" },
    { title: "Provider", isMinor: true, cell: ({ modelProvider }) => modelProvider || <span class="quiet">–</span> },
    { title: "Events", isFigure: true, isMinor: true, cell: ({ events }) => count(events) },
    { title: "Customers", isFigure: true, isSpare: true, cell: ({ customerCount }) => count(customerCount) },
    {
      title: "Cost per event",
      isFigure: true,
      isSpare: true,
      cell: ({ avgCostPerEvent }) =>
        avgCostPerEvent === null ? <span class="quiet">–</span> : money(avgCostPerEvent, currency),
    },
    { title: "Revenue", isFigure: true, isSpare: true, cell: ({ revenue }) => money(revenue, currency) },
    {
      title: "Cost",
      isFigure: true,
      cell: ({ model, cost, costUnknownEvents, events }) => (
        <Cost
          amount={cost}
          currency={currency}
          events={events}
          costUnknownEvents={costUnknownEvents}
          unknown={<UnknownCost model={model} onRate={onRate} />}
        />
      ),
    },
    {
      title: "Margin",
      isFigure: true,
      cell: ({ margin }) => <Margin amount={margin} currency={currency} />,
    },
    { title: "%", isFigure: true, isMinor: true, cell: ({ marginPercent }) => percent(marginPercent) },
    {
      title: "Unknown cost",
      isFigure: true,
      cell: ({ model, costUnknownEvents }) =>
        costUnknownEvents === 0 || model === "" ? (
          <span class="quiet">{costUnknownEvents === 0 ? "–" : count(costUnknownEvents)}</span>
        ) : (
          <span class="row-tools">
            {count(costUnknownEvents)}
            <button
              type="button"
              class="button small"
              aria-label={`Set a rate for ${model}`}
              onClick={() => onRate(model)}
            >
              Rate
            </button>
            <button
              type="button"
              class="button small"
              aria-label={`Find unknown costs of ${model}`}
              onClick={() => onRecost(model)}
            >
              Find
            </button>
          </span>
        ),
    },
  ];
  return (
    <Card title="Cost and margin, dearest first" wide>
      {models.length === 0 ? (
        <Empty title="No model in these days">Events that name one by `costInput.model` come here.</Empty>
      ) : (
        <>
          <Table
            label="Cost and margin by model"
            columns={columns}
            rows={models}
            keyOf={({ model, modelProvider }) => `${modelProvider}/${model}`}
            href={(of) => eventsOfModel({ ...of, start })}
          />
          <Pager pagination={pagination} onMove={onMove} />
        </>
      )}
    </Card>
  );
}

/** A cost that is not known leads to a rate, where there is a model to rate. */
function UnknownCost({ model, onRate }: { model: string; onRate: (model: string) => void }) {
  if (model === "") return <span class="bad-text">unknown</span>;
  return (
    <button
      type="button"
      class="link-button bad-text"
      aria-label={`Unknown cost: set a rate for ${model}`}
      onClick={() => onRate(model)}
    >
      unknown
    </button>
  );
}
