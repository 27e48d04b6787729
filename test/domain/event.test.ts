import { describe, test } from "vitest";
import { occurredAt } from "../../src/domain/event.ts";
import { OCCURRED_AHEAD_MS_MAX } from "../../src/domain/limits.ts";

const NOW = Date.parse("2027-03-01T12:00:00Z");

describe("does", () => {
  test("an event without an instant occurred now", ({ expect }) => {
    expect(occurredAt(undefined, NOW)).toEqual({ atMs: NOW });
  });

  test("an instant up to five minutes ahead is believed", ({ expect }) => {
    expect(OCCURRED_AHEAD_MS_MAX).toBe(300_000);
    expect(occurredAt(NOW + 300_000, NOW)).toEqual({ atMs: NOW + 300_000 });
  });

  test("one further ahead counts as five minutes ahead, and what was sent is kept", ({ expect }) => {
    expect(occurredAt(NOW + 300_001, NOW)).toEqual({ atMs: NOW + 300_000, sentMs: NOW + 300_001 });
  });
});

describe("refuses", () => {
  test("no event for its time, however old", ({ expect }) => {
    for (const sentMs of [0, -1, Date.parse("0001-01-01T00:00:00Z"), NOW - 1])
      expect(occurredAt(sentMs, NOW)).toEqual({ atMs: sentMs });
  });
});
