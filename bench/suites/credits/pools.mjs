import { call, openCustomer } from "../../harness/world.mjs";
import { openPlan, subscribe, USAGE } from "../platform/plans.mjs";

/** What the sections burn: made through the API like anybody's. */

const CREDITS = "/api/v1/monetization/credits";
const DENOMINATION = "BENCH";
const WEIGHT_AHEAD_MS = 10_500;

/** More than any run burns. */
export const MANY_CREDITS = 100_000_000;

/**
 * A free plan whose feature `KEY-0` burns credits and nothing else, by a weight for the model of the bench's events. The weight is
 * in force when this returns, ten seconds later. Answers the plan's id.
 */
export async function openCreditPlan(world, account, key) {
  const model = await call(world, account.key, "POST", `${CREDITS}/models`, {
    name: key,
    denomination: DENOMINATION,
    hardLimit: true,
  });
  const planId = await openPlan(world, account, { key, features: 1, pricing: USAGE, creditModelId: model.id });
  const { id: featureId } = await call(world, account.key, "GET", `/api/v1/client/features/${key}-0`);
  await call(world, account.key, "POST", `${CREDITS}/weights/publish`, {
    effectiveFrom: new Date().toISOString(),
    entries: [
      { featureId, creditsPerUnit: 1 },
      { featureId, model: "gpt-4o-mini", creditsPerUnit: 2.5 },
    ],
  });
  await new Promise((resolve) => setTimeout(resolve, WEIGHT_AHEAD_MS));
  return planId;
}

/** A customer on that plan with a hard pool of its own: { id, poolId }. */
export async function openPoolOwner(world, account, { reference, planId, testClockId }) {
  const { id } = await openCustomer(world, account, reference, testClockId);
  await subscribe(world, account, reference, planId);
  const pool = await call(world, account.key, "POST", `${CREDITS}/pools`, {
    name: reference,
    denomination: DENOMINATION,
    customerId: id,
    hardLimit: true,
  });
  return { id, poolId: pool.id };
}

export function grant(world, account, poolId, amount, more = {}) {
  return call(world, account.key, "POST", `${CREDITS}/grants`, {
    creditPoolId: poolId,
    amount,
    grantType: "MANUAL",
    ...more,
  });
}

export function deduct(world, account, poolId, amount) {
  return call(world, account.key, "POST", `${CREDITS}/deductions`, { creditPoolId: poolId, amount });
}
