import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { clearDirectory } from "../../src/catalog/directory.ts";
import { clearSnapshots } from "../../src/catalog/snapshot.ts";
import { withD1 } from "../support/d1.ts";
import { at, clockAt, newWorld } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

const GPT = { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 3000, outputTokens: 500 };
const ALL = { limit: 1000, offset: 0 };

describe("does", () => {
  test("an event is answered by its receipt: priced from the list, not metered without a subscription", async ({
    expect,
  }) => {
    const world = await newWorld();
    const answer = await world.event({
      customerReferenceId: "acme",
      featureKey: "chat",
      usageUnits: 2.5,
      costInput: GPT,
    });
    expect(answer.status).toBe(201);
    expect(answer.data).toEqual({
      eventId: expect.any(String),
      customerId: expect.any(String),
      usageUnits: 2.5,
      costAmount: 0.00075,
      costSource: "catalog",
      metered: false,
      unmeteredReason: "NO_SUBSCRIPTION",
    });
    // The event's id leads to its customer: the same tag.
    expect(answer.data.eventId.slice(0, 17)).toBe(answer.data.customerId.slice(0, 17));
  });

  test("everything a caller says of an event is kept", async ({ expect }) => {
    const world = await newWorld();
    const said = {
      customerReferenceId: "acme",
      eventIdempotencyKey: "k1",
      featureKey: "chat",
      usageUnits: "0.000000000001",
      occurredAt: "2030-03-01T23:59:59.999+01:00",
      revenueAmount: -0.5,
      flowId: "flow-7",
      meta: { nested: { a: [1, null, "ü"] }, nothing: null },
      subscriptionId: "sub",
      invoiceId: "inv",
      entitlementId: "ent",
      costInput: { ...GPT, cacheReadTokens: 100, cacheWriteTokens: 10 },
    };
    const { data } = await world.event(said);
    expect(data).toMatchObject({ revenueAmount: -0.5, usageUnits: 1e-12 });
    const { items, total } = await world.object(data.customerId).events({}, ALL);
    expect(total).toBe(1);
    expect(items[0]).toMatchObject({
      eventId: data.eventId,
      key: "k1",
      usageE12: 1n,
      revenueE12: -500_000_000_000n,
      occurredAtMs: at("2030-03-01T22:59:59.999Z"),
      receivedAtMs: at("2030-03-05T10:30:00Z"),
      flowId: "flow-7",
      meta: JSON.stringify(said.meta),
      subscriptionId: "sub",
      invoiceId: "inv",
      entitlementId: "ent",
      inputTokens: 3000,
      cacheReadTokens: 100,
      cacheWriteTokens: 10,
      provider: "openai",
      model: "gpt-4o-mini",
    });
  });

  test("a cost that is given wins, one that nobody knows is absent and counted, never zero", async ({ expect }) => {
    const world = await newWorld();
    const given = await world.event({ customerReferenceId: "a", costAmount: "0.1", costInput: GPT });
    expect(given.data).toMatchObject({ costAmount: 0.1, costSource: "given" });
    const free = await world.event({ customerReferenceId: "a", costAmount: 0 });
    expect(free.data).toMatchObject({ costAmount: 0, costSource: "given" });
    const unknown = await world.event({
      customerReferenceId: "a",
      costInput: { model: "nobody-knows", inputTokens: 5 },
    });
    expect(unknown.data).not.toHaveProperty("costAmount");
    expect(unknown.data).not.toHaveProperty("costSource");
    const [group] = await world.object(given.data.customerId).groupedEvents({}, "EVENT_NAME");
    expect(group).toMatchObject({ events: 3, costUnknownEvents: 1, costE12: 100_000_000_000n });
  });

  test("without usageUnits nothing was used, and the receipt says so", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.event({ customerReferenceId: "a", costAmount: 1 });
    expect(data.usageUnits).toBe(0);
  });

  test("an event from the future counts five minutes ahead, and what was sent is kept", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.event({ customerReferenceId: "a", occurredAt: "2031-01-01T00:00:00Z" });
    await world.event({ customerReferenceId: "a", occurredAt: "2030-03-05T10:35:00Z" });
    const { items } = await world.object(data.customerId).events({}, ALL);
    expect(items.map(({ occurredAtMs, sentOccurredAtMs }) => ({ occurredAtMs, sentOccurredAtMs }))).toEqual([
      { occurredAtMs: at("2030-03-05T10:35:00Z"), sentOccurredAtMs: undefined },
      { occurredAtMs: at("2030-03-05T10:35:00Z"), sentOccurredAtMs: at("2031-01-01T00:00:00Z") },
    ]);
  });

  test("an event of ten years ago is taken and stands on its own day", async ({ expect }) => {
    const world = await newWorld();
    const { status, data } = await world.event({ customerReferenceId: "a", occurredAt: "2020-02-29T12:00:00Z" });
    expect(status).toBe(201);
    const { items } = await world.object(data.customerId).events({}, ALL);
    expect(items[0]?.occurredAtMs).toBe(at("2020-02-29T12:00:00Z"));
  });

  test("the header's key wins over the body's; a blank key is none", async ({ expect }) => {
    const world = await newWorld();
    const event = { customerReferenceId: "a", eventIdempotencyKey: "body" };
    expect((await world.event(event, { "X-Idempotency-Key": " head " })).status).toBe(201);
    expect((await world.event({ ...event, eventIdempotencyKey: "head" })).status).toBe(409);
    expect((await world.event(event)).status).toBe(201);
    for (const blank of ["", "  "]) {
      expect((await world.event({ ...event, eventIdempotencyKey: blank })).status).toBe(201);
      expect((await world.event({ customerReferenceId: "a" }, { "X-Idempotency-Key": blank })).status).toBe(201);
    }
  });

  test("a customer may be named by reference, Stripe id or id, alone or together", async ({ expect }) => {
    const world = await newWorld();
    const first = await world.event({ customerReferenceId: "acme" });
    const { customerId } = first.data;
    for (const named of [
      { customerReferenceId: "acme" },
      { customerId },
      { customerId: customerId.toUpperCase() },
      { customerReferenceId: customerId },
      { customerReferenceId: "acme", customerId },
      { customerReferenceId: "acme", stripeCustomerId: "cus_acme" },
      { stripeCustomerId: "cus_acme" },
      { customerReferenceId: "cus_acme" },
      { customerReferenceId: "acme", stripeCustomerId: "cus_acme", customerId },
    ]) {
      const { status, data } = await world.event(named);
      expect({ named, status, customerId: data.customerId }).toEqual({ named, status: 201, customerId });
    }
  });

  test("an unknown name beside a known one is attached, whichever kind it is", async ({ expect }) => {
    const world = await newWorld();
    const stripe = await world.event({ stripeCustomerId: "cus_1" });
    const both = await world.event({ stripeCustomerId: "cus_1", customerReferenceId: "one" });
    expect(both.data.customerId).toBe(stripe.data.customerId);
    const shown = await world.call("GET", "/api/v1/client/customers/one");
    expect(shown.data).toMatchObject({
      id: stripe.data.customerId,
      stripeCustomerId: "cus_1",
      customerReferenceId: "one",
    });
    const byId = await world.event({ customerReferenceId: "two" });
    await world.event({ customerId: byId.data.customerId, stripeCustomerId: "cus_2" });
    expect((await world.event({ stripeCustomerId: "cus_2" })).data.customerId).toBe(byId.data.customerId);
  });

  test("an unknown feature key becomes a feature; its id names it from then on", async ({ expect }) => {
    const world = await newWorld();
    const { data } = await world.event({ customerReferenceId: "a", featureKey: "chat" });
    const [event] = (await world.object(data.customerId).events({}, ALL)).items;
    const featureId = event?.featureId;
    expect((await world.event({ customerReferenceId: "a", featureId })).status).toBe(201);
    expect((await world.event({ customerReferenceId: "a", featureId, featureKey: "chat" })).status).toBe(201);
    const row = await env.DB.prepare("SELECT key, auto_created FROM features WHERE account_id = ?")
      .bind(world.accountId)
      .all();
    expect(row.results).toEqual([{ key: "chat", auto_created: 1 }]);
  });
});

