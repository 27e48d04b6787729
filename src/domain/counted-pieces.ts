import type { E12 } from "./amount.ts";
import type { Counted, StoredEvent } from "./event.ts";
import { NO_UNITS, type Units } from "./restate.ts";

/**
 * Where the units of an event are, after its corrections. Owns which of them a correction takes, and which return. Leaves to
 * `correction.ts` what follows from it.
 *
 * Laws: units are taken newest first, of each place the billed ones first; what returns does so as it went, in reverse.
 */

/** Units that were counted at one time by the event or a correction of it, and are still there: those billed and those covered. */
type Piece = Units & { seq: number; counted: Counted };

/**
 * What is counted of an event, oldest first: what a correction took back, it took from the newest. `owedE12`: how many units that
 * credits covered it took back beyond that, from others.
 */
export function piecesOf(wrong: StoredEvent, before: readonly StoredEvent[]): { pieces: Piece[]; owedE12: E12 } {
  const pieces: Piece[] = [];
  let [countedE12, owedE12] = [0n, 0n];
  for (const { seq, counted, correction } of [wrong, ...before]) {
    const totalE12 = correction?.countedE12 ?? counted?.unitsE12 ?? 0n;
    const changeE12 = totalE12 - countedE12;
    let coveredE12 = counted?.coveredE12 ?? 0n;
    const returned = returnedOf({ countedE12, owedE12 }, changeE12);
    countedE12 = totalE12;
    owedE12 -= returned.coveredE12;
    coveredE12 -= returned.coveredE12;
    const newE12 = changeE12 - returned.unitsE12;
    if (newE12 > 0n && counted !== undefined) pieces.push({ seq, counted, billedE12: newE12 - coveredE12, coveredE12 });
    for (const { index, coveredE12: takenE12, left } of newestFirst(pieces, -changeE12)) {
      pieces[index] = left;
      coveredE12 += takenE12;
    }
    if (coveredE12 < 0n) owedE12 -= coveredE12;
  }
  return { pieces, owedE12 };
}

/** Units of a change upwards that were taken back before: covered ones first, as they went last. */
export function returnedOf({ countedE12, owedE12 }: { countedE12: E12; owedE12: E12 }, changeE12: E12) {
  const belowE12 = countedE12 < 0n ? -countedE12 : 0n;
  const upE12 = changeE12 > 0n ? changeE12 : 0n;
  const unitsE12 = upE12 < belowE12 ? upE12 : belowE12;
  return { unitsE12, coveredE12: unitsE12 < owedE12 ? unitsE12 : owedE12 };
}

/** What of a piece is taken, and what is left of it. `isBeyond`: more than the event counted. */
export type Taken = Units & { index: number; left: Piece; isBeyond?: boolean };

/** How many of `unitsE12` to take from which piece; of each the billed ones first. */
function newestFirst(pieces: readonly Piece[], unitsE12: E12): Taken[] {
  let leftE12 = unitsE12 > 0n ? unitsE12 : 0n;
  const takeOf = (there: E12): E12 => {
    const takenE12 = there < leftE12 ? there : leftE12;
    leftE12 -= takenE12;
    return takenE12;
  };
  return [...pieces.entries()].toReversed().flatMap(([index, piece]) => {
    const billedE12 = takeOf(piece.billedE12);
    const coveredE12 = takeOf(piece.coveredE12);
    if (billedE12 === 0n && coveredE12 === 0n) return [];
    const left = {
      ...piece,
      billedE12: piece.billedE12 - billedE12,
      coveredE12: piece.coveredE12 - coveredE12,
    };
    return [{ index, billedE12, coveredE12, left }];
  });
}

/** What is taken from which place. Of units that accumulate more may be taken than there were: from where the event was counted. */
export function partsOf(
  wrong: StoredEvent,
  { before, lessE12 }: { before: readonly StoredEvent[]; lessE12: E12 },
  isKept: boolean,
): Taken[] {
  const parts = newestFirst(piecesOf(wrong, before).pieces, lessE12);
  const restE12 = parts.reduce((left, { billedE12, coveredE12 }) => left - billedE12 - coveredE12, lessE12);
  const { seq, counted } = wrong;
  if (isKept && restE12 > 0n && counted !== undefined)
    parts.push({ index: 0, billedE12: restE12, coveredE12: 0n, left: { seq, counted, ...NO_UNITS }, isBeyond: true });
  return parts;
}
