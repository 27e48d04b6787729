import { env, exports } from "cloudflare:workers";
import { extractText, getDocumentProxy } from "unpdf";
import { afterEach, describe, test, vi } from "vitest";
import { invoicePageAnswer, invoicePdfAnswer } from "../../src/http/invoice-paper.ts";
import { CHINESE, ONE_LINE } from "../support/invoice-papers.ts";
import { customer, ok, pay, type Subscribed, sell, subscribe } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const OPERATOR = "/api/v1/monetization/billing/invoices";
const CLIENT = "/api/v1/client/billing/invoices";

afterEach(() => {
  vi.useRealTimers();
});

/** A first invoice of ada's, who sells and who buys set, on 15 January. */
async function sold(): Promise<{ world: World; id: string }> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld();
  await customer(world);
  await customer(world, "bob");
  await sell(world, "basic", { priceAmount: 10, name: "Basic" });
  await ok(world.call("PATCH", "/api/v1/account/settings", { seller: { name: "Acme 北京", address: "A 1\nB 2" } }));
  await ok(world.call("PATCH", "/api/v1/client/customers/ada", { firstName: "Łucja", lastName: "Ξένου" }));
  const { invoice }: Subscribed = await ok(subscribe(world, "ada", "basic"));
  return { world, id: invoice.id };
}

const get = (path: string, key: string): Promise<Response> =>
  exports.default.fetch(`https://tanso.test${path}`, { headers: { Authorization: `Bearer ${key}` } });

async function keyOf(world: World, reference: string): Promise<string> {
  const made = await ok(
    world.call<{ apiKey: string }>("POST", `/api/v1/client/customers/${reference}/keys`, { scopes: ["read"] }),
  );
  return made.apiKey;
}

async function pdfText(answer: Response): Promise<string> {
  const { text } = await extractText(await getDocumentProxy(new Uint8Array(await answer.arrayBuffer())), {
    mergePages: true,
  });
  return text.replace(/\s+/g, " ");
}

describe("does", () => {
  test("an invoice is printed with the names it was due under, and its number once it is paid", async ({ expect }) => {
    const { world, id } = await sold();
    await ok(world.call("PATCH", "/api/v1/account/settings", { seller: { name: "Other Ltd" } }));
    await ok(world.call("PATCH", "/api/v1/client/customers/ada", { lastName: "Byron" }));
    const due = await pdfText(await get(`${OPERATOR}/${id}/pdf`, world.key));
    for (const text of ["Acme 北京", "A 1 B 2", "Łucja Ξένου", "$10.00 due 15 January 2027", "Basic"])
      expect(due).toContain(text);
    expect(due).not.toContain("INV-");
    await ok(pay(world, id));
    const paid = await get(`${OPERATOR}/${id}/pdf`, world.key);
    expect(paid.headers.get("Content-Disposition")).toBe('inline; filename="invoice-INV-000001.pdf"');
    expect(await pdfText(paid)).toContain("$10.00 paid");
  });

  test("a customer's own key reads the customer's own invoice, as file and as page", async ({ expect }) => {
    const { world, id } = await sold();
    const key = await keyOf(world, "ada");
    expect(await pdfText(await get(`${CLIENT}/${id}/pdf`, key))).toContain("Łucja Ξένου");
    const page = await get(`${CLIENT}/${id}/html`, key);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<bdi>Łucja Ξένου</bdi>");
  });

  test("a PDF is answered as a file of the invoice's number", async ({ expect }) => {
    const answer = await invoicePdfAnswer(env, CHINESE);
    expect(answer.headers.get("Content-Type")).toBe("application/pdf");
    expect(answer.headers.get("Content-Disposition")).toBe('inline; filename="invoice-INV-000042.pdf"');
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(new TextDecoder("latin1").decode(bytes.subarray(0, 8))).toBe("%PDF-1.7");
    expect(answer.headers.get("Content-Length")).toBe(String(bytes.length));
  });

  test("a draft is a file called so", async ({ expect }) => {
    const { number: _, ...draft } = ONE_LINE;
    const answer = await invoicePdfAnswer(env, { ...draft, status: "PENDING" });
    expect(answer.headers.get("Content-Disposition")).toBe('inline; filename="invoice-draft.pdf"');
    await answer.body?.cancel();
  });

  test("a page is answered with the policy that lets its style through and no script", async ({ expect }) => {
    const answer = await invoicePageAnswer(ONE_LINE);
    expect(answer.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'; style-src 'sha256-[^']+';/);
    expect(await answer.text()).toContain("Ada Lovelace Analytics Ltd.");
  });
});

describe("refuses", () => {
  test("another customer's key, and another account's, get no paper", async ({ expect }) => {
    const { world, id } = await sold();
    const [bob, stranger] = [await keyOf(world, "bob"), await newWorld()];
    for (const form of ["pdf", "html"]) {
      expect((await get(`${CLIENT}/${id}/${form}`, bob)).status).toBe(403);
      expect((await get(`${OPERATOR}/${id}/${form}`, stranger.key)).status).toBe(404);
    }
  });

  test("an id that leads to no invoice is 404", async ({ expect }) => {
    const { world, id } = await sold();
    const unknown = `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}`;
    expect((await get(`${OPERATOR}/${unknown}/pdf`, world.key)).status).toBe(404);
    expect((await get(`${OPERATOR}/nothing/pdf`, world.key)).status).toBe(404);
  });

  test("a number cannot end the header or name a folder", async ({ expect }) => {
    for (const number of ['x"; filename="evil.exe', "../../etc/passwd", "a\r\nb", "№ 7/2026"]) {
      const answer = await invoicePdfAnswer(env, { ...ONE_LINE, number });
      expect(answer.headers.get("Content-Disposition")).toMatch(/^inline; filename="invoice-[A-Za-z0-9-]+\.pdf"$/);
      await answer.body?.cancel();
    }
  });
});

describe("holds", () => {
  test("no paper is kept on the way", async ({ expect }) => {
    for (const answer of [await invoicePageAnswer(ONE_LINE), await invoicePdfAnswer(env, ONE_LINE)]) {
      expect(answer.headers.get("Cache-Control")).toBe("private, no-store");
      expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
      await answer.body?.cancel();
    }
  });
});
