import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { insertKey, send } from "../support/probe.ts";
import {
  active,
  customer,
  invoicesOf,
  ok,
  type Page,
  read,
  type Subscription,
  sell,
  subscribe,
} from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

const PLANS = "/api/v1/monetization/plans";
const CHANGE = "/api/v1/client/subscriptions";

type Moved = {
  subscriptionId: string;
  customerId: string;
  fromVersion: number;
  toVersion: number;
  effectiveAt: string;
  priceAmount: { before: number; after: number };
  adjustmentAmount?: number;
};
type Migration = {
  planId: string;
  toVersion: number;
  dryRun: boolean;
  counts: { moved: number; skipped: number };
  moved: Moved[];
  skipped: { subscriptionId: string; customerId: string; reason: string }[];
  nextCursor?: string;
};
type Entry = { action: string; target: string; after?: unknown };

afterEach(() => {
  vi.useRealTimers();
});

type Shop = { world: World; planId: string; subscribers: Subscription[] };

/** A plan `basic` for 10 with ACTIVE subscribers since 15 January; then its price becomes 30, version 2. */
async function shop(references: readonly string[] = ["ada", "grace"]): Promise<Shop> {
  clockAt("2027-01-15T10:00:00Z");
  const world = await newWorld();
  const planId = await sell(world, "basic", { priceAmount: 10 });
  const subscribers: Subscription[] = [];
  for (const reference of references) {
    await customer(world, reference);
    subscribers.push(await active(world, reference, "basic"));
  }
  await ok(world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: 30 }));
  return { world, planId, subscribers };
}

const migrate = (world: World, planId: string, body: unknown, headers: Record<string, string> = {}) =>
  world.call<Migration>("POST", `${PLANS}/${planId}/migrate`, body, headers);

const byId = (a: { subscriptionId: string }, b: { subscriptionId: string }) =>
  a.subscriptionId < b.subscriptionId ? -1 : 1;

