import type { Overview } from "../calls.ts";
import type { Customer } from "../image.ts";
import { allSubscriptions, creditBalance } from "./billing.ts";
import { allPools } from "./credits.ts";
import { view } from "./view.ts";

/** The customer with all subscriptions and credit pools there ever were, newest first; undefined when there is no such customer. */
export function overview(customer: Customer): Overview | undefined {
  const known = view(customer);
  if (known === undefined) return undefined;
  return {
    customer: known,
    subscriptions: allSubscriptions(customer),
    pools: allPools(customer),
    creditBalance: creditBalance(customer),
  };
}
