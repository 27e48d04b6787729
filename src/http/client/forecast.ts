import * as z from "zod";
import { ForecastWire, toWireForecast } from "../../contract/forecast.ts";
import { name } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import { bookPricesAt } from "../book-prices.ts";
import { customerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

async function forecast(call: Call<{ ref: string }>): Promise<Answer> {
  const { ref } = call.params;
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  const { customerId, referenceId } = owner.value;
  const reply = await objectOf(call.env, call.account.account.accountId, customerId).forecast();
  if (!reply.ok) return reply.code === "customer_not_found" ? { ...reply, given: ref } : reply;
  const { asOfMs, pools } = reply.value;
  const priceOf = pools.length === 0 ? () => undefined : await bookPricesAt(call, asOfMs);
  const shown = toWireForecast(referenceId, reply.value, (pool) => priceOf(pool.denomination, pool.currency));
  return answer(200, shown);
}

/** Where a customer's usage and credits are heading. */
export const forecastRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/client/customers/{ref}/usage",
    scope: "client",
    pinned: ["read", "purchase", "ingest"],
    tag: "Customers",
    summary: "Forecast usage and credits",
    description: [
      "Straight lines through what is known, of each subscription with an open period and each pool that is not archived:",
      "",
      "- `projectedEndOfPeriod` = used ÷ the share of the period that is over; none below 5 %. Where units accumulate, those of earlier periods stay and those of this one grow. `projectedLimitDate` is there where the limit is reached before the period ends.",
      "- `averageDailyBurn` = totalConsumed ÷ whole days since the pool was made, at least 1; `projectedDepletionDate` = now + ⌈balance ÷ burn⌉ days.",
      "- `burn14d` and `depletionDate14d`: the same over the last 14 whole days, or as many as the pool has; null with fewer than 3.",
      "",
      "Figures have four decimals. A pool that nothing burns, or that lasts longer than a hundred years, has no date. `pricePerCredit` is the book price in the pool's currency, else the account's.",
    ].join("\n"),
    params: z.object({ ref: name }),
    answers: { 200: ForecastWire },
    refuses: ["customer_not_found", "other_customer", "quarantined"],
    handle: forecast,
  }),
];
