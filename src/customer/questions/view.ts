import type { CustomerView, Owner, Profile } from "../../domain/customer.ts";
import type { Customer } from "../image.ts";

export function customerView(owner: Owner, profile: Profile, lastEventAtMs: number | undefined): CustomerView {
  return { customerId: owner.customerId, ...profile, ...(lastEventAtMs === undefined ? {} : { lastEventAtMs }) };
}

/** The customer, or undefined when it was never registered and never had an event. Memory only. */
export function view(customer: Customer): CustomerView | undefined {
  const { owner, state } = customer.image;
  return state.profile === undefined ? undefined : customerView(owner, state.profile, state.lastEventAtMs);
}
