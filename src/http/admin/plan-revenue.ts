import * as z from "zod";
import { planOf } from "../../catalog/plans.ts";
import { type Billed, billedFields, PlanRevenueQuery, PlanRevenueWire } from "../../contract/plan-figures.ts";
import { idText, instantText, paged, sumFields } from "../../contract/scalars.ts";
import type { E12 } from "../../domain/amount.ts";
import { ANALYTICS_RANGE_DEFAULT_MS } from "../../domain/limits.ts";
import { type PlanLines, planLines } from "../../ledger/billed.ts";
import { mrrOfPlan } from "../../ledger/mrr.ts";
import { customerNames } from "../../ledger/names.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { noPlan } from "./plan-change.ts";

/** What a plan earned: the lines that name it, by subscription and feature. */

const LINE_SUMS = {
  BASE: "baseE12",
  USAGE: "usageE12",
  PRORATION: "adjustmentE12",
  CREDIT: "creditE12",
} as const satisfies Record<PlanLines["kind"], keyof Billed>;

type Sums = Billed & { unitsE12: E12 };

function noSums(): Sums {
  return { baseE12: 0n, usageE12: 0n, adjustmentE12: 0n, creditE12: 0n, unitsE12: 0n };
}

function addLines(into: Sums, { kind, amountE12, unitsE12 }: PlanLines): void {
  // Credit lines are below 0; what was given back is told as a positive amount.
  into[LINE_SUMS[kind]] += kind === "CREDIT" ? -amountE12 : amountE12;
  into.unitsE12 += unitsE12;
}

function netE12({ baseE12, usageE12, adjustmentE12, creditE12 }: Sums): E12 {
  return baseE12 + usageE12 + adjustmentE12 - creditE12;
}

type Feature = { featureId: string; featureKey: string; unitsE12: E12; revenueE12: E12 };
type Subscriber = { subscriptionId: string; customerId: string; sums: Sums; features: Map<string, Feature> };

function bySubscription(lines: readonly PlanLines[]): Subscriber[] {
  const subscribers = new Map<string, Subscriber>();
  for (const line of lines) {
    const { subscriptionId, customerId } = line;
    let of = subscribers.get(subscriptionId);
    if (of === undefined) {
      of = { subscriptionId, customerId, sums: noSums(), features: new Map() };
      subscribers.set(subscriptionId, of);
    }
    addLines(of.sums, line);
    // Credit for corrected usage names its feature too, with units below 0: it takes from both.
    if (line.feature === undefined) continue;
    const feature = of.features.get(line.feature.featureId) ?? { ...line.feature, unitsE12: 0n, revenueE12: 0n };
    feature.revenueE12 += line.amountE12;
    feature.unitsE12 += line.unitsE12;
    of.features.set(feature.featureId, feature);
  }
  return [...subscribers.values()];
}

function unitsAndRevenue(unitsE12: E12, revenueE12: E12) {
  return { ...sumFields("totalUnits", unitsE12), ...sumFields("totalRevenue", revenueE12) };
}

async function revenue(call: Call<{ id: string }, z.output<typeof PlanRevenueQuery>>): Promise<Answer> {
  const { accountId } = call.account.account;
  const { periodStart, periodEnd, subscriptionId, limit, offset } = call.query;
  const nowMs = Date.now();
  const endMs = periodEnd ?? nowMs;
  const startMs = periodStart ?? endMs - ANALYTICS_RANGE_DEFAULT_MS;
  if (startMs >= endMs)
    return { ok: false, code: "invalid", fields: [{ path: "periodStart", message: "must be before periodEnd" }] };
  const found = await planOf(call.env.DB, accountId, call.params.id);
  if (found === undefined) return noPlan(call.params.id);
  const { plan } = found;
  const [lines, monthly] = await Promise.all([
    planLines(call.env.DB, accountId, plan.planId, { startMs, endMs }, subscriptionId),
    mrrOfPlan(call.env.DB, accountId, plan.planId),
  ]);
  // A plan that was ACTIVE keeps its currency, and drafts have no invoices: all lines are in it.
  const whole = noSums();
  for (const line of lines) addLines(whole, line);
  const subscribers = bySubscription(lines);
  const shown = subscribers.slice(offset, offset + limit);
  const names = await customerNames(call.env.DB, accountId, [...new Set(shown.map(({ customerId }) => customerId))]);
  const own = monthly.find(({ currency }) => currency === plan.currency);
  return answer(200, {
    planId: plan.planId,
    planKey: plan.key,
    planName: plan.name,
    currency: plan.currency,
    periodStart: instantText(startMs),
    periodEnd: instantText(endMs),
    asOf: instantText(nowMs),
    ...sumFields("aggregateTotalUnits", whole.unitsE12),
    ...sumFields("aggregateTotalRevenue", netE12(whole)),
    ...billedFields(whole),
    ...sumFields("mrr", own?.mrrE12 ?? 0n),
    subscriptionCount: own?.subscriptions ?? 0,
    subscriptions: paged(
      shown.map(({ sums, features, ...of }) => ({
        subscriptionId: of.subscriptionId,
        customerId: of.customerId,
        customerName: names.get(of.customerId)?.name ?? of.customerId,
        features: [...features.values()].map(({ featureId, featureKey, unitsE12, revenueE12 }) => ({
          featureId,
          featureKey,
          ...unitsAndRevenue(unitsE12, revenueE12),
        })),
        ...unitsAndRevenue(sums.unitsE12, netE12(sums)),
      })),
      subscribers.length,
      { limit, offset },
    ),
  });
}

export const planRevenueRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/monetization/plans/{id}/revenue",
    scope: "admin",
    tag: "Plans",
    summary: "What a plan earned, by subscription and feature",
    description:
      "Of invoices that became due in exactly `[periodStart, periodEnd)` (default: the last 30 days) and are not void or cancelled, the lines that charge for this plan, in its currency; so a subscription that changed its plan is part of both. `aggregateTotalRevenue` = base + usage + proration − what was given back; a feature's `totalRevenue` = its usage lines, less credit for corrections of them, and so are its units. What the credit balance paid for counts like money. `mrr` is what its subscribers bring a month now. Subscriptions stand in the order of their ids.",
    params: z.object({ id: idText }),
    query: PlanRevenueQuery,
    answers: { 200: PlanRevenueWire },
    refuses: ["thing_not_found"],
    handle: revenue,
  }),
];
