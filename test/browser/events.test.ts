import type { Page } from "playwright-core";
import { beforeAll, describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { billed, type Shop, usageShop } from "./support/usage-shop.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { settled, shoot, signIn } from "./support/visit.ts";
import { visits } from "./support/visits.ts";

/** Events in the console: as they come, summed up, and one with everything that is known of it. */

const { url } = await seededTanso();
const at = (path: string): string => `${url}/console${path}`;

let shop: Shop;
let made: Awaited<ReturnType<typeof billed>>;

const open = visits();

async function come(path: string, options = {}): Promise<{ page: Page; errors: string[] }> {
  const visited = await open(options);
  await signIn(visited.page, at(path));
  return visited;
}

/** An event that costs nothing and says so: it must not count among those of unknown cost. */
const report = (reference: string, usageUnits: number, more: Record<string, unknown> = {}) =>
  shop.call<{ eventId: string }>("POST", "/api/v1/client/events", {
    eventName: "call",
    customerReferenceId: reference,
    featureKey: shop.featureKey,
    usageUnits,
    costAmount: 0,
    ...more,
  });

beforeAll(async () => {
  shop = await usageShop(url, "mistral-wind");
  made = await billed(shop, ["mistral-live", "mistral-corrected"]);
});

describe("does", () => {
  test.each(LOOKS)("the stream, its sums and one event look right, $look", async ({ look, options }) => {
    const visited = await open(options);
    const eventId = made["mistral-live"]?.eventId;
    await viewsLookRight(
      visited,
      url,
      [
        { name: "events", path: "/events", says: ["Newest first", "By one property", "gpt-4o-mini", "Live"] },
        {
          name: "event",
          path: `/events?customer=mistral-live&event=${eventId}`,
          says: ["150 units of", "mistral-wind by use", "On entering", "$7.50", "As it was sent"],
        },
      ],
      look,
    );
  });

  test("a new event comes in by itself, and stays out while the stream is paused", async ({ expect }) => {
    const { page, errors } = await come("/events?customer=mistral-live");
    const rows = page.getByRole("region", { name: "Events", exact: true }).locator("tbody .leads");
    await rows.first().waitFor();
    const before = await rows.count();
    await report("mistral-live", 7);
    await rows.nth(before).waitFor();
    await expect.poll(() => rows.first().textContent()).toContain("7");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused").waitFor();
    await report("mistral-live", 8);
    await page.getByRole("button", { name: "Resume" }).click();
    await rows.nth(before + 1).waitFor();
    await expect.poll(() => rows.first().textContent()).toContain("8");
    expect(errors).toEqual([]);
  });

  test("a customer whose clock stands ahead hides nobody's new events", async ({ expect }) => {
    const clock = await shop.call<{ id: string }>("POST", "/api/v1/test-clocks", {
      frozenTime: "2033-01-01T00:00:00Z",
    });
    await shop.call("POST", "/api/v1/client/customers", {
      customerReferenceId: "mistral-ahead",
      email: "ahead@mistral.example",
      testClockId: clock.id,
    });
    await report("mistral-ahead", 6543);
    const { page } = await come("/events");
    await page.getByText("6,543").first().waitFor();
    await report("mistral-now", 4321);
    await page.getByText("4,321").first().waitFor();
    const start = await come("/start");
    await start.page.getByText("This account has events already").waitFor();
    await report("mistral-now", 1234);
    await start.page.getByRole("heading", { name: "3. There it is" }).waitFor();
    expect(start.errors).toEqual([]);
  });

  test("it is narrowed by what is chosen, and a bar narrows it as well", async ({ expect }) => {
    const { page } = await come("/events");
    await page.getByLabel("Model").selectOption("gpt-4o");
    await page.waitForURL(at("/events?model=gpt-4o"));
    await page.getByRole("button", { name: "Customer", exact: true }).click();
    const bars = page.getByRole("region", { name: "Events by customer" });
    // What was asked for before is shown until the answer is there.
    await page.waitForURL(at("/events?model=gpt-4o&by=CUSTOMER"));
    await settled(page);
    await bars.getByRole("link").first().click();
    await page.waitForURL(/model=gpt-4o&by=CUSTOMER&customer=[\w-]+$/);
    const models = page.getByRole("region", { name: "Events", exact: true }).locator("tbody .leads td:nth-child(4)");
    await models.first().waitFor();
    await expect.poll(async () => new Set(await models.allTextContents())).toEqual(new Set(["gpt-4o"]));
    await page.getByRole("button", { name: "Cost", exact: true }).click();
    await page.getByLabel("Provider").selectOption("anthropic");
    await page.getByText("No event like this").waitFor();
  });

  test("ten thousand rows would be as few in the page as fifty", async ({ expect }) => {
    const { page } = await come("/events");
    const box = page.getByRole("region", { name: "Events", exact: true });
    await box.locator("tbody .leads").first().waitFor();
    // To the end of what is there, again and again: older ones come each time.
    let held = 0;
    for (let turn = 0; turn < 3; turn += 1) {
      const count = Number(await box.locator("table").getAttribute("aria-rowcount"));
      expect(count).toBeGreaterThan(held);
      held = count;
      await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await box.locator(`table:not([aria-rowcount="${count}"])`).waitFor();
    }
    expect(held).toBeGreaterThan(400);
    await expect.poll(() => box.locator("tbody .leads").count()).toBeLessThan(80);
    await shoot(page, "events-scrolled-light");
  });

  test("one event tells its price, tier by tier, and where its cost comes from", async ({ expect }) => {
    const { page } = await come("/events?customer=northwind&model=gpt-4o-mini");
    await page.getByRole("region", { name: "Events", exact: true }).getByRole("link").first().click();
    const panel = page.getByRole("dialog");
    await panel.getByText("the public price list").waitFor();
    await expect
      .poll(() => panel.getByRole("region", { name: "Cost" }).textContent())
      .toContain("gpt-4o-mini of openai");
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    await page.waitForURL(at("/events?customer=northwind&model=gpt-4o-mini"));
  });

  test("the units of one are corrected, after saying what that does; its history is kept", async ({ expect }) => {
    const eventId = made["mistral-corrected"]?.eventId;
    const { page, errors } = await come(`/events?event=${eventId}`);
    const panel = page.getByRole("dialog");
    await panel.getByRole("button", { name: "Correct the units" }).click();
    const effects = panel.getByRole("list", { name: "What this does" });
    await effects.getByText("Nothing yet").waitFor();
    await panel.getByLabel("The right total").fill("120");
    await effects.getByText("30 units were billed").waitFor();
    await panel.getByLabel("Reason").fill("counted twice");
    await shoot(page, "event-correct-light");
    await panel.getByRole("button", { name: "Correct", exact: true }).click();
    await page.getByText("Corrected: -30 units. $1.50 is given back.").waitFor();
    const history = panel.getByRole("region", { name: "Corrections" }).last();
    await history.getByText("counted twice").waitFor();
    await history.getByRole("link").first().click();
    await panel.getByText("an earlier event").waitFor();
    await expect.poll(() => panel.textContent()).toContain("$1.50, for a period that was billed");
    expect(errors).toEqual([]);
  });
});

describe("refuses", () => {
  test("a correction that cannot be, at its field, and an event that is not there", async ({ expect }) => {
    const { page } = await come(`/events?event=${made["mistral-live"]?.eventId}`);
    const panel = page.getByRole("dialog");
    await panel.getByRole("button", { name: "Correct the units" }).click();
    await panel.getByLabel("The right total").fill("a few");
    await panel.getByRole("button", { name: "Correct", exact: true }).click();
    await panel.locator('[aria-invalid="true"]').waitFor();
    await page.goto(at("/events?event=11111111-1111-4111-8111-111111111111"));
    await panel.getByRole("alert").waitFor();
    await expect.poll(() => panel.getByRole("alert").textContent()).toMatch(/No event.*Request id/s);
  });
});
