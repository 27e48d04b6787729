import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import type { CreditPrice } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import { percentOf } from "../domain/figures.ts";
import type { PoolForecast, SubscriptionForecast } from "../domain/forecast.ts";
import { NEAR_LIMIT_PERCENT_DEFAULT } from "../domain/limits.ts";
import { instantText } from "./scalars.ts";

/** Where usage and credits are heading, on the wire. */

export const ForecastWire = z
  .object({
    customerReferenceId: z.string().optional(),
    asOf: z.iso.datetime(),
    subscriptions: z.array(
      z.object({
        subscriptionId: z.uuid(),
        planKey: z.string(),
        currentPeriodStart: z.iso.datetime(),
        currentPeriodEnd: z.iso.datetime(),
        features: z.array(
          z.object({
            featureKey: z.string(),
            used: z.number(),
            limit: z.number().optional(),
            remaining: z.number().optional(),
            projectedEndOfPeriod: z.number().optional(),
            wouldExceedLimit: z.boolean(),
            projectedLimitDate: z.iso.datetime().optional(),
          }),
        ),
      }),
    ),
    creditPools: z.array(
      z.object({
        poolId: z.uuid(),
        denomination: z.string(),
        balance: z.number(),
        totalConsumed: z.number(),
        averageDailyBurn: z.number(),
        projectedDepletionDate: z.iso.datetime().optional(),
        burn14d: z.number().nullable().meta({ description: "null with fewer than 3 days of data." }),
        depletionDate14d: z.iso.datetime().nullable(),
        pricePerCredit: z.number().optional(),
        currency: z.string().optional(),
      }),
    ),
  })
  .meta({ id: "UsageForecast" });

const limitReached = {
  customerId: z.uuid(),
  customerReferenceId: z.string().optional(),
  customerName: z.string(),
  subscriptionId: z.uuid(),
  planKey: z.string(),
  featureKey: z.string(),
  used: z.number(),
  limit: z.number(),
  usedPercent: z.number().meta({ description: "used ÷ limit × 100, four decimals" }),
  currentPeriodEnd: z.iso.datetime(),
  projectedLimitDate: z.iso.datetime().optional(),
};

export const LimitsQuery = z.object({
  minPercent: z
    .string()
    .regex(/^\d{1,3}$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value >= 1 && value <= 100, { message: "must be 1 to 100" })
    .optional()
    .transform((value) => value ?? NEAR_LIMIT_PERCENT_DEFAULT)
    .meta({ description: `How much of a limit must be used; default ${NEAR_LIMIT_PERCENT_DEFAULT}.` }),
});

export const LimitsWire = z
  .object({
    asOf: z.iso.datetime(),
    customersAsked: z.int(),
    complete: z.boolean().meta({ description: "All customers who ever sent events were asked." }),
    silentCustomers: z.array(z.string()).meta({ description: "Customers whose objects did not answer." }),
    items: z.array(z.object(limitReached)),
  })
  .meta({ id: "LimitsNear" });

/** Limits of one customer's open periods of which at least `minPercent` is used. */
export function toWireLimits(
  { subscriptions }: { subscriptions: readonly SubscriptionForecast[] },
  customer: { customerId: string; customerReferenceId?: string; customerName: string },
  minPercent: number,
): z.input<typeof LimitsWire>["items"] {
  return subscriptions.flatMap(({ subscriptionId, planKey, period, features }) =>
    features.flatMap(({ featureKey, usedE12, limitE12, limitAtMs }) =>
      limitE12 === undefined || usedE12 * 100n < limitE12 * BigInt(minPercent)
        ? []
        : [
            {
              ...customer,
              subscriptionId,
              planKey,
              featureKey,
              used: e12ToNumber(usedE12),
              limit: e12ToNumber(limitE12),
              usedPercent: percentOf(usedE12, limitE12),
              currentPeriodEnd: instantText(period.endMs),
              ...(limitAtMs === undefined ? {} : { projectedLimitDate: instantText(limitAtMs) }),
            },
          ],
    ),
  );
}

export function toWireForecast(
  customerReferenceId: string | undefined,
  { asOfMs, subscriptions, pools }: { asOfMs: number; subscriptions: SubscriptionForecast[]; pools: PoolForecast[] },
  priceOf: (pool: PoolForecast) => CreditPrice | undefined,
): z.input<typeof ForecastWire> {
  return {
    customerReferenceId,
    asOf: instantText(asOfMs),
    subscriptions: subscriptions.map(({ subscriptionId, planKey, period, features }) => ({
      subscriptionId,
      planKey,
      currentPeriodStart: instantText(period.startMs),
      currentPeriodEnd: instantText(period.endMs),
      features: features.map(toWireFeature),
    })),
    creditPools: pools.map((pool) => toWirePoolForecast(pool, priceOf(pool))),
  };
}

function toWireFeature(feature: SubscriptionForecast["features"][number]) {
  const { featureKey, usedE12, limitE12, remainingE12, projectedE4, wouldExceedLimit, limitAtMs } = feature;
  return {
    featureKey,
    used: e12ToNumber(usedE12),
    limit: limitE12 === undefined ? undefined : e12ToNumber(limitE12),
    remaining: remainingE12 === undefined ? undefined : e12ToNumber(remainingE12),
    projectedEndOfPeriod: projectedE4 === undefined ? undefined : e4ToNumber(projectedE4),
    wouldExceedLimit,
    projectedLimitDate: limitAtMs === undefined ? undefined : instantText(limitAtMs),
  };
}

function toWirePoolForecast(pool: PoolForecast, price: CreditPrice | undefined) {
  const { burn, recent } = pool;
  return {
    poolId: pool.poolId,
    denomination: pool.denomination,
    balance: e4ToNumber(pool.balanceE4),
    totalConsumed: e4ToNumber(pool.consumedE4),
    averageDailyBurn: e4ToNumber(burn.burnE4),
    projectedDepletionDate: burn.depletedAtMs === undefined ? undefined : instantText(burn.depletedAtMs),
    burn14d: recent === undefined ? null : e4ToNumber(recent.burnE4),
    depletionDate14d: recent?.depletedAtMs === undefined ? null : instantText(recent.depletedAtMs),
    pricePerCredit: price === undefined ? undefined : e12ToNumber(price.pricePerCreditE12),
    currency: price?.currency ?? pool.currency,
  };
}
