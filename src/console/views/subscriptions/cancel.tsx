import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { count, money } from "../../format.ts";
import { usePreview } from "../../preview.ts";
import { FormDialog } from "../../ui/form.tsx";
import { Choice, Time } from "../../ui/parts.tsx";
import { Preview } from "../../ui/preview.tsx";
import type { CancelPreview, Subscription } from "../../wire.ts";
import { InvoiceSketch, sketchTitle } from "./invoice-sketch.tsx";
import type { Told } from "./new.tsx";

const MODES = [
  { value: "END_OF_PERIOD", label: "When the period ends" },
  { value: "IMMEDIATE", label: "At once" },
] as const;

/** Ends a subscription, with what is billed, given back and lost before it is confirmed. */
export function Cancel({
  subscription: { id },
  onClose,
  onDone,
}: {
  subscription: Subscription;
  onClose: () => void;
  onDone: (told: Told) => void;
}) {
  const [mode, setMode] = useState<(typeof MODES)[number]["value"]>("END_OF_PERIOD");
  const foreseen = usePreview<CancelPreview>(
    `/api/v1/client/subscriptions/cancellation/${id}/preview?cancelMode=${mode}`,
  );
  return (
    <FormDialog<Told>
      title="Cancel the subscription"
      submit={mode === "IMMEDIATE" ? "Cancel at once" : "Cancel when the period ends"}
      isDanger
      isDisabled={foreseen?.ok !== true}
      done={({ subscription }) =>
        subscription.status === "CANCELLED" ? "The subscription has ended." : "It will end."
      }
      send={() => ask("POST", `/api/v1/monetization/subscriptions/${id}/cancel?cancelMode=${mode}`)}
      onClose={onClose}
      onDone={onDone}
    >
      <Choice label="When" options={MODES} value={mode} onChange={setMode} />
      <Preview answered={foreseen} isAsked hint="">
        {(data) => <Foreseen {...data} />}
      </Preview>
    </FormDialog>
  );
}

function Foreseen({ subscription, invoices, credits, creditBalance }: CancelPreview) {
  const { status, cancelEffectiveAt, currentPeriodEnd } = subscription;
  if (status !== "CANCELLED")
    return (
      <p>
        Access stays until <Time at={cancelEffectiveAt ?? currentPeriodEnd} />. What was used until then is billed on a
        last invoice. It can be taken back until then.
      </p>
    );
  return (
    <>
      <p>Access ends now, for good.</p>
      {invoices.length === 0 ? <p class="quiet">Nothing is billed, and nothing given back.</p> : null}
      {invoices.map((invoice) => (
        <InvoiceSketch key={invoice.id} invoice={invoice} title={sketchTitle(invoice)} />
      ))}
      <ul class="said">
        {credits.map(({ denomination, amount }) => (
          <li key={denomination}>
            <strong>{count(amount)}</strong> {denomination} of the plan are gone; credits that were bought stay.
          </li>
        ))}
        {creditBalance.map(({ currency, amount }) => (
          <li key={currency}>
            The customer is owed <strong>{money(Math.abs(amount), currency)}</strong> {amount < 0 ? "less" : "more"}.
          </li>
        ))}
      </ul>
    </>
  );
}
