import type { Page } from "playwright-core";
import { describe, test } from "vitest";
import { ask } from "../e2e/support/api.ts";
import { seededTanso } from "../e2e/support/seeded.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { shoot, signIn } from "./support/visit.ts";
import { visits } from "./support/visits.ts";

/** Models in the console: what they cost and bring, the account's own rates, the public price list. */

const { url } = await seededTanso();
const at = (path: string): string => `${url}/console${path}`;

const open = visits();

async function come(path: string, options = {}): Promise<{ page: Page; errors: string[] }> {
  const visited = await open(options);
  await signIn(visited.page, at(path));
  return visited;
}

describe("does", () => {
  test.each(LOOKS)("models, rates and prices look right, $look", async ({ look, options }) => {
    const visited = await open(options);
    const says = ["house-7b-preview", "Own rates", "Public price list", "claude-sonnet-4-0"];
    await viewsLookRight(
      visited,
      url,
      [
        { name: "models", path: "/models", says },
        { name: "models-rate", path: "/models?rate=house-7b-preview", says: ["Add the rate"] },
      ],
      look,
    );
  });

  test("a rate is given, unknown costs are found by it, it is changed and ended", async ({ expect }) => {
    const event = {
      eventName: "call",
      customerReferenceId: "sirocco-model",
      costInput: { model: "sirocco-9", inputTokens: 1_000_000, outputTokens: 500_000 },
    };
    expect((await ask({ url }, "POST", "/api/v1/client/events", event)).status).toBe(201);
    const { page, errors } = await come("/models");
    // The sums of the new event are some seconds late.
    const unknown = page.getByRole("button", { name: "Set a rate for sirocco-9", exact: true });
    while ((await unknown.count()) === 0) {
      await page.reload();
      await page.getByRole("region", { name: "Cost and margin by model" }).waitFor();
    }
    await unknown.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Input").fill("2");
    await dialog.getByLabel("Output").fill("8");
    await dialog.getByRole("button", { name: "Add the rate" }).click();
    await page.getByText("sirocco-9 costs what you say.").waitFor();
    const rates = page.getByRole("region", { name: "Own rates", exact: true });
    await rates.getByText("sirocco-9").waitFor();
    await expect.poll(() => rates.textContent()).toContain("$2.00$8.00");

    await page.getByRole("button", { name: "Find unknown costs of sirocco-9" }).click();
    await dialog.getByText("1 event of 1 customer would cost $6.00 together").waitFor();
    await shoot(page, "models-recost-light");
    await dialog.getByRole("button", { name: "Find the costs" }).click();
    await page.getByText("1 event cost $6.00.").waitFor();

    await page.getByRole("button", { name: "Change the rate of sirocco-9" }).click();
    await dialog.getByLabel("Output").fill("9.5");
    await dialog.getByRole("button", { name: "Change the rate" }).click();
    await rates.getByText("$9.50").waitFor();
    await page.getByRole("button", { name: "End the rate of sirocco-9" }).click();
    await dialog.getByText("Events that are recorded keep their cost.").waitFor();
    await dialog.getByRole("button", { name: "End the rate" }).click();
    await page.getByText("No rate of your own").waitFor();
    expect(errors).toEqual([]);
  });

  test("a price is looked up, and starts a rate", async ({ expect }) => {
    const { page } = await come("/models");
    await page.getByRole("searchbox", { name: "Search prices" }).fill("openai gpt-4o-mini");
    await page.waitForURL(at("/models?prices=openai+gpt-4o-mini"));
    const own = page.getByRole("button", { name: "Own rate for openai/gpt-4o-mini", exact: true });
    await own.click();
    const dialog = page.getByRole("dialog");
    await expect.poll(() => dialog.getByLabel("Model").inputValue()).toBe("openai/gpt-4o-mini");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await page.waitForURL(at("/models?prices=openai+gpt-4o-mini"));
  });

  test("a model leads to its events of these days", async ({ expect }) => {
    const { page } = await come("/models");
    await page
      .getByRole("region", { name: "Cost and margin by model" })
      .getByRole("link", { name: "gpt-4o", exact: true })
      .click();
    await page.waitForURL(/\/console\/events\?model=gpt-4o&provider=openai&from=\d{4}-\d\d-\d\d$/);
    await page.getByRole("heading", { name: "Events" }).waitFor();
    // From the first of the days that the figures were of.
    const from = new URL(page.url()).searchParams.get("from") ?? "";
    const daysAgo = (Date.now() - Date.parse(from)) / 86_400_000;
    expect(daysAgo).toBeGreaterThan(28);
    expect(daysAgo).toBeLessThan(31);
  });

  test("what the overview shows the first of leads to all, of the same days", async () => {
    const { page } = await come("?days=90");
    for (const [link, path] of [
      ["All customers", "/customers?days=90"],
      ["All models", "/models?days=90"],
      ["All features", "/features?days=90"],
    ] as const) {
      await page.getByRole("link", { name: link }).click();
      await page.waitForURL(at(path));
      await page.goBack();
      await page.waitForURL(at("?days=90"));
    }
  });
});

describe("refuses", () => {
  test("a rate without one of its prices, and one below 0, with nothing lost", async ({ expect }) => {
    const { page } = await come("/models?rate=sirocco-10");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Input").fill("2");
    await dialog.getByRole("button", { name: "Add the rate" }).click();
    await dialog.getByText("needs input and output").waitFor();
    await dialog.getByLabel("Output").fill("-1");
    await dialog.getByRole("button", { name: "Add the rate" }).click();
    await dialog.locator('input[aria-invalid="true"]').waitFor();
    await expect.poll(() => dialog.getByLabel("Input").inputValue()).toBe("2");
    await page.keyboard.press("Escape");
    await page.getByText("No rate of your own").waitFor();
  });
});
