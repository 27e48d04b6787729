import { describe, test } from "vitest";
import { seededTanso } from "../e2e/support/seeded.ts";
import { fileText } from "./support/files.mjs";
import { ownAccount, send } from "./support/own-account.ts";
import { LOOKS, viewsLookRight } from "./support/views.ts";
import { axeFindings, settled, shoot, signIn } from "./support/visit.ts";
import { visits } from "./support/visits.ts";

/**
 * What an account sets for itself, its way to the first event, and what is done with customers. Whatever is written is written in an
 * account of the test's own: the seeded one is looked at by all.
 */

const { url } = await seededTanso();
const at = (path: string): string => `${url}/console${path}`;

/** Each view, and words that must stand on it in the seeded account. */
const VIEWS = [
  { name: "start", path: "/start", says: ["A key for your backend", "Ask before you serve", "Waiting for an event"] },
  { name: "settings-account", path: "/settings", says: ["The account’s currency", "On invoices", "Rename"] },
  { name: "settings-costs", path: "/settings/costs", says: ["How a cost is found", "Own rates"] },
  { name: "settings-stripe", path: "/settings/stripe", says: ["Not connected", "Stripe has sent nothing yet"] },
  { name: "settings-keys", path: "/settings/keys", says: ["Local start", "signed in with it"] },
  { name: "settings-catalog", path: "/settings/catalog", says: ["Switched off", "its address answers 404"] },
  { name: "settings-audit", path: "/settings/audit", says: ["Who did what", "Console signed in"] },
  {
    name: "settings-operations",
    path: "/settings/operations",
    says: ["Runs of the last week", "Customers with trouble"],
  },
  { name: "settings-sessions", path: "/settings/sessions", says: ["This one"] },
] as const;

const come = visits();

