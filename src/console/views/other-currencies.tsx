import { count, money } from "../format.ts";
import type { Portfolio } from "../wire.ts";

type Other = Pick<Portfolio["otherCurrencies"][number], "currency" | "events" | "revenue" | "cost" | "mrr">;

/** What came in currencies that have no rate: it is in no sum, and must not be overlooked for that. */
export function OtherCurrencies({ others = [] }: { others?: readonly Other[] | undefined }) {
  if (others.length === 0) return null;
  return (
    <p class="quiet" role="note">
      Beside these figures, in currencies without a rate:{" "}
      {others.map(({ currency, events, revenue, cost, mrr = 0 }, at) => (
        <span key={currency}>
          {at === 0 ? "" : "; "}
          <strong>{money(revenue, currency)}</strong> of revenue
          {cost === 0 ? "" : `, ${money(cost, currency)} of cost`}
          {mrr === 0 ? "" : `, ${money(mrr, currency)} a month`}
          {events === 0 ? "" : ` (${count(events)} ${events === 1 ? "event" : "events"})`}
        </span>
      ))}
      . <a href="/console/settings">Give them a rate</a> to have them in the sums.
    </p>
  );
}
