import { describe, test } from "vitest";
import type { InvoiceDocument } from "../../src/domain/invoice-document.ts";
import { invoiceSheet } from "../../src/domain/invoice-sheet.ts";
import { LONG, ONE_LINE, withFigures } from "../support/invoice-papers.ts";

const amountOf = (document: InvoiceDocument, label: string): string | undefined =>
  invoiceSheet(document).totals.find((total) => total.label === label)?.amount;

/** Minor units of a printed amount of two digits. */
const minorOf = (text: string): number => Number(text.replace(/\D/g, "")) * (text.startsWith("−") ? -1 : 1);

describe("does", () => {
  test("the lines shown sum to the subtotal shown, and with taxes to the total", ({ expect }) => {
    const { rows, totals } = invoiceSheet(LONG);
    const shown = rows.map(({ amount }) => minorOf(amount)).reduce((sum, amount) => sum + amount, 0);
    expect(totals.map(({ label, amount }) => [label, amount])).toEqual([
      ["Subtotal", "$14,269.50"],
      ["VAT 19%", "$5,000.00"],
      ["Total (USD)", "$19,269.50"],
      ["From your balance", "−$100.00"],
      ["Paid", "−$1,000.00"],
      ["Amount due", "$18,169.50"],
    ]);
    expect(shown).toBe(1_426_950);
  });

  test("a line says what it is made of: units, price, tiers, late units", ({ expect }) => {
    const [, tokens, documents] = invoiceSheet(LONG).rows;
    expect(tokens).toEqual({
      description: "Input tokens",
      quantity: "1,250,000.5",
      unitPrice: "$0.000002",
      amount: "$2.50",
      notes: ["input-tokens"],
      parts: [],
    });
    expect(documents?.notes).toEqual(["documents", "Of these, 12 came after their period was closed."]);
    expect(documents?.parts).toEqual([
      { description: "0 to 1,000, flat fee $5.00", quantity: "1,000", unitPrice: "$0.10", amount: "$105.00" },
      { description: "1,000 to 10,000", quantity: "9,000", unitPrice: "$0.0999", amount: "$899.10" },
      { description: "Above 10,000", quantity: "2,500", unitPrice: "$0.08036", amount: "$200.90" },
    ]);
  });

  test.for([
    ["PENDING", "Draft invoice", "Draft", "€1,234.50 so far"],
    ["DUE", "Invoice", "Due", "€1,234.50 due 15 November 2026"],
    ["PAST_DUE", "Invoice", "Past due", "€1,234.50 was due 15 November 2026"],
    ["PAID", "Invoice", "Paid", "€1,234.50 paid"],
    ["VOID", "Invoice", "Void", "Nothing is owed"],
    ["CANCELLED", "Invoice", "Cancelled", "Nothing is owed"],
  ] as const)("an invoice that is %s says so at first sight", ([status, heading, text, headline], { expect }) => {
    expect(invoiceSheet({ ...ONE_LINE, status })).toMatchObject({ heading, headline, status: { text } });
  });

  test("a credit note says what is credited", ({ expect }) => {
    const [line] = ONE_LINE.lines;
    const credit = withFigures({
      ...ONE_LINE,
      type: "CREDIT",
      status: "PAID",
      lines: line === undefined ? [] : [{ ...line, amountMinor: -2_000 }],
    });
    expect(invoiceSheet(credit)).toMatchObject({
      heading: "Credit note",
      status: { text: "Credited" },
      headline: "€20.00 credited",
    });
    expect(amountOf(credit, "Total (EUR)")).toBe("−€20.00");
  });

  test("a period is named by its first and its last day", ({ expect }) => {
    expect(invoiceSheet(ONE_LINE).facts).toContainEqual({
      label: "Period",
      text: "1 November 2026 –\n30 November 2026",
    });
  });

  test("a buyer without a name is named by the reference", ({ expect }) => {
    const { name: _, ...buyer } = ONE_LINE.buyer;
    expect(invoiceSheet({ ...ONE_LINE, buyer }).buyer.name).toBe("cust_ada");
  });

  test("terms and notes keep their lines", ({ expect }) => {
    expect(invoiceSheet({ ...ONE_LINE, terms: "14 days.\r\n\n Then\tsuspended. ", notes: "Thanks" }).closing).toEqual([
      { label: "Terms", text: "14 days.\nThen suspended." },
      { label: "Notes", text: "Thanks" },
    ]);
  });

  test("a refund is shown", ({ expect }) => {
    expect(amountOf({ ...ONE_LINE, status: "PAID", refundedMinor: 450 }, "Refunded")).toBe("€4.50");
  });
});

describe("refuses", () => {
  test("an invoice whose lines do not sum to its subtotal is not printed", ({ expect }) => {
    expect(() => invoiceSheet({ ...ONE_LINE, subtotalMinor: 123_451, totalMinor: 123_451 })).toThrow("subtotal");
  });

  test("an invoice whose taxes do not lead to its total is not printed", ({ expect }) => {
    expect(() => invoiceSheet({ ...ONE_LINE, totalMinor: 123_451 })).toThrow("total");
  });

  test("a link that would run in the reader's browser is left out", ({ expect }) => {
    for (const paymentLink of ["javascript:alert(1)", "data:text/html,x", "pay me"])
      expect(invoiceSheet({ ...ONE_LINE, paymentLink }).paymentLink).toBeUndefined();
    expect(invoiceSheet(ONE_LINE).paymentLink).toBe("https://pay.example/i/inv_42");
  });

  test("what is paid or void asks for no payment", ({ expect }) => {
    for (const status of ["PAID", "VOID"] as const)
      expect(invoiceSheet({ ...ONE_LINE, status }).paymentLink).toBeUndefined();
  });
});

describe("holds", () => {
  test("a name cannot turn the order of what stands beside it, nor begin a line", ({ expect }) => {
    const name = "Ada\u202e\u2066\r\nTotal:\t0 \u0000";
    expect(invoiceSheet({ ...ONE_LINE, buyer: { ...ONE_LINE.buyer, name } }).buyer.name).toBe("Ada Total: 0");
  });
});
