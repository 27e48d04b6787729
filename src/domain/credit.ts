import type { E12 } from "./amount.ts";
import type { Period } from "./period.ts";

/**
 * Prepaid credits: pools, the grants that fill them, and the ledger that explains them. Owns the shapes. Leaves what may be done with
 * a pool to `pools.ts`, grants to `grants.ts`, spending to `charge.ts`.
 *
 * Laws, per pool: granted + reversed = balance + consumed + expired + voided; the balance is the sum of what its grants hold; no more
 * is held than there is; the entries of the ledger chain, each beginning with the balance that the one before it left.
 */

/** Credits: a bigint of 1/10,000. 2.5 credits are 25_000n. */
export type E4 = bigint;

/** What becomes of a plan's credits when their period ends: they expire, go on, or go on up to a cap. */
export const ROLLOVER_POLICIES = ["NONE", "FULL", "CAPPED"] as const;
export type RolloverPolicy = (typeof ROLLOVER_POLICIES)[number];

/** DEPLETED is shown for an ACTIVE hard pool whose balance is 0: derived, never stored. */
export const POOL_STATUSES = ["ACTIVE", "FROZEN", "ARCHIVED"] as const;
export type PoolStatus = (typeof POOL_STATUSES)[number];

/** A subscription that draws from a pool. Lower priority first. */
export type PoolLink = {
  subscription: number;
  drawPriority: number;
  /** No more than this in one period of the subscription. */
  drawLimitE4?: E4;
  /** Drawn since the subscription's period began, less what of it was given back. */
  drawnE4: E4;
  /** Number of the last entry before that count began: what it and earlier ones drew is in it no more. Links of before lack it. */
  drawnAfter?: number;
  /** Held for the subscription's reservations: counts against the limit until they end. */
  heldE4: E4;
  /** The last period's end: the last entry before it, and what its cap had room for still. Not under FULL. */
  ended?: { entry: number; roomE4: E4 };
};

/** Credits of a period that was cut short which were used or are kept, though the time that they were for was given back. */
export type Ahead = {
  subscription: number;
  /** The last grant before the cut, and the last entry before the period. */
  grant: number;
  entry: number;
  /** Still to be set off. Below 0: so much of what is held can be used before there is anything to set off. */
  dueE4: E4;
  /** Held at the cut, and neither used nor back since: it counts when it is used, since it leaves when it comes back. */
  heldE4: E4;
};

export type Pool = {
  /** 1, 2, 3 … within the customer; the id is made of it. */
  number: number;
  name: string;
  denomination: string;
  /** In which its credits are sold. Pools of before have none. */
  currency?: string;
  /** Charges that it does not cover are refused; otherwise the rest is billed by the rule's price. */
  hardLimit: boolean;
  status: PoolStatus;
  rolloverPolicy: RolloverPolicy;
  /** Under CAPPED: how much of the plan's credits is carried into the next period. */
  rolloverCapE4?: E4;
  /** The credit model that it was made for, at the first grant of a plan. */
  modelId?: string;
  /** What is there, held credits included. */
  balanceE4: E4;
  heldE4: E4;
  grantedE4: E4;
  consumedE4: E4;
  expiredE4: E4;
  reversedE4: E4;
  voidedE4: E4;
  /** Given by plans for time that was given back, and gone: the next credits of plans are so many fewer. Absent: none. */
  ahead?: readonly Ahead[];
  links: readonly PoolLink[];
  /** Links that were taken away: what they count goes on to the period's end, should they be made again. */
  unlinked?: readonly PoolLink[];
  /** JSON text. */
  metadata?: string;
  createdAtMs: number;
  modifiedAtMs: number;
};

export const GRANT_TYPES = [
  "PLAN_INCLUDED",
  "PURCHASED",
  "PROMOTIONAL",
  "REFUND",
  "SYSTEM",
  "ROLLOVER",
  "MANUAL",
] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

