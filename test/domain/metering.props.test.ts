import * as fc from "fast-check";
import { describe, test } from "vitest";
import { decimalToE12, type E12, E12_ONE, formatE12 } from "../../src/domain/amount.ts";
import { type Corrected, type CorrectionAsked, decideCorrection } from "../../src/domain/correction.ts";
import { servingSubscription } from "../../src/domain/entitlement.ts";
import type { StoredEvent } from "../../src/domain/event.ts";
import { customerThingId, tagFromBytes } from "../../src/domain/ids.ts";
import type { InvoiceLine } from "../../src/domain/invoice.ts";
import { DAY_MS } from "../../src/domain/limits.ts";
import { type Metering, meter } from "../../src/domain/metering.ts";
import { pricingOf } from "../../src/domain/plan.ts";
import { type Pricing, totalPrice } from "../../src/domain/pricing.ts";
import type { Reply } from "../../src/domain/refusal.ts";
import { type PlanPin, pinKey } from "../../src/domain/subscription.ts";
import { counterKey, type Hold, pricePosition, usedUnits } from "../../src/domain/usage.ts";
import { graduated, openWorld, perUnit, plan, refusalOf, type World } from "../support/book.ts";
import { creditBook } from "../support/credit-core.ts";

const TAG = tagFromBytes(new Uint8Array(8));
const units = (text: string): E12 => decimalToE12(text);
const withLimit = (pricing: Pricing, limit: string): Pricing => ({ ...pricing, maxUsage: units(limit) });

type Said = {
  units: string;
  occurredAtMs?: number;
  hold?: Hold;
  isGranted?: boolean;
  isAsked?: boolean;
  isPending?: boolean;
  wanted?: number;
};

/** Reports an event of `api`, as the object does. */
function report(world: World, { units: text, occurredAtMs = world.now(), wanted, ...more }: Said): Reply<Metering> {
  return world.run((draft) =>
    meter(
      draft,
      servingSubscription(draft, { featureId: "f-api" }, wanted),
      { featureId: "f-api", usageE12: units(text), occurredAtMs, seq: 1, ...more },
      world.now(),
    ),
  );
}

function must<T>(reply: Reply<T>): T {
  if (!reply.ok) throw new Error(`refused: ${JSON.stringify(reply)}`);
  return reply.value;
}

/** `3 for 0.3`, with flags; or why not. */
function told(reply: Reply<Metering>): string {
  if (!reply.ok) return reply.code;
  const metering = reply.value;
  const over = metering.overLimit === undefined ? "" : " over limit";
  if (!("counted" in metering)) return `${metering.unmeteredReason}${over}`;
  const { counted, priceE12 } = metering;
  const flags = `${counted.isLate ? " late" : ""}${counted.isOvershoot ? " overshoot" : ""}${over}`;
  return `${formatE12(counted.unitsE12)} for ${formatE12(priceE12)}${flags}`;
}

/** A customer on a plan in arrears, which is ACTIVE at once. */
function on(api: Pricing, start = "2027-01-15"): World {
  const world = openWorld(start);
  must(world.subscribe(plan({ key: "pro", timing: "IN_ARREARS", api })));
  return world;
}

const TIERS = graduated(["1000", "0.1"], ["10000", "0.05", "5"], ["inf", "0.02"]);

