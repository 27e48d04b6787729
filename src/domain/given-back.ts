import { moveBalance } from "./billing.ts";
import type { Draft } from "./book.ts";
import { uncover } from "./coverage.ts";
import type { Invoice } from "./invoice.ts";
import { invoiceOf, paymentOf } from "./payment-outcome.ts";
import { changePayment, type Payment, type PaymentPast } from "./payments.ts";
import type { MadeRefund } from "./provider-fact.ts";
import { takeBackPurchase } from "./purchase.ts";

/**
 * Money that came and goes back at the payment provider: by refunds, or because the customer's bank took it. Owns what it was of:
 * first what was paid for nothing, then what the balance pays out by it, then what paid the invoice.
 *
 * Laws: what is given back is given back once per cause, and never more than came; a refund that failed gave nothing back, whenever
 * that is told; credits of a purchase are taken for the most of its money that was ever given back, and for none of it twice.
 */

/**
 * So much of a payment was given back in all. A sum that is smaller than the last says that a refund failed of which nobody told yet: where
 * its refunds are known, that one is taken out first, so that it takes nothing of those made since.
 */
export function refunded(
  draft: Draft,
  past: PaymentPast,
  { number }: Payment,
  { refundedMinorTotal, refunds = [] }: { refundedMinorTotal: number; refunds?: readonly MadeRefund[] },
  nowMs: number,
): void {
  for (const failed of refunds.filter(({ hasFailed }) => hasFailed))
    refundFailed(draft, past, paymentOf(draft, past, number), failed, nowMs);
  const payment = paymentOf(draft, past, number);
  // What failed since the sum was asked for is in it still.
  const since = refunds.filter(({ refundId, hasFailed }) => !hasFailed && payment.failedRefunds?.includes(refundId));
  const totalMinor = since.reduce((sum, { amountMinor }) => sum - amountMinor, refundedMinorTotal);
  if (totalMinor <= payment.refundedMinor) return;
  giveBack(draft, past, payment, { refundedMinor: totalMinor }, nowMs);
}

/** The customer's bank wants the money back, or has decided. Lost, it is gone like a refund; won or lost is the last word. */
export function disputed(
  draft: Draft,
  past: PaymentPast,
  { number }: Payment,
  { disputeId, ...dispute }: { disputeId: string; amountMinor: number; state: "open" | "won" | "lost" },
  nowMs: number,
): void {
  const payment = paymentOf(draft, past, number);
  const before = payment.disputes?.[disputeId];
  if (before !== undefined && (before.state !== "open" || dispute.state === "open")) return;
  giveBack(draft, past, payment, { disputes: { ...payment.disputes, [disputeId]: dispute } }, nowMs);
}

/** What was given back of a payment, by refunds and lost disputes together: never more than came. */
export function returnedMinor({ paidMinor = 0, refundedMinor, disputes = {} }: Payment): number {
  const lost = Object.values(disputes).filter(({ state }) => state === "lost");
  return Math.min(
    paidMinor,
    lost.reduce((sum, { amountMinor }) => sum + amountMinor, refundedMinor),
  );
}

/** First what was paid for nothing, then what the balance pays out by it, then what paid the invoice. */
function giveBack(draft: Draft, past: PaymentPast, payment: Payment, change: Partial<Payment>, nowMs: number): void {
  const beforeMinor = returnedMinor(payment);
  const after = changePayment(draft, payment, change, nowMs);
  const afterMinor = returnedMinor(after);
  if (afterMinor === beforeMinor) return;
  const { overpaidMinor = 0, payout = { amountMinor: 0, returnedMinor: 0 } } = after;
  const ofOverpaid = Math.min(overpaidMinor, afterMinor) - Math.min(overpaidMinor, beforeMinor);
  const ofPayout = Math.min(afterMinor - beforeMinor - ofOverpaid, payout.amountMinor - payout.returnedMinor);
  if (ofPayout > 0) {
    const told = { payout: { ...payout, returnedMinor: payout.returnedMinor + ofPayout } };
    changePayment(draft, after, told, nowMs);
  }
  const ofPaid = afterMinor - beforeMinor - ofOverpaid - ofPayout;
  if (ofOverpaid + ofPaid === 0) return;
  if (after.invoice !== undefined) mirror(draft, invoiceOf(draft, past, after), { ofOverpaid, ofPaid }, nowMs);
  if (ofPaid > 0) {
    const paidBefore = Math.max(0, beforeMinor - Math.min(overpaidMinor, beforeMinor) - payout.returnedMinor);
    takeCreditsBack(draft, past, after, { beforeMinor: paidBefore, afterMinor: paidBefore + ofPaid }, nowMs);
  }
}

