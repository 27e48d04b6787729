import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterAll, describe, test, vi } from "vitest";
import { readRollups } from "../../src/customer/store.ts";
import { e12ToNumber, formatE12, needsExactTwin } from "../../src/domain/amount.ts";
import { DAY_MS, HOUR_MS } from "../../src/domain/limits.ts";
import type { Rollup } from "../../src/domain/rollup.ts";
import { dropEmptiedHours } from "../../src/ledger/upkeep.ts";
import { rollupsInD1, type Trouble, withD1 } from "../support/d1.ts";
import { brokenLaws } from "../support/edited.ts";
import { sqlOf } from "../support/tables.ts";
import { at, newWorld, type Receipt, type World } from "../support/world.ts";

/**
 * Customers of one account live through whatever a seed brings: events, repeats, batches, requests at the same instant,
 * evictions, aborts, alarms, clocks that jump, D1 away, slow or lying. A naive model listens. In the end everything is flushed
 * and every sum must be the model's: the object's events, its rollups, D1's rollups and the portfolio. A seed that failed once
 * is added to SEEDS.
 */

const SEEDS = [1, 2, 3];
const RUNS_PER_SEED = 12;
const STEPS_MAX = 25;
const START_MS = at("2030-03-05T10:30:00Z");

/** What a caller sends; `agoMs` before the instant of sending. */
type Sent = {
  customer: number;
  key: number;
  model: number;
  feature: number;
  costE12?: bigint;
  revenueE12?: bigint;
  agoMs: number;
};

type Step =
  | { kind: "event"; event: Sent }
  | { kind: "together"; events: Sent[] }
  | { kind: "batch"; events: Sent[] }
  | { kind: "evict" | "alarm" | "wake"; customer: number }
  | { kind: "abort" }
  | { kind: "clock"; ms: number }
  | { kind: "trouble"; trouble: Trouble; steps: Step[] };

const CUSTOMERS = 3;
const amount = fc.option(fc.oneof(fc.bigInt(0n, 10n ** 26n), fc.constantFrom(0n, 1n, 999_999_999_999n)), {
  nil: undefined,
});
const customer = fc.nat(CUSTOMERS - 1);
const sent: fc.Arbitrary<Sent> = fc
  .record({
    customer,
    key: fc.nat(30),
    model: fc.nat(1),
    feature: fc.nat(1),
    costE12: amount,
    revenueE12: amount,
    agoMs: fc.oneof(fc.constant(0), fc.nat(HOUR_MS), fc.nat(60 * DAY_MS)),
  })
  .map(({ costE12, revenueE12, ...rest }) => ({
    ...rest,
    ...(costE12 === undefined ? {} : { costE12 }),
    ...(revenueE12 === undefined ? {} : { revenueE12 }),
  }));

const calm: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("event" as const), event: sent }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("together" as const),
      events: fc.array(sent, { minLength: 2, maxLength: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("batch" as const),
      events: fc.array(sent, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom("evict" as const, "alarm" as const, "wake" as const), customer }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "abort" }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      ms: fc.oneof(fc.nat(20 * DAY_MS), fc.integer({ min: -HOUR_MS, max: HOUR_MS })),
    }),
  },
);
const trouble: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("trouble" as const),
  trouble: fc.constantFrom<Trouble>("away", "slow", "answer lost", "doubled", "late"),
  steps: fc.array(calm, { minLength: 1, maxLength: 8 }),
});
const life = fc.array(fc.oneof({ weight: 4, arbitrary: calm }, { weight: 1, arbitrary: trouble }), {
  minLength: 5,
  maxLength: STEPS_MAX,
});

/** The naive model: each customer's events by key, as the first one that was taken. */
type Model = Map<string, { event: Sent; atMs: number; receipt: string }>;

/** Hears one answer. Nothing is refused but repeats and, while D1 is in trouble, what needs D1. */
function hear(
  model: Model,
  event: Sent,
  atMs: number,
  inTrouble: boolean,
  status: string,
  receipt: Receipt | undefined,
): void {
  const key = `${event.customer} ${event.key}`;
  const text = JSON.stringify(receipt);
  const first = model.get(key);
  if (status === "accepted" && first === undefined) model.set(key, { event, atMs, receipt: text });
  else if (status === "accepted") throw new Error(`${key} was taken twice`);
  else if (status === "duplicate" && first?.receipt !== text) throw new Error(`${key} got another receipt: ${text}`);
  else if (status === "unavailable" && !inTrouble) throw new Error(`${key} was refused without a reason`);
}

