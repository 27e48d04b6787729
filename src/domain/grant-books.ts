import { type Break, count, type LawVerdict, verdict } from "./books.ts";
import type { CreditEntry, Draw, E4, Pool } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";
import type { PoolAudit } from "./pool-books.ts";

/**
 * The laws of a pool's grants, held against its whole ledger: each grant gives what one entry brought, has left what all of its entries
 * leave it, and is there as long as the ledger knows it, which is for ever.
 */

/** What an entry moved in which grants, with its sign. */
export function sharesOf({ amountE4, draws, grant }: Pick<CreditEntry, "amountE4" | "draws" | "grant">): Draw[] {
  if (draws !== undefined)
    return draws.map((draw) => ({ grant: draw.grant, amountE4: amountE4 < 0n ? -draw.amountE4 : draw.amountE4 }));
  return grant === undefined ? [] : [{ grant, amountE4 }];
}

/** Does the entry bring a grant into being: with new credits, or with what was carried over? */
export function opens({ type, amountE4, grant }: CreditEntry): boolean {
  return grant !== undefined && (type === "GRANT" || (type === "ADJUSTMENT" && amountE4 > 0n));
}

/** What the ledger knows of a grant: what it brought, what it leaves, and the first entry that names it. */
type Known = { openedE4: E4; leftE4: E4; first: number };

/** Told of all entries first, then of all grants. Remembers a few numbers of each grant, and nothing of an entry. */
export function auditGrants({ number, name, balanceE4 }: Pool): PoolAudit {
  const subject = { kind: "creditPool" as const, number, name };
  const known = new Map<number, Known>();
  let [all, agreeing, remainingE4, amountsE4, openedE4] = [0n, 0n, 0n, 0n, 0n];
  let brokenLeft: Break | undefined;
  let brokenAmount: Break | undefined;
  return {
    entry(entry) {
      for (const { grant, amountE4 } of sharesOf(entry)) {
        const one = known.get(grant) ?? { openedE4: 0n, leftE4: 0n, first: entry.number };
        one.leftE4 += amountE4;
        if (opens(entry)) {
          one.openedE4 += amountE4;
          openedE4 += amountE4;
        }
        known.set(grant, one);
      }
    },
    grant(grant) {
      const ledger = known.get(grant.number);
      known.delete(grant.number);
      const named = { kind: "creditGrant" as const, number: grant.number };
      all += 1n;
      remainingE4 += grant.remainingE4;
      amountsE4 += grant.amountE4;
      const leftE4 = ledger?.leftE4 ?? 0n;
      if (leftE4 === grant.remainingE4) agreeing += 1n;
      else
        brokenLeft ??= {
          ...named,
          why: `has ${formatE4(grant.remainingE4)} left, its ledger leaves ${formatE4(leftE4)}`,
        };
      const broughtE4 = ledger?.openedE4 ?? 0n;
      if (broughtE4 !== grant.amountE4)
        brokenAmount ??= {
          ...named,
          why: `is of ${formatE4(grant.amountE4)}, its ledger brought ${formatE4(broughtE4)}`,
        };
    },
    verdicts(): LawVerdict[] {
      // Maps keep the order of the ledger: the first that is left over is the first that is gone.
      const [gone] = [...known].map(([grant, { first }]) => ({
        kind: "creditEntry" as const,
        number: first,
        why: `names a grant that is not there: number ${grant} of the customer's`,
      }));
      const money = (left: bigint, right: bigint) => ({ left, right, format: formatE4 });
      const unlike: Break = { kind: "creditPool", number, why: "its balance is not what its grants have left" };
      return [
        verdict(
          "pool_grants",
          subject,
          money(balanceE4, remainingE4),
          brokenLeft ?? (balanceE4 === remainingE4 ? undefined : unlike),
        ),
        verdict("grants_ledger", subject, { left: agreeing, right: all, format: count }, brokenLeft),
        verdict("grant_amounts", subject, money(amountsE4, openedE4), brokenAmount ?? gone),
      ];
    },
  };
}
