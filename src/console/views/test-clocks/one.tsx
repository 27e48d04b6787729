import { useCallback, useEffect, useState } from "preact/hooks";
import { type Answered, useAsk } from "../../api.ts";
import { money } from "../../format.ts";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty, Failure, Loading } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Customer, TestClock as TestClockOf } from "../../wire.ts";
import { customerName, customerRef } from "../customer-link.tsx";
import { NewSubscription } from "../subscriptions/new.tsx";
import { AdvanceCard } from "./advance.tsx";
import { DeleteClock, JoinClock } from "./dialogs.tsx";
import { type Advance, WhatHappened } from "./happened.tsx";
import { FOLLOWED_MAX, type Followed, happenedBetween, type Snapshot, snapshotOf } from "./snapshot.ts";

/** One test clock: who lives by it, how far it goes next, and what happened on the way. */

const PATH = "/api/v1/test-clocks";

/** What happened by clock, for as long as the page is not loaded anew: whoever follows an invoice and comes back finds it still. */
const advancesOf = new Map<string, readonly Advance[]>();

export function TestClock({ id }: { id: string }) {
  const asked = useAsk<TestClockOf>(`${PATH}/${encodeURIComponent(id)}`);
  const [snapshot, setSnapshot] = useState<Answered<Snapshot>>();
  const [advances, setAdvances] = useState(advancesOf.get(id) ?? []);
  const [open, setOpen] = useState<"join" | "delete" | { subscribe: string }>();
  const look = useCallback(async () => {
    const read = await snapshotOf(id);
    setSnapshot(read);
    return read;
  }, [id]);
  useEffect(() => {
    look();
  }, [look]);
  const again = () => {
    asked.again();
    look();
  };
  const close = () => setOpen(undefined);
  return (
    <Answer asked={asked} what="the clock">
      {(clock) => (
        <>
          <div class="view-head">
            <div>
              <p class="crumbs">
                <a href="/console/test-clocks">Test clocks</a>
              </p>
              <h1>{clock.name ?? "A test clock"}</h1>
            </div>
            <div class="tools">
              <button type="button" class="button" onClick={() => setOpen("join")}>
                Add a customer
              </button>
              <button type="button" class="button danger" onClick={() => setOpen("delete")}>
                Delete
              </button>
            </div>
          </div>
          {clock.advancingTo === undefined ? null : (
            <p class="notice">
              <span>
                An advance to <Time at={clock.advancingTo} /> was interrupted, and some customers are there already.
                Advance to that instant, or a later one, to finish it.
              </span>
            </p>
          )}
          {snapshot === undefined ? (
            <Loading what="the clock's customers" />
          ) : !snapshot.ok ? (
            <Failure problem={snapshot.problem} again={look} />
          ) : (
            <div class="grid">
              <AdvanceCard
                clock={clock}
                snapshot={snapshot.data}
                onAdvanced={async (advanced) => {
                  const from = clock.frozenTime;
                  const after = await look();
                  asked.again();
                  const happened = after.ok ? happenedBetween(snapshot.data, after.data) : [];
                  const known = [{ from, clock: advanced, happened }, ...(advancesOf.get(id) ?? [])];
                  advancesOf.set(id, known);
                  setAdvances(known);
                }}
              />
              <Customers
                snapshot={snapshot.data}
                onJoin={() => setOpen("join")}
                onSubscribe={(reference) => setOpen({ subscribe: reference })}
              />
              <WhatHappened advances={advances} />
            </div>
          )}
          {open === "join" ? <JoinClock clock={clock} onClose={close} onDone={again} /> : null}
          {open === "delete" ? <DeleteClock clock={clock} onClose={close} /> : null}
          {typeof open === "object" ? (
            <NewSubscription customer={open.subscribe} onClose={close} onDone={again} />
          ) : null}
        </>
      )}
    </Answer>
  );
}

/** What is to be paid, by currency. */
function owed({ invoices }: Followed): string {
  const sums = new Map<string, number>();
  for (const { status, amount, currency } of invoices)
    if (status === "DUE" || status === "PAST_DUE") sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return sums.size === 0 ? "–" : [...sums].map(([currency, amount]) => money(amount, currency)).join(", ");
}

function Customers({
  snapshot: { followed, total },
  onJoin,
  onSubscribe,
}: {
  snapshot: Snapshot;
  onJoin: () => void;
  onSubscribe: (reference: string) => void;
}) {
  const columns: readonly Column<Followed>[] = [
    { title: "Customer", cell: ({ customer }) => customerName(customer) },
    { title: "Subscriptions", cell: ({ customer }) => <Bought customer={customer} onSubscribe={onSubscribe} /> },
    { title: "Owes", isFigure: true, cell: owed },
  ];
  return (
    <Card
      title="Who lives by it"
      action={
        <button type="button" class="button small" onClick={onJoin}>
          Add
        </button>
      }
    >
      {followed.length === 0 ? (
        <Empty title="Nobody yet">A customer joins a clock when it is made, and stays there.</Empty>
      ) : (
        <>
          <Table
            label="Customers"
            columns={columns}
            rows={followed}
            keyOf={({ customer }) => customer.id}
            href={({ customer }) => `/customers/${customerRef(customer)}`}
          />
          {total > FOLLOWED_MAX ? (
            <p class="quiet card-note">
              The newest {FOLLOWED_MAX} of {total} are followed here; all of them are advanced.
            </p>
          ) : null}
        </>
      )}
    </Card>
  );
}

function Bought({ customer, onSubscribe }: { customer: Customer; onSubscribe: (reference: string) => void }) {
  if (customer.subscriptions.length === 0)
    return (
      <button
        type="button"
        class="button small"
        aria-label={`Subscribe ${customerName(customer)}`}
        onClick={() => onSubscribe(customer.customerReferenceId ?? customer.id)}
      >
        Subscribe
      </button>
    );
  return (
    <ul class="said">
      {customer.subscriptions.map(({ id, plan, status }) => (
        <li key={id}>
          <a href={`/console/subscriptions/${id}`}>{plan.name}</a> <Badge state={status} />
        </li>
      ))}
    </ul>
  );
}
