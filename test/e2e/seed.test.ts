import { beforeAll, describe, inject, test } from "vitest";
import { ask, DEMO_KEY, type Figures, get, totals } from "./support/api.ts";
import { seededTanso } from "./support/seeded.ts";
import { newStateFolder, removeStateFolder, run } from "./support/tanso.mjs";

/** The Demo account: what a first start shows to somebody who has no data yet. */

const { output } = inject("firstStart");
const shared = await seededTanso();
const DAY_MS = 86_400_000;

type Customer = Figures & { customerReferenceId: string; customerName: string };

function range(fromDaysAgo: number, toDaysAgo: number): string {
  const at = (days: number) => new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - days * DAY_MS).toISOString();
  return `start=${at(fromDaysAgo)}&end=${at(toDaysAgo)}`;
}

async function customers(query: string): Promise<Map<string, Customer>> {
  const { data } = await get(shared, `/api/v1/analytics/customers?limit=200&${query}`);
  const { items } = data as { items: Customer[] };
  // Who pays without using anything stands there too.
  const using = items.filter(({ events }) => events > 0);
  return new Map(using.map((item) => [item.customerReferenceId, item]));
}

type Subscription = {
  status: string;
  plan: { key: string };
  customer: { customerReferenceId: string };
  currentPeriodEnd: string;
  cancelEffectiveAt?: string;
  scheduledChange?: object;
};

/** All of a list of the account; it fits a page. */
async function all<Item = object>(path: string): Promise<Item[]> {
  const { data } = await get(shared, `${path}?limit=200`);
  const { items, pagination } = data as { items: Item[]; pagination: { hasMore: boolean } };
  if (pagination.hasMore) throw new Error(`${path} is longer than a page`);
  return items;
}

function subscriptions(): Promise<Subscription[]> {
  return all<Subscription>("/api/v1/monetization/subscriptions");
}

/** What a check of a customer's chat says. */
async function chat(reference: string): Promise<unknown> {
  return (await get(shared, `/api/v1/client/entitlements/${reference}/ai.chat`)).data;
}

/** An entitlement that says no. */
function because(code: string) {
  return { allowed: false, meta: { reason: { code } } };
}

/** What evaluate says of that many translations of a customer. */
async function translations(customerReferenceId: string, usageUnits: number, model?: string): Promise<unknown> {
  const usage = { usageUnits, ...(model === undefined ? {} : { model }) };
  const asked = { customerReferenceId, featureKey: "ai.translate", usage };
  return (await ask(shared, "POST", "/api/v1/client/entitlements", asked)).data;
}

/** Who buys credits. */
const WITH_CREDITS = ["demo-user", "nova-retail", "onyx-press", "pico-health", "quill-travel"];

/** The ledger of a customer's credit pool. */
async function ledgerOf(reference: string): Promise<object[]> {
  const { id } = await poolOf(reference);
  return all(`/api/v1/client/credits/${reference}/pools/${id}/transactions`);
}

/** The credit pool of a customer. */
async function poolOf(reference: string): Promise<{ id: string; status: string; balance: number }> {
  const { data } = await get(shared, `/api/v1/client/credits/${reference}/pools`);
  const [pool] = (data as { items: { id: string; status: string; balance: number }[] }).items;
  if (pool === undefined) throw new Error(`${reference} has no pool`);
  return pool;
}

/** The seed ends at midnight UTC of its day; a day more on both sides lets midnight pass while the tests run. */
const SEEDED = range(62, 0);

/** Events as the start counted them. */
const TOLD = /The Demo account is filled: 27 customers, 6 plans, 24 subscriptions, ([\d,]+) events of 60 days\./;

