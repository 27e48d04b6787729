import type { E12 } from "../domain/amount.ts";
import type { LawChecked } from "../domain/books.ts";
import type { CostTerms } from "../domain/cost.ts";
import type { CreditPrice, E4 } from "../domain/credit.ts";
import type { EntryView, ExplainedGrant, GrantView, PoolView } from "../domain/credit-views.ts";
import type { CreditTerms } from "../domain/credit-weight.ts";
import type { CustomerView, ErasedName, Identity, PersonalData } from "../domain/customer.ts";
import type { Verdict } from "../domain/entitlement.ts";
import type { Receipt, StoredEvent, TrackEvent } from "../domain/event.ts";
import type { EventPricing } from "../domain/event-pricing.ts";
import type { LineExplanation } from "../domain/explain.ts";
import type { PoolForecast, SubscriptionForecast } from "../domain/forecast.ts";
import type { GrantSpec } from "../domain/grants.ts";
import type { Uuid } from "../domain/ids.ts";
import type { PaymentView } from "../domain/payment-view.ts";
import type { PaymentTerms } from "../domain/payments.ts";
import type { ChangeType } from "../domain/plan-change.ts";
import type { PoolSpec } from "../domain/pools.ts";
import type { ProviderFact } from "../domain/provider-fact.ts";
import type { Refusal, Reply } from "../domain/refusal.ts";
import type { ReplayDifference } from "../domain/replay.ts";
import type { CancelMode, PlanPin } from "../domain/subscription.ts";
import type { LeasedText } from "../domain/timed-text.ts";
import type { BalanceEntryView, InvoiceView, SubscriptionView } from "../domain/views.ts";
import type { RequestKey } from "./requests.ts";

/**
 * Arguments and replies of the object's methods. They cross from Workers of one release to objects of another: fields are added
 * as optional and never renamed.
 */

export type TrackCall = {
  /** What the directory knows of this customer; makes an unregistered one EVENT_AUTO_CREATED. */
  identity: Identity;
  terms: CostTerms;
  /** In the order of the request. All or nothing is each event's own: a duplicate refuses itself, not its neighbours. */
  events: readonly TrackEvent[];
  /** False: history, recorded for its cost and revenue alone. */
  meter?: boolean;
  /** Weights of the events' features; absent where they have none. */
  credits?: CreditTerms;
  requestKey?: RequestKey;
  /** Of the feature of these events. */
  ask?: AskAlong;
};

/** `over_limit`: recorded, but not counted and not billed. `refused`: not recorded. */
export type TrackResult =
  | { status: "accepted" | "duplicate" | "over_limit"; receipt: Receipt }
  | { status: "refused"; refusal: Refusal };

/** `testClock`: the customer lives in that clock's time from its first instant on. */
export type RegisterCall = { testClock?: { clockId: string; nowMs: number } } & {
  identity: Identity;
  data: PersonalData;
  requestKey?: RequestKey;
};

/** Money that waits for the customer's next invoices: above 0, one entry a currency, by its code. */
export type CreditBalance = { currency: string; amountMinor: number }[];

/** What else a customer has: `pools`, all there ever were, newest first, and `creditBalance`. */
type Owned = { pools?: PoolView[]; creditBalance?: CreditBalance };

/** The customer after a change of it; `subscriptions` and `pools`, newest first, and `creditBalance` only where there are any. */
export type ProfileReply = CustomerView & { subscriptions?: SubscriptionView[] } & Owned;

/** `subscriptions`: all there ever were, newest first. */
export type Overview = { customer: CustomerView; subscriptions: SubscriptionView[] } & Owned;

export type ChangeProfileCall = { identity: Identity; data: PersonalData; requestKey?: RequestKey };

/** Which of one customer's events; all conditions must hold. Times are `[startMs, endMs)` of occurrence. */
export type EventFilter = {
  startMs?: number;
  endMs?: number;
  featureId?: string;
  model?: string;
  modelProvider?: string;
  eventName?: string;
};

