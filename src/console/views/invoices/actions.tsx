import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { money } from "../../format.ts";
import { CopyButton } from "../../ui/copy.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Form, FormDialog } from "../../ui/form.tsx";
import { Choice, Time } from "../../ui/parts.tsx";
import type { CheckoutLink, Invoice } from "../../wire.ts";
import { INVOICES_PATH, nameOf } from "./words.ts";

/** What can be done with an invoice that waits for its money. Each says what it does before it is done. */

export type Action = "pay" | "void" | "link";

type Props = { invoice: Invoice; onClose: () => void; onDone: () => void };

export function ActionDialog({ action, ...props }: Props & { action: Action }) {
  switch (action) {
    case "pay":
      return <PayDialog {...props} />;
    case "void":
      return <VoidDialog {...props} />;
    case "link":
      return <LinkDialog {...props} />;
  }
}

function Effects({ items }: { items: readonly (ComponentChildren | undefined)[] }) {
  return (
    <ul class="effects" aria-label="What this does">
      {items.map((item, at) => (item === undefined ? null : <li key={at}>{item}</li>))}
    </ul>
  );
}

/** What the subscription waits for is this invoice. */
function isFirst({ type, subscription }: Invoice): boolean {
  return type === "IN_ADVANCE_INITIAL" && subscription?.status === "INCOMPLETE";
}

function PayDialog({ invoice, onClose, onDone }: Props) {
  const { amount, currency, subscription, type, checkoutUrl } = invoice;
  return (
    <FormDialog<Invoice>
      title={`Mark ${nameOf(invoice)} as paid`}
      submit="Mark as paid"
      send={() => ask("POST", `${INVOICES_PATH}/${invoice.id}/mark-paid`)}
      done={(paid) => `${nameOf(paid)} is paid.`}
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        Says that <strong>{money(amount, currency)}</strong> came to you by other ways than Stripe.
      </p>
      <Effects
        items={[
          "The invoice becomes Paid, for good: it can neither be void nor unpaid again.",
          isFirst(invoice)
            ? `${subscription?.plan.name} begins now, with its first period and the credits of the plan.`
            : undefined,
          type === "CREDIT" || subscription?.status !== "SUSPENDED"
            ? undefined
            : "The subscription is suspended: access comes back, unless another invoice is past due as well.",
          checkoutUrl === undefined
            ? undefined
            : "Its payment page is open. If somebody pays there all the same, the money is shown as overpaid.",
        ]}
      />
    </FormDialog>
  );
}

/** Whether usage is billed once more. */
type After = "drop" | "rebill";

function VoidDialog({ invoice, onClose, onDone }: Props) {
  const [after, setAfter] = useState<After>("drop");
  const { amount, currency, items, subscription } = invoice;
  const usage = items.filter(({ kind }) => kind === "USAGE").reduce((sum, { chargeAmount }) => sum + chargeAmount, 0);
  // Lines of the balance name no plan.
  const taken = items.filter(({ kind, planId }) => kind === "CREDIT" && planId === undefined);
  const fromBalance = -taken.reduce((sum, { chargeAmount }) => sum + chargeAmount, 0);
  const isLive = subscription !== undefined && subscription.status !== "CANCELLED";
  const canRebill = usage !== 0 && isLive && !isFirst(invoice);
  return (
    <FormDialog<Invoice>
      title={`Void ${nameOf(invoice)}`}
      submit={after === "rebill" ? "Void and bill its usage again" : "Void"}
      isDanger
      send={() => ask("POST", `${INVOICES_PATH}/${invoice.id}/void?rebill=${after === "rebill"}`)}
      done={(gone) => `${nameOf(gone)} is void.`}
      onClose={onClose}
      onDone={onDone}
    >
      {canRebill ? (
        <Choice<After>
          label="Its usage"
          options={[
            { value: "drop", label: "Give the usage away" },
            { value: "rebill", label: "Bill the usage again" },
          ]}
          value={after}
          onChange={setAfter}
        />
      ) : null}
      <Effects
        items={[
          <>
            Nobody has to pay the <strong>{money(amount, currency)}</strong> any more. This cannot be undone.
          </>,
          usage === 0
            ? undefined
            : after === "rebill"
              ? `${money(usage, currency)} of usage goes onto the subscription's next invoice.`
              : `${money(usage, currency)} of usage is never billed.`,
          fromBalance > 0
            ? `${money(fromBalance, currency)} that it took from the customer's balance goes back there.`
            : undefined,
          isFirst(invoice)
            ? `${subscription?.plan.name} was never paid: the subscription is cancelled with it.`
            : subscription?.status === "SUSPENDED"
              ? "The subscription is suspended: access comes back, unless another invoice is past due as well."
              : isLive
                ? "The subscription goes on."
                : undefined,
          "It keeps its number: there is no gap.",
        ]}
      />
    </FormDialog>
  );
}

function LinkDialog({ invoice, onClose, onDone }: Props) {
  const [link, setLink] = useState<CheckoutLink>();
  return (
    <Dialog title={`Payment link for ${nameOf(invoice)}`} onClose={onClose}>
      {link === undefined ? (
        <Form<CheckoutLink>
          submit="Get the link"
          send={() => ask("POST", `${INVOICES_PATH}/${invoice.id}/checkout-link`)}
          onDone={(made) => {
            setLink(made);
            onDone();
          }}
        >
          <p>
            Stripe opens a page on which <strong>{money(invoice.amount, invoice.currency)}</strong> can be paid. Whoever
            has the link can pay; when the money is there, the invoice is paid by itself. There is one page at a time.
          </p>
        </Form>
      ) : (
        <div class="form">
          <p class="link-shown">
            <a href={link.url} target="_blank" rel="noopener noreferrer">
              {link.url}
            </a>{" "}
            <CopyButton text={link.url} what="the link" />
          </p>
          {link.expiresAt === undefined ? null : (
            <p class="quiet">
              Open until <Time at={link.expiresAt} />.
            </p>
          )}
        </div>
      )}
    </Dialog>
  );
}
