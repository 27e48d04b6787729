import { churnFields } from "../../contract/plan-figures.ts";
import { sumFields } from "../../contract/scalars.ts";
import { type E12, e12ToNumber } from "../../domain/amount.ts";
import { type Exchange, exchanged } from "../../domain/exchange.ts";
import { addFigures, type Figures, type MarginStatus, noFigures } from "../../domain/figures.ts";
import {
  CHURN_POINTS_MIN,
  churnPercent,
  churnScore,
  elapsedMs,
  eventTrendPercent,
  grossProfitE12,
  grossProfitPercent,
  leavingWithinE12,
  lifetimeValueE12,
  type MrrByCustomer,
  meanScore,
  mrrByCustomer,
  netRetentionPercent,
  noSignals,
  perMonthE12,
  type Recurring,
  recurring,
  recurringStatus,
  retention,
  type Signals,
  shareOf,
  signalsByCustomer,
  sumOf,
} from "../../domain/plan-figures.ts";
import { previousRange } from "../../domain/time-range.ts";
import type { BilledSums } from "../../ledger/billed.ts";
import { type MemberSums, noSums } from "../../ledger/member-sums.ts";
import { type PlanState, planStateOf, planStateStatements } from "../../ledger/plan-state.ts";
import { type SumRow, type SumsQuestion, sumsBeside, sumsOf } from "../../ledger/rollup-queries.ts";
import type { Call } from "../route.ts";
import type { Asked } from "./analytics-range.ts";

/** What plans say of an account's customers, beside the figures of their events. */
export type PlanFacts = {
  exchange: Exchange;
  /** The part of the range that is over. */
  lengthMs: number;
  /** What each customer brings a month now. */
  mrr: MrrByCustomer;
  /** The same just before the range began and just before it ended, in the account's currency. */
  before: ReadonlyMap<string, E12>;
  after: ReadonlyMap<string, E12>;
  signals: ReadonlyMap<string, Signals>;
  /** Events of the period before. */
  eventsBefore: ReadonlyMap<string, number>;
  /** What invoices billed in the range; of all customers only. */
  billed: readonly BilledSums[];
};

/** Sums of events and what plans say of all customers, in one trip to D1. */
export async function sumsAndFacts(
  call: Call,
  asked: Asked,
  questions: readonly SumsQuestion[],
): Promise<{ sums: SumRow[][]; facts: PlanFacts }> {
  const { accountId, range, nowMs } = asked;
  const statements = planStateStatements(call.env.DB, accountId, { sinceMs: range.startMs, billedIn: [range] });
  const { sums, beside } = await sumsBeside(call.env.DB, accountId, questions, nowMs, statements);
  return { sums, facts: await factsOf(call, asked, planStateOf(beside, nowMs)) };
}

/** What plans say of one customer. */
export async function planFacts(call: Call, asked: Asked, customerId: string): Promise<PlanFacts> {
  const { accountId, range, nowMs } = asked;
  const statements = planStateStatements(call.env.DB, accountId, { sinceMs: range.startMs, customerId });
  return factsOf(call, asked, planStateOf(await call.env.DB.batch(statements), nowMs), customerId);
}

/** The period before is asked for only where somebody pays: nobody else can churn. */
async function factsOf(
  call: Call,
  { accountId, exchange, range, nowMs }: Asked,
  { spans, pending, billed }: PlanState,
  customerId?: string,
): Promise<PlanFacts> {
  const mrr = mrrByCustomer(spans, exchange, undefined);
  const pays = mrr.own.size + mrr.others.size > 0;
  const members = customerId === undefined ? {} : { members: [{ provider: "", member: customerId }] };
  const question = { ranges: [previousRange(range, nowMs)], by: "customer", countsOnly: true, ...members } as const;
  const [rows = []] = pays ? await sumsOf(call.env.DB, accountId, [question], nowMs) : [];
  const eventsBefore = new Map<string, number>();
  for (const { member, figures } of rows) eventsBefore.set(member, (eventsBefore.get(member) ?? 0) + figures.events);
  return {
    exchange,
    lengthMs: elapsedMs(range, nowMs),
    mrr,
    before: mrrByCustomer(spans, exchange, range.startMs).own,
    after: range.endMs < nowMs ? mrrByCustomer(spans, exchange, range.endMs).own : mrr.own,
    signals: signalsByCustomer(pending, exchange),
    eventsBefore,
    billed,
  };
}

