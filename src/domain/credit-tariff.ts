import type { E12 } from "./amount.ts";
import { TARIFF_LEAD_MS, TARIFF_PAST_MS_MAX } from "./limits.ts";
import { invalid, type Refusal, type Reply } from "./refusal.ts";

/**
 * Weights and prices as an operator publishes them, in dated batches. Both are books of rows of one shape: a row says the value of a
 * subject (a feature, a denomination) in a variant of it (a model, or none; a currency) from an instant on. Owns when a batch may be
 * published and what may be taken back. Leaves to `credit-weight.ts` which row counts for an event.
 *
 * Laws: what a row says never changes; a row takes effect no sooner than 10 s after it was published; an instant has one batch.
 */

export type TariffRow = {
  rowId: string;
  subject: string;
  variant: string;
  value: E12;
  /** What the batch asked for; earlier than `effectiveFromMs` where that was at once. */
  askedFromMs: number;
  effectiveFromMs: number;
  /** When the next row of its subject and variant takes effect. */
  replacedAtMs?: number;
  createdBy: string;
  createdAtMs: number;
};

export type TariffEntry = Pick<TariffRow, "subject" | "variant" | "value">;

export function entryKey({ subject, variant }: Pick<TariffRow, "subject" | "variant">): string {
  return JSON.stringify([subject, variant]);
}

/** Where the rows lie that a batch of this instant could meet: those it repeats, and those of the instant it would take effect at. */
export function batchRange(askedFromMs: number): { firstMs: number; lastMs: number } {
  return { firstMs: askedFromMs, lastMs: askedFromMs + TARIFF_PAST_MS_MAX + TARIFF_LEAD_MS };
}

/** A batch that was published before, or when a new one takes effect. */
export type BatchDecision = { repeated: readonly TariffRow[] } | { effectiveFromMs: number };

/**
 * Decides about a batch; `near` are the rows of its range. The same batch again is none; another at its instant is refused, and so is
 * one from the past, where a few minutes count as now: clocks differ, and requests take their time.
 */
export function decideBatch(
  { askedFromMs, entries }: { askedFromMs: number; entries: readonly TariffEntry[] },
  near: readonly TariffRow[],
  nowMs: number,
): Reply<BatchDecision> {
  const asked = near.filter((row) => row.askedFromMs === askedFromMs);
  if (asked.length > 0) return sameEntries(asked, entries) ? { ok: true, value: { repeated: asked } } : instantTaken();
  if (askedFromMs < nowMs - TARIFF_PAST_MS_MAX)
    return invalid(
      "effectiveFrom",
      "must not be past: rows in force never change, so that every charge can be explained",
    );
  const effectiveFromMs = Math.max(askedFromMs, nowMs + TARIFF_LEAD_MS);
  if (near.some((row) => row.effectiveFromMs === effectiveFromMs)) return instantTaken();
  return { ok: true, value: { effectiveFromMs } };
}

function sameEntries(rows: readonly TariffRow[], entries: readonly TariffEntry[]): boolean {
  const values = new Map(rows.map((row) => [entryKey(row), row.value]));
  return rows.length === entries.length && entries.every((entry) => values.get(entryKey(entry)) === entry.value);
}

function instantTaken(): Refusal {
  return {
    ok: false,
    code: "state_conflict",
    why: "Another batch takes effect at this instant; choose another instant, or delete that batch's rows while they are scheduled.",
  };
}

/** Can a row still be taken back? Not once it is so near that somebody may have read it. */
export function isScheduled(row: TariffRow, nowMs: number): boolean {
  return row.effectiveFromMs > nowMs + TARIFF_LEAD_MS;
}
