import type { CustomerSource, CustomerView } from "../domain/customer.ts";
import type { Uuid } from "../domain/ids.ts";
import { type Page, pageOfRows } from "./page.ts";

/** Customers as lists show them: from D1's copies, which the customers' objects send. */

type CustomerRow = {
  customer_id: string;
  reference_id: string | null;
  stripe_customer_id: string | null;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  phone_number: string | null;
  address: string | null;
  source: CustomerSource;
  last_event_at_ms: number | null;
  created_at_ms: number;
  modified_at_ms: number;
};

/**
 * Contained in name, email, reference or Stripe id, or the whole customer id. INSTR and not LIKE: a search may hold `%` and may be
 * longer than the 50 bytes of D1's patterns. LOWER folds A to Z only; other letters must be written as they are stored.
 */
const MATCHES = `account_id = ?1 AND (?2 = '' OR customer_id = LOWER(?2) OR INSTR(LOWER(
    COALESCE(first_name, '') || ' ' || COALESCE(last_name, '') || char(10) || COALESCE(email, '') || char(10) ||
    COALESCE(reference_id, '') || char(10) || COALESCE(stripe_customer_id, '')), LOWER(?2)) > 0)`;

/** A page of customers, newest first; `search` empty: of all. */
export async function customerPage(
  database: D1Database,
  accountId: string,
  search: string,
  page: Page,
): Promise<{ items: CustomerView[]; total: number }> {
  const { rows, total } = await pageOfRows<CustomerRow>(
    database,
    database.prepare(`SELECT COUNT(*) AS total FROM customers WHERE ${MATCHES}`).bind(accountId, search),
    database
      .prepare(
        `SELECT customer_id, reference_id, stripe_customer_id, first_name, last_name, email, phone_number, address, source,
           last_event_at_ms, created_at_ms, modified_at_ms
         FROM customers WHERE ${MATCHES} ORDER BY created_at_ms DESC, customer_id LIMIT ?3 OFFSET ?4`,
      )
      .bind(accountId, search, page.limit, page.offset),
  );
  return { items: rows.map(fromRow), total };
}

function fromRow(row: CustomerRow): CustomerView {
  return {
    // The directory makes these ids; nothing else writes them.
    customerId: row.customer_id as Uuid,
    ...(row.reference_id === null ? {} : { referenceId: row.reference_id }),
    ...(row.stripe_customer_id === null ? {} : { stripeCustomerId: row.stripe_customer_id }),
    ...(row.first_name === null ? {} : { firstName: row.first_name }),
    ...(row.last_name === null ? {} : { lastName: row.last_name }),
    ...(row.email === null ? {} : { email: row.email }),
    ...(row.phone_number === null ? {} : { phoneNumber: row.phone_number }),
    ...(row.address === null ? {} : { address: row.address }),
    source: row.source,
    ...(row.last_event_at_ms === null ? {} : { lastEventAtMs: row.last_event_at_ms }),
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
  };
}
