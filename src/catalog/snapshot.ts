import { and, eq, gt, isNull, type SQLWrapper, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { Account, ApiKey, Feature } from "../domain/account.ts";
import { BoundedMap } from "../domain/bounded-map.ts";
import type { CreditPrice, Weight } from "../domain/credit.ts";
import {
  KEY_FRESH_MS_MAX,
  KEY_REFRESH_AHEAD_MS,
  KEYS_CACHED_MAX,
  STALE_WHILE_D1_FAILS_MS,
  WEIGHT_LATE_MS_MAX,
} from "../domain/limits.ts";
import type { PlanStatus } from "../domain/plan.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { isDatabaseFailure } from "./database-failure.ts";
import { type Known, recallAny } from "./directory.ts";
import { namedQuery, rememberNamed } from "./named-in-path.ts";
import { HAS_PROVIDER_KEY } from "./stripe-connections.ts";
import { accounts, apiKeys, creditPrices, creditWeights, FEATURE, features, plans } from "./tables.ts";

/**
 * What an isolate remembers of an account: the key that was shown, the account, its settings, features, weights and prices, and
 * which plans are sold. Read from D1 in one round trip, trusted for 5 s (so a revoked key or a changed setting works everywhere
 * within 5 s), read again ahead after half of that by a request that does not wait for it, and served 15 minutes longer while D1
 * fails (marked `stale`). A cache never carries meaning: management commands read D1 itself.
 */
export type AccountSnapshot = {
  account: Account;
  featuresByKey: ReadonlyMap<string, Feature>;
  featuresById: ReadonlyMap<string, Feature>;
  /** By plan id: what a subscriber's pinned version cannot know. */
  planStatuses: ReadonlyMap<string, PlanStatus>;
  /**
   * Weights by feature and prices, newest last: those that an event of the last 48 h may burn credits by, and those that are scheduled.
   * A row takes effect 10 s or more after it was published and a snapshot is 5 s old at most, so whoever needs a row has it in time;
   * a scheduled one can only be deleted while it is as far ahead.
   */
  weightsByFeature: ReadonlyMap<string, readonly Weight[]>;
  creditPrices: readonly CreditPrice[];
  /** Known to be older than it should be: to be read again, and used as it is only while D1 does not answer. */
  stale: boolean;
};

/** `met`: the customer that was asked for along with the key, if `ref` names one. */
export type Authenticated = { key: ApiKey; snapshot: AccountSnapshot; met?: Met };

/** Whom `ref` of a path names; nobody, where `customer` is absent. */
export type Met = { ref: string; customer?: Known };

type KeyEntry = { key: ApiKey | null; readAtMs: number; refreshing: boolean };

/** Isolate memory. `clearSnapshots` empties it: for tests, and for nothing else. */
const keys = new BoundedMap<string, KeyEntry>(KEYS_CACHED_MAX);
const snapshots = new BoundedMap<string, AccountSnapshot>(KEYS_CACHED_MAX);

/** Which change of this isolate's, counted from its start, changed an account last: what was read before that is old. */
const changedBy = new BoundedMap<string, number>(KEYS_CACHED_MAX);
let changeCount = 0;

export function clearSnapshots(): void {
  keys.clear();
  snapshots.clear();
}

/**
 * What this isolate knows of an account is read again before it is used, so that the writer reads its own write; others follow
 * within 5 s. It stays at hand for the case that D1 goes away right now. So does what a read under way brings, which may be from before.
 */
export function forgetAccount(accountId: string): void {
  changeCount += 1;
  changedBy.set(accountId, changeCount);
  const known = snapshots.get(accountId);
  if (known !== undefined) snapshots.set(accountId, { ...known, stale: true });
}

/** Drops one key, so that the isolate that revoked it refuses it at once. */
export function forgetKey(digest: string): void {
  keys.delete(digest);
}

/**
 * The key with this digest and its account, or undefined when it is unknown, expired or revoked; "unavailable" when D1 fails
 * and nothing is known. `ref`: the customer that the path names, asked for in the same round trip where the isolate does not know it.
 */
export async function authenticate(
  database: D1Database,
  digest: string,
  nowMs: number,
  waitUntil: (work: Promise<unknown>) => void,
  ref?: string,
): Promise<Authenticated | undefined | "unavailable"> {
  const entry = keys.get(digest);
  if (entry !== undefined && isFresh(entry, nowMs)) {
    if (wantsReading(entry, nowMs)) {
      entry.refreshing = true;
      waitUntil(
        read(database, digest, nowMs).catch(() => {
          entry.refreshing = false;
        }),
      );
    }
    return live(entry.key, snapshotOfKey(entry), nowMs);
  }
  const isKnown = ref === undefined || (entry?.key && recallAny(entry.key.accountId, ref) !== undefined);
  let met: Met | undefined;
  try {
    met = await read(database, digest, nowMs, isKnown ? undefined : ref);
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
  const found = live(fresh?.key ?? null, fresh?.key ? snapshots.get(fresh.key.accountId) : undefined, nowMs);
  return found === undefined || met === undefined ? found : { ...found, met };
}

/** A key that works, from memory alone; undefined where it must be read first, or should be ahead: then `authenticate` knows more. */
export function recallKey(digest: string, nowMs: number): Authenticated | undefined {
  const entry = keys.get(digest);
  if (entry === undefined || !isFresh(entry, nowMs) || wantsReading(entry, nowMs)) return undefined;
  return live(entry.key, snapshotOfKey(entry), nowMs);
}

function snapshotOfKey({ key }: KeyEntry): AccountSnapshot | undefined {
  return key === null ? undefined : snapshots.get(key.accountId);
}

function isFresh(entry: KeyEntry, nowMs: number): boolean {
  const ageMs = nowMs - entry.readAtMs;
  // By a clock that was set back nobody knows how long ago it was.
  if (ageMs < 0 || ageMs >= KEY_FRESH_MS_MAX) return false;
  return entry.key === null || snapshotOfKey(entry)?.stale === false;
}

function wantsReading({ readAtMs, refreshing }: KeyEntry, nowMs: number): boolean {
  return !refreshing && nowMs - readAtMs > KEY_REFRESH_AHEAD_MS;
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
  hasProviderKey: HAS_PROVIDER_KEY,
  catalogVersion: accounts.catalogVersion,
  createdAtMs: accounts.createdAtMs,
  modifiedAtMs: accounts.modifiedAtMs,
};

const { keyId, accountId, hint, scopes, customerId, rateLimit, expiresAtMs, revokedAtMs } = apiKeys;
const KEY = { keyId, accountId, hint, scopes, customerId, rateLimit, expiresAtMs, revokedAtMs };

const { featureId, model, weightId, creditsPerUnitE12, effectiveFromMs } = creditWeights;
const WEIGHT = { featureId, model, weightId, creditsPerUnitE12, effectiveFromMs };

const { priceId, denomination, currency, pricePerCreditE12 } = creditPrices;
const PRICE = { priceId, denomination, currency, pricePerCreditE12, effectiveFromMs: creditPrices.effectiveFromMs };

/** The account of this id, or that a query finds, with what belongs to it: for one batch. */
function accountQueries(db: DrizzleD1Database, id: string | SQLWrapper, nowMs: number) {
  // Customers of a test account may live at any instant of a test clock.
  const isTest = sql`(SELECT ${accounts.mode} FROM ${accounts} WHERE ${accounts.accountId} = ${id}) = 'test'`;
  const oldest = sql`CASE WHEN ${isTest} THEN 0 ELSE ${nowMs - WEIGHT_LATE_MS_MAX} END`;
  // Put in order by `snapshotOf`: asked to, SQLite would rather walk the whole history, which an index has in order.
  const isOpen = (table: typeof creditWeights | typeof creditPrices) =>
    and(eq(table.accountId, id), gt(sql`IFNULL(${table.replacedAtMs}, 9007199254740991)`, oldest));
  return [
    db.select(ACCOUNT).from(accounts).where(eq(accounts.accountId, id)),
    db
      .select(FEATURE)
      .from(features)
      .where(and(eq(features.accountId, id), isNull(features.deletedAtMs))),
    db.select({ planId: plans.planId, status: plans.status }).from(plans).where(eq(plans.accountId, id)),
    db.select(WEIGHT).from(creditWeights).where(isOpen(creditWeights)),
    db.select(PRICE).from(creditPrices).where(isOpen(creditPrices)),
  ] as const;
}

/** One batch: the key, its account, what belongs to that, and whom `ref` names in it. */
async function read(database: D1Database, digest: string, nowMs: number, ref?: string): Promise<Met | undefined> {
  const db = drizzle(database);
  const changesBefore = changeCount;
  const shown = eq(apiKeys.digest, digest);
  const owner = db.select({ accountId: apiKeys.accountId }).from(apiKeys).where(shown);
  const keyed = [db.select(KEY).from(apiKeys).where(shown), ...accountQueries(db, owner, nowMs)] as const;
  const [[row], [account], features, statuses, weights, prices, named = []] =
    ref === undefined ? await db.batch(keyed) : await db.batch([...keyed, namedQuery(db, digest, ref)]);
  if (row === undefined || account === undefined) {
    keys.set(digest, { key: null, readAtMs: nowMs, refreshing: false });
    return undefined;
  }
  keys.set(digest, { key: withoutNulls(row), readAtMs: nowMs, refreshing: false });
  const customer = ref === undefined ? undefined : rememberNamed(row.accountId, ref, named);
  const known = snapshots.get(row.accountId);
  // A slow read must not bring back what another key's request has read since.
  if (known === undefined || known.account.catalogVersion <= account.catalogVersion)
    keepSnapshot(snapshotOf(account, features, statuses, weights, prices), changesBefore);
  if (ref === undefined) return undefined;
  return customer === undefined ? { ref } : { ref, customer };
}

/** Remembers what was read when this isolate had made so many changes. What has changed since is to be read again. */
function keepSnapshot(snapshot: AccountSnapshot, changesBefore: number): void {
  const { accountId } = snapshot.account;
  const stale = (changedBy.get(accountId) ?? 0) > changesBefore;
  snapshots.set(accountId, stale ? { ...snapshot, stale } : snapshot);
}

/** The account as D1 holds it now, for management commands and for work without a key (cron, webhooks). */
export async function readAccount(
  database: D1Database,
  accountId: string,
  nowMs: number,
): Promise<AccountSnapshot | undefined> {
  const db = drizzle(database);
  const changesBefore = changeCount;
  const [[account], ...belongings] = await db.batch(accountQueries(db, accountId, nowMs));
  if (account === undefined) return undefined;
  const snapshot = snapshotOf(account, ...belongings);
  keepSnapshot(snapshot, changesBefore);
  return snapshot;
}

function byEffect(a: { effectiveFromMs: number }, b: { effectiveFromMs: number }): number {
  return a.effectiveFromMs - b.effectiveFromMs;
}

type FeatureRow = Pick<typeof features.$inferSelect, keyof typeof FEATURE>;
type WeightRow = Weight & { featureId: string; model: string };

function snapshotOf(
  account: Account,
  featureRows: readonly FeatureRow[],
  statuses: readonly { planId: string; status: PlanStatus }[],
  weights: readonly WeightRow[],
  prices: readonly CreditPrice[],
): AccountSnapshot {
  const features: Feature[] = featureRows.map(withoutNulls);
  const weightsByFeature = new Map<string, Weight[]>();
  for (const { featureId, model, ...weight } of weights.toSorted(byEffect)) {
    const known = weightsByFeature.get(featureId) ?? [];
    known.push(model === "" ? weight : { ...weight, model });
    weightsByFeature.set(featureId, known);
  }
  return {
    account,
    featuresByKey: new Map(features.map((feature) => [feature.key, feature])),
    featuresById: new Map(features.map((feature) => [feature.featureId, feature])),
    planStatuses: new Map(statuses.map(({ planId, status }) => [planId, status])),
    weightsByFeature,
    creditPrices: prices.toSorted(byEffect),
    stale: false,
  };
}
