import type { E12 } from "./amount.ts";

/**
 * How one month's revenue came from the month before, customer by customer. Owns what counts as new, expansion, contraction and
 * churned.
 *
 * Law: previous + new + expansion − contraction − churned = total, exactly, whatever the signs.
 */

export type BridgeStep = {
  previousE12: E12;
  newE12: E12;
  expansionE12: E12;
  contractionE12: E12;
  churnedE12: E12;
  totalE12: E12;
  /** Customers with revenue in this month. */
  customerCount: number;
  newCustomers: number;
  churnedCustomers: number;
};

/** The step from one month's revenue per customer to the next one's. A customer whose revenue is zero is as one that is absent. */
export function bridgeStep(before: ReadonlyMap<string, E12>, now: ReadonlyMap<string, E12>): BridgeStep {
  const step: BridgeStep = {
    previousE12: 0n,
    newE12: 0n,
    expansionE12: 0n,
    contractionE12: 0n,
    churnedE12: 0n,
    totalE12: 0n,
    customerCount: 0,
    newCustomers: 0,
    churnedCustomers: 0,
  };
  for (const [customer, revenue] of now) {
    if (revenue === 0n) continue;
    step.totalE12 += revenue;
    step.customerCount += 1;
    const had = before.get(customer) ?? 0n;
    if (had === 0n) {
      step.newE12 += revenue;
      step.newCustomers += 1;
    } else if (revenue > had) step.expansionE12 += revenue - had;
    else step.contractionE12 += had - revenue;
  }
  for (const [customer, had] of before) {
    step.previousE12 += had;
    if (had === 0n || (now.get(customer) ?? 0n) !== 0n) continue;
    step.churnedE12 += had;
    step.churnedCustomers += 1;
  }
  return step;
}
