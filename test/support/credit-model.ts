import type { CreditEntryType, GrantType, RolloverPolicy } from "../../src/domain/credit.ts";

/** Credits as one would keep them on paper, in 1/10,000: lots and a ledger. All else is added up anew whenever it is asked for. */

type Terms = { pool: number; type: GrantType; amount: number; until: number; sub?: number | undefined };
export type Lot = Terms & {
  n: number;
  left: number;
  isVoid?: boolean;
  carries?: number | undefined;
  owed?: number;
  refunded?: number;
};
export type Part = { lot: Lot; amount: number };
export type Holding = { sub: number; parts: Part[] };
export type Link = { sub: number; priority: number; limit: number; from: number; ended?: { at: number; room: number } };
type Rules = { denomination: string; hard: boolean; policy: RolloverPolicy; cap: number; model?: string };
type Entry = { sub?: number; reverses?: number } & {
  pool: number;
  type: CreditEntryType;
  amount: number;
  before: number;
  after: number;
  draws: Part[];
};

export const total = (all: readonly { amount: number }[]): number => all.reduce((sum, { amount }) => sum + amount, 0);
const bought = ({ type }: Lot): number => (type === "PURCHASED" ? 1 : 0);
const byDraw = (a: Lot, b: Lot): number =>
  a.until === b.until ? bought(a) - bought(b) || a.n - b.n : a.until < b.until ? -1 : 1;
const some = (parts: Part[]): Part[] => parts.filter(({ amount }) => amount > 0);

export function creditModel() {
  const pools: (Rules & { n: number; status: string; links: Link[]; unlinked: Link[] })[] = [];
  const lots: Lot[] = [];
  const ledger: Entry[] = [];
  const holds: Holding[] = [];
  const held = (lot: Lot): number => total(holds.flatMap(({ parts }) => parts).filter((part) => part.lot === lot));
  const free = (lot: Lot): number => lot.left - held(lot);
  const inPool = (n: number): Lot[] => lots.filter(({ pool }) => pool === n).sort(byDraw);
  const write = (pool: number, type: CreditEntryType, draws: Part[], amount: number, said = {}): void => {
    const after = inPool(pool).reduce((sum, { left }) => sum + left, 0);
    ledger.push({ pool, type, amount, before: after - amount, after, draws, ...said });
  };
  const add = (terms: Terms, type: CreditEntryType = "GRANT"): void => {
    const lot = { ...terms, n: lots.length + 1, left: terms.amount, carries: undefined };
    lots.push(lot);
    write(lot.pool, type, [{ lot, amount: lot.amount }], lot.amount);
  };
  const out = (lot: Lot, type: CreditEntryType, amount = free(lot)): void => {
    lot.left -= amount;
    if (amount > 0) write(lot.pool, type, [{ lot, amount }], -amount);
  };
  const carry = (lot: Lot, amount: number): void => {
    if (amount === 0 || (lot.type === "ROLLOVER" && held(lot) === 0)) return;
    out(lot, "ADJUSTMENT", amount);
    add({ ...lot, type: "ROLLOVER", amount }, "ADJUSTMENT");
  };
  const back = ({ lot, amount }: Part, now: number): void => {
    if (lot.isVoid) out(lot, "VOID", amount);
    else if (lot.until <= now) out(lot, "EXPIRATION", amount);
  };
  /** Answers what a voiding or a period's end, which came first, takes of it. */
  const release = (hold: Holding, now: number): Part[] => {
    const gone: Part[] = [];
    for (let part = hold.parts.shift(); part !== undefined; part = hold.parts.shift()) {
      const { lot, amount } = part;
      const { carries, owed = 0 } = lot;
      if (held(lot) === 0) lot.carries = undefined;
      back(part, now);
      if (lot.isVoid || (lot.until <= now && carries !== undefined)) gone.push(part);
      if (lot.isVoid || lot.until <= now) continue;
      out(lot, "VOID", Math.min(amount, owed));
      lot.owed = Math.min(Math.max(0, owed - amount), held(lot));
      if (carries === undefined) continue;
      const kept = Math.min(amount, carries);
      if (held(lot) > 0) lot.carries = carries - kept;
      out(lot, "EXPIRATION", amount - kept);
      gone.push({ lot, amount: amount - kept });
      carry(lot, kept);
    }
    return gone;
  };
  const from = (n: number, quota: number): Part[] => {
    const parts: Part[] = [];
    for (const lot of inPool(n)) parts.push({ lot, amount: Math.min(free(lot), quota - total(parts)) });
    return some(parts);
  };
  const take = (parts: Part[], said = {}): void => {
    for (const [pool, ours] of Map.groupBy(parts, ({ lot }) => lot.pool)) {
      const draws = [...Map.groupBy(ours, ({ lot }) => lot)].map(([lot, own]) => ({ lot, amount: total(own) }));
      for (const { lot, amount } of draws) {
        lot.left -= amount;
        if (held(lot) === 0) lot.carries = undefined;
        lot.owed = Math.min(lot.owed ?? 0, held(lot));
      }
      write(pool, "DEDUCTION", draws, -total(draws), said);
    }
  };
  return { pools, lots, ledger, holds, held, free, inPool, write, add, out, carry, back, release, from, take };
}
