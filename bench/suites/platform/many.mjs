import { floorProbes } from "../../floors/floors.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { openAccount, openCustomer } from "../../harness/world.mjs";
import { getRequest } from "../../requests/makers.mjs";
import { checkPath, openPlan, subscribe, USAGE } from "./plans.mjs";

const PLANS = 3;
const FEATURES = 20;
const CONNECTIONS = 32;
const MEASURE = "GET check, many customers";

/** Checks of many customers in turn, each with three subscriptions to plans of twenty features. */
export const manySection = {
  name: "many",
  async run(world) {
    const { checkCustomers } = world.options;
    const account = await openAccount(world, "Many");
    const planIds = [];
    for (let index = 0; index < PLANS; index += 1)
      planIds.push(await openPlan(world, account, { key: `plan${index}`, features: FEATURES, pricing: USAGE }));
    const customers = Array.from({ length: checkCustomers }, (_, index) => `many-${index}`);
    for (let from = 0; from < customers.length; from += CONNECTIONS)
      await Promise.all(
        customers.slice(from, from + CONNECTIONS).map(async (reference) => {
          await openCustomer(world, account, reference);
          for (const planId of planIds) await subscribe(world, account, reference, planId);
        }),
      );
    const paths = customers.map((reference, index) => checkPath(reference, `plan${index % PLANS}-${index % FEATURES}`));
    const probes = [
      floorProbes(world.floors).find(({ name }) => name === "floor: object RPC"),
      {
        name: MEASURE,
        instance: world.engine,
        job: { url: world.engine.addresses.engine, request: getRequest({ paths, headers: account.headers }) },
      },
    ];
    const { rounds, seconds } = world.options;
    const figures = await interleave({ client: world.client, probes, connections: CONNECTIONS, rounds, seconds });
    return {
      figures: figuresOf(figures, CONNECTIONS),
      lines: [
        lineOver(figures, {
          name: `GET check over ${checkCustomers.toLocaleString("en")} customers, ${FEATURES} features, ${PLANS} subscriptions: per second`,
          measure: MEASURE,
          floor: "floor: object RPC",
          field: "unitsPerSecond",
          target: { atLeast: 0.75 },
        }),
      ],
    };
  },
};