describe("does", () => {
  let eventCount: number;
  beforeAll(() => {
    eventCount = Number(TOLD.exec(output)?.[1]?.replaceAll(",", ""));
  });

  test("about 20,000 events of 20 named customers arrive in the analytics", async ({ expect }) => {
    expect(eventCount).toBeGreaterThan(18_000);
    const arrived = async () => (await totals(shared, SEEDED)).events;
    await expect.poll(arrived, { timeout: 60_000 }).toBeGreaterThanOrEqual(eventCount);
    const found = await customers(SEEDED);
    expect(found.size).toBe(20);
    for (const { customerName } of found.values()) expect(customerName).toMatch(/^\S+ \S/);
  });

  test("one customer loses money, two have gone, and some costs are unknown", async ({ expect }) => {
    const found = await customers(SEEDED);
    const losing = [...found.values()].filter(({ margin }) => margin < 0);
    expect(losing.map(({ customerReferenceId }) => customerReferenceId)).toEqual(["ember-games"]);
    const lately = await customers(range(14, 0));
    expect([...found.keys()].filter((reference) => !lately.has(reference)).sort()).toEqual([
      "granite-bank",
      "heron-labs",
    ]);
    expect((await totals(shared, SEEDED)).costUnknownEvents).toBeGreaterThan(100);
  });

  test("plans are sold: free, by usage in arrears, by the month, by the year, and by credits", async ({ expect }) => {
    const { data } = await get(shared, "/api/v1/client/plans");
    const { items } = data as { items: { plan: object }[] };
    expect(items.map(({ plan }) => plan)).toMatchObject([
      { key: "developer_demo", priceAmount: 0, intervalMonths: 1, billingTiming: "IN_ADVANCE" },
      { key: "free", priceAmount: 0, intervalMonths: 1, billingTiming: "IN_ADVANCE" },
      { key: "usage-only", priceAmount: 0, intervalMonths: 1, billingTiming: "IN_ARREARS" },
      { key: "credits-monthly", priceAmount: 49, intervalMonths: 1, billingTiming: "IN_ADVANCE" },
      { key: "pro-monthly", priceAmount: 49, intervalMonths: 1, billingTiming: "IN_ADVANCE" },
      { key: "pro-annual", priceAmount: 490, intervalMonths: 12, billingTiming: "IN_ADVANCE" },
    ]);
  });

  test("there are subscriptions in every state, and to every plan", async ({ expect }) => {
    const found = await subscriptions();
    const told = found.map(({ customer, plan, status }) => `${customer.customerReferenceId} ${plan.key} ${status}`);
    expect(told.sort()).toEqual([
      "atlas-robotics pro-annual ACTIVE",
      "beacon-search usage-only ACTIVE",
      "bluefin pro-annual ACTIVE",
      "cedar-health usage-only ACTIVE",
      "cobalt-media pro-monthly ACTIVE",
      "delta-legal pro-monthly ACTIVE",
      "demo-user developer_demo ACTIVE",
      "dune-analytics pro-monthly SUSPENDED",
      "elm-education pro-monthly ACTIVE",
      "ember-games free ACTIVE",
      "fjord-shipping pro-monthly CANCELLED",
      "foxglove free ACTIVE",
      "glade-finance pro-annual ACTIVE",
      "granite-bank pro-monthly CANCELLED",
      "harbor-dev pro-monthly ACTIVE",
      "heron-labs pro-monthly CANCELLED",
      "indigo-retail credits-monthly ACTIVE",
      "iris-media pro-monthly INCOMPLETE",
      "maple-travel pro-monthly SUSPENDED",
      "northwind pro-monthly ACTIVE",
      "nova-retail credits-monthly ACTIVE",
      "onyx-press credits-monthly ACTIVE",
      "pico-health credits-monthly ACTIVE",
      "quill-travel credits-monthly ACTIVE",
    ]);
  });

  test("there are six months of invoices, in every state, and each comes to the same when it is made again", async ({
    expect,
  }) => {
    type Invoice = {
      status: string;
      number?: string;
      createdAt: string;
      paidAt?: string;
      buyer?: { name: string };
      seller?: { name: string };
      items: { kind: string; lateQuantity?: number }[];
    };
    const invoices = await all<Invoice>("/api/v1/monetization/billing/invoices");
    expect([...new Set(invoices.map(({ status }) => status))].sort()).toEqual([
      "CANCELLED",
      "DUE",
      "PAID",
      "PAST_DUE",
      "PENDING",
      "VOID",
    ]);
    const months = new Set(invoices.map(({ createdAt }) => createdAt.slice(0, 7)));
    expect(months.size).toBeGreaterThanOrEqual(6);
    const numbers = invoices.flatMap(({ number }) => number ?? []).sort();
    expect(numbers).toEqual(numbers.map((_, at) => `INV-${String(at + 1).padStart(6, "0")}`));
    const buyers = invoices.map(({ buyer }) => buyer?.name);
    expect(buyers).toEqual(expect.arrayContaining(["云杉 科技有限公司", "Wiąz Edukacja Sp. z o.o."]));
    expect(invoices.some(({ items }) => items.some(({ lateQuantity = 0 }) => lateQuantity > 0))).toBe(true);
    const { data } = await ask(shared, "POST", "/api/v1/monetization/billing/verify", { limit: 200 });
    expect(data).toMatchObject({ invoices: invoices.length, differing: [], unfinished: [] });
  });

  test("one ends and one changes to less, each when its period ends", async ({ expect }) => {
    const live = (await subscriptions()).filter(({ status }) => status !== "CANCELLED");
    const leaving = live.filter(({ cancelEffectiveAt }) => cancelEffectiveAt !== undefined);
    expect(leaving).toMatchObject([
      { customer: { customerReferenceId: "delta-legal" }, cancelEffectiveAt: leaving[0]?.currentPeriodEnd },
    ]);
    const saving = live.filter(({ scheduledChange }) => scheduledChange !== undefined);
    const change = { type: "DOWNGRADE", status: "PENDING", toPlan: { key: "free" } };
    expect(saving).toMatchObject([
      {
        customer: { customerReferenceId: "harbor-dev" },
        scheduledChange: { ...change, effectiveAt: saving[0]?.currentPeriodEnd },
      },
    ]);
  });

  test("one customer is near its limit, and whoever has no access is told why", async ({ expect }) => {
    expect(await chat("foxglove")).toMatchObject({ allowed: true, usage: { used: 97, limit: 100, remaining: 3 } });
    expect(await chat("iris-media")).toMatchObject(because("SUBSCRIPTION_INACTIVE"));
    expect(await chat("maple-travel")).toMatchObject(because("SUBSCRIPTION_SUSPENDED"));
    expect(await chat("cedar-health")).toMatchObject(because("FEATURE_NOT_IN_PLAN"));
    expect(await chat("granite-bank")).toMatchObject(because("NO_SUBSCRIPTION"));
    const { data } = await get(shared, "/api/v1/client/billing/invoices/maple-travel");
    expect(data).toMatchObject({ items: [{ status: "PAST_DUE" }, { status: "PAID" }] });
  });
});

