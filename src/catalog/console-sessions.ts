import { and, count, desc, eq, gt, isNull, lt, or } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { BoundedMap } from "../domain/bounded-map.ts";
import {
  CONSOLE_SESSIONS_KEPT_MS,
  KEY_FRESH_MS_MAX,
  KEYS_CACHED_MAX,
  STALE_WHILE_D1_FAILS_MS,
} from "../domain/limits.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { prepared } from "./database.ts";
import { isDatabaseFailure } from "./database-failure.ts";
import type { Page } from "./page.ts";
import { apiKeys, consoleSessions } from "./tables.ts";

/**
 * Who is signed in to the console. Only the digest of a session's secret is kept. A session stands for the key that it was made
 * with: whoever uses one must still ask whether that key is good.
 */

/** A session as it is made; `linkDigest` where a sign-in link made it. */
export type NewSession = {
  sessionId: string;
  digest: string;
  keyId: string;
  keyDigest: string;
  linkDigest?: string;
  ip: string;
  userAgent: string;
  createdAtMs: number;
  expiresAtMs: number;
};

/** A session as lists show it. */
export type ConsoleSession = Omit<NewSession, "digest" | "keyDigest" | "linkDigest"> & { hint: string };

type Known = { sessionId: string; keyDigest: string; expiresAtMs: number };
type Entry = { session: Known | null; readAtMs: number };

/** Isolate memory, trusted as long as a key is. */
const sessions = new BoundedMap<string, Entry>(KEYS_CACHED_MAX);

/** Drops one session, so that the isolate that ended it refuses it at once. */
export function forgetSession(digest: string): void {
  sessions.delete(digest);
}

/** The session with this digest, or undefined when it is unknown, ended or revoked; "unavailable" when D1 fails and nothing is known. */
export async function findSession(
  database: D1Database,
  digest: string,
  nowMs: number,
): Promise<Known | undefined | "unavailable"> {
  const entry = sessions.get(digest);
  if (entry !== undefined && nowMs - entry.readAtMs < KEY_FRESH_MS_MAX) return live(entry.session, nowMs);
  const db = drizzle(database);
  const { sessionId, keyDigest, expiresAtMs } = consoleSessions;
  try {
    const [[row]] = await db.batch([
      db
        .select({ sessionId, keyDigest, expiresAtMs })
        .from(consoleSessions)
        .where(and(eq(consoleSessions.digest, digest), isNull(consoleSessions.revokedAtMs))),
    ]);
    sessions.set(digest, { session: row ?? null, readAtMs: nowMs });
    return live(row ?? null, nowMs);
  } catch (failure) {
    if (!isDatabaseFailure(failure)) throw failure;
    const known = entry?.session && nowMs - entry.readAtMs < STALE_WHILE_D1_FAILS_MS ? entry.session : undefined;
    return known === undefined ? "unavailable" : live(known, nowMs);
  }
}

function live(session: Known | null, nowMs: number): Known | undefined {
  return session !== null && session.expiresAtMs > nowMs ? session : undefined;
}

/** Stores a session, and drops those of the account that ended long ago. A link that was used already breaks a unique key. */
export function signInStatements(
  database: D1Database,
  accountId: string,
  session: NewSession,
  nowMs: number,
): D1PreparedStatement[] {
  const db = drizzle(database);
  const old = lt(consoleSessions.expiresAtMs, nowMs - CONSOLE_SESSIONS_KEPT_MS);
  return [
    prepared(database, db.delete(consoleSessions).where(and(eq(consoleSessions.accountId, accountId), old))),
    prepared(database, db.insert(consoleSessions).values({ ...session, accountId })),
  ];
}

/** Ends a session now. One that ended already keeps its end. */
export function endSessionStatement(
  database: D1Database,
  accountId: string,
  sessionId: string,
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  const mine = and(eq(consoleSessions.accountId, accountId), eq(consoleSessions.sessionId, sessionId));
  return prepared(
    database,
    db
      .update(consoleSessions)
      .set({ revokedAtMs: nowMs })
      .where(and(mine, isNull(consoleSessions.revokedAtMs))),
  );
}

const SHOWN = {
  sessionId: consoleSessions.sessionId,
  keyId: consoleSessions.keyId,
  hint: apiKeys.hint,
  ip: consoleSessions.ip,
  userAgent: consoleSessions.userAgent,
  createdAtMs: consoleSessions.createdAtMs,
  expiresAtMs: consoleSessions.expiresAtMs,
};

/** Live sessions of an account whose keys still work. */
function liveOf(accountId: string, nowMs: number) {
  return and(
    eq(consoleSessions.accountId, accountId),
    isNull(consoleSessions.revokedAtMs),
    gt(consoleSessions.expiresAtMs, nowMs),
    or(isNull(apiKeys.revokedAtMs), gt(apiKeys.revokedAtMs, nowMs)),
  );
}

const KEY_OF = and(eq(apiKeys.digest, consoleSessions.keyDigest), eq(apiKeys.accountId, consoleSessions.accountId));

/** A page of the account's live sessions, newest first. */
export async function sessionPage(
  database: D1Database,
  accountId: string,
  nowMs: number,
  page: Page,
): Promise<{ items: ConsoleSession[]; total: number }> {
  const db = drizzle(database);
  const wanted = liveOf(accountId, nowMs);
  const [[counted], items] = await db.batch([
    db.select({ total: count() }).from(consoleSessions).innerJoin(apiKeys, KEY_OF).where(wanted),
    db
      .select(SHOWN)
      .from(consoleSessions)
      .innerJoin(apiKeys, KEY_OF)
      .where(wanted)
      .orderBy(desc(consoleSessions.createdAtMs), consoleSessions.sessionId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items, total: counted?.total ?? 0 };
}

/** A session of the account by its id, ended or not, with its digest. */
export async function sessionOf(
  database: D1Database,
  accountId: string,
  sessionId: string,
): Promise<(ConsoleSession & { digest: string; revokedAtMs?: number }) | undefined> {
  const db = drizzle(database);
  const { digest, revokedAtMs } = consoleSessions;
  const [[row]] = await db.batch([
    db
      .select({ ...SHOWN, digest, revokedAtMs })
      .from(consoleSessions)
      .innerJoin(apiKeys, KEY_OF)
      .where(and(eq(consoleSessions.accountId, accountId), eq(consoleSessions.sessionId, sessionId))),
  ]);
  return row === undefined ? undefined : withoutNulls(row);
}
