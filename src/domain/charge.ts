import { divideRounded, type E12, E12_ONE } from "./amount.ts";
import { assert } from "./assert.ts";
import type { Draft } from "./book.ts";
import type { CreditEntry, Draw, E4, HeldCredits } from "./credit.ts";
import { type CreditUse, giveBackHeld, planDraws, takeHeld } from "./credit-holds.ts";
import { creditsFor, deduct, grantOf, lesser, poolOf, sumOfDraws } from "./credit-ledger.ts";
import { type Drawable, drawable, shortOf } from "./drawable.ts";
import type { OtherMoney } from "./event.ts";
import { moveLink } from "./pools.ts";
import type { Reply } from "./refusal.ts";
import type { Hold } from "./usage.ts";

/**
 * Paying for units by credits. Owns which credits pay, and for how much of it. Leaves the price of units that they do not pay for to
 * the plan's rule, and whether the use is allowed at all to `entitlement.ts`.
 *
 * Laws: a charge is rounded once; one DEDUCTION per pool says all of its draws; a refusal leaves the draft as it was.
 */

/** Exact money of draws: credits (E4) × unit price (E12), so 10⁻¹⁶. */
export type Worth = { currency?: string; amountE16: bigint };

export type Charged = {
  neededE4: E4;
  drawnE4: E4;
  /** Units that are paid for; the others are billed by the rule's price. */
  coveredE12: E12;
  /** What was drawn was sold for so much, by currency; credits without a price are worth nothing. */
  worth: readonly Worth[];
  /** One DEDUCTION per pool, in the order of draws. */
  entries: readonly CreditEntry[];
  /** What the pools of this use have now, held credits included. */
  balanceE4: E4;
};

export type ChargeSpec = CreditUse &
  Pick<CreditEntry, "eventSeq" | "occurredAtMs" | "description" | "metadata"> & {
    /** The reservation that is committed by it: its credits come first, and what is left of them goes back. */
    hold?: Hold;
    /** The use was accepted before: a hard pool gives what it has, and refuses nothing. */
    isAccepted?: boolean;
    /** Nothing is drawn but what the reservation holds. */
    isHeldOnly?: boolean;
  };

/** What a charge would take: of what is held, and of what can be drawn. */
type ChargePlan = Pick<Charged, "neededE4" | "coveredE12"> & {
  taken: HeldCredits[];
  left: HeldCredits[];
  found: Drawable;
  restE4: E4;
};

function planCharge(draft: Draft, spec: ChargeSpec): Reply<ChargePlan> {
  const { unitsE12, weight, hold, isAccepted = false, isHeldOnly = false } = spec;
  assert(unitsE12 >= 0n && weight.creditsPerUnitE12 > 0n, "units are charged by a weight");
  const neededE4 = creditsFor(unitsE12, weight.creditsPerUnitE12);
  const { taken, left } = splitHeld(hold?.credits ?? [], neededE4);
  const restE4 = neededE4 - sumOfDraws(taken);
  const found = isHeldOnly ? closed(drawable(draft, spec)) : drawable(draft, spec);
  const short = isAccepted ? undefined : shortOf(found, restE4);
  if (short !== undefined)
    return {
      ...short,
      neededE4,
      availableE4: neededE4 - restE4 + found.sumE4,
      kept: found.balanceE4 >= neededE4,
    };
  const drawnE4 = neededE4 - restE4 + lesser(restE4, found.sumE4);
  // Units so few that they burn nothing are covered wherever there are credits at all.
  const isWhole = drawnE4 === neededE4 && (drawnE4 > 0n || found.sumE4 > 0n);
  const coveredE12 = isWhole ? unitsE12 : unitsPaid(spec, drawnE4);
  return { ok: true, value: { neededE4, coveredE12, taken, left, found, restE4 } };
}

/** The same pools, of which nothing can be drawn and none refuses. */
function closed(found: Drawable): Drawable {
  const sources = found.sources.map(({ pool }) => ({ pool, availableE4: 0n }));
  return { ...found, sources, sumE4: 0n, unfrozenE4: 0n, isHard: false };
}

/** The units that the same charge would pay for; refuses like it, and takes nothing. */
export function coveredUnits(draft: Draft, spec: ChargeSpec): Reply<E12> {
  const planned = planCharge(draft, spec);
  return planned.ok ? { ok: true, value: planned.value.coveredE12 } : planned;
}

/**
 * Takes the credits of a use: those that were held for it, then what can be drawn, as far as it goes. Refuses `credits_short` when
 * one of the pools is hard and they do not cover the whole charge. `unitsE12` is not below 0.
 */
