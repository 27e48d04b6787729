import { sha256Hex } from "./digest.ts";
import type { CustomerTag, Uuid } from "./ids.ts";
import type { Buyer } from "./invoice.ts";

/** Who a customer is. Times are UTC milliseconds. Reference and Stripe id are the directory's; the object keeps a copy. */
export const CUSTOMER_SOURCES = ["MANUAL", "EVENT_AUTO_CREATED", "STRIPE_IMPORTED"] as const;
export type CustomerSource = (typeof CUSTOMER_SOURCES)[number];

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
  /** What invoices to them show, as they give it. */
  taxId?: string;
};

export type Profile = Identity &
  PersonalData & {
    source: CustomerSource;
    createdAtMs: number;
    modifiedAtMs: number;
    /** Set once personal data was erased: nothing else is known of the customer from then on. */
    erased?: Erased;
  };

/** `throughNumber`: events and credit transactions up to this number have lost what was personal in them. */
export type Erased = { atMs: number; throughNumber: number };

/** What is left of a customer who was erased. */
export function erasedProfile({ source, createdAtMs }: Profile, erased: Erased): Profile {
  return { source, createdAtMs, modifiedAtMs: erased.atMs, erased };
}

/** A name of a customer: in the directory, or its own id. */
export type NameKind = "reference" | "stripe" | "id";

/** A name that was erased, as its digest. */
export type ErasedName = readonly [kind: NameKind, digest: string];

/**
 * What is kept of an erased name, so that it is never given to another. Whoever guesses the name can tell that it was here; nobody can
 * read it.
 */
export function nameDigest(accountId: string, kind: NameKind, value: string): string {
  return sha256Hex(JSON.stringify([accountId, kind, value]));
}

/** The object's name taken apart: `accountId/tag`. */
export type Owner = { accountId: string; tag: CustomerTag; customerId: Uuid };

/** `testClockId`: the clock that the customer lives by. */
export type CustomerView = Profile & { customerId: Uuid; lastEventAtMs?: number; testClockId?: string };

/** First and last name, else the reference, else the Stripe id. */
export function displayName(customer: Pick<PersonalData, "firstName" | "lastName"> & Identity): string {
  return fullName(customer) ?? customer.referenceId ?? customer.stripeCustomerId ?? "";
}

/** The customer as an invoice names them from now on. */
export function buyerOf(profile: Identity & PersonalData): Buyer {
  const { email, phoneNumber, address, taxId, referenceId } = profile;
  const name = fullName(profile);
  return {
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(phoneNumber === undefined ? {} : { phoneNumber }),
    ...(address === undefined ? {} : { address }),
    ...(taxId === undefined ? {} : { taxId }),
    ...(referenceId === undefined ? {} : { referenceId }),
  };
}

function fullName({ firstName, lastName }: Pick<PersonalData, "firstName" | "lastName">): string | undefined {
  const full = [firstName, lastName].filter((part) => part !== undefined && part !== "").join(" ");
  return full === "" ? undefined : full;
}
