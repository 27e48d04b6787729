import { describe, inject, test } from "vitest";
import { DEMO_KEY, type Figures, get, totals } from "./support/api.ts";
import { newStateFolder, removeStateFolder, run } from "./support/tanso.mjs";

/** The Demo account: what a first start shows to somebody who has no data yet. */

const shared = inject("tanso");
const DAY_MS = 86_400_000;

type Customer = Figures & { customerReferenceId: string; customerName: string };

function range(fromDaysAgo: number, toDaysAgo: number): string {
  const at = (days: number) => new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - days * DAY_MS).toISOString();
  return `start=${at(fromDaysAgo)}&end=${at(toDaysAgo)}`;
}

async function customers(query: string): Promise<Map<string, Customer>> {
  const { data } = await get(shared, `/api/v1/analytics/customers?limit=200&${query}`);
  const { items } = data as { items: Customer[] };
  return new Map(items.map((item) => [item.customerReferenceId, item]));
}

/** The seed ends at midnight UTC of its day; a day more on both sides lets midnight pass while the tests run. */
const SEEDED = range(62, 0);

describe("does", () => {
  test("about 20,000 events of 12 named customers arrive in the analytics", async ({ expect }) => {
    await expect.poll(async () => (await totals(shared, SEEDED)).events, { timeout: 60_000 }).toBeGreaterThan(18_000);
    const found = await customers(SEEDED);
    expect(found.size).toBe(12);
    for (const { customerName } of found.values()) expect(customerName).toMatch(/^\S+ \S+$/);
  });

  test("one customer loses money, one has gone, and some costs are unknown", async ({ expect }) => {
    const found = await customers(SEEDED);
    const losing = [...found.values()].filter(({ margin }) => margin < 0);
    expect(losing.map(({ customerReferenceId }) => customerReferenceId)).toEqual(["ember-games"]);
    const lately = await customers(range(14, 0));
    expect([...found.keys()].filter((reference) => !lately.has(reference))).toEqual(["granite-bank"]);
    expect((await totals(shared, SEEDED)).costUnknownEvents).toBeGreaterThan(100);
  });
});

describe("holds", () => {
  test("a seed that ran already changes nothing", async ({ expect }) => {
    const before = await totals(shared, SEEDED);
    // A state folder of its own: it has no note that the seed is done, only the same day.
    const state = newStateFolder();
    const { status, output } = await run("seed.mjs", ["--url", shared.url, "--key", DEMO_KEY, "--state", state]);
    removeStateFolder(state);
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining("12 customers") });
    expect(await totals(shared, SEEDED)).toEqual(before);
  });
});
