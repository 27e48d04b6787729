import { describe, test } from "vitest";
import { DAY_MS } from "../../src/domain/limits.ts";
import type { PlanPin } from "../../src/domain/subscription.ts";
import { dateText, ms, perUnit, plan, refusalOf } from "../support/book.ts";
import {
  type Customer,
  customer,
  FIRST,
  FREE,
  HALF,
  LATER,
  LATER_BIG,
  MAX,
  PRO,
  PRO_2,
  QUARTER,
  SEATS,
  story,
  TEAM,
  TIERED,
  TIERED_2,
  TIERS,
  USED,
  YEAR,
} from "../support/story.ts";

/**
 * The life of subscriptions and invoices, told with dates and to the cent. Most customers pay at once when they subscribe, on the
 * 15th of January 2027.
 */

describe("does", () => {
  describe("in advance", () => {
    story("asks for the first period at once and waits for its payment", (ada) => ada.on(PRO, { isUnpaid: true }), {
      invoices: ["IN_ADVANCE_INITIAL DUE 10.00 = base 10.00"],
      state: "INCOMPLETE pro (2027-01-15/2027-02-15)",
      due: ["2027-01-15"],
    });
    story(
      "starts the first period anew when it is paid later, so nobody pays for days without access",
      (ada) => ada.on(PRO, { isUnpaid: true }).at("2027-01-31T08:30").pays(),
      { invoices: [FIRST], state: "ACTIVE pro 2027-01-31T08:30/2027-02-28T08:30" },
    );
    story(
      "renews with the next base and the usage of the period that ended",
      (ada) => ada.on(PRO).uses("50").at("2027-02-15"),
      {
        invoices: [FIRST, "REGULAR DUE 15.00 = usage 50 units 5.00, base 10.00"],
        state: "ACTIVE pro 2027-02-15/2027-03-15",
      },
    );
    story(
      "moves no period when a renewal is paid",
      (ada) => ada.on(PRO).at("2027-02-17T11:00").pays().at("2027-03-15").pays(),
      {
        invoices: [FIRST, "REGULAR PAID 10.00 = base 10.00", "REGULAR PAID 10.00 = base 10.00"],
        state: "ACTIVE pro 2027-03-15/2027-04-15",
        due: ["2027-01-15", "2027-02-15", "2027-03-15"],
      },
    );
    story("starts at once where the plan is free, with an invoice of nothing", (ada) => ada.on(FREE), {
      invoices: ["IN_ADVANCE_INITIAL PAID 0.00 = base 0.00"],
      state: "ACTIVE free 2027-01-15/2027-02-15",
    });
    story(
      "makes no renewal invoice where there is nothing on it",
      (ada) => ada.on(FREE).at("2027-04-20").uses("300").at("2027-05-15"),
      { invoices: ["IN_ADVANCE_INITIAL PAID 0.00 = base 0.00", "REGULAR DUE 3.00 = usage 300 units 3.00"] },
    );
    story("renews a quarter after three months", (ada) => ada.on(QUARTER).at("2027-04-15"), {
      invoices: ["IN_ADVANCE_INITIAL PAID 27.00 = base 27.00", "REGULAR DUE 27.00 = base 27.00"],
      state: "ACTIVE quarter 2027-04-15/2027-07-15",
    });
    story(
      "renews a year on the day that it began",
      (ada) => ada.on(YEAR).at("2029-02-27T23:59:59.999"),
      {
        invoices: ["IN_ADVANCE_INITIAL PAID 100.00 = base 100.00"],
        state: "ACTIVE year 2028-02-29/2029-02-28",
      },
      "2028-02-29",
    );
    story(
      "keeps the anchor of the 31st through short months",
      (ada) => ada.on(PRO, { grace: 400 }).at("2027-04-30"),
      { due: ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"], state: "ACTIVE pro 2027-04-30/2027-05-31" },
      "2027-01-31",
    );
  });

  describe("in arrears", () => {
    story(
      "starts at once, and asks for base and usage when the period ends",
      (ada) => ada.on(LATER).uses("20").at("2027-02-15"),
      {
        invoices: ["REGULAR DUE 33.00 = base 31.00, usage 20 units 2.00", "REGULAR PENDING 0.00"],
        state: "ACTIVE later 2027-02-15/2027-03-15",
        due: ["2027-02-15", "2027-03-15"],
      },
    );
    story(
      "has nothing to pay for a period in which nothing was used of a plan without a base",
      (ada) => ada.on(USED).at("2027-02-15"),
      { invoices: ["REGULAR PAID 0.00", "REGULAR PENDING 0.00"] },
    );
    story(
      "asks nothing at an upgrade; the base has a line for the time of each plan",
      (ada) => ada.on(LATER).at(HALF).up(LATER_BIG).at("2027-02-15"),
      { invoices: ["REGULAR DUE 46.50 = base 15.50, base 31.00", "REGULAR PENDING 0.00"] },
    );
    story(
      "has three base lines for two changes, and none for a plan that was in force for no time",
      (ada) =>
        ada
          .on(LATER)
          .at("2027-01-25")
          .up(LATER_BIG)
          .migrates(plan({ key: "later-big", version: 2, price: "93", timing: "IN_ARREARS" }), "NOW")
          .at("2027-02-05")
          .migrates(plan({ key: "later-big", version: 3, price: "31", timing: "IN_ARREARS" }), "NOW")
          .at("2027-02-15"),
      { invoices: ["REGULAR DUE 53.00 = base 10.00, base 33.00, base 10.00", "REGULAR PENDING 0.00"] },
    );
    story(
      "charges the base by time until it is cancelled at once",
      (ada) => ada.on(LATER).uses("5").at("2027-01-25").cancels("now"),
      {
        invoices: ["REGULAR DUE 10.50 = base 10.00, usage 5 units 0.50"],
        state: "CANCELLED later (2027-01-15/2027-02-15)",
      },
    );
    story(
      "charges the whole base where it is cancelled at the period's end",
      (ada) => ada.on(LATER).at("2027-01-25").cancels("at end").at("2027-02-15"),
      { invoices: ["REGULAR DUE 31.00 = base 31.00"], state: "CANCELLED later (2027-01-15/2027-02-15)" },
    );
    story(
      "charges a period that closes while suspended until the suspension, and opens no next one",
      (ada) => ada.on(LATER).at("2027-02-16").uses("10").at("2027-03-15"),
      {
        // Suspended on the 18th of February: 3 of 28 days.
        invoices: ["REGULAR PAST_DUE 31.00 = base 31.00", "REGULAR DUE 4.32 = base 3.32, usage 10 units 1.00"],
        state: "SUSPENDED later (2027-02-15/2027-03-15)",
      },
    );
    story(
      "charges the whole base where the suspension ended within the period, as in advance",
      (ada) => ada.on(LATER).at("2027-02-20").pays().at("2027-03-15"),
      {
        invoices: ["REGULAR PAID 31.00 = base 31.00", "REGULAR DUE 31.00 = base 31.00", "REGULAR PENDING 0.00"],
        state: "ACTIVE later 2027-03-15/2027-04-15",
      },
    );
    story(
      "charges until the suspension where it is cancelled at once while suspended, and drops the unpaid base",
      (ada) => ada.on(LATER).at("2027-02-25").cancels("now"),
      { invoices: ["REGULAR VOID 31.00 = base 31.00", "REGULAR DUE 3.32 = base 3.32"] },
    );
    story(
      "settles what was used, by time, at an upgrade to a plan in advance",
      (ada) => ada.on(LATER).uses("10").at(HALF).up(MAX),
      {
        invoices: ["ADJUSTMENT DUE 116.50 = base 15.50, usage 10 units 1.00, base 100.00"],
        state: "ACTIVE max 2027-01-30T12:00/2027-02-28T12:00",
      },
    );
  });

  describe("usage", () => {
    story(
      "prices 12,000 graduated units at 595.00",
      (ada) =>
        ada
          .on(plan({ key: "metered", api: TIERS }))
          .uses("12000")
          .at("2027-02-15"),
      { invoices: ["IN_ADVANCE_INITIAL PAID 0.00 = base 0.00", "REGULAR DUE 595.00 = usage 12000 units 595.00"] },
    );
    story(
      "leaves the second tier untouched at exactly 1,000 units: 100.00",
      (ada) =>
        ada
          .on(plan({ key: "metered", api: TIERS }))
          .uses("400")
          .uses("600")
          .at("2027-02-15"),
      { invoices: ["IN_ADVANCE_INITIAL PAID 0.00 = base 0.00", "REGULAR DUE 100.00 = usage 1000 units 100.00"] },
    );
    story(
      "begins each period's tiers anew",
      (ada) => ada.on(TIERED).uses("20").at("2027-02-15").pays().uses("5").at("2027-03-15"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 0.00 = base 0.00",
          "REGULAR PAID 6.50 = usage 20 units 6.50",
          "REGULAR DUE 0.50 = usage 5 units 0.50",
        ],
      },
    );
    story(
      "bills what accumulates by what came since, and gives back what was taken back",
      (ada) =>
        ada
          .on(SEATS)
          .uses("3")
          .at("2027-02-15")
          .pays()
          .at("2027-03-20")
          .uses("1")
          .at("2027-04-15")
          .pays()
          .uses("-2")
          .at("2027-05-15"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 0.00 = base 0.00",
          "REGULAR PAID 12.00 = usage 3 units 12.00",
          "REGULAR PAID 4.00 = usage 1 units 4.00",
          "REGULAR PAID 0.00 = usage -2 units -8.00, credit 8.00",
        ],
        balance: "8.00",
      },
    );
    story(
      "prices usage before and after a change by the plan in force, with one line for each",
      (ada) => ada.on(PRO).uses("100").at(HALF).up(TEAM).pays().uses("100").at("2027-02-15"),
      {
        invoices: [
          FIRST,
          "ADJUSTMENT PAID 10.00 = proration -5.00, proration 15.00",
          "REGULAR DUE 45.00 = usage 100 units 10.00, usage 100 units 5.00, base 30.00",
        ],
      },
    );
    story(
      "charges no flat fee again for a tier that was entered under the version before",
      (ada) => ada.on(TIERED).uses("20").migrates(TIERED_2, "NOW").uses("10").at("2027-02-15"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 0.00 = base 0.00",
          "REGULAR DUE 7.50 = usage 20 units 6.50, usage 10 units 1.00",
        ],
      },
    );
    story(
      "makes no line for usage of a feature that the plan includes",
      (ada) => ada.on(QUARTER).uses("5").at("2027-04-15"),
      { invoices: ["IN_ADVANCE_INITIAL PAID 27.00 = base 27.00", "REGULAR DUE 27.00 = base 27.00"] },
    );
    story(
      "rounds a line once, however many units it has",
      (ada) =>
        ada
          .on(plan({ key: "tiny", api: perUnit("0.0015") }))
          .uses("1")
          .uses("1")
          .uses("1")
          .at("2027-02-15"),
      { invoices: ["IN_ADVANCE_INITIAL PAID 0.00 = base 0.00", "REGULAR PAID 0.00 = usage 3 units 0.00"] },
    );
  });

  describe("cancellations", () => {
    story(
      "stays active until the period ends, then bills its usage in a final invoice",
      (ada) => ada.on(PRO).uses("30").cancels("at end").at("2027-02-14T23:59:59.999").uses("10").at("2027-02-15"),
      { invoices: [FIRST, "REGULAR DUE 4.00 = usage 40 units 4.00"], state: "CANCELLED pro (2027-01-15/2027-02-15)" },
    );
    story(
      "goes on when it is taken back in time",
      (ada) => ada.on(PRO).cancels("at end").at("2027-02-14T23:59:59.999").reverts().at("2027-02-15"),
      { state: "ACTIVE pro 2027-02-15/2027-03-15" },
    );
    story(
      "at once gives back the unused share, which pays the final usage first",
      (ada) => ada.on(PRO).uses("20").at(HALF).cancels("now"),
      {
        invoices: [FIRST, "CREDIT PAID -5.00 = credit -5.00", "REGULAR PAID 0.00 = usage 20 units 2.00, credit -2.00"],
        balance: "3.00",
        state: "CANCELLED pro (2027-01-15/2027-02-15)",
      },
    );
    story("at once in the instant of payment gives everything back", (ada) => ada.on(PRO).cancels("now"), {
      invoices: [FIRST, "CREDIT PAID -10.00 = credit -10.00"],
      balance: "10.00",
    });
    story(
      "at once after an upgrade gives back the unused share of both payments",
      (ada) => ada.on(PRO).at(HALF).up(TEAM).pays().at("2027-02-07T06:00").cancels("now"),
      {
        // A quarter is left of the plan that costs 30.
        invoices: [
          FIRST,
          "ADJUSTMENT PAID 10.00 = proration -5.00, proration 15.00",
          "CREDIT PAID -7.50 = credit -7.50",
        ],
      },
    );
    story(
      "at once after an unpaid upgrade gives back what was paid, and asks for nothing more",
      (ada) => ada.on(PRO).at(HALF).up(TEAM).at("2027-02-02T11:59").cancels("now"),
      {
        // 12 days and 12:01 hours of 31 days, of 10.00.
        invoices: [
          FIRST,
          "ADJUSTMENT VOID 10.00 = proration -5.00, proration 15.00",
          "CREDIT PAID -4.03 = credit -4.03",
        ],
      },
    );
    story(
      "at once voids an unpaid renewal and moves its usage to the final invoice, unchanged",
      (ada) => ada.on(PRO).uses("50").at("2027-02-16").uses("7").cancels("now"),
      {
        invoices: [
          FIRST,
          "REGULAR VOID 15.00 = usage 50 units 5.00, base 10.00",
          "REGULAR DUE 5.70 = usage 50 units 5.00, usage 7 units 0.70",
        ],
      },
    );
    story(
      "at once while suspended between periods leaves nothing but the usage to pay",
      (ada) => ada.on(PRO).at("2027-02-16").uses("7").at("2027-03-20").cancels("now"),
      {
        invoices: [
          FIRST,
          "REGULAR VOID 10.00 = base 10.00",
          "REGULAR VOID 0.70 = usage 7 units 0.70",
          "REGULAR DUE 0.70 = usage 7 units 0.70",
        ],
      },
    );
    story(
      "with the period, while suspended between periods, ends at once and leaves what is unpaid to be paid",
      (ada) => ada.on(PRO).at("2027-03-20").cancels("at end"),
      { invoices: [FIRST, "REGULAR PAST_DUE 10.00 = base 10.00"], state: "CANCELLED pro (2027-02-15/2027-03-15)" },
    );
    story(
      "before the first payment cancels the invoice with the subscription",
      (ada) => ada.on(PRO, { isUnpaid: true }).cancels("at end"),
      { invoices: ["IN_ADVANCE_INITIAL CANCELLED 10.00 = base 10.00"], state: "CANCELLED pro (2027-01-15/2027-02-15)" },
    );
    story(
      "leaves a final invoice that falls past due and suspends nobody by it",
      (ada) => ada.on(LATER).at("2027-01-25").cancels("now").on(PRO).at("2027-01-28"),
      {
        invoices: ["REGULAR PAST_DUE 10.00 = base 10.00", FIRST],
        state: "ACTIVE pro 2027-01-25/2027-02-25",
      },
    );
    story(
      "leaves a final invoice that can still be paid",
      (ada) => ada.on(LATER).at("2027-01-25").cancels("now").at("2027-01-28").pays(),
      { invoices: ["REGULAR PAID 10.00 = base 10.00"], state: "CANCELLED later (2027-01-15/2027-02-15)" },
    );
    story(
      "leaves credit to the next subscription, whose first invoice takes it",
      (ada) => ada.on(PRO).at(HALF).cancels("now").on(TEAM, { isUnpaid: true }),
      {
        invoices: [
          FIRST,
          "CREDIT PAID -5.00 = credit -5.00",
          "IN_ADVANCE_INITIAL DUE 25.00 = base 30.00, credit -5.00",
        ],
        balance: "0.00",
      },
    );
    story(
      "leaves credit that starts the next subscription at once where it covers all of it",
      (ada) => ada.on(MAX).cancels("now").on(TEAM, { isUnpaid: true }),
      { state: "ACTIVE team 2027-01-15/2027-02-15", balance: "70.00" },
    );
    story(
      "gives credit back that a first invoice took which was never paid",
      (ada) => ada.on(PRO).at(HALF).cancels("now").on(TEAM, { isUnpaid: true }).at("2027-03-01T12:00"),
      { balance: "5.00", state: "CANCELLED team (2027-01-30T12:00/2027-02-28T12:00)" },
    );
  });

  describe("grace, suspension and what ends a wait", () => {
    const GRACE_ENDS = ms("2027-02-18");
    test.for<[what: string, at: number, pays: boolean, state: string]>([
      ["paid in its last millisecond", GRACE_ENDS - 1, true, "ACTIVE pro 2027-02-15/2027-03-15"],
      ["open in its last millisecond", GRACE_ENDS - 1, false, "ACTIVE pro 2027-02-15/2027-03-15"],
      ["over at its end", GRACE_ENDS, false, "SUSPENDED pro 2027-02-15/2027-03-15"],
      ["made up for at its end", GRACE_ENDS, true, "ACTIVE pro 2027-02-15/2027-03-15"],
      ["made up for a millisecond later", GRACE_ENDS + 1, true, "ACTIVE pro 2027-02-15/2027-03-15"],
      ["made up for before the period ends", ms("2027-03-15") - 1, true, "ACTIVE pro 2027-02-15/2027-03-15"],
      ["made up for as the period ends", ms("2027-03-15"), true, "ACTIVE pro 2027-03-15/2027-04-15"],
      ["made up for afterwards", ms("2027-03-31T10:00"), true, "ACTIVE pro 2027-03-31T10:00/2027-04-30T10:00"],
      [
        "open for 90 days, but a millisecond",
        GRACE_ENDS + 90 * DAY_MS - 1,
        false,
        "SUSPENDED pro (2027-02-15/2027-03-15)",
      ],
      ["open for 90 days", GRACE_ENDS + 90 * DAY_MS, false, "CANCELLED pro (2027-02-15/2027-03-15)"],
    ])("three days of grace, %s", ([, atMs, pays, state], { expect }) => {
      const ada = customer("2027-01-15").on(PRO).at(atMs);
      if (pays) ada.pays(0);
      expect(ada.state()).toBe(state);
    });

    test.for<[what: string, at: number, state: string]>([
      ["a millisecond before", ms("2027-02-14") - 1, "ACTIVE pro 2027-02-13T23:59:59.999/2027-03-13T23:59:59.999"],
      ["after", ms("2027-02-14"), "CANCELLED pro (2027-01-15/2027-02-15)"],
    ])("a first invoice has 30 days: paid %s", ([, atMs, state], { expect }) => {
      expect(customer("2027-01-15").on(PRO, { isUnpaid: true }).at(atMs).pays().state()).toBe(state);
    });

    story(
      "without grace, the period that is not paid opens suspended",
      (ada) => ada.on(PRO, { grace: 0 }).at("2027-02-15"),
      { invoices: [FIRST, "REGULAR PAST_DUE 10.00 = base 10.00"], state: "SUSPENDED pro 2027-02-15/2027-03-15" },
    );
    story(
      "without grace, an invoice of nothing suspends nobody",
      (ada) => ada.on(FREE, { grace: 0 }).at("2027-09-01"),
      {
        state: "ACTIVE free 2027-08-15/2027-09-15",
      },
    );
    story(
      "with 400 days of grace, thirteen renewals wait side by side, and the oldest one ends it",
      (ada) => ada.on(PRO, { grace: 400 }).at(ms("2027-02-15") + 400 * DAY_MS),
      {
        state: "SUSPENDED pro 2028-03-15/2028-04-15",
        due: [
          "2027-01-15",
          "2027-02-15",
          "2027-03-15",
          "2027-04-15",
          "2027-05-15",
          "2027-06-15",
          "2027-07-15",
          "2027-08-15",
          "2027-09-15",
          "2027-10-15",
          "2027-11-15",
          "2027-12-15",
          "2028-01-15",
          "2028-02-15",
          "2028-03-15",
        ],
      },
    );
    story(
      "grace that ends with the period suspends first, so no next one opens",
      (ada) => ada.on(PRO, { grace: 28 }).at("2027-02-20").uses("10").at("2027-03-15"),
      {
        invoices: [FIRST, "REGULAR PAST_DUE 10.00 = base 10.00", "REGULAR DUE 1.00 = usage 10 units 1.00"],
        state: "SUSPENDED pro (2027-02-15/2027-03-15)",
      },
    );
    story(
      "takes all that is past due to come back, and what is only due can wait",
      (ada) => ada.on(PRO, { grace: 20 }).at("2027-03-05").up(TEAM).at("2027-03-07").uses("10").at("2027-03-25"),
      {
        invoices: [
          FIRST,
          "REGULAR PAST_DUE 10.00 = base 10.00",
          "ADJUSTMENT PAST_DUE 7.14 = proration -3.57, proration 10.71",
          "REGULAR DUE 0.50 = usage 10 units 0.50",
        ],
        state: "SUSPENDED team (2027-02-15/2027-03-15)",
      },
    );
    story(
      "stays suspended while one of two is unpaid",
      (ada) => ada.on(PRO, { grace: 20 }).at("2027-03-05").up(TEAM).at("2027-03-25").pays(0),
      { state: "SUSPENDED team (2027-02-15/2027-03-15)" },
    );
    story(
      "comes back with the last of them, in a new period that is asked for",
      (ada) => ada.on(PRO, { grace: 20 }).at("2027-03-05").up(TEAM).at("2027-03-25").pays(0).pays(0),
      {
        invoices: [
          FIRST,
          "REGULAR PAID 10.00 = base 10.00",
          "ADJUSTMENT PAID 7.14 = proration -3.57, proration 10.71",
          "REGULAR DUE 30.00 = base 30.00",
        ],
        state: "ACTIVE team 2027-03-25/2027-04-25",
        due: ["2027-01-15", "2027-02-15", "2027-03-05", "2027-03-25"],
      },
    );
    story(
      "a cancellation takes effect while suspended",
      (ada) => ada.on(PRO).at("2027-02-16").cancels("at end").at("2027-03-15"),
      {
        invoices: [FIRST, "REGULAR PAST_DUE 10.00 = base 10.00"],
        state: "CANCELLED pro (2027-02-15/2027-03-15)",
      },
    );
    story(
      "90 days of suspension within a long period bill what was used, and give nothing back",
      (ada) =>
        ada
          .on(YEAR)
          .up(plan({ key: "year-big", price: "200", months: 12, api: perUnit("1") }))
          .at("2027-01-20")
          .uses("3")
          .at("2027-04-18"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 100.00 = base 100.00",
          "ADJUSTMENT PAST_DUE 100.00 = proration -100.00, proration 200.00",
          "REGULAR DUE 3.00 = usage 3 units 3.00",
        ],
        state: "CANCELLED year-big (2027-01-15/2028-01-15)",
        balance: "0.00",
      },
    );
    story(
      "grace that is lengthened in time counts for what is due",
      (ada) => ada.on(PRO).at("2027-02-17").grace(10).at("2027-02-24T23:59:59.999"),
      { state: "ACTIVE pro 2027-02-15/2027-03-15" },
    );
    test("grace that is shortened ends now, not before", ({ expect }) => {
      const ada = customer("2027-01-15").on(PRO, { grace: 30 }).at("2027-02-25").grace(3);
      expect(ada.state()).toBe("SUSPENDED pro 2027-02-15/2027-03-15");
      expect(ada.world.live(1).suspendedAtMs).toBe(ms("2027-02-25"));
    });
  });

  describe("late, void, and credit", () => {
    test.for<[what: string, at: string, due: string, state: string]>([
      ["made an hour late is due at its instant", "2027-02-15T01:00", "2027-02-15", "SUSPENDED"],
      [
        "made later is due when it is made, so nobody is suspended who was not asked",
        "2027-02-15T01:01",
        "2027-02-15T01:01",
        "ACTIVE",
      ],
    ])("an invoice %s", ([, at, due, status], { expect }) => {
      const ada = customer("2027-01-15").on(PRO).wakesAt(at);
      expect(ada.dueDates().at(-1)).toBe(due);
      expect(ada.state()).toBe("ACTIVE pro 2027-02-15/2027-03-15");
      expect(ada.at(ms("2027-02-18")).state()).toBe(`${status} pro 2027-02-15/2027-03-15`);
    });
    story("a late one in arrears keeps its period too", (ada) => ada.on(LATER).wakesAt("2027-03-01"), {
      invoices: ["REGULAR DUE 31.00 = base 31.00", "REGULAR PENDING 0.00"],
      state: "ACTIVE later 2027-02-15/2027-03-15",
      due: ["2027-03-01", "2027-03-15"],
    });
    story(
      "a void invoice counts as settled, and its usage is gone",
      (ada) => ada.on(PRO).uses("50").at("2027-02-20").voids(0).at("2027-03-15"),
      {
        invoices: [FIRST, "REGULAR VOID 15.00 = usage 50 units 5.00, base 10.00", "REGULAR DUE 10.00 = base 10.00"],
        state: "ACTIVE pro 2027-03-15/2027-04-15",
      },
    );
    story(
      "a void invoice's usage comes again with the next one where it is asked for",
      (ada) => ada.on(PRO).uses("50").at("2027-02-16").voids(0, { rebill: true }).uses("10").at("2027-03-15"),
      {
        invoices: [
          FIRST,
          "REGULAR VOID 15.00 = usage 50 units 5.00, base 10.00",
          "REGULAR DUE 16.00 = usage 10 units 1.00, base 10.00, usage 50 units 5.00",
        ],
      },
    );
    story(
      "usage that waits to be billed again is billed when the subscription ends by itself",
      (ada) => ada.on(FREE).uses("500").at("2027-03-20").voids(0, { rebill: true }).cancels("at end").at("2027-04-20"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 0.00 = base 0.00",
          "REGULAR VOID 5.00 = usage 500 units 5.00",
          "REGULAR DUE 5.00 = usage 500 units 5.00",
        ],
      },
    );
    story("a void first invoice ends the subscription", (ada) => ada.on(PRO, { isUnpaid: true }).voids(0), {
      invoices: ["IN_ADVANCE_INITIAL CANCELLED 10.00 = base 10.00"],
      state: "CANCELLED pro (2027-01-15/2027-02-15)",
    });
    story(
      "a void invoice gives back the credit that it took",
      (ada) => ada.on(PRO).at(HALF).migrates(PRO_2, "NOW").at("2027-02-16").voids(0),
      { balance: "3.00" },
    );
    story(
      "credit for corrected usage that a void invoice took is not lost",
      (ada) => {
        ada.on(PRO).world.correct(1, 250);
        return ada.at("2027-02-16").voids(0);
      },
      { invoices: [FIRST, "REGULAR VOID 7.50 = base 10.00, credit -2.50"], balance: "2.50" },
    );
    story(
      "credit for corrected usage is not lost when the subscription ends without a period",
      (ada) => {
        ada.on(PRO).at("2027-03-20").world.correct(1, 250);
        return ada.cancels("at end");
      },
      { balance: "2.50" },
    );
    story(
      "a credit for what is not paid yet comes with its payment",
      (ada) => ada.on(PRO, { grace: 30 }).at("2027-03-01").migrates(PRO_2, "NOW"),
      {
        invoices: [
          FIRST,
          "REGULAR DUE 10.00 = base 10.00",
          "ADJUSTMENT PAID 0.00 = proration -5.00, proration 2.00, credit 3.00",
        ],
        balance: "0.00",
      },
    );
    story(
      "a credit for what was not paid then is there once it is",
      (ada) => ada.on(PRO, { grace: 30 }).at("2027-03-01").migrates(PRO_2, "NOW").pays(),
      { balance: "3.00" },
    );
    story(
      "a credit for what is never paid is none, and the cancellation gives nothing back",
      (ada) => ada.on(PRO, { grace: 30 }).at("2027-03-01").migrates(PRO_2, "NOW").at("2027-03-08").cancels("now"),
      {
        invoices: [
          FIRST,
          "REGULAR VOID 10.00 = base 10.00",
          "ADJUSTMENT PAID 0.00 = proration -5.00, proration 2.00, credit 3.00",
        ],
        balance: "0.00",
      },
    );
    story(
      "credit that waited for an upgrade which is void then is no longer given back, so later payments count in full",
      (ada) =>
        ada
          .on(PRO, { grace: 30 })
          .at(HALF)
          .up(TEAM)
          .at("2027-02-07T06:00")
          .migrates(plan({ key: "team", version: 2 }), "NOW")
          .voids(0)
          .up(MAX)
          .pays()
          .cancels("now"),
      {
        invoices: [
          FIRST,
          "ADJUSTMENT VOID 10.00 = proration -5.00, proration 15.00",
          "ADJUSTMENT PAID 0.00 = proration -7.50, credit 7.50",
          "ADJUSTMENT PAID 22.50 = proration 25.00, credit -2.50",
          "CREDIT PAID -25.00 = credit -25.00",
        ],
        balance: "25.00",
      },
    );
    const CHEAP_YEAR = plan({ key: "cheap-year", price: "7.77", months: 12 });
    story(
      "a year that is paid by nothing but an unpaid upgrade gives nothing back when it is cancelled",
      (ada) => ada.on(FREE, { grace: 45 }).up(PRO).up(CHEAP_YEAR).at("2027-02-20").cancels("now"),
      {
        invoices: [
          "IN_ADVANCE_INITIAL PAID 0.00 = base 0.00",
          "ADJUSTMENT VOID 10.00 = proration 10.00",
          "ADJUSTMENT PAID 0.00 = proration -10.00, base 7.77, credit 2.23",
        ],
        balance: "0.00",
      },
    );
    story(
      "an older invoice that is paid meanwhile does not pay for it",
      (ada) => ada.on(PRO, { grace: 60 }).at("2027-03-15").up(CHEAP_YEAR).pays(0).at("2027-03-25").cancels("now"),
      {
        invoices: [
          FIRST,
          "REGULAR PAID 10.00 = base 10.00",
          "REGULAR VOID 10.00 = base 10.00",
          "ADJUSTMENT PAID 0.00 = proration -10.00, base 7.77, credit 2.23",
        ],
        balance: "0.00",
      },
    );
    story(
      "a credit waits for the payment of its own period, not of an older one",
      (ada) => ada.on(PRO, { grace: 60 }).at("2027-03-15").migrates(PRO_2, "NOW").pays(0),
      { balance: "0.00" },
    );
    story(
      "a credit that waited for its own period comes with it, whatever older ones are unpaid",
      (ada) => ada.on(PRO, { grace: 60 }).at("2027-03-15").migrates(PRO_2, "NOW").pays(1),
      { balance: "6.00" },
    );
    story(
      "a year that is paid by nothing but an unpaid upgrade gives nothing back when it is changed",
      (ada) => ada.on(FREE, { grace: 45 }).up(PRO).up(CHEAP_YEAR).at("2027-02-15").up(LATER),
      { balance: "0.00" },
    );
  });

  describe("currencies", () => {
    test.for<[currency: string, from: string, to: string, adjustment: string, credit: string]>([
      [
        "JPY",
        "1000",
        "3001",
        "ADJUSTMENT PAID 1001 = proration -500, proration 1501",
        "CREDIT PAID -1501 = credit -1501",
      ],
      [
        "KWD",
        "1.2345",
        "3",
        "ADJUSTMENT PAID 0.883 = proration -0.617, proration 1.500",
        "CREDIT PAID -1.501 = credit -1.501",
      ],
      [
        "USD",
        "9.99",
        "29.99",
        "ADJUSTMENT PAID 10.00 = proration -5.00, proration 15.00",
        "CREDIT PAID -15.00 = credit -15.00",
      ],
    ])(
      "an upgrade in %s is exact to the last digit that the currency has",
      ([currency, from, to, adjustment, credit], { expect }) => {
        const ada = customer("2027-01-15").on(plan({ key: "small", price: from, currency }));
        ada
          .at(HALF)
          .up(plan({ key: "large", price: to, currency }))
          .pays()
          .cancels("now");
        expect(ada.invoices().slice(1)).toEqual([adjustment, credit]);
      },
    );
    test("each currency has a balance of its own", ({ expect }) => {
      const ada = customer("2027-01-15")
        .on(plan({ key: "yen", price: "1000", currency: "JPY" }))
        .on(PRO);
      ada.cancels("now").on(plan({ key: "yen-2", price: "50", currency: "JPY" }), { isUnpaid: true });
      expect(ada.invoices().at(-1)).toBe("IN_ADVANCE_INITIAL DUE 50 = base 50");
      expect([ada.balance(), ada.balance("JPY")]).toEqual(["10.00", "0"]);
    });
  });
});

