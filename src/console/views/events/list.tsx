import { useState } from "preact/hooks";
import { useAsk, useWhole } from "../../api.ts";
import { count, exactMoney, money } from "../../format.ts";
import { place } from "../../router.ts";
import { LongTable } from "../../ui/long-table.tsx";
import { Card, Time } from "../../ui/parts.tsx";
import { Empty, Failure, Loading } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { Feature, StoredEvent } from "../../wire.ts";
import { CustomerFilter, DayFilter, dayStart, filterOf, SelectFilter } from "../filters.tsx";
import { EventPanel } from "./event.tsx";
import { Groups } from "./groups.tsx";
import { type EventsQuery, KEPT_MAX, type Stream, useStream } from "./stream.ts";

/** What customers do, as it happens; what it comes to by one property; and each event with everything that is known of it. */

const FEATURES = "/api/v1/monetization/features";

function shortMoney(amount: number | undefined, currency: string, none: string) {
  if (amount === undefined) return <span class="quiet">{none}</span>;
  return <span title={exactMoney(amount, currency)}>{money(amount, currency)}</span>;
}

/** The address of an event beside what is shown. */
function eventHref({ id }: StoredEvent): string {
  const query = new URLSearchParams(place.value.query);
  query.set("event", id);
  return `/events?${query}`;
}

const COLUMNS: readonly Column<StoredEvent>[] = [
  { title: "When", cell: ({ occurredAt }) => <Time at={occurredAt} /> },
  { title: "Customer", cell: ({ customerReferenceId, customerId }) => customerReferenceId ?? customerId },
  {
    title: "Feature",
    isMinor: true,
    cell: ({ featureKey, eventName, eventType }) => (
      <>
        {eventType === "CORRECTION" ? <span class="badge warn">Correction</span> : null}{" "}
        {featureKey === undefined ? <span class="quiet">{eventName}</span> : <code>{featureKey}</code>}
      </>
    ),
  },
  { title: "Model", isSpare: true, cell: ({ model }) => model ?? <span class="quiet">–</span> },
  { title: "Units", isFigure: true, isMinor: true, cell: ({ usageUnits }) => count(usageUnits) },
  {
    title: "Cost",
    isFigure: true,
    isSpare: true,
    cell: ({ costAmount, currency }) => shortMoney(costAmount, currency, "unknown"),
  },
  {
    title: "Revenue",
    isFigure: true,
    cell: ({ revenueAmount, revenueCurrency, currency }) => shortMoney(revenueAmount, revenueCurrency ?? currency, "–"),
  },
];

function queryOf(): EventsQuery {
  return {
    customerReferenceId: filterOf("customer"),
    featureKey: filterOf("feature"),
    model: filterOf("model"),
    modelProvider: filterOf("provider"),
    eventName: filterOf("name"),
    start: dayStart("from"),
    end: dayStart("until", 1),
  };
}

export function Events() {
  const [isLive, setLive] = useState(true);
  const query = queryOf();
  const stream = useStream(query, isLive);
  const features = useWhole<Feature>(FEATURES).data?.items ?? [];
  const event = place.value.query.get("event");
  return (
    <>
      <div class="view-head">
        <h1>Events</h1>
        <div class="tools">
          <span class={isLive ? "badge good" : "badge"} role="status">
            {isLive ? "Live" : "Paused"}
          </span>
          <button type="button" class="button" onClick={() => setLive(!isLive)}>
            {isLive ? "Pause" : "Resume"}
          </button>
        </div>
      </div>
      <Filters features={features} />
      <div class="grid">
        <Groups query={query} features={features} />
        <Card title="Newest first" action={<Held stream={stream} />} wide>
          <Rows stream={stream} isNarrowed={Object.values(query).some((value) => value !== undefined)} />
        </Card>
      </div>
      {event === null ? null : <EventPanel id={event} />}
    </>
  );
}

function Held({ stream: { events, total, complete } }: { stream: Stream }) {
  if (complete === undefined) return null;
  return (
    <span class="quiet">
      {count(Math.min(total, KEPT_MAX))} {complete ? "of this customer" : "of the newest"}
      {events.length < Math.min(total, KEPT_MAX) ? `, ${count(events.length)} here` : ""}
      {total > KEPT_MAX ? ` (of ${count(total)})` : ""}
    </span>
  );
}

function Rows({ stream, isNarrowed }: { stream: Stream; isNarrowed: boolean }) {
  const { events, complete, problem, more, again } = stream;
  if (problem !== undefined && events.length === 0) return <Failure problem={problem} again={again} />;
  if (complete === undefined) return <Loading what="events" />;
  if (events.length === 0)
    return isNarrowed ? (
      <Empty title="No event like this">
        <a href="/console/events">Show all events</a>
      </Empty>
    ) : (
      <Empty title="No event yet">
        Send the first one: the <a href="/docs#postClientEvents">API reference</a> has a call to copy. It appears here
        by itself.
      </Empty>
    );
  return (
    <>
      {problem === undefined ? null : <Failure problem={problem} again={again} />}
      <LongTable
        label="Events"
        columns={COLUMNS}
        rows={events}
        keyOf={({ id }) => id}
        href={eventHref}
        onNearEnd={more}
      />
    </>
  );
}

function Filters({ features }: { features: readonly Feature[] }) {
  const models = useAsk<{ models: { model: string; modelProvider: string }[] }>("/api/v1/analytics/models?limit=200");
  const known = models.data?.models ?? [];
  const named = (values: readonly string[]) =>
    [...new Set(values)]
      .filter((value) => value !== "" && value !== "(other)")
      .sort()
      .map((value) => ({ value, label: value }));
  return (
    <search class="filters-bar">
      <CustomerFilter />
      <SelectFilter name="feature" label="Feature" any="Any feature" options={named(features.map(({ key }) => key))} />
      <SelectFilter name="model" label="Model" any="Any model" options={named(known.map(({ model }) => model))} />
      <SelectFilter
        name="provider"
        label="Provider"
        any="Any provider"
        options={named(known.map(({ modelProvider }) => modelProvider))}
      />
      <DayFilter name="from" label="From" />
      <DayFilter name="until" label="to" />
    </search>
  );
}
