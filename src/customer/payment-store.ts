import type { Draft } from "../domain/book.ts";
import { fromJsonText, jsonText } from "../domain/json-text.ts";
import { isOpenPayment, type Payer, type Payment, type ProviderOp } from "../domain/payments.ts";
import type { ProviderFact } from "../domain/provider-fact.ts";
import { bodies } from "./bodies.ts";

/**
 * SQL of attempts to collect money, of what the provider told, and of what it is to be asked. Rows in, rows out, nothing decided.
 */

export function loadPayments(sql: SqlStorage): { payments: Map<number, Payment>; payer: Payer } {
  const open = bodies<Payment>(
    sql,
    "SELECT body FROM payments WHERE status IN ('PENDING', 'PROCESSING') ORDER BY number",
  );
  const { payer } = sql.exec<{ payer: string | null }>("SELECT payer FROM state WHERE id = 1").one();
  return {
    payments: new Map(open.map((one) => [one.number, one])),
    payer: payer === null ? {} : fromJsonText<Payer>(payer),
  };
}

/** Writes what a draft decided, and what is to be sent for it from `wallMs` on: real time, since so the provider lives. */
export function writePayments(sql: SqlStorage, draft: Draft, wallMs: number): void {
  for (const payment of draft.payments.written.values())
    sql.exec(
      `INSERT INTO payments (number, status, invoice, page_id, payment_intent_id, body) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET status = excluded.status, invoice = excluded.invoice, page_id = excluded.page_id,
         payment_intent_id = excluded.payment_intent_id, body = excluded.body`,
      payment.number,
      payment.status,
      payment.invoice ?? null,
      payment.pageId ?? null,
      payment.paymentIntentId ?? null,
      jsonText(payment),
    );
  const payer = draft.payer.written();
  if (payer !== undefined) sql.exec("UPDATE state SET payer = ? WHERE id = 1", jsonText(payer));
  for (const { op, payment } of draft.calls) writeCall(sql, op, payment, wallMs);
}

/** A call that waits already is made at once, and a parked one has another chance. */
export function writeCall(sql: SqlStorage, op: ProviderOp, payment: number, wallMs: number): void {
  sql.exec(
    `INSERT INTO outbox (lane, kind, key, since_ms, next_at_ms) VALUES ('stripe', ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET next_at_ms = excluded.next_at_ms, failures = 0, parked_at_ms = NULL`,
    op,
    String(payment),
    wallMs,
    wallMs,
  );
}

/** Puts a draft's payments, once they are written, into the book: what ended leaves memory. */
export function applyPayments(book: { payments: Map<number, Payment>; payer: Payer }, draft: Draft): void {
  for (const [number, payment] of draft.payments.written)
    if (isOpenPayment(payment)) book.payments.set(number, payment);
    else book.payments.delete(number);
  book.payer = draft.payer.get();
}

export function readPayment(sql: SqlStorage, number: number): Payment | undefined {
  return bodies<Payment>(sql, "SELECT body FROM payments WHERE number = ?", number)[0];
}

export function readPaymentWithPage(sql: SqlStorage, pageId: string): Payment | undefined {
  return bodies<Payment>(sql, "SELECT body FROM payments WHERE page_id = ?", pageId)[0];
}

export function readPaymentWithIntent(sql: SqlStorage, paymentIntentId: string): Payment | undefined {
  return bodies<Payment>(sql, "SELECT body FROM payments WHERE payment_intent_id = ?", paymentIntentId)[0];
}

/** The newest attempt for an invoice. */
export function newestPaymentFor(sql: SqlStorage, invoice: number): Payment | undefined {
  return bodies<Payment>(sql, "SELECT body FROM payments WHERE invoice = ? ORDER BY number DESC LIMIT 1", invoice)[0];
}