describe("does", () => {
  test.each(LOOKS)("the way in, the account's own settings and what it connects, $look", async ({ look, options }) => {
    await viewsLookRight(await come(options), url, VIEWS.slice(0, 5), look);
  });

  test.each(LOOKS)("the public catalog, the trail and how things run, $look", async ({ look, options }) => {
    await viewsLookRight(await come(options), url, VIEWS.slice(5), look);
  });

  test("an empty account leads to its first event, waits for it, and shows its margin", async ({ expect }) => {
    const own = await ownAccount(url);
    const { page, errors } = await come();
    await signIn(page, at(""), own.key);
    await page.getByRole("link", { name: "Send the first one" }).click();
    await page.getByRole("button", { name: "Make a key" }).click();
    const made = page.getByRole("region", { name: "the key" });
    const key = (await made.textContent()) ?? "";
    expect(key).toMatch(/^sk_test_[\w-]{43}$/);
    const call = (await page.getByRole("region", { name: "the call: Report an event" }).textContent()) ?? "";
    expect(call).toContain(`Bearer ${key}`);
    expect(call).toContain(`${url}/api/v1/client/events`);
    await page.getByText("Waiting for an event").waitFor();
    // As the call says it, sent with the key that was made.
    const body = JSON.parse(/-d '(.*)'$/s.exec(call)?.[1] ?? "") as unknown;
    await send(url, key, "POST", "/api/v1/client/events", body);
    const arrived = page.getByRole("region", { name: "3. There it is" });
    await arrived.waitFor();
    const told = (await arrived.textContent()) ?? "";
    for (const words of ["ai.chat", "gpt-4o-mini", "$0.02", "$0.00075", "$0.01925"]) expect(told).toContain(words);
    await settled(page);
    await shoot(page, "start-arrived-light");
    await arrived.getByRole("link", { name: "See the customer" }).click();
    await page.getByRole("heading", { name: "my-first-customer" }).waitFor();
    expect(errors).toEqual([]);
  });

  test("the account is renamed, its seller, rates and payments are set, and stay", async ({ expect }) => {
    const own = await ownAccount(url);
    const { page, errors } = await come();
    await signIn(page, at("/settings"), own.key);
    const account = page.getByRole("region", { name: "Account", exact: true });
    await account.getByLabel("Name").fill("Quill Ink");
    await account.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("navigation", { name: "Views" }).getByText("Quill Ink").waitFor();
    const currency = page.getByRole("region", { name: "Currency" });
    await currency.getByRole("button", { name: "Add a currency" }).click();
    await currency.getByLabel("Currency 1", { exact: true }).fill("eur");
    await currency.getByLabel("One of it is").fill("1.09");
    await currency.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved. Requests follow").waitFor();
    const seller = page.getByRole("region", { name: "On invoices" });
    await seller.getByLabel("Seller").fill("Quill Ink GmbH");
    await seller.getByLabel("Address").fill("Hauptstr. 1\n10115 Berlin");
    await seller.getByLabel("Tax id").fill("DE123456789");
    await seller.getByRole("button", { name: "Save" }).click();
    await page.getByText("Invoices that become due from now on").waitFor();
    const payments = page.getByRole("region", { name: "Payments" });
    await payments.getByLabel("The most a customer’s own key").fill("25.50");
    await payments.getByLabel("Give back by itself").check();
    await payments.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved. Requests follow").waitFor();
    await page.getByRole("link", { name: "Cost rates" }).click();
    await page.getByLabel("Input, per token").fill("0.00000005");
    await page.getByLabel("Output, per token").fill("0.0000002");
    await page.getByRole("region", { name: "Any other model" }).getByRole("button", { name: "Save" }).click();
    await page.getByText("your rate of any other model: $0.00000005 a token in, $0.0000002 out").waitFor();
    await page.goBack();
    await page.reload();
    await seller.waitFor();
    await expect.poll(() => seller.getByLabel("Seller").inputValue()).toBe("Quill Ink GmbH");
    await expect.poll(() => currency.getByLabel("Currency 1", { exact: true }).inputValue()).toBe("EUR");
    expect(await own.call("GET", "/api/v1/account/settings")).toMatchObject({
      exchangeRates: { EUR: 1.09 },
      defaultCostConfig: { defaultInputCostPerUnit: 5e-8, defaultOutputCostPerUnit: 2e-7 },
      seller: { name: "Quill Ink GmbH", address: "Hauptstr. 1\n10115 Berlin", taxId: "DE123456789" },
      agentMaxTopupAmount: 25.5,
      refundOverpayments: true,
    });
    expect(errors).toEqual([]);
  });

  test("a key is made, shown once, rotated and revoked", async ({ expect }) => {
    const own = await ownAccount(url);
    const { page, errors } = await come();
    await signIn(page, at("/settings/keys"), own.key);
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Backend");
    await dialog.getByRole("button", { name: "Make the key" }).click();
    await dialog.getByText("This is the only time it is shown").waitFor();
    const first = (await dialog.getByRole("region", { name: "the key" }).textContent()) ?? "";
    await send(url, first, "GET", "/api/v1/client/features");
    await shoot(page, "key-shown-once-light");
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole("button", { name: "I have stored it" }).click();
    await page.getByRole("button", { name: "Rotate Backend" }).click();
    await dialog.getByLabel("The old key ends").selectOption("At once");
    await dialog.getByText("ends at once: whatever still uses it is refused").waitFor();
    await dialog.getByRole("button", { name: "Make its successor" }).click();
    const second = (await dialog.getByRole("region", { name: "the key" }).textContent()) ?? "";
    expect(second).not.toBe(first);
    await page.keyboard.press("Escape");
    await expect(send(url, first, "GET", "/api/v1/client/features")).rejects.toThrow("401");
    await page.getByRole("button", { name: "Revoke Backend" }).click();
    await dialog.getByRole("button", { name: "Revoke the key" }).click();
    await page.getByText("Backend is revoked.").waitFor();
    await expect(send(url, second, "GET", "/api/v1/client/features")).rejects.toThrow("401");
    await expect.poll(() => page.getByRole("row", { name: /Backend.*Ended/ }).count()).toBe(2);
    expect(errors).toEqual([]);
  });

  test("the trail is filtered, and an entry tells what was before and what is since", async ({ expect }) => {
    const own = await ownAccount(url);
    await own.call("PATCH", "/api/v1/account/settings", { agentSignupHourlyCap: 4 });
    await own.call("POST", "/api/v1/monetization/features", { key: "quill.write" });
    const { page, errors } = await come();
    await signIn(page, at("/settings/audit"), own.key);
    await page.getByRole("button", { name: "Feature created" }).waitFor();
    await page.getByLabel("What", { exact: true }).selectOption("Settings");
    await page.getByRole("button", { name: "Feature created" }).waitFor({ state: "detached" });
    await page.waitForURL(at("/settings/audit?action=settings"));
    await page.getByRole("button", { name: "Settings changed" }).click();
    const panel = page.getByRole("dialog");
    await panel.getByRole("row", { name: "agentSignupHourlyCap 10 4" }).waitFor();
    await shoot(page, "audit-entry-light");
    expect(await axeFindings(page)).toEqual([]);
    // The entry that is open is part of the address.
    await page.reload();
    await panel.getByRole("row", { name: "agentSignupHourlyCap 10 4" }).waitFor();
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    expect(errors).toEqual([]);
  });

  test("prices become public, are seen as the public sees them, and are gone again", async ({ expect }) => {
    const own = await ownAccount(url);
    const plan = await own.call<{ id: string }>("POST", "/api/v1/monetization/plans", {
      key: "quill-pro",
      name: "Quill Pro",
      description: "For people who write a lot.",
      priceAmount: 19,
    });
    const feature = await own.call<{ id: string }>("POST", "/api/v1/monetization/features", {
      key: "quill.write",
      name: "Writing",
    });
    await own.call("POST", "/api/v1/monetization/rules/plan-features", {
      planId: plan.id,
      featureId: feature.id,
      value: { pricing: { model: "included", max_usage: 500 } },
    });
    await own.call("PATCH", `/api/v1/monetization/plans/${plan.id}`, { status: "ACTIVE" });
    const { page, errors } = await come();
    await signIn(page, at("/settings/catalog"), own.key);
    const slug = `quill-${Date.now()}`;
    await page.getByLabel("Name in the address").fill(slug);
    await page.getByRole("button", { name: "Save the name" }).click();
    await page.getByRole("button", { name: "Make it public" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Nothing of customers, costs or drafts is in it").waitFor();
    await dialog.getByRole("button", { name: "Make it public" }).click();
    const offer = page.getByRole("region", { name: "Quill Pro" });
    await offer.waitFor();
    for (const words of ["$19.00", "Writing", "500 included"])
      await expect.poll(() => offer.textContent()).toContain(words);
    await settled(page);
    await shoot(page, "settings-catalog-public-light");
    expect(await axeFindings(page)).toEqual([]);
    const address = `${url}/public/v1/catalog/${slug}/pricing.json`;
    await page.getByText(address, { exact: true }).waitFor();
    expect((await fetch(address)).status).toBe(200);
    await page.getByRole("button", { name: "Switch it off" }).click();
    await dialog.getByRole("button", { name: "Switch it off" }).click();
    await page.getByText("its address answers 404").waitFor();
    expect((await fetch(address)).status).toBe(404);
    expect(errors).toEqual([]);
  });

  test("collecting payments is switched on and off with what it does said first", async ({ expect }) => {
    const own = await ownAccount(url);
    const { page, errors } = await come();
    await signIn(page, at("/settings/stripe"), own.key);
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Collect payments" }).click();
    await dialog.getByText("nothing happens until Stripe is connected").waitFor();
    await dialog.getByRole("button", { name: "Collect payments" }).click();
    await page.getByRole("button", { name: "Stop collecting" }).click();
    await dialog.getByText("no payment page is opened").waitFor();
    await dialog.getByRole("button", { name: "Stop collecting" }).click();
    await page.getByRole("button", { name: "Collect payments" }).waitFor();
    await page.getByLabel("Who paid goes to").fill("https://quill.example/paid");
    await page.getByRole("region", { name: "After the payment page" }).getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    expect(await own.call("GET", "/api/v1/account/settings")).toMatchObject({
      stripeMode: "NONE",
      stripeCheckoutSuccessUrl: "https://quill.example/paid",
    });
    await page.getByRole("button", { name: "Failed", exact: true }).click();
    await page.getByText("None failed").waitFor();
    expect(errors).toEqual([]);
  });

  test("a customer is registered, edited, given keys, exported, and erased", async ({ expect }) => {
    const own = await ownAccount(url);
    const { page, errors } = await come();
    await signIn(page, at("/customers"), own.key);
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "New customer" }).click();
    await dialog.getByLabel("Reference").fill("inkwell");
    await dialog.getByLabel("E-mail").fill("billing@inkwell.example");
    await dialog.getByLabel("First name").fill("Inkwell");
    await dialog.getByLabel("Last name").fill("Press");
    await shoot(page, "customer-new-light");
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Register them" }).click();
    await page.waitForURL(at("/customers/inkwell"));
    await page.getByRole("heading", { name: "Inkwell Press" }).waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    await dialog.getByLabel("Tax id").fill("DE555");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("DE555").waitFor();

    const keys = page.getByRole("region", { name: "Keys" }).first();
    await keys.getByRole("button", { name: "New key" }).click();
    await dialog.getByLabel("Report their events").check();
    await dialog.getByRole("button", { name: "Make the key" }).click();
    const secret = (await dialog.getByRole("region", { name: "the key" }).textContent()) ?? "";
    expect(secret).toMatch(/^ck_test_/);
    await page.keyboard.press("Escape");
    await keys.getByText("read, ingest").waitFor();
    await keys.getByRole("button", { name: /^Rotate/ }).click();
    await dialog.getByRole("button", { name: "Make its successor" }).click();
    await dialog.getByRole("button", { name: "I have stored it" }).click();
    await keys.getByText("Ending").waitFor();
    await keys
      .getByRole("button", { name: /^Revoke/ })
      .first()
      .click();
    await dialog.getByRole("button", { name: "Revoke the key" }).click();
    await keys.getByText("Ended").waitFor();

    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export" }).click(),
    ]);
    expect(file.suggestedFilename()).toBe("customer-inkwell.ndjson");
    const lines = fileText(await file.path())
      .trim()
      .split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ record: "end" });

    await page.getByRole("button", { name: "Erase…" }).click();
    const erase = dialog.getByRole("button", { name: "Erase for ever" });
    expect(await erase.isDisabled()).toBe(true);
    await dialog.getByText("What stays, under the id alone").waitFor();
    await dialog.getByLabel("To erase, type inkwell").fill("inkwell");
    await shoot(page, "customer-erase-light");
    expect(await axeFindings(page)).toEqual([]);
    await erase.click();
    await page.waitForURL(at("/customers"));
    await expect(own.call("GET", "/api/v1/client/customers/inkwell")).rejects.toThrow("404");
    expect(errors).toEqual([]);
  });

  test("whose limit is near stands on the overview, and leads to why", async () => {
    const { page } = await come();
    await signIn(page, at(""));
    const attention = page.getByRole("region", { name: "What needs attention" });
    await attention.getByText(/usage limits? near/).waitFor();
    await attention.getByRole("link", { name: "Foxglove" }).first().click();
    await page.getByRole("dialog").getByText("97 used of 100, 3 left").waitFor();
  });

  test("pools that are nearly dry stand on the overview, and lead to their list", async ({ expect }) => {
    const { page } = await come();
    await signIn(page, at(""));
    const matter = page
      .getByRole("region", { name: "What needs attention" })
      .getByRole("listitem")
      .filter({ hasText: /credit pools? nearly dry/ });
    await matter.getByRole("link", { name: /^Show/ }).click();
    await page.waitForURL(at("/credits?status=NEARLY_DRY"));
    const filter = page.getByLabel("State");
    await expect.poll(() => filter.inputValue()).toBe("NEARLY_DRY");
    const rows = page.getByRole("table").getByRole("row");
    await expect.poll(() => rows.count()).toBeGreaterThan(1);
    for (const text of (await rows.allTextContents()).slice(1)) expect(text).toMatch(/Depleted|Active/);
  });
});

