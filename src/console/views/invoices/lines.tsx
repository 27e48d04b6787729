import type { ComponentChildren } from "preact";
import { count, exactMoney, money } from "../../format.ts";
import { Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import type { ExplainedInvoice, Invoice } from "../../wire.ts";

/**
 * The lines of an invoice as a table that adds up: each with the tiers it is made of, and below it why it is what it is. Explanations
 * come later than the lines and stand beside them once they are there.
 */

type Item = Invoice["items"][number];
type Explained = ExplainedInvoice["items"][number];

export function Lines({
  invoice,
  explained,
  hasFailed,
}: {
  invoice: Invoice;
  explained: readonly Explained[] | undefined;
  hasFailed: boolean;
}) {
  if (invoice.items.length === 0) return <NoLines invoice={invoice} />;
  const { currency, subtotal, taxLines, total } = invoice;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="table-box" tabIndex={0} aria-label="Lines">
      <table class="bill">
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col" class="figure-cell minor">
              Quantity
            </th>
            <th scope="col" class="figure-cell minor">
              Price
            </th>
            <th scope="col" class="figure-cell">
              Amount
            </th>
          </tr>
        </thead>
        {invoice.items.map((item) => (
          <Line
            key={item.id}
            item={item}
            currency={currency}
            explained={explained?.find(({ id }) => id === item.id)}
            hasFailed={hasFailed}
          />
        ))}
        <tbody class="sums">
          {taxLines.length === 0 ? null : <Sum name="Subtotal" amount={money(subtotal, currency)} />}
          {taxLines.map(({ name, ratePercent, amount }) => (
            <Sum
              key={`${name} ${ratePercent}`}
              name={`${name}, ${count(ratePercent)} %`}
              amount={money(amount, currency)}
            />
          ))}
          <Sum name="Total" amount={<strong>{money(total, currency)}</strong>} />
        </tbody>
      </table>
    </section>
  );
}

function Sum({ name, amount }: { name: string; amount: ComponentChildren }) {
  return (
    <tr>
      <td>{name}</td>
      <td class="minor" />
      <td class="minor" />
      <td class="figure-cell">{amount}</td>
    </tr>
  );
}

function Line({
  item,
  currency,
  explained,
  hasFailed,
}: {
  item: Item;
  currency: string;
  explained: Explained | undefined;
  hasFailed: boolean;
}) {
  return (
    <tbody>
      <tr class="bill-line">
        <td>
          <strong>{item.description}</strong>
        </td>
        <td class="figure-cell minor">{item.quantity === undefined ? "" : count(item.quantity)}</td>
        <td class="figure-cell minor">{item.unitPrice === undefined ? "" : exactMoney(item.unitPrice, currency)}</td>
        <td class="figure-cell">
          <span class={item.chargeAmount < 0 ? "good-text" : ""}>{money(item.chargeAmount, currency)}</span>
        </td>
      </tr>
      {(item.tiers ?? []).map(({ tierIndex, units, pricePerUnit, flatFee, amount }) => (
        <tr key={tierIndex} class="bill-tier">
          <td>
            Tier {tierIndex + 1}
            {flatFee === 0 ? "" : `, ${exactMoney(flatFee, currency)} on entering`}
          </td>
          <td class="figure-cell minor">{count(units)}</td>
          <td class="figure-cell minor">{exactMoney(pricePerUnit, currency)}</td>
          <td class="figure-cell">{exactMoney(amount, currency)}</td>
        </tr>
      ))}
      <tr class="bill-why">
        <td colSpan={4}>
          {explained !== undefined ? (
            <Why explained={explained} currency={currency} />
          ) : (
            <span class="quiet">{hasFailed ? "Why could not be worked out." : "Working out why…"}</span>
          )}
        </td>
      </tr>
    </tbody>
  );
}

function Why({
  explained: { formula, plan, events, lateQuantity, periodStart, periodEnd },
  currency,
}: {
  explained: Explained;
  currency: string;
}) {
  return (
    <>
      <p>
        <code>{formula}</code> <span class="quiet">{currency}</span>
      </p>
      <p class="quiet">
        {plan === undefined ? null : (
          <>
            Price of <a href={`/console/plans/${plan.id}`}>{plan.name}</a>, version {plan.version}.{" "}
          </>
        )}
        {events === undefined ? (
          <>
            For <Time at={periodStart} day /> to <Time at={periodEnd} day />.
          </>
        ) : (
          <Counted events={events} />
        )}
        {lateQuantity === undefined || lateQuantity === 0 ? null : (
          <> {count(lateQuantity)} of the units came late, after their own period was billed.</>
        )}
      </p>
    </>
  );
}

function Counted({ events }: { events: NonNullable<Explained["events"]> }) {
  const {
    count: counted,
    first,
    last,
    countedFrom,
    countedUntil,
    unitsCoveredByCredits = 0,
    creditsDrawn = 0,
  } = events;
  return (
    <>
      {count(counted)} {counted === 1 ? "event" : "events"} counted from <Time at={countedFrom} /> to{" "}
      <Time at={countedUntil} />
      {first === undefined || last === undefined ? null : (
        <>
          , the first of <Time at={first} />, the last of <Time at={last} />
        </>
      )}
      .
      {unitsCoveredByCredits === 0 ? null : (
        <>
          {" "}
          Beside them {count(unitsCoveredByCredits)} units were paid by {count(creditsDrawn)} credits.
        </>
      )}
    </>
  );
}

function NoLines({ invoice: { status } }: { invoice: Invoice }) {
  return status === "PENDING" ? (
    <Empty title="No lines yet">
      They are made when the period ends; the customer's forecast says what they come to.
    </Empty>
  ) : (
    <Empty title="No lines">Nothing was used, and nothing is to be paid.</Empty>
  );
}
