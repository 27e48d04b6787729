import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { DEMO_KEY } from "../../e2e/support/api.ts";
import { axeSource, shotPath } from "./files.mjs";

/** A visit to the console: a page that remembers what went wrong on it, and what it asked of whom. */

export type Visit = {
  page: Page;
  /** Errors of the console and of scripts, and what the policy refused. */
  errors: string[];
  /** Hosts that were asked for anything. */
  hosts: Set<string>;
  close: () => Promise<void>;
};

export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 390, height: 844 };

/** A visit by a browser that knows nothing yet: no cookie, nothing stored. */
export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: WIDE,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...options,
  });
  const page = await context.newPage();
  const [errors, hosts] = [[] as string[], new Set<string>()];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // A refusal that the page expects and shows is told by the browser as well.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) errors.push(message.text());
  });
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol === "http:" || protocol === "https:") hosts.add(host);
  });
  return { page, errors, hosts, close: () => context.close() };
}

/** Signs in at an address of the console, with the Demo account's key or another. Resolves when the view's heading is there. */
export async function signIn(page: Page, url: string, key: string = DEMO_KEY): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Admin key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("h1").filter({ hasNotText: "Sign in" }).waitFor();
}

/** Waits until nothing on the page is loading any more, and the fonts are there. */
export async function settled(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.locator(".spinner, .stale").first().waitFor({ state: "detached" });
  await page.evaluate("document.fonts.ready");
}

/** A picture of the whole page, for people to look at. */
export async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: shotPath(name), fullPage: true });
}

/** What axe finds that is serious or worse: the rule and where. */
export async function axeFindings(page: Page): Promise<string[]> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axeSource());
  const { violations } = (await page.evaluate("axe.run()")) as {
    violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")} ${failureSummary}`),
    );
}
