import type { InvoiceDocument, InvoiceDocumentLine } from "../../src/domain/invoice-document.ts";

/** Invoices to be printed in tests. */

const line = (description: string, amountMinor: number): InvoiceDocumentLine => ({
  kind: "BASE",
  description,
  amountMinor,
});

/** One line, due, in euro. */
export const ONE_LINE: InvoiceDocument = {
  number: "INV-000042",
  status: "DUE",
  type: "IN_ADVANCE_INITIAL",
  seller: {
    name: "Acme Cloud GmbH",
    address: ["Unter den Linden 1", "10117 Berlin", "Germany"],
    taxId: "DE123456789",
    email: "billing@acme.example",
    footer: "Acme Cloud GmbH · Registered in Berlin, HRB 12345 · IBAN DE00 0000 0000 0000 0000 00",
  },
  buyer: {
    name: "Ada Lovelace Analytics Ltd.",
    email: "ada@lovelace.example",
    address: ["12 St James's Square", "London SW1Y 4JH", "United Kingdom"],
    taxId: "GB987654321",
    reference: "cust_ada",
  },
  issuedAtMs: Date.UTC(2026, 10, 1),
  dueAtMs: Date.UTC(2026, 10, 15),
  terms: "Payable within 14 days. After that, access is suspended until payment arrives.",
  periodStartMs: Date.UTC(2026, 10, 1),
  periodEndMs: Date.UTC(2026, 11, 1),
  currency: "EUR",
  lines: [line("Pro, monthly", 123_450)],
  subtotalMinor: 123_450,
  taxes: [],
  totalMinor: 123_450,
  appliedCreditMinor: 0,
  amountPaidMinor: 0,
  amountDueMinor: 123_450,
  refundedMinor: 0,
  paymentLink: "https://pay.example/i/inv_42",
};

/** Usage of many features, one with tiers and late units, tax, credit and a part paid: three pages. */
export const LONG: InvoiceDocument = withFigures({
  ...ONE_LINE,
  status: "PAST_DUE",
  currency: "USD",
  lines: [
    line("Scale, monthly", 49_900),
    {
      kind: "USAGE",
      description: "Input tokens",
      featureKey: "input-tokens",
      quantity: "1250000.5",
      unitPrice: "0.000002",
      amountMinor: 250,
    },
    {
      kind: "USAGE",
      description: "Documents read",
      featureKey: "documents",
      quantity: "12500",
      amountMinor: 120_500,
      lateUnits: "12",
      tiers: [
        { tier: 1, from: "0", upTo: "1000", quantity: "1000", unitPrice: "0.1", flatFee: "5", amount: "105" },
        { tier: 2, from: "1000", upTo: "10000", quantity: "9000", unitPrice: "0.0999", amount: "899.1" },
        { tier: 3, from: "10000", quantity: "2500", unitPrice: "0.08036", amount: "200.9" },
      ],
    },
    ...Array.from(
      { length: 32 },
      (_, index): InvoiceDocumentLine => ({
        kind: "USAGE",
        description: `Agent run, workspace ${index + 1}`,
        featureKey: `agent-run-${index + 1}`,
        quantity: String(1_000 + index * 37),
        unitPrice: "0.25",
        amountMinor: 25_000 + index * 925,
      }),
    ),
    { kind: "CREDIT", description: "Credit from your plan change on 12 October 2026", amountMinor: -2_500 },
  ],
  taxes: [{ name: "VAT", ratePercent: "19", amountMinor: 500_000 }],
  appliedCreditMinor: 10_000,
  amountPaidMinor: 100_000,
  notes: "Thank you for building with us.",
});

/** Chinese seller, Polish and Greek words, yen. */
export const CHINESE: InvoiceDocument = withFigures({
  ...ONE_LINE,
  status: "PAID",
  currency: "CNY",
  seller: {
    name: "北京示例科技有限公司",
    address: ["北京市海淀区中关村大街27号", "100080 北京", "中国"],
    taxId: "91110108MA01ABCDE1",
    footer: "北京示例科技有限公司 · 电话 010-12345678",
  },
  buyer: {
    name: "株式会社さくらデータ",
    address: ["東京都千代田区丸の内1丁目9番1号", "〒100-0005"],
    reference: "zażółć gęślą jaźń",
  },
  lines: [
    line("专业版，按月订阅", 19_900),
    {
      kind: "USAGE",
      description: "文档处理 (Ελληνικά κείμενα)",
      featureKey: "docs",
      quantity: "300",
      unitPrice: "0.1",
      amountMinor: 3_000,
    },
  ],
  amountPaidMinor: 22_900,
  terms:
    "请在收到发票后14天内付款。逾期未付款的账户将被暂停，直到付款到账为止；数据会保留九十天，之后将按照合同约定删除。如有疑问请与我们联系。",
});

/** The document with its sums made of its lines and taxes. */
export function withFigures(document: InvoiceDocument): InvoiceDocument {
  const sum = (parts: readonly { amountMinor: number }[]) => parts.reduce((total, part) => total + part.amountMinor, 0);
  const subtotalMinor = sum(document.lines);
  const totalMinor = subtotalMinor + sum(document.taxes);
  const amountDueMinor = totalMinor - document.appliedCreditMinor - document.amountPaidMinor;
  return { ...document, subtotalMinor, totalMinor, amountDueMinor };
}