describe("refuses", () => {
  test("an event of nobody, or of a customer id nobody has", async ({ expect }) => {
    const world = await newWorld();
    const nobody = await world.event({});
    expect(nobody).toMatchObject({
      status: 400,
      error: { code: "validation_failed", fields: [{ path: "customerReferenceId" }] },
    });
    const other = await newWorld();
    const stranger = (await other.event({ customerReferenceId: "theirs" })).data.customerId;
    for (const customerId of ["no-uuid", crypto.randomUUID(), stranger]) {
      expect(await world.event({ customerId })).toMatchObject({ status: 404, error: { code: "not_found" } });
      expect(await world.event({ customerId, customerReferenceId: "new" })).toMatchObject({ status: 404 });
    }
    // A refused event leaves nobody behind.
    expect((await world.call("GET", "/api/v1/client/customers/new")).status).toBe(404);
  });

  test("names of two customers, and a second name of a kind that is filled", async ({ expect }) => {
    const world = await newWorld();
    const one = (await world.event({ customerReferenceId: "one", stripeCustomerId: "cus_1" })).data.customerId;
    const two = (await world.event({ customerReferenceId: "two" })).data.customerId;
    await world.event({ stripeCustomerId: "cus_3" });
    for (const named of [
      { customerReferenceId: "two", stripeCustomerId: "cus_1" },
      { customerReferenceId: "one", customerId: two },
      { customerId: two, stripeCustomerId: "cus_3" },
    ])
      expect({ named, answer: await world.event(named) }).toMatchObject({
        answer: { status: 409, error: { code: "conflict" } },
      });
    for (const [named, path] of [
      [{ customerReferenceId: "one", stripeCustomerId: "cus_new" }, "stripeCustomerId"],
      [{ customerReferenceId: "new", stripeCustomerId: "cus_1" }, "customerReferenceId"],
      [{ customerReferenceId: "new", customerId: one }, "customerReferenceId"],
    ] as const)
      expect(await world.event(named)).toMatchObject({
        status: 400,
        error: { code: "validation_failed", fields: [{ path }] },
      });
    // What was refused is still free: nothing of it was attached.
    expect((await world.event({ stripeCustomerId: "cus_new" })).data.customerId).not.toBe(one);
    expect((await world.event({ customerReferenceId: "new" })).data.customerId).not.toBe(one);
  });

  test("a feature id nobody has, and a key and an id that differ", async ({ expect }) => {
    const world = await newWorld();
    expect(await world.event({ customerReferenceId: "a", featureId: crypto.randomUUID() })).toMatchObject({
      status: 404,
    });
    const { data } = await world.event({ customerReferenceId: "a", featureKey: "chat" });
    const [event] = (await world.object(data.customerId).events({}, ALL)).items;
    const clash = await world.event({ customerReferenceId: "a", featureId: event?.featureId, featureKey: "search" });
    expect(clash).toMatchObject({ status: 400, error: { fields: [{ path: "featureKey" }] } });
  });

  test("a key that was used: 409 with the first receipt, nothing changed, a year later too", async ({ expect }) => {
    const world = await newWorld();
    const first = await world.event({
      customerReferenceId: "a",
      eventIdempotencyKey: "k",
      costAmount: 1,
      usageUnits: 3,
    });
    for (const now of ["2030-03-05T10:30:00Z", "2031-03-06T00:00:00Z"]) {
      clockAt(now);
      const again = await world.event({ customerReferenceId: "a", eventIdempotencyKey: "k", costAmount: 2 });
      expect(again).toMatchObject({ status: 409, error: { code: "idempotency_conflict" }, data: first.data });
    }
    const { items, total } = await world.object(first.data.customerId).events({}, ALL);
    expect(total).toBe(1);
    expect(items[0]).toMatchObject({ costE12: 1_000_000_000_000n, usageE12: 3_000_000_000_000n });
  });

  test("more than 1,000 features made by events; known ones go on", async ({ expect }) => {
    const world = await newWorld();
    const rows = Array.from({ length: 999 }, (_, index) => [crypto.randomUUID(), `feature-${index}`]);
    await env.DB.prepare(
      `INSERT INTO features (account_id, feature_id, key, name, auto_created, created_at_ms, modified_at_ms)
       SELECT ?1, value ->> 0, value ->> 1, value ->> 1, 1, 0, 0 FROM json_each(?2)`,
    )
      .bind(world.accountId, JSON.stringify(rows))
      .run();
    expect((await world.event({ customerReferenceId: "a", featureKey: "the-1000th" })).status).toBe(201);
    const over = await world.event({ customerReferenceId: "a", featureKey: "one-too-many" });
    expect(over).toMatchObject({ status: 400, error: { code: "validation_failed" } });
    expect((await world.event({ customerReferenceId: "a", featureKey: "feature-7" })).status).toBe(201);
    expect((await world.event({ customerReferenceId: "a", featureKey: "the-1000th" })).status).toBe(201);
  });
});

