import type { Page } from "playwright-core";
import { beforeAll, describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { fileText } from "./support/files.mjs";
import { billed, type Shop, usageShop } from "./support/usage-shop.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { NARROW, shoot, signIn, type Visit } from "./support/visit.ts";
import { visits } from "./support/visits.ts";

/** Invoices and the money balance in the console: found, explained, replayed, paid, void, printed and taken away. */

const { url } = await seededTanso();
const at = (path: string): string => `${url}/console${path}`;

const NAMES = ["zephyr-paid", "zephyr-void", "zephyr-again", "zephyr-shown", "zephyr-owed"] as const;

let shop: Shop;
let made: Awaited<ReturnType<typeof billed>>;

const of = (name: (typeof NAMES)[number]) => {
  const found = made[name];
  if (found === undefined) throw new Error(`${name} has no invoice`);
  return found;
};

const open = visits();

async function come(path: string, options = {}): Promise<Visit & { page: Page }> {
  const visited = await open(options);
  await signIn(visited.page, at(path));
  return visited;
}

beforeAll(async () => {
  shop = await usageShop(url, "zephyr");
  made = await billed(shop, NAMES);
  // Who left and had too much counted is owed money.
  const { invoiceId, subscriptionId, eventId } = of("zephyr-owed");
  await shop.call("POST", `/api/v1/monetization/billing/invoices/${invoiceId}/mark-paid`);
  await shop.call("POST", `/api/v1/client/subscriptions/cancellation/${subscriptionId}?cancelMode=IMMEDIATE`);
  await shop.call("POST", `/api/v1/client/events/${eventId}/correct`, { usageUnits: 100, reason: "counted twice" });
});

describe("does", () => {
  test.each(LOOKS)("every view of invoices looks right, $look", async ({ look, options }) => {
    const visited = await open(options);
    const { invoiceId, number } = of("zephyr-shown");
    await viewsLookRight(
      visited,
      url,
      [
        { name: "invoices", path: "/invoices", says: ["INV-000001", "Northwind Labs", "Newest first"] },
        {
          name: "invoice",
          path: `/invoices/${invoiceId}`,
          says: [number, "100 × 0.1 + (5 + 50 × 0.05) = 17.50", "Matches", "zephyr by use", "Demo AI, Inc."],
        },
        { name: "balance", path: "/customers/zephyr-owed/balance", says: ["Owed to the customer", "$7.50"] },
      ],
      look,
    );
  });

  test("invoices are found by state, type, customer and day, and the address keeps it", async ({ expect }) => {
    const { page, errors } = await come("/invoices");
    await page.getByLabel("State").selectOption("PAST_DUE");
    await page.getByRole("link", { name: "Dune Analytics" }).first().waitFor();
    await page.waitForURL(at("/invoices?status=PAST_DUE"));
    await expect.poll(() => page.locator("tbody .badge").allTextContents()).not.toContain("Paid");
    await page.getByLabel("State").selectOption("");
    await page.getByLabel("Type").selectOption("CREDIT");
    await page.getByRole("link", { name: "Heron Labs" }).first().waitFor();
    await expect.poll(() => page.locator("tbody").textContent()).not.toContain("Dune Analytics");
    await page.getByLabel("Type").selectOption("");
    await page.getByLabel("Customer", { exact: true }).fill("zephyr-shown");
    await page.getByLabel("Customer", { exact: true }).press("Enter");
    await page.getByRole("link", { name: of("zephyr-shown").number }).waitFor();
    await page.waitForURL(at("/invoices?customer=zephyr-shown"));
    await page.getByLabel("Made from").fill("2026-09-01");
    await page.getByLabel("to", { exact: true }).fill("2026-09-09");
    await page.getByText("No invoice like this").waitFor();
    await page.getByRole("link", { name: "Show all invoices" }).click();
    await page.getByRole("link", { name: "INV-000001" }).waitFor();
    expect(errors).toEqual([]);
  });

  test("each line says why, and leads on", async ({ expect }) => {
    const { invoiceId, number } = of("zephyr-shown");
    const { page } = await come("/invoices?customer=zephyr-shown");
    await page.getByRole("link", { name: number }).click();
    await page.waitForURL(at(`/invoices/${invoiceId}`));
    const lines = page.getByRole("region", { name: "Lines", exact: true });
    await lines.getByText("1 event counted from").waitFor();
    const text = (await lines.textContent()) ?? "";
    for (const said of ["zephyr.calls: 150 call", "Tier 1", "Tier 2, $5.00 on entering", "$7.50", "Total$17.50"])
      expect(text).toContain(said);
    await page.getByRole("link", { name: "Zephyr zephyr-shown" }).click();
    await page.getByRole("heading", { name: "Zephyr zephyr-shown" }).waitFor();
    // And back from the customer's own list.
    await page.getByRole("link", { name: number }).click();
    await page.getByRole("heading", { name: number }).waitFor();
  });

  test("one is marked as paid, after saying what that does", async ({ expect }) => {
    const { invoiceId, number } = of("zephyr-paid");
    const { page, errors } = await come(`/invoices/${invoiceId}`);
    await page.getByRole("button", { name: "Mark as paid" }).click();
    const dialog = page.getByRole("dialog");
    await expect.poll(() => dialog.textContent()).toContain("$17.50 came to you by other ways");
    await dialog.getByRole("button", { name: "Mark as paid" }).click();
    await page.getByText(`${number} is paid.`).waitFor();
    await page.getByText(", by hand").waitFor();
    await expect.poll(() => page.getByRole("button", { name: "Void" }).count()).toBe(0);
    expect(errors).toEqual([]);
  });

  test("one is void, and its usage given away", async ({ expect }) => {
    const { invoiceId, number } = of("zephyr-void");
    const { page } = await come(`/invoices/${invoiceId}`);
    await page.getByRole("button", { name: "Void" }).click();
    const dialog = page.getByRole("dialog");
    await expect.poll(() => dialog.textContent()).toContain("$17.50 of usage is never billed.");
    await shoot(page, "invoice-void-light");
    await dialog.getByRole("button", { name: "Void", exact: true }).click();
    await page.getByText(`${number} is void.`).waitFor();
    await page.getByText("void: nobody has to pay it").waitFor();
  });

  test("one is void by keys alone, and its usage billed again", async ({ expect }) => {
    const { invoiceId } = of("zephyr-again");
    const { page } = await come(`/invoices/${invoiceId}`);
    await page.getByRole("button", { name: "Void" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Bill the usage again" }).focus();
    await page.keyboard.press("Space");
    await expect
      .poll(() => dialog.textContent())
      .toContain("$17.50 of usage goes onto the subscription's next invoice.");
    await dialog.getByRole("button", { name: "Void and bill its usage again" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("is void.").waitFor();
    const upcoming = await shop.call<{ items: { chargeAmount: number }[] }>(
      "GET",
      "/api/v1/client/billing/invoices/zephyr-again/upcoming",
    );
    expect(upcoming.items.map(({ chargeAmount }) => chargeAmount)).toContain(17.5);
  });

  test("it is printed, and comes as a PDF under its number", async ({ expect }) => {
    const { invoiceId, number } = of("zephyr-shown");
    const { page } = await come(`/invoices/${invoiceId}`);
    const [paper] = await Promise.all([
      page.waitForEvent("popup"),
      page.getByRole("link", { name: "Print view" }).click(),
    ]);
    await paper.getByText(number).first().waitFor();
    expect(paper.url()).toContain(`/billing/invoices/${invoiceId}/html`);
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "PDF" }).click(),
    ]);
    expect(file.suggestedFilename()).toBe(`${number}.pdf`);
  });

  test("the list that is shown comes as a file", async ({ expect }) => {
    const { page } = await come("/invoices?customer=zephyr-shown");
    await page.getByRole("link", { name: of("zephyr-shown").number }).waitFor();
    for (const [button, name, head] of [
      ["CSV", "invoices.csv", "number"],
      ["CSV of lines", "invoice-lines.csv", "description"],
    ] as const) {
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: button, exact: true }).click(),
      ]);
      expect(file.suggestedFilename()).toBe(name);
      const [header, ...rows] = fileText(await file.path()).split("\r\n");
      expect(header?.toLowerCase()).toContain(head);
      expect(rows.join("\n")).toContain(",17.5");
    }
  });

  test("all of them are made again on demand", async () => {
    const { page } = await come("/invoices", { viewport: NARROW });
    await page.getByRole("button", { name: "Verify" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Nothing is changed.").waitFor();
    await dialog.getByRole("button", { name: "Verify" }).click();
    await dialog.getByText("all of them match").waitFor();
    await shoot(page, "invoices-verified-narrow");
  });

  test("a part of what is owed is paid out, once", async ({ expect }) => {
    const { page, errors } = await come("/customers/zephyr-owed/balance");
    await page.getByText("Usage taken back after the end").waitFor();
    await page.getByRole("button", { name: "Pay out" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Amount").fill("2.5");
    await dialog.getByLabel("Reference").fill("SEPA 17");
    await dialog.getByText("The balance goes from $7.50 to $5.00.").waitFor();
    await shoot(page, "balance-payout-light");
    await dialog.getByRole("button", { name: "Record the payout" }).click();
    await page.getByText("$2.50 paid out.").waitFor();
    await page.getByText("SEPA 17").waitFor();
    await expect.poll(() => page.locator(".figure-value").textContent()).toBe("$5.00");
    expect(errors).toEqual([]);
  });
});

describe("refuses", () => {
  test("a payment link without Stripe, said well", async ({ expect }) => {
    const { page } = await come(`/invoices/${of("zephyr-shown").invoiceId}`);
    await page.getByRole("button", { name: "Payment link" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Get the link" }).click();
    const told = dialog.getByRole("alert");
    await told.waitFor();
    await expect.poll(() => told.textContent()).toMatch(/Stripe.*Request id [\w-]{36}/s);
  });

  test("more than is owed, at the field or above the button", async ({ expect }) => {
    const { page } = await come("/customers/zephyr-owed/balance");
    await page.getByRole("button", { name: "Pay out" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Amount").fill("900");
    await dialog.getByRole("button", { name: "Record the payout" }).click();
    await dialog.getByRole("alert").waitFor();
    await expect.poll(() => dialog.getByRole("alert").textContent()).toMatch(/no more than that can be paid out/);
    await dialog.getByLabel("Amount").fill("0.001");
    await dialog.getByRole("button", { name: "Record the payout" }).click();
    await dialog.getByText("must be a whole number of the smallest unit of USD").waitFor();
    expect(await dialog.getByLabel("Amount").getAttribute("aria-invalid")).toBe("true");
  });

  test("an invoice and a customer that are not there", async ({ expect }) => {
    const { page } = await come("/invoices");
    await page.goto(at("/invoices/11111111-1111-4111-8111-111111111111"));
    await page.getByRole("alert").first().waitFor();
    await expect.poll(() => page.getByRole("alert").first().textContent()).toMatch(/No invoice.*Request id/s);
    await page.goto(at("/invoices?customer=nobody-at-all"));
    await page.getByText("No customer “nobody-at-all”").first().waitFor();
  });
});
