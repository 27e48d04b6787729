import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { count, exactMoney } from "../../format.ts";
import { Form, NumberField, numberOf, TextField, textOf } from "../../ui/form.tsx";
import type { EventDetail, Receipt } from "../../wire.ts";

/** Says the right total of an event's units. What was recorded stays; the difference becomes an entry of its own. */
export function CorrectForm({ event, onDone }: { event: EventDetail; onDone: () => void }) {
  const total = event.corrections.reduce((sum, { usageUnits }) => sum + usageUnits, event.usageUnits);
  const [units, setUnits] = useState(String(total));
  const [reason, setReason] = useState("");
  // One correction per open form: a lost answer corrects nothing twice.
  const [key] = useState(() => crypto.randomUUID());
  const right = numberOf(units);
  return (
    <Form<Receipt>
      submit="Correct"
      isDisabled={right === total}
      send={() =>
        ask("POST", `/api/v1/client/events/${event.id}/correct`, {
          usageUnits: right,
          reason: textOf(reason),
          idempotencyKey: key,
        })
      }
      done={(receipt) => said(receipt, event.currency)}
      onDone={onDone}
    >
      <NumberField
        label="The right total"
        path="usageUnits"
        value={units}
        onChange={setUnits}
        hint={`It stands at ${count(total)} now.`}
      />
      <TextField label="Reason" path="reason" value={reason} onChange={setReason} hint="Kept with the correction." />
      <ul class="effects" aria-label="What this does">
        {effects(event, typeof right === "number" ? right - total : 0).map((effect) => (
          <li key={effect}>{effect}</li>
        ))}
      </ul>
    </Form>
  );
}

function effects({ metered, pricing, creditsDeducted }: EventDetail, difference: number): string[] {
  if (difference === 0) return ["Nothing yet: say another total."];
  const many = `${count(Math.abs(difference))} ${Math.abs(difference) === 1 ? "unit" : "units"}`;
  const recorded = "What was recorded stays; the difference becomes an entry of its own, now.";
  if (!metered || pricing === undefined) return ["The event is not counted: only its total changes.", recorded];
  const isBilled = pricing.billedAt !== undefined;
  const burns = creditsDeducted !== undefined && creditsDeducted !== 0;
  if (difference > 0)
    return [
      `${many} more count in the current period, at the price of the rule in force.`,
      ...(burns
        ? ["They burn credits by the event's own weight; a hard pool that is short refuses the correction."]
        : []),
      recorded,
    ];
  return [
    isBilled
      ? `${many} were billed: what they cost is given back on the subscription's next invoice, or in the balance if it has ended.`
      : `${many} leave the counter, as if they had never been counted: the next invoice is that much smaller.`,
    ...(burns ? ["Credits that paid for them go back to their grants."] : []),
    recorded,
  ];
}

function said({ usageUnits, creditAmount, creditCurrency }: Receipt, currency: string): string {
  const units = `${usageUnits > 0 ? "+" : ""}${count(usageUnits)} units.`;
  return creditAmount === undefined
    ? `Corrected: ${units}`
    : `Corrected: ${units} ${exactMoney(creditAmount, creditCurrency ?? currency)} is given back.`;
}
