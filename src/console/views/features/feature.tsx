import { useState } from "preact/hooks";
import { ask, useAsk, withQuery } from "../../api.ts";
import { count, money, percent } from "../../format.ts";
import { navigate } from "../../router.ts";
import { Cost, Margin } from "../../ui/amounts.tsx";
import { FormDialog } from "../../ui/form.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Fact, Figure, Time } from "../../ui/parts.tsx";
import { ShortTable } from "../../ui/short-table.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { EventGroup, Feature as FeatureOf, FeaturePlan } from "../../wire.ts";
import { eventsOfModel } from "../events/words.ts";
import { RangeChoice, rangeNow, sameDays } from "../range.tsx";
import { Lines, ruleLines } from "../rule-words.tsx";
import { EditFeature } from "./forms.tsx";

/** One feature: who sells it at which price, who uses it, what it brings and costs, and its switch. */

const pathOf = ({ id }: FeatureOf): string => `/api/v1/monetization/features/${id}`;

export function Feature({ featureKey }: { featureKey: string }) {
  const asked = useAsk<FeatureOf>(`/api/v1/client/features/${encodeURIComponent(featureKey)}`);
  return (
    <Answer asked={asked} what="the feature">
      {(feature) => <FeaturePage feature={feature} onChanged={asked.again} />}
    </Answer>
  );
}

type Step = "edit" | "switch" | "delete";

function FeaturePage({ feature, onChanged }: { feature: FeatureOf; onChanged: () => void }) {
  const [step, setStep] = useState<Step>();
  // The route by key answers from memory, which is up to some seconds old; what was just changed is asked for by id.
  const fresh = useAsk<FeatureOf>(pathOf(feature));
  const now = fresh.data ?? feature;
  const close = () => setStep(undefined);
  const done = () => {
    fresh.again();
    onChanged();
  };
  return (
    <>
      <div class="view-head">
        <div>
          <p class="crumbs">
            <a href="/console/features">Features</a>
          </p>
          <h1>{now.name}</h1>
        </div>
        <div class="tools">
          <RangeChoice />
          <Badge state={now.isEnabled ? "ACTIVE" : "denied"} label={now.isEnabled ? "On" : "Off"} />
          <button type="button" class="button" onClick={() => setStep("edit")}>
            Edit
          </button>
          <button
            type="button"
            class={now.isEnabled ? "button danger" : "button main"}
            onClick={() => setStep("switch")}
          >
            {now.isEnabled ? "Switch off" : "Switch on"}
          </button>
          <button type="button" class="button danger" onClick={() => setStep("delete")}>
            Delete
          </button>
        </div>
      </div>
      <UseOf feature={now} />
      {step === "edit" ? <EditFeature feature={now} onClose={close} onDone={done} /> : null}
      {step === "switch" ? <Switch feature={now} onClose={close} onDone={done} /> : null}
      {step === "delete" ? <Delete feature={now} onClose={close} /> : null}
    </>
  );
}

type Groups = { items: EventGroup[] };

/** Sums of groups of the account's currency, for the figures; those of other currencies stand in the tables. */
function totalOf(groups: readonly EventGroup[]) {
  const own = groups.filter(({ currency }) => currency === undefined);
  const sum = (of: (group: EventGroup) => number) => own.reduce((total, group) => total + of(group), 0);
  const [revenue, cost] = [sum(({ totalRevenue }) => totalRevenue), sum(({ totalCost }) => totalCost)];
  return {
    events: groups.reduce((total, { eventCount }) => total + eventCount, 0),
    units: groups.reduce((total, { totalUsageUnits }) => total + totalUsageUnits, 0),
    revenue,
    cost,
    marginPercent: revenue > 0 ? ((revenue - cost) / revenue) * 100 : null,
  };
}

function UseOf({ feature }: { feature: FeatureOf }) {
  const { start, end } = rangeNow();
  const groups = (groupBy: string) =>
    withQuery("/api/v1/analytics/events/grouped", { start, end, featureKey: feature.key, groupBy });
  const customers = useAsk<Groups>(groups("CUSTOMER"));
  const models = useAsk<Groups>(groups("MODEL"));
  const account = useAsk<{ currency: string }>("/api/v1/account");
  const currency = account.data?.currency;
  if (currency === undefined) return null;
  return (
    <>
      <Answer asked={customers} what="figures">
        {({ items }) => {
          const total = totalOf(items);
          return (
            <dl class="figures">
              <Figure label="Events" value={count(total.events)} />
              <Figure label="Units" value={count(total.units)} />
              <Figure label="Revenue" value={money(total.revenue, currency)} />
              <Figure label="Cost" value={money(total.cost, currency)} />
              <Figure
                label="Margin"
                value={money(total.revenue - total.cost, currency)}
                note={`${percent(total.marginPercent)} of revenue`}
              />
            </dl>
          );
        }}
      </Answer>
      <div class="grid">
        <PlansOf feature={feature} />
        <Card title="What it is">
          <dl class="facts">
            <Fact name="Key">
              <code>{feature.key}</code>
            </Fact>
            <Fact name="Description">{feature.description ?? <span class="quiet">none</span>}</Fact>
            <Fact name="Switch">
              {feature.isEnabled
                ? "On: plans decide who may use it"
                : "Off: every check and every use of it is refused"}
            </Fact>
            <Fact name="Made">
              <Time at={feature.createdAt} />
            </Fact>
            <Fact name="Id">
              <code>{feature.id}</code>
            </Fact>
          </dl>
        </Card>
        <GroupCard
          title="By customer"
          asked={customers}
          currency={currency}
          leadsTo={(reference) => sameDays(`/customers/${encodeURIComponent(reference)}`)}
        />
        <GroupCard
          title="By model"
          asked={models}
          currency={currency}
          leadsTo={(model) => eventsOfModel({ model, featureKey: feature.key, start })}
        />
      </div>
    </>
  );
}

