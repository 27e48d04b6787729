import { assert } from "./assert.ts";
import type { Book, Draft } from "./book.ts";
import { chargeAgain, followInvoices } from "./collect.ts";
import { freeCredits } from "./credit-holds.ts";
import { expireGrants, nextExpiryAtMs } from "./grants.ts";
import { type Invoice, isUnpaid } from "./invoice.ts";
import { abandon, end, endPeriod, fallPastDue } from "./lifecycle.ts";
import { FIRST_PAYMENT_MS_MAX, SETTLE_STEPS_MAX, SUSPENDED_MS_MAX } from "./limits.ts";
import type { Subscription } from "./subscription.ts";
import type { Hold } from "./usage.ts";

/**
 * What falls due by itself, and in which order. Owns the instants; leaves what each does to `lifecycle.ts`.
 *
 * Laws: everything due up to an instant is carried out once, in order of time; at one instant reservations lapse, then credits expire, then
 * saved methods are charged again, then grace ends, then waits end, then periods end. So an answer does not depend on who asked before, nor on an alarm.
 */

/** What falls due besides reservations. */
type Due = { atMs: number } & (
  | { kind: "expiry" }
  | { kind: "charge"; invoice: Invoice }
  | { kind: "grace"; invoice: Invoice }
  | { kind: "unpaid"; subscription: Subscription }
  | { kind: "suspended"; subscription: Subscription }
  | { kind: "period"; subscription: Subscription }
);

/** Ranks at one instant: an invoice past due suspends before the period ends, and so no next one opens. */
const RANK: Record<Due["kind"], number> = { expiry: 0, charge: 1, grace: 2, unpaid: 3, suspended: 4, period: 5 };

type Read = "invoices" | "subscriptions" | "pools" | "grants" | "drawOrders";
type Billing = Pick<Book, Read> | Pick<Draft, Read>;

function* duesOf(book: Billing): Iterable<Due> {
  const expiryMs = nextExpiryAtMs(book);
  if (expiryMs !== undefined) yield { kind: "expiry", atMs: expiryMs };
  for (const invoice of book.invoices.values()) {
    if (!isUnpaid(invoice)) continue;
    const { graceEndsAtMs, processingUntilMs = graceEndsAtMs, nextChargeAtMs } = invoice;
    if (nextChargeAtMs !== undefined) yield { kind: "charge", atMs: nextChargeAtMs, invoice };
    if (graceEndsAtMs !== undefined && processingUntilMs !== undefined)
      yield { kind: "grace", atMs: Math.max(graceEndsAtMs, processingUntilMs), invoice };
  }
  for (const subscription of book.subscriptions.values()) {
    const { status, isOpen, period, createdAtMs, suspendedAtMs } = subscription;
    if (status === "CANCELLED") continue;
    if (status === "INCOMPLETE") {
      const { processingUntilMs = 0 } = book.invoices.get(subscription.openInvoice ?? 0) ?? {};
      yield { kind: "unpaid", atMs: Math.max(createdAtMs + FIRST_PAYMENT_MS_MAX, processingUntilMs), subscription };
    }
    if (suspendedAtMs !== undefined) yield { kind: "suspended", atMs: suspendedAtMs + SUSPENDED_MS_MAX, subscription };
    if (isOpen) yield { kind: "period", atMs: period.endMs, subscription };
  }
}

function firstOf(dues: Iterable<Due>): Due | undefined {
  let first: Due | undefined;
  for (const due of dues) if (first === undefined || isBefore(due, first)) first = due;
  return first;
}

function isBefore(a: Due, b: Due): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return RANK[a.kind] !== RANK[b.kind] ? RANK[a.kind] < RANK[b.kind] : numberOf(a) < numberOf(b);
}

function numberOf(due: Due): number {
  // There is one at a time: it is of all pools.
  if (due.kind === "expiry") return 0;
  return due.kind === "grace" || due.kind === "charge" ? due.invoice.number : due.subscription.number;
}

