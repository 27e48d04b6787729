import fc from "fast-check";
import { describe, test } from "vitest";
import { stalenessMsOf } from "../../src/domain/account.ts";
import { openDraft } from "../../src/domain/book.ts";
import type { Verdict } from "../../src/domain/entitlement.ts";
import { type LeaseQuestion, leaseMsOf } from "../../src/domain/lease.ts";
import { LEASE_FACTOR, PACE_AT_ONCE_MS, PACE_WINDOW_MS } from "../../src/domain/limits.ts";
import { creditsThing, newPaces, notePaces, type Paces, usedWithin } from "../../src/domain/pace.ts";
import { leasedText, readTimedText, timedText } from "../../src/domain/timed-text.ts";
import { emptyBook } from "../support/book.ts";

/** For how long an answer may be repeated, and how fast a customer uses things up. Amounts are units and credits. */

const units = (amount: number) => BigInt(Math.round(amount * 1e6)) * 10n ** 6n;
const credits = (amount: number) => BigInt(amount) * 10n ** 4n;

const ALLOWED: Verdict = { featureKey: "chat", allowed: true, subscription: 1, usedE12: 0n, heldE12: 0n };

const limited = (limit: number, used = 0, held = 0): Verdict => ({
  ...ALLOWED,
  limitE12: units(limit),
  usedE12: units(used),
  heldE12: units(held),
});

const burning = (available: number, hardLimit = true, needed = 1): Verdict => ({
  ...ALLOWED,
  credit: {
    featureId: "f",
    denomination: "AI",
    currency: "USD",
    balanceE4: credits(available),
    grantedE4: credits(available),
    consumedE4: 0n,
    hardLimit,
    availableE4: credits(available),
    neededE4: credits(needed),
    frozen: false,
    weight: { creditsPerUnitE12: units(1), match: "NONE" },
  },
});

/** What `thing` was used by, at these instants; watched since 0. */
function paced(thing: string, uses: readonly (readonly [atMs: number, amount: bigint])[] = []): Paces {
  const paces = newPaces();
  notePaces(paces, emptyBook(), openDraft(emptyBook()), 0);
  for (const [atMs, amount] of uses) {
    const known = paces.byThing.get(thing);
    // By the way that a commit goes: a pool that has so much less of it.
    if (known === undefined && amount === 0n) continue;
    const book = emptyBook();
    const draft = openDraft(book);
    const [denomination = ""] = thing.split("\n").slice(1);
    draft.pools.put({ number: 1, denomination, balanceE4: -amount, heldE4: 0n } as Parameters<
      typeof draft.pools.put
    >[0]);
    notePaces(paces, book, draft, atMs);
  }
  return paces;
}

const AI = creditsThing("AI");

function leaseMs(verdict: Verdict, asked: Partial<LeaseQuestion> = {}): number {
  const nowMs = asked.nowMs ?? 60_000;
  return leaseMsOf(emptyBook(), verdict, {
    boundMs: 1000,
    nowMs,
    nextDueAtMs: undefined,
    weighing: { atMs: nowMs },
    paces: paced(AI),
    ...asked,
  });
}

