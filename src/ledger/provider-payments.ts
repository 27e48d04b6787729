import type { Uuid } from "../domain/ids.ts";
import type { PaymentThere } from "../domain/reconcile.ts";

/** Payments as the provider listed them, copied so that invoices can be held against them; and the invoices that are. */

export type PaymentCopy = PaymentThere & { customerId: Uuid; invoiceId?: string };

/** Writes copies over what was known of these payments. */
export function paymentCopiesStatement(
  database: D1Database,
  accountId: string,
  copies: readonly PaymentCopy[],
): D1PreparedStatement {
  const rows = copies.map((copy) => [
    copy.id,
    copy.customerId,
    copy.invoiceId ?? null,
    copy.status,
    copy.amountMinor,
    copy.refundedMinor,
    copy.currency,
    copy.createdAtMs,
  ]);
  return database
    .prepare(
      `INSERT INTO provider_payments (account_id, payment_intent_id, customer_id, invoice_id, status, amount_minor,
         refunded_minor, currency, created_at_ms)
       SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
       FROM json_each(?2) WHERE true
       ON CONFLICT DO UPDATE SET customer_id = excluded.customer_id, invoice_id = excluded.invoice_id,
         status = excluded.status, amount_minor = excluded.amount_minor, refunded_minor = excluded.refunded_minor,
         currency = excluded.currency, created_at_ms = excluded.created_at_ms`,
    )
    .bind(accountId, JSON.stringify(rows));
}

/** A PAID invoice. `paidBy`: how, as its customer's object tells it. `isCovered`: a payment at the provider is known for it. */
export type PaidInvoice = {
  invoiceId: string;
  customerId: Uuid;
  createdAtMs: number;
  totalMinor: number;
  currency: string;
  paidBy?: string;
  paidAtMs?: number;
  isOnTestClock: boolean;
  isCovered: boolean;
};

type Row = {
  invoice_id: string;
  customer_id: Uuid;
  created_at_ms: number;
  total_minor: number;
  currency: string;
  paid_by: string | null;
  paid_at_ms: number | null;
  on_test_clock: number;
  covered: number;
};

/** A page of an account's paid invoices behind `after`, newest first. */
export async function paidInvoices(
  database: D1Database,
  accountId: string,
  after: { createdAtMs: number; invoiceId: string } | undefined,
  limit: number,
): Promise<PaidInvoice[]> {
  const { createdAtMs = Number.MAX_SAFE_INTEGER, invoiceId = "" } = after ?? {};
  const { results } = await database
    .prepare(
      `SELECT i.invoice_id, i.customer_id, i.created_at_ms, i.total_minor, i.currency, i.body ->> '$.paidBy' AS paid_by,
         i.body ->> '$.paidAtMs' AS paid_at_ms,
         EXISTS (SELECT 1 FROM customers c WHERE c.account_id = i.account_id AND c.customer_id = i.customer_id
           AND c.test_clock_id IS NOT NULL) AS on_test_clock,
         EXISTS (SELECT 1 FROM provider_payments p WHERE p.account_id = i.account_id AND p.invoice_id = i.invoice_id
           AND p.status = 'succeeded') AS covered
       FROM invoices i
       WHERE i.account_id = ? AND i.status = 'PAID' AND (i.created_at_ms, i.invoice_id) < (CAST(? AS INTEGER), ?)
       ORDER BY i.created_at_ms DESC, i.invoice_id DESC LIMIT ?`,
    )
    .bind(accountId, createdAtMs, invoiceId, limit)
    .all<Row>();
  return results.map((row) => ({
    invoiceId: row.invoice_id,
    customerId: row.customer_id,
    createdAtMs: row.created_at_ms,
    totalMinor: row.total_minor,
    currency: row.currency,
    ...(row.paid_by === null ? {} : { paidBy: row.paid_by }),
    ...(row.paid_at_ms === null ? {} : { paidAtMs: row.paid_at_ms }),
    isOnTestClock: row.on_test_clock === 1,
    isCovered: row.covered === 1,
  }));
}
