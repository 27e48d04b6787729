import { useState } from "preact/hooks";
import { ask, useAsk } from "../../api.ts";
import { money } from "../../format.ts";
import { FormDialog, NumberField, numberOf } from "../../ui/form.tsx";
import { Time } from "../../ui/parts.tsx";
import { Answer } from "../../ui/states.tsx";
import type { Invoice, Page, Subscription } from "../../wire.ts";
import { customerRef } from "../customer-link.tsx";
import { InvoiceSketch } from "./invoice-sketch.tsx";
import type { Told } from "./new.tsx";

/** What is done to a subscription by one button, each with what it does before it is done. */

const PATH = "/api/v1/monetization/subscriptions";

export type Doing = { subscription: Subscription; onClose: () => void; onDone: () => void };

/** Settles the first invoice by hand. */
export function Activate({ subscription, ...doing }: Doing) {
  const asked = useAsk<Page<Invoice>>(
    `/api/v1/client/billing/invoices/${customerRef(subscription.customer)}?limit=200`,
  );
  return (
    <FormDialog<Told>
      title="Activate"
      submit="Mark as paid and activate"
      isDisabled={asked.data === undefined}
      done="It is active; its first period has begun."
      send={() => ask("POST", `${PATH}/${subscription.id}/activate`)}
      {...doing}
    >
      <p>
        The first invoice counts as paid, without money through the payment provider. Access begins now, and so does the
        first period.
      </p>
      <Answer asked={asked} what="the invoice">
        {({ items }) => {
          const open = items.find((one) => one.subscription?.id === subscription.id && one.status === "DUE");
          return open === undefined ? null : (
            <InvoiceSketch invoice={open} title={`Becomes paid: ${money(open.amount, open.currency)}`} />
          );
        }}
      </Answer>
    </FormDialog>
  );
}

export function TakeBackCancellation({ subscription, ...doing }: Doing) {
  const { id, plan, currentPeriodEnd } = subscription;
  return (
    <FormDialog<Told>
      title="Keep the subscription"
      submit="Take the cancellation back"
      done="It goes on."
      send={() => ask("DELETE", `${PATH}/${id}/scheduled-cancellation`)}
      {...doing}
    >
      <p>
        It goes on after <Time at={currentPeriodEnd} />: {plan.name} renews then at{" "}
        {money(plan.priceAmount, plan.currency)}.
      </p>
    </FormDialog>
  );
}

export function DropChange({ subscription, ...doing }: Doing) {
  const { id, plan, scheduledChange } = subscription;
  return (
    <FormDialog<Told>
      title="Drop the scheduled change"
      submit="Drop the change"
      done="The change is dropped."
      send={() => ask("DELETE", `${PATH}/${id}/scheduled-changes`)}
      {...doing}
    >
      <p>
        It stays on {plan.name}, version {plan.version}
        {scheduledChange === undefined ? null : (
          <>
            , and does not go to {scheduledChange.toPlan.name} on <Time at={scheduledChange.effectiveAt} day />
          </>
        )}
        .
      </p>
    </FormDialog>
  );
}

export function ChangeGrace({ subscription, ...doing }: Doing) {
  const { id, gracePeriodDays } = subscription;
  const [days, setDays] = useState(String(gracePeriodDays));
  return (
    <FormDialog<Subscription>
      title="Days of grace"
      submit="Save"
      done={(told) => `${told.gracePeriodDays} days of grace.`}
      send={() => ask("PATCH", `${PATH}/${id}`, { gracePeriod: numberOf(days) })}
      {...doing}
    >
      <NumberField
        label="Days from an invoice's due date until access ends"
        path="gracePeriod"
        unit="days"
        hint="Counts from now on, and for what is due already: fewer days may suspend the subscription at once."
        value={days}
        onChange={setDays}
      />
    </FormDialog>
  );
}
