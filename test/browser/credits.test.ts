import type { Page } from "playwright-core";
import { describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { settled, shoot, signIn } from "./support/visit.ts";
import { customer, made, visits } from "./support/visits.ts";

/** Credits: what there is, what moved, what a unit burns and costs, and every credit that an operator moves by hand. */

const tanso = await seededTanso();
const { url } = tanso;
const at = (path: string): string => `${url}/console${path}`;
const come = visits();

const CREDITS = "/api/v1/monetization/credits";
/** Counted in what no plan of the company burns. */
const DENOMINATION = "BROWSER_TOKENS";

type Pool = { id: string; balance: number; status: string };

/** A pool of a customer of one's own, and the page of it. */
async function openPool(page: Page, reference: string): Promise<string> {
  const customerId = await customer(tanso, reference);
  await made(tanso, "POST", `${CREDITS}/models`, { name: `Tokens of ${reference}`, denomination: DENOMINATION });
  const body = { customerId, name: "Tokens", denomination: DENOMINATION, hardLimit: true };
  const { id } = await made<Pool>(tanso, "POST", `${CREDITS}/pools`, body);
  await signIn(page, at(`/credits/pools/${reference}/${id}`));
  await page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
  return id;
}

/** The id of the company's own model. */
async function aiCredits(): Promise<string | undefined> {
  const { items } = await made<{ items: { id: string; denomination: string }[] }>(tanso, "GET", `${CREDITS}/models`);
  return items.find(({ denomination }) => denomination === "AI_CREDITS")?.id;
}

/** Percent that gpt-4o's cost leaves of what ai.translate brings by it (2.5 credits of $ 0.10): the Demo account's costs differ from day to day. */
async function marginOfTranslation(): Promise<string> {
  const { items } = await made<{ items: { featureId: string; featureKey: string }[] }>(
    tanso,
    "GET",
    `${CREDITS}/weights`,
  );
  const featureId = items.find(({ featureKey }) => featureKey === "ai.translate")?.featureId;
  const costs = await made<Record<string, number>>(tanso, "GET", `${CREDITS}/weights/unit-costs`);
  const cost = costs[`${featureId}:gpt-4o`] ?? Number.NaN;
  return `${((1 - cost / 0.25) * 100).toFixed(1)} %`;
}

const poolNow = (id: string): Promise<Pool> => made(tanso, "GET", `${CREDITS}/pools/${id}`);

/** Grants by the dialog. */
async function grant(page: Page, amount: string): Promise<void> {
  await page.getByRole("button", { name: "Grant", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Credits", { exact: true }).fill(amount);
  await dialog.getByRole("button", { name: /^Grant [\d,]+ credits$/ }).click();
  await dialog.waitFor({ state: "detached" });
}

describe("does", () => {
  test.each(LOOKS)("pools and models are listed, $look", async ({ look, options }) => {
    const model = await aiCredits();
    const views = [
      { name: "credits", path: "/credits", says: ["Pico Health", "Nova Retail", "Frozen"] },
      { name: "credit-models", path: "/credits/models", says: ["AI credits", "AI_CREDITS"] },
      { name: "credit-model", path: `/credits/models/${model}`, says: ["usage is refused", "Developer demo"] },
    ];
    await viewsLookRight(await come(options), url, views, look);
  });

  test.each(LOOKS)("a pool shows its grants on a line of time, and what became of each, $look", async (shown) => {
    const { items } = await made<{ items: Pool[] }>(tanso, "GET", "/api/v1/client/credits/pico-health/pools");
    const pool = `/credits/pools/pico-health/${items[0]?.id}`;
    const views = [
      { name: "credit-pool", path: pool, says: ["Promotional, 125 left", "Deduction", "usage is refused"] },
      { name: "credit-grant", path: `${pool}?grant=1`, says: ["200, of which 125 are left", "Welcome"] },
    ];
    await viewsLookRight(await come(shown.options), url, views, shown.look);
  });

  test.each(LOOKS)(
    "weights stand beside cost and margin, and prices in their book, $look",
    async ({ look, options }) => {
      const margin = await marginOfTranslation();
      const views = [
        { name: "credit-weights", path: "/credits/weights", says: ["ai.translate", "gpt-4o", "2.5", margin] },
        { name: "credit-prices", path: "/credits/prices", says: ["AI_CREDITS", "$0.10"] },
      ];
      await viewsLookRight(await come(options), url, views, look);
    },
  );

  test("a model is made and deleted, and a pool is made for a customer", async () => {
    await customer(tanso, "pool-made");
    const { page } = await come();
    await signIn(page, at("/credits/models"));
    await page.getByRole("button", { name: "New model" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Browser tokens");
    await dialog.getByLabel("Counted in").fill(DENOMINATION);
    await dialog.getByLabel("Plan credits left at a period's end").selectOption("CAPPED");
    await dialog.getByLabel("At most").fill("250");
    await dialog.getByRole("button", { name: "Make the model" }).click();
    await page.getByRole("heading", { name: "Browser tokens" }).waitFor();
    await page.getByText("of what a plan gave, at most 250 are carried over").waitFor();
    await page.getByText("No plan on sale gives these credits").waitFor();
    await page.goto(at("/credits"));
    await page.getByRole("button", { name: "New pool" }).click();
    await dialog.getByLabel("Customer").fill("pool-made");
    await dialog.getByLabel("Name", { exact: true }).fill("Her tokens");
    await dialog.getByLabel("Counted in").selectOption(DENOMINATION);
    await dialog.getByRole("button", { name: "Make the pool" }).click();
    await page.getByRole("heading", { name: "Her tokens" }).waitFor();
    await page.getByText("Nothing was granted yet").waitFor();
    await page.goto(at("/credits/models"));
    await page.getByRole("link", { name: "Browser tokens", exact: true }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByText("Credits that were given stay").waitFor();
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await page.waitForURL(at("/credits/models"));
    await page.getByRole("link", { name: "Browser tokens", exact: true }).waitFor({ state: "detached" });
  });

  test("credits are granted, deducted, given back and voided, each said before and told in the ledger", async ({
    expect,
  }) => {
    const { page, errors } = await come();
    const id = await openPool(page, "pool-moves");
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Grant", exact: true }).click();
    await dialog.getByLabel("Credits", { exact: true }).fill("500");
    await dialog.getByLabel("Kind").selectOption("PURCHASED");
    await dialog.getByLabel("Sold for, each").fill("0.2");
    await dialog.getByText("The balance goes from 0 to 500").waitFor();
    await dialog.getByText("$100.00 in all").waitFor();
    await dialog.getByLabel("Expires").fill("2031-01-31T10:00");
    await dialog.getByRole("button", { name: "Grant 500 credits" }).click();
    await page.getByRole("row", { name: /Purchased Left 500 500/ }).waitFor();
    await page.getByRole("button", { name: "Deduct", exact: true }).click();
    await dialog.getByLabel("Credits", { exact: true }).fill("120");
    await dialog.getByLabel("Why").fill("A test of ours");
    await dialog.getByText("The balance goes from 500 to 380").waitFor();
    await dialog.getByRole("button", { name: "Deduct 120 credits" }).click();
    await page.getByRole("row", { name: /Deduction A test of ours -120 380/ }).waitFor();
    expect((await poolNow(id)).balance).toBe(380);
    await page.getByRole("button", { name: "Reverse 120" }).click();
    await dialog.getByText("120 credits go back to the grant they came from").waitFor();
    await dialog.getByRole("button", { name: "Give 120 credits back" }).click();
    await page.getByRole("row", { name: /Reversal .*\+120 500/ }).waitFor();
    await page.getByRole("button", { name: "Purchased", exact: true }).click();
    await dialog.getByText("What became of this grant").waitFor();
    await dialog.getByRole("row", { name: /Deduction -120 380/ }).waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Void Purchased of 500" }).click();
    await dialog.getByText("The balance goes from 500 to 0").waitFor();
    await dialog.getByRole("button", { name: "Take 500 credits back" }).click();
    await page.getByRole("row", { name: /Purchased Voided/ }).waitFor();
    expect(await poolNow(id)).toMatchObject({ balance: 0, status: "DEPLETED" });
    expect(errors).toEqual([]);
  });

  test("a pool is frozen and unfrozen, linked and unlinked, and archived for ever", async ({ expect }) => {
    const { page } = await come();
    const id = await openPool(page, "pool-life");
    const dialog = page.getByRole("dialog");
    await grant(page, "40");
    await page.getByRole("button", { name: "Freeze" }).click();
    await dialog.getByText("Features that need its credits are refused").waitFor();
    await dialog.getByRole("button", { name: "Freeze", exact: true }).click();
    await page.getByRole("button", { name: "Unfreeze" }).click();
    expect((await poolNow(id)).status).toBe("FROZEN");
    await dialog.getByText("40 credits can be used again").waitFor();
    await dialog.getByRole("button", { name: "Unfreeze", exact: true }).click();
    await made(tanso, "POST", "/api/v1/client/subscriptions", { customerReferenceId: "pool-life", planId: "free" });
    await page.getByRole("button", { name: "Link" }).click();
    await dialog.getByLabel("Subscription").selectOption({ index: 1 });
    await dialog.getByLabel("Priority").fill("3");
    await dialog.getByLabel("Limit a period").fill("25");
    await dialog.getByRole("button", { name: "Link", exact: true }).click();
    await page.getByRole("row", { name: /Free 3 0 25/ }).waitFor();
    await page.getByRole("button", { name: "Unlink Free" }).click();
    await dialog.getByText("No subscription is linked then").waitFor();
    await dialog.getByRole("button", { name: "Unlink", exact: true }).click();
    await page.getByText("Every subscription of the customer").waitFor();
    await page.getByRole("button", { name: "Archive" }).click();
    await dialog.getByText("the 40 credits in it stay there").waitFor();
    await dialog.getByRole("button", { name: "Archive for ever" }).click();
    await page.getByText("Archived", { exact: true }).waitFor();
    await expect.poll(() => page.getByRole("button", { name: "Grant", exact: true }).count()).toBe(0);
  });

  test("a balance of the past, the books, and the ledger as a file", async ({ expect }) => {
    const { page } = await come();
    await openPool(page, "pool-past");
    await grant(page, "10");
    await page.getByLabel("At", { exact: true }).fill("2020-01-01T00:00");
    await page.getByText("before anything moved").waitFor();
    await page.getByRole("button", { name: "Check the books" }).click();
    await page.getByText(/^All \d+ laws hold$/).waitFor();
    await settled(page);
    await page.evaluate("scrollTo(0, 0)");
    await shoot(page, "credit-books-light");
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "CSV", exact: true }).click(),
    ]);
    expect(file.suggestedFilename()).toMatch(/^credit-transactions-.*\.csv$/);
  });

  test("weights are scheduled with the margin they would leave, and deleted before they take effect", async ({
    expect,
  }) => {
    const { page } = await come();
    await signIn(page, at("/credits/weights"));
    await page.getByRole("button", { name: "Publish weights" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Feature").selectOption({ label: "ai.translate" });
    await dialog.getByLabel("Model").fill("gemini-2.5-pro");
    await dialog.getByLabel("Credits a unit").fill("0.2");
    const told = dialog.getByRole("region", { name: "What this does" });
    await told.getByText("ai.translate with gemini-2.5-pro: 1 to 0.2 credits a unit").waitFor();
    await expect.poll(() => told.textContent()).toMatch(/margin \d+\.\d % to -?\d+\.\d %/);
    await shoot(page, "publish-weights-light");
    await dialog.getByRole("button", { name: "At a time" }).click();
    await dialog.getByLabel("Takes effect").fill("2040-01-01T00:00");
    await dialog.getByRole("button", { name: "Publish the weight" }).click();
    const scheduled = page.getByRole("region", { name: "Scheduled weights" });
    await scheduled.getByRole("row", { name: /gemini-2\.5-pro 0\.2/ }).waitFor();
    await scheduled.getByRole("button", { name: "Delete ai.translate gemini-2.5-pro" }).click();
    await dialog.getByText("the weight before it stays in force").waitFor();
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("Nothing is scheduled").waitFor();
    await page
      .getByRole("row", { name: /ai\.translate gpt-4o 2\.5/ })
      .getByRole("button", { name: "ai.translate" })
      .click();
    await page.getByRole("heading", { name: "Weights with gpt-4o" }).waitFor();
    await dialog.getByRole("row", { name: /2\.5/ }).waitFor();
  });

  test("prices are published and scheduled, and one that is scheduled is deleted", async () => {
    await made(tanso, "POST", `${CREDITS}/models`, { name: "Priced tokens", denomination: "PRICED_TOKENS" });
    const { page } = await come();
    await signIn(page, at("/credits/prices"));
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Publish prices" }).click();
    await dialog.getByLabel("Counted in").first().selectOption("PRICED_TOKENS");
    await dialog.getByLabel("A credit costs").first().fill("0.03");
    await dialog.getByRole("button", { name: "Add a line" }).click();
    await dialog.getByLabel("Counted in").nth(1).selectOption("PRICED_TOKENS");
    await dialog.getByLabel("Currency").nth(1).fill("eur");
    await dialog.getByLabel("A credit costs").nth(1).fill("0.025");
    await dialog.getByText("A credit of PRICED_TOKENS: no price to €0.025").waitFor();
    await dialog.getByRole("button", { name: "At a time" }).click();
    await dialog.getByLabel("Takes effect").fill("2040-01-01T00:00");
    await dialog.getByRole("button", { name: "Publish 2 prices" }).click();
    await page.getByRole("button", { name: "Delete PRICED_TOKENS EUR" }).click();
    await dialog.getByText("will not cost €0.025").waitFor();
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Delete PRICED_TOKENS EUR" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "PRICED_TOKENS", exact: true }).click();
    await page.getByRole("heading", { name: "Prices of PRICED_TOKENS" }).waitFor();
    await dialog.getByRole("row", { name: /\$0\.03/ }).waitFor();
  });
});

describe("refuses", () => {
  test("what cannot be, at the field that says it", async ({ expect }) => {
    const { page } = await come();
    await openPool(page, "pool-refused");
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Grant", exact: true }).click();
    await dialog.getByLabel("Credits", { exact: true }).fill("-5");
    await dialog.getByRole("button", { name: "Grant", exact: true }).click();
    await dialog.locator("[aria-invalid=true]").waitFor();
    expect(await dialog.getByLabel("Credits", { exact: true }).getAttribute("aria-invalid")).toBe("true");
    await page.keyboard.press("Escape");
    await page.goto(at("/credits/prices"));
    await page.getByRole("button", { name: "Publish prices" }).click();
    await dialog.getByLabel("Counted in").selectOption(DENOMINATION);
    await dialog.getByLabel("A credit costs").fill("-1");
    await dialog.getByRole("button", { name: "Publish the price" }).click();
    await dialog.getByLabel("A credit costs").and(page.locator("[aria-invalid=true]")).waitFor();
  });

  test("more than there is, before and after it is sent, with the request id", async ({ expect }) => {
    const { page } = await come();
    await openPool(page, "pool-short");
    await grant(page, "10");
    await page.getByRole("button", { name: "Deduct", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Credits", { exact: true }).fill("11");
    await dialog.getByText("Only 10 can be taken").waitFor();
    await dialog.getByRole("button", { name: "Deduct 11 credits" }).click();
    const told = dialog.getByRole("alert");
    await told.waitFor();
    await expect.poll(() => told.textContent()).toMatch(/Credit pool depleted.*Request id [\w-]{36}/s);
  });

  test("a model that a plan uses is not deleted, and the plans are named", async () => {
    const { page } = await come();
    await signIn(page, at(`/credits/models/${await aiCredits()}`));
    await page.getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await dialog.getByText("credits-monthly").waitFor();
  });
});
