import { freezeBuyer } from "../../domain/billing.ts";
import { type Draft, openDraft } from "../../domain/book.ts";
import { followInvoices, noteTerms } from "../../domain/collect.ts";
import type { E4 } from "../../domain/credit.ts";
import { grantOf, poolOf } from "../../domain/credit-ledger.ts";
import { buyerOf, type CustomerView } from "../../domain/customer.ts";
import { type Invoice, isUnpaid } from "../../domain/invoice.ts";
import { decidePay } from "../../domain/payment.ts";
import { decidePlanChange } from "../../domain/plan-change.ts";
import type { Reply } from "../../domain/refusal.ts";
import { decideCancel, decideSubscribe } from "../../domain/subscribe.ts";
import type { Subscription } from "../../domain/subscription.ts";
import type { CancelCall, ChangePlanCall, SubscribeCall } from "../calls.ts";
import type { Customer } from "../image.ts";
import type { CancelPreview, PlanChangePreview, PlanCreditsShown, SubscribePreview } from "../preview-replies.ts";
import { knownCustomer, subscriptionOf, viewOfInvoice, viewOfSubscription } from "../questions/billing.ts";
import { viewOrPseudonym } from "../questions/view.ts";
import { firstProfile, withInvoice } from "./subscriptions.ts";

/** What commands on subscriptions would do: by their own functions, on a draft that is dropped. */

/** What `subscribe` would do, and the payment of its invoice bring. `isNew` false: it waits for its first payment already. */
export function previewSubscribe(customer: Customer, call: SubscribeCall, nowMs: number): Reply<SubscribePreview> {
  const known: CustomerView = viewOrPseudonym(customer) ?? {
    customerId: customer.image.owner.customerId,
    ...firstProfile(call, nowMs),
  };
  const draft = openDraft(customer.image.book);
  const decided = decideSubscribe(draft, call, nowMs);
  if (!decided.ok) return decided;
  const { subscription, invoice, isNew } = decided.value;
  noteTerms(draft, call.payments);
  followInvoices(draft, nowMs);
  freezeBuyer(draft, buyerOf(known));
  const made = draft.subscriptions.get(subscription);
  if (made === undefined) throw new Error("invariant broken: who subscribes has a subscription");
  const owed = invoice === undefined ? undefined : draft.invoices.get(invoice);
  const shown = {
    customer: known,
    subscription: viewOfSubscription(customer, draft, made),
    ...(owed === undefined ? {} : { invoice: viewOfInvoice(customer, draft, owed) }),
    isNew,
  };
  return { ok: true, value: { ...shown, credits: planCreditsOf(draft, owed, nowMs) } };
}

/** The subscription that a call names, if it has not ended. */
function liveOf(customer: Customer, subscriptionId: string): Reply<Subscription> {
  const found = subscriptionOf(customer, subscriptionId);
  if (found.ok && found.value.status === "CANCELLED") return { ok: false, code: "subscription_ended" };
  return found;
}

/** Exactly what `changePlan` would do, and its invoice's payment would bring. */
export function previewPlanChange(customer: Customer, call: ChangePlanCall, nowMs: number): Reply<PlanChangePreview> {
  const found = liveOf(customer, call.subscriptionId);
  if (!found.ok) return found;
  const draft = openDraft(customer.image.book);
  const decided = withInvoice(customer, decidePlanChange(draft, found.value, call, nowMs));
  if (!decided.ok) return decided;
  const { invoice, effectiveAtMs } = decided.value;
  noteTerms(draft, call.payments);
  followInvoices(draft, nowMs);
  freezeBuyer(draft, buyerOf(knownCustomer(customer)));
  const made = invoice === undefined ? undefined : draft.invoices.get(invoice);
  const shown = made === undefined ? {} : { invoice: viewOfInvoice(customer, draft, made) };
  return {
    ok: true,
    value: { customer: knownCustomer(customer), effectiveAtMs, ...shown, credits: planCreditsOf(draft, made, nowMs) },
  };
}

/** The plan credits that a draft gives, those too that come when the invoice it made is paid: so that is done on it. */
function planCreditsOf(draft: Draft, made: Invoice | undefined, nowMs: number): PlanCreditsShown[] {
  if (made !== undefined && isUnpaid(made)) decidePay(draft, made, nowMs);
  const given = draft.creditEntries.flatMap(({ type, grant }) =>
    type === "GRANT" ? [grantOf(draft, grant ?? 0)] : [],
  );
  return given.map(({ pool, amountE4, expiresAtMs }) => ({
    denomination: poolOf(draft, pool).denomination,
    amountE4,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }));
}

/** Exactly what `cancelSubscription` would do: every invoice that it makes or closes, and what goes with the subscription. */
export function previewCancel(customer: Customer, call: CancelCall, nowMs: number): Reply<CancelPreview> {
  const found = liveOf(customer, call.subscriptionId);
  if (!found.ok) return found;
  const draft = openDraft(customer.image.book);
  decideCancel(draft, found.value, call.mode, nowMs);
  followInvoices(draft, nowMs);
  const known = knownCustomer(customer);
  freezeBuyer(draft, buyerOf(known));
  const ending = draft.subscriptions.get(found.value.number) ?? found.value;
  return {
    ok: true,
    value: {
      customer: known,
      subscription: viewOfSubscription(customer, draft, ending),
      invoices: [...draft.invoices.written.values()].map((one) => viewOfInvoice(customer, draft, one)),
      credits: creditsVoided(draft),
      creditBalance: balanceMoved(draft),
    },
  };
}

/** Credits that a draft takes away with what gave them, by denomination. */
function creditsVoided(draft: Draft): { denomination: string; amountE4: E4 }[] {
  const voided = new Map<string, E4>();
  for (const { type, pool, amountE4 } of draft.creditEntries) {
    const { denomination } = poolOf(draft, pool);
    if (type === "VOID") voided.set(denomination, (voided.get(denomination) ?? 0n) - amountE4);
  }
  return [...voided].map(([denomination, amountE4]) => ({ denomination, amountE4 }));
}

/** By how much a draft moves the money balance, by currency. */
function balanceMoved(draft: Draft): { currency: string; amountMinor: number }[] {
  const moved = new Map<string, number>();
  for (const { currency, amountMinor } of draft.balanceEntries)
    moved.set(currency, (moved.get(currency) ?? 0) + amountMinor);
  return [...moved].flatMap(([currency, amountMinor]) => (amountMinor === 0 ? [] : [{ currency, amountMinor }]));
}
