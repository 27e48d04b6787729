import { describe, test } from "vitest";
import { DEMO_KEY } from "../e2e/support/api.ts";
import { seededTanso } from "../e2e/support/seeded.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { axeFindings, NARROW, shoot, signIn } from "./support/visit.ts";
import { made, visits } from "./support/visits.ts";

/** The console as people use it: in a real browser, on the company that a local start makes. */

const { url, output } = await seededTanso();
const at = (path: string): string => `${url}/console${path}`;

/** Each view, and words of the seed that must stand on it. */
const VIEWS = [
  { name: "overview", path: "", says: ["Ember Games", "What needs attention", "Revenue bridge"] },
  { name: "customers", path: "/customers", says: ["Ember Games", "Underwater"] },
  { name: "customer", path: "/customers/northwind", says: ["Northwind Labs", "ai.search", "INV-000001"] },
  { name: "why", path: "/customers/northwind?why=ai.search", says: ["Decided by", "50,000", "The engine allows"] },
  { name: "sessions", path: "/settings/sessions", says: ["This one"] },
] as const;

const come = visits();

describe("does", () => {
  test("the link that a start prints signs in once, and is not kept in the address", async ({ expect }) => {
    const link = /http:\S+\/console#token=\S+/.exec(output())?.[0] ?? "";
    const first = await come();
    await first.page.goto(link);
    await first.page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(first.page.url()).toBe(at(""));
    const second = await come();
    await second.page.goto(link);
    await second.page.getByText("This sign-in link was used already").waitFor();
    expect(first.errors).toEqual([]);
  });

  test("one signs in with a key and out again, and the browser keeps no key", async ({ expect }) => {
    const { page, errors } = await come();
    await page.goto(at(""));
    await page.getByLabel("Admin key").waitFor();
    await shoot(page, "sign-in-light");
    expect(await axeFindings(page)).toEqual([]);
    await signIn(page, at(""));
    const kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])");
    expect(kept).not.toContain(DEMO_KEY);
    expect(kept).not.toContain("tanso_console");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Admin key").waitFor();
    await page.reload();
    await page.getByLabel("Admin key").waitFor();
    expect(errors).toEqual([]);
  });

  test.each(LOOKS)("every view shows the company, $look", async ({ look, options }) => {
    await viewsLookRight(await come(options), url, VIEWS, look);
  });

  test("a deep link waits for who signs in, and the back button goes back", async ({ expect }) => {
    const { page, errors } = await come();
    await signIn(page, at("/customers/ember-games?days=7"));
    await page.getByRole("heading", { name: "Ember Games" }).waitFor();
    expect(await page.getByRole("button", { name: "7 days" }).getAttribute("aria-pressed")).toBe("true");
    await page.getByRole("link", { name: "Customers" }).first().click();
    // Whom other tests made stand on the first page as well.
    await page.getByRole("searchbox", { name: "Search customers" }).fill("northwind");
    // Until what is typed rests, the list by margin stands there, whose links keep the days.
    await page.getByText("Customers like “northwind”").waitFor();
    await page.getByRole("link", { name: "Northwind Labs" }).click();
    await page.getByRole("heading", { name: "Northwind Labs" }).waitFor();
    await page.waitForURL(at("/customers/northwind"));
    await page.goBack();
    await page.getByRole("heading", { name: "Customers", exact: true }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Ember Games" }).waitFor();
    expect(errors).toEqual([]);
  });

  test("each page has the name of what it shows, and who comes to it stands at its beginning", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/customers/ember-games"));
    await expect.poll(() => page.title()).toBe("Ember Games · tanso-edge");
    await page.getByRole("link", { name: "Customers" }).first().click();
    await expect.poll(() => page.title()).toBe("Customers · tanso-edge");
  });

  test("a field that is cleared is cleared", async ({ expect }) => {
    const body = { customerReferenceId: "cleared", email: "k@kestrel.example", phoneNumber: "+49 1", taxId: "DE1" };
    const { id } = await made<{ id: string }>({ url }, "POST", "/api/v1/client/customers", body);
    const { page } = await come();
    await signIn(page, at("/customers/cleared"));
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Phone").fill("");
    await dialog.getByLabel("First name").fill("Kes");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const now = await made<Record<string, unknown>>({ url }, "GET", `/api/v1/monetization/customers/${id}`);
    expect(now).toMatchObject({ firstName: "Kes", taxId: "DE1", email: "k@kestrel.example" });
    expect(now.phoneNumber ?? "").toBe("");
  });

  test("Why? tells the verdict and what it rests on", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/customers/northwind"));
    await page.getByRole("button", { name: "Why? ai.chat" }).click();
    const panel = page.getByRole("dialog");
    await panel.getByText("up to 10,000: $0.015 per call, $5.00 on entering").waitFor();
    for (const fact of ["Pro, version 1", "1,240 used, no limit", "counted anew each period"])
      await expect.poll(() => panel.textContent()).toContain(fact);
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    await page.waitForURL(at("/customers/northwind"));
  });

  test("Ctrl-K finds customers, plans, features, invoices and views, by keys alone", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at(""));
    for (const [text, kind, path] of [
      ["north", "Customer", "/customers/northwind"],
      ["pro-monthly", "Plan", "/plans/"],
      ["semantic", "Feature", "/features/ai.search"],
      ["INV-000001", "Invoice", "/invoices/"],
      ["audit", "View", "/settings/audit"],
    ] as const) {
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: "Find" }).and(page.locator(":focus")).waitFor();
      await page.keyboard.type(text);
      const found = page.getByRole("option", { selected: true }).filter({ hasText: kind });
      await found.waitFor();
      if (kind === "Customer") await shoot(page, "palette-light");
      await page.keyboard.press("Enter");
      await page.waitForURL((address) => address.href.startsWith(at(path)));
    }
    await page.getByRole("heading", { name: "Settings" }).waitFor();
    await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
  });

  test("an invoice comes as a PDF under its number", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/customers/northwind"));
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "PDF of INV-000001" }).click(),
    ]);
    expect(file.suggestedFilename()).toBe("INV-000001.pdf");
  });

  test("an invoice is found by its number, however old", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/invoices?number=INV-000001"));
    const rows = page.locator("main tbody tr");
    await page.getByText("INV-000001").first().waitFor();
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByPlaceholder("Number").fill("no number");
    await page.keyboard.press("Enter");
    await page.getByText("must be an invoice number, such as INV-000042").first().waitFor();
  });

  test("subscriptions and pools are found by their customer", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/subscriptions?customer=northwind"));
    await page.getByText("Northwind Labs").first().waitFor();
    expect(await page.getByText("Ember Games").count()).toBe(0);
    await page.goto(at("/credits?customer=pico-health"));
    await page.getByText("Pico Health").first().waitFor();
    expect(await page.getByText("Nova Retail").count()).toBe(0);
  });

  test("a list is searched while one types", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at("/customers"));
    await page.getByRole("searchbox", { name: "Search customers" }).fill("harbor");
    await page.getByRole("heading", { name: "Customers like “harbor”" }).waitFor();
    await page.getByRole("link", { name: "Harbor Dev" }).waitFor();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(1);
    await page.waitForURL(at("/customers?search=harbor"));
  });

  test("the theme is chosen, and stays", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at(""));
    const theme = () => page.evaluate("document.documentElement.dataset.theme");
    expect(await theme()).toBe("light");
    const button = page.getByRole("button", { name: /^Theme/ });
    await button.click();
    await button.click();
    expect(await theme()).toBe("dark");
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(await theme()).toBe("dark");
  });

  test("on a phone the sidebar is a drawer", async () => {
    const { page } = await come({ viewport: NARROW });
    await signIn(page, at(""));
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Plans" }).click();
    await page.getByRole("heading", { name: "Plans" }).waitFor();
    await page.getByRole("navigation", { name: "Views" }).waitFor({ state: "hidden" });
  });
});

