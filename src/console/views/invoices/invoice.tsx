import { useState } from "preact/hooks";
import { download, useAsk } from "../../api.ts";
import { money } from "../../format.ts";
import { invoiceOwner } from "../../invoice-owner.ts";
import { Badge, Card, Fact, Figure, Time } from "../../ui/parts.tsx";
import { Answer, Failure, Loading } from "../../ui/states.tsx";
import { say } from "../../ui/toast.tsx";
import type { ExplainedInvoice, Invoice as InvoiceOf } from "../../wire.ts";
import { type Action, ActionDialog } from "./actions.tsx";
import { Lines } from "./lines.tsx";
import { INVOICES_PATH, isOpen, nameOf, PAID_BY, TYPES } from "./words.ts";

/** One invoice: what is on it, why it is what it is, how it is paid, and what can be done with it. */
export function Invoice({ id }: { id: string }) {
  const path = `${INVOICES_PATH}/${encodeURIComponent(id)}`;
  const asked = useAsk<InvoiceOf>(path);
  const explained = useAsk<ExplainedInvoice>(`${path}/explain`);
  const [action, setAction] = useState<Action>();
  const again = () => {
    asked.again();
    explained.again();
  };
  return (
    <Answer asked={asked} what="the invoice">
      {(invoice) => (
        <>
          <div class="view-head">
            <div>
              <p class="crumbs">
                <a href="/console/invoices">Invoices</a>
              </p>
              <h1>{nameOf(invoice)}</h1>
            </div>
            <div class="tools">
              <Badge state={invoice.status} />
              {isOpen(invoice) ? <OpenTools onChoose={setAction} /> : null}
              <a class="button" href={`${path}/html`} target="_blank" rel="noopener">
                Print view
              </a>
              <button type="button" class="button" onClick={() => getPdf(path, invoice)}>
                PDF
              </button>
            </div>
          </div>
          <Figures invoice={invoice} />
          <div class="grid">
            <Card title="Lines, and why they are what they are" wide>
              <Lines invoice={invoice} explained={explained.data?.items} hasFailed={explained.problem !== undefined} />
            </Card>
            <Card title="Replay">
              {explained.problem !== undefined ? (
                <Failure problem={explained.problem} again={explained.again} />
              ) : explained.data === undefined ? (
                <Loading what="the replay" />
              ) : (
                <Replay explained={explained.data} />
              )}
            </Card>
            <Payment invoice={invoice} />
            <Party
              title="Sold by"
              party={invoice.seller}
              none="Frozen when it becomes due: as the settings say then."
            />
            <Party
              title="Bought by"
              party={invoice.buyer}
              none="Frozen when it becomes due: as the customer is then."
            />
          </div>
          {action === undefined ? null : (
            <ActionDialog action={action} invoice={invoice} onClose={() => setAction(undefined)} onDone={again} />
          )}
        </>
      )}
    </Answer>
  );
}

async function getPdf(path: string, { number, id }: InvoiceOf): Promise<void> {
  if (!(await download(`${path}/pdf`, `${number ?? id}.pdf`))) say("The PDF did not come. Try again.");
}

function OpenTools({ onChoose }: { onChoose: (action: Action) => void }) {
  return (
    <>
      <button type="button" class="button main" onClick={() => onChoose("pay")}>
        Mark as paid
      </button>
      <button type="button" class="button" onClick={() => onChoose("link")}>
        Payment link
      </button>
      <button type="button" class="button" onClick={() => onChoose("void")}>
        Void
      </button>
    </>
  );
}

function Figures({ invoice }: { invoice: InvoiceOf }) {
  const { amount, tax, currency, dueDate, status, type, periodStart, periodEnd } = invoice;
  return (
    <dl class="figures four">
      <Figure
        label={amount < 0 ? "Given back" : "Total"}
        value={money(Math.abs(amount), currency)}
        note={tax === 0 ? undefined : `${money(tax, currency)} of it tax`}
      />
      <div class="figure">
        <dt>Customer</dt>
        <dd class="figure-value">
          <Owner invoice={invoice} />
        </dd>
        {invoice.subscription === undefined ? (
          <dd class="quiet">a purchase of credits</dd>
        ) : (
          <dd class="quiet">
            <a href={`/console/subscriptions/${invoice.subscription.id}`}>{invoice.subscription.plan.name}</a>, version{" "}
            {invoice.subscription.plan.version}
          </dd>
        )}
      </div>
      <div class="figure">
        <dt>{status === "PENDING" ? "Will be due" : "Due"}</dt>
        <dd class="figure-value">
          <Time at={dueDate} day />
        </dd>
        <dd class="quiet">
          {invoice.terms === undefined
            ? TYPES[type]
            : `${TYPES[type]} · ${invoice.terms.gracePeriodDays} days of grace`}
        </dd>
      </div>
      <div class="figure">
        <dt>Period</dt>
        <dd class="figure-value">
          <Time at={periodStart} day />
        </dd>
        <dd class="quiet">
          until <Time at={periodEnd} day />
        </dd>
      </div>
    </dl>
  );
}

