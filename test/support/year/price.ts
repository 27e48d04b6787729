import { cents, type Exact, exact, fraction, least, minus, most, NONE, plus, sumOf, times } from "./exact.ts";
import type { Plan, Rule, Version } from "./facts.ts";

/** What units and time cost. */

/** What all units from the first one on cost: each at the price of the tier it falls into, and the flat fee of each tier it reaches. */
export function priceOfTotal({ price, tiers }: Rule, units: Exact): Exact {
  if (tiers === undefined) return price === undefined ? NONE : times(units, exact(price));
  let [below, sum] = [NONE, NONE];
  for (const tier of tiers) {
    const end = tier.upTo === "inf" ? units : least(units, exact(tier.upTo));
    const inTier = most(NONE, minus(end, below));
    if (inTier.n > 0n) sum = plus(sum, plus(times(inTier, exact(tier.price)), exact(tier.flatFee)));
    if (tier.upTo !== "inf") below = exact(tier.upTo);
  }
  return sum;
}

export function isPriced({ price, tiers }: Rule): boolean {
  return price !== undefined || tiers !== undefined;
}

/** The part of a version's price that `part` is of `whole`, rounded once. */
export function priceOfTime({ price }: Version, { currency }: Plan, part: Span, whole: Span): bigint {
  const share = fraction(BigInt(part.toMs - part.fromMs), BigInt(whole.toMs - whole.fromMs));
  return cents(times(exact(price), share), currency);
}

/** Milliseconds: the first instant, and the first one behind. */
export type Span = { fromMs: number; toMs: number };

/** What is left, at an instant, of amounts that were paid for spans of time; never below 0, nor more than was paid. Rounded once. */
export function leftOf(paid: readonly (Span & { cents: bigint })[], atMs: number): Exact {
  const left = sumOf(
    paid.map(({ cents: amount, fromMs, toMs }) =>
      times(fraction(amount), fraction(BigInt(Math.max(0, toMs - Math.max(atMs, fromMs))), BigInt(toMs - fromMs))),
    ),
  );
  return most(NONE, least(left, sumOf(paid.map(({ cents: amount }) => fraction(amount)))));
}

/** The instant so many months later at the same time of day, on the anchor day or the last day of a shorter month. */
export function monthsLater(fromMs: number, months: number, anchor: number): number {
  const from = new Date(fromMs);
  const end = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months + 1, 0));
  end.setUTCDate(Math.min(anchor, end.getUTCDate()));
  return end.getTime() + (fromMs % 86_400_000);
}
