import { describe, test } from "vitest";
import { charge } from "../../src/domain/charge.ts";
import type { Allocation } from "../../src/domain/credit.ts";
import { freeCredits, holdCredits } from "../../src/domain/credit-holds.ts";
import { decideReverse } from "../../src/domain/deductions.ts";
import { settleDues } from "../../src/domain/due.ts";
import { refundPurchase } from "../../src/domain/grants.ts";
import { decidePay } from "../../src/domain/payment.ts";
import { decidePlanChange } from "../../src/domain/plan-change.ts";
import { decideLink, decideUnlink } from "../../src/domain/pools.ts";
import { decideCancel, decideSubscribe } from "../../src/domain/subscribe.ts";
import type { PlanPin } from "../../src/domain/subscription.ts";
import { plan } from "../support/book.ts";
import { creditBook, credits, granted, ONE_EACH, units } from "../support/credit-core.ts";

/** Credits that come back after what they came from is over: a hold after a renewal, a reversal after a subscription ended. */

const START = Date.parse("2027-01-15T12:00:00Z");
const MINUTE = 60_000;
const at = (instant: string): number => Date.parse(`${instant}Z`);

type Policy = Pick<Allocation, "rolloverPolicy"> & Partial<Pick<Allocation, "rolloverCapE4">>;
const NONE: Policy = { rolloverPolicy: "NONE" };
const FULL: Policy = { rolloverPolicy: "FULL" };
const capped = (cap: number): Policy => ({ rolloverPolicy: "CAPPED", rolloverCapE4: credits(cap) });

function offer(key: string, amount: number, policy: Policy, terms: Partial<PlanPin> = {}): PlanPin {
  const allocation: Allocation = {
    allocationId: `allocation of ${key}`,
    creditModelId: "model",
    creditModelName: "Model",
    denomination: "AI",
    amountE4: credits(amount),
    hardLimit: true,
    createdAtMs: 0,
    ...policy,
  };
  return { ...plan({ key }), rules: [], allocations: [allocation], ...terms };
}

/** A customer of a plan since START; its one pool is pool 1. */
function subscriber(pin: PlanPin) {
  const core = creditBook();
  const use = (amount: number, subscription = 1) => ({
    denomination: "AI",
    subscription,
    unitsE12: units(amount),
    weight: ONE_EACH,
  });
  const shown = {
    core,
    use,
    done<T>(value: T): T {
      core.commit();
      return value;
    },
    subscribe: (to: PlanPin, atMs: number): number =>
      shown.done(granted(decideSubscribe(core.draft(), { pin: to, gracePeriodDays: 3 }, atMs)).subscription),
    settle: (atMs: number) => shown.done(settleDues(core.draft(), atMs)),
    hold: (amount: number, expiresAtMs: number): number => {
      const held = granted(holdCredits(core.draft(), use(amount)));
      return shown.done(core.reserve({ subscription: 1, credits: held }, expiresAtMs));
    },
    release: (hold: number, atMs: number) => shown.done(freeCredits(core.draft(), core.end(hold, "RELEASED"), atMs)),
    commit: (hold: number, amount: number, atMs: number) =>
      shown.done(granted(charge(core.draft(), { ...use(amount), hold: core.end(hold, "COMMITTED") }, atMs))),
    spend: (amount: number, atMs: number) => shown.done(granted(charge(core.draft(), use(amount), atMs))).entries[0],
    reverse: (entry: ReturnType<typeof core.entries>[number] | undefined, atMs: number) => {
      if (entry === undefined) throw new Error("there is a deduction");
      return shown.done(granted(decideReverse(core.draft(), { pool: core.pool(1), entry, past: core.past }, atMs)));
    },
    cancel: (subscription: number, atMs: number) => {
      const there = core.draft().subscriptions.get(subscription);
      if (there === undefined) throw new Error("there is a subscription");
      shown.done(decideCancel(core.draft(), there, "IMMEDIATE", atMs));
    },
    upgrade: (to: PlanPin, atMs: number) => {
      const there = core.draft().subscriptions.get(1);
      if (there === undefined) throw new Error("there is a subscription");
      shown.done(granted(decidePlanChange(core.draft(), there, { to, type: "UPGRADE" }, atMs)));
    },
    balance: (): number => Number(core.pool(1).balanceE4) / 10_000,
    /** Still to come off what plans give next. */
    due: (): number =>
      (core.pool(1).ahead ?? []).reduce((sum, { dueE4 }) => sum + Math.max(0, Number(dueE4)), 0) / 10_000,
    expired: (): number => Number(core.pool(1).expiredE4) / 10_000,
  };
  shown.subscribe(pin, START);
  return shown;
}

