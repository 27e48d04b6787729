import { describe, test } from "vitest";
import { charge } from "../../src/domain/charge.ts";
import type { Allocation } from "../../src/domain/credit.ts";
import { shownPoolStatus } from "../../src/domain/credit-views.ts";
import { drawable } from "../../src/domain/drawable.ts";
import { dateText, type PlanSpec, perUnit, plan } from "../support/book.ts";
import { credits, granted, ONE_EACH, units } from "../support/credit-core.ts";
import { customer, HALF } from "../support/story.ts";

/** What a plan's credits do as their subscription is paid, renewed, changed, suspended and ended: the ledger, entry by entry. */

type Terms = Partial<Allocation>;

function gives(amount: number, more: Terms = {}): Allocation {
  return {
    allocationId: "a",
    creditModelId: "m",
    creditModelName: "Model",
    denomination: "AI",
    amountE4: credits(amount),
    hardLimit: true,
    rolloverPolicy: "FULL",
    createdAtMs: 0,
    ...more,
  };
}

const NONE: Terms = { rolloverPolicy: "NONE" };
const CAPPED: Terms = { rolloverPolicy: "CAPPED", rolloverCapE4: credits(500) };

function sold(key: string, amount: number, spec: Partial<PlanSpec> = {}, terms: Terms = {}) {
  return plan({ key, ...spec, gives: amount === 0 ? [] : [gives(amount, terms)] });
}

const PRO = (terms?: Terms) => sold("pro", 1_000, { price: "10" }, terms);
const TEAM = (terms?: Terms) => sold("team", 3_000, { price: "30" }, terms);
const YEAR = (terms?: Terms) => sold("year", 12_000, { price: "100", months: 12 }, terms);
const DEAR = (terms?: Terms) => sold("dear", 1_500, { price: "15" }, terms);
const LATER = (terms?: Terms) => sold("later", 1_000, { price: "31", timing: "IN_ARREARS" }, terms);
const FREE = (terms?: Terms) => sold("free", 100, {}, terms);

function buyer(start = "2027-01-15") {
  const ada = customer(start);
  const { world } = ada;
  const newest = () => world.book.last.subscription;
  const free = () => drawable(world.book, { denomination: "AI", subscription: newest() }).sumE4;
  const she = {
    ada,
    world,
    /** Commands of the story, in order. */
    does(tell: (one: typeof ada) => unknown) {
      tell(ada);
      return she;
    },
    spends(amount = Number(free()) / 10_000) {
      world.at(world.now());
      const use = { denomination: "AI", subscription: newest(), unitsE12: units(amount), weight: ONE_EACH };
      granted(world.run((draft) => charge(draft, use, world.now())));
      return she;
    },
    has: (): number => {
      world.at(world.now());
      return Number(free()) / 10_000;
    },
    /** `2027-01-15 GRANT 1000`, oldest first. */
    ledger: (): string[] => {
      world.at(world.now());
      return world.all.creditEntries.map(
        ({ atMs, type, amountE4 }) => `${dateText(atMs)} ${type} ${Number(amountE4) / 10_000}`,
      );
    },
    pool: () => {
      const [pool] = world.book.pools.values();
      if (pool === undefined) throw new Error("no pool");
      return pool;
    },
    granted: (): number =>
      world.all.creditEntries.reduce(
        (sum, { type, amountE4 }) => (type === "GRANT" ? sum + Number(amountE4) : sum),
        0,
      ) / 10_000,
  };
  return she;
}

