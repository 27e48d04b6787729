import { describe, test } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/domain/limits.ts";
import { dateText, graduated, ms, perUnit, plan } from "../support/book.ts";
import { type Customer, customer, FREE, HALF, MAX, PRO, PRO_2, TEAM } from "../support/story.ts";

/** Mistakes that engines like this one have made, by the name of what went wrong. Each test would fail with it. */

/** `[start, end)` of every base price that was charged, in the order of charging. */
function basePeriods({ world }: Customer): { startMs: number; endMs: number; amountMinor: number }[] {
  return [...world.all.invoices.values()]
    .flatMap(({ lines }) => lines)
    .filter(({ kind }) => kind === "BASE")
    .map(({ periodStartMs: startMs, periodEndMs: endMs, amountMinor }) => ({ startMs, endMs, amountMinor }));
}

describe("holds", () => {
  test.for([28, 29, 30, 31])(
    "periods that overlap or leave a gap: none from the %ith on, over leap years too",
    (day, { expect }) => {
      const ada = customer(`2027-01-${day}T17:45`).on(PRO);
      for (let month = 0; month < 26; month += 1) ada.at(ada.world.live(1).period.endMs).pays();
      const periods = basePeriods(ada);
      expect(periods).toHaveLength(27);
      for (const [index, { startMs, endMs }] of periods.entries()) {
        expect(endMs).toBe(periods[index + 1]?.startMs ?? endMs);
        const lastDay = new Date(Date.UTC(2027, index + 1, 0)).getUTCDate();
        expect(dateText(startMs).slice(8)).toBe(`${Math.min(day, lastDay)}T17:45`);
      }
    },
  );

  test("a divisor cut to whole days: an hourly price is exact at any hour", ({ expect }) => {
    // 744 hours in 31 days: one dollar an hour.
    const ada = customer("2027-01-15T10:00").on(FREE);
    ada.at(ms("2027-02-15T10:00") - 5 * HOUR_MS).up(plan({ key: "hourly", price: "744" }));
    expect(ada.invoices().at(-1)).toBe("ADJUSTMENT DUE 5.00 = proration 5.00");
    ada
      .pays()
      .at(ms("2027-02-15T10:00") - 1.5 * HOUR_MS)
      .up(plan({ key: "dearer", price: "1488" }));
    expect(ada.invoices().at(-1)).toBe("ADJUSTMENT DUE 1.50 = proration -1.50, proration 3.00");
  });

  test("a second upgrade overcharged: it starts from what is in force, however many came before", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO).at(HALF);
    for (const price of ["20", "50", "80"]) ada.up(plan({ key: `to-${price}`, price }));
    ada.up(MAX);
    const [, ...changes] = [...ada.world.all.invoices.values()];
    expect(changes.map(({ amountMinor }) => amountMinor)).toEqual([500, 1500, 1500, 1000]);
    // In all what one upgrade would have cost.
    expect(changes.reduce((sum, { amountMinor }) => sum + amountMinor, 0)).toBe(4500);
  });

  test("an old invoice that is paid moves the period back: it moves nothing", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO, { grace: 400 }).at("2027-06-20");
    const before = ada.state();
    for (let n = 0; n < 5; n += 1) expect(ada.pays(0).state()).toBe(before);
    expect(ada.at("2027-07-15").state()).toBe("ACTIVE pro 2027-07-15/2027-08-15");
  });

  test("an edited price changes what was billed: a line keeps price, tiers and version", ({ expect }) => {
    const tiers = plan({ key: "t", api: graduated(["10", "1"], ["inf", "0.5"]) });
    const ada = customer("2027-01-15").on(tiers).uses("12").at("2027-02-15").pays();
    const billed = structuredClone([...ada.world.all.invoices.values()].at(-1));
    ada
      .migrates(plan({ key: "t", version: 2, api: perUnit("9") }), "NOW")
      .uses("1")
      .at("2027-03-15");
    expect(ada.world.invoice(billed?.number ?? 0).lines).toEqual(billed?.lines);
    const [line] = billed?.lines ?? [];
    expect(line?.plan).toEqual({ planId: "p-t", version: 1 });
    expect(line?.usage?.tiers?.map(({ units, pricePerUnit }) => [units / 10n ** 12n, pricePerUnit])).toEqual([
      [10n, 10n ** 12n],
      [2n, 5n * 10n ** 11n],
    ]);
    expect(ada.invoices().at(-1)).toBe("REGULAR DUE 9.00 = usage 1 units 9.00");
  });

  test("missed periods billed wrongly: 14 lost months are billed once each, in order, with time to pay them", ({
    expect,
  }) => {
    const ada = customer("2027-01-15").on(PRO).uses("10").wakesAt("2028-03-20T09:00");
    const periods = basePeriods(ada);
    expect(periods.map(({ startMs }) => dateText(startMs))).toEqual([
      ...Array.from({ length: 12 }, (_, month) => `2027-${String(month + 1).padStart(2, "0")}-15`),
      "2028-01-15",
      "2028-02-15",
      "2028-03-15",
    ]);
    for (const [index, { endMs }] of periods.entries()) expect(periods[index + 1]?.startMs ?? endMs).toBe(endMs);
    const [, ...missed] = [...ada.world.all.invoices.values()];
    expect(missed).toHaveLength(14);
    expect(missed.map(({ number }) => number)).toEqual(missed.map(({ number }) => number).toSorted((a, b) => a - b));
    // The usage is billed with the period in which it was counted, and not again.
    expect(missed.map(({ amountMinor }) => amountMinor)).toEqual([1100, ...Array(13).fill(1000)]);
    expect(missed.every(({ dueAtMs }) => dueAtMs === ms("2028-03-20T09:00"))).toBe(true);
    expect(ada.at("2028-03-23T08:59").state()).toBe("ACTIVE pro 2028-03-15/2028-04-15");
    expect(ada.at("2028-03-23T09:00").state()).toBe("SUSPENDED pro 2028-03-15/2028-04-15");
    expect(ada.pays().state()).toBe("ACTIVE pro 2028-03-15/2028-04-15");
  });

  test("settling twice bills twice: the same instant again, or an instant before, makes nothing", ({ expect }) => {
    const { world } = customer("2027-01-15").on(PRO).at("2027-02-15");
    const steps = world.all.steps.length;
    expect(world.settle()).toBe(0);
    expect(world.at("2027-02-14").settle()).toBe(0);
    expect(world.all.steps.length).toBe(steps);
  });

  test("credit that vanishes at a plan change: what a cheaper plan leaves over pays later invoices to the cent", ({
    expect,
  }) => {
    const ada = customer("2027-01-15")
      .on(MAX)
      .at(HALF)
      .migrates(plan({ key: "max", version: 2, price: "1" }), "NOW");
    expect(ada.balance()).toBe("49.50");
    ada.up(TEAM).down(PRO).at("2027-02-15").at("2027-03-15");
    expect(ada.invoices().slice(2)).toEqual([
      "ADJUSTMENT PAID 0.00 = proration -0.50, proration 15.00, credit -14.50",
      "REGULAR PAID 0.00 = base 10.00, credit -10.00",
      "REGULAR PAID 0.00 = base 10.00, credit -10.00",
    ]);
    expect(ada.balance()).toBe("15.00");
  });

  test("free money by going round: up, cancelled and subscribed again gives no more than was paid", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO);
    for (let round = 1; round <= 5; round += 1) {
      ada
        .at(ms("2027-01-15") + round * DAY_MS)
        .up(TEAM)
        .cancels("now")
        .on(PRO, { isUnpaid: true });
      expect(ada.world.balance()).toBeLessThan(1000);
    }
  });

  test("access without payment by going round: credit for an unpaid renewal pays for nothing", ({ expect }) => {
    const ada = customer("2027-01-15").on(MAX, { grace: 20 }).at("2027-02-16");
    ada
      .migrates(plan({ key: "max", version: 2, price: "1" }), "NOW")
      .cancels("now")
      .on(PRO, { isUnpaid: true });
    expect(ada.state()).toBe("INCOMPLETE pro (2027-02-16/2027-03-16)");
    expect(ada.balance()).toBe("0.00");
  });

  test("money out of a void adjustment: a later change of interval gives back what was paid, and no more", ({
    expect,
  }) => {
    const year = (key: string, price: string) => plan({ key, price, months: 12 });
    const ada = customer("2027-01-01").on(year("year", "365")).up(year("large", "3650"));
    expect(ada.invoices().at(-1)).toBe("ADJUSTMENT DUE 3285.00 = proration -365.00, proration 3650.00");
    ada.voids(0).up(plan({ key: "month", price: "310" }));
    // Of the first year 365.00 was paid, and all of it is left.
    expect(ada.invoices().at(-1)).toBe(
      "ADJUSTMENT PAID 0.00 = proration -3650.00, base 310.00, proration 3285.00, credit 55.00",
    );
    expect(ada.balance()).toBe("55.00");
    expect(ada.cancels("now").balance()).toBe("365.00");
    // Paid instead of void, all of it comes.
    const bob = customer("2027-01-01").on(year("year", "365")).up(year("large", "3650"));
    expect(bob.up(plan({ key: "month", price: "310" })).balance()).toBe("55.00");
    expect(bob.pays(0).balance()).toBe("3340.00");
  });

  test("an upgrade that is not paid takes the old access too early: it lasts as long as the window does", ({
    expect,
  }) => {
    const ada = customer("2027-01-15")
      .on(PRO)
      .at(HALF)
      .up(TEAM)
      .at(ms(HALF) + 3 * DAY_MS - 1);
    expect(ada.state()).toBe("ACTIVE team 2027-01-15/2027-02-15");
    // The operator takes the charge back: nothing is past due, so nothing is lost.
    expect(ada.voids(0).at("2027-02-14").state()).toBe("ACTIVE team 2027-01-15/2027-02-15");
  });

  test("a migration that doubles: repeated, it moves nobody twice", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO).at(HALF).migrates(PRO_2, "NOW");
    const before = [ada.world.all.steps.length, ada.balance()];
    ada.migrates(PRO_2, "NOW").migrates(PRO_2, "NEXT_PERIOD");
    expect([ada.world.all.steps.length, ada.balance()]).toEqual(before);
  });

  test("yen charged a hundredfold: amounts are whole yen", ({ expect }) => {
    const ada = customer("2027-01-15").on(plan({ key: "yen", price: "1000", currency: "JPY", api: perUnit("0.4") }));
    ada.uses("3").at("2027-02-15");
    expect(ada.invoices()).toEqual([
      "IN_ADVANCE_INITIAL PAID 1000 = base 1000",
      "REGULAR DUE 1001 = usage 3 units 1, base 1000",
    ]);
  });

  test("seats that were given back and a rule that then resets stop no period from closing", ({ expect }) => {
    const seats = (version: number, mode: "reset" | "accumulate") =>
      plan({ key: "s", version, api: perUnit("4", mode) });
    const ada = customer("2027-01-15").on(seats(1, "accumulate")).uses("10").at("2027-02-15").pays();
    ada.uses("-3").migrates(seats(2, "reset"), "NOW").uses("5").at("2027-03-15");
    expect(ada.invoices().at(-1)).toBe("REGULAR PAID 0.00 = usage -3 units -12.00, usage 5 units 8.00, credit 4.00");
  });
});
