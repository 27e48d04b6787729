import { useMemo, useState } from "preact/hooks";
import { useAsk, withQuery } from "../api.ts";
import { count, money, moneyTicks, percent } from "../format.ts";
import { navigate, place } from "../router.ts";
import { Chart, type Line } from "../ui/chart.tsx";
import { Badge, Card, Figure, Time } from "../ui/parts.tsx";
import { Answer, Empty } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import type { CustomerDetail, Customer as CustomerOf, Pool, Subscription } from "../wire.ts";
import { Access } from "./customer/access.tsx";
import { CustomerActions } from "./customer/actions.tsx";
import { Events } from "./customer/events.tsx";
import { Invoices } from "./customer/invoices.tsx";
import { Keys } from "./customer/keys.tsx";
import { Why } from "./customer/why.tsx";
import { OtherCurrencies } from "./other-currencies.tsx";
import { RangeChoice, rangeNow } from "./range.tsx";
import { NewSubscription } from "./subscriptions/new.tsx";
import { Ahead } from "./subscriptions/words.tsx";

/** One customer: who, what they bought and may do, what they used, cost and owe. */
export function Customer({ id }: { id: string }) {
  const ref = encodeURIComponent(id);
  const asked = useAsk<CustomerOf>(`/api/v1/client/customers/${ref}`);
  const { start, end } = rangeNow();
  const detail = useAsk<CustomerDetail>(withQuery(`/api/v1/analytics/customers/${ref}`, { start, end }));
  const why = place.value.query.get("why");
  return (
    <Answer asked={asked} what="the customer">
      {(customer) => (
        <>
          <div class="view-head">
            <div>
              <p class="crumbs">
                <a href="/console/customers">Customers</a>
              </p>
              <h1>{customer.displayName ?? customer.customerReferenceId ?? customer.id}</h1>
            </div>
            <div class="tools">
              {detail.data === undefined ? null : <Badge state={detail.data.customer.marginStatus} />}
              <RangeChoice />
              <CustomerActions customer={customer} again={asked.again} />
            </div>
          </div>
          <Answer asked={detail} what="figures">
            {(data) => (
              <>
                <Figures detail={data} />
                <OtherCurrencies others={data.customer.otherCurrencies} />
              </>
            )}
          </Answer>
          <div class="grid">
            <Card title="Cost and revenue over time">
              <Answer asked={detail} what="figures">
                {(data) =>
                  data.days.length === 0 ? <Empty title="No events in these days" /> : <DaysChart detail={data} />
                }
              </Answer>
            </Card>
            <div class="stack">
              <Who customer={customer} />
              <Keys reference={ref} />
            </div>
            <Subscriptions reference={id} subscriptions={customer.subscriptions} />
            <Access reference={ref} />
            <Invoices reference={ref} />
            <Pools reference={ref} pools={customer.creditPools} />
            <Events reference={ref} />
          </div>
          {why === null ? null : <Why reference={ref} feature={why} subscriptions={customer.subscriptions} />}
        </>
      )}
    </Answer>
  );
}

function Figures({ detail: { customer, currency } }: { detail: CustomerDetail }) {
  return (
    <dl class="figures">
      <Figure label="MRR" value={money(customer.mrr, currency)} />
      <Figure label="Revenue" value={money(customer.revenue, currency)} />
      <Figure label="Cost" value={money(customer.cost, currency)} />
      <Figure
        label="Margin"
        value={money(customer.margin, currency)}
        note={`${percent(customer.marginPercent)} of revenue`}
      />
      <Figure
        label="Events"
        value={count(customer.events)}
        note={customer.costUnknownEvents === 0 ? undefined : `${count(customer.costUnknownEvents)} of unknown cost`}
      />
    </dl>
  );
}

function DaysChart({ detail }: { detail: CustomerDetail }) {
  const [instants, lines] = useMemo((): [string[], Line[]] => {
    // The answer leaves out days without events, which are days of nothing.
    const byDate = new Map(detail.days.map((day) => [day.date, day]));
    const dates: string[] = [];
    for (let atMs = Date.parse(detail.start); atMs < Date.parse(detail.end); atMs += 86_400_000)
      dates.push(new Date(atMs).toISOString().slice(0, 10));
    return [
      dates.map((date) => `${date}T00:00:00.000Z`),
      [
        { label: "Revenue", tone: "a", values: dates.map((date) => byDate.get(date)?.revenue ?? 0) },
        { label: "Cost", tone: "b", values: dates.map((date) => byDate.get(date)?.cost ?? 0) },
      ],
    ];
  }, [detail]);
  return (
    <Chart
      label="Revenue and cost of this customer by day"
      instants={instants}
      lines={lines}
      format={(value) => money(value, detail.currency)}
      formatTicks={(values) => moneyTicks(values, detail.currency)}
    />
  );
}

