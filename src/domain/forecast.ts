import { divideRounded, type E12 } from "./amount.ts";
import type { E4, Pool } from "./credit.ts";
import type { PoolView } from "./credit-views.ts";
import { BURN_DAYS, BURN_DAYS_MIN, DAY_MS, DEPLETION_DAYS_MAX, FORECAST_SHARE_MIN } from "./limits.ts";
import type { Period } from "./period.ts";
import type { Pricing } from "./pricing.ts";
import { type Counter, usedUnits } from "./usage.ts";

/**
 * Where usage and credits are heading if nothing changes. Owns the formulas: straight lines through what is known. Nothing is decided
 * by them.
 */

/** Units of a feature in the open period. Absent: no limit, or too early to tell. */
export type UsageForecast = {
  usedE12: E12;
  limitE12?: E12;
  remainingE12?: E12;
  /** At the end of the period; units rounded to four decimals. */
  projectedE4?: bigint;
  wouldExceedLimit: boolean;
  /** When the limit is reached, if that is before the period's end. */
  limitAtMs?: number;
};

/**
 * What is used by the end of the period: what was used in it, by the share of it that is over; not below 5 % of it. Units of a
 * counter that is never reset and were there before stay as they are.
 */
export function forecastUsage(
  counter: Counter | undefined,
  pricing: Pricing,
  { period: { startMs, endMs }, heldE12, nowMs }: { period: Period; heldE12: E12; nowMs: number },
): UsageForecast {
  const usedE12 = usedUnits(counter, pricing);
  const beforeE12 = pricing.resetMode === "accumulate" ? (counter?.usedAtStartE12 ?? 0n) : 0n;
  const inPeriodE12 = usedE12 - beforeE12;
  const [elapsedMs, wholeMs] = [nowMs - startMs, endMs - startMs];
  const isKnown = elapsedMs > 0 && elapsedMs >= wholeMs * FORECAST_SHARE_MIN;
  const { maxUsage } = pricing;
  const projected = isKnown
    ? {
        projectedE4: divideRounded(
          beforeE12 * BigInt(elapsedMs) + inPeriodE12 * BigInt(wholeMs),
          BigInt(elapsedMs) * E12_PER_E4,
        ),
      }
    : {};
  if (maxUsage === undefined) return { usedE12, ...projected, wouldExceedLimit: false };
  const leftE12 = maxUsage - usedE12 - heldE12;
  const wouldExceedLimit = isKnown
    ? beforeE12 * BigInt(elapsedMs) + inPeriodE12 * BigInt(wholeMs) > maxUsage * BigInt(elapsedMs)
    : usedE12 > maxUsage;
  const limitAtMs =
    isKnown && wouldExceedLimit && inPeriodE12 > 0n && maxUsage > beforeE12
      ? startMs + Number(ceilDivided((maxUsage - beforeE12) * BigInt(elapsedMs), inPeriodE12))
      : undefined;
  return {
    usedE12,
    limitE12: maxUsage,
    remainingE12: leftE12 > 0n ? leftE12 : 0n,
    ...projected,
    wouldExceedLimit,
    ...(limitAtMs === undefined ? {} : { limitAtMs }),
  };
}

const E12_PER_E4 = 10n ** 8n;

function ceilDivided(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** Credits a day, and when the pool is empty at that rate; absent where nothing burns, or not within a hundred years. */
export type Burn = { burnE4: E4; depletedAtMs?: number };

/** `burn`: since the pool was made. `recent`: over the last 14 days, or since it was made; absent with fewer than 3 days of data. */
export type CreditForecast = { burn: Burn; recent?: Burn };

/** Over how many whole days the recent rate of a pool is taken; undefined where there are too few. */
export function recentDays({ createdAtMs }: Pick<Pool, "createdAtMs">, nowMs: number): number | undefined {
  const days = wholeDays(createdAtMs, nowMs);
  return days < BURN_DAYS_MIN ? undefined : Math.min(days, BURN_DAYS);
}

function wholeDays(fromMs: number, toMs: number): number {
  return Math.floor((toMs - fromMs) / DAY_MS);
}

/** `consumedE4`: in so many days. */
export type Consumed = { consumedE4: E4; days: number };

/** Burn is consumed ÷ days, at least one; the pool is empty after ⌈balance ÷ burn⌉ days, by the exact quotient. */
export function forecastCredits(
  pool: Pick<Pool, "balanceE4" | "consumedE4" | "createdAtMs">,
  recent: Consumed | undefined,
  nowMs: number,
): CreditForecast {
  const { balanceE4, consumedE4, createdAtMs } = pool;
  const burnOf = (said: Consumed): Burn => burnAt(balanceE4, said, nowMs);
  return {
    burn: burnOf({ consumedE4, days: Math.max(1, wholeDays(createdAtMs, nowMs)) }),
    ...(recent === undefined ? {} : { recent: burnOf(recent) }),
  };
}

function burnAt(balanceE4: E4, { consumedE4, days }: Consumed, nowMs: number): Burn {
  const burnE4 = divideRounded(consumedE4, BigInt(days));
  if (consumedE4 <= 0n) return { burnE4 };
  const left = ceilDivided(balanceE4 * BigInt(days), consumedE4);
  return left > DEPLETION_DAYS_MAX ? { burnE4 } : { burnE4, depletedAtMs: nowMs + Number(left) * DAY_MS };
}

/** All features of a subscription with an open period. */
export type SubscriptionForecast = {
  subscriptionId: string;
  planKey: string;
  period: Period;
  features: (UsageForecast & { featureKey: string })[];
};

export type PoolForecast = CreditForecast &
  Pick<PoolView, "poolId" | "denomination" | "currency" | "balanceE4" | "consumedE4">;