describe("does", () => {
  test("an event costs what its units add to the price of all: tiers, flat fees and all", ({ expect }) => {
    const world = on(TIERS);
    expect(told(report(world, { units: "1000" }))).toBe("1000 for 100");
    expect(told(report(world, { units: "0.5" }))).toBe("0.5 for 5.025");
    expect(told(report(world, { units: "10999.5" }))).toBe("10999.5 for 489.975");
    expect(usedUnits(world.book.counters.get("1/f-api"), TIERS)).toBe(units("12000"));
  });

  test("an event is taken whole while the limit is not reached; what comes after is not counted at all", ({
    expect,
  }) => {
    const world = on(withLimit(perUnit("0.1"), "10"));
    expect(told(report(world, { units: "9" }))).toBe("9 for 0.9");
    expect(told(report(world, { units: "3" }))).toBe("3 for 0.3 overshoot");
    expect(told(report(world, { units: "1" }))).toBe("USAGE_LIMIT_EXCEEDED over limit");
    expect(world.book.counters.get("1/f-api")?.usedE12).toBe(units("12"));
    world.at("2027-02-15");
    expect(told(report(world, { units: "10" }))).toBe("10 for 1");
    expect(told(report(world, { units: "0.000000000001" }))).toBe("USAGE_LIMIT_EXCEEDED over limit");
  });

  test("units within a hold are always taken; what is used beyond it is judged as if they were used", ({ expect }) => {
    const hold = (held: string): Hold => ({
      number: 1,
      subscription: 1,
      featureId: "f-api",
      featureKey: "api",
      unitsE12: units(held),
      status: "HELD",
      createdAtMs: 0,
      expiresAtMs: 1,
    });
    const used = (before: string) => {
      const world = on(withLimit(perUnit("0.1"), "10"));
      report(world, { units: before });
      return world;
    };
    expect(told(report(used("5"), { units: "3", hold: hold("5") }))).toBe("3 for 0.3");
    expect(told(report(used("12"), { units: "5", hold: hold("5") }))).toBe("5 for 0.5");
    expect(told(report(used("5"), { units: "7", hold: hold("5") }))).toBe("5 for 0.5 over limit");
    expect(told(report(used("5"), { units: "7", hold: hold("4") }))).toBe("7 for 0.7 overshoot");
    expect(told(report(used("12"), { units: "7", hold: hold("5") }))).toBe("5 for 0.5 over limit");
  });

  test("an event of a closed period counts in the open one, and says that it is late", ({ expect }) => {
    const world = on(perUnit("0.1")).at("2027-02-20");
    const occurredAtMs = Date.parse("2027-02-14T23:59:59.999Z");
    expect(told(report(world, { units: "4", occurredAtMs }))).toBe("4 for 0.4 late");
    expect(told(report(world, { units: "4", occurredAtMs: occurredAtMs + 1 }))).toBe("4 for 0.4");
    world.at("2027-03-15");
    expect(world.all.segments.get(1)).toMatchObject({ toE12: units("8"), lateE12: units("4"), events: 2 });
  });

  test("what access was given for counts whenever it is said to have occurred, and so does what it used more", ({
    expect,
  }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const before = { units: "2", occurredAtMs: world.now() - DAY_MS };
    expect(history.add(before)).toMatchObject({ unmeteredReason: "BEFORE_START" });
    const granted = history.add({ ...before, isGranted: true }) as StoredEvent;
    expect(granted.counted).toMatchObject({ unitsE12: units("2"), isLate: true });
    expect(must(history.correct(granted, units("3"))).counted).toMatchObject({ unitsE12: units("1"), isLate: true });
  });

  test("seats are given back where they accumulate, and only those that are taken", ({ expect }) => {
    const world = on(withLimit(perUnit("10", "accumulate"), "5"));
    expect(told(report(world, { units: "5" }))).toBe("5 for 50");
    expect(told(report(world, { units: "-2" }))).toBe("-2 for -20");
    expect(told(report(world, { units: "-3.5" }))).toBe("usage_refused");
    world.at("2027-03-01");
    expect(told(report(world, { units: "-3" }))).toBe("-3 for -30");
    expect(told(report(on(perUnit("1")), { units: "-1" }))).toBe("usage_refused");
  });

  test("what is not metered says why, by the first reason that applies", ({ expect }) => {
    const nobody = openWorld("2027-01-15");
    expect(told(report(nobody, { units: "1" }))).toBe("NO_SUBSCRIPTION");
    expect(told(report(nobody, { units: "-1" }))).toBe("usage_refused");
    const world = on(perUnit("1"));
    const asked = (said: Partial<Parameters<typeof meter>[2]>) =>
      told(
        world.run((draft) =>
          meter(
            draft,
            servingSubscription(draft, { featureId: said.featureId ?? "" }),
            { featureId: "f-api", usageE12: units("1"), occurredAtMs: world.now(), seq: 1, ...said },
            world.now(),
          ),
        ),
      );
    expect(asked({ featureId: undefined, usageE12: undefined })).toBe("NO_FEATURE");
    expect(asked({ featureId: "f-other", usageE12: 0n })).toBe("NO_USAGE");
    expect(asked({ featureId: "f-other", isPending: true })).toBe("PENDING");
    expect(asked({ featureId: "f-other" })).toBe("FEATURE_NOT_IN_PLAN");
    expect(told(report(world, { units: "1", occurredAtMs: world.now() - 1, isAsked: false }))).toBe("BEFORE_START");
    expect(told(report(world, { units: "1", isAsked: false }))).toBe("NOT_ASKED");
    expect(told(report(world, { units: "1", isAsked: false, isPending: true }))).toBe("NOT_ASKED");
    const unpaid = openWorld("2027-01-15");
    must(unpaid.subscribe(plan({ key: "paid", price: "10", api: perUnit("1") })));
    expect(told(report(unpaid, { units: "1" }))).toBe("SUBSCRIPTION_INACTIVE");
  });

  test("a suspended customer is metered while its period is open, and not after", ({ expect }) => {
    const world = openWorld("2027-01-15");
    const { invoice = 0 } = must(world.subscribe(plan({ key: "paid", price: "10", api: perUnit("1") })));
    must(world.pay(invoice));
    world.at("2027-02-20");
    expect(world.live(1).status).toBe("SUSPENDED");
    expect(told(report(world, { units: "2" }))).toBe("2 for 2");
    world.at("2027-03-15");
    expect(told(report(world, { units: "2" }))).toBe("SUBSCRIPTION_SUSPENDED");
  });

  test("units that accumulated and were given back leave nothing below zero to a rule that resets", ({ expect }) => {
    const world = on(perUnit("1", "accumulate"));
    report(world, { units: "5" });
    world.at("2027-02-16");
    must(world.pay(invoiceAt(world, "2027-01-15")));
    report(world, { units: "-3" });
    must(world.change(1, "UPGRADE", plan({ key: "next", timing: "IN_ARREARS", api: TIERS })));
    expect(told(report(world, { units: "1" }))).toBe("1 for 0");
    expect(told(report(world, { units: "3" }))).toBe("3 for 0.1");
    world.at("2027-03-15");
  });
});

