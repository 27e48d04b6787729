import { openDraft } from "../../domain/book.ts";
import { FEED_EVENTS_PER_FLUSH_MAX } from "../../domain/limits.ts";
import { isPaying } from "../../domain/mrr.ts";
import { rollupKeyText } from "../../domain/rollup.ts";
import { readMrrSpans, readSubscriptions } from "../book-store.ts";
import { commit } from "../commit.ts";
import { readPools } from "../credit-store.ts";
import { assertReadable, type Change, type Customer } from "../image.ts";
import { invoiceNumbers } from "../invoice-store.ts";
import { readRollups } from "../store.ts";

/**
 * Puts everything that D1 copies of this customer into the outbox again, under a new rev, so that whatever D1 holds is
 * overwritten. Repeating it is harmless. Throws while rows cannot be read: what D1 has is newer. Returns the number of rows to send.
 */
export function reproject(customer: Customer, nowMs: number): number {
  const { image, sql } = customer;
  assertReadable(image);
  if (image.state.profile === undefined) return 0;
  const rollups = readRollups(sql, "");
  // Subscriptions that are older than the history of what they bring get one by being written again.
  const draft = openDraft(image.book);
  const known = new Set([...image.book.mrrSpans.values()].map(({ subscription }) => subscription));
  for (const subscription of image.book.subscriptions.values())
    if (isPaying(subscription.status) && !known.has(subscription.number)) draft.subscriptions.put(subscription);
  const found = draft.mrrSpans.written.size;
  const changes: Change[] = [
    ...(found > 0 ? [{ kind: "draft", draft } as const] : []),
    { kind: "unsent", outboxKind: "customer", key: "" },
    { kind: "unsent", outboxKind: "health", key: "" },
    // Of whom was erased the feed has nothing.
    ...(image.state.profile.erased === undefined ? feedAgain(image.lastSeq) : []),
    ...readSubscriptions(sql).map(
      ({ number }): Change => ({ kind: "unsent", outboxKind: "subscription", key: String(number) }),
    ),
    ...invoiceNumbers(sql).map((number): Change => ({ kind: "unsent", outboxKind: "invoice", key: String(number) })),
    ...readPools(sql).map(({ number }): Change => ({ kind: "unsent", outboxKind: "pool", key: String(number) })),
    ...readMrrSpans(sql, "").map(({ number }): Change => ({ kind: "unsent", outboxKind: "mrr", key: String(number) })),
    ...rollups.map((rollup): Change => ({ kind: "unsent", outboxKind: "rollup", key: rollupKeyText(rollup) })),
  ];
  customer.transact(() => {
    sql.exec("UPDATE rollups SET rev = ?", image.state.rev + 1);
    // Last, since it also changes memory, which no rollback would undo.
    commit(customer, changes, nowMs);
  });
  image.rollups.clear();
  // Where the feed goes on is no row; the draft is one for each span that it found.
  return changes.filter(({ kind }) => kind === "unsent").length + found;
}

function feedAgain(lastSeq: number): Change[] {
  return [
    { kind: "fed", seq: Math.max(0, lastSeq - FEED_EVENTS_PER_FLUSH_MAX) },
    { kind: "unsent", outboxKind: "feed", key: "" },
  ];
}
