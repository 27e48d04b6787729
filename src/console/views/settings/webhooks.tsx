import { hrefOf, place, setQuery } from "../../router.ts";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Choice, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { WebhookEvent } from "../../wire.ts";

/** What Stripe sent and what became of it. */

const STATES = [
  { value: "all", label: "All" },
  { value: "FAILED", label: "Failed" },
] as const;

const TONES: Record<WebhookEvent["state"], string> = {
  HANDLED: "ACTIVE",
  FAILED: "underwater",
  RECEIVED: "at_risk",
  IGNORED: "off",
};

const COLUMNS: readonly Column<WebhookEvent>[] = [
  { title: "Event", cell: ({ type, eventId }) => <code title={eventId}>{type}</code> },
  { title: "State", cell: ({ state }) => <Badge state={TONES[state]} label={state.toLowerCase()} /> },
  {
    title: "Customer",
    isMinor: true,
    cell: ({ customerId }) =>
      customerId === undefined ? "–" : <a href={hrefOf(`/customers/${customerId}`)}>{customerId.slice(0, 8)}</a>,
  },
  { title: "Received", cell: ({ receivedAt }) => <Time at={receivedAt} /> },
  {
    title: "What now",
    isSpare: true,
    cell: ({ state, failure, attempts, nextAttemptAt }) =>
      state !== "FAILED" && state !== "RECEIVED" ? (
        ""
      ) : (
        <span class="wrap">
          {failure ?? "being handled"}
          {nextAttemptAt === undefined ? (
            state === "FAILED" ? (
              <> · given up after {attempts}: send it again from Stripe’s own list of events</>
            ) : null
          ) : (
            <>
              {" "}
              · again <Time at={nextAttemptAt} />
            </>
          )}
        </span>
      ),
  },
];

export function Webhooks() {
  const state = place.value.query.get("webhooks") === "FAILED" ? "FAILED" : "all";
  return (
    <Card
      title="Webhooks from Stripe"
      action={
        <Choice
          label="Which webhooks"
          options={STATES}
          value={state}
          onChange={(value) => setQuery({ webhooks: value === "all" ? undefined : value, offset: undefined })}
        />
      }
      wide
    >
      <PagedTable<WebhookEvent>
        path="/api/v1/data/stripe/webhook/events"
        query={state === "all" ? {} : { state }}
        what="webhooks"
        columns={COLUMNS}
        keyOf={({ eventId }) => eventId}
        rows={10}
        empty={
          state === "FAILED" ? (
            <Empty title="None failed">What fails is tried again for three days, ever more seldom.</Empty>
          ) : (
            <Empty title="Stripe has sent nothing yet">
              Once it is connected and a webhook is made, payments are told here.
            </Empty>
          )
        }
      />
    </Card>
  );
}
