import {
  aheadLines,
  announce,
  giveBack,
  type InvoiceSpec,
  issue,
  planRef,
  returnApplied,
  shareLine,
  usageLine,
} from "./billing.ts";
import { type Draft, invoicesOf, pinOf } from "./book.ts";
import { cover, coverageFrom, dropResting, unusedMinor } from "./coverage.ts";
import { type Invoice, type InvoiceLine, isOpen, isUnpaid } from "./invoice.ts";
import { anchorDayOf, periodFrom } from "./period.ts";
import {
  closePlanCredits,
  endPlanCredits,
  givePaidCredits,
  giveUpPlanCredits,
  grantPlanCredits,
  keepPaidCredits,
  periodCredits,
  startDrawPeriod,
} from "./plan-credits.ts";
import { rollOver } from "./rollover.ts";
import type { PlanRef, Subscription } from "./subscription.ts";
import type { Counter } from "./usage.ts";

/**
 * The life of a subscription: its periods, its activation, its suspension and its end. Owns what each step does to subscription,
 * counters and invoices. Leaves the reason for a step to whoever takes it: a command, or `due.ts`.
 *
 * Laws: each period closes once, and the next one begins at the instant at which it closed; usage is billed in the period in which
 * it was counted; paying moves no period but the first one and the one that a suspension ends.
 */

/** The subscription as the draft has it now: steps build on each other. */
export function current(draft: Draft, { number }: { number: number }): Subscription {
  const subscription = draft.subscriptions.get(number);
  if (subscription === undefined) throw new Error("invariant broken: a live subscription is in the book");
  return subscription;
}

/** Opens the period that begins at `startMs` under the version that the subscription has now. */
export function openPeriod(draft: Draft, subscription: Subscription, startMs: number, anchorDay: number): Subscription {
  const pin = pinOf(draft, subscription);
  const { openInvoice: _, creditCoverage: __, ...rest } = subscription;
  startDrawPeriod(draft, subscription.number);
  const { creditEntry } = draft.last;
  const opened = draft.subscriptions.put({
    ...rest,
    anchorDay,
    period: periodFrom(startMs, pin.intervalMonths, anchorDay),
    isOpen: true,
    inForce: [{ ...planRef(pin), startMs }],
    coverage: coverageFrom(subscription.coverage, startMs),
    ...(creditEntry === 0 ? {} : { creditsAfter: creditEntry }),
    modifiedAtMs: startMs,
  });
  return pin.billingTiming === "IN_ARREARS" ? announce(draft, opened, startMs) : opened;
}

/** Ends the segment of a counter at `atMs`, under the version in force until then. */
function cutSegment(draft: Draft, { planId, version, period }: Subscription, counter: Counter, atMs: number): Counter {
  const { segment, subscription, featureId, featureKey, billableE12, billableAtStartE12 } = counter;
  if (segment.events > 0) {
    draft.last.segment += 1;
    draft.segments.put({
      number: draft.last.segment,
      subscription,
      featureId,
      featureKey,
      planId,
      version,
      periodStartMs: period.startMs,
      startMs: segment.startMs,
      endMs: atMs,
      billableAtStartE12,
      fromE12: segment.billableFromE12,
      toE12: billableE12,
      lateE12: segment.lateE12,
      events: segment.events,
      ...(segment.firstAtMs === undefined ? {} : { firstAtMs: segment.firstAtMs }),
      ...(segment.lastAtMs === undefined ? {} : { lastAtMs: segment.lastAtMs }),
      takenBackE12: 0n,
    });
  }
  return draft.counters.put({
    ...counter,
    segment: { startMs: atMs, billableFromE12: billableE12, lateE12: 0n, events: 0 },
  });
}

function countersOf(draft: Draft, { number }: Subscription): Counter[] {
  return [...draft.counters.values()].filter(({ subscription }) => subscription === number);
}

