import type { Exact } from "./exact.ts";
import type { Catalog, Plan, Ref, Rule, Version } from "./facts.ts";
import type { Span } from "./price.ts";

/** One customer's subscriptions, bills and uses, as the facts so far make them. */

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export type Line = Span & {
  kind: "BASE" | "USAGE" | "PRORATION" | "CREDIT";
  cents: bigint;
  feature?: string;
  units?: Exact;
  /** Of usage: the period, stretch and feature that it is of. */
  place?: string;
  /** Of what a correction gives back: the units that were given back of that place before. */
  before?: Exact;
};

export type Paid = Span & { cents: bigint };

export type Bill = Span & {
  sub: number;
  place: number;
  type: "IN_ADVANCE_INITIAL" | "REGULAR" | "ADJUSTMENT" | "CREDIT";
  status: "PENDING" | "DUE" | "PAST_DUE" | "PAID" | "VOID" | "CANCELLED";
  currency: string;
  lines: Line[];
  cents: bigint;
  dueMs: number;
  graceEndsMs?: number;
  paidMs?: number;
  paidBy?: "PROVIDER" | "CARRIED";
  /** Money is on its way: until then nobody loses anything for it. */
  underWayMs?: number;
  /** What the provider gave back of it. */
  givenBack: bigint;
  /** The provider was asked for its money. */
  isAsked?: true;
  /** Credit for time that this bill charges for: given when it is paid. */
  resting: Paid[];
};

/** A version from an instant on. */
export type Stretch = Ref & { fromMs: number };

/** Units that count, in the how-manieth period and in which of its stretches. `left`: of them, what no correction took; `covered`: what credits paid for. */
export type Use = { feature: string; units: Exact; left: Exact; covered?: Exact; period: number; stretch: number };

/** What was told under a key, by its last correction, and what of it counts. `first`: where it counted. */
export type Told = { feature: string; said: Exact; counted: Exact; sub?: number; first?: Use; pieces: Use[] };

export type Sub = Ref &
  Span & {
    number: number;
    status: "INCOMPLETE" | "ACTIVE" | "SUSPENDED" | "CANCELLED";
    createdMs: number;
    activeMs?: number;
    suspendedMs?: number;
    endedMs?: number;
    graceDays: number;
    anchor: number;
    isOpen: boolean;
    /** Counts the periods, and the times between them, in which units can only be taken back. */
    period: number;
    /** The versions of the open period, in order. */
    stretches: Stretch[];
    uses: Use[];
    /** The stretches of each period that is over. */
    past: Record<number, (Stretch & Span)[]>;
    /** Units that corrections took from what was billed, by period, stretch and feature. */
    givenBack: Record<string, Exact>;
    /** The money for them, in the same places. */
    credited: Record<string, bigint>;
    /** Places whose bill is void: nobody was charged for what was used there. */
    forgiven: Record<string, true>;
    /** What was paid for time that is not over. */
    paid: Paid[];
    /** Lines for the next bill. */
    waiting: Line[];
    bills: number;
    /** The bill that was announced for the open period. */
    announced?: Bill;
    cancel?: { mode: string; atMs: number };
    scheduled?: Ref & { type: "DOWNGRADE" | "MIGRATION"; instead?: Ref };
  };

/** Credits that are there to be burned, in the order in which they came. */
export type Pool = { isHard: boolean; isFrozen: boolean; grants: { left: Exact; untilMs: number }[] };

export type Book = {
  catalog: Catalog;
  nowMs: number;
  subs: Sub[];
  bills: Bill[];
  /** What is owed to the customer, by currency; below 0 what they owe. */
  balances: Record<string, bigint>;
  /** What of it was paid out by refunds of payments, by currency. */
  byRefund: Record<string, bigint>;
  /** By their keys. */
  uses: Record<string, Told>;
  pool?: Pool;
  /** Money is collected by a payment provider. */
  collects: boolean;
};

export function emptyBook(catalog: Catalog, nowMs: number, collects: boolean): Book {
  return { catalog, nowMs, subs: [], bills: [], balances: {}, byRefund: {}, uses: {}, collects };
}

export function planOf({ catalog }: Book, { plan }: { plan: string }): Plan {
  const found = catalog.find(({ key }) => key === plan);
  if (found === undefined) throw new Error(`no plan ${plan}`);
  return found;
}

export function versionOf(book: Book, ref: Ref): Version {
  const found = planOf(book, ref).versions[ref.version - 1];
  if (found === undefined) throw new Error(`no version ${ref.version} of ${ref.plan}`);
  return found;
}

export function ruleOf(book: Book, ref: Ref, feature: string): Rule | undefined {
  return versionOf(book, ref).rules.find((rule) => rule.feature === feature);
}

export const isUnpaid = ({ status }: Bill) => status === "DUE" || status === "PAST_DUE";
export const billsOf = (book: Book, { number }: Sub) => book.bills.filter(({ sub }) => sub === number);
export const sumOfLines = (lines: readonly Line[]) => lines.reduce((sum, { cents }) => sum + cents, 0n);
export const isFree = (book: Book, ref: Ref) => /^[0.]*$/.test(versionOf(book, ref).price);
export const dayOf = (atMs: number) => new Date(atMs).getUTCDate();

export function owe(book: Book, currency: string, cents: bigint): void {
  book.balances[currency] = (book.balances[currency] ?? 0n) + cents;
}
