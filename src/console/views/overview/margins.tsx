import { useAsk, withQuery } from "../../api.ts";
import { count, money, percent } from "../../format.ts";
import { hrefOf } from "../../router.ts";
import { Cost, Margin } from "../../ui/amounts.tsx";
import { Card } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { eventsOfModel } from "../events/words.ts";
import { sameDays } from "../range.tsx";

/** What is earned and spent, by model and by feature, dearest first. */

type Figures = {
  events: number;
  cost: number;
  revenue: number;
  margin: number;
  marginPercent: number | null;
  costUnknownEvents: number;
};
type OfModel = Figures & { model: string; modelProvider: string };
type OfFeature = Figures & { featureId?: string; featureKey: string; featureName: string };
type OfModels = { currency: string; models: OfModel[] };
type OfFeatures = { currency: string; features: OfFeature[] };

function columnsOf<T extends Figures>(title: string, name: (row: T) => string, currency: string): readonly Column<T>[] {
  return [
    { title, cell: (row) => name(row) },
    { title: "Events", isFigure: true, isSpare: true, cell: ({ events }) => count(events) },
    { title: "Revenue", isFigure: true, isMinor: true, cell: ({ revenue }) => money(revenue, currency) },
    {
      title: "Cost",
      isFigure: true,
      cell: ({ cost, events, costUnknownEvents }) => (
        <Cost amount={cost} currency={currency} events={events} costUnknownEvents={costUnknownEvents} />
      ),
    },
    {
      title: "Margin",
      isFigure: true,
      cell: ({ margin }) => <Margin amount={margin} currency={currency} />,
    },
    { title: "%", isFigure: true, cell: ({ marginPercent }) => percent(marginPercent) },
  ];
}

export function MarginTables({ start, end }: { start: string; end: string }) {
  const models = useAsk<OfModels>(withQuery("/api/v1/analytics/models", { start, end, limit: 8 }));
  const features = useAsk<OfFeatures>(withQuery("/api/v1/analytics/features", { start, end, limit: 8 }));
  return (
    <>
      <Card title="Margin by model" action={<a href={hrefOf(sameDays("/models"))}>All models</a>}>
        <Answer asked={models} what="models">
          {({ currency, models: rows }) =>
            rows.length === 0 ? (
              <Empty title="No model was used in these days" />
            ) : (
              <Table
                label="Margin by model"
                columns={columnsOf<OfModel>("Model", ({ model }) => model || "without a model", currency)}
                rows={rows}
                keyOf={({ model, modelProvider }) => `${modelProvider}/${model}`}
                href={(of) => eventsOfModel({ ...of, start })}
              />
            )
          }
        </Answer>
      </Card>
      <Card title="Margin by feature" action={<a href={hrefOf(sameDays("/features"))}>All features</a>}>
        <Answer asked={features} what="features">
          {({ currency, features: rows }) =>
            rows.length === 0 ? (
              <Empty title="No feature was used in these days" />
            ) : (
              <Table
                label="Margin by feature"
                columns={columnsOf<OfFeature>(
                  "Feature",
                  ({ featureName, featureKey }) => featureName || featureKey || "without a feature",
                  currency,
                )}
                rows={rows}
                keyOf={({ featureKey }) => featureKey}
                href={({ featureId, featureKey }) =>
                  featureId === undefined ? undefined : sameDays(`/features/${encodeURIComponent(featureKey)}`)
                }
              />
            )
          }
        </Answer>
      </Card>
    </>
  );
}
