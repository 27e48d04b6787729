import { runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const event = (customerReferenceId: string, eventIdempotencyKey?: string, more = {}) => ({
  eventName: "call",
  customerReferenceId,
  ...(eventIdempotencyKey === undefined ? {} : { eventIdempotencyKey }),
  ...more,
});

describe("does", () => {
  test("each event is judged by itself and answered in its place", async ({ expect }) => {
    const world = await newWorld();
    const before = await world.event(event("b", "b0", { costAmount: 1 }));
    const { status, data } = await world.batch([
      event("a", "a1", { costAmount: 1 }),
      { customerReferenceId: "a" },
      event("b", "b0", { costAmount: 2 }),
      event("a", "a1", { costAmount: 2 }),
      "no event at all",
      event("c", "c1", { usageUnits: -1 }),
      event("c", "c2", { featureId: crypto.randomUUID() }),
      event("b", "b1", { unknown: true, __proto__: { polluted: true } }),
      { eventName: "nobody" },
    ]);
    expect(status).toBe(200);
    expect(data.results.map(({ index, status, error }) => [index, status, error?.code])).toEqual([
      [0, "accepted", undefined],
      [1, "rejected", "validation_failed"],
      [2, "duplicate", undefined],
      [3, "duplicate", undefined],
      [4, "rejected", "validation_failed"],
      [5, "rejected", "validation_failed"],
      [6, "rejected", "not_found"],
      [7, "accepted", undefined],
      [8, "rejected", "validation_failed"],
    ]);
    expect(data).toMatchObject({ accepted: 2, duplicates: 2, overLimit: 0, rejected: 5 });
    expect(data.results[2]?.receipt).toEqual(before.data);
    expect(data.results[3]?.receipt).toEqual(data.results[0]?.receipt);
    expect(data.results[3]?.receipt?.costAmount).toBe(1);
  });

  test("a thousand events of many customers, and again: all duplicates with the same receipts", async ({ expect }) => {
    const world = await newWorld();
    const events = Array.from({ length: 1000 }, (_, index) => event(`customer-${index % 40}`, `key-${index}`));
    const first = await world.batch(events);
    expect(first.data).toMatchObject({ accepted: 1000, duplicates: 0, rejected: 0 });
    expect(first.data.results.map(({ index }) => index)).toEqual(events.map((_, index) => index));
    const customers = new Set(first.data.results.map(({ receipt }) => receipt?.customerId));
    expect(customers.size).toBe(40);
    // Each event went to the customer that it names.
    for (const { index, receipt } of first.data.results)
      expect(receipt?.customerId).toBe(first.data.results[index % 40]?.receipt?.customerId);
    const again = await world.batch(events);
    expect(again.data).toMatchObject({ accepted: 0, duplicates: 1000 });
    expect(again.data.results.map(({ receipt }) => receipt)).toEqual(first.data.results.map(({ receipt }) => receipt));
  });

  test("events without keys are each taken, also when they are equal", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.batch([event("a"), event("a"), event("a", " ")]);
    expect(data.accepted).toBe(3);
  });
});

describe("refuses", () => {
  test("no events, 1,001 events, and what is no list", async ({ expect }) => {
    const world = await newWorld();
    for (const events of [[], Array.from({ length: 1001 }, (_, index) => event("a", `${index}`)), "x", { length: 1 }]) {
      const answer = await world.call("POST", "/api/v1/client/events/batch", { events });
      expect(answer).toMatchObject({ status: 400, error: { code: "validation_failed", fields: [{ path: "events" }] } });
    }
    expect((await world.call("GET", "/api/v1/client/customers/a")).status).toBe(404);
  });
});

describe("holds", () => {
  test("one customer's object failing fails none of the others", async ({ expect }) => {
    const world = await newWorld();
    const sick = (await world.event(event("sick"))).data.customerId;
    // A table that is gone stands for any fault inside one object.
    await runInDurableObject(world.object(sick), (object) => sqlOf(object).exec("DROP TABLE event_keys"));
    const { status, data } = await world.batch([event("well", "w"), event("sick", "s"), event("other", "o")]);
    expect(status).toBe(200);
    expect(data.results.map(({ status, error }) => [status, error?.code])).toEqual([
      ["accepted", undefined],
      ["rejected", "internal_error"],
      ["accepted", undefined],
    ]);
  });

  test("in one batch, a name alone and the same name beside a new one are one customer, in any order", async ({
    expect,
  }) => {
    for (const order of [0, 1]) {
      const world = await newWorld();
      const alone = { eventName: "x", customerReferenceId: "acme" };
      const beside = { eventName: "x", customerReferenceId: "acme", stripeCustomerId: "cus_acme" };
      const stripe = { eventName: "x", stripeCustomerId: "cus_acme" };
      const clash = { eventName: "x", customerReferenceId: "acme", stripeCustomerId: "cus_other" };
      const { data } = await world.batch(order === 0 ? [alone, beside, stripe, clash] : [stripe, beside, alone, clash]);
      expect(data.results.map(({ status }) => status)).toEqual(["accepted", "accepted", "accepted", "rejected"]);
      expect(new Set(data.results.slice(0, 3).map(({ receipt }) => receipt?.customerId)).size).toBe(1);
      expect(data.results[3]?.error?.code).toBe("validation_failed");
    }
  });

  test("a batch repeated under its Idempotency-Key gets the first answer, another body 409", async ({ expect }) => {
    const world = await newWorld();
    const headers = { "Idempotency-Key": "nightly" };
    const events = [event("a"), event("b"), { eventName: "" }];
    const first = await world.batch(events, headers);
    expect(first.data).toMatchObject({ accepted: 2, rejected: 1 });
    expect(first.headers.get("Idempotency-Replayed")).toBeNull();
    const again = await world.batch(events, headers);
    expect(again).toMatchObject({ status: 200, data: first.data });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    const other = await world.batch([event("a"), event("a")], headers);
    expect(other).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
    const { total } = await world
      .object(first.data.results[0]?.receipt?.customerId ?? "")
      .events({}, { limit: 1, offset: 0 });
    expect(total).toBe(1);
  });

  test("two batches at once that share events take each event once", async ({ expect }) => {
    const world = await newWorld();
    const events = Array.from({ length: 200 }, (_, index) => event(`c${index % 3}`, `${index}`));
    const [one, two] = await Promise.all([world.batch(events), world.batch(events.toReversed())]);
    expect(one.data.accepted + two.data.accepted).toBe(200);
    expect(one.data.duplicates + two.data.duplicates).toBe(200);
  });
});
