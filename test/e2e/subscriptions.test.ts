import { afterAll, beforeAll, describe, test } from "vitest";
import { ask, get, insist } from "./support/api.ts";
import {
  crashAndStart,
  newStateFolder,
  removeStateFolder,
  startTanso,
  stopTanso,
  type Tanso,
} from "./support/tanso.mjs";

/** A subscription's life across a server that is killed between its steps and in the middle of one. */

const state = newStateFolder();
const BEGINS = "2027-01-31T09:00:00.000Z";
const A_YEAR_LATER = "2028-01-31T09:00:00.000Z";
/** More than are advanced at the same time, so that there is a middle to be killed in. */
const CUSTOMERS = 120;

let tanso: Tanso;
let planId: string;
beforeAll(async () => {
  tanso = await startTanso(state);
  const feature = await made("/api/v1/monetization/features", { key: "search", name: "Search" });
  planId = await made("/api/v1/monetization/plans", { key: "ten", name: "Ten", description: "Ten.", priceAmount: 10 });
  const pricing = { model: "usage", price_per_unit: 0.03 };
  await made("/api/v1/monetization/rules/plan-features", { planId, featureId: feature, value: { pricing } });
  await ask(tanso, "PATCH", `/api/v1/monetization/plans/${planId}`, { status: "ACTIVE" });
});
afterAll(async () => {
  await stopTanso(tanso);
  removeStateFolder(state);
});

async function kill(): Promise<void> {
  tanso = await crashAndStart(tanso);
}

/** Makes a thing; answers its id. */
async function made(path: string, thing: object): Promise<string> {
  const { status, data } = await ask(tanso, "POST", path, thing);
  if (status !== 201) throw new Error(`POST ${path} answers ${status}`);
  return (data as { id: string }).id;
}

/** Customers that live by a test clock of their own; answers the clock's id. */
async function onClock(references: readonly string[]): Promise<string> {
  const testClockId = await made("/api/v1/test-clocks", { frozenTime: BEGINS });
  const join = (customerReferenceId: string) =>
    made("/api/v1/client/customers", { customerReferenceId, email: "a@example.com", testClockId });
  await Promise.all(references.map(join));
  return testClockId;
}

type Subscribed = { subscription: { id: string }; invoice: { id: string } };

/** Puts customers on the plan. They may pay more than a year later: nobody of them is suspended meanwhile. */
function subscribe(references: readonly string[]): Promise<Subscribed[]> {
  return Promise.all(
    references.map(async (customerReferenceId) => {
      const body = { customerReferenceId, planId: "ten", gracePeriod: 400 };
      const { status, data } = await ask(tanso, "POST", "/api/v1/client/subscriptions", body);
      if (status !== 201) throw new Error(`subscribing answers ${status}`);
      return data as Subscribed;
    }),
  );
}

async function pay(subscribed: readonly Subscribed[]): Promise<void> {
  const payment = async ({ invoice }: Subscribed) => {
    const { status } = await ask(tanso, "POST", `/api/v1/client/billing/invoices/${invoice.id}/mark-paid`);
    if (status !== 200) throw new Error(`paying answers ${status}`);
  };
  await Promise.all(subscribed.map(payment));
}

async function use(references: readonly string[]): Promise<void> {
  const events = references.map((customerReferenceId) => {
    const event = { eventName: "search", eventIdempotencyKey: "search-1", customerReferenceId, featureKey: "search" };
    return { ...event, usageUnits: 115 };
  });
  const { data } = await ask(tanso, "POST", "/api/v1/client/events/batch", { events });
  if ((data as { accepted: number }).accepted !== references.length) throw new Error("an event was not taken");
}

type Invoice = {
  subscription: object;
  id: string;
  number?: string;
  buyer: object;
  items: { id: string; invoiceId: string }[];
};

