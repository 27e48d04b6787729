import { describe, test } from "vitest";
import { CLOCK_ADVANCE_MS_MAX } from "../../src/domain/limits.ts";
import { advanceRefusal, farthestOf, type TestClock } from "../../src/domain/test-clock.ts";

const AT = Date.parse("2027-01-31T09:00:00Z");
const clock: TestClock = { clockId: "c", frozenAtMs: AT, createdAtMs: 0 };

describe("does", () => {
  test("a clock is moved forwards, or stays", ({ expect }) => {
    for (const toMs of [AT, AT + 1, AT + CLOCK_ADVANCE_MS_MAX]) expect(advanceRefusal(clock, toMs)).toBeUndefined();
    // Two years hold a leap day at most once.
    expect(advanceRefusal(clock, Date.parse("2029-01-31T09:00:00Z"))).toBeUndefined();
  });

  test("an advance under way is repeated, or taken over by a farther one", ({ expect }) => {
    for (const toMs of [AT + 10, AT + 11])
      expect(advanceRefusal({ ...clock, targetAtMs: AT + 10 }, toMs)).toBeUndefined();
  });

  test("the farthest that a customer may have come is where an advance goes, if one is under way", ({ expect }) => {
    expect(farthestOf(clock)).toBe(AT);
    expect(farthestOf({ ...clock, targetAtMs: AT + 10 })).toBe(AT + 10);
  });
});

describe("refuses", () => {
  test("going back and going too far, by the field's name", ({ expect }) => {
    for (const toMs of [AT - 1, AT + CLOCK_ADVANCE_MS_MAX + 1])
      expect(advanceRefusal(clock, toMs)).toMatchObject({ code: "invalid", fields: [{ path: "frozenTime" }] });
  });

  test("less than an advance under way, whose instant it tells", ({ expect }) => {
    const refused = advanceRefusal({ ...clock, targetAtMs: AT + 1000 }, AT + 999);
    expect(refused).toMatchObject({ code: "state_conflict", why: expect.stringContaining("2027-01-31T09:00:01.000Z") });
  });
});
