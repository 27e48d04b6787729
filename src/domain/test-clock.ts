import { CLOCK_ADVANCE_MS_MAX, DAY_MS } from "./limits.ts";
import { invalid, type Refusal } from "./refusal.ts";

/**
 * A test clock: time of test accounts that stands until it is moved. Owns where it may be moved. The objects of its customers keep
 * their own instant and settle up to it; who calls them all is `http/`.
 *
 * Laws: a clock never goes back; every customer of it has come at least to `frozenAtMs`; while an advance has not reached all of
 * them, some have come as far as `targetAtMs`.
 */

export type TestClock = {
  clockId: string;
  name?: string;
  frozenAtMs: number;
  /** Where an advance under way, or one that was interrupted, is going. */
  targetAtMs?: number;
  createdAtMs: number;
};

/** How far any customer of the clock may have come: where one that joins now begins. */
export function farthestOf({ frozenAtMs, targetAtMs }: TestClock): number {
  return Math.max(frozenAtMs, targetAtMs ?? frozenAtMs);
}

/** Why the clock cannot be moved to `toMs`; undefined: it can. The instant at which it stands is no move, and allowed. */
export function advanceRefusal({ frozenAtMs, targetAtMs }: TestClock, toMs: number): Refusal | undefined {
  if (toMs < frozenAtMs) return invalid("frozenTime", "must not be before the clock's own time: it only goes forwards");
  if (toMs - frozenAtMs > CLOCK_ADVANCE_MS_MAX)
    return invalid("frozenTime", `must be at most ${CLOCK_ADVANCE_MS_MAX / DAY_MS} days ahead: advance in steps`);
  if (targetAtMs === undefined || toMs >= targetAtMs) return undefined;
  const target = new Date(targetAtMs).toISOString();
  return {
    ok: false,
    code: "state_conflict",
    why: `An advance to ${target} has begun and not ended; some customers are there already. Advance to that instant or a later one.`,
  };
}
