import type { CustomerTag, Uuid } from "./ids.ts";

/** Who a customer is. Times are UTC milliseconds. Reference and Stripe id are the directory's; the object keeps a copy. */
export type CustomerSource = "MANUAL" | "EVENT_AUTO_CREATED" | "STRIPE_IMPORTED";

export type Identity = { referenceId?: string; stripeCustomerId?: string };

/** How a caller names a customer. At least one is there. */
export type Named = Identity & { customerId?: string };

/** What may be said and changed of a customer. */
export type PersonalData = {
  firstName?: string;
  lastName?: string;
  email?: string;
  phoneNumber?: string;
  address?: string;
};

export type Profile = Identity &
  PersonalData & {
    source: CustomerSource;
    createdAtMs: number;
    modifiedAtMs: number;
  };

/** The object's name taken apart: `accountId/tag`. */
export type Owner = { accountId: string; tag: CustomerTag; customerId: Uuid };

export type CustomerView = Profile & { customerId: Uuid; lastEventAtMs?: number };