describe("refuses", () => {
  const newest = ({ world }: Customer): number => [...world.all.invoices.keys()].at(-1) ?? 0;
  test.for<[what: string, tell: (ada: Customer) => Customer, refused: string | undefined]>([
    ["a PENDING invoice", (ada) => ada.on(LATER), "invoice_closed"],
    ["a CANCELLED one", (ada) => ada.on(PRO, { isUnpaid: true }).cancels("now"), "invoice_closed"],
    ["a VOID one", (ada) => ada.on(PRO).at("2027-02-16").voids(0), "invoice_closed"],
    ["no PAST_DUE one", (ada) => ada.on(PRO).at("2027-02-20"), undefined],
    ["no PAID one", (ada) => ada.on(PRO), undefined],
  ])("the payment of %s", ([, tell, refused], { expect }) => {
    const ada = tell(customer("2027-01-15"));
    expect(refusalOf(ada.world.pay(newest(ada)))).toBe(refused);
  });

  test.for<[what: string, tell: (ada: Customer) => Customer, refused: string | undefined]>([
    ["a PAID invoice", (ada) => ada.on(PRO), "invoice_closed"],
    ["a PENDING one", (ada) => ada.on(LATER), "invoice_closed"],
    ["no PAST_DUE one", (ada) => ada.on(PRO).at("2027-02-20"), undefined],
  ])("to make void %s", ([, tell, refused], { expect }) => {
    const ada = tell(customer("2027-01-15"));
    expect(refusalOf(ada.world.void(newest(ada)))).toBe(refused);
  });

  test("to make void an invoice on which an unpaid adjustment rests, until that is paid or void", ({ expect }) => {
    const { world } = customer("2027-01-15").on(PRO, { grace: 30 }).at("2027-02-20").up(TEAM).up(MAX);
    const [renewal = 0, toTeam = 0, toMax = 0] = [...world.book.invoices.keys()];
    expect(refusalOf(world.void(renewal))).toBe("state_conflict");
    expect(refusalOf(world.void(toTeam))).toBe("state_conflict");
    expect(refusalOf(world.void(toMax))).toBeUndefined();
    expect(refusalOf(world.pay(toTeam))).toBeUndefined();
    expect(refusalOf(world.void(renewal))).toBeUndefined();
  });

  test("an adjustment holds no invoice of an earlier period back", ({ expect }) => {
    const { world } = customer("2027-01-15").on(PRO, { grace: 60 }).at("2027-03-20").up(TEAM);
    const [february = 0, march = 0] = [...world.book.invoices.keys()];
    expect(refusalOf(world.void(march))).toBe("state_conflict");
    expect(refusalOf(world.void(february))).toBeUndefined();
  });

  test("to bill the usage of a void invoice again once there is no next one", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO).uses("10").cancels("at end").at("2027-02-16");
    expect(refusalOf(ada.world.void(newest(ada), true))).toBe("state_conflict");
    expect(refusalOf(ada.world.void(newest(ada)))).toBeUndefined();
  });

  test("a second subscription to a plan, also while the first is suspended", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO);
    expect(ada.world.subscribe(PRO)).toMatchObject({ code: "subscribed_already", status: "ACTIVE" });
    expect(ada.at("2027-02-20").world.subscribe(PRO)).toMatchObject({
      code: "subscribed_already",
      status: "SUSPENDED",
    });
  });
});

