import { count } from "../../format.ts";
import { place, setQuery } from "../../router.ts";
import { PagedTable } from "../../ui/paged.tsx";
import { Card } from "../../ui/parts.tsx";
import { SearchBox } from "../../ui/search-box.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { ModelPrice } from "../../wire.ts";
import { rateText } from "./rate-text.tsx";

/** The public price list that is bundled with the engine, to look prices up in, and to start a rate of one's own from. */

/** It is in US dollars, whatever the account's currency is. */
const CURRENCY = "USD";

/** What the four rates do not say. */
function noteOf({ tiers, timeDependent, costPerRequest }: ModelPrice): string {
  const said = [
    ...(tiers ?? []).map(({ aboveInputTokens }) => `dearer above ${count(aboveInputTokens)} tokens`),
    ...(costPerRequest === undefined ? [] : [`$${costPerRequest} per request`]),
    ...(timeDependent === true ? ["changes with the time"] : []),
  ];
  return said.join(", ");
}

export function PriceList({ onRate }: { onRate: (model: string) => void }) {
  const search = place.value.query.get("prices") ?? "";
  const columns: readonly Column<ModelPrice>[] = [
    {
      title: "Model",
      cell: ({ model, providerName }) => (
        <>
          {model} <small class="quiet">{providerName}</small>
        </>
      ),
    },
    { title: "Input", isFigure: true, cell: (row) => rateText(row.inputCostPerMillion, CURRENCY) },
    { title: "Output", isFigure: true, cell: (row) => rateText(row.outputCostPerMillion, CURRENCY) },
    {
      title: "Cache read",
      isFigure: true,
      isSpare: true,
      cell: (row) => rateText(row.cacheReadCostPerMillion, CURRENCY),
    },
    {
      title: "Cache write",
      isFigure: true,
      isSpare: true,
      cell: (row) => rateText(row.cacheWriteCostPerMillion, CURRENCY),
    },
    { title: "Note", isSpare: true, cell: (row) => <span class="quiet">{noteOf(row)}</span> },
    {
      title: "Action",
      isFigure: true,
      cell: ({ provider, model }) => (
        <button
          type="button"
          class="button small"
          aria-label={`Own rate for ${provider}/${model}`}
          onClick={() => onRate(`${provider}/${model}`)}
        >
          Own rate
        </button>
      ),
    },
  ];
  return (
    <Card
      title="Public price list, USD per million tokens"
      wide
      action={
        <SearchBox
          label="Search prices"
          value={search}
          onSearch={(text) => setQuery({ prices: text, offset: undefined })}
        />
      }
    >
      <PagedTable<ModelPrice>
        path="/api/v1/account/model-pricing"
        query={{ search }}
        what="public prices"
        columns={columns}
        keyOf={({ provider, model }) => `${provider}/${model}`}
        empty={<Empty title="No model like this">Give it a rate of your own, so that its cost is known.</Empty>}
        rows={15}
      />
    </Card>
  );
}
