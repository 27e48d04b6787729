import type { E4 } from "../domain/credit.ts";
import type { CustomerView } from "../domain/customer.ts";
import type { InvoiceView, SubscriptionView } from "../domain/views.ts";
import type { CreditBalance, SubscriptionReply } from "./calls.ts";

/** What an object replies of commands that it was only asked about. */

/** What a change would do; nothing is kept. `credits`: what would come at once, and with the payment of `invoice`. */
export type PlanChangePreview = {
  customer: CustomerView;
  invoice?: InvoiceView;
  effectiveAtMs: number;
  credits?: readonly PlanCreditsShown[];
};

/** Plan credits that would come, at once or with a payment. */
export type PlanCreditsShown = { denomination: string; amountE4: E4; expiresAtMs?: number };

/** The subscription and its first invoice as subscribing would make them, and the plan credits that its payment brings. */
export type SubscribePreview = SubscriptionReply & { credits: readonly PlanCreditsShown[] };

/**
 * `invoices`: all that a cancellation makes or closes. `credits`: what goes with the subscription. `creditBalance`: what it moves the
 * money balance by.
 */
export type CancelPreview = {
  customer: CustomerView;
  subscription: SubscriptionView;
  invoices: readonly InvoiceView[];
  credits: readonly { denomination: string; amountE4: E4 }[];
  creditBalance: CreditBalance;
};
