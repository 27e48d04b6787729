import { useState } from "preact/hooks";
import { ask, useWhole } from "../../api.ts";
import { usePreview } from "../../preview.ts";
import { FormDialog, SelectField } from "../../ui/form.tsx";
import { Choice, Time } from "../../ui/parts.tsx";
import { Preview } from "../../ui/preview.tsx";
import type { Plan, PlanChangePreview, Subscription } from "../../wire.ts";
import { CreditsToCome } from "./credits-to-come.tsx";
import { InvoiceSketch, sketchTitle } from "./invoice-sketch.tsx";
import type { Told } from "./new.tsx";
import { priceWords } from "./words.tsx";

const WHEN = [
  { value: "UPGRADE", label: "Now (upgrade)" },
  { value: "DOWNGRADE", label: "When the period ends (downgrade)" },
] as const;
type ChangeType = (typeof WHEN)[number]["value"];

/** What a plan costs a month, to guess which way a change goes; the API has the last word. */
function monthly({ priceAmount, intervalMonths }: Pick<Plan, "priceAmount" | "intervalMonths">): number {
  return priceAmount / Number(intervalMonths);
}

/** Another plan, now or when the period ends, with what it costs and brings before it is confirmed. */
export function ChangePlan({
  subscription,
  onClose,
  onDone,
}: {
  subscription: Subscription;
  onClose: () => void;
  onDone: (told: Told) => void;
}) {
  const { id, plan: current } = subscription;
  const [to, setTo] = useState("");
  const [changeType, setType] = useState<ChangeType>("UPGRADE");
  const plans = useWhole<Plan>("/api/v1/monetization/plans");
  const offered = (plans.data?.items ?? []).filter(
    (one) => one.status === "ACTIVE" && one.id !== current.id && one.currency === current.currency,
  );
  const choose = (key: string) => {
    setTo(key);
    const chosen = offered.find((one) => one.key === key);
    if (chosen !== undefined) setType(monthly(chosen) >= monthly(current) ? "UPGRADE" : "DOWNGRADE");
  };
  const path = `/api/v1/client/subscriptions/${id}/plan-change`;
  const body = { changeToPlanId: to, changeType };
  const foreseen = usePreview<PlanChangePreview>(to === "" ? undefined : `${path}/preview`, body);
  return (
    <FormDialog<Told>
      title="Change the plan"
      submit={changeType === "UPGRADE" ? "Change now" : "Schedule the change"}
      isDisabled={foreseen?.ok !== true}
      done={changeType === "UPGRADE" ? "The plan is changed." : "The change is scheduled."}
      send={() => ask("POST", path, body)}
      onClose={onClose}
      onDone={onDone}
    >
      <SelectField
        label="To"
        path="changeToPlanId"
        hint={`Now on ${current.name}, ${priceWords(current)}.`}
        value={to}
        onChange={choose}
        options={[
          { value: "", label: "Choose a plan…" },
          ...offered.map(({ key, name, ...terms }) => ({ value: key, label: `${name} · ${priceWords(terms)}` })),
        ]}
      />
      <Choice label="When" options={WHEN} value={changeType} onChange={setType} />
      <Preview answered={foreseen} isAsked={to !== ""} hint="Choose a plan to see what it costs and brings.">
        {({ effectiveAt, invoice, credits }) => (
          <>
            <p>
              Takes effect <Time at={effectiveAt} />
              {changeType === "DOWNGRADE" ? "; until then everything stays as it is." : "."}
            </p>
            {invoice === undefined ? (
              <p class="quiet">Nothing is billed for the change itself.</p>
            ) : (
              <InvoiceSketch invoice={invoice} title={sketchTitle(invoice)} />
            )}
            <CreditsToCome credits={credits} when="Credits that come with it" />
          </>
        )}
      </Preview>
    </FormDialog>
  );
}
