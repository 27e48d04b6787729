import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { E12 } from "../../src/domain/amount.ts";
import { type Corrected, type CorrectionAsked, decideCorrection } from "../../src/domain/correction.ts";
import { creditsFor } from "../../src/domain/credit-ledger.ts";
import { servingSubscription } from "../../src/domain/entitlement.ts";
import type { StoredEvent } from "../../src/domain/event.ts";
import { decideGrant } from "../../src/domain/grants.ts";
import { customerThingId, tagFromBytes } from "../../src/domain/ids.ts";
import { type MeteredEvent, type Metering, meter } from "../../src/domain/metering.ts";
import { sumByCurrency, toMinor } from "../../src/domain/money.ts";
import { makePool } from "../../src/domain/pools.ts";
import type { Pricing } from "../../src/domain/pricing.ts";
import type { Reply } from "../../src/domain/refusal.ts";
import { decideReserve } from "../../src/domain/reservation.ts";
import { type PlanPin, pinKey } from "../../src/domain/subscription.ts";
import { openWorld, type PlanSpec, perUnit, plan, refusalOf, type World } from "../support/book.ts";
import { credits, granted, units, weighing } from "../support/credit-core.ts";

/** Events under a rule that names credits, with a price for what those do not cover: a unit costs 0.50, a bought credit cost 0.10. */

const TAG = tagFromBytes(new Uint8Array(8));
const API = { featureId: "f-api" };

/** A plan whose rule names credits. */
function burning(spec: Partial<PlanSpec> = {}): PlanPin {
  const sold = plan({ key: "pro", timing: "IN_ARREARS", api: perUnit("0.5"), ...spec });
  return { ...sold, rules: sold.rules.map((rule) => ({ ...rule, denomination: "AI" })) };
}

function onCredits(spec: Partial<PlanSpec> = {}, start = "2027-01-15"): World {
  const world = openWorld(start);
  granted(world.subscribe(burning(spec)));
  return world;
}

/** The same with another price: the version in force closes what was counted under it. */
function reprice(world: World, price: string, resetMode: Pricing["resetMode"] = "reset"): void {
  granted(world.change(1, "UPGRADE", burning({ key: `at-${price}`, api: perUnit(price, resetMode) })));
}

/** A pool of bought and free credits. */
function fill(world: World, amounts: readonly { amount: number; isBought?: boolean }[], hardLimit = false): number {
  const reply = world.run((draft) => {
    const spec = { name: "Pool", denomination: "AI", hardLimit, rolloverPolicy: "NONE" as const };
    const pool = makePool(draft, spec, world.now());
    for (const { amount, isBought = false } of amounts)
      granted(
        decideGrant(
          draft,
          {
            pool,
            spec: {
              amountE4: credits(amount),
              ...(isBought
                ? { type: "PURCHASED", unitPriceE12: 10n ** 11n, currency: "USD" }
                : { type: "PROMOTIONAL" }),
            },
            past: pastOf(world),
          },
          world.now(),
        ),
      );
    return { ok: true, value: pool.number };
  });
  return granted(reply);
}

function pastOf({ all }: World): CorrectionAsked["past"] {
  return {
    grant: (number) => all.grants.get(number),
    grantWithKey: () => undefined,
    deductionWithKey: () => undefined,
    reversalsOf: (entry) => all.creditEntries.filter(({ reverses }) => reverses === entry),
  };
}

function report(world: World, event: Partial<MeteredEvent> & { usageE12: E12 }): Reply<Metering> {
  const asked = { ...API, occurredAtMs: world.now(), seq: 1, ...event };
  return world.run((draft) => meter(draft, servingSubscription(draft, API), asked, world.now()));
}

/** Not while it is suspended or has ended, nor to the version that it has. */
function tryReprice(world: World, price: string, resetMode: Pricing["resetMode"]): void {
  const live = world.book.subscriptions.get(1);
  const pin = burning({ key: `at-${price}`, api: perUnit(price, resetMode) });
  if (live?.status === "ACTIVE" && live.planId !== pin.planId) granted(world.change(1, "UPGRADE", pin));
}

