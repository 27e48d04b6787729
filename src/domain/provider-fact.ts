/**
 * What the payment provider tells about one customer, as plain values. Owns the facts that a customer's object knows how to take.
 * Leaves to the provider's side how they are read from its events, and to `payments.ts` what follows from them.
 *
 * Laws: a fact says what is so at the provider, never what to do; amounts are in minor units of ISO 4217, whatever digits the
 * provider counts in. `payment` is the number of our payment attempt, from the metadata that we gave; absent where the provider's
 * object has none, and then its ids lead there.
 */
export type ProviderFact =
  /**
   * A payment page was completed, or its bank debit came through. `isPaid` and `isProcessing` both false: completed and not paid,
   * which is not paid.
   */
  | ({
      kind: "page_completed";
      pageId: string;
      isPaid: boolean;
      /** The money is on its way: a bank debit that takes days. */
      isProcessing: boolean;
      paymentIntentId?: string;
    } & AboutPayment &
      Partial<Money>)
  /** Nobody completed the page in time, or we closed it. */
  | ({ kind: "page_expired"; pageId: string } & AboutPayment)
  /** The bank debit of a completed page failed. */
  | ({ kind: "page_failed"; pageId: string; declineReason?: string } & AboutPayment)
  /** Money came: by a charge of a saved method, or through a page. */
  | ({ kind: "charge_succeeded"; paymentIntentId: string } & AboutPayment & Money)
  /** A charge was declined. On a page the customer may try again, so the page stays open. */
  | ({ kind: "charge_failed"; paymentIntentId: string; declineReason?: string } & AboutPayment)
  /** The customer saved a payment method for later. */
  | { kind: "setup_succeeded"; setupIntentId: string; paymentMethodId: string; providerCustomerId?: string }
  /** A saved payment method was taken off the customer. */
  | { kind: "method_detached"; paymentMethodId: string; providerCustomerId: string }
  /**
   * So much of a payment has been given back in all; told again with a larger sum when more is. `refunds`: of which it is the sum, with
   * those that failed beside them; absent where only the sum is known.
   */
  | ({
      kind: "refunded";
      paymentIntentId: string;
      refundedMinorTotal: number;
      refunds?: readonly MadeRefund[];
      currency: string;
    } & AboutPayment)
  /** A refund gave nothing back after all. `isAsked`: we asked for it; else somebody else did. */
  | ({ kind: "refund_failed"; paymentIntentId: string; refundId: string; isAsked: boolean } & AboutPayment & Money)
  /** The customer's bank took, or wants, the money back. `lost`: it is gone. */
  | ({
      kind: "disputed";
      paymentIntentId: string;
      disputeId: string;
      state: "open" | "won" | "lost";
    } & AboutPayment &
      Money)
  /** Name and e-mail as the provider has them. */
  | { kind: "customer_changed"; providerCustomerId: string; name?: string; email?: string }
  | { kind: "customer_deleted"; providerCustomerId: string };

/** A fact about a payment; the others are about what a customer has or is. */
export type PaymentFact = Exclude<
  ProviderFact,
  { kind: "setup_succeeded" | "method_detached" | "customer_changed" | "customer_deleted" }
>;

type AboutPayment = { payment?: number };

type Money = { amountMinor: number; currency: string };

/** One refund of a payment at the provider. `hasFailed`: it gave nothing back after all. `isAsked`: we asked for it, nobody else did. */
export type MadeRefund = { refundId: string; amountMinor: number; hasFailed: boolean; isAsked: boolean };
