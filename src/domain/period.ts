import { assert } from "./assert.ts";

/**
 * Billing periods: half-open, UTC, `[startMs, endMs)`. Owns where a period ends. Leaves to subscriptions when one is opened.
 *
 * Laws: each period begins where the one before it ended; its end falls on the anchor day of its month, or on that month's last
 * day where it is shorter; a clamped period does not move the ones after it (31 Jan → 28 Feb → 31 Mar).
 */

export type Period = { startMs: number; endMs: number };

/** The UTC day of the month of an instant, 1 … 31. */
export function anchorDayOf(atMs: number): number {
  return new Date(atMs).getUTCDate();
}

/**
 * The instant `months` whole months after `startMs`, at the same time of day, on `anchorDay` or the month's last day if that is
 * earlier. `anchorDay` is the day that the first period started on, so clamping never adds up.
 */
export function addMonthsAnchored(startMs: number, months: number, anchorDay: number): number {
  assert(Number.isSafeInteger(startMs) && months >= 1 && anchorDay >= 1 && anchorDay <= 31, "a period has an anchor");
  const start = new Date(startMs);
  const month = start.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(start.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const midnightMs = Date.UTC(start.getUTCFullYear(), month, Math.min(anchorDay, lastDay));
  return midnightMs + (startMs - Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate()));
}

/** The period that begins at `startMs`. */
export function periodFrom(startMs: number, intervalMonths: number, anchorDay: number): Period {
  return { startMs, endMs: addMonthsAnchored(startMs, intervalMonths, anchorDay) };
}
