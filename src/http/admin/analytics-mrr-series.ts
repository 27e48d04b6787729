import type { E12 } from "../../domain/amount.ts";
import { OTHER_PAIR, TIMESERIES_GROUPS_MAX } from "../../domain/limits.ts";
import { mrrByCustomer, mrrSeries } from "../../domain/plan-figures.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { spansSince } from "../../ledger/mrr.ts";
import { customerNames } from "../../ledger/names.ts";
import type { Call } from "../route.ts";
import type { Asked } from "./analytics-range.ts";

/** A line of MRR: what was brought a month just before each interval ended, and `totalE12`, the last of it. */
export type MrrLine = { key: string; label: string; totalE12: E12; pointsE12: E12[] };

/** MRR is a customer's, of no feature and no model: these are refused. */
export function mrrGroupProblem(groupBy: string): Refusal | undefined {
  if (groupBy === "none" || groupBy === "customer") return undefined;
  return {
    ok: false,
    code: "invalid",
    fields: [{ path: "groupBy", message: "must be none or customer for mrr, which is of no feature or model" }],
  };
}

/** The whole, or the customers with the largest MRR at the end and `(other)` for the rest, so that the lines sum to the whole. */
export async function mrrLines(
  call: Call,
  { accountId, exchange, nowMs }: Asked,
  ends: readonly number[],
  byCustomer: boolean,
): Promise<MrrLine[]> {
  const spans = await spansSince(call.env.DB, accountId, ends[0] ?? nowMs);
  const whole = mrrSeries(spans, exchange, ends);
  if (!byCustomer) return [lineOf("total", "Total", whole)];
  const last = mrrByCustomer(spans, exchange, ends.at(-1) ?? nowMs).own;
  const spansByCustomer = Map.groupBy(spans, ({ customerId }) => customerId);
  // Who brings nothing at the end comes after all who do, in the order of ids.
  const largest = [...spansByCustomer.keys()]
    .sort((a, b) => {
      const [one, other] = [last.get(a) ?? 0n, last.get(b) ?? 0n];
      return one !== other ? (one > other ? -1 : 1) : a < b ? -1 : 1;
    })
    .slice(0, TIMESERIES_GROUPS_MAX);
  const names = await customerNames(call.env.DB, accountId, largest);
  const lines = largest.map((id) =>
    lineOf(id, names.get(id)?.name ?? id, mrrSeries(spansByCustomer.get(id) ?? [], exchange, ends)),
  );
  if (spansByCustomer.size === largest.length) return lines;
  const rest = whole.map((wholeE12, index) =>
    lines.reduce((leftE12, { pointsE12 }) => leftE12 - (pointsE12[index] ?? 0n), wholeE12),
  );
  return [...lines, lineOf(OTHER_PAIR, OTHER_PAIR, rest)];
}

function lineOf(key: string, label: string, pointsE12: E12[]): MrrLine {
  return { key, label, totalE12: pointsE12.at(-1) ?? 0n, pointsE12 };
}
