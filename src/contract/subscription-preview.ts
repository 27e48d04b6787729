import * as z from "zod";
import type { E4 } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { CustomerView } from "../domain/customer.ts";
import { minorToE12 } from "../domain/money.ts";
import type { InvoiceView, SubscriptionView } from "../domain/views.ts";
import { InvoiceWire, toWireInvoice } from "./invoice.ts";
import { exactTwin, instantText, sumFields } from "./scalars.ts";
import { type PlanStatusOf, SubscriptionWire, toWireSubscription } from "./subscription.ts";

/** What commands on subscriptions would do, on the wire. Invoices in it are as they would be; they are stored nowhere. */

type CreditsToCome = { denomination: string; amountE4: E4; expiresAtMs?: number };

const creditsToCome = z
  .array(z.object({ denomination: z.string(), amount: z.number(), expiresAt: z.iso.datetime().optional() }))
  .meta({ description: "Plan credits that would come: at once, or when the invoice is paid." });

function toWireCreditsToCome(credits: readonly CreditsToCome[]) {
  return credits.map(({ denomination, amountE4, expiresAtMs }) => ({
    denomination,
    amount: e4ToNumber(amountE4),
    ...(expiresAtMs === undefined ? {} : { expiresAt: instantText(expiresAtMs) }),
  }));
}

export const PlanChangePreviewWire = z
  .object({
    invoice: InvoiceWire.optional().meta({
      description: "The invoice as the change would make it; it is stored nowhere. Absent where the change makes none.",
    }),
    effectiveAt: z.iso.datetime(),
    credits: creditsToCome,
  })
  .meta({ id: "PlanChangePreview" });

export function toWirePlanChangePreview(
  {
    customer,
    invoice,
    effectiveAtMs,
    credits = [],
  }: {
    customer: CustomerView;
    invoice?: InvoiceView;
    effectiveAtMs: number;
    credits?: readonly CreditsToCome[];
  },
  planStatus: PlanStatusOf,
): z.input<typeof PlanChangePreviewWire> {
  return {
    ...(invoice === undefined ? {} : { invoice: toWireInvoice(invoice, customer, { planStatus }) }),
    effectiveAt: instantText(effectiveAtMs),
    credits: toWireCreditsToCome(credits),
  };
}

export const SubscribePreviewWire = z
  .object({
    subscription: SubscriptionWire,
    invoice: InvoiceWire.optional().meta({
      description: "The first invoice; absent where nothing is billed at first.",
    }),
    credits: creditsToCome,
  })
  .meta({ id: "SubscribePreview" });

export function toWireSubscribePreview(
  {
    customer,
    subscription,
    invoice,
    credits,
  }: {
    customer: CustomerView;
    subscription: SubscriptionView;
    invoice?: InvoiceView;
    credits: readonly CreditsToCome[];
  },
  planStatus: PlanStatusOf,
): z.input<typeof SubscribePreviewWire> {
  return {
    subscription: toWireSubscription(subscription, customer, planStatus),
    ...(invoice === undefined ? {} : { invoice: toWireInvoice(invoice, customer, { planStatus }) }),
    credits: toWireCreditsToCome(credits),
  };
}

export const CancelPreviewWire = z
  .object({
    subscription: SubscriptionWire,
    invoices: z.array(InvoiceWire).meta({
      description: "Those that it would make, and those that it would close (VOID, CANCELLED), as they would be then.",
    }),
    credits: z
      .array(z.object({ denomination: z.string(), amount: z.number() }))
      .meta({ description: "Plan credits that would be gone with it." }),
    creditBalance: z
      .array(z.object({ currency: z.string(), amount: z.number(), amountExact: exactTwin }))
      .meta({ description: "By how much the customer would be owed more, or below 0 less." }),
  })
  .meta({ id: "CancelPreview" });

export function toWireCancelPreview(
  {
    customer,
    subscription,
    invoices,
    credits,
    creditBalance,
  }: {
    customer: CustomerView;
    subscription: SubscriptionView;
    invoices: readonly InvoiceView[];
    credits: readonly { denomination: string; amountE4: E4 }[];
    creditBalance: readonly { currency: string; amountMinor: number }[];
  },
  planStatus: PlanStatusOf,
): z.input<typeof CancelPreviewWire> {
  return {
    subscription: toWireSubscription(subscription, customer, planStatus),
    invoices: invoices.map((invoice) => toWireInvoice(invoice, customer, { planStatus })),
    credits: credits.map(({ denomination, amountE4 }) => ({ denomination, amount: e4ToNumber(amountE4) })),
    creditBalance: creditBalance.map(({ currency, amountMinor }) => ({
      currency,
      ...(sumFields("amount", minorToE12(amountMinor, currency)) as { amount: number; amountExact?: string }),
    })),
  };
}
