import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, test, vi } from "vitest";
import { ada, check, correct, limited, offer, usage } from "../support/access.ts";
import { active, customer, type Invoice, invoicesOf, ok, pay, sell, subscribe } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Mistakes that engines like this one have made, seen from outside; by the name of what went wrong. Each test would fail with it. */

const CLIENT = "/api/v1/client/subscriptions";
const OPERATOR = "/api/v1/monetization/billing/invoices";

afterEach(() => {
  vi.useRealTimers();
});

type Changed = { subscription: { plan: { key: string } }; invoice?: Invoice };

function change(world: World, id: string, changeToPlanId: string, changeType = "UPGRADE", key?: string) {
  const headers: Record<string, string> = key === undefined ? {} : { "Idempotency-Key": key };
  return ok(world.call<Changed>("POST", `${CLIENT}/${id}/plan-change`, { changeToPlanId, changeType }, headers));
}

function uses(world: World, usageUnits: number, more: Record<string, unknown> = {}) {
  return ok(world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits, ...more }));
}

/** `ada` on `pro` for 10 a month and 0.10 a unit, paid, since the 15th of January. */
async function shop(): Promise<{ world: World; id: string }> {
  clockAt("2027-01-15T00:00:00Z");
  const world = await newWorld();
  const { subscription } = await ada(world, { chat: usage(0.1) }, { billingTiming: "IN_ADVANCE", priceAmount: 10 });
  return { world, id: subscription.id };
}

/** Pays the renewal that is due at an instant. */
async function paysAt(world: World, instant: string): Promise<void> {
  clockAt(instant);
  const [due] = await invoicesOf(world, "ada");
  await ok(pay(world, due?.id ?? ""));
}

const linesOf = ({ items }: Invoice) =>
  items.map(({ kind, chargeAmount, quantity }) => [kind, chargeAmount, ...(quantity === undefined ? [] : [quantity])]);