describe("refuses", () => {
  test("a value is refused at its field, with the others as they were", async ({ expect }) => {
    const own = await ownAccount(url);
    const { page } = await come();
    await signIn(page, at("/customers"), own.key);
    await page.getByRole("button", { name: "New customer" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reference").fill("inkwell");
    await dialog.getByLabel("E-mail").fill("nowhere");
    await dialog.getByRole("button", { name: "Register them" }).click();
    await dialog.locator('[aria-invalid="true"]').waitFor();
    expect(await dialog.getByLabel("E-mail").getAttribute("aria-invalid")).toBe("true");
    await expect.poll(() => dialog.getByLabel("Reference").inputValue()).toBe("inkwell");
    await shoot(page, "refused-field-light");
  });

  test("the last admin key, a live key of Stripe, and a name that is none", async ({ expect }) => {
    const own = await ownAccount(url);
    const { page } = await come();
    await signIn(page, at("/settings/keys"), own.key);
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: /^Revoke/ }).click();
    await dialog.getByText("You are signed in with this key").waitFor();
    await dialog.getByRole("button", { name: "Revoke the key" }).click();
    await dialog.getByText("last active admin key").waitFor();
    await expect.poll(() => dialog.getByRole("alert").textContent()).toMatch(/Request id/);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Stripe", exact: true }).click();
    await page.getByRole("button", { name: "Connect Stripe" }).click();
    const secret = dialog.getByLabel("Secret or restricted key");
    await secret.fill("sk_live_0000000000000000");
    await dialog.getByRole("button", { name: "Try it and store it" }).click();
    await dialog.locator('[aria-invalid="true"]').waitFor();
    expect(await secret.getAttribute("aria-invalid")).toBe("true");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Public catalog" }).click();
    await page.getByLabel("Name in the address").fill("No Such Name");
    await page.getByRole("button", { name: "Save the name" }).click();
    await page.getByText("must be 3 to 63 lower-case letters").waitFor();
  });
});
