import { and, count, desc, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { CustomerView } from "../domain/customer.ts";
import type { Uuid } from "../domain/ids.ts";
import { CLOCK_ADVANCE_MS_MAX, CLOCK_CUSTOMERS_MAX } from "../domain/limits.ts";
import type { TestClock } from "../domain/test-clock.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { prepared } from "./database.ts";
import type { Page } from "./page.ts";
import { customers, testClockCustomers, testClocks } from "./tables.ts";

/** Test clocks and who lives by them. An ended clock keeps its row and has no customers. */

const { accountId: ACCOUNT, deletedAtMs: DELETED, ...CLOCK } = getTableColumns(testClocks);

function oneClock(accountId: string, clockId: string) {
  return and(eq(ACCOUNT, accountId), eq(CLOCK.clockId, clockId), isNull(DELETED));
}

function ofClock(accountId: string, clockId: string) {
  return and(eq(testClockCustomers.accountId, accountId), eq(testClockCustomers.clockId, clockId));
}

/** A page of an account's clocks, newest first, and how many customers each has. */
export async function clockPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: { clock: TestClock; customers: number }[]; total: number }> {
  const db = drizzle(database);
  const all = and(eq(ACCOUNT, accountId), isNull(DELETED));
  const members = sql<number>`(SELECT COUNT(*) FROM ${testClockCustomers} m
    WHERE m.account_id = ${testClocks}.account_id AND m.clock_id = ${testClocks}.clock_id)`;
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(testClocks).where(all),
    db
      .select({ ...CLOCK, customers: members })
      .from(testClocks)
      .where(all)
      .orderBy(desc(CLOCK.createdAtMs), CLOCK.clockId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  const items = rows.map(({ customers: living, ...clock }) => ({ clock: withoutNulls(clock), customers: living }));
  return { items, total: counted?.total ?? 0 };
}

/** A page of the customers that live by a clock, newest first. */
export async function clockCustomerPage(
  database: D1Database,
  accountId: string,
  clockId: string,
  page: Page,
): Promise<{ items: CustomerView[]; total: number }> {
  const db = drizzle(database);
  const { accountId: account, rev: _, nextDueAtMs: __, erasedAtMs, ...columns } = getTableColumns(customers);
  const members = testClockCustomers;
  const inClock = and(
    ofClock(accountId, clockId),
    eq(account, members.accountId),
    eq(customers.customerId, members.customerId),
    isNull(erasedAtMs),
  );
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(members).crossJoin(customers).where(inClock),
    db
      .select(columns)
      .from(members)
      .crossJoin(customers)
      .where(inClock)
      .orderBy(desc(customers.createdAtMs), customers.customerId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map(withoutNulls), total: counted?.total ?? 0 };
}

/** A clock and how many customers it has. */
export async function clockOf(
  database: D1Database,
  accountId: string,
  clockId: string,
): Promise<{ clock: TestClock; customers: number } | undefined> {
  const db = drizzle(database);
  const [[row], [counted]] = await db.batch([
    db.select(CLOCK).from(testClocks).where(oneClock(accountId, clockId)),
    db.select({ customers: count() }).from(testClockCustomers).where(ofClock(accountId, clockId)),
  ]);
  return row === undefined ? undefined : { clock: withoutNulls(row), customers: counted?.customers ?? 0 };
}

export function insertClock(database: D1Database, accountId: string, clock: TestClock): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(database, db.insert(testClocks).values({ accountId, ...clock }));
}

/**
 * Writes down where an advance is going, before anybody is moved, if the clock may be moved there: the same as `advanceRefusal`
 * says, at this moment. Returns the clock as it is then; undefined: there is none.
 */