/** The closed segment that an event was counted in, as the object finds it. */
function segmentOf(world: World, { counted }: Pick<StoredEvent, "counted">) {
  if (counted === undefined) return undefined;
  const { subscription, afterSegment } = counted;
  return [...world.all.segments.values()].find((one) => one.subscription === subscription && one.number > afterSegment);
}

/** Events as stored, with their corrections: what the object keeps. */
function openHistory(world: World) {
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
  const soFarOf = (wrong: StoredEvent) =>
    events.findLast(({ correction }) => correction?.corrects === wrong.seq)?.correction ?? {
      usageE12: wrong.usageE12,
      countedE12: wrong.counted?.unitsE12 ?? 0n,
    };
  return {
    events,
    soFarOf,
    add(said: Said): StoredEvent | undefined {
      const reply = report(world, said);
      if (!reply.ok) return undefined;
      const metering = reply.value;
      const event = {
        ...base(units(said.units)),
        occurredAtMs: said.occurredAtMs ?? world.now(),
        ...("counted" in metering ? { counted: metering.counted, revenueE12: metering.priceE12 } : metering),
      };
      events.push(event);
      return event;
    },
    correct(wrong: StoredEvent, rightE12: E12): Reply<Corrected> {
      const asked: CorrectionAsked = {
        rightE12,
        before: events.filter(({ correction }) => correction?.corrects === wrong.seq),
        closedOf: (counted) => {
          const segment = segmentOf(world, { counted });
          const pin = segment === undefined ? undefined : world.book.pins.get(pinKey(segment));
          return segment === undefined || pin === undefined ? undefined : { segment, pin };
        },
        seq: events.length + 1,
        weight: { creditsPerUnitE12: E12_ONE, match: "NONE" },
        past: creditBook().past,
        entriesOf: () => [],
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

describe("does corrections", () => {
  test("in the open period the counter moves by the difference", ({ expect }) => {
    const world = on(TIERS);
    const history = openHistory(world);
    const wrong = history.add({ units: "1100" }) as StoredEvent;
    expect(must(history.correct(wrong, units("900")))).toMatchObject({
      usageE12: units("-200"),
      revenues: [{ amountE12: units("-20"), currency: "USD" }],
    });
    expect(must(history.correct(wrong, units("1000"))).revenues?.[0]?.amountE12).toBe(units("10"));
    expect(world.book.counters.get("1/f-api")?.usedE12).toBe(units("1000"));
  });

  test("of a billed period fewer units are a CREDIT line on the next invoice, priced from its end", ({ expect }) => {
    const world = on(TIERS);
    const history = openHistory(world);
    history.add({ units: "900" });
    const wrong = history.add({ units: "200" }) as StoredEvent;
    world.at("2027-02-20");
    report(world, { units: "10" });
    const corrected = must(history.correct(wrong, units("50")));
    // 100 units at 0.05 with their flat fee of 5, then 50 at 0.10.
    expect(corrected).toMatchObject({
      unmeteredReason: "PERIOD_CLOSED",
      correction: { countedE12: units("50"), credited: { amountMinor: 1500, currency: "USD" } },
      revenues: [{ amountE12: units("-15") }],
    });
    expect(world.book.counters.get("1/f-api")?.usedE12).toBe(units("1110"));
    world.at("2027-03-15");
    const invoice = [...world.all.invoices.values()].find(
      ({ periodStartMs }) => periodStartMs === Date.parse("2027-02-15"),
    );
    expect(invoice?.lines.map(({ kind, amountMinor }) => [kind, amountMinor])).toEqual([
      ["USAGE", 100],
      ["CREDIT", -1500],
      ["CREDIT", 1400],
    ]);
    expect(world.balance()).toBe(1400);
  });

  test("of a billed period more units count now, as late ones", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "2" }) as StoredEvent;
    world.at("2027-02-20");
    expect(must(history.correct(wrong, units("5")))).toMatchObject({
      counted: { unitsE12: units("3"), isLate: true },
      revenues: [{ amountE12: units("3") }],
    });
    expect(usedUnits(world.book.counters.get("1/f-api"), perUnit("1"))).toBe(units("3"));
  });

  test("what was corrected upwards and then down is taken from where each part of it was counted", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    world.at("2027-02-16");
    must(history.correct(wrong, units("9")));
    expect(must(history.correct(wrong, units("3")))).toMatchObject({
      counted: { unitsE12: units("-4") },
      revenues: [{ amountE12: units("-6") }],
      correction: { countedE12: units("3"), credited: { amountMinor: 200, currency: "USD" } },
    });
    expect(usedUnits(world.book.counters.get("1/f-api"), perUnit("1"))).toBe(0n);
    must(world.pay(invoiceAt(world, "2027-01-15")));
    must(history.correct(wrong, units("4")));
    world.at("2027-03-16");
    // The one unit more of February, then all of it: two of January, which gave two back before.
    expect(must(history.correct(wrong, 0n)).correction.credited).toEqual({ amountMinor: 400, currency: "USD" });
    expect(world.all.segments.get(1)?.takenBackE12).toBe(units("5"));
    expect(must(history.correct(wrong, units("2"))).counted?.isLate).toBe(true);
  });

  test("a period that billed less than the event, for seats were given back in it, gives no more than it billed", ({
    expect,
  }) => {
    const world = on(perUnit("1", "accumulate"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    history.add({ units: "-3" });
    world.at("2027-02-16");
    must(world.pay(invoiceAt(world, "2027-01-15")));
    must(world.change(1, "UPGRADE", plan({ key: "next", timing: "IN_ARREARS", api: perUnit("1") })));
    expect(must(history.correct(wrong, 0n)).correction.credited).toEqual({ amountMinor: 200, currency: "USD" });
  });

  // It was taken at the price in force: 10 at 1.00, then at 5.00, gave +10 and -50 and paid out 40 that nobody had paid.
  test("what an earlier version of the open period counted is taken there, at its price, and not paid out", ({
    expect,
  }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "10" }) as StoredEvent;
    must(world.change(1, "UPGRADE", plan({ key: "dear", timing: "IN_ARREARS", api: perUnit("5") })));
    history.add({ units: "2" });
    const corrected = must(history.correct(wrong, units("4")));
    expect(corrected).toMatchObject({ counted: { unitsE12: units("-6") }, revenues: [{ amountE12: units("-6") }] });
    expect(corrected.correction).not.toHaveProperty("credited");
    expect(must(history.correct(wrong, 0n)).revenues?.[0]?.amountE12).toBe(units("-4"));
    expect(world.all.segments.get(1)).toMatchObject({ fromE12: 0n, toE12: 0n, takenBackE12: 0n });
    expect(world.book.counters.get("1/f-api")).toMatchObject({
      usedE12: units("2"),
      billableE12: units("2"),
      segment: { billableFromE12: 0n, events: 1 },
    });
    world.at("2027-02-15");
    const { lines, amountMinor } = world.invoice(invoiceAt(world, "2027-01-15"));
    expect([lines.map((line) => line.amountMinor), amountMinor, world.balance()]).toEqual([[1000], 1000, 0]);
  });

  test("units that leave an earlier version move what was counted since, which is priced from there", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "1000" }) as StoredEvent;
    must(world.change(1, "UPGRADE", plan({ key: "tiers", timing: "IN_ARREARS", api: TIERS })));
    history.add({ units: "100" });
    must(world.change(1, "UPGRADE", plan({ key: "last", timing: "IN_ARREARS", api: TIERS })));
    history.add({ units: "100" });
    // 400 less at 1; the tiers' 200 cost 10 and the second one's flat fee of 5, and 20 from 600 on.
    expect(must(history.correct(wrong, units("600"))).revenues?.[0]?.amountE12).toBe(units("-395"));
    const cut = (number: number) => world.all.segments.get(number);
    expect([cut(1)?.toE12, cut(2)?.fromE12, cut(2)?.toE12].map((total) => formatE12(total ?? -1n))).toEqual([
      "600",
      "600",
      "700",
    ]);
    expect(world.book.counters.get("1/f-api")?.segment.billableFromE12).toBe(units("700"));
  });

  test("a correction takes from each place that counted a part of the event, newest first", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    must(world.change(1, "UPGRADE", plan({ key: "dear", timing: "IN_ARREARS", api: perUnit("3") })));
    must(history.correct(wrong, units("7")));
    must(world.change(1, "UPGRADE", plan({ key: "dearest", timing: "IN_ARREARS", api: perUnit("10") })));
    must(history.correct(wrong, units("8")));
    expect(must(history.correct(wrong, units("1")))).toMatchObject({
      counted: { unitsE12: units("-7") },
      revenues: [{ amountE12: units("-20") }],
    });
    expect(world.all.segments.get(1)).toMatchObject({ fromE12: 0n, toE12: units("1") });
    expect(world.all.segments.get(2)).toMatchObject({ fromE12: units("1"), toE12: units("1") });
    expect(world.book.counters.get("1/f-api")).toMatchObject({ usedE12: units("1"), billableE12: units("1") });
  });

  test("late units that leave a segment are no late ones of it any more", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    world.at("2027-02-16");
    const wrong = history.add({ units: "5", occurredAtMs: Date.parse("2027-02-14") }) as StoredEvent;
    history.add({ units: "3" });
    must(world.change(1, "UPGRADE", plan({ key: "dear", timing: "IN_ARREARS", api: perUnit("3") })));
    expect(must(history.correct(wrong, units("1"))).counted).toMatchObject({ isLate: true });
    expect(world.all.segments.get(1)).toMatchObject({ toE12: units("4"), lateE12: units("1") });
  });

  test("units that came late by a correction are no late ones any more once another takes them back", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    world.at("2027-02-16");
    history.add({ units: "3" });
    expect(must(history.correct(wrong, units("9"))).counted).toMatchObject({ isLate: true });
    expect(world.book.counters.get(counterKey(1, "f-api"))?.segment).toMatchObject({ lateE12: units("4") });
    must(history.correct(wrong, units("6")));
    expect(world.book.counters.get(counterKey(1, "f-api"))?.segment).toMatchObject({ lateE12: units("1") });
    world.at("2027-03-15");
    const { lines } = world.invoice(invoiceAt(world, "2027-02-15"));
    expect(lines.map(({ usage }) => [usage?.quantityE12, usage?.lateE12])).toContainEqual([units("4"), units("1")]);
  });

  test("a feature that the plan in force has no more is corrected where it was counted", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    must(world.change(1, "UPGRADE", { ...plan({ key: "without", timing: "IN_ARREARS" }), rules: [] }));
    const corrected = must(history.correct(wrong, units("2")));
    expect(corrected).toMatchObject({ counted: { unitsE12: units("-3") }, revenues: [{ amountE12: units("-3") }] });
    expect(corrected.correction).not.toHaveProperty("credited");
    world.at("2027-02-15");
    expect(world.invoice(invoiceAt(world, "2027-01-15")).amountMinor).toBe(200);
  });

  test("seats leave the version that counted them; those given back since are taken at the price in force", ({
    expect,
  }) => {
    const world = on(perUnit("1", "accumulate"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    must(world.change(1, "UPGRADE", plan({ key: "dear", timing: "IN_ARREARS", api: perUnit("3", "accumulate") })));
    const back = history.add({ units: "-4" }) as StoredEvent;
    must(world.change(1, "UPGRADE", plan({ key: "top", timing: "IN_ARREARS", api: perUnit("10", "accumulate") })));
    history.add({ units: "6" });
    expect(must(history.correct(back, units("-5"))).revenues?.[0]?.amountE12).toBe(units("-3"));
    must(history.correct(back, units("-4")));
    // One of them is left by the second version; the other two were given back, and go from what is there now.
    expect(must(history.correct(wrong, units("2")))).toMatchObject({
      counted: { unitsE12: units("-3") },
      revenues: [{ amountE12: units("-30") }],
    });
    expect(world.all.segments.get(2)?.toE12).toBe(0n);
    expect(world.book.counters.get("1/f-api")?.usedE12).toBe(units("4"));
    expect(refusalOf(history.correct(wrong, units("-3")))).toBe("usage_refused");
  });

  test("a subscription that ended gives back into the credit balance", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "3" }) as StoredEvent;
    world.at("2027-01-20");
    must(world.cancel(1, "IMMEDIATE"));
    const corrected = must(history.correct(wrong, units("1")));
    expect(corrected.correction.credited).toEqual({ amountMinor: 200, currency: "USD" });
    expect(world.balance()).toBe(200);
    expect(must(history.correct(wrong, units("9")))).toMatchObject({ unmeteredReason: "NO_SUBSCRIPTION" });
  });

  test("a credit for usage is not lost with the invoice that it stood on", ({ expect }) => {
    const corrected = () => {
      const world = on(perUnit("1"));
      const history = openHistory(world);
      const wrong = history.add({ units: "10" }) as StoredEvent;
      world.at("2027-02-16");
      must(world.pay(invoiceAt(world, "2027-01-15")));
      history.correct(wrong, units("7"));
      history.add({ units: "20" });
      world.at("2027-03-16");
      return world;
    };
    const voided = corrected();
    const second = invoiceAt(voided, "2027-02-15");
    expect(voided.invoice(second).amountMinor).toBe(1700);
    must(voided.void(second));
    expect(voided.balance()).toBe(300);
    const ended = corrected();
    must(ended.cancel(1, "IMMEDIATE"));
    const last = [...ended.all.invoices.values()].filter(({ status }) => status === "DUE" || status === "PAST_DUE");
    expect(last.map(({ amountMinor }) => amountMinor)).toEqual([1700]);
  });

  test("where units accumulate they leave the counter whenever they were taken", ({ expect }) => {
    const world = on(perUnit("10", "accumulate"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    world.at("2027-02-20");
    expect(must(history.correct(wrong, units("3")))).toMatchObject({ counted: { unitsE12: units("-2") } });
    expect(world.book.counters.get("1/f-api")?.usedE12).toBe(units("3"));
    history.add({ units: "-3" });
    expect(refusalOf(history.correct(wrong, units("2")))).toBe("usage_refused");
  });

  /** Five seats at 10 in January, unpaid: suspended, its period closed, and two of the seats were none. */
  function correctedWhileSuspended() {
    const world = on(perUnit("10", "accumulate"));
    const history = openHistory(world);
    const wrong = history.add({ units: "5" }) as StoredEvent;
    world.at("2027-02-16");
    must(world.change(1, "DOWNGRADE", plan({ key: "less", timing: "IN_ARREARS", api: perUnit("1", "accumulate") })));
    world.at("2027-03-16");
    const { status, isOpen } = world.live(1);
    if (status !== "SUSPENDED" || isOpen) throw new Error("is not suspended with a closed period");
    const { revenues: [revenue] = [] } = must(history.correct(wrong, units("3")));
    return { world, revenue, seats: invoiceAt(world, "2027-01-15") };
  }
  const kinds = ({ lines }: { lines: readonly InvoiceLine[] }) =>
    lines.map(({ kind, amountMinor }) => [kind, amountMinor]);

  test("seats corrected while suspended are credited, though the subscription ends without another period", ({
    expect,
  }) => {
    const { world, revenue } = correctedWhileSuspended();
    expect(revenue?.amountE12).toBe(units("-20"));
    world.at("2027-08-01");
    expect(world.book.subscriptions.size).toBe(0);
    expect(kinds(world.invoice([...world.all.invoices.keys()].at(-1) ?? 0))).toEqual([
      ["USAGE", -2000],
      ["CREDIT", 2000],
    ]);
    expect(world.balance()).toBe(2000);
  });

  test("seats corrected while suspended are taken off what a cancellation at once leaves to pay", ({ expect }) => {
    const { world } = correctedWhileSuspended();
    must(world.cancel(1, "IMMEDIATE"));
    const last = world.invoice([...world.all.invoices.keys()].at(-1) ?? 0);
    expect([last.status, last.amountMinor, world.balance()]).toEqual(["DUE", 3000, 0]);
  });

  test("seats corrected while suspended keep their price, though another plan goes on", ({ expect }) => {
    const { world, seats } = correctedWhileSuspended();
    must(world.pay(seats));
    expect(world.live(1)).toMatchObject({ status: "ACTIVE", planId: "p-less" });
    world.at("2027-04-16");
    expect(kinds(world.invoice(invoiceAt(world, "2027-03-16")))).toEqual([
      ["USAGE", -2000],
      ["CREDIT", 2000],
    ]);
    expect(world.balance()).toBe(2000);
  });

  test("what was beyond a limit goes first", ({ expect }) => {
    const world = on(withLimit(perUnit("1"), "10"));
    const history = openHistory(world);
    history.add({ units: "10" });
    const wrong = history.add({ units: "5" }) as StoredEvent;
    expect(wrong).toMatchObject({ unmeteredReason: "USAGE_LIMIT_EXCEEDED" });
    expect(must(history.correct(wrong, units("2")))).toMatchObject({
      usageE12: units("-3"),
      unmeteredReason: "USAGE_LIMIT_EXCEEDED",
      correction: { usageE12: units("2"), countedE12: 0n },
    });
  });
});

