import { money } from "../../format.ts";
import { Time } from "../../ui/parts.tsx";
import type { Subscription } from "../../wire.ts";

/** A subscription's terms in words, wherever they are told. */

/** `12` as the API writes it: every 12 months. */
export function everyWords(intervalMonths: string): string {
  return intervalMonths === "1" ? "a month" : intervalMonths === "12" ? "a year" : `every ${intervalMonths} months`;
}

export function priceWords({
  priceAmount,
  currency,
  intervalMonths,
}: Pick<Subscription["plan"], "priceAmount" | "currency" | "intervalMonths">): string {
  return `${money(priceAmount, currency)} ${everyWords(intervalMonths)}`;
}

/** What is going to happen to a subscription, if anything. */
export function Ahead({ scheduledChange, cancelEffectiveAt, status }: Subscription) {
  if (status !== "CANCELLED" && cancelEffectiveAt !== undefined)
    return (
      <>
        ends <Time at={cancelEffectiveAt} day />
      </>
    );
  if (scheduledChange === undefined) return <span class="quiet">–</span>;
  const { toPlan, effectiveAt } = scheduledChange;
  return (
    <>
      to {toPlan.name}, <Time at={effectiveAt} day />
    </>
  );
}
