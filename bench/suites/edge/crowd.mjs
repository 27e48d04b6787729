import { call, openAccount, openCustomer } from "../../harness/world.mjs";
import { openPlan, subscribe, USAGE } from "../platform/plans.mjs";

const OPENED_AT_ONCE = 16;

/** An account with `count` subscribers of a free plan: { account, planId, people: [{ reference, customerId, subscriptionId }] }. */
export async function openCrowd(edges, { key, count, maxUsage }) {
  const account = await openAccount(edges, key);
  const pricing = maxUsage === undefined ? USAGE : { ...USAGE, max_usage: maxUsage };
  const planId = await openPlan(edges, account, { key, features: 2, priced: 2, pricing });
  const people = Array.from({ length: count }, (_, index) => ({ reference: `${key}-${index}` }));
  for (let from = 0; from < count; from += OPENED_AT_ONCE)
    await Promise.all(
      people.slice(from, from + OPENED_AT_ONCE).map(async (one) => {
        const { id } = await openCustomer(edges, account, one.reference);
        one.customerId = id;
        one.subscriptionId = (await subscribe(edges, account, one.reference, planId)).id;
      }),
    );
  return { account, planId, people };
}

/** Draws of `items`, the first of which come most often: by Zipf's law, each as often as one over its place. */
export function drawnByZipf(items, count) {
  const bounds = [];
  let sum = 0;
  for (let place = 1; place <= items.length; place += 1) {
    sum += 1 / place;
    bounds.push(sum);
  }
  return Array.from({ length: count }, () => {
    const at = Math.random() * sum;
    let [low, high] = [0, bounds.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bounds[middle] > at) high = middle;
      else low = middle + 1;
    }
    return items[low];
  });
}

/** What the customer's object says now, past all leases. */
export function checkNow(edges, { key }, reference, feature) {
  return call(edges, key, "GET", `/api/v1/client/entitlements/${reference}/${feature}?fresh=true`);
}
