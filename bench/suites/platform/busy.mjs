import { insertFloor } from "../../floors/floors.mjs";
import { startClient } from "../../harness/client.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { openAccount, openCustomer } from "../../harness/world.mjs";
import { eventRequest, getRequest } from "../../requests/makers.mjs";
import { EVENT_PATH } from "../observe/requests.mjs";
import { checkPath, openPlan, subscribe, USAGE } from "./plans.mjs";

const EVENTS_PER_SECOND = 500;
const EVENT_CONNECTIONS = 8;
const MEASURE = "GET check, busy customer";

/** A check of a customer whose events come in at the same time: it must not queue behind their commits for long. */
export const busySection = {
  name: "busy",
  async run(world) {
    const { rounds, seconds } = world.options;
    const account = await openAccount(world, "Busy");
    const planId = await openPlan(world, account, { key: "busy", features: 1, pricing: USAGE });
    await openCustomer(world, account, "busy");
    await subscribe(world, account, "busy", planId);
    const url = world.engine.addresses.engine;
    const { headers } = account;
    const events = eventRequest({ path: EVENT_PATH, headers, customers: ["busy"], feature: "busy-0" });
    const floor = insertFloor(world.floors);
    const check = {
      name: MEASURE,
      instance: world.engine,
      job: { url, request: getRequest({ path: checkPath("busy", "busy-0"), headers }) },
    };
    const figures = new Map();
    const sender = startClient();
    try {
      // Each alone, turn by turn: the floor is quiet, and only the check has its customer's events around it.
      for (let round = 0; round < rounds; round += 1) {
        const quiet = await interleave({ client: world.client, probes: [floor], connections: 1, rounds: 1, seconds });
        const noise = sender.drive({
          url,
          request: events,
          statuses: [201],
          rate: EVENTS_PER_SECOND,
          connections: EVENT_CONNECTIONS,
          // The check's warm-up and its round, and a little around them.
          seconds: Math.ceil(Math.min(1, seconds) + seconds + 1),
        });
        const noisy = await interleave({ client: world.client, probes: [check], connections: 1, rounds: 1, seconds });
        await noise;
        for (const [name, one] of [...quiet, ...noisy]) figures.set(name, [...(figures.get(name) ?? []), ...one]);
      }
    } finally {
      await sender.stop();
    }
    return {
      figures: figuresOf(figures, 1),
      lines: [
        lineOver(figures, {
          name: `GET check while its customer receives ${EVENTS_PER_SECOND} events/s: p99`,
          measure: MEASURE,
          floor: floor.name,
          field: "p99",
          target: { atMost: 3 },
        }),
      ],
    };
  },
};