describe("refuses", () => {
  test("a key that nobody has, with the request id", async ({ expect }) => {
    const { page } = await come();
    await page.goto(at(""));
    await page.getByLabel("Admin key").fill("sk_test_000000000000000000000000000000000000");
    await page.getByRole("button", { name: "Sign in" }).click();
    const told = page.getByRole("alert");
    await told.waitFor();
    await expect
      .poll(() => told.textContent())
      .toMatch(/The API key is unknown, expired or revoked\.Request id [\w-]{36}/);
    await expect.poll(() => page.getByLabel("Admin key").inputValue()).toBe("");
  });

  test("what could not be looked at is not said to be well", async ({ expect }) => {
    const { page } = await come();
    const error = { code: "unavailable", message: "The catalog cannot be reached." };
    const body = JSON.stringify({ success: false, error });
    for (const path of ["ops/status", "analytics/limits", "credits/pools", "billing/invoices?status=PAST_DUE"])
      await page.route(
        (asked) => asked.href.includes(path),
        (route) => route.fulfill({ status: 503, body, headers: { "X-Request-Id": "asked-in-vain" } }),
      );
    await signIn(page, at(""));
    const card = page
      .locator("section, div")
      .filter({ has: page.getByRole("heading", { name: "What needs attention" }) });
    await card.last().getByText("The catalog cannot be reached.").waitFor();
    expect(await page.getByText("all is well").count()).toBe(0);
  });

  test("a customer that is not there, said well", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at(""));
    await page.goto(at("/customers/nobody"));
    const told = page.getByRole("alert").first();
    await told.waitFor();
    await expect.poll(() => told.textContent()).toMatch(/No customer “nobody”\.Request id [\w-]{36}/);
    await shoot(page, "refusal-light");
    await page.goto(at("/no/such/view"));
    await page.getByText("There is no such page").waitFor();
  });
});

describe("holds", () => {
  test("a session that ends elsewhere leads back to signing in, and to the same view after it", async ({ expect }) => {
    const [mine, other] = [await come(), await come()];
    await signIn(mine.page, at("/plans"));
    await signIn(other.page, at("/settings/sessions"));
    await other.page.getByText("This one").waitFor();
    // Newest first: the one that asks, and before it the one to end. Those of earlier tests follow.
    const ended = other.page.waitForResponse((response) => response.request().method() === "DELETE");
    await other.page.getByRole("button", { name: "End", exact: true }).first().click();
    expect((await ended).status()).toBe(200);
    await mine.page.getByRole("link", { name: "Features" }).click();
    await mine.page.getByLabel("Admin key").waitFor();
    expect(mine.page.url()).toBe(at("/features"));
    await mine.page.getByLabel("Admin key").fill(DEMO_KEY);
    await mine.page.getByRole("button", { name: "Sign in" }).click();
    await mine.page.getByRole("heading", { name: "Features" }).waitFor();
  });
});
