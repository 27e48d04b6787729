import { env } from "cloudflare:workers";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { overdueCustomers } from "../../src/catalog/customers.ts";
import { clockCustomerPage, clockPage, customersOfClock, joinClock } from "../../src/catalog/test-clocks.ts";
import { CustomerObject } from "../../src/customer/object.ts";
import { customerId } from "../../src/domain/ids.ts";
import { CLOCK_CUSTOMERS_MAX } from "../../src/domain/limits.ts";
import type { PlanPin } from "../../src/domain/subscription.ts";
import { dump, queryPlans, withD1 } from "../support/d1.ts";
import { newTag, planNamed } from "../support/views.ts";
import { at, clockAt, newWorld, request, type World } from "../support/world.ts";

const CLOCKS = "/api/v1/test-clocks";
const CLIENT = "/api/v1/client/customers";
const OPERATOR = "/api/v1/monetization/customers";

const REAL = "2030-03-05T10:30:00Z";
beforeEach(() => clockAt(REAL));
afterAll(() => {
  vi.useRealTimers();
});

type Clock = { id: string; name?: string; frozenTime: string; advancingTo?: string; createdAt: string };
type Settled = { customers: number; periods: number; invoices: number; grants: number; expirations: number };
type Advanced = Clock & { settled: Settled };
type Customer = { id: string; testClockId?: string; createdAt: string };

const NOTHING = { customers: 0, periods: 0, invoices: 0, grants: 0, expirations: 0 };

async function newClock(world: World, frozenTime = "2027-01-31T09:00:00Z"): Promise<string> {
  return (await world.call<Clock>("POST", CLOCKS, { frozenTime })).data.id;
}

function advance(world: World, id: string, frozenTime: string, headers?: Record<string, string>) {
  return world.call<Advanced>("POST", `${CLOCKS}/${id}/advance`, { frozenTime }, headers);
}

async function frozenTime(world: World, id: string): Promise<string> {
  return (await world.call<Clock>("GET", `${CLOCKS}/${id}`)).data.frozenTime;
}

function join(world: World, testClockId: string, customerReferenceId: string, headers?: Record<string, string>) {
  return world.call<Customer>("POST", CLIENT, { email: "a@b", customerReferenceId, testClockId }, headers);
}

/** A plan in arrears at 10 a month: active at once, an invoice at each period's end. */
const MONTHLY: PlanPin = {
  ...planNamed("plan", 1, { billingTiming: "IN_ARREARS", price: 10_000_000_000_000n }),
  rules: [],
  allocations: [],
};

async function subscribe(world: World, id: string, gracePeriodDays = 400): Promise<void> {
  const reply = await world.object(id).subscribe({ identity: {}, pin: MONTHLY, gracePeriodDays });
  if (!reply.ok) throw new Error(JSON.stringify(reply));
}

/** The instant at which a customer's object lives. */
async function nowOf(world: World, id: string): Promise<string | undefined> {
  const event = await world.event({ customerId: id });
  const { items } = await world.object(id).events({}, { limit: 1, offset: 0 });
  const found = items.find(({ eventId }) => eventId === event.data.eventId);
  return found === undefined ? undefined : new Date(found.occurredAtMs).toISOString();
}

async function liveWorld() {
  const made = await request<{ apiKey: string }>(
    "POST",
    "/api/v1/accounts",
    { name: "Live", mode: "live" },
    { Authorization: "Bearer root_test" },
  );
  return (method: string, path: string, body?: unknown) =>
    request(method, path, body, { Authorization: `Bearer ${made.data.apiKey}` });
}

