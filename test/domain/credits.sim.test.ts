import * as fc from "fast-check";
import { describe, test } from "vitest";
import { history, STEPS } from "../support/credit-history.ts";

const small = fc.nat({ max: 999 });
const step = fc.record({ kind: fc.constantFrom(...STEPS), a: small, b: small, c: small });

describe("holds", () => {
  test("in 1,000 histories of 100 steps the laws hold and the rules agree with the model, entry by entry", ({
    expect,
  }) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 100 }), (steps) => {
        const past = history();
        for (const one of steps) past.step(one);
        past.core.commit();
        expect(past.core.brokenLaws()).toEqual([]);
        const { pools, grants, drawOrders } = past.core.book;
        const kept = new Map([...drawOrders].filter(([, order]) => order.length > 0));
        expect({ pools, grants: new Set(grants.values()), drawOrders: kept }).toEqual({
          ...past.core.reloaded(),
          grants: new Set(past.core.reloaded().grants.values()),
        });
      }),
      { numRuns: 1000, seed: 5 },
    );
  }, 60_000);
});
