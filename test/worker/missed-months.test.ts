import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { runScheduled } from "../../src/scheduled.ts";
import {
  customer,
  type Invoice,
  invoicesOf,
  ok,
  pay,
  read,
  type Subscription,
  sell,
  subscribe,
} from "../support/sale.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

/**
 * Customers whom nobody woke: their alarms are dropped and their objects evicted, so nothing is left but what is stored. The cron
 * finds them in D1, and what it makes of them is read from D1, before anybody asks them.
 */

const OPERATOR = "/api/v1/monetization/billing/invoices";

afterEach(() => {
  vi.useRealTimers();
});

/** Nothing rings any more, and nothing is remembered but what is stored. */
async function forgotten(world: World, customerId: string): Promise<void> {
  const object = world.object(customerId);
  await runInDurableObject(object, (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(object);
}

async function cronAt(instant: string): Promise<void> {
  clockAt(instant);
  await runScheduled(env, at(instant));
}

/** What D1 tells of all invoices that are more than announced, in the order of their making. */
async function told(world: World): Promise<string[]> {
  const { items } = await ok(world.call<{ items: Invoice[] }>("GET", `${OPERATOR}?limit=200`));
  return items
    .filter(({ status }) => status !== "PENDING")
    .toSorted((a, b) => a.id.localeCompare(b.id))
    .map(({ number = "-", status, amount, periodStart, periodEnd, dueDate }) =>
      [
        number,
        status,
        amount,
        `${periodStart.slice(0, 10)}/${periodEnd.slice(0, 10)}`,
        `due ${dueDate.slice(0, 16)}`,
      ].join(" "),
    );
}

type Sold = { world: World; customerId: string; subscription: Subscription };

/** `ada` on a plan since the 15th of January, its first invoice paid, 10 units used; then nobody comes back to her. */
async function sold(priceAmount: number, gracePeriod = 3): Promise<Sold> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld();
  const customerId = await customer(world);
  await sell(world, "plan", { priceAmount }, { pricing: { model: "usage", price_per_unit: 0.1 } });
  const body = { customerReferenceId: "ada", planId: "plan", gracePeriod };
  const { subscription, invoice } = await ok(
    world.call<{ subscription: Subscription; invoice: Invoice }>("POST", "/api/v1/client/subscriptions", body),
  );
  if (!subscription.isActive) await ok(pay(world, invoice.id));
  await ok(world.event({ customerReferenceId: "ada", featureKey: "chat.plan", usageUnits: 10 }));
  await world.flush(customerId);
  return { world, customerId, subscription };
}

const WOKEN = "2028-03-20T09:00:00Z";

/** The 15th of a month, counted from January 2027. */
const day = (month: number): string => new Date(Date.UTC(2027, month, 15)).toISOString().slice(0, 10);

describe("does", () => {
  test("14 missed months of a free plan with usage: one invoice for what was used, and a period for today", async ({
    expect,
  }) => {
    const { world, customerId, subscription } = await sold(0);
    await forgotten(world, customerId);
    await cronAt(WOKEN);
    expect(await told(world)).toEqual([
      "- PAID 0 2027-01-15/2027-02-15 due 2027-01-15T10:00",
      "INV-000001 DUE 1 2027-01-15/2027-02-15 due 2028-03-20T09:00",
    ]);
    expect(await read(world, subscription)).toMatchObject({
      status: "ACTIVE",
      currentPeriodStart: "2028-03-15T10:00:00.000Z",
      currentPeriodEnd: "2028-04-15T10:00:00.000Z",
    });
    // Who was not asked to pay has the whole window from now on.
    clockAt("2028-03-23T08:59:59.999Z");
    expect((await read(world, subscription)).status).toBe("ACTIVE");
    clockAt("2028-03-23T09:00:00Z");
    expect((await read(world, subscription)).status).toBe("SUSPENDED");
  });

  test("14 missed months with 400 days of grace: fourteen invoices in order, each once, asked for now", async ({
    expect,
  }) => {
    const { world, customerId, subscription } = await sold(10, 400);
    await forgotten(world, customerId);
    await cronAt(WOKEN);
    const missed = Array.from({ length: 14 }, (_, month) => {
      const number = `INV-${String(month + 2).padStart(6, "0")}`;
      return `${number} DUE ${month === 0 ? 11 : 10} ${day(month + 1)}/${day(month + 2)} due 2028-03-20T09:00`;
    });
    const all = ["INV-000001 PAID 10 2027-01-15/2027-02-15 due 2027-01-15T10:00", ...missed];
    expect(await told(world)).toEqual(all);
    expect((await read(world, subscription)).currentPeriodStart).toBe("2028-03-15T10:00:00.000Z");
    // Again by the cron, and asked of the customer herself: nothing more.
    await forgotten(world, customerId);
    await cronAt("2028-03-20T09:05:00Z");
    expect(await told(world)).toEqual(all);
    expect(await invoicesOf(world, "ada")).toHaveLength(15);
    clockAt("2029-04-24T08:59:59.999Z");
    expect((await read(world, subscription)).status).toBe("ACTIVE");
    clockAt("2029-04-24T09:00:00Z");
    expect((await read(world, subscription)).status).toBe("SUSPENDED");
  });

  test("14 missed months of somebody who was asked and did not pay: it stops after one period and its grace", async ({
    expect,
  }) => {
    const { world, customerId, subscription } = await sold(10);
    // The renewal comes in its time; from then on nobody wakes her.
    await cronAt("2027-02-15T10:06:00Z");
    await ok(world.event({ customerReferenceId: "ada", featureKey: "chat.plan", usageUnits: 5 }));
    await world.flush(customerId);
    await forgotten(world, customerId);
    await cronAt(WOKEN);
    expect(await told(world)).toEqual([
      "INV-000001 PAID 10 2027-01-15/2027-02-15 due 2027-01-15T10:00",
      "INV-000002 PAST_DUE 11 2027-02-15/2027-03-15 due 2027-02-15T10:00",
      // What was used before the suspension is asked for when the period is closed; nothing is charged for time without access.
      "INV-000003 DUE 0.5 2027-02-15/2027-03-15 due 2028-03-20T09:00",
    ]);
    expect(await read(world, subscription)).toMatchObject({
      status: "CANCELLED",
      currentPeriodEnd: "2027-03-15T10:00:00.000Z",
      endedAt: "2027-05-19T10:00:00.000Z",
    });
  });

  test("a first invoice that nobody paid ends with its subscription on its 30th day, whenever that is seen", async ({
    expect,
  }) => {
    clockAt("2027-01-15T10:00:00Z");
    const world = await newWorld();
    const customerId = await customer(world);
    await sell(world, "plan", { priceAmount: 10 });
    const { subscription } = await ok(subscribe(world, "ada", "plan"));
    await forgotten(world, customerId);
    await cronAt(WOKEN);
    expect(await told(world)).toEqual(["- CANCELLED 10 2027-01-15/2027-02-15 due 2027-01-15T10:00"]);
    expect(await read(world, subscription)).toMatchObject({ status: "CANCELLED", endedAt: "2027-02-14T10:00:00.000Z" });
  });
});

describe("holds", () => {
  const LATENESS: [late: string, woken: string, due: string, graceEnds: string][] = [
    ["an hour", "2027-02-15T11:00:00.000Z", "2027-02-15T10:00:00.000Z", "2027-02-18T10:00:00.000Z"],
    ["a millisecond more", "2027-02-15T11:00:00.001Z", "2027-02-15T11:00:00.001Z", "2027-02-18T11:00:00.001Z"],
  ];
  test.for(LATENESS)(
    "an invoice made %s after its instant has its payment window from then",
    async ([, woken, due, graceEnds], { expect }) => {
      const { world, customerId, subscription } = await sold(10);
      await forgotten(world, customerId);
      await cronAt(woken);
      const [renewal] = await invoicesOf(world, "ada");
      // Late or not, its period is the one that it is for.
      expect(renewal).toMatchObject({
        status: "DUE",
        dueDate: due,
        periodStart: "2027-02-15T10:00:00.000Z",
        periodEnd: "2027-03-15T10:00:00.000Z",
      });
      vi.setSystemTime(at(graceEnds) - 1);
      expect((await read(world, subscription)).status).toBe("ACTIVE");
      clockAt(graceEnds);
      expect((await read(world, subscription)).status).toBe("SUSPENDED");
    },
  );

  test("whoever asks first settles first: an answer does not wait for an alarm or a cron", async ({ expect }) => {
    const { world, customerId } = await sold(10, 400);
    await forgotten(world, customerId);
    clockAt(WOKEN);
    expect(await invoicesOf(world, "ada")).toHaveLength(15);
    // And what she settled is in D1 without anybody else's help once she has sent it.
    await world.flush(customerId);
    expect(await told(world)).toHaveLength(15);
  });

  test("the cron leaves alone whoever has nothing due, however often it comes", async ({ expect }) => {
    const { world, customerId } = await sold(10);
    await cronAt("2027-02-15T09:59:59.999Z");
    await cronAt("2027-02-15T10:00:00Z");
    expect(await told(world)).toHaveLength(1);
    const { rev } = await world.object(customerId).health();
    await cronAt("2027-02-15T10:04:00Z");
    expect((await world.object(customerId).health()).rev).toBe(rev);
  });
});