describe("does", () => {
  test("what no use can turn is repeated for the bound, or until something falls due", ({ expect }) => {
    expect(leaseMs(ALLOWED)).toBe(1000);
    expect(leaseMs(ALLOWED, { nextDueAtMs: 60_400 })).toBe(400);
    expect(leaseMs(ALLOWED, { nextDueAtMs: 59_000 })).toBe(0);
    expect(leaseMs(burning(5, false))).toBe(1000);
  });

  test.for([
    // Left of 100, used in the last second, milliseconds of the lease.
    { left: 100, used: 0, leased: 1000 },
    { left: 11, used: 0, leased: 1000 },
    { left: 10, used: 0, leased: 0 },
    { left: 1, used: 0, leased: 0 },
    { left: 100, used: 9, leased: 1000 },
    { left: 100, used: 10, leased: 0 },
    { left: 90, used: 9, leased: 0 },
  ])("$left credits left, $used used within a second: $leased ms", ({ left, used, leased }, { expect }) => {
    const paces = paced(AI, [[59_500, credits(used)]]);
    expect(leaseMs(burning(left), { paces })).toBe(leased);
  });

  test("units left are those neither used nor held", ({ expect }) => {
    expect(leaseMs(limited(100))).toBe(1000);
    expect(leaseMs(limited(100, 80, 9))).toBe(1000);
    expect(leaseMs(limited(100, 80, 10))).toBe(0);
    expect(leaseMs(limited(10))).toBe(0);
  });

  test("a use that burns much needs much to be left", ({ expect }) => {
    expect(leaseMs(burning(100, true, 10))).toBe(0);
    expect(leaseMs(burning(101, true, 10))).toBe(1000);
  });

  test("it ends before another weight takes effect, but for those of models, which a plain question does not name", ({
    expect,
  }) => {
    const weight = { weightId: "w", creditsPerUnitE12: units(2), effectiveFromMs: 60_300 };
    const weighing = (model?: string) => ({
      atMs: 60_000,
      terms: { weights: { f: [{ ...weight, ...(model === undefined ? {} : { model }) }] } },
    });
    expect(leaseMs(burning(1000), { weighing: weighing() })).toBe(300);
    expect(leaseMs(burning(1000), { weighing: weighing("gpt") })).toBe(1000);
  });

  test("a burst counts as a second's use, then as the window's", ({ expect }) => {
    const paces = paced(AI, [[10_000, 600n]]);
    const within = (atMs: number) => usedWithin(paces, AI, 1000, atMs);
    expect(within(10_000)).toBe(600n);
    expect(within(10_000 + PACE_AT_ONCE_MS)).toBe(600n);
    expect(within(12_000)).toBe(300n);
    expect(within(10_000 + PACE_WINDOW_MS)).toBe(60n);
    expect(within(10_000 + 2 * PACE_WINDOW_MS)).toBe(0n);
  });

  test("live accounts repeat for a second, test accounts not at all, unless they say otherwise", ({ expect }) => {
    expect(stalenessMsOf({ mode: "live", settings: {} })).toBe(1000);
    expect(stalenessMsOf({ mode: "test", settings: {} })).toBe(0);
    expect(stalenessMsOf({ mode: "live", settings: { entitlementStalenessMs: 0 } })).toBe(0);
    expect(stalenessMsOf({ mode: "test", settings: { entitlementStalenessMs: 250 } })).toBe(250);
  });

  test("a text says when it was true, and how long it may be repeated if it does", ({ expect }) => {
    const text = '{"a":"b c/d"}';
    expect(readTimedText(timedText(text, 1234))).toEqual({ text, atMs: 1234 });
    expect(readTimedText(leasedText(text, 1234, { rev: 7, leaseMs: 250 }))).toEqual({
      text,
      atMs: 1234,
      lease: { rev: 7, leaseMs: 250 },
    });
  });
});

describe("refuses", () => {
  test("to repeat a no, or anything where the bound is 0", ({ expect }) => {
    expect(leaseMs({ ...ALLOWED, allowed: false, denial: "USAGE_LIMIT_EXCEEDED" })).toBe(0);
    expect(leaseMs(ALLOWED, { boundMs: 0 })).toBe(0);
  });

  test("to repeat what use could turn, before it is known how fast that goes", ({ expect }) => {
    const paces = newPaces();
    expect(leaseMs(limited(1e9), { paces, nowMs: 1000 })).toBe(0);
    expect(leaseMs(limited(1e9), { paces, nowMs: 1999 })).toBe(0);
    expect(leaseMs(limited(1e9), { paces, nowMs: 2000 })).toBe(1000);
  });
});

describe("holds", () => {
  const amount = fc.integer({ min: 0, max: 5000 });

  test("never longer than the bound, never past what falls due, and never a no", ({ expect }) => {
    fc.assert(
      fc.property(
        fc.record({ left: amount, used: amount, boundMs: amount, dueInMs: fc.integer({ min: -100, max: 5000 }) }),
        fc.boolean(),
        ({ left, used, boundMs, dueInMs }, allowed) => {
          const verdict = { ...burning(left), allowed };
          const paces = paced(AI, [[59_000, credits(used)]]);
          const leased = leaseMs(verdict, { boundMs, nextDueAtMs: 60_000 + dueInMs, paces });
          expect(leased).toBeGreaterThanOrEqual(0);
          expect(leased).toBeLessThanOrEqual(Math.max(0, Math.min(boundMs, dueInMs)));
          if (!allowed) expect(leased).toBe(0);
          // Going on as fast as in the last second, a tenth of what is left is the most that is used meanwhile.
          if (leased > 0) expect(LEASE_FACTOR * credits(used) * BigInt(boundMs)).toBeLessThan(credits(left) * 1000n);
        },
      ),
    );
  });

  test("the estimate is at least the average of the window under way, whenever uses come", ({ expect }) => {
    const uses = fc.array(
      fc.tuple(fc.integer({ min: 0, max: PACE_WINDOW_MS - 1 }), fc.integer({ min: 1, max: 1000 })),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(uses, (sent) => {
        const inOrder = sent.map(([atMs, used]) => [50_000 + atMs, BigInt(used)] as const).sort(([a], [b]) => a - b);
        const paces = paced(AI, inOrder);
        const [[firstMs] = [0]] = inOrder;
        const nowMs = inOrder.at(-1)?.[0] ?? 0;
        const sum = inOrder.reduce((all, [, used]) => all + used, 0n);
        const spanMs = Math.max(nowMs - firstMs, PACE_AT_ONCE_MS);
        expect(usedWithin(paces, AI, spanMs, nowMs)).toBeGreaterThanOrEqual(sum);
      }),
    );
  });
});