export type RecostCall = {
  model: string;
  fromMs: number;
  toMs: number;
  terms: CostTerms;
  dryRun: boolean;
  /** Goes on behind this event; pages keep a call short. */
  afterSeq: number;
};

/** `afterSeq` is where the next page begins; absent when all is done. */
export type RecostResult = { examined: number; priced: number; costE12: bigint; afterSeq?: number };

/** A reply that may be a repeat of an earlier one under the same Idempotency-Key. */
export type Replayable<T> = Reply<T> & { replayed?: true };

/** A management command's key of repetition. */
export type Repeatable = { requestKey?: RequestKey };

/** What the account's settings say of payments; without them nothing is asked. `paymentMethodId`: a saved method to charge. */
export type AskToPay = { payments?: PaymentTerms; paymentMethodId?: string };

/** `unsold`: the answer to whoever does not have the plan yet, since it is not sold now. */
export type SubscribeCall = Repeatable &
  AskToPay & { identity: Identity; pin: PlanPin; unsold?: Refusal; gracePeriodDays: number };

/** What commands on a subscription answer. Ids in calls are ids of the wire; unknown ones are refused `thing_not_found`. */
export type SubscriptionReply = {
  customer: CustomerView;
  subscription: SubscriptionView;
  invoice?: InvoiceView;
  /** For `subscribe`: false when the same subscription was asked for before and waits for its first payment. */
  isNew?: boolean;
  /** Where the invoice can be paid now. */
  page?: PaymentView;
} & MadeAtProvider;

/** The customer at the payment provider, where it was made there and the directory does not know it yet. */
type MadeAtProvider = { providerCustomerId?: string };

/** A page for this invoice, or for the oldest unpaid one of this subscription. */
export type CheckoutCall = Repeatable & { payments: PaymentTerms } & (
    | { invoiceId: string }
    | { subscriptionId: string }
  );

export type CheckoutReply = { page: PaymentView } & MadeAtProvider;

/** `price`: the one in force; `capE12`: what the caller may spend at once, in the price's currency. */
export type PurchaseCall = Repeatable & {
  poolId: string;
  creditsE4: E4;
  price?: CreditPrice;
  capE12?: E12;
  payments: PaymentTerms;
  paymentMethodId?: string;
};

/** COMPLETED: the credits are there. PROCESSING: they come with the money. Else there is a page. */
export type PurchaseReply = { payment: PaymentView } & MadeAtProvider;

export type PaymentMethodCall = Repeatable & { payments: PaymentTerms };

export type DefaultMethodCall = PaymentMethodCall & { paymentMethodId: string };

export type SetupIntentReply = {
  setupIntentId: string;
  clientSecret: string;
  stripeCustomerId: string;
} & MadeAtProvider;

export type DefaultMethodReply = { paymentMethodId: string } & MadeAtProvider;

/**
 * One event of the provider; `createdAtMs` is the provider's own time of it. `payments`: what the settings say now; absent where nobody
 * could read them.
 */
export type ProviderEventCall = {
  eventId: string;
  createdAtMs: number;
  fact: ProviderFact;
  payments?: PaymentTerms;
};

/** `waits`: kept until what it is about is known. `ignored`: it is about nothing of this customer. */
export type ProviderEventReply = {
  outcome: "handled" | "repeated" | "waits" | "ignored";
  /** The customer there, where the directory does not know it yet. */
  providerCustomerId?: string;
  /** A payout by refund failed, and the balance has it again: the entry that says so. */
  payoutReturned?: Pick<BalanceEntryView, "entryId" | "currency" | "amountMinor" | "balanceMinor" | "reference">;
};

export type SubscriptionCall = Repeatable & { subscriptionId: string };

export type ChangePlanCall = SubscriptionCall & AskToPay & { to: PlanPin; type: ChangeType };

export type CancelCall = SubscriptionCall & { mode: CancelMode };

