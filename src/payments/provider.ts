import type { MadeRefund } from "../domain/provider-fact.ts";

/**
 * The payment provider as the rest knows it: plain values, none of its types. Owns what is asked of it and how its answers and
 * failures are told. Leaves to its adapter how that is said over the wire.
 *
 * Laws: nothing throws for what the provider or the network does; amounts are safe integers of ISO 4217 minor units, the adapter
 * converts them to the provider's digits; what makes something takes an `idempotencyKey`, and the same key with the same call makes it
 * once within 24 hours; what we made carries our metadata, so that it can be found later.
 */

/**
 * Why a call came to nothing. `away`: network, time-out, 5xx, or the same key still running: nobody knows whether it was done, the
 * same call may be sent again. `rate_limited`: not done, later. `declined` and `authentication_required`: the customer's bank said no,
 * or wants the customer. `not_found`: what it names is not there. `unauthorized`: our key is no longer taken. `refused`: wrong in
 * itself, sending it again helps nobody.
 */
export type ProviderFailure =
  | "away"
  | "rate_limited"
  | "declined"
  | "authentication_required"
  | "not_found"
  | "unauthorized"
  | "refused";

/** `message` is for operators; it holds no secret. `chargeId`: what a declined charge is called at the provider. */
export type Failed = {
  ok: false;
  failure: ProviderFailure;
  message: string;
  declineReason?: string;
  chargeId?: string;
};

export type Outcome<T> = { ok: true; value: T } | Failed;

/** Put on everything that is made for a customer, as `tanso_account`, `tanso_customer`, …; ids are ours. */
export type Metadata = {
  account: string;
  customer: string;
  /** Number of the payment attempt; absent on the customer itself and on a method that is saved. */
  payment?: number;
  invoice?: string;
  pool?: string;
};

type Made = { idempotencyKey: string; metadata: Metadata };

export type CustomerSpec = Made & { email?: string; name?: string; phone?: string };

export type ProviderCustomer = {
  id: string;
  email?: string;
  name?: string;
  isDeleted: boolean;
  defaultMethodId?: string;
};

/** One position on a page; all of a page are above 0 and sum up to its amount. */
export type PageLine = { description: string; amountMinor: number };

export type PageSpec = Made & {
  providerCustomerId: string;
  currency: string;
  amountMinor: number;
  lines: readonly PageLine[];
  /** Absent: the adapter's own page that says thank you. */
  successUrl?: string;
  cancelUrl?: string;
  /** After this nobody can complete it; the provider takes 30 minutes to 24 hours from now. */
  expiresAtMs?: number;
  /** Keeps the method for charges without the customer. */
  savesMethod: boolean;
};

export type Page = {
  id: string;
  /** There while it can be completed. */
  url?: string;
  status: "open" | "completed" | "expired";
  isPaid: boolean;
  /** Completed, and the money is on its way. */
  isProcessing: boolean;
  expiresAtMs: number;
  paymentIntentId?: string;
  amountMinor?: number;
  currency?: string;
};

export type ChargeSpec = Made & {
  providerCustomerId: string;
  paymentMethodId: string;
  amountMinor: number;
  currency: string;
  description: string;
};

export type Charge = {
  /** The payment intent's id. */
  id: string;
  status: "succeeded" | "processing" | "failed" | "cancelled" | "open";
  amountMinor: number;
  currency: string;
  /** Of it, what was given back so far. */
  refundedMinor: number;
  declineReason?: string;
  /** From the metadata, where it is ours. */
  payment?: number;
};

export type RefundSpec = Made & { paymentIntentId: string; amountMinor: number; currency: string };

export type Refund = {
  id: string;
  amountMinor: number;
  status: "succeeded" | "pending" | "failed";
};

export type SetupIntent = { id: string; clientSecret: string };

/** A payment as reconciliation sees it. */
export type ProviderPayment = Charge & {
  createdAtMs: number;
  metadata: Partial<Metadata>;
  providerCustomerId?: string;
};

/** By what something that we made is found again: what it was made for. */
export type Sought = { providerCustomerId: string; payment: number };

export type PaymentProvider = {
  /** Whose key it is. */
  account: () => Promise<Outcome<{ id: string; name?: string }>>;

  createCustomer: (spec: CustomerSpec) => Promise<Outcome<ProviderCustomer>>;
  retrieveCustomer: (id: string) => Promise<Outcome<ProviderCustomer>>;
  /** The customer that was made with this metadata, if one was. */
  findCustomer: (metadata: Metadata) => Promise<Outcome<ProviderCustomer | undefined>>;

  createPage: (spec: PageSpec) => Promise<Outcome<Page>>;
  retrievePage: (id: string) => Promise<Outcome<Page>>;
  /** Nobody can complete it afterwards. One that is completed or expired is answered as it is, with `ok`. */
  expirePage: (id: string, idempotencyKey: string) => Promise<Outcome<Page>>;
  findPage: (sought: Sought) => Promise<Outcome<Page | undefined>>;

  /** For saving a method: what the customer's browser needs. */
  createSetupIntent: (spec: Made & { providerCustomerId: string }) => Promise<Outcome<SetupIntent>>;
  /** Makes a method of the customer the one that is charged; attaches it first where it is not yet. */
  setDefaultMethod: (
    spec: Made & { providerCustomerId: string; paymentMethodId: string },
  ) => Promise<Outcome<{ paymentMethodId: string }>>;

  /** Charges a saved method without the customer. */
  charge: (spec: ChargeSpec) => Promise<Outcome<Charge>>;
  /** With the metadata, which lead to what it was made for: an event of a dispute names the payment alone. */
  retrieveCharge: (id: string) => Promise<Outcome<Charge & { metadata: Partial<Metadata> }>>;
  findCharge: (sought: Sought) => Promise<Outcome<Charge | undefined>>;

  refund: (spec: RefundSpec) => Promise<Outcome<Refund>>;
  /** All refunds of a payment: those that gave money back or are on their way, and those that failed. Amounts in minor units. */
  refundsOf: (paymentIntentId: string) => Promise<Outcome<MadeRefund[]>>;

  /** Makes the endpoint at the provider for exactly these events. The secret is told this once. */
  registerWebhook: (spec: {
    url: string;
    events: readonly string[];
    idempotencyKey: string;
  }) => Promise<Outcome<{ id: string; secret: string }>>;
  deleteWebhook: (id: string) => Promise<Outcome<undefined>>;

  /** All payments made at or after `sinceMs`, newest first, in pages. */
  listPayments: (page: {
    sinceMs: number;
    limit: number;
    cursor?: string;
  }) => Promise<Outcome<{ items: ProviderPayment[]; nextCursor?: string }>>;
};
