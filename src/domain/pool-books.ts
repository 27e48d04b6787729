import { type Break, count, type LawVerdict, type Sides, verdict } from "./books.ts";
import type { CreditEntry, CreditEntryType, E4, Grant, Pool } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";
import { TOTALS } from "./credit-ledger.ts";
import { auditTypes, type Ends, type EntryColumns, retyped } from "./entry-books.ts";
import { auditGrants } from "./grant-books.ts";
import { auditLinks } from "./link-books.ts";
import type { Hold } from "./usage.ts";

/**
 * The laws of a credit pool, held against its whole ledger and all of its grants. Owns those of its totals, of the chain of its entries
 * and of what it holds; leaves those of its grants to `grant-books.ts`, of the types of its entries to `entry-books.ts`, and of what it
 * counts for subscriptions to `link-books.ts`.
 */

/** What is stored beside an entry's body, and for which subscription the entry that it takes back was drawn. */
export type Beside = { columns?: EntryColumns; reversedFor?: number };

/** An account of one pool that its entries and then its grants are told to, each once and in order. */
export type PoolAudit = {
  entry: (entry: CreditEntry, beside?: Beside) => void;
  grant: (grant: Grant) => void;
  verdicts: () => LawVerdict[];
};

/** What a pool is held against beside its own rows. */
export type PoolFacts = {
  /** What open reservations hold of each grant. */
  heldE4: ReadonlyMap<number, E4>;
  /** What open reservations of each subscription hold of the pool. */
  linksHeldE4: ReadonlyMap<number, E4>;
  /** When subscriptions ended, whose plans fill it. */
  ends: Ends;
  /** How many entries were written to its ledger. */
  entryCount: number;
  /** Its ledger from the beginning: walked a second time only where the totals are wrong. */
  ledger: () => Iterable<CreditEntry>;
};

/** What reservations that are open hold: of each grant, and of each pool for each subscription. */
export function heldCredits(holds: Iterable<Pick<Hold, "status" | "subscription" | "credits">>): {
  ofGrants: ReadonlyMap<number, E4>;
  ofLinks: (pool: number) => ReadonlyMap<number, E4>;
} {
  const ofGrants = new Map<number, E4>();
  const ofPools = new Map<number, Map<number, E4>>();
  for (const { status, subscription, credits = [] } of holds) {
    if (status !== "HELD") continue;
    for (const { pool, grant, amountE4 } of credits) {
      ofGrants.set(grant, (ofGrants.get(grant) ?? 0n) + amountE4);
      const links = ofPools.get(pool) ?? new Map<number, E4>();
      ofPools.set(pool, links.set(subscription, (links.get(subscription) ?? 0n) + amountE4));
    }
  }
  return { ofGrants, ofLinks: (pool) => ofPools.get(pool) ?? new Map() };
}

/** All laws of a pool. */
export function auditPool(pool: Pool, facts: PoolFacts): PoolAudit {
  const audits = [
    auditEntries(pool, facts),
    auditTypes(pool, facts),
    auditGrants(pool),
    auditHeld(pool, facts),
    auditLinks(pool, facts),
  ];
  return {
    entry: (entry, beside) => {
      for (const audit of audits) audit.entry(entry, beside);
    },
    grant: (grant) => {
      for (const audit of audits) audit.grant(grant);
    },
    verdicts: () => audits.flatMap((audit) => audit.verdicts()),
  };
}

const money = (left: bigint, right: bigint): Sides => ({ left, right, format: formatE4 });

