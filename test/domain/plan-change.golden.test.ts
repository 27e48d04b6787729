import { describe, test } from "vitest";
import type { PlanPin } from "../../src/domain/subscription.ts";
import { plan, refusalOf } from "../support/book.ts";
import {
  type Customer,
  customer,
  FIRST,
  FREE,
  HALF,
  LATER,
  MAX,
  PRO,
  PRO_2,
  PRO_3,
  QUARTER,
  SEATS,
  story,
  TEAM,
  YEAR,
} from "../support/story.ts";

/** Upgrades, downgrades and migrations, told with dates and to the cent. */

describe("does", () => {
  describe("upgrades", () => {
    story(
      "costs half the difference with half of the period left: −5.00 + 15.00 = 10.00",
      (ada) => ada.on(PRO).at(HALF).up(TEAM),
      {
        invoices: [FIRST, "ADJUSTMENT DUE 10.00 = proration -5.00, proration 15.00"],
        state: "ACTIVE team 2027-01-15/2027-02-15",
        due: ["2027-01-15", HALF],
      },
    );
    story("costs the whole difference in the first millisecond of a period", (ada) => ada.on(PRO).up(TEAM), {
      invoices: [FIRST, "ADJUSTMENT DUE 20.00 = proration -10.00, proration 30.00"],
    });
    story(
      "costs nothing in the last millisecond of a period",
      (ada) => ada.on(PRO).at("2027-02-14T23:59:59.999").up(TEAM),
      { invoices: [FIRST, "ADJUSTMENT PAID 0.00 = proration 0.00, proration 0.00"] },
    );
    story(
      "comes after the renewal at the very end of a period; both invoices stand",
      (ada) => ada.on(PRO).at("2027-02-15").up(TEAM),
      {
        invoices: [FIRST, "REGULAR DUE 10.00 = base 10.00", "ADJUSTMENT DUE 20.00 = proration -10.00, proration 30.00"],
        state: "ACTIVE team 2027-02-15/2027-03-15",
      },
    );
    story(
      "up, up and down in one period: each change starts from what is in force then",
      (ada) => ada.on(PRO).at("2027-01-22T18:00").up(TEAM).pays().at(HALF).up(MAX).pays().down(PRO).at("2027-02-15"),
      {
        invoices: [
          FIRST,
          "ADJUSTMENT PAID 15.00 = proration -7.50, proration 22.50",
          "ADJUSTMENT PAID 35.00 = proration -15.00, proration 50.00",
          "REGULAR DUE 10.00 = base 10.00",
        ],
        state: "ACTIVE pro 2027-02-15/2027-03-15",
      },
    );
    story("from a free plan charges for the rest of the period alone", (ada) => ada.on(FREE).at(HALF).up(PRO), {
      invoices: ["IN_ADVANCE_INITIAL PAID 0.00 = base 0.00", "ADJUSTMENT DUE 5.00 = proration 5.00"],
      state: "ACTIVE pro 2027-01-15/2027-02-15",
    });
    story("between free plans makes no invoice", (ada) => ada.on(FREE).at(HALF).up(SEATS), {
      invoices: ["IN_ADVANCE_INITIAL PAID 0.00 = base 0.00"],
      state: "ACTIVE seats 2027-01-15/2027-02-15",
    });
    story(
      "to a longer interval begins a new period: the new price less the unused share of the old one",
      (ada) => ada.on(PRO).uses("10").at(HALF).up(YEAR),
      {
        invoices: [FIRST, "ADJUSTMENT DUE 96.00 = usage 10 units 1.00, proration -5.00, base 100.00"],
        state: "ACTIVE year 2027-01-30T12:00/2028-01-30T12:00",
      },
    );
    story(
      "to a shorter interval that costs less now keeps the rest as credit, which pays the next renewals",
      (ada) =>
        ada
          .on(YEAR)
          .at("2027-07-16T12:00")
          .up(plan({ key: "monthly", price: "20" }))
          .at("2027-08-16T12:00")
          .at("2027-09-16T12:00"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 100.00 = base 100.00",
          "ADJUSTMENT PAID 0.00 = proration -50.00, base 20.00, credit 30.00",
          "REGULAR PAID 0.00 = base 20.00, credit -20.00",
          "REGULAR DUE 10.00 = base 20.00, credit -10.00",
        ],
        balance: "0.00",
      },
    );
    story(
      "to arrears gives the unused share back as credit for the invoice to come",
      (ada) => ada.on(PRO).at(HALF).up(LATER).at("2027-02-28T12:00"),
      {
        invoices: [
          FIRST,
          "REGULAR DUE 26.00 = base 31.00, credit -5.00",
          "ADJUSTMENT PAID 0.00 = proration -5.00, credit 5.00",
          "REGULAR PENDING 0.00",
        ],
        state: "ACTIVE later 2027-02-28T12:00/2027-03-30T12:00",
      },
    );
    story(
      "takes a scheduled downgrade back",
      (ada) => ada.on(TEAM).down(PRO).at(HALF).up(MAX).pays().at("2027-02-15"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 30.00 = base 30.00",
          "ADJUSTMENT PAID 35.00 = proration -15.00, proration 50.00",
          "REGULAR DUE 100.00 = base 100.00",
        ],
      },
    );
    story(
      "keeps a scheduled cancellation",
      (ada) => ada.on(PRO).cancels("at end").at(HALF).up(TEAM).pays().at("2027-02-15"),
      {
        invoices: [FIRST, "ADJUSTMENT PAID 10.00 = proration -5.00, proration 15.00"],
        state: "CANCELLED team (2027-01-15/2027-02-15)",
      },
    );
    story(
      "to another interval moves a scheduled cancellation to the end of the new period",
      (ada) => ada.on(PRO).cancels("at end").at(HALF).up(YEAR),
      { state: "ACTIVE year 2027-01-30T12:00/2028-01-30T12:00 until 2028-01-30T12:00" },
    );
    story(
      "that nobody pays suspends after the normal window, with access to the new plan until then",
      (ada) => ada.on(PRO).at(HALF).up(TEAM).at("2027-02-02T12:00"),
      {
        invoices: [FIRST, "ADJUSTMENT PAST_DUE 10.00 = proration -5.00, proration 15.00"],
        state: "SUSPENDED team 2027-01-15/2027-02-15",
      },
    );
    story(
      "before the first payment exchanges what is to be paid, while the 30 days run on",
      (ada) => ada.on(PRO, { isUnpaid: true }).at("2027-01-20").up(TEAM).at("2027-02-13T23:59:59.999").pays(),
      {
        invoices: ["IN_ADVANCE_INITIAL CANCELLED 10.00 = base 10.00", "IN_ADVANCE_INITIAL PAID 30.00 = base 30.00"],
        state: "ACTIVE team 2027-02-13T23:59:59.999/2027-03-13T23:59:59.999",
      },
    );
    story(
      "before the first payment ends with it 30 days after it was asked for first",
      (ada) => ada.on(PRO, { isUnpaid: true }).at("2027-01-20").up(TEAM).at("2027-02-14"),
      { state: "CANCELLED team (2027-01-20/2027-02-20)" },
    );
    story(
      "before the first payment to a plan in arrears starts at once",
      (ada) => ada.on(PRO, { isUnpaid: true }).at("2027-01-20").up(LATER),
      {
        invoices: ["IN_ADVANCE_INITIAL CANCELLED 10.00 = base 10.00", "REGULAR PENDING 0.00"],
        state: "ACTIVE later 2027-01-20/2027-02-20",
      },
    );
  });

  describe("downgrades and migrations", () => {
    story(
      "keeps the old plan until the period ends, and renews with the new one",
      (ada) => ada.on(TEAM).uses("10").at(HALF).down(PRO).uses("10").at("2027-02-15"),
      {
        invoices: ["IN_ADVANCE_INITIAL PAID 30.00 = base 30.00", "REGULAR DUE 11.00 = usage 20 units 1.00, base 10.00"],
        state: "ACTIVE pro 2027-02-15/2027-03-15",
      },
    );
    story(
      "is replaced by the next one, and forgotten when it is dropped",
      (ada) => ada.on(MAX).down(TEAM).down(PRO).at("2027-02-15").pays().down(FREE).drops().at("2027-03-15"),
      { state: "ACTIVE pro 2027-03-15/2027-04-15" },
    );
    story(
      "to another interval and timing keeps the anchor",
      (ada) =>
        ada
          .on(MAX)
          .down(plan({ key: "later-quarter", price: "9", months: 3, timing: "IN_ARREARS" }))
          .at("2027-02-28"),
      {
        invoices: ["IN_ADVANCE_INITIAL PAID 100.00 = base 100.00", "REGULAR PENDING 0.00"],
        state: "ACTIVE later-quarter 2027-02-28/2027-05-31",
      },
      "2027-01-31",
    );
    story(
      "from arrears to advance bills the period that ended and the one that begins together",
      (ada) => ada.on(LATER).down(PRO).at("2027-02-15"),
      {
        invoices: ["REGULAR DUE 41.00 = base 31.00, base 10.00"],
        state: "ACTIVE pro 2027-02-15/2027-03-15",
      },
    );
    story(
      "survives a cancellation that is taken back",
      (ada) => ada.on(TEAM).down(PRO).cancels("at end").at(HALF).reverts().at("2027-02-15"),
      { state: "ACTIVE pro 2027-02-15/2027-03-15" },
    );
    story(
      "gives way to a cancellation that is not taken back",
      (ada) => ada.on(TEAM).down(PRO).cancels("at end").at("2027-02-15"),
      { invoices: ["IN_ADVANCE_INITIAL PAID 30.00 = base 30.00"], state: "CANCELLED team (2027-01-15/2027-02-15)" },
    );
    story(
      "waits, while suspended, for the period that opens at payment",
      (ada) => ada.on(TEAM).at("2027-02-16").down(PRO).at("2027-03-20").pays(),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 30.00 = base 30.00",
          "REGULAR PAID 30.00 = base 30.00",
          "REGULAR DUE 10.00 = base 10.00",
        ],
        state: "ACTIVE pro 2027-03-20/2027-04-20",
      },
    );
    story(
      "migrates now with the difference for the time left; what is below 0 pays the next invoice",
      (ada) => ada.on(PRO).at(HALF).migrates(PRO_2, "NOW").at("2027-02-15"),
      {
        invoices: [
          FIRST,
          "ADJUSTMENT PAID 0.00 = proration -5.00, proration 2.00, credit 3.00",
          "REGULAR DUE 1.00 = base 4.00, credit -3.00",
        ],
        balance: "0.00",
      },
    );
    story(
      "migrates with the next period, without any invoice before",
      (ada) => ada.on(PRO).migrates(PRO_2, "NEXT_PERIOD").at(HALF).uses("10").at("2027-02-15"),
      { invoices: [FIRST, "REGULAR DUE 5.00 = usage 10 units 1.00, base 4.00"] },
    );
    story(
      "migrates now beside a scheduled downgrade, which stays",
      (ada) => ada.on(PRO).down(FREE).at(HALF).migrates(PRO_3, "NOW"),
      {
        invoices: [FIRST, "ADJUSTMENT DUE 5.00 = proration -5.00, proration 10.00"],
        state: "ACTIVE pro 2027-01-15/2027-02-15 then free",
      },
    );
    story(
      "leaves alone whoever leaves the plan with the period",
      (ada) => ada.on(PRO).down(FREE).migrates(PRO_3, "NEXT_PERIOD"),
      { state: "ACTIVE pro 2027-01-15/2027-02-15 then free" },
    );
    story(
      "leaves a suspended one its scheduled downgrade, whenever it was to migrate",
      (ada) => ada.on(PRO).at("2027-02-16").down(FREE).at("2027-02-19").migrates(PRO_3, "NOW"),
      { state: "SUSPENDED pro 2027-02-15/2027-03-15 then free" },
    );
    story(
      "migrates a suspended one when it is paid, and charges nothing before",
      (ada) => ada.on(PRO).at("2027-02-19").migrates(PRO_3, "NOW").at("2027-03-20").pays(),
      {
        invoices: [FIRST, "REGULAR PAID 10.00 = base 10.00", "REGULAR DUE 20.00 = base 20.00"],
        state: "ACTIVE pro 2027-03-20/2027-04-20",
      },
    );
    story(
      "exchanges the first invoice of one that waits for its payment",
      (ada) => ada.on(PRO, { isUnpaid: true }).migrates(PRO_3, "NEXT_PERIOD"),
      { invoices: ["IN_ADVANCE_INITIAL CANCELLED 10.00 = base 10.00", "IN_ADVANCE_INITIAL DUE 20.00 = base 20.00"] },
    );
  });
});

