import { type ClosedSegment, forgiveUsage } from "./billed-units.ts";
import { baseLine, moveBalance, releaseResting } from "./billing.ts";
import { type BalanceEntry, type Draft, invoicesOf, pinOf } from "./book.ts";
import { cover, givesBack } from "./coverage.ts";
import { type Invoice, isUnpaid, type PaidBy } from "./invoice.ts";
import { abandon, activate, dropInvoice, resume } from "./lifecycle.ts";
import { formatMinor } from "./money.ts";
import { givePaidCredits, keepPaidCredits } from "./plan-credits.ts";
import type { Reply } from "./refusal.ts";
import type { Subscription } from "./subscription.ts";

/**
 * Paid, or not to be paid. Owns what becomes of invoice and subscription then. Leaves how the money came to whoever calls.
 */

/**
 * An invoice is paid at `nowMs`. Paying a first one starts the first period; paying the last one past due ends a suspension. Paid
 * already: nothing changes. Refuses `invoice_closed` for one that cannot be paid.
 */
export function decidePay(draft: Draft, invoice: Invoice, nowMs: number, paidBy: PaidBy = "MANUAL"): Reply<Invoice> {
  if (invoice.status === "PAID") return { ok: true, value: invoice };
  if (!isUnpaid(invoice)) return { ok: false, code: "invoice_closed", status: invoice.status };
  const { graceEndsAtMs: _, planCredits = [], ...rest } = invoice;
  const paid = draft.invoices.put({ ...rest, status: "PAID", paidAtMs: nowMs, paidBy, modifiedAtMs: nowMs });
  releaseResting(draft, paid, nowMs);
  const subscription = draft.subscriptions.get(invoice.subscription);
  if (subscription?.status === "INCOMPLETE") startPaid(draft, subscription, paid, nowMs);
  else {
    cover(draft, paid);
    keepPaidCredits(draft, paid, planCredits);
    resume(draft, invoice.subscription, nowMs);
    givePaidCredits(draft, invoice.subscription, nowMs);
  }
  return { ok: true, value: draft.invoices.get(invoice.number) ?? paid };
}

/**
 * An unpaid invoice that is too little to be collected counts as paid; the customer owes it in their balance, and the next invoice asks
 * for it. Refuses like `decidePay`.
 */
export function decideCarry(draft: Draft, invoice: Invoice, nowMs: number): Reply<Invoice> {
  if (!isUnpaid(invoice)) return { ok: false, code: "invoice_closed", status: invoice.status };
  const { currency, amountMinor, number } = invoice;
  moveBalance(draft, { currency, amountMinor: -amountMinor, kind: "CARRIED", invoice: number, atMs: nowMs });
  return decidePay(draft, invoice, nowMs, "CARRIED");
}

/**
 * Money of the balance that was paid out to the customer. Refuses `state_conflict` beyond what they are owed, so that nobody is paid
 * what the next invoice will take. A key that was used before is looked for by the caller: entries are not in the book.
 */
export function decidePayout(
  draft: Draft,
  { currency, amountMinor, reference, key }: Pick<BalanceEntry, "currency" | "amountMinor" | "reference" | "key">,
  nowMs: number,
): Reply<BalanceEntry> {
  const owedMinor = Math.max(0, draft.balances.get(currency) ?? 0);
  if (amountMinor > owedMinor)
    return {
      ok: false,
      code: "state_conflict",
      why: `The balance is ${formatMinor(owedMinor, currency)} ${currency}: no more than that can be paid out.`,
    };
  const entry = moveBalance(draft, {
    currency,
    amountMinor: -amountMinor,
    kind: "PAYOUT",
    ...(reference === undefined ? {} : { reference }),
    ...(key === undefined ? {} : { key }),
    atMs: nowMs,
  });
  return { ok: true, value: entry };
}

/** The first period begins when it is paid, and the invoice says so. */
export function startPaid(draft: Draft, subscription: Subscription, invoice: Invoice, nowMs: number): void {
  const { period } = activate(draft, subscription, nowMs, invoice.number);
  const times = { periodStartMs: period.startMs, periodEndMs: period.endMs };
  const pin = pinOf(draft, subscription);
  const moved = draft.invoices.put({
    ...invoice,
    lines: invoice.lines.map((line) => (line.kind === "BASE" ? baseLine(pin, period) : { ...line, ...times })),
    ...times,
  });
  cover(draft, moved);
}

/**
 * An unpaid invoice is void: nobody has to pay it, it suspends nobody, and credit that it took goes back. With `rebill` its usage goes
 * onto the next invoice; without, it was never charged, and what corrections gave back of it is taken back. A first invoice takes its
 * subscription with it.
 */
export function decideVoid(
  draft: Draft,
  invoice: Invoice,
  { rebill, closedOf }: { rebill: boolean; closedOf: (segment: number) => ClosedSegment },
  nowMs: number,
): Reply<Invoice> {
  if (!isUnpaid(invoice)) return { ok: false, code: "invoice_closed", status: invoice.status };
  const subscription = draft.subscriptions.get(invoice.subscription);
  if (subscription?.status === "INCOMPLETE") {
    abandon(draft, subscription, nowMs);
    return { ok: true, value: draft.invoices.get(invoice.number) ?? invoice };
  }
  const siblings = invoicesOf(draft, { number: invoice.subscription });
  if (siblings.some((other) => isUnpaid(other) && givesBack(other, invoice)))
    return {
      ok: false,
      code: "state_conflict",
      why: "An unpaid adjustment gives back a part of this invoice: pay or void that one first.",
    };
  const usage = rebill ? invoice.lines.filter(({ kind }) => kind === "USAGE") : [];
  if (usage.length > 0) {
    if (subscription === undefined || subscription.status === "CANCELLED")
      return {
        ok: false,
        code: "state_conflict",
        why: "The subscription has ended, so there is no next invoice to bill this usage on.",
      };
    draft.subscriptions.put({ ...subscription, owed: [...subscription.owed, ...usage] });
  }
  dropInvoice(draft, invoice, "VOID", nowMs);
  if (!rebill) forgiveUsage(draft, invoice, closedOf, nowMs);
  resume(draft, invoice.subscription, nowMs);
  givePaidCredits(draft, invoice.subscription, nowMs);
  return { ok: true, value: draft.invoices.get(invoice.number) ?? invoice };
}
