import { REQUEST_KEPT_MS } from "../domain/limits.ts";

/**
 * First answers under an Idempotency-Key, for routes whose effect is in D1. The row commits in the batch that makes the effect:
 * it is there exactly when the effect is. Kept 24 h; an older row counts as absent even before the cron deletes it.
 */

/** An answer as it was sent. `body`: the envelope's JSON, or its ciphertext where it shows a secret (`sealed`). */
export type StoredAnswer = { bodyDigest: string; status: number; body: string; sealed: boolean };

/** Whose answer: an account's id, or `root` for routes of the root token. */
export type RequestId = { accountId: string; digest: string };

type StoredRow = { body_digest: string; status: number; body: string; sealed: number };

/** Asks for the first answer under a key; `storedAnswer` reads the result. */
export function answerQuery(database: D1Database, id: RequestId, nowMs: number): D1PreparedStatement {
  return database
    .prepare(
      `SELECT body_digest, status, body, sealed FROM requests
       WHERE account_id = ? AND request_digest = ? AND created_at_ms > ?`,
    )
    .bind(id.accountId, id.digest, nowMs - REQUEST_KEPT_MS);
}

export function storedAnswer(result: D1Result | undefined): StoredAnswer | undefined {
  const row = result?.results[0] as StoredRow | undefined;
  return row === undefined
    ? undefined
    : { bodyDigest: row.body_digest, status: row.status, body: row.body, sealed: row.sealed === 1 };
}

/**
 * Statements that keep an answer. On a row that another request wrote meanwhile: `abort` fails the batch, so that the effect
 * beside it does not happen twice (`isRequestClash` knows that failure); `keep` leaves the first answer in place.
 */
export function rememberStatements(
  database: D1Database,
  id: RequestId,
  answer: StoredAnswer,
  clash: "abort" | "keep",
  nowMs: number,
): D1PreparedStatement[] {
  return [
    database
      .prepare("DELETE FROM requests WHERE account_id = ? AND request_digest = ? AND created_at_ms <= ?")
      .bind(id.accountId, id.digest, nowMs - REQUEST_KEPT_MS),
    database
      .prepare(
        `INSERT INTO requests (account_id, request_digest, body_digest, status, body, sealed, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?) ${clash === "keep" ? "ON CONFLICT DO NOTHING" : ""}`,
      )
      .bind(id.accountId, id.digest, answer.bodyDigest, answer.status, answer.body, answer.sealed ? 1 : 0, nowMs),
  ];
}

/** Did a batch fail because the Idempotency-Key was used meanwhile? */
export function isRequestClash(failure: unknown): boolean {
  return failure instanceof Error && failure.message.includes("UNIQUE constraint failed: requests.");
}

/** Deletes answers older than 24 h, for the cron. Returns how many. */
export async function forgetOldRequests(database: D1Database, nowMs: number): Promise<number> {
  const { meta } = await database
    .prepare("DELETE FROM requests WHERE created_at_ms <= ?")
    .bind(nowMs - REQUEST_KEPT_MS)
    .run();
  return meta.changes;
}
