import type { Invoice } from "./wire.ts";

/** Whose an invoice is: what their page is called by, and their name. Undefined where it names nobody by a reference. */
export function invoiceOwner({ subscription, buyer }: Invoice): { ref: string; name: string } | undefined {
  if (subscription === undefined) {
    const ref = buyer?.referenceId;
    return ref === undefined ? undefined : { ref, name: buyer?.name ?? ref };
  }
  const { id, customerReferenceId, firstName, lastName } = subscription.customer;
  const ref = customerReferenceId ?? id;
  return { ref, name: [firstName, lastName].filter(Boolean).join(" ") || ref };
}
