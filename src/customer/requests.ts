import { REQUEST_KEPT_MS } from "../domain/limits.ts";
import type { Reply } from "../domain/refusal.ts";
import type { Customer } from "./image.ts";

/**
 * First answers under an Idempotency-Key, kept in the object and in the transaction of the effect they describe. A reply is
 * kept as JSON whose bigints are marked, so that a repeat hands the border exactly what the first call did.
 */

/** The caller's Idempotency-Key as digests: of account, method, path and key; and of query and body. */
export type RequestKey = { digest: string; bodyDigest: string };

const BIGINT = "$bigint";

export function replyText(reply: unknown): string {
  return JSON.stringify(reply, (_, value) => (typeof value === "bigint" ? { [BIGINT]: value.toString() } : value));
}

function replyFromText(text: string): unknown {
  return JSON.parse(text, (_, value) =>
    typeof value === "object" && value !== null && BIGINT in value ? BigInt(value[BIGINT]) : value,
  );
}

/**
 * The first reply under this key; a refusal when the key was used for another request; undefined when it is new. A reply older than
 * 24 hours counts as absent even before an alarm deletes it: whether one rang must make no difference to a caller.
 */
export function firstReply<T>(
  customer: Customer,
  key: RequestKey,
  nowMs: number,
): (Reply<T> & { replayed?: true }) | undefined {
  const row = customer.sql
    .exec<{ body_digest: string; reply: string }>(
      "SELECT body_digest, reply FROM requests WHERE digest = ? AND created_at_ms > ?",
      key.digest,
      nowMs - REQUEST_KEPT_MS,
    )
    .toArray()[0];
  if (row === undefined) return undefined;
  if (row.body_digest !== key.bodyDigest) return { ok: false, code: "request_conflict" };
  // The text was written by replyText from a Reply<T> of the same method and path.
  return { ...(replyFromText(row.reply) as Reply<T>), replayed: true };
}
