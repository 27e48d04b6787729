import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../../api.ts";
import { count, money, percent } from "../../format.ts";
import { navigate, place, setQuery } from "../../router.ts";
import { Margin } from "../../ui/amounts.tsx";
import { Badge, Card } from "../../ui/parts.tsx";
import { SearchBox } from "../../ui/search-box.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { Feature, FeatureFigures, Page } from "../../wire.ts";
import { RangeChoice, rangeNow, sameDays } from "../range.tsx";
import { NewFeature } from "./forms.tsx";

/** What is metered and checked, with what it brings and costs. */

/** Features of a page: as many as the API gives at once, since those on it stand in the order of their events. */
const LISTED_MAX = 200;

type Figures = { currency: string; features: FeatureFigures[] };
type Row = { feature: Feature; figures: FeatureFigures | undefined };

const addressOf = (key: string): string => `/features/${encodeURIComponent(key)}`;

function columnsOf(currency: string): readonly Column<Row>[] {
  const ifUsed = (show: (figures: FeatureFigures) => string) => (row: Row) =>
    row.figures === undefined ? <span class="quiet">–</span> : show(row.figures);
  return [
    { title: "Feature", cell: ({ feature }) => feature.name },
    { title: "Key", isMinor: true, cell: ({ feature }) => <code>{feature.key}</code> },
    {
      title: "State",
      cell: ({ feature: { isEnabled } }) => (
        <Badge state={isEnabled ? "ACTIVE" : "denied"} label={isEnabled ? "On" : "Off"} />
      ),
    },
    { title: "Events", isFigure: true, isMinor: true, cell: ifUsed(({ events }) => count(events)) },
    { title: "Revenue", isFigure: true, isSpare: true, cell: ifUsed(({ revenue }) => money(revenue, currency)) },
    { title: "Cost", isFigure: true, isSpare: true, cell: ifUsed(({ cost }) => money(cost, currency)) },
    {
      title: "Margin",
      isFigure: true,
      cell: ({ figures }) =>
        figures === undefined ? <span class="quiet">–</span> : <Margin amount={figures.margin} currency={currency} />,
    },
    { title: "%", isFigure: true, isMinor: true, cell: ifUsed(({ marginPercent }) => percent(marginPercent)) },
  ];
}

export function Features() {
  const { start, end } = rangeNow();
  const { query } = place.value;
  const search = query.get("search") ?? "";
  const asked = useAsk<Page<Feature>>(
    withQuery("/api/v1/monetization/features", {
      search,
      limit: LISTED_MAX,
      offset: Number(query.get("offset") ?? 0),
    }),
  );
  const figures = useAsk<Figures>(withQuery("/api/v1/analytics/features", { start, end, limit: LISTED_MAX }));
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <div class="view-head">
        <h1>Features</h1>
        <div class="tools">
          <SearchBox
            label="Search features"
            value={search}
            onSearch={(text) => setQuery({ search: text, offset: undefined })}
          />
          <RangeChoice />
          <button type="button" class="button main" onClick={() => setMaking(true)}>
            New feature
          </button>
        </div>
      </div>
      <Card title="What is metered" wide>
        <Answer asked={asked} what="features">
          {({ items, pagination }) => {
            if (items.length === 0)
              return search === "" ? (
                <Empty title="No feature yet">The first event that names one makes it, or you make one here.</Empty>
              ) : (
                <Empty title={`No feature like “${search}”`}>Try a part of its name or key.</Empty>
              );
            const byId = new Map((figures.data?.features ?? []).map((one) => [one.featureId, one]));
            const rows = items
              .map((feature) => ({ feature, figures: byId.get(feature.id) }))
              .sort((a, b) => (b.figures?.events ?? 0) - (a.figures?.events ?? 0));
            return (
              <>
                <Table
                  label="Features"
                  columns={columnsOf(figures.data?.currency ?? "USD")}
                  rows={rows}
                  keyOf={({ feature }) => feature.id}
                  href={({ feature }) => sameDays(addressOf(feature.key))}
                />
                <Pager
                  pagination={pagination}
                  onMove={(next) => setQuery({ offset: next === 0 ? undefined : String(next) })}
                />
                {/* A dash beside one that was used would pass for no use. */}
                {(figures.data?.features.length ?? 0) < LISTED_MAX ? null : (
                  <p class="card-note quiet">Figures are those of the {LISTED_MAX} dearest features.</p>
                )}
              </>
            );
          }}
        </Answer>
      </Card>
      {isMaking ? <NewFeature onClose={() => setMaking(false)} onDone={({ key }) => navigate(addressOf(key))} /> : null}
    </>
  );
}
