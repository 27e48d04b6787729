import { useAsk, useWhole } from "../../api.ts";
import { count, money } from "../../format.ts";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty, Failure, Loading } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Invoice, PlanVersion, Pool, Subscription } from "../../wire.ts";
import { customerRef } from "../customer-link.tsx";
import { Lines, ruleLines } from "../rule-words.tsx";
import { InvoiceSketch } from "./invoice-sketch.tsx";

/** What belongs to a subscription: what it gives, what was and will be billed, and the credits it draws from. */

/** The invoice of the period's end, if nothing more were used. */
export function Upcoming({ subscription: { id, customer, status } }: { subscription: Subscription }) {
  const isLive = status === "ACTIVE" || status === "SUSPENDED";
  const asked = useAsk<Invoice>(
    isLive ? `/api/v1/client/billing/invoices/${customerRef(customer)}/upcoming?subscriptionId=${id}` : undefined,
  );
  return (
    <Card title="Upcoming invoice">
      {!isLive ? (
        <Empty title={status === "CANCELLED" ? "Nothing more is billed" : "No period is open"} />
      ) : asked.data !== undefined ? (
        <div class="card-body">
          <InvoiceSketch invoice={asked.data} title="When the period ends, if nothing more is used" />
        </div>
      ) : asked.problem === undefined ? (
        <Loading what="the upcoming invoice" />
      ) : asked.problem.status === 404 ? (
        <Empty title="No period is open">A payment of what is due opens the next one.</Empty>
      ) : (
        <Failure problem={asked.problem} again={asked.again} />
      )}
    </Card>
  );
}

type RuleOf = PlanVersion["features"][number];

/** What the version that was bought gives; newer ones of the plan do not change it. */
export function Given({ subscription: { plan } }: { subscription: Subscription }) {
  const asked = useWhole<PlanVersion>(`/api/v1/monetization/plans/${plan.id}/versions`);
  const columns: readonly Column<RuleOf>[] = [
    { title: "Feature", cell: ({ featureKey }) => <code>{featureKey}</code> },
    { title: "Rule", cell: (rule) => <Lines lines={ruleLines(rule, plan.currency)} /> },
  ];
  return (
    <Card title={`What version ${plan.version} gives`}>
      <Answer asked={asked} what="the plan">
        {({ items }) => {
          const bought = items.find(({ version }) => version === plan.version);
          if (bought === undefined) return <Empty title="This version is no longer listed" />;
          return (
            <>
              <Table label="Features" columns={columns} rows={bought.features} keyOf={({ featureKey }) => featureKey} />
              {bought.creditAllocations.length === 0 ? null : (
                <ul class="said card-note">
                  {bought.creditAllocations.map(({ id, creditAmount, denomination, rolloverPolicy, rolloverCap }) => (
                    <li key={id}>
                      <strong>{count(creditAmount)}</strong> {denomination} with each period;{" "}
                      {rolloverPolicy === "NONE"
                        ? "what is left is gone at its end"
                        : rolloverPolicy === "FULL"
                          ? "what is left is carried over"
                          : `at most ${count(rolloverCap ?? 0)} are carried over`}
                    </li>
                  ))}
                </ul>
              )}
            </>
          );
        }}
      </Answer>
    </Card>
  );
}

const INVOICE_COLUMNS: readonly Column<Invoice>[] = [
  { title: "Number", cell: ({ number, type }) => number ?? (type === "CREDIT" ? "Credit" : "Not yet") },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  {
    title: "Period",
    isMinor: true,
    cell: ({ periodStart, periodEnd }) => (
      <>
        <Time at={periodStart} day /> – <Time at={periodEnd} day />
      </>
    ),
  },
  { title: "Amount", isFigure: true, cell: ({ amount, currency }) => money(amount, currency) },
];

export function Invoices({ subscription: { id } }: { subscription: Subscription }) {
  return (
    <Card title="Invoices">
      <PagedTable<Invoice>
        path="/api/v1/monetization/billing/invoices"
        query={{ subscriptionId: id }}
        what="invoices"
        offsetName="invoices"
        rows={12}
        columns={INVOICE_COLUMNS}
        keyOf={(invoice) => invoice.id}
        href={(invoice) => `/invoices/${invoice.id}`}
        empty={<Empty title="No invoice yet">The first one comes with the first period that has a price.</Empty>}
      />
    </Card>
  );
}

/** The pools that this one may draw from: linked to it, or to nobody. */
export function Pools({ subscription: { id, customer } }: { subscription: Subscription }) {
  const ref = customerRef(customer);
  const asked = useWhole<Pool>(`/api/v1/client/credits/${ref}/pools`);
  const columns: readonly Column<Pool>[] = [
    { title: "Pool", cell: ({ name }) => name },
    { title: "State", cell: ({ status }) => <Badge state={status} /> },
    {
      title: "Drawn here",
      isFigure: true,
      isMinor: true,
      cell: ({ subscriptions }) => {
        const link = subscriptions.find(({ subscriptionId }) => subscriptionId === id);
        if (link === undefined) return <span class="quiet">not linked</span>;
        return link.drawLimit === undefined ? count(link.drawn) : `${count(link.drawn)} of ${count(link.drawLimit)}`;
      },
    },
    { title: "Balance", isFigure: true, cell: ({ balance }) => count(balance) },
  ];
  return (
    <Card title="Credit pools it draws from">
      <Answer asked={asked} what="credit pools">
        {({ items }) => {
          const drawable = items.filter(
            ({ subscriptions, status }) =>
              status !== "ARCHIVED" &&
              (subscriptions.length === 0 || subscriptions.some(({ subscriptionId }) => subscriptionId === id)),
          );
          return drawable.length === 0 ? (
            <Empty title="No credits">
              <a href="/console/credits">Make a pool for the customer</a>
            </Empty>
          ) : (
            <Table
              label="Credit pools"
              columns={columns}
              rows={drawable}
              keyOf={(pool) => pool.id}
              href={(pool) => `/credits/pools/${ref}/${pool.id}`}
            />
          );
        }}
      </Answer>
    </Card>
  );
}
