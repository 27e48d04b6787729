import { describe, test } from "vitest";
import { auditBalance } from "../../src/domain/books.ts";
import { plan, refusalOf } from "../support/book.ts";
import { customer, HALF, MAX, PRO, story } from "../support/story.ts";

/** The money balance: what a customer is owed, what they owe because it was too little to be collected, and what was paid out. */

const TINY = plan({ key: "tiny", price: "0.30" });
const LESS = plan({ key: "less", price: "8" });

describe("does", () => {
  story(
    "a debt too small to be collected counts as paid, and the next invoice asks for it",
    (ada) => ada.on(TINY, { isUnpaid: true }).carries().at("2027-02-15"),
    {
      invoices: ["IN_ADVANCE_INITIAL PAID 0.30 = base 0.30", "REGULAR DUE 0.60 = base 0.30, credit 0.30"],
      state: "ACTIVE tiny 2027-02-15/2027-03-15",
      balance: "0.00",
    },
  );

  story(
    "small debts add up until they are worth collecting",
    (ada) => ada.on(TINY, { isUnpaid: true }).carries().at("2027-02-15").carries().at("2027-03-15"),
    {
      invoices: [
        "IN_ADVANCE_INITIAL PAID 0.30 = base 0.30",
        "REGULAR PAID 0.60 = base 0.30, credit 0.30",
        "REGULAR DUE 0.90 = base 0.30, credit 0.60",
      ],
      balance: "0.00",
    },
  );

  story(
    "credit of a subscription that ended pays a carried debt first",
    (ada) => ada.on(TINY, { isUnpaid: true }).carries().on(PRO).at(HALF).cancels("now"),
    {
      invoices: [
        "IN_ADVANCE_INITIAL PAID 0.30 = base 0.30",
        // What was carried is asked for with the next invoice, whosever subscription it is.
        "IN_ADVANCE_INITIAL PAID 10.30 = base 10.00, credit 0.30",
        "CREDIT PAID -5.00 = credit -5.00",
      ],
      balance: "5.00",
    },
  );

  story(
    "a debt comes back when the invoice that asked for it is void",
    (ada) => ada.on(TINY, { isUnpaid: true }).carries().at("2027-02-15").voids(0),
    {
      invoices: ["IN_ADVANCE_INITIAL PAID 0.30 = base 0.30", "REGULAR VOID 0.60 = base 0.30, credit 0.30"],
      balance: "-0.30",
    },
  );

  story(
    "what was paid out is not taken by the next invoice",
    (ada) => ada.on(PRO).at(HALF).cancels("now").paidOut(300).on(LESS),
    {
      invoices: [
        "IN_ADVANCE_INITIAL PAID 10.00 = base 10.00",
        "CREDIT PAID -5.00 = credit -5.00",
        "IN_ADVANCE_INITIAL PAID 6.00 = base 8.00, credit -2.00",
      ],
      balance: "0.00",
    },
  );
});

describe("refuses", () => {
  test("a payout beyond what is owed, and any from a debt", ({ expect }) => {
    const ada = customer("2027-01-15").on(PRO).at(HALF).cancels("now");
    expect(refusalOf(ada.world.payOut(501))).toBe("state_conflict");
    expect(ada.balance()).toBe("5.00");
    const bob = customer("2027-01-15").on(TINY, { isUnpaid: true }).carries();
    expect(refusalOf(bob.world.payOut(1))).toBe("state_conflict");
    expect(bob.balance()).toBe("-0.30");
  });

  test("an invoice that is closed is not carried", ({ expect }) => {
    const ada = customer("2027-01-15").on(MAX);
    const [first] = [...ada.world.all.invoices.keys()];
    expect(refusalOf(ada.world.carry(first ?? 0))).toBe("invoice_closed");
  });
});

describe("holds", () => {
  test("the books tell a debt that was carried over from a balance that must not be below 0", ({ expect }) => {
    const entries = customer("2027-01-15").on(TINY, { isUnpaid: true }).carries().at("2027-02-15").world
      .all.balanceEntries;
    expect(entries.map(({ kind, balanceMinor }) => [kind, balanceMinor])).toEqual([
      ["CARRIED", -30],
      ["APPLIED", 0],
    ]);
    expect(auditBalance("USD", entries)).toMatchObject({ holds: true });
    const [carried] = entries;
    if (carried === undefined) throw new Error("nothing was carried");
    for (const wrong of [
      [{ ...carried, kind: "APPLIED" as const }],
      [carried, { ...carried, number: 2, kind: "PAYOUT" as const, amountMinor: -1, balanceMinor: -31 }],
    ])
      expect(auditBalance("USD", wrong)).toMatchObject({ holds: false, brokenBy: { number: wrong.at(-1)?.number } });
  });

  test("the books find no fault with a debt that was carried, or came back with a void invoice", ({ expect }) => {
    for (const ada of [
      customer("2027-01-15").on(TINY, { isUnpaid: true }).carries(),
      customer("2027-01-15").on(TINY, { isUnpaid: true }).carries().at("2027-02-15").voids(0),
    ]) {
      expect(ada.balance()).toBe("-0.30");
      expect(auditBalance("USD", ada.world.all.balanceEntries)).toMatchObject({ holds: true });
    }
  });

  test("the books find whatever else takes a balance below 0", ({ expect }) => {
    const entry = { currency: "USD", atMs: 0 };
    const entries = [
      { ...entry, number: 1, kind: "CREDIT_INVOICE" as const, amountMinor: 500, balanceMinor: 500 },
      { ...entry, number: 2, kind: "PAYOUT" as const, amountMinor: -600, balanceMinor: -100 },
    ];
    expect(auditBalance("USD", entries)).toMatchObject({ holds: false, brokenBy: { number: 2 } });
  });

  test("an invoice that gave back what is not paid yet, and asked for a carried debt, brings the debt back when it is void", ({
    expect,
  }) => {
    const upgraded = () => {
      const ada = customer("2027-01-15").on(TINY).on(MAX, { grace: 400 }).at("2027-02-15").carries(0).at("2027-03-01");
      // Half of the 100 that nobody has paid pays for the year; the 30 that are left wait for that payment.
      ada.up(plan({ key: "cheap-year", price: "20", months: 12 }));
      expect(ada.invoices().at(-1)).toBe("ADJUSTMENT DUE 0.30 = proration -50.00, base 20.00, credit 30.30");
      return ada;
    };
    // With it goes what waited: the renewal is owed, and was not given back.
    expect(upgraded().voids(1).balance()).toBe("-0.30");
    expect(upgraded().voids(1).pays(0).balance()).toBe("-0.30");
    // What has come meanwhile is taken back.
    expect(upgraded().pays(0).balance()).toBe("30.00");
    expect(upgraded().pays(0).voids(0).balance()).toBe("-0.30");
    // Without the renewal nothing is left to wait for.
    expect(upgraded().cancels("now").balance()).toBe("-0.30");
    expect(upgraded().voids(1).pays(0).world.replay()).toBeUndefined();
  });
});
