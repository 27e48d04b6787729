import { pinOf } from "../../domain/book.ts";
import {
  forecastCredits,
  forecastUsage,
  type PoolForecast,
  recentDays,
  type SubscriptionForecast,
} from "../../domain/forecast.ts";
import { customerThingId } from "../../domain/ids.ts";
import { DAY_MS } from "../../domain/limits.ts";
import { pricingOf } from "../../domain/plan.ts";
import type { Reply } from "../../domain/refusal.ts";
import { counterKey } from "../../domain/usage.ts";
import type { ForecastReply } from "../calls.ts";
import { consumedSince } from "../credit-store.ts";
import type { Customer } from "../image.ts";
import { unknownCustomer } from "./check.ts";

/** Where the customer's open periods and pools are heading. Newest first. */
export function forecast(customer: Customer, nowMs: number): Reply<ForecastReply> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  return {
    ok: true,
    value: { asOfMs: nowMs, subscriptions: subscriptionsOf(customer, nowMs), pools: poolsOf(customer, nowMs) },
  };
}

function subscriptionsOf({ image }: Customer, nowMs: number): SubscriptionForecast[] {
  const { book, owner } = image;
  return [...book.subscriptions.values()]
    .filter(({ isOpen }) => isOpen)
    .sort((a, b) => b.number - a.number)
    .map((subscription) => {
      const { number, period } = subscription;
      const pin = pinOf(book, subscription);
      return {
        subscriptionId: customerThingId(owner.tag, "subscription", number),
        planKey: pin.key,
        period,
        features: pin.rules.map(({ featureId, featureKey, value }) => {
          const key = counterKey(number, featureId);
          const heldE12 = book.held.get(key) ?? 0n;
          return { featureKey, ...forecastUsage(book.counters.get(key), pricingOf(value), { period, heldE12, nowMs }) };
        }),
      };
    });
}

function poolsOf({ image, sql }: Customer, nowMs: number): PoolForecast[] {
  const { book, owner } = image;
  return [...book.pools.values()]
    .sort((a, b) => b.number - a.number)
    .map((pool) => {
      const { number, denomination, currency, balanceE4, consumedE4 } = pool;
      const days = recentDays(pool, nowMs);
      const recent =
        days === undefined ? undefined : { consumedE4: consumedSince(sql, pool, nowMs - days * DAY_MS), days };
      return {
        poolId: customerThingId(owner.tag, "creditPool", number),
        denomination,
        ...(currency === undefined ? {} : { currency }),
        balanceE4,
        consumedE4,
        ...forecastCredits(pool, recent, nowMs),
      };
    });
}
