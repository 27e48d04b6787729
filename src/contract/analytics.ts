import * as z from "zod";
import { type E12, E12_ONE } from "../domain/amount.ts";
import {
  changePercent,
  FIGURE_ORDERS,
  type Figures,
  METRICS,
  type Metric,
  marginE12,
  marginPercent,
  metricE12,
  noFigures,
} from "../domain/figures.ts";
import { BRIDGE_MONTHS_DEFAULT, BRIDGE_MONTHS_MAX } from "../domain/limits.ts";
import { INTERVALS, type TimeRange } from "../domain/time-range.ts";
import { ChurnWire, recurringFigures, recurringSummary } from "./plan-figures.ts";
import { idText, instantRange, instantText, name, page, pagination, sumFields } from "./scalars.ts";

/** Analytics on the wire: what may be asked, the figures that every answer is made of, and their formulas. */

export const RangeQuery = z.object(instantRange);

const order = z.enum(["asc", "desc"]).default("asc");

/** Orders by what follows from plans. */
export const PLAN_ORDERS = ["mrr", "effectiveMrr", "churnScore"] as const;

export const CustomersQuery = z.object({
  ...instantRange,
  ...page,
  search: name
    .optional()
    .meta({ description: "Part of reference, name, email, Stripe id or id; letter case ignored." }),
  sort: z
    .enum([...FIGURE_ORDERS, ...PLAN_ORDERS, "customerName", "customerReferenceId", "email"])
    .default("margin")
    .meta({ description: "Customers without the value come last in either order." }),
  order,
});

const figureSort = { sort: z.enum(FIGURE_ORDERS).default("cost"), order: z.enum(["asc", "desc"]).default("desc") };

export const FiguresListQuery = z.object({ ...instantRange, ...page, ...figureSort });

export const BridgeQuery = z.object({
  periods: z
    .string()
    .regex(/^\d{1,4}$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value >= 1 && value <= BRIDGE_MONTHS_MAX, { message: `must be 1 to ${BRIDGE_MONTHS_MAX}` })
    .optional()
    .transform((value) => value ?? BRIDGE_MONTHS_DEFAULT),
});

/** What a time series can tell: figures of events, and what was brought a month. */
const SERIES_METRICS = [...METRICS, "mrr"] as const;

export const TimeSeriesQuery = z.object({
  ...instantRange,
  metric: z.enum(SERIES_METRICS).default("cost"),
  groupBy: z.enum(["none", "customer", "feature", "model"]).default("none"),
  interval: z.enum(INTERVALS).default("day"),
});

const eventFilter = {
  ...instantRange,
  customerReferenceId: name.optional(),
  customerId: idText.optional(),
  featureId: idText.transform((id) => id.toLowerCase()).optional(),
  featureKey: name.optional(),
  model: idText.optional(),
  modelProvider: idText.optional(),
  eventName: idText.optional(),
};

export const EventsQuery = z.object({ ...eventFilter, ...page });

export const GROUPINGS = ["MODEL", "MODEL_PROVIDER", "CUSTOMER", "FEATURE", "EVENT_NAME"] as const;
export const GroupedEventsQuery = z.object({ ...eventFilter, groupBy: z.enum(GROUPINGS) });

const exact = z.string().optional().meta({ description: "The exact sum, where it has more than 15 digits." });

/** The fields of `figuresFields`, for schemas that have more beside them. */
export const figures = {
  events: z.int(),
  usageUnits: z.number(),
  usageUnitsExact: exact,
  inputTokens: z.number(),
  inputTokensExact: exact,
  outputTokens: z.number(),
  outputTokensExact: exact,
  cost: z.number(),
  costExact: exact,
  revenue: z.number(),
  revenueExact: exact,
  margin: z.number().meta({ description: "revenue − cost" }),
  marginExact: exact,
  marginPercent: z
    .number()
    .nullable()
    .meta({ description: "margin ÷ revenue × 100, four decimals; null without revenue" }),
  costUnknownEvents: z
    .int()
    .meta({ description: "Events whose cost is unknown: they are in `events` and add nothing to `cost`." }),
};

export const FiguresWire = z.object(figures).meta({ id: "Figures" });

const otherCurrency = z
  .object({ currency: z.string(), ...figures, mrr: z.number().optional(), mrrExact: exact })
  .meta({ id: "FiguresInCurrency" });
/** Sums in other currencies than the account's stand beside, never inside. */
export const otherCurrencies = z.array(otherCurrency);

