import type { E12 } from "./amount.ts";
import type { Draft } from "./book.ts";
import type { E4, Grant, Pool } from "./credit.ts";
import type { Invoice } from "./invoice.ts";

/**
 * Money on its way through the payment provider. Owns the shape of an attempt to collect it, its statuses, and what the customer's
 * object knows of the customer at the provider. Leaves when something is tried to `collect.ts`, what comes of it to
 * `payment-outcome.ts`.
 *
 * Laws: an attempt is for one invoice, or for one purchase; COMPLETED never changes its status again, since the money came; of one
 * subject at most one attempt can bring money at a time, an older one is closed at the provider first. Money that came for what needs
 * none is `overpaidMinor`, never lost.
 */

export type PaymentStatus = "PENDING" | "PROCESSING" | "COMPLETED" | "FAILED" | "EXPIRED";

export type PaymentPurpose = "SUBSCRIPTION" | "INVOICE" | "CREDIT_TOPUP";

/** Credits that come with the payment, at the price that was agreed on when it was asked for. */
export type Purchase = {
  pool: number;
  creditsE4: E4;
  unitPriceE12: E12;
  grant?: number;
  /** The most of its money that was ever given back at once: for so much credits were taken, also where a refund failed since. */
  takenMinor?: number;
};

export type Payment = {
  number: number;
  purpose: PaymentPurpose;
  /** A page that the customer completes, or a charge of a saved method without them. */
  kind: "PAGE" | "CHARGE";
  status: PaymentStatus;
  currency: string;
  amountMinor: number;
  /** What it pays; of a purchase the invoice that came with the money. */
  invoice?: number;
  subscription?: number;
  purchase?: Purchase;
  /** The method that a charge takes. */
  methodId?: string;
  /** Where the customer goes from a page: as the settings were, since a call that is sent again must be the same. */
  successUrl?: string;
  cancelUrl?: string;
  /** It is not wanted any more: it ends as soon as the provider says that nothing can come of it. */
  isClosing?: true;
  /** The page at the provider, once it is made. Its time is real time, also for a customer of a test clock. */
  pageId?: string;
  url?: string;
  expiresAtMs?: number;
  paymentIntentId?: string;
  createdAtMs: number;
  modifiedAtMs: number;
  completedAtMs?: number;
  declineReason?: string;
  /** The page that took its place when it failed. */
  fallback?: number;
  /** What came. */
  paidMinor?: number;
  /** Of it, what paid for nothing. */
  overpaidMinor?: number;
  /** Given back by refunds in all. */
  refundedMinor: number;
  /** Refunds that gave nothing back after all, by their ids at the provider. */
  failedRefunds?: readonly string[];
  /** Of what came, what is paid out of the customer's balance by giving it back here, and how much of that was given back. */
  payout?: { amountMinor: number; returnedMinor: number };
  /** By dispute: what the customer's bank took, or may take. */
  disputes?: Readonly<Record<string, { amountMinor: number; state: "open" | "won" | "lost" }>>;
};

/** What an account's settings say of payments, as commands bring it. `isOn`: invoices are collected, and a key is there to do it. */
export type PaymentTerms = {
  isOn: boolean;
  refundOverpayments: boolean;
  successUrl?: string;
  cancelUrl?: string;
};

/** The customer as the provider knows them. */
export type Payer = {
  providerCustomerId?: string;
  /** Were deleted at the provider: never to be used again, though one may stand in the profile. */
  deletedCustomerIds?: readonly string[];
  /** How many customers were made there: each under a key of its own. */
  customersMade?: number;
  /** Since when the next one may be there without our knowing: the instant, by the wall clock, at which it was first asked for. */
  customerAskedAtMs?: number;
  /** How often a method was to be saved: the same. */
  setups?: number;
  /** The saved method that is charged without the customer. */
  defaultMethodId?: string;
  /** Were taken off the customer at the provider, newest last: never to be charged again. */
  detachedMethodIds?: readonly string[];
  /** As the last command brought them: what falls due by itself has no command. */
  terms?: PaymentTerms;
  /** Declined charges for purchases in a row, and until when the next one is not tried by itself. */
  declines?: { count: number; untilMs: number };
};

/** What is to be asked of the provider. `profile`: who the customer is, whom an event named by the provider's id alone. */
export type ProviderOp = "profile" | "expire" | "charge" | "page" | "refund";

/** `payment` 0: of none. */
export type ProviderCall = { op: ProviderOp; payment: number };

export function isOpenPayment({ status }: Payment): boolean {
  return status === "PENDING" || status === "PROCESSING";
}

/** What an attempt is for: of equal ones only one may bring money. */
export function subjectOf({ purchase, invoice = 0 }: Pick<Payment, "purchase" | "invoice">): string {
  return purchase === undefined ? `invoice ${invoice}` : `pool ${purchase.pool}`;
}

/** The open attempts for a subject, oldest first. */
export function openPaymentsFor(
  { payments }: { payments: { values: () => Iterable<Payment> } },
  subject: string,
): Payment[] {
  return [...payments.values()].filter((payment) => isOpenPayment(payment) && subjectOf(payment) === subject);
}

/** The attempt that the customer is waited for or that is under way; one that is being closed is none. */
export function livePayment(
  book: { payments: { values: () => Iterable<Payment> } },
  subject: string,
): Payment | undefined {
  return openPaymentsFor(book, subject).find(({ isClosing }) => isClosing === undefined);
}

/**
 * May this attempt go to the provider? Not while an older one for the same may still bring money. `never`: an older one has money on
 * its way.
 */
export function turnOf(
  book: { payments: { values: () => Iterable<Payment> } },
  payment: Payment,
): "now" | "later" | "never" {
  const older = openPaymentsFor(book, subjectOf(payment)).filter(({ number }) => number < payment.number);
  if (older.some(({ status }) => status === "PROCESSING")) return "never";
  return older.length === 0 ? "now" : "later";
}

/** The attempt as the draft has it now. */
export function currentPayment(draft: Draft, payment: Payment): Payment {
  return draft.payments.get(payment.number) ?? payment;
}

export function changePayment(draft: Draft, payment: Payment, change: Partial<Payment>, nowMs: number): Payment {
  return draft.payments.put({ ...currentPayment(draft, payment), ...change, modifiedAtMs: nowMs });
}

/** Closed things that a decision may be about: no longer in the book, but in the object's tables. */
export type PaymentPast = {
  payment: (number: number) => Payment | undefined;
  paymentWithPage: (pageId: string) => Payment | undefined;
  paymentWithIntent: (paymentIntentId: string) => Payment | undefined;
  invoice: (number: number) => Invoice | undefined;
  pool: (number: number) => Pool | undefined;
  grant: (number: number) => Grant | undefined;
};
