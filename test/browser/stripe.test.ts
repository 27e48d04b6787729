import type { Page } from "playwright-core";
import { describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { freePort } from "../e2e/support/tanso.mjs";
import { axeFindings, settled, shoot, signIn } from "./support/visit.ts";
import { visits } from "./support/visits.ts";

/** Being paid, as an operator and a payer see it: beside the double of Stripe, whose page has two buttons. */

const tanso = await seededTanso({
  script: "start-stripe.mjs",
  args: ["--no-seed", "--stripe-port", String(await freePort())],
});
const at = (path: string): string => `${tanso.url}/console${path}`;
const come = visits();

/** The page on which the invoice can be paid, opened by the link that the console shows. */
async function openLink(page: Page): Promise<Page> {
  await page.getByRole("button", { name: "Payment link" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Get the link" }).click();
  const link = dialog.locator(".link-shown a");
  await link.waitFor();
  await dialog.getByRole("button", { name: "Copy the link" }).click();
  await dialog.getByText(/^Cop(ied|y it by hand)$/).waitFor();
  await shoot(page, "invoice-payment-link-light");
  const [paper] = await Promise.all([page.waitForEvent("popup"), link.click()]);
  await page.keyboard.press("Escape");
  return paper;
}

describe("does", () => {
  test("Stripe is connected in the settings; a link is declined once, then paid, and who was suspended is let in again", async ({
    expect,
  }) => {
    const { page, errors } = await come();
    await signIn(page, at("/settings/stripe"));
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Connect Stripe" }).click();
    await dialog.getByLabel("Secret or restricted key").fill("sk_test_double");
    await dialog.getByRole("button", { name: "Try it and store it" }).click();
    await page.getByText("Stripe is connected.").waitFor();
    await page.getByRole("button", { name: "Make a webhook" }).click();
    await dialog.getByRole("button", { name: "Make it" }).click();
    await page.getByText("Stripe tells of payments from now on.").waitFor();
    await page.getByRole("button", { name: "Collect payments" }).click();
    await dialog.getByRole("button", { name: "Collect payments" }).click();
    await page.getByText("Collecting", { exact: true }).waitFor();
    await settled(page);
    await shoot(page, "settings-stripe-connected-light");
    expect(await axeFindings(page)).toEqual([]);

    await page.goto(at("/invoices?status=PAST_DUE"));
    await page
      .getByRole("row", { name: /Maple Travel/ })
      .getByRole("link")
      .first()
      .click();
    await page.getByRole("heading", { level: 1, name: /^INV-/ }).waitFor();
    const payer = await openLink(page);
    await payer.getByRole("button", { name: "Decline" }).click();
    await payer.getByRole("alert").getByText("Nothing was paid.").waitFor();
    await payer.getByRole("button", { name: /^Pay .*49\.00/ }).click();
    await payer.waitForURL(/\/public\/stripe\/paid/);
    // Money is told of by webhook, a moment after it was paid.
    const paid = async () => {
      await page.reload();
      await settled(page);
      return page.getByText("through Stripe").count();
    };
    await expect.poll(paid).toBe(1);
    await shoot(page, "invoice-paid-by-stripe-light");
    await page.goto(at("/customers/maple-travel"));
    await page.getByRole("region", { name: "Subscriptions" }).getByText("Active", { exact: true }).waitFor();
    expect(errors).toEqual([]);
  });
});