/** Who had events, and who pays without any. */
export function withPayers(members: MemberSums[], { mrr }: PlanFacts): MemberSums[] {
  const known = new Set(members.map(({ member }) => member));
  const others = [...new Set([...mrr.own.keys(), ...mrr.others.keys()])].filter((id) => !known.has(id));
  return [...members, ...others.map((id) => ({ key: id, provider: "", member: id, ...noSums() }))];
}

type Sums = Pick<MemberSums, "member" | "figures" | "others">;

export function statusOf({ mrr, lengthMs }: PlanFacts, { member, figures }: Sums): MarginStatus {
  return recurringStatus(mrr.own.get(member) ?? 0n, figures, lengthMs);
}

function pays({ mrr }: PlanFacts, customerId: string): boolean {
  return mrr.own.has(customerId) || mrr.others.has(customerId);
}

/** Events of all currencies: whether a customer comes back does not depend on what is paid in. */
function eventsOf({ figures, others }: Sums): number {
  return [...others.values()].reduce((sum, { events }) => sum + events, figures.events);
}

/** MRR of all customers in currencies without a rate. */
export function otherMrr({ mrr }: PlanFacts): Map<string, E12> {
  const sums = new Map<string, E12>();
  for (const others of mrr.others.values())
    for (const [currency, mrrE12] of others) sums.set(currency, (sums.get(currency) ?? 0n) + mrrE12);
  return sums;
}

/** The signs that a customer leaves; undefined of one that pays nothing. */
export function churnOf(facts: PlanFacts, sums: Sums) {
  if (!pays(facts, sums.member)) return undefined;
  const { signals, eventsBefore } = facts;
  return churnFields(signals.get(sums.member) ?? noSignals(), eventsOf(sums), eventsBefore.get(sums.member) ?? 0);
}

/** The same as a number alone, to sort by and to sum; -1 of one that pays nothing: it comes before all that do. */
function scoreOf(facts: PlanFacts, sums: Sums): number {
  if (!pays(facts, sums.member)) return -1;
  const trend = eventTrendPercent(eventsOf(sums), facts.eventsBefore.get(sums.member) ?? 0);
  return churnScore(facts.signals.get(sums.member) ?? noSignals(), trend);
}

/** Sorts by what follows from plans; equals stand in the order of their ids. */
export function sortByPlan(
  members: readonly MemberSums[],
  facts: PlanFacts,
  order: "mrr" | "effectiveMrr" | "churnScore",
  descending: boolean,
): MemberSums[] {
  const inOrder = (sums: MemberSums): E12 => {
    if (order === "churnScore") return BigInt(scoreOf(facts, sums));
    const { mrrE12, effectiveMrrE12 } = recurring(facts.mrr.own.get(sums.member) ?? 0n, sums.figures, facts.lengthMs);
    return order === "mrr" ? mrrE12 : effectiveMrrE12;
  };
  return members
    .map((sums) => ({ sums, value: inOrder(sums) }))
    .sort((a, b) => {
      const [first, second] = descending ? [b, a] : [a, b];
      if (first.value !== second.value) return first.value < second.value ? -1 : 1;
      return a.sums.key < b.sums.key ? -1 : 1;
    })
    .map(({ sums }) => sums);
}

/** The recurring side of a portfolio's summary, over all of an account's customers. */
export function summaryFields(facts: PlanFacts, customers: readonly MemberSums[], whole: Figures) {
  const { mrr, lengthMs } = facts;
  const all = recurring(sumOf(mrr.own.values()), whole, lengthMs);
  const paying = customers.filter(({ member }) => mrr.own.has(member));
  const used = paying.reduce((sum, { figures }) => addFigures(sum, figures), noFigures());
  const kept = retention(facts.before, facts.after);
  const ltvE12 = lifetimeValueE12(recurring(all.mrrE12, used, lengthMs), paying.length, kept, lengthMs);
  return {
    ...sumFields("totalMrr", all.mrrE12),
    payingCustomers: paying.length,
    ...sumFields("totalProjectedUsageRevenue", all.projectedUsageRevenueE12),
    ...sumFields("totalProjectedCost", all.projectedCostE12),
    ...sumFields("totalEffectiveMrr", all.effectiveMrrE12),
    ...sumFields("totalRgp", grossProfitE12(all)),
    rgpMargin: grossProfitPercent(all),
    mrrByStatus: mrrByStatus(facts, paying),
    nrr: netRetentionPercent(kept),
    churnRate: churnPercent(kept, lengthMs),
    ...(ltvE12 === null ? { ltv: null } : sumFields("ltv", ltvE12)),
    ...churnSummary(facts, customers),
    creditImpact: creditImpact(facts, all),
  };
}