describe("does", () => {
  test("the first payment brings the credits, and each paid renewal brings them again", ({ expect }) => {
    const she = buyer().does((ada) => ada.on(PRO(NONE), { isUnpaid: true }));
    expect(she.ledger()).toEqual([]);
    she.does((ada) => ada.at("2027-01-20").pays().at("2027-02-20"));
    expect(she.ledger()).toEqual(["2027-01-20 GRANT 1000", "2027-02-20 EXPIRATION -1000"]);
    she.does((ada) => ada.at("2027-02-22").pays());
    expect(she.ledger().at(-1)).toBe("2027-02-22 GRANT 1000");
    const [first, second] = [...she.world.all.grants.values()];
    expect([first, second].map((grant) => dateText(grant?.expiresAtMs ?? 0))).toEqual(["2027-02-20", "2027-03-20"]);
    expect(second?.invoice).toBe([...she.world.all.invoices.keys()].at(-1));
  });

  test("1,000 a month, capped at 500: three periods, entry by entry", ({ expect }) => {
    const she = buyer()
      .does((ada) => ada.on(PRO(CAPPED)))
      .spends(200)
      .does((ada) => ada.at("2027-02-15").pays())
      .spends(1_400)
      .does((ada) => ada.at("2027-03-15").pays());
    expect(she.ledger()).toEqual([
      "2027-01-15 GRANT 1000",
      "2027-01-15 DEDUCTION -200",
      "2027-02-15 EXPIRATION -300",
      "2027-02-15 ADJUSTMENT -500",
      "2027-02-15 ADJUSTMENT 500",
      "2027-02-15 GRANT 1000",
      "2027-02-15 DEDUCTION -1400",
      "2027-03-15 ADJUSTMENT -100",
      "2027-03-15 ADJUSTMENT 100",
      "2027-03-15 GRANT 1000",
    ]);
    expect(she.has()).toBe(1_100);
  });

  test.each([
    ["in arrears", LATER(NONE)],
    ["for nothing", FREE(NONE)],
  ])("what costs nothing ahead comes at once, and with each period: %s", (_, pin) => {
    const she = buyer().does((ada) => ada.on(pin, { grace: 400 }).at("2027-03-16"));
    const amount = Number(pin.allocations[0]?.amountE4) / 10_000;
    const months = ["2027-01-15", "2027-02-15", "2027-03-15"];
    const expected = months.flatMap((day) => [`${day} EXPIRATION -${amount}`, `${day} GRANT ${amount}`]).slice(1);
    if (she.ledger().join() !== expected.join()) throw new Error(she.ledger().join("\n"));
  });

  test("an upgrade gives the difference for the time left, once it is paid; at once where nothing is due", ({
    expect,
  }) => {
    const she = buyer().does((ada) => ada.on(PRO()).at(HALF).up(TEAM()));
    expect(she.ledger()).toEqual(["2027-01-15 GRANT 1000"]);
    she.does((ada) => ada.at("2027-01-31").pays());
    expect(she.ledger()[1]).toBe("2027-01-31 GRANT 1000");
    const later = buyer().does((ada) =>
      ada
        .on(LATER())
        .at(HALF)
        .up(sold("later-big", 2_000, { price: "62", timing: "IN_ARREARS" })),
    );
    expect(later.ledger()[1]).toBe("2027-01-30T12:00 GRANT 500");
  });

  test("an upgrade that the balance pays brings its credits at once", ({ expect }) => {
    const she = buyer().does((ada) =>
      ada.on(YEAR()).at("2027-01-16").cancels("now").on(PRO()).at("2027-01-17").up(TEAM()),
    );
    expect(she.ada.invoices().at(-1)).toContain("ADJUSTMENT PAID 0.00");
    expect(she.world.all.creditEntries.filter(({ type }) => type === "GRANT")).toHaveLength(3);
  });

  test("a downgrade takes nothing back, and gives less from the next period on", ({ expect }) => {
    const she = buyer().does((ada) => ada.on(TEAM(NONE)).at(HALF).down(PRO(NONE)).at("2027-02-15").pays());
    expect(she.ledger()).toEqual(["2027-01-15 GRANT 3000", "2027-02-15 EXPIRATION -3000", "2027-02-15 GRANT 1000"]);
  });

  test("a dearer version gives what it gives more at once, a migration for later with the next period", ({
    expect,
  }) => {
    const more = plan({ key: "pro", version: 2, price: "10", gives: [gives(2_000)] });
    const now = buyer().does((ada) => ada.on(PRO()).at(HALF).migrates(more, "NOW"));
    expect(now.ledger()).toEqual(["2027-01-15 GRANT 1000", "2027-01-30T12:00 GRANT 500"]);
    const later = buyer().does((ada) => ada.on(PRO()).at(HALF).migrates(more, "NEXT_PERIOD").at("2027-02-15").pays());
    expect(later.ledger()).toEqual(["2027-01-15 GRANT 1000", "2027-02-15 GRANT 2000"]);
  });

  test("credits that are all spent leave a pool DEPLETED, and the next grant revives it", ({ expect }) => {
    const she = buyer()
      .does((ada) => ada.on(PRO()))
      .spends();
    expect(shownPoolStatus(she.pool())).toBe("DEPLETED");
    she.does((ada) => ada.at("2027-02-15").pays());
    expect(shownPoolStatus(she.pool())).toBe("ACTIVE");
  });

  test("the end voids what the plan gave, at once or with the period; bought credits stay", ({ expect }) => {
    const now = buyer().does((ada) => ada.on(PRO()).at("2027-01-20").cancels("now"));
    expect(now.ledger()).toEqual(["2027-01-15 GRANT 1000", "2027-01-20 VOID -1000"]);
    expect(now.pool()).toMatchObject({ balanceE4: 0n, links: [], voidedE4: credits(1_000) });
    const later = buyer().does((ada) => ada.on(PRO(CAPPED)).at("2027-01-20").cancels("at end").at("2027-02-16"));
    expect(later.ledger().at(-1)).toBe("2027-02-15 VOID -500");
  });
});