describe("holds", () => {
  test("the same key for two customers is two events", async ({ expect }) => {
    const world = await newWorld();
    expect((await world.event({ customerReferenceId: "a", eventIdempotencyKey: "k" })).status).toBe(201);
    expect((await world.event({ customerReferenceId: "b", eventIdempotencyKey: "k" })).status).toBe(201);
  });

  test("of 50 identical requests at once, one is taken and 49 get its receipt", async ({ expect }) => {
    const world = await newWorld();
    await world.event({ customerReferenceId: "a" });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        world.event({ customerReferenceId: "a", eventIdempotencyKey: "k", costAmount: 1 }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 49 }, () => 409)]);
    expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    const [group] = await world.object(answers[0]?.data.customerId ?? "").groupedEvents({}, "EVENT_NAME");
    expect(group).toMatchObject({ events: 2, costE12: 1_000_000_000_000n });
  });

  test("50 first events at once of one unknown reference and feature make one customer and one feature", async ({
    expect,
  }) => {
    const world = await newWorld();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => {
        // As 50 isolates would: none knows what another one made.
        clearDirectory();
        return world.event({ customerReferenceId: "fresh", featureKey: "fresh" });
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ data }) => data.customerId)).size).toBe(1);
    const count = (table: string) =>
      env.DB.prepare(`SELECT COUNT(*) AS n FROM ${table} WHERE account_id = ?`).bind(world.accountId).first("n");
    expect([await count("customers"), await count("customer_identities"), await count("features")]).toEqual([1, 1, 1]);
    const { total } = await world.object(answers[0]?.data.customerId ?? "").events({}, ALL);
    expect(total).toBe(50);
  });

  test("a request repeated under its Idempotency-Key gets the first answer, another body 409", async ({ expect }) => {
    const world = await newWorld();
    const headers = { "Idempotency-Key": "once" };
    const body = { customerReferenceId: "a", costAmount: 1 };
    const first = await world.event(body, headers);
    expect(first).toMatchObject({ status: 201 });
    expect(first.headers.get("Idempotency-Replayed")).toBeNull();
    expect(first.headers.get("Idempotency-Key")).toBe("once");
    const again = await world.event(body, headers);
    expect(again).toMatchObject({ status: 201, data: first.data });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    const other = await world.event({ ...body, costAmount: 2 }, headers);
    expect(other).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
    expect(other.data).toBeUndefined();
    const { total } = await world.object(first.data.customerId).events({}, ALL);
    expect(total).toBe(1);
  });

  test("an Idempotency-Key is free again after a day: another request under it is recorded", async ({ expect }) => {
    const world = await newWorld();
    const headers = { "Idempotency-Key": "nightly" };
    const first = await world.event({ customerReferenceId: "a", costAmount: 1 }, headers);
    const { customerId } = first.data;
    clockAt("2030-03-06T10:29:59.999Z");
    expect(await world.event({ customerReferenceId: "a", costAmount: 2 }, headers)).toMatchObject({ status: 409 });
    // No alarm rang meanwhile.
    clockAt("2030-03-06T10:30:00Z");
    const second = await world.event({ customerReferenceId: "a", costAmount: 2 }, headers);
    expect(second).toMatchObject({ status: 201, data: { costAmount: 2 } });
    // The same once more is the same event, for ever.
    const repeat = await world.event({ customerReferenceId: "a", costAmount: 1 }, headers);
    expect(repeat).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
    expect((await world.object(customerId).events({}, ALL)).total).toBe(2);
  });

  test("a refused duplicate is repeated as it was first answered", async ({ expect }) => {
    const world = await newWorld();
    const body = { customerReferenceId: "a", eventIdempotencyKey: "k" };
    const first = await world.event(body);
    for (const replayed of [null, "true"]) {
      const answer = await world.event(body, { "Idempotency-Key": "once" });
      expect(answer).toMatchObject({ status: 409, data: first.data });
      expect(answer.headers.get("Idempotency-Replayed")).toBe(replayed);
    }
  });

  test("a customer's registration is repeated under its Idempotency-Key, another body is refused", async ({
    expect,
  }) => {
    const world = await newWorld();
    const headers = { "Idempotency-Key": "once" };
    const body = { customerReferenceId: "ada", email: "ada@acme.test" };
    const first = await world.call("POST", "/api/v1/client/customers", body, headers);
    expect(first.status).toBe(201);
    const again = await world.call("POST", "/api/v1/client/customers", body, headers);
    expect(again).toMatchObject({ status: 201, data: first.data });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    const other = await world.call("POST", "/api/v1/client/customers", { ...body, email: "b@acme.test" }, headers);
    expect(other).toMatchObject({ status: 409, error: { code: "idempotency_conflict" } });
    const unkeyed = await world.call("POST", "/api/v1/client/customers", body);
    expect(unkeyed).toMatchObject({ status: 409, error: { code: "conflict" } });
  });

  test("while D1 is away, events of customers the isolate knows are taken; others hear 503, not 500", async ({
    expect,
  }) => {
    const world = await newWorld();
    const { data } = await world.event({ customerReferenceId: "known", featureKey: "chat" });
    await world.event({ customerReferenceId: "known", featureKey: "chat" });
    await withD1("away", async () => {
      // Ten minutes on, the key is older than it should be: stale, but good.
      clockAt("2030-03-05T10:40:00Z");
      const taken = await world.event({ customerReferenceId: "known", featureKey: "chat", eventIdempotencyKey: "k" });
      expect(taken.status).toBe(201);
      expect(taken.headers.get("X-Tanso-Stale")).toBe("true");
      for (const unknown of [{ customerReferenceId: "unknown" }, { customerReferenceId: "known", featureKey: "new" }]) {
        const answer = await world.event(unknown);
        expect(answer).toMatchObject({ status: 503, error: { code: "unavailable" } });
        expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
      }
      const mixed = await world.batch([
        { eventName: "x", customerReferenceId: "known" },
        { eventName: "x", customerReferenceId: "unknown" },
        { eventName: "x", customerReferenceId: "known", featureKey: "chat", eventIdempotencyKey: "k" },
      ]);
      expect(mixed.data.results.map(({ status }) => status)).toEqual(["accepted", "rejected", "duplicate"]);
      expect(mixed.data.results[1]?.error?.code).toBe("unavailable");
    });
    await world.event({ customerReferenceId: "known" });
    const { total } = await world.object(data.customerId).events({}, ALL);
    expect(total).toBe(5);
  });

  test("D1 going away right after an event made a feature does not lock the account out", async ({ expect }) => {
    const world = await newWorld();
    await world.event({ customerReferenceId: "known", featureKey: "chat" });
    await withD1("away", async () => {
      expect((await world.event({ customerReferenceId: "known" })).status).toBe(201);
    });
    clearSnapshots();
    await withD1("away", async () => {
      expect((await world.event({ customerReferenceId: "known" })).status).toBe(503);
    });
  });
});
