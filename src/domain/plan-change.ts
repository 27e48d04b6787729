import { shareLine } from "./billing.ts";
import { type Draft, invoicesOf, pinOf } from "./book.ts";
import { cutPlanCredits } from "./credits-ahead.ts";
import { type Invoice, type InvoiceLine, isUnpaid } from "./invoice.ts";
import { bill, billAhead, changeVersion, closePeriod, current, dropInvoice, openPeriod } from "./lifecycle.ts";
import { anchorDayOf, type Period, periodFrom } from "./period.ts";
import { grantPlanCredits, upgradeCredits } from "./plan-credits.ts";
import { invalid, type Refusal, type Reply } from "./refusal.ts";
import { rollOver } from "./rollover.ts";
import { liveOn, startOrAsk, subscribedAlready } from "./subscribe.ts";
import type { PlanPin, ScheduledChange, Subscription } from "./subscription.ts";

/**
 * Another plan, or another version of the same one. Owns when it takes effect and what is paid for the time that is left. Leaves what
 * happens at the end of the period to `lifecycle.ts`.
 *
 * Laws: what was used keeps the price it had; a change charges the difference for the milliseconds that are left, and never for time
 * before it; a chain of changes in one period begins each time from what is in force then.
 */

export const CHANGE_TYPES = ["UPGRADE", "DOWNGRADE"] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

export type PlanChanged = { invoice?: number; effectiveAtMs: number };

/**
 * Upgrades at once, schedules a downgrade for the end of the period; while INCOMPLETE both exchange what is to be paid first. Refuses
 * the same plan, another currency, a direction that the prices contradict, a plan that another live subscription has, and a
 * subscription that is suspended (`suspended_unpaid`).
 */
export function decidePlanChange(
  draft: Draft,
  subscription: Subscription,
  { to, type }: { to: PlanPin; type: ChangeType },
  nowMs: number,
): Reply<PlanChanged> {
  const refused = changeProblem(draft, subscription, to, type);
  if (refused !== undefined) return refused;
  draft.pins.put(to);
  if (subscription.status === "INCOMPLETE") return { ok: true, value: exchange(draft, subscription, to, nowMs) };
  if (type === "DOWNGRADE") return { ok: true, value: schedule(draft, subscription, { to, type }, nowMs) };
  const { scheduled: _, ...unscheduled } = subscription;
  const from = pinOf(draft, subscription);
  const invoice =
    from.intervalMonths === to.intervalMonths && from.billingTiming === to.billingTiming
      ? changeWithin(draft, unscheduled, to, nowMs)
      : changeRhythm(draft, unscheduled, to, nowMs);
  return { ok: true, value: { ...(invoice === undefined ? {} : { invoice: invoice.number }), effectiveAtMs: nowMs } };
}

function changeProblem(draft: Draft, subscription: Subscription, to: PlanPin, type: ChangeType): Refusal | undefined {
  const from = pinOf(draft, subscription);
  if (to.planId === subscription.planId)
    return invalid("changeToPlanId", "is the plan that the subscription has already");
  if (to.currency !== from.currency)
    return invalid("changeToPlanId", `is sold in ${to.currency}, and the subscription is billed in ${from.currency}`);
  const there = liveOn(draft, to.planId, subscription);
  if (there !== undefined) return subscribedAlready(there, to);
  if (subscription.status === "SUSPENDED") {
    const unpaid = invoicesOf(draft, subscription).find(({ status }) => status === "PAST_DUE");
    return { ok: false, code: "suspended_unpaid", invoice: unpaid?.number };
  }
  // Per month: prices are compared across intervals without dividing.
  const [before, after] = [from.price * BigInt(to.intervalMonths), to.price * BigInt(from.intervalMonths)];
  if (type === "UPGRADE" && after < before && to.intervalMonths <= from.intervalMonths)
    return invalid("changeType", "UPGRADE to a plan that costs less per month: ask for a DOWNGRADE");
  if (type === "DOWNGRADE" && after > before && to.intervalMonths >= from.intervalMonths)
    return invalid("changeType", "DOWNGRADE to a plan that costs more per month: ask for an UPGRADE");
  if (type === "DOWNGRADE" && subscription.cancel !== undefined)
    return {
      ok: false,
      code: "state_conflict",
      why: "The subscription ends with its period: take the cancellation back first.",
    };
  return undefined;
}