describe("holds", () => {
  test("a key for each period blocks a second lawful proration: each change is billed, a repeated request is not", async ({
    expect,
  }) => {
    const { world, id } = await shop();
    for (const [key, priceAmount] of [
      ["team", 20],
      ["max", 30],
    ] as const)
      await offer(world, key, { chat: usage(0.1) }, { billingTiming: "IN_ADVANCE", priceAmount });
    clockAt("2027-01-30T12:00:00Z");
    const first = await change(world, id, "team", "UPGRADE", "one");
    // The same difference in the same instant: only the caller's own key tells a repeat from a second change.
    const second = await change(world, id, "max", "UPGRADE", "two");
    expect(await change(world, id, "max", "UPGRADE", "two")).toEqual(second);
    expect(second.invoice?.id).not.toBe(first.invoice?.id);
    const [newest, older] = await invoicesOf(world, "ada");
    expect([newest, older].map((invoice) => [invoice?.id, invoice?.amount, invoice?.status])).toEqual([
      [second.invoice?.id, 5, "DUE"],
      [first.invoice?.id, 5, "DUE"],
    ]);
  });

  test("usage dated in a billed period is kept but never billed: it is on the next invoice, which says how much is late", async ({
    expect,
  }) => {
    const { world } = await shop();
    await paysAt(world, "2027-02-15T00:00:00Z");
    clockAt("2027-02-20T00:00:00Z");
    const receipt = await uses(world, 30, { occurredAt: "2027-02-14T23:59:59.999Z" });
    expect(receipt).toMatchObject({ metered: true, late: true, revenueAmount: 3 });
    clockAt("2027-03-15T00:00:00Z");
    const [due] = await invoicesOf(world, "ada");
    expect(due?.amount).toBe(13);
    expect(due?.items.find(({ kind }) => kind === "USAGE")).toMatchObject({
      quantity: 30,
      lateQuantity: 30,
      chargeAmount: 3,
    });
  });

  test("a wrong event can be withdrawn for a day only: a year later it is credit on the next invoice", async ({
    expect,
  }) => {
    const { world } = await shop();
    const wrong = await uses(world, 500);
    clockAt("2027-01-16T00:00:00Z");
    for (let month = 1; month <= 12; month += 1) await paysAt(world, new Date(Date.UTC(2027, month, 15)).toISOString());

    clockAt("2028-02-01T00:00:00Z");
    await ok(correct(world, wrong.eventId, { usageUnits: 5, reason: "wrong by two digits" }));
    clockAt("2028-02-15T00:00:00Z");
    const [due] = await invoicesOf(world, "ada");
    expect(due && linesOf(due)).toContainEqual(["CREDIT", -49.5, -495]);
    expect(due).toMatchObject({ status: "PAID", amount: 0 });
  });

  test("usage is lost between snapshots: an object that is evicted after every event bills what one does that never was", async ({
    expect,
  }) => {
    const bills: unknown[] = [];
    for (const isEvicted of [false, true]) {
      const { world } = await shop();
      const { customerId } = await uses(world, 1);
      for (const units of [2, 3, 4]) {
        await uses(world, units);
        if (isEvicted) await evictDurableObject(world.object(customerId));
      }
      await ok(correct(world, (await uses(world, 7)).eventId, { usageUnits: 5 }));
      if (isEvicted) await evictDurableObject(world.object(customerId));
      clockAt("2027-02-15T00:00:00Z");
      bills.push((await invoicesOf(world, "ada")).map(linesOf));
    }
    expect(bills[1]).toEqual(bills[0]);
    expect(bills[0]).toEqual([
      [
        ["USAGE", 1.5, 15],
        ["BASE", 10],
      ],
      [["BASE", 10]],
    ]);
  });

  test("east of UTC a period is billed twice, and an hour of summer time once more: only the instant counts", async ({
    expect,
  }) => {
    const { world } = await shop();
    await paysAt(world, "2027-02-15T00:30:00Z");
    // The same night in Kiritimati, in Honolulu and in UTC; the period ended at midnight UTC.
    await uses(world, 1, { occurredAt: "2027-02-15T13:59:59.999+14:00" });
    await uses(world, 2, { occurredAt: "2027-02-14T14:00:00-10:00" });
    await uses(world, 4, { occurredAt: "2027-02-15T00:00:00Z" });
    clockAt("2027-03-28T02:30:00Z");
    const renewals = (await invoicesOf(world, "ada")).filter(({ type }) => type === "REGULAR");
    expect(renewals.map(({ periodStart, periodEnd }) => [periodStart, periodEnd])).toEqual([
      ["2027-03-15T00:00:00.000Z", "2027-04-15T00:00:00.000Z"],
      ["2027-02-15T00:00:00.000Z", "2027-03-15T00:00:00.000Z"],
    ]);
    expect(renewals[0]?.items.find(({ kind }) => kind === "USAGE")).toMatchObject({ quantity: 7, lateQuantity: 1 });
  });

  test("a limit counts from sign-up when metering and from the period when checking: both ask one counter", async ({
    expect,
  }) => {
    clockAt("2027-01-15T00:00:00Z");
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    await uses(world, 10);
    expect(await uses(world, 1)).toMatchObject({ usageLimitExceeded: true });
    expect((await check(world, "chat")).data).toMatchObject({ allowed: false, usage: { used: 10, remaining: 0 } });
    clockAt("2027-02-15T00:00:00Z");
    expect((await check(world, "chat")).data).toMatchObject({ allowed: true, usage: { used: 0, remaining: 10 } });
    expect(await uses(world, 4)).toMatchObject({ metered: true, usageUnits: 4 });
    expect((await check(world, "chat")).data).toMatchObject({ allowed: true, usage: { used: 4, remaining: 6 } });
  });

  test("an upgrade that is not paid took the old access too: the new plan serves until its window ends", async ({
    expect,
  }) => {
    const { world, id } = await shop();
    await offer(world, "team", { chat: usage(0.1), voice: usage(1) }, { billingTiming: "IN_ADVANCE", priceAmount: 30 });
    clockAt("2027-01-30T12:00:00Z");
    const { invoice } = await change(world, id, "team");
    vi.setSystemTime(Date.parse("2027-02-02T12:00:00Z") - 1);
    for (const feature of ["chat", "voice"]) expect((await check(world, feature)).data.allowed).toBe(true);
    clockAt("2027-02-02T12:00:00Z");
    expect((await check(world, "chat")).data).toMatchObject({
      allowed: false,
      meta: { reason: { code: "SUBSCRIPTION_SUSPENDED" } },
    });
    await ok(pay(world, invoice?.id ?? ""));
    for (const feature of ["chat", "voice"]) expect((await check(world, feature)).data.allowed).toBe(true);
  });

  test("nobody can explain an upgrade's credit: each line states its formula and its dates", async ({ expect }) => {
    const { world, id } = await shop();
    await offer(world, "team", { chat: usage(0.1) }, { billingTiming: "IN_ADVANCE", priceAmount: 30 });
    clockAt("2027-01-30T12:00:00Z");
    const { invoice } = await change(world, id, "team");
    type Explained = {
      items: { formula: string; periodStart: string; periodEnd: string; plan: { key: string; version: number } }[];
      replay: unknown;
    };
    const explained = await ok(world.call<Explained>("GET", `${OPERATOR}/${invoice?.id}/explain`));
    const time = { periodStart: "2027-01-30T12:00:00.000Z", periodEnd: "2027-02-15T00:00:00.000Z" };
    expect(explained.items).toMatchObject([
      { ...time, plan: { key: "pro", version: 1 }, formula: expect.stringMatching(/10.*= -5\.00$/) },
      { ...time, plan: { key: "team", version: 1 }, formula: expect.stringMatching(/30.*= 15\.00$/) },
    ]);
    expect(explained.replay).toEqual({ matches: true });
  });

  test("clamping at 0 breaks the sum: what is used stays true beyond a smaller limit, and only the view stops at 0", async ({
    expect,
  }) => {
    clockAt("2027-01-15T00:00:00Z");
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: limited(100) }, { billingTiming: "IN_ADVANCE", priceAmount: 10 });
    const { eventId } = await uses(world, 15);
    await offer(world, "small", { chat: limited(10) }, { billingTiming: "IN_ADVANCE", priceAmount: 20 });
    await change(world, subscription.id, "small");
    expect((await check(world, "chat")).data).toMatchObject({
      allowed: false,
      usage: { used: 15, limit: 10, remaining: 0 },
    });
    // A sum that had been cut to the limit would say 4 here.
    await ok(correct(world, eventId, { usageUnits: 9 }));
    expect((await check(world, "chat")).data).toMatchObject({
      allowed: true,
      usage: { used: 9, limit: 10, remaining: 1 },
    });
  });

  test("a preview lacks a discount or a day: it is the change itself, credit and all", async ({ expect }) => {
    const { world, id } = await shop();
    await offer(world, "team", { chat: usage(0.1) }, { billingTiming: "IN_ADVANCE", priceAmount: 30 });
    await offer(
      world,
      "year",
      { chat: usage(0.1) },
      { billingTiming: "IN_ADVANCE", priceAmount: 90, intervalMonths: 12 },
    );
    // Credit that a plan she left gave back.
    await sell(world, "other", { priceAmount: 7 });
    const other = await active(world, "ada", "other");
    await ok(world.call("POST", `${CLIENT}/cancellation/${other.id}?cancelMode=IMMEDIATE`));
    for (const [instant, plan] of [
      ["2027-01-21T05:06:07.089Z", "team"],
      ["2027-02-03T04:05:06.078Z", "year"],
    ] as const) {
      clockAt(instant);
      const told = await ok(
        world.call<{ invoice: Invoice }>("POST", `${CLIENT}/${id}/plan-change/preview`, {
          changeToPlanId: plan,
          changeType: "UPGRADE",
        }),
      );
      const { invoice } = await change(world, id, plan);
      const facts = ({ amount, type, dueDate, periodStart, periodEnd, items }: Invoice) => ({
        amount,
        type,
        dueDate,
        periodStart,
        periodEnd,
        lines: items.map(({ kind, chargeAmount, description, periodStart: from, periodEnd: to }) => ({
          kind,
          chargeAmount,
          description,
          from,
          to,
        })),
      });
      expect(facts(told.invoice)).toEqual(facts(invoice as Invoice));
      if (invoice?.status === "DUE") await ok(pay(world, invoice.id));
    }
    const used = (await invoicesOf(world, "ada")).flatMap(({ items }) => items).filter(({ kind }) => kind === "CREDIT");
    expect(used.length).toBeGreaterThan(1);
  });

  test("voided or credited twice in a race: one request does it, the others find it done", async ({ expect }) => {
    const { world, id } = await shop();
    await sell(world, "other", { priceAmount: 4 });
    const other = await active(world, "ada", "other");
    await ok(world.call("POST", `${CLIENT}/cancellation/${other.id}?cancelMode=IMMEDIATE`));
    clockAt("2027-02-15T00:00:00Z");
    const [due] = await invoicesOf(world, "ada");
    expect(due).toMatchObject({ status: "DUE", amount: 6 });
    const voids = await Promise.all(Array.from({ length: 6 }, () => world.call("POST", `${OPERATOR}/${due?.id}/void`)));
    expect(voids.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    const balances = async () =>
      (await ok(world.call<{ balances: unknown }>("GET", "/api/v1/monetization/customers/ada/balance"))).balances;
    expect(await balances()).toEqual([{ currency: "USD", amount: 4 }]);
    // Money is given back once, however many end the subscription at once.
    const ends = await Promise.all(
      Array.from({ length: 4 }, () => world.call("POST", `${CLIENT}/cancellation/${id}?cancelMode=IMMEDIATE`)),
    );
    expect(ends.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await invoicesOf(world, "ada")).filter(({ type }) => type === "CREDIT")).toHaveLength(1);
    expect(await balances()).toEqual([{ currency: "USD", amount: 4 }]);
  });

  test("gapless numbers have gaps: drafts, unpaid first invoices and empty ones take none", async ({ expect }) => {
    const { world } = await shop();
    await sell(world, "free", {});
    await sell(world, "later", { priceAmount: 3, billingTiming: "IN_ARREARS" });
    for (const reference of ["b", "c", "d"]) await customer(world, reference);
    await ok(subscribe(world, "b", "pro"));
    await active(world, "c", "free");
    await active(world, "d", "later");
    await ok(world.call("GET", "/api/v1/client/billing/invoices/ada/upcoming"));
    await active(world, "c", "pro");
    clockAt("2027-02-15T00:00:00Z");
    const all: (Invoice | undefined)[] = [];
    for (const reference of ["ada", "b", "c", "d"]) {
      const mine = await invoicesOf(world, reference);
      await world.flush(mine[0]?.subscription.customer.id ?? "");
      all.push(...(await invoicesOf(world, reference)));
    }
    const numbers = all.flatMap((invoice) => invoice?.number ?? []).sort();
    // ada's and c's first one and renewal, d's period in arrears; b never paid, and c's free plan asks for nothing.
    expect(numbers).toEqual([1, 2, 3, 4, 5].map((n) => `INV-${String(n).padStart(6, "0")}`));
  });
});
