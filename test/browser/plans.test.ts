import type { Page } from "playwright-core";
import { beforeAll, describe, test } from "vitest";
import { ask } from "../e2e/support/api.ts";
import { seededTanso } from "../e2e/support/seeded.ts";
import { ownAccount } from "./support/own-account.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { axeFindings, NARROW, settled, shoot, signIn } from "./support/visit.ts";
import { made, visits } from "./support/visits.ts";

/** Plans and features in the console: looked at, and every write once, on plans and features that no other test knows. */

const tanso = await seededTanso();
const at = (path: string): string => `${tanso.url}/console${path}`;
const PLANS = "/api/v1/monetization/plans";

type Thing = { id: string; key: string };

let idOf: (key: string) => string;

const come = visits();

/** A call of the account that is taken, and what it answers. */
const told = <T>(method: "GET" | "POST" | "PATCH", path: string, body?: unknown) => made<T>(tanso, method, path, body);

/**
 * A plan on sale with one feature of its own, in version 2 at 20, and subscribers who bought version 1 at 10: the first is called by the
 * plan's key alone, the others by their number too. Returns its id.
 */
async function sold(key: string, buyers = 1): Promise<string> {
  const feature = await told<Thing>("POST", "/api/v1/monetization/features", {
    key: `${key}.use`,
    name: `Use of ${key}`,
  });
  const plan = { key, name: `Plan ${key}`, description: "For a test.", priceAmount: 10 };
  const { id: planId } = await told<Thing>("POST", PLANS, plan);
  const pricing = { model: "included", max_usage: 500, usage_unit_type: "task" };
  await told("POST", "/api/v1/monetization/rules/plan-features", { planId, featureId: feature.id, value: { pricing } });
  await told("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" });
  for (let buyer = 1; buyer <= buyers; buyer += 1) {
    const number = buyer === 1 ? "" : `-${buyer}`;
    await told("POST", "/api/v1/client/customers", {
      customerReferenceId: `${key}-buyer${number}`,
      firstName: "Vela",
      lastName: `${key}${number}`,
      email: `${key}${number}@vela.example`,
    });
    const bought = { customerReferenceId: `${key}-buyer${number}`, planId };
    const { invoice } = await told<{ invoice: Thing }>("POST", "/api/v1/client/subscriptions", bought);
    await told("POST", `/api/v1/client/billing/invoices/${invoice.id}/mark-paid`);
  }
  await told("PATCH", `${PLANS}/${planId}`, { priceAmount: 20 });
  return planId;
}

const done = (page: Page, text: string) => page.getByRole("status").filter({ hasText: text }).waitFor();

beforeAll(async () => {
  const { items } = await told<{ items: Thing[] }>("GET", `${PLANS}?limit=200`);
  idOf = (key) => items.find((plan) => plan.key === key)?.id ?? "";
});