describe("refuses corrections", () => {
  test("a total below 0, unless seats may be given back; and a correction of a correction", ({ expect }) => {
    const world = on(perUnit("1"));
    const history = openHistory(world);
    const wrong = history.add({ units: "3" }) as StoredEvent;
    expect(refusalOf(history.correct(wrong, -1n))).toBe("usage_refused");
    must(history.correct(wrong, 0n));
    expect(refusalOf(history.correct(history.events[1] as StoredEvent, 0n))).toBe("state_conflict");
    const seats = on(perUnit("1", "accumulate"));
    const taken = openHistory(seats);
    taken.add({ units: "5" });
    const back = taken.add({ units: "-1" }) as StoredEvent;
    must(taken.correct(back, units("-3")));
    expect(seats.book.counters.get("1/f-api")?.usedE12).toBe(units("2"));
    expect(refusalOf(taken.correct(back, units("-6")))).toBe("usage_refused");
  });
});

function invoiceAt(world: World, day: string): number {
  const startMs = Date.parse(day);
  const found = [...world.all.invoices.values()].find((one) => one.periodStartMs === startMs);
  if (found === undefined) throw new Error(`no invoice of ${day}`);
  return found.number;
}

/** Plans with odd prices, so that every rounding would show; some with limits, one of seats. */
const PRICINGS: readonly Pricing[] = [
  perUnit("0.000000333333"),
  withLimit(perUnit("0.1"), "40"),
  graduated(["7", "0.123456789012"], ["20", "0.01", "3.3"], ["inf", "0.000000000001"]),
  withLimit(graduated(["5", "1"], ["inf", "0.7", "2"]), "25"),
  perUnit("2.5", "accumulate"),
  { model: "included", resetMode: "reset" },
];
const PLANS: readonly PlanPin[] = PRICINGS.map((api, index) =>
  plan({ key: `p${index}`, timing: "IN_ARREARS", price: String(index), api }),
);

