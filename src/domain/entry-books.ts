import { type Break, count, type LawVerdict, verdict } from "./books.ts";
import type { CreditEntry, CreditEntryType, E4, Grant, Pool } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";
import { opens } from "./grant-books.ts";
import type { PoolAudit } from "./pool-books.ts";

/**
 * The law of the types of a ledger: an entry is what its type says, in its columns as in its body. Owns what an entry of each type looks
 * like. An EXPIRATION and a VOID look alike: which of them it is, says what had become of the grant at its instant (`leftProblem`).
 */

/** The columns that repeat what an entry's body says. */
export type EntryColumns = Pick<CreditEntry, "number" | "pool" | "type" | "atMs"> &
  Partial<Pick<CreditEntry, "eventSeq" | "reverses">>;

const COLUMN_NAMES = ["number", "pool", "type", "atMs", "eventSeq", "reverses"] as const;

/** What entries of a type look like: the sign of their amount, and which grants they name. `reverses` is what a REVERSAL alone does. */
const SHAPES: { [T in CreditEntryType]: { signs: readonly number[]; names: "draws" | "grant" | "none" | "any" } } = {
  GRANT: { signs: [1], names: "grant" },
  DEDUCTION: { signs: [-1], names: "draws" },
  EXPIRATION: { signs: [-1], names: "grant" },
  REVERSAL: { signs: [1], names: "draws" },
  // Carried over, out of one grant and into another; or 0 of none, where the credits of a plan came to nothing.
  ADJUSTMENT: { signs: [-1, 0, 1], names: "any" },
  VOID: { signs: [-1], names: "grant" },
  FREEZE: { signs: [0], names: "none" },
  UNFREEZE: { signs: [0], names: "none" },
};

function signOf(amountE4: E4): number {
  return amountE4 > 0n ? 1 : amountE4 < 0n ? -1 : 0;
}

/** Does an entry look like its type? A deduction and a reversal say their draws; of others, those that move credits say one grant. */
function isShaped({ type, amountE4, draws, grant, reverses }: CreditEntry): boolean {
  // A column has a CHECK, a body has none.
  if (!Object.hasOwn(SHAPES, type)) return false;
  const { signs, names } = SHAPES[type];
  const sign = signOf(amountE4);
  const is = draws !== undefined ? "draws" : grant !== undefined ? "grant" : "none";
  const wanted = names === "any" ? (sign === 0 ? "none" : "grant") : names;
  return signs.includes(sign) && is === wanted && (reverses !== undefined) === (type === "REVERSAL");
}

/** An entry by which credits left a grant unused. */
type Left = Pick<CreditEntry, "number" | "atMs"> & { type: "EXPIRATION" | "VOID" };

/** When subscriptions ended, by number; undefined: it goes on. One that is not there cannot be read. */
export type Ends = ReadonlyMap<number, number | undefined>;

/**
 * What of a grant is void leaves it as VOID, and what is over as EXPIRATION. Of one that is neither, a refund of what was bought is VOID,
 * and so is what comes back of a plan whose subscription ended; else what a plan gave is EXPIRATION: no period carried it on. Where a
 * grant was void, or its subscription ended, at the very instant of the entry, it may be either.
 */
function leftProblem({ type, atMs }: Left, grant: Grant, ends: Ends): string | undefined {
  const { voidedAtMs = Number.POSITIVE_INFINITY, expiresAtMs = Number.POSITIVE_INFINITY, subscription } = grant;
  const isPlans = subscription !== undefined && (grant.type === "PLAN_INCLUDED" || grant.type === "ROLLOVER");
  const isUnread = isPlans && !ends.has(subscription);
  const endedAtMs = (isPlans ? ends.get(subscription) : undefined) ?? Number.POSITIVE_INFINITY;
  if (type === "EXPIRATION") {
    if (voidedAtMs < atMs) return "is EXPIRATION, and its grant was void before";
    if (expiresAtMs <= atMs || isUnread || (isPlans && endedAtMs >= atMs)) return undefined;
    return isPlans
      ? "is EXPIRATION, and the subscription of its grant had ended"
      : "is EXPIRATION, and its grant was not over";
  }
  if (voidedAtMs <= atMs) return undefined;
  if (expiresAtMs <= atMs) return "is VOID, and its grant was over";
  return grant.type === "PURCHASED" || isUnread || endedAtMs <= atMs ? undefined : "is VOID, and its grant was not";
}

