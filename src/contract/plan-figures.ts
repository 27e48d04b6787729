import * as z from "zod";
import type { E12 } from "../domain/amount.ts";
import {
  CHURN_POINTS,
  CHURN_POINTS_MIN,
  CHURN_RISKS,
  churnRisk,
  churnScore,
  eventTrendPercent,
  type Recurring,
  type Signals,
  shareOf,
} from "../domain/plan-figures.ts";
import { exactTwin as exact, idText, instant, instantText, page, pagination, sumFields } from "./scalars.ts";

/** What follows from plans, on the wire: recurring figures, churn signals, the bridge of MRR, a plan's revenue; and their formulas. */

const points = CHURN_POINTS;
const least = CHURN_POINTS_MIN;

/** Words for the document, on every route with figures of plans. */
export const PLAN_WORDS = `**Recurring figures.** \`mrr\`: for each subscription that is ACTIVE or SUSPENDED, the price of the plan version it has ÷ the months of its interval (12 decimals), whatever was billed or paid; a scheduled change counts when it takes effect. A month is 30 days in what follows; *length* is the part of the range that is over. \`projectedUsageRevenue\` = revenue of events in the range × 30 days ÷ length; \`projectedCost\` = their cost likewise; \`effectiveMrr\` = mrr + projectedUsageRevenue. \`marginStatus\` compares these: (effectiveMrr − projectedCost) ÷ effectiveMrr is healthy from 70 %, at_risk from 40 %, else underwater; no_revenue without effectiveMrr. MRR in another currency without a rate stands in \`otherCurrencies\`.

**Churn signals**, of customers with MRR: \`score\` = ${points.cancel} for a cancellation at the end of a period, ${points.suspended} for a suspended subscription, ${points.downgrade} for a scheduled downgrade, ${points.eventsHalved} if events fell by half or more against the period before, ${points.eventsFell} if by a fifth or more; at most 100. \`risk\`: critical from ${least.critical}, high from ${least.high}, medium from ${least.medium}, else low.`;

export const recurringFigures = {
  mrr: z.number().meta({ description: "Σ price ÷ intervalMonths of ACTIVE and SUSPENDED subscriptions" }),
  mrrExact: exact,
  projectedUsageRevenue: z.number().meta({ description: "revenue × 30 days ÷ length of the range" }),
  projectedUsageRevenueExact: exact,
  projectedCost: z.number().meta({ description: "cost × 30 days ÷ length of the range" }),
  projectedCostExact: exact,
  effectiveMrr: z.number().meta({ description: "mrr + projectedUsageRevenue" }),
  effectiveMrrExact: exact,
};

const RecurringWire = z.object(recurringFigures);

export function recurringFields(of: Recurring): z.input<typeof RecurringWire> {
  const fields = {
    ...sumFields("mrr", of.mrrE12),
    ...sumFields("projectedUsageRevenue", of.projectedUsageRevenueE12),
    ...sumFields("projectedCost", of.projectedCostE12),
    ...sumFields("effectiveMrr", of.effectiveMrrE12),
  };
  // `sumFields` names its fields by its argument, which types cannot follow.
  return fields as unknown as z.input<typeof RecurringWire>;
}

export const ChurnWire = z
  .object({
    score: z.int().meta({ description: "0 … 100: the sum of the signals' points" }),
    risk: z.enum(CHURN_RISKS),
    pendingCancelCount: z.int(),
    pendingCancelMrr: z.number(),
    pendingCancelMrrExact: exact,
    cancelEffectiveAt: z.iso.datetime().optional().meta({ description: "The soonest one." }),
    pendingDowngradeCount: z.int(),
    suspendedCount: z.int(),
    eventTrendPercent: z
      .number()
      .nullable()
      .meta({ description: "Change of the number of events against the period before; null where there were none" }),
  })
  .meta({ id: "ChurnSignals" });

/** `events` of the range and of the one before it. */
export function churnFields(signals: Signals, events: number, eventsBefore: number): z.input<typeof ChurnWire> {
  const trend = eventTrendPercent(events, eventsBefore);
  const score = churnScore(signals, trend);
  const { cancelAtMs } = signals;
  const fields = {
    score,
    risk: churnRisk(score),
    pendingCancelCount: signals.pendingCancels,
    ...sumFields("pendingCancelMrr", signals.pendingCancelMrrE12),
    ...(cancelAtMs === undefined ? {} : { cancelEffectiveAt: instantText(cancelAtMs) }),
    pendingDowngradeCount: signals.pendingDowngrades,
    suspendedCount: signals.suspended,
    eventTrendPercent: trend,
  };
  return fields as unknown as z.input<typeof ChurnWire>;
}

