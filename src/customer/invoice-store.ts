import type { ClosedSegment } from "../domain/billed-units.ts";
import type { Counted } from "../domain/event.ts";
import type { Invoice } from "../domain/invoice.ts";
import { jsonText } from "../domain/json-text.ts";
import { pinKey } from "../domain/subscription.ts";
import type { UsageSegment } from "../domain/usage.ts";
import { bodies } from "./bodies.ts";
import { readPin } from "./book-store.ts";
import type { Customer } from "./image.ts";

/** SQL of invoices and of the closed segments of usage that they bill: those too that are in the book no more. */

export function readInvoice(sql: SqlStorage, number: number): Invoice | undefined {
  return bodies<Invoice>(sql, "SELECT body FROM invoices WHERE number = ?", number)[0];
}

/**
 * Adds to an invoice what D1 gave it, also to a closed one: neither changes again. Returns the invoice as it is then; undefined where
 * nothing was new.
 */
export function withFacts(
  sql: SqlStorage,
  number: number,
  { sequence, seller }: Pick<Invoice, "sequence" | "seller">,
): Invoice | undefined {
  const invoice = readInvoice(sql, number);
  if (invoice === undefined) return undefined;
  const told: Invoice = {
    ...invoice,
    ...(invoice.sequence === undefined && sequence !== undefined ? { sequence } : {}),
    ...(invoice.seller === undefined && seller !== undefined ? { seller } : {}),
  };
  if (told.sequence === invoice.sequence && told.seller === invoice.seller) return undefined;
  sql.exec("UPDATE invoices SET body = ? WHERE number = ?", jsonText(told), number);
  return told;
}

export function readInvoices(
  sql: SqlStorage,
  page: { limit: number; offset: number },
): { items: Invoice[]; total: number } {
  return {
    total: sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM invoices").one().n,
    items: bodies<Invoice>(
      sql,
      "SELECT body FROM invoices ORDER BY created_at_ms DESC, number DESC LIMIT ? OFFSET ?",
      page.limit,
      page.offset,
    ),
  };
}

export function invoiceNumbers(sql: SqlStorage): number[] {
  return sql
    .exec<{ number: number }>("SELECT number FROM invoices ORDER BY number")
    .toArray()
    .map(({ number }) => number);
}

/** A page of all invoices there ever were, in the order of their numbers. */
export function invoicesBehind(sql: SqlStorage, after: number, limit: number): Invoice[] {
  return bodies<Invoice>(sql, "SELECT body FROM invoices WHERE number > ? ORDER BY number LIMIT ?", after, limit);
}

export function readSegment(sql: SqlStorage, number: number): UsageSegment | undefined {
  return bodies<UsageSegment>(sql, "SELECT body FROM usage_segments WHERE number = ?", number)[0];
}

/** Number of the segment of the same feature and period that was closed before this one; 0 if it is the first. */
export function segmentBefore(
  sql: SqlStorage,
  { subscription, featureId, periodStartMs, number }: UsageSegment,
): number {
  const row = sql
    .exec<{ number: number | null }>(
      `SELECT MAX(number) AS number FROM usage_segments
       WHERE subscription = ? AND feature_id = ? AND period_start_ms = ? AND number < ?`,
      subscription,
      featureId,
      periodStartMs,
      number,
    )
    .one();
  return row.number ?? 0;
}

/** The segment that counted an event of a feature, once it is closed. */
export function segmentThatCounted(
  sql: SqlStorage,
  featureId: string,
  { subscription, periodStartMs, afterSegment }: Counted,
): UsageSegment | undefined {
  return readSegments(sql, { subscription, featureId, periodStartMs }).find(({ number }) => number > afterSegment);
}

/** The closed segments of a feature in one period of a subscription, in order. */
export function readSegments(
  sql: SqlStorage,
  { subscription, featureId, periodStartMs }: Pick<UsageSegment, "subscription" | "featureId" | "periodStartMs">,
): UsageSegment[] {
  return bodies<UsageSegment>(
    sql,
    "SELECT body FROM usage_segments WHERE subscription = ? AND feature_id = ? AND period_start_ms = ? ORDER BY number",
    subscription,
    featureId,
    periodStartMs,
  );
}

/** A closed segment with the version that priced it, which may be in the book no more. */
export function closedWith({ sql, image }: Customer, segment: UsageSegment): ClosedSegment {
  return { segment, pin: image.book.pins.get(pinKey(segment)) ?? readPin(sql, segment) };
}
