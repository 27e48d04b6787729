import { moveBalance } from "./billing.ts";
import type { BalanceEntry, Draft } from "./book.ts";
import { returnedMinor } from "./given-back.ts";
import { decidePayout } from "./payment.ts";
import { collectable } from "./payment-amount.ts";
import { changePayment, currentPayment, type Payment, type PaymentTerms } from "./payments.ts";
import { invalid, type Reply } from "./refusal.ts";

/**
 * Money of the balance that is paid out through the provider: by giving back a part of a payment that came that way. Owns which payment
 * that is, and what becomes of the balance where the provider refuses. Leaves sending to the object's outbox.
 *
 * Laws: what is given back so is none of what the payment's invoice was paid with, nor of its credits; the balance gives it once, and
 * gets back what the provider did not give.
 */

export type RefundPayout = Pick<BalanceEntry, "currency" | "amountMinor" | "reference" | "key"> & {
  /** The customer's newest payments. */
  payments: readonly Payment[];
  terms: PaymentTerms | undefined;
};

/**
 * Takes from the balance what is to be given back, and asks for it. Refuses `payments_off`, `invalid` for an amount that the provider
 * cannot give back to its last digit, and `state_conflict` beyond what the customer is owed or what one payment has left to give back.
 */
export function decideRefundPayout(draft: Draft, spec: RefundPayout, nowMs: number): Reply<BalanceEntry> {
  const { currency, amountMinor, payments, terms } = spec;
  if (terms?.isOn !== true) return { ok: false, code: "payments_off" };
  if (collectable(amountMinor, currency) !== amountMinor)
    return invalid(
      "amount",
      `is finer than the payment provider gives back ${currency}: pay it out in part, or by other ways`,
    );
  const payment = payments
    .map((one) => currentPayment(draft, one))
    .find((one) => one.currency === currency && leftMinor(one) >= amountMinor);
  const { reference = payment?.paymentIntentId } = spec;
  const decided = decidePayout(draft, { ...spec, ...(reference === undefined ? {} : { reference }) }, nowMs);
  if (!decided.ok) return decided;
  if (payment === undefined)
    return {
      ok: false,
      code: "state_conflict",
      why: "No payment of the customer has so much left to give back: pay it out in parts, or by other ways.",
    };
  const { payout = { amountMinor: 0, returnedMinor: 0 } } = payment;
  changePayment(draft, payment, { payout: { ...payout, amountMinor: payout.amountMinor + amountMinor } }, nowMs);
  draft.calls.push({ op: "refund", payment: payment.number });
  return decided;
}

/**
 * What of a payment can be given back. Money that was paid for nothing, or that a bank wants back, is none to count on; nor is a payment
 * whose bank did not take a refund.
 */
function leftMinor(payment: Payment): number {
  const { status, paidMinor = 0, overpaidMinor = 0, disputes, failedRefunds } = payment;
  if (status !== "COMPLETED" || overpaidMinor > 0 || disputes !== undefined || failedRefunds !== undefined) return 0;
  return paidMinor - returnedMinor(payment) - waitingMinor(payment);
}

/** What is yet to be given back for the balance. */
export function waitingMinor({ payout }: Payment): number {
  return payout === undefined ? 0 : payout.amountMinor - payout.returnedMinor;
}

/** The provider refused to give it back: the balance has it again. */
export function payoutRefused(draft: Draft, asked: Payment, nowMs: number): void {
  const payment = currentPayment(draft, asked);
  const { payout, currency, paymentIntentId } = payment;
  const amountMinor = waitingMinor(payment);
  if (payout === undefined || amountMinor === 0) return;
  changePayment(draft, payment, { payout: { ...payout, amountMinor: payout.returnedMinor } }, nowMs);
  const reference = `refused: ${paymentIntentId ?? "refund"}`;
  moveBalance(draft, { currency, amountMinor, kind: "PAYOUT", reference, atMs: nowMs });
}
