import { useState } from "preact/hooks";
import { ask, download } from "../../api.ts";
import { count } from "../../format.ts";
import { FormDialog, TextField, textOf } from "../../ui/form.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import { say } from "../../ui/toast.tsx";
import type { Transaction } from "../../wire.ts";

/** Every credit that moved, newest first, with what was there after it. */

/** With its sign: credits that come are marked. */
export function Signed({ amount }: { amount: number }) {
  return <span class={amount > 0 ? "plus" : ""}>{amount > 0 ? `+${count(amount)}` : count(amount)}</span>;
}

/** What a transaction is about, beyond its kind. */
export function aboutOf({ description, metadata, eventId, reversedTransactionId }: Transaction) {
  if (description !== undefined) return description;
  const { usage_units: units, credits_per_unit: weight } = metadata;
  if (typeof units === "number" && typeof weight === "number")
    return `${count(units)} ${units === 1 ? "unit" : "units"} × ${count(weight)}`;
  if (reversedTransactionId !== undefined) return "takes a deduction back";
  return eventId === undefined ? "" : "an event";
}

export function Ledger({
  poolId,
  isChangeable,
  onDone,
}: {
  poolId: string;
  isChangeable: boolean;
  onDone: () => void;
}) {
  const [reversing, setReversing] = useState<Transaction>();
  const path = `/api/v1/monetization/credits/pools/${poolId}/transactions`;
  const columns: readonly Column<Transaction>[] = [
    {
      title: "When",
      cell: ({ createdAt }) => (
        <span class="when">
          <Time at={createdAt} />
        </span>
      ),
    },
    { title: "What", cell: ({ transactionType }) => <Badge state={transactionType} /> },
    { title: "About", isSpare: true, cell: aboutOf },
    { title: "Credits", isFigure: true, cell: ({ amount }) => <Signed amount={amount} /> },
    { title: "Balance", isFigure: true, cell: ({ balanceAfter }) => <strong>{count(balanceAfter)}</strong> },
    {
      title: "Action",
      cell: (transaction) =>
        isChangeable && transaction.transactionType === "DEDUCTION" ? (
          <button
            type="button"
            class="button small"
            aria-label={`Reverse ${count(-transaction.amount)}`}
            onClick={() => setReversing(transaction)}
          >
            Reverse
          </button>
        ) : null,
    },
  ];
  return (
    <Card
      title="Ledger"
      wide
      action={
        <button
          type="button"
          class="button small"
          onClick={async () => {
            if (!(await download(`${path}?format=csv`, `credit-transactions-${poolId}.csv`)))
              say("The ledger could not be fetched.");
          }}
        >
          CSV
        </button>
      }
    >
      <PagedTable<Transaction>
        path={path}
        what="transactions"
        columns={columns}
        keyOf={({ id }) => id}
        href={({ eventId }) => (eventId === undefined ? undefined : `/events?event=${eventId}`)}
        rows={15}
        offsetName="ledger"
        empty={<Empty title="Nothing moved yet">The first grant or charge is the first line.</Empty>}
      />
      {reversing === undefined ? null : (
        <Reverse transaction={reversing} onClose={() => setReversing(undefined)} onDone={onDone} />
      )}
    </Card>
  );
}

function Reverse({
  transaction: { id, amount, draws },
  onClose,
  onDone,
}: {
  transaction: Transaction;
  onClose: () => void;
  onDone: () => void;
}) {
  const [description, setDescription] = useState("");
  return (
    <FormDialog<Transaction>
      title="Reverse a deduction"
      submit={`Give ${count(-amount)} credits back`}
      done={(reversal) => `The pool has ${count(reversal.balanceAfter)} credits.`}
      send={() => {
        const query = textOf(description);
        const path = `/api/v1/monetization/credits/transactions/${id}/reverse`;
        return ask("POST", query === undefined ? path : `${path}?${new URLSearchParams({ description: query })}`);
      }}
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        {count(-amount)} credits go back to the{" "}
        {draws !== undefined && draws.length > 1 ? `${draws.length} grants` : "grant"} they came from. What went back to
        a grant that has expired meanwhile expires again at once. The deduction stays in the ledger, and can be reversed
        once.
      </p>
      <TextField
        label="Why"
        path="description"
        value={description}
        onChange={setDescription}
        hint="Shown in the ledger."
      />
    </FormDialog>
  );
}
