import { describe, test } from "vitest";
import { LEASE_TENDED_MS_MAX, LEASE_UNREAD_MS_MAX } from "../../src/domain/limits.ts";
import { Leases } from "../../src/edge/leases.ts";

/** What an isolate repeats, and what ends it. Time and versions are the test's. */

const [ADA, EVE] = ["acc/ada", "acc/eve"];

/** Asks at `atMs` and keeps what the object answers at once. */
function keep(leases: Leases<string>, { customer = ADA, feature = "chat", atMs = 0, rev = 1, leaseMs = 1000 } = {}) {
  return leases.keep(leases.ask(customer, feature, atMs), { rev, leaseMs }, `at ${rev}`);
}

const found = (leases: Leases<string>, atMs: number, feature = "chat", customer = ADA) =>
  leases.find(customer, feature, atMs)?.value;

/** Milliseconds until whoever sees to it asks ahead. */
function nextAt(leases: Leases<string>, nowMs: number, boundMs = 1000): number | undefined {
  const lease = leases.peek(ADA, "chat", nowMs);
  return lease && leases.nextAskMs(lease, boundMs, nowMs);
}

describe("does", () => {
  test("an answer is repeated until its time is over, counted from when it was asked for", ({ expect }) => {
    const leases = new Leases<string>(10);
    const ticket = leases.ask(ADA, "chat", 100);
    expect(leases.keep(ticket, { rev: 1, leaseMs: 50 }, "yes")).toBe(true);
    expect([100, 149, 150].map((atMs) => found(leases, atMs))).toEqual(["yes", "yes", undefined]);
  });

  test("answers are each customer's and feature's own", ({ expect }) => {
    const leases = new Leases<string>(10);
    keep(leases);
    expect(found(leases, 0, "reports")).toBeUndefined();
    expect(found(leases, 0, "chat", EVE)).toBeUndefined();
  });

  test("the next one is asked for once, in the second half", ({ expect }) => {
    const leases = new Leases<string>(10);
    keep(leases);
    const renews = (atMs: number) => {
      const lease = leases.find(ADA, "chat", atMs);
      return lease !== undefined && leases.takeRenewal(lease, atMs);
    };
    expect([0, 499, 500, 501, 999, 1000].map(renews)).toEqual([false, false, true, false, false, false]);
    keep(leases, { atMs: 500, rev: 2 });
    expect([501, 1000].map(renews)).toEqual([false, true]);
  });

  test("a question that comes steadily is asked ahead though nobody is there to set it off, and then no more", ({
    expect,
  }) => {
    const leases = new Leases<string>(10);
    const tended = (nowMs: number) => {
      const lease = leases.peek(ADA, "chat", nowMs);
      return lease !== undefined && leases.takeTending(lease, 1000, nowMs);
    };
    keep(leases);
    // Once is not steadily.
    expect([tended(0), nextAt(leases, 0)]).toEqual([false, undefined]);
    keep(leases, { atMs: 1000, rev: 2 });
    // One sees to it at a time.
    expect([nextAt(leases, 1000), tended(1000), tended(1000)]).toEqual([750, true, false]);
    const asks: number[] = [];
    for (let nowMs = 1000, waitMs = nextAt(leases, nowMs); waitMs !== undefined; waitMs = nextAt(leases, nowMs)) {
      nowMs += waitMs;
      const ticket = waitMs === 0 ? leases.askAhead(ADA, "chat", nowMs) : undefined;
      if (ticket === undefined) continue;
      asks.push(nowMs);
      leases.keep(ticket, { rev: 2, leaseMs: 1000 }, "ahead");
      // Asked at 2,000 once more, a second after the one before: from a lease.
      if (asks.length === 1) expect(found(leases, 2000)).toBe("ahead");
    }
    // Nobody has asked since: a bound and a half later it ends.
    expect(asks).toEqual([1750, 2500, 3250]);
    const last = leases.peek(ADA, "chat", 3500);
    if (last === undefined) throw new Error("it goes on until 4,250");
    leases.endTending(last);
    expect([tended(3500), tended(3500)]).toEqual([true, false]);
    // Whoever died over it is followed by another.
    const laterMs = 3500 + LEASE_TENDED_MS_MAX;
    keep(leases, { atMs: laterMs - 1, rev: 3 });
    expect(tended(laterMs - 1)).toBe(false);
    keep(leases, { atMs: laterMs, rev: 3 });
    expect(tended(laterMs)).toBe(true);
  });

  test("nobody asks ahead of what falls due, in a tiny bound or a long one, or while it is being asked", ({
    expect,
  }) => {
    const leases = new Leases<string>(10);
    keep(leases);
    keep(leases, { atMs: 500 });
    // A lease of a second is one cut short where two may pass.
    expect([nextAt(leases, 500), nextAt(leases, 500, 2000), nextAt(leases, 500, 10)]).toEqual([
      750,
      undefined,
      undefined,
    ]);
    keep(leases, { feature: "long", leaseMs: 30_000 });
    keep(leases, { feature: "long", leaseMs: 30_000, atMs: 500 });
    const long = leases.peek(ADA, "long", 500);
    expect(long && leases.nextAskMs(long, 30_000, 500)).toBeUndefined();
    leases.askAhead(ADA, "chat", 1250);
    expect([nextAt(leases, 1250), nextAt(leases, 1500)]).toEqual([250, undefined]);
    keep(leases, { atMs: 1500 });
    leases.written(ADA);
    expect(nextAt(leases, 1500)).toBeUndefined();
  });

  test("what it answered is told once, also when the next lease came in between", ({ expect }) => {
    const leases = new Leases<string>(10);
    keep(leases);
    const serve = (times: number) => {
      for (let at = 0; at < times; at += 1) {
        const lease = leases.find(ADA, "chat", 20);
        if (lease !== undefined) lease.served += 1;
      }
    };
    serve(3);
    const ticket = leases.ask(ADA, "chat", 20);
    serve(2);
    leases.keep(ticket, { rev: 1, leaseMs: 1000 }, "again");
    serve(1);
    expect(ticket.served).toBe(3);
    expect(leases.ask(ADA, "chat", 30).served).toBe(3);
    expect(leases.ask(ADA, "chat", 40).served).toBe(0);
  });

  test("a write brings the new answer along where the question was asked lately, and only there", ({ expect }) => {
    const leases = new Leases<string>(10);
    expect(leases.askAlong(ADA, "chat", 0)).toBeUndefined();
    keep(leases);
    expect(leases.askAlong(ADA, "reports", 0)).toBeUndefined();
    expect(leases.askAlong(EVE, "chat", 0)).toBeUndefined();
    const ticket = leases.askAlong(ADA, "chat", 100);
    if (ticket === undefined) throw new Error("it was asked lately");
    leases.written(ADA, 7);
    expect(found(leases, 100)).toBeUndefined();
    expect(leases.keep(ticket, { rev: 7, leaseMs: 1000 }, "with the receipt")).toBe(true);
    expect(found(leases, 100)).toBe("with the receipt");
    // Asked at 100 for the last time: what comes with receipts is no question.
    const later = leases.askAlong(ADA, "chat", 100 + LEASE_UNREAD_MS_MAX);
    if (later === undefined) throw new Error("still lately");
    leases.keep(later, { rev: 8, leaseMs: 1000 }, "again");
    expect(leases.askAlong(ADA, "chat", 101 + LEASE_UNREAD_MS_MAX)).toBeUndefined();
  });
});

