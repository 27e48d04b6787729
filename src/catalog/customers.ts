import { and, count, desc, eq, getTableColumns, isNotNull, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { CustomerView } from "../domain/customer.ts";
import type { Uuid } from "../domain/ids.ts";
import type { Region } from "../domain/placement.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { foundBy } from "./found-by.ts";
import type { Page } from "./page.ts";
import { customers } from "./tables.ts";

/** Customers as lists show them, from D1's copies, which the customers' objects send; and their ids, from the directory. */

/** By a part of name, email, reference or Stripe id, or by the whole customer id. */
function isFoundBy(search: string): SQL | undefined {
  const { customerId, firstName, lastName, email, referenceId, stripeCustomerId } = customers;
  return or(
    sql`${customerId} = LOWER(${search})`,
    foundBy(search, [
      sql`COALESCE(${firstName}, '') || ' ' || COALESCE(${lastName}, '')`,
      email,
      referenceId,
      stripeCustomerId,
    ]),
  );
}

/** A page of customers, newest first; `search` empty: of all. Those who were erased are not among them. */
export async function customerPage(
  database: D1Database,
  accountId: string,
  search: string,
  page: Page,
): Promise<{ items: CustomerView[]; total: number }> {
  const db = drizzle(database);
  const { accountId: account, rev: _, nextDueAtMs: __, erasedAtMs, ...columns } = getTableColumns(customers);
  const asked = and(eq(account, accountId), isNull(erasedAtMs), search === "" ? undefined : isFoundBy(search));
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
 * A page of an account's customers in the order of their ids, behind `cursor`, those who were erased among them. From the identities
 * and what is left of erased ones, which are the directory itself (every customer has one), not from the customer rows, which are
 * copies and may have to be rebuilt.
 */
export async function customersAfter(
  database: D1Database,
  accountId: string,
  cursor: string,
  limit: number,
): Promise<{ ids: Uuid[]; nextCursor?: string }> {
  const { results } = await database
    .prepare(
      `SELECT customer_id FROM customer_identities WHERE account_id = ?1 AND customer_id > ?2
       UNION SELECT customer_id FROM erased_names WHERE account_id = ?1 AND customer_id > ?2
       ORDER BY customer_id LIMIT ?3`,
    )
    .bind(accountId, cursor, limit)
    .all<{ customer_id: Uuid }>();
  const ids = results.map((row) => row.customer_id);
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
  const asked = JSON.stringify(ids);
  await database.batch([
    database
      .prepare(
        `INSERT INTO customers (account_id, customer_id, source, created_at_ms, modified_at_ms, erased_at_ms)
         SELECT ?1, e.customer_id, 'EVENT_AUTO_CREATED', CAST(?3 AS INTEGER), CAST(?3 AS INTEGER), CAST(?3 AS INTEGER)
         FROM erased_names e WHERE e.account_id = ?1 AND e.customer_id IN (SELECT value FROM json_each(?2))
         ON CONFLICT DO NOTHING`,
      )
      .bind(accountId, asked, nowMs),
    database
      .prepare(
        `INSERT INTO customers (account_id, customer_id, reference_id, stripe_customer_id, source, created_at_ms, modified_at_ms)
       SELECT ?1, i.customer_id, MAX(CASE i.kind WHEN 'reference' THEN i.value END),
         MAX(CASE i.kind WHEN 'stripe' THEN i.value END), 'EVENT_AUTO_CREATED', CAST(?3 AS INTEGER), CAST(?3 AS INTEGER)
       FROM customer_identities i WHERE i.account_id = ?1 AND i.customer_id IN (SELECT value FROM json_each(?2))
       GROUP BY i.customer_id
       ON CONFLICT DO NOTHING`,
      )
      .bind(accountId, asked, nowMs),
  ]);
}

/** Any customer, of whichever account; `region`: where the account wishes customers of whom nothing else is known. */
export type KnownCustomer = { accountId: string; customerId: Uuid; region?: Region | null };

/** A page of all customers of all accounts in the order of their ids, behind `after`; from the directory itself, like the one above. */
export async function everyCustomerAfter(
  database: D1Database,
  after: KnownCustomer | undefined,
  limit: number,
): Promise<KnownCustomer[]> {
  const { results } = await database
    .prepare(
      `SELECT account_id AS accountId, customer_id AS customerId,
         (SELECT a.settings ->> 'defaultRegion' FROM accounts a WHERE a.account_id = customer_identities.account_id)
           AS region
       FROM customer_identities WHERE (account_id, customer_id) > (?, ?) GROUP BY account_id, customer_id
       ORDER BY account_id, customer_id LIMIT ?`,
    )
    .bind(after?.accountId ?? "", after?.customerId ?? "", limit)
    .all<KnownCustomer>();
  return results;
}

/** A customer for whom something has been due since `nextDueAtMs`. */
export type OverdueCustomer = { nextDueAtMs: number; accountId: string; customerId: Uuid };

/** A page of customers of all accounts for whom something fell due before `beforeMs`, longest due first, behind `after`. */
export async function overdueCustomers(
  database: D1Database,
  beforeMs: number,
  after: OverdueCustomer | undefined,
  limit: number,
): Promise<OverdueCustomer[]> {
  const db = drizzle(database);
  const { nextDueAtMs, accountId, customerId, testClockId } = customers;
  const behind =
    after === undefined
      ? undefined
      : sql`(${nextDueAtMs}, ${accountId}, ${customerId}) > (${after.nextDueAtMs}, ${after.accountId}, ${after.customerId})`;
  const [rows] = await db.batch([
    db
      .select({ nextDueAtMs: sql<number>`${nextDueAtMs}`, accountId, customerId })
      .from(customers)
      // As the partial index says it, or SQLite would not see that it fits.
      .where(and(isNotNull(nextDueAtMs), isNull(testClockId), lt(nextDueAtMs, beforeMs), behind))
      .orderBy(nextDueAtMs, accountId, customerId)
      .limit(limit),
  ]);
  return rows;
}