/** `byCustomer`: asked by a key of the customer's own. */
export type DropChangeCall = SubscriptionCall & { byCustomer: boolean };

export type ChangeGraceCall = SubscriptionCall & { gracePeriodDays: number };

export type InvoiceCall = Repeatable & { invoiceId: string };

export type VoidInvoiceCall = InvoiceCall & { rebill: boolean };

/**
 * `amountMinor` > 0: what is paid out. `key`: the caller's own, for this payout alone. `refund`: through the payment provider, on these
 * terms; absent: it was paid out by other ways.
 */
export type PayoutCall = Repeatable & {
  currency: string;
  amountMinor: number;
  reference?: string;
  key?: string;
  refund?: PaymentTerms;
};

/** `isRepeat`: the key was used before, this is what it made then. */
export type BalanceEntryReply = { entry: BalanceEntryView; isRepeat: boolean };

export type InvoiceReply = { customer: CustomerView; invoice: InvoiceView };

/** `fromVersion`: only if it has this one. */
export type MigrateCall = {
  subscriptionId: string;
  to: PlanPin;
  when: "NOW" | "NEXT_PERIOD";
  fromVersion?: number;
  dryRun: boolean;
};

/** `moved` false: it has ended, has that version or not the one it should have, or something else is scheduled for it. */
export type MigrateResult = { moved: boolean; before: SubscriptionView; effectiveAtMs?: number; invoice?: InvoiceView };

/**
 * A question about access. The Worker knows features by key; `isEnabled` is the feature's own switch in the catalog as the isolate
 * knows it (within 5 s), for an unknown key true: then no plan has it.
 */
export type CheckCall = {
  featureKey: string;
  isEnabled: boolean;
  /** Id of a subscription that shall serve, if it can. */
  subscriptionId?: string;
  /** Units that would be used: asks for a simulation. */
  requestedE12?: E12;
  /** What would be used: units of it may burn more credits than others. */
  model?: string;
  /** Weights of the feature; absent where it has none. */
  credits?: CreditTerms;
  /** Counted in the check log. */
  record: boolean;
};

/** `asOfMs` is the customer's now. Where there is no such customer: refused `customer_not_found`. */
export type CheckReply = { verdict: Verdict; asOfMs: number };

/**
 * A plain question whose answer a write shall bring along, by the account's bound; see `domain/lease.ts`. `served`: how often the lease
 * before answered, for the log of checks.
 */
export type AskAlong = { featureKey: string; isEnabled: boolean; boundMs: number; served?: number };

/** A reply that brings along what it was asked to: the answer to a plain question since. */
export type Leasing<T> = Replayable<T> & { lease?: LeasedText };

/** A page of what a customer has access to, with all weights that the account has. */
export type EntitlementsCall = { limit: number; offset: number; credits?: CreditTerms };

/** What each live subscription says of its plan's features, newest first; those that give access now. */
export type EntitlementsReply = {
  items: { subscriptionId: string; features: { featureKey: string; featureId: string; allowed: boolean }[] }[];
  total: number;
};

/** One event, if it is allowed and within the limit together with all that is held. The feature is named by its key alone. */
/** `featureId`: absent where the account has no feature of this key. */
export type ConsumeCall = { track: TrackCall; featureKey: string; featureId?: string; isEnabled: boolean };

/**
 * With a receipt it is recorded, and `verdict` says what is used and left since; without it nothing is. `outcome` is there with a
 * receipt; `key_taken`: an event of another feature has the key, this is its receipt and nothing was done.
 */
export type ConsumeReply = CheckReply & { receipt?: Receipt; outcome?: "recorded" | "repeated" | "key_taken" };

/** `usageE12` is what the event should have said. */
export type CorrectCall = Repeatable & {
  eventId: string;
  usageE12: E12;
  reason?: string;
  key?: string;
  /** Weights of the event's model, of whatever feature it is. */
  credits?: CreditTerms;
};

export type CorrectReply = { receipt: Receipt; isRepeat: boolean };

