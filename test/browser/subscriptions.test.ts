import type { Locator, Page } from "playwright-core";
import { describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { signIn } from "./support/visit.ts";
import { customer, made, visits } from "./support/visits.ts";

/** Subscriptions, as an operator sells, changes and ends them. */

const tanso = await seededTanso();
const { url } = tanso;
const at = (path: string): string => `${url}/console${path}`;
const come = visits();

type Subscription = { id: string; status: string; plan: { key: string } };

async function subscriptionOf(reference: string): Promise<Subscription> {
  const { subscriptions } = await made<{ subscriptions: Subscription[] }>(
    tanso,
    "GET",
    `/api/v1/client/customers/${reference}`,
  );
  const [newest] = subscriptions;
  if (newest === undefined) throw new Error(`${reference} has no subscription`);
  return newest;
}

/** An active subscription of a customer of one's own, and the page of it. */
async function openOwn(page: Page, reference: string, planId: string): Promise<string> {
  await customer(tanso, reference);
  const body = { customerReferenceId: reference, planId };
  const { subscription } = await made<{ subscription: Subscription }>(
    tanso,
    "POST",
    "/api/v1/client/subscriptions",
    body,
  );
  if (subscription.status === "INCOMPLETE")
    await made(tanso, "POST", `/api/v1/monetization/subscriptions/${subscription.id}/activate`);
  await signIn(page, at(`/subscriptions/${subscription.id}`));
  return subscription.id;
}

/** What the open dialog says that it would do, once it is known. */
async function foretold(dialog: Locator, words: string): Promise<string> {
  const told = dialog.getByRole("region", { name: "What this does" });
  await told.getByText(words).first().waitFor();
  return (await told.textContent()) ?? "";
}

describe("does", () => {
  test.each(LOOKS)("every view shows the company, $look", async ({ look, options }) => {
    const { id } = await subscriptionOf("northwind");
    const views = [
      { name: "subscriptions", path: "/subscriptions", says: ["Northwind Labs", "Pay as you go", "Suspended"] },
      { name: "scheduled-changes", path: "/subscriptions?show=changes", says: ["Pro to Free", "Downgrade"] },
      { name: "cancellations", path: "/subscriptions?show=cancellations", says: ["Delta Legal"] },
      {
        name: "subscription",
        path: `/subscriptions/${id}`,
        says: ["Northwind Labs on Pro", "$49.00 a month, billed in advance", "up to 10,000", "INV-000001"],
      },
    ];
    await viewsLookRight(await come(options), url, views, look);
  });

  test("a customer is put on a plan, seeing the first invoice before, and activated", async ({ expect }) => {
    await customer(tanso, "sub-ada");
    const { page, errors } = await come();
    await signIn(page, at("/subscriptions"));
    await page.getByRole("button", { name: "New subscription" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Customer").fill("sub-ada");
    await dialog.getByLabel("Plan").selectOption("pro-monthly");
    const before = await foretold(dialog, "To be paid now");
    expect(before).toContain("Access begins once the first invoice is paid");
    expect(before).toMatch(/Total\$49\.00/);
    await dialog.getByRole("button", { name: "Subscribe", exact: true }).click();
    await page.getByRole("heading", { name: "sub-ada on Pro" }).waitFor();
    await page.getByText("Incomplete", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Activate" }).click();
    await dialog.getByText("Becomes paid: $49.00").waitFor();
    await dialog.getByRole("button", { name: "Mark as paid and activate" }).click();
    await page.getByText("Active", { exact: true }).waitFor();
    await page.getByRole("row", { name: /INV-\d+ Paid/ }).waitFor();
    expect(await subscriptionOf("sub-ada")).toMatchObject({ status: "ACTIVE", plan: { key: "pro-monthly" } });
    expect(errors).toEqual([]);
  });

  test("an upgrade shows its money and credits before it is confirmed", async ({ expect }) => {
    const { page } = await come();
    await openOwn(page, "sub-upgrade", "free");
    await page.getByRole("button", { name: "Change plan" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("To", { exact: true }).selectOption("credits-monthly");
    expect(await foretold(dialog, "To be paid now")).toContain("Remaining time on Credits");
    const credits = dialog.getByRole("region", { name: "What this does" }).getByText("AI_CREDITS");
    await credits.waitFor();
    await dialog.getByRole("button", { name: "Change now" }).click();
    await page.getByRole("heading", { name: "sub-upgrade on Credits" }).waitFor();
    await page.getByRole("row", { name: /INV-\d+ Due .*\$4\d\.\d\d/ }).waitFor();
    expect((await subscriptionOf("sub-upgrade")).plan.key).toBe("credits-monthly");
  });

  test("a downgrade is scheduled and dropped, a cancellation asked for and taken back", async () => {
    const { page } = await come();
    const id = await openOwn(page, "sub-leaving", "pro-monthly");
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Change plan" }).click();
    await dialog.getByLabel("To", { exact: true }).selectOption("free");
    await foretold(dialog, "until then everything stays as it is");
    await dialog.getByRole("button", { name: "Schedule the change" }).click();
    await page.getByText("It goes to Free, version 1 ($0.00 a month)").waitFor();
    await page.goto(at("/subscriptions?show=changes"));
    await page
      .getByRole("row", { name: /Pro to Free/ })
      .first()
      .waitFor();
    await page.goto(at(`/subscriptions/${id}`));
    await page.getByRole("button", { name: "Drop the change" }).click();
    await dialog.getByText("It stays on Pro, version 1").waitFor();
    await dialog.getByRole("button", { name: "Drop the change" }).click();
    await page.getByText("It goes to Free").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await foretold(dialog, "Access stays until");
    await dialog.getByRole("button", { name: "Cancel when the period ends" }).click();
    await page.getByText("It ends on").waitFor();
    await page.getByRole("button", { name: "Keep it" }).click();
    await dialog.getByText("Pro renews then at $49.00").waitFor();
    await dialog.getByRole("button", { name: "Take the cancellation back" }).click();
    await page.getByText("It ends on").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel", exact: true }).waitFor();
  });

  test("grace is changed, and an end at once says what is given back", async ({ expect }) => {
    const { page } = await come();
    await openOwn(page, "sub-gone", "credits-monthly");
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Change", exact: true }).click();
    await dialog.getByLabel(/Days from an invoice/).fill("14");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("14 days", { exact: false }).first().waitFor();
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await dialog.getByRole("button", { name: "At once" }).click();
    const told = await foretold(dialog, "Access ends now, for good.");
    expect(told).toContain("Credit for the unused time");
    expect(told).toContain("1,000 AI_CREDITS of the plan are gone");
    expect(told).toMatch(/The customer is owed \$4\d\.\d\d more/);
    await dialog.getByRole("button", { name: "Cancel at once" }).click();
    await page.getByText("It ended on").waitFor();
    await expect.poll(() => page.getByRole("button", { name: "Change plan" }).count()).toBe(0);
    expect((await subscriptionOf("sub-gone")).status).toBe("CANCELLED");
  });
});

describe("refuses", () => {
  test("a second subscription to a plan, in words before anything is sent", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/subscriptions"));
    await page.getByRole("button", { name: "New subscription" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Customer").fill("northwind");
    await dialog.getByLabel("Plan").selectOption("pro-monthly");
    await foretold(dialog, "subscription to the plan");
    expect(await dialog.getByRole("button", { name: "Subscribe", exact: true }).isDisabled()).toBe(true);
  });

  test("days of grace that there cannot be, at their field", async ({ expect }) => {
    const { page } = await come();
    await openOwn(page, "sub-grace", "free");
    await page.getByRole("button", { name: "Change", exact: true }).click();
    const field = page.getByLabel(/Days from an invoice/);
    await field.fill("9999");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("[aria-invalid=true]").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
  });

  test("a subscription that is not there", async () => {
    const { page } = await come();
    await signIn(page, at("/subscriptions"));
    await page.goto(at("/subscriptions/6c1f0e9a-7d42-8b34-8300-000000000001"));
    await page.getByText("No subscription").waitFor();
  });
});

describe("holds", () => {
  test("a shared address filters, and a dialog opens, closes and gives the focus back by keys", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/subscriptions?status=SUSPENDED"));
    await page.getByRole("row", { name: /Maple Travel/ }).waitFor();
    await expect.poll(() => page.getByRole("row", { name: /Active/ }).count()).toBe(0);
    await page.getByRole("button", { name: "New subscription" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "New subscription" }).and(page.locator(":focus")).waitFor();
  });
});
