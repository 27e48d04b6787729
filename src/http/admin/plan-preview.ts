import * as z from "zod";
import { featuresOf } from "../../catalog/feature-catalog.ts";
import { versionsOf } from "../../catalog/plan-versions.ts";
import { planOf } from "../../catalog/plans.ts";
import { PlanPreviewWire, PreviewPlan, previewFields } from "../../contract/plan-preview.ts";
import { idText, instantText, sumFields } from "../../contract/scalars.ts";
import { type Exchange, exchanged } from "../../domain/exchange.ts";
import { type Figures, percentOf } from "../../domain/figures.ts";
import { PREVIEW_CUSTOMERS_DEFAULT } from "../../domain/limits.ts";
import { minorToE12 } from "../../domain/money.ts";
import type { Period } from "../../domain/period.ts";
import { type PlanWithRules, pricingOf, versionOf } from "../../domain/plan.ts";
import { type FeatureUse, lastPeriod, previewPlan, type UsedUnits } from "../../domain/plan-preview.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { PlanPin } from "../../domain/subscription.ts";
import { groupedRollups } from "../../ledger/customer-sums.ts";
import { wholeOf } from "../../ledger/member-sums.ts";
import { customerNames } from "../../ledger/names.ts";
import { type PlanUsageRow, planUsage } from "../../ledger/plan-usage.ts";
import { creditTermsFor } from "../credit-terms.ts";
import { customerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { exchangeOf } from "./analytics-range.ts";
import { noPlan } from "./plan-change.ts";
import { replacedRules } from "./sent-rules.ts";

/** What a plan, as it is or as it might be, would have charged real customers for the last whole period. Nothing is stored. */

type PreviewCall = Call<{ id: string }, unknown, z.output<typeof PreviewPlan>>;

/** Before all events: from when usage is summed that a rule never resets. */
const EVER_MS = -8.64e15;

/** The plan with what the caller would have it say, or a version that was sold, as a subscriber would pin it. */
async function imagined(call: PreviewCall, found: PlanWithRules, nowMs: number): Promise<Reply<PlanPin>> {
  const { priceAmount, features, version } = call.body;
  const { createdAtMs: planCreatedAtMs, modifiedAtMs: planModifiedAtMs } = found.plan;
  if (version !== undefined) {
    const { accountId } = call.account.account;
    const [sold] = await versionsOf(call.env.DB, accountId, found.plan.planId, [version]);
    return sold === undefined
      ? { ok: false, code: "thing_not_found", what: "version", given: String(version) }
      : { ok: true, value: { ...sold, planCreatedAtMs, planModifiedAtMs } };
  }
  const sent =
    features === undefined
      ? { ok: true as const, value: found.rules }
      : await replacedRules(call, features, found.rules, nowMs);
  if (!sent.ok) return sent;
  const rules = sent.value;
  const ids = rules.map(({ featureId }) => featureId);
  const known = await featuresOf(call.env.DB, call.account.account.accountId, ids);
  const keys = new Map(known.map(({ featureId, key }) => [featureId, key]));
  const missing = ids.find((id) => !keys.has(id));
  if (missing !== undefined) return { ok: false, code: "feature_not_found", given: missing };
  const plan = { ...found.plan, price: priceAmount ?? found.plan.price };
  return { ok: true, value: { ...versionOf({ ...found, plan, rules }, keys), planCreatedAtMs, planModifiedAtMs } };
}

/** Whom the caller names, in that order, or who had most events of these features. */
async function chosen(call: PreviewCall, featureIds: readonly string[], period: Period): Promise<Reply<string[]>> {
  const { customers } = call.body;
  if (customers !== undefined) {
    const ids: string[] = [];
    for (const ref of customers) {
      const known = await customerOf(call, ref);
      if (!known.ok) return known;
      ids.push(known.value.customerId);
    }
    return { ok: true, value: [...new Set(ids)] };
  }
  if (featureIds.length === 0) return { ok: true, value: [] };
  const { accountId } = call.account.account;
  const rows = await groupedRollups(call.env.DB, accountId, period, "CUSTOMER", { featureIds });
  const events = new Map<string, number>();
  for (const { member, figures } of rows) events.set(member, (events.get(member) ?? 0) + figures.events);
  const most = [...events].sort(([a, eventsA], [b, eventsB]) => eventsB - eventsA || (a < b ? -1 : 1));
  return { ok: true, value: most.slice(0, PREVIEW_CUSTOMERS_DEFAULT).map(([customerId]) => customerId) };
}

/** Usage by feature and model, whatever currency its costs are in. */
function usesOf(rows: readonly PlanUsageRow[]): Map<string, FeatureUse> {
  const uses = new Map<string, { used: Map<string, bigint>; beforeE12: bigint }>();
  for (const { featureId, model, isBefore, figures } of rows) {
    const use = uses.get(featureId) ?? { used: new Map(), beforeE12: 0n };
    uses.set(featureId, use);
    if (isBefore) use.beforeE12 += figures.usageE12;
    else use.used.set(model, (use.used.get(model) ?? 0n) + figures.usageE12);
  }
  return new Map(
    [...uses]
      .filter(([, { used }]) => used.size > 0)
      .map(([featureId, { used, beforeE12 }]) => [
        featureId,
        {
          used: [...used].map(([model, unitsE12]): UsedUnits => (model === "" ? { unitsE12 } : { model, unitsE12 })),
          beforeE12: beforeE12 < 0n ? 0n : beforeE12,
        },
      ]),
  );
}

/** The margin of what would have been charged; null without a charge, or without a rate for its currency. */
function marginOf(amountE12: bigint, currency: string, { costE12 }: Figures, exchange: Exchange): number | null {
  const ownE12 = exchanged(exchange, currency, amountE12);
  return ownE12 === undefined || ownE12 <= 0n ? null : percentOf(ownE12 - costE12, ownE12);
}

async function preview(call: PreviewCall): Promise<Answer> {
  const { accountId, currency: costCurrency } = call.account.account;
  const nowMs = Date.now();
  const found = await planOf(call.env.DB, accountId, call.params.id);
  if (found === undefined) return noPlan(call.params.id);
  const reply = await imagined(call, found, nowMs);
  if (!reply.ok) return reply;
  const pin = reply.value;
  const period = lastPeriod(pin.intervalMonths, nowMs);
  const featureIds = pin.rules.map(({ featureId }) => featureId);
  const who = await chosen(call, featureIds, period);
  if (!who.ok) return who;
  const customerIds = who.value;
  const accumulates = pin.rules.some(({ value }) => pricingOf(value).resetMode === "accumulate");
  const sinceMs = accumulates ? EVER_MS : period.startMs;
  const [rows, names] = await Promise.all([
    planUsage(call.env.DB, accountId, { customerIds, featureIds, sinceMs, ...period }),
    customerNames(call.env.DB, accountId, customerIds),
  ]);
  const exchange = exchangeOf(call);
  const byCustomer = Map.groupBy(rows, ({ customerId }) => customerId);
  const customers = customerIds.map((customerId) => {
    const itsRows = byCustomer.get(customerId) ?? [];
    const inPeriod = itsRows.filter(({ isBefore }) => !isBefore);
    const { figures } = wholeOf(
      inPeriod.map((row) => ({ rangeIndex: 0, provider: "", member: row.featureId, ...row })),
      exchange,
    );
    const models = inPeriod.map(({ featureId, model }) => (model === "" ? { featureId } : { featureId, model }));
    const previewed = previewPlan(pin, usesOf(itsRows), {
      period,
      atMs: nowMs,
      ...creditTermsFor(call.account, models),
    });
    const name = names.get(customerId);
    return {
      customerId,
      ...(name?.referenceId === undefined ? {} : { customerReferenceId: name.referenceId }),
      customerName: name?.name ?? customerId,
      events: inPeriod.reduce((sum, { figures: { events } }) => sum + events, 0),
      ...previewFields(previewed, pin.currency),
      ...sumFields("cost", figures.costE12),
      costUnknownEvents: figures.costUnknownEvents,
      marginPercent: marginOf(minorToE12(previewed.amountMinor, pin.currency), pin.currency, figures, exchange),
    };
  });
  return answer(200, {
    planId: pin.planId,
    version: pin.version,
    currency: pin.currency,
    costCurrency,
    periodStart: instantText(period.startMs),
    periodEnd: instantText(period.endMs),
    asOf: instantText(nowMs),
    customers,
  });
}

export const planPreviewRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/monetization/plans/{id}/preview",
    scope: "admin",
    tag: "Plans",
    summary: "What would real customers have paid on this plan?",
    description: [
      "Prices the last whole period of the plan's length, up to the start of this UTC month (of a monthly plan: last month), by the same arithmetic as invoices, from what customers really used then. Of drafts, too, and of a price and rules that are sent along: so a change can be looked at before it is made. With `version`, of what subscribers of that version still have: so a move can be. Nothing is stored, and nobody is charged.",
      "",
      "The base counts whole, whatever the customer is subscribed to. Units beyond a rule's limit are refused, and so are those that credits with a hard limit do not cover. Credits are those that the plan gives for one period, by the weights that are in force now; they cover features in the plan's order. Events of a currency without a rate add nothing to `cost`.",
    ].join("\n"),
    params: z.object({ id: idText }),
    body: PreviewPlan,
    examples: { body: { customers: ["northwind"], priceAmount: 59 } },
    answers: { 200: PlanPreviewWire },
    refuses: ["thing_not_found", "feature_not_found", "customer_not_found"],
    handle: preview,
  }),
];