/** Events and corrections as the object keeps them. */
function history(world: World) {
  const events: StoredEvent[] = [];
  const base = (usageE12: E12): StoredEvent => ({
    eventId: customerThingId(TAG, "event", events.length + 1),
    seq: events.length + 1,
    key: String(events.length + 1),
    eventName: "call",
    occurredAtMs: world.now(),
    receivedAtMs: world.now(),
    featureId: "f-api",
    provider: "",
    model: "",
    currency: "USD",
    usageE12,
  });
  return {
    events,
    add(usageE12: E12, creditsPerUnit: number, occurredAtMs = world.now()): StoredEvent | undefined {
      const weight = weighing(creditsPerUnit);
      const reply = report(world, { usageE12, seq: events.length + 1, weight, occurredAtMs });
      if (!reply.ok || !("counted" in reply.value)) return undefined;
      const { counted, burnt, priceE12, worth = [], currency } = reply.value;
      const [revenue] = sumByCurrency([{ amountE12: priceE12, currency }, ...worth]);
      const event = {
        ...base(usageE12),
        occurredAtMs,
        counted,
        ...(burnt === undefined ? {} : { burnt }),
        ...(revenue === undefined ? {} : { revenueE12: revenue.amountE12 }),
      };
      events.push(event);
      return event;
    },
    correct(wrong: StoredEvent, rightE12: E12): Reply<Corrected> {
      const asked: CorrectionAsked = {
        rightE12,
        before: events.filter(({ correction }) => correction?.corrects === wrong.seq),
        closedOf: ({ subscription, afterSegment }) => {
          const closed = [...world.all.segments.values()].find(
            (one) => one.subscription === subscription && one.number > afterSegment,
          );
          const pin = closed === undefined ? undefined : world.book.pins.get(pinKey(closed));
          return closed === undefined || pin === undefined ? undefined : { segment: closed, pin };
        },
        seq: events.length + 1,
        weight: weighing(1),
        past: pastOf(world),
        entriesOf: (seq) => world.all.creditEntries.filter(({ eventSeq }) => eventSeq === seq),
      };
      const reply = world.run((draft) => decideCorrection(draft, wrong, asked, world.now()));
      if (reply.ok) {
        const { revenues: [revenue] = [], ...said } = reply.value;
        events.push({ ...base(0n), ...said, ...(revenue === undefined ? {} : { revenueE12: revenue.amountE12 }) });
      }
      return reply;
    },
  };
}

const counterOf = (world: World) => world.book.counters.get("1/f-api");
const balanceOf = (world: World, pool = 1) => world.book.pools.get(pool)?.balanceE4;

