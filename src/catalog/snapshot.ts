import { and, eq, isNull, type SQLWrapper } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { Account, ApiKey, Feature } from "../domain/account.ts";
import { KEY_FRESH_MS_MAX, KEY_REFRESH_AHEAD_MS, KEYS_CACHED_MAX, STALE_WHILE_D1_FAILS_MS } from "../domain/limits.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { BoundedMap } from "./bounded-map.ts";
import { isDatabaseFailure } from "./database-failure.ts";
import { accounts, apiKeys, FEATURE, features } from "./tables.ts";

/**
 * What an isolate remembers of an account: the key that was shown, the account, its settings and features. Read from D1 in one
 * round trip, trusted for 5 s (so a revoked key or a changed setting works everywhere within 5 s), read again ahead after half
 * of that by a request that does not wait for it, and served 15 minutes longer while D1 fails (marked `stale`). A cache never
 * carries meaning: management commands read D1 itself.
 */
export type AccountSnapshot = {
  account: Account;
  featuresByKey: ReadonlyMap<string, Feature>;
  featuresById: ReadonlyMap<string, Feature>;
  /** Known to be older than it should be: to be read again, and used as it is only while D1 does not answer. */
  stale: boolean;
};

export type Authenticated = { key: ApiKey; snapshot: AccountSnapshot };

type KeyEntry = { key: ApiKey | null; readAtMs: number; refreshing: boolean };

/** Isolate memory. `clearSnapshots` empties it: for tests, and for nothing else. */
const keys = new BoundedMap<string, KeyEntry>(KEYS_CACHED_MAX);
const snapshots = new BoundedMap<string, AccountSnapshot>(KEYS_CACHED_MAX);

export function clearSnapshots(): void {
  keys.clear();
  snapshots.clear();
}

/**
 * What this isolate knows of an account is read again before it is used, so that the writer reads its own write; others follow
 * within 5 s. It stays at hand for the case that D1 goes away right now.
 */
export function forgetAccount(accountId: string): void {
  const known = snapshots.get(accountId);
  if (known !== undefined) snapshots.set(accountId, { ...known, stale: true });
}

/** Drops one key, so that the isolate that revoked it refuses it at once. */
export function forgetKey(digest: string): void {
  keys.delete(digest);
}

/**
 * The key with this digest and its account, or undefined when it is unknown, expired or revoked; "unavailable" when D1 fails
 * and nothing is known.
 */
export async function authenticate(
  database: D1Database,
  digest: string,
  nowMs: number,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<Authenticated | undefined | "unavailable"> {
  const entry = keys.get(digest);
  if (entry !== undefined) {
    const ageMs = nowMs - entry.readAtMs;
    const snapshot = entry.key === null ? undefined : snapshots.get(entry.key.accountId);
    const usable = entry.key === null || snapshot?.stale === false;
    if (usable && ageMs < KEY_FRESH_MS_MAX) {
      if (ageMs > KEY_REFRESH_AHEAD_MS && !entry.refreshing) {
        entry.refreshing = true;
        waitUntil(
          read(database, digest, nowMs).catch(() => {
            entry.refreshing = false;
          }),
        );
      }
      return live(entry.key, snapshot, nowMs);
    }
  }
  try {
    await read(database, digest, nowMs);
  } catch (failure) {
    if (!isDatabaseFailure(failure)) throw failure;
    console.error(JSON.stringify({ at: "authenticate", failure: String(failure) }));
    // A key that was good a while ago stays good while nobody can say otherwise; an unknown one stays unknown.
    if (entry?.key && nowMs - entry.readAtMs < STALE_WHILE_D1_FAILS_MS) {
      const known = snapshots.get(entry.key.accountId);
      if (known !== undefined) return live(entry.key, { ...known, stale: true }, nowMs);
    }
    return "unavailable";
  }
  const fresh = keys.get(digest);
  return live(fresh?.key ?? null, fresh?.key ? snapshots.get(fresh.key.accountId) : undefined, nowMs);
}

function live(key: ApiKey | null, snapshot: AccountSnapshot | undefined, nowMs: number): Authenticated | undefined {
  if (key === null || snapshot === undefined) return undefined;
  if (key.revokedAtMs !== undefined && key.revokedAtMs <= nowMs) return undefined;
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) return undefined;
  return { key, snapshot };
}

const ACCOUNT = {
  accountId: accounts.accountId,
  name: accounts.name,
  mode: accounts.mode,
  currency: accounts.currency,
  settings: accounts.settings,
  catalogVersion: accounts.catalogVersion,
  createdAtMs: accounts.createdAtMs,
  modifiedAtMs: accounts.modifiedAtMs,
};

const { keyId, accountId, hint, scopes, customerId, expiresAtMs, revokedAtMs } = apiKeys;
const KEY = { keyId, accountId, hint, scopes, customerId, expiresAtMs, revokedAtMs };

/** The account of this id, or that a query finds, and its features: for one batch. */
function accountQueries(db: DrizzleD1Database, id: string | SQLWrapper) {
  return [
    db.select(ACCOUNT).from(accounts).where(eq(accounts.accountId, id)),
    db
      .select(FEATURE)
      .from(features)
      .where(and(eq(features.accountId, id), isNull(features.deletedAtMs))),
  ] as const;
}

/** One batch: the key, its account, and the account's features. */
async function read(database: D1Database, digest: string, nowMs: number): Promise<void> {
  const db = drizzle(database);
  const shown = eq(apiKeys.digest, digest);
  const owner = db.select({ accountId: apiKeys.accountId }).from(apiKeys).where(shown);
  const [[row], [account], rows] = await db.batch([
    db.select(KEY).from(apiKeys).where(shown),
    ...accountQueries(db, owner),
  ]);
  if (row === undefined || account === undefined) {
    keys.set(digest, { key: null, readAtMs: nowMs, refreshing: false });
    return;
  }
  keys.set(digest, { key: withoutNulls(row), readAtMs: nowMs, refreshing: false });
  snapshots.set(row.accountId, snapshotOf(account, rows.map(withoutNulls)));
}

/** The account as D1 holds it now, for management commands and for work without a key (cron, webhooks). */
export async function readAccount(database: D1Database, accountId: string): Promise<AccountSnapshot | undefined> {
  const db = drizzle(database);
  const [[account], rows] = await db.batch(accountQueries(db, accountId));
  if (account === undefined) return undefined;
  const snapshot = snapshotOf(account, rows.map(withoutNulls));
  snapshots.set(accountId, snapshot);
  return snapshot;
}

function snapshotOf(account: Account, features: readonly Feature[]): AccountSnapshot {
  return {
    account,
    featuresByKey: new Map(features.map((feature) => [feature.key, feature])),
    featuresById: new Map(features.map((feature) => [feature.featureId, feature])),
    stale: false,
  };
}