/** Puts another version in force from `atMs` on: what was used until then keeps its price. */
export function changeVersion(draft: Draft, subscription: Subscription, to: PlanRef, atMs: number): Subscription {
  for (const counter of countersOf(draft, subscription)) cutSegment(draft, subscription, counter, atMs);
  return draft.subscriptions.put({
    ...subscription,
    ...planRef(to),
    inForce: [...subscription.inForce, { ...planRef(to), startMs: atMs }],
    modifiedAtMs: atMs,
  });
}

/**
 * Closes the open period at `atMs`; answers what it comes to: in arrears the base by each version's time, and all usage. Whoever
 * closes it bills that, on the invoice that was announced for it if there is one.
 */
export function closePeriod(draft: Draft, subscription: Subscription, atMs: number): InvoiceLine[] {
  const lines = [...arrearsLines(draft, subscription, atMs), ...closeUsage(draft, subscription, atMs)];
  const { openInvoice: _, ...rest } = subscription;
  draft.subscriptions.put({ ...rest, isOpen: false, modifiedAtMs: atMs });
  return lines;
}

/** Cuts all counters at `atMs`; answers what is not billed yet. Between two periods that is what corrections took back. */
function closeUsage(draft: Draft, subscription: Subscription, atMs: number): InvoiceLine[] {
  const lines: InvoiceLine[] = [];
  for (const counter of countersOf(draft, subscription)) {
    const cut = cutSegment(draft, subscription, counter, atMs);
    draft.counters.put({ ...cut, usedAtStartE12: cut.usedE12, billableAtStartE12: cut.billableE12 });
  }
  for (const segment of [...draft.segments.values()]) {
    if (segment.subscription !== subscription.number || segment.billedAtMs !== undefined) continue;
    const line = usageLine(pinOf(draft, segment), segment);
    if (line !== undefined) lines.push(line);
    draft.segments.put({ ...segment, billedAtMs: atMs });
  }
  return lines;
}

/** In arrears the base is charged for the time that each version was in force, until the end or the suspension. */
function arrearsLines(draft: Draft, subscription: Subscription, atMs: number): InvoiceLine[] {
  const { inForce, period, suspendedAtMs } = subscription;
  const untilMs = Math.min(atMs, suspendedAtMs ?? atMs);
  return inForce.flatMap((ref, index) => {
    const pin = pinOf(draft, ref);
    const endMs = Math.min(inForce[index + 1]?.startMs ?? untilMs, untilMs);
    if (pin.billingTiming !== "IN_ARREARS" || pin.price === 0n || endMs <= ref.startMs) return [];
    return [shareLine(pin, { kind: "BASE", part: { startMs: ref.startMs, endMs }, whole: period })];
  });
}

/**
 * A first payment, or a start that costs nothing: the first period begins now, so nobody pays for days without access, and with it
 * come the plan's credits.
 */
export function activate(draft: Draft, subscription: Subscription, atMs: number, invoice?: number): Subscription {
  const started = { ...subscription, status: "ACTIVE", activatedAtMs: atMs } as const;
  const opened = openPeriod(draft, started, atMs, anchorDayOf(atMs));
  givePeriodCredits(draft, opened, atMs, invoice);
  return current(draft, opened);
}

/** What the plan gives for the period that was opened, all of it at once. */
function givePeriodCredits(draft: Draft, opened: Subscription, atMs: number, invoice?: number): void {
  const credits = periodCredits(pinOf(draft, opened).allocations);
  grantPlanCredits(draft, opened, { credits, ...(invoice === undefined ? {} : { invoice }) }, atMs);
}

/** Carries out what was scheduled for the end of the period. */
export function applyScheduled(draft: Draft, subscription: Subscription, atMs: number): Subscription {
  const { scheduled, ...rest } = subscription;
  if (scheduled === undefined) return subscription;
  return draft.subscriptions.put({ ...rest, ...planRef(scheduled), modifiedAtMs: atMs });
}

