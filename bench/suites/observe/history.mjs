import { readCustomerThingId } from "../../../src/domain/ids.ts";
import { heapAround } from "../../harness/heap.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { shown } from "../../harness/report.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { median } from "../../harness/statistics.mjs";
import { openAccount, openCustomer } from "../../harness/world.mjs";
import { batchRequest, eventRequest } from "../../requests/makers.mjs";
import { BATCH_EVENTS, BATCH_PATH } from "./batches.mjs";
import { EVENT_PATH } from "./requests.mjs";

const EVICTIONS = 15;
const IMAGE_READS = 5;
const FLUSHED_AFTER_MS = 3500;
const IMAGE_KB_MAX = 100;
const WAKE_MS_MAX = 25;

/** Whether a customer's past costs anything: events, first call and memory of one with very many events and one with none. */
export const historySection = {
  name: "history",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "History");
    const long = await openKnown(world, account, "long");
    const none = await openKnown(world, account, "none");
    const loaded = await world.client.drive({
      url: world.engine.addresses.engine,
      connections: 2,
      amount: options.historyEvents / BATCH_EVENTS,
      request: batchRequest({
        path: BATCH_PATH,
        headers: account.headers,
        customers: ["long"],
        feature: "bench",
        size: BATCH_EVENTS,
      }),
    });
    const events = options.historyEvents.toLocaleString("en");
    const figures = await compareEvents(world, account, events);
    const wakes = await compareWakes(world, account, { long, none });
    const image = await imageBytes(world, account, long);
    const wake = Math.max(wakes.read.long - wakes.read.none, wakes.event.long - wakes.event.none);
    return {
      figures: figuresOf(figures, 1),
      lines: [
        lineOver(figures, {
          name: `single event with ${events} events already in the object: p50`,
          measure: `event after ${events}`,
          floor: "event after none",
          field: "p50",
          target: { atMost: 1.15 },
        }),
        {
          name: `object with ${events} events: first call after eviction, more than with none`,
          measure: shown(Math.max(wakes.read.long, wakes.event.long), "ms"),
          floor: shown(Math.max(wakes.read.none, wakes.event.none), "ms"),
          value: wake,
          target: { atMost: WAKE_MS_MAX, unit: "ms" },
        },
        {
          name: `object with ${events} events: memory it holds once awake`,
          measure: shown(image / 1024, "KB"),
          value: image / 1024,
          target: { atMost: IMAGE_KB_MAX, unit: "KB" },
        },
      ],
      told: [`history: ${events} events loaded in batches at ${shown(loaded.perSecond * BATCH_EVENTS)} events/s`],
    };
  },
};

async function openKnown(world, account, reference) {
  const customer = await openCustomer(world, account, reference);
  return { reference, objectName: `${account.accountId}/${readCustomerThingId(customer.id).tag}` };
}

function compareEvents(world, account, events) {
  const probe = (name, customer) => ({
    name,
    instance: world.engine,
    job: {
      url: world.engine.addresses.engine,
      statuses: [201],
      request: eventRequest({ path: EVENT_PATH, headers: account.headers, customers: [customer], feature: "bench" }),
    },
  });
  return interleave({
    client: world.client,
    probes: [probe("event after none", "none"), probe(`event after ${events}`, "long")],
    connections: 1,
    rounds: world.options.rounds,
    seconds: world.options.seconds,
  });
}

/** Median first call after an eviction, by kind of call and customer, in milliseconds. */
async function compareWakes(world, account, customers) {
  const calls = {
    read: (reference) => send(world, account, "GET", `/api/v1/client/customers/${reference}`),
    event: (reference) =>
      send(world, account, "POST", EVENT_PATH, {
        eventName: "wake",
        customerReferenceId: reference,
        featureKey: "bench",
      }),
  };
  const medians = {};
  for (const [kind, make] of Object.entries(calls)) {
    medians[kind] = {};
    const durations = { long: [], none: [] };
    for (let turn = 0; turn < EVICTIONS; turn += 1) {
      for (const [name, customer] of Object.entries(customers)) {
        await world.engine.evict("engine", "CustomerObject", customer.objectName);
        // A call elsewhere first: key, connection and this process's own code are warm, only the object is not.
        await send(world, account, "GET", "/health");
        const startedMs = performance.now();
        await make(customer.reference);
        durations[name].push(performance.now() - startedMs);
      }
    }
    for (const name of Object.keys(customers)) medians[kind][name] = median(durations[name]);
  }
  return medians;
}

/** What the isolate holds more, after collecting garbage, with the customer awake than with it evicted. */
async function imageBytes(world, account, customer) {
  return heapAround(world, {
    times: IMAGE_READS,
    before: () => world.engine.evict("engine", "CustomerObject", customer.objectName),
    between: async () => {
      const body = { eventName: "wake", customerReferenceId: customer.reference, featureKey: "bench" };
      await send(world, account, "POST", EVENT_PATH, body);
      await send(world, account, "GET", `/api/v1/client/customers/${customer.reference}`);
      // The alarm sends the event to D1 by now: rows on their way are no part of the image. Idle objects stay for 10 s.
      await new Promise((resolve) => setTimeout(resolve, FLUSHED_AFTER_MS));
    },
  });
}

async function send(world, account, method, path, body) {
  const response = await fetch(world.engine.addresses.engine + path, {
    method,
    headers: account.headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
}