/** A customer's invoices, oldest first, without what names the customer. */
async function invoices(reference: string): Promise<object[]> {
  const { data } = await get(tanso, `/api/v1/client/billing/invoices/${reference}`);
  return (data as { items: Invoice[] }).items
    .toReversed()
    .map(({ id: _, number: __, buyer, subscription, items, ...invoice }) => ({
      ...invoice,
      buyer: { ...buyer, referenceId: "" },
      subscription: { ...subscription, id: "", customer: {} },
      items: items.map(({ id: ___, invoiceId: ____, ...line }) => line),
    }));
}

/** The numbers of all invoices of the account, in order. */
async function numbersOfAll(): Promise<string[]> {
  const numbers: string[] = [];
  for (let offset = 0, more = true; more; offset += 200) {
    const { data } = await get(tanso, `/api/v1/monetization/billing/invoices?limit=200&offset=${offset}`);
    const { items, pagination } = data as { items: Invoice[]; pagination: { hasMore: boolean } };
    numbers.push(...items.flatMap(({ number }) => number ?? []));
    more = pagination.hasMore;
  }
  return numbers.sort();
}

describe("holds", () => {
  test("killed between steps and amid a year's advance, the invoices are those of an undisturbed life", {
    timeout: 240_000,
  }, async ({ expect }) => {
    const calmClock = await onClock(["calm"]);
    await pay(await subscribe(["calm"]));
    await use(["calm"]);
    const advance = (clock: string) => `/api/v1/test-clocks/${clock}/advance`;
    expect(await ask(tanso, "POST", advance(calmClock), { frozenTime: A_YEAR_LATER })).toMatchObject({
      status: 200,
      data: { settled: { customers: 1, periods: 12, invoices: 12 } },
    });
    const undisturbed = await invoices("calm");
    expect(undisturbed).toHaveLength(13);
    expect(undisturbed[1]).toMatchObject({ amount: 13.45, status: "DUE", dueDate: "2027-02-28T09:00:00.000Z" });

    const torn = Array.from({ length: CUSTOMERS }, (_, index) => `torn-${index}`);
    const clock = await onClock(torn);
    const subscribed = await subscribe(torn);
    await kill();
    // What was answered is there: subscribing again answers the same subscription and invoice.
    const ids = ({ subscription, invoice }: Subscribed) => `${subscription.id} ${invoice.id}`;
    expect((await subscribe(torn)).map(ids)).toEqual(subscribed.map(ids));
    await pay(subscribed);
    await use(torn);
    await kill();

    // Killed sooner or later, until it hit the advance when some had arrived and others had not.
    let arrived = 0;
    for (let delayMs = 100; arrived === 0; delayMs *= 1.4) {
      const advanced = ask(tanso, "POST", advance(clock), { frozenTime: A_YEAR_LATER });
      const outcome = advanced.then(
        ({ status }) => `answered ${status}`,
        () => "no answer",
      );
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await kill();
      expect(await outcome).toBe("no answer");
      const counts = await Promise.all(torn.map(async (reference) => (await invoices(reference)).length));
      for (const count of counts) expect([1, 13]).toContain(count);
      arrived = counts.filter((count) => count === 13).length;
    }
    expect(arrived).toBeLessThan(CUSTOMERS);

    const again = await insist(tanso, "POST", advance(clock), { frozenTime: A_YEAR_LATER });
    expect(again).toMatchObject({ status: 200, data: { frozenTime: A_YEAR_LATER } });
    for (const reference of torn) expect(await invoices(reference), reference).toEqual(undisturbed);
    // The copies in D1 as well, for which no object answered.
    const copies = async () => {
      const { data } = await get(tanso, "/api/v1/monetization/billing/invoices?status=DUE&limit=1");
      return (data as { pagination: { total: number } }).pagination.total;
    };
    await expect.poll(copies, { timeout: 60_000 }).toBe(12 * (CUSTOMERS + 1));
    // However often the server died, each invoice has one number, and none is missing.
    const numbers = await numbersOfAll();
    expect(numbers).toEqual(numbers.map((_, at) => `INV-${String(at + 1).padStart(6, "0")}`));
    expect(numbers).toHaveLength(13 * (CUSTOMERS + 1));
  });
});