describe("does", () => {
  test("covered units count for the limit, and not for the price or its tiers", ({ expect }) => {
    const world = onCredits();
    fill(world, [{ amount: 60 }]);
    const { priceE12, counted, burnt } = granted(report(world, { usageE12: units(100) })) as Metering & {
      counted: object;
    } & Record<string, unknown>;
    expect({ priceE12, counted, burnt }).toMatchObject({
      priceE12: units(20),
      counted: { unitsE12: units(100), coveredE12: units(60) },
      burnt: { drawnE4: credits(60), balanceE4: 0n },
    });
    expect(counterOf(world)).toMatchObject({ usedE12: units(100), billableE12: units(40) });
    world.at("2027-02-15");
    expect([...world.all.segments.values()][0]).toMatchObject({ fromE12: 0n, toE12: units(40) });
  });

  test("SUSPENDED while its period is open: units count and are billed, and no credits are drawn", ({ expect }) => {
    const world = onCredits({ price: "10", timing: "IN_ADVANCE" });
    for (const { number } of world.all.invoices.values()) granted(world.pay(number));
    fill(world, [{ amount: 60 }]);
    world.at("2027-02-20");
    expect(world.live(1)).toMatchObject({ status: "SUSPENDED", isOpen: true });
    expect(granted(report(world, { usageE12: units(10) }))).toMatchObject({ priceE12: units(5) });
    expect(granted(report(world, { usageE12: units(10) }))).not.toHaveProperty("burnt");
    expect(balanceOf(world)).toBe(credits(60));
  });

  test("a reservation that is committed while SUSPENDED takes what it holds, and bills the rest", ({ expect }) => {
    const world = onCredits({ price: "10", timing: "IN_ADVANCE" });
    for (const { number } of world.all.invoices.values()) granted(world.pay(number));
    fill(world, [{ amount: 60 }], true);
    world.at("2027-02-17T23:30");
    const asked = { featureKey: "api", isEnabled: true, requestedE12: units(4) };
    const { hold } = granted(
      world.run((draft) => decideReserve(draft, asked, { ttlSeconds: 3600, openCount: 0 }, world.now())),
    );
    if (hold === undefined) throw new Error("nothing is held");
    world.at("2027-02-18T00:10");
    expect(world.live(1)).toMatchObject({ status: "SUSPENDED", isOpen: true });
    const metering = granted(
      world.run((draft) => {
        const event = { ...API, usageE12: units(10), occurredAtMs: world.now(), seq: 1, hold };
        const reply = meter(draft, servingSubscription(draft, API), event, world.now());
        draft.holds.put({ ...hold, status: "COMMITTED" });
        return reply;
      }),
    );
    expect(metering).toMatchObject({
      counted: { unitsE12: units(10), coveredE12: units(4) },
      burnt: { drawnE4: credits(4), balanceE4: credits(56) },
      priceE12: units(3),
    });
    expect(world.book.pools.get(1)).toMatchObject({ heldE4: 0n, balanceE4: credits(56) });
  });

  test("units that are taken back are billed ones first, and give back no credits", ({ expect }) => {
    const world = onCredits({ api: perUnit("0.5", "accumulate") });
    fill(world, [{ amount: 6 }]);
    granted(report(world, { usageE12: units(10) }));
    granted(report(world, { usageE12: -units(3) }));
    expect(counterOf(world)).toMatchObject({ usedE12: units(7), billableE12: units(1) });
    granted(report(world, { usageE12: -units(3) }));
    expect(counterOf(world)).toMatchObject({ usedE12: units(4), billableE12: 0n });
    expect(balanceOf(world)).toBe(0n);
  });

  test("what was accepted before takes what is there, of a hard pool too", ({ expect }) => {
    const world = onCredits();
    fill(world, [{ amount: 6 }], true);
    expect(refusalOf(report(world, { usageE12: units(10) }))).toBe("credits_short");
    expect(counterOf(world)).toBeUndefined();
    expect(granted(report(world, { usageE12: units(10), isAccepted: true }))).toMatchObject({
      priceE12: units(2),
      burnt: { drawnE4: credits(6) },
    });
  });

  test("a reservation whose event is not counted gives its credits back", ({ expect }) => {
    const world = onCredits();
    fill(world, [{ amount: 10 }], true);
    const asked = { featureKey: "api", isEnabled: true, requestedE12: units(4) };
    const { hold } = granted(
      world.run((draft) => decideReserve(draft, asked, { ttlSeconds: 60, openCount: 0 }, world.now())),
    );
    if (hold === undefined) throw new Error("nothing is held");
    expect(world.book.pools.get(1)).toMatchObject({ heldE4: credits(4) });
    granted(
      world.run((draft) => {
        const event = { ...API, usageE12: 0n, occurredAtMs: world.now(), seq: 1, hold };
        const reply = meter(draft, servingSubscription(draft, API), event, world.now());
        draft.holds.put({ ...hold, status: "COMMITTED" });
        return reply;
      }),
    );
    expect(world.book.pools.get(1)).toMatchObject({ heldE4: 0n, balanceE4: credits(10) });
  });
});