describe("refuses", () => {
  test("while SUSPENDED nothing is granted, not even what is paid; it comes with access, and ends with the current period", ({
    expect,
  }) => {
    const pin = plan({ key: "pro", price: "10", api: perUnit("0.10"), gives: [gives(1_000, NONE)] });
    const she = buyer().does((ada) =>
      ada
        .on(pin)
        .at("2027-02-01")
        .up(plan({ key: "big", price: "40", gives: [gives(2_000, NONE)] })),
    );
    she.does((ada) => ada.at("2027-02-16"));
    expect(she.ada.state()).toMatch(/^SUSPENDED/);
    expect(she.ledger().at(-1)).toBe("2027-02-15 EXPIRATION -1000");
    she.does((ada) => ada.at("2027-03-20").pays());
    expect(she.ada.state()).toMatch(/^ACTIVE big 2027-03-20/);
    const late = [...she.world.all.grants.values()].slice(1);
    // The adjustment of a period that is over, for the 14 of 31 days that it was for; the new period's own wait for its payment.
    expect(late.map(({ amountE4, expiresAtMs }) => [amountE4, dateText(expiresAtMs ?? 0)])).toEqual([
      [4_516_129n, "2027-04-20"],
    ]);
    she.does((ada) => ada.pays());
    expect([...she.world.all.grants.values()].at(-1)).toMatchObject({ amountE4: credits(2_000) });
  });

  test.for([
    ["spent, is set off", {}, true, 107.1428],
    ["kept, is set off", {}, false, 107.1428],
    ["expired with its period, is not", NONE, false, 1_000],
    ["above the cap, was taken: only what is carried is set off", CAPPED, false, 607.1428],
  ] as const)(
    "in arrears what was given for the time of a suspension, which nobody pays: %s",
    ([_, terms, isSpent, next], { expect }) => {
      const she = buyer().does((ada) => ada.on(LATER(terms)));
      she.spends().does((ada) => ada.at("2027-02-15"));
      if (isSpent) she.spends();
      // Of 28 days the last 25 are not paid.
      she.does((ada) => ada.at("2027-02-18"));
      expect(she.ada.state()).toMatch(/^SUSPENDED/);
      she.does((ada) => ada.at("2027-03-20").pays());
      expect(she.ada.state()).toMatch(/^ACTIVE later 2027-03-20/);
      expect(she.ledger().at(-1)).toBe(`2027-03-20 GRANT ${next}`);
    },
  );

  test("in arrears a suspension that ends within its period costs no credits, and one that ends all leaves the rest ahead", ({
    expect,
  }) => {
    const she = buyer().does((ada) => ada.on(LATER()).at("2027-02-15").at("2027-02-18").pays().at("2027-03-15"));
    expect(she.ledger()).toEqual(["2027-01-15", "2027-02-15", "2027-03-15"].map((day) => `${day} GRANT 1000`));
    const bob = buyer().does((ada) => ada.on(LATER()).at("2027-02-15"));
    bob.spends().does((ada) => ada.at("2027-02-20").cancels("now").on(LATER()));
    expect(bob.ledger().at(-1)).toBe("2027-02-20 GRANT 107.1428");
    const eve = buyer().does((ada) => ada.on(LATER()).at("2027-02-15"));
    eve.spends().does((ada) => ada.at("2027-02-20").cancels("at end").at("2027-03-15").on(LATER()));
    expect(eve.ledger().at(-1)).toBe("2027-03-15 GRANT 107.1428");
  });

  test("of two invoices past due the first one that is paid brings nothing until the other is", ({ expect }) => {
    const she = buyer().does((ada) =>
      ada
        .on(PRO())
        .at("2027-02-01")
        .up(TEAM())
        .at("2027-02-03")
        .up(sold("max", 9_000, { price: "90" }))
        .at("2027-02-10"),
    );
    expect(she.ada.state()).toMatch(/^SUSPENDED/);
    she.does((ada) => ada.pays(0));
    expect(she.ledger()).toEqual(["2027-01-15 GRANT 1000"]);
    she.does((ada) => ada.pays());
    expect(she.ledger().slice(1)).toHaveLength(2);
  });

  test("a void invoice brings nothing", ({ expect }) => {
    const she = buyer().does((ada) => ada.on(PRO()).at("2027-02-16").voids(0).at("2027-03-14"));
    expect(she.ledger()).toEqual(["2027-01-15 GRANT 1000"]);
  });
});