/** Sums by customer, UTC day and model, from anything that can be counted. */
type Counted = {
  customer: string;
  atMs: number;
  model: string;
  events: number;
  unknown: number;
  costE12: bigint;
  revenueE12: bigint;
};

function sumsOf(items: Iterable<Counted>): Record<string, string> {
  const sums = new Map<string, [number, number, bigint, bigint]>();
  for (const { customer, atMs, model, events, unknown, costE12, revenueE12 } of items) {
    const key = `${customer} ${new Date(atMs).toISOString().slice(0, 10)} ${model}`;
    const [a, b, c, d] = sums.get(key) ?? [0, 0, 0n, 0n];
    sums.set(key, [a + events, b + unknown, c + costE12, d + revenueE12]);
  }
  return Object.fromEntries(
    [...sums]
      .filter(([, [events]]) => events > 0)
      .map(([key, sum]) => [key, sum.join(" ")])
      .toSorted(),
  );
}

function* countModel(model: Model): Iterable<Counted> {
  for (const { event, atMs } of model.values()) {
    const { costE12, revenueE12 } = event;
    const unknown = costE12 === undefined ? 1 : 0;
    yield {
      customer: `c${event.customer}`,
      atMs,
      model: `m${event.model}`,
      events: 1,
      unknown,
      costE12: costE12 ?? 0n,
      revenueE12: revenueE12 ?? 0n,
    };
  }
}

/** Runs a life and gives back the batches that D1 has still to see, late. */
async function live(
  world: World,
  model: Model,
  ids: Map<number, string>,
  steps: readonly Step[],
  inTrouble: boolean,
): Promise<(() => Promise<void>)[]> {
  const late: (() => Promise<void>)[] = [];
  const bodyOf = (event: Sent) => ({
    eventName: "x",
    customerReferenceId: `c${event.customer}`,
    eventIdempotencyKey: `k${event.key}`,
    ...(event.feature === 0 ? {} : { featureKey: `f${event.feature}` }),
    costInput: { model: `m${event.model}` },
    ...(event.costE12 === undefined ? {} : { costAmount: formatE12(event.costE12) }),
    ...(event.revenueE12 === undefined ? {} : { revenueAmount: formatE12(event.revenueE12) }),
    occurredAt: new Date(Date.now() - event.agoMs).toISOString(),
  });
  const tell = (event: Sent, status: string, receipt: Receipt | undefined) => {
    if (receipt !== undefined) ids.set(event.customer, receipt.customerId);
    hear(model, event, Date.now() - event.agoMs, inTrouble, status, receipt);
  };
  const one = async (event: Sent) => {
    const { status, data } = await world.event(bodyOf(event));
    const known: Record<number, string> = { 201: "accepted", 409: "duplicate", 503: "unavailable" };
    return { event, status: known[status] ?? `answered ${status}`, receipt: data };
  };
  for (const step of steps) {
    switch (step.kind) {
      case "event":
      case "together": {
        const asked = (step.kind === "event" ? [step.event] : step.events).map(one);
        // A flush is under way while they come.
        const wakes = step.kind === "event" ? [] : [...ids.values()].map((id) => world.object(id).wake());
        const [heard] = await Promise.all([Promise.all(asked), Promise.all(wakes)]);
        // Of requests at one instant any may be first: the others' receipts are its.
        for (const { event, status, receipt } of heard.toSorted((a, b) => (a.status < b.status ? -1 : 1)))
          tell(event, status, receipt);
        break;
      }
      case "batch": {
        const answer = await world.batch(step.events.map(bodyOf));
        for (const [index, event] of step.events.entries()) {
          const line = answer.data?.results[index];
          tell(event, line === undefined ? `unavailable` : (line.error?.code ?? line.status), line?.receipt);
        }
        break;
      }
      case "abort":
        await abortAllDurableObjects();
        break;
      case "clock":
        vi.setSystemTime(Date.now() + step.ms);
        break;
      case "trouble":
        late.push(
          ...(await withD1(step.trouble, async (seen) => {
            await live(world, model, ids, step.steps, true);
            return seen.delayed;
          })),
        );
        break;
      default: {
        const id = ids.get(step.customer);
        if (id === undefined) break;
        if (step.kind === "evict") {
          // Only an object that runs can be evicted, and an abort may have ended it.
          await world.object(id).view();
          await evictDurableObject(world.object(id));
        } else if (step.kind === "alarm") await runDurableObjectAlarm(world.object(id));
        else await world.object(id).wake();
      }
    }
  }
  return late;
}

