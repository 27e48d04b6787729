import { noteTerms } from "../../domain/collect.ts";
import { PAYOUT_PAYMENTS_MAX } from "../../domain/limits.ts";
import { decidePayout } from "../../domain/payment.ts";
import { decideRefundPayout } from "../../domain/payout.ts";
import type { Reply } from "../../domain/refusal.ts";
import { balanceEntryView } from "../../domain/views.ts";
import { balanceEntryByKey } from "../balance-store.ts";
import type { BalanceEntryReply, PayoutCall } from "../calls.ts";
import { decideOnBook } from "../decide.ts";
import type { Customer } from "../image.ts";
import { newestPayments } from "../payment-store.ts";

/**
 * Records that money of the balance was paid out, or gives it back through the provider; see `decidePayout` and `decideRefundPayout`. What
 * they are owed is theirs still when they were erased. The caller's own key makes a repeat the entry that is there, whatever else the
 * repeat says.
 */
export function payOut(customer: Customer, call: PayoutCall, nowMs: number): Reply<BalanceEntryReply> {
  const { tag, customerId } = customer.image.owner;
  if (customer.image.state.profile === undefined) return { ok: false, code: "customer_not_found", given: customerId };
  const first = call.key === undefined ? undefined : balanceEntryByKey(customer.sql, call.key);
  if (first !== undefined) return { ok: true, value: { entry: balanceEntryView(tag, first), isRepeat: true } };
  return decideOnBook(customer, call, nowMs, (draft) => {
    const { refund: terms } = call;
    if (terms !== undefined) noteTerms(draft, terms);
    const decided =
      terms === undefined
        ? decidePayout(draft, call, nowMs)
        : decideRefundPayout(
            draft,
            { ...call, terms, payments: newestPayments(customer.sql, PAYOUT_PAYMENTS_MAX) },
            nowMs,
          );
    return decided.ok ? { ok: true, value: { entry: balanceEntryView(tag, decided.value), isRepeat: false } } : decided;
  });
}
