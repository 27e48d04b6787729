import { E12_ONE } from "./amount.ts";
import { pinOf } from "./book.ts";
import { nextWeightAtMs, type Weighing } from "./credit-weight.ts";
import { type Readable, ruleFor, type Verdict } from "./entitlement.ts";
import { LEASE_FACTOR } from "./limits.ts";
import { creditsThing, type Paces, usedWithin } from "./pace.ts";
import { counterKey } from "./usage.ts";

/**
 * For how long an answer of access may be repeated without asking again. The object decides it: it alone knows what is used, how fast,
 * and what falls due. Leaves the keeping and dropping to the edge (`edge/leases.ts`).
 *
 * Laws: a no is never repeated. A yes is repeated no longer than the account's bound, nor up to an instant at which it may turn by itself.
 * Where use could turn it, it is repeated only while what is left is more than ten times what was lately used within the bound, and
 * more than ten units: the end of a limit is asked for each time.
 */

/** `boundMs`: the account's bound. `nextDueAtMs`: nothing of the customer falls due before. */
export type LeaseQuestion = {
  boundMs: number;
  nowMs: number;
  nextDueAtMs: number | undefined;
  weighing: Weighing;
  paces: Paces;
};

/** Milliseconds for which the answer to a plain question may be repeated, from the instant at which it was asked for; 0: not at all. */
export function leaseMsOf(book: Readable, verdict: Verdict, question: LeaseQuestion): number {
  const { boundMs, nowMs, nextDueAtMs = Number.POSITIVE_INFINITY } = question;
  if (!verdict.allowed || boundMs <= 0) return 0;
  if (mayRunOut(book, verdict, question)) return 0;
  const { credit } = verdict;
  // The same credits are of other worth from then on.
  const weightAtMs =
    credit === undefined ? Number.POSITIVE_INFINITY : nextWeightAtMs(question.weighing, credit.featureId);
  return Math.max(0, Math.min(boundMs, nextDueAtMs - nowMs, weightAtMs - nowMs));
}

/** Could use turn the answer within the bound, going by how fast it went lately? */
function mayRunOut(book: Readable, verdict: Verdict, { paces, boundMs, nowMs }: LeaseQuestion): boolean {
  const { limitE12, usedE12, heldE12, credit } = verdict;
  if (limitE12 !== undefined) {
    const thing = unitsThing(book, verdict);
    if (!isPlenty(limitE12 - usedE12 - heldE12, E12_ONE, usedWithin(paces, thing, boundMs, nowMs))) return true;
  }
  if (credit === undefined || !credit.hardLimit) return false;
  const taken = usedWithin(paces, creditsThing(credit.denomination), boundMs, nowMs);
  return !isPlenty(credit.availableE4, credit.neededE4, taken);
}

/** `leastly`: what one use takes at least. Nothing known of the pace: not plenty. */
function isPlenty(left: bigint, leastly: bigint, taken: bigint | undefined): boolean {
  if (taken === undefined) return false;
  return left > LEASE_FACTOR * (taken > leastly ? taken : leastly);
}

function unitsThing(book: Readable, { subscription: number = 0, featureKey }: Verdict): string {
  const subscription = book.subscriptions.get(number);
  const rule = subscription === undefined ? undefined : ruleFor(pinOf(book, subscription), { featureKey });
  return counterKey(number, rule?.featureId ?? "");
}

/**
 * A leased answer on its way: `rev` is the customer's commit number, by which later answers are told from earlier ones. `leaseMs` 0: the
 * answer must not be repeated.
 */
export type LeaseTerms = { rev: number; leaseMs: number };
