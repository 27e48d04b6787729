import { type Draft, openDraft } from "../../domain/book.ts";
import { followInvoices } from "../../domain/collect.ts";
import type { Profile } from "../../domain/customer.ts";
import { decideDropScheduled, decideMigrate, decidePlanChange } from "../../domain/plan-change.ts";
import type { Reply } from "../../domain/refusal.ts";
import { decideCancel, decideGrace, decideRevertCancel, decideSubscribe } from "../../domain/subscribe.ts";
import type { Subscription } from "../../domain/subscription.ts";
import type {
  CancelCall,
  ChangeGraceCall,
  ChangePlanCall,
  DropChangeCall,
  MigrateCall,
  MigrateResult,
  SubscribeCall,
  SubscriptionCall,
  SubscriptionReply,
} from "../calls.ts";
import { decideOnBook } from "../decide.ts";
import type { Change, Customer } from "../image.ts";
import { subscriptionOf, subscriptionReply, viewOfInvoice, viewOfSubscription } from "../questions/billing.ts";
import { askToPay } from "./payments.ts";

/** Commands on subscriptions: each finds what it is about, lets the domain decide on a draft, commits, and answers what is then true. */

/** Puts the customer on a plan; see `decideSubscribe`. Who is in the directory alone becomes a customer by it. */
export function subscribe(customer: Customer, call: SubscribeCall, nowMs: number): Reply<SubscriptionReply> {
  const { profile } = customer.image.state;
  const known = profile ?? firstProfile(call, nowMs);
  const first: Change[] = profile === undefined ? [{ kind: "profile", profile: known }] : [];
  return decideOnBook(
    customer,
    call,
    nowMs,
    (draft) => {
      const decided = decideSubscribe(draft, call, nowMs);
      if (!decided.ok) return decided;
      const { subscription, invoice, isNew } = decided.value;
      askToPay(customer, draft, invoice, call, nowMs);
      const made = draft.subscriptions.get(subscription);
      if (made === undefined) throw new Error("invariant broken: who subscribes has a subscription");
      const owed = invoice === undefined ? undefined : draft.invoices.get(invoice);
      return {
        ok: true,
        value: {
          customer: { customerId: customer.image.owner.customerId, ...known },
          subscription: viewOfSubscription(customer, draft, made),
          ...(owed === undefined ? {} : { invoice: viewOfInvoice(customer, draft, owed) }),
          isNew,
        },
      };
    },
    first,
  );
}

/** Who is in the directory alone, as the first subscription makes them known. */
export function firstProfile({ identity }: SubscribeCall, nowMs: number): Profile {
  return { ...identity, source: "EVENT_AUTO_CREATED", createdAtMs: nowMs, modifiedAtMs: nowMs };
}

/** A command on a subscription that has not ended. */
function onLive(
  customer: Customer,
  call: SubscriptionCall,
  nowMs: number,
  decide: (draft: Draft, subscription: Subscription) => Reply<{ invoice?: number }>,
): Reply<SubscriptionReply> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = subscriptionOf(customer, call.subscriptionId);
    if (!found.ok) return found;
    if (found.value.status === "CANCELLED") return { ok: false, code: "subscription_ended" };
    const decided = decide(draft, found.value);
    if (!decided.ok) return decided;
    followInvoices(draft, nowMs);
    return { ok: true, value: subscriptionReply(customer, draft, found.value.number, decided.value.invoice) };
  });
}

const DONE: Reply<{ invoice?: number }> = { ok: true, value: {} };

/** Upgrades at once, or schedules a downgrade; see `decidePlanChange`. */
export function changePlan(customer: Customer, call: ChangePlanCall, nowMs: number): Reply<SubscriptionReply> {
  return onLive(customer, call, nowMs, (draft, subscription) => {
    const decided = withInvoice(customer, decidePlanChange(draft, subscription, call, nowMs));
    if (decided.ok) askToPay(customer, draft, decided.value.invoice, call, nowMs);
    return decided;
  });
}

/** A refusal names its invoice by number inside; outside it is shown. */
export function withInvoice<T>(customer: Customer, reply: Reply<T>): Reply<T> {
  if (reply.ok || reply.code !== "suspended_unpaid") return reply;
  const invoice = customer.image.book.invoices.get(Number(reply.invoice));
  return {
    ...reply,
    invoice: invoice === undefined ? undefined : viewOfInvoice(customer, customer.image.book, invoice),
  };
}

export function cancelSubscription(customer: Customer, call: CancelCall, nowMs: number): Reply<SubscriptionReply> {
  return onLive(customer, call, nowMs, (draft, subscription) => ({
    ok: true,
    value: decideCancel(draft, subscription, call.mode, nowMs),
  }));
}

export function revertCancellation(
  customer: Customer,
  call: SubscriptionCall,
  nowMs: number,
): Reply<SubscriptionReply> {
  return onLive(customer, call, nowMs, (draft, subscription) => {
    decideRevertCancel(draft, subscription, nowMs);
    return DONE;
  });
}

export function dropScheduledChange(customer: Customer, call: DropChangeCall, nowMs: number): Reply<SubscriptionReply> {
  return onLive(customer, call, nowMs, (draft, subscription) => {
    const dropped = decideDropScheduled(draft, subscription, call, nowMs);
    return dropped.ok ? DONE : dropped;
  });
}

export function changeGrace(customer: Customer, call: ChangeGraceCall, nowMs: number): Reply<SubscriptionReply> {
  return onLive(customer, call, nowMs, (draft, subscription) => {
    decideGrace(draft, subscription, call.gracePeriodDays, nowMs);
    return DONE;
  });
}

/** Moves a subscription to another version of its plan; `dryRun` says what would happen. An ended one is left alone. */
export function migratePlan(customer: Customer, call: MigrateCall, nowMs: number): Reply<MigrateResult> {
  const found = subscriptionOf(customer, call.subscriptionId);
  if (!found.ok) return found;
  const { book } = customer.image;
  const before = viewOfSubscription(customer, book, found.value);
  const decide = (draft: Draft): Reply<MigrateResult> => {
    const { planId, version } = found.value;
    const isMeant = call.fromVersion === undefined || (version === call.fromVersion && planId === call.to.planId);
    const moved = isMeant ? decideMigrate(draft, found.value, call, nowMs) : undefined;
    if (moved === undefined) return { ok: true, value: { moved: false, before } };
    const invoice = moved.invoice === undefined ? undefined : draft.invoices.get(moved.invoice);
    return {
      ok: true,
      value: {
        moved: true,
        before,
        effectiveAtMs: moved.effectiveAtMs,
        ...(invoice === undefined ? {} : { invoice: viewOfInvoice(customer, draft, invoice) }),
      },
    };
  };
  return call.dryRun ? decide(openDraft(book)) : decideOnBook(customer, {}, nowMs, decide);
}
