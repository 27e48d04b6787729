/**
 * What is known of one customer's life: what was sold, and what happened, in order. Nothing else is needed to say what they owe. Amounts
 * and units are decimal text, instants milliseconds.
 */

export type Tier = { upTo: string; price: string; flatFee: string };

/**
 * A feature in a plan. Without tiers and price it is included. `limit`: units of a period, or ever where they accumulate. `burns`: its units
 * are paid by credits, as long as there are any.
 */
export type Rule = {
  feature: string;
  price?: string;
  tiers?: readonly Tier[];
  limit?: string;
  accumulates: boolean;
  burns?: true;
};

/** Credits that come with each period: how many, for how long, and what of them is carried into the next one, up to a cap. */
export type Gift = {
  model: string;
  credits: string;
  months?: number;
  isHard: boolean;
  policy: "NONE" | "FULL" | "CAPPED";
  cap?: string;
};

export type Version = { price: string; rules: readonly Rule[]; gives: readonly Gift[] };

/** Version n is at place n − 1. */
export type Plan = { key: string; currency: string; months: number; inArrears: boolean; versions: readonly Version[] };

export type Catalog = readonly Plan[];

/** A version of a plan. */
export type Ref = { plan: string; version: number };

/** A bill: the how-manieth of which subscription, both from 1. */
export type BillRef = { sub: number; place: number };

/** `isAccepted`: nobody knew then whether it counts, so no lack of credits refused it. */
export type UseTold = {
  kind: "use";
  key: string;
  feature: string;
  units: string;
  usedMs: number;
  wanted?: number;
  /** By which its units are weighed. */
  model?: string;
  isAccepted?: true;
};

export type Happened =
  | { kind: "subscribe"; to: Ref; graceDays: number }
  | { kind: "change"; sub: number; to: Ref; type: "UPGRADE" | "DOWNGRADE" }
  | { kind: "migrate"; sub: number; to: Ref; when: "NOW" | "NEXT_PERIOD" }
  | { kind: "cancel"; sub: number; mode: "END_OF_PERIOD" | "IMMEDIATE" }
  | { kind: "revert" | "dropScheduled" | "activate"; sub: number }
  | { kind: "grace"; sub: number; days: number }
  | { kind: "pay"; bill: BillRef }
  | { kind: "void"; bill: BillRef; rebill: boolean }
  /** `byRefund`: by giving back a payment at the provider. */
  | { kind: "payout"; currency: string; cents: bigint; byRefund?: true }
  /** `wanted`: the subscription that shall count it, if it can. */
  | UseTold
  /** Units are kept for so long; what was used of them is told under a key of its own. */
  | { kind: "reserve"; feature: string; units: string; seconds: number; model?: string }
  | { kind: "commit"; hold: number; key: string; units: string }
  | { kind: "release"; hold: number }
  | { kind: "makePool"; isHard: boolean }
  /** Credits are asked for, and came with the money. */
  | { kind: "buy"; pool: number; credits: string }
  | { kind: "bought"; pool: number; credits: bigint; cents: bigint }
  | { kind: "grant"; pool: number; credits: string; untilMs?: number }
  | { kind: "deduct"; pool: number; credits: string }
  | { kind: "freeze" | "unfreeze"; pool: number }
  /** The use under this key should have said so many units. */
  | { kind: "correct"; key: string; units: string }
  /** Money for it came through the payment provider, or is on its way until an instant, or so much of it was given back; below 0 it was not, after all. */
  | { kind: "collected"; bill: BillRef }
  | { kind: "underWay"; bill: BillRef; untilMs: number }
  | { kind: "givenBack"; bill: BillRef; cents: bigint }
  /** A payout by a refund gave nothing after all. */
  | { kind: "payoutBack"; currency: string; cents: bigint }
  /** Nobody is to know any more who the customer was. */
  | { kind: "erase" }
  /** Somebody looked: whatever fell due until then has happened by then. */
  | { kind: "seen" };

export type Fact = { atMs: number } & Happened;

/** What a rule refuses changes nothing; it is a fact all the same, for somebody looked. */
export type Told = "done" | "refused";