/** Carries out the end of the open period, at its instant. */
export function endPeriod(draft: Draft, ending: Subscription, nowMs: number): void {
  const instantMs = ending.period.endMs;
  if (ending.cancel !== undefined) {
    rollOver(draft, ending.number, instantMs);
    end(draft, ending, { atMs: instantMs, nowMs });
    return;
  }
  closePlanCredits(draft, ending, instantMs);
  const lines = closePeriod(draft, current(draft, ending), instantMs);
  const spec = { type: "REGULAR", period: ending.period, instantMs, fills: ending.openInvoice } as const;
  const closed = current(draft, ending);
  if (closed.status === "SUSPENDED") {
    bill(draft, closed, { ...spec, lines }, nowMs);
    return;
  }
  const next = applyScheduled(draft, closed, instantMs);
  const opened = openPeriod(draft, next, instantMs, next.anchorDay);
  billAhead(draft, opened, { ...spec, lines }, nowMs);
}

/**
 * Bills what is billed anyway, and a period that was opened as far as it is paid ahead: then it is the invoice's period, and the
 * plan's credits come with the payment. Where nothing is paid ahead they come at once.
 */
export function billAhead(draft: Draft, opened: Subscription, spec: InvoiceSpec, nowMs: number): Invoice | undefined {
  const { period } = opened;
  const pin = pinOf(draft, opened);
  const ahead = aheadLines(pin, period);
  if (ahead.length > 0) {
    const planCredits = periodCredits(pin.allocations);
    return bill(draft, opened, { ...spec, lines: [...spec.lines, ...ahead], period, planCredits }, nowMs);
  }
  const invoice = bill(draft, opened, spec, nowMs);
  givePeriodCredits(draft, current(draft, opened), spec.instantMs);
  return invoice;
}

/**
 * Makes an invoice; if it is PAID at once, what it paid ahead is noted and its credits come. Without lines there is none, unless one
 * was announced: that one is then nothing to pay.
 */
export function bill(draft: Draft, subscription: Subscription, spec: InvoiceSpec, nowMs: number): Invoice | undefined {
  if (spec.lines.length === 0 && subscription.owed.length === 0 && spec.fills === undefined) return undefined;
  const invoice = issue(draft, subscription, spec, nowMs);
  if (invoice.status === "PAID") {
    cover(draft, invoice);
    keepPaidCredits(draft, invoice, spec.planCredits ?? []);
    // At the instant of the period, however late the invoice is made: credits of a period that is over are over with it.
    givePaidCredits(draft, subscription.number, spec.instantMs);
  }
  return invoice;
}

/**
 * Ends a subscription at `atMs`: an open period closes, and what is not billed yet goes onto a final invoice, which is returned, with
 * the lines that come `also`. What it owes stays, and so do its unpaid invoices.
 */
export function end(
  draft: Draft,
  ending: Subscription,
  { atMs, nowMs, also = [] }: { atMs: number; nowMs: number; also?: readonly InvoiceLine[] },
): Invoice | undefined {
  const close = ending.isOpen ? closePeriod : closeUsage;
  if (ending.isOpen) giveUpPlanCredits(draft, ending, atMs);
  const lines = [...also, ...close(draft, current(draft, ending), atMs)];
  const period = { startMs: ending.period.startMs, endMs: atMs };
  const spec = { type: "REGULAR", lines, period, instantMs: atMs, fills: ending.openInvoice } as const;
  const invoice = bill(draft, current(draft, ending), spec, nowMs);
  finish(draft, current(draft, ending), atMs);
  return invoice;
}

/** What the subscription's plan gave goes with it; credits that were bought stay. */
function finish(draft: Draft, subscription: Subscription, atMs: number): void {
  endPlanCredits(draft, subscription.number, atMs);
  const { scheduled: _, openInvoice: __, creditCoverage: ___, paidCredits: ____, ...rest } = subscription;
  draft.subscriptions.put({
    ...rest,
    status: "CANCELLED",
    isOpen: false,
    coverage: [],
    endedAtMs: atMs,
    modifiedAtMs: atMs,
  });
}