describe("does with credits", () => {
  test("one customer is well", async ({ expect }) => {
    const rollover = { rolloverPolicy: "CAPPED", rolloverCap: 500 };
    const pool = { status: "ACTIVE", hardLimit: true, balance: 880, totalGranted: 1000, ...rollover };
    expect(await poolOf("quill-travel")).toMatchObject(pool);
    expect(await translations("quill-travel", 880)).toMatchObject({ allowed: true });
  });

  test("one is nearly dry: twelve translations more pass, thirteen do not", async ({ expect }) => {
    expect(await poolOf("nova-retail")).toMatchObject({ status: "ACTIVE", balance: 12 });
    expect(await translations("nova-retail", 12)).toMatchObject({ allowed: true });
    expect(await translations("nova-retail", 13)).toMatchObject(because("CREDIT_LIMIT_REACHED"));
  });

  test("one is frozen: nothing passes, though there is enough", async ({ expect }) => {
    expect(await poolOf("onyx-press")).toMatchObject({ status: "FROZEN", balance: 960 });
    expect(await translations("onyx-press", 1)).toMatchObject(because("CREDIT_POOL_FROZEN"));
  });

  test("one has promotional credits that expire in three days, and are used first", async ({ expect }) => {
    const { id } = await poolOf("pico-health");
    const { data } = await get(shared, `/api/v1/client/credits/pico-health/pools/${id}/grants`);
    const { items } = data as { items: { grantType: string; createdAt: string; expiresAt?: string }[] };
    expect(items).toMatchObject([
      { grantType: "PLAN_INCLUDED", amount: 1000, remaining: 1000 },
      { grantType: "PROMOTIONAL", amount: 200, remaining: 125, description: "Welcome" },
    ]);
    const [plan, promotion] = items;
    expect(plan).not.toHaveProperty("expiresAt");
    const daysLeft = (Date.parse(promotion?.expiresAt ?? "") - Date.now()) / DAY_MS;
    expect(daysLeft).toBeGreaterThan(2.9);
    expect(daysLeft).toBeLessThanOrEqual(3);
  });

  test("a translation burns by its model, and a credit has a price", async ({ expect }) => {
    // Weights and prices take effect some seconds after the seed published them.
    const quoteOf = async (model?: string) => {
      const { creditQuote } = (await translations("quill-travel", 1, model)) as { creditQuote?: object };
      return creditQuote;
    };
    const price = { pricePerCredit: 0.1, currency: "USD" };
    await expect
      .poll(() => quoteOf("gpt-4o"), { timeout: 30_000 })
      .toMatchObject({ weight: 2.5, weightMatch: "MODEL", estimatedCredits: 2.5, estimatedCost: 0.25, ...price });
    expect(await quoteOf()).toMatchObject({ weight: 1, weightMatch: "FEATURE_DEFAULT", ...price });
  });
});