/** What every answer says of itself. */
export const scope = {
  start: z.iso
    .datetime()
    .meta({ description: "The range that was answered for; it may be wider than the one asked for." }),
  end: z.iso.datetime(),
  asOf: z.iso.datetime(),
  currency: z.string(),
};

/** The sums of one set of events, its margin and its percentage, which is null and present when there is no revenue. */
export function figuresFields(of: Figures): z.input<typeof FiguresWire> {
  const fields = {
    events: of.events,
    ...sumFields("usageUnits", of.usageE12),
    ...sumFields("inputTokens", of.inputTokens * E12_ONE),
    ...sumFields("outputTokens", of.outputTokens * E12_ONE),
    ...sumFields("cost", of.costE12),
    ...sumFields("revenue", of.revenueE12),
    ...sumFields("margin", marginE12(of)),
    marginPercent: marginPercent(of),
    costUnknownEvents: of.costUnknownEvents,
  };
  // `sumFields` names its fields by its argument, which types cannot follow.
  return fields as unknown as z.input<typeof FiguresWire>;
}

export type OtherFigures = ReadonlyMap<string, Figures>;

/** `mrr`: what is brought a month in other currencies, where that is told too. */
export function otherCurrenciesOf(
  others: OtherFigures,
  mrr: ReadonlyMap<string, E12> = new Map(),
): z.input<typeof otherCurrencies> {
  return [...new Set([...others.keys(), ...mrr.keys()])].sort().map((currency) => ({
    currency,
    ...figuresFields(others.get(currency) ?? noFigures()),
    ...(mrr.size === 0 ? {} : sumFields("mrr", mrr.get(currency) ?? 0n)),
  }));
}

/** Present only where there is something in another currency: for the items of lists. */
export function otherCurrenciesIfAny(
  others: OtherFigures,
  mrr?: ReadonlyMap<string, E12>,
): { otherCurrencies?: z.input<typeof otherCurrencies> } {
  const told = otherCurrenciesOf(others, mrr);
  return told.length === 0 ? {} : { otherCurrencies: told };
}

export function rangeFields(range: TimeRange): { start: string; end: string } {
  return { start: instantText(range.startMs), end: instantText(range.endMs) };
}

const changeOf = z.object({
  absolute: z.number(),
  absoluteExact: exact,
  percent: z.number().nullable().meta({ description: "absolute ÷ |previous| × 100, four decimals; null from 0" }),
});

export const ChangeWire = z
  .object({ events: changeOf, usageUnits: changeOf, cost: changeOf, revenue: changeOf, margin: changeOf })
  .meta({ id: "FiguresChange" });

/** What changed from the previous period to this one. */
export function changeFields(now: Figures, before: Figures): z.input<typeof ChangeWire> {
  const of = (metric: Metric) => {
    const [current, previous] = [metricE12(now, metric), metricE12(before, metric)];
    return { ...sumFields("absolute", current - previous), percent: changePercent(current, previous) } as z.input<
      typeof changeOf
    >;
  };
  return {
    events: of("events"),
    usageUnits: of("usageUnits"),
    cost: of("cost"),
    revenue: of("revenue"),
    margin: of("margin"),
  };
}

export const CustomerFiguresWire = z
  .object({
    customerId: z.uuid(),
    customerReferenceId: z.string().optional(),
    customerName: z.string(),
    email: z.string().optional(),
    ...figures,
    marginStatus: z.enum(["healthy", "at_risk", "underwater", "no_revenue"]).meta({
      description:
        "Of effectiveMrr against projectedCost. healthy: margin ≥ 70 %; at_risk: ≥ 40 %; else underwater. no_revenue: nothing to compare with.",
    }),
    ...recurringFigures,
    churn: ChurnWire.optional().meta({ description: "Of customers with MRR." }),
    otherCurrencies: otherCurrencies.optional(),
  })
  .meta({ id: "CustomerFigures" });

export const FeatureFiguresWire = z
  .object({
    featureId: z
      .string()
      .optional()
      .meta({ description: "Absent for events that named no feature, and for `(other)`." }),
    featureKey: z.string(),
    featureName: z.string(),
    deleted: z.boolean().optional(),
    ...figures,
    otherCurrencies: otherCurrencies.optional(),
  })
  .meta({ id: "FeatureFigures" });

export const ModelFiguresWire = z
  .object({
    model: z
      .string()
      .meta({ description: "Empty for events that named no model; `(other)`: models beyond the daily limit." }),
    modelProvider: z.string(),
    ...figures,
    otherCurrencies: otherCurrencies.optional(),
  })
  .meta({ id: "ModelFigures" });