/** Credits that were taken for money that came back to the seller do not come back; given back again, it takes none again. */
function takeCreditsBack(
  draft: Draft,
  past: PaymentPast,
  { number }: Payment,
  { beforeMinor, afterMinor }: { beforeMinor: number; afterMinor: number },
  nowMs: number,
): void {
  const payment = paymentOf(draft, past, number);
  const { purchase, paidMinor = 0, overpaidMinor = 0 } = payment;
  if (purchase?.grant === undefined) return;
  const takenMinor = Math.max(beforeMinor, purchase.takenMinor ?? 0);
  if (afterMinor <= takenMinor) return;
  changePayment(draft, payment, { purchase: { ...purchase, takenMinor: afterMinor } }, nowMs);
  const [before, part] = [BigInt(takenMinor), BigInt(afterMinor - takenMinor)];
  takeBackPurchase(draft, past, payment, { before, part, whole: BigInt(paidMinor - overpaidMinor) }, nowMs);
}

/** The invoice shows what was given back of it; below 0 it was given back for nothing. */
function mirror(
  draft: Draft,
  invoice: Invoice,
  { ofOverpaid, ofPaid }: { ofOverpaid: number; ofPaid: number },
  nowMs: number,
): void {
  const { overpaid } = invoice;
  const refundedOver = (overpaid?.refundedMinor ?? 0) + ofOverpaid;
  const { refundedMinor: before = 0, ...rest } = invoice;
  const refundedMinor = before + ofPaid;
  draft.invoices.put({
    ...rest,
    ...(refundedMinor === 0 ? {} : { refundedMinor }),
    ...(overpaid === undefined
      ? {}
      : {
          overpaid: {
            amountMinor: overpaid.amountMinor,
            refundedMinor: refundedOver,
            state: refundedOver < overpaid.amountMinor ? ("OPEN" as const) : ("REFUNDED" as const),
          },
        }),
    modifiedAtMs: nowMs,
  });
  if (ofPaid !== 0) uncover(draft, invoice, ofPaid);
}

/** A refund that failed at the provider, days after it was made or at once. `isAsked`: we asked for it, nobody else did. */
export type FailedRefund = { refundId: string; amountMinor: number; isAsked: boolean };

/**
 * A refund gave nothing back after all: the customer's bank did not take it, and the money is with the seller again. What the balance was
 * to pay out by it is in the balance again, what was overpaid is open again, an invoice is paid again in full. Nothing is tried anew by
 * itself, and credits that went with a refund do not come back by themselves.
 */
export function refundFailed(
  draft: Draft,
  past: PaymentPast,
  { number }: Payment,
  { refundId, amountMinor, isAsked }: FailedRefund,
  nowMs: number,
): void {
  const payment = paymentOf(draft, past, number);
  const { failedRefunds = [], refundedMinor, overpaidMinor = 0, payout } = payment;
  if (failedRefunds.includes(refundId)) return;
  const beforeMinor = returnedMinor(payment);
  const change = {
    failedRefunds: [...failedRefunds, refundId],
    refundedMinor: Math.max(0, refundedMinor - amountMinor),
  };
  const after = changePayment(draft, payment, change, nowMs);
  const afterMinor = returnedMinor(after);
  const ofOverpaid = Math.min(overpaidMinor, afterMinor) - Math.min(overpaidMinor, beforeMinor);
  const left = beforeMinor - afterMinor + ofOverpaid;
  const paidOutMinor = payout?.returnedMinor ?? 0;
  const ofInvoice = beforeMinor - Math.min(overpaidMinor, beforeMinor) - paidOutMinor;
  // What we asked for was to pay the balance out; what others gave back was the invoice's.
  const ofPayout = Math.min(paidOutMinor, isAsked ? left : Math.max(0, left - ofInvoice));
  if (payout !== undefined && ofPayout > 0) returnPayout(draft, after, { payout, ofPayout, refundId }, nowMs);
  const ofPaid = ofPayout - left;
  if (after.invoice !== undefined && (ofOverpaid !== 0 || ofPaid !== 0))
    mirror(draft, invoiceOf(draft, past, after), { ofOverpaid, ofPaid }, nowMs);
}

/** What the entry of a payout that a failed refund did not give says of it. */
export function failedPayoutReference(refundId: string): string {
  return `failed: ${refundId}`;
}

/** The balance has again what a payout did not give. */
function returnPayout(
  draft: Draft,
  payment: Payment,
  { payout, ofPayout, refundId }: { payout: NonNullable<Payment["payout"]>; ofPayout: number; refundId: string },
  nowMs: number,
): void {
  const { amountMinor, returnedMinor: paidMinor } = payout;
  const kept = { amountMinor: amountMinor - ofPayout, returnedMinor: paidMinor - ofPayout };
  changePayment(draft, payment, { payout: kept }, nowMs);
  const { currency } = payment;
  moveBalance(draft, {
    currency,
    amountMinor: ofPayout,
    kind: "PAYOUT",
    reference: failedPayoutReference(refundId),
    atMs: nowMs,
  });
}