describe("does for the customer of the quickstart: five calls pass, the sixth is refused", () => {
  type Round = { check: unknown; evaluated: unknown; sent: { status: number; data: unknown } };
  /** Before each of six calls both questions are asked; then it is sent. */
  const rounds: Round[] = [];
  beforeAll(async () => {
    const call = { customerReferenceId: "demo-user", featureKey: "ai.chat" };
    for (const eventIdempotencyKey of ["1", "2", "3", "4", "5", "6"]) {
      const check = await chat("demo-user");
      const asked = { ...call, usage: { usageUnits: 1 } };
      const { data: evaluated } = await ask(shared, "POST", "/api/v1/client/entitlements", asked);
      const event = { ...call, eventName: "chat", eventIdempotencyKey, usageUnits: 1 };
      rounds.push({ check, evaluated, sent: await ask(shared, "POST", "/api/v1/client/events", event) });
    }
  });
  /** What each round was told about what was left, and that the last one was told no. */
  const answers = [5, 4, 3, 2, 1].map((balance) => ({ allowed: true, credit: { balance, hardLimit: true } }));
  const refused = { ...because("CREDIT_LIMIT_REACHED"), credit: { balance: 0, hardLimit: true } };

  test("by the check", ({ expect }) => {
    expect(rounds.map(({ check }) => check)).toMatchObject([...answers, refused]);
  });

  test("by evaluate", ({ expect }) => {
    expect(rounds.map(({ evaluated }) => evaluated)).toMatchObject([...answers, refused]);
  });

  test("by the event itself, which leaves nothing behind", async ({ expect }) => {
    expect(rounds.map(({ sent }) => sent)).toMatchObject([
      ...[4, 3, 2, 1, 0].map((remainingBalance) => ({ status: 201, data: { creditsDeducted: 1, remainingBalance } })),
      { status: 409 },
    ]);
    const pool = await poolOf("demo-user");
    expect(pool).toMatchObject({ denomination: "AI_CREDITS", status: "DEPLETED", balance: 0, totalConsumed: 5 });
    expect(await ledgerOf("demo-user")).toHaveLength(6);
  });
});

describe("holds", () => {
  test("a seed that ran already changes nothing", async ({ expect }) => {
    const now = async () => ({
      sums: await totals(shared, SEEDED),
      customers: await all("/api/v1/monetization/customers"),
      features: await all("/api/v1/monetization/features"),
      plans: await all("/api/v1/monetization/plans"),
      subscriptions: await subscriptions(),
      invoices: await all("/api/v1/monetization/billing/invoices"),
      clocks: await all("/api/v1/test-clocks"),
      pools: await Promise.all(WITH_CREDITS.map(poolOf)),
      ledgers: await Promise.all(WITH_CREDITS.map(ledgerOf)),
      weights: await all("/api/v1/monetization/credits/weights"),
      prices: await all("/api/v1/monetization/credits/prices"),
    });
    const before = await now();
    const asked = await chat("foxglove");
    // A state folder of its own: it has no note that the seed is done, only the same day.
    const state = newStateFolder();
    const { status, output } = await run("seed.mjs", ["--url", shared.url, "--key", DEMO_KEY, "--state", state]);
    removeStateFolder(state);
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining("24 subscriptions") });
    expect(await now()).toEqual(before);
    expect(await chat("foxglove")).toMatchObject({ usage: (asked as { usage: object }).usage });
  });

  test("the books of every customer are right after all that was done to them", async ({ expect }) => {
    const { status, data } = await ask(shared, "POST", "/api/v1/monetization/books/verify", { limit: 200 });
    expect({ status, data }).toMatchObject({ status: 200, data: { broken: [], unfinished: [] } });
  });
});
