import { DAY_MS, HOUR_MS, SETTLE_ROLLUPS_MAX } from "../domain/limits.ts";
import { oldestHourKept } from "../domain/rollup.ts";
import { type Change, type Customer, commit, compactionDue } from "./image.ts";
import { oldestHour, readRollups } from "./store.ts";

/**
 * Carries out whatever fell due up to `nowMs`, each thing once. Runs first in every command, so an answer is right even if no
 * alarm ever rang. Returns how many things it did.
 *
 * Today one thing falls due: hours older than 35 days become days. What is not done in one go is done in the next.
 */
export function settle(customer: Customer, nowMs: number): number {
  const { image, sql } = customer;
  if (image.compactAtMs === undefined || nowMs < image.compactAtMs) return 0;
  const before = oldestHourKept(nowMs);
  const hours = readRollups(
    sql,
    "WHERE bucket_start_ms < ? AND span_ms = ? AND events > 0 ORDER BY bucket_start_ms LIMIT ?",
    before,
    HOUR_MS,
    SETTLE_ROLLUPS_MAX,
  );
  const changes: Change[] = [];
  for (const { rev: _, ...hour } of hours) {
    const dayStartMs = Math.floor(hour.bucketStartMs / DAY_MS) * DAY_MS;
    changes.push({ kind: "rollup", key: { ...hour, bucketStartMs: dayStartMs, spanMs: DAY_MS }, sums: hour });
    changes.push({ kind: "rollup", key: hour, sums: negated(hour) });
  }
  commit(customer, changes, nowMs);
  image.compactAtMs = compactionDue(oldestHour(sql));
  return hours.length;
}

type Sums = Extract<Change, { kind: "rollup" }>["sums"];

function negated(sums: Sums): Sums {
  return {
    events: -sums.events,
    costUnknownEvents: -sums.costUnknownEvents,
    inputTokens: -sums.inputTokens,
    outputTokens: -sums.outputTokens,
    usageE12: -sums.usageE12,
    costE12: -sums.costE12,
    revenueE12: -sums.revenueE12,
  };
}