describe("does", () => {
  test.for([
    ["the new one first", false],
    ["the old one first", true],
  ] as const)(
    "a hold over a renewal leaves alone what is held of the carried credits later: %s",
    ([, isOldFirst], { expect }) => {
      const her = subscriber(offer("p", 100, capped(500)));
      her.settle(at("2027-03-15T11:30:00"));
      expect(her.balance()).toBe(200);
      const old = her.hold(60, at("2027-03-15T12:30:00"));
      her.settle(at("2027-03-15T12:00:00"));
      const young = her.hold(40, at("2027-03-15T12:20:00"));
      const order = isOldFirst ? [old, young] : [young, old];
      for (const [index, hold] of order.entries()) her.release(hold, at("2027-03-15T12:05:00") + index);
      expect([her.balance(), her.expired()]).toEqual([300, 0]);
    },
  );

  test("a commit of the later hold takes nothing of the cap's room for the older one", ({ expect }) => {
    const her = subscriber(offer("p", 100, capped(500)));
    her.settle(at("2027-03-15T11:30:00"));
    her.hold(60, at("2027-03-15T12:30:00"));
    her.settle(at("2027-03-15T12:00:00"));
    her.commit(her.hold(40, at("2027-03-15T12:20:00")), 10, at("2027-03-15T12:02:00"));
    her.settle(at("2027-03-15T12:40:00"));
    expect([her.balance(), her.expired()]).toEqual([290, 0]);
  });

  test.for([1000, 999])(
    "of %d spent credits of a plan that has ended nothing can be spent again",
    (spent, { expect }) => {
      for (const policy of [FULL, NONE, capped(500)]) {
        const her = subscriber(offer("p", 1000, policy));
        const entry = her.spend(spent, START + MINUTE);
        her.cancel(1, START + 2 * MINUTE);
        her.reverse(entry, START + 3 * MINUTE);
        expect(her.balance(), policy.rolloverPolicy).toBe(0);
      }
    },
  );

  test.for([NONE, FULL, capped(100)])(
    "held over an end that voids it, it was given to nobody: %o",
    (policy, { expect }) => {
      const pin = offer("p", 1000, policy);
      for (const used of [0, 400]) {
        const her = subscriber(pin);
        const hold = her.hold(1000, START + 60 * MINUTE);
        her.cancel(1, START);
        if (used === 0) her.release(hold, START + MINUTE);
        else her.commit(hold, used, START + MINUTE);
        her.subscribe(pin, START + MINUTE);
        expect(her.balance()).toBe(1000 - used);
      }
    },
  );

  test("a use that is reversed after the end was none, before the next credits come", ({ expect }) => {
    const pin = offer("p", 1000, NONE);
    const her = subscriber(pin);
    const entry = her.spend(900, START);
    her.cancel(1, START);
    her.reverse(entry, START + MINUTE);
    expect(her.balance()).toBe(0);
    her.subscribe(pin, START + 2 * MINUTE);
    expect(her.balance()).toBe(1000);
  });

  test.for([
    [NONE, 0, 12_000],
    [NONE, 400, 12_000 - 400],
    [capped(100), 0, 12_000],
    [capped(100), 1000, 12_000 - 1000],
    [FULL, 0, 12_000],
  ] as const)(
    "held over a change of interval, it counts when it is used: %o, %d used",
    ([policy, used, left], { expect }) => {
      const her = subscriber(offer("month", 1000, policy));
      const hold = her.hold(1000, START + 60 * MINUTE);
      her.upgrade(offer("year", 12_000, policy, { intervalMonths: 12 }), START);
      if (used === 0) her.release(hold, START + MINUTE);
      else her.commit(hold, used, START + MINUTE);
      // What was used before it is known comes off what the next period gives.
      expect(her.balance() - her.due()).toBe(left);
    },
  );

  test("credits that come to nothing leave a line that says why", ({ expect }) => {
    const her = subscriber(offer("p", 1000, NONE));
    her.spend(1000, START);
    her.cancel(1, START);
    her.subscribe(offer("small", 400, NONE), START);
    expect(her.core.entries().at(-1)).toMatchObject({
      type: "ADJUSTMENT",
      amountE4: 0n,
      description: "Less 400 that were given before, for time that was given back",
    });
    expect([her.balance(), her.due()]).toEqual([0, 600]);
  });

  test("a use of a period that is over gives back what the cap had room for, and no more", ({ expect }) => {
    for (const [cap, amounts] of [
      [100, [900]],
      [500, [900]],
      [500, [100, 600, 200]],
    ] as const) {
      const her = subscriber(offer("p", 1000, capped(cap)));
      const entries = amounts.map((amount, index) => her.spend(amount, START + index * MINUTE));
      her.settle(at("2027-02-15T12:00:00"));
      for (const entry of entries) her.reverse(entry, at("2027-02-15T13:00:00"));
      expect(her.balance()).toBe(1000 + cap);
    }
  });

  test("a use of the present period gives back all of it, also into credits that were carried over", ({ expect }) => {
    const her = subscriber(offer("p", 1000, capped(500)));
    her.settle(at("2027-02-15T12:00:00"));
    expect(her.balance()).toBe(1500);
    const entry = her.spend(1400, at("2027-02-15T13:00:00"));
    her.reverse(entry, at("2027-02-15T14:00:00"));
    expect(her.balance()).toBe(1500);
  });

  test.for([
    ["at once", [10]],
    ["in two parts", [5, 5]],
    ["in three", [3, 3, 4]],
  ] as const)("a purchase that is refunded whole gives nothing back later: %s", ([, parts], { expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const grant = core.give(pool, 100, { type: "PURCHASED" });
    core.commit();
    const use = { denomination: "AI", subscription: 1, unitsE12: units(100), weight: ONE_EACH };
    const [entry] = granted(charge(core.draft(), use, 10)).entries;
    core.commit();
    let refunded = 0n;
    for (const part of parts.map(BigInt)) {
      const share = { before: refunded, part, whole: 10n };
      refundPurchase(core.draft(), { pool: core.pool(pool), grant: core.grant(grant), share }, 20);
      core.commit();
      refunded += part;
    }
    if (entry === undefined) throw new Error("there is a deduction");
    granted(decideReverse(core.draft(), { pool: core.pool(pool), entry, past: core.past }, 30));
    expect(core.pool(pool).balanceE4).toBe(0n);
  });

  test.for([3, 7])("%d equal refunds leave nothing of a purchase", (count, { expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const grant = core.give(pool, 100, { type: "PURCHASED" });
    core.commit();
    for (let index = 0; index < count; index += 1) {
      const share = { before: BigInt(index), part: 1n, whole: BigInt(count) };
      refundPurchase(core.draft(), { pool: core.pool(pool), grant: core.grant(grant), share }, 20);
      core.commit();
    }
    expect(core.pool(pool).balanceE4).toBe(0n);
    expect(core.grant(grant).voidedAtMs).toBe(20);
  });

  test("a link that is taken away and made again counts what was drawn in the period", ({ expect }) => {
    const her = subscriber(offer("p", 1000, NONE));
    const link = (atMs: number) =>
      her.done(
        granted(
          decideLink(
            her.core.draft(),
            her.core.pool(1),
            { subscription: 1, drawPriority: 0, drawLimitE4: credits(100) },
            atMs,
          ),
        ),
      );
    link(START);
    her.spend(100, START + MINUTE);
    her.done(granted(decideUnlink(her.core.draft(), her.core.pool(1), 1, START + 2 * MINUTE)));
    link(START + 3 * MINUTE);
    expect(holdCredits(her.core.draft(), her.use(1)).ok).toBe(false);
    her.settle(at("2027-02-15T12:00:00"));
    expect(holdCredits(her.core.draft(), her.use(100)).ok).toBe(true);
  });
});

describe("holds", () => {
  test("what falls due is written in the order of its instants, however late", ({ expect }) => {
    const core = creditBook();
    const { draft } = core;
    draft().payer.put({ ...draft().payer.get(), terms: { isOn: true, refundOverpayments: false } });
    // Below what the provider collects: it is carried over, and the credits that it pays for come at once.
    const pin = offer("p", 100, FULL, { price: 3n * 10n ** 11n });
    const { invoice } = granted(decideSubscribe(draft(), { pin, gracePeriodDays: 3 }, START));
    const first = draft().invoices.get(invoice ?? 0);
    if (first === undefined) throw new Error("there is an invoice");
    granted(decidePay(draft(), first, START));
    core.commit();
    core.give(1, 50, { type: "PROMOTIONAL", expiresAtMs: at("2027-02-15T12:03:00") }, START + MINUTE);
    core.commit();
    settleDues(draft(), at("2027-02-15T12:05:00"));
    core.commit();
    const instants = core.entries().map(({ atMs }) => atMs);
    expect(instants).toEqual([...instants].sort((a, b) => a - b));
    expect(core.brokenLaws()).toEqual([]);
  });
});
