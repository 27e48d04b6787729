import { FEED_EVENTS_PER_FLUSH_MAX } from "../../domain/limits.ts";
import { rollupKeyText } from "../../domain/rollup.ts";
import { type Change, type Customer, commit } from "../image.ts";
import { readRollups } from "../store.ts";

/**
 * Puts everything that D1 copies of this customer into the outbox again, under a new rev, so that whatever D1 holds is
 * overwritten. Repeating it is harmless. Returns the number of rows to send.
 */
export function reproject(customer: Customer, nowMs: number): number {
  const { image, sql } = customer;
  if (image.state.profile === undefined) return 0;
  const rollups = readRollups(sql, "");
  const changes: Change[] = [
    { kind: "unsent", outboxKind: "customer", key: "" },
    { kind: "unsent", outboxKind: "health", key: "" },
    { kind: "fed", seq: Math.max(0, image.lastSeq - FEED_EVENTS_PER_FLUSH_MAX) },
    { kind: "unsent", outboxKind: "feed", key: "" },
    ...rollups.map((rollup): Change => ({ kind: "unsent", outboxKind: "rollup", key: rollupKeyText(rollup) })),
  ];
  customer.transact(() => {
    sql.exec("UPDATE rollups SET rev = ?", image.state.rev + 1);
    // Last, since it also changes memory, which no rollback would undo.
    commit(customer, changes, nowMs);
  });
  image.rollups.clear();
  return changes.length - 1;
}
