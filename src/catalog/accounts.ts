import { eq, gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Account, AccountMode } from "../domain/account.ts";
import type { Region } from "../domain/placement.ts";
import { prepared } from "./database.ts";
import { accounts } from "./tables.ts";

/** The statement that makes an account. Its first key and its audit entry go into the same batch. */
export function accountStatement(
  database: D1Database,
  account: { accountId: string; name: string; mode: AccountMode; currency: string },
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(database, db.insert(accounts).values({ ...account, createdAtMs: nowMs, modifiedAtMs: nowMs }));
}

export function renameStatement(
  database: D1Database,
  accountId: string,
  name: string,
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(
    database,
    db.update(accounts).set({ name, modifiedAtMs: nowMs }).where(eq(accounts.accountId, accountId)),
  );
}

/**
 * Keeps who the account sells as until now; before the statement that changes it, in the same batch. Copies of invoices that became due
 * before come later, and say it. Of two changes at one instant the first one's is kept: the other was in force for no time.
 */
export function sellerUntilStatement(database: D1Database, accountId: string, nowMs: number): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO account_sellers (account_id, until_ms, name, seller)
       SELECT account_id, CAST(?2 AS INTEGER), name, settings -> '$.seller' FROM accounts WHERE account_id = ?1
       ON CONFLICT DO NOTHING`,
    )
    .bind(accountId, nowMs);
}

/** Replaces an account's settings. The caller read them in the same decision (`version: "guard"`), so nothing is lost. */
export function settingsStatement(
  database: D1Database,
  accountId: string,
  { currency, settings }: Pick<Account, "currency" | "settings">,
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  const changed = { currency, settings, modifiedAtMs: nowMs };
  return prepared(database, db.update(accounts).set(changed).where(eq(accounts.accountId, accountId)));
}

/** Where an account wishes customers of whom nothing else is known; undefined: anywhere. */
export async function wishedRegion(database: D1Database, accountId: string): Promise<Region | undefined> {
  const db = drizzle(database);
  const [[row]] = await db.batch([
    db.select({ settings: accounts.settings }).from(accounts).where(eq(accounts.accountId, accountId)),
  ]);
  return row?.settings.defaultRegion;
}

/** The account whose public catalog has this address and is switched on, and how often its catalog has changed; undefined: none. */
export async function publicAccount(
  database: D1Database,
  slug: string,
): Promise<{ accountId: string; catalogVersion: number } | undefined> {
  // In SQL, for the index is over an expression, and only this very one finds it.
  const row = await database
    .prepare(
      `SELECT account_id AS accountId, catalog_version AS catalogVersion FROM accounts
       WHERE settings ->> '$.slug' = ? AND settings ->> '$.publicCatalogEnabled' = 1`,
    )
    .bind(slug)
    .first<{ accountId: string; catalogVersion: number }>();
  return row ?? undefined;
}

/**
 * Tells every isolate to read the account again. With `readVersion`, the batch fails unless the account is still as it was read
 * (`isVersionClash` knows that failure): NULL breaks the column's NOT NULL, for D1 has no other way to make a batch depend on it.
 */
export function versionStatement(database: D1Database, accountId: string, readVersion?: number): D1PreparedStatement {
  const db = drizzle(database);
  const { catalogVersion } = accounts;
  const next =
    readVersion === undefined
      ? sql`${catalogVersion} + 1`
      : sql`CASE WHEN ${catalogVersion} = ${readVersion} THEN ${catalogVersion} + 1 END`;
  return prepared(database, db.update(accounts).set({ catalogVersion: next }).where(eq(accounts.accountId, accountId)));
}

/** Did a batch fail because the account changed since it was read? */
export function isVersionClash(failure: unknown): boolean {
  return failure instanceof Error && failure.message.includes("NOT NULL constraint failed: accounts.catalog_version");
}

/** A page of the ids of all accounts, in their order, behind `after`. */
export async function accountsAfter(database: D1Database, after: string | undefined, limit: number): Promise<string[]> {
  const db = drizzle(database);
  const { accountId } = accounts;
  const [rows] = await db.batch([
    db
      .select({ accountId })
      .from(accounts)
      .where(gt(accountId, after ?? ""))
      .orderBy(accountId)
      .limit(limit),
  ]);
  return rows.map((row) => row.accountId);
}

/**
 * Has any event reached the account? Then its currency stays: amounts were recorded in it. A customer made by an event is in the
 * directory before the event is stored; those registered by hand are seen once their object has sent its copies, within seconds.
 */
export async function hasEvents(database: D1Database, accountId: string): Promise<boolean> {
  // In SQL, since it looks into the ledger's tables as well.
  const row = await database
    .prepare(
      `SELECT EXISTS (SELECT 1 FROM rollups WHERE account_id = ?1)
         OR EXISTS (SELECT 1 FROM customers WHERE account_id = ?1
           AND (source = 'EVENT_AUTO_CREATED' OR last_event_at_ms IS NOT NULL)) AS found`,
    )
    .bind(accountId)
    .first<{ found: number }>();
  return row?.found === 1;
}