const money = (description: string) => z.number().meta({ description });
const ratio = (description: string) => z.number().nullable().meta({ description });

/** The recurring side of a portfolio's summary. */
export const recurringSummary = {
  totalMrr: money("Σ mrr"),
  totalMrrExact: exact,
  payingCustomers: z.int().meta({ description: "Customers with MRR in the account's currency" }),
  totalProjectedUsageRevenue: money("totalRevenue × 30 days ÷ length"),
  totalProjectedUsageRevenueExact: exact,
  totalProjectedCost: money("totalCosts × 30 days ÷ length"),
  totalProjectedCostExact: exact,
  totalEffectiveMrr: money("totalMrr + totalProjectedUsageRevenue"),
  totalEffectiveMrrExact: exact,
  totalRgp: money("Recurring gross profit: totalEffectiveMrr − totalProjectedCost"),
  totalRgpExact: exact,
  rgpMargin: ratio("totalRgp ÷ totalEffectiveMrr × 100, four decimals; null without effective MRR"),
  mrrByStatus: z.object({
    healthy: z.number(),
    atRisk: z.number(),
    underwater: z.number(),
    noRevenue: z.number().meta({ description: "More usage revenue was given back than MRR makes up for" }),
  }),
  nrr: ratio(
    "Net revenue retention: MRR at the range's end of the customers that had MRR at its start ÷ their MRR then × 100; null where none had",
  ),
  churnRate: ratio(
    "Customers with MRR at the range's start that have none at its end, in percent, × 30 days ÷ length; null where none had",
  ),
  ltv: z.number().nullable().meta({
    description:
      "Lifetime value: recurring gross profit of the customers with MRR ÷ their number ÷ churnRate; null where nobody pays or nobody left",
  }),
  ltvExact: exact,
  pendingCancelCount: z.int().meta({ description: "Subscriptions that end with their period" }),
  pendingCancelMrr: z.number(),
  pendingCancelMrrExact: exact,
  pendingDowngradeCount: z.int(),
  suspendedCount: z.int(),
  suspendedMrr: money("MRR of suspended subscriptions; it is in totalMrr"),
  suspendedMrrExact: exact,
  avgChurnScore: ratio("Mean score of the customers with MRR, four decimals; null without any"),
  criticalChurnCount: z.int().meta({ description: `Customers with MRR and a score of ${least.critical} or more` }),
  highRiskMrr: money(`MRR of customers with a score of ${least.high} or more`),
  highRiskMrrExact: exact,
  revenueBurnDown: z.object({ next30Days: z.number(), next60Days: z.number(), next90Days: z.number() }).meta({
    description:
      "MRR that leaves by then through scheduled cancellations and cheaper plans; cumulative, from each customer's now",
  }),
  creditImpact: z
    .object({
      totalCredits: money("What invoices due in the range gave back: unused time and corrections"),
      totalCreditsExact: exact,
      creditInvoiceCount: z.int().meta({ description: "CREDIT invoices among them" }),
      netEffectiveMrr: money("totalEffectiveMrr − totalCredits × 30 days ÷ length"),
      netEffectiveMrrExact: exact,
      creditToMrrRatio: ratio("totalCredits × 30 days ÷ length ÷ totalMrr × 100; null without MRR"),
    })
    .meta({ id: "CreditImpact" }),
};

/** The bridge of MRR of one month. */
export const MrrBridgeWire = z
  .object({
    start: money("MRR just before the month"),
    startExact: exact,
    new: money("MRR of customers that had none before"),
    newExact: exact,
    expansion: money("What customers with MRR before and after bring more"),
    expansionExact: exact,
    contraction: money("What customers with MRR before and after bring less"),
    contractionExact: exact,
    churned: money("MRR before of customers that have none after"),
    churnedExact: exact,
    end: money("start + new + expansion − contraction − churned, exactly"),
    endExact: exact,
    customerCount: z.int().meta({ description: "Customers with MRR after" }),
    newCustomers: z.int(),
    churnedCustomers: z.int(),
    nrr: ratio("(start + expansion − contraction − churned) ÷ start × 100"),
  })
  .meta({ id: "MrrBridge" });

