import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

const HAS_PACKAGE = process.platform === "linux" && process.arch === "x64";

/**
 * Unpacks the Chromium of the package, once for all files: whoever comes while another unpacks it finds half of a browser, and takes it for
 * a whole one.
 */
export async function unpackBrowser(): Promise<void> {
  if (HAS_PACKAGE) await chromium.executablePath();
}

/**
 * A real Chromium. On Linux the one inside an npm package, so that `npm ci` is all it takes; elsewhere the Chrome that is installed.
 * Without either the tests fail and say so: skipped tests would look like passed ones.
 */
export async function launchBrowser(): Promise<Browser> {
  try {
    if (!HAS_PACKAGE) return await playwright.launch({ channel: "chrome" });
    // One process for everything is for small machines elsewhere: there the whole browser ends with its first page.
    const args = chromium.args.filter((arg) => arg !== "--single-process");
    return await playwright.launch({ executablePath: await chromium.executablePath(), args });
  } catch (error) {
    const where = HAS_PACKAGE ? "The Chromium of @sparticuz/chromium does not start" : "No Chrome is installed here";
    throw new Error(`${where}, and the console's tests need one: ${String(error)}`);
  }
}