describe("does", () => {
  test.each(LOOKS)("every view of plans shows the company, $look", async ({ look, options }) => {
    const versioned = await sold(`look-${look}`);
    const views = [
      { name: "plans", path: "/plans", says: ["Pro, annual", "Pay as you go"] },
      {
        name: "plan",
        path: `/plans/${idOf("pro-monthly")}`,
        says: ["up to 10,000: $0.015 per call, $5.00 on entering", "Would have paid", "Billed in 30 days"],
      },
      {
        name: "plan-versions",
        path: `/plans/${versioned}?from=1`,
        says: ["From version 1 to version 2", "500 a period"],
      },
      { name: "plan-credits", path: `/plans/${idOf("credits-monthly")}`, says: ["up to 500 carried over"] },
      { name: "plan-edit", path: `/plans/${idOf("pro-monthly")}/edit`, says: ["Save as version 2", "1,000 call:"] },
    ];
    await viewsLookRight(await come(options), tanso.url, views, look);
  });

  test.each(LOOKS)("every view of features too, $look", async ({ look, options }) => {
    const views = [
      { name: "features", path: "/features", says: ["Call transcripts", "Semantic search"] },
      {
        name: "feature",
        path: "/features/ai.chat",
        says: ["Plans that have it", "Ember Games", "up to 10,000: $0.015 per call, $5.00 on entering"],
      },
    ];
    await viewsLookRight(await come(options), tanso.url, views, look);
  });

  test("of more features than a page holds, each is found by list and palette", async ({ expect }) => {
    const own = await ownAccount(tanso.url);
    const keys = Array.from({ length: 205 }, (_, index) => `meter.${String(index).padStart(3, "0")}`);
    const events = keys.map((featureKey) => ({ eventName: "use", customerReferenceId: "ada", featureKey }));
    await own.call("POST", "/api/v1/client/events/batch", { events });
    const all = () => own.call<{ pagination: { total: number } }>("GET", "/api/v1/monetization/features?limit=1");
    await expect.poll(async () => (await all()).pagination.total).toBe(205);
    const { page } = await come();
    await signIn(page, at("/features"), own.key);
    await page.getByText("1–200 of 205").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("link", { name: "meter.204" }).waitFor();
    await page.getByLabel("Search features").fill("METER.204");
    await expect.poll(() => page.locator("main tbody tr").count()).toBe(1);
    await page.waitForURL(at("/features?search=METER.204"));
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Find" }).and(page.locator(":focus")).waitFor();
    await page.keyboard.type("meter.203");
    await page.getByRole("option", { selected: true }).filter({ hasText: "Feature" }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(at("/features/meter.203"));
    // What is chosen from is not cut either: all of them, and "Any feature".
    await page.goto(at("/events"));
    await expect.poll(() => page.getByRole("combobox", { name: "Feature" }).locator("option").count()).toBe(206);
  });

  test("a plan is made, filled, previewed, given credits and activated, without the API", async ({ expect }) => {
    const { page, errors } = await come();
    await signIn(page, at("/plans"));
    await page.getByRole("button", { name: "New plan" }).click();
    await page.getByLabel("Name").fill("Zephyr");
    await page.getByLabel("Key").fill("zephyr");
    await page.getByLabel("Base price", { exact: true }).fill("12.50");
    await shoot(page, "plan-new-light");
    await page.getByRole("button", { name: "Make a draft" }).click();
    await page.getByRole("heading", { name: "Zephyr" }).waitFor();
    await page.getByText("Before it can be sold: say what it is (Edit), then put features into it.").waitFor();

    await page.getByRole("link", { name: "Put the first one in" }).click();
    await page.getByLabel("Put in").selectOption({ label: "Chat (ai.chat)" });
    const rule = page.getByRole("region", { name: "Rule of Chat" });
    await rule.getByRole("button", { name: "Graduated" }).click();
    await rule.getByLabel("Up to, tier 1 of Chat").fill("500");
    await rule.getByLabel("Price per unit, tier 1 of Chat").fill("0.1");
    await rule.getByLabel("Price per unit, tier 2 of Chat").fill("0.05");
    await rule.getByRole("button", { name: "Add a tier to Chat" }).click();
    await rule.getByLabel("Up to, tier 2 of Chat").fill("2000");
    await rule.getByLabel("Fee on entering, tier 2 of Chat").fill("5");
    await rule.getByLabel("Price per unit, tier 3 of Chat").fill("0.01");
    // 500 × 0.10 + 5 + 1,500 × 0.05
    // A unit is called what other plans call it.
    await rule.getByText("2,000 call: $130.00").waitFor();
    await rule.getByLabel("Units burn credits").selectOption({ label: "AI credits (AI_CREDITS)" });
    await page.getByRole("button", { name: "Work it out" }).click();
    await page.getByRole("table").getByText("As edited").waitFor();
    await page
      .getByRole("button", { name: /^Show lines of/ })
      .first()
      .click();
    await page.getByText(/tier 1: [\d,]+ × \$0\.10/).waitFor();
    await settled(page);
    await shoot(page, "plan-editing-light");
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Save the draft" }).click();
    await done(page, "Saved");
    await page.getByText("up to 2,000: $0.05 per call, $5.00 on entering").waitFor();

    await page.getByRole("button", { name: "Give credits" }).click();
    await page.getByLabel("Credit model").selectOption({ label: "AI credits (AI_CREDITS)" });
    await page.getByLabel("Credits each period").fill("250");
    await page.getByLabel("Usage that they do not cover").selectOption({ label: "Is billed by the feature's price" });
    await shoot(page, "plan-give-credits-light");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText(/250 AI_CREDITS, .*usage beyond them is billed by price/).waitFor();

    await page.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("dialog").getByText("$12.50 every month, in advance, with one feature.").waitFor();
    await page.getByRole("dialog").getByLabel("Description").fill("A light wind.");
    await shoot(page, "plan-activate-light");
    await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
    await done(page, "Zephyr is on sale, version 1");
    await page.getByText("Active", { exact: true }).waitFor();
    expect(errors).toEqual([]);
  });

  test("a change of what is sold makes a version, shows its differences, and moves who bought the old one", async ({
    expect,
  }) => {
    const planId = await sold("gull");
    const { page, errors } = await come();
    await signIn(page, at(`/plans/${planId}`));
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByLabel("Base price", { exact: true }).fill("30");
    await page.getByText("Saving makes version 3.").waitFor();
    await page.getByRole("button", { name: "Work it out" }).click();
    // The page behind says the same of what is sold.
    await page.getByRole("dialog").getByText("Nobody used its features in that time").waitFor();
    await shoot(page, "plan-terms-light");
    await page.getByRole("button", { name: "Save" }).click();
    await done(page, "Saved as version 3");
    await page.getByRole("button", { name: "To the newest from version 1" }).click();
    const differences = page.getByRole("region", { name: "From version 1 to version 3" });
    await differences.getByText("$10.00").waitFor();
    await page.waitForURL(at(`/plans/${planId}?from=1`));

    await page.getByRole("button", { name: "Move subscribers" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("When").selectOption({ label: "At once, the time left is settled by an invoice" });
    await dialog.getByRole("button", { name: "Show who would move" }).click();
    await dialog.getByRole("link", { name: "Vela gull" }).waitFor();
    await expect
      .poll(() => dialog.getByRole("table").textContent())
      .toMatch(/\$10\.00\$30\.00\$10\.00\$30\.00\$(19|20)\.\d\d/);
    await shoot(page, "plan-migrate-light");
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Move one subscription now" }).click();
    await done(page, "1 moved to version 3");
    await page.getByRole("button", { name: "Move subscribers" }).click();
    await dialog.getByRole("button", { name: "Show who would move" }).click();
    await dialog.getByText("Nobody would move").waitFor();
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: "Archive" }).click();
    await dialog.getByRole("button", { name: "Archive" }).click();
    await done(page, "Archived: nobody can buy it any more");
    await page.getByRole("button", { name: "Sell again" }).click();
    await dialog.getByRole("button", { name: "Sell again" }).click();
    await done(page, "Plan gull is on sale, version 3");
    expect(errors).toEqual([]);
  });

  test("a move says what each would have paid with what it used, before and after, page by page", async ({
    expect,
  }) => {
    const planId = await sold("avocet", 12);
    const now = new Date();
    const lastMonth = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 15)).toISOString();
    const used = { eventName: "use", customerReferenceId: "avocet-buyer", featureKey: "avocet.use", usageUnits: 40 };
    await told("POST", "/api/v1/client/events", { ...used, occurredAt: lastMonth });
    const { features } = await told<{ features: Thing[] }>("GET", `${PLANS}/${planId}/features`);
    const value = { pricing: { model: "usage", price_per_unit: 0.5, usage_unit_type: "task" } };
    const rule = { planId, featureId: features[0]?.id, value };
    await told("PATCH", "/api/v1/monetization/rules/plan-features", rule);
    // What was used is told to analytics a moment later.
    const priced = async () => {
      const body = { customers: ["avocet-buyer"] };
      return (await told<{ customers: { amount: number }[] }>("POST", `${PLANS}/${planId}/preview`, body)).customers;
    };
    await expect.poll(priced).toMatchObject([{ amount: 40 }]);
    const { page } = await come();
    await signIn(page, at(`/plans/${planId}`));
    await page.getByRole("button", { name: "Move subscribers" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Show who would move" }).click();
    await dialog.getByText("1–10 of 12").waitFor();
    await dialog.getByText("12 subscriptions, base $120.00 a period now, $240.00 then.").waitFor();
    const seen: string[] = [];
    for (const part of ["1–10 of 12", "11–12 of 12"]) {
      if (part !== "1–10 of 12") await dialog.getByRole("button", { name: "Next" }).click();
      await dialog.getByText(part).waitFor();
      const table = dialog.getByRole("table");
      await expect.poll(() => table.textContent()).toMatch(/\$10\.00\$20\.00\$10\.00\$20\.00/);
      const row = table.getByRole("row").filter({ has: page.getByRole("link", { name: "Vela avocet", exact: true }) });
      seen.push(...(await row.allTextContents()));
    }
    // 40 units at 0.50 beside the base.
    expect(seen).toEqual([expect.stringContaining("$10.00$20.00$10.00$40.00–")]);
    await dialog.getByRole("button", { name: "Previous" }).click();
    await dialog.getByText("1–10 of 12").waitFor();
    await settled(page);
    await shoot(page, "plan-migrate-paged-light");
    await page.setViewportSize(NARROW);
    await shoot(page, "plan-migrate-paged-narrow");
  });

  test("Enter in a field makes no version of what is sold; its button does", async ({ expect }) => {
    const planId = await sold("egret");
    const version = async () => (await told<{ version: number }>("GET", `${PLANS}/${planId}`)).version;
    const { page } = await come();
    await signIn(page, at(`/plans/${planId}`));
    await page.getByRole("link", { name: "Edit features" }).click();
    await page.waitForURL(at(`/plans/${planId}/edit`));
    await page.getByLabel("Limit", { exact: true }).fill("700");
    await page.keyboard.press("Enter");
    await settled(page);
    expect(await version()).toBe(2);
    // What is not saved is not left by accident.
    const asked: string[] = [];
    const stays = () =>
      page.once("dialog", (dialog) => {
        asked.push(dialog.message());
        return dialog.dismiss();
      });
    stays();
    await page.getByRole("link", { name: "Customers" }).first().click();
    expect(asked).toEqual([expect.stringContaining("is not saved")]);
    expect(page.url()).toBe(at(`/plans/${planId}/edit`));
    stays();
    await page.evaluate("window.history.back()");
    await expect.poll(() => asked.length).toBe(2);
    await page.waitForURL(at(`/plans/${planId}/edit`));
    await expect.poll(() => page.getByLabel("Limit", { exact: true }).inputValue()).toBe("700");
    await page.getByRole("button", { name: "Save as version 3" }).click();
    await done(page, "Saved as version 3");
    expect(await version()).toBe(3);
  });

  test("credits are changed and stopped, a feature is taken out, and a draft is deleted", async ({ expect }) => {
    const { id } = await told<Thing>("POST", PLANS, { key: "heron", name: "Heron" });
    const models = await told<{ items: { id: string; denomination: string }[] }>(
      "GET",
      "/api/v1/monetization/credits/models",
    );
    const model = models.items.find(({ denomination }) => denomination === "AI_CREDITS")?.id;
    await told("POST", `/api/v1/monetization/credits/models/${model}/plans/${id}?creditAmount=10`);
    const feature = await told<Thing>("POST", "/api/v1/monetization/features", { key: "heron.use" });
    await told("POST", "/api/v1/monetization/rules/plan-features", { planId: id, featureId: feature.id });
    const { page, errors } = await come();
    await signIn(page, at(`/plans/${id}`));
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: /^Edit credits of/ }).click();
    await dialog.getByLabel("Credits each period").fill("40");
    await dialog.getByLabel("Gone after").fill("2");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("40 AI_CREDITS").waitFor();
    await page.getByText("gone after 2 months").waitFor();
    await page.getByRole("button", { name: /^Stop credits of/ }).click();
    await dialog.getByRole("button", { name: "Stop giving them" }).click();
    await page.getByText("It gives no credits").waitFor();
    await page.getByRole("link", { name: "Edit features" }).click();
    await page.getByRole("button", { name: "Take out heron.use" }).click();
    await page.getByRole("button", { name: "Save the draft" }).click();
    await page.getByText("No feature in it").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete the draft" }).click();
    await page.getByRole("heading", { name: "Plans", exact: true }).waitFor();
    expect((await ask(tanso, "GET", `${PLANS}/${id}`)).status).toBe(404);
    expect(errors).toEqual([]);
  });

  test("a list that begins with a few shows all of them", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/features/ai.chat"));
    const card = page.getByRole("region", { name: "By customer", exact: true }).first();
    const rows = card.locator("tbody tr");
    await expect.poll(() => rows.count()).toBe(10);
    const all = card.getByRole("button", { name: /^Show all/ });
    const total = Number(/\d+/.exec((await all.textContent()) ?? "")?.[0]);
    await all.click();
    expect(total).toBeGreaterThan(10);
    await expect.poll(() => rows.count()).toBe(total);
    await card.getByRole("button", { name: "Show the first 10 alone" }).click();
    await expect.poll(() => rows.count()).toBe(10);
  });

  test("a feature is made, edited, switched off and on, and deleted", async ({ expect }) => {
    const { page, errors } = await come();
    await signIn(page, at("/features"));
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "New feature" }).click();
    await dialog.getByLabel("Key").fill("puffin.dive");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await page.waitForURL(at("/features/puffin.dive"));
    await page.getByText("No plan has it").waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    await dialog.getByLabel("Name").fill("Dives");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "Dives" }).waitFor();
    await page.getByRole("button", { name: "Switch off" }).click();
    await dialog.getByText("Within 5 seconds nobody may use it, on any plan").waitFor();
    await shoot(page, "feature-off-light");
    await dialog.getByRole("button", { name: "Switch it off" }).click();
    await page.getByText("Off: every check and every use of it is refused").waitFor();
    await page.getByRole("button", { name: "Switch on" }).click();
    await dialog.getByRole("button", { name: "Switch it on" }).click();
    await page.getByText("On: plans decide who may use it").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete it" }).click();
    await done(page, "Dives is deleted");
    await page.getByRole("heading", { name: "Features", exact: true }).waitFor();
    expect(errors).toEqual([]);
  });
});

