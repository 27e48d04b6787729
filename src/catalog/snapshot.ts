import type { Account, AccountSettings, ApiKey, Feature } from "../domain/account.ts";
import { KEY_FRESH_MS_MAX, KEY_REFRESH_AHEAD_MS, KEYS_CACHED_MAX, STALE_WHILE_D1_FAILS_MS } from "../domain/limits.ts";
import { BoundedMap } from "./bounded-map.ts";

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
  } catch {
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

type KeyRow = {
  key_id: string;
  scopes: string;
  customer_id: string | null;
  hint: string;
  expires_at_ms: number | null;
  revoked_at_ms: number | null;
} & AccountRow;

type AccountRow = {
  account_id: string;
  account_name: string;
  mode: Account["mode"];
  currency: string;
  settings: string;
  catalog_version: number;
  account_created_at_ms: number;
  account_modified_at_ms: number;
};

const ACCOUNT_COLUMNS = `a.account_id, a.name AS account_name, a.mode, a.currency, a.settings, a.catalog_version,
  a.created_at_ms AS account_created_at_ms, a.modified_at_ms AS account_modified_at_ms`;

/** One batch: the key with its account, and the account's features. */
async function read(database: D1Database, digest: string, nowMs: number): Promise<void> {
  const [keyRows, featureRows] = await database.batch([
    database
      .prepare(
        `SELECT k.key_id, k.scopes, k.customer_id, k.hint, k.expires_at_ms, k.revoked_at_ms, ${ACCOUNT_COLUMNS}
         FROM api_keys k JOIN accounts a ON a.account_id = k.account_id WHERE k.digest = ?`,
      )
      .bind(digest),
    database
      .prepare(
        `SELECT ${FEATURE_COLUMNS} FROM features
         WHERE account_id = (SELECT account_id FROM api_keys WHERE digest = ?) AND deleted_at_ms IS NULL`,
      )
      .bind(digest),
  ]);
  const row = keyRows?.results[0] as KeyRow | undefined;
  if (row === undefined) {
    keys.set(digest, { key: null, readAtMs: nowMs, refreshing: false });
    return;
  }
  const key: ApiKey = {
    keyId: row.key_id,
    accountId: row.account_id,
    hint: row.hint,
    scopes: JSON.parse(row.scopes) as ApiKey["scopes"],
    ...(row.customer_id === null ? {} : { customerId: row.customer_id }),
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: row.expires_at_ms }),
    ...(row.revoked_at_ms === null ? {} : { revokedAtMs: row.revoked_at_ms }),
  };
  keys.set(digest, { key, readAtMs: nowMs, refreshing: false });
  snapshots.set(row.account_id, snapshotOf(accountFromRow(row), (featureRows?.results ?? []) as FeatureRow[]));
}

/** The account as D1 holds it now, for management commands and for work without a key (cron, webhooks). */
export async function readAccount(database: D1Database, accountId: string): Promise<AccountSnapshot | undefined> {
  const [accountRows, featureRows] = await database.batch([
    database.prepare(`SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE a.account_id = ?`).bind(accountId),
    database
      .prepare(`SELECT ${FEATURE_COLUMNS} FROM features WHERE account_id = ? AND deleted_at_ms IS NULL`)
      .bind(accountId),
  ]);
  const row = accountRows?.results[0] as AccountRow | undefined;
  if (row === undefined) return undefined;
  const snapshot = snapshotOf(accountFromRow(row), (featureRows?.results ?? []) as FeatureRow[]);
  snapshots.set(accountId, snapshot);
  return snapshot;
}

function accountFromRow(row: AccountRow): Account {
  return {
    accountId: row.account_id,
    name: row.account_name,
    mode: row.mode,
    currency: row.currency,
    settings: JSON.parse(row.settings) as AccountSettings,
    catalogVersion: row.catalog_version,
    createdAtMs: row.account_created_at_ms,
    modifiedAtMs: row.account_modified_at_ms,
  };
}

export const FEATURE_COLUMNS =
  "feature_id, key, name, description, is_enabled, metadata, created_at_ms, modified_at_ms";

export type FeatureRow = {
  feature_id: string;
  key: string;
  name: string;
  description: string | null;
  is_enabled: number;
  metadata: string | null;
  created_at_ms: number;
  modified_at_ms: number;
};

export function featureFromRow(row: FeatureRow): Feature {
  return {
    featureId: row.feature_id,
    key: row.key,
    name: row.name,
    ...(row.description === null ? {} : { description: row.description }),
    isEnabled: row.is_enabled === 1,
    ...(row.metadata === null ? {} : { metadata: row.metadata }),
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
  };
}

function snapshotOf(account: Account, rows: readonly FeatureRow[]): AccountSnapshot {
  const features = rows.map(featureFromRow);
  return {
    account,
    featuresByKey: new Map(features.map((feature) => [feature.key, feature])),
    featuresById: new Map(features.map((feature) => [feature.featureId, feature])),
    stale: false,
  };
}