describe("does corrections across versions", () => {
  const segment = (world: World, number: number) => world.all.segments.get(number);
  const invoiceAt = (world: World, start: string) => {
    const found = [...world.all.invoices.values()].find(({ periodStartMs }) => periodStartMs === Date.parse(start));
    if (found === undefined) throw new Error(`no invoice of ${start}`);
    return found;
  };

  test("billed units leave the version that counted them, at its price, before covered ones give credits back", ({
    expect,
  }) => {
    const world = onCredits();
    fill(world, [{ amount: 6, isBought: true }]);
    const told = history(world);
    const wrong = told.add(units(10), 1) as StoredEvent;
    reprice(world, "2");
    told.add(units(3), 1);
    const billed = granted(told.correct(wrong, units(8)));
    expect(billed).toMatchObject({ counted: { unitsE12: units(-2) }, revenues: [{ amountE12: units(-1) }] });
    expect(billed.counted).not.toHaveProperty("coveredE12");
    expect(balanceOf(world)).toBe(0n);
    expect(segment(world, 1)).toMatchObject({ fromE12: 0n, toE12: units(2) });
    // Two at 0.50, and three that bought credits of 0.10 paid for.
    expect(granted(told.correct(wrong, units(3)))).toMatchObject({
      counted: { unitsE12: units(-5), coveredE12: units(-3) },
      burnt: { drawnE4: credits(-3), balanceE4: credits(3) },
      revenues: [{ amountE12: units(-1.3) }],
    });
    expect(segment(world, 1)).toMatchObject({ fromE12: 0n, toE12: 0n, takenBackE12: 0n });
    expect(counterOf(world)).toMatchObject({
      usedE12: units(6),
      billableE12: units(3),
      segment: { billableFromE12: 0n },
    });
    expect(granted(told.correct(wrong, 0n))).toMatchObject({
      counted: { unitsE12: units(-3), coveredE12: units(-3) },
      revenues: [{ amountE12: units(-0.3) }],
    });
    expect([balanceOf(world), counterOf(world)?.usedE12]).toEqual([credits(6), units(3)]);
    world.at("2027-02-15");
    expect([invoiceAt(world, "2027-01-15").amountMinor, world.balance()]).toEqual([600, 0]);
  });

  test("late covered units that leave a segment leave its late billed ones as they are", ({ expect }) => {
    const world = onCredits().at("2027-02-16");
    fill(world, [{ amount: 6 }]);
    const occurredAtMs = Date.parse("2027-02-14");
    const told = history(world);
    const wrong = told.add(units(10), 1, occurredAtMs) as StoredEvent;
    reprice(world, "2");
    expect(segment(world, 1)).toMatchObject({ toE12: units(4), lateE12: units(4) });
    granted(told.correct(wrong, units(7)));
    expect(segment(world, 1)).toMatchObject({ toE12: units(1), lateE12: units(1) });
    granted(told.correct(wrong, units(2)));
    expect(segment(world, 1)).toMatchObject({ toE12: 0n, lateE12: 0n });
    expect(balanceOf(world)).toBe(credits(4));
  });

  test("a feature that the plan in force has no more gives its credits back, and its units leave the counter", ({
    expect,
  }) => {
    const world = onCredits();
    fill(world, [{ amount: 6 }]);
    const told = history(world);
    const wrong = told.add(units(10), 1) as StoredEvent;
    granted(world.change(1, "UPGRADE", { ...burning({ key: "without" }), rules: [] }));
    expect(granted(told.correct(wrong, units(1)))).toMatchObject({
      counted: { unitsE12: units(-9), coveredE12: units(-5) },
      burnt: { drawnE4: credits(-5) },
      revenues: [{ amountE12: units(-2) }],
    });
    expect(counterOf(world)).toMatchObject({ usedE12: units(1), billableE12: 0n });
  });

  test("seats leave the version that counted them; those that were given back since go from what is there", ({
    expect,
  }) => {
    const world = onCredits({ api: perUnit("0.5", "accumulate") });
    fill(world, [{ amount: 6 }]);
    const told = history(world);
    const wrong = told.add(units(10), 1) as StoredEvent;
    reprice(world, "2", "accumulate");
    told.add(units(-7), 1);
    told.add(units(2), 1);
    expect(counterOf(world)).toMatchObject({ usedE12: units(5), billableE12: units(2) });
    // Two are billed still, and leave the first version; the others were given back, and go from what is used.
    expect(granted(told.correct(wrong, units(6)))).toMatchObject({ counted: { unitsE12: units(-4) } });
    expect(segment(world, 1)).toMatchObject({ toE12: units(2) });
    expect(counterOf(world)).toMatchObject({ usedE12: units(1), billableE12: 0n });
    expect(granted(told.correct(wrong, units(5)))).toMatchObject({
      counted: { unitsE12: units(-1), coveredE12: units(-1) },
      burnt: { drawnE4: credits(-1) },
    });
    expect(counterOf(world)).toMatchObject({ usedE12: 0n, billableE12: 0n });
    expect(refusalOf(told.correct(wrong, units(4)))).toBe("usage_refused");
  });

  test.for([false, true])(
    "seats are not billed beyond those that are used, their version closed: %s",
    (isClosed, { expect }) => {
      const world = onCredits({ api: perUnit("0.5", "accumulate") });
      fill(world, [{ amount: 6 }]);
      const told = history(world);
      const wrong = told.add(units(6), 1) as StoredEvent;
      told.add(units(-5), 1);
      told.add(units(3), 1);
      if (isClosed) reprice(world, "0.5", "accumulate");
      // Of the six two stay, so it was of the three billed ones that three were given back.
      expect(granted(told.correct(wrong, units(2)))).toMatchObject({
        counted: { unitsE12: units(-4), coveredE12: units(-4) },
        burnt: { drawnE4: credits(-4) },
        revenues: [{ amountE12: units(-1.5) }],
      });
      expect(counterOf(world)).toMatchObject({ usedE12: 0n, billableE12: 0n });
    },
  );

  test("seats of which fewer were given back return as they went, and burn nothing", ({ expect }) => {
    const world = onCredits({ api: perUnit("0.5", "accumulate") });
    fill(world, [{ amount: 6 }, { amount: 1 }]);
    const told = history(world);
    told.add(units(9), 1);
    expect(counterOf(world)).toMatchObject({ usedE12: units(9), billableE12: units(2) });
    fill(world, [{ amount: 5 }]);
    const back = told.add(units(-4), 1) as StoredEvent;
    expect(counterOf(world)).toMatchObject({ usedE12: units(5), billableE12: 0n });
    // Of four that were given back two were billed. Three of them would have been two billed ones, and one covered.
    expect(granted(told.correct(back, units(-3)))).toMatchObject({
      counted: { unitsE12: units(1), coveredE12: units(1) },
      revenues: [{ amountE12: 0n }],
    });
    expect(granted(told.correct(back, units(-1)))).toMatchObject({
      counted: { unitsE12: units(2), coveredE12: units(1) },
      revenues: [{ amountE12: units(0.5) }],
    });
    expect(counterOf(world)).toMatchObject({ usedE12: units(8), billableE12: units(1) });
    expect(world.book.pools.get(2)?.balanceE4).toBe(credits(5));
    // What goes beyond none is used, and burns; and what goes below it again is given back.
    const beyond = granted(told.correct(back, units(3)));
    expect(beyond).toMatchObject({
      counted: { unitsE12: units(4), coveredE12: units(3) },
      burnt: { drawnE4: credits(3) },
    });
    expect(counterOf(world)).toMatchObject({ usedE12: units(12), billableE12: units(2) });
    expect(granted(told.correct(back, units(-4)))).toMatchObject({ burnt: { drawnE4: credits(-3) } });
    expect(counterOf(world)).toMatchObject({ usedE12: units(5), billableE12: 0n });
    expect(world.book.pools.get(2)?.balanceE4).toBe(credits(5));
    expect(granted(told.correct(back, 0n))).toMatchObject({ counted: { unitsE12: units(4), coveredE12: units(2) } });
    expect(counterOf(world)).toMatchObject({ usedE12: units(9), billableE12: units(2) });
    expect(world.book.pools.get(2)?.balanceE4).toBe(credits(5));
  });

  test("seats corrected while suspended give credits back at once, and money at the end", ({ expect }) => {
    const world = onCredits({ api: perUnit("10", "accumulate") });
    fill(world, [{ amount: 2 }]);
    const told = history(world);
    const wrong = told.add(units(5), 1) as StoredEvent;
    world.at("2027-03-16");
    expect(world.live(1)).toMatchObject({ status: "SUSPENDED", isOpen: false });
    expect(granted(told.correct(wrong, units(1)))).toMatchObject({
      counted: { unitsE12: units(-4), coveredE12: units(-1) },
      burnt: { drawnE4: credits(-1) },
      revenues: [{ amountE12: units(-30) }],
    });
    expect(balanceOf(world)).toBe(credits(1));
    world.at("2027-08-01");
    const last = [...world.all.invoices.values()].at(-1);
    expect(last?.lines.map(({ kind, amountMinor }) => [kind, amountMinor])).toEqual([
      ["USAGE", -3000],
      ["CREDIT", 3000],
    ]);
  });
});

