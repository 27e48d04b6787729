import type { E12 } from "./amount.ts";
import type { E4 } from "./credit.ts";
import { type CustomerTag, customerThingId, type Uuid } from "./ids.ts";
import type { Payment } from "./payments.ts";

/** What a customer's object tells of an attempt to collect money. Survives structured clone and `jsonText`. */

/** An attempt with ids in place of numbers. */
export type PaymentView = Pick<
  Payment,
  | "purpose"
  | "kind"
  | "status"
  | "currency"
  | "amountMinor"
  | "url"
  | "expiresAtMs"
  | "paymentIntentId"
  | "declineReason"
  | "createdAtMs"
  | "completedAtMs"
> & {
  paymentId: Uuid;
  invoiceId?: Uuid;
  subscriptionId?: Uuid;
  purchase?: { poolId: Uuid; creditsE4: E4; unitPriceE12: E12; grantId?: Uuid };
};

export function paymentView(tag: CustomerTag, payment: Payment): PaymentView {
  const { purpose, kind, status, currency, amountMinor, createdAtMs, url, expiresAtMs, completedAtMs } = payment;
  const { paymentIntentId, declineReason, invoice, subscription, purchase } = payment;
  return {
    paymentId: customerThingId(tag, "payment", payment.number),
    purpose,
    kind,
    status,
    currency,
    amountMinor,
    createdAtMs,
    ...(url === undefined ? {} : { url }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(completedAtMs === undefined ? {} : { completedAtMs }),
    ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
    ...(declineReason === undefined ? {} : { declineReason }),
    ...(invoice === undefined ? {} : { invoiceId: customerThingId(tag, "invoice", invoice) }),
    ...(subscription === undefined || subscription === 0
      ? {}
      : { subscriptionId: customerThingId(tag, "subscription", subscription) }),
    ...(purchase === undefined
      ? {}
      : {
          purchase: {
            poolId: customerThingId(tag, "creditPool", purchase.pool),
            creditsE4: purchase.creditsE4,
            unitPriceE12: purchase.unitPriceE12,
            ...(purchase.grant === undefined ? {} : { grantId: customerThingId(tag, "creditGrant", purchase.grant) }),
          },
        }),
  };
}
