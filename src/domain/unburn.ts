import type { E12 } from "./amount.ts";
import type { Draft } from "./book.ts";
import { revenueOfCredits } from "./charge.ts";
import type { AppliedWeight, CreditEntry, E4 } from "./credit.ts";
import { type CreditPast, creditsFor, lesser, poolOf, sumOfDraws } from "./credit-ledger.ts";
import { decideReverse, drawsLeft } from "./deductions.ts";
import { drawable } from "./drawable.ts";
import type { Burnt, OtherMoney } from "./event.ts";

/**
 * Credits of units that were never used. Owns how much of a charge goes back when its event turns out to have used less; leaves to
 * `deductions.ts` which grants get it.
 *
 * Laws: what stays taken is what the units that stay would burn; an archived pool gets nothing.
 */

/** The ledger's deductions for an event or a correction, by its place. */
export type EntriesOf = (eventSeq: number) => readonly CreditEntry[];

export type Unburn = {
  /** Places of events, and the units of each that credits still pay for. */
  burns: readonly { seq: number; coveredE12: E12 }[];
  /** Place of the correction. */
  seq: number;
  subscription: number;
  /** The plan's: what credits were sold for without a currency is in it. */
  currency: string;
  weight: AppliedWeight;
  past: CreditPast;
  entriesOf: EntriesOf;
};

/** Gives back what these events burned beyond the units that stay. `worth` is below 0. */
export function unburn(draft: Draft, asked: Unburn, nowMs: number): { burnt?: Burnt; worth: OtherMoney[] } {
  const { burns, weight, subscription, currency } = asked;
  const reversals = burns.flatMap((burn) => giveBack(draft, burn, asked, nowMs));
  const [first] = reversals;
  if (first === undefined) return { worth: [] };
  const draws = reversals.flatMap((entry) => entry.draws ?? []);
  const { denomination } = poolOf(draft, first.pool);
  return {
    burnt: {
      drawnE4: -sumOfDraws(draws),
      balanceE4: balanceOf(draft, { denomination, subscription }),
      weight,
    },
    worth: revenueOfCredits(draft, draws, currency).map((one) => ({ ...one, amountE12: -one.amountE12 })),
  };
}

function giveBack(
  draft: Draft,
  { seq: burnSeq, coveredE12 }: Unburn["burns"][number],
  { past, entriesOf, seq, weight }: Unburn,
  nowMs: number,
): CreditEntry[] {
  const taken = entriesOf(burnSeq)
    .filter(({ type }) => type === "DEDUCTION")
    .map((entry) => ({ entry, leftE4: sumOfDraws(drawsLeft(draft, past, entry)) }));
  const by = taken[0]?.entry.weight ?? weight;
  let backE4 = sumOf(taken) - creditsFor(coveredE12, by.creditsPerUnitE12);
  const reversals: CreditEntry[] = [];
  // What was drawn last goes back first, so that what stays is what fewer units would have drawn.
  for (const { entry, leftE4 } of taken.toReversed()) {
    const pool = draft.pools.get(entry.pool);
    const amountE4 = lesser(backE4, leftE4);
    if (amountE4 <= 0n) continue;
    backE4 -= amountE4;
    if (pool === undefined) continue;
    const reversed = decideReverse(draft, { pool, entry, past, amountE4, eventSeq: seq }, nowMs);
    if (!reversed.ok) throw new Error("invariant broken: what is left of a deduction can be given back");
    reversals.push(reversed.value);
  }
  return reversals;
}

function sumOf(taken: readonly { leftE4: E4 }[]): E4 {
  return taken.reduce((sum, { leftE4 }) => sum + leftE4, 0n);
}

function balanceOf(draft: Draft, use: { denomination: string; subscription: number }): E4 {
  return drawable(draft, use).balanceE4;
}