describe("refuses", () => {
  test("a wrong tier at its field, and a key that is taken", async ({ expect }) => {
    const { id } = await told<Thing>("POST", PLANS, { key: "auk", name: "Auk" });
    const { page } = await come();
    await signIn(page, at(`/plans/${id}/edit`));
    await page.getByLabel("Put in").selectOption({ label: "Translation (ai.translate)" });
    const rule = page.getByRole("region", { name: "Rule of Translation" });
    await rule.getByRole("button", { name: "Graduated" }).click();
    await rule.getByLabel("Up to, tier 1 of Translation").fill("0");
    await rule.getByLabel("Price per unit, tier 1 of Translation").fill("much");
    await page.getByRole("button", { name: "Save the draft" }).click();
    await rule.getByText("must be a finite decimal number").waitFor();
    await rule.getByLabel("Price per unit, tier 1 of Translation").fill("0.1");
    await rule.getByLabel("Price per unit, tier 2 of Translation").fill("0.1");
    await page.getByRole("button", { name: "Save the draft" }).click();
    await rule.getByText("must be greater than 0").waitFor();
    expect(await rule.getByLabel("Up to, tier 1 of Translation").getAttribute("aria-invalid")).toBe("true");
    await settled(page);
    await shoot(page, "plan-refused-light");
    await page.goto(at("/plans"));
    await page.getByRole("button", { name: "New plan" }).click();
    await page.getByLabel("Name").fill("Auk");
    await page.getByLabel("Key").fill("auk");
    await page.getByRole("button", { name: "Make a draft" }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/auk.*Request id/);
  });

  test("activating what is not complete, and deleting a feature that plans have: they are named", async ({
    expect,
  }) => {
    const { id } = await told<Thing>("POST", PLANS, { key: "skua", name: "Skua", description: "Empty." });
    const { page } = await come();
    await signIn(page, at(`/plans/${id}`));
    await page.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
    const alert = page.getByRole("dialog").getByRole("alert");
    await alert.getByText("the plan needs a feature to be ACTIVE").waitFor();
    await page.goto(at("/features/ai.search"));
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete it" }).click();
    await alert.waitFor();
    await expect.poll(() => alert.textContent()).toMatch(/“ai\.search” is in the plans .*“pro-monthly”/);
    await shoot(page, "feature-delete-refused-light");
  });

  test("a plan and a feature that are not there", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/plans"));
    await page.goto(at("/plans/nothing"));
    await page.getByRole("alert").waitFor();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("nothing");
    await page.goto(at("/features/no.such"));
    await page.getByText("no.such").first().waitFor();
  });
});