/** Ends an INCOMPLETE subscription with its first invoice: after 30 days, by a cancellation, or because it was voided. */
export function abandon(draft: Draft, subscription: Subscription, atMs: number): void {
  for (const invoice of invoicesOf(draft, subscription).filter(isOpen)) dropInvoice(draft, invoice, "CANCELLED", atMs);
  finish(draft, subscription, atMs);
}

/**
 * An unpaid invoice that nobody has to pay any more: credit that it took goes back, credit that rested on it is gone, and it brings no
 * credits of the plan.
 */
export function dropInvoice(draft: Draft, invoice: Invoice, status: "VOID" | "CANCELLED", atMs: number): void {
  returnApplied(draft, invoice, atMs);
  dropResting(draft, invoice);
  const { graceEndsAtMs: _, planCredits: __, ...rest } = invoice;
  draft.invoices.put({ ...rest, status, modifiedAtMs: atMs });
}

/**
 * Ends a subscription at once. Unpaid invoices of it are void, their usage moves to the final invoice; the unused share of what was
 * paid ahead is given back. Returns the final invoice, if anything was left to bill.
 */
export function endNow(draft: Draft, subscription: Subscription, nowMs: number): Invoice | undefined {
  const unpaid = invoicesOf(draft, subscription).filter(isUnpaid);
  // Newest first: what one gave and rests on an older one goes before that does.
  for (const { number } of unpaid.toReversed()) {
    const invoice = draft.invoices.get(number);
    if (invoice !== undefined) dropInvoice(draft, invoice, "VOID", nowMs);
  }
  const also = unpaid.flatMap(({ lines }) => lines.filter(({ kind }) => kind === "USAGE"));
  const ending = current(draft, subscription);
  const unused = unusedMinor(ending.coverage, nowMs);
  if (unused > 0) {
    const line: InvoiceLine = {
      kind: "CREDIT",
      description: `Unused time on ${pinOf(draft, ending).name}`,
      amountMinor: -unused,
      periodStartMs: nowMs,
      periodEndMs: Math.max(nowMs, ending.period.endMs),
      plan: planRef(ending),
      coverage: ending.coverage,
    };
    giveBack(draft, ending, line, nowMs);
  }
  return end(draft, current(draft, ending), { atMs: nowMs, nowMs, also });
}

/** An invoice was not paid in time: whoever still has access loses it in the same instant. */
export function fallPastDue(draft: Draft, invoice: Invoice, atMs: number): void {
  const { graceEndsAtMs: _, ...rest } = invoice;
  draft.invoices.put({ ...rest, status: "PAST_DUE", modifiedAtMs: atMs });
  const subscription = draft.subscriptions.get(invoice.subscription);
  if (subscription?.status !== "ACTIVE") return;
  draft.subscriptions.put({ ...subscription, status: "SUSPENDED", suspendedAtMs: atMs, modifiedAtMs: atMs });
}

/** Gives access back once nothing is past due. A period that ended meanwhile is followed by one that begins now. */
export function resume(draft: Draft, number: number, nowMs: number): void {
  const subscription = draft.subscriptions.get(number);
  if (subscription?.status !== "SUSPENDED") return;
  if (invoicesOf(draft, subscription).some(({ status }) => status === "PAST_DUE")) return;
  const { suspendedAtMs: _, ...rest } = subscription;
  const active = draft.subscriptions.put({ ...rest, status: "ACTIVE", modifiedAtMs: nowMs });
  if (active.isOpen) return;
  // What was corrected meanwhile keeps the price of the version that it was corrected under.
  const corrected = closeUsage(draft, active, nowMs);
  const closed = draft.subscriptions.put({ ...active, owed: [...active.owed, ...corrected] });
  const opened = openPeriod(draft, applyScheduled(draft, closed, nowMs), nowMs, anchorDayOf(nowMs));
  const spec = { type: "REGULAR", lines: [], period: opened.period, instantMs: nowMs } as const;
  // Lines that wait join the next invoice; here there is one only if the new period has a price.
  if (aheadLines(pinOf(draft, opened), opened.period).length > 0) billAhead(draft, opened, spec, nowMs);
  else givePeriodCredits(draft, opened, nowMs);
}
