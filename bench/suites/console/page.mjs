import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../../../test/browser/support/browser.ts";

const ASSETS = fileURLToPath(new URL("../../../assets/console", import.meta.url));
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", woff2: "font/woff2" };

/**
 * Opens the console of an account in a browser, signed in, and lets `use` measure on its page. The engine that is measured has no
 * static assets, so the console's files come from where the build left them; its calls go to the engine.
 */
export async function withConsole(world, account, use) {
  const browser = await launchBrowser();
  try {
    // The machine decides neither the language nor the zone: some have no language that a browser knows.
    const looks = { viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "UTC" };
    const page = await browser.newPage(looks);
    const origin = world.engine.addresses.engine;
    await page.route(`${origin}/console**`, serve);
    await page.addInitScript(watchFrames);
    await page.goto(`${origin}/console`);
    await page.getByLabel("Admin key").fill(account.key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    return await use(page, `${origin}/console`);
  } finally {
    await browser.close();
  }
}

/** Views and files from the build; sessions, which lie below the same path, from the engine. */
function serve(route) {
  const { pathname } = new URL(route.request().url());
  if (pathname.startsWith("/console/session")) return route.continue();
  const name = pathname.startsWith("/console/files/") ? join("files", basename(pathname)) : "index.html";
  return route.fulfill({
    body: readFileSync(join(ASSETS, name)),
    headers: { "Content-Type": TYPES[name.split(".").at(-1)] ?? "application/octet-stream" },
  });
}

/** Runs in the page before its own scripts: notes each frame, and whether anything on it still loads. */
function watchFrames() {
  window.framesSeen = [];
  const tick = (atMs) => {
    const isLoading = document.querySelector(".spinner, .stale, .sign-in") !== null;
    window.framesSeen.push({ atMs, isLoading, charts: document.querySelectorAll("canvas").length });
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

/** The share `share` of sorted numbers lies at or below it. */
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(numbers) {
  return percentile(numbers, 0.5);
}
