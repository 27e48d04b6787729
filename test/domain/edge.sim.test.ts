import { describe, test } from "vitest";
import { runSchedule } from "../support/edge/schedule.ts";

/**
 * Isolates, an object, their clocks and the network between them, by seed: the code of `src/edge` and of the rules, run as it is. A
 * broken law throws, with its seed.
 */

const SCHEDULES = 10_000;

describe("holds", () => {
  test("in 10,000 schedules nothing is overspent, nothing is staler than the bound, and everything that is held ends", ({
    expect,
  }) => {
    const sum = {
      leased: 0,
      tended: 0,
      brought: 0,
      asked: 0,
      denied: 0,
      handed: 0,
      reserved: 0,
      refused: 0,
      committed: 0,
      lapsed: 0,
    };
    for (let seed = 1; seed <= SCHEDULES; seed += 1) {
      try {
        const told = runSchedule(seed);
        for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += told[name];
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    // All of it happened, and often.
    for (const [name, count] of Object.entries(sum)) expect([name, count > SCHEDULES / 10]).toEqual([name, true]);
  }, 900_000);
});