/** The earliest instant at which anything falls due; undefined when nothing ever will. */
export function nextDueAtMs(book: Billing & { holds: Pick<Draft["holds"], "values"> }): number | undefined {
  let firstMs = nextBillingAtMs(book);
  for (const { status, expiresAtMs } of book.holds.values())
    if (status === "HELD" && (firstMs === undefined || expiresAtMs < firstMs)) firstMs = expiresAtMs;
  return firstMs;
}

/** The same without reservations, whose lapse nobody has to be woken for. */
export function nextBillingAtMs(book: Billing): number | undefined {
  return firstOf(duesOf(book))?.atMs;
}

/** Carries out everything due at or before `nowMs`, in order. Returns how many things that were. */
export function settleDues(draft: Draft, nowMs: number): number {
  const lapsing = holdsOverBy(draft, nowMs);
  let [lapsed, due] = [0, firstOf(duesOf(draft))];
  for (let done = 0; ; done += 1) {
    assert(done < SETTLE_STEPS_MAX, "settling comes to an end");
    const hold = lapsing[lapsed];
    if (hold !== undefined && (due === undefined || hold.expiresAtMs <= due.atMs)) {
      lapsed += 1;
      draft.holds.put({ ...hold, status: "LAPSED" });
      // Units touch nothing else that falls due, and there may be thousands of reservations: nothing is looked for anew.
      if (hold.credits === undefined) continue;
      freeCredits(draft, hold, hold.expiresAtMs);
    } else {
      if (due === undefined || due.atMs > nowMs) return done;
      carryOut(draft, due, nowMs);
      followInvoices(draft, nowMs, due.atMs);
    }
    due = firstOf(duesOf(draft));
  }
}

/**
 * The invoice that a subscription's open period would end with if nothing more were used and all that is due were paid in time: made
 * by what makes the real one, on a draft of the caller's that is to be dropped. Periods of other subscriptions that end before go
 * first, since they share the balance. Undefined where the period ends without an invoice.
 */
export function decideUpcoming(draft: Draft, { number }: Subscription): Invoice | undefined {
  const were = new Map([...draft.invoices.values()].map((invoice) => [invoice.number, invoice.status]));
  for (let steps = 0; steps < SETTLE_STEPS_MAX; steps += 1) {
    const due = firstOf([...duesOf(draft)].filter(({ kind }) => kind === "period"));
    if (due?.kind !== "period") return undefined;
    endPeriod(draft, due.subscription, due.atMs);
    if (due.subscription.number !== number) continue;
    const isMade = ({ number: made, subscription, status }: Invoice): boolean =>
      subscription === number && status !== "PENDING" && (were.get(made) ?? "PENDING") === "PENDING";
    return [...draft.invoices.written.values()].find(isMade);
  }
  return undefined;
}

/** All reservations that are over by `nowMs`, in the order in which they lapse. */
function holdsOverBy(draft: Draft, nowMs: number): Hold[] {
  return [...draft.holds.values()]
    .filter(({ status, expiresAtMs }) => status === "HELD" && expiresAtMs <= nowMs)
    .sort((a, b) => (a.expiresAtMs === b.expiresAtMs ? a.number - b.number : a.expiresAtMs - b.expiresAtMs));
}

function carryOut(draft: Draft, due: Due, nowMs: number): void {
  switch (due.kind) {
    case "expiry":
      expireGrants(draft, due.atMs);
      return;
    case "charge":
      chargeAgain(draft, due.invoice, due.atMs);
      return;
    case "grace":
      fallPastDue(draft, due.invoice, due.atMs);
      return;
    case "unpaid":
      abandon(draft, due.subscription, due.atMs);
      return;
    case "suspended":
      // What was used is billed, what is unpaid stays so, nothing is given back.
      end(draft, due.subscription, { atMs: due.atMs, nowMs });
      return;
    case "period":
      endPeriod(draft, due.subscription, nowMs);
      return;
    default:
      due satisfies never;
  }
}