/** A model as Tanso's answer has it, beside the figures that are everywhere. */
export const ModelSummaryWire = ModelFiguresWire.extend({
  eventCount: z.int(),
  customerCount: z.int(),
  featureCount: z.int(),
  totalCost: z.number(),
  totalCostExact: exact,
  totalRevenue: z.number(),
  totalRevenueExact: exact,
  totalUsage: z.number(),
  totalUsageExact: exact,
  avgCostPerEvent: z.number().nullable().meta({ description: "cost ÷ events whose cost is known; null when none is" }),
  lastSeen: z.iso
    .datetime()
    .optional()
    .meta({ description: "Start of the newest hour (day, beyond 35 days) with its events." }),
}).meta({ id: "ModelSummary" });

export const PortfolioWire = z
  .object({
    ...scope,
    summary: z.object({
      totalCosts: z.number(),
      totalCostsExact: exact,
      totalRevenue: z.number(),
      totalRevenueExact: exact,
      avgMargin: z
        .number()
        .nullable()
        .meta({ description: "Margin of the whole in percent of its revenue; null without revenue." }),
      customersByStatus: z.object({ healthy: z.int(), atRisk: z.int(), underwater: z.int(), noRevenue: z.int() }),
      ...recurringSummary,
      topModelsByCost: z.array(ModelFiguresWire),
    }),
    totals: FiguresWire,
    previous: z.object({ start: z.iso.datetime(), end: z.iso.datetime(), ...figures }),
    change: ChangeWire,
    otherCurrencies,
    customerCount: z.int().meta({ description: "Customers with events in the period, or with MRR." }),
    customers: z.array(CustomerFiguresWire).meta({ description: "Smallest margin first." }),
  })
  .meta({ id: "Portfolio" });

export const CustomerDetailWire = z
  .object({
    ...scope,
    customer: CustomerFiguresWire,
    features: z.array(FeatureFiguresWire),
    models: z.array(ModelFiguresWire),
    days: z.array(z.object({ date: z.iso.date(), ...figures })),
  })
  .meta({ id: "CustomerAnalytics" });

export const FeaturesWire = z
  .object({
    ...scope,
    totals: FiguresWire,
    otherCurrencies,
    totalFeatures: z.int(),
    features: z.array(FeatureFiguresWire),
    pagination,
  })
  .meta({ id: "FeatureAnalytics" });

export const CustomersWire = z
  .object({ ...scope, items: z.array(CustomerFiguresWire), pagination })
  .meta({ id: "CustomersAnalytics" });

export const ModelsWire = z
  .object({
    ...scope,
    totalModels: z.int(),
    totalCost: z.number(),
    totalCostExact: exact,
    totalRevenue: z.number(),
    totalRevenueExact: exact,
    totalEvents: z.int(),
    totals: FiguresWire,
    otherCurrencies,
    providerBreakdown: z.array(
      z.object({
        provider: z.string(),
        cost: z.number(),
        costExact: exact,
        percentage: z
          .number()
          .nullable()
          .meta({ description: "cost ÷ totalCost × 100, four decimals; null without cost" }),
      }),
    ),
    models: z.array(ModelSummaryWire),
    pagination,
  })
  .meta({ id: "ModelAnalytics" });

const seriesPoint = z.object({ start: z.iso.datetime(), value: z.number(), valueExact: exact });

export const TimeSeriesWire = z
  .object({
    ...scope,
    metric: z.enum(SERIES_METRICS),
    groupBy: z.enum(["none", "customer", "feature", "model"]),
    interval: z.enum(INTERVALS),
    series: z.array(
      z.object({
        key: z
          .string()
          .meta({ description: "The customer's or feature's id, `provider/model`, `total` or `(other)`." }),
        label: z.string(),
        total: z.number().meta({ description: "Sum of the points; of mrr its last point." }),
        totalExact: exact,
        points: z.array(seriesPoint),
      }),
    ),
  })
  .meta({ id: "TimeSeries" });

export const EventGroupWire = z
  .object({
    groupKey: z.string(),
    groupLabel: z.string(),
    eventCount: z.int(),
    totalCost: z.number(),
    totalCostExact: exact,
    totalRevenue: z.number(),
    totalRevenueExact: exact,
    totalUsageUnits: z.number(),
    totalUsageUnitsExact: exact,
    margin: z.number(),
    marginExact: exact,
    marginPercent: z.number().nullable(),
    costUnknownEvents: z.int(),
    currency: z
      .string()
      .optional()
      .meta({ description: "Where it is not the account's: sums of currencies are never mixed." }),
    lastOccurredAt: z.iso.datetime(),
  })
  .meta({ id: "EventGroup" });
