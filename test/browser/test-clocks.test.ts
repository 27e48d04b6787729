import { describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { axeFindings, settled, shoot, signIn } from "./support/visit.ts";
import { customer, made, visits } from "./support/visits.ts";

/** Test clocks: months of billing in a minute, told customer by customer. */

const tanso = await seededTanso();
const { url } = tanso;
const at = (path: string): string => `${url}/console${path}`;
const come = visits();

const CLOCKS = "/api/v1/test-clocks";

/** A clock of one's own at the end of January. */
async function clockAt(name: string): Promise<string> {
  const body = { name, frozenTime: "2027-01-31T09:00:00Z" };
  return (await made<{ id: string }>(tanso, "POST", CLOCKS, body)).id;
}

/** An active subscriber of a clock. */
async function subscriber(clockId: string, reference: string, planId: string): Promise<void> {
  await customer(tanso, reference, clockId);
  const body = { customerReferenceId: reference, planId };
  type Told = { subscription: { id: string } };
  const { subscription } = await made<Told>(tanso, "POST", "/api/v1/client/subscriptions", body);
  await made(tanso, "POST", `/api/v1/monetization/subscriptions/${subscription.id}/activate`);
}

describe("does", () => {
  test.each(LOOKS)("every view shows a clock, $look", async ({ look, options }) => {
    const id = await clockAt(`Renewals, ${look}`);
    await subscriber(id, `clocked-${look}`, "credits-monthly");
    const views = [
      { name: "test-clocks", path: "/test-clocks", says: [`Renewals, ${look}`] },
      { name: "test-clock", path: `/test-clocks/${id}`, says: [`clocked-${look}`, "31 Jan 2027, 10:00"] },
    ];
    await viewsLookRight(await come(options), url, views, look);
  });

  test("a clock is made, a customer lives by it, and an advance tells what happened to whom", async ({ expect }) => {
    const { page, errors } = await come();
    await signIn(page, at("/test-clocks"));
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "New clock" }).click();
    await dialog.getByLabel("Name").fill("Watched");
    await dialog.getByLabel("Stands at").fill("2027-01-31T10:00");
    await dialog.getByRole("button", { name: "Make the clock" }).click();
    await page.getByRole("heading", { name: "Watched" }).waitFor();
    await page.getByText("2027-01-31 09:00 UTC").waitFor();
    await page.getByRole("button", { name: "Add a customer" }).click();
    await dialog.getByLabel("Reference").fill("clock-ada");
    await dialog.getByLabel("Email").fill("ada@browser.test");
    await dialog.getByLabel("First name").fill("Ada");
    await dialog.getByRole("button", { name: "Add the customer" }).click();
    await page.getByRole("button", { name: "Subscribe Ada" }).click();
    await dialog.getByLabel("Plan").selectOption("pro-monthly");
    await dialog.getByText("Pro, 2027-01-31 to 2027-02-28").waitFor();
    await dialog.getByRole("button", { name: "Subscribe", exact: true }).click();
    const clockPath = page.url();
    await page.getByRole("region", { name: "Customers" }).getByRole("link", { name: "Pro" }).click();
    await page.getByRole("button", { name: "Activate" }).click();
    await dialog.getByRole("button", { name: "Mark as paid and activate" }).click();
    await page.getByText("Active", { exact: true }).waitFor();
    await page.goto(clockPath);
    await page.getByRole("button", { name: "To the next period" }).click();
    await page.getByText("28 Feb 2027: Pro of Ada renews or ends").waitFor();
    await page.getByRole("button", { name: "Advance", exact: true }).click();
    const told = page.getByRole("region", { name: "What happened" });
    await told.getByText("For 1 customer: 1 period ended, 1 invoice became due.").waitFor();
    await told.getByText(/^INV-\d{6}$/).waitFor();
    await told.getByText("its period now ends").waitFor();
    // Four days later nobody has paid: grace is over.
    await page.getByRole("button", { name: "A week" }).click();
    await page.getByRole("button", { name: "Advance", exact: true }).click();
    await told.getByText("Suspended", { exact: true }).waitFor();
    await told.getByText("Past due", { exact: true }).waitFor();
    await settled(page);
    await page.evaluate("scrollTo(0, 0)");
    await shoot(page, "test-clock-advanced-light");
    expect(await axeFindings(page)).toEqual([]);
    await page.getByText("2027-03-07 09:00 UTC").waitFor();
    expect(errors).toEqual([]);
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByText("The customers stay.").waitFor();
    await dialog.getByRole("button", { name: "Delete the clock" }).click();
    await page.waitForURL(at("/test-clocks"));
    await page.getByRole("link", { name: "Watched" }).waitFor({ state: "detached" });
  });
});

describe("refuses", () => {
  test("a time that is past, at its field", async ({ expect }) => {
    const id = await clockAt("Only forwards");
    const { page } = await come();
    await signIn(page, at(`/test-clocks/${id}`));
    await page.getByText("Nobody yet").waitFor();
    await page.getByRole("button", { name: "To a time" }).click();
    await page.getByLabel("To", { exact: true }).fill("2026-12-01T00:00");
    await page.getByRole("button", { name: "Advance", exact: true }).click();
    await page.getByText("it only goes forwards").waitFor();
    expect(await page.getByLabel("To", { exact: true }).getAttribute("aria-invalid")).toBe("true");
  });

  test("a clock that is not there", async () => {
    const { page } = await come();
    await signIn(page, at("/test-clocks"));
    await page.goto(at(`/test-clocks/${crypto.randomUUID()}`));
    await page.getByText("No test clock").waitFor();
  });
});
