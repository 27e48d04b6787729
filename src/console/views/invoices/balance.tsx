import { useState } from "preact/hooks";
import { ask, download, useAsk, withQuery } from "../../api.ts";
import { money } from "../../format.ts";
import { place, setQuery } from "../../router.ts";
import { FormDialog, NumberField, numberOf, SelectField, TextField, textOf } from "../../ui/form.tsx";
import { Card, Choice, Figure, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import { say } from "../../ui/toast.tsx";
import type { BalanceEntry, Balance as BalanceOf, Customer } from "../../wire.ts";

/** A customer's money balance: what they are owed, below 0 what they owe, each entry that made it so, and paying a part of it out. */

const PAGE_ROWS = 25;

const KINDS: { [K in BalanceEntry["kind"]]: string } = {
  CREDIT_INVOICE: "A credit invoice",
  REMAINDER: "What an invoice left below 0",
  VOIDED: "Given back by a void invoice",
  APPLIED: "Taken by an invoice",
  CORRECTION: "Usage taken back after the end",
  PAYOUT: "Paid out",
  CARRIED: "Too little to be collected",
};

const COLUMNS: readonly Column<BalanceEntry>[] = [
  { title: "When", cell: ({ createdAt }) => <Time at={createdAt} /> },
  { title: "Why", cell: ({ kind }) => KINDS[kind] },
  {
    title: "Invoice",
    isMinor: true,
    cell: ({ invoiceId }) =>
      invoiceId === undefined ? (
        <span class="quiet">–</span>
      ) : (
        <a href={`/console/invoices/${invoiceId}`}>Open the invoice</a>
      ),
  },
  { title: "Reference", isMinor: true, cell: ({ reference }) => reference ?? <span class="quiet">–</span> },
  {
    title: "Amount",
    isFigure: true,
    cell: ({ amount, currency }) => `${amount > 0 ? "+" : ""}${money(amount, currency)}`,
  },
  {
    title: "Balance after",
    isFigure: true,
    cell: ({ balanceAfter, currency }) => <strong>{money(balanceAfter, currency)}</strong>,
  },
];

export function Balance({ id }: { id: string }) {
  const ref = encodeURIComponent(id);
  const path = `/api/v1/monetization/customers/${ref}/balance`;
  const offset = Number(place.value.query.get("offset") ?? 0);
  const customer = useAsk<Customer>(`/api/v1/client/customers/${ref}`);
  const asked = useAsk<BalanceOf>(withQuery(path, { limit: PAGE_ROWS, offset }));
  const [isPaying, setPaying] = useState(false);
  const owed = (asked.data?.balances ?? []).filter(({ amount }) => amount > 0);
  const get = async () => {
    if (!(await download(`${path}?format=csv`, `balance-${id}.csv`))) say("The file did not come. Try again.");
  };
  return (
    <>
      <div class="view-head">
        <div>
          <p class="crumbs">
            <a href="/console/customers">Customers</a> /{" "}
            <a href={`/console/customers/${ref}`}>{customer.data?.displayName ?? id}</a>
          </p>
          <h1>Balance</h1>
        </div>
        <div class="tools">
          <button type="button" class="button" onClick={get}>
            CSV
          </button>
          <button type="button" class="button main" disabled={owed.length === 0} onClick={() => setPaying(true)}>
            Pay out
          </button>
        </div>
      </div>
      <Answer asked={asked} what="the balance">
        {({ balances, entries }) => (
          <>
            {balances.length === 0 ? null : (
              <dl class="figures few">
                {balances.map(({ currency, amount }) => (
                  <Figure
                    key={currency}
                    label={amount >= 0 ? "Owed to the customer" : "Owed by the customer"}
                    value={money(Math.abs(amount), currency)}
                    note={amount >= 0 ? "the next invoice takes it first" : "the next invoice asks for it"}
                  />
                ))}
              </dl>
            )}
            <Card title="Ledger, newest first" wide>
              {entries.items.length === 0 ? (
                <Empty title="Nothing was ever owed">
                  Credit invoices, void invoices and corrections of billed usage come here.
                </Empty>
              ) : (
                <>
                  <Table label="Ledger" columns={COLUMNS} rows={entries.items} keyOf={({ id: entry }) => entry} />
                  <Pager
                    pagination={entries.pagination}
                    onMove={(next) => setQuery({ offset: next === 0 ? undefined : String(next) })}
                  />
                </>
              )}
            </Card>
          </>
        )}
      </Answer>
      {isPaying ? (
        <PayOut path={path} owed={owed} onClose={() => setPaying(false)} onDone={() => asked.again()} />
      ) : null}
    </>
  );
}

type Method = "RECORDED" | "REFUND";

function PayOut({
  path,
  owed,
  onClose,
  onDone,
}: {
  path: string;
  owed: BalanceOf["balances"];
  onClose: () => void;
  onDone: () => void;
}) {
  const [currency, setCurrency] = useState(owed[0]?.currency ?? "");
  const [amount, setAmount] = useState(String(owed[0]?.amount ?? ""));
  const [reference, setReference] = useState("");
  const [method, setMethod] = useState<Method>("RECORDED");
  // One payout per open dialog: a second click, or a lost answer, pays nothing twice.
  const [key] = useState(() => crypto.randomUUID());
  const balance = owed.find((one) => one.currency === currency)?.amount ?? 0;
  const typed = numberOf(amount);
  const left = typeof typed === "number" && typed > 0 && typed <= balance ? balance - typed : undefined;
  return (
    <FormDialog<BalanceEntry>
      title="Pay out"
      submit={method === "REFUND" ? "Refund through Stripe" : "Record the payout"}
      send={() =>
        ask("POST", `${path}/payout`, {
          currency,
          amount: typed,
          method,
          reference: textOf(reference),
          idempotencyKey: key,
        })
      }
      done={(entry) => `${money(-entry.amount, entry.currency)} paid out.`}
      onClose={onClose}
      onDone={onDone}
    >
      <Choice<Method>
        label="How"
        options={[
          { value: "RECORDED", label: "You sent it yourself" },
          { value: "REFUND", label: "Refund through Stripe" },
        ]}
        value={method}
        onChange={setMethod}
      />
      <div class="form-row">
        <NumberField label="Amount" path="amount" value={amount} onChange={setAmount} />
        <SelectField
          label="Currency"
          path="currency"
          value={currency}
          onChange={(value) => {
            setCurrency(value);
            setAmount(String(owed.find((one) => one.currency === value)?.amount ?? ""));
          }}
          options={owed.map((one) => ({ value: one.currency, label: one.currency }))}
        />
      </div>
      <TextField
        label="Reference"
        path="reference"
        value={reference}
        onChange={setReference}
        hint="Your own note, such as the transfer's reference."
      />
      <ul class="effects" aria-label="What this does">
        <li>
          {left === undefined
            ? `At most ${money(balance, currency)} is owed.`
            : `The balance goes from ${money(balance, currency)} to ${money(left, currency)}.`}
        </li>
        <li>
          {method === "REFUND"
            ? "Stripe gives it back on the newest payment that has so much left. Where Stripe refuses it, the balance has it again."
            : "Nothing is sent: this records what you paid by other ways."}
        </li>
      </ul>
    </FormDialog>
  );
}
