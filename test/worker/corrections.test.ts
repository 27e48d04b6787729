import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { ada, check, correct, limited, offer, usage, used } from "../support/access.ts";
import { rollupsInD1 } from "../support/d1.ts";
import { withSqlFault } from "../support/fault.ts";
import { insertKey, send } from "../support/probe.ts";
import { active, customer, type Invoice, invoicesOf, ok, type Page, pay } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

async function event(world: World, usageUnits: number, more: Record<string, unknown> = {}): Promise<string> {
  const said = { customerReferenceId: "ada", featureKey: "chat", usageUnits, ...more };
  return (await ok(world.event(said))).eventId;
}

const ADMIN = "/api/v1/monetization";

async function voided(world: World, invoiceId: string | undefined, rebill: boolean): Promise<void> {
  await ok(world.call("POST", `${ADMIN}/billing/invoices/${invoiceId}/void?rebill=${rebill}`));
}

const dueOf = async (world: World) => (await invoicesOf(world, "ada")).find(({ status }) => status === "DUE");

const itemsOf = (invoice: Invoice | undefined) => invoice?.items.map(({ kind, chargeAmount }) => [kind, chargeAmount]);

/** Ada used 10 at 1 each in March, which is unpaid, left at the end of April, and then 6 of them were taken back. */
async function correctedAfterEnd(world: World) {
  const { id, subscription } = await ada(world, { chat: usage(1) });
  const eventId = await event(world, 10);
  clockAt("2030-04-05T10:30:00Z");
  const march = await dueOf(world);
  await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}`));
  clockAt("2030-05-05T10:30:00Z");
  await ok(correct(world, eventId, { usageUnits: 4 }));
  return { id, eventId, march };
}

describe("does", () => {
  test("in the open period the counter, the cost and the revenue move by the difference", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: { ...usage(0.5), cost: { model: "simple", cost_per_unit: 0.1 } } });
    const eventId = await event(world, 10);
    const answer = await correct(world, eventId, { usageUnits: 4, reason: "counted twice" });
    expect(answer.status).toBe(201);
    expect(answer.data).toEqual({
      eventId: expect.any(String),
      customerId: id,
      usageUnits: -6,
      metered: true,
      corrects: eventId,
      costAmount: -0.6,
      costSource: "rule",
      revenueAmount: -3,
    });
    expect(await used(world)).toBe(4);
    await world.flush(id);
    expect(await rollupsInD1(world.accountId)).toMatchObject([
      {
        events: 2,
        costUnknownEvents: 0,
        usageE12: 4_000_000_000_000n,
        costE12: 400_000_000_000n,
        revenueE12: 2_000_000_000_000n,
      },
    ]);
    const more = await world.call<{ usageUnits: number }>("POST", `/api/v1/events/${eventId}/correct`, {
      usageUnits: 5,
    });
    expect(more.data).toMatchObject({ usageUnits: 1, costAmount: 0.1, revenueAmount: 0.5 });
    expect(await used(world)).toBe(5);
  });

  test("it is an entry of its own beside the event, which stays as it was", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(1) });
    const eventId = await event(world, 10, { eventIdempotencyKey: "k", costInput: { model: "m" } });
    clockAt("2030-03-07T00:00:00Z");
    await correct(world, eventId, { usageUnits: 4, reason: "counted twice", idempotencyKey: "fix" });
    await world.flush(id);
    for (const query of ["", "?customerReferenceId=ada"]) {
      const { data } = await world.call<Page<Record<string, unknown>>>("GET", `/api/v1/analytics/events${query}`);
      expect(data.items).toMatchObject([
        {
          eventType: "CORRECTION",
          corrects: eventId,
          correctionReason: "counted twice",
          eventIdempotencyKey: "fix",
          eventName: "call",
          model: "m",
          usageUnits: -6,
          occurredAt: "2030-03-07T00:00:00.000Z",
        },
        { id: eventId, eventType: "CLIENT_TRACKED", usageUnits: 10, revenueAmount: 10 },
      ]);
    }
    expect(await world.event({ customerReferenceId: "ada", eventIdempotencyKey: "k" })).toMatchObject({
      status: 409,
      data: { usageUnits: 10, revenueAmount: 10 },
    });
  });

  // A wrong event could be withdrawn for a day only: a correction is a new entry at any age, on the next invoice.
  test("of a billed period fewer units are a CREDIT line on the next invoice, and the counter stays", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(0.5) });
    const eventId = await event(world, 10);
    clockAt("2030-04-05T10:30:00Z");
    await event(world, 40);
    const [, march] = await invoicesOf(world, "ada");
    await ok(pay(world, march?.id ?? ""));
    clockAt("2030-04-20T00:00:00Z");
    const answer = await correct(world, eventId, { usageUnits: 3 });
    expect(answer.data).toMatchObject({
      usageUnits: -7,
      metered: false,
      unmeteredReason: "PERIOD_CLOSED",
      revenueAmount: -3.5,
      creditAmount: 3.5,
      creditCurrency: "USD",
    });
    expect(await used(world)).toBe(40);
    await evictDurableObject(world.object(id));
    clockAt("2030-05-05T10:30:00Z");
    const [, april, paid] = await invoicesOf(world, "ada");
    expect(itemsOf(april)).toEqual([
      ["USAGE", 20],
      ["CREDIT", -3.5],
    ]);
    expect(april).toMatchObject({ amount: 16.5, status: "DUE" });
    expect(paid).toMatchObject({ amount: 5, status: "PAID" });
    expect(april?.items[1]?.description).toBe("Correction of chat: 7 units less");
  });

  test("what the plan before an upgrade counted leaves the invoice at that plan's price", async ({ expect }) => {
    const world = await newWorld();
    const { id, subscription } = await ada(world, { chat: usage(1) });
    const eventId = await event(world, 10);
    await offer(world, "dear", { chat: usage(5) });
    await ok(
      world.call("POST", `/api/v1/client/subscriptions/${subscription.id}/plan-change`, {
        changeToPlanId: "dear",
        changeType: "UPGRADE",
      }),
    );
    await event(world, 2);
    await evictDurableObject(world.object(id));
    expect((await correct(world, eventId, { usageUnits: 4 })).data).toMatchObject({ metered: true, revenueAmount: -6 });
    expect(await used(world)).toBe(6);
    await evictDurableObject(world.object(id));
    expect((await correct(world, eventId, { usageUnits: 0 })).data).toMatchObject({ metered: true, revenueAmount: -4 });
    expect(await used(world)).toBe(2);
    clockAt("2030-04-05T10:30:00Z");
    const invoice = (await invoicesOf(world, "ada")).find(({ status }) => status === "DUE");
    expect(itemsOf(invoice)).toEqual([["USAGE", 10]]);
  });

  test("several corrections of one period together give back no more than it was billed", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage("0.005") });
    // 3 units at half a cent: 0.015, billed as 0.02.
    const events = [await event(world, 1), await event(world, 1), await event(world, 1)];
    clockAt("2030-04-06T00:00:00Z");
    const credits = [];
    for (const eventId of events)
      credits.push((await correct(world, eventId, { usageUnits: 0 })).data.creditAmount ?? 0);
    expect(credits.map((amount) => Math.round(amount * 100)).reduce((sum, cents) => sum + cents, 0)).toBe(2);
    expect((await correct(world, events[0] ?? "", { usageUnits: 0 })).data).toMatchObject({ usageUnits: 0 });
  });

  test("more units of a billed period count now, as late ones, and go onto the next invoice", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(1, { max_usage: 100 }) });
    const eventId = await event(world, 10);
    clockAt("2030-04-06T00:00:00Z");
    expect((await correct(world, eventId, { usageUnits: 15 })).data).toMatchObject({
      usageUnits: 5,
      metered: true,
      late: true,
      revenueAmount: 5,
    });
    expect(await used(world)).toBe(5);
  });

  test("a subscription that has ended gives back into the customer's credit balance", async ({ expect }) => {
    const world = await newWorld();
    const { id, subscription } = await ada(world, { chat: usage(1) });
    const eventId = await event(world, 10);
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`));
    expect((await correct(world, eventId, { usageUnits: 4 })).data).toMatchObject({
      creditAmount: 6,
      creditCurrency: "USD",
    });
    const entries = await runInDurableObject(world.object(id), (object) =>
      sqlOf(object).exec("SELECT currency, amount_minor, balance_minor, kind FROM balance_entries").toArray(),
    );
    expect(entries).toEqual([{ currency: "USD", amount_minor: 600, balance_minor: 600, kind: "CORRECTION" }]);
  });

  test("seats that were counted wrong leave the counter at any time", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(10, { reset_mode: "accumulate" }) });
    const eventId = await event(world, 5);
    clockAt("2030-04-06T00:00:00Z");
    expect((await correct(world, eventId, { usageUnits: 3 })).data).toMatchObject({
      metered: true,
      revenueAmount: -20,
    });
    expect(await used(world)).toBe(3);
  });

  test("seats corrected between two periods of a suspended subscription are given back when it ends", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage(3, { reset_mode: "accumulate" }) });
    const eventId = await event(world, 9);
    // Its invoice of April stays unpaid: suspended, no period opens in May.
    clockAt("2030-04-06T00:00:00Z");
    await check(world, "chat");
    clockAt("2030-05-06T00:00:00Z");
    await ok(correct(world, eventId, { usageUnits: 2 }));
    await ok(world.call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}`));
    const [last] = await invoicesOf(world, "ada");
    expect(last).toMatchObject({ type: "REGULAR", status: "PAID", amount: 0 });
    expect(itemsOf(last)).toEqual([
      ["USAGE", -21],
      ["CREDIT", 21],
    ]);
  });

  // Usage that nobody was charged for came back as money.
  test("usage of a void invoice gives nothing back, unless it is billed again", async ({ expect }) => {
    for (const rebill of [false, true]) {
      clockAt("2030-03-05T10:30:00Z");
      const world = await newWorld();
      await ada(world, { chat: usage(0.5) });
      const eventId = await event(world, 10);
      clockAt("2030-04-05T10:30:00Z");
      const [, march] = await invoicesOf(world, "ada");
      await voided(world, march?.id, rebill);
      const { data } = await correct(world, eventId, { usageUnits: 4 });
      expect(data).toMatchObject({ usageUnits: -6, unmeteredReason: "PERIOD_CLOSED", revenueAmount: -3 });
      expect(data.creditAmount).toBe(rebill ? 3 : undefined);
      await event(world, 2);
      clockAt("2030-05-05T10:30:00Z");
      expect(itemsOf(await dueOf(world))).toEqual(
        rebill
          ? [
              ["USAGE", 1],
              ["USAGE", 5],
              ["CREDIT", -3],
            ]
          : [["USAGE", 1]],
      );
    }
  });

  test("what waited to be given back for usage of an invoice is dropped once that is void", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(0.5) });
    const eventId = await event(world, 10);
    clockAt("2030-04-05T10:30:00Z");
    expect((await correct(world, eventId, { usageUnits: 4 })).data.creditAmount).toBe(3);
    const [, march] = await invoicesOf(world, "ada");
    await voided(world, march?.id, false);
    await event(world, 2);
    clockAt("2030-05-05T10:30:00Z");
    expect(itemsOf(await dueOf(world))).toEqual([["USAGE", 1]]);
  });

  test("what was given back for usage of an invoice is asked for again once that is void, and explained", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { subscription } = await ada(world, { chat: usage(0.5) });
    const eventId = await event(world, 10);
    clockAt("2030-04-05T10:30:00Z");
    const march = await dueOf(world);
    await ok(correct(world, eventId, { usageUnits: 7 }));
    await event(world, 20);
    // April's invoice gives it back; what is corrected then waits for May's.
    await ok(world.call("PATCH", `${ADMIN}/subscriptions/${subscription.id}`, { gracePeriod: 100 }));
    clockAt("2030-05-05T10:30:00Z");
    await ok(correct(world, eventId, { usageUnits: 6 }));
    const april = (await invoicesOf(world, "ada")).find(({ id, status }) => status === "DUE" && id !== march?.id);
    expect(itemsOf(april)).toEqual([
      ["USAGE", 10],
      ["CREDIT", -1.5],
    ]);
    await voided(world, march?.id, false);
    await ok(pay(world, april?.id ?? ""));
    await event(world, 4);
    clockAt("2030-06-05T10:30:00Z");
    const may = await dueOf(world);
    expect(itemsOf(may)).toEqual([
      ["USAGE", 2],
      ["CREDIT", 1.5],
    ]);
    expect(may?.items[1]?.description).toBe("Correction of chat taken back, its invoice is void: 3 units");
    expect(await ok(world.call("GET", `${ADMIN}/billing/invoices/${may?.id}/explain`))).toMatchObject({
      items: [{}, { formula: "3 × 0.5 = 1.50" }],
      replay: { matches: true },
    });
  });

  test("of a subscription that has ended it leaves the customer's balance again", async ({ expect }) => {
    const world = await newWorld();
    const { id, eventId, march } = await correctedAfterEnd(world);
    await voided(world, march?.id, false);
    await ok(correct(world, eventId, { usageUnits: 1 }));
    const entries = await runInDurableObject(world.object(id), (object) =>
      sqlOf(object).exec("SELECT amount_minor, kind FROM balance_entries").toArray(),
    );
    expect(entries).toEqual([
      { amount_minor: 600, kind: "CORRECTION" },
      { amount_minor: -600, kind: "CORRECTION" },
    ]);
  });

  // Voiding was answered 500: the credit had paid another invoice by then.
  test("of a subscription that has ended it is owed where it was spent already, and the next invoice asks for it", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id, march } = await correctedAfterEnd(world);
    await offer(world, "again", { talk: usage(1) });
    await active(world, "ada", "again");
    await event(world, 20, { featureKey: "talk" });
    clockAt("2030-06-05T10:30:00Z");
    const may = (await invoicesOf(world, "ada")).find(({ status, id }) => status === "DUE" && id !== march?.id);
    expect(itemsOf(may)).toEqual([
      ["USAGE", 20],
      ["CREDIT", -6],
    ]);
    await voided(world, march?.id, false);
    const balance = async () =>
      (await ok(world.call<{ creditBalance?: unknown[] }>("GET", "/api/v1/client/customers/ada"))).creditBalance;
    expect(await balance()).toEqual([{ currency: "USD", amount: -6 }]);
    await ok(pay(world, may?.id ?? ""));
    await event(world, 1, { featureKey: "talk" });
    clockAt("2030-07-05T10:30:00Z");
    expect(itemsOf(await dueOf(world))).toEqual([
      ["USAGE", 1],
      ["CREDIT", 6],
    ]);
    const books = await world.object(id).books();
    expect(books.ok && books.value.laws.filter(({ holds }) => !holds)).toEqual([]);
  });

  test("of an event that was not counted only the total is corrected", async ({ expect }) => {
    const world = await newWorld();
    await customer(world);
    const eventId = await event(world, 10);
    expect((await correct(world, eventId, { usageUnits: 4 })).data).toMatchObject({
      usageUnits: -6,
      metered: false,
      unmeteredReason: "NO_SUBSCRIPTION",
      costAmount: 0,
    });
  });

  test("what was sent as cost and revenue stays the caller's", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: { ...usage(1), cost: { model: "simple", cost_per_unit: 9 } } });
    const eventId = await event(world, 10, { costAmount: 2, revenueAmount: 50 });
    const { data } = await correct(world, eventId, { usageUnits: 4 });
    expect(data).toMatchObject({ metered: true, costAmount: 0 });
    expect(data).not.toHaveProperty("revenueAmount");
    await world.flush(id);
    expect(await rollupsInD1(world.accountId)).toMatchObject([
      { costE12: 2_000_000_000_000n, revenueE12: 50_000_000_000_000n },
    ]);
  });
});

describe("refuses", () => {
  test("a total below 0, what is no event of this account, and a correction of a correction", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(1) });
    const eventId = await event(world, 10);
    expect(await correct(world, eventId, { usageUnits: -1 })).toMatchObject({
      status: 400,
      error: { code: "validation_failed", fields: [{ path: "usageUnits" }] },
    });
    expect((await correct(world, eventId, {})).status).toBe(400);
    const other = await newWorld();
    for (const unknown of ["x", id, crypto.randomUUID(), eventId.replace(/.$/, "9")])
      expect((await correct(world, unknown, { usageUnits: 1 })).status).toBe(404);
    expect((await correct(other, eventId, { usageUnits: 1 })).status).toBe(404);
    const { data } = await correct(world, eventId, { usageUnits: 1 });
    expect(await correct(world, data.eventId, { usageUnits: 1 })).toMatchObject({
      status: 409,
      error: { code: "conflict" },
    });
    expect(await used(world)).toBe(1);
  });

  test("seats below what is given back already", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: usage(10, { reset_mode: "accumulate" }) });
    const eventId = await event(world, 5);
    const back = await event(world, -3);
    expect((await correct(world, eventId, { usageUnits: 2 })).status).toBe(400);
    expect((await correct(world, back, { usageUnits: -6 })).status).toBe(400);
    expect((await correct(world, back, { usageUnits: -5 })).status).toBe(201);
    expect(await used(world)).toBe(0);
  });

  test("a customer's key: what was used is the account's to say", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(1) });
    const eventId = await event(world, 10);
    const key = await insertKey(world.accountId, { scopes: ["read", "purchase", "ingest"], customerId: id });
    const answer = await send("POST", `/api/v1/client/events/${eventId}/correct`, { key, body: '{"usageUnits":1}' });
    expect(answer.status).toBe(403);
  });
});

describe("holds", () => {
  test("a correction repeated by its key answers its first receipt, many at once too; events' keys are others", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(1) });
    const eventId = await event(world, 10, { eventIdempotencyKey: "fix" });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => correct(world, eventId, { usageUnits: 4, idempotencyKey: "fix" })),
    );
    expect(new Set(answers.map(({ data }) => data.eventId)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 9 }, () => 200), 201]);
    await evictDurableObject(world.object(id));
    const later = await correct(world, eventId, { usageUnits: 1, idempotencyKey: "fix" });
    expect(later).toMatchObject({ status: 200, data: answers[0]?.data });
    expect(await used(world)).toBe(4);
    // Of another event it corrects nothing, and says so.
    const other = await event(world, 2);
    expect(await correct(world, other, { usageUnits: 0, idempotencyKey: "fix" })).toMatchObject({
      status: 409,
      error: {
        code: "idempotency_conflict",
        message: "This idempotencyKey was used for another event. Nothing was done.",
      },
    });
    expect((await correct(world, other, { usageUnits: 0, idempotencyKey: "other" })).status).toBe(201);
    // Without a key each is a correction of its own; the right total said again changes nothing.
    expect((await correct(world, eventId, { usageUnits: 4 })).data.usageUnits).toBe(0);
    expect(await used(world)).toBe(4);
  });

  test("a refusal is answered again under its Idempotency-Key, though it would be allowed by now", async ({
    expect,
  }) => {
    const world = await newWorld();
    await ada(world, { seats: limited(10, { reset_mode: "accumulate" }) });
    const eventId = await event(world, 2, { featureKey: "seats" });
    const path = `/api/v1/client/events/${eventId}/correct`;
    const ask = () => world.call("POST", path, { usageUnits: -1 }, { "Idempotency-Key": "once" });
    const first = await ask();
    expect(first).toMatchObject({ status: 400, error: { code: "validation_failed" } });
    await event(world, 5, { featureKey: "seats" });
    const again = await ask();
    expect(again).toMatchObject({ status: 400, error: first.error });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(await used(world, "seats")).toBe(7);
  });

  test("the limit opens again when units are taken back", async ({ expect }) => {
    const world = await newWorld();
    await ada(world, { chat: limited(10) });
    const eventId = await event(world, 10);
    expect((await check(world, "chat")).data.allowed).toBe(false);
    await correct(world, eventId, { usageUnits: 9 });
    expect((await check(world, "chat")).data).toMatchObject({ allowed: true, usage: { remaining: 1 } });
  });

  test("whichever statement fails, nothing or all of it is there", async ({ expect }) => {
    const world = await newWorld();
    const { id } = await ada(world, { chat: usage(1) });
    const eventId = await event(world, 1000);
    let n = 0;
    for (let passed = false; !passed; n += 1) {
      const fix = () => correct(world, eventId, { usageUnits: 999 - n, idempotencyKey: `k${n}` });
      const { result } = await withSqlFault(world.object(id), n + 1, fix);
      passed = result.status < 300;
      const now = await used(world);
      expect([999 - n, 1000 - n]).toContain(now);
      if (passed) expect(now).toBe(999 - n);
      expect((await fix()).status).toBe(now === 999 - n ? 200 : 201);
      expect(await used(world)).toBe(999 - n);
    }
    expect(n).toBeGreaterThan(6);
    await evictDurableObject(world.object(id));
    expect(await used(world)).toBe(1000 - n);
  });
});