describe("does", () => {
  test("a clock is made, read, listed newest first, and ended", async ({ expect }) => {
    const world = await newWorld();
    const made = await world.call<Clock>("POST", CLOCKS, { name: "A year", frozenTime: "2027-01-31T10:00:00+01:00" });
    expect(made).toMatchObject({ status: 201 });
    expect(made.data).toEqual({
      id: expect.any(String),
      name: "A year",
      frozenTime: "2027-01-31T09:00:00.000Z",
      createdAt: "2030-03-05T10:30:00.000Z",
    });
    clockAt("2030-03-05T10:31:00Z");
    const later = await newClock(world);
    const read = { ...made.data, customers: 0 };
    expect((await world.call("GET", `${CLOCKS}/${made.data.id.toUpperCase()}`)).data).toEqual(read);
    const list = await world.call<{ items: Clock[]; pagination: unknown }>("GET", `${CLOCKS}?limit=1`);
    expect(list.data.items.map(({ id }) => id)).toEqual([later]);
    expect(list.data.pagination).toMatchObject({ total: 2, hasMore: true });
    expect(await world.call("DELETE", `${CLOCKS}/${later}`)).toMatchObject({ status: 200, data: undefined });
    expect((await world.call("GET", `${CLOCKS}/${later}`)).status).toBe(404);
    expect((await world.call<{ items: Clock[] }>("GET", CLOCKS)).data.items).toEqual([read]);
  });

  test("who lives by a clock is listed, newest first", async ({ expect }) => {
    const world = await newWorld();
    const [clock, other] = [await newClock(world), await newClock(world)];
    await join(world, clock, "ada");
    await advance(world, clock, "2027-02-01T00:00:00Z");
    await join(world, clock, "grace");
    await join(world, other, "stranger");
    const listed = async (query = "") =>
      world.call<{ items: { customerReferenceId: string; testClockId: string }[]; pagination: { total: number } }>(
        "GET",
        `${CLOCKS}/${clock}/customers${query}`,
      );
    const { items, pagination } = (await listed()).data;
    expect(items.map(({ customerReferenceId }) => customerReferenceId)).toEqual(["grace", "ada"]);
    expect(items[0]?.testClockId).toBe(clock);
    expect(pagination.total).toBe(2);
    expect((await listed("?limit=1&offset=1")).data.items).toMatchObject([{ customerReferenceId: "ada" }]);
    const clocks = await world.call<{ items: (Clock & { customers: number })[] }>("GET", CLOCKS);
    expect(new Map(clocks.data.items.map(({ id, customers }) => [id, customers])).get(clock)).toBe(2);
    const hers = await newWorld();
    expect((await hers.call("GET", `${CLOCKS}/${clock}/customers`)).status).toBe(404);
  });

  test("a customer joins when it is made, and lives by the clock in everything", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const ada = await join(world, clock.toUpperCase(), "ada");
    expect(ada).toMatchObject({
      status: 201,
      data: { testClockId: clock, createdAt: "2027-01-31T09:00:00.000Z" },
    });
    const grace = await world.call<Customer>("POST", OPERATOR, { email: "g@b", referenceId: "g", testClockId: clock });
    expect(grace).toMatchObject({ status: 201, data: { testClockId: clock } });
    expect(await nowOf(world, ada.data.id)).toBe("2027-01-31T09:00:00.000Z");
    const listed = await world.call<{ items: Customer[] }>("GET", OPERATOR);
    expect(listed.data.items.map(({ testClockId }) => testClockId)).toEqual([clock, clock]);
    expect((await world.call<Customer>("GET", `${CLIENT}/ada`)).data.testClockId).toBe(clock);
    await advance(world, clock, "2027-02-01T00:00:00Z");
    expect(await nowOf(world, grace.data.id)).toBe("2027-02-01T00:00:00.000Z");
    // Who has no clock lives in real time, beside those who have.
    const real = (await world.event({ customerReferenceId: "real" })).data.customerId;
    expect(await nowOf(world, real)).toBe("2030-03-05T10:30:00.000Z");
  });

  test("a year of monthly periods advances in one call, for all of the clock's customers", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world, "2027-01-31T09:00:00Z");
    const ids: string[] = [];
    for (const ref of ["ada", "grace", "idle"]) ids.push((await join(world, clock, ref)).data.id);
    for (const id of ids.slice(0, 2)) await subscribe(world, id);
    const year = await advance(world, clock, "2028-01-31T09:00:00Z");
    expect(year).toMatchObject({ status: 200, data: { id: clock, frozenTime: "2028-01-31T09:00:00.000Z" } });
    expect(year.data.settled).toEqual({ ...NOTHING, customers: 2, periods: 24, invoices: 24 });
    expect(year.data.advancingTo).toBeUndefined();
    const invoices = await world.object(ids[0] ?? "").invoices({ limit: 100, offset: 0 });
    const ends = invoices?.items
      .filter(({ status }) => status !== "PENDING")
      .map(({ periodEndMs, dueAtMs }) => [periodEndMs, dueAtMs].map((ms) => new Date(ms).toISOString().slice(0, 10)))
      .reverse();
    // Each at its own instant, though all were made in one call.
    expect(ends?.slice(0, 3)).toEqual([
      ["2027-02-28", "2027-02-28"],
      ["2027-03-31", "2027-03-31"],
      ["2027-04-30", "2027-04-30"],
    ]);
    expect(ends).toHaveLength(12);
    // And the copies are there when it answers.
    expect((await dump("invoices", world.accountId)).length).toBeGreaterThanOrEqual(24);
  });

  test("an advance counts a customer for whom nothing but its grace ended", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world, "2027-01-31T09:00:00Z");
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id, 3);
    await advance(world, clock, "2027-02-28T09:00:00Z");
    const { data } = await advance(world, clock, "2027-03-03T09:00:00Z");
    expect(data.settled).toEqual({ ...NOTHING, customers: 1 });
  });

  test("who joins after an advance begins where the clock is", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world, "2027-01-31T09:00:00Z");
    await advance(world, clock, "2028-01-01T00:00:00Z");
    expect((await join(world, clock, "late")).data.createdAt).toBe("2028-01-01T00:00:00.000Z");
  });

  test("ending a clock releases its customers into real time, settled", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world, "2029-12-05T10:30:00Z");
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id);
    expect((await world.call("DELETE", `${CLOCKS}/${clock}`)).status).toBe(200);
    expect((await world.call<Customer>("GET", `${CLIENT}/ada`)).data.testClockId).toBeUndefined();
    const listed = await world.call<{ items: Customer[] }>("GET", OPERATOR);
    expect(listed.data.items[0]?.testClockId).toBeUndefined();
    expect(await nowOf(world, id)).toBe("2030-03-05T10:30:00.000Z");
    // Three months have passed for it.
    const overview = await world.object(id).overview();
    expect(overview?.subscriptions[0]?.period.startMs).toBe(at(REAL));
    expect(await customersOfClock(env.DB, world.accountId, clock)).toEqual([]);
  });

  test("what happens to a clock stands in the trail", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    await advance(world, clock, "2027-03-01T00:00:00Z");
    await world.call("DELETE", `${CLOCKS}/${clock}`);
    const trail = (await dump("audit_log", world.accountId))
      .map((row) => JSON.parse(row))
      .filter(({ target }) => target === clock)
      .map(({ action, before, after }) => [action, JSON.parse(before)?.frozenTime, JSON.parse(after)?.frozenTime]);
    expect(trail.sort()).toEqual([
      ["clock.advanced", "2027-01-31T09:00:00.000Z", "2027-03-01T00:00:00.000Z"],
      ["clock.created", undefined, "2027-01-31T09:00:00.000Z"],
      ["clock.deleted", "2027-03-01T00:00:00.000Z", undefined],
    ]);
  });
});

