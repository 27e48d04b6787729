import { useState } from "preact/hooks";
import type { Asked } from "../../api.ts";
import { FormDialog } from "../../ui/form.tsx";
import { Card } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Settings } from "../../wire.ts";
import { rateText } from "./rate-text.tsx";
import { endRate, perMillion } from "./rates.ts";

/** The account's own rates, which come before the public price list. */

type Own = { model: string; input: number; output: number };

export function OwnRates({ asked, onRate }: { asked: Asked<Settings>; onRate: (model: string) => void }) {
  const [ending, setEnding] = useState<string>();
  return (
    <Card
      title="Own rates, per million tokens"
      wide
      action={
        <button type="button" class="button small" onClick={() => onRate("new")}>
          Add
        </button>
      }
    >
      <Answer asked={asked} what="rates">
        {({ defaultCostConfig, currency }) => (
          <Rates rates={defaultCostConfig} currency={currency} onRate={onRate} onEnd={setEnding} />
        )}
      </Answer>
      {ending === undefined ? null : (
        <FormDialog<Settings>
          title={`End the rate of ${ending}`}
          submit="End the rate"
          isDanger
          send={() => endRate(ending)}
          done={`${ending} has no rate of its own any more.`}
          onClose={() => setEnding(undefined)}
          onDone={asked.again}
        >
          <ul class="effects" aria-label="What this does">
            <li>
              New events of it are costed by the public price list, within five seconds. Where that does not know it,
              their cost is unknown.
            </li>
            <li>Events that are recorded keep their cost.</li>
          </ul>
        </FormDialog>
      )}
    </Card>
  );
}

function Rates({
  rates,
  currency,
  onRate,
  onEnd,
}: {
  rates: Settings["defaultCostConfig"];
  currency: string;
  onRate: (model: string) => void;
  onEnd: (model: string) => void;
}) {
  const rows: Own[] = Object.entries(rates.modelCosts)
    .map(([model, cost]) => ({ model, ...perMillion(cost) }))
    .sort((a, b) => (a.model < b.model ? -1 : 1));
  const { defaultInputCostPerUnit: input, defaultOutputCostPerUnit: output } = rates;
  const columns: readonly Column<Own>[] = [
    { title: "Model", cell: ({ model }) => model },
    { title: "Input", isFigure: true, cell: (row) => rateText(row.input, currency) },
    { title: "Output", isFigure: true, cell: (row) => rateText(row.output, currency) },
    {
      title: "Action",
      isFigure: true,
      cell: ({ model }) => (
        <span class="row-tools">
          <button
            type="button"
            class="button small"
            aria-label={`Change the rate of ${model}`}
            onClick={() => onRate(model)}
          >
            Change
          </button>
          <button
            type="button"
            class="button small"
            aria-label={`End the rate of ${model}`}
            onClick={() => onEnd(model)}
          >
            End
          </button>
        </span>
      ),
    },
  ];
  return (
    <>
      {rows.length === 0 ? (
        <Empty title="No rate of your own">
          Add one for a model that the public list does not know, or for which you pay another price.
        </Empty>
      ) : (
        <Table label="Own rates" columns={columns} rows={rows} keyOf={({ model }) => model} />
      )}
      {input === undefined && output === undefined ? null : (
        <p class="card-note quiet">
          Any model that neither knows: {rateText(input, currency)} a token of input, {rateText(output, currency)} of
          output.
        </p>
      )}
    </>
  );
}
