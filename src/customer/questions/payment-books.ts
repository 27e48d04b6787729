import { customerThingId } from "../../domain/ids.ts";
import type { PaymentHere } from "../../domain/reconcile.ts";
import type { Customer } from "../image.ts";
import { readPaymentWithIntent } from "../payment-store.ts";
import { paymentAt } from "./payments.ts";

/** How the provider calls an attempt, and how we do. */
export type AskedPayment = { payment: number; paymentIntentId: string };

/**
 * What the customer's books say of payments, in the order in which they are asked for; null where there is no such attempt. By the
 * provider's name first: one attempt may have brought money twice, and each is an attempt of its own here.
 */
export function paymentBooks(customer: Customer, asked: readonly AskedPayment[]): (PaymentHere | null)[] {
  const { image, sql } = customer;
  const open = [...image.book.payments.values()];
  return asked.map(({ payment: number, paymentIntentId }) => {
    const named =
      open.find((payment) => payment.paymentIntentId === paymentIntentId) ??
      readPaymentWithIntent(sql, paymentIntentId);
    const numbered = named === undefined ? paymentAt(customer, number) : undefined;
    const payment = named ?? numbered;
    if (payment === undefined) return null;
    // Paid by another payment of the provider's: that one is in the books, this one is not.
    const isOther = named === undefined && payment.status === "COMPLETED" && payment.paymentIntentId !== undefined;
    return {
      status: isOther ? "PENDING" : payment.status,
      paidMinor: payment.paidMinor ?? 0,
      refundedMinor: payment.refundedMinor,
      ...(payment.invoice === undefined
        ? {}
        : { invoiceId: customerThingId(image.owner.tag, "invoice", payment.invoice) }),
    };
  });
}