function Who({ customer }: { customer: CustomerOf }) {
  const facts: [string, string | undefined][] = [
    ["Reference", customer.customerReferenceId],
    ["Email", customer.email],
    ["Phone", customer.phoneNumber],
    ["Address", customer.address],
    ["Tax id", customer.taxId],
    ["Stripe", customer.stripeCustomerId],
    ["Id", customer.id],
  ];
  return (
    <Card title="Who">
      <dl class="facts">
        {facts.flatMap(([name, value]) =>
          value === undefined
            ? []
            : [
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{name === "Id" || name === "Reference" ? <code>{value}</code> : value}</dd>
                </div>,
              ],
        )}
        <div>
          <dt>Since</dt>
          <dd>
            <Time at={customer.createdAt} />
          </dd>
        </div>
        <div>
          <dt>Made by</dt>
          <dd>
            {customer.source === "EVENT_AUTO_CREATED"
              ? "an event"
              : customer.source === "MANUAL"
                ? "the API"
                : "Stripe"}
          </dd>
        </div>
        {customer.creditBalance.map(({ amount, currency }) => (
          <div key={currency}>
            <dt>Credit balance</dt>
            <dd>{money(amount, currency)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

const SUBSCRIPTION_COLUMNS: readonly Column<Subscription>[] = [
  { title: "Plan", cell: ({ plan }) => plan.name },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  { title: "Price", isFigure: true, cell: ({ plan }) => money(plan.priceAmount, plan.currency) },
  {
    title: "Period",
    isMinor: true,
    cell: ({ currentPeriodStart, currentPeriodEnd }) =>
      currentPeriodStart === undefined || currentPeriodEnd === undefined ? (
        "–"
      ) : (
        <>
          <Time at={currentPeriodStart} day /> – <Time at={currentPeriodEnd} day />
        </>
      ),
  },
  { title: "Ahead", cell: (subscription) => <Ahead {...subscription} /> },
];

function Subscriptions({ reference, subscriptions }: { reference: string; subscriptions: readonly Subscription[] }) {
  const [isMaking, setMaking] = useState(false);
  return (
    <Card
      title="Subscriptions"
      action={
        <button type="button" class="button small" onClick={() => setMaking(true)}>
          Subscribe
        </button>
      }
    >
      {isMaking ? (
        <NewSubscription
          customer={reference}
          onClose={() => setMaking(false)}
          onDone={({ subscription }) => navigate(`/subscriptions/${subscription.id}`)}
        />
      ) : null}
      {subscriptions.length === 0 ? (
        <Empty title="No subscription">
          Without one they have access to nothing, and what they use is only observed.
        </Empty>
      ) : (
        <Table
          label="Subscriptions"
          columns={SUBSCRIPTION_COLUMNS}
          rows={subscriptions}
          keyOf={({ id }) => id}
          href={({ id }) => `/subscriptions/${id}`}
        />
      )}
    </Card>
  );
}

const POOL_COLUMNS: readonly Column<Pool>[] = [
  { title: "Pool", cell: ({ name }) => name },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  { title: "Balance", isFigure: true, cell: ({ balance }) => <strong>{count(balance)}</strong> },
  { title: "Held", isFigure: true, isMinor: true, cell: ({ held }) => count(held) },
  { title: "Granted", isFigure: true, cell: ({ totalGranted }) => count(totalGranted) },
  { title: "Used", isFigure: true, cell: ({ totalConsumed }) => count(totalConsumed) },
  { title: "At 0", isMinor: true, cell: ({ hardLimit }) => (hardLimit ? "refuses" : "bills by price") },
];

function Pools({ reference, pools }: { reference: string; pools: readonly Pool[] }) {
  return (
    <Card title="Credit pools">
      {pools.length === 0 ? (
        <Empty title="No credits">A plan with credits, or a grant, makes a pool.</Empty>
      ) : (
        <Table
          label="Credit pools"
          columns={POOL_COLUMNS}
          rows={pools}
          keyOf={({ id }) => id}
          href={({ id }) => `/credits/pools/${reference}/${id}`}
        />
      )}
    </Card>
  );
}
