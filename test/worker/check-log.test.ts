import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { CheckLog } from "../../src/customer/check-log.ts";
import type { Customer } from "../../src/customer/image.ts";
import { CHECKS_KEPT_MS } from "../../src/domain/limits.ts";
import { newTag } from "../support/views.ts";

/** When the log of checks is written: its timers, on a clock that the test moves. What is written, `entitlements.test.ts` shows. */

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A log that counts its writes and keeps none. */
function countingLog(): { log: CheckLog; writes: () => number } {
  let writes = 0;
  const transact = () => {
    writes += 1;
  };
  // Of a customer the log takes nothing else.
  const customer = { transact, image: { owner: { tag: newTag() } } } as unknown as Customer;
  return { log: new CheckLog(customer), writes: () => writes };
}

const CHECK = { featureKey: "chat", allowed: true };

describe("does", () => {
  test("what nobody asks about any more is written within the time that it is kept", async ({ expect }) => {
    const { log, writes } = countingLog();
    for (let n = 0; n < 3; n += 1) log.note(CHECK, 0);
    await vi.advanceTimersByTimeAsync(CHECKS_KEPT_MS / 4);
    expect(writes()).toBe(0);
    await vi.advanceTimersByTimeAsync(CHECKS_KEPT_MS);
    expect(writes()).toBe(1);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(writes()).toBe(1);
  });

  test("while a customer is asked about all the time, it is written about once a minute", async ({ expect }) => {
    const { log, writes } = countingLog();
    for (let n = 0; n < 2400; n += 1) {
      log.note(CHECK, 0);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(writes()).toBeGreaterThanOrEqual(2);
    expect(writes()).toBeLessThanOrEqual(6);
  });
});
