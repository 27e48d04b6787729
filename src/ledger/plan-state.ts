import type { TimeRange } from "../domain/time-range.ts";
import { type BilledSums, billedOf, billedStatement } from "./billed.ts";
import { type CustomerSpan, type Pending, pendingOf, pendingStatement, spanStatements, spansOf } from "./mrr.ts";

/** What copies say of subscriptions and invoices: every figure of plans is made of it. */
export type PlanState = {
  spans: CustomerSpan[];
  pending: Pending[];
  /** What was billed in each range. */
  billed: BilledSums[];
};

type Asked = { sinceMs: number; customerId?: string; billedIn?: readonly TimeRange[] };

/**
 * The statements that read it: spans that had not ended before `sinceMs`, of an account or of one customer, whose bills are not
 * asked for. They go into one batch, so that all is of one moment.
 */
export function planStateStatements(
  database: D1Database,
  accountId: string,
  { sinceMs, customerId, billedIn = [] }: Asked,
): D1PreparedStatement[] {
  return [
    pendingStatement(database, accountId, customerId),
    billedStatement(database, accountId, billedIn),
    ...spanStatements(database, accountId, sinceMs, customerId),
  ];
}

/** What they answered. */
export function planStateOf([pending, billed, ...spans]: readonly D1Result<unknown>[], nowMs: number): PlanState {
  return { spans: spansOf(spans), pending: pendingOf(pending, nowMs), billed: billedOf(billed) };
}
