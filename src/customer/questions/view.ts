import type { CustomerView, Owner, Profile } from "../../domain/customer.ts";
import type { Customer } from "../image.ts";
import type { StateRow } from "../store.ts";

export function customerView(
  owner: Owner,
  profile: Profile,
  { lastEventAtMs, clock }: Pick<StateRow, "lastEventAtMs" | "clock">,
): CustomerView {
  return {
    customerId: owner.customerId,
    ...profile,
    ...(lastEventAtMs === undefined ? {} : { lastEventAtMs }),
    ...(clock === undefined ? {} : { testClockId: clock.clockId }),
  };
}

/** The customer, or undefined when it was never registered and never had an event, and once it was erased. Memory only. */
export function view(customer: Customer): CustomerView | undefined {
  const known = viewOrPseudonym(customer);
  return known?.erased === undefined ? known : undefined;
}

/** The same, and of a customer who was erased what is left: beside invoices, and for D1. */
export function viewOrPseudonym({ image }: Customer): CustomerView | undefined {
  const { owner, state } = image;
  return state.profile === undefined ? undefined : customerView(owner, state.profile, state);
}