const amount = fc.bigInt({ min: 1n, max: 12n * E12_ONE }).map(formatE12);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("use" as const), amount, lateDays: fc.constantFrom(0, 0, 40) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("back" as const), amount }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), days: fc.integer({ min: 1, max: 45 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("change" as const), to: fc.nat(PLANS.length - 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("correct" as const),
      which: fc.nat(99),
      to: fc.integer({ min: 0, max: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pay" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function run(steps: readonly Step[], first: number): { world: World; history: ReturnType<typeof openHistory> } {
  const world = openWorld("2027-01-31T08:00");
  must(world.subscribe(PLANS[first % PLANS.length] as PlanPin));
  const history = openHistory(world);
  for (const one of steps) {
    if (one.kind === "use") history.add({ units: one.amount, occurredAtMs: world.now() - one.lateDays * DAY_MS });
    if (one.kind === "back") history.add({ units: `-${one.amount}` });
    if (one.kind === "wait") world.at(world.now() + one.days * DAY_MS);
    if (one.kind === "pay")
      for (const { number, status } of world.all.invoices.values())
        if (status === "DUE" || status === "PAST_DUE") must(world.pay(number));
    if (one.kind === "change") changeTo(world, PLANS[one.to] as PlanPin);
    if (one.kind === "correct") {
      const own = history.events.filter(({ correction }) => correction === undefined);
      const wrong = own[one.which % Math.max(1, own.length)];
      if (wrong !== undefined) history.correct(wrong, BigInt(one.to) * E12_ONE);
    }
  }
  return { world, history };
}

const unbilledStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("use" as const), amount, lateDays: fc.constantFrom(0, 0, 25) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("change" as const), to: fc.nat(PLANS.length - 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("correct" as const),
      which: fc.nat(99),
      to: fc.integer({ min: 0, max: 11 }),
    }),
  },
);
type UnbilledStep = (typeof unbilledStep extends fc.Arbitrary<infer S> ? S : never) | { kind: "skip" };

/**
 * What one period comes to, in which nothing has a limit and nothing is given back. `correct` hears of each correction, with the
 * place among the steps of the event that it is about.
 */
function runUnbilled(
  steps: readonly UnbilledStep[],
  first: number,
  correct: (
    index: number,
    said: { to: number },
    sent: { soFarE12: E12; correct: (rightE12: E12) => Reply<Corrected> },
  ) => void,
) {
  const unlimited = PLANS.map((pin, index) => {
    const { maxUsage: _, ...api } = PRICINGS[index] as Pricing;
    return { ...pin, rules: pin.rules.map((rule) => ({ ...rule, value: { pricing: api } })) };
  });
  const world = openWorld("2027-01-31T08:00");
  must(world.subscribe(unlimited[first % unlimited.length] as PlanPin));
  world.at("2027-02-28T08:00");
  for (const { number, status } of world.all.invoices.values()) if (status === "DUE") must(world.pay(number));
  const history = openHistory(world);
  const sent: { index: number; event: StoredEvent }[] = [];
  for (const [index, one] of steps.entries()) {
    world.at(world.now() + DAY_MS / 4);
    if (one.kind === "use") {
      const event = history.add({ units: one.amount, occurredAtMs: world.now() - one.lateDays * DAY_MS });
      if (event !== undefined) sent.push({ index, event });
    }
    if (one.kind === "change") changeTo(world, unlimited[one.to] as PlanPin);
    const wrong = one.kind === "correct" ? sent[one.which % Math.max(1, sent.length)] : undefined;
    if (one.kind === "correct" && wrong !== undefined)
      correct(wrong.index, one, {
        soFarE12: history.soFarOf(wrong.event).usageE12,
        correct: (rightE12) => history.correct(wrong.event, rightE12),
      });
  }
  world.at("2027-03-31T08:00");
  const counter = world.all.counters.get("1/f-api");
  return {
    revenueE12: history.events.reduce((sum, { revenueE12 = 0n }) => sum + revenueE12, 0n),
    totals: [counter?.usedE12 ?? 0n, counter?.billableE12 ?? 0n],
    segments: [...world.all.segments.values()]
      .filter(({ fromE12, toE12 }) => fromE12 !== toE12)
      .map(({ fromE12, toE12 }) => [fromE12, toE12]),
    lines: [...world.all.invoices.values()].flatMap(({ lines }) =>
      lines.map(({ kind, amountMinor, plan, usage }) => [
        kind,
        amountMinor,
        plan,
        usage?.quantityE12,
        usage?.lateE12,
        usage?.tiers,
      ]),
    ),
  };
}

/** Up or down, whatever the prices say; a change that is refused is none. */
function changeTo(world: World, to: PlanPin): void {
  const live = world.book.subscriptions.get(1);
  if (live?.status !== "ACTIVE") return;
  if (!world.change(1, "UPGRADE", to).ok) world.change(1, "DOWNGRADE", to);
}

describe("holds", () => {
  test("prices of events add up to the price of their sum, to the last decimal, whatever comes between", ({
    expect,
  }) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(9), (steps, first) => {
        const uncorrected = steps.filter(({ kind }) => kind !== "correct");
        const { world, history } = run(uncorrected, first);
        const counted = history.events.filter((event) => event.counted !== undefined);
        for (const segment of world.all.segments.values()) {
          const own = counted.filter((event) => segmentOf(world, event) === segment);
          expect(own.length).toBe(segment.events);
          const sumE12 = own.reduce((sum, event) => sum + (event.counted?.unitsE12 ?? 0n), 0n);
          expect(segment.toE12 - segment.fromE12).toBe(sumE12);
          const pricing = pricingOf(world.book.pins.get(pinKey(segment))?.rules[0]?.value ?? {});
          const positionOf = (total: E12) => pricePosition(total, segment.billableAtStartE12, pricing);
          const priceE12 = own.reduce((sum, event) => sum + (event.revenueE12 ?? 0n), 0n);
          expect(priceE12).toBe(
            totalPrice(pricing, positionOf(segment.toE12)) - totalPrice(pricing, positionOf(segment.fromE12)),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test("corrected events add up to the price of what is counted, less what was given back, in segments without gaps", ({
    expect,
  }) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(9), (steps, first) => {
        const { world, history } = run(steps, first);
        const counter = world.all.counters.get("1/f-api");
        if (counter === undefined) return;
        const { segment, billableE12, billableAtStartE12 } = counter;
        const ref = world.all.subscriptions.get(1);
        const open = {
          ...ref,
          billableAtStartE12,
          fromE12: segment.billableFromE12,
          toE12: billableE12,
          takenBackE12: 0n,
        };
        let endE12 = 0n;
        let priceE12 = 0n;
        for (const one of [...world.all.segments.values(), open]) {
          expect(one.fromE12).toBe(endE12);
          expect(one.toE12).toBeGreaterThanOrEqual(0n);
          endE12 = one.toE12;
          const pin = PLANS.find(({ planId }) => planId === one.planId);
          const pricing = pricingOf(pin?.rules[0]?.value ?? {});
          const positionOf = (total: E12) => pricePosition(total, one.billableAtStartE12, pricing);
          priceE12 += totalPrice(pricing, positionOf(one.toE12 - one.takenBackE12));
          priceE12 -= totalPrice(pricing, positionOf(one.fromE12));
        }
        expect(history.events.reduce((sum, { revenueE12 = 0n }) => sum + revenueE12, 0n)).toBe(priceE12);
      }),
      { numRuns: 300 },
    );
  });

  test("while nothing is billed, events that were corrected to less are billed as if they had been right at once", ({
    expect,
  }) => {
    fc.assert(
      fc.property(fc.array(unbilledStep, { maxLength: 40 }), fc.nat(9), (steps, first) => {
        const rights = new Map<number, E12>();
        const corrected = runUnbilled(steps, first, (index, said, sent) => {
          const rightE12 = BigInt(said.to) * E12_ONE;
          if (sent.soFarE12 <= rightE12) return;
          must(sent.correct(rightE12));
          rights.set(index, rightE12);
        });
        const right = runUnbilled(
          steps.flatMap((said, index): UnbilledStep[] => {
            const rightE12 = rights.get(index);
            if (said.kind === "correct") return [{ kind: "skip" }];
            if (said.kind !== "use" || rightE12 === undefined) return [said];
            return [rightE12 === 0n ? { kind: "skip" } : { ...said, amount: formatE12(rightE12) }];
          }),
          first,
          () => undefined,
        );
        expect(corrected).toEqual(right);
      }),
      { numRuns: 300 },
    );
  });

  test("a counter is the sum of what was counted, and each event with its corrections is its right total", ({
    expect,
  }) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(9), (steps, first) => {
        const { world, history } = run(steps, first);
        const sumE12 = history.events.reduce((sum, { counted }) => sum + (counted?.unitsE12 ?? 0n), 0n);
        expect(world.all.counters.get("1/f-api")?.usedE12 ?? 0n).toBe(sumE12);
        for (const event of history.events) {
          if (event.correction !== undefined) continue;
          const whole = history.events
            .filter(({ seq, correction }) => seq === event.seq || correction?.corrects === event.seq)
            .reduce((sum, { usageE12 }) => sum + usageE12, 0n);
          expect(whole).toBe(history.soFarOf(event).usageE12);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("corrections of a billed segment never give back more than its line was", ({ expect }) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(9), (steps, first) => {
        const { world } = run(steps, first);
        const billed = new Map<number, number>();
        const given = new Map<number, number>();
        const owed = [...world.book.subscriptions.values()].flatMap((one) => one.owed);
        for (const { kind, usage, amountMinor } of [
          ...owed,
          ...[...world.all.invoices.values()].flatMap(({ lines }) => lines),
        ]) {
          if (usage === undefined) continue;
          const sums = kind === "CREDIT" ? given : billed;
          sums.set(usage.segment, (sums.get(usage.segment) ?? 0) + amountMinor);
        }
        for (const [segment, amountMinor] of given) {
          expect(amountMinor).toBeLessThan(0);
          expect(-amountMinor).toBeLessThanOrEqual(billed.get(segment) ?? 0);
        }
      }),
      { numRuns: 200 },
    );
  });
});
