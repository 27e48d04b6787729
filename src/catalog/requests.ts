import { and, eq, gt, lte, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { FORGOTTEN_REQUESTS_MAX, REQUEST_KEPT_MS } from "../domain/limits.ts";
import { prepared } from "./database.ts";
import { accounts, requests } from "./tables.ts";

/**
 * First answers under an Idempotency-Key, for routes whose effect is in D1. The row commits in the batch that makes the effect:
 * it is there exactly when the effect is. Kept 24 h; an older row counts as absent even before the cron deletes it.
 */

/**
 * An answer as it was sent. `body`: the envelope's JSON, or its ciphertext where it shows a secret (`sealed`). `customerId`: whom it
 * tells of, if that is one customer.
 */
export type StoredAnswer = { bodyDigest: string; status: number; body: string; sealed: boolean; customerId?: string };

/** Whose answer: an account's id, or `root` for routes of the root token. */
export type RequestId = { accountId: string; digest: string };

function ofRequest(id: RequestId) {
  return and(eq(requests.accountId, id.accountId), eq(requests.requestDigest, id.digest));
}

function answerQuery(db: DrizzleD1Database, id: RequestId, nowMs: number) {
  const { bodyDigest, status, body, sealed } = requests;
  return db
    .select({ bodyDigest, status, body, sealed })
    .from(requests)
    .where(and(ofRequest(id), gt(requests.createdAtMs, nowMs - REQUEST_KEPT_MS)));
}

/** One round trip: what was answered before under this key, if there is one, and the version of the account (0: there is none). */
export async function readBefore(
  database: D1Database,
  accountId: string,
  id: RequestId | undefined,
  nowMs: number,
): Promise<{ answer: StoredAnswer | undefined; version: number }> {
  const db = drizzle(database);
  const versions = db
    .select({ version: accounts.catalogVersion })
    .from(accounts)
    .where(eq(accounts.accountId, accountId));
  const [[row], [answer] = []] = await db.batch(id === undefined ? [versions] : [versions, answerQuery(db, id, nowMs)]);
  return { answer, version: row?.version ?? 0 };
}

/** Rows of an answer, and the removal of one that is too old to count. */
function remembering(db: DrizzleD1Database, id: RequestId, answer: StoredAnswer, nowMs: number) {
  const row = { accountId: id.accountId, requestDigest: id.digest, ...answer, createdAtMs: nowMs };
  return {
    forget: db.delete(requests).where(and(ofRequest(id), lte(requests.createdAtMs, nowMs - REQUEST_KEPT_MS))),
    insert: db.insert(requests).values(row),
  };
}

/**
 * Statements that keep an answer beside its effect. A row that another request wrote meanwhile fails the batch, so that the effect
 * does not happen twice (`isRequestClash` knows that failure).
 */
export function rememberStatements(
  database: D1Database,
  id: RequestId,
  answer: StoredAnswer,
  nowMs: number,
): D1PreparedStatement[] {
  const { forget, insert } = remembering(drizzle(database), id, answer, nowMs);
  return [prepared(database, forget), prepared(database, insert)];
}

/** Keeps an answer without effect, unless another request was faster. Returns the first answer, its own or the other's. */
export async function rememberFirst(
  database: D1Database,
  id: RequestId,
  answer: StoredAnswer,
  nowMs: number,
): Promise<StoredAnswer | undefined> {
  const db = drizzle(database);
  const { forget, insert } = remembering(db, id, answer, nowMs);
  const [, , [first]] = await db.batch([forget, insert.onConflictDoNothing(), answerQuery(db, id, nowMs)]);
  return first;
}

/** Did a batch fail because the Idempotency-Key was used meanwhile? */
export function isRequestClash(failure: unknown): boolean {
  return failure instanceof Error && failure.message.includes("UNIQUE constraint failed: requests.");
}

/** Deletes the oldest answers of more than 24 h, for the cron: what one run leaves, the next one finds. Returns how many went. */
export async function forgetOldRequests(
  database: D1Database,
  nowMs: number,
  limit = FORGOTTEN_REQUESTS_MAX,
): Promise<number> {
  const db = drizzle(database);
  const { accountId, requestDigest, createdAtMs } = requests;
  const old = db
    .select({ accountId, requestDigest })
    .from(requests)
    .where(lte(createdAtMs, nowMs - REQUEST_KEPT_MS))
    .orderBy(createdAtMs)
    .limit(limit);
  const [{ meta }] = await db.batch([db.delete(requests).where(sql`(${accountId}, ${requestDigest}) IN ${old}`)]);
  return meta.changes;
}