/** What invoices billed in a month. */
export const billedFigures = {
  baseRevenue: money("BASE lines of invoices that became due in the month and are not void or cancelled"),
  baseRevenueExact: exact,
  usageRevenue: money("Their USAGE lines"),
  usageRevenueExact: exact,
  adjustmentRevenue: money("Their PRORATION lines: changes of plan within a period"),
  adjustmentRevenueExact: exact,
  billedRevenue: money("baseRevenue + usageRevenue + adjustmentRevenue"),
  billedRevenueExact: exact,
  creditAmount: money("What was given back: unused time and corrections. What credit paid for is not among it"),
  creditAmountExact: exact,
  netRevenue: money("billedRevenue − creditAmount"),
  netRevenueExact: exact,
  creditToRevenueRatio: ratio("creditAmount ÷ billedRevenue × 100, four decimals; null without revenue"),
};

/** Exact sums of lines by kind; credit is what was given back. */
export type Billed = { baseE12: E12; usageE12: E12; adjustmentE12: E12; creditE12: E12 };

export function billedFields({ baseE12, usageE12, adjustmentE12, creditE12 }: Billed) {
  const billedE12 = baseE12 + usageE12 + adjustmentE12;
  return {
    ...sumFields("baseRevenue", baseE12),
    ...sumFields("usageRevenue", usageE12),
    ...sumFields("adjustmentRevenue", adjustmentE12),
    ...sumFields("billedRevenue", billedE12),
    ...sumFields("creditAmount", creditE12),
    ...sumFields("netRevenue", billedE12 - creditE12),
    creditToRevenueRatio: shareOf(creditE12, billedE12),
  };
}

export const BridgeWire = z
  .object({
    asOf: z.iso.datetime(),
    currency: z.string(),
    periods: z.array(
      z.object({
        periodStart: z.iso.datetime(),
        periodEnd: z.iso.datetime(),
        partial: z
          .boolean()
          .meta({ description: "The month is not over: who has not come back yet counts as churned." }),
        previousRevenue: z.number(),
        new: money("Revenue of customers that had none in the month before."),
        expansion: money("What customers with revenue in both months brought more."),
        contraction: money("What customers with revenue in both months brought less."),
        churned: money("Last month's revenue of customers that have none in this one."),
        totalRevenue: money("previousRevenue + new + expansion − contraction − churned, exactly."),
        customerCount: z.int(),
        newCustomers: z.int(),
        churnedCustomers: z.int(),
        mrr: MrrBridgeWire,
        ...billedFigures,
      }),
    ),
  })
  .meta({ id: "RevenueBridge" });

export const PlanRevenueQuery = z.object({
  periodStart: instant.optional(),
  periodEnd: instant.optional(),
  subscriptionId: idText.optional(),
  ...page,
});

const unitsAndRevenue = {
  totalUnits: money("Units on usage lines, less corrected ones"),
  totalUnitsExact: exact,
  totalRevenue: z.number(),
  totalRevenueExact: exact,
};

export const PlanRevenueWire = z
  .object({
    planId: z.uuid(),
    planKey: z.string(),
    planName: z.string(),
    currency: z.string(),
    periodStart: z.iso.datetime(),
    periodEnd: z.iso.datetime(),
    asOf: z.iso.datetime(),
    aggregateTotalUnits: z.number(),
    aggregateTotalUnitsExact: exact,
    aggregateTotalRevenue: money("netRevenue of all subscriptions"),
    aggregateTotalRevenueExact: exact,
    ...billedFigures,
    mrr: money("What the plan's subscribers bring a month now, in every version of it"),
    mrrExact: exact,
    subscriptionCount: z.int().meta({ description: "Subscriptions that bring that" }),
    subscriptions: z.object({
      items: z.array(
        z.object({
          subscriptionId: z.uuid(),
          customerId: z.uuid(),
          customerName: z.string(),
          features: z.array(z.object({ featureId: z.string(), featureKey: z.string(), ...unitsAndRevenue })),
          ...unitsAndRevenue,
        }),
      ),
      pagination,
    }),
  })
  .meta({ id: "PlanRevenue" });
