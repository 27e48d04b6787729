import { and, count, desc, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { CustomerView } from "../domain/customer.ts";
import type { Uuid } from "../domain/ids.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import type { Page } from "./page.ts";
import { customerIdentities, customers } from "./tables.ts";

/** Customers as lists show them, from D1's copies, which the customers' objects send; and their ids, from the directory. */

/**
 * Contained in name, email, reference or Stripe id, or the whole customer id. INSTR and not LIKE: a search may hold `%` and may be
 * longer than the 50 bytes of D1's patterns. LOWER folds A to Z only; other letters must be written as they are stored.
 */
function isFoundBy(search: string): SQL {
  const { customerId, firstName, lastName, email, referenceId, stripeCustomerId } = customers;
  return sql`(${customerId} = LOWER(${search}) OR INSTR(LOWER(
    COALESCE(${firstName}, '') || ' ' || COALESCE(${lastName}, '') || char(10) || COALESCE(${email}, '') || char(10) ||
    COALESCE(${referenceId}, '') || char(10) || COALESCE(${stripeCustomerId}, '')), LOWER(${search})) > 0)`;
}

/** A page of customers, newest first; `search` empty: of all. */
export async function customerPage(
  database: D1Database,
  accountId: string,
  search: string,
  page: Page,
): Promise<{ items: CustomerView[]; total: number }> {
  const db = drizzle(database);
  const { accountId: account, rev: _, ...columns } = getTableColumns(customers);
  const asked = and(eq(account, accountId), search === "" ? undefined : isFoundBy(search));
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(customers).where(asked),
    db
      .select(columns)
      .from(customers)
      .where(asked)
      .orderBy(desc(customers.createdAtMs), customers.customerId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map(withoutNulls), total: counted?.total ?? 0 };
}

/**
 * A page of an account's customers in the order of their ids, behind `cursor`. From the identities, which are the directory
 * itself (every customer has one), not from the customer rows, which are copies and may have to be rebuilt.
 */
export async function customersAfter(
  database: D1Database,
  accountId: string,
  cursor: string,
  limit: number,
): Promise<{ ids: Uuid[]; nextCursor?: string }> {
  const db = drizzle(database);
  const { accountId: account, customerId } = customerIdentities;
  const [rows] = await db.batch([
    db
      .selectDistinct({ customerId })
      .from(customerIdentities)
      .where(and(eq(account, accountId), sql`${customerId} > ${cursor}`))
      .orderBy(customerId)
      .limit(limit),
  ]);
  const ids = rows.map((row) => row.customerId);
  const last = ids.length === limit ? ids.at(-1) : undefined;
  return { ids, ...(last === undefined ? {} : { nextCursor: last }) };
}

/**
 * Puts back the rows of these customers that are gone, as the directory first made them; the customers' own objects then send
 * what they know. A customer whose object never heard of it, its first request having ended in between, has no other copy.
 */
export async function restoreCustomers(
  database: D1Database,
  accountId: string,
  ids: readonly Uuid[],
  nowMs: number,
): Promise<void> {
  await database
    .prepare(
      `INSERT INTO customers (account_id, customer_id, reference_id, stripe_customer_id, source, created_at_ms, modified_at_ms)
       SELECT ?1, i.customer_id, MAX(CASE i.kind WHEN 'reference' THEN i.value END),
         MAX(CASE i.kind WHEN 'stripe' THEN i.value END), 'EVENT_AUTO_CREATED', CAST(?3 AS INTEGER), CAST(?3 AS INTEGER)
       FROM customer_identities i WHERE i.account_id = ?1 AND i.customer_id IN (SELECT value FROM json_each(?2))
       GROUP BY i.customer_id
       ON CONFLICT DO NOTHING`,
    )
    .bind(accountId, JSON.stringify(ids), nowMs)
    .run();
}