describe("holds", () => {
  test("a customer that wakes late has the same ledger as one that was woken in time", ({ expect }) => {
    const told = (woken: boolean) => {
      const she = buyer().does((ada) => ada.on(LATER(CAPPED), { grace: 400 }));
      return she.spends(700).does((ada) => (woken ? ada.at("2027-04-20") : ada.wakesAt("2027-04-20")));
    };
    expect(told(false).ledger()).toEqual(told(true).ledger());
  });

  test("a year, spent, a dearer month, the year again: no more than was paid for", ({ expect }) => {
    const she = buyer()
      .does((ada) => ada.on(YEAR()))
      .spends(12_000)
      .does((ada) => ada.at("2027-01-16").up(DEAR()));
    expect(she.has()).toBe(0);
    for (let round = 0; round < 5; round += 1)
      she
        .does((ada) =>
          ada
            .at(ada.world.now() + 1_000)
            .up(YEAR())
            .pays(),
        )
        .spends()
        .does((ada) =>
          ada
            .at(ada.world.now() + 1_000)
            .up(DEAR())
            .pays(),
        )
        .spends();
    expect(she.granted() - 12_000).toBeLessThan(40);
    expect(Number(she.pool().ahead?.[0]?.dueE4) / 10_000).toBeGreaterThan(10_000);
    // It comes back by and by: the months that the refunded money pays for give what was given ahead.
    she.does((ada) => ada.at("2027-02-20").pays());
    expect(she.granted() - 12_000).toBeLessThan(40);
  });

  test("without loss where nothing was spent: what rollover takes away is no debt", ({ expect }) => {
    const she = buyer().does((ada) => ada.on(YEAR(NONE)).at("2027-01-16").up(DEAR(NONE)).pays());
    expect(she.pool().ahead).toBeUndefined();
    expect(she.has()).toBe(1_500);
  });

  test.each([
    ["free", FREE()],
    ["paid", PRO()],
  ])("ending and beginning anew gives nothing twice: %s", (_, pin) => {
    const she = buyer();
    for (let round = 0; round < 5; round += 1)
      she
        .does((ada) => ada.on(pin))
        .spends()
        .does((ada) => ada.at(ada.world.now() + 1_000).cancels("now"));
    const amount = Number(pin.allocations[0]?.amountE4) / 10_000;
    if (she.granted() > amount + 1) throw new Error(`${she.granted()} instead of ${amount}`);
  });

  test("credits that wait for a payment are only due for the time that was kept", ({ expect }) => {
    const she = buyer().does((ada) =>
      ada.on(PRO(), { grace: 400 }).at(HALF).up(TEAM()).at("2027-02-07T06:00").up(YEAR()),
    );
    // Half of the upgrade's time had passed when the year began.
    const waiting = [...she.world.book.invoices.values()].map(({ planCredits }) => planCredits?.[0]?.amountE4);
    expect(waiting).toEqual([credits(500), credits(12_000)]);
  });
});
