import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { ask } from "../../e2e/support/api.ts";
import { launchBrowser } from "./browser.ts";
import { type Visit, visit } from "./visit.ts";

/** One browser for a test file. Returns how to visit with it; each visit is closed after its test. */
export function visits(): (options?: BrowserContextOptions) => Promise<Visit> {
  let browser: Browser;
  const open: Visit[] = [];
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    for (const visited of open.splice(0)) await visited.close();
  });
  afterAll(() => browser.close());
  return async (options = {}) => {
    const visited = await visit(browser, options);
    open.push(visited);
    return visited;
  };
}

/** What a call of the Demo account answers; throws what is refused, since a test that prepares something needs it. */
export async function made<T>(
  tanso: { url: string },
  method: "GET" | "POST" | "PATCH",
  path: string,
  body?: unknown,
): Promise<T> {
  const { status, data } = await ask(tanso, method, path, body);
  if (status >= 300) throw new Error(`${method} ${path} answers ${status}`);
  // The contract's shape of this call, as the caller names it.
  return data as T;
}

/** A customer of one's own: nobody else's test looks at it. */
export async function customer(tanso: { url: string }, reference: string, testClockId?: string): Promise<string> {
  const email = `${reference}@browser.test`;
  const body = { customerReferenceId: reference, email, firstName: reference, testClockId };
  return (await made<{ id: string }>(tanso, "POST", "/api/v1/client/customers", body)).id;
}