describe("does", () => {
  test("a dry run says who would move and what each pays, and moves nobody", async ({ expect }) => {
    const { world, planId, subscribers } = await shop();
    // The middle of 31 days.
    clockAt("2027-01-30T22:00:00Z");
    const { data } = await migrate(world, planId, { when: "NOW", dryRun: true });
    expect(data).toMatchObject({ planId, toVersion: 2, dryRun: true, counts: { moved: 2, skipped: 0 }, skipped: [] });
    expect(data).not.toHaveProperty("nextCursor");
    expect(data.moved.toSorted(byId)).toEqual(
      subscribers
        .map(({ id, customer: { id: customerId, customerReferenceId } }) => ({
          subscriptionId: id,
          customerId,
          customerName: customerReferenceId,
          fromVersion: 1,
          toVersion: 2,
          effectiveAt: "2027-01-30T22:00:00.000Z",
          priceAmount: { before: 10, after: 30 },
          adjustmentAmount: 10,
        }))
        .sort(byId),
    );
    for (const { id } of subscribers) expect((await read(world, { id })).plan.version).toBe(1);
    expect(await invoicesOf(world, "ada")).toHaveLength(1);
    // Then it does what it said.
    const done = await migrate(world, planId, { when: "NOW" });
    expect(done.data).toEqual({ ...data, dryRun: false });
  });

  test("NOW charges the difference for the time left, and leaves period and anchor", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    clockAt("2027-01-30T22:00:00Z");
    await ok(migrate(world, planId, { when: "NOW" }));
    const [before] = subscribers;
    expect(await read(world, { id: before?.id ?? "" })).toMatchObject({
      plan: { version: 2, priceAmount: 30 },
      currentPeriodEnd: before?.currentPeriodEnd,
      billingAnchorDay: 15,
    });
    expect((await invoicesOf(world, "ada"))[0]).toMatchObject({
      type: "ADJUSTMENT",
      status: "DUE",
      amount: 10,
      items: [
        { kind: "PRORATION", chargeAmount: -5, planVersion: 1 },
        { kind: "PRORATION", chargeAmount: 15, planVersion: 2 },
      ],
    });
  });

  test("NEXT_PERIOD waits for each one's period to end", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    const [{ id } = { id: "" }] = subscribers;
    const { data } = await migrate(world, planId, { when: "NEXT_PERIOD" });
    expect(data.moved).toMatchObject([{ subscriptionId: id, effectiveAt: "2027-02-15T10:00:00.000Z" }]);
    expect(data.moved[0]).not.toHaveProperty("adjustmentAmount");
    expect(await read(world, { id })).toMatchObject({
      plan: { version: 1 },
      scheduledChange: {
        type: "MIGRATION",
        fromPlan: { key: "basic", version: 1 },
        toPlan: { key: "basic", version: 2, priceAmount: 30 },
        effectiveAt: "2027-02-15T10:00:00.000Z",
      },
    });
    clockAt("2027-02-15T10:00:00Z");
    expect(await read(world, { id })).toMatchObject({ plan: { version: 2 } });
    expect((await invoicesOf(world, "ada"))[0]).toMatchObject({ amount: 30, status: "DUE" });
  });

  test("fromVersion moves subscribers of that version alone", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    await customer(world, "grace");
    const second = await active(world, "grace", "basic");
    expect(second.plan.version).toBe(2);
    await ok(world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: 40 }));
    const { data } = await migrate(world, planId, { when: "NEXT_PERIOD", fromVersion: 2 });
    expect(data.moved).toMatchObject([{ subscriptionId: second.id, fromVersion: 2, toVersion: 3 }]);
    expect(await read(world, { id: subscribers[0]?.id ?? "" })).not.toHaveProperty("scheduledChange");
    expect((await migrate(world, planId, { when: "NOW", fromVersion: 7 })).data.counts).toEqual({
      moved: 0,
      skipped: 0,
    });
  });

  test("pages go on where they stopped, and reach everybody once", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["a", "b", "c", "d", "e"]);
    const moved: Moved[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const { data } = await migrate(world, planId, {
        when: "NOW",
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      });
      moved.push(...data.moved);
      cursor = data.nextCursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(pages).toBe(3);
    expect(moved.map(({ subscriptionId }) => subscriptionId).sort()).toEqual(subscribers.map(({ id }) => id).sort());
  });

  test("one that waits for its first payment is asked for the new price", async ({ expect }) => {
    clockAt("2027-01-15T10:00:00Z");
    const world = await newWorld();
    const planId = await sell(world, "basic", { priceAmount: 10 });
    await customer(world);
    const { subscription } = await ok(subscribe(world, "ada", "basic"));
    await ok(world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: 30 }));
    const { data } = await migrate(world, planId, { when: "NEXT_PERIOD" });
    expect(data.moved).toMatchObject([{ subscriptionId: subscription.id, adjustmentAmount: 30 }]);
    expect((await invoicesOf(world, "ada")).map(({ status, amount }) => [status, amount])).toEqual([
      ["DUE", 30],
      ["CANCELLED", 10],
    ]);
  });

  test("subscribers of an archived plan can be moved too", async ({ expect }) => {
    const { world, planId } = await shop(["ada"]);
    await ok(world.call("DELETE", `${PLANS}/${planId}`));
    expect((await migrate(world, planId, { when: "NOW" })).data.counts).toEqual({ moved: 1, skipped: 0 });
  });
});

describe("refuses", () => {
  test("plans that are not there, another account's, or drafts", async ({ expect }) => {
    const [{ world }, strange] = [await shop(["ada"]), await shop(["ada"])];
    for (const id of [crypto.randomUUID(), strange.planId, "x"])
      expect(await migrate(world, id, { when: "NOW" })).toMatchObject({ status: 404, error: { code: "not_found" } });
    const { id } = await ok(world.call<{ id: string }>("POST", PLANS, { key: "draft", name: "Draft" }));
    expect(await migrate(world, id, { when: "NOW" })).toMatchObject({ status: 409, error: { code: "conflict" } });
  });

  test("what is missing or out of range, by its name", async ({ expect }) => {
    const { world, planId } = await shop(["ada"]);
    for (const [body, path] of [
      [{}, "when"],
      [{ when: "LATER" }, "when"],
      [{ when: "NOW", limit: 501 }, "limit"],
      [{ when: "NOW", limit: 0 }, "limit"],
      [{ when: "NOW", fromVersion: 0 }, "fromVersion"],
      [{ when: "NOW", dryRun: "yes" }, "dryRun"],
      [{ when: "NOW", cursor: "nowhere" }, "cursor"],
    ] as const)
      expect(await migrate(world, planId, body), path).toMatchObject({ status: 400, error: { fields: [{ path }] } });
    expect((await migrate(world, planId, { when: "NOW", dryRun: true })).data.counts.moved).toBe(1);
  });
});

