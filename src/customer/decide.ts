import { type Draft, openDraft } from "../domain/book.ts";
import { followInvoices } from "../domain/collect.ts";
import { jsonText } from "../domain/json-text.ts";
import type { Refusal, RefusalCode, Reply } from "../domain/refusal.ts";
import { commit } from "./commit.ts";
import type { Change, Customer } from "./image.ts";
import type { RequestKey } from "./requests.ts";

/** Refusals that say nothing of the request: a repeat must be judged anew. */
const NOT_REMEMBERED: readonly RefusalCode[] = ["object_full", "quarantined", "catalog_unavailable"];

/** The change that keeps a reply under its Idempotency-Key; none without a key. */
export function remembering(
  call: { requestKey?: RequestKey },
  reply: Reply<unknown>,
): Extract<Change, { kind: "answered" }>[] {
  if (call.requestKey === undefined || (!reply.ok && NOT_REMEMBERED.includes(reply.code))) return [];
  return [{ kind: "answered", ...call.requestKey, reply: jsonText(reply) }];
}

/**
 * Decides on a draft of the customer's book and commits it as a whole, with the answer under its Idempotency-Key and with `more`
 * changes, if any. A refusal drops the draft: nothing was written, so there is nothing to undo; it is remembered all the same.
 */
export function decideOnBook<T>(
  customer: Customer,
  call: { requestKey?: RequestKey },
  nowMs: number,
  decide: (draft: Draft) => Reply<T>,
  more: readonly Change[] = [],
): Reply<T> {
  const draft = openDraft(customer.image.book);
  const reply = decide(draft);
  if (reply.ok) followInvoices(draft, nowMs);
  const answered = remembering(call, reply);
  commit(customer, reply.ok ? [...more, { kind: "draft", draft }, ...answered] : answered, nowMs);
  return reply;
}

/** Refuses an id that names nothing of this customer. */
export function notFound(what: string, given: string): Refusal {
  return { ok: false, code: "thing_not_found", what, given };
}
