import { describe, test } from "vitest";
import { E12_ONE } from "../../src/domain/amount.ts";
import { charge } from "../../src/domain/charge.ts";
import type { Allocation, Grant } from "../../src/domain/credit.ts";
import { holdCredits } from "../../src/domain/credit-holds.ts";
import { drawable } from "../../src/domain/drawable.ts";
import { nextDueAtMs, settleDues } from "../../src/domain/due.ts";
import { decidePlanChange } from "../../src/domain/plan-change.ts";
import { grantPlanCredits, periodCredits, upgradeCredits } from "../../src/domain/plan-credits.ts";
import { decideArchive, decideFreeze } from "../../src/domain/pools.ts";
import { decideCancel, decideSubscribe } from "../../src/domain/subscribe.ts";
import type { PlanPin, Subscription } from "../../src/domain/subscription.ts";
import { creditBook, credits, granted, ONE_EACH, units } from "../support/credit-core.ts";

type Core = ReturnType<typeof creditBook>;

const at = (instant: string): number => Date.parse(`${instant}Z`);
const day = (grant: Grant | undefined): string | undefined =>
  grant?.expiresAtMs === undefined ? undefined : new Date(grant.expiresAtMs).toISOString().slice(0, 16);

function allocation(amount: number, more: Partial<Allocation> = {}): Allocation {
  return {
    allocationId: "a",
    creditModelId: "m",
    creditModelName: "Model",
    denomination: "AI",
    amountE4: credits(amount),
    hardLimit: true,
    rolloverPolicy: "NONE",
    createdAtMs: 0,
    ...more,
  };
}

const FULL = { rolloverPolicy: "FULL" as const };
const capped = (cap: number) => ({ rolloverPolicy: "CAPPED" as const, rolloverCapE4: credits(cap) });

function pin(key: string, price = 0n, intervalMonths = 1): PlanPin {
  return {
    planId: key,
    version: 1,
    key,
    name: key,
    price,
    currency: "USD",
    intervalMonths,
    billingTiming: "IN_ADVANCE",
    rules: [],
    allocations: [],
    createdAtMs: 0,
    planCreatedAtMs: 0,
    planModifiedAtMs: 0,
  };
}

/** A customer whose plan costs nothing, so that it is ACTIVE at once and renews by itself. */
function subscribed(instant: string, plan = pin("free")): { core: Core; now: () => Subscription } {
  const core = creditBook();
  const { subscription } = granted(decideSubscribe(core.draft(), { pin: plan, gracePeriodDays: 3 }, at(instant)));
  const now = (): Subscription => {
    const found = core.draft().subscriptions.get(subscription);
    if (found === undefined) throw new Error("the subscription has ended");
    return found;
  };
  return { core, now };
}

function give(core: Core, subscription: Subscription, allocations: readonly Allocation[], nowMs: number): Grant[] {
  return grantPlanCredits(core.draft(), subscription, { credits: periodCredits(allocations) }, nowMs);
}

function spend(core: Core, amount: number, nowMs: number): boolean {
  const use = { denomination: "AI", subscription: 1, unitsE12: units(amount), weight: ONE_EACH };
  return charge(core.draft(), use, nowMs).ok;
}

function reserve(core: Core, amount: number, untilMs: number): number {
  const use = { denomination: "AI", subscription: 1, unitsE12: units(amount), weight: ONE_EACH };
  return core.reserve({ subscription: 1, credits: granted(holdCredits(core.draft(), use)) }, untilMs);
}

const drawn = (core: Core, subscription = 1): number =>
  Number(drawable(core.draft(), { denomination: "AI", subscription }).sumE4) / 10_000;

/** What every grant that has anything has: type, remaining, day of expiry. */
function there(core: Core): unknown[] {
  return [...core.draft().grants.values()]
    .filter(({ remainingE4 }) => remainingE4 > 0n)
    .map((grant) => [grant.type, Number(grant.remainingE4) / 10_000, day(grant)?.slice(0, 10)]);
}

