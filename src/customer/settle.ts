import { openDraft } from "../domain/book.ts";
import { nextDueAtMs, settleDues } from "../domain/due.ts";
import { DAY_MS, HOUR_MS, SETTLE_ROLLUPS_MAX } from "../domain/limits.ts";
import { oldestHourKept } from "../domain/rollup.ts";
import type { Advanced } from "./calls.ts";
import { commit } from "./commit.ts";
import { assertReadable, type Change, type Customer, compactionDue } from "./image.ts";
import { oldestHour, ROLLUP_HOLDS_SOMETHING, readRollups } from "./store.ts";

/**
 * Carries out whatever fell due up to `nowMs`, each thing once. Runs first in every command and check, so an answer is right even if
 * no alarm ever rang. Returns how many things it did; one comparison where nothing is due.
 *
 * What falls due of the book is `domain/due.ts`; besides, hours older than 35 days become days. Of those, what is not done in one
 * go is done in the next.
 */
export function settle(customer: Customer, nowMs: number): number {
  assertReadable(customer.image);
  return settleBook(customer, nowMs).steps + compact(customer, nowMs);
}

/**
 * Settles a customer of a test clock from due instant to due instant up to `toMs`, as if somebody had asked at each of them: so no
 * invoice of it is made late. Stops early where the payment provider is to be asked: its answer belongs to that instant. `isThere`:
 * nothing is left to be done until then.
 */
export function settleStepwise(customer: Customer, toMs: number): Advanced & { isThere: boolean } {
  const sum = { steps: 0, periods: 0, invoices: 0, grants: 0, expirations: 0 };
  const { image } = customer;
  assertReadable(image);
  while (image.dueAtMs !== undefined && image.dueAtMs <= toMs) {
    const callsAtMs = image.callsAtMs;
    const done = settleBook(customer, Math.max(image.dueAtMs, image.state.lastSettledAtMs));
    sum.steps += done.steps;
    sum.periods += done.periods;
    sum.invoices += done.invoices;
    sum.grants += done.grants;
    sum.expirations += done.expirations;
    if (image.callsAtMs !== callsAtMs) return { ...sum, isThere: false };
  }
  for (let hours = 1; hours > 0; ) hours = compact(customer, toMs);
  return { ...sum, isThere: true };
}

type Done = Advanced & { steps: number };

const NOTHING: Done = { steps: 0, periods: 0, invoices: 0, grants: 0, expirations: 0 };

function settleBook(customer: Customer, nowMs: number): Done {
  const { image } = customer;
  if (image.dueAtMs === undefined || nowMs < image.dueAtMs) return NOTHING;
  const draft = openDraft(image.book);
  const steps = settleDues(draft, nowMs);
  const { subscriptions, invoices, holds } = image.book;
  const done: Done = {
    steps,
    periods: [...draft.subscriptions.written.values()].filter(({ number, isOpen, period }) => {
      const before = subscriptions.get(number);
      return before?.isOpen === true && (!isOpen || period.startMs !== before.period.startMs);
    }).length,
    invoices: [...draft.invoices.written.values()].filter(({ number, status }) => {
      const before = invoices.get(number);
      return status !== "PENDING" && (before === undefined || before.status === "PENDING");
    }).length,
    grants: draft.creditEntries.filter(({ type }) => type === "GRANT").length,
    // Of credits, and of reservations that lapsed.
    expirations:
      draft.creditEntries.filter(({ type }) => type === "EXPIRATION").length +
      [...draft.holds.written.values()].filter(({ number }) => holds.has(number)).length,
  };
  if (steps > 0) commit(customer, [{ kind: "draft", draft }], nowMs);
  image.dueAtMs = nextDueAtMs(image.book);
  return done;
}

/** Hours that are old enough become days. */
function compact(customer: Customer, nowMs: number): number {
  const { image, sql } = customer;
  if (image.compactAtMs === undefined || nowMs < image.compactAtMs) return 0;
  const before = oldestHourKept(nowMs);
  const hours = readRollups(
    sql,
    `WHERE bucket_start_ms < ? AND span_ms = ? AND ${ROLLUP_HOLDS_SOMETHING} ORDER BY bucket_start_ms LIMIT ?`,
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
