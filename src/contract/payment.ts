import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import { minorToE12 } from "../domain/money.ts";
import type { PaymentView } from "../domain/payment-view.ts";
import { creditAmount, idText, instantText, name } from "./scalars.ts";

/** Payment pages, purchases of credits and saved methods on the wire. */

export const CheckoutSessionWire = z
  .object({
    id: z.uuid(),
    purpose: z.enum(["SUBSCRIPTION", "CREDIT_TOPUP", "INVOICE"]),
    status: z
      .enum(["PENDING", "COMPLETED", "EXPIRED"])
      .meta({ description: "COMPLETED: the money is there. EXPIRED: nothing can come of this page any more." }),
    paymentProcessing: z
      .boolean()
      .optional()
      .meta({ description: "True while it is completed and the money on its way, which may take days." }),
    checkoutUrl: z.string().optional(),
    subscriptionId: z.uuid().optional(),
    invoiceId: z.uuid().optional(),
    credits: z.number().optional(),
    amount: z.number(),
    currency: z.string(),
    expiresAt: z.iso.datetime().optional(),
    createdAt: z.iso.datetime(),
    completedAt: z.iso.datetime().optional(),
  })
  .meta({
    id: "CheckoutSession",
    examples: [
      {
        id: "6c1f0e9a-7d42-8b34-8c00-000000000001",
        purpose: "SUBSCRIPTION",
        status: "PENDING",
        checkoutUrl: "https://checkout.stripe.com/c/pay/cs_test_a1",
        subscriptionId: "6c1f0e9a-7d42-8b34-8300-000000000001",
        invoiceId: "6c1f0e9a-7d42-8b34-8400-000000100001",
        amount: 49,
        currency: "USD",
        expiresAt: "2027-01-16T10:00:00.000Z",
        createdAt: "2027-01-15T10:00:00.000Z",
      },
    ],
  });

export function toWireSession(view: PaymentView): z.input<typeof CheckoutSessionWire> {
  const { status, currency, amountMinor, purchase, expiresAtMs, completedAtMs } = view;
  const isWaiting = status === "PENDING" || status === "PROCESSING";
  return {
    id: view.paymentId,
    purpose: view.purpose,
    status: status === "COMPLETED" ? "COMPLETED" : isWaiting ? "PENDING" : "EXPIRED",
    paymentProcessing: status === "PROCESSING" ? true : undefined,
    checkoutUrl: view.url,
    subscriptionId: view.subscriptionId,
    invoiceId: view.invoiceId,
    credits: purchase === undefined ? undefined : e4ToNumber(purchase.creditsE4),
    amount: e12ToNumber(minorToE12(amountMinor, currency)),
    currency,
    expiresAt: expiresAtMs === undefined ? undefined : instantText(expiresAtMs),
    createdAt: instantText(view.createdAtMs),
    completedAt: completedAtMs === undefined ? undefined : instantText(completedAtMs),
  };
}

/** The fields that lead to a payment page, wherever an answer has one. */
export const pageLink = { checkoutUrl: z.string().optional(), checkoutSessionId: z.uuid().optional() };

export function toWireLink(page: PaymentView | undefined): { checkoutUrl?: string; checkoutSessionId?: string } {
  if (page === undefined) return {};
  return { ...(page.url === undefined ? {} : { checkoutUrl: page.url }), checkoutSessionId: page.paymentId };
}

export const CheckoutLinkWire = z
  .object({ url: z.string(), checkoutSessionId: z.uuid(), expiresAt: z.iso.datetime().optional() })
  .meta({ id: "CheckoutLink" });

export function toWireCheckoutLink({
  url = "",
  paymentId,
  expiresAtMs,
}: PaymentView): z.input<typeof CheckoutLinkWire> {
  return {
    url,
    checkoutSessionId: paymentId,
    expiresAt: expiresAtMs === undefined ? undefined : instantText(expiresAtMs),
  };
}

export const PurchaseCredits = z
  .object({
    customerReferenceId: name
      .optional()
      .meta({ description: "Needed, unless the key is a customer's own: then it is that customer." }),
    creditPoolId: idText,
    credits: creditAmount,
    paymentMethodId: name
      .optional()
      .meta({ description: "A saved method to charge; without it the customer's default one, if there is one." }),
  })
  .meta({ id: "PurchaseCredits" });

export const CreditPurchaseWire = z
  .object({
    completed: z.boolean().meta({ description: "The money is there, and so are the credits." }),
    credits: z.number(),
    pricePerCredit: z.number().meta({ description: "As it was agreed on: it holds whenever the page is paid." }),
    amountCharged: z.number().meta({ description: "What it costs; charged once completed." }),
    currency: z.string(),
    grantId: z.uuid().optional(),
    invoiceId: z.uuid().optional(),
    paymentIntentId: z.string().optional(),
    ...pageLink,
    paymentProcessing: z.boolean().optional(),
    declineReason: z.string().optional().meta({ description: "Why the saved method was not charged." }),
  })
  .meta({ id: "CreditPurchase" });

export function toWirePurchase(view: PaymentView): z.input<typeof CreditPurchaseWire> {
  const { kind, status, currency, amountMinor, purchase, invoiceId, paymentIntentId, declineReason } = view;
  if (purchase === undefined) throw new Error("invariant broken: what a purchase came to is one");
  const isCompleted = status === "COMPLETED";
  return {
    completed: isCompleted,
    credits: e4ToNumber(purchase.creditsE4),
    pricePerCredit: e12ToNumber(purchase.unitPriceE12),
    amountCharged: e12ToNumber(minorToE12(amountMinor, currency)),
    currency,
    grantId: purchase.grantId,
    invoiceId,
    paymentIntentId,
    ...(kind === "PAGE" ? toWireLink(view) : {}),
    paymentProcessing: status === "PROCESSING" ? true : undefined,
    declineReason: isCompleted ? undefined : declineReason,
  };
}

export const SetupIntentWire = z
  .object({ setup_intent_id: z.string(), client_secret: z.string(), stripe_customer_id: z.string() })
  .meta({ id: "SetupIntent" });

export const DefaultPaymentMethod = z.object({ paymentMethodId: name }).meta({ id: "DefaultPaymentMethod" });

export const DefaultPaymentMethodWire = z.object({ paymentMethodId: z.string() }).meta({ id: "PaymentMethod" });
