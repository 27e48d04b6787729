import { describe, test } from "vitest";
import { decimalToE12 } from "../../src/domain/amount.ts";
import type { CustomerView } from "../../src/domain/customer.ts";
import { invoiceSheet } from "../../src/domain/invoice-sheet.ts";
import { printedInvoice } from "../../src/domain/printed-invoice.ts";
import type { InvoiceView } from "../../src/domain/views.ts";

const JANUARY = { periodStartMs: Date.UTC(2027, 0, 1), periodEndMs: Date.UTC(2027, 1, 1) };

const CUSTOMER = {
  customerId: "01890000-0000-7000-8000-000000000001",
  referenceId: "ada",
  firstName: "Ada",
  lastName: "Today",
} as CustomerView;

/** As the customer's object shows it: base, 1,000 units at 0.0125 and tiers, 19 % tax. */
const DUE = {
  invoiceId: "01890000-0000-7000-8000-000000000002",
  type: "REGULAR",
  status: "DUE",
  currency: "EUR",
  ...JANUARY,
  createdAtMs: JANUARY.periodEndMs,
  modifiedAtMs: JANUARY.periodEndMs,
  dueAtMs: JANUARY.periodEndMs,
  sequence: 7,
  seller: { name: "Acme", address: "Hauptstr. 1\n\n10115 Berlin", taxId: "DE1" },
  buyer: { name: "Ada Then", address: "12 Square", phoneNumber: "+44 1", referenceId: "ada" },
  terms: { gracePeriodDays: 14 },
  taxLines: [{ name: "VAT", ratePercent: "19", amountMinor: 428 }],
  amountMinor: 2_678,
  lines: [
    { lineId: "a", kind: "BASE", description: "Basic", amountMinor: 1_000, ...JANUARY },
    {
      lineId: "b",
      kind: "USAGE",
      description: "Calls",
      amountMinor: 1_250,
      ...JANUARY,
      usage: {
        segment: 1,
        featureId: "f",
        featureKey: "calls",
        quantityE12: decimalToE12("1000"),
        lateE12: decimalToE12("2.5"),
        tiers: [
          {
            tierIndex: 0,
            units: decimalToE12("1000"),
            pricePerUnit: decimalToE12("0.0125"),
            flatFee: 0n,
            amountE24: decimalToE12("12.5") * 10n ** 12n,
          },
        ],
      },
    },
  ],
  subscription: {},
} as unknown as InvoiceView;

describe("does", () => {
  test("an invoice is printed as it was when it became due", ({ expect }) => {
    const sheet = invoiceSheet(printedInvoice(DUE, CUSTOMER));
    expect(sheet).toMatchObject({
      number: "INV-000007",
      headline: "€26.78 due 1 February 2027",
      seller: { name: "Acme", lines: ["Hauptstr. 1", "10115 Berlin", "Tax ID DE1"] },
      buyer: { name: "Ada Then", lines: ["12 Square"] },
      closing: [{ label: "Terms", text: "Payable on the due date; past due 14 days later." }],
    });
    expect(sheet.rows[1]).toEqual({
      description: "Calls",
      quantity: "1,000",
      unitPrice: "",
      amount: "€12.50",
      notes: ["calls", "Of these, 2.5 came after their period was closed."],
      parts: [{ description: "Tier 1", quantity: "1,000", unitPrice: "€0.0125", amount: "€12.50" }],
    });
    expect(sheet.totals.map(({ amount }) => amount)).toEqual(["€22.50", "€4.28", "€26.78", "€26.78"]);
  });

  test("a draft names the customer as of now", ({ expect }) => {
    const { buyer: _, seller: __, sequence: ___, ...draft } = DUE;
    const sheet = invoiceSheet(printedInvoice({ ...draft, status: "PENDING" }, CUSTOMER));
    expect(sheet).toMatchObject({ heading: "Draft invoice", buyer: { name: "Ada Today" }, seller: { name: "" } });
    expect(sheet.facts.map(({ label }) => label)).not.toContain("Issued");
  });

  test.for([
    ["MANUAL", 2_678],
    ["STRIPE", 2_678],
    ["CARRIED", 0],
    ["NOTHING", 0],
  ] as const)(
    "paid by %s, it shows %i minor units as paid and nothing as due",
    ([paidBy, amountPaidMinor], { expect }) => {
      const document = printedInvoice({ ...DUE, status: "PAID", paidBy }, CUSTOMER);
      expect(document).toMatchObject({ amountPaidMinor, amountDueMinor: 0 });
      expect(document.notes !== undefined).toBe(paidBy === "CARRIED");
    },
  );

  test("a first invoice promises no grace, since none runs: what it buys begins with its payment", ({ expect }) => {
    const first = { ...DUE, type: "IN_ADVANCE_INITIAL" as const };
    expect(printedInvoice(first, CUSTOMER).terms).toBe("Payable on the due date; access begins with the payment.");
    expect(printedInvoice({ ...first, status: "PAID", paidBy: "MANUAL" }, CUSTOMER).terms).toBe(
      "Payable on the due date; access begins with the payment.",
    );
  });

  test("what was given back of a payment is shown", ({ expect }) => {
    const refunded = { ...DUE, status: "PAID" as const, paidBy: "STRIPE" as const, refundedMinor: 678 };
    expect(invoiceSheet(printedInvoice(refunded, CUSTOMER)).totals).toContainEqual(
      expect.objectContaining({ label: "Refunded", amount: "€6.78" }),
    );
  });

  test("of a void invoice nothing is due and no terms are left", ({ expect }) => {
    const document = printedInvoice({ ...DUE, status: "VOID" }, CUSTOMER);
    expect(document).toMatchObject({ amountPaidMinor: 0, amountDueMinor: 0 });
    expect(document.terms).toBeUndefined();
  });
});

describe("refuses", () => {
  test("an invoice that lost a line is not printed", ({ expect }) => {
    const torn = { ...DUE, lines: DUE.lines.slice(1) };
    expect(() => invoiceSheet(printedInvoice(torn, CUSTOMER))).toThrow("sum to its subtotal");
  });
});