/** While the first invoice is unpaid: that one is cancelled and another asked for; the 30 days run on from the beginning. */
function exchange(draft: Draft, subscription: Subscription, to: PlanPin, nowMs: number): PlanChanged {
  for (const invoice of invoicesOf(draft, subscription).filter(isUnpaid))
    dropInvoice(draft, invoice, "CANCELLED", nowMs);
  const { openInvoice: _, ...rest } = current(draft, subscription);
  const anchorDay = anchorDayOf(nowMs);
  const period = periodFrom(nowMs, to.intervalMonths, anchorDay);
  const { planId, version } = to;
  const asked = draft.subscriptions.put({ ...rest, planId, version, anchorDay, period, modifiedAtMs: nowMs });
  const invoice = startOrAsk(draft, asked, to, nowMs);
  return { ...(invoice === undefined ? {} : { invoice }), effectiveAtMs: nowMs };
}

/**
 * For the end of the period, in place of what was scheduled before; a migration is remembered below a downgrade. The version is
 * pinned now and honoured then.
 */
function schedule(
  draft: Draft,
  subscription: Subscription,
  { to, type }: { to: PlanPin; type: "DOWNGRADE" | "MIGRATION" },
  nowMs: number,
): PlanChanged {
  draft.last.planChange += 1;
  const { planId, version } = to;
  const before = subscription.scheduled;
  const migration = before?.type === "MIGRATION" ? before : before?.instead;
  const scheduled: ScheduledChange = {
    number: draft.last.planChange,
    type,
    planId,
    version,
    createdAtMs: nowMs,
    ...(type === "DOWNGRADE" && migration !== undefined ? { instead: migration } : {}),
  };
  draft.subscriptions.put({ ...subscription, scheduled, modifiedAtMs: nowMs });
  // The period of a suspended one may be over: it begins the next when it is paid.
  return { effectiveAtMs: Math.max(subscription.period.endMs, nowMs) };
}

/**
 * Takes a scheduled change back; the migration that a downgrade replaced waits again. Nothing scheduled: nothing changes. Refuses
 * `not_allowed` when the customer itself would take back the seller's migration.
 */
export function decideDropScheduled(
  draft: Draft,
  subscription: Subscription,
  { byCustomer }: { byCustomer: boolean },
  nowMs: number,
): Reply<undefined> {
  const { scheduled, ...rest } = subscription;
  if (scheduled === undefined) return { ok: true, value: undefined };
  if (byCustomer && scheduled.type === "MIGRATION")
    return {
      ok: false,
      code: "not_allowed",
      why: "The move to another version of the plan is the seller's: a customer's key cannot drop it.",
    };
  const { instead } = scheduled;
  draft.subscriptions.put({
    ...rest,
    ...(instead === undefined ? {} : { scheduled: instead }),
    modifiedAtMs: nowMs,
  });
  return { ok: true, value: undefined };
}

/**
 * The period and its anchor stay. In advance the difference for the time left is an ADJUSTMENT, due now; in arrears nothing is due,
 * the base will have a line for each version's time. What the new version gives more comes when that is paid.
 */