export async function beginAdvance(
  database: D1Database,
  accountId: string,
  clockId: string,
  toMs: number,
): Promise<TestClock | undefined> {
  const db = drizzle(database);
  const { frozenAtMs, targetAtMs } = CLOCK;
  const mayMove = sql`${frozenAtMs} BETWEEN ${toMs - CLOCK_ADVANCE_MS_MAX} AND ${toMs} AND COALESCE(${targetAtMs}, 0) <= ${toMs}`;
  const [, [row]] = await db.batch([
    db
      .update(testClocks)
      .set({ targetAtMs: toMs })
      .where(and(oneClock(accountId, clockId), mayMove)),
    db.select(CLOCK).from(testClocks).where(oneClock(accountId, clockId)),
  ]);
  return row === undefined ? undefined : withoutNulls(row);
}

/**
 * Puts the clock where all of its customers are by now. An advance to a later instant may be under way meanwhile: then its target
 * stays, and the clock never goes back.
 */
export function finishAdvance(
  database: D1Database,
  accountId: string,
  clockId: string,
  toMs: number,
): D1PreparedStatement {
  return database
    .prepare(
      `UPDATE test_clocks SET frozen_at_ms = MAX(frozen_at_ms, CAST(?3 AS INTEGER)),
         target_at_ms = CASE WHEN target_at_ms > ?3 THEN target_at_ms END
       WHERE account_id = ?1 AND clock_id = ?2 AND deleted_at_ms IS NULL`,
    )
    .bind(accountId, clockId, toMs);
}

/** Ends a clock. Its customers have been released. */
export function deleteClock(
  database: D1Database,
  accountId: string,
  clockId: string,
  nowMs: number,
): D1PreparedStatement[] {
  const db = drizzle(database);
  return [
    prepared(database, db.delete(testClockCustomers).where(ofClock(accountId, clockId))),
    prepared(database, db.update(testClocks).set({ deletedAtMs: nowMs }).where(oneClock(accountId, clockId))),
  ];
}

/** All customers of a clock: there are never more than one call can move. */
export async function customersOfClock(database: D1Database, accountId: string, clockId: string): Promise<Uuid[]> {
  const db = drizzle(database);
  const { customerId } = testClockCustomers;
  const [rows] = await db.batch([
    db.select({ customerId }).from(testClockCustomers).where(ofClock(accountId, clockId)).orderBy(customerId),
  ]);
  return rows.map((row) => row.customerId);
}

/** What became of joining: the clock as it is now that the customer is in it; or why it is not. */
export type Joined = TestClock | "no clock" | "full" | "in another";

/**
 * Puts a customer into a clock, before its object hears of it, so that no advance from now on passes it by. Repeating it is harmless.
 */
export async function joinClock(
  database: D1Database,
  accountId: string,
  clockId: string,
  customerId: Uuid,
): Promise<Joined> {
  const db = drizzle(database);
  const insert = database
    .prepare(
      `INSERT INTO test_clock_customers (account_id, clock_id, customer_id)
       SELECT account_id, clock_id, ?3 FROM test_clocks
       WHERE account_id = ?1 AND clock_id = ?2 AND deleted_at_ms IS NULL
         AND (SELECT COUNT(*) FROM test_clock_customers m WHERE m.account_id = ?1 AND m.clock_id = ?2) < CAST(?4 AS INTEGER)
       ON CONFLICT DO NOTHING`,
    )
    .bind(accountId, clockId, customerId, CLOCK_CUSTOMERS_MAX);
  await insert.run();
  const { customerId: member, clockId: joined, accountId: account } = testClockCustomers;
  const [[clock], [row]] = await db.batch([
    db.select(CLOCK).from(testClocks).where(oneClock(accountId, clockId)),
    db
      .select({ clockId: joined })
      .from(testClockCustomers)
      .where(and(eq(account, accountId), eq(member, customerId))),
  ]);
  if (clock === undefined) return "no clock";
  if (row === undefined) return "full";
  return row.clockId === clockId ? withoutNulls(clock) : "in another";
}

/** Takes a customer out of a clock by which it does not live. */
export async function leaveClock(
  database: D1Database,
  accountId: string,
  clockId: string,
  customerId: Uuid,
): Promise<void> {
  const db = drizzle(database);
  await db.batch([
    db
      .delete(testClockCustomers)
      .where(and(ofClock(accountId, clockId), eq(testClockCustomers.customerId, customerId))),
  ]);
}
