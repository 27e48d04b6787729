import { useState } from "preact/hooks";
import { useWhole } from "../../api.ts";
import { words } from "../../format.ts";
import { navigate, place, setQuery } from "../../router.ts";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Choice, Time } from "../../ui/parts.tsx";
import { StateFilter } from "../../ui/state-filter.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { Plan, ScheduledChange, Subscription } from "../../wire.ts";
import { customerName } from "../customer-link.tsx";
import { CustomerFilter, filterOf, OfFilteredCustomer, useFilteredCustomer } from "../filters.tsx";
import { NewSubscription } from "./new.tsx";
import { Ahead, priceWords } from "./words.tsx";

/** All subscriptions of the account, and what is scheduled for them. */

const PATH = "/api/v1/monetization/subscriptions";
const STATES = ["ACTIVE", "INCOMPLETE", "SUSPENDED", "CANCELLED"] as const;

const SHOWN = [
  { value: "all", label: "All" },
  { value: "changes", label: "Scheduled changes" },
  { value: "cancellations", label: "Cancellations" },
] as const;
type Shown = (typeof SHOWN)[number]["value"];

function shownNow(): Shown {
  const given = place.value.query.get("show");
  return SHOWN.find(({ value }) => value === given)?.value ?? "all";
}

const SUBSCRIBER: Column<Subscription> = { title: "Customer", cell: ({ customer }) => customerName(customer) };

const COLUMNS: readonly Column<Subscription>[] = [
  SUBSCRIBER,
  { title: "Plan", cell: ({ plan }) => plan.name },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  { title: "Price", isFigure: true, isMinor: true, cell: ({ plan }) => priceWords(plan) },
  { title: "Version", isFigure: true, isSpare: true, cell: ({ plan }) => plan.version },
  {
    title: "Period ends",
    isMinor: true,
    cell: ({ currentPeriodEnd, status }) =>
      status === "CANCELLED" ? <span class="quiet">–</span> : <Time at={currentPeriodEnd} day />,
  },
  { title: "Ahead", isSpare: true, cell: (one) => <Ahead {...one} /> },
];

const CANCELLATION_COLUMNS: readonly Column<Subscription>[] = [
  SUBSCRIBER,
  { title: "Plan", cell: ({ plan }) => plan.name },
  { title: "Price", isFigure: true, isMinor: true, cell: ({ plan }) => priceWords(plan) },
  {
    title: "Asked for",
    isMinor: true,
    cell: ({ cancelledAt }) => (cancelledAt === undefined ? "–" : <Time at={cancelledAt} day />),
  },
  {
    title: "Ends",
    cell: ({ cancelEffectiveAt }) => (cancelEffectiveAt === undefined ? "–" : <Time at={cancelEffectiveAt} />),
  },
];

const CHANGE_COLUMNS: readonly Column<ScheduledChange>[] = [
  { title: "Customer", cell: ({ customer }) => customerName(customer) },
  {
    title: "Change",
    cell: ({ fromPlan, toPlan }) =>
      fromPlan.id === toPlan.id
        ? `${toPlan.name}, version ${fromPlan.version} to ${toPlan.version}`
        : `${fromPlan.name} to ${toPlan.name}`,
  },
  { title: "Kind", cell: ({ type }) => words(type) },
  { title: "Price then", isFigure: true, isMinor: true, cell: ({ toPlan }) => priceWords(toPlan) },
  { title: "Takes effect", cell: ({ effectiveAt }) => <Time at={effectiveAt} /> },
];

export function Subscriptions() {
  const [isMaking, setMaking] = useState(false);
  const shown = shownNow();
  return (
    <>
      <div class="view-head">
        <h1>Subscriptions</h1>
        <div class="tools">
          <Choice
            label="Which"
            options={SHOWN}
            value={shown}
            onChange={(show) =>
              setQuery({
                show: show === "all" ? undefined : show,
                offset: undefined,
                status: undefined,
                planId: undefined,
              })
            }
          />
          <button type="button" class="button main" onClick={() => setMaking(true)}>
            New subscription
          </button>
        </div>
      </div>
      {shown === "all" ? <All /> : shown === "changes" ? <Changes /> : <Cancellations />}
      {isMaking ? (
        <NewSubscription
          onClose={() => setMaking(false)}
          onDone={({ subscription }) => navigate(`/subscriptions/${subscription.id}`)}
        />
      ) : null}
    </>
  );
}

function All() {
  const { query } = place.value;
  const [status, planId] = [query.get("status") ?? "", query.get("planId") ?? ""];
  const plans = useWhole<Plan>("/api/v1/monetization/plans");
  const owner = useFilteredCustomer();
  const isNarrowed = status !== "" || planId !== "" || filterOf("customer") !== undefined;
  return (
    <Card
      title="Newest first"
      wide
      action={
        <div class="tools filters">
          <CustomerFilter />
          <StateFilter states={STATES} />
          <label>
            <span class="unseen">Plan</span>
            <select
              value={planId}
              onChange={(event) => setQuery({ planId: event.currentTarget.value, offset: undefined })}
            >
              <option value="">Every plan</option>
              {(plans.data?.items ?? []).map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </div>
      }
    >
      <OfFilteredCustomer owner={owner}>
        <PagedTable<Subscription>
          path={PATH}
          query={{ status, planId, customerId: owner.customerId }}
          what="subscriptions"
          columns={COLUMNS}
          keyOf={({ id }) => id}
          href={({ id }) => `/subscriptions/${id}`}
          empty={
            !isNarrowed ? (
              <Empty title="Nobody has subscribed">A new subscription puts a customer on a plan.</Empty>
            ) : (
              <Empty title="No subscription like this">
                <button
                  type="button"
                  class="link-button"
                  onClick={() =>
                    setQuery({ status: undefined, planId: undefined, customer: undefined, offset: undefined })
                  }
                >
                  Show all
                </button>
              </Empty>
            )
          }
        />
      </OfFilteredCustomer>
    </Card>
  );
}

function Changes() {
  return (
    <Card title="Changes that wait for the end of a period, soonest first" wide>
      <PagedTable<ScheduledChange>
        path={`${PATH}/scheduled-changes`}
        what="scheduled changes"
        columns={CHANGE_COLUMNS}
        keyOf={({ id }) => id}
        href={({ subscriptionId }) => `/subscriptions/${subscriptionId}`}
        empty={<Empty title="No change is scheduled">A downgrade waits here until the period ends.</Empty>}
      />
    </Card>
  );
}

function Cancellations() {
  return (
    <Card title="Subscriptions that end with their period, soonest first" wide>
      <PagedTable<Subscription>
        path={`${PATH}/scheduled-cancellations`}
        what="scheduled cancellations"
        columns={CANCELLATION_COLUMNS}
        keyOf={({ id }) => id}
        href={({ id }) => `/subscriptions/${id}`}
        empty={<Empty title="Nobody is leaving">A cancellation at the end of a period can be taken back here.</Empty>}
      />
    </Card>
  );
}
