import { describe, test } from "vitest";
import { layOutInvoice } from "../../src/documents/invoice-layout.ts";
import { breakLines } from "../../src/documents/line-breaking.ts";
import type { Mark } from "../../src/documents/page-flow.ts";
import type { InvoiceDocument, InvoiceDocumentLine } from "../../src/domain/invoice-document.ts";
import { invoiceSheet } from "../../src/domain/invoice-sheet.ts";
import { LONG, ONE_LINE, withFigures } from "../support/invoice-papers.ts";

/** Every character is half as wide as it is high. */
const measure = (text: string, size: number): number => ([...text].length * size) / 2;
const byLength = (text: string): number => [...text].length;

const pagesOf = (document: InvoiceDocument): Mark[][] => layOutInvoice(invoiceSheet(document), measure);
const textsOf = (page: readonly Mark[]): (Mark & { kind: "text" })[] => page.filter((mark) => mark.kind === "text");
const wordsOf = (page: readonly Mark[]): string[] => textsOf(page).map(({ text }) => text);

/** An invoice of so many lines of one cent. */
const ofLines = (count: number): InvoiceDocument =>
  withFigures({
    ...ONE_LINE,
    lines: Array.from({ length: count }, (_, index) => ({
      kind: "BASE",
      description: `Line ${index + 1}.`,
      amountMinor: 1,
    })),
  });

describe("does", () => {
  test("one line fits one page", ({ expect }) => {
    const pages = pagesOf(ONE_LINE);
    expect(pages).toHaveLength(1);
    expect(wordsOf(pages[0] ?? [])).toContain("INV-000042 · 1 / 1");
  });

  test("each page of a long invoice has the table's head, the invoice's number and its own", ({ expect }) => {
    const pages = pagesOf(LONG);
    expect(pages).toHaveLength(3);
    for (const [index, page] of pages.entries()) {
      const words = wordsOf(page);
      expect(words).toContain("Unit price");
      expect(words).toContain(`INV-000042 · ${index + 1} / 3`);
      expect(words).toContain(index === 0 ? "Invoice" : "Invoice INV-000042");
    }
  });

  test("amounts end at one edge", ({ expect }) => {
    const ends = pagesOf(ofLines(3))
      .flatMap(textsOf)
      .filter(({ text }) => text === "€0.01")
      .map(({ x, text, size }) => x + measure(text, size));
    expect(ends).toHaveLength(3);
    expect(new Set(ends.map((end) => end.toFixed(6)))).toEqual(new Set(["545.280000"]));
  });

  test("an amount too wide for its column is made smaller, not cut", ({ expect }) => {
    const line: InvoiceDocumentLine = {
      kind: "USAGE",
      description: "Units",
      quantity: "123456789012345.123456789012",
      unitPrice: "0.000000000001",
      amountMinor: 123,
    };
    const texts = pagesOf(withFigures({ ...ONE_LINE, lines: [line] })).flatMap(textsOf);
    const quantity = texts.find(({ text }) => text === "123,456,789,012,345.123456789012");
    expect(quantity?.size).toBeLessThan(9.5);
    expect(texts.find(({ text }) => text === "€0.000000000001")?.size).toBe(9.5);
  });

  test("lines break between words, and inside a word only where it fits no line", ({ expect }) => {
    expect(breakLines("one two three", 7, byLength)).toEqual(["one two", "three"]);
    expect(breakLines("abcdefghij kl", 4, byLength)).toEqual(["abcd", "efgh", "ij", "kl"]);
    expect(breakLines("a\nb", 9, byLength)).toEqual(["a", "b"]);
    expect(breakLines("", 9, byLength)).toEqual([""]);
  });

  test("Chinese breaks anywhere but before what closes a sentence", ({ expect }) => {
    expect(breakLines("请在收到发票。谢谢", 6, byLength)).toEqual(["请在收到发", "票。谢谢"]);
  });
});

describe("holds", () => {
  test("however many lines, each stands on one page, in order, above the footer", ({ expect }) => {
    for (let count = 1; count <= 90; count++) {
      const pages = pagesOf(ofLines(count));
      const lines = pages.flatMap(wordsOf).filter((text) => /^Line \d+\.$/.test(text));
      expect(lines).toEqual(Array.from({ length: count }, (_, index) => `Line ${index + 1}.`));
      const body = pages.flatMap(textsOf).filter(({ text }) => !text.includes(" · "));
      expect(Math.max(...body.map(({ y }) => y))).toBeLessThan(770);
      expect(pages.at(-1)?.length).toBeGreaterThan(2);
    }
  });

  test("a line of more tiers than a page holds goes on over pages, each tier once", ({ expect }) => {
    const tiers = Array.from({ length: 200 }, (_, index) => ({
      tier: index + 1,
      from: String(index),
      upTo: String(index + 1),
      quantity: "1",
      unitPrice: "0.01",
      amount: "0.01",
    }));
    const line: InvoiceDocumentLine = { kind: "USAGE", description: "Units", quantity: "200", amountMinor: 200, tiers };
    const pages = pagesOf(withFigures({ ...ONE_LINE, lines: [line] }));
    expect(pages.length).toBeGreaterThan(2);
    const shown = pages.flatMap(wordsOf).filter((text) => /^\d+ to \d+$/.test(text));
    expect(shown).toEqual(tiers.map(({ from, upTo }) => `${from} to ${upTo}`));
    expect(Math.max(...pages.flatMap(textsOf).map(({ y }) => y))).toBeLessThan(842);
  });

  test("a description longer than a page goes on over pages, above the footer", ({ expect }) => {
    const words = Array.from({ length: 2_000 }, (_, index) => `word${index}`);
    const line: InvoiceDocumentLine = { kind: "BASE", description: words.join(" "), amountMinor: 1 };
    const pages = pagesOf(withFigures({ ...ONE_LINE, lines: [line] }));
    expect(pages.length).toBeGreaterThan(3);
    expect(
      pages
        .flatMap(wordsOf)
        .filter((text) => text.startsWith("word"))
        .join(" "),
    ).toBe(words.join(" "));
    const body = pages.flatMap(textsOf).filter(({ text }) => !text.includes(" · "));
    expect(Math.max(...body.map(({ y }) => y))).toBeLessThan(770);
  });

  test("an invoice without a line has its totals all the same", ({ expect }) => {
    expect(wordsOf(pagesOf(ofLines(0))[0] ?? [])).toContain("Amount due");
  });
});
