import type { ComponentChildren } from "preact";
import { useAsk } from "../../api.ts";
import { money } from "../../format.ts";
import { invoiceOwner } from "../../invoice-owner.ts";
import { hrefOf } from "../../router.ts";
import { Card } from "../../ui/parts.tsx";
import { Failure } from "../../ui/states.tsx";
import type { Invoice, LimitsNear, OperationsStatus, Page, Pool, Portfolio } from "../../wire.ts";
import { poolPath } from "../credits/pools.tsx";
import { customerName } from "../customer-link.tsx";

/** What somebody should look at, worst first. What is fine is not mentioned. */

/** Names told before the rest is a number. */
const NAMED_MAX = 3;

type Matter = { tone: "bad" | "warn"; title: string; told: ComponentChildren };

export function Attention({ portfolio }: { portfolio: Portfolio }) {
  const pastDue = useAsk<Page<Invoice>>("/api/v1/monetization/billing/invoices?status=PAST_DUE&limit=200");
  const pools = useAsk<Page<Pool>>(`/api/v1/monetization/credits/pools?low=true&limit=${NAMED_MAX}`);
  const limits = useAsk<LimitsNear>("/api/v1/analytics/limits");
  const ops = useAsk<OperationsStatus>("/api/v1/ops/status");
  const matters = [
    ...marginMatters(portfolio),
    ...(pastDue.data === undefined ? [] : invoiceMatters(pastDue.data)),
    ...limitMatters(limits.data?.items ?? []),
    ...(pools.data === undefined ? [] : poolMatters(pools.data)),
    ...opsMatters(ops.data),
  ].sort((a, b) => Number(b.tone === "bad") - Number(a.tone === "bad"));
  const asked = [pastDue, pools, limits, ops];
  const failed = asked.find(({ problem }) => problem !== undefined);
  const isKnown = asked.every(({ data }) => data !== undefined);
  return (
    <Card title="What needs attention">
      {failed?.problem === undefined ? null : (
        <Failure
          problem={failed.problem}
          again={() => {
            for (const one of asked) one.again();
          }}
        />
      )}
      {matters.length === 0 ? (
        failed === undefined ? (
          <p class="state quiet">{isKnown ? "Nothing: all is well." : "Looking…"}</p>
        ) : null
      ) : (
        <ul class="matters">
          {matters.map(({ tone, title, told }) => (
            <li key={title} class={tone}>
              <strong>{title}</strong>
              <span>{told}</span>
            </li>
          ))}
        </ul>
      )}
      <LimitsLookedAt limits={limits.data} />
    </Card>
  );
}

/** Counters are the customers' own, so not all of them are asked: what was not looked at must not pass for well. */
function LimitsLookedAt({ limits }: { limits: LimitsNear | undefined }) {
  if (limits === undefined || limits.complete) return null;
  return (
    <p class="card-note quiet">
      Limits: those of the {limits.customersAsked} customers who sent events last were looked at.
    </p>
  );
}

function customerLink(ref: string, name: string): ComponentChildren {
  return (
    <a key={ref} href={`/console/customers/${encodeURIComponent(ref)}`}>
      {name}
    </a>
  );
}

/** Links with commas between them, and how many more there are. */
function listed(links: readonly ComponentChildren[], total = links.length): ComponentChildren {
  const named = links.slice(0, NAMED_MAX);
  const shown = named.flatMap((link, at) => (at === 0 ? [link] : [", ", link]));
  return total > named.length ? [...shown, ` and ${total - named.length} more`] : shown;
}

function many(n: number, one: string, more: string): string {
  return n === 1 ? `1 ${one}` : `${n} ${more}`;
}

function marginMatters({ customers, totals, summary, currency }: Portfolio): Matter[] {
  // The list is cut, the counts are not.
  const { underwater = 0 } = summary.customersByStatus;
  const losing = customers.filter(({ marginStatus }) => marginStatus === "underwater");
  const links = losing.map(({ customerReferenceId, customerId, customerName }) =>
    customerLink(customerReferenceId ?? customerId, customerName),
  );
  return [
    ...(underwater === 0
      ? []
      : [
          {
            tone: "bad" as const,
            title: many(underwater, "customer under water", "customers under water"),
            told: listed(links, underwater),
          },
        ]),
    ...(summary.suspendedCount === 0
      ? []
      : [
          {
            tone: "bad" as const,
            title: many(summary.suspendedCount, "subscription suspended", "subscriptions suspended"),
            told: (
              <>
                {money(summary.suspendedMrr, currency)} a month do not come in.{" "}
                <a href={hrefOf("/subscriptions?status=SUSPENDED")}>Show them</a>
              </>
            ),
          },
        ]),
    ...(summary.pendingCancelCount === 0
      ? []
      : [
          {
            tone: "warn" as const,
            title: many(summary.pendingCancelCount, "cancellation ahead", "cancellations ahead"),
            told: (
              <>
                {money(summary.pendingCancelMrr, currency)} a month will leave.{" "}
                <a href={hrefOf("/subscriptions?show=cancellations")}>Show them</a>
              </>
            ),
          },
        ]),
    ...(totals.costUnknownEvents === 0
      ? []
      : [
          {
            tone: "warn" as const,
            title: many(totals.costUnknownEvents, "event of unknown cost", "events of unknown cost"),
            told: (
              <>
                The margin is smaller than it looks:{" "}
                <a class="in-text" href={hrefOf("/models")}>
                  give their models a rate
                </a>
                .
              </>
            ),
          },
        ]),
  ];
}