/** How often access was asked for on one UTC day. */
export type CheckDay = { dayStartMs: number; featureKey: string; allowed: number; denied: number };

/** What a test clock's step did; `steps`: how many things fell due, also those that are none of the others. */
export type Advanced = { steps?: number; periods: number; invoices: number; grants: number; expirations: number };

/** A page of what there is. */
export type PageReply<T> = { items: T[]; total: number };

/** `after`: the id of the entry behind which the page begins. */
export type LedgerPage = { after?: string; limit: number };

export type MakePoolCall = Repeatable & { spec: PoolSpec };

export type PoolCall = Repeatable & { poolId: string };

export type LinkPoolCall = PoolCall & { subscriptionId: string; drawPriority: number; drawLimitE4?: E4 };

export type UnlinkPoolCall = PoolCall & { subscriptionId: string };

/** `asOfMs`: the customer's now. */
export type PoolReply = { pool: PoolView; asOfMs: number };

/** `price`: the one in force, for what is PURCHASED without a price of its own. */
export type GrantCall = PoolCall & {
  spec: Omit<GrantSpec, "subscription" | "invoice">;
  subscriptionId?: string;
  invoiceId?: string;
  price?: CreditPrice;
};

export type VoidGrantCall = Repeatable & { grantId: string; description?: string };

/** `isRepeat`: the caller's own key was used before, this is what it made then. */
/** `balanceE4`: the pool's, before and after a grant that was made now. */
export type GrantReply = { grant: GrantView; isRepeat: boolean; balanceE4?: { before: E4; after: E4 } };

export type DeductCall = PoolCall & { amountE4: E4; description?: string; key?: string; metadata?: string };

export type ReverseCall = Repeatable & { entryId: string; description?: string };

export type EntryReply = { entry: EntryView; isRepeat: boolean };

/** Grants by `limit` and `offset`; `afterEntry`: the ledger is read on behind this entry. */
/** `leftE4`: what each grant of the page had left after `afterEntry`, as the answer before said. */
export type ExplainPage = { limit: number; offset: number; afterEntry?: string; leftE4?: readonly E4[] };

/** `nextEntry`: there is more of the ledger to read behind this entry. `nextLeftE4`: what the grants had left after it. */
export type ExplainReply = PageReply<ExplainedGrant> & { pool: PoolView; nextEntry?: string; nextLeftE4?: E4[] };

export type ForecastReply = { asOfMs: number; subscriptions: SubscriptionForecast[]; pools: PoolForecast[] };

/** An invoice with what stands behind each of its lines. `difference`: what replaying it found; absent where it matches. */
export type ExplainInvoiceReply = InvoiceReply & { lines: LineExplanation[]; difference?: ReplayDifference };

/** One event. `pricing`: absent where it was not counted. `corrections`: what was said of it since, in order. */
export type EventReply = { event: StoredEvent; corrections: StoredEvent[]; pricing?: EventPricing };

/** Invoices behind `after`, in the order of their numbers. */
export type ReplayPage = { after: number; limit: number };

/**
 * `next`: there are more behind this number. `notRecounted`: of those that match, how many have usage whose events are too many to be
 * counted again; absent from objects before it was told.
 */
export type ReplayReply = {
  checked: number;
  notRecounted?: number;
  differing: { invoiceId: Uuid; difference: ReplayDifference }[];
  next?: number;
};

/** Where a page of an export begins: in which table, behind which key. Without any: at the beginning. */
export type ExportPage = { table?: number; after?: readonly (string | number)[] };

/** `text`: so many records, each a line of JSON. `next`: where there is more. */
export type ExportReply = { text: string; records: number; next?: ExportPage };

/** `names`: digests of the names that the directory has of the customer, by kind; see `nameDigest`. */
export type EraseCall = { names: readonly ErasedName[] };

export type EraseReply = { erasedAtMs: number; isRepeat: boolean };

export type BooksReply = { asOfMs: number; laws: LawChecked[] };
