import type { Allocation, E4, RolloverPolicy } from "./credit.ts";
import { decimalToE4, formatE4 } from "./credit-amount.ts";
import { type Difference, differenceBy } from "./difference.ts";

/**
 * What an account's credits are, and what its plans give of them. Owns when two allocations say the same. Leaves granting to the
 * customer's object, which has them with the plan version that it pins.
 *
 * Law: a model never changes once it is made, so what was resolved from it stays true.
 */

/** A kind of credits: what they are called, and what becomes of those that a plan gives when their period ends. */
export type CreditModel = {
  creditModelId: string;
  name: string;
  /** What the credits are counted in, such as AI_CREDITS; models may share one. */
  denomination: string;
  description?: string;
  /** Charges that a pool does not cover are refused, unless an allocation says otherwise. */
  hardLimit: boolean;
  rolloverPolicy: RolloverPolicy;
  /** Exactly under CAPPED. */
  rolloverCapE4?: E4;
  /** JSON text. */
  metadata?: string;
  createdAtMs: number;
  modifiedAtMs: number;
};

/** What a plan itself says of an allocation; the rest is its model's. */
export type AllocationTerms = Pick<
  Allocation,
  "allocationId" | "creditModelId" | "amountE4" | "grantExpiresMonths" | "hardLimit" | "createdAtMs"
>;

/** An allocation with what its model says. */
export function allocationOf(terms: AllocationTerms, model: CreditModel): Allocation {
  return {
    ...terms,
    creditModelName: model.name,
    denomination: model.denomination,
    rolloverPolicy: model.rolloverPolicy,
    ...(model.rolloverCapE4 === undefined ? {} : { rolloverCapE4: model.rolloverCapE4 }),
  };
}

/** Does a subscriber get the same of both? */
export function sameAllocation(a: Allocation, b: Allocation): boolean {
  return (
    a.creditModelId === b.creditModelId &&
    a.amountE4 === b.amountE4 &&
    a.grantExpiresMonths === b.grantExpiresMonths &&
    a.hardLimit === b.hardLimit
  );
}

/** What became of a plan's allocations, by their models. */
export function allocationDifference(
  before: readonly Allocation[],
  after: readonly Allocation[],
): Difference<Allocation> {
  return differenceBy(before, after, ({ creditModelId }) => creditModelId, sameAllocation);
}

type Stored = Omit<Allocation, "amountE4" | "rolloverCapE4"> & { amount: string; rolloverCap?: string };

/** A version's allocations as stored JSON text. */
export function allocationsText(allocations: readonly Allocation[]): string {
  const stored = allocations.map(
    ({ amountE4, rolloverCapE4, ...rest }): Stored => ({
      ...rest,
      amount: formatE4(amountE4),
      ...(rolloverCapE4 === undefined ? {} : { rolloverCap: formatE4(rolloverCapE4) }),
    }),
  );
  return JSON.stringify(stored);
}

/** Reads what `allocationsText` wrote. */
export function allocationsFromText(text: string): Allocation[] {
  return (JSON.parse(text) as Stored[]).map(({ amount, rolloverCap, ...rest }) => ({
    ...rest,
    amountE4: decimalToE4(amount),
    ...(rolloverCap === undefined ? {} : { rolloverCapE4: decimalToE4(rolloverCap) }),
  }));
}
