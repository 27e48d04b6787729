import { findCustomer, type Known } from "../catalog/directory.ts";
import type { Reply } from "../domain/refusal.ts";
import type { Call } from "./route.ts";

/**
 * The customer that `{ref}` names, if the caller may touch it. A key pinned to one customer reaches that one only: any other,
 * known or not, is 403, so that nothing can be learned of strangers.
 */
export async function customerOf(call: Call, ref: string): Promise<Reply<Known>> {
  const known = await findCustomer(call.env.DB, call.account.account.accountId, ref);
  if (call.key.customerId !== undefined && known?.customerId !== call.key.customerId)
    return { ok: false, code: "other_customer" };
  if (known === undefined) return { ok: false, code: "customer_not_found", given: ref };
  call.log.customerId = known.customerId;
  return { ok: true, value: known };
}

/** The identifiers that the directory knows of a customer, as the object keeps them. */
export function identityOf({ referenceId, stripeCustomerId }: Known): Omit<Known, "customerId"> {
  return {
    ...(referenceId === undefined ? {} : { referenceId }),
    ...(stripeCustomerId === undefined ? {} : { stripeCustomerId }),
  };
}
