import type { E12 } from "./amount.ts";
import { baseLine, usageLine } from "./billing.ts";
import { unitsPaid } from "./charge.ts";
import type { Allocation, E4 } from "./credit.ts";
import { creditsFor, lesser } from "./credit-ledger.ts";
import { type CreditTerms, weigh } from "./credit-weight.ts";
import { type InvoiceLine, sumOfLines } from "./invoice.ts";
import type { Period } from "./period.ts";
import { pricingOf, type VersionRule } from "./plan.ts";
import type { Pricing } from "./pricing.ts";
import type { PlanPin } from "./subscription.ts";

/**
 * What a plan would have charged for a period that is over, had a customer been on it. Owns which of the units would have been refused,
 * covered by credits and billed. Leaves every price to the lines of `billing.ts`: the same that a subscriber's invoice is made of.
 *
 * Laws: nothing is decided by it; used = refused + covered + billable; the sum is that of the lines.
 *
 * Sums of a whole period have no order of events in them. So a limit takes effect exactly where it is reached, and credits cover the
 * plan's features in the plan's order, each by its models in the order of their names.
 */

/** Units of a feature by the model that served them; without one, those of events that named none. */
export type UsedUnits = { model?: string; unitsE12: E12 };

/** What was used of a feature in the period. `beforeE12`: ever before it, for rules whose units accumulate. */
export type FeatureUse = { used: readonly UsedUnits[]; beforeE12: E12 };

/** A feature of the plan that was used. `line` is absent where nothing of it is priced. */
export type PreviewFeature = {
  featureId: string;
  featureKey: string;
  unitLabel?: string;
  usedE12: E12;
  /** Beyond the limit, beyond credits that refuse, or of a rule that is switched off. */
  refusedE12: E12;
  coveredE12: E12;
  billableE12: E12;
  line?: InvoiceLine;
};

/** Credits of a denomination: what the plan gives for a period, and what the units burn of it. */
export type PreviewCredits = { denomination: string; givenE4: E4; neededE4: E4; drawnE4: E4 };

export type PlanPreview = {
  base: readonly InvoiceLine[];
  features: readonly PreviewFeature[];
  credits: readonly PreviewCredits[];
  amountMinor: number;
};

/** The last period of so many whole UTC months that is over: until the start of the running month. */
export function lastPeriod(intervalMonths: number, nowMs: number): Period {
  const now = new Date(nowMs);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { startMs: Date.UTC(year, month - intervalMonths, 1), endMs: Date.UTC(year, month, 1) };
}

/**
 * `uses` by feature; those of other plans do not matter. The base counts whole, whether it is paid in advance or in arrears. `atMs`:
 * the instant whose weights count.
 */
export function previewPlan(
  pin: PlanPin,
  uses: ReadonlyMap<string, FeatureUse>,
  { period, credits, atMs }: { period: Period; credits?: CreditTerms; atMs: number },
): PlanPreview {
  const pots = potsOf(pin.allocations);
  const features = pin.rules.flatMap((rule): PreviewFeature[] => {
    const use = uses.get(rule.featureId);
    if (use === undefined) return [];
    const pricing = pricingOf(rule.value);
    const { usedE12, allowed } = allow(rule, pricing, use);
    const weighUnits = ({ model, unitsE12 }: UsedUnits): Weighed => ({
      unitsE12,
      weight: weigh(
        { atMs, ...(model === undefined ? {} : { model }), ...(credits === undefined ? {} : { terms: credits }) },
        rule.featureId,
      ),
    });
    const paid = payByCredits(pots, rule, allowed.map(weighUnits));
    const allowedE12 = sumOf(allowed);
    const line = lineOf(pin, rule, { fromE12: use.beforeE12, billableE12: paid.billableE12, period });
    return [
      {
        featureId: rule.featureId,
        featureKey: rule.featureKey,
        ...(pricing.unitLabel === undefined ? {} : { unitLabel: pricing.unitLabel }),
        usedE12,
        refusedE12: usedE12 - allowedE12 + paid.refusedE12,
        coveredE12: paid.coveredE12,
        billableE12: paid.billableE12,
        ...(line === undefined ? {} : { line }),
      },
    ];
  });
  const base = pin.price > 0n ? [baseLine(pin, period)] : [];
  const lines = [...base, ...features.flatMap(({ line }) => (line === undefined ? [] : [line]))];
  return {
    base,
    features,
    credits: [...pots].map(([denomination, { givenE4, neededE4, drawnE4 }]) => ({
      denomination,
      givenE4,
      neededE4,
      drawnE4,
    })),
    amountMinor: sumOfLines(lines),
  };
}

