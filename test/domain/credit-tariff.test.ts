import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  batchRange,
  decideBatch,
  isScheduled,
  type TariffEntry,
  type TariffRow,
} from "../../src/domain/credit-tariff.ts";
import { KEY_FRESH_MS_MAX, TARIFF_LEAD_MS, TARIFF_PAST_MS_MAX } from "../../src/domain/limits.ts";

const NOW = Date.parse("2027-03-01T12:00:00Z");
const MINUTE = 60_000;

const entry = (subject: string, value: bigint, variant = ""): TariffEntry => ({ subject, variant, value });

const rowOf = (one: TariffEntry, askedFromMs: number, effectiveFromMs = askedFromMs): TariffRow => ({
  rowId: `${one.subject} ${askedFromMs}`,
  ...one,
  askedFromMs,
  effectiveFromMs,
  createdBy: "…key",
  createdAtMs: NOW - MINUTE,
});

describe("does", () => {
  test.for<[string, number, number]>([
    ["an hour ahead", NOW + 60 * MINUTE, NOW + 60 * MINUTE],
    ["11 s ahead", NOW + 11_000, NOW + 11_000],
    ["5 s ahead", NOW + 5000, NOW + 10_000],
    ["now", NOW, NOW + 10_000],
    ["5 minutes past", NOW - 5 * MINUTE, NOW + 10_000],
  ])("a batch for %s takes effect when it may", ([, askedFromMs, effectiveFromMs], { expect }) => {
    const decided = decideBatch({ askedFromMs, entries: [entry("a", 1n)] }, [], NOW);
    expect(decided).toEqual({ ok: true, value: { effectiveFromMs } });
  });

  test("the same batch again is the first one, in whatever order, and however long ago", ({ expect }) => {
    const entries = [entry("a", 1n), entry("a", 2n, "gpt-4o")];
    const near = entries.map((one) => rowOf(one, NOW, NOW + 10_000));
    for (const later of [0, MINUTE, 1000 * MINUTE])
      expect(decideBatch({ askedFromMs: NOW, entries: entries.toReversed() }, near, NOW + later)).toEqual({
        ok: true,
        value: { repeated: near },
      });
  });
});

describe("refuses", () => {
  test("a batch from the past, by a millisecond", ({ expect }) => {
    const batch = { askedFromMs: NOW - 5 * MINUTE - 1, entries: [entry("a", 1n)] };
    expect(decideBatch(batch, [], NOW)).toMatchObject({ ok: false, fields: [{ path: "effectiveFrom" }] });
  });

  test.for<[string, TariffEntry[]]>([
    ["another value", [entry("a", 2n), entry("b", 1n)]],
    ["fewer entries", [entry("a", 1n)]],
    ["more entries", [entry("a", 1n), entry("b", 1n), entry("c", 1n)]],
    ["other entries", [entry("a", 1n), entry("b", 1n, "gpt-4o")]],
  ])("another batch at its instant: %s", ([, entries], { expect }) => {
    const near = [rowOf(entry("a", 1n), NOW), rowOf(entry("b", 1n), NOW)];
    const refused = { ok: false, code: "state_conflict" };
    expect(decideBatch({ askedFromMs: NOW, entries }, near, NOW - MINUTE)).toMatchObject(refused);
  });

  test("a batch that would take effect together with another", ({ expect }) => {
    const near = [rowOf(entry("a", 1n), NOW + TARIFF_LEAD_MS)];
    const batch = { askedFromMs: NOW, entries: [entry("b", 1n)] };
    expect(decideBatch(batch, near, NOW)).toMatchObject({ ok: false, code: "state_conflict" });
    expect(decideBatch(batch, near, NOW + 1)).toMatchObject({ ok: true });
  });
});

describe("holds", () => {
  test("a row takes effect later than any snapshot of before is believed, and is near what its batch asked for", ({
    expect,
  }) => {
    expect(TARIFF_LEAD_MS).toBeGreaterThan(KEY_FRESH_MS_MAX);
    const offset = fc.integer({ min: -2 * TARIFF_PAST_MS_MAX, max: 2 * TARIFF_PAST_MS_MAX });
    fc.assert(
      fc.property(offset, (ahead) => {
        const askedFromMs = NOW + ahead;
        const decided = decideBatch({ askedFromMs, entries: [entry("a", 1n)] }, [], NOW);
        expect(decided.ok).toBe(ahead >= -TARIFF_PAST_MS_MAX);
        if (!decided.ok || !("effectiveFromMs" in decided.value)) return;
        const { effectiveFromMs } = decided.value;
        expect(effectiveFromMs).toBeGreaterThanOrEqual(NOW + TARIFF_LEAD_MS);
        // So the rows that a batch must be compared with are found by the instant they take effect at.
        const { firstMs, lastMs } = batchRange(askedFromMs);
        expect(effectiveFromMs).toBeGreaterThanOrEqual(firstMs);
        expect(effectiveFromMs).toBeLessThanOrEqual(lastMs);
        expect(isScheduled(rowOf(entry("a", 1n), askedFromMs, effectiveFromMs), NOW)).toBe(ahead > TARIFF_LEAD_MS);
      }),
    );
  });
});
