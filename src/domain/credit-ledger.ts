import { divideRounded, type E12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { Draft } from "./book.ts";
import type { CreditEntry, CreditEntryType, Draw, E4, Grant, Pool } from "./credit.ts";
import { openGrants } from "./draw-order.ts";
import type { Refusal } from "./refusal.ts";

/**
 * The ledger of a pool, and the few ways in which credits move. Owns that no credit moves without its entry, nor an entry without
 * the balance and total that it stands for. Leaves the reasons to whoever moves them.
 */

/** Which total of a pool an entry adds to, and with which sign. Carrying over and freezing are in none. */
export const TOTALS: {
  [T in CreditEntryType]:
    | { total: "grantedE4" | "consumedE4" | "expiredE4" | "reversedE4" | "voidedE4"; sign: 1n | -1n }
    | undefined;
} = {
  GRANT: { total: "grantedE4", sign: 1n },
  DEDUCTION: { total: "consumedE4", sign: -1n },
  EXPIRATION: { total: "expiredE4", sign: -1n },
  REVERSAL: { total: "reversedE4", sign: 1n },
  VOID: { total: "voidedE4", sign: -1n },
  ADJUSTMENT: undefined,
  FREEZE: undefined,
  UNFREEZE: undefined,
};

/** What left the book, as the object's tables have it; what a draft wrote since need not be in it. */
export type CreditPast = {
  grant: (number: number) => Grant | undefined;
  grantWithKey: (pool: number, key: string) => Grant | undefined;
  deductionWithKey: (pool: number, key: string) => CreditEntry | undefined;
  /** The entries of type REVERSAL that take this one back. */
  reversalsOf: (entry: number) => readonly CreditEntry[];
};

export function poolOf(draft: Draft, number: number): Pool {
  const pool = draft.pools.get(number);
  if (pool === undefined) throw new Error("invariant broken: a pool whose credits move is in the book");
  return pool;
}

export function grantOf(draft: Draft, number: number): Grant {
  const grant = draft.grants.get(number);
  if (grant === undefined) throw new Error("invariant broken: a grant that holds credits is in the book");
  return grant;
}

/** The refusal of a pool that stands still: FROZEN until it is unfrozen, ARCHIVED for ever. */
export function closedPool({ status }: Pool): Refusal {
  const remedy = status === "FROZEN" ? ": unfreeze it first" : ", so nothing of it changes any more";
  return { ok: false, code: "state_conflict", why: `The credit pool is ${status}${remedy}.` };
}

/** What one unit burns, times units: credits, rounded once, half up. */
export function creditsFor(unitsE12: E12, creditsPerUnitE12: E12): E4 {
  return divideRounded(unitsE12 * creditsPerUnitE12, 10n ** 20n);
}

export function lesser(a: E4, b: E4): E4 {
  return a < b ? a : b;
}

/** What a grant has beyond what is held of it. */
export function freeOf({ remainingE4, heldE4 }: Grant): E4 {
  return remainingE4 - heldE4;
}

export type Posting = Omit<CreditEntry, "number" | "pool" | "balanceBeforeE4" | "balanceAfterE4">;

/** Writes an entry: the pool's balance and the total of its type move with it. */
export function post(draft: Draft, number: number, posting: Posting): CreditEntry {
  const pool = poolOf(draft, number);
  const { type, amountE4, atMs } = posting;
  const balanceAfterE4 = pool.balanceE4 + amountE4;
  assert(balanceAfterE4 >= 0n, "no pool is below 0");
  const counted = TOTALS[type];
  draft.pools.put({
    ...pool,
    balanceE4: balanceAfterE4,
    ...(counted === undefined ? {} : { [counted.total]: pool[counted.total] + amountE4 * counted.sign }),
    modifiedAtMs: atMs,
  });
  draft.last.creditEntry += 1;
  const entry = {
    ...posting,
    number: draft.last.creditEntry,
    pool: number,
    balanceBeforeE4: pool.balanceE4,
    balanceAfterE4,
  };
  draft.creditEntries.push(entry);
  return entry;
}

/** A grant that did not exist before, with its entry: credits that are new (GRANT), or carried over (ADJUSTMENT). */
export function addGrant(
  draft: Draft,
  terms: Omit<Grant, "number" | "remainingE4" | "heldE4">,
  type: "GRANT" | "ADJUSTMENT" = "GRANT",
): Grant {
  assert(terms.amountE4 > 0n, "a grant gives credits");
  draft.last.grant += 1;
  const { pool, amountE4, description, createdAtMs: atMs } = terms;
  const grant = draft.grants.put({ ...terms, number: draft.last.grant, remainingE4: amountE4, heldE4: 0n });
  post(draft, pool, {
    type,
    amountE4,
    grant: grant.number,
    ...(description === undefined ? {} : { description }),
    atMs,
  });
  return grant;
}

/** Takes credits that are not held out of one grant. None to take: no entry. */
export function takeOut(
  draft: Draft,
  number: number,
  { type, amountE4, ...said }: { type: "EXPIRATION" | "VOID" | "ADJUSTMENT"; amountE4: E4; description?: string },
  atMs: number,
): void {
  if (amountE4 === 0n) return;
  const grant = grantOf(draft, number);
  assert(amountE4 > 0n && amountE4 <= freeOf(grant), "no more is taken out of a grant than is free in it");
  draft.grants.put({ ...grant, remainingE4: grant.remainingE4 - amountE4 });
  post(draft, grant.pool, { type, amountE4: -amountE4, grant: number, ...said, atMs });
}

/** Which grants of a pool give so many credits, in the order of draws. Only those that give any are looked at. */
export function drawsFrom(draft: Draft, pool: number, amountE4: E4): Draw[] {
  const draws: Draw[] = [];
  let restE4 = amountE4;
  if (restE4 > 0n)
    for (const grant of openGrants(draft, pool)) {
      const drawnE4 = lesser(restE4, freeOf(grant));
      draws.push({ grant: grant.number, amountE4: drawnE4 });
      restE4 -= drawnE4;
      if (restE4 === 0n) break;
    }
  assert(restE4 === 0n, "what can be drawn from a pool is what its grants have free");
  return draws;
}

export function sumOfDraws(draws: readonly { amountE4: E4 }[]): E4 {
  return draws.reduce((sum, { amountE4 }) => sum + amountE4, 0n);
}

/** Takes draws out of the grants of one pool, with one DEDUCTION for all of them. */
export function deduct(
  draft: Draft,
  pool: number,
  draws: readonly Draw[],
  said: Omit<Posting, "type" | "amountE4" | "draws" | "grant">,
): CreditEntry {
  for (const { grant: number, amountE4 } of draws) {
    const grant = grantOf(draft, number);
    assert(amountE4 > 0n && amountE4 <= freeOf(grant), "no more is drawn from a grant than is free in it");
    draft.grants.put({ ...grant, remainingE4: grant.remainingE4 - amountE4 });
  }
  return post(draft, pool, { type: "DEDUCTION", amountE4: -sumOfDraws(draws), ...oneOrAll(draws), ...said });
}

/** The draws of an entry, and the grant where it is one alone. */
export function oneOrAll(draws: readonly Draw[]): Pick<CreditEntry, "draws" | "grant"> {
  const [only] = draws;
  return { draws, ...(draws.length === 1 && only !== undefined ? { grant: only.grant } : {}) };
}

/**
 * Credits came back into a grant and are free in it. One that is void or over keeps nothing: they leave it at once, by an entry of
 * their own. Answers how many left.
 */
export function settleReturned(draft: Draft, number: number, amountE4: E4, atMs: number): E4 {
  const { voidedAtMs, expiresAtMs = Number.POSITIVE_INFINITY } = grantOf(draft, number);
  if (voidedAtMs === undefined && expiresAtMs > atMs) return 0n;
  takeOut(draft, number, { type: voidedAtMs === undefined ? "EXPIRATION" : "VOID", amountE4 }, atMs);
  return amountE4;
}