describe("refuses", () => {
  test("a live account everything about clocks", async ({ expect }) => {
    const call = await liveWorld();
    const id = crypto.randomUUID();
    const times = { frozenTime: "2027-01-31T09:00:00Z" };
    for (const [method, path, body] of [
      ["POST", CLOCKS, times],
      ["GET", CLOCKS],
      ["GET", `${CLOCKS}/${id}`],
      ["POST", `${CLOCKS}/${id}/advance`, times],
      ["DELETE", `${CLOCKS}/${id}`],
      ["POST", CLIENT, { email: "a@b", customerReferenceId: "a", testClockId: id }],
      ["POST", OPERATOR, { email: "a@b", customerReferenceId: "a", testClockId: id }],
    ] as const)
      expect(await call(method, path, body), `${method} ${path}`).toMatchObject({
        status: 403,
        error: { code: "forbidden" },
      });
    // And makes nobody of it.
    expect((await call("GET", `${CLIENT}/a`)).status).toBe(404);
  });

  test("times that are none, and years in which nothing holds", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    for (const frozenTime of [undefined, null, 7, "tomorrow", "1999-12-31T23:59:59Z", "3000-01-01T00:00:00Z"])
      for (const path of [CLOCKS, `${CLOCKS}/${clock}/advance`])
        expect(await world.call("POST", path, { frozenTime }), `${frozenTime}`).toMatchObject({
          status: 400,
          error: { fields: [{ path: "frozenTime" }] },
        });
    for (const frozenTime of ["2000-01-01T00:00:00Z", "2999-12-31T23:59:59.999Z"])
      expect((await world.call("POST", CLOCKS, { frozenTime })).status).toBe(201);
  });

  test("going back, and more than two years at once", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world, "2027-01-31T09:00:00Z");
    for (const time of ["2027-01-31T08:59:59.999Z", "2029-01-31T09:00:00.001Z", "2900-01-01T00:00:00Z"])
      expect(await advance(world, clock, time), time).toMatchObject({
        status: 400,
        error: { fields: [{ path: "frozenTime" }] },
      });
    expect((await advance(world, clock, "2029-01-31T09:00:00Z")).status).toBe(200);
    expect(await frozenTime(world, clock)).toBe("2029-01-31T09:00:00.000Z");
  });

  test("clocks that are not there, or another account's", async ({ expect }) => {
    const world = await newWorld();
    const foreign = await newClock(await newWorld());
    for (const id of ["nonsense", crypto.randomUUID(), foreign]) {
      expect((await world.call("GET", `${CLOCKS}/${id}`)).status).toBe(404);
      expect((await advance(world, id, "2027-03-01T00:00:00Z")).status).toBe(404);
      expect((await world.call("DELETE", `${CLOCKS}/${id}`)).status).toBe(404);
      expect(await join(world, id, "ada")).toMatchObject({ status: 404, error: { code: "not_found" } });
    }
    // Nobody was made for a clock that is not there.
    expect((await world.call("GET", `${CLIENT}/ada`)).status).toBe(404);
  });

  test("a customer that is there already, whoever made it", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const made = (await world.event({ customerReferenceId: "ada" })).data.customerId;
    expect(await join(world, clock, "ada")).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(await nowOf(world, made)).toBe("2030-03-05T10:30:00.000Z");
    await world.call("POST", CLIENT, { email: "g@b", customerReferenceId: "grace" });
    expect((await join(world, clock, "grace")).status).toBe(409);
    expect(await customersOfClock(env.DB, world.accountId, clock)).toEqual([]);
  });

  test("more customers than one clock can have", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const rows = Array.from({ length: CLOCK_CUSTOMERS_MAX - 1 }, () => [world.accountId, clock, crypto.randomUUID()]);
    await env.DB.prepare(
      `INSERT INTO test_clock_customers (account_id, clock_id, customer_id)
       SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`,
    )
      .bind(JSON.stringify(rows))
      .run();
    const answers = await Promise.all(["a", "b", "c"].map((ref) => join(world, clock, ref)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(await customersOfClock(env.DB, world.accountId, clock)).toHaveLength(CLOCK_CUSTOMERS_MAX);
    expect(await join(world, clock, "d")).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect((await world.call("GET", `${CLIENT}/d`)).status).toBe(404);
  });

  test("another clock for a customer whose first request did not come to its end", async ({ expect }) => {
    const world = await newWorld();
    const [first, second] = [await newClock(world), await newClock(world)];
    const away = () => Promise.reject(new Error("away"));
    expect((await interposed("register", away, () => join(world, first, "ada"))).status).toBe(500);
    expect((await join(world, second, "ada")).status).toBe(409);
    expect(await join(world, first, "ada")).toMatchObject({ status: 201, data: { testClockId: first } });
  });
});