function Owner({ invoice }: { invoice: InvoiceOf }) {
  const owner = invoiceOwner(invoice);
  return owner === undefined ? (
    <span>{invoice.buyer?.name ?? "–"}</span>
  ) : (
    <a href={`/console/customers/${encodeURIComponent(owner.ref)}`}>{owner.name}</a>
  );
}

function Replay({ explained: { replay, items } }: { explained: ExplainedInvoice }) {
  const { matches, firstDifference } = replay;
  const line = items.find(({ id }) => id === firstDifference?.itemId);
  return (
    <>
      <div class={matches ? "verdict good" : "verdict bad"}>
        <Badge state={matches ? "allowed" : "denied"} label={matches ? "Matches" : "Differs"} />
        <p>
          {matches
            ? "Made again from the plan versions, the closed usage and the events as they are stored now, it comes to the same."
            : "Made again from what is stored now, it comes to something else. This is the first difference:"}
        </p>
      </div>
      {firstDifference === undefined ? null : (
        <dl class="facts">
          {line === undefined ? null : <Fact name="Line">{line.description}</Fact>}
          <Fact name="What">{firstDifference.what}</Fact>
          <Fact name="Stored">{firstDifference.stored}</Fact>
          <Fact name="Made again">{firstDifference.replayed}</Fact>
        </dl>
      )}
    </>
  );
}

const STANDINGS: { [S in InvoiceOf["status"]]: string } = {
  DRAFT: "a forecast, stored nowhere",
  PENDING: "open: it becomes due when its period ends",
  DUE: "waits for its money",
  PAST_DUE: "its grace is over: it suspends the subscription until it is paid or void",
  PAID: "paid",
  VOID: "void: nobody has to pay it",
  CANCELLED: "cancelled with its subscription",
};

function Payment({ invoice }: { invoice: InvoiceOf }) {
  const { status, paidAt, paidBy, currency, refundedAmount, overpaid, checkoutUrl, paymentProcessing } = invoice;
  const owner = invoiceOwner(invoice);
  return (
    <Card
      title="Payment"
      action={
        owner === undefined ? null : (
          <a href={`/console/customers/${encodeURIComponent(owner.ref)}/balance`}>The customer's balance</a>
        )
      }
    >
      <dl class="facts">
        <Fact name="Standing">{STANDINGS[status]}</Fact>
        {paidAt === undefined ? null : (
          <Fact name="Paid">
            <Time at={paidAt} />
            {paidBy === undefined ? null : `, ${PAID_BY[paidBy]}`}
          </Fact>
        )}
        {paymentProcessing === true ? <Fact name="On its way">Money is on its way, which may take days.</Fact> : null}
        {checkoutUrl === undefined ? null : (
          <Fact name="Open page">
            <a href={checkoutUrl} target="_blank" rel="noopener noreferrer">
              {checkoutUrl}
            </a>
          </Fact>
        )}
        {refundedAmount === undefined ? null : <Fact name="Refunded">{money(refundedAmount, currency)}</Fact>}
        {overpaid === undefined ? null : (
          <Fact name="Overpaid">
            {money(overpaid.amount, currency)},{" "}
            {overpaid.state === "OPEN"
              ? "still with you, to be given back"
              : `${money(overpaid.refundedAmount, currency)} given back`}
          </Fact>
        )}
        <Fact name="Id">
          <code>{invoice.id}</code>
        </Fact>
      </dl>
    </Card>
  );
}

type PartyOf = NonNullable<InvoiceOf["seller"]> & NonNullable<InvoiceOf["buyer"]>;

function Party({ title, party, none }: { title: string; party: Partial<PartyOf> | undefined; none: string }) {
  const facts: readonly [string, string | undefined][] = [
    ["Name", party?.name],
    ["Address", party?.address],
    ["Tax id", party?.taxId],
    ["Email", party?.email],
    ["Phone", party?.phoneNumber],
    ["Reference", party?.referenceId],
    ["Small print", party?.footer],
  ];
  const said = facts.filter(([, value]) => value !== undefined && value !== "");
  return (
    <Card title={title}>
      {said.length === 0 ? (
        <p class="state quiet">{none}</p>
      ) : (
        <dl class="facts">
          {said.map(([name, value]) => (
            <Fact key={name} name={name}>
              <span class="multiline">{value}</span>
            </Fact>
          ))}
        </dl>
      )}
    </Card>
  );
}
