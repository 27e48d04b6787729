import { useState } from "preact/hooks";
import { ask, useAsk, withQuery } from "../../api.ts";
import { count, money, words } from "../../format.ts";
import { hrefOf, place, setQuery } from "../../router.ts";
import { Form, InstantField, instantOf } from "../../ui/form.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { LastReconciliation, Reconciliation } from "../../wire.ts";

/** Do our books and Stripe's say the same? Once a day this is asked by itself; here on demand. */

const PATH = "/api/v1/data/stripe/reconcile";
const ROWS = 25;

type Difference = LastReconciliation["items"][number];

const TONES: Record<Difference["severity"], string> = { CRITICAL: "underwater", WARNING: "at_risk", INFO: "off" };

const SAID: Record<string, string> = {
  PAID_THERE_ONLY: "Stripe has money for what is unpaid here",
  PAID_HERE_ONLY: "paid here, and Stripe has no money for it",
  UNKNOWN_PAYMENT: "money by our name for an attempt never made",
};

const COLUMNS: readonly Column<Difference>[] = [
  { title: "Difference", cell: ({ kind }) => SAID[kind] ?? words(kind) },
  { title: "Weight", cell: ({ severity }) => <Badge state={TONES[severity]} label={severity.toLowerCase()} /> },
  {
    title: "Invoice",
    isMinor: true,
    cell: ({ invoiceId }) =>
      invoiceId === undefined ? "–" : <a href={hrefOf(`/invoices/${invoiceId}`)}>{invoiceId.slice(0, 8)}</a>,
  },
  {
    title: "Here",
    isFigure: true,
    cell: ({ ours, currency }) => (ours === undefined ? "–" : money(ours, currency.toUpperCase())),
  },
  {
    title: "At Stripe",
    isFigure: true,
    cell: ({ theirs, currency }) => (theirs === undefined ? "–" : money(theirs, currency.toUpperCase())),
  },
];

export function Reconcile() {
  const offset = Number(place.value.query.get("differences") ?? 0);
  const asked = useAsk<LastReconciliation>(withQuery(PATH, { limit: ROWS, offset }));
  const [since, setSince] = useState("");
  const from = instantOf(since);
  return (
    <Card title="Compare the books with Stripe’s" wide>
      <Form<Reconciliation>
        submit="Compare now"
        send={() => ask("POST", PATH, from === undefined ? {} : { since: from })}
        done={({ state }) => (state === "RUNNING" ? "Not at the end yet: compare again to go on." : "Compared.")}
        onDone={asked.again}
      >
        <p>
          Each payment at Stripe is held against what its customer’s books say, and each invoice paid through Stripe
          against the payments there. Nothing is changed by comparing.
        </p>
        <InstantField
          label="Payments since"
          path="since"
          hint="Empty: the last 35 days."
          value={since}
          onChange={setSince}
        />
      </Form>
      <Answer asked={asked} what="the last comparison">
        {({ run, items, pagination }) =>
          run === undefined ? (
            <Empty title="Never compared yet" />
          ) : (
            <>
              <p class="card-note quiet">
                {run.state === "DONE" ? "Compared" : run.state === "FAILED" ? "Broke off" : "Under way"}{" "}
                <Time at={run.finishedAt ?? run.startedAt} />: {count(run.payments)} payments and {count(run.invoices)}{" "}
                invoices, {count(run.differences)} differences.{run.failure === undefined ? "" : ` ${run.failure}`}
              </p>
              {items.length === 0 ? null : (
                <>
                  <Table
                    label="Differences"
                    columns={COLUMNS}
                    rows={items}
                    keyOf={({ kind, invoiceId, paymentIntentId }) => `${kind} ${invoiceId} ${paymentIntentId}`}
                  />
                  <Pager
                    pagination={pagination}
                    onMove={(next) => setQuery({ differences: next === 0 ? undefined : String(next) })}
                  />
                </>
              )}
            </>
          )
        }
      </Answer>
    </Card>
  );
}