function auditEntries(pool: Pool, { entryCount, ledger }: PoolFacts): PoolAudit {
  const subject = { kind: "creditPool" as const, number: pool.number, name: pool.name };
  const itself: Break = { kind: "creditPool", number: pool.number, why: "" };
  const sums = new Map<CreditEntryType, E4>();
  let [entries, chained, balanceE4] = [0n, 0n, 0n];
  let brokenChain: Break | undefined;
  return {
    entry(entry) {
      entries += 1n;
      const drawn = entry.draws?.reduce((sum, draw) => sum + draw.amountE4, 0n);
      const why =
        entry.balanceBeforeE4 !== balanceE4
          ? `begins with ${formatE4(entry.balanceBeforeE4)}, the one before left ${formatE4(balanceE4)}`
          : entry.balanceAfterE4 !== balanceE4 + entry.amountE4
            ? `leaves ${formatE4(entry.balanceAfterE4)}, its amount leaves ${formatE4(balanceE4 + entry.amountE4)}`
            : drawn !== undefined && drawn !== (entry.amountE4 < 0n ? -entry.amountE4 : entry.amountE4)
              ? `is of ${formatE4(entry.amountE4)}, its draws come to ${formatE4(drawn)}`
              : undefined;
      if (why === undefined) chained += 1n;
      else brokenChain ??= { kind: "creditEntry", number: entry.number, why };
      balanceE4 = entry.balanceAfterE4;
      sums.set(entry.type, (sums.get(entry.type) ?? 0n) + entry.amountE4);
    },
    grant() {},
    verdicts() {
      const { grantedE4, reversedE4, consumedE4, expiredE4, voidedE4 } = pool;
      const unlike = (differs: boolean, why: string): Break | undefined => (differs ? { ...itself, why } : undefined);
      const excess = new Map<CreditEntryType, E4>();
      const wrong = (Object.keys(TOTALS) as CreditEntryType[]).flatMap((type) => {
        const counted = TOTALS[type];
        const sum = sums.get(type) ?? 0n;
        const said = counted === undefined ? 0n : pool[counted.total] * counted.sign;
        excess.set(type, sum - said);
        if (sum === said) return [];
        const total = counted === undefined ? "" : `, its total is ${formatE4(pool[counted.total])}`;
        return [`${type} entries add up to ${formatE4(sum)}${total}`];
      });
      const totalsE4 = grantedE4 + consumedE4 + expiredE4 + reversedE4 + voidedE4;
      const entriesE4 = [...sums].reduce((sum, [type, amountE4]) => sum + amountE4 * (TOTALS[type]?.sign ?? 0n), 0n);
      return [
        verdict(
          "pool_equation",
          subject,
          money(grantedE4 + reversedE4, pool.balanceE4 + consumedE4 + expiredE4 + voidedE4),
          unlike(
            grantedE4 + reversedE4 !== pool.balanceE4 + consumedE4 + expiredE4 + voidedE4,
            "granted + reversed is not balance + consumed + expired + voided",
          ),
        ),
        verdict(
          "pool_totals",
          subject,
          money(totalsE4, entriesE4),
          retyped(excess, ledger) ?? unlike(wrong.length > 0, wrong.join("; ")),
        ),
        verdict(
          "pool_ledger",
          subject,
          money(pool.balanceE4, balanceE4),
          unlike(pool.balanceE4 !== balanceE4, "its balance is not what its last entry left"),
        ),
        verdict(
          "ledger_chain",
          subject,
          { left: chained, right: BigInt(entryCount), format: count },
          brokenChain ??
            unlike(
              entries !== BigInt(entryCount),
              `${entryCount} entries were written to it, its ledger has ${entries}`,
            ),
        ),
      ];
    },
  };
}

function auditHeld(pool: Pool, { heldE4 }: PoolFacts): PoolAudit {
  const { number, name } = pool;
  let grantsHeldE4 = 0n;
  let brokenHold: Break | undefined;
  return {
    entry() {},
    grant(grant) {
      grantsHeldE4 += grant.heldE4;
      const held = heldE4.get(grant.number) ?? 0n;
      if (held !== grant.heldE4)
        brokenHold ??= {
          kind: "creditGrant",
          number: grant.number,
          why: `says ${formatE4(grant.heldE4)} is held, open reservations hold ${formatE4(held)}`,
        };
    },
    verdicts() {
      const differs = pool.heldE4 !== grantsHeldE4 || pool.heldE4 > pool.balanceE4;
      const why = "what it holds is not what its grants hold, or more than it has";
      return [
        verdict(
          "pool_held",
          { kind: "creditPool", number, name },
          money(pool.heldE4, grantsHeldE4),
          brokenHold ?? (differs ? { kind: "creditPool", number, why } : undefined),
        ),
      ];
    },
  };
}