/** Attempts, newest first. */
export function readPayments(
  sql: SqlStorage,
  page: { limit: number; offset: number },
): { items: Payment[]; total: number } {
  return {
    total: sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM payments").one().n,
    items: bodies<Payment>(
      sql,
      "SELECT body FROM payments ORDER BY number DESC LIMIT ? OFFSET ?",
      page.limit,
      page.offset,
    ),
  };
}

/** The newest attempts, newest first. */
export function newestPayments(sql: SqlStorage, limit: number): Payment[] {
  return bodies<Payment>(sql, "SELECT body FROM payments ORDER BY number DESC LIMIT ?", limit);
}

/** A call that waits. Times are real ones; `sentAtMs`: when it was first sent, if it was. */
export type CallRow = {
  op: ProviderOp;
  payment: number;
  failures: number;
  nextAtMs: number;
  sentAtMs: number | undefined;
};

/** All calls that wait, but for parked ones. There is a handful. */
export function waitingCalls(sql: SqlStorage): CallRow[] {
  return sql
    .exec<{ kind: ProviderOp; key: string; failures: number; next_at_ms: number; sent_at_ms: number | null }>(
      `SELECT kind, key, failures, next_at_ms, sent_at_ms FROM outbox WHERE lane = 'stripe' AND parked_at_ms IS NULL
       ORDER BY next_at_ms`,
    )
    .toArray()
    .map((row) => ({
      op: row.kind,
      payment: Number(row.key),
      failures: row.failures,
      nextAtMs: row.next_at_ms,
      sentAtMs: row.sent_at_ms ?? undefined,
    }));
}

type CallKey = Pick<CallRow, "op" | "payment">;

/** Before a call leaves: from now on it may have been done, whatever we hear of it. */
export function markSent(sql: SqlStorage, { op, payment }: CallKey, atMs: number): void {
  sql.exec(
    "UPDATE outbox SET sent_at_ms = ? WHERE lane = 'stripe' AND kind = ? AND key = ?",
    atMs,
    op,
    String(payment),
  );
}

export function postpone(
  sql: SqlStorage,
  { op, payment }: CallKey,
  { nextAtMs, parkedAtMs }: { nextAtMs: number; parkedAtMs: number | undefined },
): void {
  sql.exec(
    `UPDATE outbox SET failures = failures + 1, next_at_ms = ?, parked_at_ms = ?
     WHERE lane = 'stripe' AND kind = ? AND key = ?`,
    nextAtMs,
    parkedAtMs ?? null,
    op,
    String(payment),
  );
}

export function deleteCall(sql: SqlStorage, { op, payment }: CallKey): void {
  sql.exec("DELETE FROM outbox WHERE lane = 'stripe' AND kind = ? AND key = ?", op, String(payment));
}

/** Was this event told before? */
export function knowsEvent(sql: SqlStorage, eventId: string): boolean {
  return !sql.exec("SELECT 1 FROM provider_events WHERE event_id = ?", eventId).next().done;
}

/** `waitsFor`: what its fact is about is not known yet by this name. */
export function insertEvent(
  sql: SqlStorage,
  event: { eventId: string; kind: string; atMs: number; waitsFor?: string; fact?: ProviderFact },
): void {
  sql.exec(
    "INSERT INTO provider_events (event_id, kind, at_ms, waits_for, fact) VALUES (?, ?, ?, ?, ?)",
    event.eventId,
    event.kind,
    event.atMs,
    event.waitsFor ?? null,
    event.fact === undefined ? null : jsonText(event.fact),
  );
}

/** The facts that waited for this name, in the order in which they came; they wait no more. */
export function takeWaiting(sql: SqlStorage, waitsFor: string): ProviderFact[] {
  const facts = sql
    .exec<{ fact: string }>("SELECT fact FROM provider_events WHERE waits_for = ? ORDER BY at_ms, event_id", waitsFor)
    .toArray()
    .map(({ fact }) => fromJsonText<ProviderFact>(fact));
  if (facts.length > 0)
    sql.exec("UPDATE provider_events SET waits_for = NULL, fact = NULL WHERE waits_for = ?", waitsFor);
  return facts;
}
