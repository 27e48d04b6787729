import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAsk } from "../../api.ts";
import { count, exactMoney } from "../../format.ts";
import { setQuery } from "../../router.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Badge, Fact, Time } from "../../ui/parts.tsx";
import { Answer } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { EventDetail, StoredEvent } from "../../wire.ts";
import { CorrectForm } from "./correct.tsx";
import { EVENTS_PATH } from "./stream.ts";
import { COST_SOURCES, UNMETERED, WEIGHTS } from "./words.ts";

/** One event beside the stream: its receipt, its price and cost and where they come from, its credits, and what was said of it since. */
export function EventPanel({ id }: { id: string }) {
  const asked = useAsk<EventDetail>(`${EVENTS_PATH}/${encodeURIComponent(id)}`);
  return (
    <Dialog kind="panel" title="Event" onClose={() => setQuery({ event: undefined })}>
      <Answer asked={asked} what="the event">
        {(event) => <Receipt key={event.id} event={event} again={asked.again} />}
      </Answer>
    </Dialog>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Receipt({ event, again }: { event: EventDetail; again: () => void }) {
  return (
    <>
      <Counting event={event} />
      <Price event={event} />
      <Cost event={event} />
      {event.creditsDeducted === undefined ? null : <Credits event={event} />}
      {event.eventType === "CORRECTION" ? null : <Corrections event={event} again={again} />}
      <Sent event={event} />
    </>
  );
}

function Corrections({ event, again }: { event: EventDetail; again: () => void }) {
  const [isCorrecting, setCorrecting] = useState(false);
  return (
    <Part title="Corrections">
      {event.corrections.length === 0 ? (
        <p class="card-note quiet">None: it stands as it was sent.</p>
      ) : (
        <Table
          label="Corrections"
          columns={CORRECTIONS}
          rows={event.corrections}
          keyOf={({ id }) => id}
          href={({ id }) => `/events?event=${id}`}
        />
      )}
      {isCorrecting ? (
        <CorrectForm
          event={event}
          onDone={() => {
            setCorrecting(false);
            again();
          }}
        />
      ) : (
        <div class="part-end">
          <button type="button" class="button" onClick={() => setCorrecting(true)}>
            Correct the units
          </button>
        </div>
      )}
    </Part>
  );
}

function Counting({ event }: { event: EventDetail }) {
  const { metered, unmeteredReason, usageUnits, meteredUnits, featureKey, customerReferenceId, customerId } = event;
  return (
    <>
      <div class={metered ? "verdict good" : "verdict plain"}>
        <Badge state={metered ? "allowed" : "plain"} label={metered ? "Counted" : "Recorded, not counted"} />
        <p>
          <strong>{count(usageUnits)}</strong> {usageUnits === 1 ? "unit" : "units"} of{" "}
          {featureKey === undefined ? "no feature" : <code>{featureKey}</code>}
          {meteredUnits === undefined ? "" : `, of which ${count(meteredUnits)} are counted`}
        </p>
        {metered || unmeteredReason === undefined ? null : <p>Not counted: {UNMETERED[unmeteredReason]}.</p>}
      </div>
      <dl class="facts">
        <Fact name="Customer">
          <a href={`/console/customers/${encodeURIComponent(customerReferenceId ?? customerId)}`}>
            {customerReferenceId ?? customerId}
          </a>
        </Fact>
        <Fact name="Occurred">
          <Time at={event.occurredAt} />
          {event.sentOccurredAt === undefined ? null : (
            <>
              , sent as <Time at={event.sentOccurredAt} />: too far ahead
            </>
          )}
        </Fact>
        <Fact name="Received">
          <Time at={event.createdAt} />
          {event.late === true ? ", late: its own period was closed, it counts in the next" : ""}
        </Fact>
        {event.overshoot === true ? (
          <Fact name="Limit">it is the one that passed the limit: taken whole, later ones not</Fact>
        ) : null}
        {event.usageLimitExceeded === true ? <Fact name="Limit">was reached before it</Fact> : null}
        {event.corrects === undefined ? null : (
          <Fact name="Corrects">
            <a href={`/console/events?event=${event.corrects}`}>an earlier event</a>
            {event.correctionReason === undefined ? "" : `: ${event.correctionReason}`}
          </Fact>
        )}
        {event.creditAmount === undefined ? null : (
          <Fact name="Given back">
            {exactMoney(event.creditAmount, event.creditCurrency ?? event.currency)}, for a period that was billed
          </Fact>
        )}
      </dl>
    </>
  );
}

type Tier = NonNullable<NonNullable<EventDetail["pricing"]>["tiers"]>[number];

function tierColumns(currency: string): readonly Column<Tier>[] {
  return [
    { title: "Tier", cell: ({ tierIndex }) => tierIndex + 1 },
    { title: "Units", isFigure: true, cell: ({ units }) => count(units) },
    { title: "Per unit", isFigure: true, cell: ({ pricePerUnit }) => exactMoney(pricePerUnit, currency) },
    {
      title: "On entering",
      isFigure: true,
      cell: ({ flatFee }) => (flatFee === 0 ? <span class="quiet">–</span> : exactMoney(flatFee, currency)),
    },
    { title: "Price", isFigure: true, cell: ({ amount }) => exactMoney(amount, currency) },
  ];
}

function Price({ event }: { event: EventDetail }) {
  const { revenueAmount, revenueCurrency, currency, pricing } = event;
  const tiers = pricing?.tiers ?? [];
  const isIncluded = pricing?.rule.value.pricing === undefined || pricing.rule.value.pricing.model === "included";
  return (
    <Part title="Price">
      <dl class="facts">
        <Fact name="Revenue">
          {revenueAmount === undefined ? (
            <span class="quiet">none</span>
          ) : (
            <strong>{exactMoney(revenueAmount, revenueCurrency ?? currency)}</strong>
          )}
        </Fact>
        {pricing === undefined ? null : (
          <>
            <Fact name="Priced by">
              <a href={`/console/plans/${pricing.plan.id}`}>{pricing.plan.name}</a>, version {pricing.plan.version}
              {isIncluded ? ": included" : ""}
            </Fact>
            <Fact name="Subscription">
              <a href={`/console/subscriptions/${pricing.subscriptionId}`}>Open the subscription</a>
            </Fact>
            <Fact name="Billed">
              {pricing.billedAt === undefined ? (
                <>
                  not yet: it counts in the period since <Time at={pricing.periodStart} day />
                </>
              ) : (
                <>
                  <Time at={pricing.billedAt} />, for the period since <Time at={pricing.periodStart} day />
                </>
              )}
            </Fact>
          </>
        )}
      </dl>
      {pricing === undefined || tiers.length === 0 ? null : (
        <Table
          label="Tiers of the price"
          columns={tierColumns(pricing.currency)}
          rows={tiers}
          keyOf={({ tierIndex }) => String(tierIndex)}
        />
      )}
    </Part>
  );
}

function Cost({ event }: { event: EventDetail }) {
  const { costAmount, costSource, costFoundAt, currency, model, modelProvider } = event;
  const counts: readonly [string, number | undefined][] = [
    ["Input", event.inputTokens],
    ["Output", event.outputTokens],
    ["From cache", event.cacheReadTokens],
    ["To cache", event.cacheWriteTokens],
  ];
  const told = counts.flatMap(([name, tokens]) =>
    tokens === undefined ? [] : [`${name.toLowerCase()} ${count(tokens)}`],
  );
  return (
    <Part title="Cost">
      <dl class="facts">
        <Fact name="Cost">
          {costAmount === undefined ? (
            <>
              <span class="bad-text">unknown</span>
              {model === undefined ? (
                ": it says of no cost and names no model"
              ) : (
                <>
                  : no rate for it. <a href={`/console/models?rate=${encodeURIComponent(model)}`}>Give it one</a>
                </>
              )}
            </>
          ) : (
            <strong>{exactMoney(costAmount, currency)}</strong>
          )}
        </Fact>
        {costSource === undefined ? null : <Fact name="From">{COST_SOURCES[costSource] ?? costSource}</Fact>}
        {costFoundAt === undefined ? null : (
          <Fact name="Found">
            <Time at={costFoundAt} />: it was unknown at first
          </Fact>
        )}
        {model === undefined ? null : (
          <Fact name="Model">
            {model}
            {modelProvider === undefined ? "" : ` of ${modelProvider}`}
          </Fact>
        )}
        {told.length === 0 ? null : <Fact name="Tokens">{told.join(", ")}</Fact>}
        {event.costUnits === undefined ? null : <Fact name="Cost units">{count(event.costUnits)}</Fact>}
      </dl>
    </Part>
  );
}

function Credits({ event }: { event: EventDetail }) {
  const { creditsDeducted = 0, weightApplied, weightMatch, remainingBalance, pricing } = event;
  return (
    <Part title="Credits">
      <dl class="facts">
        <Fact name={creditsDeducted < 0 ? "Given back" : "Burned"}>
          <strong>{count(Math.abs(creditsDeducted))}</strong>
          {pricing === undefined || pricing.unitsCoveredByCredits === 0
            ? ""
            : `, which paid for ${count(pricing.unitsCoveredByCredits)} of the units`}
        </Fact>
        {weightApplied === undefined ? null : (
          <Fact name="Weight">
            {count(weightApplied)} a unit{weightMatch === undefined ? "" : `, ${WEIGHTS[weightMatch]}`}
          </Fact>
        )}
        {remainingBalance === undefined ? null : <Fact name="Left after it">{count(remainingBalance)}</Fact>}
      </dl>
    </Part>
  );
}

const CORRECTIONS: readonly Column<StoredEvent>[] = [
  { title: "When", cell: ({ occurredAt }) => <Time at={occurredAt} /> },
  {
    title: "Units",
    isFigure: true,
    cell: ({ usageUnits }) => `${usageUnits > 0 ? "+" : ""}${count(usageUnits)}`,
  },
  {
    title: "Revenue",
    isFigure: true,
    cell: ({ revenueAmount, revenueCurrency, currency }) =>
      revenueAmount === undefined ? (
        <span class="quiet">–</span>
      ) : (
        exactMoney(revenueAmount, revenueCurrency ?? currency)
      ),
  },
  { title: "Reason", cell: ({ correctionReason }) => correctionReason ?? <span class="quiet">–</span> },
];

function Sent({ event }: { event: EventDetail }) {
  const facts: readonly [string, string | undefined][] = [
    ["Key", event.eventIdempotencyKey],
    ["Id", event.id],
    ["Flow", event.flowId],
    ["Subscription", event.subscriptionId],
    ["Invoice", event.invoiceId],
    ["Entitlement", event.entitlementId],
  ];
  return (
    <Part title="As it was sent">
      <dl class="facts">
        <Fact name="Name">{event.eventName}</Fact>
        {facts.flatMap(([name, value]) =>
          value === undefined
            ? []
            : [
                <Fact key={name} name={name}>
                  <code>{value}</code>
                </Fact>,
              ],
        )}
      </dl>
      {event.properties === undefined ? null : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <pre class="json" tabIndex={0}>
          {JSON.stringify(event.properties, null, 2)}
        </pre>
      )}
    </Part>
  );
}
