import * as fc from "fast-check";
import { describe, test } from "vitest";
import { E12_ONE } from "../../src/domain/amount.ts";
import type { Weight } from "../../src/domain/credit.ts";
import { weightFor, weightInstant } from "../../src/domain/credit-weight.ts";
import { DAY_MS, OCCURRED_AHEAD_MS_MAX, WEIGHT_LATE_MS_MAX } from "../../src/domain/limits.ts";

/** The choice of a weight against what the rule says in so many words. */

const MODELS = ["gpt-4o", "gpt-4o-mini", "GPT-4o"];

const weight = (weightId: string, effectiveFromMs: number, credits: bigint, model?: string): Weight => ({
  weightId,
  ...(model === undefined ? {} : { model }),
  creditsPerUnitE12: credits * E12_ONE,
  effectiveFromMs,
});

/** Rows of one feature as they are published: no two of one model at one instant, newest last. */
const books = fc
  .uniqueArray(
    fc.record({
      model: fc.option(fc.constantFrom(...MODELS), { nil: undefined }),
      atMs: fc.nat(20),
      credits: fc.bigInt({ min: 1n, max: 99n }),
    }),
    { selector: ({ model, atMs }) => `${model} ${atMs}`, maxLength: 30 },
  )
  .map((rows) =>
    rows
      .map(({ model, atMs, credits }, index) => weight(`w${index}`, atMs, credits, model))
      .sort((a, b) => a.effectiveFromMs - b.effectiveFromMs),
  );

const spaces = fc.constantFrom("", " ", "\t ", "\u00a0");

/** The newest row of exactly this model (undefined: of none) that has begun by an instant. */
function newest(rows: readonly Weight[], model: string | undefined, atMs: number): Weight | undefined {
  let found: Weight | undefined;
  for (const row of rows)
    if (row.model === model && row.effectiveFromMs <= atMs)
      if (found === undefined || row.effectiveFromMs > found.effectiveFromMs) found = row;
  return found;
}

describe("does", () => {
  test("a model's weight comes before its feature's, and that before 1", ({ expect }) => {
    const rows = [weight("feature", 10, 2n), weight("model", 20, 10n, "gpt-4o")];
    expect(weightFor(rows, "gpt-4o", 20)).toEqual({
      weightId: "model",
      creditsPerUnitE12: 10n * E12_ONE,
      match: "MODEL",
    });
    for (const [model, atMs] of [
      ["gpt-4o", 19],
      ["gpt-4o-mini", 20],
      ["GPT-4o", 20],
      ["", 20],
      [undefined, 10],
    ] as const)
      expect(weightFor(rows, model, atMs)).toEqual({
        weightId: "feature",
        creditsPerUnitE12: 2n * E12_ONE,
        match: "FEATURE_DEFAULT",
      });
    expect(weightFor(rows, "gpt-4o", 9)).toEqual({ creditsPerUnitE12: E12_ONE, match: "NONE" });
    expect(weightFor([], undefined, 0)).toEqual({ creditsPerUnitE12: E12_ONE, match: "NONE" });
  });

  test("an event's own instant counts, two days back and five minutes ahead", ({ expect }) => {
    const nowMs = 30 * DAY_MS;
    expect(weightInstant(nowMs - DAY_MS, nowMs)).toBe(nowMs - DAY_MS);
    expect(weightInstant(nowMs - 3 * DAY_MS, nowMs)).toBe(nowMs - 2 * DAY_MS);
    expect(weightInstant(nowMs + 1, nowMs)).toBe(nowMs + 1);
    expect(weightInstant(nowMs + DAY_MS, nowMs)).toBe(nowMs + 300_000);
  });
});

describe("holds", () => {
  test("the choice is the newest row in force of the model, else of the feature", ({ expect }) => {
    fc.assert(
      fc.property(
        books,
        fc.option(fc.constantFrom(...MODELS, "other"), { nil: undefined }),
        fc.nat(25),
        (rows, model, atMs) => {
          const own = model === undefined ? undefined : newest(rows, model, atMs);
          const found = own ?? newest(rows, undefined, atMs);
          const chosen = weightFor(rows, model, atMs);
          expect(chosen.weightId).toBe(found?.weightId);
          expect(chosen.creditsPerUnitE12).toBe(found?.creditsPerUnitE12 ?? E12_ONE);
          expect(chosen.match).toBe(found === undefined ? "NONE" : found === own ? "MODEL" : "FEATURE_DEFAULT");
        },
      ),
    );
  });

  test("white space around a model changes nothing, and what is published later changes no choice of before", ({
    expect,
  }) => {
    fc.assert(
      fc.property(books, fc.constantFrom(...MODELS), fc.nat(20), spaces, books, (rows, model, atMs, space, more) => {
        const chosen = weightFor(rows, model, atMs);
        expect(weightFor(rows, `${space}${model}${space}`, atMs)).toEqual(chosen);
        const later = more.map((row) => ({ ...row, effectiveFromMs: row.effectiveFromMs + atMs + 21 }));
        expect(weightFor([...rows, ...later], model, atMs)).toEqual(chosen);
      }),
    );
  });

  test("rows that were replaced before the oldest instant that counts are never chosen", ({ expect }) => {
    fc.assert(
      fc.property(
        books,
        fc.option(fc.constantFrom(...MODELS), { nil: undefined }),
        fc.nat(25),
        fc.nat(25),
        (rows, model, oldest, after) => {
          const replacedAtMs = (row: Weight) =>
            Math.min(
              ...rows
                .filter((one) => one.model === row.model && one.effectiveFromMs > row.effectiveFromMs)
                .map((one) => one.effectiveFromMs),
            );
          const open = rows.filter((row) => replacedAtMs(row) > oldest);
          expect(weightFor(open, model, oldest + after)).toEqual(weightFor(rows, model, oldest + after));
        },
      ),
    );
  });

  test("the instant lies in its bounds, and is the event's own within them", ({ expect }) => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 4e12 }), (occurredAtMs, nowMs) => {
        const atMs = weightInstant(occurredAtMs, nowMs);
        expect(atMs).toBeGreaterThanOrEqual(nowMs - WEIGHT_LATE_MS_MAX);
        expect(atMs).toBeLessThanOrEqual(nowMs + OCCURRED_AHEAD_MS_MAX);
        const isWithin = occurredAtMs >= nowMs - WEIGHT_LATE_MS_MAX && occurredAtMs <= nowMs + OCCURRED_AHEAD_MS_MAX;
        if (isWithin) expect(atMs).toBe(occurredAtMs);
      }),
    );
  });
});
