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
      suspended: 0,
      weighed: 0,
      setBack: 0,
    };
    let short = 0;
    for (let seed = 1; seed <= SCHEDULES; seed += 1) {
      try {
        const told = runSchedule(seed);
        short += told.short;
        for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += told[name];
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    // A promise that is kept only in part is the exception: a unit burns more by then, and there is no more.
    expect(short).toBeGreaterThan(0);
    // All of it happened, and often.
    for (const [name, count] of Object.entries(sum)) expect([name, count > SCHEDULES / 10]).toEqual([name, true]);
  }, 900_000);

  test("it is noticed where the object forgets what falls due or weights to come, and that clocks were set back", ({
    expect,
  }) => {
    for (const forgotten of ["dues", "weights", "clocks"] as const) {
      let told = "";
      for (let seed = 1; seed <= SCHEDULES && told === ""; seed += 1)
        try {
          runSchedule(seed, forgotten);
        } catch (error) {
          told = String(error);
        }
      expect([forgotten, told]).toEqual([forgotten, expect.stringMatching(/broken: (nothing is|no answer is)/)]);
    }
  }, 900_000);
});
