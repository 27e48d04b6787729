import type { BalanceEntry } from "./book.ts";
import { type CustomerTag, customerThingId, type Uuid } from "./ids.ts";
import type { Invoice, InvoiceLine } from "./invoice.ts";
import type { PlanPin, PlanRef, Subscription } from "./subscription.ts";

/**
 * What a customer's object tells of subscriptions and invoices: with ids in place of numbers and the plan as it was bought. The same
 * shapes are answers, and the copies in D1. Survive structured clone and `jsonText`.
 */

/** A pinned version without its rules and allocations, which may be many and are nobody's business who lists subscriptions. */
export type PlanSummary = Omit<PlanPin, "rules" | "allocations">;

export type SubscriptionView = Pick<
  Subscription,
  | "status"
  | "createdAtMs"
  | "modifiedAtMs"
  | "activatedAtMs"
  | "gracePeriodDays"
  | "anchorDay"
  | "period"
  | "cancel"
  | "suspendedAtMs"
  | "endedAtMs"
> & {
  subscriptionId: Uuid;
  plan: PlanSummary;
  scheduled?: {
    changeId: Uuid;
    type: "DOWNGRADE" | "MIGRATION";
    toPlan: PlanSummary;
    effectiveAtMs: number;
    createdAtMs: number;
  };
};

export type InvoiceLineView = InvoiceLine & { lineId: Uuid };

/** `subscription`: absent where it is of none. `page`: where it can be paid, until `expiresAtMs` of real time. */
export type InvoiceView = Omit<Invoice, "number" | "subscription" | "lines" | "planCredits" | "page"> & {
  invoiceId: Uuid;
  lines: readonly InvoiceLineView[];
  subscription?: SubscriptionView;
  page?: { paymentId: Uuid; url: string; expiresAtMs: number };
};

/** An entry of the customer's money balance, with ids in place of numbers. */
export type BalanceEntryView = Omit<BalanceEntry, "number" | "invoice" | "key"> & { entryId: Uuid; invoiceId?: Uuid };

export function balanceEntryView(tag: CustomerTag, entry: BalanceEntry): BalanceEntryView {
  const { number, invoice, key: _, ...rest } = entry;
  return {
    ...rest,
    entryId: customerThingId(tag, "balanceEntry", number),
    ...(invoice === undefined ? {} : { invoiceId: customerThingId(tag, "invoice", invoice) }),
  };
}

export function planSummary({ rules: _, allocations: __, ...summary }: PlanPin): PlanSummary {
  return summary;
}

/** `planOf` knows every version that the subscription names. */
export function subscriptionView(
  tag: CustomerTag,
  subscription: Subscription,
  planOf: (ref: PlanRef) => PlanPin,
): SubscriptionView {
  const { scheduled, activatedAtMs, cancel, suspendedAtMs, endedAtMs, period } = subscription;
  return {
    subscriptionId: customerThingId(tag, "subscription", subscription.number),
    status: subscription.status,
    createdAtMs: subscription.createdAtMs,
    modifiedAtMs: subscription.modifiedAtMs,
    ...(activatedAtMs === undefined ? {} : { activatedAtMs }),
    gracePeriodDays: subscription.gracePeriodDays,
    anchorDay: subscription.anchorDay,
    period,
    ...(cancel === undefined ? {} : { cancel }),
    ...(suspendedAtMs === undefined ? {} : { suspendedAtMs }),
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    plan: planSummary(planOf(subscription)),
    ...(scheduled === undefined
      ? {}
      : {
          scheduled: {
            changeId: customerThingId(tag, "planChange", scheduled.number),
            type: scheduled.type,
            toPlan: planSummary(planOf(scheduled)),
            effectiveAtMs: period.endMs,
            createdAtMs: scheduled.createdAtMs,
          },
        }),
  };
}

/** Room for so many lines of one invoice between two numbers of invoices. */
const LINES_PER_INVOICE = 2 ** 16;

export function invoiceView(
  tag: CustomerTag,
  invoice: Invoice,
  subscription: SubscriptionView | undefined,
): InvoiceView {
  const { number, lines, subscription: _, planCredits: __, page, ...rest } = invoice;
  return {
    ...rest,
    invoiceId: customerThingId(tag, "invoice", number),
    lines: lines.map((line, index) => ({
      ...line,
      lineId: customerThingId(tag, "invoiceLine", number * LINES_PER_INVOICE + index),
    })),
    ...(subscription === undefined ? {} : { subscription }),
    ...(page === undefined
      ? {}
      : {
          page: {
            paymentId: customerThingId(tag, "payment", page.payment),
            url: page.url,
            expiresAtMs: page.expiresAtMs,
          },
        }),
  };
}
