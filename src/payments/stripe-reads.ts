import type Stripe from "stripe";
import { fromProviderAmount } from "../domain/payment-amount.ts";
import type { Charge, Metadata, Page, ProviderCustomer, ProviderPayment, Refund } from "./provider.ts";

/** Stripe's objects as plain values. Its times are seconds, its currencies lower case, its references ids or whole objects. */

/** Ours on what we make there; Stripe keeps pairs of text. */
export function toMetadata({ account, customer, payment, invoice, pool }: Metadata): Record<string, string> {
  return {
    tanso_account: account,
    tanso_customer: customer,
    ...(payment === undefined ? {} : { tanso_payment: String(payment) }),
    ...(invoice === undefined ? {} : { tanso_invoice: invoice }),
    ...(pool === undefined ? {} : { tanso_pool: pool }),
  };
}

/** What of it is ours; anybody can write there in Stripe's dashboard, so nothing else is believed of it than that it is text. */
export function fromMetadata(metadata: Stripe.Metadata | null | undefined): Partial<Metadata> {
  const { tanso_account, tanso_customer, tanso_payment = "", tanso_invoice, tanso_pool } = metadata ?? {};
  return {
    ...(tanso_account === undefined ? {} : { account: tanso_account }),
    ...(tanso_customer === undefined ? {} : { customer: tanso_customer }),
    ...(/^\d{1,15}$/.test(tanso_payment) ? { payment: Number(tanso_payment) } : {}),
    ...(tanso_invoice === undefined ? {} : { invoice: tanso_invoice }),
    ...(tanso_pool === undefined ? {} : { pool: tanso_pool }),
  };
}

export function idOf(reference: string | { id: string } | null | undefined): string | undefined {
  if (reference === null || reference === undefined) return undefined;
  return typeof reference === "string" ? reference : reference.id;
}

export function toMs(seconds: number): number {
  return seconds * 1000;
}

export function fromCustomer(customer: Stripe.Customer | Stripe.DeletedCustomer): ProviderCustomer {
  if (customer.deleted) return { id: customer.id, isDeleted: true };
  const { id, email, name, invoice_settings } = customer;
  const defaultMethodId = idOf(invoice_settings.default_payment_method);
  return {
    id,
    isDeleted: false,
    ...(email === null ? {} : { email }),
    ...(typeof name === "string" ? { name } : {}),
    ...(defaultMethodId === undefined ? {} : { defaultMethodId }),
  };
}

export function fromSession(session: Stripe.Checkout.Session): Page {
  const { id, url, status, payment_status, expires_at, amount_total, currency } = session;
  const paymentIntentId = idOf(session.payment_intent);
  const isCompleted = status === "complete";
  return {
    id,
    ...(url === null ? {} : { url }),
    status: isCompleted ? "completed" : status === "expired" ? "expired" : "open",
    isPaid: isCompleted && payment_status !== "unpaid",
    isProcessing: isCompleted && payment_status === "unpaid",
    expiresAtMs: toMs(expires_at),
    ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
    ...(amount_total === null || currency === null
      ? {}
      : { amountMinor: fromProviderAmount(amount_total, currency), currency: currency.toUpperCase() }),
  };
}

/** With `latest_charge` expanded, or what was given back is not known. */
export function fromIntent(intent: Stripe.PaymentIntent): ProviderPayment {
  const { id, amount, amount_received, currency, last_payment_error: error } = intent;
  const metadata = fromMetadata(intent.metadata);
  const charge = typeof intent.latest_charge === "string" ? null : intent.latest_charge;
  const status = statusOf(intent);
  const declineReason = error?.decline_code ?? error?.code;
  const providerCustomerId = idOf(intent.customer);
  return {
    id,
    status,
    amountMinor: fromProviderAmount(status === "succeeded" ? amount_received : amount, currency),
    currency: currency.toUpperCase(),
    refundedMinor: fromProviderAmount(charge?.amount_refunded ?? 0, currency),
    ...(declineReason === undefined || status === "succeeded" ? {} : { declineReason }),
    ...(metadata.payment === undefined ? {} : { payment: metadata.payment }),
    createdAtMs: toMs(intent.created),
    metadata,
    ...(providerCustomerId === undefined ? {} : { providerCustomerId }),
  };
}

function statusOf({ status, last_payment_error }: Stripe.PaymentIntent): Charge["status"] {
  if (status === "succeeded") return "succeeded";
  if (status === "processing") return "processing";
  if (status === "canceled") return "cancelled";
  return status === "requires_payment_method" && last_payment_error !== null ? "failed" : "open";
}

export function fromRefund({ id, amount, currency, status }: Stripe.Refund): Refund {
  return {
    id,
    amountMinor: fromProviderAmount(amount, currency),
    status: status === "succeeded" ? "succeeded" : status === "failed" || status === "canceled" ? "failed" : "pending",
  };
}