describe("refuses", () => {
  test("an amount that no invoice carries, unless credits cover what makes it so", ({ expect }) => {
    const world = onCredits({ api: perUnit("1000000") });
    const absurd = units(200_000_000);
    expect(refusalOf(report(world, { usageE12: absurd }))).toBe("usage_refused");
    fill(world, [{ amount: 200_000_000 }]);
    expect(granted(report(world, { usageE12: absurd }))).toMatchObject({ priceE12: 0n });
  });
});

describe("holds", () => {
  const size = fc.integer({ min: 1, max: 400 }).map((tenths) => units(tenths / 10));
  const weight = fc.constantFrom(0.0001, 0.3333, 1, 2.5, 7);
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("spend" as const), size, weight }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("correct" as const), size, which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("month" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reprice" as const), price: fc.constantFrom("0.5", "2") }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("back" as const), size }) },
  );
  const mode = fc.constantFrom<Pricing["resetMode"]>("reset", "accumulate");
  const pool = fc.record({
    amounts: fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 4 }),
    isHard: fc.boolean(),
  });

  test("counters and pool are the sum of all events, and corrected to nothing they leave nothing behind", ({
    expect,
  }) => {
    fc.assert(
      fc.property(pool, mode, fc.array(step, { maxLength: 25 }), ({ amounts, isHard }, resetMode, steps) => {
        const world = onCredits({ api: perUnit("0.5", resetMode) });
        fill(
          world,
          amounts.map((amount, at) => ({ amount, isBought: at % 2 === 0 })),
          isHard,
        );
        const given = credits(amounts.reduce((sum, amount) => sum + amount, 0));
        const told = history(world);
        let months = 0;
        let isGivenBack = false;
        for (const one of steps) {
          if (one.kind === "spend") told.add(one.size, one.weight);
          else if (one.kind === "back") isGivenBack = told.add(-one.size, 1) !== undefined || isGivenBack;
          else if (one.kind === "reprice") tryReprice(world, one.price, resetMode);
          else if (one.kind === "month") world.at(Date.UTC(2027, 1 + months++, 15));
          else {
            const own = told.events.filter(({ correction }) => correction === undefined);
            const wrong = own[one.which % Math.max(1, own.length)];
            if (wrong !== undefined) told.correct(wrong, one.size);
          }
          const drawnE4 = told.events.reduce((sum, { burnt }) => sum + (burnt?.drawnE4 ?? 0n), 0n);
          expect(balanceOf(world)).toBe(given - drawnE4);
          const countedE12 = told.events.reduce((sum, { counted }) => sum + (counted?.unitsE12 ?? 0n), 0n);
          expect(counterOf(world)?.usedE12 ?? countedE12).toBe(countedE12);
          const coveredE12 = told.events.reduce((sum, { counted }) => sum + (counted?.coveredE12 ?? 0n), 0n);
          const billedE12 = counterOf(world)?.billableE12 ?? countedE12 - coveredE12;
          // What is given back takes billed units first, of whichever event.
          if (!isGivenBack) expect(billedE12).toBe(countedE12 - coveredE12);
          let endE12 = 0n;
          for (const { fromE12, toE12 } of world.all.segments.values()) {
            expect(fromE12).toBe(endE12);
            endE12 = toE12;
          }
          expect(counterOf(world)?.segment.billableFromE12 ?? endE12).toBe(endE12);
        }
        if (isGivenBack) return;
        const own = told.events.filter(({ correction }) => correction === undefined);
        for (const wrong of own) granted(told.correct(wrong, 0n));
        expect(balanceOf(world)).toBe(given);
        if (months > 0) return;
        expect(counterOf(world) ?? { usedE12: 0n, billableE12: 0n }).toMatchObject({ usedE12: 0n, billableE12: 0n });
        expect(told.events.reduce((sum, { revenueE12 = 0n }) => sum + revenueE12, 0n)).toBe(0n);
      }),
      { numRuns: 300 },
    );
  });

  test("corrected down, an event has burned and is billed what it would have been", ({ expect }) => {
    fc.assert(
      fc.property(size, size, weight, fc.integer({ min: 0, max: 60 }), mode, fc.boolean(), (...given) => {
        const [said, less, creditsPerUnit, amount, resetMode, isRepriced] = given;
        const world = onCredits({ api: perUnit("0.5", resetMode) });
        if (amount > 0) fill(world, [{ amount, isBought: true }]);
        const told = history(world);
        const wrong = told.add(said, creditsPerUnit);
        if (wrong === undefined) throw new Error("a soft pool refuses nothing");
        if (isRepriced) reprice(world, "2", resetMode);
        const rightE12 = less < said ? less : said;
        granted(told.correct(wrong, rightE12));
        const { coveredE12 = 0n } = wrong.counted ?? {};
        const stayE12 = rightE12 < coveredE12 ? rightE12 : coveredE12;
        expect(counterOf(world)).toMatchObject({ usedE12: rightE12, billableE12: rightE12 - stayE12 });
        const drawnE4 = told.events.reduce((sum, { burnt }) => sum + (burnt?.drawnE4 ?? 0n), 0n);
        if (stayE12 < coveredE12) expect(drawnE4).toBe(creditsFor(stayE12, units(creditsPerUnit)));
        else expect(drawnE4).toBe(wrong.burnt?.drawnE4);
        world.at("2027-02-15");
        const [line] = [...world.all.invoices.values()].flatMap(({ lines }) =>
          lines.filter(({ kind }) => kind === "USAGE"),
        );
        expect(line?.amountMinor ?? 0).toBe(toMinor((rightE12 - stayE12) * units(0.5), "USD"));
      }),
      { numRuns: 500 },
    );
  });
});
