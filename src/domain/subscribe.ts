import { baseLine, issue } from "./billing.ts";
import { type Draft, invoicesOf } from "./book.ts";
import { withNextCharge } from "./collect.ts";
import { abandon, activate, end, endNow } from "./lifecycle.ts";
import { DAY_MS } from "./limits.ts";
import { startPaid } from "./payment.ts";
import { anchorDayOf, periodFrom } from "./period.ts";
import type { Refusal, Reply } from "./refusal.ts";
import type { CancelMode, PlanPin, Subscription } from "./subscription.ts";

/** How a subscription begins, how its end is asked for, and how that is taken back. */

/** `isNew` false: it was asked for before and waits for its first payment. */
export type Subscribed = { subscription: number; invoice?: number; isNew: boolean };

/**
 * Puts the customer on a plan. In arrears and where nothing is to be paid first it is ACTIVE at once, else INCOMPLETE until its
 * first invoice is paid. One that waits for its first payment is answered again, also when the plan is not sold any more (`unsold`);
 * refuses `subscribed_already` while one to this plan has access or had it until it was not paid.
 */
export function decideSubscribe(
  draft: Draft,
  { pin, unsold, gracePeriodDays }: { pin: PlanPin; unsold?: Refusal; gracePeriodDays: number },
  nowMs: number,
): Reply<Subscribed> {
  const there = liveOn(draft, pin.planId);
  if (there?.status === "INCOMPLETE") {
    const invoice = there.openInvoice;
    return {
      ok: true,
      value: { subscription: there.number, ...(invoice === undefined ? {} : { invoice }), isNew: false },
    };
  }
  if (there !== undefined) return subscribedAlready(there, pin);
  if (unsold !== undefined) return unsold;
  draft.pins.put(pin);
  draft.last.subscription += 1;
  const anchorDay = anchorDayOf(nowMs);
  const subscription = draft.subscriptions.put({
    number: draft.last.subscription,
    planId: pin.planId,
    version: pin.version,
    status: "INCOMPLETE",
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
    gracePeriodDays,
    anchorDay,
    period: periodFrom(nowMs, pin.intervalMonths, anchorDay),
    isOpen: false,
    inForce: [],
    coverage: [],
    invoiceCount: 0,
    owed: [],
  });
  const invoice = startOrAsk(draft, subscription, pin, nowMs);
  return {
    ok: true,
    value: { subscription: subscription.number, ...(invoice === undefined ? {} : { invoice }), isNew: true },
  };
}

/** Starts an INCOMPLETE subscription, or asks for its first payment. Answers the invoice that it has then. */
export function startOrAsk(draft: Draft, subscription: Subscription, pin: PlanPin, nowMs: number): number | undefined {
  if (pin.billingTiming === "IN_ARREARS") return activate(draft, subscription, nowMs).openInvoice;
  const { period } = subscription;
  const lines = [baseLine(pin, period)];
  const spec = { type: "IN_ADVANCE_INITIAL", lines, period, instantMs: nowMs } as const;
  const invoice = issue(draft, subscription, spec, nowMs);
  const asked = draft.subscriptions.get(subscription.number) ?? subscription;
  if (invoice.status === "PAID") startPaid(draft, asked, invoice, nowMs);
  else draft.subscriptions.put({ ...asked, openInvoice: invoice.number });
  return invoice.number;
}

/** The live subscription that is on a plan or goes there when its period ends, but for `except`: there is at most one. */
export function liveOn(draft: Draft, planId: string, except?: Subscription): Subscription | undefined {
  return [...draft.subscriptions.values()].find(
    (one) =>
      one.number !== except?.number &&
      one.status !== "CANCELLED" &&
      (one.planId === planId || one.scheduled?.planId === planId),
  );
}

export function subscribedAlready({ planId, status }: Subscription, pin: PlanPin): Refusal {
  return {
    ok: false,
    code: "subscribed_already",
    planKey: pin.key,
    status: planId === pin.planId ? status : "scheduled",
  };
}

/**
 * Ends a subscription now, or when its period ends. One without an open period has nothing to wait for and ends at once in either
 * mode. Asking again for what is asked for already changes nothing; END_OF_PERIOD after it ended is refused by the caller.
 */
export function decideCancel(
  draft: Draft,
  subscription: Subscription,
  mode: CancelMode,
  nowMs: number,
): { invoice?: number } {
  if (subscription.status === "INCOMPLETE") {
    abandon(draft, { ...subscription, cancel: { mode, askedAtMs: nowMs, effectiveAtMs: nowMs } }, nowMs);
    return {};
  }
  if (mode === "END_OF_PERIOD" && subscription.isOpen) {
    if (subscription.cancel !== undefined) return {};
    const cancel = { mode, askedAtMs: nowMs, effectiveAtMs: subscription.period.endMs };
    draft.subscriptions.put({ ...subscription, cancel, modifiedAtMs: nowMs });
    return {};
  }
  const ending = draft.subscriptions.put({ ...subscription, cancel: { mode, askedAtMs: nowMs, effectiveAtMs: nowMs } });
  // At its period's end nothing would be void or given back, so neither is where the period ended while it was suspended.
  const invoice = mode === "END_OF_PERIOD" ? end(draft, ending, { atMs: nowMs, nowMs }) : endNow(draft, ending, nowMs);
  return invoice === undefined ? {} : { invoice: invoice.number };
}

/** Takes a scheduled cancellation back. Nothing scheduled: nothing changes. */
export function decideRevertCancel(draft: Draft, subscription: Subscription, nowMs: number): void {
  const { cancel, ...rest } = subscription;
  if (cancel !== undefined) draft.subscriptions.put({ ...rest, modifiedAtMs: nowMs });
}

/** Another number of days of grace, from now on and for what is due; those that have passed already end now, not before. */
export function decideGrace(draft: Draft, subscription: Subscription, gracePeriodDays: number, nowMs: number): void {
  draft.subscriptions.put({ ...subscription, gracePeriodDays, modifiedAtMs: nowMs });
  for (const invoice of invoicesOf(draft, subscription))
    if (invoice.graceEndsAtMs !== undefined) {
      const graceEndsAtMs = Math.max(nowMs, invoice.dueAtMs + gracePeriodDays * DAY_MS);
      const changed = { ...invoice, graceEndsAtMs, modifiedAtMs: nowMs };
      draft.invoices.put(invoice.wasCharged ? withNextCharge(changed, nowMs) : changed);
    }
}
