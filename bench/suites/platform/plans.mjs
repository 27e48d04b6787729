import { call } from "../../harness/world.mjs";

/** What the sections sell: made through the API like anybody's. */

const RULES = "/api/v1/monetization/rules/plan-features";
const PLANS = "/api/v1/monetization/plans";
const FEATURES = "/api/v1/monetization/features";

/**
 * An active plan with features `KEY-0`, `KEY-1` …, the first `priced` of them with `pricing`, the others included. Free unless `price` says
 * otherwise, so that subscribers have access at once. With a `creditModelId` the first feature burns credits. `featureIds`: features
 * that are there already. Answers the plan's id.
 */
export async function openPlan(
  world,
  account,
  { key, features = 1, priced = 1, pricing, price = 0, intervalMonths, creditModelId, featureIds = [] },
) {
  const plan = await call(world, account.key, "POST", PLANS, {
    key,
    name: key,
    description: "For the bench.",
    priceAmount: price,
    intervalMonths,
  });
  for (let index = 0; index < features; index += 1) {
    const featureId =
      featureIds[index] ?? (await call(world, account.key, "POST", FEATURES, { key: `${key}-${index}` })).id;
    await call(world, account.key, "POST", RULES, {
      planId: plan.id,
      featureId,
      ...(index < priced && pricing !== undefined ? { value: { pricing } } : {}),
      ...(index === 0 && creditModelId !== undefined ? { creditModelId } : {}),
    });
  }
  await call(world, account.key, "PATCH", `${PLANS}/${plan.id}`, { status: "ACTIVE" });
  return plan.id;
}

/** Ids of all features that an account has, up to a hundred, by key. */
export async function featureIdsOf(world, account) {
  const { items } = await call(world, account.key, "GET", `${FEATURES}?limit=100`);
  return items.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ id }) => id);
}

export async function subscribe(world, account, customerReferenceId, planId) {
  const answer = await call(world, account.key, "POST", "/api/v1/client/subscriptions", {
    customerReferenceId,
    planId,
  });
  if (answer.subscription.status !== "ACTIVE") throw new Error(`not ACTIVE: ${JSON.stringify(answer)}`);
  return answer.subscription;
}

export const USAGE = { model: "usage", price_per_unit: 0.002, usage_unit_type: "call" };

export function checkPath(customerReferenceId, featureKey) {
  return `/api/v1/client/entitlements/${customerReferenceId}/${featureKey}`;
}