function invoiceMatters({ items: invoices, pagination: { total, hasMore } }: Page<Invoice>): Matter[] {
  if (invoices.length === 0) return [];
  const owners = new Map(
    invoices.flatMap((invoice) => {
      const owner = invoiceOwner(invoice);
      return owner === undefined ? [] : [[owner.ref, owner.name] as const];
    }),
  );
  const links = [...owners].map(([ref, name]) => customerLink(ref, name));
  const title = many(total, "invoice past due", "invoices past due");
  const all = <a href={hrefOf("/invoices?status=PAST_DUE")}>Show them</a>;
  return [
    {
      tone: "bad",
      title,
      told: (
        <>
          {/* Whose the others are is not known here, so those cannot be counted. */}
          {hasMore ? [...links.slice(0, NAMED_MAX).flatMap((link) => [link, ", "]), "and others"] : listed(links)}.{" "}
          {all}
        </>
      ),
    },
  ];
}

/** Who is at a limit already is refused; who is near it will be. */
function limitMatters(items: LimitsNear["items"]): Matter[] {
  const matter = (those: LimitsNear["items"], title: string, tone: Matter["tone"]): Matter[] => {
    const byCustomer = new Map(those.map((item) => [item.customerId, item]));
    const links = [...byCustomer.values()].map(({ customerReferenceId, customerId, customerName, featureKey }) => (
      <a
        key={customerId}
        href={hrefOf(
          `/customers/${encodeURIComponent(customerReferenceId ?? customerId)}?why=${encodeURIComponent(featureKey)}`,
        )}
      >
        {customerName}
      </a>
    ));
    return those.length === 0 ? [] : [{ tone, title, told: listed(links) }];
  };
  const reached = items.filter(({ usedPercent }) => usedPercent >= 100);
  const near = items.filter(({ usedPercent }) => usedPercent < 100);
  return [
    ...matter(reached, many(reached.length, "usage limit reached", "usage limits reached"), "bad"),
    ...matter(near, many(near.length, "usage limit near", "usage limits near"), "warn"),
  ];
}

function poolMatters({ items: pools, pagination: { total } }: Page<Pool>): Matter[] {
  if (total === 0) return [];
  const links = pools.map((pool) => (
    <a key={pool.id} href={hrefOf(poolPath(pool))}>
      {pool.customer === undefined ? pool.name : customerName({ id: pool.customerId, ...pool.customer })}
    </a>
  ));
  return [
    {
      tone: "warn",
      title: many(total, "credit pool nearly dry", "credit pools nearly dry"),
      told: (
        <>
          {listed(links, total)}. <a href={hrefOf("/credits?status=NEARLY_DRY")}>Show {total === 1 ? "it" : "them"}</a>
        </>
      ),
    },
  ];
}

function opsMatters(ops: OperationsStatus | undefined): Matter[] {
  if (ops === undefined) return [];
  return [
    ...(ops.quarantinedObjects === 0
      ? []
      : [
          {
            tone: "bad" as const,
            title: many(ops.quarantinedObjects, "customer quarantined", "customers quarantined"),
            told: (
              <>
                Their checks and payments wait for a repair:{" "}
                <a class="in-text" href={hrefOf("/settings/operations")}>
                  who
                </a>
                .
              </>
            ),
          },
        ]),
    ...(ops.parkedRows === 0
      ? []
      : [
          {
            tone: "warn" as const,
            title: many(ops.parkedRows, "delivery given up", "deliveries given up"),
            told: (
              <>
                Copies or payments that failed twenty times:{" "}
                <a class="in-text" href={hrefOf("/settings/operations")}>
                  whose
                </a>
                .
              </>
            ),
          },
        ]),
    ...(ops.failedWebhooks === 0
      ? []
      : [
          {
            tone: "warn" as const,
            title: many(ops.failedWebhooks, "webhook failed", "webhooks failed"),
            told: (
              <>
                Payments that Stripe told of may be missing:{" "}
                <a class="in-text" href={hrefOf("/settings/stripe?webhooks=FAILED")}>
                  what now
                </a>
                .
              </>
            ),
          },
        ]),
  ];
}
