import { useAsk, withQuery } from "../../api.ts";
import { count, money, percent } from "../../format.ts";
import { place, setQuery } from "../../router.ts";
import { Cost, Margin } from "../../ui/amounts.tsx";
import { Card, Choice, Time } from "../../ui/parts.tsx";
import { ShortTable } from "../../ui/short-table.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { EventGroup, Feature } from "../../wire.ts";
import { EVENTS_PATH, type EventsQuery } from "./stream.ts";

/** What the events under the same conditions come to by one property, the most first, as bars. */

type Grouping = "CUSTOMER" | "FEATURE" | "MODEL" | "MODEL_PROVIDER" | "EVENT_NAME";

const GROUPINGS: readonly { value: Grouping; label: string; filter: string }[] = [
  { value: "CUSTOMER", label: "Customer", filter: "customer" },
  { value: "FEATURE", label: "Feature", filter: "feature" },
  { value: "MODEL", label: "Model", filter: "model" },
  { value: "MODEL_PROVIDER", label: "Provider", filter: "provider" },
  { value: "EVENT_NAME", label: "Name", filter: "name" },
];

const MEASURES = [
  { value: "events", label: "Events" },
  { value: "cost", label: "Cost" },
  { value: "revenue", label: "Revenue" },
] as const;
type Measure = (typeof MEASURES)[number]["value"];

const VALUES: { [M in Measure]: (group: EventGroup) => number } = {
  events: ({ eventCount }) => eventCount,
  cost: ({ totalCost }) => totalCost,
  revenue: ({ totalRevenue }) => totalRevenue,
};

const SHOWN_MAX = 8;

type Groups = { items: EventGroup[]; currency: string; complete: boolean; start?: string; end?: string };

export function Groups({ query, features }: { query: EventsQuery; features: readonly Feature[] }) {
  const { query: address } = place.value;
  const grouping = GROUPINGS.find(({ value }) => value === address.get("by")) ?? GROUPINGS[2];
  const measure = MEASURES.find(({ value }) => value === address.get("bars"))?.value ?? "events";
  const by = grouping?.value ?? "MODEL";
  const asked = useAsk<Groups>(withQuery(`${EVENTS_PATH}/grouped`, { ...query, groupBy: by }));
  return (
    <Card
      title="By one property"
      wide
      action={
        <div class="tools">
          <Choice<Grouping>
            label="Group by"
            options={GROUPINGS}
            value={by}
            onChange={(value) => setQuery({ by: value === "MODEL" ? undefined : value })}
          />
          <Choice<Measure>
            label="Bars"
            options={MEASURES}
            value={measure}
            onChange={(value) => setQuery({ bars: value === "events" ? undefined : value })}
          />
        </div>
      }
    >
      <Answer asked={asked} what="sums">
        {(data) => <Bars data={data} by={by} measure={measure} features={features} />}
      </Answer>
    </Card>
  );
}

function Bars({
  data: { items, complete, start, end, currency: own },
  by,
  measure,
  features,
}: {
  data: Groups;
  by: Grouping;
  measure: Measure;
  features: readonly Feature[];
}) {
  const { filter, label } = GROUPINGS.find(({ value }) => value === by) ?? { filter: "model", label: "Model" };
  const amountOf = VALUES[measure];
  const sorted = [...items].sort((a, b) => amountOf(b) - amountOf(a));
  const most = sorted.reduce((largest, group) => Math.max(largest, amountOf(group)), 0);
  if (sorted.length === 0) return <Empty title="Nothing to sum up" />;
  const columns: readonly Column<EventGroup>[] = [
    { title: label, cell: ({ groupLabel }) => groupLabel },
    {
      title: "Share",
      isMinor: true,
      cell: (group) => <Bar share={most === 0 ? 0 : amountOf(group) / most} />,
    },
    { title: "Events", isFigure: true, cell: ({ eventCount }) => count(eventCount) },
    {
      title: "Revenue",
      isFigure: true,
      isSpare: true,
      cell: ({ totalRevenue, currency }) => money(totalRevenue, currency ?? own),
    },
    {
      title: "Cost",
      isFigure: true,
      isSpare: true,
      cell: ({ totalCost, currency = own, eventCount, costUnknownEvents }) => (
        <Cost amount={totalCost} currency={currency} events={eventCount} costUnknownEvents={costUnknownEvents} />
      ),
    },
    {
      title: "Margin",
      isFigure: true,
      cell: ({ margin, currency = own }) => <Margin amount={margin} currency={currency} />,
    },
    { title: "%", isFigure: true, isSpare: true, cell: ({ marginPercent }) => percent(marginPercent) },
  ];
  return (
    <div class="bars">
      <ShortTable
        label={`Events by ${label.toLowerCase()}`}
        shown={SHOWN_MAX}
        columns={columns}
        rows={sorted}
        keyOf={({ groupKey, currency }) => `${groupKey} ${currency ?? ""}`}
        href={({ groupKey }) =>
          `/events?${narrowed(filter, by === "FEATURE" ? keyOfFeature(features, groupKey) : groupKey)}`
        }
      />
      <p class="card-note quiet">
        {start === undefined || end === undefined ? (
          complete ? (
            "All events there are."
          ) : (
            "The newest events of the feed."
          )
        ) : (
          <>
            <Time at={start} day /> to <Time at={end} day />.
          </>
        )}
      </p>
    </div>
  );
}

/** Groups of features are named by ids, conditions by keys. Empty where the feature is gone. */
function keyOfFeature(features: readonly Feature[], id: string): string {
  return features.find((feature) => feature.id === id)?.key ?? "";
}

/** The address with one more condition. Groups without a name are no condition. */
function narrowed(filter: string, key: string): string {
  const query = new URLSearchParams(place.value.query);
  if (key !== "" && key !== "(other)") query.set(filter, key);
  return query.toString();
}

function Bar({ share }: { share: number }) {
  return (
    <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect width={Math.max(0.5, Math.min(1, share) * 100)} height="8" />
    </svg>
  );
}