/** What may be used of it: nothing of a rule that is off, and no unit beyond the limit. Units taken back leave none below 0. */
function allow(rule: VersionRule, pricing: Pricing, { used, beforeE12 }: FeatureUse) {
  const counted = used.filter(({ unitsE12 }) => unitsE12 > 0n);
  const usedE12 = sumOf(counted);
  if (!rule.isEnabled) return { usedE12, allowed: [] };
  const { maxUsage, resetMode } = pricing;
  if (maxUsage === undefined) return { usedE12, allowed: counted };
  let leftE12 = resetMode === "accumulate" ? maxUsage - beforeE12 : maxUsage;
  const allowed: UsedUnits[] = [];
  for (const one of counted) {
    if (leftE12 <= 0n) break;
    const unitsE12 = one.unitsE12 < leftE12 ? one.unitsE12 : leftE12;
    leftE12 -= unitsE12;
    allowed.push({ ...one, unitsE12 });
  }
  return { usedE12, allowed };
}

function sumOf(used: readonly UsedUnits[]): E12 {
  return used.reduce((sum, { unitsE12 }) => sum + unitsE12, 0n);
}

/** What the plan gives of a denomination, and what was drawn of it so far. */
type Pot = { givenE4: E4; neededE4: E4; drawnE4: E4; isHard: boolean };

function potsOf(allocations: readonly Allocation[]): Map<string, Pot> {
  const pots = new Map<string, Pot>();
  for (const { denomination, amountE4, hardLimit } of allocations) {
    const pot = pots.get(denomination) ?? { givenE4: 0n, neededE4: 0n, drawnE4: 0n, isHard: false };
    pots.set(denomination, { ...pot, givenE4: pot.givenE4 + amountE4, isHard: pot.isHard || hardLimit });
  }
  return pots;
}

type Weighed = Parameters<typeof unitsPaid>[0];

/** Draws from the pot of the rule's denomination. Without one, or without credits left, units are billed, or refused where it is hard. */
function payByCredits(pots: Map<string, Pot>, { denomination }: VersionRule, allowed: readonly Weighed[]) {
  const paid = { coveredE12: 0n, refusedE12: 0n, billableE12: 0n };
  const pot = denomination === undefined ? undefined : pots.get(denomination);
  for (const units of allowed) {
    const coveredE12 = pot === undefined ? 0n : draw(pot, units);
    const restE12 = units.unitsE12 - coveredE12;
    paid.coveredE12 += coveredE12;
    if (pot?.isHard === true) paid.refusedE12 += restE12;
    else paid.billableE12 += restE12;
  }
  return paid;
}

/** Moves the pot; returns the units that its credits cover. */
function draw(pot: Pot, units: Weighed): E12 {
  const neededE4 = creditsFor(units.unitsE12, units.weight.creditsPerUnitE12);
  const leftE4 = pot.givenE4 - pot.drawnE4;
  const drawnE4 = lesser(neededE4, leftE4);
  pot.neededE4 += neededE4;
  pot.drawnE4 += drawnE4;
  return drawnE4 === neededE4 && leftE4 > 0n ? units.unitsE12 : unitsPaid(units, drawnE4);
}

/** The usage line of a period whose counter begins at `fromE12`: a rule that resets prices from 0 all the same. */
function lineOf(
  pin: PlanPin,
  { featureId, featureKey }: VersionRule,
  { fromE12, billableE12, period }: { fromE12: E12; billableE12: E12; period: Period },
): InvoiceLine | undefined {
  return usageLine(pin, {
    planId: pin.planId,
    version: pin.version,
    number: 0,
    subscription: 0,
    featureId,
    featureKey,
    periodStartMs: period.startMs,
    startMs: period.startMs,
    endMs: period.endMs,
    billableAtStartE12: fromE12,
    fromE12,
    toE12: fromE12 + billableE12,
    lateE12: 0n,
    events: 0,
    takenBackE12: 0n,
  });
}
