import { and, count, desc, eq, gt, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { AccountScope, CustomerScope } from "../domain/account.ts";
import type { StoredKey } from "../domain/api-key.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { prepared } from "./database.ts";
import type { Page } from "./page.ts";
import { apiKeys } from "./tables.ts";

/**
 * Keys in D1: an account's own, and those pinned to a customer. Rows are never deleted, so the trail of who could once call stays
 * readable. The cache in front of `authenticate` is `snapshot.ts`.
 */

const { keyId, digest, name, scopes, hint, rateLimit, createdAtMs, expiresAtMs, revokedAtMs } = apiKeys;
const KEY = { keyId, digest, name, scopes, hint, rateLimit, createdAtMs, expiresAtMs, revokedAtMs };

type KeyRow = Pick<typeof apiKeys.$inferSelect, keyof typeof KEY>;

function fromRow<S extends AccountScope | CustomerScope>(row: KeyRow): StoredKey<S> {
  // Written by keyStatement from a list of the same kind.
  return { ...withoutNulls(row), scopes: row.scopes as readonly S[] };
}

/** The account's own keys, not its customers'. */
function ofAccount(accountId: string): SQL | undefined {
  return and(eq(apiKeys.accountId, accountId), eq(apiKeys.kind, "account"));
}

/** Does this end lie behind an instant, or nowhere? */
function endsAfter(end: SQLiteColumn, atMs: number): SQL | undefined {
  return or(isNull(end), gt(end, atMs));
}

/** Stores a new key: of the account, or with `customerId` pinned to that customer. */
export function keyStatement(
  database: D1Database,
  accountId: string,
  key: StoredKey,
  customerId?: string,
): D1PreparedStatement {
  const db = drizzle(database);
  const kind = customerId === undefined ? "account" : "customer";
  return prepared(database, db.insert(apiKeys).values({ ...key, accountId, kind, customerId }));
}

/** Ends a key at an instant, now or later. One that ends sooner keeps its end: an end never moves away. */
export function revokeStatement(
  database: D1Database,
  accountId: string,
  keyId: string,
  atMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  const still = and(eq(apiKeys.accountId, accountId), eq(apiKeys.keyId, keyId), endsAfter(apiKeys.revokedAtMs, atMs));
  return prepared(database, db.update(apiKeys).set({ revokedAtMs: atMs }).where(still));
}

/** A page of the account's own keys, revoked ones too, newest first. */
export async function accountKeyPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: StoredKey<AccountScope>[]; total: number }> {
  const db = drizzle(database);
  const own = ofAccount(accountId);
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(apiKeys).where(own),
    db
      .select(KEY)
      .from(apiKeys)
      .where(own)
      .orderBy(desc(apiKeys.createdAtMs), apiKeys.keyId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map((row) => fromRow<AccountScope>(row)), total: counted?.total ?? 0 };
}

/**
 * The account's own key of this id, and how many other admin keys are active and have no end ahead: one that was rotated is no way in
 * for long. Undefined when there is no such key.
 */
export async function accountKey(
  database: D1Database,
  accountId: string,
  keyId: string,
  nowMs: number,
): Promise<{ key: StoredKey<AccountScope>; otherAdmins: number } | undefined> {
  const db = drizzle(database);
  const own = ofAccount(accountId);
  const isAdmin = sql`EXISTS (SELECT 1 FROM json_each(${apiKeys.scopes}) WHERE value = 'admin')`;
  const stays = and(isNull(apiKeys.revokedAtMs), endsAfter(apiKeys.expiresAtMs, nowMs));
  const [[row], [others]] = await db.batch([
    db
      .select(KEY)
      .from(apiKeys)
      .where(and(own, eq(apiKeys.keyId, keyId))),
    db
      .select({ admins: count() })
      .from(apiKeys)
      .where(and(own, ne(apiKeys.keyId, keyId), isAdmin, stays)),
  ]);
  return row === undefined ? undefined : { key: fromRow<AccountScope>(row), otherAdmins: others?.admins ?? 0 };
}

/** All keys of a customer, revoked ones too, newest first. */
export async function customerKeys(
  database: D1Database,
  accountId: string,
  customerId: string,
): Promise<StoredKey<CustomerScope>[]> {
  const db = drizzle(database);
  const pinned = and(eq(apiKeys.accountId, accountId), eq(apiKeys.customerId, customerId));
  const [rows] = await db.batch([
    db.select(KEY).from(apiKeys).where(pinned).orderBy(desc(apiKeys.createdAtMs), apiKeys.keyId),
  ]);
  return rows.map((row) => fromRow<CustomerScope>(row));
}