function ledgerSince(core: Core, entries: number): string[] {
  return core
    .entries()
    .slice(entries)
    .map(({ type, amountE4 }) => `${type} ${Number(amountE4) / 10_000}`);
}

describe("does", () => {
  test("the first plan grant makes the pool, as its allocation says, and links it first", ({ expect }) => {
    const { core, now } = subscribed("2027-01-15T12:00");
    const terms = [allocation(1_000, capped(500)), allocation(0, { creditModelId: "none" })];
    const [grant] = give(core, now(), terms, at("2027-01-15T12:00"));
    expect(grant).toMatchObject({ type: "PLAN_INCLUDED", subscription: 1, amountE4: credits(1_000) });
    expect([...core.draft().pools.values()]).toMatchObject([
      {
        name: "Model",
        denomination: "AI",
        modelId: "m",
        hardLimit: true,
        ...capped(500),
        links: [{ subscription: 1, drawPriority: 0, drawnE4: 0n, drawnAfter: 0, heldE4: 0n }],
      },
    ]);
    give(core, now(), terms, at("2027-01-16"));
    expect([...core.draft().pools.values()]).toHaveLength(1);
    core.commit();
  });

  test.each([
    ["under NONE with the period", {}, "2027-02-28T12:00"],
    ["under NONE by months, if that is sooner", { grantExpiresMonths: 1 }, "2027-02-28T12:00"],
    ["under NONE with the period, if months are later", { grantExpiresMonths: 2 }, "2027-02-28T12:00"],
    ["under FULL never", FULL, undefined],
    [
      "under FULL by months, to the anchor day or the month's last",
      { ...FULL, grantExpiresMonths: 3 },
      "2027-04-30T12:00",
    ],
  ])("plan credits expire %s", (_, terms, expires) => {
    const { core, now } = subscribed("2027-01-31T12:00");
    const [grant] = give(core, now(), [allocation(10, terms)], at("2027-01-31T12:00"));
    if (day(grant) !== expires) throw new Error(`${day(grant)} instead of ${expires}`);
  });

  test("months that are over before a late payment count from the payment", ({ expect }) => {
    const { core, now } = subscribed("2027-01-31T12:00", pin("yearly", 0n, 12));
    const terms = [allocation(10, { ...FULL, grantExpiresMonths: 1 })];
    expect(day(give(core, now(), terms, at("2027-02-02T00:00"))[0])).toBe("2027-02-28T12:00");
    expect(day(give(core, now(), terms, at("2027-02-28T12:00"))[0])).toBe("2027-03-28T12:00");
  });

  test("an upgrade halfway gives half of the difference, by denomination, down to four decimals", ({ expect }) => {
    const [startMs, endMs] = [at("2027-01-01"), at("2027-02-01")];
    const whole = { startMs, endMs };
    const gpu = { denomination: "GPU", creditModelId: "g" };
    const change = (leftMs: number, after: Allocation[]) =>
      upgradeCredits({
        before: [[allocation(1_000), allocation(9, gpu)]],
        after,
        left: { startMs: endMs - leftMs, endMs },
        whole,
      }).map(({ allocation: { denomination }, amountE4 }) => [denomination, Number(amountE4) / 10_000]);
    const half = (endMs - startMs) / 2;
    expect(change(half, [allocation(3_000), allocation(10, gpu)])).toEqual([
      ["AI", 1_000],
      ["GPU", 0.5],
    ]);
    expect(change(1, [allocation(3_000)])).toEqual([]);
    expect(change((endMs - startMs) / 3, [allocation(1_000.0001)])).toEqual([]);
    // Two models of one denomination are one allocation of it; a smaller one takes nothing.
    expect(change(half, [allocation(600), allocation(600, { creditModelId: "n" }), allocation(8, gpu)])).toEqual([
      ["AI", 100],
    ]);
  });

  test("a frozen pool takes plan credits, an archived one is followed by another", ({ expect }) => {
    const { core, now } = subscribed("2027-01-15");
    const nowMs = at("2027-01-15");
    give(core, now(), [allocation(10)], nowMs);
    granted(decideFreeze(core.draft(), core.pool(1), nowMs));
    give(core, now(), [allocation(10)], nowMs);
    expect(core.pool(1)).toMatchObject({ status: "FROZEN", balanceE4: credits(20) });
    granted(decideArchive(core.draft(), core.pool(1), nowMs));
    give(core, now(), [allocation(10)], nowMs);
    expect(core.pool(2)).toMatchObject({ status: "ACTIVE", balanceE4: credits(10) });
    core.commit();
  });
});