/** Each entry looks like its type, says it twice alike, freezes what is not frozen, and brings a grant of the kind that it says. */
export function auditTypes({ number, name, status }: Pool, { ends }: { ends: Ends }): PoolAudit {
  let [all, right] = [0n, 0n];
  let isFrozen = false;
  let broken: Break | undefined;
  const carried = new Map<number, number>();
  const left = new Map<number, Left[]>();
  const found = (entry: number, why: string): void => {
    // Grants are told after entries: of two breaks the one of the older entry is the first.
    if (broken === undefined || entry < broken.number) broken = { kind: "creditEntry", number: entry, why };
  };
  return {
    entry(entry, { columns } = {}) {
      all += 1n;
      const { type, grant } = entry;
      const why = columnProblem(entry, columns) ?? shapeProblem(entry, isFrozen);
      if (type === "FREEZE") isFrozen = true;
      if (type === "UNFREEZE") isFrozen = false;
      if (why !== undefined) {
        found(entry.number, why);
        return;
      }
      right += 1n;
      if (grant === undefined) return;
      if (type === "ADJUSTMENT" && opens(entry)) carried.set(grant, entry.number);
      if (type === "EXPIRATION" || type === "VOID")
        left.set(grant, [...(left.get(grant) ?? []), { number: entry.number, atMs: entry.atMs, type }]);
    },
    grant(grant) {
      const wrong = (entry: number, why: string): void => {
        right -= 1n;
        found(entry, why);
      };
      const entry = carried.get(grant.number);
      if (entry !== undefined && grant.type !== "ROLLOVER")
        wrong(entry, `is ADJUSTMENT, and brought a grant that is ${grant.type}`);
      for (const one of left.get(grant.number) ?? []) {
        const why = leftProblem(one, grant, ends);
        if (why !== undefined) wrong(one.number, why);
      }
    },
    verdicts(): LawVerdict[] {
      const isUnlike = status !== "ARCHIVED" && isFrozen !== (status === "FROZEN");
      const unlike: Break = {
        kind: "creditPool",
        number,
        why: `is ${status}, its ledger left it ${isFrozen ? "frozen" : "not frozen"}`,
      };
      return [
        verdict(
          "entry_types",
          { kind: "creditPool", number, name },
          { left: right, right: all, format: count },
          broken ?? (isUnlike ? unlike : undefined),
        ),
      ];
    },
  };
}

/** An entry says the same in its columns and in its body. */
function columnProblem(entry: CreditEntry, columns: EntryColumns | undefined): string | undefined {
  const column = columns === undefined ? undefined : COLUMN_NAMES.find((one) => columns[one] !== entry[one]);
  return columns === undefined || column === undefined
    ? undefined
    : `says ${column} ${columns[column] ?? "none"} in its column, and ${entry[column] ?? "none"} in its body`;
}

/** What an entry looks like, and whether the pool was frozen before it. */
function shapeProblem(entry: CreditEntry, isFrozen: boolean): string | undefined {
  const { type, amountE4, draws } = entry;
  if (!isShaped(entry))
    return `is ${type}, and no ${type} looks like it: ${formatE4(amountE4)}, ${draws === undefined ? "without" : "with"} draws`;
  return (type === "FREEZE" && isFrozen) || (type === "UNFREEZE" && !isFrozen)
    ? `is ${type} of a pool that is ${isFrozen ? "frozen" : "not frozen"}`
    : undefined;
}

/** By how much the entries of a type come to more than they should. */
export type Excess = ReadonlyMap<CreditEntryType, E4>;

/**
 * The first entry that would mend the totals if it had another type: those of its own type come to just as much too much as those of
 * the other come to too little. Of several alike the first is named, though it need not be the one that was changed.
 */
export function retyped(excess: Excess, entries: () => Iterable<CreditEntry>): Break | undefined {
  const [one, other, ...more] = [...excess].filter(([, amountE4]) => amountE4 !== 0n);
  if (one === undefined || other === undefined || more.length > 0 || one[1] !== -other[1]) return undefined;
  for (const { number, type, amountE4 } of entries())
    for (const [[is, excessE4], [was]] of [[one, other] as const, [other, one] as const])
      if (type === is && amountE4 === excessE4)
        return { kind: "creditEntry", number, why: `is ${is}: as ${was} it would make the totals right` };
  return undefined;
}
