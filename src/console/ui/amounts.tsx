import type { ComponentChildren } from "preact";
import { money } from "../format.ts";

/** Sums of money as a table shows them. */

/** A cost, in major units; where not one of the events has a known one, `unknown` instead. */
export function Cost({
  amount,
  currency,
  events,
  costUnknownEvents,
  unknown = <span class="quiet">unknown</span>,
}: {
  amount: number;
  currency: string;
  events: number;
  costUnknownEvents: number;
  unknown?: ComponentChildren;
}) {
  return <>{events > 0 && costUnknownEvents === events ? unknown : money(amount, currency)}</>;
}

/** A margin, in major units; a loss stands out. */
export function Margin({ amount, currency }: { amount: number; currency: string }) {
  return <span class={amount < 0 ? "bad-text" : ""}>{money(amount, currency)}</span>;
}
