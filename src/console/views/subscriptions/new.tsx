import { useState } from "preact/hooks";
import { ask, useWhole } from "../../api.ts";
import { usePreview } from "../../preview.ts";
import { FormDialog, NumberField, numberOf, SelectField } from "../../ui/form.tsx";
import { Time } from "../../ui/parts.tsx";
import { CustomerField } from "../../ui/pick-customer.tsx";
import { Preview } from "../../ui/preview.tsx";
import type { Plan, SubscribePreview, Subscription } from "../../wire.ts";
import { CreditsToCome } from "./credits-to-come.tsx";
import { InvoiceSketch, sketchTitle } from "./invoice-sketch.tsx";
import { priceWords } from "./words.tsx";

/** What a command on a subscription answers. */
export type Told = { subscription: Subscription };

/** Puts a customer on a plan. `customer`: a reference that is known already. */
export function NewSubscription({
  customer: given = "",
  onClose,
  onDone,
}: {
  customer?: string;
  onClose: () => void;
  onDone: (told: Told) => void;
}) {
  const [customer, setCustomer] = useState(given);
  const [plan, setPlan] = useState("");
  const [grace, setGrace] = useState("");
  const plans = useWhole<Plan>("/api/v1/monetization/plans");
  const sold = (plans.data?.items ?? []).filter(({ status }) => status === "ACTIVE");
  const isFilled = customer.trim() !== "" && plan !== "";
  const foreseen = usePreview<SubscribePreview>(isFilled ? "/api/v1/client/subscriptions/preview" : undefined, {
    customerReferenceId: customer.trim(),
    planId: plan,
    gracePeriod: numberOf(grace),
  });
  return (
    <FormDialog<Told>
      title="New subscription"
      submit="Subscribe"
      isDisabled={foreseen?.ok !== true}
      done="Subscribed."
      send={() =>
        ask("POST", "/api/v1/monetization/subscriptions", {
          customerId: customer.trim(),
          planId: plan,
          gracePeriod: numberOf(grace),
        })
      }
      onClose={onClose}
      onDone={onDone}
    >
      <CustomerField path="customerId" value={customer} onChange={setCustomer} />
      <SelectField
        label="Plan"
        path="planId"
        value={plan}
        onChange={setPlan}
        options={[
          { value: "", label: "Choose a plan…" },
          ...sold.map(({ key, name, ...terms }) => ({ value: key, label: `${name} · ${priceWords(terms)}` })),
        ]}
      />
      <NumberField
        label="Days of grace"
        path="gracePeriod"
        unit="days"
        placeholder="3"
        hint="How long access stays after an invoice fell due and was not paid. Without a number: 3."
        value={grace}
        onChange={setGrace}
      />
      <Preview answered={foreseen} isAsked={isFilled} hint="Choose a customer and a plan to see what is billed.">
        {(data) => <Foreseen {...data} />}
      </Preview>
    </FormDialog>
  );
}

function Foreseen({ subscription, invoice, credits }: SubscribePreview) {
  return (
    <>
      <p>
        {subscription.status === "ACTIVE" ? (
          <>
            Access begins at once. The first period lasts until <Time at={subscription.currentPeriodEnd} />.
          </>
        ) : (
          "Access begins once the first invoice is paid; unpaid for 30 days, the subscription ends."
        )}
      </p>
      {invoice === undefined ? (
        <p class="quiet">Nothing is billed now.</p>
      ) : (
        <InvoiceSketch invoice={invoice} title={sketchTitle(invoice)} />
      )}
      <CreditsToCome credits={credits} when={subscription.status === "ACTIVE" ? "At once" : "When it is paid"} />
    </>
  );
}
