import { findCustomer, type Known } from "../catalog/directory.ts";
import { customerId, readCustomerThingId, type Uuid } from "../domain/ids.ts";
import { invalid, type Reply } from "../domain/refusal.ts";
import type { Call } from "./route.ts";

/**
 * The customer that `{ref}` names, if the caller may touch it. A key pinned to one customer reaches that one only: any other,
 * known or not, is 403, so that nothing can be learned of strangers.
 */
export async function customerOf(call: Call, ref: string): Promise<Reply<Known>> {
  const { met } = call;
  const known = met?.ref === ref ? met.customer : await findCustomer(call.env.DB, call.account.account.accountId, ref);
  if (call.key.customerId !== undefined && known?.customerId !== call.key.customerId)
    return { ok: false, code: "other_customer" };
  if (known === undefined) return { ok: false, code: "customer_not_found", given: ref };
  call.log.customerId = known.customerId;
  return { ok: true, value: known };
}

/** The customer of a body's `customerReferenceId`; without it, the one that the key is pinned to. */
export async function customerNamed(call: Call, reference: string | undefined): Promise<Reply<Known>> {
  const ref = reference ?? call.key.customerId;
  return ref === undefined
    ? (invalid("customerReferenceId", "is needed") as Reply<Known>)
    : await customerOf(call, ref);
}

/** What things are called that ids name. */
const WORDS = {
  subscription: "subscription",
  invoice: "invoice",
  reservation: "reservation",
  event: "event",
  creditPool: "credit pool",
  creditGrant: "credit grant",
  creditEntry: "credit transaction",
  payment: "checkout session",
} as const;

/**
 * The customer whose thing an id in a path names, by the tag in the id: nothing is looked up, the object knows whether there is
 * such a thing. A key pinned to one customer hears 403 for whatever is not that customer's.
 */
export function ownerOf(call: Call, kind: keyof typeof WORDS, id: string): Reply<Uuid> {
  const read = readCustomerThingId(id);
  const owner = read === undefined ? undefined : customerId(read.tag);
  if (call.key.customerId !== undefined && owner !== call.key.customerId) return { ok: false, code: "other_customer" };
  if (owner === undefined || read?.kind !== kind)
    return { ok: false, code: "thing_not_found", what: WORDS[kind], given: id };
  call.log.customerId = owner;
  return { ok: true, value: owner };
}

/** The identifiers that the directory knows of a customer, as the object keeps them. */
export function identityOf({ referenceId, stripeCustomerId }: Known): Omit<Known, "customerId"> {
  return {
    ...(referenceId === undefined ? {} : { referenceId }),
    ...(stripeCustomerId === undefined ? {} : { stripeCustomerId }),
  };
}
