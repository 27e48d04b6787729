import { describe, test } from "vitest";
import { invoiceHtmlPolicy, renderInvoiceHtml } from "../../src/documents/invoice-html.ts";
import { CHINESE, LONG, ONE_LINE } from "../support/invoice-papers.ts";

const styleOf = (page: string): string => /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? "";

describe("does", () => {
  test("an invoice is a page with every line, its parts and its totals", async ({ expect }) => {
    const page = await renderInvoiceHtml(LONG);
    expect(page.startsWith("<!doctype html>\n")).toBe(true);
    expect(page.match(/Agent run, workspace \d+</g)).toHaveLength(32);
    for (const text of [
      "1,250,000.5",
      "$0.000002",
      "0 to 1,000, flat fee $5.00",
      "Amount due",
      "$18,169.50",
      "VAT 19%",
    ])
      expect(page).toContain(text);
    expect(page).toContain('<a href="https://pay.example/i/inv_42"');
  });

  test("names of other scripts stand as they are", async ({ expect }) => {
    const page = await renderInvoiceHtml(CHINESE);
    for (const text of ["北京示例科技有限公司", "株式会社さくらデータ", "zażółć gęślą jaźń", "Ελληνικά"])
      expect(page).toContain(text);
  });
});

describe("refuses", () => {
  test("what somebody wrote is text, wherever it stands", async ({ expect }) => {
    const evil = `"><script>alert(1)</script><img src=x onerror='a()'>`;
    const [line] = LONG.lines;
    const page = await renderInvoiceHtml({
      ...LONG,
      number: evil,
      seller: { name: evil, address: [evil], taxId: evil, email: evil, footer: evil },
      buyer: { name: evil, address: [evil], taxId: evil, email: evil, reference: evil },
      terms: evil,
      notes: evil,
      paymentLink: `https://pay.example/${evil}`,
      taxes: LONG.taxes.map((tax) => ({ ...tax, name: evil })),
      lines: [
        ...LONG.lines.slice(1),
        ...(line === undefined ? [] : [{ ...line, description: evil, featureKey: evil }]),
      ],
    });
    expect(page.match(/alert\(1\)/g)?.length).toBeGreaterThan(14);
    expect(page).not.toMatch(/<script|<img|onerror='/);
    expect(page.match(/<a href="[^"]*"/g)).toHaveLength(1);
  });

  test("the page may use its own style and nothing else", async ({ expect }) => {
    const style = styleOf(await renderInvoiceHtml(ONE_LINE));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style)));
    const policy = await invoiceHtmlPolicy();
    expect(policy).toContain(`style-src 'sha256-${btoa(String.fromCharCode(...digest))}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
  });

  test("the page asks for nothing and runs nothing", async ({ expect }) => {
    const page = await renderInvoiceHtml(LONG);
    expect(page).not.toMatch(/<script|\son\w+=|style="|url\(|@import|\ssrc=/);
    expect(page.match(/https?:\/\/[^"<]+/g)).toEqual(["https://pay.example/i/inv_42", "https://pay.example/i/inv_42"]);
  });
});

describe("holds", () => {
  test("the same invoice is the same page, whose style does not hang on it", async ({ expect }) => {
    const pages = [await renderInvoiceHtml(LONG), await renderInvoiceHtml(LONG)];
    expect(pages[0]).toBe(pages[1]);
    expect(styleOf(await renderInvoiceHtml(CHINESE))).toBe(styleOf(pages[0] ?? ""));
  });
});
