import { count, money, words } from "../../format.ts";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import type { AdvancedClock } from "../../wire.ts";
import { CustomerLink, customerRef } from "../customer-link.tsx";
import type { Happened } from "./snapshot.ts";

/** What an advance did: in all, and to each customer that is followed. */

export type Advance = { from: string; clock: AdvancedClock; happened: readonly Happened[] };

/** So many of a thing; nothing at all where there are none. */
function many(n: number, one: string, several: string): string[] {
  return n === 0 ? [] : [`${count(n)} ${n === 1 ? one : several}`];
}

function sumWords({ settled }: AdvancedClock): string {
  const { customers, periods, invoices, grants, expirations } = settled;
  if (customers === 0) return "Nothing fell due.";
  const parts = [
    ...many(periods, "period ended", "periods ended"),
    ...many(invoices, "invoice became due", "invoices became due"),
    ...many(grants, "grant of credits", "grants of credits"),
    ...many(expirations, "grant or reservation expired", "grants or reservations expired"),
  ];
  const whom = many(customers, "customer", "customers").join("");
  return parts.length === 0 ? `Something fell due for ${whom}.` : `For ${whom}: ${parts.join(", ")}.`;
}

export function WhatHappened({ advances }: { advances: readonly Advance[] }) {
  return (
    <Card title="What happened" wide>
      {advances.length === 0 ? (
        <Empty title="Nothing yet">Advance the clock, and each change of each customer is told here.</Empty>
      ) : (
        <ul class="advances" aria-live="polite">
          {advances.map((advance) => (
            <li key={`${advance.from} ${advance.clock.frozenTime}`}>
              <h3>
                <Time at={advance.from} /> to <Time at={advance.clock.frozenTime} />
              </h3>
              <p class="quiet">{sumWords(advance.clock)}</p>
              {advance.happened.map((one) => (
                <OfCustomer key={one.customer.id} {...one} />
              ))}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function OfCustomer({ customer, invoices, subscriptions, pools }: Happened) {
  return (
    <div class="advance-of">
      <CustomerLink customer={customer} />
      <ul class="said">
        {subscriptions.map(({ subscription, was }) => (
          <li key={subscription.id}>
            <a href={`/console/subscriptions/${subscription.id}`}>{subscription.plan.name}</a>
            {was.plan.id === subscription.plan.id ? "" : ` instead of ${was.plan.name}`}
            {was.status === subscription.status ? null : (
              <>
                : {words(was.status)} to <Badge state={subscription.status} />
              </>
            )}
            {subscription.status === "CANCELLED" || was.currentPeriodEnd === subscription.currentPeriodEnd ? null : (
              <>
                , its period now ends <Time at={subscription.currentPeriodEnd} day />
              </>
            )}
          </li>
        ))}
        {invoices.toReversed().map(({ invoice, was }) => (
          <li key={invoice.id}>
            <a href={`/console/invoices/${invoice.id}`}>{invoice.number ?? "Invoice"}</a> of{" "}
            {money(invoice.amount, invoice.currency)}
            {was === undefined ? " is " : `: ${words(was)} to `}
            <Badge state={invoice.status} />
          </li>
        ))}
        {pools.map(({ pool, was }) => (
          <li key={pool.id}>
            <a href={`/console/credits/pools/${customerRef(customer)}/${pool.id}`}>{pool.name}</a>: {count(was)} to{" "}
            <strong>{count(pool.balance)}</strong> credits
          </li>
        ))}
      </ul>
    </div>
  );
}
