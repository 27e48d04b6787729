import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../../api.ts";
import { count, money } from "../../format.ts";
import { Card, Figure } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { Plan, PlanRevenue } from "../../wire.ts";

/** What a plan that was ever on sale brings: now a month, and in the last 30 days by subscriber. */

type Subscriber = PlanRevenue["subscriptions"]["items"][number];

const ROWS = 25;

export function Earnings({ plan }: { plan: Plan }) {
  const asked = useAsk<PlanRevenue>(`/api/v1/monetization/plans/${plan.id}/revenue?limit=${ROWS}`);
  return (
    <Answer asked={asked} what="revenue">
      {(revenue) => (
        <dl class="figures">
          <Figure label="MRR" value={money(revenue.mrr, revenue.currency)} />
          <Figure label="Subscriptions" value={count(revenue.subscriptionCount)} note="that bring it" />
          <Figure label="Billed in 30 days" value={money(revenue.billedRevenue, revenue.currency)} />
          <Figure label="Of it usage" value={money(revenue.usageRevenue, revenue.currency)} />
          <Figure
            label="Given back"
            value={money(revenue.creditAmount, revenue.currency)}
            note={`${money(revenue.netRevenue, revenue.currency)} net`}
          />
        </dl>
      )}
    </Answer>
  );
}

export function Payers({ plan }: { plan: Plan }) {
  const [offset, setOffset] = useState(0);
  const asked = useAsk<PlanRevenue>(
    withQuery(`/api/v1/monetization/plans/${plan.id}/revenue`, { limit: ROWS, offset }),
  );
  return (
    <Card title="Billed in the last 30 days, by subscription">
      <Answer asked={asked} what="subscriptions">
        {({ subscriptions: { items, pagination }, currency }) => {
          if (items.length === 0 && offset === 0)
            return <Empty title="Nothing was billed in these days">Invoices that become due show here.</Empty>;
          const columns: readonly Column<Subscriber>[] = [
            { title: "Customer", cell: ({ customerName }) => customerName },
            { title: "Units", isFigure: true, isMinor: true, cell: ({ totalUnits }) => count(totalUnits) },
            { title: "Net", isFigure: true, cell: ({ totalRevenue }) => money(totalRevenue, currency) },
          ];
          return (
            <>
              <Table
                label="Subscriptions of this plan"
                columns={columns}
                rows={items}
                keyOf={({ subscriptionId }) => subscriptionId}
                href={({ customerId }) => `/customers/${customerId}`}
              />
              <Pager pagination={pagination} onMove={setOffset} />
            </>
          );
        }}
      </Answer>
    </Card>
  );
}