export function charge(draft: Draft, spec: ChargeSpec, nowMs: number): Reply<Charged> {
  const plan = planCharge(draft, spec);
  if (!plan.ok) return plan;
  const { neededE4, coveredE12, taken, left, found, restE4 } = plan.value;
  const { hold } = spec;
  const planned = planDraws(draft, found, lesser(restE4, found.sumE4));
  const holder = hold?.subscription ?? spec.subscription;
  for (const held of taken) takeHeld(draft, holder, held);
  const entries = [...drawsByPool(taken, planned)].map(([pool, draws]) => take(draft, spec, { pool, draws }, nowMs));
  for (const held of left) giveBackHeld(draft, holder, held, nowMs);
  const draws = entries.flatMap((entry) => entry.draws ?? []);
  return {
    ok: true,
    value: {
      neededE4,
      drawnE4: sumOfDraws(draws),
      coveredE12,
      worth: worthOf(draft, draws),
      entries,
      balanceE4: found.sources.reduce((sum, { pool }) => sum + poolOf(draft, pool.number).balanceE4, 0n),
    },
  };
}

/** Of what is held, what a charge takes, and what is left of it. */
export function splitHeld(
  credits: readonly HeldCredits[],
  neededE4: E4,
): { taken: HeldCredits[]; left: HeldCredits[] } {
  const [taken, left]: [HeldCredits[], HeldCredits[]] = [[], []];
  let restE4 = neededE4;
  for (const held of credits) {
    const takenE4 = lesser(restE4, held.amountE4);
    restE4 -= takenE4;
    if (takenE4 > 0n) taken.push({ ...held, amountE4: takenE4 });
    if (takenE4 < held.amountE4) left.push({ ...held, amountE4: held.amountE4 - takenE4 });
  }
  return { taken, left };
}

/** All draws of a charge by pool, and one for each grant: what was held of it and what was free are taken together. */
function drawsByPool(
  held: readonly HeldCredits[],
  planned: readonly { pool: number; draws: readonly Draw[] }[],
): Map<number, Draw[]> {
  const pools = new Map<number, Draw[]>();
  const all = [...held, ...planned.flatMap(({ pool, draws }) => draws.map((draw) => ({ ...draw, pool })))];
  for (const { pool, grant, amountE4 } of all) {
    const draws = pools.get(pool) ?? [];
    const same = draws.findIndex((draw) => draw.grant === grant);
    if (same < 0) draws.push({ grant, amountE4 });
    else draws[same] = { grant, amountE4: amountE4 + (draws[same]?.amountE4 ?? 0n) };
    pools.set(pool, draws);
  }
  return pools;
}

function take(
  draft: Draft,
  { subscription, unitsE12, weight, eventSeq, occurredAtMs, description, metadata }: ChargeSpec,
  { pool, draws }: { pool: number; draws: readonly Draw[] },
  atMs: number,
): CreditEntry {
  const drawnE4 = sumOfDraws(draws);
  moveLink(draft, { pool, subscription }, (link) => ({ drawnE4: link.drawnE4 + drawnE4 }));
  return deduct(draft, pool, draws, {
    weight,
    unitsE12,
    subscription,
    ...(eventSeq === undefined ? {} : { eventSeq }),
    ...(occurredAtMs === undefined ? {} : { occurredAtMs }),
    ...(description === undefined ? {} : { description }),
    ...(metadata === undefined ? {} : { metadata }),
    atMs,
  });
}

/** Units that some credits pay for: credits ÷ weight to six decimals, down, and never more than were used. */
export function unitsPaid({ unitsE12, weight }: Pick<CreditUse, "unitsE12" | "weight">, drawnE4: E4): E12 {
  const paidE12 = (drawnE4 * 10n ** 8n * E12_ONE) / weight.creditsPerUnitE12;
  const coveredE12 = paidE12 - (paidE12 % 10n ** 6n);
  return coveredE12 < unitsE12 ? coveredE12 : unitsE12;
}

/** What draws were sold for, by the prices of their grants, which are in the draft; without a currency in `currency`. */
export function revenueOfCredits(draft: Draft, draws: readonly Draw[], currency: string): OtherMoney[] {
  return worthOf(draft, draws).map((worth) => ({
    amountE12: divideRounded(worth.amountE16, 10n ** 4n),
    currency: worth.currency ?? currency,
  }));
}

function worthOf(draft: Draft, draws: readonly Draw[]): Worth[] {
  const sums = new Map<string | undefined, bigint>();
  for (const { grant, amountE4 } of draws) {
    const { unitPriceE12, currency } = grantOf(draft, grant);
    if (unitPriceE12 !== undefined) sums.set(currency, (sums.get(currency) ?? 0n) + amountE4 * unitPriceE12);
  }
  return [...sums].map(([currency, amountE16]) => ({ ...(currency === undefined ? {} : { currency }), amountE16 }));
}