function PlansOf({ feature }: { feature: FeatureOf }) {
  const columns: readonly Column<FeaturePlan>[] = [
    {
      title: "Plan",
      cell: ({ plan }) => plan.name,
    },
    { title: "State", cell: ({ plan }) => <Badge state={plan.status} /> },
    { title: "What it says", cell: ({ plan, rule }) => <Lines lines={ruleLines(rule, plan.currency)} /> },
  ];
  return (
    <Card title="Plans that have it">
      <div class="roomy-rows">
        <PagedTable<FeaturePlan>
          path={`${pathOf(feature)}/plans`}
          what="Plans that have it"
          columns={columns}
          keyOf={({ plan }) => plan.id}
          href={({ plan }) => `/plans/${plan.id}`}
          empty={
            <Empty title="No plan has it">
              Put it into one: open a <a href="/console/plans">plan</a>, then Edit features.
            </Empty>
          }
          rows={10}
        />
      </div>
    </Card>
  );
}

const GROUP_ROWS = 10;

function GroupCard({
  title,
  asked,
  currency,
  leadsTo,
}: {
  title: string;
  asked: ReturnType<typeof useAsk<Groups>>;
  currency: string;
  /** Where the row of a group leads, by the group's key. */
  leadsTo: (key: string) => string;
}) {
  const columns: readonly Column<EventGroup>[] = [
    {
      title: title.replace("By c", "C").replace("By m", "M"),
      cell: ({ groupKey, groupLabel }) => (groupKey === "" ? "without one" : groupLabel),
    },
    { title: "Units", isFigure: true, isMinor: true, cell: ({ totalUsageUnits }) => count(totalUsageUnits) },
    {
      title: "Revenue",
      isFigure: true,
      isSpare: true,
      cell: (one) => money(one.totalRevenue, one.currency ?? currency),
    },
    {
      title: "Cost",
      isFigure: true,
      cell: ({ totalCost, currency: ofGroup = currency, eventCount, costUnknownEvents }) => (
        <Cost amount={totalCost} currency={ofGroup} events={eventCount} costUnknownEvents={costUnknownEvents} />
      ),
    },
    {
      title: "Margin",
      isFigure: true,
      cell: (one) => <Margin amount={one.margin} currency={one.currency ?? currency} />,
    },
  ];
  return (
    <Card title={title}>
      <Answer asked={asked} what="figures">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="It was not used in these days" />
          ) : (
            <ShortTable
              label={title}
              shown={GROUP_ROWS}
              columns={columns}
              rows={items}
              keyOf={(one) => `${one.groupKey} ${one.currency ?? ""}`}
              href={({ groupKey }) => (groupKey === "" ? undefined : leadsTo(groupKey))}
            />
          )
        }
      </Answer>
    </Card>
  );
}

type StepProps = { feature: FeatureOf; onClose: () => void };

/** The emergency switch. */
function Switch({ feature, onClose, onDone }: StepProps & { onDone: () => void }) {
  const turnsOff = feature.isEnabled;
  return (
    <FormDialog<FeatureOf>
      title={turnsOff ? `Switch ${feature.name} off` : `Switch ${feature.name} on`}
      submit={turnsOff ? "Switch it off" : "Switch it on"}
      isDanger={turnsOff}
      done={turnsOff ? "Off: refused everywhere within 5 seconds" : "On: allowed again within 5 seconds"}
      onClose={onClose}
      onDone={onDone}
      send={() => ask("PATCH", pathOf(feature), { isEnabled: !turnsOff })}
    >
      <p>
        {turnsOff
          ? "Within 5 seconds nobody may use it, on any plan: checks, reservations and consume answer no. Events that report use which happened all the same are still taken and counted. Prices, limits and counters stay as they are for when you switch it on again."
          : "Within 5 seconds everybody may use it again whose plan allows it, from where their counters stand."}
      </p>
    </FormDialog>
  );
}

function Delete({ feature, onClose }: StepProps) {
  return (
    <FormDialog
      title={`Delete ${feature.name}`}
      submit="Delete it"
      isDanger
      done={`${feature.name} is deleted`}
      onClose={onClose}
      onDone={() => navigate("/features")}
      send={() => ask("DELETE", pathOf(feature))}
    >
      <p>
        Its key <code>{feature.key}</code> is free again, and an event that names it makes a new feature. Events that
        were reported keep it, and so do their sums. It can only go when no plan and no subscriber's version has it.
      </p>
    </FormDialog>
  );
}
