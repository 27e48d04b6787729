import { describe, test } from "vitest";
import { LIES } from "../../support/year/lies.ts";
import { makeScript } from "../../support/year/script.ts";
import { standAlone } from "../../support/year/simulate.ts";
import { forget, liveThrough } from "../../support/year/year.ts";

/** The simulated year would notice: the engine is told other rules than the reckoning, by as little as there is, and the two fall out. */

const SEEDS_MAX = 8;
const DAYS = 60;

describe("holds", () => {
  standAlone();
  for (const [rule, lie] of Object.entries(LIES))
    test(`it is noticed where ${rule}`, { timeout: 60_000 }, async ({ expect }) => {
      const told: string[] = [];
      for (let seed = 1; seed <= SEEDS_MAX && told.length === 0; seed += 1)
        await liveThrough(seed, makeScript(seed, DAYS), lie)
          .catch((failure: unknown) => told.push(String(failure)))
          .finally(forget);
      // That something was told otherwise, and not that the simulation broke.
      expect(told[0]).toMatch(/ {2}engine: |was (done|refused), not/);
    });
});