function changeWithin(draft: Draft, subscription: Subscription, to: PlanPin, nowMs: number): Invoice | undefined {
  const from = pinOf(draft, subscription);
  const whole = subscription.period;
  const part = { startMs: nowMs, endMs: whole.endMs };
  const before = subscription.inForce.map((ref) => pinOf(draft, ref).allocations);
  const planCredits = upgradeCredits({ before, after: to.allocations, left: part, whole });
  const changed = changeVersion(draft, subscription, to, nowMs);
  const lines = [...unusedLines(from, part, whole)];
  if (to.billingTiming === "IN_ADVANCE" && to.price > 0n)
    lines.push(shareLine(to, { kind: "PRORATION", what: "Remaining time on", part, whole }));
  if (lines.length > 0)
    return bill(draft, changed, { type: "ADJUSTMENT", lines, period: part, instantMs: nowMs, planCredits }, nowMs);
  grantPlanCredits(draft, changed, { credits: planCredits, covers: part }, nowMs);
  return undefined;
}

/**
 * Another interval or timing: the old period is settled, a new one begins now, in full less what is unused of the old one. So do its
 * credits: rollover runs, and what was given for the rest of the old period counts as given for the new one.
 */
function changeRhythm(draft: Draft, subscription: Subscription, to: PlanPin, nowMs: number): Invoice | undefined {
  const { period: whole, openInvoice: fills } = subscription;
  const unused = unusedLines(pinOf(draft, subscription), { startMs: nowMs, endMs: whole.endMs }, whole);
  cutPlanCredits(draft, subscription.number, { atMs: nowMs }, () => rollOver(draft, subscription.number, nowMs));
  const { scheduled: _, ...ending } = current(draft, subscription);
  const used = closePeriod(draft, ending, nowMs);
  const { planId, version } = to;
  const closed = draft.subscriptions.put({ ...current(draft, subscription), planId, version });
  const opened = openPeriod(draft, closed, nowMs, anchorDayOf(nowMs));
  const { period, cancel } = opened;
  if (cancel !== undefined) draft.subscriptions.put({ ...opened, cancel: { ...cancel, effectiveAtMs: period.endMs } });
  const spec = { type: "ADJUSTMENT", lines: [...used, ...unused], period, instantMs: nowMs, fills } as const;
  return billAhead(draft, current(draft, opened), spec, nowMs);
}

/** The part of its price that a version gives back for time that it was charged for ahead. */
function unusedLines(from: PlanPin, part: Period, whole: Period): InvoiceLine[] {
  if (from.billingTiming === "IN_ARREARS" || from.price === 0n) return [];
  return [shareLine(from, { kind: "PRORATION", what: "Unused time on", part, whole, sign: -1 })];
}

/**
 * Moves a subscription to another version of its own plan, now (with the difference of price for the time left) or when its period
 * ends; one that is suspended in any case then, or when it is paid. Answers undefined for one that is to be left alone: it has that
 * version, is about to, or leaves the plan when its period ends.
 */
export function decideMigrate(
  draft: Draft,
  subscription: Subscription,
  { to, when }: { to: PlanPin; when: "NOW" | "NEXT_PERIOD" },
  nowMs: number,
): PlanChanged | undefined {
  const { status, planId, version, scheduled, cancel } = subscription;
  if (status === "CANCELLED" || to.planId !== planId || to.version === version) return undefined;
  const isLater = status === "SUSPENDED" || (status === "ACTIVE" && when === "NEXT_PERIOD");
  if (isLater && (cancel !== undefined || scheduled?.type === "DOWNGRADE" || scheduled?.version === to.version))
    return undefined;
  draft.pins.put(to);
  if (status === "INCOMPLETE") return exchange(draft, subscription, to, nowMs);
  if (isLater) return schedule(draft, subscription, { to, type: "MIGRATION" }, nowMs);
  // A downgrade stays; a migration that waits, also in its place, is overtaken by this one.
  const { scheduled: _, ...rest } = subscription;
  const { instead: __, ...downgrade } = scheduled?.type === "DOWNGRADE" ? scheduled : {};
  const moving = "number" in downgrade ? { ...rest, scheduled: downgrade } : rest;
  const invoice = changeWithin(draft, moving, to, nowMs);
  return { ...(invoice === undefined ? {} : { invoice: invoice.number }), effectiveAtMs: nowMs };
}
