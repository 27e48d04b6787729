import { describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { settled, shoot, signIn } from "./support/visit.ts";
import { made, visits } from "./support/visits.ts";

/** Somebody who never saw the API sells something new and is paid for it: one way through the console, from a plan to a document. */

const tanso = await seededTanso();
const at = (path: string): string => `${tanso.url}/console${path}`;
const come = visits();

describe("does", () => {
  test("a plan with tiers and credits is made and sold, a month passes, and its invoice is explained, paid and printed", async ({
    expect,
  }) => {
    const { page, errors } = await come();
    const dialog = page.getByRole("dialog");
    await signIn(page, at("/plans"));

    await page.getByRole("button", { name: "New plan" }).click();
    await page.getByLabel("Name").fill("Gale");
    await page.getByLabel("Key").fill("gale");
    await page.getByLabel("Base price", { exact: true }).fill("10");
    await page.getByRole("button", { name: "Make a draft" }).click();
    await page.getByRole("link", { name: "Put the first one in" }).click();
    await page.getByLabel("Put in").selectOption({ label: "Chat (ai.chat)" });
    const rule = page.getByRole("region", { name: "Rule of Chat" });
    await rule.getByRole("button", { name: "Graduated" }).click();
    await rule.getByLabel("Up to, tier 1 of Chat").fill("100");
    await rule.getByLabel("Price per unit, tier 1 of Chat").fill("0.1");
    await rule.getByLabel("Price per unit, tier 2 of Chat").fill("0.05");
    await rule.getByLabel("Units burn credits").selectOption({ label: "AI credits (AI_CREDITS)" });
    await page.getByRole("button", { name: "Save the draft" }).click();
    await page.getByRole("button", { name: "Give credits" }).click();
    await page.getByLabel("Credit model").selectOption({ label: "AI credits (AI_CREDITS)" });
    await page.getByLabel("Credits each period").fill("50");
    await page.getByLabel("Usage that they do not cover").selectOption({ label: "Is billed by the feature's price" });
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText(/50 AI_CREDITS, .*usage beyond them is billed by price/).waitFor();
    await page.getByRole("button", { name: "Activate" }).click();
    await dialog.getByLabel("Description").fill("A strong wind.");
    await dialog.getByRole("button", { name: "Activate" }).click();
    await page.getByText("Active", { exact: true }).waitFor();

    await page.getByRole("link", { name: "Test clocks" }).click();
    await page.getByRole("button", { name: "New clock" }).click();
    await dialog.getByLabel("Name").fill("A month of Gale");
    await dialog.getByLabel("Stands at").fill("2027-01-31T10:00");
    await dialog.getByRole("button", { name: "Make the clock" }).click();
    await page.getByRole("button", { name: "Add a customer" }).click();
    await dialog.getByLabel("Reference").fill("story");
    await dialog.getByLabel("Email").fill("story@browser.test");
    await dialog.getByLabel("First name").fill("Storm");
    await dialog.getByRole("button", { name: "Add the customer" }).click();
    await page.getByRole("button", { name: "Subscribe Storm" }).click();
    await dialog.getByLabel("Plan").selectOption("gale");
    await dialog.getByText("Gale, 2027-01-31 to 2027-02-28").waitFor();
    await dialog.getByRole("button", { name: "Subscribe", exact: true }).click();
    const clock = page.url();
    await page.getByRole("region", { name: "Customers" }).getByRole("link", { name: "Gale" }).click();
    await page.getByRole("button", { name: "Activate" }).click();
    await dialog.getByRole("button", { name: "Mark as paid and activate" }).click();
    await page.getByText("Active", { exact: true }).first().waitFor();

    // What is used is told by the company's backend, which is no person.
    const used = { eventName: "chat", customerReferenceId: "story", featureKey: "ai.chat", usageUnits: 300 };
    await made(tanso, "POST", "/api/v1/client/events", used);

    await page.goto(clock);
    await page.getByRole("button", { name: "To the next period" }).click();
    await page.getByText("28 Feb 2027: Gale of Storm renews or ends").waitFor();
    await page.getByRole("button", { name: "Advance", exact: true }).click();
    const told = page.getByRole("region", { name: "What happened" });
    await told.getByText("For 1 customer: 1 period ended, 1 invoice became due.").waitFor();
    await told.getByText(/^INV-\d{6}$/).click();

    // 300 used, 50 of them covered: 100 × 0.10 + 150 × 0.05, and the month ahead.
    await page.getByText("100 × 0.1 + 150 × 0.05 = 17.50").waitFor();
    await page.getByText("Matches").waitFor();
    await expect
      .poll(() => page.getByRole("region", { name: "Lines", exact: true }).textContent())
      .toContain("Total$27.50");
    await settled(page);
    await shoot(page, "story-invoice-light");
    const [number = ""] = /INV-\d{6}/.exec((await page.getByRole("heading", { level: 1 }).textContent()) ?? "") ?? [];
    await page.getByRole("button", { name: "Mark as paid" }).click();
    await dialog.getByRole("button", { name: "Mark as paid" }).click();
    await page.getByText(`${number} is paid.`).waitFor();
    const [printed] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "PDF" }).click(),
    ]);
    expect(printed.suggestedFilename()).toBe(`${number}.pdf`);

    await page.getByRole("link", { name: "Storm", exact: true }).first().click();
    await page.getByRole("heading", { name: "Storm" }).waitFor();
    await page.getByRole("row", { name: new RegExp(`${number} Paid`) }).waitFor();
    await shoot(page, "story-customer-light");
    expect(errors).toEqual([]);
  });
});
