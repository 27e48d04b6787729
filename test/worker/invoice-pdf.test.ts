import { env } from "cloudflare:workers";
import { extractText, getDocumentProxy, getMeta } from "unpdf";
import { describe, test } from "vitest";
import type { Assets } from "../../src/documents/fonts.ts";
import { renderInvoicePdf } from "../../src/documents/invoice-pdf.ts";
import type { InvoiceDocument } from "../../src/domain/invoice-document.ts";
import { moneyText } from "../../src/domain/money-text.ts";
import { CHINESE, LONG, ONE_LINE, withFigures } from "../support/invoice-papers.ts";

/** The Worker's assets, and a note of what was asked for. */
function notedAssets(): Assets & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fetch: (url) => {
      asked.push(new URL(url).pathname);
      return env.ASSETS.fetch(url);
    },
  };
}

/** Each page's text, as another program reads it out of the file. */
async function readPages(bytes: Uint8Array): Promise<string[]> {
  const { text } = await extractText(await getDocumentProxy(bytes.slice()), { mergePages: false });
  return text.map((page) => page.replace(/\s+/g, " "));
}

async function textOf(document: InvoiceDocument): Promise<string> {
  return (await readPages(await renderInvoicePdf(env.ASSETS, document))).join(" ");
}

const named = (name: string): InvoiceDocument => ({ ...ONE_LINE, buyer: { ...ONE_LINE.buyer, name } });

/** A currency for each sign that one in use has in Unicode, as it is written before an amount. */
const SIGNS: [currency: string, sign: string][] = [
  ..."USD $,GBP £,EUR €,JPY ¥,CNY ¥,INR ₹,PKR ₨,KRW ₩,ILS ₪,VND ₫,NGN ₦,PHP ₱,UAH ₴,TRY ₺,RUB ₽,KZT ₸,AZN ₼,GEL ₾".split(
    ",",
  ),
  ..."CRC ₡,PYG ₲,GHS ₵,MNT ₮,LAK ₭,KGS ⃀,THB ฿,KHR ៛,BDT ৳,AMD ֏,AFN ؋,IRR ﷼".split(","),
].map((pair): [string, string] => [pair.slice(0, 3), pair.slice(4)]);

describe("does", () => {
  test.for([
    "Ada Lovelace",
    "Łukasz Żółć-Gęślą Jaźń Śnieżyński",
    "Αλέξανδρος Ξυδάκης, Οδός Ερμού",
    "Чайковский Їжакевич",
    "北京示例科技有限公司",
    "株式会社さくらデータ",
    "Nguyễn Thị Hằng",
    "İstanbul Çağdaş Şirketi",
    "Երևան Հայաստան",
    "თბილისი",
  ])("%s is printed and can be read back", async (name, { expect }) => {
    expect(await textOf(named(name))).toContain(name);
  });

  test("every currency's sign is printed, in either weight", async ({ expect }) => {
    expect(SIGNS).toHaveLength(30);
    for (const [currency, sign] of SIGNS) {
      const amount = moneyText(ONE_LINE.totalMinor, currency);
      expect(amount.startsWith(sign)).toBe(true);
      const text = await textOf({ ...ONE_LINE, currency });
      // The line, the subtotal; in bold the total, what is due and the headline.
      expect([currency, text.split(amount).length - 1]).toEqual([currency, 5]);
      expect(text).not.toContain("[U+");
    }
  });

  test("what no font has is printed as its code point", async ({ expect }) => {
    expect(await textOf(named("Zoë 😀 한"))).toContain("Zoë [U+1F600] [U+D55C]");
  });

  test("the lines read back from the paper sum to the subtotal read back", async ({ expect }) => {
    const bytes = await renderInvoicePdf(env.ASSETS, withFigures({ ...LONG, lines: LONG.lines.slice(3, 37) }));
    const text = (await readPages(bytes)).join(" ");
    const cents = (amount = "") => Number(amount.replace(/\D/g, ""));
    const lines = [...text.matchAll(/workspace \d+ [\d,]+ \$0\.25 \$([\d,.]+)/g)].map(([, amount]) => cents(amount));
    const [, credit] = /12 October 2026 −\$([\d,.]+)/.exec(text) ?? [];
    const [, subtotal] = /Subtotal \$([\d,.]+)/.exec(text) ?? [];
    expect(lines).toHaveLength(32);
    expect(lines.reduce((sum, amount) => sum + amount, 0) - cents(credit)).toBe(cents(subtotal));
  });

  test("pages are numbered, and carry on the table's head", async ({ expect }) => {
    const pages = await readPages(await renderInvoicePdf(env.ASSETS, LONG));
    expect(pages.map((page) => /\d+ \/ \d+$/.exec(page.trim())?.[0])).toEqual(["1 / 3", "2 / 3", "3 / 3"]);
    for (const page of pages) expect(page).toContain("Description Quantity Unit price Amount (USD)");
  });

  test("the file says what it is, in which language, of which day", async ({ expect }) => {
    const bytes = await renderInvoicePdf(env.ASSETS, ONE_LINE);
    const { info } = await getMeta(await getDocumentProxy(bytes.slice()));
    expect(info).toMatchObject({
      Title: "Invoice INV-000042",
      Author: "Acme Cloud GmbH",
      Language: "en",
      CreationDate: "D:20261101000000Z",
    });
  });

  test("the payment link can be clicked", async ({ expect }) => {
    const paymentLink = "https://pay.example/i/(inv)_42?a=1\\2";
    const bytes = await renderInvoicePdf(env.ASSETS, { ...ONE_LINE, paymentLink });
    const page = await (await getDocumentProxy(bytes.slice())).getPage(1);
    const links = (await page.getAnnotations()).map((annotation: { url?: string }) => annotation.url);
    expect(links).toEqual(["https://pay.example/i/%28inv%29_42?a=1%5C2"]);
  });
});

describe("refuses", () => {
  test("an invoice is not printed without its fonts", async ({ expect }) => {
    const empty: Assets = { fetch: async () => new Response(null, { status: 404 }) };
    // A slice that no earlier test has loaded.
    await expect(renderInvoicePdf(empty, named("Ἀριστοτέλης"))).rejects.toThrow("the assets have no fonts/");
  });
});

describe("holds", () => {
  test("the same invoice is the same bytes", async ({ expect }) => {
    for (const document of [ONE_LINE, LONG, CHINESE]) {
      const first = await renderInvoicePdf(env.ASSETS, document);
      const second = await renderInvoicePdf(env.ASSETS, document);
      expect(second).toEqual(first);
    }
  });

  test("Chinese fonts are fetched and embedded for Chinese text alone, and of them only what is used", async ({
    expect,
  }) => {
    const latin = notedAssets();
    expect((await renderInvoicePdf(latin, ONE_LINE)).length).toBeLessThan(20_000);
    expect(latin.asked.filter((path) => path.includes("-sc-"))).toEqual([]);
    const chinese = notedAssets();
    expect((await renderInvoicePdf(chinese, CHINESE)).length).toBeLessThan(80_000);
    expect(chinese.asked.length).toBeLessThan(24);
  });
});
