import { useState } from "preact/hooks";
import { useAsk } from "../../api.ts";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Books as BooksOf } from "../../wire.ts";

/** The laws that must hold over all that was ever written of a customer, checked when one asks. */

type Law = BooksOf["laws"][number];

const COLUMNS: readonly Column<Law>[] = [
  { title: "Of", cell: ({ subject }) => `${subject.name ?? ""} ${subject.kind}`.trim() },
  {
    title: "Holds",
    cell: ({ holds }) => <Badge state={holds ? "PAID" : "denied"} label={holds ? "Holds" : "Broken"} />,
  },
  {
    title: "Law",
    isSpare: true,
    cell: ({ left, right }) => (
      <span class="wraps">
        {left.what} = {right.what}
      </span>
    ),
  },
  {
    title: "Values",
    isFigure: true,
    cell: ({ left, right, holds }) => `${left.value} ${holds ? "=" : "≠"} ${right.value}`,
  },
];

const FIRST_BREAK: Column<Law> = { title: "First break", cell: ({ firstBreak }) => firstBreak?.why ?? "" };

export function Books({ customerId }: { customerId: string }) {
  const [isAsked, setAsked] = useState(false);
  const asked = useAsk<BooksOf>(isAsked ? `/api/v1/monetization/customers/${customerId}/books` : undefined);
  return (
    <Card
      title="The customer's books"
      wide
      action={
        <button type="button" class="button small" onClick={() => (isAsked ? asked.again() : setAsked(true))}>
          {isAsked ? "Check again" : "Check the books"}
        </button>
      }
    >
      {!isAsked ? (
        <Empty title="Not checked on this page yet">
          A check holds balances, ledgers, counters and invoices against all that was ever written.
        </Empty>
      ) : (
        <Answer asked={asked} what="the books">
          {({ holds, laws, asOf }) => (
            <>
              <p class="card-note">
                <Badge
                  state={holds ? "PAID" : "denied"}
                  label={holds ? `All ${laws.length} laws hold` : "A law is broken"}
                />{" "}
                <span class="quiet">
                  as of <Time at={asOf} />
                </span>
              </p>
              <Table
                label="Laws"
                columns={holds ? COLUMNS : [...COLUMNS, FIRST_BREAK]}
                rows={laws}
                keyOf={({ law, subject }) => `${law} ${subject.kind} ${subject.id}`}
              />
            </>
          )}
        </Answer>
      )}
    </Card>
  );
}
