import { fromJsonText } from "../domain/json-text.ts";
import { REQUEST_KEPT_MS } from "../domain/limits.ts";
import type { Reply } from "../domain/refusal.ts";
import type { Customer } from "./image.ts";

/**
 * First answers under an Idempotency-Key, kept in the object and in the transaction of the effect they describe. A repeat
 * hands the border exactly what the first call did.
 */

/** The caller's Idempotency-Key as digests: of account, method, path and key; and of query and body. */
export type RequestKey = { digest: string; bodyDigest: string };

/**
 * The first reply under this key; a refusal when the key was used for another request; undefined when it is new. A reply older than
 * 24 hours counts as absent even before an alarm deletes it: whether one rang must make no difference to a caller. The hours are
 * real ones, also for a customer of a test clock.
 */
export function firstReply<T>(customer: Customer, key: RequestKey): (Reply<T> & { replayed?: true }) | undefined {
  const row = customer.behind.stored
    .exec<{ body_digest: string; reply: string }>(
      "SELECT body_digest, reply FROM requests WHERE digest = ? AND created_at_ms > ?",
      key.digest,
      customer.wallMs() - REQUEST_KEPT_MS,
    )
    .toArray()[0];
  if (row === undefined) return undefined;
  if (row.body_digest !== key.bodyDigest) return { ok: false, code: "request_conflict" };
  // The text was written by replyText from a Reply<T> of the same method and path.
  return { ...fromJsonText<Reply<T>>(row.reply), replayed: true };
}