describe("holds", () => {
  test("a request's key is kept for a real day, however far the customer's clock is moved", async ({ expect }) => {
    const world = await newWorld();
    const id = await newClock(world);
    await join(world, id, "ada");
    const once = { "Idempotency-Key": "once" };
    const first = await world.event({ customerReferenceId: "ada" }, once);
    await advance(world, id, "2027-03-31T09:00:00Z");
    const again = await world.event({ customerReferenceId: "ada" }, once);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(again.data).toEqual(first.data);
    vi.setSystemTime(at(REAL) + 25 * 3_600_000);
    const later = await world.event({ customerReferenceId: "ada" }, once);
    expect(later.headers.get("Idempotency-Replayed")).toBeNull();
  });

  test("the same instant again, and the same request again, change nothing", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id);
    const headers = { "Idempotency-Key": "go" };
    const first = await advance(world, clock, "2027-03-01T00:00:00Z", headers);
    expect(first.data.settled).toEqual({ ...NOTHING, customers: 1, periods: 1, invoices: 1 });
    const rows = await dump("invoices", world.accountId);
    const repeated = await advance(world, clock, "2027-03-01T00:00:00Z", headers);
    expect(repeated.data).toEqual(first.data);
    expect(repeated.headers.get("Idempotency-Replayed")).toBe("true");
    const again = await advance(world, clock, "2027-03-01T00:00:00Z");
    expect(again).toMatchObject({ status: 200, data: { settled: NOTHING } });
    expect(await dump("invoices", world.accountId)).toEqual(rows);
  });

  test("an advance that some customers do not follow keeps what was done, and its repeat finishes it", async ({
    expect,
  }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id);
    // A row that leads to nobody's object.
    await env.DB.prepare("INSERT INTO test_clock_customers VALUES (?, ?, 'nobody')").bind(world.accountId, clock).run();
    const partly = await advance(world, clock, "2027-03-01T00:00:00Z", { "Idempotency-Key": "go" });
    expect(partly).toMatchObject({ status: 503, error: { code: "unavailable" } });
    expect(partly.headers.get("Retry-After")).not.toBeNull();
    expect((await world.call<Clock>("GET", `${CLOCKS}/${clock}`)).data).toMatchObject({
      frozenTime: "2027-01-31T09:00:00.000Z",
      advancingTo: "2027-03-01T00:00:00.000Z",
    });
    expect(await nowOf(world, id)).toBe("2027-03-01T00:00:00.000Z");
    // Who joins now is where the others are going.
    const grace = await join(world, clock, "grace");
    expect(grace.data.createdAt).toBe("2027-03-01T00:00:00.000Z");
    // Back to before where some are already: no.
    expect(await advance(world, clock, "2027-02-15T00:00:00Z")).toMatchObject({
      status: 409,
      error: { code: "conflict" },
    });
    // Ending it does not work either, and loses nothing.
    expect((await world.call("DELETE", `${CLOCKS}/${clock}`)).status).toBe(503);
    expect(await customersOfClock(env.DB, world.accountId, clock)).toHaveLength(3);
    await env.DB.prepare("DELETE FROM test_clock_customers WHERE customer_id = 'nobody'").run();
    const finished = await advance(world, clock, "2027-03-01T00:00:00Z", { "Idempotency-Key": "go" });
    expect(finished).toMatchObject({ status: 200, data: { frozenTime: "2027-03-01T00:00:00.000Z", settled: NOTHING } });
    expect(finished.data.advancingTo).toBeUndefined();
  });

  test("an interrupted advance is finished by one to a later instant", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    await setTarget(world, clock, "2027-03-01T00:00:00Z");
    expect((await advance(world, clock, "2027-04-01T00:00:00Z")).status).toBe(200);
    expect((await world.call<Clock>("GET", `${CLOCKS}/${clock}`)).data).toMatchObject({
      frozenTime: "2027-04-01T00:00:00.000Z",
    });
    expect((await dump("test_clocks", world.accountId)).map((row) => JSON.parse(row).target_at_ms)).toEqual([null]);
  });

  test("advances at once to different instants end at the farthest, each period once", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id);
    const times = ["2027-03-01T00:00:00Z", "2027-06-01T00:00:00Z", "2027-04-01T00:00:00Z", "2027-06-01T00:00:00Z"];
    const answers = await Promise.all(times.map((time) => advance(world, clock, time)));
    for (const { status } of answers) expect([200, 400, 409]).toContain(status);
    expect(answers[1]?.status).toBe(200);
    const periods = answers.reduce((sum, { status, data }) => sum + (status === 200 ? data.settled.periods : 0), 0);
    expect(periods).toBe(4);
    expect((await world.call<Clock>("GET", `${CLOCKS}/${clock}`)).data).toEqual({
      id: clock,
      frozenTime: "2027-06-01T00:00:00.000Z",
      customers: 1,
      createdAt: expect.any(String),
    });
  });

  test("an advance that a farther one overtakes sets nobody back, and says no more than it did", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id);
    const farther = () => advance(world, clock, "2027-06-01T00:00:00Z");
    const overtaken = await interposed("advanceClock", farther, () => advance(world, clock, "2027-03-01T00:00:00Z"));
    expect(overtaken).toMatchObject({ status: 200, data: { settled: NOTHING } });
    expect(await frozenTime(world, clock)).toBe("2027-06-01T00:00:00.000Z");
    expect(await nowOf(world, id)).toBe("2027-06-01T00:00:00.000Z");
  });

  test("an advance that ends while a farther one is under way leaves that one its target", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    await join(world, clock, "ada");
    const begins = () => setTarget(world, clock, "2027-06-01T00:00:00Z");
    await interposed("advanceClock", begins, () => advance(world, clock, "2027-03-01T00:00:00Z"));
    expect((await world.call<Clock>("GET", `${CLOCKS}/${clock}`)).data).toMatchObject({
      frozenTime: "2027-03-01T00:00:00.000Z",
      advancingTo: "2027-06-01T00:00:00.000Z",
    });
  });

  test("customers that join while the clock advances are where it is, all of them", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const refs = Array.from({ length: 12 }, (_, index) => `c${index}`);
    const work = refs.map((ref, index) =>
      index === 4 || index === 8
        ? advance(world, clock, `2027-0${index}-01T00:00:00Z`).then(() => join(world, clock, ref))
        : join(world, clock, ref),
    );
    const made = await Promise.all(work);
    expect(made.map(({ status }) => status)).toEqual(refs.map(() => 201));
    expect(await frozenTime(world, clock)).toBe("2027-08-01T00:00:00.000Z");
    for (const { data } of made) expect(await nowOf(world, data.id), data.id).toBe("2027-08-01T00:00:00.000Z");
  });

  test("a customer registered at an older instant than the clock's is brought to it", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    // The clock's row is read before the object is registered: the advance happens in between.
    const joined = await interposed(
      "register",
      async () => {
        await advance(world, clock, "2027-05-01T00:00:00Z");
      },
      () => join(world, clock, "ada"),
    );
    expect(joined).toMatchObject({ status: 201, data: { createdAt: "2027-01-31T09:00:00.000Z" } });
    expect(await nowOf(world, joined.data.id)).toBe("2027-05-01T00:00:00.000Z");
  });

  test("a customer registered for a clock that has ended meanwhile lives in real time", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const joined = await interposed(
      "register",
      async () => {
        expect((await world.call("DELETE", `${CLOCKS}/${clock}`)).status).toBe(200);
      },
      () => join(world, clock, "ada"),
    );
    expect(joined.status).toBe(201);
    expect(await nowOf(world, joined.data.id)).toBe("2030-03-05T10:30:00.000Z");
  });

  test("a customer that an event made in between is refused, and is in no clock", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const joined = await interposed(
      "register",
      async () => {
        expect((await world.event({ customerReferenceId: "ada" })).status).toBe(201);
      },
      () => join(world, clock, "ada"),
    );
    expect(joined).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(await customersOfClock(env.DB, world.accountId, clock)).toEqual([]);
    // It can be completed like any other.
    expect((await world.call("POST", CLIENT, { email: "a@b", customerReferenceId: "ada" })).status).toBe(201);
  });

  test("twenty requests at once for one customer make one, in the clock", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const answers = await Promise.all(Array.from({ length: 20 }, () => join(world, clock, "ada")));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    expect(await customersOfClock(env.DB, world.accountId, clock)).toHaveLength(1);
  });

  test("a repeat under an Idempotency-Key is the same customer", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const headers = { "Idempotency-Key": "make" };
    const first = await join(world, clock, "ada", headers);
    await advance(world, clock, "2027-01-31T10:00:00Z");
    const again = await join(world, clock, "ada", headers);
    expect(again).toMatchObject({ status: 201, data: first.data });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
  });

  test("a repeated deletion answers as the first; a second one finds nothing", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const headers = { "Idempotency-Key": "end" };
    for (let time = 0; time < 2; time += 1)
      expect((await world.call("DELETE", `${CLOCKS}/${clock}`, undefined, headers)).status).toBe(200);
    expect((await world.call("DELETE", `${CLOCKS}/${clock}`)).status).toBe(404);
  });

  test("D1 running an advance's batches twice, or losing its answers, moves nobody twice", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id);
    const doubled = await withD1("doubled", () =>
      advance(world, clock, "2027-03-01T00:00:00Z", { "Idempotency-Key": "go" }),
    );
    expect(doubled).toMatchObject({ status: 200, data: { settled: { periods: 1 } } });
    const lost = await withD1("answer lost", () => advance(world, clock, "2027-04-01T00:00:00Z"));
    expect(lost.status).toBe(503);
    const finished = await advance(world, clock, "2027-04-01T00:00:00Z");
    expect(finished).toMatchObject({ status: 200, data: { frozenTime: "2027-04-01T00:00:00.000Z" } });
    const invoices = await world.object(id).invoices({ limit: 10, offset: 0 });
    expect(invoices?.items.filter(({ status }) => status !== "PENDING")).toHaveLength(2);
  });

  test("an advance is the same whether it comes in one step or in many", async ({ expect }) => {
    const world = await newWorld();
    const [whole, stepwise] = [await newClock(world), await newClock(world)];
    const ids: string[] = [];
    for (const [clock, ref] of [
      [whole, "a"],
      [stepwise, "b"],
    ] as const) {
      const { id } = (await join(world, clock, ref)).data;
      await subscribe(world, id);
      ids.push(id);
    }
    await advance(world, whole, "2027-12-25T00:00:00Z");
    for (let atMs = at("2027-02-07T00:00:00Z"); atMs < at("2027-12-25T00:00:00Z"); atMs += 20 * 86_400_000)
      await advance(world, stepwise, new Date(atMs).toISOString());
    await advance(world, stepwise, "2027-12-25T00:00:00Z");
    const [a, b] = await Promise.all(
      ids.map(async (id) => {
        const { items = [] } = (await world.object(id).invoices({ limit: 50, offset: 0 })) ?? {};
        return items.map(({ status, amountMinor, periodStartMs, periodEndMs, dueAtMs, createdAtMs }) => ({
          status,
          amountMinor,
          periodStartMs,
          periodEndMs,
          dueAtMs,
          createdAtMs,
        }));
      }),
    );
    expect(a).toHaveLength(11);
    expect(b).toEqual(a);
  });

  test("the cron leaves customers of a clock alone", async ({ expect }) => {
    const world = await newWorld();
    const clock = await newClock(world);
    const { id } = (await join(world, clock, "ada")).data;
    await subscribe(world, id);
    await world.flush(id);
    const isOverdue = async () =>
      (await overdueCustomers(env.DB, at("2040-01-01T00:00:00Z"), undefined, 1000)).some(
        (one) => one.customerId === id,
      );
    expect(await isOverdue()).toBe(false);
    await world.call("DELETE", `${CLOCKS}/${clock}`);
    await world.flush(id);
    expect(await isOverdue()).toBe(true);
  });

  test("a clock's customers are found by the clock, an account's clocks in order", async ({ expect }) => {
    const accountId = crypto.randomUUID();
    expect(await queryPlans((db) => customersOfClock(db, accountId, "c"))).toEqual([
      "SEARCH test_clock_customers USING PRIMARY KEY (account_id=? AND clock_id=?)",
    ]);
    const plans = await queryPlans((db) => clockPage(db, accountId, { limit: 9, offset: 0 }));
    expect(plans).toContain("SEARCH test_clocks USING INDEX test_clocks_by_age (account_id=?)");
    for (const line of plans) expect(line).not.toMatch(/^SCAN/);
    for (const line of await queryPlans((db) => clockCustomerPage(db, accountId, "c", { limit: 9, offset: 0 })))
      expect(line).not.toMatch(/^SCAN|\(account_id=\?\)$/);
    for (const line of await queryPlans((db) => joinClock(db, accountId, "c", customerId(newTag()))))
      expect(line).not.toMatch(/^SCAN|\(account_id=\?\)$/);
  });
});

async function setTarget(world: World, clock: string, time: string): Promise<void> {
  await env.DB.prepare("UPDATE test_clocks SET target_at_ms = CAST(? AS INTEGER) WHERE account_id = ? AND clock_id = ?")
    .bind(at(time), world.accountId, clock)
    .run();
}

/** Runs `work`, and `between` once, when an object is first called by this method. */
async function interposed<T>(
  method: "register" | "advanceClock",
  between: () => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const prototype = CustomerObject.prototype as unknown as Record<typeof method, (call: unknown) => Promise<unknown>>;
  const real = prototype[method];
  let isFirst = true;
  prototype[method] = async function (call) {
    if (isFirst) {
      isFirst = false;
      await between();
    }
    return real.call(this, call);
  };
  try {
    return await work();
  } finally {
    prototype[method] = real;
  }
}