describe("holds", () => {
  test("whoever subscribes again before paying gets the same subscription and invoice", ({ expect }) => {
    const { world } = customer("2027-01-15");
    const first = world.subscribe(PRO, 3);
    const again = world.at("2027-01-20").subscribe(plan({ key: "pro", version: 2, price: "99" }), 30);
    expect(again).toEqual(first.ok ? { ok: true, value: { ...first.value, isNew: false } } : first);
    expect(world.all.invoices.size).toBe(1);
  });

  test("a first invoice that is paid later says the period that it pays for", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO, { isUnpaid: true });
    const [asked] = [...ada.world.all.invoices.values()];
    expect(asked?.lines[0]?.description).toBe("PRO, 2027-01-15 to 2027-02-15");
    const [paid] = [...ada.at("2027-01-31").pays().world.all.invoices.values()];
    const period = { periodStartMs: ms("2027-01-31"), periodEndMs: ms("2027-02-28") };
    expect(paid).toMatchObject({ ...period, dueAtMs: ms("2027-01-15"), paidAtMs: ms("2027-01-31") });
    expect(paid?.lines).toMatchObject([{ ...period, description: "PRO, 2027-01-31 to 2027-02-28" }]);
  });

  test.for<[what: string, pin: PlanPin, period: string]>([
    ["what it pays ahead", PRO, "2027-02-15/2027-03-15"],
    ["what was used, where nothing is paid ahead", FREE, "2027-01-15/2027-02-15"],
    ["what was used, in arrears", LATER, "2027-01-15/2027-02-15"],
  ])("an invoice is for the period of %s; its usage lines say their own", ([, pin, period], { expect }) => {
    const { world } = customer("2027-01-15").on(pin).at("2027-01-20").uses("500").at("2027-02-15");
    const renewal = [...world.all.invoices.values()].find(({ status }) => status === "DUE");
    expect(`${dateText(renewal?.periodStartMs ?? 0)}/${dateText(renewal?.periodEndMs ?? 0)}`).toBe(period);
    const usage = renewal?.lines.find(({ kind }) => kind === "USAGE");
    expect([usage?.periodStartMs, usage?.periodEndMs]).toEqual([ms("2027-01-15"), ms("2027-02-15")]);
  });

  test("paying twice, and asking twice for the same cancellation, changes nothing", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO).cancels("at end");
    const before = ada.world.all.steps.length;
    const [invoice] = [...ada.world.all.invoices.values()];
    expect(ada.world.pay(invoice?.number ?? 0)).toEqual({ ok: true, value: invoice });
    ada.at("2027-01-20").cancels("at end").drops();
    expect(ada.world.all.steps.length).toBe(before);
  });

  test("what falls due at one instant happens in order: grace ends, then waits, then periods, older ones first", ({
    expect,
  }) => {
    const { world } = customer("2027-01-15")
      .on(PRO, { grace: 28 })
      .at("2027-02-13")
      .on(TEAM, { isUnpaid: true })
      .at("2027-02-15")
      .on(LATER)
      .at(ms("2027-03-15") - 1);
    const before = world.all.steps.length;
    const told = world
      .at("2027-03-15")
      .all.steps.slice(before)
      .flatMap((step): string[] => {
        if (step.kind === "invoice")
          return step.before?.status === step.after.status
            ? []
            : [`${step.after.subscription} owes ${step.after.status}`];
        const { number, status, isOpen } = step.after;
        if (step.before?.isOpen !== isOpen && status !== "CANCELLED")
          return [`${number} ${isOpen ? "opens" : "closes"}`];
        return step.before?.status === status ? [] : [`${number} ${status}`];
      });
    expect(told).toEqual([
      "1 owes PAST_DUE",
      "1 SUSPENDED",
      "2 owes CANCELLED",
      "2 CANCELLED",
      "1 closes",
      "3 closes",
      "3 opens",
      "3 owes PENDING",
      "3 owes DUE",
    ]);
  });
});