function mrrByStatus(facts: PlanFacts, paying: readonly MemberSums[]) {
  const sums: Record<MarginStatus, E12> = { healthy: 0n, at_risk: 0n, underwater: 0n, no_revenue: 0n };
  for (const one of paying) sums[statusOf(facts, one)] += facts.mrr.own.get(one.member) ?? 0n;
  return {
    healthy: e12ToNumber(sums.healthy),
    atRisk: e12ToNumber(sums.at_risk),
    underwater: e12ToNumber(sums.underwater),
    noRevenue: e12ToNumber(sums.no_revenue),
  };
}

function churnSummary(facts: PlanFacts, customers: readonly MemberSums[]) {
  const signals = [...facts.signals.values()];
  const scores = customers
    .filter(({ member }) => pays(facts, member))
    .map((sums) => ({ score: scoreOf(facts, sums), mrrE12: facts.mrr.own.get(sums.member) ?? 0n }));
  const count = (of: (signals: Signals) => number) => signals.reduce((sum, one) => sum + of(one), 0);
  const leaving = (days: number) => e12ToNumber(leavingWithinE12(signals, days));
  return {
    pendingCancelCount: count(({ pendingCancels }) => pendingCancels),
    ...sumFields("pendingCancelMrr", sumOf(signals.map(({ pendingCancelMrrE12 }) => pendingCancelMrrE12))),
    pendingDowngradeCount: count(({ pendingDowngrades }) => pendingDowngrades),
    suspendedCount: count(({ suspended }) => suspended),
    ...sumFields("suspendedMrr", sumOf(signals.map(({ suspendedMrrE12 }) => suspendedMrrE12))),
    avgChurnScore: meanScore(scores.map(({ score }) => score)),
    criticalChurnCount: scores.filter(({ score }) => score >= CHURN_POINTS_MIN.critical).length,
    ...sumFields(
      "highRiskMrr",
      sumOf(scores.flatMap(({ score, mrrE12 }) => (score >= CHURN_POINTS_MIN.high ? [mrrE12] : []))),
    ),
    revenueBurnDown: { next30Days: leaving(30), next60Days: leaving(60), next90Days: leaving(90) },
  };
}

function creditImpact({ exchange, lengthMs, billed }: PlanFacts, all: Recurring) {
  const creditsE12 = sumOf(billed.map(({ currency, creditE12 }) => exchanged(exchange, currency, creditE12) ?? 0n));
  const monthlyE12 = perMonthE12(creditsE12, lengthMs);
  return {
    ...sumFields("totalCredits", creditsE12),
    creditInvoiceCount: billed.reduce((sum, { creditInvoices }) => sum + creditInvoices, 0),
    ...sumFields("netEffectiveMrr", all.effectiveMrrE12 - monthlyE12),
    creditToMrrRatio: shareOf(monthlyE12, all.mrrE12),
  };
}

/** What invoices billed in each of these ranges, in the account's currency, in order of ranges. */
export function billedByRange(billed: readonly BilledSums[], exchange: Exchange, ranges: number) {
  const sums = Array.from({ length: ranges }, () => ({ baseE12: 0n, usageE12: 0n, adjustmentE12: 0n, creditE12: 0n }));
  for (const { rangeIndex, currency, ...amounts } of billed) {
    const into = sums[rangeIndex];
    if (into === undefined) continue;
    for (const kind of ["baseE12", "usageE12", "adjustmentE12", "creditE12"] as const)
      into[kind] += exchanged(exchange, currency, amounts[kind]) ?? 0n;
  }
  return sums;
}
