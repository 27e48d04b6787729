import { and, desc, eq, gt, isNotNull, isNull, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { withoutNulls } from "../domain/without-nulls.ts";
import { objectHealth } from "./tables.ts";

/** What objects told of themselves, and which ones to ask. */

export type ToldHealth = {
  customerId: string;
  oldestUnsentAtMs?: number;
  parkedRows: number;
  quarantinedAtMs?: number;
  sizeBytes: number;
};

/** Objects of an account that have something wrong, worst first. */
export async function troubledObjects(database: D1Database, accountId: string, limit: number): Promise<ToldHealth[]> {
  const db = drizzle(database);
  const { customerId, oldestUnsentAtMs, parkedRows, quarantinedAtMs, sizeBytes } = objectHealth;
  const [rows] = await db.batch([
    db
      .select({ customerId, oldestUnsentAtMs, parkedRows, quarantinedAtMs, sizeBytes })
      .from(objectHealth)
      .where(and(eq(objectHealth.accountId, accountId), or(gt(parkedRows, 0), isNotNull(quarantinedAtMs))))
      .orderBy(isNull(quarantinedAtMs), desc(parkedRows))
      .limit(limit),
  ]);
  return rows.map(withoutNulls);
}

/** An object that has been quarantined since `quarantinedAtMs`. */
export type QuarantinedObject = { quarantinedAtMs: number; accountId: string; customerId: string };

/** A page of quarantined objects of all accounts, those that wait longest first, behind `after`. */
export async function quarantinedObjects(
  database: D1Database,
  after: QuarantinedObject | undefined,
  limit: number,
): Promise<QuarantinedObject[]> {
  const db = drizzle(database);
  const { accountId, customerId, quarantinedAtMs } = objectHealth;
  const behind =
    after === undefined
      ? undefined
      : sql`(${quarantinedAtMs}, ${accountId}, ${customerId}) > (${after.quarantinedAtMs}, ${after.accountId}, ${after.customerId})`;
  const [rows] = await db.batch([
    db
      .select({ quarantinedAtMs: sql<number>`${quarantinedAtMs}`, accountId, customerId })
      .from(objectHealth)
      .where(and(isNotNull(quarantinedAtMs), behind))
      .orderBy(quarantinedAtMs, accountId, customerId)
      .limit(limit),
  ]);
  return rows;
}
