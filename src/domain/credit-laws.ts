import { assert } from "./assert.ts";
import type { Book, Draft } from "./book.ts";
import type { CreditEntryType, E4 } from "./credit.ts";

/**
 * The laws of credits, held against everything that a draft writes. What is not written was lawful before, so a change of sums is
 * compared with the change of its parts: that costs what was touched, however many grants there are.
 */

type Sums = Record<CreditEntryType, E4>;

const NO_SUMS: Sums = {
  GRANT: 0n,
  DEDUCTION: 0n,
  EXPIRATION: 0n,
  REVERSAL: 0n,
  ADJUSTMENT: 0n,
  VOID: 0n,
  FREEZE: 0n,
  UNFREEZE: 0n,
};

export function assertCredits(book: Book, draft: Draft): void {
  const entries = sumsOfEntries(book, draft);
  const grants = movesOfGrants(book, draft);
  for (const [pool, { remainingE4, heldE4 }] of grants)
    assert(draft.pools.written.has(pool) || (remainingE4 === 0n && heldE4 === 0n), "no credit moves without its pool");
  for (const pool of entries.keys()) assert(draft.pools.written.has(pool), "no entry is written without its pool");
  for (const [number, pool] of draft.pools.written) {
    const { sums, balanceE4 } = entries.get(number) ?? { sums: NO_SUMS, balanceE4: balanceBefore(book, number) };
    const moved = grants.get(number) ?? { remainingE4: 0n, heldE4: 0n };
    const before = book.pools.get(number);
    assert(pool.balanceE4 === balanceE4, "a pool's balance is what its last entry left");
    assert(
      pool.balanceE4 - balanceBefore(book, number) === moved.remainingE4 &&
        pool.heldE4 - (before?.heldE4 ?? 0n) === moved.heldE4,
      "a pool has what its grants have, and holds what they hold",
    );
    assert(pool.heldE4 >= 0n && pool.heldE4 <= pool.balanceE4, "no more is held than there is");
    const { grantedE4, reversedE4, consumedE4, expiredE4, voidedE4 } = pool;
    assert(
      grantedE4 + reversedE4 === pool.balanceE4 + consumedE4 + expiredE4 + voidedE4,
      "granted + reversed = balance + consumed + expired + voided",
    );
    assert(
      grantedE4 - (before?.grantedE4 ?? 0n) === sums.GRANT &&
        reversedE4 - (before?.reversedE4 ?? 0n) === sums.REVERSAL &&
        consumedE4 - (before?.consumedE4 ?? 0n) === -sums.DEDUCTION &&
        expiredE4 - (before?.expiredE4 ?? 0n) === -sums.EXPIRATION &&
        voidedE4 - (before?.voidedE4 ?? 0n) === -sums.VOID &&
        sums.ADJUSTMENT === 0n,
      "a pool's totals are the sums of its entries, and carrying over adds nothing",
    );
    for (const { dueE4, heldE4 } of pool.ahead ?? [])
      assert(
        heldE4 >= 0n && (dueE4 > 0n || heldE4 > 0n),
        "what was given ahead, or may be, is above 0, or is not there",
      );
    for (const { drawnE4, heldE4 } of pool.links)
      assert(drawnE4 >= 0n && heldE4 >= 0n, "nothing below 0 is drawn or held for a subscription");
  }
}

function balanceBefore(book: Book, pool: number): E4 {
  return book.pools.get(pool)?.balanceE4 ?? 0n;
}

/** Of each pool the sums of its new entries by type, and the balance that the last one left. */
function sumsOfEntries(book: Book, draft: Draft): Map<number, { sums: Sums; balanceE4: E4 }> {
  const pools = new Map<number, { sums: Sums; balanceE4: E4 }>();
  let last = book.last.creditEntry;
  for (const { number, pool, type, amountE4, balanceBeforeE4, balanceAfterE4, draws } of draft.creditEntries) {
    last += 1;
    assert(number === last, "entries are numbered without a gap");
    const { sums, balanceE4 } = pools.get(pool) ?? { sums: NO_SUMS, balanceE4: balanceBefore(book, pool) };
    assert(
      balanceBeforeE4 === balanceE4 && balanceAfterE4 === balanceE4 + amountE4 && balanceAfterE4 >= 0n,
      "an entry's balances chain",
    );
    if (draws !== undefined)
      assert(
        draws.reduce((sum, draw) => sum + draw.amountE4, 0n) === (amountE4 < 0n ? -amountE4 : amountE4),
        "an entry is the sum of its draws",
      );
    pools.set(pool, { sums: { ...sums, [type]: sums[type] + amountE4 }, balanceE4: balanceAfterE4 });
  }
  return pools;
}

/** Of each pool by how much its grants changed; each of them within its bounds, and holding what reservations hold of it. */
function movesOfGrants(book: Book, draft: Draft): Map<number, { remainingE4: E4; heldE4: E4 }> {
  const pools = new Map<number, { remainingE4: E4; heldE4: E4 }>();
  const holds = movesOfHolds(book, draft);
  for (const [number, grant] of draft.grants.written) {
    const before = book.grants.get(number);
    assert(
      grant.heldE4 >= 0n && grant.heldE4 <= grant.remainingE4 && grant.remainingE4 <= grant.amountE4,
      "a grant has between nothing and its amount, and holds no more than it has",
    );
    assert(
      before === undefined ||
        (before.amountE4 === grant.amountE4 && before.type === grant.type && before.expiresAtMs === grant.expiresAtMs),
      "a grant's terms never change",
    );
    const heldE4 = grant.heldE4 - (before?.heldE4 ?? 0n);
    assert(heldE4 === (holds.get(number) ?? 0n), "a grant holds what open reservations hold of it");
    holds.delete(number);
    const sum = pools.get(grant.pool) ?? { remainingE4: 0n, heldE4: 0n };
    pools.set(grant.pool, {
      remainingE4: sum.remainingE4 + grant.remainingE4 - (before?.remainingE4 ?? 0n),
      heldE4: sum.heldE4 + heldE4,
    });
  }
  for (const heldE4 of holds.values()) assert(heldE4 === 0n, "a grant holds what open reservations hold of it");
  return pools;
}

/** Of each grant by how much reservations changed what they hold of it. */
function movesOfHolds(book: Book, draft: Draft): Map<number, E4> {
  const grants = new Map<number, E4>();
  for (const [number, hold] of draft.holds.written) {
    const before = book.holds.get(number);
    for (const [one, sign] of [[before, -1n] as const, [hold, 1n] as const])
      if (one?.status === "HELD")
        for (const { grant, amountE4 } of one.credits ?? [])
          grants.set(grant, (grants.get(grant) ?? 0n) + amountE4 * sign);
  }
  return grants;
}