/** Credits that came into a pool at once, and what is left of them. */
export type Grant = {
  number: number;
  pool: number;
  subscription?: number;
  invoice?: number;
  type: GrantType;
  amountE4: E4;
  /** Held credits included. */
  remainingE4: E4;
  heldE4: E4;
  /** What one credit was sold for. */
  unitPriceE12?: E12;
  currency?: string;
  /** First instant at which it is gone. */
  expiresAtMs?: number;
  description?: string;
  /** From then on it gives nothing but what was held of it. */
  voidedAtMs?: number;
  /** A rollover passed while some of it was held: of what comes back so much is carried over, the rest expires. */
  carriesE4?: E4;
  /** Its money was given back in part while some of it was held: of what comes back so much leaves. Never more than is held. */
  owedE4?: E4;
  /** JSON text. */
  metadata?: string;
  createdAtMs: number;
  /** The caller's own key, unique among the grants of its pool. */
  key?: string;
};

export const CREDIT_ENTRY_TYPES = [
  "GRANT",
  "DEDUCTION",
  "EXPIRATION",
  "REVERSAL",
  "ADJUSTMENT",
  "VOID",
  "FREEZE",
  "UNFREEZE",
] as const;
export type CreditEntryType = (typeof CREDIT_ENTRY_TYPES)[number];

/** How much of a charge one grant gave, or got back. */
export type Draw = { grant: number; amountE4: E4 };

/** Credits of one grant that a reservation holds. */
export type HeldCredits = Draw & { pool: number };

/** How a weight was found: for feature and model, for the feature, or none and 1 counts. */
export const WEIGHT_MATCHES = ["MODEL", "FEATURE_DEFAULT", "NONE"] as const;
export type WeightMatch = (typeof WEIGHT_MATCHES)[number];

/** What one unit of a feature burns. */
export type AppliedWeight = { weightId?: string; creditsPerUnitE12: E12; match: WeightMatch };

/** One row of a pool's ledger, never changed. `draws` say which grants, and how much of each. */
export type CreditEntry = {
  number: number;
  pool: number;
  type: CreditEntryType;
  /** Signed. */
  amountE4: E4;
  balanceBeforeE4: E4;
  balanceAfterE4: E4;
  /** The one grant that it is about, if there is one. */
  grant?: number;
  draws?: readonly Draw[];
  description?: string;
  /** The event that burned them. */
  eventSeq?: number;
  /** For whom they were drawn: its link counts them. Entries of before say nothing. */
  subscription?: number;
  /** The entry that it takes back. */
  reverses?: number;
  /** The caller's own key, unique among the deductions of its pool. */
  key?: string;
  weight?: AppliedWeight;
  unitsE12?: E12;
  occurredAtMs?: number;
  /** JSON text. */
  metadata?: string;
  atMs: number;
};

/** Credits that a plan version gives with each period, resolved when the version was published. */
export type Allocation = {
  allocationId: string;
  creditModelId: string;
  creditModelName: string;
  denomination: string;
  amountE4: E4;
  /** Months after which a grant is gone, counted like periods. */
  grantExpiresMonths?: number;
  hardLimit: boolean;
  rolloverPolicy: RolloverPolicy;
  rolloverCapE4?: E4;
  createdAtMs: number;
};

/** So many credits under an allocation. */
export type PlanCredits = { allocation: Allocation; amountE4: E4 };

/** What a plan gave for a time: while that runs, the unused share of it is still to be paid for. */
export type CreditCoverage = Period & { denomination: string; amountE4: E4 };

/** A dated weight as it comes along with an event or a check: those of its feature alone, newest last. */
export type Weight = { weightId: string; model?: string; creditsPerUnitE12: E12; effectiveFromMs: number };

/** A dated price of a denomination. */
export type CreditPrice = {
  priceId: string;
  denomination: string;
  currency: string;
  pricePerCreditE12: E12;
  effectiveFromMs: number;
};
