import { RATE_TIER_DEFAULT, type RateTier } from "../domain/api-key.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { Env } from "../env.ts";

/**
 * How fast one key may ask, where the deployment says so: counted by the platform, per location and roughly, to keep one caller from
 * taking what others need. No entitlement rests on it.
 */

type Limited = { keyId: string; rateLimit?: RateTier };

/** Why this request is one too many; undefined: it is not. Where the platform does not count, or fails to, nobody is refused. */
export async function overRateLimit(
  env: Env,
  { keyId, rateLimit = RATE_TIER_DEFAULT }: Limited,
): Promise<Refusal | undefined> {
  if (env.RATE_LIMITS !== "on") return undefined;
  const isOver = await isOverIn(limiterOf(env, rateLimit), keyId);
  return isOver ? { ok: false, code: "too_many_requests", limit: rateLimit } : undefined;
}

async function isOverIn(limiter: RateLimit | undefined, key: string): Promise<boolean> {
  try {
    return (await limiter?.limit({ key }))?.success === false;
  } catch (failure) {
    console.error(JSON.stringify({ at: "rate-limit", keyId: key, failure: String(failure) }));
    return false;
  }
}

function limiterOf(env: Env, tier: RateTier): RateLimit | undefined {
  switch (tier) {
    case 100:
      return env.RATE_100;
    case 1000:
      return env.RATE_1000;
    case 10_000:
      return env.RATE_10000;
    default:
      return tier satisfies never;
  }
}
