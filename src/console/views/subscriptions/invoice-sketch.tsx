import { money, words } from "../../format.ts";
import type { Invoice } from "../../wire.ts";

/** An invoice as it is or would be, in few lines: what for, how much, and what becomes of it. */
export function InvoiceSketch({ invoice, title }: { invoice: Invoice; title: string }) {
  const { items, taxLines, amount, currency } = invoice;
  return (
    <div class="sketch">
      <h3>{title}</h3>
      <dl>
        {items.map(({ id, description, chargeAmount }) => (
          <div key={id}>
            <dt>{description}</dt>
            <dd>{money(chargeAmount, currency)}</dd>
          </div>
        ))}
        {taxLines.map(({ name, ratePercent, amount: tax }) => (
          <div key={name}>
            <dt>
              {name} {ratePercent} %
            </dt>
            <dd>{money(tax, currency)}</dd>
          </div>
        ))}
        <div class="sketch-sum">
          <dt>{amount < 0 ? "Given back" : "Total"}</dt>
          <dd>{money(amount, currency)}</dd>
        </div>
      </dl>
    </div>
  );
}

/** What an invoice of a preview is: to be paid, paid by nothing, given back or closed. */
export function sketchTitle({ type, status, amount, number }: Invoice): string {
  if (status === "VOID" || status === "CANCELLED")
    return `${number ?? "The open invoice"} becomes ${words(status).toLowerCase()}`;
  if (type === "CREDIT" || amount < 0) return "Credit for the unused time";
  if (status === "PENDING") return "Billed at the end of the period";
  if (status === "PAID") return amount === 0 ? "Nothing to pay now" : "Paid now";
  return "To be paid now";
}