describe("refuses", () => {
  const ada = (): Customer => customer("2027-01-15");
  test.for<
    [what: string, refused: string | undefined, tell: () => Customer, type: "UPGRADE" | "DOWNGRADE", to: PlanPin]
  >([
    ["the plan that it has", "invalid", () => ada().on(PRO), "UPGRADE", PRO_3],
    [
      "a plan in another currency",
      "invalid",
      () => ada().on(PRO),
      "UPGRADE",
      plan({ key: "eur", price: "30", currency: "EUR" }),
    ],
    ["an upgrade to less per month", "invalid", () => ada().on(TEAM), "UPGRADE", PRO],
    ["an upgrade to less per month with a shorter interval", "invalid", () => ada().on(YEAR), "UPGRADE", FREE],
    ["no upgrade to less per month with a longer interval", undefined, () => ada().on(PRO), "UPGRADE", QUARTER],
    ["no upgrade to as much per month", undefined, () => ada().on(PRO), "UPGRADE", plan({ key: "same", price: "10" })],
    ["a downgrade to more per month", "invalid", () => ada().on(PRO), "DOWNGRADE", TEAM],
    ["a downgrade to more per month with a longer interval", "invalid", () => ada().on(FREE), "DOWNGRADE", YEAR],
    ["no downgrade to more per month with a shorter interval", undefined, () => ada().on(YEAR), "DOWNGRADE", PRO],
    ["a plan that another subscription has", "subscribed_already", () => ada().on(TEAM).on(PRO), "UPGRADE", TEAM],
    [
      "a plan that another one waits for",
      "subscribed_already",
      () => ada().on(TEAM, { isUnpaid: true }).on(PRO),
      "UPGRADE",
      TEAM,
    ],
    ["a plan that another one goes to", "subscribed_already", () => ada().on(MAX).down(TEAM).on(PRO), "UPGRADE", TEAM],
    ["no plan that it goes to itself", undefined, () => ada().on(TEAM).down(PRO), "DOWNGRADE", PRO],
    ["any plan while suspended", "suspended_unpaid", () => ada().on(PRO).at("2027-02-18"), "UPGRADE", TEAM],
    [
      "a downgrade where a cancellation is scheduled",
      "state_conflict",
      () => ada().on(TEAM).cancels("at end"),
      "DOWNGRADE",
      PRO,
    ],
  ])("%s", ([, refused, tell, type, to], { expect }) => {
    const { world } = tell();
    const before = world.all.steps.length;
    expect(refusalOf(world.change(world.book.last.subscription, type, to))).toBe(refused);
    if (refused !== undefined) expect(world.all.steps.length).toBe(before);
  });

  test("a change while suspended with the invoice to pay first", ({ expect }) => {
    const { world } = ada().on(PRO).at("2027-02-18");
    const [unpaid] = [...world.book.invoices.keys()];
    expect(world.change(1, "UPGRADE", TEAM)).toEqual({ ok: false, code: "suspended_unpaid", invoice: unpaid });
  });

  test("a subscription to a plan that another one goes to when its period ends", ({ expect }) => {
    const { world } = ada().on(TEAM).down(PRO);
    expect(world.subscribe(PRO)).toMatchObject({ code: "subscribed_already", status: "scheduled" });
  });
});

