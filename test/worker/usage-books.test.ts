import { runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { EVENT_ENTRIES, SUMMED_EVENTS } from "../../src/customer/readable-rows.ts";
import { ada, usage } from "../support/access.ts";
import { type Burning, burning } from "../support/busy.ts";
import { booksOf, edit, type Law, nth } from "../support/edited.ts";
import { customer, ok } from "../support/sale.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** The books of what events used and burned: each row of it that somebody edited is found and named. */

let world: World;

beforeEach(async () => {
  clockAt("2030-03-05T10:00:00Z");
  world = await newWorld();
});
afterAll(() => {
  vi.useRealTimers();
});

describe("holds", () => {
  test.for([
    ["the ledger moved for events", EVENT_ENTRIES, "USING INDEX credit_entries_by_event"],
    ["rollups add up", SUMMED_EVENTS, "USING INDEX events_by_time"],
  ] as const)("what %s is read in the order of an index", async ([, sql, index], { expect }) => {
    const id = await customer(world);
    const plan = await runInDurableObject(world.object(id), (object) =>
      sqlOf(object).exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).toArray(),
    );
    expect(plan.map(({ detail }) => detail)).toEqual([expect.stringContaining(index)]);
  });

  type Case = [string, string, string[], (made: Burning) => Partial<Law["firstBreak"]>, [string, string]];
  const link = (field: string, amount: string) =>
    `UPDATE credit_pools SET body = json_set(body, '$.links[0].${field}."$bigint"', '${amount}') WHERE number = 1`;

  test.for<Case>([
    [
      "what a link has drawn",
      link("drawnE4", "10000"),
      ["links_drawn"],
      ({ subscription }) => ({
        kind: "subscription",
        id: subscription,
        why: "its pool counts 1 as drawn for it, the ledger drew 5",
      }),
      ["1", "5"],
    ],
    [
      "what a link holds",
      link("heldE4", "50000"),
      ["links_held"],
      ({ subscription }) => ({
        kind: "subscription",
        id: subscription,
        why: "its pool counts 5 as held for it, its open reservations hold 4",
      }),
      ["5", "4"],
    ],
    [
      "what an event says that it burned",
      "UPDATE events SET detail = json_set(detail, '$.burnt.drawnE4', '10000') WHERE seq = 2",
      ["events_burnt"],
      ({ event }) => ({
        kind: "event",
        id: nth(event, 2),
        why: "says that it burned 1, the ledger took 5 for it",
      }),
      ["6", "10"],
    ],
    [
      "what a correction says that it gave back",
      "UPDATE events SET detail = json_set(detail, '$.burnt.drawnE4', '-10000') WHERE seq = 4",
      ["events_burnt"],
      ({ event }) => ({
        kind: "event",
        id: nth(event, 4),
        why: "says that it burned -1, the ledger took -2 for it",
      }),
      ["11", "10"],
    ],
    [
      "an event that burned nothing any more",
      "UPDATE events SET detail = json_remove(detail, '$.burnt') WHERE seq = 7",
      ["events_burnt"],
      ({ event }) => ({
        kind: "event",
        id: nth(event, 7),
        why: "is not there, or says nothing of credits, the ledger took 2 for it",
      }),
      ["8", "10"],
    ],
    [
      "what a counter had when its period began",
      "UPDATE counters SET used_at_start_e12 = '4000000000000' WHERE feature_key = 'api'",
      ["counter_start"],
      ({ subscription }) => ({
        kind: "subscription",
        id: subscription,
        why: "the period of api began with 4 units, the events until then leave 5",
      }),
      ["4", "5"],
    ],
    [
      "what of a counter was billable when its period began",
      "UPDATE counters SET billable_at_start_e12 = '0' WHERE feature_key = 'api'",
      ["counter_start"],
      ({ subscription }) => ({
        kind: "subscription",
        id: subscription,
        why: "the period of api began with 0 billable units, the events until then leave 5",
      }),
      ["5", "5"],
    ],
    [
      "the newest segment of usage that is on an invoice, and is gone,",
      "DELETE FROM usage_segments",
      ["counter_start", "counter_start", "rows_there"],
      () => ({ kind: "usage segment", id: "1", why: "is gone: 1 were made, 0 are there" }),
      ["5", "0"],
    ],
  ])("%s that somebody edited is found and named", async ([, sql, laws, named, sides], { expect }) => {
    const made = await burning(world);
    expect((await booksOf(world, "ada")).laws.filter(({ holds }) => !holds)).toEqual([]);
    await edit(world, made.id, sql);
    const broken = (await booksOf(world, "ada")).laws.filter(({ holds }) => !holds);
    expect(broken.map(({ law }) => law).sort()).toEqual(laws);
    expect(broken.map(({ firstBreak }) => firstBreak)).toContainEqual(expect.objectContaining(named(made)));
    expect(broken.map(({ left, right }) => [left.value, right.value])).toContainEqual(sides);
  });

  test.for<[string, string, { id: string; why: string }]>([
    [
      "the units of a day",
      "UPDATE rollups SET usage_e12 = '1000000000000' WHERE bucket_start_ms < 1900000000000 AND revenue_e12 = '10000000000000'",
      { id: "2030-03-06", why: "in USD have 1 units, its events 5" },
    ],
    [
      "a day's usage that is gone",
      "DELETE FROM rollups WHERE revenue_e12 = '18000000000000'",
      { id: "2030-04-06", why: "in USD have 0 events, its events 2" },
    ],
  ])("%s is found and named, with its day", async ([, sql, { id, why }], { expect }) => {
    const made = await burning(world);
    expect((await booksOf(world, "ada")).holds).toBe(true);
    await edit(world, made.id, sql);
    expect((await booksOf(world, "ada")).laws.filter(({ holds }) => !holds)).toMatchObject([
      {
        law: "rollup_events",
        left: { value: "4" },
        right: { value: "5" },
        firstBreak: { kind: "usage day", id, why: expect.stringContaining(why) },
      },
    ]);
  });

  test("hours that became a day, late events and those beyond a day's limit are summed", async ({ expect }) => {
    const { id } = await burning(world);
    clockAt("2030-07-01T10:00:00Z");
    const past = { customerReferenceId: "ada", featureKey: "api", usageUnits: 3, costAmount: 0.5 };
    await ok(world.event({ ...past, occurredAt: "2030-03-06T23:30:00Z" }));
    const many = Array.from({ length: 205 }, (_, place) => ({ ...past, featureKey: `f${place}` }));
    for (const event of many) await ok(world.event(event));
    await ok(world.event({ ...past, featureKey: "f204" }));
    await runInDurableObject(world.object(id), (object) => {
      const hours =
        "SELECT COUNT(*) AS n FROM rollups WHERE span_ms = 3600000 AND bucket_start_ms < 1901750400000 AND events > 0";
      expect(sqlOf(object).exec(hours).one()).toEqual({ n: 0 });
      const others = "SELECT SUM(events) AS n FROM rollups WHERE feature_id = '(other)'";
      expect(sqlOf(object).exec(others).one()).toEqual({ n: 6 });
    });
    expect((await booksOf(world, "ada")).laws.filter(({ holds }) => !holds)).toEqual([]);
    await edit(world, id, "UPDATE rollups SET cost_e12 = '1' WHERE feature_id = '(other)'");
    const [broken] = (await booksOf(world, "ada")).laws.filter(({ holds }) => !holds);
    expect(broken).toMatchObject({ law: "rollup_events", firstBreak: { kind: "usage day", id: "2030-07-01" } });
  });

  test("what events earned in another currency is summed in that one", async ({ expect }) => {
    const { id } = await ada(world, { chat: usage("0.5") }, { currency: "EUR" });
    await ok(world.event({ customerReferenceId: "ada", featureKey: "chat", usageUnits: 3 }));
    expect((await booksOf(world, "ada")).laws.filter(({ holds }) => !holds)).toEqual([]);
    await edit(world, id, "UPDATE rollups SET revenue_e12 = '0' WHERE currency = 'EUR'");
    const [broken] = (await booksOf(world, "ada")).laws.filter(({ holds }) => !holds);
    expect(broken).toMatchObject({
      law: "rollup_events",
      firstBreak: { why: expect.stringContaining("in EUR have 0 revenue, its events 1.5") },
    });
  });

  test("an event of which nothing was counted, and that is gone, is named", async ({ expect }) => {
    const { id, event } = await burning(world);
    await edit(world, id, "DELETE FROM events WHERE seq = 9");
    expect((await booksOf(world, "ada")).laws.filter(({ holds }) => !holds)).toMatchObject([
      {
        law: "rows_there",
        firstBreak: { kind: "event", id: nth(event, 9), why: "is gone: 10 were made, 9 are there" },
      },
      {
        law: "rollup_events",
        firstBreak: { id: "2030-04-06", why: expect.stringContaining("1 events, its events 0") },
      },
    ]);
  });
});
