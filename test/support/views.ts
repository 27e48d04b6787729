import { type CustomerTag, customerThingId, tagFromBytes } from "../../src/domain/ids.ts";
import type { InvoiceView, PlanSummary, SubscriptionView } from "../../src/domain/views.ts";

/** What a customer's object would send to D1, made by hand: for tests of the copies themselves. */

export function newTag(): CustomerTag {
  return tagFromBytes(crypto.getRandomValues(new Uint8Array(8)));
}

export function planNamed(planId: string, version = 1, more: Partial<PlanSummary> = {}): PlanSummary {
  return {
    planId,
    version,
    key: "pro",
    name: "Pro",
    price: 49_990_000_000_000n,
    currency: "USD",
    intervalMonths: 1,
    billingTiming: "IN_ADVANCE",
    createdAtMs: 1,
    planCreatedAtMs: 1,
    planModifiedAtMs: 1,
    ...more,
  };
}

/** Subscription `number` of a customer, made at the instant of its number. */
export function subscriptionOf(
  tag: CustomerTag,
  number: number,
  more: Partial<SubscriptionView> = {},
): SubscriptionView {
  return {
    subscriptionId: customerThingId(tag, "subscription", number),
    status: "ACTIVE",
    createdAtMs: number,
    modifiedAtMs: number,
    activatedAtMs: number,
    gracePeriodDays: 3,
    anchorDay: 1,
    period: { startMs: number, endMs: number + 1000 },
    plan: planNamed("p"),
    ...more,
  };
}

/** Invoice `number` of a customer's first subscription, made at the instant of its number. */
export function invoiceOf(tag: CustomerTag, number: number, more: Partial<InvoiceView> = {}): InvoiceView {
  return {
    invoiceId: customerThingId(tag, "invoice", number),
    type: "REGULAR",
    status: "DUE",
    currency: "USD",
    lines: [],
    amountMinor: 4999,
    periodStartMs: number,
    periodEndMs: number + 1000,
    createdAtMs: number,
    modifiedAtMs: number,
    dueAtMs: number,
    subscription: subscriptionOf(tag, 1),
    ...more,
  };
}