describe("refuses", () => {
  test("a no, which ends the yes before it", ({ expect }) => {
    const leases = new Leases<string>(10);
    keep(leases);
    expect(keep(leases, { atMs: 1, rev: 2, leaseMs: 0 })).toBe(false);
    expect(found(leases, 1)).toBeUndefined();
  });

  test("what a write made untrue, whenever it was asked for before the write ended", ({ expect }) => {
    const leases = new Leases<string>(10);
    keep(leases);
    const before = leases.ask(ADA, "chat", 1);
    leases.written(ADA);
    expect(found(leases, 1)).toBeUndefined();
    expect(leases.keep(before, { rev: 1, leaseMs: 1000 }, "late")).toBe(false);
    const during = leases.ask(ADA, "chat", 2);
    leases.written(ADA);
    expect(leases.keep(during, { rev: 1, leaseMs: 1000 }, "later")).toBe(false);
    expect(keep(leases, { atMs: 3, rev: 2 })).toBe(true);
  });

  test("an older answer than one that was seen, of whatever feature", ({ expect }) => {
    const leases = new Leases<string>(10);
    const slow = leases.ask(ADA, "chat", 0);
    keep(leases, { feature: "reports", rev: 5 });
    expect(leases.keep(slow, { rev: 4, leaseMs: 1000 }, "old")).toBe(false);
    expect(found(leases, 0, "reports")).toBe("at 5");
  });

  test("whatever is older than a write that said its number, and nothing newer", ({ expect }) => {
    const leases = new Leases<string>(10);
    keep(leases, { rev: 3 });
    keep(leases, { feature: "reports", rev: 5 });
    leases.written(ADA, 4);
    expect(found(leases, 0)).toBeUndefined();
    expect(found(leases, 0, "reports")).toBe("at 5");
  });
});

describe("holds", () => {
  test("by a clock that was set back nothing is repeated: how old an answer is, nobody can say", ({ expect }) => {
    const leases = new Leases<string>(10);
    keep(leases, { atMs: 3_600_000 });
    expect(found(leases, 3_600_000)).toBe("at 1");
    expect(found(leases, 0)).toBeUndefined();
    expect(leases.findSettled(ADA, "chat", 1000, 0)).toBeUndefined();
    keep(leases, { atMs: 0 });
    expect([0, 999, 1000].map((atMs) => found(leases, atMs))).toEqual(["at 1", "at 1", undefined]);
  });

  test("limits: no more customers and leases than it was made for, and what is forgotten ends", ({ expect }) => {
    const leases = new Leases<string>(2);
    keep(leases, { customer: "1" });
    const under = leases.ask("1", "reports", 0);
    keep(leases, { customer: "2" });
    // Asked about, and not leased: a third customer to remember.
    leases.ask("3", "chat", 0);
    expect(found(leases, 0, "chat", "1")).toBeUndefined();
    expect(found(leases, 0, "chat", "2")).toBe("at 1");
    expect(leases.keep(under, { rev: 9, leaseMs: 1000 }, "forgotten meanwhile")).toBe(false);
  });

  test("made-up features take no place: nothing is kept that may not be repeated", ({ expect }) => {
    const leases = new Leases<string>(2);
    keep(leases);
    for (let at = 0; at < 10; at += 1) keep(leases, { feature: `made up ${at}`, leaseMs: 0 });
    expect(found(leases, 0)).toBe("at 1");
  });
});