describe("holds", () => {
  test.for<[what: string, tell: () => Customer, type: "UPGRADE" | "DOWNGRADE", to: PlanPin]>([
    ["an upgrade", () => customer("2027-01-15").on(PRO).uses("5").at(HALF), "UPGRADE", TEAM],
    ["another interval", () => customer("2027-01-15").on(PRO).uses("5").at(HALF), "UPGRADE", YEAR],
    ["another timing", () => customer("2027-01-15").on(PRO).uses("5").at(HALF), "UPGRADE", LATER],
    ["from arrears", () => customer("2027-01-15").on(LATER).uses("5").at(HALF), "UPGRADE", MAX],
    ["beside an unpaid renewal", () => customer("2027-01-15").on(YEAR, { grace: 30 }).at("2028-01-20"), "UPGRADE", PRO],
    ["before the first payment", () => customer("2027-01-15").on(PRO, { isUnpaid: true }), "UPGRADE", TEAM],
    ["a downgrade", () => customer("2027-01-15").on(TEAM), "DOWNGRADE", PRO],
  ])("a preview is the change, and keeps nothing: %s", ([, tell, type, to], { expect }) => {
    const { world } = tell();
    const before = JSON.stringify([...world.all.invoices.values()], (_, v) => (typeof v === "bigint" ? `${v}` : v));
    const preview = world.preview(1, type, to);
    const kept = JSON.stringify([...world.all.invoices.values()], (_, v) => (typeof v === "bigint" ? `${v}` : v));
    expect(kept).toBe(before);
    const changed = world.change(1, type, to);
    const made = changed.ok && changed.value.invoice !== undefined ? world.invoice(changed.value.invoice) : undefined;
    expect(preview).toEqual(made);
  });
});