async function compare(world: World, model: Model, ids: Map<number, string>): Promise<void> {
  const expected = sumsOf(countModel(model));
  const countRollup = (customer: string, rollup: Rollup): Counted => ({
    ...rollup,
    customer,
    atMs: rollup.bucketStartMs,
    unknown: rollup.costUnknownEvents,
  });
  const inEvents: Counted[] = [];
  const inObjects: Counted[] = [];
  for (const [customer, id] of ids) {
    const { items, total } = await world.object(id).events({}, { limit: 1000, offset: 0 });
    if (total !== items.length) throw new Error("the model's lives are shorter than a page");
    for (const { occurredAtMs: atMs, model: name, costE12, revenueE12 = 0n } of items)
      inEvents.push({
        customer: `c${customer}`,
        atMs,
        model: name,
        events: 1,
        unknown: costE12 === undefined ? 1 : 0,
        costE12: costE12 ?? 0n,
        revenueE12,
      });
    const rollups = await runInDurableObject(world.object(id), (object) => readRollups(sqlOf(object), ""));
    const broken = await brokenLaws(world, id);
    if (broken.length > 0) throw new Error(`laws of the books: ${broken}`);
    inObjects.push(...rollups.map((rollup) => countRollup(`c${customer}`, rollup)));
  }
  const names = new Map([...ids].map(([customer, id]) => [id, `c${customer}`]));
  const rollups = await rollupsInD1(world.accountId);
  const inD1 = rollups.map((rollup) => countRollup(names.get(rollup.customerId) ?? "nobody", rollup));
  const places = { "the object's events": inEvents, "the object's rollups": inObjects, "D1's rollups": inD1 };
  for (const [place, counted] of Object.entries(places)) {
    const sums = sumsOf(counted);
    if (JSON.stringify(sums) !== JSON.stringify(expected))
      throw new Error(`${place}: ${JSON.stringify(sums)} instead of ${JSON.stringify(expected)}`);
  }

  const all = [...countModel(model)];
  const total = (of: (counted: Counted) => bigint) => all.reduce((sum, counted) => sum + of(counted), 0n);
  const { data } = await world.call<{ totals: Record<string, unknown> }>(
    "GET",
    "/api/v1/analytics/portfolio?start=2029-01-01T00:00:00Z&end=2040-01-01T00:00:00Z",
  );
  for (const [name, value] of [
    ["cost", total(({ costE12 }) => costE12)],
    ["revenue", total(({ revenueE12 }) => revenueE12)],
  ] as const) {
    const shown = needsExactTwin(value) ? data.totals[`${name}Exact`] : data.totals[name];
    const right = needsExactTwin(value) ? formatE12(value) : e12ToNumber(value);
    if (shown !== right) throw new Error(`the portfolio's ${name} is ${shown} instead of ${right}`);
  }
  if (data.totals.events !== all.length)
    throw new Error(`the portfolio has ${data.totals.events} events instead of ${all.length}`);
}

afterAll(() => {
  vi.useRealTimers();
});

describe("holds", () => {
  for (const seed of SEEDS) {
    test(`every sum is the model's, whatever happens: seed ${seed}`, { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(life, async (steps) => {
          vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
          const world = await newWorld();
          const model: Model = new Map();
          const ids = new Map<number, string>();
          const late = await live(world, model, ids, steps, false);
          await world.flush(...ids.values());
          // Batches that were lost on the way arrive after all, the oldest last; and the broom sweeps.
          for (const apply of late.toReversed()) await apply();
          await dropEmptiedHours(env.DB, [world.accountId], Date.now());
          await compare(world, model, ids);
        }),
        // Shrinking a life takes minutes: switch it on to study a failure.
        { seed, numRuns: RUNS_PER_SEED, endOnFailure: true },
      );
    });
  }
});
