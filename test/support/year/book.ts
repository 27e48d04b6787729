import type { Exact } from "./exact.ts";
import type { Catalog, Gift, Plan, Ref, Rule, Version } from "./facts.ts";
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
  /** Credits of the plan that come when it is paid. */
  brings?: Share[];
  /** Credits that were bought by it: so many in all; and the most of its money that was ever given back, for which credits left. */
  brought?: { lot: Lot; credits: bigint; takenFor: bigint };
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
    /** What plans gave in the open period, for which time. */
    covered: (Span & { credits: bigint })[];
    /** Credits that are paid for and wait, by their bills. */
    coming: (Span & { shares: Share[]; place: number })[];
    bills: number;
    /** The bill that was announced for the open period. */
    announced?: Bill;
    cancel?: { mode: string; atMs: number };
    scheduled?: Ref & { type: "DOWNGRADE" | "MIGRATION"; instead?: Ref };
  };

/** So many credits, in ten-thousandths, under a gift of a plan. */
export type Share = { gift: Gift; credits: bigint };

/** Credits that came at once, in ten-thousandths. */
export type Lot = {
  /** By the order in which they came, into whatever pool. */
  number: number;
  kind: "PLAN" | "CARRIED" | "GIVEN" | "BOUGHT";
  /** Whose plan gave it. */
  sub?: number;
  /** What is held is in it. */
  left: bigint;
  untilMs: number;
  /** It gives nothing but what was held before. */
  isVoid?: true;
  /** A period ended while some was held: so much of what comes back is carried, the rest leaves. */
  carries?: bigint;
  /** Its money was given back while some was held: so much of what comes back leaves. */
  owed?: bigint;
};

/** Given for time that was given back: `due` is to be set off, `held` may still be used. Of lots up to `upTo`. */
export type Cut = { sub: number; upTo: number; due: bigint; held: bigint };

/** `model`: the plans' credit model that it was made for. `links`: the subscriptions that it is for; none: for all. */
export type Pool = {
  model?: string;
  isHard: boolean;
  isFrozen: boolean;
  policy: Gift["policy"];
  cap: bigint;
  links: number[];
  lots: Lot[];
  cuts: Cut[];
};

/** Credits of one lot. */
export type Part = { lot: Lot; credits: bigint };

/** Units that are kept for somebody, with the credits that they burn. */
export type Hold = {
  sub: number;
  feature: string;
  units: Exact;
  /** By which they are weighed. */
  model?: string;
  untilMs: number;
  status: "HELD" | "COMMITTED" | "RELEASED" | "LAPSED";
  parts: Part[];
};

/** How often what no command asks for happened. */
const NOTHING_TOLD = { planCredits: 0, carriedOver: 0, givenAhead: 0, lapsed: 0 };

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
  /** In the order in which they were made. */
  pools: Pool[];
  /** How many lots there ever were. */
  lots: number;
  /** In the order in which they were made. */
  holds: Hold[];
  /** Purchases that were asked for, paid or not. */
  asked: { pool: number; credits: bigint; cents: bigint }[];
  told: typeof NOTHING_TOLD;
  isErased: boolean;
  /** Money is collected by a payment provider. */
  collects: boolean;
};

export function emptyBook(catalog: Catalog, nowMs: number, collects: boolean): Book {
  const credits = { pools: [], lots: 0, holds: [], isErased: false, asked: [], told: { ...NOTHING_TOLD } };
  return { catalog, nowMs, subs: [], bills: [], balances: {}, byRefund: {}, uses: {}, collects, ...credits };
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
export const isTime = ({ kind }: Line) => kind === "BASE" || kind === "PRORATION";
export const sumOfLines = (lines: readonly Line[]) => lines.reduce((sum, { cents }) => sum + cents, 0n);
export const isFree = (book: Book, ref: Ref) => /^[0.]*$/.test(versionOf(book, ref).price);
export const dayOf = (atMs: number) => new Date(atMs).getUTCDate();

export function owe(book: Book, currency: string, cents: bigint): void {
  book.balances[currency] = (book.balances[currency] ?? 0n) + cents;
}
