import { readCustomerThingId, spreadOf } from "../../../src/domain/ids.ts";
import { DAY_MS, WAKE_JITTER_MS } from "../../../src/domain/limits.ts";
import { insertFloor } from "../../floors/floors.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { call } from "../../harness/world.mjs";
import { getRequest } from "../../requests/makers.mjs";
import { checkPath, openPlan, USAGE } from "../platform/plans.mjs";
import {
  afterSetUp,
  awaitInvoices,
  openEndingAccount,
  openEndingCustomer,
  releaseCustomers,
  reportUsage,
  subscribeEnding,
  waitUntil,
} from "./ending.mjs";

const KEY = "closed";
const FEATURES = 20;
const FEW_EVENTS = 100;
/** As many of both: what is asked first after a floor takes longer than what follows. */
const PER_ROUND = 4;
const FLOORS_PER_ROUND = 50;
/** Periods closed before, so that the engine's code is as warm as the floor's, which has run as often by then. */
const WARM = 200;
/** Long enough for the log of those checks to be written, and short enough that objects are still awake. */
const WAKE_AHEAD_MS = 7500;
const COPIES_MS_MAX = 40_000;

/**
 * What the end of a period takes inside the object. The first to ask after that instant gets its answer once the period is closed, its
 * invoice made and all of it durable; copies in D1 follow later. So a check, asked right then, is held against a bare insert.
 */
export const closingSection = {
  name: "closing",
  async run(world) {
    const { closingEvents: manyEvents, rounds } = world.options;
    const features = Array.from({ length: FEATURES }, (_, index) => `${KEY}-${index}`);
    const prepare = async (account, { few, many, warm, events }) => {
      const planId = await openPlan(world, account, {
        key: KEY,
        features: FEATURES,
        priced: FEATURES,
        pricing: USAGE,
        intervalMonths: account.intervalMonths,
      });
      const late = await openLateRingers(world, account, { count: few + many + warm, planId });
      const [fewEnd, manyEnd] = [few, few + many];
      for (const [place, reference] of late.entries()) {
        const isMany = place >= fewEnd && place < manyEnd;
        await reportUsage(world, account, { reference, features, events: isMany ? events : FEW_EVENTS });
      }
      return { few: late.slice(0, fewEnd), many: late.slice(fewEnd, manyEnd), warm: late.slice(manyEnd) };
    };
    const trial = await openEndingAccount(world, { name: "Closing some day", endMs: Date.now() + DAY_MS });
    const part = { few: PER_ROUND, many: PER_ROUND, warm: Math.ceil(WARM / (rounds * 10)), events: manyEvents / 10 };
    const endMs = await afterSetUp(() => prepare(trial, part), 1 / (rounds * 10));
    const account = await openEndingAccount(world, { name: "Closing", endMs });
    const whole = { few: rounds * PER_ROUND, many: rounds * PER_ROUND, warm: WARM, events: manyEvents };
    const { few, many, warm } = await prepare(account, whole);
    await releaseCustomers(world, account);

    const check = (reference) => call(world, account.key, "GET", checkPath(reference, features[0]));
    await waitUntil(endMs - WAKE_AHEAD_MS);
    for (const reference of [...few, ...many, ...warm]) await check(reference);
    await waitUntil(endMs + 1);
    for (const reference of warm) await check(reference);

    const floor = insertFloor(world.floors);
    const names = {
      few: `close with ${FEW_EVENTS} events`,
      many: `close with ${manyEvents.toLocaleString("en")} events`,
    };
    const figures = new Map([floor.name, names.few, names.many].map((name) => [name, []]));
    const measure = async (name, instance, job) => {
      const result = await world.client.drive({ ...job, connections: 1, leavesFirstOut: true });
      figures.get(name).push({ ...result, unitsPerSecond: result.perSecond, memoryBytes: instance.memoryBytes() });
    };
    // The connection's first request asks for a customer whose period was closed before.
    const closing = (references) => ({
      url: world.engine.addresses.engine,
      request: getRequest({
        paths: [warm[0], ...references].map((reference) => checkPath(reference, features[0])),
        headers: account.headers,
      }),
      amount: references.length + 1,
    });
    for (let round = 0; round < rounds; round += 1) {
      await measure(floor.name, world.floors, { ...floor.job, amount: FLOORS_PER_ROUND });
      const [from, to] = [round * PER_ROUND, (round + 1) * PER_ROUND];
      await measure(names.few, world.engine, closing(few.slice(from, to)));
      await measure(names.many, world.engine, closing(many.slice(from, to)));
    }
    await mustBeBilled(world, account, {
      events: (few.length + warm.length) * FEW_EVENTS + many.length * manyEvents,
      customers: few.length + many.length + warm.length,
    });
    const line = (name, measured, against, atMost) =>
      lineOver(figures, { name, measure: measured, floor: against, field: "p50", target: { atMost } });
    return {
      figures: figuresOf(figures, 1),
      lines: [
        line(`${names.few} of ${FEATURES} usage features, in the object: p50`, names.few, floor.name, 3),
        line(`${names.many} of ${FEATURES} usage features, in the object: p50`, names.many, floor.name, 3),
        line(`${names.many}: p50, over the one with ${FEW_EVENTS}`, names.many, names.few, 1.15),
      ],
    };
  },
};

/** Customers whose alarms ring late: while they are measured, nobody else closes a period. */
async function openLateRingers(world, account, { count, planId }) {
  const references = [];
  for (let index = 0; references.length < count; index += 1) {
    const reference = `${KEY}-${index}`;
    const { id } = await openEndingCustomer(world, account, reference);
    if (spreadOf(readCustomerThingId(id).tag, WAKE_JITTER_MS) < WAKE_JITTER_MS / 2) continue;
    await subscribeEnding(world, account, { reference, planId });
    references.push(reference);
  }
  return references;
}

/** Every period that was measured must have been one with all its events in it. */
async function mustBeBilled(world, account, { customers, events }) {
  const found = await awaitInvoices(world, account, { count: customers, patienceMs: COPIES_MS_MAX });
  const totalMinor = Math.round(events * USAGE.price_per_unit * 100);
  if (found.invoices !== customers || found.totalMinor !== totalMinor)
    throw new Error(`billed ${JSON.stringify(found)} instead of ${customers} invoices of ${totalMinor} in all`);
}
