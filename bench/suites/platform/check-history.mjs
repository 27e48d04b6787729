import { readCustomerThingId } from "../../../src/domain/ids.ts";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { shown } from "../../harness/report.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { median } from "../../harness/statistics.mjs";
import { openAccount, openCustomer } from "../../harness/world.mjs";
import { batchRequest, getRequest } from "../../requests/makers.mjs";
import { BATCH_EVENTS, BATCH_PATH } from "../observe/batches.mjs";
import { checkPath, openPlan, subscribe, USAGE } from "./plans.mjs";

const EVICTIONS = 25;

/** Whether what was used before costs a check anything, and what the first one after an eviction costs. */
export const checkHistorySection = {
  name: "check-history",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Check history");
    const planId = await openPlan(world, account, { key: "used", features: 3, pricing: USAGE });
    const objectNames = {};
    for (const reference of ["long", "none"]) {
      const { id } = await openCustomer(world, account, reference);
      objectNames[reference] = `${account.accountId}/${readCustomerThingId(id).tag}`;
      await subscribe(world, account, reference, planId);
    }
    await world.client.drive({
      url: world.engine.addresses.engine,
      connections: 2,
      amount: options.historyEvents / BATCH_EVENTS,
      request: batchRequest({
        path: BATCH_PATH,
        headers: account.headers,
        customers: ["long"],
        feature: "used-0",
        size: BATCH_EVENTS,
      }),
    });
    const events = options.historyEvents.toLocaleString("en");
    const path = (reference) => checkPath(reference, "used-0");
    const { usage } = await check(world, account, path("long"));
    if (usage.used !== options.historyEvents) throw new Error(`counted ${usage.used} of ${events} units`);
    const probe = (name, reference) => ({
      name,
      instance: world.engine,
      job: {
        url: world.engine.addresses.engine,
        request: getRequest({ path: path(reference), headers: account.headers }),
      },
    });
    const [none, long] = ["check after none", `check after ${events}`];
    const figures = await interleave({
      client: world.client,
      probes: [probe(none, "none"), probe(long, "long")],
      connections: 1,
      rounds: options.rounds,
      seconds: options.seconds,
    });
    const wake = await wakes(world, account, path("long"), objectNames.long);
    return {
      figures: figuresOf(figures, 1),
      lines: [
        lineOver(figures, {
          name: `GET check with ${events} events in the period: p50`,
          measure: long,
          floor: none,
          field: "p50",
          target: { atMost: 1.1 },
        }),
        {
          name: "GET check right after its object was evicted: p50, more than warm",
          measure: shown(wake.cold, "ms"),
          floor: shown(wake.warm, "ms"),
          value: wake.cold - wake.warm,
          target: { atMost: 5, unit: "ms" },
        },
      ],
    };
  },
};

async function check(world, account, path) {
  const response = await fetch(world.engine.addresses.engine + path, { headers: account.headers });
  const { data } = await response.json();
  if (!response.ok || !data.allowed) throw new Error(`${path}: ${response.status} ${JSON.stringify(data)}`);
  return data;
}

/** Median duration of a check just after an eviction, and of the one behind it, in milliseconds. */
async function wakes(world, account, path, objectName) {
  const durations = { cold: [], warm: [] };
  for (let turn = 0; turn < EVICTIONS; turn += 1) {
    await world.engine.evict("engine", "CustomerObject", objectName);
    // A call elsewhere first: key, connection and this process's own code are warm, only the object is not.
    await (await fetch(`${world.engine.addresses.engine}/health`)).arrayBuffer();
    for (const kind of ["cold", "warm"]) {
      const startedMs = performance.now();
      await check(world, account, path);
      durations[kind].push(performance.now() - startedMs);
    }
  }
  return { cold: median(durations.cold), warm: median(durations.warm) };
}