describe("holds", () => {
  test.for(["NOW", "NEXT_PERIOD"])("repeated, it moves nobody twice (%s)", async (when, { expect }) => {
    const { world, planId, subscribers } = await shop();
    clockAt("2027-01-30T22:00:00Z");
    expect((await migrate(world, planId, { when })).data.counts).toEqual({ moved: 2, skipped: 0 });
    const shown = await Promise.all(subscribers.map((one) => read(world, one)));
    clockAt("2027-01-31T22:00:00Z");
    const { data } = await migrate(world, planId, { when });
    expect(data.counts.moved).toBe(0);
    if (when === "NEXT_PERIOD")
      expect(data.skipped.map(({ reason }) => reason)).toEqual(Array(2).fill("SCHEDULED_ALREADY"));
    expect(await Promise.all(subscribers.map((one) => read(world, one)))).toEqual(shown);
    expect(await invoicesOf(world, "ada")).toHaveLength(when === "NOW" ? 2 : 1);
  });

  test("the same page at once from two operators moves each subscriber once", async ({ expect }) => {
    const { world, planId } = await shop(["a", "b", "c", "d"]);
    clockAt("2027-01-30T22:00:00Z");
    const answers = await Promise.all([1, 2, 3].map(() => migrate(world, planId, { when: "NOW" })));
    const moved = answers.flatMap(({ data }) => data.moved.map(({ subscriptionId }) => subscriptionId));
    expect(moved).toHaveLength(4);
    expect(new Set(moved).size).toBe(4);
    expect(await invoicesOf(world, "a")).toHaveLength(2);
  });

  test("a repeat under an Idempotency-Key hears the first answer", async ({ expect }) => {
    const { world, planId } = await shop();
    const headers = { "Idempotency-Key": "move" };
    const first = await migrate(world, planId, { when: "NOW" }, headers);
    const again = await migrate(world, planId, { when: "NOW" }, headers);
    expect([again.status, again.data]).toEqual([200, first.data]);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(await migrate(world, planId, { when: "NEXT_PERIOD" }, headers)).toMatchObject({
      status: 409,
      error: { code: "idempotency_conflict" },
    });
  });

  test("the object decides, not D1's copy: what ended or changed since is left alone", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada", "grace", "linus"]);
    await sell(world, "tiny", { priceAmount: 1 });
    const [ada, grace, linus] = subscribers.map(({ id }) => id);
    const copies = await env.DB.prepare("SELECT * FROM subscriptions WHERE account_id = ?").bind(world.accountId).all();
    await ok(world.call("POST", `${CHANGE}/cancellation/${ada}?cancelMode=IMMEDIATE`));
    await ok(world.call("POST", `${CHANGE}/${grace}/plan-change`, { changeToPlanId: "tiny", changeType: "DOWNGRADE" }));
    await ok(migrate(world, planId, { when: "NOW", fromVersion: 1 }));
    const before = await invoicesOf(world, "linus");
    // D1 as it was before all of this.
    await env.DB.batch(
      copies.results.map((row) =>
        env.DB.prepare(
          "UPDATE subscriptions SET status = ?, plan_version = ? WHERE account_id = ? AND subscription_id = ?",
        ).bind(row.status, row.plan_version, world.accountId, row.subscription_id),
      ),
    );
    const { data } = await migrate(world, planId, { when: "NEXT_PERIOD", fromVersion: 1 });
    expect(data.moved).toEqual([]);
    expect(new Map(data.skipped.map(({ subscriptionId, reason }) => [subscriptionId, reason]))).toEqual(
      new Map([
        [ada, "ENDED"],
        [grace, "OTHER_VERSION"],
        [linus, "OTHER_VERSION"],
      ]),
    );
    expect(await invoicesOf(world, "linus")).toEqual(before);
  });

  test("a downgrade that waits goes before a migration that waits", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    await sell(world, "tiny", { priceAmount: 1 });
    const [{ id } = { id: "" }] = subscribers;
    await ok(world.call("POST", `${CHANGE}/${id}/plan-change`, { changeToPlanId: "tiny", changeType: "DOWNGRADE" }));
    const { data } = await migrate(world, planId, { when: "NEXT_PERIOD" });
    expect(data).toMatchObject({ moved: [], skipped: [{ subscriptionId: id, reason: "CHANGE_SCHEDULED" }] });
    expect((await read(world, { id })).scheduledChange).toMatchObject({ toPlan: { key: "tiny" } });
  });

  test("a migration that a downgrade replaced waits again when the downgrade is dropped", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    for (const [key, priceAmount] of [
      ["small", 2],
      ["tiny", 1],
    ] as const)
      await sell(world, key, { priceAmount });
    const [{ id } = { id: "" }] = subscribers;
    await migrate(world, planId, { when: "NEXT_PERIOD" });
    const before = (await read(world, { id })).scheduledChange;
    for (const changeToPlanId of ["small", "tiny"])
      await ok(world.call("POST", `${CHANGE}/${id}/plan-change`, { changeToPlanId, changeType: "DOWNGRADE" }));
    expect((await read(world, { id })).scheduledChange).toMatchObject({ type: "DOWNGRADE", toPlan: { key: "tiny" } });
    await ok(world.call("DELETE", `${CHANGE}/${id}/plan-change/scheduled`));
    expect((await read(world, { id })).scheduledChange).toEqual(before);
    await evictDurableObject(world.object(subscribers[0]?.customer.id ?? ""));
    clockAt("2027-02-15T10:00:00Z");
    expect(await read(world, { id })).toMatchObject({ plan: { key: "basic", version: 2 } });
  });

  test("a migration at once leaves a downgrade, and nothing below it", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    await sell(world, "tiny", { priceAmount: 1 });
    const [{ id } = { id: "" }] = subscribers;
    await migrate(world, planId, { when: "NEXT_PERIOD" });
    await ok(world.call("POST", `${CHANGE}/${id}/plan-change`, { changeToPlanId: "tiny", changeType: "DOWNGRADE" }));
    expect((await migrate(world, planId, { when: "NOW" })).data.counts.moved).toBe(1);
    expect((await read(world, { id })).scheduledChange).toMatchObject({ toPlan: { key: "tiny" } });
    await ok(world.call("DELETE", `${CHANGE}/${id}/plan-change/scheduled`));
    expect(await read(world, { id })).not.toHaveProperty("scheduledChange");
  });

  test("a customer's own key drops its downgrade, and not the seller's migration", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    await sell(world, "tiny", { priceAmount: 1 });
    const [{ id } = { id: "" }] = subscribers;
    const customerId = subscribers[0]?.customer.id ?? "";
    const key = await insertKey(world.accountId, { scopes: ["purchase"], customerId });
    const drop = () => send("DELETE", `${CHANGE}/${id}/plan-change/scheduled`, { key });
    await migrate(world, planId, { when: "NEXT_PERIOD" });
    await ok(world.call("POST", `${CHANGE}/${id}/plan-change`, { changeToPlanId: "tiny", changeType: "DOWNGRADE" }));
    expect((await drop()).status).toBe(200);
    expect(await drop()).toMatchObject({ status: 403, envelope: { error: { code: "forbidden" } } });
    expect((await read(world, { id })).scheduledChange).toMatchObject({ type: "MIGRATION" });
    await ok(world.call("DELETE", `${CHANGE}/${id}/plan-change/scheduled`));
    expect((await drop()).status).toBe(200);
  });

  test("who has cancelled does not move when the period ends", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    const [{ id } = { id: "" }] = subscribers;
    await ok(world.call("POST", `${CHANGE}/cancellation/${id}?cancelMode=END_OF_PERIOD`));
    const next = () => migrate(world, planId, { when: "NEXT_PERIOD" });
    expect((await next()).data).toMatchObject({ moved: [], skipped: [{ subscriptionId: id, reason: "ENDS" }] });
    await ok(world.call("DELETE", `${CHANGE}/cancellation/${id}/scheduled`));
    expect((await next()).data.counts).toEqual({ moved: 1, skipped: 0 });
  });

  test("a suspended one moves when it is paid, which is never in the past", async ({ expect }) => {
    const { world, planId, subscribers } = await shop(["ada"]);
    const [{ id } = { id: "" }] = subscribers;
    clockAt("2027-02-15T10:00:00Z");
    await read(world, { id });
    clockAt("2027-04-01T00:00:00Z");
    expect((await read(world, { id })).status).toBe("SUSPENDED");
    const { data } = await migrate(world, planId, { when: "NOW" });
    expect(data.moved).toMatchObject([{ subscriptionId: id, effectiveAt: "2027-04-01T00:00:00.000Z" }]);
  });

  test("a migration stands in the trail; a dry run and one that moves nobody do not", async ({ expect }) => {
    const { world, planId } = await shop();
    await ok(migrate(world, planId, { when: "NOW", dryRun: true }));
    await ok(migrate(world, planId, { when: "NOW", limit: 1 }));
    await ok(migrate(world, planId, { when: "NOW" }));
    await ok(migrate(world, planId, { when: "NOW" }));
    const { items } = await ok(world.call<Page<Entry>>("GET", "/api/v1/account/audit-log"));
    const entries = items.filter(({ action }) => action === "plan.migrated");
    expect(entries.map(({ target, after }) => [target, after])).toEqual(
      Array(2).fill([planId, { toVersion: 2, when: "NOW", counts: { moved: 1, skipped: 0 } }]),
    );
  });
});
