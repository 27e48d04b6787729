import { costOf } from "../../domain/cost.ts";
import type { StoredEvent } from "../../domain/event.ts";
import { RECOST_EVENTS_PASSED_MAX, RECOST_EVENTS_PER_CALL_MAX } from "../../domain/limits.ts";
import type { Reply } from "../../domain/refusal.ts";
import { NO_SUMS } from "../../domain/rollup.ts";
import type { RecostCall, RecostResult } from "../calls.ts";
import { commit } from "../commit.ts";
import type { Change, Customer } from "../image.ts";
import { countedIn } from "../recording.ts";
import { EVENT_COLUMNS, readEvents } from "../store.ts";

/**
 * Finds the cost of events whose cost is unknown and that name this model; others are never touched. Receipts stay as they
 * were, sums follow. One page a call: `afterSeq` of the result is where the next begins.
 */
export function recost(customer: Customer, call: RecostCall, nowMs: number): Reply<RecostResult> {
  // Few of many events may be meant: what bounds the call is how many it passes, not only how many it finds.
  const untilSeq = call.afterSeq + RECOST_EVENTS_PASSED_MAX;
  const page = readEvents(
    customer.sql,
    customer.image.owner.tag,
    `SELECT ${EVENT_COLUMNS} FROM events
     WHERE seq > ? AND seq <= ? AND cost_e12 IS NULL AND model = ? AND occurred_at_ms >= ? AND occurred_at_ms < ?
     ORDER BY seq LIMIT ?`,
    call.afterSeq,
    untilSeq,
    call.model,
    call.fromMs,
    call.toMs,
    RECOST_EVENTS_PER_CALL_MAX,
  );
  const changes: Change[] = [];
  let costE12 = 0n;
  let priced = 0;
  for (const event of page) {
    const cost = costOf({ costInput: costInputOf(event), occurredAtMs: event.occurredAtMs }, call.terms);
    // A cost in another currency than the event's would be added to the wrong sum.
    if (cost === null || call.terms.currency !== event.currency) continue;
    priced += 1;
    costE12 += cost.amountE12;
    changes.push({ kind: "recosted", seq: event.seq, costE12: cost.amountE12, source: cost.source, atMs: nowMs });
    changes.push({
      kind: "rollup",
      key: countedIn(customer, event),
      sums: { ...NO_SUMS, costUnknownEvents: -1, costE12: cost.amountE12 },
    });
  }
  const firstPriced = changes.find((change) => change.kind === "recosted");
  if (firstPriced !== undefined) {
    // The feed shows these events again, now with their cost.
    changes.push({ kind: "fed", seq: Math.min(customer.image.state.fedSeq, firstPriced.seq - 1) });
    changes.push({ kind: "unsent", outboxKind: "feed", key: "" });
  }
  if (!call.dryRun) commit(customer, changes, nowMs);
  const last = page.length === RECOST_EVENTS_PER_CALL_MAX ? (page.at(-1)?.seq ?? untilSeq) : untilSeq;
  const isMore = last < customer.image.lastSeq;
  return { ok: true, value: { examined: page.length, priced, costE12, ...(isMore ? { afterSeq: last } : {}) } };
}

function costInputOf(event: StoredEvent) {
  return {
    model: event.model,
    modelProvider: event.provider,
    ...(event.inputTokens === undefined ? {} : { inputTokens: event.inputTokens }),
    ...(event.outputTokens === undefined ? {} : { outputTokens: event.outputTokens }),
    ...(event.cacheReadTokens === undefined ? {} : { cacheReadTokens: event.cacheReadTokens }),
    ...(event.cacheWriteTokens === undefined ? {} : { cacheWriteTokens: event.cacheWriteTokens }),
    ...(event.costUnitsE12 === undefined ? {} : { costUnitsE12: event.costUnitsE12 }),
  };
}