describe("holds", () => {
  test("at its instant a credit is gone for every question, though no clock rang", ({ expect }) => {
    const { core } = subscribed("2027-01-15");
    const [pool, expiresAtMs] = [core.makePool(), at("2027-01-20")];
    core.give(pool, 10, { expiresAtMs }, at("2027-01-15"));
    expect(nextDueAtMs(core.draft())).toBe(expiresAtMs);
    settleDues(core.draft(), expiresAtMs - 1);
    expect(drawn(core)).toBe(10);
    settleDues(core.draft(), expiresAtMs);
    expect([drawn(core), spend(core, 1, expiresAtMs)]).toEqual([0, false]);
    expect(core.entries().at(-1)).toMatchObject({ type: "EXPIRATION", amountE4: -credits(10), atMs: expiresAtMs });
    core.commit();
  });

  test("at one instant a reservation lapses, credits expire, and the rest rolls over before the period closes", ({
    expect,
  }) => {
    const { core, now } = subscribed("2027-01-15");
    const endMs = at("2027-02-15");
    give(core, now(), [allocation(100, capped(30))], at("2027-01-15"));
    core.give(1, 25, { expiresAtMs: endMs }, at("2027-01-15"));
    reserve(core, 20, endMs);
    const before = core.entries().length;
    settleDues(core.draft(), endMs);
    // 20 of the 25 are held: they come back and are over, then the other 5 are.
    expect(ledgerSince(core, before)).toEqual([
      "EXPIRATION -20",
      "EXPIRATION -5",
      "EXPIRATION -70",
      "ADJUSTMENT -30",
      "ADJUSTMENT 30",
    ]);
    expect(there(core)).toEqual([["ROLLOVER", 30, undefined]]);
    expect(now().period.startMs).toBe(endMs);
    core.commit();
  });

  test("a renewal leaves bought, promotional and manual credits alone", ({ expect }) => {
    for (const [terms, kept] of [
      [{}, 0],
      [capped(40), 40],
      [FULL, 100],
    ] as const) {
      const { core, now } = subscribed("2027-01-15");
      give(core, now(), [allocation(100, terms)], at("2027-01-15"));
      for (const type of ["PURCHASED", "PROMOTIONAL", "MANUAL", "REFUND", "SYSTEM"] as const)
        core.give(1, 7, { type, subscription: 1 });
      settleDues(core.draft(), at("2027-02-15"));
      expect(drawn(core)).toBe(kept + 35);
      core.commit();
    }
  });

  test("a cap cuts the grants themselves, keeps those that expire last, and counts what was carried before", ({
    expect,
  }) => {
    const { core, now } = subscribed("2027-01-15");
    const terms = [allocation(1_000, { ...capped(500), grantExpiresMonths: 3 })];
    give(core, now(), terms, at("2027-01-15"));
    settleDues(core.draft(), at("2027-02-15"));
    expect(there(core)).toEqual([["ROLLOVER", 500, "2027-04-15"]]);
    give(core, now(), terms, at("2027-02-15"));
    spend(core, 1_200, at("2027-02-20"));
    settleDues(core.draft(), at("2027-03-15"));
    expect(there(core)).toEqual([["ROLLOVER", 300, "2027-05-15"]]);
    give(core, now(), terms, at("2027-03-15"));
    const before = core.entries().length;
    settleDues(core.draft(), at("2027-04-15"));
    // 300 carried and 1,000 new: the cap holds for both together.
    expect(there(core)).toEqual([["ROLLOVER", 500, "2027-06-15"]]);
    expect(ledgerSince(core, before)).toEqual([
      "EXPIRATION -500",
      "ADJUSTMENT -500",
      "ADJUSTMENT 500",
      "EXPIRATION -300",
    ]);
    const { balanceE4, grantedE4, consumedE4, expiredE4 } = core.pool(1);
    expect([balanceE4, grantedE4, consumedE4, expiredE4]).toEqual([500, 3_000, 1_200, 1_300].map(credits));
    core.commit();
  });

  test("a reservation across a renewal cannot carry more than the cap", ({ expect }) => {
    const run = (held: number): [number, number] => {
      const { core, now } = subscribed("2027-01-15");
      const endMs = at("2027-02-15");
      give(core, now(), [allocation(100, capped(30))], at("2027-01-15"));
      const reservation = reserve(core, held, endMs + 1_000);
      settleDues(core.draft(), endMs);
      const during = drawn(core);
      settleDues(core.draft(), core.hold(reservation).expiresAtMs);
      core.commit();
      return [during, drawn(core)];
    };
    expect(run(90)).toEqual([10, 30]);
    expect(run(50)).toEqual([30, 30]);
    expect(run(100)).toEqual([0, 30]);
  });

  test("a draw limit counts anew when the period begins", ({ expect }) => {
    const { core, now } = subscribed("2027-01-15");
    give(core, now(), [allocation(100, FULL)], at("2027-01-15"));
    const [link] = core.pool(1).links;
    if (link === undefined) throw new Error("the pool is linked");
    core.draft().pools.put({ ...core.pool(1), links: [{ ...link, drawLimitE4: credits(40) }] });
    expect([spend(core, 30, at("2027-01-16")), spend(core, 20, at("2027-01-17"))]).toEqual([true, false]);
    settleDues(core.draft(), at("2027-02-15"));
    expect(drawn(core)).toBe(40);
    core.commit();
  });

  test("what was used before a change of plan stays used, and what was held stays held", ({ expect }) => {
    const { core, now } = subscribed("2027-01-15");
    const nowMs = at("2027-01-20");
    give(core, now(), [allocation(100)], at("2027-01-15"));
    spend(core, 60, nowMs);
    const reservation = reserve(core, 30, nowMs + 1_000);
    granted(decidePlanChange(core.draft(), now(), { to: pin("bigger"), type: "UPGRADE" }, nowMs));
    const { period } = now();
    const upgrade = upgradeCredits({
      before: [[allocation(100)]],
      after: [allocation(200)],
      left: { ...period, startMs: nowMs },
      whole: period,
    });
    grantPlanCredits(core.draft(), now(), { credits: upgrade }, nowMs);
    spend(core, 5, nowMs);
    const use = { denomination: "AI", subscription: 1, unitsE12: units(30), weight: ONE_EACH };
    granted(charge(core.draft(), { ...use, hold: core.hold(reservation) }, nowMs));
    core.end(reservation, "COMMITTED");
    core.commit();
    // 26 of 31 days are left: 83.8709 more.
    expect(core.pool(1)).toMatchObject({ consumedE4: credits(95), balanceE4: credits(88.8709), heldE4: 0n });
  });

  test("another interval ends the credits of the period that it cuts short", ({ expect }) => {
    const { core, now } = subscribed("2027-01-15");
    give(core, now(), [allocation(100)], at("2027-01-15"));
    const nowMs = at("2027-01-20");
    granted(decidePlanChange(core.draft(), now(), { to: pin("yearly", 0n, 12), type: "UPGRADE" }, nowMs));
    expect(drawn(core)).toBe(0);
    expect(core.entries().at(-1)).toMatchObject({ type: "EXPIRATION", atMs: nowMs });
    core.commit();
  });

  test("no loop of upgrade, spend, downgrade, repeat gives more than the largest plan for the time left", ({
    expect,
  }) => {
    const { core, now } = subscribed("2027-01-01");
    const { period } = now();
    const plans = [100, 500, 250, 500, 100, 500].map((amount) => allocation(amount, FULL));
    give(core, now(), plans.slice(0, 1), period.startMs);
    for (let turn = 1; turn < plans.length; turn += 1) {
      const nowMs = period.startMs + turn * 86_400_000;
      spend(core, drawn(core), nowMs);
      const upgrade = upgradeCredits({
        before: plans.slice(0, turn).map((one) => [one]),
        after: plans.slice(turn, turn + 1),
        left: { ...period, startMs: nowMs },
        whole: period,
      });
      grantPlanCredits(core.draft(), now(), { credits: upgrade }, nowMs);
    }
    // 100 for the period, and 400 more for the 30 of 31 days that were left at the first upgrade.
    expect(core.pool(1).grantedE4).toBe(credits(100) + (credits(400) * 30n) / 31n);
    core.commit();
  });

  test("upgrades told in another order never take credits, and the sum is that of the ledger", ({ expect }) => {
    const { core, now } = subscribed("2027-01-01");
    const { period } = now();
    const terms = { left: period, whole: period };
    const [small, large] = [allocation(100, FULL), allocation(300, FULL)];
    for (const change of [
      upgradeCredits({ ...terms, before: [[large]], after: [small] }),
      upgradeCredits({ ...terms, before: [[large], [small]], after: [large] }),
      upgradeCredits({ ...terms, before: [[small]], after: [large] }),
    ])
      grantPlanCredits(core.draft(), now(), { credits: change }, period.startMs);
    expect(core.entries().map(({ type, amountE4 }) => [type, amountE4])).toEqual([["GRANT", credits(200)]]);
    expect(core.pool(1)).toMatchObject({ grantedE4: credits(200), balanceE4: credits(200) });
    core.commit();
  });

  test("when a subscription ends its plan's credits are void, and what was bought serves the next one", ({
    expect,
  }) => {
    const { core, now } = subscribed("2027-01-15");
    const nowMs = at("2027-01-20");
    give(core, now(), [allocation(100)], at("2027-01-15"));
    core.give(1, 40, { type: "PURCHASED" });
    decideCancel(core.draft(), now(), "IMMEDIATE", nowMs);
    core.commit();
    expect(core.pool(1)).toMatchObject({ voidedE4: credits(100), balanceE4: credits(40), links: [] });
    const { subscription } = granted(decideSubscribe(core.draft(), { pin: pin("again"), gracePeriodDays: 3 }, nowMs));
    expect(drawn(core, subscription)).toBe(40);
    const next = core.draft().subscriptions.get(subscription);
    if (next === undefined) throw new Error("the subscription is there");
    give(core, next, [allocation(10)], nowMs);
    expect(core.pool(1)).toMatchObject({ balanceE4: credits(50), links: [{ subscription }] });
    core.commit();
  });

  test("two live subscriptions to plans of one model have a pool each", ({ expect }) => {
    const { core, now } = subscribed("2027-01-15");
    const nowMs = at("2027-01-15");
    give(core, now(), [allocation(100)], nowMs);
    const { subscription } = granted(decideSubscribe(core.draft(), { pin: pin("other"), gracePeriodDays: 3 }, nowMs));
    const other = core.draft().subscriptions.get(subscription);
    if (other === undefined) throw new Error("the subscription is there");
    give(core, other, [allocation(7)], nowMs);
    expect([drawn(core, 1), drawn(core, subscription)]).toEqual([100, 7]);
  });

  test("without an open period nothing is given", ({ expect }) => {
    const { core, now } = subscribed("2027-01-15", pin("paid", 10n * E12_ONE));
    expect(now().status).toBe("INCOMPLETE");
    expect(give(core, now(), [allocation(100)], at("2027-01-15"))).toEqual([]);
  });
});
